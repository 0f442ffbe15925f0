//! Everything about an order: what was asked for and by whom, its charges with their arithmetic, what paid it or came back.

use super::{FileNames, Place};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::terminal::{Align, Sheet, decimal, facts, money};
use reckoner_core::life::waiting::Back;
use reckoner_core::life::{OrderApproval, OrderCharge};
use reckoner_core::number::{Money, QUANTITY_SCALE, format_trimmed};
use reckoner_core::pay::PaymentLine;
use reckoner_core::rate::Charge;
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_store::{KnownOrder, OrderOrigin};
use serde_json::{Value, json};

/// Everything about an order.
#[derive(Debug, Clone)]
pub struct OrderStory {
    /// The order and what became of it.
    pub order: KnownOrder,
    /// Where it was delivered; nothing: the engine made it, an automatic renewal.
    pub place: Option<Place>,
    /// Its charges.
    pub charges: Vec<Charge>,
    /// Its payment lines, in the order made.
    pub payments: Vec<PaymentLine>,
    /// What would come back by it once it is approved, a period each.
    pub waiting: Vec<Back>,
}

impl OrderStory {
    /// The discount voucher that it used, and what that took off.
    pub fn lowered_by(&self) -> Option<(&str, Money)> {
        let mut lowered = self.charges.iter().filter_map(|charge| Some((charge.lowered_by()?, charge.amounts.discount)));
        let (voucher_id, first) = lowered.next()?;
        Some((voucher_id, lowered.fold(first, |sum, (_, amount)| sum + amount)))
    }

    /// Whether the order's amount is what its charges come to, where it has any.
    pub fn charges_add_up(&self) -> bool {
        let charged: Money = self.charges.iter().map(|charge| charge.amounts.due).sum();
        self.charges.is_empty() || self.order.state.amount == Some(charged)
    }
}

/// The order that an id means, or that one of its charges belongs to; nothing where it is no order's.
pub(super) fn find(books: &Books, id: &str) -> Result<Option<OrderStory>, Failure> {
    if let Some(order) = books.store().order(id)? {
        return story(books, order).map(Some);
    }
    if !id.starts_with("ch_") {
        return Ok(None);
    }
    let of_orders = books.store().order_charges(EVER, None)?;
    let Some(found) = of_orders.into_iter().find(|found| found.charge.charge_id == id) else { return Ok(None) };
    let order = books.store().order(&found.order_id)?;
    order.map(|order| story(books, order)).transpose()
}

const EVER: Window = Window::new(Instant::MIN, Instant::MAX);

fn story(books: &Books, order: KnownOrder) -> Result<OrderStory, Failure> {
    let (account_id, order_id) = (&order.row.account_id, &order.row.order_id);
    let is_its_own = |found: &OrderCharge| found.order_id == *order_id;
    let charges = books.store().order_charges(EVER, Some(account_id))?.into_iter().filter(is_its_own);
    let charges: Vec<Charge> = charges.map(|found| found.charge).collect();
    let mut payments = Vec::new();
    if let Some(charge) = charges.first() {
        payments = books.store().order_payments_in_period(account_id, &charge.billing_period)?;
        payments.retain(|line| line.paid_for == *order_id);
    }
    let place = match &order.origin {
        OrderOrigin::File { file_id, line, .. } => Some(FileNames::read(books)?.place(file_id, *line)),
        OrderOrigin::Engine => None,
    };
    let mut waiting = Vec::new();
    if order.state.waits_for.is_some() {
        let resources = books.store().resources_of(std::slice::from_ref(account_id))?;
        let refunds = resources.into_iter().filter_map(|resource| resource.waiting_refund);
        waiting.extend(refunds.filter(|refund| refund.order_id == *order_id).flat_map(|refund| refund.backs));
    }
    Ok(OrderStory { place, charges, payments, waiting, order })
}

/// For a person.
pub(super) fn text(books: &Books, story: &OrderStory) -> String {
    let (row, state) = (&story.order.row, &story.order.state);
    let currency = story.charges.first().map_or("", |charge| charge.currency.as_str());
    let at = |instant: Instant| books.zone.to_text(instant);
    let mut pairs = vec![
        ("order", format!("{} ({})", row.order_id, row.kind.as_str())),
        ("status", state.status.as_str().to_owned()),
        ("account", row.account_id.clone()),
        ("resource", row.resource_id.clone()),
        ("placed", at(row.placed_at)),
    ];
    pairs.extend(state.done_at.map(|done_at| ("took effect", at(done_at))));
    pairs.extend(state.refusal.clone().map(|refusal| ("refused", refusal)));
    pairs.extend(state.waits_for.clone().map(|waits_for| ("waits for", waits_for)));
    if let Some(OrderApproval { approved_by, approved_at, reason, .. }) = &story.order.approval {
        let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        pairs.push(("approved", format!("{} by {approved_by}{why}", at(*approved_at))));
    }
    let amounts = [("amount", state.amount), ("consumed", state.consumed), ("refund", state.refund), ("fee", state.fee)];
    pairs.extend(amounts.into_iter().filter_map(|(name, amount)| Some((name, money(amount?, currency)))));
    pairs.extend(story.lowered_by().map(|(voucher_id, amount)| {
        ("lowered", format!("by {} with the discount voucher {voucher_id}, used up by it", money(amount, currency)))
    }));
    let from = story.place.as_ref().map_or("the engine: an automatic renewal".to_owned(), Place::to_string);
    pairs.push(("from", from));
    pairs.extend(story.order.placed_by.clone().map(|placed_by| ("placed by", placed_by)));
    let mut text = facts(&pairs);
    if !story.charges.is_empty() {
        text += "\ncharges: due = list - discount - truncated\n";
        text += &charges_sheet(story, books).to_text();
    }
    if !story.waiting.is_empty() {
        text += "\nwhat would come back: refund = paid - consumed - fee\n";
        text += &waiting_sheet(story, books).to_text();
    }
    if !story.payments.is_empty() {
        text += "\npaid by, and gone back to\n";
        text += &payments_sheet(story).to_text();
    }
    if !story.charges_add_up() {
        text += "\nthe charges do not come to the order's amount: run `reckoner verify`\n";
    }
    text
}

fn charges_sheet(story: &OrderStory, books: &Books) -> Sheet {
    let right = Align::Right;
    let columns = [
        ("resource", Align::Left),
        ("for", Align::Left),
        ("units", right),
        ("list", right),
        ("due", right),
        ("service", Align::Left),
    ];
    let mut sheet = Sheet::new(&columns);
    for charge in &story.charges {
        let units = match charge.unit_price {
            Some(price) => {
                format!("{} x {}", decimal(charge.quantity.e12()), decimal(price.e12()))
            }
            None => decimal(charge.quantity.e12()),
        };
        let what = format!("{} of {}", charge.charge_type.as_str(), charge.key.sku);
        let (list, due) = (money(charge.amounts.list, ""), money(charge.amounts.due, &charge.currency));
        let service = charge.key.window;
        let service = format!("{} to {}", books.zone.date_of(service.start), books.zone.date_of(service.end.plus_seconds(-1)));
        sheet.row([charge.key.resource_id.clone(), what, units, list, due, service]);
    }
    sheet
}

fn waiting_sheet(story: &OrderStory, books: &Books) -> Sheet {
    let right = Align::Right;
    let columns = [
        ("resource", Align::Left),
        ("paid", right),
        ("consumed", right),
        ("fee", right),
        ("refund", right),
        ("service", Align::Left),
    ];
    let mut sheet = Sheet::new(&columns);
    for back in &story.waiting {
        let [paid, consumed, fee, refund] = [back.paid, back.consumed, back.fee, back.refund].map(|amount| money(amount, ""));
        let Window { start, end } = back.service;
        let service = format!("{} to {}", books.zone.date_of(start), books.zone.date_of(end.plus_seconds(-1)));
        sheet.row([back.resource_id.clone(), paid, consumed, fee, refund, service]);
    }
    sheet
}

fn payments_sheet(story: &OrderStory) -> Sheet {
    let mut sheet = Sheet::new(&[("kind", Align::Left), ("source", Align::Left), ("amount", Align::Right)]);
    for line in &story.payments {
        let source = match &line.source_id {
            Some(id) => format!("{} {id}", line.source.as_str()),
            None => line.source.as_str().to_owned(),
        };
        sheet.row([line.kind.as_str().to_owned(), source, money(line.amount, &line.currency)]);
    }
    sheet
}

/// For a script.
pub(super) fn document(books: &Books, story: &OrderStory) -> Value {
    let (row, state) = (&story.order.row, &story.order.state);
    let amount = |amount: Option<Money>| amount.map(|amount| amount.to_string());
    let charges: Vec<Value> = story
        .charges
        .iter()
        .map(|charge| {
            json!({
                "charge_id": charge.charge_id,
                "charge_type": charge.charge_type.as_str(),
                "resource_id": charge.key.resource_id,
                "sku": charge.key.sku,
                "price_id": charge.key.price_id,
                "window_start": books.zone.to_text(charge.key.window.start),
                "window_end": books.zone.to_text(charge.key.window.end),
                "quantity": format_trimmed(charge.quantity.e12(), QUANTITY_SCALE),
                "unit_price": charge.unit_price.map(|price| format_trimmed(price.e12(), QUANTITY_SCALE)),
                "list_amount": charge.amounts.list.to_string(),
                "discount_amount": charge.amounts.discount.to_string(),
                "truncated_amount": charge.amounts.truncated.to_string(),
                "due_amount": charge.amounts.due.to_string(),
                "currency": charge.currency,
            })
        })
        .collect();
    let payments: Vec<Value> = story
        .payments
        .iter()
        .map(|line| {
            json!({
                "payment_id": line.payment_id,
                "kind": line.kind.as_str(),
                "source": line.source.as_str(),
                "source_id": line.source_id,
                "amount": line.amount.to_string(),
            })
        })
        .collect();
    json!({
        "kind": "order",
        "order_id": row.order_id,
        "order_kind": row.kind.as_str(),
        "account_id": row.account_id,
        "resource_id": row.resource_id,
        "status": state.status.as_str(),
        "placed_at": books.zone.to_text(row.placed_at),
        "done_at": state.done_at.map(|at| books.zone.to_text(at)),
        "amount": amount(state.amount),
        "consumed_amount": amount(state.consumed),
        "refund_amount": amount(state.refund),
        "fee_amount": amount(state.fee),
        "refusal": state.refusal,
        "waits_for": state.waits_for,
        "placed_by": story.order.placed_by,
        "approval": approval_document(&story.order, books.zone),
        "would_come_back": waiting_document(books, story),
        "discount_voucher": story.lowered_by().map(|(voucher_id, amount)| json!({ "voucher_id": voucher_id, "amount": amount.to_string() })),
        "file": story.place.as_ref().map(|place| json!({ "file": place.file, "line": place.line, "file_id": place.file_id })),
        "charges": charges,
        "charges_add_up": story.charges_add_up(),
        "payments": payments,
    })
}

fn waiting_document(books: &Books, story: &OrderStory) -> Vec<Value> {
    let one = |back: &Back| {
        json!({
            "resource_id": back.resource_id,
            "paid_amount": back.paid.to_string(),
            "consumed_amount": back.consumed.to_string(),
            "fee_amount": back.fee.to_string(),
            "refund_amount": back.refund.to_string(),
            "service": [books.zone.to_text(back.service.start), books.zone.to_text(back.service.end)],
        })
    };
    story.waiting.iter().map(one).collect()
}

/// Who approved an order's refund, when and why.
pub fn approval_document(order: &KnownOrder, zone: Zone) -> Value {
    let Some(OrderApproval { approved_by, approved_at, reason, .. }) = &order.approval else { return Value::Null };
    json!({ "approved_by": approved_by, "approved_at": zone.to_text(*approved_at), "reason": reason })
}

//! `orders place`: an order as a row like a delivered one. `orders list`: orders and what became of them.

use super::Answer;
use super::args::orders::{OrdersListArgs, PlaceArgs};
use super::order_row::{Common, Owners};
use super::placing::{self, Placed};
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::terminal::{Align, Sheet, counted, facts, last_covered, money, on_the_clock};
use reckoner_core::life::OrderStatus;
use reckoner_core::number::Money;
use reckoner_core::table::OrderKind;
use reckoner_core::time::{Instant, Zone};
use reckoner_store::KnownOrder;
use serde_json::{Value, json};

/// Columns that a line of the list has at most: ids are long.
const LIST_WIDTH: usize = 160;

/// `orders place`.
pub fn place(caller: &Caller, args: &PlaceArgs) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let account_id = match (args.kind, &args.account) {
        // An account that is not known goes the way of a row that names one: into quarantine, until it is.
        (_, Some(account_id)) => account_id.clone(),
        (OrderKind::Purchase, None) => {
            return Err(Failure::usage("nobody is named who buys").at("--account").hint("a purchase names its account"));
        }
        (_, None) => Owners::load(&books)?.of(&args.resource, None)?,
    };
    let placed_at = args.placed_at.map_or(books.as_of, |when| when.resolve(books.zone));
    let common = Common { kind: args.kind, placed_at, terms: args.terms.cells() };
    let draft = common.draft(&books, &account_id, &args.resource, args.order_id.as_deref())?;
    let placed = placing::place(&mut books, &[draft])?.pop().expect("what is placed has an outcome");
    if placed.state.status == OrderStatus::Refused {
        return Err(refused(&placed));
    }
    let currency = currency_of(&books, &account_id)?;
    Ok(Answer::done(placed_text(&placed, &currency, books.zone), placed_document(&placed, &currency, books.zone)))
}

/// The order was taken and could not be carried out.
fn refused(placed: &Placed) -> Failure {
    let why = placed.state.refusal.as_deref().unwrap_or("no reason is known");
    let saw = match placed.is_duplicate {
        true => format!("the {} of `{}` was placed before and refused: {why}", placed.row.kind.as_str(), placed.row.resource_id),
        false => format!("the {} of `{}` is refused: {why}", placed.row.kind.as_str(), placed.row.resource_id),
    };
    Failure::policy(saw)
        .at(format!("order {}", placed.row.order_id))
        .hint("it is kept as refused and moved nothing; once what is in the way is put right, place it anew")
}

fn currency_of(books: &Books, account_id: &str) -> Result<String, Failure> {
    Ok(books.accounts()?.currency(account_id).unwrap_or_default().to_owned())
}

fn placed_text(placed: &Placed, currency: &str, zone: Zone) -> String {
    let (row, state) = (&placed.row, &placed.state);
    let heading = match (placed.is_duplicate, state.status) {
        (true, _) => "known already: nothing of it has effect again",
        (false, OrderStatus::Pending) if state.waits_for.is_some() => "placed, and its refund waits for approval",
        (false, OrderStatus::Pending) => "placed, and waits for its instant",
        (false, OrderStatus::Done | OrderStatus::Refused) => "placed and carried out",
    };
    let mut lines = vec![
        ("order", row.order_id.clone()),
        ("kind", format!("{} of {} for {}", row.kind.as_str(), row.resource_id, row.account_id)),
        ("placed", on_the_clock(row.placed_at, zone)),
    ];
    lines.extend(state.done_at.map(|at| ("done", on_the_clock(at, zone))));
    let amounts = [("amount", state.amount), ("kept", state.consumed), ("fee", state.fee), ("returned", state.refund)];
    lines.extend(amounts.into_iter().filter_map(|(name, amount)| Some((name, money(amount?, currency)))));
    lines.extend(placed.expires_at.map(|at| ("expires", last_covered(at, zone))));
    lines.extend(state.waits_for.clone().map(|waits_for| ("waits for", waits_for)));
    format!("{heading}\n{}", facts(&lines))
}

/// What became of an order, for a script.
pub(super) fn placed_document(placed: &Placed, currency: &str, zone: Zone) -> Value {
    let (row, state) = (&placed.row, &placed.state);
    let amount = |amount: Option<Money>| amount.map(|amount| amount.to_string());
    let instant = |at: Option<Instant>| at.map(|at| zone.to_text(at));
    json!({
        "order_id": row.order_id,
        "account_id": row.account_id,
        "kind": row.kind.as_str(),
        "resource_id": row.resource_id,
        "duplicate": placed.is_duplicate,
        "status": state.status.as_str(),
        "placed_at": zone.to_text(row.placed_at),
        "done_at": instant(state.done_at),
        "amount": amount(state.amount),
        "consumed_amount": amount(state.consumed),
        "refund_amount": amount(state.refund),
        "fee_amount": amount(state.fee),
        "currency": currency,
        "refusal": state.refusal,
        "waits_for": state.waits_for,
        "expires_at": instant(placed.expires_at),
    })
}

/// `orders list`.
pub fn list(caller: &Caller, args: &OrdersListArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let range = books.session.range(args.from, args.to)?;
    let mut orders = books.store().orders(range)?;
    orders.retain(|order| args.account.as_ref().is_none_or(|wanted| *wanted == order.row.account_id));
    orders.retain(|order| !args.waiting || order.state.waits_for.is_some());
    orders.sort_by(|a, b| (a.row.placed_at, &a.row.order_id).cmp(&(b.row.placed_at, &b.row.order_id)));
    let accounts = books.accounts()?;
    let currency = |order: &KnownOrder| accounts.currency(&order.row.account_id).unwrap_or_default().to_owned();

    let mut sheet = Sheet::new(&[
        ("placed", Align::Whole),
        ("account", Align::Left),
        ("resource", Align::Whole),
        ("kind", Align::Left),
        ("status", Align::Left),
        ("amount", Align::Right),
        ("why", Align::Left),
        ("order", Align::Whole),
    ])
    .at_most(LIST_WIDTH);
    for order in &orders {
        let KnownOrder { row, state, .. } = order;
        let why = state.refusal.as_deref().or(state.waits_for.as_deref());
        let code = why.map_or("", |why| why.split(':').next().unwrap_or(why));
        sheet.row([
            on_the_clock(row.placed_at, books.zone),
            row.account_id.clone(),
            row.resource_id.clone(),
            row.kind.as_str().to_owned(),
            state.status.as_str().to_owned(),
            state.amount.map(|amount| money(amount, &currency(order))).unwrap_or_default(),
            code.to_owned(),
            row.order_id.clone(),
        ]);
    }
    let text = match orders.is_empty() {
        true if args.waiting => "no refund waits for approval here\n".to_owned(),
        true => "no order was placed here\n".to_owned(),
        false => format!("{}\n{}\n", sheet.to_text(), counted(orders.len() as u64, "order", "orders")),
    };
    let shown = |order: &KnownOrder| {
        let placed = Placed { row: order.row.clone(), is_duplicate: false, state: order.state.clone(), expires_at: None };
        let mut document = placed_document(&placed, &currency(order), books.zone);
        let facts = document.as_object_mut().expect("it is an object");
        facts.retain(|name, _| name != "duplicate" && name != "expires_at");
        document
    };
    let document = json!({ "orders": orders.iter().map(shown).collect::<Vec<_>>() });
    Ok(Answer::done(text, document))
}

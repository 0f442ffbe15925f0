//! A story for a script: everything, amounts and quantities as text, instants in the billing zone.

use super::charge::ChargeStory;
use super::equation::{Equation, Offer, Priced, Totals};
use super::rows::{RowState, UsedRow};
use super::settlement::SettlementStory;
use super::{LineCharge, Place};
use crate::books::Books;
use reckoner_core::number::{Money, QUANTITY_SCALE, Quantity, UnitPrice, format_trimmed};
use reckoner_core::pay::PaymentLine;
use reckoner_core::rate::{Amounts, Charge};
use reckoner_core::table::{PriceModel, Tier};
use reckoner_core::time::Instant;
use reckoner_store::SettlementRecord;
use serde_json::{Value, json};

struct Writer<'a> {
    books: &'a Books,
}

pub(super) fn charge(books: &Books, story: &ChargeStory) -> Value {
    let write = Writer { books };
    json!({
        "kind": "charge",
        "charge": write.charge(&story.charge),
        "price": write.price(story),
        "equation": write.equation(&story.equation, &story.charge),
        "line": story.line.iter().map(|one| write.line_charge(one)).collect::<Vec<_>>(),
        "rows": story.rows.rows.iter().map(|row| write.row(row)).collect::<Vec<_>>(),
        "rows_quantity": quantity(story.rows.sum),
        "line_quantity": quantity(story.line_quantity),
        "rows_add_up": story.rows_add_up(),
        "comes_out": story.equation.comes_out(&story.charge),
        "settlement": story.settlement.as_ref().map(|row| write.settlement(row)),
        "payments": story.payments.iter().map(|line| write.payment(line)).collect::<Vec<_>>(),
    })
}

pub(super) fn settlement(books: &Books, story: &SettlementStory) -> Value {
    let write = Writer { books };
    json!({
        "kind": "settlement",
        "settlement": write.settlement(&story.settlement),
        "charges": story.charges.iter().map(|charge| write.charge(charge)).collect::<Vec<_>>(),
        "charges_due": write.money(story.charged()),
        "charges_add_up": story.charges_add_up(),
        "sources_add_up": story.sources_add_up(),
        "payments": story.payments.iter().map(|line| write.payment(line)).collect::<Vec<_>>(),
        "open_now": write.money(story.open_now),
    })
}

fn quantity(quantity: Quantity) -> String {
    format_trimmed(quantity.e12(), QUANTITY_SCALE)
}

fn price(price: UnitPrice) -> String {
    format_trimmed(price.e12(), QUANTITY_SCALE)
}

fn place(place: &Place) -> Value {
    json!({ "file": place.file, "line": place.line, "file_id": place.file_id })
}

impl Writer<'_> {
    fn at(&self, instant: Instant) -> Option<String> {
        (instant != Instant::MIN && instant != Instant::MAX).then(|| self.books.zone.to_text(instant))
    }

    fn money(&self, amount: Money) -> String {
        amount.to_text(self.books.profile.fee_scale.digits())
    }

    fn amounts(&self, amounts: Amounts) -> Value {
        json!({
            "list_amount": self.money(amounts.list),
            "discount_amount": self.money(amounts.discount),
            "truncated_amount": self.money(amounts.truncated),
            "due_amount": self.money(amounts.due),
        })
    }

    fn charge(&self, charge: &Charge) -> Value {
        let key = &charge.key;
        let mut document = self.amounts(charge.amounts);
        let facts = json!({
            "charge_id": charge.charge_id,
            "settlement_id": charge.settlement_id,
            "account_id": key.account_id,
            "resource_id": key.resource_id,
            "sku": key.sku,
            "price_id": key.price_id,
            "product": charge.product,
            "billing_mode": charge.billing_mode.as_str(),
            "charge_type": charge.charge_type.as_str(),
            "window_start": self.at(key.window.start),
            "window_end": self.at(key.window.end),
            "billing_period": charge.billing_period,
            "quantity": quantity(charge.quantity),
            "waived_quantity": quantity(charge.waived),
            "unit": charge.unit,
            "unit_price": charge.unit_price.map(price),
            "currency": charge.currency,
            "corrects": charge.corrects,
            "reason": charge.reason,
            "region": charge.region,
            "cost_center": charge.cost_center,
            "tags": charge.tags,
            "transaction_at": self.at(charge.transaction_at),
        });
        merge(&mut document, facts);
        document
    }

    fn line_charge(&self, one: &LineCharge) -> Value {
        let mut document = self.charge(&one.charge);
        document["is_this"] = one.is_this.into();
        document
    }

    fn price(&self, story: &ChargeStory) -> Value {
        let row = &story.price.price.row;
        json!({
            "price_id": story.price.price.price_id,
            "sku": row.sku,
            "product": row.product,
            "currency": row.currency,
            "unit": row.unit.as_str(),
            "unit_price": price(row.unit_price),
            "model": self.model(&row.model),
            "settle": row.settle.as_str(),
            "min_seconds": row.min_seconds,
            "step_seconds": row.step_seconds,
            "min_charge": self.money(row.min_charge),
            "valid_from": row.valid_from.and_then(|at| self.at(at)),
            "valid_to": row.valid_to.and_then(|at| self.at(at)),
            "revision": row.revision,
            "delivered": story.price.place.as_ref().map(place),
        })
    }

    fn model(&self, model: &PriceModel) -> Value {
        let tiers = |tiers: &[Tier]| -> Vec<Value> {
            let tier = |tier: &Tier| {
                json!({
                    "up_to": tier.up_to.map(quantity),
                    "unit_price": price(tier.unit_price),
                    "flat": self.money(tier.flat),
                })
            };
            tiers.iter().map(tier).collect()
        };
        match model {
            PriceModel::Flat => json!({ "model": "flat" }),
            PriceModel::Graduated { tiers: list } => json!({ "model": "graduated", "tiers": tiers(list) }),
            PriceModel::Volume { tiers: list } => json!({ "model": "volume", "tiers": tiers(list) }),
            PriceModel::Package { size, unit_price, free } => json!({
                "model": "package",
                "size": quantity(*size),
                "unit_price": price(*unit_price),
                "free": quantity(*free),
            }),
        }
    }

    fn equation(&self, equation: &Equation, charge: &Charge) -> Value {
        json!({
            "before": self.totals(&equation.before),
            "this": self.amounts(charge.amounts),
            "after": self.totals(&equation.after),
            "steps": equation.steps.iter().map(|step| self.priced(step)).collect::<Vec<_>>(),
            "remarks": equation.remarks,
            "computed_again": equation.again.map(|amounts| self.amounts(amounts)),
        })
    }

    fn totals(&self, totals: &Totals) -> Value {
        let mut document = self.amounts(totals.amounts);
        let facts = json!({ "charges": totals.charges, "quantity": quantity(totals.quantity), "waived_quantity": quantity(totals.waived) });
        merge(&mut document, facts);
        document
    }

    fn priced(&self, step: &Priced) -> Value {
        json!({
            "what": step.what,
            "quantity": quantity(step.quantity),
            "billable_quantity": quantity(step.billable),
            "unit_price": step.unit_price.map(price),
            "exact": super::text::exact(step.exact),
            "list": self.money(step.list),
            "fee": self.money(step.fee),
            "discounts": step.offers.iter().map(|offer| self.offer(offer)).collect::<Vec<_>>(),
        })
    }

    fn offer(&self, offer: &Offer) -> Value {
        json!({
            "discount_id": offer.discount_id,
            "kind": offer.kind,
            "terms": offer.terms,
            "fee": self.money(offer.fee),
            "wins": offer.wins,
            "delivered": offer.place.as_ref().map(place),
        })
    }

    fn row(&self, row: &UsedRow) -> Value {
        let replaced_by = match &row.state {
            RowState::Replaced(by) | RowState::ReplacedSince(by) => Some(place(by)),
            RowState::Counted | RowState::NotSettledYet => None,
        };
        json!({
            "file": row.place.file,
            "line": row.place.line,
            "file_id": row.place.file_id,
            "record_id": row.record_id,
            "started_at": self.at(row.started_at),
            "ended_at": self.at(row.ended_at),
            "quantity": quantity(row.quantity),
            "seconds": row.seconds,
            "used": quantity(row.used),
            "minimum": quantity(row.minimum),
            "waived": row.is_waived,
            "frozen": quantity(row.frozen),
            "state": row.state.as_str(),
            "replaced_by": replaced_by,
        })
    }

    fn settlement(&self, row: &SettlementRecord) -> Value {
        json!({
            "settlement_id": row.settlement_id,
            "account_id": row.account_id,
            "at": self.at(row.at),
            "revision": row.revision,
            "billing_period": row.billing_period,
            "currency": row.currency,
            "charges": row.charges,
            "due": self.money(row.due),
            "voucher": self.money(row.voucher),
            "balance": self.money(row.balance),
            "granted": self.money(row.granted),
            "credit": self.money(row.credit),
            "external": self.money(row.external),
            "outstanding": self.money(row.outstanding),
            "run_id": row.run_id,
        })
    }

    fn payment(&self, line: &PaymentLine) -> Value {
        json!({
            "payment_id": line.payment_id,
            "seq": line.seq,
            "kind": line.kind.as_str(),
            "source": line.source.as_str(),
            "source_id": line.source_id,
            "amount": self.money(line.amount),
            "at": self.at(line.at),
        })
    }
}

/// Adds the second document's fields to the first.
fn merge(document: &mut Value, more: Value) {
    if let (Some(fields), Value::Object(more)) = (document.as_object_mut(), more) {
        fields.extend(more);
    }
}

//! Paying for periods: charges, payment and what each resource's period then knows of it.

use super::super::account::LifeAccount;
use super::super::effect::{LifeEffects, OrderState, Refused};
use super::super::period::{self, PeriodError, Quote as Priced};
use super::super::terms::LifeTerms;
use super::super::{Anchor, OrderCharge, PaidPart, PaidPeriod, PeriodKind};
use super::discount_voucher;
use crate::id;
use crate::number::{AmountOverflow, Money, Quantity, UnitPrice};
use crate::pay::{ChargeDue, OrderDue, PaymentSource, pay_order};
use crate::price::{self, Buyer, Price};
use crate::profile::RenewalSource;
use crate::rate::{Amounts, Charge, ChargeType, LineKey};
use crate::table::{BillingMode, DiscountKind, DiscountRow, OrderKind};
use crate::time::{Instant, Window};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The `source_id` of what an order left on the invoice.
pub(super) const ON_INVOICE: &str = "invoice";

/// A period that is to be paid for, with where its resource stands afterwards.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub resource_id: String,
    pub price: Arc<Price>,
    /// Units of the resource.
    pub quantity: Quantity,
    pub kind: PeriodKind,
    pub charge_type: ChargeType,
    pub service: Window,
    pub term_months: u32,
    /// What it costs, and how that comes about.
    pub priced: Priced,
    /// The discount voucher that it is priced with.
    pub voucher_id: Option<String>,
    /// Units times terms.
    pub billed: Quantity,
    /// Empty where several prices made the amount.
    pub unit_price: Option<UnitPrice>,
    pub anchor: Anchor,
    pub region: Option<String>,
    pub tags: BTreeMap<String, String>,
}

/// What is to be paid for, and with what.
pub(super) struct Purchase<'a> {
    pub order_id: &'a str,
    pub kind: OrderKind,
    pub sources: Vec<RenewalSource>,
    pub items: &'a [Item],
}

/// Pays for all items at once, or for none. Hands back the effects (the order is done) and the periods, one an item.
pub(super) fn pay_for(
    account: &mut LifeAccount,
    purchase: &Purchase<'_>,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<(LifeEffects, Vec<PaidPeriod>), Refused> {
    let account_id = account.account_id().to_owned();
    let dues = purchase.items.iter().map(|item| i128::from(item.priced.amounts.due.e8()));
    i64::try_from(dues.sum::<i128>()).map_err(|_| beyond(AmountOverflow))?;
    let charges: Vec<OrderCharge> =
        purchase.items.iter().map(|item| item.charge(&account_id, purchase.order_id, at, terms)).collect();
    let payment = terms.payment(&account_id, at).expect("an account with money has a row");
    let due = OrderDue {
        order_id: purchase.order_id.to_owned(),
        at,
        billing_period: terms.zone.billing_period(at),
        kind: purchase.kind,
        sources: purchase.sources.clone(),
        charges: charges.iter().map(|charge| due_of(&charge.charge, at)).collect(),
        lowered_by: discount_voucher::used_by(purchase.items),
    };
    let paid = pay_order(&mut account.money, &due, payment, terms.profile)
        .map_err(|short| Refused::new("insufficient_funds", short.to_string()))?;

    let amount: Money = purchase.items.iter().map(|item| item.priced.amounts.due).sum();
    let periods = purchase.items.iter().zip(&charges).zip(paid.parts).map(|((item, charge), parts)| PaidPeriod {
        order_id: purchase.order_id.to_owned(),
        kind: item.kind,
        charge_id: charge.charge.charge_id.clone(),
        bought_at: at,
        service: item.service,
        term_months: item.term_months,
        sku: item.price.row.sku.clone(),
        product: item.price.row.product.clone(),
        price_id: item.price.price_id.clone(),
        due: item.priced.amounts.due,
        paid: with_invoice(parts.parts, item.priced.amounts.due),
        is_given_back: false,
        used: None,
    });
    let periods = periods.collect();
    let effects = LifeEffects {
        money: Some(paid.effects),
        posting: Some((purchase.kind.as_str(), vec![purchase.order_id.to_owned()])),
        order: Some(OrderState { amount: Some(amount), ..OrderState::done(purchase.order_id, at) }),
        charges,
        ..LifeEffects::default()
    };
    Ok((effects, periods))
}

/// What stands on the invoice is a part like any other: it comes back as it stands there.
fn with_invoice(mut parts: Vec<PaidPart>, due: Money) -> Vec<PaidPart> {
    let rest = due - parts.iter().map(|part| part.amount).sum::<Money>();
    if rest.is_positive() {
        parts.push(PaidPart { source: PaymentSource::Credit, source_id: Some(ON_INVOICE.to_owned()), amount: rest });
    }
    parts
}

fn due_of(charge: &Charge, at: Instant) -> ChargeDue {
    ChargeDue {
        charge_id: charge.charge_id.clone(),
        product: charge.product.clone(),
        sku: charge.key.sku.clone(),
        billing_mode: charge.billing_mode,
        region: charge.region.clone(),
        // A voucher pays an order if it is alive when the order is placed.
        window_start: at,
        due: charge.amounts.due,
    }
}

impl Item {
    fn charge(&self, account_id: &str, order_id: &str, at: Instant, terms: &LifeTerms<'_>) -> OrderCharge {
        let drawn = Drawn {
            resource_id: &self.resource_id,
            sku: &self.price.row.sku,
            product: &self.price.row.product,
            price_id: &self.price.price_id,
            billing_mode: self.price.row.billing_mode,
            unit: self.price.row.unit.as_str(),
            currency: &self.price.row.currency,
            charge_type: self.charge_type,
            service: self.service,
            quantity: self.billed,
            amounts: self.priced.amounts,
            region: self.region.clone(),
            tags: self.tags.clone(),
            corrects: None,
        };
        let mut charge = drawn.charge(account_id, order_id, at, terms);
        charge.charge.unit_price = self.unit_price;
        charge.charge.reason = self.voucher_id.as_deref().map(Charge::reason_of_voucher);
        charge
    }
}

/// The discounts that fit an order.
pub(super) fn discounts<'a>(
    account_id: &str,
    price: &Price,
    kind: OrderKind,
    at: Instant,
    terms: &LifeTerms<'a>,
) -> Vec<&'a DiscountRow> {
    let row = &price.row;
    let buyer = Buyer { account_id, product: &row.product, sku: &row.sku, billing_mode: row.billing_mode, at };
    let fitting = terms.discounts.fitting_order(buyer, kind);
    // A waiver lowers the handling fee of what is given back, never a price.
    let is_of_fees = kind == OrderKind::Unsubscribe;
    fitting.into_iter().filter(|row| (row.kind == DiscountKind::FeeWaiver) == is_of_fees).collect()
}

/// What is asked for: so many units for so many of the sku's terms.
pub(super) struct Asked {
    pub quantity: Quantity,
    pub periods: u32,
    pub kind: OrderKind,
    /// A trial, or within a free quota.
    pub is_free: bool,
}

/// What is asked for, priced.
pub(super) struct Periods {
    pub priced: Priced,
    /// 0 where it has no end.
    pub months: u32,
    pub billed: Quantity,
    pub unit_price: Option<UnitPrice>,
}

/// What periods of a price row cost the account now.
pub(super) fn price_periods(
    account_id: &str,
    price: &Price,
    asked: &Asked,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<Periods, Refused> {
    let row = &price.row;
    let months = period::months_of(row, asked.periods).map_err(not_priced)?.unwrap_or_default();
    let priced = if asked.is_free {
        period::price_of_trial()
    } else {
        let discounts = discounts(account_id, price, asked.kind, at, terms);
        period::price_of_periods(row, asked.periods, asked.quantity, &discounts, terms.profile).map_err(not_priced)?
    };
    let billed = asked.quantity.held_for(i64::from(asked.periods)).map_err(beyond)?;
    let has_longer = period::has_longer_terms(row, asked.periods).map_err(not_priced)?;
    let is_of_one_price = !has_longer && !price::is_tiered(&row.model);
    let unit_price = is_of_one_price.then_some(row.unit_price);
    Ok(Periods { priced, months, billed, unit_price })
}

pub(super) fn not_priced(error: PeriodError) -> Refused {
    Refused::new("not_priced", error.to_string())
}

pub(super) fn beyond(error: AmountOverflow) -> Refused {
    Refused::new("out_of_range", error.to_string())
}

/// What a charge of an order is drawn from.
pub(super) struct Drawn<'a> {
    pub resource_id: &'a str,
    pub sku: &'a str,
    pub product: &'a str,
    pub price_id: &'a str,
    pub billing_mode: BillingMode,
    pub unit: &'a str,
    pub currency: &'a str,
    pub charge_type: ChargeType,
    pub service: Window,
    pub quantity: Quantity,
    pub amounts: Amounts,
    pub region: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub corrects: Option<String>,
}

impl Drawn<'_> {
    /// The charge; named by the order, the resource, the type and what it corrects.
    pub fn charge(self, account_id: &str, order_id: &str, at: Instant, terms: &LifeTerms<'_>) -> OrderCharge {
        let corrected = self.corrects.as_deref().unwrap_or_default();
        let facts = [account_id, self.resource_id, order_id, self.charge_type.as_str(), corrected];
        let charge = Charge {
            charge_id: id::derive("ch", &facts),
            settlement_id: String::new(),
            key: LineKey {
                account_id: account_id.to_owned(),
                resource_id: self.resource_id.to_owned(),
                sku: self.sku.to_owned(),
                window: self.service,
                price_id: self.price_id.to_owned(),
            },
            product: self.product.to_owned(),
            billing_mode: self.billing_mode,
            charge_type: self.charge_type,
            billing_period: terms.zone.billing_period(at),
            quantity: self.quantity,
            waived: Quantity::ZERO,
            unit: self.unit.to_owned(),
            unit_price: None,
            amounts: self.amounts,
            currency: self.currency.to_owned(),
            corrects: self.corrects,
            reason: None,
            region: self.region,
            cost_center: terms.accounts.at(account_id, self.service.start).and_then(|row| row.cost_center.clone()),
            tags: self.tags,
            transaction_at: at,
        };
        OrderCharge { order_id: order_id.to_owned(), charge }
    }
}

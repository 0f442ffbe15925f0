//! `change`: another sku or quantity. An upgrade pays the difference for the rest of the term; a downgrade waits for the next
//! period, or gives the difference back.

use super::super::account::LifeAccount;
use super::super::change::{self, Downgrade, Rate};
use super::super::effect::{LifeEffects, LifeEvent, LifeEventKind, OrderState, Refused};
use super::super::formula::Formula;
use super::super::period::{Quote as Priced, TermUnit};
use super::super::terms::LifeTerms;
use super::super::waiting::{Back, no_refund_waits};
use super::super::{NextPeriod, PaidPart, PaidPeriod, PeriodKind, Resource, UsedUp, calendar};
use super::approve::give_back_or_wait;
use super::buy::{Item, Purchase, beyond, discounts, not_priced, pay_for};
use super::unsubscribe::used_before;
use super::{active, discount_voucher, live, not_in_arrears, paid_ahead};
use crate::number::{Money, Quantity};
use crate::pay;
use crate::price::{self, Price};
use crate::profile::DowngradeTiming;
use crate::rate::ChargeType;
use crate::table::{BillingMode, Effective, OrderKind, OrderRow};
use crate::time::{Instant, Window};
use std::sync::Arc;

/// What a change comes to.
#[derive(Debug)]
pub(super) enum Plan {
    /// Another price from now on: what is paid by use, or a change of nothing.
    Free(Arc<Price>, Quantity),
    /// The difference is to be paid.
    Upgrade(Box<Item>),
    /// The difference goes back.
    Downgrade(Arc<Price>, Quantity, Window, Downgrade),
    /// It holds with the next period.
    NextPeriod(Arc<Price>, Quantity, Instant),
}

pub(super) fn carry_out(
    account: &mut LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let plan = plan(account, order, at, terms)?;
    let done = || LifeEffects { order: Some(OrderState::done(&order.order_id, at)), ..LifeEffects::default() };
    let (mut effects, price, quantity) = match plan {
        Plan::Free(price, quantity) => (done(), price, quantity),
        Plan::Upgrade(item) => {
            let sources = pay::sources(OrderKind::Change, terms.profile);
            let items = [*item];
            let purchase = Purchase { order_id: &order.order_id, kind: OrderKind::Change, sources, items: &items };
            let (effects, periods) = pay_for(account, &purchase, at, terms)?;
            let [item] = items;
            named(account, order).periods.extend(periods);
            (effects, item.price, item.quantity)
        }
        Plan::Downgrade(price, quantity, left, downgrade) => {
            let backs = backs(account, order, left, downgrade, terms)?;
            (give_back_or_wait(account, order, backs, at, terms), price, quantity)
        }
        Plan::NextPeriod(price, quantity, from) => {
            let next = NextPeriod { order_id: order.order_id.clone(), from, sku: price.row.sku.clone(), quantity };
            named(account, order).next_period = Some(next);
            return Ok(done());
        }
    };
    let resource = named(account, order);
    (resource.sku, resource.product, resource.quantity) = (price.row.sku.clone(), price.row.product.clone(), quantity);
    if order.configuration.is_some() {
        resource.configuration.clone_from(&order.configuration);
    }
    let event = LifeEvent::new(LifeEventKind::Changed, at, &resource.account_id, Some(&resource.resource_id), &order.order_id);
    effects.events.push(event.with("sku", &resource.sku).with("quantity", resource.quantity));
    Ok(effects)
}

fn named<'a>(account: &'a mut LifeAccount, order: &OrderRow) -> &'a mut Resource {
    account.resources.get_mut(&order.resource_id).expect("the order's resource was looked up before")
}

/// What the change would do and cost.
pub(super) fn plan(account: &LifeAccount, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> Result<Plan, Refused> {
    let resource = live(account, order)?;
    let quantity = order.quantity.unwrap_or(resource.quantity);
    let sku = order.sku.as_deref().unwrap_or(&resource.sku);
    if quantity.is_zero() {
        return Err(Refused::new("no_quantity", "a change is to more than 0 units; `unsubscribe` or `delete` ends a resource"));
    }
    if sku == resource.sku && quantity == resource.quantity {
        return Err(Refused::new("nothing_changes", format!("`{}` is that already", resource.resource_id)));
    }
    let new = Arc::clone(terms.price(&resource.account_id, sku, at)?);
    if new.row.billing_mode != resource.billing_mode {
        let (old, new) = (resource.billing_mode.as_str(), new.row.billing_mode.as_str());
        let why = format!("`{}` is billed `{old}` and `{sku}` `{new}`: a billing mode is not changed", resource.resource_id);
        return Err(Refused::new("other_billing_mode", why));
    }
    if resource.billing_mode == BillingMode::PayPerUse {
        let old = terms.price(&resource.account_id, &resource.sku, at).ok();
        let cost = |price: &Price, quantity| price::total(&price.row, quantity).map_err(beyond);
        let old = old.map(|old| cost(old, resource.quantity)).transpose()?;
        if old.is_none_or(|old| cost(&new, quantity).is_ok_and(|new| new > old)) {
            not_in_arrears(account)?;
        }
        return Ok(Plan::Free(new, quantity));
    }
    paid_ahead(resource, "changed")?;
    active(resource)?;
    no_refund_waits(resource)?;
    if resource.next_period.is_some() {
        let why = format!("`{}` changes with its next period already; until then it is not changed again", resource.resource_id);
        return Err(Refused::new("change_waits", why));
    }
    paid_change(account, resource, order, (&new, quantity), at, terms)
}

/// The change of a subscription under way.
fn paid_change(
    account: &LifeAccount,
    resource: &Resource,
    order: &OrderRow,
    (new, quantity): (&Arc<Price>, Quantity),
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<Plan, Refused> {
    let expires_at = resource.expires_at.expect("a subscription has an expiry");
    let old = terms.price(&resource.account_id, &resource.sku, at)?;
    let (was, becomes) = (rate(old, resource.quantity)?, rate(new, quantity)?);
    if resource.bundle_id.is_some() && was.unit != becomes.unit {
        let why = format!("`{}` is in a bundle, which is renewed as one: by months or by years", resource.resource_id);
        return Err(Refused::new("bundle_terms_differ", why));
    }
    // An upgrade of the last minutes costs nothing and is one all the same.
    let by_year = |rate: Rate| rate.cost.times(12 / i128::from(rate.unit.months())).map_err(beyond);
    let (was_by_year, becomes_by_year) = (by_year(was)?, by_year(becomes)?);
    if becomes_by_year > was_by_year {
        not_in_arrears(account)?;
    }
    let waits = match order.effective {
        Some(effective) => effective == Effective::NextPeriod,
        None => becomes_by_year < was_by_year && terms.profile.downgrade_timing == DowngradeTiming::NextPeriod,
    };
    if waits {
        return Ok(Plan::NextPeriod(Arc::clone(new), quantity, expires_at));
    }
    let from = calendar::change_from(at, resource.starts_at, terms.profile, terms.zone).min(expires_at);
    let left = Window::new(from, expires_at);
    let discounts = discounts(&resource.account_id, new, OrderKind::Change, at, terms);
    let currency = &new.row.currency;
    let cost = change::upgrade(was, becomes, left, currency, &discounts, terms.profile, terms.zone).map_err(beyond)?;
    if becomes_by_year >= was_by_year {
        let mut item = upgrade_item(resource, (new, quantity), left, cost);
        discount_voucher::lower(account, OrderKind::Change, std::slice::from_mut(&mut item), at, terms)?;
        return Ok(Plan::Upgrade(Box::new(item)));
    }
    let periods: Vec<&PaidPeriod> = resource.periods.iter().filter(|period| is_left(period, left)).collect();
    let downgrade = change::downgrade(was, becomes, left, &periods, currency, terms.profile, terms.zone).map_err(beyond)?;
    Ok(Plan::Downgrade(Arc::clone(new), quantity, left, downgrade))
}

/// Whether a period pays for some of the time that is left.
fn is_left(period: &PaidPeriod, left: Window) -> bool {
    !period.is_given_back && period.service.overlap(left).is_some()
}

fn rate(price: &Price, quantity: Quantity) -> Result<Rate, Refused> {
    let unit = TermUnit::of(&price.row).map_err(not_priced)?;
    Ok(Rate { cost: price::total(&price.row, quantity).map_err(beyond)?, unit, quantity })
}

fn upgrade_item(resource: &Resource, (price, quantity): (&Arc<Price>, Quantity), left: Window, priced: Priced) -> Item {
    let under_way = resource.periods.iter().rev().find(|period| !period.is_given_back);
    Item {
        resource_id: resource.resource_id.clone(),
        price: Arc::clone(price),
        quantity,
        kind: PeriodKind::Change,
        charge_type: ChargeType::Change,
        service: left,
        term_months: under_way.map_or(1, |period| period.term_months),
        priced,
        voucher_id: None,
        billed: quantity,
        unit_price: None,
        anchor: resource.anchor,
        region: resource.region.clone(),
        tags: resource.tags.clone(),
    }
}

/// What goes back of each period that pays for the time left.
fn backs(
    account: &LifeAccount,
    order: &OrderRow,
    left: Window,
    downgrade: Downgrade,
    terms: &LifeTerms<'_>,
) -> Result<Vec<Back>, Refused> {
    let resource = &account.resources[&order.resource_id];
    let places = resource.periods.iter().enumerate().filter(|(_, period)| is_left(period, left));
    let giving = places.zip(downgrade.parts).filter(|(_, parts)| !parts.is_empty());
    giving.map(|((place, period), parts)| back_of(resource, place, parts, left, used_before(period, left, terms)?)).collect()
}

fn back_of(resource: &Resource, place: usize, parts: Vec<PaidPart>, left: Window, used: UsedUp) -> Result<Back, Refused> {
    let refund = parts.iter().map(|part| part.amount).sum();
    Ok(Back {
        resource_id: resource.resource_id.clone(),
        place,
        billing_mode: resource.billing_mode,
        is_whole: false,
        parts,
        paid: refund,
        consumed: Money::ZERO,
        fee: Money::ZERO,
        refund,
        service: left,
        used: Some(used),
        formula: Formula::default(),
    })
}

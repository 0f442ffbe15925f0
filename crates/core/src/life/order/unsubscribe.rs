//! `unsubscribe`: what was paid ahead is given back, less what was used and a fee; or only the renewal that has not begun.
//!
//! Each paid period comes back on its own: the one under way by time, those not begun in full. A bundle goes whole.

use super::super::account::LifeAccount;
use super::super::effect::{LifeEffects, LifeEvent, LifeEventKind, OrderState, Refused};
use super::super::refund::{Refund, RefundCase, RefundPolicy, RefundTerms, refund_of};
use super::super::terms::LifeTerms;
use super::super::waiting::{Back, no_refund_waits};
use super::super::{NextPeriod, OrderCharge, PaidPart, PaidPeriod, PeriodKind, Resource, ResourceStatus, UsedUp};
use super::approve::give_back_or_wait;
use super::buy::{Drawn, ON_INVOICE, beyond};
use super::{live, next_attempt, paid_ahead};
use crate::number::{FeeScale, Money, Quantity};
use crate::pay::{GivenBack, OrderRefund, PaymentSource, give_back as pay_back};
use crate::profile::QuotaPer;
use crate::rate::{Amounts, ChargeType};
use crate::table::{BillingMode, DiscountTerms, OrderKind, OrderRow, OrderScope};
use crate::time::{Instant, Window};
use chrono::Datelike as _;
use rust_decimal::Decimal;

/// What an unsubscription comes to.
#[derive(Debug)]
pub(super) struct Plan {
    pub whole: Vec<String>,
    pub backs: Vec<Back>,
    /// Given back unconditionally: counts against the quota.
    uses_quota: bool,
}

/// All that comes back of a period.
fn back_of(resource: &Resource, place: usize, refund: Refund) -> Back {
    let period = &resource.periods[place];
    Back {
        resource_id: resource.resource_id.clone(),
        place,
        billing_mode: resource.billing_mode,
        is_whole: true,
        parts: refund.parts,
        paid: refund.paid,
        consumed: refund.consumed,
        fee: refund.fee,
        refund: refund.refund,
        service: period.service,
        used: period.used,
        formula: refund.formula,
    }
}

pub(super) fn carry_out(
    account: &mut LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let plan = plan(account, order, at, terms)?;
    let fee: Money = plan.backs.iter().map(|back| back.fee).sum();
    if let Some(accepted) = order.accept_fee.filter(|accepted| fee > *accepted) {
        let (fee, accepted) = (fee.trimmed(), accepted.trimmed());
        return Err(Refused::new("fee_not_accepted", format!("the handling fee is {fee}, and {accepted} is accepted")));
    }

    let mut effects = give_back_or_wait(account, order, plan.backs.clone(), at, terms);
    for id in &plan.whole {
        let resource = account.resources.get_mut(id).expect("a bundle's members are the account's");
        match order.scope {
            OrderScope::Resource => {
                (resource.status, resource.ended_at) = (ResourceStatus::Unsubscribed, Some(at));
                (resource.next_attempt_at, resource.next_period) = (None, None);
            }
            OrderScope::Renewal => shorten(resource, &plan.backs, at, terms),
        }
        let event = LifeEvent::new(LifeEventKind::Unsubscribed, at, &resource.account_id, Some(id), &order.order_id);
        effects.events.push(event.with("scope", order.scope.as_str()));
    }
    if plan.uses_quota {
        let named = account.resources.get_mut(&order.resource_id).expect("the order's resource was looked up before");
        named.is_given_back_freely = true;
    }
    Ok(effects)
}

/// What would come back.
pub(super) fn plan(account: &LifeAccount, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> Result<Plan, Refused> {
    live(account, order)?;
    let whole = account.whole(&order.resource_id);
    for id in &whole {
        may_end(account, &account.resources[id], &whole, order.scope, at, terms)?;
    }
    let mut plan = Plan { whole, backs: Vec::new(), uses_quota: false };
    for id in &plan.whole {
        let resource = &account.resources[id];
        let refunds = match order.scope {
            OrderScope::Resource => refunds(account, resource, |_| true, at, terms)?,
            OrderScope::Renewal => refunds(account, resource, |period| period.service.start > at, at, terms)?,
        };
        if refunds.is_empty() && order.scope == OrderScope::Renewal {
            return Err(Refused::new("no_renewal_waits", format!("`{id}` has no renewal whose period has not begun")));
        }
        for (place, refund) in refunds {
            plan.uses_quota |= refund.case == RefundCase::FiveDays;
            plan.backs.push(back_of(resource, place, refund));
        }
    }
    Ok(plan)
}

fn may_end(
    account: &LifeAccount,
    resource: &Resource,
    whole: &[String],
    scope: OrderScope,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<(), Refused> {
    no_refund_waits(resource)?;
    let (id, product) = (&resource.resource_id, terms.product(&resource.product, at));
    let is_refundable_purchase =
        resource.billing_mode == BillingMode::OneTime && product.refund == RefundPolicy::SevenDayFull && !resource.is_trial;
    if is_refundable_purchase {
        let is_within = resource.periods.iter().any(|period| super::super::refund::is_within_days(period.bought_at, 7, at));
        if !is_within {
            return Err(Refused::new("refund_period_over", format!("`{id}` could be given back within 7 days of its payment")));
        }
    } else {
        paid_ahead(resource, "unsubscribed")?;
    }
    if scope == OrderScope::Renewal {
        return not_intervened(resource, at);
    }
    if !product.is_addon || product.family.is_none() {
        return Ok(());
    }
    // An add-on goes once nothing above the basic edition is left of its family.
    let in_the_way = account.resources.values().filter(|other| {
        let terms = terms.product(&other.product, at);
        !other.has_ended()
            && !whole.contains(&other.resource_id)
            && terms.family == product.family
            && !terms.is_addon
            && terms.edition.as_deref().is_some_and(|edition| edition != "basic")
    });
    let in_the_way: Vec<String> = in_the_way.map(|other| format!("`{}`", other.resource_id)).collect();
    if in_the_way.is_empty() {
        return Ok(());
    }
    let why = format!("`{id}` goes with its edition: unsubscribe {} first", in_the_way.join(", "));
    Err(Refused::new("quotas_in_the_way", why))
}

/// A renewal is dropped alone only if nothing was changed since.
fn not_intervened(resource: &Resource, at: Instant) -> Result<(), Refused> {
    let waiting = resource.periods.iter().filter(|period| !period.is_given_back && period.service.start > at);
    let first = waiting.map(|period| period.bought_at).min();
    let is_changed = |period: &PaidPeriod| {
        matches!(period.kind, PeriodKind::Change | PeriodKind::Align) && first.is_some_and(|first| period.bought_at >= first)
    };
    // A change that waits goes with the renewal that was bought for it, and stands in the way of an earlier one.
    let is_before = |next: &NextPeriod| {
        let mut waiting = resource.periods.iter().filter(|period| !period.is_given_back && period.service.start > at);
        waiting.any(|period| period.service.start < next.from)
    };
    if resource.periods.iter().any(is_changed) || resource.next_period.as_ref().is_some_and(is_before) {
        let why = format!("`{}` was changed since its renewal, which is no longer dropped alone", resource.resource_id);
        return Err(Refused::new("changed_since", why));
    }
    Ok(())
}

/// What comes back of the resource's periods, by their place.
fn refunds(
    account: &LifeAccount,
    resource: &Resource,
    is_asked: impl Fn(&PaidPeriod) -> bool,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<Vec<(usize, Refund)>, Refused> {
    let product = terms.product(&resource.product, at);
    let is_new = resource.periods.iter().all(|period| period.kind == PeriodKind::Purchase);
    let refund_terms = RefundTerms {
        at,
        policy: product.refund,
        is_five_day_free: is_new && has_quota(account, resource, at, terms),
        fee_percent_off: fee_percent_off(resource, at, terms),
        currency: &account.money.wallet.currency,
        profile: terms.profile,
        zone: terms.zone,
    };
    let mut refunds = Vec::new();
    for (place, period) in resource.periods.iter().enumerate() {
        if !period.is_given_back && is_asked(period) {
            refunds.push((place, refund_of(period, &refund_terms).map_err(beyond)?));
        }
    }
    Ok(refunds)
}

fn has_quota(account: &LifeAccount, resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> bool {
    let quota = terms.profile.five_day_quota;
    let year = terms.zone.date_of(at).year();
    let free = account.resources.values().filter(|other| other.is_given_back_freely);
    let used = free.filter(|other| match quota.per {
        QuotaPer::CalendarYear => other.ended_at.is_some_and(|ended_at| terms.zone.date_of(ended_at).year() == year),
        QuotaPer::Product => other.product == resource.product,
    });
    used.count() < quota.count as usize
}

/// What a framework contract takes off the handling fee.
fn fee_percent_off(resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> Decimal {
    let Ok(price) = terms.price(&resource.account_id, &resource.sku, at) else { return Decimal::ZERO };
    let fitting = super::buy::discounts(&resource.account_id, price, OrderKind::Unsubscribe, at, terms);
    let percents = fitting.iter().filter_map(|row| match &row.terms {
        DiscountTerms::PercentOff(percent) => Some(*percent),
        DiscountTerms::UnitPrice(_) => None,
    });
    percents.max().unwrap_or(Decimal::ZERO)
}

/// The resource without the renewals that were given back.
fn shorten(resource: &mut Resource, backs: &[Back], at: Instant, terms: &LifeTerms<'_>) {
    for back in backs.iter().filter(|back| back.resource_id == resource.resource_id) {
        let period = &resource.periods[back.place];
        resource.anchor.months = resource.anchor.months.saturating_sub(period.term_months);
        resource.expires_at = resource.expires_at.map(|expires_at| expires_at.min(period.service.start));
    }
    resource.next_period = None;
    resource.next_attempt_at = next_attempt(resource, at.plus_seconds(-1), terms);
}

/// Gives the parts back: charges, payment, and what each period still holds.
pub(super) fn give_back(
    account: &mut LifeAccount,
    order_id: &str,
    kind: OrderKind,
    backs: &[Back],
    at: Instant,
    terms: &LifeTerms<'_>,
) -> LifeEffects {
    let charges = backs.iter().flat_map(|back| charges_of(account, order_id, back, at, terms)).collect();
    let given_back: Vec<GivenBack> = backs.iter().map(|back| given_back(account, back)).collect();
    let refund = OrderRefund { order_id: order_id.to_owned(), at, given_back };
    let money = pay_back(&mut account.money, &refund, terms.profile);
    for back in backs {
        let resource = account.resources.get_mut(&back.resource_id).expect("what comes back is of a resource of the account");
        let period = &mut resource.periods[back.place];
        period.is_given_back |= back.is_whole;
        period.used = back.used;
        for part in &back.parts {
            let same = period.paid.iter_mut().find(|paid| (paid.source, &paid.source_id) == (part.source, &part.source_id));
            same.expect("what comes back was paid").amount -= part.amount;
        }
        period.paid.retain(|part| part.amount.is_positive());
    }
    let sum = |of: fn(&Back) -> Money| backs.iter().map(of).sum::<Money>();
    let (consumed, fee, refund) = (sum(|back| back.consumed), sum(|back| back.fee), sum(|back| back.refund));
    let order = OrderState {
        amount: Some(-refund),
        consumed: Some(consumed),
        refund: Some(refund),
        fee: Some(fee),
        ..OrderState::done(order_id, at)
    };
    LifeEffects {
        money: Some(money),
        posting: Some((kind.as_str(), vec![order_id.to_owned()])),
        order: Some(order),
        charges,
        ..LifeEffects::default()
    }
}

/// What of the period was used up before a downgrade that gives back some of the time left.
pub(super) fn used_before(period: &PaidPeriod, left: Window, terms: &LifeTerms<'_>) -> Result<UsedUp, Refused> {
    let until = left.start.max(period.service.start);
    let paid = period.by_all() - period.by_vouchers();
    let policy = (terms.profile, terms.zone);
    // Cut at the finest: what is kept is rounded once, when the rest is given back.
    let (amount, _) = super::super::refund::consumed(period, paid, until, FeeScale::EIGHT, policy).map_err(beyond)?;
    Ok(UsedUp { until, amount })
}

fn given_back(account: &LifeAccount, back: &Back) -> GivenBack {
    let resource = &account.resources[&back.resource_id];
    let period = &resource.periods[back.place];
    let is_invoiced = |part: &&PaidPart| part.source == PaymentSource::Credit && part.source_id.as_deref() == Some(ON_INVOICE);
    let (invoiced, parts): (Vec<&PaidPart>, Vec<&PaidPart>) = back.parts.iter().partition(is_invoiced);
    GivenBack {
        paid_order_id: period.order_id.clone(),
        product: period.product.clone(),
        billing_mode: back.billing_mode,
        parts: parts.into_iter().cloned().collect(),
        invoiced: invoiced.iter().map(|part| part.amount).sum(),
        fee: back.fee,
    }
}

/// A refund of what was paid less what was consumed, and the fee that is kept of it.
fn charges_of(account: &LifeAccount, order_id: &str, back: &Back, at: Instant, terms: &LifeTerms<'_>) -> Vec<OrderCharge> {
    let resource = &account.resources[&back.resource_id];
    let period = &resource.periods[back.place];
    let price = terms.price(&resource.account_id, &period.sku, period.bought_at);
    let drawn = |charge_type, due: Money| Drawn {
        resource_id: &back.resource_id,
        sku: &period.sku,
        product: &period.product,
        price_id: &period.price_id,
        billing_mode: back.billing_mode,
        unit: price.as_ref().map_or("each", |price| price.row.unit.as_str()),
        currency: &account.money.wallet.currency,
        charge_type,
        service: back.service,
        quantity: Quantity::ZERO,
        amounts: Amounts { list: due, due, ..Amounts::default() },
        region: resource.region.clone(),
        tags: resource.tags.clone(),
        corrects: Some(period.charge_id.clone()),
    };
    let (returned, fee) = (back.paid - back.consumed, back.fee);
    let mut charges = Vec::new();
    if returned.is_positive() {
        charges.push(drawn(ChargeType::Refund, -returned).charge(&resource.account_id, order_id, at, terms));
    }
    if fee.is_positive() {
        charges.push(drawn(ChargeType::Fee, fee).charge(&resource.account_id, order_id, at, terms));
    }
    charges
}

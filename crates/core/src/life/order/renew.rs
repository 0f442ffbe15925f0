//! `renew`: further periods, by hand or by itself. A bundle renews whole: its sum is one payment, all succeed or none.

use super::super::account::LifeAccount;
use super::super::effect::{LifeEffects, LifeEvent, LifeEventKind, OrderState, Refused};
use super::super::period::TermUnit;
use super::super::product::ProductRenewal;
use super::super::terms::LifeTerms;
use super::super::waiting::no_unsubscription_waits;
use super::super::{Anchor, PaidPeriod, PeriodKind, RenewalPolicy, Resource, ResourceStatus, calendar, timer};
use super::buy::{Asked, Item, Purchase, not_priced, pay_for, price_periods};
use super::{discount_voucher, is_free_of_quota, live, next_attempt, not_in_arrears, paid_ahead};
use crate::id;
use crate::pay;
use crate::profile::{AutoRenewTerm, ExpireOnFailedRenewal, RenewAfterExpiryFrom};
use crate::rate::ChargeType;
use crate::table::{BillingMode, OrderKind, OrderRow, OrderScope, PriceRow};
use crate::time::{Instant, Window};
use chrono::Days;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn carry_out(
    account: &mut LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let items = plan(account, order, at, terms)?;
    renew(account, OrderKind::Renew, &order.order_id, &items, at, terms)
}

/// The periods that the order asks for.
pub(super) fn plan(account: &LifeAccount, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> Result<Vec<Item>, Refused> {
    live(account, order)?;
    not_in_arrears(account)?;
    items(account, &order.resource_id, Some(order.periods), at, terms)
}

/// A period for the resource and for everything in its bundle; `periods` of nothing: what an automatic renewal buys.
fn items(
    account: &LifeAccount,
    resource_id: &str,
    periods: Option<u32>,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<Vec<Item>, Refused> {
    let whole = account.whole(resource_id);
    let item = |id: &String| {
        let resource = &account.resources[id];
        let length = match periods {
            Some(periods) => Length::Periods(periods),
            None => own_length(account, &whole, resource, terms),
        };
        item(resource, length, at, terms)
    };
    let mut items: Vec<Item> = whole.iter().map(item).collect::<Result<_, Refused>>()?;
    if items.iter().any(|item| item.service.end != items[0].service.end) {
        let why = format!("the bundle of `{resource_id}` would expire at different instants; a bundle has one expiry");
        return Err(Refused::new("bundle_expiry_differs", why));
    }
    discount_voucher::lower(account, OrderKind::Renew, &mut items, at, terms)?;
    Ok(items)
}

const A_YEAR: u32 = TermUnit::Year.months();

/// How much a renewal buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    /// So many terms of the sku.
    Periods(u32),
    /// So many months, or one term of the sku where that is longer.
    Months(u32),
}

/// How much an automatic renewal of a member of `whole` buys: what somebody chose, or else what the profile says.
///
/// As it was bought: what was bought for whole years goes on by the year, everything else by the month. What was bought is
/// told by the purchase; renewals by hand, changes and unified days since then do not alter it. A bundle goes on as that
/// member was bought which was there first, so that its members keep one expiry.
fn own_length(account: &LifeAccount, whole: &[String], resource: &Resource, terms: &LifeTerms<'_>) -> Length {
    if let Some(periods) = resource.renewal_periods {
        return Length::Periods(periods);
    }
    let members = whole.iter().map(|id| &account.resources[id]);
    let first = members.min_by_key(|member| (member.starts_at, &member.resource_id)).unwrap_or(resource);
    let bought = first.periods.iter().find(|period| period.kind == PeriodKind::Purchase).map_or(1, |period| period.term_months);
    match terms.profile.auto_renew_term {
        AutoRenewTerm::AsBought if bought > 0 && bought.is_multiple_of(A_YEAR) => Length::Months(A_YEAR),
        AutoRenewTerm::AsBought | AutoRenewTerm::OneMonth => Length::Months(1),
    }
}

impl Length {
    /// In terms of the sku of a price. What is bought once has no terms: it is bought once more.
    fn periods_of(self, price: &PriceRow) -> Result<u32, Refused> {
        match self {
            Self::Periods(periods) => Ok(periods),
            Self::Months(_) if price.billing_mode == BillingMode::OneTime => Ok(1),
            Self::Months(months) => Ok((months / TermUnit::of(price).map_err(not_priced)?.months()).max(1)),
        }
    }
}

fn item(resource: &Resource, length: Length, at: Instant, terms: &LifeTerms<'_>) -> Result<Item, Refused> {
    let old_expiry = renewable(resource, at, terms)?;
    let (sku, quantity) = resource.in_next_period();
    let price = Arc::clone(terms.price(&resource.account_id, sku, at)?);
    let asked = Asked { quantity, periods: length.periods_of(&price.row)?, kind: OrderKind::Renew, is_free: false };
    let periods = price_periods(&resource.account_id, &price, &asked, at, terms)?;

    // What expired at once with its failed renewal had paid for the rest of its last day.
    let old_expiry = old_expiry.max(calendar::expires_at(resource.anchor, terms.zone));
    let starts_anew =
        resource.status != ResourceStatus::Active && terms.profile.renew_after_expiry_from == RenewAfterExpiryFrom::Renewal;
    let (start, anchor) = if starts_anew { (at, Anchor::starting(at)) } else { (old_expiry, resource.anchor) };
    let anchor = anchor.plus(periods.months).map_err(|error| Refused::new("beyond_calendar", error.to_string()))?;
    let end = calendar::expires_at(anchor, terms.zone);
    if end <= at {
        let why = format!("`{}` would still be expired, since {}; renew for more", resource.resource_id, terms.zone.to_text(end));
        return Err(Refused::new("still_expired", why));
    }
    Ok(Item {
        resource_id: resource.resource_id.clone(),
        quantity,
        kind: PeriodKind::Renewal,
        charge_type: ChargeType::Renewal,
        service: Window::new(start, end),
        term_months: periods.months,
        anchor,
        region: resource.region.clone(),
        tags: resource.tags.clone(),
        price,
        priced: periods.priced,
        voucher_id: None,
        billed: periods.billed,
        unit_price: periods.unit_price,
    })
}

/// Whether the resource may be renewed now; its expiry.
pub(super) fn renewable(resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> Result<Instant, Refused> {
    no_unsubscription_waits(resource)?;
    let product = terms.product(&resource.product, at);
    let id = &resource.resource_id;
    let is_by_new_order = product.is_by_new_order(resource.billing_mode);
    if resource.billing_mode != BillingMode::OneTime || !is_by_new_order || resource.is_trial {
        paid_ahead(resource, "renewed")?;
    }
    if product.renewal == ProductRenewal::None || is_free_of_quota(resource, at, terms) {
        return Err(Refused::new("not_renewable", format!("`{id}` is of `{}`, which is not renewed", resource.product)));
    }
    if resource.renewal == RenewalPolicy::ToPayPerUse && resource.status == ResourceStatus::Active {
        let why = format!("`{id}` goes on paid by use at its expiry; set another renewal policy first");
        return Err(Refused::new("being_converted", why));
    }
    let Some(expires_at) = resource.expires_at else {
        return Err(Refused::new("no_expiry", format!("`{id}` has no expiry")));
    };
    if is_by_new_order {
        // Days count from the expiry date, as those of automatic renewals do.
        let first_day = calendar::expiry_date(expires_at, terms.zone) - Days::new(u64::from(product.renewal_lead_days));
        let (from, until) = (terms.zone.start_of_day(first_day), expires_at);
        if at < from || at > until {
            let (from, until) = (terms.zone.to_text(from), terms.zone.to_text(until));
            return Err(Refused::new("outside_lead_days", format!("`{id}` may be ordered anew from {from} to {until}")));
        }
    }
    if resource.status == ResourceStatus::Retention && !terms.profile.renew_suspended {
        return Err(Refused::new("suspended", format!("`{id}` is suspended, and the profile renews nothing that is")));
    }
    Ok(expires_at)
}

/// Pays for the items and extends their resources.
pub(super) fn renew(
    account: &mut LifeAccount,
    kind: OrderKind,
    order_id: &str,
    items: &[Item],
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let sources = pay::sources(kind, terms.profile);
    let (mut effects, periods) = pay_for(account, &Purchase { order_id, kind, sources, items }, at, terms)?;
    for (item, period) in items.iter().zip(periods) {
        let resource = account.resources.get_mut(&item.resource_id).expect("an item is of a resource of the account");
        effects.events.extend(extend(resource, item, period, order_id, at, terms));
    }
    Ok(effects)
}

/// The resource with the period that was paid for.
fn extend(
    resource: &mut Resource,
    item: &Item,
    period: PaidPeriod,
    order_id: &str,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Vec<LifeEvent> {
    let did_run = terms.runs(resource);
    resource.periods.push(period);
    (resource.anchor, resource.expires_at) = (item.anchor, Some(item.service.end));
    resource.status = ResourceStatus::Active;
    (resource.grace_until, resource.retention_until) = (None, None);
    resource.next_attempt_at = next_attempt(resource, at.plus_seconds(-1), terms);
    let event = |kind| LifeEvent::new(kind, at, &resource.account_id, Some(&resource.resource_id), order_id);
    let renewed = event(LifeEventKind::Renewed).with("expires_at", terms.zone.to_text(item.service.end));
    let mut events = vec![renewed.with("amount", item.priced.amounts.due)];
    if !did_run {
        events.push(event(LifeEventKind::Restored));
    }
    events
}

/// One attempt of an automatic renewal, of the resource with its bundle.
pub(in super::super) fn renew_by_itself(
    account: &mut LifeAccount,
    resource_id: &str,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> LifeEffects {
    let whole = account.whole(resource_id);
    let result = not_in_arrears(account).and_then(|()| {
        let items = items(account, resource_id, None, at, terms)?;
        let made = made_order(account, resource_id, &items, at, terms)?;
        let mut effects = renew(account, made.kind, &made.order_id, &items, at, terms)?;
        effects.posting = effects.posting.map(|(_, facts)| ("auto_renewal", facts));
        effects.made = Some(made);
        Ok(effects)
    });
    let word = result.as_ref().map_or_else(|refused| refused.code, |_| "done");
    for id in &whole {
        let resource = account.resources.get_mut(id).expect("a bundle's members are the account's");
        (resource.last_renewal_attempt_at, resource.last_renewal_result) = (Some(at), Some(word.to_owned()));
        resource.next_attempt_at = next_attempt(resource, at, terms);
    }
    result.unwrap_or_else(|refused| failed(account, &whole, &refused, at, terms))
}

/// The order that the engine makes of an automatic renewal, named by what it renews and from when: it is made once.
fn made_order(
    account: &LifeAccount,
    resource_id: &str,
    items: &[Item],
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<OrderRow, Refused> {
    let resource = &account.resources[resource_id];
    let own = items.iter().find(|item| item.resource_id == resource_id).expect("a renewal is of what it names");
    let length = own_length(account, &account.whole(resource_id), resource, terms);
    let (group, start) = (resource.bundle_id.as_deref().unwrap_or(resource_id), items[0].service.start);
    // A renewal that was given back before it began may be made once more.
    let is_given_back = |period: &&PaidPeriod| period.is_given_back && period.service.start == start;
    let earlier = resource.periods.iter().filter(is_given_back).count().to_string();
    let facts = [account.account_id(), group, resource_id, &start.to_utc_text(), &earlier];
    Ok(OrderRow {
        order_id: id::derive("auto", &facts),
        account_id: account.account_id().to_owned(),
        kind: OrderKind::Renew,
        placed_at: at,
        resource_id: resource_id.to_owned(),
        sku: None,
        quantity: None,
        periods: length.periods_of(&own.price.row)?,
        renewal: None,
        renewal_periods: None,
        bundle_id: resource.bundle_id.clone(),
        depends_on: Vec::new(),
        is_trial: false,
        region: None,
        data_center_type: None,
        configuration: None,
        resource_name: None,
        scope: OrderScope::Resource,
        effective: None,
        align_day: None,
        expires_on: None,
        accept_fee: None,
        reason: Some("auto_renewal".to_owned()),
        tags: BTreeMap::new(),
    })
}

/// What follows a failed attempt: after the last one the profile may let it expire at once.
fn failed(account: &mut LifeAccount, whole: &[String], refused: &Refused, at: Instant, terms: &LifeTerms<'_>) -> LifeEffects {
    let mut effects = LifeEffects::default();
    for id in whole {
        let event = LifeEvent::new(LifeEventKind::RenewalFailed, at, account.account_id(), Some(id), "");
        effects.events.push(event.with("reason", refused.code).with("detail", &refused.why));
        let is_last = account.resources[id].next_attempt_at.is_none();
        if is_last && terms.profile.expire_on_failed_renewal == ExpireOnFailedRenewal::AtOnce {
            effects.events.extend(timer::expire(account, id, at, terms).events);
        }
    }
    effects
}

/// An order that only changed a policy or a state.
pub(super) fn done(order: &OrderRow, at: Instant, events: Vec<LifeEvent>) -> LifeEffects {
    LifeEffects { order: Some(OrderState::done(&order.order_id, at)), events, ..LifeEffects::default() }
}

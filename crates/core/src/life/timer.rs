//! What time does by itself: expiry, the beginning of another period, renewal attempts, freeze and release.

use super::account::LifeAccount;
use super::effect::{LifeEffects, LifeEvent, LifeEventKind};
use super::terms::LifeTerms;
use super::{AccountStatus, RenewalPolicy, ResourceStatus, order, standing};
use crate::profile::ArrearsStops;
use crate::table::BillingMode;
use crate::time::Instant;

/// A step that is due by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timer {
    pub at: Instant,
    pub step: TimerStep,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerStep {
    /// A refund that nobody approved, by its order.
    RefundComesBack(String),
    /// A resource becomes what it was changed to for its next period.
    PeriodBegins(String),
    /// A resource reaches its expiry.
    Expires(String),
    /// A resource (with its bundle) is to be renewed: by expiry, depth, then id.
    Attempt { expires_at: Instant, depth: usize, group: String, resource_id: String },
    /// The grace or retention of an expired resource is over.
    Kept(String),
    /// The account's status moves.
    Standing,
}

impl TimerStep {
    pub fn rank(&self) -> u8 {
        match self {
            Self::RefundComesBack(_) => 3,
            Self::PeriodBegins(_) | Self::Expires(_) => 4,
            Self::Attempt { .. } => 5,
            Self::Kept(_) | Self::Standing => 6,
        }
    }
}

/// The step that is due first.
pub(super) fn next(account: &LifeAccount, terms: &LifeTerms<'_>) -> Option<Timer> {
    let place = |timer: &Timer| (timer.at, timer.step.rank());
    let mut first: Option<Timer> = standing::next_at(account, terms).map(|at| Timer { at, step: TimerStep::Standing });
    for resource in account.resources.values() {
        let Some(at) = resource.next_at() else { continue };
        if first.as_ref().is_some_and(|first| first.at < at) {
            continue;
        }
        let id = || resource.resource_id.clone();
        let mut found: Vec<(Option<Instant>, TimerStep)> = Vec::new();
        match resource.status {
            ResourceStatus::Active => {
                found.push((resource.next_period_begins(), TimerStep::PeriodBegins(id())));
                found.push((resource.expires_at, TimerStep::Expires(id())));
                if resource.next_attempt_at == Some(at) {
                    let expires_at = resource.expires_at.unwrap_or(Instant::MAX);
                    let group = resource.bundle_id.clone().unwrap_or_else(id);
                    let depth = account.depth(&resource.resource_id);
                    found.push((Some(at), TimerStep::Attempt { expires_at, depth, group, resource_id: id() }));
                }
            }
            ResourceStatus::Expired => found.push((resource.grace_until, TimerStep::Kept(id()))),
            ResourceStatus::Retention => found.push((resource.retention_until, TimerStep::Kept(id()))),
            ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted => {}
        }
        if let Some(waiting) = &resource.waiting_refund {
            found.push((waiting.approved_by_itself_at, TimerStep::RefundComesBack(waiting.order_id.clone())));
        }
        for (at, step) in found {
            let Some(at) = at else { continue };
            let timer = Timer { at, step };
            if first.as_ref().is_none_or(|first| (place(&timer), &timer.step) < (place(first), &first.step)) {
                first = Some(timer);
            }
        }
    }
    first
}

/// Does what is due.
pub(super) fn carry_out(account: &mut LifeAccount, step: &TimerStep, at: Instant, terms: &LifeTerms<'_>) -> LifeEffects {
    match step {
        TimerStep::RefundComesBack(order_id) => order::approve_by_itself(account, order_id, at, terms),
        TimerStep::PeriodBegins(resource_id) => begin_period(account, resource_id, at),
        TimerStep::Expires(resource_id) => expire(account, resource_id, at, terms),
        TimerStep::Attempt { resource_id, .. } => order::renew_by_itself(account, resource_id, at, terms),
        TimerStep::Kept(resource_id) => keep_or_release(account, resource_id, at, terms),
        TimerStep::Standing => standing::advance(account, at, terms),
    }
}

fn begin_period(account: &mut LifeAccount, resource_id: &str, at: Instant) -> LifeEffects {
    let resource = account.resources.get_mut(resource_id).expect("a timer names a resource of the account");
    if let Some(product) = resource.bought_for_next_period().map(|period| period.product.clone()) {
        resource.product = product;
    }
    let next = resource.next_period.take().expect("a period begins that was asked for");
    let event = LifeEvent::new(LifeEventKind::Changed, at, &resource.account_id, Some(resource_id), &next.order_id)
        .with("sku", &next.sku)
        .with("quantity", next.quantity);
    (resource.sku, resource.quantity) = (next.sku, next.quantity);
    LifeEffects { events: vec![event], ..LifeEffects::default() }
}

/// It reached the end of what is paid.
pub(super) fn expire(account: &mut LifeAccount, resource_id: &str, at: Instant, terms: &LifeTerms<'_>) -> LifeEffects {
    if let Some(effects) = go_by_use(account, resource_id, at, terms) {
        return effects;
    }
    let resource = account.resources.get_mut(resource_id).expect("a timer names a resource of the account");
    // Before its time only where the last attempt to renew it failed and the profile says so.
    let since = resource.expires_at.map_or(at, |expires_at| expires_at.min(at));
    let (grace_until, retention_until) = terms.kept_until(resource, since);
    (resource.status, resource.expires_at) = (ResourceStatus::Expired, Some(since));
    (resource.grace_until, resource.retention_until) = (Some(grace_until), Some(retention_until));
    resource.next_attempt_at = None;
    let event = |kind| LifeEvent::new(kind, at, &resource.account_id, Some(resource_id), "");
    let mut events = vec![event(LifeEventKind::Expired)];
    // What was bought once has nothing to keep.
    let is_one_time = resource.billing_mode == BillingMode::OneTime;
    if is_one_time || terms.product(&resource.product, at).arrears_stops(terms.profile) == ArrearsStops::AtOnce {
        events.push(event(LifeEventKind::Suspended));
    }
    if is_one_time {
        (resource.grace_until, resource.retention_until) = (None, None);
    }
    LifeEffects { events, ..LifeEffects::default() }
}

/// A subscription that goes on, paid by use.
fn go_by_use(account: &mut LifeAccount, resource_id: &str, at: Instant, terms: &LifeTerms<'_>) -> Option<LifeEffects> {
    // What the account uses by the hour is gone: nothing joins it.
    let standing = account.standing.status;
    let resource = account.resources.get_mut(resource_id)?;
    if resource.renewal != RenewalPolicy::ToPayPerUse || standing == AccountStatus::Released {
        return None;
    }
    let price = terms.price(&resource.account_id, &resource.sku, at.plus_seconds(-1)).ok()?;
    let sku = price.row.particulars.get("equivalent_sku")?.clone();
    if let Ok(by_use) = terms.price(&resource.account_id, &sku, at) {
        resource.product.clone_from(&by_use.row.product);
    }
    if standing == AccountStatus::Retention {
        resource.status = ResourceStatus::Retention;
    }
    let event = LifeEvent::new(LifeEventKind::Converted, at, &resource.account_id, Some(resource_id), "").with("sku", &sku);
    resource.sku = sku;
    (resource.billing_mode, resource.renewal) = (BillingMode::PayPerUse, RenewalPolicy::None);
    (resource.expires_at, resource.next_attempt_at, resource.next_period) = (None, None, None);
    Some(LifeEffects { events: vec![event], ..LifeEffects::default() })
}

/// Its grace is over: it is kept, stopped; or its keeping is over: it is gone.
fn keep_or_release(account: &mut LifeAccount, resource_id: &str, at: Instant, terms: &LifeTerms<'_>) -> LifeEffects {
    let resource = account.resources.get_mut(resource_id).expect("a timer names a resource of the account");
    let event = |kind| LifeEvent::new(kind, at, &resource.account_id, Some(resource_id), "");
    let is_kept = resource.status == ResourceStatus::Expired && resource.retention_until.is_some_and(|until| until > at);
    let mut events = Vec::new();
    if is_kept {
        // What stopped with its expiry does not stop again.
        events.extend(terms.runs(resource).then(|| event(LifeEventKind::Suspended)));
        resource.status = ResourceStatus::Retention;
    } else {
        events.push(event(LifeEventKind::Released));
        (resource.status, resource.ended_at) = (ResourceStatus::Released, Some(at));
    }
    LifeEffects { events, ..LifeEffects::default() }
}

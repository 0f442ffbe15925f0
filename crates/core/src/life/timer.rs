//! What time does by itself: expiry, the beginning of another period, renewal attempts, freeze and release.

use super::account::LifeAccount;
use super::effect::{LifeEffects, LifeEvent, LifeEventKind};
use super::terms::LifeTerms;
use super::{AccountStatus, RenewalPolicy, Resource, ResourceStatus, order, standing};
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

/// By this timers are ordered.
pub(super) type Place = (Instant, u8, TimerStep);

/// The step that is due first; looks at every resource.
pub(super) fn next(account: &LifeAccount, terms: &LifeTerms<'_>) -> Option<Timer> {
    let of_resources = account.resources.values().filter_map(|resource| first_of(account, resource)).min();
    first(of_standing(account, terms), of_resources.map(|(at, _, step)| Timer { at, step }))
}

/// When the account's own standing moves.
pub(super) fn of_standing(account: &LifeAccount, terms: &LifeTerms<'_>) -> Option<Timer> {
    standing::next_at(account, terms).map(|at| Timer { at, step: TimerStep::Standing })
}

/// Which of the two comes first.
pub(super) fn first(one: Option<Timer>, other: Option<Timer>) -> Option<Timer> {
    let place = |timer: &Timer| (timer.at, timer.step.rank(), timer.step.clone());
    [one, other].into_iter().flatten().min_by_key(place)
}

/// What is due first of a resource by itself.
pub(super) fn first_of(account: &LifeAccount, resource: &Resource) -> Option<Place> {
    let at = resource.next_at()?;
    let id = || resource.resource_id.clone();
    let step = match resource.status {
        _ if resource.refund_approved_by_itself_at() == Some(at) => {
            TimerStep::RefundComesBack(resource.waiting_refund.as_ref()?.order_id.clone())
        }
        ResourceStatus::Active if resource.next_period_begins() == Some(at) => TimerStep::PeriodBegins(id()),
        ResourceStatus::Active if resource.expires_at == Some(at) => TimerStep::Expires(id()),
        ResourceStatus::Active => {
            let expires_at = resource.expires_at.unwrap_or(Instant::MAX);
            let group = resource.bundle_id.clone().unwrap_or_else(id);
            TimerStep::Attempt { expires_at, depth: account.depth(&resource.resource_id), group, resource_id: id() }
        }
        ResourceStatus::Expired | ResourceStatus::Retention => TimerStep::Kept(id()),
        ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted => return None,
    };
    Some((at, step.rank(), step))
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

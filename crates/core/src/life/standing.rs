//! Where an account stands: into arrears, through grace and retention to release, and out again when funds arrive.
//!
//! What is overdue begins at the settlement that was not covered (`in_arrears_since` of the wallet says when). The status
//! follows with the midnight after it (`arrears_at = midnight`) or at once; it ends at the instant of full payment. What the
//! account uses by the hour goes with it; what it paid ahead does not.

use super::account::LifeAccount;
use super::calendar;
use super::effect::{LifeEffects, LifeEvent, LifeEventKind};
use super::terms::LifeTerms;
use super::{AccountStatus, ResourceStatus};
use crate::profile::{ArrearsAt, DaysByLevel};
use crate::table::BillingMode;
use crate::time::Instant;

/// When the account's status moves next by itself, if ever.
pub(super) fn next_at(account: &LifeAccount, terms: &LifeTerms<'_>) -> Option<Instant> {
    let since = account.money.wallet.in_arrears_since?;
    let next = match account.standing.status {
        AccountStatus::Normal => Some(follows_at(since, terms)),
        AccountStatus::Arrears => account.standing.grace_until,
        AccountStatus::Retention => account.standing.retention_until,
        AccountStatus::Released => None,
    };
    // What is late is done at once: a status never moves before the instant at which the account came to where it is.
    next.map(|next| next.max(account.standing.since))
}

/// When the status of a normal account follows what is overdue since then.
pub(super) fn follows_at(since: Instant, terms: &LifeTerms<'_>) -> Instant {
    match terms.profile.arrears_at {
        ArrearsAt::Settlement => since,
        ArrearsAt::Midnight => {
            let day = terms.zone.day_containing(since);
            if day.start == since { since } else { day.end }
        }
    }
}

/// Moves the status one step on.
pub(super) fn advance(account: &mut LifeAccount, at: Instant, terms: &LifeTerms<'_>) -> LifeEffects {
    let account_id = account.account_id().to_owned();
    let cause = cause(account);
    let event = |kind| LifeEvent::new(kind, at, &account_id, None, &cause);
    let mut effects = LifeEffects::default();
    match account.standing.status {
        AccountStatus::Normal => {
            let since = account.money.wallet.in_arrears_since.unwrap_or(at);
            let level = terms.level(&account_id, since);
            let days = |days: &DaysByLevel| days.days(BillingMode::PayPerUse, level);
            let (grace, retention) = (days(&terms.profile.grace), days(&terms.profile.retention));
            let (grace, retention) = calendar::grace_and_retention(since, grace, retention);
            account.standing.status = AccountStatus::Arrears;
            (account.standing.grace_until, account.standing.retention_until) = (Some(grace.end), Some(retention.end));
            let outstanding = account.money.outstanding();
            effects.events.push(event(LifeEventKind::ArrearsBegan).with("outstanding", outstanding));
        }
        AccountStatus::Arrears => {
            account.standing.status = AccountStatus::Retention;
            effects.events.push(event(LifeEventKind::Suspended));
            for resource in by_use(account, ResourceStatus::Active) {
                account.resources.get_mut(&resource).expect("it was just found").status = ResourceStatus::Retention;
            }
        }
        AccountStatus::Retention => {
            account.standing.status = AccountStatus::Released;
            effects.events.push(event(LifeEventKind::Released));
            for resource in by_use(account, ResourceStatus::Retention) {
                let released = account.resources.get_mut(&resource).expect("it was just found");
                (released.status, released.ended_at) = (ResourceStatus::Released, Some(at));
                effects.events.push(LifeEvent::new(LifeEventKind::Released, at, &account_id, Some(&resource), &cause));
            }
        }
        AccountStatus::Released => {}
    }
    account.standing.since = at;
    effects.standing = Some(account.standing.clone());
    effects
}

/// What moves the status: the oldest that is outstanding. So arrears that end and begin again at one instant, as late money
/// may have it, are told apart.
pub(super) fn cause(account: &LifeAccount) -> String {
    account.money.open.first().map(|open| open.settlement_id.clone()).unwrap_or_default()
}

/// Whether the account stands in arrears and owes nothing overdue any more.
pub(super) fn is_over(account: &LifeAccount) -> bool {
    account.standing.status != AccountStatus::Normal && !account.is_in_arrears()
}

/// Ends arrears: the status, and the freeze of what is used by the hour.
pub(super) fn clear(account: &mut LifeAccount, cause: &str, at: Instant) -> LifeEffects {
    let was = account.standing.status;
    let account_id = account.account_id().to_owned();
    let mut effects = LifeEffects::default();
    effects.events.push(LifeEvent::new(LifeEventKind::ArrearsEnded, at, &account_id, None, cause));
    if was == AccountStatus::Retention {
        effects.events.push(LifeEvent::new(LifeEventKind::Restored, at, &account_id, None, cause));
        for resource in by_use(account, ResourceStatus::Retention) {
            account.resources.get_mut(&resource).expect("it was just found").status = ResourceStatus::Active;
        }
    }
    let standing = &mut account.standing;
    (standing.status, standing.since, standing.life_at) = (AccountStatus::Normal, at, at.max(standing.life_at));
    (standing.grace_until, standing.retention_until) = (None, None);
    effects.standing = Some(standing.clone());
    effects
}

/// What it uses by the hour and registered, with this status.
fn by_use(account: &LifeAccount, status: ResourceStatus) -> Vec<String> {
    let all = account.resources.values();
    let found = all.filter(|resource| resource.billing_mode == BillingMode::PayPerUse && resource.status == status);
    found.map(|resource| resource.resource_id.clone()).collect()
}

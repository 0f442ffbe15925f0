//! Whether a resource does its work: what `subscriptions` calls its function.

use super::account::LifeAccount;
use super::effect::{LifeEffects, LifeEvent, LifeEventKind};
use super::terms::LifeTerms;
use super::{AccountStatus, Resource, ResourceStatus};
use crate::profile::ArrearsStops;
use crate::table::BillingMode;
use crate::time::Instant;
use std::collections::BTreeSet;

/// What a resource's work depends on besides the resource.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// When arrears stop the service: what its product says, or the profile.
    pub arrears_stops: ArrearsStops,
    /// Where its account stands.
    pub account: AccountStatus,
    /// The active resources of its account.
    pub active: &'a BTreeSet<String>,
    /// Whether its account has the edition that an add-on works beside; true for what is no add-on.
    pub has_edition: bool,
}

impl Resource {
    /// Whether it works: it is paid for, or expired and in its grace; one of those that it depends on is active; an add-on has
    /// its edition. The end of a grace is a step of its own, which stops it by its status.
    ///
    /// What is paid by use stops with its account; what is paid ahead is untouched by arrears.
    pub fn works(&self, around: &Surroundings<'_>) -> bool {
        let is_running = match self.status {
            ResourceStatus::Active => !self.is_stopped_by_arrears(around),
            ResourceStatus::Expired => self.grace_until.is_some() && around.arrears_stops == ArrearsStops::AfterGrace,
            ResourceStatus::Retention | ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted => {
                false
            }
        };
        is_running
            && around.has_edition
            && (self.depends_on.is_empty() || self.depends_on.iter().any(|id| around.active.contains(id)))
    }

    fn is_stopped_by_arrears(&self, around: &Surroundings<'_>) -> bool {
        self.billing_mode == BillingMode::PayPerUse
            && match around.account {
                AccountStatus::Normal => false,
                AccountStatus::Arrears => around.arrears_stops == ArrearsStops::AtOnce,
                AccountStatus::Retention | AccountStatus::Released => true,
            }
    }
}

/// Resources whose work a step may stop or start without touching them: what depends on others, and where the account
/// itself moves what it uses by the hour.
pub(super) struct Watched {
    worked: Vec<(String, bool)>,
}

impl Watched {
    /// Looks before the step.
    pub fn of(account: &LifeAccount, is_standing: bool, at: Instant, terms: &LifeTerms<'_>) -> Self {
        let is_watched = |resource: &&Resource| {
            !resource.has_ended()
                && (!resource.depends_on.is_empty()
                    || terms.product(&resource.product, at).is_addon
                    || is_standing && resource.billing_mode == BillingMode::PayPerUse)
        };
        let watched = account.resources.values().filter(is_watched);
        Self { worked: watched.map(|resource| (resource.resource_id.clone(), works_in(account, resource, at, terms))).collect() }
    }

    /// Looks after it, and tells what stopped working and what works again; what ended has an event of its own.
    pub fn tell(self, account: &LifeAccount, effects: &mut LifeEffects, cause: &str, at: Instant, terms: &LifeTerms<'_>) {
        for (resource_id, did_work) in self.worked {
            let is_told = |event: &LifeEvent| {
                matches!(event.kind, LifeEventKind::Suspended | LifeEventKind::Restored)
                    && event.resource_id.as_deref() == Some(resource_id.as_str())
            };
            effects.events.retain(|event| !is_told(event));
            let resource = &account.resources[&resource_id];
            let kind = match (did_work, works_in(account, resource, at, terms)) {
                (true, false) if !resource.has_ended() => LifeEventKind::Suspended,
                (false, true) => LifeEventKind::Restored,
                (true, true | false) | (false, false) => continue,
            };
            effects.events.push(LifeEvent::new(kind, at, account.account_id(), Some(&resource_id), cause));
        }
    }
}

/// Whether the resource works where the account is now.
fn works_in(account: &LifeAccount, resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> bool {
    let is_active = |id: &&String| account.resources.get(*id).is_some_and(|host| host.status == ResourceStatus::Active);
    let active = resource.depends_on.iter().filter(is_active).cloned().collect();
    let product = terms.product(&resource.product, at);
    let others = account.resources.values().filter(|other| other.status == ResourceStatus::Active);
    let has_edition = product.has_edition(others.map(|other| terms.product(&other.product, at)));
    let arrears_stops = product.arrears_stops(terms.profile);
    resource.works(&Surroundings { arrears_stops, account: account.standing.status, active: &active, has_edition })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::testing::resource;

    #[test]
    fn a_resource_works_while_it_is_paid_for_or_in_its_grace() {
        use AccountStatus::{Arrears, Normal, Released as Gone, Retention as Kept};
        use ArrearsStops::{AfterGrace, AtOnce};
        use BillingMode::{PayPerUse, Subscription};
        use ResourceStatus::*;
        // status | billed | arrears stop | account | works
        let cases = [
            (Active, Subscription, AfterGrace, Normal, true),
            (Active, Subscription, AtOnce, Kept, true), // paid ahead
            (Active, PayPerUse, AtOnce, Normal, true),
            (Active, PayPerUse, AfterGrace, Arrears, true),
            (Active, PayPerUse, AtOnce, Arrears, false),
            (Active, PayPerUse, AfterGrace, Kept, false),
            (Active, PayPerUse, AfterGrace, Gone, false),
            (Expired, Subscription, AfterGrace, Normal, true),
            (Expired, Subscription, AtOnce, Normal, false),
            (Retention, Subscription, AfterGrace, Normal, false),
            (Released, Subscription, AfterGrace, Normal, false),
            (Unsubscribed, Subscription, AfterGrace, Normal, false),
            (Deleted, PayPerUse, AfterGrace, Normal, false),
        ];
        for (status, billing_mode, arrears_stops, account, expected) in cases {
            let resource =
                Resource { status, billing_mode, grace_until: Some(Instant::from_seconds(100)), ..resource("acme", "edge-1") };
            let around = Surroundings { arrears_stops, account, active: &BTreeSet::new(), has_edition: true };
            assert_eq!(resource.works(&around), expected, "{status:?} {billing_mode:?} {arrears_stops:?} {account:?}");
        }
    }

    #[test]
    fn one_active_host_is_enough() {
        let cases: [(&[&str], &[&str], bool); 4] =
            [(&[], &[], true), (&["a"], &[], false), (&["a", "b"], &["b", "c"], true), (&["a"], &["b"], false)];
        for (depends_on, active, expected) in cases {
            let depends_on = depends_on.iter().map(|id| (*id).to_owned()).collect();
            let resource = Resource { depends_on, ..resource("acme", "pack-1") };
            let active = active.iter().map(|id| (*id).to_owned()).collect();
            let around = Surroundings {
                arrears_stops: ArrearsStops::AfterGrace,
                account: AccountStatus::Normal,
                active: &active,
                has_edition: true,
            };
            assert_eq!(resource.works(&around), expected, "{active:?}");
        }
    }

    #[test]
    fn an_add_on_stops_without_its_edition() {
        let resource = resource("acme", "pack-1");
        for has_edition in [true, false] {
            let (arrears_stops, account, active) = (ArrearsStops::AfterGrace, AccountStatus::Normal, &BTreeSet::new());
            assert_eq!(resource.works(&Surroundings { arrears_stops, account, active, has_edition }), has_edition);
        }
    }

    #[test]
    fn without_a_grace_an_expired_resource_stops() {
        let resource = Resource { status: ResourceStatus::Expired, grace_until: None, ..resource("acme", "edge-1") };
        let around = Surroundings {
            arrears_stops: ArrearsStops::AfterGrace,
            account: AccountStatus::Normal,
            active: &BTreeSet::new(),
            has_edition: true,
        };
        assert!(!resource.works(&around));
    }
}

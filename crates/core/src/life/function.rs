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
    /// Looks at every resource before the step.
    pub fn of(account: &LifeAccount, is_standing: bool, at: Instant, terms: &LifeTerms<'_>) -> Self {
        let watched = account.resources.values().filter(|resource| is_watched(resource, is_standing, at, terms));
        Self { worked: watched.map(|resource| (resource.resource_id.clone(), works_in(account, resource, at, terms))).collect() }
    }

    /// Those that the step may have stopped or started, by id, and whether each worked before it.
    pub fn known(worked: Vec<(String, bool)>) -> Self {
        Self { worked }
    }

    /// Looks after it, and tells what stopped working and what works again; what ended has an event of its own.
    pub fn tell(self, account: &LifeAccount, effects: &mut LifeEffects, cause: &str, at: Instant, terms: &LifeTerms<'_>) {
        self.tell_by(account, effects, cause, at, |resource| works_in(account, resource, at, terms));
    }

    /// The same where `works` says what works now.
    pub fn tell_by(
        self,
        account: &LifeAccount,
        effects: &mut LifeEffects,
        cause: &str,
        at: Instant,
        works: impl Fn(&Resource) -> bool,
    ) {
        let is_told = |event: &LifeEvent| {
            matches!(event.kind, LifeEventKind::Suspended | LifeEventKind::Restored)
                && event.resource_id.as_ref().is_some_and(|id| self.worked.binary_search_by(|(known, _)| known.cmp(id)).is_ok())
        };
        effects.events.retain(|event| !is_told(event));
        for (resource_id, did_work) in self.worked {
            let resource = &account.resources[&resource_id];
            let kind = match (did_work, works(resource)) {
                (true, false) if !resource.has_ended() => LifeEventKind::Suspended,
                (false, true) => LifeEventKind::Restored,
                (true, true | false) | (false, false) => continue,
            };
            effects.events.push(LifeEvent::new(kind, at, account.account_id(), Some(&resource_id), cause));
        }
    }
}

/// Whether a step that does not touch the resource may stop or start it; `is_standing`: a step of the account's own.
pub(super) fn is_watched(resource: &Resource, is_standing: bool, at: Instant, terms: &LifeTerms<'_>) -> bool {
    !resource.has_ended()
        && (!resource.depends_on.is_empty()
            || terms.product(&resource.product, at).is_addon
            || is_standing && resource.billing_mode == BillingMode::PayPerUse)
}

/// Whether the resource works where the account is now.
fn works_in(account: &LifeAccount, resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> bool {
    let is_active = |id: &str| account.resources.get(id).is_some_and(|host| host.status == ResourceStatus::Active);
    let others = account.resources.values().filter(|other| other.status == ResourceStatus::Active);
    let products = others.map(|other| other.product.as_str());
    works_among(account.standing.status, resource, &is_active, products, at, terms)
}

/// Whether the resource works where its account stands so, these are active, and these are their products.
pub(super) fn works_among<'a>(
    account: AccountStatus,
    resource: &Resource,
    is_active: &dyn Fn(&str) -> bool,
    products: impl Iterator<Item = &'a str>,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> bool {
    let active = resource.depends_on.iter().filter(|id| is_active(id)).cloned().collect();
    let product = terms.product(&resource.product, at);
    let has_edition = product.has_edition(products.map(|other| terms.product(other, at)));
    let arrears_stops = product.arrears_stops(terms.profile);
    resource.works(&Surroundings { arrears_stops, account, active: &active, has_edition })
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

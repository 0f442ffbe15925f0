//! Whether a resource does its work: what `subscriptions` calls its function.

use super::account::LifeAccount;
use super::effect::{LifeEffects, LifeEvent, LifeEventKind};
use super::terms::LifeTerms;
use super::{AccountStatus, Resource, ResourceStatus};
use crate::profile::{ArrearsStops, Profile};
use crate::table::{BillingMode, ProductRow};
use crate::time::Instant;
use std::collections::BTreeSet;

/// What a resource's work depends on besides the resource.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// When is asked.
    pub as_of: Instant,
    /// When arrears stop the service: what its product says, or the profile.
    pub arrears_stops: ArrearsStops,
    /// Where its account stands.
    pub account: AccountStatus,
    /// The active resources of its account.
    pub active: &'a BTreeSet<String>,
}

/// When arrears stop what is of this product: the product's own word, or the profile's.
pub fn arrears_stops(product: Option<&ProductRow>, profile: &Profile) -> ArrearsStops {
    let own = product.and_then(|row| row.particulars.get("arrears_stops"));
    let words = [ArrearsStops::AfterGrace, ArrearsStops::AtOnce];
    words.into_iter().find(|word| own.is_some_and(|own| own == word.as_str())).unwrap_or(profile.arrears_stops)
}

impl Resource {
    /// Whether it works: it is paid for, or expired and in its grace, and one of those that it depends on is active.
    ///
    /// What is paid by use stops with its account; what is paid ahead is untouched by arrears.
    pub fn works(&self, around: &Surroundings<'_>) -> bool {
        let is_running = match self.status {
            ResourceStatus::Active => !self.is_stopped_by_arrears(around),
            ResourceStatus::Expired => {
                let is_in_grace = self.grace_until.is_some_and(|until| around.as_of < until);
                is_in_grace && around.arrears_stops == ArrearsStops::AfterGrace
            }
            ResourceStatus::Retention | ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted => {
                false
            }
        };
        is_running && (self.depends_on.is_empty() || self.depends_on.iter().any(|id| around.active.contains(id)))
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
                && (!resource.depends_on.is_empty() || is_standing && resource.billing_mode == BillingMode::PayPerUse)
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
    let arrears_stops = terms.product(&resource.product, at).arrears_stops(terms.profile);
    // The end of a grace is a step of its own, which stops the resource by its status.
    let as_of = Instant::MIN;
    resource.works(&Surroundings { as_of, arrears_stops, account: account.standing.status, active: &active })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::testing::resource;
    use crate::table::Overlap;
    use std::collections::BTreeMap;

    #[test]
    fn a_resource_works_while_it_is_paid_for_or_in_its_grace() {
        use AccountStatus::{Arrears, Normal, Released as Gone, Retention as Kept};
        use ArrearsStops::{AfterGrace, AtOnce};
        use BillingMode::{PayPerUse, Subscription};
        use ResourceStatus::*;
        // status | billed | asked at (grace until 100) | arrears stop | account | works
        let cases = [
            (Active, Subscription, 0, AfterGrace, Normal, true),
            (Active, Subscription, 0, AtOnce, Kept, true), // paid ahead
            (Active, PayPerUse, 0, AtOnce, Normal, true),
            (Active, PayPerUse, 0, AfterGrace, Arrears, true),
            (Active, PayPerUse, 0, AtOnce, Arrears, false),
            (Active, PayPerUse, 0, AfterGrace, Kept, false),
            (Active, PayPerUse, 0, AfterGrace, Gone, false),
            (Expired, Subscription, 99, AfterGrace, Normal, true),
            (Expired, Subscription, 100, AfterGrace, Normal, false), // the first instant without grace
            (Expired, Subscription, 99, AtOnce, Normal, false),
            (Retention, Subscription, 0, AfterGrace, Normal, false),
            (Released, Subscription, 0, AfterGrace, Normal, false),
            (Unsubscribed, Subscription, 0, AfterGrace, Normal, false),
            (Deleted, PayPerUse, 0, AfterGrace, Normal, false),
        ];
        for (status, billing_mode, seconds, arrears_stops, account, expected) in cases {
            let resource =
                Resource { status, billing_mode, grace_until: Some(Instant::from_seconds(100)), ..resource("acme", "edge-1") };
            let around = Surroundings { as_of: Instant::from_seconds(seconds), arrears_stops, account, active: &BTreeSet::new() };
            assert_eq!(resource.works(&around), expected, "{status:?} {billing_mode:?} {seconds} {arrears_stops:?} {account:?}");
        }
    }

    #[test]
    fn a_products_own_word_goes_before_the_profiles() {
        let profile = |word: &str| Profile::parse(&format!("base = \"huawei-intl\"\narrears_stops = \"{word}\"")).expect("right");
        let product = |word: &str| {
            let particulars = BTreeMap::from([("arrears_stops".to_owned(), word.to_owned())]);
            let (name, overlap, valid_from) = ("edge".to_owned(), Overlap::Add, None);
            ProductRow { product: name.clone(), name, overlap, valid_from, particulars }
        };
        let unsaid = ProductRow { particulars: BTreeMap::new(), ..product("") };
        // profile | product's own word | arrears stop
        let cases = [
            ("after_grace", None, ArrearsStops::AfterGrace),
            ("at_once", None, ArrearsStops::AtOnce),
            ("at_once", Some(unsaid), ArrearsStops::AtOnce),
            ("at_once", Some(product("after_grace")), ArrearsStops::AfterGrace),
            ("after_grace", Some(product("at_once")), ArrearsStops::AtOnce),
        ];
        for (word, product, expected) in cases {
            assert_eq!(arrears_stops(product.as_ref(), &profile(word)), expected, "{word} {product:?}");
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
                as_of: Instant::from_seconds(0),
                arrears_stops: ArrearsStops::AfterGrace,
                account: AccountStatus::Normal,
                active: &active,
            };
            assert_eq!(resource.works(&around), expected, "{active:?}");
        }
    }

    #[test]
    fn without_a_grace_an_expired_resource_stops() {
        let resource = Resource { status: ResourceStatus::Expired, grace_until: None, ..resource("acme", "edge-1") };
        let around = Surroundings {
            as_of: Instant::from_seconds(0),
            arrears_stops: ArrearsStops::AfterGrace,
            account: AccountStatus::Normal,
            active: &BTreeSet::new(),
        };
        assert!(!resource.works(&around));
    }
}

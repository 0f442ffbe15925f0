//! What is kept of an account's resources between steps, so that a step looks at what it touched and what hangs on that, not
//! at all of them: a night in which twenty thousand resources of one account are due has as many steps.
//!
//! It is the same as looking at everything ([`timer::next`], [`Watched`]), which stays what this is held to: see
//! [`super::advance_plainly`].

use super::account::LifeAccount;
use super::effect::LifeEffects;
use super::function::{Watched, is_watched, works_among};
use super::resources::Touched;
use super::terms::LifeTerms;
use super::timer::{self, Place, Timer};
use super::{Resource, ResourceStatus};
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of all resources.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// What is due of each first, in order.
    queue: BTreeSet<Place>,
    /// The same by resource.
    due: BTreeMap<String, Place>,
    /// Those that depend on others.
    dependents: BTreeSet<String>,
    /// By host those that depend on it; a host need not be there.
    hosts: BTreeMap<String, BTreeSet<String>>,
    /// Those that have not ended, by product.
    live: BTreeMap<String, BTreeSet<String>>,
    /// How many of a product are active.
    active: BTreeMap<String, i64>,
}

impl Around {
    /// Looks at every resource once.
    pub fn new(account: &LifeAccount) -> Self {
        let mut around = Self::default();
        for resource in account.resources.values() {
            around.add(resource);
        }
        for resource in account.resources.values() {
            around.look(account, &resource.resource_id);
        }
        around
    }

    /// The step that is due first.
    pub fn next(&self, account: &LifeAccount, terms: &LifeTerms<'_>) -> Option<Timer> {
        let of_resources = self.queue.first().map(|(at, _, step)| Timer { at: *at, step: step.clone() });
        timer::first(timer::of_standing(account, terms), of_resources)
    }

    /// Keeps up with what a step touched.
    pub fn follow(&mut self, account: &LifeAccount, touched: &Touched) {
        for (resource_id, before) in touched {
            if let Some(before) = before {
                self.take_away(before);
            }
            self.add(&account.resources[resource_id]);
            self.look(account, resource_id);
        }
        // What is new may stand above others, and so their depth is another.
        if touched.values().any(Option::is_none) {
            for resource_id in self.dependents.clone() {
                self.look(account, &resource_id);
            }
        }
    }

    /// What the step that touched these may have stopped or started, and whether it worked before.
    pub fn watched(&self, account: &LifeAccount, touched: &Touched, at: Instant, terms: &LifeTerms<'_>) -> Watched {
        let mut ids: BTreeSet<&str> = touched.keys().map(String::as_str).collect();
        for host in touched.keys() {
            ids.extend(self.hosts.get(host).into_iter().flatten().map(String::as_str));
        }
        for (product, of_product) in &self.live {
            let terms_of = terms.product(product, at);
            let has = |products: &dyn Fn(&str) -> bool| {
                let active = self.products(touched, account).filter(|product| products(product));
                terms_of.has_edition(active.map(|product| terms.product(product, at)))
            };
            let is_after = |product: &str| self.is_active_after(account, touched, product);
            if terms_of.is_addon && has(&|product| self.is_active(product)) != has(&is_after) {
                ids.extend(of_product.iter().map(String::as_str));
            }
        }
        let before = |id: &str| match touched.get(id) {
            Some(before) => before.as_ref(),
            None => account.resources.get(id),
        };
        let is_active = |id: &str| before(id).is_some_and(|one| one.status == ResourceStatus::Active);
        let worked = ids.into_iter().filter_map(|id| {
            let resource = before(id).filter(|resource| is_watched(resource, false, at, terms))?;
            let products = self.active.keys().filter(|product| self.is_active(product));
            let works = works_among(account.standing.status, resource, &is_active, products.map(String::as_str), at, terms);
            Some((id.to_owned(), works))
        });
        Watched::known(worked.collect())
    }

    /// Tells what has changed with them, once this has followed the step.
    pub fn tell(
        &self,
        watched: Watched,
        account: &LifeAccount,
        effects: &mut LifeEffects,
        cause: &str,
        at: Instant,
        terms: &LifeTerms<'_>,
    ) {
        let is_active = |id: &str| account.resources.get(id).is_some_and(|one| one.status == ResourceStatus::Active);
        let works = |resource: &Resource| {
            let products = self.active.keys().filter(|product| self.is_active(product));
            works_among(account.standing.status, resource, &is_active, products.map(String::as_str), at, terms)
        };
        watched.tell_by(account, effects, cause, at, works);
    }

    fn add(&mut self, resource: &Resource) {
        let id = &resource.resource_id;
        for host in &resource.depends_on {
            self.dependents.insert(id.clone());
            self.hosts.entry(host.clone()).or_default().insert(id.clone());
        }
        if !resource.has_ended() {
            self.live.entry(resource.product.clone()).or_default().insert(id.clone());
        }
        if resource.status == ResourceStatus::Active {
            *self.active.entry(resource.product.clone()).or_default() += 1;
        }
    }

    fn take_away(&mut self, resource: &Resource) {
        let id = &resource.resource_id;
        self.dependents.remove(id);
        for host in &resource.depends_on {
            self.hosts.entry(host.clone()).or_default().remove(id);
        }
        if !resource.has_ended() {
            self.live.entry(resource.product.clone()).or_default().remove(id);
        }
        if resource.status == ResourceStatus::Active {
            *self.active.entry(resource.product.clone()).or_default() -= 1;
        }
    }

    /// Puts what is due of a resource first into the queue, in the place of what was.
    fn look(&mut self, account: &LifeAccount, resource_id: &str) {
        if let Some(known) = self.due.remove(resource_id) {
            self.queue.remove(&known);
        }
        if let Some(place) = timer::first_of(account, &account.resources[resource_id]) {
            self.queue.insert(place.clone());
            self.due.insert(resource_id.to_owned(), place);
        }
    }

    fn is_active(&self, product: &str) -> bool {
        self.active.get(product).is_some_and(|count| *count > 0)
    }

    /// The same after the step that touched these, which is not followed yet.
    fn is_active_after(&self, account: &LifeAccount, touched: &Touched, product: &str) -> bool {
        let counts = |resource: &Resource| resource.status == ResourceStatus::Active && resource.product == product;
        let less = touched.values().flatten().filter(|before| counts(before)).count() as i64;
        let more = touched.keys().filter(|id| counts(&account.resources[*id])).count() as i64;
        self.active.get(product).copied().unwrap_or_default() - less + more > 0
    }

    /// Every product that is or comes to be active.
    fn products<'a>(&'a self, touched: &'a Touched, account: &'a LifeAccount) -> impl Iterator<Item = &'a str> {
        let known = self.active.keys().map(String::as_str);
        known.chain(touched.keys().map(|id| account.resources[id].product.as_str()))
    }
}

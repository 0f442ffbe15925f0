//! The list of renewals: subscriptions by renewal policy and expiry.
//!
//! In it is what is formal and renewable there (Kingsoft's renewal management): no trials, nothing bought once, no product
//! that is renewed elsewhere or not at all. What is paid by use has no expiry and stands under a tab of its own.

use reckoner_core::life::{LifeTerms, ProductRenewal, Refused, RenewalPolicy, Resource};
use reckoner_core::table::BillingMode;
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeMap;

/// The tabs of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalTab {
    /// Renewed by hand: every policy but `auto`.
    Manual,
    /// Renewed by itself.
    Auto,
    /// Paid by use: without an expiry.
    NoExpiry,
}

/// Which resources; what is nothing lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenewalWish {
    /// Under one tab.
    pub tab: Option<RenewalTab>,
    /// The last covered second lies in it.
    pub expires: Option<Window>,
    /// Of this product.
    pub product: Option<String>,
    /// In this kind of site.
    pub data_center_type: Option<String>,
    /// Of this account.
    pub account_id: Option<String>,
}

/// Why a resource is not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotListed {
    /// Charged 0, never renewed.
    Trial,
    /// Bought once: it has no term.
    OneTime,
    /// Its product is renewed on a page of its own.
    OwnPage,
    /// Its product is renewed by a new order.
    NewOrder,
    /// Its product is not renewed.
    NotRenewed,
}

/// What the list holds and what it leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenewalList<'a> {
    /// By expiry, then id; what has no expiry comes last.
    pub listed: Vec<&'a Resource>,
    /// What fits the wish but for the tab, and why it is not listed.
    pub not_listed: BTreeMap<NotListed, Vec<&'a Resource>>,
}

impl NotListed {
    /// A stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::OneTime => "one_time",
            Self::OwnPage => "own_page",
            Self::NewOrder => "new_order",
            Self::NotRenewed => "not_renewed",
        }
    }

    /// What several of them are, for a person.
    pub const fn of_many(self) -> &'static str {
        match self {
            Self::Trial => "on trial: never renewed",
            Self::OneTime => "bought once: without a term",
            Self::OwnPage => "of products that are renewed on a page of their own",
            Self::NewOrder => "of products that are renewed by a new order",
            Self::NotRenewed => "of products that are not renewed",
        }
    }

    /// What one of them is, for a person.
    const fn of_one(self) -> &'static str {
        match self {
            Self::Trial => "is on trial, which is never renewed",
            Self::OneTime => "was bought once and has no term",
            Self::OwnPage => "is of a product that is renewed on a page of its own",
            Self::NewOrder => "is of a product that is renewed by a new order",
            Self::NotRenewed => "is of a product that is not renewed",
        }
    }
}

/// Why the resource is not in the list of renewals; nothing for one that is, also for one that is paid by use.
fn not_listed(resource: &Resource, as_of: Instant, terms: &LifeTerms<'_>) -> Option<NotListed> {
    match resource.billing_mode {
        _ if resource.is_trial => return Some(NotListed::Trial),
        BillingMode::OneTime => return Some(NotListed::OneTime),
        BillingMode::PayPerUse => return None,
        BillingMode::Subscription => {}
    }
    match terms.product(&resource.product, as_of).renewal {
        ProductRenewal::Central => None,
        ProductRenewal::OwnPage => Some(NotListed::OwnPage),
        ProductRenewal::NewOrder => Some(NotListed::NewOrder),
        ProductRenewal::None => Some(NotListed::NotRenewed),
    }
}

/// Why a batch leaves the resource alone; nothing where it may be part of one.
///
/// Members of a bundle are renewed together, one order for them all (Kingsoft: strongly associated instances are in no batch).
pub fn not_in_batch(resource: &Resource, as_of: Instant, terms: &LifeTerms<'_>) -> Option<Refused> {
    let id = &resource.resource_id;
    if resource.has_ended() {
        return Some(Refused::new("has_ended", format!("`{id}` is {}", resource.status.as_str())));
    }
    if resource.billing_mode == BillingMode::PayPerUse {
        return Some(Refused::new("pay_per_use", format!("`{id}` is paid by use and has no expiry")));
    }
    if let Some(why) = not_listed(resource, as_of, terms) {
        return Some(Refused::new(why.as_str(), format!("`{id}` {}", why.of_one())));
    }
    let bundle_id = resource.bundle_id.as_ref()?;
    let why = format!("`{id}` is in bundle `{bundle_id}`, which is renewed whole, by an order of its own");
    Some(Refused::new("bundle_member", why))
}

/// The resources that are wanted. What was unsubscribed, deleted or released is in no list.
pub fn renewal_list<'a>(
    resources: impl IntoIterator<Item = &'a Resource>,
    wish: &RenewalWish,
    as_of: Instant,
    terms: &LifeTerms<'_>,
) -> RenewalList<'a> {
    let mut list = RenewalList::default();
    for resource in resources.into_iter().filter(|resource| !resource.has_ended() && wish.fits(resource)) {
        match not_listed(resource, as_of, terms) {
            // Nothing under this tab is renewed.
            Some(_) if wish.tab == Some(RenewalTab::NoExpiry) => {}
            Some(why) => list.not_listed.entry(why).or_default().push(resource),
            None if wish.tab.is_none_or(|tab| tab == tab_of(resource)) => list.listed.push(resource),
            None => {}
        }
    }
    let place = |resource: &&Resource| {
        (resource.expires_at.unwrap_or(Instant::MAX), resource.resource_id.clone(), resource.account_id.clone())
    };
    list.listed.sort_by_key(place);
    list.not_listed.values_mut().for_each(|resources| resources.sort_by_key(place));
    list
}

fn tab_of(resource: &Resource) -> RenewalTab {
    match (resource.expires_at, resource.renewal) {
        (None, _) => RenewalTab::NoExpiry,
        (Some(_), RenewalPolicy::Auto) => RenewalTab::Auto,
        (Some(_), RenewalPolicy::Manual | RenewalPolicy::None | RenewalPolicy::ToPayPerUse) => RenewalTab::Manual,
    }
}

impl RenewalWish {
    /// Everything but the tab.
    fn fits(&self, resource: &Resource) -> bool {
        let is = |wanted: &Option<String>, seen: Option<&str>| wanted.as_deref().is_none_or(|wanted| seen == Some(wanted));
        let last_covered = resource.expires_at.map(|expires_at| expires_at.plus_seconds(-1));
        is(&self.account_id, Some(&resource.account_id))
            && is(&self.product, Some(&resource.product))
            && is(&self.data_center_type, resource.data_center_type.as_deref())
            && self.expires.is_none_or(|range| last_covered.is_some_and(|last| range.holds(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, at};
    use super::*;

    /// One account with a resource of every kind; `vm-2` and `disk-2` are a bundle.
    fn world() -> World {
        let mut world = World::new();
        world.top_up("a", "10000");
        for (id, sku, more) in [
            ("vm-1", "vm.month", &[][..]),
            ("vm-2", "vm.month", &[("bundle_id", "b"), ("periods", "2"), ("data_center_type", "edge")]),
            ("disk-2", "vm.month", &[("bundle_id", "b"), ("periods", "2")]),
            ("vm-3", "vm.month", &[("renewal", "auto"), ("periods", "3")]),
            ("vm-4", "vm.month", &[("renewal", "to_pay_per_use")]),
            ("vm-5", "vm.month", &[("renewal", "none"), ("periods", "12")]),
            ("vm-6", "vm.month", &[("trial", "true"), ("renewal", "auto")]),
            ("ip-1", "ip.month", &[]),
            ("log-1", "log.month", &[]),
            ("cert-1", "cert.month", &[("renewal", "auto")]),
            ("ssl-1", "ssl.year", &[]),
            ("vm-7", "vm.hour", &[]),
        ] {
            world.order("a", "purchase", id, "2026-01-05T10:00:00+08:00", &[&[("sku", sku)], more].concat());
        }
        world.order("a", "purchase", "vm-8", "2026-01-05T10:00:00+08:00", &[("sku", "vm.month")]);
        world.order("a", "unsubscribe", "vm-8", "2026-01-06T10:00:00+08:00", &[]);
        world
    }

    #[test]
    fn a_list_holds_what_is_wanted_by_expiry_then_id() {
        let world = world();
        let wish = RenewalWish::default;
        let range = |from, to| Some(Window::new(at(from), at(to)));
        // wish | what is listed
        let cases = [
            (wish(), "vm-1 vm-4 disk-2 vm-2 vm-3 vm-5 vm-7"),
            (RenewalWish { tab: Some(RenewalTab::Manual), ..wish() }, "vm-1 vm-4 disk-2 vm-2 vm-5"),
            (RenewalWish { tab: Some(RenewalTab::Auto), ..wish() }, "vm-3"),
            (RenewalWish { tab: Some(RenewalTab::NoExpiry), ..wish() }, "vm-7"),
            (RenewalWish { product: Some("vm".to_owned()), tab: Some(RenewalTab::Auto), ..wish() }, "vm-3"),
            (RenewalWish { product: Some("ip".to_owned()), ..wish() }, ""),
            (RenewalWish { data_center_type: Some("edge".to_owned()), ..wish() }, "vm-2"),
            (RenewalWish { account_id: Some("b".to_owned()), ..wish() }, ""),
            // Two months from 5 January end on 5 March at 23:59:59, which is what the range holds.
            (RenewalWish { expires: range("2026-03-05T00:00:00+08:00", "2026-03-06T00:00:00+08:00"), ..wish() }, "disk-2 vm-2"),
            (RenewalWish { expires: range("2026-03-06T00:00:00+08:00", "2026-03-07T00:00:00+08:00"), ..wish() }, ""),
            (RenewalWish { expires: range("2026-03-05T23:59:59+08:00", "2026-03-06T00:00:00+08:00"), ..wish() }, "disk-2 vm-2"),
            (RenewalWish { expires: range("2026-03-05T00:00:00+08:00", "2026-03-05T23:59:59+08:00"), ..wish() }, ""),
        ];
        for (wish, expected) in cases {
            let list = renewal_list(world.resources("a"), &wish, at("2026-01-10T00:00:00+08:00"), &world.terms());
            let ids: Vec<&str> = list.listed.iter().map(|one| one.resource_id.as_str()).collect();
            assert_eq!(ids.join(" "), expected, "{wish:?}");
        }
    }

    #[test]
    fn a_batch_takes_what_stands_alone_and_is_listed() {
        let world = world();
        // resource | why a batch leaves it alone
        let cases = [
            ("vm-1", ""),
            ("vm-3", ""),
            ("vm-2", "bundle_member"),
            ("disk-2", "bundle_member"),
            ("vm-6", "trial"),
            ("vm-7", "pay_per_use"),
            ("vm-8", "has_ended"),
            ("ip-1", "own_page"),
            ("cert-1", "new_order"),
            ("log-1", "not_renewed"),
            ("ssl-1", "one_time"),
        ];
        for (id, expected) in cases {
            let resource = &world.account("a").resources[id];
            let refused = not_in_batch(resource, at("2026-01-10T00:00:00+08:00"), &world.terms());
            assert_eq!(refused.map_or("", |refused| refused.code), expected, "{id}");
        }
    }

    #[test]
    fn what_is_not_listed_says_why() {
        let world = world();
        let list = renewal_list(world.resources("a"), &RenewalWish::default(), at("2026-01-10T00:00:00+08:00"), &world.terms());
        let shown: Vec<String> = list
            .not_listed
            .iter()
            .map(|(why, ones)| {
                format!("{} {}", why.as_str(), ones.iter().map(|one| one.resource_id.as_str()).collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(shown, ["trial vm-6", "one_time ssl-1", "own_page ip-1", "new_order cert-1", "not_renewed log-1"]);
    }
}

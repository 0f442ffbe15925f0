//! Editions: which edition of a family of products an account has, by the quotas that it bought.
//!
//! The highest active edition counts, `basic` where none is active. Add-ons work beside an edition: on dropping it their
//! function stops, but they are not cancelled and go on costing until they are unsubscribed (Huawei SecMaster).

use reckoner_core::life::{LifeAccount, LifeTerms, ProductTerms, Resource, ResourceStatus, Surroundings};
use reckoner_core::number::{AmountOverflow, Quantity};
use reckoner_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// What an account has of one family of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Whose.
    pub account_id: String,
    /// The family.
    pub family: String,
    /// The highest active edition, else `basic`.
    pub edition: String,
    /// Units of what is active of the family, add-ons left aside.
    pub quota: Quantity,
    /// Add-ons that go on costing but do not work, by id.
    pub functions_stopped: Vec<String>,
}

/// One for each family that the account has something of that has not ended, by family.
///
/// # Errors
/// [`AmountOverflow`] where a quota is beyond what can be counted.
pub fn editions(account: &LifeAccount, as_of: Instant, terms: &LifeTerms<'_>) -> Result<Vec<Edition>, AmountOverflow> {
    let mut families: BTreeMap<&str, Vec<(&Resource, &ProductTerms)>> = BTreeMap::new();
    for resource in account.resources.values().filter(|resource| !resource.has_ended()) {
        let product = terms.product(&resource.product, as_of);
        if let Some(family) = &product.family {
            families.entry(family).or_default().push((resource, product));
        }
    }
    let is_active = |resource: &&Resource| resource.status == ResourceStatus::Active;
    let active: BTreeSet<String> = account.resources.values().filter(is_active).map(|one| one.resource_id.clone()).collect();
    let one = |(family, held): (&str, Vec<(&Resource, &ProductTerms)>)| {
        let (addons, hosts): (Vec<_>, Vec<_>) = held.into_iter().partition(|(_, product)| product.is_addon);
        let hosts: Vec<_> = hosts.into_iter().filter(|(resource, _)| resource.status == ResourceStatus::Active).collect();
        let highest = hosts.iter().filter_map(|(_, product)| Some((product.edition_rank, product.edition.as_deref()?))).max();
        let mut quota = Quantity::ZERO;
        for (resource, _) in &hosts {
            quota = quota.plus(resource.quantity)?;
        }
        let edition = highest.map_or("basic", |(_, edition)| edition);
        let stopped = addons.into_iter().filter(|(resource, product)| {
            let around = Surroundings {
                arrears_stops: product.arrears_stops(terms.profile),
                account: account.standing.status,
                active: &active,
                has_edition: edition != "basic",
            };
            !resource.works(&around)
        });
        Ok(Edition {
            account_id: account.account_id().to_owned(),
            family: family.to_owned(),
            edition: edition.to_owned(),
            quota,
            functions_stopped: stopped.map(|(resource, _)| resource.resource_id.clone()).collect(),
        })
    };
    families.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, at};
    use super::*;

    /// `edition quota stopped` of the one family.
    fn shown(world: &World, when: &str) -> String {
        let found = editions(world.account("a"), at(when), &world.terms()).expect("quotas can be counted");
        assert!(found.len() <= 1, "{found:?}");
        let one = |found: &Edition| format!("{} {} {}", found.edition, found.quota, found.functions_stopped.join(";"));
        found.first().map(one).unwrap_or_default()
    }

    #[test]
    fn the_highest_active_edition_counts_and_add_ons_stop_without_one() {
        let mut world = World::new();
        world.top_up("a", "10000");
        let (buy, end) = ("2026-01-05T10:00:00+08:00", "2026-01-10T10:00:00+08:00");
        world.order("a", "purchase", "vm-1", buy, &[("sku", "vm.month")]); // of no family
        assert_eq!(shown(&world, buy), "");
        world.order("a", "purchase", "std", buy, &[("sku", "guard.std.month"), ("quantity", "3")]);
        assert_eq!(shown(&world, buy), "standard 3 ");
        world.order("a", "purchase", "pro", buy, &[("sku", "guard.pro.month"), ("quantity", "20")]);
        world.order("a", "purchase", "screen", buy, &[("sku", "guard.screen.month"), ("depends_on", "pro")]);
        world.order("a", "purchase", "scan", buy, &[("sku", "guard.screen.month")]);
        assert_eq!(shown(&world, buy), "professional 23 ");
        // The professional quota goes: what depends on it stops, the other add-on works beside the standard edition.
        world.order("a", "unsubscribe", "pro", end, &[]);
        assert_eq!(shown(&world, end), "standard 3 screen");
        // Nothing is left but add-ons, which go on costing.
        world.order("a", "unsubscribe", "std", "2026-01-11T10:00:00+08:00", &[]);
        assert_eq!(shown(&world, "2026-01-11T10:00:00+08:00"), "basic 0 scan;screen");
        world.order("a", "unsubscribe", "screen", "2026-01-12T10:00:00+08:00", &[]);
        world.order("a", "unsubscribe", "scan", "2026-01-12T10:00:00+08:00", &[]);
        assert_eq!(shown(&world, "2026-01-12T10:00:00+08:00"), "");
    }
}

//! The terms of a settlement: whose prices, discounts and attributes count, as of which state of knowledge.

use crate::account::Accounts;
use crate::price::{DiscountBook, Discounts, Price, PriceBook, Prices, Timeline};
use crate::profile::{Profile, TierScope};
use crate::time::{Window, Zone};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Everything but usage that rating reads.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The policy.
    pub profile: Profile,
    /// Where days and months close.
    pub zone: Zone,
    /// The accounts.
    pub accounts: Accounts,
    states: BTreeMap<u64, (Prices, Discounts)>,
    latest: (Prices, Discounts),
    by_id: HashMap<String, Arc<Price>>,
}

impl Terms {
    /// Terms that can answer for these states of knowledge (delivery sequence numbers) and for the latest.
    pub fn new(
        profile: Profile,
        zone: Zone,
        accounts: Accounts,
        prices: &PriceBook,
        discounts: &DiscountBook,
        states: impl IntoIterator<Item = u64>,
    ) -> Self {
        let state = |seq| (prices.as_of(seq), discounts.as_of(seq));
        let by_id = prices.rows().iter().map(|(_, row)| {
            let price_id = row.price_id();
            let price = Price { row: row.clone(), price_id: price_id.clone(), validity: row.stated_validity() };
            (price_id, Arc::new(price))
        });
        Self {
            profile,
            zone,
            accounts,
            states: states.into_iter().map(|seq| (seq, state(seq))).collect(),
            latest: state(u64::MAX),
            by_id: by_id.collect(),
        }
    }

    /// The prices of a sku for use in a window that was first settled with delivery `seq`.
    ///
    /// Use whose price became known only later (a row retried after its price arrived) is priced as known now.
    pub fn timeline(&self, sku: &str, currency: &str, seq: u64, needed: Window) -> Option<&Timeline> {
        let settled_with = self.states.get(&seq).and_then(|(prices, _)| prices.timeline(sku, currency));
        match settled_with {
            Some(timeline) if timeline.covers(needed) => Some(timeline),
            _ => self.latest.0.timeline(sku, currency),
        }
    }

    /// The discounts as known after delivery `seq`.
    pub fn discounts(&self, seq: u64) -> &Discounts {
        self.states.get(&seq).map_or(&self.latest.1, |(_, discounts)| discounts)
    }

    /// Under which resource a tiered total runs: its own under `tier_scope = resource`, none otherwise.
    pub fn tier_resource(&self, resource_id: &str) -> String {
        match self.profile.tier_scope {
            TierScope::Account | TierScope::Payer => String::new(),
            TierScope::Resource => resource_id.to_owned(),
        }
    }

    /// The prices as known now.
    pub fn latest_prices(&self) -> &Prices {
        &self.latest.0
    }

    /// The row as published, with the validity that it states itself, for a price as some state of knowledge cuts it.
    pub fn published<'a>(&'a self, price: &'a Arc<Price>) -> &'a Arc<Price> {
        self.by_id.get(&price.price_id).unwrap_or(price)
    }

    /// A published price row by its id, whether it still counts or not.
    pub fn price_by_id(&self, price_id: &str) -> Option<&Arc<Price>> {
        self.by_id.get(price_id)
    }
}

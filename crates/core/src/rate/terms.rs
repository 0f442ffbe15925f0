//! The terms of a settlement: whose prices, discounts and attributes count, as of which state of knowledge.

use crate::account::Accounts;
use crate::price::{DiscountBook, Discounts, Price, PriceBook, PriceHistory, Timeline};
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
    prices: PriceHistory,
    discounts: BTreeMap<u64, Discounts>,
    latest_discounts: Discounts,
    by_id: HashMap<String, Arc<Price>>,
}

impl Terms {
    /// Terms that can answer for every state of knowledge as to prices, and as to discounts for these (delivery sequence
    /// numbers) and for the latest.
    pub fn new(
        profile: Profile,
        zone: Zone,
        accounts: Accounts,
        prices: &PriceBook,
        discounts: &DiscountBook,
        states: impl IntoIterator<Item = u64>,
    ) -> Self {
        let by_id = prices.rows().iter().map(|(_, row)| {
            let price_id = row.price_id();
            let price = Price { row: row.clone(), price_id: price_id.clone(), validity: row.stated_validity() };
            (price_id, Arc::new(price))
        });
        Self {
            profile,
            zone,
            accounts,
            prices: prices.history(),
            discounts: states.into_iter().map(|seq| (seq, discounts.as_of(seq))).collect(),
            latest_discounts: discounts.as_of(u64::MAX),
            by_id: by_id.collect(),
        }
    }

    /// The prices of a sku for use in a window that was first settled with delivery `seq`.
    ///
    /// Use whose price became known only later (a row retried after its price arrived) is priced as first known.
    pub fn timeline(&self, sku: &str, currency: &str, seq: u64, needed: Window) -> Option<&Timeline> {
        self.prices.timeline(sku, currency, seq, needed)
    }

    /// The discounts as known after delivery `seq`.
    pub fn discounts(&self, seq: u64) -> &Discounts {
        self.discounts.get(&seq).unwrap_or(&self.latest_discounts)
    }

    /// Under which resource a tiered total runs: its own under `tier_scope = resource`, none otherwise.
    pub fn tier_resource(&self, resource_id: &str) -> String {
        match self.profile.tier_scope {
            TierScope::Account | TierScope::Payer => String::new(),
            TierScope::Resource => resource_id.to_owned(),
        }
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

//! The terms of a settlement: whose prices, discounts and attributes count, as of which state of knowledge.

use super::bookmark::{Bookmark, Repricing, WindowBook};
use super::cut::DueWindow;
use super::line::{Line, LineKey};
use crate::account::Accounts;
use crate::price::{Buyer, DiscountBook, Discounts, Price, PriceBook, PriceHistory, Timeline};
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
    /// Whether settled windows are priced again, and with what.
    pub repricing: Option<Repricing>,
    bookmarks: Vec<Bookmark>,
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
            repricing: None,
            bookmarks: Vec::new(),
            prices: prices.history(),
            discounts: states.into_iter().map(|seq| (seq, discounts.as_of(seq))).collect(),
            latest_discounts: discounts.as_of(u64::MAX),
            by_id: by_id.collect(),
        }
    }

    /// The same terms, with these parts of the past priced as their bookmarks say.
    #[must_use]
    pub fn with_bookmarks(mut self, bookmarks: Vec<Bookmark>) -> Self {
        self.bookmarks = bookmarks;
        self
    }

    /// Every bookmark, in the order recorded.
    pub fn bookmarks(&self) -> &[Bookmark] {
        &self.bookmarks
    }

    /// The same terms, for settling windows again at other prices.
    #[must_use]
    pub fn repricing(mut self, repricing: Repricing) -> Self {
        self.repricing = Some(repricing);
        self
    }

    /// With which states of knowledge a window is priced.
    pub fn book_of(&self, due: DueWindow) -> WindowBook<'_> {
        WindowBook::new(due, &self.bookmarks, self.repricing)
    }

    /// The prices of a sku for use in a window that was first settled with delivery `seq`.
    ///
    /// Use whose price became known only later (a row retried after its price arrived) is priced as first known.
    pub fn timeline(&self, sku: &str, currency: &str, seq: u64, needed: Window) -> Option<&Timeline> {
        self.prices.timeline(sku, currency, seq, needed)
    }

    /// The prices that [`Self::timeline`] gives for all use during `within`; nothing where it depends on the part needed.
    pub fn timeline_covering(&self, sku: &str, currency: &str, seq: u64, within: Window) -> Option<&Timeline> {
        self.prices.timeline_covering(sku, currency, seq, within)
    }

    /// The discounts as known after delivery `seq`.
    pub fn discounts(&self, seq: u64) -> &Discounts {
        self.discounts.get(&seq).unwrap_or(&self.latest_discounts)
    }

    /// Whether some discount, in some state of knowledge, may lower what the account pays.
    pub fn may_discount(&self, account_id: &str) -> bool {
        self.discounts.values().chain([&self.latest_discounts]).any(|discounts| discounts.may_fit(account_id))
    }

    /// Whether a line's price row is the one that counts at its start, as known after delivery `seq`.
    pub fn counts(&self, key: &LineKey, seq: u64) -> bool {
        let Some(currency) = self.accounts.currency(&key.account_id) else { return false };
        let prices = self.timeline(&key.sku, currency, seq, key.window);
        prices.and_then(|prices| prices.at(key.window.start)).is_some_and(|price| price.price_id == key.price_id)
    }

    /// Whether a line's price row or discounts are others now than when its window was settled last.
    pub fn differ(&self, line: &Line) -> bool {
        let row = &line.price.row;
        let buyer = Buyer {
            account_id: &line.key.account_id,
            product: &row.product,
            sku: &row.sku,
            billing_mode: row.billing_mode,
            at: line.key.window.start,
        };
        let discounts = |seq| self.discounts(seq).fitting(buyer);
        !self.counts(&line.key, line.settled_book_seq) || discounts(line.book_seq) != discounts(line.settled_book_seq)
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

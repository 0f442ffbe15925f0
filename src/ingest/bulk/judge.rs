//! What rows are held against: accounts and prices as known now, what has ended, the clock, products that want a second look.

use super::super::usage::{exclusive_products, released_times};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::account::Accounts;
use reckoner_core::intake::{PlainTerms, UsageChecks, late_from};
use reckoner_core::price::Prices;
use reckoner_core::time::{Instant, Zone};
use reckoner_tally::{Ends, Judge};
use std::collections::HashSet;

#[derive(Debug)]
pub(in super::super) struct Judged {
    accounts: Accounts,
    prices: Prices,
    /// Products whose resources are used by one record at a time: each row is held against the others.
    exclusive: HashSet<String>,
    ends: Ends,
    as_of: Instant,
    epoch: Option<Instant>,
    late_from: Option<Instant>,
    zone: Zone,
}

impl Judged {
    pub fn load(books: &Books) -> Result<Self, Failure> {
        let products = books.store().products()?.into_iter().map(|known| known.row);
        Ok(Self {
            accounts: books.accounts()?,
            prices: books.price_book()?.as_of(u64::MAX),
            exclusive: exclusive_products(products),
            ends: ends(books)?,
            as_of: books.as_of,
            epoch: books.session.settings.epoch,
            late_from: late_from(books.profile.late_cutoff, books.as_of, books.zone),
            zone: books.zone,
        })
    }
}

/// What has ended, as known now.
fn ends(books: &Books) -> Result<Ends, Failure> {
    let mut ends = Ends::default();
    if books.store().any_resource_ended()? {
        books.store().each_resource_end(&mut |account_id, resource_id, at| ends.resource(account_id, resource_id, at))?;
    }
    for (account_id, times) in released_times(books)? {
        ends.released(&account_id, times);
    }
    Ok(ends)
}

impl Judge for Judged {
    fn ends(&self) -> Option<&Ends> {
        Some(&self.ends).filter(|ends| !ends.is_empty())
    }

    fn currency(&self, account_id: &str) -> Option<&str> {
        self.accounts.currency(account_id)
    }

    fn terms(&self, sku: &str, currency: &str) -> Option<PlainTerms> {
        let prices = self.prices.timeline(sku, currency)?.prices();
        if prices.iter().any(|price| self.exclusive.contains(&price.row.product)) {
            return None;
        }
        let Self { accounts, prices, as_of, epoch, late_from, zone, .. } = self;
        let (as_of, epoch, late_from, zone) = (*as_of, *epoch, *late_from, *zone);
        UsageChecks { accounts, prices, as_of, epoch, late_from, zone }.plain_terms(sku, currency)
    }
}

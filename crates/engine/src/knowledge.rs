//! What lives are held against, loaded once a command.

use reckoner_core::account::Accounts;
use reckoner_core::life::{LifeTerms, Products};
use reckoner_core::price::{DiscountBook, Discounts, PriceBook, Prices};
use reckoner_core::profile::Profile;
use reckoner_core::time::{Instant, Zone};
use reckoner_store::{Store, StoreError};

/// Policy, accounts, prices, products and discounts, as known now.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// The policy in force.
    pub profile: Profile,
    /// Where days and months close.
    pub zone: Zone,
    /// The accounts' rows.
    pub accounts: Accounts,
    prices: Prices,
    products: Products,
    discounts: Discounts,
    effective_from: Instant,
}

impl Knowledge {
    /// Everything that the store knows now.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(store: &dyn Store, profile: &Profile, zone: Zone) -> Result<Self, StoreError> {
        let accounts = Accounts::new(store.accounts()?.into_iter().map(|known| known.row));
        let prices = PriceBook::new(store.prices()?.into_iter().map(|known| (known.seq, known.row)));
        let discounts = DiscountBook::new(store.discounts()?.into_iter().map(|known| (known.seq, known.row)));
        Self::beside(store, profile, zone, accounts, &prices, &discounts)
    }

    /// The same, for somebody who has read accounts, prices and discounts already.
    ///
    /// # Errors
    /// What the store says.
    pub fn beside(
        store: &dyn Store,
        profile: &Profile,
        zone: Zone,
        accounts: Accounts,
        prices: &PriceBook,
        discounts: &DiscountBook,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            profile: profile.clone(),
            zone,
            accounts,
            prices: prices.as_of(u64::MAX),
            products: Products::new(store.products()?.into_iter().map(|known| known.row)),
            discounts: discounts.as_of(u64::MAX),
            effective_from: store.frontier()?.unwrap_or(Instant::MIN),
        })
    }

    /// The terms that decisions read.
    pub fn terms(&self) -> LifeTerms<'_> {
        LifeTerms {
            profile: &self.profile,
            zone: self.zone,
            accounts: &self.accounts,
            prices: &self.prices,
            products: &self.products,
            discounts: &self.discounts,
            effective_from: self.effective_from,
        }
    }
}

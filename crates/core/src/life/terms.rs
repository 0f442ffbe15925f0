//! What a life is held against: policy, zone, accounts, prices, products and discounts, as known now.

use super::calendar;
use super::effect::Refused;
use super::product::{ProductTerms, Products};
use super::{Resource, ResourceStatus};
use crate::account::Accounts;
use crate::pay::PaymentTerms;
use crate::price::{Discounts, Price, Prices};
use crate::profile::{ArrearsStops, Profile};
use crate::time::{Instant, Zone};
use std::sync::Arc;

/// Everything but the account itself that deciding about its life reads.
#[derive(Debug, Clone, Copy)]
pub struct LifeTerms<'a> {
    /// The policy.
    pub profile: &'a Profile,
    /// Where days and months close.
    pub zone: Zone,
    /// The accounts' rows.
    pub accounts: &'a Accounts,
    /// The price rows known now.
    pub prices: &'a Prices,
    /// The products' flags.
    pub products: &'a Products,
    /// The discounts known now.
    pub discounts: &'a Discounts,
    /// Where everything has been looked at: what becomes known of earlier instants takes effect here.
    pub effective_from: Instant,
}

impl<'a> LifeTerms<'a> {
    /// The price row of a sku that is in force at the instant, in the account's currency.
    ///
    /// # Errors
    /// `no_price` where there is none.
    pub fn price(&self, account_id: &str, sku: &str, at: Instant) -> Result<&'a Arc<Price>, Refused> {
        let currency = self.accounts.currency(account_id).unwrap_or_default();
        let found = self.prices.timeline(sku, currency).and_then(|prices| prices.at(at));
        found.ok_or_else(|| Refused::new("no_price", format!("`{sku}` has no price in {currency} at {}", self.zone.to_text(at))))
    }

    /// The flags of a product.
    pub fn product(&self, product: &str, at: Instant) -> &'a ProductTerms {
        self.products.at(product, at)
    }

    /// How the account pays.
    pub fn payment(&self, account_id: &str, at: Instant) -> Option<PaymentTerms> {
        self.accounts.at(account_id, at).map(PaymentTerms::of)
    }

    /// The account's level.
    pub fn level(&self, account_id: &str, at: Instant) -> &'a str {
        self.accounts.at(account_id, at).map_or("V0", |row| row.level.as_str())
    }

    /// First instants at which grace and retention of something that expired (or came into arrears) then are over.
    pub fn kept_until(&self, resource: &Resource, since: Instant) -> (Instant, Instant) {
        let product = self.product(&resource.product, since);
        let level = self.level(&resource.account_id, since);
        let grace = product.grace_days(self.profile, resource.billing_mode, level);
        let retention = product.retention_days(self.profile, resource.billing_mode, level);
        let (grace, retention) = calendar::grace_and_retention(since, grace, retention);
        (grace.end, retention.end)
    }

    /// Whether the resource does its work where it is in its life, what it depends on left aside.
    pub fn runs(&self, resource: &Resource) -> bool {
        match resource.status {
            ResourceStatus::Active => true,
            ResourceStatus::Expired => {
                let since = resource.expires_at.unwrap_or(resource.starts_at);
                self.product(&resource.product, since).arrears_stops(self.profile) == ArrearsStops::AfterGrace
            }
            ResourceStatus::Retention | ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted => {
                false
            }
        }
    }
}

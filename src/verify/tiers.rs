//! Tiered prices by month: the amounts of a line depend on what came before it, the month's do not.

use super::{Check, Report};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::audit::{self, Finding};
use reckoner_core::number::Quantity;
use reckoner_core::price::Price;
use reckoner_core::rate::{Charge, Terms, TierKey, TierState, VOLUME_BAND};
use reckoner_frames::FrameError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the charges of tiered prices come to by month, until the month is over.
#[derive(Default)]
pub(super) struct TierSums {
    months: BTreeMap<String, BTreeMap<TierKey, Month>>,
}

struct Month {
    price: Arc<Price>,
    state: TierState,
    list_e8: i128,
    is_too_large: bool,
}

impl TierSums {
    pub fn add(&mut self, charge: &Charge, price: &Arc<Price>, terms: &Terms) {
        let key = TierKey {
            account_id: charge.key.account_id.clone(),
            sku: charge.key.sku.clone(),
            price_id: charge.key.price_id.clone(),
            billing_period: charge.billing_period.clone(),
            resource_id: terms.tier_resource(&charge.key.resource_id),
        };
        let new = || Month { price: Arc::clone(price), state: TierState::default(), list_e8: 0, is_too_large: false };
        let month = self.months.entry(charge.billing_period.clone()).or_default().entry(key).or_insert_with(new);
        // A resource that used 0 has used something; one that is only re-priced has not.
        let is_first = charge.corrects.is_none() && charge.reason.as_deref() != Some(VOLUME_BAND);
        if is_first || !charge.quantity.is_zero() {
            month.is_too_large |= month.state.add_quantity(&charge.key.resource_id, charge.quantity).is_err();
        }
        month.list_e8 += i128::from(charge.amounts.list.e8());
    }

    /// Compares the months before this one, whose charges have all been added; all of them if none is named.
    pub fn check_before(
        &mut self,
        books: &Books,
        terms: &Terms,
        period: Option<&str>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        while let Some(entry) =
            self.months.first_entry().filter(|month| period.is_none_or(|period| month.key().as_str() < period))
        {
            let (period, posted) = entry.remove_entry();
            for (key, month) in &posted {
                report.judge(Check::UsageTiers, check_list(key, month, terms)?);
            }
            check_totals(books, &period, &posted, report)?;
        }
        Ok(())
    }
}

fn check_list(key: &TierKey, month: &Month, terms: &Terms) -> Result<Option<Finding>, Failure> {
    if month.is_too_large {
        return Err(FrameError::Overflow.into());
    }
    let deserved = month.state.list_amount(&month.price, &terms.profile).map_err(FrameError::from)?;
    let TierKey { account_id, sku, price_id, billing_period, resource_id } = key;
    let subject = format!("{billing_period} of `{account_id}` `{sku}` `{resource_id}` at price `{price_id}`");
    let law = "list amounts sum to the price of the month's quantity, cut once";
    Ok(audit::compare_amounts(subject, law, month.list_e8, i128::from(deserved.e8())))
}

/// What the store keeps as the month's totals: it is where the next line of the month starts.
fn check_totals(books: &Books, period: &str, posted: &BTreeMap<TierKey, Month>, report: &mut Report) -> Result<(), Failure> {
    // account, sku, price, resource
    type Place = (String, String, String, String);
    let mut sums: BTreeMap<Place, (Quantity, Quantity)> = BTreeMap::new();
    for (key, month) in posted {
        for (resource_id, quantity) in &month.state.by_resource {
            let place = (key.account_id.clone(), key.sku.clone(), key.price_id.clone(), resource_id.clone());
            sums.entry(place).or_default().1 = *quantity;
        }
    }
    let pairs: BTreeSet<(String, String)> = posted.keys().map(|key| (key.account_id.clone(), key.sku.clone())).collect();
    for total in books.store().tier_totals(&pairs.into_iter().collect::<Vec<_>>())? {
        if total.billing_period == period {
            let place = (total.account_id, total.sku, total.price_id, total.resource_id);
            sums.entry(place).or_default().0 = total.quantity;
        }
    }
    for ((account_id, sku, price_id, resource_id), (stated, computed)) in sums {
        let subject = format!("total of {period} of `{account_id}` `{sku}` `{resource_id}` at price `{price_id}`");
        let law = "the month's total = the quantities posted";
        report.judge(Check::UsageTiers, audit::compare_quantities(subject, law, stated, computed));
    }
    Ok(())
}

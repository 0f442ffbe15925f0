//! The price models, one file each; this is the list that names them all.
//!
//! A model answers one question: what does a month's quantity cost in total, exactly? What an hour owes under a tiered
//! model is the difference between two totals, so the net of a month does not depend on the order of arrival.

mod flat;
mod graduated;
mod package;
mod volume;

use crate::number::{Accrued, AmountOverflow, Quantity};
use crate::table::{PriceModel, PriceRow};

pub use volume::tier as volume_tier;

/// The exact cost of a quantity under a price row: of one line for `flat`, of the whole month for tiered models.
///
/// The quantity is in unit-seconds for `hour` units; tier bounds and package sizes count hours then.
///
/// # Errors
/// [`AmountOverflow`] when the amount does not fit 128 bits.
pub fn total(price: &PriceRow, quantity: Quantity) -> Result<Accrued, AmountOverflow> {
    let per = price.seconds_per_unit();
    match &price.model {
        PriceModel::Flat => flat::total(price.unit_price, quantity, per),
        PriceModel::Graduated { tiers } => graduated::total(tiers, quantity, per),
        PriceModel::Volume { tiers } => volume::total(tiers, quantity, per),
        PriceModel::Package { size, unit_price, free } => package::total(*size, *unit_price, *free, quantity, per),
    }
}

/// Whether the price of a unit depends on the month's quantity.
pub fn is_tiered(model: &PriceModel) -> bool {
    match model {
        PriceModel::Flat => false,
        PriceModel::Graduated { .. } | PriceModel::Volume { .. } | PriceModel::Package { .. } => true,
    }
}

//! Volume: the whole quantity at the price of the tier it reaches. Upper bounds are inclusive: with a bound of 100, a
//! quantity of 100 is in the lower tier and 100.5 in the upper one, with no hole between.

use crate::number::{Accrued, AmountOverflow, Quantity};
use crate::table::Tier;

pub(super) fn total(tiers: &[Tier], quantity: Quantity, per: i64) -> Result<Accrued, AmountOverflow> {
    let tier = &tiers[tier(tiers, quantity, per)?];
    tier.unit_price.of(quantity, per)?.plus(Accrued::of_money(tier.flat))
}

/// The place in the list of the tier that a month's quantity reaches.
///
/// # Errors
/// [`AmountOverflow`] when a bound does not fit 128 bits.
pub fn tier(tiers: &[Tier], quantity: Quantity, per: i64) -> Result<usize, AmountOverflow> {
    for (place, tier) in tiers.iter().enumerate() {
        match tier.up_to {
            Some(bound) if quantity > bound.held_for(per)? => {}
            _ => return Ok(place),
        }
    }
    Ok(tiers.len() - 1)
}

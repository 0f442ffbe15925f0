//! Graduated: each tier's units at that tier's price. Up to 10 at 1.5, the next 100 at 1: 111 units cost 15 + 100 + ….
//!
//! Upper bounds are inclusive: the border unit belongs to the lower tier. A tier's flat amount is owed once a unit falls
//! into it.

use crate::number::{Accrued, AmountOverflow, Quantity};
use crate::table::Tier;

pub(super) fn total(tiers: &[Tier], quantity: Quantity, per: i64) -> Result<Accrued, AmountOverflow> {
    let mut cost = Accrued::ZERO;
    let mut below = Quantity::ZERO;
    for tier in tiers {
        if quantity <= below {
            break;
        }
        let bound = match tier.up_to {
            Some(bound) => bound.held_for(per)?,
            None => quantity,
        };
        let in_tier = quantity.min(bound).minus(below)?;
        cost = cost.plus(tier.unit_price.of(in_tier, per)?)?.plus(Accrued::of_money(tier.flat))?;
        below = bound;
    }
    Ok(cost)
}

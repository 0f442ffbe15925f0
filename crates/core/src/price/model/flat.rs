//! Flat: every unit costs the same. `870 s × 0.02 per hour = 0.004833…`

use crate::number::{Accrued, AmountOverflow, Quantity, UnitPrice};

pub(super) fn total(unit_price: UnitPrice, quantity: Quantity, per: i64) -> Result<Accrued, AmountOverflow> {
    unit_price.of(quantity, per)
}

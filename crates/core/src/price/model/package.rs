//! Package: whole packages, begun ones too, after the free units. 121 units in packages of 10 with 10 free: 12 packages.

use crate::number::{Accrued, AmountOverflow, Quantity, UnitPrice};

pub(super) fn total(
    size: Quantity,
    price: UnitPrice,
    free: Quantity,
    quantity: Quantity,
    per: i64,
) -> Result<Accrued, AmountOverflow> {
    let billable = quantity.minus(free.held_for(per)?)?;
    if billable <= Quantity::ZERO {
        return Ok(Accrued::ZERO);
    }
    let size = size.held_for(per)?.e12();
    let packages = (billable.e12() + size - 1) / size;
    price.of(Quantity::ONE, 1)?.times(packages)
}

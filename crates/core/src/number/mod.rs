//! Exact numbers: decimal text, money at rest, accrued amounts under way. No float appears here or anywhere.

mod accrued;
mod decimal;
mod fraction;
mod money;

pub use accrued::{Accrued, AmountOverflow, Cut, FeeScale, QUANTITY_SCALE, Quantity, UnitPrice};
pub use decimal::{DecimalError, DecimalShape, format_fixed, format_trimmed};
pub use fraction::Fraction;
pub use money::{MONEY_SCALE, Money};

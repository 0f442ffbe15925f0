//! A fraction: an exact part or multiple without a unit, `344/758` of a period, `1.20698924` months.

use super::accrued::{AmountOverflow, QUANTITY_SCALE, Quantity};
use super::decimal::format_fixed;
use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedMul};

/// An exact number: a numerator over a denominator, reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fraction(Ratio<i128>);

impl Fraction {
    /// None of it.
    pub const ZERO: Self = Self(Ratio::new_raw(0, 1));
    /// All of it.
    pub const ONE: Self = Self(Ratio::new_raw(1, 1));

    /// `part / whole`; `whole` is above 0.
    pub fn new(part: i128, whole: i128) -> Self {
        Self(Ratio::new(part, whole))
    }

    /// A quantity as a multiple of one unit.
    pub fn of_quantity(quantity: Quantity) -> Self {
        Self::new(quantity.e12(), 10_i128.pow(QUANTITY_SCALE))
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn plus(self, other: Self) -> Result<Self, AmountOverflow> {
        self.0.checked_add(&other.0).map(Self).ok_or(AmountOverflow)
    }

    /// The product.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn times(self, other: Self) -> Result<Self, AmountOverflow> {
        self.0.checked_mul(&other.0).map(Self).ok_or(AmountOverflow)
    }

    pub(super) fn ratio(self) -> Ratio<i128> {
        self.0
    }
}

/// For people: up to 8 decimals, cut; a fraction that goes on ends in `…`.
impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = 10_i128.pow(8);
        let Some(units) = self.0.checked_mul(&Ratio::from_integer(unit)) else { return write!(f, "{}", self.0) };
        let text = format_fixed(units.to_integer(), 8, 8);
        match units.is_integer() {
            true => f.write_str(text.trim_end_matches('0').trim_end_matches('.')),
            false => write!(f, "{text}…"),
        }
    }
}

//! Money: what a customer can be asked to pay, `12.50 CNY`, kept as an integer at 1e-8 of the major unit.
//!
//! The unit is fixed for everything at rest; the profile's fee scale and the currency's minor unit only say where
//! amounts are *cut*. An amount carries no currency of its own: an account has one, and rows name it beside the amount.

use super::decimal::{DecimalError, DecimalShape, format_fixed, format_trimmed};
use serde::{Deserialize, Serialize};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// An exact amount at 1e-8 of a currency's major unit.
///
/// Plus and minus are checked and halt the process beyond ±92 billion: an account cannot owe that, so a wrapped or
/// clamped amount would be a wrong bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

/// Digits after the point that an amount at rest carries.
pub const MONEY_SCALE: u32 = 8;

impl Money {
    /// Nothing owed.
    pub const ZERO: Self = Self(0);

    /// The amount with this many units of 1e-8.
    pub const fn from_e8(amount_e8: i64) -> Self {
        Self(amount_e8)
    }

    /// Units of 1e-8.
    pub const fn e8(self) -> i64 {
        self.0
    }

    /// Reads `12.5`, at most 8 decimals, no sign.
    ///
    /// # Errors
    /// A [`DecimalError`] if the text is not a plain decimal that fits.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        Self::parse_shaped(text, DecimalShape::MONEY)
    }

    /// The amount for people, without trailing zeros: `300`, `12.5`.
    pub fn trimmed(self) -> String {
        format_trimmed(i128::from(self.0), MONEY_SCALE)
    }

    /// Reads `-12.5` where a sign is allowed.
    ///
    /// # Errors
    /// A [`DecimalError`] if the text is not a plain decimal that fits.
    pub fn parse_signed(text: &str) -> Result<Self, DecimalError> {
        Self::parse_shaped(text, DecimalShape::SIGNED_MONEY)
    }

    fn parse_shaped(text: &str, shape: DecimalShape) -> Result<Self, DecimalError> {
        let value = shape.parse(text)?;
        Ok(Self(i64::try_from(value).expect("ten digits and 8 decimals fit 64 bits")))
    }

    /// Whether there is nothing to pay or return.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether money is owed by the customer.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether money is owed to the customer.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Text with exactly `digits` digits after the point (2 to 8); the amount must have been cut there.
    pub fn to_text(self, digits: u32) -> String {
        format_fixed(i128::from(self.0), MONEY_SCALE, digits)
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.to_text(MONEY_SCALE))
    }
}

const BEYOND: &str = "an amount passes 92 billion: the books cannot hold it";

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect(BEYOND))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect(BEYOND))
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.checked_neg().expect(BEYOND))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

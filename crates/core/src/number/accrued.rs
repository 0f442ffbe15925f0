//! Accrued: what use costs, exact and unrounded, `25874 s × 10 GB × 0.00064 / 3600`. And the one road from there to money.
//!
//! A quantity or a price is an integer at 1e-12. Their product is an exact fraction; it is cut once, in [`Accrued::cut`],
//! which hands back the remainder too. Products are formed in checked 128 bits: what does not fit is an error, never a
//! wrapped or rounded amount.

use super::decimal::{DecimalError, DecimalShape, format_trimmed};
use super::fraction::Fraction;
use super::money::{MONEY_SCALE, Money};
use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedMul, CheckedSub, Signed, Zero};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Digits after the point of quantities and prices.
pub const QUANTITY_SCALE: u32 = 12;
const E12: i128 = 1_000_000_000_000;

/// How much was used, at 1e-12 of the unit; for `hour` units the unit of a sum is the unit-second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i128);

/// What one unit costs, at 1e-12 of the currency's major unit; for `hour` units the unit is held for 3600 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnitPrice(i128);

/// An exact, unrounded amount in the currency's major unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accrued(Ratio<i128>);

/// Where amounts are cut: digits after the point, 0 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeeScale(u32);

/// Money and what was cut off: `money + remainder` is the accrued amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// What is asked for, towards zero.
    pub money: Money,
    /// What was cut off, smaller than one unit of the scale.
    pub remainder: Accrued,
}

/// The amount does not fit the exact arithmetic of the engine (128 bits under way, 92 billion at rest).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount does not fit: a quantity or a price is beyond what an account can owe")]
pub struct AmountOverflow;

macro_rules! scaled_e12 {
    ($name:ident, $what:literal) => {
        impl $name {
            #[doc = concat!("No ", $what, ".")]
            pub const ZERO: Self = Self(0);

            #[doc = concat!("The ", $what, " with this many units of 1e-12.")]
            pub const fn from_e12(value_e12: i128) -> Self {
                Self(value_e12)
            }

            /// Units of 1e-12.
            pub const fn e12(self) -> i128 {
                self.0
            }

            #[doc = concat!("Reads a ", $what, ": plain digits, at most 12 decimals and 18 digits before the point.")]
            ///
            /// # Errors
            /// A [`DecimalError`] that names the first thing that is wrong.
            pub fn parse(text: &str) -> Result<Self, DecimalError> {
                DecimalShape::QUANTITY.parse(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&format_trimmed(self.0, QUANTITY_SCALE))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                let shape = DecimalShape { digits_before_point: 26, is_signed: true, ..DecimalShape::QUANTITY };
                shape.parse(&text).map(Self).map_err(serde::de::Error::custom)
            }
        }
    };
}
scaled_e12!(Quantity, "quantity");
scaled_e12!(UnitPrice, "price");

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(E12);

    /// Whole units.
    pub const fn units(units: i64) -> Self {
        Self(units as i128 * E12)
    }

    /// This quantity held for whole seconds, in unit-seconds.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn held_for(self, seconds: i64) -> Result<Self, AmountOverflow> {
        self.0.checked_mul(i128::from(seconds)).map(Self).ok_or(AmountOverflow)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn plus(self, other: Self) -> Result<Self, AmountOverflow> {
        self.0.checked_add(other.0).map(Self).ok_or(AmountOverflow)
    }

    /// The difference; may be negative.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn minus(self, other: Self) -> Result<Self, AmountOverflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(AmountOverflow)
    }

    /// Whether there is none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl UnitPrice {
    /// The exact cost of a quantity at this price; `seconds_per_unit` is 3600 for `hour` units and 1 for amounts.
    ///
    /// # Errors
    /// [`AmountOverflow`] when the product does not fit 128 bits.
    ///
    /// # Example: 10 GB for 25 874 s at 0.00064 per GB and hour
    /// ```
    /// use reckoner_core::number::{FeeScale, Quantity, UnitPrice};
    /// let unit_seconds = Quantity::units(10).held_for(25_874)?;
    /// let exact = UnitPrice::parse("0.00064").unwrap().of(unit_seconds, 3600)?;
    /// assert_eq!(exact.cut(FeeScale::EIGHT)?.money.to_string(), "0.04599822");
    /// # Ok::<(), reckoner_core::number::AmountOverflow>(())
    /// ```
    pub fn of(self, quantity: Quantity, seconds_per_unit: i64) -> Result<Accrued, AmountOverflow> {
        let price = Ratio::new(self.0, E12);
        let units = Ratio::new(quantity.0, E12);
        let cost = price.checked_mul(&units).ok_or(AmountOverflow)?;
        cost.checked_mul(&Ratio::new(1, i128::from(seconds_per_unit))).map(Accrued).ok_or(AmountOverflow)
    }
}

impl UnitPrice {
    /// What [`Self::of`] and [`Accrued::cut`] come to, without the fraction between them; nothing where 128 bits do not hold
    /// the product, or 64 the amount: the long way says whether it fits all the same.
    pub fn cut_cost(self, quantity: Quantity, seconds_per_unit: i64, scale: FeeScale) -> Option<Money> {
        // In two steps, each by what fits 64 bits: cutting twice is cutting once.
        const STEP: i128 = 10_i128.pow(2 * QUANTITY_SCALE - MONEY_SCALE);
        let units = match self.cost_of_whole(quantity, seconds_per_unit) {
            Some(units) => i128::from(units),
            None => self.0.checked_mul(quantity.0)? / STEP / i128::from(seconds_per_unit),
        };
        Some(Money::from_e8(i64::try_from(units).ok()?).cut(scale))
    }

    /// The cost at 1e-8, cut, of whole units where 64 bits hold everything on the way.
    fn cost_of_whole(self, quantity: Quantity, seconds_per_unit: i64) -> Option<u64> {
        const ONE: u64 = 10_u64.pow(QUANTITY_SCALE);
        const STEP: u64 = 10_u64.pow(QUANTITY_SCALE - MONEY_SCALE);
        let (price, quantity) = (u64::try_from(self.0).ok()?, u64::try_from(quantity.0).ok()?);
        let whole = quantity.is_multiple_of(ONE).then_some(quantity / ONE)?;
        Some(price.checked_mul(whole)? / STEP / u64::try_from(seconds_per_unit).ok()?)
    }
}

impl Accrued {
    /// Nothing.
    pub const ZERO: Self = Self(Ratio::new_raw(0, 1));

    /// An amount of money as an exact fraction.
    pub fn of_money(amount: Money) -> Self {
        Self(Ratio::new(i128::from(amount.e8()), 10_i128.pow(MONEY_SCALE)))
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn plus(self, other: Self) -> Result<Self, AmountOverflow> {
        self.0.checked_add(&other.0).map(Self).ok_or(AmountOverflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn minus(self, other: Self) -> Result<Self, AmountOverflow> {
        self.0.checked_sub(&other.0).map(Self).ok_or(AmountOverflow)
    }

    /// This amount `count` times.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn times(self, count: i128) -> Result<Self, AmountOverflow> {
        self.0.checked_mul(&Ratio::from_integer(count)).map(Self).ok_or(AmountOverflow)
    }

    /// This part of the amount, or this multiple.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn share(self, part: Fraction) -> Result<Self, AmountOverflow> {
        self.0.checked_mul(&part.ratio()).map(Self).ok_or(AmountOverflow)
    }

    /// Which part of `whole` this amount is; none of nothing.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn part_of(self, whole: Self) -> Result<Fraction, AmountOverflow> {
        if whole.is_zero() {
            return Ok(Fraction::ZERO);
        }
        let part = self.0.checked_mul(&whole.0.recip()).ok_or(AmountOverflow)?;
        Ok(Fraction::new(*part.numer(), *part.denom()))
    }

    /// What is left when `percent_off` (0 to 100) is taken off: 20 leaves 80 %.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn less_percent(self, percent_off: Decimal) -> Result<Self, AmountOverflow> {
        let left = Decimal::ONE_HUNDRED - percent_off;
        let share = Ratio::new(left.mantissa(), 100 * 10_i128.pow(left.scale()));
        self.0.checked_mul(&share).map(Self).ok_or(AmountOverflow)
    }

    /// Cuts towards zero at `scale` digits, once, and hands back what was cut off.
    ///
    /// # Errors
    /// [`AmountOverflow`] when the result passes 92 billion.
    pub fn cut(self, scale: FeeScale) -> Result<Cut, AmountOverflow> {
        let unit = Ratio::from_integer(10_i128.pow(scale.0));
        let units = self.0.checked_mul(&unit).ok_or(AmountOverflow)?.to_integer();
        let amount_e8 = units.checked_mul(10_i128.pow(MONEY_SCALE - scale.0)).ok_or(AmountOverflow)?;
        let money = Money::from_e8(i64::try_from(amount_e8).map_err(|_| AmountOverflow)?);
        Ok(Cut { money, remainder: self.minus(Self::of_money(money))? })
    }

    /// Rounds half away from zero at `scale` digits: what bills, refunds and fees use.
    ///
    /// # Errors
    /// [`AmountOverflow`] when the result passes 92 billion.
    pub fn round_half_up(self, scale: FeeScale) -> Result<Money, AmountOverflow> {
        let half = Self(Ratio::new(self.0.numer().signum(), 2 * 10_i128.pow(scale.0)));
        Ok(self.plus(half)?.cut(scale)?.money)
    }

    /// The least amount of `scale` digits that covers this one: what a cap must not be below.
    ///
    /// # Errors
    /// [`AmountOverflow`] when the result passes 92 billion.
    pub fn round_up(self, scale: FeeScale) -> Result<Money, AmountOverflow> {
        let cut = self.cut(scale)?;
        let unit = Money::from_e8(10_i64.pow(MONEY_SCALE - scale.0));
        Ok(if cut.remainder.is_positive() { cut.money + unit } else { cut.money })
    }

    /// The amount's digits after the point down to 1e-`digits`, cut towards zero; for oracles finer than the fee scale.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn to_text(self, digits: u32) -> Result<String, AmountOverflow> {
        let unit = Ratio::from_integer(10_i128.pow(digits));
        let units = self.0.checked_mul(&unit).ok_or(AmountOverflow)?.to_integer();
        Ok(super::decimal::format_fixed(units, digits, digits))
    }

    /// Whether `digits` digits after the point say all of the amount: a third of a cent never ends.
    pub fn ends_within(self, digits: u32) -> bool {
        let unit = 10_i128.checked_pow(digits).map(Ratio::from_integer);
        unit.and_then(|unit| self.0.checked_mul(&unit)).is_some_and(|units| units.is_integer())
    }

    /// Whether it is owed to the customer, however little.
    pub fn is_negative(self) -> bool {
        self.0.is_negative()
    }

    /// Whether nothing is owed, exactly.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether something is owed, however small.
    pub fn is_positive(self) -> bool {
        self.0.is_positive()
    }
}

impl FeeScale {
    /// Eight digits: the default of every profile.
    pub const EIGHT: Self = Self(8);
    /// Two digits: the minor unit of most currencies.
    pub const TWO: Self = Self(2);

    /// A scale of `digits` after the point.
    ///
    /// Returns nothing beyond 8, the scale of money at rest.
    pub const fn new(digits: u32) -> Option<Self> {
        if digits <= MONEY_SCALE { Some(Self(digits)) } else { None }
    }

    /// Digits after the point.
    pub const fn digits(self) -> u32 {
        self.0
    }

    /// The minor unit of a currency by ISO 4217: JPY 0, KWD 3, most 2.
    pub fn minor_unit(currency: &str) -> Self {
        match currency {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND" | "VUV"
            | "XAF" | "XOF" | "XPF" => Self(0),
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => Self(3),
            _ => Self(2),
        }
    }
}

impl Money {
    /// Cuts this amount towards zero at `scale` digits.
    pub fn cut(self, scale: FeeScale) -> Self {
        let unit = 10_i64.pow(MONEY_SCALE - scale.0);
        Self::from_e8(self.e8() / unit * unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_cut_at_once_is_the_exact_cost_cut() {
        let scales = [FeeScale::EIGHT, FeeScale::TWO];
        let quantities_e12 =
            [0, 1, 999_999_999_999, E12, 3_600 * E12, 28_799 * E12 + 7, 10_i128.pow(18), i128::from(i64::MAX) * E12];
        let prices_e12 = [0, 1, 9_999, 10_000, 11_300_000_000, 4_520_000_000_001, 10_i128.pow(24)];
        for (quantity, price) in quantities_e12.iter().flat_map(|quantity| prices_e12.map(|price| (*quantity, price))) {
            for (seconds, scale) in [1, 7, 3_600].iter().flat_map(|seconds| scales.map(|scale| (*seconds, scale))) {
                let (quantity, price) = (Quantity::from_e12(quantity), UnitPrice::from_e12(price));
                let Some(cost) = price.cut_cost(quantity, seconds, scale) else { continue };
                let exact = price.of(quantity, seconds).expect("it fits").cut(scale).expect("it fits");
                assert_eq!(cost, exact.money, "{quantity:?} at {price:?} for {seconds} s");
            }
        }
    }
}

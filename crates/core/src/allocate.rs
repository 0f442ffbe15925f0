//! Splitting an amount so that the parts sum to the whole: `10.00` over weights 1, 1, 1 is `3.34 3.33 3.33`.
//!
//! Owns: largest-remainder allocation, discounts spread over lines.
//! Does not own: what the weights mean (cost shares, line amounts, tags).
//! Promises: the parts sum to the total to the last digit; of a total in whole units no part is a unit away from its exact
//! share; the result does not depend on the order of the parts, only on their stated keys.

use crate::number::{Accrued, AmountOverflow, FeeScale, MONEY_SCALE, Money};
use rust_decimal::Decimal;

/// Why an amount cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    /// Something to split and nobody to take it.
    #[error("`{0}` cannot be split over no parts")]
    NoParts(Money),
    /// Every part needs a weight and a key.
    #[error("{weights} weights and {keys} keys: each part needs one of both")]
    KeyMissing {
        /// How many weights came.
        weights: usize,
        /// How many keys came.
        keys: usize,
    },
    /// A share below 0 has no meaning.
    #[error("weight {weight} of part {part} is below 0")]
    NegativeWeight {
        /// The part, counted from 0.
        part: usize,
        /// Its weight.
        weight: i128,
    },
    /// The exact shares pass 128 bits.
    #[error("the weights are too large to split `{0}` exactly: divide them by a common factor")]
    WeightsTooLarge(Money),
}

/// Splits `total` in proportion to `weights`, in whole units of `scale`.
///
/// Every share is cut towards zero; the units that are left go one each to the largest cut-off remainders, equal ones in
/// the order of `ties_by`, lowest first. A negative total is split like its magnitude. Weights that are all 0 share evenly;
/// otherwise a part of weight 0 gets nothing. What the total holds below the scale goes to the part that is first in that
/// order.
///
/// # Errors
/// [`AllocateError`] by name.
///
/// # Properties
/// The parts sum to `total`. Renaming the positions of the parts renames the result's alike.
///
/// # Example: who gets the odd cent?
/// ```
/// use reckoner_core::{allocate::allocate, number::{FeeScale, Money}};
/// let total = Money::parse("10.00").unwrap();
/// let parts = allocate(total, &[1, 1, 1], FeeScale::TWO, &["b", "a", "c"])?;
/// assert_eq!(parts.iter().map(|part| part.to_text(2)).collect::<Vec<_>>(), ["3.33", "3.34", "3.33"]);
/// # Ok::<(), reckoner_core::allocate::AllocateError>(())
/// ```
pub fn allocate<K: Ord>(total: Money, weights: &[i128], scale: FeeScale, ties_by: &[K]) -> Result<Vec<Money>, AllocateError> {
    if weights.len() != ties_by.len() {
        return Err(AllocateError::KeyMissing { weights: weights.len(), keys: ties_by.len() });
    }
    if let Some((part, &weight)) = weights.iter().enumerate().find(|(_, weight)| **weight < 0) {
        return Err(AllocateError::NegativeWeight { part, weight });
    }
    if weights.is_empty() {
        return if total.is_zero() { Ok(Vec::new()) } else { Err(AllocateError::NoParts(total)) };
    }
    let too_large = AllocateError::WeightsTooLarge(total);
    let Some(sum) = weights.iter().try_fold(0_i128, |sum, weight| sum.checked_add(*weight)) else {
        return Err(too_large);
    };
    // Nobody weighs anything: all weigh the same.
    let is_even = sum == 0;
    let sum = if is_even { weights.len() as i128 } else { sum };

    let unit = 10_i128.pow(MONEY_SCALE - scale.digits());
    let magnitude = i128::from(total.e8()).abs();
    let (units, dust) = (magnitude / unit, magnitude % unit);
    let mut shares = Vec::with_capacity(weights.len());
    let mut order = Vec::with_capacity(weights.len());
    let mut left = units;
    for (part, weight) in weights.iter().enumerate() {
        let weight = if is_even { 1 } else { *weight };
        let Some(exact) = units.checked_mul(weight) else {
            return Err(too_large);
        };
        shares.push(exact / sum * unit);
        left -= exact / sum;
        if weight > 0 {
            order.push((std::cmp::Reverse(exact % sum), &ties_by[part], part));
        }
    }
    order.sort();
    for (_, _, part) in order.iter().take(usize::try_from(left).expect("fewer units are left than there are parts")) {
        shares[*part] += unit;
    }
    shares[order[0].2] += dust;

    let sign = if total.is_negative() { -1 } else { 1 };
    let money = |e8: i128| Money::from_e8(i64::try_from(sign * e8).expect("a part is not larger than the whole"));
    Ok(shares.into_iter().map(money).collect())
}

/// Something that takes from a sum of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// 20 takes a fifth. 0 to 100.
    Percent(Decimal),
    /// At most this much.
    Amount(Money),
}

/// What all reductions together take from `total`: percentages first, each from what the one before left, then amounts;
/// never more than the total. Cut towards zero at `scale`.
///
/// Percentages first, because then the result does not depend on the order in which reductions were written down.
///
/// # Errors
/// [`AmountOverflow`] when a percentage has too many digits.
pub fn reduction_total(total: Money, reductions: &[Reduction], scale: FeeScale) -> Result<Money, AmountOverflow> {
    let mut rest = Accrued::of_money(total);
    for reduction in reductions {
        if let Reduction::Percent(percent_off) = reduction {
            rest = rest.less_percent(*percent_off)?;
        }
    }
    let mut taken = Accrued::of_money(total).minus(rest)?.cut(scale)?.money;
    for reduction in reductions {
        if let Reduction::Amount(amount) = reduction {
            taken += (*amount).min(total - taken);
        }
    }
    Ok(taken)
}

/// An amount off that reaches only some lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedReduction {
    /// How much, at most what remains of the lines in scope.
    pub amount: Money,
    /// Positions of the lines it reaches.
    pub lines: Vec<usize>,
}

/// Spreads amounts off over lines, one after the other, each in proportion to what *remains* of the lines in its scope.
///
/// Hands back what each line loses, in units of `scale`; equal remainders go to the earlier line. The sum is what the
/// reductions took together. Spread at the finest scale first and settled on `scale` once, so that no line is cut twice.
///
/// # Errors
/// [`AllocateError::NegativeWeight`] for a line below 0.
pub fn spread_reductions(lines: &[Money], reductions: &[ScopedReduction], scale: FeeScale) -> Result<Vec<Money>, AllocateError> {
    let mut remaining = lines.to_vec();
    for reduction in reductions {
        let scope = &reduction.lines;
        let in_scope = scope.iter().map(|line| remaining[*line]).sum::<Money>();
        let weights: Vec<i128> = scope.iter().map(|line| i128::from(remaining[*line].e8())).collect();
        if in_scope.is_zero() {
            continue;
        }
        let parts = allocate(reduction.amount.min(in_scope), &weights, FeeScale::EIGHT, scope)?;
        for (line, part) in scope.iter().zip(parts) {
            remaining[*line] -= part;
        }
    }

    let taken: Vec<Money> = lines.iter().zip(&remaining).map(|(line, rest)| *line - *rest).collect();
    let weights: Vec<i128> = taken.iter().map(|amount| i128::from(amount.e8())).collect();
    let keys: Vec<usize> = (0..lines.len()).collect();
    allocate(taken.iter().copied().sum(), &weights, scale, &keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        Money::parse_signed(text).unwrap()
    }

    fn texts(parts: &[Money]) -> Vec<String> {
        parts.iter().map(ToString::to_string).map(|text| text.trim_end_matches('0').trim_end_matches('.').to_owned()).collect()
    }

    #[test]
    fn shares_are_cut_and_the_rest_goes_to_the_largest_remainders() {
        let cases: &[(&str, &[i128], u32, &[&str])] = &[
            // total  | weights        | scale | parts
            ("10", &[1, 1, 1], 2, &["3.34", "3.33", "3.33"]),
            ("-10", &[1, 1, 1], 2, &["-3.34", "-3.33", "-3.33"]), // a refund splits like its payment
            ("10", &[0, 0, 0], 2, &["3.34", "3.33", "3.33"]),     // nobody weighs: even
            ("0.01", &[0, 1, 1], 2, &["0", "0.01", "0"]),         // a weight of 0 gets nothing, not even the odd cent
            ("0.03", &[1, 1, 2], 2, &["0.01", "0.01", "0.01"]),   // 0.75, 0.75, 1.5: the larger remainders first
            ("0.02", &[1, 2, 2], 2, &["0", "0.01", "0.01"]),      // 0.4, 0.8, 0.8
            ("1", &[7], 2, &["1"]),
            ("0", &[3, 4], 2, &["0", "0"]),
            ("100", &[50, 30, 20], 0, &["50", "30", "20"]),
            ("1.23456789", &[1, 1], 2, &["0.62456789", "0.61"]), // digits below the scale are not lost
            ("0.00000001", &[1, 3], 8, &["0", "0.00000001"]),
        ];
        for (total, weights, scale, expected) in cases {
            let keys: Vec<usize> = (0..weights.len()).collect();
            let parts = allocate(money(total), weights, FeeScale::new(*scale).unwrap(), &keys).unwrap();
            assert_eq!(texts(&parts), *expected, "{total} over {weights:?}");
        }
    }

    #[test]
    fn what_cannot_be_split_says_why() {
        let none: [u8; 0] = [];
        assert_eq!(allocate(money("1"), &[], FeeScale::TWO, &none), Err(AllocateError::NoParts(money("1"))));
        assert_eq!(allocate(money("0"), &[], FeeScale::TWO, &none), Ok(vec![]));
        let negative = allocate(money("1"), &[1, -1], FeeScale::TWO, &[1, 2]);
        assert_eq!(negative, Err(AllocateError::NegativeWeight { part: 1, weight: -1 }));
        let short = allocate(money("1"), &[1, 2], FeeScale::TWO, &[1]);
        assert_eq!(short, Err(AllocateError::KeyMissing { weights: 2, keys: 1 }));
        let large = allocate(money("1"), &[i128::MAX, 1], FeeScale::TWO, &[1, 2]);
        assert_eq!(large, Err(AllocateError::WeightsTooLarge(money("1"))));
    }

    proptest! {
        #[test]
        fn allocation_conserves(
            total in any::<i32>(), scale in 0_u32..=8,
            parts in prop::collection::vec((0_i64..1_000_000_000, any::<u16>()), 1..40),
        ) {
            let total = Money::from_e8(i64::from(total));
            let weights: Vec<i128> = parts.iter().map(|(weight, _)| i128::from(*weight)).collect();
            let keys: Vec<(u16, usize)> = parts.iter().enumerate().map(|(at, (_, key))| (*key, at)).collect();
            let scale = FeeScale::new(scale).unwrap();
            let split = allocate(total, &weights, scale, &keys).unwrap();
            prop_assert_eq!(split.iter().copied().sum::<Money>(), total);

            // Nobody is a whole unit (and the dust below it) away from the exact share, and nobody has the wrong sign.
            let sum: i128 = weights.iter().sum();
            let unit = 10_i128.pow(8 - scale.digits());
            for (part, weight) in split.iter().zip(&weights) {
                prop_assert!(part.e8().signum() * total.e8().signum() >= 0);
                if sum > 0 {
                    let distance = (i128::from(part.e8()) * sum - i128::from(total.e8()) * weight).abs();
                    prop_assert!(distance < 2 * unit * sum, "{} of {:?}", part, weights);
                }
            }

            // The order in which parts are named does not matter.
            let turned = |list: &[i128]| list.iter().rev().copied().collect::<Vec<_>>();
            let keys_turned: Vec<_> = keys.iter().rev().copied().collect();
            let mut again = allocate(total, &turned(&weights), scale, &keys_turned).unwrap();
            again.reverse();
            prop_assert_eq!(again, split);
        }
    }

    /// P29 of the peer cases: github.com/getlago/lago-api, spec/scenarios/coupons_breakdown_spec.rb.
    #[test]
    fn p29_three_scoped_coupons_over_eight_lines_and_two_tax_rates() {
        let lines: Vec<Money> = ["10", "20", "30", "40", "10", "20", "30", "40"].map(money).to_vec();
        let coupon =
            |amount: &str, lines: std::ops::Range<usize>| ScopedReduction { amount: money(amount), lines: lines.collect() };
        let coupons = [coupon("20", 0..2), coupon("10", 4..8), coupon("5", 0..8)];

        // Two decimals of a minor unit are four of the major one.
        let off = spread_reductions(&lines, &coupons, FeeScale::new(4).unwrap()).unwrap();

        let expected = ["6.7647", "13.5294", "0.8824", "1.1765", "1.2647", "2.5294", "3.7941", "5.0588"];
        assert_eq!(texts(&off), expected);
        assert_eq!(off.iter().copied().sum::<Money>(), money("35"));

        // Tax on unrounded bases: 20 % on each second line of a subscription, 10 % on the rest.
        let finest = spread_reductions(&lines, &coupons, FeeScale::EIGHT).unwrap();
        let mut tax = Accrued::ZERO;
        for (at, (line, off)) in lines.iter().zip(&finest).enumerate() {
            let untaxed = Decimal::from(if at % 4 == 1 { 80 } else { 90 });
            tax = tax.plus(Accrued::of_money(*line - *off).less_percent(untaxed).unwrap()).unwrap();
        }
        assert_eq!(tax.round_half_up(FeeScale::TWO).unwrap(), money("18.89"));
    }

    /// P34 of the peer cases: github.com/meteroid-oss/meteroid,
    /// crates/meteroid-store/src/services/invoice_lines/discount.rs.
    #[test]
    fn p34_a_discount_is_spread_by_largest_remainder() {
        let cases: &[(&[&str], &str, &[&str])] = &[
            (&["3.33", "3.33", "3.34"], "1", &["3", "3", "3"]),
            (&["60", "40"], "10", &["54", "36"]),
            (&["60", "40"], "100", &["0", "0"]),
            (&["60", "40"], "250", &["0", "0"]), // never below nothing
        ];
        for (lines, discount, expected) in cases {
            let lines: Vec<Money> = lines.iter().map(|line| money(line)).collect();
            let everything = ScopedReduction { amount: money(discount), lines: (0..lines.len()).collect() };
            let off = spread_reductions(&lines, &[everything], FeeScale::TWO).unwrap();
            let left: Vec<Money> = lines.iter().zip(&off).map(|(line, off)| *line - *off).collect();
            assert_eq!(texts(&left), *expected, "{discount} off {lines:?}");
        }
    }

    /// P34, second half: what several discounts take together.
    #[test]
    fn p34_percentages_come_before_amounts() {
        let percent = |off: i64| Reduction::Percent(Decimal::from(off));
        let amount = |off: &str| Reduction::Amount(money(off));
        let cases = [
            (vec![percent(10), amount("50")], "60"),
            (vec![amount("50"), percent(10)], "60"), // whatever the order they were written in
            (vec![percent(10), percent(25)], "32.5"),
            (vec![amount("80"), amount("50")], "100"), // capped
            (vec![], "0"),
        ];
        for (reductions, expected) in cases {
            let taken = reduction_total(money("100"), &reductions, FeeScale::TWO).unwrap();
            assert_eq!(taken, money(expected), "{reductions:?}");
        }
    }
}

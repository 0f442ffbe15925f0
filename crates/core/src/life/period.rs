//! What a period costs: terms of a subscription or a one-time purchase, at list price, with the best discount, in whole
//! minor units.
//!
//! Reads: a price row, how many terms and units, the discounts that fit the order, the profile. Promises: the exact cost is
//! formed first and cut once; `due = list - discount - truncated`, to the last digit; what does not fit is an error.

use super::calendar::Unified;
use super::change::remaining;
use super::formula::Formula;
use crate::number::{Accrued, AmountOverflow, FeeScale, Fraction, Money, Quantity, UnitPrice};
use crate::price;
use crate::profile::{Profile, Rounding};
use crate::rate::Amounts;
use crate::table::{BillingMode, DiscountRow, DiscountTerms, PriceRow, read};
use crate::time::Zone;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// An amount and how it comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// List, discount, what rounding takes off, due.
    pub amounts: Amounts,
    /// The steps, the last being what is due.
    pub formula: Formula,
    /// The cost at list price, uncut: what a percentage is taken off.
    pub exact: Accrued,
    /// How what is due became whole minor units.
    pub(super) whole: Whole,
}

/// How a fee becomes what is due: in whole minor units, at least so much where it is above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    pub rounding: Rounding,
    pub least: Money,
}

/// By what a subscription is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermUnit {
    /// By the month.
    Month,
    /// By the year.
    Year,
}

/// Why a price row says nothing about an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Priced by what is used, not bought ahead.
    #[error("`{sku}` is billed `{seen}`; expected a price of `subscription` or `one_time`: use is not bought ahead")]
    NotBoughtAhead {
        /// What is priced.
        sku: String,
        /// Its billing mode.
        seen: &'static str,
    },
    /// Neither months nor years.
    #[error("`{sku}` is sold by the `{seen}`; expected `month` or `year`: a subscription is sold by its term")]
    NoTerm {
        /// What is priced.
        sku: String,
        /// Its unit.
        seen: String,
    },
    /// The cell of a stored price row cannot be read.
    #[error("the price of `{sku}` has {column} `{seen}`: {expected}")]
    BadCell {
        /// What is priced.
        sku: String,
        /// The column.
        column: &'static str,
        /// What it holds.
        seen: String,
        /// What it should.
        expected: String,
    },
    /// Nothing is bought for no time.
    #[error("0 periods of `{sku}`; expected 1 or more")]
    NoPeriods {
        /// What is priced.
        sku: String,
    },
    /// More months than can be counted.
    #[error("{periods} periods of `{sku}` are more months than can be counted; buy fewer")]
    TooLong {
        /// What is priced.
        sku: String,
        /// How many were asked for.
        periods: u32,
    },
    /// The amount does not fit.
    #[error(transparent)]
    Overflow(#[from] AmountOverflow),
}

/// An exact cost and what it is the cost of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cost {
    exact: Accrued,
    /// Terms × quantity: what a discount's own unit price is multiplied by.
    units: Fraction,
    /// In numbers: `1 x 900 + 2 x 100`.
    numbers: String,
}

impl TermUnit {
    /// By what the row's sku is sold.
    ///
    /// # Errors
    /// [`PeriodError::NotBoughtAhead`] or [`PeriodError::NoTerm`] when that is no term.
    pub fn of(row: &PriceRow) -> Result<Self, PeriodError> {
        match (row.billing_mode, row.unit.as_str()) {
            (BillingMode::Subscription, "month") => Ok(Self::Month),
            (BillingMode::Subscription, "year") => Ok(Self::Year),
            (BillingMode::Subscription | BillingMode::OneTime, unit) => {
                Err(PeriodError::NoTerm { sku: row.sku.clone(), seen: unit.to_owned() })
            }
            (BillingMode::PayPerUse, _) => {
                Err(PeriodError::NotBoughtAhead { sku: row.sku.clone(), seen: row.billing_mode.as_str() })
            }
        }
    }

    /// Months of one term.
    pub const fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// For how many months so many periods of a sku are: periods of months, 12 of each year, `term_months` of a one-time
/// purchase; nothing where that has no end.
///
/// # Errors
/// [`PeriodError`] by name.
pub fn months_of(row: &PriceRow, periods: u32) -> Result<Option<u32>, PeriodError> {
    let each = match row.billing_mode {
        BillingMode::OneTime => match row.particulars.get("term_months") {
            None => return Ok(None),
            Some(text) => text.parse().map_err(|_| bad_cell(row, "term_months", text, "expected a whole number of months"))?,
        },
        BillingMode::Subscription | BillingMode::PayPerUse => TermUnit::of(row)?.months(),
    };
    let months = periods.checked_mul(each);
    months.map(Some).ok_or_else(|| PeriodError::TooLong { sku: row.sku.clone(), periods })
}

/// The price of `periods` terms of a subscription, or of a one-time purchase, for a quantity.
///
/// Longer terms are cheaper where the row lists `terms` (`12=900;24=1600`: the price of that many at once); other counts are
/// made of the largest listed terms, then single ones. One-time: price × periods × quantity. The best single discount wins;
/// pass those that fit the order ([`crate::price::Discounts::fitting_order`]).
///
/// # Errors
/// [`PeriodError`] by name.
///
/// # Example: 14 months of which 12 come at once
/// ```
/// # use reckoner_core::{life::period::price_of_periods, number::Quantity, profile::Profile};
/// # use reckoner_core::table::{Context, RawRow, TableKind, price};
/// # let cells = [("sku", "vm"), ("product", "ecs"), ("billing_mode", "subscription"), ("unit", "month"),
/// #     ("unit_price", "100"), ("terms", "12=900;24=1600")].map(|(column, text)| (column.to_owned(), text.to_owned()));
/// # let raw = RawRow::from_pairs(TableKind::Prices.schema(), 2, &cells).unwrap();
/// # let row = price::parse(&raw, &Context::new("CNY")).unwrap();
/// let quote = price_of_periods(&row, 14, Quantity::ONE, &[], &Profile::builtin("huawei-intl").unwrap())?;
/// assert_eq!(quote.formula.steps[0].numbers, "1 x 900 + 2 x 100");
/// assert_eq!(quote.amounts.due.to_text(2), "1100.00");
/// # Ok::<(), reckoner_core::life::period::PeriodError>(())
/// ```
pub fn price_of_periods(
    row: &PriceRow,
    periods: u32,
    quantity: Quantity,
    discounts: &[&DiscountRow],
    profile: &Profile,
) -> Result<Quote, PeriodError> {
    if periods == 0 {
        return Err(PeriodError::NoPeriods { sku: row.sku.clone() });
    }
    let cost = cost_of_periods(row, periods, quantity)?;
    quote(row, "periods x price x quantity", cost, discounts, profile)
}

/// The price of a move to a unified expiry date: N months, then the extra days as a part of each calendar month's own, or
/// under `align_proration = "30"` of 30 (S12: 60 + 60 × 15/31 = 89.03, or 60 + 60/30 × 15 = 90).
///
/// What is sold by the year pays whole years as years, months over as twelfths, days of 365.
///
/// # Errors
/// [`PeriodError`] by name.
pub fn price_of_alignment(
    row: &PriceRow,
    quantity: Quantity,
    unified: &Unified,
    discounts: &[&DiscountRow],
    profile: &Profile,
    zone: Zone,
) -> Result<Quote, PeriodError> {
    let unit = TermUnit::of(row)?;
    let (terms, over) = (unified.months / unit.months(), unified.months % unit.months());
    let extra = remaining(unified.extra, unit, profile.align_proration, zone)?;
    let part = Fraction::new(i128::from(over), i128::from(unit.months())).plus(extra)?;

    let whole = match terms {
        0 => Cost { exact: Accrued::ZERO, units: Fraction::ZERO, numbers: "0".to_owned() },
        _ => cost_of_periods(row, terms, quantity)?,
    };
    let one = price::total(row, quantity)?;
    let cost = Cost {
        exact: whole.exact.plus(one.share(part)?)?,
        units: whole.units.plus(part.times(Fraction::of_quantity(quantity))?)?,
        numbers: format!("{} + {} x {part} {} for {} days", whole.numbers, shown(one)?, unit.as_str(), unified.extra_days),
    };
    quote(row, "whole terms, then the part of a term up to the unified day", cost, discounts, profile)
}

/// A trial: charged 0, whatever it would cost.
pub fn price_of_trial() -> Quote {
    let mut formula = Formula::default();
    formula.step("due", "a trial is charged 0", "0", Money::ZERO);
    let whole = Whole { rounding: Rounding::Truncate, least: Money::ZERO };
    Quote { amounts: Amounts::default(), formula, exact: Accrued::ZERO, whole }
}

impl Quote {
    /// The same price with a discount voucher of so many percent in the place of its discount; nothing where the fee is no
    /// lower then.
    ///
    /// # Errors
    /// [`AmountOverflow`] when an amount does not fit.
    pub(super) fn with_voucher(
        &self,
        voucher_id: &str,
        percent_off: Decimal,
        currency: &str,
        profile: &Profile,
    ) -> Result<Option<Self>, AmountOverflow> {
        let Amounts { list, discount, .. } = self.amounts;
        let fee = self.exact.less_percent(percent_off)?.cut(profile.fee_scale)?.money;
        if fee >= list - discount {
            return Ok(None);
        }
        let due = self.whole.due(fee, currency)?;
        let amounts = Amounts { list, discount: list - fee, truncated: fee - due, due };
        let (first, last) = (&self.formula.steps[0], &self.formula.steps[self.formula.steps.len() - 1]);
        let mut formula = Formula { steps: vec![first.clone()] };
        let numbers = format!("{percent_off} % of {}", list.trimmed());
        formula.step("discount", &format!("the discount voucher {voucher_id}, used up by it"), numbers, amounts.discount);
        formula.step(&last.name, &last.rule, in_numbers(amounts), due);
        Ok(Some(Self { amounts, formula, ..self.clone() }))
    }
}

impl Whole {
    /// What is due for a fee; what a fee below whole units loses is not carried.
    fn due(self, fee: Money, currency: &str) -> Result<Money, AmountOverflow> {
        let scale = FeeScale::minor_unit(currency);
        let rounded = match self.rounding {
            Rounding::HalfUp => Accrued::of_money(fee).round_half_up(scale)?,
            Rounding::Truncate => fee.cut(scale),
        };
        Ok(if fee.is_positive() { rounded.max(self.least) } else { rounded })
    }
}

/// `list - discount - truncated`, in numbers.
pub(super) fn in_numbers(amounts: Amounts) -> String {
    [amounts.list, amounts.discount, amounts.truncated].map(Money::trimmed).join(" - ")
}

/// An exact amount for people: cut at 8 decimals, without trailing zeros.
pub(super) fn shown(amount: Accrued) -> Result<String, AmountOverflow> {
    Ok(amount.cut(FeeScale::EIGHT)?.money.trimmed())
}

fn bad_cell(row: &PriceRow, column: &'static str, seen: &str, expected: &str) -> PeriodError {
    PeriodError::BadCell { sku: row.sku.clone(), column, seen: seen.to_owned(), expected: expected.to_owned() }
}

fn listed_terms(row: &PriceRow) -> Result<BTreeMap<u32, UnitPrice>, PeriodError> {
    let Some(text) = row.particulars.get("terms") else { return Ok(BTreeMap::new()) };
    read::terms(text).map_err(|fault| bad_cell(row, "terms", text, &fault.expected))
}

/// Whether some of so many periods come at the price of a listed term.
pub(super) fn has_longer_terms(row: &PriceRow, periods: u32) -> Result<bool, PeriodError> {
    Ok(listed_terms(row)?.keys().any(|count| *count <= periods))
}

fn cost_of_periods(row: &PriceRow, periods: u32, quantity: Quantity) -> Result<Cost, PeriodError> {
    if row.billing_mode == BillingMode::PayPerUse {
        return Err(PeriodError::NotBoughtAhead { sku: row.sku.clone(), seen: row.billing_mode.as_str() });
    }
    let per_unit = |price: UnitPrice| match quantity {
        Quantity::ONE => price.to_string(),
        _ => format!("{price} x {quantity}"),
    };
    let mut exact = Accrued::ZERO;
    let mut parts = Vec::new();
    let mut left = periods;
    for (count, price) in listed_terms(row)?.into_iter().rev() {
        let times = left / count;
        left %= count;
        if times > 0 {
            exact = exact.plus(price.of(quantity, 1)?.times(i128::from(times))?)?;
            parts.push(format!("{times} x {}", per_unit(price)));
        }
    }
    if left > 0 {
        let one = price::total(row, quantity)?;
        exact = exact.plus(one.times(i128::from(left))?)?;
        let of_tiers = shown(one)?;
        parts.push(format!("{left} x {}", if price::is_tiered(&row.model) { of_tiers } else { per_unit(row.unit_price) }));
    }

    let units = Fraction::of_quantity(quantity).times(Fraction::new(i128::from(periods), 1))?;
    Ok(Cost { exact, units, numbers: parts.join(" + ") })
}

/// List, the best single discount, whole minor units.
fn quote(row: &PriceRow, rule: &str, cost: Cost, discounts: &[&DiscountRow], profile: &Profile) -> Result<Quote, PeriodError> {
    let list = cost.exact.cut(profile.fee_scale)?.money;
    let mut fee = list;
    let mut best = None;
    for discount in discounts {
        let offered = match &discount.terms {
            DiscountTerms::PercentOff(percent_off) => cost.exact.less_percent(*percent_off)?,
            DiscountTerms::UnitPrice(unit_price) => unit_price.of(Quantity::ONE, 1)?.share(cost.units)?,
        };
        let offered = offered.cut(profile.fee_scale)?.money;
        if offered < fee {
            (fee, best) = (offered, Some(*discount));
        }
    }
    let whole = Whole { rounding: profile.rounding, least: row.min_charge };
    let due = whole.due(fee, &row.currency)?;
    let amounts = Amounts { list, discount: list - fee, truncated: fee - due, due };

    let mut formula = Formula::default();
    formula.step("list", rule, cost.numbers, list);
    if let Some(discount) = best {
        let numbers = match &discount.terms {
            DiscountTerms::PercentOff(percent_off) => format!("{percent_off} % of {}", list.trimmed()),
            DiscountTerms::UnitPrice(price) => format!("{} - {price} x {}", list.trimmed(), cost.units),
        };
        let rule = format!("the best single discount: {}", discount.discount_id);
        formula.step("discount", &rule, numbers, amounts.discount);
    }
    formula.step("due", "list - discount - truncated, in whole minor units", in_numbers(amounts), due);
    Ok(Quote { amounts, formula, exact: cost.exact, whole })
}

//! What a change of specification costs, or gives back: (new - old) × the part of the period that is left.
//!
//! Reads: what old and new cost per term, from when the change holds, until when is paid, what paid it. Promises: parts of
//! months and years are exact fractions, the result is cut once; a downgrade gives back no voucher and never more than what
//! is left of the money that was paid.

use super::formula::Formula;
use super::period::{Quote, TermUnit, Whole, in_numbers, shown};
use super::refund::{WhoGetsBack, back_to, split};
use super::{PaidPart, PaidPeriod};
use crate::number::{Accrued, AmountOverflow, FeeScale, Fraction, Money, Quantity};
use crate::profile::{Profile, Proration, Rounding};
use crate::rate::Amounts;
use crate::table::{DiscountRow, DiscountTerms};
use crate::time::{Window, Zone};
use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime};

const DAY_SECONDS: i128 = 86_400;

/// What a specification costs per term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The exact price of one term of the whole quantity.
    pub cost: Accrued,
    /// What a term is.
    pub unit: TermUnit,
    /// How many units that is: what a discount's own unit price is multiplied by.
    pub quantity: Quantity,
}

/// What a downgrade gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downgrade {
    /// All of it; not negative.
    pub refund: Money,
    /// To which sources, a list for each period that was handed in, in that order.
    pub parts: Vec<Vec<PaidPart>>,
    /// The steps, the last being the refund.
    pub formula: Formula,
}

/// The terms left in a window, exactly: whole calendar months are 1 and a part counts days left of that month's own; a year
/// counts days of 365, without 29 February (Huawei, changes of specification; U02, U04, U06).
///
/// Under [`Proration::Thirty`] months are counted from the window's start, what is left over in days of 30; a year is 12 of
/// them. Days are those of the wall clock, their hours and seconds parts of 24 h, also in nights of 23 or 25.
///
/// # Errors
/// [`AmountOverflow`] beyond 128 bits.
///
/// # Example: from 25 May 14:00 to the end of June
/// ```
/// use reckoner_core::life::{change::remaining, period::TermUnit};
/// use reckoner_core::{number::Fraction, profile::Proration, time::{Window, Zone}};
/// let zone = Zone::parse("+08:00").unwrap();
/// let at = |text| zone.parse_instant(text).unwrap();
/// let left = Window::new(at("2026-05-25T14:00:00+08:00"), at("2026-07-01"));
/// let months = remaining(left, TermUnit::Month, Proration::Calendar, zone)?;
/// assert_eq!(months, Fraction::new(6 * 24 + 10, 31 * 24).plus(Fraction::ONE)?); // 1.20698924…
/// # Ok::<(), reckoner_core::number::AmountOverflow>(())
/// ```
pub fn remaining(left: Window, unit: TermUnit, proration: Proration, zone: Zone) -> Result<Fraction, AmountOverflow> {
    let (start, end) = (zone.local_time(left.start), zone.local_time(left.end));
    if left.start >= left.end {
        return Ok(Fraction::ZERO);
    }
    match (proration, unit) {
        (Proration::Calendar, TermUnit::Month) => calendar_months(start, end),
        (Proration::Calendar, TermUnit::Year) => {
            let seconds = seconds_between(start, end) - leap_day_seconds(start, end);
            Ok(Fraction::new(seconds, 365 * DAY_SECONDS))
        }
        (Proration::Thirty, unit) => {
            let months = months_of_thirty(start, end)?;
            months.times(Fraction::new(1, i128::from(unit.months())))
        }
    }
}

/// What an upgrade costs: (new - old) × remaining, with the best single discount, cut to the minor unit ("truncate the
/// result": U02, 47.07258065 → 47.07). A downgrade costs 0; see [`downgrade`].
///
/// A discount in percent takes its part of the difference; one with a unit price is what the new specification costs then.
///
/// # Errors
/// [`AmountOverflow`] when an amount does not fit.
pub fn upgrade(
    old: Rate,
    new: Rate,
    left: Window,
    currency: &str,
    discounts: &[&DiscountRow],
    profile: &Profile,
    zone: Zone,
) -> Result<Quote, AmountOverflow> {
    let exact = difference(old, new, left, profile, zone)?;
    let list = if exact.is_negative() { Money::ZERO } else { exact.cut(profile.fee_scale)?.money };
    let mut fee = list;
    let mut best = None;
    for discount in discounts {
        let offered = match &discount.terms {
            DiscountTerms::PercentOff(percent_off) => exact.less_percent(*percent_off)?,
            DiscountTerms::UnitPrice(unit_price) => {
                let discounted = Rate { cost: unit_price.of(new.quantity, 1)?, ..new };
                difference(old, discounted, left, profile, zone)?
            }
        };
        let offered = if offered.is_negative() { Money::ZERO } else { offered.cut(profile.fee_scale)?.money };
        if offered < fee {
            (fee, best) = (offered, Some(*discount));
        }
    }
    // Cut under every profile, and no least charge: it is a difference.
    let whole = Whole { rounding: Rounding::Truncate, least: Money::ZERO };
    let due = fee.cut(FeeScale::minor_unit(currency));
    let amounts = Amounts { list, discount: list - fee, truncated: fee - due, due };

    let mut formula = Formula::default();
    formula.step("list", "new x remaining - old x remaining", numbers(old, new, left, profile, zone)?, list);
    if let Some(discount) = best {
        let rule = format!("the best single discount: {}", discount.discount_id);
        formula.step("discount", &rule, [list, fee].map(Money::trimmed).join(" - "), amounts.discount);
    }
    formula.step("due", "list - discount - truncated, cut to the minor unit", in_numbers(amounts), due);
    let exact = if exact.is_negative() { Accrued::ZERO } else { exact };
    Ok(Quote { amounts, formula, exact, whole })
}

/// What a downgrade gives back of the periods that pay for the time left: the difference, in proportion to what of the paid
/// rest no voucher paid, at most that rest. Each period's share goes to its own sources (the rule of [`split`]).
///
/// # Errors
/// [`AmountOverflow`] when an amount does not fit.
///
/// # Properties
/// `parts` sum to `refund`; no source gets back more than it paid.
pub fn downgrade(
    old: Rate,
    new: Rate,
    left: Window,
    periods: &[&PaidPeriod],
    currency: &str,
    profile: &Profile,
    zone: Zone,
) -> Result<Downgrade, AmountOverflow> {
    let exact = difference(new, old, left, profile, zone)?;
    let saved = if exact.is_negative() { Accrued::ZERO } else { exact };
    let scale = FeeScale::minor_unit(currency);
    let mut rest_of_all = Accrued::ZERO;
    let mut rest = Accrued::ZERO;
    let mut rests = Vec::new();
    for period in periods {
        let unused = unused_part(period.service, left, zone);
        let money = period.by_all() - period.by_vouchers();
        let of_money = Accrued::of_money(money).share(unused)?;
        rest_of_all = rest_of_all.plus(Accrued::of_money(period.by_all()).share(unused)?)?;
        rest = rest.plus(of_money)?;
        // In whole minor units, so that every part is; never below the exact rest, so that the refund fits.
        rests.push(of_money.round_up(scale)?.min(money));
    }
    let share = saved.share(rest.part_of(rest_of_all)?)?;
    let refund = share.min(rest).cut(scale)?.money;

    let mut parts = Vec::new();
    for (period, share) in periods.iter().zip(split(refund, &rests, scale)?) {
        parts.push(back_to(share, &period.paid, WhoGetsBack::AllButVouchers, scale)?);
    }
    let mut formula = Formula::default();
    let at_eight = |amount: Accrued| amount.cut(FeeScale::EIGHT).map(|cut| cut.money);
    let saved_numbers = numbers(new, old, left, profile, zone)?;
    formula.step("saved", "old x remaining - new x remaining", saved_numbers, at_eight(saved)?);
    let share_numbers = format!("{} x {} / {}", shown(saved)?, shown(rest)?, shown(rest_of_all)?);
    formula.step("share", "saved x what no voucher paid of the rest / all of the rest", share_numbers, at_eight(share)?);
    let refund_numbers = format!("min({}, {})", shown(share)?, shown(rest)?);
    formula.step("refund", "at most what is left of the money, cut to the minor unit", refund_numbers, refund);
    Ok(Downgrade { refund, parts, formula })
}

/// Exactly what `to` costs more than `from` for the time left; may be negative.
fn difference(from: Rate, to: Rate, left: Window, profile: &Profile, zone: Zone) -> Result<Accrued, AmountOverflow> {
    let cost = |rate: Rate| rate.cost.share(remaining(left, rate.unit, profile.proration, zone)?);
    cost(to)?.minus(cost(from)?)
}

fn numbers(from: Rate, to: Rate, left: Window, profile: &Profile, zone: Zone) -> Result<String, AmountOverflow> {
    let part = |rate: Rate| remaining(left, rate.unit, profile.proration, zone);
    Ok(format!("{} x {} - {} x {}", shown(to.cost)?, part(to)?, shown(from.cost)?, part(from)?))
}

/// Which part of a period lies in the time left, by the wall clock.
fn unused_part(service: Window, left: Window, zone: Zone) -> Fraction {
    let seconds = |window: Window| seconds_between(zone.local_time(window.start), zone.local_time(window.end));
    match service.overlap(left) {
        Some(unused) if seconds(service) > 0 => Fraction::new(seconds(unused), seconds(service)),
        _ => Fraction::ZERO,
    }
}

fn seconds_between(start: NaiveDateTime, end: NaiveDateTime) -> i128 {
    i128::from((end - start).num_seconds())
}

/// Each calendar month's part, whole ones 1.
fn calendar_months(start: NaiveDateTime, end: NaiveDateTime) -> Result<Fraction, AmountOverflow> {
    let mut months = Fraction::ZERO;
    let mut first = start.date().with_day(1).expect("every month has a first").and_time(NaiveTime::MIN);
    while first < end {
        let next = first + Months::new(1);
        let part = seconds_between(first.max(start), next.min(end));
        months = months.plus(Fraction::new(part, seconds_between(first, next)))?;
        first = next;
    }
    Ok(months)
}

fn months_of_thirty(start: NaiveDateTime, end: NaiveDateTime) -> Result<Fraction, AmountOverflow> {
    let mut months = 0;
    while start + Months::new(months + 1) <= end {
        months += 1;
    }
    let over = seconds_between(start + Months::new(months), end);
    Fraction::new(i128::from(months), 1).plus(Fraction::new(over, 30 * DAY_SECONDS))
}

/// Seconds of a window that lie on a 29 February.
fn leap_day_seconds(start: NaiveDateTime, end: NaiveDateTime) -> i128 {
    let leap_days = (start.year()..=end.year()).filter_map(|year| NaiveDate::from_ymd_opt(year, 2, 29));
    let seconds = leap_days.map(|date| {
        let begins = date.and_time(NaiveTime::MIN);
        let ends = begins + chrono::Days::new(1);
        seconds_between(begins.max(start), ends.min(end)).max(0)
    });
    seconds.sum()
}

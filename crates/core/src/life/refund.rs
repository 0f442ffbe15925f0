//! What comes back when a paid period is given up, and to which sources.
//!
//! Reads: the period with what paid it, when it is given up, the product's flag, whether the five-day quota is left, the
//! profile. Promises: `paid = consumed + fee + refund` to the last digit, none of them below 0; the parts sum to the refund,
//! and no source gets back more than it paid.
//!
//! | case | consumed | fee | vouchers back |
//! |---|---|---|---|
//! | not begun | 0 | 0 | yes |
//! | within five days, quota left, a purchase | 0 | 0 | by `voucher_back_in_5_days` |
//! | `seven_day_full`, within seven days | 0 | 0 | no |
//! | in use | by time | by term and year of use | no |
//! | expired; `seven_day_full` later; product flag `none` | all | 0 | no |
//!
//! Sources of the rules: Huawei, unsubscription rules and 非五天无理由退订; what each vendor does otherwise is a knob.

use super::calendar::{DAY_SECONDS, expiry_date, hour_start};
use super::formula::Formula;
use super::{PaidPart, PaidPeriod, PeriodKind, words};
use crate::number::{Accrued, AmountOverflow, FeeScale, Fraction, Money};
use crate::pay::PaymentSource;
use crate::profile::{Profile, RefundTimeUnit};
use crate::time::{Instant, Window, Zone};
use chrono::Months;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

words! {
    /// The product's flag: what of a paid period may come back.
    RefundPolicy {
        /// By time, as the profile says.
        Standard = "standard",
        /// All within 7 × 24 h of payment, nothing afterwards: one-time purchases that were not issued.
        SevenDayFull = "seven_day_full",
        /// Nothing.
        None = "none",
    }

    /// Which rule a refund followed.
    RefundCase {
        /// The period has not begun.
        NotBegun = "not_begun",
        /// Given back unconditionally within five days.
        FiveDays = "five_days",
        /// Given back unconditionally within seven days.
        SevenDays = "seven_days",
        /// Under way.
        InUse = "in_use",
        /// Over.
        Expired = "expired",
        /// The product gives nothing back, or no longer.
        NotRefundable = "not_refundable",
    }
}

/// Under which terms a period is given up.
#[derive(Debug, Clone, Copy)]
pub struct RefundTerms<'a> {
    /// When it is given up; used time counts to here, also where a refund waits for approval.
    pub at: Instant,
    /// The product's flag.
    pub policy: RefundPolicy,
    /// Whether the five-day quota is left and nothing stands in the way (Kingsoft: not for what was renewed or changed).
    pub is_five_day_free: bool,
    /// What a framework contract takes off the handling fee: 0 to 100.
    pub fee_percent_off: Decimal,
    /// The account's currency.
    pub currency: &'a str,
    /// The policy.
    pub profile: &'a Profile,
    /// Where days and hours close.
    pub zone: Zone,
}

/// What comes back of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Which rule it followed.
    pub case: RefundCase,
    /// What counts as paid: without vouchers, unless they come back too.
    pub paid: Money,
    /// What is kept for the time used.
    pub consumed: Money,
    /// What is kept for the handling.
    pub fee: Money,
    /// What goes back.
    pub refund: Money,
    /// To which sources.
    pub parts: Vec<PaidPart>,
    /// The steps, the last being the refund.
    pub formula: Formula,
}

/// Whose money comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhoGetsBack {
    All,
    AllButVouchers,
}

/// What comes back of one paid period: a purchase, a renewal, a change, each on its own.
///
/// # Errors
/// [`AmountOverflow`] when an amount does not fit.
///
/// # Properties
/// `paid = consumed + fee + refund`; `parts` sum to `refund`.
pub fn refund_of(period: &PaidPeriod, terms: &RefundTerms<'_>) -> Result<Refund, AmountOverflow> {
    let scale = FeeScale::minor_unit(terms.currency);
    let case = case_of(period, terms);
    let who = match case {
        RefundCase::NotBegun => WhoGetsBack::All,
        RefundCase::FiveDays if terms.profile.voucher_back_in_5_days => WhoGetsBack::All,
        _ => WhoGetsBack::AllButVouchers,
    };
    let mut formula = Formula::default();
    let (all, vouchers) = (period.by_all(), period.by_vouchers());
    let paid = match who {
        WhoGetsBack::All => all,
        WhoGetsBack::AllButVouchers => all - vouchers,
    };
    match who {
        WhoGetsBack::All => formula.step("paid", "all that was paid, vouchers included", all.trimmed(), paid),
        WhoGetsBack::AllButVouchers => {
            formula.step("paid", "all that was paid, without vouchers", [all, vouchers].map(Money::trimmed).join(" - "), paid);
        }
    }

    let (consumed, fee) = match case {
        RefundCase::InUse => kept_in_use(period, paid, terms, &mut formula)?,
        RefundCase::NotBegun | RefundCase::FiveDays | RefundCase::SevenDays => (Money::ZERO, Money::ZERO),
        RefundCase::Expired | RefundCase::NotRefundable => (paid, Money::ZERO),
    };
    let refund = paid - consumed - fee;
    formula.step("refund", rule_of(case), [paid, consumed, fee].map(Money::trimmed).join(" - "), refund);
    let parts = back_to(refund, &period.paid, who, scale)?;
    Ok(Refund { case, paid, consumed, fee, refund, parts, formula })
}

/// Whether `at` is less than `days` × 24 h after the purchase, to the second: the last second of the five days is inside,
/// the instant after it is not (S14: activated 2022-11-24 14:30:30, full refund while before 2022-11-29 14:30:30).
pub fn is_within_days(bought_at: Instant, days: u32, at: Instant) -> bool {
    at < bought_at.plus_seconds(i64::from(days) * DAY_SECONDS)
}

/// Which part of a period is used, as (used, total) of the profile's unit.
///
/// `hour`: whole hours from the hour in which it began; the end counts to 24:00 of the expiry date, the hour begun at `at`
/// does not count (R02: 344 of 758). `day`: dates from the first to the expiry date, both ends, up to and with that of `at`.
pub fn used_of_total(service: Window, at: Instant, unit: RefundTimeUnit, zone: Zone) -> (i64, i64) {
    let (used, total) = match unit {
        RefundTimeUnit::Hour => {
            let start = hour_start(service.start, zone);
            let hours_to = |end: Instant| Window::new(start, end).seconds().div_euclid(3_600);
            (hours_to(hour_start(at, zone)), hours_to(service.end))
        }
        RefundTimeUnit::Day => {
            let first = zone.date_of(service.start);
            let days_to = |last| chrono::NaiveDate::signed_duration_since(last, first).num_days() + 1;
            (days_to(zone.date_of(at)), days_to(expiry_date(service.end, zone)))
        }
    };
    (used.clamp(0, total.max(0)), total)
}

/// The year of use that an instant lies in, counted from 1; a year to the second is still the first ("≤ 1 year").
pub fn year_of_use(start: Instant, at: Instant, zone: Zone) -> u32 {
    let (start, at) = (zone.local_time(start), zone.local_time(at));
    let years = (1..).find(|year| start.checked_add_months(Months::new(year * 12)).is_none_or(|end| at <= end));
    years.expect("the years go on until the calendar ends")
}

/// Splits an amount in proportion to `weights`: half-up per part, the last takes the rest (R07, R09).
///
/// Where that would give a part more than its weight or less than nothing, it gets what is possible nearest to it: nobody
/// gets back more than was paid. `total` is at most the sum of the weights.
///
/// # Errors
/// [`AmountOverflow`] when an amount does not fit.
///
/// # Properties
/// The parts sum to `total`; each lies between 0 and its weight.
///
/// # Example: 362.60 of 200 in cash and 207.96 granted
/// ```
/// use reckoner_core::{life::refund::split, number::{FeeScale, Money}};
/// let money = |text| Money::parse(text).unwrap();
/// let parts = split(money("362.60"), &[money("200"), money("207.96")], FeeScale::TWO)?;
/// assert_eq!(parts, [money("177.76"), money("184.84")]);
/// # Ok::<(), reckoner_core::number::AmountOverflow>(())
/// ```
pub fn split(total: Money, weights: &[Money], scale: FeeScale) -> Result<Vec<Money>, AmountOverflow> {
    let whole: Money = weights.iter().copied().sum();
    debug_assert!(total <= whole, "more comes back than was paid");
    let mut after = whole;
    let mut left = total;
    let mut parts = Vec::with_capacity(weights.len());
    for (place, &weight) in weights.iter().enumerate() {
        after -= weight;
        let is_last = place + 1 == weights.len();
        let share = match whole.is_zero() || is_last {
            true => left,
            false => {
                let part = Fraction::new(i128::from(weight.e8()), i128::from(whole.e8()));
                Accrued::of_money(total).share(part)?.round_half_up(scale)?
            }
        };
        // At least what the later parts cannot take, at most what this one can.
        let part = share.max(left - after).min(weight).min(left);
        left -= part;
        parts.push(part);
    }
    Ok(parts)
}

/// Splits a refund over the sources that get something back, in proportion to what they paid.
pub(super) fn back_to(
    refund: Money,
    paid: &[PaidPart],
    who: WhoGetsBack,
    scale: FeeScale,
) -> Result<Vec<PaidPart>, AmountOverflow> {
    let gets_back = |part: &&PaidPart| who == WhoGetsBack::All || part.source != PaymentSource::Voucher;
    let sources: Vec<&PaidPart> = paid.iter().filter(gets_back).collect();
    let weights: Vec<Money> = sources.iter().map(|part| part.amount).collect();
    let shares = split(refund, &weights, scale)?;
    let parts = sources.iter().zip(shares).map(|(part, amount)| PaidPart { amount, ..(*part).clone() });
    Ok(parts.filter(|part| part.amount.is_positive()).collect())
}

fn case_of(period: &PaidPeriod, terms: &RefundTerms<'_>) -> RefundCase {
    let is_within = |days| is_within_days(period.bought_at, days, terms.at);
    match terms.policy {
        RefundPolicy::None => RefundCase::NotRefundable,
        RefundPolicy::SevenDayFull if is_within(7) => RefundCase::SevenDays,
        RefundPolicy::SevenDayFull => RefundCase::NotRefundable,
        RefundPolicy::Standard if terms.at >= period.service.end => RefundCase::Expired,
        RefundPolicy::Standard if terms.at < period.service.start => RefundCase::NotBegun,
        RefundPolicy::Standard => {
            let is_free = period.kind == PeriodKind::Purchase && terms.is_five_day_free && is_within(5);
            if is_free { RefundCase::FiveDays } else { RefundCase::InUse }
        }
    }
}

const fn rule_of(case: RefundCase) -> &'static str {
    match case {
        RefundCase::NotBegun => "paid - consumed - fee; the period has not begun",
        RefundCase::FiveDays => "paid - consumed - fee; within five days of the purchase",
        RefundCase::SevenDays => "paid - consumed - fee; within seven days of payment",
        RefundCase::InUse => "paid - consumed - fee",
        RefundCase::Expired => "paid - consumed - fee; the period is over",
        RefundCase::NotRefundable => "paid - consumed - fee; the product gives nothing back, or no longer",
    }
}

/// What of the money that was paid for a period is used up at an instant, half-up, and that in numbers. Since a downgrade that
/// gave some back, what it left is used up over the time that was left then.
///
/// # Errors
/// [`AmountOverflow`] when an amount does not fit.
pub(super) fn consumed(
    period: &PaidPeriod,
    paid: Money,
    at: Instant,
    scale: FeeScale,
    (profile, zone): (&Profile, Zone),
) -> Result<(Money, String), AmountOverflow> {
    let before = period.used.map_or(Money::ZERO, |used| used.amount.min(paid));
    let since = period.used.map_or(period.service.start, |used| used.until);
    let unit = profile.refund_time_unit;
    let (used, total) = used_of_total(Window::new(since, period.service.end), at, unit, zone);
    let part = if total > 0 { Fraction::new(i128::from(used), i128::from(total)) } else { Fraction::ONE };
    let rest = paid - before;
    // Rounded once, together: what was used up before a downgrade is kept at the finest.
    let exact = Accrued::of_money(before).plus(Accrued::of_money(rest).share(part)?)?;
    let consumed = exact.round_half_up(scale)?.min(paid);
    let word = match unit {
        RefundTimeUnit::Hour => "h",
        RefundTimeUnit::Day => "d",
    };
    let numbers = match before.is_zero() {
        true => format!("{} x {used} {word} / {total} {word}", paid.trimmed()),
        false => format!("{} + ({} - {}) x {used} {word} / {total} {word}", before.trimmed(), paid.trimmed(), before.trimmed()),
    };
    Ok((consumed, numbers))
}

/// What is kept of a period under way: for the time used, then for the handling; both half-up, together never more than was
/// paid ("a refund below 0 is not paid").
fn kept_in_use(
    period: &PaidPeriod,
    paid: Money,
    terms: &RefundTerms<'_>,
    formula: &mut Formula,
) -> Result<(Money, Money), AmountOverflow> {
    let scale = FeeScale::minor_unit(terms.currency);
    let exact = Accrued::of_money(paid);
    let (consumed, numbers) = consumed(period, paid, terms.at, scale, (terms.profile, terms.zone))?;
    formula.step("consumed", "paid x used / total", numbers, consumed);

    let year = year_of_use(period.service.start, terms.at, terms.zone);
    let percent = terms.profile.handling_fee.as_ref().map_or(0, |table| table.percent(period.term_months, year));
    let full = exact.share(Fraction::new(i128::from(percent), 100))?;
    let fee = full.less_percent(terms.fee_percent_off)?.round_half_up(scale)?.min(paid - consumed);
    let waived =
        if terms.fee_percent_off.is_zero() { String::new() } else { format!(" less {} %", terms.fee_percent_off.normalize()) };
    let numbers = format!("{} x {percent} %{waived}, at most {}", paid.trimmed(), (paid - consumed).trimmed());
    formula.step("fee", "paid x the percentage of the term and the year of use, at most what is left", numbers, fee);
    Ok((consumed, fee))
}

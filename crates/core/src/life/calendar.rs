//! The calendar of subscriptions: when a period expires, when its renewal is tried, where a unified date or a change begins.
//!
//! Reads: an anchor or an expiry, a billing zone, knobs. An expiry is the first instant no longer covered, so that what
//! vendors print as 31 May 23:59:59 is midnight of 1 June here; the *expiry date* is 31 May. Promises: days are counted by
//! the clock on the wall, never in seconds, so that a night of 23 or 25 hours shortens or lengthens no period.

use super::Anchor;
use crate::profile::{AutoRenewRetries, ChangeFrom, Profile};
use crate::table::AlignDay;
use crate::time::{Instant, Window, Zone};
use chrono::{Datelike, Days, Months, NaiveDate, Timelike};

/// Seconds of the 24 hours that five days of grace or of grounds for a refund are counted in.
pub(super) const DAY_SECONDS: i64 = 86_400;
const LAST_YEAR: u32 = 9_999;

/// The period would end after the last year that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{months} months from {from} end after the year {LAST_YEAR}; buy fewer")]
pub struct BeyondCalendar {
    /// How many months.
    pub months: u64,
    /// From which date on, in UTC.
    pub from: NaiveDate,
}

/// Where a unified expiry date leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unified {
    /// All that is bought: from the old expiry over the months and the days to the new expiry.
    pub service: Window,
    /// From where later expiries are computed: it keeps the unified day, the 28th in March after one in February too.
    pub anchor: Anchor,
    /// Whole months bought.
    pub months: u32,
    /// The days after them, the last being the new expiry date.
    pub extra: Window,
    /// How many days that are; 0 where the months end on the unified day.
    pub extra_days: u32,
}

/// Why an expiry date cannot be unified to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AlignError {
    /// Not later than it is.
    #[error("the last day {wanted} is not after {old}, which is paid for: a unified date extends only, it never shortens")]
    NeverShortens {
        /// The day asked for.
        wanted: NaiveDate,
        /// The expiry date so far.
        old: NaiveDate,
    },
    /// Less than a month later.
    #[error("the last day {wanted} extends {old} by less than a month; expected {earliest} or later")]
    LessThanAMonth {
        /// The day asked for.
        wanted: NaiveDate,
        /// The expiry date so far.
        old: NaiveDate,
        /// The first day that is possible.
        earliest: NaiveDate,
    },
    /// After the last year that is written.
    #[error(transparent)]
    BeyondCalendar(#[from] BeyondCalendar),
}

impl Anchor {
    /// An anchor with nothing paid yet.
    pub const fn starting(from: Instant) -> Self {
        Self { from, months: 0 }
    }

    /// The same anchor with this many more months paid.
    ///
    /// # Errors
    /// [`BeyondCalendar`] when they would end after the year 9999.
    pub fn plus(self, months: u32) -> Result<Self, BeyondCalendar> {
        let from = self.from.to_utc().date_naive();
        let sum = u64::from(self.months) + u64::from(months);
        let years_left = u64::from(LAST_YEAR).saturating_sub(u64::try_from(from.year()).unwrap_or(0));
        match u32::try_from(sum) {
            Ok(months) if sum < years_left * 12 => Ok(Self { months, ..self }),
            _ => Err(BeyondCalendar { months: sum, from }),
        }
    }
}

/// The first instant that the months paid since the anchor no longer cover: the first midnight at or after
/// `from + months`, calendar months by the wall clock, the day clamped to the month's length.
///
/// Computed from the anchor alone, so that the 31st comes back after a shorter month, and a renewal late or early moves
/// nothing (Huawei, renewals: 2024-03-31 → 2024-04-30 → 2024-05-31). Where the calendar ends, it is [`Instant::MAX`].
///
/// # Properties
/// Never decreases as months grow. [`Anchor::plus`] month by month equals all months at once.
///
/// # Example: bought in the afternoon, a month covers the whole last day
/// ```
/// use reckoner_core::{life::{Anchor, calendar::expires_at}, time::{Instant, Zone}};
/// let zone = Zone::parse("+08:00").unwrap();
/// let from = Instant::parse("2021-07-01T14:00:00+08:00").unwrap();
/// let expires = expires_at(Anchor { from, months: 1 }, zone);
/// assert_eq!(zone.to_text(expires), "2021-08-02T00:00:00+08:00"); // printed as 2021-08-01 23:59:59
/// ```
pub fn expires_at(anchor: Anchor, zone: Zone) -> Instant {
    let first = zone.date_of(anchor.from);
    let is_midnight = anchor.from == zone.start_of_day(first);
    let last = first.checked_add_months(Months::new(anchor.months));
    let date = if is_midnight { last } else { last.and_then(|date| date.checked_add_days(Days::new(1))) };
    match date {
        Some(date) if date.year() <= LAST_YEAR as i32 + 1 => zone.start_of_day(date),
        _ => Instant::MAX,
    }
}

/// The last day that is covered: the date of the last instant before `expires_at`.
pub fn expiry_date(expires_at: Instant, zone: Zone) -> NaiveDate {
    zone.date_of(expires_at.plus_seconds(-1))
}

/// When the renewal is first tried: so many days before the expiry date, at the profile's time of day.
///
/// Counted from the expiry date, not from the instant after it: what expires at 1 June 00:00 is tried on 24 May at 03:00
/// (Huawei, auto-renewal: 7 days before).
pub fn first_attempt(expires_at: Instant, profile: &Profile, zone: Zone) -> Instant {
    attempt(expires_at, u64::from(profile.auto_renew_first_try.days_before), profile, zone)
}

/// The first attempt later than `after`; nothing where none is left. Huawei tries daily until the expiry date, Kingsoft once.
///
/// An attempt at or after `expires_at` does not exist. A time of day that the zone skips is the next instant that exists,
/// one that comes twice is the first.
pub fn next_attempt(after: Instant, expires_at: Instant, profile: &Profile, zone: Zone) -> Option<Instant> {
    let first = u64::from(profile.auto_renew_first_try.days_before);
    let last = match profile.auto_renew_retries {
        AutoRenewRetries::Daily => 0,
        AutoRenewRetries::None => first,
    };
    let attempts = (last..=first).rev().map(|days_before| attempt(expires_at, days_before, profile, zone));
    attempts.filter(|at| *at > after && *at < expires_at).min()
}

fn attempt(expires_at: Instant, days_before: u64, profile: &Profile, zone: Zone) -> Instant {
    let date = expiry_date(expires_at, zone) - Days::new(days_before);
    zone.at_local(date.and_time(profile.auto_renew_first_try.at))
}

/// The unified expiry date that `months` (1 or more) lead to: the first unified day on or after the old expiry date + months.
///
/// So a unified date always extends, by a month or more (S12, S13: Tencent, Alibaba; Huawei's default day is the 1st).
///
/// # Errors
/// [`BeyondCalendar`] when it would lie after the year 9999.
pub fn unified(expires_at: Instant, months: u32, day: AlignDay, zone: Zone) -> Result<Unified, BeyondCalendar> {
    let old = expiry_date(expires_at, zone);
    let months = months.max(1);
    let reached = months_after(old, months)?;
    let last_day = first_unified_day(reached, day);
    let is_month_end = day == AlignDay::Last;
    Ok(unified_by(expires_at, reached, months, last_day, is_month_end, zone))
}

/// The same for a given last day: as many whole months as fit, the rest in days. The last of a month stays the last.
///
/// # Errors
/// [`AlignError`] by name: the day is not later, or less than a month later.
pub fn unified_on(expires_at: Instant, last_day: NaiveDate, zone: Zone) -> Result<Unified, AlignError> {
    let old = expiry_date(expires_at, zone);
    if last_day <= old {
        return Err(AlignError::NeverShortens { wanted: last_day, old });
    }
    let earliest = months_after(old, 1)?;
    if last_day < earliest {
        return Err(AlignError::LessThanAMonth { wanted: last_day, old, earliest });
    }

    let apart = (last_day.year() - old.year()) * 12 + last_day.month() as i32 - old.month() as i32;
    let apart = u32::try_from(apart).expect("a later day is no month earlier");
    let in_month = months_after(old, apart)?;
    let months = if in_month <= last_day { apart } else { apart - 1 };
    let is_month_end = last_day == last_of_month(last_day);
    Ok(unified_by(expires_at, months_after(old, months)?, months, last_day, is_month_end, zone))
}

fn unified_by(
    expires_at: Instant,
    reached: NaiveDate,
    months: u32,
    last_day: NaiveDate,
    is_month_end: bool,
    zone: Zone,
) -> Unified {
    let midnight_after = |date: NaiveDate| zone.start_of_day(date + Days::new(1));
    let extra = Window::new(midnight_after(reached), midnight_after(last_day));
    let extra_days = u32::try_from((last_day - reached).num_days()).expect("a unified day lies on or after the months' end");
    // The midnight after the 28th is the 29th's, which February lacks: the second before it keeps the day.
    let keeps_day = !is_month_end && last_day.day() >= 28;
    let from = if keeps_day { extra.end.plus_seconds(-1) } else { extra.end };
    Unified { service: Window::new(expires_at, extra.end), anchor: Anchor::starting(from), months, extra, extra_days }
}

fn months_after(date: NaiveDate, months: u32) -> Result<NaiveDate, BeyondCalendar> {
    let reached = date.checked_add_months(Months::new(months)).filter(|date| date.year() < LAST_YEAR as i32);
    reached.ok_or(BeyondCalendar { months: u64::from(months), from: date })
}

fn first_unified_day(reached: NaiveDate, day: AlignDay) -> NaiveDate {
    let in_month_of = |date: NaiveDate| match day {
        AlignDay::Day(day) => date.with_day(day.clamp(1, 28)).expect("every month has 28 days"),
        AlignDay::Last => last_of_month(date),
    };
    let here = in_month_of(reached);
    if here >= reached { here } else { in_month_of(reached + Months::new(1)) }
}

fn last_of_month(date: NaiveDate) -> NaiveDate {
    let first = date.with_day(1).expect("every month has a first");
    first + Months::new(1) - Days::new(1)
}

/// From when a change of specification is paid: on the day of purchase from the next midnight; later from the next full
/// hour, which on the hour is that instant (Huawei's newest rule), or under `change_from = "next_day"` from the next midnight.
pub fn change_from(now: Instant, bought_at: Instant, profile: &Profile, zone: Zone) -> Instant {
    let is_purchase_day = zone.date_of(now) == zone.date_of(bought_at);
    match profile.change_from {
        ChangeFrom::NextFullHour if !is_purchase_day => {
            let begun = hour_start(now, zone);
            if begun == now { now } else { begun.plus_seconds(3_600) }
        }
        ChangeFrom::NextFullHour | ChangeFrom::NextDay => zone.day_containing(now).end,
    }
}

/// Start of the hour that clocks here show at the instant: 10:30 is in the hour of 10:00, also where that is no UTC hour.
pub(super) fn hour_start(instant: Instant, zone: Zone) -> Instant {
    let time = zone.local_time(instant).time();
    instant.plus_seconds(-i64::from(time.minute() * 60 + time.second()))
}

/// The days of grace after an expiry or the begin of arrears, and the days of retention after them: each N × 24 h.
pub fn grace_and_retention(from: Instant, grace_days: u32, retention_days: u32) -> (Window, Window) {
    let later = |start: Instant, days: u32| Window::new(start, start.plus_seconds(i64::from(days) * DAY_SECONDS));
    let grace = later(from, grace_days);
    (grace, later(grace.end, retention_days))
}

//! The billing zone: where days and months close. `+08:00` (the default, without daylight saving) or any IANA name.
//!
//! Hours are UTC hours; a zone with a half-hour offset cuts them at its midnight, so that every piece of use belongs to
//! exactly one hour, one day and one month (a *segment* is hour ∩ billing day).

use super::{Instant, Window};
use chrono::{
    DateTime, Datelike, Days, FixedOffset, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone,
    Timelike,
};
use chrono_tz::Tz;

const HOUR_SECONDS: i64 = 3_600;

/// A fixed offset or a named zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// `+08:00`, `Z`.
    Fixed(FixedOffset),
    /// `Europe/Paris`.
    Named(Tz),
}

/// The text names no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an offset such as `+08:00` nor an IANA zone such as `Europe/Paris`")]
pub struct ZoneError(String);

/// The version of the time zone rules that this program carries, such as `2025b`.
pub const TZDB_VERSION: &str = chrono_tz::IANA_TZDB_VERSION;

impl Zone {
    /// UTC.
    pub const UTC: Self = Self::Named(Tz::UTC);

    /// Reads `+08:00`, `Z` or an IANA name.
    ///
    /// # Errors
    /// [`ZoneError`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        if text == "Z" {
            return Ok(Self::UTC);
        }
        if let Ok(name) = text.parse::<Tz>() {
            return Ok(Self::Named(name));
        }
        let is_offset = text.len() == 6 && text.starts_with(['+', '-']);
        match text.parse::<FixedOffset>() {
            Ok(offset) if is_offset => Ok(Self::Fixed(offset)),
            _ => Err(ZoneError(text.to_owned())),
        }
    }

    /// The instant as RFC 3339 in this zone, `2026-01-05T08:00:00+08:00`; UTC is written `Z`.
    pub fn to_text(self, instant: Instant) -> String {
        let offset = self.offset_at(instant);
        if offset.local_minus_utc() == 0 {
            return instant.to_utc_text();
        }
        instant.to_utc().with_timezone(&offset).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// Reads RFC 3339, or a date, which is its first instant in this zone.
    ///
    /// # Errors
    /// [`super::InstantError`] when the text is neither, or lies outside the years 1970 to 9999.
    pub fn parse_instant(self, text: &str) -> Result<Instant, super::InstantError> {
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(date) if date.to_string() == text => self.start_of_day(date).within_years(text),
            _ => Instant::parse(text),
        }
    }

    /// The date that the instant falls on here.
    pub fn date_of(self, instant: Instant) -> NaiveDate {
        self.local(instant).date_naive()
    }

    /// The first instant whose date here is `date`, or the next that exists.
    ///
    /// # Example: what if midnight does not exist, as in Cairo on 2023-04-28?
    /// ```
    /// use reckoner_core::time::Zone;
    /// let cairo = Zone::parse("Africa/Cairo").unwrap();
    /// let day = cairo.start_of_day(chrono::NaiveDate::from_ymd_opt(2023, 4, 28).unwrap());
    /// assert_eq!(cairo.to_text(day), "2023-04-28T01:00:00+03:00");
    /// ```
    pub fn start_of_day(self, date: NaiveDate) -> Instant {
        self.at_local(date.and_time(NaiveTime::MIN))
    }

    /// The instant at which clocks here show `local`; the first of two, and the next that exists where the zone skips it.
    ///
    /// # Example: what is 02:30 in the night in which the clock goes from 02:00 to 03:00?
    /// ```
    /// use reckoner_core::time::Zone;
    /// let paris = Zone::parse("Europe/Paris").unwrap();
    /// let night = chrono::NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
    /// let instant = paris.at_local(night.and_hms_opt(2, 30, 0).unwrap());
    /// assert_eq!(paris.to_text(instant), "2026-03-29T03:00:00+02:00");
    /// ```
    pub fn at_local(self, local: NaiveDateTime) -> Instant {
        if let Some(instant) = self.first_instant_of(local) {
            return instant;
        }
        // A gap lasts minutes to (Apia, 2011) a whole day; no gap begins or ends off the quarter hour since 1970.
        let past_quarter = i64::from(local.time().num_seconds_from_midnight() % 900);
        let quarter = local - TimeDelta::seconds(past_quarter);
        for quarters in 1..=2 * 96 {
            if let Some(instant) = self.first_instant_of(quarter + TimeDelta::minutes(15 * quarters)) {
                return instant;
            }
        }
        unreachable!("no zone skips two days")
    }

    /// What clocks here show at the instant.
    pub fn local_time(self, instant: Instant) -> NaiveDateTime {
        self.local(instant).naive_local()
    }

    /// The day that holds the instant: 23, 24 or 25 hours.
    pub fn day_containing(self, instant: Instant) -> Window {
        let date = self.date_of(instant);
        let next = date.checked_add_days(Days::new(1)).expect("dates end after year 9999");
        Window::new(self.start_of_day(date), self.start_of_day(next))
    }

    /// The calendar month that holds the instant.
    pub fn month_containing(self, instant: Instant) -> Window {
        let first = self.date_of(instant).with_day(1).expect("every month has a first");
        let next = first.checked_add_months(Months::new(1)).expect("dates end after year 9999");
        Window::new(self.start_of_day(first), self.start_of_day(next))
    }

    /// The segment that holds the instant: its UTC hour, cut at this zone's midnight.
    pub fn segment_containing(self, instant: Instant) -> Window {
        let start = instant.hour_start();
        let hour = Window::new(start, start.plus_seconds(HOUR_SECONDS));
        if let Self::Fixed(offset) = self
            && offset.local_minus_utc() % 3600 == 0
        {
            return hour;
        }
        let first = self.day_containing(hour.start);
        if first.end >= hour.end {
            return hour;
        }
        if instant < first.end { Window::new(hour.start, first.end) } else { Window::new(first.end, hour.end) }
    }

    /// The month of the instant as `2026-01`.
    pub fn billing_period(self, instant: Instant) -> String {
        self.date_of(instant).format("%Y-%m").to_string()
    }

    fn local(self, instant: Instant) -> DateTime<FixedOffset> {
        instant.to_utc().with_timezone(&self.offset_at(instant))
    }

    fn offset_at(self, instant: Instant) -> FixedOffset {
        match self {
            Self::Fixed(offset) => offset,
            Self::Named(zone) => zone.offset_from_utc_datetime(&instant.to_utc().naive_utc()).fix(),
        }
    }

    fn first_instant_of(self, local: NaiveDateTime) -> Option<Instant> {
        let found = match self {
            Self::Fixed(offset) => offset.from_local_datetime(&local).map(|t| t.timestamp()),
            Self::Named(zone) => zone.from_local_datetime(&local).map(|t| t.timestamp()),
        };
        match found {
            LocalResult::Single(seconds) => Some(Instant::from_seconds(seconds)),
            LocalResult::Ambiguous(first, second) => Some(Instant::from_seconds(first.min(second))),
            LocalResult::None => None,
        }
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(offset) => write!(f, "{offset}"),
            Self::Named(zone) => f.write_str(zone.name()),
        }
    }
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

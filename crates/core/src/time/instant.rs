//! An instant: whole seconds UTC. Leap seconds do not exist: `:60` reads as `:59`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(i64);

/// Why a piece of text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// A local time: the engine cannot know which instant is meant.
    #[error("`{0}` has no offset from UTC")]
    NoOffset(String),
    /// Not RFC 3339 at all.
    #[error("`{0}` is not an RFC 3339 timestamp")]
    NotRfc3339(String),
    /// Outside 1970 to 9999.
    #[error("`{0}` lies outside the years 1970 to 9999")]
    OutOfRange(String),
}

impl Instant {
    /// Before everything: where "since ever" begins.
    pub const MIN: Self = Self(i64::MIN);
    /// After everything: where "until further notice" ends.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant this many seconds after 1970 began in UTC.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Whole seconds since 1970 began in UTC.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The instant `seconds` later.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Start of the UTC hour that holds the instant.
    pub const fn hour_start(self) -> Self {
        Self(self.0.div_euclid(3_600) * 3_600)
    }

    /// Reads RFC 3339 with an offset; a fraction of a second is cut off, `:60` is `:59`.
    ///
    /// # Errors
    /// [`InstantError::NoOffset`] for a local time, which is never guessed at.
    ///
    /// # Example: what does `.999+08:00` mean?
    /// ```
    /// use reckoner_core::time::Instant;
    /// let read = |text| Instant::parse(text).map(|t| t.to_utc_text());
    /// assert_eq!(read("2026-01-05T08:00:00.999+08:00").unwrap(), "2026-01-05T00:00:00Z");
    /// assert!(read("2026-01-05T08:00:00").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, InstantError> {
        let shown = || text.chars().take(40).collect::<String>();
        let parsed = match DateTime::parse_from_rfc3339(text) {
            Ok(parsed) => parsed,
            Err(_) if text.is_ascii() && DateTime::parse_from_rfc3339(&format!("{text}Z")).is_ok() => {
                return Err(InstantError::NoOffset(shown()));
            }
            Err(_) => return Err(InstantError::NotRfc3339(shown())),
        };
        Self(parsed.timestamp()).within_years(text)
    }

    /// The instant, if it lies in the years that are written: 1970 to 9999 in UTC.
    pub(super) fn within_years(self, text: &str) -> Result<Self, InstantError> {
        match (0..253_402_300_800).contains(&self.0) {
            true => Ok(self),
            false => Err(InstantError::OutOfRange(text.chars().take(40).collect())),
        }
    }

    /// The instant as RFC 3339 in UTC, `2026-01-05T00:00:00Z`.
    pub fn to_utc_text(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// The instant as the calendar library has it; years before 1 and after 9999 are clamped.
    pub fn to_utc(self) -> DateTime<Utc> {
        let clamped = self.0.clamp(-62_135_596_800, 253_402_300_799);
        DateTime::from_timestamp(clamped, 0).expect("years 1 to 9999 are representable")
    }
}

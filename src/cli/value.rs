//! Values on the command line: instants, ranges, months, waits.

use chrono::NaiveDate;
use reckoner_core::time::{Instant, InstantError, Window, Zone};
use std::str::FromStr;
use std::time::Duration;

/// `T` of the contract, before the billing zone is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// RFC 3339 with an offset.
    Instant(Instant),
    /// A date: its first instant in the billing zone.
    Date(NaiveDate),
}

/// `--as-of`: an instant, or `tomorrow`, with which a night is previewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// As the contract has it.
    When(When),
    /// The midnight in the billing zone that comes next by the clock.
    Tomorrow,
}

impl AsOf {
    /// The instant meant, in this billing zone, by this clock.
    pub fn resolve(self, zone: Zone, now: Instant) -> Instant {
        match self {
            Self::When(when) => when.resolve(zone),
            Self::Tomorrow => zone.day_containing(now).end,
        }
    }
}

impl FromStr for AsOf {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "tomorrow" => Ok(Self::Tomorrow),
            text => text.parse().map(Self::When),
        }
    }
}

/// A value that is not what its option needs; the parts of a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{saw}")]
pub struct ValueError {
    /// What was seen.
    pub saw: String,
    /// What was expected.
    pub expected: &'static str,
    /// What to do.
    pub hint: String,
}

impl When {
    /// The instant meant, in this billing zone.
    pub fn resolve(self, zone: Zone) -> Instant {
        match self {
            Self::Instant(instant) => instant,
            Self::Date(date) => zone.start_of_day(date),
        }
    }
}

impl FromStr for When {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let expected = "RFC 3339 with an offset, or a date in the billing zone";
        let refused = |saw: String, hint: String| ValueError { saw, expected, hint };
        let examples = "for example `2026-01-05T08:00:00+08:00` or `2026-01-05`".to_owned();
        if let (10, Ok(date)) = (text.len(), NaiveDate::parse_from_str(text, "%Y-%m-%d")) {
            // The years that an instant can have.
            let is_known = ("1970-01-02".."9999-12-31").contains(&text);
            let saw = format!("`{text}` lies outside the years 1970 to 9999");
            return if is_known { Ok(Self::Date(date)) } else { Err(refused(saw, examples)) };
        }
        Instant::parse(text).map(Self::Instant).map_err(|error| {
            let hint = match error {
                InstantError::NoOffset(_) => {
                    format!("say which instant is meant: `{text}Z` in UTC, or `{text}+08:00`; a local time is never guessed at")
                }
                InstantError::NotRfc3339(_) | InstantError::OutOfRange(_) => examples,
            };
            refused(error.to_string(), hint)
        })
    }
}

/// `FROM..TO`, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhenRange {
    /// The first instant inside.
    pub from: When,
    /// The first instant no longer inside.
    pub to: When,
}

impl FromStr for WhenRange {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let refused = || ValueError {
            saw: format!("`{text}` is not a range"),
            expected: "`FROM..TO`, two instants or dates; the end is not inside",
            hint: "for example `2026-01-01..2026-02-01`".to_owned(),
        };
        let (from, to) = text.split_once("..").ok_or_else(refused)?;
        Ok(Self { from: from.parse()?, to: to.parse()? })
    }
}

impl WhenRange {
    /// The window meant, in this billing zone.
    pub fn resolve(self, zone: Zone) -> Window {
        Window::new(self.from.resolve(zone), self.to.resolve(zone))
    }
}

/// A billing month, `2026-01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(String);

impl Month {
    /// As the contract writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Month {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d") {
            Ok(_) if text.len() == 7 => Ok(Self(text.to_owned())),
            _ => Err(ValueError {
                saw: format!("`{text}` is not a month"),
                expected: "YYYY-MM",
                hint: "for example `2026-01`".to_owned(),
            }),
        }
    }
}

/// Reads how long to wait: `90`, `90s`, `10m`, `10min`, `2h`.
///
/// # Errors
/// A [`ValueError`] for anything else, and beyond a year.
pub fn parse_wait(text: &str) -> Result<Duration, ValueError> {
    let refused = || ValueError {
        saw: format!("`{text}` is not a time to wait"),
        expected: "whole seconds, or a number with `s`, `m` or `h`",
        hint: "for example `--wait 90s`, `--wait 10m`, `--wait 0`".to_owned(),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_seconds = match unit.trim_start() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        _ => return Err(refused()),
    };
    let seconds = number.parse::<u32>().map_err(|_| refused())?;
    let total = u64::from(seconds) * unit_seconds;
    if total > 366 * 86_400 { Err(refused()) } else { Ok(Duration::from_secs(total)) }
}

/// Reads who acts: 1 to 128 characters, none of them a control character, no blank at an end.
///
/// # Errors
/// A [`ValueError`] for anything else.
pub fn parse_actor(text: &str) -> Result<String, ValueError> {
    let is_name = (1..=128).contains(&text.chars().count()) && text.trim() == text && !text.chars().any(char::is_control);
    is_name.then(|| text.to_owned()).ok_or_else(|| ValueError {
        saw: format!("{text:?} names nobody"),
        expected: "1 to 128 characters without line breaks",
        hint: "for example `--actor ana.lima`".to_owned(),
    })
}

/// Reads why somebody decides something: 1 to 500 characters without line breaks, blanks at the ends cut off.
///
/// # Errors
/// A [`ValueError`] for anything else.
pub fn parse_reason(text: &str) -> Result<String, ValueError> {
    let reason = text.trim();
    let is_reason = (1..=500).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
    is_reason.then(|| reason.to_owned()).ok_or_else(|| ValueError {
        saw: format!("{:?} is no reason", text.chars().take(40).collect::<String>()),
        expected: "1 to 500 characters without line breaks: it is kept, and read by whoever asks later",
        hint: "for example `--reason 'meter 7 delivers twice'`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_an_offset_or_is_a_date() {
        let zone = Zone::parse("+08:00").unwrap();
        let read = |text: &str| text.parse::<When>().map(|when| when.resolve(zone).to_utc_text());
        let cases = [
            ("2026-01-05", Some("2026-01-04T16:00:00Z")),
            ("2026-01-05T08:00:00+08:00", Some("2026-01-05T00:00:00Z")),
            ("2026-01-05T08:00:00.999Z", Some("2026-01-05T08:00:00Z")),
            ("2026-01-05T08:00:00", None), // no offset
            ("2026-01-05 08:00", None),
            ("2026-02-29", None), // no such day
            ("2026-1-5", None),
            ("+026-01-05", None),
            ("0001-01-01", None),
            ("now", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).ok().as_deref(), expected, "{text:?}");
        }
        let error = "2026-01-05T08:00:00".parse::<When>().unwrap_err();
        assert!(error.hint.contains("`2026-01-05T08:00:00Z`"), "{error:?}");
    }

    #[test]
    fn tomorrow_begins_with_the_next_midnight_of_the_zone() {
        let zone = Zone::parse("+08:00").unwrap();
        // now | tomorrow
        for (now, expected) in
            [("2026-01-05T15:59:59Z", "2026-01-05T16:00:00Z"), ("2026-01-05T16:00:00Z", "2026-01-06T16:00:00Z")]
        {
            let now = Instant::parse(now).unwrap();
            assert_eq!("tomorrow".parse::<AsOf>().unwrap().resolve(zone, now).to_utc_text(), expected);
            let when = "2026-01-09".parse::<AsOf>().unwrap();
            assert_eq!(when.resolve(zone, now).to_utc_text(), "2026-01-08T16:00:00Z");
        }
        assert!("Tomorrow".parse::<AsOf>().is_err());
    }

    #[test]
    fn waits_and_months_and_actors_are_plain() {
        let waits =
            [("0", Some(0)), ("90", Some(90)), ("1s", Some(1)), ("10m", Some(600)), ("10 min", Some(600)), ("2h", Some(7_200))];
        for (text, expected) in
            waits.into_iter().chain([("", None), ("m", None), ("-1", None), ("1d", None), ("99999999h", None)])
        {
            assert_eq!(parse_wait(text).ok().map(|wait| wait.as_secs()), expected, "{text:?}");
        }
        for (text, expected) in [("2026-01", true), ("2026-13", false), ("2026-1", false), ("2026", false), ("2026-01-01", false)]
        {
            assert_eq!(text.parse::<Month>().is_ok(), expected, "{text:?}");
        }
        for (text, expected) in [("ana", true), ("Ana Lima", true), ("", false), (" ana", false), ("a\nb", false)] {
            assert_eq!(parse_actor(text).is_ok(), expected, "{text:?}");
        }
        for (text, expected) in [("typo", Some("typo")), (" a b ", Some("a b")), ("", None), ("  ", None), ("a\nb", None)] {
            assert_eq!(parse_reason(text).ok().as_deref(), expected, "{text:?}");
        }
        assert!("2026-01-01..2026-02-01".parse::<WhenRange>().is_ok());
        assert!("2026-01-01".parse::<WhenRange>().is_err());
    }
}

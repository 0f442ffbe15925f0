//! Cron text, checked when it is read: six fields in UTC, and it must fire some day.
//!
//! The alarm clock that rings it is less strict: it takes a cron that never fires (`0 0 0 30 2 *`) for a job to delete,
//! and it joins day of month and day of week by *and* in one place and by *or* in another. Both are refused here.

use croner::parser::{CronParser, Seconds};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::Instant;
use serde::{Deserialize, Deserializer};

const FIELDS: [(&str, u32, u32); 6] =
    [("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7)];
const DAYS_MAX: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A cron expression: second, minute, hour, day of month, month, day of week; digits, `*`, `a-b`, `*/n`, lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron(String);

/// Why a text is no cron that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// The usual five fields lack the seconds.
    #[error("the cron `{text}` has {found} fields, expected 6: second minute hour day-of-month month day-of-week, in UTC")]
    FieldCount {
        /// The whole text.
        text: String,
        /// How many there are.
        found: usize,
    },
    /// A field that is not understood.
    #[error("`{field}` is no {name} of a cron, expected `*`, `*/n`, or numbers {min} to {max} as `a`, `a-b`, `a,b`")]
    Field {
        /// What was seen.
        field: String,
        /// Which field.
        name: &'static str,
        /// The smallest number.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// Both days are given.
    #[error("the cron `{0}` names a day of month and a day of week, expected `*` for one of them")]
    BothDays(String),
    /// No month has the day.
    #[error("the cron `{0}` never fires, expected a day that one of its months has")]
    Never(String),
}

impl Cron {
    /// Reads a cron.
    ///
    /// # Errors
    /// A [`CronError`] for what is not understood, is ambiguous, or never fires.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(CronError::FieldCount { text: text.to_owned(), found: fields.len() });
        }
        let mut values = Vec::with_capacity(FIELDS.len());
        for (field, (name, min, max)) in fields.iter().zip(FIELDS) {
            let refused = || CronError::Field { field: (*field).to_owned(), name, min, max };
            values.push(field_values(field, min, max).ok_or_else(refused)?);
        }
        if fields[3] != "*" && fields[5] != "*" {
            return Err(CronError::BothDays(text.to_owned()));
        }
        let (days, months) = (&values[3], &values[4]);
        let fires = months.iter().any(|&month| days.iter().any(|&day| day <= DAYS_MAX[month as usize - 1]));
        match fires {
            true => Ok(Self(fields.join(" "))),
            false => Err(CronError::Never(text.to_owned())),
        }
    }

    /// The next instants after `after` at which it fires, as the alarm clock itself works them out; fewer than `count` only
    /// where there are no more.
    pub fn upcoming(&self, after: Instant, count: usize) -> Vec<Instant> {
        let parsed = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build().parse(&self.0);
        let Ok(cron) = parsed else { return Vec::new() };
        let mut instants = Vec::new();
        let mut last = after;
        while instants.len() < count {
            let Ok(next) = cron.find_next_occurrence(&last.to_utc(), false) else { break };
            last = Instant::from_seconds(next.timestamp());
            instants.push(last);
        }
        instants
    }

    /// Whether it fires at least once in every hour, day or month.
    ///
    /// Days and months are counted in UTC; a day of the billing zone is as long, but for the two days a year when clocks
    /// change.
    pub fn fires_in_every(&self, kind: SettleWindow) -> bool {
        let values: Vec<Vec<u32>> = self
            .0
            .split(' ')
            .zip(FIELDS)
            .map(|(field, (_, min, max))| field_values(field, min, max).unwrap_or_default())
            .collect();
        let [_, _, hours, days, months, weekdays] = values.as_slice() else { return false };
        let is_whole = |values: &[u32], wanted: std::ops::RangeInclusive<u32>| wanted.into_iter().all(|n| values.contains(&n));
        let is_every_month = is_whole(months, 1..=12);
        // Sunday has two numbers.
        let is_every_day = is_every_month && is_whole(days, 1..=31) && (is_whole(weekdays, 1..=7) || is_whole(weekdays, 0..=6));
        match kind {
            SettleWindow::Hour => is_every_day && is_whole(hours, 0..=23),
            SettleWindow::Day => is_every_day,
            SettleWindow::Month => is_every_month && days.iter().any(|day| *day <= 28),
        }
    }

    /// The expression, fields separated by one blank.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The numbers that a field stands for, or nothing where it is not understood.
fn field_values(field: &str, min: u32, max: u32) -> Option<Vec<u32>> {
    let mut values = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, number(step).filter(|&step| step > 0)?),
            None => (part, 1),
        };
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (min, max),
            (_, Some((first, last))) => (number(first)?, number(last)?),
            (_, None) if step > 1 => return None, // `5/10` means different things to different crons
            (_, None) => (number(range)?, number(range)?),
        };
        if first < min || last > max || first > last {
            return None;
        }
        values.extend((first..=last).step_by(step as usize));
    }
    Some(values)
}

fn number(text: &str) -> Option<u32> {
    let is_digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_clock_agrees_on_when_a_cron_fires() {
        // cron | after | the next three
        let cases = [
            ("0 10 * * * *", "2026-01-05T11:10:00Z", ["2026-01-05T12:10:00Z", "2026-01-05T13:10:00Z", "2026-01-05T14:10:00Z"]),
            ("0 10 * * * *", "2026-01-05T11:09:59Z", ["2026-01-05T11:10:00Z", "2026-01-05T12:10:00Z", "2026-01-05T13:10:00Z"]),
            ("0 */15 * * * *", "2026-12-31T23:50:00Z", ["2027-01-01T00:00:00Z", "2027-01-01T00:15:00Z", "2027-01-01T00:30:00Z"]),
            ("* * * * * *", "2026-01-05T11:10:00Z", ["2026-01-05T11:10:01Z", "2026-01-05T11:10:02Z", "2026-01-05T11:10:03Z"]),
            // 2100 is no leap year
            ("0 0 0 29 2 *", "2092-03-01T00:00:00Z", ["2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"]),
            // Sunday is 0 and 7 to both
            ("0 0 0 * * 7", "2026-01-05T00:00:00Z", ["2026-01-11T00:00:00Z", "2026-01-18T00:00:00Z", "2026-01-25T00:00:00Z"]),
            ("0 0 0 * * 0", "2026-01-05T00:00:00Z", ["2026-01-11T00:00:00Z", "2026-01-18T00:00:00Z", "2026-01-25T00:00:00Z"]),
        ];
        for (text, after, expected) in cases {
            let found = Cron::parse(text).unwrap().upcoming(Instant::parse(after).unwrap(), 3);
            assert_eq!(found.iter().map(|instant| instant.to_utc_text()).collect::<Vec<_>>(), expected, "{text}");
        }
        assert_eq!(Cron("0 0 0 30 2 *".to_owned()).upcoming(Instant::from_seconds(0), 3), [], "and on what never fires");
    }

    #[test]
    fn a_cron_is_understood_or_refused() {
        // cron | whether it is taken
        let cases = [
            ("0 10 * * * *", true),
            ("0 */15 * * * *", true),
            ("0,30 0-10/5 0 1 * *", true),
            ("0 0 0 29 2 *", true), // leap years have it
            ("0 0 0 30 2 *", false),
            ("0 0 0 31 4,6 *", false),
            ("0 0 0 31 4-5 *", true),
            ("10 * * * *", false),   // the usual five fields
            ("0 0 0 1 * 1", false),  // which of the two days?
            ("0 60 * * * *", false), // one above the border
            ("0 59 * * * *", true),
            ("0 0 24 * * *", false),
            ("0 0 0 0 * *", false),
            ("0 0 0 * 13 *", false),
            ("0 0 0 * * 7", true),
            ("0 0 0 * * MON", false),
            ("0 5/10 * * * *", false),
            ("0 */0 * * * *", false),
            ("0 9-5 * * * *", false),
            ("0 -1 * * * *", false),
            ("@hourly", false),
        ];
        for (text, is_taken) in cases {
            assert_eq!(Cron::parse(text).is_ok(), is_taken, "{text}");
        }
    }

    #[test]
    fn a_cron_fires_in_every_window_or_not() {
        // cron | in every hour, day, month
        let cases = [
            ("0 10 * * * *", "yes yes yes"),
            ("0 */15 * * * *", "yes yes yes"),
            ("0 0 */2 * * *", "no yes yes"),
            ("0 10 0-22 * * *", "no yes yes"),
            ("0 0 0 * * 1-5", "no no yes"),
            ("0 10 * * * 0-6", "yes yes yes"),
            ("0 10 * * * 1-7", "yes yes yes"),
            ("0 0 0 1 * *", "no no yes"),
            ("0 0 0 28 * *", "no no yes"),
            ("0 0 0 29 * *", "no no no"), // most Februaries have none
            ("0 0 0 * 1-11 *", "no no no"),
            ("0 0 0 29 2 *", "no no no"),
        ];
        for (text, expected) in cases {
            let cron = Cron::parse(text).expect("a cron");
            let fires = SettleWindow::ALL.map(|kind| if cron.fires_in_every(kind) { "yes" } else { "no" });
            assert_eq!(fires.join(" "), expected, "{text}");
        }
    }
}

//! Use after the end: of a resource that was deleted, unsubscribed or released, and of an account that stood released.
//!
//! Only ends that were carried out count: a deletion that waits for its instant has ended nothing. What was used before the
//! end is accepted, however late it is delivered; what was accepted before the end was known stays. A row of quantity 0 says
//! that nothing was used, and may take back what another row says of that time.

use crate::life::ResourceStatus;
use crate::number::Quantity;
use crate::rate::last_instant;
use crate::table::{Refusal, UsageRow};
use crate::time::{Instant, Window, Zone};

/// That a resource ended, how and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceEnd {
    /// Whose.
    pub account_id: String,
    /// Which of the account's.
    pub resource_id: String,
    /// Deleted, unsubscribed or released.
    pub status: ResourceStatus,
    /// First instant at which it was gone.
    pub ended_at: Instant,
}

/// Whether what the row says was used was there all the time: `end` is its resource's, `released` are the times in which its
/// account stood released.
///
/// # Errors
/// `after_end` where the row reaches beyond the end of its resource, `after_release` where it reaches into one of these times.
pub fn check_end(row: &UsageRow, end: Option<&ResourceEnd>, released: &[Window], zone: Zone) -> Result<(), Refusal> {
    if row.quantity == Quantity::ZERO {
        return Ok(());
    }
    let last = last_instant(row.interval());
    let refuse =
        |reason: &'static str, expected: &str| Err(Refusal::at("ended_at", &zone.to_text(row.ended_at), reason, expected));
    if let Some(end) = end.filter(|end| last >= end.ended_at) {
        let expected = format!(
            "the row says that `{}` was used until then, and it was {} at {}; {}",
            row.resource_id,
            end.status.as_str(),
            zone.to_text(end.ended_at),
            to_do(row, end.ended_at)
        );
        return refuse("after_end", &expected);
    }
    let reached = released.iter().find(|times| times.start <= last && row.started_at < times.end);
    let Some(times) = reached else { return Ok(()) };
    let until = if times.end == Instant::MAX { "ever since".to_owned() } else { format!("until {}", zone.to_text(times.end)) };
    let expected = format!(
        "the row says that `{}` was used until then, and what account `{}` used was released at {}, for what it owed, and gone \
         {until}; {}",
        row.resource_id,
        row.account_id,
        zone.to_text(times.start),
        to_do(row, times.start)
    );
    refuse("after_release", &expected)
}

fn to_do(row: &UsageRow, end: Instant) -> &'static str {
    match row.started_at < end {
        true => "send a row that ends there at the latest, and discard this one",
        false => "discard it, or send it under the resource that was really used",
    }
}

/// The time within which use is certain to pass [`check_end`]; nothing outside it is said.
pub fn usable(ended_at: Option<Instant>, released: &[Window]) -> Window {
    let end = ended_at.unwrap_or(Instant::MAX);
    match released.iter().max_by_key(|times| times.start) {
        None => Window::new(Instant::MIN, end),
        // Of an account that came back, use is mostly of the time since.
        Some(last) if last.end < end => Window::new(last.end, end),
        Some(_) => {
            let first = released.iter().map(|times| times.start).min().unwrap_or(end);
            Window::new(Instant::MIN, first.min(end))
        }
    }
}

/// Whether use lies in the time that [`usable`] names.
pub fn is_within(interval: Window, usable: Window) -> bool {
    usable.start <= interval.start && last_instant(interval) < usable.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn at(hour: i64) -> Instant {
        Instant::from_seconds(1_767_571_200 + hour * 3_600)
    }

    fn row(from: i64, until: i64, quantity: &str) -> UsageRow {
        UsageRow {
            record_id: "r-1".to_owned(),
            account_id: "acme".to_owned(),
            resource_id: "vm-1".to_owned(),
            sku: "vm.hour".to_owned(),
            started_at: at(from),
            ended_at: at(until),
            quantity: Quantity::parse(quantity).expect("a quantity"),
            region: None,
            resource_name: None,
            tags: BTreeMap::new(),
            revision: 0,
            corrects: None,
            is_waived: false,
            line: 2,
        }
    }

    fn ended(hour: Option<i64>) -> Option<ResourceEnd> {
        let (account_id, resource_id) = ("acme".to_owned(), "vm-1".to_owned());
        hour.map(|hour| ResourceEnd { account_id, resource_id, status: ResourceStatus::Deleted, ended_at: at(hour) })
    }

    /// Hours, the end left out where there is none.
    fn windows(released: &[(i64, Option<i64>)]) -> Vec<Window> {
        released.iter().map(|(from, until)| Window::new(at(*from), until.map_or(Instant::MAX, at))).collect()
    }

    #[test]
    fn use_is_taken_up_to_the_end() {
        // used from | until | quantity | resource ended | account released | refused with
        type Case<'a> = (i64, i64, &'a str, Option<i64>, &'a [(i64, Option<i64>)], &'a str);
        let cases: [Case<'_>; 24] = [
            (0, 9, "1", None, &[], ""),
            // The end is the first instant that is not used any more.
            (4, 5, "1", Some(5), &[], ""),
            (4, 6, "1", Some(5), &[], "after_end"),
            (5, 6, "1", Some(5), &[], "after_end"),
            (7, 8, "1", Some(5), &[], "after_end"),
            (0, 9, "1", Some(9), &[], ""),
            // An instant.
            (4, 4, "1", Some(5), &[], ""),
            (5, 5, "1", Some(5), &[], "after_end"),
            (6, 6, "1", Some(5), &[], "after_end"),
            // Nothing was used.
            (5, 6, "0", Some(5), &[], ""),
            (5, 6, "0", None, &[(0, None)], ""),
            // The account's standing.
            (3, 4, "1", None, &[(4, None)], ""),
            (3, 5, "1", None, &[(4, None)], "after_release"),
            (4, 4, "1", None, &[(4, None)], "after_release"),
            (9, 10, "1", None, &[(4, None)], "after_release"),
            (4, 6, "1", None, &[(4, Some(6))], "after_release"),
            (6, 7, "1", None, &[(4, Some(6))], ""),
            (6, 6, "1", None, &[(4, Some(6))], ""),
            (5, 7, "1", None, &[(4, Some(6))], "after_release"),
            (2, 8, "1", None, &[(4, Some(6))], "after_release"),
            (7, 8, "1", None, &[(4, Some(6)), (9, None)], ""),
            (7, 10, "1", None, &[(4, Some(6)), (9, None)], "after_release"),
            // What the resource says comes first: it never ends.
            (5, 6, "1", Some(4), &[(4, Some(6))], "after_end"),
            (5, 6, "1", Some(8), &[(4, Some(6))], "after_release"),
        ];
        for (from, until, quantity, end, released, expected) in cases {
            let what = format!("{from} to {until}, {quantity}, ended {end:?}, released {released:?}");
            let (row, windows) = (row(from, until, quantity), windows(released));
            let zone = Zone::parse("+08:00").expect("a zone");
            let refusal = check_end(&row, ended(end).as_ref(), &windows, zone).err();
            assert_eq!(refusal.as_ref().map_or("", |refusal| refusal.reason), expected, "{what}");
            // The quick answer never lets through what is refused.
            if is_within(row.interval(), usable(end.map(at), &windows)) {
                assert_eq!(refusal, None, "{what}");
            }
        }
    }

    #[test]
    fn most_use_is_known_to_be_taken_without_a_look() {
        // ended | released | from, until which nothing is looked at
        type Case<'a> = (Option<i64>, &'a [(i64, Option<i64>)], Option<i64>, Option<i64>);
        let cases: [Case<'_>; 7] = [
            (None, &[], None, None),
            (Some(5), &[], None, Some(5)),
            (None, &[(4, None)], None, Some(4)),
            (None, &[(4, Some(6))], Some(6), None),
            (Some(9), &[(2, Some(3)), (4, Some(6))], Some(6), Some(9)),
            (Some(5), &[(4, Some(6))], None, Some(4)),
            (None, &[(2, Some(3)), (4, None)], None, Some(2)),
        ];
        for (end, released, from, until) in cases {
            let expected = Window::new(from.map_or(Instant::MIN, at), until.map_or(Instant::MAX, at));
            assert_eq!(usable(end.map(at), &windows(released)), expected, "{end:?} {released:?}");
        }
    }

    #[test]
    fn a_refusal_says_until_when_what_happened_and_what_to_do() {
        let zone = Zone::parse("+08:00").expect("a zone");
        let said = |row: &UsageRow, end, released: &[(i64, Option<i64>)]| {
            check_end(row, ended(end).as_ref(), &windows(released), zone).expect_err("refused").detail
        };
        let cases = [
            (
                said(&row(4, 6, "1"), Some(5), &[]),
                "`ended_at` is `2026-01-05T14:00:00+08:00`: the row says that `vm-1` was used until then, and it was deleted at \
                 2026-01-05T13:00:00+08:00; send a row that ends there at the latest, and discard this one",
            ),
            (
                said(&row(5, 6, "1"), None, &[(4, Some(7))]),
                "`ended_at` is `2026-01-05T14:00:00+08:00`: the row says that `vm-1` was used until then, and what account `acme` \
                 used was released at 2026-01-05T12:00:00+08:00, for what it owed, and gone until 2026-01-05T15:00:00+08:00; \
                 discard it, or send it under the resource that was really used",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }
}

//! Schedule: which windows are due, from what is known. A wake-up asks nothing else.
//!
//! Due is a window whose end has come and that has news: rows that arrived (or were replaced) after it was settled last, or
//! ever. Windows without news are passed in silence. Extra calls are harmless by construction. What operators hold is due all
//! the same, and is parted from the rest by [`Standings::part`].

mod orders;

pub use orders::{HeldTime, Standing, Standings, WindowAction, WindowOrder, intervened_in};

use crate::rate::DueWindow;
use crate::table::SettleWindow;
use crate::time::{Instant, Window, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a window that was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledState {
    /// The newest delivery whose rows its charges hold.
    pub settled_seq: u64,
    /// The newest delivery known when it was first settled.
    pub book_seq: u64,
}

/// Which windows with input are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Those with rows that arrived, or were replaced, since they were settled.
    #[default]
    News,
    /// Those never settled.
    Missing,
    /// All of them.
    All,
}

/// What to look for.
#[derive(Debug, Clone)]
pub struct DueQuery<'a> {
    /// Hours (by start, UTC) that rows touched, with the newest delivery that touched each.
    pub touched: &'a [(Instant, u64)],
    /// Windows settled so far.
    pub settled: &'a BTreeMap<(SettleWindow, Window), SettledState>,
    /// The kinds of window that any published price settles in.
    pub kinds: &'a BTreeSet<SettleWindow>,
    /// Only windows that end at or before this.
    pub until: Instant,
    /// Only windows that lie inside, if given.
    pub within: Option<Window>,
    /// Which of those that have input.
    pub which: Which,
    /// The newest delivery known.
    pub latest_seq: u64,
    /// Where days and months close.
    pub zone: Zone,
}

/// The windows that touched hours take part in, with the newest delivery that touched each.
pub fn touched_windows(
    touched: &[(Instant, u64)],
    kinds: &BTreeSet<SettleWindow>,
    zone: Zone,
) -> BTreeMap<(SettleWindow, Window), u64> {
    let mut newest: BTreeMap<(SettleWindow, Window), u64> = BTreeMap::new();
    for (hour, seq) in touched {
        for kind in kinds {
            for window in windows_of_hour(*kind, *hour, zone) {
                let known = newest.entry((*kind, window)).or_default();
                *known = (*known).max(*seq);
            }
        }
    }
    newest
}

/// The windows to settle, oldest end first; of equal ends hours before days before months.
pub fn due_windows(query: &DueQuery<'_>) -> Vec<DueWindow> {
    let newest = touched_windows(query.touched, query.kinds, query.zone);
    let is_wanted = |window: Window| {
        window.end <= query.until && query.within.is_none_or(|within| within.start <= window.start && window.end <= within.end)
    };
    let mut due: Vec<DueWindow> = Vec::new();
    for ((kind, window), seq) in newest {
        let settled = query.settled.get(&(kind, window));
        let has_place = match query.which {
            Which::News => settled.is_none_or(|state| state.settled_seq < seq),
            Which::Missing => settled.is_none(),
            Which::All => true,
        };
        if is_wanted(window) && has_place {
            due.push(DueWindow {
                window,
                kind,
                book_seq: settled.map_or(query.latest_seq, |state| state.book_seq),
                settled_seq: settled.map(|state| state.settled_seq),
            });
        }
    }
    due.sort_by_key(|due| (due.window.end, due.kind, due.window.start));
    due
}

/// The windows of a kind that an hour takes part in: two where the billing midnight cuts it.
pub fn windows_of_hour(kind: SettleWindow, hour: Instant, zone: Zone) -> BTreeSet<Window> {
    let last = hour.plus_seconds(3_599);
    [hour, last].into_iter().map(|instant| kind.containing(instant, zone)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = 3_600;
    /// 2026-01-05T00:00:00+08:00.
    const MONDAY: i64 = 1_767_542_400;

    fn at(hours: i64) -> Instant {
        Instant::from_seconds(MONDAY + hours * H)
    }

    fn starts(touched: &[(i64, u64)], settled: &[(i64, u64)], until: i64) -> Vec<(i64, Option<u64>)> {
        let zone = Zone::parse("+08:00").unwrap();
        let touched: Vec<_> = touched.iter().map(|(hour, seq)| (at(*hour), *seq)).collect();
        let settled = settled.iter().map(|(hour, seq)| {
            let window = Window::new(at(*hour), at(hour + 1));
            ((SettleWindow::Hour, window), SettledState { settled_seq: *seq, book_seq: 1 })
        });
        let query = DueQuery {
            touched: &touched,
            settled: &settled.collect(),
            kinds: &BTreeSet::from([SettleWindow::Hour]),
            until: at(until),
            within: None,
            which: Which::News,
            latest_seq: 9,
            zone,
        };
        let hours = |due: &DueWindow| (due.window.start.seconds() - MONDAY) / H;
        due_windows(&query).iter().map(|due| (hours(due), due.settled_seq)).collect()
    }

    #[test]
    fn a_window_is_due_when_its_end_has_come_and_it_has_news() {
        // touched (hour, delivery) | settled (hour, delivery) | until | due (hour, settled before)
        assert_eq!(starts(&[(0, 1)], &[], 0), []); // the hour is not over
        assert_eq!(starts(&[(0, 1)], &[], 1), [(0, None)]); // half-open: over at its end
        assert_eq!(starts(&[(0, 1)], &[(0, 1)], 9), []); // nothing new: again is nothing
        assert_eq!(starts(&[(0, 3)], &[(0, 1)], 9), [(0, Some(1))]); // late usage
        assert_eq!(starts(&[(5, 2), (0, 1), (3, 1)], &[], 9), [(0, None), (3, None), (5, None)]); // oldest first
    }

    #[test]
    fn a_half_hour_zone_cuts_the_hour_at_its_midnight() {
        let zone = Zone::parse("Asia/Kolkata").unwrap();
        let midnight = zone.start_of_day(chrono::NaiveDate::from_ymd_opt(2026, 1, 5).unwrap());
        let hour = Instant::from_seconds(midnight.seconds() - 1_800);
        let windows = windows_of_hour(SettleWindow::Hour, hour, zone);
        assert_eq!(windows.into_iter().map(|w| w.seconds()).collect::<Vec<_>>(), [1_800, 1_800]);
    }
}

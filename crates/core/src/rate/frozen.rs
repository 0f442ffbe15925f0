//! Frozen time: while an account is in retention (or released), what it uses by the second or the piece costs nothing.
//!
//! The times are stored facts: they grow at the end, as the account's standing moves, and never change in the past. So use
//! that becomes known late, and a rerun, find the times that counted when its window was settled first.

use crate::time::{Instant, Window};
use std::collections::HashMap;

/// When accounts were frozen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frozen {
    by_account: HashMap<String, Vec<Window>>,
}

impl Frozen {
    /// These times, in any order; one that has not ended reaches to [`Instant::MAX`].
    pub fn new(times: impl IntoIterator<Item = (String, Window)>) -> Self {
        let mut by_account: HashMap<String, Vec<Window>> = HashMap::new();
        for (account_id, time) in times {
            if time.start < time.end {
                by_account.entry(account_id).or_default().push(time);
            }
        }
        by_account.values_mut().for_each(join);
        Self { by_account }
    }

    /// The times of an account, oldest first; no two of them touch.
    pub fn of(&self, account_id: &str) -> &[Window] {
        self.by_account.get(account_id).map_or(&[], Vec::as_slice)
    }

    /// The accounts that were ever frozen.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        self.by_account.keys().map(String::as_str)
    }

    /// The accounts that were frozen at some time inside a window.
    pub fn during(&self, window: Window) -> impl Iterator<Item = &str> {
        let is_touched = move |times: &&Vec<Window>| times.iter().any(|time| time.overlap(window).is_some());
        self.by_account.iter().filter(move |(_, times)| is_touched(times)).map(|(account_id, _)| account_id.as_str())
    }

    /// Whether an account was frozen during all of a window.
    pub fn covers(&self, account_id: &str, window: Window) -> bool {
        self.of(account_id).iter().any(|time| time.start <= window.start && window.end <= time.end)
    }

    /// What of an account's times lies inside a window.
    pub fn inside(&self, account_id: &str, window: Window) -> Vec<Window> {
        self.of(account_id).iter().filter_map(|time| time.overlap(window)).collect()
    }

    /// Puts the times of an account.
    pub fn put(&mut self, account_id: &str, times: Vec<Window>) {
        match times.is_empty() {
            true => drop(self.by_account.remove(account_id)),
            false => drop(self.by_account.insert(account_id.to_owned(), times)),
        }
    }
}

/// Orders times and makes one of those that touch.
fn join(times: &mut Vec<Window>) {
    times.sort_unstable();
    times.dedup_by(|next, before| {
        let touches = next.start <= before.end;
        if touches {
            before.end = before.end.max(next.end);
        }
        touches
    });
}

/// Whether an instant is frozen, and until when that stays so.
pub(super) fn state_at(times: &[Window], at: Instant) -> (bool, Instant) {
    match times.iter().find(|time| time.end > at) {
        Some(time) if time.start <= at => (true, time.end),
        Some(time) => (false, time.start),
        None => (false, Instant::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: i64, end: i64) -> Window {
        Window::new(Instant::from_seconds(start), Instant::from_seconds(end))
    }

    #[test]
    fn times_that_touch_are_one() {
        let given = [(10, 20), (40, 50), (20, 30), (45, 47), (60, 60)];
        let frozen = Frozen::new(given.map(|(start, end)| ("jay".to_owned(), window(start, end))));
        assert_eq!(frozen.of("jay"), [window(10, 30), window(40, 50)]);
        assert_eq!(frozen.of("ibis"), []);
        assert_eq!(frozen.inside("jay", window(25, 45)), [window(25, 30), window(40, 45)]);
        let covered =
            [(10, 30), (12, 13), (9, 30), (10, 31), (30, 40)].map(|(start, end)| frozen.covers("jay", window(start, end)));
        assert_eq!(covered, [true, true, false, false, false]);
        assert_eq!(frozen.during(window(30, 40)).count(), 0);
        assert_eq!(frozen.during(window(29, 31)).collect::<Vec<_>>(), ["jay"]);
    }

    #[test]
    fn an_instant_is_frozen_from_the_start_and_not_at_the_end() {
        let times = [window(10, 20), window(40, 50)];
        // instant | frozen | until
        for (at, is_frozen, until) in [(9, false, 10), (10, true, 20), (19, true, 20), (20, false, 40), (49, true, 50)] {
            assert_eq!(state_at(&times, Instant::from_seconds(at)), (is_frozen, Instant::from_seconds(until)), "{at}");
        }
        assert_eq!(state_at(&times, Instant::from_seconds(50)), (false, Instant::MAX));
    }
}

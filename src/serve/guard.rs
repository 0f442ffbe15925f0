//! Clock guard: whether the wall clock can be believed. Values in, values out.
//!
//! A window is over when the clock says so; a clock that is a day ahead would settle hours that nobody has delivered yet,
//! and one that was set back would call delivered usage future. So the wall clock is held against the monotonic one, which
//! nobody sets, and against the latest instant that was ever believed, which outlives a restart.
//!
//! *Design notes.* The monotonic clock of Linux stands still while a machine sleeps: waking up looks like a jump ahead, and
//! costs three minutes. A jump while nothing runs cannot be told from time that has passed; a step back can.

use super::Moment;
use reckoner_core::time::Instant;
use std::time::Duration;

/// Wall and monotonic time may differ by this much between two looks. Seconds are whole, and clocks are slewed.
pub const TOLERANCE_SECONDS: i64 = 5;
/// For how long a clock must behave before it is believed again.
pub const PROBATION: Duration = Duration::from_secs(180);

/// What is known of the clock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guard {
    /// The look before; nothing before the first.
    pub last: Option<Moment>,
    /// The latest instant that was believed, also by an earlier process.
    pub latest: Option<Instant>,
    /// Why the clock is not believed, if it is not.
    pub doubt: Option<Doubt>,
}

/// Why a clock is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What was seen, for people.
    pub why: String,
    /// Since when the clock behaves, monotonic.
    pub behaves_since: Duration,
}

impl Guard {
    /// What an earlier process left: the latest instant that it believed, and its doubt, which starts anew.
    pub fn after(latest: Option<Instant>, doubt: Option<String>) -> Self {
        let doubt = doubt.map(|why| Doubt { why, behaves_since: Duration::ZERO });
        Self { last: None, latest, doubt }
    }

    /// Whether windows may be settled by this clock.
    pub fn is_steady(&self) -> bool {
        self.doubt.is_none()
    }

    /// What to take for now while files are taken in: never before what was believed already, or usage that was delivered
    /// in time would be called future.
    pub fn now_for_files(&self, wall: Instant) -> Instant {
        match (&self.doubt, self.latest) {
            (Some(_), Some(latest)) => wall.max(latest),
            _ => wall,
        }
    }
}

/// What is known of the clock after another look.
pub fn judge(guard: Guard, now: Moment) -> Guard {
    let Guard { last, latest, doubt } = guard;
    let seen = match last {
        // The first look of a process: what an earlier one believed is all there is to hold it against.
        None => latest.and_then(|latest| step_back(latest, now.wall)),
        Some(last) => jump(last, now),
    };
    let doubt = match (seen, doubt) {
        (Some(why), _) => Some(Doubt { why, behaves_since: now.mono }),
        (None, Some(doubt)) if last.is_none() => Some(Doubt { behaves_since: now.mono, ..doubt }),
        (None, Some(doubt)) if now.mono.saturating_sub(doubt.behaves_since) < PROBATION => Some(doubt),
        (None, _) => None,
    };
    // A clock that was set back and behaves since is believed: its instants are the ones to go on from.
    let latest = if doubt.is_none() { Some(now.wall) } else { latest };
    Guard { last: Some(now), latest, doubt }
}

fn step_back(latest: Instant, wall: Instant) -> Option<String> {
    let behind = latest.seconds() - wall.seconds();
    (behind > TOLERANCE_SECONDS).then(|| {
        format!(
            "the clock says `{}`, {behind} s before `{}`, which it has said already",
            wall.to_utc_text(),
            latest.to_utc_text()
        )
    })
}

fn jump(last: Moment, now: Moment) -> Option<String> {
    let by_wall = now.wall.seconds() - last.wall.seconds();
    let elapsed = i64::try_from(now.mono.saturating_sub(last.mono).as_secs()).unwrap_or(i64::MAX);
    let off = by_wall - elapsed;
    let way = if off > 0 { "ahead" } else { "back" };
    (off.abs() > TOLERANCE_SECONDS).then(|| {
        let (from, to) = (last.wall.to_utc_text(), now.wall.to_utc_text());
        format!("the clock went from `{from}` to `{to}` within {elapsed} s, a jump of {} s {way}", off.abs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_767_614_400;

    fn moment(wall: i64, mono: u64) -> Moment {
        Moment { wall: Instant::from_seconds(NOON + wall), mono: Duration::from_secs(mono) }
    }

    #[test]
    fn a_clock_is_believed_once_it_behaves_for_three_minutes() {
        type Look = (i64, u64, bool);
        // (wall, monotonic) of each look | whether windows may be settled after each
        let cases: [(&str, &[Look]); 9] = [
            ("steady", &[(0, 0, true), (60, 60, true), (120, 120, true)]),
            ("slewed", &[(0, 0, true), (64, 60, true), (120, 120, true)]),
            ("5 s off is tolerated, 6 are not", &[(0, 0, true), (65, 60, true), (131, 120, false)]),
            ("an hour back", &[(0, 0, true), (-3540, 60, false), (-3480, 120, false), (-3361, 239, false), (-3360, 240, true)]),
            ("a day ahead", &[(0, 0, true), (86_460, 60, false), (86_639, 239, false), (86_640, 240, true)]),
            // the step back is a jump of its own: three minutes count from there
            ("ahead and back", &[(0, 0, true), (86_460, 60, false), (120, 120, false), (299, 299, false), (300, 300, true)]),
            ("jumping on and on", &[(0, 0, true), (100, 60, false), (300, 200, false), (500, 300, false), (600, 400, false)]),
            ("asleep for an hour", &[(0, 0, true), (3_660, 60, false), (3_840, 240, true)]),
            ("looked at often", &[(0, 0, true), (0, 0, true), (1, 0, true), (1, 1, true), (7, 2, true), (7, 2, true)]),
        ];
        for (name, looks) in cases {
            let mut guard = Guard::default();
            for (wall, mono, expected) in looks {
                guard = judge(guard, moment(*wall, *mono));
                assert_eq!(guard.is_steady(), *expected, "{name}: at {wall} {mono}: {:?}", guard.doubt);
            }
        }
    }

    #[test]
    fn a_restart_forgets_neither_the_latest_instant_nor_a_doubt() {
        let latest = Some(Instant::from_seconds(NOON));
        // doubt left behind | wall at the start | steady at once | steady after three minutes
        let cases = [
            (None, 0, true, true),
            (None, 40 * 86_400, true, true), // downtime looks like this
            (None, -5, true, true),
            (None, -6, false, true),
            (None, -3_600, false, true),
            (Some("a jump"), 60, false, true),
        ];
        for (doubt, wall, at_once, later) in cases {
            let guard = judge(Guard::after(latest, doubt.map(str::to_owned)), moment(wall, 1_000));
            assert_eq!(guard.is_steady(), at_once, "{doubt:?} {wall}");
            let almost = judge(guard.clone(), moment(wall + 179, 1_179));
            assert_eq!(almost.is_steady(), at_once, "{doubt:?} {wall}");
            assert_eq!(judge(almost, moment(wall + 180, 1_180)).is_steady(), later, "{doubt:?} {wall}");
        }
    }

    #[test]
    fn files_are_taken_at_an_instant_that_never_goes_back() {
        let guard = judge(judge(Guard::default(), moment(0, 0)), moment(-3_540, 60));
        assert_eq!(guard.now_for_files(moment(-3_540, 60).wall), moment(0, 0).wall);
        assert_eq!(guard.latest, Some(moment(0, 0).wall), "what is doubted is not remembered");
        let steady = judge(Guard::default(), moment(5, 5));
        assert_eq!(steady.now_for_files(moment(7, 7).wall), moment(7, 7).wall);
    }
}

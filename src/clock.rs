//! The clock: the only file that asks the operating system what time it is.
//!
//! Everything else receives a [`Clock`] or an instant. `--as-of T` pins it, so that a command sees the same instant from
//! its first line to its last and a test or a rerun of history needs no machine whose clock was turned.

use reckoner_core::time::Instant;
use std::time::Duration;

/// What a command takes for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The operating system's.
    System,
    /// Stands still at the instant given by `--as-of`.
    Pinned(Instant),
}

impl Clock {
    /// Now, in whole seconds UTC; a fraction of a second is cut off.
    pub fn now(self) -> Instant {
        match self {
            Self::Pinned(at) => at,
            Self::System => system_now(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system for the time")]
fn system_now() -> Instant {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since_1970.map_or(0, |elapsed| elapsed.as_secs());
    Instant::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Measures how long something takes. Unaffected by `--as-of` and by a clock that is set; never a business date.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts to measure.
    #[expect(clippy::disallowed_methods, reason = "the one place that measures durations")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_clock_stands_still() {
        let at = Instant::from_seconds(1_767_225_600);
        assert_eq!(Clock::Pinned(at).now(), at);
        assert!(Clock::System.now() > at, "this code is younger than 2026-01-01");
    }
}

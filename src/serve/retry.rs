//! Retrying: when a step that failed is tried again, and when a person is needed.
//!
//! Exponential back-off with full jitter: the pause is drawn anywhere between nothing and a limit that doubles, so that
//! processes which failed together do not come back together.

use crate::schedule::RunPolicy;
use std::time::Duration;

/// Attempts at work that panics: a panic is a fault of the program, and the same input finds it again.
const PANICS_MAX: u32 = 2;

/// Where a step stands that may have failed. Instants are monotonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retry {
    /// Attempts that failed since the last that did not.
    pub attempts: u32,
    /// Not before this.
    pub not_before: Option<Duration>,
    /// Whether a person is needed.
    pub is_given_up: bool,
}

impl Retry {
    /// Whether the step may be tried now.
    pub fn may_try(&self, mono: Duration) -> bool {
        !self.is_given_up && self.not_before.is_none_or(|instant| mono >= instant)
    }

    /// How long until it may be tried, if it waits.
    pub fn pause(&self, mono: Duration) -> Option<Duration> {
        let not_before = self.not_before.filter(|_| !self.is_given_up)?;
        Some(not_before.saturating_sub(mono))
    }

    /// After another failure; `draw` is any number, drawn anew each time.
    #[must_use]
    pub fn failed(self, policy: &RunPolicy, is_panic: bool, mono: Duration, draw: u64) -> Self {
        let attempts = self.attempts + 1;
        if attempts >= attempts_max(policy, is_panic) {
            return Self { attempts, not_before: None, is_given_up: true };
        }
        Self { attempts, not_before: Some(mono + jittered(policy, attempts, draw)), is_given_up: false }
    }
}

/// Attempts before a person is needed.
pub fn attempts_max(policy: &RunPolicy, is_panic: bool) -> u32 {
    if is_panic { policy.attempts_max.min(PANICS_MAX) } else { policy.attempts_max }
}

/// The pause after so many failures, in whole milliseconds.
fn jittered(policy: &RunPolicy, failures: u32, draw: u64) -> Duration {
    let doubled = 1_u64.checked_shl(failures - 1).unwrap_or(u64::MAX);
    let limit = u64::from(policy.retry_first_seconds).saturating_mul(doubled).min(u64::from(policy.retry_cap_seconds));
    Duration::from_millis(draw % (limit * 1_000 + 1))
}

/// A number that nobody can foresee: the seed of the standard library's hash maps, which differs for each.
pub fn draw() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(attempts_max: u32) -> RunPolicy {
        RunPolicy { after: Vec::new(), parallel_max: 1, attempts_max, retry_first_seconds: 30, retry_cap_seconds: 900 }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_are_drawn_from_nothing_up() {
        // failures | longest pause in seconds
        let cases = [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (64, 900), (65, 900), (4_000, 900)];
        for (failures, longest) in cases {
            let millis = longest * 1_000;
            assert_eq!(jittered(&policy(8), failures, millis), Duration::from_secs(longest), "{failures}");
            assert_eq!(jittered(&policy(8), failures, millis + 1), Duration::ZERO, "{failures}");
            assert!((0..200).map(|_| jittered(&policy(8), failures, draw())).all(|pause| pause.as_secs() <= longest));
        }
    }

    #[test]
    fn a_person_is_needed_after_the_last_attempt() {
        let mono = Duration::from_secs(100);
        let mut retry = Retry::default();
        for attempt in 1..=8 {
            assert!(retry.may_try(mono + Duration::from_secs(900)), "{attempt}");
            retry = retry.failed(&policy(8), false, mono, 1_000);
            assert_eq!((retry.attempts, retry.is_given_up), (attempt, attempt == 8));
            assert_eq!(retry.pause(mono), (attempt < 8).then_some(Duration::from_secs(1)));
            assert!(!retry.may_try(mono + Duration::from_millis(999)));
        }
        assert!(!retry.may_try(Duration::MAX));
        // A panic is tried once more, never eight times; one attempt is one attempt.
        assert!(!retry_twice(policy(8), 1).is_given_up && retry_twice(policy(8), 2).is_given_up);
        assert!(retry_twice(policy(1), 1).is_given_up);
    }

    fn retry_twice(policy: RunPolicy, times: u32) -> Retry {
        (0..times).fold(Retry::default(), |retry, _| retry.failed(&policy, true, Duration::ZERO, 0))
    }
}

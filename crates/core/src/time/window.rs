//! A window: a half-open slice of time, `[start, end)`.

use super::Instant;
use serde::{Deserialize, Serialize};

/// A half-open slice of time: holds `start`, does not hold `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first instant inside.
    pub start: Instant,
    /// The first instant no longer inside.
    pub end: Instant,
}

impl Window {
    /// The window `[start, end)`.
    pub const fn new(start: Instant, end: Instant) -> Self {
        Self { start, end }
    }

    /// Whole seconds between the bounds.
    pub const fn seconds(self) -> i64 {
        self.end.seconds().saturating_sub(self.start.seconds())
    }

    /// Whether the instant lies inside.
    pub fn holds(self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }

    /// The part inside both, or nothing where they only touch.
    pub fn overlap(self, other: Self) -> Option<Self> {
        let both = Self { start: self.start.max(other.start), end: self.end.min(other.end) };
        (both.start < both.end).then_some(both)
    }
}

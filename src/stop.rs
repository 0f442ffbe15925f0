//! A wish to stop: looked at between pieces of work that are whole in themselves.

use crate::clock::Stopwatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A flag that all its clones share, and perhaps a budget of time. The default is never asked for by anybody.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    budget: Option<(Stopwatch, Duration)>,
}

impl Stop {
    /// The same flag with a budget of time, which starts now.
    #[must_use]
    pub fn within(&self, budget: Duration) -> Self {
        Self { flag: self.flag.clone(), budget: Some((Stopwatch::start(), budget)) }
    }

    /// Asks for it; it cannot be taken back.
    pub fn ask(&self) {
        self.flag.store(true, Ordering::SeqCst);
    }

    /// Whether it is asked for: nothing new is begun.
    pub fn is_asked(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// Whether the budget is used up. Whoever looks at it has got something done before, or nothing ever would be.
    pub fn is_time_up(&self) -> bool {
        self.budget.is_some_and(|(watch, budget)| watch.elapsed() >= budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_flag_and_not_the_budget() {
        let stop = Stop::default();
        let (short, long) = (stop.within(Duration::ZERO), stop.within(Duration::from_secs(3_600)));
        assert_eq!((stop.is_time_up(), short.is_time_up(), long.is_time_up()), (false, true, false));
        assert!(!short.is_asked());
        long.ask();
        assert!(stop.is_asked() && short.is_asked());
    }
}

//! Progress of long work, on standard error: a line now and then, never faster than a person reads, silent when it is short.

use crate::clock::Stopwatch;
use crate::report::terminal::grouped;
use std::cell::Cell;
use std::io::{self, Write as _};
use std::time::Duration;

const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// Says how far long work has come.
#[derive(Debug)]
pub struct Progress {
    started: Stopwatch,
    last: Cell<Duration>,
    between: Duration,
}

impl Progress {
    /// Starts silently; the first line comes after two seconds.
    pub fn start() -> Self {
        Self::every(BETWEEN_LINES)
    }

    /// Starts silently, with so much time between two lines: nobody watches a log line by line.
    pub fn every(between: Duration) -> Self {
        Self { started: Stopwatch::start(), last: Cell::new(Duration::ZERO), between }
    }

    /// `settling: 3 of 31, at 2026-01-03T00:00:00+08:00`.
    pub fn step(&self, what: &str, done: u64, of: u64, at: &str) {
        self.say(|| format!("{what}: {} of {}, at {at}", grouped(done), grouped(of)));
    }

    /// `taking rows: 1 500 000, usage-2026-01-05T13.csv`.
    pub fn note(&self, what: &str, done: u64, about: &str) {
        self.say(|| format!("{what}: {}, {about}", grouped(done)));
    }

    fn say(&self, line: impl FnOnce() -> String) {
        let now = self.started.elapsed();
        if now.saturating_sub(self.last.get()) >= self.between {
            self.last.set(now);
            tell(format_args!("{} ({} s)", line(), now.as_secs()));
        }
    }
}

/// Says something on standard error. Where nobody listens any more, or the disk behind it is full, the work goes on:
/// `eprintln!` would panic.
pub fn tell(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{what}");
}

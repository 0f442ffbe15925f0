//! The beat: what `serve` leaves in the store about itself, so that `status` can tell without asking it.
//!
//! One mark, rewritten at most once in half a minute unless something happened. It decides nothing but where the clock
//! guard starts after a restart: which windows are due is asked of the store.

use super::Moment;
use crate::failure::Failure;
use crate::home::Home;
use crate::inbox::Left;
use reckoner_core::time::Instant;
use reckoner_store::{SqliteStore, Store};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The mark's name in the store.
const MARK: &str = "serve";
/// A sign of life is written no more often than this while nothing happens.
const BETWEEN_SIGNS: Duration = Duration::from_secs(30);

/// What `serve` says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// The operating system's process id.
    pub pid: u32,
    /// Who started it.
    pub actor: String,
    /// Since when it serves.
    pub since: Instant,
    /// The last sign of life.
    pub heard_at: Instant,
    /// When it looked for work last, and came to an end with it.
    pub ticked_at: Option<Instant>,
    /// Since when it is at work, if it is.
    pub working_since: Option<Instant>,
    /// When it stopped in good order, if it did.
    pub stopped_at: Option<Instant>,
    /// The latest instant that the clock guard believed.
    pub clock_seen: Option<Instant>,
    /// Why the clock is not believed, if it is not.
    pub clock_doubt: Option<String>,
    /// What lies in the inbox and is not taken.
    pub left: Vec<Left>,
    /// What fails.
    pub troubles: Vec<Trouble>,
}

/// A step that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// `inbox` or `settle`.
    pub step: String,
    /// When it failed last.
    pub at: Instant,
    /// How, in one line: this layer's words and its causes.
    pub text: String,
    /// What to do, if that is known.
    pub hint: String,
    /// Attempts that failed since the last that did not.
    pub attempts: u32,
    /// Attempts before a person is needed.
    pub attempts_max: u32,
    /// When it is tried again; nothing: it waits for a person.
    pub again_at: Option<Instant>,
}

impl Beat {
    /// Of a process that starts.
    pub fn new(actor: String, now: Instant) -> Self {
        Self {
            pid: std::process::id(),
            actor,
            since: now,
            heard_at: now,
            ticked_at: None,
            working_since: None,
            stopped_at: None,
            clock_seen: None,
            clock_doubt: None,
            left: Vec::new(),
            troubles: Vec::new(),
        }
    }

    /// What the last process that served said last, if any did.
    ///
    /// # Errors
    /// What the store says. A mark that cannot be read is as good as none: another version wrote it.
    pub fn read(store: &dyn Store) -> Result<Option<Self>, Failure> {
        Ok(store.mark(MARK)?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn write(&self, home: &Home) -> Result<(), Failure> {
        let text = serde_json::to_string(self).expect("a beat is plain values");
        // Beside whoever holds the home's lock: a mark depends on nothing that another command writes.
        Ok(SqliteStore::open(home.ledger())?.set_mark(MARK, &text)?)
    }

    /// Whether only the clock has moved on.
    fn is_same_but_for_time(&self, other: &Self) -> bool {
        let without_time = |beat: &Self| Self {
            heard_at: self.heard_at,
            ticked_at: beat.ticked_at.and(self.ticked_at),
            clock_seen: beat.clock_seen.and(self.clock_seen),
            ..beat.clone()
        };
        without_time(self) == without_time(other)
    }
}

/// Keeps the beat and writes it when that is worth a write.
#[derive(Debug)]
pub struct Pulse {
    /// What is to be said.
    pub beat: Beat,
    written: Option<(Beat, Duration)>,
    is_failing: bool,
}

impl Pulse {
    /// Nothing written yet.
    pub fn new(beat: Beat) -> Self {
        Self { beat, written: None, is_failing: false }
    }

    /// Writes the beat if something happened since, or half a minute (monotonic) has passed. A store that cannot be
    /// written is told of once: the work itself will say the same, and louder.
    pub fn show(&mut self, home: &Home, mono: Duration) {
        if let Some((beat, at)) = &self.written
            && mono.saturating_sub(*at) < BETWEEN_SIGNS
            && self.beat.is_same_but_for_time(beat)
        {
            return;
        }
        match self.beat.write(home) {
            Ok(()) => {
                self.written = Some((self.beat.clone(), mono));
                self.is_failing = false;
            }
            Err(failure) if !self.is_failing => {
                tracing::warn!(error.text = %super::one_line(&failure), "no sign of life could be left in the store");
                self.is_failing = true;
            }
            Err(_) => {}
        }
    }
}

/// The beat, shared with whoever says that a long look is still at work.
#[derive(Debug, Clone)]
pub struct SharedPulse {
    pulse: Arc<Mutex<Pulse>>,
    home: Home,
}

impl SharedPulse {
    /// Nothing written yet.
    pub fn new(beat: Beat, home: Home) -> Self {
        Self { pulse: Arc::new(Mutex::new(Pulse::new(beat))), home }
    }

    /// To change what is said next.
    pub fn lock(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is to be said, and says it.
    pub fn say(&self, now: Moment, change: impl FnOnce(&mut Beat)) {
        let mut pulse = self.lock();
        pulse.beat.heard_at = now.wall;
        change(&mut pulse.beat);
        pulse.show(&self.home, now.mono);
    }

    /// A sign of life while a look takes long.
    pub fn still_at_work(&self, now: Moment) {
        self.say(now, |beat| beat.working_since = beat.working_since.or(Some(now.wall)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_alone_is_written_twice_a_minute_and_news_at_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("reckoner.toml"), "").unwrap();
        let home = Home::open(folder.path()).unwrap();
        drop(SqliteStore::open(home.ledger()).unwrap());
        let stored = || Beat::read(&SqliteStore::open_read_only(home.ledger()).unwrap()).unwrap();
        assert_eq!(stored(), None);

        let mut pulse = Pulse::new(Beat::new("ana".to_owned(), Instant::from_seconds(0)));
        // after (s) | what changed | whether it is written
        type Change = fn(&mut Beat);
        let cases: [(u64, Change, bool); 7] = [
            (0, |_| {}, true),
            (1, |beat| beat.ticked_at = Some(beat.heard_at), true), // the first tick is news
            (2, |beat| beat.ticked_at = Some(beat.heard_at), false),
            (30, |beat| beat.clock_seen = beat.clock_seen.or(None), false),
            (31, |_| {}, true),
            (32, |beat| beat.clock_doubt = Some("a jump".to_owned()), true),
            (33, |beat| beat.stopped_at = Some(beat.heard_at), true),
        ];
        for (after, change, is_written) in cases {
            pulse.beat.heard_at = Instant::from_seconds(i64::try_from(after).unwrap());
            change(&mut pulse.beat);
            pulse.show(&home, Duration::from_secs(after));
            assert_eq!(stored().as_ref() == Some(&pulse.beat), is_written, "after {after}");
        }
    }
}

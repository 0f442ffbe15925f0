//! Who called, with which clock, on which home: what every command starts from.
//!
//! A command takes a [`Caller`] and asks it for a [`Session`]: [`Caller::read`] for commands that only read, which never
//! wait, or [`Caller::write`] for those that write, which hold the home's lock as long as the session lives.

use crate::cli::Globals;
use crate::cli::value::{AsOf, When};
use crate::clock::Clock;
use crate::config::Settings;
use crate::env;
use crate::failure::Failure;
use crate::home::{Holder, Home, HomeLock};
use reckoner_core::time::{Instant, Window, Zone};
use std::path::PathBuf;
use std::time::Duration;

/// The home when neither `--home` nor `RECKONER_HOME` names one.
pub const DEFAULT_HOME: &str = "./reckoner-home";

/// Who called, and how.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The home that `--home` names; `RECKONER_HOME` does not count here.
    pub home_given: Option<PathBuf>,
    /// `--as-of`, before the billing zone is known.
    pub as_of: Option<AsOf>,
    /// Who acts.
    pub actor: String,
    /// Whether the answer is one JSON document.
    pub is_json: bool,
    /// How long to wait for another command that writes.
    pub wait: Duration,
    /// The command line, for whoever waits for this command.
    pub command_text: String,
}

/// A home with its settings and the clock of this command.
#[derive(Debug)]
pub struct Session {
    /// The home.
    pub home: Home,
    /// Its settings.
    pub settings: Settings,
    /// What this command takes for now.
    pub clock: Clock,
    /// Who acts.
    pub actor: String,
    /// Held as long as the session lives; nothing in a session that only reads.
    lock: Option<HomeLock>,
}

impl Caller {
    /// Reads the options of every command.
    pub fn new(globals: Globals, command_text: String) -> Self {
        Self {
            home_given: globals.home,
            as_of: globals.as_of,
            actor: globals.actor.unwrap_or_else(env::user),
            is_json: globals.json,
            wait: globals.wait,
            command_text,
        }
    }

    /// The home's folder: `--home`, else `RECKONER_HOME`, else `./reckoner-home`.
    pub fn home_path(&self) -> PathBuf {
        self.home_given.clone().or_else(env::home).unwrap_or_else(|| PathBuf::from(DEFAULT_HOME))
    }

    /// The clock of this command, where the billing zone is this one.
    pub fn clock(&self, zone: Zone) -> Clock {
        self.as_of.map_or(Clock::System, |as_of| Clock::Pinned(as_of.resolve(zone, Clock::System.now())))
    }

    /// Who would hold the lock.
    pub fn holder(&self) -> Holder {
        Holder::this_process(self.command_text.clone(), self.actor.clone())
    }

    /// Opens the home to read. Takes no lock and never waits.
    ///
    /// # Errors
    /// Exit 1 when the folder is no home, exit 2 when its settings are not understood.
    pub fn read(&self) -> Result<Session, Failure> {
        let home = Home::open(self.home_path())?;
        let settings = home.settings()?;
        let clock = self.clock(settings.zone);
        Ok(Session { home, settings, clock, actor: self.actor.clone(), lock: None })
    }

    /// Opens the home to write: waits for whoever writes, then holds the lock.
    ///
    /// # Errors
    /// As [`Caller::read`], and exit 1 when the wait is over.
    pub fn write(&self) -> Result<Session, Failure> {
        let session = self.read()?;
        let lock = session.home.lock(&self.holder(), self.wait, session.clock)?;
        session.holding(lock)
    }

    /// Opens the home to write if nobody else does; nothing otherwise. Never waits.
    ///
    /// # Errors
    /// As [`Caller::read`], and exit 1 when the lock cannot be opened.
    pub fn try_write(&self) -> Result<Option<Session>, Failure> {
        let session = self.read()?;
        let lock = session.home.try_lock(&self.holder(), session.clock)?;
        lock.map(|lock| session.holding(lock)).transpose()
    }
}

impl Session {
    fn holding(mut self, lock: HomeLock) -> Result<Self, Failure> {
        self.lock = Some(lock);
        // Whoever held the lock before may have changed them.
        self.settings = self.home.settings()?;
        Ok(self)
    }

    /// Whether this session holds the home's lock.
    pub fn may_write(&self) -> bool {
        self.lock.is_some()
    }

    /// The range that `--from` and `--to` give; an end that is left out is open.
    ///
    /// # Errors
    /// Exit 2 when nothing lies between them.
    pub fn range(&self, from: Option<When>, to: Option<When>) -> Result<Window, Failure> {
        let zone = self.settings.zone;
        let start = from.map_or(Instant::MIN, |when| when.resolve(zone));
        let end = to.map_or(Instant::MAX, |when| when.resolve(zone));
        match start < end {
            true => Ok(Window::new(start, end)),
            false => Err(Failure::usage(format!("nothing lies between `{}` and `{}`", zone.to_text(start), zone.to_text(end)))
                .at("--from, --to")
                .expected("--from before --to; the range holds its start and not its end")
                .hint("a day is `--from 2026-01-05 --to 2026-01-06`")),
        }
    }

    /// The instant that `--until` gives; the clock's without one.
    ///
    /// # Errors
    /// Exit 2 when it is later than the clock.
    pub fn until(&self, until: Option<When>) -> Result<Instant, Failure> {
        let (zone, now) = (self.settings.zone, self.clock.now());
        let until = until.map_or(now, |when| when.resolve(zone));
        match until <= now {
            true => Ok(until),
            false => Err(Failure::usage(format!("`{}` has not come yet", zone.to_text(until)))
                .at("--until")
                .expected(format!("an instant up to the clock's, `{}`", zone.to_text(now)))
                .hint("to act as if it were later, set the command's clock too: `--as-of T`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(now: &str) -> (tempfile::TempDir, Session) {
        let folder = tempfile::tempdir().unwrap();
        let caller = Caller {
            home_given: Some(folder.path().join("home")),
            as_of: Some(now.parse().unwrap()),
            actor: "ana".into(),
            is_json: false,
            wait: Duration::ZERO,
            command_text: "reckoner test".into(),
        };
        let clock = caller.clock(Zone::UTC);
        crate::home::init(caller.home_path(), &Default::default(), &caller.holder(), caller.wait, clock).unwrap();
        assert!(!caller.read().unwrap().may_write());
        let session = caller.write().unwrap();
        assert_eq!(caller.write().unwrap_err().exit.code(), 1, "one writes at a time");
        assert!(caller.try_write().unwrap().is_none(), "nor does somebody who would not wait");
        caller.read().expect("reading never waits");
        (folder, session)
    }

    #[test]
    fn dates_are_the_billing_zones() {
        let (_folder, session) = session("2026-01-06");
        assert_eq!(session.clock.now().to_utc_text(), "2026-01-05T16:00:00Z");
        let day = session.range("2026-01-05".parse().ok(), "2026-01-06".parse().ok()).unwrap();
        assert_eq!((day.start.to_utc_text().as_str(), day.seconds()), ("2026-01-04T16:00:00Z", 86_400));
        assert_eq!(session.range(None, None).unwrap(), Window::new(Instant::MIN, Instant::MAX));
        assert_eq!(session.range("2026-01-05".parse().ok(), "2026-01-05".parse().ok()).unwrap_err().exit.code(), 2);
    }

    #[test]
    fn what_has_not_come_yet_is_refused() {
        let (_folder, session) = session("2026-01-06");
        // --until | whether it is taken; the clock stands at 2026-01-06T00:00:00+08:00
        let cases = [("2026-01-05T23:59:59+08:00", true), ("2026-01-06", true), ("2026-01-06T00:00:01+08:00", false)];
        for (until, is_taken) in cases {
            assert_eq!(session.until(until.parse().ok()).is_ok(), is_taken, "{until}");
        }
        assert_eq!(session.until(None).unwrap(), session.clock.now());
    }
}

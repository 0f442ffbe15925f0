//! Serving: looks for work by the clock until it is told to stop.
//!
//! Owns: when to look (`wake`), what a look does (`engine`), whether the clock can be believed (`guard`), when to try again
//! (`retry`), which files of the inbox are whole (`watch`), what `status` can tell of it (`beat`).
//! Does not own: which windows are due (the store knows), settling, taking files in. A wake-up carries no window and no
//! instant: losing one, or getting ten thousand too many, changes nothing.
//! Promises: every window that is due is settled, oldest first, whatever was missed; nothing that matters is kept in
//! memory; between two looks other commands may write; told to stop, it finishes the batch at work.
//!
//! *Design notes.* The cron library is an alarm clock and nothing else (decision 0012). What it does after a clock step, a
//! daylight-saving night or a panic is then of no consequence, because a second alarm on the monotonic clock rings every
//! minute, and because both only say "look".

mod beat;
mod engine;
mod guard;
mod plan;
mod retry;
#[cfg(test)]
mod tests;
mod wake;
mod watch;

pub use beat::{Beat, Trouble};
pub use engine::{Engine, Tick};

use crate::app::Caller;
use crate::books::Books;
use crate::cli::Answer;
use crate::cli::output::print_answer;
use crate::clock::{Clock, Stopwatch};
use crate::failure::Failure;
use crate::schedule::{JobName, read_jobs};
use crate::stop::Stop;
use reckoner_core::time::Instant;
use std::time::Duration;

/// What both clocks say at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock's instant, which people set.
    pub wall: Instant,
    /// Time since the process started, which nobody sets.
    pub mono: Duration,
}

/// Why a look took place; the run history's `trigger`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The process started.
    Startup,
    /// A job's cron.
    Cron,
    /// The monotonic clock.
    Safety,
    /// Settling failed before.
    Retry,
}

impl Trigger {
    /// The word in the run history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Cron => "cron",
            Self::Safety => "safety",
            Self::Retry => "retry",
        }
    }

    /// Whether a run with this trigger settled everything that was due, oldest first.
    pub fn is_word_of_serve(word: &str) -> bool {
        [Self::Startup, Self::Cron, Self::Safety, Self::Retry].iter().any(|trigger| trigger.as_str() == word)
    }
}

/// `serve`: looks for work until SIGTERM or SIGINT.
///
/// # Errors
/// Exit 2 for job files that cannot be acted on and for `--as-of`; exit 1 when somebody else serves the home; exit 70 when
/// an invariant is broken.
pub fn serve(caller: &Caller) -> Result<Answer, Failure> {
    if caller.as_of.is_some() {
        return Err(Failure::usage("`serve` follows the operating system's clock")
            .at("--as-of")
            .expected("no `--as-of`")
            .hint("`reckoner catch-up --as-of T` carries out everything up to an instant, once"));
    }
    let session = caller.read()?;
    let jobs = read_jobs(&session.home)?;
    let _serving = session.home.lock_to_serve(&caller.holder(), caller.wait, Clock::System)?;
    // Opened to write once, so that a store of an earlier version is brought up to date before anybody looks.
    drop(Books::open(caller.write()?)?);

    let watch = Stopwatch::start();
    let clock = move || Moment { wall: Clock::System.now(), mono: watch.elapsed() };
    let hourly = jobs.iter().find(|job| job.job == JobName::Hourly).expect("`read_jobs` hands out every job");
    let plan = plan::look(&Books::open(caller.read()?)?, &jobs)?;
    let stop = Stop::default();
    let engine = Engine::open(caller.clone(), hourly, stop.clone(), clock().wall)?;
    let pulse = engine.pulse();

    // Before anybody learns that it has begun, so that nobody can ask it to stop too early.
    let signals = wake::listen().map_err(|error| Failure::failed("cannot listen for signals").because(error))?;
    print_answer(Answer::done(plan.to_text(), plan.to_json()), caller.is_json);
    let outcome = wake::run(engine, &jobs, wake::Pace::USUAL, (stop, signals), clock, move |now| pulse.still_at_work(now));
    match &outcome {
        Ok(()) => tracing::info!("stopped"),
        Err(failure) => tracing::error!(error.text = %one_line(failure), "stopped for good"),
    }
    outcome.map(|()| Answer::Written)
}

/// A failure with its causes in one line, as logs and the run history have it.
pub(crate) fn one_line(failure: &Failure) -> String {
    let mut text = failure.to_string();
    for cause in failure.causes() {
        text += "; because: ";
        text += &cause;
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

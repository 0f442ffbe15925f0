//! One look for work: take what is whole in the inbox, then settle what is due. The instant is an argument.
//!
//! Each look opens the home anew and lets go of it again: settings that changed count, and other commands write between
//! two looks. The home's lock is only asked for when there is work; if somebody has it, the look comes again.

use super::beat::{Beat, SharedPulse, Trouble};
use super::guard::{self, Guard};
use super::retry::{self, Retry};
use super::watch::{RIPENING, Watch};
use super::{Moment, Trigger, one_line};
use crate::app::Caller;
use crate::books::Books;
use crate::cli::value::{AsOf, When};
use crate::clock::Stopwatch;
use crate::failure::{ExitKind, Failure};
use crate::home::Home;
use crate::inbox::{self, Dropped};
use crate::ingest::{self, FileReceipt};
use crate::report::progress::Progress;
use crate::schedule::{JobDefinition, RunPolicy};
use crate::settle::{self, Wish};
use crate::stop::Stop;
use reckoner_core::id;
use reckoner_core::number::Money;
use reckoner_core::schedule::Which;
use reckoner_core::time::{Instant, Window};
use reckoner_store::RunRecord;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// After finding the home locked.
const LOCKED_PAUSE: Duration = Duration::from_secs(5);
/// For so long a look keeps the home to itself; then it lets others write before it goes on.
pub(super) const LOCK_HELD_MAX: Duration = Duration::from_secs(60);
/// For others to notice that the lock is free.
const LETTING_IN_PAUSE: Duration = Duration::from_millis(500);
/// Between two lines that say how far long work has come.
const BETWEEN_PROGRESS: Duration = Duration::from_secs(60);
/// Files that are nearly whole hold settling up for at most this long: what they bring would only be a correction a moment
/// later.
const HOLD_UP_MAX: Duration = Duration::from_secs(10);

/// What a look did.
#[derive(Debug, Clone, Default)]
pub struct Tick {
    /// Files taken.
    pub taken: Vec<FileReceipt>,
    /// What was settled, if anything was due.
    pub settled: Option<settle::Receipt>,
    /// Whether somebody else was writing, so that work was left for later.
    pub is_locked_out: bool,
    /// Whether the time for one look was up before the work was done.
    pub is_unfinished: bool,
    /// When to look again, if before the next alarm.
    pub again_in: Option<Duration>,
}

impl Tick {
    fn look_again_in(&mut self, pause: Duration) {
        self.again_in = Some(self.again_in.map_or(pause, |sooner| sooner.min(pause)));
    }
}

/// The two things that a look does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Inbox,
    Settle,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Settle => "settle",
        }
    }
}

/// Whether a step was gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// To its end, perhaps without finding work.
    Yes,
    /// It waits: for the clock, for a pause to pass, for whoever writes.
    No,
}

/// A step that failed.
struct Broke {
    failure: Box<Failure>,
    is_panic: bool,
}

impl<E: Into<Failure>> From<E> for Broke {
    fn from(error: E) -> Self {
        Self { failure: Box::new(error.into()), is_panic: false }
    }
}

/// What there is to settle, and what the decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    oldest: Option<Window>,
    latest_seq: u64,
    has_work: bool,
}

/// Looks for work. Keeps in memory only what a restart may forget.
pub struct Engine {
    caller: Caller,
    policy: RunPolicy,
    settle_delay_seconds: i64,
    stop: Stop,
    /// How long one step of a look may keep the lock; tests shorten it.
    pub(super) budget: Duration,
    guard: Guard,
    watch: Watch,
    taking: Retry,
    settling: Retry,
    /// What there was to settle when settling was given up.
    given_up_on: Option<Look>,
    /// Since when files that are not whole yet hold settling up.
    held_up_since: Option<Duration>,
    /// The file at work when taking failed last.
    stumbled_on: Option<Dropped>,
    pulse: SharedPulse,
}

impl Engine {
    /// For the home that the caller names; `--as-of` does not count here. `hourly` says how long to wait after an hour's
    /// end and how to try again.
    ///
    /// # Errors
    /// As [`Caller::read`], and what the store says.
    pub fn open(caller: Caller, hourly: &JobDefinition, stop: Stop, now: Instant) -> Result<Self, Failure> {
        let books = Books::open(caller.read()?)?;
        let earlier = Beat::read(books.store())?;
        let (seen, doubt) = earlier.map_or((None, None), |beat| (beat.clock_seen, beat.clock_doubt));
        let mut beat = Beat::new(books.actor.clone(), now);
        (beat.clock_seen, beat.clock_doubt) = (seen, doubt.clone());
        let pulse = SharedPulse::new(beat, books.session.home.clone());
        Ok(Self {
            caller,
            policy: hourly.run.clone(),
            settle_delay_seconds: hourly.wait.settle_delay_seconds(&books.profile),
            stop,
            budget: LOCK_HELD_MAX,
            guard: Guard::after(seen, doubt),
            watch: Watch::default(),
            taking: Retry::default(),
            settling: Retry::default(),
            given_up_on: None,
            held_up_since: None,
            stumbled_on: None,
            pulse,
        })
    }

    pub(super) fn pulse(&self) -> SharedPulse {
        self.pulse.clone()
    }

    /// Looks for work once and does it. What fails is logged, recorded and tried again; it does not come back as an error.
    ///
    /// # Errors
    /// Only a broken invariant (exit 70): nothing may go on before somebody has looked.
    pub fn tick(&mut self, now: Moment, trigger: Trigger) -> Result<Tick, Failure> {
        let mut tick = Tick::default();
        self.look_at_clock(now);
        let outcome = caught(|| self.take_files(now, &mut tick));
        self.conclude(Step::Inbox, outcome, now, trigger, &mut tick)?;
        if !self.is_held_up(now, &tick) && !self.stop.is_asked() {
            let outcome = caught(|| self.settle(now, trigger, &mut tick));
            self.conclude(Step::Settle, outcome, now, trigger, &mut tick)?;
        }
        self.pulse.say(now, |beat| {
            beat.ticked_at = Some(now.wall);
            beat.working_since = None;
        });
        Ok(tick)
    }

    /// Says in the store that it stopped in good order.
    pub fn stopped(&self, now: Moment) {
        self.pulse.say(now, |beat| {
            beat.stopped_at = Some(now.wall);
            beat.working_since = None;
        });
    }

    fn look_at_clock(&mut self, now: Moment) {
        let before = std::mem::take(&mut self.guard);
        let doubted = before.doubt.as_ref().map(|doubt| doubt.why.clone());
        self.guard = guard::judge(before, now);
        let doubts = self.guard.doubt.as_ref().map(|doubt| doubt.why.clone());
        match (&doubted, &doubts) {
            (before, Some(why)) if before.as_ref() != Some(why) => {
                tracing::warn!(clock.doubt = %why, "nothing is settled until the clock has behaved for 3 minutes; files are taken");
            }
            (Some(_), None) => tracing::info!("the clock has behaved for 3 minutes: settling goes on"),
            _ => {}
        }
        let mut pulse = self.pulse.lock();
        pulse.beat.clock_seen = self.guard.latest;
        pulse.beat.clock_doubt = doubts;
    }

    /// The caller of one look: a command that is given at this instant and does not wait for anybody.
    fn caller_at(&self, wall: Instant) -> Caller {
        Caller { as_of: Some(AsOf::When(When::Instant(wall))), wait: Duration::ZERO, ..self.caller.clone() }
    }

    fn take_files(&mut self, now: Moment, tick: &mut Tick) -> Result<Tried, Broke> {
        let home = Home::open(self.caller.home_path())?;
        let sorted = self.watch.sort(inbox::look(&home)?, now.mono);
        for left in &sorted.newly_left {
            tracing::warn!(file.name = ?left.name, why = %left.why, "left in the inbox");
        }
        self.pulse.lock().beat.left.clone_from(&sorted.left);
        self.held_up_since = (sorted.unripe > 0).then(|| self.held_up_since.unwrap_or(now.mono));
        if sorted.unripe > 0 {
            tick.look_again_in(RIPENING);
        }
        if sorted.ripe.is_empty() {
            return Ok(Tried::Yes);
        }
        if !self.taking.may_try(now.mono) {
            self.taking.pause(now.mono).into_iter().for_each(|pause| tick.look_again_in(pause));
            return Ok(Tried::No);
        }
        let caller = self.caller_at(self.guard.now_for_files(now.wall));
        let Some(session) = caller.try_write()? else { return Ok(locked_out(tick)) };
        let mut books = Books::open(session)?;

        let (stop, mut receipts) = (self.stop.within(self.budget), Vec::new());
        let outcome = caught(|| {
            let mut taken = |receipt: &FileReceipt| {
                log_taken(receipt);
                receipts.push(receipt.clone());
                !stop.is_asked() && !stop.is_time_up()
            };
            Ok(inbox::take(&mut books, &sorted.ripe, &Progress::every(BETWEEN_PROGRESS), &mut taken)?)
        });
        // Files are taken in this order: the one after the last that was taken is the one at work.
        self.stumbled_on = sorted.ripe.get(receipts.len()).cloned();
        if receipts.len() < sorted.ripe.len() && stop.is_time_up() {
            go_on_soon(tick);
        }
        tick.taken = receipts;
        for name in outcome?.changed {
            tracing::info!(file.name = ?name, "changed while it was taken: it stays, and is taken again");
            tick.look_again_in(RIPENING);
        }
        Ok(Tried::Yes)
    }

    fn is_held_up(&self, now: Moment, tick: &Tick) -> bool {
        let is_recent = self.held_up_since.is_some_and(|since| now.mono.saturating_sub(since) < HOLD_UP_MAX);
        // Files that wait for the lock, or for their turn, come before what they belong to.
        is_recent || tick.is_locked_out || tick.is_unfinished
    }

    fn until(&self, now: Moment) -> Instant {
        now.wall.plus_seconds(-self.settle_delay_seconds)
    }

    fn settle(&mut self, now: Moment, trigger: Trigger, tick: &mut Tick) -> Result<Tried, Broke> {
        if !self.guard.is_steady() {
            return Ok(Tried::No);
        }
        if !self.settling.is_given_up && !self.settling.may_try(now.mono) {
            self.settling.pause(now.mono).into_iter().for_each(|pause| tick.look_again_in(pause));
            return Ok(Tried::No);
        }
        let (caller, until) = (self.caller_at(now.wall), self.until(now));
        let look = caller.read().and_then(Books::open).and_then(|books| look(&books, until));
        if self.settling.is_given_up && (look.is_err() || look.as_ref().ok() == self.given_up_on.as_ref()) {
            return Ok(Tried::No);
        }
        let look = look?;
        if self.settling.is_given_up {
            self.settling = Retry::default(); // what there is to settle has changed: that deserves attempts of its own
        }
        if !look.has_work {
            return Ok(Tried::Yes);
        }
        let Some(session) = caller.try_write()? else { return Ok(locked_out(tick)) };
        let mut books = Books::open(session)?;
        self.given_up_on = Some(look);
        let trigger = if self.settling.attempts > 0 { Trigger::Retry } else { trigger };

        let watch = Stopwatch::start();
        ingest::retake_waiting(&mut books)?;
        let stop = self.stop.within(self.budget);
        let wish = Wish { until: Some(until), trigger: trigger.as_str(), stop: stop.clone(), ..Wish::default() };
        let receipt = settle::settle(&mut books, &wish, &Progress::every(BETWEEN_PROGRESS))?;
        if stop.is_time_up() {
            go_on_soon(tick);
        }
        if receipt.windows > 0 || receipt.funds > 0 {
            tracing::info!(
                windows = receipt.windows,
                rows.read = receipt.rows_in,
                charges = receipt.rows_out,
                funds = receipt.funds,
                window.until = %books.zone.to_text(until),
                run.trigger = trigger.as_str(),
                duration_ms = watch.elapsed().as_millis(),
                "settled"
            );
        }
        tick.settled = Some(receipt);
        Ok(Tried::Yes)
    }

    fn retry_of(&mut self, step: Step) -> &mut Retry {
        match step {
            Step::Inbox => &mut self.taking,
            Step::Settle => &mut self.settling,
        }
    }

    /// What follows from how a step went.
    fn conclude(
        &mut self,
        step: Step,
        outcome: Result<Tried, Broke>,
        now: Moment,
        trigger: Trigger,
        tick: &mut Tick,
    ) -> Result<(), Failure> {
        let broke = match outcome {
            Ok(Tried::No) => return Ok(()),
            Ok(Tried::Yes) => {
                self.works_again(step);
                return Ok(());
            }
            Err(broke) => broke,
        };
        let retry = self.retry_of(step).failed(&self.policy.clone(), broke.is_panic, now.mono, retry::draw());
        *self.retry_of(step) = retry;
        let attempts_max = retry::attempts_max(&self.policy, broke.is_panic);
        let (text, is_fatal) = (one_line(&broke.failure), broke.failure.exit == ExitKind::Invariant);
        tracing::error!(
            step = step.as_str(),
            error.text = %text,
            attempt = retry.attempts,
            attempts_max,
            again_in_s = retry.pause(now.mono).filter(|_| !is_fatal).map(|pause| pause.as_secs()),
            "a look for work failed"
        );
        if step == Step::Settle {
            self.note_failed_run(now, trigger, &format!("attempt {} of {attempts_max}: {text}", retry.attempts));
        }
        let again_in = self.next_attempt(step, retry, now, &text).filter(|_| !is_fatal);
        let again_at = again_in.map(|pause| now.wall.plus_seconds(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX)));
        let hint = broke.failure.hint.clone();
        let attempts = retry.attempts;
        let trouble = Trouble { step: step.as_str().to_owned(), at: now.wall, text, hint, attempts, attempts_max, again_at };
        self.pulse.say(now, |beat| {
            beat.troubles.retain(|known| known.step != trouble.step);
            beat.troubles.push(trouble);
        });
        match is_fatal {
            true => Err(*broke.failure),
            false => {
                again_in.into_iter().for_each(|pause| tick.look_again_in(pause));
                Ok(())
            }
        }
    }

    fn works_again(&mut self, step: Step) {
        let retry = std::mem::take(self.retry_of(step));
        if retry.attempts > 0 {
            tracing::info!(step = step.as_str(), attempts = retry.attempts, "works again");
        }
        // A file that is given up stays a trouble as long as it lies there.
        if step == Step::Settle || !self.watch.has_refused() {
            self.pulse.lock().beat.troubles.retain(|known| known.step != step.as_str());
        }
    }

    /// When to try again; nothing where a person is needed. Of the inbox only the file at work is given up: the others are
    /// tried without it.
    fn next_attempt(&mut self, step: Step, retry: Retry, now: Moment, text: &str) -> Option<Duration> {
        if step == Step::Settle || !retry.is_given_up {
            return retry.pause(now.mono);
        }
        let pause = match self.stumbled_on.take() {
            Some(file) => {
                self.watch.refuse(&file, format!("could not be taken in {} attempts: {text}", retry.attempts));
                self.taking = Retry::default();
                return None;
            }
            None => Duration::from_secs(u64::from(self.policy.retry_cap_seconds)),
        };
        self.taking = Retry { not_before: Some(now.mono + pause), is_given_up: false, ..retry };
        Some(pause)
    }

    /// A line in the run history, under the window that the attempt failed at. If it cannot be written either, the beat and
    /// the log have said what happened.
    fn note_failed_run(&self, now: Moment, trigger: Trigger, reason: &str) {
        let noted = caught(|| {
            let Some(session) = self.caller_at(now.wall).try_write()? else { return Ok(()) };
            let mut books = Books::open(session)?;
            // Batches before the one that failed are settled by now: the oldest that is due is in it.
            let due = settle::windows(&books, self.until(now), None, Which::News)?.due;
            let Some(first) = due.first() else { return Ok(()) };
            let (done, failed) = attempts_at(&books, first.window)?;
            let facts = ["hourly", "failed", first.kind.as_str(), &first.window.start.to_utc_text(), &failed.to_string()];
            let run = RunRecord {
                run_id: id::derive("run", &facts),
                job: "hourly".to_owned(),
                window: first.window,
                attempt: done + 1,
                trigger: trigger.as_str().to_owned(),
                actor: books.actor.clone(),
                status: "failed".to_owned(),
                started_at: now.wall,
                ended_at: now.wall,
                rows_in: 0,
                rows_out: 0,
                rejected: 0,
                postings: 0,
                amount: Money::ZERO,
                reason: Some(reason.to_owned()),
                inputs: "{}".to_owned(),
            };
            Ok(books.store_mut().record_failed_run(&run)?)
        });
        if let Err(broke) = noted {
            tracing::debug!(error.text = %one_line(&broke.failure), "the failed attempt is not in the run history");
        }
    }
}

/// Done and failed attempts at a window.
fn attempts_at(books: &Books, window: Window) -> Result<(u32, u32), Failure> {
    let runs = books.store().runs()?;
    let of_window = |status: &str| runs.iter().filter(|run| run.window == window && run.status == status).count();
    Ok((u32::try_from(of_window("done")).unwrap_or(u32::MAX - 1), u32::try_from(of_window("failed")).unwrap_or(u32::MAX)))
}

fn go_on_soon(tick: &mut Tick) {
    tick.is_unfinished = true;
    tick.look_again_in(LETTING_IN_PAUSE);
}

fn locked_out(tick: &mut Tick) -> Tried {
    tick.is_locked_out = true;
    tick.look_again_in(LOCKED_PAUSE);
    tracing::debug!("another command is writing; the look is postponed");
    Tried::No
}

/// Whether there is anything to settle up to an instant: windows, money, orders and lives, or time that passed without any.
fn look(books: &Books, until: Instant) -> Result<Look, Failure> {
    let store = books.store();
    let windows = settle::windows(books, until, None, Which::News)?;
    let has_funds = !store.pending_funds(until)?.is_empty();
    let has_lives = !store.life_due(until)?.is_empty();
    // What is held keeps the frontier where it is.
    let reach = books.zone.segment_containing(until).start;
    let reach = windows.held.iter().map(|held| held.window.start).fold(reach, Instant::min);
    let has_passed = store.frontier()?.is_none_or(|frontier| frontier < reach);
    let oldest = windows.due.first().map(|due| due.window);
    let has_news = windows.latest_seq > 0;
    Ok(Look {
        oldest,
        latest_seq: windows.latest_seq,
        has_work: has_news && (oldest.is_some() || has_funds || has_lives || has_passed),
    })
}

fn log_taken(receipt: &FileReceipt) {
    tracing::info!(
        file.name = ?receipt.file,
        file.kind = %receipt.kind,
        rows.delivered = receipt.rows,
        rows.accepted = receipt.accepted,
        rows.duplicate = receipt.duplicates,
        rows.refused = receipt.refused,
        file.refused_whole = receipt.refused_whole.as_deref(),
        "taken"
    );
}

/// Runs a step so that a panic in it is a failure of it, and of nothing else.
fn caught<T>(step: impl FnOnce() -> Result<T, Broke>) -> Result<T, Broke> {
    std::panic::catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words were left");
        let failure = Failure::failed(format!("a panic: {text}"))
            .hint("this is a fault of reckoner, not of the input: report the lines of the log; then `reckoner verify`");
        Err(Broke { failure: Box::new(failure), is_panic: true })
    })
}

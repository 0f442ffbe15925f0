//! Waking: the alarms, the signals, and the one worker that looks for work.
//!
//! Three alarms ring: the jobs' crons (wall clock, UTC), a safety alarm (monotonic clock), and the pause that a look asked
//! for. All of them only set a trigger; while the worker is at work, a hundred rings are one. The worker runs on a thread
//! that may block, one look at a time.
//!
//! If the cron library dies, panics or falls silent, the safety alarm finds the same work a minute later. If a look panics,
//! the next one takes place all the same.

use super::engine::Engine;
use super::{Moment, Trigger, one_line};
use crate::failure::{ExitKind, Failure};
use crate::schedule::{Cron, JobDefinition};
use crate::stop::Stop;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, Sleep, interval, sleep};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// How often things happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Between two rings of the safety alarm.
    pub safety: Duration,
    /// For how long a stop waits for the batch at work.
    pub drain: Duration,
}

impl Pace {
    /// What `serve` goes by. A service manager allows 30 seconds or more to stop.
    pub(super) const USUAL: Self = Self { safety: Duration::from_secs(60), drain: Duration::from_secs(25) };
}

/// What looks for work.
pub(super) trait Work: Send + 'static {
    /// One look; hands back when to look again, if before the next alarm.
    fn look(&mut self, now: Moment, trigger: Trigger) -> Result<Option<Duration>, Failure>;
    /// It is over, in good order.
    fn stopped(&mut self, now: Moment);
}

impl Work for Engine {
    fn look(&mut self, now: Moment, trigger: Trigger) -> Result<Option<Duration>, Failure> {
        Ok(self.tick(now, trigger)?.again_in)
    }

    fn stopped(&mut self, now: Moment) {
        Self::stopped(self, now);
    }
}

/// Looks for work until a signal asks to stop.
///
/// # Errors
/// Exit 1 when the alarms cannot be set up; exit 70 when a look finds an invariant broken.
pub(super) fn run(
    work: impl Work,
    jobs: &[JobDefinition],
    pace: Pace,
    (stop, signals): (Stop, Signals),
    clock: impl Fn() -> Moment + Clone + Send + 'static,
    still_at_work: impl Fn(Moment) + Clone + Send + 'static,
) -> Result<(), Failure> {
    let crons: Vec<Cron> = jobs.iter().map(|job| job.wake.cron.clone()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let runtime = runtime.map_err(|error| Failure::failed("cannot start the scheduler's threads").because(error))?;
    let outcome = runtime.block_on(async move {
        let (ring, rings) = mpsc::channel(1);
        let mut scheduler = set_alarms(&crons, &ring)
            .await
            .map_err(|error| Failure::failed("the alarms of the jobs cannot be set").at("jobs/").because(error))?;
        let outcome = follow(Following { work, pace, stop, clock, still_at_work, rings, signals }).await;
        // It returns at once and waits for nothing; what matters has come to its end above.
        let _ = scheduler.shutdown().await;
        outcome
    });
    // Work that was not finished in time dies with the process: a batch is recorded whole or not at all.
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

/// Sets an alarm for each cron. The body does nothing but ring: it cannot fail, block or overlap.
async fn set_alarms(crons: &[Cron], ring: &mpsc::Sender<Trigger>) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for cron in crons {
        let ring = ring.clone();
        let job = Job::new_async(cron.as_str(), move |_, _| {
            let ring = ring.clone();
            Box::pin(async move {
                let _ = ring.try_send(Trigger::Cron); // full: a ring waits already
            })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}

/// Signals that ask to stop, by name.
pub(super) type Signals = mpsc::UnboundedReceiver<&'static str>;

/// From here on SIGTERM and SIGINT are messages, and no longer end the process by themselves.
///
/// # Errors
/// What the operating system says.
#[cfg(unix)]
pub(super) fn listen() -> std::io::Result<Signals> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    let (tell, told) = mpsc::unbounded_channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if tell.send(if signal == SIGTERM { "SIGTERM" } else { "SIGINT" }).is_err() {
                return;
            }
        }
    })?;
    Ok(told)
}

/// Elsewhere the process is ended from outside, which loses nothing either.
#[cfg(not(unix))]
pub(super) fn listen() -> std::io::Result<Signals> {
    let (tell, told) = mpsc::unbounded_channel();
    std::mem::forget(tell);
    Ok(told)
}

/// What [`follow`] goes by.
struct Following<W, C, S> {
    work: W,
    pace: Pace,
    stop: Stop,
    clock: C,
    still_at_work: S,
    rings: mpsc::Receiver<Trigger>,
    signals: Signals,
}

type Looked<W> = (W, Result<Option<Duration>, Failure>);

async fn follow<W, C, S>(following: Following<W, C, S>) -> Result<(), Failure>
where
    W: Work,
    C: Fn() -> Moment + Clone + Send + 'static,
    S: Fn(Moment) + Clone + Send + 'static,
{
    let Following { work, pace, stop, clock, still_at_work, mut rings, mut signals } = following;
    let mut safety = interval(pace.safety);
    safety.set_missed_tick_behavior(MissedTickBehavior::Delay);
    safety.tick().await; // the first is at once: that is the start
    let mut again: Option<Pin<Box<Sleep>>> = None;
    let mut idle: Option<W> = Some(work);
    let mut at_work: Option<JoinHandle<Looked<W>>> = None;
    let mut next = Some(Trigger::Startup);
    let mut last = Trigger::Startup;
    loop {
        if let (Some(trigger), Some(work)) = (next, idle.take_if(|_| next.is_some())) {
            (next, last) = (None, trigger);
            at_work = Some(start(work, clock.clone(), trigger));
        }
        tokio::select! {
            biased;
            Some(signal) = signals.recv() => {
                tracing::info!(signal, "asked to stop: the batch at work is finished first");
                stop.ask();
                return drain(idle, at_work, &mut signals, pace, clock).await;
            }
            (work, outcome) = looked(&mut at_work) => {
                again = outcome?.map(|pause| Box::pin(sleep(pause)));
                idle = Some(work);
            }
            Some(trigger) = rings.recv() => next = Some(trigger),
            () = paused(&mut again) => {
                again = None;
                next = next.or(Some(last)); // it goes on with what the look before had begun
            }
            _ = safety.tick() => {
                next = next.or(Some(Trigger::Safety));
                if idle.is_none() {
                    let (now, still_at_work) = (clock(), still_at_work.clone());
                    tokio::task::spawn_blocking(move || still_at_work(now));
                }
            }
        }
    }
}

/// One look on a thread that may block. A panic that the work did not catch itself ends the look and nothing else.
fn start<W: Work>(mut work: W, clock: impl Fn() -> Moment + Send + 'static, trigger: Trigger) -> JoinHandle<Looked<W>> {
    tokio::task::spawn_blocking(move || {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| work.look(clock(), trigger)));
        let outcome = outcome.unwrap_or_else(|_| {
            tracing::error!("a look for work panicked; the next one takes place all the same");
            Ok(None)
        });
        (work, outcome)
    })
}

/// The end of the look at work; never where there is none.
async fn looked<W: Work>(at_work: &mut Option<JoinHandle<Looked<W>>>) -> Looked<W> {
    let Some(handle) = at_work else { return std::future::pending().await };
    let looked = handle.await.expect("a look catches its own panics and is never cancelled");
    *at_work = None;
    looked
}

async fn paused(again: &mut Option<Pin<Box<Sleep>>>) {
    match again {
        Some(pause) => pause.await,
        None => std::future::pending().await,
    }
}

/// Waits for the batch at work, but not for ever; a second signal ends the waiting.
async fn drain<W: Work>(
    idle: Option<W>,
    mut at_work: Option<JoinHandle<Looked<W>>>,
    signals: &mut Signals,
    pace: Pace,
    clock: impl Fn() -> Moment + Send + 'static,
) -> Result<(), Failure> {
    let mut outcome = Ok(None);
    let mut work = idle;
    if work.is_none() {
        tokio::select! {
            biased;
            (finished, last) = looked(&mut at_work) => (work, outcome) = (Some(finished), last),
            Some(signal) = signals.recv() => tracing::warn!(signal, "asked again: the batch at work is given up, nothing of it is recorded"),
            () = sleep(pace.drain) => tracing::warn!(drain_s = pace.drain.as_secs(), "the batch at work takes too long: it is given up, nothing of it is recorded"),
        }
    }
    if let Some(mut work) = work {
        let said = tokio::task::spawn_blocking(move || work.stopped(clock()));
        tokio::select! {
            _ = said => {}
            () = sleep(Duration::from_secs(3)) => {}
        }
    }
    match outcome {
        Err(failure) if failure.exit == ExitKind::Invariant => Err(failure),
        Err(failure) => {
            tracing::error!(error.text = %one_line(&failure), "the last look failed");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;

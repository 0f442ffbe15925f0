//! The loop without an engine: alarms that ring, panic or keep silent, looks that panic, signals.

use super::*;
use crate::clock::{Clock, Stopwatch};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Work that notes what triggered it, and does what the test says.
#[derive(Clone)]
struct Noted {
    triggers: Arc<Mutex<Vec<Trigger>>>,
    stopped: Arc<AtomicUsize>,
    does: fn(usize) -> Result<Option<Duration>, Failure>,
}

impl Noted {
    fn new(does: fn(usize) -> Result<Option<Duration>, Failure>) -> Self {
        Self { triggers: Arc::default(), stopped: Arc::default(), does }
    }

    fn count(&self, trigger: Trigger) -> usize {
        self.triggers.lock().unwrap().iter().filter(|found| **found == trigger).count()
    }
}

impl Work for Noted {
    fn look(&mut self, _: Moment, trigger: Trigger) -> Result<Option<Duration>, Failure> {
        let count = {
            let mut triggers = self.triggers.lock().unwrap();
            triggers.push(trigger);
            triggers.len()
        };
        (self.does)(count)
    }

    fn stopped(&mut self, _: Moment) {
        self.stopped.fetch_add(1, Ordering::SeqCst);
    }
}

const MILLI: Duration = Duration::from_millis(1);

fn pace(safety: Duration) -> Pace {
    Pace { safety, drain: MILLI * 300 }
}

/// A loop with what rings it.
struct Running {
    runtime: tokio::runtime::Runtime,
    ring: mpsc::Sender<Trigger>,
    signal: mpsc::UnboundedSender<&'static str>,
    stop: Stop,
    alive: Arc<AtomicUsize>,
    outcome: JoinHandle<Result<(), Failure>>,
}

fn start_loop(work: Noted, pace: Pace) -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (ring, rings) = mpsc::channel(1);
    let (signal, signals) = mpsc::unbounded_channel();
    let (stop, alive, watch) = (Stop::default(), Arc::new(AtomicUsize::new(0)), Stopwatch::start());
    let clock = move || Moment { wall: Clock::System.now(), mono: watch.elapsed() };
    let signs = alive.clone();
    let still_at_work = move |_| {
        signs.fetch_add(1, Ordering::SeqCst);
    };
    let following = Following { work, pace, stop: stop.clone(), clock, still_at_work, rings, signals };
    let outcome = runtime.spawn(follow(following));
    Running { runtime, ring, signal, stop, alive, outcome }
}

impl Running {
    fn signal_and_end(self) -> Result<(), Failure> {
        self.signal.send("SIGTERM").unwrap();
        self.end()
    }

    fn end(self) -> Result<(), Failure> {
        let outcome = self.runtime.block_on(self.outcome).expect("the loop does not panic");
        self.runtime.shutdown_timeout(MILLI);
        outcome
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let watch = Stopwatch::start();
    while !is_so() {
        assert!(watch.elapsed() < Duration::from_secs(20), "{what} never happened");
        std::thread::sleep(MILLI);
    }
}

#[test]
fn the_first_look_is_at_the_start_and_the_safety_alarm_needs_no_cron() {
    let work = Noted::new(|_| Ok(None));
    let running = start_loop(work.clone(), pace(MILLI * 5));
    wait_until("five looks", || work.count(Trigger::Safety) >= 5);
    running.signal_and_end().unwrap();
    assert_eq!(work.triggers.lock().unwrap()[0], Trigger::Startup);
    assert_eq!((work.count(Trigger::Startup), work.stopped.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn a_look_comes_again_when_it_asked_for_it() {
    let work = Noted::new(|count| Ok((count < 4).then_some(MILLI * 2)));
    let running = start_loop(work.clone(), pace(Duration::from_secs(600)));
    wait_until("three looks again", || work.count(Trigger::Startup) == 4);
    std::thread::sleep(MILLI * 30);
    running.signal_and_end().unwrap();
    assert_eq!(work.count(Trigger::Startup), 4, "the last did not ask");
}

#[test]
fn ten_thousand_rings_are_a_few_looks_one_at_a_time() {
    static AT_WORK: AtomicUsize = AtomicUsize::new(0);
    let work = Noted::new(|_| {
        assert_eq!(AT_WORK.fetch_add(1, Ordering::SeqCst), 0, "one look at a time");
        std::thread::sleep(MILLI * 5);
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
        Ok(None)
    });
    let running = start_loop(work.clone(), pace(Duration::from_secs(600)));
    let rung = (0..10_000).filter(|_| running.ring.try_send(Trigger::Cron).is_ok()).count();
    wait_until("a look", || work.count(Trigger::Cron) >= 1);
    running.signal_and_end().unwrap();
    assert!(work.count(Trigger::Cron) <= rung && rung <= 10_000);
    assert_eq!(work.stopped.load(Ordering::SeqCst), 1);
}

#[test]
fn a_look_that_panics_ends_itself_and_nothing_else() {
    let work = Noted::new(|count| if count % 2 == 1 { panic!("look {count}") } else { Ok(None) });
    let running = start_loop(work.clone(), pace(MILLI * 5));
    wait_until("ten looks", || work.count(Trigger::Safety) >= 10);
    running.signal_and_end().unwrap();
}

#[test]
fn a_broken_invariant_ends_it() {
    let work = Noted::new(|count| if count == 3 { Err(Failure::invariant("sums differ")) } else { Ok(None) });
    let failure = start_loop(work.clone(), pace(MILLI * 5)).end().unwrap_err();
    assert_eq!((failure.exit.code(), work.triggers.lock().unwrap().len()), (70, 3));
}

#[test]
fn a_stop_waits_for_the_look_at_work_but_not_for_ever() {
    // how long the look takes | signals | whether it is finished
    static MILLIS: AtomicUsize = AtomicUsize::new(0);
    for (millis, signals, is_finished) in [(100, 1, true), (2_000, 1, false), (2_000, 2, false)] {
        MILLIS.store(millis, Ordering::SeqCst);
        let work = Noted::new(|_| {
            std::thread::sleep(MILLI * u32::try_from(MILLIS.load(Ordering::SeqCst)).unwrap());
            Ok(None)
        });
        let running = start_loop(work.clone(), pace(MILLI * 5));
        wait_until("a look", || !work.triggers.lock().unwrap().is_empty());
        wait_until("a sign of life while it is at work", || running.alive.load(Ordering::SeqCst) > 0);
        let (watch, stop) = (Stopwatch::start(), running.stop.clone());
        for _ in 1..signals {
            running.signal.send("SIGINT").unwrap();
        }
        running.signal_and_end().unwrap();
        assert!(stop.is_asked() && watch.elapsed() < MILLI * 1_500, "{millis} {signals}: {:?}", watch.elapsed());
        assert_eq!(work.stopped.load(Ordering::SeqCst), usize::from(is_finished), "{millis} {signals}");
        assert_eq!(work.triggers.lock().unwrap().len(), 1, "nothing new is begun");
    }
}

#[test]
fn a_cron_job_that_panics_stops_neither_the_others_nor_the_safety_alarm() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let every_second = Cron::parse("* * * * * *").unwrap();
    let (ring, rings) = mpsc::channel(1);
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = panics.clone();
    let scheduler = runtime.block_on(async {
        let scheduler = set_alarms(std::slice::from_ref(&every_second), &ring).await.unwrap();
        let job = Job::new_async(every_second.as_str(), move |_, _| {
            let counted = counted.clone();
            Box::pin(async move {
                counted.fetch_add(1, Ordering::SeqCst);
                panic!("a cron job panics");
            })
        });
        scheduler.add(job.unwrap()).await.unwrap();
        scheduler
    });
    let work = Noted::new(|_| Ok(None));
    let (signal, signals) = mpsc::unbounded_channel();
    let watch = Stopwatch::start();
    let clock = move || Moment { wall: Clock::System.now(), mono: watch.elapsed() };
    let following = Following {
        work: work.clone(),
        pace: pace(MILLI * 20),
        stop: Stop::default(),
        clock,
        still_at_work: |_| {},
        rings,
        signals,
    };
    let outcome = runtime.spawn(follow(following));
    wait_until("two panics", || panics.load(Ordering::SeqCst) >= 2);
    let (crons, safety) = (work.count(Trigger::Cron), work.count(Trigger::Safety));
    wait_until("looks by both alarms after the panics", || {
        work.count(Trigger::Cron) > crons && work.count(Trigger::Safety) > safety + 10
    });
    signal.send("SIGTERM").unwrap();
    runtime.block_on(outcome).unwrap().unwrap();
    drop(scheduler);
    runtime.shutdown_timeout(MILLI * 100);
}

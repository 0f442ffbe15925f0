//! The engine at given instants: what was missed, clocks that jump, nights that are an hour longer, failures, locks.

mod failing;

use super::*;
use crate::home::{self, Home, HomeLock, InitWish};
use crate::schedule::JobDefinition;
use crate::settle::{self, Wish};
use crate::status::{self, Gravity};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Window, Zone};
use reckoner_store::{RunRecord, SettlementRecord};
use std::collections::BTreeSet;
use std::path::PathBuf;

const H: i64 = 3_600;
const ACCOUNTS: &str = "account_id,name,payment_method\nacme,Acme,external\n";
const PRICES: &str = "sku,product,billing_mode,unit,unit_price,settle\n\
                      vm,vm,pay_per_use,hour,3.6,hour\n\
                      disk,disk,pay_per_use,hour,0.36,day\n\
                      ip,ip,pay_per_use,hour,0.036,month\n";

/// A home of its own, and an engine on it whose clocks the test turns.
struct Bench {
    _folder: tempfile::TempDir,
    caller: Caller,
    home: Home,
    engine: Engine,
    stop: Stop,
    mono: Duration,
    last: Option<Instant>,
}

fn hourly() -> JobDefinition {
    JobDefinition::parse("hourly.toml", include_str!("../../jobs/hourly.toml")).unwrap()
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

impl Bench {
    fn new(zone: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let caller = Caller {
            home_given: Some(folder.path().join("home")),
            as_of: None,
            actor: "ana".into(),
            is_json: false,
            wait: Duration::ZERO,
            command_text: "reckoner serve".into(),
        };
        let wish = InitWish { zone: Some(Zone::parse(zone).unwrap()), ..InitWish::default() };
        let made = home::init(caller.home_path(), &wish, &caller.holder(), caller.wait, Clock::System).unwrap();
        drop(Books::open(caller.write().unwrap()).unwrap());
        let stop = Stop::default();
        let engine = Engine::open(caller.clone(), &hourly(), stop.clone(), Instant::from_seconds(0)).unwrap();
        let bench = Self { _folder: folder, caller, home: made.home, engine, stop, mono: Duration::ZERO, last: None };
        bench.drop_file("accounts-1.csv", ACCOUNTS);
        bench.drop_file("prices-1.csv", PRICES);
        bench
    }

    fn drop_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.inbox().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// One record of an hour for each hour from `start`, of each sku.
    fn drop_usage(&self, name: &str, start: Instant, hours: i64) {
        self.drop_records(name, start, hours, H);
    }

    fn drop_records(&self, name: &str, start: Instant, records: i64, seconds: i64) {
        let mut text = "record_id,account_id,resource_id,sku,started_at,ended_at\n".to_owned();
        for record in 0..records {
            let (from, to) = (start.plus_seconds(record * seconds), start.plus_seconds((record + 1) * seconds));
            for sku in ["vm", "disk", "ip"] {
                let (from, to) = (from.to_utc_text(), to.to_utc_text());
                text += &format!("{sku}-{from},acme,{sku}-1,{sku},{from},{to}\n");
            }
        }
        self.drop_file(name, &text);
    }

    /// Looks at this instant; both clocks have moved on by as much as that.
    fn tick(&mut self, wall: Instant, mono_seconds: u64) -> Tick {
        self.mono += Duration::from_secs(mono_seconds);
        self.last = Some(wall);
        self.engine.tick(Moment { wall, mono: self.mono }, Trigger::Cron).unwrap()
    }

    /// Looks twice, two seconds apart, so that what lies in the inbox is taken.
    fn tick_twice(&mut self, wall: Instant) -> Tick {
        self.tick(wall, self.elapsed(wall));
        self.tick(wall.plus_seconds(2), 2)
    }

    /// Seconds from the last look to this instant, so that both clocks agree.
    fn elapsed(&self, wall: Instant) -> u64 {
        let elapsed = wall.seconds() - self.last.unwrap_or(wall).seconds();
        u64::try_from(elapsed).unwrap_or_default()
    }

    /// Another process: nothing in memory, the same home.
    fn restart(&mut self) {
        self.engine = Engine::open(self.caller.clone(), &hourly(), Stop::default(), Instant::from_seconds(0)).unwrap();
    }

    fn books(&self) -> Books {
        Books::open(self.caller.read().unwrap()).unwrap()
    }

    fn runs(&self) -> Vec<RunRecord> {
        self.books().store().runs().unwrap()
    }

    fn settled(&self, kind: SettleWindow) -> usize {
        self.books().store().settled_windows().unwrap().iter().filter(|known| known.kind == kind).count()
    }

    fn settlements(&self) -> Vec<SettlementRecord> {
        let all = Window::new(Instant::MIN, Instant::MAX);
        let mut rows = self.books().store().settlements(all).unwrap();
        rows.iter_mut().for_each(|row| row.run_id = "".into()); // named after what was known, which differs
        rows
    }

    fn beat(&self) -> Beat {
        Beat::read(self.books().store()).unwrap().unwrap()
    }

    fn gravity(&self, clock: Instant) -> Gravity {
        let caller =
            Caller { as_of: Some(crate::cli::value::AsOf::When(crate::cli::value::When::Instant(clock))), ..self.caller.clone() };
        status::look(&Books::open(caller.read().unwrap()).unwrap()).unwrap().gravity()
    }

    fn lock(&self) -> HomeLock {
        self.home.lock(&self.caller.holder(), Duration::ZERO, Clock::System).unwrap()
    }

    /// Every window once, at the first attempt, oldest first.
    #[track_caller]
    fn assert_each_window_once_and_in_order(&self) {
        let runs = self.runs();
        let ends: Vec<Instant> = runs.iter().map(|run| run.window.end).collect();
        assert!(ends.is_sorted(), "oldest first");
        let windows: BTreeSet<_> = runs.iter().map(|run| run.window).collect();
        assert_eq!(windows.len(), runs.len(), "every window once");
        assert!(runs.iter().all(|run| run.attempt == 1 && run.status == "done"));
    }
}

#[test]
fn what_was_missed_is_made_up_for_oldest_first() {
    let start = at("2026-01-05T00:00:00+08:00");
    for hours in [26, 40 * 24] {
        let mut bench = Bench::new("+08:00");
        bench.drop_usage("usage-1.csv", start, hours);
        let end = start.plus_seconds(hours * H + 600);
        let tick = bench.tick_twice(end);
        assert_eq!((tick.taken.len(), tick.again_in), (3, None), "{hours}");
        bench.assert_each_window_once_and_in_order();
        let days = usize::try_from(hours / 24).unwrap();
        assert_eq!(
            (bench.settled(SettleWindow::Hour), bench.settled(SettleWindow::Day)),
            (days * 24 + (hours % 24) as usize, days)
        );
        assert!(bench.home.inbox().read_dir().unwrap().next().is_none(), "what was taken is gone from the inbox");
        // Looking again finds nothing.
        let runs = bench.runs();
        assert!(bench.tick(end.plus_seconds(60), 58).settled.is_none());
        assert_eq!(bench.runs(), runs);
    }
}

#[test]
fn outage_equals_hourly() {
    let start = at("2026-01-05T00:00:00+08:00");
    let mut hourly = Bench::new("+08:00");
    hourly.tick_twice(start);
    for hour in 0..26 {
        hourly.drop_usage(&format!("usage-{hour:02}.csv"), start.plus_seconds(hour * H), 1);
        let wall = start.plus_seconds((hour + 1) * H + 600);
        hourly.tick(wall.plus_seconds(-2), 3_598);
        hourly.tick(wall, 2);
    }
    hourly.assert_each_window_once_and_in_order();
    let mut outage = Bench::new("+08:00");
    outage.drop_usage("usage-1.csv", start, 26);
    outage.tick_twice(start.plus_seconds(26 * H + 600));
    assert_eq!(hourly.settlements(), outage.settlements());
    assert_eq!(hourly.settlements().len(), 26, "the day's charges are due with those of its last hour");
}

#[test]
fn the_hour_waits_for_its_settle_delay() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T12:00:00+08:00");
    bench.drop_usage("usage-1.csv", start, 1);
    // clock | hours settled: the hour ends at 13:00, jobs/hourly.toml waits 600 s
    for (clock, expected) in [("13:00:00", 0), ("13:00:02", 0), ("13:09:59", 0), ("13:10:00", 1), ("13:10:01", 1)] {
        let wall = at(&format!("2026-01-05T{clock}+08:00"));
        bench.tick(wall, bench.elapsed(wall));
        assert_eq!(bench.settled(SettleWindow::Hour), expected, "{clock}");
    }
}

#[test]
fn nights_that_are_longer_or_shorter_have_every_window_once() {
    // zone | noon of the day whose night it is | its seconds
    let nights = [
        ("Europe/Paris", "2026-03-29T10:00:00Z", 23 * H),
        ("Europe/Paris", "2026-10-25T11:00:00Z", 25 * H),
        ("America/New_York", "2026-03-08T16:00:00Z", 23 * H),
        ("America/New_York", "2026-11-01T17:00:00Z", 25 * H),
        ("Australia/Lord_Howe", "2026-10-04T01:00:00Z", 23 * H + H / 2),
        ("Australia/Lord_Howe", "2026-04-05T01:00:00Z", 24 * H + H / 2),
    ];
    for (name, noon, seconds) in nights {
        let zone = Zone::parse(name).unwrap();
        let day = zone.day_containing(at(noon));
        assert_eq!(day.seconds(), seconds, "{name}");
        let (mut bench, mut at_once) = (Bench::new(name), Bench::new(name));
        bench.tick_twice(day.start.plus_seconds(-3 * H));
        at_once.tick_twice(day.start.plus_seconds(-3 * H));

        // Use around both midnights and through the night, half an hour at a time because a midnight may lie on one. The
        // cron of jobs/daily.toml, and a restart in the repeated or missing hour.
        let uses = |from: Instant| {
            let is_around = |midnight: Instant, until| (-H / 2..until).contains(&(from.seconds() - midnight.seconds()));
            is_around(day.start, 7 * H / 2) || is_around(day.end, H / 2)
        };
        let (mut wall, mut used) = (day.start.plus_seconds(-2 * H), BTreeSet::new());
        while wall < day.end.plus_seconds(3 * H) {
            wall = wall.plus_seconds(900);
            let from = wall.plus_seconds(-H / 2);
            if (wall.seconds() - day.start.seconds()) % (H / 2) == 0 && uses(from) {
                bench.drop_records(&format!("usage-{}.csv", wall.seconds()), from, 1, H / 2);
                at_once.drop_records(&format!("usage-{}.csv", wall.seconds()), from, 1, H / 2);
                used.insert(zone.segment_containing(from));
            }
            if wall == day.start.plus_seconds(2 * H + 900) {
                bench.restart();
            }
            // Through the quiet day it looks less often, which makes no difference.
            let is_quiet = day.start.plus_seconds(5 * H) < wall && wall < day.end.plus_seconds(-H);
            if !is_quiet || (wall.seconds() - day.start.seconds()) % (4 * H) == 0 {
                bench.tick(wall, bench.elapsed(wall));
            }
        }
        bench.assert_each_window_once_and_in_order();
        let runs = bench.runs();
        assert_eq!(runs.iter().filter(|run| run.window == day).count(), 1, "{name}: the day of the night");
        let hours: BTreeSet<Window> = runs.iter().map(|run| run.window).filter(|window| window.seconds() <= H).collect();
        assert_eq!(hours, used, "{name}: each hour, cut at midnight");
        // Settled in one go, the amounts are the same.
        at_once.tick_twice(wall);
        assert_eq!(bench.settlements(), at_once.settlements(), "{name}");
    }
}

#[test]
fn nothing_is_settled_by_a_clock_that_jumped() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T12:00:00+08:00");
    bench.tick_twice(start);
    bench.drop_usage("usage-1.csv", start, 2);
    let wall = start.plus_seconds(H + 660);
    bench.tick(wall.plus_seconds(-60), 4_198); // first sight of the file
    // Ahead by a day: files are taken, windows are not settled, and status says so.
    let ahead = wall.plus_seconds(86_400);
    let tick = bench.tick(ahead, 60);
    assert_eq!((tick.taken.len(), bench.settled(SettleWindow::Hour)), (1, 0));
    assert!(bench.beat().clock_doubt.unwrap().contains("a jump of 86400 s ahead"));
    assert_eq!(bench.gravity(ahead), Gravity::Look);
    // Back again, with a restart on the way: three minutes count from there.
    bench.tick(wall.plus_seconds(60), 60);
    bench.restart();
    for seconds in [120, 180, 240, 299] {
        bench.tick(wall.plus_seconds(seconds), if seconds == 299 { 59 } else { 60 });
        assert_eq!(bench.settled(SettleWindow::Hour), 0, "{seconds}");
    }
    bench.tick(wall.plus_seconds(300), 1);
    assert_eq!(bench.settled(SettleWindow::Hour), 1, "only the hour that is over");
    assert_eq!(bench.beat().clock_doubt, None);
    assert_eq!(bench.gravity(wall.plus_seconds(300)), Gravity::Fine);
}

#[test]
fn files_that_come_while_the_clock_is_back_are_not_called_future() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T12:00:00+08:00");
    bench.tick_twice(start.plus_seconds(2 * H));
    bench.drop_usage("usage-1.csv", start.plus_seconds(H), 1);
    bench.tick(start.plus_seconds(10), 10);
    let tick = bench.tick(start.plus_seconds(20), 10);
    assert_eq!((tick.taken[0].accepted, tick.taken[0].refused), (3, 0));
}

#[test]
fn looks_without_work_change_nothing() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.drop_usage("usage-1.csv", start, 26);
    let end = start.plus_seconds(26 * H + 600);
    bench.tick_twice(end);
    let store = || std::fs::read(bench.home.ledger()).unwrap();
    let (before, runs) = (store(), bench.runs());
    let lock = std::fs::metadata(bench.home.lock_file()).unwrap().modified().unwrap();
    for _ in 0..300 {
        let now = Moment { wall: end.plus_seconds(2), mono: bench.mono };
        let tick = bench.engine.tick(now, Trigger::Cron).unwrap();
        assert!(tick.settled.is_none() && tick.taken.is_empty() && tick.again_in.is_none());
    }
    assert_eq!(bench.runs(), runs);
    assert!(std::fs::read(bench.home.ledger()).unwrap() == before, "not a byte of the store has changed");
    let lock_after = std::fs::metadata(bench.home.lock_file()).unwrap().modified().unwrap();
    assert_eq!(lock_after, lock, "the home was never locked");
}

#[test]
fn a_file_that_grows_is_taken_when_it_is_whole() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    let end = start.plus_seconds(4 * H);
    bench.tick_twice(end);
    for (hours, seconds) in [(1, 1), (2, 2), (3, 2)] {
        bench.drop_usage("usage-1.csv", start, hours); // the same name, longer each time
        let tick = bench.tick(end.plus_seconds(2 + hours * 2), seconds);
        assert!(tick.taken.is_empty() && tick.again_in == Some(watch::RIPENING), "{hours}");
        assert!(tick.settled.is_none(), "what the file brings would only be a correction");
    }
    let tick = bench.tick(end.plus_seconds(11), 2);
    assert_eq!((tick.taken[0].accepted, bench.settled(SettleWindow::Hour)), (9, 3));
}

#[test]
fn a_file_that_never_comes_to_rest_does_not_hold_settling_up() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    let end = start.plus_seconds(2 * H);
    bench.drop_usage("usage-1.csv", start, 1);
    bench.tick_twice(end.plus_seconds(-H));
    for second in 0..12_u64 {
        bench.drop_file("usage-2.csv", &"x".repeat(1 + usize::try_from(second).unwrap()));
        bench.tick(end.plus_seconds(i64::try_from(second).unwrap()), if second == 0 { 3_598 } else { 1 });
        assert_eq!(bench.settled(SettleWindow::Hour), usize::from(second >= 10), "{second}");
    }
}

#[test]
fn whoever_writes_is_waited_for_without_waiting() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.drop_usage("usage-1.csv", start, 2);
    let end = start.plus_seconds(2 * H + 600);
    let lock = bench.lock();
    let tick = bench.tick_twice(end);
    assert!(tick.is_locked_out && tick.taken.is_empty() && tick.again_in == Some(Duration::from_secs(5)));
    assert!(bench.beat().ticked_at.is_some(), "a sign of life is left all the same");
    drop(lock);
    let tick = bench.tick(end.plus_seconds(7), 5);
    assert_eq!((tick.taken.len(), tick.settled.unwrap().windows), (3, 2));
    assert!(bench.beat().troubles.is_empty(), "a lock is no failure");
}

#[test]
fn a_long_look_lets_others_write_in_between() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.drop_usage("usage-1.csv", start, 72);
    let end = start.plus_seconds(72 * H + 600);
    bench.engine.budget = Duration::ZERO;
    bench.tick(end, 0);
    // look | files taken | days settled: a file or a batch at a time, and nothing is settled before all files are taken
    for (look, taken, days) in [(1, 1, 0), (2, 1, 0), (3, 1, 1), (4, 0, 2), (5, 0, 3)] {
        let tick = bench.tick(end.plus_seconds(1 + look), if look == 1 { 2 } else { 1 });
        assert_eq!((tick.taken.len(), bench.settled(SettleWindow::Day)), (taken, days), "{look}");
        assert_eq!(tick.again_in, Some(Duration::from_millis(500)), "{look}");
        drop(bench.lock());
    }
    bench.tick(end.plus_seconds(7), 1);
    let tick = bench.tick(end.plus_seconds(8), 1);
    assert!(tick.again_in.is_none() && tick.settled.is_none(), "done");
    bench.assert_each_window_once_and_in_order();
}

#[test]
fn two_engines_on_one_home_settle_each_window_once() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.tick_twice(start);
    bench.drop_usage("usage-1.csv", start, 3 * 24);
    let end = start.plus_seconds(3 * 24 * H + 600);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let mut engine = Engine::open(bench.caller.clone(), &hourly(), Stop::default(), end).unwrap();
            scope.spawn(move || {
                for second in 0..40 {
                    let mono = Duration::from_secs(second * 2);
                    let wall = end.plus_seconds(i64::try_from(second).unwrap() * 2);
                    engine.tick(Moment { wall, mono }, Trigger::Safety).unwrap();
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    bench.assert_each_window_once_and_in_order();
    assert_eq!((bench.settled(SettleWindow::Hour), bench.settled(SettleWindow::Day)), (72, 3));
}

#[test]
fn a_stop_is_looked_at_between_batches() {
    let mut bench = Bench::new("+08:00");
    let start = at("2026-01-05T00:00:00+08:00");
    bench.drop_usage("usage-1.csv", start, 10 * 24);
    let end = start.plus_seconds(10 * 24 * H + 600);
    bench.tick(end, 0);
    bench.stop.ask();
    let tick = bench.tick(end.plus_seconds(2), 2);
    assert_eq!((tick.taken.len(), tick.settled.is_none()), (1, true), "the file at work is finished, nothing else begins");
    bench.restart();
    bench.tick_twice(end);
    // Asked for in the middle of it: what is settled is settled, in order, and the rest is still due.
    let books = || Books::open(bench.caller.write().unwrap()).unwrap();
    assert_eq!(bench.settled(SettleWindow::Day), 10);
    let stop = Stop::default();
    stop.ask();
    let wish = Wish { until: Some(end), stop, trigger: "manual", ..Wish::default() };
    let receipt = settle::settle(&mut books(), &wish, &crate::report::progress::Progress::start()).unwrap();
    assert_eq!(receipt.windows, 0);
}

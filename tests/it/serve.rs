//! `serve` as a process: what it says, signals, kills, a second one, and `ingest` from the inbox.

use crate::support::{Bench, Said, names_in};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

const ACCOUNTS: &str = "account_id,name,payment_method\nacme,Acme,external\n";
const PRICES: &str = "sku,product,billing_mode,unit,unit_price\nvm,vm,pay_per_use,hour,3.6\n";

/// A home whose hourly job looks every second.
fn home() -> Bench {
    let bench = Bench::with_home();
    change_job(&bench, "0 10 * * * *", "* * * * * *");
    bench
}

fn change_job(bench: &Bench, from: &str, to: &str) {
    let file = "reckoner-home/jobs/hourly.toml";
    let text = bench.read(file);
    assert!(text.contains(from), "{from}");
    bench.write(file, &text.replace(from, to));
}

fn drop_in(bench: &Bench, name: &str, text: &str) {
    bench.write(&format!("reckoner-home/inbox/{name}"), text);
}

/// One record for each hour of so many days of January 2026.
fn usage(days: u32) -> String {
    let mut text = "record_id,account_id,resource_id,sku,started_at,ended_at\n".to_owned();
    for (day, hour) in (1..=days).flat_map(|day| (0..24).map(move |hour| (day, hour))) {
        let start = format!("2026-01-{day:02}T{hour:02}");
        text += &format!("{start},acme,web,vm,{start}:00:00Z,{start}:45:00Z\n");
    }
    text
}

/// A running `serve`; killed when a test ends without having ended it.
struct Serving {
    child: Option<Child>,
}

impl Serving {
    /// Starts it and waits until it has said what it does.
    fn start(bench: &Bench) -> Self {
        Self::start_failing(bench, "")
    }

    /// Starts it with a failpoint set.
    fn start_failing(bench: &Bench, failpoint: &str) -> Self {
        let mut command = bench.command();
        command.env("RECKONER_FAILPOINT", failpoint);
        command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while !line.starts_with("looks every minute besides") {
            line.clear();
            assert!(out.read_line(&mut line).expect("read") > 0, "it ended without a word");
        }
        Self { child: Some(child) }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("running").id().to_string();
        let done = std::process::Command::new("kill").args([name, &pid]).status().expect("kill is there");
        assert!(done.success());
    }

    /// Waits for the end; hands back the exit code and the log.
    fn end(mut self) -> Said {
        Said::of(self.child.take().expect("running").wait_with_output().expect("ended"))
    }

    fn stop(self, signal: &str) -> Said {
        self.signal(signal);
        self.end()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn status(bench: &Bench) -> Value {
    bench.line("status --json").expect_exit(0).json()
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what} did not happen within a minute");
}

/// The runs in the order of their windows: (window_start, attempt, status).
fn runs(bench: &Bench) -> Vec<(String, i64, String)> {
    let said = bench.line("export runs --format ndjson").expect_exit(0);
    let rows = said.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON object"));
    let text = |row: &Value, column: &str| row[column].as_str().expect("text").to_owned();
    let mut runs: Vec<_> =
        rows.map(|row| (text(&row, "window_start"), row["attempt"].as_i64().expect("a number"), text(&row, "status"))).collect();
    runs.sort();
    runs
}

#[track_caller]
fn assert_every_hour_once(bench: &Bench, days: usize) {
    let runs = runs(bench);
    assert_eq!(runs.len(), days * 24);
    assert!(runs.iter().all(|(_, attempt, status)| *attempt == 1 && status == "done"), "{runs:?}");
    bench.line("verify --full").expect_exit(0);
}

#[test]
fn files_are_taken_and_settled_and_a_signal_stops_it() {
    for signal in ["-TERM", "-INT"] {
        let bench = home();
        let serving = Serving::start(&bench);
        drop_in(&bench, "accounts-1.csv", ACCOUNTS);
        drop_in(&bench, "prices-1.csv", PRICES);
        drop_in(&bench, "usage-1.csv", &usage(1));
        drop_in(&bench, "notes.txt", "hello");
        wait_until("settling", || status(&bench)["windows"]["settled"] == 24);
        assert_eq!(names_in(&bench.home().join("inbox")), ["notes.txt"]);
        let now = status(&bench);
        assert!(now["serve"]["pid"].is_number() && now["serve"]["stopped_at"].is_null(), "{now}");
        assert_eq!(now["serve"]["left_in_inbox"][0]["name"], "notes.txt");
        bench.line("status --check").expect_exit(1);
        // Other commands write beside it.
        bench.line("ingest --wait 20s").expect_exit(2);

        let said = serving.stop(signal).expect_exit(0);
        said.expect_err(&["taken", "usage-1.csv", "settled", "windows=24", "left in the inbox", "asked to stop", "stopped"]);
        assert_eq!(said.err.matches("left in the inbox").count(), 1, "said once: {}", said.err);
        assert!(status(&bench)["serve"]["stopped_at"].is_string());
        assert_every_hour_once(&bench, 1);
        std::fs::remove_file(bench.home().join("inbox/notes.txt")).unwrap();
    }
}

#[test]
fn stopped_or_killed_in_the_middle_it_goes_on_where_it_was() {
    let days = 28;
    for signal in ["-TERM", "-KILL"] {
        let bench = home();
        drop_in(&bench, "accounts-1.csv", ACCOUNTS);
        drop_in(&bench, "prices-1.csv", PRICES);
        drop_in(&bench, "usage-1.csv", &usage(days));
        let serving = Serving::start(&bench);
        let is_begun = || status(&bench)["windows"]["settled"].as_u64().is_some_and(|settled| settled > 0);
        wait_until("the first day", is_begun);
        let said = serving.stop(signal);
        assert_eq!(said.exit, if signal == "-TERM" { 0 } else { -1 }, "{}", said.err);
        let done = runs(&bench);
        assert!(done.len() < days as usize * 24, "it was in the middle: {} windows", done.len());
        assert!(done.is_sorted() && done[0].0 == "2026-01-01T08:00:00+08:00", "oldest first");

        let serving = Serving::start(&bench);
        wait_until("the rest", || status(&bench)["windows"]["settled"] == u64::from(days) * 24);
        serving.stop("-TERM").expect_exit(0);
        assert_every_hour_once(&bench, days as usize);
    }
}

#[test]
fn a_panic_is_tried_twice_and_then_a_person_is_needed() {
    let bench = home();
    drop_in(&bench, "accounts-1.csv", ACCOUNTS);
    drop_in(&bench, "prices-1.csv", PRICES);
    drop_in(&bench, "usage-1.csv", &usage(1));
    change_job(&bench, "retry_first_seconds = 30", "retry_first_seconds = 0");
    let serving = Serving::start_failing(&bench, "settle.decided:panic");
    let trouble = || status(&bench)["serve"]["troubles"][0].clone();
    wait_until("giving up", || trouble()["attempts"] == 2);
    assert!(trouble()["again_at"].is_null() && trouble()["text"].as_str().unwrap().starts_with("a panic: "), "{}", trouble());
    let said = bench.line("status --check").expect_exit(2);
    assert!(said.out.contains("attempt 2 of 2") && said.out.contains("a person is needed"), "{}", said.out);
    // It lives, and takes files all the same.
    drop_in(&bench, "accounts-2.csv", &ACCOUNTS.replace("acme,Acme", "birch,Birch"));
    wait_until("taking a file", || !bench.home().join("inbox/accounts-2.csv").exists());
    serving.stop("-TERM").expect_exit(0);
    bench.line("status --check").expect_exit(2);
    let failed = runs(&bench);
    assert!(failed.len() >= 2 && failed.iter().all(|(_, attempt, status)| *attempt == 1 && status == "failed"), "{failed:?}");

    // Settled by hand, what failed is history.
    bench.line("catch-up").expect_exit(0);
    bench.line("status --check").expect_exit(0);
    assert!(runs(&bench).iter().filter(|(_, _, status)| status == "done").all(|(_, attempt, _)| *attempt == 1));
    bench.line("verify --full").expect_exit(0);
}

#[test]
fn a_crash_between_recording_a_file_and_its_going_away_is_harmless() {
    let bench = home();
    drop_in(&bench, "accounts-1.csv", ACCOUNTS);
    let serving = Serving::start_failing(&bench, "ingest.after_record:abort");
    assert_eq!(serving.end().exit, -1);
    assert_eq!(
        (names_in(&bench.home().join("inbox")), &status(&bench)["files"]["taken"]),
        (vec!["accounts-1.csv".to_owned()], &1.into())
    );
    let serving = Serving::start(&bench);
    wait_until("taking it away", || names_in(&bench.home().join("inbox")).is_empty());
    serving.stop("-TERM").expect_exit(0);
    assert_eq!(status(&bench)["files"]["taken"], 1);
}

#[test]
fn what_is_held_is_passed_over_until_it_is_released() {
    let bench = home();
    for (name, text) in [("accounts-1.csv", ACCOUNTS), ("prices-1.csv", PRICES), ("usage-1.csv", &usage(1))] {
        drop_in(&bench, name, text);
    }
    bench.line("ingest").expect_exit(0);
    let range = "--from 2026-01-01T12:00:00+08:00 --to 2026-01-01T14:00:00+08:00 --reason late";
    bench.line(&format!("windows hold hourly {range}")).expect_exit(0);
    let serving = Serving::start(&bench);
    wait_until("settling the rest", || status(&bench)["windows"]["settled"] == 22);
    let store = || std::fs::read(bench.home().join("ledger.db")).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let before = store();
    std::thread::sleep(Duration::from_secs(3));
    assert!(store() == before, "what is held is no work: looks at it write nothing");
    bench.line(&format!("windows release hourly {range}")).expect_exit(0);
    wait_until("settling what was held", || status(&bench)["windows"]["settled"] == 24);
    serving.stop("-TERM").expect_exit(0);
    bench.line("verify --full").expect_exit(0);
}

#[test]
fn one_serves_and_the_next_learns_for_whom_it_waits() {
    let bench = home();
    let serving = Serving::start(&bench);
    let said = bench.line("serve --wait 0").expect_exit(1);
    said.expect_err(&["`reckoner serve` (pid ", "serves this home already", "hint: "]);
    assert!(said.out.is_empty(), "it has not begun");
    serving.signal("-KILL");
    assert_eq!(serving.end().exit, -1);
    Serving::start(&bench).stop("-TERM").expect_exit(0); // the kernel frees the lock of whoever dies
}

#[test]
fn what_cannot_be_served_is_refused_before_it_begins() {
    // what is changed in jobs/hourly.toml | into what | what the person reads
    let cases = [
        ("0 10 * * * *", "10 * * * *", "has 5 fields"),
        ("0 10 * * * *", "0 0 0 1 * 1", "names a day of month and a day of week"),
        ("0 10 * * * *", "0 0 0 30 2 *", "never fires"),
        ("job = \"hourly\"", "job = \"daily\"", "for the daily job"),
        ("parallel_max = 1", "parallel_max = 2", "one writer"),
    ];
    for (from, to, piece) in cases {
        let bench = Bench::with_home();
        change_job(&bench, from, to);
        let said = bench.line("serve").expect_exit(2);
        said.expect_err(&["jobs/hourly.toml", piece]);
        assert!(said.out.is_empty());
    }
    let bench = Bench::with_home();
    std::fs::remove_file(bench.home().join("jobs/monthly.toml")).unwrap();
    bench.line("serve").expect_exit(2).expect_err(&["the monthly job has no definition", "reckoner init"]);
    bench.line("init").expect_exit(0);
    bench.write("reckoner-home/jobs/other.toml", &bench.read("reckoner-home/jobs/daily.toml"));
    bench.line("serve").expect_exit(2).expect_err(&["the daily job is defined twice"]);
    bench.line("serve --as-of 2026-01-05").expect_exit(2).expect_err(&["follows the operating system's clock", "catch-up"]);
    Bench::new().line("serve").expect_exit(1).expect_err(&["there is no such folder"]);
}

#[test]
fn a_serve_that_went_silent_is_bad_and_one_that_was_stopped_is_not() {
    let bench = home();
    let serving = Serving::start(&bench);
    wait_until("a sign of life", || status(&bench)["serve"].is_object());
    bench.line("status --check").expect_exit(0);
    serving.signal("-KILL");
    serving.end();
    let said = bench.line("status --check --as-of 2099-01-01").expect_exit(2);
    assert!(said.out.contains("bad: `reckoner serve` (pid ") && said.out.contains("was last heard of at"), "{}", said.out);
    Serving::start(&bench).stop("-TERM").expect_exit(0);
    bench.line("status --check --as-of 2099-01-01").expect_exit(0);
}

#[test]
fn ingest_without_a_file_takes_what_lies_in_the_inbox() {
    let bench = Bench::with_home();
    let said = bench.line("ingest").expect_exit(0);
    assert!(said.out.contains("nothing to take in "), "{}", said.out);
    drop_in(&bench, "usage-1.csv", &usage(1));
    drop_in(&bench, "prices-1.csv", PRICES);
    drop_in(&bench, "accounts-1.csv", ACCOUNTS);
    drop_in(&bench, "usage-2.csv.part", "half");
    drop_in(&bench, ".usage-3.csv", "hidden");
    let document = bench.line("ingest --json").expect_exit(0).json();
    let names: Vec<&str> = document["files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap()).collect();
    assert_eq!(names, ["accounts-1.csv", "prices-1.csv", "usage-1.csv"], "in the order of tables");
    assert_eq!(names_in(&bench.home().join("inbox")), [".usage-3.csv", "usage-2.csv.part"]);
    assert_eq!(names_in(&bench.home().join("raw")).len(), 3);

    // The same bytes again: known, and gone from the inbox all the same. What is left is named, and the others are taken.
    drop_in(&bench, "usage-again.csv", &usage(1));
    drop_in(&bench, "invoice.pdf", "x");
    drop_in(&bench, "usage-4.csv", "");
    std::os::unix::fs::symlink("/etc/passwd", bench.home().join("inbox/usage-5.csv")).unwrap();
    let said = bench.line("ingest").expect_exit(2);
    for piece in [
        "the same bytes were taken as `usage-1.csv`",
        "left in the inbox: invoice.pdf: `invoice.pdf` names no table",
        "left in the inbox: usage-4.csv: empty so far",
        "left in the inbox: usage-5.csv: a symbolic link",
    ] {
        assert!(said.out.contains(piece), "{piece:?} is missing from: {}", said.out);
    }
    let left = [".usage-3.csv", "invoice.pdf", "usage-2.csv.part", "usage-4.csv", "usage-5.csv"];
    assert_eq!(names_in(&bench.home().join("inbox")), left);
    bench.line("catch-up").expect_exit(0);
    assert_every_hour_once(&bench, 1);
}

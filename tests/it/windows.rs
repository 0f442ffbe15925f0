//! `windows`: what is held is passed over and said so, and once it is released everything comes out as if nobody had.

use crate::sample_home::{at, text, unsettled};
use crate::support::Bench;
use serde_json::Value;

/// 13:00, when the first files of the sample month are there.
const NOON: &str = "2026-01-05T13:00:00+08:00";
const LATER: &str = "2026-01-05T15:00:00+08:00";

fn hour(bench: &Bench, clock: &str, start: &str) -> Value {
    let document = at(bench, clock, "windows list hourly --json").expect_exit(0).json();
    let windows = document["windows"].as_array().expect("windows");
    windows.iter().find(|window| window["start"] == start).cloned().unwrap_or(Value::Null)
}

fn state(bench: &Bench, clock: &str, start: &str) -> String {
    text(&hour(bench, clock, start), "state").to_owned()
}

fn said(bench: &Bench, clock: &str, words: &[&str]) -> Value {
    bench.run(["--as-of", clock, "--json"].into_iter().chain(words.iter().copied())).expect_exit(0).json()
}

/// Key and amounts of every charge: what must not depend on holds.
fn charges(bench: &Bench) -> Vec<String> {
    let out = at(bench, LATER, "export charges --format ndjson").expect_exit(0).out;
    let rows = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON object"));
    let columns = ["account_id", "resource_id", "sku", "window_start", "quantity", "list_amount", "due_amount"];
    let mut charges: Vec<String> = rows.map(|row| columns.map(|column| row[column].to_string()).join(" ")).collect();
    charges.sort();
    charges
}

#[test]
fn what_was_held_is_all_made_up() {
    let bench = unsettled();
    let reason = "meter 7 delivers twice";
    let held =
        said(&bench, NOON, &["windows", "hold", "--from", "2026-01-05T10:00:00+08:00", "--reason", reason, "--actor", "ana"]);
    assert_eq!((&held["waiting"], &held["actor"], &held["kind"]), (&3.into(), &"ana".into(), &Value::Null));
    assert_eq!(held["range"][1], Value::Null);

    // Every command passes them over and says so.
    let caught_up = at(&bench, NOON, "catch-up").expect_exit(0).out;
    assert!(caught_up.contains("3 windows with news are held and were passed over; `reckoner windows list`"), "{caught_up}");
    let again = said(&bench, LATER, &["run", "hourly", "--from", "2026-01-05", "--to", "2026-01-06"]);
    assert_eq!((&again["windows"], &again["held"]), (&0.into(), &3.into()));
    assert_eq!(state(&bench, LATER, "2026-01-05T09:00:00+08:00"), "settled");
    let window = hour(&bench, LATER, "2026-01-05T10:00:00+08:00");
    assert_eq!((text(&window, "state"), &window["settled_seq"]), ("held", &Value::Null));
    assert_eq!((&window["order"]["actor"], &window["order"]["reason"]), (&"ana".into(), &reason.into()));
    let list = at(&bench, LATER, "windows list").expect_exit(0).out;
    for piece in
        ["2026-01-05T10:00:00+08:00 .. 11:00  held ", "held now\n  every window from 2026-01-05T10:00:00+08:00, by ana since"]
    {
        assert!(list.contains(piece), "{piece:?} is missing from:\n{list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 120), "{list}");

    // The frontier waits with them, the books are right, and a monitor says that somebody holds something for too long.
    let status = said(&bench, LATER, &["status"]);
    assert_eq!((&status["windows"]["held"], &status["windows"]["due"]), (&3.into(), &0.into()));
    assert_eq!(status["frontier"], "2026-01-05T10:00:00+08:00");
    at(&bench, LATER, "status --check").expect_exit(1);
    at(&bench, LATER, "verify").expect_exit(0);

    // A release of a part leaves the rest held; one of everything ends it, and a second one has nothing to do.
    let part = said(&bench, LATER, &["windows", "release", "--from", "2026-01-05T12:00:00+08:00"]);
    assert_eq!((&part["due"], &part["held"]), (&1.into(), &0.into()));
    at(&bench, LATER, "catch-up").expect_exit(0);
    assert_eq!(state(&bench, LATER, "2026-01-05T12:00:00+08:00"), "settled");
    assert_eq!(state(&bench, LATER, "2026-01-05T11:00:00+08:00"), "held");
    assert_eq!(said(&bench, LATER, &["windows", "release", "--reason", "mended"])["due"], 2);
    assert_eq!(said(&bench, LATER, &["windows", "release"])["order"], Value::Null);
    at(&bench, LATER, "verify").expect_exit(0); // released and not settled yet is not forgotten
    let settled = said(&bench, LATER, &["catch-up"]);
    assert_eq!((&settled["windows"], &settled["held"]), (&2.into(), &0.into()));
    at(&bench, LATER, "verify --full").expect_exit(0);

    let free = unsettled();
    at(&free, LATER, "catch-up").expect_exit(0);
    assert_eq!(charges(&bench), charges(&free));
}

#[test]
fn news_of_a_settled_window_waits_as_well() {
    let bench = unsettled();
    at(&bench, NOON, "catch-up").expect_exit(0);
    at(&bench, NOON, "windows hold --reason audit").expect_exit(0);
    let first = "record_id,account_id,resource_id,sku,started_at,ended_at\n";
    let usage = at(&bench, NOON, "export charges --format ndjson").out;
    let charge: Value = serde_json::from_str(usage.lines().last().expect("a charge")).expect("a JSON object");
    let (account, sku, start) = (text(&charge, "account_id"), text(&charge, "sku"), text(&charge, "window_start"));
    bench.write(
        "usage-late.csv",
        &format!("{first}late-1,{account},late,{sku},{start},{}\n", start.replace(":00:00+", ":20:00+")),
    );
    at(&bench, LATER, "ingest usage-late.csv").expect_exit(0);

    let before = charges(&bench);
    let passed = said(&bench, LATER, &["catch-up"]);
    assert_eq!(charges(&bench), before);
    assert!(passed["held"].as_u64() >= Some(1), "{passed}");
    at(&bench, LATER, "windows release").expect_exit(0);
    assert_eq!(state(&bench, LATER, start), "news");
    at(&bench, LATER, "catch-up").expect_exit(0);
    assert_eq!(charges(&bench).len(), before.len() + 1);
    at(&bench, LATER, "verify --full").expect_exit(0);
}

#[test]
fn a_window_taken_for_complete_settles_at_once() {
    let bench = unsettled();
    at(&bench, NOON, "windows hold --reason audit").expect_exit(0);
    let range = ["--from", "2026-01-05T12:00:00+08:00", "--to", NOON];
    let words = [&["windows", "force", "hourly"], range.as_slice(), &["--reason", "source B is off", "--actor", "bo"]].concat();
    // At 13:00 sharp: neither the hold nor the ten minutes of the scheduler count.
    let forced = said(&bench, NOON, &words);
    assert_eq!((&forced["windows"], &forced["order"]["actor"]), (&1.into(), &"bo".into()));
    let window = hour(&bench, NOON, "2026-01-05T12:00:00+08:00");
    assert_eq!((text(&window, "state"), &window["order"]["reason"]), ("forced", &"source B is off".into()));
    assert_eq!(state(&bench, NOON, "2026-01-05T11:00:00+08:00"), "held");
    at(&bench, NOON, "verify").expect_exit(0);
    // Again it settles nothing; who said what is kept, and queried by whoever approves the month.
    assert_eq!(said(&bench, NOON, &words)["windows"], 0);
    let orders = said(&bench, NOON, &["windows", "list"])["orders"].clone();
    let actions: Vec<&str> = orders.as_array().expect("orders").iter().map(|order| text(order, "action")).collect();
    assert_eq!(actions, ["hold", "force", "force"]);

    // What is not over, or only a part of a window, is refused, and nothing is kept of it.
    let cases = [
        ("2026-01-05T12:00:00+08:00", "2026-01-05T14:00:00+08:00", "has not come yet"),
        ("2026-01-05T10:30:00+08:00", "2026-01-05T12:00:00+08:00", "lies inside a window"),
        ("2026-01-05T12:00:00+08:00", "2026-01-05T12:00:00+08:00", "nothing lies between"),
    ];
    for (from, to, piece) in cases {
        let refused = at(&bench, NOON, &format!("windows force hourly --from {from} --to {to} --reason x")).expect_exit(2);
        refused.expect_err(&[piece, "hint: "]);
    }
    assert_eq!(said(&bench, NOON, &["windows", "list"])["orders"], orders);
}

#[test]
fn a_hold_and_a_force_have_a_reason() {
    let bench = Bench::with_home();
    assert_eq!(bench.line("windows list").expect_exit(0).out, "no window has input yet\n");
    for line in ["windows hold", "windows force --from 2026-01-05 --to 2026-01-06", "windows force --reason x"] {
        bench.line(line).expect_exit(2).expect_err(&["required arguments were not provided", "hint: "]);
    }
    bench.run(["windows", "hold", "--reason", " "]).expect_exit(2).expect_err(&["is no reason", "it is kept"]);
    bench.run(["windows", "hold", "weekly", "--reason", "x"]).expect_exit(2).expect_err(&["expected one of hourly, daily"]);
    bench.line("windows release").expect_exit(0);
    assert_eq!(bench.line("windows list --json").expect_exit(0).json()["orders"], Value::Array(Vec::new()));
}

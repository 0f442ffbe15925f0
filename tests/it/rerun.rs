//! `rerun`: the plan says what moves and why, applying it posts exactly that, and the plan after it is empty.

use crate::sample_home::{END, after_the_month};
use crate::support::{Bench, Said};
use serde_json::Value;
use std::collections::BTreeMap;

const CLOCK: &str = "2026-01-06T00:00:00+08:00";
const RANGE: &str = "--from 2026-01-05 --to 2026-01-06 --reason correction";
const ACCOUNTS: &str = "account_id,name\na,Ana\nb,Ben\n";
const PRICE_COLUMNS: &str = "sku,product,billing_mode,unit,unit_price,valid_from,revision\n";
const PRICES: &str =
    "vm,ecs,pay_per_use,hour,3.6,2026-01-01T00:00:00+08:00,0\ngb,eip,pay_per_use,GB,0.5,2026-01-01T00:00:00+08:00,0\n";
const USAGE_COLUMNS: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,revision,corrects\n";
/// vm: 3 hours of `a`, 2 half hours of `b`; gb: 10 of `a`. Due 10.80 + 3.60 + 5.00.
const USAGE: &str = "r1,a,i1,vm,2026-01-05T00:00:00+08:00,2026-01-05T03:00:00+08:00,1,,
r2,b,i2,vm,2026-01-05T00:30:00+08:00,2026-01-05T01:30:00+08:00,1,,
r3,a,e1,gb,2026-01-05T00:30:00+08:00,2026-01-05T00:40:00+08:00,10,,
";

fn at(bench: &Bench, line: &str) -> Said {
    bench.run(["--as-of", CLOCK].into_iter().chain(line.split_whitespace()))
}

fn take(bench: &Bench, name: &str, text: &str, exit: i32) {
    bench.write(name, text);
    at(bench, &format!("ingest {name}")).expect_exit(exit);
}

fn usage(bench: &Bench, name: &str, rows: &str, exit: i32) {
    take(bench, name, &format!("{USAGE_COLUMNS}{rows}"), exit);
}

fn prices(bench: &Bench, name: &str, rows: &str) {
    take(bench, name, &format!("{PRICE_COLUMNS}{rows}"), 0);
}

/// A day that is settled.
fn settled() -> Bench {
    let bench = Bench::with_home();
    take(&bench, "accounts.csv", ACCOUNTS, 0);
    prices(&bench, "prices.csv", PRICES);
    usage(&bench, "usage-1.csv", USAGE, 0);
    at(&bench, "catch-up").expect_exit(0);
    bench
}

#[track_caller]
fn plan(bench: &Bench, more: &str) -> Value {
    at(bench, &format!("rerun hourly {RANGE} --json {more}")).expect_exit(0).json()
}

#[track_caller]
fn apply(bench: &Bench, more: &str) -> Value {
    let shown = plan(bench, more);
    let id = shown["plan"].as_str().expect("an id");
    let applied = plan(bench, &format!("{more} --apply {id}"));
    assert_eq!((&applied["lines"], &applied["totals"]), (&shown["lines"], &shown["totals"]), "it posts what it showed");
    applied
}

/// `account sku difference cause` of each line.
fn lines(plan: &Value) -> Vec<String> {
    let text = |line: &Value, column: &str| line[column].as_str().unwrap_or_default().to_owned();
    let line = |line: &Value| ["account_id", "sku", "difference", "cause"].map(|column| text(line, column)).join(" ");
    plan["lines"].as_array().expect("lines").iter().map(line).collect()
}

/// Due amounts at 1e-8 by account, resource, sku and hour, and their quantities at 1e-12.
fn net(bench: &Bench) -> BTreeMap<[String; 4], (i128, i128)> {
    let mut net: BTreeMap<[String; 4], (i128, i128)> = BTreeMap::new();
    for charge in csv::Reader::from_reader(at(bench, "export charges").expect_exit(0).out.as_bytes()).deserialize() {
        let charge: BTreeMap<String, String> = charge.expect("a row");
        let key = ["account_id", "resource_id", "sku", "window_start"].map(|column| charge[column].clone());
        let sum = net.entry(key).or_default();
        let quantity = reckoner_core::number::Quantity::parse(charge["quantity"].trim_start_matches('-')).expect("a quantity");
        let sign = if charge["quantity"].starts_with('-') { -1 } else { 1 };
        let due = reckoner_core::number::Money::parse_signed(&charge["due_amount"]).expect("an amount");
        (sum.0, sum.1) = (sum.0 + i128::from(due.e8()), sum.1 + sign * quantity.e12());
    }
    net.retain(|_, sums| *sums != (0, 0));
    net
}

#[track_caller]
fn is_at_rest(bench: &Bench) {
    let rerun = plan(bench, "");
    assert_eq!((lines(&rerun), &rerun["charges"]), (Vec::new(), &0.into()), "the plan after applying it is empty");
    let settled = at(bench, "catch-up --json").expect_exit(0).json();
    assert_eq!(settled["charges"], 0, "a run posts nothing either");
    at(bench, "verify --full").expect_exit(0);
}

/// A delivery after the day was settled.
struct News {
    what: &'static str,
    deliver: fn(&Bench),
    expected: &'static [&'static str],
}

const NEWS: [News; 6] = [
    News {
        what: "a late file",
        deliver: |bench| usage(bench, "usage-2.csv", "r4,a,e1,gb,2026-01-05T00:30:00+08:00,2026-01-05T00:40:00+08:00,1,,\n", 0),
        expected: &["a gb 0.50000000 input"],
    },
    News { what: "a duplicate file", deliver: |bench| usage(bench, "usage-again.csv", USAGE, 0), expected: &[] },
    News {
        what: "a corrected revision",
        deliver: |bench| usage(bench, "usage-2.csv", "r3,a,e1,gb,2026-01-05T00:30:00+08:00,2026-01-05T00:40:00+08:00,4,1,\n", 0),
        expected: &["a gb -3.00000000 input"],
    },
    News {
        what: "a moved start under a higher revision",
        deliver: |bench| usage(bench, "usage-2.csv", "r2,b,i2,vm,2026-01-05T00:45:00+08:00,2026-01-05T02:15:00+08:00,1,1,\n", 0),
        expected: &["b vm 1.80000000 input"],
    },
    News {
        what: "a price correction",
        deliver: |bench| prices(bench, "prices-2.csv", "vm,ecs,pay_per_use,hour,1.8,2026-01-01T00:00:00+08:00,1\n"),
        expected: &["a vm -5.40000000 price", "b vm -1.80000000 price"],
    },
    News {
        what: "a row delivered before its price, and retried",
        deliver: |bench| {
            usage(bench, "usage-2.csv", "r5,b,d1,disk,2026-01-05T04:00:00+08:00,2026-01-05T05:00:00+08:00,100,,\n", 2);
            prices(bench, "prices-2.csv", "disk,evs,pay_per_use,hour,0.036,2026-01-01T00:00:00+08:00,0\n");
            at(bench, "quarantine retry").expect_exit(0);
        },
        expected: &["b disk 3.60000000 manual"],
    },
];

#[test]
fn what_became_known_is_posted_once_and_the_plan_after_it_is_empty() {
    for News { what, deliver, expected } in NEWS {
        let bench = settled();
        deliver(&bench);
        let before = net(&bench);
        let shown = plan(&bench, "");
        assert_eq!(lines(&shown), expected, "{what}");
        assert_eq!(net(&bench), before, "{what}: planning changes nothing");

        let applied = apply(&bench, "");
        assert_eq!(applied["is_applied"], true);
        is_at_rest(&bench);
        assert_eq!(net(&bench), net(&known_from_the_start(deliver)), "{what}");
    }
}

/// The same deliveries with nothing settled between.
fn known_from_the_start(deliver: fn(&Bench)) -> Bench {
    let bench = Bench::with_home();
    take(&bench, "accounts.csv", ACCOUNTS, 0);
    prices(&bench, "prices.csv", PRICES);
    usage(&bench, "usage-1.csv", USAGE, 0);
    deliver(&bench);
    at(&bench, "catch-up").expect_exit(0);
    bench
}

#[test]
fn all_of_it_in_any_order_gives_equal_charges() {
    // Every file has bytes of its own; that names come again does not matter.
    let chosen = [4, 3, 2, 1];
    let after = |order: &[usize], is_settled_between: bool| {
        let bench = settled();
        for place in order {
            (NEWS[*place].deliver)(&bench);
            if is_settled_between {
                at(&bench, "catch-up").expect_exit(0);
            }
        }
        apply(&bench, "");
        is_at_rest(&bench);
        net(&bench)
    };
    let reversed: Vec<usize> = chosen.into_iter().rev().collect();
    let expected = after(&chosen, false);
    assert_eq!(after(&reversed, false), expected);
    assert_eq!(after(&chosen, true), expected);
    assert_eq!(after(&reversed, true), expected);
}

#[test]
fn a_stale_plan_posts_nothing() {
    let bench = settled();
    (NEWS[4].deliver)(&bench);
    let id = plan(&bench, "")["plan"].as_str().expect("an id").to_owned();
    let before = net(&bench);
    let stale = |line: &str| {
        let said = at(&bench, &format!("rerun hourly {line} --apply {id}")).expect_exit(4);
        said.expect_err(&["is not what a rerun would post now", "hint: look at the new plan"]);
        assert_eq!(net(&bench), before);
    };
    // Another range, part or mode is another plan.
    stale("--from 2026-01-05 --to 2026-01-05T12:00:00+08:00 --reason correction");
    stale(&format!("{RANGE} --account a"));
    stale(&format!("{RANGE} --mode missing"));
    // Input that came between.
    (NEWS[0].deliver)(&bench);
    stale(RANGE);
    // Somebody else was first.
    apply(&bench, "");
    let said = at(&bench, &format!("rerun hourly {RANGE} --apply {id}")).expect_exit(4);
    said.expect_err(&["expected `plan_"]);
    is_at_rest(&bench);
}

#[test]
fn late_usage_after_a_rerun_is_priced_as_the_rerun_was() {
    let bench = settled();
    (NEWS[4].deliver)(&bench);
    apply(&bench, "--account a");
    prices(&bench, "prices-3.csv", "vm,ecs,pay_per_use,hour,7.2,2026-01-01T00:00:00+08:00,2\n");
    let late = "r7,a,i7,vm,2026-01-05T01:00:00+08:00,2026-01-05T02:00:00+08:00,1,,
r8,b,i8,vm,2026-01-05T01:00:00+08:00,2026-01-05T02:00:00+08:00,1,,\n";
    usage(&bench, "usage-3.csv", late, 0);
    at(&bench, "catch-up").expect_exit(0);
    at(&bench, "verify --full").expect_exit(0);
    let net = net(&bench);
    let due = |account: &str, resource: &str| {
        let start = "2026-01-05T01:00:00+08:00";
        net[&[account, resource, "vm", start].map(str::to_owned)].0
    };
    assert_eq!(due("a", "i7"), 180_000_000); // the rerun's 1.8
    assert_eq!(due("b", "i8"), 360_000_000); // never rerun: the first 3.6

    // Everything again: the newest price for both.
    assert_eq!(lines(&apply(&bench, "")), ["a vm 21.60000000 price", "b vm 7.20000000 price"]);
    is_at_rest(&bench);
}

#[test]
fn a_run_of_one_account_keeps_its_prices() {
    let bench = Bench::with_home();
    take(&bench, "accounts.csv", ACCOUNTS, 0);
    prices(&bench, "prices.csv", PRICES);
    usage(&bench, "usage-1.csv", USAGE, 0);
    at(&bench, "run hourly --from 2026-01-05 --to 2026-01-06 --account a").expect_exit(0);
    (NEWS[4].deliver)(&bench);
    let settled = at(&bench, "catch-up --json").expect_exit(0).json();
    assert_eq!(settled["charges"], 2, "only what was not settled: two hours of b");
    at(&bench, "verify --full").expect_exit(0);
    assert_eq!(lines(&plan(&bench, "")), ["a vm -5.40000000 price"]);
}

#[test]
fn a_price_that_is_taken_to_nothing_moves_its_units_too() {
    let bench = settled();
    prices(&bench, "prices-2.csv", "vm,ecs,pay_per_use,hour,0,2026-01-01T00:00:00+08:00,1\n");
    apply(&bench, "--account b");
    at(&bench, "verify --full").expect_exit(0);
    apply(&bench, "");
    is_at_rest(&bench);
    let accounting = at(&bench, "export usage_accounting").expect_exit(0).out;
    let vm: Vec<&str> = accounting.lines().filter(|line| line.contains(",vm,")).collect();
    assert!(!vm.is_empty() && vm.iter().all(|line| line.split(',').nth(5) == Some("0")), "nothing is charged: {accounting}");
}

#[test]
fn modes_take_the_windows_that_they_name() {
    let bench = settled();
    (NEWS[4].deliver)(&bench);
    usage(&bench, "usage-2.csv", "r9,a,i9,vm,2026-01-05T10:00:00+08:00,2026-01-05T11:00:00+08:00,1,,\n", 0);
    assert_eq!(lines(&plan(&bench, "--mode failed")), Vec::<String>::new());
    // The hour that was never settled, at today's price; the others stay.
    assert_eq!(lines(&apply(&bench, "--mode missing")), ["a vm 1.80000000 input"]);
    assert_eq!(plan(&bench, "--mode missing")["windows"], 0);
    assert_eq!(lines(&plan(&bench, "")), ["a vm -5.40000000 price", "b vm -1.80000000 price"]);
    // A window that is held is passed over and counted.
    at(&bench, "windows hold hourly --from 2026-01-05T00:00:00+08:00 --to 2026-01-05T01:00:00+08:00 --reason audit")
        .expect_exit(0);
    let shown = plan(&bench, "");
    assert_eq!((&shown["windows"], &shown["windows_held"]), (&3.into(), &1.into()));
}

#[test]
fn a_rerun_of_the_sample_month_changes_nothing() {
    let bench = after_the_month();
    let line = "rerun hourly --from 2026-01-01 --to 2026-02-01 --reason look --json";
    let shown = bench.run(["--as-of", END].into_iter().chain(line.split(' '))).expect_exit(0).json();
    assert_eq!((lines(&shown), &shown["charges"]), (Vec::new(), &0.into()));
    assert!(shown["windows"].as_u64() > Some(100), "{shown}");
}

#[test]
fn a_person_sees_what_is_covered_and_what_to_do() {
    let bench = settled();
    (NEWS[4].deliver)(&bench);
    let said = at(&bench, &format!("rerun hourly {RANGE}")).expect_exit(0);
    said.expect_err(&["rerun covers 3 windows from 2026-01-05T00:00:00+08:00", "(2026-01-04T16:00:00Z to"]);
    let plain = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for piece in [
        "a vm 2026-01 6 10.80 CNY 5.40 CNY -5.40 CNY price",
        "in all 10 14.40 CNY 7.20 CNY -7.20 CNY",
        "nothing is changed yet; the same command with `--apply plan_",
    ] {
        assert!(plain.contains(piece), "{piece:?} is missing from:\n{}", said.out);
    }
    apply(&bench, "");
    // Who ran what, and why, is on record; every charge of the rerun can be explained.
    let runs = at(&bench, "export runs").expect_exit(0).out;
    assert_eq!(runs.lines().filter(|line| line.contains(",rerun,") && line.ends_with(",correction")).count(), 1, "{runs}");
    let charges = at(&bench, "export charges").expect_exit(0).out;
    for charge in charges.lines().skip(1) {
        let id = charge.split(',').next().expect("an id");
        let story = at(&bench, &format!("explain {id}")).expect_exit(0).out;
        assert!(story.contains("computed again: the same"), "{story}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let bench = settled();
    let refused = |line: &str, pieces: &[&str]| at(&bench, line).expect_exit(2).expect_err(pieces);
    refused("rerun hourly --from 2026-01-05 --to 2026-01-05 --reason x", &["nothing lies between"]);
    refused("rerun hourly --from 2026-01-05 --to 2026-01-06", &["--reason"]);
    refused(&format!("rerun hourly {RANGE} --mode some"), &["missing", "failed", "all"]);
    refused(&format!("rerun hourly {RANGE} --adjust-into 2025-12"), &["`2025-12` lies before the range"]);
    refused(&format!("rerun hourly {RANGE} --dry-run --apply plan_1"), &["--apply"]);
    let open = at(&bench, &format!("rerun hourly {RANGE} --adjust-into 2026-02")).expect_exit(0).out;
    assert!(open.contains("no month of the range is issued"), "{open}");
}

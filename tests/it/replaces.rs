//! A corrected file in the place of an earlier one. The law: once it is taken, the books are as if it had been delivered in
//! the first place; and where that cannot be known, the old row stays, and is named.

use crate::laws::books::{Net, Record, assert_same_net, charges, net};
use crate::support::{Bench, Said};
use serde_json::Value;

const AS_OF: &str = "2026-02-02T00:00:00+08:00";
const COLUMNS: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,revision,corrects";

/// Accounts, and one price of each kind.
const REFERENCE: &[(&str, &str)] = &[
    ("accounts.csv", "account_id,name\na,Ana\nb,Ben\n"),
    ("products.csv", "product,name,overlap\none,One at a time,refuse\n"),
    (
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price,model,tiers,settle\n\
         vm,ecs,pay_per_use,hour,0.37,,,\n\
         gb,eip,pay_per_use,GB,0.37,,,day\n\
         tier,eip,pay_per_use,GB,,graduated,\"[{\"\"up_to\"\":\"\"10\"\",\"\"unit_price\"\":\"\"0.8\"\"},{\"\"unit_price\"\":\"\"0.5\"\"}]\",\n\
         seat,one,pay_per_use,hour,1.8,,,\n",
    ),
];

/// A row: `record account sku from until quantity`, then `rN` for a revision and `>RECORD` for what it corrects. Times are
/// hours and minutes of 5 January.
fn row(text: &str) -> String {
    let cells: Vec<&str> = text.split_whitespace().collect();
    let [record, account, sku, from, until, quantity, rest @ ..] = cells.as_slice() else { panic!("{text}") };
    let revision = rest.iter().find_map(|cell| cell.strip_prefix('r')).unwrap_or("0");
    let corrects = rest.iter().find_map(|cell| cell.strip_prefix('>')).unwrap_or_default();
    let at = |clock: &str| format!("2026-01-05T{clock}:00+08:00");
    format!("{record},{account},res,{sku},{},{},{quantity},{revision},{corrects}\n", at(from), at(until))
}

fn file(rows: &[&str]) -> String {
    rows.iter().fold(format!("{COLUMNS}\n"), |text, one| text + &row(one))
}

/// A home with accounts and prices.
fn home() -> Bench {
    let bench = Bench::with_home();
    for (name, text) in REFERENCE {
        bench.write(name, text);
        at(&bench, &format!("ingest {name}")).expect_exit(0);
    }
    bench
}

fn at(bench: &Bench, line: &str) -> Said {
    bench.run(["--as-of", AS_OF].into_iter().chain(line.split_whitespace()))
}

/// Takes a file in; hands back its receipt.
#[track_caller]
fn take(bench: &Bench, name: &str, text: &str, options: &str, exit: i32) -> Value {
    bench.write(name, text);
    at(bench, &format!("ingest {name} {options} --json")).expect_exit(exit).json()["files"][0].clone()
}

#[track_caller]
fn settle(bench: &Bench) {
    at(bench, "catch-up").expect_exit(0);
}

/// kept, changed, taken back, new, held.
fn counts(receipt: &Value) -> [u64; 5] {
    let of = |key: &str| receipt["replaces"][key].as_u64().unwrap_or_default();
    let held = receipt["replaces"]["held"].as_array().map_or(0, Vec::len) as u64;
    [of("kept"), of("changed"), of("taken_back"), of("added"), held]
}

/// What must not depend on when use became known; of the tiered price the month's amounts.
fn nets(records: &[Record]) -> [Net; 2] {
    let (tiered, flat): (Vec<Record>, Vec<Record>) = records.iter().cloned().partition(|record| record["sku"] == "tier");
    [net(&flat, &["account_id", "sku", "window_start"]), net(&tiered, &["account_id", "sku", "billing_period"])]
}

#[track_caller]
fn assert_same(found: &Bench, expected: &Bench, what: &str) {
    for (found, expected) in nets(&charges(found)).iter().zip(&nets(&charges(expected))) {
        assert_same_net(found, expected, what);
    }
}

/// Everything ties out, and nothing of it is left in quarantine's accounting.
#[track_caller]
fn assert_sound(bench: &Bench) {
    at(bench, "verify --full").expect_exit(0);
    let said = at(bench, "catch-up --json").expect_exit(0).json();
    assert_eq!(said["charges"], 0, "nothing is left to settle");
}

/// what | old rows | new rows | rows of a third file between them | kept, changed, taken back, new
type Case = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], [u64; 4]);

const CASES: &[Case] = &[
    (
        "a row stays, one changes, one goes, one is new",
        &["r1 a vm 10:15 10:45 1", "r2 a gb 10:00 11:00 6", "r3 b vm 11:00 12:30 2"],
        &["r4 b gb 12:00 12:05 3", "r2 a gb 10:00 11:00 5", "r1 a vm 10:15 10:45 1"],
        &[],
        [1, 1, 1, 1],
    ),
    ("nothing is left", &["r1 a vm 10:15 10:45 1", "r2 a tier 10:00 11:00 16"], &[], &[], [0, 0, 2, 0]),
    (
        "a change needs no higher revision, and a lower one will do",
        &["r1 a tier 10:00 10:30 12 r3", "r2 a tier 10:00 10:30 4"],
        &["r1 a tier 10:00 10:30 7 r1", "r2 a tier 10:00 10:30 4"],
        &[],
        [1, 1, 0, 0],
    ),
    (
        "a row moves to another day and account",
        &["r1 a vm 23:30 23:50 1"],
        &["r1 b vm 00:10 00:50 1"],
        &[],
        [0, 0, 1, 1], // an id names a row within its account
    ),
    (
        "other deliveries are not touched",
        &["r1 a vm 10:15 10:45 1", "r2 a vm 10:15 10:45 1"],
        &["r2 a vm 10:15 10:45 3"],
        &["t1 a vm 10:20 10:25 1", "t2 a gb 10:20 10:25 9"],
        [0, 1, 1, 0],
    ),
    (
        "a row that a later delivery revised stays revised",
        &["r1 a vm 10:15 10:45 1", "r2 a vm 10:15 10:45 1"],
        &["r1 a vm 10:15 10:45 1", "r2 a vm 10:15 10:45 3"],
        &["r1 a vm 10:15 10:30 1 r1", "t1 a gb 10:00 10:10 2"],
        [0, 1, 0, 0], // r1 is a duplicate of what is known, and not in force
    ),
    (
        "corrections inside the file stay where they are",
        &["r1 a vm 10:15 10:45 1", "c1 a vm 10:15 10:20 1 >r1", "r2 a gb 10:00 10:10 5", "r2 a gb 10:00 10:10 4 r1"],
        &[
            "r1 a vm 10:15 10:45 1",
            "c1 a vm 10:15 10:20 1 >r1",
            "r2 a gb 10:00 10:10 5",
            "r2 a gb 10:00 10:10 4 r1",
            "r9 a vm 10:00 10:01 1",
        ],
        &[],
        [2, 0, 0, 1],
    ),
    (
        "what a kept correction corrects has changed",
        &["r1 a vm 10:15 10:45 1", "c1 a vm 10:15 10:20 1 >r1"],
        &["c1 a vm 10:15 10:20 1 >r1", "r1 a vm 10:15 10:45 7"],
        &[],
        [1, 0, 0, 1],
    ),
    (
        "a correction is gone, and what it corrected counts again",
        &["r1 a vm 10:15 10:45 1", "c1 a vm 10:15 10:20 1 >r1"],
        &["r1 a vm 10:15 10:45 1"],
        &[],
        [0, 0, 1, 1],
    ),
    (
        "a correction changes",
        &["r1 a vm 10:15 10:45 1", "c1 a vm 10:15 10:20 1 >r1"],
        &["c1 a vm 10:15 10:25 2 >r1", "r1 a vm 10:15 10:45 1"],
        &[],
        [0, 1, 0, 1],
    ),
    (
        "another record corrects the same one",
        &["r1 a vm 10:15 10:45 1", "c1 a vm 10:15 10:20 1 >r1"],
        &["r1 a vm 10:15 10:45 1", "c2 a vm 10:15 10:25 2 >r1"],
        &[],
        [0, 0, 1, 2],
    ),
    (
        "the end of a chain of corrections changes",
        &["c2 a vm 10:00 11:20 2 >c1", "c1 a vm 10:00 11:20 4 >r1", "r1 a vm 11:10 12:30 2"],
        &["c2 a vm 10:00 11:20 3 >c1", "c1 a vm 10:00 11:20 4 >r1", "r1 a vm 11:10 12:30 2"],
        &[],
        [0, 1, 0, 2],
    ),
    (
        "a revision is gone, and the row before it counts again",
        &["r1 a vm 10:15 10:45 1", "r1 a vm 10:15 10:20 1 r1"],
        &["r1 a vm 10:15 10:45 1"],
        &[],
        [0, 1, 0, 0],
    ),
    (
        "use of a thing that one record uses at a time is divided anew",
        &["s1 a seat 10:00 11:00 1", "s2 a seat 11:00 12:00 1"],
        &["s3 a seat 10:30 11:00 1", "s1 a seat 10:00 10:30 1", "s2 a seat 11:00 12:00 1"],
        &[],
        [1, 1, 0, 1],
    ),
];

fn replaced_equals_delivered_instead((what, old, new, third, expected): &Case) {
    // A third delivery that revises the old rows cannot come before the new ones in the other home: it comes after both.
    let fresh = home();
    take(&fresh, "usage-new.csv", &file(new), "", 0);
    if !third.is_empty() {
        take(&fresh, "usage-third.csv", &file(third), "", 0);
    }
    settle(&fresh);

    let bench = home();
    take(&bench, "usage-old.csv", &file(old), "", 0);
    if !third.is_empty() {
        take(&bench, "usage-third.csv", &file(third), "", 0);
    }
    settle(&bench);
    let receipt = take(&bench, "usage-new.csv", &file(new), "--replaces usage-old.csv", 0);
    let [kept, changed, taken_back, added, held] = counts(&receipt);
    assert_eq!([kept, changed, taken_back, added], *expected, "{what}: kept, changed, taken back, new of {receipt}");
    assert_eq!(held, 0, "{what}: {receipt}");
    let rows = new.len() as u64;
    assert_eq!(receipt["rows"].as_u64(), Some(rows), "{what}");
    assert_eq!(receipt["accepted"].as_u64().zip(receipt["duplicates"].as_u64()).map(|(a, d)| a + d), Some(rows), "{what}");
    settle(&bench);
    assert_same(&bench, &fresh, what);
    assert_sound(&bench);
}

#[test]
fn a_replaced_file_equals_the_new_one_alone() {
    CASES[..6].iter().for_each(replaced_equals_delivered_instead);
}

#[test]
fn a_replaced_file_with_corrections_equals_the_new_one_alone() {
    CASES[6..].iter().for_each(replaced_equals_delivered_instead);
}

#[test]
fn replacing_again_and_again_ends_at_the_last() {
    let (one, two, three) = (
        file(&["r1 a vm 10:15 10:45 1", "r2 a gb 10:00 11:00 6", "r3 b vm 11:00 12:30 2"]),
        file(&["r1 a vm 10:15 10:45 1", "r2 a gb 10:00 11:00 5"]),
        file(&["r1 a vm 10:15 10:50 1", "r3 b vm 11:00 12:30 2"]),
    );
    let bench = home();
    take(&bench, "usage-1.csv", &one, "", 0);
    settle(&bench);
    assert_eq!(counts(&take(&bench, "usage-2.csv", &two, "--replaces usage-1.csv", 0)), [1, 1, 1, 0, 0]);
    settle(&bench);
    // r1 lies in the first file still, r3 was taken back with it.
    assert_eq!(counts(&take(&bench, "usage-3.csv", &three, "--replaces usage-2.csv", 0)), [0, 1, 1, 1, 0]);
    settle(&bench);
    let fresh = home();
    take(&fresh, "usage-3.csv", &three, "", 0);
    settle(&fresh);
    assert_same(&bench, &fresh, "three in a row");
    assert_sound(&bench);

    // Said again it has happened already; an older delivery cannot be replaced twice, nor come back.
    let before = charges(&bench);
    let again = take(&bench, "usage-3.csv", &three, "--replaces usage-2.csv", 0);
    assert!(again["notes"][0].as_str().unwrap().contains("nothing changes"), "{again}");
    take(&bench, "usage-3.csv", &three, "--replaces usage-3.csv", 0);
    bench.write("usage-4.csv", &file(&["r1 a vm 10:15 10:45 1"]));
    for old in ["usage-1.csv", "usage-2.csv"] {
        let said = at(&bench, &format!("ingest usage-4.csv --replaces {old}")).expect_exit(2);
        said.expect_err(&["has been replaced already", "what stands in its place now is `usage-3.csv`"]);
    }
    let said = at(&bench, "ingest usage-1.csv --replaces usage-3.csv").expect_exit(2);
    said.expect_err(&["were delivered before and have been replaced", "in another order"]);
    // The old bytes without --replaces are known, and have no effect.
    assert_eq!(take(&bench, "usage-1.csv", &one, "", 0)["accepted"], 0);
    settle(&bench);
    assert_eq!(charges(&bench), before);
}

#[test]
fn an_old_delivery_is_named_so_that_one_is_meant() {
    let bench = home();
    bench.write("usage-new.csv", &file(&["r9 a vm 10:00 10:01 1"]));
    let none = at(&bench, "ingest usage-new.csv --replaces usage-1.csv").expect_exit(2);
    none.expect_err(&["no delivery is called `usage-1.csv`", "no usage file has been delivered yet"]);
    let first = take(&bench, "usage-1.csv", &file(&["r1 a vm 10:00 10:01 1"]), "", 0);
    take(&bench, "usage-1.csv", &file(&["r2 a vm 10:00 10:01 1"]), "", 0); // the same name, another hour

    let id = first["file_id"].as_str().unwrap();
    // OLD | pieces of what is said
    let cases: &[(&str, &[&str])] = &[
        ("usage-1.csv", &["`usage-1.csv` means 2 deliveries", &id[..12]]),
        ("usage-7.csv", &["no delivery is called `usage-7.csv`", "the newest are", &id[..12]]),
        (&id[..5], &["no delivery is called"]), // five characters
        ("prices.csv", &["`prices.csv` holds prices, not usage"]),
    ];
    for (old, pieces) in cases {
        at(&bench, &format!("ingest usage-new.csv --replaces {old}")).expect_exit(2).expect_err(pieces);
    }
    let two = at(&bench, "ingest usage-new.csv usage-1.csv --replaces usage-1.csv").expect_exit(2);
    two.expect_err(&["--replaces with 2 files", "exactly one FILE"]);
    let prices = at(&bench, "ingest prices.csv --replaces prices.csv").expect_exit(2);
    prices.expect_err(&["`prices.csv` does not hold usage"]);
    let missing = at(&bench, "ingest usage-none.csv --replaces usage-1.csv").expect_exit(1);
    missing.expect_err(&["usage-none.csv"]);
    let taken =
        take(&bench, "usage-new.csv", &file(&["r9 a vm 10:00 10:01 1"]), &format!("--replaces {}", id[..6].to_uppercase()), 0);
    assert_eq!(counts(&taken), [0, 0, 1, 1, 0]);
    // Of two with one name, one has been replaced: the other is meant.
    assert_eq!(
        counts(&take(&bench, "usage-newer.csv", &file(&["r8 a vm 10:00 10:01 1"]), "--replaces usage-1.csv", 0)),
        [0, 0, 1, 1, 0]
    );
}

#[test]
fn a_refused_row_holds_the_old_one() {
    let bench = home();
    take(&bench, "usage-old.csv", &file(&["r1 a vm 10:00 10:30 1", "r2 a vm 11:00 11:30 1", "r3 a vm 12:00 12:30 1"]), "", 0);
    settle(&bench);
    let before = charges(&bench);
    // r1 cannot be priced now; r3 is gone.
    let new = file(&["r1 a nosuch 10:00 10:20 1", "r2 a vm 11:00 11:30 1"]);
    let receipt = take(&bench, "usage-new.csv", &new, "--replaces usage-old.csv", 2);
    assert_eq!((counts(&receipt), &receipt["refused"]), ([1, 0, 1, 0, 1], &1.into()));
    let held = &receipt["replaces"]["held"][0];
    assert_eq!((&held["record_id"], &held["line"]), (&"r1".into(), &2.into()));
    settle(&bench);
    let r1: Vec<Record> = charges(&bench).into_iter().filter(|charge| charge["window_start"].contains("T10")).collect();
    assert_eq!(r1, [before[0].clone()], "the use of r1 stays charged");
    assert_sound(&bench);

    // Once the row can be taken, it takes the old one's place, without a higher revision.
    bench.write("prices-2.csv", "sku,product,billing_mode,unit,unit_price\nnosuch,ecs,pay_per_use,hour,3.6\n");
    at(&bench, "ingest prices-2.csv").expect_exit(0);
    at(&bench, "quarantine retry").expect_exit(0);
    settle(&bench);
    let fresh = home();
    at(&fresh, &format!("ingest {}", bench.path("prices-2.csv").display())).expect_exit(0);
    take(&fresh, "usage-new.csv", &new, "", 0);
    settle(&fresh);
    assert_same(&bench, &fresh, "retried");
    assert_sound(&bench);
}

#[test]
fn a_line_without_a_name_holds_what_it_may_have_meant() {
    let bench = home();
    take(&bench, "usage-old.csv", &file(&["r1 a vm 10:00 10:30 1", "r2 a vm 11:00 11:30 1"]), "", 0);
    let new = file(&["r1 a vm 10:00 10:10 1"]) + "too,few\n";
    let receipt = take(&bench, "usage-new.csv", &new, "--replaces usage-old.csv", 2);
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 1]);
    let why = receipt["replaces"]["held"][0]["why"].as_str().unwrap();
    assert!(why.contains("line 3 of the new file") && why.contains("does not say which record"), "{why}");
    // Another try replaces the whole: also what lies in the first file.
    let newest = file(&["r1 a vm 10:00 10:10 1"]);
    assert_eq!(counts(&take(&bench, "usage-newest.csv", &newest, "--replaces usage-new.csv", 0)), [1, 0, 1, 0, 0]);
    settle(&bench);
    assert_sound(&bench);
    let items = at(&bench, "quarantine list --json").expect_exit(0).json();
    assert_eq!(items["items"][0]["status"], "superseded");
}

#[test]
fn a_row_that_corrects_another_delivery_is_not_taken_back_alone() {
    let bench = home();
    take(&bench, "usage-0.csv", &file(&["x1 a vm 10:00 11:00 1", "x2 a vm 11:00 12:00 1"]), "", 0);
    take(
        &bench,
        "usage-old.csv",
        &file(&["c1 a vm 10:00 10:30 1 >x1", "x2 a vm 11:00 11:30 1 r1", "r1 a gb 10:00 10:10 2"]),
        "",
        0,
    );
    settle(&bench);
    // Without c1 and x2 nobody would count x1 and x2 at all.
    let receipt = take(&bench, "usage-new.csv", &file(&["r2 a gb 10:00 10:10 2"]), "--replaces usage-old.csv", 2);
    assert_eq!(counts(&receipt), [0, 0, 1, 1, 2]);
    let why = receipt["replaces"]["held"][0]["why"].as_str().unwrap();
    assert!(why.contains("in the place of `x1` of another file"), "{why}");
    // A row under the held one's id must say what it corrects.
    let dropped = take(&bench, "usage-2.csv", &file(&["c1 a vm 10:00 10:15 1"]), "--replaces usage-new.csv", 2);
    assert_eq!((counts(&dropped)[4], &dropped["refusals"][0]["reason"]), (2, &"correction_dropped".into()));
    // Said under another id, it takes the held one's place.
    let said = take(
        &bench,
        "usage-3.csv",
        &file(&["c2 a vm 10:00 10:15 1 >x1", "x2 a vm 11:00 11:10 1 r1"]),
        "--replaces usage-2.csv",
        0,
    );
    assert_eq!(counts(&said), [0, 2, 0, 0, 0]);
    settle(&bench);
    let fresh = home();
    take(&fresh, "usage-1.csv", &file(&["c2 a vm 10:00 10:15 1", "x2 a vm 11:00 11:10 1"]), "", 0);
    settle(&fresh);
    assert_same(&bench, &fresh, "corrected elsewhere");
    assert_sound(&bench);
}

#[test]
fn a_row_that_another_delivery_has_too_stays() {
    let bench = home();
    let (r1, r2) = ("r1 a vm 10:00 10:30 1", "r2 a vm 11:00 11:30 1");
    take(&bench, "usage-old.csv", &file(&[r1, r2]), "", 0);
    assert_eq!(take(&bench, "usage-third.csv", &file(&["t1 a gb 10:00 10:10 1", r1]), "", 0)["duplicates"], 1);
    let receipt = take(&bench, "usage-new.csv", &file(&["r3 a vm 11:00 11:10 1"]), "--replaces usage-old.csv", 2);
    assert_eq!(counts(&receipt), [0, 0, 1, 1, 1]);
    let why = receipt["replaces"]["held"][0]["why"].as_str().unwrap();
    assert_eq!(why, "`usage-third.csv:3` has it too, and is not replaced");
    settle(&bench);
    let fresh = home();
    take(&fresh, "usage-new.csv", &file(&["r3 a vm 11:00 11:10 1"]), "", 0);
    take(&fresh, "usage-third.csv", &file(&["t1 a gb 10:00 10:10 1", r1]), "", 0);
    settle(&fresh);
    assert_same(&bench, &fresh, "delivered twice");
    assert_sound(&bench);
}

#[test]
fn what_was_taken_back_may_come_again() {
    let bench = home();
    take(&bench, "usage-1.csv", &file(&["r1 a vm 10:00 10:30 1", "r2 a vm 11:00 11:30 1"]), "", 0);
    settle(&bench);
    take(&bench, "usage-2.csv", &file(&["r2 a vm 11:00 11:30 1"]), "--replaces usage-1.csv", 0);
    settle(&bench);
    // The row is not known any more: the same again is new, and other content is no conflict.
    assert_eq!(take(&bench, "usage-3.csv", &file(&["r1 a vm 10:00 10:30 1"]), "", 0)["accepted"], 1);
    settle(&bench);
    let fresh = home();
    take(&fresh, "usage-1.csv", &file(&["r1 a vm 10:00 10:30 1", "r2 a vm 11:00 11:30 1"]), "", 0);
    settle(&fresh);
    assert_same(&bench, &fresh, "taken back and come again");
    assert_sound(&bench);
}

#[test]
fn what_cannot_be_trusted_changes_nothing() {
    let bench = home();
    take(&bench, "usage-old.csv", &file(&["r1 a vm 10:00 10:30 1", "r2 a nosuch 11:00 11:30 1"]), "", 2);
    settle(&bench);
    let before = charges(&bench);
    let cut = file(&["r1 a vm 10:00 10:10 1"]);
    let receipt = take(&bench, "usage-cut.csv", cut.trim_end(), "--replaces usage-old.csv", 2);
    assert!(receipt["refused_whole"].is_string() && receipt["replaces"].is_null(), "{receipt}");
    settle(&bench);
    assert_eq!(charges(&bench), before);
    let items = at(&bench, "quarantine list --json").expect_exit(0).json();
    assert!(items["items"].as_array().unwrap().iter().all(|item| item["status"] == "open"), "{items}");

    // A file that was refused whole has no rows; what is sent in its place is taken, and it waits no longer.
    let whole = take(&bench, "usage-whole.csv", &file(&["r5 a vm 10:00 10:10 1"]), "--replaces usage-cut.csv", 0);
    assert_eq!(counts(&whole), [0, 0, 0, 1, 0]);
    settle(&bench);
    assert_sound(&bench);
    let items = at(&bench, "quarantine list --json").expect_exit(0).json();
    let statuses: Vec<&str> = items["items"].as_array().unwrap().iter().map(|item| item["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == "superseded").count(), 1, "{items}");
}

#[test]
fn a_file_that_was_taken_plainly_can_replace_afterwards() {
    let (old, new) = (
        file(&["r1 a vm 10:15 10:45 1", "r2 a gb 10:00 11:00 6", "r3 b vm 11:00 12:30 2"]),
        file(&["r1 a vm 10:15 10:45 1", "r2 a gb 10:00 11:00 5", "r4 b gb 12:00 12:05 3"]),
    );
    let bench = home();
    take(&bench, "usage-1.csv", &old, "", 0);
    settle(&bench);
    assert_eq!(take(&bench, "usage-2.csv", &new, "", 2)["refused"], 1); // r2 conflicts
    settle(&bench);
    let receipt = take(&bench, "usage-2.csv", &new, "--replaces usage-1.csv", 0);
    assert_eq!((counts(&receipt), &receipt["accepted"], &receipt["refused"]), ([1, 1, 1, 0, 0], &1.into(), &0.into()));
    settle(&bench);
    let fresh = home();
    take(&fresh, "usage-2.csv", &new, "", 0);
    settle(&fresh);
    assert_same(&bench, &fresh, "replaced afterwards");
    assert_sound(&bench);
    let items = at(&bench, "quarantine list --json").expect_exit(0).json();
    assert_eq!(items["items"][0]["status"], "retried");
}

#[test]
fn what_a_replacement_did_is_told_and_explained() {
    let bench = home();
    take(&bench, "usage-1.csv", &file(&["r1 a vm 10:15 10:45 1", "r2 a vm 11:00 11:30 6"]), "", 0);
    settle(&bench);
    bench.write("usage-2.csv", &file(&["r2 a vm 11:00 11:30 5"]));
    let said = at(&bench, "ingest usage-2.csv --replaces usage-1.csv").expect_exit(0).out;
    let told = "usage-2.csv: stands in the place of `usage-1.csv`: 0 rows kept, 1 changed, 1 taken back, 0 new\n";
    assert!(said.contains(told) && said.contains("settles with the next `reckoner catch-up`"), "{said}");
    settle(&bench);
    let gone = charges(&bench).into_iter().find(|charge| charge["corrects"].is_empty()).unwrap();
    let story = at(&bench, &format!("explain {}", gone["charge_id"])).expect_exit(0).out;
    assert!(story.contains("was replaced by usage-2.csv\n"), "a row that was taken back names the file:\n{story}");
}

/// Rows taken again while what they correct is among them, in any order; and a chain of corrections inside one file.
#[test]
fn a_chain_of_corrections_comes_out_the_same_in_every_order() {
    let chain = ["r1 a vm 10:00 11:00 1", "c1 a vm 10:00 10:30 1 >r1", "c2 a vm 10:00 10:20 1 >c1", "c3 a vm 10:00 10:10 1 >c2"];
    let fresh = home();
    take(&fresh, "usage-1.csv", &file(&["c3 a vm 10:00 10:10 1"]), "", 0);
    settle(&fresh);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 3, 2, 0]] {
        let bench = home();
        let receipt = take(&bench, "usage-1.csv", &file(&order.map(|place| chain[place])), "", 0);
        assert_eq!((&receipt["accepted"], &receipt["refused"]), (&4.into(), &0.into()), "{order:?}");
        settle(&bench);
        assert_same(&bench, &fresh, &format!("{order:?}"));
    }
}

#[test]
fn a_chain_of_corrections_is_whole_whatever_the_size_of_a_batch() {
    let bench = home();
    let settings = bench.read("reckoner-home/reckoner.toml");
    bench.write("reckoner-home/reckoner.toml", &settings.replace("batch_rows = 500000", "batch_rows = 1"));
    let rows = ["c3 a vm 10:00 10:10 1 >c2", "c2 a vm 10:00 10:20 1 >c1", "c1 a vm 10:00 10:30 1 >r1", "r1 a vm 10:00 11:00 1"];
    let receipt = take(&bench, "usage-1.csv", &file(&rows), "", 0);
    assert_eq!((&receipt["rows"], &receipt["accepted"]), (&4.into(), &4.into()));
    // One that waits for nobody in the file waits in quarantine, with its place.
    let receipt = take(
        &bench,
        "usage-2.csv",
        &file(&["d2 a vm 10:00 10:20 1 >d1", "e1 a vm 10:00 10:30 1 >none", "d1 a vm 10:00 10:30 1 >c3"]),
        "",
        2,
    );
    assert_eq!((&receipt["rows"], &receipt["accepted"], &receipt["refusals"][0]["line"]), (&3.into(), &2.into(), &3.into()));
    settle(&bench);
    assert_sound(&bench);
}

#[test]
fn rows_taken_again_correct_each_other_in_any_order() {
    let bench = home();
    let rows = ["c2 a late 10:00 10:20 1 >c1", "c1 a late 10:00 10:30 1 >r1", "r1 a late 10:00 11:00 1"];
    assert_eq!(take(&bench, "usage-1.csv", &file(&rows), "", 2)["refused"], 3);
    bench.write("prices-2.csv", "sku,product,billing_mode,unit,unit_price\nlate,ecs,pay_per_use,hour,3.6\n");
    at(&bench, "ingest prices-2.csv").expect_exit(0);
    let said = at(&bench, "quarantine retry --json").expect_exit(0).json();
    assert_eq!((&said["accepted"], &said["refused"]), (&3.into(), &0.into()), "{said}");
    settle(&bench);
    let due: Vec<String> = charges(&bench).into_iter().map(|charge| charge["due_amount"].clone()).collect();
    assert_eq!(due, ["1.20000000"]);
    assert_sound(&bench);
    // What was in quarantine is out of it, under the unit and account with which it was counted there.
    let accounting = at(&bench, "export usage_accounting").expect_exit(0).out;
    let quarantined: Vec<String> =
        crate::laws::books::read_csv(&accounting).into_iter().map(|row| row["quarantined"].clone()).collect();
    assert!(quarantined.iter().all(|units| units == "0"), "{accounting}");
}

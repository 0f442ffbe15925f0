//! Usage files are taken and settled in columns from a size on, and row by row below it: which way a file goes leaves no
//! trace in anything that can be exported.

mod world;

use super::books::{command, name_of};
use super::month::{Row, write_csv, write_parquet_in_groups};
use crate::support::Bench;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use world::{CLOCK, World};

/// What a home shows.
const TABLES: [&str; 11] = [
    "charges",
    "payments",
    "settlements",
    "usage_accounting",
    "quarantine",
    "runs",
    "accounts",
    "files",
    "vouchers",
    "orders",
    "subscriptions",
];

/// How a home takes its usage files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Every file row by row.
    Rows,
    /// Every file in columns.
    Columns,
    /// The first file in columns, the next row by row, and so on.
    InTurn,
}

const OTHER_WAYS: &[Way] = &[Way::Columns, Way::InTurn];

impl Way {
    fn is_in_columns(self, file: usize) -> bool {
        match self {
            Self::Rows => false,
            Self::Columns => true,
            Self::InTurn => file.is_multiple_of(2),
        }
    }
}

/// What a seed stands for.
#[derive(Clone, Copy)]
struct Case {
    seed: u64,
    zone: &'static str,
    rows: u32,
    batch_rows: u32,
    has_discount_of_all: bool,
    /// Ways that are held against that row by row.
    ways: &'static [Way],
}

/// A home that goes its way.
struct Home {
    bench: Bench,
    way: Way,
    files: usize,
}

impl Home {
    fn new(case: Case, way: Way) -> Self {
        let bench = Bench::new();
        bench.line(&format!("init --zone {} --currency CNY", case.zone)).expect_exit(0);
        let home = Self { bench, way, files: 0 };
        home.set("batch_rows", case.batch_rows.into());
        home
    }

    fn set(&self, key: &str, value: u64) {
        const PATH: &str = "reckoner-home/reckoner.toml";
        let settings = self.bench.read(PATH);
        let line = settings.lines().find(|line| line.starts_with(&format!("{key} = "))).expect(key).to_owned();
        self.bench.write(PATH, &settings.replace(&line, &format!("{key} = {value}")));
    }

    /// `ingest` of one usage file by the home's way; hands back what it says.
    fn takes(&mut self, file: &Path, more: &[&str]) -> Value {
        self.set("bulk_bytes", if self.way.is_in_columns(self.files) { 0 } else { 1 << 40 });
        self.files += 1;
        self.says(&[&["ingest"], more].concat(), &[file.to_owned()])
    }

    /// What a command says, with the exit code in it; receipts differ in nothing.
    fn says(&self, args: &[&str], files: &[PathBuf]) -> Value {
        let said = command(&self.bench, &[args, &["--json", "--as-of", CLOCK]].concat(), files);
        assert!(said.exit == 0 || said.exit == 2, "{:?} {args:?}: {}{}", self.way, said.out, said.err);
        let mut document = said.json();
        without_paths(&mut document);
        document["exit"] = said.exit.into();
        document
    }

    #[track_caller]
    fn shows(&self, table: &str) -> String {
        self.bench.line(&format!("export {table}")).expect_exit(0).out
    }
}

/// Folders of a home are its own.
fn without_paths(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|key, _| !["path", "home", "raw", "duration_ms"].contains(&key.as_str()));
            entries.values_mut().for_each(without_paths);
        }
        Value::Array(values) => values.iter_mut().for_each(without_paths),
        _ => {}
    }
}

/// Homes that take the same, each by its way; the first row by row.
struct Homes {
    case: Case,
    homes: Vec<Home>,
}

impl Homes {
    fn new(case: Case) -> Self {
        let ways = std::iter::once(Way::Rows).chain(case.ways.iter().copied());
        Self { case, homes: ways.map(|way| Home::new(case, way)).collect() }
    }

    /// Every home does it, and all say the same.
    #[track_caller]
    fn all(&mut self, what: &str, does: impl Fn(&mut Home) -> Value) {
        let said: Vec<Value> = self.homes.iter_mut().map(does).collect();
        for (home, other) in self.homes.iter().zip(&said).skip(1) {
            let text = |value: &Value| serde_json::to_string_pretty(value).unwrap();
            assert_same(&text(other), &text(&said[0]), &self.at(home, what));
        }
    }

    /// What they show is the same.
    #[track_caller]
    fn show_the_same(&self, what: &str) {
        for table in TABLES {
            let expected = self.homes[0].shows(table);
            for home in &self.homes[1..] {
                assert_same(&home.shows(table), &expected, &format!("{}: {table}", self.at(home, what)));
            }
        }
    }

    fn at(&self, home: &Home, what: &str) -> String {
        format!("seed {}, {}, {:?}, {what}", self.case.seed, self.case.zone, home.way)
    }

    #[track_caller]
    fn settle(&mut self, what: &str) {
        self.all(what, |home| home.says(&["catch-up"], &[]));
        self.show_the_same(what);
    }

    #[track_caller]
    fn verify(&self, what: &str) {
        for home in &self.homes {
            let said = home.bench.run(["verify", "--full", "--as-of", CLOCK]);
            assert_eq!(said.exit, 0, "{}: {}{}", self.at(home, what), said.out, said.err);
        }
    }

    /// How many rows a table has.
    fn count(&self, table: &str) -> usize {
        self.homes[0].shows(table).lines().count() - 1
    }
}

#[track_caller]
fn assert_same(found: &str, expected: &str, what: &str) {
    if found == expected {
        return;
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (found, expected) = (lines(found), lines(expected));
    let first = |lines: std::collections::btree_set::Difference<'_, String>, sign| {
        lines.take(6).map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    let (more, less) = (first(found.difference(&expected), '+'), first(expected.difference(&found), '-'));
    panic!("{what}\n{more}{less}");
}

fn write(folder: &Bench, number: usize, rows: &[Row]) -> PathBuf {
    match number % 2 {
        0 => write_csv(folder.path(&format!("usage-{number}.csv")), rows),
        _ => write_parquet_in_groups(folder.path(&format!("usage-{number}.parquet")), rows, 13),
    }
}

/// Deliveries of all kinds, settled in between: first, late, retried, reran, replaced.
fn no_way_leaves_a_trace(case: Case) {
    let folder = Bench::new();
    let mut world = World::new(case.seed, case.zone);
    let files: Vec<Vec<Row>> = (0..5).map(|_| world.file(case.rows)).collect();
    let new = world.instead_of(&files[0]);
    let paths: Vec<PathBuf> = files.iter().enumerate().map(|(number, rows)| write(&folder, number, rows)).collect();
    let new = write_csv(folder.path("usage-new.csv"), &new);
    let (reference, put_right) = (world::reference(&folder, case.has_discount_of_all), world::put_right(&folder));
    let mut homes = Homes::new(case);

    homes.all("reference", |home| home.says(&["ingest"], &reference));
    for path in &paths[..2] {
        homes.all(&name_of(path), |home| home.takes(path, &[]));
    }
    homes.all("some hours", |home| home.says(&["catch-up", "--until", "2026-03-29T12:00:00Z"], &[]));
    let range = ["--from", "2026-03-29", "--to", "2026-03-31"];
    homes.all("an account", |home| home.says(&[&["run", "hourly", "--account", "p-4"], &range[..]].concat(), &[]));
    homes.show_the_same("an account");
    homes.all("a sku", |home| home.says(&[&["run", "hourly", "--sku", "gb"], &range[..]].concat(), &[]));
    homes.all(&name_of(&paths[2]), |home| home.takes(&paths[2], &[]));
    homes.all("a dry run", |home| home.says(&["run", "hourly", "--dry-run"], &[]));
    homes.settle("the rest");
    homes.verify("the rest");
    assert!(homes.count("charges") > 30, "there is something to differ in");

    for path in &paths[3..4] {
        homes.all(&name_of(path), |home| home.takes(path, &[]));
    }
    homes.settle("late");
    homes.all("put right", |home| home.says(&["ingest"], &put_right));
    homes.all("retried", |home| home.says(&["quarantine", "retry"], &[]));
    homes.settle("retried");
    homes.all(&name_of(&paths[4]), |home| home.takes(&paths[4], &[]));

    let rerun = [&["rerun", "hourly", "--reason", "a wrong price"], &range[..]].concat();
    homes.all("reran", |home| {
        // A plan is named by the files of the lake too, and is its home's own.
        let mut plan = home.says(&rerun, &[]);
        let plan_id = plan["plan"].take();
        let mut applied = home.says(&[&rerun[..], &["--apply", plan_id.as_str().expect("a plan")]].concat(), &[]);
        applied["plan"].take();
        Value::Array(vec![plan, applied])
    });
    homes.settle("reran");

    homes.all("replaced", |home| home.takes(&new, &["--replaces", &name_of(&paths[0])]));
    homes.settle("replaced");
    homes.verify("replaced");
    for table in ["charges", "payments", "quarantine", "usage_accounting"] {
        assert!(homes.count(table) > 8, "{table} has something to differ in");
    }
    let refused = homes.homes[0].shows("quarantine");
    assert!(refused.matches(",after_end,").count() > 2, "use after the end is met: {refused}");
}

/// Parts of one file that use the same, as where every resource reports each half hour: both count.
#[test]
fn parts_that_come_to_the_same_are_all_counted() {
    let halves = [("00:00", "00:30"), ("00:30", "01:00")];
    let rows: Vec<Row> =
        halves.iter().flat_map(|(from, until)| (0..13).map(move |resource| half(resource, from, until))).collect();
    let homes = settled_at_once("UTC", &rows);
    assert!(homes.homes[0].shows("charges").contains(",3600,hour,"), "an hour each");
}

/// A row that another part of its file has brought is no row of this part's file, however early it begins.
#[test]
fn what_is_delivered_again_does_not_stretch_a_file() {
    let mut rows: Vec<Row> = (0..13).map(|resource| half(resource, "00:00", "00:30")).collect();
    rows.extend((0..12).map(|resource| half(resource, "05:00", "05:30")));
    rows.push(half(0, "00:00", "00:30"));
    settled_at_once("UTC", &rows);
}

/// The hour begins on the day before, and all of its use is of the day after.
#[test]
fn use_after_a_midnight_that_cuts_an_hour_is_found() {
    let homes = settled_at_once("Asia/Kolkata", &[half(1, "18:31", "18:40")]);
    assert_eq!(homes.count("usage_accounting"), 1);
}

/// Takes one file and settles it, each home by its way.
#[track_caller]
fn settled_at_once(zone: &'static str, rows: &[Row]) -> Homes {
    let case = Case { seed: 0, zone, rows: 0, batch_rows: 500_000, has_discount_of_all: false, ways: OTHER_WAYS };
    let folder = Bench::new();
    let file = write_parquet_in_groups(folder.path("usage.parquet"), rows, 13);
    let mut homes = Homes::new(case);
    let reference = world::reference(&folder, false);
    homes.all("reference", |home| home.says(&["ingest"], &reference));
    homes.all("taken", |home| home.takes(&file, &[]));
    homes.show_the_same("taken");
    homes.settle("settled");
    homes.verify("settled");
    homes
}

fn half(resource: i64, from: &str, until: &str) -> Row {
    let row = Row(std::array::from_fn(|_| String::new()));
    row.with("record_id", format!("{resource}-{from}"))
        .with("account_id", "p-0")
        .with("resource_id", format!("r-{resource}"))
        .with("sku", "flat")
        .with("started_at", format!("2026-03-29T{from}:00Z"))
        .with("ended_at", format!("2026-03-29T{until}:00Z"))
        .with("quantity", "1")
}

#[test]
#[ignore = "takes a minute and more; the two below are like it"]
fn the_way_of_a_file_leaves_no_trace_in_utc() {
    no_way_leaves_a_trace(Case {
        seed: 1,
        zone: "UTC",
        rows: 26,
        batch_rows: 500_000,
        has_discount_of_all: false,
        ways: OTHER_WAYS,
    });
}

#[test]
#[ignore = "takes a minute and more; the two below are like it"]
fn the_way_of_a_file_leaves_no_trace_in_beijing() {
    no_way_leaves_a_trace(Case {
        seed: 2,
        zone: "+08:00",
        rows: 26,
        batch_rows: 500_000,
        has_discount_of_all: true,
        ways: OTHER_WAYS,
    });
}

#[test]
fn the_way_of_a_file_leaves_no_trace_where_midnight_cuts_hours() {
    no_way_leaves_a_trace(Case {
        seed: 3,
        zone: "Asia/Kolkata",
        rows: 18,
        batch_rows: 500_000,
        has_discount_of_all: false,
        ways: &[Way::InTurn],
    });
}

#[test]
fn the_way_of_a_file_leaves_no_trace_when_clocks_change() {
    no_way_leaves_a_trace(Case {
        seed: 4,
        zone: "Europe/Paris",
        rows: 18,
        batch_rows: 500_000,
        has_discount_of_all: false,
        ways: &[Way::Columns],
    });
}

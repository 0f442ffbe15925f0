//! A home that lived through the sample month: delivered in two parts with a settlement between, so that it has late and
//! corrected use, refused rows and duplicates.

use crate::support::{Bench, Said};
use serde_json::Value;

/// The clock at the month's end.
pub const END: &str = "2026-02-02T00:00:00+08:00";
const MIDDLE: &str = "2026-01-05T13:00:00+08:00";

/// What was delivered before anything was settled.
const FIRST: &[&str] = &["usage-2026-01-02T09", "usage-2026-01-05T13"];
const REFERENCE: &[&str] = &[
    "accounts-2026-01",
    "products-2026-01",
    "prices-2026-01",
    "prices-2026-01_revised",
    "discounts-2026-01",
    "vouchers-2026-01",
    "funds-2026-01",
];
const LATER: &[&str] = &[
    "usage-2026-01-06T09",
    "usage-2026-01-12T08",
    "usage-2026-01-16T09",
    "usage-2026-01-24T20",
    "usage-2026-02-01T02",
    "usage-2026-02-01T09",
];

/// The home after the month.
pub fn after_the_month() -> Bench {
    let bench = in_january();
    ingest(&bench, LATER, END).expect_exit(2); // eleven rows are refused on purpose
    at(&bench, END, "catch-up").expect_exit(0);
    bench
}

/// The home at 13:00 of 5 January, settled up to there.
pub fn in_january() -> Bench {
    let bench = unsettled();
    at(&bench, MIDDLE, "catch-up").expect_exit(0);
    bench
}

/// The home at 13:00 of 5 January, with nothing settled.
pub fn unsettled() -> Bench {
    let bench = Bench::with_home();
    ingest(&bench, REFERENCE, MIDDLE).expect_exit(2); // two price rows are refused on purpose
    ingest(&bench, FIRST, MIDDLE).expect_exit(0);
    bench
}

/// A command line at an instant.
pub fn at(bench: &Bench, clock: &str, line: &str) -> Said {
    bench.run(["--as-of", clock].into_iter().chain(line.split_whitespace()))
}

/// The rows of a table at the month's end.
pub fn rows(bench: &Bench, line: &str) -> Vec<Value> {
    let said = at(bench, END, &format!("export {line} --format ndjson")).expect_exit(0);
    said.out.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

fn ingest(bench: &Bench, names: &[&str], clock: &str) -> Said {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data");
    let files: Vec<String> = names.iter().map(|name| format!("{folder}/{name}.csv")).collect();
    bench.run(["--as-of", clock, "ingest"].into_iter().chain(files.iter().map(String::as_str)))
}

/// The text of a row's column; empty where it has none.
pub fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

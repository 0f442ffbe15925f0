//! Homes as the laws use them: delivering, settling, reading exports by column, summing them by key.

use crate::support::{Bench, Said};
use reckoner_core::number::DecimalShape;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The clock of the sample month's end.
pub const MONTH_END: &str = "2026-02-02T00:00:00+08:00";

/// The columns of a charge that add up, in this order.
pub const SUMS: [&str; 5] = ["quantity", "list_amount", "discount_amount", "truncated_amount", "due_amount"];

/// One row of a table, by column.
pub type Record = BTreeMap<String, String>;

/// Sums at 1e-12 of [`SUMS`], by key.
pub type Net = BTreeMap<Vec<String>, [i128; 5]>;

pub fn sample_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data")
}

/// The sample's files whose names begin so, in the order of names.
pub fn sample_files(beginning: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(sample_data()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file() && name_of(path).ends_with(".csv")).collect();
    files.retain(|path| name_of(path).starts_with(beginning));
    files.sort();
    assert!(!files.is_empty(), "no sample file begins with {beginning}");
    files
}

pub fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

pub fn read_csv(text: &str) -> Vec<Record> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// Takes files in and hands back what was said as JSON; exit 0 and 2 are both answers.
#[track_caller]
pub fn ingest(bench: &Bench, as_of: &str, files: &[PathBuf]) -> Value {
    let said = command(bench, &["ingest", "--json", "--as-of", as_of], files);
    assert!(said.exit == 0 || said.exit == 2, "exit {}: {}{}", said.exit, said.out, said.err);
    said.json()
}

#[track_caller]
pub fn command(bench: &Bench, args: &[&str], files: &[PathBuf]) -> Said {
    bench.run(args.iter().copied().chain(files.iter().map(|path| path.to_str().unwrap())))
}

#[track_caller]
pub fn catch_up(bench: &Bench, as_of: &str) -> Value {
    bench.run(["catch-up", "--json", "--as-of", as_of]).expect_exit(0).json()
}

/// Everything that a settlement says of itself is nothing.
#[track_caller]
pub fn nothing_is_left_to_settle(bench: &Bench, as_of: &str) {
    let said = catch_up(bench, as_of);
    assert_eq!((&said["windows"], &said["charges"], &said["funds"]), (&0.into(), &0.into(), &0.into()), "{said}");
}

/// The charges and payments of a home, as bytes.
#[track_caller]
pub fn exports(bench: &Bench) -> [String; 3] {
    ["charges", "charges --format ndjson", "payments"].map(|table| bench.line(&format!("export {table}")).expect_exit(0).out)
}

#[track_caller]
pub fn charges(bench: &Bench) -> Vec<Record> {
    read_csv(&bench.line("export charges").expect_exit(0).out)
}

/// A signed decimal at 1e-12.
pub fn e12(text: &str) -> i128 {
    let shape = DecimalShape { digits_before_point: 20, is_signed: true, ..DecimalShape::QUANTITY };
    shape.parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Sums of charges by the columns of `key`; keys that come to nothing at all are dropped.
pub fn net(records: &[Record], key: &[&str]) -> Net {
    let mut net = Net::new();
    for record in records {
        let key = key.iter().map(|column| record[*column].clone()).collect();
        let sums = net.entry(key).or_default();
        for (sum, column) in sums.iter_mut().zip(SUMS) {
            *sum += e12(&record[column]);
        }
    }
    net.retain(|_, sums| *sums != [0; 5]);
    net
}

/// Compares nets and names the first keys that differ.
#[track_caller]
pub fn assert_same_net(found: &Net, expected: &Net, what: &str) {
    let keys: std::collections::BTreeSet<&Vec<String>> = found.keys().chain(expected.keys()).collect();
    let differing: Vec<String> = keys
        .into_iter()
        .filter(|key| found.get(*key) != expected.get(*key))
        .map(|key| format!("{key:?}: found {:?}, expected {:?}", found.get(key), expected.get(key)))
        .collect();
    assert!(differing.is_empty(), "{what}: {} keys differ, at 1e-12:\n{}", differing.len(), first(&differing));
}

/// Compares exports and shows the first lines that differ.
#[track_caller]
pub fn assert_same_exports(found: &[String; 3], expected: &[String; 3], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        if found == expected {
            continue;
        }
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        let (found, expected) = (lines(found), lines(expected));
        let more: Vec<String> = found.difference(&expected).map(|line| format!("+ {line}")).collect();
        let less: Vec<String> = expected.difference(&found).map(|line| format!("- {line}")).collect();
        panic!("{what}: {} lines more, {} less\n{}\n{}", more.len(), less.len(), first(&more), first(&less));
    }
}

fn first(lines: &[String]) -> String {
    lines.iter().take(6).cloned().collect::<Vec<_>>().join("\n")
}

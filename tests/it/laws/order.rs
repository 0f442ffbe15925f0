//! Order does not matter: the same rows in any order, files, batches, format and number of threads give the same charges,
//! to the byte and to the id.

use super::books::{MONTH_END, SUMS, assert_same_exports, assert_same_net, charges, exports, net, read_csv, sample_files};
use super::month::{Dice, Month, Row, write_csv, write_parquet, write_reference};
use crate::support::Bench;
use std::path::PathBuf;

/// More than the month costs.
const FUNDS: &str = "entry_id,account_id,kind,amount,at
m-0,g-0,top_up,100000,2025-12-01T00:00:00+08:00
m-1,g-1,top_up,100000,2025-12-01T00:00:00+08:00
m-2,g-2,top_up,100000,2025-12-01T00:00:00+08:00
";

/// One way to deliver a month.
#[derive(Debug)]
struct Way {
    files: usize,
    batch_rows: u32,
    is_parquet: bool,
    threads: u32,
    /// Whether the accounts can pay for all of it: then none is frozen.
    has_money: bool,
}

const PLAIN: Way = Way { files: 1, batch_rows: 500_000, is_parquet: false, threads: 2, has_money: false };

/// Delivers and settles; hands back the home.
fn settled(month: &Month, seed: u64, way: &Way) -> Bench {
    let bench = Bench::with_home();
    let settings = bench.read("reckoner-home/reckoner.toml");
    assert!(settings.contains("batch_rows = 500000"));
    bench.write(
        "reckoner-home/reckoner.toml",
        &settings.replace("batch_rows = 500000", &format!("batch_rows = {}", way.batch_rows)),
    );

    let mut dice = Dice::new(seed);
    let mut files = write_reference(&bench.path(""));
    for beginning in ["accounts", "products", "prices", "discounts", "vouchers", "funds"] {
        files.extend(sample_files(beginning));
    }
    if way.has_money {
        bench.write("funds-m.csv", FUNDS);
        files.push(bench.path("funds-m.csv"));
    }
    take(&bench, way, &files, &["edited_in_place", "validity_overlaps"]);
    for (place, rows) in month.dealt(&mut dice, way.files).iter().enumerate() {
        let file = write(&bench, way, place, rows);
        // The lower of two revisions may come last: then it is too late for it. What is corrected may come later: the
        // correction waits for it.
        take(&bench, way, &[file], &["conflicting_record", "corrects_unknown"]);
    }
    run(&bench, way, &["catch-up", "--as-of", MONTH_END], &[], &[0]);
    bench
}

fn write(bench: &Bench, way: &Way, place: usize, rows: &[Row]) -> PathBuf {
    match way.is_parquet {
        true => write_parquet(bench.path(&format!("usage-{place}.parquet")), rows),
        false => write_csv(bench.path(&format!("usage-{place}.csv")), rows),
    }
}

fn take(bench: &Bench, way: &Way, files: &[PathBuf], may_be_refused: &[&str]) {
    let said = run(bench, way, &["ingest", "--json", "--as-of", MONTH_END], files, &[0, 2]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    for file in said["files"].as_array().unwrap() {
        for refused in file["refusals"].as_array().unwrap() {
            assert!(may_be_refused.contains(&refused["reason"].as_str().unwrap()), "{refused}");
        }
    }
}

fn run(bench: &Bench, way: &Way, args: &[&str], files: &[PathBuf], exits: &[i32]) -> String {
    let output = bench.command().env("POLARS_MAX_THREADS", way.threads.to_string()).args(args).args(files).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(exits.contains(&output.status.code().unwrap_or(-1)), "{args:?}: {out}{err}");
    out
}

/// The plain way against others: the same bytes.
fn no_way_leaves_a_trace(month: &Month, seed: u64, ways: &[Way]) {
    let expected = settled(month, seed, &PLAIN);
    for (place, way) in ways.iter().enumerate() {
        let found = settled(month, seed * 10 + place as u64, way);
        assert_same_exports(&exports(&found), &exports(&expected), &format!("seed {seed}, {way:?}"));
    }
}

#[test]
fn files_formats_and_threads_leave_no_trace() {
    // rows generated | files | whether they are Parquet | threads
    for (seed, rows, files, is_parquet, threads) in [(1, 40, 3, true, 1), (2, 24, 7, false, 1), (3, 60, 3, true, 2)] {
        let generated = Month::generated(seed, rows);
        let month = if seed == 1 { Month::of_sample().and(generated) } else { generated };
        let way = Way { files, batch_rows: 500_000, is_parquet, threads, has_money: false };
        no_way_leaves_a_trace(&month, seed, &[way]);
    }
}

#[test]
fn batches_leave_no_trace() {
    // Small months: every batch is a file of the lake for each of its days.
    for (seed, files, batch_rows, is_parquet, threads) in [(11, 3, 7, true, 1), (12, 1, 1, false, 2), (13, 1, 1, true, 1)] {
        let way = Way { files, batch_rows, is_parquet, threads, has_money: false };
        no_way_leaves_a_trace(&Month::generated(seed, 20), seed, &[way]);
    }
}

#[test]
fn a_generated_month_costs_what_the_oracle_says() {
    for seed in [1, 2, 3] {
        let month = Month::generated(seed, 250);
        // What the oracle has no rule for is frozen use at a volume price.
        let bench = settled(&month, seed, &Way { has_money: true, ..PLAIN });

        let data = bench.path("oracle");
        std::fs::create_dir(&data).unwrap();
        write_reference(&data);
        std::fs::write(data.join("funds-m.csv"), FUNDS).unwrap();
        write_csv(data.join("usage-1.csv"), &month.rows);
        write_csv(data.join("usage-2.csv"), &month.corrections);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/expected.py");
        let output = std::process::Command::new("python3").args([script, "--ranges", "--data"]).arg(&data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let key = ["account_id", "resource_id", "sku", "window_start", "window_end", "unit", "currency"];
        let expected = read_csv(&std::fs::read_to_string(data.join("expected/charges.csv")).unwrap());
        assert_same_net(&net(&charges(&bench), &key), &net(&expected, &key), &format!("seed {seed}, {SUMS:?}"));
    }
}

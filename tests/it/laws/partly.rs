//! A settlement of a part first, and of the whole afterwards, comes to the books of the whole alone; a dry run to none.

use super::books::{
    Record, assert_same_exports, assert_same_net, catch_up, charges, exports, ingest, name_of, net, nothing_is_left_to_settle,
    sample_files,
};
use crate::support::Bench;
use std::collections::BTreeSet;
use std::path::Path;

/// A clock in the middle of the sample month: fewer days, fewer batches.
const NOW: &str = "2026-01-13T00:00:00+08:00";

const KEY: [&str; 6] = ["account_id", "resource_id", "sku", "price_id", "window_start", "window_end"];

fn delivered() -> Bench {
    let bench = Bench::with_home();
    let mut files = sample_files("");
    // What was delivered before the clock stands, and late rows.
    let later = ["usage-2026-01-16", "usage-2026-01-24", "usage-2026-02-01T02"];
    files.retain(|path| !later.iter().any(|beginning| name_of(path).starts_with(beginning)));
    ingest(&bench, NOW, &files);
    bench
}

fn run_hourly(bench: &Bench, options: &str) -> serde_json::Value {
    bench.line(&format!("run hourly --json --as-of {NOW} {options}")).expect_exit(0).json()
}

#[test]
fn one_account_first_and_then_all_is_all() {
    let expected = delivered();
    catch_up(&expected, NOW);
    let expected = exports(&expected);

    // `kite` has vouchers, cash and credit; `heron` has vouchers of different scope.
    let bench = delivered();
    run_hourly(&bench, "--account kite --from 2026-01-01 --to 2026-01-13");
    let first: BTreeSet<String> = charges(&bench).into_iter().map(|charge| charge["account_id"].clone()).collect();
    assert_eq!(first, BTreeSet::from(["kite".to_owned()]));
    run_hourly(&bench, "--account heron");
    catch_up(&bench, NOW);
    assert_same_exports(&exports(&bench), &expected, "two accounts first");
    nothing_is_left_to_settle(&bench, NOW);
}

#[test]
fn one_sku_or_one_day_first_and_then_all_costs_the_same() {
    let expected = delivered();
    catch_up(&expected, NOW);
    let expected = charges(&expected);

    // Windows that settle before earlier ones get other parts of a tiered price: only the month's net is the same then.
    let by_month = ["account_id", "sku", "price_id", "billing_period"];
    for (options, key) in [
        ("--sku ecs.c6.large --from 2026-01-01 --to 2026-01-13", &KEY[..]),
        ("--account jay --sku eip.traffic", &KEY[..]),
        ("--from 2026-01-05 --to 2026-01-06", &by_month[..]),
        ("--from 2026-01-05T10:00:00+08:00 --to 2026-01-05T13:00:00+08:00", &by_month[..]),
    ] {
        let bench = delivered();
        let said = run_hourly(&bench, options);
        assert!(said["charges"].as_u64() > Some(0), "{options}: {said}");
        catch_up(&bench, NOW);
        let found = charges(&bench);
        assert_same_net(&net(&found, key), &net(&expected, key), options);
        assert_eq!(found.len(), expected.len(), "{options}: a charge was posted in two parts");
        nothing_is_left_to_settle(&bench, NOW);
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let bench = delivered();
    let (before, files) = (exports(&bench), files_in(&bench.home()));
    let dry = run_hourly(&bench, "--dry-run --from 2026-01-01 --to 2026-01-13");
    assert_eq!((exports(&bench), files_in(&bench.home())), (before, files));

    let settled = run_hourly(&bench, "--from 2026-01-01 --to 2026-01-13");
    for said in ["windows", "rows_in", "charges", "funds", "totals"] {
        assert_eq!(dry[said], settled[said], "{said}: what was announced is what came");
    }
    let posted: Vec<Record> = charges(&bench);
    assert_eq!(Some(posted.len() as u64), settled["charges"].as_u64());

    let (before, files) = (exports(&bench), files_in(&bench.home()));
    let again = run_hourly(&bench, "--dry-run --from 2026-01-01 --to 2026-01-13");
    assert_eq!((&again["windows"], &again["charges"]), (&0.into(), &0.into()));
    assert_eq!((exports(&bench), files_in(&bench.home())), (before, files));
}

/// Names and sizes of every file of a home, but for what SQLite keeps beside its own while somebody reads.
fn files_in(folder: &Path) -> BTreeSet<(String, u64)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_in(&path)),
            false => {
                found.insert((path.display().to_string(), path.metadata().unwrap().len()));
            }
        }
    }
    found.retain(|(name, _)| !name.ends_with("-wal") && !name.ends_with("-shm"));
    found
}

//! Twice is once: repeated, at the same time from two processes, killed in the middle and repeated. The books are the same.

use super::books::{MONTH_END, assert_same_exports, catch_up, command, exports, ingest, nothing_is_left_to_settle, sample_files};
use super::month::{Dice, Month, write_csv, write_reference};
use crate::support::{Bench, Said};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A home, and files of a generated month beside it, with money to pay for some of it; no row is refused.
fn delivered(files: usize) -> (Bench, Vec<PathBuf>) {
    let bench = Bench::with_home();
    let mut paths = write_reference(&bench.path(""));
    bench.write(
        "funds-g.csv",
        "entry_id,account_id,kind,amount,at\n\
         f-1,g-0,top_up,40,2026-01-01T00:00:00+08:00\n\
         f-2,g-1,top_up,30,2026-01-21T12:00:00+08:00\n\
         f-3,g-2,grant,20,2026-01-09T00:00:00+08:00\n",
    );
    paths.push(bench.path("funds-g.csv"));
    let mut month = Month::generated(5, 60);
    // The lower of two revisions may come last, and a correction first: both would be refused, the latter for a while.
    month.rows.retain(|row| row.get("revision") != "1");
    let corrections = std::mem::take(&mut month.corrections);
    let mut parts = month.dealt(&mut Dice::new(5), files);
    parts[files - 1].extend(corrections);
    for (place, rows) in parts.iter().enumerate() {
        paths.push(write_csv(bench.path(&format!("usage-{place}.csv")), rows));
    }
    (bench, paths)
}

/// The exports of a home that nothing disturbed.
fn undisturbed(files: usize) -> [String; 3] {
    let (bench, paths) = delivered(files);
    command(&bench, &["ingest", "--as-of", MONTH_END], &paths).expect_exit(0);
    catch_up(&bench, MONTH_END);
    let exports = exports(&bench);
    let lines = [&exports[0], &exports[2]].map(|table| table.lines().count());
    assert!(lines[0] > 50 && lines[1] > 10, "there is something to lose: {lines:?}");
    exports
}

fn start(bench: &Bench, args: &[&str], files: &[PathBuf]) -> Child {
    let mut command = bench.command();
    command.args(args).args(files).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn both(bench: &Bench, args: &[&str], files: &[PathBuf]) -> [Said; 2] {
    let children = [start(bench, args, files), start(bench, args, files)];
    children.map(|child| Said::of(child.wait_with_output().unwrap()))
}

#[test]
fn the_sample_month_twice_is_once() {
    let bench = Bench::with_home();
    let files = sample_files("");
    let first = ingest(&bench, MONTH_END, &files);
    catch_up(&bench, MONTH_END);
    let expected = exports(&bench);

    let again = ingest(&bench, MONTH_END, &files);
    assert_eq!((&again["accepted"], &again["refused"]), (&0.into(), &0.into()));
    assert_eq!((&again["rows"], &again["duplicates"]), (&first["rows"], &first["rows"]));
    nothing_is_left_to_settle(&bench, MONTH_END);
    nothing_is_left_to_settle(&bench, "2026-02-02T00:30:00+08:00");
    assert_same_exports(&exports(&bench), &expected, "the second time");
}

#[test]
fn the_same_rows_in_other_files_have_no_effect() {
    let (bench, paths) = delivered(2);
    command(&bench, &["ingest", "--as-of", MONTH_END], &paths).expect_exit(0);
    catch_up(&bench, MONTH_END);
    let expected = exports(&bench);

    // Reference rows and usage, with a line break more: other bytes, the same rows.
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
    let again = ingest(&bench, MONTH_END, &paths);
    assert_eq!((&again["accepted"], &again["refused"]), (&0.into(), &0.into()), "{again}");
    nothing_is_left_to_settle(&bench, MONTH_END);
    assert_same_exports(&exports(&bench), &expected, "the same rows in other files");
}

#[test]
fn two_at_the_same_time_are_one() {
    let (bench, paths) = delivered(3);
    for said in both(&bench, &["ingest", "--as-of", MONTH_END], &paths) {
        said.expect_exit(0);
    }
    for said in both(&bench, &["catch-up", "--as-of", MONTH_END], &[]) {
        said.expect_exit(0);
    }
    assert_same_exports(&exports(&bench), &undisturbed(3), "two at the same time");
    nothing_is_left_to_settle(&bench, MONTH_END);
}

#[test]
fn taking_in_beside_settling_comes_to_the_same_charges() {
    // With money for all of it: when use becomes known decides when an account owes, and so what it uses while it is frozen.
    let with_money = || {
        let (bench, mut paths) = delivered(3);
        let rows = (0..3).map(|n| format!("m-{n},g-{n},top_up,100000,2026-01-01T00:00:00+08:00\n")).collect::<String>();
        bench.write("funds-m.csv", &format!("entry_id,account_id,kind,amount,at\n{rows}"));
        paths.insert(0, bench.path("funds-m.csv"));
        (bench, paths)
    };
    let (undisturbed, paths) = with_money();
    let taken = command(&undisturbed, &["ingest", "--as-of", MONTH_END], &paths);
    assert!(taken.exit == 0, "{}{}", taken.out, taken.err);
    catch_up(&undisturbed, MONTH_END);
    let (bench, paths) = with_money();
    let (reference, usage) = paths.split_at(paths.len() - 3);
    command(&bench, &["ingest", "--as-of", MONTH_END], reference).expect_exit(0);
    let taking = start(&bench, &["ingest", "--as-of", MONTH_END], usage);
    let settling = start(&bench, &["catch-up", "--as-of", MONTH_END], &[]);
    for child in [taking, settling] {
        Said::of(child.wait_with_output().unwrap()).expect_exit(0);
    }
    catch_up(&bench, MONTH_END);
    // Charges are functions of what was delivered. Payments are history: if the settlement had the lock first, it carried the
    // money out before any use was known.
    let ([charges, rows, _], [expected, expected_rows, payments]) = (exports(&bench), exports(&undisturbed));
    assert_same_exports(&[charges, rows, payments.clone()], &[expected, expected_rows, payments], "taking in beside settling");
}

/// Starts a command again and again and kills it after ever longer; then lets it finish. Hands back how often it was killed.
fn killed_and_repeated(bench: &Bench, args: &[&str], files: &[PathBuf], delays_ms: impl Iterator<Item = u64>) -> u32 {
    let mut kills = 0;
    for delay in delays_ms {
        let mut child = start(bench, args, files);
        std::thread::sleep(Duration::from_millis(delay));
        let is_running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        let said = Said::of(child.wait_with_output().unwrap());
        kills += u32::from(is_running);
        assert!(is_running || said.exit == 0, "it failed by itself: {}", said.err);
    }
    command(bench, args, files).expect_exit(0);
    kills
}

#[test]
fn killed_in_the_middle_and_repeated_is_once() {
    let (bench, paths) = delivered(3);
    let kills = killed_and_repeated(&bench, &["ingest", "--as-of", MONTH_END], &paths, (0..8).map(|n| 5 + 45 * n));
    assert!(kills >= 2, "{kills}: the delays are too long to meet anything");
    let kills = killed_and_repeated(&bench, &["catch-up", "--as-of", MONTH_END], &[], (0..10).map(|n| 10 + 80 * n));
    assert!(kills >= 2, "{kills}: the delays are too long to meet anything");

    assert_same_exports(&exports(&bench), &undisturbed(3), "killed and repeated");
    nothing_is_left_to_settle(&bench, MONTH_END);
}

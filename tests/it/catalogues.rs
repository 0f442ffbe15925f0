//! The three catalogues of `sample_data`: every order comes to what is worked out by hand beside it.

use crate::support::Bench;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rows of a CSV text by their first column; the others by name.
fn rows(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().expect("a header").clone();
    let row = |record: csv::StringRecord| {
        let cells = columns.iter().zip(&record).map(|(column, cell)| (column.to_owned(), cell.to_owned()));
        (record[0].to_owned(), cells.collect())
    };
    reader.records().map(|record| row(record.expect("a record"))).collect()
}

/// Whether a cell says what is expected: amounts by value, a refusal by its code.
fn says(column: &str, seen: &str, expected: &str) -> bool {
    match column {
        "refusal" => seen.split(':').next() == Some(expected),
        _ if column.ends_with("amount") && !seen.is_empty() && !expected.is_empty() => {
            seen.trim_end_matches('0').trim_end_matches('.') == expected.trim_end_matches('0').trim_end_matches('.')
        }
        _ => seen == expected,
    }
}

fn compare(bench: &Bench, table: &str, folder: &Path) {
    let expected = std::fs::read_to_string(folder.join(format!("expected/{table}.csv"))).expect("an expected table");
    let seen = rows(&bench.line(&format!("export {table}")).expect_exit(0).out);
    let expected = rows(&expected);
    let mut wrong = Vec::new();
    for (key, cells) in &expected {
        let Some(found) = seen.get(key) else {
            wrong.push(format!("{table} {key}: missing"));
            continue;
        };
        for (column, cell) in cells {
            if !says(column, &found[column], cell) {
                wrong.push(format!("{table} {key} {column}: `{}`, expected `{cell}`", found[column]));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", folder.display());
    let made = |key: &&String| !key.starts_with("auto_") && !expected.contains_key(*key);
    assert_eq!(seen.keys().filter(made).collect::<Vec<_>>(), Vec::<&String>::new(), "{table}: nothing else");
}

fn catalogue(name: &str, profile: &str) {
    let bench = Bench::new();
    bench.line(&format!("init --profile {profile} --zone +08:00 --currency CNY")).expect_exit(0);
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/catalogues").join(name);
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .expect("the catalogue")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .map(|path| path.display().to_string())
        .collect();
    files.sort();
    let clock = ["--as-of", "2026-06-01T00:00:00+08:00"];
    let ingest: Vec<&str> = ["ingest"].into_iter().chain(files.iter().map(String::as_str)).chain(clock).collect();
    bench.run(ingest).expect_exit(0);
    bench.run(["catch-up"].into_iter().chain(clock)).expect_exit(0);
    compare(&bench, "orders", &folder);
    compare(&bench, "subscriptions", &folder);

    // Doing it again finds nothing to do.
    let tables = |bench: &Bench| {
        ["orders", "subscriptions", "charges", "payments", "accounts"].map(|table| bench.line(&format!("export {table}")).out)
    };
    let before = tables(&bench);
    bench.run(["run", "daily"].into_iter().chain(clock)).expect_exit(0);
    assert!(tables(&bench) == before, "{name}: twice is once");
    bench.line("verify --full").expect_exit(0);
}

#[test]
fn certificates() {
    catalogue("certificates", "huawei-intl");
}

#[test]
fn security_platform() {
    catalogue("security", "huawei-intl");
}

#[test]
fn cloud_console() {
    catalogue("console", "ksyun");
}

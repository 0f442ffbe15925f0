//! The sample month costs what `sample_data/expected/` says; `scripts/expected.py` wrote it without knowing the engine.

use super::books::{
    MONTH_END, Net, Record, assert_same_net, catch_up, charges, ingest, name_of, net, nothing_is_left_to_settle, read_csv,
    sample_data, sample_files,
};
use crate::support::Bench;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The oracle's reasons in words, and the engine's codes.
const CODES: &[(&str, &str)] = &[
    ("a published price row is never edited: publish a higher revision", "edited_in_place"),
    ("begins inside a row that has an end of its own", "validity_overlaps"),
    ("the record is known with other content: the first stays", "conflicting_record"),
    ("started_at has no offset from UTC", "naive_timestamp"),
    ("ends before it starts", "ends_before_start"),
    ("quantity is negative", "negative_quantity"),
    ("quantity is not a plain decimal number", "not_a_number"),
    ("quantity has more than 12 digits after the point", "too_many_digits"),
    ("unknown sku", "unknown_sku"),
    ("unknown account", "unknown_account"),
    ("no price in the account's currency", "no_price_in_currency"),
    ("lies in the future", "in_the_future"),
];

const KEY: [&str; 7] = ["account_id", "resource_id", "sku", "window_start", "window_end", "unit", "currency"];

fn expected(name: &str) -> Vec<Record> {
    read_csv(&std::fs::read_to_string(sample_data().join("expected").join(name)).unwrap())
}

fn expected_net() -> Net {
    let records = expected("charges.csv");
    let net = net(&records, &KEY);
    // A free charge has a quantity, so no expected key comes to nothing.
    assert_eq!(net.len(), records.len(), "every line of the oracle is a key of its own");
    net
}

#[test]
fn the_sample_month_costs_what_the_oracle_says() {
    let bench = Bench::with_home();
    let said = ingest(&bench, MONTH_END, &sample_files(""));

    let counted: BTreeMap<String, [u64; 4]> = files(&said)
        .map(|file| (file["file"].as_str().unwrap().to_owned(), counts(file)))
        .inspect(|(name, [rows, accepted, duplicates, refused])| assert_eq!(*rows, accepted + duplicates + refused, "{name}"))
        .collect();
    let wanted: BTreeMap<String, [u64; 4]> = expected("counts.csv")
        .iter()
        .map(|row| (row["file"].clone(), ["rows", "accepted", "duplicates", "refused"].map(|name| row[name].parse().unwrap())))
        .collect();
    assert_eq!(counted, wanted);
    assert_eq!(refused(&said), expected_refusals());

    catch_up(&bench, MONTH_END);
    assert_same_net(&net(&charges(&bench), &KEY), &expected_net(), "one delivery");
    nothing_is_left_to_settle(&bench, MONTH_END);
}

#[test]
fn file_by_file_with_settlements_in_between_costs_the_same() {
    let bench = Bench::with_home();
    let mut refusals = BTreeSet::new();
    for path in sample_files("") {
        let name = name_of(&path);
        // The hour of delivery stands in a usage file's name; what has no hour is there from the month's start, but for
        // vouchers, whose name comes last.
        let hour = name.strip_prefix("usage-").map(|rest| format!("{}:00:00+08:00", rest.trim_end_matches(".csv")));
        let started = if name.starts_with("vouchers") { MONTH_END } else { "2026-01-01T00:00:00+08:00" };
        let as_of = hour.unwrap_or(started.to_owned());
        refusals.extend(refused(&ingest(&bench, &as_of, &[path])));
        catch_up(&bench, &as_of);
    }
    catch_up(&bench, MONTH_END);
    assert_eq!(refusals, expected_refusals());
    assert_same_net(&net(&charges(&bench), &KEY), &expected_net(), "file by file");
    nothing_is_left_to_settle(&bench, MONTH_END);
}

fn files(said: &Value) -> impl Iterator<Item = &Value> {
    said["files"].as_array().unwrap().iter()
}

fn counts(file: &Value) -> [u64; 4] {
    ["rows", "accepted", "duplicates", "refused"].map(|name| file[name].as_u64().unwrap())
}

fn refused(said: &Value) -> BTreeSet<(String, u64, String)> {
    let of_file = |file: &Value| {
        let name = file["file"].as_str().unwrap().to_owned();
        let items = file["refusals"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(move |item| (name.clone(), item["line"].as_u64().unwrap(), item["reason"].as_str().unwrap().to_owned()))
    };
    files(said).flat_map(of_file).collect()
}

fn expected_refusals() -> BTreeSet<(String, u64, String)> {
    let code = |words: &str| {
        let found = CODES.iter().find(|(of_oracle, _)| *of_oracle == words);
        found.unwrap_or_else(|| panic!("no code for {words:?}")).1.to_owned()
    };
    expected("refused.csv").iter().map(|row| (row["file"].clone(), row["line"].parse().unwrap(), code(&row["reason"]))).collect()
}

//! A provider's cost report of 506 rows (`tests/it/data/oci`): the charges are the provider's costs.

use crate::support::Bench;
use std::collections::BTreeMap;
use std::path::Path;

/// How far a charge may be from the sum of the provider's costs that it stands for: 1e-8, in units of 1e-18. A charge is
/// summed first and cut once at 8 decimals.
const TOLERANCE_E18: i128 = 10_000_000_000;

/// Account, resource, sku, end of the hour.
type Key = [String; 4];

#[test]
fn every_charge_is_the_providers_cost() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/oci");
    let bench = Bench::new();
    bench.line("init --zone Z --currency USD").expect_exit(0);
    let file = |name: &str| data.join(name).to_str().expect("UTF-8").to_owned();
    let (accounts, prices, usage) = (file("accounts.csv"), file("prices.csv"), file("usage-2023-11-13.csv"));
    let said = bench.run(["ingest", &accounts, &prices, &usage, "--as-of", "2023-11-14", "--json"]).expect_exit(0).json();
    assert_eq!(said["files"][2]["accepted"], 506);
    bench.line("catch-up --as-of 2023-11-14").expect_exit(0);
    let charges = rows(&bench.line("export charges").expect_exit(0).out);

    let mut costs: BTreeMap<Key, i128> = BTreeMap::new();
    let by_record: BTreeMap<String, i128> = rows(&std::fs::read_to_string(data.join("expected.csv")).unwrap())
        .into_iter()
        .map(|row| (row["record_id"].clone(), e18(&row["cost"])))
        .collect();
    for row in rows(&std::fs::read_to_string(data.join("usage-2023-11-13.csv")).unwrap()) {
        *costs.entry(key(&row, "ended_at")).or_default() += by_record[&row["record_id"]];
    }

    let charged: BTreeMap<Key, i128> = charges.iter().map(|row| (key(row, "window_end"), e18(&row["due_amount"]))).collect();
    assert_eq!((charges.len(), charged.len()), (128, 128), "a charge for each account, resource, sku and hour");
    assert_eq!(charged.keys().collect::<Vec<_>>(), costs.keys().collect::<Vec<_>>());
    for (key, cost) in &costs {
        let difference = cost - charged[key];
        assert!(difference.abs() < TOLERANCE_E18, "{key:?}: cost {cost}e-18, charged {}e-18", charged[key]);
    }
}

fn rows(csv: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(csv.as_bytes()).deserialize().map(|row| row.expect("CSV with a header")).collect()
}

fn key(row: &BTreeMap<String, String>, end: &str) -> Key {
    [&row["account_id"], &row["resource_id"], &row["sku"], &row[end]].map(String::clone)
}

/// Plain decimal text in units of 1e-18.
fn e18(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 18, "{text}");
    format!("{whole}{fraction:0<18}").parse().expect("plain decimal text")
}

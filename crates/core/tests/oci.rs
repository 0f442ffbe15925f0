//! A provider's cost report of 506 rows: the exact costs, before any cut.
//!
//! The report is in `tests/it/data/oci` of the workspace, with its source and licence. The provider keeps 18 decimals of
//! quantity × unit price; quantities have 12 and prices 8, so that 20 decimals hold the product whole.

use reckoner_core::number::Accrued;
use reckoner_core::price::Price;
use reckoner_core::rate::exact_cost;
use reckoner_core::table::{Context, RawRow, TableKind, price, usage};
use std::collections::BTreeMap;
use std::path::Path;

/// Decimals that hold every product whole.
const DIGITS: u32 = 20;

/// Half of the provider's last decimal: 5e-19, in units of 1e-20.
const HALF_OF_LAST_E20: i128 = 50;

#[test]
fn every_rows_exact_cost_is_the_providers() {
    let costs = exact_costs();
    let expected: BTreeMap<String, String> =
        lines("expected.csv").into_iter().map(|cells| (cells[0].1.clone(), cells[1].1.clone())).collect();
    assert_eq!((costs.len(), expected.len()), (506, 506));

    let (mut provider_e20, mut exact) = (0_i128, Accrued::ZERO);
    for (record_id, cost) in costs {
        let theirs = e20(&expected[&record_id]);
        let ours = e20(&cost.to_text(DIGITS).unwrap());
        assert!((ours - theirs).abs() <= HALF_OF_LAST_E20, "{record_id}: exact {ours}e-20, expected {theirs}e-20");
        // and cut at 18 decimals it is the provider's, or what its last decimal was rounded up from
        let cut = e20(&cost.to_text(18).unwrap());
        assert!([0, 100].contains(&(theirs - cut)), "{record_id}: cut {cut}e-20, expected {theirs}e-20");
        provider_e20 += theirs;
        exact = exact.plus(cost).unwrap();
    }
    assert_eq!(provider_e20, e20("2.523589325400648027"));
    // 3.2e-18 below it: what the provider's rounding added, row by row.
    assert_eq!(exact.to_text(DIGITS).unwrap(), "2.52358932540064802379");
}

/// Each row's record_id and exact cost.
fn exact_costs() -> Vec<(String, Accrued)> {
    let context = Context::new("USD");
    let prices: BTreeMap<String, Price> = lines("prices.csv")
        .iter()
        .map(|cells| {
            let row = price::parse(&raw(TableKind::Prices, cells), &context).expect("a right row");
            (row.sku.clone(), Price { price_id: row.price_id(), validity: row.stated_validity(), row })
        })
        .collect();
    let cost = |cells: &Cells| {
        let row = usage::parse(&raw(TableKind::Usage, cells), &context).expect("a right row");
        let cost = exact_cost(&row, &prices[&row.sku]).expect("it fits 128 bits");
        (row.record_id, cost)
    };
    lines("usage-2023-11-13.csv").iter().map(cost).collect()
}

/// Column and text.
type Cells = Vec<(String, String)>;

fn raw(kind: TableKind, cells: &Cells) -> RawRow<'_> {
    RawRow::from_pairs(kind.schema(), 1, cells).expect("the header is the table's")
}

/// The rows of a file without quotes.
fn lines(name: &str) -> Vec<Cells> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/data/oci").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(!text.contains('"'), "{name}: cells are parted by commas alone");
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let cells =
        |line: &str| columns.iter().zip(line.split(',')).map(|(name, cell)| ((*name).to_owned(), cell.to_owned())).collect();
    lines.map(cells).collect()
}

/// Plain decimal text in units of 1e-20.
fn e20(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 20, "{text}");
    format!("{whole}{fraction:0<20}").parse().expect("plain decimal text")
}

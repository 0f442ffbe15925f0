//! Every table that this version has, against the files in `schemas/out` and against the command line.

use super::*;
use crate::cli::args::OutputTable;
use clap::ValueEnum as _;
use reckoner_core::table::schema::{self, ColumnType};

/// What cells of a schema's type are.
fn kind_of(of: &ColumnType) -> ColumnKind {
    match of {
        ColumnType::Id => ColumnKind::Id,
        ColumnType::Instant => ColumnKind::Instant,
        ColumnType::Quantity | ColumnType::SignedQuantity => ColumnKind::Quantity,
        ColumnType::Price => ColumnKind::Price,
        ColumnType::Money | ColumnType::SignedMoney => ColumnKind::Amount,
        ColumnType::Integer { .. } => ColumnKind::Integer,
        ColumnType::Boolean => ColumnKind::Bool,
        _ => ColumnKind::Text,
    }
}

#[test]
fn columns_are_those_of_the_schemas() {
    for table in TABLES {
        let schema = schema::output(table.name).unwrap_or_else(|| panic!("{} has a schema", table.name));
        let expected: Vec<(&str, ColumnKind)> =
            schema.columns.iter().map(|column| (column.name.as_str(), kind_of(&column.column_type))).collect();
        assert_eq!(table.columns, expected, "{}", table.name);
    }
}

#[test]
fn the_command_line_names_every_table() {
    let words: Vec<String> = OutputTable::value_variants().iter().map(|table| table.as_str()).collect();
    for table in TABLES {
        assert!(words.iter().any(|word| word == table.name), "{}", table.name);
    }
    for schema in schema::outputs() {
        assert!(words.contains(&schema.name), "{} is answered, if only with `not yet`", schema.name);
    }
}

#[test]
fn a_wish_that_a_table_cannot_meet_is_refused() {
    fn none<'a>(_: &'a Books, _: &Selection) -> Result<Batches<'a>, Failure> {
        Ok(at_hand(Vec::new()))
    }
    let timeless = ExportTable {
        name: "t",
        columns: &[("account_id", ColumnKind::Id), ("amount", ColumnKind::Amount)],
        by_account: ByAccount::Column,
        rows: none,
    };
    let wish = |within: Option<Window>, account: Option<&str>| Selection { within, account_id: account.map(str::to_owned) };
    let january = Window::new(Instant::from_seconds(0), Instant::from_seconds(1));
    assert!(timeless.check(&wish(None, Some("a"))).is_ok());
    let refused = timeless.check(&wish(Some(january), None)).unwrap_err();
    assert_eq!((refused.exit.code(), refused.place.as_str()), (2, "--from, --to"));

    for table in TABLES {
        let refused = table.check(&wish(Some(january), Some("a"))).err().map(|failure| failure.exit.code());
        let expected = ["editions", "runs", "files", "ledger"].contains(&table.name).then_some(2);
        assert_eq!(refused, expected, "{}", table.name);
    }
}

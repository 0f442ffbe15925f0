//! One awkward table through every format.

use super::*;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use reckoner_core::number::{FeeScale, Money, Quantity, UnitPrice};
use reckoner_core::time::{Instant, Zone};

fn rendering(zone: &str, digits: u32) -> Rendering {
    Rendering { zone: Zone::parse(zone).unwrap(), fee_scale: FeeScale::new(digits).unwrap() }
}

fn columns() -> Vec<Column> {
    use ColumnKind::*;
    [
        ("note", Text),
        ("due", Amount),
        ("quantity", Quantity),
        ("price", Price),
        ("at", Instant),
        ("lines", Integer),
        ("open", Bool),
    ]
    .map(|(name, kind)| Column::new(name, kind))
    .to_vec()
}

fn row(note: &str, due_e8: i64, at: Instant) -> Row {
    vec![
        Cell::text(note.to_owned()),
        Money::from_e8(due_e8).into(),
        Quantity::from_e12(25_874_000_000_000_000).into(),
        UnitPrice::from_e12(640_000_000).into(),
        at.into(),
        3_u64.into(),
        true.into(),
    ]
}

fn awkward() -> Table<'static> {
    let at = Instant::from_seconds(1_767_571_200); // 2026-01-05T00:00:00Z
    let batches = [
        vec![row("plain", 4_599_822, at), row("=1+1", -1, at), row("a,\"b\"\nc", 0, Instant::MAX)],
        vec![vec![
            Cell::Empty,
            Cell::WideAmount(10_i128.pow(20)),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ]],
    ];
    Table::new("awkward", columns(), batches.into_iter().map(Ok))
}

#[test]
fn csv_is_exact_and_plain() {
    let bytes = write_bytes(awkward(), Format::Csv, rendering("+08:00", 8)).unwrap();
    let expected = "note,due,quantity,price,at,lines,open\n\
                    plain,0.04599822,25874,0.00064,2026-01-05T08:00:00+08:00,3,true\n\
                    '=1+1,-0.00000001,25874,0.00064,2026-01-05T08:00:00+08:00,3,true\n\
                    \"a,\"\"b\"\"\nc\",0.00000000,25874,0.00064,,3,true\n\
                    ,1000000000000.00000000,,,,,\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    assert_eq!(
        write_bytes(awkward(), Format::Csv, rendering("+08:00", 8)).unwrap(),
        expected.as_bytes(),
        "the same rows give the same bytes"
    );
}

#[test]
fn only_text_is_guarded_against_spreadsheets() {
    // text | as a CSV cell
    let cases = [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "\"'\r=1\""),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
        ("team=ember;env=prod", "team=ember;env=prod"),
    ];
    for (text, expected) in cases {
        let note = vec![Column::new("note", ColumnKind::Text), Column::new("n", ColumnKind::Integer)];
        let table = Table::of_rows("t", note, vec![vec![Cell::text(text), Cell::Integer(-1)]]);
        let bytes = write_bytes(table, Format::Csv, rendering("Z", 8)).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), format!("note,n\n{expected},-1\n"), "{text:?}");
    }
}

#[test]
fn ids_come_back_as_they_went() {
    for id in ["-1", "@acme", "i-1:x/y@z.w_", "a"] {
        let table = Table::of_rows("t", vec![Column::new("id", ColumnKind::Id)], vec![vec![Cell::text(id)]]);
        let bytes = write_bytes(table, Format::Csv, rendering("Z", 8)).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), format!("id\n{id}\n"));
    }
}

#[test]
fn ndjson_carries_decimals_as_text() {
    let bytes = write_bytes(awkward(), Format::Ndjson, rendering("Z", 8)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let expected = r#"{"note":"=1+1","due":"-0.00000001","quantity":"25874","price":"0.00064","at":"2026-01-05T00:00:00Z","lines":3,"open":true}"#;
    assert_eq!(lines[1], expected);
    assert_eq!(
        lines[3],
        r#"{"note":null,"due":"1000000000000.00000000","quantity":null,"price":null,"at":null,"lines":null,"open":null}"#
    );

    let mut document = Vec::new();
    assert_eq!(ndjson::write_document(awkward(), rendering("Z", 8), &mut document).unwrap(), 4);
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!((&document["table"], document["rows"].as_array().unwrap().len()), (&"awkward".into(), 4));
    assert_eq!(document["rows"][2]["note"], "a,\"b\"\nc");
}

#[test]
fn parquet_carries_decimals_and_instants_as_such() {
    let bytes = write_bytes(awkward(), Format::Parquet, rendering("+08:00", 8)).unwrap();
    assert_eq!(
        bytes,
        write_bytes(awkward(), Format::Parquet, rendering("+08:00", 8)).unwrap(),
        "the same rows give the same bytes"
    );
    let reader = ParquetRecordBatchReaderBuilder::try_new(spooled(&bytes)).unwrap();
    let kinds: Vec<DataType> = reader.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let [amount, quantity] = [DataType::Decimal128(38, 8), DataType::Decimal128(38, 12)];
    assert_eq!(kinds, [DataType::Utf8, amount, quantity.clone(), quantity, timestamp, DataType::Int64, DataType::Boolean]);

    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let rows = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(rows.column(0).as_string::<i32>().value(1), "=1+1", "nothing is guarded where nothing runs formulas");
    assert_eq!(rows.column(1).as_primitive::<Decimal128Type>().values()[..], [4_599_822, -1, 0, 10_i128.pow(20)]);
    assert_eq!(rows.column(2).as_primitive::<Decimal128Type>().value(0), 25_874_000_000_000_000);
    assert_eq!(rows.column(4).as_primitive::<TimestampMicrosecondType>().value(0), 1_767_571_200_000_000);
    assert!(rows.column(4).is_null(2) && rows.column(3).is_null(3));
    assert_eq!(rows.column(5).as_primitive::<Int64Type>().value(0), 3);
}

#[test]
fn what_does_not_fit_its_table_is_never_written() {
    let at = Instant::from_seconds(0);
    let refused = |row: Row, digits: u32| {
        let written = write_bytes(Table::of_rows("t", columns(), vec![row]), Format::Csv, rendering("Z", digits));
        written.map_err(|failure| failure.exit.code())
    };
    assert!(refused(row("a", 150_000_000, at), 2).is_ok());
    assert_eq!(refused(row("a", 150_000_001, at), 2), Err(70)); // would lose a digit
    assert_eq!(refused(row("a", 0, at)[1..].to_vec(), 8), Err(70)); // a column short
    let mut shifted = row("a", 0, at);
    shifted.swap(0, 1);
    assert_eq!(refused(shifted, 8), Err(70));
    let mut wide = row("a", 0, at);
    wide[1] = Cell::WideAmount(10_i128.pow(38));
    assert_eq!(refused(wide, 8), Err(70));
}

#[test]
fn rows_that_end_in_a_failure_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("charges.csv");
    let at = Instant::from_seconds(0);
    let batches = [Ok(vec![row("a", 0, at)]), Err(Failure::failed("a lake file is missing"))];
    let table = Table::new("charges", columns(), batches.into_iter());
    let failure = write_file(table, Format::Csv, rendering("Z", 8), &path).unwrap_err();
    assert_eq!(failure.saw, "a lake file is missing");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    assert_eq!(write_file(awkward(), Format::Parquet, rendering("Z", 8), &folder.path().join("t.parquet")).unwrap(), 4);
}

#[test]
fn a_file_says_by_its_ending_how_it_is_written() {
    for (name, expected) in
        [("a.csv", Some(Format::Csv)), ("a.parquet", Some(Format::Parquet)), ("a.jsonl", Some(Format::Ndjson)), ("a", None)]
    {
        assert_eq!(Format::of_path(Path::new(name)), expected);
    }
}

fn spooled(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

//! One month in every format and packing: the charges are the same to the last byte.

use crate::support::{Bench, names_in};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use serde_json::{Map, Value, json};
use std::io::Write as _;
use std::sync::Arc;

const TAKEN_AT: &str = "2026-02-01T00:00:00+08:00";

/// Why writing a table cannot fail.
const IN_MEMORY: &str = "a table in memory is rectangular text";

/// A table as cells; nothing where there is no value.
struct Table {
    kind: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Option<String>>>,
}

/// Cells parted by `|`, empty ones without a value.
fn table(kind: &'static str, columns: &'static str, rows: &[&str]) -> Table {
    let cells = |row: &&str| row.split('|').map(|cell| (!cell.is_empty()).then(|| cell.to_owned())).collect();
    Table { kind, columns: columns.split('|').collect(), rows: rows.iter().map(cells).collect() }
}

fn month() -> Vec<Table> {
    let accounts = table(
        "accounts",
        "account_id|name|payment_method|credit_limit|tags",
        &["acme|Acme, \"the\" Ltd|||team=web;stage=prod", "orchid|永 & co|invoice|12.50|"],
    );
    let prices = table(
        "prices",
        "sku|product|billing_mode|unit|unit_price|model|tiers|valid_from",
        &[
            "vm.small|vm|pay_per_use|hour|0.034|||2026-01-01T00:00:00+08:00",
            "traffic|network|pay_per_use|GB|0|graduated|[{\"up_to\":\"10\",\"unit_price\":\"0.123456789012\"},{\"unit_price\":\"0.08\"}]|2026-01-01T00:00:00+08:00",
        ],
    );
    let funds = table("funds", "entry_id|account_id|kind|amount|at", &["f-1|acme|top_up|0.55|2026-01-01T09:00:00+08:00"]);
    let usage = table(
        "usage",
        "record_id|account_id|resource_id|sku|started_at|ended_at|quantity|region|resource_name|tags|revision|waived",
        &[
            "r-1|acme|web-1|vm.small|2026-01-05T12:50:00Z|2026-01-05T14:10:07.250Z|||web, \"one\"|team=web;note=a=b||",
            "r-2|acme|web-1|traffic|2026-01-05T13:00:00Z|2026-01-05T14:00:00Z|9.999999999999|cn|||1|false",
            "r-3|acme|web-1|traffic|2026-01-05T14:00:00Z|2026-01-05T15:00:00Z|123456789012.000000000001||||0|",
            "r-4|orchid|disk-1|vm.small|2026-01-06T00:00:00Z|2026-01-06T00:30:00Z|3||||0|",
            "17|orchid|vm-7|vm.small|2026-01-06T00:10:00Z|2026-01-06T02:30:00Z|0.1||é 🦀|||true",
        ],
    );
    vec![accounts, prices, funds, usage]
}

impl Table {
    fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns).expect(IN_MEMORY);
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default())).expect(IN_MEMORY);
        }
        writer.into_inner().expect(IN_MEMORY)
    }

    fn objects(&self) -> impl Iterator<Item = String> {
        self.rows.iter().map(|row| {
            let cells = self.columns.iter().zip(row).map(|(column, cell)| match cell {
                None => format!("\"{column}\":null"),
                Some(cell) => format!("\"{column}\":{}", json_value(column, cell)),
            });
            format!("{{{}}}", cells.collect::<Vec<_>>().join(", "))
        })
    }

    fn ndjson(&self) -> Vec<u8> {
        self.objects().flat_map(|object| (object + "\r\n").into_bytes()).collect()
    }

    fn parquet(&self) -> Vec<u8> {
        let column = |place: usize| {
            let cells: Vec<Option<&str>> = self.rows.iter().map(|row| row[place].as_deref()).collect();
            Arc::new(StringArray::from(cells)) as ArrayRef
        };
        let columns = self.columns.iter().enumerate().map(|(place, name)| (*name, column(place), true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect(IN_MEMORY);
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect(IN_MEMORY);
        writer.write(&batch).expect(IN_MEMORY);
        writer.close().expect(IN_MEMORY);
        bytes
    }
}

/// What JSON has of its own: digits without quotes, `true`, an object for labels, JSON for JSON.
fn json_value(column: &str, cell: &str) -> String {
    match column {
        "quantity" | "unit_price" | "amount" | "credit_limit" | "revision" | "waived" | "tiers" => cell.to_owned(),
        "record_id" if cell.bytes().all(|byte| byte.is_ascii_digit()) => cell.to_owned(),
        "tags" => {
            let pairs = cell.split(';').filter_map(|pair| pair.split_once('='));
            Value::Object(pairs.map(|(key, value)| (key.to_owned(), json!(value))).collect::<Map<_, _>>()).to_string()
        }
        _ => json!(cell).to_string(),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect(IN_MEMORY);
    encoder.finish().expect(IN_MEMORY)
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect(IN_MEMORY)
}

fn put(bench: &Bench, name: &str, bytes: &[u8]) {
    std::fs::write(bench.path(name), bytes).expect("the folder takes files");
}

/// What a home exports after taking the month in this form.
fn exported(ending: &str, form: impl Fn(&Table) -> Vec<u8>) -> String {
    let bench = Bench::with_home();
    let mut names = Vec::new();
    for table in month() {
        let name = format!("{}-1.{ending}", table.kind);
        put(&bench, &name, &form(&table));
        names.push(name);
    }
    bench.line(&format!("ingest {} --as-of {TAKEN_AT}", names.join(" "))).expect_exit(0);
    bench.line(&format!("catch-up --as-of {TAKEN_AT}")).expect_exit(0);
    let export = |table: &str| bench.line(&format!("export {table}")).expect_exit(0).out;
    export("charges") + &export("payments")
}

#[test]
fn the_same_rows_in_every_format_give_the_same_charges() {
    let expected = exported("csv", Table::csv);
    assert_eq!(
        expected.lines().filter(|line| line.contains(",vm.small,") || line.contains(",traffic,")).count(),
        9,
        "{expected}"
    );
    assert_eq!(exported("parquet", Table::parquet), expected);
    assert_eq!(exported("ndjson", Table::ndjson), expected);
    assert_eq!(exported("csv.gz", |table| gzip(&table.csv())), expected);
    assert_eq!(exported("ndjson.zst", |table| zstandard(&table.ndjson())), expected);
    assert_eq!(exported("parquet.gz", |table| gzip(&table.parquet())), expected);
    assert_eq!(exported("csv", |table| zstandard(&table.parquet())), expected); // the name lies
    let events = |table: &Table| match table.kind {
        "usage" => events_of(table),
        _ => table.csv(),
    };
    assert_eq!(exported("jsonl", events), expected);
}

/// Usage in envelopes; every second one leaves the record's id to the event's.
fn events_of(usage: &Table) -> Vec<u8> {
    let event = |(place, object): (usize, String)| {
        let id = usage.rows[place][0].as_deref().unwrap_or_default();
        let data = if place % 2 == 0 { object } else { object.replacen(&format!("\"record_id\":\"{id}\", "), "", 1) };
        format!("{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"/m\",\"type\":\"use\",\"data\":{data}}}\n").into_bytes()
    };
    usage.objects().enumerate().flat_map(event).collect()
}

#[test]
fn a_damaged_packed_file_is_refused_whole_and_a_bad_line_alone() {
    let bench = Bench::with_home();
    let tables = month();
    for table in &tables[..2] {
        put(&bench, &format!("{}.csv", table.kind), &table.csv());
    }
    bench.line(&format!("ingest accounts.csv prices.csv --as-of {TAKEN_AT}")).expect_exit(0);

    let usage = &tables[3];
    for packed in [gzip(&usage.ndjson()), zstandard(&usage.ndjson()), gzip(&usage.parquet())] {
        put(&bench, "usage-1", &packed[..packed.len() - 9]);
        let said = bench.line(&format!("ingest usage-1 --as-of {TAKEN_AT} --json")).expect_exit(2).json();
        assert_eq!((&said["rows"], &said["accepted"]), (&json!(0), &json!(0)), "{said}");
        assert_eq!(said["files"][0]["refusals"][0]["reason"], "truncated", "{said}");
    }
    let raw = names_in(&bench.home().join("raw"));
    assert!(raw.iter().all(|name| name.len() == 64), "only what was delivered, under its hash: {raw:?}");

    let bad = [&usage.ndjson()[..], b"{\"record_id\":\"r-9\",\n"].concat();
    put(&bench, "usage-2", &gzip(&bad));
    let said = bench.line(&format!("ingest usage-2 --as-of {TAKEN_AT} --json")).expect_exit(2).json();
    assert_eq!((&said["rows"], &said["accepted"], &said["refused"]), (&json!(6), &json!(5), &json!(1)), "{said}");
    let refused = &said["files"][0]["refusals"][0];
    assert_eq!((&refused["line"], &refused["reason"]), (&json!(6), &json!("invalid_json_row")), "{said}");
}

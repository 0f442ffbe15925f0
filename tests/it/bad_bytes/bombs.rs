//! Little that unpacks to much, without a lie: every size that is stated is right.

use super::forge::{self, Column, Footer, Page, ZSTD};
use super::{COLUMNS, HEADER, check, csv, gzip, row, zstandard};
use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;

const MIB: usize = 1 << 20;

/// So many MiB of these bytes, packed: members or frames one after the other, each as small as they get.
fn packed(pack: fn(&[u8]) -> Vec<u8>, first: &[u8], bytes: &[u8], mib: usize) -> Vec<u8> {
    let one: Vec<u8> = bytes.iter().copied().cycle().take(16 * MIB / bytes.len() * bytes.len()).collect();
    [pack(first), pack(&one).repeat(mib / 16)].concat()
}

/// A frame that asks for a window of 2 GiB, and a block of nothing.
fn wide_window() -> Vec<u8> {
    const WINDOW_LOG: u8 = 31;
    [&b"\x28\xb5\x2f\xfd"[..], &[0, (WINDOW_LOG - 10) << 3], &[1, 0, 0]].concat()
}

#[test]
fn packed_text_that_becomes_too_much_is_not_unpacked_to_the_end() {
    let header = format!("{HEADER}\n");
    let same = row("b-1");
    check(
        "packed",
        vec![
            ("a gigabyte of blank lines", packed(gzip, header.as_bytes(), b"\n", 1_024), "too_large"),
            ("a gigabyte of one letter", packed(gzip, header.as_bytes(), b"x", 1_024), "record_too_long"),
            ("a gigabyte of zeros", packed(gzip, b"", b"\0", 1_024), "invalid_encoding"),
            ("a gigabyte of blanks as NDJSON", packed(zstandard, b"{}\n", b" \n", 1_024), "too_large"),
            ("one row over and over", packed(gzip, header.as_bytes(), same.as_bytes(), 16), "repeated_rows"),
            ("one row over and over, smaller", packed(zstandard, header.as_bytes(), same.as_bytes(), 1_024), "too_large"),
            ("rows that are too short", packed(gzip, header.as_bytes(), b"b-2,a\n", 16), "unreadable_records"),
            ("a window of 2 GiB", wide_window(), "too_large"),
        ],
    );
}

/// The required columns with one cell each, in so many rows.
fn runs(rows: i32) -> Vec<Column> {
    COLUMNS.map(|(name, cell)| Column::run(name, cell, rows)).to_vec()
}

/// With ids of their own for so many rows; everything else is the same.
fn distinct(rows: usize) -> Vec<Column> {
    let ids: Vec<String> = (0..rows).map(|number| format!("b-{number}")).collect();
    let mut columns = runs(rows as i32);
    columns[0] = Column::plain("record_id", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    columns
}

/// A column of one text of so many MiB, packed as small as it gets; every size is told as it is.
fn long_text(mib: usize) -> Column {
    let bytes = (mib * MIB) as i32;
    let packed = [zstandard(&bytes.to_le_bytes()), zstandard(&vec![b'x'; 4 * MIB]).repeat(mib / 4)].concat();
    let page = Page { unpacked_bytes: bytes + 4, packed_bytes: packed.len() as i32, ..Page::new(1, forge::PLAIN, packed) };
    Column { unpacked_bytes: Some(i64::from(bytes) + 30), ..Column::of_pages("resource_name", ZSTD, vec![page]) }
}

/// As `ArrowWriter` writes it by itself: dictionaries and runs.
fn written(rows: usize) -> Vec<u8> {
    let column = |cell: &str| {
        let keys = Int32Array::from(vec![0; rows]);
        Arc::new(DictionaryArray::new(keys, Arc::new(StringArray::from(vec![cell])))) as ArrayRef
    };
    let batch = RecordBatch::try_from_iter(COLUMNS.map(|(name, cell)| (name, column(cell)))).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("in memory");
    writer.close().expect("in memory");
    bytes
}

#[test]
fn parquet_that_becomes_too_much_is_not_decoded_to_the_end() {
    // 93,000,000 rows in 93 KB: decoded as views of text they take 1.5 GB a column.
    let million = 93_000_000;
    let padded = Footer { padding: 93 << 10, ..Footer::default() };
    let long = "x".repeat(32 << 10);
    let mut labelled = distinct(3_000);
    labelled.push(Column::run("resource_name", &long, 3_000));
    let with = |mib| forge::file(&[runs(1), vec![long_text(mib)]].concat(), 1, &Footer::default());
    check(
        "parquet",
        vec![
            ("93 KB that become 93 million rows", forge::file(&runs(million), million.into(), &padded), "repeated_rows"),
            ("more rows than bytes can hold", forge::file(&runs(i32::MAX), i32::MAX.into(), &padded), "too_large"),
            ("as a writer writes it", written(20_000), "repeated_rows"),
            ("a label of 32 KiB in 3,000 rows", forge::file(&labelled, 3_000, &Footer::default()), "too_large"),
            ("one text of 400 MiB", with(400), "too_large"),
            ("one text of 60 MiB", with(60), "0/0/1 field_too_long"),
            ("packed once more", gzip(&forge::file(&runs(million), million.into(), &padded)), "repeated_rows"),
            ("few rows, told truly", csv(&row("b-3")), "1/0/0"),
        ],
    );
}

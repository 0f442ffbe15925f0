//! Small files written by the crate's own writer, right ones and damaged ones.

use super::super::input::Input;
use super::super::testing::{Opened, drain, open_bytes, rows_text};
use super::super::{ReadOptions, Source, open};
use super::*;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, DictionaryArray, Float64Array, Int8Array, Int64Array,
    LargeStringArray, NullArray, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, i256};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use reckoner_core::table::{Context, TableKind, usage};

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// A file with these columns.
fn written(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    written_with(columns, WriterProperties::builder().build())
}

fn written_with(columns: &[(&str, ArrayRef)], properties: WriterProperties) -> Vec<u8> {
    let fields = columns.iter().map(|(name, array)| arrow::datatypes::Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    bytes
}

/// Two rows of usage, with some columns replaced or added.
fn usage_columns(changes: &[(&'static str, ArrayRef)]) -> Vec<(&'static str, ArrayRef)> {
    let mut columns = vec![
        ("record_id", strings(&["r1", "r2"])),
        ("account_id", strings(&["a", "a"])),
        ("resource_id", strings(&["v", "v"])),
        ("sku", strings(&["s", "s"])),
        ("started_at", strings(&["2026-01-05T00:00:00Z"; 2])),
        ("ended_at", strings(&["2026-01-05T01:00:00Z"; 2])),
    ];
    for (name, array) in changes {
        match columns.iter_mut().find(|(column, _)| column == name) {
            Some(column) => column.1 = Arc::clone(array),
            None => columns.push((name, Arc::clone(array))),
        }
    }
    columns
}

fn open_usage(changes: &[(&'static str, ArrayRef)]) -> Opened {
    open_bytes(&written(&usage_columns(changes)), TableKind::Usage)
}

/// The two cells of the changed column, or the code of the refusal.
fn cells_of(column: &'static str, array: ArrayRef) -> String {
    match drain(open_usage(&[(column, array)])) {
        Err(refusal) => refusal.reason.to_owned(),
        Ok(batches) => batches[0].rows().map(|row| row.get(column).to_owned()).collect::<Vec<_>>().join("|"),
    }
}

#[test]
fn values_read_as_the_text_that_csv_would_have() {
    let start = 1_767_571_200; // 2026-01-05T00:00:00Z
    let dictionary: DictionaryArray<Int32Type> = vec![Some("x"), None].into_iter().collect();
    let decimal = |values: Vec<i128>, scale| Decimal128Array::from(values).with_precision_and_scale(38, scale).expect("fits");
    let wide =
        Decimal256Array::from(vec![i256::from_i128(1_500), i256::from_i128(-1)]).with_precision_and_scale(50, 3).expect("fits");
    let cases: Vec<(&'static str, ArrayRef, &str)> = vec![
        ("region", strings(&["x", ""]), "x|"),
        ("region", Arc::new(LargeStringArray::from(vec![Some("x"), None])), "x|"),
        ("region", Arc::new(dictionary), "x|"),
        ("region", Arc::new(NullArray::new(2)), "|"),
        ("record_id", Arc::new(Int64Array::from(vec![17, -1])), "17|-1"), // the second is an id as well
        ("quantity", Arc::new(Int8Array::from(vec![Some(-3), None])), "-3|"),
        ("quantity", Arc::new(UInt64Array::from(vec![u64::MAX, 0])), "18446744073709551615|0"),
        ("quantity", Arc::new(decimal(vec![1_500_000_000_000, 1], 12)), "1.5|0.000000000001"),
        ("quantity", Arc::new(decimal(vec![-5, 1_000], 3)), "-0.005|1"),
        ("quantity", Arc::new(decimal(vec![100, 0], 0)), "100|0"), // zeros before the point stay
        ("quantity", Arc::new(wide), "1.5|-0.001"),
        ("revision", Arc::new(decimal(vec![500, 0], 2)), "5|0"),
        ("waived", Arc::new(BooleanArray::from(vec![Some(true), Some(false)])), "true|false"),
        (
            "started_at",
            Arc::new(TimestampSecondArray::from(vec![start, start + 1]).with_timezone("UTC")),
            "2026-01-05T00:00:00Z|2026-01-05T00:00:01Z",
        ),
        (
            // The zone is how it was shown; the instant is the same.
            "started_at",
            Arc::new(TimestampMillisecondArray::from(vec![start * 1_000 + 999, start * 1_000]).with_timezone("+08:00")),
            "2026-01-05T00:00:00Z|2026-01-05T00:00:00Z",
        ),
        (
            "started_at",
            Arc::new(TimestampMicrosecondArray::from(vec![start * 1_000_000 - 1, -1]).with_timezone("UTC")),
            "2026-01-04T23:59:59Z|-1 s since 1970", // before 1970: its row is refused
        ),
        (
            "started_at",
            Arc::new(TimestampNanosecondArray::from(vec![Some(start * 1_000_000_000), None]).with_timezone("UTC")),
            "2026-01-05T00:00:00Z|",
        ),
        (
            "started_at",
            Arc::new(TimestampSecondArray::from(vec![253_402_300_799, 253_402_300_800]).with_timezone("UTC")),
            "9999-12-31T23:59:59Z|253402300800 s since 1970",
        ),
    ];
    for (column, array, expected) in cases {
        let data_type = array.data_type().clone();
        assert_eq!(cells_of(column, array), expected, "{column} of {data_type}");
    }
}

#[test]
fn types_that_say_too_little_refuse_the_file() {
    let days: ArrayRef = Arc::new(Date32Array::from(vec![20_000, 20_001]));
    let whole: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let yes: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let utc: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("UTC"));
    let cases: Vec<(&'static str, ArrayRef, &str)> = vec![
        ("quantity", Arc::new(Float64Array::from(vec![None::<f64>, None])), "float_column"), // also where every value is null
        ("started_at", Arc::new(TimestampMicrosecondArray::from(vec![1, 2])), "naive_timestamp"),
        ("started_at", Arc::new(TimestampNanosecondArray::from(vec![1, 2])), "naive_timestamp"),
        ("started_at", days, "unsupported_type"),
        ("started_at", Arc::clone(&whole), "unsupported_type"), // seconds? milliseconds?
        ("waived", Arc::clone(&whole), "unsupported_type"),
        ("tags", whole, "unsupported_type"),
        ("quantity", yes, "unsupported_type"),
        ("region", utc, "unsupported_type"),
        ("memo", strings(&["x", "y"]), "unknown_column"),
    ];
    for (column, array, expected) in cases {
        let data_type = array.data_type().clone();
        assert_eq!(cells_of(column, array), expected, "{column} of {data_type}");
    }
    let lacking = usage_columns(&[]).split_off(1);
    assert_eq!(rows_text(open_bytes(&written(&lacking), TableKind::Usage)), "missing_column");
}

#[test]
fn a_listed_column_is_passed_over_whatever_its_type() {
    let bytes = written(&usage_columns(&[("memo", Arc::new(Float64Array::from(vec![None::<f64>, None])))]));
    let options = ReadOptions { ignored_columns: vec!["memo".to_owned()], ..ReadOptions::default() };
    assert_eq!(rows_text(open(Source::Bytes(bytes), TableKind::Usage, &options)), "1:r1 2:r2");
}

#[test]
fn parquet_and_csv_give_the_same_rows() {
    let parquet = open_usage(&[
        ("started_at", Arc::new(TimestampMicrosecondArray::from(vec![1_767_571_200_000_000; 2]).with_timezone("UTC"))),
        ("quantity", Arc::new(Decimal128Array::from(vec![1_500, 2_000]).with_precision_and_scale(38, 3).expect("fits"))),
        ("tags", strings(&["b=2;a=1", "a=1"])),
    ]);
    let csv = b"record_id,account_id,resource_id,sku,started_at,ended_at,quantity,tags\n\
        r1,a,v,s,2026-01-05T08:00:00+08:00,2026-01-05T01:00:00Z,1.5,a=1;b=2\n\
        r2,a,v,s,2026-01-05T00:00:00Z,2026-01-05T01:00:00.5Z,2,a=1\n";
    let contents = |opened: Opened| -> Vec<String> {
        let batches = drain(opened).expect("right");
        let rows = batches.iter().flat_map(Batch::rows);
        rows.map(|row| usage::parse(&row, &Context::new("CNY")).expect("right").content_id()).collect()
    };
    assert_eq!(contents(parquet), contents(open_bytes(csv, TableKind::Usage)));
}

#[test]
fn rows_are_counted_through_row_groups_and_batches() {
    let ids: Vec<String> = (1..=1_000).map(|n| format!("r{n}")).collect();
    let same = |text: &'static str| -> ArrayRef { Arc::new(StringArray::from(vec![text; 1_000])) };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("record_id", Arc::new(StringArray::from(ids.clone()))),
        ("account_id", same("a")),
        ("resource_id", same("v")),
        ("sku", same("s")),
        ("started_at", same("2026-01-05T00:00:00Z")),
        ("ended_at", same("2026-01-05T01:00:00Z")),
    ];
    let properties =
        WriterProperties::builder().set_max_row_group_row_count(Some(130)).set_compression(Compression::SNAPPY).build();
    let bytes = written_with(&columns, properties);
    for batch_rows in [1, 7, 130, 8_192] {
        let options = ReadOptions { batch_rows, ..ReadOptions::default() };
        let batches = drain(open(Source::Bytes(bytes.clone()), TableKind::Usage, &options)).expect("right");
        let lines: Vec<u64> = batches.iter().flat_map(|batch| batch.lines().to_vec()).collect();
        let read: Vec<String> = batches.iter().flat_map(|batch| batch.cells(0).map(str::to_owned)).collect();
        assert_eq!((lines, &read), ((1..=1_000).collect(), &ids), "{batch_rows}");
    }
}

#[test]
fn a_field_beyond_64_kib_refuses_its_row_alone() {
    let read = |length: usize| rows_text(open_usage(&[("resource_name", strings(&[&"x".repeat(length), "y"]))]));
    assert_eq!(read(FIELD_BYTES_MAX), "1:r1 2:r2");
    assert_eq!(read(FIELD_BYTES_MAX + 1), "2:r2 !1:field_too_long");
}

#[test]
fn long_rows_are_cut_into_smaller_batches() {
    // 1000 rows of 64 KiB, held once in the file's dictionary, would be 64 MB of text.
    let long = "x".repeat(FIELD_BYTES_MAX);
    let same = |text: &str| -> ArrayRef { Arc::new(vec![Some(text); 1_000].into_iter().collect::<DictionaryArray<Int32Type>>()) };
    let mut columns = usage_columns(&[("resource_name", same(&long))]);
    for column in &mut columns {
        if column.1.len() == 2 {
            column.1 = same(if column.0.ends_with("_at") { "2026-01-05T00:00:00Z" } else { "x" });
        }
    }
    let batches = drain(open_bytes(&written(&columns), TableKind::Usage)).expect("right");
    assert_eq!(batches.iter().map(Batch::len).sum::<usize>(), 1_000);
    assert!(batches.iter().all(|batch| batch.len() <= BATCH_BYTES_MAX / FIELD_BYTES_MAX));
}

#[test]
fn what_unpacks_to_too_much_is_not_unpacked() {
    let mib = 1 << 20;
    let cases = [
        (ROW_GROUP_BYTES_MAX, ROW_GROUP_BYTES_MAX / 2, "ok"),
        (ROW_GROUP_BYTES_MAX + 1, ROW_GROUP_BYTES_MAX, "too_large"),
        (RATIO_BYTES_MIN, 1, "ok"), // small enough whatever the ratio
        (1_000 * mib, mib, "ok"),
        (1_001 * mib, mib, "too_large"),
        (RATIO_BYTES_MIN + 1, 0, "too_large"),
    ];
    for (unpacked, packed, expected) in cases {
        let seen = check_ratio(0, unpacked, packed).map_or_else(|refusal| refusal.reason, |()| "ok");
        assert_eq!(seen, expected, "{packed} to {unpacked}");
    }
    let few = written(&usage_columns(&[]));
    let footer = guarded(|| {
        let file = Input::open(Source::Bytes(few), &ReadOptions::default()).expect("plain").into_file().expect("spilled");
        ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
    });
    let footer = footer.expect("right");
    assert_eq!(check_footer(footer.metadata(), 1), Ok(2));
    assert_eq!(check_footer(footer.metadata(), 0).map_err(|refusal| refusal.reason), Err("too_large"));
}

#[test]
fn a_panic_of_the_decoder_is_a_refusal() {
    let seen = guarded(|| -> Result<(), String> { panic!("index out of bounds") });
    let detail = seen.expect_err("caught").detail;
    assert!(detail.contains("index out of bounds"), "{detail}");
}

#[test]
fn a_truncated_file_never_opens() {
    let whole = written(&usage_columns(&[]));
    for length in (4..whole.len()).step_by(37).chain([whole.len() - 1]) {
        assert_eq!(rows_text(open_bytes(&whole[..length], TableKind::Usage)), "corrupt", "{length}");
    }
}

#[test]
fn a_damaged_file_is_read_or_refused_and_never_brings_the_process_down() {
    let quantity: ArrayRef = Arc::new(Decimal128Array::from(vec![1_500, 2_000]).with_precision_and_scale(38, 3).expect("fits"));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let whole = written_with(&usage_columns(&[("quantity", quantity)]), properties);
    let mut refused = 0;
    for place in 4..whole.len() {
        for bit in [0, 3, 7] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << bit;
            match drain(open_bytes(&damaged, TableKind::Usage)) {
                Ok(batches) => assert!(batches.iter().map(Batch::len).sum::<usize>() <= 2),
                Err(refusal) => {
                    assert!(!refusal.detail.is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > whole.len() / 2, "{refused} of {} damages are noticed", whole.len() * 3);
}

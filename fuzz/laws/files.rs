//! Files: whatever the bytes, every record comes out as a row or as refused, in order, the same in every batch size.

use super::texts;
use reckoner_core::table::schema::TableSchema;
use reckoner_core::table::{Refusal, TableKind, reason};
use reckoner_read::{
    Batch, FILE_REASONS, FileRefusal, Format, ReadOptions, RefusedRow, RowReader, Source, format_of, open, open_usage,
};
use std::collections::BTreeMap;
use std::io::Read as _;

/// So much is unpacked at most: a fuzzer's input is small, and should stay so.
const UNPACKED_BYTES_MAX: u64 = 1 << 20;

/// What came of a file.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Line and cells.
    rows: Vec<(u64, Vec<String>)>,
    refused: Vec<RefusedRow>,
}

fn read(bytes: &[u8], kind: TableKind, batch_rows: usize) -> Result<(Format, Outcome), FileRefusal> {
    let options = ReadOptions {
        batch_rows,
        text_bytes_max: UNPACKED_BYTES_MAX,
        parquet_bytes_max: UNPACKED_BYTES_MAX,
        ..ReadOptions::default()
    };
    let mut reader = open(Source::Bytes(bytes.to_vec()), kind, &options)?;
    let outcome = drained(reader.as_mut(), kind.schema())?;
    Ok((reader.format(), outcome))
}

fn drained(reader: &mut dyn RowReader, schema: &TableSchema) -> Result<Outcome, FileRefusal> {
    let (mut outcome, mut last) = (Outcome { rows: Vec::new(), refused: Vec::new() }, 0);
    while let Some(batch) = reader.next_batch()? {
        assert!(!batch.lines().is_empty() || !batch.refused().is_empty(), "an empty batch is never handed out");
        last = check_lines(&batch, last);
        for row in batch.rows() {
            let cells: Vec<String> = schema.columns.iter().map(|column| row.get(&column.name).to_owned()).collect();
            outcome.rows.push((row.line(), cells));
            texts::row(&row);
        }
        for record in batch.refused() {
            check_refusal(&record.refusal);
            outcome.refused.push(record.clone());
        }
    }
    assert!(matches!(reader.next_batch(), Ok(None)), "after the end comes nothing");
    Ok(outcome)
}

/// Lines ascend through the file, and no line is two records.
fn check_lines(batch: &Batch, before: u64) -> u64 {
    let mut lines: Vec<u64> = batch.lines().to_vec();
    assert!(lines.is_sorted() && batch.refused().is_sorted_by_key(|record| record.line), "in the file's order");
    lines.extend(batch.refused().iter().map(|record| record.line));
    lines.sort_unstable();
    let last = *lines.last().expect("a batch has records");
    assert!(lines[0] > before && lines.windows(2).all(|pair| pair[0] < pair[1]), "{lines:?} after {before}");
    last
}

pub fn check_refusal(refusal: &Refusal) {
    assert!(reason::ALL.iter().any(|(code, _)| *code == refusal.reason), "{refusal:?}");
    assert!(!refusal.detail.is_empty());
}

/// Reads the file as every table; hands back what came of it as the one whose columns it has.
fn as_any_table(bytes: &[u8]) -> Option<(TableKind, Format, Outcome)> {
    for kind in TableKind::ALL.into_iter().filter(|kind| kind.is_taken_in()) {
        let at_once = read(bytes, kind, 8_192);
        match &at_once {
            Err(refusal) => {
                assert!(FILE_REASONS.iter().any(|(code, _)| *code == refusal.reason), "{refusal:?}");
                assert!(!refusal.detail.is_empty());
                let is_other_table = ["missing_column", "unknown_column", "duplicate_column"].contains(&refusal.reason);
                if !is_other_table {
                    return None; // its bytes are at fault, in any table
                }
            }
            Ok(_) => {
                assert_eq!(read(bytes, kind, 1), at_once, "the batch's size changes nothing");
                let (format, outcome) = at_once.expect("just seen");
                return Some((kind, format, outcome));
            }
        }
    }
    None
}

fn records(outcome: &Outcome) -> usize {
    outcome.rows.len() + outcome.refused.len()
}

/// A usual number of lines that hold something.
fn lines_with_content(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count()
}

pub fn csv(bytes: &[u8]) {
    let Some((_, Format::Csv, outcome)) = as_any_table(bytes) else { return };
    // Without quotes a record is a line; a line of blanks is a record of one field.
    if !bytes.contains(&b'"') {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && *line != b"\r").count();
        assert_eq!(records(&outcome) + 1, lines, "every line but the header is a row or refused");
    }
}

pub fn ndjson(bytes: &[u8]) {
    let Some((_, format, outcome)) = as_any_table(bytes) else { return };
    if format != Format::Csv && format != Format::Parquet && bytes.first() == Some(&b'{') {
        assert_eq!(records(&outcome), lines_with_content(bytes), "every line is a row or refused");
    }
}

pub fn cloud_events(bytes: &[u8]) {
    let Ok((Format::CloudEvents, outcome)) = read(bytes, TableKind::Usage, 8_192) else { return };
    assert!(records(&outcome) > 0, "the first event made it a file of events");
    // The same through packing.
    assert_eq!(read(&gzip(bytes), TableKind::Usage, 8_192), Ok((Format::CloudEvents, outcome)));
}

/// Decoded in this process: what ends it, the fuzzer finds; in production it ends a process that may end.
pub fn parquet(bytes: &[u8]) {
    as_any_table(bytes);
    let (rows, columns) = (read(bytes, TableKind::Usage, 8_192), columns(bytes));
    match (rows, columns) {
        (Ok((Format::Parquet, outcome)), Ok(columns)) => {
            let names = |cells: &[String]| ID_COLUMNS.map(|column| cells[place_of(column)].clone());
            let rows: BTreeMap<u64, Ids> = outcome.rows.iter().map(|(line, cells)| (*line, names(cells))).collect();
            assert_eq!(columns.len(), records(&outcome), "every row is there, however it is read");
            let is_same = |(line, ids): &(u64, Option<Ids>)| ids.as_ref().is_none_or(|ids| rows.get(line) == Some(ids));
            assert!(columns.iter().all(is_same), "{columns:?} {rows:?}");
        }
        (Err(one), Err(other)) => assert_eq!(one.reason, other.reason),
        (rows, columns) => assert!(rows.is_ok() == columns.is_ok(), "{rows:?} {columns:?}"),
    }
}

/// The ids of a row of usage.
type Ids = [String; 4];

const ID_COLUMNS: [&str; 4] = ["record_id", "account_id", "resource_id", "sku"];

fn place_of(column: &str) -> usize {
    TableKind::Usage.schema().columns.iter().position(|known| known.name == column).expect("a column of usage")
}

/// Usage as columns: the line of every row, and its ids where it can be read.
fn columns(bytes: &[u8]) -> Result<Vec<(u64, Option<Ids>)>, FileRefusal> {
    let options =
        ReadOptions { parquet_bytes_max: UNPACKED_BYTES_MAX, text_bytes_max: UNPACKED_BYTES_MAX, ..ReadOptions::default() };
    let mut reader = open_usage(Source::Bytes(bytes.to_vec()), &options, None)?;
    let mut rows = Vec::new();
    while let Some(columns) = reader.next_columns()? {
        for (row, line) in columns.lines.iter().enumerate() {
            let ids = || {
                let [account_id, resource_id, sku] =
                    [&columns.account_id, &columns.resource_id, &columns.sku].map(|column| column.get(row).to_owned());
                [columns.record_id.get(row).to_owned(), account_id, resource_id, sku]
            };
            rows.push((*line, (!columns.unread.contains(&(row as u32))).then(ids)));
        }
    }
    Ok(rows)
}

/// Packed bytes say what they say unpacked; and any bytes say the same packed.
pub fn packed(bytes: &[u8]) {
    let is_packed = bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd");
    if is_packed {
        let (Ok(read_packed), Some(unpacked)) = (read(bytes, TableKind::Funds, 8_192), unpack(bytes)) else { return };
        assert_eq!(read(&unpacked, TableKind::Funds, 8_192), Ok(read_packed));
        return;
    }
    let plain = read(bytes, TableKind::Funds, 8_192);
    for packed in [gzip(bytes), zstd::encode_all(bytes, 1).expect("in memory")] {
        match (&plain, read(&packed, TableKind::Funds, 8_192)) {
            (Err(plain), Err(packed)) => assert_eq!(plain.reason, packed.reason),
            (plain, packed) => assert_eq!(plain, &packed),
        }
        assert_eq!(format_of(Source::Bytes(packed)).ok(), format_of(Source::Bytes(bytes.to_vec())).ok());
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    encoder.read_to_end(&mut packed).expect("in memory");
    packed
}

/// What another reader of packed bytes makes of them; nothing where it is much, or it sees a fault.
fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let read = match bytes[0] {
        0x1f => flate2::read::MultiGzDecoder::new(bytes).take(UNPACKED_BYTES_MAX).read_to_end(&mut unpacked),
        _ => zstd::Decoder::new(bytes).ok()?.take(UNPACKED_BYTES_MAX).read_to_end(&mut unpacked),
    };
    read.ok().filter(|read| (*read as u64) < UNPACKED_BYTES_MAX).map(|_| unpacked)
}

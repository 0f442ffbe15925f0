//! Files of every format cut short, and a thousand flipped bits of each.
//!
//! What may be expected differs. gzip, and Zstandard with its checksum, notice every change of what they hold: such a file is
//! refused whole, or says what it said. CSV, NDJSON and Parquet have nothing to notice it by: a flipped bit in a number is
//! another number, and what is read is what the bytes say. Only a hash from the sender tells those apart.

use super::{COLUMNS, Chance, all_is_well, csv, deliver, gzip, home, outcome, row, zstandard};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::sync::Arc;

const ROWS: usize = 8;
const FLIPS: usize = 1_000;
/// Flips in one file's place, and files in one command.
const FILES: usize = 100;

fn text() -> Vec<u8> {
    csv(&(0..ROWS).map(|number| row(&format!("d-{number}"))).collect::<String>())
}

fn ndjson() -> Vec<u8> {
    let line = |number: usize| {
        let cell = |(name, cell): (&str, &str)| {
            format!("\"{name}\":\"{}\"", if name == "record_id" { format!("d-{number}") } else { cell.to_owned() })
        };
        format!("{{{},\"quantity\":1}}\n", COLUMNS.map(cell).join(","))
    };
    (0..ROWS).flat_map(|number| line(number).into_bytes()).collect()
}

fn parquet() -> Vec<u8> {
    let column = |(name, cell): (&'static str, &str)| {
        let cells = (0..ROWS).map(|number| if name == "record_id" { format!("d-{number}") } else { cell.to_owned() });
        (name, Arc::new(StringArray::from_iter_values(cells)) as ArrayRef)
    };
    let batch = RecordBatch::try_from_iter(COLUMNS.map(column)).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("in memory");
    writer.close().expect("in memory");
    bytes
}

fn formats() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("csv", text()),
        ("ndjson", ndjson()),
        ("parquet", parquet()),
        ("csv-gz", gzip(&text())),
        ("ndjson-zst", zstandard(&ndjson())),
        ("parquet-gz", gzip(&parquet())),
    ]
}

fn is_refused_whole(file: &Value) -> bool {
    file["refused_whole"].is_string()
}

#[test]
fn a_file_that_is_cut_short_is_refused_whole_but_at_a_line_break() {
    let bench = home();
    let mut chance = Chance(70);
    let mut cuts: Vec<(String, Vec<u8>)> = Vec::new();
    for (format, whole) in formats() {
        let sampled = (0..40).map(|_| chance.below(whole.len())).chain([0, 1, 4, whole.len() - 1]);
        cuts.extend(sampled.map(|length| (format!("{format} cut to {length}"), whole[..length].to_vec())));
    }
    // The same bytes twice are the same file.
    cuts.sort_by(|one, other| one.1.cmp(&other.1));
    cuts.dedup_by(|one, other| one.1 == other.1);
    let (names, files): (Vec<_>, Vec<_>) = cuts.into_iter().unzip();

    for (name, (bytes, file)) in names.iter().zip(files.iter().zip(deliver(&bench, "cut", &files))) {
        let is_text = name.starts_with("csv c") || name.starts_with("ndjson c");
        if is_text && bytes.ends_with(b"\n") {
            // Nothing in the bytes says that there was more: a row count would.
            assert!(!is_refused_whole(&file) && file["refused"] == 0, "{name}: {file}");
        } else {
            assert!(is_refused_whole(&file), "{name}: {file}");
        }
    }
    all_is_well(&bench);
}

/// A thousand flips of one format, each a file of its own; hands back how many are refused whole, how many say what the
/// whole file says, and how many say something else.
fn flips(format: &str, whole: &[u8]) -> [usize; 3] {
    let bench = home();
    assert_eq!(outcome(&deliver(&bench, format, &[whole.to_vec()])[0]), format!("{ROWS}/0/0"));
    let (mut chance, mut counts) = (Chance(71), [0; 3]);
    for round in 0..FLIPS / FILES {
        let damaged = |_| {
            let mut bytes = whole.to_vec();
            let place = chance.below(whole.len() * 8);
            bytes[place / 8] ^= 1 << (place % 8);
            bytes
        };
        let files: Vec<Vec<u8>> = (0..FILES).map(damaged).collect();
        for file in deliver(&bench, &format!("{format}-{round}"), &files) {
            let is_same = outcome(&file) == format!("0/{ROWS}/0");
            let is_known = file["same_as"].is_string(); // two flips of one bit
            counts[if is_refused_whole(&file) && !is_known {
                0
            } else if is_same || is_known {
                1
            } else {
                2
            }] += 1;
        }
    }
    all_is_well(&bench);
    counts
}

fn flips_of(format: &str) -> [usize; 3] {
    let (_, whole) = formats().into_iter().find(|(name, _)| *name == format).expect("a format");
    let counts = flips(format, &whole);
    println!(
        "{format}: of {FLIPS} flips {} refused whole, {} without effect, {} read as other rows",
        counts[0], counts[1], counts[2]
    );
    counts
}

#[test]
fn a_flipped_bit_of_csv_or_ndjson_is_another_text_and_loses_nothing() {
    for format in ["csv", "ndjson"] {
        let [refused, same, other] = flips_of(format);
        assert!(refused > 0 && other > 0, "{refused} {same} {other}");
    }
}

#[test]
fn a_flipped_bit_of_a_packed_file_is_refused_or_has_no_effect() {
    for format in ["csv-gz", "ndjson-zst", "parquet-gz"] {
        let [refused, _, other] = flips_of(format);
        assert_eq!(other, 0, "{format}");
        assert!(refused > FLIPS * 9 / 10, "{format}: {refused}");
    }
}

#[test]
fn a_flipped_bit_of_parquet_is_refused_or_read_as_the_bytes_say() {
    let [refused, _, _] = flips_of("parquet");
    assert!(refused > FLIPS / 10, "{refused}");
}

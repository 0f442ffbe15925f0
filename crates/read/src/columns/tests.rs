//! Files of every kind of column, read as columns and as text: both ways say the same.

use super::super::testing::open_bytes;
use super::super::{Batch, RowReader};
use super::*;
use reckoner_core::table::usage::{parse, tags_of, tags_text};
use reckoner_core::table::{Coded, Context, UsageRow};
use reckoner_core::time::Instant;
use std::collections::BTreeMap;
use std::io::Write as _;

mod generated;

/// What is on each line: the row, or nothing where it is left to the readable way.
type Lines = BTreeMap<u64, Option<UsageRow>>;

fn by_text(mut reader: Box<dyn RowReader>) -> Result<Lines, FileRefusal> {
    let mut lines = Lines::new();
    while let Some(batch) = reader.next_batch()? {
        for row in batch.rows() {
            let read = parse(&row, &Context::new("CNY")).ok();
            lines.insert(row.line(), read.filter(|row| row.corrects.is_none() && !row.is_waived));
        }
        lines.extend(batch.refused().iter().map(|row| (row.line, None)));
    }
    Ok(lines)
}

fn by_columns(reader: &mut dyn UsageReader) -> Result<Lines, FileRefusal> {
    let (mut lines, mut last) = (Lines::new(), 0);
    while let Some(columns) = reader.next_columns()? {
        assert!(columns.lines[0] > last && columns.lines.is_sorted_by(|line, next| line < next), "lines ascend");
        assert!(columns.unread.is_sorted_by(|row, next| row < next));
        last = *columns.lines.last().expect("columns have rows");
        for row in 0..columns.len() {
            let is_unread = columns.unread.contains(&(row as u32));
            lines.insert(columns.lines[row], (!is_unread).then(|| row_of(columns, row)));
        }
    }
    Ok(lines)
}

fn row_of(columns: &UsageColumns, row: usize) -> UsageRow {
    let text = |column: &Option<Coded>| column.as_ref().map(|column| column.get(row).to_owned()).filter(|text| !text.is_empty());
    let tags = text(&columns.tags).unwrap_or_default();
    assert_eq!(tags, tags_text(&tags_of(&tags)), "labels are sorted");
    UsageRow {
        record_id: columns.record_id.get(row).to_owned(),
        account_id: columns.account_id.get(row).to_owned(),
        resource_id: columns.resource_id.get(row).to_owned(),
        sku: columns.sku.get(row).to_owned(),
        started_at: Instant::from_seconds(columns.started_at[row]),
        ended_at: Instant::from_seconds(columns.ended_at[row]),
        quantity: reckoner_core::number::Quantity::from_e12(columns.quantity_e12[row]),
        region: text(&columns.region),
        resource_name: text(&columns.resource_name),
        tags: tags_of(&tags),
        revision: columns.revision.as_ref().map_or(0, |column| column[row]),
        corrects: None,
        is_waived: false,
        line: columns.lines[row],
    }
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

/// The file as columns of so many rows, of these row groups.
fn columns_of(bytes: &[u8], rows_max: usize, part: Option<Range<usize>>) -> Result<Lines, FileRefusal> {
    by_columns(&mut ColumnsReader::open(file_of(bytes), &ReadOptions::default(), part)?.with_rows_max(rows_max))
}

fn opened(bytes: &[u8]) -> Result<Lines, FileRefusal> {
    by_columns(&mut *open_usage(Source::Bytes(bytes.to_vec()), &ReadOptions::default(), None)?)
}

fn text_of(bytes: &[u8]) -> Result<Lines, FileRefusal> {
    by_text(open_bytes(bytes, TableKind::Usage)?)
}

#[test]
fn columns_say_what_the_text_says() {
    let (mut read, mut unread) = (0, 0);
    for seed in 0..120 {
        let bytes = generated::file(seed);
        let expected = text_of(&bytes).expect("a sound file");
        for rows_max in [7, 100, ROWS_MAX] {
            let seen = columns_of(&bytes, rows_max, None).expect("a sound file");
            assert_eq!(seen.len(), expected.len(), "seed {seed}, {rows_max} rows");
            for (line, row) in &expected {
                assert_eq!(&seen[line], row, "seed {seed}, {rows_max} rows, line {line}");
            }
        }
        read += expected.values().flatten().count();
        unread += expected.values().filter(|row| row.is_none()).count();
    }
    assert!(read > 3_000 && unread > 3_000, "{read} rows are read and {unread} are not");
}

#[test]
fn parts_together_are_the_whole() {
    for seed in 0..40 {
        let bytes = generated::file(seed);
        let parts = usage_parts(Source::Bytes(bytes.clone()), &ReadOptions::default()).expect("a sound file");
        let UsageParts::RowGroups(rows) = parts else { panic!("Parquet has row groups") };
        let whole = opened(&bytes).expect("a sound file");
        assert_eq!(rows.iter().sum::<u64>(), whole.len() as u64);
        for cut in 0..=rows.len() {
            let [first, second] = [0..cut, cut..rows.len()].map(|part| columns_of(&bytes, 50, Some(part)).expect("a sound part"));
            assert_eq!(first.len() as u64, rows[..cut].iter().sum::<u64>());
            assert_eq!(first.into_iter().chain(second).collect::<Lines>(), whole, "seed {seed}, cut at {cut}");
        }
        let gone = columns_of(&bytes, 50, Some(0..rows.len() + 1)).expect_err("there is no such group");
        assert_eq!(gone.reason, "unreadable");
    }
}

#[test]
fn text_formats_come_as_columns_with_every_line() {
    let long = "x".repeat(70_000);
    let csv = format!(
        "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,tags,corrects,region\n\
         r1,a,v,s,2026-01-05T08:00:00+08:00,2026-01-05T01:00:00Z,1.5,b=2;a=1,,\n\
         r2,a,v\n\
         r3,a,v,s,2026-01-05T08:00:00+08:00,2026-01-05T01:00:00Z,,,,north\n\
         r4,a,v,s,2026-01-05T08:00:00,2026-01-05T01:00:00Z,,,,\n\
         r5,a,v,s,2026-01-05T08:00:00Z,2026-01-05T09:00:00Z,,,r1,\n\
         r6,a,v,s,2026-01-05T08:00:00Z,2026-01-05T09:00:00Z,,,,{long}\n\
         \n\
         r7,a,w,s,2026-01-05T08:00:00Z,2026-01-05T09:00:00Z,3,,,\n"
    );
    let row = |id: u32| {
        format!(
            "{{\"record_id\":\"r{id}\",\"account_id\":\"a\",\"resource_id\":\"v\",\"sku\":\"s\",\"started_at\":\"2026-01-05T00:00:00Z\",\"ended_at\":\"2026-01-05T01:00:00Z\",\"revision\":{id}}}"
        )
    };
    let ndjson = format!("{}\n[1]\n\n{}\n{{\"record_id\":1\n", row(1), row(2));
    let cases = [(csv, "2 !3 4 !5 !6 !7 9"), (ndjson, "1 !2 4 !5")];
    for (text, expected) in cases {
        let seen = opened(text.as_bytes()).expect("sound text");
        assert_eq!(seen, text_of(text.as_bytes()).expect("sound text"));
        let lines: Vec<String> =
            seen.iter().map(|(line, row)| format!("{}{line}", if row.is_some() { "" } else { "!" })).collect();
        assert_eq!(lines.join(" "), expected);
        assert_eq!(usage_parts(Source::Bytes(text.clone().into_bytes()), &ReadOptions::default()), Ok(UsageParts::Whole));
        let part = open_usage(Source::Bytes(text.into_bytes()), &ReadOptions::default(), Some(0..1));
        assert_eq!(part.err().map(|refusal| refusal.reason), Some("unreadable"));
    }
}

#[test]
fn picked_lines_are_those_of_the_whole() {
    let csv: String = (0..500).map(|n| if n % 7 == 0 { format!("r{n},a\n") } else { format!("r{n},a,v,s,t,t\n\n") }).collect();
    let csv = format!("record_id,account_id,resource_id,sku,started_at,ended_at\n{csv}").into_bytes();
    for (seed, bytes) in (0..15).map(generated::file).chain([csv]).enumerate() {
        let all = records(open_bytes(&bytes, TableKind::Usage).expect("sound"));
        let lines: Vec<u64> = all.keys().copied().collect();
        let every = |step: usize| lines.iter().copied().step_by(step).collect::<Vec<u64>>();
        let few = lines.iter().copied().filter(|line| line % 100 < 3).collect();
        for wanted in [Vec::new(), lines.clone(), every(2), every(31), few, lines[lines.len() - 1..].to_vec()] {
            let options = ReadOptions { batch_rows: 64, ..ReadOptions::default() };
            let picked = super::super::open_lines(Source::Bytes(bytes.clone()), TableKind::Usage, &options, &wanted);
            let expected: BTreeMap<_, _> = wanted.iter().map(|line| (*line, all[line].clone())).collect();
            assert_eq!(records(picked.expect("sound")), expected, "file {seed}, lines {wanted:?}");
        }
        let gone = [lines[lines.len() - 1], u64::MAX];
        let opened = super::super::open_lines(Source::Bytes(bytes.clone()), TableKind::Usage, &ReadOptions::default(), &gone);
        let refused = super::super::testing::drain(opened).expect_err("there is no such line");
        assert_eq!(refused.reason, "unreadable");
    }
}

/// Rows and refused records by their lines, as they print.
fn records(mut reader: Box<dyn RowReader>) -> BTreeMap<u64, String> {
    let mut records = BTreeMap::new();
    let mut take = |batch: &Batch| {
        records.extend(batch.rows().map(|row| (row.line(), format!("{:?}", row.to_pairs()))));
        records.extend(batch.refused().iter().map(|row| (row.line, format!("{:?} {:?}", row.refusal, row.raw))));
    };
    while let Some(batch) = reader.next_batch().expect("sound") {
        take(&batch);
    }
    records
}

#[test]
fn one_row_over_and_over_refuses_the_file() {
    let reason = |bytes: &[u8], rows_max| columns_of(bytes, rows_max, None).map_or_else(|refusal| refusal.reason, |_| "ok");
    for rows_max in [999, 10_000, ROWS_MAX] {
        assert_eq!(reason(&generated::repeated(&[10_000]), rows_max), "ok");
        assert_eq!(reason(&generated::repeated(&[10_001]), rows_max), "repeated_rows");
        assert_eq!(reason(&generated::repeated(&[10_000, 1, 10_000]), rows_max), "ok"); // what is between begins the count anew
        assert_eq!(reason(&generated::repeated(&[10_000, 1, 10_001]), rows_max), "repeated_rows");
    }
}

#[test]
fn a_truncated_file_never_opens() {
    let whole = generated::file(1);
    for length in (4..whole.len()).step_by(whole.len() / 50).chain([whole.len() - 1]) {
        assert_eq!(opened(&whole[..length]).err().map(|refusal| refusal.reason), Some("corrupt"), "{length}");
    }
}

#[test]
fn damage_is_noticed_as_the_text_way_notices_it() {
    let mut refused = 0;
    for seed in 0..20 {
        let whole = generated::file(seed);
        let mut chance = generated::Chance::new(seed);
        for _ in 0..25 {
            let mut damaged = whole.clone();
            damaged[chance.below(whole.len() as u64) as usize] ^= 1 << chance.below(8);
            let reason = |seen: Result<Lines, FileRefusal>| seen.map_err(|refusal| refusal.reason);
            let (columns, text) = (reason(opened(&damaged)), reason(text_of(&damaged)));
            assert_eq!(columns, text, "seed {seed}");
            refused += usize::from(text.is_err());
        }
    }
    assert!(refused > 70, "{refused} of 500 damages are noticed");
}

#[test]
fn long_texts_are_cut_into_smaller_columns() {
    let bytes = generated::long_names(600);
    let mut reader = ColumnsReader::open(file_of(&bytes), &ReadOptions::default(), None).expect("sound");
    let mut rows = 0;
    while let Some(columns) = reader.next_columns().expect("sound") {
        let names = columns.resource_name.as_ref().expect("the file has names").values.text.len();
        assert!(names < super::super::batch::BATCH_BYTES_MAX + (4 << 20), "{names} bytes");
        rows += columns.lines.len();
    }
    assert_eq!(rows, 600);
}

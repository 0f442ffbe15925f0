//! A Parquet file's rows as columns, row group by row group.
//!
//! Few rows are decoded at a time, and many are gathered into columns.

use super::super::batch::BATCH_BYTES_MAX;
use super::super::parquet::{Footer, TextCount, guarded, rows_differ};
use super::super::{FileRefusal, ReadOptions};
use super::UsageReader;
use super::build::Builder;
use super::group::{Group, LONG_ROWS};
use super::repeats::Repeats;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int32Type;
use reckoner_core::table::{TableKind, UsageColumns};
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// So many rows are enough for one time.
pub(in super::super) const ROWS_MAX: usize = 128 * 1024;
/// So many rows are worth being handed out where a row group ends, as the next one has other dictionaries.
const ROWS_WORTH: usize = 32 * 1024;

/// A Parquet file of usage.
pub(in super::super) struct ColumnsReader {
    file: Arc<File>,
    footer: Footer,
    /// Row groups that are not begun.
    groups: Range<usize>,
    /// The row group that is being read.
    group: Option<Group>,
    /// Decoded, and not yet gathered.
    pending: Option<RecordBatch>,
    builder: Builder,
    repeats: Repeats,
    text: TextCount,
    rows_expected: u64,
    rows_seen: u64,
    rows_max: usize,
    is_done: bool,
}

impl ColumnsReader {
    pub(in super::super) fn open(file: File, options: &ReadOptions, part: Option<Range<usize>>) -> Result<Self, FileRefusal> {
        let schema = TableKind::Usage.schema();
        let footer = Footer::read(&file, schema, options)?;
        let rows = footer.group_rows();
        let groups = part.unwrap_or(0..rows.len());
        let Some(rows_expected) = rows.get(groups.clone()).map(|rows| rows.iter().sum()) else {
            return Err(super::part_is_gone());
        };
        let first_line = 1 + rows[..groups.start].iter().sum::<u64>();
        let names = footer.places.iter().flatten().map(|place| schema.columns[*place].name.as_str());
        Ok(Self {
            builder: Builder::new(names, first_line),
            repeats: Repeats::default(),
            text: TextCount::new(footer.file_bytes),
            rows_expected,
            rows_seen: 0,
            rows_max: ROWS_MAX,
            is_done: false,
            file: Arc::new(file),
            footer,
            groups,
            group: None,
            pending: None,
        })
    }

    /// Hands out columns of so many rows.
    #[cfg(test)]
    pub(super) fn with_rows_max(self, rows_max: usize) -> Self {
        Self { rows_max, ..self }
    }

    /// Gathers the next rows; hands back whether there are any.
    fn read(&mut self) -> Result<bool, FileRefusal> {
        self.builder.clear();
        loop {
            if let Some(decoded) = self.pending.take() {
                self.gather(&decoded)?;
            } else if let Some(group) = &mut self.group {
                match guarded(|| group.next(&self.file, &self.footer))? {
                    Some(decoded) => self.pending = Some(decoded),
                    None => {
                        self.group = None;
                        if self.builder.len() >= ROWS_WORTH {
                            break;
                        }
                    }
                }
            } else if let Some(index) = self.groups.next() {
                self.group = Some(guarded(|| Group::open(&self.file, &self.footer, index, self.rows_max))?);
            } else if self.rows_seen != self.rows_expected {
                return Err(rows_differ(self.rows_expected, self.rows_seen));
            } else {
                break;
            }
            if self.builder.len() >= self.rows_max || self.builder.bytes() >= BATCH_BYTES_MAX {
                break;
            }
        }
        self.builder.finish();
        self.repeats.check(self.builder.columns())?;
        Ok(self.builder.len() > 0)
    }

    /// Takes the first of the decoded rows into the columns, as many as fit, and keeps the others.
    fn gather(&mut self, decoded: &RecordBatch) -> Result<(), FileRefusal> {
        let room = self.rows_max - self.builder.len();
        let is_long = self.builder.bytes() + text_bytes_at_most(decoded) > BATCH_BYTES_MAX;
        let fitting = room.min(if is_long { LONG_ROWS } else { decoded.num_rows() }).min(decoded.num_rows());
        let rest = decoded.num_rows() - fitting;
        self.pending = (rest > 0).then(|| decoded.slice(fitting, rest));
        let bytes = self.builder.push(&decoded.slice(0, fitting));
        self.rows_seen += fitting as u64;
        self.text.add(bytes)
    }
}

impl UsageReader for ColumnsReader {
    fn next_columns(&mut self) -> Result<Option<&UsageColumns>, FileRefusal> {
        if self.is_done {
            return Ok(None);
        }
        // Done until proven otherwise: after a refusal nothing more is handed out.
        self.is_done = true;
        self.is_done = !self.read()?;
        Ok((!self.is_done).then(|| self.builder.columns()))
    }
}

/// How many bytes the columns may come to hold of the texts of these rows.
fn text_bytes_at_most(rows: &RecordBatch) -> usize {
    let texts = rows.columns().iter().map(|array| {
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            return dictionary.values().as_string::<i32>().value_data().len();
        }
        if let Some(strings) = array.as_string_opt::<i32>() {
            return (strings.value_offsets()[strings.len()] - strings.value_offsets()[0]).unsigned_abs() as usize;
        }
        let views = array.as_string_view_opt();
        views.map_or(0, |views| views.lengths().fold(0, |sum, length| sum + length as usize))
    });
    texts.sum()
}

//! A Parquet file's rows as columns, row group by row group.
//!
//! Strings are decoded as what a column's pages hold: as a dictionary where the pages have one, so that each distinct text
//! is looked at once, and otherwise as views of the pages, from which the columns take the text. Few rows are decoded at a time,
//! which keeps them near the processor, and many are gathered into columns.

use super::super::batch::BATCH_BYTES_MAX;
use super::super::parquet::{DECODED_ROWS_MAX, Footer, TextCount, guarded, rows_differ};
use super::super::{FileRefusal, ReadOptions, render};
use super::UsageReader;
use super::build::Builder;
use super::repeats::Repeats;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Encoding;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use reckoner_core::table::{TableKind, UsageColumns};
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// So many rows are enough for one time.
pub(in super::super) const ROWS_MAX: usize = 128 * 1024;
/// So many rows are worth being handed out where a row group ends, as the next one has other dictionaries.
const ROWS_WORTH: usize = 32 * 1024;
/// What is decoded at a time should not unpack to more.
const DECODED_BYTES: usize = 8 << 20;
/// Rows that are gathered at a time where their texts are long.
const LONG_ROWS: usize = 32;

/// A Parquet file of usage.
pub(in super::super) struct ColumnsReader {
    file: File,
    footer: Footer,
    /// Row groups that are not begun.
    groups: Range<usize>,
    /// The row group that is being read.
    group: Option<ParquetRecordBatchReader>,
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
            file,
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
                match guarded(|| group.next().transpose())? {
                    Some(decoded) => self.pending = Some(decoded),
                    None => {
                        self.group = None;
                        if self.builder.len() >= ROWS_WORTH {
                            break;
                        }
                    }
                }
            } else if let Some(index) = self.groups.next() {
                self.group = Some(self.open_group(index)?);
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

    fn open_group(&self, index: usize) -> Result<ParquetRecordBatchReader, FileRefusal> {
        let group = self.footer.loaded.metadata().row_group(index);
        let file = self.file.try_clone().map_err(|error| FileRefusal::of(&error))?;
        guarded(|| {
            let decoded_as = ArrowReaderOptions::new().with_schema(decoded_schema(self.footer.loaded.schema(), group));
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(self.footer.loaded.metadata()), decoded_as)?;
            let columns = ProjectionMask::roots(metadata.parquet_schema(), self.footer.read_columns());
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            let rows = decoded_rows(group).min(self.rows_max);
            builder.with_projection(columns).with_row_groups(vec![index]).with_batch_size(rows).build()
        })
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

/// How many rows of the group are decoded at a time.
fn decoded_rows(group: &RowGroupMetaData) -> usize {
    let bytes: i64 = group.columns().iter().map(|column| column.uncompressed_size().max(0)).fold(0, i64::saturating_add);
    let bytes_per_row = bytes / group.num_rows().max(1);
    (DECODED_BYTES / usize::try_from(bytes_per_row).unwrap_or(usize::MAX).max(1)).clamp(LONG_ROWS, DECODED_ROWS_MAX)
}

/// The file's columns, with strings as their pages hold them in this row group.
fn decoded_schema(schema: &Schema, group: &RowGroupMetaData) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let field = field.as_ref().clone();
        if !render::is_string(field.data_type()) {
            return field;
        }
        let pages = group.columns().iter().find(|column| column.column_path().parts() == [field.name().as_str()]);
        let data_type = match pages.map(|pages| (has_dictionary(pages), is_all_dictionary(pages))) {
            // Record ids hardly repeat: a dictionary of them would only be undone.
            Some((true, true)) if field.name() != "record_id" => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            _ => DataType::Utf8View,
        };
        field.with_data_type(data_type)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn has_dictionary(pages: &ColumnChunkMetaData) -> bool {
    pages.dictionary_page_offset().is_some()
        || pages.encodings().any(|encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY))
}

/// Whether every page uses the dictionary, as far as the footer says; many writers do not say.
fn is_all_dictionary(pages: &ColumnChunkMetaData) -> bool {
    pages.page_encoding_stats_mask().is_none_or(|mask| {
        mask.encodings().all(|encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY))
    })
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

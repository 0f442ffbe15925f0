//! A row group being decoded.
//!
//! Strings are decoded as what a column's pages hold: as a dictionary where the pages have one, so that each distinct text
//! is looked at once; by [`PlainTexts`] where they are plain; otherwise as views of the pages. Few rows are decoded at a time,
//! which keeps them near the processor.

use super::super::parquet::{DECODED_ROWS_MAX, Footer};
use super::super::render;
use super::plain::PlainTexts;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use std::fs::File;
use std::sync::Arc;

/// What is decoded at a time should not unpack to more.
const DECODED_BYTES: usize = 8 << 20;
/// Rows that are gathered at a time where their texts are long.
pub(super) const LONG_ROWS: usize = 32;

/// A row group of a file.
pub(super) struct Group {
    index: usize,
    /// Rows that are decoded at a time.
    rows_max: usize,
    /// Rows that are decoded.
    rows: usize,
    /// Columns of plain texts, by their places among those that are read.
    plain: Vec<(usize, PlainTexts)>,
    /// All others.
    others: ParquetRecordBatchReader,
}

impl Group {
    pub(super) fn open(file: &Arc<File>, footer: &Footer, index: usize, rows_max: usize) -> Result<Self> {
        let group = footer.loaded.metadata().row_group(index);
        let (read, mut plain) = (footer.read_columns(), Vec::new());
        for (place, column) in read.iter().enumerate() {
            let field = footer.loaded.schema().field(*column);
            let pages = pages_of(group, field.name()).filter(|_| render::is_string(field.data_type()));
            if let Some(texts) = pages.map(|pages| PlainTexts::open(file, pages)).transpose()?.flatten() {
                plain.push((place, texts));
            }
        }
        let is_other = |place: &usize| plain.iter().all(|(plain, _)| plain != place);
        let others = read.iter().enumerate().filter(|(place, _)| is_other(place)).map(|(_, column)| *column).collect();
        let rows_max = decoded_rows(group).min(rows_max);
        let others = opened(file, footer, index, others, rows_max, 0)?;
        Ok(Self { index, rows_max, rows: 0, plain, others })
    }

    /// The next rows, or nothing after the last.
    pub(super) fn next(&mut self, file: &Arc<File>, footer: &Footer) -> Result<Option<RecordBatch>> {
        let Some(others) = self.others.next().transpose()? else { return self.end() };
        let (mut columns, rows) = (others.columns().to_vec(), others.num_rows());
        for (place, texts) in &mut self.plain {
            let Some(texts) = texts.next(rows)? else {
                // Not so plain after all: from here on, all columns are read the same way.
                self.plain.clear();
                self.others = opened(file, footer, self.index, footer.read_columns(), self.rows_max, self.rows)?;
                return self.next(file, footer);
            };
            columns.insert(*place, Arc::new(texts));
        }
        self.rows += rows;
        Ok(Some(batch(columns)?))
    }

    fn end(&mut self) -> Result<Option<RecordBatch>> {
        for (_, texts) in &mut self.plain {
            if !texts.is_at_end()? {
                return Err(ParquetError::General("a column has more values than there are rows".to_owned()));
            }
        }
        Ok(None)
    }
}

/// Columns of a row group, from this row on.
fn opened(
    file: &Arc<File>,
    footer: &Footer,
    index: usize,
    columns: Vec<usize>,
    rows_max: usize,
    first_row: usize,
) -> Result<ParquetRecordBatchReader> {
    let group = footer.loaded.metadata().row_group(index);
    let decoded_as = ArrowReaderOptions::new().with_schema(decoded_schema(footer.loaded.schema(), group));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(footer.loaded.metadata()), decoded_as)?;
    let columns = ProjectionMask::roots(metadata.parquet_schema(), columns);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.try_clone()?, metadata);
    let builder = if first_row > 0 { builder.with_offset(first_row) } else { builder };
    builder.with_projection(columns).with_row_groups(vec![index]).with_batch_size(rows_max).build()
}

/// Columns by their places: who takes them knows what they are.
fn batch(columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns.iter().map(|column| Field::new("", column.data_type().clone(), true)).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
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
        let data_type = match pages_of(group, field.name()).map(|pages| (has_dictionary(pages), is_all_dictionary(pages))) {
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

fn pages_of<'a>(group: &'a RowGroupMetaData, column: &str) -> Option<&'a ColumnChunkMetaData> {
    group.columns().iter().find(|pages| pages.column_path().parts() == [column])
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

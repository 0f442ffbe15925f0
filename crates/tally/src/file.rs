//! Parquet as the lake has it: zstd, row groups of 128 Ki rows, no schema but Parquet's own, so that every reader sees text
//! as text.

use crate::error::TallyError;
use arrow::array::{ArrayRef, Decimal128Array, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use reckoner_core::table::Texts;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows per row group: small enough that an hour of a day's file can be found by statistics.
pub(crate) const ROW_GROUP_ROWS: usize = 128 * 1024;

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Few distinct values.
    Repeating,
    /// Integers that rise, or stay.
    Rising,
    /// Every value another.
    Distinct,
}

/// A file being written, batch by batch.
pub(crate) struct Writer<'a> {
    path: &'a Path,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl<'a> Writer<'a> {
    /// `columns`: name, type, whether a value may be missing, form.
    pub fn create(path: &'a Path, columns: &[(String, DataType, bool, Form)]) -> Result<Self, TallyError> {
        let failed = TallyError::write(path);
        let fields: Vec<Field> =
            columns.iter().map(|(name, kind, is_optional, _)| Field::new(name, kind.clone(), *is_optional)).collect();
        let schema = Arc::new(Schema::new(fields));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        for (name, _, _, form) in columns {
            let column = ColumnPath::from(name.as_str());
            properties = match form {
                Form::Repeating => properties,
                Form::Rising => properties
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED),
                Form::Distinct => properties.set_column_dictionary_enabled(column, false),
            };
        }
        let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        let file = File::create(path).map_err(|error| failed(&error))?;
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options).map_err(|error| failed(&error))?;
        Ok(Self { path, schema, writer, rows: 0 })
    }

    pub fn write(&mut self, columns: Vec<ArrayRef>) -> Result<(), TallyError> {
        let failed = TallyError::write(self.path);
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| failed(&error))?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).map_err(|error| failed(&error))
    }

    /// Ends the file; hands back its rows and its length.
    pub fn finish(self) -> Result<(u64, u64), TallyError> {
        let failed = TallyError::write(self.path);
        self.writer.close().map_err(|error| failed(&error))?;
        let bytes = std::fs::metadata(self.path).map_err(|error| failed(&error))?.len();
        Ok((self.rows, bytes))
    }
}

/// A dictionary of strings.
pub(crate) fn coded_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Texts as a string array, without looking at each.
pub(crate) fn strings(texts: &Texts) -> StringArray {
    let mut offsets: Vec<i32> = Vec::with_capacity(texts.len() + 1);
    offsets.push(0);
    offsets.extend(texts.ends.iter().map(|end| i32::try_from(*end).expect("a batch holds far less than 2 GiB of text")));
    StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from(texts.text.as_bytes()), None)
}

/// A column of codes into these texts.
pub(crate) fn coded(codes: impl Iterator<Item = u32>, values: &Arc<StringArray>) -> ArrayRef {
    let keys: Int32Array =
        codes.map(|code| i32::try_from(code).expect("fewer distinct texts than rows")).collect::<Vec<_>>().into();
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(values) as ArrayRef))
}

/// The same where a code may be missing.
pub(crate) fn coded_optional(codes: impl Iterator<Item = Option<u32>>, values: &Arc<StringArray>) -> ArrayRef {
    let keys: Int32Array =
        codes.map(|code| code.map(|code| i32::try_from(code).expect("fewer distinct texts than rows"))).collect();
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(values) as ArrayRef))
}

/// One text in every row.
pub(crate) fn constant(text: &str, rows: usize) -> ArrayRef {
    let values = Arc::new(StringArray::from(vec![text]));
    Arc::new(DictionaryArray::<Int32Type>::new(vec![0; rows].into(), values as ArrayRef))
}

/// Decimals with 38 digits, 12 after the point: quantities and prices.
pub(crate) fn quantities(values_e12: Vec<i128>) -> ArrayRef {
    Arc::new(Decimal128Array::from(values_e12).with_data_type(DataType::Decimal128(38, 12)))
}

/// Reads columns of a file, batch by batch; they stand in the order of the file. Text is text, whoever wrote the file.
pub(crate) fn read_columns(
    path: &Path,
    columns: &[&str],
    mut tell: impl FnMut(&RecordBatch) -> Result<(), TallyError>,
) -> Result<(), TallyError> {
    let failed = TallyError::read(path);
    let file = File::open(path).map_err(|error| failed(&error))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(|error| failed(&error))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(ROW_GROUP_ROWS).build().map_err(|error| failed(&error))?;
    for batch in reader {
        tell(&batch.map_err(|error| failed(&error))?)?;
    }
    Ok(())
}

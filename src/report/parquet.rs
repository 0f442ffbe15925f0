//! Parquet: Decimal(38, 8) amounts, Decimal(38, 12) quantities and prices, timestamp(µs, UTC), strings. No floats.

use super::WriteError;
use super::table::{Cell, Column, ColumnKind, Row, Table};
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use reckoner_core::number::{MONEY_SCALE, QUANTITY_SCALE};
use std::io::{self, Write};
use std::sync::Arc;

/// Digits of every decimal: what 128 bits hold.
const PRECISION: u8 = 38;
/// Rows of a row group: bounds the memory of writer and reader alike.
const ROW_GROUP_ROWS: usize = 131_072;

/// Writes the table; hands back its rows.
pub(super) fn write(table: Table<'_>, out: impl Write + Send) -> Result<u64, WriteError> {
    let (columns, batches) = table.into_checked();
    let fields = columns.iter().map(|column| Field::new(column.name.as_ref(), data_type(column.kind), true));
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(into_io)?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        let arrays = columns.iter().enumerate().map(|(index, column)| array(&batch, index, column)).collect::<Result<_, _>>();
        let record = RecordBatch::try_new(schema.clone(), arrays.map_err(arrow_into_io)?).map_err(arrow_into_io)?;
        writer.write(&record).map_err(into_io)?;
        rows += batch.len() as u64;
    }
    writer.close().map_err(into_io)?;
    Ok(rows)
}

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text | ColumnKind::Id => DataType::Utf8,
        ColumnKind::Amount => DataType::Decimal128(PRECISION, MONEY_SCALE as i8),
        ColumnKind::Quantity | ColumnKind::Price => DataType::Decimal128(PRECISION, QUANTITY_SCALE as i8),
        ColumnKind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnKind::Integer => DataType::Int64,
        ColumnKind::Bool => DataType::Boolean,
    }
}

/// One column of a batch. The cells were checked against the column: what is of another kind is empty.
fn array(rows: &[Row], index: usize, column: &Column) -> Result<ArrayRef, ArrowError> {
    let cells = rows.iter().map(|row| &row[index]);
    let decimal =
        |scale: u32| cells.clone().map(scaled).collect::<Decimal128Array>().with_precision_and_scale(PRECISION, scale as i8);
    Ok(match column.kind {
        ColumnKind::Text | ColumnKind::Id => Arc::new(cells.map(text).collect::<StringArray>()),
        ColumnKind::Amount => Arc::new(decimal(MONEY_SCALE)?),
        ColumnKind::Quantity | ColumnKind::Price => Arc::new(decimal(QUANTITY_SCALE)?),
        ColumnKind::Instant => Arc::new(cells.map(micros).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        ColumnKind::Integer => Arc::new(cells.map(integer).collect::<Int64Array>()),
        ColumnKind::Bool => Arc::new(cells.map(boolean).collect::<BooleanArray>()),
    })
}

fn text(cell: &Cell) -> Option<&str> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}

/// Units of the column's scale.
fn scaled(cell: &Cell) -> Option<i128> {
    match cell {
        Cell::Amount(amount) => Some(i128::from(amount.e8())),
        Cell::WideAmount(amount_e8) => Some(*amount_e8),
        Cell::Quantity(quantity) => Some(quantity.e12()),
        Cell::Price(price) => Some(price.e12()),
        Cell::Empty | Cell::Text(_) | Cell::Instant(_) | Cell::Integer(_) | Cell::Bool(_) => None,
    }
}

fn micros(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Instant(instant) if !cell.is_empty() => Some(instant.seconds().saturating_mul(1_000_000)),
        _ => None,
    }
}

fn integer(cell: &Cell) -> Option<i64> {
    if let Cell::Integer(number) = cell { Some(*number) } else { None }
}

fn boolean(cell: &Cell) -> Option<bool> {
    if let Cell::Bool(answer) = cell { Some(*answer) } else { None }
}

/// The writer wraps what the disk or the pipe said; a reader that stopped reading must be told from the rest.
fn into_io(error: ParquetError) -> WriteError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => WriteError::Io(*error),
            Err(other) => WriteError::Io(io::Error::other(other)),
        },
        other => WriteError::Io(io::Error::other(other)),
    }
}

fn arrow_into_io(error: ArrowError) -> WriteError {
    WriteError::Io(io::Error::other(error))
}

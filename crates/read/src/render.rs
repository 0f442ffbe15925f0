//! Parquet values as the text that CSV would have: plain decimals, RFC 3339 in UTC, `true` and `false`; null is empty.

use super::FileRefusal;
use super::batch::TextColumn;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Decimal256Type, DecimalType, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use reckoner_core::table::schema::{ColumnSchema, ColumnType};
use reckoner_core::time::Instant;
use std::fmt::{Display, Write as _};

/// The first second of 1970 and the first beyond 9999: what an [`Instant`] is read from.
pub(super) const INSTANT_SECONDS: std::ops::Range<i64> = 0..253_402_300_800;

/// Whether the values are strings, in whatever way they are kept.
pub(super) fn is_string(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_string(values),
        _ => false,
    }
}

/// Refuses a type that cannot say exactly what the column holds.
pub(super) fn check_type(column: &ColumnSchema, data_type: &DataType) -> Result<(), FileRefusal> {
    let name = &column.name;
    let fits = match data_type {
        DataType::Null => true,
        strings if is_string(strings) => true,
        DataType::Boolean => column.column_type == ColumnType::Boolean,
        whole if whole.is_integer() => {
            is_number(&column.column_type) || matches!(column.column_type, ColumnType::Id | ColumnType::Text)
        }
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale >= 0 && is_number(&column.column_type),
        DataType::Timestamp(_, Some(_)) => column.column_type == ColumnType::Instant,
        DataType::Timestamp(_, None) => {
            let detail = format!("`{name}` has timestamps without a zone, whose instant is never guessed; write them as UTC");
            return Err(FileRefusal::new("naive_timestamp", detail));
        }
        float if float.is_floating() => {
            let detail =
                format!("`{name}` has binary floats ({float}), which hold no decimal exactly; write it as a decimal or string");
            return Err(FileRefusal::new("float_column", detail));
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let detail = format!("`{name}` is of the type {data_type}; expected {}, or strings as in CSV", expected(&column.column_type));
    Err(FileRefusal::new("unsupported_type", detail))
}

fn is_number(column_type: &ColumnType) -> bool {
    use ColumnType::{Integer, Money, Percent, Price, Quantity, SignedMoney, SignedQuantity};
    match column_type {
        Quantity | SignedQuantity | Price | Money | SignedMoney | Percent | Integer { .. } => true,
        ColumnType::Text
        | ColumnType::Id
        | ColumnType::Currency
        | ColumnType::Instant
        | ColumnType::Date
        | ColumnType::Period => false,
        ColumnType::Boolean | ColumnType::Word(_) | ColumnType::List(_) | ColumnType::Map => false,
        ColumnType::Terms | ColumnType::Json => false,
    }
}

fn expected(column_type: &ColumnType) -> &'static str {
    match column_type {
        ColumnType::Instant => "timestamps with a zone",
        ColumnType::Boolean => "booleans",
        numbers if is_number(numbers) => "integers or decimals",
        _ => "strings",
    }
}

/// The cells of these rows. The column's type has passed [`check_type`].
pub(super) fn cells(array: &dyn Array, rows: &[usize]) -> TextColumn {
    match array.data_type() {
        DataType::Utf8View => {
            let strings = array.as_string_view();
            column(array, rows, |row, text| text.push_str(strings.value(row)))
        }
        DataType::Boolean => {
            let booleans = array.as_boolean();
            column(array, rows, |row, text| text.push_str(if booleans.value(row) { "true" } else { "false" }))
        }
        DataType::Int8 => whole::<Int8Type>(array, rows),
        DataType::Int16 => whole::<Int16Type>(array, rows),
        DataType::Int32 => whole::<Int32Type>(array, rows),
        DataType::Int64 => whole::<Int64Type>(array, rows),
        DataType::UInt8 => whole::<UInt8Type>(array, rows),
        DataType::UInt16 => whole::<UInt16Type>(array, rows),
        DataType::UInt32 => whole::<UInt32Type>(array, rows),
        DataType::UInt64 => whole::<UInt64Type>(array, rows),
        DataType::Decimal128(_, _) => decimal::<Decimal128Type>(array, rows),
        DataType::Decimal256(_, _) => decimal::<Decimal256Type>(array, rows),
        DataType::Timestamp(TimeUnit::Second, _) => instant::<TimestampSecondType>(array, rows, 1),
        DataType::Timestamp(TimeUnit::Millisecond, _) => instant::<TimestampMillisecondType>(array, rows, 1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => instant::<TimestampMicrosecondType>(array, rows, 1_000_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => instant::<TimestampNanosecondType>(array, rows, 1_000_000_000),
        DataType::Null => column(array, rows, |_, _| {}),
        other => unreachable!("{other} has been refused"),
    }
}

fn column(array: &dyn Array, rows: &[usize], write: impl Fn(usize, &mut String)) -> TextColumn {
    let mut column = TextColumn::default();
    for row in rows {
        column.push_with(|text| {
            if array.is_valid(*row) {
                write(*row, text);
            }
        });
    }
    column
}

fn whole<T: ArrowPrimitiveType>(array: &dyn Array, rows: &[usize]) -> TextColumn
where
    T::Native: Display,
{
    let values = array.as_primitive::<T>();
    column(array, rows, |row, text| {
        let _ = write!(text, "{}", values.value(row));
    })
}

/// Trailing zeros are taken off, so that `5.00` may stand in a column of whole numbers.
fn decimal<T: DecimalType>(array: &dyn Array, rows: &[usize]) -> TextColumn {
    let values = array.as_primitive::<T>();
    column(array, rows, |row, text| {
        let digits = values.value_as_string(row);
        let kept = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
        text.push_str(kept);
    })
}

/// A fraction of a second is cut off, as in CSV. What is no year from 1970 to 9999 is written so that its row is refused.
fn instant<T: ArrowPrimitiveType<Native = i64>>(array: &dyn Array, rows: &[usize], units_per_second: i64) -> TextColumn {
    let values = array.as_primitive::<T>();
    column(array, rows, |row, text| {
        let seconds = values.value(row).div_euclid(units_per_second);
        if INSTANT_SECONDS.contains(&seconds) {
            text.push_str(&Instant::from_seconds(seconds).to_utc_text());
        } else {
            let _ = write!(text, "{seconds} s since 1970");
        }
    })
}

//! Columns of values: numbers and timestamps as Parquet has them, or texts that say them.

use super::coded::{Memo, each_text};
use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use reckoner_core::number::QUANTITY_SCALE;

/// The first second of 1970 and the first beyond 9999.
const INSTANT_SECONDS: std::ops::Range<i64> = super::super::render::INSTANT_SECONDS;
/// Quantities have at most 18 digits before the point.
const QUANTITY_MAX: i128 = 1_000_000_000_000_000_000;
const E12: i128 = 10_i128.pow(QUANTITY_SCALE);
/// What a timestamp has as text.
const INSTANT_BYTES: u64 = 20;

/// A column of values.
pub(super) struct ParsedColumn<T> {
    values: Vec<T>,
    /// What a text says; nothing where its row is not read here.
    read: fn(&str) -> Option<T>,
    memo: Memo<(Option<T>, u32)>,
}

impl<T: Copy + Default> ParsedColumn<T> {
    pub(super) fn new(read: fn(&str) -> Option<T>) -> Self {
        Self { values: Vec::new(), read, memo: Memo::default() }
    }

    pub(super) fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.values)
    }

    /// Appends the cells by their texts, marks rows that are not read; hands back how many bytes of text they have.
    pub(super) fn push_texts(&mut self, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let Self { values, read, memo } = self;
        let mut bytes = 0;
        let mut take = |row: usize, (value, length): (Option<T>, u32)| {
            bytes += u64::from(length);
            unread[row] |= value.is_none();
            values.push(value.unwrap_or_default());
        };
        match array.as_dictionary_opt::<Int32Type>() {
            Some(dictionary) => memo.each(dictionary, |text| (read(text), text.len() as u32), take),
            None => each_text(array, |row, text| take(row, (read(text), text.len() as u32))),
        }
        bytes
    }

    /// Appends numbers; `read` is asked for those that are there, `empty` stands for the others.
    fn push_numbers<P: ArrowPrimitiveType>(
        &mut self,
        array: &dyn Array,
        unread: &mut [bool],
        empty: Option<T>,
        read: impl Fn(P::Native) -> Option<T>,
    ) -> u64 {
        let numbers = array.as_primitive::<P>();
        let mut keep = |(value, unread): (Option<T>, &mut bool)| {
            *unread |= value.is_none();
            value.unwrap_or_default()
        };
        if numbers.null_count() == 0 {
            self.values.extend(numbers.values().iter().map(|value| read(*value)).zip(unread).map(&mut keep));
        } else {
            let values = numbers.iter().map(|value| value.map_or(empty, &read));
            self.values.extend(values.zip(unread).map(&mut keep));
        }
        array.len() as u64
    }
}

impl ParsedColumn<i64> {
    /// Appends instants; one that is missing is not read.
    pub(super) fn push_instants(&mut self, array: &dyn Array, unread: &mut [bool]) -> u64 {
        fn seconds<const UNITS: i64>(value: i64) -> Option<i64> {
            Some(value.div_euclid(UNITS)).filter(|seconds| INSTANT_SECONDS.contains(seconds))
        }
        let cells = match array.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => {
                self.push_numbers::<TimestampSecondType>(array, unread, None, seconds::<1>)
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                self.push_numbers::<TimestampMillisecondType>(array, unread, None, seconds::<1_000>)
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.push_numbers::<TimestampMicrosecondType>(array, unread, None, seconds::<1_000_000>)
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                self.push_numbers::<TimestampNanosecondType>(array, unread, None, seconds::<1_000_000_000>)
            }
            _ => return self.push_texts(array, unread),
        };
        cells * INSTANT_BYTES
    }
}

/// Hands the array to `push_numbers` by its type, if it is one of whole numbers.
macro_rules! whole_numbers {
    ($column:expr, $array:expr, $unread:expr, $empty:expr, $read:expr) => {
        match $array.data_type() {
            DataType::Int8 => Some($column.push_numbers::<Int8Type>($array, $unread, $empty, |value| $read(i128::from(value)))),
            DataType::Int16 => Some($column.push_numbers::<Int16Type>($array, $unread, $empty, |value| $read(i128::from(value)))),
            DataType::Int32 => Some($column.push_numbers::<Int32Type>($array, $unread, $empty, |value| $read(i128::from(value)))),
            DataType::Int64 => Some($column.push_numbers::<Int64Type>($array, $unread, $empty, |value| $read(i128::from(value)))),
            DataType::UInt8 => Some($column.push_numbers::<UInt8Type>($array, $unread, $empty, |value| $read(i128::from(value)))),
            DataType::UInt16 => {
                Some($column.push_numbers::<UInt16Type>($array, $unread, $empty, |value| $read(i128::from(value))))
            }
            DataType::UInt32 => {
                Some($column.push_numbers::<UInt32Type>($array, $unread, $empty, |value| $read(i128::from(value))))
            }
            DataType::UInt64 => {
                Some($column.push_numbers::<UInt64Type>($array, $unread, $empty, |value| $read(i128::from(value))))
            }
            _ => None,
        }
    };
}

impl ParsedColumn<i128> {
    /// Appends quantities; one that is missing is 1.
    pub(super) fn push_quantities(&mut self, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let whole = |value: i128| (0..QUANTITY_MAX).contains(&value).then(|| value * E12);
        if let Some(bytes) = whole_numbers!(self, array, unread, Some(E12), whole) {
            return bytes;
        }
        match array.data_type() {
            DataType::Decimal128(precision, scale) if (0..=QUANTITY_SCALE as i8).contains(scale) => {
                let unit_e12 = 10_i128.pow(QUANTITY_SCALE - u32::from(scale.unsigned_abs()));
                // More digits than the type has are no decimal; what they are taken for is said where they are text.
                let limit = (QUANTITY_MAX * E12 / unit_e12).min(10_i128.checked_pow(u32::from(*precision)).unwrap_or(i128::MAX));
                let read = move |value: i128| (0..limit).contains(&value).then(|| value * unit_e12);
                self.push_numbers::<Decimal128Type>(array, unread, Some(E12), read)
            }
            _ => self.push_texts(array, unread),
        }
    }
}

impl ParsedColumn<u32> {
    /// Appends revisions; one that is missing is 0.
    pub(super) fn push_revisions(&mut self, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let whole = |value: i128| u32::try_from(value).ok();
        whole_numbers!(self, array, unread, Some(0), whole).unwrap_or_else(|| self.push_texts(array, unread))
    }
}

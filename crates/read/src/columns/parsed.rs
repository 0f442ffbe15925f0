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

/// What is known of a column of values.
pub(super) struct ParsedColumn<T> {
    /// What a text says; nothing where its row is not read here.
    read: fn(&str) -> Option<T>,
    memo: Memo<(Option<T>, u32)>,
}

impl<T: Copy + Default> ParsedColumn<T> {
    pub(super) fn new(read: fn(&str) -> Option<T>) -> Self {
        Self { read, memo: Memo::default() }
    }

    /// Appends the cells by their texts, marks rows that are not read; hands back how many bytes of text they have.
    pub(super) fn push_texts(&mut self, values: &mut Vec<T>, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let Self { read, memo } = self;
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
}

/// Appends numbers; those that do not fit are not read, `empty` stands for those that are missing.
fn push_numbers<P: ArrowPrimitiveType, T: Copy + Default>(
    values: &mut Vec<T>,
    array: &dyn Array,
    unread: &mut [bool],
    empty: Option<T>,
    fits: impl Fn(P::Native) -> bool,
    meaning: impl Fn(P::Native) -> T,
) -> u64 {
    let numbers = array.as_primitive::<P>();
    // Nearly always all are read: what they mean is then said without a branch.
    if numbers.null_count() == 0 && numbers.values().iter().fold(true, |fit, number| fit & fits(*number)) {
        values.extend(numbers.values().iter().map(|number| meaning(*number)));
    } else {
        let read = |number| fits(number).then(|| meaning(number));
        values.extend(numbers.iter().zip(unread).map(|(number, unread)| {
            let value = number.map_or(empty, read);
            *unread |= value.is_none();
            value.unwrap_or_default()
        }));
    }
    array.len() as u64
}

impl ParsedColumn<i64> {
    /// Appends instants; one that is missing is not read.
    pub(super) fn push_instants(&mut self, values: &mut Vec<i64>, array: &dyn Array, unread: &mut [bool]) -> u64 {
        fn push<P: ArrowPrimitiveType<Native = i64>, const UNITS: u64>(
            values: &mut Vec<i64>,
            array: &dyn Array,
            unread: &mut [bool],
        ) -> u64 {
            // Numbers without a sign are quicker to divide; one below 0 does not fit.
            let seconds = |value: i64| (value.cast_unsigned() / UNITS).cast_signed();
            let fits = |value: i64| (value >= 0) & INSTANT_SECONDS.contains(&seconds(value));
            push_numbers::<P, i64>(values, array, unread, None, fits, seconds)
        }
        let cells = match array.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => push::<TimestampSecondType, 1>(values, array, unread),
            DataType::Timestamp(TimeUnit::Millisecond, _) => push::<TimestampMillisecondType, 1_000>(values, array, unread),
            DataType::Timestamp(TimeUnit::Microsecond, _) => push::<TimestampMicrosecondType, 1_000_000>(values, array, unread),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => push::<TimestampNanosecondType, 1_000_000_000>(values, array, unread),
            _ => return self.push_texts(values, array, unread),
        };
        cells * INSTANT_BYTES
    }
}

/// Hands the array to [`push_numbers`] by its type, if it is one of whole numbers.
macro_rules! whole_numbers {
    ($values:expr, $array:expr, $unread:expr, $empty:expr, $fits:expr, $meaning:expr, $($kind:ident: $type:ty),*) => {
        match $array.data_type() {
            $(DataType::$kind => {
                let (fits, meaning) = (|value| $fits(i128::from(value)), |value| $meaning(i128::from(value)));
                Some(push_numbers::<$type, _>($values, $array, $unread, $empty, fits, meaning))
            })*
            _ => None,
        }
    };
    ($values:expr, $array:expr, $unread:expr, $empty:expr, $fits:expr, $meaning:expr) => {
        whole_numbers!(
            $values, $array, $unread, $empty, $fits, $meaning,
            Int8: Int8Type, Int16: Int16Type, Int32: Int32Type, Int64: Int64Type,
            UInt8: UInt8Type, UInt16: UInt16Type, UInt32: UInt32Type, UInt64: UInt64Type
        )
    };
}

impl ParsedColumn<i128> {
    /// Appends quantities; one that is missing is 1.
    pub(super) fn push_quantities(&mut self, values: &mut Vec<i128>, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let (fits, meaning) = (|value: i128| (0..QUANTITY_MAX).contains(&value), |value: i128| value * E12);
        if let Some(bytes) = whole_numbers!(values, array, unread, Some(E12), fits, meaning) {
            return bytes;
        }
        match array.data_type() {
            DataType::Decimal128(precision, scale) if (0..=QUANTITY_SCALE as i8).contains(scale) => {
                let unit_e12 = 10_i128.pow(QUANTITY_SCALE - u32::from(scale.unsigned_abs()));
                // More digits than the type has are no decimal; what they are taken for is said where they are text.
                let limit = (QUANTITY_MAX * E12 / unit_e12).min(10_i128.checked_pow(u32::from(*precision)).unwrap_or(i128::MAX));
                let (fits, meaning) = (|value: i128| (0..limit).contains(&value), |value: i128| value * unit_e12);
                push_numbers::<Decimal128Type, _>(values, array, unread, Some(E12), fits, meaning)
            }
            _ => self.push_texts(values, array, unread),
        }
    }
}

impl ParsedColumn<u32> {
    /// Appends revisions; one that is missing is 0.
    pub(super) fn push_revisions(&mut self, values: &mut Vec<u32>, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let (fits, meaning) = (|value: i128| u32::try_from(value).is_ok(), |value: i128| value as u32);
        whole_numbers!(values, array, unread, Some(0), fits, meaning).unwrap_or_else(|| self.push_texts(values, array, unread))
    }
}

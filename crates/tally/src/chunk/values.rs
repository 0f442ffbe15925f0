//! What the pages of a chunk hold, and how it is written.

use super::PageRows;
use crate::file::Form;
use crate::frame::ID_DIGITS;
use crate::pack::{Reach, differences, endings, runs, same_beginnings, width_of};
use crate::part::NONE;
use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Int32Type, Int64Type};
use parquet::basic::{Encoding, Type};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use reckoner_core::id::Bits;
use std::borrow::Cow;
use std::collections::HashMap;

/// A dictionary of texts that takes no more is worth it in any case.
const DICTIONARY_BYTES: usize = 1 << 20;
/// So many distinct decimals are kept as a dictionary in any case.
const DISTINCT_DECIMALS: usize = 512;

/// What the pages of a chunk hold.
pub(super) enum Values<'a> {
    /// Places in a dictionary, by row; what stands where there is no value means nothing.
    Codes { dictionary: Dictionary<'a>, codes: Cow<'a, [u32]> },
    /// Whole numbers, of those rows that have one.
    Numbers { reach: Reach, numbers: Cow<'a, [i64]> },
    /// Texts, by row or by codes that hardly repeat.
    Texts { codes: Option<Cow<'a, [u32]>>, texts: &'a StringArray, form: Form },
    /// Decimals of 38 digits, by row.
    Decimals(&'a [i128]),
    /// What ids begin with, and what they show.
    Ids(&'a str, &'a [Bits]),
}

/// Values that codes stand for.
pub(super) enum Dictionary<'a> {
    /// As Parquet has them, and how many.
    Own { content: Vec<u8>, distinct: usize },
    /// All of the array's.
    Whole(&'a ArrayRef),
}

impl Dictionary<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Own { distinct, .. } => *distinct,
            Self::Whole(values) => values.len(),
        }
    }
}

/// Values one after the other, as a dictionary has them.
pub(super) fn plain(values: &ArrayRef) -> Result<Vec<u8>, ParquetError> {
    let mut content = Vec::new();
    match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().iter().flatten().for_each(|text| push_text(&mut content, text)),
        DataType::Decimal128(_, _) => {
            values.as_primitive::<Decimal128Type>().values().iter().for_each(|value| content.extend(value.to_be_bytes()));
        }
        other => return Err(ParquetError::NYI(format!("dictionaries of {other}"))),
    }
    Ok(content)
}

fn push_text(content: &mut Vec<u8>, text: &str) {
    content.extend_from_slice(&(text.len() as u32).to_le_bytes());
    content.extend_from_slice(text.as_bytes());
}

impl<'a> Values<'a> {
    pub fn of(array: &'a ArrayRef, form: Form) -> Result<Self, ParquetError> {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(match array.data_type() {
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_dictionary::<Int32Type>();
                let codes = dictionary.keys().values().iter().map(|key| *key as u32).collect();
                Self::of_codes(nulls, codes, dictionary.values(), form)
            }
            DataType::Utf8 => Self::Texts { codes: None, texts: array.as_string(), form },
            DataType::Int32 => {
                let numbers = array.as_primitive::<Int32Type>().iter().flatten().map(i64::from).collect();
                Self::Numbers { reach: Reach::Bits32, numbers: Cow::Owned(numbers) }
            }
            DataType::Int64 => Self::wide_numbers(nulls, array.as_primitive::<Int64Type>().values()),
            DataType::Decimal64(_, _) => Self::wide_numbers(nulls, array.as_primitive::<Decimal64Type>().values()),
            DataType::Decimal128(_, _) => Self::of_decimals(nulls, array.as_primitive::<Decimal128Type>().values()),
            other => return Err(ParquetError::NYI(format!("columns of {other}"))),
        })
    }

    /// Whole numbers of those rows that have one.
    pub fn of_numbers(numbers: &'a [i64], column: &ColumnDescPtr) -> Result<Self, ParquetError> {
        let reach = match column.physical_type() {
            Type::INT32 => Reach::Bits32,
            Type::INT64 => Reach::Bits64,
            other => return Err(ParquetError::NYI(format!("whole numbers as {other}"))),
        };
        Ok(Self::Numbers { reach, numbers: Cow::Borrowed(numbers) })
    }

    fn wide_numbers(nulls: Option<&NullBuffer>, numbers: &'a [i64]) -> Self {
        let numbers = match nulls {
            None => Cow::Borrowed(numbers),
            Some(nulls) => nulls.valid_indices().map(|row| numbers[row]).collect(),
        };
        Self::Numbers { reach: Reach::Bits64, numbers }
    }

    /// Codes of values; what stands where there is no value means nothing.
    pub fn of_codes(nulls: Option<&NullBuffer>, codes: Cow<'a, [u32]>, values: &'a ArrayRef, form: Form) -> Self {
        let Some(texts) = values.as_string_opt::<i32>() else {
            return Self::Codes { dictionary: Dictionary::Whole(values), codes };
        };
        if form != Form::Repeating {
            return Self::Texts { codes: Some(codes), texts, form };
        }
        match are_mostly_used(nulls, &codes, texts.len()) {
            true => Self::Codes { dictionary: Dictionary::Whole(values), codes },
            false => Self::of_own_codes(nulls, codes, texts),
        }
    }

    /// A dictionary of those texts that some row has, in the order in which they come.
    fn of_own_codes(nulls: Option<&NullBuffer>, given: Cow<'a, [u32]>, texts: &'a StringArray) -> Self {
        let mut places = vec![NONE; texts.len()];
        let (mut content, mut distinct) = (Vec::new(), 0);
        let mut codes = vec![0; given.len()];
        for row in (0..given.len()).filter(|row| nulls.is_none_or(|nulls| nulls.is_valid(*row))) {
            let text = given[row] as usize;
            if places[text] == NONE {
                places[text] = distinct;
                distinct += 1;
                push_text(&mut content, texts.value(text));
                if content.len() > DICTIONARY_BYTES && distinct as usize > given.len() / 2 {
                    return Self::Texts { codes: Some(given), texts, form: Form::Distinct };
                }
            }
            codes[row] = places[text];
        }
        Self::Codes { dictionary: Dictionary::Own { content, distinct: distinct as usize }, codes: Cow::Owned(codes) }
    }

    /// A dictionary if the decimals repeat.
    pub fn of_decimals(nulls: Option<&NullBuffer>, values: &'a [i128]) -> Self {
        let mut known: HashMap<i128, u32> = HashMap::new();
        // Most are those that were met a moment ago.
        let mut latest = [(0_i128, NONE); 256];
        let mut codes = vec![0; values.len()];
        let mut content = Vec::new();
        for row in (0..values.len()).filter(|row| nulls.is_none_or(|nulls| nulls.is_valid(*row))) {
            let value = values[row];
            let place = (value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
            let latest = &mut latest[place as usize];
            if latest.1 == NONE || latest.0 != value {
                let next = known.len() as u32;
                let code = *known.entry(value).or_insert(next);
                if code == next {
                    content.extend_from_slice(&value.to_be_bytes());
                    if known.len() > DISTINCT_DECIMALS && known.len() > row / 2 {
                        return Self::Decimals(values);
                    }
                }
                *latest = (value, code);
            }
            codes[row] = latest.1;
        }
        Self::Codes { dictionary: Dictionary::Own { content, distinct: known.len() }, codes: Cow::Owned(codes) }
    }

    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Codes { .. } => Encoding::RLE_DICTIONARY,
            Self::Numbers { .. } => Encoding::DELTA_BINARY_PACKED,
            Self::Texts { .. } | Self::Ids(_, _) => Encoding::DELTA_BYTE_ARRAY,
            Self::Decimals(_) => Encoding::PLAIN,
        }
    }

    /// Appends the values of these rows that are there; of ids, what stands before the digits, and of decimals nothing.
    pub fn write(&self, out: &mut Vec<u8>, page: &PageRows) {
        match self {
            Self::Codes { dictionary, codes } => {
                let width = width_of(dictionary.len().saturating_sub(1) as u64).max(1);
                out.push(width as u8);
                runs(out, width, &page.values(codes));
            }
            Self::Numbers { reach, numbers } => differences(out, *reach, &numbers[page.there.clone()]),
            Self::Texts { codes, texts, form } => {
                let text = |row: usize| texts.value(codes.as_ref().map_or(row, |codes| codes[row] as usize)).as_bytes();
                let mut there = Vec::with_capacity(page.there.len());
                page.each_there(|row| there.push(text(row)));
                match form {
                    Form::Scattered => same_beginnings(out, &there),
                    Form::Repeating | Form::Rising | Form::Distinct => endings(out, &there),
                }
            }
            Self::Decimals(_) => {}
            Self::Ids(before, _) => {
                let (mut shared, mut rest) =
                    (vec![before.len() as i64; page.rows.len()], vec![ID_DIGITS as i64; page.rows.len()]);
                shared[0] = 0;
                rest[0] += before.len() as i64;
                differences(out, Reach::Bits32, &shared);
                differences(out, Reach::Bits32, &rest);
                out.extend_from_slice(before.as_bytes());
            }
        }
    }

    /// The least and the greatest of whole numbers.
    pub fn statistics(&self, rows: usize) -> Option<Statistics> {
        let Self::Numbers { reach, numbers } = self else { return None };
        let ends = numbers.iter().fold((i64::MAX, i64::MIN), |(min, max), number| (min.min(*number), max.max(*number)));
        let (min, max) = if numbers.is_empty() { (None, None) } else { (Some(ends.0), Some(ends.1)) };
        let nulls = Some((rows - numbers.len()) as u64);
        Some(match reach {
            Reach::Bits32 => Statistics::int32(min.map(|min| min as i32), max.map(|max| max as i32), None, nulls, false),
            Reach::Bits64 => Statistics::int64(min, max, None, nulls, false),
        })
    }
}

/// Whether most of so many texts stand in some row, and each several times.
fn are_mostly_used(nulls: Option<&NullBuffer>, codes: &[u32], texts: usize) -> bool {
    if texts > codes.len() / 4 {
        return false;
    }
    let mut is_used = vec![false; texts];
    match nulls {
        None => codes.iter().for_each(|code| is_used[*code as usize] = true),
        Some(nulls) => nulls.valid_indices().for_each(|row| is_used[codes[row] as usize] = true),
    }
    is_used.iter().filter(|is_used| **is_used).count() > texts / 2
}

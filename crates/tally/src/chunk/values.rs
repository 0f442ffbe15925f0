//! What the pages of a chunk hold, and how it is written.

use super::PageRows;
use crate::file::{Form, Numbers};
use crate::frame::ID_DIGITS;
use crate::pack::{Endings, Reach, ShortEndings, Span, differences, runs, width_of};
use crate::part::NONE;
use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Int32Type, Int64Type};
use parquet::basic::{Encoding, Type};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use reckoner_core::id::Bits;
use reckoner_core::table::Texts;
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
    Numbers { reach: Reach, numbers: Numbers<'a> },
    /// Texts, by row or by codes that hardly repeat.
    Texts { codes: Option<Cow<'a, [u32]>>, texts: &'a StringArray, form: Form },
    /// Texts by codes in no order, of which the endings are short.
    Short(&'a [u32], &'a ShortEndings),
    /// Texts end to end, and the place of the first.
    Run { texts: &'a Texts, first: usize, form: Form },
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
                Self::Numbers { reach: Reach::Bits32, numbers: Numbers::Signed(Cow::Owned(numbers)) }
            }
            DataType::Int64 => Self::wide_numbers(nulls, array.as_primitive::<Int64Type>().values()),
            DataType::Decimal64(_, _) => Self::wide_numbers(nulls, array.as_primitive::<Decimal64Type>().values()),
            DataType::Decimal128(_, _) => Self::of_decimals(nulls, array.as_primitive::<Decimal128Type>().values()),
            other => return Err(ParquetError::NYI(format!("columns of {other}"))),
        })
    }

    /// Whole numbers of those rows that have one.
    pub fn of_numbers(numbers: &'a Numbers<'_>, column: &ColumnDescPtr) -> Result<Self, ParquetError> {
        let reach = match column.physical_type() {
            Type::INT32 => Reach::Bits32,
            Type::INT64 => Reach::Bits64,
            other => return Err(ParquetError::NYI(format!("whole numbers as {other}"))),
        };
        Ok(Self::Numbers { reach, numbers: numbers.borrowed() })
    }

    fn wide_numbers(nulls: Option<&NullBuffer>, numbers: &'a [i64]) -> Self {
        let numbers = match nulls {
            None => Cow::Borrowed(numbers),
            Some(nulls) => nulls.valid_indices().map(|row| numbers[row]).collect(),
        };
        Self::Numbers { reach: Reach::Bits64, numbers: Numbers::Signed(numbers) }
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
        let mut latest = (NONE, NONE);
        for row in (0..given.len()).filter(|row| nulls.is_none_or(|nulls| nulls.is_valid(*row))) {
            // Often it is that of the row before.
            if given[row] != latest.0 {
                let place = &mut places[given[row] as usize];
                if *place == NONE {
                    *place = distinct;
                    distinct += 1;
                    push_text(&mut content, texts.value(given[row] as usize));
                    if content.len() > DICTIONARY_BYTES && distinct as usize > given.len() / 2 {
                        return Self::Texts { codes: Some(given), texts, form: Form::Distinct };
                    }
                }
                latest = (given[row], *place);
            }
            codes[row] = latest.1;
        }
        Self::Codes { dictionary: Dictionary::Own { content, distinct: distinct as usize }, codes: Cow::Owned(codes) }
    }

    /// A dictionary if the decimals repeat.
    pub fn of_decimals(nulls: Option<&NullBuffer>, values: &'a [i128]) -> Self {
        let mut known = Known::default();
        let mut codes = vec![0; values.len()];
        let are_few = match nulls {
            None => values.iter().zip(&mut codes).enumerate().try_for_each(|(row, (value, code))| {
                *code = known.code(*value, row)?;
                Some(())
            }),
            Some(nulls) => nulls.valid_indices().try_for_each(|row| {
                codes[row] = known.code(values[row], row)?;
                Some(())
            }),
        };
        let dictionary = Dictionary::Own { content: known.content, distinct: known.places.len() };
        are_few.map_or(Self::Decimals(values), |()| Self::Codes { dictionary, codes: Cow::Owned(codes) })
    }

    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Codes { .. } => Encoding::RLE_DICTIONARY,
            Self::Numbers { .. } => Encoding::DELTA_BINARY_PACKED,
            Self::Texts { .. } | Self::Short(_, _) | Self::Run { .. } | Self::Ids(_, _) => Encoding::DELTA_BYTE_ARRAY,
            Self::Decimals(_) => Encoding::PLAIN,
        }
    }

    /// Appends the values of these rows that are there; of ids, what stands before the digits, and of decimals nothing.
    pub fn write(&self, out: &mut Vec<u8>, page: &PageRows, endings: &mut Endings) {
        match self {
            Self::Codes { dictionary, codes } => {
                let width = width_of(dictionary.len().saturating_sub(1) as u64).max(1);
                out.push(width as u8);
                runs(out, width, &page.values(codes));
            }
            Self::Numbers { reach, numbers } => match numbers {
                Numbers::Signed(numbers) => differences(out, *reach, &numbers[page.there.clone()]),
                Numbers::Lines(lines) => differences(out, *reach, &lines[page.there.clone()]),
                Numbers::Counts(counts) => differences(out, *reach, &counts[page.there.clone()]),
            },
            Self::Texts { codes, texts, form } => {
                let (offsets, text) = (texts.value_offsets(), texts.value_data());
                let span = |place: usize| [offsets[place] as u32, offsets[place + 1] as u32];
                match codes {
                    None => write_texts(out, endings, (*form, page), text, span),
                    Some(codes) => write_texts(out, endings, (*form, page), text, |row| span(codes[row] as usize)),
                }
            }
            Self::Short(codes, texts) => {
                let codes = page.values(codes);
                endings.write_short(out, texts, codes.len(), codes.iter().copied());
            }
            Self::Run { texts, first, form } => {
                write_texts(out, endings, (*form, page), texts.text.as_bytes(), |row| texts.span(first + row));
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
        let (min, max) = numbers.ends().unzip();
        let nulls = Some((rows - numbers.len()) as u64);
        Some(match reach {
            Reach::Bits32 => Statistics::int32(min.map(|min| min as i32), max.map(|max| max as i32), None, nulls, false),
            Reach::Bits64 => Statistics::int64(min, max, None, nulls, false),
        })
    }
}

/// Decimals as they are met, and their places in a dictionary.
struct Known {
    places: HashMap<i128, u32>,
    /// Most are those that were met a moment ago.
    latest: [(i128, u32); 256],
    content: Vec<u8>,
}

impl Default for Known {
    fn default() -> Self {
        Self { places: HashMap::new(), latest: [(0, NONE); 256], content: Vec::new() }
    }
}

impl Known {
    /// The place of a decimal of this row; nothing once a dictionary is not worth it.
    #[inline]
    fn code(&mut self, value: i128, row: usize) -> Option<u32> {
        let place = ((value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
        let (latest, code) = self.latest[place];
        if latest == value && code != NONE {
            return Some(code);
        }
        let code = self.look_up(value, row)?;
        self.latest[place] = (value, code);
        Some(code)
    }

    #[inline(never)]
    fn look_up(&mut self, value: i128, row: usize) -> Option<u32> {
        let next = self.places.len() as u32;
        let code = *self.places.entry(value).or_insert(next);
        if code == next {
            self.content.extend_from_slice(&value.to_be_bytes());
            if self.places.len() > DISTINCT_DECIMALS && self.places.len() > row / 2 {
                return None;
            }
        }
        Some(code)
    }
}

/// Appends the texts of those rows that have one.
fn write_texts(
    out: &mut Vec<u8>,
    endings: &mut Endings,
    (form, page): (Form, &PageRows),
    text: &[u8],
    span: impl Fn(usize) -> Span,
) {
    match &page.nulls {
        None => write_spans(out, endings, (form, page), text, page.rows.clone().map(span)),
        Some(nulls) => {
            let there = nulls.valid_indices().map(|row| span(page.rows.start + row));
            write_spans(out, endings, (form, page), text, there);
        }
    }
}

fn write_spans(
    out: &mut Vec<u8>,
    endings: &mut Endings,
    (form, page): (Form, &PageRows),
    text: &[u8],
    spans: impl Iterator<Item = Span>,
) {
    match form {
        Form::Scattered => endings.write_scattered(out, text, spans),
        Form::Repeating | Form::Rising | Form::Distinct => endings.write(out, text, page.there.len(), spans),
    }
}

/// Whether most of so many texts stand in some row, and each several times.
fn are_mostly_used(nulls: Option<&NullBuffer>, codes: &[u32], texts: usize) -> bool {
    if texts > codes.len() / 4 {
        return false;
    }
    let (mut is_used, mut wanted) = (vec![false; texts], texts / 2 + 1);
    let mut is_enough = |code: u32| {
        wanted -= usize::from(!std::mem::replace(&mut is_used[code as usize], true));
        wanted == 0
    };
    match nulls {
        None => codes.iter().any(|code| is_enough(*code)),
        Some(nulls) => nulls.valid_indices().any(|row| is_enough(codes[row])),
    }
}

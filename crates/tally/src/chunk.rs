//! Column chunks of Parquet, straight from arrays: codes stay codes, whole numbers become differences, texts that hardly
//! repeat share their beginnings.
//!
//! Arrow's own writer looks every value up in a table of those that it has seen, to find out whether they repeat. Here that
//! is known: a dictionary of texts is written as one, and only decimals are looked at, as few of them differ.

use crate::file::Form;
use crate::pack::{Endings, Reach, differences, run, run_of_bits, run_of_one, width_of};
use arrow::array::{Array, AsArray as _, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Int32Type, Int64Type};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Rows of a page: few enough that a reader who wants some can pass over the others.
const PAGE_ROWS: usize = 20_480;
/// A dictionary of texts that takes no more is worth it in any case.
const DICTIONARY_BYTES: usize = 1 << 20;
/// So many distinct decimals are kept as a dictionary in any case.
const DISTINCT_DECIMALS: usize = 512;
/// What decimals of 38 digits take.
const DECIMAL_BYTES: usize = 16;

/// No code.
const NONE: u32 = u32::MAX;

/// Makes column chunks.
pub(crate) struct Encoder {
    zstd: zstd::bulk::Compressor<'static>,
}

/// The bytes of a chunk, and what the footer says of it.
pub(crate) type Chunk = (Bytes, ColumnCloseResult);

/// What the pages of a chunk hold.
enum Values<'a> {
    /// Places in a dictionary, by row; what stands where there is no value means nothing.
    Codes { dictionary: Vec<u8>, distinct: usize, codes: Vec<u32> },
    /// Whole numbers, by row.
    Numbers { reach: Reach, numbers: Vec<i64> },
    /// Texts.
    Texts(&'a StringArray),
    /// Texts by codes that hardly repeat.
    Coded { codes: &'a [i32], texts: &'a StringArray },
    /// Decimals of 38 digits.
    Decimals(&'a [i128]),
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    pub fn new() -> Result<Self, ParquetError> {
        Ok(Self { zstd: zstd::bulk::Compressor::new(ZstdLevel::default().compression_level())? })
    }

    /// The array as a chunk of the column.
    pub fn chunk(&mut self, column: &ColumnDescPtr, form: Form, array: &dyn Array) -> Result<Chunk, ParquetError> {
        let (values, nulls) = (Values::of(array)?, array.nulls().filter(|nulls| nulls.null_count() > 0));
        let mut sink = TrackedWrite::new(Vec::new());
        let mut pages = Pages { out: SerializedPageWriter::new(&mut sink), zstd: &mut self.zstd, packed: 0, unpacked: 0 };
        let mut first_data = 0;
        if let Values::Codes { dictionary, distinct, .. } = &values {
            let of =
                |buf| Page::DictionaryPage { buf, num_values: *distinct as u32, encoding: Encoding::PLAIN, is_sorted: false };
            pages.write(dictionary, of)?;
            first_data = pages.packed;
        }
        let is_optional = column.max_def_level() > 0;
        let mut content = Vec::new();
        for start in (0..array.len()).step_by(PAGE_ROWS) {
            let rows = start..(start + PAGE_ROWS).min(array.len());
            content.clear();
            if is_optional {
                levels(&mut content, nulls, rows.clone());
            }
            values.write(&mut content, nulls, rows.clone());
            let of = |buf| Page::DataPage {
                buf,
                num_values: rows.len() as u32,
                encoding: values.encoding(),
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            pages.write(&content, of)?;
        }
        let Pages { packed, unpacked, .. } = pages;

        let has_dictionary = matches!(values, Values::Codes { .. });
        let mut encodings = vec![Encoding::RLE, values.encoding()];
        encodings.extend(has_dictionary.then_some(Encoding::PLAIN));
        let mut metadata = ColumnChunkMetaData::builder(column.clone())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_encodings(encodings)
            .set_num_values(array.len() as i64)
            .set_total_compressed_size(packed as i64)
            .set_total_uncompressed_size(unpacked as i64)
            .set_data_page_offset(first_data as i64)
            .set_dictionary_page_offset(has_dictionary.then_some(0));
        // By their least and greatest an hour is found.
        if form == Form::Rising
            && let Some(statistics) = values.statistics(nulls)
        {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: packed as u64,
            rows_written: array.len() as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((Bytes::from(sink.into_inner()?), close))
    }
}

/// Pages on their way into a chunk.
struct Pages<'a> {
    out: SerializedPageWriter<'a, Vec<u8>>,
    zstd: &'a mut zstd::bulk::Compressor<'static>,
    packed: usize,
    unpacked: usize,
}

impl Pages<'_> {
    fn write(&mut self, content: &[u8], page: impl FnOnce(Bytes) -> Page) -> Result<(), ParquetError> {
        let compressed = Bytes::from(self.zstd.compress(content)?);
        let written = self.out.write_page(CompressedPage::new(page(compressed), content.len()))?;
        self.packed += written.compressed_size;
        self.unpacked += written.uncompressed_size;
        Ok(())
    }
}

/// Appends which of these rows have a value.
fn levels(out: &mut Vec<u8>, nulls: Option<&NullBuffer>, rows: Range<usize>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    match nulls.map(|nulls| nulls.slice(rows.start, rows.len())) {
        None => run_of_one(out, 1, 1, rows.len()),
        Some(nulls) if nulls.null_count() == 0 => run_of_one(out, 1, 1, rows.len()),
        Some(nulls) if nulls.null_count() == rows.len() => run_of_one(out, 1, 0, rows.len()),
        Some(nulls) => run_of_bits(out, &nulls.inner().sliced(), rows.len()),
    }
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Hands over the rows that have a value.
fn each_present(nulls: Option<&NullBuffer>, rows: Range<usize>, mut take: impl FnMut(usize)) {
    match nulls {
        None => rows.for_each(take),
        Some(nulls) => nulls.slice(rows.start, rows.len()).valid_indices().for_each(|row| take(rows.start + row)),
    }
}

/// The values of those of these rows that have one.
fn present<'a, T: Copy>(nulls: Option<&NullBuffer>, rows: Range<usize>, values: &'a [T]) -> Cow<'a, [T]> {
    let Some(nulls) = nulls else { return Cow::Borrowed(&values[rows]) };
    let values = &values[rows.clone()];
    Cow::Owned(nulls.slice(rows.start, rows.len()).valid_indices().map(|row| values[row]).collect())
}

impl<'a> Values<'a> {
    fn of(array: &'a dyn Array) -> Result<Self, ParquetError> {
        Ok(match array.data_type() {
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_dictionary::<Int32Type>();
                Self::of_codes(array.nulls(), dictionary.keys().values(), dictionary.values().as_string())
            }
            DataType::Utf8 => Self::Texts(array.as_string()),
            DataType::Int32 => {
                let numbers = array.as_primitive::<Int32Type>().values().iter().map(|number| i64::from(*number)).collect();
                Self::Numbers { reach: Reach::Bits32, numbers }
            }
            DataType::Int64 => Self::wide_numbers(array.as_primitive::<Int64Type>().values()),
            DataType::Decimal64(_, _) => Self::wide_numbers(array.as_primitive::<Decimal64Type>().values()),
            DataType::Decimal128(_, _) => Self::of_decimals(array.nulls(), array.as_primitive::<Decimal128Type>().values()),
            other => return Err(ParquetError::NYI(format!("columns of {other}"))),
        })
    }

    fn wide_numbers(numbers: &[i64]) -> Self {
        Self::Numbers { reach: Reach::Bits64, numbers: numbers.to_vec() }
    }

    /// A dictionary of those texts that some row has, in the order in which they come.
    fn of_codes(nulls: Option<&NullBuffer>, keys: &'a [i32], texts: &'a StringArray) -> Self {
        let mut places = vec![NONE; texts.len()];
        let (mut dictionary, mut distinct) = (Vec::new(), 0);
        let mut codes = vec![0; keys.len()];
        for row in (0..keys.len()).filter(|row| nulls.is_none_or(|nulls| nulls.is_valid(*row))) {
            let text = keys[row] as usize;
            if places[text] == NONE {
                places[text] = distinct;
                distinct += 1;
                let bytes = texts.value(text).as_bytes();
                dictionary.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                dictionary.extend_from_slice(bytes);
                if dictionary.len() > DICTIONARY_BYTES && distinct as usize > keys.len() / 2 {
                    return Self::Coded { codes: keys, texts };
                }
            }
            codes[row] = places[text];
        }
        Self::Codes { dictionary, distinct: distinct as usize, codes }
    }

    /// A dictionary if the decimals repeat.
    fn of_decimals(nulls: Option<&NullBuffer>, values: &'a [i128]) -> Self {
        let mut known: HashMap<i128, u32> = HashMap::new();
        // Most are those that were met a moment ago.
        let mut latest = [(0_i128, NONE); 256];
        let mut codes = vec![0; values.len()];
        let mut dictionary = Vec::new();
        for row in (0..values.len()).filter(|row| nulls.is_none_or(|nulls| nulls.is_valid(*row))) {
            let value = values[row];
            let place = (value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
            let latest = &mut latest[place as usize];
            if latest.1 == NONE || latest.0 != value {
                let next = known.len() as u32;
                let code = *known.entry(value).or_insert(next);
                if code == next {
                    dictionary.extend_from_slice(&value.to_be_bytes());
                    if known.len() > DISTINCT_DECIMALS && known.len() > row / 2 {
                        return Self::Decimals(values);
                    }
                }
                *latest = (value, code);
            }
            codes[row] = latest.1;
        }
        Self::Codes { distinct: known.len(), dictionary, codes }
    }

    fn encoding(&self) -> Encoding {
        match self {
            Self::Codes { .. } => Encoding::RLE_DICTIONARY,
            Self::Numbers { .. } => Encoding::DELTA_BINARY_PACKED,
            Self::Texts(_) | Self::Coded { .. } => Encoding::DELTA_BYTE_ARRAY,
            Self::Decimals(_) => Encoding::PLAIN,
        }
    }

    /// Appends the values of these rows that are there.
    fn write(&self, out: &mut Vec<u8>, nulls: Option<&NullBuffer>, rows: Range<usize>) {
        match self {
            Self::Codes { distinct, codes, .. } => {
                let width = width_of(distinct.saturating_sub(1) as u64).max(1);
                out.push(width as u8);
                run(out, width, &present(nulls, rows, codes));
            }
            Self::Numbers { reach, numbers } => differences(out, *reach, &present(nulls, rows, numbers)),
            Self::Texts(texts) => {
                let mut endings = Endings::default();
                each_present(nulls, rows, |row| endings.push(texts.value(row).as_bytes()));
                endings.write(out);
            }
            Self::Coded { codes, texts } => {
                let mut endings = Endings::default();
                each_present(nulls, rows, |row| endings.push(texts.value(codes[row] as usize).as_bytes()));
                endings.write(out);
            }
            Self::Decimals(values) => {
                out.reserve(rows.len() * DECIMAL_BYTES);
                each_present(nulls, rows, |row| out.extend_from_slice(&values[row].to_be_bytes()));
            }
        }
    }

    /// The least and the greatest of whole numbers.
    fn statistics(&self, nulls: Option<&NullBuffer>) -> Option<Statistics> {
        let Self::Numbers { reach, numbers } = self else { return None };
        let present = present(nulls, 0..numbers.len(), numbers);
        let (min, max) = (present.iter().copied().min(), present.iter().copied().max());
        let nulls = Some((numbers.len() - present.len()) as u64);
        Some(match reach {
            Reach::Bits32 => Statistics::int32(min.map(|min| min as i32), max.map(|max| max as i32), None, nulls, false),
            Reach::Bits64 => Statistics::int64(min, max, None, nulls, false),
        })
    }
}

#[cfg(test)]
mod tests;

//! Column chunks of Parquet, straight from what is known of their cells: codes stay codes, whole numbers become differences,
//! texts share their beginnings, and what packing does not make smaller is stored as it is.
//!
//! Arrow's own writer looks every value up in a table of those that it has seen, to find out whether they repeat. Here that
//! is known: a dictionary of texts is written as one, and only decimals are looked at, as few of them differ.

use crate::file::{Form, Numbers};
use crate::frame::{Frame, ID_DIGITS};
use crate::pack::{Endings, ShortEndings, run_of_bits, run_of_one};
use arrow::array::{Array as _, ArrayRef};
use arrow::buffer::NullBuffer;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use reckoner_core::id::Bits;
use reckoner_core::table::Texts;
use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use values::{Dictionary, Values, plain};
use zstd::zstd_safe::CParameter;

mod values;

/// Rows of a page: few enough that a reader who wants some can pass over the others.
const PAGE_ROWS: usize = 20_480;
/// A page that packing makes smaller by less than this part is not worth it, and those after it are alike.
const WORTH_PACKING: usize = 16;
/// The longest repeat that may be asked for.
const LONG_REPEAT: u32 = 7;
/// Repeats as long as zstd thinks best.
const ANY_REPEAT: u32 = 0;
/// Packed dictionaries that are kept.
const DICTIONARIES_MAX: usize = 16;

/// Makes column chunks.
pub(crate) struct Encoder {
    zstd: zstd::bulk::Compressor<'static>,
    /// Dictionaries that many chunks have as they are.
    dictionaries: Vec<PackedDictionary>,
    /// Room for a page.
    content: Vec<u8>,
    endings: Endings,
}

struct PackedDictionary {
    values: ArrayRef,
    page: PackedPage,
}

#[derive(Clone)]
struct PackedPage {
    packed: Bytes,
    unpacked: usize,
}

/// Cells of a column.
#[derive(Debug, Clone)]
pub(crate) enum Given<'a> {
    /// One after the other.
    Each(&'a ArrayRef),
    /// Codes of values.
    Coded(&'a [u32], &'a ArrayRef),
    /// Codes of texts in no order, of which the endings are short.
    Short(&'a [u32], &'a ShortEndings),
    /// Texts end to end, those of these places.
    Texts(&'a Texts, Range<usize>),
    /// Whole numbers of those of so many rows that have one.
    Numbers(Option<&'a NullBuffer>, usize, &'a Numbers<'a>),
    /// Decimals of 38 digits.
    Decimals(&'a [i128]),
    /// Ids by what they begin with and what they show.
    Ids(&'a str, &'a [Bits]),
}

/// The bytes of a chunk, and what the footer says of it.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub bytes: Vec<u8>,
    rows: usize,
    unpacked: usize,
    encoding: Encoding,
    has_dictionary: bool,
    first_data: usize,
    statistics: Option<Statistics>,
}

/// Rows of a page.
struct PageRows {
    rows: Range<usize>,
    /// Of these rows, which have a value; nothing where all have one.
    nulls: Option<NullBuffer>,
    /// Those that have one, counted from the first of the chunk.
    there: Range<usize>,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    pub fn new() -> Result<Self, ParquetError> {
        let zstd = zstd::bulk::Compressor::new(ZstdLevel::default().compression_level())?;
        Ok(Self { zstd, dictionaries: Vec::new(), content: Vec::new(), endings: Endings::default() })
    }

    /// The cells as a chunk of the column, made in this room.
    pub fn chunk(
        &mut self,
        column: &ColumnDescPtr,
        form: Form,
        given: Given<'_>,
        mut room: Vec<u8>,
    ) -> Result<Chunk, ParquetError> {
        let (values, nulls, rows) = match given {
            Given::Each(array) => (Values::of(array, form)?, array.nulls(), array.len()),
            Given::Coded(codes, values) => (Values::of_codes(None, Cow::Borrowed(codes), values, form), None, codes.len()),
            Given::Short(codes, texts) => (Values::Short(codes, texts), None, codes.len()),
            Given::Texts(texts, places) => (Values::Run { texts, first: places.start, form }, None, places.len()),
            Given::Numbers(nulls, rows, numbers) => (Values::of_numbers(numbers, column)?, nulls, rows),
            Given::Decimals(numbers) => (Values::of_decimals(None, numbers), None, numbers.len()),
            Given::Ids(before, ids) => (Values::Ids(before, ids), None, ids.len()),
        };
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        // Where nothing repeats but by chance, a search for short repeats takes long and finds what is not worth its place.
        let repeat_min = if form == Form::Scattered { LONG_REPEAT } else { ANY_REPEAT };
        self.zstd.set_parameter(CParameter::MinMatch(repeat_min))?;
        room.clear();
        let mut sink = TrackedWrite::new(room);
        let mut pages = Pages {
            out: SerializedPageWriter::new(&mut sink),
            zstd: &mut self.zstd,
            encoding: values.encoding(),
            is_dense: false,
            packed: 0,
            unpacked: 0,
        };
        if let Values::Codes { dictionary, .. } = &values {
            let page = packed_dictionary(&mut self.dictionaries, pages.zstd, dictionary)?;
            pages.write_dictionary(page, dictionary.len())?;
        }
        let (first_data, is_optional) = (pages.packed, column.max_def_level() > 0);
        let content = &mut self.content;
        for page in PageRows::of(rows, nulls) {
            content.clear();
            if is_optional {
                levels(content, &page);
            }
            values.write(content, &page, &mut self.endings);
            match &values {
                Values::Ids(_, ids) => {
                    let ids = &ids[page.rows.clone()];
                    pages.write_with(content, ids.len() * ID_DIGITS, &page, |frame| frame.store_hex(ids))?;
                }
                Values::Decimals(numbers) => {
                    let numbers = page.values(numbers);
                    pages.write_with(content, size_of_val(&*numbers), &page, |frame| frame.store_numbers(&numbers))?;
                }
                _ => pages.write(content, &page)?,
            }
        }
        let unpacked = pages.unpacked;

        Ok(Chunk {
            bytes: sink.into_inner()?,
            rows,
            unpacked,
            encoding: values.encoding(),
            has_dictionary: matches!(values, Values::Codes { .. }),
            first_data,
            // By their least and greatest an hour is found.
            statistics: if form == Form::Rising { values.statistics(rows) } else { None },
        })
    }
}

impl Chunk {
    /// Appends the chunk to a file as one of this column; hands back what the footer says of it.
    pub fn append(&self, to: &mut TrackedWrite<impl Write>, column: &ColumnDescPtr) -> Result<ColumnChunkMetaData, ParquetError> {
        let offset = to.bytes_written();
        to.write_all(&self.bytes)?;
        let mut encodings = vec![Encoding::RLE, self.encoding];
        encodings.extend(self.has_dictionary.then_some(Encoding::PLAIN));
        let mut metadata = ColumnChunkMetaData::builder(column.clone())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_encodings(encodings)
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(self.bytes.len() as i64)
            .set_total_uncompressed_size(self.unpacked as i64)
            .set_data_page_offset((offset + self.first_data) as i64)
            .set_dictionary_page_offset(self.has_dictionary.then_some(offset as i64));
        if let Some(statistics) = &self.statistics {
            metadata = metadata.set_statistics(statistics.clone());
        }
        metadata.build()
    }
}

/// The page of a dictionary; one that other chunks have too is packed once.
fn packed_dictionary(
    known: &mut Vec<PackedDictionary>,
    zstd: &mut zstd::bulk::Compressor<'static>,
    dictionary: &Dictionary<'_>,
) -> Result<PackedPage, ParquetError> {
    let pack = |content: &[u8], zstd: &mut zstd::bulk::Compressor<'static>| {
        Ok::<_, ParquetError>(PackedPage { packed: zstd.compress(content)?.into(), unpacked: content.len() })
    };
    let values = match dictionary {
        Dictionary::Own { content, .. } => return pack(content, zstd),
        Dictionary::Whole(values) => *values,
    };
    if let Some(known) = known.iter().find(|known| Arc::ptr_eq(&known.values, values)) {
        return Ok(known.page.clone());
    }
    let page = pack(&plain(values)?, zstd)?;
    if known.len() == DICTIONARIES_MAX {
        known.clear();
    }
    known.push(PackedDictionary { values: Arc::clone(values), page: page.clone() });
    Ok(page)
}

/// Pages on their way into a chunk.
struct Pages<'a> {
    out: SerializedPageWriter<'a, Vec<u8>>,
    zstd: &'a mut zstd::bulk::Compressor<'static>,
    encoding: Encoding,
    /// Whether packing saved next to nothing.
    is_dense: bool,
    packed: usize,
    unpacked: usize,
}

impl Pages<'_> {
    fn write_dictionary(&mut self, page: PackedPage, values: usize) -> Result<(), ParquetError> {
        let PackedPage { packed: buf, unpacked } = page;
        let page = Page::DictionaryPage { buf, num_values: values as u32, encoding: Encoding::PLAIN, is_sorted: false };
        self.write_packed(page, unpacked)
    }

    fn write(&mut self, content: &[u8], page: &PageRows) -> Result<(), ParquetError> {
        let packed = if self.is_dense { stored(content) } else { self.zstd.compress(content)? };
        self.is_dense |= packed.len() > content.len() - content.len() / WORTH_PACKING;
        self.write_data(packed, content.len(), page)
    }

    /// Writes a page of which so many bytes after the content are packed in a way of their own.
    fn write_with(
        &mut self,
        content: &[u8],
        more: usize,
        page: &PageRows,
        store: impl FnOnce(&mut Frame),
    ) -> Result<(), ParquetError> {
        let mut frame = Frame::of(content.len() + more);
        frame.store(content);
        store(&mut frame);
        self.write_data(frame.end(), content.len() + more, page)
    }

    fn write_data(&mut self, packed: Vec<u8>, unpacked: usize, page: &PageRows) -> Result<(), ParquetError> {
        let page = Page::DataPage {
            buf: packed.into(),
            num_values: page.rows.len() as u32,
            encoding: self.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.write_packed(page, unpacked)
    }

    fn write_packed(&mut self, page: Page, unpacked: usize) -> Result<(), ParquetError> {
        let written = self.out.write_page(CompressedPage::new(page, unpacked))?;
        self.packed += written.compressed_size;
        self.unpacked += written.uncompressed_size;
        Ok(())
    }
}

/// A frame of the content as it is.
fn stored(content: &[u8]) -> Vec<u8> {
    let mut frame = Frame::of(content.len());
    frame.store(content);
    frame.end()
}

impl PageRows {
    /// So many rows, page by page.
    fn of(rows: usize, nulls: Option<&NullBuffer>) -> impl Iterator<Item = Self> + '_ {
        let mut before = 0;
        (0..rows).step_by(PAGE_ROWS).map(move |start| {
            let rows = start..(start + PAGE_ROWS).min(rows);
            let nulls = nulls.map(|nulls| nulls.slice(rows.start, rows.len())).filter(|nulls| nulls.null_count() > 0);
            let start = before;
            before += rows.len() - nulls.as_ref().map_or(0, NullBuffer::null_count);
            Self { rows, nulls, there: start..before }
        })
    }

    /// The values of those rows that have one.
    fn values<'a, T: Copy>(&self, values: &'a [T]) -> Cow<'a, [T]> {
        let values = &values[self.rows.clone()];
        match &self.nulls {
            None => Cow::Borrowed(values),
            Some(nulls) => Cow::Owned(nulls.valid_indices().map(|row| values[row]).collect()),
        }
    }
}

/// Appends which of the rows have a value.
fn levels(out: &mut Vec<u8>, page: &PageRows) {
    let (start, rows) = (out.len(), page.rows.len());
    out.extend_from_slice(&[0; 4]);
    match &page.nulls {
        None => run_of_one(out, 1, 1, rows),
        Some(nulls) if nulls.null_count() == rows => run_of_one(out, 1, 0, rows),
        Some(nulls) => run_of_bits(out, &nulls.inner().sliced(), rows),
    }
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests;

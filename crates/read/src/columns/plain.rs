//! Texts of plain pages, page by page.
//!
//! Owns: pages of the simplest form, texts one behind the other and none missing, as most writers write ids.
//! Does not own: every other form, and what is wrong with a page: wherever this one stops, the `parquet` crate reads on.
//! Promises: what is handed out is what that crate would hand out.
//!
//! That crate calls a function for each text; here they are copied in a loop.

use super::coded;
use arrow::array::StringArray;
use arrow::buffer::{Buffer, OffsetBuffer};
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader as _};
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::fs::File;
use std::sync::Arc;

/// A column of a row group.
pub(super) struct PlainTexts {
    pages: SerializedPageReader<File>,
    /// Whether pages say which texts are there.
    may_miss: bool,
    /// What is not handed out of the page at hand, and its texts.
    page: Bytes,
    rows: usize,
}

impl PlainTexts {
    /// Nothing where the footer says that there are other pages too.
    pub(super) fn open(file: &Arc<File>, pages: &ColumnChunkMetaData) -> Result<Option<Self>> {
        let described = pages.column_descr();
        let is_flat = described.max_rep_level() == 0 && described.max_def_level() <= 1;
        let are_plain = pages.encodings().all(|encoding| matches!(encoding, Encoding::PLAIN | Encoding::RLE));
        if pages.column_type() != Type::BYTE_ARRAY || !is_flat || !are_plain || pages.dictionary_page_offset().is_some() {
            return Ok(None);
        }
        let may_miss = described.max_def_level() == 1;
        let rows = usize::try_from(pages.num_values()).unwrap_or_default();
        let pages = SerializedPageReader::new(Arc::clone(file), pages, rows, None)?;
        Ok(Some(Self { pages, may_miss, page: Bytes::new(), rows: 0 }))
    }

    /// The texts of so many rows; nothing where their pages are not as simple as that, and from then on.
    pub(super) fn next(&mut self, rows: usize) -> Result<Option<StringArray>> {
        let mut ends = Vec::with_capacity(rows + 1);
        let mut text = Vec::with_capacity(rows * coded::SHORT_BYTES);
        ends.push(0);
        while ends.len() <= rows {
            if self.rows == 0 && !self.next_page()? {
                return Ok(None);
            }
            let now = self.rows.min(rows + 1 - ends.len());
            let Some(taken) = texts(&self.page, now, &mut text, &mut ends) else { return Ok(None) };
            self.page = self.page.slice(taken..);
            self.rows -= now;
        }
        if i32::try_from(text.len()).is_err() {
            return Ok(None);
        }
        // Where it is no UTF-8, it is said by whoever reads on.
        Ok(StringArray::try_new(OffsetBuffer::new(ends.into()), Buffer::from_vec(text), None).ok())
    }

    /// Whether there are no more.
    pub(super) fn is_at_end(&mut self) -> Result<bool> {
        while let Some(page) = (self.rows == 0).then(|| self.pages.get_next_page()).transpose()?.flatten() {
            self.rows = page.num_values() as usize;
        }
        Ok(self.rows == 0)
    }

    /// Whether there is one more page, of the simplest form.
    fn next_page(&mut self) -> Result<bool> {
        let (page, rows) = match self.pages.get_next_page()? {
            Some(Page::DataPage { buf, num_values, encoding: Encoding::PLAIN, def_level_encoding: Encoding::RLE, .. }) => {
                let page = if self.may_miss { behind_levels(&buf, num_values as usize) } else { Some(buf) };
                (page, num_values)
            }
            Some(Page::DataPageV2 {
                buf,
                num_values,
                encoding: Encoding::PLAIN,
                num_nulls: 0,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len: 0,
                ..
            }) if num_rows == num_values => {
                let levels = def_levels_byte_len as usize;
                let are_there =
                    !self.may_miss || buf.get(..levels).is_some_and(|levels| are_all_there(levels, num_rows as usize));
                ((are_there && levels <= buf.len()).then(|| buf.slice(levels..)), num_values)
            }
            _ => (None, 0),
        };
        self.rows = rows as usize;
        let is_one = page.is_some() && rows > 0;
        self.page = page.unwrap_or_default();
        Ok(is_one)
    }
}

/// The texts of a page that begins with the length of its levels, if all are there.
fn behind_levels(page: &Bytes, rows: usize) -> Option<Bytes> {
    let (length, rest) = page.split_first_chunk()?;
    let (levels, _) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    are_all_there(levels, rows).then(|| page.slice(size_of_val(length) + levels.len()..))
}

/// Whether levels say of so many rows that each has a value: runs of one level, and levels of a bit each, eight in a byte.
fn are_all_there(mut levels: &[u8], mut rows: usize) -> bool {
    while rows > 0 {
        let Some((header, rest)) = header(levels) else { return false };
        let count = (header >> 1) as usize;
        if header & 1 == 0 {
            let Some((1, rest)) = rest.split_first() else { return false };
            (rows, levels) = (rows.saturating_sub(count), rest);
            if count == 0 {
                return false;
            }
        } else {
            // The last byte may have more bits than there are rows.
            let whole = count.min(rows / 8);
            let Some((bytes, rest)) = rest.split_at_checked(count) else { return false };
            if count == 0 || bytes[..whole].iter().any(|byte| *byte != u8::MAX) {
                return false;
            }
            let bits = if whole < count { rows % 8 } else { 0 };
            if bits > 0 && bytes[whole].trailing_ones() < bits as u32 {
                return false;
            }
            (rows, levels) = (rows.saturating_sub(count.saturating_mul(8)), rest);
        }
    }
    true
}

/// A number of seven bits a byte, the least first, and what is behind it.
fn header(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let length = bytes.iter().take(4).position(|byte| *byte < 0x80)? + 1;
    let (header, rest) = bytes.split_at(length);
    Some((header.iter().rev().fold(0, |number, byte| number << 7 | u32::from(byte & 0x7f)), rest))
}

/// Appends so many texts of a page, each behind its length, and where each ends; hands back how many bytes of the page they
/// take, if it has as many.
fn texts(page: &[u8], rows: usize, text: &mut Vec<u8>, ends: &mut Vec<i32>) -> Option<usize> {
    let mut rest = page;
    for _ in 0..rows {
        let (length, from) = rest.split_first_chunk()?;
        let length = u32::from_le_bytes(*length) as usize;
        coded::copy(text, from, length)?;
        rest = &from[length..];
        ends.push(text.len() as i32);
    }
    Some(page.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array as _, ArrayRef, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ArrowReaderMetadata;
    use parquet::file::properties::{WriterProperties, WriterVersion};

    #[test]
    fn levels_say_whether_all_are_there() {
        // levels | rows | whether all are there
        let cases: [(&[u8], usize, bool); 16] = [
            (&[], 0, true),
            (&[], 1, false),
            (&[7 << 1, 1], 7, true), // a run of seven
            (&[7 << 1, 1], 6, true),
            (&[7 << 1, 1], 8, false),
            (&[7 << 1, 0], 7, false),
            (&[0, 1], 1, false),
            (&[0x90, 0x03, 1], 200, true), // a run of 200
            (&[0x90, 0x03, 1], 201, false),
            (&[0x80; 9], 1, false),
            (&[3, 0xff], 8, true), // one byte of eight levels
            (&[3, 0x7f], 7, true),
            (&[3, 0x7f], 8, false),
            (&[3, 0xbf], 7, false),
            (&[5, 0xff], 10, false),
            (&[7 << 1, 1, 5, 0xff, 0x03], 17, true),
        ];
        for (levels, rows, expected) in cases {
            assert_eq!(are_all_there(levels, rows), expected, "{levels:?}, {rows} rows");
        }
    }

    /// A file of one column, without a dictionary; two rows of three a page.
    fn file(texts: &[Option<String>], is_nullable: bool, version: WriterVersion) -> File {
        let column: ArrayRef = Arc::new(texts.iter().map(Option::as_deref).collect::<StringArray>());
        let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, is_nullable)]));
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::PLAIN)
            .set_data_page_row_count_limit(texts.len() * 2 / 3)
            .set_write_batch_size(1)
            .build();
        let mut file = tempfile::tempfile().expect("a file");
        let mut writer = ArrowWriter::try_new(&mut file, Arc::clone(&schema), Some(properties)).expect("a writer");
        writer.write(&RecordBatch::try_new(schema, vec![column]).expect("one column")).expect("written");
        writer.close().expect("closed");
        file
    }

    /// What comes out, so many rows at a time.
    fn read(file: File, rows: usize, step: usize) -> Vec<String> {
        let file = Arc::new(file);
        let loaded = ArrowReaderMetadata::load(&*file, Default::default()).expect("a footer");
        let pages = loaded.metadata().row_group(0).column(0);
        let mut plain = PlainTexts::open(&file, pages).expect("a column").expect("plain pages");
        let mut read = Vec::new();
        while read.len() < rows {
            let Some(texts) = plain.next(step.min(rows - read.len())).expect("sound pages") else { return read };
            assert_eq!(texts.null_count(), 0);
            read.extend(texts.iter().flatten().map(str::to_owned));
        }
        assert!(plain.is_at_end().expect("sound pages"));
        read
    }

    #[test]
    fn plain_texts_come_out_as_they_were_written() {
        let texts: Vec<Option<String>> = (0..300).map(|row| Some("aé界-".repeat(row % 31)[..].to_owned())).collect();
        let expected: Vec<String> = texts.iter().flatten().cloned().collect();
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for (is_nullable, step) in [(true, 1), (true, 300), (false, 7), (false, 200)] {
                assert_eq!(read(file(&texts, is_nullable, version), texts.len(), step), expected);
            }
            // The second page lacks a text: it is left to others.
            let mut gap = texts.clone();
            gap[250] = None;
            assert_eq!(read(file(&gap, true, version), texts.len(), 100), expected[..200]);
        }
    }
}

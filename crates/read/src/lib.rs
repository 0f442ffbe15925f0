//! Foreign files, bytes to rows: delivered files as batches of text cells, whatever their format; usage also as typed columns.
//!
//! Owns: telling formats apart, the trust in a file's bytes, headers against the schemas, line numbers.
//! Does not own: what a cell means (`reckoner_core::table`), duplicates, the store; and it knows no polars.
//! Promises: a CSV cell and the JSON or Parquet value that says the same come out as the same text, packed or not, and a row of
//! usage in columns is what its text would be read as; a file is
//! refused whole only if its bytes cannot be trusted or its columns are not the table's, a bad record alone is refused alone;
//! memory is bounded by the batch; what Parquet needs to be decoded is another process's, and bounded there.

#[cfg(unix)]
mod apart;
mod batch;
mod columns;
mod csv;
mod event;
mod input;
mod json;
mod lines;
mod ndjson;
mod parquet;
mod picked;
mod render;
mod sieve;
#[cfg(test)]
mod testing;
mod watched;

#[cfg(unix)]
pub use apart::{DECODE_WORD, MEMORY_BYTES_MAX, decode};
pub use batch::{Batch, RefusedRow};
pub use columns::{UsageParts, UsageReader, open_usage, usage_parts};

use input::Input;
use reckoner_core::table::TableKind;
use reckoner_core::table::schema::HeaderFault;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use watched::Watched;

/// Where the bytes are.
#[derive(Debug)]
pub enum Source {
    /// A regular file.
    Path(PathBuf),
    /// Bytes that were received.
    Bytes(Vec<u8>),
}

/// How the rows are written down, inside whatever they are packed in; told by the bytes, never by the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with commas, RFC 4180.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// NDJSON whose objects are envelopes of CloudEvents 1.0, with a row in each.
    CloudEvents,
    /// Apache Parquet.
    Parquet,
}

/// How to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// At most so many rows a batch; fewer where they are long.
    pub batch_rows: usize,
    /// Columns that the table does not have and that are passed over.
    pub ignored_columns: Vec<String>,
    /// CSV or NDJSON that unpacks to more bytes is refused.
    pub text_bytes_max: u64,
    /// Parquet that unpacks to more bytes is refused; so many are needed on the disk while it is read.
    pub parquet_bytes_max: u64,
    /// The program that decodes Parquet in a process of its own, started with [`DECODE_WORD`]; nothing: decoded in this
    /// process, which hostile pages can end. Where there is no Unix it is not asked.
    pub decoder: Option<PathBuf>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            batch_rows: 8_192,
            ignored_columns: Vec::new(),
            text_bytes_max: 64 << 30,
            parquet_bytes_max: 4 << 30,
            decoder: None,
        }
    }
}

/// Why a file is refused whole. No row of it may take effect, also none of a batch that came before the refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FileRefusal {
    /// A stable code: one of [`FILE_REASONS`].
    pub reason: &'static str,
    /// The sentence for a person: what was seen, what was expected, what to do.
    pub detail: String,
}

/// Every code of a [`FileRefusal`] with what it means.
pub const FILE_REASONS: &[(&str, &str)] = &[
    ("unreadable", "the operating system does not hand the bytes over, or it is no regular file"),
    ("empty_file", "no header, or nothing at all"),
    ("unsupported_format", "a format that is known and not taken: a spreadsheet, a JSON array, packed twice"),
    ("invalid_encoding", "not UTF-8, or binary"),
    ("damaged_compression", "gzip or Zstandard that cannot be unpacked, or whose checksum differs"),
    ("truncated", "the last line has no line break, packed bytes end in the middle, or rows are missing"),
    ("unclosed_quote", "a quote that never closes"),
    ("malformed_csv", "a quote or line break where none can be"),
    ("malformed_ndjson", "a JSON object that spreads over lines"),
    ("record_too_long", "a record beyond 4 MiB"),
    ("missing_column", "a required column is not there"),
    ("unknown_column", "a column that the table does not have"),
    ("duplicate_column", "a column twice"),
    ("corrupt", "Parquet that cannot be decoded"),
    ("repeated_rows", "one row, the same in every cell, more than ten thousand times in a row"),
    ("unreadable_records", "more than 50,000 records, or 64 MiB of them, that are no rows"),
    ("too_large", "a file that unpacks to more than can be meant"),
    ("float_column", "a binary float, which cannot hold a decimal exactly"),
    ("naive_timestamp", "Parquet timestamps without a zone"),
    ("unsupported_type", "a Parquet type that does not say what the column holds"),
];

impl FileRefusal {
    fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(FILE_REASONS.iter().any(|(code, _)| *code == reason), "`{reason}` is listed");
        Self { reason, detail: detail.into() }
    }

    /// The refusal that an error carries, or that the bytes cannot be read.
    fn of(error: &io::Error) -> Self {
        if let Some(refusal) = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            return refusal.clone();
        }
        Self::new("unreadable", format!("the file cannot be read: {error}; check that it is there and complete"))
    }
}

impl From<HeaderFault> for FileRefusal {
    fn from(fault: HeaderFault) -> Self {
        Self { reason: fault.reason, detail: fault.detail }
    }
}

/// A file being read, batch by batch.
pub trait RowReader: Send {
    /// How the file is written.
    fn format(&self) -> Format;

    /// The next rows in the file's order, or nothing after the last.
    ///
    /// # Errors
    /// [`FileRefusal`] where the bytes turn out not to be trusted; nothing of the file may take effect then, and the reader
    /// hands out no further batch.
    fn next_batch(&mut self) -> Result<Option<Batch>, FileRefusal>;
}

/// Opens a file of the table: tells its packing and format by its first bytes, checks what can be checked before the first
/// row.
///
/// CSV and NDJSON are read through once here (and unpacked, if packed), so that no batch of an untrustworthy file ever comes
/// out; of Parquet the footer, after unpacking it into a temporary file beside the source.
///
/// # Errors
/// [`FileRefusal`] with one of [`FILE_REASONS`].
pub fn open(source: Source, kind: TableKind, options: &ReadOptions) -> Result<Box<dyn RowReader>, FileRefusal> {
    open_input(Input::open(source, options)?, kind, options)
}

/// Opens a file as [`open`] does, and hands out only what stands on these lines, which ascend: rows, and refused records.
///
/// Of Parquet only the row groups that hold such a line are decoded. The lines are those of a reader of the same file.
///
/// # Errors
/// [`FileRefusal`] with one of [`FILE_REASONS`]; `unreadable` where there is no such line.
pub fn open_lines(
    source: Source,
    kind: TableKind,
    options: &ReadOptions,
    lines: &[u64],
) -> Result<Box<dyn RowReader>, FileRefusal> {
    debug_assert!(lines.is_sorted_by(|line, next| line < next), "lines ascend");
    let mut input = Input::open(source, options)?;
    if input.format(options)? == Format::Parquet {
        let reader = open_parquet(input.into_file()?, kind, options, Some(lines))?;
        return Ok(Box::new(Watched::picked(reader, options.batch_rows)));
    }
    Ok(Box::new(picked::Picked::new(open_input(input, kind, options)?, kind, lines)))
}

fn open_input(mut input: Input, kind: TableKind, options: &ReadOptions) -> Result<Box<dyn RowReader>, FileRefusal> {
    let reader: Box<dyn RowReader> = match input.format(options)? {
        Format::Csv => Box::new(csv::CsvReader::open(input, kind.schema(), options)?),
        Format::Ndjson | Format::CloudEvents => Box::new(ndjson::NdjsonReader::open(input, kind, options)?),
        Format::Parquet => open_parquet(input.into_file()?, kind, options, None)?,
    };
    Ok(Box::new(Watched::new(reader, options.batch_rows)))
}

fn open_parquet(
    file: File,
    kind: TableKind,
    options: &ReadOptions,
    lines: Option<&[u64]>,
) -> Result<Box<dyn RowReader>, FileRefusal> {
    #[cfg(unix)]
    if let Some(program) = &options.decoder {
        return Ok(Box::new(apart::ApartReader::open(file, kind, options, program, lines)?));
    }
    Ok(Box::new(parquet::ParquetReader::open(file, kind.schema(), options, lines.map(<[u64]>::to_vec))?))
}

/// Tells the format by the first bytes, unpacked if they are packed; CloudEvents are not told from other NDJSON here.
///
/// # Errors
/// [`FileRefusal`] `unreadable`, `empty_file`, `invalid_encoding` (UTF-16), `unsupported_format`, or what is wrong with the
/// packing.
pub fn format_of(source: Source) -> Result<Format, FileRefusal> {
    let options = ReadOptions::default();
    Input::open(source, &options)?.format(&options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_told_by_the_bytes() {
        let cases: &[(&[u8], &str)] = &[
            (b"record_id,account_id\n", "Csv"),
            (b"\xef\xbb\xbfrecord_id\n", "Csv"),
            (b"PAR1....", "Parquet"),
            (b"PAR", "Csv"), // a column could be called so
            (b"", "empty_file"),
            (b"PARE....", "unsupported_format"),
            (b"\x1f\x8b\x08", "truncated"),
            (b"\x28\xb5\x2f\xfd", "truncated"),
            (b"PK\x03\x04", "unsupported_format"),
            (b"BZh91AY&SY", "unsupported_format"),
            (b"\xfd7zXZ\0", "unsupported_format"),
            (b"{\"record_id\":1}", "Ndjson"),
            (b"\xef\xbb\xbf\r\n {\"record_id\":1}", "Ndjson"), // a mark and blank lines before it
            (b"[{\"specversion\":\"1.0\"}]", "unsupported_format"),
            (b"\xff\xfer\0e\0", "invalid_encoding"),
            (b"\xfe\xff\0r\0e", "invalid_encoding"),
        ];
        for (bytes, expected) in cases {
            let seen = format_of(Source::Bytes(bytes.to_vec()));
            let seen = seen.map_or_else(|refusal| refusal.reason.to_owned(), |format| format!("{format:?}"));
            assert_eq!(&seen, expected, "{bytes:?}");
        }
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let reason = |path: PathBuf| format_of(Source::Path(path)).expect_err("no file").reason;
        assert_eq!(reason(folder.path().to_owned()), "unreadable");
        assert_eq!(reason(folder.path().join("nothing")), "unreadable");
        let path = folder.path().join("usage.parquet"); // the name lies
        std::fs::write(&path, "record_id\n").expect("written");
        assert_eq!(format_of(Source::Path(path)), Ok(Format::Csv));
    }
}

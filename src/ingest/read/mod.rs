//! Delivered files as batches of text cells, whatever their format.
//!
//! Owns: telling formats apart, the trust in a file's bytes, headers against the schemas, line numbers.
//! Does not own: what a cell means (`reckoner_core::table`), duplicates, the store. Neither unpacks `.gz` and `.zst`.
//! Promises: a CSV cell and the Parquet value that says the same come out as the same text; a file is refused whole only
//! if its bytes cannot be trusted or its columns are not the table's, a bad record alone is refused alone; memory is bounded
//! by the batch and, for Parquet, by one row group's pages.

mod batch;
mod csv;
mod parquet;
mod render;
mod sieve;
#[cfg(test)]
mod testing;

pub use batch::{Batch, RefusedRow};

use reckoner_core::table::TableKind;
use reckoner_core::table::schema::HeaderFault;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write as _};
use std::path::PathBuf;

/// Where the bytes are.
#[derive(Debug)]
pub enum Source {
    /// A regular file.
    Path(PathBuf),
    /// Bytes that were unpacked or received.
    Bytes(Vec<u8>),
}

/// How the rows are written down; told by the bytes, never by the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with commas, RFC 4180.
    Csv,
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
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { batch_rows: 8_192, ignored_columns: Vec::new() }
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
    ("empty_file", "no header"),
    ("unsupported_format", "a format that is known and not taken: compressed, NDJSON, a spreadsheet"),
    ("invalid_encoding", "not UTF-8, or binary"),
    ("truncated", "the last line has no line break, or rows are missing"),
    ("unclosed_quote", "a quote that never closes"),
    ("malformed_csv", "a quote or line break where none can be"),
    ("record_too_long", "a record beyond 4 MiB"),
    ("missing_column", "a required column is not there"),
    ("unknown_column", "a column that the table does not have"),
    ("duplicate_column", "a column twice"),
    ("corrupt", "Parquet that cannot be decoded"),
    ("too_large", "Parquet that unpacks to more than can be meant"),
    ("float_column", "a binary float, which cannot hold a decimal exactly"),
    ("naive_timestamp", "Parquet timestamps without a zone"),
    ("unsupported_type", "a Parquet type that does not say what the column holds"),
];

impl FileRefusal {
    fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(FILE_REASONS.iter().any(|(code, _)| *code == reason), "`{reason}` is listed");
        Self { reason, detail: detail.into() }
    }

    fn unreadable(error: &io::Error) -> Self {
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

/// Opens a file of the table: tells its format by its first bytes, checks what can be checked before the first row.
///
/// A CSV is read through once here, so that no batch of an untrustworthy one ever comes out; of a Parquet file the footer.
///
/// # Errors
/// [`FileRefusal`] with one of [`FILE_REASONS`].
pub fn open(source: Source, kind: TableKind, options: &ReadOptions) -> Result<Box<dyn RowReader>, FileRefusal> {
    let mut input = Input::open(source)?;
    Ok(match input.format()? {
        Format::Csv => Box::new(csv::CsvReader::open(input, kind.schema(), options)?),
        Format::Parquet => Box::new(parquet::ParquetReader::open(input.into_file()?, kind.schema(), options)?),
    })
}

/// Tells the format by the first bytes.
///
/// # Errors
/// [`FileRefusal`] `unreadable`, `empty_file`, `invalid_encoding` (UTF-16) or `unsupported_format`.
pub fn format_of(source: Source) -> Result<Format, FileRefusal> {
    Input::open(source)?.format()
}

/// An opened source: bytes that can be read again from the start.
enum Input {
    File(File),
    Bytes(Cursor<Vec<u8>>),
}

impl Input {
    fn open(source: Source) -> Result<Self, FileRefusal> {
        match source {
            Source::Bytes(bytes) => Ok(Self::Bytes(Cursor::new(bytes))),
            Source::Path(path) => {
                // Asked before opening: opening a pipe would wait for a writer for ever.
                let metadata = std::fs::metadata(&path).map_err(|error| FileRefusal::unreadable(&error))?;
                if !metadata.is_file() {
                    return Err(FileRefusal::new(
                        "unreadable",
                        "it is no regular file; expected one, not a folder, pipe or device",
                    ));
                }
                File::open(&path).map(Self::File).map_err(|error| FileRefusal::unreadable(&error))
            }
        }
    }

    fn format(&mut self) -> Result<Format, FileRefusal> {
        let mut first = Vec::with_capacity(8);
        self.by_ref().take(8).read_to_end(&mut first).map_err(|error| FileRefusal::unreadable(&error))?;
        self.seek(SeekFrom::Start(0)).map_err(|error| FileRefusal::unreadable(&error))?;
        let refuse = |detail: &str| Err(FileRefusal::new("unsupported_format", detail));
        match first.as_slice() {
            [] => Err(FileRefusal::new("empty_file", "the file is empty; expected a header and rows")),
            [b'P', b'A', b'R', b'1', ..] => Ok(Format::Parquet),
            [b'P', b'A', b'R', b'E', ..] => refuse("it is encrypted Parquet; send it unencrypted"),
            [0x1f, 0x8b, ..] => refuse("it is gzip, which is not unpacked here; send the CSV or Parquet inside it"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                refuse("it is Zstandard, which is not unpacked here; send the CSV or Parquet inside it")
            }
            [b'P', b'K', 3, 4, ..] => {
                refuse("it is a spreadsheet or a zip file; expected CSV or Parquet, so save it as CSV UTF-8")
            }
            [b'{', ..] => refuse("it is NDJSON, which is not taken in yet; expected CSV or Parquet"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                Err(FileRefusal::new("invalid_encoding", "it is UTF-16; expected UTF-8, so save it as CSV UTF-8"))
            }
            _ => Ok(Format::Csv),
        }
    }

    /// A file with these bytes; unpacked bytes go to an unnamed temporary file.
    fn into_file(self) -> Result<File, FileRefusal> {
        match self {
            Self::File(file) => Ok(file),
            Self::Bytes(bytes) => {
                let spill = || -> io::Result<File> {
                    let mut file = tempfile::tempfile()?;
                    file.write_all(bytes.get_ref())?;
                    file.seek(SeekFrom::Start(0))?;
                    Ok(file)
                };
                spill().map_err(|error| FileRefusal::unreadable(&error))
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Bytes(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Bytes(bytes) => bytes.seek(to),
        }
    }
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
            (b"\x1f\x8b\x08", "unsupported_format"),
            (b"\x28\xb5\x2f\xfd", "unsupported_format"),
            (b"PK\x03\x04", "unsupported_format"),
            (b"{\"record_id\":1}", "unsupported_format"),
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

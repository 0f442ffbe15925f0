//! Output tables: one generic table of typed cells, and one writer for each format.
//!
//! Owns: what a cell looks like in CSV, Parquet, NDJSON and on a terminal.
//! Does not own: which rows a table has (its stage), who may see them.
//! Promises: the same rows give the same bytes; rows pass in batches and are never all held; an amount is written exactly
//! or not at all, and a file is there whole or not at all.

mod csv;
pub mod export;
mod ndjson;
mod parquet;
pub mod progress;
mod table;
pub mod terminal;

pub use table::{Batches, Cell, Column, ColumnKind, Rendering, Row, Table};

use crate::failure::Failure;
use crate::files::{FileError, publish};
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::Path;

/// The formats of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a header row, lines ended by LF.
    Csv,
    /// Apache Parquet with decimals and instants as such.
    Parquet,
    /// One JSON object a line, decimals as strings.
    Ndjson,
}

/// Why a table was not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Rows(#[from] Failure),
    #[error("the rows could not be written")]
    Io(#[from] io::Error),
}

impl From<FileError> for WriteError {
    fn from(error: FileError) -> Self {
        Self::Rows(error.into())
    }
}

impl Format {
    /// The format that a file's ending names, if it names one.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    fn write(self, table: Table<'_>, rendering: Rendering, out: impl Write + Send) -> Result<u64, WriteError> {
        match self {
            Self::Csv => csv::write(table, rendering, out),
            Self::Parquet => parquet::write(table, out),
            Self::Ndjson => ndjson::write_lines(table, rendering, out),
        }
    }
}

/// Writes a table to a file, whole or not at all; hands back the rows.
///
/// # Errors
/// What the rows say, or the file.
pub fn write_file(table: Table<'_>, format: Format, rendering: Rendering, path: &Path) -> Result<u64, Failure> {
    publish(path, |out| format.write(table, rendering, out)).map_err(|error| told(error, path.display().to_string()))
}

/// Writes a table into memory: for small tables and tests.
///
/// # Errors
/// What the rows say.
pub fn write_bytes(table: Table<'_>, format: Format, rendering: Rendering) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    format.write(table, rendering, &mut bytes).map_err(|error| told(error, "memory".to_owned()))?;
    Ok(bytes)
}

/// Writes a table to standard output while its rows come; a reader that stops reading (`| head`) is no failure.
///
/// # Errors
/// What the rows say, or a disk that is full; rows already printed stay printed.
pub fn write_stdout(table: Table<'_>, format: Format, rendering: Rendering) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
    let written = format.write(table, rendering, &mut out).and_then(|_| Ok(out.flush()?));
    unless_reader_left(written)
}

/// Writes a table to standard output as one JSON document, `{"table": …, "rows": [{…}]}`. The document is made aside
/// first, so that a failure half way prints nothing here.
///
/// # Errors
/// What the rows say, or a disk that is full.
pub fn write_stdout_document(table: Table<'_>, rendering: Rendering) -> Result<(), Failure> {
    let spooled = || -> Result<(), WriteError> {
        let mut spool = tempfile::tempfile()?;
        let mut out = BufWriter::with_capacity(1 << 16, &mut spool);
        ndjson::write_document(table, rendering, &mut out)?;
        out.flush()?;
        drop(out);
        spool.rewind()?;
        io::copy(&mut spool, &mut io::stdout().lock())?;
        Ok(())
    };
    unless_reader_left(spooled())
}

/// Writes text that is no table to a file, whole or not at all, or to standard output.
///
/// # Errors
/// What the writer says, or the file.
pub fn write_text(to: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    match to {
        Some(path) => {
            let written = publish(path, |out| write(out).map_err(WriteError::Io));
            written.map_err(|error| told(error, path.display().to_string()))
        }
        None => {
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
            unless_reader_left(write(&mut out).and_then(|()| out.flush()).map_err(WriteError::Io))
        }
    }
}

fn unless_reader_left(written: Result<(), WriteError>) -> Result<(), Failure> {
    match written {
        Err(WriteError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| told(error, "standard output".to_owned())),
    }
}

fn told(error: WriteError, place: String) -> Failure {
    match error {
        WriteError::Rows(failure) => failure,
        WriteError::Io(error) => Failure::failed("the rows could not be written").at(place).because(error),
    }
}

/// An amount in a JSON document: decimal text, never a number.
///
/// # Errors
/// What the serializer says.
pub fn amount_as_text<S: serde::Serializer>(amount: &reckoner_core::number::Money, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

#[cfg(test)]
mod tests;

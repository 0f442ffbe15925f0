//! Usage as typed columns, for the fast way of ingest.
//!
//! Owns: which rows are plain and read here, which are left to the readable way; row groups as parts that are read at once.
//! Does not own: what a cell means (`reckoner_core::table::usage`), how the columns go from process to process (`apart`).
//! Promises: a row that is read here is what the text of its cells would have been read as; every other row is named as
//! unread, and [`open_lines`](super::open_lines) hands out its text; a file is refused for the same reasons.

mod build;
mod coded;
mod file;
mod group;
mod parsed;
mod plain;
mod repeats;
#[cfg(test)]
mod tests;
mod text;

#[cfg(unix)]
pub(super) use coded::{ID_BYTES_MAX, are_id_characters};
pub(super) use file::ColumnsReader;
#[cfg(any(unix, test))]
pub(super) use file::ROWS_MAX;

#[cfg(unix)]
use super::apart;
use super::input::Input;
use super::{FileRefusal, Format, ReadOptions, Source, parquet};
use reckoner_core::table::{TableKind, UsageColumns};
use std::fs::File;
use std::ops::Range;

/// A usage file being read, columns of many rows at a time.
pub trait UsageReader: Send {
    /// The next rows in the file's order, or nothing after the last. Their memory is used again for those that follow.
    ///
    /// # Errors
    /// [`FileRefusal`] as from [`RowReader::next_batch`](super::RowReader::next_batch).
    fn next_columns(&mut self) -> Result<Option<&UsageColumns>, FileRefusal>;
}

/// The parts of a file that can be read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageParts {
    /// Only the whole file, from its start.
    Whole,
    /// Row groups, with the rows that the footer says are in each.
    RowGroups(Vec<u64>),
}

/// Opens a usage file; with `part`, only these row groups of a Parquet file, whose rows keep their lines.
///
/// Records of CSV and NDJSON that are no rows are unread rows here. Of CSV and NDJSON there is only the whole.
///
/// # Errors
/// [`FileRefusal`] as from [`open`](super::open); `unreadable` where the file has no such row groups.
pub fn open_usage(
    source: Source,
    options: &ReadOptions,
    part: Option<Range<usize>>,
) -> Result<Box<dyn UsageReader>, FileRefusal> {
    let mut input = Input::open(source, options)?;
    if input.format(options)? == Format::Parquet {
        return open_parquet(input.into_file()?, options, part);
    }
    if part.is_some() {
        return Err(part_is_gone());
    }
    Ok(Box::new(text::TextColumnsReader::new(super::open_input(input, TableKind::Usage, options)?)))
}

fn open_parquet(file: File, options: &ReadOptions, part: Option<Range<usize>>) -> Result<Box<dyn UsageReader>, FileRefusal> {
    #[cfg(unix)]
    if let Some(program) = &options.decoder {
        return Ok(Box::new(apart::ApartColumns::open(file, options, program, part)?));
    }
    Ok(Box::new(ColumnsReader::open(file, options, part)?))
}

/// What of the file can be read at once, each with [`open_usage`].
///
/// # Errors
/// [`FileRefusal`] as from [`open`](super::open), of what can be told of a Parquet file before its first row.
pub fn usage_parts(source: Source, options: &ReadOptions) -> Result<UsageParts, FileRefusal> {
    let mut input = Input::open(source, options)?;
    if input.format(options)? != Format::Parquet {
        return Ok(UsageParts::Whole);
    }
    let file = input.into_file()?;
    #[cfg(unix)]
    if let Some(program) = &options.decoder {
        return apart::parts(file, TableKind::Usage, options, program).map(UsageParts::RowGroups);
    }
    let footer = parquet::Footer::read(&file, TableKind::Usage.schema(), options)?;
    Ok(UsageParts::RowGroups(footer.group_rows()))
}

/// A refusal for row groups that were there when the file was looked at before.
fn part_is_gone() -> FileRefusal {
    FileRefusal::new(
        "unreadable",
        "the file has other row groups than before: it changed while it was read; send it again, complete",
    )
}

//! Ingest: delivered files become accepted rows, counted duplicates, and refused rows with their reasons. Nothing is dropped.
//!
//! Owns: keeping the bytes, the order of files, which of two rows with one id stays, the lake's row files.
//! Does not own: what a row means beside prices (`core::intake`), what it costs (`settle`).
//! Promises: rows = accepted + duplicates + refused, for every file; the same bytes twice have no effect; a file whose bytes
//! cannot be trusted is refused whole; a file takes effect whole or not at all.

/// Foreign files as batches of text cells.
pub use reckoner_read as read;
mod receipt;
mod reference;
mod refuse;
mod retake;
mod take;
mod units;
mod usage;

pub use receipt::{FileReceipt, Receipt, Refused};
pub use retake::{Retaken, is_retake, retake, retake_waiting};

use crate::books::Books;
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::report::progress::Progress;
use read::{FileRefusal, Source};
use reckoner_core::table::{Context, TableKind};
use reckoner_store::{IngestRecord, InputFile};
use std::path::{Path, PathBuf};
use take::Taken;

/// Rows of a file, by what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub rows: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub refused: u64,
}

/// Why a file's rows could not be taken to the end.
enum Stopped {
    /// Its bytes cannot be trusted: the file is refused whole.
    Refused(FileRefusal),
    /// The engine could not go on.
    Failed(Failure),
}

impl From<FileRefusal> for Stopped {
    /// A file that could not be read is not a bad file: a full disk while unpacking must not brand it for ever.
    fn from(refusal: FileRefusal) -> Self {
        match refusal.reason {
            "unreadable" => Self::Failed(Failure::failed(refusal.detail).hint("put the disk right, then deliver the file again")),
            _ => Self::Refused(refusal),
        }
    }
}

impl<E: Into<Failure>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Takes files in, in the contract's order of tables; files of one table in the order given.
///
/// # Errors
/// Before anything is taken: exit 2 when a name says no table or leads to no regular file, exit 1 when it leads nowhere.
/// Exit 1 when a file or the store fails later; files before it are taken.
pub fn ingest(books: &mut Books, files: &[PathBuf], kind: Option<TableKind>, progress: &Progress) -> Result<Receipt, Failure> {
    ingest_each(books, files, kind, progress, &mut |_, _| Ok(true))
}

/// [`ingest`], with a word after each file: `taken` is called once its bytes are safe in `raw/` and what came of it is
/// recorded, and says whether to go on with the next.
///
/// # Errors
/// As [`ingest`], and what `taken` says.
pub fn ingest_each(
    books: &mut Books,
    files: &[PathBuf],
    kind: Option<TableKind>,
    progress: &Progress,
    taken: &mut dyn FnMut(&Path, &FileReceipt) -> Result<bool, Failure>,
) -> Result<Receipt, Failure> {
    let mut ordered: Vec<(TableKind, &PathBuf)> = Vec::new();
    for path in files {
        let kind = kind_of(path, kind)?;
        take::check_regular(path)?;
        ordered.push((kind, path));
    }
    ordered.sort_by_key(|(kind, _)| *kind);

    let mut receipt = Receipt::default();
    for (kind, path) in ordered {
        receipt.files.push(ingest_file(books, kind, path, progress)?);
        if !taken(path, receipt.files.last().expect("just taken"))? {
            break;
        }
    }
    retake_waiting(books)?;
    Ok(receipt)
}

fn kind_of(path: &Path, kind: Option<TableKind>) -> Result<TableKind, Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match kind {
        Some(kind) => Ok(kind),
        None => TableKind::from_file_name(&name).map_err(|error| Failure::usage(error.to_string()).at(path.display())),
    }
}

fn ingest_file(books: &mut Books, kind: TableKind, path: &Path, progress: &Progress) -> Result<FileReceipt, Failure> {
    let taken = take::take(books, path)?;
    faults::pass(Point::IngestRawKept)?;
    if let Some(known) = books.store().input_file(&taken.file_id)? {
        return Ok(receipt::again(&taken, &known));
    }

    let mut record = IngestRecord::default();
    let counts = match take_rows(books, kind, &taken, &mut record, progress) {
        Ok(counts) => counts,
        Err(Stopped::Failed(failure)) => return Err(failure),
        Err(Stopped::Refused(refusal)) => {
            let item = refuse::file(&taken, kind.as_str(), refusal.reason, refusal.detail, books.as_of);
            record = IngestRecord { quarantine: vec![item], ..IngestRecord::default() };
            record.file = Some(input_file(books, kind, &taken, Counts::default(), true));
            keep(books, &record)?;
            return Ok(receipt::of(&taken, kind, &record));
        }
    };
    record.file = Some(input_file(books, kind, &taken, counts, false));
    keep(books, &record)?;
    Ok(receipt::of(&taken, kind, &record))
}

/// Records everything that came of a delivery.
fn keep(books: &mut Books, record: &IngestRecord) -> Result<(), Failure> {
    faults::pass(Point::IngestBeforeRecord)?;
    books.store_mut().record_ingest(record)?;
    faults::pass(Point::IngestAfterRecord)
}

fn take_rows(
    books: &Books,
    kind: TableKind,
    taken: &Taken,
    record: &mut IngestRecord,
    progress: &Progress,
) -> Result<Counts, Stopped> {
    let options = books.read_options();
    let open = || read::open(Source::Path(taken.raw.clone()), kind, &options);
    match kind {
        TableKind::Usage => usage::take_rows(books, taken, open, record, progress),
        _ => reference::take_rows(books, kind, taken, open()?.as_mut(), record),
    }
}

fn input_file(books: &Books, kind: TableKind, taken: &Taken, counts: Counts, is_refused: bool) -> InputFile {
    InputFile {
        file_id: taken.file_id.clone(),
        seq: 0,
        name: taken.name.clone(),
        kind: kind.as_str().to_owned(),
        bytes: taken.bytes,
        rows: counts.rows,
        accepted: counts.accepted,
        duplicates: counts.duplicates,
        refused: counts.refused,
        is_refused,
        taken_at: books.as_of,
    }
}

/// What a row may leave out because the home, or its account, says it.
fn row_context<'a>(books: &'a Books, account_currency: &'a dyn Fn(&str) -> Option<String>) -> Context<'a> {
    Context::new(&books.session.settings.currency).with_account_currency(account_currency)
}

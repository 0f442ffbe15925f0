//! Ingest: delivered files become accepted rows, counted duplicates, and refused rows with their reasons. Nothing is dropped.
//!
//! Owns: keeping the bytes, the order of files, which of two rows with one id stays, which delivery stands in the place of
//! which, whether a file is what its manifest says, the lake's row files.
//! Does not own: what a row means beside prices (`core::intake`), what it costs (`settle`).
//! Promises: rows = accepted + duplicates + refused, for every file; the same bytes twice have no effect; a file whose bytes
//! cannot be trusted is refused whole; a file takes effect whole or not at all.

/// Foreign files as batches of text cells.
pub use reckoner_read as read;
mod bulk;
pub mod manifest;
mod receipt;
mod reference;
mod refuse;
mod replace;
mod retake;
mod take;
mod units;
mod usage;

pub use receipt::{FileReceipt, Receipt, Refused, ReplacedFile};
pub use retake::{Retaken, is_retake, retake, retake_waiting};
pub use usage::HeldRow;

use crate::books::Books;
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::files::{self, cannot};
use crate::lake;
use crate::report::progress::Progress;
use read::{FileRefusal, RowReader, Source};
use reckoner_core::table::{Context, TableKind};
use reckoner_store::{IngestRecord, InputFile, ManifestCheck};
use std::fs::File;
use std::path::{Path, PathBuf};
use take::{Ahead, Taken};

/// Rows of a file, by what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub rows: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub refused: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.refused += other.refused;
    }
}

/// What taking files in has beside the books: whom it tells how far it is, room that it uses again, and the next file, where
/// that is staged already.
struct Work<'a> {
    progress: &'a Progress,
    room: bulk::Room,
    ahead: Option<Ahead>,
    /// Whether no file comes after the one under way.
    is_last: bool,
}

impl<'a> Work<'a> {
    fn new(progress: &'a Progress) -> Self {
        Self { progress, room: bulk::Room::default(), ahead: None, is_last: true }
    }

    /// Takes a file that was looked at ahead.
    fn turn_of(&mut self, ahead: Ahead) -> Result<Taken, Failure> {
        let (taken, begun) = ahead.take()?;
        self.room.begun(&taken, begun);
        Ok(taken)
    }
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

/// Takes files in, manifests first, then in the contract's order of tables; files of one table in the order given.
///
/// # Errors
/// Before anything is taken: exit 2 when a name says no table or leads to no regular file, exit 1 when it leads nowhere.
/// Exit 1 when a file or the store fails later; files before it are taken.
pub fn ingest(books: &mut Books, files: &[PathBuf], kind: Option<TableKind>, progress: &Progress) -> Result<Receipt, Failure> {
    ingest_all(books, files, kind, progress, &mut Asking::Nobody)
}

/// [`ingest`], with a word before and after each file: `is_whole`, once every manifest is known, says whether a file of rows
/// may be taken yet; `taken` is called once its bytes are safe in `raw/` and what came of it is
/// recorded, and says whether to go on with the next.
///
/// # Errors
/// As [`ingest`], and what `is_whole` and `taken` say.
pub fn ingest_each(
    books: &mut Books,
    files: &[PathBuf],
    kind: Option<TableKind>,
    progress: &Progress,
    is_whole: &mut dyn FnMut(&Books, &Path) -> Result<bool, Failure>,
    taken: &mut dyn FnMut(&Path, &FileReceipt) -> Result<bool, Failure>,
) -> Result<Receipt, Failure> {
    ingest_all(books, files, kind, progress, &mut Asking::BetweenFiles { is_whole, taken })
}

/// Says whether a file of rows may be taken yet.
type IsWhole<'a> = &'a mut dyn FnMut(&Books, &Path) -> Result<bool, Failure>;
/// Says, once a file is taken, whether to go on with the next.
type GoesOn<'a> = &'a mut dyn FnMut(&Path, &FileReceipt) -> Result<bool, Failure>;

/// Who is asked before and after each file.
enum Asking<'a> {
    /// All are taken, so that the next one may be copied while the one before is taken.
    Nobody,
    BetweenFiles {
        is_whole: IsWhole<'a>,
        taken: GoesOn<'a>,
    },
}

impl Asking<'_> {
    fn is_whole(&mut self, books: &Books, path: &Path) -> Result<bool, Failure> {
        match self {
            Self::Nobody => Ok(true),
            Self::BetweenFiles { is_whole, .. } => is_whole(books, path),
        }
    }

    fn goes_on(&mut self, path: &Path, receipt: &FileReceipt) -> Result<bool, Failure> {
        match self {
            Self::Nobody => Ok(true),
            Self::BetweenFiles { taken, .. } => taken(path, receipt),
        }
    }
}

fn ingest_all(
    books: &mut Books,
    files: &[PathBuf],
    kind: Option<TableKind>,
    progress: &Progress,
    asking: &mut Asking<'_>,
) -> Result<Receipt, Failure> {
    let (mut manifests, mut ordered): (Vec<&PathBuf>, Vec<(TableKind, &PathBuf)>) = (Vec::new(), Vec::new());
    for path in files {
        take::check_regular(path)?;
        match manifest::is_manifest(&name_of(path)) {
            true => manifests.push(path),
            false => ordered.push((kind_of(path, kind)?, path)),
        }
    }
    ordered.sort_by_key(|(kind, _)| *kind);

    let mut receipt = Receipt::default();
    let mut goes_on = true;
    for path in manifests {
        if goes_on {
            let taken_in = manifest::take(books, path, progress)?;
            goes_on = asking.goes_on(path, taken_in.first().expect("a manifest has a receipt"))?;
            receipt.files.extend(taken_in);
        }
    }
    let mut work = Work::new(progress);
    for (place, (kind, path)) in ordered.iter().enumerate() {
        if goes_on && asking.is_whole(books, path)? {
            let taken = match work.ahead.take_if(|ahead| ahead.is(path)) {
                Some(ahead) => work.turn_of(ahead)?,
                None if *kind == TableKind::Usage && is_large(books, path) => {
                    let ahead = Ahead::start_now(books.session.home.raw(), path, books.read_options());
                    work.room.prepare(books)?;
                    work.turn_of(ahead)?
                }
                None => take::take(books, path)?,
            };
            if let (Asking::Nobody, [(TableKind::Usage, path), (TableKind::Usage, next), ..]) = (&*asking, &ordered[place..]) {
                work.ahead = look_ahead(books, [path, next]);
            }
            work.is_last = place + 1 == ordered.len();
            receipt.files.push(ingest_taken(books, *kind, taken, None, &mut work)?);
            work.room.end_begun();
            goes_on = asking.goes_on(path, receipt.files.last().expect("just taken"))?;
        }
    }
    work.room.free();
    retake_waiting(books)?;
    manifest::note_missing(books, &mut receipt)?;
    Ok(receipt)
}

/// Takes a usage file in the place of an earlier delivery: `old` is its name, its file_id, or the beginning of one.
///
/// # Errors
/// Exit 2 when `old` means no delivery that can be replaced, or the file holds no usage: nothing has changed then. Exit 1
/// when the file or the store fails.
pub fn ingest_replacing(
    books: &mut Books,
    file: &Path,
    old: &str,
    kind: Option<TableKind>,
    progress: &Progress,
) -> Result<Receipt, Failure> {
    let kind = kind_of(file, kind)?;
    if kind != TableKind::Usage || manifest::is_manifest(&name_of(file)) {
        return Err(Failure::usage(format!("`{}` does not hold usage", file.display()))
            .at("--replaces")
            .expected("a usage file in the place of a usage file")
            .hint("a row of another table is put right by a later `valid_from` or a higher revision"));
    }
    let own_id = File::open(file).and_then(lake::digest).map_err(cannot("read", file))?;
    let old = replace::find_old(books, old, &own_id)?;
    let taken = take::take(books, file)?;
    let mut receipt = ingest_taken(books, kind, taken, old.clone(), &mut Work::new(progress))?;
    if old.is_none() {
        receipt.notes.push("it is what stands in that place already: nothing changes".to_owned());
    }
    retake_waiting(books)?;
    let mut receipt = Receipt { files: vec![receipt] };
    manifest::note_missing(books, &mut receipt)?;
    Ok(receipt)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn kind_of(path: &Path, kind: Option<TableKind>) -> Result<TableKind, Failure> {
    match kind {
        Some(kind) => Ok(kind),
        None => TableKind::from_file_name(&name_of(path)).map_err(|error| Failure::usage(error.to_string()).at(path.display())),
    }
}

/// Begins to stage the second of two files of usage while the first is taken, where both are large: small ones are done before a
/// thread is. There is time until the first is taken, and now and then that one has to wait.
fn look_ahead(books: &Books, files: [&PathBuf; 2]) -> Option<Ahead> {
    let are_large = files.into_iter().all(|path| is_large(books, path));
    are_large.then(|| Ahead::start_beside(books.session.home.raw(), files[1], books.read_options()))
}

/// Whether a file of usage is worth the fast way.
fn is_large(books: &Books, path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.len() >= books.session.settings.bulk_bytes)
}

/// Takes the rows of one file whose bytes are kept; `old` is the delivery in whose place it stands, where somebody said so.
fn ingest_taken(
    books: &mut Books,
    kind: TableKind,
    taken: Taken,
    old: Option<InputFile>,
    work: &mut Work<'_>,
) -> Result<FileReceipt, Failure> {
    faults::pass(Point::IngestRawKept)?;
    let known = books.store().input_file(&taken.file_id)?;
    match (&known, &old) {
        (Some(known), Some(old)) => return replace::by_known(books, &taken, known, old, work),
        (Some(known), None) if !manifest::may_come_again(books, known)? => return Ok(receipt::again(&taken, known)),
        _ => {}
    }

    let mut record = IngestRecord { delivered_by: books.actor.clone(), ..IngestRecord::default() };
    let counted = match manifest::check(books, kind, &taken, &mut record) {
        // Bytes that were refused for their manifest come again only under one that vouches for them.
        Ok(None) if known.is_some() => return Ok(receipt::again(&taken, &known.expect("it is known"))),
        Ok(listing) => take_listed(books, kind, &taken, old, listing.as_ref(), &mut record, work),
        Err(stopped) => Err(stopped),
    };
    let is_again = known.is_some();
    match counted {
        Ok((counts, replaced)) => {
            let delivery = if is_again { manifest::delivery_again(&taken, &record) } else { taken.clone() };
            record.file = Some(input_file(books, kind.as_str(), &delivery, counts, false));
            if !record.manifest_checks.is_empty() {
                record.resolved_items.extend(manifest::resolved_items(books, &taken)?);
            }
            keep(books, &record)?;
            Ok(FileReceipt { replaces: replaced, ..receipt::of(&taken, kind.as_str(), &record) })
        }
        Err(Stopped::Failed(failure)) => Err(failure),
        Err(Stopped::Refused(_)) if is_again => Ok(receipt::again(&taken, &known.expect("it is known"))),
        Err(Stopped::Refused(refusal)) => refuse_whole(books, kind.as_str(), &taken, refusal, record.manifest_checks),
    }
}

/// Takes the rows of a file that its manifest, if it has one, vouches for.
fn take_listed(
    books: &Books,
    kind: TableKind,
    taken: &Taken,
    old: Option<InputFile>,
    listing: Option<&manifest::Listing>,
    record: &mut IngestRecord,
    work: &mut Work<'_>,
) -> Result<(Counts, Option<ReplacedFile>), Stopped> {
    if kind != TableKind::Usage {
        return Ok((reference::take_rows(books, kind, taken, open(books, kind, taken)?.as_mut(), record)?, None));
    }
    let old = match (old, listing) {
        (Some(old), _) => Some(old),
        (None, Some(listing)) => manifest::replaced_by(books, listing, &taken.file_id)?,
        (None, None) => None,
    };
    let circumstances = match &old {
        Some(old) => replace::circumstances(books, old)?,
        None => usage::Circumstances::default(),
    };
    let (counts, outcome) = take_usage(books, taken, circumstances, record, work)?;
    let replaced = old.zip(outcome).map(|(old, outcome)| replace::note(record, taken, &old, outcome));
    Ok((counts, replaced))
}

fn take_usage(
    books: &Books,
    taken: &Taken,
    circumstances: usage::Circumstances,
    record: &mut IngestRecord,
    work: &mut Work<'_>,
) -> Result<(Counts, Option<usage::Outcome>), Stopped> {
    if !circumstances.is_plain() || taken.bytes < books.session.settings.bulk_bytes {
        work.room.end_begun();
        let open = || open(books, TableKind::Usage, taken);
        return usage::take_rows(books, taken, circumstances, open, record, work.progress);
    }
    let mut counts = Counts::default();
    let left = bulk::take(books, work, taken, record, &mut counts)?;
    if work.is_last {
        std::mem::take(&mut work.room).free();
    }
    if !left.is_empty() {
        let source = || Source::Path(taken.raw.clone());
        let open = || read::open_lines(source(), TableKind::Usage, &books.read_options(), &left);
        let (of_left, _) = usage::take_rows(books, taken, circumstances, open, record, work.progress)?;
        counts.add(of_left);
    }
    files::let_go(&taken.raw);
    Ok((counts, None))
}

fn open(books: &Books, kind: TableKind, taken: &Taken) -> Result<Box<dyn RowReader>, FileRefusal> {
    read::open(Source::Path(taken.raw.clone()), kind, &books.read_options())
}

/// Keeps a file whose bytes cannot be trusted: one item, and no row of it.
fn refuse_whole(
    books: &mut Books,
    kind: &str,
    taken: &Taken,
    refusal: FileRefusal,
    manifest_checks: Vec<ManifestCheck>,
) -> Result<FileReceipt, Failure> {
    let item = refuse::file(taken, kind, refusal.reason, refusal.detail, books.as_of);
    let mut record = IngestRecord { quarantine: vec![item], manifest_checks, ..IngestRecord::default() };
    record.file = Some(input_file(books, kind, taken, Counts::default(), true));
    keep(books, &record)?;
    Ok(receipt::of(taken, kind, &record))
}

/// Records everything that came of a delivery.
fn keep(books: &mut Books, record: &IngestRecord) -> Result<(), Failure> {
    faults::pass(Point::IngestBeforeRecord)?;
    books.store_mut().record_ingest(record)?;
    faults::pass(Point::IngestAfterRecord)
}

fn input_file(books: &Books, kind: &str, taken: &Taken, counts: Counts, is_refused: bool) -> InputFile {
    InputFile {
        file_id: taken.file_id.clone(),
        seq: 0,
        name: taken.name.clone(),
        kind: kind.to_owned(),
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

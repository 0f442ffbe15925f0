//! Manifests at work: files are held against what their producer says of them, before any row takes effect.
//!
//! A file that a manifest lists is refused whole if its bytes, rows or totals are not those that the manifest says. A
//! manifest with a higher `seq` that lists other bytes under a name makes the new file stand in the place of the old one.
//! What was taken before its manifest came is compared then; a difference is kept and told, nothing is undone.
//!
//! Owns: which manifest speaks of a file, what is missing. Does not own: reading and comparing (`core::manifest`).

use super::read::{FileRefusal, RowReader};
use super::receipt::{self, FileReceipt, Receipt};
use super::retake::{KIND_RETAKE, is_retake};
use super::take::{self, Taken};
use super::{Counts, Stopped, input_file, open, refuse_whole, replace};
use crate::books::Books;
use crate::failure::Failure;
use crate::files::cannot;
use crate::report::progress::Progress;
use reckoner_core::id;
use reckoner_core::manifest::{self, ListedFile, Manifest, Totals};
use reckoner_core::table::TableKind;
use reckoner_core::time::{Instant, Window};
use reckoner_store::{IngestRecord, InputFile, KnownManifest, ManifestCheck, QuarantineItem};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The kind under which manifests are kept among the delivered files.
pub const KIND: &str = "manifest";

/// The reason of a file that is not what its manifest says.
const MISMATCH: &str = "manifest_mismatch";
/// A longer manifest lists more files than an hour can have.
const BYTES_MAX: u64 = 64 << 20;

/// Whether a file with this name is a manifest: it begins with `manifest`, up to a character that is no letter.
pub fn is_manifest(name: &str) -> bool {
    name.strip_prefix(KIND).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

/// The manifest that speaks of a file, and what it says.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub known: KnownManifest,
    pub listed: ListedFile,
}

/// A file that a manifest lists and that is not there as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenEnd {
    /// Who lists it.
    pub source: String,
    /// For which time.
    pub window: Window,
    /// Its name.
    pub name: String,
    /// Since when it could be there: the end of the time that it is about, or when the manifest came if that was later.
    pub since: Instant,
    /// How what came differs; nothing: it has not come.
    pub difference: Option<String>,
}

/// Where the manifests stand, for `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Sources and windows that have a manifest.
    pub windows: u64,
    /// Of those, the ones whose manifest is final.
    pub windows_final: u64,
    /// Files that they list.
    pub files: u64,
    /// Files that are not there as listed, by window, source and name.
    pub open_ends: Vec<OpenEnd>,
}

/// Takes a manifest. Hands back its receipt, and those of files that it makes stand in the place of others.
pub(super) fn take(books: &mut Books, path: &Path, progress: &Progress) -> Result<Vec<FileReceipt>, Failure> {
    let taken = take::take(books, path)?;
    if let Some(known) = books.store().input_file(&taken.file_id)? {
        return Ok(vec![receipt::again(&taken, &known)]);
    }
    let manifest = match read(&taken)? {
        Ok(manifest) => manifest,
        Err(refusal) => return Ok(vec![refuse_whole(books, KIND, &taken, refusal, Vec::new())?]),
    };
    let known = books.store().manifests()?;
    let same = |other: &&KnownManifest| {
        let other = &other.manifest;
        (&other.source, other.window, other.number) == (&manifest.source, manifest.window, manifest.number)
    };
    if let Some(other) = known.iter().find(same) {
        let refusal = conflict(books, other)?;
        return Ok(vec![refuse_whole(books, KIND, &taken, refusal, Vec::new())?]);
    }

    let known = KnownManifest { file_id: taken.file_id.clone(), seq: u64::MAX, manifest };
    let mut notes = Vec::new();
    let mut record = IngestRecord::default();
    let before = TakenBefore::load(books, &known.manifest)?;
    for listed in &known.manifest.files {
        let Some(file) = before.find(listed) else { continue };
        let listing = Listing { known: known.clone(), listed: listed.clone() };
        if let Some(check) = compare_taken(books, &listing, file)? {
            notes.extend(check.difference.as_ref().map(|difference| differs_note(file, difference)));
            record.manifest_checks.push(check);
        }
    }
    // Replacing comes first: should it be cut short, the manifest is not known yet, and is delivered again.
    let mut replaced = Vec::new();
    for check in record.manifest_checks.iter().filter(|check| check.difference.is_none()) {
        replaced.extend(replace_by_taken(books, &known, check, progress)?);
    }
    record.file = Some(input_file(books, KIND, &taken, Counts::default(), false));
    record.manifest = Some(known.manifest);
    books.store_mut().record_ingest(&record)?;

    let own = FileReceipt { notes, ..receipt::of(&taken, KIND, &record) };
    Ok(std::iter::once(own).chain(replaced).collect())
}

fn read(taken: &Taken) -> Result<Result<Manifest, FileRefusal>, Failure> {
    let malformed = |detail: String| FileRefusal { reason: "malformed_manifest", detail };
    if taken.bytes > BYTES_MAX {
        return Ok(Err(malformed(format!("it has {} bytes, expected at most {BYTES_MAX}", taken.bytes))));
    }
    let mut bytes = Vec::new();
    File::open(&taken.raw).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(cannot("read", &taken.raw))?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => manifest::parse(&text).map_err(|fault| malformed(fault.to_string())),
        Err(_) => Err(malformed("it is not UTF-8; expected JSON in UTF-8".to_owned())),
    })
}

fn conflict(books: &Books, other: &KnownManifest) -> Result<FileRefusal, Failure> {
    let name = books.store().input_file(&other.file_id)?.map(|file| file.name).unwrap_or_default();
    let detail = format!(
        "`{}` said something else for source `{}`, {} and seq {}: which of them holds cannot be known; a later word has a higher `seq`",
        name,
        other.manifest.source,
        shown(books, other.manifest.window),
        other.manifest.number
    );
    Ok(FileRefusal { reason: "manifest_conflict", detail })
}

fn shown(books: &Books, window: Window) -> String {
    format!("{} to {}", books.zone.to_text(window.start), books.zone.to_text(window.end))
}

fn differs_note(file: &InputFile, difference: &str) -> String {
    format!(
        "`{}` was taken before and is not what is listed: {difference}. It stays as it was taken; a file that is as listed can \
         stand in its place: `reckoner ingest FILE --replaces {}`",
        file.name,
        replace::short(&file.file_id)
    )
}

/// The manifests that count: of one source and window the one with the highest number.
fn current(manifests: Vec<KnownManifest>) -> Vec<KnownManifest> {
    let mut newest: BTreeMap<(Window, String), KnownManifest> = BTreeMap::new();
    for known in manifests {
        let key = (known.manifest.window, known.manifest.source.clone());
        match newest.get(&key) {
            Some(other) if other.manifest.number > known.manifest.number => {}
            _ => {
                newest.insert(key, known);
            }
        }
    }
    newest.into_values().collect()
}

/// Holds a file against the manifest that lists it, and notes that in the record.
///
/// # Errors
/// [`FileRefusal`] with both values where they differ; what reading the file says.
pub(super) fn check(
    books: &Books,
    kind: TableKind,
    taken: &Taken,
    record: &mut IngestRecord,
) -> Result<Option<Listing>, Stopped> {
    let Some(listing) = listing_of(books, taken)? else { return Ok(None) };
    let mut differences = listing.listed.compare_bytes(taken.bytes, &taken.file_id);
    if differences.is_empty() && listing.listed.says_totals() {
        differences = listing.listed.compare_totals(&totals(open(books, kind, taken)?.as_mut(), kind)?);
    }
    let difference = (!differences.is_empty()).then(|| differences.join("; "));
    record.manifest_checks.push(check_of(&listing, &taken.file_id, difference.clone()));
    match difference {
        None => Ok(Some(listing)),
        Some(difference) => {
            let number = listing.known.manifest.number;
            let (source, window) = (&listing.known.manifest.source, shown(books, listing.known.manifest.window));
            let detail = format!(
                "it is not what its manifest says (source `{source}`, {window}, seq {number}): {difference}; send the file again, \
                 complete, or a manifest with a higher `seq`"
            );
            Err(Stopped::Refused(FileRefusal { reason: MISMATCH, detail }))
        }
    }
}

fn check_of(listing: &Listing, file_id: &str, difference: Option<String>) -> ManifestCheck {
    ManifestCheck {
        manifest_id: listing.known.file_id.clone(),
        name: listing.listed.name.clone(),
        file_id: file_id.to_owned(),
        seq: 0,
        difference,
    }
}

/// Which manifest speaks of a file: one that lists its bytes; else one that still waits for a file of its name; else the
/// newest that lists the name.
fn listing_of(books: &Books, taken: &Taken) -> Result<Option<Listing>, Failure> {
    let checks = books.store().manifest_checks_about(&taken.name)?.into_iter();
    let met: HashSet<String> = checks.filter(|check| check.difference.is_none()).map(|check| check.manifest_id).collect();
    let listings = current(books.store().manifests_about(&taken.name)?).into_iter().filter_map(|known| {
        let listed = known.manifest.file(&taken.name)?.clone();
        Some(Listing { known, listed })
    });
    Ok(listings.max_by_key(|listing| {
        let is_it = listing.listed.sha256.as_ref() == Some(&taken.file_id);
        let waits = !met.contains(&listing.known.file_id);
        (is_it, waits, listing.known.seq)
    }))
}

/// What the rows of a file come to.
fn totals(reader: &mut dyn RowReader, kind: TableKind) -> Result<Totals, FileRefusal> {
    let mut totals = Totals::default();
    while let Some(batch) = reader.next_batch()? {
        batch.refused().iter().for_each(|_| totals.add_unreadable());
        if kind != TableKind::Usage {
            totals.rows += batch.len() as u64;
            continue;
        }
        for raw in batch.rows() {
            let added = totals.add(raw.get("sku"), raw.get("quantity"), raw.get("started_at"), raw.get("ended_at"));
            added
                .map_err(|error| FileRefusal { reason: MISMATCH, detail: format!("its quantities cannot be summed: {error}") })?;
        }
    }
    Ok(totals)
}

/// The deliveries that a manifest may mean: in force, and not what a manifest of another source or time vouches for.
struct TakenBefore(Vec<InputFile>);

impl TakenBefore {
    fn load(books: &Books, manifest: &Manifest) -> Result<Self, Failure> {
        let store = books.store();
        let is_own =
            |known: &KnownManifest| (&known.manifest.source, known.manifest.window) == (&manifest.source, manifest.window);
        let own: HashSet<String> = store.manifests()?.into_iter().filter(is_own).map(|known| known.file_id).collect();
        let agreed = store.manifest_checks()?.into_iter().filter(|check| check.difference.is_none());
        let mut not_meant: HashSet<String> =
            agreed.filter(|check| !own.contains(&check.manifest_id)).map(|check| check.file_id).collect();
        not_meant.extend(store.replacements()?.into_iter().map(|known| known.replaced));
        let mut files = store.input_files()?;
        files.retain(|file| !file.is_refused && file.kind != KIND && !is_retake(file) && !not_meant.contains(&file.file_id));
        Ok(Self(files))
    }

    /// The file with the hash that is listed; else the newest with the name.
    fn find(&self, listed: &ListedFile) -> Option<&InputFile> {
        let is_it = |file: &&InputFile| listed.sha256.as_ref() == Some(&file.file_id);
        self.0.iter().find(is_it).or_else(|| self.0.iter().rev().find(|file| file.name == listed.name))
    }
}

/// Compares a file that was taken before its manifest came.
fn compare_taken(books: &Books, listing: &Listing, file: &InputFile) -> Result<Option<ManifestCheck>, Failure> {
    let mut differences = listing.listed.compare_bytes(file.bytes, &file.file_id);
    if differences.is_empty() && listing.listed.says_totals() {
        let Ok(kind) = TableKind::from_word(&file.kind) else { return Ok(None) };
        let taken = taken_of(books, file);
        let found = open(books, kind, &taken).and_then(|mut reader| totals(reader.as_mut(), kind));
        differences = match found {
            Ok(found) => listing.listed.compare_totals(&found),
            Err(refusal) => return Err(Failure::failed(refusal.detail).at(taken.raw.display())),
        };
    }
    let difference = (!differences.is_empty()).then(|| differences.join("; "));
    Ok(Some(check_of(listing, &file.file_id, difference)))
}

/// A delivered file with its bytes as they are kept.
fn taken_of(books: &Books, file: &InputFile) -> Taken {
    let raw = books.session.home.raw().join(&file.file_id);
    Taken { file_id: file.file_id.clone(), name: file.name.clone(), bytes: file.bytes, raw }
}

/// The delivery in whose place a file stands because its manifest says so, or because an earlier manifest of the same
/// source and time listed other bytes under its name.
pub(super) fn replaced_by(books: &Books, listing: &Listing, own_id: &str) -> Result<Option<InputFile>, Stopped> {
    if let Some(text) = &listing.listed.replaces {
        return replace::find_old(books, text, own_id).map_err(|failure| {
            let detail = format!("its manifest says that it replaces `{text}`: {}; {}", failure.saw, failure.hint);
            Stopped::Refused(FileRefusal { reason: MISMATCH, detail })
        });
    }
    let store = books.store();
    let (source, window, number) = (&listing.known.manifest.source, listing.known.manifest.window, listing.known.manifest.number);
    let is_earlier = |known: &KnownManifest| {
        (&known.manifest.source, known.manifest.window) == (source, window) && known.manifest.number < number
    };
    let earlier: HashSet<String> = store.manifests()?.into_iter().filter(is_earlier).map(|known| known.file_id).collect();
    let replaced: HashSet<String> = store.replacements()?.into_iter().map(|known| known.replaced).collect();
    let mut met: Vec<ManifestCheck> = store.manifest_checks_about(&listing.listed.name)?;
    met.retain(|check| {
        check.difference.is_none()
            && check.file_id != own_id
            && earlier.contains(&check.manifest_id)
            && !replaced.contains(&check.file_id)
    });
    let Some(last) = met.pop() else { return Ok(None) };
    Ok(store.input_file(&last.file_id)?.filter(|file| file.kind == TableKind::Usage.as_str()))
}

/// A file that was taken before the manifest that makes it stand in another's place.
fn replace_by_taken(
    books: &mut Books,
    known: &KnownManifest,
    check: &ManifestCheck,
    progress: &Progress,
) -> Result<Option<FileReceipt>, Failure> {
    let Some(listed) = known.manifest.file(&check.name).cloned() else { return Ok(None) };
    let listing = Listing { known: known.clone(), listed };
    let old = match replaced_by(books, &listing, &check.file_id) {
        Ok(old) => old,
        Err(Stopped::Failed(failure)) => return Err(failure),
        Err(Stopped::Refused(_)) => None,
    };
    let (Some(old), Some(file)) = (old, books.store().input_file(&check.file_id)?) else { return Ok(None) };
    let taken = taken_of(books, &file);
    replace::by_known(books, &taken, &file, &old, &mut super::Work::new(progress)).map(Some)
}

/// Whether bytes that were refused for their manifest may come again: another manifest may have spoken since.
pub(super) fn may_come_again(books: &Books, known: &InputFile) -> Result<bool, Failure> {
    if !known.is_refused || known.kind == KIND {
        return Ok(false);
    }
    let is_mismatch = |item: &QuarantineItem| item.file_id == known.file_id && item.line == 0 && item.reason == MISMATCH;
    let is_open = |item: &QuarantineItem| is_mismatch(item) && item.status == "open";
    let was_refused_for_it = books.store().quarantine()?.iter().any(is_open);
    let met =
        books.store().manifest_checks()?.into_iter().any(|check| check.file_id == known.file_id && check.difference.is_none());
    Ok(was_refused_for_it && !met)
}

/// Bytes that come again after another manifest spoke are a delivery of their own.
pub(super) fn delivery_again(taken: &Taken, record: &IngestRecord) -> Taken {
    let manifest_id = record.manifest_checks.first().map_or("", |check| check.manifest_id.as_str());
    let file_id = id::derive(KIND_RETAKE, &[&taken.file_id, manifest_id]);
    Taken { file_id, name: format!("{} (retaken)", taken.name), bytes: 0, raw: taken.raw.clone() }
}

/// Files of this name that were refused for their manifest wait no longer once one is as listed.
pub(super) fn resolved_items(books: &Books, taken: &Taken) -> Result<Vec<(String, String)>, Failure> {
    let waits =
        |item: &QuarantineItem| item.status == "open" && item.line == 0 && item.reason == MISMATCH && item.file == taken.name;
    let items = books.store().quarantine()?.into_iter().filter(waits);
    Ok(items.map(|item| (item.item_id, "superseded".to_owned())).collect())
}

/// Where the manifests stand: what they list and has not come, or differs.
///
/// # Errors
/// What the store says.
pub fn standing(books: &Books) -> Result<Standing, Failure> {
    let store = books.store();
    let manifests = current(store.manifests()?);
    let replaced: HashSet<String> = store.replacements()?.into_iter().map(|known| known.replaced).collect();
    let taken_at: HashMap<String, Instant> = store.input_files()?.into_iter().map(|file| (file.file_id, file.taken_at)).collect();
    let mut checks: HashMap<(String, String), Vec<ManifestCheck>> = HashMap::new();
    for check in store.manifest_checks()? {
        checks.entry((check.manifest_id.clone(), check.name.clone())).or_default().push(check);
    }

    let mut standing = Standing { windows: manifests.len() as u64, ..Standing::default() };
    for known in &manifests {
        standing.windows_final += u64::from(known.manifest.is_final);
        standing.files += known.manifest.files.len() as u64;
        let since = taken_at.get(&known.file_id).map_or(known.manifest.window.end, |at| known.manifest.window.end.max(*at));
        for listed in &known.manifest.files {
            let checks = checks.remove(&(known.file_id.clone(), listed.name.clone())).unwrap_or_default();
            if checks.iter().any(|check| check.difference.is_none()) {
                continue;
            }
            let last = checks.into_iter().rfind(|check| !replaced.contains(&check.file_id));
            standing.open_ends.push(OpenEnd {
                source: known.manifest.source.clone(),
                window: known.manifest.window,
                name: listed.name.clone(),
                since,
                difference: last.and_then(|check| check.difference),
            });
        }
    }
    Ok(standing)
}

/// Says in the receipts of manifests which of their files have not come yet.
pub(super) fn note_missing(books: &Books, receipt: &mut Receipt) -> Result<(), Failure> {
    if !receipt.files.iter().any(|file| file.kind == KIND && file.same_as.is_none() && file.refused_whole.is_none()) {
        return Ok(());
    }
    let open_ends = standing(books)?.open_ends;
    let manifests = books.store().manifests()?;
    for file in receipt.files.iter_mut().filter(|file| file.kind == KIND) {
        let Some(known) = manifests.iter().find(|known| known.file_id == file.file_id) else { continue };
        let is_own = |end: &&OpenEnd| {
            (&end.source, end.window) == (&known.manifest.source, known.manifest.window) && end.difference.is_none()
        };
        let missing: Vec<String> = open_ends.iter().filter(is_own).map(|end| format!("`{}`", end.name)).collect();
        if !missing.is_empty() {
            file.notes.push(format!("not here yet: {}; `reckoner status` names what is missing", missing.join(", ")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_told_by_its_name() {
        let cases = [
            ("manifest-2026-01-05T13.json", true),
            ("manifest.json", true),
            ("manifest_1.json", true),
            ("manifests-1.json", false), // a letter goes on: another word
            ("usage-manifest.json", false),
            ("Manifest-1.json", false), // names are lower case
            ("", false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_manifest(name), expected, "{name}");
        }
    }
}

//! A corrected file in the place of an earlier delivery: which delivery is meant, and whether it can be replaced.
//!
//! What becomes of the rows is `usage`'s; this names the two deliveries and keeps what came of it.

use super::receipt::{self, FileReceipt, ReplacedFile};
use super::retake::{KIND_RETAKE, is_retake};
use super::take::Taken;
use super::usage::{Circumstances, Outcome, Replacing, with_replaced};
use super::{Stopped, Work, input_file};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::id;
use reckoner_core::table::TableKind;
use reckoner_store::{IngestRecord, InputFile, QuarantineItem, Replacement};
use std::collections::HashMap;

/// Characters of a file_id that are enough to name a delivery.
const ID_CHARS_MIN: usize = 6;
/// Deliveries that are shown where none or several are meant.
const SHOWN: usize = 5;

/// The delivery that a name, a file_id or the beginning of one means. `own_id` is the file that is to stand in its place,
/// which may have the same name.
///
/// Nothing: the file itself is meant, or a delivery in whose place it stands already.
///
/// # Errors
/// Exit 2 when no delivery is meant, several are, or one that has been replaced already or holds no usage.
pub(super) fn find_old(books: &Books, text: &str, own_id: &str) -> Result<Option<InputFile>, Failure> {
    let files: Vec<InputFile> = books.store().input_files()?.into_iter().filter(|file| !is_retake(file)).collect();
    let replacements = books.store().replacements()?;
    let replaced: HashMap<&str, &str> =
        replacements.iter().map(|known| (known.replaced.as_str(), known.file_id.as_str())).collect();

    let begins = |file: &InputFile| {
        let text = text.to_ascii_lowercase();
        text.len() >= ID_CHARS_MIN && file.file_id.starts_with(&text)
    };
    let named: Vec<&InputFile> = files.iter().filter(|file| file.name == text || begins(file)).collect();
    let others: Vec<&InputFile> = named.iter().copied().filter(|file| file.file_id != own_id).collect();
    let in_force: Vec<&InputFile> = others.iter().copied().filter(|file| !replaced.contains_key(file.file_id.as_str())).collect();
    match (in_force.as_slice(), others.as_slice(), named.as_slice()) {
        ([one], ..) if one.kind == TableKind::Usage.as_str() => Ok(Some((*one).clone())),
        ([one], ..) => Err(Failure::usage(format!("`{}` holds {}, not usage", one.name, one.kind))
            .at("--replaces")
            .expected("a delivered usage file")
            .hint("a row of another table is put right by a later `valid_from` or a higher revision")),
        ([], [], []) => Err(unknown(books, text, &files)),
        ([], [], _) => Ok(None),
        // Said again, it has happened already.
        ([], [.., last], _) if replaced.get(last.file_id.as_str()) == Some(&own_id) => Ok(None),
        ([], [.., last], _) => Err(replaced_already(&files, last, &replaced)),
        (several, ..) => Err(Failure::usage(format!("`{text}` means {} deliveries", several.len()))
            .at("--replaces")
            .expected("one of them, by its file_id")
            .hint(shown(books, several.iter().copied()))),
    }
}

fn unknown(books: &Books, text: &str, files: &[InputFile]) -> Failure {
    let usage = files.iter().filter(|file| file.kind == TableKind::Usage.as_str());
    let failure = Failure::usage(format!("no delivery is called `{text}`"))
        .at("--replaces")
        .expected(format!("the name of a delivered file, its file_id, or the first {ID_CHARS_MIN} characters of it or more"));
    match usage.clone().count() {
        0 => failure.hint("no usage file has been delivered yet; ingest the file without --replaces"),
        _ => failure.hint(format!("the newest are {}; `reckoner export files` has them all", shown(books, usage.rev()))),
    }
}

fn replaced_already(files: &[InputFile], old: &InputFile, replaced: &HashMap<&str, &str>) -> Failure {
    let mut newest = old.file_id.as_str();
    while let Some(by) = replaced.get(newest) {
        newest = by;
    }
    let name = |file_id: &str| files.iter().find(|file| file.file_id == file_id).map_or("", |file| file.name.as_str());
    let by = replaced.get(old.file_id.as_str()).copied().unwrap_or_default();
    Failure::usage(format!(
        "`{}` ({}) has been replaced already, by `{}` ({})",
        old.name,
        short(&old.file_id),
        name(by),
        short(by)
    ))
    .at("--replaces")
    .expected("a delivery that is in force")
    .hint(format!("what stands in its place now is `{}`: `--replaces {}`", name(newest), short(newest)))
}

fn shown<'f>(books: &Books, files: impl Iterator<Item = &'f InputFile>) -> String {
    let shown = files.take(SHOWN).map(|file| {
        format!("`{}` `{}` ({} rows, taken {})", short(&file.file_id), file.name, file.rows, books.zone.to_text(file.taken_at))
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Enough of a file_id to name a delivery, as a rule.
pub(super) fn short(file_id: &str) -> &str {
    file_id.get(..12).unwrap_or(file_id)
}

/// What the rows of a delivery are replaced with: those of the delivery, and of all that it replaced in its turn.
pub(super) fn circumstances(books: &Books, old: &InputFile) -> Result<Circumstances, Failure> {
    let files = with_replaced(&old.file_id, &books.store().replacements()?);
    Ok(Circumstances { replacing: Some(Replacing::load(books, files)?), again: None })
}

/// Notes in the record which delivery stands in the place of which; hands back what the receipt says of it.
pub(super) fn note(record: &mut IngestRecord, taken: &Taken, old: &InputFile, outcome: Outcome) -> ReplacedFile {
    let replaced = ReplacedFile {
        file: old.name.clone(),
        file_id: old.file_id.clone(),
        kept: outcome.kept,
        changed: outcome.changed,
        taken_back: outcome.taken_back,
        added: outcome.added,
        held: outcome.held,
    };
    record.replaces = Some(Replacement {
        replaced: old.file_id.clone(),
        file_id: taken.file_id.clone(),
        seq: 0,
        kept: replaced.kept,
        changed: replaced.changed,
        taken_back: replaced.taken_back,
        added: replaced.added,
        held: replaced.held.len() as u64,
    });
    replaced
}

/// Replaces a delivery with a file whose bytes were taken before: its rows are met again as they were delivered.
///
/// What that delivery has counted stays counted; what it had to refuse then is a delivery of its own now, as with a retry.
///
/// # Errors
/// Exit 2 when the file has itself been replaced; exit 1 when the lake or the store fails.
pub(super) fn by_known(
    books: &mut Books,
    taken: &Taken,
    known: &InputFile,
    old: &InputFile,
    work: &mut Work<'_>,
) -> Result<FileReceipt, Failure> {
    let replacements = books.store().replacements()?;
    if known.is_refused {
        return Ok(receipt::again(taken, known));
    }
    if let Some(by) = replacements.iter().find(|one| one.replaced == known.file_id) {
        return Err(Failure::usage(format!("the bytes of `{}` were delivered before and have been replaced", taken.name))
            .at("FILE")
            .expected("a file that has not been replaced itself")
            .hint(format!("`{}` stands in its place; to go back to it, deliver its rows in another order", short(&by.file_id))));
    }
    let is_open = |item: &QuarantineItem| item.status == "open" && item.file_id == known.file_id && item.line > 0;
    let items: HashMap<u64, QuarantineItem> =
        books.store().quarantine()?.into_iter().filter(is_open).map(|item| (item.line, item)).collect();
    let open_items = items.len() as u64;
    let circumstances = Circumstances { again: Some(items), ..circumstances(books, old)? };

    let mut record = IngestRecord::default();
    let (counts, outcome) = match super::take_usage(books, taken, circumstances, &mut record, work) {
        Ok(taken) => taken,
        Err(Stopped::Failed(failure)) => return Err(failure),
        Err(Stopped::Refused(refusal)) => return Err(Failure::failed(refusal.detail).at(taken.raw.display())),
    };
    let replaced = note(&mut record, taken, old, outcome.unwrap_or_default());
    let delivery_id = id::derive(KIND_RETAKE, &[&taken.file_id, &old.file_id]);
    let delivery = Taken { file_id: delivery_id, name: format!("{} (retaken)", taken.name), bytes: 0, raw: taken.raw.clone() };
    record.file = Some(input_file(books, TableKind::Usage.as_str(), &delivery, counts, false));
    books.store_mut().record_ingest(&record)?;

    let mut receipt = receipt::again(taken, known);
    let retried = record.resolved_items.iter().filter(|(_, status)| status == "retried").count() as u64;
    receipt.accepted = counts.accepted;
    receipt.refused = open_items.saturating_sub(retried);
    receipt.duplicates = receipt.rows.saturating_sub(receipt.accepted + receipt.refused);
    receipt.replaces = Some(replaced);
    Ok(receipt)
}

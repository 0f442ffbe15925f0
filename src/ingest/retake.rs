//! Retaking: rows out of quarantine, taken again as they were delivered, with their own file and line.
//!
//! A retake is a delivery of its own in the order of knowing: what it accepts settles as late usage. A row that corrects a
//! record which comes later is retaken by itself when the record is there, so that the order of files does not matter.

use super::reference;
use super::take::Taken;
use super::usage::{self, CORRECTS_UNKNOWN};
use super::{Counts, input_file, keep};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::id;
use reckoner_core::table::TableKind;
use reckoner_store::{IngestRecord, InputFile, QuarantineDecision, QuarantineItem};
use std::collections::BTreeMap;

/// The kind of the id that a delivery has whose bytes are those of an earlier file.
pub(super) const KIND_RETAKE: &str = "retake";

/// Whether a delivery took rows of an earlier file again: it has no bytes of its own under `raw/`.
pub fn is_retake(file: &InputFile) -> bool {
    file.file_id.strip_prefix(KIND_RETAKE).is_some_and(|rest| rest.starts_with('_'))
}

/// What a row that was taken again turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// It took effect.
    Accepted,
    /// It was known by now.
    Duplicate,
}

/// What became of items that were taken again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retaken {
    /// Rows that took effect.
    pub accepted: u64,
    /// Rows known by now.
    pub duplicates: u64,
    /// Items that are settled now.
    pub resolved: Vec<String>,
}

/// Takes the rows of open and of discarded items again; those that are refused again stay as they are.
///
/// # Errors
/// Exit 1 when the lake or the store fails. Files before it are taken.
pub fn retake(books: &mut Books, items: Vec<QuarantineItem>) -> Result<Retaken, Failure> {
    let mut by_file: BTreeMap<(TableKind, String, String), Vec<QuarantineItem>> = BTreeMap::new();
    for item in items.into_iter().filter(|item| matches!(item.status.as_str(), "open" | "discarded") && item.line > 0) {
        let Ok(kind) = TableKind::from_word(&item.kind) else { continue };
        by_file.entry((kind, item.file_id.clone(), item.file.clone())).or_default().push(item);
    }
    let mut retaken = Retaken::default();
    for ((kind, file_id, name), items) in by_file {
        let raw = books.session.home.raw().join(&file_id);
        let taken = Taken { file_id, name, bytes: 0, raw };
        let mut record = IngestRecord { delivered_by: books.actor.clone(), ..IngestRecord::default() };
        let mut counts = Counts::default();
        let outcomes = match kind {
            TableKind::Usage => usage::retake_rows(books, &taken, &items, &mut record, &mut counts)?,
            _ => reference::retake_rows(books, kind, &items, &mut record, &mut counts)?,
        };
        let resolved: Vec<String> = outcomes.iter().map(|(item_id, _)| item_id.clone()).collect();
        if resolved.is_empty() {
            continue;
        }
        counts.rows = counts.accepted + counts.duplicates;
        let ids: Vec<&str> = resolved.iter().map(String::as_str).collect();
        let delivery = Taken { file_id: id::derive(KIND_RETAKE, &ids), name: format!("{} (retaken)", taken.name), ..taken };
        record.file = Some(input_file(books, kind.as_str(), &delivery, counts, false));
        record.resolved_items = resolved.iter().map(|item_id| (item_id.clone(), "retried".to_owned())).collect();
        record.decisions = outcomes.into_iter().map(|(item_id, became)| decision(books, item_id, became)).collect();
        keep(books, &record)?;
        retaken.accepted += counts.accepted;
        retaken.duplicates += counts.duplicates;
        retaken.resolved.extend(resolved);
    }
    Ok(retaken)
}

fn decision(books: &Books, item_id: String, became: Became) -> QuarantineDecision {
    let became = match became {
        Became::Accepted => "accepted",
        Became::Duplicate => "duplicate",
    };
    QuarantineDecision {
        item_id,
        status: "retried".to_owned(),
        became: Some(became.to_owned()),
        reason: None,
        actor: books.actor.clone(),
        at: books.as_of,
        seq: 0,
    }
}

/// Takes rows that waited for a record which has come meanwhile, and those that waited for them in turn.
///
/// Every command that takes files in ends with it, and every catch-up begins with it: one of them may have been killed
/// between a file and what waited for it.
///
/// # Errors
/// Exit 1 when the lake or the store fails.
pub fn retake_waiting(books: &mut Books) -> Result<(), Failure> {
    loop {
        let is_waiting = |item: &QuarantineItem| item.reason == CORRECTS_UNKNOWN && item.status == "open";
        let waiting: Vec<QuarantineItem> = books.store().quarantine()?.into_iter().filter(is_waiting).collect();
        if waiting.is_empty() || retake(books, waiting)?.resolved.is_empty() {
            return Ok(());
        }
    }
}

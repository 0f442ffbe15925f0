//! What a corrected file does to the rows of the delivery in whose place it stands.
//!
//! The law: once the corrected file is taken, the books are as if it had been delivered in the first place. A row that both
//! have with the same content stays where it is; every other row in force of the old delivery goes, and with it the rule
//! that the first stays. Rows of other deliveries are not touched, and meet the usual rules.
//!
//! A row goes only when it is known what counts instead. It is *held*, in force as it was, where the new file's row for the
//! record is refused, or a refused line does not say which record it is; where another delivery has the same row, as a
//! duplicate; and where it stands in the place of another delivery's row, which nobody would count once it were gone.

use super::{KnownPlace, RecordKey};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::table::{Refusal, UsageRow};
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{RowFilter, StoredRow, read_rows};
use reckoner_store::{Replacement, Store, SupersededRow};
use std::collections::{HashMap, HashSet};

/// A delivered file and a line in it.
pub(super) type LinePlace = (String, u64);

/// The rows that a file replaces, and what becomes of them.
pub(in crate::ingest) struct Replacing {
    /// The delivery that is replaced, and those that it replaced in its turn: its rows may lie in their files.
    files: HashSet<String>,
    /// Rows whose place one of these rows took, or that are among them: which row has it.
    taken_by: HashMap<LinePlace, LinePlace>,
    /// Of these rows, those that took another's place.
    holders: HashMap<LinePlace, UsageRow>,
    /// Of those, the ones that took the place of a row of another delivery, with the record there.
    foreign: HashMap<LinePlace, String>,
    /// Rows that stay because the new file says the same.
    kept: HashSet<LinePlace>,
    /// Lines of the new file that say so.
    pub(super) kept_lines: HashSet<u64>,
    /// Records for which the new file's row is refused.
    refused: HashSet<RecordKey>,
    /// A refused line that does not say which record it is.
    nameless: Option<u64>,
    changed: u64,
    pub(super) added: u64,
    taken_back: u64,
    held: Vec<HeldRow>,
}

/// A row that stays in force although the new file does not have it as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HeldRow {
    /// The delivered file of the row.
    pub file_id: String,
    /// Its line there.
    pub line: u64,
    /// Its account.
    pub account_id: String,
    /// Its record.
    pub record_id: String,
    /// Why it stays, for a person.
    pub why: String,
}

/// What came of a replacement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Outcome {
    pub kept: u64,
    pub changed: u64,
    pub taken_back: u64,
    pub added: u64,
    pub held: Vec<HeldRow>,
}

/// The delivery and those that it replaced, directly or through others.
pub(in crate::ingest) fn with_replaced(file_id: &str, replacements: &[Replacement]) -> HashSet<String> {
    let mut files = HashSet::from([file_id.to_owned()]);
    // A delivery is replaced by a later one: going backwards meets each after what replaced it.
    for replacement in replacements.iter().rev() {
        if files.contains(&replacement.file_id) {
            files.insert(replacement.replaced.clone());
        }
    }
    files
}

impl Replacing {
    /// The rows of these deliveries, as they are before the new file.
    pub(in crate::ingest) fn load(books: &Books, files: HashSet<String>) -> Result<Self, Failure> {
        let ever = Window::new(Instant::MIN, Instant::MAX);
        let mut replacing = Self {
            files,
            taken_by: HashMap::new(),
            holders: HashMap::new(),
            foreign: HashMap::new(),
            kept: HashSet::new(),
            kept_lines: HashSet::new(),
            refused: HashSet::new(),
            nameless: None,
            changed: 0,
            added: 0,
            taken_back: 0,
            held: Vec::new(),
        };
        let mut takers: HashSet<LinePlace> = HashSet::new();
        for SupersededRow { file_id, line, by_file_id, by_line, record_id, .. } in books.store().superseded(ever)? {
            let by = (by_file_id, by_line);
            let (is_own, is_by_own) = (replacing.files.contains(&file_id), replacing.files.contains(&by.0));
            if is_by_own && by_line > 0 {
                takers.insert(by.clone());
                if !is_own {
                    replacing.foreign.insert(by.clone(), record_id);
                }
            }
            if is_own || is_by_own {
                replacing.taken_by.insert((file_id, line), by);
            }
        }
        replacing.load_holders(books.store(), books, &takers)?;
        Ok(replacing)
    }

    fn load_holders(&mut self, store: &dyn Store, books: &Books, takers: &HashSet<LinePlace>) -> Result<(), Failure> {
        if takers.is_empty() {
            return Ok(());
        }
        for file in store.row_files(Window::new(Instant::MIN, Instant::MAX))? {
            if !self.files.contains(&file.file_id) {
                continue;
            }
            for StoredRow { row, file_id, .. } in read_rows(&[books.row_file(&file)], &RowFilter::default())? {
                let place = (file_id, row.line);
                if takers.contains(&place) {
                    self.holders.insert(place, row);
                }
            }
        }
        Ok(())
    }

    /// Whether the file's rows are replaced.
    pub(super) fn has_file(&self, file_id: &str) -> bool {
        self.files.contains(file_id)
    }

    /// Whether the row goes: what it says is no longer held against anybody.
    ///
    /// A row whose place was taken goes if the row that has it goes, also one of another delivery: the place is free then.
    /// One that another delivery took stays taken.
    pub(super) fn is_going(&self, place: &LinePlace) -> bool {
        match self.taken_by.get(place) {
            Some(by) => !self.kept.contains(place) && self.is_going(by),
            None => self.files.contains(&place.0) && !self.kept.contains(place),
        }
    }

    /// Whether the row's place was taken by one that stays: what the new file says of its record is corrected likewise.
    pub(super) fn is_under_kept(&self, place: &LinePlace) -> bool {
        let by = self.taken_by.get(place).filter(|_| self.files.contains(&place.0));
        by.is_some_and(|by| self.kept.contains(by) || self.is_under_kept(by))
    }

    /// The new file says the same as this row: it stays.
    pub(super) fn keep(&mut self, place: LinePlace, line: u64) {
        self.kept.insert(place);
        self.kept_lines.insert(line);
    }

    /// A row of the new file took this row's place; whether the row was one of those replaced.
    pub(super) fn note_taken(&mut self, place: &LinePlace) -> bool {
        let is_own = self.files.contains(&place.0);
        self.changed += u64::from(is_own);
        is_own
    }

    /// The row that has the place of a known row, if it is one that goes.
    pub(super) fn going_holder(&self, place: &LinePlace, superseded: &HashSet<LinePlace>) -> Option<KnownPlace> {
        let by = self.taken_by.get(place).filter(|by| self.is_going(by) && !superseded.contains(*by))?;
        let row = self.holders.get(by)?;
        Some(KnownPlace { row: row.clone(), file_id: by.0.clone(), is_live: true })
    }

    /// Whether the row may take the old one's place: what the old one corrects elsewhere must stay corrected.
    pub(super) fn check_corrects(&self, row: &UsageRow, old: &KnownPlace) -> Result<(), Refusal> {
        let place = (old.file_id.clone(), old.row.line);
        match self.foreign.get(&place) {
            Some(record_id) if row.corrects != old.row.corrects => {
                let expected = format!(
                    "the row that it replaces stands in the place of `{record_id}`, which came in another file; say \
                     `corrects` = `{record_id}` again, with what was really used"
                );
                Err(Refusal::at("corrects", row.corrects.as_deref().unwrap_or_default(), "correction_dropped", &expected))
            }
            _ => Ok(()),
        }
    }

    /// A line of the new file is refused: what it would have replaced is held.
    pub(super) fn note_refused(&mut self, line: u64, raw: &[(String, String)]) {
        let cell = |wanted: &str| raw.iter().find(|(column, text)| column == wanted && !text.is_empty());
        match (cell("account_id"), cell("record_id")) {
            (Some((_, account_id)), Some((_, record_id))) => {
                self.refused.insert((account_id.clone(), record_id.clone()));
            }
            _ => self.nameless = self.nameless.or(Some(line)),
        }
    }

    /// Whether a row in force that nothing took the place of must stay, and why. Nothing: it goes.
    pub(super) fn why_held(&self, place: &LinePlace, row: &UsageRow) -> Option<String> {
        if self.refused.contains(&(row.account_id.clone(), row.record_id.clone())) {
            return Some("the new file's row for it is refused".to_owned());
        }
        if let Some(record_id) = self.foreign.get(place) {
            return Some(format!(
                "it stands in the place of `{record_id}` of another file, and the new file does not say what counts instead"
            ));
        }
        let line = self.nameless?;
        Some(format!("line {line} of the new file is refused and does not say which record it is"))
    }

    /// Whether the row was there before and nobody has dealt with it.
    pub(super) fn is_left(&self, place: &LinePlace) -> bool {
        self.files.contains(&place.0) && !self.kept.contains(place)
    }

    pub(super) fn note_held(&mut self, rows: impl IntoIterator<Item = HeldRow>) {
        self.held.extend(rows);
    }

    pub(super) fn note_taken_back(&mut self) {
        self.taken_back += 1;
    }

    pub(super) fn into_outcome(mut self) -> Outcome {
        self.held.sort_by(|a, b| (&a.file_id, a.line).cmp(&(&b.file_id, b.line)));
        Outcome {
            kept: self.kept.len() as u64,
            changed: self.changed,
            taken_back: self.taken_back,
            added: self.added,
            held: self.held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replaced_belongs_to_what_replaced_it() {
        let replacement = |replaced: &str, file_id: &str, seq| Replacement {
            replaced: replaced.to_owned(),
            file_id: file_id.to_owned(),
            seq,
            kept: 0,
            changed: 0,
            taken_back: 0,
            added: 0,
            held: 0,
        };
        let known = [replacement("a", "b", 2), replacement("x", "y", 3), replacement("b", "c", 4)];
        // delivery | what belongs to it
        for (file_id, expected) in [("a", "a"), ("b", "ab"), ("c", "abc"), ("y", "xy"), ("z", "z")] {
            let mut files: Vec<String> = with_replaced(file_id, &known).into_iter().collect();
            files.sort();
            assert_eq!(files.concat(), expected, "{file_id}");
        }
    }
}

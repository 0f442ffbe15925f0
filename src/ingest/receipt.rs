//! What taking files in did, for the journal and for a person.

use super::take::Taken;
use super::usage::HeldRow;
use crate::report::amount_as_text;
use reckoner_core::number::Money;
use reckoner_store::{IngestRecord, InputFile};
use serde::Serialize;

/// What a command took in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The files, in the order taken.
    pub files: Vec<FileReceipt>,
}

/// What came of one file: `rows = accepted + duplicates + refused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReceipt {
    /// Its name when delivered.
    pub file: String,
    /// SHA-256 of its bytes.
    pub file_id: String,
    /// The table.
    pub kind: String,
    /// Rows delivered.
    pub rows: u64,
    /// Rows that took effect.
    pub accepted: u64,
    /// Rows known already.
    pub duplicates: u64,
    /// Rows in quarantine.
    pub refused: u64,
    /// The name under which the same bytes were taken before, if they were.
    pub same_as: Option<String>,
    /// Why the file was refused whole, if it was.
    pub refused_whole: Option<String>,
    /// The refused rows, in the file's order.
    pub refusals: Vec<Refused>,
    /// What became of the rows of the delivery in whose place the file stands, if it stands in one's.
    pub replaces: Option<ReplacedFile>,
    /// What else a person should know: sentences.
    pub notes: Vec<String>,
}

/// What became of the rows of a delivery that was replaced: rows in force before = kept + changed + taken back + held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplacedFile {
    /// Its name when delivered.
    pub file: String,
    /// SHA-256 of its bytes.
    pub file_id: String,
    /// Rows that stay, because both files have them.
    pub kept: u64,
    /// Rows whose place a row with other content took.
    pub changed: u64,
    /// Rows that are no longer in force, because the new file does not have them.
    pub taken_back: u64,
    /// Rows of the new file that took no place of these.
    pub added: u64,
    /// Rows that stay in force although the new file does not have them as they are.
    pub held: Vec<HeldRow>,
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The quarantine item.
    pub item_id: String,
    /// Line in the file.
    pub line: u64,
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// What was seen there; nothing where it was empty.
    pub value: Option<String>,
    /// A stable code.
    pub reason: String,
    /// The sentence for a person.
    pub detail: String,
    /// Estimated amount at risk.
    #[serde(serialize_with = "amount_as_text")]
    pub amount_at_risk: Money,
}

impl Receipt {
    /// Sums of rows, accepted, duplicates and refused.
    pub fn totals(&self) -> (u64, u64, u64, u64) {
        self.files.iter().fold((0, 0, 0, 0), |sum, file| {
            (sum.0 + file.rows, sum.1 + file.accepted, sum.2 + file.duplicates, sum.3 + file.refused)
        })
    }

    /// Whether every row was accepted or a duplicate.
    pub fn is_clean(&self) -> bool {
        self.files.iter().all(FileReceipt::is_clean)
    }
}

impl FileReceipt {
    /// Whether every row was accepted or a duplicate, and no row of a replaced delivery had to be held.
    pub fn is_clean(&self) -> bool {
        let is_any_held = self.replaces.as_ref().is_some_and(|replaced| !replaced.held.is_empty());
        self.refused == 0 && self.refused_whole.is_none() && !is_any_held
    }
}

/// The same bytes were taken before: every row of them is a duplicate now.
pub(super) fn again(taken: &Taken, known: &InputFile) -> FileReceipt {
    FileReceipt {
        file: taken.name.clone(),
        file_id: taken.file_id.clone(),
        kind: known.kind.clone(),
        rows: known.rows,
        accepted: 0,
        duplicates: known.rows,
        refused: 0,
        same_as: Some(known.name.clone()),
        refused_whole: known.is_refused.then(|| "the same bytes were refused whole before".to_owned()),
        refusals: Vec::new(),
        replaces: None,
        notes: Vec::new(),
    }
}

pub(super) fn of(taken: &Taken, kind: &str, record: &IngestRecord) -> FileReceipt {
    let file = record.file.as_ref().expect("a delivery records its file");
    let refusals = record.quarantine.iter().map(|item| Refused {
        item_id: item.item_id.clone(),
        line: item.line,
        column: item.column.clone(),
        value: item.value.clone(),
        reason: item.reason.clone(),
        detail: item.detail.clone(),
        amount_at_risk: item.amount_at_risk,
    });
    let mut refusals: Vec<Refused> = refusals.collect();
    refusals.sort_by_key(|refused| refused.line);
    FileReceipt {
        file: taken.name.clone(),
        file_id: taken.file_id.clone(),
        kind: kind.to_owned(),
        rows: file.rows,
        accepted: file.accepted,
        duplicates: file.duplicates,
        refused: file.refused,
        same_as: None,
        refused_whole: file.is_refused.then(|| refusals[0].detail.clone()),
        refusals,
        replaces: None,
        notes: Vec::new(),
    }
}

//! What taking files in did, for the journal and for a person.

use super::take::Taken;
use crate::report::amount_as_text;
use reckoner_core::number::Money;
use reckoner_core::table::TableKind;
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
        self.files.iter().all(|file| file.refused == 0 && file.refused_whole.is_none())
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
    }
}

pub(super) fn of(taken: &Taken, kind: TableKind, record: &IngestRecord) -> FileReceipt {
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
        kind: kind.as_str().to_owned(),
        rows: file.rows,
        accepted: file.accepted,
        duplicates: file.duplicates,
        refused: file.refused,
        same_as: None,
        refused_whole: file.is_refused.then(|| refusals[0].detail.clone()),
        refusals,
    }
}

//! Writing rows: one prepared statement a table, and SQLite's refusals as sentences.

use super::Answer;
use crate::StoreError;
use reckoner_core::number::Quantity;
use rusqlite::{CachedStatement, Connection, Params, ffi};
use serde::Serialize;

/// A statement that records things of one kind.
pub(super) struct Insert<'c> {
    statement: CachedStatement<'c>,
    what: &'static str,
}

impl<'c> Insert<'c> {
    /// Prepares the statement; `what` names the thing in errors.
    pub(super) fn new(connection: &'c Connection, what: &'static str, sql: &str) -> Answer<Self> {
        Ok(Self { statement: connection.prepare_cached(sql)?, what })
    }

    /// Runs it for one thing and says how many rows changed. `id` is only formed for an error.
    pub(super) fn run(&mut self, params: impl Params, id: impl FnOnce() -> String) -> Answer<usize> {
        self.statement.execute(params).map_err(|error| refusal(error, self.what, id))
    }
}

fn refusal(error: rusqlite::Error, what: &'static str, id: impl FnOnce() -> String) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, ref message) = error else {
        return error.into();
    };
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => StoreError::AlreadyRecorded { what, id: id() },
        ffi::SQLITE_CONSTRAINT_CHECK | ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let rule = message.clone().unwrap_or_else(|| failure.to_string());
            StoreError::Impossible { what, id: id(), rule }
        }
        _ => error.into(),
    }
}

/// A count as SQLite keeps it.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).expect("rows, bytes and numbers of files stay below 2^63")
}

/// A quantity as SQLite keeps it: the integer at 1e-12 as text.
pub(super) fn e12(quantity: Quantity) -> String {
    quantity.e12().to_string()
}

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("rows are written as JSON without fail")
}

/// The word of a closed list, such as `repayment`.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("closed lists are written as words"),
    }
}

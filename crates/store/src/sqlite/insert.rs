//! Writing rows: one prepared statement a table, and SQLite's refusals as sentences.

use super::Answer;
use crate::StoreError;
use reckoner_core::number::Quantity;
use rusqlite::{CachedStatement, Connection, ErrorCode, Params, ToSql, ffi};
use serde::Serialize;
use std::borrow::Cow;

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

/// How many rows a statement of [`BulkInsert`] records at once: beginning a statement costs as much as a row or two.
const ROWS_AT_ONCE: usize = 64;

/// Statements that record many things of one kind in order, many a run.
pub(super) struct BulkInsert<'c> {
    connection: &'c Connection,
    what: &'static str,
    into: &'static str,
    /// What becomes of a row that is in the way.
    or: &'static str,
}

impl<'c> BulkInsert<'c> {
    /// `into` names the table and its columns, `what` the thing in errors.
    ///
    /// `OR FAIL`: a statement that is refused keeps what it recorded, since whoever asked takes the whole transaction back.
    /// Otherwise SQLite would keep a copy of every page that a statement touches.
    pub(super) fn new(connection: &'c Connection, what: &'static str, into: &'static str) -> Self {
        Self { connection, what, into, or: "FAIL" }
    }

    /// The same of things that take the place of what is recorded under their key.
    pub(super) fn replacing(connection: &'c Connection, what: &'static str, into: &'static str) -> Self {
        Self { or: "REPLACE", ..Self::new(connection, what, into) }
    }

    /// Records the things in their order. `give` hands over the values of one in the order of the columns; `id` names one
    /// and is only asked for an error.
    pub(super) fn run<'t, T>(
        &self,
        things: &'t [T],
        give: impl Fn(&mut Values<'_, 'c, 't>, &'t T) -> rusqlite::Result<()>,
        id: impl Fn(&T) -> String,
    ) -> Answer<()> {
        let recorded = self.run_many(things, &give)?;
        let mut one = Statement::new(self.statement(1)?);
        for thing in &things[recorded..] {
            let ran = one.run(std::slice::from_ref(thing), &give);
            ran.map_err(|error| refusal(error, self.what, || id(thing)))?;
        }
        Ok(())
    }

    /// Records as many as fill whole statements, and says how many that are: fewer where one is refused, so that the thing at
    /// fault shows itself among the next, one by one.
    fn run_many<'t, T>(
        &self,
        things: &'t [T],
        give: impl Fn(&mut Values<'_, 'c, 't>, &'t T) -> rusqlite::Result<()>,
    ) -> Answer<usize> {
        let chunks = things.chunks_exact(ROWS_AT_ONCE);
        if chunks.len() == 0 {
            return Ok(0);
        }
        let (mut many, mut recorded) = (Statement::new(self.statement(ROWS_AT_ONCE)?), 0);
        for chunk in chunks {
            match many.run(chunk, &give) {
                Ok(_) => recorded += chunk.len(),
                // What it recorded before is kept and counted, or all of it was taken back and nothing counts. Of a value of the
                // wrong type, which no caller gives, SQLite does not say how many rows it kept.
                Err(error) if is_refused(&error) => return Ok(recorded + self.connection.changes() as usize),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(recorded)
    }

    fn statement(&self, rows: usize) -> rusqlite::Result<CachedStatement<'c>> {
        let columns = 1 + self.into.matches(',').count();
        let row = format!("({})", vec!["?"; columns].join(", "));
        self.connection.prepare_cached(&format!("INSERT OR {} INTO {} VALUES {}", self.or, self.into, vec![row; rows].join(", ")))
    }
}

/// A statement and what it was given last: SQLite keeps a value until another takes its place.
struct Statement<'c, 't> {
    statement: CachedStatement<'c>,
    kept: Vec<Kept<'t>>,
}

/// What a place of a statement was given.
#[derive(Clone, Copy)]
enum Kept<'t> {
    /// Something else.
    Other,
    Text(&'t str),
    Integer(i64),
}

impl<'c, 't> Statement<'c, 't> {
    fn new(statement: CachedStatement<'c>) -> Self {
        let kept = vec![Kept::Other; statement.parameter_count()];
        Self { statement, kept }
    }

    fn run<T>(
        &mut self,
        things: &'t [T],
        give: impl Fn(&mut Values<'_, 'c, 't>, &'t T) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let mut values = Values { statement: &mut self.statement, kept: &mut self.kept, given: 0 };
        things.iter().try_for_each(|thing| give(&mut values, thing))?;
        self.statement.raw_execute()
    }
}

/// Takes the values of a row, one after the other.
pub(super) struct Values<'s, 'c, 't> {
    statement: &'s mut CachedStatement<'c>,
    kept: &'s mut [Kept<'t>],
    given: usize,
}

impl<'t> Values<'_, '_, 't> {
    /// The next value.
    pub(super) fn give(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.put(value, Kept::Other)
    }

    /// The next value, a text that many things share: one that stands at the same place of memory as the last is not given
    /// again.
    pub(super) fn give_shared(&mut self, text: &'t str) -> rusqlite::Result<()> {
        match self.kept[self.given] {
            Kept::Text(kept) if std::ptr::eq(kept, text) => self.keep(),
            _ => self.put(text, Kept::Text(text)),
        }
    }

    /// The next value, an integer that is often the last one again.
    pub(super) fn give_integer(&mut self, value: i64) -> rusqlite::Result<()> {
        match self.kept[self.given] {
            Kept::Integer(kept) if kept == value => self.keep(),
            _ => self.put(value, Kept::Integer(value)),
        }
    }

    fn keep(&mut self) -> rusqlite::Result<()> {
        self.given += 1;
        Ok(())
    }

    fn put(&mut self, value: impl ToSql, kept: Kept<'t>) -> rusqlite::Result<()> {
        self.kept[self.given] = kept;
        self.given += 1;
        self.statement.raw_bind_parameter(self.given, value)
    }
}

/// Whether a rule of the table refuses a row.
fn is_refused(error: &rusqlite::Error) -> bool {
    let is_of_type = |error: &ffi::Error| error.extended_code == ffi::SQLITE_CONSTRAINT_DATATYPE;
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) && !error.sqlite_error().is_some_and(is_of_type)
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
pub(super) fn e12(quantity: Quantity) -> Cow<'static, str> {
    if quantity.is_zero() { Cow::Borrowed("0") } else { Cow::Owned(quantity.e12().to_string()) }
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

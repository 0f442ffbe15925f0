//! Walks a row in the schema's order of columns, so that the first fault met is the first by column.
//!
//! A table's module takes the columns that it needs by name; those in between are checked by their type and kept as
//! *particulars*, as delivered, for jobs that need them later.

use super::raw::{FIELD_BYTES_MAX, RawRow, Refusal};
use super::read::{self, Fault};
use super::schema::{ColumnSchema, ColumnType};
use super::{TableKind, reason};
use crate::time::Instant;
use serde::Deserialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use std::collections::BTreeMap;

pub(super) struct Cells<'a> {
    row: &'a RawRow<'a>,
    place: usize,
    particulars: BTreeMap<String, String>,
}

impl<'a> Cells<'a> {
    pub(super) fn new(kind: TableKind, row: &'a RawRow<'a>) -> Self {
        assert!(std::ptr::eq(kind.schema(), row.schema()), "a row is read as what its header was checked for");
        Self { row, place: 0, particulars: BTreeMap::new() }
    }

    /// The value in this column, or its default; an empty cell without a default is refused.
    pub(super) fn value<T>(&mut self, name: &str, read: impl FnOnce(&'a str) -> Result<T, Fault>) -> Result<T, Refusal> {
        match self.optional(name, read)? {
            Some(value) => Ok(value),
            None => Err(missing(self.last())),
        }
    }

    /// The value in this column, or its default, or nothing.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a str) -> Result<T, Fault>,
    ) -> Result<Option<T>, Refusal> {
        let text = self.take(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        read(text).map(Some).map_err(|fault| refusal(self.last(), text, &fault))
    }

    /// One of the column's words, as the enum that stands for them.
    pub(super) fn word<T: Deserialize<'a>>(&mut self, name: &str) -> Result<T, Refusal> {
        let ColumnType::Word(words) = &self.column_named(name).column_type else { unreachable!("`{name}` has words") };
        self.value(name, |text| read::word(text, words).map(word_value))
    }

    /// The same where the cell may be empty.
    pub(super) fn word_if_any<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, Refusal> {
        let ColumnType::Word(words) = &self.column_named(name).column_type else { unreachable!("`{name}` has words") };
        self.optional(name, |text| read::word(text, words).map(word_value))
    }

    /// A list of the column's words, as the enums that stand for them; empty where the cell is.
    pub(super) fn words<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Vec<T>, Refusal> {
        let words = match &self.column_named(name).column_type {
            ColumnType::List(of) => match &**of {
                ColumnType::Word(words) => words,
                other => unreachable!("`{name}` is a list of {other:?}"),
            },
            other => unreachable!("`{name}` is a {other:?}"),
        };
        let items = self.optional(name, |text| read::list(text, |item| read::word(item, words).map(word_value)))?;
        Ok(items.unwrap_or_default())
    }

    /// A whole number within the column's range.
    pub(super) fn integer(&mut self, name: &str) -> Result<i64, Refusal> {
        let (min, max) = self.range_of(name);
        self.value(name, |text| read::integer(text, min, max))
    }

    /// A count within the column's range, where there may be none.
    pub(super) fn count_if_any(&mut self, name: &str) -> Result<Option<u32>, Refusal> {
        let (min, max) = self.range_of(name);
        let found = self.optional(name, |text| read::integer(text, min, max))?;
        Ok(found.map(|count| u32::try_from(count).expect("the schema's range fits")))
    }

    /// The least and the greatest number that the column takes.
    pub(super) fn range_of(&self, name: &str) -> (i64, i64) {
        let ColumnType::Integer { min, max } = self.column_named(name).column_type else { unreachable!("`{name}` counts") };
        (min, max)
    }

    pub(super) fn id(&mut self, name: &str) -> Result<String, Refusal> {
        self.value(name, read::id)
    }

    pub(super) fn instant(&mut self, name: &str) -> Result<Option<Instant>, Refusal> {
        self.optional(name, read::instant)
    }

    pub(super) fn ids(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        Ok(self.optional(name, |text| read::list(text, read::id))?.unwrap_or_default())
    }

    pub(super) fn revision(&mut self) -> Result<u32, Refusal> {
        Ok(u32::try_from(self.integer("revision")?).expect("the schema's range fits"))
    }

    /// Checks the columns that are left and hands over what was not asked for by name, as delivered.
    pub(super) fn particulars(mut self) -> Result<BTreeMap<String, String>, Refusal> {
        self.skip_to(self.row.schema().columns.len())?;
        Ok(self.particulars)
    }

    /// Ends the walk of a table whose every column was asked for.
    pub(super) fn end(self) {
        assert_eq!(self.place, self.row.schema().columns.len(), "every column is read");
        assert!(self.particulars.is_empty(), "no column is passed over");
    }

    /// The text in this column, or its default text, or empty.
    fn take(&mut self, name: &str) -> Result<&'a str, Refusal> {
        let columns = &self.row.schema().columns;
        // Mostly it is the next one.
        if columns.get(self.place).is_none_or(|next| next.name != name) {
            let place = self.row.schema().position(name).expect("the schema has every column that is read");
            assert!(place >= self.place, "`{name}` is read in the schema's order");
            self.skip_to(place)?;
        }
        let place = self.place;
        self.place = place + 1;
        let (column, text) = (self.last(), self.checked_length(place)?);
        match &column.default {
            Some(default) if text.is_empty() => Ok(default),
            _ => Ok(text),
        }
    }

    fn skip_to(&mut self, place: usize) -> Result<(), Refusal> {
        for skipped in self.place..place {
            let column = &self.row.schema().columns[skipped];
            let text = self.checked_length(skipped)?;
            if text.is_empty() {
                if column.is_required {
                    return Err(missing(column));
                }
                continue;
            }
            column.check(text).map_err(|fault| refusal(column, text, &fault))?;
            self.particulars.insert(column.name.clone(), text.to_owned());
        }
        self.place = place;
        Ok(())
    }

    fn checked_length(&self, place: usize) -> Result<&'a str, Refusal> {
        let text = self.row.cell(place);
        if text.len() > FIELD_BYTES_MAX {
            return Err(Refusal::field_too_long(&self.row.schema().columns[place].name, text));
        }
        Ok(text)
    }

    fn last(&self) -> &'static ColumnSchema {
        &self.row.schema().columns[self.place - 1]
    }

    fn column_named(&self, name: &str) -> &'static ColumnSchema {
        self.row.schema().column(name).expect("the schema has every column that is read")
    }
}

fn word_value<'a, T: Deserialize<'a>>(word: &'a str) -> T {
    T::deserialize(StrDeserializer::<WordError>::new(word)).expect("the schema's words are the enum's")
}

fn refusal(column: &ColumnSchema, text: &str, fault: &Fault) -> Refusal {
    Refusal::at(&column.name, text, fault.reason, &fault.expected)
}

/// A refusal for an empty cell that has to be filled.
pub(super) fn missing(column: &ColumnSchema) -> Refusal {
    let meaning = column.meaning.trim_end_matches('.');
    let expected = format!("a value is required ({meaning}), such as `{}`", column.example);
    Refusal::at(&column.name, "", reason::MISSING_VALUE, &expected)
}

//! Reading rows: columns by name, as the types that they stand for. What cannot be read is named, never guessed.

use super::Answer;
use crate::StoreError;
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::time::{Instant, Window};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;
use std::cell::RefCell;

/// The columns of one row of a table (or of a question, under the name of its main table).
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    table: &'static str,
    places: &'r Places,
}

/// Where columns stand in the rows of an answer, as far as they were asked for: to find one by its name, every name before
/// it is compared. The names are told apart by where they stand in memory.
type Places = RefCell<Vec<(&'static str, usize)>>;

impl Columns<'_> {
    pub(super) fn text(&self, column: &'static str) -> Answer<String> {
        self.get(column)
    }

    /// The same without a copy.
    pub(super) fn text_ref(&self, column: &'static str) -> Answer<&str> {
        self.value(column)?.as_str().map_err(|error| self.corrupt(column, error.to_string()))
    }

    pub(super) fn text_if_any(&self, column: &'static str) -> Answer<Option<String>> {
        self.get(column)
    }

    pub(super) fn count(&self, column: &'static str) -> Answer<u64> {
        let value: i64 = self.get(column)?;
        u64::try_from(value).map_err(|_| self.corrupt(column, format!("`{value}` is below 0")))
    }

    pub(super) fn small_count(&self, column: &'static str) -> Answer<u32> {
        self.get(column)
    }

    pub(super) fn flag(&self, column: &'static str) -> Answer<bool> {
        self.get(column)
    }

    pub(super) fn instant(&self, column: &'static str) -> Answer<Instant> {
        self.get(column).map(Instant::from_seconds)
    }

    pub(super) fn instant_if_any(&self, column: &'static str) -> Answer<Option<Instant>> {
        Ok(self.get::<Option<i64>>(column)?.map(Instant::from_seconds))
    }

    pub(super) fn window(&self, start: &'static str, end: &'static str) -> Answer<Window> {
        Ok(Window::new(self.instant(start)?, self.instant(end)?))
    }

    pub(super) fn money(&self, column: &'static str) -> Answer<Money> {
        self.get(column).map(Money::from_e8)
    }

    pub(super) fn money_if_any(&self, column: &'static str) -> Answer<Option<Money>> {
        Ok(self.get::<Option<i64>>(column)?.map(Money::from_e8))
    }

    pub(super) fn quantity(&self, column: &'static str) -> Answer<Quantity> {
        let text: String = self.get(column)?;
        text.parse().map(Quantity::from_e12).map_err(|_| self.corrupt(column, format!("`{text}` is not a whole number")))
    }

    pub(super) fn price_if_any(&self, column: &'static str) -> Answer<Option<UnitPrice>> {
        let Some(text) = self.text_if_any(column)? else { return Ok(None) };
        let price = text.parse().map(UnitPrice::from_e12);
        price.map(Some).map_err(|_| self.corrupt(column, format!("`{text}` is not a whole number")))
    }

    /// A value that is stored as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Answer<T> {
        serde_json::from_str(self.text_ref(column)?).map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// A word of a closed list, such as `repayment`.
    pub(super) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Answer<T> {
        let word: String = self.get(column)?;
        let value = serde_json::Value::String(word);
        serde_json::from_value(value).map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// The same where there may be none.
    pub(super) fn word_if_any<T: DeserializeOwned>(&self, column: &'static str) -> Answer<Option<T>> {
        let Some(word) = self.get::<Option<String>>(column)? else { return Ok(None) };
        let value = serde_json::Value::String(word);
        serde_json::from_value(value).map(Some).map_err(|error| self.corrupt(column, error.to_string()))
    }

    fn get<T: FromSql>(&self, column: &'static str) -> Answer<T> {
        T::column_result(self.value(column)?).map_err(|error| self.corrupt(column, error.to_string()))
    }

    fn value(&self, column: &'static str) -> Answer<ValueRef<'_>> {
        let known = self.places.borrow().iter().find(|(name, _)| std::ptr::eq(*name, column)).map(|(_, place)| *place);
        let found = match known {
            Some(place) => self.row.get_ref(place),
            None => self.row.as_ref().column_index(column).and_then(|place| {
                self.places.borrow_mut().push((column, place));
                self.row.get_ref(place)
            }),
        };
        found.map_err(|error| self.corrupt(column, error.to_string()))
    }

    pub(super) fn corrupt(&self, column: &'static str, found: String) -> StoreError {
        let key = match self.row.get_ref(0) {
            Ok(ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Ok(ValueRef::Integer(number)) => number.to_string(),
            _ => "?".to_owned(),
        };
        StoreError::Corrupt { table: self.table, column, key, found }
    }
}

/// Asks one question; every row of the answer is read by `read`.
pub(super) fn ask<T>(
    connection: &Connection,
    table: &'static str,
    question: &str,
    params: impl Params,
    mut read: impl FnMut(&Columns) -> Answer<T>,
) -> Answer<Vec<T>> {
    let mut answers = Vec::new();
    each(connection, table, question, params, |columns| {
        answers.push(read(columns)?);
        Ok(())
    })?;
    Ok(answers)
}

/// Asks one question and hands over row by row, for answers that are folded.
pub(super) fn each(
    connection: &Connection,
    table: &'static str,
    question: &str,
    params: impl Params,
    mut take: impl FnMut(&Columns) -> Answer<()>,
) -> Answer<()> {
    let mut statement = connection.prepare_cached(question)?;
    let (mut rows, places) = (statement.query(params)?, Places::default());
    while let Some(row) = rows.next()? {
        take(&Columns { row, table, places: &places })?;
    }
    Ok(())
}

/// Asks about a list of keys of any length in one statement; nothing is asked about none, and a key given twice counts once.
///
/// The question names the list as `json_each(?1)`, whose values are the keys (a key of two parts is an array).
pub(super) fn ask_about<K: serde::Serialize + Ord, T>(
    connection: &Connection,
    table: &'static str,
    question: &str,
    keys: &[K],
    read: impl FnMut(&Columns) -> Answer<T>,
) -> Answer<Vec<T>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let distinct: std::collections::BTreeSet<&K> = keys.iter().collect();
    let list = serde_json::to_string(&distinct).expect("texts are written as JSON without fail");
    ask(connection, table, question, [list], read)
}

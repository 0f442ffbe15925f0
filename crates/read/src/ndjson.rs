//! NDJSON: one JSON object a line, its keys the columns. Where the first object of a usage file is a CloudEvent, all are.
//!
//! A line that is no object is refused alone; a key that the table does not have refuses the file, as a column of that name
//! would, because nobody can say what was meant by it. The whole file is read through once before its first row comes out.

use super::batch::{Batch, kept};
use super::input::Input;
use super::json::{self, Object};
use super::lines::Lines;
use super::{FileRefusal, Format, ReadOptions, RowReader, event};
use reckoner_core::table::schema::TableSchema;
use reckoner_core::table::{FIELD_BYTES_MAX, RawRow, Refusal, TableKind, reason};
use std::borrow::Cow;

/// The name under which the quarantine keeps a line that is no row. No table has such a column, so that it is refused again
/// when it is taken again.
const LINE: &str = "line";
const EVENT_ID_COLUMN: &str = "record_id";

pub(super) struct NdjsonReader {
    lines: Lines,
    shape: Shape,
    places: Vec<Option<usize>>,
    batch_rows: usize,
    is_done: bool,
}

/// What the objects of the file are.
struct Shape {
    schema: &'static TableSchema,
    ignored: Vec<String>,
    are_events: bool,
}

/// What came of a line.
enum Outcome<'a> {
    /// A cell for every column of the schema.
    Row(Vec<Cow<'a, str>>),
    Refused(Refusal, Vec<(String, String)>),
}

impl NdjsonReader {
    pub(super) fn open(input: Input, kind: TableKind, options: &ReadOptions) -> Result<Self, FileRefusal> {
        let schema = kind.schema();
        let mut shape = Shape { schema, ignored: options.ignored_columns.clone(), are_events: false };
        let (mut lines, mut is_known) = (Lines::new(input), false);
        while let Some((line, text)) = lines.next_line()? {
            if !is_known && text == "{" {
                let detail =
                    format!("line {line} only opens an object; expected one whole object a line, so write it without breaks");
                return Err(FileRefusal::new("malformed_ndjson", detail));
            }
            if !is_known && let Ok(first) = Object::parse(text) {
                shape.are_events = kind == TableKind::Usage && first.has(event::MARK);
                is_known = true;
            }
            shape.read(line, text)?;
        }
        let places = (0..schema.columns.len()).map(Some).collect();
        Ok(Self { lines: lines.rewound()?, shape, places, batch_rows: options.batch_rows, is_done: false })
    }
}

impl RowReader for NdjsonReader {
    fn format(&self) -> Format {
        if self.shape.are_events { Format::CloudEvents } else { Format::Ndjson }
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, FileRefusal> {
        let mut batch = Batch::new(self.shape.schema);
        while !self.is_done && !batch.is_full(self.batch_rows) {
            // Done until proven otherwise: after an error nothing more is handed out.
            self.is_done = true;
            if let Some((line, text)) = self.lines.next_line()? {
                match self.shape.read(line, text)? {
                    Outcome::Row(cells) => batch.push_row(line, &self.places, cells.iter().map(AsRef::as_ref)),
                    Outcome::Refused(refusal, raw) => batch.refuse(line, refusal, raw),
                }
                self.is_done = false;
            }
        }
        Ok((!batch.has_nothing()).then_some(batch))
    }
}

impl Shape {
    fn read<'a>(&self, line: u64, text: &'a str) -> Result<Outcome<'a>, FileRefusal> {
        let refused = |object: Option<&Object<'_>>, refusal| Ok(Outcome::Refused(refusal, raw_line(object, text)));
        let object = match Object::parse(text) {
            Ok(object) => object,
            Err(refusal) => return refused(None, refusal),
        };
        let (row, event_id) = if self.are_events {
            match event::open(&object) {
                Ok((row, event_id)) => (row, Some(event_id)),
                Err(refusal) => return refused(None, refusal),
            }
        } else {
            (object, None)
        };
        self.check_keys(line, &row)?;
        let mut cells = match self.cells(&row) {
            Ok(cells) => cells,
            Err(refusal) => return refused(Some(&row), refusal),
        };
        if let Some(event_id) = event_id {
            let place = self.schema.position(EVENT_ID_COLUMN).expect("events are usage, which has record ids");
            if cells[place].is_empty() {
                cells[place] = event_id;
            }
        }
        Ok(self.checked_lengths(line, cells))
    }

    fn check_keys(&self, line: u64, row: &Object<'_>) -> Result<(), FileRefusal> {
        let is_known = |key: &str| self.schema.position(key).is_some() || self.ignored.iter().any(|extra| extra == key);
        let Some((key, _)) = row.entries().find(|(key, _)| !is_known(key)) else { return Ok(()) };
        let same = self.schema.columns.iter().find(|column| column.name.eq_ignore_ascii_case(key.trim()));
        let hint = match same {
            Some(column) => format!("write it `{}`", column.name),
            None if key == event::MARK => "CloudEvents are taken where they carry usage and every line is one".to_owned(),
            None => {
                let known: Vec<String> = self.schema.columns.iter().map(|column| format!("`{}`", column.name)).collect();
                format!("expected only {}", known.join(", "))
            }
        };
        let key = key.escape_debug().take(60).collect::<String>();
        let detail = format!("line {line} has the key `{key}`, which `{}` does not have: {hint}", self.schema.name);
        Err(FileRefusal::new(reason::UNKNOWN_COLUMN, detail))
    }

    fn cells<'a>(&self, row: &Object<'a>) -> Result<Vec<Cow<'a, str>>, Refusal> {
        let mut cells = vec![Cow::Borrowed(""); self.schema.columns.len()];
        let mut fault: Option<(usize, Refusal)> = None;
        for (key, value) in row.entries() {
            let Some(place) = self.schema.position(key) else { continue };
            match json::cell(&self.schema.columns[place], value) {
                Ok(text) => cells[place] = text,
                // The first by the schema's order of columns, whatever the order of the keys.
                Err(refusal) if fault.as_ref().is_none_or(|(first, _)| place < *first) => fault = Some((place, refusal)),
                Err(_) => {}
            }
        }
        fault.map_or(Ok(cells), |(_, refusal)| Err(refusal))
    }

    fn checked_lengths<'a>(&self, line: u64, cells: Vec<Cow<'a, str>>) -> Outcome<'a> {
        let Some(place) = cells.iter().position(|cell| cell.len() > FIELD_BYTES_MAX) else { return Outcome::Row(cells) };
        let refusal = Refusal::field_too_long(&self.schema.columns[place].name, &cells[place]);
        let pairs = RawRow::new(self.schema, line, cells.iter().map(AsRef::as_ref).collect()).to_pairs();
        Outcome::Refused(refusal, pairs.into_iter().map(|(column, text)| (column, kept(&text))).collect())
    }
}

/// A line as the quarantine keeps it; with its account, where that can be read, so that it can be found by it.
fn raw_line(row: Option<&Object<'_>>, text: &str) -> Vec<(String, String)> {
    let account = row.and_then(|row| row.string("account_id"));
    let account = account.filter(|account| account.len() <= FIELD_BYTES_MAX);
    let account = account.map(|account| ("account_id".to_owned(), account.into_owned()));
    account.into_iter().chain([(LINE.to_owned(), kept(text))]).collect()
}

#[cfg(test)]
mod tests;

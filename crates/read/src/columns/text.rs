//! Rows of text cells, read into columns: CSV and NDJSON take this way.

use super::super::{FileRefusal, RowReader};
use super::UsageReader;
use reckoner_core::table::usage::{UsageRow, parse, tags_text};
use reckoner_core::table::{Coded, Context, UsageColumns};
use std::collections::HashMap;

/// A reader of text, handing out columns.
pub(super) struct TextColumnsReader {
    rows: Box<dyn RowReader>,
}

/// A column of texts that repeat, being written.
#[derive(Default)]
struct Coder {
    column: Coded,
    codes: HashMap<String, u32>,
}

/// Columns being written; what stands in a row that is not read is empty.
#[derive(Default)]
struct Columns {
    columns: UsageColumns,
    account_id: Coder,
    resource_id: Coder,
    sku: Coder,
    region: Coder,
    resource_name: Coder,
    tags: Coder,
    revision: Vec<u32>,
}

impl TextColumnsReader {
    pub(super) fn new(rows: Box<dyn RowReader>) -> Self {
        Self { rows }
    }
}

impl UsageReader for TextColumnsReader {
    fn next_columns(&mut self) -> Result<Option<UsageColumns>, FileRefusal> {
        let Some(batch) = self.rows.next_batch()? else { return Ok(None) };
        let (mut columns, context) = (Columns::default(), Context::new(""));
        let mut refused = batch.refused().iter().map(|row| row.line).peekable();
        for row in batch.rows() {
            while let Some(line) = refused.next_if(|line| *line < row.line()) {
                columns.push(line, None);
            }
            let read = parse(&row, &context).ok().filter(|row| row.corrects.is_none() && !row.is_waived);
            columns.push(row.line(), read);
        }
        refused.for_each(|line| columns.push(line, None));
        Ok(Some(columns.finish()))
    }
}

impl Columns {
    fn push(&mut self, line: u64, row: Option<UsageRow>) {
        if row.is_none() {
            self.columns.unread.push(self.columns.lines.len() as u32);
        }
        self.columns.lines.push(line);
        let text = |get: fn(&UsageRow) -> &str| row.as_ref().map(get).unwrap_or_default();
        self.columns.record_id.push(text(|row| &row.record_id));
        self.account_id.push(text(|row| &row.account_id));
        self.resource_id.push(text(|row| &row.resource_id));
        self.sku.push(text(|row| &row.sku));
        self.region.push(text(|row| row.region.as_deref().unwrap_or_default()));
        self.resource_name.push(text(|row| row.resource_name.as_deref().unwrap_or_default()));
        self.tags.push(&row.as_ref().map(|row| tags_text(&row.tags)).unwrap_or_default());
        self.columns.started_at.push(row.as_ref().map_or(0, |row| row.started_at.seconds()));
        self.columns.ended_at.push(row.as_ref().map_or(0, |row| row.ended_at.seconds()));
        self.columns.quantity_e12.push(row.as_ref().map_or(0, |row| row.quantity.e12()));
        self.revision.push(row.as_ref().map_or(0, |row| row.revision));
    }

    fn finish(self) -> UsageColumns {
        UsageColumns {
            account_id: self.account_id.column,
            resource_id: self.resource_id.column,
            sku: self.sku.column,
            region: self.region.finish(),
            resource_name: self.resource_name.finish(),
            tags: self.tags.finish(),
            revision: self.revision.iter().any(|revision| *revision > 0).then_some(self.revision),
            ..self.columns
        }
    }
}

impl Coder {
    fn push(&mut self, text: &str) {
        let code = match self.codes.get(text) {
            Some(code) => *code,
            None => {
                let code = self.column.values.len() as u32;
                self.codes.insert(text.to_owned(), code);
                self.column.values.push(text);
                code
            }
        };
        self.column.codes.push(code);
    }

    /// The column, if it says anything.
    fn finish(self) -> Option<Coded> {
        (!self.column.values.text.is_empty()).then_some(self.column)
    }
}

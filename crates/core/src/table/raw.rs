//! Rows as delivered, what is known around them, and why one is refused.

use super::reason;
use super::schema::{HeaderFault, TableSchema};

/// A longer field is refused: no name, label or tier list needs it.
pub const FIELD_BYTES_MAX: usize = 64 * 1024;

const VALUE_CHARS_MAX: usize = 200;
const SHOWN_CHARS_MAX: usize = 60;

/// A row as delivered: a borrowed view, column to text. Empty text is a missing value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow<'a> {
    schema: &'static TableSchema,
    line: u64,
    cells: Vec<&'a str>,
}

impl<'a> RawRow<'a> {
    /// A row whose cells stand in the order of the schema's columns, empty where the file has no such column.
    ///
    /// `line` is the line in the delivered file, the header being line 1; in Parquet the row, from 1.
    pub fn new(schema: &'static TableSchema, line: u64, cells: Vec<&'a str>) -> Self {
        assert_eq!(cells.len(), schema.columns.len(), "a reader hands over one cell for every column of the schema");
        Self { schema, line, cells }
    }

    /// A row from column names and texts, as the quarantine keeps it.
    ///
    /// # Errors
    /// [`HeaderFault`] when a column is unknown, named twice, or required and not there.
    pub fn from_pairs(schema: &'static TableSchema, line: u64, pairs: &'a [(String, String)]) -> Result<Self, HeaderFault> {
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        let layout = schema.layout(&names, &[])?;
        let mut cells = vec![""; schema.columns.len()];
        for (place, (_, text)) in layout.places.iter().zip(pairs) {
            cells[place.expect("no extra column was allowed")] = text;
        }
        Ok(Self { schema, line, cells })
    }

    /// The table that the row belongs to.
    pub fn schema(&self) -> &'static TableSchema {
        self.schema
    }

    /// Line in the delivered file.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The text in the schema's column of this name; empty where there is none.
    pub fn get(&self, column: &str) -> &'a str {
        self.schema.position(column).map_or("", |place| self.cells[place])
    }

    /// Column names and texts, as the quarantine keeps them: what is required and what is not empty.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let columns = self.schema.columns.iter().zip(&self.cells);
        let kept = columns.filter(|(column, text)| column.is_required || !text.is_empty());
        kept.map(|(column, text)| (column.name.clone(), (*text).to_owned())).collect()
    }

    pub(super) fn cell(&self, place: usize) -> &'a str {
        self.cells[place]
    }
}

/// What a row may leave out because it is known around it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    home_currency: &'a str,
    account_currency: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Context<'a> {
    /// Only the home's currency is known: every row without a currency has it.
    pub fn new(home_currency: &'a str) -> Self {
        Self { home_currency, account_currency: &|_| None }
    }

    /// Accounts have currencies of their own, which funds and vouchers may leave out.
    pub fn with_account_currency(self, account_currency: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { account_currency, ..self }
    }

    pub(super) fn home_currency(&self) -> String {
        self.home_currency.to_owned()
    }

    /// The account's currency, or the home's where the account is unknown (the row is then refused for that).
    pub(super) fn currency_of(&self, account_id: &str) -> String {
        (self.account_currency)(account_id).unwrap_or_else(|| self.home_currency())
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("home_currency", &self.home_currency).finish_non_exhaustive()
    }
}

/// Why a row is refused: the first thing that is wrong, by the schema's order of columns, then across columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// What was seen there, at most 200 characters; nothing where it was empty.
    pub value: Option<String>,
    /// A code of [`reason`].
    pub reason: &'static str,
    /// The sentence for a person: what was seen, what was expected, what to do.
    pub detail: String,
}

impl Refusal {
    /// A refusal for what stands in one column; `expected` says what should, and what to do.
    pub fn at(column: &str, value: &str, reason: &'static str, expected: &str) -> Self {
        let seen = if value.is_empty() { "empty".to_owned() } else { format!("`{}`", shown(value)) };
        Self {
            column: Some(column.to_owned()),
            value: (!value.is_empty()).then(|| value.chars().take(VALUE_CHARS_MAX).collect()),
            reason,
            detail: format!("`{column}` is {seen}: {expected}"),
        }
    }

    /// A refusal for a field that nobody meant to send.
    pub fn field_too_long(column: &str, value: &str) -> Self {
        let expected = format!(
            "the field has {} bytes, expected at most {FIELD_BYTES_MAX}; look for a quote that is not closed, or shorten it",
            value.len()
        );
        Self::at(column, value, reason::FIELD_TOO_LONG, &expected)
    }

    /// A refusal for a record that does not fit its header.
    pub fn wrong_field_count(seen: usize, expected: usize) -> Self {
        let detail = format!(
            "the record has {seen} fields, its header has {expected}: put fields that hold a comma or a quote into quotes, \
             and leave empty fields in place"
        );
        Self { column: None, value: None, reason: reason::WRONG_FIELD_COUNT, detail }
    }
}

/// A value as it may stand in a sentence: short, without control characters.
fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if value.chars().nth(SHOWN_CHARS_MAX).is_some() {
        text.push('…');
    }
    text
}

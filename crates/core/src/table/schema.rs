//! The contract's tables as the files in `schemas/` describe them: columns, types, defaults, meaning.
//!
//! The same files are documentation, the check of every header, and the source of defaults and known words.

use super::{TableKind, read, reason};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One table of the contract.
#[derive(Debug, PartialEq, Eq)]
pub struct TableSchema {
    /// The name that the contract uses.
    pub name: String,
    /// A changed meaning is a new version.
    pub version: u32,
    /// What a row says.
    pub meaning: String,
    /// Input: the columns that name a row. Output: the columns that order the rows.
    pub key: Vec<String>,
    /// The columns, in the contract's order.
    pub columns: Vec<ColumnSchema>,
    positions: HashMap<String, usize>,
}

/// One column of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct ColumnSchema {
    /// The name in the header.
    pub name: String,
    /// How the text is read.
    pub column_type: ColumnType,
    /// Words that are allowed beside the type, such as `*`.
    pub also: Vec<String>,
    /// Input: the column must be in the header and filled. Output: every row has a value.
    pub is_required: bool,
    /// The text that stands for an empty cell.
    pub default: Option<String>,
    /// What an empty cell means, where no text says it.
    pub when_empty: Option<String>,
    /// What the number counts.
    pub unit: Option<String>,
    /// What the value says.
    pub meaning: String,
    /// A value that could stand there.
    pub example: String,
}

/// How the text of a cell is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Any characters but control characters.
    Text,
    /// 1 to 128 characters of the id alphabet.
    Id,
    /// Three capital letters, as in ISO 4217.
    Currency,
    /// RFC 3339 with an offset.
    Instant,
    /// `2026-01-05`.
    Date,
    /// `2026-01`.
    Period,
    /// Up to 12 decimals, no sign.
    Quantity,
    /// Up to 12 decimals.
    SignedQuantity,
    /// Up to 12 decimals, no sign.
    Price,
    /// Up to 8 decimals, no sign.
    Money,
    /// Up to 8 decimals.
    SignedMoney,
    /// 0 to 100, up to 8 decimals.
    Percent,
    /// Whole numbers in a range, both ends included.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Word(Vec<String>),
    /// `a;b;c`, each of one type.
    List(Box<ColumnType>),
    /// `key=value;key=value`.
    Map,
    /// Counts and the price of that many: `12=900;24=1600`.
    Terms,
    /// JSON, read by the table's own module.
    Json,
}

/// Why a header does not fit: the file is refused whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct HeaderFault {
    /// [`reason::MISSING_COLUMN`], [`reason::UNKNOWN_COLUMN`] or [`reason::DUPLICATE_COLUMN`].
    pub reason: &'static str,
    /// The sentence for a person.
    pub detail: String,
}

/// Where the columns of a file belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// For every column of the file its place in the schema; nothing for an extra column that is allowed and ignored.
    pub places: Vec<Option<usize>>,
}

impl TableSchema {
    /// The place of a column in the contract's order.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.positions.get(column).copied()
    }

    /// The column of this name.
    pub fn column(&self, column: &str) -> Option<&ColumnSchema> {
        self.position(column).map(|place| &self.columns[place])
    }

    /// Checks a header and says where its columns belong. `allowed` names extra columns that are ignored.
    ///
    /// # Errors
    /// [`HeaderFault`] for a column that is unknown, there twice, or required and not there; the first in this order.
    pub fn layout<S: AsRef<str>>(&self, header: &[S], allowed: &[String]) -> Result<Layout, HeaderFault> {
        let mut places = Vec::with_capacity(header.len());
        let mut is_there = vec![false; self.columns.len()];
        for (index, name) in header.iter().map(AsRef::as_ref).enumerate() {
            let place = self.position(name);
            if place.is_none() && !allowed.iter().any(|extra| extra == name) {
                return Err(self.unknown_column(name, index));
            }
            if let Some(place) = place
                && std::mem::replace(&mut is_there[place], true)
            {
                let detail = format!("the header names the column `{name}` twice: which of them holds cannot be known");
                return Err(HeaderFault { reason: reason::DUPLICATE_COLUMN, detail });
            }
            places.push(place);
        }
        let mut missing = self.columns.iter().zip(is_there).filter(|(column, is_there)| column.is_required && !is_there);
        match missing.next() {
            Some((column, _)) => Err(self.missing_column(column)),
            None => Ok(Layout { places }),
        }
    }

    fn unknown_column(&self, name: &str, index: usize) -> HeaderFault {
        let same = |column: &&ColumnSchema| column.name.eq_ignore_ascii_case(name.trim());
        let hint = match self.columns.iter().find(same) {
            Some(column) => format!("write it `{}`", column.name),
            None => {
                let known: Vec<String> = self.columns.iter().map(|column| format!("`{}`", column.name)).collect();
                format!("expected only {}", known.join(", "))
            }
        };
        let name = name.escape_debug().take(60).collect::<String>();
        let detail = format!("column {} of the header is `{name}`, which `{}` does not have: {hint}", index + 1, self.name);
        HeaderFault { reason: reason::UNKNOWN_COLUMN, detail }
    }

    fn missing_column(&self, column: &ColumnSchema) -> HeaderFault {
        let required = self.columns.iter().filter(|column| column.is_required);
        let required: Vec<String> = required.map(|column| format!("`{}`", column.name)).collect();
        let detail = format!(
            "the header lacks the column `{}` ({}): `{}` needs {}",
            column.name,
            column.meaning.trim_end_matches('.'),
            self.name,
            required.join(", ")
        );
        HeaderFault { reason: reason::MISSING_COLUMN, detail }
    }
}

impl ColumnSchema {
    /// Whether the text may stand in this column; an empty cell is not asked about.
    ///
    /// # Errors
    /// [`read::Fault`] with the code and what was expected.
    pub fn check(&self, text: &str) -> Result<(), read::Fault> {
        if self.also.iter().any(|word| word == text) {
            return Ok(());
        }
        self.column_type.check(text)
    }
}

impl ColumnType {
    /// Whether the text is of this type.
    ///
    /// # Errors
    /// [`read::Fault`] with the code and what was expected.
    pub fn check(&self, text: &str) -> Result<(), read::Fault> {
        match self {
            Self::Text => read::text(text).map(drop),
            Self::Id => read::id(text).map(drop),
            Self::Currency => read::currency(text).map(drop),
            Self::Instant => read::instant(text).map(drop),
            Self::Date => read::date(text).map(drop),
            Self::Period => read::date(&format!("{text}-01")).map(drop),
            Self::Quantity => read::quantity(text).map(drop),
            Self::SignedQuantity => read::quantity(text.strip_prefix('-').unwrap_or(text)).map(drop),
            Self::Price => read::price(text).map(drop),
            Self::Money => read::money(text).map(drop),
            Self::SignedMoney => read::signed_money(text).map(drop),
            Self::Percent => read::percent(text).map(drop),
            Self::Integer { min, max } => read::integer(text, *min, *max).map(drop),
            Self::Boolean => read::boolean(text).map(drop),
            Self::Word(words) => read::word(text, words).map(drop),
            Self::List(of) => read::list(text, |item| of.check(item)).map(drop),
            Self::Map => read::map(text).map(drop),
            Self::Terms => read::terms(text).map(drop),
            Self::Json => read::json(text).map(drop),
        }
    }
}

/// The schema of an input table.
pub fn input(kind: TableKind) -> &'static TableSchema {
    let found = INPUT.iter().find(|schema| schema.name == kind.as_str());
    found.expect("every input table has its file in schemas/in")
}

/// The schemas of the output tables, by name.
pub fn outputs() -> &'static [TableSchema] {
    &OUTPUT
}

/// The schema of the output table of this name.
pub fn output(name: &str) -> Option<&'static TableSchema> {
    OUTPUT.iter().find(|schema| schema.name == name)
}

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        [$(include_str!(concat!("../../../../schemas/", $folder, "/", $name, ".toml"))),+]
    };
}

static INPUT: LazyLock<Vec<TableSchema>> = LazyLock::new(|| {
    let files = files!("in": "accounts", "products", "prices", "discounts", "vouchers", "funds", "orders", "assignments",
        "usage", "allocation_rules", "budgets");
    files.into_iter().map(parse).collect()
});

static OUTPUT: LazyLock<Vec<TableSchema>> = LazyLock::new(|| {
    let files = files!("out": "accounts", "allocation", "bill_lines", "bills", "charges", "costs", "deferred", "editions",
        "files", "ledger", "orders", "payments", "quarantine", "receivables", "runs", "settlements", "statement",
        "subscriptions", "usage_accounting", "vouchers");
    files.into_iter().map(parse).collect()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    name: String,
    version: u32,
    meaning: String,
    #[serde(alias = "sorted_by")]
    key: Vec<String>,
    columns: Vec<ColumnFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    name: String,
    r#type: String,
    #[serde(default)]
    values: Vec<String>,
    of: Option<String>,
    #[serde(default)]
    also: Vec<String>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default)]
    required: bool,
    default: Option<String>,
    when_empty: Option<String>,
    unit: Option<String>,
    meaning: String,
    example: String,
}

/// The files are part of the program; a broken one is a broken build, which the tests notice.
fn parse(text: &str) -> TableSchema {
    let file: TableFile = toml::from_str(text).expect("the files in schemas/ are TOML of this shape");
    let columns: Vec<ColumnSchema> = file.columns.into_iter().map(ColumnSchema::from).collect();
    let positions = columns.iter().enumerate().map(|(place, column)| (column.name.clone(), place)).collect();
    TableSchema { name: file.name, version: file.version, meaning: file.meaning, key: file.key, columns, positions }
}

impl From<ColumnFile> for ColumnSchema {
    fn from(file: ColumnFile) -> Self {
        let column_type = file.column_type();
        Self {
            name: file.name,
            column_type,
            also: file.also,
            is_required: file.required,
            default: file.default,
            when_empty: file.when_empty,
            unit: file.unit,
            meaning: file.meaning,
            example: file.example,
        }
    }
}

impl ColumnFile {
    fn column_type(&self) -> ColumnType {
        match self.r#type.as_str() {
            "enum" => ColumnType::Word(self.values.clone()),
            "list" if !self.values.is_empty() => ColumnType::List(Box::new(ColumnType::Word(self.values.clone()))),
            "list" => ColumnType::List(Box::new(plain_type(self.of.as_deref().expect("a list says of what")))),
            "integer" => ColumnType::Integer { min: self.min.unwrap_or(0), max: self.max.unwrap_or(i64::from(u32::MAX)) },
            plain => plain_type(plain),
        }
    }
}

fn plain_type(word: &str) -> ColumnType {
    match word {
        "text" => ColumnType::Text,
        "id" => ColumnType::Id,
        "currency" => ColumnType::Currency,
        "instant" => ColumnType::Instant,
        "date" => ColumnType::Date,
        "period" => ColumnType::Period,
        "quantity" => ColumnType::Quantity,
        "signed_quantity" => ColumnType::SignedQuantity,
        "price" => ColumnType::Price,
        "money" => ColumnType::Money,
        "signed_money" => ColumnType::SignedMoney,
        "percent" => ColumnType::Percent,
        "boolean" => ColumnType::Boolean,
        "map" => ColumnType::Map,
        "terms" => ColumnType::Terms,
        "json" => ColumnType::Json,
        other => unreachable!("the files in schemas/ know no type `{other}`"),
    }
}

#[cfg(test)]
mod tests;

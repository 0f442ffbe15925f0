//! A table on its way out: named, typed columns and batches of rows.

use super::WriteError;
use crate::failure::Failure;
use reckoner_core::number::{FeeScale, MONEY_SCALE, Money, QUANTITY_SCALE, Quantity, UnitPrice, format_fixed, format_trimmed};
use reckoner_core::time::{Instant, Zone};
use std::borrow::Cow;

/// One row: a cell for each column, in order.
pub type Row = Vec<Cell>;

/// Rows as they come, some thousands at a time.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Vec<Row>, Failure>> + 'a>;

/// Digits of a Parquet decimal.
const DECIMAL_MAX: u128 = 10_u128.pow(38);

/// A table on its way out. Its rows are in the order in which they are to be written.
pub struct Table<'a> {
    /// Name by the contract, `charges`.
    pub name: String,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, in batches.
    pub batches: Batches<'a>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name by the contract, `due_amount`.
    pub name: Cow<'static, str>,
    /// What its cells are.
    pub kind: ColumnKind,
}

/// What the cells of a column are; any of them may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// Text, words, maps: in CSV guarded against spreadsheets that would run it.
    Text,
    /// An id. It may begin with `-` or `@` and is written as it is, so that it comes back as it went; its alphabet has
    /// nothing that makes a formula.
    Id,
    /// Money: the fee scale's digits; Decimal(38, 8).
    Amount,
    /// How much: no trailing zeros; Decimal(38, 12).
    Quantity,
    /// Price of a unit: no trailing zeros; Decimal(38, 12).
    Price,
    /// RFC 3339 in the billing zone; timestamp(µs, UTC).
    Instant,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Bool,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// No value.
    Empty,
    /// For text and id columns.
    Text(Cow<'static, str>),
    /// For amount columns.
    Amount(Money),
    /// For amount columns: a sum at 1e-8 that may pass 64 bits.
    WideAmount(i128),
    /// For quantity columns.
    Quantity(Quantity),
    /// For price columns.
    Price(UnitPrice),
    /// For instant columns. "Since ever" and "until further notice" are written as no value.
    Instant(Instant),
    /// For integer columns.
    Integer(i64),
    /// For bool columns.
    Bool(bool),
}

/// How values become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendering {
    /// The billing zone.
    pub zone: Zone,
    /// Digits of amounts after the point: the profile's.
    pub fee_scale: FeeScale,
}

impl<'a> Table<'a> {
    /// A table whose rows come in batches.
    pub fn new(
        name: impl Into<String>,
        columns: Vec<Column>,
        batches: impl Iterator<Item = Result<Vec<Row>, Failure>> + 'a,
    ) -> Self {
        Self { name: name.into(), columns, batches: Box::new(batches) }
    }

    /// A small table whose rows are at hand.
    pub fn of_rows(name: impl Into<String>, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        Self::new(name, columns, std::iter::once(Ok(rows)))
    }

    /// Takes the table apart; every batch that comes is checked against the columns first.
    pub(super) fn into_checked(self) -> (Vec<Column>, impl Iterator<Item = Result<Vec<Row>, WriteError>> + 'a) {
        let columns = self.columns.clone();
        let batches = self.batches.map(move |batch| {
            let rows = batch?;
            rows.iter().try_for_each(|row| check_row(&self.name, &self.columns, row))?;
            Ok(rows)
        });
        (columns, batches)
    }
}

/// A row that does not fit its table would be a column shifted in somebody's books.
fn check_row(table: &str, columns: &[Column], row: &[Cell]) -> Result<(), Failure> {
    if row.len() != columns.len() {
        let saw = format!("a row of {} cells in a table of {} columns", row.len(), columns.len());
        return Err(Failure::invariant(saw).at(format!("table `{table}`")));
    }
    for (column, cell) in columns.iter().zip(row) {
        if !cell.fits(column.kind) {
            let saw = format!("a cell {cell:?} in a column of kind {:?}", column.kind);
            return Err(Failure::invariant(saw).at(format!("table `{table}`, column `{}`", column.name)));
        }
    }
    Ok(())
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<Cow<'static, str>>, kind: ColumnKind) -> Self {
        Self { name: name.into(), kind }
    }
}

impl Cell {
    /// A text cell; an empty text is no value.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// Whether there is no value to write.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty | Self::Instant(Instant::MIN | Instant::MAX))
    }

    fn fits(&self, kind: ColumnKind) -> bool {
        match (self, kind) {
            (Self::Empty, _) => true,
            (Self::Text(_), kind) => matches!(kind, ColumnKind::Text | ColumnKind::Id),
            (Self::Amount(_), kind) => kind == ColumnKind::Amount,
            (Self::WideAmount(e8), kind) => kind == ColumnKind::Amount && e8.unsigned_abs() < DECIMAL_MAX,
            (Self::Quantity(quantity), kind) => kind == ColumnKind::Quantity && quantity.e12().unsigned_abs() < DECIMAL_MAX,
            (Self::Price(price), kind) => kind == ColumnKind::Price && price.e12().unsigned_abs() < DECIMAL_MAX,
            (Self::Instant(_), kind) => kind == ColumnKind::Instant,
            (Self::Integer(_), kind) => kind == ColumnKind::Integer,
            (Self::Bool(_), kind) => kind == ColumnKind::Bool,
        }
    }

    /// The cell as text; nothing where there is no value.
    ///
    /// # Errors
    /// Exit 70 for an amount with more digits than the fee scale: it must have been cut there, and is not cut here.
    pub(super) fn rendered(&self, rendering: Rendering) -> Result<Option<Cow<'_, str>>, Failure> {
        if self.is_empty() {
            return Ok(None);
        }
        Ok(Some(match self {
            Self::Empty => return Ok(None),
            Self::Text(text) => Cow::Borrowed(text.as_ref()),
            Self::Amount(amount) => amount_text(i128::from(amount.e8()), rendering.fee_scale)?.into(),
            Self::WideAmount(amount_e8) => amount_text(*amount_e8, rendering.fee_scale)?.into(),
            Self::Quantity(quantity) => format_trimmed(quantity.e12(), QUANTITY_SCALE).into(),
            Self::Price(price) => format_trimmed(price.e12(), QUANTITY_SCALE).into(),
            Self::Instant(instant) => rendering.zone.to_text(*instant).into(),
            Self::Integer(number) => number.to_string().into(),
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
        }))
    }
}

fn amount_text(amount_e8: i128, fee_scale: FeeScale) -> Result<String, Failure> {
    let digits = fee_scale.digits();
    if amount_e8 % 10_i128.pow(MONEY_SCALE - digits) != 0 {
        let amount = format_trimmed(amount_e8, MONEY_SCALE);
        return Err(Failure::invariant(format!("the amount {amount} has more than {digits} digits after the point"))
            .expected("amounts cut at the profile's fee scale"));
    }
    Ok(format_fixed(amount_e8, MONEY_SCALE, digits))
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&'static str> for Cell {
    fn from(text: &'static str) -> Self {
        Self::text(text)
    }
}

impl From<Money> for Cell {
    fn from(amount: Money) -> Self {
        Self::Amount(amount)
    }
}

impl From<Quantity> for Cell {
    fn from(quantity: Quantity) -> Self {
        Self::Quantity(quantity)
    }
}

impl From<UnitPrice> for Cell {
    fn from(price: UnitPrice) -> Self {
        Self::Price(price)
    }
}

impl From<Instant> for Cell {
    fn from(instant: Instant) -> Self {
        Self::Instant(instant)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).expect("counts stay below 2^63"))
    }
}

impl From<bool> for Cell {
    fn from(answer: bool) -> Self {
        Self::Bool(answer)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

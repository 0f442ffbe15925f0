//! The output tables as far as this version has them: one file a group of tables, and one list that names them all.
//!
//! Owns: columns and order of rows of each table, what `--from`, `--to` and `--account` mean.
//! Does not own: how a table is written (`report`), the facts (store and lake), the columns' meaning (`schemas/out`).
//! Promises: rows in the contract's order; the same bytes for the same store and clock; a wish that a table cannot meet is
//! refused, never ignored.

mod accounts;
mod charges;
mod editions;
mod intake;
pub mod ledger;
mod lives;
mod payments;
mod runs;
mod statement;

use super::{Batches, Cell, Column, ColumnKind, Row, Table};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::time::{Instant, Window};

/// Every table that this version has, in the contract's order, then what it adds.
pub static TABLES: &[&ExportTable] = &[
    &charges::CHARGES,
    &payments::PAYMENTS,
    &lives::SUBSCRIPTIONS,
    &accounts::ACCOUNTS,
    &lives::ORDERS,
    &accounts::VOUCHERS,
    &statement::STATEMENT,
    &editions::EDITIONS,
    &runs::RUNS,
    &intake::QUARANTINE,
    &intake::USAGE_ACCOUNTING,
    &payments::SETTLEMENTS,
    &intake::FILES,
    &ledger::LEDGER,
];

/// A table as it can be exported.
pub struct ExportTable {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order; the first instant is what `--from` and `--to` are held against.
    pub columns: &'static [(&'static str, ColumnKind)],
    /// Which rows belong to an account.
    by_account: ByAccount,
    /// All rows that may be wanted, in order; those that are not wanted are left out afterwards.
    rows: for<'a> fn(&'a Books, &Selection) -> Result<Batches<'a>, Failure>,
}

/// Which rows of a table belong to an account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByAccount {
    /// Those whose `account_id` names it.
    Column,
    /// `rows` knows; no column says.
    Asked,
    /// None: rows are not of accounts; why not.
    No(&'static str),
}

/// Which rows of a table.
#[derive(Debug, Clone)]
pub struct Selection {
    /// By the table's first time column, half-open; everything without a range.
    pub within: Option<Window>,
    /// Only this account.
    pub account_id: Option<String>,
}

impl Selection {
    /// The range, all of time without one.
    pub fn span(&self) -> Window {
        self.within.unwrap_or(Window::new(Instant::MIN, Instant::MAX))
    }

    fn wants_account(&self, account_id: Option<&str>) -> bool {
        self.account_id.as_deref().is_none_or(|wanted| account_id == Some(wanted))
    }
}

/// The table of this name, if this version has it.
pub fn find(name: &str) -> Option<&'static ExportTable> {
    TABLES.iter().copied().find(|table| table.name == name)
}

impl ExportTable {
    /// The wanted rows.
    ///
    /// # Errors
    /// Exit 2 when the table has no time or no account to select by; what the store or the lake says.
    pub fn select<'a>(&self, books: &'a Books, selection: &Selection) -> Result<Table<'a>, Failure> {
        self.check(selection)?;
        let (time, account) = (self.time_column(), self.columns.iter().position(|(name, _)| *name == "account_id"));
        let account = account.filter(|_| self.by_account == ByAccount::Column);
        let wanted = selection.clone();
        let is_wanted = move |row: &Row| {
            let is_in_time = wanted.within.is_none_or(|within| time.is_some_and(|place| is_within(&row[place], within)));
            is_in_time && account.is_none_or(|place| wanted.wants_account(text_of(&row[place])))
        };
        let batches = (self.rows)(books, selection)?;
        let kept = batches.map(move |batch| Ok(batch?.into_iter().filter(&is_wanted).collect()));
        let columns = self.columns.iter().map(|(name, kind)| Column::new(*name, *kind)).collect();
        Ok(Table::new(self.name, columns, kept))
    }

    /// The place of the first time column, which a range is held against.
    fn time_column(&self) -> Option<usize> {
        self.columns.iter().position(|(_, kind)| *kind == ColumnKind::Instant)
    }

    fn check(&self, selection: &Selection) -> Result<(), Failure> {
        if selection.within.is_some() && self.time_column().is_none() {
            return Err(Failure::usage(format!("`{}` has no time column that a range could be held against", self.name))
                .at("--from, --to")
                .expected("a table with a time column")
                .hint("leave the range out"));
        }
        match (self.by_account, &selection.account_id) {
            (ByAccount::No(why), Some(_)) => Err(Failure::usage(format!("the rows of `{}` are of no account: {why}", self.name))
                .at("--account")
                .expected("a table whose rows belong to accounts")
                .hint("leave `--account` out; `charges`, `payments` and `settlements` have it")),
            _ => Ok(()),
        }
    }
}

/// A row without a value in its time column lies in no range.
fn is_within(cell: &Cell, within: Window) -> bool {
    matches!(cell, Cell::Instant(instant) if within.holds(*instant))
}

fn text_of(cell: &Cell) -> Option<&str> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}

/// Rows at hand as one batch.
fn at_hand(rows: Vec<Row>) -> Batches<'static> {
    Box::new(std::iter::once(Ok(rows)))
}

#[cfg(test)]
mod tests;

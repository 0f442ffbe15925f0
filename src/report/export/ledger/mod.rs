//! The double-entry journal: as a flat table, and as plain-text accounting for the tools that finance checks books with.
//!
//! A leg above 0 is a debit, as in those tools. Amounts always have eight digits, so that no tool's tolerance (half of the
//! last digit) can hide a difference.

mod beancount;
mod hledger;
mod names;

use super::{Batches, ByAccount, ExportTable, Selection, at_hand};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant, Text};
use reckoner_core::ledger::Transaction;
use reckoner_core::time::Zone;
use std::collections::BTreeSet;
use std::io::{self, Write};

pub(super) static LEDGER: ExportTable = ExportTable {
    name: "ledger",
    columns: &[
        ("transaction_id", Id),
        ("at", Instant),
        ("description", Text),
        ("account", Text),
        ("amount", Amount),
        ("currency", Text),
    ],
    by_account: ByAccount::No("a transaction has legs of many"),
    rows: legs,
};

/// By at, transaction_id, account: the order in which a journal is read.
fn legs<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let mut rows = Vec::new();
    for transaction in books.store().transactions(selection.span())? {
        for leg in transaction.legs {
            rows.push(vec![
                transaction.transaction_id.clone().into(),
                transaction.at.into(),
                transaction.description.clone().into(),
                leg.account.into(),
                leg.amount.into(),
                transaction.currency.clone().into(),
            ]);
        }
    }
    Ok(at_hand(rows))
}

/// The plain-text formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    /// Read by `hledger` and by `ledger`.
    Hledger,
    /// Read by `beancount`, versions 2 and 3.
    Beancount,
}

/// A journal on its way out.
pub struct Entries {
    zone: Zone,
    transactions: Vec<Transaction>,
}

/// The transactions that are wanted.
///
/// # Errors
/// Exit 2 when they are asked for by account; what the store says.
pub fn entries(books: &Books, selection: &Selection) -> Result<Entries, Failure> {
    LEDGER.check(selection)?;
    Ok(Entries { zone: books.zone, transactions: books.store().transactions(selection.span())? })
}

impl Entries {
    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Writes them.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, journal: Journal, out: &mut dyn Write) -> io::Result<()> {
        match journal {
            Journal::Hledger => hledger::write(self, out),
            Journal::Beancount => beancount::write(self, out),
        }
    }

    fn currencies(&self) -> BTreeSet<&str> {
        self.transactions.iter().map(|transaction| transaction.currency.as_str()).collect()
    }

    /// The billing day of a transaction, which is its date in a journal.
    fn date_of(&self, transaction: &Transaction) -> String {
        self.zone.date_of(transaction.at).to_string()
    }
}

#[cfg(test)]
mod tests;

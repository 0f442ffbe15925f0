//! An account's money, line by line: `statement` by account_id, then in the order in which it moved.

use super::{Batches, ByAccount, ExportTable, Selection, at_hand};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant as At, Text};
use reckoner_core::ledger::{LedgerAccount, transaction_id};
use reckoner_core::number::Money;
use reckoner_core::table::FundsKind;
use reckoner_core::time::{Instant, Window};
use reckoner_engine::view;
use reckoner_store::FundsEntry;
use std::collections::{HashMap, HashSet};

/// A balance is what everything before it came to, so that rows are made of all of time.
const ALWAYS: Window = Window::new(Instant::MIN, Instant::MAX);

pub(super) static STATEMENT: ExportTable = ExportTable {
    name: "statement",
    columns: &[("account_id", Id), ("at", At), ("kind", Text), ("reference", Id), ("amount", Amount), ("balance_after", Amount)],
    by_account: ByAccount::Column,
    rows: statement,
};

fn statement<'a>(books: &'a Books, _: &Selection) -> Result<Batches<'a>, Failure> {
    let store = books.store();
    let (funds, payments) = (store.funds()?, store.payments(ALWAYS)?);
    let orders: HashSet<String> = store.orders(ALWAYS)?.into_iter().map(|order| order.row.order_id).collect();
    let moved = view::statement(&funds, &payments, &orders, &charged_back(books, &funds)?);
    let rows = moved.into_iter().map(|row| {
        vec![
            row.account_id.into(),
            row.at.into(),
            row.kind.into(),
            row.reference.into(),
            row.amount.into(),
            row.balance_after.into(),
        ]
    });
    Ok(at_hand(rows.collect()))
}

/// How much of each chargeback the cash covered: only the ledger says.
fn charged_back(books: &Books, funds: &[FundsEntry]) -> Result<HashMap<String, Money>, Failure> {
    let mut by_transaction: HashMap<String, &FundsEntry> = HashMap::new();
    for entry in funds.iter().filter(|entry| entry.row.kind == FundsKind::Chargeback) {
        let row = &entry.row;
        let id = transaction_id(row.kind.as_str(), row.at, &row.currency, &[&row.entry_id]);
        by_transaction.insert(id, entry);
    }
    if by_transaction.is_empty() {
        return Ok(HashMap::new());
    }
    let mut covered = HashMap::new();
    for transaction in books.store().transactions(ALWAYS)? {
        let Some(entry) = by_transaction.get(&transaction.transaction_id) else { continue };
        let wallet = LedgerAccount::Wallet(&entry.row.account_id).leg(Money::ZERO).account;
        let taken: Money = transaction.legs.iter().filter(|leg| leg.account == wallet).map(|leg| leg.amount).sum();
        covered.insert(entry.row.entry_id.clone(), taken);
    }
    Ok(covered)
}

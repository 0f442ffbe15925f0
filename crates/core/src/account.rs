//! Accounts as they were at an instant: dated rows, the first of which holds since ever.

use crate::table::AccountRow;
use crate::time::Instant;
use std::collections::{BTreeMap, HashMap};

/// Every account with its rows in order of time, of each `valid_from` the highest revision.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    by_id: HashMap<String, Vec<AccountRow>>,
}

impl Accounts {
    /// The accounts that these rows describe, in any order.
    pub fn new(rows: impl IntoIterator<Item = AccountRow>) -> Self {
        let mut by_id: HashMap<String, BTreeMap<Instant, AccountRow>> = HashMap::new();
        for row in rows {
            let dated = by_id.entry(row.account_id.clone()).or_default();
            let begins = row.valid_from.unwrap_or(Instant::MIN);
            match dated.get(&begins) {
                Some(kept) if kept.revision >= row.revision => {}
                _ => {
                    dated.insert(begins, row);
                }
            }
        }
        Self { by_id: by_id.into_iter().map(|(id, dated)| (id, dated.into_values().collect())).collect() }
    }

    /// The rows of an account.
    pub fn rows(&self, account_id: &str) -> Option<AccountRows<'_>> {
        self.by_id.get(account_id).map(|rows| AccountRows(rows))
    }

    /// The row in force at the instant.
    pub fn at(&self, account_id: &str, instant: Instant) -> Option<&AccountRow> {
        self.rows(account_id).map(|rows| rows.at(instant))
    }

    /// The account's one currency.
    pub fn currency(&self, account_id: &str) -> Option<&str> {
        self.rows(account_id).map(AccountRows::currency)
    }

    /// Whether the account has a cost centre at any time.
    pub fn has_cost_center(&self, account_id: &str) -> bool {
        self.rows(account_id).is_some_and(|AccountRows(rows)| rows.iter().any(|row| row.cost_center.is_some()))
    }

    /// Ids, in no particular order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }
}

/// The rows of one account in order of time; there is at least one.
#[derive(Debug, Clone, Copy)]
pub struct AccountRows<'a>(&'a [AccountRow]);

impl<'a> AccountRows<'a> {
    /// The row in force at the instant.
    pub fn at(self, instant: Instant) -> &'a AccountRow {
        let later = self.0.partition_point(|row| row.valid_from.is_some_and(|from| from <= instant));
        &self.0[later.max(1) - 1]
    }

    /// The account's one currency.
    pub fn currency(self) -> &'a str {
        &self.0[0].currency
    }
}

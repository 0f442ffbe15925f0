//! Accounts as they were at an instant: dated rows, the first of which holds since ever.

use crate::table::AccountRow;
use crate::time::Instant;
use std::collections::HashMap;
use std::sync::Arc;

/// Every account with its rows in order of time, of each `valid_from` the highest revision. A copy shares them.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    by_id: Arc<HashMap<String, Vec<AccountRow>>>,
}

impl Accounts {
    /// The accounts that these rows describe, in any order.
    pub fn new(rows: impl IntoIterator<Item = AccountRow>) -> Self {
        let rows = rows.into_iter();
        let mut by_id: HashMap<String, Vec<AccountRow>> = HashMap::with_capacity(rows.size_hint().0);
        for row in rows {
            match by_id.get_mut(&row.account_id) {
                Some(dated) => put(dated, row),
                // Mostly an account has one row.
                None => drop(by_id.insert(row.account_id.clone(), vec![row])),
            }
        }
        Self { by_id: Arc::new(by_id) }
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

/// Puts a row to its place in time, unless a higher revision is there.
fn put(dated: &mut Vec<AccountRow>, row: AccountRow) {
    let begins = |row: &AccountRow| row.valid_from.unwrap_or(Instant::MIN);
    let place = dated.partition_point(|kept| begins(kept) < begins(&row));
    match dated.get_mut(place).filter(|kept| begins(kept) == begins(&row)) {
        Some(kept) if kept.revision >= row.revision => {}
        Some(kept) => *kept = row,
        None => dated.insert(place, row),
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

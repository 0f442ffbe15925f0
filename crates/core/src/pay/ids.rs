//! Ids of settlements: of one, and of many accounts' first ones at an instant.

use crate::id;
use crate::time::Instant;

const KIND: &str = "se";
/// The revision of a first settlement.
const FIRST: &str = "0";

/// The id of an account's settlement at an instant; 0 is the first revision.
pub fn settlement_id(account_id: &str, at: Instant, revision: u32) -> String {
    id::derive(KIND, &[account_id, &at.to_utc_text(), &revision.to_string()])
}

/// The ids of accounts' first settlements: what is the same at all instants is laid out once.
#[derive(Debug, Default)]
pub struct FirstSettlementIds {
    accounts: id::Beginnings,
}

impl FirstSettlementIds {
    /// Of accounts, which are numbered from 0.
    pub fn of_accounts<'t>(account_ids: impl Iterator<Item = &'t str>) -> Self {
        let mut accounts = id::Beginnings::default();
        account_ids.for_each(|account_id| accounts.push(&id::Facts::of(&[KIND, account_id])));
        Self { accounts }
    }

    /// The ids of these accounts' first settlements at an instant, in their order.
    pub fn at(&self, at: Instant, accounts: impl IntoIterator<Item = usize>) -> impl Iterator<Item = String> {
        let end = id::End::new(&id::Facts::of(&[&at.to_utc_text(), FIRST]));
        let bits = self.accounts.bits(accounts.into_iter().map(|account| (account, &end)));
        bits.into_iter().map(|bits| id::shown(KIND, &bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_many_first_settlements_are_those_of_each() {
        let account_ids: Vec<String> = (0..130).map(|length| "a".repeat(length)).collect();
        let ids = FirstSettlementIds::of_accounts(account_ids.iter().map(String::as_str));
        let at = Instant::from_seconds(1_793_494_800);
        let asked = || (0..account_ids.len()).rev().step_by(3);
        let expected: Vec<String> = asked().map(|account| settlement_id(&account_ids[account], at, 0)).collect();
        assert_eq!(ids.at(at, asked()).collect::<Vec<_>>(), expected);
        assert_eq!(settlement_id("acct-0", at, 0), "se_5f354e2b72dc982a172014d9c3e58069");
    }
}

//! What a settlement run did, for the journal and for a person.

use super::decide::Decided;
use crate::report::amount_as_text;
use reckoner_core::number::Money;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a settlement run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Windows with input that were settled.
    pub windows: u64,
    /// Windows with news that were passed over because an operator holds them.
    pub held: u64,
    /// Usage rows in force that fall into the windows; a row that falls into two counts twice.
    pub rows_in: u64,
    /// Charges posted, corrections included.
    pub rows_out: u64,
    /// Funds entries carried out.
    pub funds: u64,
    /// Sums per currency.
    pub totals: BTreeMap<String, CurrencyTotals>,
}

/// Sums of a currency, written as decimals: due = what the sources paid + outstanding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CurrencyTotals {
    /// What became due.
    #[serde(serialize_with = "amount_as_text")]
    pub due: Money,
    /// Vouchers, flexi coupons, stored value.
    #[serde(serialize_with = "amount_as_text")]
    pub voucher: Money,
    /// Cash.
    #[serde(serialize_with = "amount_as_text")]
    pub balance: Money,
    /// Granted money.
    #[serde(serialize_with = "amount_as_text")]
    pub granted: Money,
    /// Credit.
    #[serde(serialize_with = "amount_as_text")]
    pub credit: Money,
    /// Collected outside.
    #[serde(serialize_with = "amount_as_text")]
    pub external: Money,
    /// Not paid at settlement.
    #[serde(serialize_with = "amount_as_text")]
    pub outstanding: Money,
}

impl Receipt {
    pub(super) fn add(&mut self, decided: &Decided) {
        self.windows += decided.batch.runs.len() as u64;
        self.rows_in += decided.batch.runs.iter().map(|run| run.rows_in).sum::<u64>();
        self.rows_out += decided.charges.len() as u64 + decided.bulk_charges;
        self.funds += decided.batch.funds.len() as u64;
        for settlement in &decided.batch.settlements {
            let currency = &*settlement.currency;
            if !self.totals.contains_key(currency) {
                self.totals.insert(currency.to_owned(), CurrencyTotals::default());
            }
            let totals = self.totals.get_mut(currency).expect("it is there");
            totals.due += settlement.due;
            totals.voucher += settlement.voucher;
            totals.balance += settlement.balance;
            totals.granted += settlement.granted;
            totals.credit += settlement.credit;
            totals.external += settlement.external;
            totals.outstanding += settlement.outstanding;
        }
    }
}

//! What a settlement run did, for the journal and for a person.

use super::decide::Decided;
use crate::report::amount_as_text;
use reckoner_core::life::{LifeEventKind, OrderStatus};
use reckoner_core::number::Money;
use reckoner_engine::morning;
use reckoner_store::LifeBatch;
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
    /// What became of orders, resources and accounts.
    pub lives: Lives,
}

/// What became of orders, resources and accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lives {
    /// Orders carried out, those of automatic renewals included.
    pub orders_done: u64,
    /// Orders refused.
    pub orders_refused: u64,
    /// How often each thing happened, and the sum of its amounts, by the event's word.
    pub happened: BTreeMap<LifeEventKind, Happened>,
    /// The ids of all of it, in the order done: what a plan is told by.
    #[serde(skip)]
    pub ids: Vec<String>,
}

/// How often something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// How often.
    pub count: u64,
    /// Paid, or outstanding; 0 where nothing is.
    #[serde(serialize_with = "amount_as_text")]
    pub amount: Money,
}

impl Lives {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, life: &LifeBatch) {
        for order in &life.orders {
            self.ids.push(format!("{} {}", order.order_id, order.status.as_str()));
            match order.status {
                OrderStatus::Done => self.orders_done += 1,
                OrderStatus::Refused => self.orders_refused += 1,
                OrderStatus::Pending => {}
            }
        }
        for event in &life.events {
            self.ids.push(event.event_id.clone());
            let happened = self.happened.entry(event.kind).or_default();
            happened.count += 1;
            happened.amount += morning::amount_of(event).unwrap_or_default();
        }
    }
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
        let of_use = decided.batch.runs.iter().filter(|run| run.job == "hourly");
        self.windows += of_use.clone().count() as u64;
        self.rows_in += of_use.map(|run| run.rows_in).sum::<u64>();
        self.rows_out += decided.charges.len() as u64 + decided.bulk_charges;
        self.funds += decided.batch.funds.len() as u64;
        self.lives.add(&decided.batch.life);
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

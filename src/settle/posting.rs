//! Posting: what the accounts' effects record, gathered into the batch.
//!
//! What all accounts of an instant have in common is one ledger transaction per currency: it has a leg for every account, and
//! one for each income, which is summed while the accounts come.

use super::bulk::{AccountDue, ProductDue};
use super::pay::{RunIds, Step};
use crate::failure::Failure;
use reckoner_core::ledger::{Transaction, TransactionBuilder};
use reckoner_core::number::Money;
use reckoner_core::pay::{Effects, MoneyEvent, PlainEffects, SettlementTotals, Wallet, income_of};
use reckoner_core::table::BillingMode;
use reckoner_core::time::Instant;
use reckoner_engine::post;
use reckoner_store::{SettlementBatch, SettlementRecord};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Gathers what the accounts' effects record.
pub(super) struct Posting<'a> {
    run_ids: &'a RunIds,
    pub batch: &'a mut SettlementBatch,
    ledgers: BTreeMap<Instant, Vec<Ledger<'a>>>,
}

/// What becomes a ledger transaction.
struct Ledger<'a> {
    currency: Arc<str>,
    legs: TransactionBuilder,
    income: BTreeMap<(&'a str, BillingMode), Money>,
    settlement_ids: Vec<Arc<str>>,
}

/// A first settlement of an account without vouchers.
pub(super) struct PlainPosting<'a> {
    pub at: Instant,
    pub billing_period: &'a Arc<str>,
    pub due: &'a AccountDue,
    pub products: &'a [ProductDue],
}

impl<'a> Posting<'a> {
    pub fn new(run_ids: &'a RunIds, batch: &'a mut SettlementBatch) -> Self {
        Self { run_ids, batch, ledgers: BTreeMap::new() }
    }

    /// A settlement or a funds entry that an account took.
    pub fn add(&mut self, step: &Step, currency: &Arc<str>, effects: Effects) -> Result<(), Failure> {
        match &step.event {
            MoneyEvent::Settlement(due) => {
                let settlement_id: Arc<str> = Arc::from(due.settlement_id.as_str());
                let billing_period: Arc<str> = Arc::from(due.billing_period.as_str());
                let paid = effects.totals.expect("a settlement has totals");
                self.batch.settlements.push(SettlementRecord {
                    revision: step.revision,
                    charges: step.charges,
                    ..self.record([&settlement_id, &step.account_id, currency, &billing_period], due.at, paid)
                });
                let ledger = self.ledger(due.at, currency);
                ledger.legs.extend(effects.legs);
                ledger.settlement_ids.push(settlement_id);
            }
            MoneyEvent::Funds(row) => return Ok(post::funds(self.batch, row, step.event.description(), effects)?),
        }
        self.batch.payments.extend(effects.payments);
        self.batch.outstanding.extend(effects.outstanding);
        self.batch.vouchers.extend(effects.vouchers);
        Ok(())
    }

    /// A first settlement of an account without vouchers: what it leaves outstanding is what its record says.
    pub fn add_plain(&mut self, posting: &PlainPosting<'a>, currency: &Arc<str>, wallet: &Wallet, effects: &PlainEffects) {
        let PlainPosting { at, billing_period, due, products } = posting;
        self.batch.settlements.push(SettlementRecord {
            charges: due.charges,
            ..self.record([&due.settlement_id, &due.account_id, currency, billing_period], *at, effects.totals)
        });
        self.batch.payments.extend(effects.payments(wallet, &due.settlement_id));
        let ledger = self.ledger(*at, currency);
        let moved = effects.moved(&due.account_id).into_iter().filter(|(_, amount)| !amount.is_zero());
        ledger.legs.extend(moved.map(|(account, amount)| account.leg(amount)));
        for ProductDue { price, due } in *products {
            *ledger.income.entry((&price.row.product, price.row.billing_mode)).or_default() += *due;
        }
        ledger.settlement_ids.push(Arc::clone(&due.settlement_id));
    }

    /// A first settlement without charges.
    fn record(
        &self,
        [settlement_id, account_id, currency, billing_period]: [&Arc<str>; 4],
        at: Instant,
        paid: SettlementTotals,
    ) -> SettlementRecord {
        SettlementRecord {
            settlement_id: Arc::clone(settlement_id),
            account_id: Arc::clone(account_id),
            at,
            revision: 0,
            billing_period: Arc::clone(billing_period),
            currency: Arc::clone(currency),
            charges: 0,
            due: paid.due,
            voucher: paid.voucher,
            balance: paid.balance,
            granted: paid.granted,
            credit: paid.credit,
            external: paid.external,
            outstanding: paid.outstanding,
            run_id: self.run_ids.get(&at).cloned().unwrap_or_else(|| Arc::from("")),
        }
    }

    fn ledger(&mut self, at: Instant, currency: &Arc<str>) -> &mut Ledger<'a> {
        let of_instant = self.ledgers.entry(at).or_default();
        let place = of_instant.iter().position(|ledger| ledger.currency == *currency);
        let place = place.unwrap_or_else(|| {
            of_instant.push(Ledger::new(currency));
            of_instant.len() - 1
        });
        &mut of_instant[place]
    }

    /// Adds the ledger transactions, ordered by instant and currency.
    pub fn close(self) -> Result<(), Failure> {
        for (at, mut ledgers) in self.ledgers {
            ledgers.sort_by(|one, other| one.currency.cmp(&other.currency));
            for ledger in ledgers {
                self.batch.transactions.extend(ledger.build(at)?);
            }
        }
        Ok(())
    }
}

impl Ledger<'_> {
    fn new(currency: &Arc<str>) -> Self {
        let (legs, income, settlement_ids) = (TransactionBuilder::new(), BTreeMap::new(), Vec::new());
        Self { currency: Arc::clone(currency), legs, income, settlement_ids }
    }

    fn build(mut self, at: Instant) -> Result<Option<Transaction>, Failure> {
        self.legs.extend(self.income.into_iter().map(|((product, mode), due)| income_of(product, mode).leg(-due)));
        let facts: Vec<&str> = self.settlement_ids.iter().map(|id| &**id).collect();
        let built = self.legs.build(at, &self.currency, "settlement", &facts);
        built.map_err(|error| Failure::invariant(error.to_string()))
    }
}

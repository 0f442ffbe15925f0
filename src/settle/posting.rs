//! Posting: what the accounts' effects record, gathered into the batch.
//!
//! What all accounts of an instant have in common is one ledger transaction per currency: it has a leg for every account, and
//! one for each income, which is summed while the accounts come.

use super::bulk::{AccountDue, ProductDue, RatedHour};
use super::pay::{RunIds, Step};
use crate::failure::Failure;
use reckoner_core::ledger::{Transaction, TransactionBuilder};
use reckoner_core::number::Money;
use reckoner_core::pay::{Effects, MoneyEvent, PlainEffects, SettlementTotals, Wallet, income_of};
use reckoner_core::table::BillingMode;
use reckoner_core::time::Instant;
use reckoner_engine::post;
use reckoner_store::{OutstandingNow, SettlementBatch, SettlementRecord};
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
    /// The run that settles the instant.
    run_id: Arc<str>,
    legs: TransactionBuilder,
    income: BTreeMap<(&'a str, BillingMode), Money>,
    settlement_ids: Vec<Arc<str>>,
}

/// A first settlement of an account without vouchers.
pub(super) struct PlainPosting<'a> {
    pub at: Instant,
    pub hour: &'a RatedHour,
    pub due: &'a AccountDue,
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
                let ledger = self.ledger(due.at, currency);
                ledger.legs.extend(effects.legs);
                ledger.settlement_ids.push(Arc::clone(&settlement_id));
                let texts = [settlement_id, Arc::clone(&step.account_id), billing_period];
                let record = ledger.record(texts, due.at, paid);
                let record = SettlementRecord { revision: step.revision, charges: step.charges, ..record };
                self.batch.settlements.push(record);
            }
            MoneyEvent::Funds(row) => return Ok(post::funds(self.batch, row, step.event.description(), effects)?),
        }
        self.batch.payments.extend(effects.payments);
        let account_id = || step.account_id.to_string();
        let now = |(id, at, amount)| OutstandingNow { account_id: account_id(), id, at, amount };
        self.batch.outstanding.extend(effects.outstanding.into_iter().map(now));
        self.batch.vouchers.extend(effects.vouchers);
        Ok(())
    }

    /// A first settlement of an account without vouchers: what it leaves outstanding is what its record says.
    pub fn add_plain(&mut self, posting: &PlainPosting<'a>, currency: &Arc<str>, wallet: &Wallet, effects: &PlainEffects) {
        let PlainPosting { at, hour, due } = posting;
        self.batch.payments.extend(effects.payments(wallet, &due.settlement_id));
        let ledger = self.ledger(*at, currency);
        let moved = effects.moved(&due.account_id).into_iter().filter(|(_, amount)| !amount.is_zero());
        ledger.legs.extend(moved.map(|(account, amount)| account.leg(amount)));
        for ProductDue { price, due } in hour.products_of(due) {
            *ledger.income.entry((&price.row.product, price.row.billing_mode)).or_default() += *due;
        }
        ledger.settlement_ids.push(Arc::clone(&due.settlement_id));
        let texts = [&due.settlement_id, &due.account_id, &hour.billing_period].map(Arc::clone);
        let record = SettlementRecord { charges: due.charges, ..ledger.record(texts, *at, effects.totals) };
        self.batch.settlements.push(record);
    }

    fn ledger(&mut self, at: Instant, currency: &Arc<str>) -> &mut Ledger<'a> {
        let of_instant = self.ledgers.entry(at).or_default();
        let place = of_instant.iter().position(|ledger| ledger.currency == *currency);
        let place = place.unwrap_or_else(|| {
            let run_id = self.run_ids.get(&at).cloned().unwrap_or_else(|| Arc::from(""));
            of_instant.push(Ledger::new(currency, run_id));
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
    fn new(currency: &Arc<str>, run_id: Arc<str>) -> Self {
        let (legs, income, settlement_ids) = (TransactionBuilder::new(), BTreeMap::new(), Vec::new());
        Self { currency: Arc::clone(currency), run_id, legs, income, settlement_ids }
    }

    /// A first settlement without charges.
    fn record(
        &self,
        [settlement_id, account_id, billing_period]: [Arc<str>; 3],
        at: Instant,
        paid: SettlementTotals,
    ) -> SettlementRecord {
        SettlementRecord {
            settlement_id,
            account_id,
            at,
            revision: 0,
            billing_period,
            currency: Arc::clone(&self.currency),
            charges: 0,
            due: paid.due,
            voucher: paid.voucher,
            balance: paid.balance,
            granted: paid.granted,
            credit: paid.credit,
            external: paid.external,
            outstanding: paid.outstanding,
            run_id: Arc::clone(&self.run_id),
        }
    }

    fn build(mut self, at: Instant) -> Result<Option<Transaction>, Failure> {
        self.legs.extend(self.income.into_iter().map(|((product, mode), due)| income_of(product, mode).leg(-due)));
        let facts: Vec<&str> = self.settlement_ids.iter().map(|id| &**id).collect();
        let built = self.legs.build(at, &self.currency, "settlement", &facts);
        built.map_err(|error| Failure::invariant(error.to_string()))
    }
}

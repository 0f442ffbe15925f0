//! Takes accounts along their timelines: loads those that are due, decides, and gathers what one transaction records.

use crate::post::{self, Instants};
use crate::{EngineError, Knowledge, accounts, with_order_payments};
use reckoner_core::life::{self, Given, LifeAccount, Taken};
use reckoner_core::pay::MoneyEvent;
use reckoner_core::profile::ArrearsAt;
use reckoner_core::table::OrderKind;
use reckoner_core::time::Instant;
use reckoner_store::{SettlementBatch, Store};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts whose steps are recorded by one transaction.
pub const ACCOUNTS_PER_COMMIT: usize = 2_000;

/// What came of advancing lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advanced {
    /// Accounts looked at.
    pub accounts: u64,
    /// Steps taken: money, orders, what time did.
    pub steps: u64,
    /// Accounts of which nothing was recorded, and why: their effects stay due.
    pub failed: Vec<(String, String)>,
}

impl Advanced {
    fn add(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.steps += other.steps;
        self.failed.extend(other.failed);
    }
}

/// Carries out everything of lives that is due up to and including `until` (orders, money, renewals, expiries, arrears), of
/// these accounts or of all, some thousands of accounts a transaction. One account's error leaves that account alone as it
/// was.
///
/// # Errors
/// What the store says of reading; what it says of recording one account is in [`Advanced::failed`].
pub fn advance_due(
    store: &mut dyn Store,
    knowledge: &Knowledge,
    only: Option<&[String]>,
    until: Instant,
) -> Result<Advanced, EngineError> {
    let mut due: BTreeSet<String> = due_accounts(store, knowledge, until)?.into_iter().collect();
    let funds = store.pending_funds(until)?;
    due.extend(funds.iter().map(|row| row.account_id.clone()));
    if let Some(only) = only {
        due.retain(|account_id| only.contains(account_id));
    }
    let mut given: BTreeMap<String, Vec<Given>> = BTreeMap::new();
    for row in funds {
        given.entry(row.account_id.clone()).or_default().push(Given::Money(MoneyEvent::Funds(row)));
    }
    for row in store.pending_orders(until)? {
        given.entry(row.account_id.clone()).or_default().push(Given::Order(Box::new(row)));
    }

    let due: Vec<String> = due.into_iter().collect();
    let mut advanced = Advanced::default();
    for chunk in due.chunks(ACCOUNTS_PER_COMMIT) {
        advanced.add(advance_chunk(store, knowledge, chunk, &given, until)?);
    }
    Ok(advanced)
}

/// Accounts for which something of their lives is due up to and including `until`, ordered: an order, a resource, where the
/// account stands.
///
/// # Errors
/// What the store says.
pub fn due_accounts(store: &dyn Store, knowledge: &Knowledge, until: Instant) -> Result<Vec<String>, EngineError> {
    let mut due = store.life_due(until)?;
    // A status follows what is overdue at once, or with the midnight after it.
    let since = match knowledge.profile.arrears_at {
        ArrearsAt::Settlement => until,
        ArrearsAt::Midnight => knowledge.zone.day_containing(until).start,
    };
    due.extend(store.newly_in_arrears(since)?);
    due.sort_unstable();
    due.dedup();
    Ok(due)
}

/// Advances some accounts in one transaction; where that fails, one by one.
fn advance_chunk(
    store: &mut dyn Store,
    knowledge: &Knowledge,
    account_ids: &[String],
    given: &BTreeMap<String, Vec<Given>>,
    until: Instant,
) -> Result<Advanced, EngineError> {
    let mut batch = SettlementBatch::default();
    let mut advanced = Advanced::default();
    for account in accounts(store, knowledge, account_ids)? {
        let account_id = account.account_id().to_owned();
        let of_account = given.get(&account_id).map_or(&[][..], Vec::as_slice);
        let mut own = SettlementBatch::default();
        match advance_one(store, knowledge, account, of_account, until, &mut own) {
            Ok(steps) => {
                advanced.steps += steps;
                post::append(&mut batch, own);
            }
            Err(EngineError::Store(error)) => return Err(error.into()),
            Err(error) => advanced.failed.push((account_id, error.to_string())),
        }
        advanced.accounts += 1;
    }
    match store.record_settlement(&batch) {
        Ok(()) => Ok(advanced),
        Err(error) if account_ids.len() == 1 => {
            Ok(Advanced { accounts: 1, steps: 0, failed: vec![(account_ids[0].clone(), error.to_string())] })
        }
        Err(_) => {
            let mut one_by_one = Advanced::default();
            for account_id in account_ids {
                one_by_one.add(advance_chunk(store, knowledge, std::slice::from_ref(account_id), given, until)?);
            }
            Ok(one_by_one)
        }
    }
}

/// Advances one account and gathers what that changed. Hands back how many steps were taken.
///
/// # Errors
/// What the store says of reading; [`EngineError::Unbalanced`] where a step's legs do not sum to 0.
pub fn advance_one(
    store: &dyn Store,
    knowledge: &Knowledge,
    mut account: LifeAccount,
    given: &[Given],
    until: Instant,
    batch: &mut SettlementBatch,
) -> Result<u64, EngineError> {
    if given.iter().any(may_give_back) {
        with_order_payments(store, knowledge, &mut account)?;
    }
    let mut given = given.to_vec();
    given.sort_by(|a, b| a.place().cmp(&b.place()));
    let before = account.clone();
    let mut instants = Instants::of(&account.money);
    let (account_id, currency) = (account.account_id().to_owned(), account.money.wallet.currency.clone());
    let terms = knowledge.terms();

    let steps = life::advance(&mut account, &given, until, &terms);
    let taken = steps.len() as u64;
    for step in steps {
        match step {
            Taken::Money(place, effects) => {
                let Given::Money(event @ MoneyEvent::Funds(row)) = &given[place] else {
                    unreachable!("settlements are taken with their windows")
                };
                post::funds(batch, row, event.description(), effects, &instants)?;
                instants.add(&row.entry_id, row.at);
            }
            Taken::Life(at, effects) => {
                let order_id = effects.order.as_ref().map(|order| order.order_id.clone());
                let billing_period = knowledge.zone.billing_period(at);
                post::life(batch, (&account_id, &currency), at, &billing_period, *effects, &instants)?;
                order_id.iter().for_each(|order_id| instants.add(order_id, at));
            }
        }
    }
    post::state(batch, &before, &account, life::standing_next_at(&account, &terms));
    Ok(taken)
}

/// Whether something may come back by it, which needs to know what was paid.
fn may_give_back(given: &Given) -> bool {
    match given {
        Given::Order(order) => matches!(order.kind, OrderKind::Unsubscribe | OrderKind::Change),
        Given::Money(_) => false,
    }
}

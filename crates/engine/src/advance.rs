//! Takes accounts along their timelines: loads those that are due, decides, and gathers what one transaction records.
//!
//! Two processes may find the same accounts due. Every batch says after which write it was read, and the store refuses it
//! whole where another write came between: what was decided is thrown away, and what is still due is read anew. So nobody is
//! charged twice, and nothing that the other process recorded is overwritten by what was the case before.

use crate::post::{self, Before};
use crate::{EngineError, Knowledge, accounts, with_order_payments};
use reckoner_core::life::{self, Given, LifeAccount, OrderApproval, Taken};
use reckoner_core::pay::MoneyEvent;
use reckoner_core::profile::ArrearsAt;
use reckoner_core::table::OrderKind;
use reckoner_core::time::Instant;
use reckoner_store::{SettlementBatch, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashSet};

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

/// Carries out everything of lives that is due up to and including `until` (orders, money, renewals, expiries, arrears), of
/// these accounts or of all, some thousands of accounts a transaction. One account's error leaves that account alone as it
/// was. What another process records meanwhile is seen: nothing is carried out twice.
///
/// # Errors
/// What the store says of reading, and of writing where no account is at fault: a full disk, say. What it says of recording
/// one account is in [`Advanced::failed`].
pub fn advance_due(
    store: &mut dyn Store,
    knowledge: &Knowledge,
    only: Option<&[String]>,
    until: Instant,
) -> Result<Advanced, EngineError> {
    advance_due_by(store, knowledge, only, until, ACCOUNTS_PER_COMMIT)
}

/// The same with another number of accounts a transaction, which changes nothing but the time that it takes.
///
/// # Errors
/// Those of [`advance_due`].
///
/// # Panics
/// With 0 accounts a transaction.
pub fn advance_due_by(
    store: &mut dyn Store,
    knowledge: &Knowledge,
    only: Option<&[String]>,
    until: Instant,
    accounts_per_commit: usize,
) -> Result<Advanced, EngineError> {
    carry_out(store, knowledge, (only, None), until, accounts_per_commit)
}

/// Lets a refund come back that waits, at the approval's instant, after everything else that is due for its account by then.
/// The approval is recorded together with what it does, in one transaction; where nothing waits any more it is no step, and
/// nothing is recorded of it.
///
/// # Errors
/// Those of [`advance_due`].
pub fn approve(store: &mut dyn Store, knowledge: &Knowledge, approval: &OrderApproval) -> Result<Advanced, EngineError> {
    let only = std::slice::from_ref(&approval.account_id);
    carry_out(store, knowledge, (Some(only), Some(approval)), approval.approved_at, ACCOUNTS_PER_COMMIT)
}

fn carry_out(
    store: &mut dyn Store,
    knowledge: &Knowledge,
    (only, approval): (Option<&[String]>, Option<&OrderApproval>),
    until: Instant,
    accounts_per_commit: usize,
) -> Result<Advanced, EngineError> {
    let only: Option<HashSet<&str>> = only.map(|only| only.iter().map(String::as_str).collect());
    let mut advanced = Advanced::default();
    loop {
        let mut due = Due::load(store, knowledge, until)?;
        approval.into_iter().for_each(|approval| due.add(approval));
        due.accounts.retain(|account_id| only.as_ref().is_none_or(|only| only.contains(account_id.as_str())));
        let failed: HashSet<&str> = advanced.failed.iter().map(|(account_id, _)| account_id.as_str()).collect();
        due.accounts.retain(|account_id| !failed.contains(account_id.as_str()));
        let mut night = Night { store: &mut *store, knowledge, until, given: due.given, read_at: due.read_at, advanced };
        let ended = due.accounts.chunks(accounts_per_commit).try_for_each(|chunk| night.advance(chunk));
        advanced = night.advanced;
        match ended {
            Ok(()) => return Ok(advanced),
            // Another process recorded something: whatever it left due is found anew. Every time around, one of them got on.
            Err(EngineError::Store(StoreError::Stale { .. })) => {}
            Err(error) => return Err(error),
        }
    }
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

/// What is due, as of one moment.
struct Due {
    /// The newest write when it was read.
    read_at: u64,
    accounts: Vec<String>,
    given: BTreeMap<String, Vec<Given>>,
}

impl Due {
    fn load(store: &dyn Store, knowledge: &Knowledge, until: Instant) -> Result<Self, EngineError> {
        let read_at = store.latest_commit()?;
        let mut accounts: BTreeSet<String> = due_accounts(store, knowledge, until)?.into_iter().collect();
        let mut given: BTreeMap<String, Vec<Given>> = BTreeMap::new();
        for row in store.pending_funds(until)? {
            accounts.insert(row.account_id.clone());
            given.entry(row.account_id.clone()).or_default().push(Given::Money(MoneyEvent::Funds(row)));
        }
        for row in store.pending_orders(until)? {
            given.entry(row.account_id.clone()).or_default().push(Given::Order(Box::new(row)));
        }
        Ok(Self { read_at, accounts: accounts.into_iter().collect(), given })
    }
}

impl Due {
    fn add(&mut self, approval: &OrderApproval) {
        if !self.accounts.contains(&approval.account_id) {
            self.accounts.push(approval.account_id.clone());
        }
        self.given.entry(approval.account_id.clone()).or_default().push(Given::Approval(approval.clone()));
    }
}

/// A way through what is due, batch by batch.
struct Night<'n> {
    store: &'n mut dyn Store,
    knowledge: &'n Knowledge,
    until: Instant,
    given: BTreeMap<String, Vec<Given>>,
    /// The newest write that may be there: what was there when what is due was read, and the batches since.
    read_at: u64,
    advanced: Advanced,
}

impl Night<'_> {
    /// Advances some accounts in one transaction; where the store refuses something in it, half of them at a time, until the
    /// account at fault is alone.
    fn advance(&mut self, account_ids: &[String]) -> Result<(), EngineError> {
        let mut batch = SettlementBatch { read_at: Some(self.read_at), ..SettlementBatch::default() };
        let mut decided = Advanced::default();
        for account in accounts(&*self.store, self.knowledge, account_ids)? {
            let account_id = account.account_id().to_owned();
            let given = self.given.get(&account_id).map_or(&[][..], Vec::as_slice);
            let mut own = SettlementBatch::default();
            match advance_one(&*self.store, self.knowledge, account, given, self.until, &mut own) {
                Ok(steps) => {
                    decided.steps += steps;
                    post::append(&mut batch, own);
                }
                Err(EngineError::Store(error)) => return Err(error.into()),
                Err(error) => decided.failed.push((account_id, error.to_string())),
            }
            decided.accounts += 1;
        }
        match self.record(&batch, decided.steps) {
            Ok(()) => self.advanced.add(decided),
            Err(error) if !error.is_about_content() => return Err(error.into()),
            Err(error) => match account_ids {
                [account_id] => {
                    let failed = vec![(account_id.clone(), error.to_string())];
                    self.advanced.add(Advanced { accounts: 1, steps: 0, failed });
                }
                _ => {
                    let (first, second) = account_ids.split_at(account_ids.len() / 2);
                    self.advance(first)?;
                    self.advance(second)?;
                }
            },
        }
        Ok(())
    }

    /// Where no step was taken there is nothing to record.
    fn record(&mut self, batch: &SettlementBatch, steps: u64) -> Result<(), StoreError> {
        if steps > 0 {
            self.store.record_settlement(batch)?;
            self.read_at += 1;
        }
        Ok(())
    }
}

impl Advanced {
    fn add(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.steps += other.steps;
        self.failed.extend(other.failed);
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
    know_what_was_paid(store, knowledge, &mut account, given)?;
    let mut given = given.to_vec();
    given.sort_by(|a, b| a.place().cmp(&b.place()));
    let before = Before::of(&account);
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
                post::funds(batch, row, event.description(), effects)?;
            }
            Taken::Life(at, effects) => {
                let billing_period = knowledge.zone.billing_period(at);
                post::life(batch, (&account_id, &currency), at, &billing_period, *effects)?;
            }
        }
    }
    post::state(batch, &before, &account, life::standing_next_at(&account, &terms));
    // What an account owes stands beside its wallet, also where nothing of it moved.
    if before.wallet != account.money.wallet || !batch.payments.is_empty() || !batch.opened.is_empty() {
        batch.wallets.push(account.money.wallet.clone());
    }
    Ok(taken)
}

/// Adds what was paid for an account's orders, where something given, or a refund that waits, may bring some of it back.
///
/// # Errors
/// What the store says.
pub fn know_what_was_paid(
    store: &dyn Store,
    knowledge: &Knowledge,
    account: &mut LifeAccount,
    given: &[Given],
) -> Result<(), EngineError> {
    let waits = account.resources.values().any(|resource| resource.waiting_refund.is_some());
    if waits || given.iter().any(may_give_back) {
        with_order_payments(store, knowledge, account)?;
    }
    Ok(())
}

/// Whether something may come back by it, which needs to know what was paid.
fn may_give_back(given: &Given) -> bool {
    match given {
        Given::Order(order) => matches!(order.kind, OrderKind::Unsubscribe | OrderKind::Change),
        Given::Money(_) | Given::Approval(_) => false,
    }
}

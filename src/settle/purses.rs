//! Purses: the money of accounts, fetched once a command and carried from batch to batch.
//!
//! The home's lock is held, so what the last batch left is what the next one finds. Only accounts whose money moves by what
//! is recorded elsewhere (payments of earlier months, say) are fetched anew.

use crate::failure::Failure;
use reckoner_core::pay::{AccountMoney, MoneyEvent, OpenSettlement, SettledRef, VoucherState, Wallet};
use reckoner_store::Store;
use std::collections::{BTreeSet, HashMap};

/// What is carried takes memory: beyond so many settlements with something outstanding all of it is let go.
const OPEN_MAX: usize = 2_000_000;

/// The money of accounts.
#[derive(Default)]
pub(super) struct Purses {
    carried: HashMap<String, AccountMoney>,
    open: usize,
    fetched: Fetched,
}

/// Money as the store has it.
#[derive(Default)]
struct Fetched {
    wallets: HashMap<String, Wallet>,
    vouchers: HashMap<String, Vec<VoucherState>>,
    open: HashMap<String, Vec<OpenSettlement>>,
}

impl Purses {
    /// Fetches the money of those accounts that is not carried.
    pub fn fetch<'a>(&mut self, store: &dyn Store, account_ids: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        if self.open > OPEN_MAX {
            (self.open, self.carried) = (0, HashMap::new());
        }
        let missing = account_ids.filter(|account_id| !self.carried.contains_key(*account_id));
        let missing: Vec<String> = missing.map(str::to_owned).collect();
        self.fetched = Fetched::default();
        if missing.is_empty() {
            return Ok(());
        }
        let fetched = &mut self.fetched;
        fetched.wallets.extend(store.wallets(&missing)?.into_iter().map(|wallet| (wallet.account_id.clone(), wallet)));
        for state in store.voucher_states(&missing)? {
            fetched.vouchers.entry(state.row.account_id.clone()).or_default().push(state);
        }
        for (account_id, open) in store.open_settlements(&missing)? {
            fetched.open.entry(account_id).or_default().push(open);
        }
        Ok(())
    }

    /// Whether the store has a wallet of an account that was fetched.
    pub fn has_wallet(&self, account_id: &str) -> bool {
        self.carried.contains_key(account_id) || self.fetched.wallets.contains_key(account_id)
    }

    /// Everything that deciding about one account's money needs; earlier payments only where an event is in its favour.
    pub fn take<'a>(
        &mut self,
        store: &dyn Store,
        account_id: &str,
        currency: &str,
        events: impl Iterator<Item = &'a MoneyEvent> + Clone,
    ) -> Result<AccountMoney, Failure> {
        let mut account = match self.carried.remove(account_id) {
            Some(carried) => {
                self.open -= carried.open.len();
                carried
            }
            None => {
                let wallet = self.fetched.wallets.remove(account_id).unwrap_or_else(|| Wallet::new(account_id, currency));
                AccountMoney {
                    vouchers: self.fetched.vouchers.remove(account_id).unwrap_or_default(),
                    open: self.fetched.open.remove(account_id).unwrap_or_default(),
                    ..AccountMoney::new(wallet)
                }
            }
        };
        let periods: BTreeSet<&str> = events
            .filter_map(|event| match event {
                MoneyEvent::Settlement(due) => due.is_in_favour().then_some(due.billing_period.as_str()),
                MoneyEvent::Funds(_) => None,
            })
            .collect();
        for period in periods {
            account.paid.extend(store.payments_in_period(account_id, period)?);
            for settlement in store.settlements_in_period(account_id, period)? {
                let settled = SettledRef { at: settlement.at, billing_period: settlement.billing_period };
                account.settled.insert(settlement.settlement_id, settled);
            }
        }
        Ok(account)
    }

    /// Carries an account on to the next batch; what it paid so far is in the store by then.
    pub fn put_back(&mut self, mut account: AccountMoney) {
        account.paid.clear();
        account.settled.clear();
        self.open += account.open.len();
        self.carried.insert(account.wallet.account_id.clone(), account);
    }
}

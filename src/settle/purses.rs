//! Purses: the money of accounts, fetched once a command and carried from batch to batch.
//!
//! The home's lock is held, so what the last batch left is what the next one finds. Only accounts whose money moves by what
//! is recorded elsewhere (payments of earlier months, say) are fetched anew.
//!
//! An account is carried in one of two forms: whole, or as a purse where nothing but first settlements happens to it. Either
//! can be had from the store, which has everything by the time the next batch asks. An account to which nothing comes in needs
//! to know what is outstanding as one amount only, and is not carried.

use crate::failure::Failure;
use reckoner_core::number::Money;
use reckoner_core::pay::{AccountMoney, MoneyEvent, OpenSettlement, Outstanding, Purse, SettledRef, VoucherState, Wallet};
use reckoner_core::time::Instant;
use reckoner_store::Store;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What is carried takes memory: beyond so many settlements with something outstanding all of it is let go.
const OPEN_MAX: usize = 2_000_000;

/// The money of accounts.
#[derive(Default)]
pub(super) struct Purses {
    carried: HashMap<String, AccountMoney>,
    open: usize,
    plain: HashMap<Arc<str>, Plain>,
    fetched: Fetched,
}

/// The money of an account to which nothing but first settlements happens.
pub(super) struct Plain {
    pub purse: Purse,
    /// The oldest settlement with something outstanding, and its instant.
    pub oldest: Option<(Instant, Arc<str>)>,
    /// Whether the store has no wallet of it yet.
    pub is_new: bool,
}

impl Plain {
    fn of(whole: AccountMoney) -> Self {
        let oldest = whole.open.first().map(|open| (open.at, Arc::from(open.settlement_id.as_str())));
        let purse = Purse { outstanding: whole.outstanding(), wallet: whole.wallet };
        Self { purse, oldest, is_new: false }
    }

    /// The account whole, what is outstanding as one amount. An account with a purse has no vouchers.
    fn into_owing(self) -> AccountMoney {
        let Self { purse: Purse { wallet, outstanding: amount }, oldest, .. } = self;
        let as_one =
            |(at, settlement_id): (Instant, Arc<str>)| Outstanding { settlement_id: settlement_id.to_string(), at, amount };
        AccountMoney::owing(wallet, oldest.map(as_one))
    }
}

/// Money as the store has it.
#[derive(Default)]
struct Fetched {
    wallets: HashMap<String, Wallet>,
    vouchers: HashMap<String, Vec<VoucherState>>,
    open: HashMap<String, Vec<OpenSettlement>>,
    owing: HashMap<String, AccountMoney>,
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
        missing.iter().for_each(|account_id| drop(self.plain.remove(account_id.as_str())));
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

    /// Fetches the money of those of these accounts that is not carried, what is outstanding as one amount: nothing comes in.
    pub fn fetch_owing<'a>(&mut self, store: &dyn Store, account_ids: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        let mut missing: Vec<String> = Vec::new();
        for account_id in account_ids.filter(|account_id| !self.carried.contains_key(*account_id)) {
            match self.plain.remove(account_id).filter(|plain| !plain.is_new) {
                Some(plain) => drop(self.fetched.owing.insert(account_id.to_owned(), plain.into_owing())),
                None => missing.push(account_id.to_owned()),
            }
        }
        let mut outstanding: HashMap<String, Outstanding> = store.outstanding(&missing)?.into_iter().collect();
        let owing = &mut self.fetched.owing;
        for wallet in store.wallets(&missing)? {
            let outstanding = outstanding.remove(&wallet.account_id);
            owing.insert(wallet.account_id.clone(), AccountMoney::owing(wallet, outstanding));
        }
        for state in store.voucher_states(&missing)? {
            match owing.get_mut(&state.row.account_id) {
                Some(account) => account.vouchers.push(state),
                // Without a wallet nothing is outstanding: it is taken as any other.
                None => self.fetched.vouchers.entry(state.row.account_id.clone()).or_default().push(state),
            }
        }
        Ok(())
    }

    /// An account that [`Self::fetch_owing`] fetched, or of which there is a purse; nothing where it is carried, or has no
    /// wallet yet.
    pub fn owing(&mut self, account_id: &str) -> Option<AccountMoney> {
        self.fetched.owing.remove(account_id).or_else(|| self.plain.remove(account_id).map(Plain::into_owing))
    }

    /// Fetches the purses of accounts with their currencies, as far as they are not carried.
    pub fn fetch_plain<'a>(
        &mut self,
        store: &dyn Store,
        accounts: impl Iterator<Item = (&'a Arc<str>, &'a str)>,
    ) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for (account_id, currency) in accounts {
            if self.plain.contains_key(account_id) {
                continue;
            }
            let Some(whole) = self.carried.remove(&**account_id) else {
                missing.push((account_id, currency));
                continue;
            };
            self.open -= whole.open.len();
            self.plain.insert(Arc::clone(account_id), Plain::of(whole));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = missing.iter().map(|(account_id, _)| account_id.to_string()).collect();
        let wallets = store.wallets(&ids)?;
        let mut wallets: HashMap<String, Wallet> =
            wallets.into_iter().map(|wallet| (wallet.account_id.clone(), wallet)).collect();
        let mut outstanding: HashMap<String, Outstanding> = store.outstanding(&ids)?.into_iter().collect();
        for (account_id, currency) in missing {
            let known = wallets.remove(&**account_id);
            let is_new = known.is_none();
            let wallet = known.unwrap_or_else(|| Wallet::new(account_id, currency));
            let owed = outstanding.remove(&**account_id);
            let purse = Purse { wallet, outstanding: owed.as_ref().map_or(Money::ZERO, |owed| owed.amount) };
            let oldest = owed.map(|owed| (owed.at, Arc::from(owed.settlement_id)));
            self.plain.insert(Arc::clone(account_id), Plain { purse, oldest, is_new });
        }
        Ok(())
    }

    /// The purse of an account that [`Self::fetch_plain`] was asked for.
    pub fn plain(&mut self, account_id: &str) -> &mut Plain {
        self.plain.get_mut(account_id).expect("it was fetched")
    }

    /// Carries an account on as a purse.
    pub fn put_back_plain(&mut self, account_id: &Arc<str>, account: AccountMoney) {
        self.plain.insert(Arc::clone(account_id), Plain::of(account));
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
                let settled = SettledRef { at: settlement.at, billing_period: settlement.billing_period.to_string() };
                account.settled.insert(settlement.settlement_id.to_string(), settled);
            }
        }
        Ok(account)
    }

    /// Carries an account on to the next batch; what it paid so far is in the store by then.
    pub fn put_back(&mut self, mut account: AccountMoney) {
        account.paid.clear();
        account.settled.clear();
        account.orders.clear();
        self.open += account.open.len();
        self.carried.insert(account.wallet.account_id.clone(), account);
    }
}

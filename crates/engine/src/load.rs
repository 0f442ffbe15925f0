//! Accounts as `core::life` wants them: money, resources, standing; whole.

use crate::Knowledge;
use reckoner_core::life::{LifeAccount, Resource, Standing};
use reckoner_core::pay::{AccountMoney, Wallet};
use reckoner_store::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What of accounts' lives is not money: their resources and where they stand, by account.
#[derive(Debug, Default)]
pub struct Lives {
    resources: HashMap<String, BTreeMap<String, Resource>>,
    standings: HashMap<String, Standing>,
}

impl Lives {
    /// Those of these accounts.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(store: &dyn Store, account_ids: &[String]) -> Result<Self, StoreError> {
        let mut lives = Self::default();
        for resource in store.resources_of(account_ids)? {
            let of_account = lives.resources.entry(resource.account_id.clone()).or_default();
            of_account.insert(resource.resource_id.clone(), resource);
        }
        let standings = store.standings_of(account_ids)?;
        lives.standings = standings.into_iter().map(|known| (known.standing.account_id.clone(), known.standing)).collect();
        Ok(lives)
    }

    /// Whether the account has bought or registered anything, ever.
    pub fn has_resources(&self, account_id: &str) -> bool {
        self.resources.contains_key(account_id)
    }

    /// Where the account stands, if it ever stood anywhere but where every account begins.
    pub fn standing(&self, account_id: &str) -> Option<&Standing> {
        self.standings.get(account_id)
    }

    /// The account with this money.
    pub fn take(&mut self, money: AccountMoney) -> LifeAccount {
        let account_id = &money.wallet.account_id;
        let resources = self.resources.remove(account_id).unwrap_or_default();
        let standing = self.standings.remove(account_id).unwrap_or_else(|| Standing::normal(account_id));
        LifeAccount { money, standing, resources: resources.into() }
    }
}

/// These accounts, whole, in the order of their ids; accounts that are not known are left out.
///
/// # Errors
/// What the store says.
pub fn accounts(store: &dyn Store, knowledge: &Knowledge, account_ids: &[String]) -> Result<Vec<LifeAccount>, StoreError> {
    let mut lives = Lives::load(store, account_ids)?;
    let mut money: BTreeMap<String, AccountMoney> = BTreeMap::new();
    for account_id in account_ids {
        if let Some(currency) = knowledge.accounts.currency(account_id) {
            money.insert(account_id.clone(), AccountMoney::new(Wallet::new(account_id, currency)));
        }
    }
    for wallet in store.wallets(account_ids)? {
        if let Some(known) = money.get_mut(&wallet.account_id) {
            known.wallet = wallet;
        }
    }
    for voucher in store.voucher_states(account_ids)? {
        if let Some(known) = money.get_mut(&voucher.row.account_id) {
            known.vouchers.push(voucher);
        }
    }
    for (account_id, open) in store.open_settlements(account_ids)? {
        if let Some(known) = money.get_mut(&account_id) {
            known.open.push(open);
        }
    }
    Ok(money.into_values().map(|money| lives.take(money)).collect())
}

/// Adds to an account's money what was paid for its orders: what comes back of them is read from it.
///
/// # Errors
/// What the store says.
pub fn with_order_payments(store: &dyn Store, knowledge: &Knowledge, account: &mut LifeAccount) -> Result<(), StoreError> {
    let held = account.resources.values().flat_map(|resource| &resource.periods).filter(|period| !period.is_given_back);
    let months: BTreeSet<String> = held.map(|period| knowledge.zone.billing_period(period.bought_at)).collect();
    let account_id = account.account_id().to_owned();
    for month in months {
        for line in store.order_payments_in_period(&account_id, &month)? {
            account.money.orders.insert(line.paid_for.clone());
            account.money.paid.push(line);
        }
    }
    Ok(())
}

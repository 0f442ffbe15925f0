//! A desk at which one account is served: prices and products as text, orders and money as text, and what became of them.

use reckoner_core::account::Accounts;
use reckoner_core::ledger::check_balance;
use reckoner_core::life::{Given, LifeAccount, LifeEffects, LifeTerms, OrderState, Products, Taken, advance, next_at};
use reckoner_core::number::Money;
use reckoner_core::pay::{AccountMoney, MoneyEvent, VoucherState, Wallet};
use reckoner_core::price::{DiscountBook, Discounts, PriceBook, Prices};
use reckoner_core::profile::Profile;
use reckoner_core::table::{Context, OrderRow, RawRow, TableKind, account, funds, order, price, product, voucher};
use reckoner_core::time::{Instant, Zone};
use std::collections::BTreeMap;

/// Reads `column=value column=value` into a row of a table.
fn raw<T>(kind: TableKind, text: &str, read: impl Fn(&RawRow<'_>) -> T) -> T {
    let cells: Vec<(String, String)> = text
        .split_whitespace()
        .map(|cell| cell.split_once('=').expect("column=value"))
        .map(|(column, value)| (column.to_owned(), value.to_owned()))
        .collect();
    read(&RawRow::from_pairs(kind.schema(), 2, &cells).expect("the columns exist"))
}

pub struct Desk {
    pub account: LifeAccount,
    pub zone: Zone,
    profile: Profile,
    accounts: Accounts,
    prices: Prices,
    products: Products,
    discounts: Discounts,
    pub orders: BTreeMap<String, OrderState>,
    pub events: Vec<String>,
    pub charged: Money,
}

impl Desk {
    /// One account `acme`, these prices (`sku=vm product=ecs …`) and products.
    pub fn new(profile: &str, zone: &str, account_row: &str, prices: &[&str], products: &[&str]) -> Self {
        let context = Context::new("CNY");
        let row = raw(TableKind::Accounts, &format!("account_id=acme name=Acme {account_row}"), |row| {
            account::parse(row, &context).expect("an account")
        });
        let prices = prices.iter().map(|text| raw(TableKind::Prices, text, |row| price::parse(row, &context).expect("a price")));
        let products =
            products.iter().map(|text| raw(TableKind::Products, text, |row| product::parse(row, &context).expect("a product")));
        Self {
            account: LifeAccount::new(AccountMoney::new(Wallet::new("acme", "CNY"))),
            zone: Zone::parse(zone).expect("a zone"),
            profile: Profile::builtin(profile).expect("a profile"),
            accounts: Accounts::new([row]),
            prices: PriceBook::new(prices.map(|row| (1, row))).as_of(u64::MAX),
            products: Products::new(products),
            discounts: DiscountBook::default().as_of(u64::MAX),
            orders: BTreeMap::new(),
            events: Vec::new(),
            charged: Money::ZERO,
        }
    }

    pub fn at(&self, text: &str) -> Instant {
        self.zone.parse_instant(text).or_else(|_| self.zone.parse_instant(&format!("{text}+08:00"))).expect("an instant")
    }

    pub fn voucher(&mut self, text: &str) {
        let row = raw(TableKind::Vouchers, &format!("account_id=acme {text}"), |row| {
            voucher::parse(row, &Context::new("CNY")).expect("a voucher")
        });
        self.account.money.vouchers.push(VoucherState::new(row));
    }

    pub fn order(text: &str) -> Given {
        let row: OrderRow = raw(TableKind::Orders, &format!("account_id=acme {text}"), |row| {
            order::parse(row, &Context::new("CNY")).expect("an order")
        });
        Given::Order(Box::new(row))
    }

    pub fn money(text: &str) -> Given {
        let row = raw(TableKind::Funds, &format!("account_id=acme {text}"), |row| {
            funds::parse(row, &Context::new("CNY")).expect("an entry")
        });
        Given::Money(MoneyEvent::Funds(row))
    }

    /// Takes the account on; checks that every step's legs sum to 0.
    pub fn advance(&mut self, mut given: Vec<Given>, until: &str) {
        given.sort_by(|a, b| a.place().cmp(&b.place()));
        let until = self.at(until);
        let mut account = self.account.clone();
        for taken in advance(&mut account, &given, until, &self.terms()) {
            match taken {
                Taken::Money(_, effects) => check_balance("money", &effects.legs).expect("legs sum to 0"),
                Taken::Life(_, effects) => self.keep(*effects),
            }
        }
        self.account = account;
        assert!(next_at(&self.account, &self.terms()).is_none_or(|next| next > until), "nothing is left due");
    }

    fn keep(&mut self, effects: LifeEffects) {
        if let Some(money) = &effects.money {
            check_balance("life", &money.legs).expect("legs sum to 0");
        }
        self.charged += effects.charges.iter().map(|charge| charge.charge.amounts.due).sum();
        if let Some(order) = effects.order {
            assert!(self.orders.insert(order.order_id.clone(), order).is_none(), "an order is carried out once");
        }
        let named = |event: &reckoner_core::life::LifeEvent| {
            let of = event.resource_id.as_deref().unwrap_or("account");
            format!("{} {of} {}", self.zone.to_text(event.at).replace("+08:00", ""), event.kind.as_str())
        };
        self.events.extend(effects.events.iter().map(named));
    }

    fn terms(&self) -> LifeTerms<'_> {
        LifeTerms {
            profile: &self.profile,
            zone: self.zone,
            accounts: &self.accounts,
            prices: &self.prices,
            products: &self.products,
            discounts: &self.discounts,
            effective_from: Instant::MIN,
        }
    }

    /// `status renewal expires balance` of a resource.
    pub fn seen(&self, resource_id: &str) -> String {
        let resource = &self.account.resources[resource_id];
        let expires = resource.expires_at.map_or("-".to_owned(), |at| self.zone.to_text(at).replace("+08:00", ""));
        let balance = self.account.money.wallet.balance.to_text(2);
        format!("{} {} {expires} {balance}", resource.status.as_str(), resource.renewal.as_str())
    }

    /// `done`, or the code of the refusal.
    pub fn order_result(&self, order_id: &str) -> String {
        let Some(state) = self.orders.get(order_id) else { return "waits".to_owned() };
        match &state.refusal {
            Some(refusal) => refusal.split(':').next().unwrap_or_default().to_owned(),
            None => state.status.as_str().to_owned(),
        }
    }
}

//! A small world to look at: a catalogue, accounts, and orders that are really carried out.

use reckoner_core::account::Accounts;
use reckoner_core::life::{self, Given, LifeAccount, LifeTerms, OrderStatus, Products, Resource, Taken};
use reckoner_core::pay::{AccountMoney, MoneyEvent, Wallet};
use reckoner_core::price::{DiscountBook, Discounts, PriceBook, Prices};
use reckoner_core::profile::Profile;
use reckoner_core::table::{Context, OrderRow, RawRow, TableKind, account, funds, order, price, product};
use reckoner_core::time::{Instant, Zone};
use std::collections::BTreeMap;

const START: &str = "2026-01-01T00:00:00+08:00";

pub(super) struct World {
    profile: Profile,
    zone: Zone,
    accounts: Accounts,
    prices: Prices,
    products: Products,
    discounts: Discounts,
    lives: BTreeMap<String, LifeAccount>,
    made: u32,
}

pub(super) fn at(text: &str) -> Instant {
    Instant::parse(text).expect("an instant")
}

fn pairs(cells: &[(&str, &str)]) -> Vec<(String, String)> {
    cells.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn raw(kind: TableKind, pairs: &[(String, String)]) -> RawRow<'_> {
    RawRow::from_pairs(kind.schema(), 2, pairs).expect("known columns")
}

impl World {
    /// The profile `huawei-intl`, accounts `a` and `b` without money, and a catalogue at 100 a month.
    pub fn new() -> Self {
        let context = Context::new("CNY");
        let account = |id: &str| {
            account::parse(&raw(TableKind::Accounts, &pairs(&[("account_id", id), ("name", id)])), &context).expect("right")
        };
        let product = |cells: &[(&str, &str)]| product::parse(&raw(TableKind::Products, &pairs(cells)), &context).expect("right");
        let priced = |sku: &str, product: &str, mode: &str, unit: &str| {
            let cells = [("sku", sku), ("product", product), ("billing_mode", mode), ("unit", unit), ("unit_price", "100")];
            let term = [("term_months", "12")];
            let by_use = [("equivalent_sku", "vm.hour")];
            let cells = match (sku, mode) {
                (_, "one_time") => [&cells[..], &term].concat(),
                ("vm.month", _) => [&cells[..], &by_use].concat(),
                _ => cells.to_vec(),
            };
            price::parse(&raw(TableKind::Prices, &pairs(&cells)), &context).expect("right")
        };
        let guard = |product: &'static str, rest: &[(&'static str, &'static str)]| {
            [&[("product", product), ("name", product), ("family", "guard")], rest].concat()
        };
        let products = [
            product(&[("product", "vm"), ("name", "Server"), ("product_line", "compute"), ("mode_switch", "both")]),
            product(&[("product", "ip"), ("name", "Address"), ("renewal", "own_page")]),
            product(&[("product", "log"), ("name", "Log"), ("renewal", "none")]),
            product(&[("product", "cert"), ("name", "Certificate"), ("renewal", "new_order"), ("renewal_lead_days", "30")]),
            product(&guard("guard-std", &[("edition", "standard"), ("edition_rank", "1")])),
            product(&guard("guard-pro", &[("edition", "professional"), ("edition_rank", "2")])),
            product(&guard("guard-screen", &[("addon", "true")])),
        ];
        let prices = [
            priced("vm.month", "vm", "subscription", "month"),
            priced("vm.hour", "vm", "pay_per_use", "hour"),
            priced("ip.month", "ip", "subscription", "month"),
            priced("log.month", "log", "subscription", "month"),
            priced("cert.month", "cert", "subscription", "month"),
            priced("ssl.year", "ssl", "one_time", "each"),
            priced("guard.std.month", "guard-std", "subscription", "month"),
            priced("guard.pro.month", "guard-pro", "subscription", "month"),
            priced("guard.screen.month", "guard-screen", "subscription", "month"),
        ];
        let lives = ["a", "b"].map(|id| (id.to_owned(), LifeAccount::new(AccountMoney::new(Wallet::new(id, "CNY")))));
        Self {
            profile: Profile::builtin("huawei-intl").expect("it comes with the engine"),
            zone: Zone::parse("+08:00").expect("a zone"),
            accounts: Accounts::new([account("a"), account("b")]),
            prices: PriceBook::new(prices.map(|row| (1, row))).as_of(u64::MAX),
            products: Products::new(products),
            discounts: DiscountBook::new(Vec::new()).as_of(u64::MAX),
            lives: lives.into(),
            made: 0,
        }
    }

    pub fn terms(&self) -> LifeTerms<'_> {
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

    pub fn account(&self, account_id: &str) -> &LifeAccount {
        &self.lives[account_id]
    }

    pub fn resources(&self, account_id: &str) -> impl Iterator<Item = &Resource> {
        self.account(account_id).resources.values()
    }

    /// A top-up, not carried out.
    pub fn money(&mut self, account_id: &str, amount: &str, when: &str) -> Given {
        self.made += 1;
        let entry_id = format!("f-{}", self.made);
        let cells =
            [("entry_id", entry_id.as_str()), ("account_id", account_id), ("kind", "top_up"), ("amount", amount), ("at", when)];
        let row = funds::parse(&raw(TableKind::Funds, &pairs(&cells)), &Context::new("CNY")).expect("right");
        Given::Money(MoneyEvent::Funds(row))
    }

    /// Money that is there from the first instant on.
    pub fn top_up(&mut self, account_id: &str, amount: &str) {
        let given = self.money(account_id, amount, START);
        self.take(account_id, &given);
    }

    /// An order, not carried out.
    pub fn row(&self, account_id: &str, kind: &str, resource_id: &str, when: &str, more: &[(&str, &str)]) -> OrderRow {
        let order_id = format!("ord-{kind}-{resource_id}");
        let cells = [
            ("order_id", order_id.as_str()),
            ("account_id", account_id),
            ("kind", kind),
            ("placed_at", when),
            ("resource_id", resource_id),
        ];
        let cells = pairs(&[&cells[..], more].concat());
        order::parse(&raw(TableKind::Orders, &cells), &Context::new("CNY")).expect("right")
    }

    /// An order that succeeds.
    pub fn order(&mut self, account_id: &str, kind: &str, resource_id: &str, when: &str, more: &[(&str, &str)]) {
        let row = self.row(account_id, kind, resource_id, when, more);
        let taken = self.take(account_id, &Given::Order(Box::new(row)));
        let states = taken.into_iter().filter_map(|taken| match taken {
            Taken::Life(_, effects) => effects.order,
            Taken::Money(..) => None,
        });
        states.for_each(|state| assert_eq!(state.status, OrderStatus::Done, "{resource_id}: {:?}", state.refusal));
    }

    fn take(&mut self, account_id: &str, given: &Given) -> Vec<Taken> {
        let mut account = self.lives[account_id].clone();
        let taken = life::advance(&mut account, std::slice::from_ref(given), given.at(), &self.terms());
        self.lives.insert(account_id.to_owned(), account);
        taken
    }
}

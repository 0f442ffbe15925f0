//! A desk at which one account is served: prices and products as text, orders and money as text, and what became of them.

use reckoner_core::account::Accounts;
use reckoner_core::ledger::check_balance;
use reckoner_core::life::{
    Given, LifeAccount, LifeEffects, LifeTerms, OrderApproval, OrderCharge, OrderState, Products, Taken, advance, next_at,
};
use reckoner_core::number::Money;
use reckoner_core::pay::{
    AccountMoney, ChargeDue, Effects, MoneyEvent, PaymentKind, PaymentLine, SettlementDue, VoucherState, Wallet,
};
use reckoner_core::price::{DiscountBook, Discounts, PriceBook, Prices};
use reckoner_core::profile::Profile;
use reckoner_core::table::{
    BillingMode, Context, OrderRow, RawRow, TableKind, account, discount, funds, order, price, product, voucher,
};
use reckoner_core::time::{Instant, Zone};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Reads `column=value column=value` into a row of a table.
fn raw<T>(kind: TableKind, text: &str, read: impl Fn(&RawRow<'_>) -> T) -> T {
    let cells: Vec<(String, String)> = text
        .split_whitespace()
        .map(|cell| cell.split_once('=').expect("column=value"))
        .map(|(column, value)| (column.to_owned(), value.to_owned()))
        .collect();
    read(&RawRow::from_pairs(kind.schema(), 2, &cells).expect("the columns exist"))
}

/// Money of a test's text.
pub fn cny(text: &str) -> Money {
    Money::parse_signed(text).expect("an amount")
}

/// What the account is held against.
#[derive(Clone)]
struct HeldAgainst {
    profile: Profile,
    accounts: Accounts,
    prices: Prices,
    products: Products,
    discounts: Discounts,
}

#[derive(Clone)]
pub struct Desk {
    pub account: LifeAccount,
    pub zone: Zone,
    held_against: Rc<HeldAgainst>,
    pub orders: BTreeMap<String, OrderState>,
    /// The orders that were made by themselves.
    pub made: Vec<OrderRow>,
    /// Who let refunds come back.
    pub approvals: Vec<OrderApproval>,
    pub events: Vec<String>,
    /// When the events happened.
    pub happened: Vec<Instant>,
    pub event_ids: BTreeSet<String>,
    pub charges: Vec<OrderCharge>,
    pub payments: Vec<PaymentLine>,
    /// What the charges of orders come to.
    pub charged: Money,
}

impl Desk {
    /// One account `acme`, these prices (`sku=vm product=ecs …`) and products, under a profile of the engine.
    pub fn new(profile: &str, zone: &str, account_row: &str, prices: &[&str], products: &[&str]) -> Self {
        Self::with(&format!("base = \"{profile}\""), zone, account_row, prices, products)
    }

    /// The same under a profile as text: a base and single knobs turned.
    pub fn with(profile: &str, zone: &str, account_row: &str, prices: &[&str], products: &[&str]) -> Self {
        let context = Context::new("CNY");
        let row = raw(TableKind::Accounts, &format!("account_id=acme name=Acme {account_row}"), |row| {
            account::parse(row, &context).expect("an account")
        });
        let prices = prices.iter().map(|text| raw(TableKind::Prices, text, |row| price::parse(row, &context).expect("a price")));
        let products =
            products.iter().map(|text| raw(TableKind::Products, text, |row| product::parse(row, &context).expect("a product")));
        let held_against = HeldAgainst {
            profile: Profile::parse(profile).expect("a profile"),
            accounts: Accounts::new([row]),
            prices: PriceBook::new(prices.map(|row| (1, row))).as_of(u64::MAX),
            products: Products::new(products),
            discounts: DiscountBook::default().as_of(u64::MAX),
        };
        Self {
            account: LifeAccount::new(AccountMoney::new(Wallet::new("acme", "CNY"))),
            zone: Zone::parse(zone).expect("a zone"),
            held_against: Rc::new(held_against),
            orders: BTreeMap::new(),
            made: Vec::new(),
            approvals: Vec::new(),
            events: Vec::new(),
            happened: Vec::new(),
            event_ids: BTreeSet::new(),
            charges: Vec::new(),
            payments: Vec::new(),
            charged: Money::ZERO,
        }
    }

    /// An instant: a date or a time of day here, or with an offset of its own.
    pub fn at(&self, text: &str) -> Instant {
        let here = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok();
        match here(text) {
            Some(local) => self.zone.at_local(local),
            None => self.zone.parse_instant(text).expect("an instant"),
        }
    }

    pub fn discount(&mut self, text: &str) {
        let row = raw(TableKind::Discounts, text, |row| discount::parse(row, &Context::new("CNY")).expect("a discount"));
        Rc::make_mut(&mut self.held_against).discounts = DiscountBook::new([(1, row)]).as_of(u64::MAX);
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

    /// What an hour of use comes to, settled at its end.
    pub fn use_of(&self, settlement_id: &str, amount: &str, at: &str) -> Given {
        let at = self.at(at);
        let charge = ChargeDue {
            charge_id: format!("{settlement_id}-charge"),
            product: "traffic".to_owned(),
            sku: "traffic.gb".to_owned(),
            billing_mode: BillingMode::PayPerUse,
            region: None,
            window_start: at.plus_seconds(-3_600),
            due: cny(amount),
        };
        Given::Money(MoneyEvent::Settlement(SettlementDue {
            settlement_id: settlement_id.to_owned(),
            at,
            billing_period: self.zone.billing_period(at.plus_seconds(-1)),
            effective_at: at,
            charges: vec![charge],
        }))
    }

    /// Orders `kind` for a resource at a time of day here, with further cells, and carries out what is due until then.
    /// Hands back what became of it.
    pub fn does(&mut self, at: &str, kind: &str, resource_id: &str, cells: &str) -> String {
        let order_id = format!("o{}", self.orders.len() + 1);
        let placed_at = self.zone.to_text(self.at(at));
        let order =
            Self::order(&format!("order_id={order_id} kind={kind} placed_at={placed_at} resource_id={resource_id} {cells}"));
        self.advance(vec![order], at);
        self.order_result(&order_id)
    }

    /// Approves an order's refund, at a time of day here. Hands back what became of the order.
    pub fn approves(&mut self, at: &str, order_id: &str, who: &str) -> String {
        let approval = OrderApproval {
            order_id: order_id.to_owned(),
            account_id: "acme".to_owned(),
            approved_by: who.to_owned(),
            approved_at: self.at(at),
            reason: None,
        };
        self.advance(vec![Given::Approval(approval)], at);
        self.order_result(order_id)
    }

    /// Tops up.
    pub fn pays_in(&mut self, at: &str, amount: &str) {
        let text = self.zone.to_text(self.at(at));
        let entry_id = format!("in-{}-{amount}", text.replace('+', "-"));
        self.advance(vec![Self::money(&format!("entry_id={entry_id} kind=top_up amount={amount} at={text}"))], at);
    }

    /// Takes the account on; checks that every step's legs sum to 0.
    pub fn advance(&mut self, mut given: Vec<Given>, until: &str) {
        let until = self.at(until);
        given.sort_by(|a, b| a.place().cmp(&b.place()));
        self.take(&given, until, Instant::MIN);
    }

    /// The same with what is late taking effect at `effective_from`.
    pub fn take(&mut self, given: &[Given], until: Instant, effective_from: Instant) {
        let held_against = Rc::clone(&self.held_against);
        let terms = held_against.terms(self.zone, effective_from);
        for taken in advance(&mut self.account, given, until, &terms) {
            match taken {
                Taken::Money(_, effects) => self.keep_money("money", effects),
                Taken::Life(_, effects) => self.keep(*effects),
            }
        }
        assert!(next_at(&self.account, &terms).is_none_or(|next| next > until), "nothing is left due");
    }

    fn keep_money(&mut self, what: &str, effects: Effects) {
        check_balance(what, &effects.legs).expect("legs sum to 0");
        self.payments.extend(effects.payments);
    }

    fn keep(&mut self, effects: LifeEffects) {
        if let Some(money) = effects.money {
            self.keep_money("life", money);
        }
        self.charged += effects.charges.iter().map(|charge| charge.charge.amounts.due).sum();
        self.charges.extend(effects.charges);
        self.made.extend(effects.made);
        if let Some(order) = effects.order {
            let before = self.orders.insert(order.order_id.clone(), order);
            assert!(before.is_none_or(|before| before.waits_for.is_some()), "an order is carried out once");
        }
        self.approvals.extend(effects.approval);
        for event in &effects.events {
            self.happened.push(event.at);
            assert!(self.event_ids.insert(event.event_id.clone()), "an event happens once: {event:?}");
        }
        let named = |event: &reckoner_core::life::LifeEvent| {
            let of = event.resource_id.as_deref().unwrap_or("account");
            format!("{} {of} {}", self.text(event.at), event.kind.as_str())
        };
        let events: Vec<String> = effects.events.iter().map(named).collect();
        self.events.extend(events);
    }

    pub fn terms(&self, effective_from: Instant) -> LifeTerms<'_> {
        self.held_against.terms(self.zone, effective_from)
    }

    /// An instant by the clock on the wall here.
    pub fn text(&self, at: Instant) -> String {
        self.zone.to_text(at)[..19].to_owned()
    }

    /// `status renewal expires balance` of a resource.
    pub fn seen(&self, resource_id: &str) -> String {
        let resource = &self.account.resources[resource_id];
        let expires = resource.expires_at.map_or("-".to_owned(), |at| self.text(at));
        let balance = self.account.money.wallet.balance.to_text(2);
        format!("{} {} {expires} {balance}", resource.status.as_str(), resource.renewal.as_str())
    }

    /// The balance, with 2 digits.
    pub fn balance(&self) -> String {
        self.account.money.wallet.balance.to_text(2)
    }

    /// `paid consumed fee refund` of an order.
    pub fn came_back(&self, order_id: &str) -> String {
        let text = |amount: Option<Money>| amount.map_or("-".to_owned(), |amount| amount.to_text(2));
        let order = &self.orders[order_id];
        format!("{} {} {} {}", text(order.amount), text(order.consumed), text(order.fee), text(order.refund))
    }

    /// What sources paid and got back for an order: `voucher 20.00;balance 80.00`.
    pub fn paid_for(&self, order_id: &str) -> String {
        let lines = self.payments.iter().filter(|line| line.paid_for == order_id && line.kind != PaymentKind::Repayment);
        let texts: Vec<String> = lines.map(|line| format!("{} {}", line.source.as_str(), line.amount.to_text(2))).collect();
        texts.join(";")
    }

    /// The events of a kind, of a resource or `account`: `2026-01-05T10:00:00`.
    pub fn when(&self, of: &str, kind: &str) -> Vec<&str> {
        let ends = format!(" {of} {kind}");
        self.events.iter().filter_map(|event| event.strip_suffix(ends.as_str())).collect()
    }

    /// `done`, or the code of the refusal or of what it waits for.
    pub fn order_result(&self, order_id: &str) -> String {
        let Some(state) = self.orders.get(order_id) else { return "waits".to_owned() };
        match state.refusal.as_ref().or(state.waits_for.as_ref()) {
            Some(refusal) => refusal.split(':').next().unwrap_or_default().to_owned(),
            None => state.status.as_str().to_owned(),
        }
    }
}

impl HeldAgainst {
    fn terms(&self, zone: Zone, effective_from: Instant) -> LifeTerms<'_> {
        LifeTerms {
            profile: &self.profile,
            zone,
            accounts: &self.accounts,
            prices: &self.prices,
            products: &self.products,
            discounts: &self.discounts,
            effective_from,
        }
    }
}

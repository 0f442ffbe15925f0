//! A small world: two accounts, a sku of every model and window, use of them.

use reckoner_core::account::Accounts;
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::price::{DiscountBook, PriceBook};
use reckoner_core::profile::Profile;
use reckoner_core::rate::Terms;
use reckoner_core::table::{AccountRow, BillingMode, PaymentMethod, PriceModel, PriceRow, SettleWindow, Tier, Unit, UsageRow};
use reckoner_core::time::{Instant, Zone};
use std::collections::BTreeMap;

/// 2026-01-05T00:00:00+08:00, a Monday.
pub const MONDAY: i64 = 1_767_542_400;

pub fn at(text: &str) -> Instant {
    Instant::parse(text).expect("an instant")
}

pub fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect("a quantity")
}

pub fn money(text: &str) -> Money {
    Money::parse_signed(text).expect("an amount")
}

pub fn account(account_id: &str) -> AccountRow {
    AccountRow {
        account_id: account_id.to_owned(),
        name: account_id.to_owned(),
        currency: "CNY".to_owned(),
        level: "V0".to_owned(),
        credit_limit: Money::ZERO,
        payment_method: PaymentMethod::Balance,
        payer_account_id: None,
        cost_center: None,
        valid_from: None,
        revision: 0,
        particulars: BTreeMap::new(),
    }
}

/// A price since ever, by the hour and per hour; change what matters.
pub fn price(sku: &str, unit_price: &str) -> PriceRow {
    PriceRow {
        sku: sku.to_owned(),
        product: "p".to_owned(),
        billing_mode: BillingMode::PayPerUse,
        unit: Unit::Hour,
        unit_price: UnitPrice::parse(unit_price).expect("a price"),
        model: PriceModel::Flat,
        currency: "CNY".to_owned(),
        valid_from: None,
        valid_to: None,
        revision: 0,
        settle: SettleWindow::Hour,
        min_seconds: 0,
        step_seconds: 1,
        min_charge: Money::ZERO,
        particulars: BTreeMap::new(),
    }
}

/// Tiers as `(up_to, unit_price, flat)`; an empty bound is the last.
pub fn tiers(rows: &[(&str, &str, &str)]) -> Vec<Tier> {
    let tier = |(up_to, unit_price, flat): &(&str, &str, &str)| Tier {
        up_to: (!up_to.is_empty()).then(|| quantity(up_to)),
        unit_price: UnitPrice::parse(unit_price).expect("a price"),
        flat: money(flat),
    };
    rows.iter().map(tier).collect()
}

pub fn terms(prices: impl IntoIterator<Item = (u64, PriceRow)>) -> Terms {
    Terms::new(
        Profile::builtin("huawei-intl").expect("comes with the engine"),
        Zone::parse("+08:00").expect("a zone"),
        Accounts::new([account("a"), account("b")]),
        &PriceBook::new(prices),
        &DiscountBook::default(),
        [1],
    )
}

/// One unit of `sku` that account `a` held from `start` for `seconds`.
pub fn usage(record_id: &str, sku: &str, start: i64, seconds: i64) -> UsageRow {
    UsageRow {
        record_id: record_id.to_owned(),
        account_id: "a".to_owned(),
        resource_id: "r".to_owned(),
        sku: sku.to_owned(),
        started_at: Instant::from_seconds(start),
        ended_at: Instant::from_seconds(start + seconds),
        quantity: Quantity::ONE,
        region: None,
        resource_name: None,
        tags: BTreeMap::new(),
        revision: 0,
        corrects: None,
        is_waived: false,
        line: 0,
    }
}

//! Orders, resources and standings of `acme` and `birch`.

use super::{at, money};
use crate::{AccountStanding, LifeBatch, LifeEvent, OrderApproval, OrderState, OrderStatus, SettlementBatch};
use reckoner_core::life::{AccountStatus, Anchor, LifeEventKind, OrderCharge, PaidPart, PaidPeriod, PeriodKind};
use reckoner_core::life::{RenewalPolicy, Resource, ResourceStatus, Standing};
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::pay::PaymentSource;
use reckoner_core::rate::{Amounts, Charge, ChargeType, LineKey};
use reckoner_core::table::{BillingMode, OrderKind, OrderRow, OrderScope};
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeMap;

/// The purchase of a resource with the order's id.
pub fn order(order_id: &str, account_id: &str, placed_at: Instant) -> OrderRow {
    OrderRow {
        order_id: order_id.to_owned(),
        account_id: account_id.to_owned(),
        kind: OrderKind::Purchase,
        placed_at,
        resource_id: format!("edge-{order_id}"),
        sku: Some("edge.pro.month".to_owned()),
        quantity: None,
        periods: 1,
        renewal: Some(RenewalPolicy::Auto),
        renewal_periods: None,
        bundle_id: None,
        depends_on: Vec::new(),
        is_trial: false,
        region: None,
        data_center_type: None,
        configuration: None,
        resource_name: None,
        scope: OrderScope::Resource,
        effective: None,
        align_day: None,
        expires_on: None,
        accept_fee: None,
        reason: None,
        tags: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
    }
}

/// An order that was carried out for 90.
pub fn done(order_id: &str, done_at: Instant) -> OrderState {
    let amount = Some(money("90"));
    OrderState { status: OrderStatus::Done, done_at: Some(done_at), amount, ..OrderState::pending(order_id) }
}

/// An order that was refused.
pub fn refused(order_id: &str, refusal: &str) -> OrderState {
    OrderState { status: OrderStatus::Refused, refusal: Some(refusal.to_owned()), ..OrderState::pending(order_id) }
}

/// An order that waits for a second person.
pub fn waiting(order_id: &str) -> OrderState {
    OrderState { waits_for: Some("approval: a second person".to_owned()), ..OrderState::pending(order_id) }
}

/// Ben approves an order of `acme`.
pub fn approval(order_id: &str, approved_at: Instant) -> OrderApproval {
    OrderApproval {
        order_id: order_id.to_owned(),
        account_id: "acme".to_owned(),
        approved_by: "ben".to_owned(),
        approved_at,
        reason: Some("the contract has ended".to_owned()),
    }
}

/// A subscription that ends so many hours after Monday began.
pub fn resource(account_id: &str, resource_id: &str, expires: i64) -> Resource {
    let period = PaidPeriod {
        order_id: format!("o-{resource_id}"),
        kind: PeriodKind::Purchase,
        charge_id: format!("ch-{resource_id}"),
        bought_at: at(0),
        service: Window::new(at(0), at(expires)),
        term_months: 1,
        sku: "edge.pro.month".to_owned(),
        product: "edge".to_owned(),
        price_id: "pr-1".to_owned(),
        due: money("90"),
        paid: vec![PaidPart { source: PaymentSource::Balance, source_id: None, amount: money("90") }],
        is_given_back: false,
        used: None,
    };
    Resource {
        resource_id: resource_id.to_owned(),
        account_id: account_id.to_owned(),
        product: "edge".to_owned(),
        sku: "edge.pro.month".to_owned(),
        billing_mode: BillingMode::Subscription,
        quantity: Quantity::ONE,
        status: ResourceStatus::Active,
        renewal: RenewalPolicy::Auto,
        renewal_periods: None,
        is_trial: false,
        starts_at: at(0),
        expires_at: Some(at(expires)),
        anchor: Anchor { from: at(0), months: 1 },
        periods: vec![period],
        next_period: None,
        grace_until: None,
        retention_until: None,
        bundle_id: Some("bundle-7".to_owned()),
        depends_on: vec!["host-1".to_owned()],
        region: Some("cn-north-4".to_owned()),
        data_center_type: None,
        configuration: None,
        resource_name: None,
        tags: BTreeMap::new(),
        next_attempt_at: None,
        last_renewal_attempt_at: None,
        last_renewal_result: None,
        ended_at: None,
        is_given_back_freely: false,
        waiting_refund: None,
    }
}

/// Where an account stands since so many hours after Monday began; nothing is due for it.
pub fn standing(account_id: &str, status: AccountStatus, since: i64) -> AccountStanding {
    let since = at(since);
    let standing = Standing { status, since, life_at: since, ..Standing::normal(account_id) };
    AccountStanding { standing, next_at: None }
}

/// A charge of 90 for a service that begins so many hours after Monday.
pub fn order_charge(charge_id: &str, order_id: &str, account_id: &str, hours: i64) -> OrderCharge {
    let key = LineKey {
        window: Window::new(at(hours), at(hours + 744)),
        account_id: account_id.to_owned(),
        resource_id: "edge-1".to_owned(),
        sku: "edge.pro.month".to_owned(),
        price_id: "pr-1".to_owned(),
    };
    let amounts = Amounts { list: money("100"), discount: money("10"), truncated: Money::ZERO, due: money("90") };
    let charge = Charge {
        charge_id: charge_id.to_owned(),
        settlement_id: String::new(),
        key,
        product: "edge".to_owned(),
        billing_mode: BillingMode::Subscription,
        charge_type: ChargeType::Purchase,
        billing_period: "2026-01".to_owned(),
        quantity: Quantity::ONE,
        waived: Quantity::ZERO,
        unit: "month".to_owned(),
        unit_price: Some(UnitPrice::parse("100.000000000001").expect("a plain price")),
        amounts,
        currency: "CNY".to_owned(),
        corrects: None,
        reason: None,
        region: Some("cn-north-4".to_owned()),
        cost_center: Some("research".to_owned()),
        tags: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        transaction_at: at(hours),
    };
    OrderCharge { order_id: order_id.to_owned(), charge }
}

/// Something that happened to `edge-1` of `acme`.
pub fn event(event_id: &str, at: Instant) -> LifeEvent {
    LifeEvent {
        event_id: event_id.to_owned(),
        at,
        account_id: "acme".to_owned(),
        resource_id: Some("edge-1".to_owned()),
        kind: LifeEventKind::Renewed,
        data: BTreeMap::from([("order_id".to_owned(), "o-1".to_owned())]),
    }
}

/// A batch that changes nothing but lives.
pub fn of_life(life: LifeBatch) -> SettlementBatch {
    SettlementBatch { life, ..SettlementBatch::default() }
}

/// One of everything at the end of an hour; its names carry the hour's number.
pub fn full_life(hours: i64) -> LifeBatch {
    let named = |kind: &str| format!("{kind}-{hours}");
    let end = at(hours + 1);
    LifeBatch {
        orders_made: vec![order(&named("renewal"), "acme", end)],
        orders: vec![done(&named("renewal"), end)],
        approvals: vec![approval(&named("renewal"), end)],
        resources: vec![(resource("acme", "edge-1", 744), Some(at(577)))],
        standings: vec![AccountStanding { next_at: Some(at(360)), ..standing("birch", AccountStatus::Arrears, hours + 1) }],
        charges: vec![order_charge(&named("ch"), &named("renewal"), "acme", hours + 1)],
        events: vec![event(&named("ev"), end)],
    }
}

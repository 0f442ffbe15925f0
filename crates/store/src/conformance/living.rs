//! Cases about lives: orders, resources, where accounts stand, charges of orders, what happened.

use super::samples::*;
use super::{ALWAYS, Place, ends, open_settlements, picture};
use crate::{AccountStanding, IngestRecord, KnownOrder, LifeBatch, OrderOrigin, OrderState, SettlementBatch, Store, StoreError};
use reckoner_core::intake::ResourceEnd;
use reckoner_core::life::{AccountStatus, OrderCharge, Resource, ResourceStatus};
use reckoner_core::number::Quantity;
use reckoner_core::pay::OpenSettlement;
use reckoner_core::rate::{Charge, ChargeType};
use reckoner_core::time::{Instant, Window};

/// A store that has taken in these orders: id, account, hours after Monday.
fn with_orders(place: &dyn Place, orders: &[(&str, &str, i64)]) -> Box<dyn Store> {
    let rows = orders.iter().map(|(id, account, hours)| order(id, account, at(*hours)));
    let mut store = place.open();
    store.record_ingest(&IngestRecord { orders: (2..).zip(rows).collect(), ..empty_ingest("orders-1") }).expect("recorded");
    store
}

fn record(store: &mut dyn Store, life: LifeBatch) -> Result<(), StoreError> {
    store.record_settlement(&of_life(life))
}

pub(super) fn what_is_recorded_of_lives_comes_back(place: &dyn Place) {
    let mut store = place.open();
    let given = full_life(0);
    record(&mut *store, given.clone()).expect("recorded");
    let (row, state) = (given.orders_made[0].clone(), given.orders[0].clone());
    let approval = Some(given.approvals[0].clone());
    let known = KnownOrder { row, origin: OrderOrigin::Engine, placed_by: None, state, approval };
    assert_eq!(store.order("renewal-0").expect("order").as_ref(), Some(&known));
    assert_eq!(store.orders(ALWAYS).expect("orders"), [known]);
    assert_eq!(store.order("renewal-1").expect("order"), None);
    let resources = [given.resources[0].0.clone()];
    assert_eq!(store.resources().expect("resources"), resources);
    assert_eq!(store.resources_of(&["birch".to_owned(), "acme".to_owned()]).expect("resources"), resources);
    assert_eq!(store.all_standings().expect("standings"), given.standings);
    assert_eq!(store.standings_of(&["birch".to_owned()]).expect("standings"), given.standings);
    assert_eq!(store.order_charges(ALWAYS, None).expect("charges"), given.charges);
    assert_eq!(store.life_events(ALWAYS).expect("events"), given.events);
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());

    // Nothing is asked about nobody.
    assert_eq!(store.resources_of(&[]).expect("resources"), []);
    assert_eq!(store.standings_of(&[]).expect("standings"), []);
}

pub(super) fn orders_wait_for_their_instant_in_order(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-d", "acme", 2), ("o-c", "birch", 1), ("o-b", "acme", 2), ("o-a", "acme", 3)]);
    let waiting = |store: &dyn Store, until| {
        let rows = store.pending_orders(until).expect("orders");
        rows.into_iter().map(|row| row.order_id).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&*store, at(2)), ["o-c", "o-b", "o-d"]); // up to and including
    assert_eq!(waiting(&*store, at(2).plus_seconds(-1)), ["o-c"]);
    let placed = |store: &dyn Store, within| {
        let orders = store.orders(within).expect("orders");
        orders.into_iter().map(|known| format!("{} {}", known.row.order_id, known.state.status.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(placed(&*store, Window::new(at(1), at(3))), ["o-b pending", "o-c pending", "o-d pending"]); // half-open, by id

    let orders = vec![done("o-c", at(9)), refused("o-b", "in_arrears")];
    record(&mut *store, LifeBatch { orders, ..LifeBatch::default() }).expect("recorded");
    assert_eq!(waiting(&*store, Instant::MAX), ["o-d", "o-a"]);
    assert_eq!(placed(&*store, ALWAYS), ["o-a pending", "o-b refused", "o-c done", "o-d pending"]);
    assert_eq!(store.order("o-b").expect("order").expect("known").state, refused("o-b", "in_arrears"));
}

pub(super) fn orders_take_effect_once(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-1", "acme", 1), ("o-2", "acme", 1)]);
    let given_back = OrderState {
        amount: Some(money("-54")),
        consumed: Some(money("30")),
        refund: Some(money("54")),
        fee: Some(money("6")),
        ..done("o-1", at(2))
    };
    record(&mut *store, LifeBatch { orders: vec![given_back.clone()], ..LifeBatch::default() }).expect("recorded");
    assert_eq!(store.order("o-1").expect("order").expect("known").state, given_back);
    let before = picture(&*store);
    for (state, found) in [(given_back, "done"), (refused("o-1", "late"), "done")] {
        match record(&mut *store, LifeBatch { orders: vec![done("o-2", at(2)), state], ..LifeBatch::default() }) {
            Err(StoreError::Conflict { what: "order", found: seen, .. }) => assert_eq!(seen, found),
            other => panic!("{other:?}"),
        }
    }
    let unknown = record(&mut *store, LifeBatch { orders: vec![done("o-9", at(2))], ..LifeBatch::default() });
    assert!(matches!(unknown, Err(StoreError::Missing { what: "order", .. })), "{unknown:?}");
    // The engine's orders and those of files have one namespace.
    let known = record(&mut *store, LifeBatch { orders_made: vec![order("o-2", "acme", at(1))], ..LifeBatch::default() });
    assert!(matches!(known, Err(StoreError::AlreadyRecorded { what: "order", .. })), "{known:?}");
    assert_eq!(picture(&*store), before);
}

pub(super) fn what_waits_for_somebody_is_not_carried_out_again(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-1", "acme", 1), ("o-2", "birch", 1)]);
    record(&mut *store, LifeBatch { orders: vec![waiting("o-1")], ..LifeBatch::default() }).expect("recorded");
    assert_eq!(store.order("o-1").expect("order").expect("known").state, waiting("o-1"));
    let ids: Vec<String> = store.pending_orders(at(9)).expect("orders").into_iter().map(|row| row.order_id).collect();
    assert_eq!(ids, ["o-2"]);
    assert_eq!(store.life_due(at(9)).expect("accounts"), ["birch"]);

    // It comes to wait once, whoever decides so again.
    let before = picture(&*store);
    match record(&mut *store, LifeBatch { orders: vec![waiting("o-1")], ..LifeBatch::default() }) {
        Err(StoreError::Conflict { what: "order", found, .. }) => assert_eq!(found, "waiting for somebody"),
        other => panic!("{other:?}"),
    }
    assert_eq!(picture(&*store), before);
    // A refund that is approved by itself makes its account due by its resource.
    let resources = vec![(resource("acme", "a", 9), Some(at(5)))];
    record(&mut *store, LifeBatch { resources, ..LifeBatch::default() }).expect("recorded");
    assert_eq!(store.life_due(at(5)).expect("accounts"), ["acme", "birch"]);
}

pub(super) fn a_refund_is_approved_once(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-1", "acme", 1), ("o-2", "acme", 1)]);
    record(&mut *store, LifeBatch { orders: vec![waiting("o-1")], ..LifeBatch::default() }).expect("recorded");
    let approved = |order_id: &str| LifeBatch {
        orders: vec![done(order_id, at(3))],
        approvals: vec![approval(order_id, at(3))],
        ..LifeBatch::default()
    };
    record(&mut *store, approved("o-1")).expect("recorded");
    let known = store.order("o-1").expect("order").expect("known");
    assert_eq!((known.state, known.approval), (done("o-1", at(3)), Some(approval("o-1", at(3)))));
    assert_eq!(store.order("o-2").expect("order").expect("known").approval, None);

    let before = picture(&*store);
    let again = record(&mut *store, approved("o-1"));
    assert!(matches!(again, Err(StoreError::Conflict { what: "order", .. })), "{again:?}");
    let twice = record(&mut *store, LifeBatch { approvals: vec![approval("o-1", at(4))], ..LifeBatch::default() });
    assert!(matches!(twice, Err(StoreError::AlreadyRecorded { what: "approval", .. })), "{twice:?}");
    let unknown = record(&mut *store, LifeBatch { approvals: vec![approval("o-9", at(4))], ..LifeBatch::default() });
    assert!(matches!(unknown, Err(StoreError::Impossible { what: "approval", .. })), "{unknown:?}");
    assert_eq!(picture(&*store), before);
}

pub(super) fn resources_are_what_they_were_last(place: &dyn Place) {
    let mut store = place.open();
    let names = [("acme", "b", 5), ("birch", "a", 5), ("acme", "a", 9)];
    let resources = names.map(|(account, id, expires)| (resource(account, id, expires), None)).to_vec();
    record(&mut *store, LifeBatch { resources, ..LifeBatch::default() }).expect("recorded");
    let ended = Resource { status: ResourceStatus::Unsubscribed, ended_at: Some(at(1)), ..resource("acme", "b", 7) };
    let endless = Resource { expires_at: None, ..resource("acme", "c", 0) };
    let resources = vec![(ended.clone(), None), (endless.clone(), None)];
    record(&mut *store, LifeBatch { resources, ..LifeBatch::default() }).expect("recorded");

    let acme = [resource("acme", "a", 9), ended.clone(), endless.clone()];
    assert_eq!(store.resources_of(&["acme".to_owned()]).expect("resources"), acme);
    // A resource is named within its account.
    let all = [resource("acme", "a", 9), resource("birch", "a", 5), ended.clone(), endless];
    assert_eq!(store.resources().expect("resources"), all);
    let expiring = |from, to| store.resources_expiring(Window::new(at(from), at(to))).expect("resources");
    assert_eq!(expiring(5, 9), [resource("birch", "a", 5), ended]);
    assert_eq!(expiring(9, 10), [resource("acme", "a", 9)]);
}

pub(super) fn what_has_ended_is_told_apart(place: &dyn Place) {
    use ResourceStatus::{Active, Deleted, Released, Retention, Unsubscribed};
    let mut store = place.open();
    let named = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names.iter().map(|(account_id, resource_id)| ((*account_id).to_owned(), (*resource_id).to_owned())).collect()
    };
    let all = named(&[("birch", "a"), ("acme", "a"), ("acme", "b"), ("acme", "c"), ("acme", "a"), ("cedar", "a")]);
    assert!(!store.any_resource_ended().expect("an answer"));
    assert_eq!(ends(&*store), Vec::<String>::new());
    assert_eq!(store.resource_ends(&all).expect("ends"), []);

    let with = |account_id: &str, resource_id: &str, status, ended: Option<i64>| {
        (Resource { status, ended_at: ended.map(at), ..resource(account_id, resource_id, 9) }, None)
    };
    let given = [("acme", "a", Active), ("acme", "b", Active), ("birch", "a", Retention), ("birch", "d", Active)];
    let resources = given.map(|(account_id, resource_id, status)| with(account_id, resource_id, status, None)).to_vec();
    record(&mut *store, LifeBatch { resources, ..LifeBatch::default() }).expect("recorded");
    assert!(!store.any_resource_ended().expect("an answer"));

    let ended = [("birch", "a", Released, 5), ("acme", "b", Deleted, 3), ("acme", "c", Unsubscribed, 4)];
    let resources = ended.map(|(account_id, resource_id, status, at)| with(account_id, resource_id, status, Some(at))).to_vec();
    record(&mut *store, LifeBatch { resources, ..LifeBatch::default() }).expect("recorded");
    assert!(store.any_resource_ended().expect("an answer"));
    let end = |account_id: &str, resource_id: &str, status, ended: i64| ResourceEnd {
        account_id: account_id.to_owned(),
        resource_id: resource_id.to_owned(),
        status,
        ended_at: at(ended),
    };
    let expected = [end("acme", "b", Deleted, 3), end("acme", "c", Unsubscribed, 4), end("birch", "a", Released, 5)];
    assert_eq!(store.resource_ends(&all).expect("ends"), expected);
    assert_eq!(store.resource_ends(&named(&[("birch", "a"), ("birch", "d")])).expect("ends"), expected[2..]);
    assert_eq!(store.resource_ends(&[]).expect("ends"), []);
    let shown = |end: &ResourceEnd| format!("{} {} {:?}", end.account_id, end.resource_id, end.ended_at);
    assert_eq!(ends(&*store), expected.iter().map(shown).collect::<Vec<_>>());
}

pub(super) fn when_accounts_were_released_is_known(place: &dyn Place) {
    use AccountStatus::{Arrears, Normal, Released, Retention};
    let mut store = place.open();
    assert_eq!(store.released_intervals().expect("intervals"), []);
    let moves =
        [("birch", Arrears, 1), ("birch", Retention, 2), ("birch", Released, 3), ("acme", Released, 4), ("acme", Normal, 6)];
    let standings = moves.map(|(account_id, status, since)| standing(account_id, status, since)).to_vec();
    record(&mut *store, LifeBatch { standings, ..LifeBatch::default() }).expect("recorded");
    let standings = vec![standing("acme", Released, 8)];
    record(&mut *store, LifeBatch { standings, ..LifeBatch::default() }).expect("recorded");
    let interval = |account_id: &str, from: i64, until: Option<i64>| crate::StandingInterval {
        account_id: account_id.to_owned(),
        status: Released,
        starts_at: at(from),
        ends_at: until.map(at),
    };
    let expected = [interval("acme", 4, Some(6)), interval("acme", 8, None), interval("birch", 3, None)];
    assert_eq!(store.released_intervals().expect("intervals"), expected);
}

pub(super) fn an_account_is_due_by_what_is_due_first(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-1", "cedar", 4), ("o-2", "acme", 1)]);
    let life = LifeBatch {
        orders: vec![done("o-2", at(1))],
        resources: vec![
            (resource("acme", "a", 9), Some(at(2))),
            (resource("acme", "b", 9), Some(at(8))),
            (resource("dogwood", "a", 9), None),
        ],
        standings: vec![AccountStanding { next_at: Some(at(3)), ..standing("birch", AccountStatus::Arrears, 1) }],
        ..LifeBatch::default()
    };
    record(&mut *store, life).expect("recorded");
    // until | due
    let cases: [(i64, &[&str]); 4] = [(1, &[]), (2, &["acme"]), (3, &["acme", "birch"]), (4, &["acme", "birch", "cedar"])];
    for (until, expected) in cases {
        assert_eq!(store.life_due(at(until)).expect("accounts"), expected, "{until}");
    }
    assert_eq!(store.life_due(Instant::MAX).expect("accounts"), ["acme", "birch", "cedar"]);

    let life = LifeBatch {
        orders: vec![done("o-1", at(4))],
        resources: vec![(resource("acme", "a", 9), None)],
        standings: vec![standing("birch", AccountStatus::Normal, 3)],
        ..LifeBatch::default()
    };
    record(&mut *store, life).expect("recorded");
    assert_eq!(store.life_due(at(7)).expect("accounts"), Vec::<String>::new());
    assert_eq!(store.life_due(at(8)).expect("accounts"), ["acme"]);
}

pub(super) fn where_accounts_stood_has_no_gap(place: &dyn Place) {
    use AccountStatus::{Arrears, Normal, Retention};
    let mut store = place.open();
    let mut put = |standings: Vec<AccountStanding>| record(&mut *store, LifeBatch { standings, ..LifeBatch::default() });
    put(vec![standing("acme", Arrears, 1), standing("birch", Arrears, 2)]).expect("recorded");
    // As it was: only what is due next is another instant.
    put(vec![AccountStanding { next_at: Some(at(9)), ..standing("acme", Arrears, 1) }]).expect("recorded");
    // Two moves in one batch, and one that lasted no time.
    put(vec![standing("acme", Retention, 3), standing("acme", Normal, 5)]).expect("recorded");
    put(vec![standing("birch", Retention, 6), standing("birch", Normal, 6)]).expect("recorded");
    let backwards = put(vec![standing("acme", Arrears, 4)]);
    assert!(matches!(backwards, Err(StoreError::Impossible { what: "standing", .. })), "{backwards:?}");

    let shown = |touching: Window| -> Vec<String> {
        let intervals = store.standing_intervals(touching).expect("intervals").into_iter();
        let hours = |instant: Instant| (instant.seconds() - at(0).seconds()) / 3_600;
        let end = |ends_at: Option<Instant>| ends_at.map_or_else(|| "on".to_owned(), |ends_at| hours(ends_at).to_string());
        let show = |interval: crate::StandingInterval| {
            let (starts, ends) = (hours(interval.starts_at), end(interval.ends_at));
            format!("{} {} {starts}-{ends}", interval.account_id, interval.status.as_str())
        };
        intervals.map(show).collect()
    };
    let all = ["acme arrears 1-3", "acme retention 3-5", "acme normal 5-on", "birch arrears 2-6", "birch normal 6-on"];
    assert_eq!(shown(ALWAYS), all);
    assert_eq!(shown(hour(3)), ["acme retention 3-5", "birch arrears 2-6"]); // half-open on both sides
    assert_eq!(shown(hour(0)), Vec::<String>::new());
    assert_eq!(shown(hour(99)), ["acme normal 5-on", "birch normal 6-on"]);
    let now = store.all_standings().expect("standings");
    assert_eq!(now, [standing("acme", Normal, 5), standing("birch", Normal, 6)]);
    assert_eq!(store.standings_of(&["birch".to_owned()]).expect("standings"), now[1..]);
}

pub(super) fn charges_of_orders_come_in_the_order_of_charges(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-1", "acme", 1), ("o-2", "birch", 1)]);
    let back = |charge_id: &str, charge_type, list: &str| {
        let OrderCharge { order_id, charge } = order_charge(charge_id, "o-1", "acme", 2);
        let amounts = reckoner_core::rate::Amounts { list: money(list), due: money(list), ..Default::default() };
        let quantity = Quantity::from_e12(-1);
        OrderCharge { order_id, charge: Charge { charge_type, amounts, quantity, unit_price: None, ..charge } }
    };
    let charges = vec![
        order_charge("c-3", "o-2", "birch", 2),
        back("c-5", ChargeType::Refund, "-60"),
        order_charge("c-1", "o-1", "acme", 3),
        back("c-2", ChargeType::Fee, "6"),
        order_charge("c-4", "o-1", "acme", 2),
    ];
    let mut expected = charges.clone();
    expected.sort_by(|one, other| one.charge.place().cmp(&other.charge.place()));
    record(&mut *store, LifeBatch { charges, ..LifeBatch::default() }).expect("recorded");
    assert_eq!(store.order_charges(ALWAYS, None).expect("charges"), expected);
    assert_eq!(store.order_charges(ALWAYS, Some("birch")).expect("charges"), expected[3..4]);
    assert_eq!(store.order_charges(hour(2), None).expect("charges"), expected[..4]);
    assert_eq!(store.order_charges(hour(3), Some("birch")).expect("charges"), []);
}

pub(super) fn an_order_is_paid_like_a_settlement(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-1", "acme", 1), ("o-2", "acme", 1), ("o-3", "acme", 1)]);
    let next_month = |charge: OrderCharge| {
        let charge = Charge { billing_period: "2026-02".to_owned(), ..charge.charge };
        OrderCharge { order_id: "o-3".to_owned(), charge }
    };
    // An account that pays by invoice: the order is open under its own id, and belongs to a bill.
    let open = OpenSettlement {
        settlement_id: "o-2".to_owned(),
        at: at(1),
        billing_period: "2026-01".to_owned(),
        outstanding: money("88"),
        payment_lines: 1,
    };
    let batch = SettlementBatch {
        settlements: vec![settlement("st-1", "acme", at(1), 0)],
        payments: vec![
            payment("p-4", "o-3", 1, at(1)),
            payment("p-3", "o-1", 1, at(1)),
            payment("p-2", "st-1", 1, at(1)),
            payment("p-1", "o-2", 1, at(1)),
        ],
        opened: vec![("acme".to_owned(), open.clone())],
        wallets: vec![wallet("acme", "0")],
        life: LifeBatch {
            charges: vec![
                order_charge("c-1", "o-1", "acme", 1),
                order_charge("c-2", "o-2", "acme", 1),
                order_charge("c-2-more", "o-2", "acme", 1), // one line, however many charges
                next_month(order_charge("c-3", "o-3", "acme", 1)),
            ],
            ..LifeBatch::default()
        },
        ..SettlementBatch::default()
    };
    store.record_settlement(&batch).expect("recorded");
    let ids = |lines: Vec<reckoner_core::pay::PaymentLine>| lines.into_iter().map(|line| line.payment_id).collect::<Vec<_>>();
    assert_eq!(ids(store.order_payments_in_period("acme", "2026-01").expect("payments")), ["p-3", "p-1"]);
    assert_eq!(ids(store.order_payments_in_period("acme", "2026-02").expect("payments")), ["p-4"]);
    assert_eq!(ids(store.order_payments_in_period("birch", "2026-01").expect("payments")), Vec::<String>::new());
    // What use gives back goes to what paid use.
    assert_eq!(ids(store.payments_in_period("acme", "2026-01").expect("payments")), ["p-2"]);
    let found = open_settlements(&*store, &["acme".to_owned()]);
    assert!(found.contains(&("acme".to_owned(), open)), "{found:?}");
    let sums = &store.money_by_currency().expect("sums")[0];
    assert_eq!((sums.settlements, sums.due_e8, sums.outstanding_e8), (1, 363 * 100_000_000, 89 * 100_000_000));

    let outstanding = vec![now("acme", "o-2", at(1), "0")];
    store.record_settlement(&SettlementBatch { outstanding, ..SettlementBatch::default() }).expect("recorded");
    let found = open_settlements(&*store, &["acme".to_owned()]);
    assert_eq!(found.into_iter().map(|(_, open)| open.settlement_id).collect::<Vec<_>>(), ["st-1"]);
}

pub(super) fn events_come_by_time(place: &dyn Place) {
    let mut store = place.open();
    let of_the_account = crate::LifeEvent { resource_id: None, ..event("ev-c", at(2)) };
    let events = vec![of_the_account, event("ev-a", at(3)), event("ev-b", at(2))];
    record(&mut *store, LifeBatch { events, ..LifeBatch::default() }).expect("recorded");
    let ids = |within| {
        let events = store.life_events(within).expect("events");
        events.into_iter().map(|event| event.event_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(ALWAYS), ["ev-b", "ev-c", "ev-a"]);
    assert_eq!(ids(hour(2)), ["ev-b", "ev-c"]);
    assert_eq!(ids(hour(4)), Vec::<String>::new());
}

pub(super) fn impossible_lives_are_refused(place: &dyn Place) {
    let mut store = with_orders(place, &[("o-1", "acme", 1)]);
    let before = picture(&*store);
    let charge = |change: fn(&mut Charge)| {
        let mut given = order_charge("c-1", "o-1", "acme", 1);
        change(&mut given.charge);
        LifeBatch { charges: vec![given], ..LifeBatch::default() }
    };
    let state = |state| LifeBatch { orders: vec![state], ..LifeBatch::default() };
    let of_no_order = LifeBatch { charges: vec![order_charge("c-1", "o-9", "acme", 1)], ..LifeBatch::default() };
    let cases = [
        ("a charge of no order", of_no_order),
        ("due that is not list - discount - truncated", charge(|charge| charge.amounts.due = money("89.99999999"))),
        ("a service that ends before it begins", charge(|charge| charge.key.window.end = at(0))),
        ("a settlement", charge(|charge| charge.settlement_id = "st-1".to_owned())),
        ("waived use", charge(|charge| charge.waived = Quantity::ONE)),
        ("done at no instant", state(OrderState { done_at: None, ..done("o-1", at(1)) })),
        ("refused without a reason", state(OrderState { refusal: None, ..refused("o-1", "late") })),
        ("done and refused", state(OrderState { refusal: Some("late".to_owned()), ..done("o-1", at(1)) })),
        ("done and waiting", state(OrderState { waits_for: Some("approval".to_owned()), ..done("o-1", at(1)) })),
        ("a fee below 0", state(OrderState { fee: Some(money("-1")), ..done("o-1", at(1)) })),
    ];
    for (what, life) in cases {
        let error = record(&mut *store, life).expect_err(what);
        assert!(matches!(error, StoreError::Impossible { .. }), "{what}: {error}");
    }
    assert_eq!(picture(&*store), before);
    let charge = charge(|_| ());
    record(&mut *store, charge).expect("as it should be");
}

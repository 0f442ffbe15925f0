//! Large refunds on a real store: they come back once, whoever approves them, however often, and wherever it ends midway.

use crate::books::books;
use crate::disturbed::{Disturbed, Happens};
use crate::home::{Home, deliver};
use reckoner_core::life::{OrderApproval, OrderStatus};
use reckoner_core::number::Money;
use reckoner_core::table::TableKind;
use reckoner_engine::{Advanced, EngineError, advance_due_by, approve};
use reckoner_store::{KnownOrder, SqliteStore, Store, StoreError};
use std::path::Path;
use std::sync::Barrier;

const BY_ITSELF: &str = "base = \"huawei-intl\"\nrefund_auto_approve_after = \"3d\"";
const NEVER: &str = "base = \"huawei-intl\"";
/// Everything is requested.
const REQUESTED: &str = "2026-01-03T12:00:00";
/// The night that carries out what nobody approved.
const NIGHT: &str = "2026-01-06T00:00:00";

/// Four accounts, each of which gave back what it had bought for 60,000 two days before.
fn requested(folder: &Path, profile: &str) -> (Home, SqliteStore) {
    let home = Home::under(folder, profile);
    let mut store = home.open();
    delivered(&mut store);
    assert_eq!(home.advance(&mut store, REQUESTED).failed, []);
    (home, store)
}

fn delivered(store: &mut SqliteStore) {
    let price = "sku=big.month product=vm billing_mode=subscription unit=month unit_price=60000";
    deliver(store, TableKind::Prices, "prices", &[price]);
    let each = |text: fn(usize) -> String| (0..4).map(text).collect::<Vec<_>>();
    deliver(store, TableKind::Accounts, "accounts", &each(|n| format!("account_id=a-{n} name=A{n}")));
    let money = |n| format!("entry_id=f-{n} account_id=a-{n} kind=top_up amount=60000 at=2026-01-01T00:00:00+08:00");
    deliver(store, TableKind::Funds, "funds", &each(money));
    let bought = |n| {
        let order = format!("order_id=b-{n} account_id=a-{n} kind=purchase resource_id=i-{n} sku=big.month");
        format!("{order} placed_at=2026-01-01T10:00:00+08:00")
    };
    deliver(store, TableKind::Orders, "purchases", &each(bought));
    let back = |n| {
        let order = format!("order_id=u-{n} account_id=a-{n} kind=unsubscribe resource_id=i-{n}");
        format!("{order} placed_at=2026-01-02T1{n}:00:00+08:00")
    };
    deliver(store, TableKind::Orders, "unsubscriptions", &each(back));
}

fn night(home: &Home, store: &mut dyn Store, accounts_per_commit: usize) -> Result<Advanced, EngineError> {
    let knowledge = home.knowledge(store);
    advance_due_by(store, &knowledge, None, home.at(NIGHT), accounts_per_commit)
}

fn order(store: &dyn Store, order_id: &str) -> KnownOrder {
    store.order(order_id).expect("the store answers").expect("it is known")
}

fn balance(store: &dyn Store, account_id: &str) -> Money {
    store.wallets(&[account_id.to_owned()]).expect("wallets")[0].balance
}

fn said_by(home: &Home, who: &str) -> OrderApproval {
    OrderApproval {
        order_id: "u-1".to_owned(),
        account_id: "a-1".to_owned(),
        approved_by: who.to_owned(),
        approved_at: home.at("2026-01-04T09:00:00"),
        reason: Some("the contract has ended".to_owned()),
    }
}

fn sixty_thousand() -> Money {
    Money::parse("60000").expect("an amount")
}

#[test]
fn what_waits_is_found_by_the_night_on_which_nobody_has_approved_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, mut store) = requested(folder.path(), BY_ITSELF);
    assert_eq!((order(&store, "u-1").state.status, balance(&store, "a-1")), (OrderStatus::Pending, Money::ZERO));
    assert!(store.pending_orders(home.at(NIGHT)).expect("orders").is_empty(), "it is not carried out again");
    // The first is due on the 5th at 10:00, the others by the hour after it.
    assert_eq!(home.advance(&mut store, "2026-01-05T09:59:59").accounts, 0);
    assert_eq!(store.life_due(home.at("2026-01-05T11:00:00")).expect("accounts"), ["a-0", "a-1"]);
    let first = night(&home, &mut store, 4).expect("advanced");
    assert_eq!((first.accounts, first.steps, first.failed), (4, 4, Vec::new()));
    let known = order(&store, "u-1");
    assert_eq!((known.state.done_at, known.state.waits_for), (Some(home.at("2026-01-05T11:00:00")), None));
    assert_eq!(known.approval.map(|approval| approval.approved_by).as_deref(), Some("engine"));
    assert_eq!(balance(&store, "a-1"), sixty_thousand());

    let (once, writes) = (books(&store), store.latest_commit().expect("a number"));
    assert_eq!(night(&home, &mut store, 4).expect("advanced").accounts, 0);
    assert_eq!((books(&store), store.latest_commit().expect("a number")), (once, writes));
}

/// After an outage over both, the request and what nobody approved each have their own instant, as if every night had come.
#[test]
fn an_outage_over_request_and_approval_equals_both() {
    for profile in [BY_ITSELF, "base = \"huawei-intl\"\nrefund_auto_approve_after = \"0s\""] {
        let run = |untils: &[&str]| {
            let folder = tempfile::tempdir().expect("a folder");
            let (home, mut store) = (Home::under(folder.path(), profile), Home::under(folder.path(), profile).open());
            delivered(&mut store);
            untils.iter().for_each(|until| assert_eq!(home.advance(&mut store, until).failed, []));
            assert!(store.life_due(home.at(NIGHT)).expect("accounts").is_empty());
            books(&store)
        };
        let at_once = run(&[NIGHT]);
        assert_eq!(at_once, run(&["2026-01-01T12:00:00", REQUESTED, "2026-01-05T11:00:00", NIGHT]), "{profile}");
        assert!(at_once.contains("\"engine\""), "{profile}");
    }
}

#[test]
fn under_never_nothing_is_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, mut store) = requested(folder.path(), NEVER);
    let before = books(&store);
    assert_eq!(home.advance(&mut store, "2027-01-01T00:00:00").accounts, 0);
    assert_eq!(books(&store), before);
}

#[test]
fn a_night_broken_off_at_every_write_is_finished_by_the_next_run() {
    let undisturbed = {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, mut store) = requested(folder.path(), BY_ITSELF);
        night(&home, &mut store, 1).expect("undisturbed");
        books(&store)
    };
    for (write, is_there) in (1..=4).flat_map(|write| [(write, false), (write, true)]) {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, store) = requested(folder.path(), BY_ITSELF);
        let happens = if is_there { Happens::FailsAfter } else { Happens::FailsBefore };
        let error = night(&home, &mut Disturbed::new(store, write, happens), 1).expect_err("it is broken off");
        assert!(matches!(error, EngineError::Store(StoreError::UnknownOutcome(_))), "{error}");
        let mut store = home.open();
        night(&home, &mut store, 1).expect("finished");
        assert_eq!(books(&store), undisturbed, "broken off at write {write}, which is there: {is_there}");
    }
}

/// An approval is recorded with what it does: broken off, both are there or neither, and saying it again ends the same.
#[test]
fn an_approval_broken_off_is_whole_or_not_there() {
    let approved = {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, mut store) = requested(folder.path(), NEVER);
        let knowledge = home.knowledge(&store);
        approve(&mut store, &knowledge, &said_by(&home, "ben")).expect("approved");
        books(&store)
    };
    for happens in [Happens::FailsBefore, Happens::FailsAfter] {
        let is_there = matches!(happens, Happens::FailsAfter);
        let folder = tempfile::tempdir().expect("a folder");
        let (home, store) = requested(folder.path(), NEVER);
        let (before, knowledge) = (books(&store), home.knowledge(&store));
        approve(&mut Disturbed::new(store, 1, happens), &knowledge, &said_by(&home, "ben")).expect_err("it is broken off");
        let mut store = home.open();
        assert_eq!(books(&store), if is_there { approved.clone() } else { before });
        assert_eq!(order(&store, "u-1").approval.is_some(), is_there);
        let writes = store.latest_commit().expect("a number");
        approve(&mut store, &knowledge, &said_by(&home, "ben")).expect("approved");
        assert_eq!(books(&store), approved);
        assert_eq!(store.latest_commit().expect("a number"), writes + u64::from(!is_there), "what is there is not written again");
    }
}

#[test]
fn of_many_who_approve_at_once_one_does() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(requested(folder.path(), NEVER));
    let ready = Barrier::new(6);
    let run = |who: usize| {
        let home = Home::under(folder.path(), NEVER);
        let mut store = home.open();
        let knowledge = home.knowledge(&store);
        ready.wait();
        approve(&mut store, &knowledge, &said_by(&home, &format!("person-{who}"))).expect("approved")
    };
    let steps: u64 = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|who| scope.spawn(move || run(who))).collect();
        runs.into_iter().map(|run| run.join().expect("a run ends").steps).sum()
    });
    assert_eq!(steps, 1);
    let store = Home::under(folder.path(), NEVER).open();
    assert_eq!(balance(&store, "a-1"), sixty_thousand());
    assert!(order(&store, "u-1").approval.is_some_and(|approval| approval.approved_by.starts_with("person-")));
}

/// Time was faster: whoever decided to approve before decides again, and finds nothing that waits.
#[test]
fn an_approval_that_comes_second_has_no_effect() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, store) = requested(folder.path(), BY_ITSELF);
    let knowledge = home.knowledge(&store);
    let other = || drop(night(&home, &mut home.open(), 4).expect("another process was faster"));
    let mut disturbed = Disturbed::new(store, 1, Happens::After(Box::new(other)));
    let ours = approve(&mut disturbed, &knowledge, &said_by(&home, "ben")).expect("no failure");
    assert_eq!((ours.steps, ours.failed), (0, Vec::new()));
    let known = order(&home.open(), "u-1");
    assert_eq!(known.approval.map(|approval| approval.approved_by).as_deref(), Some("engine"));
    assert_eq!(balance(&home.open(), "a-1"), sixty_thousand());
}

/// What is due for the account by then is carried out before, in the same transaction.
#[test]
fn what_is_due_before_goes_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, mut store) = requested(folder.path(), NEVER);
    // 60,000 are not there yet: the purchase of an hour earlier is refused, that of an hour later would not be.
    let order_row = "order_id=early account_id=a-1 kind=purchase resource_id=i-9 sku=big.month";
    deliver(&mut store, TableKind::Orders, "early", &[format!("{order_row} placed_at=2026-01-04T08:00:00+08:00")]);
    let knowledge = home.knowledge(&store);
    let done = approve(&mut store, &knowledge, &said_by(&home, "ben")).expect("approved");
    assert_eq!((done.accounts, done.steps), (1, 2));
    assert_eq!(order(&store, "early").state.status, OrderStatus::Refused);
    assert_eq!(order(&store, "u-1").state.status, OrderStatus::Done);
    assert_eq!(order(&store, "u-0").state.status, OrderStatus::Pending);
}

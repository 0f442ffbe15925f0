//! Cases about batches of settled windows: claims, all or nothing, money that cannot be, readers beside a writer.

use super::samples::*;
use super::{ALWAYS, Place, open_settlements, picture};
use crate::{LifeBatch, RunRecord, SettledWindow, SettlementBatch, Store, StoreError};
use reckoner_core::life::AccountStatus;
use reckoner_core::number::Money;
use reckoner_core::pay::{OpenSettlement, Wallet};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::Window;

/// A store that has taken in one delivery of everything.
fn with_a_delivery(place: &dyn Place) -> Box<dyn Store> {
    let mut store = place.open();
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    store
}

pub(super) fn what_is_settled_comes_back(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    let given = full_batch(0);
    store.record_settlement(&given).expect("recorded");

    assert_eq!(store.settled_windows().expect("windows"), [given.windows[0].0]);
    assert_eq!(store.bookmarks().expect("bookmarks"), [given.bookmark.clone().expect("one")]);
    assert_eq!(store.frontier().expect("frontier"), given.frontier);
    assert_eq!(store.charge_files(ALWAYS).expect("files"), given.charge_files);
    assert_eq!(store.settlements(ALWAYS).expect("settlements"), given.settlements);
    assert_eq!(store.payments(ALWAYS).expect("payments"), given.payments);
    assert_eq!(store.transactions(ALWAYS).expect("transactions"), given.transactions);
    assert_eq!(store.all_wallets().expect("wallets"), given.wallets);
    let vouchers = store.voucher_states(&["acme".to_owned()]).expect("vouchers");
    assert_eq!((vouchers[0].used, vouchers[0].returned), (money("1"), money("0.5")));
    assert_eq!(store.tier_totals(&[("acme".to_owned(), "vm.small".to_owned())]).expect("totals"), given.tier_totals);
    assert_eq!(store.runs().expect("runs"), given.runs);
    assert_eq!(store.integrity_findings().expect("findings"), Vec::<String>::new());
}

pub(super) fn a_batch_decided_before_another_write_is_refused(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(store.latest_commit().expect("a number"), 0);
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    store.set_mark("verified_seq", "1").expect("set");
    let read_at = store.latest_commit().expect("a number");
    assert_eq!(read_at, 1, "a mark is no write");
    // Another connection writes something that has no key in common with the batch.
    let other = SettlementBatch { wallets: vec![wallet("birch", "5")], ..SettlementBatch::default() };
    place.open().record_settlement(&other).expect("recorded");
    let before = picture(&*store);
    let error = store.record_settlement(&SettlementBatch { read_at: Some(read_at), ..full_batch(0) }).expect_err("stale");
    assert!(matches!(error, StoreError::Stale { read_at: 1, found: 2 }), "{error}");
    assert_eq!(picture(&*store), before);
    let read_at = store.latest_commit().expect("a number");
    store.record_settlement(&SettlementBatch { read_at: Some(read_at), ..full_batch(0) }).expect("decided from what is");
}

pub(super) fn a_batch_recorded_twice_is_refused(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    store.record_settlement(&full_batch(0)).expect("recorded");
    let before = picture(&*store);
    let error = store.record_settlement(&full_batch(0)).expect_err("settled");
    assert!(matches!(error, StoreError::WindowMoved { .. }), "{error}");
    assert!(error.to_string().contains("hour 2026-01-05T00:00:00Z"), "{error}");

    // Even if the claim let it pass, each thing that is posted has a key of its own.
    let old = full_batch(0);
    let empty = SettlementBatch::default;
    let at_the_same_place = crate::SettlementRecord { settlement_id: "other".into(), ..old.settlements[0].clone() };
    let cases = [
        ("lake file", SettlementBatch { charge_files: old.charge_files, ..empty() }),
        ("settlement", SettlementBatch { settlements: old.settlements, ..empty() }),
        ("settlement", SettlementBatch { settlements: vec![at_the_same_place], ..empty() }), // account, instant, revision
        ("payment", SettlementBatch { payments: old.payments, ..empty() }),
        ("transaction", SettlementBatch { transactions: old.transactions, ..empty() }),
        ("run", SettlementBatch { runs: old.runs, ..empty() }),
        ("order", of_life(LifeBatch { orders_made: old.life.orders_made, ..LifeBatch::default() })),
        ("charge", of_life(LifeBatch { charges: old.life.charges, ..LifeBatch::default() })),
        ("event", of_life(LifeBatch { events: old.life.events, ..LifeBatch::default() })),
    ];
    for (expected, batch) in cases {
        match store.record_settlement(&batch).expect_err("recorded before") {
            StoreError::AlreadyRecorded { what, .. } => assert_eq!(what, expected),
            other => panic!("{expected}: {other}"),
        }
    }
    assert_eq!(picture(&*store), before);
}

pub(super) fn a_window_is_claimed_in_the_state_it_was_read_in(place: &dyn Place) {
    let mut store = place.open();
    let mut claim = |window: SettledWindow, before| {
        store.record_settlement(&SettlementBatch { windows: vec![(window, before)], ..SettlementBatch::default() })
    };
    let moved = |result: Result<(), StoreError>| matches!(result, Err(StoreError::WindowMoved { .. }));
    assert!(moved(claim(settled(0, 5, 5), Some(4)))); // never settled
    claim(settled(0, 5, 4), None).expect("free");
    assert!(moved(claim(settled(0, 6, 6), None))); // settled by now
    assert!(moved(claim(settled(0, 6, 6), Some(4)))); // at 5, not at 4
    claim(settled(0, 6, 6), Some(5)).expect("as read");
    claim(settled(0, 6, 6), Some(6)).expect("settled again with the same files");

    let span = Window::new(at(0), at(24));
    let day = SettledWindow { kind: SettleWindow::Day, window: span, settled_seq: 6, book_seq: 6 };
    claim(day, None).expect("a day begins with an hour, and is another window");
    claim(SettledWindow { kind: SettleWindow::Month, ..day }, None).expect("a month too");
    claim(settled(-1, 6, 6), None).expect("free");
    let longer = SettledWindow { window: Window::new(at(0), at(2)), ..settled(0, 7, 7) };
    assert!(moved(claim(longer, Some(6)))); // the window has another end

    // By kind, then start; the book of the first settlement stays.
    let expected = [settled(-1, 6, 6), settled(0, 6, 4), day, SettledWindow { kind: SettleWindow::Month, ..day }];
    assert_eq!(store.settled_windows().expect("windows"), expected);
}

pub(super) fn totals_of_use_taken_back_are_gone(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    store.record_settlement(&full_batch(0)).expect("recorded");
    let gone = || SettlementBatch { tier_totals_gone: full_batch(0).tier_totals, ..SettlementBatch::default() };
    store.record_settlement(&gone()).expect("it is there");
    assert_eq!(store.tier_totals(&[("acme".to_owned(), "vm.small".to_owned())]).expect("totals"), []);
    let again = store.record_settlement(&gone()).expect_err("it is gone");
    assert!(matches!(again, StoreError::Missing { what: "tier total", .. }), "{again}");
}

pub(super) fn of_many_claims_one_wins(place: &dyn Place) {
    const CLAIMANTS: usize = 6;
    drop(with_a_delivery(place));
    for round in 0..5 {
        let won = std::thread::scope(|scope| {
            let claim = || {
                let mut store = place.open();
                match store.record_settlement(&full_batch(round)) {
                    Ok(()) => true,
                    Err(StoreError::WindowMoved { .. }) => false,
                    Err(other) => panic!("{other:?}"),
                }
            };
            let claimants: Vec<_> = (0..CLAIMANTS).map(|_| scope.spawn(claim)).collect();
            claimants.into_iter().map(|claimant| claimant.join().expect("no panic")).filter(|won| *won).count()
        });
        assert_eq!(won, 1, "round {round}");
    }
    assert_eq!(place.open().settlements(ALWAYS).expect("settlements").len(), 5);
}

pub(super) fn a_batch_is_all_or_nothing(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    store.record_settlement(&full_batch(0)).expect("recorded");
    let before = picture(&*store);

    // Everything is new but for one part, each part in its turn, the runs (written last) included.
    let old = full_batch(0);
    type Spoil = fn(&mut SettlementBatch, SettlementBatch);
    let spoilt: [(&str, Spoil); 15] = [
        ("windows", |batch, old| batch.windows.extend(old.windows)),
        ("charge files", |batch, old| batch.charge_files.extend(old.charge_files)),
        ("settlements", |batch, old| batch.settlements.extend(old.settlements)),
        ("payments", |batch, old| batch.payments.extend(old.payments)),
        ("outstanding", |batch, _| batch.outstanding.push(now("acme", "st-none", at(1), "1"))),
        ("transactions", |batch, old| batch.transactions.extend(old.transactions)),
        ("wallets", |batch, _| batch.wallets.push(wallet("acme", "-0.00000001"))),
        ("vouchers", |batch, _| batch.vouchers.push(("v-none".to_owned(), money("1"), Money::ZERO))),
        ("funds", |batch, _| batch.funds.push(("f-none".to_owned(), "done".to_owned(), None))),
        ("orders made", |batch, old| batch.life.orders_made.extend(old.life.orders_made)),
        ("orders", |batch, old| batch.life.orders.extend(old.life.orders)),
        ("standings", |batch, _| batch.life.standings.push(standing("birch", AccountStatus::Normal, 0))),
        ("charges", |batch, old| batch.life.charges.extend(old.life.charges)),
        ("events", |batch, old| batch.life.events.extend(old.life.events)),
        ("runs", |batch, old| batch.runs.extend(old.runs)),
    ];
    for (part, spoil) in spoilt {
        let mut batch = full_batch(1);
        spoil(&mut batch, old.clone());
        store.record_settlement(&batch).expect_err(part);
        assert_eq!(picture(&*store), before, "{part}");
    }
    store.record_settlement(&full_batch(1)).expect("nothing of it was there");
}

pub(super) fn impossible_money_is_refused(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    let before = picture(&*store);
    let end = at(1);
    let negative_grant = Wallet { granted: money("-1"), ..wallet("acme", "1") };
    let negative_credit = Wallet { credit_used: money("-1"), ..wallet("acme", "1") };
    let transactions =
        |legs: &[(&str, &str)]| SettlementBatch { transactions: vec![transaction("t", end, legs)], ..SettlementBatch::default() };
    let wallets = |wallet| SettlementBatch { wallets: vec![wallet], ..SettlementBatch::default() };
    let voucher = ("v-usage-1".to_owned(), money("-1"), Money::ZERO);
    let negative_outstanding = SettlementBatch {
        settlements: vec![settlement("st", "acme", end, 0)],
        outstanding: vec![now("acme", "st", end, "-1")],
        ..SettlementBatch::default()
    };
    let cases = [
        ("legs that do not sum to 0", transactions(&[("assets:cash", "2"), ("income:vm", "-1.99999999")])),
        ("no legs", transactions(&[])),
        ("cash below zero", wallets(wallet("acme", "-1"))),
        ("grant below zero", wallets(negative_grant)),
        ("credit below zero", wallets(negative_credit)),
        ("a voucher that paid less than nothing", SettlementBatch { vouchers: vec![voucher], ..SettlementBatch::default() }),
        ("less than nothing outstanding", negative_outstanding),
    ];
    for (what, batch) in cases {
        let error = store.record_settlement(&batch).expect_err(what);
        assert!(matches!(error, StoreError::Impossible { .. }), "{what}: {error}");
        assert!(!error.retryable());
    }
    assert_eq!(picture(&*store), before);
}

pub(super) fn outstanding_follows_what_is_paid(place: &dyn Place) {
    let mut store = place.open();
    let paid_in_full = crate::SettlementRecord { outstanding: Money::ZERO, ..settlement("st-4", "acme", at(4), 0) };
    let first = SettlementBatch {
        settlements: vec![
            settlement("st-3", "acme", at(3), 0),
            settlement("st-1", "acme", at(1), 0),
            settlement("st-0", "acme", at(1), 1), // a revision comes after what it revises
            settlement("st-2", "birch", at(2), 0),
            paid_in_full,
        ],
        // What a settlement left unpaid is outstanding; the list says what changed within the batch.
        outstanding: vec![now("acme", "st-3", at(3), "0.25")],
        ..SettlementBatch::default()
    };
    store.record_settlement(&first).expect("recorded");
    let open = |store: &dyn Store, accounts: &[&str]| {
        let accounts: Vec<String> = accounts.iter().map(|account| (*account).to_owned()).collect();
        let found = open_settlements(store, &accounts);
        found
            .into_iter()
            .map(|(account, open)| format!("{account} {} {}", open.settlement_id, open.outstanding))
            .collect::<Vec<_>>()
    };
    let all = ["acme st-1 1.00000000", "acme st-0 1.00000000", "birch st-2 1.00000000", "acme st-3 0.25000000"];
    assert_eq!(open(&*store, &["birch", "acme"]), all);
    assert_eq!(open(&*store, &["birch"]), all[2..3]);

    let second = SettlementBatch {
        outstanding: vec![now("acme", "st-1", at(1), "0"), now("birch", "st-2", at(2), "0.00000001")],
        ..SettlementBatch::default()
    };
    store.record_settlement(&second).expect("recorded");
    let left = ["acme st-0 1.00000000", "birch st-2 0.00000001", "acme st-3 0.25000000"];
    assert_eq!(open(&*store, &["acme", "birch"]), left);
    // What the settlement said at its time stays.
    assert_eq!(store.settlements(ALWAYS).expect("settlements")[1].outstanding, money("1"));
    // What was returned can be owed again.
    let third = SettlementBatch { outstanding: vec![now("acme", "st-1", at(1), "3")], ..SettlementBatch::default() };
    store.record_settlement(&third).expect("recorded");
    assert_eq!(open(&*store, &["acme"])[0], "acme st-1 3.00000000");
}

pub(super) fn what_chargebacks_left_open_is_paid_later(place: &dyn Place) {
    let mut store = place.open();
    let left = |id: &str, hours, amount| OpenSettlement {
        settlement_id: id.to_owned(),
        at: at(hours),
        billing_period: String::new(),
        outstanding: money(amount),
        payment_lines: 0,
    };
    let back = vec![("acme".to_owned(), left("f-1", 2, "5")), ("birch".to_owned(), left("f-2", 1, "7"))];
    let first = SettlementBatch {
        opened: back.clone(),
        wallets: vec![wallet("acme", "0"), wallet("birch", "0")],
        settlements: vec![settlement("st-1", "acme", at(2), 0), settlement("st-3", "acme", at(3), 0)],
        ..SettlementBatch::default()
    };
    store.record_settlement(&first).expect("recorded");
    let open = |store: &dyn Store, accounts: &[&str]| {
        let accounts: Vec<String> = accounts.iter().map(|account| (*account).to_owned()).collect();
        let found = open_settlements(store, &accounts);
        found.into_iter().map(|(account, open)| format!("{account} {}", open.settlement_id)).collect::<Vec<_>>()
    };
    assert_eq!(open(&*store, &["birch"]), ["birch f-2"]);
    assert_eq!(open_settlements(&*store, &["birch".to_owned()]), back[1..]);
    let sums = |store: &dyn Store| store.money_by_currency().expect("sums")[0].outstanding_e8;
    assert_eq!(sums(&*store), 1_400_000_000);

    let outstanding = vec![now("acme", "f-1", at(2), "0"), now("birch", "f-2", at(1), "2")];
    store.record_settlement(&SettlementBatch { outstanding, ..SettlementBatch::default() }).expect("recorded");
    assert_eq!(open(&*store, &["acme", "birch"]), ["birch f-2", "acme st-1", "acme st-3"]);
    assert_eq!(sums(&*store), 400_000_000);

    // Nothing of that id is there at another instant, or of another account.
    let before = picture(&*store);
    let cases = [("birch", "f-2", 9), ("acme", "f-2", 1), ("acme", "st-1", 9), ("birch", "st-1", 2), ("acme", "f-none", 9)];
    for (account_id, id, hours) in cases {
        let outstanding = vec![now(account_id, id, at(hours), "1")];
        let error = store.record_settlement(&SettlementBatch { outstanding, ..SettlementBatch::default() });
        assert!(matches!(error, Err(StoreError::Missing { what: "settlement", .. })), "{id}: {error:?}");
    }
    assert_eq!(picture(&*store), before);
}

pub(super) fn of_a_long_batch_the_row_at_fault_is_named(place: &dyn Place) {
    let mut store = place.open();
    let batch = |count: i64| {
        // Not in the order of anything: the store brings its rows into order.
        let mut settlements: Vec<_> =
            (0..count).map(|number| settlement(&format!("st-{number}"), "acme", at(number * 37 % count), 0)).collect();
        settlements[5].outstanding = Money::ZERO;
        let named = [count - 1, 3].map(|number| settlements[number as usize].clone());
        let [last, third] = named.map(|row| (row.settlement_id.to_string(), row.at));
        let outstanding = vec![now("acme", &last.0, last.1, "5"), now("acme", &third.0, third.1, "0")];
        SettlementBatch { settlements, outstanding, ..SettlementBatch::default() }
    };
    let mut twice = batch(150);
    twice.settlements.push(settlement("twice", "acme", at(77), 0));
    match store.record_settlement(&twice).expect_err("a known key") {
        StoreError::AlreadyRecorded { what: "settlement", id } => assert_eq!(id, "twice"),
        other => panic!("{other}"),
    }
    assert_eq!(store.settlements(ALWAYS).expect("settlements"), []);
    let mut batch = batch(150);
    store.record_settlement(&batch).expect("recorded");
    batch.settlements.sort_by_key(|row| row.at);
    assert_eq!(store.settlements(ALWAYS).expect("settlements"), batch.settlements);
    let open = open_settlements(&*store, &["acme".to_owned()]);
    let amounts: Vec<Money> = open.iter().map(|(_, open)| open.outstanding).collect();
    assert_eq!((amounts.len(), amounts.iter().copied().sum::<Money>()), (148, money("152")));
}

pub(super) fn funds_take_effect_once(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    let batch = SettlementBatch {
        funds: vec![("f-usage-1".to_owned(), "done".to_owned(), None)],
        wallets: vec![wallet("acme", "10")],
        ..SettlementBatch::default()
    };
    store.record_settlement(&batch).expect("recorded");
    let error = store.record_settlement(&batch).expect_err("done");
    assert!(matches!(error, StoreError::Conflict { ref found, .. } if found == "done"), "{error}");
    let batch = SettlementBatch { funds: vec![("f-x".to_owned(), "done".to_owned(), None)], ..SettlementBatch::default() };
    let error = store.record_settlement(&batch).expect_err("unknown");
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
}

pub(super) fn a_failed_attempt_is_a_line_and_nothing_else(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    let done = full_batch(0).runs.remove(0);
    let failed = RunRecord {
        status: "failed".to_owned(),
        rows_out: 0,
        postings: 0,
        amount: Money::ZERO,
        reason: Some("the disk is full".to_owned()),
        ..run("run-failed", hour(0))
    };
    store.record_failed_run(&failed).expect("recorded");
    assert_eq!(store.settled_windows().expect("windows"), []);

    // The window is there to be settled as if nobody had tried.
    store.record_settlement(&full_batch(0)).expect("recorded");
    assert_eq!(store.runs().expect("runs"), [failed.clone(), done.clone()]);

    let before = picture(&*store);
    let error = store.record_failed_run(&failed).expect_err("recorded before");
    assert!(matches!(error, StoreError::AlreadyRecorded { what: "run", .. }), "{error}");
    let posted = RunRecord { rows_out: 1, ..failed.clone() };
    let paid = RunRecord { amount: money("1"), ..failed };
    for (id, run) in [("other-1", done), ("other-2", posted), ("other-3", paid)] {
        let error = store.record_failed_run(&RunRecord { run_id: id.to_owned(), ..run }).expect_err("no failure");
        assert!(matches!(error, StoreError::Impossible { .. }), "{id}: {error}");
    }
    assert_eq!(picture(&*store), before);
}

pub(super) fn opening_again_keeps_everything(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    store.record_settlement(&full_batch(0)).expect("recorded");
    let before = picture(&*store);
    drop(store);
    let mut store = place.open();
    assert_eq!(picture(&*store), before);
    assert_eq!(store.record_ingest(&full_ingest("usage-2")).expect("recorded"), 2);
    store.record_settlement(&full_batch(1)).expect("recorded");
    let before = picture(&*store);
    drop(store);
    assert_eq!(picture(&*place.open_read_only()), before);
}

pub(super) fn readers_see_one_state_beside_a_writer(place: &dyn Place) {
    let mut store = with_a_delivery(place);
    let mut reader = place.open_read_only();
    let before = picture(&*reader);
    assert_eq!(picture(&*store), before);

    // The reader's answers agree with each other, whatever is written meanwhile; a new reader sees it.
    store.record_settlement(&full_batch(0)).expect("recorded");
    assert_eq!(picture(&*reader), before);
    assert_eq!(picture(&*place.open_read_only()), picture(&*store));
    assert_ne!(picture(&*store), before);

    let refusals = [
        reader.record_settlement(&full_batch(1)),
        reader.record_ingest(&full_ingest("usage-2")).map(drop),
        reader.record_failed_run(&run("run-9", hour(9))),
        reader.set_mark("verified_seq", "1"),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::ReadOnly)), "{refusal:?}");
    }
}

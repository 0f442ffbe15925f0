//! Cases about single questions: borders, orders, long lists.

use super::samples::*;
use super::{ALWAYS, Place, open_settlements, picture};
use crate::{
    CurrencySums, IngestRecord, LakeFile, LakeKind, SettlementBatch, SettlementRecord, Store, StoreError, TouchedHour,
    UsageAccounting,
};
use reckoner_core::number::{Money, Quantity};
use reckoner_core::schedule::WindowAction;
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window};

pub(super) fn rows_within_reach_of_a_window_are_found(place: &dyn Place) {
    let mut store = place.open();
    let spans =
        [("a", hour(0)), ("b", hour(1)), ("c", hour(2)), ("d", Window::new(at(0), at(3))), ("e", Window::new(at(2), at(2)))];
    let mut given = empty_ingest("usage-1");
    given.row_files = spans.iter().map(|(path, span)| row_file(path, "usage-1", *span)).collect();
    given.partial_files = given.row_files.iter().map(|rows| file_beside(rows, LakeKind::Partials)).collect();
    given.identity_files = given.row_files.iter().map(|rows| file_beside(rows, LakeKind::Identities)).collect();
    given.superseded = (2..).zip(spans).map(|(line, (_, span))| superseded("usage-1", line, "usage-1", span)).collect();
    store.record_ingest(&given).expect("recorded");
    let charge_files = spans.iter().take(4).map(|(path, span)| charge_file(path, *span)).collect();
    store.record_settlement(&SettlementBatch { charge_files, ..SettlementBatch::default() }).expect("recorded");

    // A row of no length at the window's start belongs to it, so files of rows that end there are within reach; charges
    // that end there are not. What begins at the window's end never is.
    let cases = [
        (hour(-1), "", ""),
        (hour(0), "ad", "ad"),
        (hour(1), "abd", "bd"),
        (hour(2), "bcde", "cd"),
        (hour(3), "cd", ""),
        (hour(4), "", ""),
        (ALWAYS, "abcde", "abcd"),
    ];
    for (window, expected_rows, expected_charges) in cases {
        let names = |files: Vec<crate::LakeFile>| files.iter().filter_map(|file| file.path.chars().last()).collect::<String>();
        assert_eq!(names(store.row_files(window).expect("files")), expected_rows, "{window:?}");
        assert_eq!(names(store.partial_files(window).expect("files")), expected_rows, "{window:?}");
        assert_eq!(names(store.identity_files(window).expect("files")), expected_rows, "{window:?}");
        assert_eq!(names(store.charge_files(window).expect("files")), expected_charges, "{window:?}");
        let lines = store.superseded(window).expect("rows").into_iter().map(|row| "--abcde".as_bytes()[row.line as usize]);
        assert_eq!(String::from_utf8(lines.collect()).expect("letters"), expected_rows, "{window:?}");
    }
}

pub(super) fn files_beside_rows_name_their_companion(place: &dyn Place) {
    let mut store = place.open();
    let rows = row_file("a", "usage-1", hour(0));
    let (partials, identities) = (file_beside(&rows, LakeKind::Partials), file_beside(&rows, LakeKind::Identities));
    let given = IngestRecord {
        row_files: vec![rows.clone()],
        partial_files: vec![partials.clone()],
        identity_files: vec![identities.clone()],
        ..empty_ingest("usage-1")
    };
    store.record_ingest(&given).expect("recorded");
    let known = |file: &LakeFile| vec![LakeFile { seq: 1, ..file.clone() }];
    assert_eq!(store.row_files(ALWAYS).expect("files"), known(&rows));
    assert_eq!(store.partial_files(ALWAYS).expect("files"), known(&partials));
    assert_eq!(store.identity_files(ALWAYS).expect("files"), known(&identities));
    let counting = LakeFile { counts_units: true, ..charge_file("b", hour(0)) };
    let charge_files = vec![charge_file("a", hour(0)), counting];
    store.record_settlement(&SettlementBatch { charge_files: charge_files.clone(), ..Default::default() }).expect("recorded");
    assert_eq!(store.charge_files(ALWAYS).expect("files"), charge_files);

    // Beside no file, beside an unknown one, rows with a companion; sums that do not count, other files that do.
    let before = picture(&*store);
    let beside = |path: &str, file: &LakeFile| LakeFile { path: "other".to_owned(), companion: path.to_owned(), ..file.clone() };
    let counts = |counts_units, file: &LakeFile| LakeFile { path: "other".to_owned(), counts_units, ..file.clone() };
    let refused = [
        beside("", &partials),
        beside("", &identities),
        beside("rows/none", &identities),
        beside("rows/a", &rows),
        beside("rows/a", &charge_files[0]),
        counts(false, &partials),
        counts(true, &identities),
        counts(true, &rows),
    ];
    for (number, file) in refused.into_iter().enumerate() {
        let given = IngestRecord { partial_files: vec![file], ..empty_ingest("usage-2") };
        let error = store.record_ingest(&given).expect_err("no such file");
        assert!(matches!(error, StoreError::Impossible { what: "lake file", .. }), "{number}: {error}");
        assert_eq!(picture(&*store), before);
    }
}

pub(super) fn touched_hours_carry_their_newest_file(place: &dyn Place) {
    let mut store = place.open();
    for (name, hours) in [("usage-1", vec![0, 1]), ("usage-2", vec![5]), ("usage-3", vec![1, -3])] {
        let touched_hours = hours.into_iter().map(at).collect();
        store.record_ingest(&IngestRecord { touched_hours, ..empty_ingest(name) }).expect("recorded");
    }
    let cases: [(u64, &[(i64, u64)]); 5] = [
        (0, &[(-3, 3), (0, 1), (1, 3), (5, 2)]),
        (1, &[(-3, 3), (1, 3), (5, 2)]),
        (2, &[(-3, 3), (1, 3)]),
        (3, &[]),
        (u64::MAX, &[]),
    ];
    for (after, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(hours, seq)| TouchedHour { start: at(*hours), seq: *seq }).collect();
        assert_eq!(store.touched_hours(after).expect("hours"), expected, "after {after}");
    }
}

pub(super) fn lists_of_accounts_may_be_empty_or_long(place: &dyn Place) {
    let mut store = place.open();
    let ids: Vec<String> = (0..40_000).map(|number| format!("acct-{number:06}")).collect();
    let tier_totals = ids.iter().map(|id| tier_total(id, "i-1", i128::MAX)).collect();
    let wallets: Vec<_> = ids.iter().map(|id| wallet(id, "1")).collect();
    let batch = SettlementBatch { wallets: wallets.clone(), tier_totals, ..SettlementBatch::default() };
    store.record_settlement(&batch).expect("recorded");

    assert_eq!(store.wallets(&[]).expect("wallets"), []);
    assert_eq!(store.voucher_states(&[]).expect("vouchers"), []);
    assert_eq!(open_settlements(&*store, &[]), []);
    assert_eq!(store.tier_totals(&[]).expect("totals"), []);

    // Unknown accounts are left out, an account named twice comes once, the answer is by account.
    let few = ["acct-000007", "nobody", "acct-000003", "acct-000007"].map(str::to_owned);
    assert_eq!(store.wallets(&few).expect("wallets"), [wallets[3].clone(), wallets[7].clone()]);
    assert_eq!(store.wallets(&ids).expect("wallets"), wallets);
    assert_eq!(store.all_wallets().expect("wallets"), wallets);

    let pair = |id: &str, sku: &str| (id.to_owned(), sku.to_owned());
    let few = [pair("acct-000007", "vm.small"), pair("acct-000007", "vm.large"), pair("acct-000003", "vm.small")];
    let expected = [batch.tier_totals[3].clone(), batch.tier_totals[7].clone()];
    assert_eq!(store.tier_totals(&few).expect("totals"), expected);
    let all: Vec<_> = ids.iter().map(|id| pair(id, "vm.small")).collect();
    assert_eq!(store.tier_totals(&all).expect("totals"), batch.tier_totals);
}

pub(super) fn funds_wait_for_their_instant_in_order(place: &dyn Place) {
    let mut store = place.open();
    let mut given = empty_ingest("funds-1");
    given.funds = vec![
        (2, funds("f-d", "acme", at(2))),
        (3, funds("f-c", "birch", at(1))),
        (4, funds("f-b", "acme", at(2))),
        (5, funds("f-a", "acme", at(3))),
    ];
    store.record_ingest(&given).expect("recorded");
    let waiting = |store: &dyn Store, until| {
        let rows = store.pending_funds(until).expect("funds");
        rows.into_iter().map(|row| row.entry_id).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&*store, at(2)), ["f-c", "f-b", "f-d"]); // up to and including
    assert_eq!(waiting(&*store, at(2).plus_seconds(-1)), ["f-c"]);
    assert_eq!(waiting(&*store, Instant::MAX), ["f-c", "f-b", "f-d", "f-a"]);

    let done = vec![
        ("f-c".to_owned(), "done".to_owned(), None),
        ("f-b".to_owned(), "refused".to_owned(), Some("more than there is".to_owned())),
    ];
    store.record_settlement(&SettlementBatch { funds: done, ..SettlementBatch::default() }).expect("recorded");
    assert_eq!(waiting(&*store, Instant::MAX), ["f-d", "f-a"]);
    let states: Vec<_> =
        store.funds().expect("funds").into_iter().map(|entry| (entry.row.entry_id, entry.status, entry.refusal)).collect();
    let state = |id: &str, status: &str, refusal: Option<&str>| (id.to_owned(), status.to_owned(), refusal.map(str::to_owned));
    let expected = [
        state("f-a", "pending", None),
        state("f-b", "refused", Some("more than there is")),
        state("f-c", "done", None),
        state("f-d", "pending", None),
    ];
    assert_eq!(states, expected);
}

pub(super) fn payments_of_a_period_come_in_the_order_made(place: &dyn Place) {
    let mut store = place.open();
    let other_month = crate::SettlementRecord { billing_period: "2025-12".into(), ..settlement("st-0", "acme", at(0), 0) };
    let first = SettlementBatch {
        settlements: vec![other_month, settlement("st-1", "acme", at(1), 0), settlement("st-2", "birch", at(1), 0)],
        payments: vec![payment("z", "st-1", 1, at(1)), payment("y", "st-0", 1, at(0)), payment("x", "st-2", 1, at(1))],
        ..SettlementBatch::default()
    };
    store.record_settlement(&first).expect("recorded");
    // A later batch repays an earlier settlement, and pays for an order, which is no settlement.
    let second = SettlementBatch {
        payments: vec![payment("b", "st-1", 2, at(9)), payment("a", "order-1", 1, at(5))],
        ..SettlementBatch::default()
    };
    store.record_settlement(&second).expect("recorded");

    let ids = |lines: Vec<reckoner_core::pay::PaymentLine>| lines.into_iter().map(|line| line.payment_id).collect::<Vec<_>>();
    assert_eq!(ids(store.payments_in_period("acme", "2026-01").expect("payments")), ["z", "b"]);
    assert_eq!(ids(store.payments_in_period("acme", "2025-12").expect("payments")), ["y"]);
    assert_eq!(ids(store.payments_in_period("cedar", "2026-01").expect("payments")), Vec::<String>::new());
    assert_eq!(ids(store.payments(ALWAYS).expect("payments")), ["y", "z", "x", "a", "b"]);
    assert_eq!(ids(store.payments(Window::new(at(1), at(5))).expect("payments")), ["z", "x"]);
}

pub(super) fn accounting_adds_up_exactly(place: &dyn Place) {
    let mut store = place.open();
    let beyond_64_bits = i128::from(i64::MAX) * 1_000_000_000_000;
    let mut given = empty_ingest("usage-1");
    given.accounting = vec![
        accepted(at(1), "acme", beyond_64_bits),
        UsageAccounting { quarantined: Quantity::ONE, ..accepted(at(1), "acme", 1) }, // a key may come twice in one write
        accepted(at(0), "birch", 3),
        accepted(at(0), "", 4), // the account is unknown
        UsageAccounting { unit: "GB".to_owned(), ..accepted(at(1), "acme", 9) },
    ];
    store.record_ingest(&given).expect("recorded");
    let charged = Quantity::from_e12(beyond_64_bits);
    let part = UsageAccounting { charged, ..accepted(at(1), "acme", -beyond_64_bits) };
    store.record_settlement(&SettlementBatch { accounting: vec![part], ..SettlementBatch::default() }).expect("recorded");

    let expected = [
        accepted(at(0), "", 4),
        accepted(at(0), "birch", 3),
        UsageAccounting { unit: "GB".to_owned(), ..accepted(at(1), "acme", 9) },
        UsageAccounting { quarantined: Quantity::ONE, charged, ..accepted(at(1), "acme", 1) },
    ];
    assert_eq!(store.usage_accounting(ALWAYS).expect("accounting"), expected);
    assert_eq!(store.usage_accounting(hour(0)).expect("accounting"), expected[..2]);
    assert_eq!(store.usage_accounting(hour(1)).expect("accounting"), expected[2..]);
    assert_eq!(store.usage_accounting(hour(2)).expect("accounting"), []);

    // A sum that passes 128 bits is an error, never a wrapped number.
    let accounting = vec![accepted(at(7), "acme", i128::MAX), accepted(at(7), "acme", 1)];
    store.record_settlement(&SettlementBatch { accounting, ..SettlementBatch::default() }).expect("recorded");
    assert!(matches!(store.usage_accounting(hour(7)), Err(StoreError::Overflow { .. })));
}

pub(super) fn tables_are_shown_by_time(place: &dyn Place) {
    let mut store = place.open();
    let legs = [("liabilities:wallet:acme", "2"), ("assets:cash", "1"), ("income:vm", "-3")]; // legs keep their order
    let batch = SettlementBatch {
        settlements: vec![
            settlement("st-b", "birch", at(1), 0),
            settlement("st-c", "acme", at(2), 0),
            settlement("st-a", "acme", at(1), 1),
            settlement("st-d", "acme", at(1), 0),
        ],
        transactions: vec![transaction("t-b", at(1), &legs), transaction("t-c", at(0), &legs), transaction("t-a", at(1), &legs)],
        runs: vec![run("run-b", hour(0)), run("run-a", hour(1))],
        ..SettlementBatch::default()
    };
    store.record_settlement(&batch).expect("recorded");

    let settlements = |window| {
        let rows = store.settlements(window).expect("settlements");
        rows.into_iter().map(|row| row.settlement_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(settlements(ALWAYS), ["st-a", "st-d", "st-b", "st-c"]);
    assert_eq!(settlements(hour(1)), ["st-a", "st-d", "st-b"]); // the end does not belong to it
    let transactions = store.transactions(ALWAYS).expect("transactions");
    assert_eq!(transactions, [batch.transactions[1].clone(), batch.transactions[2].clone(), batch.transactions[0].clone()]);
    assert_eq!(store.transactions(hour(0)).expect("transactions"), [batch.transactions[1].clone()]);
    assert_eq!(store.runs().expect("runs"), batch.runs); // in the order recorded
    assert_eq!(store.settlement_revisions("acme", at(1)).expect("revisions"), 2);
    assert_eq!(store.settlement_revisions("birch", at(2)).expect("revisions"), 0);
}

pub(super) fn settlements_are_found_by_how_their_id_begins(place: &dyn Place) {
    let mut store = place.open();
    let settlements = ["se_0a1", "se_0a10", "se_0a2", "se_0b", "se_0A1"].into_iter().zip(1..);
    let settlements = settlements.map(|(id, hours)| settlement(id, "acme", at(hours), 0)).collect();
    store.record_settlement(&SettlementBatch { settlements, ..SettlementBatch::default() }).expect("recorded");
    let cases: [(&str, u32, &[&str]); 7] = [
        ("se_0a", 9, &["se_0a1", "se_0a10", "se_0a2"]),
        ("se_0a1", 9, &["se_0a1", "se_0a10"]),
        ("se_0a10", 9, &["se_0a10"]),
        ("se_0a10f", 9, &[]),
        ("", 9, &["se_0A1", "se_0a1", "se_0a10", "se_0a2", "se_0b"]),
        ("se_", 2, &["se_0A1", "se_0a1"]), // no more than asked for
        ("se_0%", 9, &[]),                 // a text, not a pattern
    ];
    for (begins, limit, expected) in cases {
        let found = store.settlements_named(begins, limit).expect("settlements");
        let found: Vec<_> = found.iter().map(|row| &*row.settlement_id).collect();
        assert_eq!(found, expected, "{begins}");
    }
}

pub(super) fn sums_of_money_pass_64_bits(place: &dyn Place) {
    let mut store = place.open();
    assert_eq!(store.money_by_currency().expect("sums"), []);

    let most = Money::from_e8(i64::MAX);
    let huge = |id: &str, hours| SettlementRecord { due: most, outstanding: most, ..settlement(id, "acme", at(hours), 0) };
    let foreign = SettlementRecord { currency: "USD".into(), due: -most, ..settlement("st-3", "birch", at(1), 0) };
    let batch = SettlementBatch {
        settlements: vec![huge("st-1", 1), huge("st-2", 2), foreign],
        payments: vec![payment("p-1", "st-1", 1, at(1)), payment("p-2", "st-1", 2, at(1))],
        wallets: vec![wallet("acme", "0")],
        outstanding: vec![now("birch", "st-3", at(1), "0")],
        ..SettlementBatch::default()
    };
    store.record_settlement(&batch).expect("recorded");
    let twice = 2 * i128::from(i64::MAX);
    let sums = |currency: &str, settlements, due_e8, paid_e8, outstanding_e8| CurrencySums {
        currency: currency.to_owned(),
        settlements,
        due_e8,
        paid_e8,
        outstanding_e8,
    };
    let expected = [sums("CNY", 2, twice, 400_000_000, twice), sums("USD", 1, -twice / 2, 0, 0)];
    assert_eq!(store.money_by_currency().expect("sums"), expected);
}

pub(super) fn marks_are_kept(place: &dyn Place) {
    let mut store = place.open();
    for value in ["1", "2", "2", ""] {
        store.set_mark("verified_seq", value).expect("set");
        assert_eq!(store.mark("verified_seq").expect("mark").as_deref(), Some(value));
    }
    assert_eq!(store.mark("other").expect("mark"), None);
}

pub(super) fn what_operators_said_comes_back_in_order(place: &dyn Place) {
    use WindowAction::{Force, Hold, Release};
    let mut store = place.open();
    assert_eq!(store.window_orders().expect("orders"), []);
    let orders = [
        window_order(Hold, None, ALWAYS, Some("the meter is \"wrong\"")),
        window_order(Hold, Some(SettleWindow::Hour), hour(0), Some("the same")),
        window_order(Release, Some(SettleWindow::Month), hour(1), None),
        window_order(Force, Some(SettleWindow::Day), hour(2), Some("the source is gone")),
        window_order(Hold, None, ALWAYS, Some("the meter is \"wrong\"")), // said again is said twice
    ];
    for order in &orders {
        store.record_window_order(order).expect("recorded");
    }
    assert_eq!(store.window_orders().expect("orders"), orders);
    let seen = place.open_read_only().window_orders().expect("orders");
    assert_eq!(seen, orders);

    let empty = Window::new(at(1), at(1));
    let refused = [
        window_order(Hold, None, ALWAYS, None),
        window_order(Force, None, hour(0), None),
        window_order(Release, None, empty, None),
    ];
    for order in &refused {
        let error = store.record_window_order(order).expect_err("impossible");
        assert!(matches!(error, StoreError::Impossible { .. }), "{error}");
    }
    assert_eq!(store.window_orders().expect("orders"), orders);
}

pub(super) fn what_is_used_is_known_by_account_and_sku(place: &dyn Place) {
    let mut store = place.open();
    let of = |hours: i64, account: &str, sku: &str| UsageAccounting { sku: sku.to_owned(), ..accepted(at(hours), account, 1) };
    let accounting = vec![of(2, "birch", "vm"), of(0, "acme", "vm"), of(1, "acme", "vm"), of(1, "acme", "disk"), of(1, "", "")];
    store.record_ingest(&IngestRecord { accounting, ..empty_ingest("usage-1") }).expect("recorded");
    let used = |within: Window| {
        let used = store.used_skus(within).expect("used");
        used.into_iter().map(|(account, sku)| format!("{account}/{sku}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(used(ALWAYS), "/ acme/disk acme/vm birch/vm");
    assert_eq!(used(hour(0)), "acme/vm");
    assert_eq!(used(Window::new(at(1), at(2))), "/ acme/disk acme/vm"); // half-open
    assert_eq!(used(hour(3)), "");
}

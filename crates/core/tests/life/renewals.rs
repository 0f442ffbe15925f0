//! Automatic renewals: when they are tried, what pays them, what follows.

use super::desk::Desk;

const PRICES: &[&str] = &["sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100"];

fn desk(profile: &str) -> Desk {
    Desk::new(profile, "+08:00", "", PRICES, &[])
}

fn bought(profile: &str, balance: &str) -> Desk {
    let mut desk = desk(profile);
    let given = vec![
        Desk::money(&format!("entry_id=f1 kind=top_up amount={balance} at=2026-01-05T09:00:00+08:00")),
        Desk::order("order_id=o1 kind=purchase placed_at=2026-01-05T10:00:00+08:00 resource_id=i-1 sku=vm.month renewal=auto"),
    ];
    desk.advance(given, "2026-01-05T10:00:00");
    desk
}

#[test]
fn ksyun_renews_on_the_expiry_day_once() {
    let mut rich = bought("ksyun", "200");
    assert_eq!(rich.seen("i-1"), "active auto 2026-02-06T00:00:00 100.00");
    rich.advance(vec![], "2026-02-04T23:59:59");
    assert_eq!(rich.seen("i-1"), "active auto 2026-02-06T00:00:00 100.00");
    rich.advance(vec![], "2026-02-05T00:00:00");
    assert_eq!(rich.seen("i-1"), "active auto 2026-03-06T00:00:00 0.00");

    // No money on the second expiry day: it runs to its end, expires, and keeps its policy.
    rich.advance(vec![], "2026-03-05T23:59:59");
    assert_eq!(rich.seen("i-1"), "active auto 2026-03-06T00:00:00 0.00");
    rich.advance(vec![Desk::money("entry_id=f2 kind=top_up amount=100 at=2026-03-05T00:00:01+08:00")], "2026-03-06T00:00:00");
    assert_eq!(rich.seen("i-1"), "expired auto 2026-03-06T00:00:00 100.00");
    // Only by hand is it revived, from its old expiry; then it is renewed by itself again.
    rich.advance(vec![Desk::order("order_id=o2 kind=renew placed_at=2026-03-08T12:00:00+08:00 resource_id=i-1")], "2026-03-09");
    assert_eq!(rich.seen("i-1"), "active auto 2026-04-06T00:00:00 0.00");
    rich.advance(vec![Desk::money("entry_id=f3 kind=top_up amount=100 at=2026-04-05T00:00:00+08:00")], "2026-04-05");
    assert_eq!(rich.seen("i-1"), "active auto 2026-05-06T00:00:00 0.00");
    assert_eq!(rich.charged.to_text(2), "400.00");
}

#[test]
fn huawei_tries_daily_from_seven_days_before() {
    let mut desk = bought("huawei-intl", "100");
    desk.advance(vec![], "2026-01-29T03:00:00");
    assert_eq!(desk.events.last().unwrap(), "2026-01-29T03:00:00 i-1 renewal_failed");
    desk.advance(vec![Desk::money("entry_id=f2 kind=top_up amount=100 at=2026-01-31T03:00:01+08:00")], "2026-02-01T02:59:59");
    assert_eq!(desk.seen("i-1"), "active auto 2026-02-06T00:00:00 100.00");
    desk.advance(vec![], "2026-02-01T03:00:00");
    assert_eq!(desk.seen("i-1"), "active auto 2026-03-06T00:00:00 0.00");
    assert_eq!(desk.events.iter().filter(|event| event.ends_with("renewal_failed")).count(), 3);

    // 26 February is seven days before 5 March; on the 5th the last attempt; then grace, retention, release.
    desk.advance(vec![], "2026-04-30");
    let after: Vec<&str> = desk.events.iter().rev().take(4).rev().map(String::as_str).collect();
    let expected = [
        "2026-03-05T03:00:00 i-1 renewal_failed",
        "2026-03-06T00:00:00 i-1 expired",
        "2026-03-21T00:00:00 i-1 suspended",
        "2026-04-05T00:00:00 i-1 released",
    ];
    assert_eq!(after, expected);
}

#[test]
fn vouchers_pay_first_then_the_balance_and_never_a_part() {
    let mut desk = bought("ksyun", "170");
    desk.voucher("voucher_id=v1 amount=20 valid_from=2026-01-01T00:00:00+08:00 valid_to=2026-02-05T00:00:01+08:00");
    desk.voucher("voucher_id=v2 amount=20 valid_from=2026-01-01T00:00:00+08:00 valid_to=2026-02-05T00:00:00+08:00"); // just dead
    desk.advance(vec![], "2026-02-05");
    assert_eq!(desk.seen("i-1"), "active auto 2026-02-06T00:00:00 70.00"); // 90 of 100: nothing is taken
    let resource = &desk.account.resources["i-1"];
    assert_eq!(resource.last_renewal_result.as_deref(), Some("insufficient_funds"));
    assert!(desk.account.money.vouchers.iter().all(|voucher| voucher.remaining().to_text(0) == "20"));
}

#[test]
fn money_for_one_renews_what_expires_first() {
    let mut desk = desk("ksyun");
    let purchase = |order: &str, id: &str| {
        Desk::order(&format!(
            "order_id={order} kind=purchase placed_at=2026-01-05T10:00:00+08:00 resource_id={id} sku=vm.month renewal=auto"
        ))
    };
    let given = vec![
        Desk::money("entry_id=f1 kind=top_up amount=300 at=2026-01-05T09:00:00+08:00"),
        purchase("o1", "i-2"),
        purchase("o2", "i-1"),
    ];
    desk.advance(given, "2026-02-06");
    assert_eq!(desk.seen("i-1"), "active auto 2026-03-06T00:00:00 0.00");
    assert_eq!(desk.seen("i-2"), "expired auto 2026-02-06T00:00:00 0.00");
}

#[test]
fn a_bundle_renews_whole_or_not_at_all() {
    let mut desk = desk("ksyun");
    let purchase = |order: &str, id: &str| {
        Desk::order(&format!(
            "order_id={order} kind=purchase placed_at=2026-01-05T10:00:00+08:00 resource_id={id} sku=vm.month renewal=auto bundle_id=b"
        ))
    };
    let given = vec![
        Desk::money("entry_id=f1 kind=top_up amount=399 at=2026-01-05T09:00:00+08:00"),
        purchase("o1", "i-1"),
        purchase("o2", "i-2"),
    ];
    desk.advance(given, "2026-02-06");
    assert_eq!(desk.seen("i-1"), "expired auto 2026-02-06T00:00:00 199.00");
    assert_eq!(desk.seen("i-2"), "expired auto 2026-02-06T00:00:00 199.00");
    // Naming a member names the whole.
    let given = vec![
        Desk::money("entry_id=f2 kind=top_up amount=1 at=2026-02-07T00:00:00+08:00"),
        Desk::order("order_id=o3 kind=renew placed_at=2026-02-07T00:00:00+08:00 resource_id=i-2"),
    ];
    desk.advance(given, "2026-02-07");
    assert_eq!(desk.order_result("o3"), "done");
    assert_eq!(desk.seen("i-1"), "active auto 2026-03-06T00:00:00 0.00");
}

#[test]
fn what_is_expired_by_hand_is_not_set_to_auto() {
    let mut desk = desk("ksyun");
    let given = vec![
        Desk::money("entry_id=f1 kind=top_up amount=100 at=2026-01-05T09:00:00+08:00"),
        Desk::order("order_id=o1 kind=purchase placed_at=2026-01-05T10:00:00+08:00 resource_id=i-1 sku=vm.month"),
        Desk::order("order_id=o2 kind=set_renewal placed_at=2026-02-06T00:00:00+08:00 resource_id=i-1 renewal=auto"),
        Desk::order("order_id=o3 kind=set_renewal placed_at=2026-02-06T00:00:01+08:00 resource_id=i-1 renewal=auto"),
    ];
    desk.advance(given, "2026-02-07");
    // An order at the very instant of the expiry comes before it.
    assert_eq!(desk.order_result("o2"), "done");
    assert_eq!(desk.order_result("o3"), "done"); // an expired `auto` keeps its policy
    assert_eq!(desk.seen("i-1"), "expired auto 2026-02-06T00:00:00 0.00");
}

const CYCLES: &[&str] = &[
    "sku=m product=vm billing_mode=subscription unit=month unit_price=100",
    "sku=y product=vm billing_mode=subscription unit=year unit_price=1000",
];

/// S05: bought on a 31st, expired with 30 April, renewed on 18 May: from the old expiry, the 31st again.
#[test]
fn s05_renewed_after_expiry_from_the_old_one() {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", CYCLES, &[]);
    desk.pays_in("2024-03-31T09:00:00", "1000");
    desk.does("2024-03-31T10:00:00", "purchase", "i-1", "sku=m");
    assert_eq!(desk.seen("i-1"), "active manual 2024-05-01T00:00:00 900.00");
    desk.advance(vec![], "2024-05-18T09:59:59");
    assert_eq!(desk.account.resources["i-1"].status.as_str(), "retention", "by its own fifteen days of grace");
    assert_eq!(desk.does("2024-05-18T10:00:00", "renew", "i-1", ""), "done");
    assert_eq!(desk.seen("i-1"), "active manual 2024-06-01T00:00:00 800.00");
    assert_eq!(desk.when("i-1", "restored"), ["2024-05-18T10:00:00"]);
    let charge = &desk.charges.last().unwrap().charge;
    assert_eq!(
        [desk.text(charge.key.window.start), desk.text(charge.key.window.end)],
        ["2024-05-01T00:00:00", "2024-06-01T00:00:00"]
    );
}

/// S08: expired with 30 September, renewed on 11 October under `renew_after_expiry_from = "renewal"`: to 10 November.
#[test]
fn s08_renewed_after_expiry_from_the_renewal() {
    let mut desk = Desk::with("base = \"huawei-intl\"\nrenew_after_expiry_from = \"renewal\"", "+08:00", "", CYCLES, &[]);
    desk.pays_in("2020-09-01T00:00:00", "1000");
    desk.does("2020-09-01T00:00:00", "purchase", "i-1", "sku=m");
    desk.advance(vec![], "2020-10-10T23:59:59");
    assert_eq!(desk.seen("i-1"), "expired manual 2020-10-01T00:00:00 900.00");
    assert_eq!(desk.does("2020-10-11T00:00:00", "renew", "i-1", ""), "done");
    assert_eq!(desk.seen("i-1"), "active manual 2020-11-11T00:00:00 800.00");
}

/// W07: an automatic renewal takes one voucher, the largest, then cash, then credit.
#[test]
fn w07_an_automatic_renewal_takes_the_largest_voucher() {
    let mut desk = Desk::new("huawei-intl", "+08:00", "credit_limit=50", CYCLES, &[]);
    desk.pays_in("2026-01-05T09:00:00", "120");
    desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=m renewal=auto");
    for (id, amount) in [("v1", 20), ("v2", 45), ("v3", 30)] {
        let valid = "valid_from=2026-01-01T00:00:00+08:00 valid_to=2027-01-01T00:00:00+08:00";
        desk.voucher(&format!("voucher_id={id} amount={amount} {valid}"));
    }
    desk.advance(vec![], "2026-01-29T03:00:00");
    assert_eq!(desk.paid_for(&desk.made[0].order_id), "voucher 45.00;balance 20.00;credit 35.00");
}

/// Bought on the 31st before a leap February: the expiry keeps coming back to it.
#[test]
fn the_31st_over_a_leap_february() {
    let mut desk = Desk::new("ksyun", "+08:00", "", CYCLES, &[]);
    desk.pays_in("2028-01-31T09:00:00", "400");
    desk.does("2028-01-31T10:00:00", "purchase", "i-1", "sku=m renewal=auto");
    desk.advance(vec![], "2028-06-30");
    let renewed = desk.when("i-1", "renewed");
    assert_eq!(renewed, ["2028-02-29T00:00:00", "2028-03-31T00:00:00", "2028-04-30T00:00:00"]);
    assert_eq!(desk.when("i-1", "expired"), ["2028-06-01T00:00:00"]);
}

/// Attempts and expiries go by the clock on the wall, also in the nights of 23 and 25 hours.
#[test]
fn nights_with_a_clock_change() {
    // zone | bought at | first attempt | expiry, in UTC
    let cases = [
        ("Europe/Paris", "2026-03-04T10:00:00", "2026-03-28T02:00:00Z", "2026-04-04T22:00:00Z"),
        ("Europe/Paris", "2026-03-05T10:00:00", "2026-03-29T01:00:00Z", "2026-04-05T22:00:00Z"), // 03:00 is 01:00Z that morning
        ("America/New_York", "2026-02-15T10:00:00", "2026-03-08T07:00:00Z", "2026-03-16T04:00:00Z"),
        ("America/New_York", "2026-10-08T10:00:00", "2026-11-01T08:00:00Z", "2026-11-09T05:00:00Z"),
    ];
    for (zone, bought_at, attempt, expiry) in cases {
        let mut desk = Desk::new("huawei-intl", zone, "", CYCLES, &[]);
        desk.pays_in(bought_at, "200");
        desk.does(bought_at, "purchase", "i-1", "sku=m renewal=auto");
        let resource = &desk.account.resources["i-1"];
        let seen = [resource.next_attempt_at, resource.expires_at].map(|at| at.unwrap().to_utc_text());
        assert_eq!(seen, [attempt, expiry], "{zone} {bought_at}");
    }
}

/// An outage over three midnights changes nothing: what was due is done in its order, at its own instants.
#[test]
fn after_an_outage_of_three_midnights() {
    let purchase = |id: &str, at: &str| {
        format!("order_id=o-{id} kind=purchase placed_at={at}+08:00 resource_id={id} sku=vm.month renewal=auto")
    };
    let lived = |cuts: &[&str]| {
        let mut desk = desk("ksyun");
        desk.pays_in("2026-01-01T00:00:00", "500");
        for (id, at) in [("i-1", "2026-01-05T10:00:00"), ("i-2", "2026-01-06T10:00:00"), ("i-3", "2026-01-07T10:00:00")] {
            desk.advance(vec![Desk::order(&purchase(id, at))], at);
        }
        for cut in cuts {
            desk.advance(vec![], cut);
        }
        (desk.account, desk.events)
    };
    let nightly = lived(&["2026-02-05", "2026-02-06", "2026-02-07", "2026-02-08T09:30:00"]);
    assert_eq!(nightly, lived(&["2026-02-08T09:30:00"]));
    assert_eq!(nightly.1.iter().filter(|event| event.ends_with(" renewed")).count(), 2);
}

/// Enabling on the last day charges at once where no attempt is left (Huawei); Kingsoft tries once a term.
#[test]
fn enabled_on_the_last_day() {
    // profile | set at | what is seen then; it expires with 5 February
    let cases = [
        ("huawei-intl", "2026-02-05T02:59:59", "active auto 2026-02-06T00:00:00 100.00"), // the attempt of 03:00 is to come
        ("huawei-intl", "2026-02-05T03:00:01", "active auto 2026-03-06T00:00:00 0.00"),
        ("huawei-intl", "2026-02-05T23:59:59", "active auto 2026-03-06T00:00:00 0.00"),
        ("ksyun", "2026-02-05T00:00:00", "active auto 2026-03-06T00:00:00 0.00"), // an order comes before the attempt
        ("ksyun", "2026-02-05T00:00:01", "active auto 2026-02-06T00:00:00 100.00"),
    ];
    for (profile, at, expected) in cases {
        let mut desk = desk(profile);
        desk.pays_in("2026-01-05T09:00:00", "200");
        desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm.month");
        assert_eq!(desk.does(at, "set_renewal", "i-1", "renewal=auto"), "done");
        assert_eq!(desk.seen("i-1"), expected, "{profile} {at}");
    }
    // Set again after an attempt that failed in the same second, it is not tried twice.
    let mut poor = bought("huawei-intl", "100");
    poor.advance(vec![], "2026-02-05T03:00:00");
    let now = poor.at("2026-02-05T03:00:00");
    let late = Desk::order("order_id=late kind=set_renewal placed_at=2026-02-05T02:00:00+08:00 resource_id=i-1 renewal=auto");
    poor.take(&[late], now, now);
    assert_eq!(poor.when("i-1", "renewal_failed").len(), 8);
}

/// Kingsoft, the other reading of the seed: expired at once with its failed attempt. What was paid ahead is not paid twice.
#[test]
fn expired_at_once_with_the_failed_attempt() {
    let mut desk = Desk::with("base = \"ksyun\"\nexpire_on_failed_renewal = \"at_once\"", "+08:00", "", CYCLES, &[]);
    desk.pays_in("2026-01-05T09:00:00", "100");
    desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=m renewal=auto");
    desk.advance(vec![], "2026-02-05T12:00:00");
    assert_eq!(desk.seen("i-1"), "expired auto 2026-02-05T00:00:00 0.00");
    desk.pays_in("2026-02-05T13:00:00", "100");
    assert_eq!(desk.does("2026-02-05T13:00:00", "renew", "i-1", ""), "done");
    assert_eq!(desk.seen("i-1"), "active auto 2026-03-06T00:00:00 0.00");
    assert_eq!(desk.text(desk.charges.last().unwrap().charge.key.window.start), "2026-02-06T00:00:00");
}

/// Domain 4.6 and the knob `renew_suspended`.
#[test]
fn what_is_not_renewed() {
    let prices = ["sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100"];
    // knobs | product | cells of the purchase | renewed at | what becomes of it
    let cases = [
        ("", "renewal=central", "", "2026-02-06T00:00:01", "done"),
        ("", "renewal=none", "", "2026-02-01T00:00:00", "not_renewable"),
        ("", "renewal=own_page", "", "2026-02-01T00:00:00", "done"),
        ("", "renewal=central", "trial=true renewal=auto", "2026-02-01T00:00:00", "trial"),
        ("", "renewal=central", "", "2026-03-01T00:00:00", "done"),
        ("renew_suspended = false", "renewal=central", "", "2026-02-20T23:59:59", "done"),
        ("renew_suspended = false", "renewal=central", "", "2026-03-01T00:00:00", "suspended"),
        ("", "renewal=central", "", "2026-03-08T00:00:00", "still_expired"), // an order comes before the release
        ("", "renewal=central", "", "2026-03-08T00:00:01", "has_ended"),
        ("", "renewal=central", "", "2026-03-07T23:59:59", "still_expired"),
    ];
    for (knobs, product, cells, at, expected) in cases {
        let product = format!("product=vm name=vm {product}");
        let mut desk = Desk::with(&format!("base = \"huawei-intl\"\n{knobs}"), "+08:00", "", &prices, &[&product]);
        desk.pays_in("2026-01-01T00:00:00", "1000");
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", &format!("sku=vm.month {cells}")), "done");
        assert_eq!(desk.does(at, "renew", "i-1", ""), expected, "{knobs} {product} {at}");
    }
}

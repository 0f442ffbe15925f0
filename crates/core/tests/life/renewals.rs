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

//! Large refunds wait for a second person. Domain 7.6.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=big.month product=vm billing_mode=subscription unit=month unit_price=60000 equivalent_sku=vm.hour",
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100",
    "sku=disk.month product=disk billing_mode=subscription unit=month unit_price=30000",
    "sku=vm.hour product=vm billing_mode=pay_per_use unit=hour unit_price=1",
];
const INTL: &str = "base = \"huawei-intl\"";
const BY_ITSELF: &str = "base = \"huawei-intl\"\nrefund_auto_approve_after = \"3d\"";

fn desk(profile: &str) -> Desk {
    let mut desk = Desk::with(profile, "+08:00", "", PRICES, &["product=vm name=vm mode_switch=both"]);
    desk.pays_in("2026-01-01T00:00:00", "1000000");
    desk
}

/// 60,000 for January, given up after ten days: used time counts to the request, whenever the money comes.
#[test]
fn the_resource_ends_at_once_and_the_money_waits() {
    let mut desk = desk(INTL);
    desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month renewal=auto");
    let before = (desk.account.money.clone(), desk.charges.clone(), desk.payments.clone());
    assert_eq!(desk.does("2026-01-02T00:00:00", "unsubscribe", "i-1", ""), "approval");
    assert_eq!((desk.account.money.clone(), desk.charges.clone(), desk.payments.clone()), before);
    assert!(desk.seen("i-1").starts_with("unsubscribed "));
    assert_eq!(desk.when("i-1", "unsubscribed"), ["2026-01-02T00:00:00"]);
    assert_eq!(desk.when("i-1", "refund_waits"), ["2026-01-02T00:00:00"]);
    let waits_for = desk.orders["o2"].waits_for.clone().expect("it waits");
    assert_eq!(
        waits_for,
        "approval: 60000 CNY would come back, which is above 50000; a second person approves it (`reckoner orders approve`)"
    );
    // Nobody approves it, for as long as it takes.
    desk.advance(vec![], "2026-06-01T00:00:00");
    assert_eq!(desk.order_result("o2"), "approval");

    assert_eq!(desk.approves("2026-06-01T12:00:00", "o2", "ben"), "done");
    assert_eq!(desk.came_back("o2"), "-60000.00 0.00 0.00 60000.00");
    assert_eq!((desk.paid_for("o2").as_str(), desk.balance().as_str()), ("balance -60000.00", "1000000.00"));
    assert_eq!(desk.orders["o2"].done_at, Some(desk.at("2026-06-01T12:00:00")));
    assert_eq!(desk.when("i-1", "refund_approved"), ["2026-06-01T12:00:00"]);
    let refund = &desk.charges.last().expect("a refund").charge;
    assert_eq!((refund.transaction_at, refund.billing_period.as_str()), (desk.at("2026-06-01T12:00:00"), "2026-06"));

    // A second word has no effect, nor has one about what never waited.
    let after = desk.account.clone();
    assert_eq!(desk.approves("2026-06-02T12:00:00", "o2", "eve"), "done");
    assert_eq!(desk.approves("2026-06-02T12:00:00", "o1", "eve"), "done");
    assert_eq!((desk.account == after, desk.approvals.len()), (true, 1));
}

#[test]
fn large_is_strictly_above_the_limit() {
    // profile | what is given back after an hour within the five days | what becomes of it
    let cnys = |above: &str| format!("{INTL}\nlarge_refund_above = {{ CNY = \"{above}\" }}");
    let cases = [
        (cnys("59999.99"), "approval"),
        (cnys("60000"), "done"),
        (cnys("60000.01"), "done"),
        (cnys("0"), "approval"),
        ("base = \"ksyun\"".to_owned(), "done"),
        (format!("{INTL}\nlarge_refund_above = \"none\""), "done"),
        ("base = \"ksyun\"\nlarge_refund_above = { USD = \"1\" }".to_owned(), "done"), // another currency's limit
    ];
    for (profile, expected) in cases {
        let mut desk = desk(&profile);
        desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
        assert_eq!(desk.does("2026-01-01T01:00:00", "unsubscribe", "i-1", ""), expected, "{profile}");
    }
}

/// In use: of 60,000 the fee and the days are kept, and what is left is what counts.
#[test]
fn what_is_kept_is_reckoned_at_the_request() {
    // at | what becomes of it | amount, consumed, fee, refund once it is approved in May
    let cases = [
        ("2026-01-06T00:00:00", "done", "-44322.58 9677.42 6000.00 44322.58"),
        ("2026-01-05T23:59:59", "approval", "-60000.00 0.00 0.00 60000.00"),
    ];
    for (at, expected, came_back) in cases {
        let mut desk = desk(INTL);
        desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
        assert_eq!(desk.does(at, "unsubscribe", "i-1", ""), expected, "{at}");
        desk.approves("2026-05-01T00:00:00", "o2", "ben");
        assert_eq!(desk.came_back("o2"), came_back, "{at}");
    }
}

#[test]
fn a_bundle_counts_as_one() {
    let mut desk = desk(INTL);
    for id in ["i-1", "i-2"] {
        desk.does("2026-01-01T00:00:00", "purchase", id, "sku=disk.month bundle_id=b");
    }
    assert_eq!(desk.does("2026-01-02T00:00:00", "unsubscribe", "i-2", ""), "approval");
    assert_eq!(desk.when("i-1", "unsubscribed"), ["2026-01-02T00:00:00"]);
    assert_eq!(desk.approves("2026-01-03T00:00:00", "o3", "ben"), "done");
    assert_eq!((desk.came_back("o3").as_str(), desk.balance().as_str()), ("-60000.00 0.00 0.00 60000.00", "1000000.00"));
    assert_eq!(desk.when("i-2", "refund_approved"), ["2026-01-03T00:00:00"]);
    // Each that is alone is not large.
    desk.does("2026-01-04T00:00:00", "purchase", "i-3", "sku=disk.month");
    assert_eq!(desk.does("2026-01-04T10:00:00", "unsubscribe", "i-3", ""), "done");
}

#[test]
fn nobody_approves_it_and_time_does() {
    let mut desk = desk(BY_ITSELF);
    desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
    assert_eq!(desk.does("2026-01-02T10:00:00", "unsubscribe", "i-1", ""), "approval");
    desk.advance(vec![], "2026-01-05T09:59:59");
    assert_eq!((desk.order_result("o2").as_str(), desk.balance().as_str()), ("approval", "940000.00"));
    desk.advance(vec![], "2026-01-05T10:00:00");
    assert_eq!((desk.order_result("o2").as_str(), desk.balance().as_str()), ("done", "1000000.00"));
    assert_eq!((desk.approvals.len(), desk.approvals[0].approved_by.as_str()), (1, "engine"));
    // Somebody who comes later changes nothing.
    desk.approves("2026-01-06T00:00:00", "o2", "ben");
    assert_eq!((desk.approvals.len(), desk.balance().as_str()), (1, "1000000.00"));
}

/// A person at the very instant comes first; where somebody approved it before, time has nothing to do.
#[test]
fn a_person_comes_before_time() {
    for at in ["2026-01-03T00:00:00", "2026-01-05T10:00:00"] {
        let mut desk = desk(BY_ITSELF);
        desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
        desk.does("2026-01-02T10:00:00", "unsubscribe", "i-1", "");
        assert_eq!(desk.approves(at, "o2", "ben"), "done");
        desk.advance(vec![], "2026-02-01T00:00:00");
        assert_eq!((desk.approvals.len(), desk.approvals[0].approved_by.as_str()), (1, "ben"), "{at}");
    }
}

#[test]
fn nothing_else_is_done_with_it_meanwhile() {
    let mut ended = desk(INTL);
    ended.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
    ended.does("2026-01-02T00:00:00", "unsubscribe", "i-1", "");
    for (kind, cells, expected) in [
        ("unsubscribe", "", "has_ended"),
        ("renew", "", "has_ended"),
        ("change", "sku=vm.month", "has_ended"),
        ("purchase", "sku=big.month", "id_used"),
    ] {
        assert_eq!(ended.clone().does("2026-01-03T00:00:00", kind, "i-1", cells), expected, "{kind}");
    }

    // Only the renewal is given up: the resource goes on to the end of what is paid, and is not renewed meanwhile.
    let mut goes_on = desk(INTL);
    goes_on.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month renewal=auto");
    goes_on.does("2026-01-02T00:00:00", "renew", "i-1", "");
    assert_eq!(goes_on.does("2026-01-03T00:00:00", "unsubscribe", "i-1", "scope=renewal"), "approval");
    assert_eq!(goes_on.seen("i-1"), "active auto 2026-02-01T00:00:00 880000.00");
    for (kind, cells, expected) in [
        ("unsubscribe", "", "refund_waits"),
        ("unsubscribe", "scope=renewal", "refund_waits"),
        ("renew", "", "refund_waits"),
        ("align", "", "refund_waits"),
        ("change", "sku=vm.month effective=now", "refund_waits"),
        ("set_renewal", "renewal=manual", "done"),
    ] {
        assert_eq!(goes_on.clone().does("2026-01-04T00:00:00", kind, "i-1", cells), expected, "{kind} {cells}");
    }
    goes_on.advance(vec![], "2026-01-27T00:00:00");
    assert_eq!(goes_on.account.resources["i-1"].last_renewal_result.as_deref(), Some("refund_waits"));

    // Once it is approved the renewal may be bought again.
    let mut approved = goes_on.clone();
    assert_eq!(approved.approves("2026-01-27T00:00:00", "o3", "ben"), "done");
    approved.advance(vec![], "2026-01-27T03:00:00");
    assert_eq!(approved.seen("i-1"), "active auto 2026-03-01T00:00:00 880000.00");
    // Until then it expires, and is kept and released like any other; the money comes back all the same.
    goes_on.advance(vec![], "2026-04-01T00:00:00");
    assert!(goes_on.seen("i-1").starts_with("released "));
    assert_eq!(goes_on.approves("2026-04-01T00:00:00", "o3", "ben"), "done");
    assert_eq!(goes_on.balance(), "940000.00");
}

/// What became paid by use meanwhile is given back as the subscription that it was.
#[test]
fn what_it_became_meanwhile_does_not_matter() {
    let mut desk = desk(INTL);
    desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
    desk.does("2026-01-02T00:00:00", "renew", "i-1", "");
    desk.does("2026-01-03T00:00:00", "unsubscribe", "i-1", "scope=renewal");
    assert_eq!(desk.does("2026-01-04T00:00:00", "set_renewal", "i-1", "renewal=to_pay_per_use"), "done");
    desk.advance(vec![], "2026-02-10T00:00:00");
    assert_eq!(desk.seen("i-1"), "active none - 880000.00");
    assert_eq!(desk.approves("2026-02-10T00:00:00", "o3", "ben"), "done");
    let refund = &desk.charges.last().expect("a refund").charge;
    assert_eq!((refund.billing_mode.as_str(), desk.balance().as_str()), ("subscription", "940000.00"));
}

/// A downgrade takes effect at once and its money waits; the resource goes on, and is renewed.
#[test]
fn a_downgrade_waits_too() {
    let mut desk = desk(&format!("{INTL}\nlarge_refund_above = {{ CNY = \"1000\" }}"));
    desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
    assert_eq!(desk.does("2026-01-11T00:00:00", "change", "i-1", "sku=vm.month effective=now"), "approval");
    assert_eq!((desk.account.resources["i-1"].sku.as_str(), desk.balance().as_str()), ("vm.month", "940000.00"));
    assert_eq!(desk.does("2026-01-12T00:00:00", "renew", "i-1", ""), "done");
    assert_eq!(desk.does("2026-01-12T00:00:00", "unsubscribe", "i-1", ""), "refund_waits");

    // What comes back of it, and of an unsubscription after it, is what it would be had nobody waited.
    let mut at_once = self::desk(&format!("{INTL}\nlarge_refund_above = \"none\""));
    at_once.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
    at_once.does("2026-01-11T00:00:00", "change", "i-1", "sku=vm.month effective=now");
    at_once.does("2026-01-12T00:00:00", "renew", "i-1", "");
    assert_eq!(desk.approves("2026-01-20T00:00:00", "o2", "ben"), "done");
    assert_eq!(desk.came_back("o2"), at_once.came_back("o2"));
    assert_eq!(desk.account.resources, at_once.account.resources);
    for desk in [&mut desk, &mut at_once] {
        desk.does("2026-01-25T00:00:00", "unsubscribe", "i-1", "");
    }
    assert_eq!((desk.came_back("o5"), desk.balance()), (at_once.came_back("o4"), at_once.balance()));
}

/// The quota of the five days is spent at the request.
#[test]
fn the_quota_is_spent_at_the_request() {
    let mut desk = desk(&format!("{INTL}\nfive_day_quota.count = 1"));
    for id in ["i-1", "i-2"] {
        desk.does("2026-01-01T00:00:00", "purchase", id, "sku=big.month");
    }
    desk.does("2026-01-02T00:00:00", "unsubscribe", "i-1", "");
    desk.does("2026-01-02T00:00:00", "unsubscribe", "i-2", "");
    desk.approves("2026-01-03T00:00:00", "o3", "ben");
    assert_eq!((desk.came_back("o3").as_str(), desk.order_result("o4").as_str()), ("-60000.00 0.00 0.00 60000.00", "approval"));
    desk.approves("2026-01-03T00:00:00", "o4", "ben");
    assert_eq!(desk.came_back("o4"), "-52064.52 1935.48 6000.00 52064.52");
}

/// Money that comes back to an account in arrears pays them, at the approval.
#[test]
fn what_comes_back_ends_arrears() {
    let mut desk = desk(INTL);
    desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=big.month");
    let used = desk.use_of("s1", "940100", "2026-01-01T10:00:00");
    desk.advance(vec![used], "2026-01-02T00:00:00");
    assert_eq!(desk.does("2026-01-02T00:00:00", "unsubscribe", "i-1", ""), "approval");
    assert!(desk.account.is_in_arrears());
    desk.approves("2026-01-03T10:00:00", "o2", "ben");
    assert_eq!((desk.account.is_in_arrears(), desk.balance().as_str()), (false, "59900.00"));
    assert_eq!(desk.when("account", "arrears_ended"), ["2026-01-03T10:00:00"]);
}

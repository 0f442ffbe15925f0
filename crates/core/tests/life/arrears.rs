//! Arrears: when they begin, what stops and when, what is allowed meanwhile, how they end. Domain 6.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100",
    "sku=vm.hour product=vm billing_mode=pay_per_use unit=hour unit_price=1",
    "sku=ca.hour product=ca billing_mode=pay_per_use unit=hour unit_price=1",
    "sku=cert.ov product=ssl billing_mode=one_time unit=each unit_price=80 term_months=12",
];
const PRODUCTS: &[&str] = &[
    "product=ca name=ca arrears_stops=at_once",
    "product=ssl name=ssl renewal=new_order renewal_lead_days=30 refund=seven_day_full",
];

/// A subscription, two that are used by the hour, and at this instant an hour of use that nothing covers.
fn owing(profile: &str, account: &str, since: &str) -> Desk {
    let mut desk = Desk::with(profile, "+08:00", account, PRICES, PRODUCTS);
    desk.pays_in("2026-01-01T00:00:00", "250");
    for (id, cells) in [("i-1", "sku=vm.month renewal=auto"), ("h-1", "sku=vm.hour"), ("h-2", "sku=ca.hour")] {
        assert_eq!(desk.does("2026-01-01T00:00:00", "purchase", id, cells), "done");
    }
    let use_of = desk.use_of("s-1", "150.01", since);
    desk.advance(vec![use_of], since);
    desk
}

/// A03: Huawei's international site keeps everything for 15 days running and for 15 stopped. A04: the Chinese one by level.
#[test]
fn a03_a04_grace_and_retention_by_profile_and_level() {
    // profile | level | frozen | released; owing since 10:00 of 10 January, so that the hour stays
    let cases = [
        ("huawei-intl", "V0", "2026-01-25T10:00:00", "2026-02-09T10:00:00"),
        ("huawei-intl", "V5", "2026-01-25T10:00:00", "2026-02-09T10:00:00"),
        ("huawei-cn", "V0", "2026-01-11T00:00:00", "2026-01-11T10:00:00"), // no grace: frozen as the status moves, at midnight
        ("huawei-cn", "V1", "2026-01-11T00:00:00", "2026-01-17T10:00:00"),
        ("huawei-cn", "V2", "2026-01-11T00:00:00", "2026-01-17T10:00:00"),
        ("huawei-cn", "V3", "2026-01-11T10:00:00", "2026-01-18T10:00:00"),
        ("huawei-cn", "V4", "2026-01-17T10:00:00", "2026-02-01T10:00:00"),
        ("huawei-cn", "V5", "2026-01-17T10:00:00", "2026-02-01T10:00:00"),
        ("ksyun", "V0", "2026-01-17T10:00:00", "2026-01-17T10:00:00"), // kept for seven days, then gone
    ];
    for (profile, level, frozen, released) in cases {
        let mut desk = owing(&format!("base = \"{profile}\""), &format!("level={level}"), "2026-01-10T10:00:00");
        assert_eq!(desk.account.standing.status.as_str(), "normal");
        desk.advance(vec![], "2026-01-10T23:59:59");
        assert!(desk.when("account", "arrears_began").is_empty(), "the status moves at midnight");
        desk.advance(vec![], "2026-03-01");
        assert_eq!(desk.when("account", "arrears_began"), ["2026-01-11T00:00:00"], "{profile} {level}");
        assert_eq!(desk.when("account", "suspended"), [frozen], "{profile} {level}");
        assert_eq!(desk.when("account", "released"), [released], "{profile} {level}");
        assert_eq!(desk.when("h-1", "released"), [released], "{profile} {level}");
    }
}

/// A04, subscriptions: grace and retention after expiry by level.
#[test]
fn a04_expired_subscriptions_by_level() {
    // level | stopped | released; expired with the midnight of 1 February
    let cases = [
        ("V0", "2026-02-02T00:00:00", "2026-02-03T00:00:00"),
        ("V2", "2026-02-02T00:00:00", "2026-02-09T00:00:00"),
        ("V3", "2026-02-08T00:00:00", "2026-02-15T00:00:00"),
        ("V5", "2026-02-08T00:00:00", "2026-02-23T00:00:00"),
    ];
    for (level, stopped, released) in cases {
        let mut desk = Desk::new("huawei-cn", "+08:00", &format!("level={level}"), PRICES, PRODUCTS);
        desk.pays_in("2026-01-01T00:00:00", "100");
        desk.does("2026-01-01T00:00:00", "purchase", "i-1", "sku=vm.month");
        desk.advance(vec![], "2026-03-01");
        assert_eq!(desk.when("i-1", "expired"), ["2026-02-01T00:00:00"], "{level}");
        assert_eq!((desk.when("i-1", "suspended"), desk.when("i-1", "released")), (vec![stopped], vec![released]), "{level}");
    }
}

/// Domain 6.6: at midnight, or at once where the knob says so; an instant of midnight is its own midnight.
#[test]
fn the_status_moves_with_midnight_or_at_once() {
    let at_once = "base = \"huawei-intl\"\narrears_at = \"settlement\"";
    // profile | owing since | the status moves
    let cases = [
        ("base = \"huawei-intl\"", "2026-01-10T00:00:00", "2026-01-10T00:00:00"),
        ("base = \"huawei-intl\"", "2026-01-10T01:00:00", "2026-01-11T00:00:00"),
        ("base = \"huawei-intl\"", "2026-01-10T23:00:00", "2026-01-11T00:00:00"),
        (at_once, "2026-01-10T01:00:00", "2026-01-10T01:00:00"),
    ];
    for (profile, since, moves) in cases {
        let mut desk = owing(profile, "", since);
        desk.advance(vec![], "2026-01-12");
        assert_eq!(desk.when("account", "arrears_began"), [moves], "{profile} {since}");
        // Seed 000: where arrears stop the service, they stop it as the status moves.
        assert_eq!((desk.when("h-2", "suspended"), desk.when("h-1", "suspended")), (vec![moves], vec![]), "{profile} {since}");
        desk.pays_in("2026-01-12T08:00:00", "0.01");
        assert_eq!(desk.when("account", "arrears_ended"), ["2026-01-12T08:00:00"]);
        assert_eq!((desk.when("h-2", "restored"), desk.when("h-1", "restored")), (vec!["2026-01-12T08:00:00"], vec![]));
    }
}

/// Paid before midnight, nothing happened; paid in retention, what is left is restored at that instant.
#[test]
fn full_payment_ends_everything_at_its_instant() {
    let mut desk = owing("base = \"huawei-intl\"", "", "2026-01-10T10:00:00");
    desk.pays_in("2026-01-10T23:59:59", "0.01");
    desk.advance(vec![], "2026-01-20");
    assert!(desk.when("account", "arrears_began").is_empty() && desk.when("h-2", "suspended").is_empty());

    let mut desk = owing("base = \"huawei-intl\"", "", "2026-01-10T10:00:00");
    desk.advance(vec![], "2026-01-26");
    assert_eq!(desk.account.resources["h-1"].status.as_str(), "retention");
    assert_eq!(desk.account.resources["i-1"].status.as_str(), "active", "what is paid ahead is untouched");
    desk.pays_in("2026-01-26T08:00:00", "0.01");
    assert_eq!(desk.account.resources["h-1"].status.as_str(), "active");
    assert_eq!(desk.when("h-1", "restored"), ["2026-01-26T08:00:00"]);
    assert_eq!(desk.account.standing.status.as_str(), "normal");
}

/// Money that becomes known late keeps its own date and ends arrears now: the freeze of the days between is a fact.
#[test]
fn late_money_ends_arrears_when_it_becomes_known() {
    let mut desk = owing("base = \"huawei-intl\"", "", "2026-01-10T10:00:00");
    desk.advance(vec![], "2026-01-26T00:00:00");
    let late = Desk::money("entry_id=late kind=top_up amount=1 at=2026-01-12T08:00:00+08:00");
    let now = desk.at("2026-01-26T00:00:00");
    desk.take(&[late], now, now);
    assert_eq!(desk.when("account", "arrears_ended"), ["2026-01-26T00:00:00"]);
    assert_eq!(desk.account.standing.since, now);
}

/// Domain 6.10: no purchase, renewal or upgrade; unsubscription, a policy, deletion stay allowed.
#[test]
fn what_is_allowed_meanwhile() {
    // order | resource | cells | what becomes of it
    let cases = [
        ("purchase", "i-2", "sku=vm.month", "in_arrears"),
        ("purchase", "h-3", "sku=vm.hour", "in_arrears"),
        ("purchase", "i-2", "sku=vm.month trial=true", "in_arrears"),
        ("renew", "i-1", "", "in_arrears"),
        ("align", "i-1", "align_day=1", "in_arrears"),
        ("change", "i-1", "quantity=2", "in_arrears"),
        ("change", "i-1", "quantity=0.5", "done"),
        ("set_renewal", "i-1", "renewal=manual", "done"),
        ("unsubscribe", "i-1", "", "done"),
        ("delete", "h-1", "", "done"),
    ];
    for (kind, id, cells, expected) in cases {
        let mut desk = owing("base = \"huawei-intl\"", "", "2026-01-10T10:00:00");
        assert_eq!(desk.does("2026-01-10T10:00:00", kind, id, cells), expected, "{kind} {id}");
    }
}

/// Domain 4.11: an attempt in arrears is refused as such; paid in time, the next one succeeds.
#[test]
fn attempts_in_arrears_say_so() {
    let mut desk = owing("base = \"huawei-intl\"", "", "2026-01-10T10:00:00");
    desk.advance(vec![], "2026-01-25");
    assert_eq!(desk.account.resources["i-1"].last_renewal_result.as_deref(), Some("in_arrears"));
    desk.pays_in("2026-01-25T02:59:59", "100.01");
    desk.advance(vec![], "2026-01-25T03:00:00");
    assert_eq!(desk.seen("i-1"), "active auto 2026-03-01T00:00:00 0.00");
}

/// Credit is money to spend: arrears begin beyond it. Kingsoft wants 100 at hand, credit not counted, to start use by the hour.
#[test]
fn credit_and_what_must_be_available() {
    let desk = owing("base = \"huawei-intl\"", "credit_limit=0.01", "2026-01-10T10:00:00");
    assert!(!desk.account.is_in_arrears());
    // balance | account | what becomes of it
    let cases = [
        ("99.99", "", "too_little_available"),
        ("100", "", "done"),
        ("99.99", "credit_limit=500", "too_little_available"),
        ("1", "payment_method=invoice", "done"),
        ("1", "payment_method=external", "done"),
    ];
    for (balance, account, expected) in cases {
        let mut desk = Desk::new("ksyun", "+08:00", account, PRICES, PRODUCTS);
        desk.pays_in("2026-01-01T00:00:00", balance);
        assert_eq!(desk.does("2026-01-01T00:00:00", "purchase", "h-1", "sku=vm.hour"), expected, "{balance} {account}");
    }
}

/// Late money may end arrears and begin them again at one instant: every move is an event of its own.
#[test]
fn arrears_that_end_and_begin_at_one_instant() {
    let mut desk = Desk::with("base = \"huawei-intl\"\narrears_at = \"settlement\"", "+08:00", "", PRICES, PRODUCTS);
    desk.pays_in("2026-01-01T00:00:00", "100");
    desk.does("2026-01-01T00:00:00", "purchase", "h-1", "sku=ca.hour");
    let now = desk.at("2026-01-20T00:00:00");
    desk.advance(vec![], "2026-01-20T00:00:00");
    for round in 0..3 {
        let at = format!("2026-01-1{round}T00:00:00+08:00");
        let chargeback = Desk::money(&format!("entry_id=c{round} kind=chargeback amount=200 at={at}"));
        let top_up = Desk::money(&format!("entry_id=t{round} kind=top_up amount=200 at={at}"));
        desk.take(&[chargeback], now, now);
        desk.take(&[top_up], now, now);
    }
    assert_eq!((desk.when("account", "arrears_began").len(), desk.when("account", "arrears_ended").len()), (3, 3));
    assert_eq!((desk.when("h-1", "suspended").len(), desk.when("h-1", "restored").len()), (3, 3));
}

/// Kingsoft stops what expired or owes at once, keeps it for a week and then releases it (domain 0 and 6.3, seed 003).
#[test]
fn ksyun_stops_at_once() {
    let mut desk = owing("base = \"ksyun\"", "", "2026-01-30T22:00:00");
    desk.advance(vec![], "2026-02-10");
    assert_eq!(desk.when("h-1", "suspended"), ["2026-01-31T00:00:00"]);
    assert_eq!(desk.when("h-1", "released"), ["2026-02-06T22:00:00"]);
    assert_eq!(
        (desk.when("i-1", "expired"), desk.when("i-1", "suspended")),
        (vec!["2026-02-01T00:00:00"], vec!["2026-02-01T00:00:00"])
    );
    assert_eq!(desk.when("i-1", "released"), ["2026-02-08T00:00:00"]);
}

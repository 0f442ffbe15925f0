//! One-time purchases: certificates with a term, renewed by a new order, given back within seven days; free ones in a quota.
//! Domain 2.1, 4.6; seeds 000 and 001.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=cert.ov product=ssl billing_mode=one_time unit=each unit_price=80 term_months=12",
    "sku=cert.free product=ssl-free billing_mode=one_time unit=each unit_price=0 term_months=3",
    "sku=cert.pack product=ssl-pack billing_mode=one_time unit=each unit_price=50",
    "sku=setup product=setup billing_mode=one_time unit=each unit_price=10",
];
const PRODUCTS: &[&str] = &[
    "product=ssl name=ssl family=ssl renewal=new_order renewal_lead_days=30 refund=seven_day_full",
    "product=ssl-free name=free family=ssl free_quota=2 renewal=new_order renewal_lead_days=30 refund=seven_day_full",
    "product=ssl-pack name=pack family=ssl addon=true free_quota=20 renewal=none refund=seven_day_full",
];

fn desk(profile: &str) -> Desk {
    let mut desk = Desk::new(profile, "+08:00", "", PRICES, PRODUCTS);
    desk.pays_in("2026-01-01T00:00:00", "1000");
    desk
}

#[test]
fn a_renewal_is_a_new_order_within_the_lead_days() {
    let mut desk = desk("huawei-intl");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "c-1", "sku=cert.ov"), "done");
    assert_eq!(desk.seen("c-1"), "active manual 2027-01-06T00:00:00 920.00");
    // Its last day is 5 January 2027; thirty days before that is 6 December.
    let cases = [
        ("2026-12-05T23:59:59", "outside_lead_days"),
        ("2026-12-06T00:00:00", "done"),
        ("2027-01-05T23:59:59", "done"),
        ("2027-01-06T00:00:00", "done"), // an order at the very instant comes before the expiry
        ("2027-01-06T00:00:01", "outside_lead_days"),
    ];
    for (at, expected) in cases {
        let mut desk = desk.clone();
        assert_eq!(desk.does(at, "renew", "c-1", ""), expected, "{at}");
        if expected == "done" {
            assert_eq!(desk.seen("c-1"), "active manual 2028-01-06T00:00:00 840.00", "the new term starts at the old expiry");
            let charge = &desk.charges.last().unwrap().charge;
            assert_eq!(desk.text(charge.key.window.start), "2027-01-06T00:00:00");
        }
    }
}

/// Where that is done makes no difference to what is bought once; what no product flag names is not renewed (seed 003).
#[test]
fn by_a_new_order_or_on_a_page_of_its_own() {
    for (renewal, expected) in [("new_order", "done"), ("own_page", "done"), ("central", "one_time"), ("none", "one_time")] {
        let product = format!("product=ssl name=ssl renewal={renewal} renewal_lead_days=30");
        let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, &[&product]);
        desk.pays_in("2026-01-01T00:00:00", "1000");
        desk.does("2026-01-05T10:00:00", "purchase", "c-1", "sku=cert.ov renewal=auto");
        let is_tried = desk.account.resources["c-1"].next_attempt_at.is_some();
        assert_eq!(is_tried, expected == "done", "{renewal}");
        assert_eq!(desk.does("2026-12-06T00:00:00", "renew", "c-1", ""), expected, "{renewal}");
        assert_eq!(desk.does("2026-12-06T00:00:00", "set_renewal", "c-1", "renewal=auto"), expected, "{renewal}");
    }
}

/// Automatically from the lead days on with daily retries, whatever the profile's own rule: no attempt comes too early.
#[test]
fn automatically_from_the_lead_days_on() {
    for (profile, first) in [("huawei-intl", "2026-12-06T03:00:00"), ("ksyun", "2026-12-06T00:00:00")] {
        let mut desk = desk(profile);
        desk.does("2026-01-05T10:00:00", "purchase", "c-1", "sku=cert.ov renewal=auto");
        desk.advance(vec![], "2026-12-05T23:59:59");
        let next = desk.account.resources["c-1"].next_attempt_at.map(|at| desk.text(at));
        assert_eq!(next.as_deref(), Some(first), "{profile}");
        desk.advance(vec![], "2026-12-06T12:00:00");
        assert_eq!(desk.seen("c-1"), "active auto 2028-01-06T00:00:00 840.00", "{profile}");

        let mut poor = Desk::new(profile, "+08:00", "", PRICES, PRODUCTS);
        poor.pays_in("2026-01-01T00:00:00", "80");
        poor.does("2026-01-05T10:00:00", "purchase", "c-1", "sku=cert.ov renewal=auto");
        poor.advance(vec![], "2027-02-01");
        assert_eq!(poor.when("c-1", "renewal_failed").len(), 31, "{profile}: daily to the expiry date");
        assert_eq!((poor.when("c-1", "expired").len(), poor.when("c-1", "suspended").len()), (1, 1));
        assert_eq!(poor.does("2027-02-01T10:00:00", "renew", "c-1", ""), "outside_lead_days");
    }
}

/// All within 7 x 24 h of payment, vouchers not returned; nothing afterwards.
#[test]
fn seven_days_to_the_second() {
    for (at, expected) in [("2026-01-12T09:59:59", "done"), ("2026-01-12T10:00:00", "refund_period_over")] {
        let mut desk = desk("huawei-intl");
        desk.voucher("voucher_id=v1 amount=30 valid_from=2026-01-01T00:00:00+08:00 valid_to=2027-01-01T00:00:00+08:00");
        desk.does("2026-01-05T10:00:00", "purchase", "c-1", "sku=cert.ov");
        assert_eq!(desk.does(at, "unsubscribe", "c-1", ""), expected, "{at}");
        let balance = if expected == "done" { "1000.00" } else { "950.00" };
        assert_eq!(desk.balance(), balance, "{at}");
        assert_eq!(desk.account.money.vouchers[0].remaining().to_text(0), "0");
    }
    let mut desk = desk("huawei-intl");
    desk.does("2026-01-05T10:00:00", "purchase", "x-1", "sku=setup");
    assert_eq!(desk.seen("x-1"), "active manual - 990.00");
    assert_eq!(desk.does("2026-01-05T10:00:00", "unsubscribe", "x-1", ""), "one_time");
    assert_eq!(desk.does("2026-01-05T10:00:00", "renew", "x-1", ""), "one_time");
    assert_eq!(desk.does("2026-01-05T10:00:00", "set_renewal", "x-1", "renewal=auto"), "one_time");
}

/// Free ones cost 0, count against a quota that the expansion package enlarges, and are not renewed.
#[test]
fn free_ones_within_a_quota() {
    let mut desk = desk("huawei-intl");
    // resource | cells | what becomes of it
    let cases = [
        ("f-1", "sku=cert.free quantity=2 renewal=auto", "done"),
        ("f-2", "sku=cert.free", "free_quota_used_up"),
        ("p-1", "sku=cert.pack", "done"),
        ("f-3", "sku=cert.free quantity=20", "done"),
        ("f-4", "sku=cert.free", "free_quota_used_up"),
        ("p-2", "sku=cert.pack quantity=2", "done"),
        ("f-5", "sku=cert.free quantity=40", "done"),
        ("f-6", "sku=cert.free quantity=0.000000000001", "free_quota_used_up"),
    ];
    for (id, cells, expected) in cases {
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", id, cells), expected, "{id} {cells}");
    }
    assert_eq!(desk.balance(), "850.00");
    assert_eq!(desk.seen("f-1"), "active manual 2026-04-06T00:00:00 850.00", "a wish for auto is kept as by hand");
    assert_eq!(desk.does("2026-04-01T10:00:00", "renew", "f-1", ""), "not_renewable");
    assert_eq!(desk.does("2026-04-01T10:00:00", "set_renewal", "f-1", "renewal=auto"), "not_renewable");
    // A package has no edition to go with: it is given back like any purchase.
    assert_eq!(desk.does("2026-01-06T10:00:00", "unsubscribe", "p-2", ""), "refund_period_over");
}

/// A package of more units than anybody counts is answered at once.
#[test]
fn a_huge_package_is_answered() {
    let mut desk = Desk::new(
        "huawei-intl",
        "+08:00",
        "",
        &[
            "sku=cert.free product=ssl-free billing_mode=one_time unit=each unit_price=0",
            "sku=cert.gift product=ssl-pack billing_mode=one_time unit=each unit_price=0",
        ],
        PRODUCTS,
    );
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "p-1", "sku=cert.gift quantity=900000000000000000"), "done");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "f-1", "sku=cert.free quantity=7"), "done");
}

//! Bundles: one expiry, one policy, one payment. Domain 4.7, 4.11; contract, orders.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100",
    "sku=disk.month product=disk billing_mode=subscription unit=month unit_price=30",
    "sku=vm.year product=vm billing_mode=subscription unit=year unit_price=1000",
    "sku=vm.hour product=vm billing_mode=pay_per_use unit=hour unit_price=1",
];

fn bought(profile: &str, money: &str) -> Desk {
    let mut desk = Desk::new(profile, "+08:00", "", PRICES, &[]);
    desk.pays_in("2026-01-05T09:00:00", money);
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm.month bundle_id=b renewal=auto"), "done");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-2", "sku=disk.month bundle_id=b"), "done");
    desk
}

#[test]
fn who_joins_has_the_same_terms_and_takes_the_policy() {
    let desk = bought("huawei-intl", "500");
    assert_eq!(desk.seen("i-2"), "active auto 2026-02-06T00:00:00 370.00");
    // at | cells | what becomes of it
    let cases = [
        ("2026-01-05T23:59:59", "sku=disk.month", "done"), // the same last day
        ("2026-01-06T00:00:00", "sku=disk.month", "done"), // from midnight to midnight: the same expiry once more
        ("2026-01-06T00:00:01", "sku=disk.month", "bundle_expiry_differs"),
        ("2026-01-05T23:59:59", "sku=disk.month periods=2", "bundle_expiry_differs"),
        ("2026-01-05T23:59:59", "sku=disk.month trial=true", "bundle_terms_differ"),
        ("2026-01-05T23:59:59", "sku=vm.hour", "bundle_without_expiry"),
    ];
    for (at, cells, expected) in cases {
        let mut desk = desk.clone();
        assert_eq!(desk.does(at, "purchase", "i-3", &format!("{cells} bundle_id=b")), expected, "{at} {cells}");
        assert_eq!(desk.account.resources.contains_key("i-3"), expected == "done");
    }
}

/// Who joins takes the bundle's policy, so it must be one that it can have: else the bundle's renewal would fail as a whole,
/// or one of it would go over that may not.
#[test]
fn who_joins_can_follow_the_policy() {
    let prices = [
        "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100 equivalent_sku=vm.hour",
        "sku=disk.month product=disk billing_mode=subscription unit=month unit_price=30 equivalent_sku=vm.hour",
        "sku=log.month product=log billing_mode=subscription unit=month unit_price=10 equivalent_sku=vm.hour",
        "sku=vm.hour product=vm billing_mode=pay_per_use unit=hour unit_price=1",
    ];
    let products = ["product=vm mode_switch=both", "product=log mode_switch=both renewal=none"];
    // policy of the bundle | who joins it | what becomes of it
    let cases = [
        ("auto", "disk.month", "done"),
        ("auto", "log.month", "not_renewable"),
        ("manual", "log.month", "done"),
        ("none", "log.month", "done"),
        ("to_pay_per_use", "vm.month", "done"),
        ("to_pay_per_use", "log.month", "done"),
        ("to_pay_per_use", "disk.month", "no_mode_switch"),
    ];
    for (renewal, sku, expected) in cases {
        let mut desk = Desk::new("huawei-intl", "+08:00", "", &prices, &products);
        desk.pays_in("2026-01-05T09:00:00", "500");
        let first = format!("sku=vm.month bundle_id=b renewal={renewal}");
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", &first), "done");
        assert_eq!(
            desk.does("2026-01-05T10:00:00", "purchase", "i-2", &format!("sku={sku} bundle_id=b")),
            expected,
            "{renewal} {sku}"
        );
    }
}

/// A year and twelve months expire together and could never be renewed as one.
#[test]
fn months_and_years_do_not_mix() {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, &[]);
    desk.pays_in("2026-01-05T09:00:00", "5000");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm.year bundle_id=b"), "done");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-2", "sku=vm.month periods=12 bundle_id=b"), "bundle_terms_differ");
    assert_eq!(desk.does("2026-01-06T10:00:00", "change", "i-1", "sku=vm.month effective=next_period"), "bundle_terms_differ");
}

/// The 30th and the 31st of January both end with February; without one anchor March would part them.
#[test]
fn bought_on_the_30th_and_the_31st_they_stay_together() {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, &[]);
    desk.pays_in("2026-01-29T09:00:00", "5000");
    desk.does("2026-01-30T10:00:00", "purchase", "i-1", "sku=vm.month bundle_id=b");
    desk.does("2026-01-31T10:00:00", "purchase", "i-2", "sku=disk.month bundle_id=b");
    assert_eq!(desk.does("2026-02-01T10:00:00", "renew", "i-2", ""), "done");
    assert_eq!([desk.seen("i-1"), desk.seen("i-2")], ["active manual 2026-03-31T00:00:00 4740.00"; 2].map(str::to_owned));
}

#[test]
fn naming_a_member_names_the_whole() {
    let mut desk = bought("huawei-intl", "1000");
    assert_eq!(desk.does("2026-01-06T10:00:00", "set_renewal", "i-2", "renewal=manual renewal_periods=2"), "done");
    assert_eq!(desk.seen("i-1"), "active manual 2026-02-06T00:00:00 870.00");
    assert_eq!(desk.does("2026-01-07T10:00:00", "renew", "i-2", ""), "done");
    assert_eq!([desk.seen("i-1"), desk.seen("i-2")], ["active manual 2026-03-06T00:00:00 740.00"; 2].map(str::to_owned));
    assert_eq!(desk.does("2026-01-08T10:00:00", "unsubscribe", "i-1", "scope=renewal"), "done");
    assert_eq!([desk.seen("i-1"), desk.seen("i-2")], ["active manual 2026-02-06T00:00:00 870.00"; 2].map(str::to_owned));
    assert_eq!(desk.does("2026-01-08T10:00:00", "align", "i-2", "align_day=20"), "done");
    assert_eq!(desk.seen("i-1").split(' ').nth(2), desk.seen("i-2").split(' ').nth(2));
    assert_eq!(desk.does("2026-01-09T10:00:00", "unsubscribe", "i-2", ""), "done");
    assert!(desk.seen("i-1").starts_with("unsubscribed") && desk.seen("i-2").starts_with("unsubscribed"));
}

/// Domain 0: of the five-day quota a bundle is one.
#[test]
fn a_bundle_uses_the_quota_once() {
    let mut desk =
        Desk::with("base = \"huawei-intl\"\nfive_day_quota = { count = 2, per = \"calendar_year\" }", "+08:00", "", PRICES, &[]);
    desk.pays_in("2026-01-05T09:00:00", "5000");
    for (bundle, id) in [("b1", "i-1"), ("b1", "i-2"), ("b2", "i-3"), ("b2", "i-4"), ("b3", "i-5"), ("b3", "i-6")] {
        desk.does("2026-01-05T10:00:00", "purchase", id, &format!("sku=vm.month bundle_id={bundle}"));
    }
    let came_back = ["i-2", "i-3", "i-6"].map(|id| {
        let order_id = format!("o{}", desk.orders.len() + 1);
        assert_eq!(desk.does("2026-01-05T12:00:00", "unsubscribe", id, ""), "done");
        desk.came_back(&order_id)
    });
    assert_eq!(came_back, ["-200.00 0.00 0.00 200.00", "-200.00 0.00 0.00 200.00", "-179.48 0.52 20.00 179.48"]);
}

/// A scoped voucher reaches its member only; the sum is one payment.
#[test]
fn a_scoped_voucher_pays_its_member() {
    let mut desk = bought("ksyun", "130");
    desk.voucher("voucher_id=v1 amount=50 valid_from=2026-01-01T00:00:00+08:00 valid_to=2027-01-01T00:00:00+08:00 products=disk");
    desk.advance(vec![], "2026-02-05");
    assert_eq!(desk.seen("i-1"), "active auto 2026-02-06T00:00:00 0.00"); // 30 of 130: the other 100 are missing
    desk.pays_in("2026-02-05T12:00:00", "100");
    assert_eq!(desk.does("2026-02-05T12:00:00", "renew", "i-1", ""), "done");
    assert_eq!(desk.paid_for("o3"), "voucher 30.00;balance 100.00");
}

//! Editions and value-added packages. Seed 002; domain 4.8.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=pro.quota product=pro billing_mode=subscription unit=month unit_price=100",
    "sku=std.quota product=std billing_mode=subscription unit=month unit_price=50",
    "sku=screen.month product=screen billing_mode=subscription unit=month unit_price=20",
    "sku=pro.hour product=pro billing_mode=pay_per_use unit=hour unit_price=1",
    "sku=screen.hour product=screen billing_mode=pay_per_use unit=hour unit_price=0.2",
];
const PRODUCTS: &[&str] = &[
    "product=std name=std family=secmaster edition=standard edition_rank=1",
    "product=pro name=pro family=secmaster edition=professional edition_rank=2",
    "product=screen name=screen family=secmaster addon=true",
];

fn bought() -> Desk {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, PRODUCTS);
    desk.pays_in("2026-01-01T00:00:00", "1000");
    for (id, cells) in [
        ("q-1", "sku=pro.quota"),
        ("q-2", "sku=pro.quota quantity=3"),
        ("s-1", "sku=screen.month depends_on=q-1;q-2 renewal=auto"),
    ] {
        assert_eq!(desk.does("2026-01-01T00:00:00", "purchase", id, cells), "done");
    }
    desk
}

#[test]
fn a_package_goes_after_the_last_quota_and_costs_until_then() {
    let mut desk = bought();
    assert_eq!(desk.does("2026-01-10T10:00:00", "unsubscribe", "s-1", ""), "quotas_in_the_way");
    let refusal = desk.orders["o4"].refusal.as_deref().unwrap();
    assert!(refusal.contains("`q-1`, `q-2`"), "{refusal}");
    desk.does("2026-01-10T11:00:00", "unsubscribe", "q-2", "");
    assert!(desk.when("s-1", "suspended").is_empty(), "one quota is enough");
    assert_eq!(desk.does("2026-01-10T11:30:00", "unsubscribe", "s-1", ""), "quotas_in_the_way");
    desk.does("2026-01-10T12:00:00", "unsubscribe", "q-1", "");
    assert_eq!(desk.when("s-1", "suspended"), ["2026-01-10T12:00:00"], "its function stops with the edition");
    // It is not cancelled: it is renewed and paid.
    desk.advance(vec![], "2026-01-24T03:00:00");
    assert_eq!(desk.when("s-1", "renewed"), ["2026-01-24T03:00:00"]);
    assert_eq!(desk.does("2026-01-26T10:00:00", "unsubscribe", "s-1", ""), "done");
    assert_eq!(desk.account.resources["s-1"].status.as_str(), "unsubscribed");
}

/// What depends on something expired is suspended with it and restored with its renewal, or with a new quota of the same name.
#[test]
fn the_function_follows_the_edition() {
    let mut desk = bought();
    desk.advance(vec![], "2026-02-03");
    assert_eq!(desk.when("s-1", "suspended"), ["2026-02-01T00:00:00"]);
    assert_eq!(desk.does("2026-02-03T10:00:00", "renew", "q-2", ""), "done");
    assert_eq!(desk.when("s-1", "restored"), ["2026-02-03T10:00:00"]);
}

/// A reduction of a quota is a change, not in the way of anything; by use the packages end with the last quota.
#[test]
fn by_use_the_packages_end_with_the_last_quota() {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, PRODUCTS);
    for (id, cells) in [("q-1", "sku=pro.hour"), ("q-2", "sku=pro.hour"), ("s-1", "sku=screen.hour depends_on=q-1;q-2")] {
        assert_eq!(desk.does("2026-01-01T00:00:00", "purchase", id, cells), "done");
    }
    assert_eq!(desk.does("2026-01-02T00:00:00", "change", "q-2", "quantity=0.5"), "done");
    assert_eq!(desk.does("2026-01-03T00:00:00", "delete", "q-1", ""), "done");
    assert!(desk.when("s-1", "deleted").is_empty());
    assert_eq!(desk.does("2026-01-04T00:00:00", "delete", "q-2", ""), "done");
    assert_eq!(desk.when("s-1", "deleted"), ["2026-01-04T00:00:00"]);
}

//! From a subscription to use by the hour at expiry; deletion. Domain 4.10; contract, orders.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=ecs.month product=ecs billing_mode=subscription unit=month unit_price=100 equivalent_sku=ecs.hour",
    "sku=ecs.hour product=ecs-hourly billing_mode=pay_per_use unit=hour unit_price=0.2",
    "sku=plain.month product=ecs billing_mode=subscription unit=month unit_price=100",
    "sku=ca.month product=ca billing_mode=subscription unit=month unit_price=100 equivalent_sku=ecs.hour",
];
const PRODUCTS: &[&str] = &["product=ecs name=ecs mode_switch=to_pay_per_use"];

fn desk() -> Desk {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, PRODUCTS);
    desk.pays_in("2024-01-01T00:00:00", "300");
    desk
}

/// S15: a monthly ECS of 1 January asked on the 15th to go by use does so when 1 February 23:59:59 has passed.
#[test]
fn s15_it_goes_by_use_from_its_expiry() {
    let mut desk = desk();
    desk.does("2024-01-01T10:00:00", "purchase", "ecs-1", "sku=ecs.month renewal=auto");
    assert_eq!(desk.does("2024-01-15T10:00:00", "set_renewal", "ecs-1", "renewal=to_pay_per_use"), "done");
    desk.advance(vec![], "2024-02-01T23:59:59");
    assert_eq!(desk.seen("ecs-1"), "active to_pay_per_use 2024-02-02T00:00:00 200.00");
    assert_eq!(desk.does("2024-02-01T23:59:59", "renew", "ecs-1", ""), "being_converted");
    desk.advance(vec![], "2024-02-02T00:00:00");
    assert_eq!(desk.seen("ecs-1"), "active none - 200.00");
    let resource = &desk.account.resources["ecs-1"];
    assert_eq!(
        (resource.sku.as_str(), resource.product.as_str(), resource.billing_mode.as_str()),
        ("ecs.hour", "ecs-hourly", "pay_per_use")
    );
    assert_eq!(desk.when("ecs-1", "converted"), ["2024-02-02T00:00:00"]);
    // From here on it is what use is: deleted, not unsubscribed or renewed.
    assert_eq!(desk.does("2024-02-03T00:00:00", "unsubscribe", "ecs-1", ""), "pay_per_use");
    assert_eq!(desk.does("2024-02-03T00:00:00", "renew", "ecs-1", ""), "pay_per_use");
    assert_eq!(desk.does("2024-02-03T00:00:00", "delete", "ecs-1", ""), "done");
}

#[test]
fn only_what_may_switch_is_switched() {
    // when | cells of the purchase | resource of the wish | what becomes of it
    for (sku, expected) in [("plain.month", "no_mode_switch"), ("ca.month", "no_mode_switch"), ("ecs.month", "done")] {
        let mut desk = desk();
        assert_eq!(desk.does("2024-01-01T10:00:00", "purchase", "i-1", &format!("sku={sku} renewal=to_pay_per_use")), expected);
        desk.does("2024-01-01T10:00:00", "purchase", "i-2", &format!("sku={sku}"));
        assert_eq!(desk.does("2024-01-02T10:00:00", "set_renewal", "i-2", "renewal=to_pay_per_use"), expected, "{sku}");
    }
}

/// Where the account is frozen, what joins its use is frozen with it; once it is released, nothing joins.
#[test]
fn it_joins_the_account_where_that_stands() {
    // owing since | the status after the expiry
    for (since, expected) in
        [("2024-01-12T01:00:00", "retention"), ("2024-01-02T01:00:00", "expired"), ("2024-02-01T01:00:00", "active")]
    {
        let mut desk = desk();
        desk.does("2024-01-01T10:00:00", "purchase", "i-1", "sku=ecs.month renewal=to_pay_per_use");
        let owing = desk.use_of("s-1", "1000", since);
        desk.advance(vec![owing], "2024-02-03");
        assert_eq!(desk.account.resources["i-1"].status.as_str(), expected, "{since}");
        desk.pays_in("2024-02-03T10:00:00", "2000");
        let after = if expected == "expired" { "expired" } else { "active" };
        assert_eq!(desk.account.resources["i-1"].status.as_str(), after, "{since}");
    }
}

#[test]
fn paid_ahead_is_not_deleted() {
    let mut desk = desk();
    desk.does("2024-01-01T10:00:00", "purchase", "i-1", "sku=ecs.month");
    assert_eq!(desk.does("2024-01-01T10:00:00", "delete", "i-1", ""), "paid_ahead");
    assert_eq!(desk.does("2024-01-01T10:00:00", "delete", "i-2", ""), "unknown_resource");
}

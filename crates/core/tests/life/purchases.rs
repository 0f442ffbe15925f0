//! Purchases: what starts, what it costs, what is refused; the rows that are drawn. Contract, orders and charges.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100 terms=12=900;24=1600",
    "sku=vm.year product=vm billing_mode=subscription unit=year unit_price=900",
    "sku=vm.hour product=vm billing_mode=pay_per_use unit=hour unit_price=0.5",
    "sku=odd.month product=vm billing_mode=subscription unit=month unit_price=33.333",
    "sku=usd.month product=vm billing_mode=subscription unit=month unit_price=100 currency=USD",
    "sku=late.month product=vm billing_mode=subscription unit=month unit_price=100 valid_from=2026-02-01T00:00:00+08:00",
    "sku=seats.month product=vm billing_mode=subscription unit=month unit_price=0 model=graduated tiers=[{\"up_to\":\"10\",\"unit_price\":\"5\"},{\"unit_price\":\"4\"}]",
];

fn desk(profile: &str, zone: &str) -> Desk {
    let mut desk = Desk::new(profile, zone, "", PRICES, &[]);
    desk.pays_in("2026-01-01T00:00:00", "10000");
    desk
}

/// What an order comes to, over terms, quantities and rounding; longer terms are cheaper where they are listed.
#[test]
fn what_a_purchase_costs() {
    // profile | cells | paid | quantity billed | the single price | expiry
    let cases = [
        ("huawei-intl", "sku=vm.month", "100.00", "1", "100", "2026-02-06T00:00:00"),
        ("huawei-intl", "sku=vm.month periods=14", "1100.00", "14", "-", "2027-03-06T00:00:00"),
        ("huawei-intl", "sku=vm.month periods=24 quantity=2", "3200.00", "48", "-", "2028-01-06T00:00:00"),
        ("huawei-intl", "sku=vm.year", "900.00", "1", "900", "2027-01-06T00:00:00"),
        ("huawei-intl", "sku=odd.month quantity=0.5", "16.67", "0.5", "33.333", "2026-02-06T00:00:00"), // 16.6665, half-up
        ("huawei-cn", "sku=odd.month quantity=0.5", "16.66", "0.5", "33.333", "2026-02-06T00:00:00"),   // cut
        ("huawei-intl", "sku=seats.month quantity=12", "58.00", "12", "-", "2026-02-06T00:00:00"),
        ("huawei-intl", "sku=vm.month trial=true renewal=auto", "0.00", "1", "100", "2026-02-06T00:00:00"),
    ];
    for (profile, cells, paid, billed, unit_price, expiry) in cases {
        let mut desk = desk(profile, "+08:00");
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", cells), "done", "{cells}");
        let charge = &desk.charges[0].charge;
        let single = charge.unit_price.map_or("-".to_owned(), |price| price.to_string());
        let seen = (charge.amounts.due.to_text(2), charge.quantity.to_string(), single);
        assert_eq!(seen, (paid.to_owned(), billed.to_owned(), unit_price.to_owned()), "{profile} {cells}");
        assert_eq!(
            [desk.text(charge.key.window.start), desk.text(charge.key.window.end)],
            ["2026-01-05T10:00:00", expiry],
            "{cells}"
        );
        assert_eq!(desk.orders["o1"].amount.unwrap(), charge.amounts.due);
        assert_eq!(desk.account.resources["i-1"].renewal.as_str(), "manual", "a trial keeps a wish for auto as by hand");
    }
}

/// Refused whole: nothing was paid, nothing is there.
#[test]
fn what_is_not_bought() {
    let cases = [
        ("sku=none", "no_price"),
        ("sku=usd.month", "no_price"), // the account is in CNY
        ("sku=late.month", "no_price"),
        ("sku=vm.month quantity=0", "no_quantity"),
        ("sku=vm.hour quantity=0", "no_quantity"),
        ("sku=vm.month periods=1200 quantity=5", "insufficient_funds"),
        ("sku=vm.month quantity=999999999999999999", "not_priced"),
        ("sku=vm.hour bundle_id=b", "bundle_without_expiry"),
    ];
    for (cells, expected) in cases {
        let mut desk = desk("huawei-intl", "+08:00");
        let before = desk.account.clone();
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", cells), expected, "{cells}");
        assert_eq!((before.money, before.resources), (desk.account.money, desk.account.resources), "{cells}");
        assert!(desk.charges.is_empty() && desk.events.is_empty() && desk.payments.is_empty(), "{cells}");
    }
}

/// Who owes nothing to a balance may order sums beyond any: the answer is a refusal, never a halt.
#[test]
fn sums_beyond_what_fits_are_refused() {
    let prices = ["sku=dear.month product=vm billing_mode=subscription unit=month unit_price=90000000000"];
    let mut desk = Desk::new("huawei-intl", "+08:00", "payment_method=external", &prices, &[]);
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=dear.month bundle_id=b trial=true"), "done");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-2", "sku=dear.month quantity=2"), "not_priced");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-3", "sku=dear.month periods=1200"), "not_priced");
}

/// The expiry by zone, and to the second around midnight.
#[test]
fn when_it_expires() {
    // zone | bought at | expires
    let cases = [
        ("+08:00", "2026-01-31T00:00:00", "2026-02-28T00:00:00"),
        ("+08:00", "2026-01-31T00:00:01", "2026-03-01T00:00:00"),
        ("+08:00", "2026-01-30T23:59:59", "2026-03-01T00:00:00"),
        ("+08:00", "2028-01-31T10:00:00", "2028-03-01T00:00:00"), // a leap February
        ("Europe/Paris", "2026-02-28T10:00:00", "2026-03-29T00:00:00"), // the day of 23 hours begins as any
        ("America/New_York", "2026-10-01T10:00:00", "2026-11-02T00:00:00"), // the day of 25 hours is covered whole
    ];
    for (zone, at, expires) in cases {
        let mut desk = desk("huawei-intl", zone);
        assert_eq!(desk.does(at, "purchase", "i-1", "sku=vm.month"), "done");
        assert_eq!(desk.seen("i-1").split(' ').nth(2), Some(expires), "{zone} {at}");
        // One second before it runs, at it no longer.
        let one_before = desk.text(desk.at(expires).plus_seconds(-1));
        desk.advance(vec![], &one_before);
        assert!(desk.seen("i-1").starts_with("active"), "{zone} {at}");
        desk.advance(vec![], expires);
        assert!(desk.seen("i-1").starts_with("expired"), "{zone} {at}");
    }
}

/// What becomes known late takes effect now: it starts now, at the price of now; and an order waits for its instant.
#[test]
fn late_and_early_orders() {
    let mut desk = desk("huawei-intl", "+08:00");
    let now = desk.at("2026-02-10T00:00:00");
    let late = Desk::order("order_id=late kind=purchase placed_at=2026-01-20T10:00:00+08:00 resource_id=i-1 sku=late.month");
    desk.take(&[late], now, now);
    assert_eq!(desk.order_result("late"), "done", "there was no price on 20 January, and there is one now");
    assert_eq!(desk.text(desk.account.resources["i-1"].starts_at), "2026-02-10T00:00:00");
    assert_eq!(desk.text(desk.charges[0].charge.transaction_at), "2026-02-10T00:00:00");
    assert_eq!(desk.orders["late"].done_at, Some(now));
}

/// Money of the same instant comes before the order, a withdrawal after it (domain 13.5).
#[test]
fn money_in_orders_and_withdrawals_at_one_instant() {
    let at = "2026-01-05T10:00:00+08:00";
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, &[]);
    let given = vec![
        Desk::money(&format!("entry_id=a-withdrawal kind=withdrawal amount=100 at={at}")),
        Desk::order(&format!("order_id=b kind=purchase placed_at={at} resource_id=i-1 sku=vm.month")),
        Desk::money(&format!("entry_id=z-top-up kind=top_up amount=100 at={at}")),
    ];
    desk.advance(given, "2026-01-05T10:00:00");
    assert_eq!((desk.order_result("b").as_str(), desk.balance().as_str()), ("done", "0.00"));
}

//! How much an automatic renewal buys: what somebody chose, or else what the profile says (`auto_renew_term`).

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=m product=vm billing_mode=subscription unit=month unit_price=100 terms=12=1000",
    "sku=m2 product=vm billing_mode=subscription unit=month unit_price=150 terms=12=1500",
    "sku=y product=vm billing_mode=subscription unit=year unit_price=1100",
    "sku=cert product=ca billing_mode=one_time unit=each unit_price=50 term_months=12",
];
const AS_BOUGHT: &str = "base = \"huawei-intl\"";
const ONE_MONTH: &str = "base = \"huawei-intl\"\nauto_renew_term = \"one_month\"";

fn desk(profile: &str) -> Desk {
    let mut desk = Desk::with(profile, "+08:00", "", PRICES, &["product=ca renewal=new_order renewal_lead_days=30"]);
    desk.pays_in("2026-01-05T09:00:00", "100000");
    desk
}

/// `expiry amount periods` of the first automatic renewal.
fn renewed(desk: &mut Desk, resource_id: &str) -> String {
    let before = desk.made.len();
    let expires_at = desk.account.resources[resource_id].expires_at.expect("it has an expiry");
    desk.take(&[], expires_at.plus_seconds(-1), reckoner_core::time::Instant::MIN);
    let made = &desk.made[before];
    let amount = desk.orders[&made.order_id].amount.expect("it was paid").to_text(2);
    let expires_at = desk.account.resources[resource_id].expires_at.expect("it has an expiry");
    format!("{} {amount} {}", &desk.text(expires_at)[..10], made.periods)
}

#[test]
fn where_nobody_chose_the_profile_says() {
    // profile | cells of the purchase on 5 January 2026 | new expiry, amount, terms of the sku
    let cases = [
        (AS_BOUGHT, "sku=m", "2026-03-06 100.00 1"),
        (AS_BOUGHT, "sku=m periods=6", "2026-08-06 100.00 1"),
        (AS_BOUGHT, "sku=m periods=11", "2027-01-06 100.00 1"),
        (AS_BOUGHT, "sku=m periods=12", "2028-01-06 1000.00 12"), // a year, at the price of a year
        (AS_BOUGHT, "sku=m periods=13", "2027-03-06 100.00 1"),   // no whole years: bought by months
        (AS_BOUGHT, "sku=m periods=24", "2029-01-06 1000.00 12"),
        (AS_BOUGHT, "sku=m periods=12 quantity=2", "2028-01-06 2000.00 12"),
        (AS_BOUGHT, "sku=y", "2028-01-06 1100.00 1"),
        (AS_BOUGHT, "sku=y periods=2", "2029-01-06 1100.00 1"),
        (AS_BOUGHT, "sku=cert", "2028-01-06 50.00 1"), // bought once more, for its own term
        (ONE_MONTH, "sku=m", "2026-03-06 100.00 1"),
        (ONE_MONTH, "sku=m periods=12", "2027-02-06 100.00 1"),
        (ONE_MONTH, "sku=y", "2028-01-06 1100.00 1"), // there is no shorter term of it
        (ONE_MONTH, "sku=y periods=2", "2029-01-06 1100.00 1"),
        (ONE_MONTH, "sku=cert", "2028-01-06 50.00 1"),
        // Whoever chose has what was chosen.
        (AS_BOUGHT, "sku=m periods=12 renewal_periods=3", "2027-04-06 300.00 3"),
        (AS_BOUGHT, "sku=m renewal_periods=12", "2027-02-06 1000.00 12"),
        (AS_BOUGHT, "sku=y renewal_periods=2", "2029-01-06 2200.00 2"),
        (ONE_MONTH, "sku=m renewal_periods=12", "2027-02-06 1000.00 12"),
        (ONE_MONTH, "sku=y renewal_periods=2", "2029-01-06 2200.00 2"),
    ];
    for (profile, cells, expected) in cases {
        let mut desk = desk(profile);
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", &format!("renewal=auto {cells}")), "done");
        assert_eq!(renewed(&mut desk, "i-1"), expected, "{profile} {cells}");
    }
}

#[test]
fn what_was_bought_is_what_the_purchase_bought() {
    // cells of the purchase | what follows on 20 January | new expiry, amount, terms of the sku
    let cases = [
        ("sku=m", "renew periods=12", "2027-03-06 100.00 1"), // a year by hand does not make it one of years
        ("sku=m periods=12", "renew periods=1", "2028-02-06 1000.00 12"),
        ("sku=m periods=12", "align align_day=20", "2028-02-21 1000.00 12"),
        ("sku=m periods=12", "change sku=m2", "2028-01-06 1500.00 12"),
        ("sku=m", "change sku=m2", "2026-03-06 150.00 1"),
        // A sku of the other length is bought by what was bought, or by its own term where that is longer.
        ("sku=m", "change sku=y effective=next_period", "2027-02-06 1100.00 1"),
        ("sku=m periods=12", "change sku=y effective=next_period", "2028-01-06 1100.00 1"),
        ("sku=y", "change sku=m effective=next_period", "2028-01-06 1000.00 12"),
        ("sku=y periods=3", "change sku=m effective=next_period", "2030-01-06 1000.00 12"),
        // Chosen later.
        ("sku=m periods=12", "set_renewal renewal=auto renewal_periods=2", "2027-03-06 200.00 2"),
    ];
    for (cells, then, expected) in cases {
        let mut desk = desk(AS_BOUGHT);
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", &format!("renewal=auto {cells}")), "done");
        let (kind, more) = then.split_once(' ').expect("an order and its cells");
        assert_eq!(desk.does("2026-01-20T10:00:00", kind, "i-1", more), "done", "{cells} {then}");
        assert_eq!(renewed(&mut desk, "i-1"), expected, "{cells} {then}");
    }
}

/// Bought a year and a month ahead, they end on one day: the bundle goes on as its first member was bought.
#[test]
fn a_bundle_goes_on_as_its_first_member_was_bought() {
    // the first, bought on 5 January | the second, and when | new expiry, amount, terms of the sku
    let cases = [
        ("z-1 sku=m periods=12", "a-1 2026-12-05T10:00:00 sku=m", "2028-01-06 2000.00 12"),
        ("a-1 sku=m periods=12", "z-1 2026-12-05T10:00:00 sku=m", "2028-01-06 2000.00 12"),
        ("z-1 sku=m periods=24", "a-1 2027-01-05T10:00:00 sku=m periods=12", "2029-01-06 2000.00 12"),
        ("z-1 sku=m periods=13", "a-1 2026-02-05T10:00:00 sku=m periods=12", "2027-03-06 200.00 1"),
    ];
    for (first, second, expected) in cases {
        let mut desk = desk(AS_BOUGHT);
        let (first_id, cells) = first.split_once(' ').expect("an id and cells");
        let bundled = |cells: &str| format!("renewal=auto bundle_id=b {cells}");
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", first_id, &bundled(cells)), "done");
        let mut words = second.splitn(3, ' ');
        let (id, at, cells) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        assert_eq!(desk.does(at, "purchase", id, &bundled(cells)), "done", "{second}");
        assert_eq!(renewed(&mut desk, first_id), expected, "{first} {second}");
        assert_eq!(desk.account.resources[id].expires_at, desk.account.resources[first_id].expires_at, "{first} {second}");
    }
}

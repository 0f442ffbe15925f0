//! Unified expiry dates as orders. Domain 4.9.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=60",
    "sku=big.month product=vm billing_mode=subscription unit=month unit_price=600",
    "sku=own.month product=own billing_mode=subscription unit=month unit_price=60",
];
const PRODUCTS: &[&str] = &["product=own name=own renewal=none"];

fn desk(knobs: &str, bought_at: &str, cells: &str) -> Desk {
    let mut desk = Desk::with(&format!("base = \"huawei-intl\"\n{knobs}"), "+08:00", "", PRICES, PRODUCTS);
    desk.pays_in("2018-01-01T00:00:00", "1000");
    assert_eq!(desk.does(bought_at, "purchase", "i-1", cells), "done");
    desk
}

/// S12: from 5 April to 20 May at 60 a month: 60 + 60 x 15/31 = 89.03, or by thirtieths 90. Later renewals keep the 20th.
#[test]
fn s12_to_the_20th() {
    for (knobs, paid) in [("", "89.03"), ("align_proration = \"30\"", "90.00")] {
        let mut desk = desk(knobs, "2026-03-05T10:00:00", "sku=vm.month");
        assert_eq!(desk.does("2026-03-10T10:00:00", "align", "i-1", "align_day=20"), "done");
        assert_eq!(desk.paid_for("o2"), format!("balance {paid}"), "{knobs}");
        assert_eq!(desk.seen("i-1").split(' ').nth(2), Some("2026-05-21T00:00:00"));
        desk.does("2026-03-11T10:00:00", "renew", "i-1", "");
        assert_eq!(desk.seen("i-1").split(' ').nth(2), Some("2026-06-21T00:00:00"));
    }
}

/// S13: last days 10 September and 17 May 2018, unified on the 1st: 1 November and 1 July.
#[test]
fn s13_to_the_first() {
    for (bought_at, last_day_after) in
        [("2018-08-10T10:00:00", "2018-11-02T00:00:00"), ("2018-04-17T10:00:00", "2018-07-02T00:00:00")]
    {
        let mut desk = desk("", bought_at, "sku=vm.month");
        assert_eq!(desk.does(bought_at, "align", "i-1", ""), "done");
        assert_eq!(desk.seen("i-1").split(' ').nth(2), Some(last_day_after));
    }
}

#[test]
fn it_extends_only_by_a_month_or_more() {
    // the last covered day asked for | what becomes of it | the expiry; paid up to 5 April
    let cases = [
        ("expires_on=2026-04-05", "not_extended"),
        ("expires_on=2026-03-31", "not_extended"),
        ("expires_on=2026-05-04", "not_extended"),
        ("expires_on=2026-05-05", "done"),
        ("expires_on=9999-12-31", "not_extended"),
        ("align_day=5", "done"),
        ("align_day=4", "done"),
        ("align_day=last", "done"),
    ];
    for (cells, expected) in cases {
        let mut desk = desk("", "2026-03-05T10:00:00", "sku=vm.month");
        assert_eq!(desk.does("2026-03-10T10:00:00", "align", "i-1", cells), expected, "{cells}");
        let is_longer = desk.account.resources["i-1"].expires_at > Some(desk.at("2026-04-06"));
        assert_eq!(is_longer, expected == "done", "{cells}");
    }
}

/// The last of the month stays the last through February and beyond.
#[test]
fn the_last_of_the_month_stays_the_last() {
    let mut desk = desk("", "2027-12-10T10:00:00", "sku=vm.month");
    desk.does("2027-12-11T10:00:00", "align", "i-1", "align_day=last");
    let mut seen = vec![desk.seen("i-1").split(' ').nth(2).unwrap().to_owned()];
    for _ in 0..3 {
        desk.does("2027-12-12T10:00:00", "renew", "i-1", "");
        seen.push(desk.seen("i-1").split(' ').nth(2).unwrap().to_owned());
    }
    let expected = ["2028-03-01T00:00:00", "2028-04-01T00:00:00", "2028-05-01T00:00:00", "2028-06-01T00:00:00"];
    assert_eq!(seen, expected);
}

/// Not what has expired, is on trial or is never renewed; at the price of what it becomes, where a change waits.
#[test]
fn who_is_aligned_and_at_which_price() {
    for (cells, expected) in [("sku=vm.month trial=true", "trial"), ("sku=own.month", "not_renewable"), ("sku=vm.month", "done")]
    {
        let mut desk = desk("", "2026-03-05T10:00:00", cells);
        assert_eq!(desk.does("2026-03-10T10:00:00", "align", "i-1", "align_day=20"), expected, "{cells}");
    }
    let mut expired = desk("", "2026-03-05T10:00:00", "sku=vm.month");
    assert_eq!(expired.does("2026-04-06T00:00:01", "align", "i-1", "align_day=20"), "expired");
    let mut desk = desk("", "2026-03-05T10:00:00", "sku=big.month");
    desk.does("2026-03-09T10:00:00", "change", "i-1", "sku=vm.month");
    assert_eq!(desk.does("2026-03-10T10:00:00", "align", "i-1", "align_day=20"), "done");
    assert_eq!(desk.paid_for("o3"), "balance 89.03");
}

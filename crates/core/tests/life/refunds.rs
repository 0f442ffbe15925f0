//! What an unsubscription brings back, as orders. Domain 7.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100",
    "sku=vm.big product=vm billing_mode=subscription unit=month unit_price=71",
    "sku=disk.month product=disk billing_mode=subscription unit=month unit_price=30",
    "sku=gone.month product=gone billing_mode=subscription unit=month unit_price=30",
];
const PRODUCTS: &[&str] = &["product=gone name=gone refund=none"];

fn desk(profile: &str, account: &str, money: &str) -> Desk {
    let mut desk = Desk::with(profile, "+08:00", account, PRICES, PRODUCTS);
    if money != "0" {
        desk.pays_in("2020-01-01T00:00:00", money);
    }
    desk
}

/// R05: a renewal of 100, of which a voucher paid 20, is given back before it begins: 80 to the balance, 20 to the voucher, no
/// fee, and no quota used.
#[test]
fn r05_a_renewal_that_has_not_begun() {
    let mut desk = desk("base = \"huawei-cn\"", "", "1000");
    desk.does("2020-10-20T10:00:00", "purchase", "ecs-1", "sku=vm.month");
    desk.voucher("voucher_id=v1 amount=20 valid_from=2020-01-01T00:00:00+08:00 valid_to=2021-01-01T00:00:00+08:00");
    assert_eq!(desk.does("2020-11-01T10:00:00", "renew", "ecs-1", ""), "done");
    assert_eq!(desk.paid_for("o2"), "voucher 20.00;balance 80.00");
    assert_eq!(desk.seen("ecs-1"), "active manual 2020-12-21T00:00:00 820.00");

    assert_eq!(desk.does("2020-11-10T10:00:00", "unsubscribe", "ecs-1", "scope=renewal"), "done");
    assert_eq!(
        (desk.came_back("o3").as_str(), desk.paid_for("o3").as_str()),
        ("-100.00 0.00 0.00 100.00", "balance -80.00;voucher -20.00")
    );
    assert_eq!(desk.seen("ecs-1"), "active manual 2020-11-21T00:00:00 900.00");
    assert!(!desk.account.resources["ecs-1"].is_given_back_freely);
    // The expiry is computed from the purchase still, and the renewal may be bought again.
    assert_eq!(desk.does("2020-11-10T10:00:00", "unsubscribe", "ecs-1", "scope=renewal"), "no_renewal_waits");
    assert_eq!(desk.does("2020-11-10T10:00:00", "renew", "ecs-1", ""), "done");
    assert_eq!(desk.seen("ecs-1").split(' ').nth(2), Some("2020-12-21T00:00:00"));
}

/// R08: (51 + 20) x 12 at 83 % is 707.16, paid by a voucher of 100, 300 in cash and 307.16 granted; within five days 607.16
/// come back, the voucher does not.
#[test]
fn r08_the_first_refund_within_five_days() {
    let mut desk = desk("base = \"huawei-intl\"", "", "300");
    desk.discount("discount_id=year account_id=acme kind=commercial percent_off=17 products=vm");
    desk.voucher("voucher_id=v1 amount=100 valid_from=2020-01-01T00:00:00+08:00 valid_to=2021-01-01T00:00:00+08:00");
    let gift = Desk::money("entry_id=g1 kind=grant amount=307.16 at=2020-01-01T00:00:00+08:00");
    desk.advance(vec![gift], "2020-01-02");
    assert_eq!(desk.does("2020-03-01T10:00:00", "purchase", "cvm-1", "sku=vm.big periods=12"), "done");
    assert_eq!(desk.paid_for("o1"), "voucher 100.00;balance 300.00;grant 307.16");
    assert_eq!(desk.does("2020-03-06T09:59:59", "unsubscribe", "cvm-1", ""), "done");
    assert_eq!(desk.came_back("o2"), "-607.16 0.00 0.00 607.16");
    let wallet = &desk.account.money.wallet;
    assert_eq!((wallet.balance.to_text(2).as_str(), wallet.granted.to_text(2).as_str()), ("300.00", "307.16"));
}

/// Five days to the second (S14), only for what was neither renewed nor changed; what is in use pays for its hours and a fee.
#[test]
fn in_use_expired_and_not_refundable() {
    // profile | sku | before | unsubscribed at | amount consumed fee refund
    let (intl, ksyun) = ("base = \"huawei-intl\"", "base = \"ksyun\"");
    let cases = [
        (intl, "vm.month", "", "2026-01-10T09:59:59", "-100.00 0.00 0.00 100.00"),
        (intl, "vm.month", "", "2026-01-10T10:00:00", "-74.17 15.83 10.00 74.17"), // 120 of 758 hours
        (intl, "vm.month", "renew", "2026-01-06T10:00:00", "-186.83 3.17 10.00 186.83"), // 24 of 758, the renewal in full
        (intl, "vm.month", "", "2026-02-05T23:59:59", "0.00 99.87 0.13 0.00"),     // 757 of 758: the fee is at most what is left
        (intl, "vm.month", "", "2026-02-06T00:00:00", "0.00 100.00 0.00 0.00"),    // at the expiry itself, an order comes before
        (intl, "vm.month", "", "2026-02-06T00:00:01", "0.00 100.00 0.00 0.00"),
        (intl, "gone.month", "", "2026-01-05T10:00:01", "0.00 30.00 0.00 0.00"),
        (ksyun, "vm.month", "", "2026-01-10T10:00:00", "-81.25 18.75 0.00 81.25"), // 6 of 32 days, no fee
    ];
    for (profile, sku, before, at, expected) in cases {
        let mut desk = desk(profile, "", "1000");
        desk.does("2026-01-05T10:00:00", "purchase", "i-1", &format!("sku={sku}"));
        if !before.is_empty() {
            assert_eq!(desk.does("2026-01-05T11:00:00", before, "i-1", ""), "done");
        }
        let order_id = format!("o{}", desk.orders.len() + 1);
        assert_eq!(desk.does(at, "unsubscribe", "i-1", ""), "done", "{at}");
        assert_eq!(desk.came_back(&order_id), expected, "{profile} {sku} {before} {at}");
        assert_eq!(desk.does(at, "unsubscribe", "i-1", ""), "has_ended");
        assert_eq!(desk.does(at, "purchase", "i-1", "sku=vm.month"), "id_used");
    }
}

#[test]
fn a_fee_above_what_is_accepted_is_refused() {
    for (accepted, expected) in [("9.99", "fee_not_accepted"), ("10", "done")] {
        let mut desk = desk("base = \"huawei-intl\"", "", "1000");
        desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm.month");
        let before = desk.account.clone();
        let result = desk.does("2026-01-20T10:00:00", "unsubscribe", "i-1", &format!("accept_fee={accepted}"));
        assert_eq!(result, expected);
        assert_eq!(before.resources == desk.account.resources && before.money == desk.account.money, expected != "done");
    }
}

/// On an invoice nothing was paid yet: what comes back is taken off what stands there.
#[test]
fn on_an_invoice_it_is_taken_off() {
    let mut desk = desk("base = \"huawei-intl\"", "payment_method=invoice", "0");
    desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm.month");
    assert_eq!(desk.account.money.outstanding().to_text(2), "100.00");
    desk.does("2026-01-10T10:00:00", "unsubscribe", "i-1", "");
    assert_eq!(desk.came_back("o2"), "-74.17 15.83 10.00 74.17");
    assert_eq!(desk.account.money.outstanding().to_text(2), "25.83");
}

/// An automatic renewal that was given back is tried again, as an order of its own.
#[test]
fn a_renewal_given_back_may_be_made_again() {
    let mut desk = desk("base = \"huawei-intl\"", "", "1000");
    desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm.month renewal=auto");
    desk.advance(vec![], "2026-01-29T12:00:00");
    assert_eq!(desk.does("2026-01-29T12:00:00", "unsubscribe", "i-1", "scope=renewal"), "done");
    assert_eq!(desk.seen("i-1"), "active auto 2026-02-06T00:00:00 900.00");
    desk.advance(vec![], "2026-01-30T03:00:00");
    assert_eq!(desk.seen("i-1"), "active auto 2026-03-06T00:00:00 800.00");
    let ids: Vec<&str> = desk.made.iter().map(|order| order.order_id.as_str()).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

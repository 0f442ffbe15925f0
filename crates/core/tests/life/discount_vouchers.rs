//! Discount vouchers: which orders they lower, what they compete with, and that each is used once.

use super::desk::Desk;

const PRICES: &[&str] = &[
    "sku=vm product=vm billing_mode=subscription unit=month unit_price=100",
    "sku=big product=vm billing_mode=subscription unit=month unit_price=220",
    "sku=disk product=disk billing_mode=subscription unit=month unit_price=50",
    "sku=aligned product=vm billing_mode=subscription unit=month unit_price=60",
    "sku=cert product=ca billing_mode=one_time unit=each unit_price=90",
];
/// Everything that a test does not say of its voucher.
const ALIVE: &str = "valid_from=2026-01-01T00:00:00+08:00 valid_to=2026-12-01T00:00:00+08:00";

fn desk() -> Desk {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, &[]);
    desk.pays_in("2026-01-02T09:00:00", "10000");
    desk
}

/// A discount voucher with these cells, the others as [`ALIVE`] has them.
fn voucher(desk: &mut Desk, voucher_id: &str, cells: &str) {
    let is_said = |cell: &&str| !cells.contains(cell.split('=').next().expect("a column"));
    let others: Vec<&str> = ALIVE.split(' ').filter(is_said).collect();
    desk.voucher(&format!("voucher_id={voucher_id} kind=discount amount= {cells} {}", others.join(" ")));
}

/// `due of the order, discounts of the vouchers that were used`.
fn came_to(desk: &Desk, order_id: &str) -> String {
    let due = desk.orders[order_id].amount.map_or("-".to_owned(), |amount| amount.to_text(2));
    let mut used: Vec<String> = desk
        .account
        .money
        .vouchers
        .iter()
        .filter(|voucher| voucher.used.is_positive())
        .map(|voucher| format!(" {} {}", voucher.row.voucher_id, voucher.used))
        .map(|text| text.strip_suffix("000000").unwrap_or(&text).to_owned())
        .collect();
    used.sort();
    due + &used.concat()
}

#[test]
fn it_lowers_what_it_reaches() {
    // the voucher | what a purchase of `vm` in cn-1 on 5 January at 10:00 comes to, and what it used
    let cases = [
        ("percent_off=20", "80.00 v 20.00"),
        ("percent_off=100", "0.00 v 100.00"),
        ("percent_off=0", "100.00"),
        ("percent_off=0.001", "100.00"), // 99.999 is 100.00 in whole minor units: it would be used for nothing
        ("percent_off=0.01", "99.99 v 0.01"),
        ("percent_off=20 products=vm;disk", "80.00 v 20.00"),
        ("percent_off=20 products=disk", "100.00"),
        ("percent_off=20 skus=vm", "80.00 v 20.00"),
        ("percent_off=20 skus=big", "100.00"),
        ("percent_off=20 modes=subscription;one_time", "80.00 v 20.00"),
        ("percent_off=20 modes=pay_per_use", "100.00"),
        ("percent_off=20 regions=cn-1", "80.00 v 20.00"),
        ("percent_off=20 regions=cn-2", "100.00"),
        ("percent_off=20 order_kinds=purchase;renew", "80.00 v 20.00"),
        ("percent_off=20 order_kinds=renew", "100.00"),
        ("percent_off=20 min_amount=100", "80.00 v 20.00"), // the list price reaches it
        ("percent_off=20 min_amount=100.01", "100.00"),
        ("percent_off=20 currency=USD", "100.00"),
        ("percent_off=20 valid_from=2026-01-05T10:00:00+08:00", "80.00 v 20.00"),
        ("percent_off=20 valid_from=2026-01-05T10:00:01+08:00", "100.00"),
        ("percent_off=20 valid_to=2026-01-05T10:00:01+08:00", "80.00 v 20.00"),
        ("percent_off=20 valid_to=2026-01-05T10:00:00+08:00", "100.00"),
    ];
    for (cells, expected) in cases {
        let mut desk = desk();
        voucher(&mut desk, "v", cells);
        assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm region=cn-1"), "done");
        assert_eq!(came_to(&desk, "o1"), expected, "{cells}");
    }
}

#[test]
fn the_best_single_one_wins() {
    let commercial = "discount_id=d account_id=* kind=commercial percent_off=20";
    let promotional = "discount_id=d account_id=* kind=promotional percent_off=20";
    let unit_price = "discount_id=d account_id=* kind=partner unit_price=70";
    // a discount | vouchers | what comes of it
    let cases: [(&str, &[&str], &str); 10] = [
        (commercial, &["v percent_off=19.99"], "80.00"),
        (commercial, &["v percent_off=20"], "80.00"), // as good: the voucher is kept
        (promotional, &["v percent_off=20"], "80.00"),
        (commercial, &["v percent_off=20.01"], "79.99 v 20.01"), // in its place, not on top
        (unit_price, &["v percent_off=30"], "70.00"),
        (unit_price, &["v percent_off=31"], "69.00 v 31.00"),
        ("", &["v percent_off=20", "w percent_off=30"], "70.00 w 30.00"),
        ("", &["v percent_off=20", "w percent_off=20 valid_to=2026-11-30T00:00:00+08:00"], "80.00 w 20.00"),
        ("", &["w percent_off=20", "v percent_off=20"], "80.00 v 20.00"), // one expiry: by id
        ("", &["v percent_off=50 skus=disk", "w percent_off=10"], "90.00 w 10.00"),
    ];
    for (discount, vouchers, expected) in cases {
        // In whatever order they are stored.
        for turned in [false, true] {
            let mut desk = desk();
            if !discount.is_empty() {
                desk.discount(discount);
            }
            let mut vouchers = vouchers.to_vec();
            if turned {
                vouchers.reverse();
            }
            for one in &vouchers {
                let (id, cells) = one.split_once(' ').expect("an id and cells");
                voucher(&mut desk, id, cells);
            }
            assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm"), "done");
            assert_eq!(came_to(&desk, "o1"), expected, "{discount} {vouchers:?}");
        }
    }
}

#[test]
fn every_kind_of_order_has_a_price_to_lower() {
    let ordered = |steps: &[(&str, &str, &str, &str)], voucher_cells: &str| {
        let mut desk = desk();
        voucher(&mut desk, "v", voucher_cells);
        for (at, kind, resource_id, cells) in steps {
            assert_eq!(desk.does(at, kind, resource_id, cells), "done", "{kind}");
        }
        desk
    };
    // One-time purchases too: 90 less 15 %.
    let desk = ordered(&[("2026-01-05T10:00:00", "purchase", "c-1", "sku=cert")], "percent_off=15");
    assert_eq!(came_to(&desk, "o1"), "76.50 v 13.50");

    // A renewal by hand, of two terms.
    let bought = ("2026-04-01T00:00:00", "purchase", "i-1", "sku=vm");
    let renew = ("2026-04-02T00:00:00", "renew", "i-1", "periods=2");
    let desk = ordered(&[bought, renew], "percent_off=20 order_kinds=renew");
    assert_eq!(came_to(&desk, "o2"), "160.00 v 40.00");

    // An upgrade: (220 - 100) x 20 of 30 days = 80, less 20 %.
    let change = ("2026-04-11T00:00:00", "change", "i-1", "sku=big");
    let desk = ordered(&[bought, change], "percent_off=20 order_kinds=change");
    assert_eq!(came_to(&desk, "o2"), "64.00 v 16.00");

    // A unified day: 60 + 60 x 15/31 = 89.0322…, less 20 % = 71.2258….
    let bought = ("2026-03-05T10:00:00", "purchase", "i-1", "sku=aligned");
    let align = ("2026-03-20T10:00:00", "align", "i-1", "align_day=20");
    let desk = ordered(&[bought, align], "percent_off=20 order_kinds=align");
    assert_eq!(came_to(&desk, "o2"), "71.23 v 17.80645161");

    // An automatic renewal, whatever may pay it.
    let mut desk =
        ordered(&[("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm renewal=auto")], "percent_off=20 order_kinds=renew");
    desk.advance(vec![], "2026-01-29T03:00:00");
    assert_eq!(came_to(&desk, &desk.made[0].order_id), "80.00 v 20.00");
    assert_eq!(desk.charges.last().unwrap().charge.reason.as_deref(), Some("discount_voucher:v"));
}

#[test]
fn it_is_used_once_and_only_by_what_is_carried_out() {
    let mut desk = Desk::new("huawei-intl", "+08:00", "", PRICES, &[]);
    voucher(&mut desk, "v", "percent_off=20");
    desk.voucher(&format!("voucher_id=pays amount=30 skus=vm {ALIVE}"));
    // 80 are due, and 30 are there.
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm"), "insufficient_funds");
    assert_eq!(came_to(&desk, "o1"), "-");
    // A trial costs nothing, so there is nothing to lower.
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "t-1", "sku=vm trial=true"), "done");
    assert_eq!(came_to(&desk, "o2"), "0.00");

    desk.pays_in("2026-01-06T10:00:00", "200");
    assert_eq!(desk.does("2026-01-06T10:00:01", "purchase", "i-2", "sku=vm"), "done");
    assert_eq!(came_to(&desk, "o3"), "80.00 pays 30.00 v 20.00");
    assert_eq!(desk.paid_for("o3"), "voucher 30.00;balance 50.00"); // what it takes off is no payment
    assert_eq!(desk.does("2026-01-06T10:00:02", "purchase", "i-3", "sku=vm"), "done");
    assert_eq!(came_to(&desk, "o4"), "100.00 pays 30.00 v 20.00");
}

#[test]
fn a_bundle_is_lowered_as_far_as_the_voucher_reaches() {
    // vouchers | what the renewal of `vm` and `disk` comes to, `disk` having 30 % off by a discount
    let cases: [(&[&str], &str); 6] = [
        (&["v percent_off=20 skus=vm"], "115.00 v 20.00"),
        (&["v percent_off=20"], "115.00 v 20.00"), // 35 of `disk` are better by its discount, 80 of `vm` by the voucher
        (&["v percent_off=40"], "90.00 v 60.00"),
        (&["v percent_off=40 min_amount=150"], "90.00 v 60.00"),
        (&["v percent_off=40 min_amount=150 skus=vm"], "135.00"), // 100 in its scope
        (&["v percent_off=90 skus=disk", "w percent_off=31 skus=vm"], "104.00 w 31.00"), // 69 + 35; the other makes it 105
    ];
    for (vouchers, expected) in cases {
        let mut desk = desk();
        for (id, sku) in [("i-1", "vm"), ("d-1", "disk")] {
            let bundled = format!("sku={sku} bundle_id=b");
            assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", id, &bundled), "done");
        }
        desk.discount("discount_id=d account_id=* kind=commercial percent_off=30 skus=disk");
        for one in vouchers {
            let (id, cells) = one.split_once(' ').expect("an id and cells");
            voucher(&mut desk, id, cells);
        }
        assert_eq!(desk.does("2026-01-20T10:00:00", "renew", "d-1", ""), "done");
        assert_eq!(came_to(&desk, "o3"), expected, "{vouchers:?}");
    }
}

/// Domain 7: whatever comes back of an order, the discount voucher that lowered it does not.
#[test]
fn it_does_not_come_back() {
    let mut desk = desk();
    voucher(&mut desk, "v", "percent_off=20 order_kinds=purchase");
    voucher(&mut desk, "w", "percent_off=50 order_kinds=renew");
    assert_eq!(desk.does("2026-01-05T10:00:00", "purchase", "i-1", "sku=vm"), "done");
    assert_eq!(came_to(&desk, "o1"), "80.00 v 20.00");
    // Within five days: all of the 80.
    assert_eq!(desk.does("2026-01-07T10:00:00", "unsubscribe", "i-1", ""), "done");
    assert_eq!(desk.came_back("o2"), "-80.00 0.00 0.00 80.00");
    // The renewal has not begun: all of the 50 that were paid for it.
    assert_eq!(desk.does("2026-01-08T10:00:00", "purchase", "i-2", "sku=vm"), "done");
    assert_eq!(desk.does("2026-01-08T11:00:00", "renew", "i-2", ""), "done");
    assert_eq!(desk.does("2026-01-09T10:00:00", "unsubscribe", "i-2", "scope=renewal"), "done");
    assert_eq!(desk.came_back("o5"), "-50.00 0.00 0.00 50.00");
    assert_eq!(desk.balance(), "9900.00");
    assert!(desk.account.money.vouchers.iter().all(|voucher| voucher.is_used_up() && voucher.returned.is_zero()));
    assert_eq!(desk.does("2026-01-10T10:00:00", "purchase", "i-3", "sku=vm"), "done");
    assert_eq!(came_to(&desk, "o6"), "100.00 v 20.00 w 50.00");
}

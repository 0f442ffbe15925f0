//! Worked examples from vendors' documentation, by the ids that the domain rules use.

use super::*;
use crate::number::FeeScale;
use crate::pay::voucher::{Spending, rank};

/// The five vouchers of W01: amount and expiry date (the last day covered).
fn five_vouchers() -> Vec<VoucherRow> {
    let covered_to = |date: &str| at(&format!("2017-03-{date}T00:00:00+08:00")).plus_seconds(24 * HOUR);
    [("A", "10", "09"), ("B", "8", "09"), ("C", "5", "09"), ("D", "2", "09"), ("E", "4", "10")]
        .map(|(voucher_id, amount, last_day)| VoucherRow {
            valid_from: at("2017-02-01T00:00:00+08:00"),
            valid_to: covered_to(last_day),
            ..voucher(voucher_id, amount)
        })
        .to_vec()
}

/// W01, https://cloud.tencent.com/document/product/555/7428 (github.com/tencentyun/qcloud-documents,
/// product/管理与支持/计费相关(new)/4.支付/代金券.md): a fee of 4 on 2017-03-01. Tencent takes the earliest expiry, the largest
/// part that can pay, the smallest balance; Kingsoft the earliest expiry, the largest available amount.
#[test]
fn w01_five_vouchers_in_both_orders() {
    let cases = [
        (VoucherOrder::ExpiryThenDeductible, ["C", "B", "A", "D", "E"], "1"),
        (VoucherOrder::ExpiryThenAvailable, ["A", "B", "C", "D", "E"], "6"),
    ];
    for (order, expected_order, left_of_first) in cases {
        let fee = money("4");
        let mut states: Vec<_> = five_vouchers().into_iter().map(VoucherState::new).collect();
        states.sort_by_key(|state| rank(order, Spending::Use, state, state.remaining().min(fee)));
        assert_eq!(states.iter().map(|state| state.row.voucher_id.as_str()).collect::<Vec<_>>(), expected_order);

        // The first pays all of it, whatever the order in which the vouchers are stored.
        let stored = five_vouchers();
        for turn in 0..stored.len() {
            let mut vouchers = stored.clone();
            vouchers.rotate_left(turn);
            let mut desk = Desk::new().with_vouchers(vouchers).with_order(order);
            let used_at = at("2017-03-01T00:00:00+08:00");
            let effects = desk.settle("s1", 1, vec![ChargeDue { window_start: used_at, ..charge("c1", "4") }]);
            assert_eq!(lines(&effects), [format!("s1 payment voucher:{} 4", expected_order[0])]);
            let first = desk.money.vouchers.iter().find(|state| state.row.voucher_id == expected_order[0]).unwrap();
            assert_eq!(first.remaining(), money(left_of_first));
        }
    }
}

/// W03, https://support.huaweicloud.com/usermanual-billing/unsubscription_topic_20000081.html: of 100, a voucher pays its 20
/// first and cash the rest.
#[test]
fn w03_voucher_first_and_cash_the_rest() {
    let mut desk = Desk::new().with_vouchers([voucher("v", "20")]).with_cash("80");
    let effects = desk.settle("s1", 1, vec![charge("c1", "100")]);
    assert_eq!(lines(&effects), ["s1 payment voucher:v 20", "s1 payment balance 80"]);
    assert_eq!(desk.standing(), ["0", "0", "0", "0"]);
}

/// W04, github.com/tencentyun/qcloud-documents, product/管理与支持/计费相关(new)/13.云服务退货说明/云服务退货说明.md: of
/// 51 × 12 × 0.83 a voucher pays 100, cash 200 and granted money the rest.
#[test]
fn w04_voucher_cash_and_granted_money() {
    let mut desk = Desk::new().with_vouchers([voucher("v", "100")]).with_cash("200").with_granted("250");
    let effects = desk.settle("s1", 1, vec![charge("c1", "507.96")]);
    assert_eq!(lines(&effects), ["s1 payment voucher:v 100", "s1 payment balance 200", "s1 payment grant 207.96"]);
}

/// W01 for an order. Huawei takes the largest balance, https://huaweicloud.com/s/JWdw5pWw5o2u5bqT5re75Yqg6KGo5a2X5q61JQ/t_30_p_1/
/// Jei0ueeUqOS4reW_gyU (自动续费规则说明).
#[test]
fn w01_five_vouchers_in_all_three_orders_of_an_order() {
    let cases = [
        (VoucherOrder::ExpiryThenDeductible, "C", "1"),
        (VoucherOrder::ExpiryThenAvailable, "A", "6"),
        (VoucherOrder::ScopeThenExpiry, "A", "6"),
    ];
    for (order, expected, left) in cases {
        let stored = five_vouchers();
        for turn in 0..stored.len() {
            let mut vouchers = stored.clone();
            vouchers.rotate_left(turn);
            let mut desk = Desk::new().with_vouchers(vouchers).with_order(order);
            let due = desk.order_due("o", 0, OrderKind::Purchase, vec![bought("a", "4")]);
            let paid = desk.pay(&OrderDue { at: at("2017-03-01T00:00:00+08:00"), ..due }).unwrap();
            assert_eq!(lines(&paid.effects), [format!("o payment voucher:{expected} 4")]);
            let first = desk.money.vouchers.iter().find(|state| state.row.voucher_id == expected).unwrap();
            assert_eq!(first.remaining(), money(left));
        }
    }
}

/// W03 for an order, the source as above.
#[test]
fn w03_an_order_takes_the_voucher_first() {
    for profile in PROFILES {
        let mut desk = Desk::new().with_vouchers([voucher("v", "20")]).with_cash("80");
        desk.profile = Profile::builtin(profile).unwrap();
        let paid = desk.order("o", 1, vec![bought("a", "100")]).unwrap();
        assert_eq!(parts(&paid), ["a: voucher:v 20, balance 80"]);
    }
}

/// W04 for an order, the source as above; its 507.96 are a year's server at 51 a month.
#[test]
fn w04_an_order_takes_voucher_cash_and_granted_money() {
    for profile in PROFILES {
        let (desk, paid) = tencent_year(profile, "200", "207.96", "507.96");
        assert_eq!(parts(&paid), ["a: voucher:v 100, balance 200, grant 207.96"]);
        assert_eq!(desk.standing(), ["0", "0", "0", "0"]);
    }
}

/// W07, https://huaweicloud.com/s/JWdw5pWw5o2u5bqT5re75Yqg6KGo5a2X5q61JQ/t_30_p_1/Jei0ueeUqOS4reW_gyU (自动续费规则说明): a renewal
/// takes one voucher, the one with the largest balance, the earliest expiry breaks a tie; then cash, then credit. Kingsoft's
/// takes several, the earliest expiry first, and no credit.
#[test]
fn w07_a_renewal_takes_one_voucher_the_largest() {
    let rows = || {
        let earlier = VoucherRow { valid_to: hour(48), ..voucher("earlier", "50") };
        [VoucherRow { valid_to: hour(24), ..voucher("small", "20") }, voucher("later", "50"), earlier]
    };
    let huawei = ["o payment voucher:earlier 50", "o payment balance 10", "o payment credit 40"];
    let ksyun = ["o payment voucher:small 20", "o payment voucher:earlier 50", "o payment voucher:later 30"];
    for (profile, expected) in PROFILES.iter().zip([huawei, huawei, ksyun]) {
        let mut desk = Desk::new().with_vouchers(rows()).with_cash("10").with_credit("40");
        desk.profile = Profile::builtin(profile).unwrap();
        let due = desk.order_due("o", 1, OrderKind::Renew, vec![bought("a", "100")]);
        assert_eq!(lines(&desk.pay(&due).unwrap().effects), expected);
    }
}

/// R05, https://huaweicloud.com/guide/category-004728bf5b2f03e44d450ffeabc6f0a295c503df7537ca43186047428b12d610-1: a renewal of
/// 100 (voucher 20, cash 80) is dropped before it begins: all of it comes back, the voucher too, without a fee.
#[test]
fn r05_a_renewal_that_has_not_begun_comes_back_whole() {
    for profile in PROFILES {
        let mut desk = Desk::new().with_vouchers([voucher("v", "20")]).with_cash("80");
        desk.profile = Profile::builtin(profile).unwrap();
        let due = desk.order_due("o", 1, OrderKind::Renew, vec![bought("a", "100")]);
        let paid = desk.pay(&due).unwrap();
        let effects = desk.give_back("u", 2, vec![given("o", paid.parts[0].parts.clone())]);
        assert_eq!(lines(&effects), ["u refund balance -80", "u refund voucher:v -20"]);
        assert_eq!(desk.money.vouchers[0].remaining(), money("20"));
    }
}

/// R07, the source of W04: of W04's order 362.60 come back, the voucher does not. Each source has its half-up share.
#[test]
fn r07_a_refund_is_split_over_cash_and_gift() {
    check_split("200", "207.96", "507.96", "362.60", ["177.76", "184.84"]);
}

/// R08, the source of W04: within five days all comes back but the voucher, 607.16.
#[test]
fn r08_all_comes_back_but_the_voucher() {
    check_split("300", "307.16", "707.16", "607.16", ["300", "307.16"]);
}

/// R09, as R08 but after seven months and five days: 116.88 come back.
#[test]
fn r09_a_later_refund_is_split_over_cash_and_gift() {
    check_split("300", "307.16", "707.16", "116.88", ["57.75", "59.13"]);
}

const PROFILES: [&str; 3] = ["huawei-intl", "huawei-cn", "ksyun"];

/// An order in Tencent's examples: a voucher of 100, then this much cash and granted money.
fn tencent_year(profile: &str, cash: &str, granted: &str, due: &str) -> (Desk, OrderPaid) {
    let mut desk = Desk::new().with_vouchers([voucher("v", "100")]).with_cash(cash).with_granted(granted);
    desk.profile = Profile::builtin(profile).unwrap();
    let paid = desk.order("o", 1, vec![bought("a", due)]).unwrap();
    (desk, paid)
}

/// What comes back of such an order reaches cash and granted money in these parts.
fn check_split(cash: &str, granted: &str, due: &str, comes_back: &str, expected: [&str; 2]) {
    for profile in PROFILES {
        let (mut desk, paid) = tencent_year(profile, cash, granted, due);
        let refundable: Vec<PaidPart> =
            paid.parts[0].parts.iter().filter(|part| part.source != PaymentSource::Voucher).cloned().collect();
        let back = split_back(money(comes_back), &refundable, FeeScale::TWO);
        desk.give_back("u", 2, vec![given("o", back)]);
        assert_eq!(desk.standing(), [expected[0], expected[1], "0", "0"]);
        assert_eq!(desk.money.vouchers[0].remaining(), Money::ZERO);
    }
}

//! Worked examples from vendors' documentation, by the ids that the domain rules use.

use super::*;
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

/// W07, Huawei's 自动续费规则说明: for a renewal the largest balance goes first; the earliest expiry breaks a tie.
#[test]
fn w07_orders_take_the_largest_voucher() {
    let earlier = VoucherRow { valid_to: hour(48), ..voucher("earlier", "50") };
    let rows = [voucher("small", "20"), voucher("later", "50"), earlier];
    let mut states: Vec<_> = rows.into_iter().map(VoucherState::new).collect();
    states.sort_by_key(|state| rank(VoucherOrder::ScopeThenExpiry, Spending::Order, state, state.remaining()));
    assert_eq!(states.iter().map(|state| state.row.voucher_id.as_str()).collect::<Vec<_>>(), ["earlier", "later", "small"]);
}

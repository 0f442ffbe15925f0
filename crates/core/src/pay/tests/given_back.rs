//! What comes back of orders: to what paid, off what is outstanding, the fee kept.

use super::*;
use crate::number::FeeScale;
use PaymentSource::{Balance, Credit, External, FlexiCoupon, Grant, StoredValue, Voucher};

#[test]
fn everything_goes_back_to_what_paid_it() {
    let vouchers = [
        voucher("v", "2"),
        VoucherRow { kind: VoucherKind::FlexiCoupon, ..voucher("flexi", "3") },
        VoucherRow { kind: VoucherKind::StoredValue, ..voucher("card", "4") },
    ];
    for (method, last) in [(PaymentMethod::Balance, "credit"), (PaymentMethod::External, "external")] {
        let mut desk = Desk::new().with_cash("5").with_granted("6").with_credit("7").with_vouchers(vouchers.clone());
        desk = desk.with_method(method);
        let paid = desk.order("o", 1, vec![bought("a", "27")]).unwrap();
        let effects = desk.give_back("u", 2, vec![given("o", paid.parts[0].parts.clone())]);
        let expected = [
            &format!("u refund {last} -7"),
            "u refund grant -6",
            "u refund balance -5",
            "u refund stored_value:card -4",
            "u refund flexi_coupon:flexi -3",
            "u refund voucher:v -2",
        ];
        assert_eq!(lines(&effects), expected);
        assert_eq!(effects.payments.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(desk.standing(), ["5", "6", "0", "0"]);
        // the wallet's money came in; nothing else is left in the books
        let left: Vec<_> = desk.ledger.iter().filter(|(_, amount)| !amount.is_zero()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["assets:cash", "contra:vouchers", "liabilities:granted:acme", "liabilities:wallet:acme"]);
    }
}

#[test]
fn the_fee_is_kept_and_what_was_consumed_stays_deferred() {
    let mut desk = Desk::new().with_cash("100");
    desk.order("o", 1, vec![bought("a", "100")]).unwrap();
    // 40 are consumed; of 60 a fee of 6 is kept
    let back = GivenBack { fee: money("6"), ..given("o", vec![part(Balance, None, "54")]) };
    let effects = desk.give_back("u", 2, vec![back]);
    let legs: Vec<_> = effects.legs.iter().map(|leg| (leg.account.as_str(), leg.amount)).collect();
    let expected =
        [("income:fees", money("-6")), ("liabilities:deferred:ecs", money("60")), ("liabilities:wallet:acme", money("-54"))];
    assert_eq!(legs, expected);
    assert_eq!(effects.totals.map(|totals| (totals.due, totals.balance)), Some((money("-54"), money("-54"))));
}

#[test]
fn a_one_time_purchase_comes_off_its_income() {
    let mut desk = Desk::new().with_cash("60");
    let certificate = ChargeDue { billing_mode: BillingMode::OneTime, ..bought("a", "60") };
    desk.order("o", 1, vec![certificate]).unwrap();
    let back = GivenBack { billing_mode: BillingMode::OneTime, ..given("o", vec![part(Balance, None, "60")]) };
    desk.give_back("u", 2, vec![back]);
    assert_eq!(desk.ledger["income:ecs:one_time"], Money::ZERO);
}

/// An unsubscription ends a period in use and a renewal that has not begun: one line per source for both.
#[test]
fn orders_given_back_together_make_one_line_per_source() {
    let mut desk = Desk::new().with_cash("100").with_vouchers([voucher("v", "20")]);
    desk.order("o1", 1, vec![bought("a", "60")]).unwrap();
    desk.order("o2", 2, vec![bought("b", "60")]).unwrap();
    let effects = desk.give_back(
        "u",
        3,
        vec![
            given("o1", vec![part(Voucher, Some("v"), "20"), part(Balance, None, "10")]),
            given("o2", vec![part(Balance, None, "60")]),
        ],
    );
    assert_eq!(lines(&effects), ["u refund balance -70", "u refund voucher:v -20"]);
}

#[test]
fn an_expired_vouchers_part_is_forfeit() {
    for (hours, kind) in [(9, "refund"), (10, "forfeit"), (11, "forfeit")] {
        let mut desk = Desk::new().with_vouchers([VoucherRow { valid_to: hour(10), ..voucher("v", "5") }]).with_cash("5");
        let paid = desk.order("o", 1, vec![bought("a", "10")]).unwrap();
        let effects = desk.give_back("u", hours, vec![given("o", paid.parts[0].parts.clone())]);
        assert_eq!(lines(&effects), ["u refund balance -5".to_owned(), format!("u {kind} voucher:v -5")]);
        assert_eq!(desk.standing(), ["5", "0", "0", "0"]);
        assert_eq!(desk.money.vouchers[0].remaining(), money(if kind == "refund" { "5" } else { "0" }));
        assert_eq!(desk.ledger["liabilities:deferred:ecs"], Money::ZERO);
    }
}

#[test]
fn money_that_comes_back_repays_at_once() {
    let mut desk = Desk::new().with_cash("10");
    desk.order("o", 1, vec![bought("a", "10")]).unwrap();
    desk.settle("s", 2, vec![charge("c", "4")]);
    assert!(desk.money.wallet.in_arrears_since.is_some());
    let effects = desk.give_back("u", 3, vec![given("o", vec![part(Balance, None, "10")])]);
    assert_eq!(lines(&effects), ["u refund balance -10", "s repayment balance:u 4"]);
    assert_eq!(desk.standing(), ["6", "0", "0", "0"]);
    assert_eq!(desk.money.wallet.in_arrears_since, None);
}

/// What was on credit and repaid since goes back to what repaid it: credit in use is never below nothing, and granted money
/// does not become cash.
#[test]
fn repaid_credit_of_an_order_goes_back_to_what_repaid_it() {
    let on_credit = || vec![part(Credit, None, "10")];
    type Case = (&'static [(FundsKind, &'static str)], &'static [&'static str], [&'static str; 4]);
    // money in | lines | cash, granted, credit, outstanding
    let cases: &[Case] = &[
        (&[], &["u refund credit -10"], ["0", "0", "0", "0"]),
        (&[(FundsKind::TopUp, "4")], &["u refund credit -6", "u refund balance -4"], ["4", "0", "0", "0"]),
        (&[(FundsKind::Grant, "10")], &["u refund grant -10"], ["0", "10", "0", "0"]),
        (
            &[(FundsKind::Grant, "3"), (FundsKind::TopUp, "9")],
            &["u refund grant -3", "u refund balance -7"],
            ["9", "3", "0", "0"],
        ),
    ];
    for (moneys, expected, standing) in cases {
        let mut desk = Desk::new().with_credit("30");
        desk.order("o", 1, vec![bought("a", "10")]).unwrap();
        for (at, (kind, amount)) in moneys.iter().enumerate() {
            desk.funds(&format!("e{at}"), *kind, amount, 2);
        }
        assert_eq!(lines(&desk.give_back("u", 3, vec![given("o", on_credit())])), *expected);
        assert_eq!(desk.standing(), *standing);
    }

    // Two orders of one kind: which of them was given back first does not matter.
    for (first, second) in [("o1", "o2"), ("o2", "o1")] {
        let mut desk = Desk::new().with_credit("30");
        desk.order("o1", 1, vec![bought("a", "10")]).unwrap();
        desk.order("o2", 2, vec![bought("b", "10")]).unwrap();
        desk.funds("e", FundsKind::Grant, "20", 3);
        assert_eq!(lines(&desk.give_back("u1", 4, vec![given(first, on_credit())])), ["u1 refund grant -10"]);
        assert_eq!(lines(&desk.give_back("u2", 5, vec![given(second, on_credit())])), ["u2 refund grant -10"]);
    }
}

/// What a downgrade took of the granted money that paid at once is not taken again of what repaid credit.
#[test]
fn an_order_given_back_in_two_parts_keeps_them_apart() {
    let mut desk = Desk::new().with_granted("5").with_credit("30");
    desk.order("o", 1, vec![bought("a", "15")]).unwrap();
    desk.funds("e", FundsKind::Grant, "10", 2);
    assert_eq!(lines(&desk.give_back("d", 3, vec![given("o", vec![part(Grant, None, "3")])])), ["d refund grant -3"]);
    let rest = vec![part(Grant, None, "2"), part(Credit, None, "10")];
    assert_eq!(lines(&desk.give_back("u", 4, vec![given("o", rest)])), ["u refund grant -12"]);
    assert_eq!(desk.standing(), ["0", "15", "0", "0"]);
}

#[test]
fn credit_repaid_out_of_sight_goes_back_as_cash() {
    let mut desk = Desk::new().with_credit("30");
    desk.order("o", 1, vec![bought("a", "10")]).unwrap();
    desk.funds("e", FundsKind::TopUp, "7", 2);
    desk.money.paid.clear();
    let back = vec![given("o", vec![part(Credit, None, "10")])];
    let refund = OrderRefund { order_id: "u".to_owned(), at: hour(3), given_back: back };
    let effects = give_back(&mut desk.money, &refund, &desk.profile);
    assert_eq!(lines(&effects), ["u refund credit -3", "u refund balance -7"]);
    assert_eq!(desk.money.wallet.credit_used, Money::ZERO);
}

#[test]
fn an_invoice_is_cancelled_before_anything_goes_back() {
    let invoiced = |amount: &str, fee: &str| GivenBack { invoiced: money(amount), fee: money(fee), ..given("o", vec![]) };
    // paid since, comes back, fee | lines | cash, outstanding
    type Case = ([&'static str; 3], &'static [&'static str], [&'static str; 2]);
    let cases: &[Case] = &[
        (["0", "54", "6"], &[], ["0", "46"]),
        (["0", "100", "0"], &[], ["0", "0"]),
        (["30", "54", "6"], &[], ["0", "16"]),
        (["46", "54", "6"], &[], ["0", "0"]),
        (["60", "54", "6"], &["u refund balance -14"], ["14", "0"]),
        (["100", "54", "6"], &["u refund balance -54"], ["54", "0"]),
    ];
    for ([paid, back, fee], expected, standing) in cases {
        let mut desk = Desk::new().with_method(PaymentMethod::Invoice);
        desk.order("o", 1, vec![bought("a", "100")]).unwrap();
        desk.funds("e", FundsKind::TopUp, paid, 2);
        let effects = desk.give_back("u", 3, vec![invoiced(back, fee)]);
        assert_eq!(lines(&effects), *expected, "{paid} {back}");
        let [cash, _, _, outstanding] = desk.standing();
        assert_eq!([cash.as_str(), outstanding.as_str()], *standing, "{paid} {back}");
    }

    // Money goes back to the kind that paid.
    let mut desk = Desk::new().with_method(PaymentMethod::Invoice);
    desk.order("o", 1, vec![bought("a", "100")]).unwrap();
    desk.funds("e", FundsKind::Grant, "100", 2);
    assert_eq!(lines(&desk.give_back("u", 3, vec![invoiced("54", "6")])), ["u refund grant -54"]);
}

/// A cheaper hour goes back to what paid for use, and never to what paid an order.
#[test]
fn orders_and_use_are_given_back_apart() {
    let mut desk = Desk::new().with_granted("5").with_credit("30");
    desk.settle("s", 1, vec![charge("c", "5")]);
    desk.order("o", 1, vec![bought("a", "10")]).unwrap();
    assert_eq!(
        lines(&desk.settle("s2", 1, vec![charge("c", "-2")])),
        ["s2 refund grant -2", "s2 repayment credit:s2 -2", "s2 repayment grant:s2 2"]
    );
    // The order's refund takes nothing from what use can still get back.
    let effects = desk.give_back("u", 1, vec![given("o", vec![part(Credit, None, "10")])]);
    assert_eq!(lines(&effects), ["u refund credit -8", "u refund grant -2"]);
    assert_eq!(lines(&desk.settle("s3", 1, vec![charge("c", "-3")])), ["s3 refund grant -3"]);
    assert_eq!(desk.standing(), ["0", "5", "0", "0"]);
}

#[test]
fn what_comes_back_is_split_half_up_and_the_last_takes_the_rest() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        // comes back | paid       | parts
        ("10", &["10", "10", "10"], &["3.33", "3.33", "3.34"]),
        ("0.01", &["1", "1"], &["0.01", "0"]),
        ("0.02", &["1", "1", "1", "1"], &["0.01", "0.01", "0", "0"]), // 0.005 each: what is left bounds it
        ("0.04", &["0.03", "0.01", "0.01"], &["0.02", "0.01", "0.01"]),
        ("0.05", &["0.03", "0.01", "0.01"], &["0.03", "0.01", "0.01"]),
        ("0.03", &["0.1", "0.01", "0.01", "0.01"], &["0.02", "0", "0", "0.01"]), // not above what it paid
        ("0.06", &["0.04", "0.04", "0.01"], &["0.03", "0.03", "0"]),
        ("0.005", &["0.003", "0.002"], &["0.003", "0.002"]), // below a cent nothing is lost
        ("0", &["3"], &["0"]),
        ("0", &[], &[]),
    ];
    for (back, paid, expected) in cases {
        let ids: Vec<String> = (0..paid.len()).map(|at| format!("v{at}")).collect();
        let paid: Vec<PaidPart> = paid.iter().zip(&ids).map(|(amount, id)| part(StoredValue, Some(id), amount)).collect();
        let split = split_back(money(back), &paid, FeeScale::TWO);
        let wanted = expected.iter().zip(&ids).filter(|(amount, _)| **amount != "0");
        let wanted: Vec<PaidPart> = wanted.map(|(amount, id)| part(StoredValue, Some(id), amount)).collect();
        assert_eq!(split, wanted, "{back} of {paid:?}");
    }
}

#[test]
#[should_panic(expected = "is more than the")]
fn more_than_was_paid_is_not_split() {
    let paid = [part(Grant, None, "1"), part(FlexiCoupon, Some("f"), "1"), part(External, None, "1")];
    split_back(money("3.01"), &paid, FeeScale::TWO);
}

//! Differences in the customer's favour: off what is outstanding, then back to what paid.

use super::*;

fn is_empty(effects: &Effects) -> bool {
    effects.payments.is_empty()
}

#[test]
fn a_difference_first_cancels_what_is_outstanding() {
    let mut desk = Desk::new().with_cash("4");
    desk.settle("s1", 1, vec![charge("c1", "4")]);
    desk.settle("s2", 2, vec![charge("c2", "3")]);
    desk.settle("s3", 3, vec![charge("c3", "3")]);

    // The own window's first, then the oldest; nothing goes back while something is outstanding.
    let effects = desk.settle("s3b", 3, vec![charge("c3", "-5")]);
    assert!(is_empty(&effects));
    assert_eq!(effects.outstanding, [("s2".to_owned(), hour(2), money("1")), ("s3".to_owned(), hour(3), Money::ZERO)]);
    let totals = SettlementTotals { due: money("-5"), outstanding: money("-5"), ..SettlementTotals::default() };
    assert_eq!(effects.totals, Some(totals));

    let effects = desk.settle("s1b", 1, vec![charge("c1", "-3")]);
    assert_eq!(lines(&effects), ["s1b refund balance -2"]);
    assert_eq!(effects.totals.unwrap().outstanding, money("-1"));
    assert_eq!(desk.standing(), ["2", "0", "0", "0"]);
    assert_eq!(desk.money.wallet.in_arrears_since, None);
}

#[test]
fn what_paid_last_gets_back_first() {
    let vouchers = [
        voucher("v1", "1"),
        VoucherRow { valid_to: hour(200), ..voucher("v0", "2") },
        VoucherRow { kind: VoucherKind::FlexiCoupon, ..voucher("flexi", "3") },
        VoucherRow { kind: VoucherKind::StoredValue, ..voucher("card", "4") },
    ];
    let back = |amount: &str| {
        let mut desk = Desk::new().with_vouchers(vouchers.clone()).with_cash("5").with_granted("6").with_credit("7");
        desk.settle("s1", 1, vec![charge("c1", "28")]);
        lines(&desk.settle("s2", 1, vec![charge("c1", amount)]))
    };
    assert_eq!(back("-7"), ["s2 refund credit -7"]);
    assert_eq!(back("-8"), ["s2 refund credit -7", "s2 refund grant -1"]);
    assert_eq!(
        back("-19"),
        ["s2 refund credit -7", "s2 refund grant -6", "s2 refund balance -5", "s2 refund stored_value:card -1"]
    );
    let everything = [
        "s2 refund credit -7",
        "s2 refund grant -6",
        "s2 refund balance -5",
        "s2 refund stored_value:card -4",
        "s2 refund flexi_coupon:flexi -3",
        "s2 refund voucher:v1 -1", // used after v0, which expires earlier
        "s2 refund voucher:v0 -2",
    ];
    assert_eq!(back("-28"), everything);
}

/// Per source never more than it paid, net of earlier refunds, however the differences are cut.
#[test]
fn earlier_refunds_count() {
    let mut desk = Desk::new().with_vouchers([voucher("v", "5")]).with_cash("5");
    desk.settle("s1", 1, vec![charge("c1", "10")]);
    assert_eq!(lines(&desk.settle("s1b", 1, vec![charge("c1", "-4")])), ["s1b refund balance -4"]);
    assert_eq!(lines(&desk.settle("s1c", 1, vec![charge("c1", "-4")])), ["s1c refund balance -1", "s1c refund voucher:v -3"]);
    assert_eq!(lines(&desk.settle("s1d", 1, vec![charge("c1", "-2")])), ["s1d refund voucher:v -2"]);
    assert_eq!(desk.standing(), ["5", "0", "0", "0"]);
    assert_eq!(desk.money.vouchers[0].remaining(), money("5"));
}

/// The own window's settlement first, then the period's others, newest first; another month's never.
#[test]
fn the_own_window_comes_first_then_the_newest() {
    let mut desk = Desk::new().with_vouchers([VoucherRow { valid_to: hour(2), ..voucher("v", "3") }]).with_cash("9");
    desk.settle("s1", 1, vec![charge("c1", "3")]); // the voucher
    desk.settle("s2", 2, vec![ChargeDue { window_start: hour(2), ..charge("c2", "3") }]); // cash
    desk.settle("s3", 3, vec![ChargeDue { window_start: hour(2), ..charge("c3", "3") }]); // cash

    assert_eq!(lines(&desk.settle("s1b", 1, vec![charge("c1", "-1")])), ["s1b refund voucher:v -1"]);
    // more than its own window paid: the newest of the others
    assert_eq!(lines(&desk.settle("s2b", 2, vec![charge("c2", "-4")])), ["s2b refund balance -4"]);
    // s2 has nothing left to give and s3 two: the voucher of s1 is last
    assert_eq!(lines(&desk.settle("s2c", 2, vec![charge("c2", "-3")])), ["s2c refund balance -2", "s2c forfeit voucher:v -1"]);
}

#[test]
fn another_month_is_not_touched() {
    let mut desk = Desk::new().with_cash("10");
    desk.settle("s1", 1, vec![charge("c1", "2")]);
    let february = |settlement_id: &str, hours: i64, due: &str| {
        MoneyEvent::Settlement(SettlementDue {
            settlement_id: settlement_id.to_owned(),
            at: hour(hours),
            billing_period: "2026-02".to_owned(),
            effective_at: hour(hours),
            charges: vec![charge("f1", due)],
        })
    };
    desk.apply(&february("f1", 800, "1"));
    desk.settle("s2", 2, vec![charge("c2", "8")]); // one short: outstanding of January
    assert_eq!(desk.standing(), ["0", "0", "0", "1"]);

    // February's difference does not cancel January's debt; what reaches the balance then repays it.
    let effects = desk.apply(&february("f1b", 800, "-0.4"));
    assert_eq!(lines(&effects), ["f1b refund balance -0.4", "s2 repayment balance:f1b 0.4"]);
    assert_eq!(effects.totals.unwrap().outstanding, Money::ZERO);
}

#[test]
fn an_expired_voucher_forfeits_its_part() {
    let mut desk = Desk::new().with_vouchers([VoucherRow { valid_to: hour(10), ..voucher("v", "5") }]);
    desk.settle("s1", 1, vec![charge("c1", "5")]);
    // One second of life is enough.
    let effects = desk.settle_late("s1b", 1, 9, vec![charge("c1", "-1")]);
    assert_eq!(lines(&effects), ["s1b refund voucher:v -1"]);
    let effects = desk.settle_late("s1c", 1, 10, vec![charge("c1", "-4")]);
    assert_eq!(lines(&effects), ["s1c forfeit voucher:v -4"]);
    assert_eq!(effects.totals.unwrap().voucher, money("-4"));
    assert_eq!((desk.money.vouchers[0].used, desk.money.vouchers[0].returned), (money("5"), money("1")));
    assert_eq!(desk.standing(), ["0", "0", "0", "0"]); // never paid in cash
}

#[test]
fn collected_outside_goes_back_outside() {
    let mut desk = Desk::new().with_cash("4").with_method(PaymentMethod::External);
    desk.settle("s1", 1, vec![charge("c1", "10")]);
    let effects = desk.settle("s1b", 1, vec![charge("c1", "-7")]);
    assert_eq!(lines(&effects), ["s1b refund external -6", "s1b refund balance -1"]);
    assert_eq!(desk.ledger["assets:cash"], money("4")); // the top-up
}

/// What was on credit and repaid since goes back to the money that repaid it: granted money does not become cash.
#[test]
fn repaid_credit_goes_back_to_what_repaid_it() {
    for (kind, source, standing) in
        [(FundsKind::TopUp, "balance", ["7", "0", "0", "0"]), (FundsKind::Grant, "grant", ["0", "7", "0", "0"])]
    {
        let mut desk = Desk::new().with_credit("10");
        desk.settle("s1", 1, vec![charge("c1", "8")]);
        desk.funds("e", kind, "8", 2);
        let effects = desk.settle("s1b", 1, vec![charge("c1", "-7")]);
        assert_eq!(lines(&effects), [format!("s1b refund {source} -7")]);
        assert_eq!(desk.standing(), standing);
    }
}

/// The lines that repaid credit name a funds entry, so a caller that loads a month's settlements may not have them.
#[test]
fn credit_that_was_repaid_out_of_sight_goes_back_as_cash() {
    let mut desk = Desk::new().with_credit("10");
    desk.settle("s1", 1, vec![charge("c1", "8")]);
    desk.funds("e", FundsKind::TopUp, "5", 2);
    desk.money.paid.retain(|line| line.paid_for != "e");

    let charges = vec![charge("c1", "-6")];
    let due = SettlementDue {
        settlement_id: "s1b".to_owned(),
        at: hour(1),
        billing_period: "2026-01".to_owned(),
        effective_at: hour(3),
        charges,
    };
    let effects = apply(&mut desk.money, &MoneyEvent::Settlement(due), desk.terms, &desk.profile);
    // 3 are still on credit, 5 became cash
    assert_eq!(lines(&effects), ["s1b refund credit -3", "s1b refund balance -3"]);
    assert_eq!(desk.money.wallet.credit_used, Money::ZERO);
}

/// A repayment is a payment of its settlement like any other.
#[test]
fn what_was_repaid_later_goes_back_too() {
    let mut desk = Desk::new();
    desk.settle("s1", 1, vec![charge("c1", "8")]);
    desk.funds("e", FundsKind::Grant, "8", 5);
    desk.funds("f", FundsKind::TopUp, "3", 6);
    desk.settle("s7", 7, vec![charge("c7", "3")]);
    // s1 was repaid after its hour but is its own window's: it comes before s7, which is newer.
    assert_eq!(lines(&desk.settle("s1b", 1, vec![charge("c1", "-2")])), ["s1b refund grant -2"]);
    assert_eq!(desk.standing(), ["0", "2", "0", "0"]);
}

/// A chargeback's debt is of no period, and what repaid it is no payment for use.
#[test]
fn a_chargeback_is_not_undone_by_a_difference() {
    let mut desk = Desk::new().with_cash("2");
    desk.settle("s1", 1, vec![charge("c1", "2")]);
    desk.funds("back", FundsKind::Chargeback, "2", 1);
    let effects = desk.settle("s1b", 1, vec![charge("c1", "-1")]);
    assert_eq!(lines(&effects), ["s1b refund balance -1", "back repayment balance:s1b 1"]);
    assert_eq!(desk.standing(), ["0", "0", "0", "1"]);
}

/// Should not happen often: what was written off becomes cheaper afterwards.
#[test]
fn what_nobody_paid_goes_back_as_cash() {
    let mut desk = Desk::new();
    desk.settle("s1", 1, vec![charge("c1", "5")]);
    desk.funds("e", FundsKind::WriteOff, "5", 2);
    assert_eq!(lines(&desk.settle("s1b", 1, vec![charge("c1", "-5")])), ["s1b refund balance -5"]);
    assert_eq!(desk.standing(), ["5", "0", "0", "0"]);
}

/// Found by the laws: cash and granted money that come back together take one line off credit.
#[test]
fn what_comes_back_repays_credit_in_one_line() {
    let mut desk = Desk::new().with_cash("2").with_granted("3").with_credit("10");
    desk.settle("s1", 1, vec![charge("c1", "5")]);
    desk.settle("s2", 2, vec![charge("c2", "9")]);
    let expected = [
        "s1b refund grant -3",
        "s1b refund balance -1",
        "s1b repayment credit:s1b -4",
        "s1b repayment balance:s1b 1",
        "s1b repayment grant:s1b 3",
    ];
    assert_eq!(lines(&desk.settle("s1b", 1, vec![charge("c1", "-4")])), expected);
    assert_eq!(desk.standing(), ["0", "0", "5", "0"]);
}

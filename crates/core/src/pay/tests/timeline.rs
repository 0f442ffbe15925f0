//! Settlements that take, and money that comes and goes.

use super::*;
use crate::profile::{ArrearsThreshold, FundOrder};

fn kind(kind: VoucherKind, row: VoucherRow) -> VoucherRow {
    VoucherRow { kind, ..row }
}

#[test]
fn every_source_pays_in_its_turn() {
    let vouchers = [
        kind(VoucherKind::StoredValue, voucher("card-2", "4")),
        kind(VoucherKind::StoredValue, VoucherRow { valid_to: hour(48), ..voucher("card-1", "3") }),
        kind(VoucherKind::FlexiCoupon, voucher("flexi", "2")),
        voucher("general", "1"),
        VoucherRow { products: vec!["ecs".to_owned()], ..voucher("scoped", "0.5") },
        kind(VoucherKind::Discount, voucher("discount", "1000")), // is no payment
    ];
    let mut desk = Desk::new().with_vouchers(vouchers).with_cash("5").with_granted("6").with_credit("7");
    let effects = desk.settle("s1", 1, vec![charge("c1", "30")]);

    let expected = [
        "s1 payment voucher:scoped 0.5",
        "s1 payment voucher:general 1",
        "s1 payment flexi_coupon:flexi 2",
        "s1 payment stored_value:card-1 3", // earliest expiry
        "s1 payment stored_value:card-2 4",
        "s1 payment balance 5",
        "s1 payment grant 6",
        "s1 payment credit 7",
    ];
    assert_eq!(lines(&effects), expected);
    let totals = SettlementTotals {
        due: money("30"),
        voucher: money("10.5"),
        balance: money("5"),
        granted: money("6"),
        credit: money("7"),
        external: Money::ZERO,
        outstanding: money("1.5"),
    };
    assert_eq!(effects.totals, Some(totals));
    assert_eq!(effects.outstanding, [("s1".to_owned(), hour(1), money("1.5"))]);
    assert_eq!(desk.standing(), ["0", "0", "7", "1.5"]);
    assert_eq!(desk.ledger["income:ecs:pay_per_use"], money("-30"));
    assert_eq!(desk.ledger["contra:vouchers"], money("16.5")); // vouchers, and the granted money when it came
}

#[test]
fn a_settlement_pays_according_to_the_method() {
    let cases: &[(PaymentMethod, &[&str], [&str; 4])] = &[
        // method | lines | cash, granted, credit, outstanding
        (PaymentMethod::Balance, &["s1 payment balance 5", "s1 payment credit 3"], ["0", "0", "3", "2"]),
        (PaymentMethod::External, &["s1 payment balance 5", "s1 payment external 5"], ["0", "0", "0", "0"]),
        (PaymentMethod::Invoice, &[], ["5", "0", "0", "10"]),
    ];
    for (method, expected, standing) in cases {
        let mut desk = Desk::new().with_cash("5").with_credit("3").with_method(*method);
        let effects = desk.settle("s1", 1, vec![charge("c1", "10")]);
        assert_eq!(lines(&effects), *expected, "{method:?}");
        assert_eq!(desk.standing(), *standing, "{method:?}");
        // An invoice is not overdue yet.
        let is_in_arrears = desk.money.wallet.in_arrears_since.is_some();
        assert_eq!(is_in_arrears, *method == PaymentMethod::Balance, "{method:?}");
    }
}

#[test]
fn granted_money_may_go_first() {
    let mut desk = Desk::new().with_cash("5").with_granted("6");
    desk.profile.fund_order = FundOrder::GrantedFirst;
    assert_eq!(lines(&desk.settle("s1", 1, vec![charge("c1", "7")])), ["s1 payment grant 6", "s1 payment balance 1"]);
    // and is then the last to get something back
    assert_eq!(lines(&desk.settle("s2", 1, vec![charge("c1", "-2")])), ["s2 refund balance -1", "s2 refund grant -1"]);
}

#[test]
fn a_credit_limit_below_what_is_in_use_leaves_nothing_to_use() {
    let mut desk = Desk::new().with_credit("10");
    desk.settle("s1", 1, vec![charge("c1", "8")]);
    let mut desk = desk.with_credit("5");
    assert_eq!(lines(&desk.settle("s2", 2, vec![charge("c2", "1")])), Vec::<String>::new());
    assert_eq!(desk.standing(), ["0", "0", "8", "1"]);
}

#[test]
fn a_voucher_pays_only_what_it_is_for() {
    let general = || voucher("v", "100");
    let text = |word: &str| vec![word.to_owned()];
    let cases = [
        ("for everything", general(), true),
        ("its product", VoucherRow { products: text("ecs"), ..general() }, true),
        ("another product", VoucherRow { products: text("obs"), ..general() }, false),
        ("its sku", VoucherRow { skus: text("ecs.small"), ..general() }, true),
        ("another sku", VoucherRow { skus: text("ecs.large"), ..general() }, false),
        ("its mode", VoucherRow { modes: vec![BillingMode::PayPerUse], ..general() }, true),
        ("another mode", VoucherRow { modes: vec![BillingMode::Subscription], ..general() }, false),
        ("its region", VoucherRow { regions: text("cn-north"), ..general() }, true),
        ("another region", VoucherRow { regions: text("cn-south"), ..general() }, false),
        ("for renewals: use is no order", VoucherRow { order_kinds: text("renew"), ..general() }, false),
        ("begins with the window", VoucherRow { valid_from: hour(0), ..general() }, true),
        ("begins a second later", VoucherRow { valid_from: hour(0).plus_seconds(1), ..general() }, false),
        ("ends a second into the window", VoucherRow { valid_to: hour(0).plus_seconds(1), ..general() }, true),
        ("ends with the window's start", VoucherRow { valid_from: hour(-9), valid_to: hour(0), ..general() }, false),
        ("a minimum just reached", VoucherRow { min_amount: money("10"), ..general() }, true),
        ("a minimum just missed", VoucherRow { min_amount: money("10.00000001"), ..general() }, false),
        ("another currency", VoucherRow { currency: "USD".to_owned(), ..general() }, false),
    ];
    for (why, row, pays) in cases {
        let mut desk = Desk::new().with_cash("10").with_vouchers([row]);
        let effects = desk.settle("s1", 1, vec![charge("c1", "4"), charge("c2", "6")]);
        let expected = if pays { "s1 payment voucher:v 10" } else { "s1 payment balance 10" };
        assert_eq!(lines(&effects), [expected], "{why}");
    }
}

/// The minimum is the sum *in its scope* of the whole settlement, before other vouchers pay.
#[test]
fn a_minimum_amount_looks_at_the_scope() {
    let obs =
        |charge_id: &str, due: &str| ChargeDue { product: "obs".to_owned(), sku: "obs.std".to_owned(), ..charge(charge_id, due) };
    let row = |min_amount: &str| VoucherRow {
        products: vec!["ecs".to_owned()],
        min_amount: money(min_amount),
        valid_to: hour(99),
        ..voucher("min", "2")
    };
    for (min_amount, pays) in [("5", true), ("5.01", false)] {
        let first = VoucherRow { products: vec!["ecs".to_owned()], valid_to: hour(50), ..voucher("first", "1") };
        let mut desk = Desk::new().with_cash("100").with_vouchers([row(min_amount), first]);
        let effects = desk.settle("s1", 1, vec![charge("c1", "2"), charge("c2", "3"), obs("c3", "50")]);
        assert_eq!(lines(&effects).contains(&"s1 payment voucher:min 2".to_owned()), pays, "{min_amount}");
    }
}

/// Earliest expiry puts the voucher without scope first here; it leaves the charge that the scoped one waits for.
#[test]
fn a_voucher_without_scope_leaves_room_for_scoped_ones() {
    let scoped = VoucherRow { skus: vec!["ecs.small".to_owned()], ..voucher("scoped", "5") };
    let general = VoucherRow { valid_to: hour(48), ..voucher("general", "5") };
    let other = ChargeDue { sku: "ecs.large".to_owned(), ..charge("c2", "5") };
    let mut desk = Desk::new().with_vouchers([scoped, general]).with_order(VoucherOrder::ExpiryThenAvailable);
    let effects = desk.settle("s1", 1, vec![charge("c1", "5"), other]);
    assert_eq!(lines(&effects), ["s1 payment voucher:general 5", "s1 payment voucher:scoped 5"]);
    assert_eq!(desk.standing(), ["0", "0", "0", "0"]);
}

#[test]
fn what_remains_of_a_voucher_is_used_later() {
    let mut desk = Desk::new().with_cash("10").with_vouchers([voucher("v", "5")]);
    assert_eq!(lines(&desk.settle("s1", 1, vec![charge("c1", "3")])), ["s1 payment voucher:v 3"]);
    let effects = desk.settle("s2", 2, vec![charge("c2", "3")]);
    assert_eq!(lines(&effects), ["s2 payment voucher:v 2", "s2 payment balance 1"]);
    assert_eq!(effects.vouchers, [("v".to_owned(), money("5"), Money::ZERO)]);
}

#[test]
fn nothing_due_makes_no_line() {
    let mut desk = Desk::new().with_cash("10").with_vouchers([voucher("v", "5")]);
    for (settlement_id, charges) in
        [("s1", vec![]), ("s2", vec![charge("c", "0")]), ("s3", vec![charge("c", "2"), charge("d", "-2")])]
    {
        let effects = desk.settle(settlement_id, 1, charges);
        assert_eq!(lines(&effects), Vec::<String>::new());
        assert_eq!((effects.legs.len(), effects.outstanding.len(), effects.vouchers.len()), (0, 0, 0));
        assert_eq!(effects.totals, Some(SettlementTotals::default()));
    }
    assert_eq!(desk.standing(), ["10", "0", "0", "0"]);
}

/// What is owed goes down before anything pays: the same sku first, so that a voucher for it does not pay too much.
#[test]
fn differences_are_set_against_charges_before_paying() {
    let large = |charge_id: &str, due: &str| ChargeDue { sku: "ecs.large".to_owned(), ..charge(charge_id, due) };
    let only_large = VoucherRow { skus: vec!["ecs.large".to_owned()], ..voucher("large", "100") };
    let mut desk = Desk::new().with_cash("100").with_vouchers([only_large]);
    let effects = desk.settle("s1", 1, vec![charge("c1", "10"), large("c2", "6"), large("c3", "-4"), charge("c4", "-9")]);
    assert_eq!(lines(&effects), ["s1 payment voucher:large 2", "s1 payment balance 1"]);
}

#[test]
fn money_in_repays_at_once() {
    let cases: &[(FundsKind, &str, &[&str], [&str; 4])] = &[
        // oldest first; a part of it
        (FundsKind::TopUp, "2", &["s1 repayment balance:e 2"], ["0", "0", "4", "5"]),
        (FundsKind::TopUp, "3", &["s1 repayment balance:e 3"], ["0", "0", "4", "4"]),
        (FundsKind::TopUp, "6", &["s1 repayment balance:e 3", "s2 repayment balance:e 3"], ["0", "0", "4", "1"]),
        // then used credit, whose lines change source; the rest is cash
        (
            FundsKind::TopUp,
            "20",
            &["s1 repayment balance:e 3", "s2 repayment balance:e 4", "e repayment credit:e -4", "e repayment balance:e 4"],
            ["9", "0", "0", "0"],
        ),
        (
            FundsKind::Grant,
            "8",
            &["s1 repayment grant:e 3", "s2 repayment grant:e 4", "e repayment credit:e -1", "e repayment grant:e 1"],
            ["0", "0", "3", "0"],
        ),
        (FundsKind::Adjustment, "1", &["s1 repayment balance:e 1"], ["0", "0", "4", "6"]),
        (FundsKind::TopUp, "0", &[], ["0", "0", "4", "7"]),
    ];
    for (kind, amount, expected, standing) in cases {
        let mut desk = Desk::new().with_credit("4");
        desk.settle("s1", 1, vec![charge("c1", "7")]);
        desk.settle("s2", 2, vec![charge("c2", "4")]);
        let effects = desk.funds("e", *kind, amount, 3);
        assert_eq!(lines(&effects), *expected, "{kind:?} {amount}");
        assert_eq!(desk.standing(), *standing, "{kind:?} {amount}");
        assert_eq!(effects.funds, Some(FundsOutcome::Done));
    }
}

#[test]
fn an_entry_that_cannot_be_carried_out_is_refused_whole() {
    let cases = [
        (FundsKind::Withdrawal, "5", None),
        (FundsKind::Withdrawal, "5.01", Some("the withdrawal of `5.01` passes the cash of `5` by `0.01`")),
        (FundsKind::Adjustment, "-5", None),
        (FundsKind::Adjustment, "-6", Some("the adjustment downwards of `6` passes the cash of `5` by `1`")),
        (FundsKind::WriteOff, "1", Some("the write-off of `1` passes the outstanding amount of `0` by `1`")),
        (FundsKind::TopUp, "-1", Some("the amount `-1` is below 0, which only an adjustment may be")),
    ];
    for (kind, amount, refusal) in cases {
        // Granted money is never withdrawn.
        let mut desk = Desk::new().with_cash("5").with_granted("100");
        let before = desk.money.clone();
        let effects = desk.funds("e", kind, amount, 1);
        let expected = refusal.map_or(FundsOutcome::Done, |text| FundsOutcome::Refused(text.to_owned()));
        assert_eq!(effects.funds, Some(expected), "{kind:?} {amount}");
        if refusal.is_some() {
            assert_eq!((&desk.money, effects.legs.len()), (&before, 0), "{kind:?} {amount}");
        } else {
            assert_eq!(desk.standing(), ["0", "100", "0", "0"], "{kind:?} {amount}");
        }
    }

    let MoneyEvent::Funds(row) = funds("e", FundsKind::TopUp, "5", hour(1)) else { unreachable!() };
    let effects = Desk::new().apply(&MoneyEvent::Funds(FundsRow { currency: "USD".to_owned(), ..row }));
    assert_eq!(effects.funds.unwrap(), FundsOutcome::Refused("the entry is in `USD`, the account in `CNY`".to_owned()));
}

#[test]
fn a_write_off_gives_up_the_oldest_first() {
    let mut desk = Desk::new();
    desk.settle("s1", 1, vec![charge("c1", "3")]);
    desk.settle("s2", 2, vec![charge("c2", "4")]);
    let effects = desk.funds("e", FundsKind::WriteOff, "5", 3);
    assert_eq!(lines(&effects), Vec::<String>::new());
    assert_eq!(effects.outstanding, [("s1".to_owned(), hour(1), Money::ZERO), ("s2".to_owned(), hour(2), money("2"))]);
    assert_eq!(desk.ledger["expense:write_off"], money("5"));
}

#[test]
fn a_chargeback_takes_cash_and_leaves_the_rest_outstanding() {
    let mut desk = Desk::new().with_cash("3").with_granted("9");
    let effects = desk.funds("back", FundsKind::Chargeback, "10", 5);
    assert_eq!(effects.outstanding, [("back".to_owned(), hour(5), money("7"))]);
    assert_eq!(desk.standing(), ["0", "9", "0", "7"]);
    assert_eq!(desk.money.wallet.in_arrears_since, Some(hour(5)));
    assert_eq!(desk.ledger["assets:cash"], money("-7"));

    // The next money repays it, under the entry's own name.
    assert_eq!(lines(&desk.funds("e", FundsKind::TopUp, "8", 6)), ["back repayment balance:e 7"]);
    assert_eq!(desk.standing(), ["1", "9", "0", "0"]);
}

#[test]
fn arrears_begin_with_what_is_not_covered_and_end_when_it_is_paid() {
    let mut desk = Desk::new().with_cash("1");
    let since = |desk: &Desk| desk.money.wallet.in_arrears_since;
    desk.settle("s1", 1, vec![charge("c1", "1.009")]);
    assert_eq!(since(&desk), None); // 0.009 is below a minor unit
    desk.settle("s2", 2, vec![charge("c2", "0.001")]);
    assert_eq!(since(&desk), Some(hour(2))); // exactly one minor unit
    desk.settle("s3", 3, vec![charge("c3", "5")]);
    assert_eq!(since(&desk), Some(hour(2))); // does not move
    desk.funds("e1", FundsKind::TopUp, "5", 4);
    assert_eq!(since(&desk), Some(hour(2))); // 0.01 is left
    desk.funds("e2", FundsKind::TopUp, "0.005", 5);
    assert_eq!(since(&desk), None);

    desk.profile.arrears_threshold = ArrearsThreshold::Amount(money("3"));
    desk.settle("s6", 6, vec![charge("c6", "2.99")]);
    assert_eq!(since(&desk), None);
    desk.settle("s7", 7, vec![charge("c7", "0.01")]);
    assert_eq!(since(&desk), Some(hour(7)));
}

/// Neither paying a part of an invoice nor a chargeback that cash covers makes the rest of it overdue.
#[test]
fn an_invoice_is_not_overdue_because_money_moves() {
    let mut desk = Desk::new().with_method(PaymentMethod::Invoice);
    desk.settle("s1", 1, vec![charge("c1", "10")]);
    desk.funds("e1", FundsKind::TopUp, "4", 2);
    assert_eq!((desk.standing(), desk.money.wallet.in_arrears_since), (["0", "0", "0", "6"].map(String::from), None));
    desk.funds("e2", FundsKind::TopUp, "8", 3);
    desk.settle("s4", 4, vec![charge("c4", "10")]);
    desk.funds("back", FundsKind::Chargeback, "2", 5);
    assert_eq!((desk.standing(), desk.money.wallet.in_arrears_since), (["0", "0", "0", "10"].map(String::from), None));
    desk.funds("again", FundsKind::Chargeback, "1", 6);
    assert_eq!(desk.money.wallet.in_arrears_since, Some(hour(6)));
}

/// Late settlements take their place by instant among what is open, so that the oldest is repaid first.
#[test]
fn late_settlements_are_open_in_their_place() {
    let mut desk = Desk::new();
    desk.settle("s5", 5, vec![charge("c5", "1")]);
    desk.settle("s2", 2, vec![charge("c2", "1")]);
    let open: Vec<_> = desk.money.open.iter().map(|open| open.settlement_id.as_str()).collect();
    assert_eq!(open, ["s2", "s5"]);
}

#[test]
fn the_rounding_of_a_bill_is_income_of_its_own() {
    let mut desk = Desk::new().with_cash("1");
    desk.settle("s1", 1, vec![ChargeDue { product: "rounding".to_owned(), ..charge("c1", "0.004") }]);
    assert_eq!(desk.ledger["income:rounding"], money("-0.004"));
}

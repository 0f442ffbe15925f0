//! What pays an order: all of it from its sources, or nothing.

use super::*;
use crate::profile::{FundOrder, RenewalSource, VouchersPerOrder};

fn ksyun(desk: Desk) -> Desk {
    Desk { profile: Profile::builtin("ksyun").unwrap(), ..desk }
}

fn of_kind(kind: VoucherKind, voucher_id: &str, amount: &str) -> VoucherRow {
    VoucherRow { kind, ..voucher(voucher_id, amount) }
}

#[test]
fn sources_pay_in_their_turn() {
    let vouchers = || {
        [
            of_kind(VoucherKind::StoredValue, "card", "4"),
            of_kind(VoucherKind::FlexiCoupon, "flexi", "3"),
            voucher("v", "2"),
            VoucherRow { amount: Money::ZERO, kind: VoucherKind::Discount, ..voucher("off", "0") },
        ]
    };
    let granted_first = |mut desk: Desk| {
        desk.profile.fund_order = FundOrder::GrantedFirst;
        desk
    };
    let desk = || Desk::new().with_vouchers(vouchers()).with_cash("5").with_granted("6").with_credit("7");
    let upto_card = ["o payment voucher:v 2", "o payment flexi_coupon:flexi 3", "o payment stored_value:card 4"];
    let cases: &[(Desk, &str, &[&str])] = &[
        // account | due | after the vouchers
        (desk(), "9", &[]),
        (desk(), "9.01", &["o payment balance 0.01"]),
        (desk(), "14", &["o payment balance 5"]),
        (desk(), "14.01", &["o payment balance 5", "o payment grant 0.01"]),
        (desk(), "27", &["o payment balance 5", "o payment grant 6", "o payment credit 7"]),
        (granted_first(desk()), "16", &["o payment grant 6", "o payment balance 1"]),
        (
            desk().with_method(PaymentMethod::External),
            "27",
            &["o payment balance 5", "o payment grant 6", "o payment external 7"],
        ),
    ];
    for (desk, due, expected) in cases {
        let mut desk = desk.clone();
        let paid = desk.order("o", 1, vec![bought("a", due)]).unwrap();
        assert_eq!(lines(&paid.effects), [&upto_card, *expected].concat(), "{due}");
        assert_eq!(paid.effects.payments.iter().map(|line| line.seq).max(), Some(3 + u32::try_from(expected.len()).unwrap()));
        assert_eq!(desk.ledger["liabilities:deferred:ecs"], -money(due));
    }
}

#[test]
fn an_order_that_falls_short_says_by_how_much() {
    // in KSyun's order credit pays no renewal
    let cases = [
        (OrderKind::Purchase, "30", "ok"),
        (OrderKind::Purchase, "30.01", "`30.01` is due, what may pay it has `30`: `0.01` is missing"),
        (OrderKind::Renew, "23", "ok"),
        (OrderKind::Renew, "23.01", "`23.01` is due, what may pay it has `23`: `0.01` is missing"),
        (OrderKind::Renew, "30", "`30` is due, what may pay it has `23`: `7` is missing"),
    ];
    for (kind, due, expected) in cases {
        let mut desk = ksyun(Desk::new().with_vouchers([voucher("v", "12")]).with_cash("5").with_granted("6").with_credit("7"));
        let due = desk.order_due("o", 1, kind, vec![bought("a", due)]);
        let said = desk.pay(&due).map_or_else(|short| short.to_string(), |_| "ok".to_owned());
        assert_eq!(said, expected, "{kind:?}");
    }
    let mut desk = Desk::new();
    assert_eq!(desk.order("o", 1, vec![bought("a", "1")]), Err(Short { due: money("1"), available: Money::ZERO }));
}

#[test]
fn credit_in_use_is_not_free() {
    // limit | in use | due | enough
    for (limit, due, is_enough) in [("10", "6", true), ("10", "6.01", false), ("3", "0.01", false), ("4", "0.01", false)] {
        let mut desk = Desk::new().with_credit("4");
        desk.settle("s", 1, vec![charge("c", "4")]);
        let mut desk = desk.with_credit(limit);
        assert_eq!(desk.order("o", 2, vec![bought("a", due)]).is_ok(), is_enough, "{limit} {due}");
    }
}

#[test]
fn what_costs_nothing_is_paid_by_nothing() {
    let mut desk = Desk::new().with_vouchers([voucher("v", "12")]);
    let paid = desk.order("o", 1, vec![bought("a", "0")]).unwrap();
    assert_eq!(lines(&paid.effects), Vec::<String>::new());
    assert_eq!((parts(&paid), paid.effects.legs), (vec!["a: ".to_owned()], vec![]));
}

#[test]
fn sources_are_those_of_the_profile_and_in_its_order() {
    use RenewalSource::{Balance, Credit, Voucher};
    let huawei = Profile::builtin("huawei-intl").unwrap();
    let ksyun = Profile::builtin("ksyun").unwrap();
    assert_eq!(sources(OrderKind::Renew, &huawei), [Voucher, Balance, Credit]);
    assert_eq!(sources(OrderKind::Renew, &ksyun), [Voucher, Balance]);
    assert_eq!(sources(OrderKind::Purchase, &ksyun), [Voucher, Balance, Credit]);

    // One that is named twice pays once: no second voucher, no second credit limit.
    let mut desk = Desk::new().with_vouchers([voucher("v", "2"), voucher("w", "3")]).with_cash("1").with_credit("4");
    let due = desk.order_due("o", 1, OrderKind::Renew, vec![bought("a", "8")]);
    let twice = OrderDue { sources: vec![Balance, Voucher, Credit, Voucher, Credit], ..due.clone() };
    assert_eq!(lines(&desk.pay(&twice).unwrap().effects), ["o payment balance 1", "o payment voucher:w 3", "o payment credit 4"]);
}

#[test]
fn a_voucher_pays_within_its_scope_and_life() {
    let scoped = |change: &dyn Fn(&mut VoucherRow)| {
        let mut row = voucher("v", "100");
        change(&mut row);
        row
    };
    let words = |word: &str| vec![word.to_owned()];
    let cases: &[(VoucherRow, bool)] = &[
        (scoped(&|_| {}), true),
        (scoped(&|row| row.valid_from = hour(10)), true),
        (scoped(&|row| row.valid_from = hour(10).plus_seconds(1)), false), // the order's instant counts, not the service's
        (scoped(&|row| row.valid_to = hour(10)), false),
        (scoped(&|row| row.valid_to = hour(10).plus_seconds(1)), true),
        (scoped(&|row| row.products = words("ecs")), true),
        (scoped(&|row| row.products = words("evs")), false),
        (scoped(&|row| row.skus = words("ecs.large")), false),
        (scoped(&|row| row.modes = vec![BillingMode::Subscription]), true),
        (scoped(&|row| row.modes = vec![BillingMode::PayPerUse]), false),
        (scoped(&|row| row.regions = words("cn-north")), true),
        (scoped(&|row| row.regions = words("cn-east")), false),
        (scoped(&|row| row.order_kinds = words("purchase")), true),
        (scoped(&|row| row.order_kinds = words("renew")), false),
        (scoped(&|row| row.min_amount = money("10")), true),
        (scoped(&|row| row.min_amount = money("10.01")), false),
        (scoped(&|row| row.currency = "USD".to_owned()), false),
    ];
    for (row, pays) in cases {
        for profile in ["huawei-intl", "ksyun"] {
            let mut desk = Desk::new().with_vouchers([row.clone()]).with_cash("10");
            desk.profile = Profile::builtin(profile).unwrap();
            let charge = ChargeDue { window_start: hour(0), ..bought("a", "10") };
            let paid = desk.order("o", 10, vec![charge]).unwrap();
            assert_eq!(lines(&paid.effects)[0].contains("voucher"), *pays, "{row:?}");
        }
    }
}

/// Huawei counts vouchers, and not what is nearly money; KSyun takes as many as it needs.
#[test]
fn how_many_vouchers_an_order_takes() {
    let rows = || {
        [
            voucher("small", "2"),
            VoucherRow { valid_to: hour(9), ..voucher("early", "3") },
            voucher("large", "5"),
            of_kind(VoucherKind::FlexiCoupon, "f1", "1"),
            of_kind(VoucherKind::FlexiCoupon, "f2", "2"),
            of_kind(VoucherKind::StoredValue, "card", "1"),
        ]
    };
    let two = |mut desk: Desk| {
        desk.profile.vouchers_per_order = VouchersPerOrder::AtMost(2);
        desk
    };
    let money_like = ["flexi_coupon:f2 2", "flexi_coupon:f1 1", "stored_value:card 1"];
    let cases: &[(Desk, &[&str])] = &[
        (Desk::new(), &["voucher:large 5"]),
        (two(Desk::new()), &["voucher:large 5", "voucher:early 3"]),
        (ksyun(Desk::new()), &["voucher:early 3", "voucher:large 5", "voucher:small 2"]),
    ];
    for (desk, expected) in cases {
        let mut desk = desk.clone().with_vouchers(rows()).with_cash("100");
        let paid = desk.order("o", 1, vec![bought("a", "50")]).unwrap();
        let seen: Vec<_> = lines(&paid.effects).iter().map(|line| line.replace("o payment ", "")).collect();
        assert_eq!(seen[..seen.len() - 1], [*expected, &money_like].concat());
    }
}

/// A bundle is one payment; each charge knows what paid it.
#[test]
fn the_charges_of_a_bundle_are_paid_alike() {
    let mut desk = Desk::new().with_vouchers([voucher("v", "10")]).with_cash("100");
    let paid = desk.order("o", 1, vec![bought("a", "10"), bought("b", "10"), bought("c", "10")]).unwrap();
    assert_eq!(lines(&paid.effects), ["o payment voucher:v 10", "o payment balance 20"]);
    // the last takes the cent
    let expected = ["a: voucher:v 3.33, balance 6.67", "b: voucher:v 3.33, balance 6.67", "c: voucher:v 3.34, balance 6.66"];
    assert_eq!(parts(&paid), expected);
}

#[test]
fn a_scoped_voucher_reaches_only_its_charges() {
    let other = |charge_id: &str, due: &str| ChargeDue { product: "evs".to_owned(), ..bought(charge_id, due) };
    let for_ecs = |amount: &str, min: &str| VoucherRow {
        products: vec!["ecs".to_owned()],
        min_amount: money(min),
        ..voucher("ecs", amount)
    };
    let cases: &[(VoucherRow, [&str; 2])] = &[
        (for_ecs("50", "0"), ["a: voucher:ecs 10", "b: balance 30"]),
        (for_ecs("4", "10"), ["a: voucher:ecs 4, balance 6", "b: balance 30"]),
        (for_ecs("4", "10.01"), ["a: balance 10", "b: balance 30"]), // the sum in its scope, not of the order
    ];
    for (row, expected) in cases {
        let mut desk = Desk::new().with_vouchers([row.clone()]).with_cash("100");
        assert_eq!(parts(&desk.order("o", 1, vec![bought("a", "10"), other("b", "30")]).unwrap()), *expected);
    }

    // One for everything that comes first leaves to the scoped one what only that can pay.
    let everything = VoucherRow { valid_to: hour(9), ..voucher("all", "30") };
    let mut desk = ksyun(Desk::new().with_vouchers([everything.clone(), for_ecs("10", "0")]));
    let paid = desk.order("o", 1, vec![bought("a", "10"), other("b", "30")]).unwrap();
    assert_eq!(parts(&paid), ["a: voucher:ecs 10", "b: voucher:all 30"]);
    // Where only one voucher pays, none is waiting.
    let mut desk = Desk::new().with_vouchers([everything, for_ecs("10", "0")]).with_cash("10");
    let paid = desk.order("o", 1, vec![bought("a", "10"), other("b", "30")]).unwrap();
    assert_eq!(parts(&paid), ["a: voucher:all 7.5, balance 2.5", "b: voucher:all 22.5, balance 7.5"]);
}

#[test]
fn a_one_time_purchase_is_income_at_once() {
    let mut desk = Desk::new().with_cash("100");
    let certificate = ChargeDue { product: "ccm".to_owned(), billing_mode: BillingMode::OneTime, ..bought("a", "60") };
    desk.order("o", 1, vec![certificate, bought("b", "40")]).unwrap();
    assert_eq!(desk.ledger["income:ccm:one_time"], money("-60"));
    assert_eq!(desk.ledger["liabilities:deferred:ecs"], money("-40"));
    assert_eq!(desk.ledger["liabilities:wallet:acme"], Money::ZERO);
}

/// Nothing pays now, not even a voucher; money in repays it like any other debt, and nobody is in arrears before its terms.
#[test]
fn an_invoiced_order_is_outstanding_under_its_id() {
    let mut desk = Desk::new().with_vouchers([voucher("v", "10")]).with_method(PaymentMethod::Invoice);
    let paid = desk.order("o", 1, vec![bought("a", "30"), bought("b", "70")]).unwrap();
    assert_eq!((lines(&paid.effects), parts(&paid)), (vec![], vec!["a: ".to_owned(), "b: ".to_owned()]));
    assert_eq!(paid.effects.outstanding, [("o".to_owned(), hour(1), money("100"))]);
    let open = OpenSettlement {
        settlement_id: "o".to_owned(),
        at: hour(1),
        billing_period: "2026-01".to_owned(),
        outstanding: money("100"),
        payment_lines: 0,
    };
    assert_eq!(desk.money.open, [open]);
    assert_eq!(desk.money.wallet.in_arrears_since, None);
    assert_eq!(lines(&desk.funds("e", FundsKind::TopUp, "40", 2)), ["o repayment balance:e 40"]);
    assert_eq!(desk.standing(), ["0", "0", "0", "60"]);
}

#[test]
#[should_panic(expected = "order `o`: a charge is below 0")]
fn an_order_takes_no_charge_below_nothing() {
    let _ = Desk::new().with_cash("9").order("o", 1, vec![bought("a", "2"), bought("b", "-1")]);
}

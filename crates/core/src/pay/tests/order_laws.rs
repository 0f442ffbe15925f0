//! Laws that hold for any order of any account. The seed is fixed, so that a failure is the same everywhere.

use super::laws::{cents, vouchers};
use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;

const SEED: [u8; 32] = *b"what is bought is paid or is not";
const CASES: u32 = 256;
const PROFILES: [&str; 3] = ["huawei-intl", "huawei-cn", "ksyun"];
/// When the order is placed; vouchers begin and end on both sides of it.
const PLACED: i64 = 50;

/// An account with money, some of it below a cent, and an order that it places.
#[derive(Debug, Clone)]
struct World {
    vouchers: Vec<VoucherRow>,
    /// Cash, granted money, the limit of credit, use by the hour before; at 1e-8.
    funds: [i64; 4],
    profile: &'static str,
    order: VoucherOrder,
    method: PaymentMethod,
    kind: OrderKind,
    /// (sku, due in minor units).
    charges: Vec<(u8, i64)>,
    /// Money that comes in after the order: (granted, at 1e-8).
    later: Vec<(bool, i64)>,
    /// Percentage of every part that comes back at first; the rest follows.
    first: i64,
}

fn worlds() -> impl Strategy<Value = World> {
    let orders = prop::sample::select(vec![
        VoucherOrder::ScopeThenExpiry,
        VoucherOrder::ExpiryThenAvailable,
        VoucherOrder::ExpiryThenDeductible,
    ]);
    let methods = prop::sample::select(vec![
        PaymentMethod::Balance,
        PaymentMethod::Balance,
        PaymentMethod::External,
        PaymentMethod::Invoice,
    ]);
    let kinds = prop::sample::select(vec![OrderKind::Purchase, OrderKind::Renew, OrderKind::Change, OrderKind::Align]);
    let money = || prop_oneof![Just(0_i64), 0_i64..3_000_000_000];
    let later = prop::collection::vec((any::<bool>(), 1_i64..1_500_000_000), 0..4);
    let charges = prop::collection::vec((0_u8..4, 0_i64..1_500), 1..5);
    let account = (vouchers(), [money(), money(), money(), money()], prop::sample::select(PROFILES.to_vec()));
    (account, orders, methods, kinds, charges, later, 0_i64..=100).prop_map(
        |((vouchers, funds, profile), order, method, kind, charges, later, first)| World {
            vouchers,
            funds,
            profile,
            order,
            method,
            kind,
            charges,
            later,
            first,
        },
    )
}

impl World {
    fn desk(&self) -> Desk {
        let [cash, granted, limit, used] = self.funds.map(|e8| short(Money::from_e8(e8)));
        let mut desk = Desk::new().with_vouchers(self.vouchers.clone()).with_credit(&limit);
        desk.profile = Profile { voucher_order: self.order, ..Profile::builtin(self.profile).unwrap() };
        for (entry_id, kind, amount) in [("cash", FundsKind::TopUp, cash), ("granted", FundsKind::Grant, granted)] {
            if amount != "0" {
                desk.funds(entry_id, kind, &amount, 0);
            }
        }
        desk.settle("use", 1, vec![charge("use", &used)]);
        desk.with_method(self.method)
    }

    fn due(&self, desk: &Desk) -> OrderDue {
        let charge = |(at, (sku, due)): (usize, &(u8, i64))| ChargeDue {
            product: format!("product-{}", sku % 2),
            sku: format!("sku-{sku}"),
            billing_mode: if *sku == 3 { BillingMode::OneTime } else { BillingMode::Subscription },
            due: cents(*due),
            ..bought(&format!("c{at}"), "0")
        };
        desk.order_due("o", PLACED, self.kind, self.charges.iter().enumerate().map(charge).collect())
    }

    /// Everything that the order's charges paid, charge by charge.
    fn given_back(&self, due: &OrderDue, paid: &OrderPaid) -> Vec<GivenBack> {
        let charges = due.charges.iter().zip(&paid.parts);
        let back = charges.map(|(charge, paid)| GivenBack {
            product: charge.product.clone(),
            billing_mode: charge.billing_mode,
            invoiced: if self.method == PaymentMethod::Invoice { charge.due } else { Money::ZERO },
            ..given("o", paid.parts.clone())
        });
        back.collect()
    }

    /// The same in two steps.
    fn in_two_steps(&self, whole: &[GivenBack]) -> [Vec<GivenBack>; 2] {
        let first = |amount: Money| Money::from_e8(amount.e8() / 100 * self.first);
        [true, false].map(|is_first| {
            let share = |amount: Money| if is_first { first(amount) } else { amount - first(amount) };
            let of_parts = |parts: &[PaidPart]| -> Vec<PaidPart> {
                let shares = parts.iter().map(|part| PaidPart { amount: share(part.amount), ..part.clone() });
                shares.filter(|part| part.amount.is_positive()).collect()
            };
            let of_charge =
                |given: &GivenBack| GivenBack { parts: of_parts(&given.parts), invoiced: share(given.invoiced), ..given.clone() };
            whole.iter().map(of_charge).collect()
        })
    }

    fn money_comes_in(&self, desk: &mut Desk) {
        for (at, (is_granted, e8)) in self.later.iter().enumerate() {
            let kind = if *is_granted { FundsKind::Grant } else { FundsKind::TopUp };
            desk.funds(&format!("later{at}"), kind, &short(Money::from_e8(*e8)), PLACED + 1);
        }
    }
}

/// Runs a law that says whether the case was one that it speaks of; enough of them must be.
fn run(law: impl Fn(&World) -> bool) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED));
    let spoken_of = Cell::new(0);
    let outcome = runner.run(&worlds(), |world| {
        spoken_of.set(spoken_of.get() + u32::from(law(&world)));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("seed {SEED:?}: {failure}"));
    assert!(spoken_of.get() > CASES / 20, "only {} of {CASES} cases", spoken_of.get());
}

fn sum(legs: &[crate::ledger::Leg]) -> Money {
    legs.iter().map(|leg| leg.amount).sum()
}

#[test]
fn legs_sum_to_zero() {
    run(|world| {
        let mut desk = world.desk();
        let due = world.due(&desk);
        let Ok(paid) = desk.pay(&due) else { return false };
        assert_eq!(sum(&paid.effects.legs), Money::ZERO);
        let effects = desk.give_back("u", PLACED + 1, world.given_back(&due, &paid));
        assert_eq!(sum(&effects.legs), Money::ZERO);
        !paid.effects.legs.is_empty()
    });
}

/// And what is missing is told to the last digit: with so much more cash the same order is paid, with less it is not.
#[test]
fn nothing_moves_when_it_falls_short() {
    run(|world| {
        let mut desk = world.desk();
        let due = world.due(&desk);
        let before = desk.money.clone();
        let Err(short) = desk.pay(&due) else { return false };
        assert_eq!(desk.money, before);
        assert_eq!(world.method, PaymentMethod::Balance, "the others are never short");
        assert!(short.available < short.due);

        let missing = short.due - short.available;
        let mut richer = desk.clone();
        richer.money.wallet.balance += missing - Money::from_e8(1);
        let attempt = |desk: &mut Desk| pay_order(&mut desk.money, &due, desk.terms, &desk.profile).is_ok();
        assert!(!attempt(&mut richer));
        richer.money.wallet.balance += Money::from_e8(1);
        assert!(attempt(&mut richer));
        true
    });
}

/// Wallet, limit and each voucher; and together they give what is due.
#[test]
fn no_source_gives_more_than_it_has() {
    run(|world| {
        let mut desk = world.desk();
        let due = world.due(&desk);
        let before = desk.money.clone();
        let Ok(paid) = desk.pay(&due) else { return false };
        let gave = |source: PaymentSource| -> Money {
            paid.effects.payments.iter().filter(|line| line.source == source).map(|line| line.amount).sum()
        };
        let wallet = &before.wallet;
        assert!(gave(PaymentSource::Balance) <= wallet.balance && gave(PaymentSource::Grant) <= wallet.granted);
        let on_credit = gave(PaymentSource::Credit);
        assert!(on_credit.is_zero() || wallet.credit_used + on_credit <= desk.terms.credit_limit);
        for voucher in &before.vouchers {
            let lines = paid.effects.payments.iter();
            let of_voucher = lines.filter(|line| line.source_id.as_ref() == Some(&voucher.row.voucher_id));
            let given: Money = of_voucher.map(|line| line.amount).sum();
            assert!(given <= voucher.remaining());
            assert!(given.is_zero() || voucher.row.validity().holds(due.at));
        }
        let total: Money = due.charges.iter().map(|charge| charge.due).sum();
        let lines: Money = paid.effects.payments.iter().map(|line| line.amount).sum();
        assert_eq!(lines, if world.method == PaymentMethod::Invoice { Money::ZERO } else { total });
        !lines.is_zero()
    });
}

/// And the charges' parts sum to the payment lines, source by source.
#[test]
fn paid_parts_sum_to_due_per_charge() {
    run(|world| {
        let mut desk = world.desk();
        let due = world.due(&desk);
        let Ok(paid) = desk.pay(&due) else { return false };
        let mut by_source: BTreeMap<(PaymentSource, Option<String>), Money> = BTreeMap::new();
        for (charge, paid) in due.charges.iter().zip(&paid.parts) {
            assert_eq!(charge.charge_id, paid.charge_id);
            assert!(paid.parts.iter().all(|part| part.amount.is_positive()));
            let parts: Money = paid.parts.iter().map(|part| part.amount).sum();
            assert_eq!(parts, if world.method == PaymentMethod::Invoice { Money::ZERO } else { charge.due });
            for part in &paid.parts {
                *by_source.entry((part.source, part.source_id.clone())).or_default() += part.amount;
            }
        }
        let lines = paid.effects.payments.iter().map(|line| ((line.source, line.source_id.clone()), line.amount));
        assert_eq!(by_source, lines.collect());
        due.charges.len() > 1 && by_source.len() > 1
    });
}

/// Cash, granted money and credit in use. If cash and granted money came in, they may have repaid each other's debts: then
/// their sum.
fn standing(desk: &Desk, world: &World) -> [Money; 3] {
    let wallet = &desk.money.wallet;
    let is_of_one_kind = world.later.windows(2).all(|two| two[0].0 == two[1].0);
    if is_of_one_kind {
        [wallet.balance, wallet.granted, wallet.credit_used]
    } else {
        [wallet.balance + wallet.granted, Money::ZERO, wallet.credit_used]
    }
}

/// Also if money came in between and it comes back in two steps: an order that was given back has never been, but for its
/// lines.
#[test]
fn pay_then_give_back_everything_restores_the_wallet() {
    run(|world| {
        let mut desk = world.desk();
        let mut without = desk.clone();
        let due = world.due(&desk);
        let Ok(paid) = desk.pay(&due) else { return false };
        world.money_comes_in(&mut desk);
        world.money_comes_in(&mut without);

        // Forfeits are told by tables: here no voucher is too old.
        for voucher in &mut desk.money.vouchers {
            voucher.row.valid_to = hour(1_000);
        }
        let [first, rest] = world.in_two_steps(&world.given_back(&due, &paid));
        desk.give_back("u1", PLACED + 2, first);
        desk.give_back("u2", PLACED + 3, rest);
        assert_eq!(standing(&desk, world), standing(&without, world));
        assert_eq!(desk.money.open, without.money.open);
        let remaining = |desk: &Desk| desk.money.vouchers.iter().map(VoucherState::remaining).collect::<Vec<_>>();
        assert_eq!(remaining(&desk), remaining(&without));
        // The wallet's accounts are its amounts; everything else in the books is as if nothing had been bought.
        let books = |desk: &Desk| -> Vec<_> {
            let is_of_wallet = |name: &str| name == "liabilities:wallet:acme" || name == "liabilities:granted:acme";
            let moved = desk.ledger.iter().filter(|(name, amount)| !amount.is_zero() && !is_of_wallet(name));
            moved.map(|(name, amount)| (name.clone(), *amount)).collect()
        };
        assert_eq!(books(&desk), books(&without));
        !due.charges.iter().all(|charge| charge.due.is_zero())
    });
}

#[test]
fn vouchers_in_any_stored_order_pay_the_same() {
    run(|world| {
        let mut desk = world.desk();
        let mut turned = desk.clone();
        turned.money.vouchers.reverse();
        let due = world.due(&desk);
        let outcome = desk.pay(&due);
        assert_eq!(turned.pay(&due), outcome);
        outcome.is_ok_and(|paid| paid.effects.vouchers.len() > 1)
    });
}

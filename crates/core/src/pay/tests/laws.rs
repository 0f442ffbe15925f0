//! Laws that hold for any sequence of events, checked against a model that knows no lines, no legs and no vouchers' order:
//! four numbers and what goes in and out. The seed is fixed, so that a failure is the same everywhere.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const SEED: [u8; 32] = *b"every cent is somewhere, always.";
const CASES: u32 = 400;

/// One step of an account's life; amounts in minor units.
#[derive(Debug, Clone)]
enum Step {
    Funds(FundsKind, i64),
    /// An hour's use: (sku, amount) per charge; the hour; whether it falls into February.
    Use(Vec<(u8, i64)>, i64, bool),
    /// An earlier settlement becomes cheaper by a share (in percent) of what is left of it.
    Cheaper(usize, i64),
    Terms(PaymentMethod, i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kinds = prop::sample::select(vec![
        FundsKind::TopUp,
        FundsKind::TopUp,
        FundsKind::Grant,
        FundsKind::Withdrawal,
        FundsKind::Adjustment,
        FundsKind::WriteOff,
        FundsKind::Chargeback,
    ]);
    let methods = prop::sample::select(vec![
        PaymentMethod::Balance,
        PaymentMethod::Balance,
        PaymentMethod::External,
        PaymentMethod::Invoice,
    ]);
    let charges = prop::collection::vec((0_u8..3, -200_i64..1_000), 0..4);
    let step = prop_oneof![
        4 => (kinds, -300_i64..1_500).prop_map(|(kind, amount)| Step::Funds(kind, amount)),
        5 => (charges, 1_i64..100, any::<bool>()).prop_map(|(charges, hours, is_late)| Step::Use(charges, hours, is_late)),
        3 => (any::<usize>(), 1_i64..=100).prop_map(|(which, percent)| Step::Cheaper(which, percent)),
        1 => (methods, 0_i64..800).prop_map(|(method, limit)| Step::Terms(method, limit)),
    ];
    prop::collection::vec(step, 1..40)
}

/// Vouchers of every kind, scope and life; (kind, scope, first hour, hours, amount).
pub(super) fn vouchers() -> impl Strategy<Value = Vec<VoucherRow>> {
    let kinds = prop::sample::select(vec![
        VoucherKind::Voucher,
        VoucherKind::Voucher,
        VoucherKind::FlexiCoupon,
        VoucherKind::StoredValue,
        VoucherKind::Discount,
    ]);
    let one = (kinds, 0_u8..6, 0_i64..60, 1_i64..60, 1_i64..900, 0_i64..400);
    prop::collection::vec(one, 0..6).prop_map(|all| {
        let row =
            |(at, (kind, scope, first, hours, amount, minimum)): (usize, (VoucherKind, u8, i64, i64, i64, i64))| VoucherRow {
                kind,
                valid_from: hour(first),
                valid_to: hour(first + hours),
                skus: if scope < 3 { vec![format!("sku-{scope}")] } else { vec![] },
                min_amount: if scope % 2 == 0 { cents(minimum) } else { Money::ZERO },
                amount: cents(amount),
                ..voucher(&format!("v{at}"), "0")
            };
        all.into_iter().enumerate().map(row).collect()
    })
}

pub(super) fn cents(amount: i64) -> Money {
    Money::from_e8(amount * 1_000_000)
}

/// What an account has and owes, by the plain reading of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Model {
    cash: i64,
    granted: i64,
    credit: i64,
    outstanding: i64,
}

impl Model {
    fn of(desk: &Desk) -> Self {
        let wallet = &desk.money.wallet;
        let [cash, granted, credit, outstanding] =
            [wallet.balance, wallet.granted, wallet.credit_used, desk.money.outstanding()].map(Money::e8);
        Self { cash, granted, credit, outstanding }
    }

    fn position(self) -> i64 {
        self.cash + self.granted - self.credit - self.outstanding
    }

    /// Hands back whether the entry is carried out.
    fn funds(&mut self, kind: FundsKind, amount: i64) -> bool {
        let is_possible = match kind {
            FundsKind::Adjustment => self.cash + amount >= 0 || amount >= 0,
            FundsKind::Withdrawal => (0..=self.cash).contains(&amount),
            FundsKind::WriteOff => (0..=self.outstanding).contains(&amount),
            FundsKind::TopUp | FundsKind::Grant | FundsKind::Chargeback => amount >= 0,
        };
        if !is_possible {
            return false;
        }
        match kind {
            FundsKind::Withdrawal => self.cash -= amount,
            FundsKind::WriteOff => self.outstanding -= amount,
            FundsKind::Adjustment if amount < 0 => self.cash += amount,
            FundsKind::Chargeback => {
                let cash = amount.min(self.cash);
                self.cash -= cash;
                self.outstanding += amount - cash;
            }
            FundsKind::TopUp | FundsKind::Grant | FundsKind::Adjustment => {
                let mut left = amount;
                for debt in [&mut self.outstanding, &mut self.credit] {
                    let part = left.min(*debt);
                    *debt -= part;
                    left -= part;
                }
                *(if kind == FundsKind::Grant { &mut self.granted } else { &mut self.cash }) += left;
            }
        }
        true
    }

    /// Pays what vouchers left. Hands back what came from outside.
    fn pay(&mut self, left: i64, terms: PaymentTerms) -> i64 {
        if terms.method == PaymentMethod::Invoice {
            self.outstanding += left;
            return 0;
        }
        let cash = left.min(self.cash);
        let granted = (left - cash).min(self.granted);
        self.cash -= cash;
        self.granted -= granted;
        let left = left - cash - granted;
        if terms.method == PaymentMethod::External {
            return left;
        }
        let credit = left.min((terms.credit_limit.e8() - self.credit).max(0));
        self.credit += credit;
        self.outstanding += left - credit;
        0
    }
}

/// A run of steps: the account under test, the model beside it, and what each settlement is still due.
struct Run {
    desk: Desk,
    model: Model,
    settled: Vec<(i64, bool, i64)>,
    written_off: i64,
    was_invoiced: bool,
}

impl Run {
    fn new(vouchers: Vec<VoucherRow>) -> Self {
        let desk = Desk::new().with_vouchers(vouchers);
        Self { desk, model: Model::default(), settled: vec![], written_off: 0, was_invoiced: false }
    }

    fn step(&mut self, at: usize, step: &Step) -> Option<Effects> {
        match step {
            Step::Terms(method, limit) => {
                self.desk.terms = PaymentTerms { method: *method, credit_limit: cents(*limit) };
                self.was_invoiced |= *method == PaymentMethod::Invoice;
                None
            }
            Step::Funds(kind, amount) => Some(self.funds(at, *kind, cents(*amount))),
            Step::Use(charges, hours, is_late) => {
                // A period is never due less than nothing: only what was asked for can become cheaper.
                let is_owed = charges.iter().map(|(_, due)| due).sum::<i64>() >= 0;
                let due = |due: i64| cents(if is_owed { due } else { due.abs() });
                let charges = charges.iter().enumerate().map(|(at, (sku, amount))| (at, *sku, due(*amount))).collect();
                Some(self.settle(at, charges, *hours, *is_late))
            }
            Step::Cheaper(which, percent) => {
                let which = which.checked_rem(self.settled.len())?;
                let (hours, is_late, due) = self.settled[which];
                let less = due * percent / 100;
                self.settled[which].2 -= less;
                let effects = self.settle(at, vec![(0, 0, Money::from_e8(-less))], hours, is_late);
                // What it takes back has been noted with the settlement that it corrects.
                self.settled.pop();
                Some(effects)
            }
        }
    }

    fn funds(&mut self, at: usize, kind: FundsKind, amount: Money) -> Effects {
        let effects = self.desk.funds(&format!("e{at}"), kind, &short(amount), 200);
        let is_done = self.model.funds(kind, amount.e8());
        assert_eq!(effects.funds.as_ref().map(FundsOutcome::status), Some(if is_done { "done" } else { "refused" }));
        assert_eq!(Model::of(&self.desk), self.model);
        if is_done && kind == FundsKind::WriteOff {
            self.written_off += amount.e8();
        }
        effects
    }

    fn settle(&mut self, at: usize, charges: Vec<(usize, u8, Money)>, hours: i64, is_late: bool) -> Effects {
        let charge = |(at, sku, due): (usize, u8, Money)| ChargeDue {
            sku: format!("sku-{sku}"),
            window_start: hour(hours - 1),
            due,
            ..charge(&format!("c{at}"), "0")
        };
        let event = MoneyEvent::Settlement(SettlementDue {
            settlement_id: format!("s{at}"),
            at: hour(hours),
            billing_period: if is_late { "2026-02" } else { "2026-01" }.to_owned(),
            effective_at: hour(hours),
            charges: charges.into_iter().map(charge).collect(),
        });
        let money = self.desk.money.clone();
        let effects = self.desk.apply(&event);
        if effects.totals.is_some_and(|totals| !totals.due.is_negative()) {
            self.outstanding_as_one_amount_is_enough(money, &event, &effects);
        }
        let totals = effects.totals.unwrap();
        let [due, voucher, external] = [totals.due, totals.voucher, totals.external].map(Money::e8);
        let (before, outstanding) = (self.model.position(), self.model.outstanding);
        if due >= 0 {
            assert!((0..=due).contains(&voucher));
            let collected = self.model.pay(due - voucher, self.desk.terms);
            assert_eq!((Model::of(&self.desk), external), (self.model, collected));
            assert_eq!(totals.outstanding.e8(), self.model.outstanding - outstanding);
        } else {
            // Which source gets back what is told by tables; here, that nothing appears or disappears.
            self.model = Model::of(&self.desk);
        }
        assert_eq!(self.model.position(), before - due + voucher + external);
        self.settled.push((hours, is_late, due.max(0)));
        effects
    }

    /// What takes from an account need not know its outstanding one by one.
    fn outstanding_as_one_amount_is_enough(&self, before: AccountMoney, event: &MoneyEvent, effects: &Effects) {
        let oldest = |money: &AccountMoney| money.open.first().map(|open| (open.settlement_id.clone(), open.at));
        let as_one = |(settlement_id, at)| Outstanding { settlement_id, at, amount: before.outstanding() };
        let mut owing = AccountMoney::owing(before.wallet.clone(), oldest(&before).map(as_one));
        owing.vouchers = before.vouchers;
        assert_eq!(apply(&mut owing, event, self.desk.terms, &self.desk.profile), *effects);
        let after = &self.desk.money;
        assert_eq!((&owing.wallet, &owing.vouchers), (&after.wallet, &after.vouchers));
        // What where it stands depends on.
        assert_eq!((owing.outstanding(), oldest(&owing)), (after.outstanding(), oldest(after)));
    }

    /// What must hold after every step, beyond what `Desk::apply` checks.
    fn check(&self) {
        let sum = |source: PaymentSource| -> i64 {
            self.desk.money.paid.iter().filter(|line| line.source == source).map(|line| line.amount.e8()).sum()
        };
        // Nothing gets back more than it paid; what was written off and became cheaper afterwards goes to cash.
        assert!(sum(PaymentSource::Balance) >= -self.written_off);
        for source in [PaymentSource::Grant, PaymentSource::External, PaymentSource::Credit] {
            assert!(sum(source) >= 0, "{source:?}");
        }
        for voucher in &self.desk.money.vouchers {
            let of_voucher = |line: &&PaymentLine| {
                line.kind != PaymentKind::Repayment && line.source_id.as_ref() == Some(&voucher.row.voucher_id)
            };
            let net: Money = self.desk.money.paid.iter().filter(of_voucher).map(|line| line.amount).sum();
            assert!(!net.is_negative(), "{}: forfeits count", voucher.row.voucher_id);
        }
        // In arrears exactly while a minor unit is outstanding; an invoice's may not be overdue.
        let owes = self.desk.money.outstanding() >= cents(1);
        let is_in_arrears = self.desk.money.wallet.in_arrears_since.is_some();
        assert!(is_in_arrears == owes || (self.was_invoiced && !is_in_arrears));
    }
}

fn run(cases: u32, law: impl Fn(Vec<VoucherRow>, VoucherOrder, Vec<Step>)) {
    let orders = prop::sample::select(vec![
        VoucherOrder::ScopeThenExpiry,
        VoucherOrder::ExpiryThenAvailable,
        VoucherOrder::ExpiryThenDeductible,
    ]);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED));
    let outcome = runner.run(&(vouchers(), orders, steps()), |(vouchers, order, steps)| {
        law(vouchers, order, steps);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("seed {SEED:?}: {failure}"));
}

#[test]
fn no_cent_is_lost_in_any_sequence_of_events() {
    run(CASES, |vouchers, order, steps| {
        let mut account = Run::new(vouchers);
        account.desk.profile.voucher_order = order;
        for (at, step) in steps.iter().enumerate() {
            account.step(at, step);
            account.check();
        }
    });
}

#[test]
fn payments_do_not_depend_on_how_vouchers_are_stored() {
    run(CASES / 4, |vouchers, order, steps| {
        let turned: Vec<_> = vouchers.iter().rev().cloned().collect();
        let mut accounts = [Run::new(vouchers), Run::new(turned)];
        for (at, step) in steps.iter().enumerate() {
            let [one, other] = accounts.each_mut().map(|account| {
                account.desk.profile.voucher_order = order;
                account.step(at, step)
            });
            assert_eq!(one, other);
        }
    });
}

/// Applies an event both ways and compares all that is recorded of it.
fn settle_both_ways(account: &mut Run, at: usize, step: &Step) {
    let before = Purse { wallet: account.desk.money.wallet.clone(), outstanding: account.desk.money.outstanding() };
    let (terms, profile) = (account.desk.terms, account.desk.profile.clone());
    let Some(effects) = account.step(at, step) else { return };
    let (Some(totals), Some((hours, ..))) = (effects.totals, account.settled.last()) else { return };
    let mut purse = before.clone();
    let is_own = matches!(step, Step::Use(..));
    let Some(plain) = apply_plain(&mut purse, hour(*hours), totals.due, terms, &profile).filter(|_| is_own) else {
        assert!(!is_own || totals.due.is_negative());
        return;
    };

    let after = &account.desk.money;
    assert_eq!((&purse.wallet, purse.outstanding), (&after.wallet, after.outstanding()));
    assert_eq!(plain.totals, totals);
    let settlement_id = format!("s{at}");
    assert_eq!(plain.payments(&before.wallet, &settlement_id).collect::<Vec<_>>(), effects.payments);
    let open = Some((settlement_id, hour(*hours), totals.outstanding)).filter(|_| totals.outstanding.is_positive());
    assert_eq!(open.into_iter().collect::<Vec<_>>(), effects.outstanding);
    let mut legs = crate::ledger::TransactionBuilder::new();
    legs.extend(plain.moved("acme").map(|(account, amount)| account.leg(amount)));
    legs.add(income_of("ecs", BillingMode::PayPerUse).leg(-totals.due));
    assert_eq!(legs.into_legs(), effects.legs);
}

#[test]
fn an_account_without_vouchers_pays_plainly_what_the_waterfall_takes() {
    run(CASES, |_, _, steps| {
        let mut account = Run::new(vec![]);
        steps.iter().enumerate().for_each(|(at, step)| settle_both_ways(&mut account, at, step));
    });
}

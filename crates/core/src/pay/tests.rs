//! What pays for what, event by event.

use super::*;
use crate::audit;
use crate::life::PaidPart;
use crate::profile::VoucherOrder;
use crate::table::{FundsKind, OrderKind, VoucherKind};

mod examples;
mod given_back;
mod laws;
mod negative;
mod order_laws;
mod orders;
mod timeline;

pub(crate) const HOUR: i64 = 3_600;

pub(crate) fn money(text: &str) -> Money {
    Money::parse_signed(text).unwrap()
}

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// An hour of January 2026, counted from its first midnight in UTC.
pub(crate) fn hour(hours: i64) -> Instant {
    at("2026-01-01T00:00:00Z").plus_seconds(hours * HOUR)
}

/// A voucher for everything, alive all January.
pub(crate) fn voucher(voucher_id: &str, amount: &str) -> VoucherRow {
    VoucherRow {
        voucher_id: voucher_id.to_owned(),
        account_id: "acme".to_owned(),
        amount: money(amount),
        valid_from: hour(0),
        valid_to: at("2026-02-01T00:00:00Z"),
        kind: VoucherKind::Voucher,
        percent_off: None,
        currency: "CNY".to_owned(),
        products: vec![],
        skus: vec![],
        modes: vec![],
        regions: vec![],
        order_kinds: vec![],
        min_amount: Money::ZERO,
        granted_at: None,
        note: None,
    }
}

/// Use of `ecs.small` in `cn-north`.
pub(crate) fn charge(charge_id: &str, due: &str) -> ChargeDue {
    ChargeDue {
        charge_id: charge_id.to_owned(),
        product: "ecs".to_owned(),
        sku: "ecs.small".to_owned(),
        billing_mode: BillingMode::PayPerUse,
        region: Some("cn-north".to_owned()),
        window_start: hour(0),
        due: money(due),
    }
}

/// A month of `ecs.small` in `cn-north`, paid ahead.
pub(crate) fn bought(charge_id: &str, due: &str) -> ChargeDue {
    ChargeDue { billing_mode: BillingMode::Subscription, ..charge(charge_id, due) }
}

/// What one source paid: `balance`, `voucher:v`.
pub(crate) fn part(source: PaymentSource, source_id: Option<&str>, amount: &str) -> PaidPart {
    PaidPart { source, source_id: source_id.map(str::to_owned), amount: money(amount) }
}

/// These parts of an order for `ecs`, nothing kept.
pub(crate) fn given(paid_order_id: &str, parts: Vec<PaidPart>) -> GivenBack {
    GivenBack {
        paid_order_id: paid_order_id.to_owned(),
        product: "ecs".to_owned(),
        billing_mode: BillingMode::Subscription,
        parts,
        invoiced: Money::ZERO,
        fee: Money::ZERO,
    }
}

pub(crate) fn funds(entry_id: &str, kind: FundsKind, amount: &str, at: Instant) -> MoneyEvent {
    MoneyEvent::Funds(FundsRow {
        entry_id: entry_id.to_owned(),
        account_id: "acme".to_owned(),
        kind,
        amount: money(amount),
        at,
        currency: "CNY".to_owned(),
        note: None,
    })
}

/// An account under test, with what it did so far.
#[derive(Clone)]
pub(crate) struct Desk {
    pub money: AccountMoney,
    pub terms: PaymentTerms,
    pub profile: Profile,
    /// Every leg posted, summed by ledger account.
    pub ledger: BTreeMap<String, Money>,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            money: AccountMoney::new(Wallet::new("acme", "CNY")),
            terms: PaymentTerms { method: PaymentMethod::Balance, credit_limit: Money::ZERO },
            profile: Profile::builtin("huawei-intl").unwrap(),
            ledger: BTreeMap::new(),
        }
    }

    pub fn with_cash(mut self, amount: &str) -> Self {
        self.funds("cash", FundsKind::TopUp, amount, 0);
        self
    }

    pub fn with_granted(mut self, amount: &str) -> Self {
        self.funds("granted", FundsKind::Grant, amount, 0);
        self
    }

    pub fn with_credit(mut self, limit: &str) -> Self {
        self.terms.credit_limit = money(limit);
        self
    }

    pub fn with_method(mut self, method: PaymentMethod) -> Self {
        self.terms.method = method;
        self
    }

    pub fn with_vouchers(mut self, rows: impl IntoIterator<Item = VoucherRow>) -> Self {
        self.money.vouchers.extend(rows.into_iter().map(VoucherState::new));
        self
    }

    pub fn with_order(mut self, order: VoucherOrder) -> Self {
        self.profile.voucher_order = order;
        self
    }

    pub fn funds(&mut self, entry_id: &str, kind: FundsKind, amount: &str, hours: i64) -> Effects {
        self.apply(&funds(entry_id, kind, amount, hour(hours)))
    }

    /// Settles one hour of January that ends at `hours`.
    pub fn settle(&mut self, settlement_id: &str, hours: i64, charges: Vec<ChargeDue>) -> Effects {
        self.settle_late(settlement_id, hours, hours, charges)
    }

    /// The same, taking effect only at `effective`.
    pub fn settle_late(&mut self, settlement_id: &str, hours: i64, effective: i64, charges: Vec<ChargeDue>) -> Effects {
        self.apply(&MoneyEvent::Settlement(SettlementDue {
            settlement_id: settlement_id.to_owned(),
            at: hour(hours),
            billing_period: "2026-01".to_owned(),
            effective_at: hour(effective),
            charges,
        }))
    }

    /// Applies an event and checks everything that must hold after any event.
    pub fn apply(&mut self, event: &MoneyEvent) -> Effects {
        let effects = apply(&mut self.money, event, self.terms, &self.profile);
        if let (MoneyEvent::Settlement(due), Some(totals)) = (event, &effects.totals) {
            assert_eq!(totals.due, due.charges.iter().map(|charge| charge.due).sum());
        }
        self.check(&effects);
        effects
    }

    /// An order for `charges`, from everything that may pay orders of its kind.
    pub fn order_due(&self, order_id: &str, hours: i64, kind: OrderKind, charges: Vec<ChargeDue>) -> OrderDue {
        OrderDue {
            order_id: order_id.to_owned(),
            at: hour(hours),
            billing_period: "2026-01".to_owned(),
            kind,
            sources: sources(kind, &self.profile),
            charges,
            lowered_by: None,
        }
    }

    /// Places a purchase.
    pub fn order(&mut self, order_id: &str, hours: i64, charges: Vec<ChargeDue>) -> Result<OrderPaid, Short> {
        self.pay(&self.order_due(order_id, hours, OrderKind::Purchase, charges))
    }

    /// Pays an order and checks everything that must hold after any order.
    pub fn pay(&mut self, due: &OrderDue) -> Result<OrderPaid, Short> {
        let before = self.money.clone();
        let outcome = pay_order(&mut self.money, due, self.terms, &self.profile);
        match &outcome {
            Ok(OrderPaid { effects, parts }) => {
                assert_eq!(effects.totals.unwrap().due, due.charges.iter().map(|charge| charge.due).sum());
                assert_eq!(parts.len(), due.charges.len());
                self.check(effects);
            }
            Err(_) => assert_eq!(self.money, before),
        }
        outcome
    }

    /// Gives back and checks everything that must hold after that.
    pub fn give_back(&mut self, order_id: &str, hours: i64, given_back: Vec<GivenBack>) -> Effects {
        let refund = OrderRefund { order_id: order_id.to_owned(), at: hour(hours), given_back };
        let effects = give_back(&mut self.money, &refund, &self.profile);
        self.check(&effects);
        effects
    }

    /// What must hold after any event.
    fn check(&mut self, effects: &Effects) {
        crate::ledger::check_balance("effects", &effects.legs).unwrap();
        for leg in &effects.legs {
            *self.ledger.entry(leg.account.clone()).or_default() += leg.amount;
        }
        if let Some(totals) = &effects.totals {
            assert_eq!(audit::check_settlement("totals", totals), None);
        }
        let wallet = &self.money.wallet;
        assert_eq!(audit::check_wallet(wallet), []);
        self.money.vouchers.iter().for_each(|voucher| assert_eq!(audit::check_voucher(voucher), None));
        let posted = |account: &str| self.ledger.get(account).copied().unwrap_or_default();
        let outstanding = self.money.outstanding();
        let receivable = posted("assets:receivable:acme");
        assert_eq!(audit::check_receivable("acme", receivable, outstanding, wallet.credit_used), None);
        assert_eq!(posted("liabilities:wallet:acme"), -wallet.balance);
        assert_eq!(posted("liabilities:granted:acme"), -wallet.granted);
        for (settlement_id, _, now) in &effects.outstanding {
            let open = self.money.open.iter().find(|open| open.settlement_id == *settlement_id);
            assert_eq!(*now, open.map(|open| open.outstanding).unwrap_or_default());
        }
        self.check_lines();
    }

    /// Lines have ids of their own, count from 1 per `paid_for`, and sum to the credit in use and to what vouchers hold.
    fn check_lines(&self) {
        let mut ids = std::collections::BTreeSet::new();
        let mut seqs: BTreeMap<&str, u32> = BTreeMap::new();
        let mut on_credit = Money::ZERO;
        let mut by_voucher: BTreeMap<&str, Money> = BTreeMap::new();
        for line in &self.money.paid {
            assert!(ids.insert(&line.payment_id), "{line:?} twice");
            assert!(!line.amount.is_zero(), "{line:?}");
            let seq = seqs.entry(&line.paid_for).or_default();
            *seq += 1;
            assert_eq!(line.seq, *seq, "{line:?}");
            match line.source {
                PaymentSource::Credit => on_credit += line.amount,
                PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => {
                    let is_forfeit = line.kind == PaymentKind::Forfeit;
                    let amount = if is_forfeit { Money::ZERO } else { line.amount };
                    *by_voucher.entry(line.source_id.as_deref().unwrap()).or_default() += amount;
                }
                PaymentSource::Balance | PaymentSource::Grant | PaymentSource::External => {}
            }
        }
        assert_eq!(on_credit, self.money.wallet.credit_used);
        for voucher in &self.money.vouchers {
            let held = by_voucher.get(voucher.row.voucher_id.as_str()).copied().unwrap_or_default();
            assert_eq!(held, voucher.used - voucher.returned, "{}", voucher.row.voucher_id);
        }
    }

    /// Cash, granted, credit in use, outstanding.
    pub fn standing(&self) -> [String; 4] {
        let wallet = &self.money.wallet;
        [wallet.balance, wallet.granted, wallet.credit_used, self.money.outstanding()].map(short)
    }
}

/// `2.5` for 2.50000000.
pub(crate) fn short(amount: Money) -> String {
    crate::number::format_trimmed(i128::from(amount.e8()), crate::number::MONEY_SCALE)
}

/// Payment lines as `s1 payment balance 80`, a voucher's or entry's id behind its source.
pub(crate) fn lines(effects: &Effects) -> Vec<String> {
    let text = |line: &PaymentLine| {
        let source_id = line.source_id.as_ref().map(|id| format!(":{id}")).unwrap_or_default();
        format!("{} {} {}{source_id} {}", line.paid_for, line.kind.as_str(), line.source.as_str(), short(line.amount))
    };
    effects.payments.iter().map(text).collect()
}

/// What paid each charge, as `a: voucher:v 20, balance 80`.
pub(crate) fn parts(paid: &OrderPaid) -> Vec<String> {
    let part = |part: &PaidPart| {
        let source_id = part.source_id.as_ref().map(|id| format!(":{id}")).unwrap_or_default();
        format!("{}{source_id} {}", part.source.as_str(), short(part.amount))
    };
    let of_charge = |charge: &ChargePaid| charge.parts.iter().map(part).collect::<Vec<_>>().join(", ");
    paid.parts.iter().map(|charge| format!("{}: {}", charge.charge_id, of_charge(charge))).collect()
}

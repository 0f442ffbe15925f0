//! The waterfall: what a settlement takes, from which source first.
//!
//! Vouchers (several), flexi coupons, stored value, cash, granted money, then credit as far as it goes; the rest is
//! outstanding. An `external` account has one payment from outside instead of credit; an `invoice` account pays nothing here.
//! Differences in the customer's favour are set against what is due in the same settlement before anything pays; a settlement
//! that comes to less than nothing goes back (`refund`).

use super::moves::{Fund, Moves};
use super::voucher::{self, ChargeLeft};
use super::{ChargeDue, PaymentKind, PaymentSource, PaymentTerms, SettledRef, SettlementDue, SettlementTotals, Wallet, refund};
use crate::ledger::LedgerAccount;
use crate::number::Money;
use crate::profile::{FundOrder, Profile};
use crate::table::{BillingMode, PaymentMethod, VoucherKind};
use std::collections::BTreeMap;

/// The product of the charge that rounds a month's bill.
const ROUNDING: &str = "rounding";

/// Pays (or gives back) one settlement.
pub(super) fn settle(moves: &mut Moves<'_>, due: &SettlementDue, terms: PaymentTerms, profile: &Profile) -> SettlementTotals {
    let total: Money = due.charges.iter().map(|charge| charge.due).sum();
    post_charges(moves, &due.charges);

    let settled = SettledRef { at: due.at, billing_period: due.billing_period.clone() };
    let outstanding = if total.is_negative() {
        let cancelled = refund::give_back(moves, due, -total, profile.fund_order);
        moves.account.settled.insert(due.settlement_id.clone(), settled);
        -cancelled
    } else {
        let rest = match terms.method {
            PaymentMethod::Invoice => total,
            PaymentMethod::Balance | PaymentMethod::External => pay(moves, due, total, terms, profile),
        };
        moves.open(&due.settlement_id, settled, rest);
        // An invoice is not overdue before its terms have passed.
        moves.starts_arrears = rest.is_positive() && terms.method != PaymentMethod::Invoice;
        rest
    };
    totals(moves, due, total, outstanding)
}

/// Each charge is owed by the account and income of its product.
fn post_charges(moves: &mut Moves<'_>, charges: &[ChargeDue]) {
    let mut income: BTreeMap<(&str, BillingMode), Money> = BTreeMap::new();
    for charge in charges {
        *income.entry((&charge.product, charge.billing_mode)).or_default() += charge.due;
    }
    for ((product, mode), amount) in income {
        moves.post_receivable(income_of(product, mode), -amount);
    }
}

/// The income of a product's charges.
pub fn income_of(product: &str, mode: BillingMode) -> LedgerAccount<'_> {
    if product == ROUNDING { LedgerAccount::Rounding } else { LedgerAccount::Income(product, mode) }
}

/// Takes what the sources hold, in order, and hands back what is left.
fn pay(moves: &mut Moves<'_>, due: &SettlementDue, total: Money, terms: PaymentTerms, profile: &Profile) -> Money {
    let left = total - pay_with_vouchers(moves, due, profile);
    let taken = take(&moves.account.wallet, left, terms, profile);
    for (source, amount) in taken.sources {
        moves.line(&due.settlement_id, PaymentKind::Payment, source, None, amount);
        match source {
            PaymentSource::Balance => moves.spend(Fund::Cash, amount),
            PaymentSource::Grant => moves.spend(Fund::Granted, amount),
            PaymentSource::Credit => moves.account.wallet.credit_used += amount,
            PaymentSource::External => moves.post_receivable(LedgerAccount::Cash, amount),
            PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => {
                unreachable!("vouchers have paid before")
            }
        }
    }
    taken.left
}

/// What pays after vouchers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Money of both kinds, then credit and what is collected outside, in the order in which they pay; 0 where one pays
    /// nothing.
    pub sources: [(PaymentSource, Money); 4],
    /// What nobody pays.
    pub left: Money,
}

/// What the sources after vouchers pay of an amount, under these terms.
pub(super) fn take(wallet: &Wallet, amount: Money, terms: PaymentTerms, profile: &Profile) -> Taken {
    let mut left = amount;
    let mut pays = |most: Money| {
        let part = left.min(most);
        left -= part;
        part
    };
    // An invoice is paid later, whatever the wallet holds.
    let most = |held: Money| if terms.method == PaymentMethod::Invoice { Money::ZERO } else { held };
    let funds = fund_order(profile.fund_order).map(|fund| (fund.source(), pays(most(fund.held(wallet)))));
    // A limit lowered below what is in use leaves nothing to use.
    let free = if terms.credit_limit > wallet.credit_used { terms.credit_limit - wallet.credit_used } else { Money::ZERO };
    let (credit, external) = match terms.method {
        PaymentMethod::Balance => (pays(free), Money::ZERO),
        PaymentMethod::External => (Money::ZERO, pays(amount)),
        PaymentMethod::Invoice => (Money::ZERO, Money::ZERO),
    };
    let sources = [funds[0], funds[1], (PaymentSource::Credit, credit), (PaymentSource::External, external)];
    Taken { sources, left }
}

fn pay_with_vouchers(moves: &mut Moves<'_>, due: &SettlementDue, profile: &Profile) -> Money {
    if !moves.account.vouchers.iter().any(|voucher| voucher.remaining().is_positive()) {
        return Money::ZERO;
    }
    let mut charges = net(&due.charges);
    let currency = moves.account.wallet.currency.clone();
    let paid = voucher::pay(&moves.account.vouchers, &currency, &mut charges, profile.voucher_order);
    for (at, amount) in &paid {
        let row = &moves.account.vouchers[*at].row;
        let (source, voucher_id) = (source_of(row.kind), row.voucher_id.clone());
        moves.line(&due.settlement_id, PaymentKind::Payment, source, Some(&voucher_id), *amount);
        moves.use_voucher(*at, *amount);
    }
    paid.into_iter().map(|(_, amount)| amount).sum()
}

/// What is left to pay of each charge once the differences in the customer's favour are set against the others: those of the
/// same sku first, then all, in the order of charge_id.
fn net(charges: &[ChargeDue]) -> Vec<ChargeLeft<'_>> {
    let mut favour: BTreeMap<&str, Money> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge.due.is_negative()) {
        *favour.entry(&charge.sku).or_default() -= charge.due;
    }
    let above = charges.iter().filter(|charge| charge.due.is_positive());
    let mut left: Vec<_> = above.map(|charge| ChargeLeft { charge, left: charge.due }).collect();
    left.sort_by(|one, other| one.charge.charge_id.cmp(&other.charge.charge_id));

    let set_against = |charge: &mut ChargeLeft<'_>, favour: &mut Money| {
        let part = charge.left.min(*favour);
        charge.left -= part;
        *favour -= part;
    };
    for charge in &mut left {
        if let Some(favour) = favour.get_mut(charge.charge.sku.as_str()) {
            set_against(charge, favour);
        }
    }
    let mut rest: Money = favour.into_values().sum();
    left.iter_mut().for_each(|charge| set_against(charge, &mut rest));
    left
}

fn totals(moves: &Moves<'_>, due: &SettlementDue, total: Money, outstanding: Money) -> SettlementTotals {
    let mut totals = SettlementTotals { due: total, outstanding, ..SettlementTotals::default() };
    for line in moves.lines.iter().filter(|line| line.paid_for == due.settlement_id) {
        *match line.source {
            PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => &mut totals.voucher,
            PaymentSource::Balance => &mut totals.balance,
            PaymentSource::Grant => &mut totals.granted,
            PaymentSource::Credit => &mut totals.credit,
            PaymentSource::External => &mut totals.external,
        } += line.amount;
    }
    totals
}

/// The wallet's two kinds of money, the one that pays first in front.
pub(super) fn fund_order(order: FundOrder) -> [Fund; 2] {
    match order {
        FundOrder::CashFirst => [Fund::Cash, Fund::Granted],
        FundOrder::GrantedFirst => [Fund::Granted, Fund::Cash],
    }
}

fn source_of(kind: VoucherKind) -> PaymentSource {
    match kind {
        VoucherKind::FlexiCoupon => PaymentSource::FlexiCoupon,
        VoucherKind::StoredValue => PaymentSource::StoredValue,
        VoucherKind::Voucher => PaymentSource::Voucher,
        VoucherKind::Discount => unreachable!("a discount voucher fits nothing"),
    }
}

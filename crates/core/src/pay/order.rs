//! Orders: what is bought, renewed or changed is paid at once and whole, or nothing moves.
//!
//! Owns: which sources pay an order and in which order, how what each pays is spread over the order's charges.
//! Does not own: what is due (`life` says that), whether an account in arrears may order (its caller says that), what comes
//! back (`give_back`).
//! Promises: every charge is paid to the last digit, or nothing has moved and [`Short`] says how much is missing; no source
//! gives more than it has; the order in which vouchers are stored does not matter.
//!
//! First a plan is made, which only reads; it is carried out once nothing is missing. Every source is spread over the charges
//! in proportion to what is left of them, so that the charges of a bundle are paid alike and each can be given back on its
//! own. A scoped voucher reaches its own charges only; one without a scope goes first to those that no scoped voucher still
//! waiting could pay.

use super::moves::{Fund, Moves};
use super::waterfall::{fund_order, source_of, totals_of};
use super::{AccountMoney, ChargeDue, Effects, PaymentKind, PaymentSource, PaymentTerms, SettledRef, VoucherState, voucher};
use crate::ledger::LedgerAccount;
use crate::life::PaidPart;
use crate::number::{FeeScale, MONEY_SCALE, Money};
use crate::profile::{Profile, RenewalSource, VouchersPerOrder};
use crate::table::{BillingMode, OrderKind, PaymentMethod, VoucherKind};
use crate::time::Instant;

/// An order to pay: one payment, whatever the number of its charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDue {
    /// The order; its payment lines are `paid_for` it.
    pub order_id: String,
    /// When it takes effect: a voucher pays if it is alive then.
    pub at: Instant,
    /// `2026-01`: the month whose bill has its charges.
    pub billing_period: String,
    /// For vouchers' scopes.
    pub kind: OrderKind,
    /// What may pay it, the first in front; one named twice pays once. [`sources`] gives the profile's.
    pub sources: Vec<RenewalSource>,
    /// What is due, none below 0; several for a bundle.
    pub charges: Vec<ChargeDue>,
    /// The discount voucher by which what is due is lower, and which the order uses up.
    pub lowered_by: Option<LoweredBy>,
}

/// A discount voucher that lowers the price of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoweredBy {
    /// The voucher.
    pub voucher_id: String,
    /// What it takes off the list price; above 0.
    pub amount: Money,
}

/// An order that was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPaid {
    /// What it changed, for the records.
    pub effects: Effects,
    /// What paid each charge, in the order of `charges`.
    pub parts: Vec<ChargePaid>,
}

/// What paid one charge of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargePaid {
    /// The charge.
    pub charge_id: String,
    /// In the order of payment; they sum to what is due. Empty where nothing was due or the order is on the invoice.
    pub parts: Vec<PaidPart>,
}

/// The sources together do not reach what is due. Nothing has moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is due, what may pay it has `{}`: `{}` is missing",
    due.trimmed(), available.trimmed(), (*due - *available).trimmed()
)]
pub struct Short {
    /// What the order comes to.
    pub due: Money,
    /// What the sources could give for it, vouchers within their scopes.
    pub available: Money,
}

/// What may pay orders of this kind: the profile's `renewal_sources` for renewals, everything for others.
pub fn sources(kind: OrderKind, profile: &Profile) -> Vec<RenewalSource> {
    match kind {
        OrderKind::Renew => profile.renewal_sources.clone(),
        OrderKind::Purchase
        | OrderKind::Unsubscribe
        | OrderKind::Change
        | OrderKind::Delete
        | OrderKind::SetRenewal
        | OrderKind::Align => vec![RenewalSource::Voucher, RenewalSource::Balance, RenewalSource::Credit],
    }
}

/// Pays an order from the account's sources, all of it or nothing.
///
/// Vouchers pay first, as many of the kind `voucher` as the profile's `vouchers_per_order` allows; flexi coupons and stored
/// value are not counted. Then money by `fund_order`, then credit up to its limit. An `external` account has one payment from
/// outside for the rest; an `invoice` account pays nothing now, and the order is outstanding under its own id until the bill.
/// A voucher's `min_amount` is compared with what is due in its scope before anything pays.
///
/// # Errors
/// [`Short`] if the sources do not reach what is due.
///
/// # Panics
/// If a charge is below 0: what comes back is a matter of `give_back`. If the discount voucher is none of the account's, or
/// was used up before.
pub fn pay_order(account: &mut AccountMoney, due: &OrderDue, terms: PaymentTerms, profile: &Profile) -> Result<OrderPaid, Short> {
    assert!(due.charges.iter().all(|charge| !charge.due.is_negative()), "order `{}`: a charge is below 0", due.order_id);
    let total: Money = due.charges.iter().map(|charge| charge.due).sum();
    let is_on_invoice = terms.method == PaymentMethod::Invoice;
    let plan = if is_on_invoice { Plan::new(due) } else { Plan::make(account, due, terms, profile) };
    let missing: Money = plan.left.iter().copied().sum();
    if missing.is_positive() && !is_on_invoice {
        return Err(Short { due: total, available: total - missing });
    }

    // From here on it succeeds.
    let parts = plan.parts(account, due);
    let mut moves = Moves::new(account, due.at);
    for charge in &due.charges {
        moves.post_receivable(posted_to(&charge.product, charge.billing_mode), -charge.due);
    }
    for take in &plan.takes {
        carry_out(&mut moves, &due.order_id, take);
    }
    if let Some(lowered_by) = &due.lowered_by {
        moves.use_discount(&lowered_by.voucher_id, lowered_by.amount);
    }
    if is_on_invoice {
        let settled = SettledRef { at: due.at, billing_period: due.billing_period.clone() };
        moves.open(&due.order_id, settled, total);
    }
    moves.account.orders.insert(due.order_id.clone());
    let totals = totals_of(&moves, &due.order_id, total, missing);
    Ok(OrderPaid { effects: moves.finish(Some(totals), None, profile), parts })
}

/// What an order's charge is posted against: what is paid ahead is deferred, the rest is income at once.
pub(super) fn posted_to(product: &str, mode: BillingMode) -> LedgerAccount<'_> {
    match mode {
        BillingMode::Subscription => LedgerAccount::Deferred(product),
        BillingMode::OneTime | BillingMode::PayPerUse => LedgerAccount::Income(product, mode),
    }
}

/// Splits `amount` in proportion to `weights`, each part half-up at `scale`; the last takes the rest. No part is above its
/// weight: what the last cannot take goes to the one before it.
///
/// # Panics
/// If the amount is above the sum of the weights.
pub(super) fn in_proportion(amount: Money, weights: &[Money], scale: FeeScale) -> Vec<Money> {
    let whole: Money = weights.iter().copied().sum();
    assert!(amount <= whole, "`{amount}` is more than the `{whole}` that it is split over");
    let mut left = amount;
    let mut parts = Vec::with_capacity(weights.len());
    for weight in weights {
        let part = half_up_share(amount, *weight, whole, scale).min(*weight).min(left);
        left -= part;
        parts.push(part);
    }
    for (part, weight) in parts.iter_mut().zip(weights).rev() {
        let more = left.min(*weight - *part);
        *part += more;
        left -= more;
    }
    parts
}

fn half_up_share(amount: Money, weight: Money, whole: Money, scale: FeeScale) -> Money {
    if whole.is_zero() {
        return Money::ZERO;
    }
    let unit = 10_i128.pow(MONEY_SCALE - scale.digits());
    let dividend = i128::from(amount.e8()) * i128::from(weight.e8());
    let divisor = i128::from(whole.e8()) * unit;
    let units = dividend / divisor + i128::from(dividend % divisor * 2 >= divisor);
    Money::from_e8(i64::try_from(units * unit).expect("a share is about as large as its weight"))
}

/// What gives, and how much for each charge.
struct Take {
    payer: Payer,
    by_charge: Vec<Money>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payer {
    /// Position among the account's vouchers.
    Voucher(usize),
    Fund(Fund),
    Credit,
    External,
}

/// Who gives what for an order, and what is left of each charge.
struct Plan {
    takes: Vec<Take>,
    left: Vec<Money>,
}

impl Plan {
    fn new(due: &OrderDue) -> Self {
        Self { takes: Vec::new(), left: due.charges.iter().map(|charge| charge.due).collect() }
    }

    fn make(account: &AccountMoney, due: &OrderDue, terms: PaymentTerms, profile: &Profile) -> Self {
        let mut plan = Self::new(due);
        let wallet = &account.wallet;
        let scale = FeeScale::minor_unit(&wallet.currency);
        let all: Vec<usize> = (0..due.charges.len()).collect();
        let is_external = terms.method == PaymentMethod::External;
        for (at, source) in due.sources.iter().enumerate() {
            if due.sources[..at].contains(source) {
                continue;
            }
            match source {
                RenewalSource::Voucher => plan.take_vouchers(account, due, profile, scale),
                RenewalSource::Balance => {
                    for fund in fund_order(profile.fund_order) {
                        plan.take(Payer::Fund(fund), fund.held(wallet), &[&all], scale);
                    }
                }
                RenewalSource::Credit if is_external => {}
                RenewalSource::Credit => {
                    // A limit lowered below what is in use leaves nothing to use.
                    let free = terms.credit_limit.max(wallet.credit_used) - wallet.credit_used;
                    plan.take(Payer::Credit, free, &[&all], scale);
                }
            }
        }
        if is_external {
            plan.take(Payer::External, plan.left.iter().copied().sum(), &[&all], scale);
        }
        plan
    }

    /// Kinds pay in their order: vouchers, flexi coupons, stored value. Within a kind the profile's order rules.
    fn take_vouchers(&mut self, account: &AccountMoney, due: &OrderDue, profile: &Profile, scale: FeeScale) {
        let mut waiting = candidates(account, due);
        let mut room = match profile.vouchers_per_order {
            VouchersPerOrder::AtMost(count) => count,
            VouchersPerOrder::Many => u32::MAX,
        };
        loop {
            let kind = |candidate: &Candidate<'_>| candidate.voucher.row.kind;
            let deductible = |candidate: &Candidate<'_>| candidate.voucher.remaining().min(self.left_in(&candidate.scope));
            waiting
                .retain(|candidate| deductible(candidate).is_positive() && (room > 0 || kind(candidate) != VoucherKind::Voucher));
            let first = waiting.iter().enumerate().min_by_key(|(_, candidate)| {
                let rank =
                    |deductible| voucher::rank(profile.voucher_order, voucher::Spending::Order, candidate.voucher, deductible);
                (kind(candidate), rank(deductible(candidate)))
            });
            let Some((first, _)) = first else {
                return;
            };
            let candidate = waiting.remove(first);
            if kind(&candidate) == VoucherKind::Voucher {
                room -= 1;
                waiting.retain(|other| room > 0 || kind(other) != VoucherKind::Voucher);
            }
            let (awaited, free): (Vec<usize>, Vec<usize>) = candidate.scope.iter().partition(|at| {
                let is_awaited = |other: &Candidate<'_>| other.voucher.row.is_scoped() && other.scope.contains(at);
                !candidate.voucher.row.is_scoped() && waiting.iter().any(is_awaited)
            });
            self.take(Payer::Voucher(candidate.at), candidate.voucher.remaining(), &[&free, &awaited], scale);
        }
    }

    /// Takes as much as is held and needed, for the charges of the first list before those of the next.
    fn take(&mut self, payer: Payer, held: Money, charges: &[&[usize]], scale: FeeScale) {
        let mut held = held;
        let mut by_charge = vec![Money::ZERO; self.left.len()];
        for list in charges {
            let weights: Vec<Money> = list.iter().map(|at| self.left[*at]).collect();
            let amount = held.min(self.left_in(list));
            for (at, part) in list.iter().zip(in_proportion(amount, &weights, scale)) {
                by_charge[*at] += part;
                self.left[*at] -= part;
            }
            held -= amount;
        }
        if by_charge.iter().any(|part| part.is_positive()) {
            self.takes.push(Take { payer, by_charge });
        }
    }

    fn left_in(&self, charges: &[usize]) -> Money {
        charges.iter().map(|at| self.left[*at]).sum()
    }

    fn parts(&self, account: &AccountMoney, due: &OrderDue) -> Vec<ChargePaid> {
        let of_charge = |at: usize| {
            let takes = self.takes.iter().filter(|take| take.by_charge[at].is_positive());
            takes.map(|take| take.payer.part(account, take.by_charge[at])).collect()
        };
        let charges = due.charges.iter().enumerate();
        charges.map(|(at, charge)| ChargePaid { charge_id: charge.charge_id.clone(), parts: of_charge(at) }).collect()
    }
}

impl Payer {
    fn part(self, account: &AccountMoney, amount: Money) -> PaidPart {
        let (source, source_id) = match self {
            Self::Voucher(at) => {
                let row = &account.vouchers[at].row;
                (source_of(row.kind), Some(row.voucher_id.clone()))
            }
            Self::Fund(fund) => (fund.source(), None),
            Self::Credit => (PaymentSource::Credit, None),
            Self::External => (PaymentSource::External, None),
        };
        PaidPart { source, source_id, amount }
    }
}

/// A voucher that may pay something of this order.
struct Candidate<'a> {
    at: usize,
    voucher: &'a VoucherState,
    /// Positions of the charges that it may pay.
    scope: Vec<usize>,
}

fn candidates<'a>(account: &'a AccountMoney, due: &OrderDue) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    for (at, voucher) in account.vouchers.iter().enumerate() {
        let row = &voucher.row;
        let is_of_kind = row.order_kinds.is_empty() || row.order_kinds.iter().any(|kind| kind == due.kind.as_str());
        if row.currency != account.wallet.currency || !row.validity().holds(due.at) || !is_of_kind {
            continue;
        }
        let in_scope = due.charges.iter().enumerate().filter(|(_, charge)| voucher::reaches(row, charge));
        let scope: Vec<usize> = in_scope.map(|(at, _)| at).collect();
        let due_in_scope: Money = scope.iter().map(|at| due.charges[*at].due).sum();
        if due_in_scope >= row.min_amount {
            found.push(Candidate { at, voucher, scope });
        }
    }
    found
}

fn carry_out(moves: &mut Moves<'_>, order_id: &str, take: &Take) {
    let amount: Money = take.by_charge.iter().copied().sum();
    let PaidPart { source, source_id, amount } = take.payer.part(moves.account, amount);
    moves.line(order_id, PaymentKind::Payment, source, source_id.as_deref(), amount);
    match take.payer {
        Payer::Voucher(at) => moves.use_voucher(at, amount),
        Payer::Fund(fund) => moves.spend(fund, amount),
        Payer::Credit => moves.account.wallet.credit_used += amount,
        Payer::External => moves.post_receivable(LedgerAccount::Cash, amount),
    }
}

//! Vouchers: which may pay for what, and which goes first.
//!
//! Owns: scope, validity and minimum amount; the profile's order; how a voucher spreads over the charges of a settlement.
//! Does not own: payment lines and legs.
//! Promises: a voucher pays at most what remains of it and at most what is due in its scope; the result does not depend on
//! the order in which vouchers are stored.

use super::{ChargeDue, VoucherState};
use crate::number::Money;
use crate::profile::VoucherOrder;
use crate::table::{VoucherKind, VoucherRow};
use crate::time::Instant;
use std::cmp::Reverse;

/// What vouchers are asked to pay: some profiles order them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// What was used: a settlement.
    Use,
    /// An order or a renewal.
    Order,
}

/// A charge and what is left to pay of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeLeft<'a> {
    /// The charge.
    pub charge: &'a ChargeDue,
    /// Above or equal 0.
    pub left: Money,
}

/// Whether a voucher may pay for a charge of a settlement: alive when the use began, and nothing narrows it to something
/// else. Its minimum amount is a matter of the whole settlement.
///
/// A voucher for some kinds of orders does not pay for use. One for some regions does not pay for what has none.
pub fn fits(row: &VoucherRow, charge: &ChargeDue) -> bool {
    row.validity().holds(charge.window_start) && row.order_kinds.is_empty() && reaches(row, charge)
}

/// Whether a voucher may pay for what the charge is for, whenever and by whatever order it was bought.
pub(super) fn reaches(row: &VoucherRow, charge: &ChargeDue) -> bool {
    let holds = |list: &[String], value: &String| list.is_empty() || list.contains(value);
    row.kind != VoucherKind::Discount
        && holds(&row.products, &charge.product)
        && holds(&row.skus, &charge.sku)
        && (row.modes.is_empty() || row.modes.contains(&charge.billing_mode))
        && (row.regions.is_empty() || charge.region.as_ref().is_some_and(|region| row.regions.contains(region)))
}

/// Where a voucher stands in the profile's order, lowest first. `deductible` is what it could pay here: the smaller of what
/// remains of it and what is due in its scope.
pub fn rank(order: VoucherOrder, spending: Spending, voucher: &VoucherState, deductible: Money) -> impl Ord + use<> {
    let row = &voucher.row;
    let remaining = voucher.remaining().e8();
    let by_expiry = |scope: bool, most: i64, least: i64| (scope, Reverse(0), row.valid_to, Reverse(most), least);
    // A stored-value card is money: what narrows it does not put it first.
    let rank = match (row.kind, order, spending) {
        (VoucherKind::StoredValue, _, _) => by_expiry(false, remaining, 0),
        (_, VoucherOrder::ScopeThenExpiry, Spending::Use) => by_expiry(!row.is_scoped(), remaining, 0),
        (_, VoucherOrder::ScopeThenExpiry, Spending::Order) => (false, Reverse(remaining), row.valid_to, Reverse(remaining), 0),
        (_, VoucherOrder::ExpiryThenAvailable, _) => by_expiry(false, remaining, 0),
        (_, VoucherOrder::ExpiryThenDeductible, _) => by_expiry(false, deductible.e8(), remaining),
    };
    (rank, row.granted(), row.voucher_id.clone())
}

/// What vouchers pay of a settlement: (position of the voucher, amount), in the order used. `charges` keep what is left.
///
/// Kinds pay in their order: vouchers, flexi coupons, stored value. Within a kind the profile's order rules. A voucher pays
/// its charges in the order given (by charge_id); one without a scope leaves those for last that a scoped voucher still
/// waiting could pay.
pub fn pay(
    vouchers: &[VoucherState],
    currency: &str,
    charges: &mut [ChargeLeft<'_>],
    order: VoucherOrder,
) -> Vec<(usize, Money)> {
    let mut waiting = candidates(vouchers, currency, charges);
    let mut paid = Vec::new();
    loop {
        let deductible = |candidate: &Candidate<'_>| candidate.voucher.remaining().min(candidate.due(charges));
        waiting.retain(|candidate| deductible(candidate).is_positive());
        let first = waiting.iter().enumerate().min_by_key(|(_, candidate)| {
            (candidate.voucher.row.kind, rank(order, Spending::Use, candidate.voucher, deductible(candidate)))
        });
        let Some((first, _)) = first else {
            return paid;
        };
        let candidate = waiting.remove(first);
        let amount = deductible(&candidate);
        candidate.take(amount, charges, &waiting);
        paid.push((candidate.at, amount));
    }
}

/// A voucher that may pay something here.
struct Candidate<'a> {
    at: usize,
    voucher: &'a VoucherState,
    /// Positions of the charges that it may pay.
    scope: Vec<usize>,
}

fn candidates<'a>(vouchers: &'a [VoucherState], currency: &str, charges: &[ChargeLeft<'_>]) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    for (at, voucher) in vouchers.iter().enumerate() {
        if voucher.row.currency != currency || !voucher.remaining().is_positive() {
            continue;
        }
        let in_scope = charges.iter().enumerate().filter(|(_, charge)| fits(&voucher.row, charge.charge));
        let candidate = Candidate { at, voucher, scope: in_scope.map(|(at, _)| at).collect() };
        // The minimum is compared once, with what is due before any voucher pays.
        if candidate.due(charges) >= voucher.row.min_amount {
            found.push(candidate);
        }
    }
    found
}

impl Candidate<'_> {
    /// What is due in its scope.
    fn due(&self, charges: &[ChargeLeft<'_>]) -> Money {
        self.scope.iter().map(|at| charges[*at].left).sum()
    }

    fn take(&self, amount: Money, charges: &mut [ChargeLeft<'_>], waiting: &[Candidate<'_>]) {
        let mut scope = self.scope.clone();
        if !self.voucher.row.is_scoped() {
            let is_awaited = |at: &usize| waiting.iter().any(|other| other.voucher.row.is_scoped() && other.scope.contains(at));
            scope.sort_by_key(is_awaited);
        }
        let mut left = amount;
        for at in scope {
            let part = left.min(charges[at].left);
            charges[at].left -= part;
            left -= part;
        }
        debug_assert!(left.is_zero(), "a voucher pays at most what is due in its scope");
    }
}

/// The instant at which a voucher can no longer pay has come.
pub fn is_expired(row: &VoucherRow, at: Instant) -> bool {
    row.valid_to <= at
}

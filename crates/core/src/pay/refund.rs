//! Where a negative difference goes: off what is outstanding, then back to what paid, last used first. And what has become of
//! what an order had on credit or on an invoice.
//!
//! Owns: reading from earlier payment lines what each source paid for each settlement and still holds of it.
//! Promises: no source gets back more than it paid less what it got back before; the same lines always read the same.
//!
//! *What paid* is told by the lines alone, replayed in the order recorded. A payment or repayment fills a slot (settlement,
//! source, voucher); a refund empties slots in the order in which it was made; repaid credit turns slots of credit into slots
//! of the money that repaid it, oldest first. Slots of orders stand apart: no difference in use goes back to them, and what an
//! order gives back empties slots of orders only.

use super::moves::{Fund, Moves};
use super::voucher::is_expired;
use super::waterfall::fund_order;
use super::{AccountMoney, PaymentKind, PaymentLine, PaymentSource, SettlementDue};
use crate::ledger::LedgerAccount;
use crate::life::PaidPart;
use crate::number::Money;
use crate::profile::FundOrder;
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Gives back `amount` (above 0) of a settlement that came to less than nothing. Hands back how much of it was taken off
/// what is outstanding.
pub(super) fn give_back(moves: &mut Moves<'_>, due: &SettlementDue, amount: Money, order: FundOrder) -> Money {
    let cancelled = moves.cancel_open(&cancel_order(moves.account, due), amount);

    let parts = last_used_first(moves.account, due, amount - cancelled, order);
    for part in &parts {
        return_to(moves, &due.settlement_id, due.effective_at, part);
    }
    repay_with_returned(moves, &due.settlement_id, order);
    cancelled
}

/// Money that came back to the wallet by this event repays at once.
pub(super) fn repay_with_returned(moves: &mut Moves<'_>, paid_for: &str, order: FundOrder) {
    let returned = fund_order(order).map(|fund| {
        let is_returned = |line: &&PaymentLine| line.kind == PaymentKind::Refund && line.source == fund.source();
        (fund, moves.lines.iter().filter(is_returned).map(|line| -line.amount).sum())
    });
    moves.repay(&returned, paid_for);
}

/// What is outstanding of the same windows first, then the rest of the billing period, oldest first.
fn cancel_order(account: &AccountMoney, due: &SettlementDue) -> Vec<usize> {
    let mut order = Vec::new();
    for (at, open) in account.open.iter().enumerate() {
        // A chargeback is of no period: a cheaper hour does not undo it.
        let is_charge = !open.billing_period.is_empty();
        if is_charge && (open.at == due.at || open.billing_period == due.billing_period) {
            order.push((open.at != due.at, at));
        }
    }
    order.sort_unstable();
    order.into_iter().map(|(_, at)| at).collect()
}

/// Returns one part to its source. A voucher that has expired by `effective_at` gets nothing: its part is forfeit.
pub(super) fn return_to(moves: &mut Moves<'_>, paid_for: &str, effective_at: Instant, part: &PaidPart) {
    let PaidPart { source, ref source_id, amount } = *part;
    let mut kind = PaymentKind::Refund;
    match source {
        PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => {
            let is_named = |row_id: &String| source_id.as_ref() == Some(row_id);
            let found = moves.account.vouchers.iter().position(|voucher| is_named(&voucher.row.voucher_id));
            let at = found.expect("an account's vouchers come with its payments");
            if is_expired(&moves.account.vouchers[at].row, effective_at) {
                kind = PaymentKind::Forfeit;
                moves.post_receivable(LedgerAccount::Vouchers, -amount);
            } else {
                moves.use_voucher(at, -amount);
            }
        }
        PaymentSource::Balance => moves.spend(Fund::Cash, -amount),
        PaymentSource::Grant => moves.spend(Fund::Granted, -amount),
        PaymentSource::Credit => moves.account.wallet.credit_used -= amount,
        PaymentSource::External => moves.post_receivable(LedgerAccount::Cash, -amount),
    }
    moves.line(paid_for, kind, source, source_id.as_deref(), -amount);
}

/// Splits `amount` over what paid, one part per source and voucher, in the order in which they are reached.
fn last_used_first(account: &AccountMoney, due: &SettlementDue, amount: Money, order: FundOrder) -> Vec<PaidPart> {
    let mut slots = Slots::replay(account, &due.billing_period, order);
    let order = slots.return_order(due.at, &due.billing_period);
    let mut parts = Vec::new();
    let left = slots.take(&order, amount, &mut parts);
    // More comes back than was ever paid: what was given up (a write-off) became cheaper afterwards.
    add(&mut parts, PaymentSource::Balance, None, left);
    parts
}

/// What goes back of amounts that orders had on credit or on an invoice, by the orders that were paid: credit that is still in
/// use lowers it, what was repaid since goes back to what repaid it.
pub(super) fn what_became(account: &AccountMoney, wanted: &BTreeMap<&str, Money>, order: FundOrder) -> Vec<PaidPart> {
    let mut slots = Slots::replay(account, "", order);
    let mut parts = Vec::new();
    let mut left = Money::ZERO;
    for (order_id, amount) in wanted {
        let of_order = slots.later_of(|settled| settled.paid_for == *order_id);
        left += slots.take(&of_order, *amount, &mut parts);
    }
    // A refund does not say which order it gave back: it may have been read as that of another one.
    let of_orders = slots.later_of(|settled| settled.is_order);
    let left = slots.take(&of_orders, left, &mut parts);

    // Lines may not be at hand: then it is credit as far as some is in use, and was repaid with cash beyond that.
    let from_credit: Money = parts.iter().filter(|part| part.source == PaymentSource::Credit).map(|part| part.amount).sum();
    let on_credit = left.min(account.wallet.credit_used - from_credit);
    add(&mut parts, PaymentSource::Credit, None, on_credit);
    add(&mut parts, PaymentSource::Balance, None, left - on_credit);
    parts
}

/// Adds to the part of the same source and voucher, or makes one. 0 adds nothing.
pub(super) fn add(parts: &mut Vec<PaidPart>, source: PaymentSource, source_id: Option<&str>, amount: Money) {
    if amount.is_zero() {
        return;
    }
    match parts.iter_mut().find(|part| part.source == source && part.source_id.as_deref() == source_id) {
        Some(part) => part.amount += amount,
        None => parts.push(PaidPart { source, source_id: source_id.map(str::to_owned), amount }),
    }
}

/// What one source paid for one settlement and has not got back.
struct Slot {
    settlement: usize,
    source: PaymentSource,
    voucher: Option<String>,
    /// Whether it paid what was on credit or outstanding before.
    is_later: bool,
    left: Money,
}

/// A settlement or order that lines pay for.
struct Settled<'a> {
    paid_for: &'a str,
    at: Instant,
    is_order: bool,
    /// Nothing: of the event's period.
    billing_period: Option<String>,
}

struct Slots<'a> {
    settlements: Vec<Settled<'a>>,
    slots: Vec<Slot>,
    order: FundOrder,
}

impl<'a> Slots<'a> {
    fn replay(account: &'a AccountMoney, billing_period: &str, order: FundOrder) -> Self {
        let mut slots = Self { settlements: Vec::new(), slots: Vec::new(), order };
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &account.paid {
            let settlement = *known.entry(&line.paid_for).or_insert_with(|| {
                let found = account.settled.get(&line.paid_for);
                let at = found.map_or(line.at, |settled| settled.at);
                let billing_period = found.map(|settled| settled.billing_period.clone());
                let is_order = account.orders.contains(&line.paid_for);
                slots.settlements.push(Settled { paid_for: &line.paid_for, at, is_order, billing_period });
                slots.settlements.len() - 1
            });
            let repays_credit = line.kind == PaymentKind::Repayment && line.source_id.as_ref() == Some(&line.paid_for);
            match line.kind {
                PaymentKind::Repayment if repays_credit && line.amount.is_negative() => {}
                PaymentKind::Repayment if repays_credit => slots.repay_credit(line.source, line.amount),
                PaymentKind::Payment | PaymentKind::Repayment => slots.fill(settlement, line),
                PaymentKind::Refund | PaymentKind::Forfeit => slots.empty(settlement, line, billing_period),
            }
        }

        // Lines that repaid credit may not be at hand: then it was cash.
        let on_credit: Money = slots.slots.iter().filter(|slot| slot.source == PaymentSource::Credit).map(|slot| slot.left).sum();
        if on_credit > account.wallet.credit_used {
            slots.repay_credit(PaymentSource::Balance, on_credit - account.wallet.credit_used);
        }
        slots
    }

    fn fill(&mut self, settlement: usize, line: &PaymentLine) {
        let is_voucher = matches!(line.source, PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue);
        // The source_id of a repayment is the entry that brought the money: it does not matter here.
        let voucher = if is_voucher { line.source_id.clone() } else { None };
        let is_later = line.kind == PaymentKind::Repayment;
        self.slots.push(Slot { settlement, source: line.source, voucher, is_later, left: line.amount });
    }

    /// Credit of the oldest settlements was repaid from this source.
    fn repay_credit(&mut self, source: PaymentSource, amount: Money) {
        let mut left = amount;
        for at in 0..self.slots.len() {
            let slot = &mut self.slots[at];
            if slot.source != PaymentSource::Credit {
                continue;
            }
            let part = left.min(slot.left);
            let settlement = slot.settlement;
            slot.left -= part;
            left -= part;
            if part.is_positive() {
                self.slots.push(Slot { settlement, source, voucher: None, is_later: true, left: part });
            }
        }
    }

    /// Takes out what an earlier refund returned, in the order in which it did. Of orders, what they paid at once goes before
    /// what paid them later, so that the latter is never short of what is still to come back of it.
    fn empty(&mut self, settlement: usize, line: &PaymentLine, current_period: &str) {
        let Settled { at, is_order, billing_period, .. } = &self.settlements[settlement];
        let order = if *is_order {
            let mut order = self.newest_first(|_, settled| settled.is_order);
            order.sort_by_key(|at| self.slots[*at].is_later);
            order
        } else {
            self.return_order(*at, billing_period.as_deref().unwrap_or(current_period))
        };
        let mut left = -line.amount;
        for slot in order {
            let slot = &mut self.slots[slot];
            if slot.source == line.source && (slot.voucher.is_none() || slot.voucher == line.source_id) {
                let part = left.min(slot.left);
                slot.left -= part;
                left -= part;
            }
        }
    }

    /// The slots that a difference may go back to: those of its own instant, then those of its period, newest first; within
    /// a settlement last used first.
    fn return_order(&self, at: Instant, billing_period: &str) -> Vec<usize> {
        let is_own = |settled: &Settled<'_>| settled.at == at;
        let may_return = |settled: &Settled<'_>| match settled.billing_period.as_deref() {
            Some("") => false, // a chargeback
            Some(period) => is_own(settled) || period == billing_period,
            None => true,
        };
        let mut order = self.newest_first(|_, settled| may_return(settled) && !settled.is_order);
        order.sort_by_key(|at| !is_own(&self.settlements[self.slots[*at].settlement]));
        order
    }

    /// The slots of what these had on credit or on an invoice.
    fn later_of(&self, is_wanted: impl Fn(&Settled<'_>) -> bool) -> Vec<usize> {
        self.newest_first(|slot, settled| (slot.is_later || slot.source == PaymentSource::Credit) && is_wanted(settled))
    }

    /// The slots that hold something and are wanted: of the newest settlement first, within it last used first.
    fn newest_first(&self, is_wanted: impl Fn(&Slot, &Settled<'_>) -> bool) -> Vec<usize> {
        let holds = |slot: &Slot| slot.left.is_positive() && is_wanted(slot, &self.settlements[slot.settlement]);
        let mut order: Vec<usize> = (0..self.slots.len()).filter(|at| holds(&self.slots[*at])).collect();
        order.sort_by_key(|at| {
            let slot = &self.slots[*at];
            let newest = (Reverse(self.settlements[slot.settlement].at), Reverse(slot.settlement));
            (newest, waterfall_rank(self.order, slot.source), Reverse(*at))
        });
        order
    }

    /// Takes `amount` out of slots, in this order, and adds it to parts. Hands back what they did not hold.
    fn take(&mut self, order: &[usize], amount: Money, parts: &mut Vec<PaidPart>) -> Money {
        let mut left = amount;
        for at in order {
            let slot = &mut self.slots[*at];
            let part = left.min(slot.left);
            slot.left -= part;
            left -= part;
            add(parts, slot.source, slot.voucher.as_deref(), part);
        }
        left
    }
}

/// The waterfall backwards: what pays last gets back first.
pub(super) fn waterfall_rank(order: FundOrder, source: PaymentSource) -> usize {
    let [first, second] = fund_order(order);
    let backwards = [
        PaymentSource::Credit,
        PaymentSource::External,
        second.source(),
        first.source(),
        PaymentSource::StoredValue,
        PaymentSource::FlexiCoupon,
        PaymentSource::Voucher,
    ];
    backwards.iter().position(|other| *other == source).expect("the list names every source")
}

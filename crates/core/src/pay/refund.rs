//! Where a negative difference goes: off what is outstanding, then back to what paid, last used first.
//!
//! Owns: reading from earlier payment lines what each source paid for each settlement and still holds of it.
//! Promises: no source gets back more than it paid less what it got back before; the same lines always read the same.
//!
//! *What paid* is told by the lines alone, replayed in the order recorded. A payment or repayment fills a slot (settlement,
//! source, voucher); a refund empties slots in the order in which it was made; repaid credit turns slots of credit into slots
//! of the money that repaid it, oldest first.

use super::moves::{Fund, Moves};
use super::voucher::is_expired;
use super::waterfall::fund_order;
use super::{AccountMoney, PaymentKind, PaymentLine, PaymentSource, SettlementDue};
use crate::ledger::LedgerAccount;
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
    for (source, source_id, part) in parts {
        return_to(moves, due, source, source_id.as_deref(), part);
    }

    let returned = fund_order(order).map(|fund| {
        let is_returned = |line: &&PaymentLine| line.kind == PaymentKind::Refund && line.source == fund.source();
        (fund, moves.lines.iter().filter(is_returned).map(|line| -line.amount).sum())
    });
    moves.repay(&returned, &due.settlement_id);
    cancelled
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

/// Returns one part to its source.
fn return_to(moves: &mut Moves<'_>, due: &SettlementDue, source: PaymentSource, source_id: Option<&str>, amount: Money) {
    let mut kind = PaymentKind::Refund;
    match source {
        PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => {
            let is_named = |row_id: &str| Some(row_id) == source_id;
            let found = moves.account.vouchers.iter().position(|voucher| is_named(&voucher.row.voucher_id));
            let at = found.expect("an account's vouchers come with its payments");
            if is_expired(&moves.account.vouchers[at].row, due.effective_at) {
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
    moves.line(&due.settlement_id, kind, source, source_id, -amount);
}

/// A source, its voucher if it is one, and how much of it.
type Part = (PaymentSource, Option<String>, Money);

/// Splits `amount` over what paid, one part per source and voucher, in the order in which they are reached.
fn last_used_first(account: &AccountMoney, due: &SettlementDue, amount: Money, order: FundOrder) -> Vec<Part> {
    let mut slots = Slots::replay(account, &due.billing_period, order);
    let mut parts: Vec<Part> = Vec::new();
    let mut add = |source: PaymentSource, voucher: Option<String>, amount: Money| {
        let same = parts.iter_mut().find(|(other, id, _)| *other == source && *id == voucher);
        match same {
            Some((_, _, sum)) => *sum += amount,
            None => parts.push((source, voucher, amount)),
        }
    };
    let mut left = amount;
    for at in slots.return_order(due.at, &due.billing_period) {
        let slot = &mut slots.slots[at];
        let part = left.min(slot.left);
        if part.is_positive() {
            slot.left -= part;
            left -= part;
            add(slot.source, slot.voucher.clone(), part);
        }
    }
    // More comes back than was ever paid: what was given up (a write-off) became cheaper afterwards.
    if left.is_positive() {
        add(PaymentSource::Balance, None, left);
    }
    parts
}

/// What one source paid for one settlement and has not got back.
struct Slot {
    settlement: usize,
    source: PaymentSource,
    voucher: Option<String>,
    left: Money,
}

/// A settlement that lines pay for.
struct Settled {
    at: Instant,
    /// Nothing: of the event's period.
    billing_period: Option<String>,
}

struct Slots {
    settlements: Vec<Settled>,
    slots: Vec<Slot>,
    order: FundOrder,
}

impl Slots {
    fn replay(account: &AccountMoney, billing_period: &str, order: FundOrder) -> Self {
        let mut slots = Self { settlements: Vec::new(), slots: Vec::new(), order };
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &account.paid {
            let settlement = *known.entry(&line.paid_for).or_insert_with(|| {
                let found = account.settled.get(&line.paid_for);
                let at = found.map_or(line.at, |settled| settled.at);
                slots.settlements.push(Settled { at, billing_period: found.map(|settled| settled.billing_period.clone()) });
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
        self.slots.push(Slot { settlement, source: line.source, voucher, left: line.amount });
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
                self.slots.push(Slot { settlement, source, voucher: None, left: part });
            }
        }
    }

    /// Takes out what an earlier refund returned, in the order in which it did.
    fn empty(&mut self, settlement: usize, line: &PaymentLine, current_period: &str) {
        let at = self.settlements[settlement].at;
        let billing_period = self.settlements[settlement].billing_period.clone().unwrap_or_else(|| current_period.to_owned());
        let mut left = -line.amount;
        for slot in self.return_order(at, &billing_period) {
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
        let is_own = |slot: &Slot| self.settlements[slot.settlement].at == at;
        let is_of_period = |slot: &Slot| {
            let period = self.settlements[slot.settlement].billing_period.as_deref();
            period.is_none_or(|period| period == billing_period)
        };
        let is_chargeback = |slot: &Slot| self.settlements[slot.settlement].billing_period.as_deref() == Some("");
        let mut order: Vec<usize> = (0..self.slots.len())
            .filter(|slot| is_own(&self.slots[*slot]) || is_of_period(&self.slots[*slot]))
            .filter(|slot| !is_chargeback(&self.slots[*slot]) && self.slots[*slot].left.is_positive())
            .collect();
        order.sort_by_key(|at| {
            let slot = &self.slots[*at];
            let newest = (Reverse(self.settlements[slot.settlement].at), Reverse(slot.settlement));
            (!is_own(slot), newest, self.waterfall_rank(slot.source), Reverse(*at))
        });
        order
    }

    /// The waterfall backwards: what pays last gets back first.
    fn waterfall_rank(&self, source: PaymentSource) -> usize {
        let [first, second] = fund_order(self.order);
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
}

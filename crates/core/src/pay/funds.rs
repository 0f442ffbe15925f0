//! Funds entries: money in, out or put right, and what of it repays at once.
//!
//! An entry that cannot be carried out whole is refused whole: nothing moves.

use super::moves::{Fund, Moves};
use super::{FundsOutcome, SettledRef};
use crate::ledger::LedgerAccount;
use crate::number::Money;
use crate::table::{FundsKind, FundsRow};

/// Carries out one entry, or says why not.
pub(super) fn enter(moves: &mut Moves<'_>, row: &FundsRow) -> FundsOutcome {
    if let Some(refusal) = refusal(moves, row) {
        return FundsOutcome::Refused(refusal);
    }

    match row.kind {
        FundsKind::TopUp => bring(moves, Fund::Cash, LedgerAccount::Cash, row),
        FundsKind::Grant => bring(moves, Fund::Granted, LedgerAccount::Vouchers, row),
        FundsKind::Adjustment if row.amount.is_negative() => moves.fill(Fund::Cash, LedgerAccount::Suspense, row.amount),
        FundsKind::Adjustment => bring(moves, Fund::Cash, LedgerAccount::Suspense, row),
        FundsKind::Withdrawal => moves.fill(Fund::Cash, LedgerAccount::Cash, -row.amount),
        FundsKind::WriteOff => {
            let oldest_first: Vec<usize> = (0..moves.account.open.len()).collect();
            let cancelled = moves.cancel_open(&oldest_first, row.amount);
            moves.post_receivable(LedgerAccount::WriteOff, cancelled);
        }
        FundsKind::Chargeback => charge_back(moves, row),
    }
    FundsOutcome::Done
}

fn refusal(moves: &Moves<'_>, row: &FundsRow) -> Option<String> {
    let wallet = &moves.account.wallet;
    let outstanding = moves.account.outstanding();
    if row.currency != wallet.currency {
        return Some(format!("the entry is in `{}`, the account in `{}`", row.currency, wallet.currency));
    }
    if row.amount.is_negative() && row.kind != FundsKind::Adjustment {
        return Some(format!("the amount `{}` is below 0, which only an adjustment may be", row.amount.trimmed()));
    }
    match row.kind {
        FundsKind::Withdrawal if row.amount > wallet.balance => Some(beyond("withdrawal", row.amount, "cash", wallet.balance)),
        FundsKind::Adjustment if -row.amount > wallet.balance => {
            Some(beyond("adjustment downwards", -row.amount, "cash", wallet.balance))
        }
        FundsKind::WriteOff if row.amount > outstanding => {
            Some(beyond("write-off", row.amount, "outstanding amount", outstanding))
        }
        FundsKind::TopUp
        | FundsKind::Grant
        | FundsKind::Withdrawal
        | FundsKind::Adjustment
        | FundsKind::WriteOff
        | FundsKind::Chargeback => None,
    }
}

fn beyond(what: &str, amount: Money, limit_name: &str, limit: Money) -> String {
    let excess = (amount - limit).trimmed();
    format!("the {what} of `{}` passes the {limit_name} of `{}` by `{excess}`", amount.trimmed(), limit.trimmed())
}

fn bring(moves: &mut Moves<'_>, fund: Fund, from: LedgerAccount<'_>, row: &FundsRow) {
    moves.fill(fund, from, row.amount);
    moves.repay(&[(fund, row.amount)], &row.entry_id);
}

/// What was collected has to be given back outside: cash covers it, and what is missing is owed again.
fn charge_back(moves: &mut Moves<'_>, row: &FundsRow) {
    let cash = row.amount.min(moves.account.wallet.balance);
    moves.fill(Fund::Cash, LedgerAccount::Cash, -cash);
    let missing = row.amount - cash;
    moves.post_receivable(LedgerAccount::Cash, -missing);
    moves.open(&row.entry_id, SettledRef { at: row.at, billing_period: String::new() }, missing);
    moves.starts_arrears = missing.is_positive();
}

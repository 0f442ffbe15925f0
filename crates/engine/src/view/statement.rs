//! The statement of an account: every movement of its wallet, cash and granted money together, with the balance after it.
//!
//! Reads: the funds entries that took effect, and the payment lines. What stands on them is what moved: the last balance of
//! an account is its wallet's. Movements of one instant stand in the order of the timeline: money in and what it repays,
//! settlements, orders, withdrawals.

use reckoner_core::number::Money;
use reckoner_core::pay::{PaymentKind, PaymentLine, PaymentSource};
use reckoner_core::table::FundsKind;
use reckoner_core::time::Instant;
use reckoner_store::FundsEntry;
use std::collections::{BTreeMap, HashMap, HashSet};

/// One movement of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Whose.
    pub account_id: String,
    /// When it took effect.
    pub at: Instant,
    /// `top_up` and the other kinds of funds, `settlement`, `order`, `repayment`.
    pub kind: &'static str,
    /// The entry, settlement or order.
    pub reference: String,
    /// Below 0: out of the wallet.
    pub amount: Money,
    /// Cash and granted money after it.
    pub balance_after: Money,
}

/// What orders movements: instant, rank, cause, what follows from it, kind, reference.
type Place = (Instant, u8, String, u8, &'static str, String);

/// The movements of every account that these entries and lines are of, by account, then in the order of the timeline.
///
/// `order_ids` tells what was paid for an order from what was paid for a settlement; `charged_back` is how much of each
/// chargeback the cash covered, by entry: the rest of it is owed again and moved no money here.
pub fn statement(
    funds: &[FundsEntry],
    payments: &[PaymentLine],
    order_ids: &HashSet<String>,
    charged_back: &HashMap<String, Money>,
) -> Vec<Movement> {
    let mut by_account: BTreeMap<&str, BTreeMap<Place, Money>> = BTreeMap::new();
    let entries: HashMap<&str, &FundsEntry> = funds.iter().map(|entry| (entry.row.entry_id.as_str(), entry)).collect();
    for entry in funds.iter().filter(|entry| entry.status == "done") {
        let row = &entry.row;
        let place = (row.at, rank_of(row.kind), row.entry_id.clone(), 0, row.kind.as_str(), row.entry_id.clone());
        by_account.entry(&row.account_id).or_default().insert(place, moved_by(entry, charged_back));
    }
    let of_wallet = |line: &&PaymentLine| matches!(line.source, PaymentSource::Balance | PaymentSource::Grant);
    for line in payments.iter().filter(of_wallet) {
        let cause = match line.kind {
            PaymentKind::Repayment => line.source_id.as_ref().unwrap_or(&line.paid_for),
            PaymentKind::Payment | PaymentKind::Refund | PaymentKind::Forfeit => &line.paid_for,
        };
        let rank = match entries.get(cause.as_str()) {
            Some(entry) => rank_of(entry.row.kind),
            None if order_ids.contains(cause) => 3,
            None => 2,
        };
        let (follows, kind) = match line.kind {
            PaymentKind::Repayment => (1, "repayment"),
            _ if order_ids.contains(&line.paid_for) => (0, "order"),
            PaymentKind::Payment | PaymentKind::Refund | PaymentKind::Forfeit => (0, "settlement"),
        };
        let place = (line.at, rank, cause.clone(), follows, kind, line.paid_for.clone());
        *by_account.entry(&line.account_id).or_default().entry(place).or_insert(Money::ZERO) -= line.amount;
    }
    by_account.into_iter().flat_map(|(account_id, moved)| with_balances(account_id, moved)).collect()
}

/// Money in, then, after settlements and orders, withdrawals.
fn rank_of(kind: FundsKind) -> u8 {
    match kind {
        FundsKind::TopUp | FundsKind::Grant | FundsKind::Adjustment | FundsKind::WriteOff | FundsKind::Chargeback => 1,
        FundsKind::Withdrawal => 4,
    }
}

fn moved_by(entry: &FundsEntry, charged_back: &HashMap<String, Money>) -> Money {
    let row = &entry.row;
    match row.kind {
        FundsKind::TopUp | FundsKind::Grant | FundsKind::Adjustment => row.amount,
        FundsKind::Withdrawal => -row.amount,
        // It takes off what is owed, and moves no money of the customer's.
        FundsKind::WriteOff => Money::ZERO,
        FundsKind::Chargeback => -charged_back.get(&row.entry_id).copied().unwrap_or(Money::ZERO),
    }
}

fn with_balances(account_id: &str, moved: BTreeMap<Place, Money>) -> Vec<Movement> {
    let mut balance = Money::ZERO;
    let moved = moved.into_iter().filter(|(_, amount)| !amount.is_zero());
    let one = |((at, _, _, _, kind, reference), amount): (Place, Money)| {
        balance += amount;
        Movement { account_id: account_id.to_owned(), at, kind, reference, amount, balance_after: balance }
    };
    moved.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;
    use reckoner_core::table::FundsRow;

    fn money(text: &str) -> Money {
        Money::parse_signed(text).expect("an amount")
    }

    fn instant(hour: u32) -> Instant {
        at(&format!("2026-01-05T{hour:02}:00:00+08:00"))
    }

    fn entry(id: &str, kind: FundsKind, amount: &str, hour: u32, status: &str) -> FundsEntry {
        let row = FundsRow {
            entry_id: id.to_owned(),
            account_id: "a".to_owned(),
            kind,
            amount: money(amount),
            at: instant(hour),
            currency: "CNY".to_owned(),
            note: None,
        };
        FundsEntry { row, status: status.to_owned(), refusal: None }
    }

    fn line(paid_for: &str, kind: PaymentKind, source: PaymentSource, cause: &str, amount: &str, hour: u32) -> PaymentLine {
        PaymentLine {
            payment_id: String::new(),
            account_id: "a".to_owned(),
            paid_for: paid_for.to_owned(),
            seq: 1,
            kind,
            source,
            source_id: (!cause.is_empty()).then(|| cause.to_owned()),
            amount: money(amount),
            currency: "CNY".to_owned(),
            at: instant(hour),
        }
    }

    #[test]
    fn movements_stand_in_the_order_of_the_timeline_and_add_up() {
        use FundsKind::{Chargeback, Grant, TopUp, Withdrawal, WriteOff};
        use PaymentKind::{Payment, Refund, Repayment};
        use PaymentSource::{Balance, Credit, Voucher};
        let funds = [
            entry("f-out", Withdrawal, "10", 3, "done"),
            entry("f-in", TopUp, "100", 3, "done"),
            entry("f-gift", Grant, "5", 1, "done"),
            entry("f-no", Withdrawal, "999", 2, "refused"),
            entry("f-later", TopUp, "7", 9, "pending"),
            entry("f-off", WriteOff, "3", 4, "done"),
            entry("f-back", Chargeback, "80", 5, "done"),
        ];
        let payments = [
            line("se-3", Payment, Balance, "", "20", 3),
            line("se-3", Payment, PaymentSource::Grant, "", "2", 3), // with the line above one movement
            line("se-3", Payment, Voucher, "v", "50", 3),            // not of the wallet
            line("ord-1", Payment, Balance, "", "30", 3),
            line("se-1", Repayment, Balance, "f-in", "6", 3),
            line("f-in", Repayment, Credit, "f-in", "-6", 3),
            line("ord-2", Refund, Balance, "", "-15", 4),
        ];
        let orders = HashSet::from(["ord-1".to_owned(), "ord-2".to_owned()]);
        let charged_back = HashMap::from([("f-back".to_owned(), money("52"))]);
        let moved = statement(&funds, &payments, &orders, &charged_back);
        let shown: Vec<String> = moved
            .iter()
            .map(|one| format!("{} {} {} {}", one.kind, one.reference, one.amount.to_text(0), one.balance_after.to_text(0)))
            .collect();
        let expected = [
            "grant f-gift 5 5",
            "top_up f-in 100 105",
            "repayment se-1 -6 99",
            "settlement se-3 -22 77",
            "order ord-1 -30 47",
            "withdrawal f-out -10 37",
            "order ord-2 15 52",
            "chargeback f-back -52 0",
        ];
        assert_eq!(shown, expected);
    }
}

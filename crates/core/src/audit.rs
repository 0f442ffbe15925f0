//! Audits: the equations that must hold, each a small function that answers with what is wrong.
//!
//! Owns: the equations. Does not own: where the numbers come from, what is done about a finding.
//! Promises: a finding names the thing, both numbers and the difference; no finding means that the equation holds to the
//! last digit. Sums are formed in 128 bits, so that no audit fails on what it audits.

use crate::ledger::Transaction;
use crate::number::{MONEY_SCALE, Money, format_trimmed};
use crate::pay::{SettlementTotals, VoucherState, Wallet};
use std::fmt;

/// An equation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `charge ch_6b1f…`.
    pub subject: String,
    /// What was asserted: `due = list - discount - truncated`.
    pub law: &'static str,
    /// What is written.
    pub stated: String,
    /// What it should be, from the other side of the equation.
    pub computed: String,
    /// Stated less computed.
    pub difference: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, law, stated, computed, difference } = self;
        write!(f, "{subject} breaks `{law}`: {stated} is stated, {computed} is computed, the difference is {difference}")
    }
}

/// The amounts of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChargeAmounts {
    /// At list price.
    pub list: Money,
    /// Taken off.
    pub discount: Money,
    /// Cut off; below 0 where a minimum lifted the charge.
    pub truncated: Money,
    /// What is asked for.
    pub due: Money,
}

/// How many rows a delivered file had and what came of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    /// Delivered.
    pub rows: u64,
    /// Took effect.
    pub accepted: u64,
    /// Known already.
    pub duplicates: u64,
    /// In quarantine.
    pub refused: u64,
}

/// A charge: `due = list - discount - truncated`.
pub fn check_charge(charge_id: &str, charge: ChargeAmounts) -> Option<Finding> {
    let computed = wide(charge.list) - wide(charge.discount) - wide(charge.truncated);
    compare_money(format!("charge `{charge_id}`"), "due = list - discount - truncated", wide(charge.due), computed)
}

/// A ledger transaction: its legs sum to 0.
pub fn check_legs(transaction: &Transaction) -> Option<Finding> {
    let sum = transaction.legs.iter().map(|leg| wide(leg.amount)).sum();
    compare_money(format!("transaction `{}`", transaction.transaction_id), "legs sum to 0", sum, 0)
}

/// A settlement: `due = its sources + outstanding`.
pub fn check_settlement(settlement_id: &str, totals: &SettlementTotals) -> Option<Finding> {
    let SettlementTotals { due, voucher, balance, granted, credit, external, outstanding } = *totals;
    let computed = [voucher, balance, granted, credit, external, outstanding].map(wide).iter().sum();
    let law = "due = voucher + balance + granted + credit + external + outstanding";
    compare_money(format!("settlement `{settlement_id}`"), law, wide(due), computed)
}

/// A wallet: nothing in it is below 0.
pub fn check_wallet(wallet: &Wallet) -> Vec<Finding> {
    let parts = [
        ("balance is not below 0", wallet.balance),
        ("granted is not below 0", wallet.granted),
        ("credit_used is not below 0", wallet.credit_used),
    ];
    let below = parts.into_iter().filter(|(_, amount)| amount.is_negative());
    below.filter_map(|(law, amount)| compare_money(format!("wallet of `{}`", wallet.account_id), law, wide(amount), 0)).collect()
}

/// A voucher: what it paid less what came back lies between 0 and its amount.
pub fn check_voucher(voucher: &VoucherState) -> Option<Finding> {
    let subject = format!("voucher `{}`", voucher.row.voucher_id);
    let (used, returned, amount) = (wide(voucher.used), wide(voucher.returned), wide(voucher.row.amount));
    if returned > used {
        return compare_money(subject, "returned is not above used", returned, used);
    }
    if used - returned > amount {
        return compare_money(subject, "used - returned is not above its amount", used - returned, amount);
    }
    None
}

/// An account's receivable in the ledger: what is outstanding and the credit in use.
pub fn check_receivable(account_id: &str, receivable: Money, outstanding: Money, credit_used: Money) -> Option<Finding> {
    let computed = wide(outstanding) + wide(credit_used);
    compare_money(format!("receivable of `{account_id}`"), "receivable = outstanding + credit_used", wide(receivable), computed)
}

/// A delivered file: every row was accepted, known already, or refused.
pub fn check_rows(file: &str, counts: RowCounts) -> Option<Finding> {
    let RowCounts { rows, accepted, duplicates, refused } = counts;
    let computed = [accepted, duplicates, refused].map(i128::from).iter().sum();
    compare(format!("file `{file}`"), "rows = accepted + duplicates + refused", i128::from(rows), computed, 0)
}

fn compare_money(subject: String, law: &'static str, stated: i128, computed: i128) -> Option<Finding> {
    compare(subject, law, stated, computed, MONEY_SCALE)
}

fn compare(subject: String, law: &'static str, stated: i128, computed: i128, scale: u32) -> Option<Finding> {
    if stated == computed {
        return None;
    }
    let text = |value| format_trimmed(value, scale);
    let difference = text(stated - computed);
    Some(Finding { subject, law, stated: text(stated), computed: text(computed), difference })
}

fn wide(amount: Money) -> i128 {
    i128::from(amount.e8())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::LedgerAccount;
    use crate::time::Instant;

    fn money(text: &str) -> Money {
        Money::parse_signed(text).unwrap()
    }

    fn sentence(finding: Option<Finding>) -> String {
        finding.map(|finding| finding.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_charge_ties_out_or_says_by_how_much_not() {
        let charge = |list, discount, truncated, due| {
            sentence(check_charge(
                "ch_1",
                ChargeAmounts { list: money(list), discount: money(discount), truncated: money(truncated), due: money(due) },
            ))
        };
        assert_eq!(charge("10", "2", "0.00000001", "7.99999999"), "");
        // a minimum lifts the charge: the cut-off is negative
        assert_eq!(charge("0.004", "0", "-0.006", "0.01"), "");
        assert_eq!(
            charge("10", "2", "0", "7.99999999"),
            "charge `ch_1` breaks `due = list - discount - truncated`: 7.99999999 is stated, 8 is computed, the difference is \
             -0.00000001"
        );
    }

    #[test]
    fn legs_that_do_not_sum_to_nothing_are_found() {
        let legs = vec![LedgerAccount::Cash.leg(money("5")), LedgerAccount::Suspense.leg(money("-4"))];
        let transaction = Transaction {
            transaction_id: "tx_1".to_owned(),
            at: Instant::from_seconds(0),
            currency: "CNY".to_owned(),
            description: "top_up".to_owned(),
            legs,
        };
        let expected = "transaction `tx_1` breaks `legs sum to 0`: 1 is stated, 0 is computed, the difference is 1";
        assert_eq!(sentence(check_legs(&transaction)), expected);
    }

    #[test]
    fn a_settlement_is_its_sources_and_what_is_outstanding() {
        let totals = SettlementTotals {
            due: money("10"),
            voucher: money("1"),
            balance: money("2"),
            granted: money("3"),
            credit: money("0.5"),
            external: money("0.25"),
            outstanding: money("3.25"),
        };
        assert_eq!(check_settlement("st_1", &totals), None);
        let short = SettlementTotals { outstanding: money("3"), ..totals };
        assert_eq!(check_settlement("st_1", &short).map(|finding| finding.difference), Some("0.25".to_owned()));
    }

    #[test]
    fn a_wallet_below_nothing_is_found() {
        let wallet = Wallet { balance: money("-1"), credit_used: money("-2"), ..Wallet::new("acme", "CNY") };
        let laws: Vec<_> = check_wallet(&wallet).into_iter().map(|finding| finding.law).collect();
        assert_eq!(laws, ["balance is not below 0", "credit_used is not below 0"]);
        assert_eq!(check_wallet(&Wallet::new("acme", "CNY")), []);
    }

    #[test]
    fn a_voucher_pays_at_most_its_amount() {
        let voucher = |used, returned| VoucherState {
            used: money(used),
            returned: money(returned),
            ..VoucherState::new(crate::pay::tests::voucher("v1", "20"))
        };
        assert_eq!(check_voucher(&voucher("20", "0")), None);
        assert_eq!(check_voucher(&voucher("25", "5")), None); // used, returned, used again
        assert_eq!(check_voucher(&voucher("20.01", "0")).map(|finding| finding.difference), Some("0.01".to_owned()));
        assert_eq!(check_voucher(&voucher("5", "6")).map(|finding| finding.law), Some("returned is not above used"));
    }

    #[test]
    fn the_receivable_is_what_is_outstanding_and_on_credit() {
        assert_eq!(check_receivable("acme", money("7"), money("4"), money("3")), None);
        let finding = check_receivable("acme", money("7"), money("4"), money("2"));
        assert_eq!(finding.map(|finding| finding.difference), Some("1".to_owned()));
    }

    #[test]
    fn every_row_is_accounted_for() {
        let counts = RowCounts { rows: 1_872, accepted: 1_870, duplicates: 1, refused: 1 };
        assert_eq!(check_rows("usage.csv", counts), None);
        let lost = RowCounts { rows: 1_873, ..counts };
        let expected = "file `usage.csv` breaks `rows = accepted + duplicates + refused`: 1873 is stated, 1872 is computed, \
                        the difference is 1";
        assert_eq!(sentence(check_rows("usage.csv", lost)), expected);
    }
}

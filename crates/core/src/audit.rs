//! Audits: the equations that must hold, each a small function that answers with what is wrong.
//!
//! Owns: the equations. Does not own: where the numbers come from, what is done about a finding.
//! Promises: a finding names the thing, both numbers and the difference; no finding means that the equation holds to the
//! last digit. Sums are formed in 128 bits, so that no audit fails on what it audits.

use crate::ledger::Transaction;
use crate::number::{MONEY_SCALE, Money, QUANTITY_SCALE, Quantity, format_trimmed};
use crate::pay::{SettlementTotals, VoucherState, Wallet};
use crate::table::VoucherKind;
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
    /// Stated less computed; empty where the two are no numbers.
    pub difference: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, law, stated, computed, difference } = self;
        write!(f, "{subject} breaks `{law}`: {stated} is stated, {computed} is computed")?;
        match difference.is_empty() {
            true => Ok(()),
            false => write!(f, ", the difference is {difference}"),
        }
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

/// The sums that a settlement states, or that its charges come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChargesSum {
    /// How many charges.
    pub charges: u64,
    /// Sum of their due amounts, at 1e-8.
    pub due_e8: i128,
}

/// A charge: `due = list - discount - truncated`.
pub fn check_charge(charge_id: &str, charge: ChargeAmounts) -> Option<Finding> {
    let computed = wide(charge.list) - wide(charge.discount) - wide(charge.truncated);
    compare_amounts(format!("charge `{charge_id}`"), "due = list - discount - truncated", wide(charge.due), computed)
}

/// A ledger transaction: its legs sum to 0.
pub fn check_legs(transaction: &Transaction) -> Option<Finding> {
    let sum = transaction.legs.iter().map(|leg| wide(leg.amount)).sum();
    compare_amounts(format!("transaction `{}`", transaction.transaction_id), "legs sum to 0", sum, 0)
}

/// A settlement: `due = its sources + outstanding`.
pub fn check_settlement(settlement_id: &str, totals: &SettlementTotals) -> Option<Finding> {
    let SettlementTotals { due, voucher, balance, granted, credit, external, outstanding } = *totals;
    let computed = [voucher, balance, granted, credit, external, outstanding].map(wide).iter().sum();
    let law = "due = voucher + balance + granted + credit + external + outstanding";
    compare_amounts(format!("settlement `{settlement_id}`"), law, wide(due), computed)
}

/// A wallet: nothing in it is below 0.
pub fn check_wallet(wallet: &Wallet) -> Vec<Finding> {
    let parts = [
        ("balance is not below 0", wallet.balance),
        ("granted is not below 0", wallet.granted),
        ("credit_used is not below 0", wallet.credit_used),
    ];
    let below = parts.into_iter().filter(|(_, amount)| amount.is_negative());
    below
        .filter_map(|(law, amount)| compare_amounts(format!("wallet of `{}`", wallet.account_id), law, wide(amount), 0))
        .collect()
}

/// A voucher: what it paid less what came back lies between 0 and its amount. Nothing comes back to a discount voucher; what
/// it took off is held against the orders.
pub fn check_voucher(voucher: &VoucherState) -> Option<Finding> {
    let subject = format!("voucher `{}`", voucher.row.voucher_id);
    let (used, returned, amount) = (wide(voucher.used), wide(voucher.returned), wide(voucher.row.amount));
    if returned > used {
        return compare_amounts(subject, "returned is not above used", returned, used);
    }
    if voucher.row.kind == VoucherKind::Discount {
        return compare_amounts(subject, "nothing comes back to a discount voucher", returned, 0);
    }
    if used - returned > amount {
        return compare_amounts(subject, "used - returned is not above its amount", used - returned, amount);
    }
    None
}

/// An account's receivable in the ledger: what is outstanding and the credit in use.
pub fn check_receivable(account_id: &str, receivable: Money, outstanding: Money, credit_used: Money) -> Option<Finding> {
    let computed = wide(outstanding) + wide(credit_used);
    compare_amounts(format!("receivable of `{account_id}`"), "receivable = outstanding + credit_used", wide(receivable), computed)
}

/// A delivered file: every row was accepted, known already, or refused.
pub fn check_rows(file: &str, counts: RowCounts) -> Option<Finding> {
    let RowCounts { rows, accepted, duplicates, refused } = counts;
    let computed = [accepted, duplicates, refused].map(i128::from).iter().sum();
    compare(format!("file `{file}`"), "rows = accepted + duplicates + refused", i128::from(rows), computed, 0)
}

/// A settlement: as many charges as it states, and their due amounts sum to its due.
pub fn check_charges(settlement_id: &str, stated: ChargesSum, computed: ChargesSum) -> Vec<Finding> {
    let subject = || format!("settlement `{settlement_id}`");
    let count = compare_counts(subject(), "charges = the charges that name it", stated.charges, computed.charges);
    let due = compare_amounts(subject(), "due = the due amounts of its charges", stated.due_e8, computed.due_e8);
    count.into_iter().chain(due).collect()
}

/// What is outstanding of a settlement: not below 0, and not above what is due and not paid. It may be below that: a later
/// settlement in the customer's favour, or a write-off, takes it away without a payment.
pub fn check_outstanding(settlement_id: &str, outstanding: Money, unpaid_e8: i128) -> Option<Finding> {
    let subject = format!("settlement `{settlement_id}`");
    match wide(outstanding) {
        stated if stated < 0 => compare_amounts(subject, "outstanding is not below 0", stated, 0),
        stated if stated > unpaid_e8.max(0) => {
            compare_amounts(subject, "outstanding is not above due - its payments", stated, unpaid_e8.max(0))
        }
        _ => None,
    }
}

/// A source: what went back to it is not above what it paid. `net_e8` is the sum of its lines; `given_up_e8` of it may be
/// below 0, because what was written off can come back as money.
pub fn check_net(subject: String, net_e8: i128, given_up_e8: i128) -> Option<Finding> {
    let bound = -given_up_e8;
    if net_e8 >= bound { None } else { compare_amounts(subject, "what goes back is not above what was paid", net_e8, bound) }
}

/// Two amounts at 1e-8.
pub fn compare_amounts(subject: String, law: &'static str, stated_e8: i128, computed_e8: i128) -> Option<Finding> {
    compare(subject, law, stated_e8, computed_e8, MONEY_SCALE)
}

/// Two quantities.
pub fn compare_quantities(subject: String, law: &'static str, stated: Quantity, computed: Quantity) -> Option<Finding> {
    compare(subject, law, stated.e12(), computed.e12(), QUANTITY_SCALE)
}

/// Two counts.
pub fn compare_counts(subject: String, law: &'static str, stated: u64, computed: u64) -> Option<Finding> {
    compare(subject, law, i128::from(stated), i128::from(computed), 0)
}

/// Two words or sentences; they have no difference.
pub fn compare_texts(subject: String, law: &'static str, stated: &str, computed: &str) -> Option<Finding> {
    let finding = |text: &str| format!("`{text}`");
    (stated != computed).then(|| Finding {
        subject,
        law,
        stated: finding(stated),
        computed: finding(computed),
        difference: String::new(),
    })
}

fn compare(subject: String, law: &'static str, stated: i128, computed: i128, scale: u32) -> Option<Finding> {
    if stated == computed {
        return None;
    }
    let text = |value| format_trimmed(value, scale);
    let difference = text(stated.saturating_sub(computed));
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

    #[test]
    fn a_settlement_is_its_charges() {
        let sum = |charges, due_e8| ChargesSum { charges, due_e8 };
        assert_eq!(check_charges("st_1", sum(2, 5), sum(2, 5)), []);
        let laws: Vec<_> = check_charges("st_1", sum(2, 5), sum(3, 7)).into_iter().map(|finding| finding.difference).collect();
        assert_eq!(laws, ["-1", "-0.00000002"]);
    }

    #[test]
    fn outstanding_lies_between_nothing_and_what_is_unpaid() {
        // outstanding | due - payments, at 1e-8 | holds
        let cases = [
            ("1", 100_000_000, true),
            ("0.4", 100_000_000, true), // the rest was taken off by a later settlement, or written off
            ("0", 0, true),
            ("0", -5, true), // in the customer's favour: never outstanding
            ("1.00000001", 100_000_000, false),
            ("0.00000001", -5, false),
            ("-0.1", 0, false),
        ];
        for (outstanding, unpaid_e8, expected) in cases {
            assert_eq!(check_outstanding("st_1", money(outstanding), unpaid_e8).is_none(), expected, "{outstanding}");
        }
    }

    #[test]
    fn no_source_gets_back_more_than_it_paid() {
        for (net_e8, given_up_e8, expected) in [(0, 0, true), (5, 0, true), (-1, 0, false), (-1, 1, true), (-2, 1, false)] {
            assert_eq!(check_net("cash of `acme`".to_owned(), net_e8, given_up_e8).is_none(), expected, "{net_e8}");
        }
    }

    #[test]
    fn words_have_no_difference() {
        let expected = "charge `ch_1` breaks `currency of the account`: `CNY` is stated, `USD` is computed";
        assert_eq!(sentence(compare_texts("charge `ch_1`".to_owned(), "currency of the account", "CNY", "USD")), expected);
    }
}

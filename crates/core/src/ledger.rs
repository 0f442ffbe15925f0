//! The double-entry ledger: every movement of money is a transaction whose legs sum to 0.
//!
//! Owns: the chart of accounts, building balanced transactions from the legs of many effects.
//! Does not own: which legs an effect has (`pay` says that), storage.
//! Promises: a transaction has at least two legs, ordered by account, none of them 0, summing to 0; an account appears once.
//!
//! | effect | debit | credit |
//! |---|---|---|
//! | charge | receivable | income (deferred for what is paid ahead) |
//! | comes back of an order, the fee included | deferred (income for a one-time purchase) | receivable |
//! | handling fee | receivable | income:fees |
//! | voucher pays | contra:vouchers | receivable |
//! | cash or granted money pays | wallet, granted | receivable |
//! | credit pays | nothing moves: it stays in receivable | |
//! | collected outside | assets:cash | receivable |
//! | top-up | assets:cash | wallet |
//! | grant | contra:vouchers | granted |
//! | withdrawal | wallet | assets:cash |
//! | adjustment upwards | suspense | wallet |
//! | write-off | expense:write_off | receivable |
//! | chargeback | wallet, receivable for what is missing | assets:cash |
//!
//! What goes back has the same legs with the other sign. So the receivable of an account is always what it has outstanding
//! plus the credit it uses.

use crate::number::Money;
use crate::table::BillingMode;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Legs that belong together and sum to 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Derived from the transaction's facts.
    pub transaction_id: String,
    /// The instant of the effect.
    pub at: Instant,
    /// ISO 4217.
    pub currency: String,
    /// What it is, for people: `settlement`, `top_up`, …
    pub description: String,
    /// The legs, ordered by account; never empty.
    pub legs: Vec<Leg>,
}

/// One leg: a debit above 0, a credit below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// A name of the chart: `liabilities:wallet:acme`.
    pub account: String,
    /// Debit above 0, credit below.
    pub amount: Money,
}

/// The chart of accounts. `to_string` gives the name that legs carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerAccount<'a> {
    /// `assets:cash`: money that came in and went out for real.
    Cash,
    /// `assets:receivable:ACCOUNT`: outstanding, and credit in use.
    Receivable(&'a str),
    /// `liabilities:wallet:ACCOUNT`: cash paid ahead.
    Wallet(&'a str),
    /// `liabilities:granted:ACCOUNT`: granted money not spent yet.
    Granted(&'a str),
    /// `liabilities:deferred:PRODUCT`: paid ahead, not used yet.
    Deferred(&'a str),
    /// `income:PRODUCT:MODE`.
    Income(&'a str, BillingMode),
    /// `income:fees`: handling fees.
    Fees,
    /// `income:rounding`: what the month's bill is rounded by.
    Rounding,
    /// `contra:vouchers`: paid with vouchers and grants, which nobody paid for.
    Vouchers,
    /// `expense:write_off`: given up.
    WriteOff,
    /// `liabilities:tax`.
    Tax,
    /// `suspense`: the other side of adjustments, until somebody books it where it belongs.
    Suspense,
}

impl LedgerAccount<'_> {
    /// A leg on this account: debit above 0, credit below.
    pub fn leg(self, amount: Money) -> Leg {
        Leg { account: self.pieces().concat(), amount }
    }

    /// The name, in pieces. There is a leg for every account and instant: put together, they cost one piece of memory.
    fn pieces(&self) -> [&str; 4] {
        match self {
            Self::Cash => ["assets:cash", "", "", ""],
            Self::Receivable(account) => ["assets:receivable:", account, "", ""],
            Self::Wallet(account) => ["liabilities:wallet:", account, "", ""],
            Self::Granted(account) => ["liabilities:granted:", account, "", ""],
            Self::Deferred(product) => ["liabilities:deferred:", product, "", ""],
            Self::Income(product, mode) => ["income:", product, ":", mode.as_str()],
            Self::Fees => ["income:fees", "", "", ""],
            Self::Rounding => ["income:rounding", "", "", ""],
            Self::Vouchers => ["contra:vouchers", "", "", ""],
            Self::WriteOff => ["expense:write_off", "", "", ""],
            Self::Tax => ["liabilities:tax", "", "", ""],
            Self::Suspense => ["suspense", "", "", ""],
        }
    }
}

impl fmt::Display for LedgerAccount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().into_iter().try_for_each(|piece| f.write_str(piece))
    }
}

/// The legs do not sum to 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{description}`: debits {debits} and credits {credits} differ by {difference}")]
pub struct Unbalanced {
    /// The transaction's description.
    pub description: String,
    /// Sum of the legs above 0.
    pub debits: Money,
    /// Sum of the legs below 0, as a magnitude.
    pub credits: Money,
    /// Debits less credits.
    pub difference: Money,
}

/// Gathers legs, of one effect or of a whole settlement instant over many accounts, into one balanced transaction.
#[derive(Debug, Clone, Default)]
pub struct TransactionBuilder {
    /// As they came.
    legs: Vec<Leg>,
}

impl TransactionBuilder {
    /// No legs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a leg; legs on one account are merged.
    pub fn add(&mut self, leg: Leg) {
        self.legs.push(leg);
    }

    /// Adds an effect's legs.
    pub fn extend(&mut self, legs: impl IntoIterator<Item = Leg>) {
        self.legs.extend(legs);
    }

    /// The merged legs, ordered by account, without those that came to 0.
    pub fn into_legs(self) -> Vec<Leg> {
        let mut legs = self.legs;
        // Accounts mostly come in order, which this sort makes use of.
        legs.sort_by(|one, other| one.account.cmp(&other.account));
        legs.dedup_by(|later, first| {
            let is_same = later.account == first.account;
            if is_same {
                first.amount += later.amount;
            }
            is_same
        });
        legs.retain(|leg| !leg.amount.is_zero());
        legs
    }

    /// The transaction, named by its description, instant, currency and `facts`; nothing if nothing moved.
    ///
    /// # Errors
    /// [`Unbalanced`] if the legs do not sum to 0.
    pub fn build(
        self,
        at: Instant,
        currency: &str,
        description: &str,
        facts: &[&str],
    ) -> Result<Option<Transaction>, Unbalanced> {
        let legs = self.into_legs();
        check_balance(description, &legs)?;
        if legs.is_empty() {
            return Ok(None);
        }

        Ok(Some(Transaction {
            transaction_id: transaction_id(description, at, currency, facts),
            at,
            currency: currency.to_owned(),
            description: description.to_owned(),
            legs,
        }))
    }
}

/// The id of the transaction that these facts name.
pub fn transaction_id(description: &str, at: Instant, currency: &str, facts: &[&str]) -> String {
    let instant = at.to_utc_text();
    let named: Vec<&str> = [description, &instant, currency].into_iter().chain(facts.iter().copied()).collect();
    crate::id::derive("tx", &named)
}

/// Checks that legs sum to 0.
///
/// # Errors
/// [`Unbalanced`] with both sides and the difference.
pub fn check_balance(description: &str, legs: &[Leg]) -> Result<(), Unbalanced> {
    let debits: Money = legs.iter().map(|leg| leg.amount).filter(|amount| amount.is_positive()).sum();
    let credits: Money = legs.iter().map(|leg| -leg.amount).filter(|amount| amount.is_positive()).sum();
    if debits == credits {
        return Ok(());
    }
    Err(Unbalanced { description: description.to_owned(), debits, credits, difference: debits - credits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse_signed(text).unwrap()
    }

    const NOON: Instant = Instant::from_seconds(43_200);

    #[test]
    fn the_chart_has_the_names_that_finance_knows() {
        use LedgerAccount::*;
        let cases = [
            (Cash, "assets:cash"),
            (Receivable("acme"), "assets:receivable:acme"),
            (Wallet("acme"), "liabilities:wallet:acme"),
            (Granted("acme"), "liabilities:granted:acme"),
            (Deferred("ecs"), "liabilities:deferred:ecs"),
            (Income("ecs", BillingMode::PayPerUse), "income:ecs:pay_per_use"),
            (Income("ccm", BillingMode::OneTime), "income:ccm:one_time"),
            (Fees, "income:fees"),
            (Rounding, "income:rounding"),
            (Vouchers, "contra:vouchers"),
            (WriteOff, "expense:write_off"),
            (Tax, "liabilities:tax"),
            (Suspense, "suspense"),
        ];
        for (account, expected) in cases {
            assert_eq!(account.to_string(), expected);
            assert_eq!(account.leg(money("1")).account, expected);
        }
    }

    #[test]
    fn legs_of_many_accounts_merge_into_one_transaction() {
        let mut builder = TransactionBuilder::new();
        for (account, amount) in [("b", "2"), ("a", "1"), ("b", "-2")] {
            builder.add(LedgerAccount::Receivable(account).leg(money(amount)));
            builder.extend([LedgerAccount::Income("ecs", BillingMode::PayPerUse).leg(-money(amount))]);
        }
        let transaction = builder.build(NOON, "CNY", "settlement", &["hour"]).unwrap().unwrap();

        // b's legs cancel and are dropped.
        let legs: Vec<_> = transaction.legs.iter().map(|leg| (leg.account.as_str(), leg.amount)).collect();
        assert_eq!(legs, [("assets:receivable:a", money("1")), ("income:ecs:pay_per_use", money("-1"))]);
    }

    #[test]
    fn nothing_moved_is_no_transaction() {
        let mut builder = TransactionBuilder::new();
        builder.extend([LedgerAccount::Cash.leg(money("5")), LedgerAccount::Cash.leg(money("-5"))]);
        assert_eq!(builder.build(NOON, "CNY", "settlement", &[]), Ok(None));
    }

    #[test]
    fn an_unbalanced_transaction_is_refused_with_both_sides() {
        let mut builder = TransactionBuilder::new();
        builder.extend([LedgerAccount::Cash.leg(money("5")), LedgerAccount::Suspense.leg(money("-4.99"))]);
        let error = builder.build(NOON, "CNY", "top_up", &[]).unwrap_err();
        assert_eq!(error.to_string(), "`top_up`: debits 5.00000000 and credits 4.99000000 differ by 0.01000000");
    }

    #[test]
    fn ids_follow_from_the_facts() {
        let build = |currency: &str, fact: &str| {
            let mut builder = TransactionBuilder::new();
            builder.extend([LedgerAccount::Cash.leg(money("5")), LedgerAccount::Suspense.leg(money("-5"))]);
            builder.build(NOON, currency, "top_up", &[fact]).unwrap().unwrap().transaction_id
        };
        assert_eq!(build("CNY", "f1"), build("CNY", "f1"));
        assert_ne!(build("CNY", "f1"), build("CNY", "f2"));
        assert_ne!(build("CNY", "f1"), build("USD", "f1"));
    }
}

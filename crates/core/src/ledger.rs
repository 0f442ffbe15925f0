//! The double-entry ledger: every movement of money is a transaction whose legs sum to 0.

use crate::number::Money;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

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

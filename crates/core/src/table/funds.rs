//! `funds`: money that comes in, goes out or is put right.

use crate::number::Money;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// One row of `funds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsRow {
    /// Names the entry.
    pub entry_id: String,
    /// Whose wallet.
    pub account_id: String,
    /// What moves.
    pub kind: FundsKind,
    /// How much; below 0 only for an adjustment.
    pub amount: Money,
    /// When it takes effect.
    pub at: Instant,
    /// ISO 4217; the account's.
    pub currency: String,
    /// For people.
    pub note: Option<String>,
}

/// What a funds entry moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundsKind {
    /// Cash in.
    TopUp,
    /// Granted money in: spent after cash, never withdrawn.
    Grant,
    /// Cash out, at most the cash there is.
    Withdrawal,
    /// Cash put right, up or down.
    Adjustment,
    /// What is outstanding is given up.
    WriteOff,
    /// Money assumed collected was not.
    Chargeback,
}

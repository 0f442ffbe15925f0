//! `accounts`: who pays, in which currency, how.

use crate::number::Money;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One dated row of `accounts`; in force from `valid_from` until a later row. The first row holds since ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The account.
    pub account_id: String,
    /// Display name.
    pub name: String,
    /// ISO 4217; the home's when the file left it out.
    pub currency: String,
    /// `V0` to `V5`.
    pub level: String,
    /// How far usage may run on credit.
    pub credit_limit: Money,
    /// How charges are paid.
    pub payment_method: PaymentMethod,
    /// The account whose bill groups this one's, if another.
    pub payer_account_id: Option<String>,
    /// Where charges belong when nothing nearer says so.
    pub cost_center: Option<String>,
    /// First instant in force; nothing: since ever.
    pub valid_from: Option<Instant>,
    /// A higher revision replaces the row with the same `valid_from`.
    pub revision: u32,
    /// Everything else of the contract's columns, as delivered: used by bills.
    pub particulars: BTreeMap<String, String>,
}

/// How an account pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Hour by hour: vouchers, cash, credit.
    Balance,
    /// The issued bill is due after the terms.
    Invoice,
    /// What vouchers and balance do not cover is collected outside.
    External,
}

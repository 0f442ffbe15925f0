//! Paying: what a settlement takes from vouchers, money and credit, and what comes in and goes back.
//!
//! Owns: the waterfall of a settlement, what each funds entry does, where a negative difference goes back to.
//! Does not own: what is due (rating says that), the books (`ledger` turns effects into legs).
//! Promises: due = what the sources paid + outstanding, to the last digit; no wallet below zero; a voucher never over its
//! amount; refunds never above what was paid; the same events in the same order give the same payments.

use crate::number::Money;
use crate::table::BillingMode;
use crate::table::{FundsRow, PaymentMethod, VoucherRow};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What an account has and owes between two effects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// Whose.
    pub account_id: String,
    /// ISO 4217.
    pub currency: String,
    /// Cash.
    pub balance: Money,
    /// Granted money: spent after cash, never withdrawn.
    pub granted: Money,
    /// Credit in use, repaid by the next money in.
    pub credit_used: Money,
    /// The settlement instant of the first charge that was not fully covered, while something is outstanding.
    pub in_arrears_since: Option<Instant>,
}

/// A voucher and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherState {
    /// The voucher as granted.
    pub row: VoucherRow,
    /// What it has paid.
    pub used: Money,
    /// What came back to it.
    pub returned: Money,
}

/// A settlement with something outstanding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSettlement {
    /// The settlement.
    pub settlement_id: String,
    /// Its instant.
    pub at: Instant,
    /// `2026-01`.
    pub billing_period: String,
    /// What is not paid yet; above 0.
    pub outstanding: Money,
}

/// A charge (or the difference to one) that a settlement asks payment for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeDue {
    /// The charge.
    pub charge_id: String,
    /// For vouchers' scopes.
    pub product: String,
    /// For vouchers' scopes.
    pub sku: String,
    /// For vouchers' scopes.
    pub billing_mode: BillingMode,
    /// For vouchers' scopes.
    pub region: Option<String>,
    /// For vouchers' validity: when it was used.
    pub window_start: Instant,
    /// What is due; negative for a difference in the customer's favour.
    pub due: Money,
}

/// One settlement to pay: everything that became due for an account at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementDue {
    /// The settlement.
    pub settlement_id: String,
    /// Its instant: the end of the window.
    pub at: Instant,
    /// `2026-01`: the month of the use.
    pub billing_period: String,
    /// What became due, ordered by charge_id.
    pub charges: Vec<ChargeDue>,
}

/// How an account pays, as in force at the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentTerms {
    /// Balance, invoice or external.
    pub method: PaymentMethod,
    /// How far usage may run on credit.
    pub credit_limit: Money,
}

/// One thing that moves an account's money, at its place on the account's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyEvent {
    /// Money in, out or put right.
    Funds(FundsRow),
    /// An hour's (day's, month's) charges.
    Settlement(SettlementDue),
}

/// Where a payment came from or went back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentSource {
    /// A voucher; `source_id` names it.
    Voucher,
    /// A flexi coupon; `source_id` names it.
    FlexiCoupon,
    /// A stored-value card; `source_id` names it.
    StoredValue,
    /// Cash.
    Balance,
    /// Granted money.
    Grant,
    /// Credit.
    Credit,
    /// Collected outside.
    External,
}

/// What kind of movement a payment line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// Pays what is due, at its settlement.
    Payment,
    /// Goes back to the source; negative.
    Refund,
    /// Pays later what was outstanding or on credit.
    Repayment,
    /// Would go back to a voucher that has expired; negative, lost to the customer.
    Forfeit,
}

/// One line of `payments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentLine {
    /// Derived from the line's facts.
    pub payment_id: String,
    /// Who pays.
    pub account_id: String,
    /// A settlement_id or an order_id.
    pub paid_for: String,
    /// Order of the lines of one `paid_for`, from 1.
    pub seq: u32,
    /// Payment, refund, repayment, forfeit.
    pub kind: PaymentKind,
    /// Where from.
    pub source: PaymentSource,
    /// The voucher, or the funds entry of a repayment; empty otherwise.
    pub source_id: Option<String>,
    /// Positive: pays. Negative: back to the source.
    pub amount: Money,
    /// ISO 4217.
    pub currency: String,
    /// The instant of the effect.
    pub at: Instant,
}

//! Paying: what a settlement takes from vouchers, money and credit, and what comes in and goes back.
//!
//! Owns: the waterfall of a settlement, what pays an order and where it goes when it comes back, what each funds entry does,
//! where a negative difference goes back to.
//! Does not own: what is due (`rate` and `life` say that), the books (`ledger` turns effects into legs).
//! Promises: due = what the sources paid + outstanding, to the last digit; no wallet below zero; a voucher never over its
//! amount; refunds never above what was paid; the same events in the same order give the same payments.
//!
//! An account's timeline is a sequence of [`MoneyEvent`]s; [`apply`] takes it one step further and says what moved. Lines are
//! per settlement, source and voucher, never per charge: their sum is the settlement's due less what stays outstanding. An
//! order is no event, because it can fall short: [`pay_order`] pays it or moves nothing, [`give_back`] returns it.
//!
//! Used credit that is paid back changes its source: the entry that brought the money has two lines of kind `repayment`,
//! `-x` from credit and `+x` from cash (or granted money). So the lines of source `credit` always sum to the credit in use,
//! and the lines of all sources to what was due less what is outstanding.

mod funds;
mod give_back;
mod ids;
mod moves;
mod order;
mod plain;
mod refund;
pub mod voucher;
mod waterfall;

pub use give_back::{GivenBack, OrderRefund, give_back, split_back};
pub use ids::{FirstSettlementIds, settlement_id};
pub use order::{ChargePaid, LoweredBy, OrderDue, OrderPaid, Short, pay_order, sources};

use crate::ledger::Leg;
use crate::number::Money;
use crate::profile::Profile;
use crate::table::BillingMode;
use crate::table::{AccountRow, FundsRow, PaymentMethod, VoucherKind, VoucherRow};
use crate::time::Instant;
use moves::Moves;
pub use plain::{PlainEffects, Purse, apply_plain};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
pub use waterfall::income_of;

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
    /// What it has paid; of a discount voucher, what it took off the order that used it up.
    pub used: Money,
    /// What came back to it.
    pub returned: Money,
}

/// A settlement, or an order on an invoice, with something outstanding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSettlement {
    /// The settlement or order; the funds entry for what a chargeback left open.
    pub settlement_id: String,
    /// Its instant.
    pub at: Instant,
    /// `2026-01`; empty for a chargeback, which is of no bill.
    pub billing_period: String,
    /// What is not paid yet; above 0.
    pub outstanding: Money,
    /// Payment lines it has so far: the highest `seq` of what was `paid_for` it.
    pub payment_lines: u32,
}

/// All that is outstanding of an account, as one amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// The oldest settlement (or order, or funds entry) with something outstanding.
    pub settlement_id: String,
    /// Its instant.
    pub at: Instant,
    /// What is not paid yet of it and of all later ones; above 0.
    pub amount: Money,
}

/// When a settlement was and to which month it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledRef {
    /// Its instant. Settlements of one instant are of the same windows.
    pub at: Instant,
    /// `2026-01`; empty for a chargeback.
    pub billing_period: String,
}

/// Everything that deciding about an account's money needs, and that deciding changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountMoney {
    /// What it has and owes.
    pub wallet: Wallet,
    /// All its vouchers, in any order.
    pub vouchers: Vec<VoucherState>,
    /// What is outstanding, oldest first.
    pub open: Vec<OpenSettlement>,
    /// Earlier payment lines in the order recorded, at least those of the billing periods that events fall into. A negative
    /// difference goes back to what they say was used.
    pub paid: Vec<PaymentLine>,
    /// The settlements that `paid` names. One that is missing counts as of the event's period and as of its first line's
    /// instant.
    pub settled: BTreeMap<String, SettledRef>,
    /// The orders that `paid` names, those included by which something came back. What paid an order stands apart: no
    /// difference in use goes back to it.
    pub orders: BTreeSet<String>,
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
    /// When the use or service begins. For use, a voucher must be alive then; an order has an instant of its own.
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
    /// `2026-01`: the month whose bill has its charges.
    pub billing_period: String,
    /// When it takes effect: its instant, or later for what became known later. A voucher that has expired by then gets
    /// nothing back.
    pub effective_at: Instant,
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

/// What a settlement or order was paid with. `due` = the sources + `outstanding`, to the last digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SettlementTotals {
    /// Sum of the charges.
    pub due: Money,
    /// Vouchers, flexi coupons and stored value, forfeits included.
    pub voucher: Money,
    /// Cash.
    pub balance: Money,
    /// Granted money.
    pub granted: Money,
    /// Credit.
    pub credit: Money,
    /// Collected outside.
    pub external: Money,
    /// Left unpaid. Below 0: what this settlement took off older outstanding settlements.
    pub outstanding: Money,
}

/// What became of a funds entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FundsOutcome {
    /// It took effect.
    Done,
    /// Nothing moved; the sentence says why.
    Refused(String),
}

/// What an event changed. Applying it has already changed the [`AccountMoney`]; this is what is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects {
    /// Payment lines, in the order made.
    pub payments: Vec<PaymentLine>,
    /// For a settlement or order: what it was paid with, or what went back where.
    pub totals: Option<SettlementTotals>,
    /// For a funds entry: what became of it.
    pub funds: Option<FundsOutcome>,
    /// What is outstanding now, of every settlement where that changed, a new one's included, with its own instant; ordered
    /// by settlement_id.
    pub outstanding: Vec<(String, Instant, Money)>,
    /// Vouchers that changed: (voucher_id, used, returned), ordered by voucher_id.
    pub vouchers: Vec<(String, Money, Money)>,
    /// Legs that sum to 0, for one ledger transaction per event or per settlement instant and currency.
    pub legs: Vec<Leg>,
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

/// Takes an account one event further and says what moved.
///
/// Events of an account come in the order of its timeline: instant, rank, id. The account's vouchers must be complete.
///
/// # Panics
/// If `paid` names a voucher that `vouchers` lacks.
pub fn apply(account: &mut AccountMoney, event: &MoneyEvent, terms: PaymentTerms, profile: &Profile) -> Effects {
    let mut moves = Moves::new(account, event.at());
    let (totals, funds) = match event {
        MoneyEvent::Settlement(due) => (Some(waterfall::settle(&mut moves, due, terms, profile)), None),
        MoneyEvent::Funds(row) => (None, Some(funds::enter(&mut moves, row))),
    };
    moves.finish(totals, funds, profile)
}

impl SettlementDue {
    /// Whether its charges come to less than nothing, so that money goes back.
    pub fn is_in_favour(&self) -> bool {
        self.charges.iter().map(|charge| charge.due).sum::<Money>().is_negative()
    }
}

impl MoneyEvent {
    /// Its place on the timeline.
    pub fn at(&self) -> Instant {
        match self {
            Self::Funds(row) => row.at,
            Self::Settlement(due) => due.at,
        }
    }

    /// The description of its ledger transaction.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Settlement(_) => "settlement",
            Self::Funds(row) => row.kind.as_str(),
        }
    }
}

impl PaymentTerms {
    /// The terms that an account's row states.
    pub fn of(row: &AccountRow) -> Self {
        Self { method: row.payment_method, credit_limit: row.credit_limit }
    }
}

impl AccountMoney {
    /// An account with this wallet and nothing else yet.
    pub fn new(wallet: Wallet) -> Self {
        Self {
            wallet,
            vouchers: Vec::new(),
            open: Vec::new(),
            paid: Vec::new(),
            settled: BTreeMap::new(),
            orders: BTreeSet::new(),
        }
    }

    /// An account with this wallet of which this is outstanding, told as one. That is enough where nothing comes in: for what
    /// it has to pay, and for where it stands. What comes in could not be told what it pays.
    pub fn owing(wallet: Wallet, outstanding: Option<Outstanding>) -> Self {
        let as_one = |Outstanding { settlement_id, at, amount }| OpenSettlement {
            settlement_id,
            at,
            billing_period: String::new(),
            outstanding: amount,
            payment_lines: 0,
        };
        Self { open: outstanding.map(as_one).into_iter().collect(), ..Self::new(wallet) }
    }

    /// Everything that is not paid yet; credit in use is not part of it.
    pub fn outstanding(&self) -> Money {
        self.open.iter().map(|open| open.outstanding).sum()
    }
}

impl Wallet {
    /// An empty wallet.
    pub fn new(account_id: &str, currency: &str) -> Self {
        Self {
            account_id: account_id.to_owned(),
            currency: currency.to_owned(),
            balance: Money::ZERO,
            granted: Money::ZERO,
            credit_used: Money::ZERO,
            in_arrears_since: None,
        }
    }
}

impl VoucherState {
    /// A voucher that has not paid yet.
    pub fn new(row: VoucherRow) -> Self {
        Self { row, used: Money::ZERO, returned: Money::ZERO }
    }

    /// What it could still pay; a discount voucher pays nothing.
    pub fn remaining(&self) -> Money {
        match self.row.kind {
            VoucherKind::Voucher | VoucherKind::FlexiCoupon | VoucherKind::StoredValue => {
                self.row.amount - self.used + self.returned
            }
            VoucherKind::Discount => Money::ZERO,
        }
    }

    /// Whether nothing more will come of it: all of it has paid, or it has lowered the price of an order.
    pub fn is_used_up(&self) -> bool {
        match self.row.kind {
            VoucherKind::Voucher | VoucherKind::FlexiCoupon | VoucherKind::StoredValue => self.remaining() == Money::ZERO,
            VoucherKind::Discount => self.used.is_positive(),
        }
    }
}

impl PaymentSource {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voucher => "voucher",
            Self::FlexiCoupon => "flexi_coupon",
            Self::StoredValue => "stored_value",
            Self::Balance => "balance",
            Self::Grant => "grant",
            Self::Credit => "credit",
            Self::External => "external",
        }
    }
}

impl PaymentKind {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Repayment => "repayment",
            Self::Forfeit => "forfeit",
        }
    }
}

impl FundsOutcome {
    /// The status word that the contract uses.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! `discounts`: what an account need not pay. The best single one wins.

use super::BillingMode;
use crate::number::UnitPrice;
use crate::time::{Instant, Window};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One row of `discounts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscountRow {
    /// The discount.
    pub discount_id: String,
    /// Whose; `*` is everyone's.
    pub account_id: String,
    /// Commercial, partner, promotional: the order in which equal ones win.
    pub kind: DiscountKind,
    /// What it does to the price.
    pub terms: DiscountTerms,
    /// Only these products; empty: all.
    pub products: Vec<String>,
    /// Only these skus; empty: all.
    pub skus: Vec<String>,
    /// Only these billing modes; empty: all.
    pub modes: Vec<BillingMode>,
    /// Only these orders; empty: all.
    pub order_kinds: Vec<String>,
    /// First instant in force; nothing: since ever.
    pub valid_from: Option<Instant>,
    /// First instant no longer in force; nothing: until further notice.
    pub valid_to: Option<Instant>,
    /// A higher revision replaces the row.
    pub revision: u32,
}

/// What a discount does to the price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountTerms {
    /// 20: the customer pays 80 %. 0 to 100.
    PercentOff(Decimal),
    /// The customer pays this per unit instead.
    UnitPrice(UnitPrice),
}

/// Whose decision a discount is; of equal ones the first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountKind {
    /// Agreed with the customer.
    Commercial,
    /// Agreed with a partner.
    Partner,
    /// Offered to many.
    Promotional,
    /// A fee that is not asked for.
    FeeWaiver,
}

impl DiscountRow {
    /// When the row holds.
    pub fn validity(&self) -> Window {
        Window::new(self.valid_from.unwrap_or(Instant::MIN), self.valid_to.unwrap_or(Instant::MAX))
    }
}

//! `vouchers`: what pays instead of money, within its scope and validity.

use super::BillingMode;
use crate::number::Money;
use crate::time::{Instant, Window};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One row of `vouchers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherRow {
    /// Names the voucher.
    pub voucher_id: String,
    /// Whose.
    pub account_id: String,
    /// What it is worth when new; 0 for a discount voucher.
    pub amount: Money,
    /// First instant at which it may pay.
    pub valid_from: Instant,
    /// First instant at which it may no longer pay.
    pub valid_to: Instant,
    /// What kind of paper it is.
    pub kind: VoucherKind,
    /// For discount vouchers: 20 means the customer pays 80 %.
    pub percent_off: Option<Decimal>,
    /// ISO 4217; the account's.
    pub currency: String,
    /// Only these products; empty: all.
    pub products: Vec<String>,
    /// Only these skus; empty: all.
    pub skus: Vec<String>,
    /// Only these billing modes; empty: all.
    pub modes: Vec<BillingMode>,
    /// Only these regions; empty: all.
    pub regions: Vec<String>,
    /// Only these orders; empty: all.
    pub order_kinds: Vec<String>,
    /// Only if the sum in its scope reaches this.
    pub min_amount: Money,
    /// When it was given; nothing: `valid_from`.
    pub granted_at: Option<Instant>,
    /// For people.
    pub note: Option<String>,
}

/// What kind of paper a voucher is; also the order in which they pay for usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoucherKind {
    /// 代金券, which Huawei's English calls cash coupon: not refunded.
    Voucher,
    /// 现金券: refunded in part.
    FlexiCoupon,
    /// 储值卡.
    StoredValue,
    /// 折扣券: lowers the price, is no payment.
    Discount,
}

impl VoucherRow {
    /// When it may pay.
    pub fn validity(&self) -> Window {
        Window::new(self.valid_from, self.valid_to)
    }

    /// When it was given.
    pub fn granted(&self) -> Instant {
        self.granted_at.unwrap_or(self.valid_from)
    }

    /// Whether anything narrows what it may pay for.
    pub fn is_scoped(&self) -> bool {
        !(self.products.is_empty()
            && self.skus.is_empty()
            && self.modes.is_empty()
            && self.regions.is_empty()
            && self.order_kinds.is_empty())
    }
}

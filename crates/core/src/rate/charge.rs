//! A charge: what a line costs, or the difference to what was charged. Never edited, never deleted.

use super::line::{Amounts, LineKey};
use crate::number::{Quantity, UnitPrice};
use crate::table::BillingMode;
use crate::time::Instant;
use std::collections::BTreeMap;

/// The kind of a charge's id.
pub(super) const KIND_CHARGE: &str = "ch";

/// The reason of a charge that re-prices the month's quantity so far because a volume price changed its band.
pub const VOLUME_BAND: &str = "volume_band";

/// How the reason of a charge begins whose price a discount voucher lowered; its id follows.
const DISCOUNT_VOUCHER: &str = "discount_voucher:";

/// The reason of charges by which a rerun takes use off one price row and onto another.
pub(super) const PRICE_CORRECTED: &str = "price_corrected";

/// The reason of a line's first charge where some of it was used in frozen time.
pub const FROZEN: &str = "frozen";

/// One row of `charges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Derived from the line, the type and how many charges the line had.
    pub charge_id: String,
    /// The settlement that pays it; given when the account's settlement is made.
    pub settlement_id: String,
    /// Window, account, resource, sku, price row.
    pub key: LineKey,
    /// The product of the price row.
    pub product: String,
    /// How it is billed.
    pub billing_mode: BillingMode,
    /// Use, purchase, …
    pub charge_type: ChargeType,
    /// `2026-01`: the month of the bill.
    pub billing_period: String,
    /// Unit-seconds or amount; a correction carries the difference.
    pub quantity: Quantity,
    /// The part of the quantity that is waived, or was used in frozen time.
    pub waived: Quantity,
    /// `hour` or the amount's word.
    pub unit: String,
    /// Empty where tiers made the amount.
    pub unit_price: Option<UnitPrice>,
    /// The amounts, or their differences.
    pub amounts: Amounts,
    /// ISO 4217.
    pub currency: String,
    /// The charge that this one corrects.
    pub corrects: Option<String>,
    /// Why, where it is not plain use; of an order, the discount voucher that lowered its price.
    pub reason: Option<String>,
    /// Where it was used.
    pub region: Option<String>,
    /// Where it belongs.
    pub cost_center: Option<String>,
    /// Labels.
    pub tags: BTreeMap<String, String>,
    /// The settlement's instant.
    pub transaction_at: Instant,
}

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChargeType {
    /// Pay-per-use.
    Usage,
    /// What was bought.
    Purchase,
    /// A further period, by hand or by itself.
    Renewal,
    /// Another sku, quantity or expiry date for the rest of a period.
    Change,
    /// What comes back; below 0.
    Refund,
    /// What is kept of what comes back.
    Fee,
}

impl Charge {
    /// The discount voucher that lowered the price.
    ///
    /// # Example
    /// `discount_voucher:v-1` is the reason of a charge that `v-1` lowered.
    pub fn lowered_by(&self) -> Option<&str> {
        self.reason.as_deref()?.strip_prefix(DISCOUNT_VOUCHER)
    }

    /// The reason of a charge whose price this discount voucher lowered.
    pub(crate) fn reason_of_voucher(voucher_id: &str) -> String {
        format!("{DISCOUNT_VOUCHER}{voucher_id}")
    }

    /// The charge's place in every list: window_start, account, resource, sku, type, id.
    pub fn place(&self) -> impl Ord + '_ {
        let key = &self.key;
        (key.window.start, &key.account_id, &key.resource_id, &key.sku, self.charge_type.as_str(), &self.charge_id)
    }
}

impl ChargeType {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Usage, Self::Purchase, Self::Renewal, Self::Change, Self::Refund, Self::Fee];

    /// Reads the contract's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Purchase => "purchase",
            Self::Renewal => "renewal",
            Self::Change => "change",
            Self::Refund => "refund",
            Self::Fee => "fee",
        }
    }
}

//! `prices`: what a sku costs, from when. A published row is never edited; a higher revision replaces it.

use crate::number::{Money, Quantity, UnitPrice};
use crate::time::{Instant, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One published row of `prices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRow {
    /// What is sold.
    pub sku: String,
    /// The product it belongs to.
    pub product: String,
    /// How it is billed.
    pub billing_mode: BillingMode,
    /// What a quantity of 1 is.
    pub unit: Unit,
    /// Price of one unit: per hour for `hour`, per unit otherwise.
    pub unit_price: UnitPrice,
    /// How the price depends on the month's quantity.
    pub model: PriceModel,
    /// ISO 4217; the home's when the file left it out.
    pub currency: String,
    /// First instant in force; nothing: since ever.
    pub valid_from: Option<Instant>,
    /// First instant no longer in force; nothing: until a later row.
    pub valid_to: Option<Instant>,
    /// A higher revision replaces the row with the same sku, currency and `valid_from`.
    pub revision: u32,
    /// The window that becomes one charge.
    pub settle: SettleWindow,
    /// A record is charged for at least this long.
    pub min_seconds: i64,
    /// A record's use is rounded up to whole steps of this length.
    pub step_seconds: i64,
    /// A charge above 0 and below this is lifted to it.
    pub min_charge: Money,
    /// Everything else of the contract's columns, checked and as delivered: used by orders.
    pub particulars: BTreeMap<String, String>,
}

/// How a sku is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillingMode {
    /// Paid once, before use.
    OneTime,
    /// Paid for what was used.
    PayPerUse,
    /// Paid ahead by month or year.
    Subscription,
}

/// What a quantity of 1 is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Held for a time: priced per second at price / 3600; sums are unit-seconds.
    Hour,
    /// An amount: `GB`, `request`; or `month`, `year`, `each` for what is not used but bought.
    Amount(String),
}

/// How the price depends on the billing month's quantity of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "model")]
pub enum PriceModel {
    /// Always `unit_price`.
    Flat,
    /// Each tier's quantity at that tier's price.
    Graduated {
        /// Ascending; only the last has no upper bound.
        tiers: Vec<Tier>,
    },
    /// The whole quantity at the price of the tier it reaches.
    Volume {
        /// Ascending; only the last has no upper bound.
        tiers: Vec<Tier>,
    },
    /// Whole packages, begun ones too, after the free units.
    Package {
        /// Units in a package; above 0.
        size: Quantity,
        /// Price of a package.
        unit_price: UnitPrice,
        /// Units of the month that cost nothing.
        free: Quantity,
    },
}

/// One tier of a graduated or volume price. For `hour` units the bound counts hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Inclusive upper bound; nothing in the last tier.
    pub up_to: Option<Quantity>,
    /// Price of one unit in this tier.
    pub unit_price: UnitPrice,
    /// Charged once when the tier is reached (graduated) or is the month's tier (volume).
    pub flat: Money,
}

/// The window, in the billing zone, that becomes one charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleWindow {
    /// The clock hour.
    #[default]
    Hour,
    /// The billing day.
    Day,
    /// The billing month.
    Month,
}

impl PriceRow {
    /// The row's id, made of the facts that name it: sku, currency, valid_from, revision.
    pub fn price_id(&self) -> String {
        let valid_from = self.valid_from.map(Instant::to_utc_text).unwrap_or_default();
        crate::id::derive("pr", &[&self.sku, &self.currency, &valid_from, &self.revision.to_string()])
    }

    /// Since when the row is meant to hold.
    pub fn begins(&self) -> Instant {
        self.valid_from.unwrap_or(Instant::MIN)
    }

    /// What the row itself says about when it holds; a later row may end it earlier.
    pub fn stated_validity(&self) -> Window {
        Window::new(self.begins(), self.valid_to.unwrap_or(Instant::MAX))
    }

    /// 3600 for `hour` units, whose sums are unit-seconds; 1 for amounts.
    pub fn seconds_per_unit(&self) -> i64 {
        match self.unit {
            Unit::Hour => 3_600,
            Unit::Amount(_) => 1,
        }
    }
}

impl Unit {
    /// The word that the contract uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Hour => "hour",
            Self::Amount(word) => word,
        }
    }
}

impl BillingMode {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "one_time",
            Self::PayPerUse => "pay_per_use",
            Self::Subscription => "subscription",
        }
    }
}

impl SettleWindow {
    /// All of them, shortest first: the order in which windows that end together settle.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The window of this kind that holds the instant, in the billing zone.
    pub fn containing(self, instant: Instant, zone: crate::time::Zone) -> Window {
        match self {
            Self::Hour => zone.segment_containing(instant),
            Self::Day => zone.day_containing(instant),
            Self::Month => zone.month_containing(instant),
        }
    }
}

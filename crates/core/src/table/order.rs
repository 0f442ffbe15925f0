//! `orders`: what a customer wants done with a resource, and from when.

use crate::life::{RenewalPolicy, words};
use crate::number::{Money, Quantity};
use crate::time::Instant;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// What is to be done.
    OrderKind {
        /// Starts a subscription, charges a one-time sku, registers a pay-per-use resource.
        Purchase = "purchase",
        /// Adds periods.
        Renew = "renew",
        /// Gives a subscription back.
        Unsubscribe = "unsubscribe",
        /// Another sku or quantity.
        Change = "change",
        /// Ends a pay-per-use resource.
        Delete = "delete",
        /// Another renewal policy.
        SetRenewal = "set_renewal",
        /// Another expiry day.
        Align = "align",
    }

    /// What an unsubscription ends.
    OrderScope {
        /// The resource.
        Resource = "resource",
        /// Only the renewal whose period has not begun.
        Renewal = "renewal",
    }

    /// When a change holds.
    Effective {
        /// At once.
        Now = "now",
        /// With the next period.
        NextPeriod = "next_period",
    }
}

/// The day of the month on which unified terms end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlignDay {
    /// 1 to 28.
    Day(u32),
    /// The month's last.
    Last,
}

/// One row of `orders`. What the cell leaves open is nothing here: what it then means depends on the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// Names the order.
    pub order_id: String,
    /// Who orders.
    pub account_id: String,
    /// What is to be done.
    pub kind: OrderKind,
    /// When it takes effect.
    pub placed_at: Instant,
    /// What it concerns, or what a purchase makes.
    pub resource_id: String,
    /// What is bought or changed to.
    pub sku: Option<String>,
    /// How many units; nothing: 1 for a purchase, the resource's otherwise.
    pub quantity: Option<Quantity>,
    /// For how many of the sku's terms.
    pub periods: u32,
    /// What happens at expiry; nothing: manual for a purchase, as it was otherwise.
    pub renewal: Option<RenewalPolicy>,
    /// For how many of the sku's terms an automatic renewal is.
    pub renewal_periods: Option<u32>,
    /// Its bundle.
    pub bundle_id: Option<String>,
    /// It works while one of these is active.
    pub depends_on: Vec<String>,
    /// Charged 0, never renewed.
    pub is_trial: bool,
    /// Where.
    pub region: Option<String>,
    /// What kind of site.
    pub data_center_type: Option<String>,
    /// What people know it by.
    pub configuration: Option<String>,
    /// What people call it.
    pub resource_name: Option<String>,
    /// What an unsubscription ends.
    pub scope: OrderScope,
    /// When a change holds; nothing: the profile's.
    pub effective: Option<Effective>,
    /// For `align`: the day.
    pub align_day: Option<AlignDay>,
    /// For `align`: the last covered day.
    #[serde(with = "date_text", default)]
    pub expires_on: Option<NaiveDate>,
    /// The highest handling fee that the customer accepts; nothing: any.
    pub accept_fee: Option<Money>,
    /// Why.
    pub reason: Option<String>,
    /// Labels.
    pub tags: BTreeMap<String, String>,
}

/// A date as `2026-03-31`, or nothing.
mod date_text {
    use chrono::NaiveDate;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de};

    pub fn serialize<S: Serializer>(date: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
        date.map(|date| date.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

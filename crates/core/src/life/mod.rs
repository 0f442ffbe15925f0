//! The life of what is bought: orders, periods, renewals, expiry, arrears, release.
//!
//! Owns: what a resource is and where it is in its life, what orders and timers do to it, what periods cost, what comes back.
//! Does not own: use by the hour (`rate`), who pays (`pay` takes what is due from its sources), storage.
//! Promises: every step has an instant and a rank, and happens once; the same steps in the same order give the same lives;
//! what was paid = what is kept + what went back, to the last digit.
//!
//! | file | what it holds |
//! |---|---|
//! | `account`, `product`, `terms` | the account under way, and what it is held against |
//! | `timeline`, `timer`, `standing` | one order of everything that happens: what is given, what time does, arrears |
//! | `resources`, `around` | the account's resources, and what a step must look at besides what it touched |
//! | `order` | what each kind of order does, costs and brings back, or why it is refused |
//! | `effect` | what a step changed |
//! | `calendar` | when a period expires, when its renewal is tried, unified dates, from when a change counts |
//! | `period` | what terms cost: price, best discount, whole minor units |
//! | `refund` | what comes back of a period, and to which sources |
//! | `change` | what an upgrade costs and a downgrade gives back |
//! | `waiting` | large refunds that wait for a second person |
//! | `formula` | an amount as steps that a person can follow |

pub mod account;
mod around;
pub mod calendar;
pub mod change;
pub mod effect;
pub mod formula;
mod function;
pub mod order;
pub mod period;
pub mod product;
pub mod refund;
mod resources;
mod standing;
pub mod terms;
#[cfg(test)]
mod testing;
mod timeline;
mod timer;
pub mod waiting;

pub use account::{LifeAccount, Standing};
pub use effect::{LifeEffects, LifeEvent, LifeEventKind, OrderState, OrderStatus, Refused};
pub use function::Surroundings;
pub use product::{ProductRenewal, ProductTerms, Products};
pub use resources::Resources;
pub use terms::LifeTerms;
pub use timeline::{Given, Taken, advance, advance_plainly, moves_after, next_at, standing_next_at};
pub use waiting::{OrderApproval, WaitingRefund, may_approve};

use crate::number::{Money, Quantity};
use crate::pay::PaymentSource;
use crate::rate::Charge;
use crate::table::BillingMode;
use crate::time::{Instant, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$word_doc])* $variant),+ }

        impl $name {
            /// The word that the contract uses.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the contract's word.
            pub fn parse(word: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|known| known.as_str() == word)
            }
        }
    )+};
}
pub(crate) use words;

words! {
    /// Where a resource is in its life.
    ResourceStatus {
        /// Paid for, or used and paid for by use.
        Active = "active",
        /// Beyond its last paid period; may be revived.
        Expired = "expired",
        /// Stopped and kept; may be revived.
        Retention = "retention",
        /// Gone: its time of keeping is over.
        Released = "released",
        /// Given back.
        Unsubscribed = "unsubscribed",
        /// Deleted by its owner.
        Deleted = "deleted",
    }

    /// What happens at expiry.
    RenewalPolicy {
        /// It is renewed by itself.
        Auto = "auto",
        /// It expires unless somebody renews it.
        Manual = "manual",
        /// It is never renewed.
        None = "none",
        /// It goes on, paid by use.
        ToPayPerUse = "to_pay_per_use",
    }

    /// What a paid period was bought by.
    PeriodKind {
        /// The purchase.
        Purchase = "purchase",
        /// A renewal, by hand or by itself.
        Renewal = "renewal",
        /// The upgrade of a period under way.
        Change = "change",
        /// The move to a unified expiry date.
        Align = "align",
    }

    /// Where an account stands.
    AccountStatus {
        /// Nothing overdue.
        Normal = "normal",
        /// Something overdue; what it uses still runs.
        Arrears = "arrears",
        /// What it uses by the hour is stopped and kept.
        Retention = "retention",
        /// What it used by the hour is gone.
        Released = "released",
    }
}

/// What an account bought or registered. What it does not have is left out where it is written down: a store keeps one of
/// these for every resource there ever was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Names it within its account.
    pub resource_id: String,
    /// Whose.
    pub account_id: String,
    /// Its product.
    pub product: String,
    /// As what it is priced.
    pub sku: String,
    /// How it is billed.
    pub billing_mode: BillingMode,
    /// How many units.
    pub quantity: Quantity,
    /// Where it is in its life.
    pub status: ResourceStatus,
    /// What happens at expiry.
    pub renewal: RenewalPolicy,
    /// For how many of the sku's terms an automatic renewal is; nothing: the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_periods: Option<u32>,
    /// Charged 0, never renewed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_trial: bool,
    /// First covered instant.
    pub starts_at: Instant,
    /// First instant that is no longer covered; nothing: without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// From where every expiry is computed.
    pub anchor: Anchor,
    /// What was paid for, oldest first; each can be given back on its own.
    pub periods: Vec<PaidPeriod>,
    /// What it becomes with its next period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_period: Option<NextPeriod>,
    /// First instant at which the grace of an expired resource is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_until: Option<Instant>,
    /// First instant at which a kept resource is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_until: Option<Instant>,
    /// Its bundle: one renewal policy, one expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// It works while one of these is active; empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What kind of site it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_center_type: Option<String>,
    /// What people know it by: size, version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// When its renewal is tried next by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Instant>,
    /// When its renewal was last tried by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_renewal_attempt_at: Option<Instant>,
    /// What came of it: `done`, or why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_renewal_result: Option<String>,
    /// When it was unsubscribed, deleted or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// Whether it was given back unconditionally within five days, which counts against a quota; of a bundle one member.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_given_back_freely: bool,
    /// What comes back of it once a second person approves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_refund: Option<WaitingRefund>,
}

/// From where every expiry of a resource is computed: the purchase, or the last unified expiry date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The instant whose day of the month every period keeps.
    pub from: Instant,
    /// Months paid since then.
    pub months: u32,
}

/// A period that was paid for. Orders of a resource are given back one by one, so each keeps what paid it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidPeriod {
    /// The order that bought it.
    pub order_id: String,
    /// What it was bought by.
    pub kind: PeriodKind,
    /// Its charge.
    pub charge_id: String,
    /// When it was bought: where the five days begin.
    pub bought_at: Instant,
    /// The service that it pays for.
    pub service: Window,
    /// Its length in months, for the class of the handling fee; of a change those of the period it changes.
    pub term_months: u32,
    /// As what it was priced.
    pub sku: String,
    /// Its product.
    pub product: String,
    /// Under which price row.
    pub price_id: String,
    /// What was due.
    pub due: Money,
    /// What paid it and has not come back, in the order of payment.
    pub paid: Vec<PaidPart>,
    /// Whether it was given back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_given_back: bool,
    /// What was used up when a downgrade gave back a part of the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<UsedUp>,
}

/// The part of a period that was used up at its price before a downgrade: what is left is used up from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedUp {
    /// Up to when.
    pub until: Instant,
    /// What of the money that was paid (vouchers left out) that time took.
    pub amount: Money,
}

/// What one source paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidPart {
    /// Where from.
    pub source: PaymentSource,
    /// The voucher, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// How much; above 0.
    pub amount: Money,
}

/// What a resource becomes when its next period begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPeriod {
    /// The order that asked for it.
    pub order_id: String,
    /// The end of what was paid for when it was asked for: periods from here on are of the new kind.
    pub from: Instant,
    /// As what it is priced then.
    pub sku: String,
    /// How many units.
    pub quantity: Quantity,
}

/// A charge of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCharge {
    /// The order.
    pub order_id: String,
    /// The charge; it has no settlement, and its payment lines are `paid_for` the order.
    pub charge: Charge,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl PaidPeriod {
    /// What its vouchers paid, which outside the five days does not come back.
    pub fn by_vouchers(&self) -> Money {
        self.paid.iter().filter(|part| part.source == PaymentSource::Voucher).map(|part| part.amount).sum()
    }

    /// What all sources paid.
    pub fn by_all(&self) -> Money {
        self.paid.iter().map(|part| part.amount).sum()
    }
}

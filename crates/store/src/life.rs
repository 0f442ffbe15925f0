//! The values of what is bought: orders and what became of them, where accounts stand, what happened.

use reckoner_core::life::{AccountStatus, OrderCharge, Resource};
use reckoner_core::number::Money;
use reckoner_core::table::OrderRow;
use reckoner_core::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An order, where it came from and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOrder {
    /// The order as placed.
    pub row: OrderRow,
    /// Who placed it.
    pub origin: OrderOrigin,
    /// What became of it.
    pub state: OrderState,
}

/// Where an order came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderOrigin {
    /// A delivered file.
    File {
        /// The sequence number of the file.
        seq: u64,
        /// The delivered file.
        file_id: String,
        /// The line in it.
        line: u64,
    },
    /// The engine itself: an automatic renewal.
    Engine,
}

/// Whether an order was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// It waits for its instant.
    Pending,
    /// It was carried out.
    Done,
    /// It could not be carried out.
    Refused,
}

impl OrderStatus {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState {
    /// The order.
    pub order_id: String,
    /// Whether it was carried out.
    pub status: OrderStatus,
    /// When it took effect; an order that is done has it.
    pub done_at: Option<Instant>,
    /// What was paid for it.
    pub amount: Option<Money>,
    /// What a refund keeps for the time used; not below 0.
    pub consumed: Option<Money>,
    /// What went back to the customer's sources, vouchers included; not below 0.
    pub refund: Option<Money>,
    /// The handling fee; not below 0.
    pub fee: Option<Money>,
    /// Why it was refused; an order that is refused has it, no other.
    pub refusal: Option<String>,
}

impl OrderState {
    /// Of an order that waits.
    pub fn pending(order_id: impl Into<String>) -> Self {
        Self {
            order_id: order_id.into(),
            status: OrderStatus::Pending,
            done_at: None,
            amount: None,
            consumed: None,
            refund: None,
            fee: None,
            refusal: None,
        }
    }
}

/// Where an account stands. An account without one is normal, and no effect of its life was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStanding {
    /// The account.
    pub account_id: String,
    /// Where it stands.
    pub status: AccountStatus,
    /// First instant at which it stands there.
    pub since: Instant,
    /// First instant at which the grace of its arrears is over.
    pub grace_until: Option<Instant>,
    /// First instant at which what it used is released.
    pub retention_until: Option<Instant>,
    /// The last instant whose effects were carried out.
    pub life_at: Instant,
    /// When something is due for it next; nothing: only money moves it.
    pub next_at: Option<Instant>,
}

/// A time in which an account stood in one place, half-open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingInterval {
    /// The account.
    pub account_id: String,
    /// Where it stood.
    pub status: AccountStatus,
    /// First instant.
    pub starts_at: Instant,
    /// First instant at which it no longer stood there; nothing: it still does.
    pub ends_at: Option<Instant>,
}

/// Something that happened in the life of an account or a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeEvent {
    /// Derived from the facts.
    pub event_id: String,
    /// When it happened.
    pub at: Instant,
    /// Whose.
    pub account_id: String,
    /// Of what; nothing: of the account itself.
    pub resource_id: Option<String>,
    /// What: `expired`, `renewal_failed`, …
    pub kind: String,
    /// The facts of it.
    pub data: BTreeMap<String, String>,
}

/// What a batch changes in lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LifeBatch {
    /// Orders that the engine makes by itself; `orders` says what became of them.
    pub orders_made: Vec<OrderRow>,
    /// Orders that took effect or were refused. Only an order that waits may change.
    pub orders: Vec<OrderState>,
    /// Resources after this batch, and when something is due for each next.
    pub resources: Vec<(Resource, Option<Instant>)>,
    /// Where accounts stand, in the order in which they came to stand there: an account that moved twice is named twice.
    pub standings: Vec<AccountStanding>,
    /// Charges of orders.
    pub charges: Vec<OrderCharge>,
    /// What happened, in order.
    pub events: Vec<LifeEvent>,
}

//! The values of what is bought: orders and what became of them, where accounts stand, what happened.

use reckoner_core::life::{AccountStatus, OrderCharge, Resource, Standing};
pub use reckoner_core::life::{LifeEvent, LifeEventKind, OrderApproval, OrderState, OrderStatus};
use reckoner_core::table::OrderRow;
use reckoner_core::time::Instant;

/// An order, where it came from and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOrder {
    /// The order as placed.
    pub row: OrderRow,
    /// Where it came from.
    pub origin: OrderOrigin,
    /// Who delivered it; nothing: the engine made it, or nobody kept who.
    pub placed_by: Option<String>,
    /// What became of it.
    pub state: OrderState,
    /// Who let its refund come back, where it waited.
    pub approval: Option<OrderApproval>,
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

/// Where an account stands. An account without one is normal, and no effect of its life was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStanding {
    /// Where it stands, since when, and up to when its life was carried out.
    pub standing: Standing,
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

/// What a batch changes in lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LifeBatch {
    /// Orders that the engine makes by itself; `orders` says what became of them.
    pub orders_made: Vec<OrderRow>,
    /// Orders that took effect, were refused, or wait for somebody now. Only an order that waits may change, and one that
    /// waits for somebody comes to wait once.
    pub orders: Vec<OrderState>,
    /// Who let refunds come back; once an order.
    pub approvals: Vec<OrderApproval>,
    /// Resources after this batch, and when something is due for each next.
    pub resources: Vec<(Resource, Option<Instant>)>,
    /// Where accounts stand, in the order in which they came to stand there: an account that moved twice is named twice.
    pub standings: Vec<AccountStanding>,
    /// Charges of orders.
    pub charges: Vec<OrderCharge>,
    /// What happened, in order.
    pub events: Vec<LifeEvent>,
}

//! What a step of a life changed: what is to be recorded of it.

use super::account::Standing;
use super::{OrderApproval, OrderCharge, words};
use crate::number::Money;
use crate::pay::Effects;
use crate::table::OrderRow;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// What became of an order.
    OrderStatus {
        /// Its instant has not come, or its refund waits for approval.
        Pending = "pending",
        /// It took effect.
        Done = "done",
        /// It could not be carried out.
        Refused = "refused",
    }

    /// What happened, for whoever starts and stops resources.
    LifeEventKind {
        /// Bought.
        Purchased = "purchased",
        /// Its term was extended.
        Renewed = "renewed",
        /// An automatic renewal failed.
        RenewalFailed = "renewal_failed",
        /// Beyond its last paid period.
        Expired = "expired",
        /// It stops working.
        Suspended = "suspended",
        /// It works again.
        Restored = "restored",
        /// Gone for good.
        Released = "released",
        /// Given back.
        Unsubscribed = "unsubscribed",
        /// Its refund waits for a second person.
        RefundWaits = "refund_waits",
        /// Its refund was approved, and came back.
        RefundApproved = "refund_approved",
        /// Another sku or quantity.
        Changed = "changed",
        /// Deleted by its owner.
        Deleted = "deleted",
        /// It goes on, paid by use.
        Converted = "converted",
        /// The account owes what is overdue.
        ArrearsBegan = "arrears_began",
        /// It owes nothing overdue any more.
        ArrearsEnded = "arrears_ended",
    }
}

/// What became of an order, with what it cost or brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// The order.
    pub order_id: String,
    /// Pending, done, refused.
    pub status: OrderStatus,
    /// When it took effect.
    pub done_at: Option<Instant>,
    /// What was paid for it; below 0: what came back.
    pub amount: Option<Money>,
    /// What a refund keeps for the time used; not below 0.
    pub consumed: Option<Money>,
    /// What went back to the customer's sources, vouchers included; not below 0.
    pub refund: Option<Money>,
    /// The handling fee; not below 0.
    pub fee: Option<Money>,
    /// Why it was refused.
    pub refusal: Option<String>,
    /// What it waits for, where its instant has come: it began to take effect, and its money has not moved.
    pub waits_for: Option<String>,
}

/// Something that happened to an account or a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeEvent {
    /// Derived from kind, account, resource, instant and cause: the same step always has the same.
    pub event_id: String,
    /// When.
    pub at: Instant,
    /// Whose.
    pub account_id: String,
    /// Of what; nothing: of the account.
    pub resource_id: Option<String>,
    /// What.
    pub kind: LifeEventKind,
    /// Facts about it, by name.
    pub data: BTreeMap<String, String>,
}

/// What a step changed. Taking it has already changed the account; this is what is to be recorded beside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LifeEffects {
    /// What moved in its money.
    pub money: Option<Effects>,
    /// The description of the ledger transaction, and the facts that name it.
    pub posting: Option<(&'static str, Vec<String>)>,
    /// What became of an order.
    pub order: Option<OrderState>,
    /// The order, where the engine made it: an automatic renewal.
    pub made: Option<OrderRow>,
    /// Where the account stands since this step, where it moved.
    pub standing: Option<Standing>,
    /// Who let a refund come back.
    pub approval: Option<OrderApproval>,
    /// Charges.
    pub charges: Vec<OrderCharge>,
    /// Events.
    pub events: Vec<LifeEvent>,
}

/// Why something could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// A stable code: `in_arrears`.
    pub code: &'static str,
    /// The sentence for a person.
    pub why: String,
}

impl Refused {
    /// A refusal with its sentence.
    pub fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.why)
    }
}

impl OrderState {
    /// An order that waits.
    pub fn pending(order_id: impl Into<String>) -> Self {
        let waits = Self::done("", Instant::MIN);
        Self { order_id: order_id.into(), status: OrderStatus::Pending, done_at: None, ..waits }
    }

    /// An order that took effect and moved nothing.
    pub fn done(order_id: &str, at: Instant) -> Self {
        Self {
            order_id: order_id.to_owned(),
            status: OrderStatus::Done,
            done_at: Some(at),
            amount: None,
            consumed: None,
            refund: None,
            fee: None,
            refusal: None,
            waits_for: None,
        }
    }

    /// An order that could not be carried out.
    pub fn refused(order_id: &str, why: &Refused) -> Self {
        let refused = Self::done(order_id, Instant::MIN);
        Self { status: OrderStatus::Refused, done_at: None, refusal: Some(why.to_string()), ..refused }
    }
}

impl LifeEvent {
    /// An event without further facts. `cause` is the order or entry, of arrears what is outstanding; empty for what else time
    /// does.
    pub fn new(kind: LifeEventKind, at: Instant, account_id: &str, resource_id: Option<&str>, cause: &str) -> Self {
        let instant = at.to_utc_text();
        let facts = [kind.as_str(), account_id, resource_id.unwrap_or_default(), &instant, cause];
        Self {
            event_id: crate::id::derive("ev", &facts),
            at,
            account_id: account_id.to_owned(),
            resource_id: resource_id.map(str::to_owned),
            kind,
            data: BTreeMap::new(),
        }
    }

    /// The same event with a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.data.insert(name.to_owned(), value.to_string());
        self
    }
}

//! Refunds that wait for a second person, and the word that lets them come back.
//!
//! Owns: what is kept of a refund between its request and its approval, and who may approve it. Does not own: which refund is
//! large (the profile), what comes back of a period (`refund`), carrying an approval out (`order`).
//! Promises: what comes back is reckoned once, at the request, and kept; while it waits nothing of it is posted.

use super::formula::Formula;
use super::{PaidPart, Refused, Resource, UsedUp};
use crate::number::Money;
use crate::table::{BillingMode, OrderKind};
use crate::time::{Instant, Window};
use serde::{Deserialize, Serialize};

/// What comes back of one paid period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// The resource.
    pub resource_id: String,
    /// Its place among the resource's periods.
    pub place: usize,
    /// How the resource is billed.
    pub billing_mode: BillingMode,
    /// Whether nothing of the period is left.
    pub is_whole: bool,
    /// To which sources; they sum to the refund.
    pub parts: Vec<PaidPart>,
    /// What counts as paid: consumed, fee and refund together.
    pub paid: Money,
    /// What is kept for the time used.
    pub consumed: Money,
    /// What is kept for the handling.
    pub fee: Money,
    /// What goes back.
    pub refund: Money,
    /// The service that is given back.
    pub service: Window,
    /// What of the period was used up by then, where some of it is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<UsedUp>,
    /// How the refund comes about, for a quote.
    #[serde(skip)]
    pub formula: Formula,
}

/// A refund that waits, as far as it is one resource's: the resource has ended, or lost a renewal, at the request; its money
/// has not moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRefund {
    /// The order that asked for it.
    pub order_id: String,
    /// The resource that the order names.
    pub resource_id: String,
    /// What it asked for.
    pub kind: OrderKind,
    /// When: used time counts to here.
    pub requested_at: Instant,
    /// When it is approved if nobody does; nothing: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by_itself_at: Option<Instant>,
    /// What comes back, a period each.
    pub backs: Vec<Back>,
}

/// Somebody lets a refund come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderApproval {
    /// The order that asked for the refund.
    pub order_id: String,
    /// Whose.
    pub account_id: String,
    /// Who approved it; `engine` where nobody did in time.
    pub approved_by: String,
    /// When.
    pub approved_at: Instant,
    /// Why.
    pub reason: Option<String>,
}

impl OrderApproval {
    /// Who approves what nobody approved in time.
    pub const ENGINE: &str = "engine";
}

impl WaitingRefund {
    /// What goes back of this resource.
    pub fn refund(&self) -> Money {
        self.backs.iter().map(|back| back.refund).sum()
    }

    /// Whether nothing is left of the period at this place: it was given up, and its money waits.
    pub fn gives_up(&self, place: usize) -> bool {
        self.backs.iter().any(|back| back.place == place && back.is_whole)
    }
}

/// Whether somebody may approve what somebody placed: a second person does. Who placed it may not be known.
///
/// # Errors
/// `same_person` where it is the same.
pub fn may_approve(placed_by: Option<&str>, approved_by: &str) -> Result<(), Refused> {
    if placed_by != Some(approved_by) {
        return Ok(());
    }
    Err(Refused::new("same_person", format!("`{approved_by}` placed the order, and a second person approves it")))
}

/// While a refund of it waits, a resource is neither changed nor given back.
///
/// # Errors
/// `refund_waits` where one does.
pub(super) fn no_refund_waits(resource: &Resource) -> Result<(), Refused> {
    let Some(waiting) = &resource.waiting_refund else { return Ok(()) };
    let why = format!("a refund of `{}` waits for approval, by order `{}`", resource.resource_id, waiting.order_id);
    Err(Refused::new("refund_waits", why))
}

/// What was given up is not renewed while its refund waits; what became smaller goes on and is.
///
/// # Errors
/// `refund_waits` where an unsubscription waits.
pub(super) fn no_unsubscription_waits(resource: &Resource) -> Result<(), Refused> {
    match &resource.waiting_refund {
        Some(waiting) if waiting.kind == OrderKind::Unsubscribe => no_refund_waits(resource),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_person_approves() {
        for (placed_by, approved_by, expected) in [
            (Some("ana"), "ana", false),
            (Some("ana"), "ben", true),
            (None, "ana", true), // it was placed before anybody kept who
        ] {
            assert_eq!(may_approve(placed_by, approved_by).is_ok(), expected, "{placed_by:?} {approved_by}");
        }
    }
}

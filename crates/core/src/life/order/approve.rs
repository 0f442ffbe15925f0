//! Large refunds: they wait for a second person, and come back once somebody approves them.
//!
//! The request ends what it ends at its own instant, reckons what comes back and keeps that beside the resource; it posts
//! nothing. The approval, a person's or that of time, posts what was kept, at its own instant.

use super::super::Resource;
use super::super::account::LifeAccount;
use super::super::effect::{LifeEffects, LifeEvent, LifeEventKind, OrderState};
use super::super::terms::LifeTerms;
use super::super::waiting::{Back, OrderApproval, WaitingRefund};
use super::unsubscribe::give_back;
use crate::number::Money;
use crate::table::OrderRow;
use crate::time::Instant;

/// Gives the parts back, or lets them wait where together they are large.
pub(super) fn give_back_or_wait(
    account: &mut LifeAccount,
    order: &OrderRow,
    backs: Vec<Back>,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> LifeEffects {
    match limit_passed(account, &backs, terms) {
        Some(limit) => wait(account, order, backs, limit, at, terms),
        None => give_back(account, &order.order_id, order.kind, &backs, at, terms),
    }
}

/// The limit that the refund is above, if it is.
fn limit_passed(account: &LifeAccount, backs: &[Back], terms: &LifeTerms<'_>) -> Option<Money> {
    let limit = terms.profile.large_refund_above.as_ref()?.above(&account.money.wallet.currency)?;
    let refund: Money = backs.iter().map(|back| back.refund).sum();
    (refund > limit).then_some(limit)
}

fn wait(
    account: &mut LifeAccount,
    order: &OrderRow,
    backs: Vec<Back>,
    limit: Money,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> LifeEffects {
    let after = terms.profile.refund_auto_approve_after.map(|after| i64::try_from(after.as_secs()).unwrap_or(i64::MAX));
    let approved_by_itself_at = after.map(|seconds| at.plus_seconds(seconds));
    let refund: Money = backs.iter().map(|back| back.refund).sum();
    for back in backs {
        let resource = account.resources.get_mut(&back.resource_id).expect("what comes back is of a resource of the account");
        let waiting = resource.waiting_refund.get_or_insert_with(|| WaitingRefund {
            order_id: order.order_id.clone(),
            resource_id: order.resource_id.clone(),
            kind: order.kind,
            requested_at: at,
            approved_by_itself_at,
            backs: Vec::new(),
        });
        waiting.backs.push(back);
    }

    let currency = &account.money.wallet.currency;
    let (amount, limit) = (refund.trimmed(), limit.trimmed());
    let until = match approved_by_itself_at {
        Some(until) => format!("; if nobody does, it comes back at {}", terms.zone.to_text(until)),
        None => String::new(),
    };
    let waits_for = format!(
        "approval: {amount} {currency} would come back, which is above {limit}; a second person approves it \
         (`reckoner orders approve`){until}"
    );
    let event = event(LifeEventKind::RefundWaits, account, &order.resource_id, &order.order_id, at);
    LifeEffects {
        order: Some(OrderState { waits_for: Some(waits_for), ..OrderState::pending(&order.order_id) }),
        events: vec![event.with("amount", refund)],
        ..LifeEffects::default()
    }
}

/// Whether a refund of the order waits; where none does, it came back before.
pub(in super::super) fn waits(account: &LifeAccount, order_id: &str) -> bool {
    account.resources.values().any(|resource| is_of(resource, order_id))
}

fn is_of(resource: &Resource, order_id: &str) -> bool {
    resource.waiting_refund.as_ref().is_some_and(|waiting| waiting.order_id == order_id)
}

/// Lets a refund come back that waits.
pub(in super::super) fn approve(
    account: &mut LifeAccount,
    approval: &OrderApproval,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> LifeEffects {
    let waits = account.resources.values().filter(|resource| is_of(resource, &approval.order_id));
    let ids: Vec<String> = waits.map(|resource| resource.resource_id.clone()).collect();
    let take = |id: &String| account.resources.get_mut(id)?.waiting_refund.take();
    let taken: Vec<WaitingRefund> = ids.iter().filter_map(take).collect();
    let WaitingRefund { kind, resource_id, .. } = taken.first().expect("only what waits is approved").clone();
    let backs: Vec<Back> = taken.into_iter().flat_map(|waiting| waiting.backs).collect();
    let refund: Money = backs.iter().map(|back| back.refund).sum();

    let mut effects = give_back(account, &approval.order_id, kind, &backs, at, terms);
    let event = event(LifeEventKind::RefundApproved, account, &resource_id, &approval.order_id, at);
    effects.events.push(event.with("amount", refund).with("approved_by", &approval.approved_by));
    effects.approval = Some(approval.clone());
    effects
}

/// Approves what nobody approved in time.
pub(in super::super) fn approve_by_itself(
    account: &mut LifeAccount,
    order_id: &str,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> LifeEffects {
    let approval = OrderApproval {
        order_id: order_id.to_owned(),
        account_id: account.account_id().to_owned(),
        approved_by: OrderApproval::ENGINE.to_owned(),
        approved_at: at,
        reason: Some("nobody did in the time that the profile gives".to_owned()),
    };
    approve(account, &approval, at, terms)
}

fn event(kind: LifeEventKind, account: &LifeAccount, resource_id: &str, order_id: &str, at: Instant) -> LifeEvent {
    LifeEvent::new(kind, at, account.account_id(), Some(resource_id), order_id).with("order_id", order_id)
}

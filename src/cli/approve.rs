//! `orders approve`: a second person lets a large refund come back.

use super::Answer;
use super::args::orders::ApproveArgs;
use crate::app::Caller;
use crate::books::Books;
use crate::explain::approval_document;
use crate::failure::Failure;
use crate::renew;
use crate::report::terminal::{facts, money, on_the_clock};
use reckoner_core::life::{OrderApproval, OrderStatus, may_approve};
use reckoner_core::time::Zone;
use reckoner_store::{KnownOrder, Store};
use serde_json::{Value, json};

/// `orders approve`.
pub fn approve(caller: &Caller, args: &ApproveArgs) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let order = known(books.store(), &args.order_id)?;
    if order.approval.is_none() {
        refuse_unfit(&order, &books.actor)?;
        let approval = OrderApproval {
            order_id: order.row.order_id.clone(),
            account_id: order.row.account_id.clone(),
            approved_by: books.actor.clone(),
            approved_at: books.as_of,
            reason: args.reason.clone(),
        };
        let advanced = renew::approve(&mut books, &approval)?;
        if let Some((account_id, why)) = advanced.failed.first() {
            return Err(Failure::failed(why)
                .at(format!("account {account_id}"))
                .hint("nothing was approved; approve it again once what is in the way is put right"));
        }
    }
    let is_known = order.approval.is_some();
    let order = known(books.store(), &args.order_id)?;
    let currency = books.accounts()?.currency(&order.row.account_id).unwrap_or_default().to_owned();
    Ok(Answer::done(text(&order, is_known, &currency, books.zone), document(&order, is_known, &currency, books.zone)))
}

fn known(store: &dyn Store, order_id: &str) -> Result<KnownOrder, Failure> {
    let unknown = || {
        Failure::usage(format!("there is no order `{order_id}`")).hint("`reckoner orders list` shows all of them with their ids")
    };
    store.order(order_id)?.ok_or_else(unknown)
}

/// Only what waits is approved, and not by who placed it.
fn refuse_unfit(order: &KnownOrder, actor: &str) -> Result<(), Failure> {
    let at = format!("order {}", order.row.order_id);
    if order.state.waits_for.is_none() {
        let saw = match order.state.status {
            OrderStatus::Pending => "it waits for its instant, not for approval",
            OrderStatus::Done => "it was carried out, and did not wait for approval",
            OrderStatus::Refused => "it was refused, and nothing comes back by it",
        };
        return Err(Failure::policy(saw).at(at).hint("`reckoner orders list --waiting` shows what waits for approval"));
    }
    may_approve(order.placed_by.as_deref(), actor).map_err(|refused| {
        Failure::policy(refused.to_string()).at(at).hint("`--actor NAME` says who acts; the order waits as before")
    })
}

fn text(order: &KnownOrder, is_known: bool, currency: &str, zone: Zone) -> String {
    let (row, state) = (&order.row, &order.state);
    let heading = match is_known {
        true => "approved already: nothing of it has effect again",
        false => "approved, and carried out",
    };
    let mut lines = vec![
        ("order", row.order_id.clone()),
        ("kind", format!("{} of {} for {}", row.kind.as_str(), row.resource_id, row.account_id)),
        ("placed", on_the_clock(row.placed_at, zone)),
    ];
    if let Some(approval) = &order.approval {
        lines.push(("approved", format!("{} by {}", on_the_clock(approval.approved_at, zone), approval.approved_by)));
        lines.extend(approval.reason.clone().map(|reason| ("reason", reason)));
    }
    lines.extend(state.done_at.map(|at| ("done", on_the_clock(at, zone))));
    let amounts = [("amount", state.amount), ("kept", state.consumed), ("fee", state.fee), ("returned", state.refund)];
    lines.extend(amounts.into_iter().filter_map(|(name, amount)| Some((name, money(amount?, currency)))));
    format!("{heading}\n{}", facts(&lines))
}

fn document(order: &KnownOrder, is_known: bool, currency: &str, zone: Zone) -> Value {
    let (row, state) = (&order.row, &order.state);
    json!({
        "order_id": row.order_id,
        "account_id": row.account_id,
        "kind": row.kind.as_str(),
        "resource_id": row.resource_id,
        "duplicate": is_known,
        "status": state.status.as_str(),
        "done_at": state.done_at.map(|at| zone.to_text(at)),
        "amount": state.amount.map(|amount| amount.to_string()),
        "consumed_amount": state.consumed.map(|amount| amount.to_string()),
        "refund_amount": state.refund.map(|amount| amount.to_string()),
        "fee_amount": state.fee.map(|amount| amount.to_string()),
        "currency": currency,
        "approval": approval_document(order, zone),
    })
}

//! What orders would come to, one after the other, on a copy of the account. Nothing is recorded.

use crate::{Knowledge, accounts, with_order_payments};
use reckoner_core::life::order::{Quote, quote};
use reckoner_core::life::{self, Given, LifeAccount, LifeTerms, OrderState, Refused, Taken};
use reckoner_core::pay::MoneyEvent;
use reckoner_core::table::OrderRow;
use reckoner_core::time::Instant;
use reckoner_store::{Store, StoreError};
use std::collections::HashMap;

/// What one order would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The order.
    pub order: OrderRow,
    /// What it costs or brings back and how that comes about, whether the money is there or not.
    pub quote: Result<Quote, Refused>,
    /// What would become of it: refused, also where money is missing.
    pub state: OrderState,
    /// The expiry of its resource before it.
    pub expires_before: Option<Instant>,
    /// The expiry of its resource after it.
    pub expires_after: Option<Instant>,
}

/// Accounts as they would stand at an instant, with the money, orders and timers that are due by then; and what is given to
/// each after that, up to `horizon`, in the order in which it will be taken. In the order of their ids; accounts that are
/// not known are left out.
///
/// Use is not in it: what hours not settled yet will cost is not known.
///
/// # Errors
/// What the store says.
pub fn as_they_would_stand(
    store: &dyn Store,
    knowledge: &Knowledge,
    account_ids: &[String],
    as_of: Instant,
    horizon: Instant,
) -> Result<Vec<(LifeAccount, Vec<Given>)>, StoreError> {
    let mut by_account: HashMap<String, Vec<Given>> = HashMap::new();
    for row in store.pending_funds(horizon)? {
        by_account.entry(row.account_id.clone()).or_default().push(Given::Money(MoneyEvent::Funds(row)));
    }
    for row in store.pending_orders(horizon)? {
        by_account.entry(row.account_id.clone()).or_default().push(Given::Order(Box::new(row)));
    }
    let mut standing = Vec::new();
    for mut account in accounts(store, knowledge, account_ids)? {
        with_order_payments(store, knowledge, &mut account)?;
        let mut given = by_account.remove(account.account_id()).unwrap_or_default();
        given.sort_by(|a, b| a.place().cmp(&b.place()));
        let ahead = given.split_off(given.partition_point(|given| given.at() <= as_of));
        life::advance(&mut account, &given, as_of, &knowledge.terms());
        standing.push((account, ahead));
    }
    Ok(standing)
}

/// Carries the orders out on the account, one after the other, and says what came of each. All are placed at one instant, and
/// the account stands there already.
pub fn rehearse(account: &mut LifeAccount, orders: &[OrderRow], terms: &LifeTerms<'_>) -> Vec<Rehearsed> {
    let one = |order: &OrderRow| {
        let at = order.placed_at.max(terms.effective_from).max(account.standing.life_at);
        let expires_before = expiry(account, order);
        let quote = quote(account, order, at, terms);
        let taken = life::advance(account, &[Given::Order(Box::new(order.clone()))], order.placed_at, terms);
        let states = taken.into_iter().filter_map(|taken| match taken {
            Taken::Life(_, effects) => effects.order,
            Taken::Money(..) => None,
        });
        let state = states.into_iter().find(|state| state.order_id == order.order_id);
        Rehearsed {
            order: order.clone(),
            quote,
            state: state.expect("an order that is given is taken"),
            expires_before,
            expires_after: expiry(account, order),
        }
    };
    orders.iter().map(one).collect()
}

fn expiry(account: &LifeAccount, order: &OrderRow) -> Option<Instant> {
    account.resources.get(&order.resource_id)?.expires_at
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, at};
    use super::*;
    use reckoner_core::life::OrderStatus;

    #[test]
    fn orders_are_rehearsed_one_after_the_other_and_change_nothing() {
        let mut world = World::new();
        world.top_up("a", "250");
        world.order("a", "purchase", "vm-1", "2026-01-05T10:00:00+08:00", &[("sku", "vm.month")]);
        world.order("a", "purchase", "vm-2", "2026-01-05T10:00:00+08:00", &[("sku", "vm.month")]);
        let before = world.account("a").clone();
        let mut copy = before.clone();
        // 50 are left: the first renewal costs 100 whether they are there or not.
        let renew = |world: &World, id: &str| world.row("a", "renew", id, "2026-01-10T00:00:00+08:00", &[]);
        let orders = [renew(&world, "vm-1"), renew(&world, "vm-9")];
        let rehearsed = rehearse(&mut copy, &orders, &world.terms());
        let first = rehearsed[0].quote.as_ref().expect("it has a price");
        assert_eq!((first.amount.to_text(2), rehearsed[0].state.status), ("100.00".to_owned(), OrderStatus::Refused));
        assert!(rehearsed[0].state.refusal.as_deref().is_some_and(|why| why.starts_with("insufficient_funds: ")));
        assert_eq!(rehearsed[0].expires_after, rehearsed[0].expires_before);
        assert_eq!(rehearsed[1].quote.as_ref().err().map(|refused| refused.code), Some("unknown_resource"));
        assert_eq!(world.account("a"), &before);

        // With money for one, the first takes it.
        world.top_up("a", "60");
        let mut copy = world.account("a").clone();
        let rehearsed = rehearse(&mut copy, &[renew(&world, "vm-1"), renew(&world, "vm-2")], &world.terms());
        let states: Vec<&str> = rehearsed.iter().map(|one| one.state.status.as_str()).collect();
        assert_eq!(states, ["done", "refused"]);
        assert_eq!(rehearsed[0].expires_after, Some(at("2026-03-06T00:00:00+08:00")));
    }
}

//! The calendar: what renews, expires, freezes and is released in the days ahead, and which renewals the money covers.
//!
//! The account is taken through the days on a copy, by the very steps that will be carried out, so that the order in which
//! renewals get the money is the engine's. Use that is not settled yet is not in it.

use reckoner_core::ledger::LedgerAccount;
use reckoner_core::life::{self, Given, LifeAccount, LifeEvent, LifeEventKind, LifeTerms, Taken};
use reckoner_core::number::Money;
use reckoner_core::pay::Effects;
use reckoner_core::time::Instant;

/// Something that is due for a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Instant,
    /// Whose.
    pub account_id: String,
    /// Of what.
    pub resource_id: String,
    /// Renewed, renewal failed, expired, suspended (frozen), released, converted, a refund that nobody approved comes back.
    pub kind: LifeEventKind,
    /// Of a renewal: its price. Of a refund: what comes back.
    pub amount: Option<Money>,
    /// Of a renewal: the first instant that it no longer covers, as the engine writes it.
    pub expires_at: Option<String>,
    /// Of a failed renewal: why, as a code and as a sentence.
    pub reason: Option<(String, String)>,
    /// Of a failed renewal: the last of its attempts, where they fail alike.
    pub last_at: Instant,
    /// Of a failed renewal: how many attempts fail alike.
    pub attempts: u32,
    /// Cash and granted money after it.
    pub balance_after: Money,
}

/// What is due after the instant at which the account stands, up to and including `until`; `ahead` is what is given by then.
/// Takes the account there.
pub fn calendar(account: &mut LifeAccount, ahead: &[Given], until: Instant, terms: &LifeTerms<'_>) -> Vec<Due> {
    let mut found: Vec<Due> = Vec::new();
    let mut ahead = ahead;
    loop {
        let given_at = ahead.first().map(Given::at);
        let next = [life::next_at(account, terms), given_at].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else { return found };
        let (now, later) = ahead.split_at(ahead.partition_point(|given| given.at() <= next));
        ahead = later;

        let mut balance = account.money.wallet.balance + account.money.wallet.granted;
        for taken in life::advance(account, now, next, terms) {
            let (money, events) = match taken {
                Taken::Money(_, effects) => (Some(effects), Vec::new()),
                Taken::Life(_, effects) => (effects.money, effects.events),
            };
            balance += money.map_or(Money::ZERO, |effects| into_wallet(account.account_id(), &effects));
            for due in events.into_iter().filter_map(|event| due(event, balance)) {
                add(&mut found, due);
            }
        }
    }
}

/// What a step moved into the wallet: its accounts are liabilities, which credits raise.
fn into_wallet(account_id: &str, effects: &Effects) -> Money {
    let held = [LedgerAccount::Wallet(account_id), LedgerAccount::Granted(account_id)];
    let names = held.map(|account| account.leg(Money::ZERO).account);
    effects.legs.iter().filter(|leg| names.contains(&leg.account)).map(|leg| -leg.amount).sum()
}

fn due(event: LifeEvent, balance_after: Money) -> Option<Due> {
    let is_shown = match event.kind {
        LifeEventKind::Renewed
        | LifeEventKind::RenewalFailed
        | LifeEventKind::Expired
        | LifeEventKind::Suspended
        | LifeEventKind::Released
        | LifeEventKind::RefundApproved
        | LifeEventKind::Converted => true,
        LifeEventKind::Purchased
        | LifeEventKind::Restored
        | LifeEventKind::Unsubscribed
        | LifeEventKind::RefundWaits
        | LifeEventKind::Changed
        | LifeEventKind::Deleted
        | LifeEventKind::ArrearsBegan
        | LifeEventKind::ArrearsEnded => false,
    };
    let fact = |name: &str| event.data.get(name).cloned();
    Some(Due {
        at: event.at,
        account_id: event.account_id.clone(),
        resource_id: event.resource_id.clone().filter(|_| is_shown)?,
        kind: event.kind,
        amount: fact("amount").and_then(|text| Money::parse(&text).ok()),
        expires_at: fact("expires_at"),
        reason: fact("reason").map(|code| (code, fact("detail").unwrap_or_default())),
        last_at: event.at,
        attempts: 1,
        balance_after,
    })
}

/// An attempt that fails as the one before it is counted there.
fn add(found: &mut Vec<Due>, due: Due) {
    let code = |due: &Due| due.reason.as_ref().map(|(code, _)| code.clone());
    let before = found.iter_mut().rev().find(|other| other.resource_id == due.resource_id);
    match before {
        Some(before) if before.kind == LifeEventKind::RenewalFailed && due.kind == before.kind && code(before) == code(&due) => {
            (before.last_at, before.attempts) = (due.at, before.attempts + 1);
        }
        Some(_) | None => found.push(due),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, at};
    use super::*;

    fn shown(found: &[Due]) -> Vec<String> {
        let line = |due: &Due| {
            let reason = due.reason.as_ref().map_or("", |(code, _)| code.as_str());
            let zone = reckoner_core::time::Zone::parse("+08:00").expect("a zone");
            let text = format!(
                "{} {} {} {} {reason} {}",
                &zone.to_text(due.at)[..16],
                due.resource_id,
                due.kind.as_str(),
                due.attempts,
                due.balance_after.to_text(2)
            );
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn money_for_one_renewal_goes_to_the_earliest_expiry() {
        let mut world = World::new();
        world.top_up("a", "450");
        // a-disk depends on vm-2, and parents come first.
        let auto = [("sku", "vm.month"), ("renewal", "auto")];
        world.order("a", "purchase", "vm-1", "2026-01-04T10:00:00+08:00", &[("sku", "vm.month")]);
        world.order("a", "purchase", "a-disk", "2026-01-05T10:00:00+08:00", &[&auto[..], &[("depends_on", "vm-2")]].concat());
        world.order("a", "purchase", "vm-2", "2026-01-05T10:00:00+08:00", &auto);
        let mut account = world.account("a").clone();
        let found = calendar(&mut account, &[], at("2026-03-01T00:00:00+08:00"), &world.terms());
        // Three at 100 are bought of 450; one renewal at 100 fits in what is left. vm-1 is renewed by hand.
        let expected = [
            "2026-01-29T03:00 vm-2 renewed 1 50.00",
            "2026-01-29T03:00 a-disk renewal_failed 8 insufficient_funds 50.00",
            "2026-02-05T00:00 vm-1 expired 1 50.00",
            "2026-02-06T00:00 a-disk expired 1 50.00",
            "2026-02-20T00:00 vm-1 suspended 1 50.00",
            "2026-02-21T00:00 a-disk suspended 1 50.00",
            "2026-02-26T03:00 vm-2 renewal_failed 3 insufficient_funds 50.00",
        ];
        assert_eq!(shown(&found), expected);
    }

    #[test]
    fn the_balance_after_each_step_leads_to_the_wallet() {
        let mut world = World::new();
        world.top_up("a", "1000");
        for id in ["vm-1", "vm-2"] {
            world.order("a", "purchase", id, "2026-01-05T10:00:00+08:00", &[("sku", "vm.month"), ("renewal", "auto")]);
        }
        let mut account = world.account("a").clone();
        let found = calendar(&mut account, &[], at("2026-03-01T00:00:00+08:00"), &world.terms());
        let balances: Vec<String> = found.iter().map(|due| due.balance_after.to_text(0)).collect();
        assert_eq!(balances, ["700", "600", "500", "400"]);
        assert_eq!(found.last().map(|due| due.balance_after), Some(account.money.wallet.balance));
    }

    #[test]
    fn money_that_comes_in_between_is_counted() {
        let mut world = World::new();
        world.top_up("a", "100");
        world.order("a", "purchase", "vm-1", "2026-01-05T10:00:00+08:00", &[("sku", "vm.month"), ("renewal", "auto")]);
        let mut account = world.account("a").clone();
        let ahead = [world.money("a", "100", "2026-01-31T12:00:00+08:00")];
        let found = calendar(&mut account, &ahead, at("2026-02-10T00:00:00+08:00"), &world.terms());
        let expected = ["2026-01-29T03:00 vm-1 renewal_failed 3 insufficient_funds 0.00", "2026-02-01T03:00 vm-1 renewed 1 0.00"];
        assert_eq!(shown(&found), expected);
        assert_eq!(found[1].expires_at.as_deref(), Some("2026-03-06T00:00:00+08:00"));
        assert_eq!(found[1].amount, Some(Money::parse("100").expect("an amount")));
    }
}

//! Gathers what steps of lives changed into what one store transaction records.

use crate::EngineError;
use reckoner_core::ledger::TransactionBuilder;
use reckoner_core::life::{LifeAccount, LifeEffects, Standing};
use reckoner_core::pay::{AccountMoney, Effects, FundsOutcome, OpenSettlement};
use reckoner_core::table::FundsRow;
use reckoner_core::time::Instant;
use reckoner_store::{AccountStanding, SettlementBatch};
use std::collections::HashMap;

/// The instants of what an account has settled, open or ordered, by id: an outstanding amount is recorded with its own.
#[derive(Debug, Default)]
pub struct Instants {
    known: HashMap<String, Instant>,
}

impl Instants {
    /// Those that the account knows before a step.
    pub fn of(money: &AccountMoney) -> Self {
        let open = money.open.iter().map(|open| (open.settlement_id.clone(), open.at));
        let settled = money.settled.iter().map(|(id, settled)| (id.clone(), settled.at));
        Self { known: settled.chain(open).collect() }
    }

    /// Adds one that a step makes.
    pub fn add(&mut self, id: &str, at: Instant) {
        self.known.insert(id.to_owned(), at);
    }

    /// The instant of something that changed.
    ///
    /// # Panics
    /// For an id that is neither known nor added.
    pub fn at(&self, id: &str) -> Instant {
        *self.known.get(id).expect("what changes was settled, ordered or open before, or is what the step makes")
    }
}

/// Records a funds entry that took effect or was refused.
///
/// # Errors
/// [`EngineError::Unbalanced`] where its legs do not sum to 0.
pub fn funds(
    batch: &mut SettlementBatch,
    row: &FundsRow,
    description: &str,
    mut effects: Effects,
    instants: &Instants,
) -> Result<(), EngineError> {
    transaction(batch, std::mem::take(&mut effects.legs), row.at, &row.currency, description, &[&row.entry_id])?;
    let outcome = effects.funds.take().expect("a funds entry has an outcome");
    let status = outcome.status().to_owned();
    let refusal = match outcome {
        FundsOutcome::Done => None,
        FundsOutcome::Refused(why) => Some(why),
    };
    batch.funds.push((row.entry_id.clone(), status, refusal));
    // What a chargeback leaves open is of no settlement and no month: it stands under the entry's own id.
    moved(batch, &row.account_id, effects, (&row.entry_id, row.at, ""), instants);
    Ok(())
}

/// Records what an order or time did to an account.
///
/// # Errors
/// [`EngineError::Unbalanced`] where its legs do not sum to 0.
pub fn life(
    batch: &mut SettlementBatch,
    account: (&str, &str),
    at: Instant,
    billing_period: &str,
    effects: LifeEffects,
    instants: &Instants,
) -> Result<(), EngineError> {
    let (account_id, currency) = account;
    let LifeEffects { money, posting, order, made, standing, approval, charges, events } = effects;
    if let Some(mut money) = money {
        let (description, facts) = posting.expect("what moves money says as what it is posted");
        let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
        transaction(batch, std::mem::take(&mut money.legs), at, currency, description, &facts)?;
        let order_id = facts.first().copied().unwrap_or_default();
        moved(batch, account_id, money, (order_id, at, billing_period), instants);
    }
    // Every move is recorded, in order: where an account stood when is a fact that is kept.
    batch.life.standings.extend(standing.map(|standing| recorded(&standing, None)));
    batch.life.orders_made.extend(made);
    batch.life.orders.extend(order);
    batch.life.approvals.extend(approval);
    batch.life.charges.extend(charges);
    batch.life.events.extend(events);
    Ok(())
}

/// What moved in an account's money; what its own id (an order, an entry) leaves open is new.
fn moved(
    batch: &mut SettlementBatch,
    account_id: &str,
    effects: Effects,
    (own_id, at, billing_period): (&str, Instant, &str),
    instants: &Instants,
) {
    for (id, now) in effects.outstanding {
        if id == own_id {
            let open = OpenSettlement {
                settlement_id: id,
                at,
                billing_period: billing_period.to_owned(),
                outstanding: now,
                payment_lines: 0,
            };
            batch.opened.push((account_id.to_owned(), open));
        } else {
            let at = instants.at(&id);
            batch.outstanding.push((id, at, now));
        }
    }
    batch.payments.extend(effects.payments);
    batch.vouchers.extend(effects.vouchers);
}

fn transaction(
    batch: &mut SettlementBatch,
    legs: Vec<reckoner_core::ledger::Leg>,
    at: Instant,
    currency: &str,
    description: &str,
    facts: &[&str],
) -> Result<(), EngineError> {
    let mut builder = TransactionBuilder::new();
    builder.extend(legs);
    let built = builder.build(at, currency, description, facts)?;
    batch.transactions.extend(built);
    Ok(())
}

/// Records where an account is after its steps: resources and standing that changed, and when something is due next. Its
/// wallet is its caller's matter.
pub fn state(batch: &mut SettlementBatch, before: &LifeAccount, after: &LifeAccount, standing_next_at: Option<Instant>) {
    for (resource_id, resource) in &after.resources {
        if before.resources.get(resource_id) != Some(resource) {
            batch.life.resources.push((resource.clone(), resource.next_at()));
        }
    }
    let is_due_otherwise = before.money.wallet.in_arrears_since != after.money.wallet.in_arrears_since;
    if before.standing != after.standing || is_due_otherwise {
        batch.life.standings.push(recorded(&after.standing, standing_next_at));
    }
}

fn recorded(standing: &Standing, next_at: Option<Instant>) -> AccountStanding {
    AccountStanding {
        account_id: standing.account_id.clone(),
        status: standing.status,
        since: standing.since,
        grace_until: standing.grace_until,
        retention_until: standing.retention_until,
        life_at: standing.life_at,
        next_at,
    }
}

/// Adds what another account's steps changed.
pub fn append(batch: &mut SettlementBatch, mut other: SettlementBatch) {
    batch.payments.append(&mut other.payments);
    batch.opened.append(&mut other.opened);
    batch.outstanding.append(&mut other.outstanding);
    batch.transactions.append(&mut other.transactions);
    batch.wallets.append(&mut other.wallets);
    batch.vouchers.append(&mut other.vouchers);
    batch.funds.append(&mut other.funds);
    let (life, other) = (&mut batch.life, &mut other.life);
    life.orders_made.append(&mut other.orders_made);
    life.orders.append(&mut other.orders);
    life.approvals.append(&mut other.approvals);
    life.resources.append(&mut other.resources);
    life.standings.append(&mut other.standings);
    life.charges.append(&mut other.charges);
    life.events.append(&mut other.events);
}

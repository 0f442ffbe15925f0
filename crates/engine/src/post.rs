//! Gathers what steps of lives changed into what one store transaction records.

use crate::EngineError;
use reckoner_core::ledger::TransactionBuilder;
use reckoner_core::life::{LifeAccount, LifeEffects, Resources, Standing};
use reckoner_core::pay::{Effects, FundsOutcome, OpenSettlement, Wallet};
use reckoner_core::table::FundsRow;
use reckoner_core::time::Instant;
use reckoner_store::{AccountStanding, OutstandingNow, SettlementBatch};

/// Records a funds entry that took effect or was refused.
///
/// # Errors
/// [`EngineError::Unbalanced`] where its legs do not sum to 0.
pub fn funds(batch: &mut SettlementBatch, row: &FundsRow, description: &str, mut effects: Effects) -> Result<(), EngineError> {
    transaction(batch, std::mem::take(&mut effects.legs), row.at, &row.currency, description, &[&row.entry_id])?;
    let outcome = effects.funds.take().expect("a funds entry has an outcome");
    let status = outcome.status().to_owned();
    let refusal = match outcome {
        FundsOutcome::Done => None,
        FundsOutcome::Refused(why) => Some(why),
    };
    batch.funds.push((row.entry_id.clone(), status, refusal));
    // What a chargeback leaves open is of no settlement and no month: it stands under the entry's own id.
    moved(batch, &row.account_id, effects, (&row.entry_id, row.at, ""));
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
) -> Result<(), EngineError> {
    let (account_id, currency) = account;
    let LifeEffects { money, posting, order, made, standing, approval, charges, events } = effects;
    if let Some(mut money) = money {
        let (description, facts) = posting.expect("what moves money says as what it is posted");
        let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
        transaction(batch, std::mem::take(&mut money.legs), at, currency, description, &facts)?;
        let order_id = facts.first().copied().unwrap_or_default();
        moved(batch, account_id, money, (order_id, at, billing_period));
    }
    // Every move is recorded, in order: where an account stood when is a fact that is kept.
    batch.life.standings.extend(standing.map(|standing| AccountStanding { standing, next_at: None }));
    batch.life.orders_made.extend(made);
    batch.life.orders.extend(order);
    batch.life.approvals.extend(approval);
    batch.life.charges.extend(charges);
    batch.life.events.extend(events);
    Ok(())
}

/// What moved in an account's money; what its own id (an order, an entry) leaves open is new.
fn moved(batch: &mut SettlementBatch, account_id: &str, effects: Effects, (own_id, at, billing_period): (&str, Instant, &str)) {
    for (id, open_at, now) in effects.outstanding {
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
            batch.outstanding.push(OutstandingNow { account_id: account_id.to_owned(), id, at: open_at, amount: now });
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

/// What of an account is recorded as it is after its steps, as it was before them.
#[derive(Debug)]
pub struct Before {
    /// Its wallet.
    pub wallet: Wallet,
    standing: Standing,
    resources: Resources,
}

impl Before {
    /// Of an account that has taken no step yet.
    pub fn of(account: &LifeAccount) -> Self {
        let LifeAccount { money, standing, resources } = account;
        Self { wallet: money.wallet.clone(), standing: standing.clone(), resources: resources.clone() }
    }
}

/// Records where an account is after its steps: resources and standing that changed, and when something is due next. Its
/// wallet is its caller's matter.
pub fn state(batch: &mut SettlementBatch, before: &Before, after: &LifeAccount, standing_next_at: Option<Instant>) {
    for (resource_id, resource) in &after.resources {
        if before.resources.get(resource_id) != Some(resource) {
            batch.life.resources.push((resource.clone(), resource.next_at()));
        }
    }
    let is_due_otherwise = before.wallet.in_arrears_since != after.money.wallet.in_arrears_since;
    if before.standing == after.standing && !is_due_otherwise {
        return;
    }
    let standings = &mut batch.life.standings;
    match standings.last_mut().filter(|last| last.standing == after.standing) {
        // Its last step moved it there: what is due next stands beside that.
        Some(last) => last.next_at = standing_next_at,
        None => standings.push(AccountStanding { standing: after.standing.clone(), next_at: standing_next_at }),
    }
}

/// Adds what steps of other accounts changed.
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

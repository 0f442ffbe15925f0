//! Recording a batch of settled windows: claims first, then everything that follows from them.

use super::Answer;
use super::insert::{BulkInsert, Insert, Values, e12, int, word};
use super::{journal, lake, life, windows};
use crate::{OutstandingNow, SettlementBatch, SettlementRecord, StoreError, TierTotal};
use reckoner_core::id;
use reckoner_core::ledger::{Leg, Transaction};
use reckoner_core::number::Money;
use reckoner_core::pay::{OpenSettlement, PaymentLine, Wallet};
use reckoner_core::time::Instant;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap};

/// Names the content of a batch by the ids that it records.
pub(super) fn digest(batch: &SettlementBatch) -> String {
    let windows: Vec<String> =
        batch.windows.iter().map(|(settled, before)| format!("{settled:?} {before:?} {:?}", batch.frontier)).collect();
    let bookmark = format!("{:?}", batch.bookmark);
    let mut parts: Vec<&str> = windows.iter().map(String::as_str).chain([bookmark.as_str()]).collect();
    parts.extend(batch.charge_files.iter().map(|file| file.sha256.as_str()));
    parts.extend(batch.settlements.iter().map(|settlement| &*settlement.settlement_id));
    parts.extend(batch.payments.iter().map(|payment| payment.payment_id.as_str()));
    parts.extend(batch.transactions.iter().map(|transaction| transaction.transaction_id.as_str()));
    parts.extend(batch.funds.iter().map(|(entry_id, ..)| entry_id.as_str()));
    parts.extend(batch.runs.iter().map(|run| run.run_id.as_str()));
    parts.extend(life::ids(&batch.life));
    id::derive("settlement", &parts)
}

/// Records the batch. The claim comes first: it is what makes a second run of the same windows meet its own trace.
pub(super) fn record(connection: &Connection, ordinal: i64, batch: &SettlementBatch) -> Answer<()> {
    refuse_stale(ordinal, batch.read_at)?;
    windows::claim(connection, &batch.windows)?;
    batch.bookmark.as_ref().map_or(Ok(()), |bookmark| windows::add_bookmark(connection, bookmark))?;
    lake::add_files(connection, &batch.charge_files, None)?;
    let settlements = by_instant(&batch.settlements);
    add_settlements(connection, &settlements)?;
    add_payments(connection, &batch.payments)?;
    open_chargebacks(connection, &batch.opened)?;
    open_settlements(connection, batch, &settlements)?;
    add_transactions(connection, &batch.transactions)?;
    put_wallets(connection, &batch.wallets)?;
    put_vouchers(connection, &batch.vouchers)?;
    put_funds(connection, &batch.funds)?;
    life::record(connection, &batch.life)?;
    put_tier_totals(connection, &batch.tier_totals)?;
    remove_tier_totals(connection, &batch.tier_totals_gone)?;
    journal::add_accounting(connection, &batch.accounting, ordinal)?;
    journal::add_runs(connection, &batch.runs)?;
    batch.frontier.map_or(Ok(()), |frontier| windows::put_frontier(connection, frontier))
}

/// Two processes may read the same and decide the same, or decide differently from what one of them has changed by then. The
/// second to write meets the number of the first: this write's own would be the one after what it has read.
fn refuse_stale(ordinal: i64, read_at: Option<u64>) -> Answer<()> {
    let found = u64::try_from(ordinal - 1).expect("writes are numbered from 1");
    match read_at {
        Some(read_at) if read_at != found => Err(StoreError::Stale { read_at, found }),
        Some(_) | None => Ok(()),
    }
}

/// In the order of their keys, so that each row comes after the last. Mostly they come account by account.
fn by_instant(settlements: &[SettlementRecord]) -> Vec<&SettlementRecord> {
    let mut instants: BTreeMap<Instant, Vec<&SettlementRecord>> = BTreeMap::new();
    settlements.iter().for_each(|settlement| instants.entry(settlement.at).or_default().push(settlement));
    let of_instants = instants.values_mut();
    of_instants.for_each(|some| some.sort_by(|a, b| (&a.account_id, a.revision).cmp(&(&b.account_id, b.revision))));
    instants.into_values().flatten().collect()
}

fn add_settlements(connection: &Connection, settlements: &[&SettlementRecord]) -> Answer<()> {
    let into = "settlements (settlement_id, account_id, at, revision, billing_period, currency, charges, due_e8, voucher_e8,
        balance_e8, granted_e8, credit_e8, external_e8, outstanding_e8, run_id)";
    BulkInsert::new(connection, "settlement", into).run(settlements, give_settlement, |row| row.settlement_id.to_string())
}

fn give_settlement<'t>(values: &mut Values<'_, '_, 't>, settlement: &&'t SettlementRecord) -> rusqlite::Result<()> {
    let SettlementRecord { due, voucher, balance, granted, credit, external, outstanding, .. } = settlement;
    values.give(&settlement.settlement_id)?;
    values.give(&settlement.account_id)?;
    values.give_integer(settlement.at.seconds())?;
    values.give_integer(settlement.revision.into())?;
    values.give_shared(&settlement.billing_period)?;
    values.give_shared(&settlement.currency)?;
    values.give_integer(int(settlement.charges))?;
    for money in [due, voucher, balance, granted, credit, external, outstanding] {
        values.give_integer(money.e8())?;
    }
    values.give_shared(&settlement.run_id)
}

fn add_payments(connection: &Connection, payments: &[PaymentLine]) -> Answer<()> {
    let sql = "INSERT INTO payments
        (payment_id, account_id, paid_for, seq, kind, source, source_id, amount_e8, currency, at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let mut insert = Insert::new(connection, "payment", sql)?;
    for payment in payments {
        let params = (
            &payment.payment_id,
            &payment.account_id,
            &payment.paid_for,
            payment.seq,
            word(&payment.kind),
            word(&payment.source),
            &payment.source_id,
            payment.amount.e8(),
            &payment.currency,
            payment.at.seconds(),
        );
        insert.run(params, || payment.payment_id.clone())?;
    }
    Ok(())
}

/// What a chargeback or an order left open: under the id of its entry or order, of no settlement.
fn open_chargebacks(connection: &Connection, opened: &[(String, OpenSettlement)]) -> Answer<()> {
    let sql = "INSERT INTO open_chargebacks (entry_id, account_id, at, billing_period, outstanding_e8)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = Insert::new(connection, "open settlement", sql)?;
    for (account_id, open) in opened {
        let params = (&open.settlement_id, account_id, open.at.seconds(), &open.billing_period, open.outstanding.e8());
        insert.run(params, || open.settlement_id.clone())?;
    }
    Ok(())
}

/// What each settlement left unpaid is outstanding, unless the batch says that it changed since.
fn open_settlements(connection: &Connection, batch: &SettlementBatch, settlements: &[&SettlementRecord]) -> Answer<()> {
    let (mut open, of_others) = unpaid(batch, settlements);
    open.retain(|(_, outstanding)| !outstanding.is_zero());
    let give = |values: &mut Values, (settlement, outstanding): &Unpaid| {
        values.give_integer(settlement.at.seconds())?;
        values.give(&settlement.account_id)?;
        values.give_integer(settlement.revision.into())?;
        values.give(outstanding.e8())
    };
    let into = "open_settlements (at, account_id, revision, outstanding_e8)";
    BulkInsert::new(connection, "open settlement", into)
        .run(&open, give, |(settlement, _)| settlement.settlement_id.to_string())?;
    of_others.into_iter().try_for_each(|changed| put_outstanding(connection, changed))
}

/// A settlement of the batch and what is outstanding of it.
type Unpaid<'b> = (&'b SettlementRecord, Money);

/// What is outstanding of each settlement after the batch, and what the batch says of others.
fn unpaid<'b>(batch: &'b SettlementBatch, settlements: &[&'b SettlementRecord]) -> (Vec<Unpaid<'b>>, Vec<&'b OutstandingNow>) {
    let now = |settlement: &&'b SettlementRecord| (*settlement, settlement.outstanding.max(Money::ZERO));
    let mut unpaid: Vec<Unpaid> = settlements.iter().map(now).collect();
    let mut of_others = Vec::new();
    // Mostly what changed is in the order of the settlements; where it is not, a map finds the place.
    let (mut next, mut places) = (0, None);
    for changed in &batch.outstanding {
        let is_next = settlements.get(next).is_some_and(|settlement| *settlement.settlement_id == *changed.id);
        let place = if is_next {
            Some(next)
        } else {
            let places = places.get_or_insert_with(|| places_by_id(settlements));
            places.get(changed.id.as_str()).copied()
        };
        match place {
            Some(place) => (unpaid[place].1, next) = (changed.amount, place + 1),
            None => of_others.push(changed),
        }
    }
    (unpaid, of_others)
}

fn places_by_id<'b>(settlements: &[&'b SettlementRecord]) -> HashMap<&'b str, usize> {
    (0..).zip(settlements).map(|(place, settlement)| (&*settlement.settlement_id, place)).collect()
}

/// Changes what is outstanding of an earlier settlement, or under the id of a chargeback or an order.
fn put_outstanding(connection: &Connection, OutstandingNow { account_id, id, at, amount }: &OutstandingNow) -> Answer<()> {
    let name = || id.clone();
    let change = |what: &str, sql: &str| match amount.is_zero() {
        true => {
            let sql = format!("DELETE FROM {what}");
            Insert::new(connection, "open settlement", &sql)?.run((account_id, id, at.seconds()), name)
        }
        false => Insert::new(connection, "open settlement", sql)?.run((account_id, id, at.seconds(), amount.e8()), name),
    };
    let of_settlement = "INSERT INTO open_settlements (at, account_id, revision, outstanding_e8)
        SELECT at, account_id, revision, ?4 FROM settlements WHERE at = ?3 AND account_id = ?1 AND settlement_id = ?2
        ON CONFLICT (at, account_id, revision) DO UPDATE SET outstanding_e8 = excluded.outstanding_e8";
    let closed = "open_settlements WHERE at = ?3 AND account_id = ?1
        AND revision = (SELECT revision FROM settlements WHERE at = ?3 AND account_id = ?1 AND settlement_id = ?2)";
    let of_chargeback = "UPDATE open_chargebacks SET outstanding_e8 = ?4 WHERE account_id = ?1 AND entry_id = ?2 AND at = ?3";
    let paid = "open_chargebacks WHERE account_id = ?1 AND entry_id = ?2 AND at = ?3";
    let changed = change(closed, of_settlement)? + change(paid, of_chargeback)?;
    match changed == 0 && !amount.is_zero() {
        true => Err(StoreError::Missing { what: "settlement", id: name() }),
        false => Ok(()),
    }
}

fn add_transactions(connection: &Connection, transactions: &[Transaction]) -> Answer<()> {
    let sql = "INSERT INTO transactions (transaction_id, at, currency, description) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = Insert::new(connection, "transaction", sql)?;
    let insert_legs = BulkInsert::new(connection, "leg", "legs (transaction_ordinal, leg, account, amount_e8)");
    for transaction in transactions {
        refuse_unbalanced(transaction)?;
        let params = (&transaction.transaction_id, transaction.at.seconds(), &transaction.currency, &transaction.description);
        insert.run(params, || transaction.transaction_id.clone())?;
        let ordinal = connection.last_insert_rowid();
        let legs: Vec<(i64, &Leg)> = (1..).zip(&transaction.legs).collect();
        let give = |values: &mut Values, (place, leg): &(i64, &Leg)| {
            values.give_integer(ordinal)?;
            values.give(place)?;
            values.give(&leg.account)?;
            values.give(leg.amount.e8())
        };
        insert_legs.run(&legs, give, |_| transaction.transaction_id.clone())?;
    }
    Ok(())
}

/// The last look before a transaction is there for good: it has legs, and they sum to 0.
fn refuse_unbalanced(transaction: &Transaction) -> Answer<()> {
    let sum: i128 = transaction.legs.iter().map(|leg| i128::from(leg.amount.e8())).sum();
    let rule = match (transaction.legs.len(), sum) {
        (0, _) => "it has no legs".to_owned(),
        (_, 0) => return Ok(()),
        _ => format!("its legs sum to `{sum}` at 1e-8, expected 0"),
    };
    Err(StoreError::Impossible { what: "transaction", id: transaction.transaction_id.clone(), rule })
}

/// A wallet that is as it was is not written.
fn put_wallets(connection: &Connection, wallets: &[Wallet]) -> Answer<()> {
    let sql = "INSERT INTO wallets (account_id, currency, balance_e8, granted_e8, credit_used_e8, in_arrears_since)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (account_id) DO UPDATE SET currency = excluded.currency, balance_e8 = excluded.balance_e8,
        granted_e8 = excluded.granted_e8, credit_used_e8 = excluded.credit_used_e8,
        in_arrears_since = excluded.in_arrears_since
        WHERE (currency, balance_e8, granted_e8, credit_used_e8, in_arrears_since)
        IS NOT (excluded.currency, excluded.balance_e8, excluded.granted_e8, excluded.credit_used_e8, excluded.in_arrears_since)";
    let mut put = Insert::new(connection, "wallet", sql)?;
    for wallet in wallets {
        let params = (
            &wallet.account_id,
            &wallet.currency,
            wallet.balance.e8(),
            wallet.granted.e8(),
            wallet.credit_used.e8(),
            wallet.in_arrears_since.map(|since| since.seconds()),
        );
        put.run(params, || wallet.account_id.clone())?;
    }
    Ok(())
}

fn put_vouchers(connection: &Connection, vouchers: &[(String, Money, Money)]) -> Answer<()> {
    let sql = "UPDATE voucher_states SET used_e8 = ?2, returned_e8 = ?3 WHERE voucher_id = ?1";
    let mut put = Insert::new(connection, "voucher", sql)?;
    for (voucher_id, used, returned) in vouchers {
        if put.run((voucher_id, used.e8(), returned.e8()), || voucher_id.clone())? == 0 {
            return Err(StoreError::Missing { what: "voucher", id: voucher_id.clone() });
        }
    }
    Ok(())
}

/// A funds entry takes effect once: only one that waits may change.
fn put_funds(connection: &Connection, funds: &[(String, String, Option<String>)]) -> Answer<()> {
    let sql = "UPDATE funds_states SET status = ?2, refusal = ?3 WHERE entry_id = ?1 AND status = 'pending'";
    let mut put = Insert::new(connection, "funds entry", sql)?;
    for (entry_id, status, refusal) in funds {
        if put.run((entry_id, status, refusal), || entry_id.clone())? == 0 {
            return Err(funds_conflict(connection, entry_id)?);
        }
    }
    Ok(())
}

fn funds_conflict(connection: &Connection, entry_id: &str) -> Answer<StoreError> {
    let question = "SELECT status FROM funds_states WHERE entry_id = ?1";
    let found: Option<String> = connection.prepare_cached(question)?.query_row([entry_id], |row| row.get(0)).optional()?;
    let (what, id) = ("funds entry", entry_id.to_owned());
    Ok(match found {
        Some(found) => StoreError::Conflict { what, id, expected: "pending".to_owned(), found },
        None => StoreError::Missing { what, id },
    })
}

fn put_tier_totals(connection: &Connection, totals: &[TierTotal]) -> Answer<()> {
    let sql = "INSERT INTO tier_totals (account_id, sku, price_id, billing_period, resource_id, quantity_e12)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (account_id, sku, price_id, billing_period, resource_id)
        DO UPDATE SET quantity_e12 = excluded.quantity_e12";
    let mut put = Insert::new(connection, "tier total", sql)?;
    for total in totals {
        let quantity = e12(total.quantity);
        let params = (&total.account_id, &total.sku, &total.price_id, &total.billing_period, &total.resource_id, quantity);
        put.run(params, || format!("{} {} {}", total.account_id, total.sku, total.resource_id))?;
    }
    Ok(())
}

fn remove_tier_totals(connection: &Connection, totals: &[TierTotal]) -> Answer<()> {
    let sql = "DELETE FROM tier_totals
        WHERE account_id = ?1 AND sku = ?2 AND price_id = ?3 AND billing_period = ?4 AND resource_id = ?5";
    let mut remove = Insert::new(connection, "tier total", sql)?;
    for total in totals {
        let params = (&total.account_id, &total.sku, &total.price_id, &total.billing_period, &total.resource_id);
        let id = || format!("{} {} {}", total.account_id, total.sku, total.resource_id);
        if remove.run(params, id)? == 0 {
            return Err(StoreError::Missing { what: "tier total", id: id() });
        }
    }
    Ok(())
}

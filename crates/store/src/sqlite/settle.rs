//! Recording a batch of settled windows: claims first, then everything that follows from them.

use super::Answer;
use super::insert::{Insert, e12, int, word};
use super::{journal, lake, windows};
use crate::{SettlementBatch, SettlementRecord, StoreError, TierTotal};
use reckoner_core::id;
use reckoner_core::ledger::Transaction;
use reckoner_core::number::Money;
use reckoner_core::pay::{OpenSettlement, PaymentLine, Wallet};
use rusqlite::{Connection, OptionalExtension};

/// Names the content of a batch by the ids that it records.
pub(super) fn digest(batch: &SettlementBatch) -> String {
    let windows: Vec<String> =
        batch.windows.iter().map(|(settled, before)| format!("{settled:?} {before:?} {:?}", batch.frontier)).collect();
    let bookmark = format!("{:?}", batch.bookmark);
    let mut parts: Vec<&str> = windows.iter().map(String::as_str).chain([bookmark.as_str()]).collect();
    parts.extend(batch.charge_files.iter().map(|file| file.sha256.as_str()));
    parts.extend(batch.settlements.iter().map(|settlement| settlement.settlement_id.as_str()));
    parts.extend(batch.payments.iter().map(|payment| payment.payment_id.as_str()));
    parts.extend(batch.transactions.iter().map(|transaction| transaction.transaction_id.as_str()));
    parts.extend(batch.funds.iter().map(|(entry_id, ..)| entry_id.as_str()));
    parts.extend(batch.runs.iter().map(|run| run.run_id.as_str()));
    id::derive("settlement", &parts)
}

/// Records the batch. The claim comes first: it is what makes a second run of the same windows meet its own trace.
pub(super) fn record(connection: &Connection, ordinal: i64, batch: &SettlementBatch) -> Answer<()> {
    windows::claim(connection, &batch.windows)?;
    batch.bookmark.as_ref().map_or(Ok(()), |bookmark| windows::add_bookmark(connection, bookmark))?;
    lake::add_files(connection, &batch.charge_files, None)?;
    add_settlements(connection, &batch.settlements)?;
    add_payments(connection, &batch.payments)?;
    open_chargebacks(connection, &batch.opened)?;
    put_outstanding(connection, &batch.outstanding)?;
    add_transactions(connection, &batch.transactions)?;
    put_wallets(connection, &batch.wallets)?;
    put_vouchers(connection, &batch.vouchers)?;
    put_funds(connection, &batch.funds)?;
    put_tier_totals(connection, &batch.tier_totals)?;
    remove_tier_totals(connection, &batch.tier_totals_gone)?;
    journal::add_accounting(connection, &batch.accounting, ordinal)?;
    journal::add_runs(connection, &batch.runs)?;
    batch.frontier.map_or(Ok(()), |frontier| windows::put_frontier(connection, frontier))
}

fn add_settlements(connection: &Connection, settlements: &[SettlementRecord]) -> Answer<()> {
    let sql = "INSERT INTO settlements (settlement_id, account_id, at, revision, billing_period, currency, charges, due_e8,
        voucher_e8, balance_e8, granted_e8, credit_e8, external_e8, outstanding_e8, run_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    let mut insert = Insert::new(connection, "settlement", sql)?;
    for settlement in settlements {
        let params = (
            &settlement.settlement_id,
            &settlement.account_id,
            settlement.at.seconds(),
            settlement.revision,
            &settlement.billing_period,
            &settlement.currency,
            int(settlement.charges),
            settlement.due.e8(),
            settlement.voucher.e8(),
            settlement.balance.e8(),
            settlement.granted.e8(),
            settlement.credit.e8(),
            settlement.external.e8(),
            settlement.outstanding.e8(),
            &settlement.run_id,
        );
        insert.run(params, || settlement.settlement_id.clone())?;
    }
    // What a settlement left unpaid is outstanding, unless the batch says below that it changed since.
    let unpaid = settlements.iter().filter(|settlement| settlement.outstanding.is_positive());
    let unpaid: Vec<_> = unpaid.map(|settlement| (settlement.settlement_id.clone(), settlement.outstanding)).collect();
    put_outstanding(connection, &unpaid)
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

/// What a chargeback left open: under the id of its entry, of no settlement and no bill.
fn open_chargebacks(connection: &Connection, opened: &[(String, OpenSettlement)]) -> Answer<()> {
    let sql = "INSERT INTO open_settlements (settlement_id, account_id, at, revision, billing_period, outstanding_e8)
        VALUES (?1, ?2, ?3, 0, ?4, ?5)";
    let mut insert = Insert::new(connection, "open settlement", sql)?;
    for (account_id, open) in opened {
        let params = (&open.settlement_id, account_id, open.at.seconds(), &open.billing_period, open.outstanding.e8());
        insert.run(params, || open.settlement_id.clone())?;
    }
    Ok(())
}

fn put_outstanding(connection: &Connection, outstanding: &[(String, Money)]) -> Answer<()> {
    let change = "UPDATE open_settlements SET outstanding_e8 = ?2 WHERE settlement_id = ?1";
    let mut change = Insert::new(connection, "open settlement", change)?;
    let sql = "INSERT INTO open_settlements (settlement_id, account_id, at, revision, billing_period, outstanding_e8)
        SELECT settlement_id, account_id, at, revision, billing_period, ?2 FROM settlements WHERE settlement_id = ?1";
    let mut open = Insert::new(connection, "open settlement", sql)?;
    let mut close = Insert::new(connection, "open settlement", "DELETE FROM open_settlements WHERE settlement_id = ?1")?;
    for (settlement_id, now) in outstanding {
        let id = || settlement_id.clone();
        if now.is_zero() {
            close.run([settlement_id], id)?;
        } else if change.run((settlement_id, now.e8()), id)? == 0 && open.run((settlement_id, now.e8()), id)? == 0 {
            return Err(StoreError::Missing { what: "settlement", id: id() });
        }
    }
    Ok(())
}

fn add_transactions(connection: &Connection, transactions: &[Transaction]) -> Answer<()> {
    let sql = "INSERT INTO transactions (transaction_id, at, currency, description) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = Insert::new(connection, "transaction", sql)?;
    let sql = "INSERT INTO legs (transaction_ordinal, leg, account, amount_e8) VALUES (?1, ?2, ?3, ?4)";
    let mut insert_leg = Insert::new(connection, "leg", sql)?;
    for transaction in transactions {
        refuse_unbalanced(transaction)?;
        let params = (&transaction.transaction_id, transaction.at.seconds(), &transaction.currency, &transaction.description);
        insert.run(params, || transaction.transaction_id.clone())?;
        let ordinal = connection.last_insert_rowid();
        for (place, leg) in (1_i64..).zip(&transaction.legs) {
            insert_leg.run((ordinal, place, &leg.account, leg.amount.e8()), || transaction.transaction_id.clone())?;
        }
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

fn put_wallets(connection: &Connection, wallets: &[Wallet]) -> Answer<()> {
    let sql = "INSERT INTO wallets (account_id, currency, balance_e8, granted_e8, credit_used_e8, in_arrears_since)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (account_id) DO UPDATE SET currency = excluded.currency, balance_e8 = excluded.balance_e8,
        granted_e8 = excluded.granted_e8, credit_used_e8 = excluded.credit_used_e8,
        in_arrears_since = excluded.in_arrears_since";
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

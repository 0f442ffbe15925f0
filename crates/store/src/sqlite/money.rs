//! Questions about money: wallets, vouchers, settlements, payments, the ledger.

use super::Answer;
use super::columns::{Columns, ask, ask_about, each};
use super::lake::bounds;
use super::owed::instants_of;
use crate::{CurrencySums, SettlementRecord, TierTotal};
use reckoner_core::ledger::{Leg, Transaction};
use reckoner_core::pay::{PaymentLine, VoucherState, Wallet};
use reckoner_core::time::{Instant, Window};
use rusqlite::Connection;

const WALLETS: &str = "SELECT account_id, currency, balance_e8, granted_e8, credit_used_e8, in_arrears_since FROM wallets
    WHERE account_id IN (SELECT value FROM json_each(?1)) ORDER BY account_id";
const ALL_WALLETS: &str = "SELECT account_id, currency, balance_e8, granted_e8, credit_used_e8, in_arrears_since FROM wallets
    ORDER BY account_id";
const VOUCHER_STATES: &str = "SELECT voucher_id, body, used_e8, returned_e8
    FROM vouchers JOIN voucher_states USING (voucher_id)
    WHERE account_id IN (SELECT value FROM json_each(?1)) ORDER BY voucher_id";
const PAYMENTS_IN_PERIOD: &str = concat!(
    "WITH RECURSIVE ",
    instants_of!("settlements"),
    " SELECT p.payment_id, p.account_id, p.paid_for, p.seq, p.kind, p.source, p.source_id, p.amount_e8, p.currency, p.at
    FROM instants CROSS JOIN settlements AS s ON s.at = instants.at AND s.account_id = ?1 AND s.billing_period = ?2
    CROSS JOIN payments AS p ON p.paid_for = s.settlement_id ORDER BY p.ordinal"
);
// An order that returns what an earlier one paid has charges in its own period, and its lines are for itself.
const ORDER_PAYMENTS_IN_PERIOD: &str =
    "SELECT p.payment_id, p.account_id, p.paid_for, p.seq, p.kind, p.source, p.source_id, p.amount_e8, p.currency, p.at
    FROM payments AS p WHERE p.paid_for IN
        (SELECT order_id FROM order_charges WHERE account_id = ?1 AND billing_period = ?2)
    ORDER BY p.ordinal";
const PAYMENTS: &str = "SELECT payment_id, account_id, paid_for, seq, kind, source, source_id, amount_e8, currency, at
    FROM payments WHERE at >= ?1 AND at < ?2 ORDER BY at, paid_for, seq, ordinal";
const REVISIONS: &str = "SELECT COUNT(*) AS revisions FROM settlements WHERE account_id = ?1 AND at = ?2";
// The list comes first, so that each pair is one look at the key.
const TIER_TOTALS: &str = "SELECT t.account_id, t.sku, t.price_id, t.billing_period, t.resource_id, t.quantity_e12
    FROM json_each(?1) AS wanted CROSS JOIN tier_totals AS t
    ON t.account_id = json_extract(wanted.value, '$[0]') AND t.sku = json_extract(wanted.value, '$[1]')
    ORDER BY t.account_id, t.sku, t.price_id, t.billing_period, t.resource_id";
const SETTLEMENTS: &str = "SELECT settlement_id, account_id, at, revision, billing_period, currency, charges, due_e8, voucher_e8,
    balance_e8, granted_e8, credit_e8, external_e8, outstanding_e8, run_id
    FROM settlements WHERE at >= ?1 AND at < ?2 ORDER BY at, account_id, settlement_id";
const SETTLEMENTS_IN_PERIOD: &str = concat!(
    "WITH RECURSIVE ",
    instants_of!("settlements"),
    " SELECT settlement_id, account_id, at, revision, billing_period, currency, charges, due_e8, voucher_e8, balance_e8,
    granted_e8, credit_e8, external_e8, outstanding_e8, run_id
    FROM instants CROSS JOIN settlements USING (at) WHERE account_id = ?1 AND billing_period = ?2 ORDER BY at, settlement_id"
);
// Reads all of them: see migration 12.
const SETTLEMENTS_NAMED: &str = "SELECT settlement_id, account_id, at, revision, billing_period, currency, charges, due_e8,
    voucher_e8, balance_e8, granted_e8, credit_e8, external_e8, outstanding_e8, run_id
    FROM settlements WHERE settlement_id >= ?1 AND settlement_id < ?2 ORDER BY settlement_id LIMIT ?3";
// A sum of amounts may pass 64 bits, so millions and the rest are summed on their own; division cuts towards zero.
const MONEY_BY_CURRENCY: &str = "SELECT currency, sum(settlements) AS settlements,
    sum(due_high) AS due_high, sum(due_low) AS due_low, sum(paid_high) AS paid_high, sum(paid_low) AS paid_low,
    sum(open_high) AS open_high, sum(open_low) AS open_low
    FROM (
        SELECT currency, count(*) AS settlements, sum(due_e8 / 1000000) AS due_high, sum(due_e8 % 1000000) AS due_low,
            0 AS paid_high, 0 AS paid_low, 0 AS open_high, 0 AS open_low FROM settlements GROUP BY currency
        UNION ALL
        SELECT currency, 0, sum(due_e8 / 1000000), sum(due_e8 % 1000000), 0, 0, 0, 0 FROM order_charges GROUP BY currency
        UNION ALL
        SELECT currency, 0, 0, 0, sum(amount_e8 / 1000000), sum(amount_e8 % 1000000), 0, 0 FROM payments GROUP BY currency
        UNION ALL
        SELECT currency, 0, 0, 0, 0, 0, sum(outstanding_e8 / 1000000), sum(outstanding_e8 % 1000000)
            FROM open_settlements JOIN wallets USING (account_id) GROUP BY currency
        UNION ALL
        SELECT currency, 0, 0, 0, 0, 0, sum(outstanding_e8 / 1000000), sum(outstanding_e8 % 1000000)
            FROM open_chargebacks JOIN wallets USING (account_id) GROUP BY currency
    ) GROUP BY currency ORDER BY currency";
const TRANSACTIONS: &str = "SELECT t.transaction_id, t.at, t.currency, t.description, l.leg, l.account, l.amount_e8
    FROM transactions AS t JOIN legs AS l ON l.transaction_ordinal = t.ordinal
    WHERE t.at >= ?1 AND t.at < ?2 ORDER BY t.at, t.transaction_id, l.leg";

/// The questions that must not read a whole table.
#[cfg(test)]
pub(super) const QUESTIONS: &[&str] = &[
    WALLETS,
    VOUCHER_STATES,
    PAYMENTS_IN_PERIOD,
    ORDER_PAYMENTS_IN_PERIOD,
    PAYMENTS,
    REVISIONS,
    TIER_TOTALS,
    SETTLEMENTS,
    SETTLEMENTS_IN_PERIOD,
    TRANSACTIONS,
];

pub(super) fn wallets(connection: &Connection, account_ids: &[String]) -> Answer<Vec<Wallet>> {
    ask_about(connection, "wallets", WALLETS, account_ids, read_wallet)
}

pub(super) fn all_wallets(connection: &Connection) -> Answer<Vec<Wallet>> {
    ask(connection, "wallets", ALL_WALLETS, [], read_wallet)
}

fn read_wallet(columns: &Columns) -> Answer<Wallet> {
    Ok(Wallet {
        account_id: columns.text("account_id")?,
        currency: columns.text("currency")?,
        balance: columns.money("balance_e8")?,
        granted: columns.money("granted_e8")?,
        credit_used: columns.money("credit_used_e8")?,
        in_arrears_since: columns.instant_if_any("in_arrears_since")?,
    })
}

pub(super) fn voucher_states(connection: &Connection, account_ids: &[String]) -> Answer<Vec<VoucherState>> {
    ask_about(connection, "vouchers", VOUCHER_STATES, account_ids, |columns| {
        Ok(VoucherState { row: columns.json("body")?, used: columns.money("used_e8")?, returned: columns.money("returned_e8")? })
    })
}

pub(super) fn payments_in_period(connection: &Connection, account_id: &str, period: &str) -> Answer<Vec<PaymentLine>> {
    ask(connection, "payments", PAYMENTS_IN_PERIOD, [account_id, period], read_payment)
}

pub(super) fn order_payments_in_period(connection: &Connection, account_id: &str, period: &str) -> Answer<Vec<PaymentLine>> {
    ask(connection, "payments", ORDER_PAYMENTS_IN_PERIOD, [account_id, period], read_payment)
}

pub(super) fn payments(connection: &Connection, within: Window) -> Answer<Vec<PaymentLine>> {
    ask(connection, "payments", PAYMENTS, bounds(within), read_payment)
}

fn read_payment(columns: &Columns) -> Answer<PaymentLine> {
    Ok(PaymentLine {
        payment_id: columns.text("payment_id")?,
        account_id: columns.text("account_id")?,
        paid_for: columns.text("paid_for")?,
        seq: columns.small_count("seq")?,
        kind: columns.word("kind")?,
        source: columns.word("source")?,
        source_id: columns.text_if_any("source_id")?,
        amount: columns.money("amount_e8")?,
        currency: columns.text("currency")?,
        at: columns.instant("at")?,
    })
}

pub(super) fn settlement_revisions(connection: &Connection, account_id: &str, at: Instant) -> Answer<u32> {
    let revisions = |columns: &Columns| columns.small_count("revisions");
    let counts = ask(connection, "settlements", REVISIONS, (account_id, at.seconds()), revisions)?;
    Ok(counts.into_iter().sum())
}

pub(super) fn tier_totals(connection: &Connection, account_skus: &[(String, String)]) -> Answer<Vec<TierTotal>> {
    ask_about(connection, "tier_totals", TIER_TOTALS, account_skus, |columns| {
        Ok(TierTotal {
            account_id: columns.text("account_id")?,
            sku: columns.text("sku")?,
            price_id: columns.text("price_id")?,
            billing_period: columns.text("billing_period")?,
            resource_id: columns.text("resource_id")?,
            quantity: columns.quantity("quantity_e12")?,
        })
    })
}

pub(super) fn settlements(connection: &Connection, within: Window) -> Answer<Vec<SettlementRecord>> {
    ask(connection, "settlements", SETTLEMENTS, bounds(within), read_settlement)
}

pub(super) fn settlements_in_period(connection: &Connection, account_id: &str, period: &str) -> Answer<Vec<SettlementRecord>> {
    ask(connection, "settlements", SETTLEMENTS_IN_PERIOD, [account_id, period], read_settlement)
}

pub(super) fn settlements_named(connection: &Connection, id_begins: &str, limit: u32) -> Answer<Vec<SettlementRecord>> {
    // Ids are ASCII, so whatever begins with the text lies before the text followed by the first character above ASCII.
    let above = format!("{id_begins}\u{80}");
    ask(connection, "settlements", SETTLEMENTS_NAMED, (id_begins, above, limit), read_settlement)
}

pub(super) fn money_by_currency(connection: &Connection) -> Answer<Vec<CurrencySums>> {
    ask(connection, "settlements", MONEY_BY_CURRENCY, [], |columns| {
        let sum = |high, low| -> Answer<i128> {
            let (high, low) = (columns.money(high)?.e8(), columns.money(low)?.e8());
            Ok(i128::from(high) * 1_000_000 + i128::from(low))
        };
        Ok(CurrencySums {
            currency: columns.text("currency")?,
            settlements: columns.count("settlements")?,
            due_e8: sum("due_high", "due_low")?,
            paid_e8: sum("paid_high", "paid_low")?,
            outstanding_e8: sum("open_high", "open_low")?,
        })
    })
}

fn read_settlement(columns: &Columns) -> Answer<SettlementRecord> {
    Ok(SettlementRecord {
        settlement_id: columns.text("settlement_id")?.into(),
        account_id: columns.text("account_id")?.into(),
        at: columns.instant("at")?,
        revision: columns.small_count("revision")?,
        billing_period: columns.text("billing_period")?.into(),
        currency: columns.text("currency")?.into(),
        charges: columns.count("charges")?,
        due: columns.money("due_e8")?,
        voucher: columns.money("voucher_e8")?,
        balance: columns.money("balance_e8")?,
        granted: columns.money("granted_e8")?,
        credit: columns.money("credit_e8")?,
        external: columns.money("external_e8")?,
        outstanding: columns.money("outstanding_e8")?,
        run_id: columns.text("run_id")?.into(),
    })
}

pub(super) fn transactions(connection: &Connection, within: Window) -> Answer<Vec<Transaction>> {
    let mut found: Vec<Transaction> = Vec::new();
    each(connection, "transactions", TRANSACTIONS, bounds(within), |columns| {
        let transaction_id = columns.text("transaction_id")?;
        let leg = Leg { account: columns.text("account")?, amount: columns.money("amount_e8")? };
        match found.last_mut() {
            Some(last) if last.transaction_id == transaction_id => last.legs.push(leg),
            _ => found.push(Transaction {
                transaction_id,
                at: columns.instant("at")?,
                currency: columns.text("currency")?,
                description: columns.text("description")?,
                legs: vec![leg],
            }),
        }
        Ok(())
    })?;
    Ok(found)
}

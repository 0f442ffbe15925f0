//! Reference rows: the columns that make keys, and the typed row as JSON beside them.

use super::Answer;
use super::columns::{Columns, ask};
use super::insert::{BulkInsert, Insert, Values, int, json};
use crate::{FundsEntry, IngestRecord, Known};
use reckoner_core::number::Money;
use reckoner_core::table::{AccountRow, DiscountRow, FundsRow, PriceRow, ProductRow, VoucherRow};
use reckoner_core::time::Instant;
use rusqlite::Connection;
use serde::de::DeserializeOwned;

const ACCOUNTS: &str = "SELECT account_id, seq, file_id, line, body FROM accounts JOIN input_files USING (seq)
    ORDER BY account_id, valid_from, revision";
const PRODUCTS: &str = "SELECT product, seq, file_id, line, body FROM products JOIN input_files USING (seq)
    ORDER BY product, valid_from";
const PRICES: &str = "SELECT sku, seq, file_id, line, body FROM prices JOIN input_files USING (seq)
    ORDER BY sku, currency, valid_from, revision";
const DISCOUNTS: &str = "SELECT discount_id, seq, file_id, line, body FROM discounts JOIN input_files USING (seq)
    ORDER BY discount_id, revision";
const VOUCHERS: &str = "SELECT voucher_id, seq, file_id, line, body FROM vouchers JOIN input_files USING (seq)
    ORDER BY voucher_id";
const FUNDS: &str = "SELECT entry_id, body, status, refusal FROM funds JOIN funds_states USING (entry_id) ORDER BY entry_id";
const PENDING_FUNDS: &str = "SELECT entry_id, body FROM funds_states JOIN funds USING (entry_id)
    WHERE status = 'pending' AND at <= ?1 ORDER BY at, entry_id";

pub(super) fn accounts(connection: &Connection) -> Answer<Vec<Known<AccountRow>>> {
    ask(connection, "accounts", ACCOUNTS, [], known)
}

pub(super) fn products(connection: &Connection) -> Answer<Vec<Known<ProductRow>>> {
    ask(connection, "products", PRODUCTS, [], known)
}

pub(super) fn prices(connection: &Connection) -> Answer<Vec<Known<PriceRow>>> {
    ask(connection, "prices", PRICES, [], known)
}

pub(super) fn discounts(connection: &Connection) -> Answer<Vec<Known<DiscountRow>>> {
    ask(connection, "discounts", DISCOUNTS, [], known)
}

pub(super) fn vouchers(connection: &Connection) -> Answer<Vec<Known<VoucherRow>>> {
    ask(connection, "vouchers", VOUCHERS, [], known)
}

pub(super) fn funds(connection: &Connection) -> Answer<Vec<FundsEntry>> {
    ask(connection, "funds", FUNDS, [], |columns| {
        Ok(FundsEntry { row: columns.json("body")?, status: columns.text("status")?, refusal: columns.text_if_any("refusal")? })
    })
}

pub(super) fn pending_funds(connection: &Connection, until: Instant) -> Answer<Vec<FundsRow>> {
    ask(connection, "funds", PENDING_FUNDS, [until.seconds()], |columns| columns.json("body"))
}

fn known<T: DeserializeOwned>(columns: &Columns) -> Answer<Known<T>> {
    Ok(Known {
        row: columns.json("body")?,
        seq: columns.count("seq")?,
        file_id: columns.text("file_id")?,
        line: columns.count("line")?,
    })
}

/// Adds the accepted rows of one delivered file.
pub(super) fn add(connection: &Connection, record: &IngestRecord, seq: u64) -> Answer<()> {
    add_accounts(connection, &record.accounts, seq)?;
    add_products(connection, &record.products, seq)?;
    add_prices(connection, &record.prices, seq)?;
    add_discounts(connection, &record.discounts, seq)?;
    add_vouchers(connection, &record.vouchers, seq)?;
    add_funds(connection, &record.funds, seq)
}

fn add_accounts(connection: &Connection, rows: &[(u64, AccountRow)], seq: u64) -> Answer<()> {
    let give = |values: &mut Values<'_, '_, '_>, (line, row): &(u64, AccountRow)| {
        values.give(&row.account_id)?;
        values.give_integer(since(row.valid_from))?;
        values.give_integer(row.revision.into())?;
        values.give_integer(int(seq))?;
        values.give_integer(int(*line))?;
        values.give(json(row))
    };
    let into = "accounts (account_id, valid_from, revision, seq, line, body)";
    BulkInsert::new(connection, "account", into).run(rows, give, |(_, row)| dated(&row.account_id, row.valid_from, row.revision))
}

fn add_products(connection: &Connection, rows: &[(u64, ProductRow)], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO products (product, valid_from, seq, line, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = Insert::new(connection, "product", sql)?;
    for (line, row) in rows {
        let params = (&row.product, since(row.valid_from), int(seq), int(*line), json(row));
        insert.run(params, || dated(&row.product, row.valid_from, 0))?;
    }
    Ok(())
}

fn add_prices(connection: &Connection, rows: &[(u64, PriceRow)], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO prices (sku, currency, valid_from, revision, seq, line, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = Insert::new(connection, "price", sql)?;
    for (line, row) in rows {
        let params = (&row.sku, &row.currency, since(row.valid_from), row.revision, int(seq), int(*line), json(row));
        insert.run(params, || dated(&format!("{} {}", row.sku, row.currency), row.valid_from, row.revision))?;
    }
    Ok(())
}

fn add_discounts(connection: &Connection, rows: &[(u64, DiscountRow)], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO discounts (discount_id, revision, seq, line, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = Insert::new(connection, "discount", sql)?;
    for (line, row) in rows {
        let params = (&row.discount_id, row.revision, int(seq), int(*line), json(row));
        insert.run(params, || format!("{} revision {}", row.discount_id, row.revision))?;
    }
    Ok(())
}

fn add_vouchers(connection: &Connection, rows: &[(u64, VoucherRow)], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO vouchers (voucher_id, account_id, seq, line, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = Insert::new(connection, "voucher", sql)?;
    let sql = "INSERT INTO voucher_states (voucher_id, used_e8, returned_e8) VALUES (?1, ?2, ?2)";
    let mut insert_state = Insert::new(connection, "voucher", sql)?;
    for (line, row) in rows {
        let id = || row.voucher_id.clone();
        insert.run((&row.voucher_id, &row.account_id, int(seq), int(*line), json(row)), id)?;
        insert_state.run((&row.voucher_id, Money::ZERO.e8()), id)?;
    }
    Ok(())
}

fn add_funds(connection: &Connection, rows: &[(u64, FundsRow)], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO funds (entry_id, seq, line, body) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = Insert::new(connection, "funds entry", sql)?;
    let sql = "INSERT INTO funds_states (entry_id, at, status) VALUES (?1, ?2, 'pending')";
    let mut insert_state = Insert::new(connection, "funds entry", sql)?;
    for (line, row) in rows {
        let id = || row.entry_id.clone();
        insert.run((&row.entry_id, int(seq), int(*line), json(row)), id)?;
        insert_state.run((&row.entry_id, row.at.seconds()), id)?;
    }
    Ok(())
}

fn since(valid_from: Option<Instant>) -> i64 {
    valid_from.unwrap_or(Instant::MIN).seconds()
}

fn dated(name: &str, valid_from: Option<Instant>, revision: u32) -> String {
    let since = valid_from.map_or_else(|| "ever".to_owned(), Instant::to_utc_text);
    format!("{name} since {since} revision {revision}")
}

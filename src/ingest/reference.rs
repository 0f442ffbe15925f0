//! Reference rows: accounts, products, prices, discounts, vouchers, funds, orders. Each is new, known already, or refused.

use super::read::RowReader;
use super::refuse;
use super::retake::Became;
use super::take::Taken;
use super::{Counts, Stopped, row_context};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::number::Money;
use reckoner_core::price::{PriceConflict, check_new_row, check_settle_window};
use reckoner_core::table::{
    AccountRow, DiscountRow, FundsRow, OrderRow, PriceRow, ProductRow, RawRow, Refusal, TableKind, VoucherRow, account, discount,
    funds, order, price, product, voucher,
};
use reckoner_core::time::{Instant, Window};
use reckoner_store::{IngestRecord, QuarantineItem, Store};
use std::collections::HashMap;

/// Takes the rows of a reference file one by one.
pub(super) fn take_rows(
    books: &Books,
    kind: TableKind,
    taken: &Taken,
    reader: &mut dyn RowReader,
    record: &mut IngestRecord,
) -> Result<Counts, Stopped> {
    let mut known = Known::load(books, kind)?;
    let mut counts = Counts::default();
    while let Some(batch) = reader.next_batch()? {
        for record_refused in batch.refused() {
            counts.rows += 1;
            counts.refused += 1;
            let raw = (record_refused.line, record_refused.raw.clone());
            let item = refuse::row(taken, kind.as_str(), raw, record_refused.refusal.clone(), Money::ZERO, books.as_of);
            record.quarantine.push(item);
        }
        for raw in batch.rows() {
            counts.rows += 1;
            match known.accept(books, kind, &raw, record) {
                Ok(true) => counts.accepted += 1,
                Ok(false) => counts.duplicates += 1,
                Err(refusal) => {
                    counts.refused += 1;
                    let raw = (raw.line(), raw.to_pairs());
                    record.quarantine.push(refuse::row(taken, kind.as_str(), raw, refusal, Money::ZERO, books.as_of));
                }
            }
        }
    }
    Ok(counts)
}

/// Takes refused rows again, as delivered; hands back the items that are settled now.
pub(super) fn retake_rows(
    books: &Books,
    kind: TableKind,
    items: &[QuarantineItem],
    record: &mut IngestRecord,
    counts: &mut Counts,
) -> Result<Vec<(String, Became)>, Failure> {
    let mut known = Known::load(books, kind)?;
    let mut resolved = Vec::new();
    for item in items {
        let Ok(raw) = RawRow::from_pairs(kind.schema(), item.line, &item.raw) else { continue };
        let became = match known.accept(books, kind, &raw, record) {
            Ok(true) => Became::Accepted,
            Ok(false) => Became::Duplicate,
            Err(_) => continue,
        };
        match became {
            Became::Accepted => counts.accepted += 1,
            Became::Duplicate => counts.duplicates += 1,
        }
        resolved.push((item.item_id.clone(), became));
    }
    Ok(resolved)
}

/// What is known, this file's accepted rows included.
#[derive(Default)]
struct Known {
    accounts: HashMap<String, Vec<AccountRow>>,
    products: HashMap<String, Vec<ProductRow>>,
    prices: HashMap<(String, String), Vec<PriceRow>>,
    discounts: HashMap<String, Vec<DiscountRow>>,
    vouchers: HashMap<String, VoucherRow>,
    funds: HashMap<String, FundsRow>,
    orders: HashMap<String, OrderRow>,
    /// Up to where windows are settled, if any is.
    settled_until: Option<Instant>,
}

impl Known {
    /// What rows of a table are held against: the table, and the accounts where its rows name one.
    fn load(books: &Books, kind: TableKind) -> Result<Self, Failure> {
        let (store, mut known) = (books.store(), Self::default());
        match kind {
            TableKind::Products => {
                for one in store.products()? {
                    known.products.entry(one.row.product.clone()).or_default().push(one.row);
                }
            }
            TableKind::Prices => {
                known.settled_until = settled_until(store)?;
                for one in store.prices()? {
                    known.prices.entry(place_of_price(&one.row)).or_default().push(one.row);
                }
            }
            TableKind::Discounts => {
                for one in store.discounts()? {
                    known.discounts.entry(one.row.discount_id.clone()).or_default().push(one.row);
                }
            }
            TableKind::Vouchers => {
                known.vouchers = store.vouchers()?.into_iter().map(|one| (one.row.voucher_id.clone(), one.row)).collect();
            }
            TableKind::Funds => {
                known.funds = store.funds()?.into_iter().map(|entry| (entry.row.entry_id.clone(), entry.row)).collect();
            }
            TableKind::Orders => {
                let ever = Window::new(Instant::MIN, Instant::MAX);
                known.orders = store.orders(ever)?.into_iter().map(|one| (one.row.order_id.clone(), one.row)).collect();
            }
            TableKind::Accounts | TableKind::Usage | TableKind::Assignments | TableKind::AllocationRules | TableKind::Budgets => {
                // Of these there is nothing but accounts.
            }
        }
        if !matches!(kind, TableKind::Products | TableKind::Prices) {
            for one in store.accounts()? {
                known.accounts.entry(one.row.account_id.clone()).or_default().push(one.row);
            }
        }
        Ok(known)
    }

    /// Whether the row is new (true) or known already (false).
    fn accept(&mut self, books: &Books, kind: TableKind, raw: &RawRow<'_>, record: &mut IngestRecord) -> Result<bool, Refusal> {
        let accounts = &self.accounts;
        let currency_of = |account_id: &str| Some(accounts.get(account_id)?.first()?.currency.clone());
        let context = row_context(books, &currency_of);
        match kind {
            TableKind::Accounts => {
                let row = account::parse(raw, &context)?;
                self.accept_account(row, raw.line(), record)
            }
            TableKind::Products => {
                let row = product::parse(raw, &context)?;
                let dated = self.products.entry(row.product.clone()).or_default();
                accept_dated(dated, row, "product", |row| (row.valid_from, 0), |row| record.products.push((raw.line(), row)))
            }
            TableKind::Prices => {
                let row = price::parse(raw, &context)?;
                self.accept_price(row, raw, record)
            }
            TableKind::Discounts => {
                let row = discount::parse(raw, &context)?;
                if row.account_id != "*" {
                    self.account(&row.account_id)?;
                }
                let dated = self.discounts.entry(row.discount_id.clone()).or_default();
                accept_dated(
                    dated,
                    row,
                    "discount_id",
                    |row| (None, row.revision),
                    |row| record.discounts.push((raw.line(), row)),
                )
            }
            TableKind::Vouchers => {
                let row = voucher::parse(raw, &context)?;
                self.check_currency(&row.account_id, &row.currency)?;
                accept_once(&mut self.vouchers, row.voucher_id.clone(), row, "voucher_id", |row| {
                    record.vouchers.push((raw.line(), row));
                })
            }
            TableKind::Funds => {
                let row = funds::parse(raw, &context)?;
                self.check_currency(&row.account_id, &row.currency)?;
                accept_once(&mut self.funds, row.entry_id.clone(), row, "entry_id", |row| record.funds.push((raw.line(), row)))
            }
            TableKind::Orders => {
                let row = order::parse(raw, &context)?;
                self.account(&row.account_id)?;
                accept_once(&mut self.orders, row.order_id.clone(), row, "order_id", |row| record.orders.push((raw.line(), row)))
            }
            TableKind::Usage | TableKind::Assignments | TableKind::AllocationRules | TableKind::Budgets => {
                unreachable!("usage has a way of its own, and no name leads to tables of later versions")
            }
        }
    }

    fn accept_account(&mut self, row: AccountRow, line: u64, record: &mut IngestRecord) -> Result<bool, Refusal> {
        let dated = self.accounts.entry(row.account_id.clone()).or_default();
        if let Some(first) = dated.first()
            && first.currency != row.currency
        {
            let expected =
                format!("account `{}` keeps its books in {}; an account has one currency", row.account_id, first.currency);
            return Err(Refusal::at("currency", &row.currency, "currency_differs", &expected));
        }
        accept_dated(dated, row, "account_id", |row| (row.valid_from, row.revision), |row| record.accounts.push((line, row)))
    }

    fn accept_price(&mut self, row: PriceRow, raw: &RawRow<'_>, record: &mut IngestRecord) -> Result<bool, Refusal> {
        let published = self.prices.entry(place_of_price(&row)).or_default();
        let refused = |conflict: PriceConflict| {
            let reason = match conflict {
                PriceConflict::EditedInPlace => "edited_in_place",
                PriceConflict::InsideExplicit { .. } | PriceConflict::HoldsAnother { .. } => "validity_overlaps",
                PriceConflict::SettledOtherwise { .. } => "settled_otherwise",
            };
            Refusal::at("valid_from", raw.get("valid_from"), reason, &conflict.to_string())
        };
        let is_new = check_new_row(&row, published.iter()).map_err(refused)?;
        if let Some(until) = self.settled_until.filter(|_| is_new) {
            check_settle_window(&row, published.iter(), until).map_err(refused)?;
        }
        if is_new {
            published.push(row.clone());
            record.prices.push((raw.line(), row));
        }
        Ok(is_new)
    }

    fn account(&self, account_id: &str) -> Result<&AccountRow, Refusal> {
        self.accounts.get(account_id).and_then(|rows| rows.first()).ok_or_else(|| {
            let expected = "no such account is known; deliver it in an accounts file first";
            Refusal::at("account_id", account_id, "unknown_account", expected)
        })
    }

    fn check_currency(&self, account_id: &str, currency: &str) -> Result<(), Refusal> {
        let account = self.account(account_id)?;
        if account.currency == currency {
            return Ok(());
        }
        let expected = format!("account `{account_id}` keeps its books in {}; an account has one currency", account.currency);
        Err(Refusal::at("currency", currency, "currency_differs", &expected))
    }
}

fn settled_until(store: &dyn Store) -> Result<Option<Instant>, Failure> {
    let last = store.settled_windows()?.iter().map(|known| known.window.end).max();
    Ok(store.frontier()?.max(last))
}

fn place_of_price(row: &PriceRow) -> (String, String) {
    (row.sku.clone(), row.currency.clone())
}

/// Accepts a row whose place is a date and a revision: once, and never with other content.
fn accept_dated<T: Clone + PartialEq>(
    known: &mut Vec<T>,
    row: T,
    column: &str,
    place: impl Fn(&T) -> (Option<Instant>, u32),
    keep: impl FnOnce(T),
) -> Result<bool, Refusal> {
    match known.iter().find(|other| place(other) == place(&row)) {
        Some(same) if *same == row => Ok(false),
        Some(_) => {
            let expected = "a row with this key, date and revision is known and says otherwise; send a later valid_from or a higher revision";
            let mut refusal = Refusal::at(column, "", "edited_in_place", expected);
            refusal.detail = format!("`{column}`: {expected}");
            Err(refusal)
        }
        None => {
            known.push(row.clone());
            keep(row);
            Ok(true)
        }
    }
}

/// Accepts a row that is named once for ever.
fn accept_once<T: Clone + PartialEq>(
    known: &mut HashMap<String, T>,
    id: String,
    row: T,
    column: &str,
    keep: impl FnOnce(T),
) -> Result<bool, Refusal> {
    match known.get(&id) {
        Some(same) if *same == row => Ok(false),
        Some(_) => Err(Refusal::at(
            column,
            &id,
            "edited_in_place",
            "the id is known with other content; the first stays, a new fact needs a new id",
        )),
        None => {
            known.insert(id, row.clone());
            keep(row);
            Ok(true)
        }
    }
}

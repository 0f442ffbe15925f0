//! Everything about one charge: its line's charges, its price row, its rows, its equation, and what paid its settlement.

use super::equation::{self, Equation, Facts};
use super::rows::{self, Rows};
use super::{FileNames, Place};
use crate::books::Books;
use crate::failure::Failure;
use crate::settle;
use reckoner_core::number::Quantity;
use reckoner_core::pay::PaymentLine;
use reckoner_core::price::{Buyer, Price, is_tiered};
use reckoner_core::rate::{Bookmark, Charge, DueWindow, Terms, VOLUME_BAND, WindowBook};
use reckoner_core::table::{DiscountRow, SettleWindow};
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{ChargeFilter, FrameError, read_charges};
use reckoner_store::SettlementRecord;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Everything about a charge.
#[derive(Debug, Clone)]
pub struct ChargeStory {
    /// The charge.
    pub charge: Charge,
    /// Its price row.
    pub price: PriceFacts,
    /// Every charge of its line, in the order posted; the charge is one of them.
    pub line: Vec<LineCharge>,
    /// What they sum up to.
    pub line_quantity: Quantity,
    /// How its amounts come about.
    pub equation: Equation,
    /// The delivered rows of its line.
    pub rows: Rows,
    /// The settlement that posted it.
    pub settlement: Option<SettlementRecord>,
    /// What paid that settlement, in the order made.
    pub payments: Vec<PaymentLine>,
}

/// A price row and where it came from.
#[derive(Debug, Clone)]
pub struct PriceFacts {
    /// The row as published.
    pub price: Arc<Price>,
    /// Where it was delivered.
    pub place: Option<Place>,
}

/// A charge of the line.
#[derive(Debug, Clone)]
pub struct LineCharge {
    /// The charge.
    pub charge: Charge,
    /// Whether it is the one that is explained.
    pub is_this: bool,
}

impl ChargeStory {
    /// Whether the rows that count add up to the line's quantity.
    pub fn rows_add_up(&self) -> bool {
        self.rows.sum == self.line_quantity
    }

    /// Whether it re-prices what other charges settled: no row of its window stands behind it.
    pub fn is_repricing(&self) -> bool {
        self.charge.reason.as_deref() == Some(VOLUME_BAND)
    }
}

pub(super) fn story(books: &Books, charge: Charge) -> Result<ChargeStory, Failure> {
    let names = FileNames::read(books)?;
    let (price, place) = price_of(books, &names, &charge)?;
    let kind = price.row.settle;
    let settlement_window = kind.containing(charge.key.window.start, books.zone);
    let month = month(books, &charge, is_tiered(&price.row.model))?;
    let line: Vec<Charge> = month.iter().filter(|one| one.charge.key == charge.key).map(|one| one.charge.clone()).collect();
    let of_line = month.iter().filter(|one| one.charge.key == charge.key);
    let newest_seq = of_line.clone().map(|one| one.seq).max();
    let own_seq = of_line.filter(|one| one.charge.charge_id == charge.charge_id).map(|one| one.seq).max();
    let due_now = due(books, kind, settlement_window, newest_seq, &charge)?;
    // What the charge was made with, where a rerun has priced its line again since.
    let due = DueWindow { book_seq: self::due(books, kind, settlement_window, own_seq, &charge)?.book_seq, ..due_now };

    let terms = settle::terms(books, [due.book_seq, due_now.book_seq])?;
    let discounts = discounts(books, &names, &terms, &charge, due)?;
    let month: Vec<Charge> = month.into_iter().map(|one| one.charge).collect();
    let facts = Facts { terms: &terms, price: &price, due, discounts: &discounts, month: &month };
    let equation = equation::of(&facts, &charge)?;
    let rows = rows::of_line(books, &charge.key, due_now, &terms, &names)?;
    let line_quantity = line.iter().try_fold(Quantity::ZERO, |sum, one| sum.plus(one.quantity)).map_err(FrameError::from)?;

    let (settlement, payments) = payments(books, &charge)?;
    let line = line.into_iter().map(|one| LineCharge { is_this: one.charge_id == charge.charge_id, charge: one }).collect();
    Ok(ChargeStory { price: PriceFacts { price, place }, line, line_quantity, equation, rows, settlement, payments, charge })
}

/// A charge and the newest delivery that its settlement knew.
struct PostedCharge {
    charge: Charge,
    seq: u64,
}

/// The charges of the same account, sku and price row in the order posted: of the whole month where the price runs over
/// it, else of the line's window.
fn month(books: &Books, charge: &Charge, is_tiered: bool) -> Result<Vec<PostedCharge>, Failure> {
    let store = books.store();
    let start = charge.key.window.start;
    let within = match is_tiered {
        true => books.zone.month_containing(start),
        false => Window::new(start, start.plus_seconds(1)),
    };
    let filter = ChargeFilter {
        within: Some(within),
        account_skus: Some(HashSet::from([(charge.key.account_id.clone(), charge.key.sku.clone())])),
        ..ChargeFilter::default()
    };
    let mut found: Vec<PostedCharge> = Vec::new();
    for file in store.charge_files(within)? {
        let charges = read_charges(&[books.lake_path(&file)], &filter)?.into_iter();
        let of_price = charges.filter(|one| one.key.price_id == charge.key.price_id);
        found.extend(of_price.map(|charge| PostedCharge { charge, seq: file.seq }));
    }

    // Settlements are posted in the order of their runs; within one batch by instant and resource, as rating does it.
    let order_of_run: HashMap<String, usize> =
        store.runs()?.into_iter().enumerate().map(|(place, run)| (run.run_id, place)).collect();
    let settled: HashMap<String, (usize, u32)> = store
        .settlements_in_period(&charge.key.account_id, &charge.billing_period)?
        .into_iter()
        .map(|row| (row.settlement_id.to_string(), (order_of_run.get(&*row.run_id).copied().unwrap_or_default(), row.revision)))
        .collect();
    let place = |one: &PostedCharge| {
        let (run, revision) = settled.get(&one.charge.settlement_id).copied().unwrap_or_default();
        let key = &one.charge.key;
        (run, one.charge.transaction_at, revision, key.resource_id.clone(), key.window, one.charge.corrects.is_some())
    };
    found.sort_by_cached_key(place);
    Ok(found)
}

/// The settlement window with what it was settled with. A window that was settled only in part (for one account or sku)
/// has no state of its own: then the charges say what was known.
///
/// Its state of the book is the one that counted for the charge's account and sku when `posted_seq` was the newest delivery.
fn due(
    books: &Books,
    kind: SettleWindow,
    window: Window,
    posted_seq: Option<u64>,
    charge: &Charge,
) -> Result<DueWindow, Failure> {
    let state = books.store().settled_windows()?.into_iter().find(|known| known.kind == kind && known.window == window);
    let first_seq = state.map(|state| state.book_seq).or(posted_seq).unwrap_or(u64::MAX);
    let settled_seq = state.map(|state| state.settled_seq).max(posted_seq);
    let first = DueWindow { window, kind, book_seq: first_seq, settled_seq };

    let marks = books.store().bookmarks()?.into_iter().map(|record| record.bookmark);
    let marks: Vec<Bookmark> = marks.filter(|mark| posted_seq.is_none_or(|seq| mark.book_seq <= seq)).collect();
    let book_seq = WindowBook::new(first, &marks, None).seq_for(&charge.key.account_id, &charge.key.sku);
    Ok(DueWindow { book_seq, ..first })
}

fn price_of(books: &Books, names: &FileNames, charge: &Charge) -> Result<(Arc<Price>, Option<Place>), Failure> {
    let known = books.store().prices()?.into_iter().find(|known| known.row.price_id() == charge.key.price_id);
    let Some(known) = known else {
        return Err(Failure::invariant(format!(
            "the price row `{}` of charge `{}` is not known",
            charge.key.price_id, charge.charge_id
        ))
        .expected("every charge to name a published price row")
        .hint("run `reckoner verify`"));
    };
    let place = names.place(&known.file_id, known.line);
    let (price_id, validity) = (known.row.price_id(), known.row.stated_validity());
    Ok((Arc::new(Price { row: known.row, price_id, validity }), Some(place)))
}

/// The discounts that fit at the window's start, as known when the window was first settled.
fn discounts(
    books: &Books,
    names: &FileNames,
    terms: &Terms,
    charge: &Charge,
    due: DueWindow,
) -> Result<Vec<(DiscountRow, Option<Place>)>, Failure> {
    let places: HashMap<(String, u32), Place> = books
        .store()
        .discounts()?
        .into_iter()
        .map(|known| ((known.row.discount_id, known.row.revision), names.place(&known.file_id, known.line)))
        .collect();
    let buyer = Buyer {
        account_id: &charge.key.account_id,
        product: &charge.product,
        sku: &charge.key.sku,
        billing_mode: charge.billing_mode,
        at: charge.key.window.start,
    };
    let fitting = terms.discounts(due.book_seq).fitting(buyer).into_iter();
    Ok(fitting.map(|row| (row.clone(), places.get(&(row.discount_id.clone(), row.revision)).cloned())).collect())
}

fn payments(books: &Books, charge: &Charge) -> Result<(Option<SettlementRecord>, Vec<PaymentLine>), Failure> {
    let store = books.store();
    let at: Instant = charge.transaction_at;
    let mut settlements = store.settlements(Window::new(at, at.plus_seconds(1)))?.into_iter();
    let settlement = settlements.find(|settlement| *settlement.settlement_id == *charge.settlement_id);
    let payments = match &settlement {
        Some(settlement) => super::settlement::payments(books, settlement)?,
        None => Vec::new(),
    };
    Ok((settlement, payments))
}

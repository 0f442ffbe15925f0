//! From rows to lines, the readable way: one record after the other, one window after the other.
//!
//! This is the specification that the frames are held to. Its cost is records × windows; use it where that is small.

use super::bookmark::{RowSeqs, WindowBook};
use super::cut::{DueWindow, News, Piece, pieces_in};
use super::frozen::Frozen;
use super::line::{Line, LineKey};
use super::terms::Terms;
use crate::number::{AmountOverflow, Quantity};
use crate::price::Price;
use crate::table::{PriceModel, UsageRow};
use crate::time::{Instant, Window};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An accepted row and when it was known and replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUsage {
    /// The row.
    pub row: UsageRow,
    /// The delivery that brought it.
    pub seq: u64,
    /// The delivery whose row took its place, if any.
    pub superseded_seq: Option<u64>,
}

/// What settling does to the units of one hour, account and sku.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Units {
    /// Settled at a price.
    pub charged: Quantity,
    /// Settled at nothing, by decision: waived, used in frozen time, or at a price of 0.
    pub zero_rated: Quantity,
    /// What min_seconds and step_seconds add.
    pub minimum: Quantity,
}

impl Units {
    /// The sum.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn plus(self, other: Self) -> Result<Self, AmountOverflow> {
        Ok(Self {
            charged: self.charged.plus(other.charged)?,
            zero_rated: self.zero_rated.plus(other.zero_rated)?,
            minimum: self.minimum.plus(other.minimum)?,
        })
    }
}

/// Hour, account, sku, unit.
pub type UnitsKey = (Instant, String, String, String);

/// Lines that windows deserve, and what becomes of the units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// The lines, by key.
    pub lines: Vec<Line>,
    /// Differences to what was counted when the windows were settled last.
    pub units: BTreeMap<UnitsKey, Units>,
}

/// Folds rows into the lines of the due windows. `frozen` says when accounts were frozen.
///
/// # Errors
/// [`AmountOverflow`] when a sum does not fit 128 bits.
pub fn fold(rows: &[KnownUsage], due: &[DueWindow], terms: &Terms, frozen: &Frozen) -> Result<Counted, AmountOverflow> {
    let mut lines: BTreeMap<LineKey, (Line, (Instant, String))> = BTreeMap::new();
    let mut units = BTreeMap::new();
    for known in rows {
        let row = &known.row;
        let times = frozen.of(&row.account_id);
        for window in due {
            let book = terms.book_of(*window);
            let seqs = RowSeqs { seq: known.seq, superseded_seq: known.superseded_seq };
            for (news, book_seq) in book.unit_moves(seqs, &row.account_id, &row.sku).into_iter().flatten() {
                for piece in pieces_as_of(row, *window, book_seq, (terms, times))? {
                    count_units(&mut units, row, news, &piece)?;
                }
            }
            if known.superseded_seq.is_none() {
                let book_seq = book.seq_for(&row.account_id, &row.sku);
                for piece in pieces_as_of(row, *window, book_seq, (terms, times))? {
                    add_piece(&mut lines, row, *window, piece, (terms, &book))?;
                }
            }
        }
    }
    units.retain(|_, counted| *counted != Units::default());
    Ok(Counted { lines: lines.into_values().map(|(line, _)| line).collect(), units })
}

/// A row's pieces in a window at the prices of one state of the book.
fn pieces_as_of(
    row: &UsageRow,
    due: DueWindow,
    book_seq: u64,
    (terms, frozen): (&Terms, &[Window]),
) -> Result<Vec<Piece>, AmountOverflow> {
    let Some(currency) = terms.accounts.currency(&row.account_id) else { return Ok(Vec::new()) };
    let Some(needed) = row.measured().needed_prices(due.window) else { return Ok(Vec::new()) };
    let Some(timeline) = terms.timeline(&row.sku, currency, book_seq, needed) else { return Ok(Vec::new()) };
    pieces_in(row.measured(), due, timeline, terms.zone, frozen)
}

fn add_piece(
    lines: &mut BTreeMap<LineKey, (Line, (Instant, String))>,
    row: &UsageRow,
    due: DueWindow,
    piece: Piece,
    (terms, book): (&Terms, &WindowBook<'_>),
) -> Result<(), AmountOverflow> {
    let key = LineKey {
        window: piece.line,
        account_id: row.account_id.clone(),
        resource_id: row.resource_id.clone(),
        sku: row.sku.clone(),
        price_id: piece.price.price_id.clone(),
    };
    let latest = (row.started_at, row.record_id.clone());
    let (line, tagged_by) = lines.entry(key.clone()).or_insert_with(|| {
        let line = Line {
            key,
            price: Arc::clone(terms.published(&piece.price)),
            settles_at: due.window.end,
            book_seq: book.seq_for(&row.account_id, &row.sku),
            settled_book_seq: book.settled_seq_for(&row.account_id, &row.sku),
            quantity: Quantity::ZERO,
            waived: Quantity::ZERO,
            is_frozen: false,
            region: row.region.clone(),
            tags: row.tags.clone(),
        };
        (line, latest.clone())
    });
    let quantity = piece.used.plus(piece.minimum)?;
    line.quantity = line.quantity.plus(quantity)?;
    if row.is_waived || piece.is_frozen {
        line.waived = line.waived.plus(quantity)?;
        line.is_frozen |= piece.is_frozen;
    }
    if latest > *tagged_by {
        line.region.clone_from(&row.region);
        line.tags.clone_from(&row.tags);
        *tagged_by = latest;
    }
    Ok(())
}

/// Counts a piece that a row adds, or takes back one that was counted.
fn count_units(units: &mut BTreeMap<UnitsKey, Units>, row: &UsageRow, news: News, piece: &Piece) -> Result<(), AmountOverflow> {
    let signed: fn(Quantity) -> Result<Quantity, AmountOverflow> = match news {
        News::Nothing => return Ok(()),
        News::Added => Ok,
        News::TakenBack => |quantity| Quantity::ZERO.minus(quantity),
    };
    let unit = piece.price.row.unit.as_str().to_owned();
    let entry = units.entry((piece.hour, row.account_id.clone(), row.sku.clone(), unit)).or_default();
    let is_free = row.is_waived || piece.is_frozen || is_price_of_nothing(piece);
    let settled_as = if is_free { &mut entry.zero_rated } else { &mut entry.charged };
    *settled_as = settled_as.plus(signed(piece.used)?)?;
    entry.minimum = entry.minimum.plus(signed(piece.minimum)?)?;
    Ok(())
}

/// Whether the price asks for nothing whatever the quantity.
pub fn is_price_of_nothing(piece: &Piece) -> bool {
    is_flat_and_free(&piece.price)
}

/// Whether a price is flat and 0.
pub fn is_flat_and_free(price: &Price) -> bool {
    price.row.model == PriceModel::Flat && price.row.unit_price.e12() == 0
}

//! The delivered rows that a line is made of: those that count, those that were replaced, those that wait to be settled.

use super::{FileNames, Place};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::number::{AmountOverflow, Quantity};
use reckoner_core::rate::{DueWindow, Frozen, LineKey, News, Piece, Terms, Use, pieces_in};
use reckoner_core::table::{Unit, UsageRow};
use reckoner_core::time::Instant;
use reckoner_frames::{FrameError, RowFile, RowFilter, read_rows};
use reckoner_store::SupersededRow;
use std::collections::HashMap;

/// The rows of a line.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// In order of time, then of their place.
    pub rows: Vec<UsedRow>,
    /// What those that count add up to, minimum included.
    pub sum: Quantity,
}

/// One delivered row and its part in the line.
#[derive(Debug, Clone)]
pub struct UsedRow {
    /// Where it was delivered.
    pub place: Place,
    /// Its id.
    pub record_id: String,
    /// First instant of use.
    pub started_at: Instant,
    /// First instant after use.
    pub ended_at: Instant,
    /// How much was held, or the amount.
    pub quantity: Quantity,
    /// Seconds of use inside the line's window; nothing for an amount, which belongs to the window as a whole.
    pub seconds: Option<i64>,
    /// Unit-seconds inside the window, or the amount.
    pub used: Quantity,
    /// What min_seconds and step_seconds add.
    pub minimum: Quantity,
    /// Whether it is charged with a discount of its whole list amount.
    pub is_waived: bool,
    /// What of it was used while the account was frozen, the minimum included.
    pub frozen: Quantity,
    /// Whether it counts.
    pub state: RowState,
}

/// Whether a row counts in what is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// It does.
    Counted,
    /// It does, and has been replaced since: the next settlement takes it back.
    ReplacedSince(Place),
    /// Another row took its place.
    Replaced(Place),
    /// It was delivered after the window was settled last.
    NotSettledYet,
}

impl RowState {
    /// The word for scripts.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::ReplacedSince(_) => "replaced_since",
            Self::Replaced(_) => "replaced",
            Self::NotSettledYet => "not_settled_yet",
        }
    }

    /// Whether it counts in what is posted.
    pub const fn counts(&self) -> bool {
        matches!(self, Self::Counted | Self::ReplacedSince(_))
    }
}

/// Reads the rows of a line. `due` is the settlement window with what was settled last.
pub(super) fn of_line(books: &Books, key: &LineKey, due: DueWindow, terms: &Terms, names: &FileNames) -> Result<Rows, Failure> {
    let store = books.store();
    let files: Vec<RowFile> = store.row_files(key.window)?.iter().map(|file| books.row_file(file)).collect();
    let filter = RowFilter {
        touching: Some(key.window),
        account_id: Some(key.account_id.clone()),
        resource_id: Some(key.resource_id.clone()),
        sku: Some(key.sku.clone()),
    };
    let superseded: HashMap<(String, u64), SupersededRow> =
        store.superseded(key.window)?.into_iter().map(|row| ((row.file_id.clone(), row.line), row)).collect();

    let frozen = reckoner_engine::frozen(store, &books.profile, due.window)?;
    let mut rows = Rows::default();
    for stored in read_rows(&files, &filter)? {
        let Some(part) = part_of(&stored.row, key, due, (terms, &frozen)).map_err(FrameError::from)? else { continue };
        let by = superseded.get(&(stored.file_id.clone(), stored.row.line));
        let replacing = by.map(|by| names.place(&by.by_file_id, by.by_line));
        let state = match (due.news_of(stored.seq, by.map(|by| by.seq)), replacing) {
            (News::Added, _) => RowState::NotSettledYet,
            (News::TakenBack, Some(by)) => RowState::ReplacedSince(by),
            (News::Nothing, Some(by)) => RowState::Replaced(by),
            (News::TakenBack | News::Nothing, None) => RowState::Counted,
        };
        if state.counts() {
            let with_it = rows.sum.plus(part.used).and_then(|sum| sum.plus(part.minimum));
            rows.sum = with_it.map_err(FrameError::from)?;
        }
        rows.rows.push(UsedRow {
            place: names.place(&stored.file_id, stored.row.line),
            record_id: stored.row.record_id,
            started_at: stored.row.started_at,
            ended_at: stored.row.ended_at,
            quantity: stored.row.quantity,
            seconds: part.seconds,
            used: part.used,
            minimum: part.minimum,
            is_waived: stored.row.is_waived,
            frozen: part.frozen,
            state,
        });
    }
    rows.rows.sort_by(|a, b| (a.started_at, &a.place).cmp(&(b.started_at, &b.place)));
    Ok(rows)
}

struct Part {
    seconds: Option<i64>,
    used: Quantity,
    minimum: Quantity,
    frozen: Quantity,
}

/// A row's part in the line, by the cut that settles it; nothing if no piece of it falls there.
fn part_of(
    row: &UsageRow,
    key: &LineKey,
    due: DueWindow,
    (terms, frozen): (&Terms, &Frozen),
) -> Result<Option<Part>, AmountOverflow> {
    let Some(currency) = terms.accounts.currency(&row.account_id) else { return Ok(None) };
    let measured = row.measured();
    let Some(needed) = measured.needed_prices(due.window) else { return Ok(None) };
    let Some(timeline) = terms.timeline(&row.sku, currency, due.book_seq, needed) else { return Ok(None) };
    let pieces = |record: Use| -> Result<Vec<Piece>, AmountOverflow> {
        let all = pieces_in(record, due, timeline, terms.zone, frozen.of(&row.account_id))?;
        Ok(all.into_iter().filter(|piece| is_in(piece, key)).collect())
    };

    let own = pieces(measured)?;
    let Some(first) = own.first() else { return Ok(None) };
    let is_timed = first.price.row.unit == Unit::Hour;
    let mut part = Part { seconds: None, used: Quantity::ZERO, minimum: Quantity::ZERO, frozen: Quantity::ZERO };
    for piece in &own {
        part.used = part.used.plus(piece.used)?;
        part.minimum = part.minimum.plus(piece.minimum)?;
        if piece.is_frozen {
            part.frozen = part.frozen.plus(piece.used)?.plus(piece.minimum)?;
        }
    }
    if is_timed {
        // One unit held for as long: its unit-seconds are the seconds.
        let mut seconds = 0;
        for piece in pieces(Use { quantity: Quantity::ONE, ..measured })? {
            seconds += piece.used.e12() / Quantity::ONE.e12();
        }
        part.seconds = i64::try_from(seconds).ok();
    }
    Ok(Some(part))
}

fn is_in(piece: &Piece, key: &LineKey) -> bool {
    piece.line == key.window && piece.price.price_id == key.price_id
}

//! Cutting: a record's use inside one settlement window, in pieces by hour and price.
//!
//! `08:45:30 … 09:30:00` is 870 s in the hour of 08:00 and 1800 s in the hour of 09:00. Time-priced use is cut where an hour
//! ends, where the billing day ends and where a price begins or ends. An amount is not cut: it belongs to the hour that
//! holds its last instant. Where the account was frozen for a part of the time, that part is a piece of its own.

use super::frozen;
use crate::number::{AmountOverflow, Quantity};
use crate::price::{Price, Timeline};
use crate::table::{SettleWindow, Unit};
use crate::time::{Instant, Window, Zone};
use std::sync::Arc;

/// A window that is to be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueWindow {
    /// The window; its end is the settlement's instant.
    pub window: Window,
    /// Which prices settle in it.
    pub kind: SettleWindow,
    /// The newest delivery known at its first settlement; [`super::WindowBook`] says whose prices and discounts count.
    pub book_seq: u64,
    /// The newest delivery whose rows are settled already, if any.
    pub settled_seq: Option<u64>,
}

/// What a row is to a window since it was settled last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Known then, or come and gone since.
    Nothing,
    /// New, and in force.
    Added,
    /// Settled then, and replaced since.
    TakenBack,
}

impl DueWindow {
    /// What a row of delivery `seq`, replaced by delivery `superseded_seq`, is to the window since it was settled last.
    pub fn news_of(&self, seq: u64, superseded_seq: Option<u64>) -> News {
        match (self.was_counted(seq, superseded_seq), superseded_seq.is_none()) {
            (false, true) => News::Added,
            (true, false) => News::TakenBack,
            (true, true) | (false, false) => News::Nothing,
        }
    }

    /// Whether such a row was in force when the window was settled last.
    pub fn was_counted(&self, seq: u64, superseded_seq: Option<u64>) -> bool {
        let is_settled = |seq: u64| self.settled_seq.is_some_and(|settled| seq <= settled);
        is_settled(seq) && superseded_seq.is_none_or(|seq| !is_settled(seq))
    }
}

/// What cutting reads of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The time of use.
    pub interval: Window,
    /// How much was held, or the amount.
    pub quantity: Quantity,
}

/// A part of one record's use: one hour, one price, frozen or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The price that holds.
    pub price: Arc<Price>,
    /// The line it belongs to: settlement window ∩ the price's validity.
    pub line: Window,
    /// Start of the UTC hour it falls into.
    pub hour: Instant,
    /// What was used: unit-seconds, or the amount.
    pub used: Quantity,
    /// What `min_seconds` and `step_seconds` add, in the record's last piece.
    pub minimum: Quantity,
    /// Whether the account was frozen: then it costs nothing.
    pub is_frozen: bool,
}

/// The last instant of use: a second before `ended_at`; of an instant, the instant itself.
pub fn last_instant(interval: Window) -> Instant {
    if interval.start < interval.end { interval.end.plus_seconds(-1) } else { interval.start }
}

impl Use {
    /// The part of a settlement window whose prices the record needs, if it falls into the window at all.
    pub fn needed_prices(self, window: Window) -> Option<Window> {
        let last = last_instant(self.interval);
        let instant = || window.holds(last).then(|| Window::new(last, last.plus_seconds(1)));
        self.interval.overlap(window).or_else(instant)
    }
}

/// The pieces of a record that belong to a settlement window, in order of time.
///
/// Only prices that settle in windows of this kind count; use without a price makes no piece (ingest refuses such rows).
/// `frozen` are the times in which the account was frozen, oldest first; what `min_seconds` and `step_seconds` add is frozen
/// with the record's last instant.
///
/// # Errors
/// [`AmountOverflow`] when quantity × seconds does not fit 128 bits.
pub fn pieces_in(
    record: Use,
    due: DueWindow,
    timeline: &Timeline,
    zone: Zone,
    frozen: &[Window],
) -> Result<Vec<Piece>, AmountOverflow> {
    let interval = record.interval;
    let last = last_instant(interval);
    let mut pieces = Vec::new();

    if let Some(price) = timeline.at(last)
        && matches!(price.row.unit, Unit::Amount(_))
    {
        if due.window.holds(last) && price.row.settle == due.kind {
            let (is_frozen, _) = frozen::state_at(frozen, last);
            pieces.push(piece(price, due.window, last, is_frozen, (record.quantity, Quantity::ZERO)));
        }
        return Ok(pieces);
    }
    let Some(inside) = interval.overlap(due.window) else { return Ok(pieces) };
    for price in timeline.during(inside).filter(|price| price.row.settle == due.kind && price.row.unit == Unit::Hour) {
        let Some(mut rest) = inside.overlap(price.validity) else { continue };
        while rest.start < rest.end {
            let (is_frozen, until) = frozen::state_at(frozen, rest.start);
            let end = rest.end.min(zone.segment_containing(rest.start).end).min(until);
            let used = record.quantity.held_for(end.seconds() - rest.start.seconds())?;
            let is_last = rest.start <= last && last < end;
            let minimum = if is_last { record.quantity.held_for(added_seconds(price, interval))? } else { Quantity::ZERO };
            pieces.push(piece(price, due.window, rest.start, is_frozen, (used, minimum)));
            rest.start = end;
        }
    }
    Ok(pieces)
}

fn piece(price: &Arc<Price>, due: Window, at: Instant, is_frozen: bool, (used, minimum): (Quantity, Quantity)) -> Piece {
    let line = due.overlap(price.validity).expect("the price holds inside the window");
    Piece { price: Arc::clone(price), line, hour: at.hour_start(), used, minimum, is_frozen }
}

/// Seconds that the price adds to a record: up to the minimum, and up to a whole step.
fn added_seconds(price: &Price, interval: Window) -> i64 {
    let step = price.row.step_seconds.max(1);
    let length = interval.seconds();
    let stepped = length.div_euclid(step) * step + if length % step == 0 { 0 } else { step };
    stepped.max(price.row.min_seconds) - length
}

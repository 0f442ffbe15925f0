//! Rows to sums by holding and hour: hour after hour, each row as long as it lasts.

use crate::error::TallyError;
use crate::order::HoldingOrder;
use crate::part::Part;
use crate::partials::HOUR;
use crate::width::{Narrow, NearPieces, Piece, PieceOf, Wide, Width};
use reckoner_core::rate::last_instant;
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeMap;

/// What holdings used in an hour, column by column; one after the other in the order of their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HourUse {
    /// Start of the UTC hour.
    pub hour: i64,
    /// Places of the holdings in their order.
    pub places: Vec<u32>,
    /// By how many rows.
    pub rows: Vec<u32>,
    /// How much.
    pub used: Used,
}

/// Unit-seconds, or amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Used {
    /// Whole numbers of few digits: half the bytes, and read twice as fast.
    Whole(Vec<i64>),
    /// At 1e-12.
    E12(Vec<i128>),
}

impl Default for Used {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

/// Room for sums, used again for the next part: to hand back as much memory and ask for it anew costs more than to fill it.
#[derive(Debug, Default)]
pub struct FoldRoom {
    pub(crate) narrow: NearPieces<u32, u32>,
    pub(crate) wide: NearPieces<i128, i64>,
    hours: Vec<HourUse>,
}

impl FoldRoom {
    /// Takes back sums that nobody reads any more.
    pub fn reclaim(&mut self, hours: Vec<HourUse>) {
        self.hours.extend(hours);
    }

    /// An hour without sums, of which about so many come.
    fn hour<W: Width>(&mut self, hour: i64, about: usize) -> HourUse {
        let HourUse { mut places, mut rows, used, .. } = self.hours.pop().unwrap_or_default();
        places.clear();
        rows.clear();
        places.reserve(about);
        rows.reserve(about);
        HourUse { hour, places, rows, used: W::no_use(used, about) }
    }
}

/// Places whose sums stay near the processor. A development build cuts few holdings as an optimised one does many.
const NEAR_PLACES: usize = if cfg!(debug_assertions) { 3 } else { 32 * 1024 };

/// Sums rows of a part by UTC hour and holding, hours in order; all of their holdings are in `order`.
///
/// Time-priced use is cut at the hours; an amount belongs to the hour that holds its last instant.
///
/// # Errors
/// [`TallyError::Overflow`] when a sum does not fit 128 bits.
pub fn fold_hours(part: &Part, rows: &[u32], order: &HoldingOrder, room: &mut FoldRoom) -> Result<Vec<HourUse>, TallyError> {
    let start_of = |row: &u32| part.started_at[*row as usize];
    let mut sorted;
    let rows = if rows.is_sorted_by_key(start_of) {
        rows
    } else {
        sorted = rows.to_vec();
        sorted.sort_by_key(start_of);
        &sorted
    };
    // Most use is whole, or has few decimals: what is summed is a third as large then.
    let sums = fold::<Narrow<1_000_000_000_000>>(part, rows, order, room)
        .or_else(|| fold::<Narrow<1_000_000_000>>(part, rows, order, room))
        .or_else(|| fold::<Narrow<1_000_000>>(part, rows, order, room))
        .or_else(|| fold::<Wide>(part, rows, order, room));
    sums.ok_or(TallyError::Overflow)
}

/// As [`fold_hours`]; nothing where a row or a sum does not fit.
fn fold<W: Width>(part: &Part, rows: &[u32], order: &HoldingOrder, room: &mut FoldRoom) -> Option<Vec<HourUse>> {
    let Some(first) = rows.first() else { return Some(Vec::new()) };
    let origin = part.started_at[*first as usize].div_euclid(HOUR) * HOUR;
    let mut near = std::mem::take(W::room(room));
    let hours = by_places::<W>(part, rows, order, origin, &mut near).and_then(|()| fold_all::<W>(&near, order, origin, room));
    *W::room(room) = near;
    hours
}

/// Sums all pieces, which start so long after the origin.
fn fold_all<W: Width>(
    near: &NearPieces<W::Quantity, W::Seconds>,
    order: &HoldingOrder,
    origin: i64,
    room: &mut FoldRoom,
) -> Option<Vec<HourUse>> {
    let mut hours: BTreeMap<i64, HourUse> = BTreeMap::new();
    let mut left = near.len();
    for (first_place, pieces) in (0..).step_by(NEAR_PLACES).zip(near) {
        fold_near(pieces, Dense::<W>::new(order, first_place), |hour, mut summed| {
            // The other places have about as many sums in this hour.
            let about = (summed.len() * left * 9 / 8).min(order.holdings.len());
            summed.tell(hours.entry(hour).or_insert_with(|| room.hour::<W>(origin + hour, about)))
        })?;
        left -= 1;
    }
    Some(hours.into_values().collect())
}

/// What the rows say, as many places together as can be summed near the processor; the order of rows stays.
fn by_places<W: Width>(
    part: &Part,
    rows: &[u32],
    order: &HoldingOrder,
    origin: i64,
    near: &mut NearPieces<W::Quantity, W::Seconds>,
) -> Option<()> {
    let count = order.holdings.len().div_ceil(NEAR_PLACES);
    // Places are as good as random: each has its share of rows, or grows.
    let share = rows.len() / count + rows.len() / count / 16;
    near.iter_mut().for_each(Vec::clear);
    near.resize_with(count, Vec::new);
    near.iter_mut().for_each(|pieces| pieces.reserve(share));
    for row in rows {
        let at = *row as usize;
        let place = order.place_of[part.holding[at] as usize];
        near[place as usize / NEAR_PLACES].push(Piece {
            quantity: W::quantity(part.quantity_e12[at])?,
            start: W::seconds(part.started_at[at] - origin)?,
            end: W::seconds(part.ended_at[at] - origin)?,
            place,
        });
    }
    Some(())
}

/// Sums pieces, ordered by their start, of the places from this one on; sums of later places follow those of earlier ones.
fn fold_near<W: Width>(
    pieces: &[PieceOf<W>],
    mut sums: Dense<W>,
    mut take: impl FnMut(i64, Summed<'_, W>) -> Option<()>,
) -> Option<()> {
    // Pieces that began before the hour and go on.
    let (mut lasting, mut rest) = (Vec::<PieceOf<W>>::new(), pieces);
    let mut hour = 0;
    while let Some(first) = lasting.first().or(rest.first()) {
        hour = if lasting.is_empty() { first.start.into() / HOUR * HOUR } else { hour + HOUR };
        let end = hour + HOUR;
        let (beginning, later) = rest.split_at(rest.partition_point(|piece| piece.start.into() < end));
        rest = later;
        sums.begin(lasting.len() + beginning.len());
        for piece in lasting.iter().chain(beginning) {
            sums.add(piece, hour)?;
        }
        lasting.retain(|piece| piece.end.into() > end);
        lasting.extend(beginning.iter().filter(|piece| piece.end.into() > end));
        if let Some(summed) = sums.summed() {
            take(hour, summed)?;
        }
    }
    Some(())
}

/// Sums by the place of a holding, and which places have one.
struct Dense<W: Width> {
    first_place: usize,
    cells: Vec<Cell<W>>,
    /// Where few are, they are listed; many are found by looking at all.
    touched: Vec<u32>,
    are_few: bool,
}

/// What a holding used so far; side by side, because holdings come in no order.
#[derive(Clone, Copy)]
struct Cell<W: Width> {
    used: W::Used,
    rows: u32,
    is_held: bool,
}

/// The sums of an hour, in order; none is left once they are told.
struct Summed<'d, W: Width>(&'d mut Dense<W>);

impl<W: Width> Dense<W> {
    fn new(order: &HoldingOrder, first_place: usize) -> Self {
        let places = first_place..(first_place + NEAR_PLACES).min(order.holdings.len());
        let cells = order.is_held[places.clone()].iter().map(|is_held| Cell { used: W::NONE, rows: 0, is_held: *is_held });
        Self { first_place, cells: cells.collect(), touched: Vec::new(), are_few: true }
    }

    /// So many pieces come at most.
    fn begin(&mut self, pieces: usize) {
        self.are_few = pieces < self.cells.len() / 16;
        self.touched.clear();
    }

    /// Adds what was used in the hour that begins then.
    #[inline]
    fn add(&mut self, piece: &PieceOf<W>, hour: i64) -> Option<()> {
        let place = piece.place as usize - self.first_place;
        let cell = &mut self.cells[place];
        let (start, end) = (piece.start.into(), piece.end.into());
        let used = if cell.is_held {
            W::times(piece.quantity, end.min(hour + HOUR) - start.max(hour))?
        } else {
            let interval = Window::new(Instant::from_seconds(start), Instant::from_seconds(end));
            if !(hour..hour + HOUR).contains(&last_instant(interval).seconds()) {
                return Some(());
            }
            W::times(piece.quantity, 1)?
        };
        if self.are_few && cell.rows == 0 {
            self.touched.push(place as u32);
        }
        cell.rows += 1;
        cell.used = W::plus(cell.used, used)?;
        Some(())
    }

    /// The sums, if there is one.
    fn summed(&mut self) -> Option<Summed<'_, W>> {
        if self.are_few {
            self.touched.sort_unstable();
        } else {
            // Without a branch: which of the places have one is as good as random.
            self.touched.resize(self.cells.len() + 1, 0);
            let mut found = 0;
            for (place, cell) in (0..).zip(&self.cells) {
                self.touched[found] = place;
                found += usize::from(cell.rows > 0);
            }
            self.touched.truncate(found);
        }
        (!self.touched.is_empty()).then_some(Summed(self))
    }
}

impl<W: Width> Summed<'_, W> {
    fn len(&self) -> usize {
        self.0.touched.len()
    }

    /// Appends them to those of the hour; nothing where one does not fit.
    fn tell(&mut self, to: &mut HourUse) -> Option<()> {
        let Dense { first_place, cells, touched, .. } = &mut *self.0;
        let first_place = *first_place as u32;
        to.places.extend(touched.iter().map(|place| first_place + place));
        to.rows.extend(touched.iter().map(|place| cells[*place as usize].rows));
        W::append(&mut to.used, touched.iter().map(|place| cells[*place as usize].used))?;
        for place in &*touched {
            let cell = &mut cells[*place as usize];
            (cell.used, cell.rows) = (W::NONE, 0);
        }
        Some(())
    }
}

//! Rows to sums by holding and hour: hour after hour, each row as long as it lasts.

use crate::error::TallyError;
use crate::order::HoldingOrder;
use crate::part::Part;
use crate::width::{Narrow, Piece, Wide, Width};
use reckoner_core::rate::last_instant;
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600;

/// What a holding used in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// The holding in its part.
    pub holding: u32,
    /// Rows.
    pub rows: u32,
    /// Unit-seconds, or the amount; at 1e-12.
    pub used_e12: i128,
}

/// The sums of one hour, in the order of their holdings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourSums {
    /// Start of the UTC hour.
    pub hour: i64,
    /// The sums.
    pub sums: Vec<Sum>,
}

/// Places whose sums stay near the processor. A development build cuts few holdings as an optimised one does many.
const NEAR_PLACES: usize = if cfg!(debug_assertions) { 3 } else { 32 * 1024 };

/// Sums rows of a part by UTC hour and holding, hours in order; all of their holdings are in `order`.
///
/// Time-priced use is cut at the hours; an amount belongs to the hour that holds its last instant.
///
/// # Errors
/// [`TallyError::Overflow`] when a sum does not fit 128 bits.
pub fn fold_hours(part: &Part, rows: &[u32], order: &HoldingOrder) -> Result<Vec<HourSums>, TallyError> {
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
    let sums = fold::<Narrow<1_000_000_000_000>>(part, rows, order)
        .or_else(|| fold::<Narrow<1_000_000_000>>(part, rows, order))
        .or_else(|| fold::<Narrow<1_000_000>>(part, rows, order))
        .or_else(|| fold::<Wide>(part, rows, order));
    sums.ok_or(TallyError::Overflow)
}

/// As [`fold_hours`]; nothing where a row or a sum does not fit.
fn fold<W: Width>(part: &Part, rows: &[u32], order: &HoldingOrder) -> Option<Vec<HourSums>> {
    let Some(first) = rows.first() else { return Some(Vec::new()) };
    let origin = part.started_at[*first as usize].div_euclid(HOUR) * HOUR;
    let near = by_places::<W>(part, rows, order, origin)?;
    let mut hours: BTreeMap<i64, Vec<Sum>> = BTreeMap::new();
    let mut left = near.len();
    for (first_place, pieces) in (0..).step_by(NEAR_PLACES).zip(near) {
        let dense = Dense::<W>::new(order, first_place);
        fold_near(&pieces, dense, |hour, sums| {
            // The other places have about as many sums in this hour.
            let room = || Vec::with_capacity((sums.len() * left * 9 / 8).min(order.holdings.len()));
            hours.entry(origin + hour).or_insert_with(room).extend(sums);
        })?;
        left -= 1;
    }
    Some(hours.into_iter().map(|(hour, sums)| HourSums { hour, sums }).collect())
}

/// What the rows say, as many places together as can be summed near the processor; the order of rows stays.
fn by_places<W: Width>(part: &Part, rows: &[u32], order: &HoldingOrder, origin: i64) -> Option<Vec<Vec<Piece<W>>>> {
    let count = order.holdings.len().div_ceil(NEAR_PLACES);
    // Places are as good as random: each has its share of rows, or grows.
    let share = rows.len() / count + rows.len() / count / 16;
    let mut near: Vec<Vec<Piece<W>>> = (0..count).map(|_| Vec::with_capacity(share)).collect();
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
    Some(near)
}

/// Sums pieces, ordered by their start, of the places from this one on; sums of later places follow those of earlier ones.
fn fold_near<W: Width>(pieces: &[Piece<W>], mut sums: Dense<'_, W>, mut take: impl FnMut(i64, Summed<'_, '_, W>)) -> Option<()> {
    // Pieces that began before the hour and go on.
    let (mut lasting, mut rest) = (Vec::<Piece<W>>::new(), pieces);
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
            take(hour, summed);
        }
    }
    Some(())
}

/// Sums by the place of a holding, and which places have one.
struct Dense<'a, W: Width> {
    /// The holdings from the first place on.
    holdings: &'a [u32],
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
struct Summed<'d, 'a, W: Width> {
    dense: &'d mut Dense<'a, W>,
    next: usize,
}

impl<'a, W: Width> Dense<'a, W> {
    fn new(order: &'a HoldingOrder, first_place: usize) -> Self {
        let places = first_place..(first_place + NEAR_PLACES).min(order.holdings.len());
        let cells = order.is_held[places.clone()].iter().map(|is_held| Cell { used: W::NONE, rows: 0, is_held: *is_held });
        let (cells, holdings) = (cells.collect(), &order.holdings[places]);
        Self { holdings, first_place, cells, touched: Vec::new(), are_few: true }
    }

    /// So many pieces come at most.
    fn begin(&mut self, pieces: usize) {
        self.are_few = pieces < self.cells.len() / 16;
        self.touched.clear();
    }

    /// Adds what was used in the hour that begins then.
    #[inline]
    fn add(&mut self, piece: &Piece<W>, hour: i64) -> Option<()> {
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
    fn summed(&mut self) -> Option<Summed<'_, 'a, W>> {
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
        (!self.touched.is_empty()).then_some(Summed { dense: self, next: 0 })
    }
}

impl<W: Width> Iterator for Summed<'_, '_, W> {
    type Item = Sum;

    #[inline]
    fn next(&mut self) -> Option<Sum> {
        let place = *self.dense.touched.get(self.next)? as usize;
        self.next += 1;
        let cell = &mut self.dense.cells[place];
        let sum = Sum { holding: self.dense.holdings[place], rows: cell.rows, used_e12: W::e12(cell.used) };
        (cell.used, cell.rows) = (W::NONE, 0);
        Some(sum)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.dense.touched.len() - self.next;
        (left, Some(left))
    }
}

impl<W: Width> ExactSizeIterator for Summed<'_, '_, W> {}

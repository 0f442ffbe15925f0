//! Rows to sums by holding and hour: hour after hour, each row as long as it lasts.

use crate::error::TallyError;
use crate::order::HoldingOrder;
use crate::part::Part;
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

/// What a row says about use.
#[derive(Debug, Clone, Copy)]
struct Piece {
    quantity_e12: i128,
    start: i64,
    end: i64,
    /// That of its holding.
    place: u32,
}

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
    let mut hours: BTreeMap<i64, Vec<Sum>> = BTreeMap::new();
    for (first_place, pieces) in (0..).step_by(NEAR_PLACES).zip(by_places(part, rows, order)) {
        fold_near(&pieces, first_place, order, &mut hours)?;
    }
    Ok(hours.into_iter().map(|(hour, sums)| HourSums { hour, sums }).collect())
}

/// What the rows say, as many places together as can be summed near the processor; the order of rows stays.
fn by_places(part: &Part, rows: &[u32], order: &HoldingOrder) -> Vec<Vec<Piece>> {
    let place_of = |row: &u32| order.place_of[part.holding[*row as usize] as usize];
    let mut counts = vec![0; order.holdings.len().div_ceil(NEAR_PLACES)];
    rows.iter().for_each(|row| counts[place_of(row) as usize / NEAR_PLACES] += 1);
    let mut near: Vec<Vec<Piece>> = counts.into_iter().map(Vec::with_capacity).collect();
    for row in rows {
        let (at, place) = (*row as usize, place_of(row));
        let (start, end, quantity_e12) = (part.started_at[at], part.ended_at[at], part.quantity_e12[at]);
        near[place as usize / NEAR_PLACES].push(Piece { quantity_e12, start, end, place });
    }
    near
}

/// Sums pieces, ordered by their start, of the places from this one on; sums of later places follow those of earlier ones.
fn fold_near(
    pieces: &[Piece],
    first_place: usize,
    order: &HoldingOrder,
    hours: &mut BTreeMap<i64, Vec<Sum>>,
) -> Result<(), TallyError> {
    let mut sums = Dense::new(order, first_place);
    // Pieces that began before the hour and go on.
    let (mut lasting, mut rest) = (Vec::<Piece>::new(), pieces);
    let mut hour = i64::MIN;
    while let Some(first) = lasting.first().or(rest.first()) {
        hour = if lasting.is_empty() { first.start.div_euclid(HOUR) * HOUR } else { hour + HOUR };
        let end = hour + HOUR;
        let (beginning, later) = rest.split_at(rest.partition_point(|piece| piece.start < end));
        rest = later;
        sums.begin(lasting.len() + beginning.len());
        for piece in lasting.iter().chain(beginning) {
            sums.add(piece, hour)?;
        }
        lasting.retain(|piece| piece.end > end);
        lasting.extend(beginning.iter().filter(|piece| piece.end > end));
        let mut of_hour = sums.take().peekable();
        if of_hour.peek().is_some() {
            hours.entry(hour).or_default().extend(of_hour);
        }
    }
    Ok(())
}

/// Sums by the place of a holding, and which places have one.
struct Dense<'a> {
    /// The holdings from the first place on.
    holdings: &'a [u32],
    first_place: usize,
    cells: Vec<Cell>,
    /// Where few are, they are listed; many are found by looking at all.
    touched: Vec<u32>,
    are_few: bool,
}

/// What a holding used so far; side by side, because holdings come in no order.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    used_e12: i128,
    rows: u32,
    is_held: bool,
}

impl<'a> Dense<'a> {
    fn new(order: &'a HoldingOrder, first_place: usize) -> Self {
        let places = first_place..(first_place + NEAR_PLACES).min(order.holdings.len());
        let cells = order.is_held[places.clone()].iter().map(|is_held| Cell { is_held: *is_held, ..Cell::default() });
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
    fn add(&mut self, piece: &Piece, hour: i64) -> Result<(), TallyError> {
        let place = piece.place as usize - self.first_place;
        let cell = &mut self.cells[place];
        let used_e12 = if cell.is_held {
            times(piece.quantity_e12, piece.end.min(hour + HOUR) - piece.start.max(hour))?
        } else {
            let interval = Window::new(Instant::from_seconds(piece.start), Instant::from_seconds(piece.end));
            if !(hour..hour + HOUR).contains(&last_instant(interval).seconds()) {
                return Ok(());
            }
            piece.quantity_e12
        };
        if self.are_few && cell.rows == 0 {
            self.touched.push(place as u32);
        }
        cell.rows += 1;
        cell.used_e12 = cell.used_e12.checked_add(used_e12).ok_or(TallyError::Overflow)?;
        Ok(())
    }

    /// The sums, in order; none is left.
    fn take(&mut self) -> impl Iterator<Item = Sum> + '_ {
        if self.are_few {
            self.touched.sort_unstable();
        } else {
            self.touched.extend((0..).zip(&self.cells).filter(|(_, cell)| cell.rows > 0).map(|(place, _)| place));
        }
        let Self { cells, touched, holdings, .. } = self;
        touched.drain(..).map(|place| {
            let Cell { used_e12, rows, is_held } = cells[place as usize];
            cells[place as usize] = Cell { is_held, ..Cell::default() };
            Sum { holding: holdings[place as usize], rows, used_e12 }
        })
    }
}

/// Unit-seconds of a quantity. Most are small, and multiplying 64 bits is quicker than 128.
fn times(quantity_e12: i128, seconds: i64) -> Result<i128, TallyError> {
    match (u64::try_from(quantity_e12), u32::try_from(seconds)) {
        (Ok(small), Ok(seconds)) => Ok((u128::from(small) * u128::from(seconds)) as i128),
        _ => quantity_e12.checked_mul(i128::from(seconds)).ok_or(TallyError::Overflow),
    }
}

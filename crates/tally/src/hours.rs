//! Rows to sums by holding and hour: hour after hour, each row as long as it lasts.

use crate::error::TallyError;
use crate::part::Part;
use reckoner_core::rate::last_instant;
use reckoner_core::table::Unit;
use reckoner_core::time::{Instant, Window};

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

/// The sums of one hour, ordered by holding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourSums {
    /// Start of the UTC hour.
    pub hour: i64,
    /// The sums.
    pub sums: Vec<Sum>,
}

/// Sums rows of a part by UTC hour and holding, hours in order.
///
/// Time-priced use is cut at the hours; an amount belongs to the hour that holds its last instant.
///
/// # Errors
/// [`TallyError::Overflow`] when a sum does not fit 128 bits.
pub fn fold_hours(part: &Part, rows: &[u32]) -> Result<Vec<HourSums>, TallyError> {
    let start_of = |row: &u32| part.started_at[*row as usize];
    let mut sorted;
    let rows = if rows.is_sorted_by_key(start_of) {
        rows
    } else {
        sorted = rows.to_vec();
        sorted.sort_by_key(start_of);
        &sorted
    };
    let is_held: Vec<bool> = holdings_held(part, rows);
    let mut sums = Dense::new(part.holdings.len());
    let (mut hours, mut active, mut next) = (Vec::new(), Vec::<u32>::new(), 0);
    let mut hour = i64::MIN;
    while next < rows.len() || !active.is_empty() {
        hour = if active.is_empty() { start_of(&rows[next]).div_euclid(HOUR) * HOUR } else { hour + HOUR };
        while rows.get(next).is_some_and(|row| start_of(row) < hour + HOUR) {
            active.push(rows[next]);
            next += 1;
        }
        for row in &active {
            let at = *row as usize;
            let (start, end, quantity) = (part.started_at[at], part.ended_at[at], part.quantity_e12[at]);
            let holding = part.holding[at];
            if is_held[holding as usize] {
                let seconds = end.min(hour + HOUR) - start.max(hour);
                sums.add(holding, quantity.checked_mul(i128::from(seconds)).ok_or(TallyError::Overflow)?)?;
            } else {
                let last = last_instant(Window::new(Instant::from_seconds(start), Instant::from_seconds(end))).seconds();
                if hour <= last && last < hour + HOUR {
                    sums.add(holding, quantity)?;
                }
            }
        }
        active.retain(|row| part.ended_at[*row as usize] > hour + HOUR);
        let of_hour = sums.take();
        if !of_hour.is_empty() {
            hours.push(HourSums { hour, sums: of_hour });
        }
    }
    Ok(hours)
}

/// By holding, whether it is held for a time and not an amount.
fn holdings_held(part: &Part, rows: &[u32]) -> Vec<bool> {
    let mut held = vec![false; part.holdings.len()];
    let mut is_known = vec![false; part.holdings.len()];
    for row in rows {
        let holding = part.holding[*row as usize];
        if !std::mem::replace(&mut is_known[holding as usize], true) {
            held[holding as usize] = *part.holdings.unit(holding) == Unit::Hour;
        }
    }
    held
}

/// Sums by holding, and which holdings have one.
struct Dense {
    cells: Vec<Cell>,
    touched: Vec<u32>,
}

/// What a holding used so far; side by side, because holdings come in no order.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    used_e12: i128,
    rows: u32,
}

impl Dense {
    fn new(holdings: usize) -> Self {
        Self { cells: vec![Cell::default(); holdings], touched: Vec::new() }
    }

    fn add(&mut self, holding: u32, used_e12: i128) -> Result<(), TallyError> {
        let cell = &mut self.cells[holding as usize];
        if cell.rows == 0 {
            self.touched.push(holding);
        }
        cell.rows += 1;
        cell.used_e12 = cell.used_e12.checked_add(used_e12).ok_or(TallyError::Overflow)?;
        Ok(())
    }

    /// The sums, ordered by holding; none is left.
    fn take(&mut self) -> Vec<Sum> {
        if self.touched.len() * 16 > self.cells.len() {
            self.touched.clear();
            self.touched.extend((0..).zip(&self.cells).filter(|(_, cell)| cell.rows > 0).map(|(holding, _)| holding));
        } else {
            self.touched.sort_unstable();
        }
        let Self { cells, touched } = self;
        let sums = touched.drain(..).map(|holding| {
            let Cell { used_e12, rows } = std::mem::take(&mut cells[holding as usize]);
            Sum { holding, rows, used_e12 }
        });
        sums.collect()
    }
}

//! Rows to sums by holding and hour: hour after hour, each row as long as it lasts.

use crate::error::TallyError;
use crate::order::HoldingOrder;
use crate::part::Part;
use reckoner_core::rate::last_instant;
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

/// The sums of one hour, in the order of their holdings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourSums {
    /// Start of the UTC hour.
    pub hour: i64,
    /// The sums.
    pub sums: Vec<Sum>,
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
    let mut sums = Dense::new(order);
    // Rows that began before the hour and go on.
    let (mut hours, mut lasting, mut rest) = (Vec::new(), Vec::<u32>::new(), rows);
    let mut hour = i64::MIN;
    while let Some(first) = lasting.first().or(rest.first()) {
        hour = if lasting.is_empty() { start_of(first).div_euclid(HOUR) * HOUR } else { hour + HOUR };
        let end = hour + HOUR;
        let (beginning, later) = rest.split_at(rest.partition_point(|row| start_of(row) < end));
        rest = later;
        sums.begin(lasting.len() + beginning.len());
        for row in lasting.iter().chain(beginning) {
            sums.add_row(part, *row as usize, hour)?;
        }
        let goes_on = |row: &u32| part.ended_at[*row as usize] > end;
        lasting.retain(goes_on);
        lasting.extend(beginning.iter().filter(|row| goes_on(row)));
        let of_hour = sums.take();
        if !of_hour.is_empty() {
            hours.push(HourSums { hour, sums: of_hour });
        }
    }
    Ok(hours)
}

/// Sums by the place of a holding, and which places have one.
struct Dense<'a> {
    order: &'a HoldingOrder,
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
    fn new(order: &'a HoldingOrder) -> Self {
        let cells = order.is_held.iter().map(|is_held| Cell { is_held: *is_held, ..Cell::default() }).collect();
        Self { order, cells, touched: Vec::new(), are_few: true }
    }

    /// So many rows come at most.
    fn begin(&mut self, rows: usize) {
        self.are_few = rows < self.cells.len() / 16;
    }

    /// Adds what the row used in the hour that begins then.
    fn add_row(&mut self, part: &Part, row: usize, hour: i64) -> Result<(), TallyError> {
        let (start, end, quantity) = (part.started_at[row], part.ended_at[row], part.quantity_e12[row]);
        let place = self.order.place_of[part.holding[row] as usize];
        let cell = &mut self.cells[place as usize];
        let used_e12 = if cell.is_held {
            times(quantity, end.min(hour + HOUR) - start.max(hour))?
        } else {
            let last = last_instant(Window::new(Instant::from_seconds(start), Instant::from_seconds(end))).seconds();
            if !(hour..hour + HOUR).contains(&last) {
                return Ok(());
            }
            quantity
        };
        if self.are_few && cell.rows == 0 {
            self.touched.push(place);
        }
        cell.rows += 1;
        cell.used_e12 = cell.used_e12.checked_add(used_e12).ok_or(TallyError::Overflow)?;
        Ok(())
    }

    /// The sums, in order; none is left.
    fn take(&mut self) -> Vec<Sum> {
        let order = self.order;
        let sum = |place: usize, cell: &mut Cell| {
            let Cell { used_e12, rows, is_held } = *cell;
            *cell = Cell { is_held, ..Cell::default() };
            Sum { holding: order.holdings[place], rows, used_e12 }
        };
        if self.are_few {
            self.touched.sort_unstable();
            return self.touched.drain(..).map(|place| sum(place as usize, &mut self.cells[place as usize])).collect();
        }
        let used = self.cells.iter_mut().enumerate().filter(|(_, cell)| cell.rows > 0);
        used.map(|(place, cell)| sum(place, cell)).collect()
    }
}

/// Unit-seconds of a quantity. Most are small, and multiplying 64 bits is quicker than 128.
fn times(quantity_e12: i128, seconds: i64) -> Result<i128, TallyError> {
    match (u64::try_from(quantity_e12), u32::try_from(seconds)) {
        (Ok(small), Ok(seconds)) => Ok((u128::from(small) * u128::from(seconds)) as i128),
        _ => quantity_e12.checked_mul(i128::from(seconds)).ok_or(TallyError::Overflow),
    }
}

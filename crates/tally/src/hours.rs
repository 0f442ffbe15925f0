//! Rows to sums by holding and hour: hour after hour, each row as long as it lasts.

use crate::error::TallyError;
use crate::order::{HoldingOrder, ShardOrder};
use crate::part::{NONE, Part};
use crate::partials::HOUR;
use crate::runs::Rows;
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

/// Sums rows of a part by UTC hour and holding, hours in order; all of their holdings are in `order`.
///
/// Time-priced use is cut at the hours; an amount belongs to the hour that holds its last instant.
///
/// # Errors
/// [`TallyError::Overflow`] when a sum does not fit 128 bits.
pub fn fold_hours(part: &Part, rows: &Rows, order: &HoldingOrder, room: &mut FoldRoom) -> Result<Vec<HourUse>, TallyError> {
    // Most use is whole, or has few decimals: what is summed is a third as large then.
    let sums = fold::<Narrow<1_000_000_000_000>>(part, rows, order, room)
        .or_else(|| fold::<Narrow<1_000_000_000>>(part, rows, order, room))
        .or_else(|| fold::<Narrow<1_000_000>>(part, rows, order, room))
        .or_else(|| fold::<Wide>(part, rows, order, room));
    sums.ok_or(TallyError::Overflow)
}

/// As [`fold_hours`]; nothing where a row or a sum does not fit.
fn fold<W: Width>(part: &Part, rows: &Rows, order: &HoldingOrder, room: &mut FoldRoom) -> Option<Vec<HourUse>> {
    let starts = rows.runs().filter_map(|run| part.started_at[run].iter().min());
    let Some(first) = starts.min() else { return Some(Vec::new()) };
    let origin = first.div_euclid(HOUR) * HOUR;
    let mut near = std::mem::take(W::room(room));
    let hours = by_shards::<W>(part, rows, order, origin, &mut near).and_then(|()| fold_all::<W>(&mut near, order, origin, room));
    *W::room(room) = near;
    hours
}

/// Sums all pieces, whose times count from the origin.
fn fold_all<W: Width>(
    near: &mut NearPieces<W::Quantity, W::Seconds>,
    order: &HoldingOrder,
    origin: i64,
    room: &mut FoldRoom,
) -> Option<Vec<HourUse>> {
    let mut hours: BTreeMap<i64, HourUse> = BTreeMap::new();
    let mut left = near.len();
    for (shard, pieces) in order.shards.iter().zip(near) {
        if !pieces.is_sorted_by_key(|piece| piece.start.into()) {
            pieces.sort_by_key(|piece| piece.start.into());
        }
        fold_near(pieces, Dense::<W>::new(order, shard), |hour, mut summed| {
            // The other shards have about as many sums in this hour.
            let about = (summed.len() * left * 9 / 8).min(order.holdings.len());
            summed.tell(hours.entry(hour).or_insert_with(|| room.hour::<W>(origin + hour, about)))
        })?;
        left -= 1;
    }
    Some(hours.into_values().collect())
}

/// What the rows say, shard by shard; the order of rows stays.
fn by_shards<W: Width>(
    part: &Part,
    rows: &Rows,
    order: &HoldingOrder,
    origin: i64,
    near: &mut NearPieces<W::Quantity, W::Seconds>,
) -> Option<()> {
    // Holdings are spread evenly: each shard has its share of rows, or grows.
    let share = rows.len() / order.shards.len() + rows.len() / order.shards.len() / 16;
    near.iter_mut().for_each(Vec::clear);
    near.resize_with(order.shards.len(), Vec::new);
    near.iter_mut().for_each(|pieces| pieces.reserve(share));
    let first_of: Vec<u32> = order.shards.iter().map(|shard| shard.holdings.start as u32).collect();
    for run in rows.runs() {
        let interval = part.started_at[run.clone()].iter().zip(&part.ended_at[run.clone()]);
        let holding = part.shard[run.clone()].iter().zip(&part.holding[run.clone()]);
        for (((start, end), quantity), (shard, holding)) in interval.zip(&part.quantity_e12[run]).zip(holding) {
            let shard = usize::from(*shard);
            near[shard].push(Piece {
                quantity: W::quantity(*quantity)?,
                start: W::seconds(start - origin)?,
                end: W::seconds(end - origin)?,
                spot: holding - first_of[shard],
            });
        }
    }
    Some(())
}

/// Sums pieces of a shard, ordered by their start; sums of later shards follow those of earlier ones.
fn fold_near<W: Width>(
    pieces: &[PieceOf<W>],
    mut sums: Dense<'_, W>,
    mut take: impl FnMut(i64, Summed<'_, '_, W>) -> Option<()>,
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

/// Sums of the holdings of a shard, and which of them have one.
struct Dense<'o, W: Width> {
    /// The holdings that some row is of, in order, and by their spots the places.
    holdings: &'o [u32],
    place_of: Vec<u32>,
    first_holding: u32,
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
struct Summed<'d, 'o, W: Width>(&'d mut Dense<'o, W>);

impl<'o, W: Width> Dense<'o, W> {
    fn new(order: &'o HoldingOrder, ShardOrder { holdings, places }: &ShardOrder) -> Self {
        let cells = order.is_held[holdings.clone()].iter().map(|is_held| Cell { used: W::NONE, rows: 0, is_held: *is_held });
        let (first_holding, ordered) = (holdings.start as u32, &order.holdings[places.clone()]);
        let mut place_of = vec![NONE; holdings.len()];
        for (place, holding) in (places.start as u32..).zip(ordered) {
            place_of[(holding - first_holding) as usize] = place;
        }
        Self { holdings: ordered, place_of, first_holding, cells: cells.collect(), touched: Vec::new(), are_few: true }
    }

    /// So many pieces come at most.
    fn begin(&mut self, pieces: usize) {
        self.are_few = pieces < self.cells.len() / 16;
        self.touched.clear();
    }

    /// Adds what was used in the hour that begins then.
    #[inline]
    fn add(&mut self, piece: &PieceOf<W>, hour: i64) -> Option<()> {
        let cell = &mut self.cells[piece.spot as usize];
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
            self.touched.push(piece.spot);
        }
        cell.rows += 1;
        cell.used = W::plus(cell.used, used)?;
        Some(())
    }

    /// The sums, if there is one.
    fn summed(&mut self) -> Option<Summed<'_, 'o, W>> {
        if self.are_few {
            self.touched.sort_unstable_by_key(|spot| self.place_of[*spot as usize]);
        } else {
            // Without a branch: which of the holdings have one is as good as random.
            self.touched.resize(self.holdings.len() + 1, 0);
            let mut found = 0;
            for spot in self.holdings.iter().map(|holding| holding - self.first_holding) {
                self.touched[found] = spot;
                found += usize::from(self.cells[spot as usize].rows > 0);
            }
            self.touched.truncate(found);
        }
        (!self.touched.is_empty()).then_some(Summed(self))
    }
}

impl<W: Width> Summed<'_, '_, W> {
    fn len(&self) -> usize {
        self.0.touched.len()
    }

    /// Appends them to those of the hour; nothing where one does not fit.
    fn tell(&mut self, to: &mut HourUse) -> Option<()> {
        let Dense { place_of, cells, touched, .. } = &mut *self.0;
        to.places.extend(touched.iter().map(|spot| place_of[*spot as usize]));
        to.rows.extend(touched.iter().map(|spot| cells[*spot as usize].rows));
        W::append(&mut to.used, touched.iter().map(|spot| cells[*spot as usize].used))?;
        for spot in &*touched {
            let cell = &mut cells[*spot as usize];
            (cell.used, cell.rows) = (W::NONE, 0);
        }
        Some(())
    }
}

//! Rows to sums by holding and hour: hour after hour, each row as long as it lasts.

use crate::bundles::Bundled;
use crate::columns::QuantityRun;
use crate::error::TallyError;
use crate::order::{HoldingOrder, ShardOrder};
use crate::part::{NONE, Part};
use crate::partials::HOUR;
use crate::runs::Rows;
use crate::width::{Narrow, NearPieces, Piece, Wide, Width};
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
    pub(crate) narrow: NearPieces<u32>,
    pub(crate) wide: NearPieces<i128>,
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
    let mut near = std::mem::take(W::room(room));
    let hours = by_shards::<W>(part, rows, order, &mut near).and_then(|()| fold_all::<W>(&mut near, order, room));
    *W::room(room) = near;
    hours
}

/// Sums all pieces.
fn fold_all<W: Width>(near: &mut NearPieces<W::Quantity>, order: &HoldingOrder, room: &mut FoldRoom) -> Option<Vec<HourUse>> {
    let mut hours: BTreeMap<i64, HourUse> = BTreeMap::new();
    let mut left = near.len();
    for (shard, pieces) in order.shards.iter().zip(near) {
        fold_near(pieces.all(), Dense::<W>::new(order, shard), |hour, mut summed| {
            // The other shards have about as many sums in this hour.
            let about = (summed.len() * left * 9 / 8).min(order.holdings.len());
            summed.tell(hours.entry(hour).or_insert_with(|| room.hour::<W>(hour, about)))
        })?;
        left -= 1;
    }
    Some(hours.into_values().collect())
}

/// What the rows say, shard by shard, each in the order of starts.
fn by_shards<W: Width>(part: &Part, rows: &Rows, order: &HoldingOrder, near: &mut NearPieces<W::Quantity>) -> Option<()> {
    // Holdings are spread evenly: each shard has its share of rows, or grows.
    let share = rows.len() / order.shards.len() + rows.len() / order.shards.len() / 16;
    near.iter_mut().for_each(Bundled::clear);
    near.resize_with(order.shards.len(), Bundled::default);
    near.iter_mut().for_each(|pieces| pieces.reserve(share));
    let first_of: Vec<u32> = order.shards.iter().map(|shard| shard.holdings.start as u32).collect();
    let (mut latest, mut is_sorted) = (0, true);
    for run in rows.runs() {
        let interval = part.started_at[run.clone()].iter().zip(&part.ended_at[run.clone()]);
        let each = interval.zip(part.shard[run.clone()].iter().zip(&part.holding[run.clone()]));
        let mut put = |quantity, ((start, end), (shard, holding)): ((&u32, &u32), (&u8, &u32))| {
            is_sorted &= latest <= *start;
            latest = *start;
            let shard = usize::from(*shard);
            near[shard].push(Piece { quantity, start: *start, end: *end, spot: holding - first_of[shard] });
        };
        match part.quantity.run(run) {
            QuantityRun::Whole(whole) => {
                for (each, whole) in each.zip(whole) {
                    put(W::whole(*whole)?, each);
                }
            }
            QuantityRun::E12(e12) => {
                for (each, e12) in each.zip(e12) {
                    put(W::quantity(*e12)?, each);
                }
            }
        }
    }
    if !is_sorted {
        near.iter_mut().for_each(|pieces| pieces.all().sort_by_key(|piece| piece.start));
    }
    Some(())
}

/// Sums pieces of a shard, ordered by their start; sums of later shards follow those of earlier ones.
fn fold_near<W: Width>(
    pieces: &[Piece<W::Quantity>],
    mut sums: Dense<W>,
    mut take: impl FnMut(i64, Summed<'_, W>) -> Option<()>,
) -> Option<()> {
    // Pieces that began before the hour and go on, placed.
    let (mut lasting, mut rest) = (Vec::<Piece<W::Quantity>>::new(), pieces);
    let mut hour = 0;
    while let Some(first) = lasting.first().or(rest.first()) {
        hour = if lasting.is_empty() { i64::from(first.start) / HOUR * HOUR } else { hour + HOUR };
        let end = hour + HOUR;
        let (beginning, later) = rest.split_at(rest.partition_point(|piece| i64::from(piece.start) < end));
        rest = later;
        sums.begin(lasting.len() + beginning.len());
        for piece in &lasting {
            sums.add(piece, hour)?;
        }
        lasting.retain(|piece| i64::from(piece.end) > end);
        for piece in beginning {
            let piece = sums.placed(piece);
            sums.add(&piece, hour)?;
            if i64::from(piece.end) > end {
                lasting.push(piece);
            }
        }
        if let Some(summed) = sums.summed() {
            take(hour, summed)?;
        }
    }
    Some(())
}

/// Sums of the holdings of a shard by their places in it, and which of them have one.
struct Dense<W: Width> {
    /// By spot.
    place_of: Vec<u32>,
    first_place: u32,
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
    fn new(order: &HoldingOrder, ShardOrder { holdings, places }: &ShardOrder) -> Self {
        let ordered = &order.holdings[places.clone()];
        let cell = |holding: &u32| Cell { used: W::NONE, rows: 0, is_held: order.is_held[*holding as usize] };
        let cells = ordered.iter().map(cell).collect();
        let mut place_of = vec![NONE; holdings.len()];
        for (place, holding) in (0..).zip(ordered) {
            place_of[*holding as usize - holdings.start] = place;
        }
        Self { place_of, first_place: places.start as u32, cells, touched: Vec::new(), are_few: true }
    }

    /// So many pieces come at most.
    fn begin(&mut self, pieces: usize) {
        self.are_few = pieces < self.cells.len() / 16;
        self.touched.clear();
    }

    /// The piece with the place of its holding as its spot.
    #[inline]
    fn placed(&self, piece: &Piece<W::Quantity>) -> Piece<W::Quantity> {
        Piece { spot: self.place_of[piece.spot as usize], ..*piece }
    }

    /// Adds what was used in the hour that begins then.
    #[inline]
    fn add(&mut self, placed: &Piece<W::Quantity>, hour: i64) -> Option<()> {
        let cell = &mut self.cells[placed.spot as usize];
        let (start, end) = (i64::from(placed.start), i64::from(placed.end));
        let used = if cell.is_held {
            W::times(placed.quantity, end.min(hour + HOUR) - start.max(hour))?
        } else {
            let interval = Window::new(Instant::from_seconds(start), Instant::from_seconds(end));
            if !(hour..hour + HOUR).contains(&last_instant(interval).seconds()) {
                return Some(());
            }
            W::times(placed.quantity, 1)?
        };
        if self.are_few && cell.rows == 0 {
            self.touched.push(placed.spot);
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
            // Without a branch: which of the holdings have one is as good as random.
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
        to.places.extend(touched.iter().map(|place| *first_place + place));
        to.rows.extend(touched.iter().map(|place| cells[*place as usize].rows));
        W::append(&mut to.used, touched.iter().map(|place| cells[*place as usize].used))?;
        for place in &*touched {
            let cell = &mut cells[*place as usize];
            (cell.used, cell.rows) = (W::NONE, 0);
        }
        Some(())
    }
}

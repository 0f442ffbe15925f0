//! The fast way from rows to lines: files are scanned with their filters pushed down, rows are cut into columns of pieces,
//! pieces are sorted and summed in 128 bits. Equal to `reckoner_core::rate::fold` by test.

use crate::column::{Reader, texts};
use crate::error::FrameError;
use crate::parquet::scan;
use crate::rows::{RowFile, RowFilter, collect, filtered, pairs};
use polars::prelude::*;
use reckoner_core::number::Quantity;
use reckoner_core::price::Price;
use reckoner_core::rate::{
    Counted, DueWindow, Frozen, Line, LineKey, News, Piece, RowSeqs, Terms, Units, UnitsKey, Use, WindowBook,
    is_price_of_nothing, pieces_in,
};
use reckoner_core::table::SettleWindow;
use reckoner_core::table::usage::tags_of;
use reckoner_core::time::{Instant, Window};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What to count.
#[derive(Debug)]
pub struct CountTask<'a> {
    /// The files whose rows may touch the windows.
    pub files: &'a [RowFile],
    /// Replaced rows, by delivered file and line, with the delivery that replaced them.
    pub superseded: &'a HashMap<(String, u64), u64>,
    /// The windows to settle.
    pub due: &'a [DueWindow],
    /// Whose prices count.
    pub terms: &'a Terms,
    /// When accounts were frozen.
    pub frozen: &'a Frozen,
    /// Only this account.
    pub account_id: Option<&'a str>,
    /// Only this sku.
    pub sku: Option<&'a str>,
    /// Only these skus, if given: those whose prices settle in windows of the kind asked for.
    pub skus: Option<&'a BTreeSet<String>>,
    /// Only these (account, sku), if given.
    pub account_skus: Option<&'a HashSet<(String, String)>>,
}

/// What was read for a count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowsRead {
    /// Rows in force that fall into each due window, in the order of the task; a row may fall into several.
    pub by_due: Vec<u64>,
}

/// Counts the lines that the windows deserve, ordered by key, and says what was read for it.
///
/// # Errors
/// [`FrameError::Read`] names the file that cannot be read; [`FrameError::Overflow`] when a sum does not fit.
pub fn count(task: &CountTask<'_>) -> Result<(Counted, RowsRead), FrameError> {
    let Some(span) = span_of(task.due) else { return Ok((Counted::default(), RowsRead::default())) };
    let calendar = Calendar::new(task.due);
    let books: Vec<WindowBook<'_>> = task.due.iter().map(|due| task.terms.book_of(*due)).collect();
    let filter = RowFilter {
        touching: Some(span),
        account_id: task.account_id.map(str::to_owned),
        sku: task.sku.map(str::to_owned),
        ..RowFilter::default()
    };
    let skus = task.skus.map(|skus| texts_frame("sku", skus)).transpose()?;
    let wanted = task.account_skus.map(|wanted| pairs(["account_id", "sku"], wanted)).transpose()?;

    let mut pieces = Pieces::default();
    let mut frames = Vec::new();
    let mut read = RowsRead { by_due: vec![0; task.due.len()] };
    for file in task.files {
        let mut plan = filtered(scan(&file.path)?, &filter);
        if let Some(wanted) = &wanted {
            let on = [col("account_id"), col("sku")];
            plan = plan.join(wanted.clone(), &on, &on, JoinArgs::new(JoinType::Semi));
        }
        if let Some(skus) = &skus {
            plan = plan.semi_join(skus.clone(), col("sku"), col("sku"));
        }
        let rows = collect(&file.path, plan.select(columns_to_cut()))?;
        if rows.height() > 0 {
            frames.push(pieces.cut(&rows, file, task, (&calendar, &books), &mut read.by_due)?);
        }
    }
    let units = std::mem::take(&mut pieces.units);
    Ok((Counted { lines: pieces.into_lines(frames, task.due, &books)?, units: tidy(units) }, read))
}

fn texts_frame(name: &str, values: &BTreeSet<String>) -> Result<LazyFrame, FrameError> {
    Ok(DataFrame::new(values.len(), vec![texts(name, values.iter())])?.lazy())
}

fn columns_to_cut() -> Vec<Expr> {
    ["account_id", "resource_id", "sku", "started_at", "ended_at", "quantity", "record_id", "waived", "region", "tags", "line"]
        .map(col)
        .to_vec()
}

fn span_of(due: &[DueWindow]) -> Option<Window> {
    let start = due.iter().map(|due| due.window.start).min()?;
    let end = due.iter().map(|due| due.window.end).max()?;
    Some(Window::new(start, end))
}

fn tidy(mut units: BTreeMap<UnitsKey, Units>) -> BTreeMap<UnitsKey, Units> {
    units.retain(|_, counted| *counted != Units::default());
    units
}

/// The due windows by kind, in order of time, so that a row finds its own by bisection.
struct Calendar {
    by_kind: BTreeMap<SettleWindow, Vec<(usize, DueWindow)>>,
}

impl Calendar {
    fn new(due: &[DueWindow]) -> Self {
        let mut by_kind: BTreeMap<SettleWindow, Vec<(usize, DueWindow)>> = BTreeMap::new();
        for (place, window) in due.iter().enumerate() {
            by_kind.entry(window.kind).or_default().push((place, *window));
        }
        for windows in by_kind.values_mut() {
            windows.sort_by_key(|(_, due)| due.window);
        }
        Self { by_kind }
    }

    fn touched_by(&self, measured: Use) -> impl Iterator<Item = (usize, DueWindow, Window)> + '_ {
        self.by_kind.values().flat_map(move |windows| {
            let first = windows.partition_point(|(_, due)| due.window.end <= measured.interval.start);
            let inside = windows[first..].iter().take_while(move |(_, due)| due.window.start <= measured.interval.end);
            inside.filter_map(move |(place, due)| measured.needed_prices(due.window).map(|needed| (*place, *due, needed)))
        })
    }
}

/// Pieces under way: columns that grow, and the prices and units they name.
#[derive(Default)]
struct Pieces {
    prices: Vec<Arc<Price>>,
    places: HashMap<String, i64>,
    units: BTreeMap<UnitsKey, Units>,
    total: Quantity,
}

#[derive(Default)]
struct Cut {
    row: Vec<IdxSize>,
    due: Vec<i64>,
    price: Vec<i64>,
    line_start: Vec<i64>,
    line_end: Vec<i64>,
    quantity: Vec<i128>,
    waived: Vec<i128>,
    frozen: Vec<i64>,
}

impl Pieces {
    /// Cuts the rows of one file into a frame of pieces: one row a piece.
    fn cut(
        &mut self,
        rows: &DataFrame,
        file: &RowFile,
        task: &CountTask<'_>,
        (calendar, books): (&Calendar, &[WindowBook<'_>]),
        rows_by_due: &mut [u64],
    ) -> Result<DataFrame, FrameError> {
        let read = Reader::new(rows);
        let (account_id, sku, line) = (read.texts("account_id")?, read.texts("sku")?, read.integers("line")?);
        let (started_at, ended_at) = (read.integers("started_at")?, read.integers("ended_at")?);
        let (quantity, waived) = (read.quantities("quantity")?, read.integers("waived")?);
        let is_any_superseded = task.superseded.keys().any(|(file_id, _)| *file_id == file.file_id);

        let mut cut = Cut::default();
        for row in 0..rows.height() {
            let (account, sku) = (account_id.at(row)?, sku.at(row)?);
            let Some(currency) = task.terms.accounts.currency(account) else { continue };
            let superseded_seq = match is_any_superseded {
                true => task.superseded.get(&(file.file_id.clone(), line.at(row)? as u64)).copied(),
                false => None,
            };
            let interval = Window::new(Instant::from_seconds(started_at.at(row)?), Instant::from_seconds(ended_at.at(row)?));
            let measured = Use { interval, quantity: Quantity::from_e12(quantity.at(row)?) };
            let is_waived = waived.at(row)? != 0;
            let times = task.frozen.of(account);
            for (place, due, needed) in calendar.touched_by(measured) {
                let pieces_as_of = |book_seq| match task.terms.timeline(sku, currency, book_seq, needed) {
                    Some(timeline) => pieces_in(measured, due, timeline, task.terms.zone, times),
                    None => Ok(Vec::new()),
                };
                let book = &books[place];
                let now = book.seq_for(account, sku);
                let pieces = pieces_as_of(now)?;
                if superseded_seq.is_none() && !pieces.is_empty() {
                    rows_by_due[place] += 1;
                }
                let seqs = RowSeqs { seq: file.seq, superseded_seq };
                for (news, book_seq) in book.unit_moves(seqs, account, sku).into_iter().flatten() {
                    if book_seq == now {
                        self.count_units(news, account, sku, is_waived, &pieces)?;
                    } else {
                        self.count_units(news, account, sku, is_waived, &pieces_as_of(book_seq)?)?;
                    }
                }
                for piece in pieces.into_iter().filter(|_| superseded_seq.is_none()) {
                    let quantity = piece.used.plus(piece.minimum)?;
                    self.total = self.total.plus(quantity)?;
                    cut.row.push(row as IdxSize);
                    cut.due.push(place as i64);
                    cut.price.push(self.place_of(task.terms.published(&piece.price)));
                    cut.line_start.push(piece.line.start.seconds());
                    cut.line_end.push(piece.line.end.seconds());
                    cut.quantity.push(quantity.e12());
                    cut.waived.push(if is_waived || piece.is_frozen { quantity.e12() } else { 0 });
                    cut.frozen.push(piece.is_frozen.into());
                }
            }
        }
        cut.into_frame(rows)
    }

    fn place_of(&mut self, price: &Arc<Price>) -> i64 {
        if let Some(place) = self.places.get(&price.price_id) {
            return *place;
        }
        let place = self.prices.len() as i64;
        self.places.insert(price.price_id.clone(), place);
        self.prices.push(Arc::clone(price));
        place
    }

    fn count_units(&mut self, news: News, account: &str, sku: &str, is_waived: bool, pieces: &[Piece]) -> Result<(), FrameError> {
        let signed: fn(Quantity) -> Result<Quantity, _> = match news {
            News::Nothing => return Ok(()),
            News::Added => Ok,
            News::TakenBack => |quantity| Quantity::ZERO.minus(quantity),
        };
        for piece in pieces {
            let unit = piece.price.row.unit.as_str().to_owned();
            let entry = self.units.entry((piece.hour, account.to_owned(), sku.to_owned(), unit)).or_default();
            let is_free = is_waived || piece.is_frozen || is_price_of_nothing(piece);
            let settled_as = if is_free { &mut entry.zero_rated } else { &mut entry.charged };
            *settled_as = settled_as.plus(signed(piece.used)?)?;
            entry.minimum = entry.minimum.plus(signed(piece.minimum)?)?;
        }
        Ok(())
    }

    /// Sums the pieces of all files by line. The labels are those of the record with the latest start, then record_id.
    fn into_lines(self, frames: Vec<DataFrame>, due: &[DueWindow], books: &[WindowBook<'_>]) -> Result<Vec<Line>, FrameError> {
        if frames.is_empty() {
            return Ok(Vec::new());
        }
        let keys = ["line_start", "line_end", "account_id", "resource_id", "sku", "price", "due"];
        let order: Vec<PlSmallStr> = keys.into_iter().chain(["started_at", "record_id"]).map(PlSmallStr::from).collect();
        let plans: Vec<LazyFrame> = frames.into_iter().map(IntoLazy::lazy).collect();
        let summed = concat(plans, UnionArgs::default())?
            .sort(order, SortMultipleOptions::default().with_maintain_order(true))
            .group_by_stable(keys.map(col))
            .agg([col("quantity").sum(), col("waived").sum(), col("frozen").max(), col("region").last(), col("tags").last()])
            .collect()?;
        let lines = self.lines_of(&summed, due, books)?;

        let mut total = Quantity::ZERO;
        for line in &lines {
            total = total.plus(line.quantity)?;
        }
        // polars sums wrap without a word; quantities are never negative, so equal totals prove that no group did.
        if total != self.total { Err(FrameError::Overflow) } else { Ok(lines) }
    }

    fn lines_of(&self, summed: &DataFrame, due: &[DueWindow], books: &[WindowBook<'_>]) -> Result<Vec<Line>, FrameError> {
        let read = Reader::new(summed);
        let (line_start, line_end) = (read.integers("line_start")?, read.integers("line_end")?);
        let (account_id, resource_id, sku) = (read.texts("account_id")?, read.texts("resource_id")?, read.texts("sku")?);
        let (place, price_place) = (read.integers("due")?, read.integers("price")?);
        let (quantity, waived, frozen) = (read.wides("quantity")?, read.wides("waived")?, read.integers("frozen")?);
        let (region, tags) = (read.texts("region")?, read.texts("tags")?);
        let mut lines = Vec::with_capacity(summed.height());
        for row in 0..summed.height() {
            let (due, book) = (&due[place.at(row)? as usize], &books[place.at(row)? as usize]);
            let price = &self.prices[price_place.at(row)? as usize];
            let window = Window::new(Instant::from_seconds(line_start.at(row)?), Instant::from_seconds(line_end.at(row)?));
            lines.push(Line {
                key: LineKey {
                    window,
                    account_id: account_id.owned(row)?,
                    resource_id: resource_id.owned(row)?,
                    sku: sku.owned(row)?,
                    price_id: price.price_id.clone(),
                },
                price: Arc::clone(price),
                settles_at: due.window.end,
                book_seq: book.seq_for(account_id.at(row)?, sku.at(row)?),
                settled_book_seq: book.settled_seq_for(account_id.at(row)?, sku.at(row)?),
                quantity: Quantity::from_e12(quantity.at(row)?),
                waived: Quantity::from_e12(waived.at(row)?),
                is_frozen: frozen.at(row)? != 0,
                region: region.optional(row),
                tags: tags_of(tags.at(row)?),
            });
        }
        lines.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(lines)
    }
}

impl Cut {
    fn into_frame(self, rows: &DataFrame) -> Result<DataFrame, FrameError> {
        let height = self.row.len();
        let labels = rows.select(["account_id", "resource_id", "sku", "started_at", "record_id", "region", "tags"])?;
        let mut frame = labels.take(&IdxCa::from_vec("row".into(), self.row))?;
        for (name, values) in [
            ("due", self.due),
            ("price", self.price),
            ("frozen", self.frozen),
            ("line_start", self.line_start),
            ("line_end", self.line_end),
        ] {
            frame.with_column(Int64Chunked::from_vec(name.into(), values).into_series().into())?;
        }
        for (name, values) in [("quantity", self.quantity), ("waived", self.waived)] {
            frame.with_column(Int128Chunked::from_vec(name.into(), values).into_series().into())?;
        }
        debug_assert_eq!(frame.height(), height);
        Ok(frame)
    }
}

//! The hourly job: what is due, less what is posted, becomes charges, settlements, payments and ledger transactions.
//!
//! Owns: the order of windows, one settlement per account and instant, the batch that one store transaction records.
//! Does not own: what a line costs (`core::rate`), who pays (`core::pay`), which rows are accepted (`ingest`).
//! Promises: a window is settled whole or not at all; settling again without news posts nothing; oldest first; what an
//! operator holds is passed over and counted.
//!
//! Three verbs: [`load`] fetches what a batch of windows needs, [`decide`] computes the batch, [`apply`] writes the charge
//! files and records everything in one transaction. A batch is the windows that end on one billing day.

mod ahead;
mod apply;
mod bulk;
mod decide;
mod load;
mod pay;
mod posting;
mod purses;
mod receipt;
pub mod rerun;
mod runs;

pub use load::{WindowState, terms, windows};
pub use receipt::{CurrencyTotals, Happened, Lives, Receipt};

use crate::books::Books;
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::free;
use crate::report::progress::Progress;
use crate::stop::Stop;
use ahead::Ahead;
use bulk::{Opening, Ready};
use load::Knowledge;
use purses::Purses;
use reckoner_core::rate::DueWindow;
use reckoner_core::schedule::Which;
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window};
use reckoner_store::LakeFile;
use std::sync::Arc;

/// What to settle.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Windows that end at or before this.
    pub until: Option<Instant>,
    /// Only windows inside.
    pub within: Option<Window>,
    /// Only windows of this kind.
    pub kind: Option<SettleWindow>,
    /// Only this account; its windows stay open for the others.
    pub account_id: Option<String>,
    /// Only this sku; see above.
    pub sku: Option<String>,
    /// Compute and show, record nothing.
    pub is_dry_run: bool,
    /// `manual`, `catch-up`, …
    pub trigger: &'static str,
    /// Looked at between batches: once it is asked for, or its time is up, the batches that are left stay due.
    pub stop: Stop,
    /// Which windows with input.
    pub which: Which,
    /// What makes it a rerun.
    pub rerun: Option<RerunWish>,
}

/// What makes a rerun of a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RerunWish {
    /// Why.
    pub reason: String,
    /// Whether settled windows are priced with what is known now.
    pub reprices: bool,
    /// Only windows whose last run failed.
    pub is_failed_only: bool,
}

impl Wish {
    /// Whether only a part of each window is settled, so that the window is not done.
    fn is_partial(&self) -> bool {
        self.account_id.is_some() || self.sku.is_some()
    }

    /// Whether settled windows are priced with what is known now.
    fn reprices(&self) -> bool {
        self.rerun.as_ref().is_some_and(|rerun| rerun.reprices)
    }
}

/// Settles every due window that the wish names, oldest first, and carries out funds entries on the way.
///
/// # Errors
/// Exit 1 when a file or the store fails, or another process settled a window first; exit 70 when a batch does not add up.
/// Batches before the failing one stay settled, as do those before a stop, which is no error.
pub fn settle(books: &mut Books, wish: &Wish, progress: &Progress) -> Result<Receipt, Failure> {
    let until = wish.until.unwrap_or(books.as_of);
    let due = load::due(books, wish, until)?;
    let opening = Opening::begin(books, wish, &due.0.due)?;
    let knowledge = load::knowledge(books, wish, due)?;
    let mut receipt = Receipt { held: knowledge.held.len() as u64, ..Receipt::default() };

    // What a batch records, the next one reads. A dry run records nothing, so that it has to see everything at once.
    let mut batches = if wish.is_dry_run { vec![knowledge.due.clone()] } else { batches(books, &knowledge)? };
    batches.retain(|due| !due.is_empty());
    let mut run = Run { wish, knowledge: &knowledge, purses: Purses::default(), receipt: &mut receipt };
    if !run.through(books, &batches, (until, opening), progress)? {
        return Ok(receipt);
    }
    books.store_mut().bring_in(); // what the last batch added
    // Money whose instant lies after the last window, and the frontier: where everything has been looked at.
    let frontier = books.zone.segment_containing(until).start;
    let is_whole =
        wish.within.is_none() && wish.kind.is_none() && !wish.is_partial() && !wish.is_dry_run && !wish.stop.is_asked();
    // It stops where something is held: what is released there takes effect as if nobody had held it.
    let frontier = knowledge.held.iter().map(|held| held.window.start).fold(frontier, Instant::min);
    // It never goes back: `--until` may name an instant before one that was reached already.
    let reached = is_whole.then_some(frontier.max(knowledge.effective_from));
    // A dry run has seen everything with its windows, if it had any.
    let is_left = wish.within.is_none() && !wish.stop.is_asked() && (!wish.is_dry_run || knowledge.due.is_empty());
    if reached.is_some() || is_left {
        faults::pass(Point::SettleBeforeFrontier)?;
        run.batch(books, &[], until, reached, None)?;
    }
    // To let go of what is known takes as long as to tell what happened.
    let Run { purses, .. } = run;
    free::beside((purses, knowledge));
    if !wish.is_dry_run {
        crate::renew::publish(books)?;
    }
    faults::pass(Point::SettleBeforeReceipt)?;
    Ok(receipt)
}

/// A settlement under way.
struct Run<'a> {
    wish: &'a Wish,
    knowledge: &'a Knowledge,
    purses: Purses,
    receipt: &'a mut Receipt,
}

impl Run<'_> {
    /// Settles batch by batch; says whether it came to the end, and was not stopped.
    fn through(
        &mut self,
        books: &mut Books,
        batches: &[Vec<DueWindow>],
        (until, opening): (Instant, Option<Opening>),
        progress: &Progress,
    ) -> Result<bool, Failure> {
        let (wish, knowledge) = (self.wish, self.knowledge);
        std::thread::scope(|scope| {
            let mut ahead = Ahead::new(scope, books, (wish, knowledge), batches, opening);
            for (done, due) in batches.iter().enumerate() {
                let (first, last) = due.first().zip(due.last()).expect("a batch has windows");
                if wish.stop.is_asked() || (done > 0 && wish.stop.is_time_up()) {
                    return Ok(false);
                }
                progress.step("settling", done as u64, batches.len() as u64, &books.zone.to_text(first.window.start));
                let end = if wish.is_dry_run && wish.within.is_none() { until } else { last.window.end };
                let ready = ahead.take(books)?;
                books.store_mut().bring_in(); // what the batches before added
                self.batch(books, due, end, None, ready)?;
                faults::pass(Point::SettleBetweenBatches)?;
            }
            Ok(true)
        })
    }

    fn batch(
        &mut self,
        books: &mut Books,
        due: &[DueWindow],
        until: Instant,
        frontier: Option<Instant>,
        mut ready: Option<Ready>,
    ) -> Result<(), Failure> {
        let (wish, knowledge) = (self.wish, self.knowledge);
        let (known, mut frozen) = load::frozen(books, wish, due)?;
        let decided = loop {
            let loaded = load::batch(books, wish, knowledge, (due, &frozen), until, ready.take())?;
            faults::pass(Point::SettleLoaded)?;
            let decided = decide::batch(books, wish, knowledge, &mut self.purses, loaded, frontier)?;
            faults::pass(Point::SettleDecided)?;
            // Where a freeze came out otherwise than foreseen, use was rated by what did not hold. Up to the first such
            // instant everything was right, so that each time at least one more comes out as it was rated.
            let standings = decided.batch.life.standings.iter().map(|known| &known.standing);
            let after = reckoner_engine::frozen_after(&known, &books.profile, standings);
            if reckoner_engine::is_frozen_alike(&frozen, &after, due) {
                break decided;
            }
            (self.purses, frozen) = (Purses::default(), Arc::new(after));
        };
        self.receipt.add(&decided);
        if !wish.is_dry_run {
            apply::batch(books, decided)?;
        }
        Ok(())
    }
}

/// Holdings that the windows of a batch may have, all windows together, about: a batch that waits for its turn takes memory,
/// and beside recording the last one nothing is left to be rated.
const BATCH_HOLDINGS: u64 = 4_000_000;

/// Instants at which the windows of a batch may end whatever they have: each is rated by a thread of its own.
const BATCH_ENDS: usize = 2;

/// The windows in batches: those that end on one billing day, or fewer where much was used; windows that end together stay
/// together.
fn batches(books: &Books, knowledge: &Knowledge) -> Result<Vec<Vec<DueWindow>>, Failure> {
    let mut batches = Vec::new();
    for day in by_billing_day(knowledge) {
        let Some(span) = load::span_of(&day) else { continue };
        let partials = books.store().partial_files(span)?;
        let weight = |due: &DueWindow| -> u64 {
            let reaches = |file: &&LakeFile| file.span.start < due.window.end && file.span.end > due.window.start;
            partials.iter().filter(reaches).map(|file| file.rows).sum()
        };
        let (mut batch, mut so_far, mut ends, mut is_parted) = (Vec::<DueWindow>::new(), 0, 0, false);
        for due in day {
            if batch.last().is_none_or(|last| last.window.end != due.window.end) {
                if ends >= BATCH_ENDS && so_far + weight(&due) > BATCH_HOLDINGS {
                    batches.push(std::mem::take(&mut batch));
                    (so_far, ends, is_parted) = (0, 0, true);
                }
                ends += 1;
            }
            so_far += weight(&due);
            batch.push(due);
        }
        // Of much the last end has a batch of its own, which is rated beside recording the one before.
        let last_end = batch.last().map(|last| last.window.end);
        let before = batch.iter().rposition(|due| Some(due.window.end) != last_end).filter(|_| is_parted);
        let last = before.map(|before| batch.split_off(before + 1));
        batches.push(batch);
        batches.extend(last);
    }
    Ok(batches)
}

/// Due windows, oldest first, in groups that end on one billing day.
fn by_billing_day(knowledge: &Knowledge) -> Vec<Vec<DueWindow>> {
    let mut batches: Vec<Vec<DueWindow>> = Vec::new();
    let day = |due: &DueWindow| knowledge.terms.zone.date_of(due.window.end.plus_seconds(-1));
    for due in &knowledge.due {
        match batches.last_mut() {
            Some(batch) if day(&batch[0]) == day(due) => batch.push(*due),
            _ => batches.push(vec![*due]),
        }
    }
    batches
}

//! Decide: from what is loaded to the batch that will be recorded. Calls into `core`; reads nothing but earlier payments.

use super::Wish;
use super::load::{self, Knowledge, Loaded};
use super::pay;
use super::purses::Purses;
use super::runs;
use crate::books::Books;
use crate::failure::Failure;
use crate::free;
use reckoner_core::number::{AmountOverflow, Quantity};
use reckoner_core::rate::{Bookmark, Charge, DueWindow, TierKey, Tiers, posted_lines, settle_lines};
use reckoner_core::time::Instant;
use reckoner_store::{BookmarkRecord, SettledWindow, SettlementBatch, TierTotal, UsageAccounting};
use std::sync::Arc;

/// A decided batch: what the store will record, and the charges that go to the lake.
pub(super) struct Decided {
    pub batch: SettlementBatch,
    pub charges: Vec<Charge>,
    /// How many more charges lie in files that are written already.
    pub bulk_charges: u64,
    pub latest_seq: u64,
}

pub(super) fn batch(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    purses: &mut Purses,
    mut loaded: Loaded,
    frontier: Option<Instant>,
) -> Result<Decided, Failure> {
    let tiers_before = loaded.tiers.clone();
    let prices = runs::prices_of(&loaded.counted.lines, &loaded.bulk);
    let lines = std::mem::take(&mut loaded.counted.lines);
    let posted = posted_lines(&loaded.posted).map_err(too_large)?;
    let mut charges = settle_lines(lines, posted, &mut loaded.tiers, &knowledge.terms)
        .map_err(|error| Failure::failed(error.to_string()).hint("put the quantity or the price right, then settle again"))?;

    let bulk_charges = loaded.bulk.iter().map(|hour| hour.charges).sum();
    let mut batch = SettlementBatch { frontier, ..SettlementBatch::default() };
    let funds = std::mem::take(&mut loaded.funds);
    let steps = pay::steps(books, knowledge, &loaded, &mut charges, funds)?;
    let run_ids = match &wish.rerun {
        None => {
            batch.runs = runs::of_windows(books, wish, knowledge, &loaded, &charges, &prices);
            batch.runs.iter().map(|run| (run.window.end, Arc::from(run.run_id.as_str()))).collect()
        }
        Some(rerun) => {
            let run = runs::of_rerun(books, (wish, rerun), knowledge, &loaded, &charges, &prices);
            let run_id: Arc<str> = Arc::from(run.run_id.as_str());
            let run_ids = charges.iter().map(|charge| (charge.transaction_at, Arc::clone(&run_id))).collect();
            batch.runs = vec![run];
            run_ids
        }
    };
    pay::pay_all(books, knowledge, purses, (steps, &loaded), &run_ids, &mut batch)?;
    batch.charge_files = loaded.bulk.iter().map(|hour| hour.file.wait()).collect::<Result<_, _>>()?;
    runs::count_postings(&mut batch, wish.rerun.is_some());
    let nights = runs::of_lives(books, wish, &batch);
    batch.runs.extend(nights);
    (batch.tier_totals, batch.tier_totals_gone) =
        (new_totals(&loaded.tiers, &tiers_before), gone_totals(&loaded.tiers, &tiers_before));
    if wish.is_partial() {
        batch.bookmark = bookmark(books, wish, knowledge, &loaded);
    } else {
        batch.windows = loaded.due.iter().map(|due| claim(due, knowledge.latest_seq)).collect();
    }
    // A partial run leaves the units to the run that claims the window; prices that change move them at once.
    if !wish.is_partial() || wish.reprices() {
        batch.accounting = accounting(&loaded);
    }
    free::beside(loaded);
    Ok(Decided { batch, charges, bulk_charges, latest_seq: knowledge.latest_seq })
}

/// What a partial run covers: later runs of the same windows price it as this one did.
fn bookmark(books: &Books, wish: &Wish, knowledge: &Knowledge, loaded: &Loaded) -> Option<BookmarkRecord> {
    let bookmark = Bookmark {
        covers: load::span_of(&loaded.due)?,
        account_id: wish.account_id.clone(),
        sku: wish.sku.clone(),
        book_seq: knowledge.latest_seq,
        reprices: false,
    };
    Some(BookmarkRecord { bookmark, rerun: None, actor: books.actor.clone(), at: books.as_of })
}

fn too_large(error: AmountOverflow) -> Failure {
    Failure::failed(error.to_string()).hint("put the quantity or the price right, then settle again")
}

fn claim(due: &DueWindow, latest_seq: u64) -> (SettledWindow, Option<u64>) {
    let state = SettledWindow { kind: due.kind, window: due.window, settled_seq: latest_seq, book_seq: due.book_seq };
    (state, due.settled_seq)
}

/// The totals that differ from those before.
fn new_totals(after: &Tiers, before: &Tiers) -> Vec<TierTotal> {
    let was = |key: &TierKey, resource_id: &str| before.get(key).and_then(|state| state.by_resource.get(resource_id));
    let changed = totals(after).filter(|(key, resource_id, quantity)| was(key, resource_id) != Some(quantity));
    changed.map(tier_total).collect()
}

/// The totals of resources whose use was all taken back.
fn gone_totals(after: &Tiers, before: &Tiers) -> Vec<TierTotal> {
    let is_there =
        |key: &TierKey, resource_id: &str| after.get(key).is_some_and(|state| state.by_resource.contains_key(resource_id));
    totals(before).filter(|(key, resource_id, _)| !is_there(key, resource_id)).map(tier_total).collect()
}

fn totals(tiers: &Tiers) -> impl Iterator<Item = (&TierKey, &String, Quantity)> {
    tiers
        .iter()
        .flat_map(|(key, state)| state.by_resource.iter().map(move |(resource_id, quantity)| (key, resource_id, *quantity)))
}

fn tier_total((key, resource_id, quantity): (&TierKey, &String, Quantity)) -> TierTotal {
    TierTotal {
        account_id: key.account_id.clone(),
        sku: key.sku.clone(),
        price_id: key.price_id.clone(),
        billing_period: key.billing_period.clone(),
        resource_id: resource_id.clone(),
        quantity,
    }
}

fn accounting(loaded: &Loaded) -> Vec<UsageAccounting> {
    let rows = loaded.counted.units.iter().map(|((hour, account_id, sku, unit), units)| UsageAccounting {
        charged: units.charged,
        zero_rated: units.zero_rated,
        minimum: units.minimum,
        ..UsageAccounting::nothing(*hour, account_id, sku, unit)
    });
    rows.collect()
}

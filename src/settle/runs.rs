//! Runs: the journal's line for each window that had input, in the batch that settles it.

use super::Wish;
use super::load::{Knowledge, Loaded};
use crate::books::Books;
use reckoner_core::id;
use reckoner_core::number::Money;
use reckoner_core::rate::{Charge, DueWindow};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::Instant;
use reckoner_store::{RunRecord, SettlementBatch};
use std::collections::HashMap;

/// Charges of a window: how many, and their sum in the home's currency.
type Posted = HashMap<(SettleWindow, Instant), (u64, Money)>;

/// One run for each window with input or with something to post. A window without input has no run.
pub(super) fn of_windows(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    loaded: &Loaded,
    charges: &[Charge],
) -> Vec<RunRecord> {
    let posted = posted(books, knowledge, charges);
    let files: Vec<&str> = loaded.row_files.iter().map(|file| file.sha256.as_str()).collect();
    let mut runs = Vec::new();
    for due in &loaded.due {
        let rows_in = loaded.rows_in.get(&(due.kind, due.window)).copied().unwrap_or_default();
        let changed = posted.get(&(due.kind, due.window.end)).copied();
        // A partial run leaves its windows open; only what it posts is worth a line.
        if changed.is_none() && (rows_in == 0 || wish.is_partial()) {
            continue;
        }
        let (rows_out, amount) = changed.unwrap_or_default();
        // Attempts that failed settled nothing and are not counted.
        let is_earlier = |run: &&RunRecord| run.window == due.window && run.job == "hourly" && run.status == "done";
        let earlier = knowledge.runs.iter().filter(is_earlier).count();
        runs.push(RunRecord {
            run_id: run_id(wish, knowledge, due),
            job: "hourly".to_owned(),
            window: due.window,
            attempt: u32::try_from(earlier).unwrap_or(u32::MAX - 1) + 1,
            trigger: wish.trigger.to_owned(),
            actor: books.actor.clone(),
            status: "done".to_owned(),
            started_at: books.as_of,
            ended_at: books.as_of,
            rows_in,
            rows_out,
            rejected: knowledge.quarantined.iter().filter(|start| due.window.holds(**start)).count() as u64,
            postings: 0,
            amount,
            reason: due.settled_seq.map(|_| "late_usage".to_owned()),
            inputs: serde_json::json!({ "row_files": files, "book_seq": due.book_seq, "latest_seq": knowledge.latest_seq })
                .to_string(),
        });
    }
    runs
}

fn posted(books: &Books, knowledge: &Knowledge, charges: &[Charge]) -> Posted {
    let mut posted = Posted::new();
    for charge in charges {
        let Some(price) = knowledge.terms.price_by_id(&charge.key.price_id) else { continue };
        let (count, sum) = posted.entry((price.row.settle, charge.transaction_at)).or_default();
        *count += 1;
        if charge.currency == books.session.settings.currency {
            *sum += charge.amounts.due;
        }
    }
    posted
}

/// Derived from the window, what was known, and the part of the window that was asked for.
fn run_id(wish: &Wish, knowledge: &Knowledge, due: &DueWindow) -> String {
    let (start, seq) = (due.window.start.to_utc_text(), knowledge.latest_seq.to_string());
    let (account, sku) = (wish.account_id.as_deref().unwrap_or(""), wish.sku.as_deref().unwrap_or(""));
    id::derive("run", &["hourly", due.kind.as_str(), &start, &seq, account, sku])
}

/// Counts the ledger legs that each instant posts, on the run that settles the instant.
pub(super) fn count_postings(batch: &mut SettlementBatch) {
    let mut legs: HashMap<Instant, u64> = HashMap::new();
    for transaction in batch.transactions.iter().filter(|transaction| transaction.description == "settlement") {
        *legs.entry(transaction.at).or_default() += transaction.legs.len() as u64;
    }
    // Where windows of several kinds end together, the last run carries the instant's postings.
    for run in batch.runs.iter_mut().rev() {
        run.postings = legs.remove(&run.window.end).unwrap_or_default();
    }
}

//! Runs: the journal's line for each window that had input, or for a rerun, in the batch that settles it.

use super::bulk::RatedHour;
use super::load::{Knowledge, Loaded};
use super::{RerunWish, Wish};
use crate::books::Books;
use reckoner_core::id;
use reckoner_core::number::Money;
use reckoner_core::rate::{Charge, DueWindow, Line};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, TZDB_VERSION, Window};
use reckoner_store::{RunRecord, SettlementBatch};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Charges of a window: how many, and their sum in the home's currency.
type Posted = HashMap<(SettleWindow, Instant), (u64, Money)>;

/// The price rows that the lines of each instant were rated with.
pub(super) type PricesRead = BTreeMap<(SettleWindow, Instant), BTreeSet<String>>;

pub(super) fn prices_of(lines: &[Line], bulk: &[RatedHour]) -> PricesRead {
    let mut prices = PricesRead::new();
    for line in lines {
        let read = prices.entry((line.price.row.settle, line.settles_at)).or_default();
        if !read.contains(&line.key.price_id) {
            read.insert(line.key.price_id.clone());
        }
    }
    for hour in bulk {
        prices.entry((hour.due.kind, hour.due.window.end)).or_default().extend(hour.prices.iter().cloned());
    }
    prices
}

/// One run for each window with input or with something to post. A window without input has no run.
pub(super) fn of_windows(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    loaded: &Loaded,
    charges: &[Charge],
    prices: &PricesRead,
) -> Vec<RunRecord> {
    let posted = posted(books, knowledge, charges, &loaded.bulk);
    let mut runs = Vec::new();
    for due in &loaded.due {
        let rows_in = loaded.rows_in.get(&(due.kind, due.window)).copied().unwrap_or_default();
        let changed = posted.get(&(due.kind, due.window.end)).copied();
        // A partial run leaves its windows open; only what it posts is worth a line.
        if changed.is_none() && (rows_in == 0 || wish.is_partial()) {
            continue;
        }
        let (rows_out, amount) = changed.unwrap_or_default();
        let read = prices.get(&(due.kind, due.window.end)).into_iter().flatten();
        runs.push(RunRecord {
            run_id: run_id(wish, knowledge, due),
            window: due.window,
            attempt: attempt(knowledge, due.window),
            rows_in,
            rows_out,
            rejected: rejected(knowledge, due.window),
            amount,
            reason: due.settled_seq.map(|_| "late_usage".to_owned()),
            inputs: inputs(books, knowledge, loaded, (due.window, due.book_seq), read),
            ..blank(books, wish)
        });
    }
    runs
}

/// One run of the daily job for each billing day on which lives went on: orders, renewals, expiries, arrears.
pub(super) fn of_lives(books: &Books, wish: &Wish, batch: &SettlementBatch) -> Vec<RunRecord> {
    let mut days: BTreeMap<Window, RunRecord> = BTreeMap::new();
    let mut facts: BTreeMap<Window, Vec<&str>> = BTreeMap::new();
    let day_of = |at: Instant| books.zone.day_containing(at);
    let events = batch.life.events.iter().map(|event| (event.at, event.event_id.as_str()));
    let orders = batch.life.orders.iter().filter_map(|order| Some((order.done_at?, order.order_id.as_str())));
    for (at, id) in events.chain(orders) {
        facts.entry(day_of(at)).or_default().push(id);
    }
    for (day, ids) in facts {
        let start = day.start.to_utc_text();
        let named: Vec<&str> = ["daily", &start].into_iter().chain(ids.iter().copied()).collect();
        let (run_id, job) = (id::derive("run", &named), "daily".to_owned());
        let rows_in = ids.len() as u64;
        let inputs = "{}".to_owned();
        days.insert(day, RunRecord { run_id, job, window: day, rows_in, inputs, ..blank(books, wish) });
    }
    for charge in &batch.life.charges {
        let Some(run) = days.get_mut(&day_of(charge.charge.transaction_at)) else { continue };
        run.rows_out += 1;
        if charge.charge.currency == books.session.settings.currency {
            run.amount += charge.charge.amounts.due;
        }
    }
    for transaction in batch.transactions.iter().filter(|transaction| transaction.description != "settlement") {
        if let Some(run) = days.get_mut(&day_of(transaction.at)) {
            run.postings += transaction.legs.len() as u64;
        }
    }
    days.into_values().collect()
}

/// A rerun has one run, over everything that it covers.
pub(super) fn of_rerun(
    books: &Books,
    (wish, rerun): (&Wish, &RerunWish),
    knowledge: &Knowledge,
    loaded: &Loaded,
    charges: &[Charge],
    prices: &PricesRead,
) -> RunRecord {
    let window = wish.within.unwrap_or(Window::new(Instant::MIN, Instant::MAX));
    let (start, end) = (window.start.to_utc_text(), window.end.to_utc_text());
    let (seq, number) = (knowledge.latest_seq.to_string(), knowledge.bookmarks.to_string());
    let posted = posted(books, knowledge, charges, &loaded.bulk);
    RunRecord {
        run_id: id::derive("run", &["rerun", &start, &end, &seq, &number]),
        window,
        attempt: attempt(knowledge, window),
        rows_in: loaded.rows_in.values().sum(),
        rows_out: charges.len() as u64,
        rejected: rejected(knowledge, window),
        amount: posted.values().map(|(_, amount)| *amount).sum(),
        reason: Some(rerun.reason.clone()),
        inputs: inputs(books, knowledge, loaded, (window, knowledge.latest_seq), prices.values().flatten()),
        ..blank(books, wish)
    }
}

fn blank(books: &Books, wish: &Wish) -> RunRecord {
    RunRecord {
        run_id: String::new(),
        job: "hourly".to_owned(),
        window: Window::new(Instant::MIN, Instant::MIN),
        attempt: 1,
        trigger: wish.trigger.to_owned(),
        actor: books.actor.clone(),
        status: "done".to_owned(),
        started_at: books.as_of,
        ended_at: books.as_of,
        rows_in: 0,
        rows_out: 0,
        rejected: 0,
        postings: 0,
        amount: Money::ZERO,
        reason: None,
        inputs: String::new(),
    }
}

fn attempt(knowledge: &Knowledge, window: Window) -> u32 {
    // Attempts that failed settled nothing and are not counted.
    let is_earlier = |run: &&RunRecord| run.window == window && run.job == "hourly" && run.status == "done";
    let earlier = knowledge.runs.iter().filter(is_earlier).count();
    u32::try_from(earlier).unwrap_or(u32::MAX - 1) + 1
}

fn rejected(knowledge: &Knowledge, window: Window) -> u64 {
    knowledge.quarantined.iter().filter(|start| window.holds(**start)).count() as u64
}

/// What a run read, and with which versions: enough to do it again.
fn inputs<'a>(
    books: &Books,
    knowledge: &Knowledge,
    loaded: &Loaded,
    (window, book_seq): (Window, u64),
    prices: impl Iterator<Item = &'a String>,
) -> String {
    let is_read = |span: Window| span.start < window.end && window.start <= span.end;
    let files: Vec<&str> = loaded.row_files.iter().filter(|file| is_read(file.span)).map(|file| file.sha256.as_str()).collect();
    let prices: BTreeSet<&String> = prices.collect();
    serde_json::json!({
        "row_files": files,
        "prices": prices,
        "book_seq": book_seq,
        "latest_seq": knowledge.latest_seq,
        "window_orders": knowledge.window_orders,
        "engine": env!("CARGO_PKG_VERSION"),
        "profile_sha256": books.profile_sha256,
        "zone": books.zone.to_string(),
        "tzdb": TZDB_VERSION,
    })
    .to_string()
}

/// Whether a run with these inputs worked by the rules that are in force now.
pub(super) fn is_by_the_same_rules(books: &Books, inputs: &str) -> bool {
    let Ok(inputs) = serde_json::from_str::<serde_json::Value>(inputs) else { return false };
    let now = [
        ("engine", env!("CARGO_PKG_VERSION").to_owned()),
        ("profile_sha256", books.profile_sha256.clone()),
        ("zone", books.zone.to_string()),
        ("tzdb", TZDB_VERSION.to_owned()),
    ];
    now.iter().all(|(rule, value)| inputs.get(rule).and_then(serde_json::Value::as_str) == Some(value))
}

fn posted(books: &Books, knowledge: &Knowledge, charges: &[Charge], bulk: &[RatedHour]) -> Posted {
    let mut posted = Posted::new();
    for charge in charges {
        let Some(price) = knowledge.terms.price_by_id(&charge.key.price_id) else { continue };
        let (count, sum) = posted.entry((price.row.settle, charge.transaction_at)).or_default();
        *count += 1;
        if charge.currency == books.session.settings.currency {
            *sum += charge.amounts.due;
        }
    }
    for hour in bulk {
        let (count, sum) = posted.entry((hour.due.kind, hour.due.window.end)).or_default();
        *count += hour.dues.iter().map(|due| due.charges).sum::<u64>();
        let of_home = hour.products().iter().filter(|total| total.price.row.currency == books.session.settings.currency);
        *sum += of_home.map(|total| total.due).sum::<Money>();
    }
    posted
}

/// Derived from the window, what was known, and the part of the window that was asked for.
fn run_id(wish: &Wish, knowledge: &Knowledge, due: &DueWindow) -> String {
    let (start, seq) = (due.window.start.to_utc_text(), knowledge.latest_seq.to_string());
    let (account, sku) = (wish.account_id.as_deref().unwrap_or(""), wish.sku.as_deref().unwrap_or(""));
    id::derive("run", &["hourly", due.kind.as_str(), &start, &seq, account, sku])
}

/// Counts the ledger legs that each instant posts, on the run that settles the instant; a rerun settles them all.
pub(super) fn count_postings(batch: &mut SettlementBatch, is_rerun: bool) {
    let mut legs: HashMap<Instant, u64> = HashMap::new();
    for transaction in batch.transactions.iter().filter(|transaction| transaction.description == "settlement") {
        *legs.entry(transaction.at).or_default() += transaction.legs.len() as u64;
    }
    // Where windows of several kinds end together, the last run carries the instant's postings.
    for run in batch.runs.iter_mut().rev() {
        run.postings = if is_rerun { legs.values().sum() } else { legs.remove(&run.window.end).unwrap_or_default() };
    }
}

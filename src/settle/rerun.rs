//! Rerun: a stretch of the past is settled again as a plan, which is looked at first and applied once.
//!
//! Owns: what a plan covers, what it is computed from, that it is applied as it was shown.
//! Does not own: the computation, which is the hourly job's own, with another state of the price book.
//! Promises: planning changes nothing and takes no lock; applying posts exactly the plan's differences or nothing; the plan
//! after applying it is empty.

use super::decide::{self, Decided};
use super::load::{self, Knowledge, Loaded};
use super::purses::Purses;
use super::{RerunWish, Wish, apply, runs};
use crate::books::Books;
use crate::failure::Failure;
use crate::ingest::is_retake;
use reckoner_core::rate::{Bookmark, DueWindow, posted_lines};
use reckoner_core::rerun::{Facts, Pair, PlanLine, old_amounts, plan_id, plan_lines, priced_anew};
use reckoner_core::schedule::Which;
use reckoner_core::table::TableKind;
use reckoner_core::time::{Instant, TZDB_VERSION, Window};
use reckoner_frames::{FrameError, RowFile, account_skus};
use reckoner_store::{BookmarkRecord, Rerun};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What to settle again.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Windows that lie inside and are over.
    pub range: Window,
    /// Only this account.
    pub account_id: Option<String>,
    /// Only this sku.
    pub sku: Option<String>,
    /// Why.
    pub reason: String,
    /// Which windows of the range.
    pub mode: Mode,
}

/// Which windows of a range a rerun takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Never settled; priced with what is known now, like any first settlement.
    Missing,
    /// Those whose last run did not come to its end.
    Failed,
    /// All; what is settled is priced with what is known now.
    All,
}

impl Mode {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::All => "all",
        }
    }
}

/// What a rerun would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names the plan; to be given back to apply it.
    pub plan_id: String,
    /// Windows that it covers: all, and those never settled before.
    pub windows: u64,
    /// See above.
    pub windows_new: u64,
    /// Windows of the range that an operator holds back: they are passed over.
    pub held: u64,
    /// Usage rows that it counted again; a row that falls into two windows counts twice, one of a window that is as it was not.
    pub rows_in: u64,
    /// The newest delivery known: settled windows are priced as of here in mode `all`.
    pub book_seq: u64,
    /// What changes; nothing where every charge is as it should be.
    pub lines: Vec<PlanLine>,
    /// Funds entries whose instant has come, which are carried out on the way as by any settlement.
    pub funds: u64,
    /// Charges that would be posted.
    pub charges: u64,
    /// Old and difference per currency, at 1e-8.
    pub totals: BTreeMap<String, (i128, i128)>,
}

impl Ask {
    fn wish(&self) -> Wish {
        let which = match self.mode {
            Mode::Missing => Which::Missing,
            Mode::Failed => Which::News,
            Mode::All => Which::All,
        };
        let rerun = RerunWish {
            reason: self.reason.clone(),
            reprices: self.mode == Mode::All,
            is_failed_only: self.mode == Mode::Failed,
        };
        Wish {
            until: None,
            within: Some(self.range),
            account_id: self.account_id.clone(),
            sku: self.sku.clone(),
            kind: None,
            is_dry_run: false,
            trigger: "rerun",
            which,
            rerun: Some(rerun),
            ..Wish::default()
        }
    }
}

/// Plans a rerun; `announce` is told how many windows it covers before the work begins.
///
/// # Errors
/// Exit 1 when a file or the store fails, or an amount does not fit.
pub fn plan(books: &Books, ask: &Ask, announce: impl FnOnce(u64)) -> Result<Plan, Failure> {
    compute(books, ask, announce).map(|(plan, _)| plan)
}

/// Applies the plan with this id, if planning again comes to the same plan.
///
/// # Errors
/// Exit 4 when the plan is another by now; as [`plan`] otherwise. Nothing is recorded then.
pub fn apply(books: &mut Books, ask: &Ask, wanted: &str, announce: impl FnOnce(u64)) -> Result<Plan, Failure> {
    let (plan, mut decided) = compute(books, ask, announce)?;
    if plan.plan_id != wanted {
        return Err(Failure::stale(format!("`{wanted}` is not what a rerun would post now"))
            .at("--apply")
            .expected(format!("`{}`: input, prices or windows have changed since, or the range is another", plan.plan_id))
            .hint("look at the new plan: the same command without `--apply`; nothing was posted"));
    }
    decided.batch.bookmark = Some(bookmark(books, ask, &plan));
    apply::batch(books, decided)?;
    Ok(plan)
}

fn bookmark(books: &Books, ask: &Ask, plan: &Plan) -> BookmarkRecord {
    let end = ask.range.end.min(books.as_of).max(ask.range.start);
    let bookmark = Bookmark {
        covers: Window::new(ask.range.start, end),
        account_id: ask.account_id.clone(),
        sku: ask.sku.clone(),
        book_seq: plan.book_seq,
        reprices: ask.mode == Mode::All,
    };
    let rerun = Rerun { plan_id: plan.plan_id.clone(), reason: ask.reason.clone() };
    BookmarkRecord { bookmark, rerun: Some(rerun), actor: books.actor.clone(), at: books.as_of }
}

fn compute(books: &Books, ask: &Ask, announce: impl FnOnce(u64)) -> Result<(Plan, Decided), Failure> {
    let wish = ask.wish();
    let until = ask.range.end.min(books.as_of);
    let mut knowledge = load::knowledge(books, &wish, load::due(books, &wish, until)?)?;
    announce(knowledge.due.len() as u64);

    let all = knowledge.due.clone();
    let unchanged = unchanged(books, &knowledge)?;
    knowledge.due.retain(|due| !unchanged.contains(due));
    let (_, frozen) = load::frozen(books, &wish, &knowledge.due)?;
    let loaded = load::batch(books, &wish, &knowledge, (&knowledge.due, &frozen), until, None)?;
    let facts = facts(books, &knowledge, &loaded)?;
    let basis = basis(books, &knowledge, &loaded, &all)?;
    let rows_in = loaded.rows_in.values().sum();
    let old = old_amounts(&loaded.posted);
    let decided = decide::batch(books, &wish, &knowledge, &mut Purses::default(), loaded, None)?;

    let lines = plan_lines(&old, &decided.charges, &facts);
    let mut totals: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    for line in &lines {
        let (old, difference) = totals.entry(line.currency.clone()).or_default();
        *old += line.old_e8;
        *difference += line.difference_e8;
    }
    let (start, end) = (ask.range.start.to_utc_text(), ask.range.end.to_utc_text());
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let scope = ["hourly", &start, &end, &part(&ask.account_id), &part(&ask.sku), ask.mode.as_str()];
    let plan = Plan {
        plan_id: plan_id(&scope, &basis.iter().map(String::as_str).collect::<Vec<_>>(), &decided.charges),
        windows: all.len() as u64,
        windows_new: knowledge.due.iter().filter(|due| due.settled_seq.is_none()).count() as u64,
        held: knowledge.held.len() as u64,
        rows_in,
        book_seq: knowledge.latest_seq,
        lines,
        funds: decided.batch.funds.len() as u64,
        charges: decided.charges.len() as u64,
        totals,
    };
    Ok((plan, decided))
}

/// Windows of which everything is known to be as it was when they were settled: their rows, every price, discount and account,
/// the profile, the zone and the engine. Settling one of them again would post nothing, so it is not done.
fn unchanged(books: &Books, knowledge: &Knowledge) -> Result<HashSet<DueWindow>, Failure> {
    let store = books.store();
    if !knowledge.terms.bookmarks().is_empty() {
        return Ok(HashSet::new());
    }
    let prices = store.prices()?.into_iter().map(|known| known.seq).max();
    let discounts = store.discounts()?.into_iter().map(|known| known.seq).max();
    let accounts = store.accounts()?.into_iter().map(|known| known.seq).max();
    let newest_terms = [prices, discounts, accounts].into_iter().flatten().max().unwrap_or_default();
    let mut versions: HashMap<Window, bool> = HashMap::new();
    for run in knowledge.runs.iter().filter(|run| run.job == "hourly" && run.status == "done") {
        versions.insert(run.window, runs::is_by_the_same_rules(books, &run.inputs));
    }
    let mut candidates: Vec<DueWindow> = knowledge
        .due
        .iter()
        .filter(|due| due.settled_seq.is_some() && newest_terms <= due.book_seq)
        .filter(|due| versions.get(&due.window).copied().unwrap_or_default())
        .copied()
        .collect();
    candidates.sort_by_key(|due| due.window);
    let oldest = candidates.iter().filter_map(|due| due.settled_seq).min().unwrap_or_default();
    let touched = store.touched_hours(oldest)?;
    let has_news = |due: &DueWindow| {
        let hours = touched.iter().filter(|hour| Some(hour.seq) > due.settled_seq);
        hours.map(|hour| Window::new(hour.start, hour.start.plus_seconds(3_600))).any(|hour| hour.overlap(due.window).is_some())
    };
    Ok(candidates.into_iter().filter(|due| !has_news(due)).collect())
}

/// Everything that the differences are computed from: a plan with another basis is another plan.
fn basis(books: &Books, knowledge: &Knowledge, loaded: &Loaded, all: &[DueWindow]) -> Result<Vec<String>, Failure> {
    let store = books.store();
    let mut basis = vec![
        format!("reckoner {}", env!("CARGO_PKG_VERSION")),
        format!("profile {}", books.profile_sha256),
        format!("zone {} {TZDB_VERSION}", books.zone),
        format!("bookmarks {}", knowledge.bookmarks),
    ];
    basis.extend(all.iter().map(|due| {
        let (start, end) = (due.window.start.to_utc_text(), due.window.end.to_utc_text());
        format!("window {} {start} {end} {:?} {}", due.kind.as_str(), due.settled_seq, due.book_seq)
    }));
    basis.extend(loaded.row_files.iter().map(|file| format!("rows {}", file.sha256)));
    if let Some(span) = load::span_of(&knowledge.due) {
        let replaced = store.superseded(span)?;
        basis.extend(
            replaced.iter().map(|row| format!("replaced {} {} by {} {}", row.file_id, row.line, row.by_file_id, row.by_line)),
        );
    }
    // Terms that are delivered as tables.
    let terms = [TableKind::Accounts, TableKind::Prices, TableKind::Discounts].map(TableKind::as_str);
    let files = store.input_files()?;
    basis.extend(files.iter().filter(|file| terms.contains(&file.kind.as_str())).map(|file| format!("terms {}", file.file_id)));
    basis.extend(loaded.funds.iter().map(|row| format!("funds {}", row.entry_id)));
    Ok(basis)
}

fn facts(books: &Books, knowledge: &Knowledge, loaded: &Loaded) -> Result<Facts, Failure> {
    let mut with_news = loaded.news.clone();
    // Where a window was never settled, everything in it is news.
    let new = knowledge.due.iter().filter(|due| due.settled_seq.is_none());
    let new: HashSet<Instant> = new.map(|due| due.window.end).collect();
    let news = loaded.counted.lines.iter().filter(|line| new.contains(&line.settles_at));
    with_news.extend(news.map(|line| (line.key.account_id.clone(), line.key.sku.clone())));

    let by_others = news_by_others(books, knowledge, loaded)?;
    let posted = posted_lines(&loaded.posted).map_err(FrameError::from)?;
    Ok(Facts {
        with_manual_news: with_news.iter().filter(|pair| !by_others.contains(*pair)).cloned().collect(),
        priced_anew: priced_anew(&loaded.counted.lines, &posted, &knowledge.terms),
        with_news,
    })
}

/// The accounts and skus with news that somebody delivered: those that an operator only took again are not among them.
fn news_by_others(books: &Books, knowledge: &Knowledge, loaded: &Loaded) -> Result<HashSet<Pair>, Failure> {
    let Some(span) = load::span_of(&knowledge.due) else { return Ok(HashSet::new()) };
    let oldest = knowledge.due.iter().map(|due| due.settled_seq.unwrap_or_default()).min().unwrap_or_default();
    let files = books.store().input_files()?;
    // Rows that are taken again keep the name of the file that brought them; the delivery's number tells.
    let retaken: HashSet<u64> = files.iter().filter(|file| is_retake(file)).map(|file| file.seq).collect();
    let is_others = |seq: u64| seq > oldest && !retaken.contains(&seq);
    let delivered: Vec<RowFile> =
        loaded.row_files.iter().filter(|file| is_others(file.seq)).map(|file| books.row_file(file)).collect();
    let mut pairs = account_skus(&delivered, span)?;
    let replaced = books.store().superseded(span)?;
    let by_others = replaced.into_iter().filter(|row| is_others(row.seq));
    pairs.extend(by_others.map(|row| (row.account_id, row.sku)));
    Ok(pairs)
}

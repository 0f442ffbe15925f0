//! Usage counted again: what the accepted rows deserve, held against what is posted, window by window as it was settled.
//!
//! A window is counted with the rows that were known when it was settled last, and with the prices of its first settlement.
//! A run for one account or sku leaves its windows as they are: what it posted is ahead of its window, and is counted as of
//! the delivery that the run knew.

use super::units::SettledUnits;
use super::{Check, Report};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::audit::{self, Finding};
use reckoner_core::number::Quantity;
use reckoner_core::price::is_tiered;
use reckoner_core::rate::{
    Charge, Counted, DueWindow, Line, LineKey, Posted as PostedLine, Terms, Tiers, VOLUME_BAND, posted_lines, settle_lines,
};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{CountTask, FrameError, RowFile, count};
use reckoner_store::SettledWindow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A charge, with the newest delivery that its settlement knew and the window that it settles in.
pub(super) struct Posted {
    pub seq: u64,
    pub kind: SettleWindow,
    pub window: Window,
    pub charge: Charge,
}

/// Kind and end of a window, account, sku: what is settled at once or not at all.
type Place = (SettleWindow, Instant, String, String);

/// What is posted with a newer delivery than its window is settled with.
type Ahead = HashMap<Place, u64>;

/// Accounts and skus.
type Pairs = HashSet<(String, String)>;

/// Counts usage again.
pub(super) struct Recount {
    settled: HashMap<(SettleWindow, Window), SettledWindow>,
    skus_by_kind: BTreeMap<SettleWindow, BTreeSet<String>>,
    /// Lines counted so far.
    pub lines: u64,
}

/// Windows of a kind that are counted as of one delivery.
struct Task {
    kind: SettleWindow,
    seq: u64,
    due: Vec<DueWindow>,
    /// Of what is ahead: only these (account, sku).
    ahead: Option<Pairs>,
}

impl Recount {
    pub fn load(books: &Books, settled: impl Iterator<Item = SettledWindow>) -> Result<Self, Failure> {
        let mut skus_by_kind: BTreeMap<SettleWindow, BTreeSet<String>> = BTreeMap::new();
        for known in books.store().prices()? {
            skus_by_kind.entry(known.row.settle).or_default().insert(known.row.sku);
        }
        let settled = settled.map(|window| ((window.kind, window.window), window)).collect();
        Ok(Self { settled, skus_by_kind, lines: 0 })
    }

    /// Counts the windows that end on one day; `posted` are all charges of windows that do.
    pub fn day(
        &mut self,
        books: &Books,
        terms: &Terms,
        windows: &[SettledWindow],
        posted: Vec<Posted>,
        units: &mut SettledUnits,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let ahead = self.ahead(&posted);
        let mut lines: Vec<Line> = Vec::new();
        for task in self.tasks(windows, &posted, &ahead) {
            let counted = count_as_of(books, terms, &task, self.skus_by_kind.get(&task.kind))?;
            let wanted = task.ahead.is_some().then_some(task.seq);
            lines.extend(counted.lines.into_iter().filter(|line| {
                let place = (task.kind, line.settles_at, line.key.account_id.clone(), line.key.sku.clone());
                ahead.get(&place).copied() == wanted
            }));
            // Accounting knows whole windows only.
            if task.ahead.is_none() {
                units.add_counted(counted.units)?;
            }
        }
        self.lines += lines.len() as u64;
        report.looked(Check::UsageRecount, lines.len() as u64);

        let charges: Vec<Charge> = posted.into_iter().map(|posted| posted.charge).collect();
        let is_posted = posted_lines(&charges).map_err(FrameError::from)?;
        let differences = settle_lines(lines, is_posted.clone(), &mut Tiers::new(), terms)
            .map_err(|error| Failure::failed(error.to_string()).hint("`reckoner explain` shows the rows of a line"))?;
        for difference in differences {
            let findings = compare(&difference, is_posted.get(&difference.key), terms)?;
            findings.into_iter().for_each(|finding| report.found(Check::UsageRecount, finding));
        }
        Ok(())
    }

    fn ahead(&self, posted: &[Posted]) -> Ahead {
        let mut ahead = Ahead::new();
        for posted in posted {
            let settled = self.settled.get(&(posted.kind, posted.window));
            if settled.is_none_or(|window| window.settled_seq < posted.seq) {
                let newest = ahead.entry(place(posted)).or_default();
                *newest = (*newest).max(posted.seq);
            }
        }
        ahead
    }

    fn tasks(&self, windows: &[SettledWindow], posted: &[Posted], ahead: &Ahead) -> Vec<Task> {
        let mut whole: BTreeMap<(SettleWindow, u64), Vec<DueWindow>> = BTreeMap::new();
        for SettledWindow { kind, window, settled_seq, book_seq } in windows.iter().copied() {
            let due = DueWindow { window, kind, book_seq, settled_seq: None };
            whole.entry((kind, settled_seq)).or_default().push(due);
        }
        let mut partial: BTreeMap<(SettleWindow, u64), (BTreeSet<DueWindow>, Pairs)> = BTreeMap::new();
        for posted in posted {
            let Some(seq) = ahead.get(&place(posted)).copied() else { continue };
            let book_seq = self.settled.get(&(posted.kind, posted.window)).map_or(seq, |window| window.book_seq);
            let (due, pairs) = partial.entry((posted.kind, seq)).or_default();
            due.insert(DueWindow { window: posted.window, kind: posted.kind, book_seq, settled_seq: None });
            pairs.insert((posted.charge.key.account_id.clone(), posted.charge.key.sku.clone()));
        }
        let whole = whole.into_iter().map(|((kind, seq), due)| Task { kind, seq, due, ahead: None });
        let partial = partial.into_iter().map(|((kind, seq), (due, pairs))| Task {
            kind,
            seq,
            due: due.into_iter().collect(),
            ahead: Some(pairs),
        });
        whole.chain(partial).collect()
    }
}

fn place(posted: &Posted) -> Place {
    let key = &posted.charge.key;
    (posted.kind, posted.window.end, key.account_id.clone(), key.sku.clone())
}

/// What the windows of a task deserve by the rows, and the replacements of rows, that were known then.
fn count_as_of(books: &Books, terms: &Terms, task: &Task, skus: Option<&BTreeSet<String>>) -> Result<Counted, Failure> {
    let store = books.store();
    let bounds = (task.due.iter().map(|due| due.window.start).min(), task.due.iter().map(|due| due.window.end).max());
    let (Some(start), Some(end)) = bounds else { return Ok(Counted::default()) };
    let span = Window::new(start, end);
    let known = store.row_files(span)?.into_iter().filter(|file| file.seq <= task.seq);
    let files: Vec<RowFile> = known.map(|file| books.row_file(&file)).collect();
    let replaced = store.superseded(span)?.into_iter().filter(|row| row.seq <= task.seq);
    let superseded: HashMap<(String, u64), u64> = replaced.map(|row| ((row.file_id, row.line), row.seq)).collect();
    let frozen = reckoner_engine::frozen(store, &books.profile, span)?;
    let (counted, _) = count(&CountTask {
        files: &files,
        superseded: &superseded,
        due: &task.due,
        terms,
        frozen: &frozen,
        account_id: None,
        sku: None,
        skus,
        account_skus: task.ahead.as_ref(),
    })?;
    Ok(counted)
}

/// The difference that settling again would post, as findings: by how much what is posted is not what the rows deserve.
///
/// Amounts of tiered prices depend on the order in which use came; only their month is compared (`usage.tiers`).
fn compare(difference: &Charge, posted: Option<&PostedLine>, terms: &Terms) -> Result<Vec<Finding>, Failure> {
    let is_repricing = difference.reason.as_deref() == Some(VOLUME_BAND);
    let price = terms.price_by_id(&difference.key.price_id);
    let is_tiered = price.is_some_and(|price| is_tiered(&price.row.model));
    if is_repricing {
        return Ok(Vec::new());
    }
    let subject = || shown(&difference.key, terms);
    let (is_quantity, is_waived) = posted.map_or((Quantity::ZERO, Quantity::ZERO), |posted| (posted.quantity, posted.waived));
    let should = |is: Quantity, more: Quantity| is.plus(more).map_err(FrameError::from);
    let mut findings = vec![
        audit::compare_counts(subject(), "a line with use has a charge", u64::from(posted.is_some()), 1),
        audit::compare_quantities(
            subject(),
            "quantity posted = quantity of its rows",
            is_quantity,
            should(is_quantity, difference.quantity)?,
        ),
        audit::compare_quantities(
            subject(),
            "quantity waived = that of its rows",
            is_waived,
            should(is_waived, difference.waived)?,
        ),
    ];
    if !is_tiered {
        let is = posted.map(|posted| posted.amounts).unwrap_or_default();
        let more = difference.amounts;
        let amounts = [
            ("list amount posted = that of its rows", is.list, more.list),
            ("discount posted = that of its rows", is.discount, more.discount),
            ("truncated amount posted = that of its rows", is.truncated, more.truncated),
            ("due amount posted = that of its rows", is.due, more.due),
        ];
        findings.extend(amounts.map(|(law, is, more)| {
            let stated = i128::from(is.e8());
            audit::compare_amounts(subject(), law, stated, stated + i128::from(more.e8()))
        }));
    }
    Ok(findings.into_iter().flatten().collect())
}

fn shown(key: &LineKey, terms: &Terms) -> String {
    let (start, end) = (terms.zone.to_text(key.window.start), terms.zone.to_text(key.window.end));
    format!("line `{}` `{}` `{}` from {start} to {end} at price `{}`", key.account_id, key.resource_id, key.sku, key.price_id)
}

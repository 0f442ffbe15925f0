//! Windows: which slices of time were settled, and whether one was passed over.

use super::{Check, Report};
use crate::books::Books;
use crate::failure::Failure;
use crate::serve::Trigger;
use reckoner_core::audit::{self, Finding};
use reckoner_core::schedule::{Standing, Standings, WindowOrder, touched_windows};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window};
use reckoner_store::{RunRecord, SettledWindow};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(books: &Books, report: &mut Report) {
    let checks = [Check::WindowsAligned, Check::WindowsKnown, Check::WindowsOrder];
    report.attempt(&checks, |report| {
        let settled = books.store().settled_windows()?;
        report.count("windows", "settled", settled.len() as u64);
        check_aligned(books, &settled, report)?;
        check_known(books, &settled, report)?;
        check_order(books, &settled, report)
    });
}

fn shown(books: &Books, kind: SettleWindow, window: Window) -> String {
    let (start, end) = (books.zone.to_text(window.start), books.zone.to_text(window.end));
    format!("{} {start} to {end}", kind.as_str())
}

fn check_aligned(books: &Books, settled: &[SettledWindow], report: &mut Report) -> Result<(), Failure> {
    let mut before: Option<&SettledWindow> = None;
    for known in settled {
        let SettledWindow { kind, window, .. } = *known;
        let subject = || format!("settled window {}", shown(books, kind, window));
        let mut findings: Vec<Finding> = Vec::new();
        let aligned = shown(books, kind, kind.containing(window.start, books.zone));
        findings.extend(audit::compare_texts(
            subject(),
            "it is one of the billing zone's",
            &shown(books, kind, window),
            &aligned,
        ));
        if let Some(before) = before.filter(|before| before.kind == kind && before.window.end > window.start) {
            let (starts, ends) = (books.zone.to_text(window.start), books.zone.to_text(before.window.end));
            findings.extend(audit::compare_texts(subject(), "it starts when the one before has ended", &starts, &ends));
        }
        report.judge(Check::WindowsAligned, findings);
        before = Some(known);
    }
    // The frontier lies between windows: where an hour of the zone begins.
    if let Some(frontier) = books.store().frontier()? {
        let segment = books.zone.segment_containing(frontier).start;
        let (stated, computed) = (books.zone.to_text(frontier), books.zone.to_text(segment));
        let finding = audit::compare_texts("the frontier".to_owned(), "it lies where an hour begins", &stated, &computed);
        report.judge(Check::WindowsAligned, finding);
    }
    Ok(())
}

fn check_known(books: &Books, settled: &[SettledWindow], report: &mut Report) -> Result<(), Failure> {
    let latest_seq = books.store().latest_seq()?;
    for SettledWindow { kind, window, settled_seq, book_seq } in settled.iter().copied() {
        let subject = || format!("settled window {}", shown(books, kind, window));
        let first = (book_seq > settled_seq)
            .then(|| audit::compare_counts(subject(), "settled first no later than last", book_seq, settled_seq));
        let last = (settled_seq > latest_seq)
            .then(|| audit::compare_counts(subject(), "settled with what is delivered", settled_seq, latest_seq));
        report.judge(Check::WindowsKnown, [first, last].into_iter().flatten().flatten());
    }
    Ok(())
}

/// What a run says that it read.
#[derive(Deserialize)]
struct Inputs {
    latest_seq: u64,
    /// How many orders of operators were known.
    #[serde(default)]
    window_orders: usize,
}

/// The catch-ups, `serve`'s among them, that knew the same orders of operators.
#[derive(Default)]
struct CaughtUp<'a> {
    /// What they had to pass over.
    standings: Standings<'a>,
    /// The newest delivery known to one that settled a window with this end or a later one.
    known: BTreeMap<Instant, u64>,
}

impl CaughtUp<'_> {
    /// Whether one of them settled a later window although it knew this delivery and nobody held the window.
    fn has_passed(&self, kind: SettleWindow, window: Window, seq: u64) -> bool {
        let known = self.known.range(window.end.plus_seconds(1)..).next();
        known.is_some_and(|(_, known)| *known >= seq) && !matches!(self.standings.of(kind, window), Standing::Held(_))
    }
}

fn caught_up<'a>(books: &Books, orders: &'a [WindowOrder]) -> Result<Vec<CaughtUp<'a>>, Failure> {
    let mut by_orders: BTreeMap<usize, CaughtUp<'a>> = BTreeMap::new();
    let is_in_order =
        |run: &RunRecord| run.status == "done" && (run.trigger == "catch-up" || Trigger::is_word_of_serve(&run.trigger));
    for run in books.store().runs()?.into_iter().filter(is_in_order) {
        let Ok(Inputs { latest_seq, window_orders }) = serde_json::from_str(&run.inputs) else { continue };
        let group = by_orders.entry(window_orders).or_insert_with(|| CaughtUp {
            standings: Standings::new(orders.get(..window_orders).unwrap_or(orders)),
            ..CaughtUp::default()
        });
        let known = group.known.entry(run.window.end).or_default();
        *known = (*known).max(latest_seq);
    }
    for group in by_orders.values_mut() {
        let mut newest = 0;
        for known in group.known.values_mut().rev() {
            newest = newest.max(*known);
            *known = newest;
        }
    }
    Ok(by_orders.into_values().collect())
}

/// A catch-up, and `serve`, settle every window that is due, oldest first. So a window that it knew of, and that is open
/// still, must not be older than one that it has settled; unless it was held then.
fn check_order(books: &Books, settled: &[SettledWindow], report: &mut Report) -> Result<(), Failure> {
    let store = books.store();
    let orders = store.window_orders()?;
    let caught_up = caught_up(books, &orders)?;
    let mut kinds: BTreeMap<SettleWindow, u64> = BTreeMap::new();
    for price in store.prices()? {
        let first = kinds.entry(price.row.settle).or_insert(price.seq);
        *first = (*first).min(price.seq);
    }

    let touched: Vec<(Instant, u64)> = store.touched_hours(0)?.into_iter().map(|hour| (hour.start, hour.seq)).collect();
    let all: BTreeSet<SettleWindow> = kinds.keys().copied().collect();
    let settled_seqs: BTreeMap<(SettleWindow, Window), u64> =
        settled.iter().map(|known| ((known.kind, known.window), known.settled_seq)).collect();
    for ((kind, window), seq) in touched_windows(&touched, &all, books.zone) {
        // Windows of a kind exist since the first price that settles in them.
        let needed = seq.max(kinds[&kind]);
        let reached = settled_seqs.get(&(kind, window)).copied().unwrap_or_default();
        let passed = caught_up.iter().any(|group| group.has_passed(kind, window, needed));
        let subject = || format!("window {}", shown(books, kind, window));
        let law = "settled with the newest delivery that touched it, before a later window was";
        let finding = (passed && reached < needed).then(|| audit::compare_counts(subject(), law, reached, needed));
        report.judge(Check::WindowsOrder, finding.flatten());
    }
    Ok(())
}

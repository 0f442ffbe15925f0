//! The accounting of use, held against the rows: nothing that was accepted is lost, nothing is counted twice.
//!
//! Accounting is added up by hour while deliveries come and windows settle. Here it is put on one side of a balance and what
//! the rows say on the other; what is even is dropped, so that only the days under way are held.

use super::days::compare_manifest;
use super::{Check, EVER, Report};
use crate::accounting::Accounting;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::progress::Progress;
use reckoner_core::account::Accounts;
use reckoner_core::audit::{self, Finding};
use reckoner_core::intake::units_by_hour;
use reckoner_core::number::Quantity;
use reckoner_core::price::PriceHistory;
use reckoner_core::rate::{Units, UnitsKey, last_instant};
use reckoner_core::schedule::{touched_windows, windows_of_hour};
use reckoner_core::table::{SettleWindow, UsageRow};
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{FrameError, RowFilter, read_rows};
use reckoner_store::{LakeFile, UsageAccounting};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What is stated and what is computed, by key; what is even is not there.
#[derive(Default)]
struct Balance {
    rest: BTreeMap<UnitsKey, (Quantity, Quantity)>,
}

impl Balance {
    fn state(&mut self, key: &UnitsKey, quantity: Quantity) -> Result<(), Failure> {
        self.add(key, (quantity, Quantity::ZERO))
    }

    fn compute(&mut self, key: &UnitsKey, quantity: Quantity) -> Result<(), Failure> {
        self.add(key, (Quantity::ZERO, quantity))
    }

    fn add(&mut self, key: &UnitsKey, (stated, computed): (Quantity, Quantity)) -> Result<(), Failure> {
        let rest = self.rest.entry(key.clone()).or_default();
        *rest = (rest.0.plus(stated).map_err(FrameError::from)?, rest.1.plus(computed).map_err(FrameError::from)?);
        if rest.0 == rest.1 {
            self.rest.remove(key);
        }
        Ok(())
    }

    fn findings(&self, books: &Books, law: &'static str) -> Vec<Finding> {
        let rest = self.rest.iter();
        rest.filter_map(|(key, (stated, computed))| audit::compare_quantities(subject(books, key), law, *stated, *computed))
            .collect()
    }
}

fn subject(books: &Books, (hour, account_id, sku, unit): &UnitsKey) -> String {
    format!("use of `{account_id}` `{sku}` in `{unit}` in the hour of {}", books.zone.to_text(*hour))
}

fn key_of(accounting: &UsageAccounting) -> UnitsKey {
    (accounting.hour, accounting.account_id.clone(), accounting.sku.clone(), accounting.unit.clone())
}

/// Tells what accounting states of the hours that start within, an hour in memory at a time.
fn each_stored(
    books: &Books,
    within: Window,
    mut tell: impl FnMut(UsageAccounting) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let accounting = Accounting::load(books, within)?;
    for stretch in accounting.stretches(within) {
        accounting.within(stretch)?.into_iter().try_for_each(&mut tell)?;
    }
    Ok(())
}

/// Charged, zero-rated and minimum use: what accounting states, less what the settled windows come to when counted again.
#[derive(Default)]
pub(super) struct SettledUnits {
    charged: Balance,
    zero_rated: Balance,
    minimum: Balance,
    reached: Option<Instant>,
    keys: u64,
}

impl SettledUnits {
    /// Adds what accounting states of the hours that start before this.
    pub fn add_stored_until(&mut self, books: &Books, end: Instant) -> Result<(), Failure> {
        let start = self.reached.replace(end).unwrap_or(Instant::MIN);
        each_stored(books, Window::new(start, end), |stored| {
            self.keys += 1;
            let key = key_of(&stored);
            self.charged.state(&key, stored.charged)?;
            self.zero_rated.state(&key, stored.zero_rated)?;
            self.minimum.state(&key, stored.minimum)
        })
    }

    /// Adds what settled windows come to.
    pub fn add_counted(&mut self, counted: BTreeMap<UnitsKey, Units>) -> Result<(), Failure> {
        for (key, Units { charged, zero_rated, minimum }) in counted {
            self.charged.compute(&key, charged)?;
            self.zero_rated.compute(&key, zero_rated)?;
            self.minimum.compute(&key, minimum)?;
        }
        Ok(())
    }

    /// Tells what is not even, once every hour and window has been added.
    pub fn check(&self, books: &Books, report: &mut Report) {
        report.looked(Check::UsageSettled, self.keys);
        let parts = [
            (&self.charged, "charged = that of the settled rows"),
            (&self.zero_rated, "zero_rated = that of the settled rows"),
            (&self.minimum, "minimum = that of the settled rows"),
        ];
        for (balance, law) in parts {
            balance.findings(books, law).into_iter().for_each(|finding| report.found(Check::UsageSettled, finding));
        }
    }
}

/// Reads every accepted row: the accounting of what was accepted, the hours that are known to have received rows, and
/// whether a file is what the manifest says.
pub(super) fn check(books: &Books, progress: &Progress, report: &mut Report) {
    let checks = [Check::UsageAccepted, Check::UsageTouched, Check::UsageConservation];
    report.attempt(&checks, |report| {
        check_accepted(books, progress, report)?;
        check_conservation(books, report)
    });
}

fn check_accepted(books: &Books, progress: &Progress, report: &mut Report) -> Result<(), Failure> {
    let store = books.store();
    let mut rows = Rows::load(books)?;
    let mut by_day: BTreeMap<chrono::NaiveDate, Vec<LakeFile>> = BTreeMap::new();
    for file in store.row_files(EVER)? {
        by_day.entry(books.zone.date_of(file.span.start)).or_default().push(file);
    }
    let (mut read, of) = (0, by_day.len() as u64);
    let mut reached = Instant::MIN;
    for (done, (day, files)) in (0..).zip(by_day) {
        progress.step("reading accepted rows", done, of, &day.to_string());
        for file in &files {
            read += rows.take_file(file, report)?;
        }
        let end = books.zone.day_containing(books.zone.start_of_day(day)).end;
        rows.add_stored(Window::new(reached, end), report)?;
        reached = end;
    }
    rows.add_stored(Window::new(reached, Instant::MAX), report)?;

    report.count("usage", "accepted rows", read);
    let law = "accepted = that of the rows in force";
    rows.accepted.findings(books, law).into_iter().for_each(|finding| report.found(Check::UsageAccepted, finding));
    Ok(())
}

/// Accepted rows on one side of the balance, accounting on the other.
struct Rows<'a> {
    books: &'a Books,
    accounts: Accounts,
    prices: PriceHistory,
    /// Rows that another has replaced, with the delivery that did.
    superseded: HashMap<(String, u64), u64>,
    touched: HashMap<Instant, u64>,
    accepted: Balance,
}

impl<'a> Rows<'a> {
    fn load(books: &'a Books) -> Result<Self, Failure> {
        let store = books.store();
        Ok(Self {
            books,
            accounts: books.accounts()?,
            prices: books.price_book()?.history(),
            superseded: store.superseded(EVER)?.into_iter().map(|row| ((row.file_id, row.line), row.seq)).collect(),
            touched: store.touched_hours(0)?.into_iter().map(|hour| (hour.start, hour.seq)).collect(),
            accepted: Balance::default(),
        })
    }

    fn take_file(&mut self, file: &LakeFile, report: &mut Report) -> Result<u64, Failure> {
        let stored = read_rows(&[self.books.row_file(file)], &RowFilter::default())?;
        let starts: Vec<Instant> = stored.iter().map(|stored| stored.row.started_at).collect();
        let ends: Vec<Instant> = stored.iter().map(|stored| stored.row.ended_at).collect();
        report.judge(Check::FilesManifest, compare_manifest(self.books, file, stored.len(), &starts, &ends));
        for known in &stored {
            self.take_row(&known.row, known.seq, 1, report)?;
            if let Some(seq) = self.superseded.get(&(known.file_id.clone(), known.row.line)).copied() {
                self.take_row(&known.row, seq, -1, report)?;
            }
        }
        Ok(stored.len() as u64)
    }

    /// Adds a row's units when it was accepted (1), and takes them off when it was replaced (-1), by the prices known to the
    /// delivery that did it.
    fn take_row(&mut self, row: &UsageRow, seq: u64, times: i128, report: &mut Report) -> Result<(), Failure> {
        let last = last_instant(row.interval());
        let needed = Window::new(last, last.plus_seconds(1));
        let currency = self.accounts.currency(&row.account_id);
        let timeline = currency.and_then(|currency| self.prices.timeline(&row.sku, currency, seq, needed));
        let units = match timeline {
            Some(timeline) => units_by_hour(row, timeline).map_err(FrameError::from)?,
            None => Vec::new(),
        };
        for (hour, unit, quantity) in units {
            let quantity = Quantity::from_e12(times * quantity.e12());
            let touched = self.touched.get(&hour).copied().unwrap_or_default();
            if touched < seq {
                let subject = format!("the hour of {}, by record `{}`", self.books.zone.to_text(hour), row.record_id);
                let law = "the newest delivery known to have touched it is not older than the row's";
                report.judge(Check::UsageTouched, audit::compare_counts(subject, law, touched, seq));
            } else {
                report.looked(Check::UsageTouched, 1);
            }
            self.accepted.compute(&(hour, row.account_id.clone(), row.sku.clone(), unit), quantity)?;
        }
        Ok(())
    }

    fn add_stored(&mut self, hours: Window, report: &mut Report) -> Result<(), Failure> {
        each_stored(self.books, hours, |stored| {
            report.looked(Check::UsageAccepted, 1);
            self.accepted.state(&key_of(&stored), stored.accepted)
        })
    }
}

/// Accepted = charged + zero-rated for every hour that has nothing left to settle.
fn check_conservation(books: &Books, report: &mut Report) -> Result<(), Failure> {
    let store = books.store();
    let mut kinds_of: HashMap<String, BTreeSet<SettleWindow>> = HashMap::new();
    for known in store.prices()? {
        kinds_of.entry(known.row.sku).or_default().insert(known.row.settle);
    }
    let kinds = kinds_of.values().flatten().copied().collect();
    let touched: Vec<(Instant, u64)> = store.touched_hours(0)?.into_iter().map(|hour| (hour.start, hour.seq)).collect();
    let mut open: HashSet<(SettleWindow, Window)> = HashSet::new();
    let settled: HashMap<_, u64> =
        store.settled_windows()?.into_iter().map(|window| ((window.kind, window.window), window.settled_seq)).collect();
    for (window, seq) in touched_windows(&touched, &kinds, books.zone) {
        if settled.get(&window).is_none_or(|settled| *settled < seq) {
            open.insert(window);
        }
    }

    let days: BTreeSet<Window> = touched.iter().map(|(hour, _)| books.zone.day_containing(*hour)).collect();
    let mut reached = Instant::MIN;
    for end in days.into_iter().map(|day| day.end).chain([Instant::MAX]) {
        each_stored(books, Window::new(reached, end), |stored| {
            let kinds = kinds_of.get(&stored.sku);
            let mut windows = kinds
                .into_iter()
                .flatten()
                .flat_map(|kind| windows_of_hour(*kind, stored.hour, books.zone).into_iter().map(|window| (*kind, window)));
            if !windows.any(|window| open.contains(&window)) {
                report.judge(Check::UsageConservation, check_conserved(books, &stored)?);
            }
            Ok(())
        })?;
        reached = end;
    }
    Ok(())
}

fn check_conserved(books: &Books, stored: &UsageAccounting) -> Result<Option<Finding>, Failure> {
    let settled = stored.charged.plus(stored.zero_rated).map_err(FrameError::from)?;
    let subject = subject(books, &key_of(stored));
    Ok(audit::compare_quantities(subject, "accepted = charged + zero_rated", stored.accepted, settled))
}

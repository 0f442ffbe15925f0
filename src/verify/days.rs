//! The walk along the billing days: charges are read once, day by day, and handed to every check that needs them.
//!
//! A charge lies on the day on which its window starts and is settled when its settlement window ends: for windows of a
//! month that is later, so such charges wait. A day that cannot be read is a finding; what needs every day is not judged
//! then.

use super::charges::{self, Settlements};
use super::tiers::TierSums;
use super::units::SettledUnits;
use super::usage::{Posted, Recount};
use super::{Check, EVER, Report, slices};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::progress::Progress;
use crate::settle;
use chrono::NaiveDate;
use reckoner_core::audit;
use reckoner_core::ledger::LedgerAccount;
use reckoner_core::life::OrderCharge;
use reckoner_core::price::is_tiered;
use reckoner_core::rate::{Charge, ChargeType, Terms};
use reckoner_core::table::BillingMode;
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{ChargeFilter, read_charges};
use reckoner_store::{LakeFile, SettledWindow};
use std::collections::{BTreeMap, BTreeSet};

/// What charges bring in, at 1e-8, by currency and ledger account.
pub(super) type Income = BTreeMap<(String, String), i128>;

/// The checks that fall silent where a day's charges cannot be read.
const NEED_EVERY_DAY: [Check; 5] =
    [Check::ChargesSettled, Check::UsageRecount, Check::UsageTiers, Check::UsageSettled, Check::LedgerIncome];

struct Walk<'a> {
    books: &'a Books,
    terms: Terms,
    recount: Recount,
    files: BTreeMap<NaiveDate, Vec<LakeFile>>,
    /// Windows that were settled, by the day on which they end.
    settled: BTreeMap<NaiveDate, Vec<SettledWindow>>,
    days: BTreeSet<NaiveDate>,
    waiting: Vec<Posted>,
    settlements: Settlements,
    tiers: TierSums,
    units: SettledUnits,
    income: Income,
    rows: u64,
    has_gap: bool,
}

/// Walks along all days. Hands back what the charges bring in, if every day could be read.
pub(super) fn check(books: &Books, progress: &Progress, report: &mut Report) -> Option<Income> {
    let mut walk = report.attempt(&NEED_EVERY_DAY, |_| Walk::load(books))?;
    let mut done = 0;
    while let Some(day) = walk.days.pop_first() {
        progress.step("verifying days", done, done + 1 + walk.days.len() as u64, &day.to_string());
        walk.day(day, report);
        done += 1;
    }
    walk.finish(done, report)
}

impl<'a> Walk<'a> {
    fn load(books: &'a Books) -> Result<Self, Failure> {
        let store = books.store();
        let last_day = |window: Window| books.zone.date_of(window.end.plus_seconds(-1));
        let mut files: BTreeMap<NaiveDate, Vec<LakeFile>> = BTreeMap::new();
        for file in store.charge_files(EVER)? {
            files.entry(books.zone.date_of(file.span.start)).or_default().push(file);
        }
        let mut settled: BTreeMap<NaiveDate, Vec<SettledWindow>> = BTreeMap::new();
        for window in store.settled_windows()? {
            settled.entry(last_day(window.window)).or_default().push(window);
        }

        let seqs = files.values().flatten().map(|file| file.seq);
        let states: BTreeSet<u64> = settled.values().flatten().map(|window| window.book_seq).chain(seqs).collect();
        let terms = settle::terms(books, states)?;
        Ok(Self {
            books,
            recount: Recount::load(books, settled.values().flatten().copied())?,
            days: files.keys().chain(settled.keys()).copied().collect(),
            terms,
            files,
            settled,
            waiting: Vec::new(),
            settlements: Settlements::default(),
            tiers: TierSums::default(),
            units: SettledUnits::default(),
            income: Income::new(),
            rows: 0,
            has_gap: false,
        })
    }

    fn day(&mut self, day: NaiveDate, report: &mut Report) {
        let zone = self.books.zone;
        let end = zone.day_containing(zone.start_of_day(day)).end;
        let read = report.attempt(&NEED_EVERY_DAY, |report| self.read_charges(day, report));
        self.has_gap |= read.is_none();
        let charges = read.unwrap_or_default();
        charges::check_day(&self.terms, charges.iter().map(|(_, charge)| charge), report);
        if self.has_gap {
            return;
        }
        self.take(day, charges);

        let (ended, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|posted: &Posted| posted.window.end <= end);
        self.waiting = waiting;
        let windows = self.settled.remove(&day).unwrap_or_default();
        let made = report.attempt(&NEED_EVERY_DAY, |report| {
            self.settlements.check_until(self.books, end.plus_seconds(1), report)?;
            self.tiers.check_before(self.books, &self.terms, Some(&zone.billing_period(end.plus_seconds(-1))), report)?;
            self.units.add_stored_until(self.books, end)?;
            self.recount.day(self.books, &self.terms, &windows, ended, &mut self.units, report)
        });
        self.has_gap |= made.is_none();
    }

    /// The charges of a day with the newest delivery that their settlement knew.
    fn read_charges(&self, day: NaiveDate, report: &mut Report) -> Result<Vec<(u64, Charge)>, Failure> {
        let mut charges = Vec::new();
        for file in self.files.get(&day).into_iter().flatten() {
            let read = read_charges(&[self.books.lake_path(file)], &ChargeFilter::default())?;
            let span = |of: &dyn Fn(&Charge) -> Instant| read.iter().map(of).collect::<Vec<_>>();
            let (starts, ends) = (span(&|charge| charge.key.window.start), span(&|charge| charge.key.window.end));
            report.judge(Check::FilesManifest, compare_manifest(self.books, file, read.len(), &starts, &ends));
            charges.extend(read.into_iter().map(|charge| (file.seq, charge)));
        }
        Ok(charges)
    }

    /// Adds the day's charges to everything that sums them up.
    fn take(&mut self, day: NaiveDate, charges: Vec<(u64, Charge)>) {
        self.rows += charges.len() as u64;
        for (seq, charge) in charges {
            self.settlements.add(&charge);
            *self.income.entry((charge.currency.clone(), income_account(&charge))).or_default() +=
                i128::from(charge.amounts.due.e8());
            // A charge without a price row is told by `charges.price`; nobody knows what it should be.
            let Some(price) = self.terms.price_by_id(&charge.key.price_id) else { continue };
            if is_tiered(&price.row.model) {
                self.tiers.add(&charge, price, &self.terms);
            }
            let window = price.row.settle.containing(charge.key.window.start, self.books.zone);
            let settles_on = self.books.zone.date_of(window.end.plus_seconds(-1));
            if settles_on > day {
                self.days.insert(settles_on);
            }
            self.waiting.push(Posted { seq, kind: price.row.settle, window, charge });
        }
    }

    /// Adds what orders bring in.
    fn take_orders(&mut self) -> Result<(), Failure> {
        for slice in slices(self.books)? {
            for OrderCharge { charge, .. } in self.books.store().order_charges(slice, None)? {
                *self.income.entry((charge.currency.clone(), order_account(&charge))).or_default() +=
                    i128::from(charge.amounts.due.e8());
            }
        }
        Ok(())
    }

    fn finish(mut self, days: u64, report: &mut Report) -> Option<Income> {
        report.count("charges", "rows", self.rows);
        report.count("charges", "days", days);
        report.count("usage", "lines counted again", self.recount.lines);
        if self.has_gap {
            return None;
        }
        let made = report.attempt(&NEED_EVERY_DAY, |report| {
            self.settlements.finish(self.books, report)?;
            self.tiers.check_before(self.books, &self.terms, None, report)?;
            self.units.add_stored_until(self.books, Instant::MAX)?;
            self.units.check(self.books, report);
            Ok(())
        });
        let made = made.and_then(|()| report.attempt(&[Check::LedgerIncome], |_| self.take_orders()));
        report.count("charges", "settlements", self.settlements.seen);
        made.map(|()| self.income)
    }
}

/// The ledger account that a charge of an order is posted to: what is paid ahead is deferred, a fee is income by itself.
fn order_account(charge: &Charge) -> String {
    match (charge.charge_type, charge.billing_mode) {
        (ChargeType::Fee, _) => LedgerAccount::Fees.to_string(),
        (_, BillingMode::Subscription) => LedgerAccount::Deferred(&charge.product).to_string(),
        (_, mode) => LedgerAccount::Income(&charge.product, mode).to_string(),
    }
}

/// The ledger account that a charge is income of.
fn income_account(charge: &Charge) -> String {
    // As the waterfall books it: what rounds a bill is no product's.
    match charge.product.as_str() {
        "rounding" => LedgerAccount::Rounding.to_string(),
        product => LedgerAccount::Income(product, charge.billing_mode).to_string(),
    }
}

/// What the manifest says of a file beside its bytes: how many rows, from when to when.
pub(super) fn compare_manifest(
    books: &Books,
    file: &LakeFile,
    rows: usize,
    starts: &[Instant],
    ends: &[Instant],
) -> Vec<audit::Finding> {
    let subject = || format!("`lake/{}`", file.path);
    let shown = |instant: Option<&Instant>| instant.map_or("never".to_owned(), |instant| books.zone.to_text(*instant));
    let start = shown(starts.iter().min());
    let end = shown(ends.iter().max());
    [
        audit::compare_counts(subject(), "it has as many rows as the manifest says", file.rows, rows as u64),
        audit::compare_texts(subject(), "it starts when the manifest says", &shown(Some(&file.span.start)), &start),
        audit::compare_texts(subject(), "it ends when the manifest says", &shown(Some(&file.span.end)), &end),
    ]
    .into_iter()
    .flatten()
    .collect()
}

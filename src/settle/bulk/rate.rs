//! Hours rated: sums to lines, and lines in bulk straight to a file of charges.

use super::plan::{NONE, Plan, is_bulk_price};
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::files;
use crate::lake;
use crate::settle::load::Knowledge;
use reckoner_core::number::{Money, Quantity};
use reckoner_core::price::Price;
use reckoner_core::rate::{DueWindow, Line, LineKey, Terms, Units, UnitsKey, is_flat_and_free, plain_amounts};
use reckoner_core::table::usage::tags_of;
use reckoner_store::{LakeFile, LakeKind};
use reckoner_tally::{BulkCharges, BulkLines, HourHeld, Repeated, Sum, write_charges};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// Below so many holdings one thread is enough; a development build takes several for few.
pub(super) const SPLIT_HOLDINGS: usize = if cfg!(debug_assertions) { 100 } else { 20_000 };
const THREADS_MAX: usize = 8;

/// A window that was rated.
pub(in crate::settle) struct RatedHour {
    pub due: DueWindow,
    /// `2026-01`.
    pub billing_period: Arc<str>,
    /// Lines that go the usual way.
    pub lines: Vec<Line>,
    /// What becomes of their units.
    pub units: BTreeMap<UnitsKey, Units>,
    /// Rows in force that fall into the window, of sums.
    pub rows: u64,
    /// How many charges are written in bulk.
    pub charges: u64,
    /// The file of them, if there are any.
    pub file: ChargeFile,
    /// What became due in bulk, in the order of accounts.
    pub dues: Vec<AccountDue>,
    /// The same by product.
    products: Vec<ProductDue>,
    /// The price rows of the bulk charges.
    pub prices: BTreeSet<String>,
}

/// A file of charges, which may still be being written: what became due is known before.
pub(in crate::settle) struct ChargeFile(Receiver<Result<LakeFile, Failure>>);

impl ChargeFile {
    /// Waits until it is placed. To be asked once, where there are charges.
    pub fn wait(&self) -> Result<LakeFile, Failure> {
        self.0.recv().unwrap_or_else(|_| Err(Failure::failed("the charges of a window were not written to their end")))
    }
}

/// What became due in bulk for an account, in its first settlement at the instant.
pub(in crate::settle) struct AccountDue {
    pub account_id: Arc<str>,
    pub settlement_id: Arc<str>,
    pub charges: u64,
    pub due: Money,
    account: u32,
    products: Range<usize>,
}

/// What became due for an account under a price's product and mode.
pub(in crate::settle) struct ProductDue {
    pub price: Arc<Price>,
    pub due: Money,
}

impl RatedHour {
    /// What became due for an account, by product.
    pub fn products_of(&self, due: &AccountDue) -> &[ProductDue] {
        &self.products[due.products.clone()]
    }

    /// What became due, by account and product.
    pub fn products(&self) -> &[ProductDue] {
        &self.products
    }
}

/// Adds to the product of a price, among those from `first` on.
fn add_due(products: &mut Vec<ProductDue>, first: usize, price: &Arc<Price>, due: Money) {
    let is_same = |known: &&mut ProductDue| {
        Arc::ptr_eq(&known.price, price)
            || (known.price.row.product == price.row.product && known.price.row.billing_mode == price.row.billing_mode)
    };
    match products[first..].iter_mut().find(is_same) {
        Some(known) => known.due += due,
        None => products.push(ProductDue { price: Arc::clone(price), due }),
    }
}

/// Threads that are worth it to rate windows.
pub(in crate::settle) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).clamp(1, THREADS_MAX)
}

/// Rates the windows of a plan, several at once where there is much to do; in the order of the plan.
pub(super) fn rate(plan: &Plan, knowledge: &Knowledge, lake: &Path) -> Result<Vec<RatedHour>, Failure> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, RatedHour)>, Failure> {
        let (mut under_way, mut rated) = (UnderWay::default(), Vec::new());
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= plan.due.len() {
                return Ok(rated);
            }
            let tell = |hour: Result<RatedHour, Failure>| hour.map(|hour| rated.push((place, hour)));
            rate_window((plan, place), knowledge, lake, &mut under_way, tell)?;
        }
    };
    let threads = if plan.is_large() { threads().min(plan.due.len()) } else { 1 };
    let mut rated = Vec::new();
    if threads == 1 {
        rated = work()?;
    } else {
        std::thread::scope(|scope| -> Result<(), Failure> {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                rated.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(())
        })?;
    }
    rated.sort_by_key(|(place, _)| *place);
    Ok(rated.into_iter().map(|(_, hour)| hour).collect())
}

/// Rates one window of a plan: what came of it is told first, then its charges are written.
pub(in crate::settle) fn rate_window<T>(
    (plan, place): (&Plan, usize),
    knowledge: &Knowledge,
    lake: &Path,
    under_way: &mut UnderWay,
    tell: impl FnOnce(Result<RatedHour, Failure>) -> T,
) -> T {
    let mut hour = Hour::new(plan, &knowledge.terms, place);
    let (to_file, file) = channel();
    let rated = hour.rate(ChargeFile(file), under_way);
    let of_accounts = rated.as_ref().ok().filter(|rated| rated.charges > 0).map(|rated| OfAccounts::of(&hour, rated));
    let told = tell(rated);
    if let Some(of_accounts) = of_accounts {
        let written = hour.write(&of_accounts, (lake, knowledge.latest_seq), &mut under_way.repeated);
        // Whoever does not wait for it does not want it any more.
        drop(to_file.send(written));
    }
    hour.bulk.clear();
    under_way.bulk = hour.bulk;
    told
}

/// What a thread keeps from window to window: memory that was used before need not be asked for.
#[derive(Default)]
pub(in crate::settle) struct UnderWay {
    sums: HourHeld,
    bulk: BulkLines,
    repeated: Repeated,
}

/// Where the bulk lines of an account begin, and what became due for them.
struct BulkDue {
    account: u32,
    first_line: usize,
    first_product: usize,
}

/// One window being rated.
struct Hour<'a> {
    plan: &'a Plan,
    terms: &'a Terms,
    place: usize,
    due: DueWindow,
    bulk: BulkLines,
    /// What became due in bulk: lines are in the order of accounts, so an account's stand together.
    dues: Vec<BulkDue>,
    products: Vec<ProductDue>,
    /// By price whether a bulk line has it.
    is_used: Vec<bool>,
    lines: Vec<Line>,
    /// What does not go in bulk.
    others: Vec<Sum>,
    rows: u64,
}

impl<'a> Hour<'a> {
    fn new(plan: &'a Plan, terms: &'a Terms, place: usize) -> Self {
        let is_used = vec![false; plan.prices[place].prices.len()];
        Self {
            plan,
            terms,
            place,
            due: plan.due[place],
            bulk: BulkLines::default(),
            dues: Vec::new(),
            products: Vec::new(),
            is_used,
            lines: Vec::new(),
            others: Vec::new(),
            rows: 0,
        }
    }

    /// What came of it; the lines whose charges are to be written in bulk stay.
    fn rate(&mut self, file: ChargeFile, under_way: &mut UnderWay) -> Result<RatedHour, Failure> {
        let start = self.due.window.start.seconds();
        let held = &self.plan.base.held;
        self.bulk = std::mem::take(&mut under_way.bulk);
        self.bulk.reserve(if self.plan.bulk_windows[self.place] { held.holdings.len() } else { 0 });
        held.hour(start, |_| true, &mut under_way.sums, |sum| self.take(sum))?;
        if let Some(settled) = self.due.settled_seq {
            // Settled again: only what came since moves the accounting.
            self.others.clear();
            held.hour(start, |seq| seq > settled, &mut under_way.sums, |sum| self.others.push(sum))?;
        }
        let units = self.units()?;
        let (dues, products) = self.dues();
        let billing_period = self.terms.zone.billing_period(self.due.window.start);
        let used = self.plan.prices[self.place].prices.iter().zip(&self.is_used).filter(|(_, is_used)| **is_used);
        let prices = used.map(|(price, _)| price.price_id.clone()).collect();
        let (billing_period, lines) = (Arc::from(billing_period), std::mem::take(&mut self.lines));
        let (due, rows, charges) = (self.due, self.rows, self.bulk.len() as u64);
        Ok(RatedHour { due, billing_period, lines, units, rows, charges, file, dues, products, prices })
    }

    /// The price of a holding, unless it goes by its rows.
    fn price(&self, holding: u32) -> Option<u32> {
        let [account, _, sku] = self.plan.base.held.holdings.keys[holding as usize];
        let currency = self.plan.base.currencies[account as usize];
        if self.plan.by_rows[holding as usize] || currency == NONE {
            return None;
        }
        self.plan.prices[self.place].place(currency, sku)
    }

    fn take(&mut self, sum: Sum) {
        let Some(price) = self.price(sum.holding) else { return };
        self.rows += u64::from(sum.rows);
        let quantity = Quantity::from_e12(sum.used_e12);
        let (holding, [account, ..]) = (sum.holding, self.plan.base.held.holdings.keys[sum.holding as usize]);
        let row = &self.plan.prices[self.place].prices[price as usize];
        let is_bulk = self.plan.bulk_windows[self.place]
            && !self.is_frozen(holding)
            && self.plan.base.bulk_accounts[account as usize]
            && !self.plan.has_rows_beside[holding as usize]
            && is_bulk_price(row);
        match is_bulk.then(|| plain_amounts(row, quantity, &self.terms.profile)).flatten() {
            Some(amounts) => {
                self.is_used[price as usize] = true;
                if self.dues.last().is_none_or(|latest| latest.account != account) {
                    self.dues.push(BulkDue { account, first_line: self.bulk.len(), first_product: self.products.len() });
                }
                let first_product = self.dues[self.dues.len() - 1].first_product;
                add_due(&mut self.products, first_product, row, amounts.due);
                self.bulk.push(holding, price, quantity, amounts);
            }
            None => {
                self.lines.push(self.line(holding, row, quantity));
                self.others.push(sum);
            }
        }
    }

    /// Whether the account of a holding was frozen during all of the window.
    fn is_frozen(&self, holding: u32) -> bool {
        let frozen = &self.plan.frozen_accounts[self.place];
        !frozen.is_empty() && frozen.contains(&self.plan.base.held.holdings.keys[holding as usize][0])
    }

    fn line(&self, holding: u32, price: &Arc<Price>, quantity: Quantity) -> Line {
        let holdings = &self.plan.base.held.holdings;
        let [account_id, resource_id, sku] = holdings.texts(holding).map(str::to_owned);
        let [region, tags] = holdings.label_texts(holding);
        let book = self.terms.book_of(self.due);
        let (book_seq, settled_book_seq) = (book.seq_for(&account_id, &sku), book.settled_seq_for(&account_id, &sku));
        Line {
            key: LineKey { window: self.due.window, account_id, resource_id, sku, price_id: price.price_id.clone() },
            price: Arc::clone(price),
            settles_at: self.due.window.end,
            book_seq,
            settled_book_seq,
            quantity,
            waived: if self.is_frozen(holding) { quantity } else { Quantity::ZERO },
            is_frozen: self.is_frozen(holding),
            region: (!region.is_empty()).then(|| region.to_owned()),
            tags: tags_of(tags),
        }
    }

    /// The units of what does not go in bulk: bulk charges count their own.
    fn units(&self) -> Result<BTreeMap<UnitsKey, Units>, Failure> {
        let mut units: BTreeMap<UnitsKey, Units> = BTreeMap::new();
        for sum in &self.others {
            let Some(price) = self.price(sum.holding) else { continue };
            let price = &self.plan.prices[self.place].prices[price as usize];
            let [account_id, _, sku] = self.plan.base.held.holdings.texts(sum.holding);
            let key = (self.due.window.start, account_id.to_owned(), sku.to_owned(), price.row.unit.as_str().to_owned());
            let used = Quantity::from_e12(sum.used_e12);
            let added = match is_flat_and_free(price) || self.is_frozen(sum.holding) {
                true => Units { zero_rated: used, ..Units::default() },
                false => Units { charged: used, ..Units::default() },
            };
            let entry = units.entry(key).or_default();
            *entry = entry.plus(added).map_err(reckoner_frames::FrameError::from)?;
        }
        units.retain(|_, counted| *counted != Units::default());
        Ok(units)
    }

    /// What became due in bulk, by account and product.
    fn dues(&mut self) -> (Vec<AccountDue>, Vec<ProductDue>) {
        let (base, dues, products) = (&self.plan.base, &self.dues, std::mem::take(&mut self.products));
        let settlement_ids = base.settlement_ids.at(self.due.window.end, dues.iter().map(|due| due.account as usize));
        let ends = dues.iter().skip(1).map(|next| (next.first_line, next.first_product));
        let ends = ends.chain([(self.bulk.len(), products.len())]);
        let due = |((due, (end_line, end_product)), settlement_id): ((&BulkDue, (usize, usize)), String)| AccountDue {
            account: due.account,
            account_id: Arc::clone(&base.account_ids[due.account as usize]),
            settlement_id: Arc::from(settlement_id),
            charges: (end_line - due.first_line) as u64,
            due: products[due.first_product..end_product].iter().map(|product| product.due).sum(),
            products: due.first_product..end_product,
        };
        (dues.iter().zip(ends).zip(settlement_ids).map(due).collect(), products)
    }

    fn write(
        &self,
        OfAccounts { billing_period, settlement_ids, cost_centers }: &OfAccounts,
        (lake, latest_seq): (&Path, u64),
        repeated: &mut Repeated,
    ) -> Result<LakeFile, Failure> {
        let (holdings, window) = (&self.plan.base.held.holdings, self.due.window);
        let charges = BulkCharges {
            window,
            billing_period,
            holdings,
            ids: &self.plan.base.ids,
            prices: &self.plan.prices[self.place].prices,
            lines: &self.bulk,
            settlement_ids,
            cost_centers,
        };
        let day = self.terms.zone.date_of(window.start).to_string();
        let folder = format!("charges/day={day}");
        let placed = lake::write_of(lake, &folder, "", "parquet", |out| write_charges(&charges, repeated, out))?;
        faults::pass(Point::SettleChargeFilePlaced)?;
        files::let_go(&lake.join(&placed.path));
        Ok(LakeFile {
            path: placed.path,
            kind: LakeKind::Charges,
            seq: latest_seq,
            file_id: String::new(),
            companion: String::new(),
            counts_units: true,
            rows: self.bulk.len() as u64,
            bytes: placed.bytes,
            sha256: placed.sha256,
            span: window,
        })
    }
}

/// What charges say of their accounts.
struct OfAccounts {
    billing_period: Arc<str>,
    /// By account code.
    settlement_ids: Vec<Arc<str>>,
    cost_centers: Vec<Option<String>>,
}

impl OfAccounts {
    fn of(hour: &Hour<'_>, rated: &RatedHour) -> Self {
        let base = &hour.plan.base;
        let mut settlement_ids = vec![Arc::from(""); base.account_ids.len()];
        let mut cost_centers = vec![None; base.account_ids.len()];
        for due in &rated.dues {
            let account = due.account as usize;
            settlement_ids[account] = Arc::clone(&due.settlement_id);
            if base.has_cost_center[account] {
                let row = hour.terms.accounts.at(&due.account_id, hour.due.window.start);
                cost_centers[account] = row.and_then(|row| row.cost_center.clone());
            }
        }
        Self { billing_period: Arc::clone(&rated.billing_period), settlement_ids, cost_centers }
    }
}

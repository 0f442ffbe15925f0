//! Load: fetch from the store and the lake what a batch of windows needs. No decision is made here.

use super::Wish;
use super::bulk::{self, Base, Beside, Plan, RatedHour, Ready, Scope};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::account::Accounts;
use reckoner_core::price::{DiscountBook, PriceBook, is_tiered};
use reckoner_core::rate::{Bookmark, Charge, Counted, DueWindow, Frozen, Line, LineKey, Repricing, Terms, TierKey, Tiers, Units};
use reckoner_core::rerun::Pair;
use reckoner_core::schedule::{DueQuery, SettledState, Standings, Which, WindowOrder, due_windows};
use reckoner_core::table::{FundsRow, OrderRow, SettleWindow};
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{ChargeFilter, CountTask, FrameError, RowFile, RowsRead, account_skus, count, read_charges};
use reckoner_store::{LakeFile, RunRecord, Store, StoreError, TierTotal};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What a whole command knows: read once.
pub(super) struct Knowledge {
    pub terms: Terms,
    pub due: Vec<DueWindow>,
    /// Windows that are due as well, and that an operator holds back.
    pub held: Vec<DueWindow>,
    /// How many orders about windows were known: `verify` tells by it what was held.
    pub window_orders: usize,
    /// The skus with a price that settles in windows of each kind: others need not be read for them.
    pub skus_by_kind: BTreeMap<SettleWindow, BTreeSet<String>>,
    pub latest_seq: u64,
    /// Where everything has been looked at: what becomes known of earlier windows takes effect here.
    pub effective_from: Instant,
    /// Ends of windows that were settled before: their settlements have a revision above 0 perhaps.
    pub settled_ends: HashSet<Instant>,
    /// When rows in quarantine say they began.
    pub quarantined: Vec<Instant>,
    /// Earlier runs, for counting attempts; empty where no window is settled again.
    pub runs: Vec<RunRecord>,
    /// How many reruns and runs of a part there were before this one.
    pub bookmarks: usize,
    /// What orders, renewals and expiries are held against.
    pub lives: reckoner_engine::Knowledge,
}

/// What a batch needs.
pub(super) struct Loaded {
    pub due: Vec<DueWindow>,
    pub counted: Counted,
    /// Windows with charges that are written already, in bulk.
    pub bulk: Vec<RatedHour>,
    /// Rows in force that fall into each window.
    pub rows_in: HashMap<(SettleWindow, Window), u64>,
    pub row_files: Vec<LakeFile>,
    /// The accounts and skus with news in windows that are settled.
    pub news: HashSet<Pair>,
    pub posted: Vec<Charge>,
    pub tiers: Tiers,
    pub funds: Vec<FundsRow>,
    /// Accounts for which something of their lives is due.
    pub lives: Vec<String>,
    /// Orders whose instant has come.
    pub orders: Vec<OrderRow>,
    /// Up to where lives go on.
    pub until: Instant,
}

/// The windows that a wish names, and earlier runs where they matter.
pub(super) fn due(books: &Books, wish: &Wish, until: Instant) -> Result<(WindowState, Vec<RunRecord>), Failure> {
    let mut windows = windows(books, until, wish.within, wish.which)?;
    let WindowState { due, held, .. } = &mut windows;
    if let Some(kind) = wish.kind {
        due.retain(|window| window.kind == kind);
        held.retain(|window| window.kind == kind);
    }
    let matter = due.iter().any(|window| window.settled_seq.is_some()) || wish.rerun.is_some();
    let runs = if matter { books.store().runs()? } else { Vec::new() };
    if wish.rerun.as_ref().is_some_and(|rerun| rerun.is_failed_only) {
        due.retain(|due| has_failed(due, &runs));
    }
    Ok((windows, runs))
}

/// What is known beside the windows that are due.
pub(super) fn knowledge(books: &Books, wish: &Wish, due: (WindowState, Vec<RunRecord>)) -> Result<Knowledge, Failure> {
    let store = books.store();
    let (WindowState { due, held, orders, settled, skus_by_kind, latest_seq, .. }, runs) = due;
    let states = due.iter().map(|window| window.book_seq).chain([latest_seq]);
    let known = Reference::load(books)?;
    let (accounts, prices, discounts) = (known.accounts.clone(), &known.prices, &known.discounts);
    let lives = reckoner_engine::Knowledge::beside(store, &books.profile, books.zone, accounts, prices, discounts)?;
    let mut terms = known.terms(books, states)?;
    let bookmarks = terms.bookmarks().len();
    if wish.reprices() {
        terms = terms.repricing(Repricing { book_seq: latest_seq, is_partial: wish.is_partial() });
    }
    Ok(Knowledge {
        terms,
        settled_ends: settled.keys().map(|(_, window)| window.end).collect(),
        quarantined: quarantined_starts(store)?,
        runs,
        bookmarks,
        due,
        held,
        window_orders: orders.len(),
        skus_by_kind,
        latest_seq,
        effective_from: store.frontier()?.unwrap_or(Instant::MIN),
        lives,
    })
}

/// Whether the last run of the window did not come to its end.
fn has_failed(due: &DueWindow, runs: &[RunRecord]) -> bool {
    let last = runs.iter().rev().find(|run| run.window == due.window && run.job == "hourly");
    last.is_some_and(|run| run.status != "done")
}

/// Where the windows stand.
pub struct WindowState {
    /// Windows with news that end by the instant asked for, oldest first, but for those that are held.
    pub due: Vec<DueWindow>,
    /// Those that an operator holds back, oldest first.
    pub held: Vec<DueWindow>,
    /// What operators said, in the order said.
    pub orders: Vec<WindowOrder>,
    /// Windows settled at least once.
    pub settled: BTreeMap<(SettleWindow, Window), SettledState>,
    /// Hours (by start, UTC) that rows touched, with the newest delivery that touched each.
    pub touched: Vec<(Instant, u64)>,
    /// The skus with a price that settles in windows of each kind.
    pub skus_by_kind: BTreeMap<SettleWindow, BTreeSet<String>>,
    /// The newest delivery.
    pub latest_seq: u64,
}

/// Which windows have news (or are wanted for another reason), of those that end by `until` and lie inside `within`.
///
/// # Errors
/// What the store says.
pub fn windows(books: &Books, until: Instant, within: Option<Window>, which: Which) -> Result<WindowState, Failure> {
    let store = books.store();
    let mut skus_by_kind: BTreeMap<SettleWindow, BTreeSet<String>> = BTreeMap::new();
    for known in store.prices()? {
        skus_by_kind.entry(known.row.settle).or_default().insert(known.row.sku);
    }
    let touched: Vec<(Instant, u64)> = store.touched_hours(0)?.iter().map(|hour| (hour.start, hour.seq)).collect();
    let settled: BTreeMap<(SettleWindow, Window), SettledState> = store
        .settled_windows()?
        .iter()
        .map(|known| ((known.kind, known.window), SettledState { settled_seq: known.settled_seq, book_seq: known.book_seq }))
        .collect();
    let latest_seq = store.latest_seq()?;
    let kinds = skus_by_kind.keys().copied().collect();
    let query =
        DueQuery { touched: &touched, settled: &settled, kinds: &kinds, until, within, which, latest_seq, zone: books.zone };
    let orders = store.window_orders()?;
    let (due, held) = Standings::new(&orders).part(due_windows(&query));
    Ok(WindowState { due, held, orders, settled, touched, skus_by_kind, latest_seq })
}

/// The terms of these states of knowledge: prices, discounts, accounts, profile.
pub fn terms(books: &Books, states: impl IntoIterator<Item = u64>) -> Result<Terms, Failure> {
    Ok(Reference::load(books)?.terms(books, states)?)
}

/// The rows that prices and payments are told by, read once.
struct Reference {
    accounts: Accounts,
    prices: PriceBook,
    discounts: DiscountBook,
}

impl Reference {
    fn load(books: &Books) -> Result<Self, Failure> {
        let discounts = DiscountBook::new(books.store().discounts()?.into_iter().map(|known| (known.seq, known.row)));
        Ok(Self { accounts: books.accounts()?, prices: books.price_book()?, discounts })
    }

    fn terms(self, books: &Books, states: impl IntoIterator<Item = u64>) -> Result<Terms, StoreError> {
        let bookmarks: Vec<Bookmark> = books.store().bookmarks()?.into_iter().map(|record| record.bookmark).collect();
        let states: BTreeSet<u64> = states.into_iter().chain(bookmarks.iter().map(|mark| mark.book_seq)).collect();
        let terms = Terms::new(books.profile.clone(), books.zone, self.accounts, &self.prices, &self.discounts, states);
        Ok(terms.with_bookmarks(bookmarks))
    }
}

fn quarantined_starts(store: &dyn Store) -> Result<Vec<Instant>, Failure> {
    let items = store.quarantine()?;
    let started = items.iter().filter(|item| item.kind == "usage" && item.status == "open").filter_map(|item| {
        let (_, text) = item.raw.iter().find(|(column, _)| column == "started_at")?;
        Instant::parse(text).ok()
    });
    Ok(started.collect())
}

/// The accounts for which something is due by itself, and the orders that accounts placed.
fn lives(store: &dyn Store, wish: &Wish, knowledge: &Knowledge, until: Instant) -> Result<(Vec<String>, Vec<OrderRow>), Failure> {
    if !has_lives(wish) {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut orders = store.pending_orders(until)?;
    orders.retain(|order| is_asked(wish, &order.account_id));
    let mut due = reckoner_engine::due_accounts(store, &knowledge.lives, until)?;
    due.retain(|account_id| is_asked(wish, account_id));
    Ok((due, orders))
}

/// Whether lives go on with the windows. A rerun repeats the past of use alone, and where only one sku is settled, what an
/// account could pay with is not known.
fn has_lives(wish: &Wish) -> bool {
    wish.rerun.is_none() && wish.sku.is_none()
}

fn is_asked(wish: &Wish, account_id: &str) -> bool {
    wish.account_id.as_ref().is_none_or(|wanted| wanted == account_id)
}

/// When accounts were frozen in these windows, as known and as foreseen.
pub(super) fn frozen(books: &Books, wish: &Wish, due: &[DueWindow]) -> Result<(Frozen, Arc<Frozen>), Failure> {
    let Some(span) = span_of(due) else { return Ok((Frozen::default(), Arc::default())) };
    let store = books.store();
    let known = reckoner_engine::frozen(store, &books.profile, span)?;
    // Whoever only comes into arrears by then is not foreseen, so that nobody looks for them.
    let mut freezing = if has_lives(wish) { store.life_due(span.end)? } else { Vec::new() };
    freezing.retain(|account_id| is_asked(wish, account_id));
    let foreseen = reckoner_engine::frozen_foreseen(store, &books.profile, &known, span, &freezing)?;
    Ok((known, Arc::new(foreseen)))
}

pub(super) fn batch(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    (due, frozen): (&[DueWindow], &Arc<Frozen>),
    until: Instant,
    mut ready: Option<Ready>,
) -> Result<Loaded, Failure> {
    let store = books.store();
    // Money comes before the settlement of its instant, also where only some accounts are settled: theirs is carried out.
    let mut funds = store.pending_funds(until)?;
    funds.retain(|row| is_asked(wish, &row.account_id));
    let (lives, orders) = lives(store, wish, knowledge, until)?;
    let mut loaded = Loaded { due: due.to_vec(), funds, lives, orders, ..Loaded::nothing(until) };
    let Some(span) = span_of(due) else { return Ok(loaded) };
    let scope = Scope::load(books, span)?;
    let again: Vec<DueWindow> = due.iter().filter(|window| window.settled_seq.is_some()).copied().collect();
    let news = news_of(books, &again, &scope, span)?;

    for kind in SettleWindow::ALL {
        for is_again in [false, true] {
            let is_asked = |window: &&DueWindow| window.kind == kind && window.settled_seq.is_some() == is_again;
            let windows: Vec<DueWindow> = due.iter().filter(is_asked).copied().collect();
            let (by_sums, by_rows) = bulk::part(wish, &scope, windows);
            let wanted = (is_again && !wish.reprices()).then_some(&news);
            loaded.count_rows(books, (wish, knowledge, frozen), &scope, (kind, &by_rows), wanted)?;
            if by_sums.is_empty() {
                continue;
            }
            let ready = match ready.take_if(|ready| ready.plan.due == by_sums && ready.plan.frozen == *frozen) {
                Some(ready) => ready,
                None => {
                    let held = bulk::open(books, wish, &scope.partial_files, wanted)?;
                    let base = Base::of(books, knowledge, &scope.partial_files, held)?;
                    Plan::new(books, wish, knowledge, &scope, (by_sums, frozen), wanted, base)?.rate(knowledge, &books.lake())?
                }
            };
            loaded.add_rated(ready)?;
        }
    }
    loaded.row_files = scope.row_files;
    let in_bulk: HashSet<Instant> = loaded.bulk.iter().map(|hour| hour.due.window.end).collect();
    let may_be_posted: Vec<DueWindow> = due.iter().filter(|due| !in_bulk.contains(&due.window.end)).copied().collect();
    loaded.posted = posted(books, wish, knowledge, &may_be_posted, &news)?;
    loaded.news = news;
    loaded.tiers = tiers(books, knowledge, &loaded.counted, &loaded.posted)?;
    Ok(loaded)
}

impl Loaded {
    fn nothing(until: Instant) -> Self {
        Self {
            due: Vec::new(),
            counted: Counted::default(),
            bulk: Vec::new(),
            rows_in: HashMap::new(),
            row_files: Vec::new(),
            news: HashSet::new(),
            posted: Vec::new(),
            tiers: Tiers::default(),
            funds: Vec::new(),
            lives: Vec::new(),
            orders: Vec::new(),
            until,
        }
    }

    /// Counts windows of one kind by their rows.
    fn count_rows(
        &mut self,
        books: &Books,
        (wish, knowledge, frozen): (&Wish, &Knowledge, &Frozen),
        scope: &Scope,
        (kind, windows): (SettleWindow, &[DueWindow]),
        account_skus: Option<&HashSet<Pair>>,
    ) -> Result<(), Failure> {
        if windows.is_empty() {
            return Ok(());
        }
        let files: Vec<RowFile> = scope.row_files.iter().map(|file| books.row_file(file)).collect();
        let (counted, read) = count(&CountTask {
            files: &files,
            superseded: &scope.replaced(),
            due: windows,
            terms: &knowledge.terms,
            frozen,
            account_id: wish.account_id.as_deref(),
            sku: wish.sku.as_deref(),
            skus: knowledge.skus_by_kind.get(&kind),
            account_skus,
        })?;
        self.add(windows, counted, read)
    }

    /// Adds what was settled by sums: lines that rows add to are made one, and bulk charges stand as they are.
    fn add_rated(&mut self, ready: Ready) -> Result<(), Failure> {
        let Ready { plan, beside: Beside { counted, rows }, rated } = ready;
        let mut lines: BTreeMap<LineKey, Line> = counted.lines.into_iter().map(|line| (line.key.clone(), line)).collect();
        let mut units = counted.units;
        let mut by_due = rows;
        for (place, mut hour) in rated.into_iter().enumerate() {
            by_due[place] += hour.rows;
            for line in hour.lines.drain(..) {
                match lines.get_mut(&line.key) {
                    Some(beside) => {
                        beside.quantity = beside.quantity.plus(line.quantity).map_err(FrameError::from)?;
                        beside.waived = beside.waived.plus(line.waived).map_err(FrameError::from)?;
                        beside.is_frozen |= line.is_frozen;
                    }
                    None => {
                        lines.insert(line.key.clone(), line);
                    }
                }
            }
            for (key, added) in std::mem::take(&mut hour.units) {
                let sum = units.entry(key).or_default();
                *sum = sum.plus(added).map_err(FrameError::from)?;
            }
            if hour.charges > 0 {
                self.bulk.push(hour);
            }
        }
        units.retain(|_, counted| *counted != Units::default());
        self.add(&plan.due, Counted { lines: lines.into_values().collect(), units }, RowsRead { by_due })
    }

    fn add(&mut self, windows: &[DueWindow], counted: Counted, read: RowsRead) -> Result<(), Failure> {
        self.counted.lines.extend(counted.lines);
        for (key, units) in counted.units {
            let sum = self.counted.units.entry(key).or_default();
            *sum = sum.plus(units).map_err(FrameError::from)?;
        }
        self.rows_in.extend(windows.iter().map(|window| (window.kind, window.window)).zip(read.by_due));
        Ok(())
    }
}

pub(super) fn span_of(due: &[DueWindow]) -> Option<Window> {
    let start = due.iter().map(|due| due.window.start).min()?;
    Some(Window::new(start, due.iter().map(|due| due.window.end).max()?))
}

/// The (account, sku) with rows that arrived or were replaced after some of these windows were settled.
fn news_of(books: &Books, again: &[DueWindow], scope: &Scope, span: Window) -> Result<HashSet<Pair>, Failure> {
    let Some(oldest) = again.iter().filter_map(|window| window.settled_seq).min() else { return Ok(HashSet::new()) };
    let newer = scope.row_files.iter().filter(|file| file.seq > oldest).map(|file| books.row_file(file));
    let mut news = account_skus(&newer.collect::<Vec<_>>(), span)?;
    let replaced = scope.superseded.iter().filter(|row| row.seq > oldest);
    news.extend(replaced.map(|row| (row.account_id.clone(), row.sku.clone())));
    Ok(news)
}

/// What is posted for the lines of these windows.
fn posted(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    due: &[DueWindow],
    news: &HashSet<Pair>,
) -> Result<Vec<Charge>, Failure> {
    let Some(span) = span_of(due) else { return Ok(Vec::new()) };
    let files = books.store().charge_files(span)?;
    let paths: Vec<_> = files.iter().map(|file| books.lake_path(file)).collect();
    // Of windows that are settled again only what has news is looked at; one that was never settled may have runs of parts.
    let is_by_news = !wish.reprices() && due.iter().all(|window| window.settled_seq.is_some());
    let filter = ChargeFilter {
        within: Some(span),
        account_id: wish.account_id.clone(),
        account_skus: is_by_news.then(|| news.clone()),
        ..ChargeFilter::default()
    };
    let by_window: HashMap<(SettleWindow, Instant), &DueWindow> =
        due.iter().map(|window| ((window.kind, window.window.end), window)).collect();
    let is_asked = |charge: &Charge| {
        let Some(price) = knowledge.terms.price_by_id(&charge.key.price_id) else { return false };
        let Some(window) = by_window.get(&(price.row.settle, charge.transaction_at)) else { return false };
        window.window.start <= charge.key.window.start
            && wish.sku.as_ref().is_none_or(|sku| *sku == charge.key.sku)
            && (window.settled_seq.is_none()
                || wish.reprices()
                || news.contains(&(charge.key.account_id.clone(), charge.key.sku.clone())))
    };
    Ok(read_charges(&paths, &filter)?.into_iter().filter(is_asked).collect())
}

/// The month's running totals of every tiered price that the batch touches.
fn tiers(books: &Books, knowledge: &Knowledge, counted: &Counted, posted: &[Charge]) -> Result<Tiers, Failure> {
    let of_lines = counted.lines.iter().filter(|line| is_tiered(&line.price.row.model)).map(|line| &line.key);
    let of_posted = posted.iter().map(|charge| &charge.key).filter(|key| {
        let price = knowledge.terms.price_by_id(&key.price_id);
        price.is_some_and(|price| is_tiered(&price.row.model))
    });
    let pairs: BTreeSet<(String, String)> =
        of_lines.chain(of_posted).map(|key| (key.account_id.clone(), key.sku.clone())).collect();
    let mut tiers = Tiers::new();
    if pairs.is_empty() {
        return Ok(tiers);
    }
    for total in books.store().tier_totals(&pairs.into_iter().collect::<Vec<_>>())? {
        let key = tier_key(&total, &knowledge.terms);
        tiers.entry(key).or_default().by_resource.insert(total.resource_id, total.quantity);
    }
    Ok(tiers)
}

fn tier_key(total: &TierTotal, terms: &Terms) -> TierKey {
    TierKey {
        account_id: total.account_id.clone(),
        sku: total.sku.clone(),
        price_id: total.price_id.clone(),
        billing_period: total.billing_period.clone(),
        resource_id: terms.tier_resource(&total.resource_id),
    }
}

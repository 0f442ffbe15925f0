//! Which windows, accounts and skus can be settled by sums, and which by rows.

use super::super::Wish;
use super::super::load::Knowledge;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::pay::FirstSettlementIds;
use reckoner_core::price::{Price, is_tiered};
use reckoner_core::rate::{Counted, DueWindow, FirstChargeIds, Frozen, Terms, plain_price};
use reckoner_core::rerun::Pair;
use reckoner_core::table::SettleWindow;
use reckoner_core::time::Window;
use reckoner_frames::{CountTask, RowFile, RowsRead, account_skus, count};
use reckoner_store::{LakeFile, SupersededRow};
use reckoner_tally::{Held, Holdings, Wanted};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

const HOUR: i64 = 3_600;
/// No price.
pub(super) const NONE: u32 = u32::MAX;

/// What a plan is made from: the files and replacements of a time.
pub(in crate::settle) struct Scope {
    pub row_files: Vec<LakeFile>,
    pub partial_files: Vec<LakeFile>,
    pub superseded: Vec<SupersededRow>,
}

impl Scope {
    pub fn load(books: &Books, span: Window) -> Result<Self, Failure> {
        let store = books.store();
        Ok(Self {
            row_files: store.row_files(span)?,
            partial_files: store.partial_files(span)?,
            superseded: store.superseded(span)?,
        })
    }

    /// Replaced rows, by delivered file and line, with the delivery that replaced them.
    pub fn replaced(&self) -> HashMap<(String, u64), u64> {
        self.superseded.iter().map(|row| ((row.file_id.clone(), row.line), row.seq)).collect()
    }

    fn has_sums(&self) -> HashSet<&str> {
        self.partial_files.iter().map(|file| file.companion.as_str()).collect()
    }
}

/// Hours that are settled by sums, as far as sums suffice.
pub(in crate::settle) struct Plan {
    /// The hours.
    pub due: Vec<DueWindow>,
    /// When accounts were frozen.
    pub frozen: Arc<Frozen>,
    /// By window the accounts, by code, that were frozen during all of it: their lines are free.
    pub frozen_accounts: Vec<HashSet<u32>>,
    /// The sums, and what is the same in every window.
    pub base: Arc<Base>,
    /// By window, the price of each currency and sku, where it is one price for all use of the window.
    pub prices: Vec<PriceTable>,
    /// By holding whether it goes by its rows in every window.
    pub by_rows: Vec<bool>,
    /// By holding whether rows without sums add to its lines.
    pub has_rows_beside: Vec<bool>,
    /// By window whether it may have bulk charges at all.
    pub bulk_windows: Vec<bool>,
    /// What is counted from rows beside the sums.
    pub beside: Beside,
}

/// Lines and units counted from rows, and how many rows of each window.
#[derive(Default)]
pub(in crate::settle) struct Beside {
    pub counted: Counted,
    pub rows: Vec<u64>,
}

/// Sums, and what is the same in every window: made once for the windows of a day.
pub(in crate::settle) struct Base {
    /// The files, by path.
    files: Vec<String>,
    /// The sums.
    pub held: Held,
    /// The ids of the holdings' first charges.
    pub ids: FirstChargeIds,
    /// Those of the accounts' first settlements, by account code.
    pub settlement_ids: FirstSettlementIds,
    /// The accounts, by code.
    pub account_ids: Vec<Arc<str>>,
    /// By account code the code of its currency; none: unknown.
    pub currencies: Vec<u32>,
    /// By account code whether its use may go in bulk.
    pub bulk_accounts: Vec<bool>,
    /// By account code whether it ever has a cost centre.
    pub has_cost_center: Vec<bool>,
    units: UnitsOf,
}

/// Opens files of sums; of windows that are settled again `news` are the accounts and skus wanted.
pub(in crate::settle) fn open(
    books: &Books,
    wish: &Wish,
    files: &[LakeFile],
    news: Option<&HashSet<Pair>>,
) -> Result<Held, Failure> {
    let mut skus_of: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (account_id, sku) in news.into_iter().flatten() {
        skus_of.entry(account_id).or_default().insert(sku);
    }
    let is_wanted = |account_id: &str, sku: &str| {
        wish.account_id.as_deref().is_none_or(|wanted| wanted == account_id)
            && wish.sku.as_deref().is_none_or(|wanted| wanted == sku)
            && (news.is_none() || skus_of.get(account_id).is_some_and(|skus| skus.contains(sku)))
    };
    let is_all = news.is_none() && wish.account_id.is_none() && wish.sku.is_none();
    let wanted: Option<&Wanted<'_>> = if is_all { None } else { Some(&is_wanted) };
    Ok(Held::load(of_deliveries(books, files), wanted)?)
}

/// Where the files lie, with the numbers of their deliveries.
pub(super) fn of_deliveries(books: &Books, files: &[LakeFile]) -> Vec<(PathBuf, u64)> {
    files.iter().map(|file| (books.lake_path(file), file.seq)).collect()
}

impl Base {
    /// Of the sums of these files.
    pub fn of(books: &Books, knowledge: &Knowledge, files: &[LakeFile], held: Held) -> Result<Arc<Self>, Failure> {
        let holdings = &held.holdings;
        let (ids, of_accounts) = std::thread::scope(|scope| {
            let ids_of = |some: Range<u32>| FirstChargeIds::of_holdings(some.map(|holding| holdings.texts(holding)));
            let (middle, end) = (holdings.len() as u32 / 2, holdings.len() as u32);
            let ids = [0..middle, middle..end].map(|half| scope.spawn(move || ids_of(half)));
            let currencies = currencies(holdings, &knowledge.terms);
            let units = units_of(holdings, &currencies);
            let of_accounts = (currencies, units, bulk_accounts(books, &knowledge.terms, holdings));
            let [mut ids, others] = ids.map(|ids| ids.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            ids.append(&others);
            (ids, of_accounts)
        });
        let (currencies, units, bulk_accounts) = of_accounts;
        let accounts = holdings.accounts.texts();
        Ok(Arc::new(Self {
            files: paths(files),
            ids,
            settlement_ids: FirstSettlementIds::of_accounts(accounts.iter()),
            units,
            account_ids: accounts.iter().map(Arc::from).collect(),
            currencies,
            bulk_accounts: bulk_accounts?,
            has_cost_center: accounts.iter().map(|id| knowledge.terms.accounts.has_cost_center(id)).collect(),
            held,
        }))
    }

    /// The accounts that were frozen during all of a window.
    fn frozen_during(&self, frozen: &Frozen, window: Window) -> HashSet<u32> {
        let touched: HashSet<&str> = frozen.during(window).filter(|account_id| frozen.covers(account_id, window)).collect();
        if touched.is_empty() {
            return HashSet::new();
        }
        (0..).zip(&self.account_ids).filter(|(_, account_id)| touched.contains(&***account_id)).map(|(code, _)| code).collect()
    }

    /// Whether it is made of these files.
    pub fn is_of(&self, files: &[LakeFile]) -> bool {
        self.files == paths(files)
    }
}

pub(super) fn paths(files: &[LakeFile]) -> Vec<String> {
    files.iter().map(|file| file.path.clone()).collect()
}

/// The prices of a window.
#[derive(Debug, Default)]
pub(in crate::settle) struct PriceTable {
    /// The distinct ones.
    pub prices: Vec<Arc<Price>>,
    /// By currency, for each sku the place of its price, or none.
    places: Vec<Vec<u32>>,
}

impl PriceTable {
    /// The place of the price of a sku in a currency, if sums suffice for it.
    pub fn place(&self, currency: u32, sku: u32) -> Option<u32> {
        self.places.get(currency as usize)?.get(sku as usize).copied().filter(|place| *place != NONE)
    }

    fn put(&mut self, (currency, sku): (u32, u32), place: u32) {
        let fill = |places: &mut Vec<u32>, len: usize| places.resize(places.len().max(len), NONE);
        self.places.resize_with(self.places.len().max(currency as usize + 1), Vec::new);
        let of_currency = &mut self.places[currency as usize];
        fill(of_currency, sku as usize + 1);
        of_currency[sku as usize] = place;
    }
}

/// Whether a window can be settled by sums: they are kept by UTC hour.
pub(super) fn is_summed(due: &DueWindow) -> bool {
    let Window { start, end } = due.window;
    due.kind == SettleWindow::Hour && end.seconds() - start.seconds() == HOUR && start.seconds().rem_euclid(HOUR) == 0
}

impl Plan {
    /// Plans these windows, all never settled before or all settled again; `news` are the accounts and skus wanted of the
    /// latter.
    pub fn new(
        books: &Books,
        wish: &Wish,
        knowledge: &Knowledge,
        scope: &Scope,
        (due, frozen): (Vec<DueWindow>, &Arc<Frozen>),
        news: Option<&HashSet<Pair>>,
        base: Arc<Base>,
    ) -> Result<Self, Failure> {
        let Base { held, units, .. } = base.as_ref();
        let span = super::super::load::span_of(&due).expect("a plan has windows");
        let mut rows = Rows::new(books, (wish, knowledge, frozen), scope, span, news)?;
        rows.find_mixed(&held.holdings);
        rows.find_frozen(&held.holdings, &due);
        let beside = rows.count_beside(&due)?;
        rows.find_other_labels(&held.holdings, &beside);

        let terms = &knowledge.terms;
        let price_table = |due: &DueWindow| table(*due, &held.holdings, units, terms);
        let prices: Vec<PriceTable> = due.iter().map(price_table).collect();
        let (counted, of_windows) = rows.count(&due, &base, &prices)?;
        let holds_pair = |pairs: &HashSet<Pair>| -> Vec<bool> {
            let holdings = 0..held.holdings.len() as u32;
            if pairs.is_empty() {
                return vec![false; held.holdings.len()];
            }
            holdings.map(|holding| pairs.contains(&pair_of(&held.holdings, holding))).collect()
        };
        let bulk_windows = due.iter().map(|due| may_be_bulk(wish, knowledge, due, news)).collect();
        Ok(Self {
            by_rows: holds_pair(&rows.always),
            has_rows_beside: holds_pair(&rows.beside),
            bulk_windows,
            frozen: Arc::clone(frozen),
            frozen_accounts: due.iter().map(|due| base.frozen_during(frozen, due.window)).collect(),
            due,
            prices,
            beside: Beside { counted, rows: of_windows },
            base,
        })
    }
}

fn pair_of(holdings: &Holdings, holding: u32) -> Pair {
    let [account_id, _, sku] = holdings.texts(holding);
    (account_id.to_owned(), sku.to_owned())
}

/// Whether all lines of a window are its first: no run of a part came before, and no settlement of its instant.
fn may_be_bulk(wish: &Wish, knowledge: &Knowledge, due: &DueWindow, news: Option<&HashSet<Pair>>) -> bool {
    let is_covered = |mark: &reckoner_core::rate::Bookmark| mark.covers.overlap(due.window).is_some();
    news.is_none()
        && !wish.is_partial()
        && !wish.is_dry_run
        && wish.rerun.is_none()
        && !knowledge.settled_ends.contains(&due.window.end)
        && !knowledge.terms.bookmarks().iter().any(is_covered)
}

/// Accounts whose lines need nothing but a price: no voucher to choose lines by, no discount that may fit.
fn bulk_accounts(books: &Books, terms: &Terms, holdings: &Holdings) -> Result<Vec<bool>, Failure> {
    let account_ids: Vec<String> = holdings.accounts.texts().iter().map(str::to_owned).collect();
    let with_vouchers: HashSet<String> =
        books.store().voucher_states(&account_ids)?.into_iter().map(|state| state.row.account_id).collect();
    Ok(account_ids.iter().map(|account_id| !with_vouchers.contains(account_id) && !terms.may_discount(account_id)).collect())
}

fn currencies(holdings: &Holdings, terms: &Terms) -> Vec<u32> {
    let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
    let code_of = |account_id: &str| {
        let Some(currency) = terms.accounts.currency(account_id) else { return NONE };
        let next = codes.len() as u32;
        *codes.entry(currency).or_insert(next)
    };
    holdings.accounts.texts().iter().map(code_of).collect()
}

/// By currency and sku the code of an account that uses it, and the units in which sums of it are measured.
type UnitsOf = BTreeMap<(u32, u32), (u32, BTreeSet<String>)>;

fn units_of(holdings: &Holdings, currencies: &[u32]) -> UnitsOf {
    let mut units = UnitsOf::new();
    let mut seen = HashSet::new();
    for holding in 0..holdings.len() as u32 {
        let [account, _, sku] = holdings.keys[holding as usize];
        let currency = currencies[account as usize];
        if currency != NONE && seen.insert((currency, sku, holdings.unit_code(holding))) {
            let (_, of_sku) = units.entry((currency, sku)).or_insert_with(|| (account, BTreeSet::new()));
            of_sku.insert(holdings.unit(holding).to_owned());
        }
    }
    units
}

/// The prices of a window for which sums suffice.
///
/// A part of a window that was settled by itself has prices of its own: then nothing is said for all accounts.
fn table(due: DueWindow, holdings: &Holdings, units: &UnitsOf, terms: &Terms) -> PriceTable {
    let mut table = PriceTable::default();
    let book = terms.book_of(due);
    if book.has_parts() {
        return table;
    }
    for ((currency, sku), (account, units)) in units {
        let account_id = holdings.accounts.get(*account);
        let name = holdings.skus.get(*sku);
        let Some(of_account) = terms.accounts.currency(account_id) else { continue };
        let Some(price) = plain_price(terms, name, of_account, book.seq_for(account_id, name), due) else { continue };
        if units.iter().any(|unit| unit != price.row.unit.as_str()) {
            continue;
        }
        let published = terms.published(price);
        let known = table.prices.iter().position(|known| known.price_id == published.price_id);
        let place = known.unwrap_or_else(|| {
            table.prices.push(Arc::clone(published));
            table.prices.len() - 1
        });
        table.put((*currency, *sku), place as u32);
    }
    table
}

/// What is counted from rows.
struct Rows<'a> {
    wish: &'a Wish,
    knowledge: &'a Knowledge,
    frozen: &'a Frozen,
    files: Vec<RowFile>,
    files_beside: Vec<RowFile>,
    replaced: HashMap<(String, u64), u64>,
    /// Accounts and skus that go by their rows in every window.
    always: HashSet<Pair>,
    /// Accounts and skus with rows in files without sums.
    beside: HashSet<Pair>,
}

impl<'a> Rows<'a> {
    fn new(
        books: &Books,
        (wish, knowledge, frozen): (&'a Wish, &'a Knowledge, &'a Frozen),
        scope: &Scope,
        span: Window,
        news: Option<&HashSet<Pair>>,
    ) -> Result<Self, Failure> {
        let has_sums = scope.has_sums();
        let is_wanted = |(account_id, sku): &Pair| {
            wish.account_id.as_ref().is_none_or(|wanted| wanted == account_id)
                && wish.sku.as_ref().is_none_or(|wanted| wanted == sku)
                && news.is_none_or(|news| news.contains(&(account_id.clone(), sku.clone())))
        };
        let beside = scope.row_files.iter().filter(|file| !has_sums.contains(file.path.as_str()));
        let files_beside: Vec<RowFile> = beside.map(|file| books.row_file(file)).collect();
        let replaced = scope.superseded.iter().map(|row| (row.account_id.clone(), row.sku.clone()));
        Ok(Self {
            wish,
            knowledge,
            frozen,
            files: scope.row_files.iter().map(|file| books.row_file(file)).collect(),
            always: replaced.filter(is_wanted).collect(),
            beside: account_skus(&files_beside, span)?.into_iter().filter(is_wanted).collect(),
            files_beside,
            replaced: scope.replaced(),
        })
    }

    fn find_mixed(&mut self, holdings: &Holdings) {
        let mixed = (0..holdings.len() as u32).filter(|holding| holdings.is_mixed(*holding));
        self.always.extend(mixed.map(|holding| pair_of(holdings, holding)));
    }

    /// Sums do not say when inside an hour something was used: what accounts use that were frozen in a part of one goes by its
    /// rows.
    fn find_frozen(&mut self, holdings: &Holdings, due: &[DueWindow]) {
        let times = self.frozen;
        let mut frozen: HashSet<&str> = HashSet::new();
        for DueWindow { window, .. } in due {
            frozen.extend(times.during(*window).filter(|account_id| !times.covers(account_id, *window)));
        }
        if frozen.is_empty() {
            return;
        }
        let is_frozen: Vec<bool> = holdings.accounts.texts().iter().map(|account_id| frozen.contains(account_id)).collect();
        let of_frozen = (0..holdings.len() as u32).filter(|holding| is_frozen[holdings.keys[*holding as usize][0] as usize]);
        self.always.extend(of_frozen.map(|holding| pair_of(holdings, holding)));
    }

    /// The lines of rows without sums.
    fn count_beside(&self, due: &[DueWindow]) -> Result<Counted, Failure> {
        let pairs: HashSet<Pair> = self.beside.difference(&self.always).cloned().collect();
        Ok(self.count_pairs(&self.files_beside, due, &pairs)?.0)
    }

    /// Where rows without sums say something else beside use than the sums' rows, only rows tell what counts.
    fn find_other_labels(&mut self, holdings: &Holdings, beside: &Counted) {
        if beside.lines.is_empty() {
            return;
        }
        let mut labels: HashMap<[&str; 3], Vec<[String; 2]>> = HashMap::new();
        for line in &beside.lines {
            let label = [line.region.clone().unwrap_or_default(), reckoner_core::table::usage::tags_text(&line.tags)];
            labels.entry([&line.key.account_id, &line.key.resource_id, &line.key.sku]).or_default().push(label);
        }
        for holding in 0..holdings.len() as u32 {
            let Some(others) = labels.get(&holdings.texts(holding)) else { continue };
            if others.iter().any(|other| other.each_ref().map(String::as_str) != holdings.label_texts(holding)) {
                self.always.insert(pair_of(holdings, holding));
            }
        }
    }

    /// Counts everything that goes by rows: whole, or as far as it has no sums.
    fn count(&self, due: &[DueWindow], base: &Base, prices: &[PriceTable]) -> Result<(Counted, Vec<u64>), Failure> {
        let Base { held: Held { holdings, .. }, currencies, units, .. } = base;
        // Windows in which the same skus need their rows are counted together.
        let mut groups: BTreeMap<Vec<(u32, u32)>, Vec<usize>> = BTreeMap::new();
        for (place, table) in prices.iter().enumerate() {
            let unpriced = units.keys().filter(|(currency, sku)| table.place(*currency, *sku).is_none());
            groups.entry(unpriced.copied().collect()).or_default().push(place);
        }
        let (mut all, mut rows) = (Counted::default(), vec![0; due.len()]);
        for (unpriced, places) in groups {
            let due: Vec<DueWindow> = places.iter().map(|place| due[*place]).collect();
            let mut whole = self.always.clone();
            if !unpriced.is_empty() {
                let unpriced: HashSet<(u32, u32)> = unpriced.into_iter().collect();
                let is_unpriced = |[account, _, sku]: [u32; 3]| unpriced.contains(&(currencies[account as usize], sku));
                let holdings_of = (0..holdings.len() as u32).filter(|holding| is_unpriced(holdings.keys[*holding as usize]));
                whole.extend(holdings_of.map(|holding| pair_of(holdings, holding)));
            }
            let beside: HashSet<Pair> = self.beside.difference(&whole).cloned().collect();
            for (files, pairs) in [(&self.files, &whole), (&self.files_beside, &beside)] {
                let (counted, read) = self.count_pairs(files, &due, pairs)?;
                all.lines.extend(counted.lines);
                for (key, units) in counted.units {
                    let sum = all.units.entry(key).or_default();
                    *sum = sum.plus(units).map_err(reckoner_frames::FrameError::from)?;
                }
                for (place, count) in places.iter().zip(read.by_due) {
                    rows[*place] += count;
                }
            }
        }
        Ok((all, rows))
    }

    fn count_pairs(&self, files: &[RowFile], due: &[DueWindow], pairs: &HashSet<Pair>) -> Result<(Counted, RowsRead), Failure> {
        if pairs.is_empty() {
            return Ok((Counted::default(), RowsRead::default()));
        }
        Ok(count(&CountTask {
            files,
            superseded: &self.replaced,
            due,
            terms: &self.knowledge.terms,
            frozen: self.frozen,
            account_id: self.wish.account_id.as_deref(),
            sku: self.wish.sku.as_deref(),
            skus: None,
            account_skus: Some(pairs),
        })?)
    }
}

/// Whether a line of this price can be in bulk.
pub(super) fn is_bulk_price(price: &Price) -> bool {
    !is_tiered(&price.row.model)
}

//! Sums of use are held to the readable cutting: over random rows in random files, both say how much each holding used in
//! each hour, and by how many rows; written, read and added up again they say the same, whatever the order of the files.

use proptest::prelude::*;
use reckoner_core::account::Accounts;
use reckoner_core::intake::{PlainTerms, UsageChecks, units_by_hour};
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::price::{PriceBook, Prices};
use reckoner_core::table::{BillingMode, Coded, PriceModel, PriceRow, SettleWindow, Unit, UsageColumns, UsageRow};
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_tally::{
    FoldRoom, Held, HoldingOrder, HourHeld, HourUse, Judge, Output, Part, PartialFile, Rows, Used, Wanted, fold_hours,
    write_partials,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// One unit at 1e-12.
const E12: i128 = 1_000_000_000_000;

/// 2026-01-05T00:00:00Z, and when Unix time begins.
const STARTS: [i64; 2] = [1_767_571_200, 0];
const SKUS: [&str; 2] = ["held", "amount"];

/// Account, resource, sku.
type Key = [String; 3];
/// By holding and hour: how much, by how many rows.
type Sums = BTreeMap<(Key, i64), (i128, u32)>;

fn new_file(path: &Path) -> File {
    File::create(path).expect("it is created")
}

/// One price for each sku.
struct Book {
    accounts: Accounts,
    prices: Prices,
}

impl Book {
    fn new() -> Self {
        Self::priced(10_000_000_000)
    }

    fn priced(price_e12: i128) -> Self {
        let price = |sku: &str, unit| PriceRow {
            sku: sku.to_owned(),
            product: "server".to_owned(),
            billing_mode: BillingMode::PayPerUse,
            unit,
            unit_price: UnitPrice::from_e12(price_e12),
            model: PriceModel::Flat,
            currency: "CNY".to_owned(),
            valid_from: None,
            valid_to: None,
            revision: 0,
            settle: SettleWindow::Hour,
            min_seconds: 0,
            step_seconds: 1,
            min_charge: Money::ZERO,
            particulars: BTreeMap::new(),
        };
        let rows = [(1, price("held", Unit::Hour)), (1, price("amount", Unit::Amount("GB".to_owned())))];
        Self { accounts: Accounts::new([]), prices: PriceBook::new(rows).as_of(1) }
    }
}

impl Judge for Book {
    fn currency(&self, _: &str) -> Option<&str> {
        Some("CNY")
    }

    fn terms(&self, sku: &str, currency: &str) -> Option<PlainTerms> {
        let (as_of, zone) = (Instant::from_seconds(STARTS[0] + 1_000_000), Zone::parse("UTC").expect("a zone"));
        UsageChecks { accounts: &self.accounts, prices: &self.prices, as_of, epoch: None, late_from: None, zone }
            .plain_terms(sku, currency)
    }
}

/// A row, and whether it is one that is delivered again.
#[derive(Debug, Clone)]
struct Given {
    row: UsageRow,
    is_again: bool,
}

/// Use of one resource.
fn usage(sku: &str, interval: Window, quantity_e12: i128) -> UsageRow {
    UsageRow {
        record_id: "r".to_owned(),
        account_id: "a-0".to_owned(),
        resource_id: "r-0".to_owned(),
        sku: sku.to_owned(),
        started_at: interval.start,
        ended_at: interval.end,
        quantity: Quantity::from_e12(quantity_e12),
        region: None,
        resource_name: None,
        tags: BTreeMap::new(),
        revision: 0,
        corrects: None,
        is_waived: false,
        line: 0,
    }
}

prop_compose! {
    fn given()(
        account in 0..2_u8, resource in 0..3_u8, sku in 0..2_usize, from in 0..2_usize, start in 0..20_000_i64,
        length in prop_oneof![Just(0_i64), Just(3_600), 1..90_i64, 1..20_000_i64],
        quantity in prop_oneof![Just(0_i128), Just(1_000_000_000_000), Just(2_000_000_000_000), 1..30_000_000_000_000_i128],
        region in prop_oneof![8 => Just(0_u8), 1 => 1..3_u8], is_again in prop::bool::weighted(0.2),
    ) -> Given {
        let started_at = Instant::from_seconds(STARTS[from] + start / 300 * if start % 2 == 0 { 300 } else { 299 });
        // A time-priced row of no length is not plain.
        let ended_at = started_at.plus_seconds(if sku == 0 { length.max(1) } else { length });
        let row = UsageRow {
            account_id: format!("a-{account}"),
            resource_id: format!("r-{resource}"),
            region: (region > 0).then(|| format!("region-{region}")),
            ..usage(SKUS[sku], Window::new(started_at, ended_at), quantity)
        };
        Given { row, is_again }
    }
}

fn key(row: &UsageRow) -> Key {
    [row.account_id.clone(), row.resource_id.clone(), row.sku.clone()]
}

/// The readable way.
fn cut<'a>(rows: impl Iterator<Item = &'a Given>, book: &Book) -> Sums {
    let mut sums = Sums::new();
    for Given { row, .. } in rows {
        let timeline = book.prices.timeline(&row.sku, "CNY").expect("it has a price");
        for (hour, _, quantity) in units_by_hour(row, timeline).expect("it fits") {
            let (used, rows) = sums.entry((key(row), hour.seconds())).or_default();
            (*used, *rows) = (*used + quantity.e12(), *rows + 1);
        }
    }
    sums
}

fn part(given: &[Given], book: &Book) -> Part {
    let mut columns = UsageColumns { region: Some(Coded::default()), ..UsageColumns::default() };
    for (line, Given { row, .. }) in (2..).zip(given) {
        columns.lines.push(line);
        columns.record_id.push(&format!("{}-{line}", row.record_id));
        let region = row.region.clone().unwrap_or_default();
        let cells = [&row.account_id, &row.resource_id, &row.sku, &region];
        let UsageColumns { account_id, resource_id, sku, region: Some(region), .. } = &mut columns else { unreachable!() };
        for (column, cell) in [account_id, resource_id, sku, region].into_iter().zip(cells) {
            // Each row has a text of its own: one may stand there twice.
            column.codes.push(column.values.len() as u32);
            column.values.push(cell);
        }
        columns.started_at.push(row.started_at.seconds());
        columns.ended_at.push(row.ended_at.seconds());
        columns.quantity_e12.push(row.quantity.e12());
    }
    let mut part = Part::default();
    part.take(&columns, book);
    part.find_holdings();
    assert_eq!((part.len(), &part.not_plain), (given.len(), &Vec::new()), "every row is plain");
    part
}

/// Rows of a part: those taken and those delivered again.
fn places(given: &[Given]) -> [Rows; 2] {
    [false, true].map(|wanted| (0..).zip(given).filter(|(_, one)| one.is_again == wanted).map(|(place, _)| place).collect())
}

fn named(part: &Part, order: &HoldingOrder, hours: &[HourUse]) -> Sums {
    let mut sums = Sums::new();
    for HourUse { hour, places, rows, used } in hours {
        assert!(places.is_sorted_by(|one, next| one < next), "each place once, in order: {places:?}");
        let used_e12 = match used {
            Used::Whole(whole) => whole.iter().map(|whole| i128::from(*whole) * E12).collect(),
            Used::E12(e12) => e12.clone(),
        };
        assert_eq!((rows.len(), used_e12.len()), (places.len(), places.len()));
        for ((place, rows), used_e12) in places.iter().zip(rows).zip(used_e12) {
            let key = part.holdings.texts(order.holdings[*place as usize]).map(str::to_owned);
            sums.insert((key, *hour), (used_e12, *rows));
        }
    }
    sums
}

/// Everything that the files hold, of deliveries up to this one; asked for at once, and account by account.
fn held(files: Vec<(PathBuf, u64)>, until: u64) -> (Sums, BTreeSet<Key>) {
    let all = held_of(files.clone(), until, None);
    let accounts: BTreeSet<String> = all.0.keys().map(|([account_id, ..], _)| account_id.clone()).collect();
    let (mut sums, mut mixed) = (Sums::new(), BTreeSet::new());
    for account_id in accounts {
        let of_account = held_of(files.clone(), until, Some(&|wanted, _| wanted == account_id));
        sums.extend(of_account.0);
        mixed.extend(of_account.1);
    }
    assert_eq!(sums, all.0, "account by account");
    assert!(mixed.is_subset(&all.1));
    all
}

fn held_of(files: Vec<(PathBuf, u64)>, until: u64, is_wanted: Option<&Wanted<'_>>) -> (Sums, BTreeSet<Key>) {
    let opened: Vec<PartialFile> = files.iter().map(|(path, _)| PartialFile::open(path).expect("it is one")).collect();
    let hours: BTreeSet<i64> = opened.iter().flat_map(PartialFile::hours).collect();
    let held = Held::load(files, is_wanted).expect("they are read");
    let (mut under_way, mut sums) = (HourHeld::default(), Sums::new());
    for hour in hours {
        let mut of_hour = Vec::new();
        held.hour(hour, |seq| seq <= until, &mut under_way, |sum| of_hour.push(sum)).expect("it fits");
        let keys: Vec<[&str; 3]> = of_hour.iter().map(|sum| held.holdings.texts(sum.holding)).collect();
        assert!(keys.is_sorted(), "in the order of account, resource and sku: {keys:?}");
        for sum in of_hour {
            let key = held.holdings.texts(sum.holding).map(str::to_owned);
            sums.insert((key, hour), (sum.used_e12, sum.rows));
        }
    }
    let mixed = (0..held.holdings.len() as u32).filter(|holding| held.holdings.is_mixed(*holding));
    (sums, mixed.map(|holding| held.holdings.texts(holding).map(str::to_owned)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn folding_equals_cutting_row_by_row(given in prop::collection::vec(given(), 0..60)) {
        let book = Book::new();
        let part = part(&given, &book);
        let all: Rows = (0..given.len()).collect();
        let order = HoldingOrder::of(&part, &[&all]);
        let mut room = FoldRoom::default();
        let hours = fold_hours(&part, &all, &order, &mut room).expect("it fits");
        prop_assert!(hours.is_sorted_by(|one, next| one.hour < next.hour), "hours in order, each once");
        prop_assert_eq!(named(&part, &order, &hours), cut(given.iter(), &book));
        // What stood in the room before leaves no trace.
        room.reclaim(hours);
        for rows in [(0..given.len() / 2).collect(), (0..given.len()).step_by(2).collect(), all] {
            let again = fold_hours(&part, &rows, &order, &mut room).expect("it fits");
            prop_assert_eq!(&again, &fold_hours(&part, &rows, &order, &mut FoldRoom::default()).expect("it fits"));
            prop_assert_eq!(named(&part, &order, &again), cut(rows.iter().map(|row| &given[row]), &book));
            room.reclaim(again);
        }
    }

    #[test]
    fn files_added_up_in_any_order_equal_all_rows(files in prop::collection::vec(prop::collection::vec(given(), 1..25), 1..4)) {
        let (book, folder) = (Book::new(), tempfile::tempdir().expect("a folder"));
        let mut written = Vec::new();
        for (seq, given) in (1_u64..).zip(&files) {
            let (part, path) = (part(given, &book), folder.path().join(format!("{seq}.parquet")));
            let [taken, again] = places(given);
            let order = HoldingOrder::of(&part, &[&taken, &again]);
            let [hours, hours_again] = [&taken, &again].map(|rows| fold_hours(&part, rows, &order, &mut FoldRoom::default()).expect("it fits"));
            write_partials(&part, &taken, &order, [&hours, &hours_again], Output { path: &path, to: &mut new_file(&path) }).expect("it is written");

            let (file, mut found) = (PartialFile::open(&path).expect("it is one"), Sums::new());
            let mut keys: Vec<Key> = Vec::new();
            file.each_holding(|named| keys.push(named.key.map(str::to_owned))).expect("it is read");
            for hour in file.hours_again() {
                file.each_again(hour, |place, again| _ = found.insert((keys[place].clone(), hour), (again.e12(), 0))).expect("it is read");
            }
            let mut expected = cut(given.iter().filter(|one| one.is_again), &book);
            expected.values_mut().for_each(|(_, rows)| *rows = 0);
            prop_assert_eq!(found, expected, "what was delivered again");
            written.push((path, seq));
        }

        let taken = || files.iter().flatten().filter(|one| !one.is_again);
        let mut regions: BTreeMap<Key, BTreeSet<Option<String>>> = BTreeMap::new();
        for one in taken() {
            regions.entry(key(&one.row)).or_default().insert(one.row.region.clone());
        }
        let mixed: BTreeSet<Key> = regions.into_iter().filter(|(_, regions)| regions.len() > 1).map(|(key, _)| key).collect();
        let expected = cut(taken(), &book);
        let (sums, found_mixed) = held(written.clone(), u64::MAX);
        prop_assert_eq!(&sums, &expected);
        prop_assert!(found_mixed.is_superset(&mixed), "{:?} hides that of {:?}", found_mixed, mixed);
        let (reversed, _) = held(written.iter().rev().cloned().collect(), u64::MAX);
        prop_assert_eq!(&reversed, &expected);
        let (of_first, _) = held(written, 1);
        prop_assert_eq!(of_first, cut(files[0].iter().filter(|one| !one.is_again), &book));
    }
}

#[test]
fn whole_units_of_any_size_and_parts_of_units_are_added_exactly() {
    // Cheap, so that amounts are small whatever is used.
    let book = Book::priced(1);
    let largest = (10_i128.pow(18) - 1) * E12;
    // By file what each of its rows used: few whole units, more of them than 64 bits hold, parts of a unit beside whole ones.
    let cases: [Vec<Vec<i128>>; 3] =
        [vec![vec![E12], vec![7 * E12, 0]], vec![vec![largest]; 11], vec![vec![3 * E12], vec![1], vec![5 * E12]]];
    let second = Window::new(Instant::from_seconds(STARTS[0]), Instant::from_seconds(STARTS[0] + 1));
    let used = |quantity_e12| Given { row: usage(SKUS[1], second, quantity_e12), is_again: false };
    for files in cases {
        let (folder, mut written) = (tempfile::tempdir().expect("a folder"), Vec::new());
        for (seq, rows) in (1_u64..).zip(&files) {
            let given: Vec<Given> = rows.iter().map(|quantity| used(*quantity)).collect();
            let (part, all) = (part(&given, &book), (0..given.len()).collect::<Rows>());
            let order = HoldingOrder::of(&part, &[&all]);
            let hours = fold_hours(&part, &all, &order, &mut FoldRoom::default()).expect("it fits");
            let path = folder.path().join(format!("{seq}.parquet"));
            write_partials(&part, &all, &order, [&hours, &[]], Output { path: &path, to: &mut new_file(&path) })
                .expect("it is written");
            written.push((path, seq));
        }
        let found: Vec<(i128, u32)> = held(written, u64::MAX).0.into_values().collect();
        let rows = files.iter().flatten();
        assert_eq!(found, [(rows.clone().sum(), rows.count() as u32)]);
    }
}

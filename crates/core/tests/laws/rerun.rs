//! A rerun at other prices posts the difference, once, and leaves the books as if those prices had always been known.

use super::world::{MONDAY, account, price, tiers, usage};
use proptest::prelude::*;
use reckoner_core::account::Accounts;
use reckoner_core::number::{Quantity, UnitPrice};
use reckoner_core::price::{DiscountBook, PriceBook};
use reckoner_core::profile::Profile;
use reckoner_core::rate::{
    Amounts, Bookmark, Charge, DueWindow, Frozen, KnownUsage, Repricing, Terms, Tiers, Units, UnitsKey, fold, posted_lines,
    settle_lines,
};
use reckoner_core::rerun::{Cause, Facts, old_amounts, plan_lines, priced_anew};
use reckoner_core::table::{DiscountKind, DiscountRow, DiscountTerms, PriceModel, PriceRow, SettleWindow, Unit};
use reckoner_core::time::{Instant, Window, Zone};
use std::collections::{BTreeMap, BTreeSet, HashSet};

const DAYS: i64 = 3;
/// Delivery 1 brings the first prices and use; 2 and 3 bring late use and other prices.
const FIRST: u64 = 1;
const SECOND: u64 = 2;
const SKUS: [&str; 6] = ["held", "daily", "amount", "graduated", "volume", "package"];

/// Every sku's price, its correction with delivery 2, and one that changes windows' lines: a later start of its own.
fn prices() -> Vec<(u64, PriceRow)> {
    let amount = |sku, model| PriceRow { unit: Unit::Amount("GB".to_owned()), model, ..price(sku, "0.37") };
    let graduated = |first| PriceModel::Graduated { tiers: tiers(&[("10", first, "0"), ("20", "0.7", "1"), ("", "0.55", "0")]) };
    let volume = |first| PriceModel::Volume { tiers: tiers(&[("10", first, "2"), ("20", "0.4", "5"), ("", "0.3", "0")]) };
    let package = |unit_price| PriceModel::Package {
        size: Quantity::units(5),
        unit_price: UnitPrice::parse(unit_price).expect("a price"),
        free: Quantity::units(4),
    };
    let first = [
        price("held", "0.6800007"),
        PriceRow { settle: SettleWindow::Day, ..price("daily", "0.00064") },
        amount("amount", PriceModel::Flat),
        amount("graduated", graduated("0.8")),
        amount("volume", volume("0.5000001")),
        amount("package", package("3")),
        amount("steady", graduated("0.8")), // no row of it is ever corrected
    ];
    let corrected = [
        PriceRow { revision: 1, min_seconds: 600, ..price("held", "0") }, // from a price to none
        PriceRow { revision: 1, settle: SettleWindow::Day, ..price("daily", "0.00071") },
        PriceRow { valid_from: Some(Instant::from_seconds(MONDAY + 86_400)), ..amount("amount", PriceModel::Flat) },
        PriceRow { revision: 1, ..amount("graduated", graduated("0.9")) },
        PriceRow { revision: 1, ..amount("volume", volume("0.6")) },
        PriceRow { revision: 1, ..amount("package", package("2")) },
    ];
    first.into_iter().map(|row| (FIRST, row)).chain(corrected.into_iter().map(|row| (SECOND, row))).collect()
}

fn discounts() -> DiscountBook {
    let row = |percent_off: &str, revision| DiscountRow {
        discount_id: "d".to_owned(),
        account_id: "a".to_owned(),
        kind: DiscountKind::Commercial,
        terms: DiscountTerms::PercentOff(percent_off.parse().expect("a percentage")),
        products: Vec::new(),
        skus: ["held", "daily", "graduated", "steady"].map(str::to_owned).to_vec(),
        modes: Vec::new(),
        order_kinds: Vec::new(),
        valid_from: Some(Instant::from_seconds(MONDAY + 40_000)),
        valid_to: None,
        revision,
    };
    DiscountBook::new([(FIRST, row("20", 0)), (SECOND, row("35", 1))])
}

fn terms() -> Terms {
    Terms::new(
        Profile::builtin("huawei-intl").expect("comes with the engine"),
        Zone::parse("+08:00").expect("a zone"),
        Accounts::new([account("a"), account("b")]),
        &PriceBook::new(prices()),
        &discounts(),
        [FIRST, SECOND],
    )
}

prop_compose! {
    fn known()(
        sku in 0..SKUS.len(), account in 0..2_usize, resource in 0..3_u8, start in 0..DAYS * 86_400 - 40_000, seconds in prop_oneof![Just(0_i64), 1..40_000_i64],
        quantity in prop_oneof![Just(1_000_000_000_000_i128), 1..9_000_000_000_000_i128], seq in 1..3_u64, replaced in 0..4_u8,
    ) -> KnownUsage {
        let mut row = usage("", SKUS[sku], MONDAY + start, seconds);
        row.account_id = ["a", "b"][account].to_owned();
        row.resource_id = format!("r-{resource}");
        row.quantity = Quantity::from_e12(quantity);
        KnownUsage { row, seq, superseded_seq: (replaced == 0).then_some(SECOND) }
    }
}

fn rows() -> impl Strategy<Value = Vec<KnownUsage>> {
    prop::collection::vec(known(), 1..24).prop_map(|mut rows| {
        for (number, one) in rows.iter_mut().enumerate() {
            one.row.record_id = format!("rec-{number:03}");
        }
        rows
    })
}

/// What is posted so far, with everything that prices it.
#[derive(Default, Clone)]
struct Books {
    posted: Vec<Charge>,
    tiers: Tiers,
    bookmarks: Vec<Bookmark>,
    units: BTreeMap<UnitsKey, Units>,
    /// Delivery with which windows were settled first and last.
    settled: Option<(u64, u64)>,
}

impl Books {
    fn windows(&self, terms: &Terms, seq: u64) -> Vec<DueWindow> {
        let mut windows = BTreeSet::new();
        for hour in 0..DAYS * 24 {
            for kind in SettleWindow::ALL {
                let window = kind.containing(Instant::from_seconds(MONDAY + hour * 3_600), terms.zone);
                let (book_seq, settled_seq) = (self.settled.map_or(seq, |(first, _)| first), self.settled.map(|(_, last)| last));
                windows.insert(DueWindow { window, kind, book_seq, settled_seq });
            }
        }
        windows.into_iter().collect()
    }

    /// Settles what the part holds, with what is known after delivery `seq`.
    fn run(&mut self, all: &[KnownUsage], seq: u64, part: Option<&str>, reprices: bool) -> Vec<Charge> {
        let is_asked = |account_id: &str| part.is_none_or(|wanted| wanted == account_id);
        let rows: Vec<KnownUsage> = all
            .iter()
            .filter(|one| one.seq <= seq && is_asked(&one.row.account_id))
            .map(|one| KnownUsage { superseded_seq: one.superseded_seq.filter(|at| *at <= seq), ..one.clone() })
            .collect();
        let mut terms = terms().with_bookmarks(self.bookmarks.clone());
        if reprices {
            terms = terms.repricing(Repricing { book_seq: seq, is_partial: part.is_some() });
        }
        let counted = fold(&rows, &self.windows(&terms, seq), &terms, &Frozen::default()).expect("small numbers");
        let posted: Vec<&Charge> = self.posted.iter().filter(|charge| is_asked(&charge.key.account_id)).collect();
        let posted = posted_lines(posted).expect("small numbers");
        let charges = settle_lines(counted.lines, posted, &mut self.tiers, &terms).expect("small amounts");
        self.posted.extend(charges.iter().cloned());

        if part.is_some() || reprices {
            let covers = Window::new(Instant::MIN, Instant::MAX);
            self.bookmarks.push(Bookmark { covers, account_id: part.map(str::to_owned), sku: None, book_seq: seq, reprices });
        }
        if part.is_none() {
            self.settled = Some((self.settled.map_or(seq, |(first, _)| first), seq));
        }
        if part.is_none() || reprices {
            for (key, units) in counted.units {
                let sum = self.units.entry(key).or_default();
                *sum = sum.plus(units).expect("small numbers");
            }
            self.units.retain(|_, units| *units != Units::default());
        }
        charges
    }

    fn net_by<K: Ord>(&self, key: impl Fn(&Charge) -> K) -> BTreeMap<K, (Quantity, Amounts)> {
        let mut net: BTreeMap<K, (Quantity, Amounts)> = BTreeMap::new();
        for charge in &self.posted {
            let sum = net.entry(key(charge)).or_default();
            *sum = (sum.0.plus(charge.quantity).expect("small numbers"), sum.1.plus(charge.amounts));
        }
        net.retain(|_, sum| *sum != Default::default());
        net
    }

    /// Flat lines each by itself, tiered ones by the month: what an hour owes there depends on what was settled before it.
    fn net(&self) -> BTreeMap<(String, String, String, i64), (Quantity, Amounts)> {
        self.net_by(|charge| {
            let key = &charge.key;
            let is_flat = ["held", "daily", "amount"].contains(&key.sku.as_str());
            let (resource, start) =
                if is_flat { (key.resource_id.clone(), key.window.start.seconds()) } else { (String::new(), 0) };
            (key.account_id.clone(), key.price_id.clone(), resource, start)
        })
    }
}

/// As if everything had been known from the start.
fn fresh(rows: &[KnownUsage]) -> Books {
    let mut books = Books::default();
    books.run(rows, SECOND, None, false);
    books
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_rerun_leaves_the_books_as_if_its_prices_had_always_been_known(rows in rows()) {
        let mut books = Books::default();
        books.run(&rows, FIRST, None, false);
        books.run(&rows, SECOND, None, true);
        let expected = fresh(&rows);
        prop_assert_eq!(books.net(), expected.net());
        prop_assert_eq!(&books.units, &expected.units);
        // Done twice it changes nothing, and so does a run.
        prop_assert_eq!(books.run(&rows, SECOND, None, true), []);
        prop_assert_eq!(books.run(&rows, SECOND, None, false), []);
        prop_assert_eq!(books.units, expected.units);
    }

    #[test]
    fn a_rerun_without_news_changes_nothing(rows in rows()) {
        let mut books = Books::default();
        for seq in [FIRST, SECOND] {
            let mut books = books.clone();
            books.run(&rows, seq, None, false);
            let units = books.units.clone();
            prop_assert_eq!(books.run(&rows, seq, None, true), []);
            prop_assert_eq!(books.units, units);
        }
        books.run(&rows, FIRST, None, false);
    }

    #[test]
    fn reruns_of_every_account_equal_one_of_all(rows in rows(), late_first in any::<bool>()) {
        let mut parts = Books::default();
        parts.run(&rows, FIRST, None, false);
        let order = if late_first { ["b", "a"] } else { ["a", "b"] };
        for account_id in order {
            parts.run(&rows, SECOND, Some(account_id), true);
            prop_assert_eq!(parts.run(&rows, SECOND, Some(account_id), true), []);
        }
        prop_assert_eq!(parts.net(), fresh(&rows).net());
        // The whole run that follows posts nothing, and counts what came late.
        prop_assert_eq!(parts.run(&rows, SECOND, None, false), []);
        prop_assert_eq!(parts.units, fresh(&rows).units);
    }

    #[test]
    fn a_partial_run_is_not_priced_again_by_the_whole_one(rows in rows()) {
        // Everything known with delivery 1, then prices with delivery 2: the account that was settled alone keeps its own.
        let mut rows = rows;
        for one in &mut rows {
            (one.seq, one.superseded_seq) = (FIRST, None);
        }
        let mut books = Books::default();
        books.run(&rows, FIRST, Some("a"), false);
        let rest = books.run(&rows, SECOND, None, false);
        prop_assert!(rest.iter().all(|charge| charge.key.account_id == "b"));
        prop_assert_eq!(books.run(&rows, SECOND, None, false), []);
    }
}

#[test]
fn a_rerun_discounts_a_tiered_line_again_where_only_its_discount_changed() {
    // 12, then 5 in an hour with a discount: list 10 × 0.8 + 1 + 2 × 0.7 = 10.4 and 3.5; 20 % off makes 2.8, 35 % off 2.275.
    let gb = |hour: i64, quantity| {
        let mut row = usage(&format!("r-{hour}"), "steady", MONDAY + hour * 3_600, 0);
        row.quantity = Quantity::units(quantity);
        KnownUsage { row, seq: FIRST, superseded_seq: None }
    };
    let rows = [gb(1, 12), gb(13, 5)];
    let due = |books: &Books| books.posted.iter().map(|charge| i128::from(charge.amounts.due.e8())).sum::<i128>();
    let mut books = Books::default();
    books.run(&rows, FIRST, None, false);
    assert_eq!(due(&books), 1_320_000_000);
    assert_eq!(books.run(&rows, SECOND, None, true).len(), 1);
    assert_eq!((due(&books), due(&fresh(&rows))), (1_267_500_000, 1_267_500_000));
    assert_eq!(books.run(&rows, SECOND, None, true), []);
}

#[test]
fn a_plan_says_why_each_amount_moves() {
    let one = |sku: &str, seq| {
        let mut row = usage(&format!("r-{sku}-{seq}"), sku, MONDAY + 7_200, 1_800);
        row.quantity = Quantity::units(2);
        KnownUsage { row, seq, superseded_seq: None }
    };
    // sku | rows come with | news by an operator alone | causes
    let cases: [(&str, &[u64], bool, &[Cause]); 6] = [
        ("held", &[1], false, &[Cause::Price]),
        ("held", &[1, 2], false, &[Cause::Input, Cause::Price]),
        ("amount", &[1, 2], false, &[Cause::Input]), // its second price begins later
        ("amount", &[1, 2], true, &[Cause::Manual]),
        ("graduated", &[1], false, &[Cause::Price]),
        ("package", &[1, 2], false, &[Cause::Input, Cause::Price]),
    ];
    for (sku, seqs, is_manual, expected) in cases {
        let rows: Vec<KnownUsage> = seqs.iter().map(|seq| one(sku, *seq)).collect();
        let mut books = Books::default();
        books.run(&rows, FIRST, None, false);
        let posted = books.posted.clone();

        let terms = terms().repricing(Repricing { book_seq: SECOND, is_partial: false });
        let lines = fold(&rows, &books.windows(&terms, SECOND), &terms, &Frozen::default()).expect("small numbers").lines;
        let pair = HashSet::from([("a".to_owned(), sku.to_owned())]);
        let facts = Facts {
            priced_anew: priced_anew(&lines, &posted_lines(&posted).expect("small numbers"), &terms),
            with_news: if seqs.len() > 1 { pair.clone() } else { HashSet::new() },
            with_manual_news: if is_manual { pair } else { HashSet::new() },
        };
        let changes = books.run(&rows, SECOND, None, true);
        let plan = plan_lines(&old_amounts(&posted), &changes, &facts);
        assert_eq!(plan.len(), 1, "{sku}");
        assert_eq!(plan[0].causes, expected, "{sku} {seqs:?}");
        let sum = |charges: &[Charge]| charges.iter().map(|charge| i128::from(charge.amounts.due.e8())).sum::<i128>();
        assert_eq!((plan[0].old_e8, plan[0].new_e8()), (sum(&posted), sum(&books.posted)), "{sku}");
    }
}

//! Settling posts differences: once, whatever the order, the split into records or the deliveries.

use super::world::{MONDAY, price, terms, tiers, usage};
use proptest::prelude::*;
use reckoner_core::number::{Quantity, UnitPrice};
use reckoner_core::rate::{
    Amounts, Charge, DueWindow, Frozen, KnownUsage, LineKey, Terms, TierKey, Tiers, fold, posted_lines, settle_lines,
};
use reckoner_core::table::{PriceModel, PriceRow, SettleWindow, Unit};
use reckoner_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const DAYS: i64 = 3;
/// The last hours of January and the first days of February: a month ends among them.
const START: i64 = MONDAY + 26 * 86_400;
/// The first skus are flat, the others tiered; `held` and `hours` are used for a time.
const SKUS: [&str; 9] = ["held", "daily", "changing", "amount", "graduated", "hours", "volume", "package", "banded"];
const FLAT: Range<usize> = 0..4;
const TIERED: Range<usize> = 4..9;
const HELD: [usize; 4] = [0, 1, 2, 5];

fn prices() -> Vec<PriceRow> {
    let amount = |sku, model, settle| PriceRow { unit: Unit::Amount("GB".to_owned()), model, settle, ..price(sku, "0.37") };
    let ladder = || tiers(&[("10", "0.8", "0"), ("20", "0.7", "1"), ("", "0.55", "0")]);
    let bands = || tiers(&[("10", "0.5000001", "2"), ("20", "0.4", "5"), ("", "0.3", "0")]);
    let package = PriceModel::Package {
        size: Quantity::units(5),
        unit_price: UnitPrice::parse("3").expect("a price"),
        free: Quantity::units(4),
    };
    vec![
        price("held", "0.6800007"),
        PriceRow { settle: SettleWindow::Day, ..price("daily", "0.00064") },
        price("changing", "0.68"),
        PriceRow { valid_from: Some(Instant::from_seconds(START + 37_043)), ..price("changing", "0.731") },
        amount("amount", PriceModel::Flat, SettleWindow::Hour),
        amount("graduated", PriceModel::Graduated { tiers: ladder() }, SettleWindow::Hour),
        PriceRow { model: PriceModel::Graduated { tiers: ladder() }, ..price("hours", "0") },
        amount("volume", PriceModel::Volume { tiers: bands() }, SettleWindow::Hour),
        amount("package", package, SettleWindow::Day),
        amount("banded", PriceModel::Volume { tiers: bands() }, SettleWindow::Month),
    ]
}

fn terms_of_world() -> Terms {
    terms(prices().into_iter().map(|row| (1, row)))
}

prop_compose! {
    /// A row of one of these skus, known with delivery 1 or 2, and perhaps replaced with delivery 2.
    fn known(skus: Range<usize>)(
        sku in skus, account in 0..2_usize, resource in 0..3_u8, start in 0..DAYS * 86_400 - 40_000, seconds in prop_oneof![Just(0_i64), 1..40_000_i64],
        quantity in prop_oneof![Just(1_000_000_000_000_i128), 0..9_000_000_000_000_i128], waived in any::<bool>(), seq in 1..3_u64, replaced in 0..4_u8, tag in 0..3_u8,
    ) -> KnownUsage {
        let mut row = usage("", SKUS[sku], START + start, seconds);
        row.account_id = ["a", "b"][account].to_owned();
        row.resource_id = format!("r-{resource}");
        row.quantity = Quantity::from_e12(quantity);
        row.is_waived = waived && FLAT.contains(&sku);
        row.tags = BTreeMap::from([("n".to_owned(), tag.to_string())]);
        KnownUsage { row, seq, superseded_seq: (replaced == 0).then_some(2) }
    }
}

fn rows(skus: Range<usize>) -> impl Strategy<Value = Vec<KnownUsage>> {
    prop::collection::vec(known(skus), 1..24).prop_map(|mut rows| {
        for (number, one) in rows.iter_mut().enumerate() {
            one.row.record_id = format!("rec-{number:03}");
        }
        rows
    })
}

/// What is posted so far.
#[derive(Default)]
struct Books {
    posted: Vec<Charge>,
    tiers: Tiers,
    settled_seq: Option<u64>,
}

impl Books {
    /// Settles every window with what is known after delivery `seq`, and hands back what was posted.
    fn settle(&mut self, all: &[KnownUsage], terms: &Terms, seq: u64) -> Vec<Charge> {
        let known: Vec<KnownUsage> = all
            .iter()
            .filter(|one| one.seq <= seq)
            .map(|one| KnownUsage { superseded_seq: one.superseded_seq.filter(|at| *at <= seq), ..one.clone() })
            .collect();
        let lines = fold(&known, &windows(terms, self.settled_seq), terms, &Frozen::default()).expect("small numbers").lines;
        let posted = posted_lines(&self.posted).expect("small numbers");
        let charges = settle_lines(lines, posted, &mut self.tiers, terms).expect("small amounts");
        self.posted.extend(charges.iter().cloned());
        self.settled_seq = Some(seq);
        charges
    }
}

fn windows(terms: &Terms, settled_seq: Option<u64>) -> Vec<DueWindow> {
    let mut windows = BTreeSet::new();
    for hour in 0..DAYS * 24 {
        for kind in SettleWindow::ALL {
            let window = kind.containing(Instant::from_seconds(START + hour * 3_600), terms.zone);
            windows.insert(DueWindow { window, kind, book_seq: 1, settled_seq });
        }
    }
    windows.into_iter().collect()
}

fn net_by<K: Ord>(charges: &[Charge], key: impl Fn(&Charge) -> K) -> BTreeMap<K, (Quantity, Amounts)> {
    let mut net: BTreeMap<K, (Quantity, Amounts)> = BTreeMap::new();
    for charge in charges {
        let sum = net.entry(key(charge)).or_default();
        *sum = (sum.0.plus(charge.quantity).expect("small numbers"), sum.1.plus(charge.amounts));
    }
    net.retain(|_, sum| *sum != Default::default());
    net
}

fn by_line(charges: &[Charge]) -> BTreeMap<LineKey, (Quantity, Amounts)> {
    net_by(charges, |charge| charge.key.clone())
}

fn by_month(charges: &[Charge]) -> BTreeMap<(String, String, String), (Quantity, Amounts)> {
    net_by(charges, |charge| (charge.key.account_id.clone(), charge.key.price_id.clone(), charge.billing_period.clone()))
}

fn totals(tiers: &Tiers) -> BTreeMap<(&TierKey, &String), Quantity> {
    let all = tiers.iter().flat_map(|(key, state)| state.by_resource.iter().map(move |(resource, sum)| ((key, resource), *sum)));
    all.filter(|(_, quantity)| !quantity.is_zero()).collect()
}

/// The first row of `all`, in two.
fn split_in_time(one: &KnownUsage, share: i64) -> [KnownUsage; 2] {
    let length = one.row.ended_at.seconds() - one.row.started_at.seconds();
    let cut = one.row.started_at.plus_seconds(length * share / 100);
    let (mut first, mut second) = (one.clone(), one.clone());
    (first.row.ended_at, second.row.started_at) = (cut, cut);
    second.row.record_id += "-b";
    [first, second]
}

fn split_in_quantity(one: &KnownUsage, share: i64) -> [KnownUsage; 2] {
    let (mut first, mut second) = (one.clone(), one.clone());
    first.row.quantity = Quantity::from_e12(one.row.quantity.e12() * i128::from(share) / 100);
    second.row.quantity = one.row.quantity.minus(first.row.quantity).expect("a part");
    second.row.record_id += "-b";
    [first, second]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn settling_twice_gives_nothing(rows in rows(0..SKUS.len())) {
        let terms = terms_of_world();
        let mut books = Books::default();
        for seq in [1, 2] {
            books.settle(&rows, &terms, seq);
            let tiers = books.tiers.clone();
            prop_assert_eq!(books.settle(&rows, &terms, seq), []);
            prop_assert_eq!(totals(&books.tiers), totals(&tiers));
        }
    }

    #[test]
    fn rating_ignores_row_order(rows in rows(0..SKUS.len()), seed in any::<prop::sample::Index>()) {
        let terms = terms_of_world();
        let mut shuffled = rows.clone();
        shuffled.rotate_left(seed.index(rows.len()));
        shuffled.reverse();
        prop_assert_eq!(Books::default().settle(&shuffled, &terms, 2), Books::default().settle(&rows, &terms, 2));
    }

    #[test]
    fn splitting_a_record_never_changes_money(rows in rows(0..SKUS.len()), share in 0..=100_i64) {
        let terms = terms_of_world();
        let is_held = |one: &KnownUsage| HELD.iter().any(|sku| SKUS[*sku] == one.row.sku);
        let split = |one: &KnownUsage| match is_held(one) {
            true => split_in_time(one, share),
            false => split_in_quantity(one, share),
        };
        let parts: Vec<KnownUsage> = rows.iter().flat_map(split).collect();
        let (whole, in_parts) = (Books::default().settle(&rows, &terms, 2), Books::default().settle(&parts, &terms, 2));
        prop_assert_eq!(by_line(&in_parts), by_line(&whole));
        prop_assert_eq!(in_parts.len(), whole.len());
    }

    #[test]
    fn two_halves_equal_the_whole_of_every_flat_line(rows in rows(FLAT)) {
        let terms = terms_of_world();
        let mut halves = Books::default();
        halves.settle(&rows, &terms, 1);
        halves.settle(&rows, &terms, 2);
        prop_assert_eq!(by_line(&halves.posted), by_line(&Books::default().settle(&rows, &terms, 2)));
    }

    #[test]
    fn two_halves_equal_the_whole_of_every_tiered_month(rows in rows(TIERED)) {
        let terms = terms_of_world();
        let (mut halves, mut whole) = (Books::default(), Books::default());
        halves.settle(&rows, &terms, 1);
        halves.settle(&rows, &terms, 2);
        whole.settle(&rows, &terms, 2);
        prop_assert_eq!(by_month(&halves.posted), by_month(&whole.posted));
        prop_assert_eq!(totals(&halves.tiers), totals(&whole.tiers));
    }

    #[test]
    fn the_amounts_of_a_charge_add_up_and_ids_are_unique(rows in rows(0..SKUS.len())) {
        let terms = terms_of_world();
        let mut books = Books::default();
        books.settle(&rows, &terms, 1);
        books.settle(&rows, &terms, 2);
        let mut ids = BTreeSet::new();
        for charge in &books.posted {
            let Amounts { list, discount, truncated, due } = charge.amounts;
            prop_assert_eq!(due, list - discount - truncated);
            prop_assert!(ids.insert(&charge.charge_id), "{} is posted twice", charge.charge_id);
            let corrected = charge.corrects.as_ref();
            prop_assert!(corrected.is_none_or(|id| books.posted.iter().any(|other| other.charge_id == *id)));
        }
    }
}

/// The month's fee of `volume` (flat amount 2 in its first band) or `graduated` when rows become known in two deliveries.
fn month_due(rows: &[KnownUsage], seqs: &[u64]) -> BTreeMap<String, String> {
    let terms = terms_of_world();
    let mut books = Books::default();
    for seq in seqs {
        books.settle(rows, &terms, *seq);
    }
    by_month(&books.posted).into_iter().map(|((.., month), (_, amounts))| (month, amounts.due.to_string())).collect()
}

fn gb(record_id: &str, sku: &str, hour: i64, quantity: i64, seq: u64) -> KnownUsage {
    let mut row = usage(record_id, sku, START + hour * 3_600, 0);
    row.quantity = Quantity::units(quantity);
    KnownUsage { row, seq, superseded_seq: None }
}

#[test]
fn a_volume_bands_flat_amount_goes_when_all_use_of_the_month_moves_away() {
    // The only use of January turns out to be February's. Both months owe 2 + 4 × 0.5000001 where they are used, and
    // January owes nothing, whenever that becomes known.
    let january = KnownUsage { superseded_seq: Some(2), ..gb("u-1", "volume", 1, 4, 1) };
    let rows = [january, gb("u-1", "volume", 30, 4, 2)];
    let expected = BTreeMap::from([("2026-02".to_owned(), "4.00000040".to_owned())]);
    assert_eq!(month_due(&rows, &[2]), expected);
    assert_eq!(month_due(&rows, &[1, 2]), expected);
}

#[test]
fn waived_use_moves_what_follows_to_a_later_tier() {
    // 10 waived, then 5. Known at once, the waived row takes the first tier (8) and the 5 owe the second (3.5 and its flat 1).
    // Known late, the 5 had the first tier (4): the month's fee should not depend on when waived use became known.
    let waived = |seq| {
        let mut one = gb("u-1", "graduated", 1, 10, seq);
        one.row.is_waived = true;
        one
    };
    let due = |seq, seqs: &[u64]| month_due(&[waived(seq), gb("u-2", "graduated", 3, 5, 1)], seqs)["2026-01"].clone();
    assert_eq!(due(1, &[1]), "4.50000000");
    assert_eq!(due(2, &[1, 2]), "4.00000000", "wrong today: expected the same in both");
}

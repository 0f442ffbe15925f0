//! The frames are held to the readable fold: over random rows, files, prices, windows, bookmarks and replacements, both give the same
//! lines and the same units, whatever the split into files.

use proptest::prelude::*;
use reckoner_core::account::Accounts;
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::price::{DiscountBook, PriceBook};
use reckoner_core::profile::Profile;
use reckoner_core::rate::{Bookmark, DueWindow, Frozen, KnownUsage, Repricing, Terms, fold};
use reckoner_core::table::{AccountRow, BillingMode, PaymentMethod, PriceModel, PriceRow, SettleWindow, Unit, UsageRow};
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_frames::{CountTask, RowFile, count, write_rows};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// 2026-01-05T00:00:00+08:00.
const MONDAY: i64 = 1_767_542_400;

fn price(sku: u8, from: i64, settle: SettleWindow, unit: Unit, min_seconds: i64, step_seconds: i64, revision: u32) -> PriceRow {
    PriceRow {
        sku: format!("sku-{sku}"),
        product: "server".to_owned(),
        billing_mode: BillingMode::PayPerUse,
        unit,
        unit_price: UnitPrice::from_e12(i128::from(sku) * 10_000_000_000),
        model: PriceModel::Flat,
        currency: "CNY".to_owned(),
        valid_from: Some(Instant::from_seconds(from)),
        valid_to: None,
        revision,
        settle,
        min_seconds,
        step_seconds,
        min_charge: Money::ZERO,
        particulars: BTreeMap::new(),
    }
}

fn account(account_id: &str) -> AccountRow {
    AccountRow {
        account_id: account_id.to_owned(),
        name: account_id.to_owned(),
        currency: "CNY".to_owned(),
        level: "V0".to_owned(),
        credit_limit: Money::ZERO,
        payment_method: PaymentMethod::Balance,
        payer_account_id: None,
        cost_center: None,
        valid_from: None,
        revision: 0,
        particulars: BTreeMap::new(),
    }
}

/// Prices that change inside hours, settle by hour, day and month, with minimum and steps, in two states of knowledge.
fn terms(zone: &str) -> Terms {
    let hour = || Unit::Hour;
    let rows = [
        (1, price(0, 0, SettleWindow::Hour, hour(), 0, 1, 0)),
        (1, price(1, 0, SettleWindow::Hour, hour(), 60, 1, 0)),
        (2, price(1, MONDAY + 40_000, SettleWindow::Hour, hour(), 0, 300, 0)),
        (3, price(1, MONDAY + 40_000, SettleWindow::Day, hour(), 0, 7, 1)),
        (1, price(2, 0, SettleWindow::Day, hour(), 90, 60, 0)),
        (1, price(3, 0, SettleWindow::Month, hour(), 0, 1, 0)),
        (1, price(4, 0, SettleWindow::Hour, Unit::Amount("GB".to_owned()), 0, 1, 0)),
        (2, price(4, MONDAY + 20_001, SettleWindow::Day, Unit::Amount("GB".to_owned()), 0, 1, 0)),
    ];
    Terms::new(
        Profile::builtin("huawei-intl").expect("comes with the engine"),
        Zone::parse(zone).expect("a zone"),
        Accounts::new([account("a"), account("b")]),
        &PriceBook::new(rows),
        &DiscountBook::default(),
        [1, 2, 3],
    )
}

prop_compose! {
    fn usage()(
        account in 0..3_u8, resource in 0..3_u8, sku in 0..5_u8, start in -7_200..180_000_i64, length in prop_oneof![Just(0_i64), 1..90_i64, 1..20_000_i64, 1..200_000_i64],
        quantity in prop_oneof![Just(0_i128), Just(1_000_000_000_000), 1..30_000_000_000_000_i128], waived in any::<bool>(), region in 0..3_u8,
        seq in 1..4_u64, replaced in prop_oneof![3 => Just(None), 1 => (2..5_u64).prop_map(Some)],
    ) -> KnownUsage {
        let row = UsageRow {
            record_id: String::new(),
            account_id: ["a", "b", "stranger"][usize::from(account)].to_owned(),
            resource_id: format!("r-{resource}"),
            sku: format!("sku-{sku}"),
            started_at: Instant::from_seconds(MONDAY + start),
            ended_at: Instant::from_seconds(MONDAY + start + length),
            quantity: Quantity::from_e12(quantity),
            region: (region > 0).then(|| format!("region-{region}")),
            resource_name: None,
            tags: BTreeMap::from([("n".to_owned(), region.to_string())]),
            revision: 0,
            corrects: None,
            is_waived: waived,
            line: 0,
        };
        KnownUsage { row, seq, superseded_seq: replaced.filter(|at| *at >= seq) }
    }
}

prop_compose! {
    fn mark()(start in -7_200..180_000_i64, length in 3_600..400_000_i64, account in 0..3_u8, sku in 0..6_u8, book_seq in 1..4_u64, reprices in any::<bool>()) -> Bookmark {
        let start = Instant::from_seconds(MONDAY + start);
        Bookmark {
            covers: Window::new(start, start.plus_seconds(length)),
            account_id: (account > 0).then(|| ["a", "b"][usize::from(account) - 1].to_owned()),
            sku: (sku > 0).then(|| format!("sku-{}", sku - 1)),
            book_seq,
            reprices,
        }
    }
}

prop_compose! {
    fn frozen()(account in 0..2_u8, start in -7_200..180_000_i64, length in prop_oneof![0..4_000_i64, 0..100_000_i64]) -> (String, Window) {
        let start = Instant::from_seconds(MONDAY + start);
        (["a", "b"][usize::from(account)].to_owned(), Window::new(start, start.plus_seconds(length)))
    }
}

fn repricing() -> impl Strategy<Value = Option<Repricing>> {
    prop_oneof![Just(None), any::<bool>().prop_map(|is_partial| Some(Repricing { book_seq: 3, is_partial }))]
}

fn due_windows(terms: &Terms) -> Vec<DueWindow> {
    let mut due = BTreeSet::new();
    for half_hour in -4..120_i64 {
        let instant = Instant::from_seconds(MONDAY + half_hour * 1_800);
        for kind in SettleWindow::ALL {
            let settled_seq = if half_hour % 3 == 0 { None } else { Some(half_hour.unsigned_abs() % 4) };
            let window = kind.containing(instant, terms.zone);
            if !due.iter().any(|known: &DueWindow| known.kind == kind && known.window == window) {
                due.insert(DueWindow { window, kind, book_seq: 1 + half_hour.unsigned_abs() % 3, settled_seq });
            }
        }
    }
    due.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn frames_equal_the_readable_fold(mut known in prop::collection::vec(usage(), 1..60), zone in prop_oneof!["\\+08:00", "Asia/Kolkata", "America/New_York"], marks in prop::collection::vec(mark(), 0..4), frozen in prop::collection::vec(frozen(), 0..5), repricing in repricing()) {
        let frozen = Frozen::new(frozen);
        let mut terms = terms(&zone).with_bookmarks(marks);
        terms.repricing = repricing;
        let due = due_windows(&terms);
        for (place, one) in known.iter_mut().enumerate() {
            one.row.record_id = format!("rec-{place:04}");
            one.row.line = place as u64 + 2;
        }
        let expected = fold(&known, &due, &terms, &frozen).expect("small numbers");

        let folder = tempfile::tempdir().expect("a folder");
        let mut files = Vec::new();
        let mut superseded = HashMap::new();
        for seq in 1..4 {
            let file_id = format!("file-{seq}");
            let rows: Vec<&KnownUsage> = known.iter().filter(|one| one.seq == seq).collect();
            for one in &rows {
                if let Some(at) = one.superseded_seq {
                    superseded.insert((file_id.clone(), one.row.line), at);
                }
            }
            for (part, half) in rows.chunks(rows.len().div_ceil(2).max(1)).enumerate() {
                let path = folder.path().join(format!("{file_id}-{part}.parquet"));
                write_rows(half.iter().map(|one| one.row.clone()).collect(), &path).expect("written");
                files.push(RowFile { path, file_id: file_id.clone(), seq });
            }
        }
        files.reverse();
        let task = CountTask { files: &files, superseded: &superseded, due: &due, terms: &terms, frozen: &frozen, account_id: None, sku: None, skus: None, account_skus: None };
        let (counted, _) = count(&task).expect("counted");
        prop_assert_eq!(counted, expected);
    }
}

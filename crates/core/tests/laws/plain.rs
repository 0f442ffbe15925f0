//! The short ways say what the long ways say: amounts of plain lines, rows that need no second look.

use super::world::{MONDAY, account, money, price, terms, tiers, usage};
use proptest::prelude::*;
use reckoner_core::account::Accounts;
use reckoner_core::intake::{Extremes, UsageChecks};
use reckoner_core::number::{FeeScale, Money, Quantity, UnitPrice};
use reckoner_core::price::{Price, PriceBook};
use reckoner_core::profile::{Profile, RoundAt};
use reckoner_core::rate::{DueWindow, Frozen, KnownUsage, Use, amounts_of, fold, plain_amounts, plain_price};
use reckoner_core::table::{BillingMode, PriceModel, PriceRow, SettleWindow, Unit};
use reckoner_core::time::{Instant, Window, Zone};

fn with_price(row: PriceRow) -> Price {
    Price { price_id: row.price_id(), validity: row.stated_validity(), row }
}

/// Sizes from nothing to beyond what fits.
fn size() -> impl Strategy<Value = i128> {
    (0..127_u32, any::<u128>()).prop_map(|(bits, noise)| (noise >> 1 >> (126 - bits)) as i128)
}

fn extremes(uses: &[Use]) -> Extremes {
    let starts: Vec<i64> = uses.iter().map(|one| one.interval.start.seconds()).collect();
    let ends: Vec<i64> = uses.iter().map(|one| one.interval.end.seconds()).collect();
    let quantities: Vec<i128> = uses.iter().map(|one| one.quantity.e12()).collect();
    Extremes::of(&starts, &ends, &quantities).expect("there is one")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn amounts_of_plain_lines_are_those_of_the_long_way(
        unit_price in size(), quantity in size(), is_negative in any::<bool>(), scale in 0..9_u32, is_hour in any::<bool>(),
        lifts in any::<bool>(), rounds in any::<bool>(),
    ) {
        let row = PriceRow {
            unit_price: UnitPrice::from_e12(unit_price),
            unit: if is_hour { Unit::Hour } else { Unit::Amount("GB".to_owned()) },
            min_charge: if lifts { money("0.01") } else { Money::ZERO },
            ..price("vm", "0")
        };
        let mut profile = Profile::builtin("huawei-intl").expect("comes with the engine");
        profile.fee_scale = FeeScale::new(scale).expect("at most 8");
        profile.round_at = if rounds { RoundAt::Line } else { RoundAt::Bill };
        let quantity = Quantity::from_e12(if is_negative { -quantity } else { quantity });
        let price = with_price(row);
        let long = amounts_of(&price, quantity, Quantity::ZERO, &[], &profile);
        if let Some(plain) = plain_amounts(&price, quantity, &profile) {
            // The long way forms larger numbers under way: where it gives up, the short one may still be right.
            prop_assert!(long.is_err() || long == Ok(plain), "{long:?} {plain:?}");
        }
        let is_usual = unit_price < 1 << 56 && quantity.e12().unsigned_abs() < 1 << 56;
        prop_assert!(!is_usual || plain_amounts(&price, quantity, &profile).is_some(), "usual sizes go the short way");
    }

    #[test]
    fn what_plain_terms_admit_is_accepted(
        sku in 0..8_usize, start in -90_000..90_000_i64, seconds in -10..90_000_i64, quantity in size(), has_epoch in any::<bool>(), is_late in any::<bool>(),
    ) {
        let [from, until] = [0, 43_200].map(|second| Some(Instant::from_seconds(MONDAY + second)));
        let ladder = || tiers(&[("10", "0.8", "0"), ("", "123456789.000000000001", "0")]);
        let amount = || Unit::Amount("GB".to_owned());
        let prices = [
            price("always", "0.68"),
            PriceRow { valid_from: from, ..price("begins", "99999999.9") },
            PriceRow { valid_from: from, valid_to: until, ..price("ends", "0.1") },
            PriceRow { valid_from: from, valid_to: until, unit: amount(), ..price("amount", "0.1") },
            PriceRow { billing_mode: BillingMode::Subscription, ..price("sold", "0.1") },
            PriceRow { model: PriceModel::Graduated { tiers: ladder() }, ..price("graduated", "0") },
            PriceRow { model: PriceModel::Volume { tiers: ladder() }, unit: amount(), ..price("volume", "0") },
            price("changes", "0.5"),
            PriceRow { valid_from: until, ..price("changes", "777777777") },
        ];
        let skus = ["always", "begins", "ends", "amount", "sold", "graduated", "volume", "changes"];
        let accounts = Accounts::new([account("a")]);
        let book = PriceBook::new(prices.into_iter().map(|row| (1, row))).as_of(1);
        let checks = UsageChecks {
            accounts: &accounts,
            prices: &book,
            as_of: Instant::from_seconds(MONDAY + 60_000),
            epoch: has_epoch.then(|| Instant::from_seconds(MONDAY - 40_000)),
            late_from: is_late.then(|| Instant::from_seconds(MONDAY - 20_000)),
            zone: Zone::parse("+08:00").expect("a zone"),
        };
        let mut row = usage("rec", skus[sku], MONDAY + start, seconds);
        row.quantity = Quantity::from_e12(quantity);
        let Some(terms) = checks.plain_terms(skus[sku], "CNY") else { return Ok(()) };
        if seconds >= 0 && terms.admits(row.measured()) {
            prop_assert!(checks.check(&row).is_ok(), "{:?}", checks.check(&row));
        }
        let is_usual = sku == 0 && seconds > 0 && start >= 0 && start + seconds < 60_000 && quantity < 1 << 56;
        prop_assert!(!is_usual || terms.admits(row.measured()), "usual rows need no second look");
        prop_assert!(!is_usual || terms.admit_all(extremes(&[row.measured()])), "nor do many of them");
    }

    #[test]
    fn what_is_admitted_together_is_admitted_one_by_one(
        is_amount in any::<bool>(), uses in prop::collection::vec((-50_000..70_000_i64, 0..4_000_i64, size()), 1..4),
    ) {
        let [from, until] = [-40_000, 43_200].map(|second| Some(Instant::from_seconds(MONDAY + second)));
        let unit = if is_amount { Unit::Amount("GB".to_owned()) } else { Unit::Hour };
        let accounts = Accounts::new([account("a")]);
        let book = PriceBook::new([(1, PriceRow { valid_from: from, valid_to: until, unit, ..price("vm", "0.1") })]).as_of(1);
        let as_of = Instant::from_seconds(MONDAY + 60_000);
        let zone = Zone::parse("+08:00").expect("a zone");
        let checks = UsageChecks { accounts: &accounts, prices: &book, as_of, epoch: None, late_from: None, zone };
        let terms = checks.plain_terms("vm", "CNY").expect("one flat price");
        let used = |(start, seconds, quantity): &(i64, i64, i128)| Use {
            interval: Window::new(Instant::from_seconds(MONDAY + start), Instant::from_seconds(MONDAY + start + seconds)),
            quantity: Quantity::from_e12(*quantity),
        };
        let uses: Vec<Use> = uses.iter().map(used).collect();
        let all = uses.iter().all(|one| terms.admits(*one));
        prop_assert!(all || !terms.admit_all(extremes(&uses)), "{uses:?}");
        prop_assert_eq!(Extremes::of(&[], &[], &[]), None);
    }

    #[test]
    fn a_window_with_a_plain_price_has_one_line_a_holding(start in 0..14_400_i64, seconds in 1..9_000_i64, second in 0..9_000_i64, hour in 0..5_i64) {
        let changes = Some(Instant::from_seconds(MONDAY + 5_000));
        let prices = || [price("vm", "0.5"), PriceRow { valid_from: changes, revision: 0, ..price("vm", "0.7") }];
        // The change became known with the second delivery, so that the first state of the book has one price.
        let terms = terms([(1, prices()[0].clone()), (2, prices()[1].clone())]);
        let window = Window::new(Instant::from_seconds(MONDAY + hour * 3_600), Instant::from_seconds(MONDAY + (hour + 1) * 3_600));
        for book_seq in [1, 2] {
            let due = DueWindow { window, kind: SettleWindow::Hour, book_seq, settled_seq: None };
            let known = |row| KnownUsage { row, seq: 1, superseded_seq: None };
            let rows = [known(usage("one", "vm", MONDAY + start, seconds)), known(usage("two", "vm", MONDAY + second, 1_800))];
            let lines = fold(&rows, &[due], &terms, &Frozen::default()).expect("small").lines;
            let is_split = book_seq == 2 && hour == 1;
            match plain_price(&terms, "vm", "CNY", book_seq, due) {
                None => prop_assert!(is_split, "only the hour in which the price changes is not plain"),
                Some(price) => {
                    prop_assert!(!is_split && lines.len() <= 1);
                    for line in lines {
                        prop_assert_eq!((&line.key.price_id, line.key.window), (&price.price_id, window));
                    }
                }
            }
        }
    }
}

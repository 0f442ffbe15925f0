//! Borders: every line stands just below, on, or just above one.

use super::world::{MONDAY, at, money, price, quantity, terms, tiers, usage};
use reckoner_core::number::{FeeScale, UnitPrice};
use reckoner_core::price::{Buyer, DiscountBook, Price, PriceBook, PriceConflict, check_new_row, check_settle_window, total};
use reckoner_core::profile::Profile;
use reckoner_core::rate::{DueWindow, Frozen, KnownUsage, amounts_of, fold};
use reckoner_core::table::{BillingMode, DiscountKind, DiscountRow, DiscountTerms, PriceModel, PriceRow, SettleWindow, Unit};
use reckoner_core::time::{Instant, Window};

fn model(unit: Unit, model: PriceModel) -> PriceRow {
    PriceRow { unit, model, ..price("s", "0") }
}

fn amounts(model_of: PriceModel) -> PriceRow {
    model(Unit::Amount("GB".to_owned()), model_of)
}

#[track_caller]
fn check(row: &PriceRow, cases: &[(&str, &str)]) {
    for (used, expected) in cases {
        let cost = total(row, quantity(used)).expect("small").cut(FeeScale::EIGHT).expect("small");
        assert_eq!((cost.money, cost.remainder.is_zero()), (money(expected), true), "{used}");
    }
}

#[test]
fn graduated_prices_each_tiers_units() {
    let tiers = tiers(&[("100", "0.10", "0"), ("500", "0.08", "7"), ("", "0.05", "0")]);
    check(
        &amounts(PriceModel::Graduated { tiers }),
        &[
            ("0", "0"),
            ("99.5", "9.95"),
            ("100", "10"),                 // the border belongs to the first tier
            ("100.000001", "17.00000008"), // the first unit beyond it brings the flat amount
            ("101", "17.08"),
            ("500", "49"),
            ("501", "49.05"),
        ],
    );
    // Before the first unit nothing is owed, not even a flat amount.
    let with_flat = super::world::tiers(&[("10", "0.1", "2"), ("", "0.05", "3")]);
    check(&amounts(PriceModel::Graduated { tiers: with_flat }), &[("0", "0"), ("0.01", "2.001")]);
}

#[test]
fn volume_prices_all_units_in_the_band_reached() {
    // Bands and totals as Lago has them: getlago/lago-api, spec/services/charge_models/volume_service_spec.rb.
    let tiers = tiers(&[("100", "2", "10"), ("200", "1", "0"), ("", "0.5", "50")]);
    check(
        &amounts(PriceModel::Volume { tiers }),
        &[
            ("0", "10"), // use of nothing is use: the band's flat amount is owed
            ("1", "12"),
            ("100", "210"),
            ("100.000001", "100.000001"), // no hole between two bounds
            ("101", "101"),
            ("200", "200"),
            ("200.5", "150.25"),
            ("300", "200"),
        ],
    );
}

#[test]
fn package_prices_begun_packages_beyond_the_free_units() {
    let of = |free: &str| {
        amounts(PriceModel::Package {
            size: quantity("10"),
            unit_price: UnitPrice::parse("100").expect("a price"),
            free: quantity(free),
        })
    };
    check(&of("0"), &[("0", "0"), ("0.000000000001", "100"), ("10", "100"), ("10.5", "200"), ("121", "1300")]);
    check(&of("10"), &[("9.9", "0"), ("10", "0"), ("10.000000000001", "100"), ("20", "100"), ("20.1", "200"), ("121", "1200")]);
    check(&of("200"), &[("121", "0"), ("200", "0"), ("201", "100")]);
}

#[test]
fn tiers_of_an_hour_price_count_hours() {
    // Unit-seconds: 96 hours are 345600.
    let graduated = PriceModel::Graduated { tiers: tiers(&[("96", "0.42", "0"), ("", "0.21", "0")]) };
    check(&model(Unit::Hour, graduated), &[("345600", "40.32"), ("349200", "40.53"), ("432000", "45.36")]);
    let volume = PriceModel::Volume { tiers: tiers(&[("1", "3.6", "0"), ("", "1.8", "0")]) };
    check(&model(Unit::Hour, volume), &[("3600", "3.6"), ("3601", "1.8005"), ("7200", "3.6")]);
    let package =
        PriceModel::Package { size: quantity("2"), unit_price: UnitPrice::parse("5").expect("a price"), free: quantity("1") };
    check(&model(Unit::Hour, package), &[("3600", "0"), ("3601", "5"), ("10800", "5"), ("10801", "10")]);
}

/// The quantity charged in each hour of the day for one record from 10:00 + `start`.
fn charged(row: PriceRow, start: i64, seconds: i64) -> Vec<(i64, String)> {
    let terms = terms([(1, row)]);
    let start = MONDAY + 10 * 3_600 + start;
    let due: Vec<DueWindow> = (0..24)
        .map(|hour| {
            let window = SettleWindow::Hour.containing(Instant::from_seconds(MONDAY + hour * 3_600), terms.zone);
            DueWindow { window, kind: SettleWindow::Hour, book_seq: 1, settled_seq: None }
        })
        .collect();
    let known = KnownUsage { row: usage("u", "s", start, seconds), seq: 1, superseded_seq: None };
    let lines = fold(&[known], &due, &terms, &Frozen::default()).expect("small").lines;
    let hour = |instant: Instant| (instant.seconds() - MONDAY) / 3_600;
    lines.iter().map(|line| (hour(line.key.window.start), line.quantity.to_string())).collect()
}

#[test]
fn use_is_lifted_to_the_minimum_and_to_whole_steps() {
    let one = |seconds: &str| vec![(10, seconds.to_owned())];
    // min_seconds | step_seconds | start after 10:00 | seconds | charged by hour
    type Pieces = Vec<(i64, String)>;
    let cases: Vec<(i64, i64, i64, i64, Pieces)> = vec![
        (0, 1, 0, 1, one("1")),
        (600, 1, 0, 1, one("600")),
        (600, 1, 0, 599, one("600")),
        (600, 1, 0, 600, one("600")),
        (600, 1, 0, 601, one("601")),
        (0, 60, 0, 59, one("60")),
        (0, 60, 0, 60, one("60")),
        (0, 60, 0, 61, one("120")),
        (600, 60, 0, 541, one("600")),
        (600, 60, 0, 601, one("660")),
        (90, 7, 0, 50, one("90")), // the greater of the two: 56 by steps
        (90, 7, 0, 90, one("91")),
        (600, 60, 0, 0, vec![]), // held for no time: not even a minimum
        // What is added belongs to the last piece.
        (600, 1, 3_590, 15, vec![(10, "10".to_owned()), (11, "590".to_owned())]),
        (600, 1, 3_590, 10, one("600")), // the last second lies before 11:00
        (0, 60, 3_540, 61, vec![(10, "60".to_owned()), (11, "60".to_owned())]),
    ];
    for (min_seconds, step_seconds, start, seconds, expected) in cases {
        let row = PriceRow { min_seconds, step_seconds, ..price("s", "1") };
        assert_eq!(charged(row, start, seconds), expected, "{min_seconds} {step_seconds}: {start} + {seconds}");
    }
}

fn as_price(row: PriceRow) -> Price {
    let (price_id, validity) = (row.price_id(), row.stated_validity());
    Price { row, price_id, validity }
}

#[test]
fn a_charge_above_nothing_is_lifted_to_the_least() {
    let least = as_price(PriceRow { min_charge: money("0.01"), ..amounts_of_unit("0.02") });
    let profile = Profile::builtin("huawei-intl").expect("comes with the engine");
    // used | waived | list | discount | truncated | due
    for (used, waived, list, discount, truncated, due) in [
        ("0", "0", "0", "0", "0", "0"), // nothing to lift
        ("0.1", "0", "0.002", "0", "-0.008", "0.01"),
        ("0.499999", "0", "0.00999998", "0", "-0.00000002", "0.01"),
        ("0.5", "0", "0.01", "0", "0", "0.01"),
        ("0.500001", "0", "0.01000002", "0", "0", "0.01000002"),
        ("0.000000001", "0", "0", "0", "0", "0"),   // cut to nothing first
        ("0.4", "0.4", "0.008", "0.008", "0", "0"), // waived: no fee to lift
        ("0.4", "0.1", "0.008", "0.002", "-0.004", "0.01"),
    ] {
        let found = amounts_of(&least, quantity(used), quantity(waived), &[], &profile).expect("small");
        let expected = [list, discount, truncated, due].map(money);
        assert_eq!([found.list, found.discount, found.truncated, found.due], expected, "{used}, waived {waived}");
    }
}

fn amounts_of_unit(unit_price: &str) -> PriceRow {
    PriceRow { unit: Unit::Amount("GB".to_owned()), ..price("s", unit_price) }
}

fn discount(discount_id: &str, account_id: &str, kind: DiscountKind, terms: DiscountTerms) -> DiscountRow {
    DiscountRow {
        discount_id: discount_id.to_owned(),
        account_id: account_id.to_owned(),
        kind,
        terms,
        products: Vec::new(),
        skus: Vec::new(),
        modes: Vec::new(),
        order_kinds: Vec::new(),
        valid_from: None,
        valid_to: None,
        revision: 0,
    }
}

fn percent(text: &str) -> DiscountTerms {
    DiscountTerms::PercentOff(text.parse().expect("a percentage"))
}

fn instead(text: &str) -> DiscountTerms {
    DiscountTerms::UnitPrice(UnitPrice::parse(text).expect("a price"))
}

fn fitting(rows: Vec<DiscountRow>, seq: u64, at_text: &str) -> Vec<String> {
    let discounts = DiscountBook::new(rows.into_iter().enumerate().map(|(at, row)| (at as u64 + 1, row))).as_of(seq);
    let buyer = Buyer { account_id: "a", product: "p", sku: "s", billing_mode: BillingMode::PayPerUse, at: at(at_text) };
    discounts.fitting(buyer).into_iter().map(|row| row.discount_id.clone()).collect()
}

#[test]
fn the_best_single_discount_wins() {
    let list = as_price(amounts_of_unit("0.1"));
    let profile = Profile::builtin("huawei-intl").expect("comes with the engine");
    // discounts | fee of 10 units, 1 at list
    let cases: Vec<(Vec<DiscountTerms>, &str)> = vec![
        (vec![], "1"),
        (vec![percent("0")], "1"),
        (vec![percent("100")], "0"),
        (vec![percent("20"), percent("15")], "0.8"), // never both
        (vec![percent("20"), instead("0.07")], "0.7"),
        (vec![percent("20"), instead("0.09")], "0.8"),
        (vec![instead("0.2")], "1"),                  // a price above the list's is no discount
        (vec![percent("33.33333333")], "0.66666666"), // cut after the discount, once
    ];
    for (terms, fee) in cases {
        let rows: Vec<DiscountRow> = terms.into_iter().map(|terms| discount("d", "a", DiscountKind::Commercial, terms)).collect();
        let found = amounts_of(&list, quantity("10"), quantity("0"), &rows.iter().collect::<Vec<_>>(), &profile).expect("small");
        assert_eq!((found.due, found.list), (money(fee), money("1")), "{rows:?}");
        assert_eq!(found.discount, money("1") - money(fee));
    }
}

#[test]
fn equal_discounts_win_by_kind_then_id() {
    use DiscountKind::{Commercial, FeeWaiver, Partner, Promotional};
    let rows = [("z", FeeWaiver), ("a", Promotional), ("d", Commercial), ("b", Partner), ("c", Commercial)];
    let rows = rows.map(|(id, kind)| discount(id, if id == "b" { "*" } else { "a" }, kind, percent("10"))).to_vec();
    assert_eq!(fitting(rows, 9, "2026-01-05T00:00:00Z"), ["c", "d", "b", "a", "z"]);
}

#[test]
fn a_discount_fits_whom_what_and_when_it_says() {
    let base = || discount("d", "a", DiscountKind::Commercial, percent("10"));
    let (from, to) = (Some(at("2026-01-05T00:00:00Z")), Some(at("2026-01-06T00:00:00Z")));
    let text = |one: &str| vec![one.to_owned()];
    // the row | at | whether it fits account `a`, product `p`, sku `s`, by use
    let cases = [
        (base(), "2026-01-05T00:00:00Z", true),
        (DiscountRow { account_id: "*".to_owned(), ..base() }, "2026-01-05T00:00:00Z", true),
        (DiscountRow { account_id: "b".to_owned(), ..base() }, "2026-01-05T00:00:00Z", false),
        (DiscountRow { products: text("p"), ..base() }, "2026-01-05T00:00:00Z", true),
        (DiscountRow { products: text("q"), ..base() }, "2026-01-05T00:00:00Z", false),
        (DiscountRow { skus: text("t"), ..base() }, "2026-01-05T00:00:00Z", false),
        (DiscountRow { modes: vec![BillingMode::Subscription], ..base() }, "2026-01-05T00:00:00Z", false),
        (DiscountRow { order_kinds: text("purchase"), ..base() }, "2026-01-05T00:00:00Z", false), // of orders, not of use
        (DiscountRow { valid_from: from, valid_to: to, ..base() }, "2026-01-04T23:59:59Z", false),
        (DiscountRow { valid_from: from, valid_to: to, ..base() }, "2026-01-05T00:00:00Z", true),
        (DiscountRow { valid_from: from, valid_to: to, ..base() }, "2026-01-05T23:59:59Z", true),
        (DiscountRow { valid_from: from, valid_to: to, ..base() }, "2026-01-06T00:00:00Z", false),
    ];
    for (row, instant, expected) in cases {
        assert_eq!(!fitting(vec![row.clone()], 9, instant).is_empty(), expected, "{instant}: {row:?}");
    }
    // A revision takes the row's place from the delivery on that brings it, whatever it says less.
    let revised = DiscountRow { revision: 1, account_id: "b".to_owned(), ..base() };
    assert_eq!(fitting(vec![base(), revised.clone()], 1, "2026-01-05T00:00:00Z"), ["d"]);
    assert!(fitting(vec![base(), revised], 2, "2026-01-05T00:00:00Z").is_empty());
}

/// A row of sku `s` that costs `unit_price`; empty texts are no bounds.
fn dated(unit_price: &str, from: &str, to: &str, revision: u32) -> PriceRow {
    let bound = |text: &str| (!text.is_empty()).then(|| at(&format!("2026-01-{text}:00:00Z")));
    PriceRow { valid_from: bound(from), valid_to: bound(to), revision, ..price("s", unit_price) }
}

#[test]
fn the_price_book_says_which_row_holds() {
    // Delivered in this order, under the numbers 1, 2, 3, …
    let rows = [
        dated("1", "", "", 0),
        dated("2", "05T10", "", 0),      // ends the open row
        dated("4", "20T00", "22T00", 0), // says its end itself
        dated("3", "12T00", "", 0),      // between two that are known
        dated("2.5", "05T10", "", 1),    // a revision, from delivery 5 on
        dated("5", "25T00", "", 0),
    ];
    let book = PriceBook::new(rows.into_iter().enumerate().map(|(at, row)| (at as u64 + 1, row)));
    // known | at | price
    let cases = [
        (1, "01T00", "1"),
        (1, "30T00", "1"),
        (2, "05T09", "1"),
        (2, "05T10", "2"),
        (2, "19T23", "2"),
        (3, "20T00", "4"),
        (3, "21T23", "4"),
        (3, "22T00", ""), // a gap: the row that was open has ended at the 20th
        (3, "30T00", ""),
        (4, "11T23", "2"),
        (4, "12T00", "3"),
        (4, "19T23", "3"),
        (4, "22T00", ""),
        (5, "05T10", "2.5"),
        (5, "05T09", "1"),
        (6, "24T23", ""),
        (6, "25T00", "5"),
        (u64::MAX, "05T10", "2.5"),
    ];
    for (seq, instant, expected) in cases {
        let prices = book.as_of(seq);
        let timeline = prices.timeline("s", "CNY").expect("priced");
        let found = timeline.at(at(&format!("2026-01-{instant}:00:00Z")));
        assert_eq!(found.map_or(String::new(), |price| price.row.unit_price.to_string()), expected, "{seq}, {instant}");
    }

    let prices = book.as_of(9);
    let timeline = prices.timeline("s", "CNY").expect("priced");
    let window = |from: &str, to: &str| Window::new(at(&format!("2026-01-{from}:00:00Z")), at(&format!("2026-01-{to}:00:00Z")));
    for (from, to, is_covered, prices) in
        [("01T00", "22T00", true, 4), ("21T00", "22T01", false, 1), ("22T00", "25T00", false, 0), ("24T23", "25T01", false, 1)]
    {
        let window = window(from, to);
        assert_eq!((timeline.covers(window), timeline.during(window).count()), (is_covered, prices), "{from} to {to}");
    }
    assert!(prices_of_other_currency(&book), "a currency that no row names has no prices");
}

fn prices_of_other_currency(book: &PriceBook) -> bool {
    let prices = book.as_of(9);
    prices.timeline("s", "USD").is_none() && prices.currencies("s") == ["CNY"] && prices.currencies("t").is_empty()
}

#[test]
fn a_published_row_is_never_edited() {
    let known = [dated("1", "", "", 0), dated("2", "05T10", "", 0), dated("4", "20T00", "22T00", 0)];
    let inside = |row: &PriceRow| matches!(check_new_row(row, known.iter()), Err(PriceConflict::InsideExplicit { .. }));
    let holds = |row: &PriceRow| matches!(check_new_row(row, known.iter()), Err(PriceConflict::HoldsAnother { .. }));
    assert_eq!(check_new_row(&known[1], known.iter()), Ok(false));
    assert_eq!(check_new_row(&dated("9", "05T10", "", 0), known.iter()), Err(PriceConflict::EditedInPlace));
    assert_eq!(check_new_row(&dated("9", "05T10", "", 1), known.iter()), Ok(true));
    assert_eq!(check_new_row(&dated("9", "12T00", "", 0), known.iter()), Ok(true)); // inside an open row
    assert!(inside(&dated("9", "21T00", "", 0)));
    assert_eq!(check_new_row(&dated("9", "22T00", "", 0), known.iter()), Ok(true)); // where it ends
    assert!(holds(&dated("9", "12T00", "21T00", 0)));
    assert_eq!(check_new_row(&dated("9", "12T00", "20T00", 0), known.iter()), Ok(true));
    assert_eq!(check_new_row(&dated("4", "20T00", "23T00", 1), known.iter()), Ok(true)); // a revision may end later
}

#[test]
fn use_that_is_settled_stays_in_windows_of_its_kind() {
    let daily = |row| PriceRow { settle: SettleWindow::Day, ..row };
    let known = [dated("1", "", "", 0), daily(dated("2", "10T00", "", 0)), dated("3", "20T00", "22T00", 0)];
    // the row | whether it may come when windows up to the 12th, 06:00 UTC, are settled
    let cases = [
        (dated("9", "", "", 1), true),              // a revision with the same kind
        (daily(dated("9", "", "", 1)), false),      // settled hours would become parts of days
        (daily(dated("9", "05T00", "", 0)), false), // the same from the 5th on
        (dated("9", "10T00", "", 1), false),        // settled days would become hours
        (dated("9", "12T05", "", 0), false),
        (dated("9", "12T06", "", 0), true), // nothing is settled there yet
        (daily(dated("9", "11T00", "", 0)), true),
        (daily(dated("9", "20T00", "", 1)), true),
        (daily(dated("9", "22T00", "", 0)), true), // where no row holds
    ];
    for (row, expected) in cases {
        let found = check_settle_window(&row, known.iter(), at("2026-01-12T06:00:00Z"));
        assert_eq!(found.is_ok(), expected, "{:?} {:?} {}: {found:?}", row.valid_from, row.settle, row.revision);
    }
}

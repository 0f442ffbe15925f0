//! What is used while an account is frozen is counted in full and charged at nothing.

use super::world::{MONDAY, money, price, quantity, terms, usage};
use proptest::prelude::*;
use reckoner_core::number::Quantity;
use reckoner_core::rate::{Charge, DueWindow, Frozen, KnownUsage, Terms, Tiers, fold, posted_lines, settle_lines};
use reckoner_core::table::{PriceModel, PriceRow, SettleWindow, Unit};
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600;

fn known(row: reckoner_core::table::UsageRow) -> KnownUsage {
    KnownUsage { row, seq: 1, superseded_seq: None }
}

fn window(start: i64, end: i64) -> Window {
    Window::new(Instant::from_seconds(MONDAY + start), Instant::from_seconds(MONDAY + end))
}

fn hours(kind: SettleWindow, terms: &Terms) -> Vec<DueWindow> {
    let mut due: Vec<DueWindow> = Vec::new();
    for hour in 0..24 {
        let window = kind.containing(Instant::from_seconds(MONDAY + hour * HOUR), terms.zone);
        if due.last().is_none_or(|last| last.window != window) {
            due.push(DueWindow { window, kind, book_seq: 1, settled_seq: None });
        }
    }
    due
}

fn charges(rows: &[KnownUsage], kind: SettleWindow, terms: &Terms, frozen: &Frozen) -> Vec<Charge> {
    let lines = fold(rows, &hours(kind, terms), terms, frozen).expect("small").lines;
    settle_lines(lines, BTreeMap::new(), &mut Tiers::new(), terms).expect("small")
}

/// What a charge says: quantity, of that free, list, discount, due, reason.
fn shown(charge: &Charge) -> (Quantity, Quantity, [String; 3], &str) {
    let amounts = charge.amounts;
    let amounts = [amounts.list, amounts.discount, amounts.due].map(|amount| amount.trimmed());
    (charge.quantity, charge.waived, amounts, charge.reason.as_deref().unwrap_or(""))
}

type Case = (&'static str, i64, i64, i64, i64, &'static str, &'static str, [&'static str; 3], &'static str);

#[test]
fn use_is_cut_where_the_freeze_begins_and_ends() {
    let amount = PriceRow { unit: Unit::Amount("GB".to_owned()), ..price("gb", "2") };
    let least = PriceRow { min_seconds: HOUR, ..price("least", "3.6") };
    let daily = PriceRow { settle: SettleWindow::Day, ..price("daily", "3.6") };
    let terms = terms([(1, price("vm", "3.6")), (1, amount), (1, least), (1, daily)]);
    let day = 24 * HOUR;
    // sku | used from, to | frozen from, to | quantity, of that free, list, discount, due, reason
    let cases: [Case; 11] = [
        ("vm", 0, HOUR, -9, 0, "3600", "0", ["3.6", "0", "3.6"], ""), // over by the first second
        ("vm", 0, HOUR, HOUR, day, "3600", "0", ["3.6", "0", "3.6"], ""), // not yet in the last
        ("vm", 0, HOUR, 0, HOUR, "3600", "3600", ["3.6", "3.6", "0"], "frozen"),
        ("vm", 0, HOUR, 600, day, "3600", "3000", ["3.6", "3", "0.6"], "frozen"),
        ("vm", 0, HOUR, -9, 600, "3600", "600", ["3.6", "0.6", "3"], "frozen"),
        ("vm", 0, HOUR, 600, 601, "3600", "1", ["3.6", "0.001", "3.599"], "frozen"),
        ("gb", 0, 900, 899, day, "1", "1", ["2", "2", "0"], "frozen"), // an amount belongs to its last instant
        ("gb", 0, 900, 900, day, "1", "0", ["2", "0", "2"], ""),
        ("least", 0, 600, 300, day, "3600", "3300", ["3.6", "3.3", "0.3"], "frozen"), // the minimum goes with the last instant
        ("least", 0, 600, -9, 300, "3600", "300", ["3.6", "0.3", "3.3"], "frozen"),
        ("daily", 0, 2 * HOUR, HOUR, day, "7200", "3600", ["7.2", "3.6", "3.6"], "frozen"),
    ];
    for (sku, start, end, freezes, thaws, used, free, amounts, reason) in cases {
        let rows = [known(usage("one", sku, MONDAY + start, end - start))];
        let frozen = Frozen::new([("a".to_owned(), window(freezes, thaws))]);
        let kind = if sku == "daily" { SettleWindow::Day } else { SettleWindow::Hour };
        let charges = charges(&rows, kind, &terms, &frozen);
        let expected = (quantity(used), quantity(free), amounts.map(str::to_owned), reason);
        assert_eq!(charges.iter().map(shown).collect::<Vec<_>>(), [expected], "{sku} {start}..{end}, frozen {freezes}..{thaws}");
    }
}

#[test]
fn of_other_accounts_nothing_is_free() {
    let terms = terms([(1, price("vm", "3.6"))]);
    let frozen = Frozen::new([("b".to_owned(), window(0, HOUR))]);
    let charges = charges(&[known(usage("one", "vm", MONDAY, HOUR))], SettleWindow::Hour, &terms, &frozen);
    assert_eq!(charges[0].amounts.due, money("3.6"));
}

#[test]
fn late_use_of_frozen_time_is_free_as_well() {
    let terms = terms([(1, price("vm", "3.6"))]);
    let frozen = Frozen::new([("a".to_owned(), window(0, HOUR))]);
    let first = [known(usage("one", "vm", MONDAY, 600))];
    let posted = charges(&first, SettleWindow::Hour, &terms, &frozen);
    let both = [first[0].clone(), known(usage("late", "vm", MONDAY + 600, 600))];
    let lines = fold(&both, &hours(SettleWindow::Hour, &terms), &terms, &frozen).expect("small").lines;
    let posted = posted_lines(&posted).expect("small");
    let late = settle_lines(lines, posted, &mut Tiers::new(), &terms).expect("small");
    let expected = (quantity("600"), quantity("600"), ["0.6", "0.6", "0"].map(str::to_owned), "late_usage");
    assert_eq!(late.iter().map(shown).collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_tier_reached_in_frozen_time_is_reached() {
    let tiers = super::world::tiers(&[("10", "1", "0"), ("", "0.5", "0")]);
    let row = PriceRow { unit: Unit::Amount("GB".to_owned()), model: PriceModel::Graduated { tiers }, ..price("gb", "0") };
    let terms = terms([(1, row)]);
    let frozen = Frozen::new([("a".to_owned(), window(0, HOUR))]);
    let used = |record_id: &str, start: i64, amount: &str| {
        let mut row = usage(record_id, "gb", MONDAY + start, 60);
        row.quantity = quantity(amount);
        known(row)
    };
    let dues = charges(&[used("one", 0, "10"), used("two", HOUR, "4")], SettleWindow::Hour, &terms, &frozen);
    assert_eq!(
        dues.iter().map(|charge| charge.amounts.due).collect::<Vec<_>>(),
        [money("0"), money("2")],
        "as waived use has it"
    );
}

proptest! {
    #[test]
    fn freezing_moves_use_from_charged_to_free_and_loses_none(
        start in 0..40_000_i64, length in 1..40_000_i64, times in prop::collection::vec((0..80_000_i64, 0..30_000_i64), 0..4),
    ) {
        let terms = terms([(1, price("vm", "0.36"))]);
        let rows = [known(usage("one", "vm", MONDAY + start, length))];
        let times: Vec<Window> = times.into_iter().map(|(start, length)| window(start, start + length)).collect();
        let frozen = Frozen::new(times.iter().map(|time| ("a".to_owned(), *time)));
        let due = hours(SettleWindow::Hour, &terms);
        let counted = fold(&rows, &due, &terms, &frozen).expect("small");
        let plain = fold(&rows, &due, &terms, &Frozen::default()).expect("small");

        let sum = |quantities: Vec<Quantity>| quantities.into_iter().try_fold(Quantity::ZERO, Quantity::plus).expect("small");
        let is_free = |second: i64| times.iter().any(|time| time.holds(Instant::from_seconds(MONDAY + second)));
        let end = (start + length).min(24 * HOUR);
        let free = (start..end).filter(|second| is_free(*second)).count() as i128;
        prop_assert_eq!(sum(counted.lines.iter().map(|line| line.waived).collect()).e12(), free * 1_000_000_000_000);
        let quantities = |lines: &[reckoner_core::rate::Line]| lines.iter().map(|line| line.quantity).collect::<Vec<_>>();
        prop_assert_eq!(quantities(&counted.lines), quantities(&plain.lines));
        for (key, units) in &plain.units {
            let with = counted.units[key];
            prop_assert_eq!(with.charged.plus(with.zero_rated).expect("small"), units.charged);
        }
    }
}

//! One account with very many resources that are all due at one midnight. Measures; run by hand, built for speed:
//!
//!     cargo test --release -p reckoner-core --test life size -- --ignored --nocapture

use super::desk::Desk;
use reckoner_core::life::{advance, advance_plainly};
use std::time::Instant as Stopwatch;

const PRICES: [&str; 2] = [
    "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100",
    "sku=pack.month product=pack billing_mode=subscription unit=month unit_price=10",
];
const PRODUCTS: [&str; 2] = ["product=vm family=vm edition=basic edition_rank=1", "product=pack family=vm addon=true"];
const UNTIL: &str = "2026-03-20T00:00:00";

/// How what is bought hangs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Each by itself.
    Single,
    /// Two in each bundle.
    Pairs,
    /// Every other one depends on the one before it.
    Dependent,
    /// Every tenth is an add-on of the edition of the others.
    AddOns,
}

const SHAPES: [Shape; 4] = [Shape::Single, Shape::Pairs, Shape::Dependent, Shape::AddOns];

/// An account with so many, of which none has been renewed yet.
fn account_of(count: usize, shape: Shape, has_money: bool) -> Desk {
    let mut desk = Desk::new("ksyun", "+08:00", "", &PRICES, &PRODUCTS);
    desk.pays_in("2026-01-05T09:00:00", "110");
    desk.does("2026-01-05T10:00:00", "purchase", "vm-0", "sku=vm.month renewal=auto");
    desk.does("2026-01-05T10:00:00", "purchase", "pack-0", "sku=pack.month renewal=auto");
    let (vm, pack) = (desk.account.resources["vm-0"].clone(), desk.account.resources["pack-0"].clone());
    for number in 1..count {
        let mut one = if shape == Shape::AddOns && number % 10 == 0 { pack.clone() } else { vm.clone() };
        one.resource_id = format!("r-{number:06}");
        match shape {
            Shape::Pairs => one.bundle_id = Some(format!("b-{:06}", number / 2)),
            Shape::Dependent if number % 2 == 0 => one.depends_on = vec![format!("r-{:06}", number - 1)],
            Shape::Single | Shape::Dependent | Shape::AddOns => {}
        }
        desk.account.resources.insert(one.resource_id.clone(), one);
    }
    if has_money {
        desk.pays_in("2026-01-05T11:00:00", &(200 * count).to_string());
    }
    desk
}

/// As in the laws, with more of everything at one midnight: hosts that end beside what depends on them, editions beside add-ons.
#[test]
fn a_large_night_is_the_same_by_looking_at_everything() {
    for shape in SHAPES {
        for has_money in [true, false] {
            let desk = account_of(41, shape, has_money);
            let (mut quick, mut plain) = (desk.account.clone(), desk.account.clone());
            let (terms, until) = (desk.terms(desk.at("2026-01-05T12:00:00")), desk.at("2026-06-20T00:00:00"));
            let found = advance(&mut quick, &[], until, &terms);
            assert!(found.len() > 80, "{} steps are too few to tell", found.len());
            assert_eq!(found, advance_plainly(&mut plain, &[], until, &terms), "{shape:?} {has_money}");
            assert_eq!(quick, plain, "{shape:?} {has_money}");
        }
    }
}

/// What depends on it was looked at before it was there; the money covers one renewal of three.
#[test]
fn a_host_that_comes_later_is_renewed_first() {
    let mut desk = Desk::new("ksyun", "+08:00", "", &PRICES, &PRODUCTS);
    let order = |id: &str, second: u32, cells: &str| {
        let placed_at = format!("2026-01-05T10:00:{second:02}+08:00");
        Desk::order(&format!(
            "order_id=o-{id} kind=purchase placed_at={placed_at} resource_id={id} sku=vm.month renewal=auto {cells}"
        ))
    };
    let given = vec![
        Desk::money("entry_id=f-1 kind=top_up amount=400 at=2026-01-05T09:00:00+08:00"),
        order("a", 0, "depends_on=b"),
        order("b", 1, "depends_on=c"),
        order("c", 2, ""),
    ];
    let (mut plain, until) = (desk.account.clone(), desk.at("2026-03-05T00:00:00"));
    let expected = advance_plainly(&mut plain, &given, until, &desk.terms(desk.at("2026-01-01T00:00:00")));
    desk.advance(given, "2026-03-05T00:00:00");
    assert_eq!(desk.account, plain, "{expected:?}");
    assert_eq!(desk.when("c", "renewed"), ["2026-02-05T00:00:00"]);
}

#[test]
#[ignore = "measures; says nothing that could fail"]
#[expect(clippy::disallowed_methods, reason = "measures by the clock; nothing is decided by it")]
fn a_night_of_one_account() {
    for shape in SHAPES {
        for has_money in [true, false] {
            for count in [1_000, 5_000, 20_000] {
                let mut desk = account_of(count, shape, has_money);
                let (events, started) = (desk.events.len(), Stopwatch::now());
                desk.advance(Vec::new(), UNTIL);
                let (took, events) = (started.elapsed(), desk.events.len() - events);
                println!(
                    "{shape:?}, {}: {count} resources, {events} events, {took:?}",
                    if has_money { "renewed" } else { "expired" }
                );
            }
        }
    }
}

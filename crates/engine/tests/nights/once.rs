//! A night is one night: carried out again, in other portions, in another order, late.

use crate::books::{books, count};
use crate::home::deliver;
use crate::{NIGHT, NIGHT_AFTER, before_the_night, before_the_night_in_order};
use reckoner_core::life::LifeEventKind;
use reckoner_core::table::TableKind;
use reckoner_engine::{ACCOUNTS_PER_COMMIT, advance_due_by};
use reckoner_store::Store;

#[test]
fn twice_equals_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, mut store) = before_the_night(folder.path());
    let first = home.advance(&mut store, NIGHT);
    assert_eq!((first.accounts, first.steps, first.failed), (12, 24, Vec::new()));
    assert_eq!(count(&store, LifeEventKind::Renewed), 18);
    assert_eq!(count(&store, LifeEventKind::RenewalFailed), 6);
    let (once, writes) = (books(&store), store.latest_commit().expect("a number"));
    let again = home.advance(&mut store, NIGHT);
    assert_eq!((again.accounts, again.steps), (0, 0));
    assert_eq!(books(&store), once);
    assert_eq!(store.latest_commit().expect("a number"), writes, "where nothing is due nothing is written");
}

#[test]
fn portions_change_nothing() {
    let until = NIGHT_AFTER; // renewals, failures and expiries
    let all: Vec<String> = [1, 2, 5, ACCOUNTS_PER_COMMIT]
        .into_iter()
        .map(|accounts_per_commit| {
            let folder = tempfile::tempdir().expect("a folder");
            let (home, mut store) = before_the_night(folder.path());
            let knowledge = home.knowledge(&store);
            let advanced = advance_due_by(&mut store, &knowledge, None, home.at(until), accounts_per_commit).expect("advanced");
            assert_eq!(advanced.steps, 30);
            books(&store)
        })
        .collect();
    assert!(all.iter().all(|books| books == &all[0]));
}

#[test]
fn the_order_of_accounts_does_not_matter() {
    let in_order = |accounts: Vec<usize>| {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, mut store) = before_the_night_in_order(folder.path(), &accounts);
        home.advance(&mut store, NIGHT_AFTER);
        books(&store)
    };
    let forwards = in_order((0..12).collect());
    assert_eq!(in_order((0..12).rev().collect()), forwards);
    assert_eq!(in_order((0..12).map(|n| n * 5 % 12).collect()), forwards);
}

#[test]
fn an_outage_over_three_midnights_equals_three_nights() {
    let nights = ["2026-02-01T00:00:00", "2026-02-02T00:00:00", "2026-02-03T00:00:00"];
    let run = |untils: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, mut store) = before_the_night(folder.path());
        // Money between the nights, for one account that failed: too late for its renewal, in time for one by hand.
        let money = "entry_id=late account_id=a-4 kind=top_up amount=100 at=2026-02-01T12:00:00+08:00";
        deliver(&mut store, TableKind::Funds, "late money", &[money]);
        let order = "order_id=by-hand account_id=a-4 kind=renew placed_at=2026-02-02T12:00:00+08:00 resource_id=i-4-1";
        deliver(&mut store, TableKind::Orders, "late order", &[order]);
        untils.iter().for_each(|until| assert_eq!(home.advance(&mut store, until).failed, []));
        books(&store)
    };
    let one_by_one = run(&nights);
    assert!(one_by_one.contains("by-hand"));
    assert_eq!(run(&nights[2..]), one_by_one);
}

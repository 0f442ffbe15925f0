//! Several runs at once, each with a connection of its own.

use crate::books::{books, count};
use crate::disturbed::{Disturbed, Happens};
use crate::home::{Home, deliver};
use crate::{NIGHT, before_the_night};
use reckoner_core::life::LifeEventKind;
use reckoner_core::table::TableKind;
use reckoner_engine::{Advanced, advance_due_by};
use reckoner_store::Store;
use std::path::Path;
use std::sync::Barrier;

/// The books after the night as one run alone leaves them.
fn alone() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, mut store) = before_the_night(folder.path());
    home.advance(&mut store, NIGHT);
    books(&store)
}

fn six_at_once(folder: &Path, accounts_per_commit: usize) -> Vec<Advanced> {
    let ready = Barrier::new(6);
    let run = || {
        let home = Home::new(folder, "ksyun");
        let mut store = home.open();
        let knowledge = home.knowledge(&store);
        ready.wait();
        advance_due_by(&mut store, &knowledge, None, home.at(NIGHT), accounts_per_commit).expect("advanced")
    };
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().expect("a run ends")).collect()
    })
}

#[test]
fn six_runs_of_one_night_at_once_charge_each_renewal_once() {
    let alone = alone();
    for accounts_per_commit in [1, 3, 12] {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, store) = before_the_night(folder.path());
        drop(store);
        let runs = six_at_once(folder.path(), accounts_per_commit);
        assert!(runs.iter().all(|run| run.failed.is_empty()), "who comes second is no failure: {runs:?}");
        assert_eq!(runs.iter().map(|run| run.steps).sum::<u64>(), 24, "every step is taken by one of them");
        let store = home.open();
        assert_eq!(count(&store, LifeEventKind::Renewed), 18);
        assert_eq!(books(&store), alone);
    }
}

#[test]
fn whoever_decided_from_what_was_decides_again_from_what_is() {
    // Another process has renewed everything, or a part of it, between reading and writing.
    for (first, their_step) in [(12, "whole"), (2, "in parts")] {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, store) = before_the_night(folder.path());
        let other = || {
            let mut store = home.open();
            let due = store.life_due(home.at(NIGHT)).expect("accounts");
            let knowledge = home.knowledge(&store);
            advance_due_by(&mut store, &knowledge, Some(&due[..first]), home.at(NIGHT), 12).expect("advanced");
        };
        let knowledge = home.knowledge(&store);
        let mut store = Disturbed::new(store, 1, Happens::After(Box::new(other)));
        let ours = advance_due_by(&mut store, &knowledge, None, home.at(NIGHT), 12).expect("advanced");
        assert_eq!((ours.accounts, ours.failed), (12 - first as u64, Vec::new()), "{their_step}");
        assert_eq!(books(&home.open()), alone(), "{their_step}");
    }
}

#[test]
fn a_failure_that_was_decided_before_money_came_is_not_recorded() {
    // `a-4` has no money when it is read. Before its failure is written, another process takes in 200 from the 31st.
    let with_money = |store: &mut dyn Store| {
        let money = "entry_id=late account_id=a-4 kind=top_up amount=200 at=2026-01-31T12:00:00+08:00";
        deliver(store, TableKind::Funds, "late money", &[money]);
    };
    let undisturbed = {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, mut store) = before_the_night(folder.path());
        with_money(&mut store);
        home.advance(&mut store, NIGHT);
        books(&store)
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (home, store) = before_the_night(folder.path());
    let other = || {
        let mut store = home.open();
        with_money(&mut store);
        home.advance(&mut store, NIGHT);
    };
    let knowledge = home.knowledge(&store);
    let mut store = Disturbed::new(store, 1, Happens::After(Box::new(other)));
    let ours = advance_due_by(&mut store, &knowledge, None, home.at(NIGHT), 12).expect("advanced");
    assert_eq!((ours.accounts, ours.failed), (0, Vec::new()), "all was done by the other");
    assert_eq!(books(&home.open()), undisturbed);
    let resources = store.resources_of(&["a-4".to_owned()]).expect("resources");
    assert!(resources.iter().all(|resource| resource.last_renewal_result.as_deref() == Some("done")));
}

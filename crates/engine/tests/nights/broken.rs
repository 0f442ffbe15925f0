//! What is broken off, and what cannot be recorded.

use crate::books::{books, count};
use crate::disturbed::{Disturbed, Happens};
use crate::home::Home;
use crate::{NIGHT, before_the_night};
use reckoner_core::life::LifeEventKind;
use reckoner_core::time::{Instant, Window};
use reckoner_engine::{Advanced, EngineError, advance_due_by};
use reckoner_store::{LifeBatch, SettlementBatch, SqliteStore, Store, StoreError};

/// Runs the night with so many accounts a transaction.
fn night(home: &Home, store: &mut SqliteStore, accounts_per_commit: usize) -> Result<Advanced, EngineError> {
    let knowledge = home.knowledge(store);
    advance_due_by(store, &knowledge, None, home.at(NIGHT), accounts_per_commit)
}

#[test]
fn a_night_broken_off_after_every_step_is_finished_by_the_next_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, mut store) = before_the_night(folder.path());
    let start = store.latest_commit().expect("a number");
    night(&home, &mut store, 2).expect("undisturbed");
    let (undisturbed, writes) = (books(&store), store.latest_commit().expect("a number") - start);
    assert_eq!(writes, 6);

    for (write, is_there) in (1..=writes).flat_map(|write| [(write, false), (write, true)]) {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, store) = before_the_night(folder.path());
        let knowledge = home.knowledge(&store);
        let happens = if is_there { Happens::FailsAfter } else { Happens::FailsBefore };
        let mut store = Disturbed::new(store, write, happens);
        let error = advance_due_by(&mut store, &knowledge, None, home.at(NIGHT), 2).expect_err("it is broken off");
        assert!(matches!(error, EngineError::Store(StoreError::UnknownOutcome(_))), "{error}");
        drop(store);

        let mut store = home.open();
        let done = store.latest_commit().expect("a number") - start;
        assert_eq!(done, if is_there { write } else { write - 1 });
        let rest = night(&home, &mut store, 2).expect("finished");
        assert_eq!(rest.accounts, 12 - 2 * done);
        assert_eq!(books(&store), undisturbed, "broken off at write {write}, which is there: {is_there}");
    }
}

/// Plants the event that the renewal of `i-5-2` is going to have: a key that is taken.
fn plant(home: &Home, store: &mut SqliteStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, mut other) = before_the_night(folder.path());
    night(home, &mut other, 12).expect("undisturbed");
    let at = home.at(NIGHT);
    let events = other.life_events(Window::new(at, at.plus_seconds(1))).expect("events");
    let event = events.into_iter().find(|event| event.resource_id.as_deref() == Some("i-5-2")).expect("one");
    let life = LifeBatch { events: vec![event], ..LifeBatch::default() };
    store.record_settlement(&SettlementBatch { life, ..SettlementBatch::default() }).expect("recorded");
}

#[test]
fn an_account_that_cannot_be_recorded_stays_as_it_was_and_all_others_are_done() {
    for accounts_per_commit in [1, 5, 12] {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, mut store) = before_the_night(folder.path());
        plant(&home, &mut store);
        let of_account = |store: &SqliteStore| {
            let id = ["a-5".to_owned()];
            (store.wallets(&id).expect("wallets"), store.resources_of(&id).expect("resources"))
        };
        let before = of_account(&store);
        let advanced = night(&home, &mut store, accounts_per_commit).expect("advanced");
        assert_eq!((advanced.accounts, advanced.steps), (12, 22));
        let [(account_id, why)] = &advanced.failed[..] else { panic!("one account fails: {:?}", advanced.failed) };
        assert_eq!(account_id, "a-5");
        assert!(why.starts_with("event `ev_") && why.ends_with("is already recorded"), "{why}");
        assert_eq!(of_account(&store), before);
        // The planted event is one of the renewals counted.
        assert_eq!(count(&store, LifeEventKind::Renewed), 17);
        assert_eq!(store.life_due(home.at(NIGHT)).expect("accounts"), ["a-5"]);
    }
}

#[test]
fn a_store_that_takes_no_writes_is_no_accounts_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, store) = before_the_night(folder.path());
    let before = books(&store);
    drop(store);
    let mut reader = SqliteStore::open_read_only(folder.path().join("ledger.db")).expect("opened");
    let error = night(&home, &mut reader, 2).expect_err("nothing can be written");
    assert!(matches!(error, EngineError::Store(StoreError::ReadOnly)), "{error}");
    assert_eq!(books(&home.open()), before);
}

#[test]
fn what_is_recorded_in_between_makes_a_batch_stale() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, mut store) = before_the_night(folder.path());
    let read_at = store.latest_commit().expect("a number");
    let wallet = store.all_wallets().expect("wallets").remove(0);
    night(&home, &mut home.open(), 12).expect("another process was faster");
    let before = books(&store);
    let batch = SettlementBatch { read_at: Some(read_at), wallets: vec![wallet], ..SettlementBatch::default() };
    let error = store.record_settlement(&batch).expect_err("stale");
    assert!(matches!(error, StoreError::Stale { .. }) && error.retryable(), "{error}");
    assert_eq!(
        error.to_string(),
        format!("the batch was decided after write {read_at}, and write {} is recorded by now", read_at + 1)
    );
    assert_eq!(books(&store), before);
    assert!(store.life_due(Instant::MIN).expect("accounts").is_empty());
}

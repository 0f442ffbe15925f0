//! Everything that the store says of money and lives, to hold one run to another.

use reckoner_core::life::LifeEventKind;
use reckoner_core::time::{Instant, Window};
use reckoner_store::{Store, StoreError};
use std::fmt::Debug;

const ALWAYS: Window = Window { start: Instant::MIN, end: Instant::MAX };

/// Every table of money and lives, a line a row.
pub fn books(store: &dyn Store) -> String {
    fn lines<T: Debug>(rows: Result<Vec<T>, StoreError>) -> String {
        let rows = rows.expect("every question has an answer");
        rows.iter().map(|row| format!("{row:?}\n")).collect()
    }
    let accounts: Vec<String> = store.accounts().expect("accounts").into_iter().map(|known| known.row.account_id).collect();
    [
        lines(store.all_wallets()),
        lines(store.voucher_states(&accounts)),
        lines(store.open_settlements(&accounts)),
        lines(store.funds().map(|funds| funds.into_iter().map(|entry| (entry.row.entry_id, entry.status)).collect())),
        // Where an order came from has the number of its file, which the order of delivery gives.
        lines(
            store.orders(ALWAYS).map(|orders| orders.into_iter().map(|known| (known.row, known.state, known.approval)).collect()),
        ),
        lines(store.resources()),
        lines(store.life_due(Instant::MAX)),
        lines(store.all_standings()),
        lines(store.standing_intervals(ALWAYS)),
        lines(store.order_charges(ALWAYS, None)),
        lines(store.payments(ALWAYS)),
        lines(store.transactions(ALWAYS)),
        lines(store.life_events(ALWAYS)),
    ]
    .concat()
}

/// How often this happened.
pub fn count(store: &dyn Store, kind: LifeEventKind) -> usize {
    store.life_events(ALWAYS).expect("events").iter().filter(|event| event.kind == kind).count()
}

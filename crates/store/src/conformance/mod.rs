//! What every implementation of [`Store`] must do, as cases that run against any of them.
//!
//! Owns: the cases and the values that they use. Does not own: how an implementation is made; see [`Place`].

mod asking;
mod living;
pub mod samples;
mod settling;
mod taking_in;

use crate::{Store, StoreError};
use reckoner_core::number::Money;
use reckoner_core::pay::{OpenSettlement, Outstanding};
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeMap;

/// Where one store lives. Every opening of the same place sees the same store.
pub trait Place: Sync {
    /// The store of this place for writing; made when there is none.
    fn open(&self) -> Box<dyn Store>;
    /// The store of this place for reading.
    fn open_read_only(&self) -> Box<dyn Store>;
}

/// One thing that a store must do, shown on a place where there is no store yet.
pub type Case = fn(&dyn Place);

/// All cases, by the law that each shows.
pub const CASES: &[(&str, Case)] = &[
    ("a_new_store_is_empty", taking_in::a_new_store_is_empty),
    ("what_is_taken_in_comes_back", taking_in::what_is_taken_in_comes_back),
    ("every_kind_of_reference_row_comes_back", taking_in::every_kind_of_reference_row_comes_back),
    ("files_are_numbered_in_order", taking_in::files_are_numbered_in_order),
    ("what_is_known_is_refused_by_its_key", taking_in::what_is_known_is_refused_by_its_key),
    ("of_many_accounts_the_one_at_fault_is_named", taking_in::of_many_accounts_the_one_at_fault_is_named),
    ("an_ingest_is_all_or_nothing", taking_in::an_ingest_is_all_or_nothing),
    ("quarantine_items_are_resolved", taking_in::quarantine_items_are_resolved),
    ("decisions_are_kept_in_order", taking_in::decisions_are_kept_in_order),
    ("what_operators_said_comes_back_in_order", asking::what_operators_said_comes_back_in_order),
    ("what_is_used_is_known_by_account_and_sku", asking::what_is_used_is_known_by_account_and_sku),
    ("a_delivery_is_replaced_once", taking_in::a_delivery_is_replaced_once),
    ("manifests_and_their_checks_come_back", taking_in::manifests_and_their_checks_come_back),
    ("rows_within_reach_of_a_window_are_found", asking::rows_within_reach_of_a_window_are_found),
    ("files_beside_rows_name_their_companion", asking::files_beside_rows_name_their_companion),
    ("touched_hours_carry_their_newest_file", asking::touched_hours_carry_their_newest_file),
    ("lists_of_accounts_may_be_empty_or_long", asking::lists_of_accounts_may_be_empty_or_long),
    ("funds_wait_for_their_instant_in_order", asking::funds_wait_for_their_instant_in_order),
    ("payments_of_a_period_come_in_the_order_made", asking::payments_of_a_period_come_in_the_order_made),
    ("accounting_adds_up_exactly", asking::accounting_adds_up_exactly),
    ("tables_are_shown_by_time", asking::tables_are_shown_by_time),
    ("settlements_are_found_by_how_their_id_begins", asking::settlements_are_found_by_how_their_id_begins),
    ("sums_of_money_pass_64_bits", asking::sums_of_money_pass_64_bits),
    ("marks_are_kept", asking::marks_are_kept),
    ("what_is_settled_comes_back", settling::what_is_settled_comes_back),
    ("a_batch_decided_before_another_write_is_refused", settling::a_batch_decided_before_another_write_is_refused),
    ("a_batch_recorded_twice_is_refused", settling::a_batch_recorded_twice_is_refused),
    ("a_window_is_claimed_in_the_state_it_was_read_in", settling::a_window_is_claimed_in_the_state_it_was_read_in),
    ("of_many_claims_one_wins", settling::of_many_claims_one_wins),
    ("a_batch_is_all_or_nothing", settling::a_batch_is_all_or_nothing),
    ("impossible_money_is_refused", settling::impossible_money_is_refused),
    ("outstanding_follows_what_is_paid", settling::outstanding_follows_what_is_paid),
    ("what_chargebacks_left_open_is_paid_later", settling::what_chargebacks_left_open_is_paid_later),
    ("of_a_long_batch_the_row_at_fault_is_named", settling::of_a_long_batch_the_row_at_fault_is_named),
    ("totals_of_use_taken_back_are_gone", settling::totals_of_use_taken_back_are_gone),
    ("funds_take_effect_once", settling::funds_take_effect_once),
    ("what_is_recorded_of_lives_comes_back", living::what_is_recorded_of_lives_comes_back),
    ("orders_wait_for_their_instant_in_order", living::orders_wait_for_their_instant_in_order),
    ("orders_take_effect_once", living::orders_take_effect_once),
    ("what_waits_for_somebody_is_not_carried_out_again", living::what_waits_for_somebody_is_not_carried_out_again),
    ("a_refund_is_approved_once", living::a_refund_is_approved_once),
    ("resources_are_what_they_were_last", living::resources_are_what_they_were_last),
    ("what_has_ended_is_told_apart", living::what_has_ended_is_told_apart),
    ("when_accounts_were_released_is_known", living::when_accounts_were_released_is_known),
    ("an_account_is_due_by_what_is_due_first", living::an_account_is_due_by_what_is_due_first),
    ("where_accounts_stood_has_no_gap", living::where_accounts_stood_has_no_gap),
    ("charges_of_orders_come_in_the_order_of_charges", living::charges_of_orders_come_in_the_order_of_charges),
    ("an_order_is_paid_like_a_settlement", living::an_order_is_paid_like_a_settlement),
    ("events_come_by_time", living::events_come_by_time),
    ("impossible_lives_are_refused", living::impossible_lives_are_refused),
    ("a_failed_attempt_is_a_line_and_nothing_else", settling::a_failed_attempt_is_a_line_and_nothing_else),
    ("opening_again_keeps_everything", settling::opening_again_keeps_everything),
    ("readers_see_one_state_beside_a_writer", settling::readers_see_one_state_beside_a_writer),
];

/// Runs every case, each on a new place.
///
/// # Panics
/// When a case fails; its name is printed first.
pub fn check<P: Place>(make: impl Fn() -> P) {
    for (name, case) in CASES {
        println!("{name}");
        case(&make());
    }
}

/// All of time.
pub(crate) const ALWAYS: Window = Window::new(Instant::MIN, Instant::MAX);

/// What is open of these accounts, which their outstanding amounts have to say as one.
fn open_settlements(store: &dyn Store, account_ids: &[String]) -> Vec<(String, OpenSettlement)> {
    let open = store.open_settlements(account_ids).expect("settlements");
    let mut as_one: BTreeMap<String, Outstanding> = BTreeMap::new();
    for (account_id, OpenSettlement { settlement_id, at, outstanding, .. }) in open.clone() {
        let first = Outstanding { settlement_id, at, amount: Money::ZERO };
        as_one.entry(account_id).or_insert(first).amount += outstanding;
    }
    assert_eq!(store.outstanding(account_ids).expect("amounts"), as_one.into_iter().collect::<Vec<_>>());
    open
}

/// The answer to every question at once, as text: equal pictures, equal stores.
pub(crate) fn picture(store: &dyn Store) -> String {
    fn show(part: Result<impl std::fmt::Debug, StoreError>) -> String {
        format!("{:#?}\n", part.expect("every question has an answer"))
    }
    let files = store.input_files().expect("files");
    let accounts: Vec<String> = store.all_wallets().expect("wallets").into_iter().map(|wallet| wallet.account_id).collect();
    let named: Vec<String> = ["acme", "birch"].map(str::to_owned).into_iter().chain(accounts).collect();
    let pairs: Vec<(String, String)> = named.iter().map(|account| (account.clone(), "vm.small".to_owned())).collect();
    [
        show(Ok(&files)),
        show(store.replacements()),
        show(store.manifests()),
        show(store.manifest_checks()),
        show(store.accounts()),
        show(store.products()),
        show(store.prices()),
        show(store.discounts()),
        show(store.vouchers()),
        show(store.funds()),
        show(store.row_files(ALWAYS)),
        show(store.partial_files(ALWAYS)),
        show(store.identity_files(ALWAYS)),
        show(store.charge_files(ALWAYS)),
        show(store.superseded(ALWAYS)),
        show(store.touched_hours(0)),
        show(store.settled_windows()),
        show(store.bookmarks()),
        show(store.frontier()),
        show(store.latest_seq()),
        show(store.all_wallets()),
        show(store.voucher_states(&named)),
        show(store.open_settlements(&named)),
        show(store.outstanding(&named)),
        show(store.payments_in_period("acme", "2026-01")),
        show(store.tier_totals(&pairs)),
        show(store.pending_funds(Instant::MAX)),
        show(store.pending_orders(Instant::MAX)),
        show(store.orders(ALWAYS)),
        show(store.resources_of(&named)),
        show(store.resources()),
        show(Ok(ends(store))),
        show(store.life_due(Instant::MAX)),
        show(store.all_standings()),
        show(store.standing_intervals(ALWAYS)),
        show(store.released_intervals()),
        show(store.order_charges(ALWAYS, None)),
        show(store.order_payments_in_period("acme", "2026-01")),
        show(store.life_events(ALWAYS)),
        show(store.settlements(ALWAYS)),
        show(store.payments(ALWAYS)),
        show(store.transactions(ALWAYS)),
        show(store.runs()),
        show(store.quarantine()),
        show(store.quarantine_decisions()),
        show(store.window_orders()),
        show(store.used_skus(ALWAYS)),
        show(store.usage_accounting(ALWAYS)),
    ]
    .concat()
}

/// Every resource that has ended, as text.
pub(crate) fn ends(store: &dyn Store) -> Vec<String> {
    let mut ends = Vec::new();
    let mut take = |account_id: &str, resource_id: &str, at: Instant| ends.push(format!("{account_id} {resource_id} {at:?}"));
    store.each_resource_end(&mut take).expect("ends");
    ends
}

//! A night of renewals at size: makes a store of monthly subscriptions, and takes it through a night. See benches/midnight.
//!
//!     midnight make FOLDER PROFILE SUBSCRIPTIONS ACCOUNTS DUE
//!     midnight advance FOLDER PROFILE UNTIL
//!
//! `make` delivers accounts, money and orders and carries the purchases out. `advance` prints one JSON document.

#[path = "../tests/nights/home.rs"]
mod home;

use home::{Home, deliver};
use reckoner_core::life::LifeEventKind;
use reckoner_core::table::TableKind;
use reckoner_core::time::{Instant, Window};
use reckoner_engine::advance_due;
use reckoner_store::Store;
use std::path::Path;

/// Everything is bought before the first of it is tried again, under either profile.
const BOUGHT_UNTIL: &str = "2026-01-24T23:59:59";
/// Days on which those are bought that are not due on the night measured.
const OTHER_DAYS: usize = 23;
/// Accounts that buy together, so that making needs little memory.
const ACCOUNTS_AT_ONCE: usize = 5_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["make", folder, profile, subscriptions, accounts, due] => {
            let count = |text: &str| text.parse().expect("a whole number");
            make(&Home::new(Path::new(folder), profile), count(subscriptions), count(accounts), count(due));
        }
        ["advance", folder, profile, until] => advance(&Home::new(Path::new(folder), profile), until),
        _ => panic!("expected `make FOLDER PROFILE SUBSCRIPTIONS ACCOUNTS DUE` or `advance FOLDER PROFILE UNTIL`"),
    }
}

/// The first `due` subscriptions are bought on the 1st, one account after the other; the others over the days after it.
fn make(home: &Home, subscriptions: usize, accounts: usize, due: usize) {
    let mut store = home.open();
    let price = "sku=vm.month product=vm billing_mode=subscription unit=month unit_price=100";
    deliver(&mut store, TableKind::Prices, "prices", &[price]);
    let ids: Vec<usize> = (0..accounts).collect();
    for some in ids.chunks(ACCOUNTS_AT_ONCE) {
        let name = |table: &str| format!("{table} from {}", some[0]);
        let rows: Vec<String> = some.iter().map(|account| format!("account_id=a-{account:06} name=A{account}")).collect();
        deliver(&mut store, TableKind::Accounts, &name("accounts"), &rows);
        let bought = |account: usize| (account..subscriptions).step_by(accounts);
        let buyers = some.iter().filter(|account| bought(**account).next().is_some());
        let rows: Vec<String> = buyers.map(|account| money(*account, bought(*account).count())).collect();
        deliver(&mut store, TableKind::Funds, &name("funds"), &rows);
        let rows: Vec<String> =
            some.iter().filter(|account| account.is_multiple_of(3)).map(|account| voucher(*account)).collect();
        deliver(&mut store, TableKind::Vouchers, &name("vouchers"), &rows);
        let rows: Vec<String> = some.iter().flat_map(|account| bought(*account).map(|one| order(one, *account, due))).collect();
        deliver(&mut store, TableKind::Orders, &name("orders"), &rows);
        let advanced = home.advance(&mut store, BOUGHT_UNTIL);
        assert_eq!(advanced.failed, [], "everything is bought");
    }
}

/// What all purchases cost, and of nine in ten accounts as much again.
fn money(account: usize, bought: usize) -> String {
    let amount = if account.is_multiple_of(10) { 100 * bought } else { 200 * bought };
    format!("entry_id=f-{account:06} account_id=a-{account:06} kind=top_up amount={amount} at=2026-01-01T00:00:00+08:00")
}

/// In force from the day after the last purchase.
fn voucher(account: usize) -> String {
    format!(
        "voucher_id=v-{account:06} account_id=a-{account:06} amount=30 valid_from=2026-01-25T00:00:00+08:00 \
         valid_to=2027-01-01T00:00:00+08:00"
    )
}

fn order(one: usize, account: usize, due: usize) -> String {
    let day = if one < due { 1 } else { 2 + one % OTHER_DAYS };
    format!(
        "order_id=o-{one:07} account_id=a-{account:06} kind=purchase placed_at=2026-01-{day:02}T10:00:00+08:00 \
         resource_id=i-{one:07} sku=vm.month renewal=auto"
    )
}

#[expect(clippy::disallowed_methods, reason = "measuring is what it is for")]
fn advance(home: &Home, until: &str) {
    let mut store = home.open();
    let loading = std::time::Instant::now();
    let knowledge = home.knowledge(&store);
    let loaded = loading.elapsed().as_secs_f64();
    let advancing = std::time::Instant::now();
    let advanced = advance_due(&mut store, &knowledge, None, home.at(until)).expect("the store answers and records");
    // Closing brings what is left in the journal into the database: that is of the night as well.
    drop(store);
    let seconds = advancing.elapsed().as_secs_f64();
    let (peak_kib, written_bytes) = (peak_kib(), written_bytes());
    let night = Window::new(home.at(until).plus_seconds(-43_200), Instant::MAX);
    let events = home.open().life_events(night).expect("events");
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    let document = serde_json::json!({
        "knowledge_seconds": loaded,
        "seconds": seconds,
        "peak_kib": peak_kib,
        "written_bytes": written_bytes,
        "accounts": advanced.accounts,
        "steps": advanced.steps,
        "failed": advanced.failed.len(),
        "renewals": count(LifeEventKind::Renewed),
        "renewals_failed": count(LifeEventKind::RenewalFailed),
    });
    println!("{document}");
}

/// The most memory that this process ever had, as Linux counts it; 0 elsewhere.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// What this process handed to the disk, as Linux counts it; 0 elsewhere.
fn written_bytes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).and_then(|text| text.parse().ok()).unwrap_or_default()
}

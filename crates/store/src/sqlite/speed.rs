//! How long a day's settlements take: 24 batches of an hour each, of many accounts that pay nothing. Measured on demand:
//! `cargo test --release -p reckoner-store -- --ignored --nocapture --test-threads 1 speed`.
#![expect(clippy::disallowed_methods, reason = "measures by the clock; nothing is decided by it")]

use super::*;
use crate::conformance::samples::*;
use crate::{LifeBatch, OutstandingNow};
use reckoner_core::ledger::Leg;
use reckoner_core::life::ResourceStatus;
use reckoner_core::number::{Money, Quantity};
use reckoner_core::pay::settlement_id;
use std::time::Instant as Clock;

const ACCOUNTS: usize = 25_000;
const HOURS: i64 = 24;

fn account_id(number: usize) -> String {
    format!("acct-{number:05}")
}

/// An hour in which every account owes something and pays nothing; what is outstanding is said twice.
fn hour_of_debts(hours: i64) -> SettlementBatch {
    let end = at(hours + 1);
    let owed = |number: usize| Money::from_e8(100_000_000 + number as i64 * 1_013 + hours);
    let settlement = |number: usize| {
        let (account_id, due) = (account_id(number), owed(number));
        let settlement_id = settlement_id(&account_id, end, 0);
        let (balance, outstanding) = (Money::ZERO, due);
        SettlementRecord { charges: 20, due, balance, outstanding, ..settlement(&settlement_id, &account_id, end, 0) }
    };
    let settlements: Vec<SettlementRecord> = (0..ACCOUNTS).map(settlement).collect();
    let outstanding = settlements.iter().map(|row| OutstandingNow {
        account_id: row.account_id.to_string(),
        id: row.settlement_id.to_string(),
        at: row.at,
        amount: row.outstanding,
    });
    let outstanding = outstanding.collect();
    let mut legs: Vec<Leg> = (0..ACCOUNTS)
        .map(|number| Leg { account: format!("assets:receivable:{}", account_id(number)), amount: owed(number) })
        .collect();
    let sum: i64 = (0..ACCOUNTS).map(|number| owed(number).e8()).sum();
    legs.push(Leg { account: "income:usage".to_owned(), amount: -Money::from_e8(sum) });
    let posting = Transaction { legs, ..transaction(&format!("tx_{hours}"), end, &[]) };
    let wallet = |number: usize| Wallet { in_arrears_since: Some(at(1)), ..wallet(&account_id(number), "0") };
    SettlementBatch {
        windows: vec![(settled(hours, 1, 1), None)],
        charge_files: vec![charge_file(&format!("part-{hours}"), hour(hours))],
        settlements,
        outstanding,
        transactions: vec![posting],
        wallets: if hours == 0 { (0..ACCOUNTS).map(wallet).collect() } else { Vec::new() }, // they change once
        runs: vec![run(&format!("run-{hours}"), hour(hours))],
        frontier: Some(end),
        ..SettlementBatch::default()
    }
}

/// What this thread has used of a processor, in milliseconds (Linux): wall time says more about its neighbours.
fn processor_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default() / 1_000_000
}

fn mib(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len() >> 20)
}

#[test]
#[ignore = "measures; says nothing that could fail"]
fn speed_of_a_day_of_settlements() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let mut store = SqliteStore::open(&path).expect("opened");
    store.record_ingest(&full_ingest("usage-1")).expect("recorded");
    let batches: Vec<SettlementBatch> = (0..HOURS).map(hour_of_debts).collect();
    let (before, start) = (processor_ms(), Clock::now());
    for (hours, batch) in batches.iter().enumerate() {
        let clock = Clock::now();
        store.record_settlement(batch).expect("recorded");
        let (took, journal) = (clock.elapsed().as_millis(), mib(&path.with_extension("db-wal")));
        println!("hour {hours:2}: {took} ms, file {} MiB, journal {journal} MiB", mib(&path));
    }
    let (wall, processor) = (start.elapsed().as_millis(), processor_ms() - before);
    println!("all: {wall} ms, {processor} ms of a processor");
    let clock = Clock::now();
    drop(store);
    println!("closed in {} ms, file {} MiB", clock.elapsed().as_millis(), mib(&path));

    let store = SqliteStore::open(&path).expect("opened");
    let shown = |what: &str, ask: &dyn Fn() -> usize| {
        let clock = Clock::now();
        println!("{what}: {} found in {} us", ask(), clock.elapsed().as_micros());
    };
    let (one, all) = (account_id(77), (0..ACCOUNTS).map(account_id).collect::<Vec<_>>());
    let of_one = || store.settlements_in_period(&one, "2026-01").expect("settlements");
    let id = &of_one()[3].settlement_id;
    shown("settlements of an account", &|| of_one().len());
    shown("settlements by id", &|| store.settlements_named(id, 2).expect("settlements").len());
    shown("open settlements of an account", &|| store.open_settlements(&all[..1]).expect("settlements").len());
    shown("open settlements of all accounts", &|| store.open_settlements(&all).expect("settlements").len());
    shown("what is outstanding of all accounts", &|| store.outstanding(&all).expect("amounts").len());
}

#[test]
#[ignore = "measures; says nothing that could fail"]
fn speed_of_the_accounting_of_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = SqliteStore::open(folder.path().join("ledger.db")).expect("opened");
    let part = |number: usize| crate::UsageAccounting {
        charged: Quantity::from_e12(3_600_000_000_000_000),
        ..accepted(at((number % 24) as i64), &account_id(number / 24 % ACCOUNTS), 3_600_000_000_000_000)
    };
    let accounting: Vec<_> = (0..200_000).map(part).collect();
    for round in 1..=2 {
        let batch = SettlementBatch { accounting: accounting.clone(), ..SettlementBatch::default() };
        let clock = Clock::now();
        store.record_settlement(&batch).expect("recorded");
        println!("round {round}: {} rows in {} ms", accounting.len(), clock.elapsed().as_millis());
    }
}

/// How long it takes to hear of a million resources that have ended, and to ask about some of them.
#[test]
#[ignore = "measures; says nothing that could fail"]
fn speed_of_a_million_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = SqliteStore::open(folder.path().join("ledger.db")).expect("opened");
    let name = |number: usize| (account_id(number % ACCOUNTS), format!("res-{number:08}"));
    for some in (0..1_000_000).collect::<Vec<usize>>().chunks(50_000) {
        let ended = |number: &usize| {
            let (account_id, resource_id) = name(*number);
            let ended = Resource { status: ResourceStatus::Released, ended_at: Some(at(9)), ..resource(&account_id, "r", 9) };
            (Resource { resource_id, ..ended }, None)
        };
        let life = LifeBatch { resources: some.iter().map(ended).collect(), ..LifeBatch::default() };
        store.record_settlement(&SettlementBatch { life, ..SettlementBatch::default() }).expect("recorded");
    }
    let (started, mut count) = (Clock::now(), 0);
    store.each_resource_end(&mut |_, _, _| count += 1).expect("ends");
    println!("{count} ends: {:?}", started.elapsed());
    let named: Vec<(String, String)> = (0..50_000).map(|number| name(number * 40)).collect();
    let started = Clock::now();
    let found = store.resource_ends(&named).expect("ends").len();
    println!("{found} of {} asked about: {:?}", named.len(), started.elapsed());
}

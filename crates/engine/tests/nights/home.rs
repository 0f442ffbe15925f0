//! A store with what was delivered to it as text, and a clock that is told.

use reckoner_core::profile::Profile;
use reckoner_core::table::{Context, RawRow, TableKind, account, funds, order, price, voucher};
use reckoner_core::time::{Instant, Zone};
use reckoner_engine::{Advanced, Knowledge, advance_due};
use reckoner_store::{IngestRecord, InputFile, SqliteStore, Store};
use std::path::{Path, PathBuf};

/// Where a store lies, and under which policy it is kept.
pub struct Home {
    path: PathBuf,
    profile: Profile,
    zone: Zone,
}

impl Home {
    /// The store of this folder, under a built-in profile; days close at +08:00.
    pub fn new(folder: &Path, profile: &str) -> Self {
        Self::under(folder, &format!("base = \"{profile}\""))
    }

    /// The same under a profile as text.
    pub fn under(folder: &Path, profile: &str) -> Self {
        let profile = Profile::parse(profile).expect("a profile");
        Self { path: folder.join("ledger.db"), profile, zone: Zone::parse("+08:00").expect("a zone") }
    }

    /// A connection of its own.
    pub fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).expect("the store opens")
    }

    /// What the store knows now.
    pub fn knowledge(&self, store: &dyn Store) -> Knowledge {
        Knowledge::load(store, &self.profile, self.zone).expect("the store answers")
    }

    /// An instant of the zone: `2026-02-01T00:00:00`.
    pub fn at(&self, text: &str) -> Instant {
        self.zone.parse_instant(&format!("{text}+08:00")).expect("an instant")
    }

    /// Takes everything up to and including an instant.
    pub fn advance(&self, store: &mut dyn Store, until: &str) -> Advanced {
        let knowledge = self.knowledge(store);
        advance_due(store, &knowledge, None, self.at(until)).expect("the store answers and records")
    }
}

/// Delivers rows of a table, each as `column=value column=value`, as one file of this name.
pub fn deliver<T: AsRef<str>>(store: &mut dyn Store, kind: TableKind, name: &str, texts: &[T]) {
    let mut record = IngestRecord { file: Some(file(kind, name, texts.len() as u64)), ..IngestRecord::default() };
    let context = Context::new("CNY");
    for (line, text) in (2..).zip(texts) {
        let cells = text.as_ref().split_whitespace().map(|cell| cell.split_once('=').expect("column=value"));
        let cells: Vec<(String, String)> = cells.map(|(column, value)| (column.to_owned(), value.to_owned())).collect();
        let row = &RawRow::from_pairs(kind.schema(), line, &cells).expect("the columns exist");
        match kind {
            TableKind::Accounts => record.accounts.push((line, account::parse(row, &context).expect("an account"))),
            TableKind::Prices => record.prices.push((line, price::parse(row, &context).expect("a price"))),
            TableKind::Vouchers => record.vouchers.push((line, voucher::parse(row, &context).expect("a voucher"))),
            TableKind::Funds => record.funds.push((line, funds::parse(row, &context).expect("an entry"))),
            TableKind::Orders => record.orders.push((line, order::parse(row, &context).expect("an order"))),
            other => panic!("{other:?} is not delivered here"),
        }
    }
    store.record_ingest(&record).expect("the delivery is new");
}

fn file(kind: TableKind, name: &str, rows: u64) -> InputFile {
    InputFile {
        file_id: reckoner_core::id::derive("file", &[name]),
        seq: 0,
        name: name.to_owned(),
        kind: format!("{kind:?}").to_lowercase(),
        bytes: 1,
        rows,
        accepted: rows,
        duplicates: 0,
        refused: 0,
        is_refused: false,
        taken_at: Instant::from_seconds(1_767_200_000),
    }
}

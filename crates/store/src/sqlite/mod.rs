//! The store on SQLite: one file, one writer at a time, readers beside it.
//!
//! Owns: everything that is SQL. Each file asks and records one subject; this one opens, and carries a write through.
//! Does not own: who may write when (the home's lock sees to that; here a second writer waits ten seconds, then fails).
//! Promises: a write that returned is on disk; one that failed left nothing; a reading open sees one state throughout.

mod beside;
mod columns;
mod ingest;
mod insert;
mod journal;
mod lake;
mod life;
mod manifests;
mod money;
mod open;
mod owed;
mod reference;
mod settle;
#[cfg(test)]
mod speed;
mod standings;
#[cfg(test)]
mod tests;
mod windows;

use crate::{
    AccountStanding, BookmarkRecord, CurrencySums, FundsEntry, IngestRecord, InputFile, Known, KnownManifest, KnownOrder,
    LakeFile, LakeKind, LifeEvent, ManifestCheck, QuarantineDecision, QuarantineItem, Replacement, RunRecord, SettledWindow,
    SettlementBatch, SettlementRecord, StandingInterval, Store, StoreError, SupersededRow, TierTotal, TouchedHour,
    UsageAccounting,
};
use reckoner_core::intake::ResourceEnd;
use reckoner_core::ledger::Transaction;
use reckoner_core::life::{OrderCharge, Resource};
use reckoner_core::pay::{OpenSettlement, Outstanding, PaymentLine, VoucherState, Wallet};
use reckoner_core::schedule::WindowOrder;
use reckoner_core::table::{AccountRow, DiscountRow, FundsRow, OrderRow, PriceRow, ProductRow, VoucherRow};
use reckoner_core::time::{Instant, Window};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::path::{Path, PathBuf};

type Answer<T> = Result<T, StoreError>;

/// A store in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// Ended before the connection is closed.
    bringing_in: Option<beside::BringingIn>,
    /// Nothing after a failed commit whose connection could not be opened again.
    connection: Option<Connection>,
    is_read_only: bool,
    /// How a transaction is committed; tests let it fail.
    commit: fn(&Connection) -> rusqlite::Result<()>,
}

impl SqliteStore {
    /// Opens the store for reading and writing, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], [`StoreError::NotAStore`], [`StoreError::TooOldSqlite`] or the database's own.
    pub fn open(path: impl AsRef<Path>) -> Answer<Self> {
        let connection = open::writer(path.as_ref())?;
        Ok(Self::on(path.as_ref(), connection, false))
    }

    /// Opens the store for reading; works while another process writes, never makes or changes one.
    ///
    /// Every question is answered from the state at the time of this call, so that the answers agree with each other.
    /// Open again to see what was written since; a reader that stays open for long keeps the journal from shrinking.
    ///
    /// # Errors
    /// [`StoreError::NoStore`], [`StoreError::OlderSchema`], [`StoreError::NewerSchema`] or the database's own.
    pub fn open_read_only(path: impl AsRef<Path>) -> Answer<Self> {
        let connection = open::reader(path.as_ref())?;
        Ok(Self::on(path.as_ref(), connection, true))
    }

    fn on(path: &Path, connection: Connection, is_read_only: bool) -> Self {
        let commit = |connection: &Connection| connection.execute_batch("COMMIT");
        Self { path: path.to_owned(), bringing_in: None, connection: Some(connection), is_read_only, commit }
    }

    fn connection(&self) -> Answer<&Connection> {
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    /// Carries one write through: all of `apply`, or nothing. `digest` names the write's content.
    ///
    /// `apply` receives the ordinal of the commit, to name it as the source of what it adds.
    fn write<T>(&mut self, digest: &str, apply: impl FnOnce(&Connection, i64) -> Answer<T>) -> Answer<T> {
        if self.is_read_only {
            return Err(StoreError::ReadOnly);
        }
        let connection = self.connection.as_mut().ok_or(StoreError::Closed)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;

        let ordinal: i64 = transaction.query_row("SELECT COALESCE(MAX(ordinal), 0) + 1 FROM commits", [], |row| row.get(0))?;
        transaction.execute("INSERT INTO commits (ordinal, digest) VALUES (?1, ?2)", (ordinal, digest))?;
        let value = apply(&transaction, ordinal)?; // an error drops the transaction, which rolls it back

        let committed = (self.commit)(&transaction);
        drop(transaction);
        match committed {
            Ok(()) => Ok(value),
            Err(error) => self.resolve_commit(ordinal, digest, error).map(|()| value),
        }
    }

    /// An error on COMMIT does not mean "not committed": the page with the commit may have reached the disk before the
    /// sync that failed. Only a new connection reads what is really there.
    fn resolve_commit(&mut self, ordinal: i64, digest: &str, error: rusqlite::Error) -> Answer<()> {
        let found = |connection: &Connection| -> Answer<Option<String>> {
            let question = "SELECT digest FROM commits WHERE ordinal = ?1";
            Ok(connection.query_row(question, [ordinal], |row| row.get(0)).optional()?)
        };
        self.resolve(found, digest, error)
    }

    /// Looks with a new connection whether the write is there all the same.
    fn resolve(
        &mut self,
        found: impl Fn(&Connection) -> Answer<Option<String>>,
        expected: &str,
        error: rusqlite::Error,
    ) -> Answer<()> {
        (self.bringing_in, self.connection) = (None, None);
        let unknown = |error: StoreError| StoreError::UnknownOutcome(Box::new(error));
        let connection = open::writer(&self.path).map_err(unknown)?;
        let is_there = found(&connection).map_err(unknown)?.as_deref() == Some(expected);
        if is_there {
            // It is there for whoever reads, but the sync that would have kept it over a power cut failed: its pages are
            // written anew, into the database's own file, before anybody is told that they are safe.
            open::write_through(&connection).map_err(unknown)?;
        }
        self.connection = Some(connection);
        if is_there { Ok(()) } else { Err(error.into()) }
    }
}

impl Store for SqliteStore {
    fn input_file(&self, file_id: &str) -> Answer<Option<InputFile>> {
        ingest::input_file(self.connection()?, file_id)
    }

    fn input_files(&self) -> Answer<Vec<InputFile>> {
        ingest::input_files(self.connection()?)
    }

    fn accounts(&self) -> Answer<Vec<Known<AccountRow>>> {
        reference::accounts(self.connection()?)
    }

    fn products(&self) -> Answer<Vec<Known<ProductRow>>> {
        reference::products(self.connection()?)
    }

    fn prices(&self) -> Answer<Vec<Known<PriceRow>>> {
        reference::prices(self.connection()?)
    }

    fn discounts(&self) -> Answer<Vec<Known<DiscountRow>>> {
        reference::discounts(self.connection()?)
    }

    fn vouchers(&self) -> Answer<Vec<Known<VoucherRow>>> {
        reference::vouchers(self.connection()?)
    }

    fn funds(&self) -> Answer<Vec<FundsEntry>> {
        reference::funds(self.connection()?)
    }

    fn record_ingest(&mut self, record: &IngestRecord) -> Answer<u64> {
        self.write(&ingest::digest(record), |connection, ordinal| ingest::record(connection, ordinal, record))
    }

    fn replacements(&self) -> Answer<Vec<Replacement>> {
        manifests::replacements(self.connection()?)
    }

    fn manifests(&self) -> Answer<Vec<KnownManifest>> {
        manifests::manifests(self.connection()?)
    }

    fn manifests_about(&self, name: &str) -> Answer<Vec<KnownManifest>> {
        manifests::manifests_about(self.connection()?, name)
    }

    fn manifest_checks_about(&self, name: &str) -> Answer<Vec<ManifestCheck>> {
        manifests::checks_about(self.connection()?, name)
    }

    fn manifest_checks(&self) -> Answer<Vec<ManifestCheck>> {
        manifests::checks(self.connection()?)
    }

    fn row_files(&self, touching: Window) -> Answer<Vec<LakeFile>> {
        lake::files_touching(self.connection()?, LakeKind::Rows, touching)
    }

    fn partial_files(&self, touching: Window) -> Answer<Vec<LakeFile>> {
        lake::files_touching(self.connection()?, LakeKind::Partials, touching)
    }

    fn identity_files(&self, touching: Window) -> Answer<Vec<LakeFile>> {
        lake::files_touching(self.connection()?, LakeKind::Identities, touching)
    }

    fn charge_files(&self, within: Window) -> Answer<Vec<LakeFile>> {
        lake::charge_files(self.connection()?, within)
    }

    fn superseded(&self, touching: Window) -> Answer<Vec<SupersededRow>> {
        lake::superseded(self.connection()?, touching)
    }

    fn touched_hours(&self, after_seq: u64) -> Answer<Vec<TouchedHour>> {
        windows::touched_hours(self.connection()?, after_seq)
    }

    fn settled_windows(&self) -> Answer<Vec<SettledWindow>> {
        windows::settled_windows(self.connection()?)
    }

    fn bookmarks(&self) -> Answer<Vec<BookmarkRecord>> {
        windows::bookmarks(self.connection()?)
    }

    fn frontier(&self) -> Answer<Option<Instant>> {
        windows::frontier(self.connection()?)
    }

    fn window_orders(&self) -> Answer<Vec<WindowOrder>> {
        windows::orders(self.connection()?)
    }

    fn record_window_order(&mut self, order: &WindowOrder) -> Answer<()> {
        let digest = reckoner_core::id::derive("window_order", &[&format!("{order:?}")]);
        self.write(&digest, |connection, _| windows::add_order(connection, order))
    }

    fn latest_seq(&self) -> Answer<u64> {
        ingest::latest_seq(self.connection()?)
    }

    fn wallets(&self, account_ids: &[String]) -> Answer<Vec<Wallet>> {
        money::wallets(self.connection()?, account_ids)
    }

    fn all_wallets(&self) -> Answer<Vec<Wallet>> {
        money::all_wallets(self.connection()?)
    }

    fn voucher_states(&self, account_ids: &[String]) -> Answer<Vec<VoucherState>> {
        money::voucher_states(self.connection()?, account_ids)
    }

    fn open_settlements(&self, account_ids: &[String]) -> Answer<Vec<(String, OpenSettlement)>> {
        owed::open_settlements(self.connection()?, account_ids)
    }

    fn outstanding(&self, account_ids: &[String]) -> Answer<Vec<(String, Outstanding)>> {
        owed::outstanding(self.connection()?, account_ids)
    }

    fn payments_in_period(&self, account_id: &str, billing_period: &str) -> Answer<Vec<PaymentLine>> {
        money::payments_in_period(self.connection()?, account_id, billing_period)
    }

    fn settlements_in_period(&self, account_id: &str, billing_period: &str) -> Answer<Vec<SettlementRecord>> {
        money::settlements_in_period(self.connection()?, account_id, billing_period)
    }

    fn settlement_revisions(&self, account_id: &str, at: Instant) -> Answer<u32> {
        money::settlement_revisions(self.connection()?, account_id, at)
    }

    fn tier_totals(&self, account_skus: &[(String, String)]) -> Answer<Vec<TierTotal>> {
        money::tier_totals(self.connection()?, account_skus)
    }

    fn pending_funds(&self, until: Instant) -> Answer<Vec<FundsRow>> {
        reference::pending_funds(self.connection()?, until)
    }

    fn latest_commit(&self) -> Answer<u64> {
        journal::latest_commit(self.connection()?)
    }

    fn record_settlement(&mut self, batch: &SettlementBatch) -> Answer<()> {
        self.write(&settle::digest(batch), |connection, ordinal| settle::record(connection, ordinal, batch))
    }

    fn bring_in(&mut self) {
        let is_under_way = self.bringing_in.as_ref().is_some_and(|one| !one.is_done());
        if !self.is_read_only && !is_under_way {
            self.bringing_in = beside::BringingIn::begin(&self.path);
        }
    }

    fn pending_orders(&self, until: Instant) -> Answer<Vec<OrderRow>> {
        life::pending_orders(self.connection()?, until)
    }

    fn orders(&self, placed_within: Window) -> Answer<Vec<KnownOrder>> {
        life::orders(self.connection()?, placed_within)
    }

    fn order(&self, order_id: &str) -> Answer<Option<KnownOrder>> {
        life::order(self.connection()?, order_id)
    }

    fn resources_of(&self, account_ids: &[String]) -> Answer<Vec<Resource>> {
        life::resources_of(self.connection()?, account_ids)
    }

    fn resources(&self) -> Answer<Vec<Resource>> {
        life::resources(self.connection()?)
    }

    fn resources_expiring(&self, within: Window) -> Answer<Vec<Resource>> {
        life::resources_expiring(self.connection()?, within)
    }

    fn any_resource_ended(&self) -> Answer<bool> {
        life::any_resource_ended(self.connection()?)
    }

    fn each_resource_end(&self, take: &mut dyn FnMut(&str, &str, Instant)) -> Answer<()> {
        life::each_resource_end(self.connection()?, take)
    }

    fn resource_ends(&self, named: &[(String, String)]) -> Answer<Vec<ResourceEnd>> {
        life::resource_ends(self.connection()?, named)
    }

    fn life_due(&self, until: Instant) -> Answer<Vec<String>> {
        life::due(self.connection()?, until)
    }

    fn newly_in_arrears(&self, since: Instant) -> Answer<Vec<String>> {
        life::newly_in_arrears(self.connection()?, since)
    }

    fn standings_of(&self, account_ids: &[String]) -> Answer<Vec<AccountStanding>> {
        standings::of(self.connection()?, account_ids)
    }

    fn all_standings(&self) -> Answer<Vec<AccountStanding>> {
        standings::all(self.connection()?)
    }

    fn standing_intervals(&self, touching: Window) -> Answer<Vec<StandingInterval>> {
        standings::intervals(self.connection()?, touching)
    }

    fn released_intervals(&self) -> Answer<Vec<StandingInterval>> {
        standings::released(self.connection()?)
    }

    fn order_charges(&self, within: Window, account_id: Option<&str>) -> Answer<Vec<OrderCharge>> {
        life::order_charges(self.connection()?, within, account_id)
    }

    fn order_payments_in_period(&self, account_id: &str, billing_period: &str) -> Answer<Vec<PaymentLine>> {
        money::order_payments_in_period(self.connection()?, account_id, billing_period)
    }

    fn life_events(&self, within: Window) -> Answer<Vec<LifeEvent>> {
        life::events(self.connection()?, within)
    }

    fn life_event_times(&self, after: u64) -> Answer<(Vec<Instant>, u64)> {
        life::event_times(self.connection()?, after)
    }

    fn settlements(&self, within: Window) -> Answer<Vec<SettlementRecord>> {
        money::settlements(self.connection()?, within)
    }

    fn settlements_named(&self, id_begins: &str, limit: u32) -> Answer<Vec<SettlementRecord>> {
        money::settlements_named(self.connection()?, id_begins, limit)
    }

    fn money_by_currency(&self) -> Answer<Vec<CurrencySums>> {
        money::money_by_currency(self.connection()?)
    }

    fn payments(&self, within: Window) -> Answer<Vec<PaymentLine>> {
        money::payments(self.connection()?, within)
    }

    fn transactions(&self, within: Window) -> Answer<Vec<Transaction>> {
        money::transactions(self.connection()?, within)
    }

    fn runs(&self) -> Answer<Vec<RunRecord>> {
        journal::runs(self.connection()?)
    }

    fn record_failed_run(&mut self, run: &RunRecord) -> Answer<()> {
        let digest = reckoner_core::id::derive("failed_run", &[&run.run_id]);
        self.write(&digest, |connection, _| journal::add_failed_run(connection, run))
    }

    fn quarantine(&self) -> Answer<Vec<QuarantineItem>> {
        journal::quarantine(self.connection()?)
    }

    fn quarantine_decisions(&self) -> Answer<Vec<QuarantineDecision>> {
        journal::quarantine_decisions(self.connection()?)
    }

    fn used_skus(&self, within: Window) -> Answer<Vec<(String, String)>> {
        journal::used_skus(self.connection()?, within)
    }

    fn usage_accounting(&self, within: Window) -> Answer<Vec<UsageAccounting>> {
        journal::usage_accounting(self.connection()?, within)
    }

    fn integrity_findings(&self) -> Answer<Vec<String>> {
        journal::integrity_findings(self.connection()?)
    }

    fn mark(&self, name: &str) -> Answer<Option<String>> {
        journal::mark(self.connection()?, name)
    }

    fn set_mark(&mut self, name: &str, value: &str) -> Answer<()> {
        if self.is_read_only {
            return Err(StoreError::ReadOnly);
        }
        let connection = self.connection.as_mut().ok_or(StoreError::Closed)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        journal::put_mark(&transaction, name, value)?;
        let committed = (self.commit)(&transaction);
        drop(transaction);
        // No row in `commits`: the mark itself says whether it was set.
        committed.or_else(|error| self.resolve(|connection| journal::mark(connection, name), value, error))
    }
}

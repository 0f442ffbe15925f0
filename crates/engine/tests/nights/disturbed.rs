//! A store to which something happens around its writes: it fails, the process ends, another one writes first.

use reckoner_core::intake::ResourceEnd;
use reckoner_core::ledger::Transaction;
use reckoner_core::life::{OrderCharge, Resource};
use reckoner_core::pay::{OpenSettlement, Outstanding, PaymentLine, VoucherState, Wallet};
use reckoner_core::schedule::WindowOrder;
use reckoner_core::table::{AccountRow, DiscountRow, FundsRow, OrderRow, PriceRow, ProductRow, VoucherRow};
use reckoner_core::time::{Instant, Window};
use reckoner_store::{
    AccountStanding, BookmarkRecord, CurrencySums, FundsEntry, IngestRecord, InputFile, Known, KnownManifest, KnownOrder,
    LakeFile, LifeEvent, ManifestCheck, QuarantineDecision, QuarantineItem, Replacement, RunRecord, SettledWindow,
    SettlementBatch, SettlementRecord, SqliteStore, StandingInterval, Store, StoreError, SupersededRow, TierTotal, TouchedHour,
    UsageAccounting,
};

/// What happens to one write.
pub enum Happens<'h> {
    /// It fails, and nothing of it is there.
    FailsBefore,
    /// It is there, and the answer is lost.
    FailsAfter,
    /// Something else happens first.
    After(Box<dyn FnOnce() + 'h>),
}

/// A store with the number of the write, from 1, to which something happens.
pub struct Disturbed<'h> {
    pub store: SqliteStore,
    pub writes: u64,
    pub at: u64,
    pub happens: Option<Happens<'h>>,
}

impl<'h> Disturbed<'h> {
    pub fn new(store: SqliteStore, at: u64, happens: Happens<'h>) -> Self {
        Self { store, writes: 0, at, happens: Some(happens) }
    }
}

/// What a store answers after a commit of which it does not know the outcome.
fn lost() -> StoreError {
    StoreError::UnknownOutcome(Box::new(StoreError::Closed))
}

macro_rules! handed_on {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $answer:ty;)+) => {
        $(fn $name(&self $(, $arg: $type)*) -> $answer { self.store.$name($($arg),*) })+
    };
}
macro_rules! written_on {
    ($(fn $name:ident(&mut self $(, $arg:ident: $type:ty)*) -> $answer:ty;)+) => {
        $(fn $name(&mut self $(, $arg: $type)*) -> $answer { self.store.$name($($arg),*) })+
    };
}

impl Store for Disturbed<'_> {
    fn record_settlement(&mut self, batch: &SettlementBatch) -> Result<(), StoreError> {
        self.writes += 1;
        let happens = if self.writes == self.at { self.happens.take() } else { None };
        match happens {
            Some(Happens::FailsBefore) => return Err(lost()),
            Some(Happens::FailsAfter) => return self.store.record_settlement(batch).and(Err(lost())),
            Some(Happens::After(other)) => other(),
            None => {}
        }
        self.store.record_settlement(batch)
    }

    written_on! {
        fn record_ingest(&mut self, ingest: &IngestRecord) -> Result<u64, StoreError>;
        fn record_window_order(&mut self, order: &WindowOrder) -> Result<(), StoreError>;
        fn record_failed_run(&mut self, run: &RunRecord) -> Result<(), StoreError>;
        fn set_mark(&mut self, name: &str, value: &str) -> Result<(), StoreError>;
    }
    handed_on! {
        fn input_file(&self, file_id: &str) -> Result<Option<InputFile>, StoreError>;
        fn input_files(&self) -> Result<Vec<InputFile>, StoreError>;
        fn accounts(&self) -> Result<Vec<Known<AccountRow>>, StoreError>;
        fn products(&self) -> Result<Vec<Known<ProductRow>>, StoreError>;
        fn prices(&self) -> Result<Vec<Known<PriceRow>>, StoreError>;
        fn discounts(&self) -> Result<Vec<Known<DiscountRow>>, StoreError>;
        fn vouchers(&self) -> Result<Vec<Known<VoucherRow>>, StoreError>;
        fn funds(&self) -> Result<Vec<FundsEntry>, StoreError>;
        fn replacements(&self) -> Result<Vec<Replacement>, StoreError>;
        fn manifests(&self) -> Result<Vec<KnownManifest>, StoreError>;
        fn manifests_about(&self, name: &str) -> Result<Vec<KnownManifest>, StoreError>;
        fn manifest_checks_about(&self, name: &str) -> Result<Vec<ManifestCheck>, StoreError>;
        fn manifest_checks(&self) -> Result<Vec<ManifestCheck>, StoreError>;
        fn row_files(&self, touching: Window) -> Result<Vec<LakeFile>, StoreError>;
        fn partial_files(&self, touching: Window) -> Result<Vec<LakeFile>, StoreError>;
        fn identity_files(&self, touching: Window) -> Result<Vec<LakeFile>, StoreError>;
        fn charge_files(&self, within: Window) -> Result<Vec<LakeFile>, StoreError>;
        fn superseded(&self, touching: Window) -> Result<Vec<SupersededRow>, StoreError>;
        fn touched_hours(&self, after_seq: u64) -> Result<Vec<TouchedHour>, StoreError>;
        fn settled_windows(&self) -> Result<Vec<SettledWindow>, StoreError>;
        fn bookmarks(&self) -> Result<Vec<BookmarkRecord>, StoreError>;
        fn frontier(&self) -> Result<Option<Instant>, StoreError>;
        fn window_orders(&self) -> Result<Vec<WindowOrder>, StoreError>;
        fn latest_seq(&self) -> Result<u64, StoreError>;
        fn wallets(&self, account_ids: &[String]) -> Result<Vec<Wallet>, StoreError>;
        fn all_wallets(&self) -> Result<Vec<Wallet>, StoreError>;
        fn voucher_states(&self, account_ids: &[String]) -> Result<Vec<VoucherState>, StoreError>;
        fn open_settlements(&self, account_ids: &[String]) -> Result<Vec<(String, OpenSettlement)>, StoreError>;
        fn outstanding(&self, account_ids: &[String]) -> Result<Vec<(String, Outstanding)>, StoreError>;
        fn payments_in_period(&self, account_id: &str, billing_period: &str) -> Result<Vec<PaymentLine>, StoreError>;
        fn settlements_in_period(&self, account_id: &str, billing_period: &str) -> Result<Vec<SettlementRecord>, StoreError>;
        fn settlement_revisions(&self, account_id: &str, at: Instant) -> Result<u32, StoreError>;
        fn tier_totals(&self, account_skus: &[(String, String)]) -> Result<Vec<TierTotal>, StoreError>;
        fn latest_commit(&self) -> Result<u64, StoreError>;
        fn pending_funds(&self, until: Instant) -> Result<Vec<FundsRow>, StoreError>;
        fn pending_orders(&self, until: Instant) -> Result<Vec<OrderRow>, StoreError>;
        fn orders(&self, placed_within: Window) -> Result<Vec<KnownOrder>, StoreError>;
        fn order(&self, order_id: &str) -> Result<Option<KnownOrder>, StoreError>;
        fn resources_of(&self, account_ids: &[String]) -> Result<Vec<Resource>, StoreError>;
        fn resources(&self) -> Result<Vec<Resource>, StoreError>;
        fn resources_expiring(&self, within: Window) -> Result<Vec<Resource>, StoreError>;
        fn any_resource_ended(&self) -> Result<bool, StoreError>;
        fn each_resource_end(&self, take: &mut dyn FnMut(&str, &str, Instant)) -> Result<(), StoreError>;
        fn resource_ends(&self, named: &[(String, String)]) -> Result<Vec<ResourceEnd>, StoreError>;
        fn life_due(&self, until: Instant) -> Result<Vec<String>, StoreError>;
        fn newly_in_arrears(&self, since: Instant) -> Result<Vec<String>, StoreError>;
        fn standings_of(&self, account_ids: &[String]) -> Result<Vec<AccountStanding>, StoreError>;
        fn all_standings(&self) -> Result<Vec<AccountStanding>, StoreError>;
        fn standing_intervals(&self, touching: Window) -> Result<Vec<StandingInterval>, StoreError>;
        fn released_intervals(&self) -> Result<Vec<StandingInterval>, StoreError>;
        fn order_charges(&self, within: Window, account_id: Option<&str>) -> Result<Vec<OrderCharge>, StoreError>;
        fn order_payments_in_period(&self, account_id: &str, billing_period: &str) -> Result<Vec<PaymentLine>, StoreError>;
        fn life_events(&self, within: Window) -> Result<Vec<LifeEvent>, StoreError>;
        fn life_event_times(&self, after: u64) -> Result<(Vec<Instant>, u64), StoreError>;
        fn settlements(&self, within: Window) -> Result<Vec<SettlementRecord>, StoreError>;
        fn settlements_named(&self, id_begins: &str, limit: u32) -> Result<Vec<SettlementRecord>, StoreError>;
        fn money_by_currency(&self) -> Result<Vec<CurrencySums>, StoreError>;
        fn payments(&self, within: Window) -> Result<Vec<PaymentLine>, StoreError>;
        fn transactions(&self, within: Window) -> Result<Vec<Transaction>, StoreError>;
        fn runs(&self) -> Result<Vec<RunRecord>, StoreError>;
        fn quarantine(&self) -> Result<Vec<QuarantineItem>, StoreError>;
        fn quarantine_decisions(&self) -> Result<Vec<QuarantineDecision>, StoreError>;
        fn used_skus(&self, within: Window) -> Result<Vec<(String, String)>, StoreError>;
        fn usage_accounting(&self, within: Window) -> Result<Vec<UsageAccounting>, StoreError>;
        fn integrity_findings(&self) -> Result<Vec<String>, StoreError>;
        fn mark(&self, name: &str) -> Result<Option<String>, StoreError>;
    }
}

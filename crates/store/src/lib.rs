//! The store: what is. Accounts, prices, wallets, windows, postings, and the manifest of the lake.
//!
//! Owns: one trait ([`Store`]), its conformance suite, and one implementation on SQLite.
//! Does not own: decisions. It hands out values and records effects; it never computes an amount.
//! Promises: a write is all or nothing and durable when it returns; money tables are append-only; the same batch recorded
//! twice is refused by its keys, not by a check.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod life;
mod model;
mod sqlite;

pub use error::StoreError;
pub use life::*;
pub use model::*;
pub use sqlite::SqliteStore;

use reckoner_core::intake::ResourceEnd;
use reckoner_core::life::{OrderCharge, Resource};
use reckoner_core::pay::{OpenSettlement, Outstanding, PaymentLine, VoucherState, Wallet};
use reckoner_core::schedule::WindowOrder;
use reckoner_core::table::{AccountRow, DiscountRow, FundsRow, OrderRow, PriceRow, ProductRow, VoucherRow};
use reckoner_core::time::{Instant, Window};

/// What a store answers and records. Everything it takes and gives is a plain value.
///
/// Instants are whole seconds UTC, amounts are at 1e-8, quantities at 1e-12. Lists come back ordered by their key.
pub trait Store {
    // --- what was taken in ---

    /// The delivered file with this content hash, if it was taken before.
    fn input_file(&self, file_id: &str) -> Result<Option<InputFile>, StoreError>;
    /// Every delivered file, in the order taken.
    fn input_files(&self) -> Result<Vec<InputFile>, StoreError>;
    /// Every known row of `accounts`, as [`Known`] facts.
    fn accounts(&self) -> Result<Vec<Known<AccountRow>>, StoreError>;
    /// Every known row of `products`.
    fn products(&self) -> Result<Vec<Known<ProductRow>>, StoreError>;
    /// Every known row of `prices`, replaced revisions included.
    fn prices(&self) -> Result<Vec<Known<PriceRow>>, StoreError>;
    /// Every known row of `discounts`, replaced revisions included.
    fn discounts(&self) -> Result<Vec<Known<DiscountRow>>, StoreError>;
    /// Every known voucher as granted.
    fn vouchers(&self) -> Result<Vec<Known<VoucherRow>>, StoreError>;
    /// Every funds entry and what became of it, by entry_id.
    fn funds(&self) -> Result<Vec<FundsEntry>, StoreError>;
    /// Records one delivered file with everything that came of it, in one transaction. Hands back its sequence number.
    ///
    /// Without a file (items discarded by hand) nothing may be in it that has a place in a file; no number is used up,
    /// and the newest is handed back.
    ///
    /// # Errors
    /// [`StoreError::AlreadyRecorded`] for a known file or key, [`StoreError::Missing`] for an unknown quarantine item,
    /// [`StoreError::Impossible`] for counts that do not add up. Nothing is recorded then.
    fn record_ingest(&mut self, ingest: &IngestRecord) -> Result<u64, StoreError>;

    /// Which delivery stands in the place of which, in the order recorded.
    fn replacements(&self) -> Result<Vec<Replacement>, StoreError>;
    /// Every manifest, in the order taken.
    fn manifests(&self) -> Result<Vec<KnownManifest>, StoreError>;
    /// The manifests of every source and time of which one lists a file of this name, in the order taken.
    fn manifests_about(&self, name: &str) -> Result<Vec<KnownManifest>, StoreError>;
    /// Every comparison of a file under this name with a manifest, in the order of [`Store::manifest_checks`].
    fn manifest_checks_about(&self, name: &str) -> Result<Vec<ManifestCheck>, StoreError>;
    /// Every comparison of a delivered file with a manifest, in the order recorded, then by manifest, name and file.
    fn manifest_checks(&self) -> Result<Vec<ManifestCheck>, StoreError>;

    // --- the lake ---

    /// Live files of accepted rows whose use may touch the window, by sequence, then path. A file that ends where the
    /// window starts is among them: it may hold a row of no length at that instant, which belongs to the window.
    fn row_files(&self, touching: Window) -> Result<Vec<LakeFile>, StoreError>;
    /// Live files of sums of use, with the reach of [`Store::row_files`].
    fn partial_files(&self, touching: Window) -> Result<Vec<LakeFile>, StoreError>;
    /// Live files of hashes of record ids, with the reach of [`Store::row_files`].
    fn identity_files(&self, touching: Window) -> Result<Vec<LakeFile>, StoreError>;
    /// Live files of charges whose window_start may lie in the window, by sequence, then path.
    fn charge_files(&self, within: Window) -> Result<Vec<LakeFile>, StoreError>;
    /// Rows of the lake that another row has replaced, whose use touches the window (or ends where it starts, as above),
    /// by sequence, file and line.
    fn superseded(&self, touching: Window) -> Result<Vec<SupersededRow>, StoreError>;

    // --- windows ---

    /// Hours (UTC, by start) that received rows, or had rows replaced, with the highest sequence that touched each,
    /// where that sequence is above `after_seq`.
    fn touched_hours(&self, after_seq: u64) -> Result<Vec<TouchedHour>, StoreError>;
    /// Every window that was settled at least once, by kind and start.
    fn settled_windows(&self) -> Result<Vec<SettledWindow>, StoreError>;
    /// Every rerun and every run of a part, in the order recorded.
    fn bookmarks(&self) -> Result<Vec<BookmarkRecord>, StoreError>;
    /// Up to where every window has been looked at, if ever.
    fn frontier(&self) -> Result<Option<Instant>, StoreError>;
    /// What operators said about windows, in the order said.
    fn window_orders(&self) -> Result<Vec<WindowOrder>, StoreError>;
    /// Records what an operator says about windows.
    ///
    /// # Errors
    /// [`StoreError::Impossible`] for an empty range, and for a hold or force without a reason.
    fn record_window_order(&mut self, order: &WindowOrder) -> Result<(), StoreError>;
    /// The newest sequence number given to a delivered file; 0 before the first.
    fn latest_seq(&self) -> Result<u64, StoreError>;

    // --- money ---

    /// The wallets of these accounts; accounts without one are left out.
    fn wallets(&self, account_ids: &[String]) -> Result<Vec<Wallet>, StoreError>;
    /// Every wallet, by account_id.
    fn all_wallets(&self) -> Result<Vec<Wallet>, StoreError>;
    /// The vouchers of these accounts with what has become of them, by voucher_id.
    fn voucher_states(&self, account_ids: &[String]) -> Result<Vec<VoucherState>, StoreError>;
    /// Settlements of these accounts with something outstanding, with the account in front: oldest first, then by account
    /// and revision. What chargebacks and orders left open is among them, named by the entry or the order.
    fn open_settlements(&self, account_ids: &[String]) -> Result<Vec<(String, OpenSettlement)>, StoreError>;
    /// The same as one amount an account, by account_id; accounts of which nothing is outstanding are left out.
    fn outstanding(&self, account_ids: &[String]) -> Result<Vec<(String, Outstanding)>, StoreError>;
    /// Payment lines for settlements of this account in this billing period, in the order recorded. What a cheaper use gives
    /// back goes to these sources; those of orders are not among them.
    fn payments_in_period(&self, account_id: &str, billing_period: &str) -> Result<Vec<PaymentLine>, StoreError>;
    /// Settlements of this account in this billing period, by (at, settlement_id).
    fn settlements_in_period(&self, account_id: &str, billing_period: &str) -> Result<Vec<SettlementRecord>, StoreError>;
    /// How many settlements the account already has at this instant: the revision of the next.
    fn settlement_revisions(&self, account_id: &str, at: Instant) -> Result<u32, StoreError>;
    /// The settled quantity of tiered prices for these (account, sku) pairs, of every month, by key.
    fn tier_totals(&self, account_skus: &[(String, String)]) -> Result<Vec<TierTotal>, StoreError>;
    /// The number of the newest write that is recorded; 0 before the first. Whoever decides from what it reads asks this
    /// first, so that the batch can say what it was decided from. Marks and opening are no such writes.
    fn latest_commit(&self) -> Result<u64, StoreError>;
    /// Funds entries that wait for their instant, up to and including `until`, by (at, entry_id).
    fn pending_funds(&self, until: Instant) -> Result<Vec<FundsRow>, StoreError>;
    /// Records a batch of settled windows in one transaction: claims the windows first, then posts.
    ///
    /// # Errors
    /// [`StoreError::Stale`], [`StoreError::WindowMoved`] and [`StoreError::Conflict`] when another process was faster: read
    /// and decide again.
    /// [`StoreError::AlreadyRecorded`] for a known key, [`StoreError::Missing`] for a settlement, voucher or funds entry
    /// that is not there, [`StoreError::Impossible`] for legs that do not sum to 0 or a wallet below zero. Nothing is
    /// recorded then.
    fn record_settlement(&mut self, batch: &SettlementBatch) -> Result<(), StoreError>;
    /// Says that much was recorded, and that other work comes first now: a store may bring what was recorded into place
    /// meanwhile. Nothing depends on it.
    fn bring_in(&mut self) {}

    // --- lives ---

    /// Orders that wait for their instant, up to and including `until`, by (placed_at, order_id). Those that wait for somebody
    /// began to take effect and are not among them.
    fn pending_orders(&self, until: Instant) -> Result<Vec<OrderRow>, StoreError>;
    /// Every order placed in the range of instants, by order_id; the engine's own among them.
    fn orders(&self, placed_within: Window) -> Result<Vec<KnownOrder>, StoreError>;
    /// The order of this id.
    fn order(&self, order_id: &str) -> Result<Option<KnownOrder>, StoreError>;
    /// The resources of these accounts, by (account_id, resource_id).
    fn resources_of(&self, account_ids: &[String]) -> Result<Vec<Resource>, StoreError>;
    /// Every resource, by (resource_id, account_id).
    fn resources(&self) -> Result<Vec<Resource>, StoreError>;
    /// Resources of which the last paid period ends in the range of instants, by (expires_at, account_id, resource_id).
    fn resources_expiring(&self, within: Window) -> Result<Vec<Resource>, StoreError>;
    /// Whether any resource has ended.
    fn any_resource_ended(&self) -> Result<bool, StoreError>;
    /// Hands over every resource that has ended, by (account_id, resource_id): account, resource and when. There may be
    /// millions, of which nobody wants more.
    fn each_resource_end(&self, take: &mut dyn FnMut(&str, &str, Instant)) -> Result<(), StoreError>;
    /// Of these (account_id, resource_id) those that have ended, ordered.
    fn resource_ends(&self, named: &[(String, String)]) -> Result<Vec<ResourceEnd>, StoreError>;
    /// Accounts for which something is due up to and including `until`: their own standing, a resource or an order that
    /// waits; ordered.
    fn life_due(&self, until: Instant) -> Result<Vec<String>, StoreError>;
    /// Accounts that came into arrears up to and including `since` and stand as normal, ordered.
    fn newly_in_arrears(&self, since: Instant) -> Result<Vec<String>, StoreError>;
    /// Where these accounts stand; accounts that never left `normal` may be left out.
    fn standings_of(&self, account_ids: &[String]) -> Result<Vec<AccountStanding>, StoreError>;
    /// Where every account stands, by account_id, with the reach of [`Store::standings_of`].
    fn all_standings(&self) -> Result<Vec<AccountStanding>, StoreError>;
    /// Where accounts stood at any time of the window, by (account_id, starts_at); before its first interval an account is
    /// normal.
    fn standing_intervals(&self, touching: Window) -> Result<Vec<StandingInterval>, StoreError>;
    /// The times in which accounts stood released, by (account_id, starts_at).
    fn released_intervals(&self) -> Result<Vec<StandingInterval>, StoreError>;
    /// Charges of orders whose window_start lies in the window, of one account or of all, in the order of
    /// [`reckoner_core::rate::Charge::place`]. They have no settlement.
    fn order_charges(&self, within: Window, account_id: Option<&str>) -> Result<Vec<OrderCharge>, StoreError>;
    /// Payment lines for orders of this account that have a charge in this billing period, in the order recorded.
    fn order_payments_in_period(&self, account_id: &str, billing_period: &str) -> Result<Vec<PaymentLine>, StoreError>;
    /// What happened in the range of instants, by (at, event_id).
    fn life_events(&self, within: Window) -> Result<Vec<LifeEvent>, StoreError>;
    /// The instants of events recorded after the one with this ordinal, each once, and the highest ordinal; 0 without any.
    fn life_event_times(&self, after: u64) -> Result<(Vec<Instant>, u64), StoreError>;

    // --- what is shown and checked ---

    /// Every settlement in the range of instants, by (at, account_id, settlement_id).
    fn settlements(&self, within: Window) -> Result<Vec<SettlementRecord>, StoreError>;
    /// Settlements whose id begins with this text, by settlement_id; at most `limit` of them.
    fn settlements_named(&self, id_begins: &str, limit: u32) -> Result<Vec<SettlementRecord>, StoreError>;
    /// What became due ever, what paid it, and what is open, summed by currency.
    fn money_by_currency(&self) -> Result<Vec<CurrencySums>, StoreError>;
    /// Every payment line in the range of instants, by (at, paid_for, seq).
    fn payments(&self, within: Window) -> Result<Vec<PaymentLine>, StoreError>;
    /// Every ledger transaction in the range of instants, by (at, transaction_id), legs in order.
    fn transactions(&self, within: Window) -> Result<Vec<reckoner_core::ledger::Transaction>, StoreError>;
    /// Every run, in the order recorded; failed attempts among them.
    fn runs(&self) -> Result<Vec<RunRecord>, StoreError>;
    /// Records an attempt that failed: a line of the run history, and nothing else.
    ///
    /// # Errors
    /// [`StoreError::Impossible`] unless its status is `failed` and it posted nothing; [`StoreError::AlreadyRecorded`] for
    /// a known run_id.
    fn record_failed_run(&mut self, run: &RunRecord) -> Result<(), StoreError>;
    /// Quarantine items, by item_id.
    fn quarantine(&self) -> Result<Vec<QuarantineItem>, StoreError>;
    /// What was decided about quarantine items, in the order decided.
    fn quarantine_decisions(&self) -> Result<Vec<QuarantineDecision>, StoreError>;
    /// The (account_id, sku) with use delivered in hours of the range, refused use included, ordered. An id that could not
    /// be read is empty.
    fn used_skus(&self, within: Window) -> Result<Vec<(String, String)>, StoreError>;
    /// What happened to every unit of use, summed by (hour, account_id, sku, unit).
    fn usage_accounting(&self, within: Window) -> Result<Vec<UsageAccounting>, StoreError>;
    /// Checks of the store's own: foreign keys, page checksums. One sentence a finding.
    fn integrity_findings(&self) -> Result<Vec<String>, StoreError>;
    /// A named mark such as `verified_seq`.
    fn mark(&self, name: &str) -> Result<Option<String>, StoreError>;
    /// Sets a named mark. What it was before leaves no trace, so that a mark may be set every minute for years.
    fn set_mark(&mut self, name: &str, value: &str) -> Result<(), StoreError>;
}

/// Reads a mark that is an instant.
fn instant_of_mark(name: &str, text: &str) -> Result<Instant, StoreError> {
    let corrupt = |found| StoreError::Corrupt { table: "marks", column: "value", key: name.to_owned(), found };
    Instant::parse(text).map_err(|error| corrupt(error.to_string()))
}

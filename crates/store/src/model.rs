//! The values that a store takes and gives. Field names are the column names of the contract where it has them.

use crate::LifeBatch;
use reckoner_core::ledger::Transaction;
use reckoner_core::manifest::Manifest;
use reckoner_core::number::{Money, Quantity};
use reckoner_core::pay::{OpenSettlement, PaymentLine, Wallet};
use reckoner_core::rate::Bookmark;
use reckoner_core::table::{AccountRow, DiscountRow, FundsRow, OrderRow, PriceRow, ProductRow, SettleWindow, VoucherRow};
use reckoner_core::time::{Instant, Window};
use serde::Serialize;
use std::sync::Arc;

/// A fact from a delivered file, with its place and when it became known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<T> {
    /// The fact.
    pub row: T,
    /// The sequence number of the file that brought it: the order of knowing.
    pub seq: u64,
    /// The delivered file.
    pub file_id: String,
    /// The line in it.
    pub line: u64,
}

/// A delivered file and what came of its rows: `rows = accepted + duplicates + refused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputFile {
    /// SHA-256 of its bytes, hex.
    pub file_id: String,
    /// Order of taking, from 1; given by the store.
    pub seq: u64,
    /// Its name when delivered, without folders.
    pub name: String,
    /// `usage`, `prices`, …
    pub kind: String,
    /// Its length.
    pub bytes: u64,
    /// Rows delivered.
    pub rows: u64,
    /// Rows that took effect.
    pub accepted: u64,
    /// Rows already known with the same content.
    pub duplicates: u64,
    /// Rows in quarantine.
    pub refused: u64,
    /// Whether the whole file was refused (its rows are not counted then).
    pub is_refused: bool,
    /// When it was taken, by the clock of the command.
    pub taken_at: Instant,
}

/// Everything that came of one delivered file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IngestRecord {
    /// The file; `seq` is ignored, the store gives it. Nothing: only items that are resolved, and what that changes.
    pub file: Option<InputFile>,
    /// Who delivers it; empty: nobody keeps who.
    pub delivered_by: String,
    /// Accepted rows of reference tables, with their lines.
    pub accounts: Vec<(u64, AccountRow)>,
    /// See above.
    pub products: Vec<(u64, ProductRow)>,
    /// See above.
    pub prices: Vec<(u64, PriceRow)>,
    /// See above.
    pub discounts: Vec<(u64, DiscountRow)>,
    /// See above.
    pub vouchers: Vec<(u64, VoucherRow)>,
    /// See above.
    pub funds: Vec<(u64, FundsRow)>,
    /// See above.
    pub orders: Vec<(u64, OrderRow)>,
    /// Files of accepted usage rows, already on disk and synced; `seq` is ignored.
    pub row_files: Vec<LakeFile>,
    /// Sums of use beside those; each names its companion.
    pub partial_files: Vec<LakeFile>,
    /// Hashes of record ids beside those; each names its companion.
    pub identity_files: Vec<LakeFile>,
    /// Starts of the UTC hours that accepted or replaced rows touch; `seq` is the file's.
    pub touched_hours: Vec<Instant>,
    /// Rows that accepted rows replace.
    pub superseded: Vec<SupersededRow>,
    /// Refused rows.
    pub quarantine: Vec<QuarantineItem>,
    /// Quarantine items that this delivery resolves (a retried row): (item_id, new status).
    pub resolved_items: Vec<(String, String)>,
    /// Who decided so, and why, for items whose resolution is to be told of; `seq` is ignored, the store gives it.
    pub decisions: Vec<QuarantineDecision>,
    /// Accepted, duplicate and quarantined use.
    pub accounting: Vec<UsageAccounting>,
    /// The earlier delivery in whose place this one stands; `seq` is ignored.
    pub replaces: Option<Replacement>,
    /// What the file says, where it is a manifest.
    pub manifest: Option<Manifest>,
    /// Files held against manifests that list them, this delivery's own included; `seq` is ignored.
    pub manifest_checks: Vec<ManifestCheck>,
}

/// A delivery that stands in the place of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replacement {
    /// The file_id of the earlier delivery.
    pub replaced: String,
    /// The hash of the bytes that stand in its place.
    pub file_id: String,
    /// The sequence number of the delivery that did it; given by the store.
    pub seq: u64,
    /// Rows with the content of a row in force, which stays.
    pub kept: u64,
    /// Rows that took the place of a row with other content.
    pub changed: u64,
    /// Rows in force that were taken back, because nothing stands in their place.
    pub taken_back: u64,
    /// Rows that took effect beside those.
    pub added: u64,
    /// Rows that stay in force although the new file does not have them as they are: what should count is not known yet.
    pub held: u64,
}

/// A manifest that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownManifest {
    /// The hash of its bytes.
    pub file_id: String,
    /// The sequence number of its delivery.
    pub seq: u64,
    /// What it says.
    pub manifest: Manifest,
}

/// A delivered file held against the manifest that lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestCheck {
    /// The manifest's file_id.
    pub manifest_id: String,
    /// The name under which it lists the file.
    pub name: String,
    /// The delivered file.
    pub file_id: String,
    /// The sequence number of the delivery that compared them; given by the store.
    pub seq: u64,
    /// How they differ, for people; nothing where they agree.
    pub difference: Option<String>,
}

/// What a lake file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum LakeKind {
    /// Accepted usage rows.
    Rows,
    /// Charges.
    Charges,
    /// Sums of accepted use by holding and hour, beside a file of rows.
    Partials,
    /// Sorted hashes of record ids, beside a file of rows.
    Identities,
}

/// A file of the lake that the manifest names. A file that it does not name does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LakeFile {
    /// Path below the home's `lake/`, with `/`.
    pub path: String,
    /// What it holds.
    pub kind: LakeKind,
    /// The sequence number of the delivery, or of the newest delivery that the settlement knew (charges).
    pub seq: u64,
    /// The delivered file whose rows these are; empty for charges.
    pub file_id: String,
    /// The file of rows that partials or identities belong to, by path; empty for rows and charges.
    pub companion: String,
    /// Whether its quantities are the accounting of use, so that [`UsageAccounting`] does not repeat them: charged use for
    /// charges, accepted use for partials (always). Never for other kinds.
    pub counts_units: bool,
    /// Rows inside.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// The earliest started_at (rows, and files beside them) or window_start (charges), and the latest ended_at or
    /// window_end.
    pub span: Window,
}

/// A row of the lake whose place another has taken: enough of it to take its use back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SupersededRow {
    /// The delivered file of the replaced row.
    pub file_id: String,
    /// Its line there.
    pub line: u64,
    /// The sequence number of the delivery that replaced it; given by the store.
    pub seq: u64,
    /// The delivered file of the replacing row.
    pub by_file_id: String,
    /// Its line.
    pub by_line: u64,
    /// The replaced row's account.
    pub account_id: String,
    /// The replaced row's record.
    pub record_id: String,
    /// The replaced row's resource.
    pub resource_id: String,
    /// The replaced row's sku.
    pub sku: String,
    /// The replaced row's time of use.
    pub interval: Window,
}

/// An hour that received rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TouchedHour {
    /// Start of the UTC hour.
    pub start: Instant,
    /// The highest sequence that touched it.
    pub seq: u64,
}

/// A window that was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SettledWindow {
    /// Hour, day or month.
    pub kind: SettleWindow,
    /// The window.
    pub window: Window,
    /// The newest delivery whose rows its charges hold.
    pub settled_seq: u64,
    /// The newest delivery known when it was first settled: its prices and discounts are read as of here.
    pub book_seq: u64,
}

/// A run of a part of the books, or a rerun: what it covered, who asked for it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookmarkRecord {
    /// What it covered, and with which prices.
    pub bookmark: Bookmark,
    /// Nothing for a run.
    pub rerun: Option<Rerun>,
    /// Who asked for it.
    pub actor: String,
    /// By the clock of the command.
    pub at: Instant,
}

/// What makes a rerun of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// The plan that was applied.
    pub plan_id: String,
    /// Why, in the words of whoever asked for it.
    pub reason: String,
}

/// The month's settled quantity of one resource under one tiered price row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TierTotal {
    /// Whose.
    pub account_id: String,
    /// Of what.
    pub sku: String,
    /// Under which price row.
    pub price_id: String,
    /// `2026-01`.
    pub billing_period: String,
    /// Which resource.
    pub resource_id: String,
    /// How much is settled (unit-seconds for `hour` units).
    pub quantity: Quantity,
}

/// One settlement: what became due for an account at an instant, and who paid it then. Its texts are shared: an hour has as
/// many settlements as there are accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementRecord {
    /// Derived from account, instant, revision.
    pub settlement_id: Arc<str>,
    /// Whose.
    pub account_id: Arc<str>,
    /// The end of the window.
    pub at: Instant,
    /// 0 for the first at this instant, then 1, 2, …
    pub revision: u32,
    /// `2026-01`.
    pub billing_period: Arc<str>,
    /// ISO 4217.
    pub currency: Arc<str>,
    /// Charges (or differences) it settles.
    pub charges: u64,
    /// Sum of their due amounts.
    pub due: Money,
    /// Paid by vouchers, flexi coupons and stored value, net of returns.
    pub voucher: Money,
    /// Paid from cash, net.
    pub balance: Money,
    /// Paid from granted money, net.
    pub granted: Money,
    /// Paid on credit, net.
    pub credit: Money,
    /// Collected outside, net.
    pub external: Money,
    /// What was left unpaid at the settlement.
    pub outstanding: Money,
    /// The run that settled it.
    pub run_id: Arc<str>,
}

/// The money of a currency, over every account and all time. Sums at 1e-8, which may pass 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurrencySums {
    /// ISO 4217.
    pub currency: String,
    /// How many settlements there are.
    pub settlements: u64,
    /// Sum of what they and orders made due.
    pub due_e8: i128,
    /// Sum of the payment lines: what the sources paid, credit included, less what went back.
    pub paid_e8: i128,
    /// Sum of what is open now, also what chargebacks and orders left open.
    pub outstanding_e8: i128,
}

/// What became of a funds entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FundsEntry {
    /// The entry as delivered.
    pub row: FundsRow,
    /// `pending` until its instant, then `done` or `refused`.
    pub status: String,
    /// Why it was refused.
    pub refusal: Option<String>,
}

/// One run of a job over one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRecord {
    /// Derived from job, window and attempt.
    pub run_id: String,
    /// `hourly`, `daily`, `monthly`.
    pub job: String,
    /// The window.
    pub window: Window,
    /// From 1.
    pub attempt: u32,
    /// `manual`, `cron`, …
    pub trigger: String,
    /// Who ran it.
    pub actor: String,
    /// `done`, `failed`.
    pub status: String,
    /// By the clock of the command.
    pub started_at: Instant,
    /// By the clock of the command.
    pub ended_at: Instant,
    /// Usage rows read.
    pub rows_in: u64,
    /// Charges written.
    pub rows_out: u64,
    /// Rows of the window that wait in quarantine.
    pub rejected: u64,
    /// Ledger legs posted.
    pub postings: u64,
    /// Sum of the due amounts in the home's currency; `settlements` has those of other currencies.
    pub amount: Money,
    /// What made it run, for people.
    pub reason: Option<String>,
    /// What it read: hashes of inputs and price rows, as JSON.
    pub inputs: String,
}

/// A refused row (or file) and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineItem {
    /// Derived from file and line.
    pub item_id: String,
    /// The delivered file's hash.
    pub file_id: String,
    /// Its name when delivered.
    pub file: String,
    /// The line; 0 for a whole file.
    pub line: u64,
    /// The table.
    pub kind: String,
    /// The column at fault, if one.
    pub column: Option<String>,
    /// What was seen there, at most 200 characters.
    pub value: Option<String>,
    /// A stable code: `negative_quantity`, `unknown_sku`, …
    pub reason: String,
    /// The sentence for a person: what was expected, what to do.
    pub detail: String,
    /// The row as delivered: column, value.
    pub raw: Vec<(String, String)>,
    /// The account it names, if readable.
    pub account_id: Option<String>,
    /// Estimated amount at risk.
    pub amount_at_risk: Money,
    /// `open`, `retried`, `discarded`, `superseded`.
    pub status: String,
    /// By the clock of the command that met it first.
    pub first_seen_at: Instant,
}

/// What was decided about a quarantine item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineDecision {
    /// The item.
    pub item_id: String,
    /// Its status since: `retried`, `discarded`, `superseded`.
    pub status: String,
    /// What a retried row turned out to be: `accepted`, `duplicate`.
    pub became: Option<String>,
    /// Why; a discarded item has a reason.
    pub reason: Option<String>,
    /// Who decided.
    pub actor: String,
    /// By the clock of the command.
    pub at: Instant,
    /// The sequence number of the delivery that it came with; without one the newest that was known.
    pub seq: u64,
}

/// What happened to the units of one hour, account and sku; every column adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageAccounting {
    /// Start of the UTC hour.
    pub hour: Instant,
    /// Empty: unknown.
    pub account_id: String,
    /// The sku as delivered.
    pub sku: String,
    /// `hour` (unit-seconds) or the amount's word; empty: unknown.
    pub unit: String,
    /// Taken in, net of what was replaced.
    pub accepted: Quantity,
    /// Settled at a price.
    pub charged: Quantity,
    /// Settled at nothing, by decision.
    pub zero_rated: Quantity,
    /// Delivered again.
    pub duplicate: Quantity,
    /// Refused.
    pub quarantined: Quantity,
    /// What min_seconds and step_seconds add.
    pub minimum: Quantity,
}

impl UsageAccounting {
    /// An hour, account, sku and unit of which nothing is counted yet.
    pub fn nothing(hour: Instant, account_id: &str, sku: &str, unit: &str) -> Self {
        Self {
            hour,
            account_id: account_id.to_owned(),
            sku: sku.to_owned(),
            unit: unit.to_owned(),
            accepted: Quantity::ZERO,
            charged: Quantity::ZERO,
            zero_rated: Quantity::ZERO,
            duplicate: Quantity::ZERO,
            quarantined: Quantity::ZERO,
            minimum: Quantity::ZERO,
        }
    }
}

/// What is outstanding of an account under an id, where that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutstandingNow {
    /// Whose it is.
    pub account_id: String,
    /// Of the settlement; of what a chargeback or an order left open, the id of the funds entry or of the order.
    pub id: String,
    /// The instant of the settlement, or under which it was opened.
    pub at: Instant,
    /// What is left; 0: it is paid.
    pub amount: Money,
}

/// A batch of windows that one transaction settles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettlementBatch {
    /// [`crate::Store::latest_commit`] before anything was read that the batch was decided from. Where something was recorded
    /// since, the whole batch fails with [`crate::StoreError::Stale`]. Nothing: claims and keys alone guard it.
    pub read_at: Option<u64>,
    /// Windows claimed by this batch, with the state each must still have: (new state, settled_seq before or nothing).
    /// A window whose stored state differs makes the whole batch fail with [`crate::StoreError::WindowMoved`].
    pub windows: Vec<(SettledWindow, Option<u64>)>,
    /// What the batch covered, if it is a rerun or settles only a part of its windows.
    pub bookmark: Option<BookmarkRecord>,
    /// Files of charges, already on disk and synced.
    pub charge_files: Vec<LakeFile>,
    /// Settlements.
    pub settlements: Vec<SettlementRecord>,
    /// Payment lines, in the order made.
    pub payments: Vec<PaymentLine>,
    /// What chargebacks and orders of this batch left open: (account_id, what is open under the id of the funds entry or of
    /// the order).
    pub opened: Vec<(String, OpenSettlement)>,
    /// Outstanding after this batch, of every settlement whose outstanding changed. A settlement of this batch that is not
    /// named here has outstanding what its record says.
    pub outstanding: Vec<OutstandingNow>,
    /// Ledger transactions.
    pub transactions: Vec<Transaction>,
    /// Wallets after this batch; those that are as they were may be left out.
    pub wallets: Vec<Wallet>,
    /// Vouchers after this batch: (voucher_id, used, returned).
    pub vouchers: Vec<(String, Money, Money)>,
    /// Funds entries that took effect: (entry_id, `done` | `refused`, refusal).
    pub funds: Vec<(String, String, Option<String>)>,
    /// Orders, resources and standings.
    pub life: LifeBatch,
    /// Tiered totals after this batch.
    pub tier_totals: Vec<TierTotal>,
    /// Tiered totals of resources whose use was all taken back; their quantities are what they were.
    pub tier_totals_gone: Vec<TierTotal>,
    /// Charged, zero-rated and minimum use (differences; they add to what is there).
    pub accounting: Vec<UsageAccounting>,
    /// The runs.
    pub runs: Vec<RunRecord>,
    /// Where the frontier is after this batch.
    pub frontier: Option<Instant>,
}

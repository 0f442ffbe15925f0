//! Options of the commands that this version carries out.

pub mod orders;
pub mod renewals;

use super::help;
use super::value::{Month, ValueError, When, parse_reason};
use crate::schedule::JobName;
use clap::{Args, Subcommand, ValueEnum};
use reckoner_core::table::{TableKind, TableKindError};
use std::path::PathBuf;

/// `init`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::INIT)]
pub struct InitArgs {
    /// Policy profile: huawei-intl, huawei-cn, ksyun, or a file of the home's profiles/ [default: huawei-intl]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Billing zone, where days and months close: an offset or an IANA name [default: +08:00]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub zone: Option<String>,
    /// ISO 4217: the currency of accounts and prices that name none [default: CNY]
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// Windows before it do not exist [default: the first hour of the first usage or order]
    #[arg(long, value_name = "T")]
    pub epoch: Option<When>,
}

/// `demo`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::DEMO)]
pub struct DemoArgs {}

/// `ingest`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::INGEST)]
pub struct IngestArgs {
    /// Files to take [default: what lies in the home's inbox/, which goes away from there once it is taken]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The input table of every file named [default: what each file's name begins with]
    #[arg(long, value_name = "KIND", value_parser = parse_kind, requires = "files")]
    pub kind: Option<TableKind>,
    /// The delivery in whose place the one FILE stands: its name, its file_id, or 6 characters or more of it
    #[arg(long, value_name = "OLD")]
    pub replaces: Option<String>,
}

fn parse_kind(text: &str) -> Result<TableKind, ValueError> {
    TableKind::from_word(text).map_err(|error| ValueError {
        saw: match error {
            TableKindError::NotYet { table, .. } => format!("not yet: this version takes no `{table}`"),
            TableKindError::Unknown { name } => format!("`{name}` is no input table"),
        },
        expected: "one of accounts, products, prices, discounts, vouchers, funds, orders, usage",
        hint: "without --kind each file's name says what it holds: `usage-2026-01-05T13.csv` is usage".to_owned(),
    })
}

/// `run`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::RUN)]
pub struct RunArgs {
    /// Which job
    #[arg(value_name = "JOB")]
    pub job: JobName,
    /// First instant of the range
    #[arg(long, value_name = "T")]
    pub from: Option<When>,
    /// First instant no longer in the range
    #[arg(long, value_name = "T")]
    pub to: Option<When>,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only this sku
    #[arg(long, value_name = "SKU")]
    pub sku: Option<String>,
    /// Say what would be posted and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `quarantine`.
#[derive(Debug, Clone, Subcommand)]
pub enum QuarantineCommand {
    /// One line an item, open ones first, the most at risk on top
    List(QuarantineListArgs),
    /// Everything about items: the row as delivered, what was expected, what to do
    Show(QuarantineFilter),
    /// Take rows again as delivered, once what was in their way is put right; they settle as late usage
    Retry(QuarantineFilter),
    /// Give rows up that will never be right, with a reason that is kept
    Discard(QuarantineDiscardArgs),
}

/// `quarantine list`.
#[derive(Debug, Clone, Args)]
pub struct QuarantineListArgs {
    /// Which items.
    #[command(flatten)]
    pub filter: QuarantineFilter,
    /// Only what nobody has decided yet
    #[arg(long)]
    pub open: bool,
}

/// Which quarantine items.
#[derive(Debug, Clone, Args)]
pub struct QuarantineFilter {
    /// Items by id [default: every item]
    #[arg(value_name = "ITEM")]
    pub items: Vec<String>,
    /// Items refused for this reason, such as negative_quantity
    #[arg(long, value_name = "CODE", conflicts_with = "items")]
    pub reason: Option<String>,
}

/// `quarantine discard`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::QUARANTINE_DISCARD)]
pub struct QuarantineDiscardArgs {
    /// Items by id; without one, every open item refused for the code given as reason
    #[arg(value_name = "ITEM")]
    pub items: Vec<String>,
    /// Why they are given up; without items a code such as negative_quantity
    #[arg(long, value_name = "REASON", required = true, value_parser = parse_reason)]
    pub reason: String,
}

/// `catch-up`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::CATCH_UP)]
pub struct CatchUpArgs {
    /// The last instant whose effects are carried out [default: now]
    #[arg(long, value_name = "T")]
    pub until: Option<When>,
}

/// `rerun`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::RERUN)]
pub struct RerunArgs {
    /// Which job
    #[arg(value_name = "JOB")]
    pub job: JobName,
    /// First instant of the range
    #[arg(long, value_name = "T")]
    pub from: When,
    /// First instant no longer in the range
    #[arg(long, value_name = "T")]
    pub to: When,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only this sku
    #[arg(long, value_name = "SKU")]
    pub sku: Option<String>,
    /// Why; kept with what is posted
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Which windows of the range
    #[arg(long, value_name = "MODE", default_value = "all")]
    pub mode: RerunMode,
    /// Print the plan and change nothing, as without `--apply`
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Post the differences of this plan; exit 4 if it no longer describes what would happen
    #[arg(long, value_name = "PLAN")]
    pub apply: Option<String>,
    /// The open month that takes the differences of an issued one
    #[arg(long, value_name = "YYYY-MM")]
    pub adjust_into: Option<Month>,
}

/// Which windows a rerun takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RerunMode {
    /// Never settled.
    Missing,
    /// With news, and whose last run failed.
    Failed,
    /// All of them; what is settled is priced with the prices and discounts known now.
    All,
}

/// `windows`.
#[derive(Debug, Clone, Subcommand)]
pub enum WindowsCommand {
    /// One line a window: how it stands, what it came to, who holds it
    List(WindowsListArgs),
    /// Do not settle these windows for now
    Hold(WindowsHoldArgs),
    /// End holds; what waited settles with the next catch-up
    Release(WindowsReleaseArgs),
    /// Take windows for complete and settle them at once, held or not
    Force(WindowsForceArgs),
}

/// `windows list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::WINDOWS_LIST)]
pub struct WindowsListArgs {
    /// Of which job [default: all]
    #[arg(value_name = "JOB")]
    pub job: Option<JobName>,
    /// First instant of the range [default: the newest 48 windows and all that wait]
    #[arg(long, value_name = "T")]
    pub from: Option<When>,
    /// First instant no longer in the range
    #[arg(long, value_name = "T")]
    pub to: Option<When>,
}

/// `windows hold`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::WINDOWS_HOLD)]
pub struct WindowsHoldArgs {
    /// Of which job [default: all]
    #[arg(value_name = "JOB")]
    pub job: Option<JobName>,
    /// First instant of the range [default: since ever]
    #[arg(long, value_name = "T")]
    pub from: Option<When>,
    /// First instant no longer in the range [default: until they are released]
    #[arg(long, value_name = "T")]
    pub to: Option<When>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    pub reason: String,
}

/// `windows release`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::WINDOWS_RELEASE)]
pub struct WindowsReleaseArgs {
    /// Of which job [default: all]
    #[arg(value_name = "JOB")]
    pub job: Option<JobName>,
    /// First instant of the range [default: since ever]
    #[arg(long, value_name = "T")]
    pub from: Option<When>,
    /// First instant no longer in the range [default: everything that is held]
    #[arg(long, value_name = "T")]
    pub to: Option<When>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    pub reason: Option<String>,
}

/// `windows force`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::WINDOWS_FORCE)]
pub struct WindowsForceArgs {
    /// Of which job [default: all]
    #[arg(value_name = "JOB")]
    pub job: Option<JobName>,
    /// First instant of the range
    #[arg(long, value_name = "T")]
    pub from: When,
    /// First instant no longer in the range; it has come
    #[arg(long, value_name = "T")]
    pub to: When,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    pub reason: String,
}

/// `status`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::STATUS)]
pub struct StatusArgs {
    /// For monitoring: exit 0 if all is well, 1 if somebody should look, 2 if something is late or broken
    #[arg(long)]
    pub check: bool,
}

/// `verify`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::VERIFY)]
pub struct VerifyArgs {
    /// From raw/ up, not only since the last green verify
    #[arg(long)]
    pub full: bool,
}

/// `explain`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::EXPLAIN)]
pub struct ExplainArgs {
    /// A charge_id, settlement_id, order_id or bill_line_id, as exports show them
    #[arg(value_name = "ID")]
    pub id: String,
}

/// `export`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::EXPORT)]
pub struct ExportArgs {
    /// Which table
    #[arg(value_name = "TABLE")]
    pub table: OutputTable,
    /// csv, parquet, ndjson; for the ledger also hledger, beancount [default: -o's ending, else csv; ledger: hledger]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<OutputFormat>,
    /// First instant of the range, by the table's first time column
    #[arg(long, value_name = "T")]
    pub from: Option<When>,
    /// First instant no longer in the range
    #[arg(long, value_name = "T")]
    pub to: Option<When>,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// For allocation: cost_center or tag:KEY [default: cost_center]
    #[arg(long, value_name = "VIEW")]
    pub view: Option<String>,
    /// File to write; it is there whole or not at all
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The output tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum OutputTable {
    /// What use, purchases and renewals cost.
    Charges,
    /// Who paid it.
    Payments,
    /// Every resource.
    Subscriptions,
    /// Balances and states.
    Accounts,
    /// Orders and what became of them.
    Orders,
    /// Vouchers and what is left.
    Vouchers,
    /// An account's money, line by line.
    Statement,
    /// What is owed, by age.
    Receivables,
    /// What was paid ahead.
    Deferred,
    /// Editions and quotas.
    Editions,
    /// Bills.
    Bills,
    /// Their lines.
    BillLines,
    /// Who bears it.
    Allocation,
    /// The grain of cost analysis.
    Costs,
    /// What ran when.
    Runs,
    /// What was refused.
    Quarantine,
    /// What happened to every unit of use.
    UsageAccounting,
    /// What became due for whom at which instant.
    Settlements,
    /// Delivered files and what came of their rows.
    Files,
    /// The double-entry journal, as plain-text accounting or as a table of legs.
    Ledger,
}

impl OutputTable {
    /// The word that the contract uses.
    pub fn as_str(self) -> String {
        self.to_possible_value().expect("every table has a name").get_name().to_owned()
    }
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum OutputFormat {
    /// RFC 4180 with a header row.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line, decimals as strings.
    Ndjson,
    /// A journal for `hledger` and `ledger`; the ledger only.
    Hledger,
    /// A journal for `beancount`; the ledger only.
    Beancount,
}

/// `sample`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::SAMPLE)]
pub struct SampleArgs {
    /// Folder to write into; made if it is missing
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Usage rows, repeated ones included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000_000))]
    pub rows: u64,
    /// Resources that the rows are spread over [default: a fortieth of the rows, at least 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub resources: Option<u64>,
    /// First hour of use; a date is its first instant in UTC
    #[arg(long, value_name = "T", default_value = "2026-01-05")]
    pub start: When,
    /// Hours that the rows are spread over
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
    /// Rows in one usage file
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub rows_per_file: u64,
}

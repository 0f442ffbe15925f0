//! Options of the commands that later versions carry out. They are parsed in full, so that scripts can be written against
//! the contract and a wrong option is told from a missing command.

use super::value::{Month, When, WhenRange};
use clap::{Args, Subcommand, ValueEnum};

/// A command whose parts come later: named alone, it is answered all the same.
#[derive(Debug, Clone, Args)]
pub struct Later<C: Subcommand> {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<C>,
}

/// `bills`.
#[derive(Debug, Clone, Subcommand)]
pub enum BillsCommand {
    /// The month's bills, one line each
    List(BillsListArgs),
    /// A bill with its lines
    Show(BillsArgs),
    /// What stands between the month and its issue
    Checklist(BillsArgs),
    /// What changed since the last draft
    Diff(BillsArgs),
    /// Approve the drafts
    Approve(BillsArgs),
    /// Issue what is approved; it never changes again
    Issue(BillsArgs),
    /// Take drafts or an approval back
    Withdraw(BillsArgs),
}

/// `bills list`.
#[derive(Debug, Clone, Args)]
pub struct BillsListArgs {
    /// Which month [default: all]
    #[arg(value_name = "MONTH")]
    pub month: Option<Month>,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
}

/// Which bills.
#[derive(Debug, Clone, Args)]
pub struct BillsArgs {
    /// Which month, YYYY-MM
    #[arg(value_name = "MONTH")]
    pub month: Month,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `orders`.
#[derive(Debug, Clone, Subcommand)]
pub enum OrdersCommand {
    /// Place an order
    Place(Box<OrderArgs>),
    /// Orders and what became of them
    List(OrdersListArgs),
}

/// `orders list`.
#[derive(Debug, Clone, Args)]
pub struct OrdersListArgs {
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// First instant of the range
    #[arg(long, value_name = "T")]
    pub from: Option<When>,
    /// First instant no longer in the range
    #[arg(long, value_name = "T")]
    pub to: Option<When>,
}

/// `orders place`.
#[derive(Debug, Clone, Args)]
pub struct OrderArgs {
    /// What is ordered
    #[arg(value_name = "KIND")]
    pub kind: OrderKind,
    /// The order's columns.
    #[command(flatten)]
    pub terms: OrderTerms,
}

/// The kinds of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum OrderKind {
    /// Starts a subscription, charges a one-time sku, registers a pay-per-use resource.
    Purchase,
    /// Adds periods.
    Renew,
    /// Gives a subscription back.
    Unsubscribe,
    /// Another sku or quantity.
    Change,
    /// Ends a pay-per-use resource.
    Delete,
    /// Another renewal policy.
    SetRenewal,
    /// Another expiry day.
    Align,
}

/// The columns of an order, as options.
#[derive(Debug, Clone, Args)]
pub struct OrderTerms {
    /// Names the order [default: derived from its content]
    #[arg(long, value_name = "ID")]
    pub order_id: Option<String>,
    /// Whose
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Which resource
    #[arg(long, value_name = "ID")]
    pub resource: Option<String>,
    /// As what it is priced
    #[arg(long, value_name = "SKU")]
    pub sku: Option<String>,
    /// How many, up to 12 decimals [default: 1]
    #[arg(long, value_name = "N")]
    pub quantity: Option<String>,
    /// Terms bought at once [default: 1]
    #[arg(long, value_name = "N")]
    pub periods: Option<u32>,
    /// auto, manual, none or to_pay_per_use [default: manual]
    #[arg(long, value_name = "POLICY")]
    pub renewal: Option<String>,
    /// Terms of an automatic renewal
    #[arg(long, value_name = "N")]
    pub renewal_periods: Option<u32>,
    /// The bundle it belongs to
    #[arg(long, value_name = "ID")]
    pub bundle: Option<String>,
    /// Works while one of these is active: a;b
    #[arg(long, value_name = "IDS")]
    pub depends_on: Option<String>,
    /// Charged 0, never renewed
    #[arg(long)]
    pub trial: bool,
    /// Where
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Kind of data centre
    #[arg(long, value_name = "TYPE")]
    pub data_center_type: Option<String>,
    /// Configuration, for people
    #[arg(long, value_name = "TEXT")]
    pub configuration: Option<String>,
    /// Display name of the resource
    #[arg(long, value_name = "NAME")]
    pub resource_name: Option<String>,
    /// resource, or renewal: only the period not begun
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// now or next_period
    #[arg(long, value_name = "WHEN")]
    pub effective: Option<String>,
    /// 1 to 28 or last
    #[arg(long, value_name = "DAY")]
    pub align_day: Option<String>,
    /// Last covered day, for align
    #[arg(long, value_name = "DATE")]
    pub expires_on: Option<String>,
    /// Refused if the handling fee is higher
    #[arg(long, value_name = "AMOUNT")]
    pub accept_fee: Option<String>,
    /// no_longer_needed, wrong_purchase, too_expensive, replaced or other
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Labels: key=value;key=value
    #[arg(long, value_name = "TAGS")]
    pub tags: Option<String>,
}

/// `renewals`.
#[derive(Debug, Clone, Subcommand)]
pub enum RenewalsCommand {
    /// Subscriptions by renewal policy and expiry
    List(RenewalsListArgs),
    /// Change the renewal policy
    Set(Box<OrderTerms>),
    /// Renew now
    Renew(Box<OrderTerms>),
    /// Move expiries to one day
    Align(Box<OrderTerms>),
    /// What expires when
    Calendar(RenewalsListArgs),
}

/// Which subscriptions.
#[derive(Debug, Clone, Args)]
pub struct RenewalsListArgs {
    /// By renewal policy
    #[arg(long, value_name = "TAB")]
    pub tab: Option<RenewalsTab>,
    /// Expiring in this range, the end not inside
    #[arg(long, value_name = "FROM..TO")]
    pub expires: Option<WhenRange>,
    /// Only this product
    #[arg(long, value_name = "PRODUCT")]
    pub product: Option<String>,
    /// Only this kind of data centre
    #[arg(long, value_name = "TYPE")]
    pub data_center_type: Option<String>,
}

/// The tabs of renewal management.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenewalsTab {
    /// Renewed by hand.
    Manual,
    /// Renewed automatically.
    Auto,
    /// Never expires.
    NoExpiry,
}

/// `reports`.
#[derive(Debug, Clone, Subcommand)]
pub enum ReportsCommand {
    /// What there is
    List,
    /// One report
    Get {
        /// As `reports list` names it
        #[arg(value_name = "REPORT")]
        report: String,
        /// File to write
        #[arg(short, long, value_name = "FILE")]
        output: Option<std::path::PathBuf>,
    },
}

/// `quote`.
#[derive(Debug, Clone, Subcommand)]
pub enum QuoteCommand {
    /// What a renewal costs
    Renew(Box<OrderTerms>),
    /// What comes back
    Unsubscribe(Box<OrderTerms>),
    /// What another sku or quantity costs
    Change(Box<OrderTerms>),
    /// What another expiry day costs
    Align(Box<OrderTerms>),
}

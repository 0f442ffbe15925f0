//! Options of `renewals`.

use super::super::help;
use super::super::value::WhenRange;
use clap::{Args, Subcommand, ValueEnum};

/// `renewals`.
#[derive(Debug, Clone, Subcommand)]
pub enum RenewalsCommand {
    /// Subscriptions by renewal policy and expiry
    List(RenewalsListArgs),
    /// Change the renewal policy of several
    Set(RenewalsSetArgs),
    /// Renew several now
    Renew(RenewalsRenewArgs),
    /// Move the expiry of several to one day
    Align(RenewalsAlignArgs),
    /// What renews, expires, freezes and is released in the days ahead
    Calendar(CalendarArgs),
}

/// Which subscriptions.
#[derive(Debug, Clone, Default, Args)]
pub struct RenewalsFilter {
    /// By renewal policy
    #[arg(long, value_name = "TAB")]
    pub tab: Option<RenewalsTab>,
    /// Whose last covered second lies in this range, the end not inside
    #[arg(long, value_name = "FROM..TO")]
    pub expires: Option<WhenRange>,
    /// Only this product
    #[arg(long, value_name = "PRODUCT")]
    pub product: Option<String>,
    /// Only this kind of data centre
    #[arg(long, value_name = "TYPE")]
    pub data_center_type: Option<String>,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
}

/// `renewals list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::RENEWALS_LIST)]
pub struct RenewalsListArgs {
    /// Which subscriptions.
    #[command(flatten)]
    pub filter: RenewalsFilter,
    /// Which page
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub page: u32,
    /// How many on a page
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub per_page: u32,
}

/// Which subscriptions a batch is about, and how it goes about them.
#[derive(Debug, Clone, Default, Args)]
pub struct BatchArgs {
    /// Which resources: a;b, or the option several times
    #[arg(long = "resource", value_name = "ID", value_delimiter = ';', conflicts_with_all = ["tab", "expires", "product", "data_center_type"])]
    pub resources: Vec<String>,
    /// Those of the list.
    #[command(flatten)]
    pub filter: RenewalsFilter,
    /// Leave out what cannot be done and do the others
    #[arg(long)]
    pub skip: bool,
    /// Say what it would come to and change nothing
    #[arg(long)]
    pub quote: bool,
}

/// `renewals set`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::RENEWALS_BATCH)]
pub struct RenewalsSetArgs {
    /// auto, manual, none or to_pay_per_use
    #[arg(long, value_name = "POLICY")]
    pub renewal: String,
    /// Terms of an automatic renewal
    #[arg(long, value_name = "N")]
    pub renewal_periods: Option<String>,
    /// Which, and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// `renewals renew`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::RENEWALS_BATCH)]
pub struct RenewalsRenewArgs {
    /// For how many of their terms [default: 1]
    #[arg(long, value_name = "N")]
    pub periods: Option<String>,
    /// Which, and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// `renewals align`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::RENEWALS_BATCH)]
pub struct RenewalsAlignArgs {
    /// The last covered day of the month, 1 to 28 or last [default: 1]
    #[arg(long, value_name = "DAY")]
    pub align_day: Option<String>,
    /// The last covered day as a date
    #[arg(long, value_name = "DATE", conflicts_with_all = ["align_day", "periods"])]
    pub expires_on: Option<String>,
    /// At least so many months more [default: 1]
    #[arg(long, value_name = "N")]
    pub periods: Option<String>,
    /// Which, and how.
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// `renewals calendar`.
#[derive(Debug, Clone, Args)]
#[command(after_help = help::RENEWALS_CALENDAR)]
pub struct CalendarArgs {
    /// How many days ahead
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_100))]
    pub days: u32,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
}

/// The tabs of renewal management.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenewalsTab {
    /// Renewed by hand.
    Manual,
    /// Renewed automatically.
    Auto,
    /// Paid by use: without an expiry.
    NoExpiry,
}

//! Options of the commands that later versions carry out. They are parsed in full, so that scripts can be written against
//! the contract and a wrong option is told from a missing command.

use super::value::Month;
use clap::{Args, Subcommand};

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

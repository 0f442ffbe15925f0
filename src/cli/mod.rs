//! The command line: the contract's commands and options, how they are read, answered and refused.
//!
//! Owns: names and help of every command (`args`, `later`), values such as `T` (`value`), what is not there yet
//! (`not_yet`), what is printed and with which exit code (`output`), which function a command calls (`dispatch`).
//! Does not own: what a command does.
//! Promises: every command of the contract is parsed in full; with `--json` exactly one JSON document goes to standard
//! output, also when the command line itself is wrong.

mod approve;
pub mod args;
pub mod batch;
pub mod dispatch;
mod help;
pub mod later;
pub mod not_yet;
mod order_row;
pub mod orders;
pub mod output;
mod placing;
pub mod quarantine;
pub mod quote;
pub mod renewals;
mod reports;
pub mod rerun;
pub mod show;
pub mod status;
mod to_do;
pub mod value;
pub mod verify;
pub mod windows;
pub mod work;
mod wrong_usage;

pub use output::Answer;

use crate::failure::Failure;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use value::AsOf;

/// Turns usage files into exact, posted charges, settles them by the hour, and can prove every cent.
#[derive(Debug, Parser)]
#[command(name = "reckoner", version, after_help = help::MAIN, max_term_width = 110, disable_help_subcommand = false)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command; they stand before or after its name.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// Folder that holds everything of one installation [default: RECKONER_HOME, else ./reckoner-home]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub home: Option<PathBuf>,
    /// What this command takes for now; `tomorrow` is the next midnight [default: the clock]
    #[arg(long, global = true, value_name = "T", help_heading = "Global options")]
    pub as_of: Option<AsOf>,
    /// Who acts [default: the operating system's user]
    #[arg(long, global = true, value_name = "NAME", value_parser = value::parse_actor, help_heading = "Global options")]
    pub actor: Option<String>,
    /// Print one JSON document on standard output, also on failure
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// How long a command that writes waits for another one: seconds, or 90s, 10m, 2h
    #[arg(long, global = true, value_name = "TIME", value_parser = value::parse_wait, default_value = "10m", help_heading = "Global options")]
    pub wait: Duration,
}

/// Every command of the contract.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Make a folder a home: settings, profiles, jobs, folders
    Init(args::InitArgs),
    /// Sample data through every step, in a fresh temporary home unless --home is given
    Demo(args::DemoArgs),
    /// Take files in: accounts, prices, usage and the other input tables; without a file, what lies in inbox/
    Ingest(args::IngestArgs),
    /// Settle the windows that are due, or those of a range
    Run(args::RunArgs),
    /// Rows and files that were refused, each with its reason
    #[command(subcommand)]
    Quarantine(args::QuarantineCommand),
    /// Settle windows again and post the differences (not yet)
    Rerun(args::RerunArgs),
    /// Carry out every effect up to an instant, oldest first
    CatchUp(args::CatchUpArgs),
    /// How windows stand: list them, hold them back, release them, take them for complete
    #[command(subcommand)]
    Windows(args::WindowsCommand),
    /// Take what is dropped into inbox/ and settle what is due, by the clock, until SIGTERM
    #[command(after_help = help::SERVE)]
    Serve,
    /// What is settled, what is due, what needs a person
    Status(args::StatusArgs),
    /// Check every invariant; exit 70 names the first that is broken
    Verify(args::VerifyArgs),
    /// From an amount back to prices, formula, windows, files and line numbers
    Explain(args::ExplainArgs),
    /// One table as CSV, Parquet or NDJSON
    Export(args::ExportArgs),
    /// Bills of a month: checklist, approval, issue (not yet)
    Bills(later::Later<later::BillsCommand>),
    /// Generated input of any size
    Sample(args::SampleArgs),
    /// Settings, profiles, job files, prices: what is wrong or missing
    #[command(after_help = help::CHECK)]
    Check,
    /// Place an order, approve a large refund; orders and what became of them
    #[command(subcommand)]
    Orders(args::orders::OrdersCommand),
    /// Subscriptions by expiry: list, renew, align, set their policy, look ahead
    #[command(subcommand)]
    Renewals(args::renewals::RenewalsCommand),
    /// What jobs leave for people and for other programs: the days' reports and events
    #[command(subcommand)]
    Reports(reports::ReportsCommand),
    /// What an order would come to, and how that comes about; changes nothing
    Quote(Box<args::orders::QuoteArgs>),
}

enum Stop {
    /// Help or the version was asked for.
    Shown(String),
    /// A command was named without what it needs to do anything.
    Incomplete(String),
    Wrong(Failure),
}

/// Runs one command line, prints its answer, and hands back the exit code.
pub fn run(args: Vec<OsString>) -> u8 {
    let is_json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(Stop::Shown(text)) => return output::print_text(&text, 0),
        Err(Stop::Incomplete(help)) if !is_json => return output::print_help(&help),
        Err(Stop::Incomplete(_)) => return output::print_failure(&no_command(), is_json),
        Err(Stop::Wrong(failure)) => return output::print_failure(&failure, is_json),
    };
    // A command for a person says what it did when it is done; one that runs for months says it as it happens.
    start_logging(if matches!(cli.command, Command::Serve) { "warn,reckoner=info" } else { "warn" });
    match answer(cli, command_text(&args)) {
        Ok(answer) => output::print_answer(answer, is_json),
        Err(failure) => output::print_failure(&failure, is_json),
    }
}

fn parse(args: &[OsString]) -> Result<Cli, Stop> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, MissingSubcommand};
    Cli::try_parse_from(args).map_err(|error| match error.kind() {
        DisplayHelp | DisplayVersion => Stop::Shown(error.to_string()),
        DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand => Stop::Incomplete(error.to_string()),
        _ => Stop::Wrong(wrong_usage::failure(&error)),
    })
}

fn no_command() -> Failure {
    Failure::usage("no command is named").expected("what to do").hint("`reckoner --help` lists the commands")
}

/// A panic is a broken invariant: sums of money are checked and halt rather than wrap. It ends with exit 70, not with
/// the runtime's own code; the panic's place is on standard error by then.
fn answer(cli: Cli, command_text: String) -> Result<Answer, Failure> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dispatch::dispatch(cli, command_text)));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words were left");
        Err(Failure::invariant(format!("an invariant is broken: {text}")).hint(
            "this is a fault of reckoner, not of the input: report the command and the lines above; then `reckoner verify`",
        ))
    })
}

/// The command line as a person typed it, for whoever waits for this command.
fn command_text(args: &[OsString]) -> String {
    let words = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    let text = std::iter::once("reckoner".into()).chain(words).collect::<Vec<_>>().join(" ");
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

fn start_logging(usual: &str) {
    let wanted = crate::env::log_filter().unwrap_or_else(|| usual.to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(&wanted).unwrap_or_else(|_| "warn".into());
    // Without a time: what a log line says holds at the command's own time, and collectors stamp lines themselves.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().with_ansi(false);
    // Saying that standard error takes no line, on standard error, would panic.
    let _ = subscriber.log_internal_errors(false).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}

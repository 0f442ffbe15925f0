//! Which function answers a command: one arm each.

use super::args::orders::OrdersCommand;
use super::args::renewals::RenewalsCommand;
use super::args::{InitArgs, QuarantineCommand, SampleArgs, WindowsCommand};
use super::output::Answer;
use super::reports::{self, ReportsCommand};
use super::{
    Cli, Command, approve, batch, not_yet, orders, quarantine, quote, renewals, rerun, show, status, verify, windows, work,
};
use crate::app::Caller;
use crate::books::Books;
use crate::check;
use crate::cli::value::When;
use crate::config::read_zone;
use crate::demo;
use crate::failure::Failure;
use crate::home::{self, InitWish, default_zone};
use crate::report::terminal::{grouped, human_bytes};
use crate::sample::{self, SamplePlan};
use crate::serve;
use reckoner_core::time::Zone;
use serde_json::json;

/// Carries out one command.
///
/// # Errors
/// The command's [`Failure`]; exit 2 for commands of later versions.
pub fn dispatch(cli: Cli, command_text: String) -> Result<Answer, Failure> {
    not_yet::refuse(&cli.command)?;
    let caller = Caller::new(cli.globals, command_text);
    match cli.command {
        Command::Init(args) => init(&caller, &args),
        Command::Sample(args) => sample(&args),
        Command::Check => check::check(&caller),

        Command::Demo(_) => demo::demo(&caller),
        Command::Ingest(args) => work::ingest(&caller, &args),
        Command::Run(args) => work::run(&caller, &args),
        Command::Quarantine(QuarantineCommand::List(filter)) => quarantine::list(&caller, &filter),
        Command::Quarantine(QuarantineCommand::Show(filter)) => quarantine::show(&caller, &filter),
        Command::Quarantine(QuarantineCommand::Retry(filter)) => quarantine::retry(&caller, &filter),
        Command::Rerun(args) => rerun::rerun(&caller, &args),
        Command::Quarantine(QuarantineCommand::Discard(args)) => quarantine::discard(&caller, &args),
        Command::CatchUp(args) => work::catch_up(&caller, &args),
        Command::Serve => serve::serve(&caller),
        Command::Windows(WindowsCommand::List(args)) => windows::list(&caller, &args),
        Command::Windows(WindowsCommand::Hold(args)) => windows::hold(&caller, &args),
        Command::Windows(WindowsCommand::Release(args)) => windows::release(&caller, &args),
        Command::Windows(WindowsCommand::Force(args)) => windows::force(&caller, &args),
        Command::Status(args) => status::status(&caller, &args),
        Command::Verify(args) => verify::verify(&caller, &args),
        Command::Explain(args) => show::explain(&caller, &args),
        Command::Export(args) => show::export(&caller, &args),

        Command::Orders(OrdersCommand::Place(args)) => orders::place(&caller, &args),
        Command::Orders(OrdersCommand::List(args)) => orders::list(&caller, &args),
        Command::Orders(OrdersCommand::Approve(args)) => approve::approve(&caller, &args),
        Command::Quote(args) => quote::quote(&caller, &args),
        Command::Renewals(RenewalsCommand::List(args)) => renewals::list(&caller, &args),
        Command::Renewals(RenewalsCommand::Set(args)) => batch::set(&caller, &args),
        Command::Renewals(RenewalsCommand::Renew(args)) => batch::renew(&caller, &args),
        Command::Renewals(RenewalsCommand::Align(args)) => batch::align(&caller, &args),
        Command::Renewals(RenewalsCommand::Calendar(args)) => renewals::calendar(&caller, &args),

        Command::Reports(ReportsCommand::List) => reports::list(&caller),
        Command::Reports(ReportsCommand::Get { report, output }) => reports::get(&caller, &report, output.as_deref()),

        Command::Bills(_) => unreachable!("`not_yet` refuses commands of later versions"),
    }
}

fn init(caller: &Caller, args: &InitArgs) -> Result<Answer, Failure> {
    let zone = args.zone.as_deref().map(read_zone).transpose().map_err(|failure| failure.at("--zone"))?;
    // In an existing home without --zone, dates are its own zone's.
    let zone_of_dates = match (zone, caller.read()) {
        (Some(zone), _) => zone,
        (None, Ok(session)) => session.settings.zone,
        (None, Err(_)) => default_zone(),
    };
    let wish = InitWish {
        profile: args.profile.clone(),
        zone,
        currency: args.currency.clone(),
        epoch: args.epoch.map(|when: When| when.resolve(zone_of_dates)),
    };
    let made = home::init(caller.home_path(), &wish, &caller.holder(), caller.wait, caller.clock(zone_of_dates))?;

    // The store is made with the home, so that commands that only read find one.
    Books::open(caller.write()?)?;

    let (root, settings) = (made.home.root().display().to_string(), made.settings);
    let epoch = settings.epoch.map(|epoch| settings.zone.to_text(epoch));
    let text = format!(
        "{state}: {root}\nzone {zone}, currency {currency}, profile {profile}, epoch {epoch}\n\
         next: `reckoner ingest` takes files, `reckoner run hourly` settles them; `reckoner check` looks over the settings\n",
        state = if made.is_new { "made a home" } else { "this is a home already; nothing that was there has changed" },
        zone = settings.zone,
        currency = settings.currency,
        profile = settings.profile,
        epoch = epoch.as_deref().unwrap_or("the first hour of the first usage or order"),
    );
    let document = json!({
        "home": root,
        "created": made.is_new,
        "zone": settings.zone.to_string(),
        "currency": settings.currency,
        "profile": settings.profile,
        "epoch": epoch,
    });
    Ok(Answer::done(text, document))
}

fn sample(args: &SampleArgs) -> Result<Answer, Failure> {
    let plan = SamplePlan {
        rows: args.rows,
        resources: args.resources.unwrap_or_else(|| (args.rows / 40).max(20)),
        start: args.start.resolve(Zone::UTC),
        hours: args.hours,
        rows_per_file: args.rows_per_file,
    };
    let receipt = sample::write(&plan, &args.dir)?;

    let text = format!(
        "{} usage rows ({} delivered twice), {} accounts, {} prices in {} files, {}: {}\nnext: `reckoner ingest {}/*.csv`\n",
        grouped(receipt.rows),
        grouped(receipt.repeated),
        grouped(receipt.accounts),
        grouped(receipt.prices),
        receipt.files.len(),
        human_bytes(receipt.bytes),
        args.dir.display(),
        args.dir.display(),
    );
    let document = json!({
        "dir": args.dir.display().to_string(),
        "rows": receipt.rows,
        "repeated": receipt.repeated,
        "accounts": receipt.accounts,
        "prices": receipt.prices,
        "bytes": receipt.bytes,
        "files": receipt.files,
    });
    Ok(Answer::done(text, document))
}

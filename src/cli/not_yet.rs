//! What this version does not do yet: one list. A command leaves it by losing its line here and getting an arm in
//! `dispatch`.

use super::Command;
use crate::failure::Failure;
use crate::schedule::JobName;

const SETTLES_AND_RENEWS: &str = "this version settles usage and renews subscriptions";

/// Command, what it will do, what there is instead.
const NOT_YET: &[(&str, &str, &str)] = &[
    ("run monthly", "closes a month into drafts of bills", SETTLES_AND_RENEWS),
    ("rerun monthly", "closes a month again", SETTLES_AND_RENEWS),
    ("bills", "closes a month", SETTLES_AND_RENEWS),
];

/// The refusal of a command that is not there yet; nothing for one that is.
///
/// # Errors
/// Exit 2, with what there is instead.
pub fn refuse(command: &Command) -> Result<(), Failure> {
    let Some(name) = name_if_later(command) else { return Ok(()) };
    let (_, does, instead) =
        NOT_YET.iter().find(|(known, ..)| *known == name).expect("every command of a later version has a line in the list");
    Err(Failure::usage(format!("not yet: `reckoner {name}` {does}; {SETTLES_AND_RENEWS}"))
        .hint(if *instead == SETTLES_AND_RENEWS { "`reckoner run hourly`, `run daily` and `export` are there" } else { instead }))
}

fn name_if_later(command: &Command) -> Option<&'static str> {
    match command {
        Command::Run(run) => match run.job {
            JobName::Hourly | JobName::Daily => None,
            JobName::Monthly => Some("run monthly"),
        },
        Command::Rerun(rerun) => match rerun.job {
            JobName::Hourly | JobName::Daily => None,
            JobName::Monthly => Some("rerun monthly"),
        },
        Command::Bills(_) => Some("bills"),
        Command::Init(_)
        | Command::Demo(_)
        | Command::Ingest(_)
        | Command::Quarantine(_)
        | Command::CatchUp(_)
        | Command::Windows(_)
        | Command::Status(_)
        | Command::Verify(_)
        | Command::Explain(_)
        | Command::Export(_)
        | Command::Sample(_)
        | Command::Serve
        | Command::Orders(_)
        | Command::Renewals(_)
        | Command::Quote(_)
        | Command::Reports(_)
        | Command::Check => None,
    }
}

/// For a command that is there only in part: the same refusal, with its own words.
pub fn part(what: &str, instead: &str) -> Failure {
    Failure::usage(format!("not yet: {what}; {SETTLES_AND_RENEWS}")).hint(instead)
}

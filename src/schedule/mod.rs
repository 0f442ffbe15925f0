//! Job definitions, `jobs/*.toml`: when do we look, which window, how long do we wait, what about missed windows, how do
//! we run.
//!
//! Owns: the files' keys and their checks.
//! Does not own: which windows are due (the store knows), what a job computes (its stage).
//! Promises: a definition that is read can be acted on: its cron fires, its job exists, nothing in it was ignored.

mod cron;

pub use cron::Cron;

use crate::config::from_toml;
use crate::failure::Failure;
use crate::files::{cannot, read_text};
use crate::home::Home;
use reckoner_core::profile::Profile;
use reckoner_core::table::SettleWindow;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::path::PathBuf;

/// The job definitions that come with the binary: name and file, in the order in which windows that end together run.
pub const fn builtin_jobs() -> [(&'static str, &'static str); 3] {
    [
        ("hourly", include_str!("../../jobs/hourly.toml")),
        ("daily", include_str!("../../jobs/daily.toml")),
        ("monthly", include_str!("../../jobs/monthly.toml")),
    ]
}

/// The jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum JobName {
    /// Settles clock hours.
    Hourly,
    /// Settles billing days: renewals, expiries, arrears.
    Daily,
    /// Settles billing months: drafts of bills.
    Monthly,
}

impl JobName {
    /// All of them, in the order in which windows that end together run.
    pub const ALL: [Self; 3] = [Self::Hourly, Self::Daily, Self::Monthly];

    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Monthly => "monthly",
        }
    }

    /// The kind of window that the job settles.
    pub const fn window(self) -> SettleWindow {
        match self {
            Self::Hourly => SettleWindow::Hour,
            Self::Daily => SettleWindow::Day,
            Self::Monthly => SettleWindow::Month,
        }
    }
}

/// One job definition. Durations are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobDefinition {
    /// Which job.
    pub job: JobName,
    /// When do we look?
    pub wake: Wake,
    /// Which window?
    pub window: WindowChoice,
    /// How long do we wait?
    pub wait: Wait,
    /// What about missed windows?
    pub missed: Missed,
    /// How do we run?
    pub run: RunPolicy,
}

/// When the scheduler looks; which windows are due is asked of the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wake {
    /// In UTC, with seconds.
    pub cron: Cron,
}

/// Which slice of time a run covers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowChoice {
    /// Hour, day or month of the billing zone.
    pub kind: SettleWindow,
}

/// How long the scheduler waits after a window's end. Commands given by hand do not wait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// From the window's end until it is due; nothing: the profile's `settle_delay`.
    pub settle_delay_seconds: Option<u32>,
    /// From the window's end until `status` reports it as late.
    pub deadline_seconds: u32,
}

/// What happens to windows that nobody settled in time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missed {
    /// Which of them are made up for, in which order.
    pub policy: MissedPolicy,
    /// A backlog above this is reported by `status`.
    pub alert_above_windows: u32,
}

/// Which missed windows are made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedPolicy {
    /// Every one, each for itself, oldest first. The only policy: a skipped window would be money that nobody asks for.
    EveryOldestFirst,
}

/// How runs are started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunPolicy {
    /// Jobs whose windows inside this one must be settled first.
    pub after: Vec<JobName>,
    /// Runs at the same time.
    pub parallel_max: u32,
    /// Attempts at one window before a person is needed.
    pub attempts_max: u32,
    /// Pause before the second attempt; it doubles from there.
    pub retry_first_seconds: u32,
    /// The longest pause.
    pub retry_cap_seconds: u32,
}

impl Wait {
    /// Whole seconds from the window's end until it is due.
    pub fn settle_delay_seconds(&self, profile: &Profile) -> i64 {
        let own = self.settle_delay_seconds.map(i64::from);
        own.unwrap_or_else(|| i64::try_from(profile.settle_delay.as_secs()).unwrap_or(i64::MAX))
    }
}

impl JobDefinition {
    /// Reads a job definition; `place` is the path that errors name.
    ///
    /// # Errors
    /// Exit 2, with the line, for what is not understood or cannot be acted on.
    pub fn parse(place: impl Display, text: &str) -> Result<Self, Failure> {
        let place = place.to_string();
        let definition: Self = from_toml(&place, text)?;
        definition.check().map_err(|failure| failure.at(place))?;
        Ok(definition)
    }

    fn check(&self) -> Result<(), Failure> {
        let refuse = |saw: String, expected: String| Err(Failure::usage(saw).expected(expected));
        if self.window.kind != self.job.window() {
            let (seen, known) = (self.window.kind.as_str(), self.job.window().as_str());
            return refuse(format!("`kind = \"{seen}\"` for the {} job", self.job.as_str()), format!("`kind = \"{known}\"`"));
        }
        if self.wait.settle_delay_seconds.is_some_and(|delay| self.wait.deadline_seconds < delay) {
            return refuse(
                "the deadline lies before the settle delay".into(),
                "`deadline_seconds` ≥ `settle_delay_seconds`".into(),
            );
        }
        if self.run.parallel_max != 1 {
            let saw = format!("`parallel_max` is {}", self.run.parallel_max);
            return refuse(saw, "1: the store has one writer".into());
        }
        if self.run.attempts_max == 0 {
            return refuse("`attempts_max` is 0".into(), "1 or more".into());
        }
        if self.run.retry_cap_seconds < self.run.retry_first_seconds {
            return refuse(
                "the longest pause is shorter than the first".into(),
                "`retry_cap_seconds` ≥ `retry_first_seconds`".into(),
            );
        }
        if self.run.after.iter().any(|&before| before >= self.job) {
            let saw = format!("the {} job waits for a job that is not shorter", self.job.as_str());
            return refuse(saw, "only jobs with shorter windows in `after`".into());
        }
        Ok(())
    }
}

/// Reads the job definitions of a home: every job once, hourly first.
///
/// # Errors
/// Exit 2 for the first that cannot be acted on, is there twice, or is missing; `check` lists them all at once.
pub fn read_jobs(home: &Home) -> Result<Vec<JobDefinition>, Failure> {
    let folder = home.jobs();
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(cannot("list", &folder))? {
        paths.push(entry.map_err(cannot("list", &folder))?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();

    let mut jobs: Vec<JobDefinition> = Vec::new();
    for path in paths {
        let job = JobDefinition::parse(path.display(), &read_text(&path)?)?;
        if jobs.iter().any(|known| known.job == job.job) {
            let saw = format!("the {} job is defined twice", job.job.as_str());
            return Err(Failure::usage(saw).at(path.display()).expected("one file a job"));
        }
        jobs.push(job);
    }
    for job in JobName::ALL {
        if !jobs.iter().any(|known| known.job == job) {
            let place = folder.join(format!("{}.toml", job.as_str()));
            let saw = format!("the {} job has no definition", job.as_str());
            return Err(Failure::usage(saw).at(place.display()).hint("`reckoner init` puts built-in jobs back"));
        }
    }
    jobs.sort_by_key(|job| job.job);
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_jobs_can_be_acted_on() {
        for ((name, text), job) in builtin_jobs().into_iter().zip(JobName::ALL) {
            let definition = JobDefinition::parse(format!("jobs/{name}.toml"), text).unwrap();
            assert_eq!((definition.job, name), (job, job.as_str()));
        }
    }

    #[test]
    fn a_definition_that_cannot_be_acted_on_is_refused() {
        let (_, good) = builtin_jobs()[0];
        // what is changed | into what | a piece of what the person reads
        let cases = [
            ("cron = \"0 10 * * * *\"", "cron = \"10 * * * *\"", "5 fields"),
            ("kind = \"hour\"", "kind = \"day\"", "for the hourly job"),
            ("kind = \"hour\"", "kind = \"week\"", "unknown variant `week`"),
            ("# settle_delay_seconds = 600", "settle_delay_seconds = 7200", "before the settle delay"),
            ("every_oldest_first", "latest_only", "unknown variant `latest_only`"),
            ("parallel_max = 1", "parallel_max = 4", "one writer"),
            ("attempts_max = 8", "attempts_max = 0", "`attempts_max` is 0"),
            ("after = []", "after = [\"monthly\"]", "not shorter"),
            ("after = []", "afterwards = []", "unknown key `afterwards`"),
            ("job = \"hourly\"", "", "missing key `job`"),
        ];
        for (from, to, piece) in cases {
            let text = good.replace(from, to);
            assert_ne!(text, good, "{from}");
            let failure = JobDefinition::parse("jobs/hourly.toml", &text).unwrap_err();
            assert!(failure.to_text().contains(piece), "{to}: {}", failure.to_text());
        }
    }
}

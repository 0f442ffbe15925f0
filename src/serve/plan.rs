//! What `serve` is about to do: said before it begins, and refused if it could not be done.

use crate::books::Books;
use crate::failure::Failure;
use crate::inbox;
use crate::report::terminal::{Align, Sheet, facts, grouped};
use crate::schedule::{JobDefinition, JobName};
use crate::settle;
use reckoner_core::schedule::Which;
use reckoner_core::time::{Instant, Window, Zone};
use serde_json::{Value, json};

/// Occurrences that a cron must have ahead of it. A cron without a next one is taken for a job to delete by the alarm clock.
const OCCURRENCES: usize = 3;

/// What is about to happen.
#[derive(Debug)]
pub(super) struct Plan {
    home: String,
    zone: Zone,
    profile: String,
    now: Instant,
    settle_delay_seconds: i64,
    jobs: Vec<(JobName, String, Vec<Instant>)>,
    due: (usize, Option<Window>),
    files: usize,
}

/// Looks ahead.
///
/// # Errors
/// Exit 2 for a cron that does not fire often enough to be of use; what the store says.
pub(super) fn look(books: &Books, jobs: &[JobDefinition]) -> Result<Plan, Failure> {
    let mut ahead = Vec::new();
    for job in jobs {
        let upcoming = job.wake.cron.upcoming(books.as_of, OCCURRENCES);
        if upcoming.len() < OCCURRENCES {
            let place = books.session.home.jobs().join(format!("{}.toml", job.job.as_str()));
            let saw = format!("the cron `{}` fires {} more times", job.wake.cron.as_str(), upcoming.len());
            return Err(Failure::usage(saw).at(place.display()).expected("a cron that goes on firing"));
        }
        ahead.push((job.job, job.wake.cron.as_str().to_owned(), upcoming));
    }
    let hourly = jobs.iter().find(|job| job.job == JobName::Hourly);
    let delay = hourly.map_or(0, |job| job.wait.settle_delay_seconds(&books.profile));
    let due = settle::windows(books, books.as_of.plus_seconds(-delay), None, Which::News)?.due;
    let home = &books.session.home;
    Ok(Plan {
        home: home.root().display().to_string(),
        zone: books.zone,
        profile: books.session.settings.profile.clone(),
        now: books.as_of,
        settle_delay_seconds: delay,
        jobs: ahead,
        due: (due.len(), due.first().map(|due| due.window)),
        files: inbox::look(home)?.files.len(),
    })
}

impl Plan {
    pub(super) fn to_text(&self) -> String {
        let due = match self.due {
            (0, _) | (_, None) => "nothing".to_owned(),
            (1, Some(oldest)) => format!("1 window, from {}", self.zone.to_text(oldest.start)),
            (count, Some(oldest)) => {
                format!("{} windows, the oldest from {}", grouped(count as u64), self.zone.to_text(oldest.start))
            }
        };
        let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", grouped(self.files as u64)) };
        let mut text = facts(&[
            ("serving", self.home.clone()),
            ("process", std::process::id().to_string()),
            ("clock", self.zone.to_text(self.now)),
            ("zone, profile", format!("{}, {}", self.zone, self.profile)),
            ("due now", due),
            ("inbox", files),
            ("settled", format!("{} s after a window's end, oldest first", self.settle_delay_seconds)),
        ]);
        let mut sheet = Sheet::new(&[
            ("job", Align::Left),
            ("cron (UTC)", Align::Left),
            ("looks next at", Align::Left),
            ("in UTC", Align::Left),
        ]);
        for (job, cron, upcoming) in &self.jobs {
            let next = upcoming[0];
            sheet.row([job.as_str().to_owned(), cron.clone(), self.zone.to_text(next), next.to_utc_text()]);
        }
        text += &format!("\n{}", sheet.to_text());
        text += "\nlooks every minute besides; SIGTERM or Ctrl-C finishes the batch at work and stops\n";
        text
    }

    pub(super) fn to_json(&self) -> Value {
        let shown = |instant: &Instant| self.zone.to_text(*instant);
        let jobs = self.jobs.iter().map(|(job, cron, upcoming)| {
            json!({ "job": job.as_str(), "cron": cron, "upcoming": upcoming.iter().map(shown).collect::<Vec<_>>() })
        });
        json!({
            "serving": self.home,
            "pid": std::process::id(),
            "clock": shown(&self.now),
            "zone": self.zone.to_string(),
            "profile": self.profile,
            "settle_delay_seconds": self.settle_delay_seconds,
            "jobs": jobs.collect::<Vec<_>>(),
            "due": { "windows": self.due.0, "oldest": self.due.1.map(|window| shown(&window.start)) },
            "inbox": { "files": self.files },
        })
    }
}

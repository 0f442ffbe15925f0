//! Settings, job files, crons and values of the command line, damaged thousands of times in the same way each run: none
//! panics, and what is understood prints and parses back as it was.
//!
//! These parsers live beside polars, which no fuzzer links in reasonable time; the others have fuzz targets
//! (docs/fuzzing.md), with the same damage in their tests.

#[path = "../../fuzz/mutate.rs"]
mod mutate;

use mutate::{Chance, mutated, words};
use reckoner::cli::value::{Month, When, WhenRange, parse_actor, parse_wait};
use reckoner::config::Settings;
use reckoner::failure::Failure;
use reckoner::schedule::{Cron, JobDefinition, builtin_jobs};
use reckoner_core::time::{Instant, Zone};

const MUTATIONS: usize = 3_000;

/// Replays seeds and thousands of damaged ones; bytes that are no UTF-8 never reach these parsers.
fn replay(seeds: &[&str], law: impl Fn(&str) + std::panic::RefUnwindSafe) {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let words = words(include_str!("../../fuzz/words.dict"));
    let mut chance = Chance::new(20_260_105);
    let damaged = (0..MUTATIONS).map(|_| mutated(&seeds, &words, &mut chance));
    for bytes in seeds.iter().cloned().chain(damaged) {
        let text = String::from_utf8_lossy(&bytes);
        let outcome = std::panic::catch_unwind(|| law(&text));
        assert!(outcome.is_ok(), "{text:?}");
    }
}

fn is_told(failure: &Failure) {
    assert!(!failure.saw.is_empty() && !failure.saw.ends_with('.'), "{failure:?}");
}

#[test]
fn settings_read_back_as_they_are_printed() {
    let zone = Zone::parse("Europe/Paris").expect("a zone");
    let epoch = Instant::parse("2026-01-01T00:00:00Z").ok();
    let fresh = Settings::fresh(zone, "CNY".to_owned(), "huawei-intl".to_owned(), epoch).to_text();
    let short = "zone = \"-03:30\"\ncurrency = \"USD\"\nprofile = \"x\"\n[ingest]\nbatch_rows = 7\n[storage]\nurl = \"sqlite:ledger.db\"\n";
    replay(&[&fresh, short], |text| match Settings::parse("reckoner.toml", text) {
        Ok(settings) => assert_eq!(Settings::parse("again", &settings.to_text()).ok(), Some(settings)),
        Err(failure) => is_told(&failure),
    });
}

#[test]
fn job_files_are_understood_or_told_apart() {
    let jobs = builtin_jobs();
    replay(&jobs.map(|(_, text)| text), |text| match JobDefinition::parse("jobs/x.toml", text) {
        Ok(job) => {
            assert_eq!(Cron::parse(job.wake.cron.as_str()).ok(), Some(job.wake.cron.clone()));
            assert!(Some(job.wait.deadline_seconds) >= job.wait.settle_delay_seconds && job.run.attempts_max > 0);
            assert_eq!(JobDefinition::parse("again", text).ok(), Some(job));
        }
        Err(failure) => is_told(&failure),
    });
}

#[test]
fn a_cron_is_its_text() {
    let seeds = ["0 10 * * * *", "0,30 0-10/5 0 1 * *", "0 0 0 29 2 *", "0 */15 0-23 * 1-12 7", "0 0 0 31 4-5 *"];
    replay(&seeds, |text| match Cron::parse(text) {
        Ok(cron) => assert_eq!(Cron::parse(cron.as_str()).as_ref(), Ok(&cron)),
        Err(error) => assert!(!error.to_string().is_empty()),
    });
}

#[test]
fn values_of_the_command_line_are_understood_or_told() {
    let zone = Zone::parse("America/St_Johns").expect("a zone");
    let seeds =
        ["2026-01-05", "2026-01-05T08:00:00+08:00", "2026-01-01..2026-02-01", "2026-01", "10m", "90s", "ana.lima", "9999-12-31"];
    replay(&seeds, |text| {
        match text.parse::<When>() {
            Ok(when) => assert!((Instant::MIN..=Instant::MAX).contains(&when.resolve(zone))),
            Err(error) => assert!(!error.saw.is_empty() && !error.expected.is_empty() && !error.hint.is_empty()),
        }
        if let Ok(range) = text.parse::<WhenRange>() {
            let _ = range.resolve(zone);
        }
        if let Ok(month) = text.parse::<Month>() {
            assert_eq!(month.as_str(), text);
        }
        if let Ok(actor) = parse_actor(text) {
            assert_eq!(actor, text);
        }
        let _ = parse_wait(text);
    });
}

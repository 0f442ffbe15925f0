//! `check`: settings, profiles, job files, prices: what is wrong or missing, all of it at once, changing nothing.
//!
//! Owns: which files are looked over, and how findings are told.
//! Does not own: what is remarked on in prices (`core::price::check`); whether the books are right (`verify`).
//! Promises: an error is wrong and makes the exit code 2; a warning may be meant so and leaves it at 0.

mod books;

use crate::app::Caller;
use crate::cli::Answer;
use crate::config::Settings;
use crate::failure::{ExitKind, Failure};
use crate::files::read_text;
use crate::home::Home;
use crate::profiles::read_profile;
use crate::schedule::{JobDefinition, JobName};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One thing that was found.
#[derive(Debug)]
struct Finding {
    /// A stable word for scripts; that of most findings in files is `file`.
    code: &'static str,
    /// Whether something is wrong; otherwise somebody should look, and it may be meant so.
    is_error: bool,
    /// Where, what was seen, what was expected, what to do.
    failure: Failure,
}

impl Finding {
    fn error(code: &'static str, failure: Failure) -> Self {
        Self { code, is_error: true, failure }
    }

    fn warning(code: &'static str, failure: Failure) -> Self {
        Self { code, is_error: false, failure }
    }

    fn gravity(&self) -> &'static str {
        if self.is_error { "error" } else { "warning" }
    }

    fn to_text(&self) -> String {
        let text = self.failure.to_text();
        format!("{}{}\n\n", self.gravity(), text.strip_prefix("error").unwrap_or(&text))
    }

    fn to_json(&self) -> Value {
        let mut facts = self.failure.to_json_facts();
        facts["gravity"] = self.gravity().into();
        facts["code"] = self.code.into();
        facts
    }
}

/// What was looked at and what was found.
#[derive(Debug, Default)]
struct Findings {
    looked_at: Vec<String>,
    found: Vec<Finding>,
}

impl Findings {
    fn look<T>(&mut self, place: &Path, look: impl FnOnce() -> Result<T, Failure>) -> Option<T> {
        self.looked_at.push(place.display().to_string());
        look().map_err(|failure| self.push(failure)).ok()
    }

    /// Something is wrong with a file.
    fn push(&mut self, failure: Failure) {
        self.add(Finding::error("file", failure));
    }

    fn add(&mut self, finding: Finding) {
        self.found.push(finding);
    }
}

/// Looks over the home and lists every finding.
///
/// # Errors
/// Exit 1 when the folder is no home. Findings are no error: they are listed, and the exit code is 2.
pub fn check(caller: &Caller) -> Result<Answer, Failure> {
    let home = Home::open(caller.home_path())?;
    let mut findings = Findings::default();
    let settings = findings.look(&home.settings_file(), || home.settings());
    check_profiles(&home, settings.as_ref(), &mut findings);
    check_jobs(&home, &mut findings);
    check_folders(&home, &mut findings);
    books::check(caller, &mut findings);
    Ok(answer(&findings))
}

fn check_profiles(home: &Home, settings: Option<&Settings>, findings: &mut Findings) {
    for path in toml_files(&home.profiles(), findings) {
        findings.look(&path, || read_profile(path.display(), &read_text(&path)?));
    }
    if let Some(settings) = settings
        && !home.profile_file(&settings.profile).is_file()
    {
        let missing = Failure::usage(format!("the profile in force, `{}`, has no file", settings.profile))
            .at(home.settings_file().display())
            .expected(format!("`{}`", home.profile_file(&settings.profile).display()))
            .hint("`reckoner init` puts built-in profiles back");
        findings.push(missing);
    }
}

fn check_jobs(home: &Home, findings: &mut Findings) {
    let mut defined = Vec::new();
    for path in toml_files(&home.jobs(), findings) {
        let definition = findings.look(&path, || JobDefinition::parse(path.display(), &read_text(&path)?));
        let Some(definition) = definition else { continue };
        if !definition.wake.cron.fires_in_every(definition.window.kind) {
            let (job, kind) = (definition.job.as_str(), definition.window.kind.as_str());
            let rare = Failure::usage(format!("the {job} job wakes less often than once in every {kind}"));
            let rare = rare.at(path.display()).expected(format!("a cron that fires in every {kind}"));
            let rare = rare.hint("no window is lost, but settled late: waking too often costs nothing");
            findings.add(Finding::warning("rare_wake", rare));
        }
        if defined.contains(&definition.job) {
            let twice = Failure::usage(format!("the {} job is defined twice", definition.job.as_str()));
            findings.push(twice.at(path.display()).expected("one file a job"));
        }
        defined.push(definition.job);
    }
    for job in JobName::ALL {
        let path = home.jobs().join(format!("{}.toml", job.as_str()));
        if !defined.contains(&job) && !path.exists() {
            let missing = Failure::usage(format!("the {} job has no definition", job.as_str()));
            findings.push(missing.at(path.display()).hint("`reckoner init` puts built-in jobs back"));
        }
    }
}

fn check_folders(home: &Home, findings: &mut Findings) {
    for folder in home.folders().iter().filter(|folder| !folder.is_dir()) {
        let missing = Failure::usage("the folder is missing").at(folder.display());
        findings.push(missing.hint("`reckoner init` makes missing folders"));
    }
}

/// The folder's TOML files by name; a missing folder has none and is told of by `check_folders`.
fn toml_files(folder: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(error) => findings.push(Failure::failed("cannot list the folder").at(folder.display()).because(error)),
        }
    }
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths
}

fn answer(findings: &Findings) -> Answer {
    let looked = findings.looked_at.len();
    let (errors, warnings): (Vec<&Finding>, Vec<&Finding>) = findings.found.iter().partition(|finding| finding.is_error);
    let exit = if errors.is_empty() { 0 } else { ExitKind::Usage.code() };
    // The gravest last: that is where a person at a terminal reads.
    let mut text: String = warnings.iter().chain(&errors).map(|finding| finding.to_text()).collect();
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    text.push_str(&match (errors.len(), warnings.len()) {
        (0, 0) => format!("{looked} files, nothing is wrong"),
        (0, warned) => format!("{looked} files, {}, nothing is wrong", counted(warned, "warning")),
        (wrong, 0) => format!("{looked} files, {}", counted(wrong, "error")),
        (wrong, warned) => format!("{looked} files, {}, {}", counted(wrong, "error"), counted(warned, "warning")),
    });
    let facts: Vec<Value> = errors.iter().chain(&warnings).map(|finding| finding.to_json()).collect();
    let document = json!({
        "ok": errors.is_empty(),
        "errors": errors.len(),
        "warnings": warnings.len(),
        "looked_at": findings.looked_at,
        "findings": facts,
    });
    Answer::Said { exit, text, document }
}

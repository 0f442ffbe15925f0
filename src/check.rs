//! `check`: settings, profiles and job files: what is wrong or missing, all of it at once, changing nothing.

use crate::app::Caller;
use crate::cli::Answer;
use crate::config::Settings;
use crate::failure::{ExitKind, Failure};
use crate::files::read_text;
use crate::home::Home;
use crate::profiles::read_profile;
use crate::schedule::{JobDefinition, JobName};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What was looked at and what was found.
#[derive(Debug, Default)]
struct Findings {
    looked_at: Vec<String>,
    found: Vec<Failure>,
}

impl Findings {
    fn look<T>(&mut self, place: &Path, look: impl FnOnce() -> Result<T, Failure>) -> Option<T> {
        self.looked_at.push(place.display().to_string());
        look().map_err(|failure| self.found.push(failure)).ok()
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
        findings.found.push(missing);
    }
}

fn check_jobs(home: &Home, findings: &mut Findings) {
    let mut defined = Vec::new();
    for path in toml_files(&home.jobs(), findings) {
        let definition = findings.look(&path, || JobDefinition::parse(path.display(), &read_text(&path)?));
        let Some(definition) = definition else { continue };
        if defined.contains(&definition.job) {
            let twice = Failure::usage(format!("the {} job is defined twice", definition.job.as_str()));
            findings.found.push(twice.at(path.display()).expected("one file a job"));
        }
        defined.push(definition.job);
    }
    for job in JobName::ALL {
        let path = home.jobs().join(format!("{}.toml", job.as_str()));
        if !defined.contains(&job) && !path.exists() {
            let missing = Failure::usage(format!("the {} job has no definition", job.as_str()));
            findings.found.push(missing.at(path.display()).hint("`reckoner init` puts built-in jobs back"));
        }
    }
}

fn check_folders(home: &Home, findings: &mut Findings) {
    for folder in home.folders().iter().filter(|folder| !folder.is_dir()) {
        let missing = Failure::usage("the folder is missing").at(folder.display());
        findings.found.push(missing.hint("`reckoner init` makes missing folders"));
    }
}

/// The folder's TOML files by name; a missing folder has none and is told of by `check_folders`.
fn toml_files(folder: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(error) => findings.found.push(Failure::failed("cannot list the folder").at(folder.display()).because(error)),
        }
    }
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths
}

fn answer(findings: &Findings) -> Answer {
    let (looked, found) = (findings.looked_at.len(), findings.found.len());
    let exit = if found == 0 { 0 } else { ExitKind::Usage.code() };
    let mut text: String = findings.found.iter().map(|finding| format!("{}\n\n", finding.to_text())).collect();
    text.push_str(&match found {
        0 => format!("{looked} files, nothing is wrong"),
        _ => format!("{looked} files, {found} finding{}", if found == 1 { "" } else { "s" }),
    });
    let facts: Vec<_> = findings.found.iter().map(Failure::to_json_facts).collect();
    let document = json!({ "ok": found == 0, "looked_at": findings.looked_at, "findings": facts });
    Answer::Said { exit, text, document }
}

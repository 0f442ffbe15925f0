//! `reports`: the files that jobs leave in a home for people and for other programs.

use super::output::Answer;
use crate::app::Caller;
use crate::failure::Failure;
use crate::files::{cannot, publish_bytes};
use crate::report::terminal::{Align, Sheet, human_bytes};
use clap::Subcommand;
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// `reports`.
#[derive(Debug, Clone, Subcommand)]
pub enum ReportsCommand {
    /// What there is: the days' reports and events
    List,
    /// One report, to standard output without -o
    Get {
        /// As `reports list` names it
        #[arg(value_name = "REPORT")]
        report: String,
        /// File to write
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// `reports list`.
pub fn list(caller: &Caller) -> Result<Answer, Failure> {
    let reports = reports_in(&caller.read()?.home.reports())?;
    let mut sheet = Sheet::new(&[("report", Align::Left), ("size", Align::Right)]);
    for (name, bytes) in &reports {
        sheet.row([name.clone(), human_bytes(*bytes)]);
    }
    let text = match reports.is_empty() {
        true => "no reports yet: a day with renewals, expiries or arrears leaves one\n".to_owned(),
        false => sheet.to_text(),
    };
    let documents: Vec<_> = reports.iter().map(|(name, bytes)| json!({ "report": name, "bytes": bytes })).collect();
    Ok(Answer::done(text, json!({ "reports": documents })))
}

/// `reports get`.
pub fn get(caller: &Caller, report: &str, output: Option<&Path>) -> Result<Answer, Failure> {
    let folder = caller.read()?.home.reports();
    if !reports_in(&folder)?.iter().any(|(name, _)| name == report) {
        return Err(Failure::usage(format!("there is no report `{report}`"))
            .at(folder.display())
            .expected("a name that `reckoner reports list` shows"));
    }
    let path = folder.join(report);
    let bytes = std::fs::read(&path).map_err(cannot("read", &path))?;
    let Some(output) = output else {
        std::io::stdout().lock().write_all(&bytes).map_err(cannot("write", Path::new("standard output")))?;
        return Ok(Answer::Written);
    };
    publish_bytes(output, &bytes)?;
    let text = format!("{report}: {} in {}\n", human_bytes(bytes.len() as u64), output.display());
    Ok(Answer::done(text, json!({ "report": report, "bytes": bytes.len(), "file": output.display().to_string() })))
}

/// Whole files with their sizes, by name; what is being written begins with a dot.
fn reports_in(folder: &Path) -> Result<Vec<(String, u64)>, Failure> {
    let mut reports = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot("read", folder))? {
        let entry = entry.map_err(cannot("read", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = entry.metadata().map_err(cannot("read", folder))?;
        if known.is_file() && !name.starts_with('.') {
            reports.push((name, known.len()));
        }
    }
    reports.sort();
    Ok(reports)
}

//! What came of the checks: counts, findings, and how they are told to a person and to a script.

use super::Check;
use crate::failure::{ExitKind, Failure};
use crate::report::terminal::{Align, Sheet, grouped};
use reckoner_core::audit::Finding;
use reckoner_frames::FrameError;
use reckoner_store::StoreError;
use serde_json::{Value, json};
use std::error::Error as _;

/// Findings of one check that are kept; further ones are counted.
const KEPT_MAX: usize = 1_000;
/// Findings of one check that a person is shown.
const SHOWN_MAX: usize = 10;

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The check.
    pub check: Check,
    /// Things looked at.
    pub looked_at: u64,
    /// What does not hold, at most 1 000 of it.
    pub findings: Vec<Finding>,
    /// How much does not hold.
    pub found: u64,
    /// Whether it was made to the end.
    pub is_made: bool,
}

/// What came of all checks.
#[derive(Debug)]
pub struct Report {
    outcomes: Vec<Outcome>,
    /// What each group looked at: (group, what, how many).
    counts: Vec<(&'static str, &'static str, u64)>,
    /// Why some checks could not be made, where that is no finding.
    failures: Vec<Failure>,
}

impl Report {
    /// Nothing looked at yet.
    pub(super) fn new(is_full: bool) -> Self {
        let checks = Check::ALL.iter().copied().filter(|check| is_full || !check.is_full_only());
        let outcome = |check| Outcome { check, looked_at: 0, findings: Vec::new(), found: 0, is_made: true };
        Self { outcomes: checks.map(outcome).collect(), counts: Vec::new(), failures: Vec::new() }
    }

    fn outcome(&mut self, check: Check) -> &mut Outcome {
        let found = self.outcomes.iter_mut().find(|outcome| outcome.check == check);
        found.expect("checks of --full are made with --full")
    }

    /// One thing was looked at; something may be wrong with it, or several things.
    pub(super) fn judge(&mut self, check: Check, findings: impl IntoIterator<Item = Finding>) {
        self.outcome(check).looked_at += 1;
        findings.into_iter().for_each(|finding| self.found(check, finding));
    }

    /// So many things were looked at; what is wrong with them is told by [`Report::found`].
    pub(super) fn looked(&mut self, check: Check, things: u64) {
        self.outcome(check).looked_at += things;
    }

    /// Something is wrong.
    pub(super) fn found(&mut self, check: Check, finding: Finding) {
        let outcome = self.outcome(check);
        outcome.found += 1;
        if outcome.findings.len() < KEPT_MAX {
            outcome.findings.push(finding);
        }
    }

    /// What a group looked at, for its line.
    pub(super) fn count(&mut self, group: &'static str, what: &'static str, things: u64) {
        self.counts.push((group, what, things));
    }

    /// Does a part of the work. Damage that stops it is a finding, and the checks that it is for are not made; nothing is
    /// handed back then.
    pub(super) fn attempt<T>(&mut self, checks: &[Check], work: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Option<T> {
        let failure = match work(self) {
            Ok(value) => return Some(value),
            Err(failure) => failure,
        };
        self.not_made(checks);
        match damage(&failure) {
            Some((check, subject, seen)) => {
                let (stated, law) = ("readable".to_owned(), check.meaning());
                self.found(check, Finding { subject, law, stated, computed: seen, difference: String::new() });
            }
            None => self.failures.push(failure),
        }
        None
    }

    /// These checks lack something that they need.
    pub(super) fn not_made(&mut self, checks: &[Check]) {
        checks.iter().for_each(|check| self.outcome(*check).is_made = false);
    }

    /// The checks with what came of them, in the order of [`Check::ALL`].
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Whether every check was made and holds.
    pub fn is_green(&self) -> bool {
        self.failures.is_empty() && self.outcomes.iter().all(|outcome| outcome.is_made && outcome.found == 0)
    }

    /// Why the command fails: the first check that is broken, or else the first thing that could not be had.
    pub fn failure(&mut self) -> Option<Failure> {
        match self.outcomes.iter().find(|outcome| outcome.found > 0) {
            Some(broken) => Some(broken_invariant(broken)),
            None if self.failures.is_empty() => None,
            None => Some(self.failures.remove(0)),
        }
    }

    /// For a person: a line a group, then what was found.
    pub fn to_text(&self) -> String {
        let mut groups: Vec<&str> = self.outcomes.iter().map(|outcome| outcome.check.group()).collect();
        groups.dedup();
        let mut sheet = Sheet::new(&[("", Align::Left), ("checks", Align::Left), ("looked at", Align::Left)]);
        for group in groups {
            let counts = self.counts.iter().filter(|(of, ..)| *of == group);
            let looked_at: Vec<String> = counts.map(|(_, what, things)| format!("{} {what}", grouped(*things))).collect();
            sheet.row([group.to_owned(), self.verdict(group), looked_at.join(", ")]);
        }
        let mut text = sheet.to_text();
        for outcome in self.outcomes.iter().filter(|outcome| outcome.found > 0) {
            text += &findings_text(outcome);
        }
        if self.is_green() {
            text += &format!("\nall {} checks hold\n", self.outcomes.len());
        }
        text
    }

    fn verdict(&self, group: &str) -> String {
        let of_group = || self.outcomes.iter().filter(|outcome| outcome.check.group() == group);
        let broken = of_group().filter(|outcome| outcome.found > 0).count();
        let not_made = of_group().filter(|outcome| outcome.found == 0 && !outcome.is_made).count();
        let held = of_group().count() - broken - not_made;
        let told = [(held, "hold"), (broken, "BROKEN"), (not_made, "not made")];
        let told = told.into_iter().filter(|(checks, word)| *checks > 0 || *word == "hold");
        told.map(|(checks, word)| format!("{checks} {word}")).collect::<Vec<_>>().join(", ")
    }

    /// For a script: every check with its counts and findings.
    pub fn to_document(&self) -> Value {
        let checks: Vec<Value> = self
            .outcomes
            .iter()
            .map(|outcome| {
                let status = match (outcome.found, outcome.is_made) {
                    (0, true) => "holds",
                    (0, false) => "not_made",
                    _ => "broken",
                };
                json!({
                    "name": outcome.check.name(),
                    "meaning": outcome.check.meaning(),
                    "status": status,
                    "looked_at": outcome.looked_at,
                    "found": outcome.found,
                    "findings": outcome.findings.iter().map(finding_document).collect::<Vec<_>>(),
                })
            })
            .collect();
        let mut counts: Vec<Value> = Vec::new();
        for (group, what, things) in &self.counts {
            counts.push(json!({ "group": group, "what": what, "count": things }));
        }
        json!({ "ok": self.is_green(), "checks": checks, "counts": counts })
    }
}

/// Whether a failure says that what is stored is damaged: the check that this breaks, what is damaged, what was seen.
fn damage(failure: &Failure) -> Option<(Check, String, String)> {
    let source = failure.source()?;
    let seen = || failure.causes().join(": ");
    if let Some(error) = source.downcast_ref::<StoreError>() {
        return error.is_damage().then(|| (Check::StoreReadable, "the store".to_owned(), seen()));
    }
    let error = source.downcast_ref::<FrameError>()?;
    let subject = match error {
        FrameError::Read { path, .. } => format!("`{}`", path.display()),
        _ => "a file of the lake".to_owned(),
    };
    Some((Check::FilesReadable, subject, seen()))
}

fn broken_invariant(outcome: &Outcome) -> Failure {
    let first = outcome.findings.first().map(Finding::to_string).unwrap_or_default();
    let more = match outcome.found {
        0 | 1 => String::new(),
        found => format!(" (and {} more)", grouped(found - 1)),
    };
    Failure::new(ExitKind::Invariant, format!("invariant broken: {}: {first}{more}", outcome.check.name()))
        .expected(outcome.check.meaning())
        .hint("settle and issue nothing before somebody has looked: restore what was changed from a backup, or report a fault")
}

fn findings_text(outcome: &Outcome) -> String {
    let mut text = format!("\n{}: {}\n", outcome.check.name(), outcome.check.meaning());
    for finding in outcome.findings.iter().take(SHOWN_MAX) {
        text += &format!("  {finding}\n");
    }
    match outcome.found.saturating_sub(SHOWN_MAX as u64) {
        0 => {}
        more => text += &format!("  … and {} more; `--json` lists them\n", grouped(more)),
    }
    text
}

fn finding_document(finding: &Finding) -> Value {
    json!({
        "subject": finding.subject,
        "law": finding.law,
        "stated": finding.stated,
        "computed": finding.computed,
        "difference": finding.difference,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reckoner_core::audit::compare_counts;

    #[test]
    fn the_first_broken_check_is_named_and_all_are_told() {
        let mut report = Report::new(false);
        for subject in 0..12 {
            report.judge(Check::LedgerLegs, compare_counts(format!("transaction {subject}"), "legs", 1, 2));
        }
        report.judge(Check::ChargesEquation, compare_counts("charge `c`".to_owned(), "due", 3, 3));
        report.judge(Check::ChargesEquation, compare_counts("charge `d`".to_owned(), "due", 5, 3));
        report.count("charges", "rows", 2);
        assert!(!report.is_green());

        let failure = report.failure().expect("two checks are broken");
        let expected =
            "invariant broken: charges.equation: charge `d` breaks `due`: 5 is stated, 3 is computed, the difference is 2";
        assert_eq!((failure.exit.code(), failure.saw.as_str()), (70, expected));
        let text = report.to_text();
        for piece in ["charges   4 hold, 1 BROKEN  2 rows", "ledger.legs: the legs", "… and 2 more"] {
            assert!(text.contains(piece), "{piece:?} is missing from: {text}");
        }
        let document = report.to_document();
        let broken: Vec<_> = document["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "broken").collect();
        assert_eq!((broken.len(), &broken[1]["found"], &broken[0]["findings"][0]["difference"]), (2, &12.into(), &"2".into()));
    }

    #[test]
    fn damage_is_a_finding_and_other_trouble_is_not() {
        let mut report = Report::new(false);
        let overflow = |_: &mut Report| -> Result<(), Failure> { Err(FrameError::Overflow.into()) };
        assert_eq!(report.attempt(&[Check::UsageRecount], overflow), None);
        assert_eq!(report.failure().map(|failure| failure.exit.code()), Some(70));
        assert!(report.outcomes().iter().any(|outcome| outcome.check == Check::UsageRecount && !outcome.is_made));

        let mut report = Report::new(false);
        report.attempt(&[Check::UsageRecount], |_| -> Result<(), Failure> { Err(Failure::failed("the disk is gone")) });
        assert_eq!(report.failure().map(|failure| failure.saw), Some("the disk is gone".to_owned()));
    }
}

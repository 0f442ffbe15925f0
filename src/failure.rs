//! Failures: why a command did not do what was asked, for a person and for a script.
//!
//! A failure has four parts: where, what was seen, what was expected, what to do. It also says how the process ends; the
//! exit codes are the contract's and are given nowhere else.

use serde_json::{Value, json};
use std::error::Error;
use std::fmt;

/// How a command ends when it could not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// 1: something that ought to work did not (a disk, a lock, a missing file).
    Failed,
    /// 2: wrong usage or refused input.
    Usage,
    /// 3: refused by policy (a closed period, an approval that is needed).
    Policy,
    /// 4: the plan no longer describes what would happen.
    StalePlan,
    /// 70: an invariant is broken; nothing may go on before somebody looked.
    Invariant,
}

impl ExitKind {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Policy => 3,
            Self::StalePlan => 4,
            Self::Invariant => 70,
        }
    }

    /// The stable word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Policy => "policy",
            Self::StalePlan => "stale_plan",
            Self::Invariant => "invariant",
        }
    }
}

/// Why a command did not do what was asked. Lower case, no full stop, values in backticks.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: ExitKind,
    /// Where: a file and line, an option, a table and row; empty where the command itself is the place.
    pub place: String,
    /// What was seen.
    pub saw: String,
    /// What was expected; empty where that is obvious.
    pub expected: String,
    /// What to do; empty where there is no next step.
    pub hint: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure that ends the process with `exit`.
    pub fn new(exit: ExitKind, saw: impl Into<String>) -> Self {
        Self { exit, place: String::new(), saw: saw.into(), expected: String::new(), hint: String::new(), source: None }
    }

    /// Exit 1: something that ought to work did not.
    pub fn failed(saw: impl Into<String>) -> Self {
        Self::new(ExitKind::Failed, saw)
    }

    /// Exit 2: wrong usage or refused input.
    pub fn usage(saw: impl Into<String>) -> Self {
        Self::new(ExitKind::Usage, saw)
    }

    /// Exit 3: refused by policy.
    pub fn policy(saw: impl Into<String>) -> Self {
        Self::new(ExitKind::Policy, saw)
    }

    /// Exit 4: the plan no longer describes what would happen.
    pub fn stale(saw: impl Into<String>) -> Self {
        Self::new(ExitKind::StalePlan, saw)
    }

    /// Exit 70: an invariant is broken.
    pub fn invariant(saw: impl Into<String>) -> Self {
        Self::new(ExitKind::Invariant, saw)
    }

    /// Says where.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self { place: place.to_string(), ..self }
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(self, expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), ..self }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// Keeps the error of the layer below; its chain is printed once, after this layer's part.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The causes below this layer, nearest first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }

    /// What goes to standard error: `error: …`, what was expected, the causes, `hint: …`.
    pub fn to_text(&self) -> String {
        let mut lines = vec![format!("error: {self}")];
        if !self.expected.is_empty() {
            lines.push(format!("expected {}", self.expected));
        }
        lines.extend(self.causes().iter().map(|cause| format!("because: {cause}")));
        if !self.hint.is_empty() {
            lines.push(format!("hint: {}", self.hint));
        }
        lines.join("\n")
    }

    /// The same as one JSON document: `{"error": {…}}`.
    pub fn to_json(&self) -> Value {
        json!({ "error": self.to_json_facts() })
    }

    /// The facts without the envelope: what `check` lists.
    pub fn to_json_facts(&self) -> Value {
        let or_null = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
        json!({
            "exit": self.exit.code(),
            "kind": self.exit.as_str(),
            "where": or_null(&self.place),
            "saw": self.saw,
            "expected": or_null(&self.expected),
            "hint": or_null(&self.hint),
            "causes": self.causes(),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.is_empty() {
            true => f.write_str(&self.saw),
            false => write!(f, "{}: {}", self.place, self.saw),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<reckoner_frames::FrameError> for Failure {
    fn from(error: reckoner_frames::FrameError) -> Self {
        Self::failed("the lake could not be read or written")
            .because(error)
            .hint("`reckoner verify` says whether a file of the lake was changed; a full disk needs space first")
    }
}

impl From<reckoner_tally::TallyError> for Failure {
    fn from(error: reckoner_tally::TallyError) -> Self {
        Self::failed("the lake could not be read or written")
            .because(error)
            .hint("`reckoner verify` says whether a file of the lake was changed; a full disk needs space first")
    }
}

impl From<reckoner_engine::EngineError> for Failure {
    fn from(error: reckoner_engine::EngineError) -> Self {
        match error {
            reckoner_engine::EngineError::Store(error) => error.into(),
            unbalanced @ reckoner_engine::EngineError::Unbalanced(_) => Self::invariant(unbalanced.to_string())
                .hint("nothing of the account was recorded; this is a fault of reckoner, not of the input: report it"),
        }
    }
}

impl From<reckoner_store::StoreError> for Failure {
    fn from(error: reckoner_store::StoreError) -> Self {
        let hint = error.disk_hint().unwrap_or_default();
        Self::failed("the store could not answer or record").because(error).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_parts_stand_in_order() {
        let failure = Failure::usage("quantity is negative")
            .at("usage.csv:42")
            .expected("0 or more")
            .hint("send it again")
            .because(std::io::Error::other("disk"));
        let expected = "error: usage.csv:42: quantity is negative\nexpected 0 or more\nbecause: disk\nhint: send it again";
        assert_eq!(failure.to_text(), expected);
        assert_eq!(failure.to_json()["error"]["exit"], 2);
        assert_eq!(failure.to_json()["error"]["where"], "usage.csv:42");
        assert_eq!(Failure::policy("no").to_json()["error"]["hint"], Value::Null);
    }
}

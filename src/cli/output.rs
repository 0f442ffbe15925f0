//! What a command prints: text for a person, or one JSON document for a script.

use crate::failure::Failure;
use serde_json::Value;
use std::io::{self, Write as _};

/// What a command has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Said here: text without `--json`, the document with it.
    Said {
        /// The exit code: 0, unless the contract gives the answer another (`ingest` with refused rows: 2).
        exit: u8,
        /// For a person: lines, the last break may be missing.
        text: String,
        /// For a script: one document.
        document: Value,
    },
    /// The command has written to standard output itself, with `--json` as one document: `export` without a file.
    Written,
}

impl Answer {
    /// Done, with this to say.
    pub fn done(text: impl Into<String>, document: Value) -> Self {
        Self::Said { exit: 0, text: text.into(), document }
    }
}

/// Prints an answer and hands back the exit code.
pub fn print_answer(answer: Answer, is_json: bool) -> u8 {
    match answer {
        Answer::Written => 0,
        Answer::Said { exit, document, .. } if is_json => print_text(&pretty(&document), exit),
        Answer::Said { exit, text, .. } => print_text(&text, exit),
    }
}

/// Prints a failure, to standard error for a person, to standard output for a script, and hands back the exit code.
pub fn print_failure(failure: &Failure, is_json: bool) -> u8 {
    if is_json {
        return print_text(&pretty(&failure.to_json()), failure.exit.code());
    }
    // Nobody can be told when standard error is closed; the exit code still tells.
    let _ = writeln!(io::stderr().lock(), "{}", failure.to_text());
    failure.exit.code()
}

/// Prints help to standard error, for a command line that lacks its command, and hands back the exit code of wrong usage.
pub fn print_help(help: &str) -> u8 {
    let _ = writeln!(io::stderr().lock(), "{}", help.trim_end());
    crate::failure::ExitKind::Usage.code()
}

/// Prints text to standard output. A reader that stopped reading (`| head`) is no failure; a full disk is.
pub fn print_text(text: &str, exit: u8) -> u8 {
    let mut out = io::stdout().lock();
    let line_break = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let written = write!(out, "{text}{line_break}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let failure = Failure::failed("cannot write the answer").at("standard output").because(error);
            let hint = "what the command did is done; run it again, or `reckoner status`, to see it";
            let failure = if exit == 0 { failure.hint(hint) } else { failure };
            let _ = writeln!(io::stderr().lock(), "{}", failure.to_text());
            exit.max(1)
        }
        _ => exit,
    }
}

fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("a document of plain values has a text")
}

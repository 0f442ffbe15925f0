//! A command line that cannot be read, told in the same four parts as any other failure.

use super::value::ValueError;
use crate::failure::Failure;
use clap::error::{ContextKind, ContextValue};
use std::error::Error as _;

/// The parser's error as a failure with exit 2.
pub(super) fn failure(error: &clap::Error) -> Failure {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.as_str(),
        _ => "",
    };
    if let Some(value) = error.source().and_then(|source| source.downcast_ref::<ValueError>()) {
        return Failure::usage(&value.saw).at(argument).expected(value.expected).hint(&value.hint);
    }

    // The parser's text has paragraphs: what is wrong, then tips, usage and where to read more.
    let rendered = error.to_string().replace('\'', "`");
    let mut paragraphs = rendered.trim().split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first).trim();
    let (saw, known) = match first.split_once("\n  [possible values: ") {
        Some((saw, values)) => (saw, format!("one of {}", values.trim_end_matches(']'))),
        None => (first, String::new()),
    };
    let mut hints = Vec::new();
    let mut usage = None;
    for line in paragraphs.flat_map(str::lines) {
        if let Some(tip) = line.trim().strip_prefix("tip: ") {
            hints.push(tip.to_owned());
        } else if let Some(text) = line.trim().strip_prefix("Usage: ") {
            usage = Some(text.to_owned());
        }
    }
    hints.push(match usage {
        Some(usage) => format!("usage: {usage}; more with --help"),
        None => "add `--help` to see what there is".to_owned(),
    });
    Failure::usage(saw).expected(known).hint(hints.join("; "))
}

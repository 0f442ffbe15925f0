//! `verify`: what it says, and with which exit code.

use super::args::VerifyArgs;
use super::output::{Answer, print_failure};
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::progress::Progress;
use crate::verify;
use serde_json::Value;

/// `verify`.
///
/// What it found goes to standard output also when something is broken; the first broken check goes to standard error, and
/// with `--json` into the one document.
///
/// # Errors
/// Exit 1 when a check could not be made for want of something, and nothing is known to be broken.
pub fn verify(caller: &Caller, args: &VerifyArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let latest_seq = books.store().latest_seq()?;
    let mut report = verify::verify(&books, args.full, &Progress::start());
    drop(books);

    let is_kept = report.is_green() && verify::keep_mark(caller, latest_seq);
    let (text, mut document) = (report.to_text(), report.to_document());
    document["full"] = Value::from(args.full);
    document["verified_seq"] = if is_kept { Value::from(latest_seq) } else { Value::Null };
    let Some(failure) = report.failure() else { return Ok(Answer::done(text, document)) };
    if report.outcomes().iter().all(|outcome| outcome.found == 0) {
        return Err(failure);
    }
    if !caller.is_json {
        print_failure(&failure, false);
    }
    document["error"] = failure.to_json_facts();
    Ok(Answer::Said { exit: failure.exit.code(), text, document })
}

//! `status`: what it says for a person, for a script, and with `--check` by its exit code.

use super::Answer;
use super::args::StatusArgs;
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::terminal::{Align, Sheet, facts, grouped, wide_money};
use crate::status::{self, Gravity, Status};
use reckoner_core::number::{MONEY_SCALE, format_fixed};
use reckoner_core::time::Instant;
use serde_json::{Value, json};

/// `status`.
pub fn status(caller: &Caller, args: &StatusArgs) -> Result<Answer, Failure> {
    match look(caller, args) {
        // A monitor asks for 0, 1 or 2, and books that cannot be read are not fine.
        Err(failure) if args.check => {
            let document = failure.to_json();
            Ok(Answer::Said { exit: Gravity::Bad as u8, text: failure.to_text(), document })
        }
        other => other,
    }
}

fn look(caller: &Caller, args: &StatusArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let status = status::look(&books)?;
    let exit = if args.check { status.gravity() as u8 } else { 0 };
    Ok(Answer::Said { exit, text: text(&books, &status), document: document(&books, &status) })
}

fn text(books: &Books, status: &Status) -> String {
    let shown = |instant: Instant| books.zone.to_text(instant);
    let files = status.files;
    let refused_whole = if files.files_refused == 0 { String::new() } else { format!(", {} refused whole", files.files_refused) };
    let due = match status.due {
        None if status.held.is_some() => "none".to_owned(),
        None => "none: everything that is over is settled".to_owned(),
        Some(due) => format!("{}, the oldest from {}", grouped(due.windows), shown(due.oldest.start)),
    };
    let due = match status.held {
        None => due,
        Some(held) => format!("{due}; {} held, the oldest from {}", grouped(held.windows), shown(held.oldest.start)),
    };
    let last_run = status.last_run.as_ref().map_or_else(
        || "none yet".to_owned(),
        |run| format!("{} {}, window from {}, {} by {}", run.job, run.status, shown(run.window.start), run.trigger, run.actor),
    );
    let mut known = vec![
        ("home", books.session.home.root().display().to_string()),
        ("clock", shown(books.as_of)),
        ("zone, profile", format!("{}, {}", books.zone, books.session.settings.profile)),
        ("files taken", format!("{}{refused_whole}", grouped(files.files))),
        (
            "rows",
            format!(
                "{} delivered = {} accepted + {} duplicates + {} refused",
                grouped(files.rows),
                grouped(files.accepted),
                grouped(files.duplicates),
                grouped(files.refused)
            ),
        ),
        ("windows settled", grouped(status.windows_settled)),
        ("windows due", due),
        ("in progress", format!("{} with use, not over yet", grouped(status.in_progress))),
        ("looked at up to", status.frontier.map_or_else(|| "nothing yet".to_owned(), shown)),
        ("last run", last_run),
        ("serve", serve_text(books, status)),
    ];
    if status.manifests.windows > 0 {
        let manifests = &status.manifests;
        let open_ends = manifests.open_ends.len() as u64;
        let here = format!("{} of {} files as listed", grouped(manifests.files - open_ends), grouped(manifests.files));
        let windows = format!("{} sources and times, {} final", grouped(manifests.windows), grouped(manifests.windows_final));
        known.insert(5, ("manifests", format!("{windows}; {here}")));
    }
    let mut text = facts(&known);
    text += &money_text(status);
    text += &quarantine_text(status);
    text += "\n";
    for finding in &status.findings {
        text += &format!("{}: {}\n", finding.gravity.as_str(), finding.text);
    }
    if status.findings.is_empty() {
        text += "fine: nothing is late, nothing waits for a person\n";
    }
    text
}

fn serve_text(books: &Books, status: &Status) -> String {
    let shown = |instant: Instant| books.zone.to_text(instant);
    let Some(beat) = &status.serve else { return "nobody served this home yet".to_owned() };
    if let Some(stopped_at) = beat.stopped_at {
        return format!("stopped at {}", shown(stopped_at));
    }
    let doing = match (beat.working_since, beat.ticked_at) {
        (Some(since), _) => format!("at work since {}", shown(since)),
        (None, Some(ticked_at)) => format!("looked last at {}", shown(ticked_at)),
        (None, None) => "has not looked yet".to_owned(),
    };
    format!("pid {} by {} since {}; {doing}", beat.pid, beat.actor, shown(beat.since))
}

fn money_text(status: &Status) -> String {
    if status.money.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&[
        ("settlements", Align::Right),
        ("due", Align::Right),
        ("paid", Align::Right),
        ("outstanding", Align::Right),
    ]);
    for sums in &status.money {
        let amounts = [sums.due_e8, sums.paid_e8, sums.outstanding_e8].map(|e8| wide_money(e8, &sums.currency));
        sheet.row([grouped(sums.settlements)].into_iter().chain(amounts));
    }
    format!("\n{}", sheet.to_text())
}

fn quarantine_text(status: &Status) -> String {
    if status.quarantine.is_empty() {
        return String::new();
    }
    let mut sheet = Sheet::new(&[("quarantined for", Align::Left), ("items", Align::Right), ("at risk", Align::Right)]);
    for refusals in &status.quarantine {
        let at_risk = refusals.currency.as_ref().map(|currency| wide_money(refusals.at_risk_e8, currency));
        sheet.row([refusals.reason.clone(), grouped(refusals.items), at_risk.unwrap_or_else(|| "unknown".to_owned())]);
    }
    format!("\n{}", sheet.to_text())
}

fn document(books: &Books, status: &Status) -> Value {
    let shown = |instant: Instant| books.zone.to_text(instant);
    let amount = |e8: i128| format_fixed(e8, MONEY_SCALE, MONEY_SCALE);
    let files = status.files;
    let money = status.money.iter().map(|sums| {
        json!({
            "currency": sums.currency,
            "settlements": sums.settlements,
            "due": amount(sums.due_e8),
            "paid": amount(sums.paid_e8),
            "outstanding": amount(sums.outstanding_e8),
        })
    });
    let quarantine = status.quarantine.iter().map(|refusals| {
        json!({
            "reason": refusals.reason,
            "currency": refusals.currency,
            "items": refusals.items,
            "amount_at_risk": amount(refusals.at_risk_e8),
        })
    });
    let findings = status.findings.iter().map(|finding| json!({ "gravity": finding.gravity.as_str(), "text": finding.text }));
    json!({
        "status": status.gravity().as_str(),
        "findings": findings.collect::<Vec<_>>(),
        "home": books.session.home.root().display().to_string(),
        "clock": shown(books.as_of),
        "zone": books.zone.to_string(),
        "profile": books.session.settings.profile,
        "files": { "taken": files.files, "refused_whole": files.files_refused },
        "rows": {
            "delivered": files.rows,
            "accepted": files.accepted,
            "duplicates": files.duplicates,
            "refused": files.refused,
        },
        "manifests": {
            "windows": status.manifests.windows,
            "final": status.manifests.windows_final,
            "files": status.manifests.files,
            "open_ends": status.manifests.open_ends.iter().map(|end| json!({
                "source": end.source,
                "window": [shown(end.window.start), shown(end.window.end)],
                "file": end.name,
                "since": shown(end.since),
                "difference": end.difference,
            })).collect::<Vec<_>>(),
        },
        "windows": {
            "settled": status.windows_settled,
            "due": status.due.map_or(0, |due| due.windows),
            "oldest_due": status.due.map(|due| json!([shown(due.oldest.start), shown(due.oldest.end)])),
            "waiting_seconds": status.due.map(|due| due.waiting_seconds),
            "held": status.held.map_or(0, |held| held.windows),
            "held_late": status.held.map_or(0, |held| held.late),
            "in_progress": status.in_progress,
        },
        "frontier": status.frontier.map(shown),
        "quarantine": quarantine.collect::<Vec<_>>(),
        "money": money.collect::<Vec<_>>(),
        "last_run": status.last_run.as_ref().map(|run| json!({
            "run_id": run.run_id,
            "job": run.job,
            "status": run.status,
            "window": [shown(run.window.start), shown(run.window.end)],
            "trigger": run.trigger,
            "actor": run.actor,
            "ended_at": shown(run.ended_at),
            "reason": run.reason,
        })),
        "serve": status.serve.as_ref().map(|beat| json!({
            "pid": beat.pid,
            "actor": beat.actor,
            "since": shown(beat.since),
            "heard_at": shown(beat.heard_at),
            "ticked_at": beat.ticked_at.map(shown),
            "working_since": beat.working_since.map(shown),
            "stopped_at": beat.stopped_at.map(shown),
            "clock_doubt": beat.clock_doubt,
            "left_in_inbox": beat.left,
            "troubles": beat.troubles.iter().map(|trouble| json!({
                "step": trouble.step,
                "at": shown(trouble.at),
                "text": trouble.text,
                "hint": trouble.hint,
                "attempts": trouble.attempts,
                "attempts_max": trouble.attempts_max,
                "again_at": trouble.again_at.map(shown),
            })).collect::<Vec<_>>(),
        })),
    })
}

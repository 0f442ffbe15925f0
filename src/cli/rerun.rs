//! The command `rerun`: the plan for a person and for a script, and applying it.

use super::args::{RerunArgs, RerunMode};
use super::output::Answer;
use super::work::{settle_document, settle_text};
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::progress::Progress;
use crate::report::terminal::{Align, Sheet, counted, facts, grouped, wide_money};
use crate::schedule::JobName;
use crate::settle::rerun::{self, Ask, Mode, Plan};
use crate::settle::{self, Wish};
use reckoner_core::id;
use reckoner_core::number::{MONEY_SCALE, format_fixed};
use reckoner_core::rerun::{Cause, PlanLine};
use reckoner_core::time::{Window, Zone};
use serde_json::{Value, json};
use std::io::Write as _;

/// Lines of a plan that are shown; the rest is summed up, and `--json` has them all.
const LINES_SHOWN: usize = 40;

/// `rerun hourly`, `rerun daily`.
pub fn rerun(caller: &Caller, args: &RerunArgs) -> Result<Answer, Failure> {
    match args.job {
        JobName::Hourly => {}
        JobName::Daily => return rerun_daily(caller, args),
        JobName::Monthly => unreachable!("`not_yet` refuses jobs of later versions"),
    }
    let session = if args.apply.is_some() { caller.write()? } else { caller.read()? };
    let range = session.range(Some(args.from), Some(args.to))?;
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty")
            .at("--reason")
            .expected("why the past is settled again, in a few words"));
    }
    let mut books = Books::open(session)?;
    check_adjust_into(&books, args, range)?;
    let ask = Ask {
        range,
        account_id: args.account.clone(),
        sku: args.sku.clone(),
        reason: args.reason.trim().to_owned(),
        mode: match args.mode {
            RerunMode::Missing => Mode::Missing,
            RerunMode::Failed => Mode::Failed,
            RerunMode::All => Mode::All,
        },
    };

    let scope = scope_text(&ask, books.zone);
    let announce = |windows: u64| {
        // Nobody can be told when standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "rerun covers {} {scope}", counted(windows, "window", "windows"));
    };
    let plan = match &args.apply {
        None => rerun::plan(&books, &ask, announce)?,
        Some(wanted) => rerun::apply(&mut books, &ask, wanted, announce)?,
    };
    let is_applied = args.apply.is_some();
    Ok(Answer::done(text(&plan, &ask, args, is_applied, books.zone), document(&plan, &ask, is_applied, books.zone)))
}

/// `rerun daily`: what days up to the end of the range missed, as a plan, then once. Every step of a life is keyed by what it
/// does and when, so that only what is missing is found: no renewal is charged twice, and nothing that expired is revived.
fn rerun_daily(caller: &Caller, args: &RerunArgs) -> Result<Answer, Failure> {
    let session = if args.apply.is_some() { caller.write()? } else { caller.read()? };
    let range = session.range(Some(args.from), Some(args.to))?;
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty")
            .at("--reason")
            .expected("why the past is looked at again, in a few words"));
    }
    if let Some(sku) = &args.sku {
        return Err(Failure::usage(format!("`--sku {sku}` with `rerun daily`"))
            .at("--sku")
            .expected("an account, or everything: renewals, expiries and arrears are of accounts, not of skus"));
    }
    let mut books = Books::open(session)?;
    let wish = |is_dry_run| Wish {
        until: Some(range.end),
        account_id: args.account.clone(),
        is_dry_run,
        trigger: "rerun",
        ..Wish::default()
    };
    let planned = settle::settle(&mut books, &wish(true), &Progress::start())?;
    let ids: Vec<&str> = planned.lives.ids.iter().map(String::as_str).collect();
    let plan_id = id::derive("plan", &ids);
    let receipt = match args.apply.as_deref().filter(|_| !args.dry_run) {
        None => planned,
        Some(wanted) if wanted != plan_id => {
            return Err(Failure::stale(format!("plan `{wanted}` is no longer true: it is `{plan_id}` now"))
                .hint("look at the new plan, then apply that"));
        }
        Some(_) => settle::settle(&mut books, &wish(false), &Progress::start())?,
    };
    let is_applied = args.apply.is_some() && !args.dry_run;
    let mut text = settle_text(&books, &wish(!is_applied), &receipt);
    text += &format!("\nreason: {}\n", args.reason.trim());
    text += &match is_applied {
        true => format!("done: plan {plan_id}\n"),
        false => format!("plan {plan_id}\nnothing is changed yet; the same command with `--apply {plan_id}` carries it out\n"),
    };
    let mut document = settle_document(&books, &wish(!is_applied), &receipt);
    document["plan"] = json!(plan_id);
    document["is_applied"] = json!(is_applied);
    document["job"] = json!(JobName::Daily.as_str());
    document["reason"] = json!(args.reason.trim());
    Ok(Answer::done(text, document))
}

/// This version issues no bills, so that every month is open and keeps its own differences.
fn check_adjust_into(books: &Books, args: &RerunArgs, range: Window) -> Result<(), Failure> {
    let Some(month) = &args.adjust_into else { return Ok(()) };
    let first = books.zone.billing_period(range.start);
    match month.as_str() < first.as_str() {
        true => Err(Failure::usage(format!("`{}` lies before the range, which begins in {first}", month.as_str()))
            .at("--adjust-into")
            .expected("an open month that takes the differences of an issued one, so a later one")),
        false => Ok(()),
    }
}

fn scope_text(ask: &Ask, zone: Zone) -> String {
    let Window { start, end } = ask.range;
    let part = |part: &Option<String>, name: &str| match part {
        Some(id) => format!("{name} {id}"),
        None => format!("every {name}"),
    };
    format!(
        "from {} to {} ({} to {}), {}, {}",
        zone.to_text(start),
        zone.to_text(end),
        start.to_utc_text(),
        end.to_utc_text(),
        part(&ask.account_id, "account"),
        part(&ask.sku, "sku"),
    )
}

fn text(plan: &Plan, ask: &Ask, args: &RerunArgs, is_applied: bool, zone: Zone) -> String {
    let held = if plan.held == 0 { String::new() } else { format!(", {} more held back", grouped(plan.held)) };
    let windows = match plan.windows_new {
        0 => counted(plan.windows, "window", "windows"),
        new => format!("{}, {} of them never settled before", counted(plan.windows, "window", "windows"), grouped(new)),
    };
    let prices = match ask.mode {
        Mode::All => "as known now, those of settled windows too",
        Mode::Missing | Mode::Failed => "as known when each window was settled first; now, where it never was",
    };
    let mut text = facts(&[
        ("rerun", scope_text(ask, zone)),
        ("windows", format!("{windows}{held} (mode {})", ask.mode.as_str())),
        ("rows counted again", grouped(plan.rows_in)),
        ("prices", prices.to_owned()),
        ("reason", ask.reason.clone()),
    ]);
    text += "\n";
    if plan.lines.is_empty() {
        text += "nothing changes: what is posted is what the rows and prices come to\n";
    } else {
        text += &sheet(plan).to_text();
        if plan.lines.len() > LINES_SHOWN {
            text += &format!("{} more lines; `--json` has them all\n", grouped((plan.lines.len() - LINES_SHOWN) as u64));
        }
    }
    if plan.funds > 0 {
        text += &format!("\nfunds entries carried out on the way, because their instant has come: {}\n", grouped(plan.funds));
    }
    if args.adjust_into.is_some() {
        text += "\nno month of the range is issued, so every difference stays in its own month\n";
    }
    text += &if is_applied {
        format!("\nposted: {}, plan {}\n", counted(plan.charges, "charge", "charges"), plan.plan_id)
    } else {
        format!("\nplan {}\nnothing is changed yet; the same command with `--apply {}` posts it\n", plan.plan_id, plan.plan_id)
    };
    text
}

fn sheet(plan: &Plan) -> Sheet {
    let mut sheet = Sheet::new(&[
        ("account", Align::Left),
        ("sku", Align::Left),
        ("month", Align::Left),
        ("charges", Align::Right),
        ("old", Align::Right),
        ("new", Align::Right),
        ("difference", Align::Right),
        ("cause", Align::Left),
    ]);
    let amounts = |old: i128, difference: i128, currency: &str| {
        [old, old + difference, difference].map(|amount_e8| wide_money(amount_e8, currency))
    };
    for line in plan.lines.iter().take(LINES_SHOWN) {
        let [old, new, difference] = amounts(line.old_e8, line.difference_e8, &line.currency);
        let (account, sku, month) = (line.account_id.clone(), line.sku.clone(), line.billing_period.clone());
        sheet.row([account, sku, month, grouped(line.charges), old, new, difference, causes(line)]);
    }
    for (currency, (old, difference)) in &plan.totals {
        let of_currency = plan.lines.iter().filter(|line| line.currency == *currency);
        let [old, new, difference] = amounts(*old, *difference, currency);
        let charges = grouped(of_currency.map(|line| line.charges).sum());
        sheet.row(["in all".to_owned(), String::new(), String::new(), charges, old, new, difference, String::new()]);
    }
    sheet
}

fn causes(line: &PlanLine) -> String {
    line.causes.iter().map(|cause| Cause::as_str(*cause)).collect::<Vec<_>>().join(";")
}

fn document(plan: &Plan, ask: &Ask, is_applied: bool, zone: Zone) -> Value {
    let amount = |amount_e8: i128| format_fixed(amount_e8, MONEY_SCALE, MONEY_SCALE);
    let lines: Vec<Value> = plan
        .lines
        .iter()
        .map(|line| {
            json!({
                "account_id": line.account_id,
                "sku": line.sku,
                "billing_period": line.billing_period,
                "currency": line.currency,
                "charges": line.charges,
                "old": amount(line.old_e8),
                "new": amount(line.new_e8()),
                "difference": amount(line.difference_e8),
                "cause": causes(line),
            })
        })
        .collect();
    let totals: serde_json::Map<String, Value> = plan
        .totals
        .iter()
        .map(|(currency, (old, difference))| {
            let sums = json!({ "old": amount(*old), "new": amount(old + difference), "difference": amount(*difference) });
            (currency.clone(), sums)
        })
        .collect();
    json!({
        "plan": plan.plan_id,
        "is_applied": is_applied,
        "job": JobName::Hourly.as_str(),
        "mode": ask.mode.as_str(),
        "from": zone.to_text(ask.range.start),
        "to": zone.to_text(ask.range.end),
        "account_id": ask.account_id,
        "sku": ask.sku,
        "reason": ask.reason,
        "windows": plan.windows,
        "windows_new": plan.windows_new,
        "windows_held": plan.held,
        "rows_in": plan.rows_in,
        "book_seq": plan.book_seq,
        "charges": plan.charges,
        "funds": plan.funds,
        "lines": lines,
        "totals": totals,
    })
}

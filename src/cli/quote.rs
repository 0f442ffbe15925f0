//! `quote`: what an order would come to, and how that comes about. Changes nothing.

use super::Answer;
use super::args::orders::QuoteArgs;
use super::order_row::{Common, Owners};
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::terminal::{Align, Sheet, last_covered, money, on_the_clock};
use reckoner_core::life::OrderStatus;
use reckoner_core::life::formula::Formula;
use reckoner_core::life::order::{Quote, QuoteLine};
use reckoner_core::number::Money;
use reckoner_core::table::OrderRow;
use reckoner_core::time::{Instant, Zone};
use reckoner_engine::Knowledge;
use reckoner_engine::view::{Rehearsed, as_they_would_stand, rehearse};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Columns that a line has at most: a formula is not cut short.
const FORMULA_WIDTH: usize = 180;

/// `quote`.
pub fn quote(caller: &Caller, args: &QuoteArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let knowledge = Knowledge::load(books.store(), &books.profile, books.zone)?;
    let common = Common { kind: args.kind, placed_at: books.as_of, terms: args.terms.cells() };
    let owners = Owners::load(&books)?;
    let mut by_account: BTreeMap<String, Vec<OrderRow>> = BTreeMap::new();
    for resource_id in &args.resources {
        let account_id = owners.of(resource_id, args.account.as_deref())?;
        let draft = common.draft(&books, &account_id, resource_id, None)?;
        by_account.entry(account_id).or_default().push(draft.row);
    }
    let ids: Vec<String> = by_account.keys().cloned().collect();
    let mut rehearsed = Vec::new();
    for (mut account, _) in as_they_would_stand(books.store(), &knowledge, &ids, books.as_of, books.as_of)? {
        let orders = by_account.remove(account.account_id()).unwrap_or_default();
        rehearsed.extend(rehearse(&mut account, &orders, &knowledge.terms()));
    }
    match rehearsed.as_slice() {
        [Rehearsed { order, quote: Err(refused), .. }] => {
            Err(Failure::policy(format!("`{}` would be refused: {refused}", order.kind.as_str()))
                .at(&order.resource_id)
                .hint("nothing was changed"))
        }
        _ => Ok(told(&rehearsed, books.zone)),
    }
}

/// Several quotes with their sum; exit 3 where one would be refused.
pub(super) fn told(rehearsed: &[Rehearsed], zone: Zone) -> Answer {
    let exit = if rehearsed.iter().all(|one| one.quote.is_ok()) { 0 } else { 3 };
    Answer::Said { exit, text: text(rehearsed, zone), document: document(rehearsed, zone) }
}

fn text(rehearsed: &[Rehearsed], zone: Zone) -> String {
    let mut text: Vec<String> = rehearsed.iter().map(|one| one_text(one, zone)).collect();
    if rehearsed.len() > 1 {
        let sums: Vec<String> = sums(rehearsed).into_iter().map(|(currency, sum)| sum_text(sum, currency)).collect();
        text.push(format!("in all {}\n", sums.join(" and ")));
    }
    text.join("\n")
}

fn one_text(one: &Rehearsed, zone: Zone) -> String {
    let heading = format!("{} of {} for {}", one.order.kind.as_str(), one.order.resource_id, one.order.account_id);
    let quote = match &one.quote {
        Ok(quote) => quote,
        Err(refused) => return format!("{heading}\n  refused: {refused}\n"),
    };
    let mut text = format!("{heading}\n");
    for line in &quote.lines {
        text += &line_text(line, zone);
    }
    text += &format!("  = {}", sum_text(quote.amount, &quote.currency));
    let kept = [("the time used", quote.consumed), ("the handling fee", quote.fee)];
    for (what, amount) in kept.into_iter().filter(|(_, amount)| !amount.is_zero()) {
        text += &format!("; {} is kept for {what}", money(amount, &quote.currency));
    }
    text += "\n";
    text += &expiry_text(one, zone);
    if let (OrderStatus::Refused, Some(why)) = (one.state.status, &one.state.refusal) {
        text += &format!("  as things stand it would be refused: {why}\n");
    }
    if let Some(waits_for) = &one.state.waits_for {
        text += &format!("  it would wait for {waits_for}\n");
    }
    text
}

fn sum_text(amount: Money, currency: &str) -> String {
    match amount.is_negative() {
        true => format!("{} comes back", money(-amount, currency)),
        false => format!("{} is due", money(amount, currency)),
    }
}

fn line_text(line: &QuoteLine, zone: Zone) -> String {
    let (start, end) = (on_the_clock(line.service.start, zone), last_covered(line.service.end, zone));
    let service = if line.service.start < line.service.end { format!(", {start} to {end}") } else { String::new() };
    format!("  {} as {}{service}\n{}", line.resource_id, line.sku, formula_text(&line.formula))
}

fn formula_text(formula: &Formula) -> String {
    let headings = [("", Align::Whole), ("", Align::Whole), ("", Align::Right), ("", Align::Whole)];
    let mut sheet = Sheet::new(&headings).at_most(FORMULA_WIDTH);
    for step in &formula.steps {
        let numbers = format!("= {}", step.numbers);
        sheet.row([format!("    {}", step.name), numbers, money(step.amount, ""), step.rule.clone()]);
    }
    sheet.to_text().lines().skip(1).map(|line| format!("{line}\n")).collect()
}

fn expiry_text(one: &Rehearsed, zone: Zone) -> String {
    match (one.expires_before, one.expires_after) {
        (before, Some(after)) if before != Some(after) => {
            let so_far = before.map(|at| format!("; so far {}", last_covered(at, zone))).unwrap_or_default();
            format!("  expires {}{so_far}\n", last_covered(after, zone))
        }
        _ => String::new(),
    }
}

/// What it comes to, by currency.
fn sums(rehearsed: &[Rehearsed]) -> BTreeMap<&str, Money> {
    let mut sums: BTreeMap<&str, Money> = BTreeMap::new();
    for quote in rehearsed.iter().filter_map(|one| one.quote.as_ref().ok()) {
        *sums.entry(&quote.currency).or_insert(Money::ZERO) += quote.amount;
    }
    sums
}

fn document(rehearsed: &[Rehearsed], zone: Zone) -> Value {
    let sums: BTreeMap<&str, String> = sums(rehearsed).into_iter().map(|(currency, sum)| (currency, sum.to_string())).collect();
    json!({
        "quotes": rehearsed.iter().map(|one| one_document(one, zone)).collect::<Vec<_>>(),
        "sums": sums,
    })
}

fn one_document(one: &Rehearsed, zone: Zone) -> Value {
    let instant = |at: Option<Instant>| at.map(|at| zone.to_text(at));
    let of = |part: fn(&Quote) -> Money| one.quote.as_ref().ok().map(|quote| part(quote).to_string());
    let lines = one.quote.as_ref().map(|quote| quote.lines.as_slice()).unwrap_or_default();
    json!({
        "account_id": one.order.account_id,
        "resource_id": one.order.resource_id,
        "kind": one.order.kind.as_str(),
        "placed_at": zone.to_text(one.order.placed_at),
        "currency": one.quote.as_ref().ok().map(|quote| quote.currency.clone()),
        "amount": of(|quote| quote.amount),
        "consumed_amount": of(|quote| quote.consumed),
        "fee_amount": of(|quote| quote.fee),
        "refused": one.quote.as_ref().err().map(|refused| json!({ "code": refused.code, "why": refused.why })),
        "would_be_refused": one.state.refusal,
        "would_wait_for": one.state.waits_for,
        "expires_before": instant(one.expires_before),
        "expires_after": instant(one.expires_after),
        "lines": lines.iter().map(|line| line_document(line, zone)).collect::<Vec<_>>(),
    })
}

fn line_document(line: &QuoteLine, zone: Zone) -> Value {
    let step = |step: &reckoner_core::life::formula::Step| json!({ "name": step.name, "rule": step.rule, "numbers": step.numbers, "amount": step.amount.to_string() });
    json!({
        "resource_id": line.resource_id,
        "sku": line.sku,
        "service": [zone.to_text(line.service.start), zone.to_text(line.service.end)],
        "amount": line.amount.to_string(),
        "steps": line.formula.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

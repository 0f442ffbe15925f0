//! `quarantine list`, `show`, `retry` and `discard`: what was refused, what it is worth, what to do; taking it again, and
//! giving it up.

use super::Answer;
use super::args::{QuarantineDiscardArgs, QuarantineFilter, QuarantineListArgs};
use super::to_do::to_do;
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::ingest;
use crate::quarantine::{self, Waiting};
use crate::report::terminal::{Align, Sheet, WIDTH, facts, grouped, money, wide_money, wrapped};
use reckoner_core::number::MONEY_SCALE;
use reckoner_core::table::reason;
use reckoner_store::{QuarantineDecision, QuarantineItem};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `quarantine list`.
pub fn list(caller: &Caller, args: &QuarantineListArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let filter = &args.filter;
    let mut waiting = quarantine::wanted(&books, &filter.items, filter.reason.as_deref())?;
    let closed = waiting.iter().filter(|waiting| waiting.item.status != "open").count() as u64;
    if args.open {
        waiting.retain(|waiting| waiting.item.status == "open");
    }
    let items: Vec<Value> = waiting.iter().map(|waiting| document(&books, waiting)).collect();
    let text = match waiting.is_empty() {
        true if args.open && closed > 0 => {
            format!("nothing is open; {} decided, see `reckoner quarantine list`\n", items_are(closed))
        }
        true => nothing(filter),
        false => list_text(&waiting),
    };
    Ok(Answer::done(text, json!({ "items": items })))
}

/// `quarantine retry`.
pub fn retry(caller: &Caller, filter: &QuarantineFilter) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let mut waiting = quarantine::wanted(&books, &filter.items, filter.reason.as_deref())?;
    // What was given up is taken again only where it is named: a decision is not undone by the way.
    let is_named = !filter.items.is_empty();
    waiting.retain(|waiting| waiting.item.status == "open" || is_named && waiting.item.status == "discarded");
    let asked = waiting.len() as u64;
    let retaken = ingest::retake(&mut books, waiting.into_iter().map(|waiting| waiting.item).collect())?;
    ingest::retake_waiting(&mut books)?;

    let resolved = retaken.resolved.len() as u64;
    let left = asked - resolved;
    let mut text = format!(
        "{} taken again: {} took effect, {} were known by now, {} stay in quarantine\n",
        grouped(asked),
        grouped(retaken.accepted),
        grouped(retaken.duplicates),
        grouped(left)
    );
    if retaken.accepted > 0 {
        text += "next: `reckoner catch-up` settles them as late usage\n";
    }
    let document = json!({
        "asked": asked,
        "accepted": retaken.accepted,
        "duplicates": retaken.duplicates,
        "refused": left,
        "resolved": retaken.resolved,
    });
    Ok(Answer::Said { exit: if left == 0 { 0 } else { 2 }, text, document })
}

/// `quarantine discard`.
pub fn discard(caller: &Caller, args: &QuarantineDiscardArgs) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let items = match args.items.is_empty() {
        true => quarantine::open_for(&books, &args.reason)?,
        false => quarantine::wanted(&books, &args.items, None)?,
    };
    let discarded = quarantine::discard(&mut books, &items, &args.reason)?;

    let now: Vec<Waiting> = items.into_iter().filter(|waiting| discarded.items.contains(&waiting.item.item_id)).collect();
    let at_risk = at_risk_by_currency(&now).into_iter().map(|(currency, e8)| wide_money(e8, currency)).collect::<Vec<_>>();
    let worth = if at_risk.is_empty() { String::new() } else { format!(", {} at risk as far as known", at_risk.join(" and ")) };
    let count = discarded.items.len() as u64;
    let mut text = format!("{} given up{worth}: {}\n", items_are(count), args.reason);
    if discarded.already > 0 {
        text += &format!("{} given up before, and stay so\n", items_are(discarded.already));
    }
    if discarded.settled > 0 {
        text += &format!("{} taken again or replaced, and stay so\n", items_are(discarded.settled));
    }
    if count > 0 {
        text += "they stay here as they were delivered, and their use stays counted; `reckoner quarantine retry ITEM` takes one again\n";
    }
    let document = json!({
        "discarded": discarded.items,
        "already": discarded.already,
        "settled_otherwise": discarded.settled,
        "reason": args.reason,
        "actor": books.actor,
    });
    Ok(Answer::done(text, document))
}

fn items_are(count: u64) -> String {
    if count == 1 { "1 item was".to_owned() } else { format!("{} items were", grouped(count)) }
}

fn nothing(filter: &QuarantineFilter) -> String {
    match &filter.reason {
        Some(code) => format!("nothing was refused for `{code}`; without `--reason` everything is shown\n"),
        None => "nothing is in quarantine\n".to_owned(),
    }
}

fn list_text(waiting: &[Waiting]) -> String {
    let is_any_closed = waiting.iter().any(|waiting| waiting.item.status != "open");
    let mut headings = vec![
        ("item", Align::Right), // what is on the right is never shortened
        ("at risk", Align::Right),
        ("reason", Align::Left),
        ("file:line", Align::Right), // half a line number is a wrong one
        ("what was seen", Align::Left),
    ];
    if is_any_closed {
        headings.push(("status", Align::Right));
    }
    let mut sheet = Sheet::new(&headings).at_most(110);
    for waiting in waiting {
        let item = &waiting.item;
        let row = [item.item_id.clone(), at_risk(waiting), item.reason.clone(), place(item), seen(item), item.status.clone()];
        sheet.row(row.into_iter().take(headings.len()));
    }
    let count = waiting.len() as u64;
    let noun = if count == 1 { "item" } else { "items" };
    let totals = match at_risk_by_currency(waiting) {
        totals if totals.is_empty() => String::new(),
        totals => {
            let totals: Vec<String> = totals.iter().map(|(currency, e8)| wide_money(*e8, currency)).collect();
            format!(", {} at risk as far as known", totals.join(" and "))
        }
    };
    format!("{}\n{} {noun}{totals}; `reckoner quarantine show ITEM` says what to do\n", sheet.to_text(), grouped(count))
}

fn at_risk(waiting: &Waiting) -> String {
    waiting.currency.as_ref().map_or_else(|| "unknown".to_owned(), |currency| money(waiting.item.amount_at_risk, currency))
}

/// Sums at 1e-8 of what is open.
fn at_risk_by_currency(waiting: &[Waiting]) -> BTreeMap<&str, i128> {
    let mut sums = BTreeMap::new();
    for waiting in waiting.iter().filter(|waiting| waiting.item.status == "open") {
        if let Some(currency) = &waiting.currency {
            *sums.entry(currency.as_str()).or_default() += i128::from(waiting.item.amount_at_risk.e8());
        }
    }
    sums
}

fn place(item: &QuarantineItem) -> String {
    if item.line == 0 { format!("{} (whole)", item.file) } else { format!("{}:{}", item.file, item.line) }
}

fn seen(item: &QuarantineItem) -> String {
    match (&item.column, &item.value) {
        (Some(column), Some(value)) => format!("{column} = {value}"),
        (Some(column), None) => format!("{column} is empty"),
        (None, _) => String::new(),
    }
}

fn document(books: &Books, waiting: &Waiting) -> Value {
    let item = &waiting.item;
    json!({
        "item_id": item.item_id,
        "status": item.status,
        "file": item.file,
        "file_id": item.file_id,
        "line": item.line,
        "kind": item.kind,
        "column": item.column,
        "value": item.value,
        "reason": item.reason,
        "detail": item.detail,
        "account_id": item.account_id,
        "amount_at_risk": item.amount_at_risk.to_text(MONEY_SCALE),
        "currency": waiting.currency,
        "first_seen_at": books.zone.to_text(item.first_seen_at),
        "decision": waiting.decision.as_ref().map(|decision| json!({
            "status": decision.status,
            "became": decision.became,
            "reason": decision.reason,
            "actor": decision.actor,
            "at": books.zone.to_text(decision.at),
            "delivery": decision.became.as_ref().map(|_| decision.seq),
        })),
    })
}

/// `quarantine show`.
pub fn show(caller: &Caller, filter: &QuarantineFilter) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let waiting = quarantine::wanted(&books, &filter.items, filter.reason.as_deref())?;
    let items = waiting.iter().map(|waiting| {
        let mut document = document(&books, waiting);
        let row: Vec<Value> =
            waiting.item.raw.iter().map(|(column, value)| json!({ "column": column, "value": value })).collect();
        document["row"] = row.into();
        let to_do = to_do(&waiting.item);
        document["to_do"] = to_do.text.into();
        document["next"] = to_do.commands.into();
        document
    });
    let items: Vec<Value> = items.collect();
    let texts: Vec<String> = waiting.iter().map(|waiting| show_text(&books, waiting)).collect();
    let text = if texts.is_empty() { nothing(filter) } else { texts.join("\n\n") };
    Ok(Answer::done(text, json!({ "items": items })))
}

fn show_text(books: &Books, waiting: &Waiting) -> String {
    let item = &waiting.item;
    let meaning = reason::ALL.iter().find(|(code, _)| *code == item.reason).map(|(_, meaning)| meaning.trim());
    let mut text = facts(&[
        ("item", format!("{} ({})", item.item_id, item.status)),
        ("place", format!("{}, table {}", place(item), item.kind)),
        ("bytes", format!("raw/{}", item.file_id)),
        ("first seen", books.zone.to_text(item.first_seen_at)),
        ("at risk", at_risk(waiting)),
        ("reason", meaning.map_or_else(|| item.reason.clone(), |meaning| format!("{}: {meaning}", item.reason))),
    ]);
    if let Some(decision) = &waiting.decision {
        text += "\nwhat was decided\n";
        text += &wrapped(&decision_text(books, decision), "  ", WIDTH);
    }
    if !item.raw.is_empty() {
        text += "\nthe row as delivered; empty cells that may be empty are left out\n";
        text += &row_text(item);
    }
    text += "\nwhat was expected\n";
    text += &wrapped(&item.detail, "  ", WIDTH);
    let to_do = to_do(item);
    text += "\nwhat to do\n";
    text += &wrapped(&to_do.text, "  ", WIDTH);
    if !to_do.commands.is_empty() {
        text += "\nthat is\n";
        text += &to_do.commands.iter().map(|command| format!("  {command}\n")).collect::<String>();
    }
    text
}

/// The row's cells, one a line, the one at fault marked.
fn row_text(item: &QuarantineItem) -> String {
    let fault = item.column.as_deref();
    let mut cells: Vec<(&str, &str)> = item.raw.iter().map(|(column, value)| (column.as_str(), value.as_str())).collect();
    if let Some(column) = fault.filter(|column| !cells.iter().any(|(name, _)| name == column)) {
        cells.push((column, ""));
    }
    let names: Vec<String> =
        cells.iter().map(|(name, _)| format!("{} {name}", if Some(*name) == fault { ">" } else { " " })).collect();
    let shown = |value: &str| if value.is_empty() { "(empty)".to_owned() } else { value.to_owned() };
    let pairs: Vec<(&str, String)> = names.iter().zip(&cells).map(|(name, (_, value))| (name.as_str(), shown(value))).collect();
    facts(&pairs)
}

/// What was decided, by whom, when and why, and what a row that was taken again became.
fn decision_text(books: &Books, decision: &QuarantineDecision) -> String {
    let QuarantineDecision { status, became, reason, actor, at, seq, .. } = decision;
    let became = match became.as_deref() {
        Some("accepted") => format!(": it took effect, as delivery {seq}"),
        Some("duplicate") => format!(": it was known by then, from before delivery {seq}"),
        Some(_) | None => String::new(),
    };
    let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{status} by {actor} at {}{became}{reason}", books.zone.to_text(*at))
}

/// An item for tests.
#[cfg(test)]
pub(super) fn sample_item(column: Option<&str>, value: Option<&str>) -> QuarantineItem {
    use reckoner_core::{number::Money, time::Instant};
    let raw = [("record_id", "r-1"), ("quantity", "-3"), ("account_id", "")];
    QuarantineItem {
        item_id: "q_1".to_owned(),
        file_id: "f".to_owned(),
        file: "usage-1.csv".to_owned(),
        line: 3,
        kind: "usage".to_owned(),
        column: column.map(str::to_owned),
        value: value.map(str::to_owned),
        reason: "negative_quantity".to_owned(),
        detail: "no".to_owned(),
        raw: raw.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec(),
        account_id: None,
        amount_at_risk: Money::ZERO,
        status: "open".to_owned(),
        first_seen_at: Instant::from_seconds(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_at_fault_is_marked() {
        // column at fault | the row
        let cases = [
            (Some("quantity"), "  record_id   r-1\n> quantity    -3\n  account_id  (empty)\n"),
            (None, "  record_id   r-1\n  quantity    -3\n  account_id  (empty)\n"),
            // A column that was left out of the kept row because it was empty.
            (Some("sku"), "  record_id   r-1\n  quantity    -3\n  account_id  (empty)\n> sku         (empty)\n"),
        ];
        for (column, expected) in cases {
            assert_eq!(row_text(&sample_item(column, None)), expected);
        }
        assert_eq!(seen(&sample_item(Some("quantity"), Some("-3"))), "quantity = -3");
        assert_eq!(seen(&sample_item(Some("sku"), None)), "sku is empty");
    }
}

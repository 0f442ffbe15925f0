//! `quarantine list`, `show` and `retry`: what was refused, what it is worth, what to do; and taking it again.

use super::Answer;
use super::args::QuarantineFilter;
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::ingest;
use crate::quarantine::{self, Waiting};
use crate::report::terminal::{Align, Sheet, WIDTH, facts, grouped, money, wide_money, wrapped};
use reckoner_core::number::MONEY_SCALE;
use reckoner_core::table::{TableKind, reason};
use reckoner_store::QuarantineItem;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `quarantine list`.
pub fn list(caller: &Caller, filter: &QuarantineFilter) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let waiting = quarantine::wanted(&books, &filter.items, filter.reason.as_deref())?;
    let items: Vec<Value> = waiting.iter().map(|waiting| document(&books, waiting)).collect();
    let text = if waiting.is_empty() { nothing(filter) } else { list_text(&waiting) };
    Ok(Answer::done(text, json!({ "items": items })))
}

/// `quarantine retry`.
pub fn retry(caller: &Caller, filter: &QuarantineFilter) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let mut waiting = quarantine::wanted(&books, &filter.items, filter.reason.as_deref())?;
    waiting.retain(|waiting| waiting.item.status == "open");
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
        document["to_do"] = to_do(&waiting.item).into();
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
    if !item.raw.is_empty() {
        text += "\nthe row as delivered; empty cells that may be empty are left out\n";
        text += &row_text(item);
    }
    text += "\nwhat was expected\n";
    text += &wrapped(&item.detail, "  ", WIDTH);
    text += "\nwhat to do\n";
    text += &wrapped(&to_do(item), "  ", WIDTH);
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

/// The next step, by what is wrong.
fn to_do(item: &QuarantineItem) -> String {
    let is_usage = item.kind == TableKind::Usage.as_str();
    let step = match item.reason.as_str() {
        _ if item.line == 0 => "have the file delivered again, whole; no row of it was taken",
        "unknown_account" => "deliver the account in an accounts file, then send the row again in a new file",
        "unknown_sku" | "no_price" | "no_price_in_currency" => {
            "deliver the price in a prices file, then send the row again in a new file"
        }
        "in_the_future" => "send the row with the right time, or again once it has happened, in a new file",
        "conflicting_record" if is_usage => {
            "if the new content is right, send it in a new file with a higher revision; if both happened, with another record_id"
        }
        "edited_in_place" => "publish the row in a new file with a higher revision; the published one is kept",
        _ => "have the row put right where it comes from, and send it in a new file",
    };
    let then = if is_usage { "; it settles as late usage with the next `reckoner catch-up`" } else { "" };
    format!("{step}{then}. The item holds nothing up and stays here as it was delivered.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reckoner_core::number::Money;
    use reckoner_core::time::Instant;

    fn item(column: Option<&str>, value: Option<&str>) -> QuarantineItem {
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
            assert_eq!(row_text(&item(column, None)), expected);
        }
        assert_eq!(seen(&item(Some("quantity"), Some("-3"))), "quantity = -3");
        assert_eq!(seen(&item(Some("sku"), None)), "sku is empty");
    }

    #[test]
    fn what_to_do_fits_the_table() {
        assert!(to_do(&item(None, None)).contains("catch-up"));
        assert!(!to_do(&QuarantineItem { kind: "prices".to_owned(), ..item(None, None) }).contains("catch-up"));
        assert!(to_do(&QuarantineItem { line: 0, ..item(None, None) }).starts_with("have the file delivered again"));
    }
}

//! The rows behind a charge: those that count with their sum, those that were replaced, those that wait to be settled.

use super::{SHOWN, WIDTH, section};
use crate::books::Books;
use crate::explain::rows::{RowState, UsedRow};
use crate::explain::{ChargeStory, unit_of};
use crate::report::terminal::{Align, Sheet, decimal, grouped, wrapped};
use reckoner_core::number::Quantity;

/// Length of a date with what follows it, and of a time without its offset.
const DATE: usize = "2026-01-05T".len();
const TIME: usize = "2026-01-05T13:20:00".len();

pub(super) fn section_text(books: &Books, story: &ChargeStory) -> String {
    if story.is_repricing() {
        let why =
            "none of their own: the charge re-prices what the month's earlier charges of the resource settled; explain those";
        return section("the rows behind it", &wrapped(why, "", WIDTH - 2));
    }
    let unit = unit_of(&story.charge.unit);
    let of = |is_wanted: fn(&RowState) -> bool| -> Vec<&UsedRow> {
        story.rows.rows.iter().filter(|row| is_wanted(&row.state)).collect()
    };
    let counted = of(RowState::counts);
    let mut body = rows_sheet(books, &story.rows.rows, &counted, unit);
    for row in counted.iter().take(SHOWN) {
        body += &remarks(row, unit);
    }
    body += "\n";
    body += &wrapped(&sum_text(story, counted.len() as u64, unit), "", WIDTH - 2);

    let replaced = of(|state| matches!(state, RowState::Replaced(_)));
    if !replaced.is_empty() {
        body += "\nreplaced, and no longer counted\n";
        body += &rows_sheet(books, &story.rows.rows, &replaced, unit);
        for row in replaced.iter().take(SHOWN) {
            body += &remarks(row, unit);
        }
    }
    let waiting = of(|state| *state == RowState::NotSettledYet);
    if !waiting.is_empty() {
        body += "\ndelivered since the window was settled; `reckoner catch-up` settles them\n";
        body += &rows_sheet(books, &story.rows.rows, &waiting, unit);
    }
    let offset = common_offset(books, &story.rows.rows).map(|offset| format!(", times are {offset}")).unwrap_or_default();
    section(&format!("the rows behind it{offset}"), &body)
}

/// The offset from UTC that every time of the rows has in the billing zone; then it need not stand beside each.
fn common_offset(books: &Books, rows: &[UsedRow]) -> Option<String> {
    let offset = |instant| books.zone.to_text(instant)[TIME..].to_owned();
    let mut offsets = rows.iter().flat_map(|row| [offset(row.started_at), offset(row.ended_at)]);
    let first = offsets.next()?;
    offsets.all(|other| other == first).then_some(first)
}

fn sum_text(story: &ChargeStory, rows: u64, unit: &str) -> String {
    let rows = if rows == 1 { "1 row".to_owned() } else { format!("{} rows", grouped(rows)) };
    let sum = format!("{rows}, {} {unit}", decimal(story.rows.sum.e12()));
    let charges = match story.line.len() {
        1 => "this charge".to_owned(),
        several if corrects_only(story) => format!("this charge and its {}", corrections(several - 1)),
        several => format!("the {several} charges of the line, this one among them"),
    };
    match story.rows_add_up() {
        true => format!("{sum} = {charges}"),
        false => format!(
            "{sum}, but {charges} have {} {unit}, {} more: run `reckoner verify`",
            decimal(story.line_quantity.e12()),
            story.line_quantity.minus(story.rows.sum).map_or_else(|_| "far".to_owned(), |gap| decimal(gap.e12())),
        ),
    }
}

/// Whether every other charge of the line corrects this one.
fn corrects_only(story: &ChargeStory) -> bool {
    let mut others = story.line.iter().filter(|one| !one.is_this);
    others.all(|one| one.charge.corrects.as_ref() == Some(&story.charge.charge_id))
}

fn corrections(count: usize) -> String {
    if count == 1 { "correction".to_owned() } else { format!("{count} corrections") }
}

fn rows_sheet(books: &Books, all: &[UsedRow], rows: &[&UsedRow], unit: &str) -> String {
    if rows.is_empty() {
        return "none\n".to_owned();
    }
    let has_offsets = common_offset(books, all).is_none();
    let mut sheet = Sheet::new(&[
        ("file:line", Align::Right),
        ("used from", Align::Right),
        ("until", Align::Right),
        ("quantity", Align::Right),
        ("seconds", Align::Right),
        (if unit == "unit-seconds" { "unit-s" } else { unit }, Align::Right),
        ("record", Align::Left),
    ])
    .at_most(WIDTH - 2);
    for row in rows.iter().take(SHOWN) {
        let (from, until) = times(books, row, has_offsets);
        sheet.row([
            row.place.to_string(),
            from,
            until,
            decimal(row.quantity.e12()),
            row.seconds.map_or_else(String::new, |seconds| grouped(seconds.unsigned_abs())),
            decimal(row.used.e12()),
            row.record_id.clone(),
        ]);
    }
    let more = rows.len().saturating_sub(SHOWN) as u64;
    let more = if more == 0 { String::new() } else { format!("… and {} more; `--json` has them all\n", grouped(more)) };
    sheet.to_text() + &more
}

/// Start and end in the billing zone: of an end on the same day only the time, and no offset that all have.
fn times(books: &Books, row: &UsedRow, has_offsets: bool) -> (String, String) {
    let (from, until) = (books.zone.to_text(row.started_at), books.zone.to_text(row.ended_at));
    let shown = |text: &str| if has_offsets { text.to_owned() } else { text[..TIME].to_owned() };
    let until = if from[..DATE] == until[..DATE] { shown(&until)[DATE..].to_owned() } else { shown(&until) };
    (shown(&from), until)
}

fn remarks(row: &UsedRow, unit: &str) -> String {
    let mut remarks = Vec::new();
    if row.minimum != Quantity::ZERO {
        remarks.push(format!("and {} {unit} that the price's minimum or step adds", decimal(row.minimum.e12())));
    }
    if row.is_waived {
        remarks.push("is waived".to_owned());
    }
    if row.frozen != Quantity::ZERO {
        remarks.push(format!("fell with {} {unit} into frozen time", decimal(row.frozen.e12())));
    }
    match &row.state {
        RowState::Replaced(by) => remarks.push(format!("was replaced by {by}")),
        RowState::ReplacedSince(by) => {
            remarks.push(format!("has been replaced by {by} since; the next settlement takes it back"));
        }
        RowState::Counted | RowState::NotSettledYet => {}
    }
    match remarks.is_empty() {
        true => String::new(),
        false => wrapped(&format!("{} {}", row.place, remarks.join(", ")), "", WIDTH - 2),
    }
}

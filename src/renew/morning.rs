//! The morning after: a day's events for machines, its report for people, in `reports/`.
//!
//! Owns: which days have news, the two files of each. Does not own: what is in them (`engine::morning` says that).
//! Promises: an event stands in the file of the day on which it took effect, once. The files follow from what the store has,
//! so they are written again, whole, whenever a day has news; a command that was killed before it wrote them leaves that to
//! the next one.

use crate::books::Books;
use crate::failure::Failure;
use crate::files::{self, FileError};
use crate::free;
use crate::report::terminal::{Align, Sheet, grouped};
use chrono::NaiveDate;
use reckoner_core::life::{LifeEvent, LifeEventKind};
use reckoner_core::time::Zone;
use reckoner_engine::morning::{self, REPORT_COLUMNS, ReportLine};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Up to which event the days' files are written.
const PUBLISHED: &str = "life_events_published";

/// Writes the files of every day that has events which were not published yet.
///
/// # Errors
/// Exit 1 when the store or a file fails; nothing is lost, the next command publishes.
pub fn publish(books: &mut Books) -> Result<(), Failure> {
    let published = books.store().mark(PUBLISHED)?.and_then(|mark| mark.parse().ok()).unwrap_or(0);
    let (times, latest) = books.store().life_event_times(published)?;
    if latest <= published {
        return Ok(());
    }
    let days: BTreeSet<NaiveDate> = times.into_iter().map(|at| books.zone.date_of(at)).collect();
    for day in days {
        publish_day(books, day)?;
    }
    books.store_mut().set_mark(PUBLISHED, &latest.to_string())?;
    Ok(())
}

fn publish_day(books: &Books, day: NaiveDate) -> Result<(), Failure> {
    let zone = books.zone;
    let events = books.store().life_events(zone.day_containing(zone.start_of_day(day)))?;
    let folder = books.session.home.reports();
    std::thread::scope(|scope| -> Result<(), Failure> {
        let for_machines = scope.spawn(|| publish_for_machines(&folder.join(format!("events-{day}.ndjson")), &events, zone));
        let lines = morning::report(&events, zone);
        files::publish_bytes(&folder.join(format!("daily-{day}.csv")), &csv(&lines)?)?;
        files::publish_bytes(&folder.join(format!("daily-{day}.txt")), text(day, &events, &lines, zone).as_bytes())?;
        Ok(for_machines.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
    })?;
    free::beside(events);
    Ok(())
}

/// Of many events, that is the longest part of the work: two threads share it.
fn publish_for_machines(path: &Path, events: &[LifeEvent], zone: Zone) -> Result<(), FileError> {
    let (first, others) = events.split_at(events.len() / 2);
    let lines = std::thread::scope(|scope| {
        let others = scope.spawn(|| morning::cloud_events(others, zone));
        [morning::cloud_events(first, zone), others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
    });
    let write = |out: &mut BufWriter<File>| lines.iter().try_for_each(|lines| out.write_all(lines.as_bytes()));
    files::publish(path, |out| write(out).map_err(files::cannot("write", path)))
}

fn csv(lines: &[ReportLine]) -> Result<Vec<u8>, Failure> {
    let broken = |error: csv::Error| Failure::failed("the day's report could not be written").because(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(REPORT_COLUMNS).map_err(broken)?;
    for line in lines {
        writer.write_record(line.cells()).map_err(broken)?;
    }
    writer.into_inner().map_err(|error| Failure::failed("the day's report could not be written").because(error.into_error()))
}

/// What a person reads first: how often what happened, then what failed and why.
fn text(day: NaiveDate, events: &[LifeEvent], lines: &[ReportLine], zone: Zone) -> String {
    let mut sums = Sheet::new(&[("happened", Align::Left), ("times", Align::Right), ("amount", Align::Right)]);
    for (kind, (count, amount)) in morning::sums(lines) {
        let amount = if amount.is_zero() { String::new() } else { amount.to_string() };
        sums.row([kind.as_str().replace('_', " "), grouped(count), amount]);
    }
    let mut text = format!("{day} ({zone}): {} events\n\n{}", grouped(events.len() as u64), sums.to_text());
    text += &waiting_text(events, zone);
    let failed: Vec<&ReportLine> = lines.iter().filter(|line| !line.reason.is_empty()).collect();
    if !failed.is_empty() {
        text += "\nwhat failed, and why\n";
        let mut sheet =
            Sheet::new(&[("at", Align::Left), ("account", Align::Left), ("resource", Align::Left), ("", Align::Left)]);
        for line in failed {
            sheet.row([line.at.clone(), line.account_id.clone(), line.resource_id.clone(), line.reason.clone()]);
        }
        text += &sheet.to_text();
    }
    text
}

/// What needs a second person, and by which order.
fn waiting_text(events: &[LifeEvent], zone: Zone) -> String {
    let mut waiting = events.iter().filter(|event| event.kind == LifeEventKind::RefundWaits).peekable();
    if waiting.peek().is_none() {
        return String::new();
    }
    let headings = [("at", Align::Left), ("account", Align::Left), ("resource", Align::Left), ("refund", Align::Right)];
    let mut sheet = Sheet::new(&[&headings[..], &[("order", Align::Whole)]].concat());
    for event in waiting {
        let refund = morning::amount_of(event).map(|amount| amount.to_string()).unwrap_or_default();
        let order_id = event.data.get("order_id").cloned().unwrap_or_default();
        let resource_id = event.resource_id.clone().unwrap_or_default();
        sheet.row([zone.to_text(event.at), event.account_id.clone(), resource_id, refund, order_id]);
    }
    format!("\nrefunds that waited for approval from this day on\n{}", sheet.to_text())
}

//! A part to the lake: its rows, a file a day, and beside each file the sums of its use and the identities of its records.

use super::resolve::{Resolved, Sorted};
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::lake;
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_store::{LakeFile, LakeKind};
use reckoner_tally::{
    FoldRoom, HoldingOrder, Part, Rows, TallyError, fold_hours, least_and_greatest, write_identities, write_partials, write_rows,
};
use std::collections::BTreeMap;
use std::path::Path;

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    pub rows: Vec<LakeFile>,
    pub partials: Vec<LakeFile>,
    pub identities: Vec<LakeFile>,
    pub touched_hours: Vec<Instant>,
}

/// The file whose rows are written, and where to.
#[derive(Clone, Copy)]
pub(super) struct Delivery<'a> {
    pub lake: &'a Path,
    pub zone: Zone,
    pub file_id: &'a str,
}

/// The rows of a part that start on one day.
#[derive(Default)]
struct Day {
    taken: Rows,
    again: Rows,
}

/// `taken` are the identities of those rows that are taken, in order.
pub(super) fn part(
    delivery: Delivery<'_>,
    part: &Part,
    resolved: &Resolved,
    taken: &Sorted,
    room: &mut FoldRoom,
) -> Result<Written, Failure> {
    let mut written = Written::default();
    let days = by_day(delivery.zone, part, resolved);
    let is_one = days.len() == 1;
    for (start, rows) in days {
        let day = delivery.zone.date_of(Instant::from_seconds(start)).to_string();
        write_day(delivery, &day, part, &rows, is_one.then_some(taken), room, &mut written)?;
    }
    Ok(written)
}

/// Leaves rows delivered again of days of which the part takes none: the sums of a day stand beside its rows.
pub(super) fn leave_lone_again(zone: Zone, part: &Part, resolved: &mut Resolved) {
    if resolved.again.is_empty() {
        return;
    }
    let mut again = Vec::new();
    for day in by_day(zone, part, resolved).into_values() {
        match day.taken.is_empty() {
            true => resolved.left.extend(day.again.iter().map(|row| row as u32)),
            false => again.extend(day.again.iter()),
        }
    }
    again.sort_unstable();
    resolved.again = again.into_iter().collect();
    resolved.left.sort_unstable();
}

fn by_day(zone: Zone, part: &Part, resolved: &Resolved) -> BTreeMap<i64, Day> {
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    let Some([first, last]) = part.starts().map(|starts| starts.map(Instant::from_seconds)) else { return days };
    let day = zone.day_containing(first);
    if day.holds(last) {
        let rows = Day { taken: resolved.taken.clone(), again: resolved.again.clone() };
        if !(rows.taken.is_empty() && rows.again.is_empty()) {
            days.insert(day.start.seconds(), rows);
        }
        return days;
    }
    // Rows of a day mostly follow each other.
    let mut each_run = |rows: &Rows, take: fn(&mut Day) -> &mut Rows| {
        for mut run in rows.runs() {
            while !run.is_empty() {
                let day = zone.day_containing(Instant::from_seconds(part.started_at[run.start]));
                let starts = part.started_at[run.clone()].iter();
                let of_day = starts.take_while(|start| day.holds(Instant::from_seconds(**start))).count();
                take(days.entry(day.start.seconds()).or_default()).push(run.start..run.start + of_day);
                run.start += of_day;
            }
        }
    };
    each_run(&resolved.taken, |day| &mut day.taken);
    each_run(&resolved.again, |day| &mut day.again);
    days
}

/// From the first start of these rows to their last end; nothing where there are none.
fn span(part: &Part, rows: &Rows) -> Option<Window> {
    let first = rows.runs().filter_map(|run| least_and_greatest(&part.started_at[run])).map(|(first, _)| first).min()?;
    let last = rows.runs().filter_map(|run| least_and_greatest(&part.ended_at[run])).map(|(_, last)| last).max()?;
    Some(Window::new(Instant::from_seconds(first), Instant::from_seconds(last)))
}

/// `whole` are the identities of all that is taken of the part, where all of it starts on this day.
fn write_day(
    Delivery { lake, file_id, .. }: Delivery<'_>,
    day: &str,
    part: &Part,
    rows: &Day,
    whole: Option<&Sorted>,
    room: &mut FoldRoom,
    written: &mut Written,
) -> Result<(), Failure> {
    let source = super::super::replace::short(file_id);
    // What was delivered again has no row in the file of rows, and counts in the file of sums.
    let of_rows = span(part, &rows.taken).expect("a day has rows");
    let of_sums =
        span(part, &rows.again).map_or(of_rows, |again| Window::new(of_rows.start.min(again.start), of_rows.end.max(again.end)));
    let file = |placed: lake::Placed, kind, rows, companion: &str| LakeFile {
        path: placed.path,
        kind,
        seq: 0,
        file_id: file_id.to_owned(),
        companion: companion.to_owned(),
        counts_units: kind == LakeKind::Partials,
        rows,
        bytes: placed.bytes,
        sha256: placed.sha256,
        span: if kind == LakeKind::Partials { of_sums } else { of_rows },
    };

    let order = HoldingOrder::of(part, &[&rows.taken, &rows.again]);
    let (hours, again) = (fold_hours(part, &rows.taken, &order, room)?, fold_hours(part, &rows.again, &order, room)?);
    written.touched_hours.extend(hours.iter().map(|sums| Instant::from_seconds(sums.hour)));
    let mut count = rows.taken.len() as u64;
    let folder = format!("rows/day={day}");
    let placed = lake::write_of(lake, &folder, source, "parquet", |out| write_rows(part, &rows.taken, out))?;
    faults::pass(Point::IngestRowFilePlaced)?;
    let companion = placed.path.clone();
    written.rows.push(file(placed, LakeKind::Rows, count, ""));

    // Named by their first row too: two parts of a delivery that use the same have the same sums, and are two files.
    let first = format!("{source}-{}", part.lines[rows.taken.first().expect("a day has rows")]);
    let placed = lake::write_of(lake, &format!("partials/day={day}"), &first, "parquet", |out| {
        count = write_partials(part, &rows.taken, &order, [&hours, &again], out)?;
        Ok::<_, TallyError>(())
    })?;
    written.partials.push(file(placed, LakeKind::Partials, count, &companion));
    room.reclaim(hours);
    room.reclaim(again);

    let mut of_day = Vec::new();
    let identities = match whole {
        Some(whole) => whole,
        None => {
            of_day.extend(rows.taken.iter().map(|row| part.identity[row]));
            of_day.sort_unstable();
            &of_day
        }
    };
    count = identities.len() as u64;
    let folder = format!("identities/day={day}");
    let placed = lake::write_of(lake, &folder, source, "identities", |out| write_identities(identities, out))?;
    written.identities.push(file(placed, LakeKind::Identities, count, &companion));
    Ok(())
}

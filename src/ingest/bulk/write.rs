//! A part to the lake: its rows, a file a day, and beside each file the sums of its use and the identities of its records.

use super::resolve::{Resolved, Sorted};
use super::{Task, share_out};
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::files;
use crate::lake;
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_store::{LakeFile, LakeKind};
use reckoner_tally::{
    FoldRoom, HoldingOrder, Output, Part, Rows, TallyError, fold_hours, least_and_greatest, write_identities, write_partials,
    write_rows,
};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// What was written; beside each file of rows one of sums and one of identities.
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

/// Writes what is taken of the parts of a segment; `taken` are the identities of that, sorted.
pub(super) fn segment(
    delivery: Delivery<'_>,
    parts: &[Part],
    resolved: &[Resolved],
    taken: &[Sorted],
    rooms: &mut [FoldRoom],
) -> Result<Written, Failure> {
    let mut of_parts = Vec::with_capacity(parts.len());
    for (part, (resolved, taken)) in parts.iter().zip(resolved.iter().zip(taken)) {
        of_parts.push(PartDays::of(delivery, part, resolved, taken));
    }
    // Those that take longest come first: then neither thread waits long for the other in the end.
    let mut tasks: Vec<Task<'_, Result<Written, Failure>>> = Vec::new();
    for (of_part, room) in of_parts.iter().zip(rooms) {
        tasks.push(Box::new(move || of_part.write_sums(room)));
    }
    tasks.extend(of_parts.iter().map(|of_part| -> Task<'_, _> { Box::new(move || of_part.write_rows()) }));
    tasks.extend(of_parts.iter().map(|of_part| -> Task<'_, _> { Box::new(move || of_part.write_identities()) }));

    let mut written = Written::default();
    for done in share_out(tasks) {
        let Written { rows, partials, identities, touched_hours } = done?;
        written.rows.extend(rows);
        written.partials.extend(partials);
        written.identities.extend(identities);
        written.touched_hours.extend(touched_hours);
    }
    // Each kind is in the order of parts and days.
    let Written { rows, partials, identities, .. } = &mut written;
    for files in [partials, identities] {
        files.iter_mut().zip(&*rows).for_each(|(file, rows)| file.companion.clone_from(&rows.path));
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
    if let Some([first, last]) = part.starts() {
        let day = zone.day_containing(first);
        if day.holds(last) && !resolved.taken.is_empty() {
            let all = Day { taken: resolved.taken.clone(), again: resolved.again.clone() };
            return BTreeMap::from([(day.start.seconds(), all)]);
        }
    }
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    let started_at = |row: usize| Instant::from_seconds(part.started_at[row].into());
    // Rows of a day mostly follow each other.
    let mut each_run = |rows: &Rows, take: fn(&mut Day) -> &mut Rows| {
        for mut run in rows.runs() {
            while !run.is_empty() {
                let day = zone.day_containing(started_at(run.start));
                let of_day = run.clone().take_while(|row| day.holds(started_at(*row))).count();
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

/// A part, and what counts of it on each day.
struct PartDays<'a> {
    delivery: Delivery<'a>,
    part: &'a Part,
    days: Vec<DayRows<'a>>,
}

/// What counts of a part on a day, of which some row is taken.
struct DayRows<'a> {
    /// `2026-01-05`
    day: String,
    taken: Rows,
    again: Rows,
    span: Window,
    /// The identities of what is taken, sorted, where they are known.
    identities: Option<&'a [u64]>,
}

impl<'a> PartDays<'a> {
    fn of(delivery: Delivery<'a>, part: &'a Part, resolved: &Resolved, identities: &'a [u64]) -> Self {
        let days = by_day(delivery.zone, part, resolved);
        let is_one = days.len() == 1;
        let days = days.into_iter().map(|(start, Day { taken, again })| DayRows {
            day: delivery.zone.date_of(Instant::from_seconds(start)).to_string(),
            span: span(part, &taken).expect("a day has rows"),
            taken,
            again,
            identities: is_one.then_some(identities),
        });
        Self { delivery, part, days: days.collect() }
    }

    fn source(&self) -> &'a str {
        super::super::replace::short(self.delivery.file_id)
    }

    fn write_rows(&self) -> Result<Written, Failure> {
        let mut written = Written::default();
        for DayRows { day, taken, span, .. } in &self.days {
            let folder = format!("rows/day={day}");
            let write = |out: Output<'_>| write_rows(self.part, taken, out);
            let placed = lake::write_of(self.delivery.lake, &folder, self.source(), "parquet", write)?;
            faults::pass(Point::IngestRowFilePlaced)?;
            files::let_go(&self.delivery.lake.join(&placed.path));
            written.rows.push(self.file(placed, LakeKind::Rows, taken.len() as u64, *span));
        }
        Ok(written)
    }

    fn write_sums(&self, room: &mut FoldRoom) -> Result<Written, Failure> {
        let (part, mut written) = (self.part, Written::default());
        for DayRows { day, taken, again, span: of_rows, .. } in &self.days {
            let order = HoldingOrder::of(part, &[taken, again]);
            let (hours, hours_again) = (fold_hours(part, taken, &order, room)?, fold_hours(part, again, &order, room)?);
            written.touched_hours.extend(hours.iter().map(|sums| Instant::from_seconds(sums.hour)));
            // Named by their first row too: two parts of a delivery that use the same have the same sums, and are two files.
            let first = part.lines.get(taken.first().expect("a day has rows"));
            let (folder, name, mut count) = (format!("partials/day={day}"), format!("{}-{first}", self.source()), 0);
            let placed = lake::write_of(self.delivery.lake, &folder, &name, "parquet", |out| {
                count = write_partials(part, taken, &order, [&hours, &hours_again], out)?;
                Ok::<_, TallyError>(())
            })?;
            room.reclaim(hours);
            room.reclaim(hours_again);
            // What was delivered again has no row in the file of rows, and counts in the file of sums.
            let span = span(part, again)
                .map_or(*of_rows, |again| Window::new(of_rows.start.min(again.start), of_rows.end.max(again.end)));
            written.partials.push(self.file(placed, LakeKind::Partials, count, span));
        }
        Ok(written)
    }

    fn write_identities(&self) -> Result<Written, Failure> {
        let mut written = Written::default();
        for DayRows { day, taken, span, identities, .. } in &self.days {
            let sorted = || {
                let mut of_day: Vec<u64> = taken.iter().map(|row| self.part.identity[row]).collect();
                of_day.sort_unstable();
                of_day.into()
            };
            let identities = identities.map_or_else(sorted, Cow::Borrowed);
            let folder = format!("identities/day={day}");
            let write = |out: Output<'_>| write_identities(&identities, out);
            let placed = lake::write_of(self.delivery.lake, &folder, self.source(), "identities", write)?;
            written.identities.push(self.file(placed, LakeKind::Identities, identities.len() as u64, *span));
        }
        Ok(written)
    }

    fn file(&self, placed: lake::Placed, kind: LakeKind, rows: u64, span: Window) -> LakeFile {
        LakeFile {
            path: placed.path,
            kind,
            seq: 0,
            file_id: self.delivery.file_id.to_owned(),
            companion: String::new(),
            counts_units: kind == LakeKind::Partials,
            rows,
            bytes: placed.bytes,
            sha256: placed.sha256,
            span,
        }
    }
}

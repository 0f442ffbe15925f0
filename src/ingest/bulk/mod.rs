//! The fast way of taking usage: rows in columns, held against each other by identity, written and summed in parts.
//!
//! Rows that are plain, new and certain to be accepted are taken here; every other row is left, by its line, to the readable
//! way ([`super::usage`]), which stays the one that decides: what is a duplicate of another delivery's row, a conflict, a
//! revision, a correction, and what is refused. Among the rows of one delivery the first of an id is taken; one that says
//! the same later on is a duplicate; one that says otherwise is left.
//!
//! | file | what it does |
//! |---|---|
//! | `judge` | what rows are held against, looked up once a sku |
//! | `near` | which records of earlier deliveries may be met |
//! | `resolve` | which rows of the parts are taken, delivered again, or left |
//! | `write` | rows, sums and identities to the lake |
//!
//! A delivery is read in segments, so that memory does not grow with it; a segment in two parts, so that two threads read,
//! sum and write at once.

mod judge;
mod near;
mod resolve;
mod write;

pub(super) use near::identities_of;

use super::read::{FileRefusal, Source, UsageParts, UsageReader, open_usage, usage_parts};
use super::take::Taken;
use super::{Counts, Stopped, Work};
use crate::books::Books;
use crate::failure::Failure;
use crate::free;
use judge::Judged;
use near::Near;
use reckoner_read::ReadOptions;
use reckoner_store::IngestRecord;
use reckoner_tally::{FoldRoom, Part, sorted_hashes};
use resolve::Sorted;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Rows that are in memory at a time, about. A development build cuts small files as an optimised one does large ones.
const SEGMENT_ROWS: u64 = if cfg!(debug_assertions) { 45 } else { 5_300_000 };
/// Bytes that they may take.
const SEGMENT_BYTES: usize = 1 << 30;
/// Below this one thread is enough.
const SPLIT_ROWS: u64 = if cfg!(debug_assertions) { 20 } else { 200_000 };

/// Room for rows, used again for the next ones, and what is asked once for all files: to hand back as much memory and ask for
/// it anew costs more than to fill it, and the next file has mostly the same holdings.
#[derive(Default)]
pub(super) struct Room {
    parts: [Part; 2],
    sorted: [Sorted; 2],
    sums: [FoldRoom; 2],
    /// What was begun with a file before its turn, by its id.
    begun: Option<(String, Begun)>,
    /// What rows are held against, once it was asked for: while files of usage are taken, no account, price or end comes.
    judged: Option<Judged>,
}

impl Room {
    /// Asks for what rows are held against, if nobody did: it can be done while a file is copied.
    pub fn prepare(&mut self, books: &Books) -> Result<(), Failure> {
        if self.judged.is_none() {
            self.judged = Some(Judged::load(books)?);
        }
        Ok(())
    }

    /// Frees its memory beside whatever comes next: two threads take half as long as one.
    pub fn free(self) {
        let Self { parts: [one, other], sums: [of_one, of_other], .. } = self;
        free::beside((one, of_one));
        free::beside((other, of_other));
    }

    /// Ends what was begun with a file that goes another way.
    pub fn end_begun(&mut self) {
        self.begun = None;
    }

    /// Notes what was begun with a file.
    pub fn begun(&mut self, taken: &Taken, begun: Option<Begun>) {
        self.begun = begun.map(|begun| (taken.file_id.clone(), begun));
    }
}

/// What can be done with a file whose bytes are not durable yet: in which parts it can be read, and the first of them opened.
pub(super) struct Begun {
    parts: UsageParts,
    readers: Vec<Box<dyn UsageReader>>,
}

impl Begun {
    /// Looks at a file. Where that cannot be done, whoever takes the file looks again, and says why.
    pub fn with(path: &Path, options: &ReadOptions) -> Option<Self> {
        let parts = usage_parts(Source::Path(path.to_owned()), options).ok()?;
        Some(Self { parts, readers: Vec::new() })
    }

    /// Opens what is read first, so that it is decoded meanwhile.
    pub fn open(mut self, path: &Path, options: &ReadOptions) -> Option<Self> {
        let UsageParts::RowGroups(groups) = &self.parts else { return Some(self) };
        let [first, second] = segments(groups, SEGMENT_ROWS, SPLIT_ROWS).into_iter().next()?;
        let open = |part: Range<usize>| open_usage(Source::Path(path.to_owned()), options, Some(part));
        self.readers = in_two(second.is_empty(), || open(first), || open(second)).ok()?;
        Some(self)
    }
}

/// Takes what is plain of a delivery; hands back the lines that are left, ascending.
pub(super) fn take(
    books: &Books,
    Work { progress, room, .. }: &mut Work<'_>,
    taken: &Taken,
    record: &mut IngestRecord,
    counts: &mut Counts,
) -> Result<Vec<u64>, Stopped> {
    room.prepare(books)?;
    let Room { parts, sorted, sums, begun, judged } = room;
    let judge = judged.as_ref().expect("it was asked for");
    let mut bulk = Bulk { books, taken, near: Near::load(books)?, record, counts, sums, left: Vec::new() };
    let options = books.read_options();
    let source = || Source::Path(taken.raw.clone());
    let begun = begun.take().filter(|(file_id, _)| *file_id == taken.file_id);
    let Begun { parts: parts_of, readers } = match begun {
        Some((_, begun)) => begun,
        None => Begun { parts: usage_parts(source(), &options)?, readers: Vec::new() },
    };
    let mut readers = readers.into_iter();
    match parts_of {
        UsageParts::RowGroups(groups) => {
            for [first, second] in segments(&groups, SEGMENT_ROWS, SPLIT_ROWS) {
                let ([one, other], [sorted_one, sorted_other]) = (&mut *parts, &mut *sorted);
                let read = |part: Range<usize>, reader: Option<Box<dyn UsageReader>>, room: &mut Part, sorted| {
                    let rows = groups[part.clone()].iter().sum::<u64>().min(SEGMENT_ROWS);
                    room.clear();
                    room.reserve(rows as usize);
                    let reader = reader.map_or_else(|| open_usage(source(), &options, Some(part)), Ok)?;
                    read_part(reader, judge, room, sorted)
                };
                let filled = if second.is_empty() { 1 } else { 2 };
                let [of_first, of_second] = [readers.next(), readers.next()];
                in_two(filled == 1, || read(first, of_first, one, sorted_one), || read(second, of_second, other, sorted_other))?;
                bulk.finish(&parts[..filled], &mut sorted[..filled])?;
                progress.note("taking rows", bulk.counts.rows, &taken.name);
            }
        }
        UsageParts::Whole => {
            let mut reader = open_usage(source(), &options, None)?;
            loop {
                for part in parts.iter_mut() {
                    fill(reader.as_mut(), judge, part)?;
                }
                let filled = parts.iter().take_while(|part| !part.is_empty() || !part.not_plain.is_empty()).count();
                if filled == 0 {
                    break;
                }
                let ([one, other], [sorted_one, sorted_other]) = (&mut *parts, &mut *sorted);
                both(filled == 1, || look_up(one, sorted_one), || look_up(other, sorted_other));
                bulk.finish(&parts[..filled], &mut sorted[..filled])?;
                progress.note("taking rows", bulk.counts.rows, &taken.name);
            }
        }
    }
    let mut left = bulk.left;
    left.sort_unstable();
    Ok(left)
}

/// Row groups in segments of at most so many rows, each in two parts of about as many; the second is empty where one thread
/// is enough.
fn segments(groups: &[u64], segment_rows: u64, split_rows: u64) -> Vec<[Range<usize>; 2]> {
    let mut segments = Vec::new();
    let mut start = 0;
    while start < groups.len() {
        let (mut end, mut rows) = (start + 1, groups[start]);
        while end < groups.len() && rows + groups[end] <= segment_rows {
            rows += groups[end];
            end += 1;
        }
        let (mut middle, mut before) = (start, 0);
        while middle < end && (rows < split_rows || before + groups[middle] / 2 <= rows / 2) {
            before += groups[middle];
            middle += 1;
        }
        segments.push([start..middle, middle..end]);
        start = end;
    }
    segments
}

/// Does both, at once; one alone where there is nothing in the second.
fn both<T: Send>(is_one: bool, first: impl FnOnce() -> T + Send, second: impl FnOnce() -> T + Send) -> Vec<T> {
    if is_one {
        return vec![first()];
    }
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(second);
        (first(), second.join())
    });
    vec![first, second.unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
}

/// [`both`] of what may fail.
fn in_two<T: Send, E: Send>(
    is_one: bool,
    first: impl FnOnce() -> Result<T, E> + Send,
    second: impl FnOnce() -> Result<T, E> + Send,
) -> Result<Vec<T>, E> {
    both(is_one, first, second).into_iter().collect()
}

/// What a thread does when it is its turn.
type Task<'t, T> = Box<dyn FnOnce() -> T + Send + 't>;

/// Threads that write: as many as there are large tasks, rows and sums of two parts, so that they come to their ends together.
const WRITERS: usize = 4;

/// Does all of this in a few threads, each of which takes the next task once it has done one; what comes of them in their order.
fn share_out<T: Send>(tasks: Vec<Task<'_, T>>) -> Vec<T> {
    let writers = WRITERS.min(tasks.len());
    let left = Mutex::new(tasks.into_iter().enumerate());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || std::iter::from_fn(next).map(|(place, task)| (place, task())).collect::<Vec<_>>();
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..writers).map(|_| scope.spawn(work)).collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, done)| done).collect()
}

/// Reads rows into a part, which is empty, and puts their identities in order.
fn read_part(mut reader: Box<dyn UsageReader>, judge: &Judged, part: &mut Part, sorted: &mut Sorted) -> Result<(), FileRefusal> {
    while let Some(columns) = reader.next_columns()? {
        part.take(columns, judge);
    }
    look_up(part, sorted);
    Ok(())
}

/// Looks up the holdings of all rows of a part, and puts their identities in order: beside each other, for when the other part
/// has come so far before.
fn look_up(part: &mut Part, sorted: &mut Sorted) {
    let identity = std::mem::take(&mut part.identity);
    both(false, || part.find_holdings(), || sorted_hashes(&identity, sorted));
    part.identity = identity;
}

fn fill(reader: &mut dyn UsageReader, judge: &Judged, part: &mut Part) -> Result<(), FileRefusal> {
    part.clear();
    while (part.len() as u64) < SEGMENT_ROWS / 4 && part.bytes() < SEGMENT_BYTES / 4 {
        match reader.next_columns()? {
            Some(columns) => part.take(columns, judge),
            None => break,
        }
    }
    Ok(())
}

struct Bulk<'a> {
    books: &'a Books,
    taken: &'a Taken,
    near: Near,
    record: &'a mut IngestRecord,
    counts: &'a mut Counts,
    sums: &'a mut [FoldRoom; 2],
    left: Vec<u64>,
}

impl Bulk<'_> {
    /// Decides about the rows of a segment and writes those that are taken.
    fn finish(&mut self, parts: &[Part], sorted: &mut [Sorted]) -> Result<(), Stopped> {
        let met = self.near.meet(self.books.zone, parts, sorted)?;
        let mut resolved = resolve::resolve(parts, sorted, &met);
        for (part, resolved) in parts.iter().zip(&mut resolved) {
            write::leave_lone_again(self.books.zone, part, resolved);
        }
        for (part, resolved) in parts.iter().zip(&resolved) {
            let (accepted, again) = (resolved.taken.len() as u64, resolved.again.len() as u64);
            self.counts.accepted += accepted;
            self.counts.duplicates += again;
            self.counts.rows += accepted + again;
            self.left.extend(resolved.left.iter().map(|row| part.lines.get(*row as usize)));
            self.left.extend(part.not_plain.iter().map(|row| row.line));
        }
        // What threads need: the store stays with this one.
        let lake = self.books.lake();
        let delivery = write::Delivery { lake: &lake, zone: self.books.zone, file_id: &self.taken.file_id };
        let written = write::segment(delivery, parts, &resolved, sorted, self.sums)?;
        self.near.add(&self.books.lake(), &written);
        self.record.touched_hours.extend(written.touched_hours);
        self.record.row_files.extend(written.rows);
        self.record.partial_files.extend(written.partials);
        self.record.identity_files.extend(written.identities);
        self.record.touched_hours.sort_unstable();
        self.record.touched_hours.dedup();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_cut_into_segments_of_two_parts() {
        let million = 1_000_000;
        // rows of the row groups | segments
        type Case<'a> = (&'a [u64], &'a [[Range<usize>; 2]]);
        let cases: [Case<'_>; 6] = [
            (&[], &[]),
            (&[100], &[[0..1, 1..1]]),
            (&[50_000, 50_000], &[[0..2, 2..2]]), // small: one thread
            (&[million, million], &[[0..1, 1..2]]),
            (&[2 * million, 2 * million, million, million], &[[0..1, 1..3], [3..4, 4..4]]),
            (&[9 * million, million], &[[0..1, 1..1], [1..2, 2..2]]), // a row group is not cut
        ];
        for (groups, expected) in cases {
            assert_eq!(segments(groups, 5_300_000, 200_000), expected, "{groups:?}");
        }
        for count in 1..60 {
            let groups = vec![262_144; count];
            let cut = segments(&groups, 5_300_000, 200_000);
            let all: Vec<usize> = cut.iter().flatten().cloned().flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>(), "every row group once, in order");
        }
    }
}

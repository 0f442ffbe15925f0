//! Usage rows: checked against prices and accounts, held against rows with the same id, written to the lake by day.
//!
//! Rows are taken in batches, so that memory does not grow with the file. A file with rows that correct another is read a
//! second time for them: what they correct may stand anywhere in it, whatever the size of a batch.

use super::read::{Batch, FileRefusal, RowReader};
use super::refuse;
use super::retake::Became;
use super::row_context;
use super::take::Taken;
use super::units::{self, Column, UnitSums};
use super::{Counts, Stopped, reference};
use crate::books::Books;
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::lake;
use crate::report::progress::Progress;
use reckoner_core::account::Accounts;
use reckoner_core::intake::{KnownRecord, Standing, UsageChecks, standing};
use reckoner_core::number::Quantity;
use reckoner_core::price::{PriceBook, Prices};
use reckoner_core::table::{Overlap, ProductRow, RawRow, Refusal, TableKind, UsageRow, usage};
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{RowFile, StoredRow, find_records, find_resources, write_rows};
use reckoner_store::{IngestRecord, LakeFile, LakeKind, QuarantineItem, SupersededRow};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

type RecordKey = (String, String);

/// The reason of a row that corrects a record nobody has delivered yet: it waits for it.
pub(super) const CORRECTS_UNKNOWN: &str = "corrects_unknown";

/// Which rows of a file are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Those that correct nothing, and the records that are no rows.
    Plain,
    /// Those that correct another row, in the file's order.
    Corrections,
}

/// Takes the rows of a usage file; `open` begins to read it.
pub(super) fn take_rows(
    books: &Books,
    taken: &Taken,
    open: impl Fn() -> Result<Box<dyn RowReader>, FileRefusal>,
    record: &mut IngestRecord,
    progress: &Progress,
) -> Result<Counts, Stopped> {
    let mut intake = Intake::new(books, taken)?;
    let mut counts = Counts::default();
    for pass in [Pass::Plain, Pass::Corrections] {
        if pass == Pass::Corrections && !intake.has_corrections {
            continue;
        }
        let mut reader = open()?;
        while let Some(batch) = reader.next_batch()? {
            intake.take_batch(&batch, pass, record, &mut counts)?;
            progress.note("taking rows", counts.rows, &taken.name);
        }
    }
    intake.finish(record);
    Ok(counts)
}

/// Takes refused rows of a file again, as delivered. Those that are refused again stay where they are; the items of the
/// others are handed back, to be resolved.
pub(super) fn retake_rows(
    books: &Books,
    taken: &Taken,
    items: &[QuarantineItem],
    record: &mut IngestRecord,
    counts: &mut Counts,
) -> Result<Vec<(String, Became)>, Failure> {
    let mut intake = Intake { known_by_now: Some(HashSet::new()), ..Intake::new(books, taken)? };
    let mut resolved = Vec::new();
    let mut candidates = Vec::new();
    for item in items {
        let Ok(raw) = RawRow::from_pairs(TableKind::Usage.schema(), item.line, &item.raw) else { continue };
        if let Ok(row) = intake.read(&raw) {
            resolved.push((item.line, item.item_id.clone()));
            candidates.push(Candidate { row, raw });
        }
    }
    candidates.sort_by_key(|candidate| candidate.row.corrects.is_some());
    let rows: Vec<UsageRow> = candidates.iter().map(|candidate| candidate.row.clone()).collect();
    let refused: HashSet<u64> =
        intake.accept(candidates, record, counts)?.into_iter().map(|(candidate, _)| candidate.row.line).collect();
    for row in rows.iter().filter(|row| !refused.contains(&row.line)) {
        intake.count(row, Column::Released);
    }
    resolved.retain(|(line, _)| !refused.contains(line));
    let known = intake.known_by_now.take().unwrap_or_default();
    intake.finish(record);
    let became = |line| if known.contains(&line) { Became::Duplicate } else { Became::Accepted };
    Ok(resolved.into_iter().map(|(line, item_id)| (item_id, became(line))).collect())
}

struct Intake<'a> {
    books: &'a Books,
    taken: &'a Taken,
    accounts: Accounts,
    prices: Prices,
    /// Products whose resources are used by one record at a time.
    exclusive: HashSet<String>,
    /// Every file of rows, this delivery's included.
    files: Vec<(RowFile, Window)>,
    superseded: HashSet<(String, u64)>,
    touched_hours: BTreeSet<Instant>,
    units: UnitSums,
    /// Whether the file has rows that correct another.
    has_corrections: bool,
    /// Where rows are taken again: the lines that turned out to be duplicates.
    known_by_now: Option<HashSet<u64>>,
}

/// A row of the batch that may be accepted.
struct Candidate<'r> {
    row: UsageRow,
    raw: RawRow<'r>,
}

/// A row that is refused, as far as it could be read.
struct Unfit {
    refusal: Refusal,
    row: Option<UsageRow>,
}

/// A known row under an id, and where it lies.
struct KnownPlace {
    row: UsageRow,
    file_id: String,
    is_live: bool,
}

impl<'a> Intake<'a> {
    fn new(books: &'a Books, taken: &'a Taken) -> Result<Self, Failure> {
        let store = books.store();
        let prices = PriceBook::new(store.prices()?.into_iter().map(|known| (known.seq, known.row)));
        let ever = Window::new(Instant::MIN, Instant::MAX);
        Ok(Self {
            books,
            taken,
            accounts: reference::accounts(books)?,
            prices: prices.as_of(u64::MAX),
            exclusive: exclusive_products(store.products()?.into_iter().map(|known| known.row)),
            files: store.row_files(ever)?.iter().map(|file| (books.row_file(file), file.span)).collect(),
            superseded: store.superseded(ever)?.into_iter().map(|row| (row.file_id, row.line)).collect(),
            touched_hours: BTreeSet::new(),
            units: UnitSums::default(),
            has_corrections: false,
            known_by_now: None,
        })
    }

    fn finish(self, record: &mut IngestRecord) {
        record.touched_hours = self.touched_hours.into_iter().collect();
        record.accounting = self.units.into_rows();
    }

    fn checks(&self) -> UsageChecks<'_> {
        UsageChecks {
            accounts: &self.accounts,
            prices: &self.prices,
            as_of: self.books.as_of,
            epoch: self.books.session.settings.epoch,
            zone: self.books.zone,
        }
    }

    fn take_batch(&mut self, batch: &Batch, pass: Pass, record: &mut IngestRecord, counts: &mut Counts) -> Result<(), Failure> {
        let mut candidates = Vec::new();
        for unread in batch.refused().iter().filter(|_| pass == Pass::Plain) {
            counts.rows += 1;
            self.refuse((unread.line, unread.raw.clone()), None, unread.refusal.clone(), record, counts);
        }
        for raw in batch.rows() {
            let is_correction = !raw.get("corrects").is_empty();
            self.has_corrections |= is_correction;
            if is_correction != (pass == Pass::Corrections) {
                continue;
            }
            counts.rows += 1;
            match self.read(&raw) {
                Ok(row) => candidates.push(Candidate { row, raw }),
                Err(unfit) => self.refuse((raw.line(), raw.to_pairs()), unfit.row.as_ref(), unfit.refusal, record, counts),
            }
        }

        for (candidate, refusal) in self.accept(candidates, record, counts)? {
            let raw = (candidate.raw.line(), candidate.raw.to_pairs());
            self.refuse(raw, Some(&candidate.row), refusal, record, counts);
        }
        Ok(())
    }

    /// Holds the candidates against what is known, writes those that are accepted, hands back those that are not.
    fn accept<'r>(
        &mut self,
        candidates: Vec<Candidate<'r>>,
        record: &mut IngestRecord,
        counts: &mut Counts,
    ) -> Result<Vec<(Candidate<'r>, Refusal)>, Failure> {
        let mut known = self.known_records(&candidates)?;
        let mut busy = self.busy_resources(&candidates)?;
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for candidate in candidates {
            match self.settle_standing(&candidate, &mut known, &mut busy, record) {
                Ok(true) => {
                    counts.accepted += 1;
                    accepted.push(candidate.row);
                }
                Ok(false) => {
                    counts.duplicates += 1;
                    self.known_by_now.iter_mut().for_each(|lines| _ = lines.insert(candidate.row.line));
                    self.count(&candidate.row, Column::Duplicate);
                }
                Err(refusal) => refused.push((candidate, refusal)),
            }
        }
        self.write(accepted, record)?;
        Ok(refused)
    }

    /// Reads and checks a row; a refusal comes with the row if it could be read.
    fn read(&self, raw: &RawRow<'_>) -> Result<UsageRow, Box<Unfit>> {
        let row =
            usage::parse(raw, &row_context(self.books, &|_| None)).map_err(|refusal| Box::new(Unfit { refusal, row: None }))?;
        match self.checks().check(&row) {
            Ok(_) => Ok(row),
            Err(refusal) => Err(Box::new(Unfit { refusal, row: Some(row) })),
        }
    }

    /// The rows known under the ids of the batch near its time, and under the ids that it corrects, however old.
    fn known_records(&self, candidates: &[Candidate<'_>]) -> Result<HashMap<RecordKey, Vec<KnownPlace>>, Failure> {
        let of = |one: &Candidate<'_>, id: &str| (one.row.account_id.clone(), id.to_owned());
        let corrected: HashSet<RecordKey> =
            candidates.iter().filter_map(|one| Some(of(one, one.row.corrects.as_deref()?))).collect();
        let own = candidates.iter().map(|one| of(one, &one.row.record_id)).filter(|key| !corrected.contains(key)).collect();

        let mut known: HashMap<RecordKey, Vec<KnownPlace>> = HashMap::new();
        let near = self.files_near(candidates.iter().map(|one| one.row.started_at));
        let files: Vec<RowFile> = self.files.iter().map(|(file, _)| file.clone()).collect();
        for stored in find_records(&near, &own)?.into_iter().chain(find_records(&files, &corrected)?) {
            self.remember(&mut known, stored);
        }
        Ok(known)
    }

    fn remember(&self, known: &mut HashMap<RecordKey, Vec<KnownPlace>>, stored: StoredRow) {
        let StoredRow { row, file_id, .. } = stored;
        let is_live = !self.superseded.contains(&(file_id.clone(), row.line));
        let place = KnownPlace { row, file_id, is_live };
        known.entry((place.row.account_id.clone(), place.row.record_id.clone())).or_default().push(place);
    }

    /// Files whose rows may start in the same, the previous or the next billing month as one of these instants.
    fn files_near(&self, starts: impl Iterator<Item = Instant> + Clone) -> Vec<RowFile> {
        let (Some(first), Some(last)) = (starts.clone().min(), starts.max()) else { return Vec::new() };
        let zone = self.books.zone;
        let from = zone.month_containing(zone.month_containing(first).start.plus_seconds(-1)).start;
        let to = zone.month_containing(zone.month_containing(last).end).end;
        let near = self.files.iter().filter(|(_, span)| span.start < to && span.end >= from);
        near.map(|(file, _)| file.clone()).collect()
    }

    /// Use of resources whose product refuses overlaps, as known before the batch.
    fn busy_resources(&self, candidates: &[Candidate<'_>]) -> Result<HashMap<RecordKey, Vec<Window>>, Failure> {
        let mut busy: HashMap<RecordKey, Vec<Window>> = HashMap::new();
        let exclusive: Vec<&UsageRow> = candidates.iter().map(|one| &one.row).filter(|row| self.is_exclusive(row)).collect();
        let keys: HashSet<RecordKey> = exclusive.iter().map(|row| (row.account_id.clone(), row.resource_id.clone())).collect();
        let (Some(from), Some(to)) =
            (exclusive.iter().map(|row| row.started_at).min(), exclusive.iter().map(|row| row.ended_at).max())
        else {
            return Ok(busy);
        };
        let files: Vec<RowFile> = self.files.iter().map(|(file, _)| file.clone()).collect();
        for stored in find_resources(&files, &keys, Window::new(from, to))? {
            if !self.superseded.contains(&(stored.file_id, stored.row.line)) && self.is_exclusive(&stored.row) {
                let key = (stored.row.account_id.clone(), stored.row.resource_id.clone());
                busy.entry(key).or_default().push(stored.row.interval());
            }
        }
        Ok(busy)
    }

    fn is_exclusive(&self, row: &UsageRow) -> bool {
        if self.exclusive.is_empty() {
            return false;
        }
        let product =
            self.checks().check(row).ok().and_then(|timeline| timeline.at(row.started_at)).map(|price| &price.row.product);
        product.is_some_and(|product| self.exclusive.contains(product))
    }

    /// Whether the row is accepted (true) or known already (false); an accepted one takes the place of what it replaces.
    fn settle_standing(
        &mut self,
        candidate: &Candidate<'_>,
        known: &mut HashMap<RecordKey, Vec<KnownPlace>>,
        busy: &mut HashMap<RecordKey, Vec<Window>>,
        record: &mut IngestRecord,
    ) -> Result<bool, Refusal> {
        let row = &candidate.row;
        let key = (row.account_id.clone(), row.record_id.clone());
        let under_id = self.near_rows(row, known.get(&key));
        let records: Vec<KnownRecord> = under_id.iter().map(|(_, known)| known.clone()).collect();
        let replaced = match standing(row, &records) {
            Standing::Duplicate => return Ok(false),
            Standing::Conflict => return Err(conflict(row)),
            Standing::Replaces(place) => Some((key.clone(), under_id[place].0)),
            Standing::New => match &row.corrects {
                None => None,
                Some(target) => Some(corrected(row, target, known)?),
            },
        };
        self.check_overlap(row, replaced.as_ref().and_then(|(key, place)| Some(known.get(key)?[*place].row.interval())), busy)?;

        // From here on the row is accepted.
        if let Some((key, place)) = replaced {
            let old = &mut known.get_mut(&key).expect("it was found there")[place];
            old.is_live = false;
            self.superseded.insert((old.file_id.clone(), old.row.line));
            record.superseded.push(self.superseded_row(old, row));
            self.touch(&old.row);
            self.count(&old.row, Column::TakenBack);
        }
        let place = KnownPlace { row: row.clone(), file_id: self.taken.file_id.clone(), is_live: true };
        known.entry(key).or_default().push(place);
        self.touch(row);
        self.count(row, Column::Accepted);
        Ok(true)
    }

    /// The rows under one id that start in the same billing month as the row, or in one beside it: an id may come again later.
    fn near_rows(&self, row: &UsageRow, known: Option<&Vec<KnownPlace>>) -> Vec<(usize, KnownRecord)> {
        if known.is_none() {
            return Vec::new();
        }
        let zone = self.books.zone;
        let month = zone.month_containing(row.started_at);
        let from = zone.month_containing(month.start.plus_seconds(-1)).start;
        let near = Window::new(from, zone.month_containing(month.end).end);
        let places = known.into_iter().flatten().enumerate();
        let record = |place: &KnownPlace| KnownRecord {
            content_id: place.row.content_id(),
            revision: place.row.revision,
            is_live: place.is_live,
        };
        places.filter(|(_, place)| near.holds(place.row.started_at)).map(|(at, place)| (at, record(place))).collect()
    }

    fn check_overlap(
        &self,
        row: &UsageRow,
        replaced: Option<Window>,
        busy: &mut HashMap<RecordKey, Vec<Window>>,
    ) -> Result<(), Refusal> {
        if !self.is_exclusive(row) {
            return Ok(());
        }
        let key = (row.account_id.clone(), row.resource_id.clone());
        let taken = busy.entry(key).or_default();
        if let Some(place) = taken.iter().position(|window| Some(*window) == replaced) {
            taken.swap_remove(place);
        }
        match taken.iter().find(|window| window.overlap(row.interval()).is_some()) {
            None => {
                taken.push(row.interval());
                Ok(())
            }
            Some(window) => {
                let zone = self.books.zone;
                let expected = format!(
                    "the resource was in use from {} to {} already, and its product refuses overlaps; correct one of the records",
                    zone.to_text(window.start),
                    zone.to_text(window.end)
                );
                Err(Refusal::at("started_at", &zone.to_text(row.started_at), "overlapping_use", &expected))
            }
        }
    }

    fn superseded_row(&self, old: &KnownPlace, by: &UsageRow) -> SupersededRow {
        SupersededRow {
            file_id: old.file_id.clone(),
            line: old.row.line,
            seq: 0,
            by_file_id: self.taken.file_id.clone(),
            by_line: by.line,
            account_id: old.row.account_id.clone(),
            record_id: old.row.record_id.clone(),
            resource_id: old.row.resource_id.clone(),
            sku: old.row.sku.clone(),
            interval: old.row.interval(),
        }
    }

    fn hours(&self, row: &UsageRow) -> Vec<(Instant, String, Quantity)> {
        units::by_hour(&self.accounts, &self.prices, row)
    }

    fn touch(&mut self, row: &UsageRow) {
        let hours = self.hours(row);
        self.touched_hours.extend(hours.into_iter().map(|(hour, ..)| hour));
    }

    fn count(&mut self, row: &UsageRow, column: Column) {
        let account_id = if self.accounts.currency(&row.account_id).is_some() { row.account_id.as_str() } else { "" };
        let hours = match column {
            Column::Quarantined | Column::Released => units::refused_by_hour(&self.accounts, &self.prices, row),
            Column::Accepted | Column::TakenBack | Column::Duplicate => self.hours(row),
        };
        for (hour, unit, quantity) in hours {
            self.units.add((hour, account_id.to_owned(), row.sku.clone(), unit), column, quantity);
        }
    }

    fn refuse(
        &mut self,
        (line, raw): (u64, Vec<(String, String)>),
        row: Option<&UsageRow>,
        refusal: Refusal,
        record: &mut IngestRecord,
        counts: &mut Counts,
    ) {
        counts.refused += 1;
        if let Some(row) = row {
            self.count(row, Column::Quarantined);
        }
        let cell =
            |wanted: &str| raw.iter().find(|(column, _)| column == wanted).map(|(_, text)| text.clone()).unwrap_or_default();
        let at_risk = self.checks().amount_at_risk(cell);
        let item = refuse::row(self.taken, TableKind::Usage.as_str(), (line, raw), refusal, at_risk, self.books.as_of);
        record.quarantine.push(item);
    }

    /// Writes the accepted rows to the lake, a file a day.
    fn write(&mut self, accepted: Vec<UsageRow>, record: &mut IngestRecord) -> Result<(), Failure> {
        let mut by_day: BTreeMap<String, Vec<UsageRow>> = BTreeMap::new();
        for row in accepted {
            by_day.entry(self.books.zone.date_of(row.started_at).to_string()).or_default().push(row);
        }
        for (day, rows) in by_day {
            let start = rows.iter().map(|row| row.started_at).min().expect("a day has rows");
            let end = rows.iter().map(|row| row.ended_at).max().expect("a day has rows");
            let count = rows.len() as u64;
            let placed = lake::place(&self.books.lake(), &format!("rows/day={day}"), |path| write_rows(rows, path))?;
            faults::pass(Point::IngestRowFilePlaced)?;
            let file = LakeFile {
                path: placed.path,
                kind: LakeKind::Rows,
                seq: 0,
                file_id: self.taken.file_id.clone(),
                rows: count,
                bytes: placed.bytes,
                sha256: placed.sha256,
                span: Window::new(start, end),
            };
            self.files.push((self.books.row_file(&file), file.span));
            record.row_files.push(file);
        }
        Ok(())
    }
}

/// Products that refuse overlaps, as their newest row says.
fn exclusive_products(rows: impl Iterator<Item = ProductRow>) -> HashSet<String> {
    let mut newest: BTreeMap<String, ProductRow> = BTreeMap::new();
    for row in rows {
        match newest.get(&row.product) {
            Some(kept) if kept.valid_from > row.valid_from => {}
            _ => {
                newest.insert(row.product.clone(), row);
            }
        }
    }
    newest.into_values().filter(|row| row.overlap == Overlap::Refuse).map(|row| row.product).collect()
}

fn conflict(row: &UsageRow) -> Refusal {
    let expected = "the record is known with other content and no lower revision; the first stays. A correction has a higher \
                    revision, or an id of its own and `corrects`";
    Refusal::at("record_id", &row.record_id, "conflicting_record", expected)
}

/// The place of the live row that this one corrects.
fn corrected(row: &UsageRow, target: &str, known: &HashMap<RecordKey, Vec<KnownPlace>>) -> Result<(RecordKey, usize), Refusal> {
    let key = (row.account_id.clone(), target.to_owned());
    let Some(places) = known.get(&key) else {
        let expected = "the account has no such record yet; the row is taken by itself when the record comes";
        return Err(Refusal::at("corrects", target, CORRECTS_UNKNOWN, expected));
    };
    let live = places.iter().enumerate().filter(|(_, place)| place.is_live);
    // An id may come again after two months; the latest use is meant.
    match live.max_by_key(|(_, place)| place.row.started_at) {
        Some((place, _)) => Ok((key, place)),
        None => {
            let expected = "another row has taken this record's place already; correct that one";
            Err(Refusal::at("corrects", target, "corrects_replaced", expected))
        }
    }
}

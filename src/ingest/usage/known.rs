//! What is known around the rows of a batch: rows under the same ids, and use of resources that one record may use at a time.

use super::super::bulk::identities_of;
use super::replacing::LinePlace;
use super::{CORRECTS_UNKNOWN, Candidate, Intake, RecordKey};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::intake::KnownRecord;
use reckoner_core::table::{Overlap, ProductRow, Refusal, UsageRow};
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_frames::{RowFile, StoredRow, find_records, find_resources};
use reckoner_store::{IngestRecord, LakeFile, SupersededRow};
use reckoner_tally::{identity, meet};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

/// A known row under an id, and where it lies.
#[derive(Clone)]
pub(super) struct KnownPlace {
    pub row: UsageRow,
    pub file_id: String,
    pub is_live: bool,
}

impl KnownPlace {
    pub fn place(&self) -> LinePlace {
        (self.file_id.clone(), self.row.line)
    }

    /// That this row's place is taken: by a line of a file, or by the file as a whole (0).
    pub fn superseded(&self, by_file_id: &str, by_line: u64) -> SupersededRow {
        let row = &self.row;
        SupersededRow {
            file_id: self.file_id.clone(),
            line: row.line,
            seq: 0,
            by_file_id: by_file_id.to_owned(),
            by_line,
            account_id: row.account_id.clone(),
            record_id: row.record_id.clone(),
            resource_id: row.resource_id.clone(),
            sku: row.sku.clone(),
            interval: row.interval(),
        }
    }
}

/// The rows known under each id.
pub(super) type KnownRows = HashMap<RecordKey, Vec<KnownPlace>>;

impl Intake<'_> {
    /// The rows known under the ids of the batch near its time, and under the ids that it corrects, however old.
    pub(super) fn known_records(&self, candidates: &[Candidate<'_>]) -> Result<KnownRows, Failure> {
        let of = |one: &Candidate<'_>, id: &str| (one.row.account_id.clone(), id.to_owned());
        let corrected: HashSet<RecordKey> =
            candidates.iter().filter_map(|one| Some(of(one, one.row.corrects.as_deref()?))).collect();
        let own = candidates.iter().map(|one| of(one, &one.row.record_id)).filter(|key| !corrected.contains(key)).collect();

        let mut known = KnownRows::new();
        let near = files_with(&self.files_near(candidates.iter().map(|one| one.row.started_at)), &own)?;
        let files = files_with(&self.files.iter().collect::<Vec<_>>(), &corrected)?;
        for stored in find_records(&near, &own)?.into_iter().chain(find_records(&files, &corrected)?) {
            self.remember(&mut known, stored);
        }
        Ok(known)
    }

    fn remember(&self, known: &mut KnownRows, stored: StoredRow) {
        let StoredRow { row, file_id, .. } = stored;
        let place = (file_id, row.line);
        // What was taken back without another in its place is as if it had never come.
        if self.taken_back.contains(&place) {
            return;
        }
        let is_live = !self.superseded.contains(&place);
        let place = KnownPlace { row, file_id: place.0, is_live };
        known.entry((place.row.account_id.clone(), place.row.record_id.clone())).or_default().push(place);
    }

    /// Files whose rows may start in the same, the previous or the next billing month as one of these instants.
    pub(super) fn files_near(&self, starts: impl Iterator<Item = Instant> + Clone) -> Vec<&KnownFile> {
        let (Some(first), Some(last)) = (starts.clone().min(), starts.max()) else { return Vec::new() };
        let reach = months_around(self.books.zone, first, last);
        self.files.iter().filter(|file| file.span.start < reach.end && file.span.end >= reach.start).collect()
    }

    /// Use of resources whose product refuses overlaps, as known before the batch.
    pub(super) fn busy_resources(&self, candidates: &[Candidate<'_>]) -> Result<HashMap<RecordKey, Vec<Window>>, Failure> {
        let mut busy: HashMap<RecordKey, Vec<Window>> = HashMap::new();
        let exclusive: Vec<&UsageRow> = candidates.iter().map(|one| &one.row).filter(|row| self.is_exclusive(row)).collect();
        let keys: HashSet<RecordKey> = exclusive.iter().map(|row| (row.account_id.clone(), row.resource_id.clone())).collect();
        let (Some(from), Some(to)) =
            (exclusive.iter().map(|row| row.started_at).min(), exclusive.iter().map(|row| row.ended_at).max())
        else {
            return Ok(busy);
        };
        let files: Vec<RowFile> = self.files.iter().map(|file| file.rows.clone()).collect();
        for stored in find_resources(&files, &keys, Window::new(from, to))? {
            let place = (stored.file_id, stored.row.line);
            let is_going = self.replacing.as_ref().is_some_and(|old| old.is_going(&place));
            if !is_going && !self.superseded.contains(&place) && self.is_exclusive(&stored.row) {
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

    /// The rows under one id that start in the same billing month as the row, or in one beside it: an id may come again later.
    ///
    /// Rows that a replacement lets go are not among them.
    pub(super) fn near_rows(&self, row: &UsageRow, known: Option<&Vec<KnownPlace>>) -> Vec<(usize, KnownRecord)> {
        if known.is_none() {
            return Vec::new();
        }
        let near = self.near(row);
        let is_going = |place: &KnownPlace| {
            let Some(replacing) = &self.replacing else { return false };
            let (at, is_same) = (place.place(), || place.row.content_id() == row.content_id());
            replacing.is_going(&at) || (!place.is_live && replacing.is_under_kept(&at) && !is_same())
        };
        let places = known.into_iter().flatten().enumerate().filter(|(_, place)| !is_going(place));
        let record = |place: &KnownPlace| KnownRecord {
            content_id: place.row.content_id(),
            revision: place.row.revision,
            is_live: place.is_live,
        };
        places.filter(|(_, place)| near.holds(place.row.started_at)).map(|(at, place)| (at, record(place))).collect()
    }

    /// The billing month of the row and those beside it: an id may come again later.
    fn near(&self, row: &UsageRow) -> Window {
        months_around(self.books.zone, row.started_at, row.started_at)
    }

    pub(super) fn check_overlap(
        &self,
        row: &UsageRow,
        replaced: &[Window],
        busy: &mut HashMap<RecordKey, Vec<Window>>,
    ) -> Result<(), Refusal> {
        if !self.is_exclusive(row) {
            return Ok(());
        }
        let key = (row.account_id.clone(), row.resource_id.clone());
        let taken = busy.entry(key).or_default();
        for gone in replaced {
            if let Some(place) = taken.iter().position(|window| window == gone) {
                taken.swap_remove(place);
            }
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

    /// The live rows under the row's id, near its time, that a replacement lets go.
    pub(super) fn old_rows(&self, row: &UsageRow, known: Option<&Vec<KnownPlace>>) -> Vec<KnownPlace> {
        let Some(replacing) = &self.replacing else { return Vec::new() };
        let near = self.near(row);
        let places = known.into_iter().flatten();
        let is_old =
            |place: &&KnownPlace| place.is_live && near.holds(place.row.started_at) && replacing.is_going(&place.place());
        places.filter(is_old).cloned().collect()
    }

    /// The live row that this one corrects.
    ///
    /// Rows that a replacement lets go are looked at `as_last` only: the new file may have the record anew.
    pub(super) fn corrected(
        &self,
        row: &UsageRow,
        target: &str,
        known: &KnownRows,
        as_last: bool,
    ) -> Result<KnownPlace, Refusal> {
        let key = (row.account_id.clone(), target.to_owned());
        let is_going = |place: &&KnownPlace| self.replacing.as_ref().is_some_and(|old| old.is_going(&place.place()));
        let (going, staying): (Vec<&KnownPlace>, Vec<&KnownPlace>) = known.get(&key).into_iter().flatten().partition(is_going);
        // An id may come again after two months; the latest use is meant.
        let latest = |places: &[&KnownPlace]| {
            let live = places.iter().filter(|place| place.is_live);
            live.max_by_key(|place| place.row.started_at).map(|place| (*place).clone())
        };
        if let Some(live) = latest(&staying) {
            return Ok(live);
        }
        if as_last {
            let holder = |place: &&KnownPlace| self.replacing.as_ref()?.going_holder(&place.place(), &self.superseded);
            if let Some(old) = latest(&going).or_else(|| going.iter().find_map(holder)) {
                return Ok(old);
            }
        }
        if staying.is_empty() {
            let expected = "the account has no such record yet; the row is taken by itself when the record comes";
            return Err(Refusal::at("corrects", target, CORRECTS_UNKNOWN, expected));
        }
        let expected = "another row has taken this record's place already; correct that one";
        Err(Refusal::at("corrects", target, "corrects_replaced", expected))
    }
}

/// The billing months that hold two instants, and those beside: an id may come again later.
pub(in crate::ingest) fn months_around(zone: Zone, first: Instant, last: Instant) -> Window {
    let from = zone.month_containing(zone.month_containing(first).start.plus_seconds(-1)).start;
    Window::new(from, zone.month_containing(zone.month_containing(last).end).end)
}

/// A file of rows.
pub(super) struct KnownFile {
    pub rows: RowFile,
    pub span: Window,
    /// The file of their identities, if there is one.
    pub identities: Option<PathBuf>,
}

/// Every file of rows, those of a delivery under way included.
pub(super) fn files(books: &Books, record: &IngestRecord) -> Result<Vec<KnownFile>, Failure> {
    let mut identities = identities_of(books.store(), &books.lake())?;
    identities.extend(record.identity_files.iter().map(|file| (file.companion.clone(), books.lake_path(file))));
    let files = books.store().row_files(Window::new(Instant::MIN, Instant::MAX))?;
    let known = |file: &LakeFile| KnownFile {
        rows: books.row_file(file),
        span: file.span,
        identities: identities.get(&file.path).cloned(),
    };
    Ok(files.iter().chain(&record.row_files).map(known).collect())
}

/// The files that may have rows under these keys: where identities lie beside the rows, none that they rule out.
fn files_with(files: &[&KnownFile], keys: &HashSet<RecordKey>) -> Result<Vec<RowFile>, Failure> {
    let mut wanted: Vec<u64> = keys.iter().map(|(account_id, record_id)| identity(account_id, record_id)).collect();
    wanted.sort_unstable();
    let mut with = Vec::new();
    for file in files.iter().filter(|_| !wanted.is_empty()) {
        let may_have = match &file.identities {
            Some(identities) => !meet(identities, &wanted)?.is_empty(),
            None => true,
        };
        if may_have {
            with.push(file.rows.clone());
        }
    }
    Ok(with)
}

/// Products that refuse overlaps, as their newest row says.
pub(in crate::ingest) fn exclusive_products(rows: impl Iterator<Item = ProductRow>) -> HashSet<String> {
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

pub(super) fn conflict(row: &UsageRow) -> Refusal {
    let expected = "the record is known with other content and no lower revision; the first stays. A correction has a higher \
                    revision, or an id of its own and `corrects`";
    Refusal::at("record_id", &row.record_id, "conflicting_record", expected)
}

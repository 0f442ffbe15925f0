//! Usage rows: checked against prices and accounts, held against rows with the same id, written to the lake by day.
//!
//! Rows are taken in batches, so that memory does not grow with the file. A file with rows that correct another is read a
//! second time for them: what they correct may stand anywhere in it, whatever the size of a batch; and again as long as one
//! of them waits for another. A file that replaces an earlier one is read once more in front, for the rows that stay.
//!
//! | file | what it does |
//! |---|---|
//! | `known` | what is known around a batch: rows under the same ids, resources that are in use |
//! | `ends` | which of their resources have ended, and when accounts stood released |
//! | `hours` | what came of a row, counted: rows, the hours that it touches, its units there |
//! | `replacing` | the rows of an earlier file that is replaced: which go, which stay |
//! | `replace` | taking a file that replaces one |

mod ends;
mod hours;
mod known;
mod replace;
mod replacing;
mod write;

pub use replacing::HeldRow;
pub(super) use replacing::{Outcome, Replacing, with_replaced};

use super::read::{Batch, FileRefusal, RowReader};
use super::refuse;
use super::retake::Became;
use super::row_context;
use super::take::Taken;
use super::units::{Column, UnitSums};
use super::{Counts, Stopped};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::progress::Progress;
use ends::KnownEnds;
pub(super) use ends::released_times;
use hours::Knowledge;
use known::{KnownFile, KnownPlace, KnownRows, conflict};
pub(super) use known::{exclusive_products, months_around};
use reckoner_core::intake::{KnownRecord, Standing, UsageChecks, late_from, standing};
use reckoner_core::table::{RawRow, Refusal, TableKind, UsageRow, usage};
use reckoner_core::time::{Instant, Window};
use reckoner_store::{IngestRecord, QuarantineItem};
use replacing::LinePlace;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

type RecordKey = (String, String);

/// The reason of a row that corrects a record nobody has delivered yet: it waits for it.
pub(super) const CORRECTS_UNKNOWN: &str = "corrects_unknown";

/// Which rows of a file are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass<'l> {
    /// Those that correct nothing, and the records that are no rows.
    Plain,
    /// Those that correct another row: all, or those on these lines. Those that wait for another of the file are put off.
    Corrections(Option<&'l HashSet<u64>>),
    /// Those on these lines, which nothing in the file can help.
    Rest(&'l HashSet<u64>),
}

/// What is special about a file.
#[derive(Default)]
pub(super) struct Circumstances {
    /// The earlier rows in whose place its rows stand.
    pub replacing: Option<Replacing>,
    /// It was taken before: its open items, by line. Only what becomes of those is counted.
    pub again: Option<HashMap<u64, QuarantineItem>>,
}

impl Circumstances {
    /// Whether there is nothing special.
    pub fn is_plain(&self) -> bool {
        self.replacing.is_none() && self.again.is_none()
    }
}

/// Takes the rows of a usage file; `open` begins to read it. Hands back what came of the rows that it replaces.
pub(super) fn take_rows(
    books: &Books,
    taken: &Taken,
    circumstances: Circumstances,
    open: impl Fn() -> Result<Box<dyn RowReader>, FileRefusal>,
    record: &mut IngestRecord,
    progress: &Progress,
) -> Result<(Counts, Option<Outcome>), Stopped> {
    let mut intake = Intake::new(books, taken, circumstances, record)?;
    let mut counts = Counts::default();
    let each = |of: &mut dyn FnMut(&Batch, &mut Counts) -> Result<(), Failure>, counts: &mut Counts| -> Result<(), Stopped> {
        let mut reader = open()?;
        while let Some(batch) = reader.next_batch()? {
            of(&batch, counts)?;
            progress.note("taking rows", counts.rows, &taken.name);
        }
        Ok(())
    };
    if intake.replacing.is_some() {
        each(&mut |batch, counts| intake.keep_batch(batch, record, Some(counts)), &mut counts)?;
    }
    each(&mut |batch, counts| intake.take_batch(batch, Pass::Plain, record, counts), &mut counts)?;
    if intake.has_corrections {
        each(&mut |batch, counts| intake.take_batch(batch, Pass::Corrections(None), record, counts), &mut counts)?;
    }
    while !intake.put_off.is_empty() {
        let (lines, before) = (std::mem::take(&mut intake.put_off), counts.accepted);
        let pass = Pass::Corrections(Some(&lines));
        each(&mut |batch, counts| intake.take_batch(batch, pass, record, counts), &mut counts)?;
        if counts.accepted == before {
            let lines = std::mem::take(&mut intake.put_off);
            each(&mut |batch, counts| intake.take_batch(batch, Pass::Rest(&lines), record, counts), &mut counts)?;
        }
    }
    intake.take_back_the_rest(record)?;
    intake.supersede_items(record)?;
    let outcome = intake.finish(record);
    Ok((counts, outcome))
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
    let replacements = books.store().replacements()?;
    let mut replaced = with_replaced(&taken.file_id, &replacements);
    replaced.remove(&taken.file_id);
    let replacing = if replaced.is_empty() { None } else { Some(Replacing::load(books, replaced)?) };
    let mut intake = Intake::new(books, taken, Circumstances { replacing, again: None }, record)?;
    intake.known_by_now = Some(HashSet::new());
    if intake.replacing.is_some() {
        intake.find_kept(&taken.file_id)?;
    }
    let mut resolved = Vec::new();
    let mut candidates = Vec::new();
    for item in items {
        let Ok(raw) = RawRow::from_pairs(TableKind::Usage.schema(), item.line, &item.raw) else { continue };
        if let Ok(row) = intake.read(&raw) {
            resolved.push(item);
            candidates.push(Candidate { row, raw, is_kept: false });
        }
    }
    candidates.sort_by_key(|candidate| candidate.row.corrects.is_some());
    let refused: HashSet<u64> =
        intake.accept(candidates, true, record, counts)?.into_iter().map(|(candidate, _)| candidate.row.line).collect();
    resolved.retain(|item| !refused.contains(&item.line));
    intake.release(resolved.iter().copied())?;
    let known = intake.known_by_now.take().unwrap_or_default();
    intake.finish(record);
    let became = |item: &QuarantineItem| if known.contains(&item.line) { Became::Duplicate } else { Became::Accepted };
    Ok(resolved.into_iter().map(|item| (item.item_id.clone(), became(item))).collect())
}

struct Intake<'a> {
    books: &'a Books,
    taken: &'a Taken,
    /// Accounts and prices, as known now.
    known: Knowledge,
    /// Products whose resources are used by one record at a time.
    exclusive: HashSet<String>,
    ends: KnownEnds,
    /// Every file of rows, this delivery's included.
    files: Vec<KnownFile>,
    superseded: HashSet<LinePlace>,
    /// Of those, the ones that were taken back without another in their place.
    taken_back: HashSet<LinePlace>,
    touched_hours: BTreeSet<Instant>,
    units: UnitSums,
    /// Whether the file has rows that correct another.
    has_corrections: bool,
    /// Lines of rows that correct a record nobody has delivered, unless another row of the file does.
    put_off: HashSet<u64>,
    replacing: Option<Replacing>,
    again: Option<HashMap<u64, QuarantineItem>>,
    /// Where rows are taken again: the lines that turned out to be duplicates.
    known_by_now: Option<HashSet<u64>>,
    /// Use of earlier months came too late to settle by itself.
    late_from: Option<Instant>,
}

/// A row of the batch that may be accepted.
struct Candidate<'r> {
    row: UsageRow,
    raw: RawRow<'r>,
    /// An old row says the same and stays; only what it corrects in the new file is looked at.
    is_kept: bool,
}

/// A row that is refused, as far as it could be read.
struct Unfit {
    refusal: Refusal,
    row: Option<UsageRow>,
}

impl<'a> Intake<'a> {
    /// `record` has what the fast way took of the delivery before.
    fn new(books: &'a Books, taken: &'a Taken, circumstances: Circumstances, record: &IngestRecord) -> Result<Self, Failure> {
        let store = books.store();
        let ever = Window::new(Instant::MIN, Instant::MAX);
        let superseded = store.superseded(ever)?;
        let taken_back = superseded.iter().filter(|row| row.by_line == 0).map(|row| (row.file_id.clone(), row.line)).collect();
        Ok(Self {
            books,
            taken,
            known: Knowledge { accounts: books.accounts()?, prices: books.price_book()?.as_of(u64::MAX) },
            exclusive: exclusive_products(store.products()?.into_iter().map(|known| known.row)),
            ends: KnownEnds::load(books)?,
            files: known::files(books, record)?,
            superseded: superseded.into_iter().map(|row| (row.file_id, row.line)).collect(),
            taken_back,
            touched_hours: record.touched_hours.iter().copied().collect(),
            units: UnitSums::default(),
            has_corrections: false,
            put_off: HashSet::new(),
            replacing: circumstances.replacing,
            again: circumstances.again,
            known_by_now: None,
            late_from: late_from(books.profile.late_cutoff, books.as_of, books.zone),
        })
    }

    fn finish(self, record: &mut IngestRecord) -> Option<Outcome> {
        record.touched_hours = self.touched_hours.into_iter().collect();
        record.accounting = self.units.into_rows();
        self.replacing.map(Replacing::into_outcome)
    }

    fn checks(&self) -> UsageChecks<'_> {
        UsageChecks {
            accounts: &self.known.accounts,
            prices: &self.known.prices,
            as_of: self.books.as_of,
            epoch: self.books.session.settings.epoch,
            // Who takes refused rows again has decided that they settle.
            late_from: self.late_from.filter(|_| self.known_by_now.is_none()),
            zone: self.books.zone,
        }
    }

    fn take_batch(
        &mut self,
        batch: &Batch,
        pass: Pass<'_>,
        record: &mut IngestRecord,
        counts: &mut Counts,
    ) -> Result<(), Failure> {
        let mut candidates = Vec::new();
        for unread in batch.refused().iter().filter(|_| pass == Pass::Plain) {
            self.refuse((unread.line, unread.raw.clone()), None, unread.refusal.clone(), record, counts);
        }
        for raw in batch.rows() {
            let is_correction = !raw.get("corrects").is_empty();
            let is_kept = self.is_kept_line(raw.line());
            let is_taken = match pass {
                Pass::Plain => !is_correction && !is_kept,
                Pass::Corrections(None) => is_correction,
                Pass::Corrections(Some(lines)) | Pass::Rest(lines) => lines.contains(&raw.line()),
            };
            self.has_corrections |= is_correction;
            if !is_taken {
                continue;
            }
            match self.read(&raw) {
                Ok(row) => candidates.push(Candidate { row, raw, is_kept }),
                Err(_) if is_kept => {} // it stays, whatever has become of its price
                Err(unfit) => self.refuse((raw.line(), raw.to_pairs()), unfit.row.as_ref(), unfit.refusal, record, counts),
            }
        }

        let may_put_off = matches!(pass, Pass::Corrections(_));
        for (candidate, refusal) in self.accept(candidates, !may_put_off, record, counts)? {
            if may_put_off && refusal.reason == CORRECTS_UNKNOWN {
                self.put_off.insert(candidate.row.line);
                continue;
            }
            let raw = (candidate.raw.line(), candidate.raw.to_pairs());
            self.refuse(raw, Some(&candidate.row), refusal, record, counts);
        }
        Ok(())
    }

    /// Holds the candidates against what is known, writes those that are accepted, hands back those that are not.
    ///
    /// A row that corrects one of the others is taken after it, whatever their order. `is_last`: one that waits for a record
    /// of which nothing else comes may correct a row that a replacement lets go.
    fn accept<'r>(
        &mut self,
        candidates: Vec<Candidate<'r>>,
        is_last: bool,
        record: &mut IngestRecord,
        counts: &mut Counts,
    ) -> Result<Vec<(Candidate<'r>, Refusal)>, Failure> {
        self.look_up_ends(&candidates)?;
        let mut known = self.known_records(&candidates)?;
        let mut busy = self.busy_resources(&candidates)?;
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        let mut waiting: HashMap<RecordKey, Vec<(Candidate<'r>, Refusal)>> = HashMap::new();
        let mut queue: VecDeque<(Candidate<'r>, bool)> = candidates.into_iter().map(|candidate| (candidate, false)).collect();
        loop {
            if queue.is_empty() && is_last && self.replacing.is_some() {
                queue.extend(let_as_last(&mut waiting).into_iter().map(|candidate| (candidate, true)));
            }
            let Some((candidate, as_last)) = queue.pop_front() else { break };
            match self.settle_standing(&candidate, as_last, &mut known, &mut busy, record) {
                Ok(true) => {
                    for (one, _) in waiting.remove(&candidate.key()).unwrap_or_default().into_iter().rev() {
                        queue.push_front((one, false));
                    }
                    self.note_accepted(&candidate.row, record, counts)?;
                    accepted.push(candidate.row);
                }
                Ok(false) if candidate.is_kept => {}
                Ok(false) => self.note_duplicate(&candidate.row, record, counts)?,
                Err(refusal) if refusal.reason == CORRECTS_UNKNOWN && !as_last => {
                    let target = candidate.row.corrects.clone().unwrap_or_default();
                    let key = (candidate.row.account_id.clone(), target);
                    waiting.entry(key).or_default().push((candidate, refusal));
                }
                Err(refusal) => refused.push((candidate, refusal)),
            }
        }
        refused.extend(waiting.into_values().flatten());
        refused.sort_by_key(|(candidate, _)| candidate.row.line);
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

    /// Whether the row is accepted (true) or known already (false); an accepted one takes the place of what it replaces.
    fn settle_standing(
        &mut self,
        candidate: &Candidate<'_>,
        as_last: bool,
        known: &mut KnownRows,
        busy: &mut HashMap<RecordKey, Vec<Window>>,
        record: &mut IngestRecord,
    ) -> Result<bool, Refusal> {
        let row = &candidate.row;
        if candidate.is_kept {
            if let Some(target) = &row.corrects {
                self.correct_again(row, target, known, record);
            }
            return Ok(false);
        }
        let old = self.old_rows(row, known.get(&candidate.key()));
        if let Some(same) = old.iter().find(|old| old.row.content_id() == row.content_id()) {
            self.replacing.as_mut().expect("it has old rows").keep(same.place(), row.line);
            return Ok(false);
        }
        let Some(mut replaced) = self.replaced_by(row, &old, known, as_last)? else { return Ok(false) };
        for old in old {
            if !replaced.iter().any(|other| other.place() == old.place()) {
                replaced.push(old);
            }
        }
        // What a replacement lets go is not among what is in use.
        let is_going = |place: &KnownPlace| self.replacing.as_ref().is_some_and(|old| old.is_going(&place.place()));
        let windows: Vec<Window> = replaced.iter().filter(|place| !is_going(place)).map(|place| place.row.interval()).collect();
        self.check_overlap(row, &windows, busy)?;

        // From here on the row is accepted.
        let mut is_change = false;
        for old in &replaced {
            is_change |= self.take_place(old, row, known, record);
        }
        if let Some(replacing) = self.replacing.as_mut().filter(|_| !is_change) {
            replacing.added += 1;
        }
        let place = KnownPlace { row: row.clone(), file_id: self.taken.file_id.clone(), is_live: true };
        known.entry(candidate.key()).or_default().push(place);
        self.touch(row);
        self.count(row, Column::Accepted);
        Ok(true)
    }

    /// The row whose place a row takes by the usual rules, if any; nothing at all if the row is known already. `old` are the
    /// rows under its id that a replacement lets go.
    fn replaced_by(
        &self,
        row: &UsageRow,
        old: &[KnownPlace],
        known: &KnownRows,
        as_last: bool,
    ) -> Result<Option<Vec<KnownPlace>>, Refusal> {
        let own = known.get(&(row.account_id.clone(), row.record_id.clone()));
        let under_id = self.near_rows(row, own);
        let records: Vec<KnownRecord> = under_id.iter().map(|(_, known)| known.clone()).collect();
        let replaces = match standing(row, &records) {
            Standing::Duplicate => return Ok(None),
            Standing::Conflict => return Err(conflict(row)),
            Standing::Replaces(place) => Some(place),
            Standing::New => None,
        };
        // Only now: what was accepted before the end was known is a duplicate when it comes again.
        self.check_end(row)?;
        if let Some(place) = replaces {
            let replaced = own.and_then(|places| places.get(under_id[place].0)).cloned();
            return Ok(Some(replaced.into_iter().collect()));
        }
        if let Some(replacing) = &self.replacing {
            old.iter().try_for_each(|old| replacing.check_corrects(row, old))?;
        }
        let Some(target) = &row.corrects else { return Ok(Some(Vec::new())) };
        match self.corrected(row, target, known, as_last) {
            Ok(place) => Ok(Some(vec![place])),
            // It corrects what the row that it replaces has corrected already.
            Err(_) if as_last && old.iter().any(|old| old.row.corrects == row.corrects) => Ok(Some(Vec::new())),
            Err(refusal) => Err(refusal),
        }
    }

    /// A row takes the place of an earlier one; whether that is one of those that the file replaces.
    fn take_place(&mut self, old: &KnownPlace, row: &UsageRow, known: &mut KnownRows, record: &mut IngestRecord) -> bool {
        let place = old.place();
        let under_id = known.get_mut(&(old.row.account_id.clone(), old.row.record_id.clone()));
        if let Some(known) = under_id.into_iter().flatten().find(|known| known.place() == place) {
            known.is_live = false;
        }
        record.superseded.push(old.superseded(&self.taken.file_id, row.line));
        self.touch(&old.row);
        self.count(&old.row, Column::TakenBack);
        let is_own = self.replacing.as_mut().is_some_and(|replacing| replacing.note_taken(&place));
        self.superseded.insert(place);
        is_own
    }

    fn refuse(
        &mut self,
        (line, raw): (u64, Vec<(String, String)>),
        row: Option<&UsageRow>,
        refusal: Refusal,
        record: &mut IngestRecord,
        counts: &mut Counts,
    ) {
        if let Some(replacing) = &mut self.replacing {
            replacing.note_refused(line, &raw);
        }
        if self.again.is_some() {
            return; // its item is there, and stays
        }
        counts.rows += 1;
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
}

/// The rows that wait for a record which is none of those that wait, in the order of their lines.
fn let_as_last<'r>(waiting: &mut HashMap<RecordKey, Vec<(Candidate<'r>, Refusal)>>) -> Vec<Candidate<'r>> {
    let coming: HashSet<RecordKey> = waiting.values().flatten().map(|(candidate, _)| candidate.key()).collect();
    let targets: Vec<RecordKey> = waiting.keys().filter(|target| !coming.contains(*target)).cloned().collect();
    let rows = targets.into_iter().filter_map(|target| waiting.remove(&target)).flatten();
    let mut rows: Vec<Candidate<'r>> = rows.map(|(candidate, _)| candidate).collect();
    rows.sort_by_key(|candidate| candidate.row.line);
    rows
}

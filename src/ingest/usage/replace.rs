//! Taking a file that stands in the place of an earlier one: which of the earlier rows stay, and which go.

use super::super::read::Batch;
use super::super::retake::is_retake;
use super::super::units::Column;
use super::super::{Counts, read};
use super::replacing::HeldRow;
use super::{Candidate, Intake, KnownPlace, KnownRows, RecordKey};
use crate::failure::Failure;
use reckoner_core::table::{TableKind, UsageRow, usage};
use reckoner_frames::{RowFile, RowFilter, StoredRow, find_records, read_rows};
use reckoner_store::{IngestRecord, InputFile, QuarantineItem};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

impl Intake<'_> {
    /// Finds the rows of a batch that say the same as an old row in force, which stays. `counts`: nothing when the batch has
    /// been counted before.
    pub(super) fn keep_batch(
        &mut self,
        batch: &Batch,
        record: &mut IngestRecord,
        mut counts: Option<&mut Counts>,
    ) -> Result<(), Failure> {
        let context = super::row_context(self.books, &|_| None);
        let rows: Vec<UsageRow> = batch.rows().filter_map(|raw| usage::parse(&raw, &context).ok()).collect();
        let mut old = self.old_rows_in_force(&rows)?;
        for row in rows {
            let key = (row.account_id.clone(), row.record_id.clone());
            let same = old.get_mut(&key).and_then(|places| places.iter().find(|old| old.row.content_id() == row.content_id()));
            let (Some(same), Some(replacing)) = (same, &mut self.replacing) else { continue };
            replacing.keep(same.place(), row.line);
            if let Some(counts) = &mut counts {
                self.has_corrections |= row.corrects.is_some();
                self.note_duplicate(&row, record, counts)?;
            }
        }
        Ok(())
    }

    /// The old rows in force under the ids of these.
    fn old_rows_in_force(&self, rows: &[UsageRow]) -> Result<HashMap<RecordKey, Vec<KnownPlace>>, Failure> {
        let keys: HashSet<RecordKey> = rows.iter().map(|row| (row.account_id.clone(), row.record_id.clone())).collect();
        let near = self.files_near(rows.iter().map(|row| row.started_at));
        let Some(replacing) = &self.replacing else { return Ok(HashMap::new()) };
        let files: Vec<RowFile> =
            near.into_iter().map(|file| &file.rows).filter(|file| replacing.has_file(&file.file_id)).cloned().collect();
        let mut old: HashMap<RecordKey, Vec<KnownPlace>> = HashMap::new();
        for StoredRow { row, file_id, .. } in find_records(&files, &keys)? {
            let place = KnownPlace { row, file_id, is_live: true };
            if !self.superseded.contains(&place.place()) {
                old.entry((place.row.account_id.clone(), place.row.record_id.clone())).or_default().push(place);
            }
        }
        Ok(old)
    }

    /// A row that both files have corrects what the new file says anew of its record.
    pub(super) fn correct_again(&mut self, row: &UsageRow, target: &str, known: &mut KnownRows, record: &mut IngestRecord) {
        let key = (row.account_id.clone(), target.to_owned());
        let own = known.get(&key).into_iter().flatten().find(|place| place.is_live && place.file_id == self.taken.file_id);
        if let Some(own) = own.cloned() {
            self.take_place(&own, row, known, record);
        }
    }

    /// Takes back what is left of the old rows, once every row of the new file has been met.
    pub(super) fn take_back_the_rest(&mut self, record: &mut IngestRecord) -> Result<(), Failure> {
        let Some(replacing) = &self.replacing else { return Ok(()) };
        let old: Vec<RowFile> =
            self.files.iter().map(|file| &file.rows).filter(|file| replacing.has_file(&file.file_id)).cloned().collect();
        let (mut going, mut held) = (Vec::new(), Vec::new());
        for file in old {
            for StoredRow { row, file_id, .. } in read_rows(&[file], &RowFilter::default())? {
                let old = KnownPlace { row, file_id, is_live: true };
                let place = old.place();
                if self.superseded.contains(&place) || !replacing.is_left(&place) {
                    continue;
                }
                match replacing.why_held(&place, &old.row) {
                    Some(why) => held.push((old, why)),
                    None => going.push(old),
                }
            }
        }
        let others = self.delivered_elsewhere(&going)?;
        for old in going {
            match others.get(&old.row.content_id()) {
                Some(other) => held.push((old, format!("`{other}` has it too, and is not replaced"))),
                None => self.take_back(&old, record),
            }
        }
        if let Some(replacing) = &mut self.replacing {
            replacing.note_held(held.into_iter().map(|(KnownPlace { row, file_id, .. }, why)| {
                let UsageRow { account_id, record_id, line, .. } = row;
                HeldRow { file_id, line, account_id, record_id, why }
            }));
        }
        Ok(())
    }

    /// Which of these rows another delivery has too: they were duplicates there, and only its bytes say which.
    fn delivered_elsewhere(&self, rows: &[KnownPlace]) -> Result<HashMap<String, String>, Failure> {
        let (store, mut found) = (self.books.store(), HashMap::new());
        let (Some(replacing), false) = (&self.replacing, rows.is_empty()) else { return Ok(found) };
        let contents: HashSet<String> = rows.iter().map(|old| old.row.content_id()).collect();
        let replaced: HashSet<String> = store.replacements()?.into_iter().map(|known| known.replaced).collect();
        let may_have = |file: &InputFile| {
            let is_other = file.file_id != self.taken.file_id && !replacing.has_file(&file.file_id);
            is_other
                && file.kind == TableKind::Usage.as_str()
                && file.duplicates > 0
                && !replaced.contains(&file.file_id)
                && !is_retake(file)
        };
        let context = super::row_context(self.books, &|_| None);
        for file in store.input_files()?.into_iter().filter(may_have) {
            let mut batches = self.raw_batches(&file.file_id)?;
            while let Some(batch) = batches.next()? {
                for row in batch.rows().filter_map(|raw| usage::parse(&raw, &context).ok()) {
                    let content = row.content_id();
                    if contents.contains(&content) {
                        found.insert(content, format!("{}:{}", file.name, row.line));
                    }
                }
            }
        }
        Ok(found)
    }

    fn take_back(&mut self, old: &KnownPlace, record: &mut IngestRecord) {
        if let Some(replacing) = &mut self.replacing {
            replacing.note_taken_back();
        }
        self.superseded.insert(old.place());
        record.superseded.push(old.superseded(&self.taken.file_id, 0));
        self.touch(&old.row);
        self.count(&old.row, Column::TakenBack);
    }

    /// What waits in quarantine of the old file is dealt with by the new one.
    pub(super) fn supersede_items(&mut self, record: &mut IngestRecord) -> Result<(), Failure> {
        let Some(replacing) = &self.replacing else { return Ok(()) };
        let is_old = |item: &QuarantineItem| item.status == "open" && replacing.has_file(&item.file_id);
        let items: Vec<QuarantineItem> = self.books.store().quarantine()?.into_iter().filter(is_old).collect();
        self.release(&items)?;
        record.resolved_items.extend(items.into_iter().map(|item| (item.item_id, "superseded".to_owned())));
        Ok(())
    }

    /// Before rows of a file that replaced another are taken again: which of the old rows the file says the same as.
    pub(super) fn find_kept(&mut self, file_id: &str) -> Result<(), Failure> {
        let mut batches = self.raw_batches(file_id)?;
        while let Some(batch) = batches.next()? {
            self.keep_batch(&batch, &mut IngestRecord::default(), None)?;
        }
        Ok(())
    }

    /// The rows of a usage file that was taken before.
    fn raw_batches(&self, file_id: &str) -> Result<RawBatches, Failure> {
        let path = self.books.session.home.raw().join(file_id);
        let options = self.books.read_options();
        match read::open(read::Source::Path(path.clone()), TableKind::Usage, &options) {
            Ok(reader) => Ok(RawBatches { reader, path }),
            Err(refusal) => Err(Failure::failed(refusal.detail).at(path.display())),
        }
    }

    /// Whether the new file has this old row as it is.
    pub(super) fn is_kept_line(&self, line: u64) -> bool {
        self.replacing.as_ref().is_some_and(|replacing| replacing.kept_lines.contains(&line))
    }
}

/// The batches of a file that was read to its end before.
struct RawBatches {
    reader: Box<dyn read::RowReader>,
    path: PathBuf,
}

impl RawBatches {
    fn next(&mut self) -> Result<Option<Batch>, Failure> {
        self.reader.next_batch().map_err(|refusal| Failure::failed(refusal.detail).at(self.path.display()))
    }
}

impl Candidate<'_> {
    /// The row's key.
    pub(super) fn key(&self) -> RecordKey {
        (self.row.account_id.clone(), self.row.record_id.clone())
    }
}

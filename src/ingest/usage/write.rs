//! Accepted rows, written to the lake: a file a day, named for the delivery that brought them.

use super::Intake;
use super::known::KnownFile;
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::lake;
use reckoner_core::table::UsageRow;
use reckoner_core::time::Window;
use reckoner_frames::write_rows;
use reckoner_store::{IngestRecord, LakeFile, LakeKind};
use std::collections::BTreeMap;

impl Intake<'_> {
    /// Writes the accepted rows to the lake, a file a day.
    pub(super) fn write(&mut self, accepted: Vec<UsageRow>, record: &mut IngestRecord) -> Result<(), Failure> {
        let mut by_day: BTreeMap<String, Vec<UsageRow>> = BTreeMap::new();
        for row in accepted {
            by_day.entry(self.books.zone.date_of(row.started_at).to_string()).or_default().push(row);
        }
        for (day, rows) in by_day {
            let start = rows.iter().map(|row| row.started_at).min().expect("a day has rows");
            let end = rows.iter().map(|row| row.ended_at).max().expect("a day has rows");
            let count = rows.len() as u64;
            let (folder, source) = (format!("rows/day={day}"), super::super::replace::short(&self.taken.file_id));
            let placed = lake::place_of(&self.books.lake(), &folder, source, "parquet", |path| {
                write_rows(rows, path).map(|written| written.bytes)
            })?;
            faults::pass(Point::IngestRowFilePlaced)?;
            let file = LakeFile {
                path: placed.path,
                kind: LakeKind::Rows,
                seq: 0,
                file_id: self.taken.file_id.clone(),
                companion: String::new(),
                counts_units: false,
                rows: count,
                bytes: placed.bytes,
                sha256: placed.sha256,
                span: Window::new(start, end),
            };
            self.files.push(KnownFile { rows: self.books.row_file(&file), span: file.span, identities: None });
            record.row_files.push(file);
        }
        Ok(())
    }
}

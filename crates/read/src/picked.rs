//! Some lines of a text file: the others are read and passed over.

use super::batch::Batch;
use super::{FileRefusal, Format, RowReader};
use reckoner_core::table::TableKind;

pub(super) struct Picked {
    reader: Box<dyn RowReader>,
    kind: TableKind,
    /// Lines that are wanted and not handed out yet, the last first.
    wanted: Vec<u64>,
}

impl Picked {
    pub(super) fn new(reader: Box<dyn RowReader>, kind: TableKind, lines: &[u64]) -> Self {
        Self { reader, kind, wanted: lines.iter().rev().copied().collect() }
    }

    /// Of the batch what is wanted; rows and refused records ascend each, and no line has both.
    fn pick(&mut self, batch: &Batch) -> Batch {
        let places: Vec<Option<usize>> = (0..self.kind.schema().columns.len()).map(Some).collect();
        let mut picked = Batch::new(self.kind.schema());
        let mut refused = batch.refused().iter().peekable();
        let mut row = 0;
        while let Some(line) = self.wanted.last().copied() {
            row += batch.lines()[row..].partition_point(|seen| *seen < line);
            while refused.next_if(|row| row.line < line).is_some() {}
            if batch.lines().get(row) == Some(&line) {
                picked.push_row(line, &places, batch.columns().iter().map(|column| column.get(row)));
            } else if let Some(record) = refused.next_if(|row| row.line == line) {
                picked.refuse(line, record.refusal.clone(), record.raw.clone());
            } else {
                break;
            }
            self.wanted.pop();
        }
        picked
    }
}

impl RowReader for Picked {
    fn format(&self) -> Format {
        self.reader.format()
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, FileRefusal> {
        while let Some(line) = self.wanted.last().copied() {
            let Some(batch) = self.reader.next_batch()? else {
                self.wanted.clear();
                return Err(line_is_gone(line));
            };
            let picked = self.pick(&batch);
            if !picked.has_nothing() {
                return Ok(Some(picked));
            }
        }
        Ok(None)
    }
}

/// A refusal for a line that was there when the file was read before.
pub(super) fn line_is_gone(line: u64) -> FileRefusal {
    let detail = format!("the file has no record on line {line} any more: it changed while it was read; send it again, complete");
    FileRefusal::new("unreadable", detail)
}

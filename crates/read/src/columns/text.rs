//! Rows of text cells, read into columns: CSV and NDJSON take this way.

use super::super::batch::Batch;
use super::super::{FileRefusal, RowReader};
use super::UsageReader;
use super::build::Builder;
use arrow::array::{ArrayRef, RecordBatch};
use reckoner_core::table::{TableKind, UsageColumns};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Batches that are read before they are asked for.
const BATCHES_AHEAD: usize = 4;

/// A reader of text, handing out columns. The text is read by a thread of its own, ahead of what is made of it.
pub(super) struct TextColumnsReader {
    ahead: Receiver<Result<Option<Batch>, FileRefusal>>,
    reading: Option<JoinHandle<()>>,
    columns: UsageColumns,
}

impl TextColumnsReader {
    pub(super) fn new(mut rows: Box<dyn RowReader>) -> Self {
        let (give, ahead) = sync_channel(BATCHES_AHEAD);
        let reading = std::thread::spawn(move || {
            loop {
                let batch = rows.next_batch();
                let is_last = !matches!(batch, Ok(Some(_)));
                // Where nobody listens any more, nobody wants to know the rest.
                if give.send(batch).is_err() || is_last {
                    return;
                }
            }
        });
        Self { ahead, reading: Some(reading), columns: UsageColumns::default() }
    }
}

impl UsageReader for TextColumnsReader {
    fn next_columns(&mut self) -> Result<Option<&UsageColumns>, FileRefusal> {
        let Ok(batch) = self.ahead.recv() else {
            // It has said its last, or has panicked.
            let panicked = self.reading.take().and_then(|reading| reading.join().err());
            return panicked.map_or(Ok(None), |panic| std::panic::resume_unwind(panic));
        };
        let Some(batch) = batch? else { return Ok(None) };
        self.columns = columns(batch);
        Ok(Some(&self.columns))
    }
}

/// The rows as columns, with an unread row where a record is none.
fn columns(batch: Batch) -> UsageColumns {
    let (lines, cells) = batch.with_gaps();
    let named = TableKind::Usage.schema().columns.iter().map(|column| column.name.as_str()).zip(cells);
    let named = named.filter(|(_, cells)| cells.ends().len() == lines.len());
    let (names, arrays): (Vec<&str>, Vec<ArrayRef>) =
        named.map(|(name, cells)| (name, Arc::new(cells.into_strings()) as ArrayRef)).unzip();
    let mut builder = Builder::new(names.iter().copied(), 0);
    builder.push(&RecordBatch::try_from_iter(names.into_iter().zip(arrays)).expect("columns of one length"));
    UsageColumns { lines, ..builder.into_columns() }
}

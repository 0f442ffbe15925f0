//! What the readers' tests share.

use super::{Batch, FileRefusal, ReadOptions, RowReader, Source, open};
use reckoner_core::table::TableKind;

pub(super) type Opened = Result<Box<dyn RowReader>, FileRefusal>;

pub(super) fn open_bytes(bytes: &[u8], kind: TableKind) -> Opened {
    open(Source::Bytes(bytes.to_vec()), kind, &ReadOptions::default())
}

/// Every batch of the file.
pub(super) fn drain(opened: Opened) -> Result<Vec<Batch>, FileRefusal> {
    let (mut reader, mut batches) = (opened?, Vec::new());
    while let Some(batch) = reader.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

/// What came of a file: `line:first cell` of its rows, `!line:code` of its refused records; or the file's code.
pub(super) fn rows_text(opened: Opened) -> String {
    let batches = match drain(opened) {
        Ok(batches) => batches,
        Err(refusal) => return refusal.reason.to_owned(),
    };
    let rows = batches.iter().flat_map(|batch| batch.lines().iter().zip(batch.cells(0)).map(|(line, id)| format!("{line}:{id}")));
    let refused = batches.iter().flat_map(Batch::refused).map(|row| format!("!{}:{}", row.line, row.refusal.reason));
    rows.chain(refused).collect::<Vec<_>>().join(" ")
}

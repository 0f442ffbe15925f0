//! What comes out of a reader, watched for what no producer means: one row over and over, and thousands of records that are
//! no rows. Small batches are joined into what the caller asked for.
//!
//! A few kilobytes can become millions of rows in any packing, and every row that is refused is kept. What is alike costs its
//! sender nothing, so that is where the line is drawn; rows that differ are bounded by the bytes that they came in.

use super::batch::{BATCH_BYTES_MAX, Batch};
use super::{FileRefusal, Format, RowReader};

/// So many rows in a row may be the same in every cell. Duplicates are harmless, and nobody sends ten thousand of one.
pub(super) const REPEATS_MAX: u64 = 10_000;
/// So many records of a file may be no rows: beyond it has another separator, or is another table.
const UNREADABLE_MAX: usize = 50_000;
/// So many bytes of them are kept.
const UNREADABLE_BYTES_MAX: usize = 4 * BATCH_BYTES_MAX;

pub(super) struct Watched {
    /// Nothing once the file is read or refused.
    reader: Option<Box<dyn RowReader>>,
    format: Format,
    batch_rows: usize,
    /// Whether rows are missing between those that come: then only rows on lines that follow each other repeat.
    is_picked: bool,
    last_line: u64,
    /// Read, and too long for the batch before it.
    pending: Option<Batch>,
    /// The cells of the row before, and how many before it were the same.
    last_row: Vec<String>,
    repeats: u64,
    unreadable: usize,
    unreadable_bytes: usize,
}

impl Watched {
    pub(super) fn new(reader: Box<dyn RowReader>, batch_rows: usize) -> Self {
        Self {
            format: reader.format(),
            reader: Some(reader),
            batch_rows,
            is_picked: false,
            last_line: 0,
            pending: None,
            last_row: Vec::new(),
            repeats: 0,
            unreadable: 0,
            unreadable_bytes: 0,
        }
    }

    /// For a reader of some of the rows of a Parquet file.
    pub(super) fn picked(reader: Box<dyn RowReader>, batch_rows: usize) -> Self {
        Self { is_picked: true, ..Self::new(reader, batch_rows) }
    }

    fn read(&mut self) -> Result<Option<Batch>, FileRefusal> {
        if let Some(pending) = self.pending.take() {
            return Ok(Some(pending));
        }
        // Taken out, so that after a refusal nothing more is handed out.
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        let batch = reader.next_batch()?;
        if let Some(batch) = &batch {
            self.check_unreadable(batch)?;
            self.check_repeats(batch)?;
            self.reader = Some(reader);
        }
        Ok(batch)
    }

    fn check_unreadable(&mut self, batch: &Batch) -> Result<(), FileRefusal> {
        self.unreadable += batch.refused().len();
        let texts = batch.refused().iter().flat_map(|row| &row.raw);
        self.unreadable_bytes += texts.map(|(_, text)| text.len()).sum::<usize>();
        let seen = if self.unreadable > UNREADABLE_MAX {
            format!("more than {UNREADABLE_MAX} records")
        } else if self.unreadable_bytes > UNREADABLE_BYTES_MAX {
            format!("records of more than {} MiB", UNREADABLE_BYTES_MAX >> 20)
        } else {
            return Ok(());
        };
        let last = batch.refused().last().expect("they have just become too many");
        let detail = format!(
            "{seen} are no rows of the table, the last on line {}: {}; the file is damaged or holds something else",
            last.line, last.refusal.detail
        );
        Err(FileRefusal::new("unreadable_records", detail))
    }

    fn check_repeats(&mut self, batch: &Batch) -> Result<(), FileRefusal> {
        let Some(last) = batch.len().checked_sub(1) else { return Ok(()) };
        for row in 0..batch.len() {
            let is_same = match row {
                0 => batch.columns().iter().map(|column| column.get(0)).eq(self.last_row.iter().map(String::as_str)),
                _ => batch.columns().iter().all(|column| column.get(row - 1) == column.get(row)),
            };
            let line = batch.lines()[row];
            let is_next = !self.is_picked || line == self.last_line + 1;
            self.last_line = line;
            self.repeats = if is_same && is_next { self.repeats + 1 } else { 0 };
            if self.repeats >= REPEATS_MAX {
                return Err(repeated(line));
            }
        }
        self.last_row = batch.columns().iter().map(|column| column.get(last).to_owned()).collect();
        Ok(())
    }
}

/// A refusal for one row over and over, the last time on this line.
pub(super) fn repeated(line: u64) -> FileRefusal {
    let detail = format!(
        "the {REPEATS_MAX} rows before line {line} are the same in every cell; no meter writes so, look at what is inside"
    );
    FileRefusal::new("repeated_rows", detail)
}

impl RowReader for Watched {
    fn format(&self) -> Format {
        self.format
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, FileRefusal> {
        let Some(mut batch) = self.read()? else { return Ok(None) };
        while !batch.is_full(self.batch_rows)
            && let Some(next) = self.read()?
        {
            if !batch.has_room_for(&next, self.batch_rows) {
                self.pending = Some(next);
                break;
            }
            batch.append(next);
        }
        Ok(Some(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{drain, open_bytes};
    use super::*;
    use reckoner_core::table::TableKind;

    const HEADER: &str = "entry_id,account_id,kind,amount,at\n";

    /// How many rows and refused records come out, or the code.
    fn seen(body: &str) -> String {
        match drain(open_bytes(format!("{HEADER}{body}").as_bytes(), TableKind::Funds)) {
            Ok(batches) => {
                let refused: usize = batches.iter().map(|batch| batch.refused().len()).sum();
                format!("{} and {refused}", batches.iter().map(Batch::len).sum::<usize>())
            }
            Err(refusal) => refusal.reason.to_owned(),
        }
    }

    #[test]
    fn one_row_over_and_over_refuses_the_file() {
        let row = |id: &str| format!("{id},a,top_up,1,t\n");
        let many = REPEATS_MAX as usize;
        assert_eq!(seen(&row("f1").repeat(many)), "10000 and 0");
        assert_eq!(seen(&row("f1").repeat(many + 1)), "repeated_rows");
        // What stands between them begins the count anew.
        let apart = row("f1").repeat(many) + &row("f2") + &row("f1").repeat(many);
        assert_eq!(seen(&apart), "20001 and 0");
        assert_eq!(seen(&(apart + &row("f1"))), "repeated_rows");
    }

    #[test]
    fn records_that_are_no_rows_are_counted_and_weighed() {
        assert_eq!(seen(&"f1,a\n".repeat(UNREADABLE_MAX)), "0 and 50000");
        assert_eq!(seen(&"f1,a\n".repeat(UNREADABLE_MAX + 1)), "unreadable_records");
        let long = format!("f1,{}\n", "x".repeat(60_000));
        let fitting = UNREADABLE_BYTES_MAX / (long.len() - 2);
        assert_eq!(seen(&long.repeat(fitting)), format!("0 and {fitting}"));
        assert_eq!(seen(&long.repeat(fitting + 1)), "unreadable_records");
    }
}

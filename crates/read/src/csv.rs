//! CSV, RFC 4180: a header, then records; commas, quotes, any line break of LF and CRLF.

use super::batch::{Batch, kept};
use super::input::Input;
use super::sieve::Sieve;
use super::{FileRefusal, Format, ReadOptions, RowReader};
use csv::{Reader, ReaderBuilder, StringRecord, Terminator};
use reckoner_core::table::schema::{Layout, TableSchema};
use reckoner_core::table::{FIELD_BYTES_MAX, Refusal};

/// Fields of a record that does not fit its header are kept up to this many.
const KEPT_FIELDS_MAX: usize = 64;

pub(super) struct CsvReader {
    schema: &'static TableSchema,
    header: Vec<String>,
    layout: Layout,
    reader: Reader<Sieve<Input>>,
    record: StringRecord,
    batch_rows: usize,
    is_done: bool,
}

impl CsvReader {
    pub(super) fn open(mut input: Input, schema: &'static TableSchema, options: &ReadOptions) -> Result<Self, FileRefusal> {
        Sieve::new(&mut input).check_all()?;
        input.rewind()?;

        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(64 * 1024)
            .from_reader(Sieve::new(input));
        let mut record = StringRecord::new();
        if !reader.read_record(&mut record).map_err(refusal)? {
            return Err(FileRefusal::new("empty_file", "the file has no header; expected one and rows"));
        }
        let header: Vec<String> = record.iter().map(str::to_owned).collect();
        let layout = schema.layout(&header, &options.ignored_columns)?;
        Ok(Self { schema, header, layout, reader, record, batch_rows: options.batch_rows, is_done: false })
    }

    /// The line on which the record just read begins. The reader stands behind its line break, and blank lines before a
    /// record are passed over without a word: so it is counted back from the end.
    fn line(&self) -> u64 {
        let breaks_inside = self.record.as_slice().bytes().filter(|byte| *byte == b'\n').count() as u64;
        self.reader.position().line() - 1 - breaks_inside
    }

    fn take_record(&self, batch: &mut Batch) {
        let (line, record) = (self.line(), &self.record);
        if record.len() != self.header.len() {
            let refusal = Refusal::wrong_field_count(record.len(), self.header.len());
            let fields = record.iter().take(KEPT_FIELDS_MAX).enumerate();
            let raw = fields.map(|(index, field)| (format!("field {}", index + 1), kept(field))).collect();
            return batch.refuse(line, refusal, raw);
        }
        let mut columns = self.layout.places.iter().zip(record.iter());
        let too_long = columns.find(|(place, field)| place.is_some() && field.len() > FIELD_BYTES_MAX);
        match too_long {
            None => batch.push_row(line, &self.layout.places, record.iter()),
            Some((place, field)) => {
                let column = &self.schema.columns[place.expect("found among the table's columns")].name;
                batch.refuse(line, Refusal::field_too_long(column, field), self.raw(record));
            }
        }
    }

    fn raw(&self, record: &StringRecord) -> Vec<(String, String)> {
        let fields = self.header.iter().zip(&self.layout.places).zip(record.iter());
        fields.filter(|((_, place), _)| place.is_some()).map(|((name, _), field)| (name.clone(), kept(field))).collect()
    }
}

impl RowReader for CsvReader {
    fn format(&self) -> Format {
        Format::Csv
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, FileRefusal> {
        let mut batch = Batch::new(self.schema);
        while !self.is_done && !batch.is_full(self.batch_rows) {
            // Done until proven otherwise: after an error nothing more is handed out.
            self.is_done = true;
            if self.reader.read_record(&mut self.record).map_err(refusal)? {
                self.is_done = false;
                self.take_record(&mut batch);
            }
        }
        Ok((!batch.has_nothing()).then_some(batch))
    }
}

/// The sieve's own words where it refused; the file was checked before, so anything else means that it changed since.
fn refusal(error: csv::Error) -> FileRefusal {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => FileRefusal::of(&error),
        _ => FileRefusal::new("malformed_csv", format!("the file cannot be read as CSV: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{drain, open_bytes, rows_text};
    use super::super::{ReadOptions, Source, open};
    use super::*;
    use reckoner_core::table::TableKind;

    const HEADER: &str = "entry_id,account_id,kind,amount,at";

    fn funds(body: &str) -> Vec<u8> {
        format!("{HEADER}\n{body}").into_bytes()
    }

    #[test]
    fn rows_keep_their_lines() {
        let cases = [
            ("f1,a,top_up,1,t\nf2,a,top_up,2,t\n", "2:f1 3:f2"),
            ("\n\nf1,a,top_up,1,t\n\nf2,a,top_up,2,t\n", "4:f1 6:f2"), // blank lines are lines
            ("f1,\"a\nb\nc\",top_up,1,t\nf2,a,top_up,2,t\n", "2:f1 5:f2"), // so are line breaks inside quotes
            ("f1,a,top_up,1,t\nf2,a\nf3,a,top_up,3,t\n", "2:f1 4:f3 !3:wrong_field_count"),
            ("f1,a,top_up,1,t,\n", "!2:wrong_field_count"), // a comma too many
            (" \nf1,a,top_up,1,t\n", "3:f1 !2:wrong_field_count"), // a blank is a field
            ("", ""),
        ];
        for (body, expected) in cases {
            for breaks in ["\n", "\r\n"] {
                for mark in ["", "\u{feff}"] {
                    let text = format!("{mark}{HEADER}\n{body}").replace('\n', breaks);
                    assert_eq!(
                        rows_text(open_bytes(text.as_bytes(), TableKind::Funds)),
                        expected,
                        "{body:?} {breaks:?} {mark:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn cells_belong_to_their_columns_in_any_order() {
        let text = b"at,amount,kind,account_id,entry_id,note\nt,1,top_up,a,f1,\"say \"\"hi\"\", you\"\n";
        let batch = drain(open_bytes(text, TableKind::Funds)).expect("right").remove(0);
        let row = batch.row(0);
        assert_eq!((row.get("entry_id"), row.get("at"), row.get("note")), ("f1", "t", "say \"hi\", you"));
        assert_eq!(row.get("currency"), ""); // not in the file
        assert_eq!(batch.cells(0).collect::<Vec<_>>(), ["f1"]);
    }

    #[test]
    fn a_file_that_cannot_be_trusted_is_refused_whole() {
        let cases: &[(&[u8], &str)] = &[
            (b"\n\n", "empty_file"),
            (b"entry_id,account_id,kind,amount\n", "missing_column"),
            (b"entry_id,account_id,kind,amount,at,at\n", "duplicate_column"),
            (b"entry_id,account_id,kind,amount,at,memo\n", "unknown_column"),
            (b"entry_id;account_id;kind;amount;at\n", "unknown_column"), // a spreadsheet's semicolons
            (&funds("f1,a,top_up,1,t\nf2,a,top_up,12"), "truncated"),
            (&funds("f1,\"a,top_up,1,t\n"), "unclosed_quote"),
            (&funds("f1,a,top_up,1,\0\n"), "invalid_encoding"),
            (&[&funds("f1,a,top_up,1,t\n"), &b"\xff\n"[..]].concat(), "invalid_encoding"),
        ];
        for (bytes, expected) in cases {
            let refusal = open_bytes(bytes, TableKind::Funds).err().map(|refusal| refusal.reason);
            assert_eq!(refusal, Some(*expected), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_truncated_file_never_opens_but_at_a_line_break() {
        let whole = funds("f1,a,top_up,100,2026-01-01T00:00:00Z\nf2,\"b\",grant,2,2026-01-01T00:00:00Z\n");
        for length in 0..whole.len() {
            let opens = open_bytes(&whole[..length], TableKind::Funds).is_ok();
            assert_eq!(opens, length > 0 && whole[length - 1] == b'\n', "{length}"); // what is lost there only a row count tells
        }
    }

    #[test]
    fn a_field_beyond_64_kib_refuses_its_row_alone() {
        let body = |length: usize| format!("f1,a,top_up,1,t,{}\nf2,a,top_up,1,t,\n", "x".repeat(length));
        let read = |length: usize| {
            let text = format!("{HEADER},note\n{}", body(length));
            rows_text(open_bytes(text.as_bytes(), TableKind::Funds))
        };
        assert_eq!(read(FIELD_BYTES_MAX - 1), "2:f1 3:f2");
        assert_eq!(read(FIELD_BYTES_MAX), "2:f1 3:f2");
        assert_eq!(read(FIELD_BYTES_MAX + 1), "3:f2 !2:field_too_long");
    }

    #[test]
    fn a_refused_record_is_refused_again_when_it_is_taken_again() {
        use reckoner_core::table::{Context, RawRow, funds};
        let schema = TableKind::Funds.schema();
        let text = format!(
            "{HEADER},note\nf1,a,top_up,1,2026-01-01T00:00:00Z\nf2,a,top_up,1,2026-01-01T00:00:00Z,{}\n",
            "x".repeat(70_000)
        );
        let batch = drain(open_bytes(text.as_bytes(), TableKind::Funds)).expect("right").remove(0);
        let [short, long] = batch.refused() else { panic!("two records are refused") };
        // Only the note is missing from the first: read by column names it would pass.
        assert!(RawRow::from_pairs(schema, short.line, &short.raw).is_err());
        let row = RawRow::from_pairs(schema, long.line, &long.raw).expect("its columns are the table's");
        assert_eq!(funds::parse(&row, &Context::new("CNY")).expect_err("still too long").reason, "field_too_long");
    }

    #[test]
    fn batches_are_bounded_and_lose_nothing() {
        let body: String = (0..1_000).map(|n| format!("f{n},a,top_up,1,t\n")).collect();
        for batch_rows in [0, 1, 7, 1_000, 8_192] {
            let options = ReadOptions { batch_rows, ..ReadOptions::default() };
            let batches = drain(open(Source::Bytes(funds(&body)), TableKind::Funds, &options)).expect("right");
            assert!(batches.iter().all(|batch| batch.len() <= batch_rows.max(1)));
            let ids: Vec<String> = batches.iter().flat_map(|batch| batch.cells(0).map(str::to_owned)).collect();
            assert_eq!(ids, (0..1_000).map(|n| format!("f{n}")).collect::<Vec<_>>());
        }
    }

    #[test]
    fn listed_columns_are_passed_over() {
        let text = format!("{HEADER},memo\nf1,a,top_up,1,t,{}\n", "x".repeat(70_000));
        let options = ReadOptions { ignored_columns: vec!["memo".to_owned()], ..ReadOptions::default() };
        assert_eq!(rows_text(open(Source::Bytes(text.into_bytes()), TableKind::Funds, &options)), "2:f1");
    }
}

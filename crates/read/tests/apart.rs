//! Files decoded by a second process, which is this program once more: what comes through is what one process reads.

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if args.get(1).is_some_and(|word| word == reckoner_read::DECODE_WORD) {
        return std::process::ExitCode::from(reckoner_read::decode(&args[2..]));
    }
    apart::columns_and_parts_are_those_of_one_process();
    apart::picked_lines_are_those_of_one_process();
    apart::a_file_is_refused_for_the_same_reason();
    println!("columns, parts, picked lines and refusals: ok");
    std::process::ExitCode::SUCCESS
}

#[cfg(unix)]
mod apart {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use reckoner_core::table::{TableKind, UsageColumns};
    use reckoner_read::{FileRefusal, ReadOptions, Source, UsageParts, open_lines, open_usage, usage_parts};
    use std::ops::Range;
    use std::sync::Arc;

    const ROWS: usize = 300_000;

    fn apart() -> ReadOptions {
        ReadOptions { decoder: std::env::current_exe().ok(), ..ReadOptions::default() }
    }

    fn file() -> Vec<u8> {
        file_with(true)
    }

    /// Usage in seven row groups; every thousandth quantity is negative. Without dictionaries all ids lie in plain pages.
    fn file_with(has_dictionaries: bool) -> Vec<u8> {
        let texts = |text: fn(usize) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..ROWS).map(text))) };
        let at = |length: i64| -> ArrayRef {
            let at = (0..ROWS as i64).map(|row| (1_767_571_200 + row / 7 + length) * 1_000_000);
            Arc::new(TimestampMicrosecondArray::from_iter_values(at).with_timezone("UTC"))
        };
        let quantity = (0..ROWS as i64).map(|row| if row % 1_000 == 999 { -1 } else { row % 5 });
        let columns: [(&str, ArrayRef); 7] = [
            ("record_id", texts(|row| format!("rec-{row:09}"))),
            ("account_id", texts(|row| format!("acct-{}", row * 7 % 1_000))),
            ("resource_id", texts(|row| format!("vol-{}", row * 31 % 100_000))),
            ("sku", texts(|row| format!("sku-{}", row % 3))),
            ("started_at", at(0)),
            ("ended_at", at(60)),
            ("quantity", Arc::new(Int64Array::from_iter_values(quantity))),
        ];
        written(columns, has_dictionaries)
    }

    fn written<const COLUMNS: usize>(columns: [(&str, ArrayRef); COLUMNS], has_dictionaries: bool) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(45_000))
            .set_dictionary_enabled(has_dictionaries)
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("closed");
        bytes
    }

    fn read(bytes: &[u8], options: &ReadOptions, part: Option<Range<usize>>) -> Result<Vec<UsageColumns>, FileRefusal> {
        let mut reader = open_usage(Source::Bytes(bytes.to_vec()), options, part)?;
        let mut read = Vec::new();
        while let Some(columns) = reader.next_columns()? {
            read.push(columns.clone());
        }
        Ok(read)
    }

    pub fn columns_and_parts_are_those_of_one_process() {
        let [plain, coded] = [false, true].map(|has_dictionaries| in_parts(&file_with(has_dictionaries)));
        assert_eq!(plain.len(), coded.len());
        for (plain, coded) in plain.iter().zip(&coded) {
            assert!(plain.record_id == coded.record_id && plain.unread == coded.unread && plain.ended_at == coded.ended_at);
            assert!((0..plain.len()).all(|row| plain.resource_id.get(row) == coded.resource_id.get(row)));
        }
    }

    /// Reads the file whole and in parts, here and apart; hands back what it is.
    fn in_parts(bytes: &[u8]) -> Vec<UsageColumns> {
        let inside = ReadOptions::default();
        let expected = read(bytes, &inside, None).expect("sound");
        assert_eq!(expected.iter().map(UsageColumns::len).sum::<usize>(), ROWS);
        assert_eq!(expected.iter().map(|columns| columns.unread.len()).sum::<usize>(), ROWS / 1_000);
        assert_eq!(read(bytes, &apart(), None).as_ref(), Ok(&expected));

        let parts = usage_parts(Source::Bytes(bytes.to_vec()), &apart()).expect("sound");
        assert_eq!(parts, usage_parts(Source::Bytes(bytes.to_vec()), &inside).expect("sound"));
        assert_eq!(parts, UsageParts::RowGroups([&[45_000; 6][..], &[30_000]].concat()));
        for part in [0..3, 3..7, 7..7] {
            let expected = read(bytes, &inside, Some(part.clone())).expect("sound");
            assert_eq!(read(bytes, &apart(), Some(part)), Ok(expected));
        }
        assert_eq!(read(bytes, &apart(), Some(5..8)).expect_err("seven groups").reason, "unreadable");
        expected
    }

    pub fn picked_lines_are_those_of_one_process() {
        let bytes = file();
        let wanted: Vec<u64> = (1..=ROWS as u64).filter(|line| line % 3 == 0).collect();
        let picked = |options: &ReadOptions| {
            let mut reader = open_lines(Source::Bytes(bytes.clone()), TableKind::Usage, options, &wanted).expect("sound");
            let mut rows = Vec::new();
            while let Some(batch) = reader.next_batch().expect("sound") {
                rows.extend(batch.rows().map(|row| (row.line(), row.get("record_id").to_owned())));
            }
            rows
        };
        let rows = picked(&apart());
        assert!(rows.iter().all(|(line, id)| *id == format!("rec-{:09}", line - 1)));
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), wanted);
        assert_eq!(rows, picked(&ReadOptions::default()));
    }

    pub fn a_file_is_refused_for_the_same_reason() {
        let sound = file();
        let unlike: [(&str, ArrayRef); 1] = [("record_id", Arc::new(StringArray::from(vec!["r1"])))];
        let mut flipped = sound.clone();
        flipped[sound.len() / 2] ^= 0xff;
        let same = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; 10_001])) };
        let ids = ["record_id", "account_id", "resource_id", "sku"].map(|name| (name, same("x")));
        let at = ["started_at", "ended_at"].map(|name| (name, same("2026-01-05T00:00:00Z")));
        let [a, b, c, d] = ids;
        let [e, f] = at;
        let repeated = written([a, b, c, d, e, f], true);
        let cases: [(&[u8], Option<&str>); 5] = [
            (&sound[..sound.len() - 1], Some("corrupt")),
            (&[&sound[..sound.len() / 2], b"PAR1"].concat(), Some("corrupt")),
            (&written(unlike, true), Some("missing_column")),
            (&repeated, Some("repeated_rows")),
            (&flipped, None), // whatever it says now
        ];
        for (bytes, expected) in cases {
            let inside = read(bytes, &ReadOptions::default(), None);
            let outside = read(bytes, &apart(), None);
            assert_eq!(outside, inside);
            if let Some(expected) = expected {
                assert_eq!(inside.err().map(|refusal| refusal.reason), Some(expected));
            }
        }
    }
}

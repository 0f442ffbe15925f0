//! Usage files with columns of every type that a writer may choose, and cells of every kind that may stand in them.

use arrow::array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Decimal256Array, DictionaryArray, Int8Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Field, Int8Type, Int32Type, Schema, i256};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterVersion};
use std::sync::Arc;

/// Numbers that look like chance and are the same in every run.
pub(in super::super) struct Chance(u64);

impl Chance {
    pub(in super::super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(in super::super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// Makes a column of so many rows, of whose cells one in so many is odd.
type Make = fn(&mut Chance, usize, u64) -> ArrayRef;

const FIRST: i64 = 1_767_571_200; // 2026-01-05T00:00:00Z

/// A file of up to 300 rows; about half of them are plain and can be read.
pub(in super::super) fn file(seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let rows = 1 + chance.below(300) as usize;
    // Cells that are wrong are rare enough for rows to be right.
    let odd = [8, 100, 1_000][chance.below(3) as usize];
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for name in ["record_id", "account_id", "resource_id", "sku"] {
        columns.push((name, ids(&mut chance, rows, odd, name == "record_id")));
    }
    columns.push(("started_at", instants(&mut chance, rows, odd, 0)));
    columns.push(("ended_at", instants(&mut chance, rows, odd, 3_600)));
    let optional: [(&str, Make); 7] = [
        ("quantity", quantities),
        ("region", texts),
        ("resource_name", texts),
        ("tags", tags),
        ("revision", revisions),
        ("corrects", |chance, rows, odd| {
            strings(chance, rows, |chance| if chance.one_in(odd) { Some("r0".into()) } else { None })
        }),
        ("waived", waived),
    ];
    for (name, make) in optional {
        match chance.below(8) {
            0..4 => columns.push((name, make(&mut chance, rows, odd))),
            4 => columns.push((name, Arc::new(NullArray::new(rows)))),
            _ => {}
        }
    }
    written(&columns, properties(&mut chance))
}

/// A file whose rows are the same in runs of these lengths.
pub(in super::super) fn repeated(runs: &[usize]) -> Vec<u8> {
    let ids = runs.iter().enumerate().flat_map(|(run, length)| std::iter::repeat_n(format!("r{run}"), *length));
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    simple(ids, None)
}

/// A file with a name of 60 KB in every row, each another.
pub(in super::super) fn long_names(rows: usize) -> Vec<u8> {
    let ids = StringArray::from_iter_values((0..rows).map(|row| format!("r{row}")));
    let names = StringArray::from_iter_values((0..rows).map(|row| format!("{row:060000}")));
    simple(Arc::new(ids), Some(Arc::new(names)))
}

fn simple(ids: ArrayRef, names: Option<ArrayRef>) -> Vec<u8> {
    let rows = ids.len();
    let same = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; rows])) };
    let at =
        |seconds| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![seconds * 1_000_000; rows]).with_timezone("UTC")) };
    let mut columns = vec![
        ("record_id", ids),
        ("account_id", same("a")),
        ("resource_id", same("v")),
        ("sku", same("s")),
        ("started_at", at(FIRST)),
        ("ended_at", at(FIRST + 60)),
    ];
    columns.extend(names.map(|names| ("resource_name", names)));
    written(&columns, WriterProperties::builder().set_compression(Compression::SNAPPY).build())
}

fn properties(chance: &mut Chance) -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_max_row_group_row_count(Some(1 + chance.below(300) as usize))
        .set_data_page_row_count_limit(1 + chance.below(60) as usize)
        .set_write_batch_size(1 + chance.below(60) as usize)
        .set_compression(*chance.of(&[Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(Default::default())]))
        .set_writer_version(*chance.of(&[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]));
    match chance.below(4) {
        0 => builder.set_dictionary_enabled(false).build(),
        // The dictionary is soon full: the pages behind have none.
        1 => builder.set_dictionary_page_size_limit(1 + chance.below(200) as usize).build(),
        2 => builder.set_dictionary_enabled(false).set_encoding(Encoding::PLAIN).build(),
        _ => builder.build(),
    }
}

fn written(columns: &[(&str, ArrayRef)], properties: WriterProperties) -> Vec<u8> {
    let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    bytes
}

/// A column of strings, in one of the ways in which they are kept.
fn strings(chance: &mut Chance, rows: usize, mut cell: impl FnMut(&mut Chance) -> Option<String>) -> ArrayRef {
    let cells: Vec<Option<String>> = (0..rows).map(|_| cell(chance)).collect();
    let distinct = cells.iter().flatten().collect::<std::collections::BTreeSet<_>>().len();
    let texts = cells.iter().map(Option::as_deref);
    match chance.below(5) {
        0 => Arc::new(texts.collect::<LargeStringArray>()),
        1 => Arc::new(texts.collect::<StringViewArray>()),
        2 => Arc::new(texts.collect::<DictionaryArray<Int32Type>>()),
        3 if distinct < 100 => Arc::new(texts.collect::<DictionaryArray<Int8Type>>()),
        _ => Arc::new(texts.collect::<StringArray>()),
    }
}

/// A column of numbers, of a type that is chosen by chance; what a type cannot hold is missing.
fn whole(chance: &mut Chance, rows: usize, mut cell: impl FnMut(&mut Chance) -> Option<i128>) -> ArrayRef {
    let cells: Vec<Option<i128>> = (0..rows).map(|_| cell(chance)).collect();
    macro_rules! of {
        ($array:ty) => {
            Arc::new(cells.iter().map(|cell| cell.and_then(|cell| cell.try_into().ok())).collect::<$array>())
        };
    }
    match chance.below(8) {
        0 => of!(Int8Array),
        1 => of!(Int16Array),
        2 => of!(Int32Array),
        3 => of!(UInt8Array),
        4 => of!(UInt16Array),
        5 => of!(UInt32Array),
        6 => of!(UInt64Array),
        _ => of!(Int64Array),
    }
}

/// A column of decimals, of a precision and scale that are chosen by chance.
fn decimals(chance: &mut Chance, rows: usize, odd: u64) -> ArrayRef {
    let (precision, scale) = *chance.of(&[(3, 0), (9, 2), (18, 12), (30, 12), (38, 12), (38, 13), (38, 20), (38, 38)]);
    let cells = |chance: &mut Chance| -> Option<i128> {
        let limit = 10_i128.pow(u32::from(precision));
        let value = i128::from(chance.below(1 << 31)) * i128::from(chance.below(1 << 31)) * i128::from(chance.below(1 << 31) + 1);
        match chance.below(odd) {
            0 => Some(-(value % limit)),
            1 => None,
            2 => Some(limit - 1),
            3 => Some(value % limit),
            _ => Some((value % 1_000) * 10_i128.pow((scale as u32).saturating_sub(3)) % limit),
        }
    };
    let cells: Vec<Option<i128>> = (0..rows).map(|_| cells(chance)).collect();
    if chance.one_in(3) {
        let wide = cells.into_iter().map(|cell| cell.map(i256::from_i128)).collect::<Decimal256Array>();
        return Arc::new(wide.with_precision_and_scale(precision + 30, scale).expect("it fits"));
    }
    Arc::new(cells.into_iter().collect::<Decimal128Array>().with_precision_and_scale(precision, scale).expect("it fits"))
}

fn ids(chance: &mut Chance, rows: usize, odd: u64, is_unique: bool) -> ArrayRef {
    const ODD: [&str; 8] = ["", " a", "=cmd()", "é", "a\u{0}", "a b", "-", "A_b/c:d@e.f"];
    if chance.one_in(6) {
        return whole(chance, rows, |chance| Some(i128::from(chance.below(200)) - 20));
    }
    let (mut next, long) = (0, ["x".repeat(128), "x".repeat(129), "x".repeat(70_000)]);
    strings(chance, rows, |chance| {
        next += 1;
        match chance.below(8 * odd) {
            0..4 => Some((*chance.of(&ODD)).to_owned()),
            4 | 5 => Some(chance.of(&long).clone()),
            6 | 7 => None,
            _ if is_unique => Some(format!("rec-{next:08}")),
            _ => Some(format!("id-{}", chance.below(20))),
        }
    })
}

fn texts(chance: &mut Chance, rows: usize, odd: u64) -> ArrayRef {
    if chance.one_in(6) {
        return whole(chance, rows, |chance| Some(i128::from(chance.below(200)) - 20));
    }
    let long = ["界".repeat(20_000), "x".repeat(65_536), "x".repeat(65_537)];
    strings(chance, rows, |chance| match chance.below(8 * odd) {
        0 => Some("line\nbreak".to_owned()),
        1 => Some(chance.of(&long).clone()),
        2 => Some("\u{85}".to_owned()),
        _ => chance.of(&[None, Some(""), Some("cn-north"), Some("网络 disk, \"a\""), Some("é")]).map(str::to_owned),
    })
}

fn tags(chance: &mut Chance, rows: usize, odd: u64) -> ArrayRef {
    const ODD: [&str; 6] = ["team", "=x", "a=1;", "a=1;a=2", "a=\t", ";"];
    const RIGHT: [&str; 7] = ["", "a=1", "b=2;a=1", "a=1;b=2", "a=", "team=a=b;stage=界", "z=1;y=2;x=3"];
    strings(chance, rows, |chance| match chance.below(4 * odd) {
        0 => Some((*chance.of(&ODD)).to_owned()),
        1 => None,
        _ => Some((*chance.of(&RIGHT)).to_owned()),
    })
}

fn waived(chance: &mut Chance, rows: usize, odd: u64) -> ArrayRef {
    if chance.one_in(2) {
        let cells = (0..rows).map(|_| Some(chance.one_in(odd)).filter(|_| !chance.one_in(4)));
        return Arc::new(cells.collect::<BooleanArray>());
    }
    strings(chance, rows, |chance| match chance.below(odd) {
        0 => Some((*chance.of(&["true", "yes", "0", "False"])).to_owned()),
        _ => chance.of(&[None, Some(""), Some("false")]).map(str::to_owned),
    })
}

fn revisions(chance: &mut Chance, rows: usize, odd: u64) -> ArrayRef {
    match chance.below(4) {
        0 => decimals(chance, rows, odd),
        1 => strings(chance, rows, |chance| match chance.below(odd) {
            0 => Some((*chance.of(&["-1", "x", "1.0", "4294967296", "+1", "-0", "007"])).to_owned()),
            _ => chance.of(&[None, Some(""), Some("0"), Some("3"), Some("4294967295")]).map(str::to_owned),
        }),
        _ => whole(chance, rows, |chance| match chance.below(odd) {
            0 => Some(*chance.of(&[-1, 1 << 32, (1 << 32) - 1])),
            1 => None,
            _ => Some(i128::from(chance.below(5))),
        }),
    }
}

fn quantities(chance: &mut Chance, rows: usize, odd: u64) -> ArrayRef {
    const ODD: [&str; 10] =
        ["-3", "-0", "1e3", "1,5", " 1", "0.0000000000001", "1000000000000000000", ".5", "5.", "0.5000000000000"];
    match chance.below(4) {
        0 => decimals(chance, rows, odd),
        1 => strings(chance, rows, |chance| match chance.below(odd) {
            0 => Some((*chance.of(&ODD)).to_owned()),
            _ => chance.of(&[None, Some(""), Some("1"), Some("1.50"), Some("007.000000000001")]).map(str::to_owned),
        }),
        _ => {
            let border = 1_000_000_000_000_000_000;
            whole(chance, rows, |chance| match chance.below(odd) {
                0 => Some(*chance.of(&[-1, border, border - 1, u64::MAX.into(), i64::MAX.into(), 18_446_745])),
                1 => None,
                _ => Some(i128::from(chance.below(100))),
            })
        }
    }
}

fn instants(chance: &mut Chance, rows: usize, odd: u64, later: i64) -> ArrayRef {
    const ODD: [&str; 7] = [
        "2026-01-05T00:00:00",
        "yesterday",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9Z",
        "2026-02-30T00:00:00Z",
        "",
    ];
    if chance.one_in(4) {
        return strings(chance, rows, |chance| match chance.below(2 * odd) {
            0 => Some((*chance.of(&ODD)).to_owned()),
            1 => None,
            _ => {
                let (hour, second) = (later / 3_600 + i64::try_from(chance.below(2)).expect("small"), chance.below(60));
                Some(format!("2026-01-05T{:02}:00:{second:02}{}", hour + 8, chance.of(&["+08:00", ".999+08:00", "-00:30", "Z"])))
            }
        });
    }
    let zone = *chance.of(&["UTC", "+08:00", "Europe/Paris"]);
    let units: i64 = *chance.of(&[1, 1_000, 1_000_000, 1_000_000_000]);
    let cells = (0..rows).map(|_| match chance.below(4 * odd) {
        0 => None,
        1 => Some(-1),
        2 => Some(0),
        3 => Some(i64::MIN),
        4 => 253_402_300_800_i64.checked_mul(units),
        5 => 253_402_300_799_i64.checked_mul(units),
        6 => Some(i64::MAX),
        _ => Some((FIRST + later + chance.below(4_000) as i64) * units + chance.below(units as u64) as i64),
    });
    let cells: Vec<Option<i64>> = cells.collect();
    match units {
        1 => Arc::new(TimestampSecondArray::from(cells).with_timezone(zone)),
        1_000 => Arc::new(TimestampMillisecondArray::from(cells).with_timezone(zone)),
        1_000_000 => Arc::new(TimestampMicrosecondArray::from(cells).with_timezone(zone)),
        _ => Arc::new(TimestampNanosecondArray::from(cells).with_timezone(zone)),
    }
}

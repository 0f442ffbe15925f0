//! A generated month with everything awkward in it, and deliveries of it as files of any split and format.
//!
//! Integer arithmetic alone makes it, so a seed names the same month on every machine.

use super::books::{read_csv, sample_files};
use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use reckoner_core::time::{Instant, Zone};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// 2026-01-01T00:00:00+08:00.
const MONTH_START: i64 = 1_767_196_800;
const DAY: i64 = 86_400;

pub const COLUMNS: [&str; 13] = [
    "record_id",
    "account_id",
    "resource_id",
    "sku",
    "started_at",
    "ended_at",
    "quantity",
    "region",
    "resource_name",
    "tags",
    "revision",
    "corrects",
    "waived",
];

const ACCOUNTS: &str = "\
account_id,name,cost_center
g-0,Grebe,north
g-1,Gannet,
g-2,Godwit,south
";

/// Every model, unit and settlement window; prices that change inside hours, one of them revised before it holds.
const PRICES: &str = "\
sku,product,billing_mode,unit,unit_price,model,tiers,valid_from,valid_to,revision,settle,min_seconds,step_seconds,min_charge
g.server,g,pay_per_use,hour,0.68,,,2025-10-01T00:00:00+08:00,,0,hour,,,
g.server,g,pay_per_use,hour,0.731,,,2026-01-09T10:17:23+08:00,,0,hour,,,
g.server,g,pay_per_use,hour,0.7333333,,,2026-01-09T10:17:23+08:00,,1,hour,,,
g.server,g,pay_per_use,hour,0.51,,,2026-01-20T23:59:59+08:00,,0,hour,,,
g.burst,g,pay_per_use,hour,0.36,,,,,0,hour,600,60,
g.burst,g,pay_per_use,hour,0.39,,,2026-01-15T10:30:10+08:00,,0,hour,90,7,
g.disk,g,pay_per_use,hour,0.00064,,,2025-10-01T00:00:00+08:00,,0,day,,,
g.disk,g,pay_per_use,hour,0.00061,,,2026-01-12T12:00:00+08:00,,0,day,,,
g.archive,g,pay_per_use,hour,0.00017,,,2025-10-01T00:00:00+08:00,,0,month,,,
g.address,g,pay_per_use,hour,0.02,,,,,0,hour,,,0.01
g.zone,g,pay_per_use,hour,0,,,2025-12-01T00:00:00+08:00,2026-01-18T08:00:00+08:00,0,day,,,
g.zone,g,pay_per_use,hour,0.05,,,2026-01-18T08:00:00+08:00,,0,day,,,
g.call,g,pay_per_use,call,0.0125,,,2025-10-01T00:00:00+08:00,,0,day,,,
g.scan,g,pay_per_use,GB,1.25,,,2025-10-01T00:00:00+08:00,,0,month,,,
g.traffic,g,pay_per_use,GB,0.8,graduated,\"[{\"\"up_to\"\":\"\"10\"\",\"\"unit_price\"\":\"\"0.8\"\"},{\"\"up_to\"\":\"\"100\"\",\"\"unit_price\"\":\"\"0.72\"\"},{\"\"unit_price\"\":\"\"0.55\"\",\"\"flat\"\":\"\"1.5\"\"}]\",2025-10-01T00:00:00+08:00,,0,hour,,,
g.traffic,g,pay_per_use,GB,0.8,graduated,\"[{\"\"up_to\"\":\"\"20\"\",\"\"unit_price\"\":\"\"0.78\"\"},{\"\"unit_price\"\":\"\"0.7\"\"}]\",2026-01-22T06:30:00+08:00,,0,hour,,,
g.gpu,g,pay_per_use,hour,0.42,graduated,\"[{\"\"up_to\"\":\"\"96\"\",\"\"unit_price\"\":\"\"0.42\"\"},{\"\"unit_price\"\":\"\"0.21\"\"}]\",2025-10-01T00:00:00+08:00,,0,day,,,
g.log,g-log,pay_per_use,GB,0.5,volume,\"[{\"\"up_to\"\":\"\"100\"\",\"\"unit_price\"\":\"\"0.5\"\",\"\"flat\"\":\"\"2\"\"},{\"\"up_to\"\":\"\"200\"\",\"\"unit_price\"\":\"\"0.4\"\",\"\"flat\"\":\"\"5\"\"},{\"\"unit_price\"\":\"\"0.3\"\",\"\"flat\"\":\"\"10\"\"}]\",2025-10-01T00:00:00+08:00,,0,day,,,
g.key,g,pay_per_use,request,0.03,package,\"{\"\"size\"\":\"\"1000\"\",\"\"unit_price\"\":\"\"0.03\"\",\"\"free\"\":\"\"20000\"\"}\",2025-10-01T00:00:00+08:00,,0,hour,,,
";

const DISCOUNTS: &str = "\
discount_id,account_id,kind,percent_off,unit_price,products,skus,valid_from,valid_to
d-g-1,g-1,commercial,12.5,,g,,,
d-servers,*,promotional,5,,,g.server,2026-01-05T03:30:00+08:00,2026-01-25T00:00:00+08:00
d-g-2,g-2,partner,,0.6,,g.server,,
";

/// How much one record uses.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Held for seconds to days.
    Held,
    /// An amount with at most 2 digits after the point, so that a volume price has nothing to cut.
    Coarse,
    /// An amount with up to 12.
    Fine,
    /// Whole units.
    Whole,
}

/// sku, how it is used, whether some of it is waived: the oracle has no rule for waived use of a volume price, and none is
/// waived under the other tiered ones.
const SKUS: [(&str, Shape, bool); 13] = [
    ("g.server", Shape::Held, true),
    ("g.server", Shape::Held, true),
    ("g.burst", Shape::Held, true),
    ("g.disk", Shape::Held, true),
    ("g.archive", Shape::Held, true),
    ("g.address", Shape::Held, true),
    ("g.zone", Shape::Held, false),
    ("g.call", Shape::Whole, true),
    ("g.scan", Shape::Fine, true),
    ("g.traffic", Shape::Fine, false),
    ("g.gpu", Shape::Held, false),
    ("g.log", Shape::Coarse, false),
    ("g.key", Shape::Whole, false),
];

/// Cells of a usage row, in the order of [`COLUMNS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub [String; 13]);

/// A linear congruential generator: the constants are Knuth's (MMIX), the low bits are not used.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed);
        dice.below(2);
        dice
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % bound
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as i64 + 1) as usize);
        }
    }
}

/// What was used in the month: rows that stand by themselves, and rows that correct some of them.
pub struct Month {
    /// First deliveries, rows sent twice (some of them written differently) and higher revisions.
    pub rows: Vec<Row>,
    /// Rows with `corrects`.
    pub corrections: Vec<Row>,
}

impl Month {
    /// About `count` × 1.3 rows.
    pub fn generated(seed: u64, count: i64) -> Self {
        let mut dice = Dice::new(seed);
        let mut month = Self { rows: Vec::new(), corrections: Vec::new() };
        for number in 0..count {
            let row = generated_row(&mut dice, &format!("u-{number:04}"));
            match dice.below(12) {
                0 => month.rows.push(row.clone()),
                1 => month.rows.push(written_differently(&row)),
                2 => month.rows.push(revised(&mut dice, &row)),
                3 => month.corrections.push(correction(&mut dice, &row, number)),
                _ => {}
            }
            month.rows.push(row);
        }
        month
    }

    /// The sample's usage, but for the rows that it delivers to be refused: with two contents under one id the first stays.
    pub fn of_sample() -> Self {
        let mut month = Self { rows: Vec::new(), corrections: Vec::new() };
        for path in sample_files("usage") {
            for record in read_csv(&std::fs::read_to_string(path).unwrap()) {
                let cell = |column: &str| record.get(column).cloned().unwrap_or_default();
                let is_conflict = cell("record_id") == "h-0005" && cell("ended_at") == "2026-01-05T12:45:00+08:00";
                if cell("record_id").starts_with("bad-") || is_conflict {
                    continue;
                }
                let row = Row(COLUMNS.map(cell));
                if row.get("corrects").is_empty() { month.rows.push(row) } else { month.corrections.push(row) }
            }
        }
        month
    }

    pub fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.corrections.extend(other.corrections);
        self
    }

    /// The rows dealt out to `files` files at random, in random order: a correction may come before what it corrects.
    pub fn dealt(&self, dice: &mut Dice, files: usize) -> Vec<Vec<Row>> {
        let mut parts = vec![Vec::new(); files];
        for row in self.rows.iter().chain(&self.corrections) {
            parts[dice.below(files as i64) as usize].push(row.clone());
        }
        for part in &mut parts {
            dice.shuffle(part);
        }
        parts
    }
}

impl Row {
    pub fn get(&self, column: &str) -> &str {
        &self.0[place(column)]
    }

    pub fn with(mut self, column: &str, text: impl Into<String>) -> Self {
        self.0[place(column)] = text.into();
        self
    }
}

fn place(column: &str) -> usize {
    COLUMNS.iter().position(|name| *name == column).unwrap()
}

fn generated_row(dice: &mut Dice, record_id: &str) -> Row {
    let (sku, shape, may_be_waived) = SKUS[dice.below(SKUS.len() as i64) as usize];
    // On the quarter of an hour more often than not, so that records begin together; sometimes near a price change.
    let start = match dice.below(8) {
        0 => 8 * DAY + 37_043 - 30 + dice.below(60), // 2026-01-09T10:17:23+08:00
        1 | 2 => day(dice) + dice.below(DAY),
        _ => day(dice) + dice.below(96) * 900,
    };
    let length = match (shape, dice.below(10)) {
        (Shape::Held, 0) => 0,
        (Shape::Held, 1) => dice.below(2 * DAY),
        (Shape::Held, 2..=4) => 1 + dice.below(120),
        (Shape::Held, _) => 1 + dice.below(3 * 3_600),
        (_, 0..=6) => 0,
        _ => dice.below(7_200),
    };
    let row = Row(std::array::from_fn(|_| String::new()));
    row.with("record_id", record_id)
        .with("account_id", format!("g-{}", dice.below(3)))
        .with("resource_id", format!("r-{}", dice.below(3)))
        .with("sku", sku)
        .with("started_at", instant(dice, MONTH_START + start))
        .with("ended_at", instant(dice, (MONTH_START + start + length).min(MONTH_START + 32 * DAY)))
        .with("quantity", quantity(dice, shape))
        .with("region", ["", "cn-north-6", "cn-east-1"][dice.below(3) as usize])
        .with("resource_name", ["", "a, \"quoted\" name", "网关"][dice.below(3) as usize])
        .with("tags", ["", "team=edge", "team=edge;env=prod", "env=test"][dice.below(4) as usize])
        .with("waived", if may_be_waived && dice.below(10) == 0 { "true" } else { "" })
}

/// A day on which a price or discount changes, the month's first or one of its last: few, because each is a batch of its own.
fn day(dice: &mut Dice) -> i64 {
    [0, 8, 14, 19, 21, 29, 30][dice.below(7) as usize] * DAY
}

fn instant(dice: &mut Dice, seconds: i64) -> String {
    let instant = Instant::from_seconds(seconds);
    if dice.below(3) == 0 { instant.to_utc_text() } else { Zone::parse("+08:00").unwrap().to_text(instant) }
}

fn quantity(dice: &mut Dice, shape: Shape) -> String {
    match shape {
        Shape::Held => ["", "1", "2.5", "40", "0.000000000001", "3.333333333333"][dice.below(6) as usize].to_owned(),
        Shape::Coarse => format!("{}.{:02}", dice.below(25), dice.below(100)),
        Shape::Fine => format!("{}.{:06}{:06}", dice.below(12), dice.below(1_000_000), dice.below(1_000_000)),
        Shape::Whole => dice.below(4_000).to_string(),
    }
}

/// The same fact in other words: another offset, zeros after the point, labels in another order.
fn written_differently(row: &Row) -> Row {
    let in_utc = |column| Instant::parse(row.get(column)).unwrap().to_utc_text();
    let mut tags: Vec<&str> = row.get("tags").split(';').collect();
    tags.reverse();
    let quantity = match row.get("quantity") {
        "" => "1.000".to_owned(),
        whole if !whole.contains('.') => format!("0{whole}.0"),
        fine => fine.to_owned(),
    };
    let waived = if row.get("waived").is_empty() { "false" } else { "true" };
    let row = row.clone().with("started_at", in_utc("started_at")).with("ended_at", in_utc("ended_at"));
    row.clone().with("tags", tags.join(";")).with("quantity", quantity).with("waived", waived).with("revision", "0")
}

/// A higher revision: shorter, and of another amount.
fn revised(dice: &mut Dice, row: &Row) -> Row {
    let half = (seconds(row, "started_at") + seconds(row, "ended_at")) / 2;
    let ended_at = instant(dice, half);
    row.clone().with("revision", "1").with("ended_at", ended_at).with("quantity", "2").with("tags", "put=right")
}

/// A row that takes another's place: sometimes with nothing, sometimes elsewhere.
fn correction(dice: &mut Dice, row: &Row, number: i64) -> Row {
    let row = row.clone().with("record_id", format!("c-{number:04}")).with("corrects", row.get("record_id"));
    match dice.below(3) {
        0 => row.with("quantity", "0"),
        1 => row.with("quantity", "3"),
        _ => row.with("resource_id", "r-other").with("quantity", "1"),
    }
}

fn seconds(row: &Row, column: &str) -> i64 {
    Instant::parse(row.get(column)).unwrap().seconds()
}

/// Writes the reference tables of the generated month, named so that they go with the sample's.
pub fn write_reference(folder: &Path) -> Vec<PathBuf> {
    let tables = [("accounts-g.csv", ACCOUNTS), ("prices-g.csv", PRICES), ("discounts-g.csv", DISCOUNTS)];
    tables
        .into_iter()
        .map(|(name, text)| {
            std::fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        })
        .collect()
}

pub fn write_csv(path: PathBuf, rows: &[Row]) -> PathBuf {
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(COLUMNS).unwrap();
    for row in rows {
        writer.write_record(&row.0).unwrap();
    }
    writer.flush().unwrap();
    path
}

/// The rows as typed columns: timestamps, decimals, integers, booleans; what is empty is null.
pub fn write_parquet(path: PathBuf, rows: &[Row]) -> PathBuf {
    write_parquet_in_groups(path, rows, 1_000_000)
}

/// The same in row groups of so many rows.
pub fn write_parquet_in_groups(path: PathBuf, rows: &[Row], group_rows: usize) -> PathBuf {
    let filled = |column, row: &Row| Some(row.get(column).to_owned()).filter(|text| !text.is_empty());
    let arrays = COLUMNS.map(|column| -> (&str, ArrayRef, bool) {
        let array: ArrayRef = match column {
            "started_at" | "ended_at" => {
                let micros = rows.iter().map(|row| seconds(row, column) * 1_000_000);
                Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
            }
            "quantity" => {
                let values = rows.iter().map(|row| filled(column, row).map(|text| super::books::e12(&text)));
                Arc::new(values.collect::<Decimal128Array>().with_precision_and_scale(38, 12).unwrap())
            }
            "revision" => Arc::new(rows.iter().map(|row| Some(row.get(column).parse().unwrap_or(0))).collect::<Int64Array>()),
            "waived" => Arc::new(rows.iter().map(|row| filled(column, row).map(|text| text == "true")).collect::<BooleanArray>()),
            _ => Arc::new(rows.iter().map(|row| filled(column, row)).collect::<StringArray>()),
        };
        (column, array, true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(arrays).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

//! Partials: what the rows of a file come to, by holding and hour. Written beside the rows, added up when an hour is settled.
//!
//! One row a holding, in the order of a hash of its names, so that files are merged side by side; columns `account_id`, `resource_id`, `sku`, `unit`, `region`, `tags`, `mixed` (1: its rows have several
//! labels, so that `region` and `tags` mean nothing), and for every hour, counted from 1970-01-01T00:00Z: `u…` what was used
//! (unit-seconds, or the amount), `n…` by how many rows, `d…` what was delivered again with the same content. No value: no
//! use in that hour; a row that used 0 is a value.

use crate::error::TallyError;
use crate::file::{Cells, Column, Form, Repeated, Writer, coded, coded_optional, strings};
use crate::hours::{HourSums, Sum};
use crate::identity::holding_identity;
use crate::part::{NONE, Part};
use arrow::array::{Array as _, ArrayRef, AsArray as _, Decimal128Array, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection};
use reckoner_core::number::Quantity;
use reckoner_core::table::Texts;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const HOUR: i64 = 3_600;
const E12: i128 = 1_000_000_000_000;
/// Integers of so many digits are 64 bits in Parquet.
const SHORT_DIGITS: u8 = 18;

/// Writes the sums of rows of a part to a new file; `again` are those of rows that were delivered again. Hands back holdings
/// and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_partials(
    part: &Part,
    rows: &[u32],
    hours: &[HourSums],
    again: &[HourSums],
    path: &Path,
) -> Result<(u64, u64), TallyError> {
    let used: Vec<u32> = used_holdings(part, hours, again);
    let mut place_of = vec![NONE; part.holdings.len()];
    (0..).zip(&used).for_each(|(place, holding)| place_of[*holding as usize] = place);

    let mut layout =
        ["account_id", "resource_id", "sku", "unit", "region", "tags"].map(|name| Column::text(name).optional()).to_vec();
    layout[1] = Column::new("resource_id", DataType::Utf8, Form::Distinct).optional();
    layout.push(Column::integer("mixed"));
    let mut columns = names(part, rows, &used, &place_of);
    let again: BTreeMap<i64, &HourSums> = again.iter().map(|sums| (sums.hour, sums)).collect();
    let by_hour: BTreeMap<i64, &HourSums> = hours.iter().map(|sums| (sums.hour, sums)).collect();
    let every: BTreeSet<i64> = again.keys().chain(by_hour.keys()).copied().collect();
    for hour in every {
        let number = hour / HOUR;
        if let Some(sums) = by_hour.get(&hour) {
            let used_of = amounts(&sums.sums, &place_of, used.len());
            layout.push(amount_column("u", number, &used_of));
            columns.push(used_of);
            layout.push(Column::new(format!("n{number}"), DataType::Int32, Form::Repeating).optional());
            columns.push(counts(&sums.sums, &place_of, used.len()));
        }
        if let Some(sums) = again.get(&hour) {
            let again_of = amounts(&sums.sums, &place_of, used.len());
            layout.push(amount_column("d", number, &again_of));
            columns.push(again_of);
        }
    }
    let mut repeated = Repeated::default();
    let mut writer = Writer::create(path, &layout, &mut repeated)?;
    writer.write(used.len(), columns.into_iter().map(Cells::Each).collect())?;
    writer.finish()
}

fn used_holdings(part: &Part, hours: &[HourSums], again: &[HourSums]) -> Vec<u32> {
    let mut is_used = vec![false; part.holdings.len()];
    for sum in hours.iter().chain(again).flat_map(|hour| &hour.sums) {
        is_used[sum.holding as usize] = true;
    }
    let used = (0..).zip(is_used).filter(|(_, is_used)| *is_used);
    let mut used: Vec<(u64, u32)> = used.map(|(holding, _)| (holding_identity(part.holdings.texts(holding)), holding)).collect();
    used.sort_unstable();
    used.into_iter().map(|(_, holding)| holding).collect()
}

/// The columns that name the holdings.
fn names(part: &Part, rows: &[u32], used: &[u32], place_of: &[u32]) -> Vec<ArrayRef> {
    let holdings = &part.holdings;
    let key = |place: usize| used.iter().map(move |holding| holdings.keys[*holding as usize][place]);
    let mut resources = Texts::default();
    used.iter().for_each(|holding| resources.push(holdings.resources.get(*holding as usize)));
    let mut columns: Vec<ArrayRef> = vec![
        coded(key(0), &Arc::new(strings(holdings.accounts.texts()))),
        Arc::new(strings(&resources)),
        coded(key(1), &Arc::new(strings(holdings.skus.texts()))),
    ];
    let mut units = crate::codes::Codes::default();
    let unit_codes: Vec<u32> = used.iter().map(|holding| units.code(holdings.unit(*holding).as_str())).collect();
    columns.push(coded(unit_codes.into_iter(), &Arc::new(strings(units.texts()))));

    let mut labels = vec![[NONE; 2]; used.len()];
    let mut is_mixed = vec![0_i64; used.len()];
    if !(part.labels[0].is_empty() && part.labels[2].is_empty()) {
        for row in rows.iter().map(|row| *row as usize) {
            let place = place_of[part.holding[row] as usize] as usize;
            let label = [0, 2].map(|label| part.labels[label].get(row).copied().unwrap_or_default());
            if labels[place] == [NONE; 2] {
                labels[place] = label;
            } else if labels[place] != label {
                is_mixed[place] = 1;
            }
        }
    }
    for (place, label) in [(0, 0), (1, 2)] {
        let codes = labels.iter().map(|codes| Some(codes[place]).filter(|code| *code != NONE && *code != 0));
        columns.push(coded_optional(codes, &Arc::new(strings(part.label_texts[label].texts()))));
    }
    columns.push(Arc::new(Int64Array::from(is_mixed)));
    columns
}

/// Whole numbers that fit 64 bits are kept so: half the bytes, and read twice as fast.
fn amounts(sums: &[Sum], place_of: &[u32], holdings: usize) -> ArrayRef {
    let is_short = |sum: &Sum| sum.used_e12 % E12 == 0 && sum.used_e12 / E12 < 10_i128.pow(SHORT_DIGITS.into());
    let (unit, kind) = match sums.iter().all(is_short) {
        true => (E12, DataType::Decimal128(SHORT_DIGITS, 0)),
        false => (1, DataType::Decimal128(38, 12)),
    };
    let mut values: Vec<Option<i128>> = vec![None; holdings];
    sums.iter().for_each(|sum| values[place_of[sum.holding as usize] as usize] = Some(sum.used_e12 / unit));
    Arc::new(Decimal128Array::from(values).with_data_type(kind))
}

fn counts(sums: &[Sum], place_of: &[u32], holdings: usize) -> ArrayRef {
    let mut values: Vec<Option<i32>> = vec![None; holdings];
    for sum in sums {
        values[place_of[sum.holding as usize] as usize] = Some(i32::try_from(sum.rows).unwrap_or(i32::MAX));
    }
    Arc::new(Int32Array::from(values))
}

fn amount_column(kind: &str, hour: i64, amounts: &ArrayRef) -> Column {
    let is_short = *amounts.data_type() == DataType::Decimal128(SHORT_DIGITS, 0);
    let form = if is_short { Form::Rising } else { Form::Distinct };
    Column::new(format!("{kind}{hour}"), amounts.data_type().clone(), form).optional()
}

/// A file of partials, open to be read column by column.
pub struct PartialFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    hours: BTreeMap<i64, HourColumns>,
}

/// Where the columns of an hour stand.
#[derive(Debug, Clone, Copy, Default)]
struct HourColumns {
    used: Option<usize>,
    rows: Option<usize>,
    again: Option<usize>,
}

/// What a file says of a holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// Account, resource, sku.
    pub key: [&'a str; 3],
    /// The unit that its use is measured in.
    pub unit: &'a str,
    /// Region and tags; empty where it has none.
    pub labels: [&'a str; 2],
    /// Whether its rows have several labels.
    pub is_mixed: bool,
}

impl PartialFile {
    /// Opens a file that [`write_partials`] wrote.
    ///
    /// # Errors
    /// [`TallyError::Read`] when it cannot be read as such.
    pub fn open(path: &Path) -> Result<Self, TallyError> {
        let failed = TallyError::read(path);
        let file = File::open(path).map_err(|error| failed(&error))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| failed(&error))?;
        let mut hours: BTreeMap<i64, HourColumns> = BTreeMap::new();
        for (place, field) in metadata.schema().fields().iter().enumerate().skip(7) {
            let (kind, number) = field.name().split_at(1);
            let number: i64 = number.parse().map_err(|_| failed(&format!("column `{}` is of no hour", field.name())))?;
            let columns = hours.entry(number * HOUR).or_default();
            match kind {
                "u" => columns.used = Some(place),
                "n" => columns.rows = Some(place),
                "d" => columns.again = Some(place),
                _ => return Err(failed(&format!("column `{}` is not known", field.name()))),
            }
        }
        Ok(Self { path: path.to_owned(), metadata, hours })
    }

    /// The hours with use, by their start, in order.
    pub fn hours(&self) -> impl Iterator<Item = i64> {
        self.hours.iter().filter(|(_, columns)| columns.used.is_some()).map(|(hour, _)| *hour)
    }

    /// Whether some use falls into the hour.
    pub fn has_hour(&self, hour: i64) -> bool {
        self.hours.get(&hour).is_some_and(|columns| columns.used.is_some())
    }

    /// The hours in which use was delivered again.
    pub fn hours_again(&self) -> impl Iterator<Item = i64> {
        self.hours.iter().filter(|(_, columns)| columns.again.is_some()).map(|(hour, _)| *hour)
    }

    /// Tells each holding, in the order of the file.
    ///
    /// # Errors
    /// [`TallyError::Read`] when the file cannot be read.
    pub fn each_holding(&self, mut tell: impl FnMut(Named<'_>)) -> Result<(), TallyError> {
        self.read(&[0, 1, 2, 3, 4, 5, 6], |batch| {
            each_named(batch, &mut tell);
            Ok(())
        })
    }

    /// Hands over what names the holdings, in the order of the file, for [`each_named`].
    pub(crate) fn each_batch_of_names(&self, mut take: impl FnMut(RecordBatch)) -> Result<(), TallyError> {
        self.read(&[0, 1, 2, 3, 4, 5, 6], |batch| {
            take(batch.clone());
            Ok(())
        })
    }

    /// Tells each holding of these accounts and skus, with its place in the file; the names of the others are passed over.
    ///
    /// # Errors
    /// [`TallyError::Read`] when the file cannot be read.
    pub fn each_holding_of(
        &self,
        is_wanted: impl Fn(&str, &str) -> bool,
        mut tell: impl FnMut(usize, Named<'_>),
    ) -> Result<(), TallyError> {
        let mut places = Vec::new();
        let mut before = 0;
        self.read(&[0, 2], |batch| {
            let [account_id, sku] = [0, 1].map(|place| batch.column(place).as_string::<i32>());
            let wanted = (0..batch.num_rows()).filter(|row| is_wanted(account_id.value(*row), sku.value(*row)));
            places.extend(wanted.map(|row| before + row));
            before += batch.num_rows();
            Ok(())
        })?;
        let ranges = places.iter().map(|place| *place..place + 1);
        let selection = RowSelection::from_consecutive_ranges(ranges, before);
        let mut next = places.iter();
        self.read_selected(&[0, 1, 2, 3, 4, 5, 6], Some(selection), |batch| {
            each_named(batch, |named| tell(*next.next().expect("as many rows as were selected"), named));
            Ok(())
        })
    }

    /// Tells what each holding used in an hour: its place in the file, how much, by how many rows.
    ///
    /// # Errors
    /// [`TallyError::Read`] when the file cannot be read; what `tell` says.
    pub fn each_sum(
        &self,
        hour: i64,
        mut tell: impl FnMut(usize, Quantity, u32) -> Result<(), TallyError>,
    ) -> Result<(), TallyError> {
        let Some(HourColumns { used: Some(used), rows: Some(rows), .. }) = self.hours.get(&hour).copied() else { return Ok(()) };
        let mut before = 0;
        self.read(&[used, rows], |batch| {
            let (used, unit) = decimals(batch, 0);
            let rows = batch.column(1).as_primitive::<Int32Type>();
            for row in (0..batch.num_rows()).filter(|row| used.is_valid(*row)) {
                tell(before + row, Quantity::from_e12(used.value(row) * unit), rows.value(row).unsigned_abs())?;
            }
            before += batch.num_rows();
            Ok(())
        })
    }

    /// Tells what of each holding was delivered again in an hour.
    ///
    /// # Errors
    /// As [`Self::each_sum`].
    pub fn each_again(&self, hour: i64, mut tell: impl FnMut(usize, Quantity)) -> Result<(), TallyError> {
        let Some(HourColumns { again: Some(again), .. }) = self.hours.get(&hour).copied() else { return Ok(()) };
        let mut before = 0;
        self.read(&[again], |batch| {
            let (again, unit) = decimals(batch, 0);
            for row in (0..batch.num_rows()).filter(|row| again.is_valid(*row)) {
                tell(before + row, Quantity::from_e12(again.value(row) * unit));
            }
            before += batch.num_rows();
            Ok(())
        })
    }

    fn read(&self, columns: &[usize], tell: impl FnMut(&RecordBatch) -> Result<(), TallyError>) -> Result<(), TallyError> {
        self.read_selected(columns, None, tell)
    }

    fn read_selected(
        &self,
        columns: &[usize],
        selection: Option<RowSelection>,
        mut tell: impl FnMut(&RecordBatch) -> Result<(), TallyError>,
    ) -> Result<(), TallyError> {
        let failed = TallyError::read(&self.path);
        // Opened anew: two threads that read one open file move each other's place in it.
        let file = File::open(&self.path).map_err(|error| failed(&error))?;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(crate::file::ROW_GROUP_ROWS);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        let reader = builder.build().map_err(|error| failed(&error))?;
        for batch in reader {
            tell(&batch.map_err(|error| failed(&error))?)?;
        }
        Ok(())
    }
}

/// Tells the holdings of a batch of all columns that name them.
pub(crate) fn each_named(batch: &RecordBatch, mut tell: impl FnMut(Named<'_>)) {
    let text = |place: usize| batch.column(place).as_string::<i32>();
    let cell = |place: usize, row: usize| if text(place).is_null(row) { "" } else { text(place).value(row) };
    let mixed = batch.column(6).as_primitive::<Int64Type>();
    for row in 0..batch.num_rows() {
        tell(Named {
            key: [0, 1, 2].map(|place| cell(place, row)),
            unit: cell(3, row),
            labels: [4, 5].map(|place| cell(place, row)),
            is_mixed: mixed.value(row) != 0,
        });
    }
}

/// A column of decimals, and what one of its units is at 1e-12.
fn decimals(batch: &RecordBatch, place: usize) -> (&Decimal128Array, i128) {
    let column = batch.column(place).as_primitive::<Decimal128Type>();
    let unit = if column.scale() == 0 { E12 } else { 1 };
    (column, unit)
}

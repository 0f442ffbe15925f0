//! Partials: what the rows of a file come to, by holding and hour. Written beside the rows, added up when an hour is settled.
//!
//! One row a holding, in the order of a hash of its names, so that files are merged side by side; columns `account_id`, `resource_id`, `sku`, `unit`, `region`, `tags`, `mixed` (1: its rows have several
//! labels, so that `region` and `tags` mean nothing), and for every hour, counted from 1970-01-01T00:00Z: `u…` what was used
//! (unit-seconds, or the amount), `n…` by how many rows, `d…` what was delivered again with the same content. No value: no
//! use in that hour; a row that used 0 is a value.

use crate::error::TallyError;
use crate::file::{Cells, Column, Form, Repeated, Writer, coded_optional, coded_type, strings};
use crate::hours::{HourSums, Sum};
use crate::order::HoldingOrder;
use crate::part::{NONE, Part};
use arrow::array::{Array, AsArray as _, BooleanBufferBuilder, Decimal64Array, Decimal128Array, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Int32Type, Int64Type, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::errors::ParquetError;
use reckoner_core::number::Quantity;
use reckoner_core::table::Unit;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const HOUR: i64 = 3_600;
const E12: i128 = 1_000_000_000_000;
/// Integers of so many digits are 64 bits in Parquet.
const SHORT_DIGITS: u8 = 18;

/// Writes the sums of rows of a part to a new file; the second sums are those of rows that were delivered again. Hands back
/// holdings and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_partials(
    part: &Part,
    rows: &[u32],
    order: &HoldingOrder,
    [hours, again]: [&[HourSums]; 2],
    path: &Path,
) -> Result<(u64, u64), TallyError> {
    let mut layout =
        ["account_id", "resource_id", "sku", "unit", "region", "tags"].map(|name| Column::text(name).optional()).to_vec();
    layout[1] = Column::new("resource_id", coded_type(), Form::Scattered).optional();
    layout.push(Column::integer("mixed"));
    let named = names(part, rows, order);
    let [by_hour, again] = [hours, again].map(by_hour);
    let mut summed: Vec<Summed<'_>> = Vec::new();
    for hour in again.keys().chain(by_hour.keys()).copied().collect::<BTreeSet<i64>>() {
        let number = hour / HOUR;
        if let Some(sums) = by_hour.get(&hour) {
            let amounts = Amounts::of(sums);
            layout.push(amounts.column("u", number));
            layout.push(Column::new(format!("n{number}"), DataType::Int32, Form::Repeating).optional());
            summed.push(Summed { sums, amounts, has_counts: true });
        }
        if let Some(sums) = again.get(&hour) {
            let amounts = Amounts::of(sums);
            layout.push(amounts.column("d", number));
            summed.push(Summed { sums, amounts, has_counts: false });
        }
    }
    // Made one after the other: a column takes as much as the names of all holdings.
    let summed = summed.into_iter().flat_map(|summed| summed.cells(order));
    let mut repeated = Repeated::default();
    let mut writer = Writer::create(path, &layout, &mut repeated)?;
    writer.write(order.holdings.len(), named.into_iter().chain(summed))?;
    writer.finish()
}

fn by_hour(hours: &[HourSums]) -> BTreeMap<i64, &[Sum]> {
    hours.iter().map(|sums| (sums.hour, sums.sums.as_slice())).collect()
}

/// The columns that name the holdings.
fn names<'a>(part: &Part, rows: &[u32], order: &'a HoldingOrder) -> Vec<Cells<'a>> {
    let (holdings, used) = (&part.holdings, &order.holdings);
    let key = |place: usize| used.iter().map(|holding| holdings.keys[*holding as usize][place]).collect();
    let mut units: Vec<&Unit> = Vec::new();
    let mut unit_code = |unit| {
        units.iter().position(|known| *known == unit).unwrap_or_else(|| {
            units.push(unit);
            units.len() - 1
        })
    };
    let unit_codes: Vec<u32> = used.iter().map(|holding| unit_code(holdings.unit(*holding)) as u32).collect();
    let units = StringArray::from_iter_values(units.iter().map(|unit| unit.as_str()));
    let mut columns = vec![
        Cells::Coded(key(0), strings(holdings.accounts.texts())),
        Cells::Coded(Cow::Borrowed(used), strings(&holdings.resources)),
        Cells::Coded(key(1), strings(holdings.skus.texts())),
        Cells::Coded(Cow::Owned(unit_codes), Arc::new(units)),
    ];

    let mut labels = vec![[NONE; 2]; used.len()];
    let mut is_mixed = vec![0_i64; used.len()];
    if !(part.labels[0].is_empty() && part.labels[2].is_empty()) {
        for row in rows.iter().map(|row| *row as usize) {
            let place = order.place_of[part.holding[row] as usize] as usize;
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
        columns.push(Cells::Each(coded_optional(codes, &strings(part.label_texts[label].texts()))));
    }
    columns.push(Cells::Numbers(None, Cow::Owned(is_mixed)));
    columns
}

/// Whole numbers of few digits are kept as such: half the bytes, and read twice as fast.
fn short(used_e12: i128) -> Option<i64> {
    // Most are small, and dividing 64 bits is quicker than 128.
    let whole = match u64::try_from(used_e12) {
        Ok(small) => small.is_multiple_of(E12 as u64).then(|| i128::from(small / E12 as u64)),
        Err(_) => (used_e12 % E12 == 0).then_some(used_e12 / E12),
    };
    whole.filter(|whole| *whole < 10_i128.pow(SHORT_DIGITS.into())).and_then(|whole| i64::try_from(whole).ok())
}

/// What holdings used in an hour, by the places of their sums.
enum Amounts {
    Short(Vec<i64>),
    E12(Vec<i128>),
}

impl Amounts {
    fn of(sums: &[Sum]) -> Self {
        match sums.iter().map(|sum| short(sum.used_e12)).collect() {
            Some(short) => Self::Short(short),
            None => Self::E12(sums.iter().map(|sum| sum.used_e12).collect()),
        }
    }

    fn column(&self, kind: &str, hour: i64) -> Column {
        let kind_of = match self {
            Self::Short(_) => DataType::Decimal64(SHORT_DIGITS, 0),
            Self::E12(_) => DataType::Decimal128(38, 12),
        };
        Column::new(format!("{kind}{hour}"), kind_of, Form::Distinct).optional()
    }
}

/// Sums of an hour on their way into columns.
struct Summed<'a> {
    sums: &'a [Sum],
    amounts: Amounts,
    has_counts: bool,
}

impl Summed<'_> {
    /// The amounts and the counts of these holdings, in their order, in which the sums stand too.
    fn cells(self, order: &HoldingOrder) -> Vec<Cells<'static>> {
        let place_of = |sum: &Sum| order.place_of[sum.holding as usize] as usize;
        let mut is_there = BooleanBufferBuilder::new(order.holdings.len());
        is_there.append_n(order.holdings.len(), false);
        self.sums.iter().for_each(|sum| is_there.set_bit(place_of(sum), true));
        let is_there = NullBuffer::new(is_there.finish());

        let mut cells = Vec::with_capacity(2);
        if self.has_counts {
            let counts = self.sums.iter().map(|sum| i64::from(i32::try_from(sum.rows).unwrap_or(i32::MAX))).collect();
            cells.push(Cells::Numbers(Some(is_there.clone()), counts));
        }
        cells.push(match self.amounts {
            Amounts::Short(amounts) => Cells::Numbers(Some(is_there), Cow::Owned(amounts)),
            Amounts::E12(amounts) => {
                let mut values = vec![0; order.holdings.len()];
                self.sums.iter().zip(amounts).for_each(|(sum, amount)| values[place_of(sum)] = amount);
                let values = Decimal128Array::new(values.into(), Some(is_there));
                Cells::Each(Arc::new(values.with_data_type(DataType::Decimal128(38, 12))))
            }
        });
        cells.reverse();
        cells
    }
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
        let metadata = narrowed(&metadata).map_err(|error| failed(&error))?;
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
            each_named(batch, 0..batch.num_rows(), &mut tell);
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
            each_named(batch, 0..batch.num_rows(), |named| tell(*next.next().expect("as many rows as were selected"), named));
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
            let used = AmountColumn::of(batch, 0);
            let rows = batch.column(1).as_primitive::<Int32Type>();
            for row in used.places() {
                tell(before + row, used.quantity(row), rows.value(row).unsigned_abs())?;
            }
            before += batch.num_rows();
            Ok(())
        })
    }

    /// The same where all that was used are whole numbers of few digits; otherwise says no, and tells nothing.
    pub(crate) fn each_whole_sum(&self, hour: i64, mut tell: impl FnMut(usize, i64, u32)) -> Result<bool, TallyError> {
        let Some(HourColumns { used: Some(used), rows: Some(rows), .. }) = self.hours.get(&hour).copied() else {
            return Ok(true);
        };
        if !matches!(self.metadata.schema().field(used).data_type(), DataType::Decimal64(..)) {
            return Ok(false);
        }
        let mut before = 0;
        self.read(&[used, rows], |batch| {
            let (used, rows) = (batch.column(0).as_primitive::<Decimal64Type>(), batch.column(1).as_primitive::<Int32Type>());
            let (values, rows) = (used.values(), rows.values());
            each_place(used, |row| tell(before + row, values[row], rows[row].unsigned_abs()));
            before += batch.num_rows();
            Ok(())
        })?;
        Ok(true)
    }

    /// Tells what of each holding was delivered again in an hour.
    ///
    /// # Errors
    /// As [`Self::each_sum`].
    pub fn each_again(&self, hour: i64, mut tell: impl FnMut(usize, Quantity)) -> Result<(), TallyError> {
        let Some(HourColumns { again: Some(again), .. }) = self.hours.get(&hour).copied() else { return Ok(()) };
        let mut before = 0;
        self.read(&[again], |batch| {
            let again = AmountColumn::of(batch, 0);
            again.places().for_each(|row| tell(before + row, again.quantity(row)));
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

/// Tells the holdings in these rows of a batch of all columns that name them.
pub(crate) fn each_named<'b>(batch: &'b RecordBatch, rows: Range<usize>, mut tell: impl FnMut(Named<'b>)) {
    let texts = [0, 1, 2, 3, 4, 5].map(|place| batch.column(place).as_string::<i32>());
    let cell = |place: usize, row: usize| if texts[place].is_null(row) { "" } else { texts[place].value(row) };
    let mixed = batch.column(6).as_primitive::<Int64Type>();
    for row in rows {
        tell(Named {
            key: [0, 1, 2].map(|place| cell(place, row)),
            unit: cell(3, row),
            labels: [4, 5].map(|place| cell(place, row)),
            is_mixed: mixed.value(row) != 0,
        });
    }
}

/// The holding in a row of such a batch.
pub(crate) fn named(batch: &RecordBatch, row: usize) -> Named<'_> {
    let mut found = None;
    each_named(batch, row..row + 1, |named| found = Some(named));
    found.expect("it is one row")
}

/// The file with its whole numbers of few digits read as such, in 64 bits.
fn narrowed(metadata: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    let fields = metadata.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Decimal128(SHORT_DIGITS, 0) => field.as_ref().clone().with_data_type(DataType::Decimal64(SHORT_DIGITS, 0)),
        _ => field.as_ref().clone(),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), ArrowReaderOptions::new().with_schema(schema))
}

/// A column of amounts.
enum AmountColumn<'b> {
    Whole(&'b Decimal64Array),
    E12(&'b Decimal128Array),
}

impl<'b> AmountColumn<'b> {
    fn of(batch: &'b RecordBatch, place: usize) -> Self {
        match batch.column(place).data_type() {
            DataType::Decimal64(..) => Self::Whole(batch.column(place).as_primitive::<Decimal64Type>()),
            _ => Self::E12(batch.column(place).as_primitive::<Decimal128Type>()),
        }
    }

    /// The rows that have one.
    fn places(&self) -> impl Iterator<Item = usize> {
        let array: &dyn Array = match self {
            Self::Whole(array) => *array,
            Self::E12(array) => *array,
        };
        (0..array.len()).filter(|row| array.is_valid(*row))
    }

    fn quantity(&self, row: usize) -> Quantity {
        Quantity::from_e12(match self {
            Self::Whole(array) => i128::from(array.value(row)) * E12,
            Self::E12(array) => array.value(row),
        })
    }
}

/// The rows that have a value.
fn each_place(array: &Decimal64Array, tell: impl FnMut(usize)) {
    match array.nulls() {
        None => (0..array.len()).for_each(tell),
        Some(nulls) => nulls.valid_indices().for_each(tell),
    }
}

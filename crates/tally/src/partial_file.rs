//! A file of partials, read: the holdings that it names, and what they used hour by hour.

use crate::error::TallyError;
use crate::partials::{E12, HOUR, SHORT_DIGITS};
use arrow::array::{
    Array, ArrayRef, AsArray as _, Decimal64Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Int32Type, Int64Type, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::errors::ParquetError;
use reckoner_core::number::Quantity;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Opens a file that [`write_partials`](crate::write_partials) wrote.
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
            each_named(batch, &mut tell);
            Ok(())
        })
    }

    /// Hands over what names the holdings, in the order of the file, for [`Names`].
    pub(crate) fn each_batch_of_names(&self, mut take: impl FnMut(RecordBatch)) -> Result<(), TallyError> {
        // Where a file has no codes, or nothing that they could mean, they would be made of each row's text.
        let has_codes = |place: usize| {
            self.metadata.metadata().row_groups().iter().map(|group| group.column(place)).all(|chunk| {
                let says_something =
                    chunk.column_descr().max_def_level() == 0 || chunk.uncompressed_size() * 8 >= chunk.num_values();
                chunk.dictionary_page_offset().is_some() && says_something
            })
        };
        let coded = with_types(&self.metadata, |place, read_as| match CODED.contains(&place) && has_codes(place) {
            true => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            false => read_as.clone(),
        });
        let coded = coded.map_err(|error| TallyError::read(&self.path)(&error))?;
        self.read_selected(&coded, &[0, 1, 2, 3, 4, 5, 6], None, |batch| {
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
        self.read_selected(&self.metadata, &[0, 1, 2, 3, 4, 5, 6], Some(selection), |batch| {
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
        self.read_selected(&self.metadata, columns, None, tell)
    }

    fn read_selected(
        &self,
        metadata: &ArrowReaderMetadata,
        columns: &[usize],
        selection: Option<RowSelection>,
        mut tell: impl FnMut(&RecordBatch) -> Result<(), TallyError>,
    ) -> Result<(), TallyError> {
        let failed = TallyError::read(&self.path);
        // Opened anew: two threads that read one open file move each other's place in it.
        let file = File::open(&self.path).map_err(|error| failed(&error))?;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
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

/// Tells the holdings in a batch of all columns that name them.
fn each_named<'b>(batch: &'b RecordBatch, mut tell: impl FnMut(Named<'b>)) {
    let texts = [0, 1, 2, 3, 4, 5].map(|place| batch.column(place).as_string::<i32>());
    let cell = |place: usize, row: usize| if texts[place].is_null(row) { "" } else { texts[place].value(row) };
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

/// The columns that name holdings and repeat what they say: account, sku, unit, region, tags.
const CODED: [usize; 5] = [0, 2, 3, 4, 5];

/// What names the holdings of a batch; what repeats is read as codes, so that nobody compares texts row by row.
pub(crate) struct Names<'b> {
    /// Account, sku, unit, region, tags.
    pub coded: [CodedTexts<'b>; 5],
    pub resources: &'b StringArray,
    mixed: &'b Int64Array,
}

/// Texts of rows, as codes of distinct ones if the file has such codes.
#[derive(Clone, Copy)]
pub(crate) struct CodedTexts<'b> {
    /// Nothing: each row has its own text among the values.
    codes: Option<&'b Int32Array>,
    /// The same list, not only an equal one, as long as a file's codes mean the same.
    values: &'b ArrayRef,
    /// Whether no row says anything.
    is_nothing: bool,
}

impl<'b> CodedTexts<'b> {
    fn of(column: &'b ArrayRef) -> Self {
        match column.as_dictionary_opt::<Int32Type>() {
            Some(coded) => Self { codes: Some(coded.keys()), values: coded.values(), is_nothing: false },
            None => Self { codes: None, values: column, is_nothing: column.null_count() == column.len() },
        }
    }

    /// What the codes mean, to tell whether it is another list than before.
    pub fn values(&self) -> &'b ArrayRef {
        self.values
    }

    /// The texts, by code; where no row says anything, there is one text, which is empty.
    pub fn texts(&self) -> impl Iterator<Item = &'b str> {
        let values = self.values.as_string::<i32>();
        let len = if self.is_nothing { 0 } else { values.len() };
        let texts = (0..len).map(|code| if values.is_null(code) { "" } else { values.value(code) });
        let says_nothing = self.codes.map_or(self.is_nothing, |codes| codes.null_count() > 0);
        texts.chain(says_nothing.then_some(""))
    }

    /// The code of a row; the last one where the row says nothing.
    pub fn code(&self, row: usize) -> usize {
        match self.codes {
            Some(codes) if codes.is_null(row) => self.values.len(),
            Some(codes) => codes.value(row).unsigned_abs() as usize,
            None if self.is_nothing => 0,
            None => row,
        }
    }

    /// The text of a row; empty where it says nothing.
    pub fn text(&self, row: usize) -> &'b str {
        let (values, code) = (self.values.as_string::<i32>(), self.code(row));
        if code >= values.len() || values.is_null(code) { "" } else { values.value(code) }
    }
}

impl<'b> Names<'b> {
    /// Of a batch of [`PartialFile::each_batch_of_names`].
    pub fn of(batch: &'b RecordBatch) -> Self {
        let coded = |place: usize| CodedTexts::of(batch.column(place));
        Self { coded: CODED.map(coded), resources: batch.column(1).as_string(), mixed: batch.column(6).as_primitive() }
    }

    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// The account, resource and sku in a row.
    pub fn key(&self, row: usize) -> [&'b str; 3] {
        [self.coded[0].text(row), self.resources.value(row), self.coded[1].text(row)]
    }

    pub fn is_mixed(&self, row: usize) -> bool {
        self.mixed.value(row) != 0
    }
}

/// The file with its whole numbers of few digits read as such, in 64 bits.
fn narrowed(metadata: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    with_types(metadata, |_, read_as| match read_as {
        DataType::Decimal128(SHORT_DIGITS, 0) => DataType::Decimal64(SHORT_DIGITS, 0),
        other => other.clone(),
    })
}

/// The file with its columns read as these types.
fn with_types(
    metadata: &ArrowReaderMetadata,
    read_as: impl Fn(usize, &DataType) -> DataType,
) -> Result<ArrowReaderMetadata, ParquetError> {
    let fields = metadata.schema().fields().iter().enumerate();
    let fields = fields.map(|(place, field)| field.as_ref().clone().with_data_type(read_as(place, field.data_type())));
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

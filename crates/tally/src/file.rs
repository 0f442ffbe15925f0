//! Parquet as the lake has it: zstd, row groups of 128 Ki rows, no schema but Parquet's own, so that every reader sees text
//! as text.

use crate::chunk::{Chunk, Encoder, Given};
use crate::error::TallyError;
use crate::pack::{ShortEndings, least_and_greatest};
use arrow::array::{
    ArrayRef, Decimal128Array, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray, new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowSchemaConverter, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};
use reckoner_core::id::Bits;
use reckoner_core::table::Texts;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Rows per row group: small enough that an hour of a day's file can be found by statistics.
pub(crate) const ROW_GROUP_ROWS: usize = 128 * 1024;

/// What a file begins with.
const MAGIC: &[u8] = b"PAR1";

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Few distinct values.
    Repeating,
    /// Integers that rise, or stay.
    Rising,
    /// Every value another; those that are alike stand together.
    Distinct,
    /// Every value another, in no order.
    Scattered,
}

/// A column of a file.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: String,
    pub kind: DataType,
    pub is_optional: bool,
    pub form: Form,
}

impl Column {
    pub fn new(name: impl Into<String>, kind: DataType, form: Form) -> Self {
        Self { name: name.into(), kind, is_optional: false, form }
    }

    /// A text that repeats.
    pub fn text(name: &str) -> Self {
        Self::new(name, coded_type(), Form::Repeating)
    }

    /// Whole numbers.
    pub fn integer(name: &str) -> Self {
        Self::new(name, DataType::Int64, Form::Rising)
    }

    /// The same column with values that may be missing.
    pub fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

/// The cells of a column in a row group.
#[derive(Debug)]
pub(crate) enum Cells<'a> {
    /// One after the other.
    Each(ArrayRef),
    /// Codes of values.
    Coded(Cow<'a, [u32]>, ArrayRef),
    /// Codes of texts in no order, of which the endings are short.
    Short(Cow<'a, [u32]>, Arc<ShortEndings>),
    /// Texts end to end, those of these places.
    Texts(Cow<'a, Texts>, Range<usize>),
    /// Whole numbers: which rows have one, where not all have, and those, one after the other.
    Numbers(Option<NullBuffer>, Numbers<'a>),
    /// Decimals of 38 digits.
    Decimals(Cow<'a, [i128]>),
    /// Ids: what they begin with, and what they show.
    Ids(&'static str, Vec<Bits>),
    /// Those of an earlier column of the row group.
    Like(&'static str),
    /// The same in every row.
    All(One),
}

/// Texts that codes in no order stand for.
#[derive(Debug)]
pub(crate) enum Scattered {
    Short(Arc<ShortEndings>),
    Long(ArrayRef),
}

impl Scattered {
    pub fn of(texts: &Texts) -> Self {
        let short = ShortEndings::of(texts.text.as_bytes(), (0..texts.len()).map(|place| texts.span(place)));
        short.map_or_else(|| Self::Long(strings(texts)), |short| Self::Short(Arc::new(short)))
    }

    /// The texts of these codes.
    pub fn cells<'a>(&self, codes: Cow<'a, [u32]>) -> Cells<'a> {
        match self {
            Self::Short(texts) => Cells::Short(codes, Arc::clone(texts)),
            Self::Long(texts) => Cells::Coded(codes, Arc::clone(texts)),
        }
    }
}

/// Whole numbers, as they stand in memory.
#[derive(Debug, Clone)]
pub(crate) enum Numbers<'a> {
    Signed(Cow<'a, [i64]>),
    Lines(Cow<'a, [u64]>),
    Counts(Cow<'a, [u32]>),
}

impl From<Vec<i64>> for Numbers<'_> {
    fn from(numbers: Vec<i64>) -> Self {
        Self::Signed(numbers.into())
    }
}

impl Numbers<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Signed(numbers) => numbers.len(),
            Self::Lines(lines) => lines.len(),
            Self::Counts(counts) => counts.len(),
        }
    }

    /// The same numbers, where they stand.
    pub fn borrowed(&self) -> Numbers<'_> {
        match self {
            Self::Signed(numbers) => Numbers::Signed(Cow::Borrowed(numbers)),
            Self::Lines(lines) => Numbers::Lines(Cow::Borrowed(lines)),
            Self::Counts(counts) => Numbers::Counts(Cow::Borrowed(counts)),
        }
    }

    /// The least and the greatest.
    pub fn ends(&self) -> Option<(i64, i64)> {
        match self {
            Self::Signed(numbers) => least_and_greatest(numbers),
            Self::Lines(lines) => least_and_greatest(lines),
            Self::Counts(counts) => least_and_greatest(counts),
        }
    }
}

/// A value that stands in every row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum One {
    Text(String),
    Integer(i64),
    E12(i128),
    Nothing,
}

impl One {
    fn repeated(&self, kind: &DataType, rows: usize) -> ArrayRef {
        match self {
            Self::Text(text) => {
                let values = Arc::new(StringArray::from(vec![text.as_str()]));
                Arc::new(DictionaryArray::<Int32Type>::new(vec![0; rows].into(), values as ArrayRef))
            }
            Self::Integer(value) => Arc::new(Int64Array::from(vec![*value; rows])),
            Self::E12(value) => quantities(vec![*value; rows]),
            Self::Nothing => new_null_array(kind, rows),
        }
    }
}

/// Column chunks of one value, encoded once and copied into every row group of as many rows.
#[derive(Debug, Default)]
pub struct Repeated {
    chunks: HashMap<(String, One, usize), Chunk>,
}

/// Chunks that are kept before all are forgotten: hours come and go.
const REPEATED_MAX: usize = 512;

/// A new file: where it stands, which errors name, and what takes its bytes from the first to the last.
pub struct Output<'a> {
    /// For errors.
    pub path: &'a Path,
    /// Takes the bytes.
    pub to: &'a mut (dyn Write + Send),
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Output").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A file being written, row group by row group.
///
/// The library's own writer would copy each chunk twice before the file has it.
pub(crate) struct Writer<'a, 'o> {
    path: &'o Path,
    columns: &'a [Column],
    schema: SchemaDescPtr,
    to: TrackedWrite<&'o mut (dyn Write + Send)>,
    groups: Vec<RowGroupMetaData>,
    encoder: Encoder,
    repeated: &'a mut Repeated,
    /// By column what its chunk took in the row group before: room for the next.
    rooms: Vec<Vec<u8>>,
    rows: u64,
}

impl<'a, 'o> Writer<'a, 'o> {
    pub fn create(out: Output<'o>, columns: &'a [Column], repeated: &'a mut Repeated) -> Result<Self, TallyError> {
        let Output { path, to } = out;
        let failed = TallyError::write(path);
        let schema = parquet_schema(columns).map_err(|error| failed(&error))?;
        let encoder = Encoder::new().map_err(|error| failed(&error))?;
        let mut to = TrackedWrite::new(to);
        to.write_all(MAGIC).map_err(|error| failed(&error))?;
        let (groups, rooms) = (Vec::new(), vec![Vec::new(); columns.len()]);
        Ok(Self { path, columns, schema: Arc::new(schema), to, groups, encoder, repeated, rooms, rows: 0 })
    }

    /// Writes a row group; its columns are asked for one by one.
    pub fn write<'c>(&mut self, rows: usize, cells: impl IntoIterator<Item = Cells<'c>>) -> Result<(), TallyError> {
        let failed = TallyError::write(self.path);
        self.write_group(rows, cells).map_err(|error| failed(&error))?;
        self.rows += rows as u64;
        Ok(())
    }

    fn write_group<'c>(&mut self, rows: usize, cells: impl IntoIterator<Item = Cells<'c>>) -> Result<(), ParquetError> {
        let Self { columns, schema, to, groups, encoder, repeated, rooms, .. } = self;
        let offset = to.bytes_written();
        // Nothing where a column is like another.
        let mut written: Vec<Option<Chunk>> = Vec::with_capacity(columns.len());
        let mut chunks: Vec<ColumnChunkMetaData> = Vec::with_capacity(columns.len());
        for ((column, descriptor), cells) in columns.iter().zip(schema.columns()).zip(cells) {
            let room = std::mem::take(&mut rooms[written.len()]);
            let encode = |given| encoder.chunk(descriptor, column.form, given, room);
            let chunk = match cells {
                Cells::Each(array) => encode(Given::Each(&array))?,
                Cells::Coded(codes, values) => encode(Given::Coded(&codes, &values))?,
                Cells::Short(codes, texts) => encode(Given::Short(&codes, &texts))?,
                Cells::Texts(texts, places) => encode(Given::Texts(&texts, places))?,
                Cells::Numbers(nulls, numbers) => encode(Given::Numbers(nulls.as_ref(), rows, &numbers))?,
                Cells::Decimals(numbers) => encode(Given::Decimals(&numbers))?,
                Cells::Ids(before, ids) => encode(Given::Ids(before, &ids))?,
                Cells::Like(name) => {
                    let place = columns[..written.len()].iter().position(|column| column.name == name);
                    let like = place.and_then(|place| written[place].as_ref()).expect("the column comes before");
                    chunks.push(like.append(to, descriptor)?);
                    written.push(None);
                    continue;
                }
                Cells::All(one) => {
                    let key = (column.name.clone(), one, rows);
                    match repeated.chunks.get(&key) {
                        Some(chunk) => chunk.clone(),
                        None => {
                            let chunk = encode(Given::Each(&key.1.repeated(&column.kind, rows)))?;
                            repeated.keep(key, chunk.clone());
                            chunk
                        }
                    }
                }
            };
            chunks.push(chunk.append(to, descriptor)?);
            written.push(Some(chunk));
        }
        for (room, chunk) in rooms.iter_mut().zip(written) {
            *room = chunk.map(|chunk| chunk.bytes).unwrap_or_default();
        }
        let group = RowGroupMetaData::builder(Arc::clone(schema))
            .set_total_byte_size(chunks.iter().map(ColumnChunkMetaData::uncompressed_size).sum())
            .set_column_metadata(chunks)
            .set_num_rows(rows as i64)
            .set_ordinal(groups.len() as i32)
            .set_file_offset(offset as i64);
        groups.push(group.build()?);
        Ok(())
    }

    /// Ends the file; hands back its rows.
    pub fn finish(mut self) -> Result<u64, TallyError> {
        let failed = TallyError::write(self.path);
        let footer = footer(self.schema, self.groups, self.rows).map_err(|error| failed(&error))?;
        self.to.write_all(&footer).and_then(|()| self.to.flush()).map_err(|error| failed(&error))?;
        Ok(self.rows)
    }
}

/// What stands after the last row group.
fn footer(schema: SchemaDescPtr, groups: Vec<RowGroupMetaData>, rows: u64) -> Result<Vec<u8>, ParquetError> {
    let usual = WriterProperties::default();
    let (version, created_by) = (usual.writer_version().as_num(), Some(usual.created_by().to_owned()));
    let file = FileMetaData::new(version, rows as i64, created_by, None, schema, None);
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &ParquetMetaData::new(file, groups)).finish()?;
    Ok(footer)
}

impl Repeated {
    fn keep(&mut self, key: (String, One, usize), chunk: Chunk) {
        if self.chunks.len() >= REPEATED_MAX {
            self.chunks.clear();
        }
        self.chunks.insert(key, chunk);
    }
}

/// The columns as Parquet has them.
fn parquet_schema(columns: &[Column]) -> Result<SchemaDescriptor, ParquetError> {
    let field = |column: &Column| Field::new(&column.name, column.kind.clone(), column.is_optional);
    ArrowSchemaConverter::new().convert(&Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// A dictionary of strings.
pub(crate) fn coded_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Texts as a string array, without looking at each.
pub(crate) fn strings(texts: &Texts) -> ArrayRef {
    let mut offsets: Vec<i32> = Vec::with_capacity(texts.len() + 1);
    offsets.push(0);
    offsets.extend(texts.ends.iter().map(|end| i32::try_from(*end).expect("a batch holds far less than 2 GiB of text")));
    Arc::new(StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from(texts.text.as_bytes()), None))
}

/// Codes into these texts, where a code may be missing.
pub(crate) fn coded_optional(codes: impl Iterator<Item = Option<u32>>, values: &ArrayRef) -> ArrayRef {
    let keys: Int32Array = codes.map(|code| code.map(|code| code as i32)).collect();
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(values)))
}

/// Decimals with 38 digits, 12 after the point: quantities and prices.
pub(crate) fn quantities(values_e12: Vec<i128>) -> ArrayRef {
    Arc::new(Decimal128Array::from(values_e12).with_data_type(DataType::Decimal128(38, 12)))
}

/// Reads columns of a file, batch by batch; they stand in the order of the file. Text is text, whoever wrote the file.
pub(crate) fn read_columns(
    path: &Path,
    columns: &[&str],
    mut tell: impl FnMut(&RecordBatch) -> Result<(), TallyError>,
) -> Result<(), TallyError> {
    let failed = TallyError::read(path);
    let file = File::open(path).map_err(|error| failed(&error))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(|error| failed(&error))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(ROW_GROUP_ROWS).build().map_err(|error| failed(&error))?;
    for batch in reader {
        tell(&batch.map_err(|error| failed(&error))?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray as _;
    use arrow::datatypes::{Decimal128Type, Int64Type};

    #[test]
    fn a_value_written_once_stands_in_every_row_of_every_group() {
        let folder = tempfile::tempdir().expect("a folder");
        let columns = [
            Column::integer("number"),
            Column::text("text"),
            Column::integer("hour"),
            Column::new("price", DataType::Decimal128(38, 12), Form::Repeating),
            Column::text("nothing").optional(),
            Column::integer("number_again"),
        ];
        let mut repeated = Repeated::default();
        // Two files share the chunks; groups of several lengths, and two hours.
        for (name, hour) in [("one", 3_600), ("two", 7_200), ("three", 3_600)] {
            let path = folder.path().join(name);
            let mut file = File::create(&path).expect("created");
            let out = Output { path: &path, to: &mut file };
            let mut writer = Writer::create(out, &columns, &mut repeated).expect("begun");
            for (first, rows) in [(0, 5), (5, 5), (10, 2)] {
                let numbers: Vec<i64> = (first..first + rows).collect();
                let cells = vec![
                    Cells::Each(Arc::new(Int64Array::from(numbers))),
                    Cells::All(One::Text("usage".to_owned())),
                    Cells::All(One::Integer(hour)),
                    Cells::All(One::E12(7)),
                    Cells::All(One::Nothing),
                    Cells::Like("number"),
                ];
                writer.write(rows as usize, cells).expect("written");
            }
            assert_eq!(writer.finish().expect("finished"), 12);

            let mut numbers = Vec::new();
            read_columns(&path, &["number", "text", "hour", "price", "nothing", "number_again"], |batch| {
                for row in 0..batch.num_rows() {
                    numbers.push(batch.column(0).as_primitive::<Int64Type>().value(row));
                    assert_eq!(batch.column(1).as_string::<i32>().value(row), "usage");
                    assert_eq!(batch.column(2).as_primitive::<Int64Type>().value(row), hour);
                    assert_eq!(batch.column(3).as_primitive::<Decimal128Type>().value(row), 7);
                    assert!(batch.column(4).is_null(row));
                }
                assert_eq!(batch.column(5), batch.column(0));
                Ok(())
            })
            .expect("read");
            assert_eq!(numbers, (0..12).collect::<Vec<_>>());
        }
    }
}

//! Parquet: foreign files are checked by their footer before a page is unpacked, then read in batches.
//!
//! Strings are read as views, so that a value that is repeated a million times is held once. The `parquet` crate panics on
//! some damaged files; a panic is caught and refuses the file. It also believes what pages say of their sizes, which is why
//! foreign files are decoded in a process of their own (`apart`). Pages may carry a checksum, and few writers give them one:
//! without it a flipped bit in a number reads as another number, which only a hash from the sender can tell.

use super::batch::{BATCH_BYTES_MAX, Batch, TextColumn, kept};
use super::{FileRefusal, Format, ReadOptions, RowReader, render};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use reckoner_core::table::schema::{Layout, TableSchema};
use reckoner_core::table::{FIELD_BYTES_MAX, Refusal};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A row group that unpacks to more is refused.
const ROW_GROUP_BYTES_MAX: i64 = 1 << 30;
/// Below this no ratio is absurd: a column of one value packs to nothing.
const RATIO_BYTES_MIN: i64 = 64 << 20;
/// Unpacked to packed bytes of a row group.
const RATIO_MAX: i64 = 1_000;
/// Rows to bytes of the file: every row has at least an id of its own.
const ROWS_PER_BYTE_MAX: u64 = 1_000;
/// Rows that are decoded at a time, whatever the caller's batch.
pub(super) const DECODED_ROWS_MAX: usize = 8_192;

/// What decoding needs is bounded where it is decoded apart.
pub(super) const TAKES_TOO_MUCH: &str =
    "to decode it takes more memory than a file may take; write smaller pages and row groups, or send it as CSV";

pub(super) struct ParquetReader {
    schema: &'static TableSchema,
    /// For every column that is read its place in the schema.
    places: Vec<usize>,
    /// Nothing once the file is read or refused.
    reader: Option<ParquetRecordBatchReader>,
    /// Rows that are unpacked and not yet handed out.
    pending: Option<RecordBatch>,
    rows_expected: u64,
    rows_seen: u64,
    /// The lines of the rows that come out; nothing where all do.
    picked: Option<Vec<u64>>,
    text: TextCount,
}

/// What the footer says, and that it may be believed so far.
pub(super) struct Footer {
    pub(super) loaded: ArrowReaderMetadata,
    /// For every column of the file its place in the schema; nothing where it is passed over.
    pub(super) places: Vec<Option<usize>>,
    pub(super) file_bytes: u64,
    rows: u64,
}

/// How much text the cells say, and in how many bytes.
pub(super) struct TextCount {
    file_bytes: u64,
    text_bytes: u64,
}

impl Footer {
    pub(super) fn read(file: &File, schema: &'static TableSchema, options: &ReadOptions) -> Result<Self, FileRefusal> {
        let file_bytes = file.metadata().map_err(|error| FileRefusal::of(&error))?.len();
        let loaded = guarded(|| ArrowReaderMetadata::load(file, ArrowReaderOptions::new()))?;
        let rows = check_footer(loaded.metadata(), file_bytes)?;
        let places = check_columns(loaded.schema(), schema, options)?.places;
        Ok(Self { loaded, places, file_bytes, rows })
    }

    /// The columns that are read, by their places in the file.
    pub(super) fn read_columns(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|index| self.places[*index].is_some()).collect()
    }

    /// The rows of each row group.
    pub(super) fn group_rows(&self) -> Vec<u64> {
        self.loaded.metadata().row_groups().iter().map(|group| group.num_rows().unsigned_abs()).collect()
    }
}

impl ParquetReader {
    /// With `picked`, only the rows on these lines, which ascend.
    pub(super) fn open(
        file: File,
        schema: &'static TableSchema,
        options: &ReadOptions,
        picked: Option<Vec<u64>>,
    ) -> Result<Self, FileRefusal> {
        let footer = Footer::read(&file, schema, options)?;
        let text = TextCount::new(footer.file_bytes);
        let selected = picked.as_ref().map(|lines| selection(lines, &footer)).transpose()?;
        let rows_expected = picked.as_ref().map_or(footer.rows, |lines| lines.len() as u64);
        let build = || {
            let as_views = ArrowReaderOptions::new().with_schema(with_string_views(footer.loaded.schema()));
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(footer.loaded.metadata()), as_views)?;
            let columns = ProjectionMask::roots(metadata.parquet_schema(), footer.read_columns());
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            if let Some((groups, rows)) = selected {
                builder = builder.with_row_groups(groups).with_row_selection(rows);
            }
            builder.with_projection(columns).with_batch_size(options.batch_rows.clamp(1, DECODED_ROWS_MAX)).build()
        };
        let reader = Some(guarded(build)?);
        let places = footer.places.iter().copied().flatten().collect();
        Ok(Self { schema, places, reader, pending: None, rows_expected, rows_seen: 0, picked, text })
    }

    /// Unpacks the next rows, if there are any.
    fn unpack(&mut self) -> Result<Option<RecordBatch>, FileRefusal> {
        // Taken out, so that after a refusal nothing more is handed out.
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        let batch = guarded(|| reader.next().transpose())?;
        if batch.is_some() {
            self.reader = Some(reader);
        } else if self.rows_seen != self.rows_expected {
            return Err(rows_differ(self.rows_expected, self.rows_seen));
        }
        Ok(batch)
    }

    /// Hands out the first rows, as many as a batch may hold, and keeps the rest.
    fn hand_out(&mut self, unpacked: RecordBatch) -> Result<Batch, FileRefusal> {
        let fitting = rows_fitting(&unpacked);
        let rest = unpacked.num_rows() - fitting;
        self.pending = (rest > 0).then(|| unpacked.slice(fitting, rest));
        let unpacked = unpacked.slice(0, fitting);

        let (too_long, rows): (Vec<usize>, Vec<usize>) = (0..fitting).partition(|row| longest(&unpacked, *row) > FIELD_BYTES_MAX);
        let line = |row: &usize| match &self.picked {
            Some(lines) => lines.get(self.rows_seen as usize + row).copied().unwrap_or(u64::MAX), // refused at the end
            None => self.rows_seen + *row as u64 + 1,
        };
        let mut batch = Batch::new(self.schema);
        let columns = self.places.iter().zip(unpacked.columns());
        let columns = columns.map(|(place, array)| (*place, render::cells(array, &rows))).collect();
        batch.push_columns(rows.iter().map(line).collect(), columns);
        for row in too_long {
            let (refusal, raw) = self.too_long(&unpacked, row);
            batch.refuse(line(&row), refusal, raw);
        }
        self.rows_seen += fitting as u64;
        self.text.add(batch.bytes() as u64).map(|()| batch)
    }

    fn too_long(&self, unpacked: &RecordBatch, row: usize) -> (Refusal, Vec<(String, String)>) {
        let cells: Vec<(&str, TextColumn)> = self
            .places
            .iter()
            .zip(unpacked.columns())
            .map(|(place, array)| (self.schema.columns[*place].name.as_str(), render::cells(array, &[row])))
            .collect();
        let longest = cells.iter().find(|(_, cell)| cell.get(0).len() > FIELD_BYTES_MAX);
        let (column, cell) = longest.expect("a row is refused for a field that is too long");
        let raw = cells.iter().map(|(column, cell)| ((*column).to_owned(), kept(cell.get(0)))).collect();
        (Refusal::field_too_long(column, cell.get(0)), raw)
    }
}

impl RowReader for ParquetReader {
    fn format(&self) -> Format {
        Format::Parquet
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, FileRefusal> {
        loop {
            let unpacked = match self.pending.take() {
                Some(pending) => pending,
                None => match self.unpack()? {
                    Some(unpacked) => unpacked,
                    None => return Ok(None),
                },
            };
            if unpacked.num_rows() > 0 {
                // Taken again, so that after a refusal nothing more is handed out.
                let reader = self.reader.take();
                let batch = self.hand_out(unpacked)?;
                self.reader = reader;
                return Ok(Some(batch));
            }
        }
    }
}

impl TextCount {
    pub(super) fn new(file_bytes: u64) -> Self {
        Self { file_bytes, text_bytes: 0 }
    }

    /// Counts more, and asks whether the cells say more than can be meant: a dictionary or a run needs no bytes to say a
    /// thing again, so the footer's sizes tell nothing of it.
    pub(super) fn add(&mut self, text_bytes: u64) -> Result<(), FileRefusal> {
        self.text_bytes = self.text_bytes.saturating_add(text_bytes);
        let (seen, packed) = (self.text_bytes, self.file_bytes);
        if seen <= RATIO_BYTES_MIN.unsigned_abs() || seen / packed.max(1) <= RATIO_MAX.unsigned_abs() {
            return Ok(());
        }
        let detail = format!(
            "{packed} bytes say more than {seen} bytes of text, expected at most {RATIO_MAX} times as many; no rows pack so well, \
             so look at what is inside"
        );
        Err(FileRefusal::new("too_large", detail))
    }
}

/// The row groups that hold these lines, and which of their rows.
fn selection(lines: &[u64], footer: &Footer) -> Result<(Vec<usize>, RowSelection), FileRefusal> {
    if let Some(last) = lines.last().filter(|last| **last > footer.rows) {
        return Err(super::picked::line_is_gone(*last));
    }
    let (mut groups, mut ranges, mut rows_before, mut rest) = (Vec::new(), Vec::new(), 0_usize, lines);
    let mut first_line = 1;
    for (index, rows) in footer.group_rows().into_iter().enumerate() {
        let here;
        (here, rest) = rest.split_at(rest.partition_point(|line| *line < first_line + rows));
        if !here.is_empty() {
            let place = |line: u64| rows_before + (line - first_line) as usize;
            ranges.extend(here.chunk_by(|line, next| line + 1 == *next).map(|run| place(run[0])..place(run[0]) + run.len()));
            groups.push(index);
            rows_before += rows as usize;
        }
        first_line += rows;
    }
    Ok((groups, RowSelection::from_consecutive_ranges(ranges.into_iter(), rows_before)))
}

/// A refusal for a footer that counts other rows than there are.
pub(super) fn rows_differ(expected: u64, seen: u64) -> FileRefusal {
    let detail = format!("the footer counts {expected} rows, the pages hold {seen}: the file is damaged; send it again");
    FileRefusal::new("truncated", detail)
}

/// Runs the decoder; an error and a panic both say that the bytes are not Parquet as it should be.
pub(super) fn guarded<T, E: std::fmt::Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, FileRefusal> {
    let what = match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(decoded)) => return Ok(decoded),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            words.unwrap_or("the decoder gave up").to_owned()
        }
    };
    if what.contains("out of memory") {
        return Err(FileRefusal::new("too_large", TAKES_TOO_MUCH));
    }
    Err(FileRefusal::new("corrupt", format!("the file is not sound Parquet ({what}); write it again and send it")))
}

/// Whether unpacking is safe by what the footer says; hands back the count of rows.
fn check_footer(metadata: &ParquetMetaData, file_bytes: u64) -> Result<u64, FileRefusal> {
    let corrupt =
        |what: &str| Err(FileRefusal::new("corrupt", format!("the footer says {what}; write the file again and send it")));
    let mut rows: u64 = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let (unpacked, packed) = group_bytes(group);
        let (Some(unpacked), Some(packed), Ok(group_rows)) = (unpacked, packed, u64::try_from(group.num_rows())) else {
            return corrupt(&format!("that row group {} has a size below 0", index + 1));
        };
        check_ratio(index, unpacked, packed)?;
        // Of a column that is not nested there is a value for every row, present or not.
        let flat = group.columns().iter().filter(|column| column.column_descr().max_rep_level() == 0);
        if let Some(other) = flat.map(|column| column.num_values()).find(|values| *values != group.num_rows()) {
            return corrupt(&format!(
                "that row group {} has {group_rows} rows, and one of its columns {other} values",
                index + 1
            ));
        }
        rows = rows.saturating_add(group_rows);
    }
    match u64::try_from(metadata.file_metadata().num_rows()) {
        Ok(stated) if stated == rows => {}
        _ => return corrupt(&format!("{} rows, and its row groups {rows}", metadata.file_metadata().num_rows())),
    }
    if rows > file_bytes.saturating_mul(ROWS_PER_BYTE_MAX) {
        let detail = format!("the footer promises {rows} rows in {file_bytes} bytes, more than can be meant; it is not unpacked");
        return Err(FileRefusal::new("too_large", detail));
    }
    Ok(rows)
}

/// Unpacked and packed bytes of a row group by its columns; nothing where one is below 0.
fn group_bytes(group: &RowGroupMetaData) -> (Option<i64>, Option<i64>) {
    let sum = |mut sizes: Box<dyn Iterator<Item = i64> + '_>| {
        sizes.try_fold(0_i64, |sum, size| (size >= 0).then(|| sum.saturating_add(size)))
    };
    let unpacked = sum(Box::new(group.columns().iter().map(|column| column.uncompressed_size())));
    let packed = sum(Box::new(group.columns().iter().map(|column| column.compressed_size())));
    let stated = (group.total_byte_size() >= 0).then(|| group.total_byte_size());
    (unpacked.zip(stated).map(|(summed, stated)| summed.max(stated)), packed)
}

fn check_ratio(index: usize, unpacked: i64, packed: i64) -> Result<(), FileRefusal> {
    let too_large = |limit: String| {
        let detail = format!(
            "row group {} unpacks from {packed} to {unpacked} bytes, expected {limit}; write smaller row groups",
            index + 1
        );
        Err(FileRefusal::new("too_large", detail))
    };
    if unpacked > ROW_GROUP_BYTES_MAX {
        return too_large(format!("at most {ROW_GROUP_BYTES_MAX}"));
    }
    if unpacked > RATIO_BYTES_MIN && unpacked / packed.max(1) > RATIO_MAX {
        return too_large(format!("at most {RATIO_MAX} times as many"));
    }
    Ok(())
}

fn check_columns(file: &Schema, schema: &TableSchema, options: &ReadOptions) -> Result<Layout, FileRefusal> {
    let header: Vec<&str> = file.fields().iter().map(|field| field.name().as_str()).collect();
    let layout = schema.layout(&header, &options.ignored_columns)?;
    for (field, place) in file.fields().iter().zip(&layout.places) {
        if let Some(place) = place {
            render::check_type(&schema.columns[*place], field.data_type())?;
        }
    }
    Ok(layout)
}

/// The same columns with every kind of string as views.
fn with_string_views(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = if render::is_string(field.data_type()) { DataType::Utf8View } else { field.data_type().clone() };
        field.as_ref().clone().with_data_type(data_type)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn string_lengths(batch: &RecordBatch, row: usize) -> impl Iterator<Item = usize> {
    let strings = batch.columns().iter().filter_map(|array| array.as_string_view_opt());
    strings.filter(move |strings| strings.is_valid(row)).map(move |strings| strings.value(row).len())
}

fn longest(batch: &RecordBatch, row: usize) -> usize {
    string_lengths(batch, row).max().unwrap_or(0)
}

/// How many of the first rows a batch may hold; one at least.
fn rows_fitting(batch: &RecordBatch) -> usize {
    let mut bytes = 0;
    for row in 0..batch.num_rows() {
        bytes += string_lengths(batch, row).map(|length| length.min(FIELD_BYTES_MAX)).sum::<usize>();
        if bytes > BATCH_BYTES_MAX {
            return row.max(1);
        }
    }
    batch.num_rows()
}

#[cfg(test)]
mod tests;

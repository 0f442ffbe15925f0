//! A batch of rows as text cells, kept column by column.

use arrow::array::StringArray;
use arrow::buffer::{Buffer, OffsetBuffer};
use reckoner_core::table::schema::TableSchema;
use reckoner_core::table::{FIELD_BYTES_MAX, RawRow, Refusal};

/// A batch holds at most about so many bytes of text, however long its rows.
pub(super) const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a refused record takes beside its text: its sentence, and the names of its columns.
const REFUSED_BYTES: usize = 512;

/// Rows in the file's order, one cell for every column of the schema, and the records beside them that are no rows.
#[derive(Debug)]
pub struct Batch {
    schema: &'static TableSchema,
    columns: Vec<TextColumn>,
    lines: Vec<u64>,
    refused: Vec<RefusedRow>,
    bytes: usize,
}

/// A record that cannot be handed out as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Line in the delivered file, the header being line 1; in Parquet the row, from 1.
    pub line: u64,
    /// Why.
    pub refusal: Refusal,
    /// The record as delivered: column, text. Made so that taking it again refuses it again: fields of a record that does
    /// not fit its header are named by place, a field that is too long is cut only to where it still is.
    pub raw: Vec<(String, String)>,
}

/// The cells of one column, end to end.
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    text: String,
    ends: Vec<usize>,
}

impl TextColumn {
    pub(super) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Appends one cell that `write` writes.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.ends.push(self.text.len());
    }

    /// Cells end to end; nothing where the ends do not lie in the text in order, between characters, up to its end.
    pub(super) fn from_parts(text: String, ends: Vec<usize>) -> Option<Self> {
        let are_ordered = ends.is_sorted() && ends.last().copied().unwrap_or(0) == text.len();
        (are_ordered && ends.iter().all(|end| text.is_char_boundary(*end))).then_some(Self { text, ends })
    }

    /// The cells, end to end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where each cell ends; none where the file does not have the column.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Appends as many cells of another column as `rows` says, after `before` rows of this one.
    fn append(&mut self, other: &Self, before: usize, rows: usize) {
        if self.ends.is_empty() && other.ends.is_empty() {
            return; // the file does not have the column
        }
        self.ends.resize(before, self.text.len());
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| start + end));
        self.ends.resize(before + rows, self.text.len());
    }

    /// Inserts empty cells, so that they come to stand at these places.
    fn insert_empty(&mut self, places: &[usize]) {
        if places.is_empty() {
            return;
        }
        let mut ends = Vec::with_capacity(self.ends.len() + places.len());
        let mut next = self.ends.iter().copied();
        for place in places {
            ends.extend(next.by_ref().take(place - ends.len()));
            ends.push(ends.last().copied().unwrap_or(0));
        }
        ends.extend(next);
        self.ends = ends;
    }

    /// The cells as an array of strings.
    pub(super) fn into_strings(self) -> StringArray {
        let end = |end: &usize| i32::try_from(*end).expect("a batch holds far less than 2 GiB");
        let offsets: Vec<i32> = std::iter::once(0).chain(self.ends.iter().map(end)).collect();
        StringArray::new(OffsetBuffer::new(offsets.into()), Buffer::from(self.text.into_bytes()), None)
    }

    /// The cell of a row; empty where the file does not have the column.
    pub(super) fn get(&self, row: usize) -> &str {
        match self.ends.get(row) {
            Some(&end) => &self.text[if row == 0 { 0 } else { self.ends[row - 1] }..end],
            None => "",
        }
    }
}

impl Batch {
    pub(super) fn new(schema: &'static TableSchema) -> Self {
        let columns = schema.columns.iter().map(|_| TextColumn::default()).collect();
        Self { schema, columns, lines: Vec::new(), refused: Vec::new(), bytes: 0 }
    }

    /// Rows inside; refused records do not count.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no row inside; there may be refused records.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The row at this place in the batch, from 0.
    pub fn row(&self, row: usize) -> RawRow<'_> {
        RawRow::new(self.schema, self.lines[row], self.columns.iter().map(|column| column.get(row)).collect())
    }

    /// The rows, in the file's order.
    pub fn rows(&self) -> impl Iterator<Item = RawRow<'_>> {
        (0..self.len()).map(|row| self.row(row))
    }

    /// The line of every row.
    pub fn lines(&self) -> &[u64] {
        &self.lines
    }

    /// The cells of the schema's column at this place, in the order of the rows; empty texts where the file lacks it.
    pub fn cells(&self, place: usize) -> impl Iterator<Item = &str> {
        (0..self.len()).map(move |row| self.columns[place].get(row))
    }

    /// Records that are no rows, in the file's order.
    pub fn refused(&self) -> &[RefusedRow] {
        &self.refused
    }

    pub(super) fn is_full(&self, rows_max: usize) -> bool {
        self.lines.len() + self.refused.len() >= rows_max.max(1) || self.bytes >= BATCH_BYTES_MAX
    }

    /// Whether the rows of the other batch may come into this one.
    pub(super) fn has_room_for(&self, other: &Self, rows_max: usize) -> bool {
        let records = |batch: &Self| batch.lines.len() + batch.refused.len();
        records(self) + records(other) <= rows_max.max(1) && self.bytes + other.bytes <= BATCH_BYTES_MAX
    }

    /// Appends the rows and refused records of the batch that follows.
    pub(super) fn append(&mut self, other: Self) {
        for (column, added) in self.columns.iter_mut().zip(&other.columns) {
            column.append(added, self.lines.len(), other.lines.len());
        }
        self.lines.extend(other.lines);
        self.refused.extend(other.refused);
        self.bytes += other.bytes;
    }

    /// Bytes inside, of the text of rows, and of refused records.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The lines of rows and refused records together, and every column of the schema with an empty cell where a record was
    /// refused; a column that the file does not have stays without cells, unless it is required.
    pub(super) fn with_gaps(self) -> (Vec<u64>, Vec<TextColumn>) {
        let Self { schema, mut columns, lines, refused, .. } = self;
        let mut gaps: Vec<usize> = Vec::with_capacity(refused.len());
        let mut all = Vec::with_capacity(lines.len() + refused.len());
        let mut rows = lines.into_iter().peekable();
        for row in refused {
            while let Some(line) = rows.next_if(|line| *line < row.line) {
                all.push(line);
            }
            gaps.push(all.len());
            all.push(row.line);
        }
        all.extend(rows);
        for (column, described) in columns.iter_mut().zip(&schema.columns) {
            if !column.ends.is_empty() || described.is_required {
                column.insert_empty(&gaps);
            }
        }
        (all, columns)
    }

    /// Every column of the schema.
    pub(super) fn columns(&self) -> &[TextColumn] {
        &self.columns
    }

    pub(super) fn has_nothing(&self) -> bool {
        self.lines.is_empty() && self.refused.is_empty()
    }

    /// Appends one row; `places` says where each field belongs.
    pub(super) fn push_row<'a>(&mut self, line: u64, places: &[Option<usize>], fields: impl Iterator<Item = &'a str>) {
        for (place, field) in places.iter().zip(fields) {
            if let Some(place) = place {
                self.columns[*place].push(field);
                self.bytes += field.len();
            }
        }
        self.lines.push(line);
    }

    /// Appends whole columns and the lines of their rows.
    pub(super) fn push_columns(&mut self, lines: Vec<u64>, columns: Vec<(usize, TextColumn)>) {
        assert!(self.lines.is_empty(), "columns come whole");
        for (place, column) in columns {
            assert_eq!(column.ends.len(), lines.len(), "a cell for every row");
            self.bytes += column.text.len();
            self.columns[place] = column;
        }
        self.lines = lines;
    }

    pub(super) fn refuse(&mut self, line: u64, refusal: Refusal, raw: Vec<(String, String)>) {
        self.bytes += REFUSED_BYTES + raw.iter().map(|(_, text)| text.len()).sum::<usize>();
        self.refused.push(RefusedRow { line, refusal, raw });
    }
}

/// A field as the quarantine keeps it: cut, if it must be, where it still is too long.
pub(super) fn kept(field: &str) -> String {
    let end = (FIELD_BYTES_MAX + 1..field.len()).find(|end| field.is_char_boundary(*end)).unwrap_or(field.len());
    field[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_field_is_still_too_long() {
        assert_eq!(kept("short"), "short");
        for filler in ["x", "é", "界", "🦀"] {
            let cut = kept(&filler.repeat(FIELD_BYTES_MAX + 9));
            assert!((FIELD_BYTES_MAX + 1..FIELD_BYTES_MAX + 5).contains(&cut.len()), "{filler}: {}", cut.len());
        }
    }
}

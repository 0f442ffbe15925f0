//! Usage rows in columns: what the fast way of ingest reads, a value a cell instead of a text a cell.
//!
//! Only rows that [`super::usage::parse`] would read are rows here, and only plain ones: the others are named in `unread`,
//! and go the readable way, cell by cell.

use std::ops::Range;

/// Texts end to end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// All of them.
    pub text: String,
    /// Where each ends, in bytes.
    pub ends: Vec<u32>,
}

/// Texts that repeat: each distinct one once, and a code a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coded {
    /// For every row the place of its text in `values`.
    pub codes: Vec<u32>,
    /// The distinct texts; one may stand there twice.
    pub values: Texts,
}

/// Usage rows, column by column; every column has as many values as there are lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageColumns {
    /// Line in the delivered file, as in [`super::UsageRow`]; ascending.
    pub lines: Vec<u64>,
    /// Rows, by their place here and ascending, that are not plain or cannot be read: their cells here mean nothing.
    ///
    /// Plain is a row without `corrects` that is not waived.
    pub unread: Vec<u32>,
    /// Valid ids.
    pub record_id: Texts,
    /// Valid ids, as are resources and skus.
    pub account_id: Coded,
    /// See above.
    pub resource_id: Coded,
    /// See above.
    pub sku: Coded,
    /// Whole seconds UTC.
    pub started_at: Vec<i64>,
    /// Not before the start.
    pub ended_at: Vec<i64>,
    /// Units of 1e-12.
    pub quantity_e12: Vec<i128>,
    /// The empty text where the row has none; nothing where the file lacks the column.
    pub region: Option<Coded>,
    /// See above.
    pub resource_name: Option<Coded>,
    /// As `tags_text` writes them: `key=value;key=value`, sorted by key. See above.
    pub tags: Option<Coded>,
    /// Nothing where the file lacks the column: 0 everywhere.
    pub revision: Option<Vec<u32>>,
}

impl Texts {
    /// How many.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text at this place.
    #[inline]
    pub fn get(&self, place: usize) -> &str {
        let [start, end] = self.span(place);
        &self.text[start as usize..end as usize]
    }

    /// Where the text at this place begins and ends, in bytes.
    #[inline]
    pub fn span(&self, place: usize) -> [u32; 2] {
        [if place == 0 { 0 } else { self.ends[place - 1] }, self.ends[place]]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// Takes all of them out, without giving back their memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Appends one.
    ///
    /// # Panics
    /// Beyond 4 GiB of text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).expect("columns come in batches far below 4 GiB"));
    }

    /// Appends some of others.
    ///
    /// # Panics
    /// Beyond 4 GiB of text.
    pub fn push_run(&mut self, others: &Self, run: Range<usize>) {
        let ends = &others.ends[run.clone()];
        let Some(end) = ends.last() else { return };
        let [start, _] = others.span(run.start);
        let before = u32::try_from(self.text.len()).expect("columns hold less than 4 GiB of text");
        before.checked_add(end - start).expect("columns hold less than 4 GiB of text");
        self.text.push_str(&others.text[start as usize..*end as usize]);
        self.ends.extend(ends.iter().map(|end| before + (end - start)));
    }
}

impl Coded {
    /// The text of a row.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        self.values.get(self.codes[row] as usize)
    }

    /// Takes all of them out, without giving back their memory.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.values.clear();
    }
}

impl UsageColumns {
    /// Rows inside, unread ones included.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Makes room for other rows of the same file, without giving back the memory that these took.
    pub fn clear(&mut self) {
        let Self { lines, unread, record_id, account_id, resource_id, sku, .. } = self;
        lines.clear();
        unread.clear();
        record_id.clear();
        [account_id, resource_id, sku].into_iter().for_each(Coded::clear);
        let Self { started_at, ended_at, quantity_e12, region, resource_name, tags, revision, .. } = self;
        [started_at, ended_at].into_iter().for_each(Vec::clear);
        quantity_e12.clear();
        [region, resource_name, tags].into_iter().flatten().for_each(Coded::clear);
        revision.iter_mut().for_each(Vec::clear);
    }
}

//! Decoded rows, gathered into columns.

use super::coded::{CodedColumn, push_unique};
use super::parsed::ParsedColumn;
use arrow::array::RecordBatch;
use reckoner_core::number::QUANTITY_SCALE;
use reckoner_core::table::usage::tags_text;
use reckoner_core::table::{Coded, FIELD_BYTES_MAX, UsageColumns, read};
use std::borrow::Cow;

/// What a column of the file becomes, and what is known of its texts.
enum Column {
    RecordId,
    Coded(Which, CodedColumn),
    StartedAt(ParsedColumn<i64>),
    EndedAt(ParsedColumn<i64>),
    Quantity(ParsedColumn<i128>),
    Revision(ParsedColumn<u32>),
    /// Read for nothing but whether the row is plain.
    Plain(ParsedColumn<()>),
}

/// The columns of texts that repeat.
#[derive(Clone, Copy)]
enum Which {
    Account,
    Resource,
    Sku,
    Region,
    ResourceName,
    Tags,
}

/// Rows on their way into columns.
pub(super) struct Builder {
    /// As many as the file has, in its order.
    columns: Vec<Column>,
    /// For every row whether it is left to the readable way.
    unread: Vec<bool>,
    /// Of the first row.
    first_line: u64,
    rows: UsageColumns,
}

impl Builder {
    /// For a file with these columns of `usage`, from this line on.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>, first_line: u64) -> Self {
        Self { columns: names.map(Column::of).collect(), unread: Vec::new(), first_line, rows: UsageColumns::default() }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.unread.len()
    }

    /// Bytes of text inside.
    pub(super) fn bytes(&self) -> usize {
        let UsageColumns { record_id, account_id, resource_id, sku, region, resource_name, tags, .. } = &self.rows;
        let coded = [account_id, resource_id, sku].into_iter().chain(region).chain(resource_name).chain(tags);
        record_id.text.len() + coded.map(|column| column.values.text.len()).sum::<usize>()
    }

    /// Appends rows; hands back how many bytes of text their cells are.
    pub(super) fn push(&mut self, rows: &RecordBatch) -> u64 {
        let before = self.unread.len();
        self.unread.resize(before + rows.num_rows(), false);
        let (unread, out) = (&mut self.unread[before..], &mut self.rows);
        let mut bytes = 0;
        for (column, array) in self.columns.iter_mut().zip(rows.columns()) {
            bytes += match column {
                Column::RecordId => push_unique(&mut out.record_id, id, array, unread),
                Column::Coded(which, column) => column.push(which.of(out), array, unread),
                Column::StartedAt(column) => column.push_instants(&mut out.started_at, array, unread),
                Column::EndedAt(column) => column.push_instants(&mut out.ended_at, array, unread),
                Column::Quantity(column) => column.push_quantities(&mut out.quantity_e12, array, unread),
                Column::Revision(column) => column.push_revisions(out.revision.get_or_insert_default(), array, unread),
                Column::Plain(column) => column.push_texts(&mut Vec::new(), array, unread),
            };
        }
        bytes
    }

    /// Completes the rows so far.
    pub(super) fn finish(&mut self) {
        let Self { unread, first_line, rows, .. } = self;
        rows.lines.extend(*first_line..*first_line + unread.len() as u64);
        if rows.quantity_e12.is_empty() {
            rows.quantity_e12.resize(unread.len(), 10_i128.pow(QUANTITY_SCALE)); // the file has no such column
        }
        for (unread, (started_at, ended_at)) in unread.iter_mut().zip(rows.started_at.iter().zip(&rows.ended_at)) {
            *unread |= ended_at < started_at;
        }
        rows.unread.extend((0..).zip(unread.iter()).filter(|(_, unread)| **unread).map(|(row, _): (u32, _)| row));
    }

    /// The rows, once they are complete.
    pub(super) fn columns(&self) -> &UsageColumns {
        &self.rows
    }

    /// See above.
    pub(super) fn into_columns(mut self) -> UsageColumns {
        self.finish();
        self.rows
    }

    /// Makes room for the rows that follow.
    pub(super) fn clear(&mut self) {
        self.first_line += self.unread.len() as u64;
        self.unread.clear();
        self.rows.clear();
        for column in &mut self.columns {
            if let Column::Coded(_, column) = column {
                column.forget();
            }
        }
    }
}

impl Which {
    fn of(self, rows: &mut UsageColumns) -> &mut Coded {
        match self {
            Self::Account => &mut rows.account_id,
            Self::Resource => &mut rows.resource_id,
            Self::Sku => &mut rows.sku,
            Self::Region => rows.region.get_or_insert_default(),
            Self::ResourceName => rows.resource_name.get_or_insert_default(),
            Self::Tags => rows.tags.get_or_insert_default(),
        }
    }
}

impl Column {
    fn of(name: &str) -> Self {
        let coded = |which, check| Self::Coded(which, CodedColumn::new(check));
        match name {
            "record_id" => Self::RecordId,
            "account_id" => coded(Which::Account, id),
            "resource_id" => coded(Which::Resource, id),
            "sku" => coded(Which::Sku, id),
            "started_at" => Self::StartedAt(ParsedColumn::new(instant)),
            "ended_at" => Self::EndedAt(ParsedColumn::new(instant)),
            "quantity" => Self::Quantity(ParsedColumn::new(quantity)),
            "region" => coded(Which::Region, text),
            "resource_name" => coded(Which::ResourceName, text),
            "tags" => coded(Which::Tags, tags),
            "revision" => Self::Revision(ParsedColumn::new(revision)),
            "corrects" => Self::Plain(ParsedColumn::new(|text| text.is_empty().then_some(()))),
            "waived" => Self::Plain(ParsedColumn::new(|text| ["", "false"].contains(&text).then_some(()))),
            other => unreachable!("`{other}` is no column of `usage`"),
        }
    }
}

fn fits(text: &str) -> Option<&str> {
    (text.len() <= FIELD_BYTES_MAX).then_some(text)
}

fn id(text: &str) -> Option<Cow<'_, str>> {
    reckoner_core::id::is_valid(text).then_some(Cow::Borrowed(text))
}

fn text(text: &str) -> Option<Cow<'_, str>> {
    read::text(fits(text)?).is_ok().then_some(Cow::Borrowed(text))
}

fn tags(text: &str) -> Option<Cow<'_, str>> {
    if text.is_empty() {
        return Some(Cow::Borrowed(""));
    }
    Some(Cow::Owned(tags_text(&read::map(fits(text)?).ok()?)))
}

fn instant(text: &str) -> Option<i64> {
    read::instant(fits(text)?).ok().map(|instant| instant.seconds())
}

fn quantity(text: &str) -> Option<i128> {
    match fits(text)? {
        "" => Some(10_i128.pow(QUANTITY_SCALE)),
        text => read::quantity(text).ok().map(|quantity| quantity.e12()),
    }
}

fn revision(text: &str) -> Option<u32> {
    match fits(text)? {
        "" => Some(0),
        text => read::integer(text, 0, i64::from(u32::MAX)).ok().and_then(|revision| u32::try_from(revision).ok()),
    }
}

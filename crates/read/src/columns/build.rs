//! Decoded rows, gathered into columns.

use super::coded::{CodedColumn, UniqueColumn};
use super::parsed::ParsedColumn;
use arrow::array::RecordBatch;
use reckoner_core::number::QUANTITY_SCALE;
use reckoner_core::table::usage::tags_text;
use reckoner_core::table::{FIELD_BYTES_MAX, UsageColumns, read};
use std::borrow::Cow;

/// What a column of the file becomes.
enum Column {
    RecordId(UniqueColumn),
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
    first_line: u64,
}

impl Builder {
    /// For a file with these columns of `usage`, from this line on.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>, first_line: u64) -> Self {
        Self { columns: names.map(Column::of).collect(), unread: Vec::new(), first_line }
    }

    pub(super) fn rows(&self) -> usize {
        self.unread.len()
    }

    /// Bytes of text inside.
    pub(super) fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }

    /// Appends rows; hands back how many bytes of text their cells are.
    pub(super) fn push(&mut self, rows: &RecordBatch) -> u64 {
        let before = self.unread.len();
        self.unread.resize(before + rows.num_rows(), false);
        let unread = &mut self.unread[before..];
        let mut bytes = 0;
        for (column, array) in self.columns.iter_mut().zip(rows.columns()) {
            bytes += match column {
                Column::RecordId(column) => column.push(array, unread),
                Column::Coded(_, column) => column.push(array, unread),
                Column::StartedAt(column) | Column::EndedAt(column) => column.push_instants(array, unread),
                Column::Quantity(column) => column.push_quantities(array, unread),
                Column::Revision(column) => column.push_revisions(array, unread),
                Column::Plain(column) => column.push_texts(array, unread),
            };
        }
        bytes
    }

    /// The rows so far; those that follow are others.
    pub(super) fn take(&mut self) -> UsageColumns {
        let mut unread = std::mem::take(&mut self.unread);
        let (rows, first_line) = (unread.len(), self.first_line);
        self.first_line += rows as u64;
        let mut taken = UsageColumns { lines: (first_line..self.first_line).collect(), ..UsageColumns::default() };
        for column in &mut self.columns {
            match column {
                Column::RecordId(column) => taken.record_id = column.take(),
                Column::Coded(Which::Account, column) => taken.account_id = column.take(),
                Column::Coded(Which::Resource, column) => taken.resource_id = column.take(),
                Column::Coded(Which::Sku, column) => taken.sku = column.take(),
                Column::Coded(Which::Region, column) => taken.region = Some(column.take()),
                Column::Coded(Which::ResourceName, column) => taken.resource_name = Some(column.take()),
                Column::Coded(Which::Tags, column) => taken.tags = Some(column.take()),
                Column::StartedAt(column) => taken.started_at = column.take(),
                Column::EndedAt(column) => taken.ended_at = column.take(),
                Column::Quantity(column) => taken.quantity_e12 = column.take(),
                Column::Revision(column) => taken.revision = Some(column.take()),
                Column::Plain(column) => drop(column.take()),
            }
        }
        if taken.quantity_e12.len() < rows {
            taken.quantity_e12 = vec![10_i128.pow(QUANTITY_SCALE); rows]; // the file has no such column
        }
        for ((unread, started_at), ended_at) in unread.iter_mut().zip(&taken.started_at).zip(&taken.ended_at) {
            *unread |= ended_at < started_at;
        }
        taken.unread = (0..).zip(&unread).filter(|(_, unread)| **unread).map(|(row, _)| row).collect();
        taken
    }
}

impl Column {
    fn of(name: &str) -> Self {
        let coded = |which, check| Self::Coded(which, CodedColumn::new(check));
        match name {
            "record_id" => Self::RecordId(UniqueColumn::new(id)),
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

    fn bytes(&self) -> usize {
        match self {
            Self::RecordId(column) => column.bytes(),
            Self::Coded(_, column) => column.bytes(),
            Self::StartedAt(_) | Self::EndedAt(_) | Self::Quantity(_) | Self::Revision(_) | Self::Plain(_) => 0,
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

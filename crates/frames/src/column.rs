//! Columns to values and back. A column that must have a value in every row says so when it does not.

use crate::error::FrameError;
use polars::prelude::*;

pub(crate) fn texts(name: &str, values: impl Iterator<Item = impl AsRef<str>>) -> Column {
    StringChunked::from_iter_values(name.into(), values).into_series().into()
}

pub(crate) fn optional_texts<T: AsRef<str>>(name: &str, values: impl Iterator<Item = Option<T>>) -> Column {
    let values: StringChunked = values.collect();
    values.with_name(name.into()).into_series().into()
}

/// A Decimal(38, 12) column: quantities and prices at rest.
pub(crate) fn quantities(name: &str, values: Vec<i128>) -> Result<Column, FrameError> {
    Ok(Int128Chunked::from_vec(name.into(), values).into_decimal(38, 12)?.into_series().into())
}

/// The columns of a frame by name, read row by row.
pub(crate) struct Reader<'a> {
    frame: &'a DataFrame,
}

pub(crate) struct Texts<'a>(&'static str, &'a StringChunked);
pub(crate) struct Integers<'a>(&'static str, &'a Int64Chunked);
pub(crate) struct Wides<'a>(&'static str, &'a Int128Chunked);

impl<'a> Reader<'a> {
    pub(crate) fn new(frame: &'a DataFrame) -> Self {
        Self { frame }
    }

    pub(crate) fn texts(&self, name: &'static str) -> Result<Texts<'a>, FrameError> {
        Ok(Texts(name, self.frame.column(name)?.str()?))
    }

    pub(crate) fn integers(&self, name: &'static str) -> Result<Integers<'a>, FrameError> {
        Ok(Integers(name, self.frame.column(name)?.i64()?))
    }

    /// The unscaled integers of a Decimal(38, 12) column.
    pub(crate) fn quantities(&self, name: &'static str) -> Result<Wides<'a>, FrameError> {
        Ok(Wides(name, self.frame.column(name)?.decimal()?.physical()))
    }

    pub(crate) fn wides(&self, name: &'static str) -> Result<Wides<'a>, FrameError> {
        Ok(Wides(name, self.frame.column(name)?.i128()?))
    }
}

impl<'a> Texts<'a> {
    pub(crate) fn at(&self, row: usize) -> Result<&'a str, FrameError> {
        self.1.get(row).ok_or(FrameError::Missing { column: self.0, row })
    }

    pub(crate) fn owned(&self, row: usize) -> Result<String, FrameError> {
        self.at(row).map(str::to_owned)
    }

    pub(crate) fn optional(&self, row: usize) -> Option<String> {
        self.1.get(row).map(str::to_owned)
    }
}

impl Integers<'_> {
    pub(crate) fn at(&self, row: usize) -> Result<i64, FrameError> {
        self.1.get(row).ok_or(FrameError::Missing { column: self.0, row })
    }
}

impl Wides<'_> {
    pub(crate) fn at(&self, row: usize) -> Result<i128, FrameError> {
        self.1.get(row).ok_or(FrameError::Missing { column: self.0, row })
    }

    pub(crate) fn optional(&self, row: usize) -> Option<i128> {
        self.1.get(row)
    }
}

//! Reading and writing the lake's files: zstd, row groups with statistics, one layout a kind.

use crate::error::FrameError;
use polars::prelude::*;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Rows per row group: small enough that an hour of a day's sorted file can be found by statistics.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

pub(crate) fn write(frame: &mut DataFrame, path: &Path) -> Result<Written, FrameError> {
    let failed = |source| FrameError::Write { path: path.to_owned(), source };
    let file = File::create(path).map_err(|error| failed(error.into()))?;
    let rows = frame.height() as u64;
    // The footer is written field by field: without a buffer, a file of ten rows is two thousand calls.
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let bytes = ParquetWriter::new(&mut out)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(ROW_GROUP_ROWS))
        .finish(frame)
        .map_err(failed)?;
    out.flush().map_err(|error| failed(error.into()))?;
    Ok(Written { rows, bytes })
}

pub(crate) fn scan(path: &Path) -> Result<LazyFrame, FrameError> {
    let failed = |source| FrameError::Read { path: path.to_owned(), source };
    let text = path.to_str().ok_or_else(|| failed(PolarsError::InvalidOperation("the path is not UTF-8".into())))?;
    // `day=2026-01-05` is for people and for finding files; it is no column.
    let hive_options = HiveOptions { enabled: Some(false), ..Default::default() };
    let args = ScanArgsParquet { glob: false, hive_options, ..Default::default() };
    LazyFrame::scan_parquet(PlRefPath::new(text), args).map_err(failed)
}

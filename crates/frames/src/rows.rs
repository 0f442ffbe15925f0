//! Accepted usage rows at rest: one file per delivered file (and batch), sorted by account, resource, sku, start.

use crate::column::{Reader, optional_texts, quantities, texts};
use crate::error::FrameError;
use crate::parquet::{Written, scan, write};
use polars::prelude::*;
use reckoner_core::number::Quantity;
use reckoner_core::table::UsageRow;
use reckoner_core::table::usage::{tags_of, tags_text};
use reckoner_core::time::{Instant, Window};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A file of accepted rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFile {
    /// Where it is.
    pub path: PathBuf,
    /// The delivered file whose rows these are.
    pub file_id: String,
    /// Its sequence number.
    pub seq: u64,
}

/// An accepted row and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The row.
    pub row: UsageRow,
    /// The delivered file.
    pub file_id: String,
    /// Its sequence number.
    pub seq: u64,
}

/// Which rows to read.
#[derive(Debug, Clone, Default)]
pub struct RowFilter {
    /// Only use that touches this window.
    pub touching: Option<Window>,
    /// Only this account.
    pub account_id: Option<String>,
    /// Only this resource.
    pub resource_id: Option<String>,
    /// Only this sku.
    pub sku: Option<String>,
}

/// Writes accepted rows to a new file.
///
/// # Errors
/// [`FrameError::Write`] when the file cannot be created or written.
pub fn write_rows(mut rows: Vec<UsageRow>, path: &Path) -> Result<Written, FrameError> {
    rows.sort_by(|a, b| place(a).cmp(&place(b)));
    let integers = |name: &str, of: &dyn Fn(&UsageRow) -> i64| -> Column {
        Int64Chunked::from_vec(name.into(), rows.iter().map(of).collect()).into_series().into()
    };
    let columns = vec![
        texts("account_id", rows.iter().map(|row| &row.account_id)),
        texts("resource_id", rows.iter().map(|row| &row.resource_id)),
        texts("sku", rows.iter().map(|row| &row.sku)),
        integers("started_at", &|row| row.started_at.seconds()),
        integers("ended_at", &|row| row.ended_at.seconds()),
        quantities("quantity", rows.iter().map(|row| row.quantity.e12()).collect())?,
        texts("record_id", rows.iter().map(|row| &row.record_id)),
        integers("revision", &|row| i64::from(row.revision)),
        optional_texts("corrects", rows.iter().map(|row| row.corrects.as_deref())),
        integers("waived", &|row| i64::from(row.is_waived)),
        optional_texts("region", rows.iter().map(|row| row.region.as_deref())),
        optional_texts("resource_name", rows.iter().map(|row| row.resource_name.as_deref())),
        texts("tags", rows.iter().map(|row| tags_text(&row.tags))),
        integers("line", &|row| row.line as i64),
    ];
    write(&mut DataFrame::new(rows.len(), columns)?, path)
}

fn place(row: &UsageRow) -> impl Ord + '_ {
    (&row.account_id, &row.resource_id, &row.sku, row.started_at, &row.record_id, row.line)
}

/// Reads rows, in the order of the files and then of their lines.
///
/// # Errors
/// [`FrameError::Read`] names the file that cannot be read.
pub fn read_rows(files: &[RowFile], filter: &RowFilter) -> Result<Vec<StoredRow>, FrameError> {
    let mut found = Vec::new();
    for file in files {
        let frame = collect(&file.path, filtered(scan(&file.path)?, filter))?;
        decode(&frame, file, &mut found)?;
    }
    Ok(found)
}

/// The stored rows with these (account_id, record_id), wherever they lie in the files.
///
/// # Errors
/// [`FrameError::Read`] names the file that cannot be read.
pub fn find_records(files: &[RowFile], keys: &HashSet<(String, String)>) -> Result<Vec<StoredRow>, FrameError> {
    find_pairs(files, ["account_id", "record_id"], keys, &RowFilter::default())
}

pub(crate) fn collect(path: &Path, plan: LazyFrame) -> Result<DataFrame, FrameError> {
    plan.collect().map_err(|source| FrameError::Read { path: path.to_owned(), source })
}

pub(crate) fn filtered(mut plan: LazyFrame, filter: &RowFilter) -> LazyFrame {
    if let Some(window) = filter.touching {
        // An instant (start = end) touches the window that holds it.
        let begins_before = col("started_at").lt(lit(window.end.seconds()));
        let ends_after = col("ended_at").gt(lit(window.start.seconds())).or(col("started_at").gt_eq(lit(window.start.seconds())));
        plan = plan.filter(begins_before.and(ends_after));
    }
    for (column, wanted) in [("account_id", &filter.account_id), ("resource_id", &filter.resource_id), ("sku", &filter.sku)] {
        if let Some(wanted) = wanted {
            plan = plan.filter(col(column).eq(lit(wanted.clone())));
        }
    }
    plan
}

fn decode(frame: &DataFrame, file: &RowFile, found: &mut Vec<StoredRow>) -> Result<(), FrameError> {
    let read = Reader::new(frame);
    let (account_id, resource_id, sku) = (read.texts("account_id")?, read.texts("resource_id")?, read.texts("sku")?);
    let (started_at, ended_at) = (read.integers("started_at")?, read.integers("ended_at")?);
    let (quantity, record_id) = (read.quantities("quantity")?, read.texts("record_id")?);
    let (revision, corrects, waived) = (read.integers("revision")?, read.texts("corrects")?, read.integers("waived")?);
    let (region, resource_name, tags) = (read.texts("region")?, read.texts("resource_name")?, read.texts("tags")?);
    let line = read.integers("line")?;
    for row in 0..frame.height() {
        let decoded = UsageRow {
            record_id: record_id.owned(row)?,
            account_id: account_id.owned(row)?,
            resource_id: resource_id.owned(row)?,
            sku: sku.owned(row)?,
            started_at: Instant::from_seconds(started_at.at(row)?),
            ended_at: Instant::from_seconds(ended_at.at(row)?),
            quantity: Quantity::from_e12(quantity.at(row)?),
            region: region.optional(row),
            resource_name: resource_name.optional(row),
            tags: tags_of(tags.at(row)?),
            revision: u32::try_from(revision.at(row)?).expect("written from a u32"),
            corrects: corrects.optional(row),
            is_waived: waived.at(row)? != 0,
            line: line.at(row)? as u64,
        };
        found.push(StoredRow { row: decoded, file_id: file.file_id.clone(), seq: file.seq });
    }
    Ok(())
}

/// The (account_id, sku) of every row whose use touches the window.
///
/// # Errors
/// [`FrameError::Read`] names the file that cannot be read.
pub fn account_skus(files: &[RowFile], touching: Window) -> Result<HashSet<(String, String)>, FrameError> {
    let filter = RowFilter { touching: Some(touching), ..RowFilter::default() };
    let mut found = HashSet::new();
    for file in files {
        let distinct = filtered(scan(&file.path)?, &filter)
            .group_by([col("account_id"), col("sku")])
            .agg([len().alias("rows")])
            .select([col("account_id"), col("sku")]);
        let frame = collect(&file.path, distinct)?;
        let read = Reader::new(&frame);
        let (account_id, sku) = (read.texts("account_id")?, read.texts("sku")?);
        for row in 0..frame.height() {
            found.insert((account_id.owned(row)?, sku.owned(row)?));
        }
    }
    Ok(found)
}

/// The stored rows of these (account_id, resource_id) whose use touches the window.
///
/// # Errors
/// [`FrameError::Read`] names the file that cannot be read.
pub fn find_resources(
    files: &[RowFile],
    keys: &HashSet<(String, String)>,
    touching: Window,
) -> Result<Vec<StoredRow>, FrameError> {
    let filter = RowFilter { touching: Some(touching), ..RowFilter::default() };
    find_pairs(files, ["account_id", "resource_id"], keys, &filter)
}

fn find_pairs(
    files: &[RowFile],
    names: [&str; 2],
    keys: &HashSet<(String, String)>,
    filter: &RowFilter,
) -> Result<Vec<StoredRow>, FrameError> {
    let mut found = Vec::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let wanted = pairs(names, keys)?;
    let on = names.map(col);
    for file in files {
        let matching = filtered(scan(&file.path)?, filter).join(wanted.clone(), &on, &on, JoinArgs::new(JoinType::Semi));
        decode(&collect(&file.path, matching)?, file, &mut found)?;
    }
    Ok(found)
}

/// Pairs as a frame to join with.
pub(crate) fn pairs(names: [&str; 2], pairs: &HashSet<(String, String)>) -> Result<LazyFrame, FrameError> {
    let columns = vec![texts(names[0], pairs.iter().map(|pair| &pair.0)), texts(names[1], pairs.iter().map(|pair| &pair.1))];
    Ok(DataFrame::new(pairs.len(), columns)?.lazy())
}

//! Delivered files, and recording one with everything that came of it.

use super::Answer;
use super::columns::{Columns, ask};
use super::insert::{Insert, int};
use super::{journal, lake, life, manifests, reference, windows};
use crate::{IngestRecord, InputFile, LakeFile, StoreError};
use reckoner_core::id;
use rusqlite::Connection;

const INPUT_FILE: &str = "SELECT file_id, seq, name, kind, bytes, rows, accepted, duplicates, refused, is_refused, taken_at
    FROM input_files WHERE file_id = ?1";
const INPUT_FILES: &str = "SELECT file_id, seq, name, kind, bytes, rows, accepted, duplicates, refused, is_refused, taken_at
    FROM input_files ORDER BY seq";

pub(super) fn input_file(connection: &Connection, file_id: &str) -> Answer<Option<InputFile>> {
    Ok(ask(connection, "input_files", INPUT_FILE, [file_id], read_file)?.pop())
}

pub(super) fn input_files(connection: &Connection) -> Answer<Vec<InputFile>> {
    ask(connection, "input_files", INPUT_FILES, [], read_file)
}

pub(super) fn latest_seq(connection: &Connection) -> Answer<u64> {
    let question = "SELECT COALESCE(MAX(seq), 0) AS seq FROM input_files";
    let answers = ask(connection, "input_files", question, [], |columns| columns.count("seq"))?;
    Ok(answers.into_iter().sum())
}

fn read_file(columns: &Columns) -> Answer<InputFile> {
    Ok(InputFile {
        file_id: columns.text("file_id")?,
        seq: columns.count("seq")?,
        name: columns.text("name")?,
        kind: columns.text("kind")?,
        bytes: columns.count("bytes")?,
        rows: columns.count("rows")?,
        accepted: columns.count("accepted")?,
        duplicates: columns.count("duplicates")?,
        refused: columns.count("refused")?,
        is_refused: columns.flag("is_refused")?,
        taken_at: columns.instant("taken_at")?,
    })
}

/// Names the content of an ingest: the file, and what else the record changes.
pub(super) fn digest(record: &IngestRecord) -> String {
    let mut parts = vec![record.file.as_ref().map_or("", |file| file.file_id.as_str())];
    parts.extend(lake_files(record).map(|file| file.sha256.as_str()));
    parts.extend(record.quarantine.iter().map(|item| item.item_id.as_str()));
    parts.extend(record.resolved_items.iter().flat_map(|(item_id, status)| [item_id.as_str(), status.as_str()]));
    parts.extend(record.replaces.iter().flat_map(|replacement| [replacement.replaced.as_str(), replacement.file_id.as_str()]));
    id::derive("ingest", &parts)
}

/// Every file of the lake that came of the delivery; files beside rows come after those.
fn lake_files(record: &IngestRecord) -> impl Iterator<Item = &LakeFile> {
    record.row_files.iter().chain(&record.partial_files).chain(&record.identity_files)
}

/// Records everything that came of one delivered file.
///
/// A record without a file (items discarded by hand) has no rows to place and takes no number; the newest is handed back.
pub(super) fn record(connection: &Connection, ordinal: i64, record: &IngestRecord) -> Answer<u64> {
    let newest = latest_seq(connection)?;
    let seq = match &record.file {
        Some(file) => add_file(connection, file, newest + 1)?,
        None => refuse_rows(record).map(|()| newest)?,
    };

    reference::add(connection, record, seq)?;
    life::add_orders(connection, record, seq)?;
    for files in [&record.row_files, &record.partial_files, &record.identity_files] {
        lake::add_files(connection, files, Some(seq))?;
    }
    lake::add_superseded(connection, &record.superseded, seq)?;
    windows::touch_hours(connection, &record.touched_hours, seq)?;
    manifests::add(connection, record, seq)?;
    journal::add_quarantine(connection, &record.quarantine)?;
    journal::resolve_items(connection, &record.resolved_items)?;
    journal::add_decisions(connection, &record.decisions, seq)?;
    journal::add_accounting(connection, &record.accounting, ordinal)?;
    Ok(seq)
}

fn add_file(connection: &Connection, file: &InputFile, seq: u64) -> Answer<u64> {
    let sql = "INSERT INTO input_files
        (seq, file_id, name, kind, bytes, rows, accepted, duplicates, refused, is_refused, taken_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let params = (
        int(seq),
        &file.file_id,
        &file.name,
        &file.kind,
        int(file.bytes),
        int(file.rows),
        int(file.accepted),
        int(file.duplicates),
        int(file.refused),
        file.is_refused,
        file.taken_at.seconds(),
    );
    Insert::new(connection, "file", sql)?.run(params, || file.file_id.clone())?;
    Ok(seq)
}

fn refuse_rows(record: &IngestRecord) -> Answer<()> {
    let has_rows = !(record.accounts.is_empty()
        && record.products.is_empty()
        && record.prices.is_empty()
        && record.discounts.is_empty()
        && record.vouchers.is_empty()
        && record.funds.is_empty()
        && record.orders.is_empty()
        && lake_files(record).next().is_none()
        && record.superseded.is_empty()
        && record.replaces.is_none()
        && record.manifest.is_none()
        && record.touched_hours.is_empty());
    if !has_rows {
        return Ok(());
    }
    let rule = "rows need the delivered file that they came in".to_owned();
    Err(StoreError::Impossible { what: "ingest", id: "without a file".to_owned(), rule })
}

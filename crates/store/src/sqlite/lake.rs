//! The manifest of the lake: which files exist, and which of their rows are replaced.

use super::Answer;
use super::columns::{Columns, ask};
use super::insert::{Insert, int};
use crate::{LakeFile, LakeKind, SupersededRow};
use reckoner_core::time::Window;
use rusqlite::Connection;

// A row that is used for no time at 11:00 belongs to the hour from 11:00, and its file may end at 11:00: rows that only
// touch the window are within reach, and so are the files beside them. Charges never are: their windows have a length.
const FILES_TOUCHING: &str = "SELECT path, kind, seq, file_id, companion, counts_units, rows, bytes, sha256, span_start, span_end
    FROM lake_files WHERE kind = ?3 AND span_end >= ?1 AND span_start < ?2 ORDER BY seq, path";
const CHARGE_FILES: &str = "SELECT path, kind, seq, file_id, companion, counts_units, rows, bytes, sha256, span_start, span_end
    FROM lake_files WHERE kind = 'charges' AND span_end > ?1 AND span_start < ?2 ORDER BY seq, path";
const SUPERSEDED: &str = "SELECT file_id, line, seq, by_file_id, by_line, account_id, record_id, resource_id, sku,
    started_at, ended_at FROM superseded_rows
    WHERE ended_at >= ?1 AND started_at < ?2 ORDER BY seq, file_id, line";

/// The questions that must not read a whole table.
#[cfg(test)]
pub(super) const QUESTIONS: &[&str] = &[FILES_TOUCHING, CHARGE_FILES, SUPERSEDED];

/// Files of rows, or of what is kept beside rows.
pub(super) fn files_touching(connection: &Connection, kind: LakeKind, touching: Window) -> Answer<Vec<LakeFile>> {
    let (start, end) = bounds(touching);
    ask(connection, "lake_files", FILES_TOUCHING, (start, end, word_of(kind)), read_file)
}

pub(super) fn charge_files(connection: &Connection, within: Window) -> Answer<Vec<LakeFile>> {
    ask(connection, "lake_files", CHARGE_FILES, bounds(within), read_file)
}

pub(super) fn superseded(connection: &Connection, touching: Window) -> Answer<Vec<SupersededRow>> {
    ask(connection, "superseded_rows", SUPERSEDED, bounds(touching), |columns| {
        Ok(SupersededRow {
            file_id: columns.text("file_id")?,
            line: columns.count("line")?,
            seq: columns.count("seq")?,
            by_file_id: columns.text("by_file_id")?,
            by_line: columns.count("by_line")?,
            account_id: columns.text("account_id")?,
            record_id: columns.text("record_id")?,
            resource_id: columns.text("resource_id")?,
            sku: columns.text("sku")?,
            interval: columns.window("started_at", "ended_at")?,
        })
    })
}

/// Adds files to the manifest; `seq` overrides what the files say. A companion comes after the file that it belongs to.
pub(super) fn add_files(connection: &Connection, files: &[LakeFile], seq: Option<u64>) -> Answer<()> {
    let sql = "INSERT INTO lake_files
        (path, kind, seq, file_id, companion, counts_units, rows, bytes, sha256, span_start, span_end)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let mut insert = Insert::new(connection, "lake file", sql)?;
    for file in files {
        let (start, end) = bounds(file.span);
        let params = (
            &file.path,
            word_of(file.kind),
            int(seq.unwrap_or(file.seq)),
            text_if_any(&file.file_id),
            text_if_any(&file.companion),
            file.counts_units,
            int(file.rows),
            int(file.bytes),
            &file.sha256,
            start,
            end,
        );
        insert.run(params, || file.path.clone())?;
    }
    Ok(())
}

/// An empty text is none.
fn text_if_any(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn word_of(kind: LakeKind) -> &'static str {
    match kind {
        LakeKind::Rows => "rows",
        LakeKind::Charges => "charges",
        LakeKind::Partials => "partials",
        LakeKind::Identities => "identities",
    }
}

pub(super) fn add_superseded(connection: &Connection, rows: &[SupersededRow], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO superseded_rows
        (file_id, line, seq, by_file_id, by_line, account_id, record_id, resource_id, sku, started_at, ended_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let mut insert = Insert::new(connection, "superseded row", sql)?;
    for row in rows {
        let (start, end) = bounds(row.interval);
        let params = rusqlite::params![
            row.file_id,
            int(row.line),
            int(seq),
            row.by_file_id,
            int(row.by_line),
            row.account_id,
            row.record_id,
            row.resource_id,
            row.sku,
            start,
            end
        ];
        insert.run(params, || format!("{}:{}", row.file_id, row.line))?;
    }
    Ok(())
}

/// The bounds of a window as SQLite keeps them.
pub(super) fn bounds(window: Window) -> (i64, i64) {
    (window.start.seconds(), window.end.seconds())
}

fn read_file(columns: &Columns) -> Answer<LakeFile> {
    let kind = match columns.text("kind")?.as_str() {
        "rows" => LakeKind::Rows,
        "partials" => LakeKind::Partials,
        "identities" => LakeKind::Identities,
        _ => LakeKind::Charges,
    };
    Ok(LakeFile {
        path: columns.text("path")?,
        kind,
        seq: columns.count("seq")?,
        file_id: columns.text_if_any("file_id")?.unwrap_or_default(),
        companion: columns.text_if_any("companion")?.unwrap_or_default(),
        counts_units: columns.flag("counts_units")?,
        rows: columns.count("rows")?,
        bytes: columns.count("bytes")?,
        sha256: columns.text("sha256")?,
        span: columns.window("span_start", "span_end")?,
    })
}

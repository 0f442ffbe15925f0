//! What deliveries say of each other: which stands in the place of which, what manifests list, how what came compares.

use super::Answer;
use super::columns::{Columns, ask};
use super::insert::{Insert, int, json};
use crate::{IngestRecord, KnownManifest, ManifestCheck, Replacement};
use rusqlite::Connection;

const REPLACEMENTS: &str =
    "SELECT replaced, file_id, seq, kept, changed, taken_back, added, held FROM replacements ORDER BY seq, replaced";
const MANIFESTS: &str = "SELECT file_id, seq, body FROM manifests ORDER BY seq";
const MANIFESTS_ABOUT: &str = "SELECT file_id, seq, body FROM manifests
    WHERE (source, window_start, window_end) IN (
        SELECT source, window_start, window_end FROM manifest_names JOIN manifests ON manifests.file_id = manifest_id
        WHERE name = ?1
    ) ORDER BY seq";
const CHECKS_ABOUT: &str = "SELECT manifest_id, name, file_id, seq, difference FROM manifest_checks WHERE name = ?1
    ORDER BY seq, manifest_id, name, file_id";
const CHECKS: &str =
    "SELECT manifest_id, name, file_id, seq, difference FROM manifest_checks ORDER BY seq, manifest_id, name, file_id";

/// The questions that must not read a whole table.
#[cfg(test)]
pub(super) const QUESTIONS: &[&str] = &[MANIFESTS_ABOUT, CHECKS_ABOUT];

pub(super) fn replacements(connection: &Connection) -> Answer<Vec<Replacement>> {
    ask(connection, "replacements", REPLACEMENTS, [], |columns| {
        Ok(Replacement {
            replaced: columns.text("replaced")?,
            file_id: columns.text("file_id")?,
            seq: columns.count("seq")?,
            kept: columns.count("kept")?,
            changed: columns.count("changed")?,
            taken_back: columns.count("taken_back")?,
            added: columns.count("added")?,
            held: columns.count("held")?,
        })
    })
}

pub(super) fn manifests(connection: &Connection) -> Answer<Vec<KnownManifest>> {
    ask(connection, "manifests", MANIFESTS, [], read_manifest)
}

pub(super) fn manifests_about(connection: &Connection, name: &str) -> Answer<Vec<KnownManifest>> {
    ask(connection, "manifests", MANIFESTS_ABOUT, [name], read_manifest)
}

fn read_manifest(columns: &Columns) -> Answer<KnownManifest> {
    Ok(KnownManifest { file_id: columns.text("file_id")?, seq: columns.count("seq")?, manifest: columns.json("body")? })
}

pub(super) fn checks(connection: &Connection) -> Answer<Vec<ManifestCheck>> {
    ask(connection, "manifest_checks", CHECKS, [], read_check)
}

pub(super) fn checks_about(connection: &Connection, name: &str) -> Answer<Vec<ManifestCheck>> {
    ask(connection, "manifest_checks", CHECKS_ABOUT, [name], read_check)
}

fn read_check(columns: &Columns) -> Answer<ManifestCheck> {
    Ok(ManifestCheck {
        manifest_id: columns.text("manifest_id")?,
        name: columns.text("name")?,
        file_id: columns.text("file_id")?,
        seq: columns.count("seq")?,
        difference: columns.text_if_any("difference")?,
    })
}

/// Adds what a delivery says of others; the manifest before what is held against it.
pub(super) fn add(connection: &Connection, record: &IngestRecord, seq: u64) -> Answer<()> {
    if let Some(replacement) = &record.replaces {
        add_replacement(connection, replacement, seq)?;
    }
    if let (Some(manifest), Some(file)) = (&record.manifest, &record.file) {
        let sql = "INSERT INTO manifests (file_id, seq, source, window_start, window_end, number, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (start, end) = super::lake::bounds(manifest.window);
        let params = (&file.file_id, int(seq), &manifest.source, start, end, int(manifest.number), json(manifest));
        let id = || format!("{} {} seq {}", manifest.source, manifest.window.start.to_utc_text(), manifest.number);
        Insert::new(connection, "manifest", sql)?.run(params, id)?;
        let sql = "INSERT INTO manifest_names (name, manifest_id) VALUES (?1, ?2)";
        let mut insert = Insert::new(connection, "manifest", sql)?;
        for listed in &manifest.files {
            insert.run((&listed.name, &file.file_id), || listed.name.clone())?;
        }
    }
    let sql = "INSERT INTO manifest_checks (manifest_id, name, file_id, seq, difference) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = Insert::new(connection, "manifest check", sql)?;
    for check in &record.manifest_checks {
        let params = (&check.manifest_id, &check.name, &check.file_id, int(seq), &check.difference);
        insert.run(params, || format!("{} {}", check.manifest_id, check.name))?;
    }
    Ok(())
}

fn add_replacement(connection: &Connection, replacement: &Replacement, seq: u64) -> Answer<()> {
    let sql = "INSERT INTO replacements (replaced, file_id, seq, kept, changed, taken_back, added, held)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = (
        &replacement.replaced,
        &replacement.file_id,
        int(seq),
        int(replacement.kept),
        int(replacement.changed),
        int(replacement.taken_back),
        int(replacement.added),
        int(replacement.held),
    );
    Insert::new(connection, "replacement", sql)?.run(params, || replacement.replaced.clone())?;
    Ok(())
}

//! Opening: the settings that durability rests on, and the way from an older schema to the newest.

use super::Answer;
use crate::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// The schema, step by step; a published step is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_foundations.sql"),
    include_str!("../../migrations/sqlite/0002_bookmarks.sql"),
    include_str!("../../migrations/sqlite/0003_window_orders.sql"),
    include_str!("../../migrations/sqlite/0004_quarantine_decisions.sql"),
    include_str!("../../migrations/sqlite/0005_replacements.sql"),
    include_str!("../../migrations/sqlite/0006_manifests.sql"),
    include_str!("../../migrations/sqlite/0007_companion_files.sql"),
    include_str!("../../migrations/sqlite/0008_settlements_by_instant.sql"),
    include_str!("../../migrations/sqlite/0009_lives.sql"),
    include_str!("../../migrations/sqlite/0010_refunds_that_wait.sql"),
    include_str!("../../migrations/sqlite/0011_ended_resources.sql"),
    include_str!("../../migrations/sqlite/0012_settlements_by_account.sql"),
    include_str!("../../migrations/sqlite/0013_words_one_by_one.sql"),
];
/// The newest schema that this program knows.
pub(super) const KNOWN_SCHEMA: u32 = MIGRATIONS.len() as u32;
/// `RCKN`: marks the file as a store of this program.
pub(super) const APPLICATION_ID: i64 = 0x5243_4b4e;
/// Older ones can corrupt a database in WAL mode that has two connections.
const SQLITE_NEEDED: (i32, &str) = (3_051_003, "3.51.3");
/// Memory for pages: keys that are hashes land all over their index, and the default of 2 MiB writes its pages many times.
const CACHE_KIB: i64 = 64 * 1_024;
/// The journal after which its pages are brought into the database's own file. The default of 1,000 pages is passed by every
/// batch of some thousands of accounts, so that a page that many batches change would be written there by each.
const JOURNAL_BYTES: i64 = 256 << 20;
/// Of a new store; one that is there keeps what it has. With SQLite's own 4 KiB, rows that come in order of their keys fill a
/// page after some dozens, and each page that is full is parted with its neighbours.
const PAGE_BYTES: i64 = 16 << 10;
/// How long a second writer waits.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it pauses between two tries where SQLite does not wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// A connection that may write, on a store with the newest schema.
pub(super) fn writer(path: &Path) -> Answer<Connection> {
    refuse_old_sqlite(rusqlite::version_number())?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    refuse_foreign(&connection, path)?;

    // WAL, so that readers never wait; FULL, because with NORMAL a power cut takes acknowledged commits away.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?; // without effect once there are pages
    let found = use_write_ahead_log(&connection)?;
    if found != "wal" {
        return Err(StoreError::NoWriteAheadLog { path: path.display().to_string(), found });
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    connection.pragma_update(None, "wal_autocheckpoint", JOURNAL_BYTES / page_bytes)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Without it, INSERT OR REPLACE would pass by the triggers that keep tables append-only.
    connection.pragma_update(None, "recursive_triggers", true)?;
    settle_in(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Asks for the write-ahead log and hands back the mode that is in force.
///
/// SQLite does not wait for other connections when it changes the mode of a new file: it says that the database is busy
/// at once. So the waiting is done here, as long as for any other write.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<String> {
    let ask = || connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
    for _ in 0..BUSY_TIMEOUT.as_millis() / BUSY_PAUSE.as_millis() {
        match ask() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => std::thread::sleep(BUSY_PAUSE),
            answered => return answered,
        }
    }
    ask()
}

/// A connection that only reads, from the state at this moment.
pub(super) fn reader(path: &Path) -> Answer<Connection> {
    refuse_old_sqlite(rusqlite::version_number())?;
    if !path.exists() {
        return Err(StoreError::NoStore { path: path.display().to_string() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    settle_in(&connection)?;

    connection.execute_batch("BEGIN")?; // the first read below takes the snapshot
    refuse_foreign(&connection, path)?;
    match schema_of(&connection)? {
        KNOWN_SCHEMA => Ok(connection),
        found if found > KNOWN_SCHEMA => Err(StoreError::NewerSchema { found, known: KNOWN_SCHEMA }),
        found => Err(StoreError::OlderSchema { found, known: KNOWN_SCHEMA }),
    }
}

/// Brings every committed page from the journal into the database's own file, synced.
pub(super) fn write_through(connection: &Connection) -> Answer<()> {
    let (is_held_up, in_journal, brought): (bool, i64, i64) =
        connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    match is_held_up || in_journal != brought {
        true => Err(StoreError::Closed),
        false => Ok(()),
    }
}

fn settle_in(connection: &Connection) -> Answer<()> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn refuse_old_sqlite(version: i32) -> Answer<()> {
    let (needed, text) = SQLITE_NEEDED;
    if version >= needed {
        return Ok(());
    }
    let found = format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000);
    Err(StoreError::TooOldSqlite { found, needed: text })
}

/// A file that is empty may become a store; one that holds something else stays as it is.
fn refuse_foreign(connection: &Connection, path: &Path) -> Answer<()> {
    let found: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found == APPLICATION_ID || (found == 0 && tables == 0) {
        return Ok(());
    }
    Err(StoreError::NotAStore { path: path.display().to_string(), found })
}

fn schema_of(connection: &Connection) -> Answer<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Takes the steps that are missing, all in one transaction; the version is read inside it, because two processes may
/// open a new store at once.
fn migrate(connection: &mut Connection) -> Answer<()> {
    if schema_of(connection)? == KNOWN_SCHEMA {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema_of(&transaction)?;
    if found > KNOWN_SCHEMA {
        return Err(StoreError::NewerSchema { found, known: KNOWN_SCHEMA });
    }
    for step in &MIGRATIONS[found as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", KNOWN_SCHEMA)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_can_corrupt_is_refused() {
        for (version, expected) in [(3_040_001, false), (3_051_002, false), (3_051_003, true), (3_054_001, true)] {
            assert_eq!(refuse_old_sqlite(version).is_ok(), expected, "{version}");
        }
        let message = refuse_old_sqlite(3_040_001).expect_err("too old").to_string();
        assert!(message.contains("3.40.1") && message.contains("3.51.3"), "{message}");
    }
}

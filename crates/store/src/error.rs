//! What can go wrong in a store.

/// Why a store could not answer or record.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process settled a window of the batch first: read again and decide again.
    #[error("window {kind} {start} was settled by another process meanwhile")]
    WindowMoved {
        /// Hour, day or month.
        kind: &'static str,
        /// Its start, UTC.
        start: String,
    },
    /// Something was recorded since what the batch was decided from was read: read again and decide again.
    #[error("the batch was decided after write {read_at}, and write {found} is recorded by now")]
    Stale {
        /// The newest write when it was read.
        read_at: u64,
        /// The newest write now.
        found: u64,
    },
    /// A key of the write is taken: the same thing was recorded before, or another under its name.
    #[error("{what} `{id}` is already recorded")]
    AlreadyRecorded {
        /// What kind of thing: `settlement`, `price`, …
        what: &'static str,
        /// Its key.
        id: String,
    },
    /// The write changes the state of something that is in another state by now.
    #[error("{what} `{id}` is `{found}`, expected `{expected}`")]
    Conflict {
        /// What kind of thing.
        what: &'static str,
        /// Its key.
        id: String,
        /// The state that the write starts from.
        expected: String,
        /// The state it has.
        found: String,
    },
    /// The write changes something that was never recorded.
    #[error("{what} `{id}` is not in the store")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// Its key.
        id: String,
    },
    /// The value breaks a rule of the books: a wallet below zero, legs that do not sum to 0, a reference to nothing.
    #[error("{what} `{id}` cannot be recorded: {rule}")]
    Impossible {
        /// What kind of thing.
        what: &'static str,
        /// Its key.
        id: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// A stored value cannot be read back: the file was changed from outside, or is damaged.
    #[error("{table} `{key}`: column `{column}` cannot be read ({found}); run `reckoner verify`, then restore a backup")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The first column of the row.
        key: String,
        /// What is there.
        found: String,
    },
    /// A sum of quantities passes 128 bits.
    #[error("the sum of {table} at `{key}` does not fit 128 bits")]
    Overflow {
        /// What was summed.
        table: &'static str,
        /// For which key.
        key: String,
    },
    /// The store was opened for reading.
    #[error("the store was opened for reading, nothing was recorded")]
    ReadOnly,
    /// There is no store at the path.
    #[error("there is no store at `{path}`; hint: `reckoner init`, or name another home")]
    NoStore {
        /// Where one was expected.
        path: String,
    },
    /// The file at the path belongs to another program.
    #[error("`{path}` is a database of another program (application id {found})")]
    NotAStore {
        /// The file.
        path: String,
        /// The application id in its header.
        found: i64,
    },
    /// The place cannot keep a write-ahead log: a network disk, as a rule.
    #[error("`{path}` cannot keep a write-ahead log, its journal mode stays `{found}`; hint: put the home on a local disk")]
    NoWriteAheadLog {
        /// The file.
        path: String,
        /// The journal mode that it has.
        found: String,
    },
    /// This SQLite can corrupt a database that has two connections (fixed in 3.51.3).
    #[error("SQLite {found} is too old, at least {needed} is needed: older ones can corrupt the store")]
    TooOldSqlite {
        /// The version linked.
        found: String,
        /// The version needed.
        needed: &'static str,
    },
    /// A newer program has written the store.
    #[error("the store has schema {found}, this program knows up to {known}; hint: use the newer program")]
    NewerSchema {
        /// The schema of the store.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The store has not been brought up to date yet, and a reading command may not do so.
    #[error("the store has schema {found}, this program reads {known}; hint: a command that writes brings it up to date")]
    OlderSchema {
        /// The schema of the store.
        found: u32,
        /// The schema that this program reads.
        known: u32,
    },
    /// The commit failed, and it could not be found out whether it took place. The same batch may be recorded again:
    /// if it did take place, its keys refuse it.
    #[error("it is not known whether the last write took place; run the command again")]
    UnknownOutcome(#[source] Box<StoreError>),
    /// The connection was lost after a failed commit.
    #[error("the connection to the store was lost; run the command again")]
    Closed,
    /// SQLite says no.
    #[error("the database answered with an error")]
    Sqlite(#[from] rusqlite::Error),
}

impl StoreError {
    /// Whether what is stored cannot be read as what it is, so that a backup is needed.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::Overflow { .. } => true,
            Self::Sqlite(source) => matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            ),
            _ => false,
        }
    }

    /// What to do about the disk, where it is the disk that says no.
    pub fn disk_hint(&self) -> Option<&'static str> {
        use rusqlite::ErrorCode::{DiskFull, ReadOnly, SystemIoFailure};
        match self {
            Self::Sqlite(source) => match source.sqlite_error_code()? {
                DiskFull => Some("free some space and run the command again; nothing half-written is left"),
                SystemIoFailure => Some("look at the disk, then run the command again; nothing half-written is left"),
                ReadOnly => Some("make the home's disk writable again, then run the command again"),
                _ => None,
            },
            Self::UnknownOutcome(source) => source.disk_hint(),
            _ => None,
        }
    }

    /// Whether it is about something in the write, so that a write without that thing may succeed.
    pub fn is_about_content(&self) -> bool {
        matches!(self, Self::AlreadyRecorded { .. } | Self::Conflict { .. } | Self::Missing { .. } | Self::Impossible { .. })
    }

    /// Whether doing the same again, after reading anew, can help.
    pub fn retryable(&self) -> bool {
        match self {
            Self::WindowMoved { .. } | Self::Stale { .. } | Self::Conflict { .. } | Self::UnknownOutcome(_) | Self::Closed => {
                true
            }
            Self::Sqlite(source) => matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            Self::AlreadyRecorded { .. }
            | Self::Missing { .. }
            | Self::Impossible { .. }
            | Self::Corrupt { .. }
            | Self::Overflow { .. }
            | Self::ReadOnly
            | Self::NoStore { .. }
            | Self::NotAStore { .. }
            | Self::NoWriteAheadLog { .. }
            | Self::TooOldSqlite { .. }
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_says_no_comes_with_what_to_do() {
        let sqlite = |code| StoreError::Sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
        assert!(sqlite(rusqlite::ffi::SQLITE_FULL).disk_hint().is_some_and(|hint| hint.contains("space")));
        assert!(sqlite(rusqlite::ffi::SQLITE_IOERR_FSYNC).disk_hint().is_some_and(|hint| hint.contains("disk")));
        let unknown = StoreError::UnknownOutcome(Box::new(sqlite(rusqlite::ffi::SQLITE_IOERR)));
        assert!(unknown.disk_hint().is_some());
        assert!(sqlite(rusqlite::ffi::SQLITE_BUSY).disk_hint().is_none());
        assert!(StoreError::Closed.disk_hint().is_none());
    }

    #[test]
    fn only_what_another_process_caused_is_worth_trying_again() {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let cases = [
            (StoreError::WindowMoved { kind: "hour", start: "2026-01-05T00:00:00Z".to_owned() }, true),
            (StoreError::Stale { read_at: 7, found: 8 }, true),
            (StoreError::Sqlite(rusqlite::Error::SqliteFailure(busy, None)), true),
            (StoreError::UnknownOutcome(Box::new(StoreError::Closed)), true),
            (StoreError::Sqlite(rusqlite::Error::SqliteFailure(full, None)), false), // a full disk stays full
            (StoreError::AlreadyRecorded { what: "run", id: "r".to_owned() }, false),
            (StoreError::ReadOnly, false),
        ];
        for (error, expected) in cases {
            assert_eq!(error.retryable(), expected, "{error}");
        }
    }
}

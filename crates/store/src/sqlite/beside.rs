//! The journal brought into the database's own file beside other work, by a thread and a connection of its own.
//!
//! Closing does the same with whatever is left in the journal. So nothing depends on this: where it fails, or something holds
//! it up, closing does it all. A journal that is brought in whole begins anew, in the same place of the disk and of memory.

use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::thread::JoinHandle;

/// From this many bytes of journal on it is worth a thread; tests take one for few.
const WORTH_BYTES: u64 = if cfg!(test) { 1 } else { 16 << 20 };

/// A thread that brings the journal in. Whoever drops this waits for it, so that the connection closed after it is the last.
#[derive(Debug)]
pub(super) struct BringingIn(Option<JoinHandle<rusqlite::Result<()>>>);

impl BringingIn {
    /// Begins, if there is much to bring in.
    pub fn begin(path: &Path) -> Option<Self> {
        let mut journal = path.as_os_str().to_owned();
        journal.push("-wal");
        let is_worth = std::fs::metadata(journal).is_ok_and(|journal| journal.len() >= WORTH_BYTES);
        let path = path.to_owned();
        if !is_worth {
            return None;
        }
        let begun = std::thread::Builder::new().spawn(move || bring_in(&path));
        begun.ok().map(|thread| Self(Some(thread)))
    }

    /// Whether there is nothing left to wait for.
    pub fn is_done(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for BringingIn {
    fn drop(&mut self) {
        // What it says changes nothing: see above.
        self.0.take().map(JoinHandle::join);
    }
}

/// Neither waits for writers nor keeps them waiting; syncs before the journal may begin anew.
fn bring_in(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

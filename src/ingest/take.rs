//! Taking a file: its bytes are kept under their hash before anything is read from them.
//!
//! The bytes are copied, not linked: a producer that appends to a file it has delivered must not change what was billed.

use super::bulk::Begun;
use crate::books::Books;
use crate::failure::Failure;
use crate::files::{self, Growing, cannot};
use crate::priority::{Back, stand_back};
use reckoner_core::id;
use reckoner_read::ReadOptions;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use tempfile::TempPath;

/// A delivered file whose bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// SHA-256 of its bytes, hex.
    pub file_id: String,
    /// Its name when delivered, without folders.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Where the bytes are kept.
    pub raw: PathBuf,
}

/// Refuses what is no regular file before it is opened: opening a pipe waits for a writer, a device may never end.
pub(super) fn check_regular(path: &Path) -> Result<(), Failure> {
    let kind = std::fs::metadata(path).map_err(cannot("read", path))?.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let seen = if kind.is_dir() { "a folder" } else { special(kind) };
    Err(Failure::usage(format!("it is {seen}")).at(path.display()).expected("a regular file with rows of one table"))
}

#[cfg(unix)]
fn special(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match kind {
        pipe if pipe.is_fifo() => "a pipe",
        socket if socket.is_socket() => "a socket",
        device if device.is_char_device() || device.is_block_device() => "a device",
        _ => "no regular file",
    }
}

#[cfg(not(unix))]
fn special(_: std::fs::FileType) -> &'static str {
    "no regular file"
}

/// Keeps a file's bytes under `raw/`; bytes that are there already are not written again.
pub(super) fn take(books: &Books, path: &Path) -> Result<Taken, Failure> {
    let folder = books.session.home.raw();
    stage(&folder, path)?.keep(&folder)
}

/// A copy of a file, below `raw/` and without its name there.
#[derive(Debug)]
struct Staged {
    file_id: String,
    name: String,
    copy: Growing,
    path: TempPath,
    is_synced: bool,
}

/// Copies a file, and syncs the copy unless the bytes are there already.
fn stage(folder: &Path, path: &Path) -> Result<Staged, Failure> {
    let mut staged = copied(folder, path)?;
    if !staged.is_there(folder) {
        staged.sync()?;
    }
    Ok(staged)
}

fn copied(folder: &Path, path: &Path) -> Result<Staged, Failure> {
    check_regular(path)?;
    let mut from = File::open(path).map_err(cannot("read", path))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();

    files::create_folders(folder)?;
    let staged = tempfile::Builder::new().prefix(".staged-").tempfile_in(folder).map_err(cannot("stage a file in", folder))?;
    let (to, staged_path) = staged.into_parts();
    let mut to = Growing::new(to);
    let file_id = copy(&mut from, &mut to, path, &staged_path)?;
    Ok(Staged { file_id, name, copy: to, path: staged_path, is_synced: false })
}

impl Staged {
    fn is_there(&self, folder: &Path) -> bool {
        folder.join(&self.file_id).exists()
    }

    fn sync(&mut self) -> Result<(), Failure> {
        self.copy.sync().map_err(cannot("sync", &self.path))?;
        self.is_synced = true;
        Ok(())
    }

    /// Gives the copy its name, unless the bytes are there already.
    fn keep(mut self, folder: &Path) -> Result<Taken, Failure> {
        let raw = folder.join(&self.file_id);
        if !raw.exists() {
            if !self.is_synced {
                self.sync()?;
            }
            self.path.persist(&raw).map_err(|error| cannot("rename into place", &raw)(error.error))?;
        }
        // Also where the bytes are there already: whoever put them there may have been killed before the name was durable.
        files::sync_folder(folder)?;
        Ok(Taken { file_id: self.file_id, name: self.name, bytes: self.copy.bytes(), raw })
    }
}

/// The next file of usage, being staged while the one before is taken: to copy and hash it keeps one processor busy, and to sync
/// it none. It gets its name, and what could not be read is told, at its turn; where that never comes, the copy is thrown away.
pub(super) struct Ahead {
    folder: PathBuf,
    path: PathBuf,
    /// There until its turn.
    staging: Option<JoinHandle<Result<LookedAt, Failure>>>,
}

/// A copy, and what was begun with it.
type LookedAt = (Staged, Option<Begun>);

impl Ahead {
    /// Starts to stage a file whose turn is now. While the copy is synced, what is read first is opened: bytes that are there
    /// already are mostly known, and not read.
    pub fn start_now(folder: PathBuf, path: &Path, options: ReadOptions) -> Self {
        Self::start(folder, path, move |folder, path| {
            let mut staged = copied(folder, path)?;
            if staged.is_there(folder) {
                return Ok((staged, None));
            }
            let copy = staged.path.to_path_buf();
            let (synced, begun) = std::thread::scope(|scope| {
                let begun = scope.spawn(|| Begun::with(&copy, &options)?.open(&copy, &options));
                (staged.sync(), begun.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            });
            synced.map(|()| (staged, begun))
        })
    }

    /// Starts to stage the next file, and to look at it, while other things come first.
    pub fn start_beside(folder: PathBuf, path: &Path, options: ReadOptions) -> Self {
        Self::start(folder, path, move |folder, path| {
            stand_back(Back::Far);
            let staged = stage(folder, path)?;
            // Whatever decodes would stand back as well.
            let begun = Begun::with(&staged.path, &options);
            Ok((staged, begun))
        })
    }

    fn start(
        folder: PathBuf,
        path: &Path,
        look: impl FnOnce(&Path, &Path) -> Result<LookedAt, Failure> + Send + 'static,
    ) -> Self {
        let (below, from) = (folder.clone(), path.to_owned());
        let staging = std::thread::spawn(move || look(&below, &from));
        Self { folder, path: path.to_owned(), staging: Some(staging) }
    }

    /// Whether it is this one.
    pub fn is(&self, path: &Path) -> bool {
        self.path == path
    }

    /// As [`take`] says, at the file's turn; with what was begun.
    pub fn take(mut self) -> Result<(Taken, Option<Begun>), Failure> {
        let staging = self.staging.take().expect("it is taken once");
        let (staged, begun) = staging.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((staged.keep(&self.folder)?, begun))
    }
}

impl Drop for Ahead {
    /// A process that ends meanwhile would leave the copy behind.
    fn drop(&mut self) {
        if let Some(staging) = self.staging.take() {
            drop(staging.join());
        }
    }
}

fn copy(from: &mut File, to: &mut Growing, path: &Path, staged: &Path) -> Result<String, Failure> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = from.read(&mut buffer).map_err(cannot("read", path))?;
        if read == 0 {
            return Ok(id::hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read]).map_err(cannot("write", staged))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_staged_ahead_is_taken_as_any_other_or_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (raw, path) = (folder.path().join("raw"), folder.path().join("usage.csv"));
        std::fs::write(&path, b"rows").expect("written");
        let ahead = || Ahead::start_beside(raw.clone(), &path, ReadOptions::default());

        drop(ahead());
        assert_eq!(names_in(&raw), Vec::<String>::new(), "its turn never came");

        let (taken, begun) = ahead().take().expect("it is there");
        assert!(begun.is_some());
        assert_eq!((taken.name.as_str(), taken.bytes, &taken.raw), ("usage.csv", 4, &raw.join(&taken.file_id)));
        assert_eq!(std::fs::read(&taken.raw).expect("kept"), b"rows");
        assert_eq!(stage(&raw, &path).expect("staged").keep(&raw).expect("kept"), taken, "the same without looking ahead");
        assert_eq!(ahead().take().expect("it is there").0, taken);
        let now = Ahead::start_now(raw.clone(), &path, ReadOptions::default());
        assert_eq!(now.take().expect("it is there").0, taken);
        assert_eq!(names_in(&raw), [taken.file_id], "the same bytes are kept once");
    }

    #[test]
    fn what_was_staged_ahead_is_synced_where_the_bytes_went_away_meanwhile() {
        let folder = tempfile::tempdir().expect("a folder");
        let (raw, path) = (folder.path().join("raw"), folder.path().join("usage.csv"));
        std::fs::write(&path, b"rows").expect("written");
        let first = stage(&raw, &path).expect("staged").keep(&raw).expect("kept");
        let staged = stage(&raw, &path).expect("staged");
        assert!(!staged.is_synced, "the bytes are there");
        std::fs::remove_file(&first.raw).expect("removed");
        assert_eq!(staged.keep(&raw).expect("kept"), first);
        assert!(first.raw.exists());
    }

    #[test]
    fn a_file_that_cannot_be_read_fails_at_its_turn() {
        let folder = tempfile::tempdir().expect("a folder");
        let (raw, gone) = (folder.path().join("raw"), folder.path().join("gone.csv"));
        assert!(Ahead::start_now(raw.clone(), &gone, ReadOptions::default()).take().is_err());
        assert!(Ahead::start_beside(raw, &gone, ReadOptions::default()).take().is_err());
    }
}

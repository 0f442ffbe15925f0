//! Files that are there whole or not at all, also after a power cut.
//!
//! A file is written under a temporary name in its own folder, synced, renamed, and the folder is synced. Leaving out the
//! first sync leaves a file of length 0 after a power cut; leaving out the last may leave the old name. A failed sync is
//! never tried again on the same file: the temporary file is thrown away.

use crate::failure::Failure;
#[cfg(target_os = "linux")]
use rustix::fs::Advice;
use std::fs::File;
use std::io::{self, BufWriter, Write};
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// An operation on a file did not work.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct FileError {
    /// What was tried: `read`, `write`, `create`.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let FileError { action, path, source } = error;
        let hint = match source.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "check who owns the file and its folder",
            io::ErrorKind::StorageFull => "free some space and run the command again; nothing half-written is left",
            _ => "",
        };
        let object = if action.contains(" the ") || action.contains(" a ") { "" } else { " the file" };
        Self::failed(format!("cannot {action}{object}")).at(path.display()).because(source).hint(hint)
    }
}

/// Adds what was tried, and on what, to an operating system's error.
pub fn cannot<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError { action, path: path.to_owned(), source }
}

/// Says that nobody reads a file soon, so that what of it is in memory may go: memory that new files take then is at hand, and
/// what somebody does read stays. The file must be synced; where this cannot be said, everything stays as it is.
pub fn let_go(path: &Path) {
    #[cfg(target_os = "linux")]
    if let Ok(file) = File::open(path) {
        let _ = rustix::fs::fadvise(&file, 0, None, Advice::DontNeed);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = path;
}

/// As many bytes of a file are begun to be written to the disk at a time.
const BEGUN_BYTES: u64 = 4 << 20;

/// A file that grows, and whose bytes are on their way to the disk before it is synced: syncing it waits for the last ones only.
#[derive(Debug)]
pub struct Growing {
    file: File,
    bytes: u64,
    begun: u64,
}

impl Growing {
    /// Of a file that is empty.
    pub fn new(file: File) -> Self {
        Self { file, bytes: 0, begun: 0 }
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits until all of it is on the disk.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(bytes)?;
        self.bytes += taken as u64;
        if self.bytes - self.begun >= BEGUN_BYTES {
            // What is not on the disk yet is not forgotten by this: it begins to be written.
            #[cfg(target_os = "linux")]
            let _ = rustix::fs::fadvise(&self.file, self.begun, NonZeroU64::new(self.bytes - self.begun), Advice::DontNeed);
            self.begun = self.bytes;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file so that it is there whole or not at all; an existing one is replaced in one step.
///
/// A symbolic link stays a link: what it points to is replaced. A target that is no regular file, such as `/dev/null` or
/// a pipe, is written to directly: renaming over a device would take it away.
///
/// # Errors
/// What `write` says, or a [`FileError`]; nothing is left behind then.
pub fn publish<T, E: From<FileError>>(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>) -> Result<T, E> {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let is_special = std::fs::metadata(&target).is_ok_and(|found| !found.is_file());
    if is_special {
        return write_directly(&target, write);
    }

    let folder = folder_of(&target);
    let staged = stage_in(folder).map_err(cannot("create a file beside", &target))?;
    let (file, staged_path) = staged.into_parts();
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let value = write(&mut out)?;
    let file = out.into_inner().map_err(|error| cannot("write", &target)(error.into_error()))?;
    file.sync_all().map_err(cannot("sync", &target))?;

    staged_path.persist(&target).map_err(|error| cannot("rename into place", &target)(error.error))?;
    sync_folder(folder)?;
    Ok(value)
}

/// [`publish`] for bytes at hand.
///
/// # Errors
/// A [`FileError`]; nothing is left behind then.
pub fn publish_bytes(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    publish(path, |out| out.write_all(bytes).map_err(cannot("write", path)))
}

/// Creates a folder and those above it, durably. A folder that exists is fine.
///
/// Whoever made an existing one may have been killed before its name was durable: see [`sync_names`].
///
/// # Errors
/// A [`FileError`], also when something else than a folder has the name.
pub fn create_folders(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = folder_of(path);
    if above != path {
        create_folders(above)?;
    }
    match std::fs::create_dir(path) {
        Ok(()) => sync_folder(above),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(cannot("create the folder", path)(error)),
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// A [`FileError`] when the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    let opened = File::open(folder).map_err(cannot("open the folder", folder))?;
    opened.sync_all().map_err(cannot("sync the folder", folder))
}

/// Makes a path's names durable, from `top` down to the folder `below` under it: whoever made one of the folders, or put a
/// file there, may have been killed before it was.
///
/// # Errors
/// A [`FileError`] when one of the folders cannot be opened or synced.
pub fn sync_names(top: &Path, below: &str) -> Result<(), FileError> {
    let mut folder = top.to_owned();
    sync_folder(&folder)?;
    for name in below.split('/') {
        folder.push(name);
        sync_folder(&folder)?;
    }
    Ok(())
}

/// Reads a whole small text file.
///
/// # Errors
/// A [`FileError`], also when the bytes are not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    std::fs::read_to_string(path).map_err(cannot("read", path))
}

fn write_directly<T, E: From<FileError>>(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>) -> Result<T, E> {
    let file = File::options().write(true).open(path).map_err(cannot("write", path))?;
    let mut out = BufWriter::new(file);
    let value = write(&mut out)?;
    out.flush().map_err(cannot("write", path))?;
    Ok(value)
}

/// The name begins with a dot, so that nothing that watches a folder takes the file before it is whole.
fn stage_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut staging = tempfile::Builder::new();
    staging.prefix(".staged-").suffix(".tmp");
    // Finance reads what is published: the file gets the usual rights less the umask, not the 0600 of a secret.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        staging.permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
    }
    #[cfg(not(unix))]
    staging.tempfile_in(folder)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_published_file_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bill.csv");
        publish_bytes(&path, b"first").unwrap();
        publish_bytes(&path, b"second").unwrap();
        assert_eq!(read_text(&path).unwrap(), "second");
        assert_eq!(names_in(folder.path()), ["bill.csv"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bill.csv");
        publish_bytes(&path, b"old").unwrap();
        let outcome: Result<(), Failure> = publish(&path, |out| {
            out.write_all(b"half").unwrap();
            Err(Failure::failed("the rows ended early"))
        });
        assert_eq!(outcome.unwrap_err().saw, "the rows ended early");
        assert_eq!(read_text(&path).unwrap(), "old");
        assert_eq!(names_in(folder.path()), ["bill.csv"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_a_link_and_a_device_stays_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        publish_bytes(&target, b"old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        publish_bytes(&link, b"new").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(read_text(&target).unwrap(), "new");

        publish_bytes(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn folders_are_made_once_and_never_over_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_folders(&deep).unwrap();
        create_folders(&deep).unwrap();
        assert!(deep.is_dir());
        publish_bytes(&folder.path().join("file"), b"").unwrap();
        assert_eq!(create_folders(&folder.path().join("file/x")).unwrap_err().action, "create the folder");
    }
}

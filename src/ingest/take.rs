//! Taking a file: its bytes are kept under their hash before anything is read from them.
//!
//! The bytes are copied, not linked: a producer that appends to a file it has delivered must not change what was billed.

use crate::books::Books;
use crate::failure::Failure;
use crate::files::{self, cannot};
use reckoner_core::id;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

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
    check_regular(path)?;
    let mut from = File::open(path).map_err(cannot("read", path))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();

    let folder = books.session.home.raw();
    files::create_folders(&folder)?;
    let staged = tempfile::Builder::new().prefix(".staged-").tempfile_in(&folder).map_err(cannot("stage a file in", &folder))?;
    let (mut to, staged_path) = staged.into_parts();
    let (file_id, bytes) = copy(&mut from, &mut to, path, &staged_path)?;
    let raw = folder.join(&file_id);
    if !raw.exists() {
        to.sync_all().map_err(cannot("sync", &staged_path))?;
        staged_path.persist(&raw).map_err(|error| cannot("rename into place", &raw)(error.error))?;
    }
    // Also where the bytes are there already: whoever put them there may have been killed before the name was durable.
    files::sync_folder(&folder)?;
    Ok(Taken { file_id, name, bytes, raw })
}

fn copy(from: &mut File, to: &mut File, path: &Path, staged: &Path) -> Result<(String, u64), Failure> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = from.read(&mut buffer).map_err(cannot("read", path))?;
        if read == 0 {
            return Ok((id::hex(&hasher.finalize()), bytes));
        }
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read]).map_err(cannot("write", staged))?;
        bytes += read as u64;
    }
}

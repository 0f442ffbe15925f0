//! Files of the lake: staged under a dotted name, synced, named by their content, made durable. Whether a file exists is
//! for the store's manifest to say; one that it does not name is left over from a crash and means nothing.

use crate::failure::Failure;
use crate::files::{self, Growing, cannot};
use reckoner_core::id;
use reckoner_tally::Output;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// A file that lies in the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Below the lake, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
}

/// Writes a file into a folder of the lake and names it by its source and its content: rows that two deliveries have on the
/// same lines are two files. `ending` says what it is. What is written is hashed on its way.
///
/// # Errors
/// Exit 1 when it cannot be written; nothing that counts is left behind then.
pub fn write_of<E>(
    lake: &Path,
    folder: &str,
    source: &str,
    ending: &str,
    write: impl FnOnce(Output<'_>) -> Result<(), E>,
) -> Result<Placed, Failure>
where
    Failure: From<E>,
{
    let (file, path) = stage(lake, folder, ending)?.into_parts();
    let mut to = Hashing { file: Growing::new(file), hasher: Sha256::new() };
    write(Output { path: &path, to: &mut to })?;
    to.file.sync().map_err(cannot("sync", &path))?;
    name(lake, (folder, source, ending), path, to.file.bytes(), id::hex(&to.hasher.finalize()))
}

/// The same for Parquet that is written by path, and that has no source; `write` hands back the file's length.
///
/// # Errors
/// As [`write_of`].
pub fn place<E>(lake: &Path, folder: &str, write: impl FnOnce(&Path) -> Result<u64, E>) -> Result<Placed, Failure>
where
    Failure: From<E>,
{
    place_of(lake, folder, "", "parquet", write)
}

/// As [`place`], with a source.
///
/// # Errors
/// As [`write_of`].
pub fn place_of<E>(
    lake: &Path,
    folder: &str,
    source: &str,
    ending: &str,
    write: impl FnOnce(&Path) -> Result<u64, E>,
) -> Result<Placed, Failure>
where
    Failure: From<E>,
{
    let path = stage(lake, folder, ending)?.into_temp_path();
    let bytes = write(&path)?;

    let file = File::open(&path).map_err(cannot("open", &path))?;
    file.sync_all().map_err(cannot("sync", &path))?;
    let sha256 = digest(file).map_err(cannot("read", &path))?;
    name(lake, (folder, source, ending), path, bytes, sha256)
}

fn stage(lake: &Path, folder: &str, ending: &str) -> Result<NamedTempFile, Failure> {
    let absolute = lake.join(folder);
    files::create_folders(&absolute)?;
    let staged = tempfile::Builder::new().prefix(".staged-").suffix(&format!(".{ending}")).tempfile_in(&absolute);
    Ok(staged.map_err(cannot("stage a file in", &absolute))?)
}

/// Gives a file that is synced its name.
fn name(
    lake: &Path,
    (folder, source, ending): (&str, &str, &str),
    staged: TempPath,
    bytes: u64,
    sha256: String,
) -> Result<Placed, Failure> {
    let path = match source {
        "" => format!("{folder}/{sha256}.{ending}"),
        source => format!("{folder}/{source}-{sha256}.{ending}"),
    };
    let target = lake.join(&path);
    staged.persist(&target).map_err(|error| cannot("rename into place", &target)(error.error))?;
    files::sync_names(lake, folder)?;
    Ok(Placed { path, bytes, sha256 })
}

/// A file that hashes what it takes.
struct Hashing {
    file: Growing,
    hasher: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// SHA-256 of everything that can be read, in hex.
///
/// # Errors
/// What the reader says.
pub fn digest(mut from: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(id::hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

//! Files of the lake: staged under a dotted name, synced, named by their content, made durable. Whether a file exists is
//! for the store's manifest to say; one that it does not name is left over from a crash and means nothing.

use crate::failure::Failure;
use crate::files::{self, cannot};
use reckoner_core::id;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

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

/// Writes a Parquet file into a folder of the lake and names it by its content; `write` hands back the file's length.
///
/// # Errors
/// Exit 1 when it cannot be written; nothing that counts is left behind then.
pub fn place<E>(lake: &Path, folder: &str, write: impl FnOnce(&Path) -> Result<u64, E>) -> Result<Placed, Failure>
where
    Failure: From<E>,
{
    place_of(lake, folder, "", "parquet", write)
}

/// Writes a file into a folder of the lake and names it by its source and its content: rows that two deliveries have on the
/// same lines are two files. `ending` says what it is.
///
/// # Errors
/// As [`place`].
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
    let absolute = lake.join(folder);
    files::create_folders(&absolute)?;
    let staged = tempfile::Builder::new().prefix(".staged-").suffix(&format!(".{ending}")).tempfile_in(&absolute);
    let staged_path = staged.map_err(cannot("stage a file in", &absolute))?.into_temp_path();
    let bytes = write(&staged_path)?;

    let file = File::open(&staged_path).map_err(cannot("open", &staged_path))?;
    file.sync_all().map_err(cannot("sync", &staged_path))?;
    let sha256 = digest(file).map_err(cannot("read", &staged_path))?;
    let path = match source {
        "" => format!("{folder}/{sha256}.{ending}"),
        source => format!("{folder}/{source}-{sha256}.{ending}"),
    };
    let target = lake.join(&path);
    staged_path.persist(&target).map_err(|error| cannot("rename into place", &target)(error.error))?;
    files::sync_names(lake, folder)?;
    Ok(Placed { path, bytes, sha256 })
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

//! Inbox: files that were dropped into the home's `inbox/`: which of them may be taken, and taking them.
//!
//! Owns: which names count, what is left where it is and why, when a taken file goes away.
//! Does not own: what a file holds (`ingest`), whether it is still being written (`serve` looks twice; a command does not).
//! Promises: a file goes away only after its bytes are in `raw/` and what came of them is recorded, and only if it is still
//! the file that was taken; nothing but a regular file is ever opened.

use crate::books::Books;
use crate::failure::Failure;
use crate::files::{FileError, cannot};
use crate::home::Home;
use crate::ingest::{self, FileReceipt, Receipt, manifest};
use crate::report::progress::Progress;
use reckoner_core::table::TableKind;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How a file looks from outside: two equal sights some time apart, and nobody was writing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Its length.
    pub bytes: u64,
    /// When it was written to last, where the file system tells.
    pub modified: Option<SystemTime>,
}

/// A file that may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its name, for people.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The table that its name says; nothing for a manifest, which comes before all tables.
    pub kind: Option<TableKind>,
    /// How it looked.
    pub sight: Sight,
}

/// Something in the inbox that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Left {
    /// Its name.
    pub name: String,
    /// Why, for people.
    pub why: String,
}

/// What lies in the inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files that may be taken, in the order of tables, then by name.
    pub files: Vec<Dropped>,
    /// What is left where it is, by name.
    pub left: Vec<Left>,
}

/// What became of files out of the inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// What was taken in.
    pub receipt: Receipt,
    /// Taken, and left all the same: they changed meanwhile and are taken again.
    pub changed: Vec<String>,
}

/// What a name is for.
enum Name {
    /// Not there yet, or none of the inbox's business.
    Ignored,
    /// Says its table, or that it is a manifest.
    Of(Option<TableKind>),
    /// Says none.
    Unknown(String),
}

impl Sight {
    fn of(details: &Metadata) -> Self {
        Self { bytes: details.len(), modified: details.modified().ok() }
    }
}

/// Looks into the inbox.
///
/// # Errors
/// Exit 1 when the folder cannot be listed.
pub fn look(home: &Home) -> Result<Listing, Failure> {
    let folder = home.inbox();
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(&folder).map_err(cannot("list", &folder))? {
        let path = entry.map_err(cannot("list", &folder))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match read_name(&name) {
            Name::Ignored => {}
            Name::Unknown(why) => listing.left.push(Left { name, why }),
            Name::Of(kind) => match look_at(&path)? {
                Some(Ok(sight)) => listing.files.push(Dropped { name, path, kind, sight }),
                Some(Err(why)) => listing.left.push(Left { name, why }),
                None => {}
            },
        }
    }
    listing.files.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    listing.left.sort();
    Ok(listing)
}

fn read_name(name: &str) -> Name {
    let is_unfinished = name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part");
    match TableKind::from_file_name(name) {
        _ if is_unfinished => Name::Ignored,
        _ if manifest::is_manifest(name) => Name::Of(None),
        Ok(kind) => Name::Of(Some(kind)),
        Err(error) => Name::Unknown(error.to_string()),
    }
}

/// How the file looks, or why it is left; nothing where it has gone meanwhile.
fn look_at(path: &Path) -> Result<Option<Result<Sight, String>>, FileError> {
    // Of the name itself, not of what a link leads to: a link could lead anywhere that this process may read.
    let details = match std::fs::symlink_metadata(path) {
        Ok(details) => details,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("look at", path)(error)),
    };
    let left = |why: &str| Ok(Some(Err(why.to_owned())));
    if details.is_symlink() {
        return left("a symbolic link; expected the file itself");
    }
    if details.is_dir() {
        return left("a folder; expected files, folders are not looked into");
    }
    if !details.is_file() {
        return left("no regular file (a pipe, a socket or a device); expected a file with rows of one table");
    }
    if details.len() == 0 {
        return left("empty so far; it is taken once something is in it");
    }
    match std::fs::File::open(path) {
        Ok(_) => Ok(Some(Ok(Sight::of(&details)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => left("not allowed to be read; check who owns it"),
        Err(error) => Err(cannot("read", path)(error)),
    }
}

/// Takes files out of the inbox, in their order; `taken` is told of each and says whether to go on.
///
/// A file that is shorter than a manifest says stays for now: it is still on its way.
///
/// # Errors
/// As `ingest`, and exit 1 when a taken file cannot be removed. Files before it are taken and gone.
pub fn take(
    books: &mut Books,
    files: &[Dropped],
    progress: &Progress,
    taken: &mut dyn FnMut(&FileReceipt) -> bool,
) -> Result<Taken, Failure> {
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let at = |path: &Path| files.iter().find(|file| file.path == path);
    let mut changed = Vec::new();
    let receipt = ingest::ingest_each(
        books,
        &paths,
        None,
        progress,
        &mut |books, path| at(path).map_or(Ok(true), |file| is_whole(books, file)),
        &mut |path, receipt| {
            if !remove(path, at(path).map(|file| file.sight))? {
                changed.push(receipt.file.clone());
            }
            Ok(taken(receipt))
        },
    )?;
    Ok(Taken { receipt, changed })
}

/// Whether the file is as long as the newest manifest that lists it says, if one does.
fn is_whole(books: &Books, file: &Dropped) -> Result<bool, Failure> {
    let about = books.store().manifests_about(&file.name)?;
    let newest = about.iter().max_by_key(|known| known.seq);
    let listed = newest.and_then(|known| known.manifest.files.iter().find(|listed| listed.name == file.name));
    Ok(listed.and_then(|listed| listed.bytes).is_none_or(|bytes| file.sight.bytes >= bytes))
}

/// Removes a file that still looks as it did when it was taken; says whether it did.
fn remove(path: &Path, sight: Option<Sight>) -> Result<bool, FileError> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(true),
        _ => Err(cannot("remove", path)(error)),
    };
    match std::fs::symlink_metadata(path) {
        Ok(details) if Some(Sight::of(&details)) == sight => std::fs::remove_file(path).map(|()| true).or_else(gone),
        Ok(_) => Ok(false),
        Err(error) => gone(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("inbox")).unwrap();
        std::fs::write(folder.path().join("reckoner.toml"), "").unwrap();
        let home = Home::open(folder.path()).unwrap();
        (folder, home)
    }

    #[test]
    #[cfg(unix)]
    fn only_regular_files_with_a_tables_name_are_taken() {
        let (folder, home) = inbox();
        let inbox = home.inbox();
        // name | what is in it | how it is left; nothing: not even mentioned
        let cases = [
            ("usage-2.csv", "x", Some("")),
            ("usage-1.csv.gz", "x", Some("")),
            ("prices.ndjson", "x", Some("")),
            (".usage-3.csv", "x", None), // a producer's own way to say "not yet"
            ("usage-4.csv.tmp", "x", None),
            ("usage-5.csv.part", "x", None),
            ("manifest-2026-01-05.json", "x", Some("")), // before every table
            ("usages.csv", "x", Some("names no table")),
            ("readme.txt", "x", Some("names no table")),
            ("orders-1.csv", "x", Some("")),
            ("budgets-1.csv", "x", Some("does not take in yet")),
            ("usage-6.csv", "", Some("empty so far")),
            ("usage-\u{1b}[2J.csv", "x", Some("")), // a name is shown, never obeyed
        ];
        for (name, text, _) in cases {
            std::fs::write(inbox.join(name), text).unwrap();
        }
        std::fs::create_dir(inbox.join("usage-old")).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), inbox.join("usage-link.csv")).unwrap();
        std::os::unix::fs::symlink("/nowhere", inbox.join("usage-dangling.csv")).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(inbox.join("usage-socket.csv")).unwrap();

        let listing = look(&home).unwrap();
        let names: Vec<&str> = listing.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(
            names,
            ["manifest-2026-01-05.json", "prices.ndjson", "orders-1.csv", "usage-\u{1b}[2J.csv", "usage-1.csv.gz", "usage-2.csv"],
            "prices and orders come before usage"
        );
        for (name, _, expected) in cases {
            let left = listing.left.iter().find(|left| left.name == name);
            match expected {
                None | Some("") => assert_eq!(left, None, "{name}"),
                Some(why) => assert!(left.is_some_and(|left| left.why.contains(why)), "{name}: {left:?}"),
            }
        }
        let why = |name: &str| listing.left.iter().find(|left| left.name == name).map(|left| left.why.clone()).unwrap();
        assert!(why("usage-old").starts_with("a folder"));
        assert!(why("usage-link.csv").starts_with("a symbolic link"));
        assert!(why("usage-dangling.csv").starts_with("a symbolic link"));
        assert!(why("usage-socket.csv").starts_with("no regular file"));
        drop(socket);
    }

    #[test]
    fn a_file_that_changed_since_is_not_removed() {
        let (_folder, home) = inbox();
        let path = home.inbox().join("usage-1.csv");
        std::fs::write(&path, "one\n").unwrap();
        let sight = look(&home).unwrap().files[0].sight;
        std::fs::write(&path, "one\ntwo\n").unwrap();
        assert!(!remove(&path, Some(sight)).unwrap());
        assert!(path.exists());
        let sight = look(&home).unwrap().files[0].sight;
        assert!(remove(&path, Some(sight)).unwrap());
        assert!(!path.exists());
        assert!(remove(&path, Some(sight)).unwrap(), "somebody else took it away");
    }
}

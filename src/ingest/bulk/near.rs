//! Records of earlier deliveries that rows may meet: by the files of identities beside their rows, or by the rows.

use super::super::usage::months_around;
use super::in_two;
use super::resolve::{MIDDLE, Sorted};
use super::write::Written;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_store::{LakeFile, Store};
use reckoner_tally::{Part, meet_all, row_identities};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// All time.
const EVER: Window = Window::new(Instant::MIN, Instant::MAX);

/// By the path of a file of rows below the lake, the file of its identities; files without one are not there.
pub(in crate::ingest) fn identities_of(store: &dyn Store, lake: &Path) -> Result<HashMap<String, PathBuf>, Failure> {
    Ok(store.identity_files(EVER)?.into_iter().map(|file| (file.companion, lake.join(file.path))).collect())
}

/// Files whose records may be met.
pub(super) struct Near {
    files: Vec<NearFile>,
}

struct NearFile {
    span: Window,
    path: PathBuf,
    /// Whether it holds identities; otherwise rows.
    is_identities: bool,
}

impl Near {
    pub fn load(books: &Books) -> Result<Self, Failure> {
        let identities = identities_of(books.store(), &books.lake())?;
        let files = books.store().row_files(EVER)?.into_iter().map(|file| match identities.get(&file.path) {
            Some(path) => NearFile { span: file.span, path: path.clone(), is_identities: true },
            None => NearFile { span: file.span, path: books.lake_path(&file), is_identities: false },
        });
        Ok(Self { files: files.collect() })
    }

    /// Adds what this delivery wrote.
    pub fn add(&mut self, lake: &Path, written: &Written) {
        let near = |file: &LakeFile| NearFile { span: file.span, path: lake.join(&file.path), is_identities: true };
        self.files.extend(written.identities.iter().map(near));
    }

    /// Which identities of these parts earlier rows have, of the billing months of their starts and those beside; sorted.
    pub fn meet(&self, zone: Zone, parts: &[Part], sorted: &[Sorted]) -> Result<Vec<u64>, Failure> {
        let starts = || parts.iter().filter_map(Part::starts).flatten();
        let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return Ok(Vec::new()) };
        let reach = months_around(zone, first, last);
        let near: Vec<&NearFile> =
            self.files.iter().filter(|file| file.span.start < reach.end && file.span.end >= reach.start).collect();
        let paths = |is_identities: bool| -> Vec<&Path> {
            near.iter().filter(|file| file.is_identities == is_identities).map(|file| &*file.path).collect()
        };
        let (identities, rows) = (paths(true), paths(false));
        let wanted: Vec<&[u64]> = sorted.iter().map(Vec::as_slice).collect();
        // Files of identities go half by half of the hashes, so that each is read once; those of rows file by file.
        let of = |hashes: RangeInclusive<u64>, rows: &[&Path]| -> Result<Vec<u64>, Failure> {
            let mut met = meet_all(&identities, &wanted, hashes)?;
            for path in rows {
                let is_wanted = |row: &u64| wanted.iter().any(|sorted| sorted.binary_search(row).is_ok());
                met.extend(row_identities(path)?.into_iter().filter(is_wanted));
            }
            Ok(met)
        };
        let is_one = sorted.len() == 1;
        let (last, (first_rows, other_rows)) = match is_one {
            true => (u64::MAX, (&rows[..], &rows[..0])),
            false => (MIDDLE - 1, rows.split_at(rows.len() / 2)),
        };
        let mut met = in_two(is_one, || of(0..=last, first_rows), || of(MIDDLE..=u64::MAX, other_rows))?.concat();
        met.sort_unstable();
        met.dedup();
        Ok(met)
    }
}

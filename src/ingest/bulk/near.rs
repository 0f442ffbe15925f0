//! Records of earlier deliveries that rows may meet: by the files of identities beside their rows, or by the rows.

use super::super::usage::months_around;
use super::in_two;
use super::resolve::Sorted;
use super::write::Written;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::time::{Instant, Window, Zone};
use reckoner_store::{LakeFile, Store};
use reckoner_tally::{Part, meet, row_identities};
use std::collections::HashMap;
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
        let of = |place: usize| self.meet_part(reach, &sorted[place]);
        let mut met = in_two(sorted.len() == 1, || of(0), || of(1))?.concat();
        met.sort_unstable();
        met.dedup();
        Ok(met)
    }

    fn meet_part(&self, reach: Window, sorted: &Sorted) -> Result<Vec<u64>, Failure> {
        let mut met = Vec::new();
        for file in self.files.iter().filter(|file| file.span.start < reach.end && file.span.end >= reach.start) {
            if file.is_identities {
                met.extend(meet(&file.path, sorted)?);
            } else {
                let rows = row_identities(&file.path)?;
                met.extend(rows.into_iter().filter(|row| sorted.binary_search(row).is_ok()));
            }
        }
        Ok(met)
    }
}

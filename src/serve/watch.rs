//! Watching the inbox: which files have been left alone for long enough to be taken.

use crate::inbox::{Dropped, Left, Listing, Sight};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A file is taken when it looked the same in two looks at least this far apart.
pub const RIPENING: Duration = Duration::from_secs(2);

/// What earlier looks saw. Instants are monotonic.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    seen: BTreeMap<PathBuf, (Sight, Duration)>,
    left: Vec<Left>,
    /// Files that could not be taken although it was tried often enough, as they looked then.
    refused: BTreeMap<PathBuf, (Sight, String)>,
}

/// What another look adds up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Files that may be taken now, in their order.
    pub ripe: Vec<Dropped>,
    /// How many are being written still, or were not there before.
    pub unripe: usize,
    /// What is left where it is.
    pub left: Vec<Left>,
    /// Those of them that nobody was told of yet.
    pub newly_left: Vec<Left>,
}

impl Watch {
    /// Holds a look against the ones before it.
    pub fn sort(&mut self, listing: Listing, mono: Duration) -> Sorted {
        let mut sorted = Sorted { left: listing.left, ..Sorted::default() };
        let mut seen = BTreeMap::new();
        for file in listing.files {
            if let Some((sight, why)) = self.refused.get(&file.path)
                && *sight == file.sight
            {
                sorted.left.push(Left { name: file.name, why: why.clone() });
                continue;
            }
            let known = self.seen.get(&file.path).filter(|(sight, _)| *sight == file.sight);
            let since = known.map_or(mono, |(_, since)| *since);
            seen.insert(file.path.clone(), (file.sight, since));
            match mono.saturating_sub(since) >= RIPENING {
                true => sorted.ripe.push(file),
                false => sorted.unripe += 1,
            }
        }
        sorted.left.sort();
        self.seen = seen;
        self.refused.retain(|path, _| sorted.left.iter().any(|left| path.ends_with(&left.name)));
        sorted.newly_left = sorted.left.iter().filter(|left| !self.left.contains(left)).cloned().collect();
        self.left.clone_from(&sorted.left);
        sorted
    }

    /// Whether a file was given up and lies there still.
    pub fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Leaves a file where it is until it looks otherwise.
    pub fn refuse(&mut self, file: &Dropped, why: String) {
        self.refused.insert(file.path.clone(), (file.sight, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reckoner_core::table::TableKind;

    fn file(name: &str, bytes: u64) -> Dropped {
        let sight = Sight { bytes, modified: None };
        Dropped { name: name.to_owned(), path: PathBuf::from(name), kind: Some(TableKind::Usage), sight }
    }

    fn names(files: &[Dropped]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn a_file_is_ripe_when_it_looked_the_same_for_two_seconds() {
        // at (ms) | files with their lengths | ripe | unripe
        type Look = (u64, &'static [(&'static str, u64)], &'static [&'static str], usize);
        let looks: [Look; 8] = [
            (0, &[("a", 1)], &[], 1),
            (1_999, &[("a", 1)], &[], 1),
            (2_000, &[("a", 1), ("b", 1)], &["a"], 1),
            (2_500, &[("b", 2)], &[], 1), // it grows: it starts anew
            (4_400, &[("b", 2)], &[], 1),
            (4_500, &[("b", 2)], &["b"], 0),
            (9_000, &[], &[], 0),
            (9_100, &[("b", 2)], &[], 1), // gone and there again: nobody knows what it is now
        ];
        let mut watch = Watch::default();
        for (at, files, ripe, unripe) in looks {
            let files = files.iter().map(|(name, bytes)| file(name, *bytes)).collect();
            let sorted = watch.sort(Listing { files, left: Vec::new() }, Duration::from_millis(at));
            assert_eq!((names(&sorted.ripe).as_slice(), sorted.unripe), (ripe, unripe), "at {at}");
        }
    }

    #[test]
    fn what_is_left_is_told_once() {
        let mut watch = Watch::default();
        let left = |name: &str, why: &str| Left { name: name.to_owned(), why: why.to_owned() };
        let mut tell = |all: &[Left]| {
            let listing = Listing { files: Vec::new(), left: all.to_vec() };
            watch.sort(listing, Duration::ZERO).newly_left
        };
        assert_eq!(tell(&[left("x", "why")]), [left("x", "why")]);
        assert_eq!(tell(&[left("x", "why"), left("y", "why")]), [left("y", "why")]);
        assert_eq!(tell(&[left("x", "another why"), left("y", "why")]), [left("x", "another why")]);
        assert_eq!(tell(&[]), []);
        assert_eq!(tell(&[left("x", "why")]), [left("x", "why")], "it came back");
    }

    #[test]
    fn a_file_that_cannot_be_taken_is_left_until_it_changes() {
        let mut watch = Watch::default();
        let look = |bytes| Listing { files: vec![file("a", bytes), file("b", 1)], left: Vec::new() };
        watch.sort(look(1), Duration::ZERO);
        watch.refuse(&file("a", 1), "it panics".to_owned());
        let sorted = watch.sort(look(1), RIPENING);
        assert_eq!((names(&sorted.ripe), sorted.left.len(), sorted.newly_left.len()), (vec!["b"], 1, 1));
        assert_eq!(watch.sort(look(1), RIPENING * 2).newly_left, []);
        let changed = watch.sort(look(2), RIPENING * 3);
        assert_eq!((changed.unripe, changed.left.len()), (1, 0));
        assert_eq!(names(&watch.sort(look(2), RIPENING * 5).ripe), ["a", "b"]);
    }
}

//! Identities: which records a file of rows has, as sorted hashes, so that a later delivery meets them without reading rows.
//!
//! A hash that is not there proves that the record is new. One that is there proves nothing: whoever meets it compares the
//! ids themselves. So 64 bits are enough, and no charge depends on them.
//!
//! The file: the word `RKIDENT1`, then the hashes in order, 8 bytes each, little-endian.

use crate::error::TallyError;
use crate::file::Output;
use crate::meeting::{Pass, Sieve, Slice, between};
use arrow::array::AsArray as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const WORD: &[u8; 8] = b"RKIDENT1";
const WIDTH: u64 = 8;
/// Beyond this many hashes in the file for one that is asked for, they are looked up; below, the file is walked through.
const LOOKUP_RATIO: u64 = 256;
/// Hashes around the place where one should be that are read at a time.
const REACH: u64 = 512;
/// Hashes that are read at a time where all are.
const READ: u64 = 4 * 1024;
/// Hashes that are written at a time.
const WRITTEN: usize = 16 * 1024;
/// Files that are open at a time.
const FILES_MAX: usize = 32;

/// The identity of a record: an account's `record_id`. Never changes: files of earlier deliveries hold it.
pub fn identity(account_id: &str, record_id: &str) -> u64 {
    in_account(account_seed(account_id), record_id)
}

/// By this the holdings of a file of partials are ordered. Never changes, as [`identity`].
pub(crate) fn holding_identity([account_id, resource_id, sku]: [&str; 3]) -> u64 {
    holding_in_account(account_seed(account_id), resource_id, sku)
}

/// The same for a holding of the account with this seed.
pub(crate) fn holding_in_account(seed: u64, resource_id: &str, sku: &str) -> u64 {
    let of_resource = xxh3_64_with_seed(resource_id.as_bytes(), seed);
    xxh3_64_with_seed(sku.as_bytes(), of_resource)
}

/// What the identities of an account's records have in common.
pub(crate) fn account_seed(account_id: &str) -> u64 {
    xxh3_64(account_id.as_bytes())
}

/// The identity of a record of the account with this seed.
pub(crate) fn in_account(seed: u64, record_id: &str) -> u64 {
    xxh3_64_with_seed(record_id.as_bytes(), seed)
}

/// Writes sorted hashes to a new file.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be written.
pub fn write_identities(sorted: &[u64], out: Output<'_>) -> Result<(), TallyError> {
    let Output { path, to } = out;
    let failed = TallyError::write(path);
    to.write_all(WORD).map_err(|error| failed(&error))?;
    let mut bytes = vec![0; sorted.len().min(WRITTEN) * WIDTH as usize];
    for hashes in sorted.chunks(WRITTEN) {
        let places = bytes.as_chunks_mut().0.iter_mut();
        places.zip(hashes).for_each(|(place, hash)| *place = hash.to_le_bytes());
        to.write_all(&bytes[..hashes.len() * WIDTH as usize]).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Which of these hashes (sorted) the file holds, in order.
///
/// # Errors
/// [`TallyError::Read`] when the file is not one of identities.
pub fn meet(path: &Path, wanted: &[u64]) -> Result<Vec<u64>, TallyError> {
    meet_all(&[path], &[wanted], 0..=u64::MAX)
}

/// Which hashes of these lists, each of them sorted, some of the files hold; no others than those in this range.
///
/// # Errors
/// [`TallyError::Read`] when a file is not one of identities.
pub fn meet_all(paths: &[&Path], wanted: &[&[u64]], within: RangeInclusive<u64>) -> Result<Vec<u64>, TallyError> {
    let wanted: Vec<&[u64]> = wanted.iter().map(|sorted| between(sorted, &within)).collect();
    let hashes: usize = wanted.iter().map(|list| list.len()).sum();
    let mut met = Vec::new();
    for paths in paths.chunks(FILES_MAX) {
        let mut walked = Vec::new();
        for path in paths {
            let mut held = Held::open(path).map_err(|error| TallyError::read(path)(&error))?;
            match hashes as u64 * LOOKUP_RATIO < held.count {
                true => held.look_up(&wanted, &mut met).map_err(|error| TallyError::read(path)(&error))?,
                false => walked.push((*path, held)),
            }
        }
        let mut sieve = Sieve::new();
        for slice in Slice::all(hashes) {
            if sieve.fill(slice, &wanted) {
                for (path, held) in &mut walked {
                    held.walk(slice, sieve.pass(), &mut met).map_err(|error| TallyError::read(path)(&error))?;
                }
            }
        }
    }
    met.sort_unstable();
    met.dedup();
    Ok(met)
}

/// A file of identities.
struct Held {
    file: File,
    count: u64,
    /// Whatever stands before this place is below this hash.
    next: u64,
    below: u64,
    bytes: Vec<u8>,
}

impl Held {
    fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut word = [0; 8];
        file.read_exact(&mut word)?;
        if word != *WORD || length % WIDTH != 0 {
            return Err(std::io::Error::other("it is no file of identities"));
        }
        Ok(Self { file, count: length / WIDTH - 1, next: 0, below: 0, bytes: Vec::new() })
    }

    /// So many hashes from this place on.
    fn read(&mut self, first: u64, hashes: u64) -> std::io::Result<&[[u8; 8]]> {
        self.bytes.resize((hashes * WIDTH) as usize, 0);
        self.file.seek(SeekFrom::Start((first + 1) * WIDTH))?;
        self.file.read_exact(&mut self.bytes)?;
        Ok(self.bytes.as_chunks().0)
    }

    /// Walks through a slice of the file; slices come in order.
    fn walk(&mut self, slice: Slice, mut pass: Pass<'_>, met: &mut Vec<u64>) -> std::io::Result<()> {
        if self.below != slice.first {
            self.next = self.first_from(slice.first)?;
        }
        while self.next < self.count {
            let hashes = (self.count - self.next).min(READ);
            let block = self.read(self.next, hashes)?;
            let of_slice = block.partition_point(|hash| u64::from_le_bytes(*hash) <= slice.last());
            pass.each(block[..of_slice].iter().map(|hash| u64::from_le_bytes(*hash)), |hash| met.push(hash));
            self.next += of_slice as u64;
            if of_slice as u64 != hashes {
                break;
            }
        }
        // After the last slice no other comes.
        self.below = slice.last().wrapping_add(1);
        Ok(())
    }

    /// The place of the first that is not below this hash.
    fn first_from(&mut self, hash: u64) -> std::io::Result<u64> {
        let (mut low, mut high) = (self.next, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match u64::from_le_bytes(self.read(middle, 1)?[0]) < hash {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }

    /// Looks each one up where it should be: hashes are spread evenly.
    fn look_up(&mut self, wanted: &[&[u64]], met: &mut Vec<u64>) -> std::io::Result<()> {
        for hash in wanted.iter().copied().flatten() {
            // Between these places it is, if it is there.
            let (mut low, mut high) = (0, self.count);
            let mut guess = ((u128::from(*hash) * u128::from(self.count)) >> 64) as u64;
            while low < high {
                let first = guess.saturating_sub(REACH / 2).clamp(low, high - 1);
                let block = self.read(first, (high - first).min(REACH))?;
                let place = block.partition_point(|other| u64::from_le_bytes(*other) < *hash);
                if block.get(place) == Some(&hash.to_le_bytes()) {
                    met.push(*hash);
                    break;
                }
                match place {
                    0 => high = first,
                    all if all == block.len() => low = first + all as u64,
                    _ => break,
                }
                guess = low + (high - low) / 2;
            }
        }
        Ok(())
    }
}

/// The identities of a file of rows that has no file of them beside it, in the order of its rows.
///
/// # Errors
/// [`TallyError::Read`] when the file is not one of rows.
pub fn row_identities(path: &Path) -> Result<Vec<u64>, TallyError> {
    let mut identities = Vec::new();
    crate::file::read_columns(path, &["account_id", "record_id"], |batch| {
        let [account_id, record_id] = [0, 1].map(|place| batch.column(place).as_string::<i32>());
        identities.extend((0..batch.num_rows()).map(|row| identity(account_id.value(row), record_id.value(row))));
        Ok(())
    })?;
    Ok(identities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_of_a_record_never_changes() {
        // Golden: files of earlier deliveries hold these numbers.
        assert_eq!(identity("acct-1", "rec-1"), 11_560_946_352_712_696_753);
        assert_ne!(identity("acct-1", "rec-1"), identity("acct-2", "rec-1"));
        assert_ne!(identity("a", "bc"), identity("ab", "c"));
    }

    #[test]
    fn what_is_there_is_met_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("identities");
        let held = |number: u64| xxh3_64(&number.to_le_bytes());
        for count in [0, 1, 2, 511, 512, 513, 5_000, READ, READ + 1, 300_000] {
            let mut hashes: Vec<u64> = (0..count).map(held).collect();
            hashes.sort_unstable();
            let mut file = File::create(&path).expect("created");
            write_identities(&hashes, Output { path: &path, to: &mut file }).expect("written");
            // Few are looked up, many are walked through; the ends, neighbours and strangers among them.
            for step in [1, 1_000] {
                let mut wanted: Vec<u64> = (0..count).step_by(step).map(held).chain((count..count + 9).map(held)).collect();
                wanted.extend(hashes.first().into_iter().chain(hashes.last()).flat_map(|hash| [*hash, hash.wrapping_add(1)]));
                wanted.extend([0, u64::MAX]);
                wanted.sort_unstable();
                wanted.dedup();
                let expected: Vec<u64> = wanted.iter().copied().filter(|hash| hashes.binary_search(hash).is_ok()).collect();
                assert_eq!(meet(&path, &wanted).expect("read"), expected, "{count} {step}");
            }
        }
        std::fs::write(&path, b"something else").expect("written");
        assert!(meet(&path, &[1]).is_err());
    }
}

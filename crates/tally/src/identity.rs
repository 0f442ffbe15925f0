//! Identities: which records a file of rows has, as sorted hashes, so that a later delivery meets them without reading rows.
//!
//! A hash that is not there proves that the record is new. One that is there proves nothing: whoever meets it compares the
//! ids themselves. So 64 bits are enough, and no charge depends on them.
//!
//! The file: the word `RKIDENT1`, then the hashes in order, 8 bytes each, little-endian.

use crate::error::TallyError;
use crate::order::each_common;
use arrow::array::AsArray as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const WORD: &[u8; 8] = b"RKIDENT1";
const WIDTH: u64 = 8;
/// Beyond this many hashes in the file for one that is asked for, they are looked up; below, both are walked through.
const LOOKUP_RATIO: u64 = 256;
/// Hashes around the place where one should be that are read at a time.
const REACH: u64 = 512;
/// Hashes that are read or written at a time where all are.
const WALKED: u64 = 16 * 1024;

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

/// Writes sorted hashes to a new file; hands back its length.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_identities(sorted: &[u64], path: &Path) -> Result<u64, TallyError> {
    let failed = TallyError::write(path);
    let mut out = File::create(path).map_err(|error| failed(&error))?;
    out.write_all(WORD).map_err(|error| failed(&error))?;
    let mut bytes = vec![0; sorted.len().min(WALKED as usize) * WIDTH as usize];
    for hashes in sorted.chunks(WALKED as usize) {
        let places = bytes.as_chunks_mut().0.iter_mut();
        places.zip(hashes).for_each(|(place, hash)| *place = hash.to_le_bytes());
        out.write_all(&bytes[..hashes.len() * WIDTH as usize]).map_err(|error| failed(&error))?;
    }
    Ok((sorted.len() as u64 + 1) * WIDTH)
}

/// Which of these hashes (sorted) the file holds, in order.
///
/// # Errors
/// [`TallyError::Read`] when the file is not one of identities.
pub fn meet(path: &Path, wanted: &[u64]) -> Result<Vec<u64>, TallyError> {
    let failed = TallyError::read(path);
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let length = file.metadata().map_err(|error| failed(&error))?.len();
    let mut word = [0; 8];
    file.read_exact(&mut word).map_err(|error| failed(&error))?;
    if word != *WORD || length % WIDTH != 0 {
        return Err(failed(&"it is no file of identities"));
    }
    let count = length / WIDTH - 1;
    let met = match wanted.len() as u64 * LOOKUP_RATIO < count {
        true => look_up(&mut file, count, wanted),
        false => walk(&mut file, count, wanted),
    };
    met.map_err(|error| failed(&error))
}

/// Walks through the file and what is wanted side by side.
fn walk(file: &mut File, count: u64, wanted: &[u64]) -> std::io::Result<Vec<u64>> {
    let mut met = Vec::new();
    let mut rest = wanted;
    let mut bytes = vec![0_u8; (WALKED * WIDTH) as usize];
    let mut block = Vec::with_capacity(WALKED as usize);
    let mut left = count;
    while left > 0 && !rest.is_empty() {
        let hashes = left.min(WALKED);
        let bytes = &mut bytes[..(hashes * WIDTH) as usize];
        file.read_exact(bytes)?;
        left -= hashes;
        block.clear();
        block.extend(bytes.chunks_exact(8).map(hash_of));
        let passed = each_common(&block, rest, |hash| met.push(hash));
        rest = &rest[passed..];
    }
    met.dedup();
    Ok(met)
}

/// Looks each one up where it should be: hashes are spread evenly.
fn look_up(file: &mut File, count: u64, wanted: &[u64]) -> std::io::Result<Vec<u64>> {
    let mut met = Vec::new();
    let mut block = vec![0_u8; (REACH * WIDTH) as usize];
    for hash in wanted {
        // Between these places it is, if it is there.
        let (mut low, mut high) = (0, count);
        let mut guess = ((u128::from(*hash) * u128::from(count)) >> 64) as u64;
        while low < high {
            let first = guess.saturating_sub(REACH / 2).clamp(low, high - 1);
            let hashes = (high - first).min(REACH);
            let bytes = &mut block[..(hashes * WIDTH) as usize];
            file.seek(SeekFrom::Start((first + 1) * WIDTH))?;
            file.read_exact(bytes)?;
            let (least, greatest) = (hash_of(&bytes[..8]), hash_of(&bytes[bytes.len() - 8..]));
            if *hash < least {
                high = first;
            } else if *hash > greatest {
                low = first + hashes;
            } else {
                if bytes.chunks_exact(8).any(|bytes| hash_of(bytes) == *hash) && met.last() != Some(hash) {
                    met.push(*hash);
                }
                break;
            }
            guess = low + (high - low) / 2;
        }
    }
    Ok(met)
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

fn hash_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("chunks of 8"))
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
        for count in [0, 1, 2, 511, 512, 513, 5_000, WALKED, WALKED + 1, 300_000] {
            let mut hashes: Vec<u64> = (0..count).map(held).collect();
            hashes.sort_unstable();
            write_identities(&hashes, &path).expect("written");
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

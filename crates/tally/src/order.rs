//! Orders: hashes sorted, and the holdings of some rows in the order of a file of partials.

use crate::part::{NONE, Part};
use reckoner_core::table::Unit;

/// Hashes that are sorted at a time: few enough to stay near the processor.
const NEAR: usize = 2_048;
/// So many places are written to side by side.
const SPREAD_BITS_MAX: u32 = 11;

/// Hashes in order, each with its place; equal ones in the order of their places.
///
/// Hashes are spread evenly: their first bits put each among few others, and those are sorted.
///
/// # Panics
/// Beyond 2^32 hashes.
pub fn sorted_hashes(hashes: &[u64]) -> Vec<(u64, u32)> {
    let spread_bits = (hashes.len() / NEAR).checked_ilog2().map_or(0, |bits| (bits + 1).min(SPREAD_BITS_MAX));
    let bucket_of = |hash: u64| hash.checked_shr(u64::BITS - spread_bits).unwrap_or(0) as usize;
    let mut ends = vec![0_usize; (1 << spread_bits) + 1];
    hashes.iter().for_each(|hash| ends[bucket_of(*hash) + 1] += 1);
    for bucket in 1..ends.len() {
        ends[bucket] += ends[bucket - 1];
    }
    // Each begins where the one before ends, and has moved to its own end when all are placed.
    let mut sorted = vec![(0, 0); hashes.len()];
    for (place, hash) in hashes.iter().enumerate() {
        let end = &mut ends[bucket_of(*hash)];
        sorted[*end] = (*hash, u32::try_from(place).expect("fewer than 2^32 rows"));
        *end += 1;
    }
    let mut start = 0;
    for end in &ends[..1 << spread_bits] {
        sorted[start..*end].sort_unstable();
        start = *end;
    }
    sorted
}

/// The holdings of some rows of a part, in the order of a hash of their names: that of a file of partials.
#[derive(Debug)]
pub struct HoldingOrder {
    /// By place the holding in its part.
    pub holdings: Vec<u32>,
    /// By holding its place.
    pub(crate) place_of: Vec<u32>,
    /// By place, whether it is held for a time and not an amount.
    pub(crate) is_held: Vec<bool>,
}

impl HoldingOrder {
    /// The order of the holdings that these rows are of.
    pub fn of(part: &Part, rows: &[&[u32]]) -> Self {
        const USED: u32 = 0;
        let mut place_of = vec![NONE; part.holdings.len()];
        for row in rows.iter().copied().flatten() {
            place_of[part.holding[*row as usize] as usize] = USED;
        }
        let used: Vec<u32> = (0..).zip(&place_of).filter(|(_, place)| **place == USED).map(|(holding, _)| holding).collect();
        let hashes: Vec<u64> = used.iter().map(|holding| part.holdings.identity(*holding)).collect();
        let held: Vec<bool> = used.iter().map(|holding| *part.holdings.unit(*holding) == Unit::Hour).collect();
        let sorted = sorted_hashes(&hashes);
        let holdings: Vec<u32> = sorted.iter().map(|(_, place)| used[*place as usize]).collect();
        let is_held = sorted.iter().map(|(_, place)| held[*place as usize]).collect();
        (0..).zip(&holdings).for_each(|(place, holding)| place_of[*holding as usize] = place);
        Self { holdings, place_of, is_held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn hashes_are_sorted_as_the_library_sorts_them() {
        let hash = |number: u64| xxh3_64(&number.to_le_bytes());
        for count in [0, 1, 2, 3, NEAR as u64, 2 * NEAR as u64 - 1, 2 * NEAR as u64, 100_000] {
            let spread: Vec<u64> = (0..count).map(hash).collect();
            let alike: Vec<u64> = (0..count.min(100_000)).map(|number| hash(number % 7)).collect();
            let crowded: Vec<u64> = (0..count.min(100_000)).map(|number| hash(number) >> 40).collect();
            let ends: Vec<u64> = (0..count.min(100_000)).map(|number| [0, u64::MAX, 1 << 63][number as usize % 3]).collect();
            for hashes in [spread, alike, crowded, ends] {
                let mut expected: Vec<(u64, u32)> = hashes.iter().copied().zip(0..).collect();
                expected.sort_unstable();
                assert!(sorted_hashes(&hashes) == expected, "{count}");
            }
        }
    }
}

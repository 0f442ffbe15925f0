//! Orders: hashes sorted, and the holdings of some rows in the order of a file of partials.

use crate::meeting::{Glance, Slice};
use crate::part::Part;
use crate::runs::Rows;
use reckoner_core::table::Unit;
use std::ops::Range;

/// Hashes that are sorted at a time: few enough to stay near the processor.
const NEAR: usize = 2_048;
/// So many places are written to side by side.
const SPREAD_BITS_MAX: u32 = 11;
/// Fewer hashes are sorted as they are.
const SPREAD_MIN: usize = 64;
/// Where more hashes stand together after they were spread twice, they are not spread evenly.
const CROWD: u32 = 32;

/// Puts hashes in order, into this room.
///
/// # Panics
/// Beyond 2^32 hashes.
pub fn sorted_hashes(hashes: &[u64], sorted: &mut Vec<u64>) {
    spread(hashes, sorted, |hash, _| hash, |hash| hash);
}

/// Hashes in order, each with its place; equal ones in the order of their places.
pub(crate) fn sorted_places(hashes: &[u64]) -> Vec<(u64, u32)> {
    let mut sorted = Vec::new();
    spread(hashes, &mut sorted, |hash, place| (hash, place), |(hash, _)| hash);
    sorted
}

/// What is made of each hash and its place, in order; the order of what is made is that of hashes.
///
/// Hashes are spread evenly: their first bits put each among few others, and the next bits put those in order, but for
/// neighbours.
fn spread<T: Copy + Default + Ord>(
    hashes: &[u64],
    sorted: &mut Vec<T>,
    made: impl Fn(u64, u32) -> T,
    hash_of: impl Fn(T) -> u64,
) {
    let spread_bits = (hashes.len() / NEAR).checked_ilog2().map_or(0, |bits| (bits + 1).min(SPREAD_BITS_MAX));
    let bucket_of = |hash: u64| hash.checked_shr(u64::BITS - spread_bits).unwrap_or(0) as usize;
    let mut ends = vec![0_u32; (1 << spread_bits) + 1];
    hashes.iter().for_each(|hash| ends[bucket_of(*hash) + 1] += 1);
    for bucket in 1..ends.len() {
        ends[bucket] += ends[bucket - 1];
    }
    // Each begins where the one before ends, and has moved to its own end when all are placed.
    sorted.resize(hashes.len(), T::default());
    for (place, hash) in (0..).zip(hashes) {
        let end = &mut ends[bucket_of(*hash)];
        sorted[*end as usize] = made(*hash, place);
        *end += 1;
    }
    let (mut near, mut start) = (Near::default(), 0);
    for end in &ends[..1 << spread_bits] {
        near.sort(&mut sorted[start..*end as usize], |made| hash_of(made) << spread_bits);
        start = *end as usize;
    }
}

/// Room to sort in.
#[derive(Default)]
struct Near<T> {
    ends: Vec<u32>,
    spread: Vec<T>,
}

impl<T: Copy + Default + Ord> Near<T> {
    fn sort(&mut self, unsorted: &mut [T], hash_of: impl Fn(T) -> u64) {
        if unsorted.len() < SPREAD_MIN {
            return unsorted.sort_unstable();
        }
        let bits = unsorted.len().ilog2();
        let bucket_of = |made: T| (hash_of(made) >> (u64::BITS - bits)) as usize;
        self.ends.clear();
        self.ends.resize(1 << bits, 0);
        unsorted.iter().for_each(|made| self.ends[bucket_of(*made)] += 1);
        let (mut before, mut most) = (0, 0);
        for end in &mut self.ends {
            let count = std::mem::replace(end, before);
            most = most.max(count);
            before += count;
        }
        if most > CROWD {
            return unsorted.sort_unstable();
        }
        self.spread.resize(unsorted.len().max(self.spread.len()), T::default());
        for made in &*unsorted {
            let end = &mut self.ends[bucket_of(*made)];
            self.spread[*end as usize] = *made;
            *end += 1;
        }
        // Whatever is not in its place is near it. Most neighbours are put right without asking which of them is wrong.
        let spread = &mut self.spread[..unsorted.len()];
        let mut greatest = spread[0];
        for place in 1..spread.len() {
            let made = spread[place];
            spread[place - 1] = greatest.min(made);
            greatest = greatest.max(made);
        }
        spread[unsorted.len() - 1] = greatest;
        for (place, made) in spread.iter().copied().enumerate() {
            let mut to = place;
            while to > 0 && unsorted[to - 1] > made {
                unsorted[to] = unsorted[to - 1];
                to -= 1;
            }
            unsorted[to] = made;
        }
    }
}

/// Hashes that are looked for among many others: by their first bits, most others are told apart at one glance.
#[derive(Debug)]
pub struct Sought<'a> {
    sorted: &'a [u64],
    /// Of few, it is little enough to stay near the processor.
    glance: Glance,
    /// By the first bits of a hash, where those that begin with them start.
    starts: Vec<u32>,
    first_bits: u32,
}

impl<'a> Sought<'a> {
    /// Looks for these, which are sorted.
    ///
    /// # Panics
    /// Beyond 2^32 hashes.
    pub fn new(sorted: &'a [u64]) -> Self {
        let mut glance = Glance::default();
        glance.fill(Slice::WHOLE, 16 * sorted.len(), sorted.iter());
        let first_bits = (4 * sorted.len()).max(2).ilog2();
        let mut starts = vec![0; (1 << first_bits) + 1];
        sorted.iter().for_each(|hash| starts[(hash >> (u64::BITS - first_bits)) as usize + 1] += 1);
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        Self { sorted, glance, starts, first_bits }
    }

    /// The place of a hash among those that are looked for; of the first, where there are several.
    #[inline]
    pub fn place(&self, hash: u64) -> Option<usize> {
        if !self.glance.shows(hash) {
            return None;
        }
        let bits = (hash >> (u64::BITS - self.first_bits)) as usize;
        let (start, end) = (self.starts[bits] as usize, self.starts[bits + 1] as usize);
        (start..end).find(|place| self.sorted[*place] == hash)
    }
}

/// The holdings of some rows of a part, in the order of a hash of their names: that of a file of partials.
#[derive(Debug)]
pub struct HoldingOrder {
    /// By place the holding in its part.
    pub holdings: Vec<u32>,
    /// By holding, whether it is held for a time and not an amount.
    pub(crate) is_held: Vec<bool>,
    /// Holdings of one shard stand together, as do their places.
    pub(crate) shards: Vec<ShardOrder>,
}

/// Where a shard stands.
#[derive(Debug)]
pub(crate) struct ShardOrder {
    /// Its holdings.
    pub holdings: Range<usize>,
    /// The places of those that some row is of.
    pub places: Range<usize>,
}

impl HoldingOrder {
    /// The order of the holdings that these rows are of.
    pub fn of(part: &Part, rows: &[&Rows]) -> Self {
        let mut is_used = vec![false; part.holdings.len()];
        for run in rows.iter().flat_map(|rows| rows.runs()) {
            part.holding[run].iter().for_each(|holding| is_used[*holding as usize] = true);
        }
        let (mut holdings, mut shards): (Vec<u32>, Vec<ShardOrder>) = (Vec::with_capacity(is_used.len()), Vec::new());
        for (first, in_order) in part.holdings.in_order() {
            let (first, first_place) = (first as usize, holdings.len());
            if let Some(before) = shards.last_mut() {
                before.holdings.end = first;
            }
            holdings.extend(in_order.filter(|holding| is_used[*holding as usize]));
            shards.push(ShardOrder { holdings: first..is_used.len(), places: first_place..holdings.len() });
        }
        let is_held = (0..).zip(&is_used).map(|(holding, is_used)| *is_used && *part.holdings.unit(holding) == Unit::Hour);
        Self { holdings, is_held: is_held.collect(), shards }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn hashes_are_sorted_as_the_library_sorts_them() {
        let hash = |number: u64| xxh3_64(&number.to_le_bytes());
        let mut room = Vec::new();
        for count in [100_000, 0, 1, 2, 3, SPREAD_MIN as u64, NEAR as u64, 2 * NEAR as u64 - 1, 2 * NEAR as u64, 100_000] {
            let spread: Vec<u64> = (0..count).map(hash).collect();
            let alike: Vec<u64> = (0..count.min(100_000)).map(|number| hash(number % 7)).collect();
            let crowded: Vec<u64> = (0..count.min(100_000)).map(|number| hash(number) >> 40).collect();
            let ends: Vec<u64> = (0..count.min(100_000)).map(|number| [0, u64::MAX, 1 << 63][number as usize % 3]).collect();
            for hashes in [spread, alike, crowded, ends] {
                let mut expected: Vec<(u64, u32)> = hashes.iter().copied().zip(0..).collect();
                expected.sort_unstable();
                assert!(sorted_places(&hashes) == expected, "{count}");
                let expected: Vec<u64> = expected.iter().map(|(hash, _)| *hash).collect();
                sorted_hashes(&hashes, &mut room);
                assert!(room == expected, "{count}");
            }
        }
    }

    #[test]
    fn what_is_sought_is_found_where_it_is() {
        for count in [0, 1, 2, 3, 1_000, 40_000_u64] {
            let mut sorted: Vec<u64> = (0..count).map(|number| xxh3_64(&number.to_le_bytes())).collect();
            sorted.extend([0, u64::MAX, u64::MAX, 1 << 63].iter().take(count as usize));
            sorted.sort_unstable();
            let sought = Sought::new(&sorted);
            let others = [1, u64::MAX - 1, 1 << 63 | 1, 77];
            for hash in sorted.iter().flat_map(|hash| [*hash, hash.wrapping_add(1), hash.wrapping_sub(1)]).chain(others) {
                let first = sorted.partition_point(|other| *other < hash);
                assert_eq!(sought.place(hash), (sorted.get(first) == Some(&hash)).then_some(first), "{count} {hash}");
            }
        }
    }
}

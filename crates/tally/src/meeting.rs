//! Hashes that several lists have: told apart at a glance by a table of their first bits, and compared only where that shows
//! one.
//!
//! To walk through two lists side by side takes a comparison for each hash of both, and its result is as good as random. Here
//! one list is put into the table once, a slice of the hashes at a time so that the table stays near the processor, and of any
//! number of others each hash is one look at a bit.

use std::ops::RangeInclusive;

/// Hashes of a slice, about.
const SLICE_HASHES: usize = 128 * 1024;
/// At least so many bits of the table for a hash: of those that are not there, few find theirs set.
const BITS_A_HASH: usize = 32;

/// Hashes that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The least that it may have.
    pub first: u64,
    /// In so many bits they differ.
    bits: u32,
}

impl Slice {
    /// All hashes in one.
    pub const WHOLE: Self = Self { first: 0, bits: u64::BITS };

    /// All hashes, in slices that so many are spread over.
    pub fn all(hashes: usize) -> impl Iterator<Item = Self> {
        let begin = hashes.div_ceil(SLICE_HASHES).next_power_of_two().ilog2();
        let bits = u64::BITS - begin;
        (0..1_u64 << begin).map(move |place| Self { first: place.checked_shl(bits).unwrap_or(0), bits })
    }

    /// The greatest that it may have.
    pub fn last(self) -> u64 {
        self.first | self.differing()
    }

    fn differing(self) -> u64 {
        u64::MAX >> (u64::BITS - self.bits)
    }

    /// Those of a sorted list.
    pub fn of(self, sorted: &[u64]) -> &[u64] {
        between(sorted, &(self.first..=self.last()))
    }
}

/// Those of a sorted list that lie in a range.
pub(crate) fn between<'a>(sorted: &'a [u64], within: &RangeInclusive<u64>) -> &'a [u64] {
    let rest = &sorted[sorted.partition_point(|hash| hash < within.start())..];
    &rest[..rest.partition_point(|hash| hash <= within.end())]
}

/// Which hashes of a slice may be there: of those that are not, most are told apart at one look at a bit.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    /// By the first bits in which hashes of the slice differ, whether one that is there begins with them.
    is_there: Vec<u64>,
    differing: u64,
    shift: u32,
}

impl Glance {
    /// Shows these hashes of a slice instead of those before, by at least so many bits.
    pub fn fill<'h>(&mut self, slice: Slice, bits_min: usize, hashes: impl Iterator<Item = &'h u64>) {
        let places = bits_min.max(64).next_power_of_two();
        self.differing = slice.differing();
        self.shift = slice.bits.saturating_sub(places.ilog2());
        self.is_there.clear();
        self.is_there.resize(places / 64, 0);
        for hash in hashes {
            let (word, bit) = self.place(*hash);
            self.is_there[word] |= bit;
        }
    }

    /// Whether a hash of the slice may be there.
    #[inline]
    pub fn shows(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.is_there[word] & bit != 0
    }

    /// The word and the bit in it.
    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        let place = (hash & self.differing) >> self.shift;
        ((place / 64) as usize, 1 << (place % 64))
    }
}

/// Sorted hashes of a slice that others are held against, in one list or more; its room is used again for the next.
#[derive(Debug)]
pub(crate) struct Sieve<'a> {
    glance: Glance,
    lists: Vec<&'a [u64]>,
}

impl<'a> Sieve<'a> {
    pub fn new() -> Self {
        Self { glance: Glance::default(), lists: Vec::new() }
    }

    /// Takes the hashes of a slice instead of those before; hands back whether there are any.
    pub fn fill(&mut self, slice: Slice, lists: &[&'a [u64]]) -> bool {
        self.lists.clear();
        self.lists.extend(lists.iter().map(|list| slice.of(list)));
        let hashes = self.lists.iter().map(|list| list.len()).sum::<usize>();
        self.glance.fill(slice, hashes * BITS_A_HASH, self.lists.iter().copied().flatten());
        hashes > 0
    }

    /// To hold hashes against these, in order.
    pub fn pass(&self) -> Pass<'_> {
        Pass { sieve: self, rests: self.lists.clone() }
    }
}

/// Sorted hashes that pass.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    sieve: &'a Sieve<'a>,
    /// Of each list what is not before the latest that was looked for.
    rests: Vec<&'a [u64]>,
}

impl Pass<'_> {
    /// Hands over those that are there; they are sorted, and come after those before.
    #[inline]
    pub fn each(&mut self, hashes: impl Iterator<Item = u64>, mut take: impl FnMut(u64)) {
        for hash in hashes {
            if self.sieve.glance.shows(hash) && self.is_there(hash) {
                take(hash);
            }
        }
    }

    fn is_there(&mut self, hash: u64) -> bool {
        let mut is_there = false;
        for rest in &mut self.rests {
            *rest = &rest[before(rest, hash)..];
            is_there |= rest.first() == Some(&hash);
        }
        is_there
    }
}

/// How many of a sorted list stand before a hash, which is looked for from the first on.
pub fn before(sorted: &[u64], hash: u64) -> usize {
    let (mut start, mut reach) = (0, 8);
    while sorted.get(start + reach).is_some_and(|far| *far < hash) {
        start += reach;
        reach *= 2;
    }
    let end = sorted.len().min(start + reach + 1);
    start + sorted[start..end].partition_point(|other| *other < hash)
}

/// Hands over the hashes of one sorted list that the other has too.
pub fn each_common(one: &[u64], other: &[u64], mut take: impl FnMut(u64)) {
    let mut sieve = Sieve::new();
    for slice in Slice::all(other.len()) {
        if sieve.fill(slice, &[other]) {
            sieve.pass().each(slice.of(one).iter().copied(), &mut take);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    fn hash(number: u64) -> u64 {
        xxh3_64(&number.to_le_bytes())
    }

    fn sorted(hashes: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut hashes: Vec<u64> = hashes.collect();
        hashes.sort_unstable();
        hashes
    }

    #[test]
    fn slices_are_all_hashes_in_order() {
        for hashes in [0, 1, SLICE_HASHES, SLICE_HASHES + 1, 5 * SLICE_HASHES, 300 * SLICE_HASHES] {
            let mut next = Some(0);
            for slice in Slice::all(hashes) {
                assert_eq!(Some(slice.first), next, "{hashes}");
                assert!(slice.of(&[slice.first, slice.last()]).len() == 2);
                next = slice.last().checked_add(1);
            }
            assert_eq!(next, None, "{hashes}");
        }
    }

    #[test]
    fn what_two_lists_have_is_found() {
        // one | other | of one what the other has
        type Case<'a> = (&'a [u64], &'a [u64], &'a [u64]);
        let cases: [Case<'_>; 8] = [
            (&[], &[], &[]),
            (&[], &[1], &[]),
            (&[1], &[], &[]),
            (&[1, 3, 5], &[2, 4, 6], &[]),
            (&[1, 3, 5], &[0, 3, 5, 7], &[3, 5]),
            (&[3], &[3, 3], &[3]),
            (&[3, 3, 4], &[3, 4], &[3, 3, 4]),
            (&[0, u64::MAX], &[0, u64::MAX], &[0, u64::MAX]),
        ];
        for (one, other, expected) in cases {
            let mut common = Vec::new();
            each_common(one, other, |hash| common.push(hash));
            assert_eq!(common, expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn many_are_found_as_the_library_finds_them() {
        let hashes = SLICE_HASHES as u64;
        let spread = |first: u64| sorted((first..first + hashes + 7).map(hash));
        let crowded = |first: u64| sorted((first..first + hashes / 4).map(|number| hash(number) >> 40));
        let lists = [spread(0), spread(hashes), crowded(0), crowded(hashes / 8), spread(5)[..9].to_vec()];
        for (one, other) in lists.iter().flat_map(|one| lists.iter().map(move |other| (one, other))) {
            let expected: Vec<u64> = one.iter().copied().filter(|hash| other.binary_search(hash).is_ok()).collect();
            let mut common = Vec::new();
            each_common(one, other, |hash| common.push(hash));
            assert!(common == expected, "{} {}", one.len(), other.len());
        }
    }

    #[test]
    fn what_stands_before_is_counted_from_wherever_it_is_looked_for() {
        let list: Vec<u64> = (0..500).map(|number| number * 2).collect();
        for hash in 0..1_002 {
            for start in [0, 1, 7, 8, 9, 250, 499, 500] {
                let expected = list[start..].iter().filter(|other| **other < hash).count();
                assert_eq!(before(&list[start..], hash), expected, "{hash} from {start} on");
            }
        }
    }
}

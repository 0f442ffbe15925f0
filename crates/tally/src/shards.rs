//! The holdings of a part in shards, by the first bits of the hash that orders them: rows are of holdings in no order, and a
//! table of all of them is larger than what lies near the processor. So rows are put to the shard of what they want first,
//! and each shard is looked through, and summed, while it is near.

use crate::codes::{Key, mixed};
use crate::order::sorted_places;
use hashbrown::HashTable;
use reckoner_core::table::Texts;

/// Bits that tell the shard. Of half a million holdings, a shard has about a megabyte. A development build has few holdings.
const BITS: u32 = if cfg!(debug_assertions) { 2 } else { 5 };
/// How many there are.
pub(crate) const SHARDS: usize = 1 << BITS;

/// What a holding is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    resource: Key,
    /// Account and sku.
    key: [u32; 2],
}

impl Known {
    /// Rows of one account and sku are as rare as those of one resource: the three together tell.
    #[inline]
    fn hash(&self) -> u64 {
        mixed(self.resource.hash(), u64::from(self.key[0]) << 32 | u64::from(self.key[1]))
    }
}

/// Some of the holdings, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    table: HashTable<u32>,
    known: Vec<Known>,
    /// The resources that a key does not say; of the others the empty text.
    long: Texts,
    /// The hashes of those holdings whose place in the order is known, in that order, and which they are.
    in_order: Vec<(u64, u32)>,
    wanted: Wanted,
}

/// What rows want of a shard, one after the other, and what they get.
#[derive(Debug, Default)]
struct Wanted {
    known: Vec<Known>,
    /// The resources that a key does not say.
    long: Texts,
    found: Vec<u32>,
}

/// The shard of the holding with this hash.
#[inline]
pub(crate) fn shard_of(identity: u64) -> u8 {
    (identity >> (u64::BITS - BITS)) as u8
}

impl Shard {
    /// Notes that the next row of this shard wants the holding of the resource, account and sku.
    #[inline]
    pub fn want(&mut self, resource_id: &str, key: [u32; 2]) {
        let known = Known { resource: Key::of(resource_id), key };
        self.wanted.known.push(known);
        if !known.resource.is_whole() {
            self.wanted.long.push(resource_id);
        }
    }

    /// Looks up what rows want; new holdings are made.
    pub fn find_wanted(&mut self) {
        let mut wanted = std::mem::take(&mut self.wanted);
        let Wanted { known, long, found } = &mut wanted;
        let mut long = long.iter();
        found.extend(known.iter().map(|known| {
            let long = if known.resource.is_whole() { "" } else { long.next().expect("each long one is there") };
            self.holding(*known, long)
        }));
        drop(long);
        self.wanted = wanted;
    }

    /// What rows wanted, in their order.
    pub fn found(&self) -> &[u32] {
        &self.wanted.found
    }

    /// Makes room for what so many rows want.
    pub fn reserve(&mut self, rows: usize) {
        let Wanted { known, found, .. } = &mut self.wanted;
        known.reserve(rows);
        found.reserve(rows);
    }

    /// No row wants anything any more.
    pub fn forget_wanted(&mut self) {
        let Wanted { known, long, found } = &mut self.wanted;
        known.clear();
        long.clear();
        found.clear();
    }

    #[inline]
    fn holding(&mut self, wanted: Known, long: &str) -> u32 {
        let hash = wanted.hash();
        let Self { table, known, long: all_long, .. } = self;
        let is_same = |holding: &u32| {
            known[*holding as usize] == wanted && (wanted.resource.is_whole() || all_long.get(*holding as usize) == long)
        };
        if let Some(holding) = table.find(hash, is_same) {
            return *holding;
        }
        let holding = u32::try_from(known.len()).expect("a part has fewer rows");
        known.push(wanted);
        all_long.push(long);
        table.insert_unique(hash, holding, |holding| known[*holding as usize].hash());
        holding
    }

    /// Puts the holdings that came last to their places; `hash_of` says a resource's, of the account and sku.
    pub fn order_new(&mut self, hash_of: impl Fn(&str, [u32; 2]) -> u64) {
        let first_new = self.in_order.len();
        if first_new < self.len() {
            let mut hashes = Vec::with_capacity(self.len() - first_new);
            self.each_from(first_new, |resource_id, key| hashes.push(hash_of(resource_id, key)));
            let new = sorted_places(&hashes).into_iter();
            self.in_order.extend(new.map(|(hash, place)| (hash, first_new as u32 + place)));
            // Two runs in order: what the library does with them is to merge them.
            self.in_order.sort();
        }
    }

    /// The holdings in the order of a file of partials.
    pub fn in_order(&self) -> impl Iterator<Item = u32> {
        self.in_order.iter().map(|(_, holding)| *holding)
    }

    /// Hands over the resource, account and sku of each holding from this one on.
    pub fn each_from(&self, first: usize, mut take: impl FnMut(&str, [u32; 2])) {
        let mut bytes = [0; 24];
        for (holding, Known { resource, key }) in self.known.iter().enumerate().skip(first) {
            let resource_id = if resource.is_whole() { resource.text(&mut bytes) } else { self.long.get(holding) };
            take(resource_id, *key);
        }
    }

    /// How many holdings it has.
    pub fn len(&self) -> usize {
        self.known.len()
    }
}

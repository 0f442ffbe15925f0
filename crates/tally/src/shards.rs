//! The holdings of a part in shards, by the first bits of the hash that orders them: rows are of holdings in no order, and a
//! table of all of them is larger than what lies near the processor. So rows are put to the shard of what they want first,
//! and each shard is looked through, and summed, while it is near.

use crate::bundles::Bundled;
use crate::codes::{Key, TOGETHER, mixed};
use crate::order::sorted_places;
use crate::part::NONE;
use hashbrown::HashTable;
use reckoner_core::table::Texts;

/// Bits that tell the shard. Of half a million holdings, looking into a shard touches less than half a megabyte. A
/// development build has few holdings.
const BITS: u32 = if cfg!(debug_assertions) { 2 } else { 6 };
/// How many there are.
pub(crate) const SHARDS: usize = 1 << BITS;

/// What a holding is known by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// Where its holdings begin among those of all shards.
    pub first: u32,
    /// By hash, of which some bits stand beside.
    table: HashTable<(u32, u32)>,
    known: Vec<Known>,
    resources: Texts,
    /// The hashes of those holdings whose place in the order is known, in that order, and which they are.
    in_order: Vec<(u64, u32)>,
    wanted: Wanted,
}

/// What rows want of a shard, one after the other, and what they get.
#[derive(Debug, Default)]
struct Wanted {
    known: Bundled<Known>,
    /// The resources that a key does not say.
    long: Texts,
    found: Vec<u32>,
}

/// Bits of a hash that stand beside a holding: others than those that tell its place in a table.
#[inline]
fn bits_of(hash: u64) -> u32 {
    (hash >> 24) as u32
}

/// The shard of the holding with this hash.
#[inline]
pub(crate) fn shard_of(identity: u64) -> u8 {
    (identity >> (u64::BITS - BITS)) as u8
}

/// All shards.
#[derive(Debug)]
pub(crate) struct Shards(pub [Shard; SHARDS]);

impl Default for Shards {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Shard::default()))
    }
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
        let mut likely = [NONE; TOGETHER];
        for known in known.all().chunks(TOGETHER) {
            likely.iter_mut().zip(known).for_each(|(likely, known)| *likely = self.likely(known.hash()));
            found.extend(known.iter().zip(&likely).map(|(known, likely)| {
                let long = if known.resource.is_whole() { "" } else { long.next().expect("each long one is there") };
                if self.is_same(*likely, known, long) { *likely } else { self.holding(*known, long) }
            }));
        }
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

    /// The holding with this hash, if it is one that is wanted; no holding is looked at.
    #[inline]
    fn likely(&self, hash: u64) -> u32 {
        self.table.find(hash, |(bits, _)| *bits == bits_of(hash)).map_or(NONE, |(_, holding)| *holding)
    }

    #[inline]
    fn is_same(&self, holding: u32, wanted: &Known, long: &str) -> bool {
        let known = self.known.get(holding as usize);
        known == Some(wanted) && (wanted.resource.is_whole() || self.resources.get(holding as usize) == long)
    }

    #[inline(never)]
    fn holding(&mut self, wanted: Known, long: &str) -> u32 {
        let hash = wanted.hash();
        let is_same = |(bits, holding): &(u32, u32)| *bits == bits_of(hash) && self.is_same(*holding, &wanted, long);
        if let Some((_, holding)) = self.table.find(hash, is_same) {
            return *holding;
        }
        let (Self { table, known, resources, .. }, mut bytes) = (self, [0; 24]);
        let holding = u32::try_from(known.len()).expect("a part has fewer rows");
        known.push(wanted);
        resources.push(if wanted.resource.is_whole() { wanted.resource.text(&mut bytes) } else { long });
        table.insert_unique(hash, (bits_of(hash), holding), |(_, holding)| known[*holding as usize].hash());
        holding
    }

    /// Puts the holdings that came last to their places; `hash_of` says a resource's, of the account and sku.
    pub fn order_new(&mut self, hash_of: impl Fn(&str, [u32; 2]) -> u64) {
        let first_new = self.in_order.len();
        if first_new < self.len() {
            let hashes = (first_new..self.len()).map(|holding| hash_of(self.resources.get(holding), self.known[holding].key));
            let hashes: Vec<u64> = hashes.collect();
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

    /// Account and sku of each holding.
    pub fn keys(&self) -> impl Iterator<Item = [u32; 2]> {
        self.known.iter().map(|known| known.key)
    }

    /// The resource of each holding.
    pub fn resources(&self) -> &Texts {
        &self.resources
    }

    /// How many holdings it has.
    pub fn len(&self) -> usize {
        self.known.len()
    }
}

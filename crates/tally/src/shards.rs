//! What the holdings of a part are known by, in shards: rows want holdings in no order, and a table of all of them is larger
//! than what lies near the processor. Rows are put to the shard of what they want first, and each shard is looked through
//! while it is near.

use crate::codes::{Key, mixed};
use hashbrown::HashTable;
use reckoner_core::table::Texts;

/// With half a million holdings, about a megabyte each. A development build has few holdings.
const SHARDS: usize = if cfg!(debug_assertions) { 4 } else { 32 };

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

/// All shards.
#[derive(Debug)]
pub(crate) struct Shards {
    shards: Vec<Shard>,
    /// By row that wants a holding the shard of that.
    shard_of: Vec<u8>,
}

impl Default for Shards {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), shard_of: Vec::new() }
    }
}

/// Some of the holdings.
#[derive(Debug, Default)]
struct Shard {
    /// Places in the columns that follow.
    table: HashTable<u32>,
    known: Vec<Known>,
    holdings: Vec<u32>,
    /// The resources that a key does not say; of the others the empty text.
    long: Texts,
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

impl Shards {
    /// Notes that the next row wants the holding of this resource, account and sku.
    #[inline]
    pub fn want(&mut self, resource_id: &str, key: [u32; 2]) {
        let known = Known { resource: Key::of(resource_id), key };
        // Neither the bits by which a table places it, nor those by which it tells its neighbours apart.
        let shard = (known.hash() >> 40) as usize % SHARDS;
        self.shard_of.push(shard as u8);
        let wanted = &mut self.shards[shard].wanted;
        wanted.known.push(known);
        if !known.resource.is_whole() {
            wanted.long.push(resource_id);
        }
    }

    /// Appends the holdings that rows wanted, in their order; of a new one, by its resource, account and sku, `made` says
    /// which it is.
    pub fn find_wanted(&mut self, to: &mut Vec<u32>, mut made: impl FnMut(&str, [u32; 2]) -> u32) {
        for shard in &mut self.shards {
            shard.find_wanted(&mut made);
        }
        let mut found: Vec<_> = self.shards.iter().map(|shard| shard.wanted.found.iter()).collect();
        let next = |shard: &u8| *found[usize::from(*shard)].next().expect("each finds what it wants");
        to.extend(self.shard_of.iter().map(next));
        self.forget_wanted();
    }

    /// No row wants anything any more.
    pub fn forget_wanted(&mut self) {
        self.shard_of.clear();
        for Shard { wanted: Wanted { known, long, found }, .. } in &mut self.shards {
            known.clear();
            long.text.clear();
            long.ends.clear();
            found.clear();
        }
    }
}

impl Shard {
    fn find_wanted(&mut self, made: &mut impl FnMut(&str, [u32; 2]) -> u32) {
        let mut wanted = std::mem::take(&mut self.wanted);
        let Wanted { known, long, found } = &mut wanted;
        let mut long = long.iter();
        found.extend(known.iter().map(|known| {
            let long = if known.resource.is_whole() { "" } else { long.next().expect("each long one is there") };
            self.holding(*known, long, made)
        }));
        drop(long);
        self.wanted = wanted;
    }

    #[inline]
    fn holding(&mut self, known: Known, long: &str, made: &mut impl FnMut(&str, [u32; 2]) -> u32) -> u32 {
        let hash = known.hash();
        let Self { table, known: all, holdings, long: all_long, .. } = self;
        let is_same = |place: &u32| {
            all[*place as usize] == known && (known.resource.is_whole() || all_long.get(*place as usize) == long)
        };
        if let Some(place) = table.find(hash, is_same) {
            return holdings[*place as usize];
        }
        let mut bytes = [0; 24];
        let resource_id = if known.resource.is_whole() { known.resource.text(&mut bytes) } else { long };
        let holding = made(resource_id, known.key);
        all.push(known);
        all_long.push(long);
        holdings.push(holding);
        table.insert_unique(hash, holdings.len() as u32 - 1, |place| all[*place as usize].hash());
        holding
    }
}

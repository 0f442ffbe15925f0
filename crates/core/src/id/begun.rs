//! Ids of which many begin and many end with the same facts: what they begin with is hashed once.
//!
//! SHA-256 goes through its input in blocks, and what it knows after a block is all that the next one needs. So the blocks
//! that a beginning fills are hashed when it is laid out, and an id costs those after them. Blocks of many ids are hashed in
//! turn, those of one id after those of all others: none waits for the one before it, so that the processor works at two.

use super::{Bits, Facts};
use sha2::block_api::compress256;

type State = [u32; 8];
type Block = [u8; 64];

/// What SHA-256 begins with (FIPS 180-4, 5.3.3).
const START: State = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
/// Facts are shorter than 256 bytes, so that each begins with so many bytes that are 0: its length has 8.
const ZEROS: [u8; 7] = [0; 7];
/// Ids whose blocks are hashed in turn: their blocks stay near the processor.
const TOGETHER: usize = 64;

/// Beginnings of facts, numbered from 0.
#[derive(Debug, Default)]
pub struct Beginnings {
    begun: Vec<Begun>,
    /// What fills no block, of all beginnings.
    rests: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    state: State,
    /// How many bytes the beginning has.
    len: u32,
    /// Where its rest starts.
    rest: usize,
}

/// Facts that ids end with.
#[derive(Debug, Clone)]
pub struct End {
    /// Without the zeros that beginnings have, and with the bit that ends a hash's input.
    bytes: Vec<u8>,
}

impl End {
    /// An end.
    ///
    /// # Panics
    /// Where the first fact is missing, or has 256 bytes or more.
    pub fn new(facts: &Facts) -> Self {
        let rest = facts.bytes.strip_prefix(&ZEROS).expect("the first fact of an end has less than 256 bytes");
        Self { bytes: [rest, &[0x80]].concat() }
    }
}

impl Beginnings {
    /// Adds a beginning.
    ///
    /// # Panics
    /// Where it has 4 GiB.
    pub fn push(&mut self, facts: &Facts) {
        let rest = self.rests.len();
        self.rests.extend_from_slice(&facts.bytes);
        self.rests.extend_from_slice(&ZEROS);
        let (mut state, begun) = (START, &self.rests[rest..]);
        let len = u32::try_from(begun.len()).expect("facts are far shorter than 4 GiB");
        let blocks: &[Block] = begun.as_chunks().0;
        compress256(&mut state, blocks);
        let hashed = blocks.as_flattened().len();
        self.rests.drain(rest..rest + hashed);
        self.begun.push(Begun { state, len, rest });
    }

    /// Adds other beginnings: theirs have the numbers after these.
    pub fn append(&mut self, others: &Self) {
        let first = self.rests.len();
        self.rests.extend_from_slice(&others.rests);
        self.begun.extend(others.begun.iter().map(|begun| Begun { rest: first + begun.rest, ..*begun }));
    }

    /// What the ids show that begin and end so, in this order.
    pub fn bits<'e>(&self, ids: impl IntoIterator<Item = (usize, &'e End)>) -> Vec<Bits> {
        let mut ids = ids.into_iter();
        let (mut bits, mut hashing) = (Vec::with_capacity(ids.size_hint().0), Hashing::default());
        loop {
            ids.by_ref().take(TOGETHER).for_each(|(beginning, end)| hashing.push(self, beginning, end));
            if hashing.ids.is_empty() {
                return bits;
            }
            hashing.finish(&mut bits);
        }
    }

    fn rest(&self, beginning: usize) -> &[u8] {
        let end = self.begun.get(beginning + 1).map_or(self.rests.len(), |next| next.rest);
        &self.rests[self.begun[beginning].rest..end]
    }
}

/// Ids under way.
#[derive(Default)]
struct Hashing {
    /// The state of each, and where its blocks start.
    ids: Vec<(State, usize)>,
    blocks: Vec<Block>,
}

impl Hashing {
    fn push(&mut self, beginnings: &Beginnings, beginning: usize, end: &End) {
        let (begun, rest) = (beginnings.begun[beginning], beginnings.rest(beginning));
        let first = self.blocks.len();
        let filled = rest.len() + end.bytes.len();
        let blocks = (filled + size_of::<u64>()).div_ceil(size_of::<Block>());
        self.blocks.resize(first + blocks, [0; size_of::<Block>()]);
        let bytes = self.blocks[first..].as_flattened_mut();
        bytes[..rest.len()].copy_from_slice(rest);
        bytes[rest.len()..filled].copy_from_slice(&end.bytes);
        let bits = 8 * (u64::from(begun.len) + end.bytes.len() as u64 - 1);
        *bytes.last_chunk_mut().expect("there is a block") = bits.to_be_bytes();
        self.ids.push((begun.state, first));
    }

    fn finish(&mut self, bits: &mut Vec<Bits>) {
        let mut is_left = true;
        for turn in 0.. {
            if !std::mem::take(&mut is_left) {
                break;
            }
            for place in 0..self.ids.len() {
                let end = self.ids.get(place + 1).map_or(self.blocks.len(), |(_, next)| *next);
                let (state, first) = &mut self.ids[place];
                if let Some(block) = self.blocks[*first..end].get(turn..=turn) {
                    compress256(state, block);
                    is_left = true;
                }
            }
        }
        bits.extend(self.ids.iter().map(|(state, _)| {
            let mut shown = Bits::default();
            shown.as_chunks_mut().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
            shown
        }));
        self.ids.clear();
        self.blocks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{derive, hex};
    use super::*;

    /// Facts of many lengths, so that beginnings and ends meet the borders of blocks in every way.
    #[test]
    fn facts_that_are_begun_before_give_the_same_id() {
        let text = "0123456789abcdef".repeat(20);
        let lengths = || [0, 1, 7, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 55, 64, 99, 128, 300].into_iter();
        let mut halves = [Beginnings::default(), Beginnings::default()];
        for (place, length) in lengths().enumerate() {
            halves[usize::from(place > 8)].push(&Facts::of(&["ch", &text[..length]]));
        }
        let [mut beginnings, others] = halves;
        beginnings.append(&others);
        let ends: Vec<End> = (0..130).map(|length| End::new(&Facts::of(&["at", &text[..length], "0"]))).collect();
        let named = || (0..lengths().len()).flat_map(|beginning| ends.iter().map(move |end| (beginning, end)));
        let found = beginnings.bits(named());
        let expected = lengths().flat_map(|length| (0..130).map(move |of_end| (length, of_end)));
        assert_eq!(found.len(), lengths().len() * ends.len());
        for (bits, (length, of_end)) in found.iter().zip(expected) {
            let parts = [&text[..length], "at", &text[..of_end], "0"];
            assert_eq!(format!("ch_{}", hex(bits)), derive("ch", &parts), "{length} {of_end}");
        }
        assert!(beginnings.bits(std::iter::empty()).is_empty());
    }

    #[test]
    #[should_panic(expected = "less than 256 bytes")]
    fn an_end_that_begins_with_a_long_fact_is_refused() {
        End::new(&Facts::of(&[&"x".repeat(256)]));
    }
}

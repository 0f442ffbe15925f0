//! Codes for texts that repeat: each distinct text once, in the order in which they came.

use crate::part::NONE;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use reckoner_core::table::Texts;
use xxhash_rust::xxh3::xxh3_128;

/// Texts of so many bytes are compared where they are looked up; longer ones, once their hashes agree, where they are kept.
const SHORT_BYTES: usize = 23;

/// A text as far as it fits 24 bytes: the bytes and the length of a short one, the hash of a long one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Key([u64; 3]);

impl Key {
    /// Inlined, so that its words stay in registers: what is put together in memory cannot be read as a whole before all that
    /// was written earlier has arrived there.
    #[inline(always)]
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        if bytes.len() <= SHORT_BYTES {
            let length = (bytes.len() as u64) << 56;
            return Self([word(bytes, 0), word(bytes, 8), word(bytes, 16) | length]);
        }
        let [low, high] = hash_of_long(bytes);
        Self([low, high, u64::from(u8::MAX) << 56])
    }

    /// Whether it says all of the text.
    #[inline]
    pub fn is_whole(self) -> bool {
        self.0[2] >> 56 != u64::from(u8::MAX)
    }

    /// The text of a whole one, whose bytes go here.
    pub fn text(self, bytes: &mut [u8; 24]) -> &str {
        self.0.iter().zip(bytes.as_chunks_mut().0).for_each(|(word, place)| *place = word.to_le_bytes());
        std::str::from_utf8(&bytes[..usize::from(bytes[SHORT_BYTES])]).expect("a key is made of a text")
    }

    /// For tables in memory; no file holds it.
    #[inline]
    pub fn hash(self) -> u64 {
        let [first, second, third] = self.0;
        mixed(mixed(first, second), third)
    }
}

#[inline(never)]
fn hash_of_long(bytes: &[u8]) -> [u64; 2] {
    let hash = xxh3_128(bytes);
    [hash as u64, (hash >> 64) as u64]
}

/// Two words as one, each bit of which depends on all of theirs: both halves of a product. A factor that is 0 would lose the
/// other: no text in UTF-8 makes one, it would have a byte of 255.
#[inline]
pub(crate) fn mixed(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0xf5c9_1d0b_e6a3_97ff) * u128::from(other ^ 0xff58_c2f1_a4d3_b5e9);
    product as u64 ^ (product >> 64) as u64
}

/// The 8 bytes from this place on, as far as they are there; read 8 at a time wherever the text is that long.
#[inline]
fn word(bytes: &[u8], place: usize) -> u64 {
    if let Some(word) = bytes.get(place..).and_then(|rest| rest.first_chunk()) {
        return u64::from_le_bytes(*word);
    }
    let there = bytes.len().saturating_sub(place);
    match bytes.last_chunk() {
        _ if there == 0 => 0,
        Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * there),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// What is looked up together. In short loops, the memory of one step is on its way while the steps before wait for theirs.
pub(crate) const TOGETHER: usize = 64;

/// Distinct texts and their codes.
#[derive(Debug, Default)]
pub struct Codes {
    texts: Texts,
    table: HashTable<(Key, u32)>,
}

impl Codes {
    /// The code of a text; a new one gets the next.
    ///
    /// # Panics
    /// Beyond 4 GiB of distinct text.
    pub fn code(&mut self, text: &str) -> u32 {
        let Self { texts, table } = self;
        let wanted = Key::of(text);
        let is_same = |(key, code): &(Key, u32)| *key == wanted && (key.is_whole() || texts.get(*code as usize) == text);
        match table.entry(wanted.hash(), is_same, |(key, _)| key.hash()) {
            Entry::Occupied(known) => known.get().1,
            Entry::Vacant(place) => {
                let code = u32::try_from(texts.len()).expect("texts of 4 GiB have fewer codes");
                place.insert((wanted, code));
                texts.push(text);
                code
            }
        }
    }

    /// The codes of these texts, as [`Self::code`] says them.
    ///
    /// # Panics
    /// As [`Self::code`].
    pub fn codes(&mut self, texts: &Texts) -> Vec<u32> {
        let mut codes = Vec::with_capacity(texts.len());
        let mut wanted = Vec::with_capacity(TOGETHER);
        for start in (0..texts.len()).step_by(TOGETHER) {
            let end = texts.len().min(start + TOGETHER);
            wanted.clear();
            wanted.extend((start..end).map(|place| {
                let key = Key::of(texts.get(place));
                (key, key.hash())
            }));
            let likely =
                |(wanted, hash): &(Key, u64)| self.table.find(*hash, |(key, _)| key == wanted).map_or(NONE, |known| known.1);
            codes.extend(wanted.iter().map(likely));
            for (place, (key, _)) in (start..).zip(&wanted) {
                if codes[place] == NONE || !key.is_whole() {
                    codes[place] = self.code(texts.get(place));
                }
            }
        }
        codes
    }

    /// The text of a code.
    pub fn get(&self, code: u32) -> &str {
        self.texts.get(code as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All texts, in the order of their codes.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// For every code its place among the texts in order.
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, code) in (0..).zip(order) {
            ranks[code as usize] = rank;
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_code_and_a_code_one_text() {
        let mut codes = Codes::default();
        // Short and long ones, those of 23 and 24 bytes among them, and some that only the last byte tells apart.
        let name = |number: usize| format!("{}-{number}", "r".repeat(number % 40));
        let texts: Vec<String> = (0..2_000).map(|number| name(number * 7_919 % 1_000)).collect();
        let coded: Vec<u32> = texts.iter().map(|text| codes.code(text)).collect();
        let (mut together, mut at_once) = (Texts::default(), Codes::default());
        texts.iter().for_each(|text| together.push(text));
        assert_eq!(at_once.codes(&together), coded);
        assert_eq!(at_once.codes(&together), coded, "all are known");
        assert_eq!(codes.len(), 1_000);
        for (text, code) in texts.iter().zip(coded) {
            assert_eq!(codes.get(code), text);
        }
        let ranks = codes.ranks();
        let mut sorted: Vec<&str> = codes.texts().iter().collect();
        sorted.sort_unstable();
        for (code, rank) in ranks.iter().enumerate() {
            assert_eq!(sorted[*rank as usize], codes.get(code as u32));
        }
    }
}

//! Ids made from facts: the same inputs give the same ids on every machine.
//!
//! The bytes that are hashed are the parts, each preceded by its length, so that `("ab", "c")` and `("a", "bc")` differ.
//! This encoding never changes: ids are keys of what is posted.

mod begun;

pub use begun::{Beginnings, End};

use sha2::{Digest, Sha256};

/// Derives an id such as `ch_6b1f…` (128 bits in hex) from a kind and the facts that name the thing.
pub fn derive(kind: &str, parts: &[&str]) -> String {
    let mut facts = Facts::of(&[kind]);
    parts.iter().for_each(|part| facts.push(part));
    shown(kind, Sha256::digest(&facts.bytes).first_chunk().expect("a hash has 32 bytes"))
}

/// Facts laid out as they are hashed. Those that many ids have in common are laid out once.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    bytes: Vec<u8>,
}

impl Facts {
    /// Lays out facts.
    pub fn of(facts: &[&str]) -> Self {
        let mut laid_out = Self::default();
        facts.iter().for_each(|fact| laid_out.push(fact));
        laid_out
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// One more at the end.
    pub fn push(&mut self, fact: &str) {
        self.bytes.extend_from_slice(&(fact.len() as u64).to_be_bytes());
        self.bytes.extend_from_slice(fact.as_bytes());
    }
}

/// What an id shows as 32 digits of hex.
pub type Bits = [u8; 16];

/// The id of this kind that shows these bits.
pub fn shown(kind: &str, bits: &Bits) -> String {
    let mut text = String::with_capacity(kind.len() + 33);
    text.push_str(kind);
    text.push('_');
    push_hex(&mut text, bits);
    text
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for bytes in bytes.chunks(16) {
        let mut digits = [0; 32];
        for (place, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
            *place = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        text.push_str(std::str::from_utf8(&digits[..bytes.len() * 2]).expect("digits are ASCII"));
    }
}

/// Whether a text may name a thing: 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`.
pub fn is_valid(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"._:/@-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_on_every_machine() {
        // Golden: a changed encoding would post every charge again.
        assert_eq!(derive("ch", &["a", "b"]), derive("ch", &["a", "b"]));
        assert_ne!(derive("ch", &["ab", "c"]), derive("ch", &["a", "bc"]));
        assert_ne!(derive("ch", &["a"]), derive("pay", &["a"]));
        assert_eq!(derive("ch", &["a", "b"]), "ch_7619c182d1d1038c90c107e3ad266b0c");
        assert_eq!(hex(&[0, 1, 0x9f, 0xff]), "00019fff");
        assert_eq!(hex(&[0xa5; 33]), "a5".repeat(33));
    }

    #[test]
    fn ids_from_outside_keep_to_the_alphabet() {
        for (text, expected) in
            [("a", true), ("i-1:x/y@z.w_", true), ("", false), ("a b", false), ("a\n", false), ("=1", false), ("é", false)]
        {
            assert_eq!(is_valid(text), expected, "{text:?}");
        }
        assert!(is_valid(&"a".repeat(128)) && !is_valid(&"a".repeat(129)));
    }
}

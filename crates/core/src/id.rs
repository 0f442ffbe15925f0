//! Ids made from facts: the same inputs give the same ids on every machine.
//!
//! The bytes that are hashed are the parts, each preceded by its length, so that `("ab", "c")` and `("a", "bc")` differ.
//! This encoding never changes: ids are keys of what is posted.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Derives an id such as `ch_6b1f…` (128 bits in hex) from a kind and the facts that name the thing.
pub fn derive(kind: &str, parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in std::iter::once(&kind).chain(parts) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    format!("{kind}_{}", hex(&hasher.finalize()[..16]))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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

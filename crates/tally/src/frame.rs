//! Frames of zstd made by hand, where it is known beforehand what packing saves: nothing, or the half of hex digits.
//!
//! The rules are those of <https://www.rfc-editor.org/rfc/rfc8878>. Digits that come by chance have no better code than one of
//! 4 bits for each, and its codes in the order of the digits are the digits themselves: what a search for repeats, a count and
//! a Huffman coder would make of 32 digits are the 16 bytes that they show, backwards.

use reckoner_core::id::{Bits, hex};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// One segment, as long as 4 bytes say.
const DESCRIPTOR: u8 = 0b1010_0000;
/// What a block holds at most.
const BLOCK_BYTES: usize = 128 * 1024;
const RAW: u32 = 0;
const COMPRESSED: u32 = 2;

/// Digits that an id shows.
pub(crate) const ID_DIGITS: usize = 32;
/// Fewer ids take less as they are than with the code's description.
const IDS_MIN: usize = 16;
/// Where the code's description ends: the weight of the last digit follows from the others.
const LAST_DIGIT: usize = b'f' as usize;
/// The weights of all characters before the last digit, two a byte: 1 for a digit.
const WEIGHTS: [u8; LAST_DIGIT / 2] = {
    let mut weights = [0; LAST_DIGIT / 2];
    let mut character = 0;
    while character < LAST_DIGIT {
        if matches!(character as u8, b'0'..=b'9' | b'a'..=b'f') {
            weights[character / 2] |= if character % 2 == 0 { 0x10 } else { 0x01 };
        }
        character += 1;
    }
    weights
};

/// A frame being made.
pub(crate) struct Frame {
    bytes: Vec<u8>,
    latest_block: usize,
}

impl Frame {
    /// A frame of so many bytes, once unpacked.
    ///
    /// # Panics
    /// For 4 GiB.
    pub fn of(length: usize) -> Self {
        let mut bytes = Vec::with_capacity(length + 64);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(DESCRIPTOR);
        bytes.extend_from_slice(&u32::try_from(length).expect("a page is short").to_le_bytes());
        Self { bytes, latest_block: 0 }
    }

    /// Appends bytes as they are.
    pub fn store(&mut self, content: &[u8]) {
        for content in content.chunks(BLOCK_BYTES) {
            self.begin_block(RAW, content.len());
            self.bytes.extend_from_slice(content);
        }
    }

    /// Appends the digits that ids show.
    pub fn store_hex(&mut self, ids: &[Bits]) {
        for ids in ids.chunks(BLOCK_BYTES / ID_DIGITS) {
            match ids.len() {
                ..IDS_MIN => self.store(hex(ids.as_flattened()).as_bytes()),
                _ => self.hex_block(ids),
            }
        }
    }

    /// A block of nothing but literals, in four streams.
    fn hex_block(&mut self, ids: &[Bits]) {
        const HUFFMAN: u64 = 2;
        const FOUR_STREAMS_OF_18_BITS: u64 = 3 << 2;
        let shown = ids.as_flattened();
        let stream = shown.len() / 4;
        let literals = 1 + WEIGHTS.len() + 6 + 4 * (stream + 1);
        self.begin_block(COMPRESSED, 5 + literals + 1);

        let sizes = HUFFMAN | FOUR_STREAMS_OF_18_BITS | ((ids.len() * ID_DIGITS) as u64) << 4 | (literals as u64) << 22;
        self.bytes.extend_from_slice(&sizes.to_le_bytes()[..5]);
        self.bytes.push(127 + LAST_DIGIT as u8);
        self.bytes.extend_from_slice(&WEIGHTS);
        for _ in 0..3 {
            self.bytes.extend_from_slice(&(stream as u16 + 1).to_le_bytes());
        }
        for shown in shown.chunks(stream) {
            // Streams are read from their end; the last byte has one bit, which says where it is.
            self.bytes.extend(shown.iter().rev());
            self.bytes.push(1);
        }
        // No repeats follow.
        self.bytes.push(0);
    }

    fn begin_block(&mut self, kind: u32, length: usize) {
        self.latest_block = self.bytes.len();
        self.bytes.extend_from_slice(&(kind << 1 | (length as u32) << 3).to_le_bytes()[..3]);
    }

    /// The frame, its last block marked as such.
    pub fn end(mut self) -> Vec<u8> {
        if self.latest_block == 0 {
            self.begin_block(RAW, 0);
        }
        self.bytes[self.latest_block] |= 1;
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of numbers without order, the same in each run.
    fn ids(count: usize) -> Vec<Bits> {
        (1..=count as u128).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()).collect()
    }

    #[test]
    fn digits_are_unpacked_as_ids_show_them() {
        let most = BLOCK_BYTES / ID_DIGITS;
        for count in [0, 1, 2, IDS_MIN - 1, IDS_MIN, IDS_MIN + 1, 17, 18, 19, 1_000, most - 1, most, most + 1, 3 * most + 5] {
            let (ids, before) = (ids(count), b"what comes before");
            let expected = [before, hex(ids.as_flattened()).as_bytes()].concat();
            let mut frame = Frame::of(expected.len());
            frame.store(before);
            frame.store_hex(&ids);
            let frame = frame.end();
            assert_eq!(zstd::bulk::decompress(&frame, expected.len()).expect("a frame"), expected, "{count}");
            assert!(count < 100 || frame.len() < expected.len() * 52 / 100, "{count}");
        }
    }

    #[test]
    fn every_digit_is_its_own_code() {
        let ids: Vec<Bits> = (0..=u8::MAX).map(|byte| [byte; 16]).collect();
        let mut frame = Frame::of(ids.len() * ID_DIGITS);
        frame.store_hex(&ids);
        let digits = zstd::bulk::decompress(&frame.end(), ids.len() * ID_DIGITS).expect("a frame");
        assert_eq!(String::from_utf8(digits).expect("digits"), hex(ids.as_flattened()));
    }

    #[test]
    fn what_is_stored_comes_back() {
        for length in [0, 1, 1_000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 7] {
            let content: Vec<u8> = (0..length).map(|place| (place * place / 7) as u8).collect();
            let mut frame = Frame::of(length);
            frame.store(&content);
            assert_eq!(zstd::bulk::decompress(&frame.end(), length).expect("a frame"), content, "{length}");
        }
    }
}

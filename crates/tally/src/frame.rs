//! Frames of zstd made by hand, where it is known beforehand what packing saves: nothing, the half of hex digits, or the bytes
//! that are 0 in all numbers.
//!
//! The rules are those of <https://www.rfc-editor.org/rfc/rfc8878>. Digits that come by chance have no better code than one of
//! 4 bits for each, and its codes in the order of the digits are the digits themselves: what a search for repeats, a count and
//! a Huffman coder would make of 32 digits are the 16 bytes that they show, backwards. And where the same bytes of all numbers
//! are 0, each number is its other bytes and a repeat of what stands 16 bytes before, which takes no bits once it is said.

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

/// What a number takes.
const NUMBER_BYTES: usize = 16;
/// Fewer numbers are not worth it.
const NUMBERS_MIN: usize = 16;
/// The shortest repeat.
const REPEAT_MIN: usize = 3;

/// A frame being made.
pub(crate) struct Frame {
    bytes: Vec<u8>,
    latest_block: usize,
}

/// Bytes that are 0 in all numbers: so many at the beginning and so many at the end.
#[derive(Debug, Clone, Copy)]
struct Nothing {
    before: usize,
    after: usize,
}

impl Nothing {
    fn of(numbers: &[i128]) -> Self {
        let any = numbers.iter().fold(0, |any, number| any | number);
        let before = (any.leading_zeros() as usize / 8).min(NUMBER_BYTES - 1);
        Self { before, after: (any.trailing_zeros() as usize / 8).min(NUMBER_BYTES - 1 - before) }
    }

    fn bytes(self) -> usize {
        self.before + self.after
    }
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

    /// Appends numbers, the highest byte of each first.
    pub fn store_numbers(&mut self, numbers: &[i128]) {
        let nothing = Nothing::of(numbers);
        let [first, second, others @ .., last] = numbers else { return self.store_plainly(numbers) };
        if nothing.bytes() < REPEAT_MIN || numbers.len() < NUMBERS_MIN {
            return self.store_plainly(numbers);
        }
        let mut in_full = [0; 2 * NUMBER_BYTES];
        in_full[..NUMBER_BYTES].copy_from_slice(&first.to_be_bytes());
        self.store(&in_full[..NUMBER_BYTES + nothing.before]);
        // 16 bytes back, and 3 for the short ways to say it: 4 bits after the first of 19. From then on it is what was said last.
        self.repeats_block(std::slice::from_ref(second), nothing, [4, 0b1_0011]);
        for numbers in others.chunks(BLOCK_BYTES / NUMBER_BYTES) {
            self.repeats_block(numbers, nothing, [0, 0b1]);
        }
        self.store(&last.to_be_bytes()[nothing.before..]);
    }

    fn store_plainly(&mut self, numbers: &[i128]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.store(&bytes);
    }

    /// A block of numbers without the bytes that are 0, each followed by those up to the next: how far they are repeated from
    /// is said by a code, and by bits of which the highest ends them.
    fn repeats_block(&mut self, numbers: &[i128], nothing: Nothing, [far, far_bits]: [u8; 2]) {
        const LITERALS_OF_20_BITS: u32 = 3 << 2;
        const ALL_HAVE_ONE_CODE: u8 = 0b0101_0100;
        let kept = NUMBER_BYTES - nothing.bytes();
        let (count, literals) = (numbers.len(), numbers.len() * kept);
        self.begin_block(COMPRESSED, 3 + literals + 2 + 4 + 1);

        self.bytes.extend_from_slice(&(LITERALS_OF_20_BITS | (literals as u32) << 4).to_le_bytes()[..3]);
        self.bytes.reserve(literals + NUMBER_BYTES);
        for number in numbers {
            let end = self.bytes.len() + kept;
            self.bytes.extend_from_slice(&(number << (8 * nothing.before)).to_be_bytes());
            self.bytes.truncate(end);
        }
        self.bytes.extend_from_slice(&[(count >> 8) as u8 | 0x80, count as u8]);
        let lengths = [kept as u8, (nothing.bytes() - REPEAT_MIN) as u8];
        self.bytes.extend_from_slice(&[ALL_HAVE_ONE_CODE, lengths[0], far, lengths[1], far_bits]);
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
    fn numbers_are_unpacked_as_they_are() {
        let most = BLOCK_BYTES / NUMBER_BYTES;
        let counts = [0, 1, 2, 3, NUMBERS_MIN - 1, NUMBERS_MIN, 17, 130, 131, 1_000, most + 2, most + 3, most + 4, 3 * most];
        for (count, kept_bits, shift) in
            counts.iter().flat_map(|count| (1..=128).step_by(17).flat_map(|kept| [0, 3, 17].map(|shift| (*count, kept, shift))))
        {
            let mask = u128::MAX >> (128 - kept_bits) << shift;
            let numbers: Vec<i128> = ids(count).iter().map(|bits| (u128::from_be_bytes(*bits) & mask) as i128).collect();
            let expected: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
            let before = b"what comes before";
            let mut frame = Frame::of(before.len() + expected.len());
            frame.store(before);
            frame.store_numbers(&numbers);
            let read = zstd::bulk::decompress(&frame.end(), before.len() + expected.len()).expect("a frame");
            assert_eq!(read, [before, expected.as_slice()].concat(), "{count} numbers of {kept_bits} bits from {shift} on");
        }
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

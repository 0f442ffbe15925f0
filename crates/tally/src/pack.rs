//! Numbers and texts as Parquet packs them: bits side by side, runs, differences, common beginnings.
//!
//! The rules are those of <https://parquet.apache.org/docs/file-format/data-pages/encodings/>. Nothing is hashed and nothing
//! is chosen: whoever calls knows what suits the values.

/// Values between two least differences.
const BLOCK: usize = 128;
/// Values that have one width.
const MINI_BLOCK: usize = 32;
/// A block of differences of which all are 0: the least, and the widths.
const SAME_BLOCK: [u8; 1 + BLOCK / MINI_BLOCK] = [0; 1 + BLOCK / MINI_BLOCK];
/// Numbers that are packed together in runs.
const GROUP: usize = 8;

/// Appends numbers of so many bits, the lowest first, filled up to whole bytes.
///
/// No number may have more bits.
fn bits(out: &mut Vec<u8>, width: u32, numbers: impl Iterator<Item = u64>) {
    let (mut held, mut filled) = (0_u64, 0);
    for number in numbers {
        held |= number << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&held.to_le_bytes());
            filled -= 64;
            held = if filled == 0 { 0 } else { number >> (width - filled) };
        }
    }
    out.extend_from_slice(&held.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// How many bits a number has.
pub(crate) fn width_of(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn zigzag(out: &mut Vec<u8>, number: i64) {
    varint(out, (number << 1 ^ number >> 63) as u64);
}

/// Appends numbers of so many bits in runs: of one number where it repeats, of packed ones
/// elsewhere.
pub(crate) fn runs(out: &mut Vec<u8>, width: u32, numbers: &[u32]) {
    let (mut packed, mut at) = (0, 0);
    while let Some(group) = numbers.get(at..at + GROUP) {
        let first = group[0];
        if group.iter().any(|number| *number != first) {
            at += GROUP;
            continue;
        }
        let end = at + numbers[at..].iter().take_while(|number| **number == first).count();
        run_of_packed(out, width, &numbers[packed..at]);
        run_of_one(out, width, first, end - at);
        (packed, at) = (end, end);
    }
    run_of_packed(out, width, &numbers[packed..]);
}

fn run_of_packed(out: &mut Vec<u8>, width: u32, numbers: &[u32]) {
    if numbers.is_empty() {
        return;
    }
    let end = packed_run(out, width, numbers.len());
    bits(out, width, numbers.iter().map(|number| u64::from(*number)));
    out.resize(end, 0);
}

/// Appends a run of one number.
pub(crate) fn run_of_one(out: &mut Vec<u8>, width: u32, number: u32, count: usize) {
    varint(out, (count as u64) << 1);
    out.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Appends a run of bits that are packed already, the lowest of a byte first.
pub(crate) fn run_of_bits(out: &mut Vec<u8>, packed: &[u8], count: usize) {
    let end = packed_run(out, 1, count);
    out.extend_from_slice(&packed[..count.div_ceil(8)]);
    out.resize(end, 0);
}

/// Begins a run of packed numbers, which come in groups; hands back where it ends.
fn packed_run(out: &mut Vec<u8>, width: u32, count: usize) -> usize {
    let groups = count.div_ceil(GROUP);
    varint(out, (groups as u64) << 1 | 1);
    let bytes = groups * width as usize;
    out.reserve(bytes + 8);
    out.len() + bytes
}

/// How far the numbers of a column go: what is more wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Bits32,
    Bits64,
}

/// Appends numbers as differences (`DELTA_BINARY_PACKED`).
pub(crate) fn differences(out: &mut Vec<u8>, reach: Reach, numbers: &[i64]) {
    varint(out, BLOCK as u64);
    varint(out, (BLOCK / MINI_BLOCK) as u64);
    varint(out, numbers.len() as u64);
    let Some((first, others)) = numbers.split_first() else { return zigzag(out, 0) };
    zigzag(out, *first);
    let mut before = *first;
    let mut block = [0; BLOCK];
    for numbers in others.chunks(BLOCK) {
        if numbers.iter().fold(0, |any, number| any | (number ^ before)) == 0 {
            out.extend_from_slice(&SAME_BLOCK);
            continue;
        }
        for (difference, number) in block.iter_mut().zip(numbers) {
            *difference = reach.cut(number.wrapping_sub(before));
            before = *number;
        }
        packed_block(out, reach, &mut block[..numbers.len()]);
    }
}

/// Appends the differences of a block: the least, the widths of the mini blocks, what they are above the least.
fn packed_block(out: &mut Vec<u8>, reach: Reach, differences: &mut [i64]) {
    let least = differences.iter().copied().min().expect("a block has values");
    zigzag(out, least);
    differences.iter_mut().for_each(|difference| *difference = reach.cut(difference.wrapping_sub(least)));
    let widths = out.len();
    out.resize(widths + BLOCK / MINI_BLOCK, 0);
    for (place, values) in differences.chunks(MINI_BLOCK).enumerate() {
        let above = |value: &i64| reach.unsigned(*value);
        let width = width_of(values.iter().map(above).fold(0, |all, value| all | value));
        out[widths + place] = width as u8;
        let end = out.len() + MINI_BLOCK / 8 * width as usize;
        bits(out, width, values.iter().map(above));
        out.resize(end, 0);
    }
}

impl Reach {
    fn cut(self, number: i64) -> i64 {
        match self {
            Self::Bits32 => i64::from(number as i32),
            Self::Bits64 => number,
        }
    }

    fn unsigned(self, number: i64) -> u64 {
        match self {
            Self::Bits32 => u64::from(number as u32),
            Self::Bits64 => number as u64,
        }
    }
}

/// Appends texts, each as the beginning that it shares with the one before and the rest (`DELTA_BYTE_ARRAY`).
pub(crate) fn endings(out: &mut Vec<u8>, texts: &[&[u8]]) {
    let mut before: &[u8] = &[];
    let shared = |text| common(std::mem::replace(&mut before, text), text) as i64;
    let shared: Vec<i64> = texts.iter().copied().map(shared).collect();
    write_endings(out, texts, &shared);
}

/// The same for texts in no order: the beginning is what all of them share.
pub(crate) fn same_beginnings(out: &mut Vec<u8>, texts: &[&[u8]]) {
    let mut shared = vec![beginning(texts) as i64; texts.len()];
    shared.iter_mut().take(1).for_each(|first| *first = 0);
    write_endings(out, texts, &shared);
}

/// How many bytes all texts begin with alike, 8 at a time.
fn beginning(texts: &[&[u8]]) -> usize {
    let Some(first) = texts.first() else { return 0 };
    let word_at =
        |text: &[u8], start| text.get(start..).and_then(|rest| rest.first_chunk()).map(|word| u64::from_le_bytes(*word));
    for start in (0..first.len()).step_by(8) {
        let differing = word_at(first, start).and_then(|wanted| {
            texts.iter().try_fold(0, |differing, text| word_at(text, start).map(|word| differing | (word ^ wanted)))
        });
        match differing {
            Some(0) => {}
            Some(differing) => return start + differing.trailing_zeros() as usize / 8,
            None => return texts.iter().map(|text| common(first, text)).min().unwrap_or_default(),
        }
    }
    first.len()
}

fn write_endings(out: &mut Vec<u8>, texts: &[&[u8]], shared: &[i64]) {
    let lengths: Vec<i64> = texts.iter().zip(shared).map(|(text, shared)| text.len() as i64 - shared).collect();
    differences(out, Reach::Bits32, shared);
    differences(out, Reach::Bits32, &lengths);
    for (text, length) in texts.iter().zip(lengths) {
        push_ending(out, text, length as usize);
    }
}

/// Appends the last bytes of a text; of those that are few, 8 are written and some taken back, which is quicker.
fn push_ending(out: &mut Vec<u8>, text: &[u8], length: usize) {
    match text.last_chunk() {
        Some(last) if (1..=8).contains(&length) => {
            let end = out.len() + length;
            out.extend_from_slice(&(u64::from_le_bytes(*last) >> (8 * (8 - length))).to_le_bytes());
            out.truncate(end);
        }
        _ => out.extend_from_slice(&text[text.len() - length..]),
    }
}

/// How many bytes two texts begin with alike.
fn common(one: &[u8], other: &[u8]) -> usize {
    let ((words, _), (other_words, _)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let alike = words.iter().zip(other_words).take_while(|(word, other)| word == other).count() * 8;
    alike + one[alike..].iter().zip(&other[alike..]).take_while(|(byte, other)| byte == other).count()
}

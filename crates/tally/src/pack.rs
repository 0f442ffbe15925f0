//! Numbers and texts as Parquet packs them: bits side by side, runs, differences, common beginnings.
//!
//! The rules are those of <https://parquet.apache.org/docs/file-format/data-pages/encodings/>. Nothing is hashed and nothing
//! is chosen: whoever calls knows what suits the values.

use bits::{Packed, pack};

pub use differences::least_and_greatest;
pub(crate) use differences::{Reach, differences};
pub(crate) use texts::{Endings, ShortEndings, Span};

mod bits;
mod differences;
mod texts;

/// Numbers that are packed together in runs.
const GROUP: usize = 8;

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
    let (groups, rest) = numbers.as_chunks();
    let mut packed: Packed = [[0; 4]; _];
    for group in groups {
        let words = pack(group, width, &mut packed);
        out.extend_from_slice(packed[..words].as_flattened());
    }
    let mut group = [0; bits::TOGETHER];
    group[..rest.len()].copy_from_slice(rest);
    pack(&group, width, &mut packed);
    out.extend_from_slice(&packed.as_flattened()[..end - out.len()]);
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

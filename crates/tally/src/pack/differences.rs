//! Whole numbers as differences (`DELTA_BINARY_PACKED`), a block at a time.

use super::bits::{TOGETHER, pack, push};
use super::{varint, width_of, zigzag};

/// Values between two least differences.
const BLOCK: usize = 128;
/// Values that have one width.
const MINI_BLOCK: usize = TOGETHER;
const MINI_BLOCKS: usize = BLOCK / MINI_BLOCK;

/// How far the numbers of a column go: what is more wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Bits32,
    Bits64,
}

/// Whole numbers as they stand in memory.
pub trait Whole: Copy {
    /// The same of 64 bits; those above wrap.
    fn wide(self) -> i64;
}

impl Whole for i64 {
    #[inline]
    fn wide(self) -> i64 {
        self
    }
}

impl Whole for u64 {
    #[inline]
    fn wide(self) -> i64 {
        self as i64
    }
}

impl Whole for u32 {
    #[inline]
    fn wide(self) -> i64 {
        self.into()
    }
}

/// Appends numbers as differences.
pub(crate) fn differences<T: Whole>(out: &mut Vec<u8>, reach: Reach, numbers: &[T]) {
    varint(out, BLOCK as u64);
    varint(out, MINI_BLOCKS as u64);
    varint(out, numbers.len() as u64);
    let Some((first, others)) = numbers.split_first() else { return zigzag(out, 0) };
    zigzag(out, first.wide());
    let mut block = Block { differences: [0; _], above: [0; _], packed: [[0; 4]; _] };
    for (numbers, before) in others.chunks(BLOCK).zip(numbers.chunks(BLOCK)) {
        let differences = numbers.iter().zip(before).map(|(number, before)| number.wide().wrapping_sub(before.wide()));
        let is_narrow = block.cut(differences.clone());
        match reach == Reach::Bits32 || is_narrow {
            true => block.write(out, numbers.len()),
            false => write_wide(out, differences),
        }
    }
}

/// Numbers cut to 32 bits, and whether that was all of them.
#[derive(Debug, Default)]
struct Narrow {
    /// Counted from the least that is narrow.
    any: u64,
}

impl Narrow {
    #[inline]
    fn cut(&mut self, number: i64) -> i32 {
        self.any |= number.wrapping_sub(i32::MIN.into()) as u64;
        number as i32
    }

    #[inline]
    fn is_all(&self) -> bool {
        u32::try_from(self.any).is_ok()
    }
}

/// The least and the greatest of whole numbers.
pub fn least_and_greatest<T: Whole>(numbers: &[T]) -> Option<(i64, i64)> {
    let first = numbers.first()?.wide();
    // Most lie near the first, and 32 bits are compared more quickly than 64.
    let (mut is_near, mut near) = (Narrow::default(), (0, 0));
    for number in numbers {
        let beside = is_near.cut(number.wide().wrapping_sub(first));
        near = (near.0.min(beside), near.1.max(beside));
    }
    if is_near.is_all() {
        return Some((first + i64::from(near.0), first + i64::from(near.1)));
    }
    let wider = |(min, max): (i64, i64), number: &T| (min.min(number.wide()), max.max(number.wide()));
    Some(numbers.iter().fold((first, first), wider))
}

/// Differences of 32 bits, and what becomes of them.
struct Block {
    differences: [i32; BLOCK],
    /// Above the least; 0 where there is none.
    above: [u32; BLOCK],
    packed: [[u8; 4]; BLOCK],
}

impl Block {
    /// Takes 32 bits of each; hands back whether that is all of them.
    #[inline]
    fn cut(&mut self, differences: impl Iterator<Item = i64>) -> bool {
        let mut narrow = Narrow::default();
        for (to, difference) in self.differences.iter_mut().zip(differences) {
            *to = narrow.cut(difference);
        }
        narrow.is_all()
    }

    /// Appends so many: the least, the widths of the mini blocks, what they are above the least.
    fn write(&mut self, out: &mut Vec<u8>, count: usize) {
        let differences = &self.differences[..count];
        let least = differences.iter().fold(i32::MAX, |least, difference| least.min(*difference));
        zigzag(out, least.into());
        let (above, none) = self.above.split_at_mut(count);
        for (above, difference) in above.iter_mut().zip(differences) {
            *above = difference.wrapping_sub(least) as u32;
        }
        none.fill(0);

        let (mut widths, mut words) = ([0; MINI_BLOCKS], 0);
        for (width, numbers) in widths.iter_mut().zip(&self.above.as_chunks().0[..count.div_ceil(MINI_BLOCK)]) {
            let bits = width_of(numbers.iter().fold(0, |any, number| any | number).into());
            let to = self.packed[words..].first_chunk_mut().expect("room for all mini blocks");
            words += pack(numbers, bits, to);
            *width = bits as u8;
        }
        out.extend_from_slice(&widths);
        out.extend_from_slice(self.packed[..words].as_flattened());
    }
}

/// The same for differences of more bits.
fn write_wide(out: &mut Vec<u8>, differences: impl Iterator<Item = i64>) {
    let differences: Vec<i64> = differences.collect();
    let least = differences.iter().copied().min().expect("a block has values");
    zigzag(out, least);
    let widths = out.len();
    out.resize(widths + MINI_BLOCKS, 0);
    for (place, numbers) in differences.chunks(MINI_BLOCK).enumerate() {
        let above = numbers.iter().map(|number| number.wrapping_sub(least) as u64);
        let width = width_of(above.clone().fold(0, |any, number| any | number));
        out[widths + place] = width as u8;
        let end = out.len() + MINI_BLOCK / 8 * width as usize;
        push(out, width, above);
        out.resize(end, 0);
    }
}

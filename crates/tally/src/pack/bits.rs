//! Numbers side by side, bit by bit: 32 at a time, by a function for each width, in which every shift is known.

/// Numbers that are packed at a time: of any width they fill whole words.
pub(super) const TOGETHER: usize = 32;
/// What they take at most.
pub(super) type Packed = [[u8; 4]; TOGETHER];

/// Puts numbers of so many bits side by side, the lowest first, and hands back how many words they take; what stands after
/// those means nothing.
///
/// No number may have more bits.
///
/// # Panics
/// Beyond 32 bits.
#[inline]
pub(super) fn pack(numbers: &[u32; TOGETHER], width: u32, to: &mut Packed) -> usize {
    macro_rules! by_width {
        ($($of:literal)*) => {
            match width {
                $($of => pack_width::<$of>(numbers, to),)*
                _ => unreachable!("numbers have 32 bits at most"),
            }
        };
    }
    by_width!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    width as usize
}

fn pack_width<const WIDTH: usize>(numbers: &[u32; TOGETHER], to: &mut Packed) {
    let mut held = 0;
    // Written out, so that for each number it is known where its bits go.
    macro_rules! each {
        ($($place:literal)*) => {
            $(
                let (word, filled) = ($place * WIDTH / 32, $place * WIDTH % 32);
                held |= u64::from(numbers[$place]) << filled;
                if filled + WIDTH >= 32 {
                    to[word] = (held as u32).to_le_bytes();
                    held >>= 32;
                }
            )*
        };
    }
    each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    debug_assert_eq!(held, 0, "a number has more than {WIDTH} bits");
}

/// Appends numbers of so many bits, one after the other, filled up to whole bytes: for those that are wide, or few.
///
/// No number may have more bits.
pub(super) fn push(out: &mut Vec<u8>, width: u32, numbers: impl Iterator<Item = u64>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_stand_as_if_packed_one_by_one() {
        for width in 0..=32 {
            let all = (1_u64 << width) - 1;
            for case in 0..4 {
                let number = |place: usize| match case {
                    0 => 0,
                    1 => all,
                    2 if place.is_multiple_of(2) => all,
                    2 => 0,
                    _ => (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16 & all,
                };
                let numbers: [u32; TOGETHER] = std::array::from_fn(|place| number(place) as u32);
                let mut expected = Vec::new();
                push(&mut expected, width, numbers.iter().map(|number| u64::from(*number)));
                let mut packed = [[0xff; 4]; TOGETHER];
                let words = pack(&numbers, width, &mut packed);
                assert_eq!(packed[..words].as_flattened(), expected, "{width} bits");
            }
        }
    }
}

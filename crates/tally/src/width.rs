//! How wide the numbers are with which use is summed: narrow ones where they suffice, as most of summing is waiting for memory.

use crate::bundles::Bundled;
use crate::hours::{FoldRoom, Used};
use crate::partials::{E12, SHORT_DIGITS};

/// How wide numbers are; nothing where one does not fit.
pub(crate) trait Width: Copy {
    /// A row's quantity.
    type Quantity: Copy + Default;
    /// Unit-seconds, or an amount.
    type Used: Copy;

    /// Nothing was used.
    const NONE: Self::Used;

    fn quantity(e12: i128) -> Option<Self::Quantity>;
    /// That of so many whole units.
    fn whole(units: u32) -> Option<Self::Quantity>;
    fn times(quantity: Self::Quantity, seconds: i64) -> Option<Self::Used>;
    fn plus(used: Self::Used, more: Self::Used) -> Option<Self::Used>;

    /// Where pieces of this width are kept for the next part.
    fn room(room: &mut FoldRoom) -> &mut NearPieces<Self::Quantity>;
    /// No sums, of which about so many come; in the memory of these, which nobody reads any more, where it fits.
    fn no_use(old: Used, about: usize) -> Used;
    /// Appends sums; nothing where one does not fit.
    fn append(to: &mut Used, sums: impl Iterator<Item = Self::Used>) -> Option<()>;
}

/// What a row says about use.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Piece<Q> {
    pub quantity: Q,
    pub start: u32,
    pub end: u32,
    /// That of its holding among those of its shard.
    pub spot: u32,
}

/// Pieces by shard.
pub(crate) type NearPieces<Q> = Vec<Bundled<Piece<Q>>>;

/// Whole numbers below this are short.
const SHORT_END: u64 = 10_u64.pow(SHORT_DIGITS as u32);

/// An empty column of 128 bits, as [`Width::no_use`] says.
fn no_e12(old: Used, about: usize) -> Used {
    let mut e12 = match old {
        Used::E12(e12) => e12,
        Used::Whole(_) => Vec::new(),
    };
    e12.clear();
    e12.reserve(about);
    Used::E12(e12)
}

/// Appends to such a column.
fn append_e12(to: &mut Used, sums: impl Iterator<Item = i128>) -> Option<()> {
    let Used::E12(e12) = to else { return None };
    e12.extend(sums);
    Some(())
}

/// Quantities that are multiples of so many times 1e-12, as 32 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Narrow<const UNIT_E12: u64>;

/// Everything that a row may say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wide;

impl<const UNIT_E12: u64> Width for Narrow<UNIT_E12> {
    type Quantity = u32;
    type Used = u64;

    const NONE: u64 = 0;

    #[inline]
    fn quantity(e12: i128) -> Option<u32> {
        let e12 = u64::try_from(e12).ok().filter(|e12| e12.is_multiple_of(UNIT_E12))?;
        u32::try_from(e12 / UNIT_E12).ok()
    }

    #[inline]
    fn whole(units: u32) -> Option<u32> {
        units.checked_mul(Self::OF_UNIT)
    }

    #[inline]
    fn times(quantity: u32, seconds: i64) -> Option<u64> {
        Some(u64::from(quantity) * u64::from(u32::try_from(seconds).ok()?))
    }

    #[inline]
    fn plus(used: u64, more: u64) -> Option<u64> {
        used.checked_add(more)
    }

    fn room(room: &mut FoldRoom) -> &mut NearPieces<u32> {
        &mut room.narrow
    }

    fn no_use(old: Used, about: usize) -> Used {
        match old {
            _ if !Self::IS_WHOLE => no_e12(old, about),
            Used::Whole(mut whole) => {
                whole.clear();
                whole.reserve(about);
                Used::Whole(whole)
            }
            Used::E12(_) => Used::Whole(Vec::with_capacity(about)),
        }
    }

    #[inline]
    fn append(to: &mut Used, sums: impl Iterator<Item = u64>) -> Option<()> {
        let Used::Whole(whole) = to else {
            // Below 2^128: neither factor has more than 64 bits, and the unit has 40.
            return append_e12(to, sums.map(|used| i128::from(used) * i128::from(UNIT_E12)));
        };
        let mut greatest = 0;
        whole.extend(sums.map(|used| {
            greatest = greatest.max(used);
            used as i64
        }));
        (greatest < SHORT_END).then_some(())
    }
}

impl<const UNIT_E12: u64> Narrow<UNIT_E12> {
    const IS_WHOLE: bool = UNIT_E12 as i128 == E12;
    /// How many of these multiples a unit is.
    const OF_UNIT: u32 = {
        let of_unit = E12 as u64 / UNIT_E12;
        assert!(of_unit <= u32::MAX as u64, "a unit has more of these than 32 bits say");
        of_unit as u32
    };
}

impl Width for Wide {
    type Quantity = i128;
    type Used = i128;

    const NONE: i128 = 0;

    #[inline]
    fn quantity(e12: i128) -> Option<i128> {
        Some(e12)
    }

    #[inline]
    fn whole(units: u32) -> Option<i128> {
        Some(i128::from(units) * E12)
    }

    /// Most quantities are small, and multiplying 64 bits is quicker than 128.
    #[inline]
    fn times(quantity: i128, seconds: i64) -> Option<i128> {
        match (u64::try_from(quantity), u32::try_from(seconds)) {
            (Ok(small), Ok(seconds)) => Some((u128::from(small) * u128::from(seconds)) as i128),
            _ => quantity.checked_mul(i128::from(seconds)),
        }
    }

    #[inline]
    fn plus(used: i128, more: i128) -> Option<i128> {
        used.checked_add(more)
    }

    fn room(room: &mut FoldRoom) -> &mut NearPieces<i128> {
        &mut room.wide
    }

    fn no_use(old: Used, about: usize) -> Used {
        no_e12(old, about)
    }

    fn append(to: &mut Used, sums: impl Iterator<Item = i128>) -> Option<()> {
        append_e12(to, sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quantity for so many seconds, three times; nothing where that does not fit.
    fn thrice<W: Width>(quantity_e12: i128, seconds: i64) -> Option<i128> {
        let once = W::times(W::quantity(quantity_e12)?, seconds)?;
        let thrice = W::plus(W::plus(W::plus(W::NONE, once)?, once)?, once)?;
        let mut told = W::no_use(Used::default(), 1);
        W::append(&mut told, [thrice].into_iter())?;
        Some(match told {
            Used::Whole(whole) => i128::from(whole[0]) * E12,
            Used::E12(e12) => e12[0],
        })
    }

    #[test]
    fn narrow_numbers_say_the_same_or_nothing() {
        let max = i128::from(u32::MAX);
        // quantity at 1e-12 | seconds | fits whole ones | fits millionths
        let cases = [
            (0, 3_600, true, true),
            (E12, 3_600, true, true),
            (E12 / 2, 3_600, false, true),
            (E12 / 1_000_000, 1, false, true),
            (E12 / 1_000_000 - 1, 1, false, false),
            (4_294 * E12, 1, true, true),
            (4_295 * E12, 1, true, false), // more than 2^32 millionths
            (max * E12 / 1_000_000, 1, false, true),
            // Beyond 64 bits at 1e-12 the decoder of narrow ones does not look.
            (18_446_744 * E12, 3_600, true, false),
            (18_446_745 * E12, 3_600, false, false),
            (-E12, 1, false, false),
            (E12, i64::from(u32::MAX) + 1, false, false),
            (E12, -1, false, false),
        ];
        for (quantity, seconds, is_whole, is_millionths) in cases {
            let expected = Some(3 * quantity * i128::from(seconds));
            assert_eq!(thrice::<Wide>(quantity, seconds), expected, "{quantity} {seconds}");
            assert_eq!(thrice::<Narrow<1_000_000_000_000>>(quantity, seconds), expected.filter(|_| is_whole), "{quantity}");
            assert_eq!(thrice::<Narrow<1_000_000>>(quantity, seconds), expected.filter(|_| is_millionths), "{quantity}");
        }
    }

    #[test]
    fn whole_sums_of_many_digits_are_left_to_wider_numbers() {
        let told = |sum: u64| {
            let mut told = Narrow::<1_000_000_000_000>::no_use(Used::E12(vec![7]), 1);
            Narrow::<1_000_000_000_000>::append(&mut told, [sum].into_iter()).map(|()| told)
        };
        assert_eq!(told(SHORT_END - 1), Some(Used::Whole(vec![999_999_999_999_999_999])));
        assert_eq!(told(SHORT_END), None);
        assert_eq!(told(u64::MAX), None);
    }

    #[test]
    fn a_sum_that_does_not_fit_is_none() {
        assert_eq!(Narrow::<1>::plus(u64::MAX, 1), None);
        assert_eq!(Wide::plus(i128::MAX, 1), None);
        assert_eq!(Wide::times(i128::MAX, 2), None);
    }
}

//! How wide the numbers are with which use is summed: narrow ones where they suffice, as most of summing is waiting for memory.

/// How wide numbers are; nothing where one does not fit.
pub(crate) trait Width: Copy {
    /// A row's quantity.
    type Quantity: Copy;
    /// Seconds from an origin.
    type Seconds: Copy + Into<i64>;
    /// Unit-seconds, or an amount.
    type Used: Copy;

    /// Nothing was used.
    const NONE: Self::Used;

    fn quantity(e12: i128) -> Option<Self::Quantity>;
    fn seconds(seconds: i64) -> Option<Self::Seconds>;
    fn times(quantity: Self::Quantity, seconds: i64) -> Option<Self::Used>;
    fn plus(used: Self::Used, more: Self::Used) -> Option<Self::Used>;
    fn e12(used: Self::Used) -> i128;
}

/// What a row says about use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<W: Width> {
    pub quantity: W::Quantity,
    pub start: W::Seconds,
    pub end: W::Seconds,
    /// That of its holding.
    pub place: u32,
}

/// Quantities that are multiples of so many times 1e-12, as 32 bits; 136 years as seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Narrow<const UNIT_E12: u64>;

/// Everything that a row may say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wide;

impl<const UNIT_E12: u64> Width for Narrow<UNIT_E12> {
    type Quantity = u32;
    type Seconds = u32;
    type Used = u64;

    const NONE: u64 = 0;

    #[inline]
    fn quantity(e12: i128) -> Option<u32> {
        let e12 = u64::try_from(e12).ok().filter(|e12| e12.is_multiple_of(UNIT_E12))?;
        u32::try_from(e12 / UNIT_E12).ok()
    }

    #[inline]
    fn seconds(seconds: i64) -> Option<u32> {
        u32::try_from(seconds).ok()
    }

    #[inline]
    fn times(quantity: u32, seconds: i64) -> Option<u64> {
        Some(u64::from(quantity) * u64::from(u32::try_from(seconds).ok()?))
    }

    #[inline]
    fn plus(used: u64, more: u64) -> Option<u64> {
        used.checked_add(more)
    }

    #[inline]
    fn e12(used: u64) -> i128 {
        // Below 2^128: neither factor has more than 64 bits, and the unit has 40.
        i128::from(used) * i128::from(UNIT_E12)
    }
}

impl Width for Wide {
    type Quantity = i128;
    type Seconds = i64;
    type Used = i128;

    const NONE: i128 = 0;

    #[inline]
    fn quantity(e12: i128) -> Option<i128> {
        Some(e12)
    }

    #[inline]
    fn seconds(seconds: i64) -> Option<i64> {
        Some(seconds)
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

    #[inline]
    fn e12(used: i128) -> i128 {
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quantity for so many seconds, three times; nothing where that does not fit.
    fn thrice<W: Width>(quantity_e12: i128, seconds: i64) -> Option<i128> {
        let once = W::times(W::quantity(quantity_e12)?, W::seconds(seconds)?.into())?;
        Some(W::e12(W::plus(W::plus(W::plus(W::NONE, once)?, once)?, once)?))
    }

    #[test]
    fn narrow_numbers_say_the_same_or_nothing() {
        const E12: i128 = 1_000_000_000_000;
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
    fn a_sum_that_does_not_fit_is_none() {
        assert_eq!(Narrow::<1>::plus(u64::MAX, 1), None);
        assert_eq!(Wide::plus(i128::MAX, 1), None);
        assert_eq!(Wide::times(i128::MAX, 2), None);
    }
}

//! Rows held against many at once: what is asked once for a sku, so that most rows need no second look.

use super::{AHEAD_SECONDS_MAX, UsageChecks};
use crate::number::Quantity;
use crate::price::Price;
use crate::rate::{Use, last_instant};
use crate::table::{BillingMode, PriceModel, Unit};
use crate::time::{Instant, Window};
use std::sync::Arc;

impl UsageChecks<'_> {
    /// What rows of a sku in a currency are held against once for all of them; nothing where each must be looked at: an
    /// unknown sku, prices with gaps, in several units or modes, or that are not flat.
    pub fn plain_terms(&self, sku: &str, currency: &str) -> Option<PlainTerms> {
        let prices = self.prices.timeline(sku, currency)?.prices();
        let (first, last) = (prices.first()?, prices.last()?);
        let is_plain = |price: &Arc<Price>| price.row.unit == first.row.unit && price.row.billing_mode == BillingMode::PayPerUse;
        let has_gap = prices.windows(2).any(|pair| pair[0].validity.end != pair[1].validity.start);
        if has_gap || !prices.iter().all(is_plain) {
            return None;
        }
        Some(PlainTerms {
            unit: first.row.unit.clone(),
            priced: Window::new(first.validity.start, last.validity.end),
            use_bits_max: prices.iter().map(|price| use_bits_max(price)).min()??,
            earliest: self.epoch.max(self.late_from).unwrap_or(Instant::MIN),
            latest: self.as_of.plus_seconds(AHEAD_SECONDS_MAX),
        })
    }
}

/// What all rows of a sku in a currency are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainTerms {
    /// The unit of every price.
    pub unit: Unit,
    /// From the first price's beginning to the last one's end.
    priced: Window,
    use_bits_max: u32,
    earliest: Instant,
    latest: Instant,
}

/// What the records of many rows lie between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extremes {
    /// From the first start to the last end.
    pub span: Window,
    /// The shortest and the longest, in seconds.
    pub seconds: [i64; 2],
    /// The least and the greatest.
    pub quantity: [Quantity; 2],
}

impl Extremes {
    /// Of records given as columns of one length, at whole seconds and 1e-12; nothing where there is none.
    pub fn of(started_at: &[i64], ended_at: &[i64], quantity_e12: &[i128]) -> Option<Self> {
        started_at.first()?;
        let (first, _) = ends_of(started_at.iter().copied());
        let (_, last) = ends_of(ended_at.iter().copied());
        let (shortest, longest) = ends_of(started_at.iter().zip(ended_at).map(|(start, end)| end.saturating_sub(*start)));
        let (least, greatest) = quantity_e12
            .iter()
            .fold((i128::MAX, i128::MIN), |(least, greatest), quantity| (least.min(*quantity), greatest.max(*quantity)));
        Some(Self {
            span: Window::new(Instant::from_seconds(first), Instant::from_seconds(last)),
            seconds: [shortest, longest],
            quantity: [least, greatest].map(Quantity::from_e12),
        })
    }
}

/// The least and the greatest.
fn ends_of(numbers: impl Iterator<Item = i64>) -> (i64, i64) {
    numbers.fold((i64::MAX, i64::MIN), |(least, greatest), number| (least.min(number), greatest.max(number)))
}

impl PlainTerms {
    /// Whether a record of a known account is certain to pass [`UsageChecks::check`]; false where that must be looked at.
    ///
    /// A time-priced record of no length is looked at.
    pub fn admits(&self, record: Use) -> bool {
        let interval = record.interval;
        let is_priced = match self.unit {
            Unit::Hour => interval.start < interval.end && self.priced.start <= interval.start && interval.end <= self.priced.end,
            Unit::Amount(_) => interval.start <= interval.end && self.priced.holds(last_instant(interval)),
        };
        is_priced
            && self.earliest <= interval.start
            && interval.start <= self.latest
            && interval.end <= self.latest
            && record.quantity.e12() >= 0
            && use_bits(record) <= self.use_bits_max
    }

    /// Whether [`Self::admits`] holds for every record within these; false where they must be looked at one by one.
    pub fn admit_all(&self, Extremes { span, seconds: [shortest, longest], quantity: [least, greatest] }: Extremes) -> bool {
        let is_priced = match self.unit {
            Unit::Hour => shortest > 0 && span.end <= self.priced.end,
            // The end of an instant is its last instant.
            Unit::Amount(_) => shortest >= 0 && span.end < self.priced.end,
        };
        is_priced
            && self.priced.start.max(self.earliest) <= span.start
            && span.end <= self.latest
            && least.e12() >= 0
            && bits(greatest.e12()) + bits(i128::from(longest.max(1))) <= self.use_bits_max
    }
}

/// Both factors of an amount are at 1e-12: a product below 2^115 is an amount below 41 billion, without the cost of an exact
/// fraction.
pub(super) const SMALL_BITS: u32 = 115;

/// The same where tiers add fractions: below 2^90 a record's amount is below 1,300, and sums of such fractions are exact.
const SMALL_BITS_TIERED: u32 = 90;

/// Bits that use may have for its amount at this price to be small; nothing where that cannot be said.
fn use_bits_max(price: &Price) -> Option<u32> {
    let (small, greatest) = match &price.row.model {
        PriceModel::Flat => (SMALL_BITS, price.row.unit_price.e12()),
        PriceModel::Graduated { tiers } | PriceModel::Volume { tiers } if tiers.iter().all(|tier| tier.flat.is_zero()) => {
            (SMALL_BITS_TIERED, tiers.iter().map(|tier| tier.unit_price.e12()).max()?)
        }
        _ => return None,
    };
    small.checked_sub(bits(greatest))
}

/// Bits of a quantity that is held for a time.
pub(super) fn use_bits(record: Use) -> u32 {
    bits(record.quantity.e12()) + bits(i128::from(record.interval.seconds().max(1)))
}

pub(super) fn bits(value: i128) -> u32 {
    i128::BITS - value.leading_zeros()
}

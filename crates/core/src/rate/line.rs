//! A line: one account, resource, sku, window and price row. Summed first, priced and cut once.

use super::charge::{Charge, VOLUME_BAND};
use crate::number::{Accrued, AmountOverflow, FeeScale, Money, Quantity};
use crate::price::{self, Price};
use crate::profile::{Profile, RoundAt};
use crate::table::{DiscountRow, DiscountTerms};
use crate::time::{Instant, Window};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What names a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineKey {
    /// The settlement window ∩ the price's validity.
    pub window: Window,
    /// Whose.
    pub account_id: String,
    /// What was used.
    pub resource_id: String,
    /// As what.
    pub sku: String,
    /// At which price row.
    pub price_id: String,
}

/// What a line sums up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What names it.
    pub key: LineKey,
    /// Its price.
    pub price: Arc<Price>,
    /// The settlement's instant: the end of the settlement window.
    pub settles_at: Instant,
    /// The state of knowledge whose discounts count.
    pub book_seq: u64,
    /// The one whose discounts counted when its window was settled last.
    pub settled_book_seq: u64,
    /// Everything used, minimum included.
    pub quantity: Quantity,
    /// The part of it that is waived, or was used in frozen time.
    pub waived: Quantity,
    /// Whether some of it was used in frozen time.
    pub is_frozen: bool,
    /// Of the record with the latest start, then record_id.
    pub region: Option<String>,
    /// Of the same record.
    pub tags: BTreeMap<String, String>,
}

/// What is posted for a line already: the sums over its charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The first charge.
    pub charge_id: String,
    /// How many charges there are.
    pub charges: u32,
    /// When it settles.
    pub settles_at: Instant,
    /// Sum of quantities.
    pub quantity: Quantity,
    /// Sum of waived quantities.
    pub waived: Quantity,
    /// Sums of the amounts.
    pub amounts: Amounts,
    /// The region of the first charge.
    pub region: Option<String>,
    /// The tags of the first charge.
    pub tags: BTreeMap<String, String>,
}

/// The amounts of a charge: `due = list - discount - truncated`, to the last digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// At the published price, cut at the fee scale.
    pub list: Money,
    /// What the discount takes off: list - fee.
    pub discount: Money,
    /// What rounding takes off; negative where a minimum charge lifts the line.
    pub truncated: Money,
    /// What is asked for.
    pub due: Money,
}

impl Posted {
    /// The sums of a line with one charge.
    pub fn first(charge: &Charge) -> Self {
        Self {
            charge_id: charge.charge_id.clone(),
            charges: 1,
            settles_at: charge.transaction_at,
            quantity: charge.quantity,
            waived: charge.waived,
            amounts: charge.amounts,
            region: charge.region.clone(),
            tags: charge.tags.clone(),
        }
    }

    /// Adds another charge of the same line; the one that corrects nothing is the first.
    ///
    /// # Errors
    /// [`AmountOverflow`] when a quantity does not fit 128 bits.
    pub fn add(&mut self, charge: &Charge) -> Result<(), AmountOverflow> {
        if charge.corrects.is_none() && charge.reason.as_deref() != Some(VOLUME_BAND) {
            self.charge_id.clone_from(&charge.charge_id);
            self.region.clone_from(&charge.region);
            self.tags.clone_from(&charge.tags);
        }
        self.charges += 1;
        self.quantity = self.quantity.plus(charge.quantity)?;
        self.waived = self.waived.plus(charge.waived)?;
        self.amounts = self.amounts.plus(charge.amounts);
        Ok(())
    }
}

/// The sums over the charges of each line.
///
/// # Errors
/// [`AmountOverflow`] when a quantity does not fit 128 bits.
pub fn posted_lines<'a>(charges: impl IntoIterator<Item = &'a Charge>) -> Result<BTreeMap<LineKey, Posted>, AmountOverflow> {
    let mut lines: BTreeMap<LineKey, Posted> = BTreeMap::new();
    for charge in charges {
        match lines.get_mut(&charge.key) {
            Some(posted) => posted.add(charge)?,
            None => {
                lines.insert(charge.key.clone(), Posted::first(charge));
            }
        }
    }
    Ok(lines)
}

impl Amounts {
    /// The amounts of a line with this list amount and fee: due under the profile's rounding and the price's minimum.
    pub fn of_fee(list: Money, fee: Money, price: &Price, profile: &Profile) -> Self {
        let rounded = match profile.round_at {
            RoundAt::Bill => fee,
            RoundAt::Line => fee.cut(FeeScale::minor_unit(&price.row.currency)),
        };
        let due = if fee.is_positive() { rounded.max(price.row.min_charge) } else { rounded };
        Self { list, discount: list - fee, truncated: fee - due, due }
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Self {
        Self {
            list: self.list + other.list,
            discount: self.discount + other.discount,
            truncated: self.truncated + other.truncated,
            due: self.due + other.due,
        }
    }

    /// The difference.
    pub fn minus(self, posted: Self) -> Self {
        Self {
            list: self.list - posted.list,
            discount: self.discount - posted.discount,
            truncated: self.truncated - posted.truncated,
            due: self.due - posted.due,
        }
    }

    /// What is asked for before rounding.
    pub fn fee(self) -> Money {
        self.list - self.discount
    }
}

/// The amounts of a line under a flat price.
///
/// list = cut(price × quantity); fee = cut(the best discounted cost of what is not waived).
///
/// # Errors
/// [`AmountOverflow`] when an amount does not fit.
pub fn amounts_of(
    price: &Price,
    quantity: Quantity,
    waived: Quantity,
    discounts: &[&DiscountRow],
    profile: &Profile,
) -> Result<Amounts, AmountOverflow> {
    let scale = profile.fee_scale;
    let list = price::total(&price.row, quantity)?.cut(scale)?.money;
    let billable = quantity.minus(waived)?;
    let fee = best_fee(price::total(&price.row, billable)?, billable, price, discounts, scale)?;
    Ok(Amounts::of_fee(list, fee, price, profile))
}

/// The smallest fee that a single discount gives, or the undiscounted one.
pub(super) fn best_fee(
    cost: Accrued,
    quantity: Quantity,
    price: &Price,
    discounts: &[&DiscountRow],
    scale: FeeScale,
) -> Result<Money, AmountOverflow> {
    let mut best = cost.cut(scale)?.money;
    for row in discounts {
        best = best.min(discounted_fee(row, cost, quantity, price, scale)?);
    }
    Ok(best)
}

/// The fee under one discount, cut at the fee scale: what competes for being the best.
///
/// # Errors
/// [`AmountOverflow`] when it does not fit.
pub fn discounted_fee(
    row: &DiscountRow,
    cost: Accrued,
    quantity: Quantity,
    price: &Price,
    scale: FeeScale,
) -> Result<Money, AmountOverflow> {
    let fee = match &row.terms {
        DiscountTerms::PercentOff(percent_off) => cost.less_percent(*percent_off)?,
        DiscountTerms::UnitPrice(unit_price) => unit_price.of(quantity, price.row.seconds_per_unit())?,
    };
    Ok(fee.cut(scale)?.money)
}

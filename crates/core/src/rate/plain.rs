//! Plain lines: those for which sums of use by hour are enough, and whose amounts one division gives.
//!
//! What [`super::settle_lines`] says of such a line is said here in a few nanoseconds; that they say the same is tested.

use super::cut::DueWindow;
use super::line::Amounts;
use super::terms::Terms;
use crate::number::Quantity;
use crate::price::Price;
use crate::profile::Profile;
use crate::table::{PriceModel, Unit};
use std::sync::Arc;

/// The price of every use of a sku in a window, if there is one price for all of it and what is used adds up: no other price
/// begins inside, and nothing is added to single records.
pub fn plain_price<'a>(terms: &'a Terms, sku: &str, currency: &str, book_seq: u64, due: DueWindow) -> Option<&'a Arc<Price>> {
    let timeline = terms.timeline_covering(sku, currency, book_seq, due.window)?;
    let price = timeline.at(due.window.start)?;
    let adds_up = match price.row.unit {
        Unit::Hour => price.row.min_seconds <= 0 && price.row.step_seconds <= 1,
        Unit::Amount(_) => true,
    };
    (adds_up && due.window.end <= price.validity.end && price.row.settle == due.kind).then_some(price)
}

/// The amounts of a line without discounts and waived use, under a flat price; nothing where only the long way can tell.
pub fn plain_amounts(price: &Price, quantity: Quantity, profile: &Profile) -> Option<Amounts> {
    if price.row.model != PriceModel::Flat {
        return None;
    }
    let fee = price.row.unit_price.cut_cost(quantity, price.row.seconds_per_unit(), profile.fee_scale)?;
    Some(Amounts::of_fee(fee, fee, price, profile))
}

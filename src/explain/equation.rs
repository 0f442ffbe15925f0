//! How a charge's amounts come about: the engine's own computation, done again from what was posted before it, and the
//! steps between, for a person to follow.

use super::{Place, unit_of};
use crate::failure::Failure;
use crate::report::terminal::money;
use reckoner_core::number::{Accrued, AmountOverflow, Money, Quantity, UnitPrice};
use reckoner_core::price::{self, Price, is_tiered};
use reckoner_core::rate::{
    Amounts, Charge, DueWindow, FROZEN, Line, LineKey, Posted, Terms, TierKey, TierState, Tiers, VOLUME_BAND, discounted_fee,
    posted_lines, settle_lines,
};
use reckoner_core::table::{DiscountRow, DiscountTerms, PriceModel, Tier};
use reckoner_frames::FrameError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The steps, and whether they lead to what was posted.
#[derive(Debug, Clone)]
pub struct Equation {
    /// What the line had before this charge.
    pub before: Totals,
    /// What it has with it.
    pub after: Totals,
    /// Costs at list price and under discounts: one of the line for a flat price; for a tiered one that before and that
    /// after, whose difference is charged.
    pub steps: Vec<Priced>,
    /// What else there is to say: a flat amount, a changed band.
    pub remarks: Vec<String>,
    /// The amounts as computed now; nothing if the charge does not come about again at all.
    pub again: Option<Amounts>,
}

/// Sums over the charges of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Charges there are.
    pub charges: u32,
    /// Their quantity.
    pub quantity: Quantity,
    /// The part of it that is waived.
    pub waived: Quantity,
    /// Their amounts.
    pub amounts: Amounts,
}

/// A quantity priced: at the list and under every discount that fits.
#[derive(Debug, Clone)]
pub struct Priced {
    /// Which quantity: `the line`, `the month before`, …
    pub what: String,
    /// How much.
    pub quantity: Quantity,
    /// How much of it is not waived.
    pub billable: Quantity,
    /// What all of it is priced at; nothing where tiers make the amount.
    pub unit_price: Option<UnitPrice>,
    /// The exact cost of all of it.
    pub exact: Accrued,
    /// That, cut at the fee scale.
    pub list: Money,
    /// What is left of it after the best discount, and without what is waived.
    pub fee: Money,
    /// Every discount that fits, in the order in which equal ones win.
    pub offers: Vec<Offer>,
}

/// A discount that fits, and the fee that it would give.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The discount.
    pub discount_id: String,
    /// Whose decision it is: of equal ones the first of these wins.
    pub kind: &'static str,
    /// `20 % off`, or `0.0006 instead`.
    pub terms: String,
    /// Where it was delivered.
    pub place: Option<Place>,
    /// The fee under it.
    pub fee: Money,
    /// Whether it is the one that counts.
    pub wins: bool,
}

impl Equation {
    /// Whether the amounts come out as they were posted.
    pub fn comes_out(&self, charge: &Charge) -> bool {
        self.again == Some(charge.amounts)
    }
}

/// What the equation is made from.
pub(super) struct Facts<'a> {
    pub terms: &'a Terms,
    pub price: &'a Arc<Price>,
    pub due: DueWindow,
    /// The discounts that fit at the window's start, in the order in which equal ones win.
    pub discounts: &'a [(DiscountRow, Option<Place>)],
    /// The month's charges of the account, sku and price row, in the order posted.
    pub month: &'a [Charge],
}

/// A settlement of one account, sku and price row: what was posted before it, and the lines that it changed.
struct Moment<'a> {
    /// Sums of those lines from earlier settlements.
    posted: BTreeMap<LineKey, Posted>,
    /// The month's running total before it.
    tiers: TierState,
    /// The charges for quantities of their own that add to the same total, in the order posted; re-pricings follow from them.
    own: Vec<&'a Charge>,
}

pub(super) fn of(facts: &Facts<'_>, charge: &Charge) -> Result<Equation, Failure> {
    compute(facts, charge).map_err(|error| Failure::from(FrameError::from(error)))
}

fn compute(facts: &Facts<'_>, charge: &Charge) -> Result<Equation, AmountOverflow> {
    let moment = moment(facts, charge)?;
    let (before, after) = totals(&moment, charge)?;
    let mut remarks = Vec::new();
    let steps = match &facts.price.row.model {
        PriceModel::Flat => {
            let what = if before.charges == 0 { "the line" } else { "the line with this charge" };
            vec![facts.at_price(what, facts.price.row.unit_price, (after.quantity, after.waived))?]
        }
        PriceModel::Graduated { .. } | PriceModel::Package { .. } => running(facts, &moment, charge)?,
        PriceModel::Volume { tiers } => banded(facts, &moment, charge, tiers, &mut remarks)?,
    };
    let min_charge = facts.price.row.min_charge;
    if after.amounts.due == min_charge && after.amounts.truncated.is_negative() {
        remarks.push(format!("the price's min_charge lifts the line to {}", money(min_charge, &facts.price.row.currency)));
    }
    let again = replayed(facts, &moment)?.into_iter().find(|one| one.charge_id == charge.charge_id);
    let again = again.filter(|one| one.quantity == charge.quantity).map(|one| one.amounts);
    Ok(Equation { before, after, steps, remarks, again })
}

/// A graduated or package price: the month's total before the charge and with it, whose difference is charged.
fn running(facts: &Facts<'_>, moment: &Moment<'_>, charge: &Charge) -> Result<Vec<Priced>, AmountOverflow> {
    let month = |what: &str, quantity: Quantity, waived: Quantity| {
        facts.priced(what, None, (quantity, waived), |quantity| price::total(&facts.price.row, quantity))
    };
    let earlier = moment.own.iter().take_while(|one| one.charge_id != charge.charge_id);
    let is_first = moment.tiers.by_resource.is_empty() && earlier.clone().next().is_none();
    let before = earlier.map(|one| one.quantity).try_fold(moment.total()?, Quantity::plus)?;

    let mut steps = Vec::new();
    if !is_first {
        steps.push(month("the month before", before, Quantity::ZERO)?);
    }
    steps.push(month("the month with it", before.plus(charge.quantity)?, charge.waived)?);
    Ok(steps)
}

/// A volume price: everything at the price of the band that the month reaches with this settlement. What a resource has so
/// far is re-priced by a charge of its own where the band changes.
fn banded(
    facts: &Facts<'_>,
    moment: &Moment<'_>,
    charge: &Charge,
    tiers: &[Tier],
    remarks: &mut Vec<String>,
) -> Result<Vec<Priced>, AmountOverflow> {
    let per = facts.price.row.seconds_per_unit();
    let so_far = moment.total()?;
    let reached = moment.own.iter().map(|one| one.quantity).try_fold(so_far, Quantity::plus)?;
    let band = price::volume_tier(tiers, reached, per)?;
    let old = if moment.tiers.by_resource.is_empty() { None } else { Some(price::volume_tier(tiers, so_far, per)?) };
    let of_band = match old {
        Some(old) if old != band => format!("from band {} to band {} of {}", old + 1, band + 1, tiers.len()),
        Some(_) | None => format!("which is in band {} of {}", band + 1, tiers.len()),
    };
    let unit = unit_of(facts.price.row.unit.as_str());
    remarks
        .push(format!("this settlement takes the month's total of all resources from {so_far} to {reached} {unit}, {of_band}"));

    let own = moment.tiers.by_resource.get(&charge.key.resource_id).copied().unwrap_or(Quantity::ZERO);
    if charge.reason.as_deref() == Some(VOLUME_BAND) {
        let prices = [("at the old band's price", old.unwrap_or(band)), ("at the new band's price", band)];
        let step = |(what, place): (&str, usize)| {
            let what = format!("the resource's month so far, {what}");
            facts.at_price(&what, tiers[place].unit_price, (own, Quantity::ZERO))
        };
        return prices.into_iter().map(step).collect();
    }
    let flat = tiers[band].flat - old.map_or(Money::ZERO, |old| tiers[old].flat);
    let carries_flat = moment.own.first().is_some_and(|first| first.charge_id == charge.charge_id);
    if carries_flat && !flat.is_zero() {
        let more = money(flat, &facts.price.row.currency);
        remarks.push(format!("the first charge of the settlement carries the band's flat amount: {more} more"));
    }
    let mut steps = Vec::new();
    if !own.is_zero() {
        steps.push(facts.at_price("the resource's month before", tiers[band].unit_price, (own, Quantity::ZERO))?);
    }
    let with_it = (own.plus(charge.quantity)?, charge.waived);
    steps.push(facts.at_price("the resource's month with it", tiers[band].unit_price, with_it)?);
    Ok(steps)
}

/// What was posted before the charge's settlement, and what the settlement changed.
fn moment<'a>(facts: &Facts<'a>, charge: &Charge) -> Result<Moment<'a>, AmountOverflow> {
    let is_repricing = |one: &Charge| one.reason.as_deref() == Some(VOLUME_BAND);
    let is_of_settlement = |one: &Charge| one.settlement_id == charge.settlement_id;
    let first = facts.month.iter().position(is_of_settlement);
    let earlier = &facts.month[..first.expect("the month's charges hold the one that is explained")];
    let is_own = |one: &&Charge| is_of_settlement(one) && !is_repricing(one) && facts.shares_total(one, charge);
    let own = facts.month.iter().filter(is_own).collect();
    let posted = posted_lines(earlier)?;

    let mut tiers = TierState::default();
    if is_tiered(&facts.price.row.model) {
        for one in earlier.iter().filter(|one| !is_repricing(one) && facts.shares_total(one, charge)) {
            if one.corrects.is_none() || !one.quantity.is_zero() {
                tiers.add_quantity(&one.key.resource_id, one.quantity)?;
            }
        }
    }
    Ok(Moment { posted, tiers, own })
}

impl Moment<'_> {
    fn total(&self) -> Result<Quantity, AmountOverflow> {
        self.tiers.by_resource.values().copied().try_fold(Quantity::ZERO, Quantity::plus)
    }
}

fn totals(moment: &Moment<'_>, charge: &Charge) -> Result<(Totals, Totals), AmountOverflow> {
    let before = moment.posted.get(&charge.key).map_or_else(Totals::default, |posted| Totals {
        charges: posted.charges,
        quantity: posted.quantity,
        waived: posted.waived,
        amounts: posted.amounts,
    });
    let after = Totals {
        charges: before.charges + 1,
        quantity: before.quantity.plus(charge.quantity)?,
        waived: before.waived.plus(charge.waived)?,
        amounts: before.amounts.plus(charge.amounts),
    };
    Ok((before, after))
}

/// Settles the lines that the settlement changed again, from what was posted before it: the road of the hourly job.
fn replayed(facts: &Facts<'_>, moment: &Moment<'_>) -> Result<Vec<Charge>, AmountOverflow> {
    let mut tiers: Tiers = moment.own.first().map(|own| (facts.tier_key(own), moment.tiers.clone())).into_iter().collect();
    let (mut lines, mut posted) = (Vec::new(), BTreeMap::new());
    for own in &moment.own {
        let (_, after) = totals(moment, own)?;
        lines.push(Line {
            key: own.key.clone(),
            price: Arc::clone(facts.price),
            settles_at: own.transaction_at,
            book_seq: facts.due.book_seq,
            settled_book_seq: facts.due.book_seq,
            quantity: after.quantity,
            waived: after.waived,
            is_frozen: own.reason.as_deref() == Some(FROZEN),
            region: own.region.clone(),
            tags: own.tags.clone(),
        });
        posted.extend(moment.posted.get_key_value(&own.key).map(|(key, sums)| (key.clone(), sums.clone())));
    }
    settle_lines(lines, posted, &mut tiers, facts.terms).map_err(|_| AmountOverflow)
}

impl Facts<'_> {
    /// Whether two charges add to one running total.
    fn shares_total(&self, one: &Charge, other: &Charge) -> bool {
        self.tier_key(one) == self.tier_key(other)
    }

    fn tier_key(&self, charge: &Charge) -> TierKey {
        TierKey {
            account_id: charge.key.account_id.clone(),
            sku: charge.key.sku.clone(),
            price_id: charge.key.price_id.clone(),
            billing_period: self.terms.zone.billing_period(charge.key.window.start),
            resource_id: self.terms.tier_resource(&charge.key.resource_id),
        }
    }

    /// A quantity, of which some is waived, at one price.
    fn at_price(&self, what: &str, price: UnitPrice, quantity: (Quantity, Quantity)) -> Result<Priced, AmountOverflow> {
        let per = self.price.row.seconds_per_unit();
        self.priced(what, Some(price), quantity, |quantity| price.of(quantity, per))
    }

    /// The list amount of a quantity, of which some is waived, and the fee of the rest under every discount.
    fn priced(
        &self,
        what: &str,
        unit_price: Option<UnitPrice>,
        (quantity, waived): (Quantity, Quantity),
        cost: impl Fn(Quantity) -> Result<Accrued, AmountOverflow>,
    ) -> Result<Priced, AmountOverflow> {
        let billable = quantity.minus(waived)?;
        let (exact, fee_of) = (cost(quantity)?, cost(billable)?);
        let scale = self.terms.profile.fee_scale;
        let mut fee = fee_of.cut(scale)?.money;
        let (mut offers, mut best) = (Vec::new(), None);
        for (place, (discount, delivered)) in self.discounts.iter().enumerate() {
            let offered = discounted_fee(discount, fee_of, billable, self.price, scale)?;
            if offered < fee {
                (fee, best) = (offered, Some(place));
            }
            offers.push(self.offer(discount, delivered.clone(), offered));
        }
        for (place, offer) in offers.iter_mut().enumerate() {
            offer.wins = Some(place) == best;
        }
        let list = exact.cut(scale)?.money;
        Ok(Priced { what: what.to_owned(), quantity, billable, unit_price, exact, list, fee, offers })
    }

    fn offer(&self, discount: &DiscountRow, place: Option<Place>, fee: Money) -> Offer {
        let terms = match &discount.terms {
            DiscountTerms::PercentOff(percent) => format!("{} % off", percent.normalize()),
            DiscountTerms::UnitPrice(unit_price) if is_tiered(&self.price.row.model) => format!("{unit_price} a unit"),
            DiscountTerms::UnitPrice(unit_price) => format!("{unit_price} instead of {}", self.price.row.unit_price),
        };
        let (discount_id, kind) = (discount.discount_id.clone(), discount.kind.as_str());
        Offer { discount_id, kind, terms, place, fee, wins: false }
    }
}

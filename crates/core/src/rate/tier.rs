//! Tiered prices: graduated, volume and package totals run over the billing month per account, sku and price row.
//!
//! An hour owes T(total with it) - T(total before it). Both totals are cut at the fee scale before they are subtracted, so
//! that the month's net is cut(T(total)) whatever the order of arrival. When a volume price changes its band, every
//! resource's quantity so far is re-priced by a charge of its own.

use super::line::{Amounts, Line, best_fee};
use crate::number::{Accrued, AmountOverflow, Money, Quantity};
use crate::price::{self, Price};
use crate::profile::Profile;
use crate::table::{DiscountRow, DiscountTerms, PriceModel, Tier};
use std::collections::BTreeMap;

/// What a running total is kept for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierKey {
    /// Whose.
    pub account_id: String,
    /// Of what.
    pub sku: String,
    /// Under which price row.
    pub price_id: String,
    /// `2026-01`.
    pub billing_period: String,
    /// The resource under `tier_scope = resource`; empty otherwise.
    pub resource_id: String,
}

/// The month's settled quantity by resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TierState {
    /// Quantity so far, by resource. One whose use was all taken back is not here; one that used 0 is.
    pub by_resource: BTreeMap<String, Quantity>,
}

/// Every running total that a batch touches.
pub type Tiers = BTreeMap<TierKey, TierState>;

/// What a tiered line adds: its own amounts, and re-priced quantities of the month's resources.
pub(super) struct TierCharges {
    /// List amount and fee of the line itself.
    pub own: (Money, Money),
    /// (resource, list difference, fee difference), by resource.
    pub repriced: Vec<(String, Money, Money)>,
}

/// A line's place among the lines that add to one volume total in one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct WindowShare {
    /// The total with all of them: its band prices the whole window. Nothing where no use is left.
    pub reached: Option<Quantity>,
    /// Whether it is the first of them that changes something: it carries the change of band.
    pub is_first: bool,
}

impl TierState {
    /// What all resources have used together; nothing where no line is settled, or none any more.
    pub(super) fn total(&self) -> Result<Option<Quantity>, AmountOverflow> {
        if self.by_resource.is_empty() {
            return Ok(None);
        }
        let mut total = Quantity::ZERO;
        for quantity in self.by_resource.values() {
            total = total.plus(*quantity)?;
        }
        Ok(Some(total))
    }

    /// What the month's list amounts sum to, whatever the order in which use came: cut(T(total)). Under a volume price that
    /// is cut(price × quantity) of every resource, and the band's flat amount once.
    ///
    /// # Errors
    /// [`AmountOverflow`] when an amount does not fit.
    pub fn list_amount(&self, price: &Price, profile: &Profile) -> Result<Money, AmountOverflow> {
        let Some(total) = self.total()? else { return Ok(Money::ZERO) };
        let priced = Pricing { price, discounts: &[], profile };
        let PriceModel::Volume { tiers } = &price.row.model else { return priced.list(Some(total)) };
        let tier = &tiers[price::volume_tier(tiers, total, price.row.seconds_per_unit())?];
        let mut sum = priced.flat(Some(tier))?;
        for quantity in self.by_resource.values() {
            sum += priced.at(tier, *quantity)?.0;
        }
        Ok(sum)
    }

    /// Adds a line's quantity (or a difference) and says what that costs.
    pub(super) fn add(
        &mut self,
        line: &Line,
        (added, waived): (Quantity, Quantity),
        share: WindowShare,
        discounts: &[&DiscountRow],
        profile: &Profile,
    ) -> Result<TierCharges, AmountOverflow> {
        let before = self.total()?;
        let after = with(before, added)?;
        let priced = Pricing { price: &line.price, discounts, profile };
        let charges = match &line.price.row.model {
            PriceModel::Volume { tiers } => {
                let bands = self.bands(tiers, share, &priced)?;
                self.volume(&line.key.resource_id, bands, (added, waived), &priced)?
            }
            PriceModel::Flat | PriceModel::Graduated { .. } | PriceModel::Package { .. } => {
                let list = priced.list(after)? - priced.list(before)?;
                let billable = after.map(|after| after.minus(waived)).transpose()?;
                let fee = priced.fee(billable)? - priced.fee(before)?;
                TierCharges { own: (list, fee), repriced: Vec::new() }
            }
        };
        self.add_quantity(&line.key.resource_id, added)?;
        Ok(charges)
    }

    /// Adds to a resource's quantity, or takes from it.
    ///
    /// # Errors
    /// [`AmountOverflow`] beyond 128 bits.
    pub fn add_quantity(&mut self, resource_id: &str, added: Quantity) -> Result<(), AmountOverflow> {
        match with(self.by_resource.get(resource_id).copied(), added)? {
            Some(quantity) => self.by_resource.insert(resource_id.to_owned(), quantity),
            None => self.by_resource.remove(resource_id),
        };
        Ok(())
    }

    /// The band of the total before a line, the band that its window reaches, and what the band's flat amount changes by.
    fn bands<'t>(&self, tiers: &'t [Tier], share: WindowShare, priced: &Pricing<'_>) -> Result<Bands<'t>, AmountOverflow> {
        let per = priced.price.row.seconds_per_unit();
        let band = |total| Ok(&tiers[price::volume_tier(tiers, total, per)?]);
        let new = band(share.reached.unwrap_or_default())?;
        if !share.is_first {
            return Ok(Bands { old: new, new, flat: Money::ZERO });
        }
        let before = self.total()?;
        let old = band(before.unwrap_or_default())?;
        let flat = priced.flat(share.reached.map(|_| new))? - priced.flat(before.map(|_| old))?;
        Ok(Bands { old, new, flat })
    }

    fn volume(
        &self,
        resource_id: &str,
        Bands { old, new, flat }: Bands<'_>,
        (added, waived): (Quantity, Quantity),
        priced: &Pricing<'_>,
    ) -> Result<TierCharges, AmountOverflow> {
        // Per resource both totals are cut before they are subtracted, so that a resource's month sums to cut(price × quantity).
        let so_far = self.by_resource.get(resource_id).copied().unwrap_or(Quantity::ZERO);
        let with_it = so_far.plus(added)?;
        let list = priced.at(new, with_it)?.0 - priced.at(new, so_far)?.0 + flat;
        let fee = priced.at(new, with_it.minus(waived)?)?.1 - priced.at(new, so_far)?.1 + priced.discounted_flat(flat)?;

        let mut repriced = Vec::new();
        if old.unit_price != new.unit_price {
            for (resource_id, quantity) in &self.by_resource {
                let (from, to) = (priced.at(old, *quantity)?, priced.at(new, *quantity)?);
                repriced.push((resource_id.clone(), to.0 - from.0, to.1 - from.1));
            }
        }
        Ok(TierCharges { own: (list, fee), repriced })
    }
}

/// The bands of a volume price before and with a window.
struct Bands<'t> {
    old: &'t Tier,
    new: &'t Tier,
    /// What the flat amount changes by.
    flat: Money,
}

/// A total with what is added to it; nothing where all of it is taken back.
///
/// # Errors
/// [`AmountOverflow`] beyond 128 bits.
pub(super) fn with(total: Option<Quantity>, added: Quantity) -> Result<Option<Quantity>, AmountOverflow> {
    let sum = total.unwrap_or_default().plus(added)?;
    let is_taken_back = sum.is_zero() && !added.is_zero();
    Ok((!is_taken_back).then_some(sum))
}

/// Prices totals. Where no use is left nothing is owed, no flat amount either.
struct Pricing<'a> {
    price: &'a Price,
    discounts: &'a [&'a DiscountRow],
    profile: &'a Profile,
}

impl Pricing<'_> {
    fn cut(&self, cost: Accrued) -> Result<Money, AmountOverflow> {
        Ok(cost.cut(self.profile.fee_scale)?.money)
    }

    fn list(&self, total: Option<Quantity>) -> Result<Money, AmountOverflow> {
        let Some(quantity) = total else { return Ok(Money::ZERO) };
        self.cut(price::total(&self.price.row, quantity)?)
    }

    fn fee(&self, total: Option<Quantity>) -> Result<Money, AmountOverflow> {
        let Some(quantity) = total else { return Ok(Money::ZERO) };
        self.discounted(price::total(&self.price.row, quantity)?, quantity)
    }

    /// A band's flat amount, owed once where there is any use.
    fn flat(&self, band: Option<&Tier>) -> Result<Money, AmountOverflow> {
        band.map_or(Ok(Money::ZERO), |tier| self.cut(Accrued::of_money(tier.flat)))
    }

    /// List amount and fee of a resource's whole quantity in a volume tier.
    fn at(&self, tier: &Tier, quantity: Quantity) -> Result<(Money, Money), AmountOverflow> {
        let cost = tier.unit_price.of(quantity, self.price.row.seconds_per_unit())?;
        Ok((self.cut(cost)?, self.discounted(cost, quantity)?))
    }

    fn discounted_flat(&self, flat: Money) -> Result<Money, AmountOverflow> {
        // A discount that names a unit price says nothing about a flat amount.
        let percent: Vec<&DiscountRow> =
            self.discounts.iter().copied().filter(|row| matches!(row.terms, DiscountTerms::PercentOff(_))).collect();
        let fee = best_fee(
            Accrued::of_money(if flat.is_negative() { -flat } else { flat }),
            Quantity::ZERO,
            self.price,
            &percent,
            self.profile.fee_scale,
        )?;
        Ok(if flat.is_negative() { -fee } else { fee })
    }

    fn discounted(&self, cost: Accrued, quantity: Quantity) -> Result<Money, AmountOverflow> {
        best_fee(cost, quantity, self.price, self.discounts, self.profile.fee_scale)
    }
}

impl TierCharges {
    /// The amounts of a re-pricing: no minimum, no truncation of its own.
    pub(super) fn repricing(list: Money, fee: Money) -> Amounts {
        Amounts { list, discount: list - fee, truncated: Money::ZERO, due: fee }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::LineKey;
    use crate::table::price::parse;
    use crate::table::{Context, RawRow, TableKind};
    use crate::time::{Instant, Window};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn price(model: &str, tiers: &str) -> Arc<Price> {
        let cells = [
            ("sku", "gb"),
            ("product", "eip"),
            ("billing_mode", "pay_per_use"),
            ("unit", "GB"),
            ("unit_price", "0"),
            ("model", model),
            ("tiers", tiers),
        ];
        let pairs = cells.map(|(column, text)| (column.to_owned(), text.to_owned()));
        let raw = RawRow::from_pairs(TableKind::Prices.schema(), 2, &pairs).expect("columns of the table");
        let row = parse(&raw, &Context::new("CNY")).expect("a price");
        Arc::new(Price { price_id: row.price_id(), validity: row.stated_validity(), row })
    }

    fn line(price: &Arc<Price>, resource_id: String) -> Line {
        let window = Window::new(Instant::from_seconds(0), Instant::from_seconds(3_600));
        let (account_id, sku, price_id) = ("a".to_owned(), "gb".to_owned(), price.price_id.clone());
        Line {
            key: LineKey { window, account_id, resource_id, sku, price_id },
            price: Arc::clone(price),
            settles_at: window.end,
            book_seq: 1,
            settled_book_seq: 1,
            quantity: Quantity::ZERO,
            waived: Quantity::ZERO,
            is_frozen: false,
            region: None,
            tags: BTreeMap::new(),
        }
    }

    proptest! {
        #[test]
        fn list_amounts_sum_to_the_months_total(
            added in proptest::collection::vec((0..3_u8, 0..90_000_000_000_000_i128, any::<bool>()), 0..12),
        ) {
            let bands = r#"[{"up_to":"50","unit_price":"0.1037","flat":"2"},{"up_to":"120","unit_price":"0.0713"},{"unit_price":"0.01","flat":"7"}]"#;
            let models = [("graduated", bands), ("volume", bands), ("package", r#"{"size":"10","unit_price":"5","free":"3"}"#)];
            let profile = Profile::builtin("huawei-intl").expect("comes with the engine");
            for (model, tiers) in models {
                let price = price(model, tiers);
                let mut state = TierState::default();
                let mut posted = Money::ZERO;
                for (resource, quantity, is_taken_back) in &added {
                    let quantity = Quantity::from_e12(*quantity);
                    let steps = [Some(quantity), is_taken_back.then(|| Quantity::from_e12(-quantity.e12()))];
                    for step in steps.into_iter().flatten() {
                        let line = line(&price, format!("r-{resource}"));
                        let before = state.total().expect("it fits").unwrap_or_default();
                        let share = WindowShare { reached: with(Some(before), step).expect("it fits"), is_first: true };
                        let charges = state.add(&line, (step, Quantity::ZERO), share, &[], &profile).expect("it fits");
                        posted += charges.own.0 + charges.repriced.iter().map(|(_, list, _)| *list).sum::<Money>();
                    }
                }
                prop_assert_eq!(posted, state.list_amount(&price, &profile).expect("it fits"), "{}", model);
            }
        }
    }
}

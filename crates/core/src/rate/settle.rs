//! From lines to charges: what is due, less what is posted, is what is charged now.

use super::charge::{Charge, ChargeType, FROZEN, KIND_CHARGE, PRICE_CORRECTED, VOLUME_BAND};
use super::line::{Amounts, Line, LineKey, Posted, amounts_of, best_fee};
use super::terms::Terms;
use super::tier::{TierCharges, TierKey, TierState, Tiers, WindowShare, with};
use crate::id;
use crate::number::{Accrued, AmountOverflow, Money, Quantity};
use crate::price::{Buyer, is_tiered};
use crate::table::{DiscountRow, PriceModel, UsageRow};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many charges a line had before its first.
const FIRST: &str = "0";

/// A line whose amount does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the charge of account `{}`, resource `{}`, sku `{}` for the window from {} does not fit: an amount passes 92 billion",
    .key.account_id, .key.resource_id, .key.sku, .key.window.start.to_utc_text()
)]
pub struct LineTooLarge {
    /// The line.
    pub key: LineKey,
}

/// The charges that make what is posted into what is due, ordered by settlement, account and resource.
///
/// `due` and `posted` must cover the same windows, accounts and skus: a line that is posted and no longer due is taken
/// back. `tiers` holds the month's running totals as posted and is brought up to date. Charges carry no settlement yet.
///
/// # Errors
/// [`LineTooLarge`] names the first line whose amount does not fit.
///
/// # Properties
/// Applying the charges and settling the same lines again gives nothing.
pub fn settle_lines(
    due: Vec<Line>,
    mut posted: BTreeMap<LineKey, Posted>,
    tiers: &mut Tiers,
    terms: &Terms,
) -> Result<Vec<Charge>, LineTooLarge> {
    let mut lines: Vec<(Line, Option<Posted>)> = due
        .into_iter()
        .map(|line| {
            let posted = posted.remove(&line.key);
            (line, posted)
        })
        .collect();
    lines.extend(posted.into_iter().filter_map(|(key, posted)| Some((gone(key, &posted, terms)?, Some(posted)))));
    lines.sort_by(|(a, _), (b, _)| order(a).cmp(&order(b)));

    let mut steps: Vec<Step<'_>> =
        lines.iter().map(|(line, posted)| Step { line, posted: posted.as_ref(), terms, is_retired: false }).collect();
    retire(&mut steps, tiers);
    let mut charges = Vec::new();
    for window in steps.chunk_by(Step::shares_band) {
        let too_large = |AmountOverflow| LineTooLarge { key: window[0].line.key.clone() };
        let reached = reached(window, tiers).map_err(too_large)?;
        let mut is_first = true;
        for step in window {
            let is_charged = step.settle(tiers, WindowShare { reached, is_first }, &mut charges);
            is_first &= !is_charged.map_err(|AmountOverflow| LineTooLarge { key: step.line.key.clone() })?;
        }
    }
    Ok(charges)
}

/// Marks the lines of tiered price rows that a rerun finds replaced by others, where nothing stays settled under the row:
/// each line then gives back what it was charged, whatever the order in which it was.
fn retire(steps: &mut [Step<'_>], tiers: &Tiers) {
    let mut left: BTreeMap<TierKey, Option<Quantity>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.is_replaced()) {
        let total = || tiers.get(&step.tier_key()).and_then(|state| state.total().ok().flatten());
        let left = left.entry(step.tier_key()).or_insert_with(total);
        let posted = step.posted.map_or(Quantity::ZERO, |posted| posted.quantity);
        *left = left.and_then(|left| left.minus(posted).ok());
    }
    for step in steps.iter_mut().filter(|step| step.is_replaced()) {
        step.is_retired = left.get(&step.tier_key()) == Some(&Some(Quantity::ZERO));
    }
}

/// The running total with everything that lines sharing a volume band add; nothing is asked of other lines.
fn reached(window: &[Step<'_>], tiers: &Tiers) -> Result<Option<Quantity>, AmountOverflow> {
    if !window[0].is_volume() {
        return Ok(None);
    }
    let before = tiers.get(&window[0].tier_key()).map(TierState::total).transpose()?.flatten();
    let added = window.iter().try_fold(Quantity::ZERO, |sum, step| sum.plus(step.difference()?.0))?;
    with(before, added)
}

fn order(line: &Line) -> impl Ord + '_ {
    let key = &line.key;
    (line.settles_at, &key.account_id, &key.sku, &key.price_id, &key.resource_id, key.window)
}

/// A line that is posted and that no row supports any more.
fn gone(key: LineKey, posted: &Posted, terms: &Terms) -> Option<Line> {
    let price = Arc::clone(terms.price_by_id(&key.price_id)?);
    Some(Line {
        key,
        price,
        settles_at: posted.settles_at,
        book_seq: 0,
        settled_book_seq: 0,
        quantity: Quantity::ZERO,
        waived: Quantity::ZERO,
        is_frozen: false,
        region: posted.region.clone(),
        tags: posted.tags.clone(),
    })
}

struct Step<'a> {
    line: &'a Line,
    posted: Option<&'a Posted>,
    terms: &'a Terms,
    /// Whether its price row is replaced by another and empty without it.
    is_retired: bool,
}

impl Step<'_> {
    fn is_volume(&self) -> bool {
        matches!(self.line.price.row.model, PriceModel::Volume { .. })
    }

    /// Whether two neighbours in the order of settlement add to one total of a volume price in one window.
    fn shares_band(&self, next: &Self) -> bool {
        let (one, other) = (&self.line.key, &next.line.key);
        self.is_volume()
            && self.line.settles_at == next.line.settles_at
            && (&one.account_id, &one.sku, &one.price_id) == (&other.account_id, &other.sku, &other.price_id)
            && self.terms.tier_resource(&one.resource_id) == self.terms.tier_resource(&other.resource_id)
    }

    /// Quantity and waived quantity of the line, less what is posted.
    fn difference(&self) -> Result<(Quantity, Quantity), AmountOverflow> {
        let posted_quantity = self.posted.map_or(Quantity::ZERO, |posted| posted.quantity);
        let posted_waived = self.posted.map_or(Quantity::ZERO, |posted| posted.waived);
        Ok((self.line.quantity.minus(posted_quantity)?, self.line.waived.minus(posted_waived)?))
    }

    /// Charges the difference of the line, and says whether there was one.
    fn settle(&self, tiers: &mut Tiers, share: WindowShare, charges: &mut Vec<Charge>) -> Result<bool, AmountOverflow> {
        let discounts = self.discounts();
        let (quantity, waived) = self.difference()?;
        let posted = self.posted.map(|posted| posted.amounts).unwrap_or_default();

        if !is_tiered(&self.line.price.row.model) {
            let is_gone = self.line.quantity.is_zero() && self.posted.is_some();
            let due = if is_gone {
                Amounts::default()
            } else {
                amounts_of(&self.line.price, self.line.quantity, self.line.waived, &discounts, &self.terms.profile)?
            };
            let change = due.minus(posted);
            let is_charged = self.posted.is_none() || change != Amounts::default() || !quantity.is_zero();
            if is_charged {
                charges.push(self.charge(quantity, waived, change));
            }
            return Ok(is_charged);
        }

        if let Some(posted) = self.posted.filter(|_| self.is_retired) {
            return self.take_back(posted, tiers, charges);
        }
        if self.posted.is_some() && quantity.is_zero() && waived.is_zero() {
            return self.discount_again(charges);
        }
        let state = tiers.entry(self.tier_key()).or_default();
        let TierCharges { own: (list, fee), repriced } =
            state.add(self.line, (quantity, waived), share, &discounts, &self.terms.profile)?;
        let total = Amounts::of_fee(posted.list + list, posted.fee() + fee, &self.line.price, &self.terms.profile);
        let own = self.charge(quantity, waived, total.minus(posted));
        for (resource_id, list, fee) in repriced {
            if !list.is_zero() || !fee.is_zero() {
                charges.push(self.repricing(&own, resource_id, list, fee));
            }
        }
        charges.push(own);
        Ok(true)
    }

    /// Whether a rerun finds the line's tiered price row replaced by another.
    fn is_replaced(&self) -> bool {
        is_tiered(&self.line.price.row.model) && self.posted.is_some() && self.moves_to_another_price()
    }

    /// Takes back what a line was charged, to the last digit.
    fn take_back(&self, posted: &Posted, tiers: &mut Tiers, charges: &mut Vec<Charge>) -> Result<bool, AmountOverflow> {
        if posted.amounts == Amounts::default() && posted.quantity.is_zero() {
            return Ok(false);
        }
        let (quantity, waived) = self.difference()?;
        if !quantity.is_zero() {
            tiers.entry(self.tier_key()).or_default().add_quantity(&self.line.key.resource_id, quantity)?;
        }
        charges.push(self.charge(quantity, waived, Amounts::default().minus(posted.amounts)));
        Ok(true)
    }

    /// A tiered line whose use and price row are as they were: a rerun asks whether its discounts are. Its list amount
    /// stands, because it depends on what was used before it in the month.
    fn discount_again(&self, charges: &mut Vec<Charge>) -> Result<bool, AmountOverflow> {
        let Some(posted) = self.posted.filter(|posted| self.terms.repricing.is_some() && posted.waived.is_zero()) else {
            return Ok(false);
        };
        let discounts = self.discounts();
        if discounts == self.discounts_as_of(self.line.settled_book_seq) {
            return Ok(false);
        }
        let list = posted.amounts.list;
        let cost = Accrued::of_money(if list.is_negative() { -list } else { list });
        let fee = best_fee(cost, posted.quantity, &self.line.price, &discounts, self.terms.profile.fee_scale)?;
        let fee = if list.is_negative() { -fee } else { fee };
        let change = Amounts::of_fee(list, fee, &self.line.price, &self.terms.profile).minus(posted.amounts);
        if change != Amounts::default() {
            charges.push(self.charge(Quantity::ZERO, Quantity::ZERO, change));
        }
        Ok(change != Amounts::default())
    }

    fn discounts(&self) -> Vec<&DiscountRow> {
        self.discounts_as_of(self.line.book_seq)
    }

    fn discounts_as_of(&self, book_seq: u64) -> Vec<&DiscountRow> {
        let price = &self.line.price.row;
        self.terms.discounts(book_seq).fitting(Buyer {
            account_id: &self.line.key.account_id,
            product: &price.product,
            sku: &price.sku,
            billing_mode: price.billing_mode,
            at: self.line.key.window.start,
        })
    }

    fn tier_key(&self) -> TierKey {
        let key = &self.line.key;
        TierKey {
            account_id: key.account_id.clone(),
            sku: key.sku.clone(),
            price_id: key.price_id.clone(),
            billing_period: self.terms.zone.billing_period(key.window.start),
            resource_id: self.terms.tier_resource(&key.resource_id),
        }
    }

    fn charge(&self, quantity: Quantity, waived: Quantity, amounts: Amounts) -> Charge {
        let Line { key, price, settles_at, region, tags, .. } = self.line;
        let revision = self.posted.map_or(0, |posted| posted.charges);
        let account = self.terms.accounts.at(&key.account_id, key.window.start);
        Charge {
            charge_id: charge_id(key, &[&revision.to_string()]),
            settlement_id: String::new(),
            key: key.clone(),
            product: price.row.product.clone(),
            billing_mode: price.row.billing_mode,
            charge_type: ChargeType::Usage,
            billing_period: self.terms.zone.billing_period(key.window.start),
            quantity,
            waived,
            unit: price.row.unit.as_str().to_owned(),
            unit_price: (!is_tiered(&price.row.model)).then_some(price.row.unit_price),
            amounts,
            currency: price.row.currency.clone(),
            corrects: self.posted.map(|posted| posted.charge_id.clone()),
            reason: self.reason(quantity),
            region: region.clone(),
            cost_center: account.and_then(|row| row.cost_center.clone()),
            tags: tags.clone(),
            transaction_at: *settles_at,
        }
    }

    fn reason(&self, quantity: Quantity) -> Option<String> {
        let reason = match self.posted {
            _ if self.moves_to_another_price() => PRICE_CORRECTED,
            None if self.line.waived.is_zero() => return None,
            None if self.line.is_frozen => FROZEN,
            None => "waived",
            Some(_) if quantity > Quantity::ZERO => "late_usage",
            Some(_) if quantity < Quantity::ZERO => "usage_corrected",
            Some(_) => "terms_changed",
        };
        Some(reason.to_owned())
    }

    /// Whether a rerun takes the line's use from one price row to another: off this one or onto it.
    fn moves_to_another_price(&self) -> bool {
        let Some(repricing) = self.terms.repricing else { return false };
        match self.posted {
            Some(_) => self.line.quantity.is_zero() && !self.terms.counts(&self.line.key, repricing.book_seq),
            None => !self.terms.counts(&self.line.key, self.line.settled_book_seq),
        }
    }

    /// The difference that a changed volume band makes for a resource's quantity so far.
    fn repricing(&self, own: &Charge, resource_id: String, list: Money, fee: Money) -> Charge {
        let key = LineKey { resource_id, ..own.key.clone() };
        Charge {
            charge_id: charge_id(&key, &[VOLUME_BAND, &own.charge_id]),
            key,
            quantity: Quantity::ZERO,
            waived: Quantity::ZERO,
            amounts: TierCharges::repricing(list, fee),
            corrects: None,
            reason: Some(VOLUME_BAND.to_owned()),
            region: None,
            tags: BTreeMap::new(),
            ..own.clone()
        }
    }
}

fn charge_id(key: &LineKey, what: &[&str]) -> String {
    let (start, end) = (key.window.start.to_utc_text(), key.window.end.to_utc_text());
    let mut parts: Vec<&str> =
        vec![&key.account_id, &key.resource_id, &key.sku, &start, &end, &key.price_id, ChargeType::Usage.as_str()];
    parts.extend(what);
    id::derive(KIND_CHARGE, &parts)
}

/// The ids of lines' first charges: what the lines of a holding have in common in all windows is hashed once.
#[derive(Debug, Default)]
pub struct FirstChargeIds {
    holdings: id::Beginnings,
}

impl FirstChargeIds {
    /// What every id of a charge begins with.
    pub const BEFORE: &str = "ch_";

    /// Of holdings, by their account, resource and sku; they are numbered from 0.
    pub fn of_holdings<'t>(holdings: impl Iterator<Item = [&'t str; 3]>) -> Self {
        let mut all = id::Beginnings::default();
        let mut facts = id::Facts::default();
        for [account_id, resource_id, sku] in holdings {
            facts.clear();
            [KIND_CHARGE, account_id, resource_id, sku].into_iter().for_each(|fact| facts.push(fact));
            all.push(&facts);
        }
        Self { holdings: all }
    }

    /// Adds other holdings: theirs have the numbers after these.
    pub fn append(&mut self, others: &Self) {
        self.holdings.append(&others.holdings);
    }

    /// What all lines under a price row have in common, in a window that starts and ends then, in UTC.
    pub fn of_price([start, end]: [&str; 2], price_id: &str) -> id::End {
        id::End::new(&id::Facts::of(&[start, end, price_id, ChargeType::Usage.as_str(), FIRST]))
    }

    /// What the ids of the first charges of lines show after [`Self::BEFORE`]: of lines of these holdings and prices.
    pub fn derive<'p>(&self, lines: impl IntoIterator<Item = (usize, &'p id::End)>) -> Vec<id::Bits> {
        self.holdings.bits(lines)
    }
}

/// The exact cost of one record at the prices it meets, before any cut: what `quarantine` estimates and oracles compare.
///
/// # Errors
/// [`AmountOverflow`] when the amount does not fit 128 bits.
pub fn exact_cost(row: &UsageRow, price: &crate::price::Price) -> Result<crate::number::Accrued, AmountOverflow> {
    let quantity = match price.row.unit {
        crate::table::Unit::Hour => row.quantity.held_for(row.interval().seconds())?,
        crate::table::Unit::Amount(_) => row.quantity,
    };
    crate::price::total(&price.row, quantity)
}

//! Intake: whether a well-formed row can be accepted, given what is known, and what a refused one may be worth.
//!
//! Reads: the row, prices and accounts as known now, other rows with the same id, the clock of the command.
//! Promises: a row is accepted, a duplicate, or refused with one reason; which of two conflicting rows stays depends on
//! their order alone; nothing is dropped.
//!
//! `ends` has what is said of use after the end of a resource, or of its account; `plain` what many rows are held against at
//! once.

mod ends;
mod plain;

pub use ends::{ResourceEnd, check_end, is_within, usable};
pub use plain::{Extremes, PlainTerms};

use crate::account::Accounts;
use crate::number::{AmountOverflow, FeeScale, Money, Quantity};
use crate::price::{Price, Prices, Timeline};
use crate::rate::{exact_cost, last_instant};
use crate::table::{BillingMode, PriceModel, Refusal, Unit, UsageRow};
use crate::time::{Instant, Window, Zone};
use plain::{SMALL_BITS, bits, use_bits};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far ahead of the clock a producer's may be.
const AHEAD_SECONDS_MAX: i64 = 300;

/// What a usage row is held against.
#[derive(Debug, Clone, Copy)]
pub struct UsageChecks<'a> {
    /// The accounts.
    pub accounts: &'a Accounts,
    /// The prices as known now.
    pub prices: &'a Prices,
    /// The clock of the command.
    pub as_of: Instant,
    /// Windows before it do not exist.
    pub epoch: Option<Instant>,
    /// Use of months before it came too late to settle by itself: see [`late_from`].
    pub late_from: Option<Instant>,
    /// Where days and months close.
    pub zone: Zone,
}

/// The first instant whose month is not longer ended than the profile's `late_cutoff`; earlier use waits in quarantine until
/// an operator takes it again.
pub fn late_from(late_cutoff: Option<Duration>, as_of: Instant, zone: Zone) -> Option<Instant> {
    let seconds = i64::try_from(late_cutoff?.as_secs()).ok()?;
    Some(zone.month_containing(as_of.plus_seconds(-seconds)).start)
}

impl<'a> UsageChecks<'a> {
    /// Whether the row can be priced: account, sku, mode, currency, price, clock, size. Hands back its prices.
    ///
    /// # Errors
    /// A [`Refusal`] with the first reason that applies.
    pub fn check(&self, row: &UsageRow) -> Result<&'a Timeline, Refusal> {
        let Some(currency) = self.accounts.currency(&row.account_id) else {
            let expected = "no such account is known; deliver it in an accounts file, then retry the row";
            return Err(Refusal::at("account_id", &row.account_id, "unknown_account", expected));
        };
        let priced_in = self.prices.currencies(&row.sku);
        if priced_in.is_empty() {
            let expected = "no price names this sku; deliver it in a prices file, then retry the row";
            return Err(Refusal::at("sku", &row.sku, "unknown_sku", expected));
        }
        let Some(timeline) = self.prices.timeline(&row.sku, currency) else {
            let expected = format!(
                "the account's currency is {currency}, the sku is priced in {} only; publish a price in {currency}, then retry the row",
                priced_in.join(", ")
            );
            return Err(Refusal::at("sku", &row.sku, "no_price_in_currency", &expected));
        };
        self.check_time(row)?;
        self.check_price(row, timeline, currency)?;
        Ok(timeline)
    }

    fn check_time(&self, row: &UsageRow) -> Result<(), Refusal> {
        let ahead = |column: &str, at: Instant| {
            let expected = format!(
                "that is {} s ahead of the clock ({}), at most {AHEAD_SECONDS_MAX} s are tolerated; check the producer's clock, then retry the row",
                at.seconds() - self.as_of.seconds(),
                self.zone.to_text(self.as_of)
            );
            Refusal::at(column, &self.zone.to_text(at), "in_the_future", &expected)
        };
        let latest = self.as_of.plus_seconds(AHEAD_SECONDS_MAX);
        if row.started_at > latest {
            return Err(ahead("started_at", row.started_at));
        }
        if row.ended_at > latest {
            return Err(ahead("ended_at", row.ended_at));
        }
        let early = |reason, expected: &str| Refusal::at("started_at", &self.zone.to_text(row.started_at), reason, expected);
        if let Some(epoch) = self.epoch.filter(|epoch| row.started_at < *epoch) {
            let epoch = self.zone.to_text(epoch);
            let expected = format!("windows begin at the home's epoch, {epoch}; earlier use is not settled here");
            return Err(early("before_epoch", &expected));
        }
        if let Some(late_from) = self.late_from.filter(|late_from| row.started_at < *late_from) {
            let late_from = self.zone.to_text(late_from);
            let expected = format!(
                "its month ended longer ago than `late_cutoff` of the profile: use from {late_from} on settles by itself; retry the row to settle it all the same"
            );
            return Err(early("too_late", &expected));
        }
        Ok(())
    }

    fn check_price(&self, row: &UsageRow, timeline: &Timeline, currency: &str) -> Result<(), Refusal> {
        let last = last_instant(row.interval());
        let Some(price) = timeline.at(last) else { return Err(self.no_price(row, currency)) };
        let needed = match price.row.unit {
            Unit::Hour => row.interval(),
            Unit::Amount(_) => Window::new(last, last.plus_seconds(1)),
        };
        if !timeline.covers(needed) {
            return Err(self.no_price(row, currency));
        }
        if let Some(other) = timeline.during(needed).find(|price| price.row.billing_mode != BillingMode::PayPerUse) {
            let mode = other.row.billing_mode.as_str();
            let expected = format!("the sku is sold as {mode}; usage is taken for pay_per_use skus only");
            return Err(Refusal::at("sku", &row.sku, "not_pay_per_use", &expected));
        }
        if let Some(other) = timeline.during(needed).find(|other| other.row.unit != price.row.unit) {
            let (from, to) = (other.row.unit.as_str(), price.row.unit.as_str());
            let expected = format!("the sku's unit changes from {from} to {to} inside the record; deliver two records");
            return Err(Refusal::at("sku", &row.sku, "unit_changes", &expected));
        }
        if !timeline.during(needed).all(|price| fits(row, price)) {
            let expected = "the amount would pass 92 billion; check the unit of the quantity";
            return Err(Refusal::at("quantity", &row.quantity.to_string(), "amount_too_large", expected));
        }
        Ok(())
    }

    fn no_price(&self, row: &UsageRow, currency: &str) -> Refusal {
        let expected = format!(
            "no price in {currency} holds during all of {} to {}; publish one, then retry the row",
            self.zone.to_text(row.started_at),
            self.zone.to_text(row.ended_at)
        );
        Refusal::at("sku", &row.sku, "no_price", &expected)
    }

    /// What a refused row may be worth, from whatever of it can be read; 0 where nothing can be said.
    ///
    /// Signs are ignored, local times are read in the billing zone, another currency's price stands in for a missing one.
    pub fn amount_at_risk(&self, cell: impl Fn(&str) -> String) -> Money {
        self.estimate(&cell).unwrap_or(Money::ZERO)
    }

    fn estimate(&self, cell: &dyn Fn(&str) -> String) -> Option<Money> {
        let (account_id, sku) = (cell("account_id"), cell("sku"));
        let currency = currency_at_risk(self.accounts, self.prices, &account_id, &sku)?;
        let (started_at, ended_at) = (self.rough_instant(&cell("started_at"))?, self.rough_instant(&cell("ended_at"))?);
        let row = UsageRow {
            record_id: String::new(),
            account_id,
            resource_id: String::new(),
            sku: sku.clone(),
            started_at: started_at.min(ended_at),
            ended_at: started_at.max(ended_at),
            quantity: rough_quantity(&cell("quantity"))?,
            region: None,
            resource_name: None,
            tags: BTreeMap::new(),
            revision: 0,
            corrects: None,
            is_waived: false,
            line: 0,
        };
        let price = self.prices.timeline(&sku, currency)?.at(last_instant(row.interval()))?;
        Some(exact_cost(&row, price).ok()?.cut(FeeScale::EIGHT).ok()?.money)
    }

    fn rough_instant(&self, text: &str) -> Option<Instant> {
        if let Ok(instant) = Instant::parse(text) {
            return Some(instant);
        }
        let local = chrono::NaiveDateTime::parse_from_str(&text.replace(' ', "T"), "%Y-%m-%dT%H:%M:%S").ok()?;
        let midnight = self.zone.start_of_day(local.date());
        Some(midnight.plus_seconds(i64::from(chrono::Timelike::num_seconds_from_midnight(&local))))
    }
}

/// Whether the row's amount can be kept: at most 92 billion, and exact on the way there.
fn fits(row: &UsageRow, price: &Price) -> bool {
    let is_small = use_bits(row.measured()) + bits(price.row.unit_price.e12()) <= SMALL_BITS;
    if is_small && price.row.model == PriceModel::Flat {
        return true;
    }
    exact_cost(row, price).is_ok_and(|cost| cost.cut(FeeScale::EIGHT).is_ok())
}

/// The currency in which a refused row's amount at risk is estimated: the account's, or another that the sku is priced in.
pub fn currency_at_risk<'a>(accounts: &'a Accounts, prices: &'a Prices, account_id: &str, sku: &str) -> Option<&'a str> {
    match accounts.currency(account_id) {
        Some(currency) if prices.timeline(sku, currency).is_some() => Some(currency),
        _ => prices.currencies(sku).first().copied(),
    }
}

fn rough_quantity(text: &str) -> Option<Quantity> {
    if text.is_empty() {
        return Some(Quantity::ONE);
    }
    let text = text.trim().trim_start_matches(['-', '+']);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: String = fraction.chars().take(12).collect();
    let (mantissa, exponent) = match whole.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<u32>().ok().filter(|power| *power <= 12)?),
        None => (whole, 0),
    };
    let exact = if fraction.is_empty() { mantissa.to_owned() } else { format!("{mantissa}.{fraction}") };
    let quantity = Quantity::parse(&exact).ok()?;
    quantity.e12().checked_mul(10_i128.pow(exponent)).map(Quantity::from_e12)
}

/// A row that is known under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRecord {
    /// [`UsageRow::content_id`].
    pub content_id: String,
    /// Its revision.
    pub revision: u32,
    /// Whether no other row has taken its place.
    pub is_live: bool,
}

/// What a row is to the rows known under its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The first.
    New,
    /// Known with the same content.
    Duplicate,
    /// A higher revision than the live row at this place of the list: takes its place.
    Replaces(usize),
    /// Other content without a higher revision: the first stays.
    Conflict,
}

/// What a row is to the rows known under its id.
pub fn standing(row: &UsageRow, known: &[KnownRecord]) -> Standing {
    let content_id = row.content_id();
    if known.is_empty() {
        return Standing::New;
    }
    if known.iter().any(|other| other.content_id == content_id) {
        return Standing::Duplicate;
    }
    match known.iter().position(|other| other.is_live) {
        Some(place) if row.revision > known[place].revision => Standing::Replaces(place),
        _ => Standing::Conflict,
    }
}

/// A row's units all in the hour that holds its last instant: for one that is refused and says that it lasted for years, of
/// which nobody needs every hour.
///
/// # Errors
/// [`AmountOverflow`] when the product does not fit 128 bits.
pub fn units_at_end(row: &UsageRow, timeline: &Timeline) -> Result<Vec<(Instant, String, Quantity)>, AmountOverflow> {
    let last = last_instant(row.interval());
    let Some(price) = timeline.at(last) else { return Ok(Vec::new()) };
    let quantity = match price.row.unit {
        Unit::Hour => row.quantity.held_for(row.interval().seconds())?,
        Unit::Amount(_) => row.quantity,
    };
    Ok(vec![(last.hour_start(), price.row.unit.as_str().to_owned(), quantity)])
}

/// A row's units by UTC hour: unit-seconds of a time-priced sku, the amount in the hour of its last instant otherwise.
///
/// # Errors
/// [`AmountOverflow`] when a product does not fit 128 bits.
pub fn units_by_hour(row: &UsageRow, timeline: &Timeline) -> Result<Vec<(Instant, String, Quantity)>, AmountOverflow> {
    let last = last_instant(row.interval());
    let Some(price) = timeline.at(last) else { return Ok(Vec::new()) };
    if let Unit::Amount(word) = &price.row.unit {
        return Ok(vec![(last.hour_start(), word.clone(), row.quantity)]);
    }
    let mut hours = Vec::new();
    let mut start = row.started_at;
    while start < row.ended_at {
        let end = row.ended_at.min(start.hour_start().plus_seconds(3_600));
        hours.push((start.hour_start(), "hour".to_owned(), row.quantity.held_for(end.seconds() - start.seconds())?));
        start = end;
    }
    Ok(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_late_once_it_ended_longer_ago_than_the_cutoff() {
        let (zone, at) = (Zone::parse("+08:00").expect("a zone"), |text: &str| Instant::parse(text).expect("an instant"));
        // days after the month's end | the clock | use settles by itself from
        for (days, as_of, from) in [
            (0, "2026-03-15T12:00:00+08:00", "2026-03-01T00:00:00+08:00"),
            (10, "2026-03-10T23:59:59+08:00", "2026-02-01T00:00:00+08:00"),
            (10, "2026-03-11T00:00:00+08:00", "2026-03-01T00:00:00+08:00"),
            (90, "2026-03-11T00:00:00+08:00", "2025-12-01T00:00:00+08:00"),
        ] {
            let cutoff = Duration::from_secs(days * 86_400);
            assert_eq!(late_from(Some(cutoff), at(as_of), zone), Some(at(from)), "{days} d after, at {as_of}");
        }
        assert_eq!(late_from(None, at("2026-03-15T12:00:00+08:00"), zone), None);
    }
}

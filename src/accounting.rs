//! The accounting of use: what the store keeps, and what files of the lake count themselves.
//!
//! Use that was taken or settled in columns is not repeated in the store: the sums beside its rows say what was accepted and
//! what was delivered again, the charges say what was charged.

use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::UnitsKey;
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{ChargeFilter, FrameError, read_charges};
use reckoner_store::{LakeFile, UsageAccounting};
use reckoner_tally::PartialFile;
use std::collections::{BTreeMap, BTreeSet};

/// Where the files are that count use themselves.
pub struct Accounting<'a> {
    books: &'a Books,
    partials: Vec<LakeFile>,
    charges: Vec<LakeFile>,
    /// Starts of the hours that they count.
    hours: BTreeSet<Instant>,
}

impl<'a> Accounting<'a> {
    /// Looks up which files count use of this time.
    ///
    /// # Errors
    /// What the store says, or a file that cannot be read.
    pub fn load(books: &'a Books, within: Window) -> Result<Self, Failure> {
        // The last hour may begin within and be used later only: a billing zone's midnight cuts hours.
        let reached = Window::new(within.start, within.end.plus_seconds(3_600));
        let partials = books.store().partial_files(reached)?;
        let charges: Vec<LakeFile> = books.store().charge_files(reached)?.into_iter().filter(|file| file.counts_units).collect();
        let mut hours: BTreeSet<Instant> = charges.iter().map(|file| file.span.start).collect();
        for file in &partials {
            let opened = PartialFile::open(&books.lake_path(file))?;
            hours.extend(opened.hours().chain(opened.hours_again()).map(Instant::from_seconds));
        }
        hours.retain(|hour| within.holds(*hour));
        Ok(Self { books, partials, charges, hours })
    }

    /// Cuts a time into stretches of which each has at most one hour that files count: what is in memory at a time.
    pub fn stretches(&self, within: Window) -> Vec<Window> {
        let ends = self.hours.iter().map(|hour| hour.plus_seconds(3_600)).filter(|end| within.start < *end && *end < within.end);
        let ends: Vec<Instant> = ends.chain([within.end]).collect();
        let starts = std::iter::once(within.start).chain(ends.iter().copied());
        starts.zip(ends.iter().copied()).map(|(start, end)| Window::new(start, end)).collect()
    }

    /// The accounting of the hours that start within; one row an hour, account, sku and unit, in this order.
    ///
    /// # Errors
    /// What the store says, a file that cannot be read, or a sum that does not fit.
    pub fn within(&self, within: Window) -> Result<Vec<UsageAccounting>, Failure> {
        let stored = self.books.store().usage_accounting(within)?;
        let hours: Vec<Instant> = self.hours.range(within.start..within.end).copied().collect();
        if hours.is_empty() {
            return Ok(stored);
        }
        let mut sums: BTreeMap<UnitsKey, UsageAccounting> = BTreeMap::new();
        for row in stored {
            let key = (row.hour, row.account_id.clone(), row.sku.clone(), row.unit.clone());
            sums.insert(key, row);
        }
        for hour in hours {
            self.add_partials(hour, &mut sums)?;
            self.add_charges(hour, &mut sums)?;
        }
        Ok(sums.into_values().collect())
    }

    fn add_partials(&self, hour: Instant, sums: &mut BTreeMap<UnitsKey, UsageAccounting>) -> Result<(), Failure> {
        let reaches = |file: &&LakeFile| file.span.start < hour.plus_seconds(3_600) && file.span.end >= hour;
        for file in self.partials.iter().filter(reaches) {
            let file = PartialFile::open(&self.books.lake_path(file))?;
            let mut names: Vec<(String, String, String)> = Vec::new();
            file.each_holding(|named| {
                let [account_id, _, sku] = named.key;
                names.push((account_id.to_owned(), sku.to_owned(), named.unit.to_owned()));
            })?;
            let mut fits = Ok(());
            file.each_sum(hour.seconds(), |place, used, _| {
                let row = entry(sums, hour, &names[place]);
                row.accepted = row.accepted.plus(used)?;
                Ok(())
            })?;
            file.each_again(hour.seconds(), |place, again| {
                let row = entry(sums, hour, &names[place]);
                match row.duplicate.plus(again) {
                    Ok(sum) => row.duplicate = sum,
                    Err(error) => fits = Err(error),
                }
            })?;
            fits.map_err(FrameError::from)?;
        }
        Ok(())
    }

    fn add_charges(&self, hour: Instant, sums: &mut BTreeMap<UnitsKey, UsageAccounting>) -> Result<(), Failure> {
        let within = Window::new(hour, hour.plus_seconds(3_600));
        let files = self.charges.iter().filter(|file| file.span.start < within.end && file.span.end > within.start);
        let paths: Vec<_> = files.map(|file| self.books.lake_path(file)).collect();
        for charge in read_charges(&paths, &ChargeFilter { within: Some(within), ..ChargeFilter::default() })? {
            let name = (charge.key.account_id, charge.key.sku, charge.unit);
            let row = entry(sums, hour, &name);
            let is_free = charge.unit_price.is_some_and(|price| price.e12() == 0);
            let settled = if is_free { &mut row.zero_rated } else { &mut row.charged };
            *settled = settled.plus(charge.quantity).map_err(FrameError::from)?;
        }
        Ok(())
    }
}

/// The skus that were used by rows of this time.
///
/// # Errors
/// What the store says, or a file that cannot be read.
pub fn used_skus(books: &Books, within: Window) -> Result<BTreeSet<String>, Failure> {
    let mut used: BTreeSet<String> = books.store().used_skus(within)?.into_iter().map(|(_, sku)| sku).collect();
    for file in books.store().partial_files(within)? {
        PartialFile::open(&books.lake_path(&file))?.each_holding(|named| {
            if !used.contains(named.key[2]) {
                used.insert(named.key[2].to_owned());
            }
        })?;
    }
    Ok(used)
}

fn entry<'s>(
    sums: &'s mut BTreeMap<UnitsKey, UsageAccounting>,
    hour: Instant,
    (account_id, sku, unit): &(String, String, String),
) -> &'s mut UsageAccounting {
    let key = (hour, account_id.clone(), sku.clone(), unit.clone());
    sums.entry(key).or_insert_with(|| UsageAccounting::nothing(hour, account_id, sku, unit))
}

//! Manifests: what a producer says that it delivers for an hour, and how a file compares with what is said of it.
//!
//! A manifest is JSON: `{"source": "meter-1", "hour": "2026-01-05T13:00:00Z", "seq": 1, "final": true, "files": [{"name":
//! "usage-2026-01-05T13.csv", "rows": 1872, "sum_quantity": {"vm.small": "93600.5"}}]}`.
//!
//! Owns: reading one, comparing bytes and totals with it. Does not own: files, what follows from a difference.
//! Promises: a number is the digits that were delivered, never a float; totals are compared exactly; a difference is told
//! with both values and what lies between them.

mod read;
#[cfg(test)]
mod tests;

pub use read::{ManifestFault, parse};

use crate::number::{AmountOverflow, DecimalShape, Quantity};
use crate::time::{Instant, Window};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a producer says that it delivers for one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Who delivers.
    pub source: String,
    /// The hour, or a longer time, that the files are about.
    pub window: Window,
    /// `seq`: of several manifests for one source and window the one with the highest counts.
    pub number: u64,
    /// `final`: whether nothing more will be listed for the window.
    pub is_final: bool,
    /// The files; none says that there was no use.
    pub files: Vec<ListedFile>,
}

/// What a manifest says of one file. What it leaves out is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFile {
    /// Its name, without folders.
    pub name: String,
    /// Its length.
    pub bytes: Option<u64>,
    /// SHA-256 of its bytes, 64 hex digits in small letters.
    pub sha256: Option<String>,
    /// Its rows, the header not counted.
    pub rows: Option<u64>,
    /// The earliest `started_at` of its rows.
    pub min_ts: Option<Instant>,
    /// The latest `ended_at` of its rows.
    pub max_ts: Option<Instant>,
    /// The sum of `quantity` by sku, of every sku in the file.
    pub sum_quantity: Option<BTreeMap<String, Quantity>>,
    /// The earlier delivery in whose place the file stands: its name or file_id.
    pub replaces: Option<String>,
}

/// What the rows of a file come to, refused ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many there are.
    pub rows: u64,
    /// The earliest `started_at` that can be read.
    pub min_ts: Option<Instant>,
    /// The latest `ended_at` that can be read.
    pub max_ts: Option<Instant>,
    /// The sum of `quantity` by sku.
    pub sum_quantity: BTreeMap<String, Quantity>,
    /// Rows whose quantity is no plain number; they are in no sum.
    pub rows_without_number: u64,
}

impl Totals {
    /// Adds a row by its cells as delivered: sku, quantity (empty is 1), started_at, ended_at. What cannot be read is left
    /// out of its total: the row is refused on its own, and the totals then show whether it was delivered so.
    ///
    /// # Errors
    /// [`AmountOverflow`] when a sum passes 128 bits.
    pub fn add(&mut self, sku: &str, quantity: &str, started_at: &str, ended_at: &str) -> Result<(), AmountOverflow> {
        self.rows += 1;
        if let Ok(start) = Instant::parse(started_at) {
            self.min_ts = Some(self.min_ts.map_or(start, |known| known.min(start)));
        }
        if let Ok(end) = Instant::parse(ended_at) {
            self.max_ts = Some(self.max_ts.map_or(end, |known| known.max(end)));
        }
        // A negative quantity is refused as a row, but its producer has summed it.
        let shape = DecimalShape { is_signed: true, ..DecimalShape::QUANTITY };
        match shape.parse(if quantity.is_empty() { "1" } else { quantity }) {
            Ok(e12) => {
                let sum = self.sum_quantity.entry(sku.to_owned()).or_insert(Quantity::ZERO);
                *sum = sum.plus(Quantity::from_e12(e12))?;
            }
            Err(_) => self.rows_without_number += 1,
        }
        Ok(())
    }

    /// Adds a record that is no row.
    pub fn add_unreadable(&mut self) {
        self.rows += 1;
        self.rows_without_number += 1;
    }
}

impl ListedFile {
    /// Whether the rows must be read to compare everything that is said.
    pub fn says_totals(&self) -> bool {
        self.rows.is_some() || self.min_ts.is_some() || self.max_ts.is_some() || self.sum_quantity.is_some()
    }

    /// How the bytes differ from what is said of them; nothing if they do not.
    pub fn compare_bytes(&self, bytes: u64, sha256: &str) -> Vec<String> {
        let mut differences = Vec::new();
        if let Some(stated) = self.bytes.filter(|stated| *stated != bytes) {
            differences.push(count("bytes", stated, bytes));
        }
        if let Some(stated) = self.sha256.as_ref().filter(|stated| *stated != sha256) {
            differences.push(format!("sha256: the manifest says `{stated}`, the file has `{sha256}`"));
        }
        differences
    }

    /// How the rows differ from what is said of them; nothing if they do not.
    pub fn compare_totals(&self, totals: &Totals) -> Vec<String> {
        let mut differences = Vec::new();
        if let Some(stated) = self.rows.filter(|stated| *stated != totals.rows) {
            differences.push(count("rows", stated, totals.rows));
        }
        let instants = [
            ("min_ts", "earliest started_at", self.min_ts, totals.min_ts),
            ("max_ts", "latest ended_at", self.max_ts, totals.max_ts),
        ];
        for (key, what, stated, found) in instants {
            if let Some(stated) = stated.filter(|stated| Some(*stated) != found) {
                differences.push(instant(key, what, stated, found));
            }
        }
        let before = differences.len();
        let skus = self.sum_quantity.iter().flat_map(|stated| stated.keys().chain(totals.sum_quantity.keys()));
        for sku in skus.collect::<BTreeSet<_>>() {
            let sum = |sums: &BTreeMap<String, Quantity>| sums.get(sku).copied();
            let stated = self.sum_quantity.as_ref().and_then(sum);
            differences.extend(quantity(sku, stated, sum(&totals.sum_quantity)));
        }
        if differences.len() > before && totals.rows_without_number > 0 {
            let rows = totals.rows_without_number;
            differences.push(format!("the quantity of {rows} rows is no plain number, they are in no sum"));
        }
        differences
    }
}

impl Manifest {
    /// What is said of the file with this name.
    pub fn file(&self, name: &str) -> Option<&ListedFile> {
        self.files.iter().find(|listed| listed.name == name)
    }
}

fn count(key: &str, stated: u64, found: u64) -> String {
    let difference = if found < stated { format!("{} fewer", stated - found) } else { format!("{} more", found - stated) };
    format!("{key}: the manifest says {stated}, the file has {found}, {difference}")
}

fn instant(key: &str, what: &str, stated: Instant, found: Option<Instant>) -> String {
    let says = format!("{key}: the manifest says {}, ", stated.to_utc_text());
    match found {
        None => format!("{says}the file has no {what}"),
        Some(found) => {
            let seconds = found.seconds() - stated.seconds();
            let difference = if seconds < 0 { format!("{} s earlier", -seconds) } else { format!("{seconds} s later") };
            format!("{says}the {what} in the file is {}, {difference}", found.to_utc_text())
        }
    }
}

/// A sku that one side does not name has no use there; 0 and nothing are the same.
fn quantity(sku: &str, stated: Option<Quantity>, found: Option<Quantity>) -> Option<String> {
    let (says, has) = (stated.unwrap_or(Quantity::ZERO), found.unwrap_or(Quantity::ZERO));
    if says == has {
        return None;
    }
    let shown = |sum: Option<Quantity>| sum.map_or_else(|| "nothing".to_owned(), |sum| sum.to_string());
    let difference = match has.minus(says) {
        Ok(more) if more < Quantity::ZERO => format!(", {} less", Quantity::from_e12(-more.e12())),
        Ok(more) => format!(", {more} more"),
        Err(AmountOverflow) => String::new(),
    };
    Some(format!("sum_quantity of `{sku}`: the manifest says {}, the rows sum to {}{difference}", shown(stated), shown(found)))
}

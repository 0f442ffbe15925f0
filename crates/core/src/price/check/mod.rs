//! Looking a price list over: what is wrong in it, what is missing, what will be missed soon.
//!
//! Reads: price, product, discount and voucher rows, the accounts, which skus are used, which usage waits for a price.
//! Promises: plain values in, remarks out, in the order of the rows; nothing is refused here (`intake` does), so that every
//! remark can be made at once. Rows that a higher revision replaced are not remarked on.

mod discounts;
mod prices;
#[cfg(test)]
mod tests;

use crate::account::Accounts;
use crate::profile::AutoRenewTerm;
use crate::table::{DiscountRow, PriceRow, ProductRow, VoucherRow};
use crate::time::{Instant, Window, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds before a price's end from which its missing successor is remarked on: 30 days.
pub const SOON_SECONDS: i64 = 30 * 86_400;
/// Names that a remark lists at most.
const NAMES_MAX: usize = 5;

/// What is looked over.
#[derive(Debug, Clone)]
pub struct Catalogue<'a> {
    /// Every published row.
    pub prices: Vec<&'a PriceRow>,
    /// Every row.
    pub products: Vec<&'a ProductRow>,
    /// Every published row.
    pub discounts: Vec<&'a DiscountRow>,
    /// Every voucher.
    pub vouchers: Vec<&'a VoucherRow>,
    /// The accounts.
    pub accounts: &'a Accounts,
    /// How much an automatic renewal buys where nobody chose.
    pub auto_renew_term: AutoRenewTerm,
    /// Skus that were used lately, by anybody.
    pub used: BTreeSet<&'a str>,
    /// Usage that waits for a price.
    pub unpriced: Vec<Unpriced<'a>>,
    /// The clock.
    pub as_of: Instant,
    /// For instants in sentences.
    pub zone: Zone,
}

/// A row of usage that was refused because nothing says what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpriced<'a> {
    /// The sku as delivered.
    pub sku: &'a str,
    /// The code: `unknown_sku`, `no_price`, `no_price_in_currency`.
    pub reason: &'a str,
}

/// How grave a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Money is asked wrongly, or not at all.
    Error,
    /// Somebody should look: it may be meant so.
    Warning,
}

/// The row that a remark is about, by its place in the [`Catalogue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Usage that waits.
    Unpriced(usize),
    /// A price row.
    Price(usize),
    /// A product row.
    Product(usize),
    /// A discount row.
    Discount(usize),
    /// A voucher.
    Voucher(usize),
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// A stable word for scripts: `price_gap`, …
    pub code: &'static str,
    /// How grave.
    pub gravity: Gravity,
    /// Where.
    pub about: About,
    /// What was seen.
    pub saw: String,
    /// What was expected.
    pub expected: String,
    /// What to do.
    pub to_do: String,
}

/// Everything that there is to remark, by table, then in the order of the rows.
pub fn look_over(catalogue: &Catalogue<'_>) -> Vec<Remark> {
    let lists = price_lists(catalogue);
    let mut remarks = prices::look_over(catalogue, &lists);
    remarks.extend(discounts::look_over(catalogue));
    remarks.sort_by_key(|remark| remark.about); // stable: remarks about one row stay in their order
    remarks
}

/// The rows of one sku and currency that count, in order of time, with their places and when they hold.
struct PriceList<'a> {
    sku: &'a str,
    currency: &'a str,
    rows: Vec<(usize, &'a PriceRow, Window)>,
}

/// Rows by when they begin, with their places.
type Dated<'a> = BTreeMap<Instant, (usize, &'a PriceRow)>;

fn price_lists<'a>(catalogue: &Catalogue<'a>) -> Vec<PriceList<'a>> {
    let mut newest: BTreeMap<(&str, &str), Dated> = BTreeMap::new();
    for (place, row) in catalogue.prices.iter().enumerate() {
        let dated = newest.entry((&row.sku, &row.currency)).or_default();
        let kept = dated.entry(row.begins()).or_insert((place, row));
        if row.revision > kept.1.revision {
            *kept = (place, row);
        }
    }
    let lists = newest.into_iter().map(|((sku, currency), dated)| {
        let begins: Vec<Instant> = dated.keys().copied().collect();
        let rows = dated.into_values().enumerate().map(|(nth, (place, row))| {
            let stated = row.stated_validity();
            let end = begins.get(nth + 1).map_or(stated.end, |next| stated.end.min(*next));
            (place, row, Window::new(stated.start, end))
        });
        PriceList { sku, currency, rows: rows.collect() }
    });
    lists.collect()
}

/// The skus that prices name.
fn known_skus<'a>(catalogue: &Catalogue<'a>) -> BTreeSet<&'a str> {
    catalogue.prices.iter().map(|row| row.sku.as_str()).collect()
}

/// The products that prices or product rows name.
fn known_products<'a>(catalogue: &Catalogue<'a>) -> BTreeSet<&'a str> {
    let priced = catalogue.prices.iter().map(|row| row.product.as_str());
    priced.chain(catalogue.products.iter().map(|row| row.product.as_str())).collect()
}

/// "a sku that prices name, such as `a` or `b`": the names most like the one that is not known.
fn such_as(what: &str, unknown: &str, known: &BTreeSet<&str>) -> String {
    let mut names: Vec<&str> = known.iter().copied().collect();
    names.sort_by_key(|name| (distance(name, unknown), *name));
    names.truncate(3);
    match names.is_empty() {
        true => format!("{what}; there is none yet"),
        false => format!("{what}, such as {}", listed(&names)),
    }
}

/// `` `a`, `b`, `c` and 4 more ``.
fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// How many characters have to be put in, taken out or exchanged to make one name of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

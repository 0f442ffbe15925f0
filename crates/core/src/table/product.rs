//! `products`: what belongs together, and the flags that bear on its life.

use super::cells::Cells;
use super::{Context, RawRow, Refusal, TableKind, read};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One dated row of `products`. A product that only prices name has the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRow {
    /// The product.
    pub product: String,
    /// Display name.
    pub name: String,
    /// What overlapping records of one resource do.
    pub overlap: Overlap,
    /// First instant in force; nothing: since ever.
    pub valid_from: Option<Instant>,
    /// Everything else of the contract's columns, checked and as delivered: used by later jobs.
    pub particulars: BTreeMap<String, String>,
}

/// What overlapping records of one resource do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// They add up.
    #[default]
    Add,
    /// The later one is quarantined.
    Refuse,
}

/// Reads a row of `products`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong.
pub fn parse(row: &RawRow<'_>, _context: &Context<'_>) -> Result<ProductRow, Refusal> {
    let mut cells = Cells::new(TableKind::Products, row);
    let product = cells.id("product")?;
    Ok(ProductRow {
        name: cells.optional("name", read::text)?.unwrap_or_else(|| product.clone()),
        product,
        overlap: cells.word("overlap")?,
        valid_from: cells.instant("valid_from")?,
        particulars: cells.particulars()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] = &[("product", "block-storage")];

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("product", "")], "missing_value product"),
            (&[("product", "block storage")], "invalid_id product"),
            (&[("addon", "true")], "ok"),
            (&[("addon", "yes")], "invalid_value addon"),
            (&[("addon", "TRUE")], "invalid_value addon"),
            (&[("renewal", "own_page")], "ok"),
            (&[("renewal", "auto")], "invalid_value renewal"), // an order's word, not a product's
            (&[("mode_switch", "both")], "ok"),
            (&[("refund", "seven_day_full")], "ok"),
            (&[("refund", "full")], "invalid_value refund"),
            (&[("free_quota", "0.5")], "ok"),
            (&[("free_quota", "-1")], "negative_quantity free_quota"),
            (&[("arrears_stops", "at_once")], "ok"),
            (&[("grace_days", "0")], "ok"),
            (&[("grace_days", "1.5")], "not_a_number grace_days"),
            (&[("overlap", "refuse")], "ok"),
            (&[("overlap", "merge")], "invalid_value overlap"),
            (&[("service_category", "a\tb")], "invalid_text service_category"),
            (&[("edition_rank", "x"), ("overlap", "merge")], "not_a_number edition_rank"),
        ];
        Cases { kind: TableKind::Products, base: BASE, parse }.check(cases);
    }

    #[test]
    fn a_product_without_a_name_is_called_by_its_id() {
        let raw = row(TableKind::Products, &[BASE, &[("refund", "none")]].concat());
        let product = parse(&raw, &Context::new("CNY")).expect("right");
        assert_eq!((product.name.as_str(), product.overlap), ("block-storage", Overlap::Add));
        assert_eq!(product.particulars["refund"], "none");
    }
}

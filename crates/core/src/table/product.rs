//! `products`: what belongs together, and the flags that bear on its life.

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

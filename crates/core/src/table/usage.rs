//! `usage`: what happened. One accepted row, with its place in the delivered file.

use crate::number::Quantity;
use crate::time::{Instant, Window};
use std::collections::BTreeMap;

/// One accepted row of `usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Names the row within its account.
    pub record_id: String,
    /// Who used it.
    pub account_id: String,
    /// What was used, within the account.
    pub resource_id: String,
    /// As what it is priced.
    pub sku: String,
    /// The first instant of use.
    pub started_at: Instant,
    /// The first instant after use.
    pub ended_at: Instant,
    /// How much was held, or the amount.
    pub quantity: Quantity,
    /// Where.
    pub region: Option<String>,
    /// Display name of the resource.
    pub resource_name: Option<String>,
    /// Labels, sorted by key.
    pub tags: BTreeMap<String, String>,
    /// A higher revision replaces the row with the same id.
    pub revision: u32,
    /// The record whose place this one takes.
    pub corrects: Option<String>,
    /// Charged with a discount of its whole list amount.
    pub is_waived: bool,
    /// Line in the delivered file, counted from 1 with the header as line 1; for Parquet the row, counted from 1.
    pub line: u64,
}

impl UsageRow {
    /// The time of use.
    pub fn interval(&self) -> Window {
        Window::new(self.started_at, self.ended_at)
    }

    /// A hash of everything that the row says but for its place: equal content under one id is a duplicate.
    pub fn content_id(&self) -> String {
        crate::id::derive("row", &self.content_parts().iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn content_parts(&self) -> [String; 13] {
        [
            self.record_id.clone(),
            self.account_id.clone(),
            self.resource_id.clone(),
            self.sku.clone(),
            self.started_at.seconds().to_string(),
            self.ended_at.seconds().to_string(),
            self.quantity.to_string(),
            self.region.clone().unwrap_or_default(),
            self.resource_name.clone().unwrap_or_default(),
            crate::table::usage::tags_text(&self.tags),
            self.revision.to_string(),
            self.corrects.clone().unwrap_or_default(),
            self.is_waived.to_string(),
        ]
    }
}

/// Labels as one cell: `key=value;key=value`, sorted by key.
pub fn tags_text(tags: &BTreeMap<String, String>) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(";")
}

//! `usage`: what happened. One accepted row, with its place in the delivered file.

use super::cells::Cells;
use super::{Context, RawRow, Refusal, TableKind, read, reason};
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

    /// What cutting reads of the row.
    pub fn measured(&self) -> crate::rate::Use {
        crate::rate::Use { interval: self.interval(), quantity: self.quantity }
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
            tags_text(&self.tags),
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

/// Reads back what [`tags_text`] wrote.
pub fn tags_of(text: &str) -> BTreeMap<String, String> {
    text.split(';').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Reads a row of `usage`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong, then for use that ends before it starts, then for a row that names
/// itself as the one it corrects.
pub fn parse(row: &RawRow<'_>, _context: &Context<'_>) -> Result<UsageRow, Refusal> {
    let mut cells = Cells::new(TableKind::Usage, row);
    let usage = UsageRow {
        record_id: cells.id("record_id")?,
        account_id: cells.id("account_id")?,
        resource_id: cells.id("resource_id")?,
        sku: cells.id("sku")?,
        started_at: cells.value("started_at", read::instant)?,
        ended_at: cells.value("ended_at", read::instant)?,
        quantity: cells.value("quantity", read::quantity)?,
        region: cells.optional("region", read::text)?,
        resource_name: cells.optional("resource_name", read::text)?,
        tags: cells.optional("tags", read::map)?.unwrap_or_default(),
        revision: cells.revision()?,
        corrects: cells.optional("corrects", read::id)?,
        is_waived: cells.value("waived", read::boolean)?,
        line: row.line(),
    };
    cells.end();

    if usage.ended_at < usage.started_at {
        let expected = format!("expected `started_at` (`{}`) or later; check the clock of the meter", row.get("started_at"));
        return Err(Refusal::at("ended_at", row.get("ended_at"), reason::ENDS_BEFORE_START, &expected));
    }
    if usage.corrects.as_ref() == Some(&usage.record_id) {
        let expected =
            "expected the id of another row: a correction has an id of its own (or send this id with a higher revision)";
        return Err(Refusal::at("corrects", row.get("corrects"), reason::INCONSISTENT_ROW, expected));
    }
    Ok(usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] = &[
        ("record_id", "rec-1"),
        ("account_id", "acct-ember"),
        ("resource_id", "vol-1"),
        ("sku", "evs.ssd"),
        ("started_at", "2026-01-05T13:20:00+08:00"),
        ("ended_at", "2026-01-05T14:05:00+08:00"),
    ];

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let long_id = "r".repeat(129);
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("record_id", "")], "missing_value record_id"),
            (&[("record_id", &long_id[..128])], "ok"),
            (&[("record_id", &long_id)], "invalid_id record_id"),
            (&[("record_id", " rec-1")], "invalid_id record_id"), // blanks are never trimmed
            (&[("resource_id", "=cmd()")], "invalid_id resource_id"), // a spreadsheet would run it
            (&[("sku", "")], "missing_value sku"),
            (&[("started_at", "")], "missing_value started_at"),
            (&[("started_at", "2026-01-05T05:20:00.999Z")], "ok"), // a fraction is cut off
            (&[("started_at", "2026-01-05T13:20:00")], "naive_timestamp started_at"),
            (&[("started_at", "2026-01-05 13:20:00")], "naive_timestamp started_at"),
            (&[("started_at", "05/01/2026 13:20")], "invalid_timestamp started_at"),
            (&[("started_at", "2026-02-30T13:20:00Z")], "invalid_timestamp started_at"), // no such day
            (&[("started_at", "1969-12-31T23:59:59Z")], "invalid_timestamp started_at"),
            (&[("started_at", "1970-01-01T00:00:00Z")], "ok"),
            (&[("ended_at", "1767591600")], "invalid_timestamp ended_at"), // seconds since 1970 are no RFC 3339
            (&[("ended_at", "2026-01-05T05:20:00Z")], "ok"),               // an event: no length
            (&[("ended_at", "2026-01-05T05:19:59Z")], "ends_before_start ended_at"),
            (&[("quantity", "0")], "ok"), // takes back what it corrects
            (&[("quantity", "0.000000000001")], "ok"),
            (&[("quantity", "0.0000000000001")], "too_many_digits quantity"),
            (&[("quantity", "999999999999999999")], "ok"),
            (&[("quantity", "1000000000000000000")], "too_many_digits quantity"),
            (&[("quantity", "-3")], "negative_quantity quantity"),
            (&[("quantity", "1e3")], "not_a_number quantity"),
            (&[("quantity", "NaN")], "not_a_number quantity"),
            (&[("quantity", "1,000")], "not_a_number quantity"),
            (&[("quantity", "1 ")], "not_a_number quantity"),
            (&[("quantity", "+1")], "not_a_number quantity"),
            (&[("region", "cn\u{0}north")], "invalid_text region"),
            (&[("resource_name", "网络\u{7}")], "invalid_text resource_name"),
            (&[("tags", "team=web;stage=")], "ok"), // a label may be empty
            (&[("tags", "team=a=b")], "ok"),        // the first `=` parts
            (&[("tags", "team")], "invalid_map tags"),
            (&[("tags", "=web")], "invalid_map tags"),
            (&[("tags", "team=web;")], "invalid_map tags"),
            (&[("tags", "team=web;team=api")], "invalid_map tags"),
            (&[("revision", "1")], "ok"),
            (&[("revision", "-1")], "out_of_range revision"),
            (&[("corrects", "rec-0")], "ok"),
            (&[("corrects", "rec-1")], "inconsistent_row corrects"),
            (&[("corrects", "rec 0")], "invalid_id corrects"),
            (&[("waived", "true")], "ok"),
            (&[("waived", "1")], "invalid_value waived"),
            (&[("quantity", "-3"), ("started_at", "yesterday")], "invalid_timestamp started_at"),
            // Columns first, then what contradicts across columns.
            (&[("ended_at", "2026-01-05T05:00:00Z"), ("waived", "1")], "invalid_value waived"),
        ];
        Cases { kind: TableKind::Usage, base: BASE, parse }.check(cases);
    }

    #[test]
    fn a_refusal_says_what_was_seen_expected_and_to_do() {
        let raw = row(TableKind::Usage, &[BASE, &[("quantity", "-3")]].concat());
        let refusal = parse(&raw, &Context::new("CNY")).expect_err("negative");
        assert_eq!((refusal.column.as_deref(), refusal.value.as_deref()), (Some("quantity"), Some("-3")));
        assert_eq!(
            refusal.detail,
            "`quantity` is `-3`: a quantity is never negative; send what was really used in a row with `corrects` = the id of \
             the wrong row"
        );
    }

    #[test]
    fn labels_are_sorted_so_that_their_order_is_no_content() {
        let read = |tags| parse(&row(TableKind::Usage, &[BASE, &[("tags", tags)]].concat()), &Context::new("CNY"));
        let (one, other) = (read("b=2;a=1").expect("right"), read("a=1;b=2").expect("right"));
        assert_eq!(one.content_id(), other.content_id());
        assert_eq!((one.quantity, one.line), (Quantity::ONE, 7));
    }
}

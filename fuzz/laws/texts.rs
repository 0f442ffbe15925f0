//! Cells, rows and small files: what is accepted prints and parses back as it was; what is not has a code and a sentence.

use super::files::check_refusal;
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::profile::Profile;
use reckoner_core::table::schema::TableSchema;
use reckoner_core::table::{Context, RawRow, Refusal, TableKind, account, discount, funds, price, product, read, usage, voucher};
use reckoner_core::time::{Instant, Zone};
use std::fmt::Debug;
use std::str::FromStr as _;

/// `column=cell` lines under the table's name: a row as the quarantine keeps it.
pub fn rows(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let Ok(kind) = TableKind::from_word(lines.next().unwrap_or_default()) else {
        let _ = TableKind::from_file_name(text);
        return;
    };
    let pairs: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once('=')).map(|(column, cell)| (column.to_owned(), cell.to_owned())).collect();
    if let Ok(raw) = RawRow::from_pairs(kind.schema(), 2, &pairs) {
        row(&raw);
    }
}

/// A row of whatever table: accepted or refused, the same again when it comes back out of quarantine.
pub fn row(raw: &RawRow<'_>) {
    let context = Context::new("CNY");
    match table_of(raw.schema()) {
        TableKind::Accounts => parsed(raw, |raw| account::parse(raw, &context)),
        TableKind::Products => parsed(raw, |raw| product::parse(raw, &context)),
        TableKind::Prices => parsed(raw, |raw| price::parse(raw, &context)),
        TableKind::Discounts => parsed(raw, |raw| discount::parse(raw, &context)),
        TableKind::Vouchers => parsed(raw, |raw| voucher::parse(raw, &context)),
        TableKind::Funds => parsed(raw, |raw| funds::parse(raw, &context)),
        TableKind::Usage => parsed(raw, |raw| {
            let row = usage::parse(raw, &context)?;
            assert!(row.started_at <= row.ended_at, "{row:?}");
            assert_eq!(usage::tags_of(&usage::tags_text(&row.tags)), row.tags);
            assert_eq!(row.content_id(), row.clone().content_id());
            Ok(row)
        }),
        TableKind::Orders | TableKind::Assignments | TableKind::AllocationRules | TableKind::Budgets => {}
    }
}

fn table_of(schema: &TableSchema) -> TableKind {
    TableKind::ALL.into_iter().find(|kind| kind.as_str() == schema.name).expect("a schema is a table's")
}

fn parsed<T: Debug + PartialEq>(raw: &RawRow<'_>, parse: impl Fn(&RawRow<'_>) -> Result<T, Refusal>) {
    let first = parse(raw);
    if let Err(refusal) = &first {
        check_refusal(refusal);
        let known = |column: &str| raw.schema().position(column).is_some();
        assert!(refusal.column.as_deref().is_none_or(known), "{refusal:?}");
    }
    let pairs = raw.to_pairs();
    let again = RawRow::from_pairs(raw.schema(), raw.line(), &pairs).expect("it has the columns that it had");
    assert_eq!(parse(&again), first, "out of quarantine comes what went in");
}

/// A zone, and under it a text that may be anything a cell can hold.
pub fn values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (first, text) = text.split_once('\n').unwrap_or(("+08:00", text));
    let zone = Zone::parse(first).unwrap_or_else(|_| Zone::parse("+08:00").expect("an offset"));
    assert_eq!(Zone::parse(&zone.to_string()), Ok(zone), "a zone is its name");
    numbers(text);
    if let Ok(instant) = Instant::parse(text) {
        instants(zone, instant);
    }
    if let Ok(instant) = zone.parse_instant(text) {
        instants(zone, instant);
    }
    if let Ok(date) = read::date(text) {
        assert_eq!(read::date(&date.to_string()), Ok(date));
        assert!(zone.day_containing(zone.start_of_day(date)).holds(zone.start_of_day(date)));
    }
    if let Ok(id) = read::id(text) {
        assert_eq!(id, text);
    }
    if let Ok(map) = read::map(text) {
        assert_eq!(usage::tags_of(&usage::tags_text(&map)), map);
    }
    let _ = (read::text(text), read::currency(text), read::boolean(text), read::json(text), read::terms(text));
    let _ = read::list(text, read::id);
}

fn numbers(text: &str) {
    if let Ok(quantity) = Quantity::parse(text) {
        assert_eq!(Quantity::parse(&quantity.to_string()), Ok(quantity));
    }
    if let Ok(price) = UnitPrice::parse(text) {
        assert_eq!(UnitPrice::parse(&price.to_string()), Ok(price));
    }
    if let Ok(amount) = Money::parse_signed(text) {
        assert_eq!(Money::parse_signed(&amount.to_string()), Ok(amount));
        assert_eq!(Money::parse(text).is_ok(), !text.starts_with('-'), "without a sign it is an amount");
    }
    if let Ok(percent) = read::percent(text) {
        assert_eq!(read::percent(&percent.to_string()), Ok(percent));
    }
    if let Ok(number) = read::integer(text, i64::MIN, i64::MAX) {
        assert_eq!(i64::from_str(text), Ok(number));
    }
}

/// Windows hold their instant, and meet.
fn instants(zone: Zone, instant: Instant) {
    assert_eq!(Instant::parse(&instant.to_utc_text()), Ok(instant));
    // The first and last days known have no neighbours to speak of.
    let inner = Instant::parse("1970-02-02T00:00:00Z").expect("right")..Instant::parse("9999-11-29T00:00:00Z").expect("right");
    if !inner.contains(&instant) {
        return;
    }
    assert_eq!(Instant::parse(&zone.to_text(instant)), Ok(instant), "{}", zone.to_text(instant));
    for containing in [Zone::day_containing, Zone::month_containing, Zone::segment_containing] {
        let window = containing(zone, instant);
        assert!(window.holds(instant), "{window:?} {instant:?}");
        assert_eq!(containing(zone, window.end).start, window.end, "the next begins where it ends");
        assert_eq!(containing(zone, window.end.plus_seconds(-1)), window, "its last second is its own");
    }
}

/// The tiers of a price; the first byte says of which model.
pub fn tiers(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let model = ["graduated", "volume", "package", "flat"][usize::from(*first) % 4];
    let unit = if first & 4 == 0 { "GB" } else { "hour" };
    let cells = [
        ("sku", "s"),
        ("product", "p"),
        ("billing_mode", "pay_per_use"),
        ("unit", unit),
        ("unit_price", "0"),
        ("model", model),
        ("tiers", text),
    ];
    let pairs = cells.map(|(column, cell)| (column.to_owned(), cell.to_owned()));
    row(&RawRow::from_pairs(TableKind::Prices.schema(), 2, &pairs).expect("columns of prices"));
}

/// A policy profile: understood whole, or refused with a sentence.
pub fn profile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Profile::parse(text) {
        Ok(profile) => assert_eq!(Profile::parse(text).as_ref(), Ok(&profile)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

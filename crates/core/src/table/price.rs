//! `prices`: what a sku costs, from when. A published row is never edited; a higher revision replaces it.

use super::cells::{Cells, missing};
use super::{Context, RawRow, Refusal, TableKind, read, reason, tiers};
use crate::number::{Money, Quantity, UnitPrice};
use crate::time::{Instant, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One published row of `prices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRow {
    /// What is sold.
    pub sku: String,
    /// The product it belongs to.
    pub product: String,
    /// How it is billed.
    pub billing_mode: BillingMode,
    /// What a quantity of 1 is.
    pub unit: Unit,
    /// Price of one unit: per hour for `hour`, per unit otherwise.
    pub unit_price: UnitPrice,
    /// How the price depends on the month's quantity.
    pub model: PriceModel,
    /// ISO 4217; the home's when the file left it out.
    pub currency: String,
    /// First instant in force; nothing: since ever.
    pub valid_from: Option<Instant>,
    /// First instant no longer in force; nothing: until a later row.
    pub valid_to: Option<Instant>,
    /// A higher revision replaces the row with the same sku, currency and `valid_from`.
    pub revision: u32,
    /// The window that becomes one charge.
    pub settle: SettleWindow,
    /// A record is charged for at least this long.
    pub min_seconds: i64,
    /// A record's use is rounded up to whole steps of this length.
    pub step_seconds: i64,
    /// A charge above 0 and below this is lifted to it.
    pub min_charge: Money,
    /// Everything else of the contract's columns, checked and as delivered: used by orders.
    pub particulars: BTreeMap<String, String>,
}

/// How a sku is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillingMode {
    /// Paid once, before use.
    OneTime,
    /// Paid for what was used.
    PayPerUse,
    /// Paid ahead by month or year.
    Subscription,
}

/// What a quantity of 1 is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Held for a time: priced per second at price / 3600; sums are unit-seconds.
    Hour,
    /// An amount: `GB`, `request`; or `month`, `year`, `each` for what is not used but bought.
    Amount(String),
}

/// How the price depends on the billing month's quantity of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "model")]
pub enum PriceModel {
    /// Always `unit_price`.
    Flat,
    /// Each tier's quantity at that tier's price.
    Graduated {
        /// Ascending; only the last has no upper bound.
        tiers: Vec<Tier>,
    },
    /// The whole quantity at the price of the tier it reaches.
    Volume {
        /// Ascending; only the last has no upper bound.
        tiers: Vec<Tier>,
    },
    /// Whole packages, begun ones too, after the free units.
    Package {
        /// Units in a package; above 0.
        size: Quantity,
        /// Price of a package.
        unit_price: UnitPrice,
        /// Units of the month that cost nothing.
        free: Quantity,
    },
}

/// One tier of a graduated or volume price. For `hour` units the bound counts hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Inclusive upper bound; nothing in the last tier.
    pub up_to: Option<Quantity>,
    /// Price of one unit in this tier.
    pub unit_price: UnitPrice,
    /// Charged once when the tier is reached (graduated) or is the month's tier (volume).
    pub flat: Money,
}

/// The window, in the billing zone, that becomes one charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleWindow {
    /// The clock hour.
    #[default]
    Hour,
    /// The billing day.
    Day,
    /// The billing month.
    Month,
}

impl PriceRow {
    /// The row's id, made of the facts that name it: sku, currency, valid_from, revision.
    pub fn price_id(&self) -> String {
        let valid_from = self.valid_from.map(Instant::to_utc_text).unwrap_or_default();
        crate::id::derive("pr", &[&self.sku, &self.currency, &valid_from, &self.revision.to_string()])
    }

    /// Since when the row is meant to hold.
    pub fn begins(&self) -> Instant {
        self.valid_from.unwrap_or(Instant::MIN)
    }

    /// What the row itself says about when it holds; a later row may end it earlier.
    pub fn stated_validity(&self) -> Window {
        Window::new(self.begins(), self.valid_to.unwrap_or(Instant::MAX))
    }

    /// 3600 for `hour` units, whose sums are unit-seconds; 1 for amounts.
    pub fn seconds_per_unit(&self) -> i64 {
        match self.unit {
            Unit::Hour => 3_600,
            Unit::Amount(_) => 1,
        }
    }
}

impl Unit {
    /// The word that the contract uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Hour => "hour",
            Self::Amount(word) => word,
        }
    }
}

impl BillingMode {
    /// Reads the contract's word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::OneTime, Self::PayPerUse, Self::Subscription].into_iter().find(|mode| mode.as_str() == word)
    }

    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "one_time",
            Self::PayPerUse => "pay_per_use",
            Self::Subscription => "subscription",
        }
    }
}

impl SettleWindow {
    /// All of them, shortest first: the order in which windows that end together settle.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The window of this kind that holds the instant, in the billing zone.
    pub fn containing(self, instant: Instant, zone: crate::time::Zone) -> Window {
        match self {
            Self::Hour => zone.segment_containing(instant),
            Self::Day => zone.day_containing(instant),
            Self::Month => zone.month_containing(instant),
        }
    }
}

/// Reads a row of `prices`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong, then for cells that contradict each other: a unit that the billing mode
/// does not have, tiers that the model does not have or lacks, terms of what is not bought, a validity without an instant,
/// seconds of an amount.
pub fn parse(row: &RawRow<'_>, context: &Context<'_>) -> Result<PriceRow, Refusal> {
    let mut cells = Cells::new(TableKind::Prices, row);
    let sku = cells.id("sku")?;
    let product = cells.id("product")?;
    let billing_mode = cells.word("billing_mode")?;
    let unit = cells.value("unit", read::text)?;
    let unit_price = cells.optional("unit_price", read::price)?;
    let model: ModelWord = cells.word("model")?;
    let tiers = cells.optional("tiers", |text| model.read_tiers(text))?.flatten();
    let terms = cells.optional("terms", |text| read::terms(text).map(|_| text.to_owned()))?;
    let currency = cells.optional("currency", read::currency)?.unwrap_or_else(|| context.home_currency());
    let (valid_from, valid_to) = (cells.instant("valid_from")?, cells.instant("valid_to")?);
    let revision = cells.revision()?;
    let settle = cells.word("settle")?;
    let (min_seconds, step_seconds) = (cells.integer("min_seconds")?, cells.integer("step_seconds")?);
    let min_charge = cells.value("min_charge", read::money)?;
    let mut particulars = cells.particulars()?;

    let unit = if unit == "hour" { Unit::Hour } else { Unit::Amount(unit) };
    check_unit(row, billing_mode, &unit)?;
    let model = complete_model(row, model, tiers, unit_price)?;
    if let Some(terms) = terms {
        check_terms(row, billing_mode)?;
        particulars.insert("terms".to_owned(), terms);
    }
    check_validity(row, valid_from, valid_to)?;
    check_seconds(row, &unit, min_seconds, step_seconds)?;

    let unit_price = unit_price.unwrap_or(UnitPrice::ZERO);
    Ok(PriceRow {
        sku,
        product,
        billing_mode,
        unit,
        unit_price,
        model,
        currency,
        valid_from,
        valid_to,
        revision,
        settle,
        min_seconds,
        step_seconds,
        min_charge,
        particulars,
    })
}

/// The words of the column `model`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelWord {
    Flat,
    Graduated,
    Volume,
    Package,
}

impl ModelWord {
    /// The model that the tiers make; nothing for a flat price, which has none.
    fn read_tiers(self, text: &str) -> Result<Option<PriceModel>, read::Fault> {
        match self {
            Self::Flat => read::json(text).map(|_| None),
            Self::Graduated => tiers::tiers(text).map(|tiers| Some(PriceModel::Graduated { tiers })),
            Self::Volume => tiers::tiers(text).map(|tiers| Some(PriceModel::Volume { tiers })),
            Self::Package => tiers::package(text).map(Some),
        }
    }
}

fn contradiction<T>(row: &RawRow<'_>, column: &str, expected: &str) -> Result<T, Refusal> {
    Err(Refusal::at(column, row.get(column), reason::INCONSISTENT_ROW, expected))
}

fn check_unit(row: &RawRow<'_>, billing_mode: BillingMode, unit: &Unit) -> Result<(), Refusal> {
    match (billing_mode, unit.as_str()) {
        (BillingMode::Subscription, "month" | "year") => Ok(()),
        (BillingMode::Subscription, _) => {
            contradiction(row, "unit", "expected `month` or `year`: a subscription is sold by its term")
        }
        (BillingMode::OneTime, "hour") => {
            contradiction(row, "unit", "expected `each`: what is paid once is not held by the hour")
        }
        (BillingMode::OneTime | BillingMode::PayPerUse, _) => Ok(()),
    }
}

fn complete_model(
    row: &RawRow<'_>,
    word: ModelWord,
    tiers: Option<PriceModel>,
    unit_price: Option<UnitPrice>,
) -> Result<PriceModel, Refusal> {
    let column = |name| row.schema().column(name).expect("prices have this column");
    match (word, tiers) {
        (ModelWord::Flat, _) if unit_price.is_none() => Err(missing(column("unit_price"))),
        (ModelWord::Flat, _) if !row.get("tiers").is_empty() => {
            contradiction(row, "tiers", "expected nothing: the model `flat` has no tiers; say `graduated`, `volume` or `package`")
        }
        (ModelWord::Flat, _) => Ok(PriceModel::Flat),
        (ModelWord::Graduated | ModelWord::Volume | ModelWord::Package, Some(model)) => Ok(model),
        (ModelWord::Graduated | ModelWord::Volume | ModelWord::Package, None) => Err(missing(column("tiers"))),
    }
}

fn check_terms(row: &RawRow<'_>, billing_mode: BillingMode) -> Result<(), Refusal> {
    match billing_mode {
        BillingMode::Subscription | BillingMode::OneTime => Ok(()),
        BillingMode::PayPerUse => {
            contradiction(row, "terms", "expected nothing: use is not bought ahead, so it has no longer terms")
        }
    }
}

fn check_seconds(row: &RawRow<'_>, unit: &Unit, min_seconds: i64, step_seconds: i64) -> Result<(), Refusal> {
    const EXPECTED: &str = "expected nothing: only the unit `hour` counts seconds";
    match unit {
        Unit::Hour => Ok(()),
        Unit::Amount(_) if min_seconds != 0 => contradiction(row, "min_seconds", EXPECTED),
        Unit::Amount(_) if step_seconds != 1 => contradiction(row, "step_seconds", EXPECTED),
        Unit::Amount(_) => Ok(()),
    }
}

/// Refuses a validity that holds no instant.
pub(super) fn check_validity(row: &RawRow<'_>, valid_from: Option<Instant>, valid_to: Option<Instant>) -> Result<(), Refusal> {
    match (valid_from, valid_to) {
        (Some(from), Some(to)) if to <= from => {
            let expected =
                format!("expected an instant after `valid_from` (`{}`); the end itself is not covered", row.get("valid_from"));
            Err(Refusal::at("valid_to", row.get("valid_to"), reason::ENDS_BEFORE_START, &expected))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] =
        &[("sku", "evs.ssd"), ("product", "evs"), ("billing_mode", "pay_per_use"), ("unit", "hour"), ("unit_price", "0.00064")];
    const TIERS: &str = r#"[{"up_to":"100","unit_price":"0.10"},{"unit_price":"0.08"}]"#;
    const PACKAGE: &str = r#"{"size":"10","unit_price":"5"}"#;

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("sku", "a b")], "invalid_id sku"),
            (&[("product", "")], "missing_value product"),
            (&[("billing_mode", "spot")], "invalid_value billing_mode"),
            (&[("unit", "")], "missing_value unit"),
            (&[("unit", "GB-Months")], "ok"), // any other word is an amount
            (&[("unit", "Hours")], "ok"),     // as is this one: only `hour` is held for a time
            (&[("unit", "GB\n")], "invalid_text unit"),
            (&[("unit_price", "0")], "ok"), // price 0 is a price
            (&[("unit_price", "")], "missing_value unit_price"),
            (&[("unit_price", "-0.1")], "negative_amount unit_price"),
            (&[("unit_price", "0.000000000001")], "ok"),
            (&[("unit_price", "0.0000000000001")], "too_many_digits unit_price"),
            (&[("unit_price", "1E-3")], "not_a_number unit_price"),
            (&[("currency", "USD")], "ok"),
            (&[("currency", "$")], "invalid_value currency"),
            (&[("revision", "1.0")], "not_a_number revision"),
            (&[("settle", "month")], "ok"),
            (&[("settle", "week")], "invalid_value settle"),
            (&[("min_charge", "0.01")], "ok"),
            (&[("min_charge", "0.001000000")], "ok"), // surplus zeros lose nothing
            (&[("min_charge", "0.000000001")], "too_many_digits min_charge"),
            (&[("term_months", "0")], "out_of_range term_months"),
            (&[("term_months", "12")], "ok"),
            (&[("equivalent_sku", "evs ssd")], "invalid_id equivalent_sku"),
            (&[("tags", "list")], "invalid_map tags"),
            (&[("description", "SSD, \"fast\"")], "ok"),
        ];
        Cases { kind: TableKind::Prices, base: BASE, parse }.check(cases);
    }

    #[test]
    fn models_have_the_tiers_that_they_need() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("model", "flat"), ("tiers", TIERS)], "inconsistent_row tiers"),
            (&[("model", "graduated"), ("tiers", TIERS)], "ok"),
            (&[("model", "graduated"), ("tiers", TIERS), ("unit_price", "")], "ok"), // then it is 0
            (&[("model", "graduated")], "missing_value tiers"),
            (&[("model", "graduated"), ("tiers", PACKAGE)], "invalid_json tiers"),
            (&[("model", "volume"), ("tiers", TIERS)], "ok"),
            (&[("model", "package"), ("tiers", PACKAGE)], "ok"),
            (&[("model", "package"), ("tiers", TIERS)], "invalid_json tiers"),
            (&[("model", "package")], "missing_value tiers"),
            (&[("model", "tiered"), ("tiers", TIERS)], "invalid_value model"),
            (&[("tiers", "[")], "invalid_json tiers"),
            (&[("model", "graduated"), ("tiers", r#"[{"unit_price":0.1}]"#)], "invalid_json tiers"),
            (&[("model", "graduated"), ("tiers", r#"[{"unit_price":"1,0"}]"#)], "not_a_number tiers"),
        ];
        Cases { kind: TableKind::Prices, base: BASE, parse }.check(cases);
    }

    #[test]
    fn cells_must_not_contradict_each_other() {
        let month: &[(&str, &str)] = &[("billing_mode", "subscription"), ("unit", "month")];
        let with = |more: &[(&'static str, &'static str)]| [month, more].concat();
        let cases: &[(&[(&str, &str)], &str)] = &[
            (month, "ok"),
            (&with(&[("unit", "year")]), "ok"),
            (&with(&[("unit", "hour")]), "inconsistent_row unit"),
            (&with(&[("unit", "day")]), "inconsistent_row unit"),
            (&[("billing_mode", "one_time"), ("unit", "each")], "ok"),
            (&[("billing_mode", "one_time"), ("unit", "hour")], "inconsistent_row unit"),
            (&with(&[("terms", "12=900;24=1600")]), "ok"),
            (&with(&[("terms", "12=900;12=800")]), "invalid_map terms"),
            (&with(&[("terms", "12=900;012=800")]), "invalid_map terms"), // the same count
            (&with(&[("terms", "0=900")]), "invalid_map terms"),
            (&with(&[("terms", "12=-900")]), "negative_amount terms"),
            (&with(&[("terms", "a=900")]), "invalid_map terms"),
            (&[("terms", "12=900")], "inconsistent_row terms"), // use is not bought ahead
            (&[("valid_from", "2026-01-01T00:00:00Z"), ("valid_to", "2026-01-01T00:00:01Z")], "ok"),
            (&[("valid_from", "2026-01-01T00:00:00Z"), ("valid_to", "2026-01-01T00:00:00Z")], "ends_before_start valid_to"),
            (&[("valid_from", "2026-01-01T00:00:00Z"), ("valid_to", "2025-12-31T23:59:59Z")], "ends_before_start valid_to"),
            (&[("min_seconds", "60"), ("step_seconds", "60")], "ok"),
            (&[("step_seconds", "1")], "ok"),
            (&[("step_seconds", "0")], "out_of_range step_seconds"),
            (&[("min_seconds", "-1")], "out_of_range min_seconds"),
            (&[("unit", "GB"), ("min_seconds", "60")], "inconsistent_row min_seconds"),
            (&[("unit", "GB"), ("step_seconds", "60")], "inconsistent_row step_seconds"),
            (&[("unit", "GB"), ("min_seconds", "0"), ("step_seconds", "1")], "ok"), // the defaults, said
        ];
        Cases { kind: TableKind::Prices, base: BASE, parse }.check(cases);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let price = parse(&row(TableKind::Prices, BASE), &Context::new("CNY")).expect("right");
        assert_eq!((price.unit, price.model, price.currency.as_str()), (Unit::Hour, PriceModel::Flat, "CNY"));
        assert_eq!((price.settle, price.min_seconds, price.step_seconds), (SettleWindow::Hour, 0, 1));
        assert_eq!((price.valid_from, price.valid_to, price.revision), (None, None, 0));
    }

    #[test]
    fn columns_for_orders_are_kept_as_delivered() {
        let cells = &[("billing_mode", "subscription"), ("unit", "month"), ("terms", "12=900"), ("equivalent_sku", "x")];
        let price = parse(&row(TableKind::Prices, &[BASE, cells].concat()), &Context::new("CNY")).expect("right");
        let kept: Vec<&str> = price.particulars.keys().map(String::as_str).collect();
        assert_eq!(kept, ["equivalent_sku", "terms"]);
    }
}

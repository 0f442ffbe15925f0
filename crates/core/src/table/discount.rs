//! `discounts`: what an account need not pay. The best single one wins.

use super::cells::Cells;
use super::{BillingMode, Context, RawRow, Refusal, TableKind, read, reason};
use crate::number::UnitPrice;
use crate::time::{Instant, Window};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One row of `discounts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscountRow {
    /// The discount.
    pub discount_id: String,
    /// Whose; `*` is everyone's.
    pub account_id: String,
    /// Commercial, partner, promotional: the order in which equal ones win.
    pub kind: DiscountKind,
    /// What it does to the price.
    pub terms: DiscountTerms,
    /// Only these products; empty: all.
    pub products: Vec<String>,
    /// Only these skus; empty: all.
    pub skus: Vec<String>,
    /// Only these billing modes; empty: all.
    pub modes: Vec<BillingMode>,
    /// Only these orders; empty: all.
    pub order_kinds: Vec<String>,
    /// First instant in force; nothing: since ever.
    pub valid_from: Option<Instant>,
    /// First instant no longer in force; nothing: until further notice.
    pub valid_to: Option<Instant>,
    /// A higher revision replaces the row.
    pub revision: u32,
}

/// What a discount does to the price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountTerms {
    /// 20: the customer pays 80 %. 0 to 100.
    PercentOff(Decimal),
    /// The customer pays this per unit instead.
    UnitPrice(UnitPrice),
}

/// Whose decision a discount is; of equal ones the first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountKind {
    /// Agreed with the customer.
    Commercial,
    /// Agreed with a partner.
    Partner,
    /// Offered to many.
    Promotional,
    /// A fee that is not asked for.
    FeeWaiver,
}

impl DiscountKind {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commercial => "commercial",
            Self::Partner => "partner",
            Self::Promotional => "promotional",
            Self::FeeWaiver => "fee_waiver",
        }
    }
}

impl DiscountRow {
    /// When the row holds.
    pub fn validity(&self) -> Window {
        Window::new(self.valid_from.unwrap_or(Instant::MIN), self.valid_to.unwrap_or(Instant::MAX))
    }
}

/// Reads a row of `discounts`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong, then for neither or both of `percent_off` and `unit_price`, then for a
/// validity without an instant.
pub fn parse(row: &RawRow<'_>, _context: &Context<'_>) -> Result<DiscountRow, Refusal> {
    let mut cells = Cells::new(TableKind::Discounts, row);
    let discount_id = cells.id("discount_id")?;
    let account_id = cells.value("account_id", |text| if text == "*" { Ok(text.to_owned()) } else { read::id(text) })?;
    let kind = cells.word("kind")?;
    let percent_off = cells.optional("percent_off", read::percent)?;
    let unit_price = cells.optional("unit_price", read::price)?;
    let (products, skus) = (cells.ids("products")?, cells.ids("skus")?);
    let (modes, order_kinds) = (cells.words("modes")?, cells.words("order_kinds")?);
    let (valid_from, valid_to) = (cells.instant("valid_from")?, cells.instant("valid_to")?);
    let revision = cells.revision()?;
    cells.end();

    let terms = match (percent_off, unit_price) {
        (Some(percent), None) => DiscountTerms::PercentOff(percent),
        (None, Some(price)) => DiscountTerms::UnitPrice(price),
        (None, None) => {
            let expected = "expected a value here or in `unit_price`: a discount says what it takes off or what is paid instead";
            return Err(Refusal::at("percent_off", "", reason::MISSING_VALUE, expected));
        }
        (Some(_), Some(_)) => {
            let expected = "expected either `percent_off` or `unit_price`, not both; leave one of them empty";
            return Err(Refusal::at("unit_price", row.get("unit_price"), reason::INCONSISTENT_ROW, expected));
        }
    };
    super::price::check_validity(row, valid_from, valid_to)?;

    Ok(DiscountRow { discount_id, account_id, kind, terms, products, skus, modes, order_kinds, valid_from, valid_to, revision })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] =
        &[("discount_id", "d1"), ("account_id", "acct-ember"), ("kind", "commercial"), ("percent_off", "20")];

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("account_id", "*")], "ok"),
            (&[("account_id", "**")], "invalid_id account_id"),
            (&[("discount_id", "*")], "invalid_id discount_id"),
            (&[("kind", "")], "missing_value kind"),
            (&[("kind", "fee_waiver")], "ok"),
            (&[("kind", "staff")], "invalid_value kind"),
            (&[("percent_off", "0")], "ok"),
            (&[("percent_off", "100")], "ok"),
            (&[("percent_off", "100.00000001")], "out_of_range percent_off"),
            (&[("percent_off", "-0.00000001")], "out_of_range percent_off"),
            (&[("percent_off", "33.33333333")], "ok"),
            (&[("percent_off", "33.333333333")], "too_many_digits percent_off"),
            (&[("percent_off", "20%")], "not_a_number percent_off"),
            (&[("percent_off", "")], "missing_value percent_off"),
            (&[("unit_price", "0.5")], "inconsistent_row unit_price"),
            (&[("percent_off", ""), ("unit_price", "0")], "ok"),
            (&[("percent_off", ""), ("unit_price", "-1")], "negative_amount unit_price"),
            (&[("products", "a;b")], "ok"),
            (&[("products", "a;;b")], "invalid_list products"),
            (&[("products", "a;b;")], "invalid_list products"),
            (&[("skus", "a b")], "invalid_list skus"),
            (&[("modes", "pay_per_use;subscription")], "ok"),
            (&[("modes", "pay_per_use;spot")], "invalid_value modes"),
            (&[("order_kinds", "purchase;renew")], "ok"),
            (&[("order_kinds", "buy")], "invalid_value order_kinds"),
            (&[("valid_from", "2026-01-01T00:00:00Z"), ("valid_to", "2026-01-01T00:00:01Z")], "ok"),
            (&[("valid_from", "2026-01-01T00:00:00Z"), ("valid_to", "2026-01-01T00:00:00Z")], "ends_before_start valid_to"),
            (&[("valid_to", "2026-01-01T00:00:00Z")], "ok"),
        ];
        Cases { kind: TableKind::Discounts, base: BASE, parse }.check(cases);
    }

    #[test]
    fn a_percentage_is_kept_exactly() {
        let raw = row(TableKind::Discounts, &[BASE, &[("percent_off", "12.50"), ("modes", "one_time")]].concat());
        let discount = parse(&raw, &Context::new("CNY")).expect("right");
        assert_eq!(discount.terms, DiscountTerms::PercentOff("12.5".parse().expect("a decimal")));
        assert_eq!((discount.kind, discount.modes), (DiscountKind::Commercial, vec![BillingMode::OneTime]));
    }
}

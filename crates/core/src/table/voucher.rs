//! `vouchers`: what pays instead of money, within its scope and validity.

use super::cells::{Cells, missing};
use super::{BillingMode, Context, RawRow, Refusal, TableKind, read, reason};
use crate::number::Money;
use crate::time::{Instant, Window};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One row of `vouchers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherRow {
    /// Names the voucher.
    pub voucher_id: String,
    /// Whose.
    pub account_id: String,
    /// What it is worth when new; 0 for a discount voucher.
    pub amount: Money,
    /// First instant at which it may pay.
    pub valid_from: Instant,
    /// First instant at which it may no longer pay.
    pub valid_to: Instant,
    /// What kind of paper it is.
    pub kind: VoucherKind,
    /// For discount vouchers: 20 means the customer pays 80 %.
    pub percent_off: Option<Decimal>,
    /// ISO 4217; the account's.
    pub currency: String,
    /// Only these products; empty: all.
    pub products: Vec<String>,
    /// Only these skus; empty: all.
    pub skus: Vec<String>,
    /// Only these billing modes; empty: all.
    pub modes: Vec<BillingMode>,
    /// Only these regions; empty: all.
    pub regions: Vec<String>,
    /// Only these orders; empty: all.
    pub order_kinds: Vec<String>,
    /// Only if the sum in its scope reaches this.
    pub min_amount: Money,
    /// When it was given; nothing: `valid_from`.
    pub granted_at: Option<Instant>,
    /// For people.
    pub note: Option<String>,
}

/// What kind of paper a voucher is; also the order in which they pay for usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoucherKind {
    /// 代金券, which Huawei's English calls cash coupon: not refunded.
    Voucher,
    /// 现金券: refunded in part.
    FlexiCoupon,
    /// 储值卡.
    StoredValue,
    /// 折扣券: lowers the price, is no payment.
    Discount,
}

impl VoucherKind {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voucher => "voucher",
            Self::FlexiCoupon => "flexi_coupon",
            Self::StoredValue => "stored_value",
            Self::Discount => "discount",
        }
    }
}

impl VoucherRow {
    /// When it may pay.
    pub fn validity(&self) -> Window {
        Window::new(self.valid_from, self.valid_to)
    }

    /// When it was given.
    pub fn granted(&self) -> Instant {
        self.granted_at.unwrap_or(self.valid_from)
    }

    /// Whether anything narrows what it may pay for.
    pub fn is_scoped(&self) -> bool {
        !(self.products.is_empty()
            && self.skus.is_empty()
            && self.modes.is_empty()
            && self.regions.is_empty()
            && self.order_kinds.is_empty())
    }
}

/// Reads a row of `vouchers`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong, then for a validity without an instant, then for what its kind needs:
/// a percentage and no amount for a discount, an amount and no percentage for the others.
pub fn parse(row: &RawRow<'_>, context: &Context<'_>) -> Result<VoucherRow, Refusal> {
    let mut cells = Cells::new(TableKind::Vouchers, row);
    let voucher_id = cells.id("voucher_id")?;
    let account_id = cells.id("account_id")?;
    let amount = cells.optional("amount", read::money)?;
    let valid_from = cells.value("valid_from", read::instant)?;
    let valid_to = cells.value("valid_to", read::instant)?;
    let kind: VoucherKind = cells.word("kind")?;
    let percent_off = cells.optional("percent_off", read::percent)?;
    let currency = cells.optional("currency", read::currency)?.unwrap_or_else(|| context.currency_of(&account_id));
    let (products, skus, modes) = (cells.ids("products")?, cells.ids("skus")?, cells.words("modes")?);
    let regions = cells.optional("regions", |text| read::list(text, read::text))?.unwrap_or_default();
    let order_kinds = cells.words("order_kinds")?;
    let min_amount = cells.value("min_amount", read::money)?;
    let granted_at = cells.instant("granted_at")?;
    let note = cells.optional("note", read::text)?;
    cells.end();

    check_worth(row, kind, amount, percent_off)?;
    super::price::check_validity(row, Some(valid_from), Some(valid_to))?;

    let amount = amount.unwrap_or(Money::ZERO);
    Ok(VoucherRow {
        voucher_id,
        account_id,
        amount,
        valid_from,
        valid_to,
        kind,
        percent_off,
        currency,
        products,
        skus,
        modes,
        regions,
        order_kinds,
        min_amount,
        granted_at,
        note,
    })
}

fn check_worth(row: &RawRow<'_>, kind: VoucherKind, amount: Option<Money>, percent_off: Option<Decimal>) -> Result<(), Refusal> {
    let refuse = |column: &str, reason, expected| Err(Refusal::at(column, row.get(column), reason, expected));
    let is_discount = kind == VoucherKind::Discount;
    match amount {
        None if !is_discount => return Err(missing(row.schema().column("amount").expect("vouchers have an amount"))),
        Some(amount) if !is_discount && amount.is_zero() => {
            return refuse("amount", reason::ZERO_AMOUNT, "expected an amount above 0; a voucher without worth pays nothing");
        }
        Some(amount) if is_discount && !amount.is_zero() => {
            let expected =
                "expected 0 or nothing: a voucher of the kind `discount` lowers the price by `percent_off` and pays nothing";
            return refuse("amount", reason::INCONSISTENT_ROW, expected);
        }
        Some(_) | None => {}
    }
    match percent_off {
        None if is_discount => {
            refuse("percent_off", reason::MISSING_VALUE, "a voucher of the kind `discount` says what it takes off")
        }
        Some(_) if !is_discount => {
            refuse("percent_off", reason::INCONSISTENT_ROW, "expected nothing: only the kind `discount` takes a percentage off")
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] = &[
        ("voucher_id", "v1"),
        ("account_id", "acct-ember"),
        ("amount", "100"),
        ("valid_from", "2026-01-01T00:00:00Z"),
        ("valid_to", "2026-02-01T00:00:00Z"),
    ];

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("amount", "0.01")], "ok"),
            (&[("amount", "0")], "zero_amount amount"),
            (&[("amount", "")], "missing_value amount"),
            (&[("amount", "-1")], "negative_amount amount"),
            (&[("valid_from", "")], "missing_value valid_from"),
            (&[("valid_to", "")], "missing_value valid_to"),
            (&[("valid_to", "2026-01-01T00:00:01Z")], "ok"),
            (&[("valid_to", "2026-01-01T00:00:00Z")], "ends_before_start valid_to"), // alive at no instant
            (&[("valid_to", "2025-12-31T23:59:59Z")], "ends_before_start valid_to"),
            (&[("kind", "flexi_coupon")], "ok"),
            (&[("kind", "stored_value")], "ok"),
            (&[("kind", "cash_coupon")], "invalid_value kind"), // Huawei's English for what is `voucher` here
            (&[("percent_off", "20")], "inconsistent_row percent_off"),
            (&[("kind", "discount")], "inconsistent_row amount"),
            (&[("kind", "discount"), ("amount", "0")], "missing_value percent_off"),
            (&[("kind", "discount"), ("amount", "0"), ("percent_off", "20")], "ok"),
            (&[("kind", "discount"), ("amount", ""), ("percent_off", "100")], "ok"),
            (&[("kind", "discount"), ("amount", ""), ("percent_off", "101")], "out_of_range percent_off"),
            (&[("regions", "cn-north-4;cn-east-3")], "ok"),
            (&[("regions", "cn-north-4;;")], "invalid_list regions"),
            (&[("modes", "spot")], "invalid_value modes"),
            (&[("order_kinds", "renew")], "ok"),
            (&[("min_amount", "-1")], "negative_amount min_amount"),
            (&[("granted_at", "2025-12-20T10:00:00")], "naive_timestamp granted_at"),
        ];
        Cases { kind: TableKind::Vouchers, base: BASE, parse }.check(cases);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let voucher = parse(&row(TableKind::Vouchers, BASE), &Context::new("CNY")).expect("right");
        assert_eq!((voucher.kind, voucher.currency.as_str()), (VoucherKind::Voucher, "CNY"));
        assert_eq!(voucher.granted(), voucher.valid_from);
        assert!(!voucher.is_scoped() && voucher.min_amount.is_zero());
    }
}

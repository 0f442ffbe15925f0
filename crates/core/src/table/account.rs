//! `accounts`: who pays, in which currency, how.

use super::cells::Cells;
use super::{Context, RawRow, Refusal, TableKind, read};
use crate::number::Money;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One dated row of `accounts`; in force from `valid_from` until a later row. The first row holds since ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The account.
    pub account_id: String,
    /// Display name.
    pub name: String,
    /// ISO 4217; the home's when the file left it out.
    pub currency: String,
    /// `V0` to `V5`.
    pub level: String,
    /// How far usage may run on credit.
    pub credit_limit: Money,
    /// How charges are paid.
    pub payment_method: PaymentMethod,
    /// The account whose bill groups this one's, if another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_account_id: Option<String>,
    /// Where charges belong when nothing nearer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// First instant in force; nothing: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Instant>,
    /// A higher revision replaces the row with the same `valid_from`.
    pub revision: u32,
    /// Everything else of the contract's columns, as delivered: used by bills.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub particulars: BTreeMap<String, String>,
}

/// How an account pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Hour by hour: vouchers, cash, credit.
    Balance,
    /// The issued bill is due after the terms.
    Invoice,
    /// What vouchers and balance do not cover is collected outside.
    External,
}

/// Reads a row of `accounts`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong.
pub fn parse(row: &RawRow<'_>, context: &Context<'_>) -> Result<AccountRow, Refusal> {
    let mut cells = Cells::new(TableKind::Accounts, row);
    Ok(AccountRow {
        account_id: cells.id("account_id")?,
        name: cells.value("name", read::text)?,
        currency: cells.optional("currency", read::currency)?.unwrap_or_else(|| context.home_currency()),
        level: cells.word("level")?,
        credit_limit: cells.value("credit_limit", read::money)?,
        payment_method: cells.word("payment_method")?,
        payer_account_id: cells.optional("payer_account_id", read::id)?,
        cost_center: cells.optional("cost_center", read::text)?,
        valid_from: cells.instant("valid_from")?,
        revision: cells.revision()?,
        particulars: cells.particulars()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] = &[("account_id", "acct-ember"), ("name", "Ember Ltd")];

    #[test]
    fn what_a_row_does_not_say_is_not_kept_and_need_not_be() {
        let says = r#"{"account_id":"a","name":"A","currency":"CNY","level":"V0","credit_limit":0,"payment_method":"balance""#;
        let nothing = r#""payer_account_id":null,"cost_center":null,"valid_from":null"#;
        // As it was kept once, and as it is now.
        let [once, now] = [format!(r#"{says},{nothing},"revision":0,"particulars":{{}}}}"#), format!(r#"{says},"revision":0}}"#)];
        let [row, same] = [&once, &now].map(|kept| serde_json::from_str::<AccountRow>(kept).expect("a row"));
        assert_eq!(row, same);
        assert_eq!(serde_json::to_string(&row).expect("it is kept"), now);
    }

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("account_id", "")], "missing_value account_id"),
            (&[("account_id", "*")], "invalid_id account_id"), // only discounts are everyone's
            (&[("account_id", "acct ember")], "invalid_id account_id"),
            (&[("name", "")], "missing_value name"),
            (&[("name", "Ember\nLtd")], "invalid_text name"),
            (&[("name", "燃料有限公司")], "ok"),
            (&[("currency", "cny")], "invalid_value currency"),
            (&[("level", "V0")], "ok"),
            (&[("level", "V5")], "ok"),
            (&[("level", "V6")], "invalid_value level"),
            (&[("credit_limit", "0")], "ok"),
            (&[("credit_limit", "-0.01")], "negative_amount credit_limit"),
            (&[("credit_limit", "9999999999.99999999")], "ok"),
            (&[("credit_limit", "10000000000")], "too_many_digits credit_limit"),
            (&[("credit_limit", "0.000000001")], "too_many_digits credit_limit"),
            (&[("credit_limit", "1,000")], "not_a_number credit_limit"),
            (&[("payment_method", "card")], "invalid_value payment_method"),
            (&[("payment_terms_days", "0")], "ok"),
            (&[("payment_terms_days", "3660")], "ok"),
            (&[("payment_terms_days", "3661")], "out_of_range payment_terms_days"),
            (&[("payment_terms_days", "-1")], "out_of_range payment_terms_days"),
            (&[("payment_terms_days", "15.0")], "not_a_number payment_terms_days"),
            (&[("payer_account_id", "a b")], "invalid_id payer_account_id"),
            (&[("valid_from", "2026-01-01")], "invalid_timestamp valid_from"), // a date alone names no instant
            (&[("valid_from", "2026-01-01T00:00:00")], "naive_timestamp valid_from"),
            (&[("revision", "4294967295")], "ok"),
            (&[("revision", "4294967296")], "out_of_range revision"),
            (&[("tax_rate", "100")], "ok"),
            (&[("tax_rate", "100.00000001")], "out_of_range tax_rate"),
            (&[("tags", "a=1;b=2")], "ok"),
            (&[("tags", "a=1;a=2")], "invalid_map tags"),
            // Two faults: the column that comes first in the contract is named, whatever the file's order.
            (&[("tags", "x"), ("level", "gold")], "invalid_value level"),
            (&[("payment_terms_days", "x"), ("payer_account_id", "a b")], "not_a_number payment_terms_days"),
        ];
        Cases { kind: TableKind::Accounts, base: BASE, parse }.check(cases);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let raw = row(TableKind::Accounts, BASE);
        let account = parse(&raw, &Context::new("CNY")).expect("the base row is right");
        assert_eq!((account.currency.as_str(), account.level.as_str()), ("CNY", "V0"));
        assert_eq!((account.credit_limit, account.payment_method), (Money::ZERO, PaymentMethod::Balance));
        assert_eq!((account.valid_from, account.revision), (None, 0));
        assert!(account.particulars.is_empty());
    }

    #[test]
    fn columns_for_later_jobs_are_kept_as_delivered() {
        let raw = row(TableKind::Accounts, &[BASE, &[("payment_terms_days", "030"), ("tags", "b=2;a=1")]].concat());
        let account = parse(&raw, &Context::new("CNY")).expect("right");
        assert_eq!(account.particulars["payment_terms_days"], "030");
        assert_eq!(account.particulars["tags"], "b=2;a=1");
    }
}

//! `funds`: money that comes in, goes out or is put right.

use super::cells::Cells;
use super::{Context, RawRow, Refusal, TableKind, read, reason};
use crate::number::Money;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// One row of `funds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsRow {
    /// Names the entry.
    pub entry_id: String,
    /// Whose wallet.
    pub account_id: String,
    /// What moves.
    pub kind: FundsKind,
    /// How much; below 0 only for an adjustment.
    pub amount: Money,
    /// When it takes effect.
    pub at: Instant,
    /// ISO 4217; the account's.
    pub currency: String,
    /// For people.
    pub note: Option<String>,
}

/// What a funds entry moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundsKind {
    /// Cash in.
    TopUp,
    /// Granted money in: spent after cash, never withdrawn.
    Grant,
    /// Cash out, at most the cash there is.
    Withdrawal,
    /// Cash put right, up or down.
    Adjustment,
    /// What is outstanding is given up.
    WriteOff,
    /// Money assumed collected was not.
    Chargeback,
}

impl FundsKind {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Grant => "grant",
            Self::Withdrawal => "withdrawal",
            Self::Adjustment => "adjustment",
            Self::WriteOff => "write_off",
            Self::Chargeback => "chargeback",
        }
    }
}

/// Reads a row of `funds`.
///
/// # Errors
/// [`Refusal`] for the first column that is wrong, then for an amount of 0, then for a sign on anything but an adjustment.
pub fn parse(row: &RawRow<'_>, context: &Context<'_>) -> Result<FundsRow, Refusal> {
    let mut cells = Cells::new(TableKind::Funds, row);
    let entry_id = cells.id("entry_id")?;
    let account_id = cells.id("account_id")?;
    let kind: FundsKind = cells.word("kind")?;
    let amount = cells.value("amount", read::signed_money)?;
    let at = cells.value("at", read::instant)?;
    let currency = cells.optional("currency", read::currency)?.unwrap_or_else(|| context.currency_of(&account_id));
    let note = cells.optional("note", read::text)?;
    cells.end();

    let refuse = |reason, expected| Err(Refusal::at("amount", row.get("amount"), reason, expected));
    if amount.is_zero() {
        return refuse(reason::ZERO_AMOUNT, "expected an amount other than 0; an entry moves money");
    }
    if amount.is_negative() && kind != FundsKind::Adjustment {
        let expected = "expected an amount above 0: `kind` says which way it moves, and only an `adjustment` has a sign";
        return refuse(reason::NEGATIVE_AMOUNT, expected);
    }
    Ok(FundsRow { entry_id, account_id, kind, amount, at, currency, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::{Cases, row};

    const BASE: &[(&str, &str)] = &[
        ("entry_id", "f1"),
        ("account_id", "acct-ember"),
        ("kind", "top_up"),
        ("amount", "100"),
        ("at", "2026-01-01T09:00:00+08:00"),
    ];

    #[test]
    fn a_row_is_read_or_refused_by_its_first_fault() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "ok"),
            (&[("kind", "grant")], "ok"),
            (&[("kind", "withdrawal")], "ok"),
            (&[("kind", "write_off")], "ok"),
            (&[("kind", "chargeback")], "ok"),
            (&[("kind", "gift")], "invalid_value kind"),
            (&[("amount", "")], "missing_value amount"),
            (&[("amount", "0.00000001")], "ok"),
            (&[("amount", "0")], "zero_amount amount"),
            (&[("amount", "-0.00000001")], "negative_amount amount"),
            (&[("amount", "-5"), ("kind", "withdrawal")], "negative_amount amount"), // the kind says the way already
            (&[("amount", "-5"), ("kind", "adjustment")], "ok"),
            (&[("amount", "5"), ("kind", "adjustment")], "ok"),
            (&[("amount", "-0"), ("kind", "adjustment")], "zero_amount amount"),
            (&[("amount", "9999999999.99999999")], "ok"),
            (&[("amount", "10000000000")], "too_many_digits amount"),
            (&[("amount", "1.000000001")], "too_many_digits amount"),
            (&[("at", "")], "missing_value at"),
            (&[("at", "2026-01-01")], "invalid_timestamp at"),
            (&[("currency", "RMB ")], "invalid_value currency"),
            (&[("note", "line\nbreak")], "invalid_text note"),
        ];
        Cases { kind: TableKind::Funds, base: BASE, parse }.check(cases);
    }

    #[test]
    fn an_entry_has_its_accounts_currency() {
        let dollars = |account: &str| (account == "acct-ember").then(|| "USD".to_owned());
        let raw = row(TableKind::Funds, BASE);
        let known = Context::new("CNY").with_account_currency(&dollars);
        assert_eq!(parse(&raw, &known).expect("right").currency, "USD");
        assert_eq!(parse(&raw, &Context::new("CNY")).expect("right").currency, "CNY");
        let stated = row(TableKind::Funds, &[BASE, &[("currency", "EUR")]].concat());
        assert_eq!(parse(&stated, &known).expect("right").currency, "EUR");
    }
}

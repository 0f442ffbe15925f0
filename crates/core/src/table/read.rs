//! The text of a cell as a value. Nothing is guessed, trimmed or rounded: what does not fit is a fault with its code.

use super::reason;
use crate::id;
use crate::number::{DecimalError, DecimalShape, Money, Quantity, UnitPrice};
use crate::time::{Instant, InstantError};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Why a text is not what its column holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct Fault {
    /// A code of [`reason`].
    pub reason: &'static str,
    /// What was expected, and what to do.
    pub expected: String,
}

fn fault<T>(reason: &'static str, expected: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { reason, expected: expected.into() })
}

/// An id: 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`.
///
/// # Errors
/// [`reason::INVALID_ID`].
pub fn id(text: &str) -> Result<String, Fault> {
    if id::is_valid(text) {
        return Ok(text.to_owned());
    }
    fault(
        reason::INVALID_ID,
        "expected an id of 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`; rename the thing at its source",
    )
}

/// Text for people, on one line.
///
/// # Errors
/// [`reason::INVALID_TEXT`] for a control character, line breaks and tabs included.
pub fn text(text: &str) -> Result<String, Fault> {
    match text.chars().find(|c| c.is_control()) {
        None => Ok(text.to_owned()),
        Some(found) => {
            let expected = format!("expected text without control characters, saw {}; remove it", found.escape_unicode());
            fault(reason::INVALID_TEXT, expected)
        }
    }
}

/// A currency: three capital letters.
///
/// # Errors
/// [`reason::INVALID_VALUE`].
pub fn currency(text: &str) -> Result<String, Fault> {
    if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    fault(reason::INVALID_VALUE, "expected a currency code of ISO 4217, such as `CNY`")
}

/// An instant: RFC 3339 with an offset; a fraction of a second is cut off.
///
/// # Errors
/// [`reason::NAIVE_TIMESTAMP`] without an offset, [`reason::INVALID_TIMESTAMP`] otherwise.
pub fn instant(text: &str) -> Result<Instant, Fault> {
    const SHAPE: &str = "expected RFC 3339 with an offset, such as `2026-01-05T13:20:00+08:00`";
    match Instant::parse(text) {
        Ok(instant) => Ok(instant),
        Err(InstantError::NoOffset(_)) => {
            fault(reason::NAIVE_TIMESTAMP, format!("the time has no offset from UTC, which is never guessed; {SHAPE}"))
        }
        Err(InstantError::NotRfc3339(_)) => fault(reason::INVALID_TIMESTAMP, SHAPE),
        Err(InstantError::OutOfRange(_)) => fault(reason::INVALID_TIMESTAMP, "expected a year from 1970 to 9999"),
    }
}

/// A date: `2026-01-05`, from 1970 on; exactly as it is printed.
///
/// # Errors
/// [`reason::INVALID_TIMESTAMP`].
pub fn date(text: &str) -> Result<NaiveDate, Fault> {
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) if ("1970-01-01"..="9999-12-31").contains(&text) && date.to_string() == text => Ok(date),
        _ => fault(reason::INVALID_TIMESTAMP, "expected a date such as `2026-01-05`"),
    }
}

/// A quantity: up to 12 decimals, not negative.
///
/// # Errors
/// [`reason::NEGATIVE_QUANTITY`], [`reason::NOT_A_NUMBER`], [`reason::TOO_MANY_DIGITS`].
pub fn quantity(text: &str) -> Result<Quantity, Fault> {
    const NEGATIVE: &str =
        "a quantity is never negative; send what was really used in a row with `corrects` = the id of the wrong row";
    Quantity::parse(text).map_err(|error| decimal_fault(&error, reason::NEGATIVE_QUANTITY, NEGATIVE))
}

/// A price: up to 12 decimals, not negative.
///
/// # Errors
/// [`reason::NEGATIVE_AMOUNT`], [`reason::NOT_A_NUMBER`], [`reason::TOO_MANY_DIGITS`].
pub fn price(text: &str) -> Result<UnitPrice, Fault> {
    const NEGATIVE: &str = "a price is never negative; what is given away is a discount";
    UnitPrice::parse(text).map_err(|error| decimal_fault(&error, reason::NEGATIVE_AMOUNT, NEGATIVE))
}

/// An amount: up to 8 decimals, not negative.
///
/// # Errors
/// [`reason::NEGATIVE_AMOUNT`], [`reason::NOT_A_NUMBER`], [`reason::TOO_MANY_DIGITS`].
pub fn money(text: &str) -> Result<Money, Fault> {
    const NEGATIVE: &str = "the amount must not be negative";
    Money::parse(text).map_err(|error| decimal_fault(&error, reason::NEGATIVE_AMOUNT, NEGATIVE))
}

/// An amount that may be negative: up to 8 decimals.
///
/// # Errors
/// [`reason::NOT_A_NUMBER`], [`reason::TOO_MANY_DIGITS`].
pub fn signed_money(text: &str) -> Result<Money, Fault> {
    Money::parse_signed(text).map_err(|error| decimal_fault(&error, reason::NEGATIVE_AMOUNT, ""))
}

/// A percentage: 0 to 100, up to 8 decimals; 20 is 20 %.
///
/// # Errors
/// [`reason::OUT_OF_RANGE`], [`reason::NOT_A_NUMBER`], [`reason::TOO_MANY_DIGITS`].
pub fn percent(text: &str) -> Result<Decimal, Fault> {
    const SHAPE: DecimalShape = DecimalShape { scale: 8, digits_before_point: 18, is_signed: true };
    const RANGE: &str = "expected a percentage from 0 to 100, such as `20` for 20 %";
    let value_e8 = SHAPE.parse(text).map_err(|error| decimal_fault(&error, reason::OUT_OF_RANGE, RANGE))?;
    let percent = Decimal::from_i128_with_scale(value_e8, SHAPE.scale).normalize();
    if percent.is_sign_negative() && !percent.is_zero() || percent > Decimal::ONE_HUNDRED {
        return fault(reason::OUT_OF_RANGE, RANGE);
    }
    Ok(percent.abs())
}

/// A whole number from `min` to `max`.
///
/// # Errors
/// [`reason::OUT_OF_RANGE`], [`reason::NOT_A_NUMBER`].
pub fn integer(text: &str, min: i64, max: i64) -> Result<i64, Fault> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return fault(reason::NOT_A_NUMBER, format!("expected a whole number from {min} to {max}, in plain digits"));
    }
    match text.parse::<i64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => fault(reason::OUT_OF_RANGE, format!("expected a whole number from {min} to {max}")),
    }
}

/// `true` or `false`.
///
/// # Errors
/// [`reason::INVALID_VALUE`].
pub fn boolean(text: &str) -> Result<bool, Fault> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => fault(reason::INVALID_VALUE, "expected `true` or `false`"),
    }
}

/// One of the known words.
///
/// # Errors
/// [`reason::INVALID_VALUE`], naming them.
pub fn word<'a>(text: &'a str, words: &[String]) -> Result<&'a str, Fault> {
    if words.iter().any(|word| word == text) {
        return Ok(text);
    }
    let known: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    fault(reason::INVALID_VALUE, format!("expected one of {}", known.join(", ")))
}

/// `a;b;c`, each item read by `read`.
///
/// # Errors
/// [`reason::INVALID_LIST`] for an empty item or one that `read` refuses; [`reason::INVALID_VALUE`] for an unknown word.
pub fn list<'a, T>(text: &'a str, read: impl Fn(&'a str) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    let items = text.split(';').enumerate().map(|(index, item)| {
        if item.is_empty() {
            return fault(reason::INVALID_LIST, format!("item {} is empty; expected `a;b;c`", index + 1));
        }
        read(item).map_err(|inner| Fault {
            reason: if inner.reason == reason::INVALID_VALUE { inner.reason } else { reason::INVALID_LIST },
            expected: format!("item {} of the list: {}", index + 1, inner.expected),
        })
    });
    items.collect()
}

/// `key=value;key=value`. A value may be empty and may hold `=`; a key may not.
///
/// # Errors
/// [`reason::INVALID_MAP`] for an entry without `=` or key, and for a key twice; [`reason::INVALID_TEXT`].
pub fn map(cell: &str) -> Result<BTreeMap<String, String>, Fault> {
    text(cell)?;
    let mut entries = BTreeMap::new();
    for entry in cell.split(';') {
        match entry.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                if entries.insert(key.to_owned(), value.to_owned()).is_some() {
                    return fault(reason::INVALID_MAP, format!("the key `{key}` is there twice; keep one of them"));
                }
            }
            _ => return fault(reason::INVALID_MAP, "expected `key=value;key=value`, without a `;` at the end"),
        }
    }
    Ok(entries)
}

/// Counts and the price of that many: `12=900;24=1600`.
///
/// # Errors
/// [`reason::INVALID_MAP`] for the shape, a count twice or a count that is no whole number from 1; the price's own faults.
pub fn terms(cell: &str) -> Result<BTreeMap<u32, UnitPrice>, Fault> {
    let mut terms = BTreeMap::new();
    for (count, amount) in map(cell)? {
        let Ok(units) = integer(&count, 1, 1200) else {
            return fault(reason::INVALID_MAP, format!("`{count}` is no count of units; expected `12=900;24=1600`"));
        };
        let units = u32::try_from(units).expect("1200 fits");
        let amount = price(&amount)
            .map_err(|inner| Fault { expected: format!("the price of {units} units: {}", inner.expected), ..inner })?;
        if terms.insert(units, amount).is_some() {
            return fault(reason::INVALID_MAP, format!("the count {units} is there twice; keep one of them"));
        }
    }
    Ok(terms)
}

/// Any JSON; what it must hold is the business of the column.
///
/// # Errors
/// [`reason::INVALID_JSON`].
pub fn json(text: &str) -> Result<serde_json::Value, Fault> {
    serde_json::from_str(text).or_else(|error| fault(reason::INVALID_JSON, format!("expected JSON: {error}")))
}

fn decimal_fault(error: &DecimalError, negative: &'static str, negative_expected: &str) -> Fault {
    let (reason, expected) = match error {
        DecimalError::Negative => (negative, negative_expected.to_owned()),
        DecimalError::Empty | DecimalError::NotPlain(_) => (
            reason::NOT_A_NUMBER,
            "expected plain digits with at most one point: no exponent, separator, sign or blank".to_owned(),
        ),
        DecimalError::TooManyDecimals(_) | DecimalError::TooManyDigits(_) => {
            (reason::TOO_MANY_DIGITS, format!("{error}; it is refused rather than rounded"))
        }
    };
    Fault { reason, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_it_is_printed() {
        let cases = [
            ("2026-01-05", true),
            ("1970-01-01", true),
            ("1969-12-31", false),
            ("9999-12-31", true),
            ("-013-01-10", false), // the year -13, found by fuzzing
            ("+2026-1-05", false),
            ("2026- 1-05", false),
            ("2026-02-29", false),
        ];
        for (text, expected) in cases {
            assert_eq!(date(text).is_ok(), expected, "{text}");
        }
    }
}

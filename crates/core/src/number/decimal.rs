//! Plain decimal text to and from scaled integers: `12.50` at scale 8 is `1_250_000_000`.
//!
//! Promises: what is accepted is exact; what does not fit is refused, never rounded. Exponents, thousands separators,
//! `NaN`, blanks and a leading `+` are refused, so that a spreadsheet's idea of a number cannot slip in.

use std::fmt::Write as _;

/// Why a piece of text is not a plain decimal that fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Nothing between the separators.
    #[error("the value is empty")]
    Empty,
    /// A minus sign where none is allowed.
    #[error("the value is negative")]
    Negative,
    /// Anything but digits and one point: `1e3`, `1,000`, `NaN`, `0x1f`, ` 1`.
    #[error("`{0}` is not a plain decimal number")]
    NotPlain(String),
    /// More digits after the point than the column carries.
    #[error("more than {0} digits after the point")]
    TooManyDecimals(u32),
    /// More digits before the point than the column carries.
    #[error("more than {0} digits before the point")]
    TooManyDigits(u32),
}

/// How many digits a column carries and whether it may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecimalShape {
    /// Digits after the point; also the scale of the integer handed back.
    pub scale: u32,
    /// Digits before the point.
    pub digits_before_point: u32,
    /// Whether a leading minus is allowed.
    pub is_signed: bool,
}

impl DecimalShape {
    /// Quantities and prices: 12 decimals, 18 digits before the point, no sign.
    pub const QUANTITY: Self = Self { scale: 12, digits_before_point: 18, is_signed: false };
    /// Money: 8 decimals; ten digits before the point always fit 64 bits.
    pub const MONEY: Self = Self { scale: 8, digits_before_point: 10, is_signed: false };
    /// Money that may be negative, where the contract says so.
    pub const SIGNED_MONEY: Self = Self { is_signed: true, ..Self::MONEY };

    /// Reads plain decimal text exactly.
    ///
    /// # Errors
    /// A [`DecimalError`] that names the first thing that is wrong.
    pub fn parse(self, text: &str) -> Result<i128, DecimalError> {
        if text.is_empty() {
            return Err(DecimalError::Empty);
        }
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || fraction.is_some_and(|part| !is_digits(part)) {
            return Err(DecimalError::NotPlain(text.chars().take(40).collect()));
        }
        if is_negative && !self.is_signed {
            return Err(DecimalError::Negative);
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.unwrap_or("").trim_end_matches('0');
        if whole.len() > self.digits_before_point as usize {
            return Err(DecimalError::TooManyDigits(self.digits_before_point));
        }
        if fraction.len() > self.scale as usize {
            return Err(DecimalError::TooManyDecimals(self.scale));
        }

        let mut value: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            value = value * 10 + i128::from(digit - b'0');
        }
        value *= 10_i128.pow(self.scale - fraction.len() as u32);
        Ok(if is_negative { -value } else { value })
    }
}

/// Writes a scaled integer as plain decimal text with exactly `digits` digits after the point.
///
/// `digits` must not be smaller than what the value needs: `format_fixed(150, 2, 2)` is `1.50`.
pub fn format_fixed(value: i128, scale: u32, digits: u32) -> String {
    let unit = 10_u128.pow(scale);
    let magnitude = value.unsigned_abs();
    let mut text = String::with_capacity(24);
    if value < 0 {
        text.push('-');
    }
    let (whole, fraction) = (magnitude / unit, magnitude % unit);
    let _ = write!(text, "{whole}");
    if digits > 0 {
        let all = format!("{fraction:0width$}", width = scale as usize);
        debug_assert!(all.bytes().skip(digits as usize).all(|b| b == b'0'), "digits would be lost");
        let _ = write!(text, ".{:0<width$}", &all[..all.len().min(digits as usize)], width = digits as usize);
    }
    text
}

/// Writes a scaled integer without trailing zeros: `format_trimmed(150, 2)` is `1.5`.
pub fn format_trimmed(value: i128, scale: u32) -> String {
    let mut text = format_fixed(value, scale, scale);
    if scale > 0 {
        let kept = text.trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(kept);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_read_exactly_or_refused() {
        use DecimalError::*;
        let not_plain = |text: &str| Err(NotPlain(text.to_owned()));
        let cases: &[(&str, Result<i128, DecimalError>)] = &[
            ("0", Ok(0)),
            ("007", Ok(7_000_000_000_000)),
            ("1.5", Ok(1_500_000_000_000)),
            ("0.000000000001", Ok(1)),
            ("1.0000000000000", Ok(1_000_000_000_000)), // surplus zeros lose nothing
            ("0.0000000000001", Err(TooManyDecimals(12))),
            ("999999999999999999", Ok(999_999_999_999_999_999 * 1_000_000_000_000)),
            ("1000000000000000000", Err(TooManyDigits(18))),
            ("-3", Err(Negative)),
            ("", Err(Empty)),
            ("1e3", not_plain("1e3")),
            ("NaN", not_plain("NaN")),
            ("1,000", not_plain("1,000")),
            (" 1", not_plain(" 1")),
            ("+1", not_plain("+1")),
            (".5", not_plain(".5")),
            ("5.", not_plain("5.")),
            ("--1", not_plain("--1")),
            ("１", not_plain("１")),
        ];
        for (text, expected) in cases {
            assert_eq!(&DecimalShape::QUANTITY.parse(text), expected, "{text:?}");
        }
        assert_eq!(DecimalShape::SIGNED_MONEY.parse("-0.01"), Ok(-1_000_000));
    }

    #[test]
    fn formatting_returns_what_was_read() {
        for text in ["0", "1.5", "-0.00000001", "92233720368.54775807"] {
            let shape = DecimalShape { scale: 8, digits_before_point: 11, is_signed: true };
            let value = shape.parse(text).expect("plain");
            assert_eq!(format_trimmed(value, 8), text);
        }
        assert_eq!(format_fixed(150, 2, 2), "1.50");
        assert_eq!(format_fixed(1_000_000, 8, 2), "0.01");
        assert_eq!(format_fixed(5, 0, 0), "5");
    }
}

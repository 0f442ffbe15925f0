//! Stable codes for why a row is refused. People filter and count by them, so a code is never renamed.

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $code;)+

        /// Every code with what it means.
        pub const ALL: &[(&str, &str)] = &[$(($code, concat!($($doc),+))),+];
    };
}

reasons! {
    /// A required cell is empty.
    MISSING_VALUE = "missing_value";
    /// Not 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`.
    INVALID_ID = "invalid_id";
    /// Not RFC 3339, or outside the years 1970 to 9999.
    INVALID_TIMESTAMP = "invalid_timestamp";
    /// A local time without an offset from UTC.
    NAIVE_TIMESTAMP = "naive_timestamp";
    /// The end lies before the start; for a validity also where they are the same.
    ENDS_BEFORE_START = "ends_before_start";
    /// A quantity below 0.
    NEGATIVE_QUANTITY = "negative_quantity";
    /// A price or amount below 0 where the contract allows no sign.
    NEGATIVE_AMOUNT = "negative_amount";
    /// An amount of 0 where something has to move.
    ZERO_AMOUNT = "zero_amount";
    /// Not a plain decimal: an exponent, a separator, `NaN`, a blank.
    NOT_A_NUMBER = "not_a_number";
    /// More digits than the column carries; never rounded.
    TOO_MANY_DIGITS = "too_many_digits";
    /// A number beyond what the column allows.
    OUT_OF_RANGE = "out_of_range";
    /// None of the words that the column knows.
    INVALID_VALUE = "invalid_value";
    /// A control character in text.
    INVALID_TEXT = "invalid_text";
    /// Not `a;b;c`.
    INVALID_LIST = "invalid_list";
    /// Not `key=value;key=value`, or a key twice.
    INVALID_MAP = "invalid_map";
    /// Not the JSON that the column holds.
    INVALID_JSON = "invalid_json";
    /// Cells that are right one by one and contradict each other.
    INCONSISTENT_ROW = "inconsistent_row";
    /// A record with more or fewer fields than the header.
    WRONG_FIELD_COUNT = "wrong_field_count";
    /// A line of NDJSON that is no JSON object, or that names a key twice.
    INVALID_JSON_ROW = "invalid_json_row";
    /// A JSON value of a kind that cannot say exactly what the column holds.
    WRONG_JSON_TYPE = "wrong_json_type";
    /// A CloudEvents envelope of another version, without what it requires, or around something else than a JSON object.
    INVALID_EVENT = "invalid_event";
    /// A field of more than 64 KiB.
    FIELD_TOO_LONG = "field_too_long";
}

/// A header without a required column: the file is refused whole.
pub const MISSING_COLUMN: &str = "missing_column";
/// A header with a column that the table does not have: the file is refused whole.
pub const UNKNOWN_COLUMN: &str = "unknown_column";
/// A header with a column twice: the file is refused whole.
pub const DUPLICATE_COLUMN: &str = "duplicate_column";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_words_and_unique() {
        let mut codes: Vec<&str> = ALL.iter().map(|(code, _)| *code).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }
}

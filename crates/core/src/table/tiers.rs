//! The JSON of `prices.tiers`. Every number is a string there: a JSON number may have been a binary float before it was
//! written, and nobody could tell.

use super::read::{self, Fault};
use super::{PriceModel, Tier, reason};
use crate::number::{Money, Quantity, UnitPrice};
use serde::Deserialize;
use serde::de::DeserializeOwned;

const TIERS_SHAPE: &str = r#"`[{"up_to":"100","unit_price":"0.10"},{"unit_price":"0.08"}]`"#;
const PACKAGE_SHAPE: &str = r#"`{"size":"10","unit_price":"5","free":"0"}`"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierText {
    up_to: Option<String>,
    unit_price: String,
    flat: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageText {
    size: String,
    unit_price: String,
    free: Option<String>,
}

/// The tiers of a graduated or volume price: ascending inclusive bounds, only the last tier without one.
pub(super) fn tiers(text: &str) -> Result<Vec<Tier>, Fault> {
    let delivered: Vec<TierText> = parse_json(text, TIERS_SHAPE)?;
    if delivered.is_empty() {
        return invalid("expected at least one tier".to_owned());
    }

    let last = delivered.len() - 1;
    let mut tiers: Vec<Tier> = Vec::with_capacity(delivered.len());
    for (index, delivered) in delivered.into_iter().enumerate() {
        let tier = tier(delivered).map_err(|inner| in_tier(index, inner))?;
        match (tier.up_to, index == last) {
            (None, false) => return invalid(format!("tier {} has no `up_to`; only the last goes on for ever", index + 1)),
            (Some(_), true) => return invalid(format!("tier {} is the last and has an `up_to`; leave it out", index + 1)),
            (Some(bound), false) if bound <= tiers.last().and_then(|tier| tier.up_to).unwrap_or(Quantity::ZERO) => {
                return invalid(format!("`up_to` of tier {} is not above the bound before it; list tiers upwards", index + 1));
            }
            (Some(_), false) | (None, true) => tiers.push(tier),
        }
    }
    Ok(tiers)
}

/// The package of a package price.
pub(super) fn package(text: &str) -> Result<PriceModel, Fault> {
    let delivered: PackageText = parse_json(text, PACKAGE_SHAPE)?;
    let size = read::quantity(&delivered.size).map_err(|inner| in_key("size", inner))?;
    let unit_price = read::price(&delivered.unit_price).map_err(|inner| in_key("unit_price", inner))?;
    let free = optional(delivered.free, "free", read::quantity)?.unwrap_or(Quantity::ZERO);
    if size.is_zero() {
        return invalid("`size` is 0; expected the units of one package".to_owned());
    }
    Ok(PriceModel::Package { size, unit_price, free })
}

fn tier(delivered: TierText) -> Result<Tier, Fault> {
    let up_to = optional(delivered.up_to, "up_to", read::quantity)?;
    let unit_price: UnitPrice = read::price(&delivered.unit_price).map_err(|inner| in_key("unit_price", inner))?;
    let flat: Money = optional(delivered.flat, "flat", read::money)?.unwrap_or(Money::ZERO);
    Ok(Tier { up_to, unit_price, flat })
}

fn optional<T>(text: Option<String>, key: &str, read: fn(&str) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
    text.map(|text| read(&text).map_err(|inner| in_key(key, inner))).transpose()
}

fn parse_json<T: DeserializeOwned>(text: &str, shape: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault {
        reason: reason::INVALID_JSON,
        expected: format!("{error}; expected {shape}, with every number as a string so that it stays exact"),
    })
}

fn invalid<T>(expected: String) -> Result<T, Fault> {
    Err(Fault { reason: reason::INVALID_JSON, expected })
}

fn in_key(key: &str, inner: Fault) -> Fault {
    Fault { expected: format!("`{key}`: {}", inner.expected), ..inner }
}

fn in_tier(index: usize, inner: Fault) -> Fault {
    Fault { expected: format!("tier {}, {}", index + 1, inner.expected), ..inner }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_ascend_and_only_the_last_is_open() {
        let cases = [
            (r#"[{"unit_price":"1"}]"#, "ok 1"),
            (r#"[{"up_to":"100","unit_price":"0.10","flat":"0"},{"unit_price":"0.08"}]"#, "ok 2"),
            (r#"[{"up_to":"100","unit_price":"1"},{"up_to":"100.000000000001","unit_price":"1"},{"unit_price":"1"}]"#, "ok 3"),
            (r#"[{"up_to":"100","unit_price":"1"},{"up_to":"100","unit_price":"1"},{"unit_price":"1"}]"#, "invalid_json"),
            (r#"[{"up_to":"100","unit_price":"1"},{"up_to":"99","unit_price":"1"},{"unit_price":"1"}]"#, "invalid_json"),
            (r#"[{"up_to":"0","unit_price":"1"},{"unit_price":"1"}]"#, "invalid_json"), // holds nothing
            (r#"[{"up_to":"100","unit_price":"1"}]"#, "invalid_json"),                  // what does unit 101 cost?
            (r#"[{"unit_price":"1"},{"unit_price":"2"}]"#, "invalid_json"),
            ("[]", "invalid_json"),
            ("", "invalid_json"),
            ("{}", "invalid_json"),
            (r#"[{"unit_price":0.10}]"#, "invalid_json"), // a number may be a float
            (r#"[{"unit_price":1}]"#, "invalid_json"),
            (r#"[{"up_to":100,"unit_price":"1"},{"unit_price":"1"}]"#, "invalid_json"),
            (r#"[{"unit_price":"1","price":"2"}]"#, "invalid_json"), // an unknown key would be lost
            (r#"[{"unit_price":"1","unit_price":"2"}]"#, "invalid_json"),
            (r#"[{"flat":"1"}]"#, "invalid_json"),
            (r#"[{"unit_price":"1"}] x"#, "invalid_json"),
            (r#"[{"unit_price":"1e3"}]"#, "not_a_number"),
            (r#"[{"unit_price":"-1"}]"#, "negative_amount"),
            (r#"[{"unit_price":"0.0000000000001"}]"#, "too_many_digits"),
            (r#"[{"unit_price":"1","flat":"0.000000001"}]"#, "too_many_digits"),
            (r#"[{"up_to":"-5","unit_price":"1"},{"unit_price":"1"}]"#, "negative_quantity"),
        ];
        for (text, expected) in cases {
            let seen = match tiers(text) {
                Ok(tiers) => format!("ok {}", tiers.len()),
                Err(fault) => fault.reason.to_owned(),
            };
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn a_package_has_a_size_and_a_price() {
        let cases = [
            (r#"{"size":"10","unit_price":"5","free":"0"}"#, "ok"),
            (r#"{"size":"0.000000000001","unit_price":"0"}"#, "ok"),
            (r#"{"size":"0","unit_price":"5"}"#, "invalid_json"),
            (r#"{"size":"-1","unit_price":"5"}"#, "negative_quantity"),
            (r#"{"size":10,"unit_price":"5"}"#, "invalid_json"),
            (r#"{"size":"10"}"#, "invalid_json"),
            (r#"{"size":"10","unit_price":"5","gift":"1"}"#, "invalid_json"),
            (r#"[{"size":"10","unit_price":"5"}]"#, "invalid_json"),
        ];
        for (text, expected) in cases {
            let seen = package(text).map_or_else(|fault| fault.reason, |_| "ok");
            assert_eq!(seen, expected, "{text}");
        }
    }
}

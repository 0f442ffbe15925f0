//! Reading a manifest: JSON whose numbers are taken as the digits that were delivered, and whose keys are all known.

use super::{ListedFile, Manifest};
use crate::id;
use crate::number::{DecimalShape, Quantity};
use crate::time::{Instant, Window};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// A sum of quantities may be longer than one of them.
const SUM: DecimalShape = DecimalShape { digits_before_point: 26, is_signed: true, ..DecimalShape::QUANTITY };

/// Why a text is no manifest: what was seen, what was expected, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManifestFault(pub String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a manifest: an object")]
struct RawManifest {
    source: String,
    hour: Option<String>,
    window: Option<RawWindow>,
    seq: Option<String>,
    #[serde(rename = "final")]
    is_final: Option<bool>,
    files: Vec<RawFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `from` and `to`")]
struct RawWindow {
    from: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object for a file")]
struct RawFile {
    name: String,
    bytes: Option<String>,
    sha256: Option<String>,
    rows: Option<String>,
    min_ts: Option<String>,
    max_ts: Option<String>,
    sum_quantity: Option<RawSums>,
    replaces: Option<String>,
}

/// A map whose keys are all different.
struct RawSums(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for RawSums {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sums;
        impl<'de> Visitor<'de> for Sums {
            type Value = RawSums;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of sums by sku")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawSums, A::Error> {
                let mut sums = BTreeMap::new();
                while let Some((sku, sum)) = map.next_entry::<String, String>()? {
                    if sums.insert(sku.clone(), sum).is_some() {
                        return Err(serde::de::Error::custom(format!("the sku `{sku}` is named twice")));
                    }
                }
                Ok(RawSums(sums))
            }
        }
        deserializer.deserialize_map(Sums)
    }
}

/// Reads a manifest.
///
/// # Errors
/// [`ManifestFault`] for what is no JSON, an unknown key (with the known ones), a key twice, or a value that does not say
/// what it must.
pub fn parse(text: &str) -> Result<Manifest, ManifestFault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw: RawManifest = match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) if !text.trim_start().starts_with('{') => return fault("expected a manifest: one JSON object".to_owned()),
        Err(error) => return fault(format!("it is no JSON: {error}; expected one object, whole")),
        // Positions would be those in the text with quotes; the line is enough.
        Ok(IgnoredAny) => serde_json::from_str(&with_numbers_quoted(text)).map_err(|error| {
            let told = error.to_string();
            let told = told.rsplit_once(" at line ").map_or(told.as_str(), |(told, _)| told);
            ManifestFault(format!("line {}: {told}", error.line()))
        })?,
    };
    if !id::is_valid(&raw.source) {
        return fault(format!(
            "`source` is `{}`, expected an id of 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`",
            shown(&raw.source)
        ));
    }
    let mut names = BTreeSet::new();
    let files = raw.files.into_iter().map(listed_file).collect::<Result<Vec<ListedFile>, ManifestFault>>()?;
    if let Some(twice) = files.iter().find(|listed| !names.insert(listed.name.as_str())) {
        return fault(format!("the file `{}` is listed twice; list it once", twice.name));
    }
    Ok(Manifest {
        window: window(raw.hour.as_deref(), raw.window.as_ref())?,
        number: raw.seq.map_or(Ok(1), |seq| integer("seq", &seq))?,
        is_final: raw.is_final.unwrap_or(false),
        source: raw.source,
        files,
    })
}

fn fault<T>(detail: String) -> Result<T, ManifestFault> {
    Err(ManifestFault(detail))
}

/// JSON whose numbers stand in quotes, so that no reader makes floats of them. The text is JSON.
fn with_numbers_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 64);
    let (mut is_text, mut is_escaped, mut is_number) = (false, false, false);
    for char in text.chars() {
        let is_of_number = !is_text
            && matches!(char, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')
            && (is_number || char == '-' || char.is_ascii_digit());
        if is_of_number != is_number {
            quoted.push('"');
            is_number = is_of_number;
        }
        quoted.push(char);
        match (is_text, is_escaped, char) {
            (true, true, _) => is_escaped = false,
            (true, false, '\\') => is_escaped = true,
            (_, false, '"') => is_text = !is_text,
            _ => {}
        }
    }
    if is_number {
        quoted.push('"');
    }
    quoted
}

fn window(hour: Option<&str>, window: Option<&RawWindow>) -> Result<Window, ManifestFault> {
    match (hour, window) {
        (Some(hour), None) => {
            let start = instant("hour", hour)?;
            if start != start.hour_start() {
                return fault(format!(
                    "`hour` is `{}`, expected the first instant of an hour, such as `2026-01-05T13:00:00Z`",
                    shown(hour)
                ));
            }
            Ok(Window::new(start, start.plus_seconds(3_600)))
        }
        (None, Some(raw)) => {
            let window = Window::new(instant("window.from", &raw.from)?, instant("window.to", &raw.to)?);
            match window.start < window.end {
                true => Ok(window),
                false => fault(format!("nothing lies between `{}` and `{}`; expected `from` before `to`", raw.from, raw.to)),
            }
        }
        (None, None) => fault("it names no time; expected `hour`, or `window` with `from` and `to`".to_owned()),
        (Some(_), Some(_)) => fault("it names both `hour` and `window`; expected one of them".to_owned()),
    }
}

fn listed_file(raw: RawFile) -> Result<ListedFile, ManifestFault> {
    let in_file = |ManifestFault(told): ManifestFault| ManifestFault(format!("file `{}`: {told}", shown(&raw.name)));
    if raw.name.is_empty() || raw.name.contains(['/', '\\']) || raw.name.chars().any(char::is_control) {
        return fault(format!("`name` is `{}`, expected a file's name without folders", shown(&raw.name)));
    }
    let integer_of = |key: &str, text: &Option<String>| text.as_deref().map(|text| integer(key, text)).transpose();
    let instant_of = |key: &str, text: &Option<String>| text.as_deref().map(|text| instant(key, text)).transpose();
    Ok(ListedFile {
        bytes: integer_of("bytes", &raw.bytes).map_err(in_file)?,
        sha256: raw.sha256.as_deref().map(sha256).transpose().map_err(in_file)?,
        rows: integer_of("rows", &raw.rows).map_err(in_file)?,
        min_ts: instant_of("min_ts", &raw.min_ts).map_err(in_file)?,
        max_ts: instant_of("max_ts", &raw.max_ts).map_err(in_file)?,
        sum_quantity: raw.sum_quantity.map(sums).transpose().map_err(in_file)?,
        replaces: raw.replaces.clone(),
        name: raw.name.clone(),
    })
}

fn integer(key: &str, text: &str) -> Result<u64, ManifestFault> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // The store counts in 63 bits.
    let value = text.parse::<i64>().ok().filter(|_| is_digits).and_then(|value| u64::try_from(value).ok());
    value.ok_or_else(|| ManifestFault(format!("`{key}` is `{}`, expected a whole number from 0", shown(text))))
}

fn instant(key: &str, text: &str) -> Result<Instant, ManifestFault> {
    Instant::parse(text).map_err(|error| {
        ManifestFault(format!("`{key}`: {error}; expected RFC 3339 with an offset, such as `2026-01-05T13:00:00Z`"))
    })
}

fn sha256(text: &str) -> Result<String, ManifestFault> {
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => fault(format!("`sha256` is `{}`, expected 64 hex digits", shown(text))),
    }
}

fn sums(RawSums(raw): RawSums) -> Result<BTreeMap<String, Quantity>, ManifestFault> {
    let sum = |(sku, text): (String, String)| match SUM.parse(&text) {
        Ok(e12) => Ok((sku, Quantity::from_e12(e12))),
        Err(error) => {
            let sku = shown(&sku);
            fault(format!(
                "`sum_quantity` of `{sku}` is `{}`: {error}; expected plain digits, at most 12 after the point",
                shown(&text)
            ))
        }
    };
    raw.into_iter().map(sum).collect()
}

/// A value as it may stand in a sentence.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

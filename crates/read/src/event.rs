//! CloudEvents 1.0 in structured mode: an envelope of attributes around one usage row.
//!
//! The envelope says that something happened and names it; what was used stands in `data`. Extension attributes are passed
//! over: they belong to whoever carries events about.

use super::json::Object;
use reckoner_core::table::{Refusal, read, reason};
use std::borrow::Cow;

/// The attribute by which an event is known.
pub(super) const MARK: &str = "specversion";

const VERSION: &str = "1.0";
const REQUIRED: [&str; 3] = ["id", "source", "type"];

/// The row inside an envelope, and the event's id: the record's where the row has none.
pub(super) fn open<'a>(envelope: &Object<'a>) -> Result<(Object<'a>, Cow<'a, str>), Refusal> {
    check_version(envelope)?;
    for attribute in REQUIRED {
        if envelope.string(attribute).is_none_or(|text| text.is_empty()) {
            return Err(at(envelope, attribute, "CloudEvents require text here"));
        }
    }
    if let Some(time) = envelope.get("time") {
        let instant = envelope.string("time").filter(|text| read::instant(text).is_ok());
        if instant.is_none() {
            return Err(refusal("time", time, "expected RFC 3339 with an offset, or no `time`"));
        }
    }
    check_content(envelope)?;

    let Some(data) = envelope.get("data").filter(|data| data.starts_with('{')) else {
        return Err(at(envelope, "data", "expected an object with the columns of `usage`"));
    };
    let id = envelope.string("id").expect("it was found above");
    Ok((Object::parse(data)?, id))
}

fn check_version(envelope: &Object<'_>) -> Result<(), Refusal> {
    match envelope.string(MARK) {
        Some(version) if version == VERSION => Ok(()),
        _ => Err(at(envelope, MARK, "expected `\"1.0\"`, the version of CloudEvents that is taken in")),
    }
}

/// `data` is JSON: no other type is said, and nothing stands in `data_base64`.
fn check_content(envelope: &Object<'_>) -> Result<(), Refusal> {
    if envelope.get("data_base64").is_some() {
        return Err(at(envelope, "data_base64", "binary content is not taken in; send the row as an object in `data`"));
    }
    if envelope.get("datacontenttype").is_none() {
        return Ok(());
    }
    let is_json = envelope.string("datacontenttype").is_some_and(|media_type| {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence.split_once('/').is_some_and(|(_, subtype)| subtype == "json" || subtype.ends_with("+json"))
    });
    if is_json {
        return Ok(());
    }
    Err(at(envelope, "datacontenttype", "expected `application/json`: the row is an object in `data`"))
}

fn at(envelope: &Object<'_>, attribute: &str, expected: &str) -> Refusal {
    refusal(attribute, envelope.get(attribute).unwrap_or_default(), expected)
}

fn refusal(attribute: &str, seen: &str, expected: &str) -> Refusal {
    Refusal::at(attribute, seen, reason::INVALID_EVENT, expected)
}

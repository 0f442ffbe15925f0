//! JSON objects as text cells. A number is the digits that were delivered, never a float; an object is a map, an array a list.
//!
//! `serde_json` checks every value and says where it ends; what is kept of a value is its text. (Its own `RawValue` would do
//! the same, but its feature is one for the whole build, and changes what every other crate there is compiled with.)

use reckoner_core::table::schema::{ColumnSchema, ColumnType};
use reckoner_core::table::{Refusal, reason};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::HashSet;

/// The keys of an object with their values as delivered, in the order of the line.
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

/// Why a value cannot stand in a column: the code, and what was expected.
type Misfit = (&'static str, String);

impl<'a> Object<'a> {
    /// Reads an object whose keys are all different.
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let object = Self::scan(text).map_err(|what| not_an_object(&what))?;
        let mut keys = HashSet::with_capacity(object.0.len());
        match object.0.iter().find(|(key, _)| !keys.insert(key.as_ref())) {
            None => Ok(object),
            Some((key, _)) => {
                let key = key.escape_debug().take(60).collect::<String>();
                Err(of_row(format!("the line names the key `{key}` twice: which of them holds cannot be known; name it once")))
            }
        }
    }

    /// Reads an object whose keys may come twice.
    fn scan(text: &'a str) -> Result<Self, String> {
        let (mut scan, mut entries) = (Scan { text, at: 0 }, Vec::with_capacity(16));
        scan.expect(b'{')?;
        if !scan.takes(b'}') {
            loop {
                let (Str(key), _) = scan.part()?;
                scan.expect(b':')?;
                let (IgnoredAny, value) = scan.part()?;
                entries.push((key, value));
                if !scan.takes(b',') {
                    break scan.close(b'}')?;
                }
            }
        }
        scan.end()?;
        Ok(Self(entries))
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// The value under a key; nothing where it is not there or `null`.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        self.entries().find(|(name, value)| *name == key && *value != "null").map(|(_, value)| value)
    }

    /// The string under a key; nothing where there is none.
    pub(super) fn string(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(string)
    }

    /// Keys and values, in the order of the line.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }
}

/// The value as the text that CSV would have in this column.
pub(super) fn cell<'a>(column: &ColumnSchema, value: &'a str) -> Result<Cow<'a, str>, Refusal> {
    text_of(&column.column_type, value)
        .map_err(|(reason, expected)| Refusal::at(&column.name, value, reason, &format!("expected {expected}")))
}

fn text_of<'a>(column_type: &ColumnType, value: &'a str) -> Result<Cow<'a, str>, Misfit> {
    use ColumnType::{
        Boolean, Id, Integer, Json, List, Map, Money, Percent, Price, Quantity, SignedMoney, SignedQuantity, Terms, Text,
    };
    match (value.as_bytes()[0], column_type) {
        (b'n', _) => Ok(Cow::Borrowed("")),
        (b'"', _) => string(value).ok_or_else(|| (reason::INVALID_JSON_ROW, "text whose escapes are characters".to_owned())),
        (b't' | b'f', Boolean) => Ok(Cow::Borrowed(value)),
        (b'-' | b'0'..=b'9', Quantity | SignedQuantity | Price | Money | SignedMoney | Percent | Integer { .. }) => {
            Ok(Cow::Borrowed(value))
        }
        // `1.10` and `1e3` may have been numbers on the way, and then they are no names any more.
        (b'-' | b'0'..=b'9', Id | Text) if value.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
            Ok(Cow::Borrowed(value))
        }
        (b'{', Map | Terms) => map_text(value).map(Cow::Owned),
        (b'[', List(of)) => list_text(of, value).map(Cow::Owned),
        (b'{' | b'[', Json) => Ok(Cow::Borrowed(value)),
        _ => Err((reason::WRONG_JSON_TYPE, format!("{}, or text as in CSV", wanted(column_type)))),
    }
}

fn wanted(column_type: &ColumnType) -> &'static str {
    match column_type {
        ColumnType::Boolean => "`true` or `false`",
        ColumnType::Quantity
        | ColumnType::SignedQuantity
        | ColumnType::Price
        | ColumnType::Money
        | ColumnType::SignedMoney
        | ColumnType::Percent
        | ColumnType::Integer { .. } => "a plain number",
        ColumnType::Map | ColumnType::Terms => "an object of text",
        ColumnType::List(_) => "an array of text",
        ColumnType::Json => "an object or array",
        ColumnType::Text | ColumnType::Id => "text in quotes or a whole number",
        ColumnType::Currency | ColumnType::Instant | ColumnType::Date | ColumnType::Period | ColumnType::Word(_) => {
            "text in quotes"
        }
    }
}

/// `key=value;key=value`; refused where reading that would give other keys and values.
fn map_text(text: &str) -> Result<String, Misfit> {
    let misfit = |expected: &str| (reason::INVALID_MAP, expected.to_owned());
    let object = Object::scan(text).map_err(|_| misfit("an object whose keys and values are text"))?;
    let mut pairs = Vec::new();
    for (key, value) in object.entries() {
        let value = match value.as_bytes()[0] {
            b'"' => string(value).ok_or_else(|| misfit("text whose escapes are characters"))?,
            b'{' | b'[' | b'n' => return Err(misfit("text under every key, neither objects nor `null`")),
            _ => Cow::Borrowed(value),
        };
        if key.contains(['=', ';']) || value.contains(';') {
            return Err(misfit("keys without `=` and `;`, and values without `;`; rename them at the source"));
        }
        pairs.push(format!("{key}={value}"));
    }
    Ok(pairs.join(";"))
}

/// `a;b;c`; refused where reading that would give other items.
fn list_text(of: &ColumnType, text: &str) -> Result<String, Misfit> {
    let misfit = |expected: String| (reason::INVALID_LIST, expected);
    let mut texts = Vec::new();
    for item in items(text).map_err(|_| misfit("an array whose items are text".to_owned()))? {
        let text = text_of(of, item).map_err(|(_, expected)| misfit(format!("items that are {expected}")))?;
        if text.is_empty() || text.contains(';') {
            return Err(misfit("items that are neither empty nor hold `;`".to_owned()));
        }
        texts.push(text);
    }
    Ok(texts.join(";"))
}

/// The items of an array as delivered.
fn items(text: &str) -> Result<Vec<&str>, String> {
    let (mut scan, mut items) = (Scan { text, at: 0 }, Vec::new());
    scan.expect(b'[')?;
    if !scan.takes(b']') {
        loop {
            let (IgnoredAny, item) = scan.part()?;
            items.push(item);
            if !scan.takes(b',') {
                break scan.close(b']')?;
            }
        }
    }
    scan.end()?;
    Ok(items)
}

/// The characters of a JSON string; nothing where it is none, or where an escape names half a character.
fn string(value: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(value).map(|Str(text)| text).ok()
}

fn not_an_object(what: &str) -> Refusal {
    of_row(format!("the line is no JSON object ({what}); expected one object a line, such as `{{\"column\":\"value\"}}`"))
}

fn of_row(detail: String) -> Refusal {
    Refusal { column: None, value: None, reason: reason::INVALID_JSON_ROW, detail }
}

/// Text that is borrowed from the line where it has no escapes.
#[derive(Deserialize)]
struct Str<'a>(#[serde(borrow)] Cow<'a, str>);

/// Where in a text of one line the reading is.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    /// The next value, as it is and as delivered.
    fn part<T: Deserialize<'a>>(&mut self) -> Result<(T, &'a str), String> {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let mut parts = serde_json::Deserializer::from_str(rest).into_iter::<T>();
        match parts.next() {
            Some(Ok(part)) => {
                let delivered = &rest[..parts.byte_offset()];
                self.at += delivered.len();
                Ok((part, delivered))
            }
            Some(Err(error)) => {
                let text = error.to_string();
                let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
                Err(format!("{what}, at byte {}", self.at + error.column()))
            }
            None => Err("it ends in the middle".to_owned()),
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let is_next = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.takes(byte) { Ok(()) } else { Err(self.unexpected(&format!("`{}`", char::from(byte)))) }
    }

    fn close(&mut self, bracket: u8) -> Result<(), String> {
        if self.takes(bracket) { Ok(()) } else { Err(self.unexpected(&format!("`,` or `{}`", char::from(bracket)))) }
    }

    fn unexpected(&self, expected: &str) -> String {
        match self.text[self.at..].chars().next() {
            Some(seen) if seen.is_control() => {
                format!("expected {expected}, saw {}, at byte {}", seen.escape_unicode(), self.at + 1)
            }
            Some(seen) => format!("expected {expected}, saw `{seen}`, at byte {}", self.at + 1),
            None => "it ends in the middle".to_owned(),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(format!("something follows its end, at byte {}", self.at + 1)) }
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
    }
}

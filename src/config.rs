//! Settings of a home, `reckoner.toml`: read whole, checked whole, unknown keys refused.
//!
//! Owns: the file's keys, their defaults and their checks; reading any of the home's TOML with an error that names the line.
//! Does not own: policy knobs (profiles) and when jobs wake (`schedule`).
//! Promises: [`Settings::to_text`] read back gives equal settings.

use crate::failure::Failure;
use reckoner_core::time::{Instant, Zone};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::ops::Range;
use toml::Spanned;

/// Rows that ingest holds at a time unless `[ingest] batch_rows` says otherwise.
pub const BATCH_ROWS_DEFAULT: u32 = 500_000;
const BATCH_ROWS_MAX: u32 = 10_000_000;
/// Bytes of a usage file from which on it is taken in columns, unless `[ingest] bulk_bytes` says otherwise.
pub const BULK_BYTES_DEFAULT: u64 = 256 * 1024;

/// The settings of one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where days and months close.
    pub zone: Zone,
    /// ISO 4217: the currency of rows that name none.
    pub currency: String,
    /// The policy profile in force, a file of `profiles/`.
    pub profile: String,
    /// Windows before it do not exist; nothing: the first hour of the first usage or order.
    pub epoch: Option<Instant>,
    /// Rows that ingest holds at a time, 1 to 10 million: memory against speed, never results.
    pub batch_rows: u32,
    /// Usage files of so many bytes are taken in columns, smaller ones row by row: speed, never results.
    pub bulk_bytes: u64,
    /// Where the store lives.
    pub storage: Storage,
}

/// Where the store lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// `ledger.db` in the home.
    #[default]
    Sqlite,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    zone: Spanned<String>,
    currency: Spanned<String>,
    profile: Spanned<String>,
    epoch: Option<Spanned<String>>,
    #[serde(default)]
    ingest: IngestTable,
    #[serde(default)]
    storage: StorageTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct IngestTable {
    batch_rows: Option<Spanned<u32>>,
    bulk_bytes: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StorageTable {
    url: Option<Spanned<String>>,
}

impl Settings {
    /// The settings of a fresh home.
    pub fn fresh(zone: Zone, currency: String, profile: String, epoch: Option<Instant>) -> Self {
        let (batch_rows, bulk_bytes) = (BATCH_ROWS_DEFAULT, BULK_BYTES_DEFAULT);
        Self { zone, currency, profile, epoch, batch_rows, bulk_bytes, storage: Storage::Sqlite }
    }

    /// Reads `reckoner.toml`; `place` is the path that errors name.
    ///
    /// # Errors
    /// Exit 2, with the line, for anything that is not exactly understood.
    pub fn parse(place: impl Display, text: &str) -> Result<Self, Failure> {
        let place = place.to_string();
        let file: SettingsFile = from_toml(&place, text)?;
        let line = |span: Range<usize>| format!("{place}:{}", line_of(text, span.start));

        let zone = read_zone(file.zone.get_ref()).map_err(|failure| failure.at(line(file.zone.span())))?;
        let currency = read_currency(file.currency.get_ref()).map_err(|failure| failure.at(line(file.currency.span())))?;
        let profile = read_profile_name(file.profile.get_ref()).map_err(|failure| failure.at(line(file.profile.span())))?;
        let epoch = match &file.epoch {
            None => None,
            Some(epoch) => Some(read_epoch(zone, epoch.get_ref()).map_err(|failure| failure.at(line(epoch.span())))?),
        };
        let batch_rows = match &file.ingest.batch_rows {
            None => BATCH_ROWS_DEFAULT,
            Some(rows) => read_batch_rows(*rows.get_ref()).map_err(|failure| failure.at(line(rows.span())))?,
        };
        let storage = match &file.storage.url {
            None => Storage::Sqlite,
            Some(url) => read_storage(url.get_ref()).map_err(|failure| failure.at(line(url.span())))?,
        };
        let bulk_bytes = file.ingest.bulk_bytes.unwrap_or(BULK_BYTES_DEFAULT);
        Ok(Self { zone, currency, profile, epoch, batch_rows, bulk_bytes, storage })
    }

    /// `reckoner.toml` with these settings and a comment for each.
    pub fn to_text(&self) -> String {
        let epoch = match self.epoch {
            Some(epoch) => format!("epoch = \"{}\"", self.zone.to_text(epoch)),
            None => "# epoch = \"2026-01-01T00:00:00+08:00\"".to_owned(),
        };
        format!(
            "# Settings of this home. `reckoner check` says what is wrong in here; unknown keys are refused.\n\
             \n\
             # Where days and months close: an offset such as \"+08:00\", or an IANA name such as \"Europe/Paris\".\n\
             # Charges belong to the days and months of this zone, so it does not change once usage is settled.\n\
             zone = \"{zone}\"\n\
             \n\
             # ISO 4217: the currency of accounts and prices that name none.\n\
             currency = \"{currency}\"\n\
             \n\
             # The policy profile in force: a file in profiles/, without its ending.\n\
             profile = \"{profile}\"\n\
             \n\
             # Windows before the epoch do not exist. Without one it is the first hour of the first usage or order.\n\
             {epoch}\n\
             \n\
             [ingest]\n\
             # Rows held at a time: more is faster and takes more memory; the results are the same.\n\
             batch_rows = {batch_rows}\n\
             # Usage files of so many bytes are taken in columns, smaller ones row by row; the results are the same.\n\
             bulk_bytes = {bulk_bytes}\n\
             \n\
             [storage]\n\
             # Without a url the store is the SQLite file ledger.db in this folder.\n\
             # url = \"sqlite:ledger.db\"\n",
            zone = self.zone,
            currency = self.currency,
            profile = self.profile,
            batch_rows = self.batch_rows,
            bulk_bytes = self.bulk_bytes,
        )
    }
}

/// Reads a billing zone.
///
/// # Errors
/// Exit 2 when the text names no zone.
pub fn read_zone(text: &str) -> Result<Zone, Failure> {
    Zone::parse(text).map_err(|_| {
        Failure::usage(format!("`{text}` names no zone"))
            .expected("an offset such as `+08:00`, or an IANA name such as `Europe/Paris`")
            .hint("the zone is where days and months close; the vendors of the built-in profiles use `+08:00`")
    })
}

/// Reads a currency code.
///
/// # Errors
/// Exit 2 unless it is three capital letters.
pub fn read_currency(text: &str) -> Result<String, Failure> {
    match text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        true => Ok(text.to_owned()),
        false => Err(Failure::usage(format!("`{text}` is not a currency code"))
            .expected("three capital letters of ISO 4217, such as `CNY`, `USD`, `EUR`")),
    }
}

/// Reads an instant at which windows may begin: RFC 3339, or a date in the billing zone.
///
/// # Errors
/// Exit 2 when it is no instant, or lies inside an hour.
pub fn read_epoch(zone: Zone, text: &str) -> Result<Instant, Failure> {
    let epoch = zone.parse_instant(text).map_err(|error| {
        Failure::usage(error.to_string())
            .expected("RFC 3339 with an offset, or a date in the billing zone")
            .hint(format!("for example `{}`", zone.to_text(Instant::from_seconds(1_767_196_800))))
    })?;
    check_epoch(zone, epoch)
}

/// Hands the epoch back if a window begins there.
///
/// # Errors
/// Exit 2 when it lies inside an hour.
pub fn check_epoch(zone: Zone, epoch: Instant) -> Result<Instant, Failure> {
    let window = zone.segment_containing(epoch);
    match window.start == epoch {
        true => Ok(epoch),
        false => Err(Failure::usage(format!("the epoch `{}` lies inside an hour", zone.to_text(epoch)))
            .expected("the first instant of an hour, so that no window is cut in two")
            .hint(format!("use `{}` or `{}`", zone.to_text(window.start), zone.to_text(window.end)))),
    }
}

/// Reads a profile name: a file name without its ending, so that it cannot lead out of `profiles/`.
///
/// # Errors
/// Exit 2 for anything but `a-z 0-9 _ -`.
pub fn read_profile_name(text: &str) -> Result<String, Failure> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    match (1..=64).contains(&text.len()) && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err(Failure::usage(format!("`{text}` is not a profile's name"))
            .expected("the name of a file in profiles/ without `.toml`: `a-z 0-9 _ -`")),
    }
}

fn read_batch_rows(rows: u32) -> Result<u32, Failure> {
    match (1..=BATCH_ROWS_MAX).contains(&rows) {
        true => Ok(rows),
        false => Err(Failure::usage(format!("`batch_rows` is {rows}")).expected(format!("1 to {BATCH_ROWS_MAX}"))),
    }
}

fn read_storage(url: &str) -> Result<Storage, Failure> {
    let refused = Failure::usage(format!("`url` is `{}`", url.split("//").next().unwrap_or(url)));
    match url.split(':').next() {
        Some("sqlite") if url == "sqlite:ledger.db" => Ok(Storage::Sqlite),
        Some("postgres" | "postgresql") => Err(Failure::usage("not yet: a store in PostgreSQL")
            .expected("no `url`, or `sqlite:ledger.db`")
            .hint("leave `url` out: the store is then the SQLite file `ledger.db` in the home")),
        _ => Err(refused.expected("no `url`, or `sqlite:ledger.db`")),
    }
}

/// Reads TOML into a value; the error names the line, what was seen there and what is known.
///
/// # Errors
/// Exit 2 for text that is no TOML, unknown keys, missing keys and values of another kind.
pub fn from_toml<T: DeserializeOwned>(place: impl Display, text: &str) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        let place = match error.span() {
            Some(span) => format!("{place}:{}", line_of(text, span.start)),
            None => place.to_string(),
        };
        let message = error.message();
        match message.split_once(", expected ") {
            Some((saw, expected)) => Failure::usage(saw.replace("unknown field", "unknown key")).expected(expected),
            None => Failure::usage(message.replace("missing field", "missing key")),
        }
        .at(place)
        .hint("`reckoner init` in an empty folder writes every file with all keys and what they mean")
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&b| b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(epoch: Option<Instant>) -> Settings {
        Settings::fresh(Zone::parse("+08:00").unwrap(), "CNY".into(), "huawei-intl".into(), epoch)
    }

    #[test]
    fn settings_written_are_settings_read() {
        for settings in [fresh(None), fresh(Some(Instant::from_seconds(1_767_196_800)))] {
            assert_eq!(Settings::parse("reckoner.toml", &settings.to_text()).unwrap(), settings);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let head = "zone = \"+08:00\"\ncurrency = \"CNY\"\nprofile = \"ksyun\"\n";
        // added to a good head | line | a piece of what the person reads
        let cases = [
            ("curency = \"USD\"", 4, "unknown key `curency`\nexpected one of `zone`, `currency`, `profile`"),
            ("[ingest]\nbatch = 1", 5, "unknown key `batch`\nexpected `batch_rows` or `bulk_bytes`"),
            ("[ingest]\nbatch_rows = 0", 5, "`batch_rows` is 0\nexpected 1 to 10000000"),
            ("[ingest]\nbatch_rows = 1.5", 5, "invalid type"),
            ("[storage]\nurl = \"postgres://u:secret@h/d\"", 5, "not yet: a store in PostgreSQL"),
            ("[storage]\nurl = \"mysql://u:secret@h/d\"", 5, "`url` is `mysql:`"), // a password is never repeated
            ("epoch = \"2026-01-01T00:00:00\"", 4, "has no offset"),
            ("epoch = \"2026-01-01T00:30:00Z\"", 4, "lies inside an hour"),
            ("zone = \"+09:00\"", 4, "duplicate key"),
            ("= 3", 4, ""),
        ];
        for (added, line, piece) in cases {
            let failure = Settings::parse("reckoner.toml", &format!("{head}{added}\n")).unwrap_err();
            let text = failure.to_text();
            assert!(text.starts_with(&format!("error: reckoner.toml:{line}: ")), "{added:?}: {text}");
            assert!(text.contains(piece) && !text.contains("secret"), "{added:?}: {text}");
            assert_eq!(failure.exit.code(), 2);
        }
        for bad in ["zone = \"Mars\"", "currency = \"yuan\"", "profile = \"../etc/passwd\""] {
            let key = bad.split(' ').next().unwrap();
            let lines = head.lines().map(|line| if line.starts_with(key) { bad } else { line });
            let text = lines.collect::<Vec<_>>().join("\n");
            assert!(Settings::parse("reckoner.toml", &text).is_err(), "{bad}");
        }
        assert!(Settings::parse("x", "currency = \"CNY\"").unwrap_err().saw.starts_with("missing key `zone`"));
    }
}

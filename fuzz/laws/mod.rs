//! What must hold for any bytes at all, parser by parser: none panics, nothing is lost, what is accepted prints and parses back
//! as it was. The fuzz targets and the tests of `reckoner-read` call the same functions.

mod files;
mod texts;

/// A law: takes any bytes, and panics where it does not hold.
pub type Law = fn(&[u8]);

/// Every law by the name of its target.
pub const LAWS: &[(&str, Law)] = &[
    ("csv", files::csv),
    ("ndjson", files::ndjson),
    ("cloud_events", files::cloud_events),
    ("parquet", files::parquet),
    ("packed", files::packed),
    ("rows", texts::rows),
    ("values", texts::values),
    ("tiers", texts::tiers),
    ("profile", texts::profile),
];

/// The law of this name.
pub fn law(name: &str) -> Law {
    LAWS.iter().find(|(known, _)| *known == name).expect("a target is named for its law").1
}

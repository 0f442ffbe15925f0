//! Policy profiles: which ones come with the binary, and whether a file is one. What a knob means is decided in `core`.

use crate::config::from_toml;
use crate::failure::Failure;
use std::fmt::Display;

/// The profiles that come with the binary: name and file. `init` copies them, `check` knows them.
pub const fn builtin_profiles() -> [(&'static str, &'static str); 3] {
    [("huawei-intl", "name = \"huawei-intl\"\n"), ("huawei-cn", "name = \"huawei-cn\"\n"), ("ksyun", "name = \"ksyun\"\n")]
}

/// Checks that a text is a profile; `place` is the path that errors name.
///
/// # Errors
/// Exit 2, with the line, for what is not understood.
pub fn check_profile(place: impl Display, text: &str) -> Result<(), Failure> {
    from_toml::<toml::Table>(place, text).map(drop)
}

/// Names in backticks for a message: `` `a`, `b` ``.
pub fn names(profiles: &[impl AsRef<str>]) -> String {
    profiles.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

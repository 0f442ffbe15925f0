//! Policy profiles as files of a home: which come with the binary, and whether a file is one. What a knob means is `core`'s.

use crate::config::from_toml;
use crate::failure::Failure;
use reckoner_core::profile::{Profile, TierScope};
use std::fmt::Display;

/// The profiles that come with the binary: name and file. `init` copies them, `check` knows them.
pub fn builtin_profiles() -> impl Iterator<Item = (&'static str, &'static str)> {
    Profile::BUILTIN_NAMES
        .into_iter()
        .map(|name| (name, Profile::builtin_toml(name).expect("every built-in profile has its text")))
}

/// Reads a profile; `place` is the path that errors name.
///
/// # Errors
/// Exit 2 for what is not understood, and for a knob's value that this version does not carry out.
pub fn read_profile(place: impl Display, text: &str) -> Result<Profile, Failure> {
    // What is no TOML at all is told with its line.
    from_toml::<toml::Table>(&place, text)?;
    let profile = Profile::parse(text).map_err(|error| Failure::usage(error.to_string()).at(&place))?;
    match profile.tier_scope {
        TierScope::Account | TierScope::Resource => Ok(profile),
        TierScope::Payer => Err(Failure::usage("not yet: `tier_scope = \"payer\"`")
            .at(place)
            .expected("`account` or `resource`")
            .hint("tiers then run over one account's use, also where another account pays")),
    }
}

/// Names in backticks for a message: `` `a`, `b` ``.
pub fn names(profiles: &[impl AsRef<str>]) -> String {
    profiles.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

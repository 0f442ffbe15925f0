//! `init`: makes a folder a home. Done twice it is harmless; asked for other settings than are in force it refuses.

use super::{Holder, Home, home_option};
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::failure::Failure;
use crate::files::{create_folders, publish_bytes};
use crate::profiles::{builtin_profiles, names};
use crate::schedule::builtin_jobs;
use reckoner_core::profile::Profile;
use reckoner_core::time::{Instant, Zone};
use std::path::PathBuf;
use std::time::Duration;

/// What `init` was asked for; nothing: the default in a fresh home, whatever is in force in an existing one.
#[derive(Debug, Clone, Default)]
pub struct InitWish {
    /// Policy profile; default `huawei-intl`.
    pub profile: Option<String>,
    /// Billing zone; default `+08:00`.
    pub zone: Option<Zone>,
    /// Currency; default `CNY`.
    pub currency: Option<String>,
    /// First instant of the first window.
    pub epoch: Option<Instant>,
}

/// What `init` found or made.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// The home.
    pub home: Home,
    /// The settings in force.
    pub settings: Settings,
    /// Whether the folder became a home just now.
    pub is_new: bool,
}

/// The zone of a home for which nothing was asked.
pub fn default_zone() -> Zone {
    Zone::parse("+08:00").expect("the default zone is an offset")
}

/// Makes the folder a home, or completes the one that is there.
///
/// # Errors
/// Exit 2 when the wish cannot be met or differs from the settings in force; exit 1 for files and the lock.
pub fn init(root: PathBuf, wish: &InitWish, holder: &Holder, wait: Duration, clock: Clock) -> Result<Initialised, Failure> {
    let home = Home { root };
    let is_home = || home.settings_file().exists();
    let fresh = if is_home() { None } else { Some(settings_wished(wish, &home)?) };
    if home.root.exists() && !home.root.is_dir() {
        return Err(Failure::usage("this is a file").at(home.root.display()).expected("a folder, or a name that is free"));
    }
    create_folders(&home.root)?;
    let _lock = home.lock(holder, wait, clock)?;

    // Whoever held the lock may have made the home meanwhile.
    let (settings, is_new) = match fresh {
        Some(fresh) if !is_home() => (fresh, true),
        _ => (home.settings()?, false),
    };
    if !is_new {
        refuse_differences(wish, &settings, &home)?;
    }

    for folder in home.folders() {
        create_folders(&folder)?;
    }
    let profiles = builtin_profiles().map(|(name, text)| (home.profile_file(name), text));
    let jobs = builtin_jobs().map(|(name, text)| (home.jobs().join(format!("{name}.toml")), text));
    for (path, text) in profiles.chain(jobs) {
        if !path.exists() {
            publish_bytes(&path, text.as_bytes())?;
        }
    }
    if is_new {
        publish_bytes(&home.settings_file(), settings.to_text().as_bytes())?;
    }
    Ok(Initialised { home, settings, is_new })
}

fn settings_wished(wish: &InitWish, home: &Home) -> Result<Settings, Failure> {
    let zone = wish.zone.unwrap_or_else(default_zone);
    let currency = config::read_currency(wish.currency.as_deref().unwrap_or("CNY")).map_err(|f| f.at("--currency"))?;
    let epoch = wish.epoch.map(|epoch| config::check_epoch(zone, epoch)).transpose().map_err(|f| f.at("--epoch"))?;
    let profile = wish.profile.as_deref().unwrap_or("huawei-intl");
    let known = Profile::BUILTIN_NAMES;
    let is_own = config::read_profile_name(profile).is_ok() && home.profile_file(profile).is_file();
    if !known.contains(&profile) && !is_own {
        return Err(Failure::usage(format!("there is no profile `{profile}`"))
            .at("--profile")
            .expected(format!("one of {}, or a file in the home's profiles/", names(&known))));
    }
    Ok(Settings::fresh(zone, currency, profile.to_owned(), epoch))
}

/// Only what was asked for is compared: `init` without options asks for nothing.
fn refuse_differences(wish: &InitWish, settings: &Settings, home: &Home) -> Result<(), Failure> {
    let zone = settings.zone;
    let epoch_text = |epoch: Option<Instant>| epoch.map_or("none".to_owned(), |epoch| zone.to_text(epoch));
    let wished = [
        ("profile", wish.profile.clone(), settings.profile.clone()),
        ("zone", wish.zone.map(|zone| zone.to_string()), zone.to_string()),
        ("currency", wish.currency.clone(), settings.currency.clone()),
        ("epoch", wish.epoch.map(|epoch| epoch_text(Some(epoch))), epoch_text(settings.epoch)),
    ];
    for (key, asked, in_force) in wished {
        if let Some(asked) = asked.filter(|asked| *asked != in_force) {
            return Err(Failure::usage(format!("this is a home already, with {key} `{in_force}`; asked for `{asked}`"))
                .at(home.root.display())
                .expected("the settings in force; nothing was changed")
                .hint(format!(
                    "leave --{key} out to keep `{in_force}`, edit {} before anything is settled, or name another folder \
                     with --home (now{})",
                    home.settings_file().display(),
                    match home_option(&home.root) {
                        option if option.is_empty() => " the default".to_owned(),
                        option => option,
                    }
                )));
        }
    }
    Ok(())
}

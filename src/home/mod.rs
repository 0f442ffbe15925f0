//! The home: the folder that holds everything of one installation.
//!
//! Owns: the layout, its making (`init`), the lock that lets one command write at a time.
//! Does not own: what the files mean: settings (`config`), profiles, jobs (`schedule`), the store, the lake.
//! Promises: `init` never overwrites a file that is there; a folder is a home only once `reckoner.toml` is in it, which is
//! written last.
//!
//! ```text
//! reckoner.toml   settings                    raw/         every file taken, under its SHA-256
//! profiles/       policy profiles             lake/        accepted usage and charges, by day
//! jobs/           job definitions             quarantine/  refused rows and files
//! inbox/          picked up by ingest         reports/     what finance downloads
//! home.lock       who writes                  ledger.db    the store
//! serve.lock      who serves, once somebody did
//! ```

mod init;
mod lock;

pub use init::{InitWish, Initialised, default_zone, init};
pub use lock::{Holder, HomeLock};

use crate::config::Settings;
use crate::failure::Failure;
use crate::files;
use std::path::{Path, PathBuf};

/// The layout of a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home at this folder, which must already be one.
    ///
    /// # Errors
    /// Exit 1 when there is no `reckoner.toml`.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Failure> {
        let home = Self { root: root.into() };
        if home.settings_file().is_file() {
            return Ok(home);
        }
        let (place, option) = (home.root.display().to_string(), home_option(&home.root));
        let saw = match (home.root.is_dir(), home.root.exists()) {
            (true, _) => "this folder is not a home: it holds no `reckoner.toml`",
            (false, true) => "this is a file, not a home",
            (false, false) => "there is no such folder",
        };
        Err(Failure::failed(saw)
            .at(place)
            .expected("a folder that `reckoner init` made")
            .hint(format!("`reckoner init{option}` makes it a home; `--home DIR` or RECKONER_HOME names another")))
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// Exit 2 for what is not understood, exit 1 when the file cannot be read.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let path = self.settings_file();
        Settings::parse(path.display(), &files::read_text(&path)?)
    }

    /// Settings.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("reckoner.toml")
    }

    /// Policy profiles, one file each.
    pub fn profiles(&self) -> PathBuf {
        self.root.join("profiles")
    }

    /// The file of one profile.
    pub fn profile_file(&self, name: &str) -> PathBuf {
        self.profiles().join(format!("{name}.toml"))
    }

    /// Job definitions, one file each.
    pub fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }

    /// Files dropped here are picked up.
    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    /// Every file taken, under its SHA-256.
    pub fn raw(&self) -> PathBuf {
        self.root.join("raw")
    }

    /// Accepted usage and settled charges, by day.
    pub fn lake(&self) -> PathBuf {
        self.root.join("lake")
    }

    /// Refused rows and files.
    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// What finance downloads.
    pub fn reports(&self) -> PathBuf {
        self.root.join("reports")
    }

    /// The SQLite store.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger.db")
    }

    /// Names who writes.
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("home.lock")
    }

    /// Names who serves.
    pub fn serve_lock_file(&self) -> PathBuf {
        self.root.join("serve.lock")
    }

    /// Every folder that a home has.
    pub fn folders(&self) -> [PathBuf; 7] {
        [self.profiles(), self.jobs(), self.inbox(), self.raw(), self.lake(), self.quarantine(), self.reports()]
    }
}

/// ` --home DIR` for a hint, or nothing where the default folder is meant.
fn home_option(root: &Path) -> String {
    match root == Path::new(crate::app::DEFAULT_HOME) {
        true => String::new(),
        false => format!(" --home {}", root.display()),
    }
}

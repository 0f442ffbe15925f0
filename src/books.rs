//! The books of a home: its session with the profile in force and the store opened. What every stage starts from.

use crate::app::Session;
use crate::env;
use crate::failure::Failure;
use crate::files;
use crate::profiles::read_profile;
use reckoner_core::account::Accounts;
use reckoner_core::id;
use reckoner_core::price::PriceBook;
use reckoner_core::profile::Profile;
use reckoner_core::time::{Instant, Zone};
use reckoner_frames::RowFile;
use reckoner_read::ReadOptions;
use reckoner_store::{LakeFile, SqliteStore, Store};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// An open home: settings, profile, clock, store.
pub struct Books {
    /// The command's session; holds the lock where it may write.
    pub session: Session,
    /// The policy in force.
    pub profile: Profile,
    /// SHA-256 of the profile's file, hex: which policy a run worked with.
    pub profile_sha256: String,
    /// Where days and months close.
    pub zone: Zone,
    /// What this command takes for now.
    pub as_of: Instant,
    /// Who acts.
    pub actor: String,
    store: Box<dyn Store>,
}

impl Books {
    /// Opens the books of a session: to write if it holds the lock, to read otherwise.
    ///
    /// # Errors
    /// Exit 2 when the profile is not understood, exit 1 when the store cannot be opened.
    pub fn open(session: Session) -> Result<Self, Failure> {
        let path = session.home.profile_file(&session.settings.profile);
        let text = files::read_text(&path)?;
        let profile = read_profile(path.display(), &text)?;
        let profile_sha256 = id::hex(&Sha256::digest(&text));
        let ledger = session.home.ledger();
        let store: Box<dyn Store> = match session.may_write() {
            true => Box::new(SqliteStore::open(&ledger)?),
            false => Box::new(SqliteStore::open_read_only(&ledger)?),
        };
        let (zone, as_of, actor) = (session.settings.zone, session.clock.now(), session.actor.clone());
        Ok(Self { session, profile, profile_sha256, zone, as_of, actor, store })
    }

    /// What is.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// What is, to record.
    pub fn store_mut(&mut self) -> &mut dyn Store {
        self.store.as_mut()
    }

    /// The accounts, as known now.
    ///
    /// # Errors
    /// What the store says.
    pub fn accounts(&self) -> Result<Accounts, Failure> {
        Ok(Accounts::new(self.store().accounts()?.into_iter().map(|known| known.row)))
    }

    /// Every price row ever published, with the delivery that brought it.
    ///
    /// # Errors
    /// What the store says.
    pub fn price_book(&self) -> Result<PriceBook, Failure> {
        Ok(PriceBook::new(self.store().prices()?.into_iter().map(|known| (known.seq, known.row))))
    }

    /// How delivered files are read: in batches as the settings say, and Parquet in a process of its own.
    pub fn read_options(&self) -> ReadOptions {
        let batch_rows = self.session.settings.batch_rows as usize;
        ReadOptions { batch_rows, decoder: env::program(), ..ReadOptions::default() }
    }

    /// The lake's folder.
    pub fn lake(&self) -> PathBuf {
        self.session.home.lake()
    }

    /// Where a file of the lake lies.
    pub fn lake_path(&self, file: &LakeFile) -> PathBuf {
        self.lake().join(&file.path)
    }

    /// A file of accepted rows, for the frames.
    pub fn row_file(&self, file: &LakeFile) -> RowFile {
        RowFile { path: self.lake_path(file), file_id: file.file_id.clone(), seq: file.seq }
    }
}

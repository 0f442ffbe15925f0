//! What can go wrong with columns.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why columns could not be read, summed or written.
#[derive(Debug, thiserror::Error)]
pub enum TallyError {
    /// The file of the lake is not what the manifest says it is.
    #[error("cannot read `{}` of the lake: {detail}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file cannot be written.
    #[error("cannot write `{}`: {detail}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A sum does not fit 128 bits.
    #[error("the quantities of an hour do not fit 128 bits")]
    Overflow,
}

impl TallyError {
    pub(crate) fn read(path: &Path) -> impl Fn(&dyn Display) -> Self + '_ {
        move |error| Self::Read { path: path.to_owned(), detail: error.to_string() }
    }

    pub(crate) fn write(path: &Path) -> impl Fn(&dyn Display) -> Self + '_ {
        move |error| Self::Write { path: path.to_owned(), detail: error.to_string() }
    }
}

impl From<reckoner_core::number::AmountOverflow> for TallyError {
    fn from(_: reckoner_core::number::AmountOverflow) -> Self {
        Self::Overflow
    }
}

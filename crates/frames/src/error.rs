//! What can go wrong in frames.

use polars::error::PolarsError;
use std::path::PathBuf;

/// Why frames could not be read, counted or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The file of the lake cannot be read as what the manifest says it is.
    #[error("cannot read `{}` of the lake", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What polars says.
        source: PolarsError,
    },
    /// The file cannot be written.
    #[error("cannot write `{}`", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What polars says.
        source: PolarsError,
    },
    /// A plan over columns failed.
    #[error("a step over columns failed")]
    Plan(#[from] PolarsError),
    /// A column holds nothing where every row has a value.
    #[error("column `{column}` has no value in row {row} of a file of the lake")]
    Missing {
        /// The column.
        column: &'static str,
        /// Counted from 0.
        row: usize,
    },
    /// A sum does not fit 128 bits.
    #[error("the quantities of a window do not fit 128 bits")]
    Overflow,
}

impl From<reckoner_core::number::AmountOverflow> for FrameError {
    fn from(_: reckoner_core::number::AmountOverflow) -> Self {
        Self::Overflow
    }
}

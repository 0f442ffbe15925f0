//! What can go wrong between decision and record.

use reckoner_core::ledger::Unbalanced;
use reckoner_store::StoreError;

/// Why lives could not be advanced.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store could not answer or record.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A step's legs do not sum to 0: nothing of the account was recorded.
    #[error(transparent)]
    Unbalanced(#[from] Unbalanced),
}

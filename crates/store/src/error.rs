//! What can go wrong in a store.

/// Why a store could not answer or record.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process settled a window of the batch first: read again and decide again.
    #[error("window {kind} {start} was settled by another process meanwhile")]
    WindowMoved {
        /// Hour, day or month.
        kind: &'static str,
        /// Its start, UTC.
        start: String,
    },
}

//! Frames: usage rows and charges in columns, and the fast way from rows to lines.
//!
//! The only crate that names polars. Owns: the layout of the lake's files, the fold of rows into lines. Does not own: what
//! a line costs, which rows are accepted, which files exist: values come in, values go out.
//! Promises: the same lines as `reckoner_core::rate::fold`, whatever the order of rows, the number of files or of threads;
//! no float column; sums that cannot wrap (a checked fold stands beside every integer sum).

mod charges;
mod column;
mod count;
mod error;
mod parquet;
mod rows;

pub use charges::{ChargeFilter, read_charges, write_charges};
pub use count::{CountTask, RowsRead, count};
pub use error::FrameError;
pub use parquet::Written;
pub use rows::{RowFile, RowFilter, StoredRow, account_skus, find_records, find_resources, read_rows, write_rows};

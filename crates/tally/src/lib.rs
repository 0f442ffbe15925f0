//! Tally: usage in columns, the fast way from delivered rows to charges.
//!
//! Owns: codes for texts that repeat, the identities of records, sums of use by holding and hour (partials), the bulk
//! writing of rows and charges. Does not own: which rows are accepted and what a line costs: plain functions of `core` say
//! that, and rows that are not plain go the readable way, through `frames` and `core::rate`.
//! Promises: the same lines as `reckoner_core::rate::fold`; sums that cannot wrap; memory that does not grow with hours.
//!
//! A *holding* is an account, a resource and a sku. Use is summed by holding and hour while a file is taken in, and the sums
//! are written beside its rows; settling an hour adds the sums of its files and never reads a row again. Unit-seconds add,
//! so this is exact; what does not add (minimum seconds, prices that change inside an hour, replaced rows) is told apart.

mod bundles;
mod charges;
mod chunk;
mod codes;
mod columns;
mod ends;
mod error;
mod file;
mod frame;
mod holdings;
mod hours;
mod identity;
mod meeting;
mod merging;
mod order;
mod pack;
mod part;
mod partial_file;
mod partials;
mod rows;
mod runs;
mod shards;
mod sums;
mod width;

pub use charges::{BulkCharges, BulkLines, write_charges};
pub use codes::Codes;
pub use columns::{Lines, Quantities};
pub use ends::Ends;
pub use error::TallyError;
pub use file::{Output, Repeated};
pub use holdings::PartHoldings;
pub use hours::{FoldRoom, HourUse, Used, fold_hours};
pub use identity::{identity, meet, meet_all, row_identities, write_identities};
pub use meeting::{before, each_common};
pub use order::{HoldingOrder, Sought, sorted_hashes};
pub use pack::least_and_greatest;
pub use part::{Judge, NotPlain, Part};
pub use partial_file::{Named, PartialFile};
pub use partials::write_partials;
pub use rows::write_rows;
pub use runs::Rows;
pub use sums::{Held, Holdings, HourHeld, Sum, Wanted};

//! The contract's input rows as typed values. One table, one file: what a row is, and how it is read from text.
//!
//! Owns: the tables' names and schemas, the types of cells, the codes for what is refused.
//! Does not own: files and their formats; what a row means beside other rows (an unknown sku, a duplicate).
//! Promises: a row is accepted whole and exact, or refused with one reason: the first by column, always the same.

pub mod account;
mod cells;
pub mod columns;
pub mod discount;
pub mod funds;
mod kind;
pub mod order;
pub mod price;
pub mod product;
mod raw;
pub mod read;
pub mod reason;
pub mod schema;
#[cfg(test)]
mod testing;
mod tiers;
pub mod usage;
pub mod voucher;

pub use account::{AccountRow, PaymentMethod};
pub use columns::{Coded, Texts, UsageColumns};
pub use discount::{DiscountKind, DiscountRow, DiscountTerms};
pub use funds::{FundsKind, FundsRow};

pub use kind::{RESERVED, TableKind, TableKindError};
pub use order::{AlignDay, Effective, OrderKind, OrderRow, OrderScope};
pub use price::{BillingMode, PriceModel, PriceRow, SettleWindow, Tier, Unit};
pub use product::{Overlap, ProductRow};
pub use raw::{Context, FIELD_BYTES_MAX, RawRow, Refusal};
pub use usage::UsageRow;
pub use voucher::{VoucherKind, VoucherRow};

//! The contract's input rows as typed values. One table, one file: what a row is, and how it is read from text.

pub mod account;
pub mod discount;
pub mod funds;
pub mod price;
pub mod product;
pub mod usage;
pub mod voucher;

pub use account::{AccountRow, PaymentMethod};
pub use discount::{DiscountKind, DiscountRow, DiscountTerms};
pub use funds::{FundsKind, FundsRow};
pub use price::{BillingMode, PriceModel, PriceRow, SettleWindow, Tier, Unit};
pub use product::{Overlap, ProductRow};
pub use usage::UsageRow;
pub use voucher::{VoucherKind, VoucherRow};

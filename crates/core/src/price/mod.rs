//! Prices: which row holds when, what a quantity costs under each model, which discount is best.
//!
//! Owns: the price book and the discount book as of a state of knowledge, the price models, looking both over (`check`).
//! Does not own: cutting use into pieces, settling, rounding of lines (`rate` does).
//! Promises: a published row is never edited; every model's total is exact and depends on the quantity alone.

mod book;
pub mod check;
mod discount;
mod model;

pub use book::{Price, PriceBook, PriceConflict, PriceHistory, Prices, Timeline, check_new_row, check_settle_window};
pub use discount::{Buyer, DiscountBook, Discounts};
pub use model::{is_tiered, total, volume_tier};

//! Rating turns accepted usage into the charges that a window deserves, and into the difference to what is posted.
//!
//! Reads: usage rows, prices and discounts as of the window's state of knowledge, what is posted, the month's tier totals.
//! Promises: every piece of use falls into exactly one line; a line is summed first, priced and cut once, so that splitting
//! a record never changes money; the result does not depend on the order of rows; rating what is posted gives nothing.
//!
//! [`settle_lines`] is the one road from lines to charges; [`fold()`] is the readable way from rows to lines, and the frames
//! are held to it by test.

mod bookmark;
mod charge;
mod cut;
mod fold;
mod frozen;
mod line;
mod plain;
mod settle;
mod terms;
mod tier;

pub use bookmark::{Bookmark, Repricing, RowSeqs, WindowBook};
pub use charge::{Charge, ChargeType, FROZEN, VOLUME_BAND};
pub use cut::{DueWindow, News, Piece, Use, last_instant, pieces_in};
pub use fold::{Counted, KnownUsage, Units, UnitsKey, fold, is_flat_and_free, is_price_of_nothing};
pub use frozen::Frozen;
pub use line::{Amounts, Line, LineKey, Posted, amounts_of, discounted_fee, posted_lines};
pub use plain::{plain_amounts, plain_price};
pub use settle::{FirstChargeIds, LineTooLarge, exact_cost, settle_lines};
pub use terms::Terms;
pub use tier::{TierKey, TierState, Tiers};

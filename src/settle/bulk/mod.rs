//! Settling by sums: what was added up while files were taken in is added up across files, priced, and for windows that were
//! never settled written straight to charges.
//!
//! A holding's use of an hour goes one of three ways. In *bulk*: its line has a flat price, no discount, no voucher that
//! might pay for it, and nothing is posted; its charge is written from columns. As a *line*: everything else that sums
//! suffice for; the usual way prices it. By its *rows*: a price changes inside the hour or adds to single records, rows were
//! replaced, or rows of one holding differ in what they say beside use; `frames` counts those again.
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | which windows, accounts and skus go which way |
//! | `rate` | an hour's sums to bulk charges, and to lines |

mod plan;
mod rate;

pub(super) use plan::{Plan, Scope, is_summed};
pub(super) use rate::{AccountTotal, RatedHour, rate};

//! Views of subscriptions that people ask for.
//!
//! Owns: what the list of renewals holds and what it leaves out, what orders and days ahead would do to an account, what
//! moved in a wallet, which edition an account has.
//! Does not own: how a view is printed, what an order does (`core::life` says that).
//! Promises: plain functions over loaded values; nothing is recorded; the same values give the same view.
//!
//! | file | what it shows |
//! |---|---|
//! | `renewals` | subscriptions by renewal policy and expiry, and what is not renewed there |
//! | `rehearse` | what orders would come to, one after the other, on a copy of the account |
//! | `calendar` | what renews, expires, freezes and is released in the days ahead |
//! | `statement` | every movement of a wallet, with the balance after it |
//! | `editions` | which edition of a family an account has |

mod calendar;
mod editions;
mod rehearse;
mod renewals;
mod statement;
#[cfg(test)]
mod testing;

pub use calendar::{Due, calendar};
pub use editions::{Edition, editions};
pub use rehearse::{Rehearsed, as_they_would_stand, rehearse};
pub use renewals::{NotListed, RenewalList, RenewalTab, RenewalWish, not_in_batch, renewal_list};
pub use statement::{Movement, statement};

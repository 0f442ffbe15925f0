//! Lives of subscriptions, step by step, and what holds of all of them.
//!
//! | file | what it holds |
//! |---|---|
//! | `alignment` | unified expiry dates |
//! | `arrears` | when they begin, what stops, how they end |
//! | `bundles` | one expiry, one policy, one payment |
//! | `changes` | upgrades and downgrades |
//! | `discount_vouchers` | which of them lowers the price of an order |
//! | `editions` | editions and their packages |
//! | `modes` | from a subscription to use by the hour |
//! | `one_time` | certificates, free ones too |
//! | `owing` | who pays first and goes on by what time does
//! | `own_term` | how much a renewal by itself buys |
//! | `purchases` | what starts, what it costs, what is refused |
//! | `refunds` | what an unsubscription brings back |
//! | `renewals` | when they are tried, what pays them, what follows |
//! | `waiting` | large refunds that wait for a second person |
//! | `laws` | what holds of every life, over the random ones of `lives` |
//! | `size` | how long a night of one very large account takes; by hand
//! | `desk` | the desk at which the others are served |

mod alignment;
mod arrears;
mod bundles;
mod changes;
mod desk;
mod discount_vouchers;
mod editions;
mod laws;
mod lives;
mod modes;
mod one_time;
mod owing;
mod own_term;
mod purchases;
mod refunds;
mod renewals;
mod size;
mod waiting;

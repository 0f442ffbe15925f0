//! Lives of accounts carried out: orders, money, renewals, expiries, arrears that are due by an instant.
//!
//! Owns: which accounts and up to when; telling which of them could not be taken further; what is told of a day the morning
//! after (`morning`).
//! Does not own: what happens to an account (`core::life`), loading and recording it (`reckoner-engine`), use (`settle`).
//! Promises: an account takes all its steps up to the instant or none; twice equals once.

mod morning;

pub use morning::publish;

use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::life::OrderApproval;
use reckoner_core::time::Instant;
use reckoner_engine::{Advanced, Knowledge, advance_due};

/// Carries out what is due up to and including `until`, of these accounts or of all.
///
/// # Errors
/// What the store says of reading; what it says of recording one account is in [`Advanced::failed`].
pub fn carry_out(books: &mut Books, only: Option<&[String]>, until: Instant) -> Result<Advanced, Failure> {
    let knowledge = Knowledge::load(books.store(), &books.profile, books.zone)?;
    let advanced = advance_due(books.store_mut(), &knowledge, only, until)?;
    publish(books)?;
    Ok(advanced)
}

/// Lets a large refund come back, after what else is due for its account by then.
///
/// # Errors
/// Those of [`carry_out`].
pub fn approve(books: &mut Books, approval: &OrderApproval) -> Result<Advanced, Failure> {
    let knowledge = Knowledge::load(books.store(), &books.profile, books.zone)?;
    let advanced = reckoner_engine::approve(books.store_mut(), &knowledge, approval)?;
    publish(books)?;
    Ok(advanced)
}

//! Lives of accounts, from the store and back: what needs no frames.
//!
//! Owns: loading what `core::life` decides over, turning what it decided into what the store records, the views of
//! subscriptions that people ask for.
//! Does not own: decisions (`core::life` makes them), use and its charges (`settle`), files.
//! Promises: an account is loaded whole; what is recorded of a step is all of it.
//!
//! | file | what it does |
//! |---|---|
//! | `knowledge` | profile, accounts, prices, products, discounts, as known now |
//! | `load` | accounts with their money, resources and standing |
//! | `advance` | accounts along their timelines, some thousands a transaction |
//! | `frozen` | when accounts were frozen |
//! | `audit` | what must hold between orders, charges, payments and what was bought |
//! | `morning` | what happened on a day, for people and for machines |
//! | `post` | what steps changed, as what the store records |
//! | `view` | subscriptions as people look at them |

mod advance;
pub mod audit;
mod error;
mod frozen;
mod knowledge;
mod load;
pub mod morning;
pub mod post;
pub mod view;

pub use advance::{
    ACCOUNTS_PER_COMMIT, Advanced, advance_due, advance_due_by, advance_one, approve, due_accounts, know_what_was_paid,
};
pub use error::EngineError;
pub use frozen::{frozen, frozen_after, frozen_foreseen, is_frozen_alike};
pub use knowledge::Knowledge;
pub use load::{Lives, accounts, with_order_payments};

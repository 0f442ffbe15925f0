//! The daily job: lives of subscriptions and accounts, and what is told of them the morning after.

mod morning;

pub use morning::publish;

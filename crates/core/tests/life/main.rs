//! Lives of subscriptions, step by step.

mod desk;
mod renewals;

//! Decisions about money and time: plain functions over plain values.
//!
//! Owns: exact numbers, time, ids, the contract's rows as values, price book, rating (the readable reference), payment
//! waterfall, ledger, allocation, manifests, profiles, audits, plans of reruns.
//! Does not own: files, SQL, frames, threads, the clock, the environment. None of them is reachable from here.
//! Promises: the same values in give the same values out; what does not fit is an error, never a rounded amount.

pub mod account;
pub mod allocate;
pub mod audit;
pub mod id;
pub mod intake;
pub mod ledger;
pub mod life;
pub mod manifest;
pub mod number;
pub mod pay;
pub mod price;
pub mod profile;
pub mod rate;
pub mod rerun;
pub mod schedule;
pub mod table;
pub mod time;

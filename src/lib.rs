//! The shell around the engine: command line, home, settings, files, reports. The binary only calls [`cli::run`].
//!
//! Owns: everything that touches the operating system: the clock, the environment, files, locks, standard output.
//! Does not own: decisions about money and time (`reckoner-core`), frames (`reckoner-frames`), what is (`reckoner-store`).
//! Promises: an error says where, what was seen, what was expected and what to do; a file is there whole or not at all.

pub mod accounting;
pub mod app;
pub mod books;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod env;
pub mod explain;
pub mod failure;
pub mod faults;
pub mod files;
mod free;
pub mod home;
pub mod inbox;
pub mod ingest;
pub mod lake;
pub mod priority;
pub mod profiles;
pub mod quarantine;
pub mod renew;
pub mod report;
pub mod sample;
pub mod schedule;
pub mod serve;
pub mod settle;
pub mod status;
pub mod stop;
pub mod verify;
pub mod windows;

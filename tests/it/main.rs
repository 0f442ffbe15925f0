//! The binary from outside: what is printed, where, and with which exit code.
//!
//! | file | what it holds together |
//! |---|---|
//! | `catalogues` | the catalogues of `sample_data`: every order comes to what is worked out by hand |
//! | `scenarios` | lives of subscriptions, day by day, as stories |
//! | `command_line` | every command of the contract is known; wrong usage is told in four parts, as JSON too |
//! | `console` | orders, quotes and renewals by command line; the statement proves the wallet; editions |
//! | `bad_bytes` | damaged, odd and hostile files are refused with a reason, within 512 MiB, and the others are taken |
//! | `formats` | the same rows in every format give the same charges; packed files that are damaged give none |
//! | `home` | `init`, folders that are no home, settings that are not understood, the lock |
//! | `laws` | what the engine promises: the oracle, order, twice is once, bad rows, late rows |
//! | `mutated` | settings, job files, crons and command-line values, damaged thousands of times |
//! | `tools` | `check` and `sample` |
//! | `export` | every table's columns, order and selection; the ledger as journals |
//! | `failpoints` | every failpoint once as an error and once as a death: the same books afterwards |
//! | `explain` | from an amount back to delivered lines: every charge of the sample month adds up |
//! | `serve` | as a process: the inbox, signals, kills, a second one, what is refused; and `ingest` from the inbox |
//! | `status` | what is settled, late or refused, and the exit codes of `--check` |
//! | `quarantine` | `list` and `show` |
//! | `orders` | what is taken in, refused and taken again; how orders are shown before their instant |
//! | `ends` | use after the end of a resource, or while its account stands released |
//! | `rerun` | plans, their causes, applying them once; stale plans; what is priced with which book |
//! | `windows` | `list`, `hold`, `release` and `force`: what is passed over, and that it is all made up |
//! | `together` | many processes on one home at once, answers that cannot be written, what a killed command left |
//! | `replaces` | a corrected file equals having been delivered in the first place; which rows are held |
//! | `manifests` | files against what their producer says of them; what is missing |
//! | `verify` | green on books that are right, whatever came when; each check named by books that break it |

#[cfg(unix)]
mod bad_bytes;
mod catalogues;
mod command_line;
mod console;
mod ends;
mod examples;
mod explain;
mod export;
#[cfg(debug_assertions)]
mod failpoints;
mod formats;
mod home;
mod laws;
mod manifests;
mod mutated;

mod orders;
mod quarantine;
mod replaces;
mod rerun;
mod sample_home;
mod scenarios;
mod serve;
mod status;
mod support;
mod together;
mod tools;
mod verify;
mod windows;

//! The binary from outside: what is printed, where, and with which exit code.
//!
//! | file | what it holds together |
//! |---|---|
//! | `command_line` | every command of the contract is known; wrong usage is told in four parts, as JSON too |
//! | `home` | `init`, folders that are no home, settings that are not understood, the lock |
//! | `tools` | `check` and `sample` |

mod command_line;
mod examples;
mod home;
mod support;
mod tools;

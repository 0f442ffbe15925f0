//! What the engine promises, held to the binary: the books depend on what was delivered, never on how or how often.
//!
//! | file | the law |
//! |---|---|
//! | `oracle` | the sample month costs what a reading that shares nothing with the engine says, in one delivery or in many |
//! | `order` | order of files and rows, split into files, format, batch size and threads leave no trace in a charge |
//! | `bulk` | whether a file is taken in columns or row by row leaves no trace in any export |
//! | `frozen` | use in frozen time is free, however the hours are settled |
//! | `again` | twice is once: repeated, at the same time from two processes, killed in the middle and repeated |
//! | `refused` | a bad row is refused alone, with its code, line, column and value; a bad file whole |
//! | `late` | what arrives late posts its difference and touches nothing else |
//! | `partly` | a settlement of a part, or a dry run, leaves no trace in the books of the whole |
//! | `books`, `month` | reading exports, delivering files; a generated month with everything awkward in it |

#![expect(clippy::unwrap_used, reason = "a test that unwraps fails where it stands; clippy sees only functions marked as tests")]

mod again;
pub mod books;
mod bulk;
mod frozen;
mod late;
mod month;
mod oracle;
mod order;
mod partly;
mod refused;

//! Explain: from an amount back to the price, the formula, the windows, and the lines of files that somebody delivered.
//!
//! Owns: finding what an id means, gathering what is known about it, saying it for people (`text`) and scripts (`json`).
//! Does not own: arithmetic. Seconds come from `core::rate::pieces_in`, amounts from `core::rate::settle_lines`: what is
//! shown is the engine's own computation, done again.
//! Promises: reads only; says so when something does not come out as it was posted.
//!
//! | file | what it answers |
//! |---|---|
//! | `find` | which charge or settlement an id, or its beginning, means |
//! | `charge` | everything about one charge |
//! | `rows` | which delivered rows its line is made of, and which no longer |
//! | `equation` | how its amounts come about, step by step |
//! | `settlement` | what became due at an instant, and what paid it |
//! | `order` | what an order asked for, cost and brought back |

mod charge;
mod equation;
mod find;
mod json;
mod order;
mod rows;
mod settlement;
mod text;

pub use charge::{ChargeStory, LineCharge, PriceFacts};
pub use equation::{Equation, Offer, Priced};
pub use order::{OrderStory, approval_document};
pub use rows::{RowState, Rows, UsedRow};
pub use settlement::SettlementStory;

use crate::books::Books;
use crate::failure::Failure;
use find::Meant;
use serde_json::Value;
use std::collections::HashMap;

/// Everything about what an id means.
#[derive(Debug, Clone)]
pub enum Story {
    /// About a charge.
    Charge(Box<ChargeStory>),
    /// About a settlement.
    Settlement(Box<SettlementStory>),
    /// About an order.
    Order(Box<OrderStory>),
}

/// A line of a delivered file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's name when delivered.
    pub file: String,
    /// The hash of its bytes, under which `raw/` keeps it.
    pub file_id: String,
    /// The line; 0: the file as a whole, which stands in the place of the row's.
    pub line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Gathers everything about what the id, or its beginning, means.
///
/// # Errors
/// Exit 2 when it means nothing, or more than one thing; what the store and the lake say.
pub fn explain(books: &Books, id: &str) -> Result<Story, Failure> {
    if let Some(order) = order::find(books, id)? {
        return Ok(Story::Order(Box::new(order)));
    }
    match find::find(books, id)? {
        Meant::Charge(charge) => Ok(Story::Charge(Box::new(charge::story(books, *charge)?))),
        Meant::Settlement(settlement) => Ok(Story::Settlement(Box::new(settlement::story(books, *settlement)?))),
    }
}

impl Story {
    /// For a person.
    pub fn text(&self, books: &Books) -> String {
        match self {
            Self::Charge(story) => text::charge(books, story),
            Self::Settlement(story) => text::settlement(books, story),
            Self::Order(story) => order::text(books, story),
        }
    }

    /// For a script: everything, amounts and quantities as text.
    pub fn document(&self, books: &Books) -> Value {
        match self {
            Self::Charge(story) => json::charge(books, story),
            Self::Settlement(story) => json::settlement(books, story),
            Self::Order(story) => order::document(books, story),
        }
    }
}

/// The names of delivered files, by the hash of their bytes.
struct FileNames(HashMap<String, String>);

impl FileNames {
    fn read(books: &Books) -> Result<Self, Failure> {
        Ok(Self(books.store().input_files()?.into_iter().map(|file| (file.file_id, file.name)).collect()))
    }

    fn place(&self, file_id: &str, line: u64) -> Place {
        let file = self.0.get(file_id).cloned().unwrap_or_else(|| file_id.to_owned());
        Place { file, file_id: file_id.to_owned(), line }
    }
}

/// `unit-seconds`, or the amount's word.
fn unit_of(unit: &str) -> &str {
    if unit == "hour" { "unit-seconds" } else { unit }
}

//! An amount as the steps that a person can follow: what a quote shows, with its numbers.

use crate::number::Money;
use serde::Serialize;

/// How an amount comes about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Formula {
    /// The steps, in the order computed; the last is the amount.
    pub steps: Vec<Step>,
}

/// One step: `consumed = paid x used / total = 300 x 344 h / 758 h = 136.15`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it computes: `consumed`.
    pub name: String,
    /// In words: `paid x used / total`.
    pub rule: String,
    /// In numbers: `300 x 344 h / 758 h`.
    pub numbers: String,
    /// What comes out.
    pub amount: Money,
}

impl Formula {
    /// Adds a step.
    pub fn step(&mut self, name: &str, rule: &str, numbers: impl Into<String>, amount: Money) {
        self.steps.push(Step { name: name.to_owned(), rule: rule.to_owned(), numbers: numbers.into(), amount });
    }
}

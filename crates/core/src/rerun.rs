//! Rerun: what settling a stretch of the past again would change, and why, as a plan that can be applied once.
//!
//! Owns: the plan's lines, the cause of each, the plan's id. Does not own: computing the changes (`rate` does, as ever).
//! Promises: new = old + difference for every line; a plan's id names everything that it depends on, so that a plan with
//! the same id posts the same charges.

use crate::id;
use crate::number::Quantity;
use crate::rate::{Charge, Line, LineKey, Posted, Terms};
use crate::time::Instant;
use std::collections::{BTreeMap, HashSet};

/// Account and sku.
pub type Pair = (String, String);

/// Why an amount moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Rows arrived, or were replaced, since it was settled.
    Input,
    /// The same, by an operator's hand: refused rows were taken again.
    Manual,
    /// Another price row or discount counts.
    Price,
    /// Neither: the engine, the profile or an account's terms reckon otherwise.
    Rule,
}

impl Cause {
    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Manual => "manual",
            Self::Price => "price",
            Self::Rule => "rule",
        }
    }
}

/// What is known of the accounts and skus of a range, from which causes follow.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Those with rows that arrived or were replaced since some of their windows were settled.
    pub with_news: HashSet<Pair>,
    /// Of those, the ones whose news an operator brought, and nobody else.
    pub with_manual_news: HashSet<Pair>,
    /// Those for which another price row or discount counts in some window.
    pub priced_anew: HashSet<Pair>,
}

/// What changes for an account and sku in a billing month. Amounts are due amounts at 1e-8; sums may pass 64 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// Whose.
    pub account_id: String,
    /// Of what.
    pub sku: String,
    /// `2026-01`.
    pub billing_period: String,
    /// ISO 4217.
    pub currency: String,
    /// Charges that would be posted.
    pub charges: u64,
    /// What is posted in the range.
    pub old_e8: i128,
    /// What would be posted: new = old + difference.
    pub difference_e8: i128,
    /// Why, in order; never empty.
    pub causes: Vec<Cause>,
}

impl PlanLine {
    /// What the range deserves.
    pub const fn new_e8(&self) -> i128 {
        self.old_e8 + self.difference_e8
    }
}

/// What is posted: due amounts at 1e-8 by account, sku and billing month.
pub type Old = BTreeMap<(String, String, String), i128>;

/// Sums what is posted, as the plan's lines are made.
pub fn old_amounts(posted: &[Charge]) -> Old {
    let mut old = Old::new();
    for charge in posted {
        let (account_id, sku, billing_period) = key(charge);
        let key = (account_id.to_owned(), sku.to_owned(), billing_period.to_owned());
        *old.entry(key).or_default() += i128::from(charge.amounts.due.e8());
    }
    old
}

/// The lines of a plan, by account, sku, month: those for which something would be posted.
pub fn plan_lines(old: &Old, changes: &[Charge], facts: &Facts) -> Vec<PlanLine> {
    let mut by_key: BTreeMap<Key<'_>, Vec<&Charge>> = BTreeMap::new();
    for change in changes {
        by_key.entry(key(change)).or_default().push(change);
    }
    let line = |(key, changes): (Key<'_>, Vec<&Charge>)| PlanLine {
        account_id: key.0.to_owned(),
        sku: key.1.to_owned(),
        billing_period: key.2.to_owned(),
        currency: changes[0].currency.clone(),
        charges: changes.len() as u64,
        old_e8: old.get(&(key.0.to_owned(), key.1.to_owned(), key.2.to_owned())).copied().unwrap_or_default(),
        difference_e8: changes.iter().map(|change| i128::from(change.amounts.due.e8())).sum(),
        causes: causes(&(key.0.to_owned(), key.1.to_owned()), &changes, facts),
    };
    by_key.into_iter().map(line).collect()
}

type Key<'a> = (&'a str, &'a str, &'a str);

fn key(charge: &Charge) -> Key<'_> {
    (&charge.key.account_id, &charge.key.sku, &charge.billing_period)
}

fn causes(pair: &Pair, changes: &[&Charge], facts: &Facts) -> Vec<Cause> {
    let is_priced_anew = facts.priced_anew.contains(pair);
    let mut causes = Vec::new();
    if facts.with_news.contains(pair) && (moves_use(changes) || !is_priced_anew) {
        causes.push(if facts.with_manual_news.contains(pair) { Cause::Manual } else { Cause::Input });
    }
    if is_priced_anew {
        causes.push(Cause::Price);
    }
    if causes.is_empty() {
        causes.push(Cause::Rule);
    }
    causes
}

/// Whether more or less was used somewhere: use that only changes its price row comes to nothing.
fn moves_use(changes: &[&Charge]) -> bool {
    let mut net: BTreeMap<(Instant, &str), (Quantity, Quantity)> = BTreeMap::new();
    for change in changes {
        let sum = net.entry((change.transaction_at, &change.key.resource_id)).or_default();
        let added = sum.0.plus(change.quantity).and_then(|quantity| Ok((quantity, sum.1.plus(change.waived)?)));
        // What does not fit moves use for sure.
        let Ok(added) = added else { return true };
        *sum = added;
    }
    net.values().any(|(quantity, waived)| !quantity.is_zero() || !waived.is_zero())
}

/// The accounts and skus for which a repricing finds another price row or discount than those that counted.
pub fn priced_anew(due: &[Line], posted: &BTreeMap<LineKey, Posted>, terms: &Terms) -> HashSet<Pair> {
    let pair = |key: &LineKey| (key.account_id.clone(), key.sku.clone());
    let is_changed = |line: &&Line| line.book_seq != line.settled_book_seq && terms.differ(line);
    let due_anew = due.iter().filter(is_changed).map(|line| pair(&line.key));
    // What is posted under a row that no longer counts, where the use may be gone as well.
    let is_replaced = |key: &&LineKey| terms.repricing.is_some_and(|repricing| !terms.counts(key, repricing.book_seq));
    due_anew.chain(posted.keys().filter(is_replaced).map(pair)).collect()
}

/// Names a plan by everything that it depends on: what was asked for, what it was computed from, what it would post.
pub fn plan_id(scope: &[&str], basis: &[&str], changes: &[Charge]) -> String {
    let count = |number: usize| number.to_string();
    let mut parts = vec![count(scope.len()), count(basis.len())];
    parts.extend(scope.iter().chain(basis).map(|part| (*part).to_owned()));
    for change in changes {
        let amounts = change.amounts;
        let money = [amounts.list, amounts.discount, amounts.truncated, amounts.due].map(|amount| amount.e8().to_string());
        parts.push(change.charge_id.clone());
        parts.extend([change.quantity.e12().to_string(), change.waived.e12().to_string(), change.billing_period.clone()]);
        parts.extend(money);
    }
    id::derive("plan", &parts.iter().map(String::as_str).collect::<Vec<_>>())
}

//! Charges, each by itself and as the settlements that they make up.

use super::{Check, Report};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::audit::{self, ChargeAmounts, ChargesSum, Finding};
use reckoner_core::price::is_tiered;
use reckoner_core::rate::{Amounts, Charge, Terms};
use reckoner_core::time::{Instant, Window};
use reckoner_store::SettlementRecord;
use std::collections::{HashMap, HashSet};

/// Looks at every charge of a day.
///
/// Ids are compared within the day only: an id is made from its window, so two days cannot share one unless it was forged,
/// which the hash of its file tells.
pub(super) fn check_day<'a>(terms: &Terms, charges: impl Iterator<Item = &'a Charge>, report: &mut Report) {
    let mut ids: HashSet<&str> = HashSet::new();
    for charge in charges {
        let Amounts { list, discount, truncated, due } = charge.amounts;
        let amounts = ChargeAmounts { list, discount, truncated, due };
        report.judge(Check::ChargesEquation, audit::check_charge(&charge.charge_id, amounts));
        let times = if ids.insert(&charge.charge_id) { 1 } else { 2 };
        report.judge(Check::ChargesIdentity, audit::compare_counts(name(charge), "an id names one charge", times, 1));
        report.judge(Check::ChargesPrice, check_price(charge, terms));
        report.judge(Check::ChargesWindow, check_window(charge, terms));
    }
}

fn name(charge: &Charge) -> String {
    format!("charge `{}`", charge.charge_id)
}

fn check_price(charge: &Charge, terms: &Terms) -> Vec<Finding> {
    let Some(price) = terms.price_by_id(&charge.key.price_id) else {
        let (law, computed) = ("it names a published price row", "no such row".to_owned());
        let stated = format!("`{}`", charge.key.price_id);
        return vec![Finding { subject: name(charge), law, stated, computed, difference: String::new() }];
    };
    let row = &price.row;
    let unit_price = if is_tiered(&row.model) { String::new() } else { row.unit_price.to_string() };
    let stated_price = charge.unit_price.map(|price| price.to_string()).unwrap_or_default();
    let currency = terms.accounts.currency(&charge.key.account_id).unwrap_or_default();
    let pairs = [
        ("sku = its price row's", charge.key.sku.as_str(), row.sku.as_str()),
        ("product = its price row's", &charge.product, &row.product),
        ("billing_mode = its price row's", charge.billing_mode.as_str(), row.billing_mode.as_str()),
        ("unit = its price row's", &charge.unit, row.unit.as_str()),
        ("unit_price = its price row's, and none of a tiered one", &stated_price, &unit_price),
        ("currency = its price row's", &charge.currency, &row.currency),
        ("currency = its account's", &charge.currency, currency),
    ];
    pairs.into_iter().filter_map(|(law, stated, computed)| audit::compare_texts(name(charge), law, stated, computed)).collect()
}

fn check_window(charge: &Charge, terms: &Terms) -> Vec<Finding> {
    let Some(price) = terms.price_by_id(&charge.key.price_id) else { return Vec::new() };
    let (zone, window) = (terms.zone, charge.key.window);
    let settles_in = price.row.settle.containing(window.start, zone);
    let shown = |window: Window| format!("{} to {}", zone.to_text(window.start), zone.to_text(window.end));
    let inside = window.overlap(settles_in).unwrap_or(settles_in);
    let pairs = [
        ("window lies inside its settlement window", shown(window), shown(inside)),
        ("transaction_at = the end of its settlement window", zone.to_text(charge.transaction_at), zone.to_text(settles_in.end)),
        ("billing_period = the month of its window's start", charge.billing_period.clone(), zone.billing_period(window.start)),
    ];
    pairs.into_iter().filter_map(|(law, stated, computed)| audit::compare_texts(name(charge), law, &stated, &computed)).collect()
}

/// Sums of charges by the settlement that they name, until the day of the settlement is over.
#[derive(Default)]
pub(super) struct Settlements {
    sums: HashMap<String, Sum>,
    reached: Option<Instant>,
    /// Settlements compared so far.
    pub seen: u64,
}

struct Sum {
    facts: Facts,
    /// A charge that names the settlement and is of another account, month, currency or instant than the first.
    odd: Option<(String, Facts)>,
    sum: ChargesSum,
}

/// What all charges of a settlement have in common with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    account_id: String,
    billing_period: String,
    currency: String,
    at: Instant,
}

impl Facts {
    fn shown(&self, books: &Books) -> String {
        format!("{} {} {} {}", self.account_id, self.billing_period, self.currency, books.zone.to_text(self.at))
    }
}

impl Settlements {
    pub fn add(&mut self, charge: &Charge) {
        let facts = Facts {
            account_id: charge.key.account_id.clone(),
            billing_period: charge.billing_period.clone(),
            currency: charge.currency.clone(),
            at: charge.transaction_at,
        };
        let new = || Sum { facts: facts.clone(), odd: None, sum: ChargesSum::default() };
        let sum = self.sums.entry(charge.settlement_id.clone()).or_insert_with(new);
        if sum.facts != facts && sum.odd.is_none() {
            sum.odd = Some((charge.charge_id.clone(), facts));
        }
        sum.sum.charges += 1;
        sum.sum.due_e8 += i128::from(charge.amounts.due.e8());
    }

    /// Compares the settlements up to here, whose charges have all been added.
    pub fn check_until(&mut self, books: &Books, end: Instant, report: &mut Report) -> Result<(), Failure> {
        let start = self.reached.replace(end).unwrap_or(Instant::MIN);
        for settlement in books.store().settlements(Window::new(start, end))? {
            self.seen += 1;
            let findings = compare(books, &settlement, self.sums.remove(&*settlement.settlement_id));
            report.judge(Check::ChargesSettled, findings);
        }
        Ok(())
    }

    /// Compares the rest: settlements without charges, and charges without a settlement.
    pub fn finish(&mut self, books: &Books, report: &mut Report) -> Result<(), Failure> {
        self.check_until(books, Instant::MAX, report)?;
        let mut left: Vec<(String, Sum)> = self.sums.drain().collect();
        left.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (settlement_id, Sum { sum, .. }) in left {
            report.judge(Check::ChargesSettled, audit::check_charges(&settlement_id, ChargesSum::default(), sum));
        }
        Ok(())
    }
}

fn compare(books: &Books, settlement: &SettlementRecord, sum: Option<Sum>) -> Vec<Finding> {
    let stated = ChargesSum { charges: settlement.charges, due_e8: i128::from(settlement.due.e8()) };
    let computed = sum.as_ref().map(|sum| sum.sum).unwrap_or_default();
    let mut findings = audit::check_charges(&settlement.settlement_id, stated, computed);
    let Some(Sum { facts, odd, .. }) = sum else { return findings };
    let own = Facts {
        account_id: settlement.account_id.to_string(),
        billing_period: settlement.billing_period.to_string(),
        currency: settlement.currency.to_string(),
        at: settlement.at,
    };
    let subject = format!("settlement `{}`", settlement.settlement_id);
    let law = "account, month, currency and instant are those of its charges";
    findings.extend(audit::compare_texts(subject, law, &own.shown(books), &facts.shown(books)));
    if let Some((charge_id, odd)) = odd {
        let subject = format!("charge `{charge_id}`");
        let law = "account, month, currency and instant are those of its settlement";
        findings.extend(audit::compare_texts(subject, law, &odd.shown(books), &own.shown(books)));
    }
    findings
}

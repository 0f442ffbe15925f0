//! What an order would cost or bring back, and how that comes about. Changes nothing.

use super::super::account::LifeAccount;
use super::super::effect::Refused;
use super::super::formula::Formula;
use super::super::terms::LifeTerms;
use super::buy::Item;
use super::{align, change, purchase, renew, unsubscribe};
use crate::number::Money;
use crate::table::{OrderKind, OrderRow};
use crate::time::{Instant, Window};

/// What an order would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// What is asked for.
    pub kind: OrderKind,
    /// ISO 4217.
    pub currency: String,
    /// One a period.
    pub lines: Vec<QuoteLine>,
    /// What would be paid; below 0: what would come back.
    pub amount: Money,
    /// What a refund would keep for the time used.
    pub consumed: Money,
    /// The handling fee.
    pub fee: Money,
}

/// What one period would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteLine {
    /// The resource.
    pub resource_id: String,
    /// As what it is priced.
    pub sku: String,
    /// The service that is paid for, or given back.
    pub service: Window,
    /// Paid; below 0: comes back.
    pub amount: Money,
    /// How it comes about.
    pub formula: Formula,
}

/// What the order would come to at the instant.
///
/// # Errors
/// [`Refused`] as the order would be, but for the money that would be missing.
pub fn quote(account: &LifeAccount, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> Result<Quote, Refused> {
    let mut quote = Quote {
        kind: order.kind,
        currency: account.money.wallet.currency.clone(),
        lines: Vec::new(),
        amount: Money::ZERO,
        consumed: Money::ZERO,
        fee: Money::ZERO,
    };
    match order.kind {
        OrderKind::Purchase => quote.buy(purchase::plan(account, order, at, terms)?.1.as_slice()),
        OrderKind::Renew => quote.buy(&renew::plan(account, order, at, terms)?),
        OrderKind::Align => quote.buy(&align::plan(account, order, at, terms)?),
        OrderKind::Change => quote.change(order, change::plan(account, order, at, terms)?),
        OrderKind::Unsubscribe => {
            let plan = unsubscribe::plan(account, order, at, terms)?;
            for back in plan.backs {
                quote.consumed += back.consumed;
                quote.fee += back.fee;
                let sku = account.resources[&back.resource_id].sku.clone();
                quote.line(back.resource_id, sku, back.service, -back.refund, back.formula);
            }
        }
        OrderKind::Delete | OrderKind::SetRenewal => {}
    }
    Ok(quote)
}

impl Quote {
    fn line(&mut self, resource_id: String, sku: String, service: Window, amount: Money, formula: Formula) {
        self.amount += amount;
        self.lines.push(QuoteLine { resource_id, sku, service, amount, formula });
    }

    fn buy(&mut self, items: &[Item]) {
        for item in items {
            let (sku, formula) = (item.price.row.sku.clone(), item.priced.formula.clone());
            self.line(item.resource_id.clone(), sku, item.service, item.priced.amounts.due, formula);
        }
    }

    fn change(&mut self, order: &OrderRow, plan: change::Plan) {
        match plan {
            change::Plan::Upgrade(item) => self.buy(&[*item]),
            change::Plan::Downgrade(price, _, left, downgrade) => {
                let sku = price.row.sku.clone();
                self.line(order.resource_id.clone(), sku, left, -downgrade.refund, downgrade.formula);
            }
            change::Plan::Free(price, _) => self.nothing(order, &price.row.sku, Window::new(order.placed_at, order.placed_at)),
            change::Plan::NextPeriod(price, _, from) => self.nothing(order, &price.row.sku, Window::new(from, from)),
        }
    }

    fn nothing(&mut self, order: &OrderRow, sku: &str, service: Window) {
        let mut formula = Formula::default();
        formula.step("due", "nothing is due now; the new price holds from then on", "0", Money::ZERO);
        self.line(order.resource_id.clone(), sku.to_owned(), service, Money::ZERO, formula);
    }
}

//! Discounts: of those in force, the best single one wins; of equal ones commercial before partner before promotional
//! before fee waiver, then by id. They never add up.

use crate::table::{BillingMode, DiscountRow, OrderKind};
use crate::time::Instant;
use std::collections::{BTreeMap, HashMap};

/// Every discount row ever published, with the order in which they became known.
#[derive(Debug, Clone, Default)]
pub struct DiscountBook {
    rows: Vec<(u64, DiscountRow)>,
}

/// The discounts of one state of knowledge, by account.
#[derive(Debug, Clone, Default)]
pub struct Discounts {
    by_account: HashMap<String, Vec<DiscountRow>>,
}

/// Who buys what, when: what a discount's scope is held against.
#[derive(Debug, Clone, Copy)]
pub struct Buyer<'a> {
    /// The account.
    pub account_id: &'a str,
    /// The product.
    pub product: &'a str,
    /// The sku.
    pub sku: &'a str,
    /// How it is billed.
    pub billing_mode: BillingMode,
    /// The window's start.
    pub at: Instant,
}

impl DiscountBook {
    /// A book of rows, each with the sequence number of the delivery that brought it.
    pub fn new(rows: impl IntoIterator<Item = (u64, DiscountRow)>) -> Self {
        Self { rows: rows.into_iter().collect() }
    }

    /// The discounts as known after delivery `seq`.
    pub fn as_of(&self, seq: u64) -> Discounts {
        let mut newest: BTreeMap<&str, &DiscountRow> = BTreeMap::new();
        for (_, row) in self.rows.iter().filter(|(known, _)| *known <= seq) {
            let kept = newest.entry(&row.discount_id).or_insert(row);
            if row.revision > kept.revision {
                *kept = row;
            }
        }
        let mut by_account: HashMap<String, Vec<DiscountRow>> = HashMap::new();
        for row in newest.into_values() {
            by_account.entry(row.account_id.clone()).or_default().push(row.clone());
        }
        Discounts { by_account }
    }
}

impl Discounts {
    /// Whether some discount names the account, or all accounts.
    pub fn may_fit(&self, account_id: &str) -> bool {
        self.by_account.contains_key(account_id) || self.by_account.contains_key("*")
    }

    /// The discounts that fit usage, in the order in which equal ones win. Those of orders do not.
    pub fn fitting(&self, buyer: Buyer<'_>) -> Vec<&DiscountRow> {
        self.fitting_either(buyer, None)
    }

    /// The discounts that fit an order of this kind, in the order in which equal ones win.
    pub fn fitting_order(&self, buyer: Buyer<'_>, kind: OrderKind) -> Vec<&DiscountRow> {
        self.fitting_either(buyer, Some(kind))
    }

    fn fitting_either(&self, buyer: Buyer<'_>, order: Option<OrderKind>) -> Vec<&DiscountRow> {
        if self.by_account.is_empty() {
            return Vec::new();
        }
        let of = |account: &str| self.by_account.get(account).into_iter().flatten();
        let mut fitting: Vec<&DiscountRow> = of(buyer.account_id).chain(of("*")).filter(|row| fits(row, buyer, order)).collect();
        fitting.sort_by(|a, b| (a.kind, &a.discount_id).cmp(&(b.kind, &b.discount_id)));
        fitting
    }
}

fn fits(row: &DiscountRow, buyer: Buyer<'_>, order: Option<OrderKind>) -> bool {
    let is_of_order = |kind: OrderKind| row.order_kinds.iter().any(|word| word == kind.as_str());
    let is_free_or_holds = |list: &[String], item: &str| list.is_empty() || list.iter().any(|one| one == item);
    row.validity().holds(buyer.at)
        && is_free_or_holds(&row.products, buyer.product)
        && is_free_or_holds(&row.skus, buyer.sku)
        && (row.modes.is_empty() || row.modes.contains(&buyer.billing_mode))
        && (row.order_kinds.is_empty() || order.is_some_and(is_of_order))
}

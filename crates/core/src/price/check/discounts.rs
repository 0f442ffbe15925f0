//! Remarks about discounts and vouchers: names that nothing answers to, and discounts that another always beats.

use super::{About, Catalogue, Gravity, Remark, known_products, known_skus, such_as};
use crate::table::{DiscountRow, DiscountTerms, VoucherRow};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn look_over(catalogue: &Catalogue<'_>) -> Vec<Remark> {
    let names =
        Names { accounts: catalogue.accounts.ids().collect(), products: known_products(catalogue), skus: known_skus(catalogue) };
    let discounts = newest(catalogue);
    let mut rivals: BTreeMap<&str, Vec<&DiscountRow>> = BTreeMap::new();
    for (_, row) in &discounts {
        rivals.entry(&row.account_id).or_default().push(row);
    }
    let mut remarks = Vec::new();
    for (place, row) in &discounts {
        let DiscountRow { account_id, products, skus, .. } = row;
        let account = Some(account_id.as_str()).filter(|id| *id != "*");
        remarks.extend(names.unknown(
            About::Discount(*place),
            &format!("the discount `{}`", row.discount_id),
            account,
            products,
            skus,
        ));
        remarks.extend(never_wins(catalogue, *place, row, &rivals));
    }
    for (place, row) in catalogue.vouchers.iter().enumerate() {
        let VoucherRow { account_id, products, skus, .. } = row;
        let what = format!("the voucher `{}`", row.voucher_id);
        remarks.extend(names.unknown(About::Voucher(place), &what, Some(account_id), products, skus));
    }
    remarks
}

/// Of each discount the highest revision, with its place.
fn newest<'a>(catalogue: &Catalogue<'a>) -> Vec<(usize, &'a DiscountRow)> {
    let mut newest: BTreeMap<&str, (usize, &DiscountRow)> = BTreeMap::new();
    for (place, row) in catalogue.discounts.iter().enumerate() {
        let kept = newest.entry(&row.discount_id).or_insert((place, row));
        if row.revision > kept.1.revision {
            *kept = (place, row);
        }
    }
    newest.into_values().collect()
}

/// What a scope may name.
struct Names<'a> {
    accounts: BTreeSet<&'a str>,
    products: BTreeSet<&'a str>,
    skus: BTreeSet<&'a str>,
}

impl Names<'_> {
    fn unknown(&self, about: About, what: &str, account: Option<&str>, products: &[String], skus: &[String]) -> Vec<Remark> {
        let remark = |gravity, code, column: &str, name: &str, expected: String| Remark {
            code,
            gravity,
            about,
            saw: format!("{what} names the {column} `{name}`, which nothing is known of"),
            expected,
            to_do: format!("deliver the {column}, or a higher revision that names the right one"),
        };
        let mut remarks = Vec::new();
        if let Some(id) = account.filter(|id| !self.accounts.contains(id)) {
            let expected = such_as("an account that is known", id, &self.accounts);
            remarks.push(remark(Gravity::Error, "unknown_account", "account", id, expected));
        }
        for name in products.iter().filter(|name| !self.products.contains(name.as_str())) {
            let expected = such_as("a product that prices name", name, &self.products);
            remarks.push(remark(Gravity::Warning, "unknown_product", "product", name, expected));
        }
        for name in skus.iter().filter(|name| !self.skus.contains(name.as_str())) {
            let expected = such_as("a sku that prices name", name, &self.skus);
            remarks.push(remark(Gravity::Warning, "unknown_sku", "sku", name, expected));
        }
        remarks
    }
}

/// A discount that is still to come or in force, and lowers nothing: it takes nothing off, or another one is as wide and
/// beats it.
fn never_wins(
    catalogue: &Catalogue<'_>,
    place: usize,
    row: &DiscountRow,
    rivals: &BTreeMap<&str, Vec<&DiscountRow>>,
) -> Option<Remark> {
    if row.validity().end <= catalogue.as_of {
        return None;
    }
    let remark = |code, saw: String, expected: &str| Remark {
        code,
        gravity: Gravity::Warning,
        about: About::Discount(place),
        saw,
        expected: expected.to_owned(),
        to_do: "publish a higher revision with better terms or another scope, or let it end".to_owned(),
    };
    if row.terms == DiscountTerms::PercentOff(Decimal::ZERO) {
        let saw = format!("the discount `{}` takes nothing off", row.discount_id);
        return Some(remark("discount_of_nothing", saw, "a percentage above 0, or a price"));
    }
    // Only one of the same account, or of all accounts, can be as wide.
    let mut accounts = vec![row.account_id.as_str(), "*"];
    accounts.dedup();
    let mut rivals = accounts.into_iter().filter_map(|account_id| rivals.get(account_id)).flatten();
    let winner = rivals.find(|other| is_as_wide(other, row) && beats(other, row))?;
    let saw = format!(
        "the discount `{}` can never win: wherever it fits, `{}` does, and beats it",
        row.discount_id, winner.discount_id
    );
    Some(remark("discount_never_wins", saw, "the best single one wins: terms or a scope that no other one covers"))
}

/// Whether one discount fits everything that the other fits.
fn is_as_wide(one: &DiscountRow, other: &DiscountRow) -> bool {
    fn covers<T: PartialEq>(wide: &[T], narrow: &[T]) -> bool {
        wide.is_empty() || !narrow.is_empty() && narrow.iter().all(|item| wide.contains(item))
    }
    let (wide, narrow) = (one.validity(), other.validity());
    (one.account_id == "*" || one.account_id == other.account_id)
        && covers(&one.products, &other.products)
        && covers(&one.skus, &other.skus)
        && covers(&one.modes, &other.modes)
        && covers(&one.order_kinds, &other.order_kinds)
        && wide.start <= narrow.start
        && narrow.end <= wide.end
}

/// Whether one discount wins over the other at every list price; not known of a percentage and a price.
fn beats(one: &DiscountRow, other: &DiscountRow) -> bool {
    let better = match (&one.terms, &other.terms) {
        (DiscountTerms::PercentOff(one), DiscountTerms::PercentOff(other)) => one.cmp(other),
        (DiscountTerms::UnitPrice(one), DiscountTerms::UnitPrice(other)) => other.e12().cmp(&one.e12()),
        (DiscountTerms::PercentOff(_), DiscountTerms::UnitPrice(_))
        | (DiscountTerms::UnitPrice(_), DiscountTerms::PercentOff(_)) => {
            return false;
        }
    };
    better.is_gt() || better.is_eq() && (one.kind, &one.discount_id) < (other.kind, &other.discount_id)
}

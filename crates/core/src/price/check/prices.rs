//! Remarks about prices: missing, ending, overlapping, contradicting each other.

use super::{About, Catalogue, Gravity, PriceList, Remark, SOON_SECONDS, known_skus, listed, such_as};
use crate::life::period::TermUnit;
use crate::profile::AutoRenewTerm;
use crate::table::PriceRow;
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn look_over(catalogue: &Catalogue<'_>, lists: &[PriceList<'_>]) -> Vec<Remark> {
    let mut remarks = unpriced(catalogue);
    for list in lists {
        remarks.extend(list.rows.windows(2).flat_map(|pair| neighbours(catalogue, list, pair[0].1, &pair[1], pair[0].2.end)));
        remarks.extend(ending(catalogue, list));
    }
    remarks.extend(currencies_without_accounts(catalogue, lists));
    remarks.extend(accounts_without_prices(catalogue, lists));
    remarks.extend(unknown_equivalents(catalogue, lists));
    remarks.extend(renewed_by_the_year(catalogue, lists));
    remarks.extend(products_without_prices(catalogue));
    remarks
}

/// Usage that nobody can be asked for: one remark for each sku and reason, at the first row that waits.
fn unpriced(catalogue: &Catalogue<'_>) -> Vec<Remark> {
    let mut waiting: BTreeMap<(&str, &str), (usize, u64)> = BTreeMap::new();
    for (place, row) in catalogue.unpriced.iter().enumerate() {
        waiting.entry((row.sku, row.reason)).or_insert((place, 0)).1 += 1;
    }
    let skus = known_skus(catalogue);
    let remarks = waiting.into_iter().map(|((sku, reason), (place, rows))| {
        let rows = if rows == 1 { "1 row of usage waits".to_owned() } else { format!("{rows} rows of usage wait") };
        let expected = match reason {
            "unknown_sku" => such_as("a sku that prices name", sku, &skus),
            "no_price_in_currency" => "a price in the account's own currency: nothing is converted".to_owned(),
            _ => "a price that holds during all of the use".to_owned(),
        };
        Remark {
            code: "usage_without_price",
            gravity: Gravity::Error,
            about: About::Unpriced(place),
            saw: format!("{rows} in quarantine for a price of `{sku}` ({reason})"),
            expected,
            to_do: format!("`reckoner ingest prices.csv`, then `reckoner quarantine retry --reason {reason}`"),
        }
    });
    remarks.collect()
}

/// Two rows of a sku and currency that follow each other.
fn neighbours(
    catalogue: &Catalogue<'_>,
    list: &PriceList<'_>,
    before: &PriceRow,
    (place, row, _): &(usize, &PriceRow, crate::time::Window),
    end: Instant,
) -> Vec<Remark> {
    let PriceList { sku, currency, .. } = list;
    let shown = |instant: Instant| catalogue.zone.to_text(instant);
    let remark = |code, gravity, saw, expected: &str, to_do: String| Remark {
        code,
        gravity,
        about: About::Price(*place),
        saw,
        expected: expected.to_owned(),
        to_do,
    };
    let mut remarks = Vec::new();
    if end < row.begins() {
        let to_do = format!("publish a row from `{}` on; usage of that time goes to quarantine until then", shown(end));
        let saw = format!("no price of `{sku}` in {currency} holds from {} to {}", shown(end), shown(row.begins()));
        remarks.push(remark("price_gap", Gravity::Warning, saw, "a price at every instant once there is one", to_do));
    }
    if before.valid_to.is_some_and(|to| to > row.begins()) {
        let saw = format!(
            "two prices of `{sku}` in {currency} hold from {} to {}",
            shown(row.begins()),
            shown(before.stated_validity().end)
        );
        let to_do = "publish a higher revision of the earlier row that ends where this one begins".to_owned();
        remarks.push(remark("price_overlap", Gravity::Error, saw, "one price at every instant", to_do));
    }
    let same = PriceRow { valid_from: before.valid_from, valid_to: before.valid_to, revision: before.revision, ..(*row).clone() };
    if end == row.begins() && same == *before {
        let saw = format!("this row of `{sku}` in {currency} says what the one before it says");
        let to_do = "nothing, if the same price was to be announced again; else publish a higher revision".to_owned();
        remarks.push(remark("price_repeated", Gravity::Warning, saw, "another price from here on", to_do));
    }
    if before.settle != row.settle {
        let saw = format!(
            "`{sku}` in {currency} settles by the {} from here on, by the {} before",
            row.settle.as_str(),
            before.settle.as_str()
        );
        let to_do = "publish a higher revision with the same `settle`, unless the change is meant".to_owned();
        remarks.push(remark("settle_differs", Gravity::Warning, saw, "one settlement window for a sku", to_do));
    }
    remarks
}

/// The last row of a list, where it ends soon and nothing follows.
fn ending(catalogue: &Catalogue<'_>, list: &PriceList<'_>) -> Option<Remark> {
    let (place, _, validity) = list.rows.last()?;
    let is_soon = catalogue.as_of < validity.end && validity.end <= catalogue.as_of.plus_seconds(SOON_SECONDS);
    is_soon.then(|| Remark {
        code: "price_ends",
        gravity: Gravity::Warning,
        about: About::Price(*place),
        saw: format!("the price of `{}` in {} ends at {}", list.sku, list.currency, catalogue.zone.to_text(validity.end)),
        expected: "a row that begins then".to_owned(),
        to_do: "publish the next price before; usage from then on goes to quarantine without one".to_owned(),
    })
}

fn currencies_of_accounts<'a>(catalogue: &Catalogue<'a>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut currencies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for account_id in catalogue.accounts.ids() {
        if let Some(currency) = catalogue.accounts.currency(account_id) {
            currencies.entry(currency).or_default().push(account_id);
        }
    }
    currencies.values_mut().for_each(|accounts| accounts.sort_unstable());
    currencies
}

/// Prices that nobody can pay in: one remark for each currency, at its first row.
fn currencies_without_accounts(catalogue: &Catalogue<'_>, lists: &[PriceList<'_>]) -> Vec<Remark> {
    let currencies = currencies_of_accounts(catalogue);
    if currencies.is_empty() {
        return Vec::new();
    }
    let mut lonely: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for list in lists.iter().filter(|list| !currencies.contains_key(list.currency)) {
        let Some((place, ..)) = list.rows.first() else { continue };
        let (first, skus) = lonely.entry(list.currency).or_insert((*place, Vec::new()));
        *first = (*first).min(*place);
        skus.push(list.sku);
    }
    let known: Vec<&str> = currencies.into_keys().collect();
    let remarks = lonely.into_iter().map(|(currency, (place, skus))| Remark {
        code: "currency_without_account",
        gravity: Gravity::Warning,
        about: About::Price(place),
        saw: format!("{} in {currency}, and no account keeps its books in {currency}: {}", priced(skus.len()), listed(&skus)),
        expected: format!("a currency of accounts: {}", listed(&known)),
        to_do: "nothing, if such accounts are to come; else publish the prices in the right currency".to_owned(),
    });
    remarks.collect()
}

fn priced(skus: usize) -> String {
    if skus == 1 { "1 sku is priced".to_owned() } else { format!("{skus} skus are priced") }
}

/// Skus in use that some accounts could not be charged for: one remark for each currency, at the first such sku's row.
fn accounts_without_prices(catalogue: &Catalogue<'_>, lists: &[PriceList<'_>]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for (currency, accounts) in currencies_of_accounts(catalogue) {
        let priced: BTreeSet<&str> = lists.iter().filter(|list| list.currency == currency).map(|list| list.sku).collect();
        let is_missing = |list: &&PriceList| catalogue.used.contains(list.sku) && !priced.contains(list.sku);
        let missing: BTreeMap<&str, usize> =
            lists.iter().filter(is_missing).filter_map(|list| Some((list.sku, list.rows.first()?.0))).collect();
        let Some(place) = missing.values().min() else { continue };
        let skus: Vec<&str> = missing.keys().copied().collect();
        let noun = if skus.len() == 1 { "1 sku in use has".to_owned() } else { format!("{} skus in use have", skus.len()) };
        remarks.push(Remark {
            code: "sku_without_currency",
            gravity: Gravity::Warning,
            about: About::Price(*place),
            saw: format!("{noun} no price in {currency}: {}", listed(&skus)),
            expected: format!("prices in the currency of every account that may use them: {}", listed(&accounts)),
            to_do: format!("publish them in {currency}, or usage of these accounts goes to quarantine; nothing is converted"),
        });
    }
    remarks
}

fn unknown_equivalents(catalogue: &Catalogue<'_>, lists: &[PriceList<'_>]) -> Vec<Remark> {
    let skus = known_skus(catalogue);
    let rows = lists.iter().flat_map(|list| &list.rows);
    let unknown = rows.filter_map(|(place, row, _)| {
        let equivalent = row.particulars.get("equivalent_sku").filter(|sku| !skus.contains(sku.as_str()))?;
        Some(Remark {
            code: "unknown_equivalent",
            gravity: Gravity::Warning,
            about: About::Price(*place),
            saw: format!("`{}` names `{equivalent}` as its equivalent_sku, and no price names that", row.sku),
            expected: such_as("a sku that prices name", equivalent, &skus),
            to_do: "publish the price of the equivalent, or a higher revision of this row".to_owned(),
        })
    });
    unknown.collect()
}

/// Skus of years under a profile that renews by the month: one remark for each sku and currency, at the row that holds now
/// or next.
fn renewed_by_the_year(catalogue: &Catalogue<'_>, lists: &[PriceList<'_>]) -> Vec<Remark> {
    if catalogue.auto_renew_term != AutoRenewTerm::OneMonth {
        return Vec::new();
    }
    let remarks = lists.iter().filter_map(|list| {
        let (place, row, _) = list.rows.iter().find(|(_, _, validity)| validity.end > catalogue.as_of)?;
        (TermUnit::of(row) == Ok(TermUnit::Year)).then(|| Remark {
            code: "renewed_by_the_year",
            gravity: Gravity::Warning,
            about: About::Price(*place),
            saw: format!("`{}` is sold by the year, and the profile renews by one month (`auto_renew_term`)", list.sku),
            expected: "a sku of months, where renewals are to be for a month".to_owned(),
            to_do: "nothing, if its renewals may be for a year each; else sell a `month` sku, whose `terms` may list 12"
                .to_owned(),
        })
    });
    remarks.collect()
}

/// Products that nothing is sold of, at their first row.
fn products_without_prices(catalogue: &Catalogue<'_>) -> Vec<Remark> {
    let mut seen: BTreeSet<&str> = catalogue.prices.iter().map(|row| row.product.as_str()).collect();
    let priced = seen.clone();
    let mut remarks = Vec::new();
    for (place, row) in catalogue.products.iter().enumerate().filter(|(_, row)| !priced.is_empty() && seen.insert(&row.product)) {
        remarks.push(Remark {
            code: "product_without_price",
            gravity: Gravity::Warning,
            about: About::Product(place),
            saw: format!("no price names the product `{}`", row.product),
            expected: such_as("a product that prices name", &row.product, &priced),
            to_do: "publish its prices, or correct the name where prices mean this product".to_owned(),
        });
    }
    remarks
}

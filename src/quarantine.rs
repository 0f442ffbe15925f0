//! What waits in quarantine, with the currency of what is at risk, the largest amount first.

use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::intake::currency_at_risk;
use reckoner_core::price::PriceBook;
use reckoner_core::table::TableKind;
use reckoner_store::QuarantineItem;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Characters of an item's id, after its kind, that are enough to name it.
const ID_CHARS_MIN: usize = 6;

/// An item and the currency of its amount at risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The item.
    pub item: QuarantineItem,
    /// Nothing where it cannot be known what the row is worth.
    pub currency: Option<String>,
}

/// Every item, open ones first, then by amount at risk, largest first, then by file and line.
///
/// # Errors
/// What the store says.
pub fn all(books: &Books) -> Result<Vec<Waiting>, Failure> {
    let store = books.store();
    let accounts = books.accounts()?;
    let prices = PriceBook::new(store.prices()?.into_iter().map(|known| (known.seq, known.row))).as_of(u64::MAX);
    let waiting = store.quarantine()?.into_iter().map(|item| {
        let cell = |wanted: &str| item.raw.iter().find(|(column, _)| column == wanted).map_or("", |(_, text)| text.as_str());
        let currency = match item.kind == TableKind::Usage.as_str() {
            true => currency_at_risk(&accounts, &prices, cell("account_id"), cell("sku")).map(str::to_owned),
            false => None,
        };
        Waiting { item, currency }
    });
    let mut waiting: Vec<Waiting> = waiting.collect();
    waiting.sort_by(|a, b| place(&a.item).cmp(&place(&b.item)));
    Ok(waiting)
}

fn place(item: &QuarantineItem) -> impl Ord + '_ {
    (item.status != "open", Reverse(item.amount_at_risk), &item.file, item.line, &item.item_id)
}

/// The items that are named, or were refused for the reason given, or all; in the order of [`all`].
///
/// An item may be named by the beginning of its id.
///
/// # Errors
/// Exit 2 for an id that names none, or more than one; what the store says.
pub fn wanted(books: &Books, ids: &[String], reason: Option<&str>) -> Result<Vec<Waiting>, Failure> {
    let mut all = all(books)?;
    if let Some(code) = reason {
        all.retain(|waiting| waiting.item.reason == code);
        return Ok(all);
    }
    if ids.is_empty() {
        return Ok(all);
    }
    let named: BTreeSet<String> = ids.iter().map(|id| named(&all, id)).collect::<Result<_, _>>()?;
    all.retain(|waiting| named.contains(&waiting.item.item_id));
    Ok(all)
}

fn named(all: &[Waiting], id: &str) -> Result<String, Failure> {
    let is_long_enough = id.strip_prefix("q_").is_some_and(|rest| rest.len() >= ID_CHARS_MIN);
    let ids = all.iter().map(|waiting| &waiting.item.item_id);
    let begins: Vec<&String> = ids.filter(|item_id| *item_id == id || is_long_enough && item_id.starts_with(id)).collect();
    match begins.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Failure::usage(format!("no item `{id}` is in quarantine"))
            .at("ITEM")
            .expected(format!("an item_id such as `q_3b638f6a066e`, or its first {ID_CHARS_MIN} characters after `q_` or more"))
            .hint("`reckoner quarantine list` shows them all")),
        several => Err(Failure::usage(format!("`{id}` is how {} items begin", several.len()))
            .at("ITEM")
            .expected("enough of the id to mean one item")
            .hint(several.iter().map(|item_id| format!("`{item_id}`")).collect::<Vec<_>>().join(", "))),
    }
}

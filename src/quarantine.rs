//! What waits in quarantine, with the currency of what is at risk, the largest amount first; and giving it up.

use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::intake::currency_at_risk;
use reckoner_core::table::TableKind;
use reckoner_core::table::reason;
use reckoner_store::{IngestRecord, QuarantineDecision, QuarantineItem};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// Characters of an item's id, after its kind, that are enough to name it.
const ID_CHARS_MIN: usize = 6;

/// An item, the currency of its amount at risk, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The item.
    pub item: QuarantineItem,
    /// Nothing where it cannot be known what the row is worth.
    pub currency: Option<String>,
    /// The last decision, if there was one.
    pub decision: Option<QuarantineDecision>,
}

/// What giving items up came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Items that were open and are given up now.
    pub items: Vec<String>,
    /// Items that were given up before: nothing happened.
    pub already: u64,
    /// Items that were settled in another way, and stay so.
    pub settled: u64,
}

/// Every item, open ones first, then by amount at risk, largest first, then by file and line.
///
/// # Errors
/// What the store says.
pub fn all(books: &Books) -> Result<Vec<Waiting>, Failure> {
    let store = books.store();
    let accounts = books.accounts()?;
    let prices = books.price_book()?.as_of(u64::MAX);
    let mut decisions: HashMap<String, QuarantineDecision> =
        store.quarantine_decisions()?.into_iter().map(|decision| (decision.item_id.clone(), decision)).collect();
    let waiting = store.quarantine()?.into_iter().map(|item| {
        let cell = |wanted: &str| item.raw.iter().find(|(column, _)| column == wanted).map_or("", |(_, text)| text.as_str());
        let currency = match item.kind == TableKind::Usage.as_str() {
            true => currency_at_risk(&accounts, &prices, cell("account_id"), cell("sku")).map(str::to_owned),
            false => None,
        };
        Waiting { decision: decisions.remove(&item.item_id), item, currency }
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

/// The open items that were refused for this code.
///
/// # Errors
/// Exit 2 for a code that no row can be refused for; what the store says.
pub fn open_for(books: &Books, code: &str) -> Result<Vec<Waiting>, Failure> {
    let mut all = all(books)?;
    let met: BTreeSet<&str> = all.iter().map(|waiting| waiting.item.reason.as_str()).collect();
    if !met.contains(code) && !reason::ALL.iter().any(|(known, _)| *known == code) {
        let met: Vec<String> = met.into_iter().map(|code| format!("`{code}`")).collect();
        let expected = match met.is_empty() {
            true => "the id of an item, or the code that rows were refused for; nothing is in quarantine".to_owned(),
            false => format!("the id of an item, or the code that rows were refused for: {}", met.join(", ")),
        };
        return Err(Failure::usage(format!("nothing was refused for `{code}`"))
            .at("--reason")
            .expected(expected)
            .hint("without an item the reason is a code; to give one item up for reasons of your own, name it: `discard q_3b638f6a066e --reason …`"));
    }
    all.retain(|waiting| waiting.item.status == "open" && waiting.item.reason == code);
    Ok(all)
}

/// Gives items up, with the reason. Their use stays counted as quarantined: it came, and is not charged.
///
/// # Errors
/// What the store says; then nothing is given up.
pub fn discard(books: &mut Books, items: &[Waiting], reason: &str) -> Result<Discarded, Failure> {
    let mut discarded = Discarded::default();
    let mut record = IngestRecord::default();
    for Waiting { item, .. } in items {
        match item.status.as_str() {
            "open" => discarded.items.push(item.item_id.clone()),
            "discarded" => discarded.already += 1,
            _ => discarded.settled += 1,
        }
    }
    for item_id in &discarded.items {
        record.resolved_items.push((item_id.clone(), "discarded".to_owned()));
        record.decisions.push(QuarantineDecision {
            item_id: item_id.clone(),
            status: "discarded".to_owned(),
            became: None,
            reason: Some(reason.to_owned()),
            actor: books.actor.clone(),
            at: books.as_of,
            seq: 0,
        });
    }
    if !discarded.items.is_empty() {
        books.store_mut().record_ingest(&record)?;
    }
    Ok(discarded)
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

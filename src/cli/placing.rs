//! Placing orders: they go the way of a delivered file, then what is due for their accounts is carried out.

use super::order_row::Draft;
use crate::books::Books;
use crate::failure::Failure;
use crate::files::cannot;
use crate::ingest;
use crate::renew;
use crate::report::progress::Progress;
use reckoner_core::id;
use reckoner_core::life::{OrderState, OrderStatus};
use reckoner_core::table::{OrderRow, TableKind};
use reckoner_core::time::Instant;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// An order that was placed, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub row: OrderRow,
    /// It was known before: placing it again had no effect.
    pub is_duplicate: bool,
    pub state: OrderState,
    /// The expiry of its resource now.
    pub expires_at: Option<Instant>,
}

/// Places orders in one file and carries out what of them is due. Hands back what became of each, in their order.
///
/// # Errors
/// Exit 2 when a row is refused: it is in quarantine then. Exit 1 when an account
/// could not be taken further, and what files and store say.
pub(super) fn place(books: &mut Books, drafts: &[Draft]) -> Result<Vec<Placed>, Failure> {
    let mut known = BTreeSet::new();
    for draft in drafts {
        if books.store().order(&draft.row.order_id)?.is_some() {
            known.insert(draft.row.order_id.clone());
        }
    }
    let folder = tempfile::tempdir().map_err(cannot("make a folder in", &std::env::temp_dir()))?;
    let path = write(folder.path().to_owned(), drafts)?;
    let receipt = ingest::ingest(books, &[path], Some(TableKind::Orders), &Progress::start())?;
    if let Some(refused) = receipt.files.iter().flat_map(|file| &file.refusals).next() {
        return Err(Failure::usage(&refused.detail)
            .at(refused.column.as_ref().map_or("the order".to_owned(), |column| format!("the order's {column}")))
            .hint(format!(
                "it was not placed; the row is in quarantine, and `reckoner quarantine show {}` says what to do",
                refused.item_id
            )));
    }

    let accounts: BTreeSet<String> = drafts.iter().map(|draft| draft.row.account_id.clone()).collect();
    let accounts: Vec<String> = accounts.into_iter().collect();
    let until = books.as_of;
    if drafts.iter().any(|draft| draft.row.placed_at <= until) {
        let advanced = renew::carry_out(books, Some(&accounts), until)?;
        if let Some((account_id, why)) = advanced.failed.first() {
            return Err(Failure::failed(why)
                .at(format!("account {account_id}"))
                .hint("the order is taken and waits; `reckoner catch-up` carries it out once what is in the way is put right"));
        }
    }
    drafts.iter().map(|draft| placed(books, &draft.row, known.contains(&draft.row.order_id))).collect()
}

fn placed(books: &Books, row: &OrderRow, is_duplicate: bool) -> Result<Placed, Failure> {
    let known = books.store().order(&row.order_id)?.expect("an order that was not refused is known");
    let resources = books.store().resources_of(std::slice::from_ref(&row.account_id))?;
    let resource = resources.into_iter().find(|resource| resource.resource_id == row.resource_id);
    let expires_at = resource.filter(|resource| !resource.has_ended()).and_then(|resource| resource.expires_at);
    Ok(Placed { row: known.row, is_duplicate, state: known.state, expires_at })
}

/// The orders as a file, named by what they are.
fn write(folder: PathBuf, drafts: &[Draft]) -> Result<PathBuf, Failure> {
    let schema = TableKind::Orders.schema();
    let is_filled = |column: &str| drafts.iter().any(|draft| draft.cells.iter().any(|(name, _)| name == column));
    let columns: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).filter(|name| is_filled(name)).collect();
    let ids: Vec<&str> = drafts.iter().map(|draft| draft.row.order_id.as_str()).collect();
    let path = folder.join(format!("orders-{}.csv", id::derive("placed", &ids)));

    let mut out = csv::Writer::from_path(&path).map_err(|error| cannot("write", &path)(error.into()))?;
    let mut record = |cells: Vec<&str>| out.write_record(cells).map_err(|error| cannot("write", &path)(error.into()));
    record(columns.clone())?;
    for draft in drafts {
        let cell = |column: &&str| draft.cells.iter().find(|(name, _)| name == column).map_or("", |(_, text)| text);
        record(columns.iter().map(cell).collect())?;
    }
    out.flush().map_err(cannot("write", &path))?;
    Ok(path)
}

impl Placed {
    /// What became of it, in a word or two.
    pub fn outcome(&self) -> &'static str {
        match self.state.status {
            OrderStatus::Pending if self.state.waits_for.is_some() => "waits for approval",
            OrderStatus::Pending => "waits",
            OrderStatus::Done => "done",
            OrderStatus::Refused => "refused",
        }
    }
}

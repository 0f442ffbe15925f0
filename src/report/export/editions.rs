//! Which edition of a family of products each account has, by the clock of the command: `editions` by account_id, family.

use super::{Batches, ByAccount, ExportTable, Selection, at_hand};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Id, Quantity, Text};
use reckoner_core::number::AmountOverflow;
use reckoner_engine::{Knowledge, accounts, view};
use std::collections::BTreeSet;

pub(super) static EDITIONS: ExportTable = ExportTable {
    name: "editions",
    columns: &[("account_id", Id), ("family", Text), ("edition", Text), ("quota", Quantity), ("functions_stopped", Text)],
    by_account: ByAccount::Column,
    rows: editions,
};

fn editions<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let knowledge = Knowledge::load(books.store(), &books.profile, books.zone)?;
    let holders: BTreeSet<String> = match &selection.account_id {
        Some(account_id) => BTreeSet::from([account_id.clone()]),
        None => books.store().resources()?.into_iter().map(|resource| resource.account_id).collect(),
    };
    let holders: Vec<String> = holders.into_iter().collect();
    let mut rows = Vec::new();
    for account in accounts(books.store(), &knowledge, &holders)? {
        for edition in view::editions(&account, books.as_of, &knowledge.terms()).map_err(beyond)? {
            rows.push(vec![
                edition.account_id.into(),
                edition.family.into(),
                edition.edition.into(),
                edition.quota.into(),
                edition.functions_stopped.join(";").into(),
            ]);
        }
    }
    Ok(at_hand(rows))
}

fn beyond(error: AmountOverflow) -> Failure {
    Failure::failed("a quota is beyond what can be counted").because(error)
}

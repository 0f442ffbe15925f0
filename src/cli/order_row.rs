//! An order from the command line: the cells of a row of `orders`, read like those of a delivered file.

use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::account::Accounts;
use reckoner_core::id;
use reckoner_core::table::{Context, OrderKind, OrderRow, RawRow, Refusal, TableKind, order};
use reckoner_core::time::Instant;
use std::collections::{BTreeSet, HashMap};

/// An order, and the cells that say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub cells: Vec<(String, String)>,
    pub row: OrderRow,
}

/// What all orders of one command have in common.
#[derive(Debug, Clone)]
pub(super) struct Common {
    pub kind: OrderKind,
    pub placed_at: Instant,
    /// The other columns, by name.
    pub terms: Vec<(&'static str, String)>,
}

impl Common {
    /// The order for one resource. Without an id of its own it is named by its content, and at the same instant always the same.
    ///
    /// # Errors
    /// Exit 2 with the option whose value is wrong.
    pub fn draft(&self, books: &Books, account_id: &str, resource_id: &str, order_id: Option<&str>) -> Result<Draft, Failure> {
        let mut cells = vec![
            ("account_id", account_id.to_owned()),
            ("kind", self.kind.as_str().to_owned()),
            ("placed_at", books.zone.to_text(self.placed_at)),
            ("resource_id", resource_id.to_owned()),
        ];
        cells.extend(self.terms.iter().cloned());
        let order_id = match order_id {
            Some(order_id) => order_id.to_owned(),
            None => self.named_by(account_id, resource_id),
        };
        cells.insert(0, ("order_id", order_id));
        let cells: Vec<(String, String)> = cells.into_iter().map(|(column, text)| (column.to_owned(), text)).collect();
        let raw = RawRow::from_pairs(TableKind::Orders.schema(), 2, &cells).expect("the options are columns of the table");
        let row = order::parse(&raw, &Context::new(&books.session.settings.currency)).map_err(wrong)?;
        Ok(Draft { cells, row })
    }

    /// The instant in UTC: the zone in which it is written names nothing.
    fn named_by(&self, account_id: &str, resource_id: &str) -> String {
        let placed_at = self.placed_at.to_utc_text();
        let mut facts = vec![account_id, self.kind.as_str(), &placed_at, resource_id];
        facts.extend(self.terms.iter().flat_map(|(column, text)| [*column, text.as_str()]));
        id::derive("ord", &facts)
    }
}

/// Names the drafts by what they are together and their place, so that they are carried out in this order.
pub(super) fn in_sequence(mut drafts: Vec<Draft>) -> Vec<Draft> {
    let ids: Vec<&str> = drafts.iter().map(|draft| draft.row.order_id.as_str()).collect();
    let batch = id::derive("ord", &ids);
    for (place, draft) in drafts.iter_mut().enumerate() {
        let order_id = format!("{batch}-{:05}", place + 1);
        draft.cells[0].1.clone_from(&order_id);
        draft.row.order_id = order_id;
    }
    drafts
}

fn wrong(refusal: Refusal) -> Failure {
    let option = match refusal.column.as_deref() {
        Some("resource_id") => "--resource".to_owned(),
        Some("account_id") => "--account".to_owned(),
        Some("bundle_id") => "--bundle".to_owned(),
        Some(column) => format!("--{}", column.replace('_', "-")),
        None => String::new(),
    };
    let hint = "`reckoner orders place --help` says what each option takes";
    match refusal.detail.split_once("; expected ").or_else(|| refusal.detail.split_once(": expected ")) {
        Some((saw, expected)) => Failure::usage(saw).at(option).expected(expected).hint(hint),
        None => Failure::usage(refusal.detail).at(option).hint(hint),
    }
}

/// Who has which resource, loaded once a command.
pub(super) struct Owners {
    accounts: Accounts,
    by_resource: HashMap<String, BTreeSet<String>>,
}

impl Owners {
    /// # Errors
    /// What the store says.
    pub fn load(books: &Books) -> Result<Self, Failure> {
        let mut by_resource: HashMap<String, BTreeSet<String>> = HashMap::new();
        for resource in books.store().resources()? {
            by_resource.entry(resource.resource_id).or_default().insert(resource.account_id);
        }
        Ok(Self { accounts: books.accounts()?, by_resource })
    }

    /// Whose the resource is: the account that is named, else the one that has a resource of this name.
    ///
    /// # Errors
    /// Exit 2 when that account is not known, or nobody or more than one has the resource.
    pub fn of(&self, resource_id: &str, account_id: Option<&str>) -> Result<String, Failure> {
        if let Some(account_id) = account_id {
            return match self.accounts.currency(account_id) {
                Some(_) => Ok(account_id.to_owned()),
                None => Err(unknown_account(account_id)),
            };
        }
        let owners: Vec<&str> = self.by_resource.get(resource_id).into_iter().flatten().map(String::as_str).collect();
        match owners.as_slice() {
            [owner] => Ok((*owner).to_owned()),
            [] => Err(Failure::usage(format!("nobody has a resource `{resource_id}`"))
                .at("--resource")
                .expected("a resource that was bought")
                .hint("a purchase names its account: `--account ACCOUNT`; `reckoner export subscriptions` shows what there is")),
            several => Err(Failure::usage(format!("several accounts have a resource `{resource_id}`: {}", several.join(", ")))
                .at("--resource")
                .hint("say whose is meant: `--account ACCOUNT`")),
        }
    }
}

/// No row says who that is.
pub(super) fn unknown_account(account_id: &str) -> Failure {
    Failure::usage(format!("no account `{account_id}` is known")).at("--account").hint("`reckoner export accounts` shows them")
}

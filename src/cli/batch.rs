//! `renewals set`, `renew` and `align`: one order each for many subscriptions, or none if one of them cannot be.

use super::Answer;
use super::args::renewals::{BatchArgs, RenewalsAlignArgs, RenewalsRenewArgs, RenewalsSetArgs};
use super::order_row::{Common, Draft, Owners, in_sequence};
use super::orders::placed_document;
use super::placing::{self, Placed};
use super::quote;
use super::renewals::{resources, wish};
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::terminal::{Align, Sheet, counted, grouped, last_covered, money};
use reckoner_core::life::{OrderStatus, Refused};
use reckoner_core::number::Money;
use reckoner_core::table::OrderKind;
use reckoner_core::time::Instant;
use reckoner_engine::Knowledge;
use reckoner_engine::view::{Rehearsed, as_they_would_stand, not_in_batch, rehearse, renewal_list};
use serde_json::json;
use std::collections::BTreeMap;

/// Columns that a line has at most: ids are whole.
const LIST_WIDTH: usize = 140;
/// How many refused resources a person is shown.
const REFUSED_SHOWN: usize = 20;
/// The code of orders for which money is missing.
const NO_MONEY: &str = "insufficient_funds:";

/// `renewals set`.
pub fn set(caller: &Caller, args: &RenewalsSetArgs) -> Result<Answer, Failure> {
    let terms = [("renewal", Some(args.renewal.clone())), ("renewal_periods", args.renewal_periods.clone())];
    batch(caller, OrderKind::SetRenewal, &terms, &args.batch)
}

/// `renewals renew`.
pub fn renew(caller: &Caller, args: &RenewalsRenewArgs) -> Result<Answer, Failure> {
    batch(caller, OrderKind::Renew, &[("periods", args.periods.clone())], &args.batch)
}

/// `renewals align`.
pub fn align(caller: &Caller, args: &RenewalsAlignArgs) -> Result<Answer, Failure> {
    let terms =
        [("periods", args.periods.clone()), ("align_day", args.align_day.clone()), ("expires_on", args.expires_on.clone())];
    batch(caller, OrderKind::Align, &terms, &args.batch)
}

/// What a batch would do.
#[derive(Default)]
struct Plan {
    /// What would be done, in the order of the orders.
    orders: Vec<(Draft, Rehearsed)>,
    /// What would be refused, and why.
    refused: Vec<(String, String)>,
}

fn batch(
    caller: &Caller,
    kind: OrderKind,
    terms: &[(&'static str, Option<String>)],
    args: &BatchArgs,
) -> Result<Answer, Failure> {
    let mut books = Books::open(if args.quote { caller.read()? } else { caller.write()? })?;
    let terms = terms.iter().filter_map(|(column, text)| Some((*column, text.clone()?))).collect();
    let common = Common { kind, placed_at: books.as_of, terms };
    let plan = plan(&books, &common, args)?;
    let chosen = plan.orders.len() + plan.refused.len();
    if chosen == 0 {
        return Ok(Answer::done("nothing fits, so nothing was done\n", json!({ "orders": [], "refused": [] })));
    }
    if !plan.refused.is_empty() && (!args.skip || plan.orders.is_empty()) {
        return Err(not_done(&plan, chosen));
    }

    let refused: Vec<_> = plan.refused.iter().map(|(id, why)| json!({ "resource_id": id, "why": why })).collect();
    let left_out = left_out(&plan);
    let (drafts, rehearsed): (Vec<Draft>, Vec<Rehearsed>) = plan.orders.into_iter().unzip();
    if args.quote {
        let Answer::Said { exit, text, mut document } = quote::told(&rehearsed, books.zone) else {
            unreachable!("a quote is said")
        };
        document["refused"] = refused.into();
        return Ok(Answer::Said { exit, text: text + &left_out, document });
    }
    let placed = placing::place(&mut books, &in_sequence(drafts))?;
    let (text, orders) = told(&books, &placed)?;
    let exit = if placed.iter().any(|one| one.state.status == OrderStatus::Refused) { 3 } else { 0 };
    Ok(Answer::Said { exit, text: text + &left_out, document: json!({ "orders": orders, "refused": refused }) })
}

/// Refuses what a batch leaves alone, and rehearses the others, by expiry, parents before dependents, then id.
fn plan(books: &Books, common: &Common, args: &BatchArgs) -> Result<Plan, Failure> {
    let knowledge = Knowledge::load(books.store(), &books.profile, books.zone)?;
    let mut plan = Plan::default();
    let mut chosen = chosen(books, &knowledge, args)?;
    let account_ids: Vec<String> = chosen.keys().cloned().collect();
    for (mut account, _) in as_they_would_stand(books.store(), &knowledge, &account_ids, books.as_of, books.as_of)? {
        let account_id = account.account_id().to_owned();
        let ids = chosen.remove(&account_id).unwrap_or_default();
        let mut taken: Vec<(Instant, usize, String)> = Vec::new();
        for id in ids {
            let resource = account.resources.get(&id);
            let unknown = || Refused::new("unknown_resource", format!("`{account_id}` has no resource `{id}`"));
            match resource.map_or_else(|| Some(unknown()), |known| not_in_batch(known, books.as_of, &knowledge.terms())) {
                Some(refused) => plan.refused.push((id, refused.to_string())),
                None => {
                    let expires_at = resource.and_then(|resource| resource.expires_at).unwrap_or(Instant::MAX);
                    taken.push((expires_at, account.depth(&id), id));
                }
            }
        }
        taken.sort();
        let mut drafts = Vec::new();
        for (.., id) in &taken {
            drafts.push(common.draft(books, &account_id, id, None)?);
        }
        let orders: Vec<_> = drafts.iter().map(|draft| draft.row.clone()).collect();
        for (draft, rehearsed) in drafts.into_iter().zip(rehearse(&mut account, &orders, &knowledge.terms())) {
            match &rehearsed.state.refusal {
                // Who asks what it would come to wants to know also where the money is missing.
                Some(why) if !(args.quote && why.starts_with(NO_MONEY)) => {
                    plan.refused.push((draft.row.resource_id, why.clone()))
                }
                Some(_) | None => plan.orders.push((draft, rehearsed)),
            }
        }
    }
    Ok(plan)
}

/// The resources that are named, or those of the list, by account.
fn chosen(books: &Books, knowledge: &Knowledge, args: &BatchArgs) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut by_account: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let filter = &args.filter;
    if !args.resources.is_empty() {
        let mut ids = args.resources.clone();
        ids.sort();
        ids.dedup();
        let owners = Owners::load(books)?;
        for id in ids {
            by_account.entry(owners.of(&id, filter.account.as_deref())?).or_default().push(id);
        }
        return Ok(by_account);
    }
    let has_filter = filter.tab.is_some()
        || filter.expires.is_some()
        || filter.product.is_some()
        || filter.data_center_type.is_some()
        || filter.account.is_some();
    if !has_filter {
        return Err(Failure::usage("nothing says which subscriptions are meant")
            .at("--resource")
            .expected("resources, or a filter of `renewals list`")
            .hint(
                "`--resource 'vm-1;vm-2'`, `--product vm`, `--expires 2026-02-01..2026-03-01`, `--account acme`, `--tab manual`",
            ));
    }
    let resources = resources(books, filter.account.as_deref())?;
    for resource in renewal_list(&resources, &wish(filter, books.zone)?, books.as_of, &knowledge.terms()).listed {
        by_account.entry(resource.account_id.clone()).or_default().push(resource.resource_id.clone());
    }
    Ok(by_account)
}

fn not_done(plan: &Plan, chosen: usize) -> Failure {
    let failure = Failure::policy(format!(
        "nothing was done: {} of {} cannot be part of this batch\n{}",
        grouped(plan.refused.len() as u64),
        counted(chosen as u64, "resource", "resources"),
        refused_text(plan).trim_end()
    ));
    match plan.orders.len() as u64 {
        0 => failure.hint("`reckoner orders place` takes a bundle whole, and tells of each what is in its way"),
        others => failure.hint(format!("`--skip` does the others: {}", counted(others, "resource", "resources"))),
    }
}

fn left_out(plan: &Plan) -> String {
    match plan.refused.is_empty() {
        true => String::new(),
        false => format!("\nleft out:\n{}", refused_text(plan)),
    }
}

fn refused_text(plan: &Plan) -> String {
    let shown = plan.refused.iter().take(REFUSED_SHOWN);
    let mut text: String = shown.map(|(id, why)| format!("  {id}  {why}\n")).collect();
    let more = plan.refused.len().saturating_sub(REFUSED_SHOWN) as u64;
    if more > 0 {
        text += &format!("  … and {} more\n", grouped(more));
    }
    text
}

/// What became of the orders, for a person and for a script.
fn told(books: &Books, placed: &[Placed]) -> Result<(String, Vec<serde_json::Value>), Failure> {
    let accounts = books.accounts()?;
    let mut sheet = Sheet::new(&[
        ("resource", Align::Whole),
        ("account", Align::Left),
        ("outcome", Align::Left),
        ("amount", Align::Right),
        ("expires", Align::Whole),
        ("refused for", Align::Left),
    ])
    .at_most(LIST_WIDTH);
    let mut sums: BTreeMap<String, Money> = BTreeMap::new();
    let mut documents = Vec::new();
    for one in placed {
        let currency = accounts.currency(&one.row.account_id).unwrap_or_default();
        if let Some(amount) = one.state.amount {
            *sums.entry(currency.to_owned()).or_insert(Money::ZERO) += amount;
        }
        sheet.row([
            one.row.resource_id.clone(),
            one.row.account_id.clone(),
            if one.is_duplicate { "known already".to_owned() } else { one.outcome().to_owned() },
            one.state.amount.map(|amount| money(amount, currency)).unwrap_or_default(),
            one.expires_at.map(|at| last_covered(at, books.zone)).unwrap_or_default(),
            one.state.refusal.clone().unwrap_or_default(),
        ]);
        documents.push(placed_document(one, currency, books.zone));
    }
    let sums: Vec<String> = sums.into_iter().map(|(currency, sum)| money(sum, &currency)).collect();
    let sums = if sums.is_empty() { String::new() } else { format!(", {}", sums.join(" and ")) };
    let orders = counted(placed.len() as u64, "order", "orders");
    Ok((format!("{}\n{orders}{sums}\n", sheet.to_text()), documents))
}

//! `renewals list`: subscriptions by renewal policy and expiry. `renewals calendar`: what is due in the days ahead.

use super::Answer;
use super::args::renewals::{CalendarArgs, RenewalsFilter, RenewalsListArgs, RenewalsTab};
use super::order_row::unknown_account;
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::terminal::{Align, Sheet, counted, grouped, last_covered, money, on_the_clock};
use reckoner_core::life::{LifeEventKind, Resource};
use reckoner_core::time::{Instant, Zone};
use reckoner_engine::Knowledge;
use reckoner_engine::view::{self, Due, RenewalList, RenewalTab, RenewalWish, as_they_would_stand, renewal_list};
use serde_json::{Value, json};

/// Columns that a line has at most: ids are whole.
const LIST_WIDTH: usize = 140;
/// The same of the calendar, which says why something does not renew.
const CALENDAR_WIDTH: usize = 160;

/// `renewals list`.
pub fn list(caller: &Caller, args: &RenewalsListArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let knowledge = Knowledge::load(books.store(), &books.profile, books.zone)?;
    let resources = resources(&books, args.filter.account.as_deref())?;
    let list = renewal_list(&resources, &wish(&args.filter, books.zone)?, books.as_of, &knowledge.terms());
    let page = Page::of(list.listed.len(), args.page, args.per_page)?;
    let shown = &list.listed[page.from..page.to];
    let lines: Vec<Line<'_>> = shown.iter().map(|resource| Line::of(resource, books.as_of, &knowledge)).collect();
    Ok(Answer::done(list_text(&list, &lines, page, books.zone), list_document(&list, &lines, page, books.zone)))
}

/// The resources of an account, or of all.
pub(super) fn resources(books: &Books, account_id: Option<&str>) -> Result<Vec<Resource>, Failure> {
    Ok(match account_id {
        Some(account_id) => books.store().resources_of(&[account_id.to_owned()])?,
        None => books.store().resources()?,
    })
}

/// What the filters ask for.
///
/// # Errors
/// Exit 2 when nothing lies in the range.
pub(super) fn wish(filter: &RenewalsFilter, zone: Zone) -> Result<RenewalWish, Failure> {
    let tab = filter.tab.map(|tab| match tab {
        RenewalsTab::Manual => RenewalTab::Manual,
        RenewalsTab::Auto => RenewalTab::Auto,
        RenewalsTab::NoExpiry => RenewalTab::NoExpiry,
    });
    if let Some(range) = filter.expires
        && range.from.resolve(zone) >= range.to.resolve(zone)
    {
        return Err(Failure::usage("nothing lies in this range")
            .at("--expires")
            .expected("FROM before TO; the range holds its start and not its end")
            .hint("February is `--expires 2026-02-01..2026-03-01`"));
    }
    Ok(RenewalWish {
        tab,
        expires: filter.expires.map(|range| range.resolve(zone)),
        product: filter.product.clone(),
        data_center_type: filter.data_center_type.clone(),
        account_id: filter.account.clone(),
    })
}

/// A page of the list: which lines, of how many pages.
#[derive(Debug, Clone, Copy)]
struct Page {
    number: usize,
    pages: usize,
    from: usize,
    to: usize,
}

impl Page {
    fn of(lines: usize, number: u32, per_page: u32) -> Result<Self, Failure> {
        let (number, per_page) = (number as usize, per_page as usize);
        let pages = lines.div_ceil(per_page).max(1);
        if number > pages {
            let saw = format!("there is no page {}", grouped(number as u64));
            let known = counted(pages as u64, "page", "pages");
            return Err(Failure::usage(saw).at("--page").expected(format!("one of {known}")));
        }
        let from = (number - 1) * per_page;
        Ok(Self { number, pages, from, to: (from + per_page).min(lines) })
    }
}

/// A line of the list.
struct Line<'a> {
    resource: &'a Resource,
    product_line: &'a str,
}

impl<'a> Line<'a> {
    fn of(resource: &'a Resource, as_of: Instant, knowledge: &'a Knowledge) -> Self {
        let product = knowledge.terms().product(&resource.product, as_of);
        Self { resource, product_line: product.product_line.as_deref().unwrap_or(&resource.product) }
    }
}

fn list_text(list: &RenewalList<'_>, lines: &[Line<'_>], page: Page, zone: Zone) -> String {
    let mut sheet = Sheet::new(&[
        ("resource", Align::Whole),
        ("account", Align::Left),
        ("product line", Align::Left),
        ("configuration", Align::Left),
        ("billing mode", Align::Left),
        ("expires", Align::Whole),
        ("renewal", Align::Left),
        ("status", Align::Left),
        ("bundle", Align::Left),
    ])
    .at_most(LIST_WIDTH);
    for Line { resource, product_line } in lines {
        sheet.row([
            resource.resource_id.clone(),
            resource.account_id.clone(),
            (*product_line).to_owned(),
            resource.configuration.clone().unwrap_or_default(),
            resource.billing_mode.as_str().to_owned(),
            resource.expires_at.map_or("-".to_owned(), |at| last_covered(at, zone)),
            resource.renewal.as_str().to_owned(),
            resource.status.as_str().to_owned(),
            resource.bundle_id.clone().unwrap_or_default(),
        ]);
    }
    let mut text = match list.listed.len() as u64 {
        0 => "nothing fits here\n".to_owned(),
        all => {
            let Page { number, pages, .. } = page;
            format!("{}\npage {number} of {pages}, {}\n", sheet.to_text(), counted(all, "resource", "resources"))
        }
    };
    if lines.iter().any(|line| line.resource.bundle_id.is_some()) {
        text += "what has a bundle is renewed with all of it, by an order of its own, and is in no batch\n";
    }
    if !list.not_listed.is_empty() {
        text += "\nnot in the list:\n";
    }
    for (why, resources) in &list.not_listed {
        text += &format!("  {} {}\n", grouped(resources.len() as u64), why.of_many());
    }
    text
}

fn list_document(list: &RenewalList<'_>, lines: &[Line<'_>], page: Page, zone: Zone) -> Value {
    let line = |Line { resource, product_line }: &Line<'_>| {
        json!({
            "resource_id": resource.resource_id,
            "account_id": resource.account_id,
            "product": resource.product,
            "product_line": product_line,
            "configuration": resource.configuration,
            "billing_mode": resource.billing_mode.as_str(),
            "expires_at": resource.expires_at.map(|at| zone.to_text(at)),
            "renewal": resource.renewal.as_str(),
            "status": resource.status.as_str(),
            "bundle_id": resource.bundle_id,
            "data_center_type": resource.data_center_type,
        })
    };
    let not_listed: serde_json::Map<String, Value> = list
        .not_listed
        .iter()
        .map(|(why, resources)| {
            (why.as_str().to_owned(), resources.iter().map(|resource| resource.resource_id.as_str()).collect())
        })
        .collect();
    json!({
        "page": page.number,
        "pages": page.pages,
        "in_all": list.listed.len(),
        "resources": lines.iter().map(line).collect::<Vec<_>>(),
        "not_listed": not_listed,
    })
}

/// `renewals calendar`.
pub fn calendar(caller: &Caller, args: &CalendarArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let knowledge = Knowledge::load(books.store(), &books.profile, books.zone)?;
    let until = books.as_of.plus_seconds(i64::from(args.days) * 86_400);
    let mut accounts: Vec<String> = match &args.account {
        Some(account_id) => vec![account_id.clone()],
        None => resources(&books, None)?.into_iter().map(|resource| resource.account_id).collect(),
    };
    accounts.sort();
    accounts.dedup();

    let mut found: Vec<(Due, String)> = Vec::new();
    let standing = as_they_would_stand(books.store(), &knowledge, &accounts, books.as_of, until)?;
    if let (Some(account_id), true) = (&args.account, standing.is_empty()) {
        return Err(unknown_account(account_id));
    }
    for (mut account, ahead) in standing {
        let currency = account.money.wallet.currency.clone();
        let due = view::calendar(&mut account, &ahead, until, &knowledge.terms());
        found.extend(due.into_iter().map(|due| (due, currency.clone())));
    }
    // The steps of one account stay in the order in which they will be carried out.
    found.sort_by(|(a, _), (b, _)| (a.at, &a.account_id).cmp(&(b.at, &b.account_id)));
    Ok(Answer::done(calendar_text(&found, args.days, books.zone), calendar_document(&found, until, books.zone)))
}

fn calendar_text(found: &[(Due, String)], days: u32, zone: Zone) -> String {
    if found.is_empty() {
        return format!("nothing is due in the next {}\n", counted(u64::from(days), "day", "days"));
    }
    let mut sheet = Sheet::new(&[
        ("when", Align::Whole),
        ("account", Align::Left),
        ("resource", Align::Whole),
        ("what", Align::Whole),
        ("price", Align::Right),
        ("balance after", Align::Right),
        ("", Align::Whole),
    ])
    .at_most(CALENDAR_WIDTH);
    for (due, currency) in found {
        let moves_money =
            matches!(due.kind, LifeEventKind::Renewed | LifeEventKind::RenewalFailed | LifeEventKind::RefundApproved);
        sheet.row([
            match due.kind {
                LifeEventKind::Expired => last_covered(due.at, zone),
                _ => on_the_clock(due.at, zone),
            },
            due.account_id.clone(),
            due.resource_id.clone(),
            said(due.kind).to_owned(),
            due.amount.map(|amount| money(amount, currency)).unwrap_or_default(),
            if moves_money { money(due.balance_after, currency) } else { String::new() },
            remark(due, zone),
        ]);
    }
    sheet.to_text()
}

fn said(kind: LifeEventKind) -> &'static str {
    match kind {
        LifeEventKind::Renewed => "renews",
        LifeEventKind::RenewalFailed => "does not renew",
        LifeEventKind::Expired => "expires",
        LifeEventKind::Suspended => "freezes",
        LifeEventKind::Released => "is released",
        LifeEventKind::Converted => "goes by use",
        LifeEventKind::RefundApproved => "refund comes back",
        other => other.as_str(),
    }
}

fn remark(due: &Due, zone: Zone) -> String {
    match (&due.reason, &due.expires_at) {
        (Some((code, _)), _) if due.attempts > 1 => {
            format!("{code}; tried {} times, last {}", due.attempts, on_the_clock(due.last_at, zone))
        }
        (Some((code, _)), _) => code.clone(),
        (None, Some(until)) => match Instant::parse(until) {
            Ok(until) => format!("until {}", last_covered(until, zone)),
            Err(_) => format!("until {until}"),
        },
        (None, None) => String::new(),
    }
}

fn calendar_document(found: &[(Due, String)], until: Instant, zone: Zone) -> Value {
    let line = |(due, currency): &(Due, String)| {
        json!({
            "at": zone.to_text(due.at),
            "account_id": due.account_id,
            "resource_id": due.resource_id,
            "what": due.kind.as_str(),
            "is_covered": match due.kind {
                LifeEventKind::Renewed => Some(true),
                LifeEventKind::RenewalFailed => Some(false),
                _ => None,
            },
            "amount": due.amount.map(|amount| amount.to_string()),
            "currency": currency,
            "balance_after": due.balance_after.to_string(),
            "expires_at": due.expires_at,
            "reason": due.reason.as_ref().map(|(code, why)| json!({ "code": code, "why": why })),
            "attempts": due.attempts,
            "last_at": zone.to_text(due.last_at),
        })
    };
    json!({ "until": zone.to_text(until), "due": found.iter().map(line).collect::<Vec<_>>() })
}

//! A story for a person: plain text of at most 110 columns, from the amount down to the lines of files.

mod rows;

use super::charge::ChargeStory;
use super::equation::{Equation, Priced};
use super::settlement::SettlementStory;
use super::unit_of;
use crate::books::Books;
use crate::report::terminal::{Align, Sheet, decimal, facts, grouped, money, wrapped};
use reckoner_core::number::{Accrued, Money};
use reckoner_core::pay::PaymentLine;
use reckoner_core::rate::Charge;
use reckoner_core::table::{PriceModel, PriceRow, Tier, Unit};
use reckoner_core::time::Window;

const WIDTH: usize = 110;
/// Rows of a list that are shown; the document has them all.
const SHOWN: usize = 100;
/// Digits of an exact amount that are shown.
const EXACT_DIGITS: u32 = 20;

pub(super) fn charge(books: &Books, story: &ChargeStory) -> String {
    let parts = [
        charge_facts(books, story),
        equation_text(books, story),
        price_text(books, story),
        rows::section_text(books, story),
        line_text(story),
        paid_text(books, story),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn section(title: &str, body: &str) -> String {
    let body: String = body.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect();
    format!("{title}\n{body}")
}

fn span(books: &Books, window: Window) -> String {
    format!("{} to {}", books.zone.to_text(window.start), books.zone.to_text(window.end))
}

fn charge_facts(books: &Books, story: &ChargeStory) -> String {
    let charge = &story.charge;
    let key = &charge.key;
    let mut pairs = vec![
        ("charge", format!("{} ({})", charge.charge_id, charge.charge_type.as_str())),
        ("due", money(charge.amounts.due, &charge.currency)),
        ("account", key.account_id.clone()),
        ("resource", key.resource_id.clone()),
        ("sku", format!("{}, product {}, {}", key.sku, charge.product, charge.billing_mode.as_str())),
        ("window", format!("{} (by {})", span(books, key.window), story.price.price.row.settle.as_str())),
        ("bill", charge.billing_period.clone()),
        ("settled", format!("at {} by {}", books.zone.to_text(charge.transaction_at), charge.settlement_id)),
    ];
    if let Some(reason) = &charge.reason {
        pairs.push(("reason", reason.clone()));
    }
    if let Some(corrects) = &charge.corrects {
        pairs.push(("corrects", corrects.clone()));
    }
    facts(&pairs)
}

fn equation_text(books: &Books, story: &ChargeStory) -> String {
    let (equation, charge) = (&story.equation, &story.charge);
    let mut body = String::new();
    for remark in &equation.remarks {
        body += &wrapped(remark, "", WIDTH - 2);
    }
    for step in &equation.steps {
        body += &step_text(step, story);
    }
    if let [from, to] = equation.steps.as_slice() {
        let (list, fee) = (to.list - from.list, to.fee - from.fee);
        let currency = &charge.currency;
        body += &format!("the difference is charged: list {}, fee {}\n", money(list, currency), money(fee, currency));
    }
    body += "\n";
    body += &amounts_sheet(equation, charge);
    body += "\n";
    body += &verdict(books, equation, charge);
    section("how the amount comes about", &body)
}

/// One quantity, priced: exact, list, fee, and the discounts that competed.
fn step_text(step: &Priced, story: &ChargeStory) -> String {
    let row = &story.price.price.row;
    let currency = &row.currency;
    let mut text = format!("{}: {} {}", step.what, decimal(step.quantity.e12()), unit_of(row.unit.as_str()));
    if let Some(unit_price) = step.unit_price {
        text += &format!(" x {}", decimal(unit_price.e12()));
        text += if row.unit == Unit::Hour { " / 3600" } else { "" };
    }
    text += &format!(" = {} {currency}\n", exact(step.exact));
    text += &format!("  list {}", money(step.list, currency));
    if step.billable != step.quantity {
        text += &format!(", {} {} of it are billable", decimal(step.billable.e12()), unit_of(row.unit.as_str()));
    }
    text += &match step.offers.iter().find(|offer| offer.wins) {
        Some(offer) => format!(", fee {} with {} by `{}`\n", money(step.fee, currency), offer.terms, offer.discount_id),
        None => format!(", fee {}\n", money(step.fee, currency)),
    };
    if !step.offers.is_empty() {
        let mut sheet = Sheet::new(&[
            ("  discount", Align::Left),
            ("kind", Align::Left),
            ("terms", Align::Left),
            ("fee", Align::Right),
            ("", Align::Left),
            ("from", Align::Right),
        ])
        .at_most(WIDTH - 2);
        for offer in &step.offers {
            let delivered = offer.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let outcome = if offer.wins { "wins" } else { "loses" };
            let cells = [
                format!("  {}", offer.discount_id),
                offer.kind.to_owned(),
                offer.terms.clone(),
                money(offer.fee, currency),
                outcome.to_owned(),
                delivered,
            ];
            sheet.row(cells);
        }
        text += &sheet.to_text();
    }
    text
}

/// `0.00460472222222222222…`: what cutting starts from.
pub(super) fn exact(amount: Accrued) -> String {
    let digits = [EXACT_DIGITS, 12, 8].into_iter().find_map(|digits| Some((digits, amount.to_text(digits).ok()?)));
    let Some((digits, text)) = digits else { return "an amount beyond what can be shown".to_owned() };
    match amount.ends_within(digits) {
        true if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        true => text,
        false => format!("{text}…"),
    }
}

/// What the line had before, what this charge adds, and what it has with it.
fn amounts_sheet(equation: &Equation, charge: &Charge) -> String {
    let is_first = equation.before.charges == 0;
    let mut headings = vec![("", Align::Left), ("this charge", Align::Right)];
    if !is_first {
        headings =
            vec![("", Align::Left), ("posted before", Align::Right), ("this charge", Align::Right), ("together", Align::Right)];
    }
    let mut sheet = Sheet::new(&headings);
    let (before, after) = (&equation.before, &equation.after);
    let unit = unit_of(&charge.unit);
    let quantities = [before.quantity, charge.quantity, after.quantity].map(|quantity| decimal(quantity.e12()));
    let amounts = |of: fn(reckoner_core::rate::Amounts) -> Money| {
        [before.amounts, charge.amounts, after.amounts].map(|amounts| money(of(amounts), &charge.currency))
    };
    let rows = [
        (unit, quantities),
        ("list", amounts(|amounts| amounts.list)),
        ("- discount", amounts(|amounts| amounts.discount)),
        ("- truncated", amounts(|amounts| amounts.truncated)),
        ("= due", amounts(|amounts| amounts.due)),
    ];
    for (name, [before, this, after]) in rows {
        match is_first {
            true => sheet.row([name.to_owned(), this]),
            false => sheet.row([name.to_owned(), before, this, after]),
        }
    }
    sheet.to_text()
}

fn verdict(books: &Books, equation: &Equation, charge: &Charge) -> String {
    if equation.comes_out(charge) {
        let digits = books.profile.fee_scale.digits();
        return wrapped(&format!("computed again: the same, to the last of {digits} digits"), "", WIDTH - 2);
    }
    let again = match equation.again {
        Some(again) => format!("computed again it is due {}", money(again.due, &charge.currency)),
        None => "it does not come about again".to_owned(),
    };
    let why = "the profile or the order of settlements is not what it was, or something is broken: run `reckoner verify`";
    wrapped(&format!("not the same: {again}, posted is {}; {why}", money(charge.amounts.due, &charge.currency)), "", WIDTH - 2)
}

fn price_text(books: &Books, story: &ChargeStory) -> String {
    let row = &story.price.price.row;
    let an = if row.unit == Unit::Hour { "an hour, by the second" } else { row.unit.as_str() };
    let mut pairs = vec![("price_id", story.price.price.price_id.clone())];
    match &row.model {
        PriceModel::Flat => pairs.push(("flat", format!("{} {} {an}", decimal(row.unit_price.e12()), row.currency))),
        PriceModel::Graduated { tiers } => pairs.push(("graduated", tiers_text(tiers, row))),
        PriceModel::Volume { tiers } => pairs.push(("volume", tiers_text(tiers, row))),
        PriceModel::Package { size, unit_price, free } => {
            let (size, free) = (decimal(size.e12()), decimal(free.e12()));
            pairs
                .push(("package", format!("{} {} for every {size} begun, {free} free", decimal(unit_price.e12()), row.currency)));
        }
    }
    let mut rules = Vec::new();
    if row.min_seconds > 0 {
        rules.push(format!("at least {} s a record", row.min_seconds));
    }
    if row.step_seconds > 1 {
        rules.push(format!("whole steps of {} s a record", row.step_seconds));
    }
    if row.min_charge.is_positive() {
        rules.push(format!("at least {} a line", money(row.min_charge, &row.currency)));
    }
    if !rules.is_empty() {
        pairs.push(("rules", rules.join(", ")));
    }
    let from = row.valid_from.map_or_else(|| "ever".to_owned(), |at| books.zone.to_text(at));
    let to = row.valid_to.map(|at| format!(" to {}", books.zone.to_text(at))).unwrap_or_default();
    pairs.push(("holds", format!("from {from}{to}, revision {}", row.revision)));
    pairs.push(("delivered", story.price.place.as_ref().map(ToString::to_string).unwrap_or_default()));
    section("the price row", &facts(&pairs))
}

/// The bounds count hours where the quantity is held for a time.
fn tiers_text(tiers: &[Tier], row: &PriceRow) -> String {
    let unit = match &row.unit {
        Unit::Hour => "hours",
        Unit::Amount(word) => word,
    };
    let tier = |tier: &Tier| {
        let bound = tier.up_to.map_or_else(|| "above".to_owned(), |bound| format!("to {} {unit}", decimal(bound.e12())));
        let flat = if tier.flat.is_zero() { String::new() } else { format!(" + {} flat", money(tier.flat, "")) };
        format!("{bound}: {}{flat}", decimal(tier.unit_price.e12()))
    };
    format!("{}, in {}", tiers.iter().map(tier).collect::<Vec<_>>().join("; "), row.currency)
}

/// Every charge of the line, if there is more than one.
fn line_text(story: &ChargeStory) -> String {
    if story.line.len() < 2 {
        return String::new();
    }
    let mut sheet = Sheet::new(&[
        ("", Align::Left),
        ("charge", Align::Right),
        ("reason", Align::Left),
        (unit_of(&story.charge.unit), Align::Right),
        ("list", Align::Right),
        ("due", Align::Right),
    ])
    .at_most(WIDTH - 2);
    for one in &story.line {
        let charge = &one.charge;
        sheet.row([
            if one.is_this { ">" } else { "" }.to_owned(),
            charge.charge_id.clone(),
            charge.reason.clone().unwrap_or_else(|| "first".to_owned()),
            decimal(charge.quantity.e12()),
            money(charge.amounts.list, ""),
            money(charge.amounts.due, ""),
        ]);
    }
    let of = |of: fn(&Charge) -> Money| story.line.iter().map(|one| of(&one.charge)).sum::<Money>();
    sheet.row([
        String::new(),
        "together".to_owned(),
        String::new(),
        decimal(story.line_quantity.e12()),
        money(of(|charge| charge.amounts.list), ""),
        money(of(|charge| charge.amounts.due), ""),
    ]);
    section(&format!("the charges of this line, in {}", story.charge.currency), &sheet.to_text())
}

fn paid_text(books: &Books, story: &ChargeStory) -> String {
    let Some(settlement) = &story.settlement else { return String::new() };
    let charges =
        if settlement.charges == 1 { "1 charge".to_owned() } else { format!("{} charges", grouped(settlement.charges)) };
    let title = format!(
        "what paid its settlement ({charges}, due {}, left open then {})",
        money(settlement.due, &settlement.currency),
        money(settlement.outstanding, &settlement.currency)
    );
    section(&title, &payments_sheet(books, &story.payments))
}

fn payments_sheet(books: &Books, payments: &[PaymentLine]) -> String {
    if payments.is_empty() {
        return "nothing\n".to_owned();
    }
    let mut sheet = Sheet::new(&[
        ("at", Align::Right),
        ("kind", Align::Left),
        ("source", Align::Left),
        ("amount", Align::Right),
        ("", Align::Left),
    ])
    .at_most(WIDTH - 2);
    for line in payments {
        sheet.row([
            books.zone.to_text(line.at),
            line.kind.as_str().to_owned(),
            line.source.as_str().to_owned(),
            money(line.amount, &line.currency),
            line.source_id.clone().unwrap_or_default(),
        ]);
    }
    sheet.to_text()
}

pub(super) fn settlement(books: &Books, story: &SettlementStory) -> String {
    let row = &story.settlement;
    let head = facts(&[
        ("settlement", row.settlement_id.to_string()),
        ("due", money(row.due, &row.currency)),
        ("account", row.account_id.to_string()),
        ("at", format!("{}, revision {}", books.zone.to_text(row.at), row.revision)),
        ("bill", row.billing_period.to_string()),
        ("run", row.run_id.to_string()),
        ("open now", money(story.open_now, &row.currency)),
    ]);
    let parts = [head, settled_charges(story), sources_text(story), later_text(books, story)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn settled_charges(story: &SettlementStory) -> String {
    let row = &story.settlement;
    let mut sheet = Sheet::new(&[
        ("charge", Align::Right),
        ("resource", Align::Left),
        ("sku", Align::Left),
        ("reason", Align::Left),
        ("due", Align::Right),
    ])
    .at_most(WIDTH - 2);
    for charge in story.charges.iter().take(SHOWN) {
        let (key, reason) = (&charge.key, charge.reason.clone().unwrap_or_default());
        let due = money(charge.amounts.due, &charge.currency);
        sheet.row([charge.charge_id.clone(), key.resource_id.clone(), key.sku.clone(), reason, due]);
    }
    let mut body = sheet.to_text();
    let more = story.charges.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        body += &format!("… and {} more; `--json` has them all\n", grouped(more));
    }
    let count = if story.charges.len() == 1 { "1 charge".to_owned() } else { format!("{} charges", story.charges.len()) };
    let charged = money(story.charged(), &row.currency);
    body += "\n";
    body += &match story.charges_add_up() {
        true => format!("{count}, {charged} = due\n"),
        false => format!(
            "{count}, {charged}, but it says {} charges, due {}: run `reckoner verify`\n",
            row.charges,
            money(row.due, &row.currency)
        ),
    };
    section("what it settles", &body)
}

fn sources_text(story: &SettlementStory) -> String {
    let row = &story.settlement;
    let mut sheet = Sheet::new(&[("", Align::Left), ("amount", Align::Right)]);
    for (name, amount) in story.sources() {
        if !amount.is_zero() {
            sheet.row([name.to_owned(), money(amount, &row.currency)]);
        }
    }
    sheet.row(["= due".to_owned(), money(row.due, &row.currency)]);
    let mut body = sheet.to_text();
    if !story.sources_add_up() {
        body += "the sources and what was left do not make what was due: run `reckoner verify`\n";
    }
    section("what paid it at its instant", &body)
}

fn later_text(books: &Books, story: &SettlementStory) -> String {
    section("its payment lines, then and since", &payments_sheet(books, &story.payments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reckoner_core::number::{Quantity, UnitPrice};

    #[test]
    fn an_exact_amount_says_where_it_goes_on() {
        // price, unit-seconds | exact cost
        let cases = [
            ("3.6", 1, "0.001"),
            ("0.0137", 1_210, "0.00460472222222222222…"),
            ("1", 3_600, "1"),
            ("0", 5, "0"),
            ("900000000", 3_600_000, "900000000000"),
        ];
        for (price, seconds, expected) in cases {
            let amount = UnitPrice::parse(price).unwrap().of(Quantity::units(seconds), 3_600).unwrap();
            assert_eq!(exact(amount), expected);
        }
    }
}

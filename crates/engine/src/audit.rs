//! The books of orders: what must hold between orders, their charges, what paid them, and what was bought.
//!
//! Owns: the equations of orders, and where their two sides come from. Does not own: the equations of every payment, voucher,
//! wallet and transaction, which hold for orders as for settlements.
//! Promises: as `core::audit`; every number is compared with one that was recorded elsewhere.

use reckoner_core::audit::{Finding, compare_amounts, compare_counts, compare_texts};
use reckoner_core::life::waiting::Back;
use reckoner_core::life::{OrderCharge, OrderState, OrderStatus, PaidPeriod, Resource};
use reckoner_core::number::Money;
use reckoner_core::pay::{PaymentLine, PaymentSource, VoucherState};
use reckoner_core::rate::ChargeType;
use std::collections::{BTreeMap, BTreeSet};

/// What is recorded of orders, of all accounts or of some; of an account all of it.
#[derive(Debug, Default)]
pub struct OrderBooks {
    /// What became of them, with the account in front.
    pub orders: Vec<(String, OrderState)>,
    /// Their charges.
    pub charges: Vec<OrderCharge>,
    /// The payment lines that are for them.
    pub lines: Vec<PaymentLine>,
    /// What is open of them, by order.
    pub open: BTreeMap<String, Money>,
    /// What was bought.
    pub resources: Vec<Resource>,
    /// The discount vouchers of these accounts.
    pub vouchers: Vec<VoucherState>,
}

/// What does not hold, by the law that is broken.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OrderFindings {
    /// `amount` of an order is the sum of what its charges make due; one that waits or was refused has neither.
    pub charges: Vec<Finding>,
    /// What is due for an order is what paid it and what is open; of an account also where an invoice was taken back.
    pub paid: Vec<Finding>,
    /// A payment line of an order is of its account, and names the voucher that it is from.
    pub sources: Vec<Finding>,
    /// A period that was paid for is its charge: order, amount, time, sku and price; and holds no more than was paid for it.
    pub periods: Vec<Finding>,
    /// A refund that waits is of an order that waits, posts nothing, and its periods still hold what it would return: what was
    /// paid = what is kept + what came back + what waits.
    pub waiting: Vec<Finding>,
    /// A discount voucher is used by one order of its account, and took off what the charges of that order say.
    pub vouchers: Vec<Finding>,
}

/// An order as its charges, its lines and what is open of it add up; at 1e-8.
#[derive(Default)]
struct Sums {
    charges: u64,
    due: i128,
    paid: i128,
    open: i128,
    /// It gives back what another paid, or another gives back what it paid: an invoice that is taken back has no line.
    has_refund: bool,
}

/// Makes every equation.
pub fn check(books: &OrderBooks) -> OrderFindings {
    let accounts: BTreeMap<&str, &str> = books.orders.iter().map(|(id, order)| (order.order_id.as_str(), id.as_str())).collect();
    let sums = sums(books);
    let (sources, periods, vouchers) = (sources(books, &accounts), periods(books), vouchers(books));
    let mut findings = OrderFindings { sources, periods, waiting: waiting(books, &sums), vouchers, ..OrderFindings::default() };
    let mut of_accounts: BTreeMap<&str, Sums> = BTreeMap::new();
    let none = Sums::default();
    for (account_id, order) in &books.orders {
        let of_order = sums.get(order.order_id.as_str()).unwrap_or(&none);
        findings.charges.extend(check_amount(order, of_order));
        if !of_order.has_refund {
            let subject = format!("order `{}`", order.order_id);
            findings.paid.extend(check_paid(subject, of_order));
        }
        let of_account = of_accounts.entry(account_id).or_default();
        of_account.due += of_order.due;
        of_account.paid += of_order.paid;
        of_account.open += of_order.open;
    }
    let unknown = sums.keys().filter(|order_id| !accounts.contains_key(*order_id));
    findings.charges.extend(unknown.map(|order_id| nothing_known("charges or payments", "they are of an order", order_id)));
    let of_accounts = of_accounts.iter().map(|(account_id, sums)| check_paid(format!("all orders of `{account_id}`"), sums));
    findings.paid.extend(of_accounts.flatten());
    findings
}

fn sums(books: &OrderBooks) -> BTreeMap<&str, Sums> {
    let of_charge: BTreeMap<&str, &str> =
        books.charges.iter().map(|charge| (charge.charge.charge_id.as_str(), charge.order_id.as_str())).collect();
    let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
    for OrderCharge { order_id, charge } in &books.charges {
        let of_order = sums.entry(order_id).or_default();
        of_order.charges += 1;
        of_order.due += i128::from(charge.amounts.due.e8());
        let Some(corrected) = &charge.corrects else { continue };
        of_order.has_refund = true;
        if let Some(paid) = of_charge.get(corrected.as_str()) {
            sums.entry(paid).or_default().has_refund = true;
        }
    }
    for line in &books.lines {
        sums.entry(&line.paid_for).or_default().paid += i128::from(line.amount.e8());
    }
    for (order_id, open) in &books.open {
        sums.entry(order_id).or_default().open += i128::from(open.e8());
    }
    sums
}

fn check_amount(order: &OrderState, sums: &Sums) -> Vec<Finding> {
    let subject = || format!("order `{}`", order.order_id);
    let amount = i128::from(order.amount.unwrap_or_default().e8());
    let mut findings = Vec::from_iter(compare_amounts(subject(), "amount = the due amounts of its charges", amount, sums.due));
    if order.status != OrderStatus::Done {
        let law = "an order that waits or was refused has no charge";
        findings.extend(compare_counts(subject(), law, sums.charges, 0));
    }
    if let Some(refund) = order.refund {
        let law = "amount = - what went back";
        findings.extend(compare_amounts(subject(), law, amount, -i128::from(refund.e8())));
    }
    findings
}

fn check_paid(subject: String, sums: &Sums) -> Option<Finding> {
    compare_amounts(subject, "due = its payment lines + what is open", sums.due, sums.paid + sums.open)
}

fn sources(books: &OrderBooks, accounts: &BTreeMap<&str, &str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in &books.lines {
        let subject = || format!("payment `{}`", line.payment_id);
        if let Some(account_id) = accounts.get(line.paid_for.as_str()) {
            findings.extend(compare_texts(subject(), "account = that of its order", &line.account_id, account_id));
        }
        let is_voucher = matches!(line.source, PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue);
        if is_voucher && line.source_id.is_none() {
            findings.push(nothing_known(&subject(), "a line from a voucher names it", ""));
        }
    }
    findings
}

fn periods(books: &OrderBooks) -> Vec<Finding> {
    let of_period = |charge: &&OrderCharge| {
        let charge_type = charge.charge.charge_type;
        matches!(charge_type, ChargeType::Purchase | ChargeType::Renewal | ChargeType::Change)
    };
    let mut charges: BTreeMap<&str, &OrderCharge> =
        books.charges.iter().filter(of_period).map(|charge| (charge.charge.charge_id.as_str(), charge)).collect();
    let mut findings = Vec::new();
    for resource in &books.resources {
        for period in &resource.periods {
            match charges.remove(period.charge_id.as_str()) {
                Some(charge) => findings.extend(check_period(resource, period, charge)),
                None => {
                    let subject = format!("a period of `{}`", resource.resource_id);
                    findings.push(nothing_known(&subject, "a period has a charge of its own", &period.charge_id));
                }
            }
        }
    }
    let left = charges.into_keys();
    findings.extend(left.map(|charge_id| nothing_known(&format!("charge `{charge_id}`"), "it paid for a period", charge_id)));
    findings
}

fn check_period(resource: &Resource, period: &PaidPeriod, OrderCharge { order_id, charge }: &OrderCharge) -> Vec<Finding> {
    let subject = || format!("the period of `{}` with charge `{}`", resource.resource_id, period.charge_id);
    let window = |window: reckoner_core::time::Window| format!("{} to {}", window.start.to_utc_text(), window.end.to_utc_text());
    let pairs = [
        ("order = its charge's", period.order_id.clone(), order_id.clone()),
        ("account = its charge's", resource.account_id.clone(), charge.key.account_id.clone()),
        ("resource = its charge's", resource.resource_id.clone(), charge.key.resource_id.clone()),
        ("service = the window of its charge", window(period.service), window(charge.key.window)),
        ("sku = its charge's", period.sku.clone(), charge.key.sku.clone()),
        ("price = its charge's", period.price_id.clone(), charge.key.price_id.clone()),
    ];
    let texts = pairs.iter().filter_map(|(law, stated, computed)| compare_texts(subject(), law, stated, computed));
    let mut findings: Vec<Finding> = texts.collect();
    let e8 = |amount: Money| i128::from(amount.e8());
    findings.extend(compare_amounts(subject(), "due = its charge's", e8(period.due), e8(charge.amounts.due)));
    let (held, due) = (e8(period.by_all()), e8(period.due));
    findings.extend(compare_amounts(subject(), "what it holds is not above what was due", held, held.min(due)));
    findings
}

/// Refunds that wait, of both sides: what orders say, and what is kept beside resources.
fn waiting(books: &OrderBooks, sums: &BTreeMap<&str, Sums>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut kept: BTreeMap<&str, &str> = BTreeMap::new();
    for resource in &books.resources {
        let Some(waiting) = &resource.waiting_refund else { continue };
        kept.insert(&waiting.order_id, &resource.account_id);
        for back in &waiting.backs {
            findings.extend(check_back(resource, back));
        }
    }
    let of_orders = books.orders.iter().filter(|(_, order)| order.waits_for.is_some());
    let said: BTreeMap<&str, &str> = of_orders.map(|(id, order)| (order.order_id.as_str(), id.as_str())).collect();
    for (order_id, account_id) in &said {
        let subject = || format!("order `{order_id}`");
        let found = kept.remove(order_id).unwrap_or("no account");
        findings.extend(compare_texts(subject(), "what waits is kept beside a resource of its account", account_id, found));
        let posted = sums.get(order_id).map_or(0, |of_order| of_order.paid);
        findings.extend(compare_amounts(subject(), "a refund that waits moves no money", posted, 0));
    }
    let left = kept.into_keys();
    findings.extend(left.map(|order_id| nothing_known("a refund that waits", "it is of an order that waits", order_id)));
    findings
}

/// What a period was paid = what is kept of it + what waits, and it still holds what would go back to each source.
fn check_back(resource: &Resource, back: &Back) -> Vec<Finding> {
    let subject = || format!("the refund of `{}` that waits", resource.resource_id);
    let e8 = |amount: Money| i128::from(amount.e8());
    let split = e8(back.consumed) + e8(back.fee) + e8(back.refund);
    let mut findings = Vec::from_iter(compare_amounts(subject(), "paid = consumed + fee + refund", e8(back.paid), split));
    let parts: Money = back.parts.iter().map(|part| part.amount).sum();
    findings.extend(compare_amounts(subject(), "refund = what goes to each source", e8(back.refund), e8(parts)));
    let held = resource.periods.get(back.place).map_or(&[][..], |period| period.paid.as_slice());
    for part in &back.parts {
        let of_source = held.iter().filter(|paid| (paid.source, &paid.source_id) == (part.source, &part.source_id));
        let held: Money = of_source.map(|paid| paid.amount).sum();
        let law = "a source gets back no more than the period holds of it";
        findings.extend(compare_amounts(subject(), law, e8(part.amount), e8(part.amount.min(held))));
    }
    findings
}

/// What the charges say that a discount voucher took off, by whose order.
#[derive(Default)]
struct TakenOff<'a> {
    orders: BTreeSet<&'a str>,
    accounts: BTreeSet<&'a str>,
    amount: i128,
}

fn vouchers(books: &OrderBooks) -> Vec<Finding> {
    let mut taken_off: BTreeMap<&str, TakenOff<'_>> = BTreeMap::new();
    for OrderCharge { order_id, charge } in &books.charges {
        let Some(voucher_id) = charge.lowered_by() else { continue };
        let of_voucher = taken_off.entry(voucher_id).or_default();
        of_voucher.orders.insert(order_id);
        of_voucher.accounts.insert(&charge.key.account_id);
        of_voucher.amount += i128::from(charge.amounts.discount.e8());
    }
    let mut findings = Vec::new();
    for VoucherState { row, used, .. } in &books.vouchers {
        let of_voucher = taken_off.remove(row.voucher_id.as_str()).unwrap_or_default();
        let subject = || format!("discount voucher `{}`", row.voucher_id);
        let used = i128::from(used.e8());
        findings.extend(compare_amounts(subject(), "used = the discounts of the charges it lowered", used, of_voucher.amount));
        if let Some(more) = of_voucher.orders.len().checked_sub(1).filter(|more| *more > 0) {
            findings.extend(compare_counts(subject(), "it is used by one order", more as u64 + 1, 1));
        }
        let accounts = of_voucher.accounts.into_iter();
        findings.extend(accounts.filter_map(|id| compare_texts(subject(), "account = that of its order", &row.account_id, id)));
    }
    let unknown = taken_off.into_keys();
    findings.extend(unknown.map(|id| nothing_known("the reasons of charges", "a voucher that lowers a price is known", id)));
    findings
}

fn nothing_known(subject: &str, law: &'static str, id: &str) -> Finding {
    let (stated, computed) = (format!("`{id}`"), "nothing of that id".to_owned());
    Finding { subject: subject.to_owned(), law, stated, computed, difference: String::new() }
}

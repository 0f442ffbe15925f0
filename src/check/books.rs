//! What `check` looks over in the books: prices, discounts, vouchers, and usage that waits for a price.

use super::{Finding, Findings};
use crate::accounting::used_skus;
use crate::app::{Caller, Session};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::price::check::{About, Catalogue, Gravity, Remark, Unpriced, look_over};
use reckoner_core::table::TableKind;
use reckoner_core::time::{Instant, Window};
use reckoner_store::{Known, QuarantineItem};
use std::collections::HashMap;

/// Codes of usage that nothing says the price of.
const UNPRICED: [&str; 3] = ["unknown_sku", "no_price", "no_price_in_currency"];
/// Use of the last so many seconds says which skus are in use: 31 days.
const LATELY_SECONDS: i64 = 31 * 86_400;

/// Looks the books over, if they can be opened: settings or a profile that is not understood is told of elsewhere.
pub(super) fn check(caller: &Caller, findings: &mut Findings) {
    let Ok(session) = caller.read() else { return };
    let path = session.home.ledger();
    if session.home.profile_file(&session.settings.profile).is_file() {
        findings.look(&path, || remark_all(session)).into_iter().flatten().for_each(|finding| findings.add(finding));
    }
}

fn remark_all(session: Session) -> Result<Vec<Finding>, Failure> {
    let books = Books::open(session)?;
    let store = books.store();
    let (prices, products) = (store.prices()?, store.products()?);
    let (discounts, vouchers) = (store.discounts()?, store.vouchers()?);
    let accounts = books.accounts()?;
    let lately = Window::new(books.as_of.plus_seconds(-LATELY_SECONDS), Instant::MAX);
    let used = used_skus(&books, lately)?;
    let items: Vec<QuarantineItem> = store.quarantine()?.into_iter().filter(is_unpriced).collect();
    let waiting: Vec<(&QuarantineItem, &str)> = items.iter().map(|item| (item, sku_of(item))).collect();

    let remarks = look_over(&Catalogue {
        prices: prices.iter().map(|known| &known.row).collect(),
        products: products.iter().map(|known| &known.row).collect(),
        discounts: discounts.iter().map(|known| &known.row).collect(),
        vouchers: vouchers.iter().map(|known| &known.row).collect(),
        accounts: &accounts,
        auto_renew_term: books.profile.auto_renew_term,
        used: used.iter().map(String::as_str).collect(),
        unpriced: waiting.iter().map(|(item, sku)| Unpriced { sku, reason: &item.reason }).collect(),
        as_of: books.as_of,
        zone: books.zone,
    });

    let names: HashMap<String, String> = store.input_files()?.into_iter().map(|file| (file.file_id, file.name)).collect();
    let line = |file_id: &str, line: u64| format!("{}:{line}", names.get(file_id).map_or(file_id, String::as_str));
    fn known<T>(rows: &[Known<T>], place: usize) -> (&str, u64) {
        (&rows[place].file_id, rows[place].line)
    }
    let findings = remarks.into_iter().map(|remark| {
        let (file_id, number) = match remark.about {
            About::Unpriced(place) => (waiting[place].0.file_id.as_str(), waiting[place].0.line),
            About::Price(place) => known(&prices, place),
            About::Product(place) => known(&products, place),
            About::Discount(place) => known(&discounts, place),
            About::Voucher(place) => known(&vouchers, place),
        };
        finding(remark, line(file_id, number))
    });
    Ok(findings.collect())
}

fn is_unpriced(item: &QuarantineItem) -> bool {
    item.status == "open" && item.kind == TableKind::Usage.as_str() && UNPRICED.contains(&item.reason.as_str())
}

fn sku_of(item: &QuarantineItem) -> &str {
    item.raw.iter().find(|(column, _)| column == "sku").map_or("", |(_, sku)| sku.as_str())
}

fn finding(remark: Remark, place: String) -> Finding {
    let Remark { code, gravity, saw, expected, to_do, .. } = remark;
    let failure = Failure::usage(saw).at(place).expected(expected).hint(to_do);
    match gravity {
        Gravity::Error => Finding::error(code, failure),
        Gravity::Warning => Finding::warning(code, failure),
    }
}

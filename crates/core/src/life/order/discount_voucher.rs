//! Discount vouchers: which of them lowers the price of an order.
//!
//! Owns: which vouchers an order may use, and the choice between them and the discounts.
//! Does not own: what a price is with one (`period`), recording that it was used up (`pay`).
//! Promises: an order uses at most one, and only one that makes it cheaper; the order in which vouchers are stored does not
//! matter.
//!
//! A voucher takes the place of a discount, it does not come on top: each item has the better of the two, and where they come
//! to the same the voucher is kept. Of several the one by which the order costs least is used, then the one that expires
//! first, then by id. Its minimum amount is compared with the list prices in its scope.

use super::super::account::LifeAccount;
use super::super::effect::Refused;
use super::super::period::Quote as Priced;
use super::super::terms::LifeTerms;
use super::buy::{Item, beyond};
use crate::number::Money;
use crate::pay::LoweredBy;
use crate::table::{OrderKind, VoucherKind, VoucherRow};
use crate::time::Instant;

/// A voucher that would make the order cheaper.
struct Offer<'a> {
    voucher: &'a VoucherRow,
    /// What the order would come to.
    due: i128,
    /// The items that it lowers, by place.
    lowered: Vec<(usize, Priced)>,
}

/// Prices the items with the discount voucher that makes the order cheapest; leaves them as they are where none does.
pub(super) fn lower(
    account: &LifeAccount,
    kind: OrderKind,
    items: &mut [Item],
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<(), Refused> {
    let currency = &account.money.wallet.currency;
    let usable = account.money.vouchers.iter().filter(|voucher| {
        let row = &voucher.row;
        let is_of_kind = row.order_kinds.is_empty() || row.order_kinds.iter().any(|word| word == kind.as_str());
        row.kind == VoucherKind::Discount
            && !voucher.is_used_up()
            && row.validity().holds(at)
            && row.currency == *currency
            && is_of_kind
    });
    let now = sum(items.iter().map(|item| item.priced.amounts.due));
    let mut best: Option<Offer<'_>> = None;
    for voucher in usable {
        let Some(offer) = offer(&voucher.row, items, terms)?.filter(|offer| offer.due < now) else { continue };
        let rank = |offer: &Offer<'_>| (offer.due, offer.voucher.valid_to, offer.voucher.voucher_id.clone());
        if best.as_ref().is_none_or(|best| rank(&offer) < rank(best)) {
            best = Some(offer);
        }
    }
    if let Some(Offer { voucher, lowered, .. }) = best {
        for (place, priced) in lowered {
            items[place].priced = priced;
            items[place].voucher_id = Some(voucher.voucher_id.clone());
        }
    }
    Ok(())
}

/// What the items come to with a voucher; nothing where it reaches too little of them.
fn offer<'a>(voucher: &'a VoucherRow, items: &[Item], terms: &LifeTerms<'_>) -> Result<Option<Offer<'a>>, Refused> {
    let Some(percent_off) = voucher.percent_off else { return Ok(None) };
    let in_scope = || items.iter().enumerate().filter(|(_, item)| reaches(voucher, item));
    if sum(in_scope().map(|(_, item)| item.priced.amounts.list)) < i128::from(voucher.min_amount.e8()) {
        return Ok(None);
    }
    let mut due = sum(items.iter().map(|item| item.priced.amounts.due));
    let mut lowered = Vec::new();
    for (place, item) in in_scope() {
        let currency = &item.price.row.currency;
        let priced = item.priced.with_voucher(&voucher.voucher_id, percent_off, currency, terms.profile).map_err(beyond)?;
        if let Some(priced) = priced {
            due += i128::from((priced.amounts.due - item.priced.amounts.due).e8());
            lowered.push((place, priced));
        }
    }
    Ok(Some(Offer { voucher, due, lowered }))
}

fn reaches(voucher: &VoucherRow, item: &Item) -> bool {
    let row = &item.price.row;
    let holds = |list: &[String], value: &String| list.is_empty() || list.contains(value);
    holds(&voucher.products, &row.product)
        && holds(&voucher.skus, &row.sku)
        && (voucher.modes.is_empty() || voucher.modes.contains(&row.billing_mode))
        && (voucher.regions.is_empty() || item.region.as_ref().is_some_and(|region| voucher.regions.contains(region)))
}

/// Sums of any size: whether they fit is seen when they are paid.
fn sum(amounts: impl Iterator<Item = Money>) -> i128 {
    amounts.map(|amount| i128::from(amount.e8())).sum()
}

/// The voucher that the items were priced with, and what it takes off them.
pub(super) fn used_by(items: &[Item]) -> Option<LoweredBy> {
    let mut lowered = items.iter().filter_map(|item| Some((item.voucher_id.as_ref()?, item.priced.amounts.discount)));
    let (voucher_id, first) = lowered.next()?;
    let amount = lowered.fold(first, |sum, (_, amount)| sum + amount);
    Some(LoweredBy { voucher_id: voucher_id.clone(), amount })
}

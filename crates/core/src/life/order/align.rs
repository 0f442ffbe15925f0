//! `align`: the terms of many resources end on one day of the month. Extends only.

use super::super::account::LifeAccount;
use super::super::calendar::{self, Unified};
use super::super::effect::{LifeEffects, Refused};
use super::super::period;
use super::super::terms::LifeTerms;
use super::super::{PeriodKind, Resource};
use super::buy::{Item, discounts, not_priced};
use super::renew::{renew, renewable};
use super::{active, discount_voucher, live, not_in_arrears, paid_ahead};
use crate::rate::ChargeType;
use crate::table::{AlignDay, OrderKind, OrderRow};
use crate::time::Instant;
use std::sync::Arc;

pub(super) fn carry_out(
    account: &mut LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let items = plan(account, order, at, terms)?;
    renew(account, OrderKind::Align, &order.order_id, &items, at, terms)
}

/// The months and days to the unified day, for the resource and its bundle.
pub(super) fn plan(account: &LifeAccount, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> Result<Vec<Item>, Refused> {
    live(account, order)?;
    not_in_arrears(account)?;
    let whole = account.whole(&order.resource_id);
    let items = whole.iter().map(|id| item(&account.resources[id], order, at, terms)).collect::<Result<_, Refused>>();
    let mut items: Vec<Item> = items?;
    discount_voucher::lower(account, OrderKind::Align, &mut items, at, terms)?;
    Ok(items)
}

fn item(resource: &Resource, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> Result<Item, Refused> {
    paid_ahead(resource, "aligned")?;
    active(resource)?;
    let expires_at = renewable(resource, at, terms)?;
    let unified = unified(order, expires_at, terms)?;
    let (sku, quantity) = resource.in_next_period();
    let price = Arc::clone(terms.price(&resource.account_id, sku, at)?);
    let discounts = discounts(&resource.account_id, &price, OrderKind::Align, at, terms);
    let priced =
        period::price_of_alignment(&price.row, quantity, &unified, &discounts, terms.profile, terms.zone).map_err(not_priced)?;
    Ok(Item {
        resource_id: resource.resource_id.clone(),
        quantity,
        kind: PeriodKind::Align,
        charge_type: ChargeType::Renewal,
        service: unified.service,
        term_months: unified.months,
        anchor: unified.anchor,
        region: resource.region.clone(),
        tags: resource.tags.clone(),
        price,
        priced,
        voucher_id: None,
        billed: quantity,
        // Whole months and a part of one.
        unit_price: None,
    })
}

/// The day that the order names; the 1st where it names none.
fn unified(order: &OrderRow, expires_at: Instant, terms: &LifeTerms<'_>) -> Result<Unified, Refused> {
    let found = match order.expires_on {
        Some(last_day) => calendar::unified_on(expires_at, last_day, terms.zone).map_err(|error| error.to_string()),
        None => {
            let day = order.align_day.unwrap_or(AlignDay::Day(1));
            calendar::unified(expires_at, order.periods, day, terms.zone).map_err(|error| error.to_string())
        }
    };
    found.map_err(|why| Refused::new("not_extended", why))
}

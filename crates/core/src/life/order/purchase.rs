//! `purchase`: a subscription starts, a one-time sku is charged, a pay-per-use resource is registered.

use super::super::account::LifeAccount;
use super::super::effect::{LifeEffects, LifeEvent, LifeEventKind, OrderState, Refused};
use super::super::period::months_of;
use super::super::product::ProductRenewal;
use super::super::terms::LifeTerms;
use super::super::{Anchor, PeriodKind, RenewalPolicy, Resource, ResourceStatus, calendar};
use super::buy::{Asked, Item, Purchase, pay_for, price_periods};
use super::{discount_voucher, may_go_by_use, next_attempt, not_in_arrears, policy};
use crate::number::Quantity;
use crate::pay;
use crate::price::Price;
use crate::rate::ChargeType;
use crate::table::{BillingMode, OrderKind, OrderRow, PaymentMethod};
use crate::time::{Instant, Window};
use std::sync::Arc;

pub(super) fn carry_out(
    account: &mut LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let (mut resource, item) = plan(account, order, at, terms)?;
    let event = LifeEvent::new(LifeEventKind::Purchased, at, account.account_id(), Some(&order.resource_id), &order.order_id);
    let mut effects = match item {
        Some(item) => {
            let sources = pay::sources(OrderKind::Purchase, terms.profile);
            let purchase = Purchase { order_id: &order.order_id, kind: OrderKind::Purchase, sources, items: &[item] };
            let (effects, periods) = pay_for(account, &purchase, at, terms)?;
            resource.periods = periods;
            effects
        }
        None => LifeEffects { order: Some(OrderState::done(&order.order_id, at)), ..LifeEffects::default() },
    };
    resource.next_attempt_at = next_attempt(&resource, at.plus_seconds(-1), terms);
    let expires_at = resource.expires_at.map(|at| terms.zone.to_text(at)).unwrap_or_default();
    effects.events.push(event.with("sku", &resource.sku).with("expires_at", expires_at));
    account.resources.insert(resource.resource_id.clone(), resource);
    Ok(effects)
}

/// The resource that the order makes and the period to pay for; none for what is paid by use.
pub(super) fn plan(
    account: &LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<(Resource, Option<Item>), Refused> {
    let Some(sku) = &order.sku else { return Err(Refused::new("no_sku", "a purchase names the sku that is bought")) };
    let quantity = order.quantity.unwrap_or(Quantity::ONE);
    if quantity.is_zero() {
        return Err(Refused::new("no_quantity", "a purchase is of more than 0 units"));
    }

    if let Some(known) = account.resources.get(&order.resource_id) {
        let (code, why) = match known.has_ended() {
            true => ("id_used", format!("`{}` is {}; its id is not bought again", known.resource_id, known.status.as_str())),
            false => ("already_bought", format!("`{}` is {} already", known.resource_id, known.status.as_str())),
        };
        return Err(Refused::new(code, why));
    }
    not_in_arrears(account)?;
    let price = Arc::clone(terms.price(&order.account_id, sku, at)?);
    let mut resource = made_of(order, &price, quantity, at);
    if price.row.billing_mode == BillingMode::PayPerUse {
        by_use(account, order, at, terms)?;
        if let Some(bundle_id) = &order.bundle_id {
            let why = format!("bundle `{bundle_id}` has one expiry, and what is paid by use has none; order it without a bundle");
            return Err(Refused::new("bundle_without_expiry", why));
        }
        return Ok((resource, None));
    }

    let free = within_free_quota(account, &price, quantity, at, terms)?;
    let asked = Asked { quantity, periods: order.periods, kind: OrderKind::Purchase, is_free: order.is_trial || free };
    let periods = price_periods(&order.account_id, &price, &asked, at, terms)?;
    let anchor = Anchor::starting(at).plus(periods.months);
    resource.anchor = anchor.map_err(|error| Refused::new("beyond_calendar", error.to_string()))?;
    resource.expires_at = (periods.months > 0).then(|| calendar::expires_at(resource.anchor, terms.zone));
    settle_policy(&mut resource, free, at, terms)?;
    join_bundle(account, &mut resource, at, terms)?;
    let mut item = Item {
        resource_id: order.resource_id.clone(),
        quantity,
        kind: PeriodKind::Purchase,
        charge_type: ChargeType::Purchase,
        // What has no term is used up at once.
        service: Window::new(at, resource.expires_at.unwrap_or(at)),
        term_months: periods.months,
        anchor: resource.anchor,
        region: order.region.clone(),
        tags: order.tags.clone(),
        price,
        priced: periods.priced,
        voucher_id: None,
        billed: periods.billed,
        unit_price: periods.unit_price,
    };
    discount_voucher::lower(account, OrderKind::Purchase, std::slice::from_mut(&mut item), at, terms)?;
    Ok((resource, Some(item)))
}

fn made_of(order: &OrderRow, price: &Price, quantity: Quantity, at: Instant) -> Resource {
    let row = &price.row;
    let wished = order.renewal.unwrap_or(RenewalPolicy::Manual);
    let renewal = match row.billing_mode {
        BillingMode::Subscription | BillingMode::OneTime => wished,
        BillingMode::PayPerUse => RenewalPolicy::None,
    };
    Resource {
        resource_id: order.resource_id.clone(),
        account_id: order.account_id.clone(),
        product: row.product.clone(),
        sku: row.sku.clone(),
        billing_mode: row.billing_mode,
        quantity,
        status: ResourceStatus::Active,
        renewal,
        renewal_periods: order.renewal_periods,
        is_trial: order.is_trial,
        starts_at: at,
        expires_at: None,
        anchor: Anchor { from: at, months: 0 },
        periods: Vec::new(),
        next_period: None,
        grace_until: None,
        retention_until: None,
        bundle_id: order.bundle_id.clone(),
        depends_on: order.depends_on.clone(),
        region: order.region.clone(),
        data_center_type: order.data_center_type.clone(),
        configuration: order.configuration.clone(),
        resource_name: order.resource_name.clone(),
        tags: order.tags.clone(),
        next_attempt_at: None,
        last_renewal_attempt_at: None,
        last_renewal_result: None,
        ended_at: None,
        is_given_back_freely: false,
        waiting_refund: None,
    }
}

/// What is paid by use is started only with some money at hand, where the profile asks for it.
fn by_use(account: &LifeAccount, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> Result<(), Refused> {
    // Who pays by invoice or from outside holds no money here.
    let pays_from_balance = terms.payment(&order.account_id, at).is_some_and(|payment| payment.method == PaymentMethod::Balance);
    let (available, needed) = (account.available(), terms.profile.min_available_for_ppu);
    if pays_from_balance && available < needed {
        let (needed, available) = (needed.trimmed(), available.trimmed());
        let why = format!("{needed} must be available to start what is paid by use, and {available} is");
        return Err(Refused::new("too_little_available", why));
    }
    Ok(())
}

/// Whether the units are free within a quota; a sku of price 0 beyond it is refused.
///
/// The quota of a family is what its products give for nothing, and what packages that enlarge it (`addon`) add for each of
/// their units. It counts the live resources of the product.
fn within_free_quota(
    account: &LifeAccount,
    price: &Price,
    quantity: Quantity,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<bool, Refused> {
    let product = terms.product(&price.row.product, at);
    let is_free = price.row.unit_price.e12() == 0 && !product.is_addon;
    let Some(quota) = product.free_quota.filter(|_| is_free) else { return Ok(false) };
    let overflow = |_| Refused::new("out_of_range", "the quantity is beyond what can be counted");
    let (mut used, mut allowed) = (quantity, quota);
    for resource in account.resources.values().filter(|resource| !resource.has_ended()) {
        let other = terms.product(&resource.product, at);
        if resource.product == price.row.product {
            used = used.plus(resource.quantity).map_err(overflow)?;
        } else if other.is_addon && other.family.is_some() && other.family == product.family {
            let per_unit = other.free_quota.unwrap_or(Quantity::ZERO);
            // Units are whole: a package enlarges the quota once for each.
            let units = i64::try_from(resource.quantity.e12() / Quantity::ONE.e12()).unwrap_or(i64::MAX);
            let more = per_unit.held_for(units).map_err(overflow)?;
            allowed = allowed.plus(more).map_err(overflow)?;
        }
    }
    if used.e12() > allowed.e12() {
        let why = format!("the free quota of `{}` is {allowed} units, and {used} would be in use", price.row.product);
        return Err(Refused::new("free_quota_used_up", why));
    }
    Ok(true)
}

/// What is wished for the expiry, as far as it can be: what is never renewed (a trial, what is free within a quota, a product
/// without renewal) keeps a wish for `auto` as by hand; a switch to use that its product or sku does not know is refused.
fn settle_policy(resource: &mut Resource, is_free: bool, at: Instant, terms: &LifeTerms<'_>) -> Result<(), Refused> {
    match resource.renewal {
        RenewalPolicy::Auto => {
            let (product, mode) = (terms.product(&resource.product, at), resource.billing_mode);
            let is_renewed = match mode {
                BillingMode::Subscription => product.renewal != ProductRenewal::None,
                BillingMode::OneTime => product.is_by_new_order(mode),
                BillingMode::PayPerUse => false,
            };
            if resource.is_trial || is_free || !is_renewed {
                resource.renewal = RenewalPolicy::Manual;
            }
            Ok(())
        }
        RenewalPolicy::ToPayPerUse => may_go_by_use(resource, at, terms),
        RenewalPolicy::Manual | RenewalPolicy::None => Ok(()),
    }
}

/// A bundle has one renewal policy and one expiry, now and after every renewal.
fn join_bundle(account: &LifeAccount, resource: &mut Resource, at: Instant, terms: &LifeTerms<'_>) -> Result<(), Refused> {
    let Some(bundle_id) = &resource.bundle_id else { return Ok(()) };
    let mut members = account.resources.values().filter(|one| one.bundle_id.as_ref() == Some(bundle_id) && !one.has_ended());
    let Some(member) = members.next() else { return Ok(()) };
    if member.expires_at != resource.expires_at {
        let text = |at: Option<Instant>| at.map_or("never".to_owned(), |at| terms.zone.to_text(at));
        let why = format!(
            "bundle `{bundle_id}` expires {}, this would expire {}; a bundle has one expiry",
            text(member.expires_at),
            text(resource.expires_at)
        );
        return Err(Refused::new("bundle_expiry_differs", why));
    }
    let months = |one: &Resource| {
        let price = terms.price(&one.account_id, &one.sku, at).ok()?;
        months_of(&price.row, 1).ok()?
    };
    if (member.is_trial, member.billing_mode) != (resource.is_trial, resource.billing_mode) || months(member) != months(resource)
    {
        let why = format!(
            "`{}` of bundle `{bundle_id}` has other terms (trial, mode, months of a period); a bundle is renewed as one",
            member.resource_id
        );
        return Err(Refused::new("bundle_terms_differ", why));
    }
    // Bought on the 30th and the 31st of January, both expire with February: from here on they go by one anchor.
    (resource.renewal, resource.renewal_periods, resource.anchor) = (member.renewal, member.renewal_periods, member.anchor);
    match resource.renewal {
        // Who cannot follow would keep the others from it.
        RenewalPolicy::Auto | RenewalPolicy::ToPayPerUse => policy::check(resource, resource.renewal, at, terms),
        RenewalPolicy::Manual | RenewalPolicy::None => Ok(()),
    }
}

//! Orders: what each kind does, or why it is refused. An order is carried out whole or not at all.
//!
//! Every kind reads in three movements: refuse on the order alone; refuse on the order against the account; then, from where
//! it succeeds, the effects. What an order would cost is the same computation without the last movement ([`quote`]).

mod align;
mod approve;
mod buy;
mod change;
mod discount_voucher;
mod policy;
mod purchase;
pub mod quote;
mod renew;
mod unsubscribe;

pub use quote::{Quote, QuoteLine, quote};

use super::account::LifeAccount;
use super::effect::{LifeEffects, OrderState, Refused};
use super::product::ProductRenewal;
use super::terms::LifeTerms;
use super::{RenewalPolicy, Resource, ResourceStatus, calendar};
use crate::profile::{AutoRenewRetries, Profile};
use crate::table::{BillingMode, OrderKind, OrderRow};
use crate::time::Instant;
use std::borrow::Cow;

/// Carries out an order, or records why not.
pub(super) fn carry_out(account: &mut LifeAccount, order: &OrderRow, at: Instant, terms: &LifeTerms<'_>) -> LifeEffects {
    let done = match order.kind {
        OrderKind::Purchase => purchase::carry_out(account, order, at, terms),
        OrderKind::Renew => renew::carry_out(account, order, at, terms),
        OrderKind::Unsubscribe => unsubscribe::carry_out(account, order, at, terms),
        OrderKind::Change => change::carry_out(account, order, at, terms),
        OrderKind::Delete => policy::delete(account, order, at, terms),
        OrderKind::SetRenewal => policy::set_renewal(account, order, at, terms),
        OrderKind::Align => align::carry_out(account, order, at, terms),
    };
    done.unwrap_or_else(|refused| LifeEffects {
        order: Some(OrderState::refused(&order.order_id, &refused)),
        ..LifeEffects::default()
    })
}

pub(super) use approve::{approve, approve_by_itself, waits};
pub(super) use renew::renew_by_itself;

/// The resource that an order names, if it can still be acted on.
fn live<'a>(account: &'a LifeAccount, order: &OrderRow) -> Result<&'a Resource, Refused> {
    let Some(resource) = account.resources.get(&order.resource_id) else {
        return Err(Refused::new("unknown_resource", format!("`{}` was never bought", order.resource_id)));
    };
    match resource.status {
        ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted => {
            let why = format!("`{}` is {} and cannot be restored", resource.resource_id, resource.status.as_str());
            Err(Refused::new("has_ended", why))
        }
        ResourceStatus::Active | ResourceStatus::Expired | ResourceStatus::Retention => Ok(resource),
    }
}

/// What has expired is renewed before anything else is done with it.
fn active(resource: &Resource) -> Result<(), Refused> {
    if resource.status == ResourceStatus::Active {
        return Ok(());
    }
    let why = format!("`{}` is {}; renew it first", resource.resource_id, resource.status.as_str());
    Err(Refused::new("expired", why))
}

/// Nothing is bought, renewed or upgraded while something is overdue.
fn not_in_arrears(account: &LifeAccount) -> Result<(), Refused> {
    if !account.is_in_arrears() {
        return Ok(());
    }
    let (owed, currency) = (account.money.outstanding(), &account.money.wallet.currency);
    Err(Refused::new(
        "in_arrears",
        format!("{} {currency} is outstanding; nothing is bought, renewed or upgraded until it is paid", owed.trimmed()),
    ))
}

/// What is paid ahead by term, and not on trial.
fn paid_ahead(resource: &Resource, what: &str) -> Result<(), Refused> {
    if resource.is_trial {
        return Err(Refused::new("trial", format!("`{}` is a trial, which cannot be {what}", resource.resource_id)));
    }
    match resource.billing_mode {
        BillingMode::Subscription => Ok(()),
        BillingMode::PayPerUse => {
            let why = format!("`{}` is paid by use and has no term to be {what}; `delete` ends it", resource.resource_id);
            Err(Refused::new("pay_per_use", why))
        }
        BillingMode::OneTime => {
            let why = format!("`{}` was bought once and has no term to be {what}", resource.resource_id);
            Err(Refused::new("one_time", why))
        }
    }
}

/// Whether it was free within a quota: it costs nothing and is not renewed.
fn is_free_of_quota(resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> bool {
    let product = terms.product(&resource.product, at);
    let is_free = || terms.price(&resource.account_id, &resource.sku, at).is_ok_and(|price| price.row.unit_price.e12() == 0);
    product.free_quota.is_some() && !product.is_addon && is_free()
}

/// Whether the subscription may go on, paid by use.
fn may_go_by_use(resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> Result<(), Refused> {
    let price = terms.price(&resource.account_id, &resource.sku, at)?;
    let has_equivalent = price.row.particulars.contains_key("equivalent_sku");
    let is_allowed = terms.product(&resource.product, at).may_go_by_use && has_equivalent;
    if is_allowed && resource.billing_mode == BillingMode::Subscription && resource.status == ResourceStatus::Active {
        return Ok(());
    }
    let id = &resource.resource_id;
    let why = format!("`{id}` cannot go on paid by use: its product allows no such switch, or its sku has no equivalent");
    Err(Refused::new("no_mode_switch", why))
}

/// The first attempt to renew the resource by itself later than `after`: nothing unless it is active and its policy is `auto`.
/// An instant at which it was tried is not tried again.
fn next_attempt(resource: &Resource, after: Instant, terms: &LifeTerms<'_>) -> Option<Instant> {
    let expires_at = resource.expires_at?;
    let is_tried = resource.status == ResourceStatus::Active && resource.renewal == RenewalPolicy::Auto && !resource.is_trial;
    if !is_tried {
        return None;
    }
    let after = resource.last_renewal_attempt_at.map_or(after, |tried| tried.max(after));
    calendar::next_attempt(after, expires_at, &*attempts_of(resource, expires_at, terms)?, terms.zone)
}

/// By which rule renewals are tried; nothing where they are not. What is renewed by a new order is tried daily from its
/// product's `renewal_lead_days` on.
fn attempts_of<'a>(resource: &Resource, expires_at: Instant, terms: &LifeTerms<'a>) -> Option<Cow<'a, Profile>> {
    let product = terms.product(&resource.product, expires_at);
    if product.is_by_new_order(resource.billing_mode) {
        let mut profile = terms.profile.clone();
        profile.auto_renew_first_try.days_before = product.renewal_lead_days;
        profile.auto_renew_retries = AutoRenewRetries::Daily;
        return Some(Cow::Owned(profile));
    }
    let is_renewed = product.renewal != ProductRenewal::None && resource.billing_mode == BillingMode::Subscription;
    is_renewed.then_some(Cow::Borrowed(terms.profile))
}

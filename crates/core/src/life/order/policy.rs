//! `set_renewal` and `delete`: what happens at expiry; the end of what is paid by use.

use super::super::account::LifeAccount;
use super::super::effect::{LifeEffects, LifeEvent, LifeEventKind, Refused};
use super::super::product::ProductRenewal;
use super::super::terms::LifeTerms;
use super::super::{RenewalPolicy, Resource, ResourceStatus, calendar};
use super::renew::done;
use super::{attempts_of, is_free_of_quota, live, may_go_by_use, next_attempt, paid_ahead};
use crate::profile::AutoRenewRetries;
use crate::table::{BillingMode, OrderRow};
use crate::time::Instant;

pub(super) fn set_renewal(
    account: &mut LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let wished = order.renewal.unwrap_or(RenewalPolicy::Manual);
    live(account, order)?;
    let whole = account.whole(&order.resource_id);
    for id in &whole {
        check(&account.resources[id], wished, at, terms)?;
    }

    for id in &whole {
        let resource = account.resources.get_mut(id).expect("a bundle's members are the account's");
        resource.renewal = wished;
        if order.renewal_periods.is_some() {
            resource.renewal_periods = order.renewal_periods;
        }
        resource.next_attempt_at =
            next_attempt(resource, at.plus_seconds(-1), terms).or_else(|| last_chance(resource, at, terms));
    }
    Ok(done(order, at, Vec::new()))
}

/// Where attempts are daily and none is left before the expiry, `auto` is carried out at once.
fn last_chance(resource: &Resource, at: Instant, terms: &LifeTerms<'_>) -> Option<Instant> {
    let expires_at = resource.expires_at?;
    let is_tried = resource.status == ResourceStatus::Active && resource.renewal == RenewalPolicy::Auto;
    let profile = attempts_of(resource, expires_at, terms)?;
    let is_daily = profile.auto_renew_retries == AutoRenewRetries::Daily;
    let has_begun = at >= calendar::first_attempt(expires_at, &profile, terms.zone);
    let was_tried = resource.last_renewal_attempt_at >= Some(at);
    (is_tried && is_daily && has_begun && !was_tried && at < expires_at).then_some(at)
}

/// Whether the resource may have the policy.
pub(super) fn check(resource: &Resource, wished: RenewalPolicy, at: Instant, terms: &LifeTerms<'_>) -> Result<(), Refused> {
    let (id, product) = (&resource.resource_id, terms.product(&resource.product, at));
    let is_by_new_order = product.is_by_new_order(resource.billing_mode);
    if resource.billing_mode != BillingMode::OneTime || !is_by_new_order || resource.is_trial {
        paid_ahead(resource, "given a renewal policy")?;
    }
    match wished {
        RenewalPolicy::Auto => {
            if product.renewal == ProductRenewal::None || is_free_of_quota(resource, at, terms) {
                return Err(Refused::new("not_renewable", format!("`{id}` is of `{}`, which is not renewed", resource.product)));
            }
            if resource.status != ResourceStatus::Active && resource.renewal != RenewalPolicy::Auto {
                let why = format!("`{id}` is {}; renew it by hand, then set it to auto", resource.status.as_str());
                return Err(Refused::new("expired", why));
            }
            Ok(())
        }
        RenewalPolicy::ToPayPerUse => may_go_by_use(resource, at, terms),
        RenewalPolicy::Manual | RenewalPolicy::None => Ok(()),
    }
}

pub(super) fn delete(
    account: &mut LifeAccount,
    order: &OrderRow,
    at: Instant,
    terms: &LifeTerms<'_>,
) -> Result<LifeEffects, Refused> {
    let resource = live(account, order)?;
    if resource.billing_mode != BillingMode::PayPerUse {
        let why = format!("`{}` is paid ahead: `unsubscribe` gives it back", resource.resource_id);
        return Err(Refused::new("paid_ahead", why));
    }

    let product = terms.product(&resource.product, at);
    let mut events = vec![end(account, &order.resource_id, order, at)];
    if let (Some(family), false) = (&product.family, product.is_addon) {
        let packages = packages_that_end(account, family, at, terms);
        events.extend(packages.iter().map(|id| end(account, id, order, at)));
    }
    Ok(done(order, at, events))
}

fn end(account: &mut LifeAccount, resource_id: &str, order: &OrderRow, at: Instant) -> LifeEvent {
    let resource = account.resources.get_mut(resource_id).expect("it was just found");
    (resource.status, resource.ended_at) = (ResourceStatus::Deleted, Some(at));
    LifeEvent::new(LifeEventKind::Deleted, at, &resource.account_id, Some(resource_id), &order.order_id)
}

/// Packages of the family that are paid by use: they end with the last quota of an edition (Huawei, SecMaster).
fn packages_that_end(account: &LifeAccount, family: &str, at: Instant, terms: &LifeTerms<'_>) -> Vec<String> {
    let of_family = |resource: &&Resource, is_addon: bool| {
        let product = terms.product(&resource.product, at);
        !resource.has_ended() && product.family.as_deref() == Some(family) && product.is_addon == is_addon
    };
    if account.resources.values().any(|resource| of_family(&resource, false)) {
        return Vec::new();
    }
    let packages = account.resources.values().filter(|resource| of_family(resource, true));
    let by_use = packages.filter(|resource| resource.billing_mode == BillingMode::PayPerUse);
    by_use.map(|resource| resource.resource_id.clone()).collect()
}

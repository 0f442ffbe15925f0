//! `set_renewal` and `delete`: what happens at expiry; the end of what is paid by use.

use super::super::account::LifeAccount;
use super::super::effect::{LifeEffects, LifeEvent, LifeEventKind, Refused};
use super::super::product::ProductRenewal;
use super::super::terms::LifeTerms;
use super::super::{RenewalPolicy, Resource, ResourceStatus, calendar};
use super::renew::done;
use super::{live, next_attempt, paid_ahead};
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
    let is_daily = terms.profile.auto_renew_retries == AutoRenewRetries::Daily;
    let has_begun = at >= calendar::first_attempt(expires_at, terms.profile, terms.zone);
    (is_tried && is_daily && has_begun && at < expires_at).then_some(at)
}

fn check(resource: &Resource, wished: RenewalPolicy, at: Instant, terms: &LifeTerms<'_>) -> Result<(), Refused> {
    let (id, product) = (&resource.resource_id, terms.product(&resource.product, at));
    match (resource.billing_mode, product.renewal) {
        (BillingMode::OneTime, ProductRenewal::NewOrder) if !resource.is_trial => {}
        _ => paid_ahead(resource, "given a renewal policy")?,
    }
    match wished {
        RenewalPolicy::Auto => {
            if product.renewal == ProductRenewal::None {
                return Err(Refused::new("not_renewable", format!("`{id}` is of `{}`, which is not renewed", resource.product)));
            }
            if resource.status != ResourceStatus::Active && resource.renewal != RenewalPolicy::Auto {
                let why = format!("`{id}` is {}; renew it by hand, then set it to auto", resource.status.as_str());
                return Err(Refused::new("expired", why));
            }
            Ok(())
        }
        RenewalPolicy::ToPayPerUse => {
            let price = terms.price(&resource.account_id, &resource.sku, at)?;
            let has_equivalent = price.row.particulars.contains_key("equivalent_sku");
            if !product.may_go_by_use || !has_equivalent || resource.status != ResourceStatus::Active {
                let why =
                    format!("`{id}` cannot go on paid by use: its product allows no such switch, or its sku has no equivalent");
                return Err(Refused::new("no_mode_switch", why));
            }
            Ok(())
        }
        RenewalPolicy::Manual | RenewalPolicy::None => Ok(()),
    }
}

pub(super) fn delete(account: &mut LifeAccount, order: &OrderRow, at: Instant) -> Result<LifeEffects, Refused> {
    let resource = live(account, order)?;
    if resource.billing_mode != BillingMode::PayPerUse {
        let why = format!("`{}` is paid ahead: `unsubscribe` gives it back", resource.resource_id);
        return Err(Refused::new("paid_ahead", why));
    }

    let resource = account.resources.get_mut(&order.resource_id).expect("it was just found");
    (resource.status, resource.ended_at) = (ResourceStatus::Deleted, Some(at));
    let event = LifeEvent::new(LifeEventKind::Deleted, at, &resource.account_id, Some(&resource.resource_id), &order.order_id);
    Ok(done(order, at, vec![event]))
}

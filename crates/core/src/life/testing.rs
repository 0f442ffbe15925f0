//! What tests of lives share.

use super::{Anchor, RenewalPolicy, Resource, ResourceStatus};
use crate::number::Quantity;
use crate::table::BillingMode;
use crate::time::Instant;
use std::collections::BTreeMap;

/// An active subscription of `edge.pro.month`, from second 0, without a period that was paid for.
pub(crate) fn resource(account_id: &str, resource_id: &str) -> Resource {
    Resource {
        resource_id: resource_id.to_owned(),
        account_id: account_id.to_owned(),
        product: "edge".to_owned(),
        sku: "edge.pro.month".to_owned(),
        billing_mode: BillingMode::Subscription,
        quantity: Quantity::ONE,
        status: ResourceStatus::Active,
        renewal: RenewalPolicy::Manual,
        renewal_periods: None,
        is_trial: false,
        starts_at: Instant::from_seconds(0),
        expires_at: None,
        anchor: Anchor { from: Instant::from_seconds(0), months: 0 },
        periods: Vec::new(),
        next_period: None,
        grace_until: None,
        retention_until: None,
        bundle_id: None,
        depends_on: Vec::new(),
        region: None,
        data_center_type: None,
        configuration: None,
        resource_name: None,
        tags: BTreeMap::new(),
        next_attempt_at: None,
        last_renewal_attempt_at: None,
        last_renewal_result: None,
        ended_at: None,
        is_given_back_freely: false,
        waiting_refund: None,
    }
}

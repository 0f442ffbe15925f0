//! An account under way: its money, what it bought, and where it stands.

use super::resources::Resources;
use super::{AccountStatus, PaidPeriod, Resource, ResourceStatus};
use crate::number::{Money, Quantity};
use crate::pay::AccountMoney;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Everything that deciding about an account's life needs, and that deciding changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeAccount {
    /// What it has and owes.
    pub money: AccountMoney,
    /// Where it stands.
    pub standing: Standing,
    /// What it bought or registered, also what has ended, by resource_id.
    pub resources: Resources,
}

/// Where an account stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whose.
    pub account_id: String,
    /// Normal, arrears, retention, released.
    pub status: AccountStatus,
    /// Since when.
    pub since: Instant,
    /// In arrears: first instant at which the grace is over.
    pub grace_until: Option<Instant>,
    /// In arrears or retention: first instant at which what it uses is released.
    pub retention_until: Option<Instant>,
    /// The latest instant of which an order or a timer was carried out: what becomes known of earlier ones takes effect here.
    pub life_at: Instant,
}

impl Standing {
    /// An account that never owed anything overdue.
    pub fn normal(account_id: &str) -> Self {
        Self {
            account_id: account_id.to_owned(),
            status: AccountStatus::Normal,
            since: Instant::MIN,
            grace_until: None,
            retention_until: None,
            life_at: Instant::MIN,
        }
    }
}

impl LifeAccount {
    /// An account that bought nothing yet.
    pub fn new(money: AccountMoney) -> Self {
        let standing = Standing::normal(&money.wallet.account_id);
        Self { money, standing, resources: Resources::default() }
    }

    /// The account.
    pub fn account_id(&self) -> &str {
        &self.money.wallet.account_id
    }

    /// Whether it owes what is overdue: then nothing is bought, renewed or upgraded.
    pub fn is_in_arrears(&self) -> bool {
        self.money.wallet.in_arrears_since.is_some()
    }

    /// The resource and those that share its bundle, by resource_id; of a bundle only those that have not ended.
    pub fn whole(&self, resource_id: &str) -> Vec<String> {
        let Some(named) = self.resources.get(resource_id) else { return Vec::new() };
        let Some(bundle_id) = &named.bundle_id else { return vec![resource_id.to_owned()] };
        let members = self.resources.of_bundle(bundle_id).filter(|member| !member.has_ended());
        let members: Vec<String> = members.map(|one| one.resource_id.clone()).collect();
        if members.is_empty() { vec![resource_id.to_owned()] } else { members }
    }

    /// How many resources above this one it depends on, directly or through others.
    pub fn depth(&self, resource_id: &str) -> usize {
        let (mut depth, mut level) = (0, vec![resource_id]);
        // A circle ends after as many steps as there are resources.
        while depth < self.resources.len() {
            let above = level.iter().filter_map(|id| self.resources.get(*id)).flat_map(|one| &one.depends_on);
            level = above.map(String::as_str).filter(|id| self.resources.contains_key(*id)).collect();
            level.sort_unstable();
            level.dedup();
            if level.is_empty() {
                break;
            }
            depth += 1;
        }
        depth
    }

    /// Money at hand: cash and granted money.
    pub fn available(&self) -> Money {
        self.money.wallet.balance + self.money.wallet.granted
    }
}

impl Resource {
    /// Whether nothing can happen to it any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.status, ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted)
    }

    /// When something is due for it by itself, the earliest.
    pub fn next_at(&self) -> Option<Instant> {
        let due = match self.status {
            ResourceStatus::Active => [self.expires_at, self.next_attempt_at, self.next_period_begins()],
            ResourceStatus::Expired => [self.grace_until, None, None],
            ResourceStatus::Retention => [self.retention_until, None, None],
            ResourceStatus::Released | ResourceStatus::Unsubscribed | ResourceStatus::Deleted => [None, None, None],
        };
        due.into_iter().chain([self.refund_approved_by_itself_at()]).flatten().min()
    }

    /// When a refund that waits comes back if nobody approves it.
    pub(super) fn refund_approved_by_itself_at(&self) -> Option<Instant> {
        self.waiting_refund.as_ref()?.approved_by_itself_at
    }

    /// As what, and for how many units, periods from its expiry on are priced: of what it becomes where a change waits.
    pub fn in_next_period(&self) -> (&str, Quantity) {
        self.next_period.as_ref().map_or((&self.sku, self.quantity), |next| (&next.sku, next.quantity))
    }

    /// When the period begins in which it becomes something else; nothing while that period is not bought.
    pub fn next_period_begins(&self) -> Option<Instant> {
        self.bought_for_next_period().map(|period| period.service.start)
    }

    /// The first period that was bought as what it becomes.
    pub(super) fn bought_for_next_period(&self) -> Option<&PaidPeriod> {
        let next = self.next_period.as_ref()?;
        let bought = self.periods.iter().filter(|period| !period.is_given_back && period.service.start >= next.from);
        bought.min_by_key(|period| period.service.start)
    }
}

//! One timeline: everything that moves an account's money or state, in the order (instant, rank, id).
//!
//! | rank | step |
//! |---|---|
//! | 1 | money in |
//! | 2 | settlement of the hour that ends at this instant |
//! | 3 | orders by order_id, then approvals, then withdrawals, then refunds that nobody approved in time |
//! | 4 | what reaches its expiry, or the beginning of another period |
//! | 5 | renewal attempts: by expiry, parents before dependents, then id |
//! | 6 | arrears, freeze and release |
//!
//! What is given (money, settlements, orders) comes from outside; what time does by itself is found as the account stands
//! after each step, since a renewal that succeeds moves the next one. What becomes known after its instant was passed takes
//! effect at the latest instant carried out, and keeps its own date.

use super::AccountStatus;
use super::account::{LifeAccount, Standing};
use super::around::Around;
use super::effect::LifeEffects;
use super::function::Watched;
use super::terms::LifeTerms;
use super::timer::{self, Timer, TimerStep};
use super::waiting::OrderApproval;
use super::{order, standing};
use crate::pay::{self, Effects, MoneyEvent};
use crate::table::{FundsKind, OrderRow};
use crate::time::Instant;

/// Something that comes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Money or a settlement.
    Money(MoneyEvent),
    /// An order.
    Order(Box<OrderRow>),
    /// Somebody's word that a refund may come back. Where none waits it is no step.
    Approval(OrderApproval),
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// What came of something given: its place in the list, and its effects.
    Money(usize, Effects),
    /// What an order or time did, and when.
    Life(Instant, Box<LifeEffects>),
}

impl Given {
    fn id(&self) -> &str {
        match self {
            Self::Money(MoneyEvent::Funds(row)) => &row.entry_id,
            Self::Money(MoneyEvent::Settlement(due)) => &due.settlement_id,
            Self::Order(order) => &order.order_id,
            Self::Approval(approval) => &approval.order_id,
        }
    }

    /// Its own instant.
    pub fn at(&self) -> Instant {
        match self {
            Self::Money(event) => event.at(),
            Self::Order(order) => order.placed_at,
            Self::Approval(approval) => approval.approved_at,
        }
    }

    /// Its place among what is given.
    pub fn place(&self) -> (Instant, u8, u8, &str) {
        match self {
            Self::Money(MoneyEvent::Funds(row)) if row.kind == FundsKind::Withdrawal => (row.at, 3, 2, &row.entry_id),
            Self::Money(MoneyEvent::Funds(row)) => (row.at, 1, 0, &row.entry_id),
            Self::Money(MoneyEvent::Settlement(due)) => (due.at, 2, 0, &due.settlement_id),
            Self::Order(order) => (order.placed_at, 3, 0, &order.order_id),
            Self::Approval(approval) => (approval.approved_at, 3, 1, &approval.order_id),
        }
    }
}

/// Takes an account through everything that is given (ordered by [`Given::place`]) and everything that time does by itself,
/// up to and including `until`.
///
/// The account's vouchers and resources must be complete.
pub fn advance(account: &mut LifeAccount, given: &[Given], until: Instant, terms: &LifeTerms<'_>) -> Vec<Taken> {
    account.resources.take_touched();
    let around = Some(Around::new(account));
    Walk { account, around, terms, taken: Vec::new() }.through(given, until)
}

/// The same by looking at every resource at every step: what [`advance`] is held to.
pub fn advance_plainly(account: &mut LifeAccount, given: &[Given], until: Instant, terms: &LifeTerms<'_>) -> Vec<Taken> {
    Walk { account, around: None, terms, taken: Vec::new() }.through(given, until)
}

/// An account under way.
struct Walk<'w, 't> {
    account: &'w mut LifeAccount,
    /// Nothing: every step looks at every resource.
    around: Option<Around>,
    terms: &'w LifeTerms<'t>,
    taken: Vec<Taken>,
}

impl Walk<'_, '_> {
    fn through(mut self, given: &[Given], until: Instant) -> Vec<Taken> {
        let mut waiting = given.iter().enumerate().peekable();
        loop {
            let next_given = waiting.peek().map(|(_, given)| (given.at(), given.place().1));
            let next_timer = self.next_timer().filter(|timer| timer.at <= until);
            match (next_given, next_timer) {
                (None, None) => break,
                (Some(given), timer) if timer.as_ref().is_none_or(|timer| given <= (timer.at, timer.step.rank())) => {
                    let (place, given) = waiting.next().expect("it was just looked at");
                    self.take_given(place, given);
                }
                (_, Some(timer)) => self.take_timer(&timer),
                (Some(_), None) => unreachable!("what is given goes first where no timer waits"),
            }
        }
        self.account.resources.take_touched();
        self.taken
    }

    fn next_timer(&self) -> Option<Timer> {
        match &self.around {
            Some(around) => around.next(self.account, self.terms),
            None => timer::next(self.account, self.terms),
        }
    }

    fn take_timer(&mut self, timer: &Timer) {
        // What time should have done before something that was carried out is done after it.
        let at = timer.at.max(self.account.standing.life_at);
        self.account.standing.life_at = at;
        let is_standing = timer.step == TimerStep::Standing;
        let cause = if is_standing { standing::cause(self.account) } else { String::new() };
        self.step(is_standing, &cause, at, |account, terms| timer::carry_out(account, &timer.step, at, terms));
        self.clear("", at);
    }

    fn take_given(&mut self, place: usize, given: &Given) {
        let (account, terms) = (&mut *self.account, self.terms);
        // What is late keeps its own date and takes effect now: where the account stood until now is a fact.
        let own = match given {
            Given::Money(MoneyEvent::Settlement(due)) => due.effective_at,
            Given::Money(MoneyEvent::Funds(_)) | Given::Order(_) | Given::Approval(_) => given.at(),
        };
        let at = own.max(terms.effective_from).max(account.standing.life_at);
        match given {
            Given::Money(event) => {
                let payment = terms.payment(account.account_id(), event.at()).expect("an account with money has a row");
                let effects = pay::apply(&mut account.money, event, payment, terms.profile);
                if at > given.at() {
                    account.standing.life_at = at;
                }
                self.taken.push(Taken::Money(place, effects));
            }
            Given::Order(order) => {
                account.standing.life_at = at;
                self.step(false, &order.order_id, at, |account, terms| order::carry_out(account, order, at, terms));
            }
            Given::Approval(approval) => {
                if !order::waits(account, &approval.order_id) {
                    return;
                }
                account.standing.life_at = at;
                self.step(false, &approval.order_id, at, |account, terms| order::approve(account, approval, at, terms));
            }
        }
        self.clear(given.id(), at);
    }

    /// Ends arrears where the step before paid the last of them.
    fn clear(&mut self, cause: &str, at: Instant) {
        if standing::is_over(self.account) {
            self.step(true, cause, at, |account, _| standing::clear(account, cause, at));
        }
    }

    /// Takes a step, and tells what it stopped or started of what it did not touch. `is_standing`: the account's own.
    fn step(
        &mut self,
        is_standing: bool,
        cause: &str,
        at: Instant,
        carry_out: impl FnOnce(&mut LifeAccount, &LifeTerms<'_>) -> LifeEffects,
    ) {
        let (account, terms) = (&mut *self.account, self.terms);
        // The account's own steps are few, and concern all that is paid by use.
        let watched = (is_standing || self.around.is_none()).then(|| Watched::of(account, is_standing, at, terms));
        let mut effects = carry_out(account, terms);
        let touched = account.resources.take_touched();
        match (&mut self.around, watched) {
            (None, None) => unreachable!("without what is around everything is watched"),
            (None, Some(watched)) => watched.tell(account, &mut effects, cause, at, terms),
            (Some(around), Some(watched)) => {
                watched.tell(account, &mut effects, cause, at, terms);
                around.follow(account, &touched);
            }
            (Some(around), None) => {
                let watched = around.watched(account, &touched, at, terms);
                around.follow(account, &touched);
                around.tell(watched, account, &mut effects, cause, at, terms);
            }
        }
        self.taken.push(Taken::Life(at, Box::new(effects)));
    }
}

/// When something is due for the account by itself, the earliest.
pub fn next_at(account: &LifeAccount, terms: &LifeTerms<'_>) -> Option<Instant> {
    timer::next(account, terms).map(|timer| timer.at)
}

/// When the account's own standing moves next by itself.
pub fn standing_next_at(account: &LifeAccount, terms: &LifeTerms<'_>) -> Option<Instant> {
    standing::next_at(account, terms)
}

/// Whether time does nothing to an account without resources before the last of some settlements, of which the first is at
/// `first`, and none is late: then it may take them first, and go on by what time does. `overdue`: since when it owes what is
/// overdue before them.
pub fn moves_after(
    standing: &Standing,
    overdue: Option<Instant>,
    (first, last): (Instant, Instant),
    terms: &LifeTerms<'_>,
) -> bool {
    let since = overdue.map_or(first, |since| since.min(first));
    let is_late = first < terms.effective_from.max(standing.life_at);
    standing.status == AccountStatus::Normal && !is_late && standing::follows_at(since, terms) >= last
}

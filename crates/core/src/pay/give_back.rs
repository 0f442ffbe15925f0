//! What comes back of an order: an unsubscription, a downgrade, a renewal that is dropped.
//!
//! Owns: where each part goes, the legs, what of an order on credit or on an invoice is there to go back, splitting an amount
//! over what paid.
//! Does not own: how much comes back and what is kept (`life` says that).
//! Promises: what was posted = what is taken off what is outstanding + what goes back + the fee; money that reaches the wallet
//! repays at once; a voucher that has expired is never paid in cash; the order in which parts are named does not matter.

use super::moves::Moves;
use super::order::{in_proportion, posted_to};
use super::refund::{add, repay_with_returned, return_to, waterfall_rank, what_became};
use super::waterfall::totals_of;
use super::{AccountMoney, Effects, PaymentSource};
use crate::ledger::LedgerAccount;
use crate::life::PaidPart;
use crate::number::{FeeScale, Money};
use crate::profile::Profile;
use crate::table::BillingMode;
use crate::time::Instant;
use std::collections::BTreeMap;

/// An order by which something comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRefund {
    /// The unsubscription or downgrade; its payment lines are `paid_for` it.
    pub order_id: String,
    /// When it takes effect: a voucher that has expired by then gets nothing back.
    pub at: Instant,
    /// What comes back, of each charge that was paid.
    pub given_back: Vec<GivenBack>,
}

/// What comes back of one charge of an earlier order. What is taken back from where it was posted is the sum of `parts`,
/// `invoiced` and `fee`: what was paid less what was consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBack {
    /// The order that was paid.
    pub paid_order_id: String,
    /// Its product.
    pub product: String,
    /// Whether it was posted as deferred (a subscription) or as income.
    pub billing_mode: BillingMode,
    /// What goes back to which source, the fee already taken off; [`split_back`] splits. What was paid on credit and repaid
    /// since goes back to what repaid it.
    pub parts: Vec<PaidPart>,
    /// What comes back of an order that was on an invoice: first off what is outstanding of it, then to what paid it since.
    pub invoiced: Money,
    /// The handling fee, kept.
    pub fee: Money,
}

/// Gives back what an order returns and says what moved.
///
/// `account.paid` should hold the lines of the orders given back, and `account.orders` name them: what repaid their credit or
/// invoice is read from them. Without them it counts as cash.
///
/// # Panics
/// If a part names a voucher that the account lacks.
pub fn give_back(account: &mut AccountMoney, refund: &OrderRefund, profile: &Profile) -> Effects {
    let mut moves = Moves::new(account, refund.at);
    let mut parts = Vec::new();
    let mut on_credit_or_invoice: BTreeMap<&str, Money> = BTreeMap::new();
    let mut cancelled = Money::ZERO;
    for given in &refund.given_back {
        post(&mut moves, given);
        let off = cancel(&mut moves, given);
        cancelled += off;
        let (on_credit, others): (Vec<_>, Vec<_>) = given.parts.iter().partition(|part| part.source == PaymentSource::Credit);
        let on_credit: Money = on_credit.iter().map(|part| part.amount).sum();
        *on_credit_or_invoice.entry(&given.paid_order_id).or_default() += on_credit + given.invoiced - off;
        for part in others {
            add(&mut parts, part.source, part.source_id.as_deref(), part.amount);
        }
    }
    for part in what_became(moves.account, &on_credit_or_invoice, profile.fund_order) {
        add(&mut parts, part.source, part.source_id.as_deref(), part.amount);
    }

    parts.sort_by_key(|part| (waterfall_rank(profile.fund_order, part.source), part.source_id.clone()));
    for part in &parts {
        return_to(&mut moves, &refund.order_id, refund.at, part);
    }
    repay_with_returned(&mut moves, &refund.order_id, profile.fund_order);

    moves.account.orders.insert(refund.order_id.clone());
    let returned: Money = parts.iter().map(|part| part.amount).sum();
    let totals = totals_of(&moves, &refund.order_id, -returned - cancelled, -cancelled);
    moves.finish(Some(totals), None, profile)
}

/// Splits what comes back over what paid, in proportion, half-up per source at `scale`; the last takes the rest. Parts of 0
/// are left out.
///
/// # Panics
/// If more comes back than was paid.
///
/// # Example: who gets how much of 362.60?
/// ```
/// use reckoner_core::life::PaidPart;
/// use reckoner_core::number::{FeeScale, Money};
/// use reckoner_core::pay::{PaymentSource, split_back};
/// let part = |source, amount| PaidPart { source, source_id: None, amount: Money::parse(amount).unwrap() };
/// let paid = [part(PaymentSource::Balance, "200"), part(PaymentSource::Grant, "207.96")];
/// let back = split_back(Money::parse("362.60")?, &paid, FeeScale::TWO);
/// assert_eq!(back, [part(PaymentSource::Balance, "177.76"), part(PaymentSource::Grant, "184.84")]);
/// # Ok::<(), reckoner_core::number::DecimalError>(())
/// ```
pub fn split_back(amount: Money, paid: &[PaidPart], scale: FeeScale) -> Vec<PaidPart> {
    let weights: Vec<Money> = paid.iter().map(|part| part.amount).collect();
    let amounts = in_proportion(amount, &weights, scale);
    let split = paid.iter().zip(amounts).filter(|(_, amount)| amount.is_positive());
    split.map(|(part, amount)| PaidPart { amount, ..part.clone() }).collect()
}

/// What was paid less what was consumed comes off where it was posted; the fee of it is income.
fn post(moves: &mut Moves<'_>, given: &GivenBack) {
    let returned: Money = given.parts.iter().map(|part| part.amount).sum();
    moves.post_receivable(posted_to(&given.product, given.billing_mode), returned + given.invoiced + given.fee);
    moves.post_receivable(LedgerAccount::Fees, -given.fee);
}

/// Takes what comes back of an invoice off what is outstanding of its order. Hands back how much.
fn cancel(moves: &mut Moves<'_>, given: &GivenBack) -> Money {
    let open = moves.account.open.iter().position(|open| open.settlement_id == given.paid_order_id);
    let open: Vec<usize> = open.into_iter().collect();
    moves.cancel_open(&open, given.invoiced)
}

//! Paying: what became due for each account, taken along its timeline, and what that records.

use super::bulk::AccountTotal;
use super::load::{Knowledge, Loaded};
use super::purses::Purses;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::id;
use reckoner_core::ledger::TransactionBuilder;
use reckoner_core::pay::{
    self, AccountMoney, ChargeDue, Effects, FundsOutcome, MoneyEvent, OpenSettlement, PaymentTerms, SettlementDue,
    SettlementTotals,
};
use reckoner_core::rate::Charge;
use reckoner_core::table::FundsRow;
use reckoner_core::time::Instant;
use reckoner_store::{SettlementBatch, SettlementRecord};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The run that settles each instant.
pub(super) type RunIds = HashMap<Instant, String>;

/// One thing that happens to an account.
pub(super) struct Step {
    account_id: String,
    /// Money comes in before the settlement of the same instant.
    rank: u8,
    /// Of a settlement.
    revision: u32,
    /// Of a settlement, how many charges it has: `event` has those in bulk summed by product.
    charges: u64,
    event: MoneyEvent,
}

impl Step {
    pub fn of_funds(row: FundsRow) -> Self {
        Self { account_id: row.account_id.clone(), rank: 1, revision: 0, charges: 0, event: MoneyEvent::Funds(row) }
    }

    fn id(&self) -> &str {
        match &self.event {
            MoneyEvent::Funds(row) => &row.entry_id,
            MoneyEvent::Settlement(due) => &due.settlement_id,
        }
    }

    /// Its place among all steps: account by account, each along its timeline.
    fn place(&self) -> impl Ord + '_ {
        (self.account_id.as_str(), self.event.at(), self.rank, self.id())
    }
}

/// A settlement that asks for payment.
struct Asked {
    revision: u32,
    charges: u64,
    due: SettlementDue,
}

/// One settlement per account and instant; its id goes into its charges.
pub(super) fn settlements(
    books: &Books,
    knowledge: &Knowledge,
    loaded: &Loaded,
    charges: &mut [Charge],
) -> Result<Vec<Step>, Failure> {
    let has_history: BTreeSet<Instant> = loaded
        .due
        .iter()
        .map(|due| due.window.end)
        .filter(|end| knowledge.settled_ends.contains(end))
        .chain(loaded.posted.iter().map(|charge| charge.transaction_at))
        .collect();
    let mut by_line: BTreeMap<(Instant, String), Asked> = BTreeMap::new();
    for charge in charges {
        let (at, account_id) = (charge.transaction_at, &charge.key.account_id);
        let place = (at, account_id.clone());
        if !by_line.contains_key(&place) {
            let revision = if has_history.contains(&at) { books.store().settlement_revisions(account_id, at)? } else { 0 };
            let asked = Asked::new(knowledge, account_id, at, revision, &charge.billing_period);
            by_line.insert(place.clone(), asked);
        }
        by_line.get_mut(&place).expect("it is there").add(charge);
    }

    let mut steps = Vec::new();
    for hour in &loaded.bulk {
        let at = hour.due.window.end;
        let billing_period = knowledge.terms.zone.billing_period(hour.due.window.start);
        for totals in hour.totals.chunk_by(|one, other| one.account_id == other.account_id) {
            let account_id = &totals[0].account_id;
            let asked = by_line.remove(&(at, account_id.clone()));
            // A window with charges in bulk was never settled before.
            let mut asked = asked.unwrap_or_else(|| Asked::new(knowledge, account_id, at, 0, &billing_period));
            totals.iter().for_each(|total| asked.add_bulk(hour.due.window.start, total));
            steps.push(asked.into_step(account_id.clone()));
        }
    }
    steps.extend(by_line.into_iter().map(|((_, account_id), asked)| asked.into_step(account_id)));
    Ok(steps)
}

impl Asked {
    fn new(knowledge: &Knowledge, account_id: &str, at: Instant, revision: u32, billing_period: &str) -> Self {
        let due = SettlementDue {
            settlement_id: id::derive("se", &[account_id, &at.to_utc_text(), &revision.to_string()]),
            at,
            billing_period: billing_period.to_owned(),
            effective_at: at.max(knowledge.effective_from),
            charges: Vec::new(),
        };
        Self { revision, charges: 0, due }
    }

    /// Adds a charge, which learns its settlement.
    fn add(&mut self, charge: &mut Charge) {
        charge.settlement_id.clone_from(&self.due.settlement_id);
        self.charges += 1;
        self.due.charges.push(ChargeDue {
            charge_id: charge.charge_id.clone(),
            product: charge.product.clone(),
            sku: charge.key.sku.clone(),
            billing_mode: charge.billing_mode,
            region: charge.region.clone(),
            window_start: charge.key.window.start,
            due: charge.amounts.due,
        });
    }

    /// Adds what became due in bulk under one product: of an account without vouchers nobody asks for single charges.
    fn add_bulk(&mut self, window_start: Instant, total: &AccountTotal) {
        self.charges += total.charges;
        self.due.charges.push(ChargeDue {
            charge_id: String::new(),
            product: total.price.row.product.clone(),
            sku: String::new(),
            billing_mode: total.price.row.billing_mode,
            region: None,
            window_start,
            due: total.due,
        });
    }

    fn into_step(mut self, account_id: String) -> Step {
        self.due.charges.sort_by(|a, b| a.charge_id.cmp(&b.charge_id));
        let Self { revision, charges, due } = self;
        Step { account_id, rank: 2, revision, charges, event: MoneyEvent::Settlement(due) }
    }
}

/// Takes every account along its timeline.
pub(super) fn pay_all(
    books: &Books,
    knowledge: &Knowledge,
    purses: &mut Purses,
    steps: Vec<Step>,
    ids: &RunIds,
    batch: &mut SettlementBatch,
) -> Result<(), Failure> {
    // In order by reference: steps are large, and come hour by hour in the order of accounts.
    let mut steps: Vec<&Step> = steps.iter().collect();
    steps.sort_by(|a, b| a.place().cmp(&b.place()));
    purses.fetch(books.store(), steps.chunk_by(|a, b| a.account_id == b.account_id).map(|steps| steps[0].account_id.as_str()))?;
    let accounts = &knowledge.terms.accounts;
    let mut posting = Posting { run_ids: ids, batch, legs: BTreeMap::new() };
    for steps in steps.chunk_by(|a, b| a.account_id == b.account_id) {
        let account_id = steps[0].account_id.as_str();
        let Some(currency) = accounts.currency(account_id) else { continue };
        let is_new = !purses.has_wallet(account_id);
        let mut account = purses.take(books.store(), account_id, currency, steps.iter().map(|step| &step.event))?;
        let before = account.wallet.clone();
        let mut instants = None;
        for step in steps {
            let at = step.event.at();
            let row = accounts.at(account_id, at).expect("an account with a currency has a row");
            if moves_others(&step.event) && instants.is_none() {
                instants = Some(instants_of(&account, steps));
            }
            let effects = pay::apply(&mut account, &step.event, PaymentTerms::of(row), &books.profile);
            posting.add(step, currency, effects, instants.as_ref())?;
        }
        if is_new || before != account.wallet {
            posting.batch.wallets.push(account.wallet.clone());
        }
        purses.put_back(account);
    }
    posting.close()
}

/// Whether the event may change what is outstanding of others.
fn moves_others(event: &MoneyEvent) -> bool {
    match event {
        MoneyEvent::Funds(_) => true,
        MoneyEvent::Settlement(due) => due.is_in_favour(),
    }
}

/// The instants of what an account settled before and of what it has open, and of its own steps, by id.
fn instants_of(account: &AccountMoney, steps: &[&Step]) -> HashMap<String, Instant> {
    let open = account.open.iter().map(|open| (open.settlement_id.clone(), open.at));
    let settled = account.settled.iter().map(|(id, settled)| (id.clone(), settled.at));
    settled.chain(open).chain(steps.iter().map(|step| (step.id().to_owned(), step.event.at()))).collect()
}

/// Gathers what the accounts' effects record. What all accounts of an instant have in common is one ledger transaction per
/// currency.
struct Posting<'a> {
    run_ids: &'a RunIds,
    batch: &'a mut SettlementBatch,
    legs: BTreeMap<(Instant, String), (TransactionBuilder, Vec<String>)>,
}

impl Posting<'_> {
    /// `instants` are those of everything that the step may change beside itself.
    fn add(
        &mut self,
        step: &Step,
        currency: &str,
        effects: Effects,
        instants: Option<&HashMap<String, Instant>>,
    ) -> Result<(), Failure> {
        let mut outstanding = effects.outstanding;
        match &step.event {
            MoneyEvent::Settlement(due) => {
                let paid = effects.totals.expect("a settlement has totals");
                self.batch.settlements.push(self.settlement(step, currency, due, paid));
                let (builder, ids) = self.legs.entry((due.at, currency.to_owned())).or_default();
                builder.extend(effects.legs);
                ids.push(due.settlement_id.clone());
            }
            MoneyEvent::Funds(row) => {
                let mut builder = TransactionBuilder::new();
                builder.extend(effects.legs);
                self.build(builder, row.at, currency, step.event.description(), &[&row.entry_id])?;
                let outcome = effects.funds.expect("a funds entry has an outcome");
                let status = outcome.status().to_owned();
                let refusal = match outcome {
                    FundsOutcome::Done => None,
                    FundsOutcome::Refused(why) => Some(why),
                };
                self.batch.funds.push((row.entry_id.clone(), status, refusal));
                // What a chargeback leaves open is of no settlement: it stands under the entry's own id.
                if let Some(place) = outstanding.iter().position(|(id, _)| *id == row.entry_id) {
                    let open = OpenSettlement {
                        settlement_id: row.entry_id.clone(),
                        at: row.at,
                        billing_period: String::new(),
                        outstanding: outstanding.remove(place).1,
                        payment_lines: 0,
                    };
                    self.batch.opened.push((step.account_id.clone(), open));
                }
            }
        }
        self.batch.payments.extend(effects.payments);
        self.batch.outstanding.extend(outstanding.into_iter().map(|(id, now)| {
            let at = if id == step.id() { Some(step.event.at()) } else { instants.and_then(|known| known.get(&id).copied()) };
            (id, at.expect("what changes was settled or open before, or is an event of the timeline"), now)
        }));
        self.batch.vouchers.extend(effects.vouchers);
        Ok(())
    }

    fn settlement(&self, step: &Step, currency: &str, due: &SettlementDue, paid: SettlementTotals) -> SettlementRecord {
        SettlementRecord {
            settlement_id: due.settlement_id.clone(),
            account_id: step.account_id.clone(),
            at: due.at,
            revision: step.revision,
            billing_period: due.billing_period.clone(),
            currency: currency.to_owned(),
            charges: step.charges,
            due: paid.due,
            voucher: paid.voucher,
            balance: paid.balance,
            granted: paid.granted,
            credit: paid.credit,
            external: paid.external,
            outstanding: paid.outstanding,
            run_id: self.run_ids.get(&due.at).cloned().unwrap_or_default(),
        }
    }

    fn close(mut self) -> Result<(), Failure> {
        for ((at, currency), (builder, ids)) in std::mem::take(&mut self.legs) {
            let facts: Vec<&str> = ids.iter().map(String::as_str).collect();
            self.build(builder, at, &currency, "settlement", &facts)?;
        }
        Ok(())
    }

    fn build(
        &mut self,
        builder: TransactionBuilder,
        at: Instant,
        currency: &str,
        description: &str,
        facts: &[&str],
    ) -> Result<(), Failure> {
        let built = builder.build(at, currency, description, facts);
        self.batch.transactions.extend(built.map_err(|error| Failure::invariant(error.to_string()))?);
        Ok(())
    }
}

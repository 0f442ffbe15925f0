//! Decide: from what is loaded to the batch that will be recorded. Calls into `core`; reads nothing but earlier payments.

use super::Wish;
use super::bulk::AccountTotal;
use super::load::{self, Knowledge, Loaded};
use super::runs;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::id;
use reckoner_core::ledger::TransactionBuilder;
use reckoner_core::number::{AmountOverflow, Money, Quantity};
use reckoner_core::pay::{
    self, AccountMoney, ChargeDue, Effects, FundsOutcome, MoneyEvent, OpenSettlement, PaymentTerms, SettlementDue,
    SettlementTotals,
};
use reckoner_core::rate::{Bookmark, Charge, DueWindow, TierKey, Tiers, posted_lines, settle_lines};
use reckoner_core::table::FundsRow;
use reckoner_core::time::Instant;
use reckoner_store::{BookmarkRecord, SettledWindow, SettlementBatch, SettlementRecord, TierTotal, UsageAccounting};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A decided batch: what the store will record, and the charges that go to the lake.
pub(super) struct Decided {
    pub batch: SettlementBatch,
    pub charges: Vec<Charge>,
    /// How many more charges lie in files that are written already.
    pub bulk_charges: u64,
    pub latest_seq: u64,
}

pub(super) fn batch(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    mut loaded: Loaded,
    frontier: Option<Instant>,
) -> Result<Decided, Failure> {
    let tiers_before = loaded.tiers.clone();
    let prices = runs::prices_of(&loaded.counted.lines, &loaded.bulk);
    let lines = std::mem::take(&mut loaded.counted.lines);
    let posted = posted_lines(&loaded.posted).map_err(too_large)?;
    let mut charges = settle_lines(lines, posted, &mut loaded.tiers, &knowledge.terms)
        .map_err(|error| Failure::failed(error.to_string()).hint("put the quantity or the price right, then settle again"))?;

    let bulk_charges = loaded.bulk.iter().filter_map(|hour| hour.file.as_ref()).map(|file| file.rows).sum();
    let charge_files = loaded.bulk.iter().filter_map(|hour| hour.file.clone()).collect();
    let mut batch = SettlementBatch { frontier, charge_files, ..SettlementBatch::default() };
    let due = settlements(books, knowledge, &loaded, &mut charges)?;
    let run_ids = match &wish.rerun {
        None => {
            batch.runs = runs::of_windows(books, wish, knowledge, &loaded, &charges, &prices);
            batch.runs.iter().map(|run| (run.window.end, run.run_id.clone())).collect()
        }
        Some(rerun) => {
            let run = runs::of_rerun(books, (wish, rerun), knowledge, &loaded, &charges, &prices);
            let ends = charges.iter().map(|charge| charge.transaction_at);
            let run_ids = ends.map(|end| (end, run.run_id.clone())).collect();
            batch.runs = vec![run];
            run_ids
        }
    };
    pay_all(books, knowledge, std::mem::take(&mut loaded.funds), due, &run_ids, &mut batch)?;
    runs::count_postings(&mut batch, wish.rerun.is_some());
    (batch.tier_totals, batch.tier_totals_gone) =
        (new_totals(&loaded.tiers, &tiers_before), gone_totals(&loaded.tiers, &tiers_before));
    if wish.is_partial() {
        batch.bookmark = bookmark(books, wish, knowledge, &loaded);
    } else {
        batch.windows = loaded.due.iter().map(|due| claim(due, knowledge.latest_seq)).collect();
    }
    // A partial run leaves the units to the run that claims the window; prices that change move them at once.
    if !wish.is_partial() || wish.reprices() {
        batch.accounting = accounting(&loaded);
    }
    Ok(Decided { batch, charges, bulk_charges, latest_seq: knowledge.latest_seq })
}

/// What a partial run covers: later runs of the same windows price it as this one did.
fn bookmark(books: &Books, wish: &Wish, knowledge: &Knowledge, loaded: &Loaded) -> Option<BookmarkRecord> {
    let bookmark = Bookmark {
        covers: load::span_of(&loaded.due)?,
        account_id: wish.account_id.clone(),
        sku: wish.sku.clone(),
        book_seq: knowledge.latest_seq,
        reprices: false,
    };
    Some(BookmarkRecord { bookmark, rerun: None, actor: books.actor.clone(), at: books.as_of })
}

fn too_large(error: AmountOverflow) -> Failure {
    Failure::failed(error.to_string()).hint("put the quantity or the price right, then settle again")
}

fn claim(due: &DueWindow, latest_seq: u64) -> (SettledWindow, Option<u64>) {
    let state = SettledWindow { kind: due.kind, window: due.window, settled_seq: latest_seq, book_seq: due.book_seq };
    (state, due.settled_seq)
}

/// What became due, by instant and account.
type Due = BTreeMap<(Instant, String), Asked>;

/// A settlement that asks for payment.
struct Asked {
    revision: u32,
    /// How many charges it has: `due` has those in bulk summed by product.
    charges: u64,
    due: SettlementDue,
}

/// The run that settles each instant.
type RunIds = HashMap<Instant, String>;

/// One settlement per account and instant; its id goes into its charges.
fn settlements(books: &Books, knowledge: &Knowledge, loaded: &Loaded, charges: &mut [Charge]) -> Result<Due, Failure> {
    let has_history: BTreeSet<Instant> = loaded
        .due
        .iter()
        .map(|due| due.window.end)
        .filter(|end| knowledge.settled_ends.contains(end))
        .chain(loaded.posted.iter().map(|charge| charge.transaction_at))
        .collect();
    let mut due = Due::new();
    let mut asked = |at: Instant, account_id: &str, billing_period: &str| -> Result<(), Failure> {
        let place = (at, account_id.to_owned());
        if due.contains_key(&place) {
            return Ok(());
        }
        let revision = if has_history.contains(&at) { books.store().settlement_revisions(account_id, at)? } else { 0 };
        due.insert(place, Asked::new(knowledge, account_id, at, revision, billing_period));
        Ok(())
    };
    for charge in charges.iter() {
        asked(charge.transaction_at, &charge.key.account_id, &charge.billing_period)?;
    }
    for hour in &loaded.bulk {
        let billing_period = knowledge.terms.zone.billing_period(hour.due.window.start);
        for total in &hour.totals {
            asked(hour.due.window.end, &total.account_id, &billing_period)?;
        }
    }
    for charge in charges {
        let asked = due.get_mut(&(charge.transaction_at, charge.key.account_id.clone())).expect("it was asked for");
        asked.add(charge);
    }
    for hour in &loaded.bulk {
        for total in &hour.totals {
            let asked = due.get_mut(&(hour.due.window.end, total.account_id.clone())).expect("it was asked for");
            asked.add_bulk(hour.due.window.start, total);
        }
    }
    for asked in due.values_mut() {
        asked.due.charges.sort_by(|a, b| a.charge_id.cmp(&b.charge_id));
    }
    Ok(due)
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
}

/// One account's events in the order of its timeline: instant, rank, id.
type Timeline = BTreeMap<(Instant, u8, String), MoneyEvent>;

/// Takes every account along its timeline: money in before the settlement of the same instant.
fn pay_all(
    books: &Books,
    knowledge: &Knowledge,
    funds: Vec<FundsRow>,
    due: Due,
    ids: &RunIds,
    batch: &mut SettlementBatch,
) -> Result<(), Failure> {
    let mut timelines: BTreeMap<String, Timeline> = BTreeMap::new();
    for row in funds {
        let place = (row.at, 1, row.entry_id.clone());
        timelines.entry(row.account_id.clone()).or_default().insert(place, MoneyEvent::Funds(row));
    }
    let mut asked = HashMap::new();
    for ((at, account_id), Asked { revision, charges, due }) in due {
        let place = (at, 2, due.settlement_id.clone());
        asked.insert(due.settlement_id.clone(), (revision, charges));
        timelines.entry(account_id).or_default().insert(place, MoneyEvent::Settlement(due));
    }

    let account_ids: Vec<String> = timelines.keys().cloned().collect();
    let mut money = load::money(books.store(), &account_ids)?;
    let accounts = &knowledge.terms.accounts;
    let mut posting = Posting { run_ids: ids, asked: &asked, batch, legs: BTreeMap::new() };
    for (account_id, timeline) in timelines {
        let Some(currency) = accounts.currency(&account_id) else { continue };
        let before = money.wallets.get(&account_id).cloned();
        let mut account = load::account_money(books.store(), &mut money, &account_id, currency, timeline.values())?;
        let mut instants = instants_of(&account);
        for ((at, _, id), event) in timeline {
            instants.insert(id, at);
            let row = accounts.at(&account_id, at).expect("an account with a currency has a row");
            let effects = pay::apply(&mut account, &event, PaymentTerms::of(row), &books.profile);
            posting.add(&account_id, currency, &event, effects, &instants)?;
        }
        if before.as_ref() != Some(&account.wallet) {
            posting.batch.wallets.push(account.wallet);
        }
    }
    posting.close()
}

/// The instants of what an account settled before and of what it has open, by id.
fn instants_of(account: &AccountMoney) -> HashMap<String, Instant> {
    let open = account.open.iter().map(|open| (open.settlement_id.clone(), open.at));
    account.settled.iter().map(|(id, settled)| (id.clone(), settled.at)).chain(open).collect()
}

/// Gathers what the accounts' effects record. What all accounts of an instant have in common is one ledger transaction per
/// currency.
struct Posting<'a> {
    run_ids: &'a RunIds,
    /// By settlement its revision and how many charges it has.
    asked: &'a HashMap<String, (u32, u64)>,
    batch: &'a mut SettlementBatch,
    legs: BTreeMap<(Instant, String), (TransactionBuilder, Vec<String>)>,
}

impl Posting<'_> {
    fn add(
        &mut self,
        account_id: &str,
        currency: &str,
        event: &MoneyEvent,
        effects: Effects,
        instants: &HashMap<String, Instant>,
    ) -> Result<(), Failure> {
        let mut outstanding: BTreeMap<String, Money> = effects.outstanding.into_iter().collect();
        match event {
            MoneyEvent::Settlement(due) => {
                let paid = effects.totals.expect("a settlement has totals");
                self.batch.settlements.push(self.settlement(account_id, currency, due, paid));
                let (builder, ids) = self.legs.entry((due.at, currency.to_owned())).or_default();
                builder.extend(effects.legs);
                ids.push(due.settlement_id.clone());
            }
            MoneyEvent::Funds(row) => {
                let mut builder = TransactionBuilder::new();
                builder.extend(effects.legs);
                self.build(builder, row.at, currency, event.description(), &[&row.entry_id])?;
                let outcome = effects.funds.expect("a funds entry has an outcome");
                let status = outcome.status().to_owned();
                let refusal = match outcome {
                    FundsOutcome::Done => None,
                    FundsOutcome::Refused(why) => Some(why),
                };
                self.batch.funds.push((row.entry_id.clone(), status, refusal));
                // What a chargeback leaves open is of no settlement: it stands under the entry's own id.
                if let Some(left) = outstanding.remove(&row.entry_id) {
                    let open = OpenSettlement {
                        settlement_id: row.entry_id.clone(),
                        at: row.at,
                        billing_period: String::new(),
                        outstanding: left,
                        payment_lines: 0,
                    };
                    self.batch.opened.push((account_id.to_owned(), open));
                }
            }
        }
        self.batch.payments.extend(effects.payments);
        self.batch.outstanding.extend(outstanding.into_iter().map(|(id, now)| {
            let at = *instants.get(&id).expect("what changes was settled or open before, or is an event of the timeline");
            (id, at, now)
        }));
        self.batch.vouchers.extend(effects.vouchers);
        Ok(())
    }

    fn settlement(&self, account_id: &str, currency: &str, due: &SettlementDue, paid: SettlementTotals) -> SettlementRecord {
        let (revision, charges) = self.asked.get(&due.settlement_id).copied().unwrap_or_default();
        SettlementRecord {
            settlement_id: due.settlement_id.clone(),
            account_id: account_id.to_owned(),
            at: due.at,
            revision,
            billing_period: due.billing_period.clone(),
            currency: currency.to_owned(),
            charges,
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

/// The totals that differ from those before.
fn new_totals(after: &Tiers, before: &Tiers) -> Vec<TierTotal> {
    let was = |key: &TierKey, resource_id: &str| before.get(key).and_then(|state| state.by_resource.get(resource_id));
    let changed = totals(after).filter(|(key, resource_id, quantity)| was(key, resource_id) != Some(quantity));
    changed.map(tier_total).collect()
}

/// The totals of resources whose use was all taken back.
fn gone_totals(after: &Tiers, before: &Tiers) -> Vec<TierTotal> {
    let is_there =
        |key: &TierKey, resource_id: &str| after.get(key).is_some_and(|state| state.by_resource.contains_key(resource_id));
    totals(before).filter(|(key, resource_id, _)| !is_there(key, resource_id)).map(tier_total).collect()
}

fn totals(tiers: &Tiers) -> impl Iterator<Item = (&TierKey, &String, Quantity)> {
    tiers
        .iter()
        .flat_map(|(key, state)| state.by_resource.iter().map(move |(resource_id, quantity)| (key, resource_id, *quantity)))
}

fn tier_total((key, resource_id, quantity): (&TierKey, &String, Quantity)) -> TierTotal {
    TierTotal {
        account_id: key.account_id.clone(),
        sku: key.sku.clone(),
        price_id: key.price_id.clone(),
        billing_period: key.billing_period.clone(),
        resource_id: resource_id.clone(),
        quantity,
    }
}

fn accounting(loaded: &Loaded) -> Vec<UsageAccounting> {
    let rows = loaded.counted.units.iter().map(|((hour, account_id, sku, unit), units)| UsageAccounting {
        hour: *hour,
        account_id: account_id.clone(),
        sku: sku.clone(),
        unit: unit.clone(),
        accepted: Quantity::ZERO,
        charged: units.charged,
        zero_rated: units.zero_rated,
        duplicate: Quantity::ZERO,
        quarantined: Quantity::ZERO,
        minimum: units.minimum,
    });
    rows.collect()
}

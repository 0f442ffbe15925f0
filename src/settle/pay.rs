//! Paying: what became due for each account, taken along its timeline, and what that records.

use super::bulk::{AccountDue, RatedHour};
use super::load::{Knowledge, Loaded};
use super::posting::{PlainPosting, Posting};
use super::purses::{Plain, Purses};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::id;
use reckoner_core::pay::{self, AccountMoney, ChargeDue, MoneyEvent, PaymentTerms, SettlementDue};
use reckoner_core::rate::Charge;
use reckoner_core::table::FundsRow;
use reckoner_core::time::Instant;
use reckoner_store::SettlementBatch;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The run that settles each instant.
pub(super) type RunIds = HashMap<Instant, Arc<str>>;

/// One thing that happens to an account.
pub(super) struct Step {
    pub account_id: Arc<str>,
    /// Money comes in before the settlement of the same instant.
    rank: u8,
    /// Of a settlement.
    pub revision: u32,
    /// Of a settlement, how many charges it has: `event` has those in bulk summed by product.
    pub charges: u64,
    pub event: MoneyEvent,
}

/// Everything that happens to accounts in a batch.
pub(super) struct Steps<'a> {
    steps: Vec<Step>,
    /// First settlements, all in bulk, of accounts to which nothing else happens.
    plain: Vec<PlainPosting<'a>>,
}

impl Step {
    fn of_funds(row: FundsRow) -> Self {
        Self { account_id: Arc::from(row.account_id.as_str()), rank: 1, revision: 0, charges: 0, event: MoneyEvent::Funds(row) }
    }

    pub fn id(&self) -> &str {
        match &self.event {
            MoneyEvent::Funds(row) => &row.entry_id,
            MoneyEvent::Settlement(due) => &due.settlement_id,
        }
    }

    /// Its place among all steps: account by account, each along its timeline.
    fn place(&self) -> impl Ord + '_ {
        (&*self.account_id, self.event.at(), self.rank, self.id())
    }
}

/// A settlement that asks for payment.
struct Asked {
    revision: u32,
    charges: u64,
    due: SettlementDue,
}

/// Everything that happens to accounts: one settlement per account and instant, whose id goes into its charges, and funds
/// entries.
pub(super) fn steps<'a>(
    books: &Books,
    knowledge: &Knowledge,
    loaded: &'a Loaded,
    charges: &mut [Charge],
    funds: Vec<FundsRow>,
) -> Result<Steps<'a>, Failure> {
    let not_plain = not_plain(loaded, charges, &funds);
    let mut by_line = by_line(books, knowledge, loaded, charges)?;

    let (mut steps, mut plain): (Vec<Step>, _) = (funds.into_iter().map(Step::of_funds).collect(), Vec::new());
    for hour in &loaded.bulk {
        let at = hour.due.window.end;
        for due in &hour.dues {
            if !not_plain.contains(&*due.account_id) {
                let (billing_period, products) = (&hour.billing_period, hour.products_of(due));
                plain.push(PlainPosting { at, billing_period, due, products });
                continue;
            }
            let asked = by_line.remove(&(at, due.account_id.to_string()));
            // A window with charges in bulk was never settled before.
            let mut asked = asked.unwrap_or_else(|| Asked::new(knowledge, &due.account_id, at, 0, &hour.billing_period));
            asked.add_bulk(hour, due);
            steps.push(asked.into_step(Arc::clone(&due.account_id)));
        }
    }
    steps.extend(by_line.into_iter().map(|((_, account_id), asked)| asked.into_step(account_id.into())));
    Ok(Steps { steps, plain })
}

/// Accounts with more than first settlements in bulk that something is due for.
fn not_plain(loaded: &Loaded, charges: &[Charge], funds: &[FundsRow]) -> HashSet<String> {
    let in_favour = loaded.bulk.iter().flat_map(|hour| &hour.dues).filter(|due| due.due.is_negative());
    let others = charges.iter().map(|charge| charge.key.account_id.as_str());
    let others = others.chain(funds.iter().map(|row| row.account_id.as_str()));
    let mut not_plain: HashSet<String> = HashSet::new();
    for account_id in others.chain(in_favour.map(|due| &*due.account_id)) {
        if !not_plain.contains(account_id) {
            not_plain.insert(account_id.to_owned());
        }
    }
    not_plain
}

/// What single charges ask for, by instant and account.
fn by_line(
    books: &Books,
    knowledge: &Knowledge,
    loaded: &Loaded,
    charges: &mut [Charge],
) -> Result<BTreeMap<(Instant, String), Asked>, Failure> {
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
    Ok(by_line)
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

    /// Adds what became due in bulk, by product: of an account without vouchers nobody asks for single charges.
    fn add_bulk(&mut self, hour: &RatedHour, due: &AccountDue) {
        self.charges += due.charges;
        self.due.charges.extend(hour.products_of(due).iter().map(|product| ChargeDue {
            charge_id: String::new(),
            product: product.price.row.product.clone(),
            sku: String::new(),
            billing_mode: product.price.row.billing_mode,
            region: None,
            window_start: hour.due.window.start,
            due: product.due,
        }));
    }

    fn into_step(mut self, account_id: Arc<str>) -> Step {
        self.due.charges.sort_by(|a, b| a.charge_id.cmp(&b.charge_id));
        let Self { revision, charges, due } = self;
        Step { account_id, rank: 2, revision, charges, event: MoneyEvent::Settlement(due) }
    }
}

/// Takes every account along its timeline, in the order of accounts.
pub(super) fn pay_all<'a>(
    books: &Books,
    knowledge: &Knowledge,
    purses: &mut Purses,
    steps: Steps<'a>,
    ids: &'a RunIds,
    batch: &'a mut SettlementBatch,
) -> Result<(), Failure> {
    let Steps { steps, mut plain } = steps;
    // In order by reference: steps are large, and come hour by hour in the order of accounts.
    let mut steps: Vec<&Step> = steps.iter().collect();
    steps.sort_by(|a, b| a.place().cmp(&b.place()));
    plain.sort_by(|a, b| (&*a.due.account_id, a.at).cmp(&(&*b.due.account_id, b.at)));
    purses.fetch(books.store(), steps.chunk_by(|a, b| a.account_id == b.account_id).map(|steps| &*steps[0].account_id))?;
    let plain = || {
        plain.chunk_by(|a, b| a.due.account_id == b.due.account_id).filter_map(|postings| {
            let account_id = &postings[0].due.account_id;
            Some((account_id, knowledge.terms.accounts.currency(account_id)?, postings))
        })
    };
    purses.fetch_plain(books.store(), plain().map(|(account_id, currency, _)| (account_id, currency)))?;

    let mut payer = Payer { books, knowledge, purses, posting: Posting::new(ids, batch), currency: Arc::from("") };
    let mut plain = plain().peekable();
    for steps in steps.chunk_by(|a, b| a.account_id == b.account_id) {
        while let Some((_, currency, postings)) = plain.next_if(|(account_id, ..)| *account_id < &steps[0].account_id) {
            payer.pay_plainly(currency, postings);
        }
        payer.pay(steps)?;
    }
    plain.for_each(|(_, currency, postings)| payer.pay_plainly(currency, postings));
    payer.posting.close()
}

/// Pays for one account after the other.
struct Payer<'a> {
    books: &'a Books,
    knowledge: &'a Knowledge,
    purses: &'a mut Purses,
    posting: Posting<'a>,
    /// The currency of the account before.
    currency: Arc<str>,
}

impl<'a> Payer<'a> {
    fn pay(&mut self, steps: &[&Step]) -> Result<(), Failure> {
        let (books, accounts) = (self.books, &self.knowledge.terms.accounts);
        let account_id = &*steps[0].account_id;
        let Some(currency) = accounts.currency(account_id) else { return Ok(()) };
        let shared = self.shared(currency);
        let is_new = !self.purses.has_wallet(account_id);
        let mut account = self.purses.take(books.store(), account_id, currency, steps.iter().map(|step| &step.event))?;
        let before = account.wallet.clone();
        let mut instants = None;
        for step in steps {
            let at = step.event.at();
            let row = accounts.at(account_id, at).expect("an account with a currency has a row");
            if moves_others(&step.event) && instants.is_none() {
                instants = Some(instants_of(&account, steps));
            }
            let effects = pay::apply(&mut account, &step.event, PaymentTerms::of(row), &books.profile);
            self.posting.add(step, &shared, effects, instants.as_ref())?;
        }
        if is_new || before != account.wallet {
            self.posting.batch.wallets.push(account.wallet.clone());
        }
        self.purses.put_back(account);
        Ok(())
    }

    /// Pays the first settlements of an account to which nothing else happens.
    fn pay_plainly(&mut self, currency: &str, postings: &[PlainPosting<'a>]) {
        let (accounts, account_id) = (&self.knowledge.terms.accounts, &postings[0].due.account_id);
        let shared = self.shared(currency);
        let Plain { purse, is_new } = self.purses.plain(account_id);
        let before = purse.wallet.clone();
        for posting in postings {
            let row = accounts.at(account_id, posting.at).expect("an account with a currency has a row");
            let terms = PaymentTerms::of(row);
            let effects = pay::apply_plain(purse, posting.at, posting.due.due, terms, &self.books.profile);
            let effects = effects.expect("what is in favour of an account goes the usual way");
            self.posting.add_plain(posting, &shared, &purse.wallet, &effects);
        }
        if std::mem::take(is_new) || before != purse.wallet {
            self.posting.batch.wallets.push(purse.wallet.clone());
        }
    }

    /// The currency as a text that settlements share.
    fn shared(&mut self, currency: &str) -> Arc<str> {
        if *self.currency != *currency {
            self.currency = Arc::from(currency);
        }
        Arc::clone(&self.currency)
    }
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

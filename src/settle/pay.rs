//! Paying: what became due for each account, taken along its timeline, and what that records.

use super::bulk::{AccountDue, RatedHour};
use super::load::{Knowledge, Loaded};
use super::posting::{PlainPosting, Posting};
use super::purses::{Plain, Purses};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::account::AccountRows;
use reckoner_core::life::{self, Given, LifeAccount, LifeEffects, Standing, Taken};
use reckoner_core::pay::{self, ChargeDue, MoneyEvent, PaymentTerms, SettlementDue};
use reckoner_core::profile::{ArrearsAt, DaysByLevel};
use reckoner_core::rate::Charge;
use reckoner_core::table::{BillingMode, FundsRow, OrderRow};
use reckoner_core::time::Instant;
use reckoner_engine::post::{self, Before};
use reckoner_engine::{EngineError, Lives};
use reckoner_store::SettlementBatch;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The run that settles each instant.
pub(super) type RunIds = HashMap<Instant, Arc<str>>;

/// One thing that happens to an account.
pub(super) struct Step {
    pub account_id: Arc<str>,
    /// Of a settlement.
    pub revision: u32,
    /// Of a settlement, how many charges it has: `event` has those in bulk summed by product.
    pub charges: u64,
    pub event: MoneyEvent,
}

/// Everything that happens to accounts in a batch.
pub(super) struct Steps<'a> {
    steps: Vec<Step>,
    /// First settlements, all in bulk, of accounts to which nothing else happens but what time does to those that bought
    /// nothing.
    plain: Vec<PlainPosting<'a>>,
    /// Of the accounts to which anything else happens, or for which something is due by itself.
    lives: Lives,
}

impl Step {
    fn of_funds(row: FundsRow) -> Self {
        Self { account_id: Arc::from(row.account_id.as_str()), revision: 0, charges: 0, event: MoneyEvent::Funds(row) }
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
    let not_plain = not_plain(books, loaded, charges, &funds);
    let ids: BTreeSet<&str> = not_plain.iter().chain(&loaded.lives).map(String::as_str).collect();
    let lives = Lives::load(books.store(), &ids.into_iter().map(str::to_owned).collect::<Vec<_>>())?;
    let mut by_line = by_line(books, knowledge, loaded, charges)?;

    let (mut steps, mut plain): (Vec<Step>, _) = (funds.into_iter().map(Step::of_funds).collect(), Vec::new());
    for hour in &loaded.bulk {
        let at = hour.due.window.end;
        for due in &hour.dues {
            if !not_plain.contains(&*due.account_id) && !lives.has_resources(&due.account_id) {
                plain.push(PlainPosting { at, hour, due });
                continue;
            }
            let asked = by_line.remove(&(at, due.account_id.to_string()));
            steps.push(Asked::with_bulk(asked, knowledge, hour, due).into_step(Arc::clone(&due.account_id)));
        }
    }
    steps.extend(by_line.into_iter().map(|((_, account_id), asked)| asked.into_step(account_id.into())));
    Ok(Steps { steps, plain, lives })
}

/// Accounts with more than first settlements in bulk, and what time does. Where what is not covered may freeze an
/// account at the settlement's own instant, that is everybody: the next hour of the batch has to know.
fn not_plain(books: &Books, loaded: &Loaded, charges: &[Charge], funds: &[FundsRow]) -> HashSet<String> {
    let (at, grace) = (books.profile.arrears_at, &books.profile.grace);
    let has_no_grace = DaysByLevel::LEVELS.iter().any(|level| grace.days(BillingMode::PayPerUse, level) == 0);
    let may_freeze_at_once = at == ArrearsAt::Settlement && has_no_grace;
    let all = loaded.bulk.iter().flat_map(|hour| &hour.dues).filter(|_| may_freeze_at_once).map(|due| &*due.account_id);
    let in_favour = loaded.bulk.iter().flat_map(|hour| &hour.dues).filter(|due| due.due.is_negative());
    let others = charges.iter().map(|charge| charge.key.account_id.as_str());
    let others = others.chain(funds.iter().map(|row| row.account_id.as_str()));
    let others = others.chain(loaded.orders.iter().map(|order| order.account_id.as_str())).chain(all);
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
            settlement_id: pay::settlement_id(account_id, at, revision),
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

    /// The same with what became due in bulk, which may be all of it.
    fn with_bulk(asked: Option<Self>, knowledge: &Knowledge, hour: &RatedHour, due: &AccountDue) -> Self {
        let at = hour.due.window.end;
        // A window with charges in bulk was never settled before.
        let mut asked = asked.unwrap_or_else(|| Self::new(knowledge, &due.account_id, at, 0, &hour.billing_period));
        asked.add_bulk(hour, due);
        asked
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
        Step { account_id, revision, charges, event: MoneyEvent::Settlement(due) }
    }
}

/// Takes every account along its timeline, in the order of accounts.
pub(super) fn pay_all<'a>(
    books: &Books,
    knowledge: &Knowledge,
    purses: &mut Purses,
    (steps, loaded): (Steps<'a>, &Loaded),
    ids: &'a RunIds,
    batch: &'a mut SettlementBatch,
) -> Result<(), Failure> {
    let Steps { steps, mut plain, lives } = steps;
    // Accounts to which nothing else happens go on by what time does as soon as they have paid.
    let due_by_time: HashSet<&str> = loaded.lives.iter().map(String::as_str).collect();
    let going_on = plain.iter().map(|posting| &*posting.due.account_id).filter(|account_id| due_by_time.contains(account_id));
    let going_on: HashSet<&str> = going_on.collect();
    let mut whole: BTreeMap<&str, Happening<'_>> = BTreeMap::new();
    for account_id in loaded.lives.iter().filter(|account_id| !going_on.contains(account_id.as_str())) {
        whole.entry(account_id).or_default();
    }
    steps.iter().for_each(|step| whole.entry(&step.account_id).or_default().steps.push(step));
    loaded.orders.iter().for_each(|order| whole.entry(&order.account_id).or_default().orders.push(order));
    // Mostly it is one text in memory.
    let is_same = |a: &PlainPosting<'_>, b: &PlainPosting<'_>| {
        let (one, other) = (&a.due.account_id, &b.due.account_id);
        Arc::ptr_eq(one, other) || one == other
    };
    plain.sort_by(|a, b| match is_same(a, b) {
        true => a.at.cmp(&b.at),
        false => a.due.account_id.cmp(&b.due.account_id),
    });
    let only_owes =
        |(account_id, happening): &(&&str, &Happening<'_>)| happening.takes_only() && !lives.has_resources(account_id);
    let (owing, others): (Vec<_>, Vec<_>) = whole.iter().partition(only_owes);
    purses.fetch(books.store(), others.iter().map(|(account_id, _)| **account_id))?;
    purses.fetch_owing(books.store(), owing.iter().map(|(account_id, _)| **account_id))?;
    batch.settlements.reserve(steps.len() + plain.len());
    let plain = plain.chunk_by(is_same).filter_map(|postings| {
        let account_id = &postings[0].due.account_id;
        Some((account_id, knowledge.terms.accounts.rows(account_id)?, postings))
    });
    let plain: Vec<_> = plain.collect();
    purses.fetch_plain(books.store(), plain.iter().map(|(account_id, rows, _)| (*account_id, rows.currency())))?;

    let until = loaded.until;
    let (posting, currency, going) = (Posting::new(ids, batch), Arc::from(""), Vec::new());
    let mut payer = Payer { books, knowledge, purses, lives, until, posting, currency, going };
    let mut plain = plain.into_iter().peekable();
    for (account_id, happening) in &whole {
        while let Some((plain_id, rows, postings)) = plain.next_if(|(plain_id, ..)| &***plain_id < *account_id) {
            payer.pay_postings(rows, postings, going_on.contains(&**plain_id))?;
        }
        payer.pay(account_id, happening)?;
    }
    for (plain_id, rows, postings) in plain {
        payer.pay_postings(rows, postings, going_on.contains(&**plain_id))?;
    }
    payer.go_on()?;
    payer.posting.close()
}

/// What happens to an account in a batch, beside what time does.
#[derive(Default)]
struct Happening<'a> {
    steps: Vec<&'a Step>,
    orders: Vec<&'a OrderRow>,
}

impl Happening<'_> {
    /// Whether nothing comes in by it. Of an account that has nothing which runs out or is given back, time brings nothing
    /// either.
    fn takes_only(&self) -> bool {
        let takes = |step: &&Step| matches!(&step.event, MoneyEvent::Settlement(due) if !due.is_in_favour());
        self.orders.is_empty() && self.steps.iter().all(takes)
    }

    /// Along the account's timeline.
    fn given(&self) -> Vec<Given> {
        let money = self.steps.iter().map(|step| Given::Money(step.event.clone()));
        let orders = self.orders.iter().map(|order| Given::Order(Box::new((*order).clone())));
        let mut given: Vec<Given> = money.chain(orders).collect();
        given.sort_by(|a, b| a.place().cmp(&b.place()));
        given
    }

    fn step(&self, event: &MoneyEvent) -> &Step {
        self.steps.iter().find(|step| step.event == *event).expect("what is given was a step")
    }
}

/// Pays for one account after the other.
struct Payer<'a> {
    books: &'a Books,
    knowledge: &'a Knowledge,
    purses: &'a mut Purses,
    lives: Lives,
    /// Up to where time does what it does by itself.
    until: Instant,
    posting: Posting<'a>,
    /// The currency of the account before.
    currency: Arc<str>,
    /// Accounts that have paid, and go on by what time does.
    going: Vec<GoingOn<'a>>,
}

/// An account on its way through what time does.
struct GoingOn<'a> {
    account_id: &'a Arc<str>,
    account: LifeAccount,
    before: Before,
}

/// Below this one thread takes them all.
const GOING_ON_TOGETHER: usize = if cfg!(debug_assertions) { 3 } else { 2_000 };

impl GoingOn<'_> {
    fn go_on(&mut self, knowledge: &Knowledge, until: Instant, batch: &mut SettlementBatch) -> Result<(), EngineError> {
        let (account, lives) = (&mut self.account, &knowledge.lives);
        let currency = account.money.wallet.currency.clone();
        for taken in life::advance(account, &[], until, &lives.terms()) {
            let Taken::Life(at, effects) = taken else { unreachable!("nothing is given") };
            let billing_period = knowledge.terms.zone.billing_period(at);
            post::life(batch, (self.account_id, &currency), at, &billing_period, *effects)?;
        }
        post::state(batch, &self.before, account, life::standing_next_at(account, &lives.terms()));
        Ok(())
    }
}

impl<'a> Payer<'a> {
    fn pay(&mut self, account_id: &str, happening: &Happening<'_>) -> Result<(), Failure> {
        let (books, lives) = (self.books, &self.knowledge.lives);
        let Some(currency) = self.knowledge.terms.accounts.currency(account_id) else { return Ok(()) };
        let shared = self.shared(currency);
        let is_new = !self.purses.has_wallet(account_id);
        let events = happening.steps.iter().map(|step| &step.event);
        let owing = self.purses.owing(account_id);
        let is_carried = owing.is_none();
        let money = match owing {
            Some(owing) => owing,
            None => self.purses.take(books.store(), account_id, currency, events)?,
        };
        let mut account = self.lives.take(money);
        let given = happening.given();
        reckoner_engine::know_what_was_paid(books.store(), lives, &mut account, &given)?;
        let before = Before::of(&account);

        let (payments, opened) = (self.posting.batch.payments.len(), self.posting.batch.opened.len());
        for taken in life::advance(&mut account, &given, self.until, &lives.terms()) {
            match taken {
                Taken::Money(place, effects) => {
                    let Given::Money(event) = &given[place] else { unreachable!("only money has such effects") };
                    self.posting.add(happening.step(event), &shared, effects)?;
                }
                Taken::Life(at, effects) => self.post_life((account_id, currency), at, *effects)?,
            }
        }
        post::state(self.posting.batch, &before, &account, life::standing_next_at(&account, &lives.terms()));
        // What an account owes stands beside its wallet, also where nothing of it moved.
        let batch = &mut self.posting.batch;
        let has_moved = batch.payments.len() > payments || batch.opened.len() > opened;
        if (is_new && !happening.steps.is_empty()) || has_moved || before.wallet != account.money.wallet {
            batch.wallets.push(account.money.wallet.clone());
        }
        if is_carried {
            self.purses.put_back(account.money);
        }
        Ok(())
    }

    fn post_life(&mut self, account: (&str, &str), at: Instant, effects: LifeEffects) -> Result<(), Failure> {
        let billing_period = self.books.zone.billing_period(at);
        Ok(post::life(self.posting.batch, account, at, &billing_period, effects)?)
    }

    /// Pays the first settlements of an account to which nothing else happens, but what time does where it goes on.
    fn pay_postings(&mut self, rows: AccountRows<'_>, postings: &[PlainPosting<'a>], goes_on: bool) -> Result<(), Failure> {
        let account_id = &postings[0].due.account_id;
        if !goes_on {
            self.pay_plainly(rows, postings);
            return Ok(());
        }
        let overdue = self.purses.plain(account_id).purse.wallet.in_arrears_since;
        let new = Standing::normal(account_id);
        let (standing, span) =
            (self.lives.standing(account_id).unwrap_or(&new), (postings[0].at, postings[postings.len() - 1].at));
        if life::moves_after(standing, overdue, span, &self.knowledge.lives.terms()) {
            self.pay_plainly(rows, postings);
            let money = self.purses.owing(account_id).expect("an account that has paid has a purse");
            let account = self.lives.take(money);
            let mut before = Before::of(&account);
            before.wallet.in_arrears_since = overdue;
            self.going.push(GoingOn { account_id, account, before });
            return Ok(());
        }
        let step = |posting: &PlainPosting<'_>| {
            let asked = Asked::with_bulk(None, self.knowledge, posting.hour, posting.due);
            asked.into_step(Arc::clone(account_id))
        };
        let steps: Vec<Step> = postings.iter().map(step).collect();
        self.pay(account_id, &Happening { steps: steps.iter().collect(), orders: Vec::new() })
    }

    /// Takes the accounts that have paid through what time does: each for itself, so that threads share them.
    fn go_on(&mut self) -> Result<(), Failure> {
        let (knowledge, until) = (self.knowledge, self.until);
        let mut going = std::mem::take(&mut self.going);
        let together = going.len().div_ceil(super::bulk::threads()).max(GOING_ON_TOGETHER);
        let go_on = |some: &mut [GoingOn<'_>]| {
            let mut batch = SettlementBatch::default();
            some.iter_mut().try_for_each(|one| one.go_on(knowledge, until, &mut batch)).map(|()| batch)
        };
        let gone_on: Vec<Result<SettlementBatch, EngineError>> = std::thread::scope(|scope| {
            let mut parts = going.chunks_mut(together);
            let first = parts.next();
            let others: Vec<_> = parts.map(|part| scope.spawn(move || go_on(part))).collect();
            let others = others.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            first.map(go_on).into_iter().chain(others).collect()
        });
        for batch in gone_on {
            post::append(self.posting.batch, batch?);
        }
        going.into_iter().for_each(|gone| self.purses.put_back_plain(gone.account_id, gone.account.money));
        Ok(())
    }

    /// Pays the first settlements of an account.
    fn pay_plainly(&mut self, rows: AccountRows<'_>, postings: &[PlainPosting<'a>]) {
        let account_id = &postings[0].due.account_id;
        let shared = self.shared(rows.currency());
        let Plain { purse, oldest, is_new } = self.purses.plain(account_id);
        let before = purse.wallet.clone();
        for posting in postings {
            let terms = PaymentTerms::of(rows.at(posting.at));
            let effects = pay::apply_plain(purse, posting.at, posting.due.due, terms, &self.books.profile);
            let effects = effects.expect("what is in favour of an account goes the usual way");
            if effects.totals.outstanding.is_positive() {
                let this = (posting.at, &posting.due.settlement_id);
                if oldest.as_ref().is_none_or(|oldest| this < (oldest.0, &oldest.1)) {
                    *oldest = Some((posting.at, Arc::clone(&posting.due.settlement_id)));
                }
            }
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

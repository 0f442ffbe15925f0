//! One event under way: the account that it changes, and what it has moved so far.
//!
//! Owns: numbering payment lines, posting the legs that go with them, paying back what is outstanding, when arrears begin.
//! Does not own: who pays for what (`waterfall`, `funds`, `refund` say that).
//! Promises: an amount that leaves a source leaves its ledger account by the same step.

use super::{
    AccountMoney, Effects, FundsOutcome, OpenSettlement, PaymentKind, PaymentLine, PaymentSource, SettledRef, SettlementTotals,
    Wallet,
};
use crate::ledger::{LedgerAccount, TransactionBuilder};
use crate::number::Money;
use crate::profile::Profile;
use crate::time::Instant;
use std::collections::BTreeSet;

/// The two kinds of money in a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fund {
    Cash,
    Granted,
}

impl Fund {
    pub fn source(self) -> PaymentSource {
        match self {
            Self::Cash => PaymentSource::Balance,
            Self::Granted => PaymentSource::Grant,
        }
    }

    pub fn held(self, wallet: &Wallet) -> Money {
        match self {
            Self::Cash => wallet.balance,
            Self::Granted => wallet.granted,
        }
    }

    pub fn held_on(self, account_id: &str) -> LedgerAccount<'_> {
        match self {
            Self::Cash => LedgerAccount::Wallet(account_id),
            Self::Granted => LedgerAccount::Granted(account_id),
        }
    }
}

/// One event under way: the account it changes and what it has moved so far.
pub(super) struct Moves<'a> {
    pub account: &'a mut AccountMoney,
    pub at: Instant,
    pub lines: Vec<PaymentLine>,
    pub legs: TransactionBuilder,
    changed_open: BTreeSet<String>,
    changed_vouchers: BTreeSet<usize>,
    /// Whether this event left something unpaid that is owed at once.
    pub starts_arrears: bool,
}

impl<'a> Moves<'a> {
    pub fn new(account: &'a mut AccountMoney, at: Instant) -> Self {
        let legs = TransactionBuilder::new();
        Self {
            account,
            at,
            lines: Vec::new(),
            legs,
            changed_open: BTreeSet::new(),
            changed_vouchers: BTreeSet::new(),
            starts_arrears: false,
        }
    }

    /// Adds a payment line with the next `seq` of what it pays for. Amounts of 0 make no line.
    pub fn line(&mut self, paid_for: &str, kind: PaymentKind, source: PaymentSource, source_id: Option<&str>, amount: Money) {
        if amount.is_zero() {
            return;
        }
        let seq = match self.account.open.iter_mut().find(|open| open.settlement_id == paid_for) {
            Some(open) => {
                open.payment_lines += 1;
                open.payment_lines
            }
            None => self.lines_of(paid_for) + 1,
        };
        let whose = (&self.account.wallet, paid_for, seq);
        self.lines.push(payment_line(whose, kind, (source, source_id), amount, self.at));
    }

    /// Lines of this event for one settlement.
    pub fn lines_of(&self, paid_for: &str) -> u32 {
        let count = self.lines.iter().filter(|line| line.paid_for == paid_for).count();
        u32::try_from(count).expect("an event has few lines")
    }

    /// Posts what was moved from one ledger account to another: a debit here, a credit there.
    pub fn post(&mut self, debit: LedgerAccount<'_>, credit: LedgerAccount<'_>, amount: Money) {
        self.legs.add(debit.leg(amount));
        self.legs.add(credit.leg(-amount));
    }

    /// Posts between a ledger account (debit) and this account's receivable (credit).
    pub fn post_receivable(&mut self, debit: LedgerAccount<'_>, amount: Money) {
        let account_id = self.account.wallet.account_id.clone();
        self.post(debit, LedgerAccount::Receivable(&account_id), amount);
    }

    /// Puts cash or granted money into the wallet (below 0: takes it out), against a ledger account.
    pub fn fill(&mut self, fund: Fund, against: LedgerAccount<'_>, amount: Money) {
        if amount.is_zero() {
            return;
        }
        let wallet = &mut self.account.wallet;
        let account_id = wallet.account_id.clone();
        let held = match fund {
            Fund::Cash => &mut wallet.balance,
            Fund::Granted => &mut wallet.granted,
        };
        *held += amount;
        self.post(against, fund.held_on(&account_id), amount);
    }

    /// Pays from cash or granted money what is receivable (below 0: goes back).
    pub fn spend(&mut self, fund: Fund, amount: Money) {
        let account_id = self.account.wallet.account_id.clone();
        self.fill(fund, LedgerAccount::Receivable(&account_id), -amount);
    }

    /// Records what a voucher pays (below 0: what it gets back).
    pub fn use_voucher(&mut self, at: usize, amount: Money) {
        let voucher = &mut self.account.vouchers[at];
        if amount.is_negative() {
            voucher.returned -= amount;
        } else {
            voucher.used += amount;
        }
        self.changed_vouchers.insert(at);
        self.post_receivable(LedgerAccount::Vouchers, amount);
    }

    /// Uses up a discount voucher. It took so much off a price and pays nothing, so nothing is posted.
    pub fn use_discount(&mut self, voucher_id: &str, amount: Money) {
        let at = self.account.vouchers.iter().position(|voucher| voucher.row.voucher_id == voucher_id);
        let at = at.expect("what lowers a price is a voucher of the account");
        let voucher = &mut self.account.vouchers[at];
        assert!(!voucher.is_used_up(), "discount voucher `{voucher_id}` is used once");
        voucher.used = amount;
        self.changed_vouchers.insert(at);
    }

    /// Money that has just reached the wallet repays at once: what is outstanding, oldest first, then used credit. The rest
    /// stays. `cause` is what brought it: the funds entry, or the settlement whose difference went back.
    pub fn repay(&mut self, money: &[(Fund, Money)], cause: &str) {
        let mut from_funds = Vec::new();
        for &(fund, money) in money {
            from_funds.push((fund, money - self.repay_open(fund, money, cause)));
        }

        // One line takes it off credit, whatever it was repaid from.
        let mut on_credit = self.account.wallet.credit_used;
        for (_, left) in &mut from_funds {
            *left = on_credit.min(*left);
            on_credit -= *left;
        }
        let repaid: Money = from_funds.iter().map(|(_, amount)| *amount).sum();
        self.line(cause, PaymentKind::Repayment, PaymentSource::Credit, Some(cause), -repaid);
        self.account.wallet.credit_used -= repaid;
        for (fund, amount) in from_funds {
            self.line(cause, PaymentKind::Repayment, fund.source(), Some(cause), amount);
            self.spend(fund, amount);
        }
    }

    /// Repays what is outstanding, oldest first. Hands back how much.
    fn repay_open(&mut self, fund: Fund, money: Money, cause: &str) -> Money {
        let mut left = money;
        for at in 0..self.account.open.len() {
            let amount = left.min(self.account.open[at].outstanding);
            if amount.is_zero() {
                continue;
            }
            let settlement_id = self.account.open[at].settlement_id.clone();
            self.line(&settlement_id, PaymentKind::Repayment, fund.source(), Some(cause), amount);
            self.spend(fund, amount);
            self.reduce_open(at, amount);
            left -= amount;
        }
        money - left
    }

    /// Takes what is outstanding off open settlements, in this order, at most `amount`. Hands back how much.
    pub fn cancel_open(&mut self, order: &[usize], amount: Money) -> Money {
        let mut left = amount;
        for &at in order {
            let part = left.min(self.account.open[at].outstanding);
            if part.is_positive() {
                self.reduce_open(at, part);
                left -= part;
            }
        }
        amount - left
    }

    /// Keeps what a settlement leaves outstanding, in its place among the open ones.
    pub fn open(&mut self, settlement_id: &str, settled: SettledRef, outstanding: Money) {
        let SettledRef { at, billing_period } = settled.clone();
        self.account.settled.insert(settlement_id.to_owned(), settled);
        if outstanding.is_zero() {
            return;
        }
        let payment_lines = self.lines_of(settlement_id);
        let open = OpenSettlement { settlement_id: settlement_id.to_owned(), at, billing_period, outstanding, payment_lines };
        let place = self.account.open.partition_point(|other| (other.at, &other.settlement_id) < (at, &open.settlement_id));
        self.account.open.insert(place, open);
        self.changed_open.insert(settlement_id.to_owned());
    }

    /// Takes `amount` off what is outstanding of `self.account.open[at]`.
    fn reduce_open(&mut self, at: usize, amount: Money) {
        let open = &mut self.account.open[at];
        open.outstanding -= amount;
        self.changed_open.insert(open.settlement_id.clone());
    }

    /// The effects; settles whether the account is in arrears.
    pub fn finish(self, totals: Option<SettlementTotals>, funds: Option<FundsOutcome>, profile: &Profile) -> Effects {
        let Self { account, at, lines, legs, changed_open, changed_vouchers, starts_arrears } = self;
        let open = |id: &String| account.open.iter().find(|open| open.settlement_id == *id);
        let changed = changed_open.iter().filter_map(open);
        let outstanding = changed.map(|open| (open.settlement_id.clone(), open.at, open.outstanding)).collect();
        account.open.retain(|open| open.outstanding.is_positive());
        account.paid.extend(lines.iter().cloned());

        let outstanding_in_all = account.outstanding();
        put_arrears(&mut account.wallet, outstanding_in_all, starts_arrears, at, profile);

        let changed = changed_vouchers.iter().map(|at| &account.vouchers[*at]);
        let mut vouchers: Vec<_> =
            changed.map(|voucher| (voucher.row.voucher_id.clone(), voucher.used, voucher.returned)).collect();
        vouchers.sort();
        Effects { payments: lines, totals, funds, outstanding, vouchers, legs: legs.into_legs() }
    }
}

/// The payment line of these facts.
pub(super) fn payment_line(
    (wallet, paid_for, seq): (&Wallet, &str, u32),
    kind: PaymentKind,
    (source, source_id): (PaymentSource, Option<&str>),
    amount: Money,
    at: Instant,
) -> PaymentLine {
    let facts = [&wallet.account_id, paid_for, kind.as_str(), source.as_str(), source_id.unwrap_or_default()];
    PaymentLine {
        payment_id: crate::id::derive("pay", &facts),
        account_id: wallet.account_id.clone(),
        paid_for: paid_for.to_owned(),
        seq,
        kind,
        source,
        source_id: source_id.map(str::to_owned),
        amount,
        currency: wallet.currency.clone(),
        at,
    }
}

/// Whether the account is in arrears, after an event at this instant, with so much outstanding in all.
pub(super) fn put_arrears(wallet: &mut Wallet, outstanding: Money, starts_arrears: bool, at: Instant, profile: &Profile) {
    if outstanding < profile.arrears_threshold.amount(&wallet.currency) {
        wallet.in_arrears_since = None;
    } else if starts_arrears && wallet.in_arrears_since.is_none() {
        wallet.in_arrears_since = Some(at);
    }
}

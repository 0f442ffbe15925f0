//! The ledger: balanced in itself, and saying of every account what the other books say.

use super::days::Income;
use super::payments::Paid;
use super::{Check, Report, slices};
use crate::books::Books;
use reckoner_core::audit::{self, Finding};
use reckoner_core::ledger::{LedgerAccount, Transaction, transaction_id};
use reckoner_core::number::Money;
use reckoner_core::table::FundsKind;
use reckoner_store::FundsEntry;
use std::collections::{BTreeMap, HashMap};

/// Currency and name of a ledger account.
type Place = (String, String);

/// What the ledger comes to, at 1e-8.
#[derive(Default)]
pub(super) struct Sums {
    accounts: BTreeMap<Place, i128>,
    /// What chargebacks left open, by funds entry: only the ledger has it.
    pub chargebacks: HashMap<String, i128>,
}

/// The description of a chargeback's transaction.
const CHARGEBACK: &str = "chargeback";

/// Adds up the ledger, transaction by transaction.
pub(super) fn sums(books: &Books, report: &mut Report) -> Option<Sums> {
    report.attempt(&[Check::LedgerLegs, Check::LedgerBalance], |report| {
        let mut entries: HashMap<String, FundsEntry> = HashMap::new();
        for entry in books.store().funds()?.into_iter().filter(|entry| entry.row.kind == FundsKind::Chargeback) {
            let row = &entry.row;
            entries.insert(transaction_id(CHARGEBACK, row.at, &row.currency, &[&row.entry_id]), entry);
        }

        let mut sums = Sums::default();
        let mut legs = 0;
        for slice in slices(books)? {
            for transaction in books.store().transactions(slice)? {
                report.judge(Check::LedgerLegs, audit::check_legs(&transaction));
                legs += transaction.legs.len() as u64;
                if let Some(entry) = entries.get(&transaction.transaction_id) {
                    sums.chargebacks.insert(entry.row.entry_id.clone(), left_open(&transaction, entry));
                }
                sums.add(transaction);
            }
        }
        report.count("ledger", "legs", legs);
        report.count("ledger", "accounts", sums.accounts.len() as u64);

        let mut by_currency: BTreeMap<&str, i128> = BTreeMap::new();
        for ((currency, _), sum) in &sums.accounts {
            *by_currency.entry(currency).or_default() += sum;
        }
        for (currency, sum) in by_currency {
            let subject = format!("the ledger in {currency}");
            report.judge(Check::LedgerBalance, audit::compare_amounts(subject, "all accounts sum to 0", sum, 0));
        }
        Ok(sums)
    })
}

impl Sums {
    fn add(&mut self, transaction: Transaction) {
        for leg in transaction.legs {
            *self.accounts.entry((transaction.currency.clone(), leg.account)).or_default() += i128::from(leg.amount.e8());
        }
    }
}

/// What a chargeback put on the account's receivable: the part that no cash covered.
fn left_open(transaction: &Transaction, entry: &FundsEntry) -> i128 {
    let receivable = LedgerAccount::Receivable(&entry.row.account_id).to_string();
    transaction.legs.iter().filter(|leg| leg.account == receivable).map(|leg| i128::from(leg.amount.e8())).sum()
}

/// Holds the ledger against wallets, what is outstanding, charges, and what funds and payments moved.
pub(super) fn check(books: &Books, sums: Option<Sums>, paid: Option<Paid>, income: Option<Income>, report: &mut Report) {
    let checks = [Check::LedgerWallets, Check::LedgerReceivables, Check::LedgerFunds];
    let (Some(Sums { mut accounts, .. }), Some(paid)) = (sums, paid) else {
        report.not_made(&checks);
        report.not_made(&[Check::LedgerIncome]);
        return;
    };

    match income {
        Some(income) => {
            // Income is a credit.
            let expected = income.into_iter().map(|(place, due_e8)| (place, -due_e8));
            compare(&mut accounts, expected.collect(), Check::LedgerIncome, "legs = - the due amounts of its charges", report);
        }
        None => {
            report.not_made(&[Check::LedgerIncome]);
            accounts.retain(|(_, name), _| class(name) != Check::LedgerIncome);
        }
    }
    report.attempt(&checks, |report| {
        check_wallets(&paid, &mut accounts, report);
        let expected = moved(&paid, &books.store().funds()?);
        compare(&mut accounts, expected, Check::LedgerFunds, "legs = what funds entries and payments moved", report);
        Ok(())
    });
    for ((currency, name), sum) in accounts.into_iter().filter(|(_, sum)| *sum != 0) {
        let subject = format!("`{name}` in {currency}");
        report.judge(class(&name), audit::compare_amounts(subject, "an account that nothing else moves is at 0", sum, 0));
    }
}

/// Which check an account of the ledger belongs to.
fn class(name: &str) -> Check {
    match name.split(':').collect::<Vec<_>>().as_slice() {
        ["liabilities", "wallet" | "granted", ..] => Check::LedgerWallets,
        ["assets", "receivable", ..] => Check::LedgerReceivables,
        ["income", ..] | ["liabilities", "deferred", ..] => Check::LedgerIncome,
        _ => Check::LedgerFunds,
    }
}

fn check_wallets(paid: &Paid, accounts: &mut BTreeMap<Place, i128>, report: &mut Report) {
    let mut take = |currency: &str, account: LedgerAccount<'_>| -> i128 {
        accounts.remove(&(currency.to_owned(), account.to_string())).unwrap_or_default()
    };
    for wallet in &paid.wallets {
        let (id, currency) = (wallet.account_id.as_str(), wallet.currency.as_str());
        let mut findings = audit::check_wallet(wallet);
        let held = [
            (LedgerAccount::Wallet(id), wallet.balance, "balance = - its legs"),
            (LedgerAccount::Granted(id), wallet.granted, "granted balance = - its legs"),
        ];
        for (account, amount, law) in held {
            let subject = format!("wallet of `{id}` (`{account}`)");
            findings.extend(audit::compare_amounts(subject, law, i128::from(amount.e8()), -take(currency, account)));
        }
        report.judge(Check::LedgerWallets, findings);

        let receivable = take(currency, LedgerAccount::Receivable(id));
        let outstanding = paid.outstanding.get(id).copied().unwrap_or_default();
        report.judge(Check::LedgerReceivables, check_receivable(id, receivable, outstanding, wallet.credit_used));
    }
}

fn check_receivable(account_id: &str, receivable_e8: i128, outstanding_e8: i128, credit_used: Money) -> Option<Finding> {
    match (i64::try_from(receivable_e8), i64::try_from(outstanding_e8)) {
        (Ok(receivable), Ok(outstanding)) => {
            audit::check_receivable(account_id, Money::from_e8(receivable), Money::from_e8(outstanding), credit_used)
        }
        // An account cannot owe that much; the sentence is the same.
        _ => audit::compare_amounts(
            format!("receivable of `{account_id}`"),
            "receivable = outstanding + credit_used",
            receivable_e8,
            outstanding_e8 + i128::from(credit_used.e8()),
        ),
    }
}

/// What the accounts that are no customer's should stand at, by what was carried out.
fn moved(paid: &Paid, funds: &[FundsEntry]) -> BTreeMap<Place, i128> {
    let mut expected: BTreeMap<Place, i128> = BTreeMap::new();
    let mut post = |currency: &str, account: LedgerAccount<'_>, amount_e8: i128| {
        *expected.entry((currency.to_owned(), account.to_string())).or_default() += amount_e8;
    };
    for entry in funds.iter().filter(|entry| entry.status == "done") {
        let amount = i128::from(entry.row.amount.e8());
        let (account, amount) = match entry.row.kind {
            FundsKind::TopUp => (LedgerAccount::Cash, amount),
            FundsKind::Withdrawal | FundsKind::Chargeback => (LedgerAccount::Cash, -amount),
            FundsKind::Grant => (LedgerAccount::Vouchers, amount),
            FundsKind::Adjustment => (LedgerAccount::Suspense, amount),
            FundsKind::WriteOff => (LedgerAccount::WriteOff, amount),
        };
        post(&entry.row.currency, account, amount);
    }
    for (currency, amount) in &paid.external {
        post(currency, LedgerAccount::Cash, *amount);
    }
    for (currency, amount) in &paid.vouchers {
        post(currency, LedgerAccount::Vouchers, *amount);
    }
    expected
}

/// Compares the accounts that are expected, and takes them away.
fn compare(
    accounts: &mut BTreeMap<Place, i128>,
    expected: BTreeMap<Place, i128>,
    check: Check,
    law: &'static str,
    report: &mut Report,
) {
    for (place, expected) in expected {
        let stated = accounts.remove(&place).unwrap_or_default();
        let (currency, name) = place;
        report.judge(check, audit::compare_amounts(format!("`{name}` in {currency}"), law, stated, expected));
    }
}

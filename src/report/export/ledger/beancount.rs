//! A journal for `beancount`: every account is opened on the day of its first transaction, with the name that the ledger
//! has for it.

use super::{Entries, names};
use reckoner_core::number::MONEY_SCALE;
use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) fn write(entries: &Entries, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "; The ledger of reckoner: a debit is above 0, dates are billing days ({}).", entries.zone)?;
    writeln!(out, "option \"title\" \"reckoner\"")?;
    for currency in entries.currencies() {
        writeln!(out, "option \"operating_currency\" \"{currency}\"")?;
    }

    // Transactions come by time, so the first date met is the earliest.
    let mut commodities: BTreeMap<&str, String> = BTreeMap::new();
    let mut accounts: BTreeMap<&str, String> = BTreeMap::new();
    for transaction in &entries.transactions {
        let date = entries.date_of(transaction);
        commodities.entry(&transaction.currency).or_insert_with(|| date.clone());
        for leg in &transaction.legs {
            accounts.entry(&leg.account).or_insert_with(|| date.clone());
        }
    }
    for (currency, date) in commodities {
        writeln!(out, "{date} commodity {currency}")?;
    }
    for (account, date) in accounts {
        writeln!(out, "{date} open {}\n  name: \"{account}\"", names::beancount(account))?;
    }

    for transaction in &entries.transactions {
        writeln!(out, "\n{} * \"{}\"", entries.date_of(transaction), transaction.description)?;
        writeln!(out, "  transaction-id: \"{}\"", transaction.transaction_id)?;
        writeln!(out, "  at: \"{}\"", entries.zone.to_text(transaction.at))?;
        for leg in &transaction.legs {
            let amount = leg.amount.to_text(MONEY_SCALE);
            writeln!(out, "  {}  {amount} {}", names::beancount(&leg.account), transaction.currency)?;
        }
    }
    out.flush()
}

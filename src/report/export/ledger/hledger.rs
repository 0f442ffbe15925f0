//! A journal that `hledger` and `ledger` both read, in their strict modes: every commodity and account is declared.

use super::{Entries, names};
use reckoner_core::number::MONEY_SCALE;
use std::collections::BTreeSet;
use std::io::{self, Write};

pub(super) fn write(entries: &Entries, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "; The ledger of reckoner: a debit is above 0, dates are billing days ({}).", entries.zone)?;
    for currency in entries.currencies() {
        writeln!(out, "commodity {currency} 1000.{}", "0".repeat(MONEY_SCALE as usize))?;
    }
    let legs = entries.transactions.iter().flat_map(|transaction| &transaction.legs);
    let accounts: BTreeSet<String> = legs.map(|leg| names::hledger(&leg.account)).collect();
    for account in &accounts {
        writeln!(out, "account {account}")?;
    }

    for transaction in &entries.transactions {
        let (date, at) = (entries.date_of(transaction), entries.zone.to_text(transaction.at));
        // `name:value` is a tag to hledger; with a blank after the colon it were one to ledger, which wants it declared.
        writeln!(out, "\n{date} ({}) {}  ; at:{at}", transaction.transaction_id, transaction.description)?;
        for leg in &transaction.legs {
            let amount = leg.amount.to_text(MONEY_SCALE);
            writeln!(out, "    {}  {} {amount}", names::hledger(&leg.account), transaction.currency)?;
        }
    }
    out.flush()
}

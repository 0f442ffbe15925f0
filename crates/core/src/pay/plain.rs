//! Paying without a list: a settlement of an account that no voucher pays for and that gets nothing back.
//!
//! What it takes then depends on the wallet alone, and what it changes beside the wallet is its own. So neither charges nor
//! earlier settlements need to be at hand, and no text is made but for money that moves. `super::apply` says the same of
//! such an account; a law holds the two together.

use super::moves::{Fund, payment_line, put_arrears};
use super::waterfall::take;
use super::{PaymentKind, PaymentLine, PaymentSource, PaymentTerms, SettlementTotals, Wallet};
use crate::ledger::LedgerAccount;
use crate::number::Money;
use crate::profile::Profile;
use crate::table::PaymentMethod;
use crate::time::Instant;

/// An account without vouchers, as far as its settlements are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purse {
    /// What it has and owes.
    pub wallet: Wallet,
    /// Everything that is not paid yet; credit in use is not part of it.
    pub outstanding: Money,
}

/// What a settlement changed. The purse has changed already; this is what is to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainEffects {
    /// What it was paid with. What is left outstanding is open under its id.
    pub totals: SettlementTotals,
    /// In the order in which they paid.
    sources: [(PaymentSource, Money); 4],
    at: Instant,
}

/// Takes an account without vouchers one settlement further; nothing, and nothing changed, where money would go back.
///
/// `due` is the sum of the settlement's charges. Settlements of an account come in the order of its timeline.
pub fn apply_plain(purse: &mut Purse, at: Instant, due: Money, terms: PaymentTerms, profile: &Profile) -> Option<PlainEffects> {
    if due.is_negative() {
        return None;
    }
    let taken = take(&purse.wallet, due, terms, profile);

    let mut totals = SettlementTotals { due, outstanding: taken.left, ..SettlementTotals::default() };
    let wallet = &mut purse.wallet;
    for (source, amount) in taken.sources {
        match source {
            PaymentSource::Balance => (wallet.balance, totals.balance) = (wallet.balance - amount, amount),
            PaymentSource::Grant => (wallet.granted, totals.granted) = (wallet.granted - amount, amount),
            PaymentSource::Credit => (wallet.credit_used, totals.credit) = (wallet.credit_used + amount, amount),
            PaymentSource::External => totals.external = amount,
            PaymentSource::Voucher | PaymentSource::FlexiCoupon | PaymentSource::StoredValue => {
                unreachable!("an account without vouchers")
            }
        }
    }
    purse.outstanding += taken.left;
    // An invoice is not overdue before its terms have passed.
    let starts_arrears = taken.left.is_positive() && terms.method != PaymentMethod::Invoice;
    put_arrears(wallet, purse.outstanding, starts_arrears, at, profile);
    Some(PlainEffects { totals, sources: taken.sources, at })
}

impl PlainEffects {
    /// The payment lines, in the order made.
    pub fn payments<'a>(&'a self, wallet: &'a Wallet, settlement_id: &'a str) -> impl Iterator<Item = PaymentLine> + 'a {
        let paid = self.sources.iter().filter(|(_, amount)| !amount.is_zero());
        (1..).zip(paid).map(move |(seq, (source, amount))| {
            payment_line((wallet, settlement_id, seq), PaymentKind::Payment, (*source, None), *amount, self.at)
        })
    }

    /// What moved on the ledger accounts, beside the income of the charges; amounts may be 0.
    pub fn moved<'a>(&self, account_id: &'a str) -> [(LedgerAccount<'a>, Money); 4] {
        let SettlementTotals { balance, granted, credit, external, outstanding, .. } = self.totals;
        [
            (LedgerAccount::Receivable(account_id), credit + outstanding),
            (Fund::Cash.held_on(account_id), balance),
            (Fund::Granted.held_on(account_id), granted),
            (LedgerAccount::Cash, external),
        ]
    }
}

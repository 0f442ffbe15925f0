//! Everything about a settlement: its charges, what paid it then and later, what is still open.

use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::number::Money;
use reckoner_core::pay::PaymentLine;
use reckoner_core::rate::Charge;
use reckoner_core::time::Window;
use reckoner_frames::{ChargeFilter, read_charges};
use reckoner_store::SettlementRecord;

/// Everything about a settlement.
#[derive(Debug, Clone)]
pub struct SettlementStory {
    /// The settlement.
    pub settlement: SettlementRecord,
    /// The charges that it settles, in the contract's order.
    pub charges: Vec<Charge>,
    /// Its payment lines, in the order made; later ones are after its instant.
    pub payments: Vec<PaymentLine>,
    /// What is open of it now.
    pub open_now: Money,
}

impl SettlementStory {
    /// Sum of what its charges make due.
    pub fn charged(&self) -> Money {
        self.charges.iter().map(|charge| charge.amounts.due).sum()
    }

    /// Whether its charges are those that it says it settles: as many, and of the same sum.
    pub fn charges_add_up(&self) -> bool {
        self.charges.len() as u64 == self.settlement.charges && self.charged() == self.settlement.due
    }

    /// What its sources paid at its instant, and what was left.
    pub fn sources(&self) -> [(&'static str, Money); 6] {
        let row = &self.settlement;
        [
            ("voucher", row.voucher),
            ("balance", row.balance),
            ("granted", row.granted),
            ("credit", row.credit),
            ("external", row.external),
            ("outstanding", row.outstanding),
        ]
    }

    /// Whether due is what the sources paid and what was left.
    pub fn sources_add_up(&self) -> bool {
        self.sources().into_iter().map(|(_, amount)| amount).sum::<Money>() == self.settlement.due
    }
}

pub(super) fn story(books: &Books, settlement: SettlementRecord) -> Result<SettlementStory, Failure> {
    let store = books.store();
    // Windows that end at its instant begin in the month before it at the earliest.
    let last = settlement.at.plus_seconds(-1);
    let within = Window::new(books.zone.month_containing(last).start, settlement.at);
    let paths: Vec<_> = store.charge_files(within)?.iter().map(|file| books.lake_path(file)).collect();
    let filter = ChargeFilter {
        within: Some(within),
        account_id: Some(settlement.account_id.to_string()),
        settlement_id: Some(settlement.settlement_id.to_string()),
        ..ChargeFilter::default()
    };
    let charges = read_charges(&paths, &filter)?;
    let open = store.open_settlements(&[settlement.account_id.to_string()])?;
    let open = open.into_iter().find(|(_, open)| *open.settlement_id == *settlement.settlement_id);
    let payments = payments(books, &settlement)?;
    Ok(SettlementStory { charges, payments, open_now: open.map_or(Money::ZERO, |(_, open)| open.outstanding), settlement })
}

/// The payment lines of a settlement, in the order made.
pub(super) fn payments(books: &Books, settlement: &SettlementRecord) -> Result<Vec<PaymentLine>, Failure> {
    let lines = books.store().payments_in_period(&settlement.account_id, &settlement.billing_period)?;
    Ok(lines.into_iter().filter(|line| *line.paid_for == *settlement.settlement_id).collect())
}

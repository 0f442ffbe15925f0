//! What a delivery does to the units of each hour: accepted, taken back, delivered again, kept in quarantine, released.

use reckoner_core::account::Accounts;
use reckoner_core::intake::{units_at_end, units_by_hour};
use reckoner_core::number::{AmountOverflow, Quantity};
use reckoner_core::price::{Prices, Timeline};
use reckoner_core::rate::last_instant;
use reckoner_core::table::UsageRow;
use reckoner_core::time::Instant;
use reckoner_store::UsageAccounting;
use std::collections::BTreeMap;

/// A refused record is counted hour by hour up to this length: a billing month and its neighbour.
const SPREAD_SECONDS_MAX: i64 = 62 * 86_400;

/// Hour, unit, quantity.
type Hours = Vec<(Instant, String, Quantity)>;

/// What happens to a row's units.
#[derive(Clone, Copy)]
pub(super) enum Column {
    Accepted,
    TakenBack,
    Duplicate,
    Quarantined,
    /// No longer in quarantine.
    Released,
}

/// The units of a row, by hour.
pub(super) fn by_hour(accounts: &Accounts, prices: &Prices, row: &UsageRow) -> Hours {
    counted(accounts, prices, row, units_by_hour)
}

/// The units of a row that is refused, by hour; of a long one all in the hour of its last instant: a mistyped year would be
/// millions of hours.
pub(super) fn refused_by_hour(accounts: &Accounts, prices: &Prices, row: &UsageRow) -> Hours {
    let is_long = row.interval().seconds() > SPREAD_SECONDS_MAX;
    counted(accounts, prices, row, if is_long { units_at_end } else { units_by_hour })
}

fn counted(
    accounts: &Accounts,
    prices: &Prices,
    row: &UsageRow,
    units: fn(&UsageRow, &Timeline) -> Result<Hours, AmountOverflow>,
) -> Hours {
    let currency = accounts.currency(&row.account_id);
    let currency = currency.or_else(|| prices.currencies(&row.sku).first().copied());
    let timeline = currency.and_then(|currency| prices.timeline(&row.sku, currency));
    let last = last_instant(row.interval());
    match timeline.filter(|timeline| timeline.at(last).is_some()) {
        Some(timeline) => units(row, timeline).unwrap_or_default(),
        // Without a price nobody knows the unit: the quantity counts as delivered, in the hour of its last instant.
        None => vec![(last.hour_start(), String::new(), row.quantity)],
    }
}

/// Units by hour, account, sku and unit.
#[derive(Default)]
pub(super) struct UnitSums {
    rows: BTreeMap<(Instant, String, String, String), UsageAccounting>,
}

impl UnitSums {
    pub(super) fn add(&mut self, key: (Instant, String, String, String), column: Column, quantity: Quantity) {
        let row = self
            .rows
            .entry(key)
            .or_insert_with_key(|(hour, account_id, sku, unit)| UsageAccounting::nothing(*hour, account_id, sku, unit));
        const FITS: &str = "each row's amount fits, so the units of an hour do";
        let sum = match column {
            Column::Accepted => &mut row.accepted,
            Column::TakenBack => {
                row.accepted = row.accepted.minus(quantity).expect(FITS);
                return;
            }
            Column::Released => {
                row.quarantined = row.quarantined.minus(quantity).expect(FITS);
                return;
            }
            Column::Duplicate => &mut row.duplicate,
            Column::Quarantined => &mut row.quarantined,
        };
        *sum = sum.plus(quantity).expect(FITS);
    }

    pub(super) fn into_rows(self) -> Vec<UsageAccounting> {
        self.rows.into_values().collect()
    }
}

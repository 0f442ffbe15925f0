//! What a delivery does to the units of each hour: accepted, taken back, delivered again, kept in quarantine, released.

use reckoner_core::number::Quantity;
use reckoner_core::time::Instant;
use reckoner_store::UsageAccounting;
use std::collections::BTreeMap;

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

/// Units by hour, account, sku and unit.
#[derive(Default)]
pub(super) struct UnitSums {
    rows: BTreeMap<(Instant, String, String, String), UsageAccounting>,
}

impl UnitSums {
    pub(super) fn add(&mut self, key: (Instant, String, String, String), column: Column, quantity: Quantity) {
        let row = self.rows.entry(key).or_insert_with_key(|(hour, account_id, sku, unit)| UsageAccounting {
            hour: *hour,
            account_id: account_id.clone(),
            sku: sku.clone(),
            unit: unit.clone(),
            accepted: Quantity::ZERO,
            charged: Quantity::ZERO,
            zero_rated: Quantity::ZERO,
            duplicate: Quantity::ZERO,
            quarantined: Quantity::ZERO,
            minimum: Quantity::ZERO,
        });
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

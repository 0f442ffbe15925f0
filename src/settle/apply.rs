//! Apply: charge files first (staged, synced, renamed), then everything in one store transaction.

use super::decide::Decided;
use crate::books::Books;
use crate::failure::Failure;
use crate::faults::{self, Point};
use crate::free;
use crate::lake;
use reckoner_core::rate::Charge;
use reckoner_core::time::Window;
use reckoner_frames::write_charges;
use reckoner_store::{LakeFile, LakeKind, StoreError};
use std::collections::BTreeMap;

pub(super) fn batch(books: &mut Books, decided: Decided) -> Result<(), Failure> {
    let Decided { mut batch, charges, latest_seq, .. } = decided;
    let mut by_day: BTreeMap<String, Vec<Charge>> = BTreeMap::new();
    for charge in charges {
        let day = books.zone.date_of(charge.key.window.start).to_string();
        by_day.entry(day).or_default().push(charge);
    }
    for (day, charges) in by_day {
        let start = charges.iter().map(|charge| charge.key.window.start).min().expect("a day has charges");
        let end = charges.iter().map(|charge| charge.key.window.end).max().expect("a day has charges");
        let placed = lake::place(&books.lake(), &format!("charges/day={day}"), |path| {
            write_charges(&charges, path).map(|written| written.bytes)
        })?;
        faults::pass(Point::SettleChargeFilePlaced)?;
        batch.charge_files.push(LakeFile {
            path: placed.path,
            kind: LakeKind::Charges,
            seq: latest_seq,
            file_id: String::new(),
            companion: String::new(),
            counts_units: false,
            rows: charges.len() as u64,
            bytes: placed.bytes,
            sha256: placed.sha256,
            span: Window::new(start, end),
        });
    }
    faults::pass(Point::SettleBeforeCommit)?;
    books.store_mut().record_settlement(&batch).map_err(|error| match error {
        StoreError::WindowMoved { .. } => {
            Failure::failed(error.to_string()).hint("nothing was recorded twice; run the command again to settle what is left")
        }
        other => other.into(),
    })?;
    free::beside(batch);
    faults::pass(Point::SettleAfterCommit)
}

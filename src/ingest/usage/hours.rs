//! What came of a row, counted: rows, the hours that it touches, its units there.

use super::super::Counts;
use super::super::units::{self, Column};
use super::Intake;
use crate::failure::Failure;
use reckoner_core::account::Accounts;
use reckoner_core::number::Quantity;
use reckoner_core::price::Prices;
use reckoner_core::table::{RawRow, TableKind, UsageRow, usage};
use reckoner_core::time::Instant;
use reckoner_store::{IngestRecord, QuarantineItem};

/// Accounts and prices, as far as they were known at some time.
pub(super) struct Knowledge {
    pub accounts: Accounts,
    pub prices: Prices,
}

impl Knowledge {
    /// The row's units by the start of the hour, with the unit's word.
    fn hours(&self, row: &UsageRow) -> Vec<(Instant, String, Quantity)> {
        units::by_hour(&self.accounts, &self.prices, row)
    }

    /// Those of a row that is refused.
    fn refused_hours(&self, row: &UsageRow) -> Vec<(Instant, String, Quantity)> {
        units::refused_by_hour(&self.accounts, &self.prices, row)
    }

    /// The account under which units are counted; empty: unknown.
    fn account<'r>(&self, row: &'r UsageRow) -> &'r str {
        if self.accounts.currency(&row.account_id).is_some() { &row.account_id } else { "" }
    }
}

impl Intake<'_> {
    pub(super) fn note_accepted(
        &mut self,
        row: &UsageRow,
        record: &mut IngestRecord,
        counts: &mut Counts,
    ) -> Result<(), Failure> {
        counts.rows += 1;
        counts.accepted += 1;
        self.note_resolved(row.line, record).map(|_| ())
    }

    pub(super) fn note_duplicate(
        &mut self,
        row: &UsageRow,
        record: &mut IngestRecord,
        counts: &mut Counts,
    ) -> Result<(), Failure> {
        // A file that was taken before has counted its duplicates, but for those that it had to refuse then.
        if self.note_resolved(row.line, record)? || self.again.is_none() {
            counts.rows += 1;
            counts.duplicates += 1;
            self.count(row, Column::Duplicate);
            self.known_by_now.iter_mut().for_each(|lines| _ = lines.insert(row.line));
        }
        Ok(())
    }

    /// Resolves the item of a line that was refused when the file was taken before; whether there is one.
    fn note_resolved(&mut self, line: u64, record: &mut IngestRecord) -> Result<bool, Failure> {
        let Some(item) = self.again.as_mut().and_then(|items| items.remove(&line)) else { return Ok(false) };
        self.release([&item])?;
        record.resolved_items.push((item.item_id, "retried".to_owned()));
        Ok(true)
    }

    pub(super) fn touch(&mut self, row: &UsageRow) {
        let hours = self.known.hours(row);
        self.touched_hours.extend(hours.into_iter().map(|(hour, ..)| hour));
    }

    pub(super) fn count(&mut self, row: &UsageRow, column: Column) {
        let account_id = self.known.account(row);
        let hours = match column {
            Column::Quarantined | Column::Released => self.known.refused_hours(row),
            Column::Accepted | Column::TakenBack | Column::Duplicate => self.known.hours(row),
        };
        for (hour, unit, quantity) in hours {
            self.units.add((hour, account_id.to_owned(), row.sku.clone(), unit), column, quantity);
        }
    }

    /// Takes the units of refused rows out of the quarantine, as they were counted when the rows came.
    ///
    /// A row that could not be read was not counted, and has none.
    pub(super) fn release<'q>(&mut self, items: impl IntoIterator<Item = &'q QuarantineItem>) -> Result<(), Failure> {
        let mut then: Option<(String, Knowledge)> = None;
        for item in items {
            let Ok(raw) = RawRow::from_pairs(TableKind::Usage.schema(), item.line, &item.raw) else { continue };
            let Ok(row) = usage::parse(&raw, &super::row_context(self.books, &|_| None)) else { continue };
            if then.as_ref().is_none_or(|(file_id, _)| *file_id != item.file_id) {
                then = Some((item.file_id.clone(), self.knowledge_of(&item.file_id)?));
            }
            let Some((_, known)) = &then else { continue };
            for (hour, unit, quantity) in known.refused_hours(&row) {
                self.units.add((hour, known.account(&row).to_owned(), row.sku.clone(), unit), Column::Released, quantity);
            }
        }
        Ok(())
    }

    /// What was known when a file was taken.
    fn knowledge_of(&self, file_id: &str) -> Result<Knowledge, Failure> {
        let store = self.books.store();
        let seq = store.input_file(file_id)?.map_or(u64::MAX, |file| file.seq);
        let accounts = store.accounts()?.into_iter().filter(|known| known.seq <= seq).map(|known| known.row);
        Ok(Knowledge { accounts: Accounts::new(accounts), prices: self.books.price_book()?.as_of(seq) })
    }
}

//! One row over and over, as in [`super::super::watched`]: said by values instead of cells.

use super::super::FileRefusal;
use super::super::watched::{REPEATS_MAX, repeated};
use reckoner_core::table::{Coded, UsageColumns};

/// Counts how often a row follows itself. Rows that are not read here are not compared: the readable way does that.
#[derive(Default)]
pub(super) struct Repeats {
    repeats: u64,
    /// The last row of the columns before, alone.
    last: Option<UsageColumns>,
}

impl Repeats {
    /// Looks at the columns that follow.
    pub(super) fn check(&mut self, columns: &UsageColumns) -> Result<(), FileRefusal> {
        let Some(last) = columns.len().checked_sub(1) else { return Ok(()) };
        let is_read = |row: usize| columns.unread.binary_search(&(row as u32)).is_err();
        let ids = &columns.record_id;
        // Rows that say the same have ids with the same end; of others that mostly tells.
        let end_of = |end: &u32| ids.text.as_bytes().get((*end as usize).wrapping_sub(1));
        let mut before = None;
        for (row, end) in ids.ends.iter().map(end_of).enumerate() {
            let is_same = match (row.checked_sub(1), &self.last) {
                (Some(other), _) => before == end && is_read(other) && is_read(row) && are_same(columns, other, columns, row),
                (None, Some(last)) => is_read(row) && are_same(last, 0, columns, row),
                (None, None) => false,
            };
            before = end;
            self.repeats = if is_same { self.repeats + 1 } else { 0 };
            if self.repeats >= REPEATS_MAX {
                return Err(repeated(columns.lines[row]));
            }
        }
        self.last = is_read(last).then(|| only(columns, last));
        Ok(())
    }
}

/// Whether two rows say the same; nearly always their first column tells that they do not.
fn are_same(one: &UsageColumns, row: usize, other: &UsageColumns, of: usize) -> bool {
    let coded = |one: &Option<Coded>, other: &Option<Coded>| {
        one.as_ref().map(|column| column.get(row)) == other.as_ref().map(|column| column.get(of))
    };
    one.record_id.get(row) == other.record_id.get(of)
        && one.account_id.get(row) == other.account_id.get(of)
        && one.resource_id.get(row) == other.resource_id.get(of)
        && one.sku.get(row) == other.sku.get(of)
        && one.started_at[row] == other.started_at[of]
        && one.ended_at[row] == other.ended_at[of]
        && one.quantity_e12[row] == other.quantity_e12[of]
        && coded(&one.region, &other.region)
        && coded(&one.resource_name, &other.resource_name)
        && coded(&one.tags, &other.tags)
        && one.revision.as_ref().map(|column| column[row]) == other.revision.as_ref().map(|column| column[of])
}

/// This row alone.
fn only(columns: &UsageColumns, row: usize) -> UsageColumns {
    let coded = |column: &Coded| {
        let mut one = Coded { codes: vec![0], ..Coded::default() };
        one.values.push(column.get(row));
        one
    };
    let mut one = UsageColumns {
        lines: vec![columns.lines[row]],
        account_id: coded(&columns.account_id),
        resource_id: coded(&columns.resource_id),
        sku: coded(&columns.sku),
        started_at: vec![columns.started_at[row]],
        ended_at: vec![columns.ended_at[row]],
        quantity_e12: vec![columns.quantity_e12[row]],
        region: columns.region.as_ref().map(coded),
        resource_name: columns.resource_name.as_ref().map(coded),
        tags: columns.tags.as_ref().map(coded),
        revision: columns.revision.as_ref().map(|column| vec![column[row]]),
        ..UsageColumns::default()
    };
    one.record_id.push(columns.record_id.get(row));
    one
}

//! What has ended around the rows of a batch: their resources, and the times in which accounts stood released.

use super::{Candidate, Intake, RecordKey};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::intake::{ResourceEnd, check_end};
use reckoner_core::table::{Refusal, UsageRow};
use reckoner_core::time::{Instant, Window};
use std::collections::{BTreeSet, HashMap};

/// What is known of ends.
pub(super) struct KnownEnds {
    /// Whether any resource has ended: nobody asks about each otherwise.
    any_resource: bool,
    /// Those of the batch under way.
    resources: HashMap<RecordKey, ResourceEnd>,
    /// By account.
    released: HashMap<String, Vec<Window>>,
}

impl KnownEnds {
    pub fn load(books: &Books) -> Result<Self, Failure> {
        let mut released: HashMap<String, Vec<Window>> = HashMap::new();
        for (account_id, times) in released_times(books)? {
            released.entry(account_id).or_default().push(times);
        }
        Ok(Self { any_resource: books.store().any_resource_ended()?, resources: HashMap::new(), released })
    }
}

/// The times in which accounts stood released; without an end where they still do.
pub(in crate::ingest) fn released_times(books: &Books) -> Result<impl Iterator<Item = (String, Window)> + use<>, Failure> {
    let intervals = books.store().released_intervals()?.into_iter();
    Ok(intervals.map(|times| (times.account_id, Window::new(times.starts_at, times.ends_at.unwrap_or(Instant::MAX)))))
}

impl Intake<'_> {
    /// Asks which resources of the batch have ended.
    pub(super) fn look_up_ends(&mut self, candidates: &[Candidate<'_>]) -> Result<(), Failure> {
        if !self.ends.any_resource {
            return Ok(());
        }
        let named = candidates.iter().map(|one| (one.row.account_id.clone(), one.row.resource_id.clone()));
        let named: BTreeSet<RecordKey> = named.collect();
        let ends = self.books.store().resource_ends(&named.into_iter().collect::<Vec<_>>())?;
        let by_name = |end: ResourceEnd| ((end.account_id.clone(), end.resource_id.clone()), end);
        self.ends.resources = ends.into_iter().map(by_name).collect();
        Ok(())
    }

    /// Whether what the row says was used was there all the time.
    pub(super) fn check_end(&self, row: &UsageRow) -> Result<(), Refusal> {
        let KnownEnds { resources, released, .. } = &self.ends;
        if resources.is_empty() && released.is_empty() {
            return Ok(());
        }
        let end = resources.get(&(row.account_id.clone(), row.resource_id.clone()));
        check_end(row, end, released.get(&row.account_id).map_or(&[], Vec::as_slice), self.books.zone)
    }
}

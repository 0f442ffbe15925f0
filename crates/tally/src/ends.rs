//! What has ended, compactly: by the hash of each resource when it ended, and when accounts stood released.
//!
//! Two resources of one hash, which hardly ever happens, count as one that ended with the first: rows are looked at the
//! readable way then that need not have been.

use crate::identity::{account_seed, in_account};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use reckoner_core::intake::usable;
use reckoner_core::time::{Instant, Window};
use std::collections::HashMap;

/// Within which time use of what is not certain to pass must be looked at.
#[derive(Debug, Default)]
pub struct Ends {
    /// The hash of account and resource, and the second at which it ended: 16 bytes each, as there may be millions.
    resources: HashTable<(u64, i64)>,
    released: HashMap<String, Vec<Window>>,
}

impl Ends {
    /// Notes that a resource ended.
    pub fn resource(&mut self, account_id: &str, resource_id: &str, ended_at: Instant) {
        let hash = in_account(account_seed(account_id), resource_id);
        match self.resources.entry(hash, |(known, _)| *known == hash, |(known, _)| *known) {
            Entry::Occupied(mut known) => known.get_mut().1 = known.get().1.min(ended_at.seconds()),
            Entry::Vacant(place) => _ = place.insert((hash, ended_at.seconds())),
        }
    }

    /// Notes that an account stood released.
    pub fn released(&mut self, account_id: &str, times: Window) {
        self.released.entry(account_id.to_owned()).or_default().push(times);
    }

    /// Whether nothing has ended.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.released.is_empty()
    }

    /// The time within which use of the resource is certain to pass; `seed` is the account's.
    pub(crate) fn usable(&self, seed: u64, account_id: &str, resource_id: &str) -> Window {
        let hash = in_account(seed, resource_id);
        let ended_at = self.resources.find(hash, |(known, _)| *known == hash).map(|(_, at)| Instant::from_seconds(*at));
        usable(ended_at, self.released.get(account_id).map_or(&[], Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_known_by_account_and_resource() {
        let mut ends = Ends::default();
        assert!(ends.is_empty());
        let at = Instant::from_seconds;
        for (account_id, resource_id, ended) in [("acme", "a", 50), ("birch", "a", 70), ("acme", "b", 60), ("acme", "b", 40)] {
            ends.resource(account_id, resource_id, at(ended));
        }
        ends.released("cedar", Window::new(at(20), at(30)));
        ends.released("birch", Window::new(at(65), Instant::MAX));
        assert!(!ends.is_empty());
        // account | resource | from, until which its use is not looked at
        let cases = [
            ("acme", "a", None, Some(50)),
            ("acme", "b", None, Some(40)), // two of one hash: the first end
            ("acme", "c", None, None),
            ("birch", "a", None, Some(65)),
            ("cedar", "a", Some(30), None),
            ("dogwood", "a", None, None),
        ];
        for (account_id, resource_id, from, until) in cases {
            let found = ends.usable(account_seed(account_id), account_id, resource_id);
            let expected = Window::new(from.map_or(Instant::MIN, at), until.map_or(Instant::MAX, at));
            assert_eq!(found, expected, "{account_id} {resource_id}");
        }
    }
}

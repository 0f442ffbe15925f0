//! The resources of an account, and which of them were touched since somebody asked.

use super::Resource;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

/// Resources by resource_id. Reads like the map that it is; what is changed is noted, so that a step that touched one of
/// many thousands is followed by a look at that one.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    by_id: BTreeMap<String, Resource>,
    touched: Touched,
    /// The members of bundles, as they were when what was touched was asked for last, and who came since.
    bundles: BTreeMap<String, BTreeSet<String>>,
}

/// Resources that were touched, as they were before; nothing: not there.
pub(super) type Touched = BTreeMap<String, Option<Resource>>;

impl Resources {
    /// The resource, to be changed.
    pub fn get_mut(&mut self, resource_id: &str) -> Option<&mut Resource> {
        let resource = self.by_id.get_mut(resource_id)?;
        if !self.touched.contains_key(resource_id) {
            self.touched.insert(resource_id.to_owned(), Some(resource.clone()));
        }
        Some(resource)
    }

    /// Adds a resource, or puts it in the place of what it was.
    pub fn insert(&mut self, resource_id: String, resource: Resource) {
        if let Some(bundle_id) = &resource.bundle_id {
            self.bundles.entry(bundle_id.clone()).or_default().insert(resource_id.clone());
        }
        let before = self.by_id.insert(resource_id.clone(), resource);
        self.touched.entry(resource_id).or_insert(before);
    }

    /// What was touched since this was asked last.
    pub(super) fn take_touched(&mut self) -> Touched {
        for resource in self.touched.keys().filter_map(|id| self.by_id.get(id)) {
            if let Some(bundle_id) = &resource.bundle_id {
                self.bundles.entry(bundle_id.clone()).or_default().insert(resource.resource_id.clone());
            }
        }
        std::mem::take(&mut self.touched)
    }

    /// The resources of a bundle, by resource_id.
    pub(super) fn of_bundle(&self, bundle_id: &str) -> impl Iterator<Item = &Resource> {
        let known = self.bundles.get(bundle_id).into_iter().flatten();
        // One that was touched may be of another bundle now.
        let ids: BTreeSet<&String> = known.chain(self.touched.keys()).collect();
        let resources = ids.into_iter().filter_map(|id| self.by_id.get(id));
        resources.filter(move |resource| resource.bundle_id.as_deref() == Some(bundle_id))
    }
}

impl Deref for Resources {
    type Target = BTreeMap<String, Resource>;

    fn deref(&self) -> &Self::Target {
        &self.by_id
    }
}

impl PartialEq for Resources {
    /// What was touched makes no difference.
    fn eq(&self, other: &Self) -> bool {
        self.by_id == other.by_id
    }
}

impl Eq for Resources {}

impl From<BTreeMap<String, Resource>> for Resources {
    fn from(by_id: BTreeMap<String, Resource>) -> Self {
        let mut bundles: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for resource in by_id.values() {
            if let Some(bundle_id) = &resource.bundle_id {
                bundles.entry(bundle_id.clone()).or_default().insert(resource.resource_id.clone());
            }
        }
        Self { by_id, touched: Touched::new(), bundles }
    }
}

impl<'a> IntoIterator for &'a Resources {
    type Item = (&'a String, &'a Resource);
    type IntoIter = std::collections::btree_map::Iter<'a, String, Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_id.iter()
    }
}

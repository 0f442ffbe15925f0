//! Partials of many files, added up: what every holding used in an hour.

use crate::codes::Codes;
use crate::error::TallyError;
use crate::merging::{Merged, merge, merge_wanted};
use crate::partial_file::{Named, PartialFile};
use crate::partials::E12;
use reckoner_core::number::Quantity;
use reckoner_core::table::Texts;
use std::path::PathBuf;

/// Holdings whose sums are brought near together.
const TOGETHER: usize = 64;

/// What a holding used in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// The holding among all.
    pub holding: u32,
    /// Rows.
    pub rows: u32,
    /// Unit-seconds, or the amount; at 1e-12.
    pub used_e12: i128,
}

/// Holdings of many files, by code; codes are in the contract's order: account, resource, sku.
#[derive(Debug, Default)]
pub struct Holdings {
    /// Accounts.
    pub accounts: Codes,
    /// The resource of each holding.
    pub resources: Texts,
    /// Skus.
    pub skus: Codes,
    /// Units of measure.
    pub units: Codes,
    /// Regions and tags.
    pub labels: [Codes; 2],
    /// Account, resource and sku of each holding.
    pub keys: Vec<[u32; 3]>,
    facts: Vec<Facts>,
}

/// What is said of a holding beside its name, by code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub unit: u32,
    pub labels: [u32; 2],
    /// Whether its rows have several labels.
    pub is_mixed: bool,
}

/// A holding in the codes of [`Holdings`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodedHolding<'a> {
    pub account: u32,
    pub resource: &'a str,
    pub sku: u32,
    pub facts: Facts,
}

impl Holdings {
    /// A holding in codes, those of new texts among them.
    pub(crate) fn coded<'a>(&mut self, named: Named<'a>) -> CodedHolding<'a> {
        let ([account, resource, sku], [region, tags]) = (named.key, named.labels);
        let labels = [self.labels[0].code(region), self.labels[1].code(tags)];
        let facts = Facts { unit: self.units.code(named.unit), labels, is_mixed: named.is_mixed };
        CodedHolding { account: self.accounts.code(account), resource, sku: self.skus.code(sku), facts }
    }

    /// Adds a holding that is not known.
    pub(crate) fn push(&mut self, named: CodedHolding<'_>) -> u32 {
        let holding = u32::try_from(self.keys.len()).expect("holdings are far fewer than 2^32");
        self.keys.push([named.account, holding, named.sku]);
        self.resources.push(named.resource);
        self.facts.push(named.facts);
        holding
    }

    /// Whether a known holding is this one.
    pub(crate) fn is(&self, holding: u32, named: CodedHolding<'_>) -> bool {
        let [account, resource, sku] = self.keys[holding as usize];
        (account, sku) == (named.account, named.sku) && self.resources.get(resource as usize) == named.resource
    }

    /// Notes what another file says of a known holding.
    pub(crate) fn meet(&mut self, holding: u32, said: Facts) {
        let known = &mut self.facts[holding as usize];
        known.is_mixed |= said.is_mixed || (known.unit, known.labels) != (said.unit, said.labels);
    }

    /// Adds holdings none of which is known; hands back the code of the first.
    pub(crate) fn append(&mut self, others: &Self) -> u32 {
        let first = u32::try_from(self.keys.len()).expect("holdings are far fewer than 2^32");
        let [accounts, skus, units] =
            [(&mut self.accounts, &others.accounts), (&mut self.skus, &others.skus), (&mut self.units, &others.units)]
                .map(|(codes, others)| codes.codes(others.texts()));
        let [regions, tags] = [0, 1].map(|place| self.labels[place].codes(others.labels[place].texts()));
        let key = |[account, resource, sku]: &[u32; 3]| [accounts[*account as usize], first + resource, skus[*sku as usize]];
        self.keys.extend(others.keys.iter().map(key));
        others.resources.iter().for_each(|resource| self.resources.push(resource));
        self.facts.extend(others.facts.iter().map(|facts| {
            let [region, tag] = facts.labels;
            let labels = [regions[region as usize], tags[tag as usize]];
            Facts { unit: units[facts.unit as usize], labels, is_mixed: facts.is_mixed }
        }));
        first
    }

    /// Brings the holdings in order, so that whoever goes through them goes through memory; hands back what was the code of each.
    fn sort(&mut self) -> Vec<u32> {
        let (accounts, skus) = (self.accounts.ranks(), self.skus.ranks());
        let mut order = self.by_account(&accounts);
        let account_of = |holding: u32| self.keys[holding as usize][0];
        let middle = order.len() / 2;
        let is_of_middle = |holding: &&u32| account_of(**holding) == account_of(order[middle]);
        let of_middle = order[..middle].iter().rev().take_while(is_of_middle).count();
        let (one, other) = order.split_at_mut(middle - of_middle);
        let first = one.len() as u32;
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| self.sorted(other, first, &skus));
            (self.sorted(one, 0, &skus), other.join())
        });
        let mut sorted = one;
        sorted.append(&other.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        let Sorted { keys, resources, facts } = sorted;
        (self.keys, self.resources, self.facts) = (keys, resources, facts);
        order
    }

    /// Brings holdings, which stand account by account, in the order of resources and skus as well; what they are, with codes
    /// from `first` on.
    fn sorted(&self, order: &mut [u32], first: u32, skus: &[u32]) -> Sorted {
        let (mut sorted, mut of_one) = (Sorted::default(), Vec::new());
        for of_account in order.chunk_by_mut(|one, other| self.keys[*one as usize][0] == self.keys[*other as usize][0]) {
            self.sort_account(of_account, skus, &mut of_one);
            for (place, Sorting { holding, resource, .. }) in of_account.iter_mut().zip(&of_one) {
                let [account, _, sku] = self.keys[*holding as usize];
                sorted.keys.push([account, first + sorted.keys.len() as u32, sku]);
                sorted.resources.push(resource);
                sorted.facts.push(self.facts[*holding as usize]);
                *place = *holding;
            }
        }
        sorted
    }

    fn sort_account<'h>(&'h self, holdings: &[u32], skus: &[u32], sorted: &mut Vec<Sorting<'h>>) {
        sorted.clear();
        sorted.extend(holdings.iter().map(|holding| {
            let [_, resource, sku] = self.keys[*holding as usize];
            Sorting { eight: 0, resource: self.resources.get(resource as usize), sku: skus[sku as usize], holding: *holding }
        }));
        // Mostly a few bytes tell resources apart, after those that all of them begin with.
        let resources = sorted.iter().map(|holding| holding.resource.as_bytes());
        let common = resources.reduce(shared).map_or(0, <[u8]>::len);
        sorted.iter_mut().for_each(|holding| holding.eight = eight(&holding.resource.as_bytes()[common..]));
        sorted.sort_unstable_by(|one, other| {
            let by_resource = one.eight.cmp(&other.eight).then_with(|| one.resource.cmp(other.resource));
            by_resource.then(one.sku.cmp(&other.sku))
        });
    }

    /// The holdings, account by account in the order of their ranks.
    fn by_account(&self, ranks: &[u32]) -> Vec<u32> {
        let rank_of = |key: &[u32; 3]| ranks[key[0] as usize] as usize;
        let mut next = vec![0_u32; ranks.len() + 1];
        self.keys.iter().for_each(|key| next[rank_of(key) + 1] += 1);
        for rank in 0..ranks.len() {
            next[rank + 1] += next[rank];
        }
        let mut order = vec![0; self.keys.len()];
        for (holding, key) in (0..).zip(&self.keys) {
            let place = &mut next[rank_of(key)];
            order[*place as usize] = holding;
            *place += 1;
        }
        order
    }

    /// Account, resource and sku of a holding.
    pub fn texts(&self, holding: u32) -> [&str; 3] {
        let [account, resource, sku] = self.keys[holding as usize];
        [self.accounts.get(account), self.resources.get(resource as usize), self.skus.get(sku)]
    }

    /// The unit in which its use is measured.
    pub fn unit(&self, holding: u32) -> &str {
        self.units.get(self.facts[holding as usize].unit)
    }

    /// The code of that unit.
    pub fn unit_code(&self, holding: u32) -> u32 {
        self.facts[holding as usize].unit
    }

    /// Codes of its region and tags.
    pub fn label_codes(&self, holding: u32) -> [u32; 2] {
        self.facts[holding as usize].labels
    }

    /// Its region and tags; empty where it has none.
    pub fn label_texts(&self, holding: u32) -> [&str; 2] {
        let [region, tags] = self.facts[holding as usize].labels;
        [self.labels[0].get(region), self.labels[1].get(tags)]
    }

    /// Whether its rows differ in what they say beside use, so that only the rows tell what counts.
    pub fn is_mixed(&self, holding: u32) -> bool {
        self.facts[holding as usize].is_mixed
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// A holding of an account on its way to its place.
struct Sorting<'h> {
    /// Bytes of its resource: where these differ, so do resources.
    eight: u64,
    resource: &'h str,
    /// The rank of its sku.
    sku: u32,
    holding: u32,
}

/// Holdings in order.
#[derive(Default)]
struct Sorted {
    keys: Vec<[u32; 3]>,
    resources: Texts,
    facts: Vec<Facts>,
}

impl Sorted {
    fn append(&mut self, after: &Self) {
        self.keys.extend_from_slice(&after.keys);
        self.resources.push_run(&after.resources, 0..after.resources.len());
        self.facts.extend_from_slice(&after.facts);
    }
}

/// What both texts begin with.
fn shared<'t>(one: &'t [u8], other: &[u8]) -> &'t [u8] {
    &one[..one.iter().zip(other).take_while(|(one, other)| one == other).count()]
}

/// The first bytes of a text, in which texts have the order that they have; those that are missing are 0.
fn eight(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => text.iter().rev().fold(0, |value, byte| value >> 8 | u64::from(*byte) << 56),
    }
}

/// Whether an account and sku are wanted.
pub type Wanted<'a> = dyn Fn(&str, &str) -> bool + 'a;

/// Partials of many files, opened and brought to one set of holdings.
pub struct Held {
    /// The holdings.
    pub holdings: Holdings,
    /// By holding its place in the order of the files.
    places: Vec<u32>,
    files: Vec<OpenFile>,
}

/// A file of partials, and whose sums it has.
pub(crate) struct OpenFile {
    pub file: PartialFile,
    /// The delivery.
    pub seq: u64,
    /// For every row of the file the place of its holding among all, ascending; none: not wanted.
    pub places: Vec<u32>,
}

/// Sums under way: kept from hour to hour, so that nothing is allocated anew.
#[derive(Debug, Default)]
pub struct HourHeld {
    /// By place what was used in whole units, and by how many rows.
    whole: Vec<(i64, u32)>,
    /// The same at 1e-12, where there are parts of units, or more than 64 bits of them.
    e12: Vec<(i128, u32)>,
}

impl Held {
    /// Opens files with the numbers of their deliveries; only the holdings of these accounts and skus are wanted, or all.
    ///
    /// # Errors
    /// [`TallyError::Read`] names the file that cannot be read.
    pub fn load(files: Vec<(PathBuf, u64)>, is_wanted: Option<&Wanted<'_>>) -> Result<Self, TallyError> {
        let Merged { mut holdings, order, files } = match is_wanted {
            Some(is_wanted) => merge_wanted(&files, is_wanted)?,
            None => merge(&files)?,
        };
        let mut place_of = vec![0; order.len()];
        (0..).zip(order).for_each(|(place, holding)| place_of[holding as usize] = place);
        let places = holdings.sort().into_iter().map(|holding| place_of[holding as usize]).collect();
        Ok(Self { holdings, places, files })
    }

    /// Tells what each holding used in the hour that starts here, by the deliveries asked for; in the order of the holdings'
    /// accounts, resources and skus.
    ///
    /// # Errors
    /// [`TallyError::Overflow`] when a sum does not fit; [`TallyError::Read`] names the file that cannot be read.
    pub fn hour(
        &self,
        hour: i64,
        is_of: impl Fn(u64) -> bool,
        under_way: &mut HourHeld,
        take: impl FnMut(Sum),
    ) -> Result<(), TallyError> {
        let files: Vec<&OpenFile> = self.files.iter().filter(|open| is_of(open.seq) && open.file.has_hour(hour)).collect();
        let HourHeld { whole, e12 } = under_way;
        // Files are walked in their own order, and added up in it: sums that are near each other in a file are so in memory.
        match whole_sums(&files, hour, self.places.len(), whole)? {
            true => self.tell(whole, |whole| i128::from(whole) * E12, take),
            false => {
                exact_sums(&files, hour, self.places.len(), e12)?;
                self.tell(e12, |used_e12| used_e12, take);
            }
        }
        Ok(())
    }

    /// Tells the cells in which there is something, in the order of the holdings.
    fn tell<T: Copy + Default>(&self, cells: &[(T, u32)], used_e12: impl Fn(T) -> i128, mut take: impl FnMut(Sum)) {
        // In short loops, the memory of one step is on its way while the steps before wait for theirs.
        let mut near = [(T::default(), 0); TOGETHER];
        let mut holding = 0;
        for places in self.places.chunks(TOGETHER) {
            near.iter_mut().zip(places).for_each(|(near, place)| *near = cells[*place as usize]);
            for (used, rows) in &near[..places.len()] {
                if *rows > 0 {
                    take(Sum { holding, rows: *rows, used_e12: used_e12(*used) });
                }
                holding += 1;
            }
        }
    }
}

/// Adds up an hour where all of it is whole units in 64 bits; says no otherwise.
fn whole_sums(files: &[&OpenFile], hour: i64, holdings: usize, cells: &mut Vec<(i64, u32)>) -> Result<bool, TallyError> {
    cells.clear();
    cells.resize(holdings, (0, 0));
    for open in files {
        let mut fits = true;
        let is_whole = open.file.each_whole_sum(hour, |row, used, count| {
            if let Some((sum, rows)) = open.cell(cells, row) {
                let (added, is_over) = sum.overflowing_add(used);
                fits &= !is_over;
                (*sum, *rows) = (added, *rows + count);
            }
        })?;
        if !is_whole || !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn exact_sums(files: &[&OpenFile], hour: i64, holdings: usize, cells: &mut Vec<(i128, u32)>) -> Result<(), TallyError> {
    cells.clear();
    cells.resize(holdings, (0, 0));
    for open in files {
        open.file.each_sum(hour, |row, used, count| {
            if let Some((sum_e12, rows)) = open.cell(cells, row) {
                *sum_e12 = Quantity::from_e12(*sum_e12).plus(used)?.e12();
                *rows += count;
            }
            Ok(())
        })?;
    }
    Ok(())
}

impl OpenFile {
    /// The cell of the holding in this row of the file, if it is wanted.
    fn cell<'c, T>(&self, cells: &'c mut [T], row: usize) -> Option<&'c mut T> {
        // None is beyond all cells.
        self.places.get(row).and_then(|place| cells.get_mut(*place as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holdings_stand_in_the_order_of_account_resource_and_sku() {
        // Some begin alike for more than eight bytes, one is the beginning of another, one ends with a byte that is 0.
        let resources = ["i-00000000000000017", "i-00000000000000002", "i-0", "i-0\0", "i", "é", "e\u{301}", "z"];
        let names = |account: usize| {
            resources.iter().flat_map(move |resource| [(account, *resource, "gpu"), (account, *resource, "ecs")])
        };
        for accounts in 1..5 {
            let mut holdings = Holdings::default();
            let mut expected: Vec<[String; 3]> = Vec::new();
            for (account, resource, sku) in (0..accounts).rev().flat_map(names) {
                let account = format!("acct-{account}");
                let key = [account.as_str(), resource, sku];
                let coded = holdings.coded(Named { key, unit: sku, labels: ["", ""], is_mixed: false });
                holdings.push(coded);
                expected.push(key.map(str::to_owned));
            }
            let before = expected.clone();
            expected.sort();
            let was = holdings.sort();
            for (holding, name) in (0..).zip(&expected) {
                assert_eq!(holdings.texts(holding), name.each_ref().map(String::as_str), "{accounts}");
                assert_eq!(holdings.unit(holding), name[2], "{accounts}");
                assert_eq!(before[was[holding as usize] as usize], *name, "{accounts}");
            }
            assert_eq!(holdings.len(), expected.len());
        }
    }
}

//! Partials of many files, added up: what every holding used in an hour.

use crate::codes::Codes;
use crate::error::TallyError;
use crate::merging::{merge, merge_wanted};
use crate::part::NONE;
use crate::partial_file::{Named, PartialFile};
use crate::partials::E12;
use reckoner_core::number::Quantity;
use reckoner_core::table::Texts;
use std::path::PathBuf;

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

/// The sums of one hour, in the order of their holdings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourSums {
    /// Start of the UTC hour.
    pub hour: i64,
    /// The sums.
    pub sums: Vec<Sum>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    unit: u32,
    labels: [u32; 2],
    is_mixed: bool,
}

impl Holdings {
    /// Adds a holding that is not known.
    pub(crate) fn push(&mut self, named: Named<'_>) -> u32 {
        let labels = [self.labels[0].code(named.labels[0]), self.labels[1].code(named.labels[1])];
        let facts = Facts { unit: self.units.code(named.unit), labels, is_mixed: named.is_mixed };
        let [account, resource, sku] = named.key;
        let holding = u32::try_from(self.keys.len()).expect("holdings are far fewer than 2^32");
        self.keys.push([self.accounts.code(account), holding, self.skus.code(sku)]);
        self.resources.push(resource);
        self.facts.push(facts);
        holding
    }

    /// Notes what another file says of a known holding.
    pub(crate) fn meet(&mut self, holding: u32, named: Named<'_>) {
        let is_same = self.unit(holding) == named.unit && self.label_texts(holding) == named.labels;
        self.facts[holding as usize].is_mixed |= named.is_mixed || !is_same;
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

    /// Brings the holdings in order, so that whoever goes through them goes through memory; hands back the new code of each.
    fn sort(&mut self) -> Vec<u32> {
        let (accounts, skus) = (self.accounts.ranks(), self.skus.ranks());
        let mut order = self.by_account(&accounts);
        for of_account in order.chunk_by_mut(|one, other| self.keys[*one as usize][0] == self.keys[*other as usize][0]) {
            of_account.sort_unstable_by(|one, other| {
                let ([_, r, s], [_, q, t]) = (self.keys[*one as usize], self.keys[*other as usize]);
                let by_resource = self.resources.get(r as usize).cmp(self.resources.get(q as usize));
                by_resource.then_with(|| skus[s as usize].cmp(&skus[t as usize]))
            });
        }
        let mut codes = vec![0; order.len()];
        let mut resources = Texts::default();
        for (code, holding) in (0..).zip(&order) {
            codes[*holding as usize] = code;
            resources.push(self.resources.get(*holding as usize));
        }
        let key = |(code, holding): (u32, &u32)| {
            let [account, _, sku] = self.keys[*holding as usize];
            [account, code, sku]
        };
        self.keys = (0..).zip(&order).map(key).collect();
        self.facts = order.iter().map(|holding| self.facts[*holding as usize]).collect();
        self.resources = resources;
        codes
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

/// Whether an account and sku are wanted.
pub type Wanted<'a> = dyn Fn(&str, &str) -> bool + 'a;

/// Partials of many files, opened and brought to one set of holdings.
pub struct Held {
    /// The holdings.
    pub holdings: Holdings,
    files: Vec<OpenFile>,
}

/// A file of partials, and whose sums it has.
pub(crate) struct OpenFile {
    pub file: PartialFile,
    /// The delivery.
    pub seq: u64,
    /// For every row of the file its holding; none: not wanted.
    pub holding: Vec<u32>,
}

/// Sums under way: kept from hour to hour, so that nothing is allocated anew.
#[derive(Debug, Default)]
pub struct HourHeld {
    /// By holding what was used in whole units, and by how many rows.
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
        let (mut holdings, mut files) = match is_wanted {
            Some(is_wanted) => merge_wanted(&files, is_wanted)?,
            None => merge(&files)?,
        };
        let codes = holdings.sort();
        for holding in files.iter_mut().flat_map(|open: &mut OpenFile| &mut open.holding).filter(|holding| **holding != NONE) {
            *holding = codes[*holding as usize];
        }
        Ok(Self { holdings, files })
    }

    /// What each holding used in the hour that starts here, by the deliveries asked for; in the order of the holdings'
    /// accounts, resources and skus.
    ///
    /// # Errors
    /// [`TallyError::Overflow`] when a sum does not fit; [`TallyError::Read`] names the file that cannot be read.
    pub fn hour(&self, hour: i64, is_of: impl Fn(u64) -> bool, under_way: &mut HourHeld) -> Result<HourSums, TallyError> {
        let files: Vec<&OpenFile> = self.files.iter().filter(|open| is_of(open.seq) && open.file.has_hour(hour)).collect();
        let len = self.holdings.len();
        let sums = match whole_sums(&files, hour, len, &mut under_way.whole)? {
            Some(sums) => sums,
            None => exact_sums(&files, hour, len, &mut under_way.e12)?,
        };
        Ok(HourSums { hour, sums })
    }
}

/// The sums of an hour where all of them are whole units in 64 bits; nothing otherwise.
fn whole_sums(
    files: &[&OpenFile],
    hour: i64,
    holdings: usize,
    cells: &mut Vec<(i64, u32)>,
) -> Result<Option<Vec<Sum>>, TallyError> {
    cells.clear();
    cells.resize(holdings, (0, 0));
    for open in files {
        let mut fits = true;
        let is_whole = open.file.each_whole_sum(hour, |place, used, count| {
            if let Some((sum, rows)) = open.cell(cells, place) {
                let (added, is_over) = sum.overflowing_add(used);
                fits &= !is_over;
                (*sum, *rows) = (added, *rows + count);
            }
        })?;
        if !is_whole || !fits {
            return Ok(None);
        }
    }
    Ok(Some(sums_of(cells, |whole| i128::from(whole) * E12)))
}

fn exact_sums(files: &[&OpenFile], hour: i64, holdings: usize, cells: &mut Vec<(i128, u32)>) -> Result<Vec<Sum>, TallyError> {
    cells.clear();
    cells.resize(holdings, (0, 0));
    for open in files {
        open.file.each_sum(hour, |place, used, count| {
            if let Some((sum_e12, rows)) = open.cell(cells, place) {
                *sum_e12 = Quantity::from_e12(*sum_e12).plus(used)?.e12();
                *rows += count;
            }
            Ok(())
        })?;
    }
    Ok(sums_of(cells, |used_e12| used_e12))
}

/// The cells in which there is something.
fn sums_of<T: Copy>(cells: &[(T, u32)], used_e12: impl Fn(T) -> i128) -> Vec<Sum> {
    let used = (0..).zip(cells).filter(|(_, (_, rows))| *rows > 0);
    used.map(|(holding, (used, rows))| Sum { holding, rows: *rows, used_e12: used_e12(*used) }).collect()
}

impl OpenFile {
    /// The cell of the holding at this place of the file, if it is wanted.
    fn cell<'c, T>(&self, cells: &'c mut [T], place: usize) -> Option<&'c mut T> {
        let holding = self.holding.get(place).copied().unwrap_or(NONE);
        if holding == NONE { None } else { Some(&mut cells[holding as usize]) }
    }
}

//! Partials of many files, added up: what every holding used in an hour.

use crate::codes::Codes;
use crate::error::TallyError;
use crate::hours::{HourSums, Sum};
use crate::part::NONE;
use crate::partials::{Named, PartialFile};
use hashbrown::HashTable;
use reckoner_core::number::Quantity;
use std::path::PathBuf;
use xxhash_rust::xxh3::xxh3_64;

/// Holdings of many files, by code; [`Self::in_order`] is the contract's order: account, resource, sku.
#[derive(Debug, Default)]
pub struct Holdings {
    /// Accounts.
    pub accounts: Codes,
    /// Resources, of whatever account.
    pub resources: Codes,
    /// Skus.
    pub skus: Codes,
    /// Units of measure.
    pub units: Codes,
    /// Regions and tags.
    pub labels: [Codes; 2],
    /// Account, resource and sku of each holding.
    pub keys: Vec<[u32; 3]>,
    facts: Vec<Facts>,
    table: HashTable<u32>,
    latest_of_resource: Vec<u32>,
    order: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    unit: u32,
    labels: [u32; 2],
    is_mixed: bool,
}

impl Holdings {
    fn add(&mut self, named: Named<'_>) -> u32 {
        let [account, resource, sku] = named.key;
        let key = [self.accounts.code(account), self.resources.code(resource), self.skus.code(sku)];
        let labels = [self.labels[0].code(named.labels[0]), self.labels[1].code(named.labels[1])];
        let facts = Facts { unit: self.units.code(named.unit), labels, is_mixed: named.is_mixed };
        let holding = self.holding(key);
        match self.facts.get_mut(holding as usize) {
            None => self.facts.push(facts),
            Some(known) => known.is_mixed |= facts.is_mixed || known.unit != facts.unit || known.labels != facts.labels,
        }
        holding
    }

    fn holding(&mut self, key: [u32; 3]) -> u32 {
        self.latest_of_resource.resize(self.resources.len(), NONE);
        let latest = self.latest_of_resource[key[1] as usize];
        if latest != NONE && self.keys[latest as usize] == key {
            return latest;
        }
        let Self { keys, table, .. } = self;
        let hash = |key: &[u32; 3]| {
            let mut bytes = [0; 12];
            bytes.chunks_exact_mut(4).zip(key).for_each(|(place, code)| place.copy_from_slice(&code.to_le_bytes()));
            xxh3_64(&bytes)
        };
        let known = table.find(hash(&key), |code| keys[*code as usize] == key).copied();
        let holding = known.unwrap_or_else(|| {
            let code = u32::try_from(keys.len()).expect("holdings are far fewer than 2^32");
            keys.push(key);
            table.insert_unique(hash(&key), code, |code| hash(&keys[*code as usize]));
            code
        });
        self.latest_of_resource[key[1] as usize] = holding;
        holding
    }

    fn sort(&mut self) {
        let (accounts, skus) = (self.accounts.ranks(), self.skus.ranks());
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_unstable_by(|one, other| {
            let ([a, r, s], [b, q, t]) = (self.keys[*one as usize], self.keys[*other as usize]);
            accounts[a as usize]
                .cmp(&accounts[b as usize])
                .then_with(|| self.resources.get(r).cmp(self.resources.get(q)))
                .then_with(|| skus[s as usize].cmp(&skus[t as usize]))
        });
        self.order = order;
    }

    /// The holdings in the order of account, resource, sku.
    pub fn in_order(&self) -> &[u32] {
        &self.order
    }

    /// Account, resource and sku of a holding.
    pub fn texts(&self, holding: u32) -> [&str; 3] {
        let [account, resource, sku] = self.keys[holding as usize];
        [self.accounts.get(account), self.resources.get(resource), self.skus.get(sku)]
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

/// Partials of many files, opened and brought to one set of holdings.
pub struct Held {
    /// The holdings.
    pub holdings: Holdings,
    files: Vec<OpenFile>,
}

struct OpenFile {
    file: PartialFile,
    /// The delivery.
    seq: u64,
    /// For every row of the file its holding; none: not wanted.
    holding: Vec<u32>,
}

/// Sums under way: kept from hour to hour, so that nothing is allocated anew.
#[derive(Debug, Default)]
pub struct HourHeld {
    used_e12: Vec<i128>,
    rows: Vec<u32>,
}

impl Held {
    /// Opens files with the numbers of their deliveries; only the holdings of these accounts and skus are wanted.
    ///
    /// # Errors
    /// [`TallyError::Read`] names the file that cannot be read.
    pub fn load(files: Vec<(PathBuf, u64)>, is_wanted: impl Fn(&str, &str) -> bool) -> Result<Self, TallyError> {
        let mut holdings = Holdings::default();
        let mut opened = Vec::new();
        for (path, seq) in files {
            let file = PartialFile::open(&path)?;
            let mut holding = Vec::new();
            file.each_holding(|named| {
                let is_wanted = is_wanted(named.key[0], named.key[2]);
                holding.push(if is_wanted { holdings.add(named) } else { NONE });
            })?;
            opened.push(OpenFile { file, seq, holding });
        }
        holdings.sort();
        Ok(Self { holdings, files: opened })
    }

    /// What each holding used in the hour that starts here, by the deliveries asked for; in the order of the holdings'
    /// accounts, resources and skus.
    ///
    /// # Errors
    /// [`TallyError::Overflow`] when a sum does not fit; [`TallyError::Read`] names the file that cannot be read.
    pub fn hour(&self, hour: i64, is_of: impl Fn(u64) -> bool, under_way: &mut HourHeld) -> Result<HourSums, TallyError> {
        let HourHeld { used_e12, rows } = under_way;
        used_e12.resize(self.holdings.len(), 0);
        rows.resize(self.holdings.len(), 0);
        for open in self.files.iter().filter(|open| is_of(open.seq) && open.file.has_hour(hour)) {
            open.file.each_sum(hour, |place, used, count| {
                let holding = open.holding.get(place).copied().unwrap_or(NONE);
                if holding != NONE {
                    let place = holding as usize;
                    used_e12[place] = Quantity::from_e12(used_e12[place]).plus(used)?.e12();
                    rows[place] += count;
                }
                Ok(())
            })?;
        }
        let used = self.holdings.order.iter().copied().filter(|holding| rows[*holding as usize] > 0);
        let sums =
            used.map(|holding| Sum { holding, rows: rows[holding as usize], used_e12: used_e12[holding as usize] }).collect();
        used_e12.fill(0);
        rows.fill(0);
        Ok(HourSums { hour, sums })
    }
}

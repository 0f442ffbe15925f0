//! Partials of many files, added up: what every holding used in an hour.

use crate::codes::Codes;
use crate::error::TallyError;
use crate::hours::{HourSums, Sum};
use crate::identity::holding_identity;
use crate::part::NONE;
use crate::partials::{Named, PartialFile};
use reckoner_core::number::Quantity;
use reckoner_core::table::Texts;
use std::path::PathBuf;

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

/// Holdings in the order of their hashes, into which files in the same order are merged.
#[derive(Debug, Default)]
struct Merging {
    known: Vec<(u64, u32)>,
    merged: Vec<(u64, u32)>,
    next: usize,
}

impl Merging {
    /// The known holdings with this hash; those before it are passed.
    fn with(&mut self, hash: u64) -> &[(u64, u32)] {
        while let Some(passed) = self.known.get(self.next).filter(|(known, _)| *known < hash) {
            self.merged.push(*passed);
            self.next += 1;
        }
        let alike = self.known[self.next..].iter().take_while(|(known, _)| *known == hash).count();
        &self.known[self.next..self.next + alike]
    }

    /// Ends a file: what it brought is known to the next.
    fn end(&mut self) {
        self.merged.extend_from_slice(&self.known[self.next..]);
        self.merged.sort_unstable();
        self.known = std::mem::take(&mut self.merged);
        self.next = 0;
    }
}

impl Holdings {
    fn add(&mut self, named: Named<'_>, hash: u64, merging: &mut Merging) -> u32 {
        let known = merging.with(hash).iter().map(|(_, holding)| *holding).find(|holding| self.texts(*holding) == named.key);
        let labels = [self.labels[0].code(named.labels[0]), self.labels[1].code(named.labels[1])];
        let facts = Facts { unit: self.units.code(named.unit), labels, is_mixed: named.is_mixed };
        if let Some(holding) = known {
            let of_others = &mut self.facts[holding as usize];
            of_others.is_mixed |= facts.is_mixed || of_others.unit != facts.unit || of_others.labels != facts.labels;
            return holding;
        }
        let [account, resource, sku] = named.key;
        let holding = u32::try_from(self.keys.len()).expect("holdings are far fewer than 2^32");
        self.keys.push([self.accounts.code(account), holding, self.skus.code(sku)]);
        self.resources.push(resource);
        self.facts.push(facts);
        merging.merged.push((hash, holding));
        holding
    }

    /// Brings the holdings in order, so that whoever goes through them goes through memory; hands back the new code of each.
    fn sort(&mut self) -> Vec<u32> {
        let (accounts, skus) = (self.accounts.ranks(), self.skus.ranks());
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_unstable_by(|one, other| {
            let ([a, r, s], [b, q, t]) = (self.keys[*one as usize], self.keys[*other as usize]);
            accounts[a as usize]
                .cmp(&accounts[b as usize])
                .then_with(|| self.resources.get(r as usize).cmp(self.resources.get(q as usize)))
                .then_with(|| skus[s as usize].cmp(&skus[t as usize]))
        });
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
    /// By holding what was used, at 1e-12, and by how many rows.
    cells: Vec<(i128, u32)>,
}

impl Held {
    /// Opens files with the numbers of their deliveries; only the holdings of these accounts and skus are wanted, or all.
    ///
    /// # Errors
    /// [`TallyError::Read`] names the file that cannot be read.
    pub fn load(files: Vec<(PathBuf, u64)>, is_wanted: Option<&Wanted<'_>>) -> Result<Self, TallyError> {
        let mut holdings = Holdings::default();
        let (mut opened, mut merging) = (Vec::new(), Merging::default());
        for (path, seq) in files {
            let file = PartialFile::open(&path)?;
            let (mut holding, mut latest, mut is_ordered) = (Vec::new(), 0, true);
            let mut add = |place: usize, named: Named<'_>| {
                let hash = holding_identity(named.key);
                is_ordered &= latest <= hash;
                latest = hash;
                holding.resize(place, NONE);
                holding.push(holdings.add(named, hash, &mut merging));
            };
            match is_wanted {
                Some(is_wanted) => file.each_holding_of(is_wanted, add)?,
                None => {
                    let mut place = 0;
                    file.each_holding(|named| {
                        add(place, named);
                        place += 1;
                    })?;
                }
            }
            if !is_ordered {
                return Err(TallyError::read(&path)(&"its holdings are not in order"));
            }
            merging.end();
            opened.push(OpenFile { file, seq, holding });
        }
        let codes = holdings.sort();
        for holding in opened.iter_mut().flat_map(|open: &mut OpenFile| &mut open.holding).filter(|holding| **holding != NONE) {
            *holding = codes[*holding as usize];
        }
        Ok(Self { holdings, files: opened })
    }

    /// What each holding used in the hour that starts here, by the deliveries asked for; in the order of the holdings'
    /// accounts, resources and skus.
    ///
    /// # Errors
    /// [`TallyError::Overflow`] when a sum does not fit; [`TallyError::Read`] names the file that cannot be read.
    pub fn hour(&self, hour: i64, is_of: impl Fn(u64) -> bool, under_way: &mut HourHeld) -> Result<HourSums, TallyError> {
        let cells = &mut under_way.cells;
        cells.resize(self.holdings.len(), (0, 0));
        for open in self.files.iter().filter(|open| is_of(open.seq) && open.file.has_hour(hour)) {
            open.file.each_sum(hour, |place, used, count| {
                let holding = open.holding.get(place).copied().unwrap_or(NONE);
                if holding != NONE {
                    let (used_e12, rows) = &mut cells[holding as usize];
                    *used_e12 = Quantity::from_e12(*used_e12).plus(used)?.e12();
                    *rows += count;
                }
                Ok(())
            })?;
        }
        let used = (0..).zip(cells.iter()).filter(|(_, (_, rows))| *rows > 0);
        let sums = used.map(|(holding, (used_e12, rows))| Sum { holding, rows: *rows, used_e12: *used_e12 }).collect();
        cells.fill((0, 0));
        Ok(HourSums { hour, sums })
    }
}

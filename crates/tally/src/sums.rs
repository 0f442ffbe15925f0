//! Partials of many files, added up: what every holding used in an hour.

use crate::codes::Codes;
use crate::error::TallyError;
use crate::hours::{HourSums, Sum};
use crate::identity::holding_identity;
use crate::part::NONE;
use crate::partials::{Named, PartialFile, each_named};
use arrow::array::RecordBatch;
use reckoner_core::number::Quantity;
use reckoner_core::table::Texts;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Batches of names that are decoded before they are merged.
const BATCHES_AHEAD: usize = 2;

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
        if let Some(holding) = known {
            let is_same = self.unit(holding) == named.unit && self.label_texts(holding) == named.labels;
            self.facts[holding as usize].is_mixed |= named.is_mixed || !is_same;
            return holding;
        }
        let labels = [self.labels[0].code(named.labels[0]), self.labels[1].code(named.labels[1])];
        let facts = Facts { unit: self.units.code(named.unit), labels, is_mixed: named.is_mixed };
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

/// Files being merged, one after the other.
#[derive(Default)]
struct Loading {
    holdings: Holdings,
    merging: Merging,
    opened: Vec<OpenFile>,
    /// Of the file under way, by place.
    holding: Vec<u32>,
    latest: u64,
    is_out_of_order: bool,
}

/// What is read ahead of merging.
enum Ahead {
    /// Holdings of the file under way.
    Names(RecordBatch),
    /// The file's end.
    End(PartialFile),
}

impl Loading {
    fn add(&mut self, place: usize, named: Named<'_>) {
        let hash = holding_identity(named.key);
        self.is_out_of_order |= hash < self.latest;
        self.latest = hash;
        self.holding.resize(place, NONE);
        self.holding.push(self.holdings.add(named, hash, &mut self.merging));
    }

    fn end(&mut self, file: PartialFile, seq: u64, path: &Path) -> Result<(), TallyError> {
        if std::mem::take(&mut self.is_out_of_order) {
            return Err(TallyError::read(path)(&"its holdings are not in order"));
        }
        self.merging.end();
        self.latest = 0;
        self.opened.push(OpenFile { file, seq, holding: std::mem::take(&mut self.holding) });
        Ok(())
    }

    /// Merges all holdings of files, while a second thread decodes what comes next.
    fn load_all(&mut self, files: &[(PathBuf, u64)]) -> Result<(), TallyError> {
        std::thread::scope(|scope| {
            let (give, take) = sync_channel(BATCHES_AHEAD);
            scope.spawn(move || {
                let read = files.iter().try_for_each(|(path, _)| read_ahead(path, &give));
                // Nobody listens any more where merging has failed.
                read.unwrap_or_else(|error| drop(give.send(Err(error))));
            });
            let mut next = files.iter();
            for ahead in take {
                match ahead? {
                    Ahead::Names(batch) => each_named(&batch, |named| self.add(self.holding.len(), named)),
                    Ahead::End(file) => {
                        let (path, seq) = next.next().expect("a file ends once");
                        self.end(file, *seq, path)?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Hands over what names the holdings of a file, batch by batch.
fn read_ahead(path: &Path, give: &SyncSender<Result<Ahead, TallyError>>) -> Result<(), TallyError> {
    let file = PartialFile::open(path)?;
    file.each_batch_of_names(|batch| drop(give.send(Ok(Ahead::Names(batch)))))?;
    drop(give.send(Ok(Ahead::End(file))));
    Ok(())
}

impl Held {
    /// Opens files with the numbers of their deliveries; only the holdings of these accounts and skus are wanted, or all.
    ///
    /// # Errors
    /// [`TallyError::Read`] names the file that cannot be read.
    pub fn load(files: Vec<(PathBuf, u64)>, is_wanted: Option<&Wanted<'_>>) -> Result<Self, TallyError> {
        let mut loading = Loading::default();
        match is_wanted {
            Some(is_wanted) => {
                for (path, seq) in files {
                    let file = PartialFile::open(&path)?;
                    file.each_holding_of(is_wanted, |place, named| loading.add(place, named))?;
                    loading.end(file, seq, &path)?;
                }
            }
            None => loading.load_all(&files)?,
        }
        let Loading { mut holdings, mut opened, .. } = loading;
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

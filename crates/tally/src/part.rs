//! A part of a delivery: its plain rows in columns, and the holdings that they are of.

use crate::codes::{Codes, Key};
use crate::identity::{account_seed, in_account};
use hashbrown::HashTable;
use reckoner_core::intake::PlainTerms;
use reckoner_core::number::Quantity;
use reckoner_core::rate::Use;
use reckoner_core::table::{Coded, Texts, Unit, UsageColumns};
use reckoner_core::time::{Instant, Window};
use std::collections::HashMap;

/// No code.
pub(crate) const NONE: u32 = u32::MAX;

/// Says what rows are held against.
pub trait Judge: Sync {
    /// The currency of a known account.
    fn currency(&self, account_id: &str) -> Option<&str>;

    /// What plain rows of the sku in the currency are held against; nothing where each row must be looked at.
    fn terms(&self, sku: &str, currency: &str) -> Option<PlainTerms>;
}

/// A row that must be taken the readable way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotPlain {
    /// Its line in the delivered file.
    pub line: u64,
    /// The identity of its record; nothing where the row cannot be read.
    pub identity: Option<u64>,
}

/// The plain rows of a part of a delivery.
#[derive(Debug, Default)]
pub struct Part {
    /// Line in the delivered file.
    pub lines: Vec<u64>,
    /// Within the account.
    pub record_id: Texts,
    /// Account by code.
    pub account: Vec<u32>,
    /// Of the account.
    pub resource_id: Texts,
    /// Sku by code.
    pub sku: Vec<u32>,
    /// Account, resource and sku.
    pub holding: Vec<u32>,
    /// Whole seconds UTC.
    pub started_at: Vec<i64>,
    /// See above.
    pub ended_at: Vec<i64>,
    /// Units of 1e-12.
    pub quantity_e12: Vec<i128>,
    /// Of the record.
    pub identity: Vec<u64>,
    /// Empty: all are 0.
    pub revision: Vec<u32>,
    /// Region, resource_name and tags, by code; a column that says nothing has no codes.
    pub labels: [Vec<u32>; 3],
    /// The texts of the labels; code 0 is the empty text.
    pub label_texts: [Codes; 3],
    /// The holdings.
    pub holdings: PartHoldings,
    /// Rows that must be taken the readable way.
    pub not_plain: Vec<NotPlain>,
}

/// The holdings of a part, in the order in which they came.
#[derive(Debug, Default)]
pub struct PartHoldings {
    /// Accounts.
    pub accounts: Codes,
    /// The resource of each holding.
    pub resources: Texts,
    /// Skus.
    pub skus: Codes,
    /// Account and sku of each holding.
    pub keys: Vec<[u32; 2]>,
    table: HashTable<Known>,
    seeds: Vec<u64>,
    /// What the rows of each holding are held against.
    terms_of: Vec<u32>,
    terms: Vec<PlainTerms>,
    /// By account the code of its currency.
    currency_of: Vec<u32>,
    currencies: Codes,
    by_sku: HashMap<(u32, u32), u32>,
}

/// A holding as it is looked up: once a row, so that everything stands in one place.
#[derive(Debug, Clone, Copy)]
struct Known {
    resource: Key,
    account: u32,
    sku: u32,
    holding: u32,
    terms: u32,
}

impl Known {
    fn hash(&self) -> u64 {
        hash_of(self.resource, self.account, self.sku)
    }
}

/// Rows of one account and sku are as rare as those of one resource: the three together tell.
fn hash_of(resource: Key, account: u32, sku: u32) -> u64 {
    let other = (u64::from(account) << 32 | u64::from(sku)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    resource.hash() ^ other.rotate_left(29)
}

impl PartHoldings {
    fn account(&mut self, account_id: &str, judge: &dyn Judge) -> u32 {
        let code = self.accounts.code(account_id);
        if code as usize == self.seeds.len() {
            self.seeds.push(account_seed(account_id));
            let currency = judge.currency(account_id).map(|currency| self.currencies.code(currency));
            self.currency_of.push(currency.unwrap_or(NONE));
        }
        code
    }

    /// The holding of these three, made if it is new.
    fn holding(&mut self, account: u32, resource_id: &str, sku: u32, judge: &dyn Judge) -> Known {
        let resource = Key::of(resource_id);
        let hash = hash_of(resource, account, sku);
        let resources = &self.resources;
        let is_same = |known: &Known| {
            (known.account, known.sku, known.resource) == (account, sku, resource)
                && (resource.is_whole() || resources.get(known.holding as usize) == resource_id)
        };
        if let Some(known) = self.table.find(hash, is_same) {
            return *known;
        }
        let terms = self.terms_code(account, sku, judge);
        let holding = u32::try_from(self.keys.len()).expect("a part has fewer rows");
        let known = Known { resource, account, sku, holding, terms };
        self.keys.push([account, sku]);
        self.resources.push(resource_id);
        self.terms_of.push(terms);
        self.table.insert_unique(hash, known, Known::hash);
        known
    }

    fn terms_code(&mut self, account: u32, sku: u32, judge: &dyn Judge) -> u32 {
        let currency = self.currency_of[account as usize];
        if currency == NONE {
            return NONE;
        }
        let Self { by_sku, terms, currencies, skus, .. } = self;
        *by_sku.entry((currency, sku)).or_insert_with(|| match judge.terms(skus.get(sku), currencies.get(currency)) {
            Some(found) => {
                terms.push(found);
                terms.len() as u32 - 1
            }
            None => NONE,
        })
    }

    fn terms(&self, holding: u32) -> Option<&PlainTerms> {
        self.terms.get(self.terms_of[holding as usize] as usize)
    }

    /// The unit in which a holding of plain rows is measured.
    ///
    /// # Panics
    /// For a holding without plain rows.
    pub fn unit(&self, holding: u32) -> &Unit {
        &self.terms(holding).expect("a holding of plain rows has terms").unit
    }

    /// Account, resource and sku of a holding.
    pub fn texts(&self, holding: u32) -> [&str; 3] {
        let [account, sku] = self.keys[holding as usize];
        [self.accounts.get(account), self.resources.get(holding as usize), self.skus.get(sku)]
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

/// For the codes of a batch those of the part, found as they are met.
struct Meant<'a> {
    coded: &'a Coded,
    codes: Vec<u32>,
}

impl<'a> Meant<'a> {
    fn new(coded: &'a Coded) -> Self {
        Self { coded, codes: vec![NONE; coded.values.len()] }
    }

    fn of(&mut self, row: usize, find: impl FnOnce(&str) -> u32) -> u32 {
        let code = self.coded.codes[row] as usize;
        if self.codes[code] == NONE {
            self.codes[code] = find(self.coded.values.get(code));
        }
        self.codes[code]
    }
}

impl Part {
    /// Takes the rows of a batch: plain ones become rows of the part, of the others the lines are kept.
    pub fn take(&mut self, batch: &UsageColumns, judge: &dyn Judge) {
        let mut unread = batch.unread.iter().map(|row| *row as usize).peekable();
        let (mut accounts, mut skus) = (Meant::new(&batch.account_id), Meant::new(&batch.sku));
        let mut labels = [&batch.region, &batch.resource_name, &batch.tags].map(|column| column.as_ref().map(Meant::new));
        for row in 0..batch.len() {
            let line = batch.lines[row];
            let record_id = batch.record_id.get(row);
            if unread.next_if_eq(&row).is_some() {
                let account_id = batch.account_id.get(row);
                let is_named = !record_id.is_empty() && !account_id.is_empty();
                let identity = is_named.then(|| in_account(account_seed(account_id), record_id));
                self.not_plain.push(NotPlain { line, identity });
                continue;
            }
            let holdings = &mut self.holdings;
            let account = accounts.of(row, |text| holdings.account(text, judge));
            let resource_id = batch.resource_id.get(row);
            let sku = skus.of(row, |text| holdings.skus.code(text));
            let Known { holding, terms, .. } = holdings.holding(account, resource_id, sku, judge);
            let identity = in_account(holdings.seeds[account as usize], record_id);
            let (start, end) = (batch.started_at[row], batch.ended_at[row]);
            let interval = Window::new(Instant::from_seconds(start), Instant::from_seconds(end));
            let record = Use { interval, quantity: Quantity::from_e12(batch.quantity_e12[row]) };
            if !holdings.terms.get(terms as usize).is_some_and(|terms| terms.admits(record)) {
                self.not_plain.push(NotPlain { line, identity: Some(identity) });
                continue;
            }
            self.take_labels(&mut labels, row, batch.revision.as_ref().map_or(0, |revisions| revisions[row]));
            self.lines.push(line);
            self.record_id.push(record_id);
            self.account.push(account);
            self.resource_id.push(resource_id);
            self.sku.push(sku);
            self.holding.push(holding);
            self.identity.push(identity);
            self.started_at.push(start);
            self.ended_at.push(end);
            self.quantity_e12.push(batch.quantity_e12[row]);
        }
    }

    fn take_labels(&mut self, labels: &mut [Option<Meant<'_>>; 3], row: usize, revision: u32) {
        let before = self.lines.len();
        for (place, label) in labels.iter_mut().enumerate() {
            let (codes, texts) = (&mut self.labels[place], &mut self.label_texts[place]);
            if texts.is_empty() {
                texts.code("");
            }
            let code = label.as_mut().map_or(0, |label| label.of(row, |text| texts.code(text)));
            if code != 0 || !codes.is_empty() {
                codes.resize(before, 0);
                codes.push(code);
            }
        }
        if revision != 0 || !self.revision.is_empty() {
            self.revision.resize(before, 0);
            self.revision.push(revision);
        }
    }

    /// Rows inside.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The text of a label of a row: 0 region, 1 resource_name, 2 tags; empty where it has none.
    pub fn label(&self, label: usize, row: usize) -> &str {
        self.labels[label].get(row).map_or("", |code| self.label_texts[label].get(*code))
    }

    /// Bytes that the rows take, about.
    pub fn bytes(&self) -> usize {
        self.record_id.text.len() + self.resource_id.text.len() + self.len() * 80
    }

    /// Whether two rows, of this part and of another, say the same in every cell.
    pub fn says_the_same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        let texts = |part: &Self, row: usize| part.holdings.texts(part.holding[row]).map(str::to_owned);
        let revision = |part: &Self, row: usize| part.revision.get(row).copied().unwrap_or_default();
        self.record_id.get(row) == other.record_id.get(other_row)
            && self.started_at[row] == other.started_at[other_row]
            && self.ended_at[row] == other.ended_at[other_row]
            && self.quantity_e12[row] == other.quantity_e12[other_row]
            && revision(self, row) == revision(other, other_row)
            && texts(self, row) == texts(other, other_row)
            && (0..3).all(|label| self.label(label, row) == other.label(label, other_row))
    }
}

//! A part of a delivery: its plain rows in columns, and the holdings that they are of.

use crate::codes::Codes;
use crate::columns::{Lines, Quantities};
use crate::ends::Ends;
use crate::holdings::PartHoldings;
use crate::identity::{account_seed, in_account};
use crate::runs::Rows;
use reckoner_core::intake::{Extremes, PlainTerms, is_within};
use reckoner_core::number::Quantity;
use reckoner_core::rate::Use;
use reckoner_core::table::{Coded, Texts, UsageColumns};
use reckoner_core::time::{Instant, Window};
use std::ops::Range;

/// No code.
pub(crate) const NONE: u32 = u32::MAX;

/// Says what rows are held against.
pub trait Judge: Sync {
    /// The currency of a known account.
    fn currency(&self, account_id: &str) -> Option<&str>;

    /// What plain rows of the sku in the currency are held against; nothing where each row must be looked at.
    fn terms(&self, sku: &str, currency: &str) -> Option<PlainTerms>;

    /// What has ended, where anything has.
    fn ends(&self) -> Option<&Ends> {
        None
    }
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
    pub lines: Lines,
    /// Within the account.
    pub record_id: Texts,
    /// Account by code.
    pub account: Vec<u32>,
    /// Sku by code.
    pub sku: Vec<u32>,
    /// Account, resource and sku; known once they were looked up.
    pub holding: Vec<u32>,
    /// That of the holding.
    pub(crate) shard: Vec<u8>,
    /// Whole seconds UTC; a row of another time is not plain.
    pub started_at: Vec<u32>,
    /// See above.
    pub ended_at: Vec<u32>,
    /// How much.
    pub quantity: Quantities,
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
    /// The first and the last start; nothing where there is no row.
    starts: Option<[u32; 2]>,
    /// Rows that were announced, until the first of them have come.
    announced: usize,
}

/// Whether seconds of the interval fit 32 bits: those of the years 1970 to 2105 do.
fn is_near(interval: Window) -> bool {
    [interval.start, interval.end].iter().all(|at| u32::try_from(at.seconds()).is_ok())
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
    /// Takes the rows of a batch: plain ones become rows of the part, of the others the lines are kept. Their holdings are not
    /// known before [`Self::find_holdings`].
    pub fn take(&mut self, batch: &UsageColumns, judge: &dyn Judge) {
        let accounts = self.holdings.accounts(&batch.account_id.values, judge);
        let skus: Vec<u32> = batch.sku.values.iter().map(|sku| self.holdings.skus.code(sku)).collect();
        let rows = self.plain_rows(batch, &accounts, &skus, judge);

        self.take_labels(batch, &rows);
        let seeds: Vec<u64> = accounts.iter().map(|account| self.holdings.seed(*account)).collect();
        for run in rows.runs() {
            self.take_run(batch, run, &accounts, &skus, &seeds);
        }
        let (announced, rows) = (std::mem::take(&mut self.announced), self.len());
        if let Some(average) = self.record_id.text.len().checked_div(rows) {
            self.record_id.text.reserve((average + 1) * announced.saturating_sub(rows));
        }
    }

    /// Makes room for so many rows: columns that grow by themselves are copied time and again.
    pub fn reserve(&mut self, rows: usize) {
        let Self { record_id, account, sku, started_at, ended_at, quantity, identity, holdings, .. } = self;
        record_id.ends.reserve(rows);
        [account, sku, started_at, ended_at].into_iter().for_each(|column| column.reserve(rows));
        quantity.reserve(rows);
        identity.reserve(rows);
        holdings.reserve(rows);
        self.announced = rows;
    }

    /// Appends plain rows that follow each other; the codes and seeds are those of the batch's accounts and skus.
    fn take_run(&mut self, batch: &UsageColumns, run: Range<usize>, accounts: &[u32], skus: &[u32], seeds: &[u64]) {
        let (account_codes, sku_codes) = (&batch.account_id.codes[run.clone()], &batch.sku.codes[run.clone()]);
        for (place, (account, sku)) in run.clone().zip(account_codes.iter().zip(sku_codes)) {
            let key = [accounts[*account as usize], skus[*sku as usize]];
            self.holdings.want(seeds[*account as usize], batch.resource_id.get(place), key);
        }
        self.account.extend(account_codes.iter().map(|code| accounts[*code as usize]));
        self.sku.extend(sku_codes.iter().map(|code| skus[*code as usize]));
        let record_ids = run.clone().map(|row| batch.record_id.get(row));
        let seeds = account_codes.iter().map(|code| seeds[*code as usize]);
        self.identity.extend(seeds.zip(record_ids).map(|(seed, record_id)| in_account(seed, record_id)));
        self.record_id.push_run(&batch.record_id, run.clone());
        self.lines.extend(&batch.lines[run.clone()]);
        let near = |seconds: &i64| *seconds as u32;
        let before = self.started_at.len();
        self.started_at.extend(batch.started_at[run.clone()].iter().map(near));
        let [first, last] = self.starts.unwrap_or([u32::MAX, 0]);
        let extremes = self.started_at[before..].iter();
        let extremes = extremes.fold((first, last), |(first, last), start| (first.min(*start), last.max(*start)));
        self.starts = Some(extremes.into());
        self.ended_at.extend(batch.ended_at[run.clone()].iter().map(near));
        self.quantity.extend(&batch.quantity_e12[run]);
    }

    /// The rows of a batch that are plain; of the others the lines are kept.
    fn plain_rows(&mut self, batch: &UsageColumns, accounts: &[u32], skus: &[u32], judge: &dyn Judge) -> Rows {
        let readable = self.readable_rows(batch);
        let ends = judge.ends();
        if readable.len() == batch.len()
            && ends.is_none()
            && let Some(extremes) = Extremes::of(&batch.started_at, &batch.ended_at, &batch.quantity_e12)
            && is_near(extremes.span)
            && self.holdings.admit_all(accounts, skus, extremes, judge)
        {
            return readable;
        }
        let Self { holdings, not_plain, .. } = self;
        let is_plain = |row: &usize| {
            let (account, sku) = (accounts[batch.account_id.codes[*row] as usize], skus[batch.sku.codes[*row] as usize]);
            let interval =
                Window::new(Instant::from_seconds(batch.started_at[*row]), Instant::from_seconds(batch.ended_at[*row]));
            let record = Use { interval, quantity: Quantity::from_e12(batch.quantity_e12[*row]) };
            let is_admitted = holdings.terms_of(account, sku, judge).is_some_and(|terms| terms.admits(record));
            let seed = holdings.seed(account);
            let usable = |ends: &Ends| ends.usable(seed, batch.account_id.get(*row), batch.resource_id.get(*row));
            let is_plain = is_admitted && is_near(interval) && ends.is_none_or(|ends| is_within(interval, usable(ends)));
            if !is_plain {
                let identity = in_account(seed, batch.record_id.get(*row));
                not_plain.push(NotPlain { line: batch.lines[*row], identity: Some(identity) });
            }
            is_plain
        };
        readable.iter().filter(is_plain).collect()
    }

    /// Looks up the holdings of all rows.
    pub fn find_holdings(&mut self) {
        self.holdings.find_wanted(&mut self.holding, &mut self.shard);
    }

    /// The rows that can be read; of the others the lines are kept.
    fn readable_rows(&mut self, batch: &UsageColumns) -> Rows {
        let (mut rows, mut next) = (Rows::default(), 0);
        for row in batch.unread.iter().map(|row| *row as usize) {
            let (account_id, record_id) = (batch.account_id.get(row), batch.record_id.get(row));
            let is_named = !record_id.is_empty() && !account_id.is_empty();
            let identity = is_named.then(|| in_account(account_seed(account_id), record_id));
            self.not_plain.push(NotPlain { line: batch.lines[row], identity });
            rows.push(next..row);
            next = row + 1;
        }
        rows.push(next..batch.len());
        rows
    }

    /// Takes what says more of these rows, which become the next ones of the part.
    fn take_labels(&mut self, batch: &UsageColumns, rows: &Rows) {
        let before = self.lines.len();
        for (place, column) in [&batch.region, &batch.resource_name, &batch.tags].into_iter().enumerate() {
            let (codes, texts) = (&mut self.labels[place], &mut self.label_texts[place]);
            if texts.is_empty() {
                texts.code("");
            }
            let Some(column) = column else {
                if !codes.is_empty() {
                    codes.resize(before + rows.len(), 0);
                }
                continue;
            };
            let mut meant = Meant::new(column);
            for (place, row) in (before..).zip(rows.iter()) {
                let code = meant.of(row, |text| texts.code(text));
                if code != 0 || !codes.is_empty() {
                    codes.resize(place, 0);
                    codes.push(code);
                }
            }
        }
        let Some(revisions) = &batch.revision else {
            if !self.revision.is_empty() {
                self.revision.resize(before + rows.len(), 0);
            }
            return;
        };
        if !self.revision.is_empty() || rows.iter().any(|row| revisions[row] != 0) {
            self.revision.resize(before, 0);
            self.revision.extend(rows.iter().map(|row| revisions[row]));
        }
    }

    /// Makes room for other rows, without giving back the memory that these took; holdings stay known.
    pub fn clear(&mut self) {
        let Self { lines, record_id, account, sku, holding, shard, started_at, ended_at, quantity, identity, .. } = self;
        lines.clear();
        shard.clear();
        record_id.clear();
        [account, sku, holding, started_at, ended_at].into_iter().for_each(Vec::clear);
        quantity.clear();
        identity.clear();
        let Self { revision, labels, label_texts, holdings, not_plain, .. } = self;
        revision.clear();
        labels.iter_mut().for_each(Vec::clear);
        *label_texts = Default::default();
        holdings.renew();
        not_plain.clear();
        self.starts = None;
        self.announced = 0;
    }

    /// Rows inside.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The first and the last start of the rows, where there are any.
    pub fn starts(&self) -> Option<[Instant; 2]> {
        self.starts.map(|starts| starts.map(|start| Instant::from_seconds(start.into())))
    }

    /// The text of a label of a row: 0 region, 1 resource_name, 2 tags; empty where it has none.
    pub fn label(&self, label: usize, row: usize) -> &str {
        self.labels[label].get(row).map_or("", |code| self.label_texts[label].get(*code))
    }

    /// Bytes that the rows take, about.
    pub fn bytes(&self) -> usize {
        self.record_id.text.len() + self.len() * 48
    }

    /// Whether two rows, of this part and of another, say the same in every cell.
    pub fn says_the_same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        let revision = |part: &Self, row: usize| part.revision.get(row).copied().unwrap_or_default();
        self.record_id.get(row) == other.record_id.get(other_row)
            && self.started_at[row] == other.started_at[other_row]
            && self.ended_at[row] == other.ended_at[other_row]
            && self.quantity.e12(row) == other.quantity.e12(other_row)
            && revision(self, row) == revision(other, other_row)
            && self.holdings.texts(self.holding[row]) == other.holdings.texts(other.holding[other_row])
            && (0..3).all(|label| self.label(label, row) == other.label(label, other_row))
    }
}

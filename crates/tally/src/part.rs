//! A part of a delivery: its plain rows in columns, and the holdings that they are of.

use crate::codes::Codes;
use crate::ends::Ends;
use crate::holdings::PartHoldings;
use crate::identity::{account_seed, in_account};
use reckoner_core::intake::{PlainTerms, is_within};
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
    pub lines: Vec<u64>,
    /// Within the account.
    pub record_id: Texts,
    /// Account by code.
    pub account: Vec<u32>,
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
    /// The first and the last start; nothing where there is no row.
    starts: Option<[i64; 2]>,
}

/// Rows that are looked up together: few enough that what is made of them stays near the processor.
const NEAR_ROWS: usize = 256;

/// What was looked up of a batch so far.
struct Looked<'a> {
    /// For the codes of the batch those of the part.
    accounts: Vec<u32>,
    skus: Meant<'a>,
    /// The plain rows.
    rows: Vec<u32>,
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

    fn of(&mut self, row: u32, find: impl FnOnce(&str) -> u32) -> u32 {
        let code = self.coded.codes[row as usize] as usize;
        if self.codes[code] == NONE {
            self.codes[code] = find(self.coded.values.get(code));
        }
        self.codes[code]
    }
}

/// Appends a run of texts.
fn append(to: &mut Texts, from: &Texts, run: Range<usize>) {
    let start = if run.start == 0 { 0 } else { from.ends[run.start - 1] };
    let ends = &from.ends[run];
    let Some(end) = ends.last() else { return };
    let before = u32::try_from(to.text.len()).expect("a part holds less than 4 GiB of text");
    before.checked_add(end - start).expect("a part holds less than 4 GiB of text");
    to.text.push_str(&from.text[start as usize..*end as usize]);
    to.ends.extend(ends.iter().map(|end| before + (end - start)));
}

impl Part {
    /// Takes the rows of a batch: plain ones become rows of the part, of the others the lines are kept.
    pub fn take(&mut self, batch: &UsageColumns, judge: &dyn Judge) {
        let read = self.read_rows(batch);
        let mut known = Looked {
            accounts: self.holdings.accounts(&batch.account_id.values, judge),
            skus: Meant::new(&batch.sku),
            rows: Vec::with_capacity(read.len()),
        };
        for rows in read.chunks(NEAR_ROWS) {
            self.take_near(batch, rows, &mut known, judge);
        }

        let rows = known.rows;
        self.take_labels(batch, &rows);
        for run in rows.chunk_by(|row, next| row + 1 == *next) {
            let run = run[0] as usize..run[0] as usize + run.len();
            append(&mut self.record_id, &batch.record_id, run.clone());
            self.lines.extend_from_slice(&batch.lines[run.clone()]);
            let started_at = &batch.started_at[run.clone()];
            for start in started_at {
                let [first, last] = self.starts.unwrap_or([*start; 2]);
                self.starts = Some([first.min(*start), last.max(*start)]);
            }
            self.started_at.extend_from_slice(started_at);
            self.ended_at.extend_from_slice(&batch.ended_at[run.clone()]);
            self.quantity_e12.extend_from_slice(&batch.quantity_e12[run]);
        }
    }

    /// Looks up what is known of some rows, column by column, and keeps that of the plain ones: what is looked up for one row
    /// waits for memory while that of the next rows is on its way.
    fn take_near(&mut self, batch: &UsageColumns, rows: &[u32], known: &mut Looked<'_>, judge: &dyn Judge) {
        let Self { account, sku, holding, identity, holdings, not_plain, .. } = self;
        let start = account.len();
        account.extend(rows.iter().map(|row| known.accounts[batch.account_id.codes[*row as usize] as usize]));
        sku.extend(rows.iter().map(|row| known.skus.of(*row, |text| holdings.skus.code(text))));
        let keys = account[start..].iter().zip(&sku[start..]).map(|(account, sku)| [*account, *sku]);
        holdings.find(rows.iter().map(|row| batch.resource_id.get(*row as usize)).zip(keys), holding);
        let seeds = account[start..].iter().map(|account| holdings.seed(*account));
        let record_ids = rows.iter().map(|row| batch.record_id.get(*row as usize));
        identity.extend(seeds.zip(record_ids).map(|(seed, record_id)| in_account(seed, record_id)));

        let ends = judge.ends();
        let mut kept = start;
        for (place, row) in (start..).zip(rows) {
            let at = *row as usize;
            let interval = Window::new(Instant::from_seconds(batch.started_at[at]), Instant::from_seconds(batch.ended_at[at]));
            let record = Use { interval, quantity: Quantity::from_e12(batch.quantity_e12[at]) };
            let terms = holdings.terms_of(account[place], sku[place], judge);
            let is_admitted = terms.is_some_and(|terms| terms.admits(record));
            if is_admitted && ends.is_none_or(|ends| is_within(interval, holdings.usable(holding[place], ends))) {
                [&mut *account, sku, holding].into_iter().for_each(|column| column[kept] = column[place]);
                identity[kept] = identity[place];
                kept += 1;
                known.rows.push(*row);
            } else {
                not_plain.push(NotPlain { line: batch.lines[at], identity: Some(identity[place]) });
            }
        }
        [account, sku, holding].into_iter().for_each(|column| column.truncate(kept));
        identity.truncate(kept);
    }

    /// The rows that can be read; of the others the lines are kept.
    fn read_rows(&mut self, batch: &UsageColumns) -> Vec<u32> {
        for row in batch.unread.iter().map(|row| *row as usize) {
            let (account_id, record_id) = (batch.account_id.get(row), batch.record_id.get(row));
            let is_named = !record_id.is_empty() && !account_id.is_empty();
            let identity = is_named.then(|| in_account(account_seed(account_id), record_id));
            self.not_plain.push(NotPlain { line: batch.lines[row], identity });
        }
        let mut unread = batch.unread.iter().peekable();
        (0..batch.len() as u32).filter(|row| unread.next_if_eq(&row).is_none()).collect()
    }

    /// Takes what says more of these rows, which become the next ones of the part.
    fn take_labels(&mut self, batch: &UsageColumns, rows: &[u32]) {
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
            for (place, row) in (before..).zip(rows) {
                let code = meant.of(*row, |text| texts.code(text));
                if code != 0 || !codes.is_empty() {
                    codes.resize(place, 0);
                    codes.push(code);
                }
            }
        }
        let revisions = |row: &u32| batch.revision.as_ref().map_or(0, |revisions| revisions[*row as usize]);
        if !self.revision.is_empty() || rows.iter().any(|row| revisions(row) != 0) {
            self.revision.resize(before, 0);
            self.revision.extend(rows.iter().map(revisions));
        }
    }

    /// Makes room for other rows, without giving back the memory that these took; holdings stay known.
    pub fn clear(&mut self) {
        let Self { lines, record_id, account, sku, holding, started_at, ended_at, quantity_e12, identity, .. } = self;
        lines.clear();
        record_id.text.clear();
        [&mut record_id.ends, account, sku, holding].into_iter().for_each(Vec::clear);
        [started_at, ended_at].into_iter().for_each(Vec::clear);
        quantity_e12.clear();
        identity.clear();
        let Self { revision, labels, label_texts, holdings, not_plain, .. } = self;
        revision.clear();
        labels.iter_mut().for_each(Vec::clear);
        *label_texts = Default::default();
        holdings.renew();
        not_plain.clear();
        self.starts = None;
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
    pub fn starts(&self) -> Option<[i64; 2]> {
        self.starts
    }

    /// The text of a label of a row: 0 region, 1 resource_name, 2 tags; empty where it has none.
    pub fn label(&self, label: usize, row: usize) -> &str {
        self.labels[label].get(row).map_or("", |code| self.label_texts[label].get(*code))
    }

    /// Bytes that the rows take, about.
    pub fn bytes(&self) -> usize {
        self.record_id.text.len() + self.len() * 80
    }

    /// Whether two rows, of this part and of another, say the same in every cell.
    pub fn says_the_same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        let revision = |part: &Self, row: usize| part.revision.get(row).copied().unwrap_or_default();
        self.record_id.get(row) == other.record_id.get(other_row)
            && self.started_at[row] == other.started_at[other_row]
            && self.ended_at[row] == other.ended_at[other_row]
            && self.quantity_e12[row] == other.quantity_e12[other_row]
            && revision(self, row) == revision(other, other_row)
            && self.holdings.texts(self.holding[row]) == other.holdings.texts(other.holding[other_row])
            && (0..3).all(|label| self.label(label, row) == other.label(label, other_row))
    }
}

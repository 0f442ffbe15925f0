//! From `raw/` up: every delivered file is read again, line by line, and each line must be the row that was made of it.
//!
//! What a line is: accepted (then the row kept for it says the same), in quarantine (then the item has the line as it is
//! delivered), or a duplicate (then a row with the same content is known). There is nothing else. A line that was taken
//! again out of quarantine is in it, and accepted or a duplicate since.

use super::files::{delivered_orders, taken_again_whole};
use super::{Check, EVER, Report};
use crate::books::Books;
use crate::failure::Failure;
use crate::ingest::is_retake;
use crate::ingest::read::{self, RowReader, Source};
use crate::report::progress::Progress;
use reckoner_core::account::Accounts;
use reckoner_core::audit::{self, Finding};
use reckoner_core::manifest;
use reckoner_core::table::{
    Context, RawRow, Refusal, TableKind, UsageRow, account, discount, funds, order, price, product, usage, voucher,
};
use reckoner_frames::{RowFile, RowFilter, find_records, read_rows};
use reckoner_store::{InputFile, Known, LakeFile, QuarantineItem};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};

type Items = HashMap<u64, QuarantineItem>;

/// The status of an item whose line was taken again.
const RETRIED: &str = "retried";

pub(super) fn check(books: &Books, progress: &Progress, report: &mut Report) {
    report.attempt(&[Check::RawUsage, Check::RawReference], |report| {
        let mut quarantine: HashMap<String, Items> = HashMap::new();
        for item in books.store().quarantine()? {
            quarantine.entry(item.file_id.clone()).or_default().insert(item.line, item);
        }
        let mut reference = Reference::load(books)?;
        let row_files = books.store().row_files(EVER)?;
        let again = taken_again_whole(books.store())?;
        let files = books.store().input_files()?.into_iter().filter(|file| !is_retake(file));
        let files: Vec<InputFile> = files.filter_map(|file| as_read(file, &again)).collect();
        let (of, mut lines) = (files.len() as u64, 0);
        for (done, file) in (0..).zip(&files) {
            progress.step("reading raw/ again", done, of, &file.name);
            let mut items = quarantine.remove(&file.file_id).unwrap_or_default();
            items.remove(&0); // that the file was refused whole is no line of it
            // Beside tables there are only manifests.
            let Ok(kind) = TableKind::from_word(&file.kind) else {
                report.judge(Check::RawReference, check_manifest(books, file)?);
                continue;
            };
            lines += match kind {
                TableKind::Usage => UsageFile::load(books, file, &row_files, items)?.check(report)?,
                _ => reference.check_file(books, kind, file, items, report)?,
            };
        }
        reference.check_all_met(report);
        report.count("raw", "lines read again", lines);
        Ok(())
    });
}

/// A manifest: the store has what its bytes say.
fn check_manifest(books: &Books, file: &InputFile) -> Result<Option<Finding>, Failure> {
    let text = std::fs::read_to_string(books.session.home.raw().join(&file.file_id)).unwrap_or_default();
    let computed = manifest::parse(&text).map_or_else(|fault| fault.to_string(), |manifest| json(&manifest));
    let known = books.store().manifests()?.into_iter().find(|known| known.file_id == file.file_id);
    let stated = known.map(|known| json(&known.manifest)).unwrap_or_default();
    Ok(audit::compare_texts(subject(file, 0), "the manifest in the store = its bytes", &stated, &computed))
}

/// The file with the counts of the delivery that read its rows; nothing for one that was refused whole, and stayed so.
fn as_read(file: InputFile, again: &HashMap<String, InputFile>) -> Option<InputFile> {
    match again.get(&file.file_id) {
        Some(taken) => Some(InputFile { file_id: file.file_id, name: file.name, ..taken.clone() }),
        None => (!file.is_refused).then_some(file),
    }
}

fn subject(file: &InputFile, line: u64) -> String {
    format!("`{}` line {line} (`raw/{}`)", file.name, file.file_id)
}

/// Opens a delivered file as ingest did; that it cannot be read any more is a finding.
fn open(books: &Books, kind: TableKind, file: &InputFile, check: Check, report: &mut Report) -> Option<Box<dyn RowReader>> {
    let options = books.read_options();
    let opened = read::open(Source::Path(books.session.home.raw().join(&file.file_id)), kind, &options);
    opened.map_err(|refusal| report.judge(check, [unreadable(file, refusal.detail)])).ok()
}

fn unreadable(file: &InputFile, detail: String) -> Finding {
    let (law, stated) = ("it can be read as it was when it was taken", "readable".to_owned());
    Finding { subject: subject(file, 0), law, stated, computed: detail, difference: String::new() }
}

fn refused(file: &InputFile, line: u64, refusal: &Refusal) -> Finding {
    let (law, stated) = ("a line that took effect can be read as a row", "a row".to_owned());
    Finding { subject: subject(file, line), law, stated, computed: refusal.detail.clone(), difference: String::new() }
}

/// A refused line: the item has it as delivered.
fn compare_item(file: &InputFile, item: &QuarantineItem, delivered: &[(String, String)]) -> Option<Finding> {
    let text = |pairs: &[(String, String)]| {
        let cells = pairs.iter().map(|(column, text)| format!("{column}={text}"));
        cells.collect::<Vec<_>>().join(", ")
    };
    let law = "the quarantine item has the line as delivered";
    audit::compare_texts(subject(file, item.line), law, &text(&item.raw), &text(delivered))
}

/// A record that is no row is in quarantine.
fn judge_refused(file: &InputFile, line: u64, item: Option<QuarantineItem>, delivered: &[(String, String)]) -> Option<Finding> {
    match item {
        Some(item) => compare_item(file, &item, delivered),
        None => {
            let (law, stated) = ("a record that is no row is in quarantine", "in quarantine".to_owned());
            let computed = "no item".to_owned();
            Some(Finding { subject: subject(file, line), law, stated, computed, difference: String::new() })
        }
    }
}

/// Counts that must come out when a file has been read to its end.
fn compare_ends(file: &InputFile, pairs: [(&'static str, u64, u64); 3]) -> Vec<Finding> {
    let compared = pairs.into_iter().map(|(law, stated, computed)| {
        audit::compare_counts(format!("`{}` (`raw/{}`)", file.name, file.file_id), law, stated, computed)
    });
    compared.flatten().collect()
}

/// A delivered usage file, and what is kept of it.
struct UsageFile<'a> {
    books: &'a Books,
    file: &'a InputFile,
    /// Every file of accepted rows.
    known: &'a [LakeFile],
    /// Line and content of every accepted row, by line. A hash each, because a file may be large.
    accepted: Vec<(u64, u128)>,
    /// Lines that took effect in a later delivery, when the file stood in the place of another.
    later: HashSet<u64>,
    items: Items,
}

impl<'a> UsageFile<'a> {
    fn load(books: &'a Books, file: &'a InputFile, row_files: &'a [LakeFile], items: Items) -> Result<Self, Failure> {
        let (mut accepted, mut later) = (Vec::new(), HashSet::new());
        for kept in row_files.iter().filter(|kept| kept.file_id == file.file_id) {
            let rows = read_rows(&[books.row_file(kept)], &RowFilter::default())?;
            accepted.extend(rows.iter().map(|stored| (stored.row.line, content(&stored.row))));
            later.extend(rows.iter().filter(|_| kept.seq > file.seq).map(|stored| stored.row.line));
        }
        accepted.sort_unstable();
        Ok(Self { books, file, known: row_files, accepted, later, items })
    }

    fn check(mut self, report: &mut Report) -> Result<u64, Failure> {
        let check = Check::RawUsage;
        let Some(mut reader) = open(self.books, TableKind::Usage, self.file, check, report) else { return Ok(0) };
        let (mut lines, mut met, mut duplicates) = (0, 0, 0);
        loop {
            let batch = match reader.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(refusal) => {
                    report.judge(check, [unreadable(self.file, refusal.detail)]);
                    return Ok(lines);
                }
            };
            let (mut repeated, mut repeated_since) = (Vec::new(), Vec::new());
            lines += (batch.refused().len() + batch.len()) as u64;
            for unread in batch.refused() {
                let item = self.items.remove(&unread.line);
                report.judge(check, judge_refused(self.file, unread.line, item, &unread.raw));
            }
            for raw in batch.rows() {
                let item = self.items.remove(&raw.line());
                if let Some(item) = &item {
                    report.judge(check, compare_item(self.file, item, &raw.to_pairs()));
                    if item.status != RETRIED {
                        continue;
                    }
                }
                let row = match self.parse(&raw) {
                    Ok(row) => row,
                    Err(refusal) => {
                        report.judge(check, [refused(self.file, raw.line(), &refusal)]);
                        continue;
                    }
                };
                match self.accepted.binary_search_by_key(&row.line, |(line, _)| *line) {
                    Ok(place) => {
                        met += 1;
                        // It was a duplicate when the file came: of a row that is gone since.
                        duplicates += u64::from(item.is_none() && self.later.contains(&row.line));
                        let is_same = self.accepted[place].1 == content(&row);
                        report.judge(check, if is_same { None } else { self.compare_row(&row)? });
                    }
                    Err(_) if item.is_some() => repeated_since.push(row),
                    Err(_) => repeated.push(row),
                }
            }
            duplicates += repeated.len() as u64;
            self.check_duplicates(&repeated, self.file.seq, report)?;
            self.check_duplicates(&repeated_since, u64::MAX, report)?;
        }
        let pairs = [
            ("accepted rows = lines that they were made of", self.accepted.len() as u64, met),
            ("duplicates = lines that are neither accepted nor in quarantine", self.file.duplicates, duplicates),
            ("no item of the quarantine is without its line", self.items.len() as u64, 0),
        ];
        report.judge(check, compare_ends(self.file, pairs));
        Ok(lines)
    }

    fn parse(&self, raw: &RawRow<'_>) -> Result<UsageRow, Refusal> {
        usage::parse(raw, &Context::new(&self.books.session.settings.currency))
    }

    /// The row in the lake beside the row of its line, cell by cell.
    fn compare_row(&self, row: &UsageRow) -> Result<Option<Finding>, Failure> {
        let own: Vec<RowFile> =
            self.known.iter().filter(|kept| kept.file_id == self.file.file_id).map(|kept| self.books.row_file(kept)).collect();
        let kept = read_rows(&own, &RowFilter::default())?.into_iter().find(|stored| stored.row.line == row.line);
        let text = |row: &UsageRow| format!("{row:?}");
        let stated = kept.map(|stored| text(&stored.row)).unwrap_or_default();
        Ok(audit::compare_texts(subject(self.file, row.line), "the accepted row = its line", &stated, &text(row)))
    }

    /// Every duplicate has the content of a row that was accepted up to this delivery.
    fn check_duplicates(&self, rows: &[UsageRow], seq: u64, report: &mut Report) -> Result<(), Failure> {
        // Equal content has equal times, so only files that span them can have it.
        let spans = |kept: &LakeFile, row: &UsageRow| kept.span.start <= row.started_at && row.ended_at <= kept.span.end;
        let known = self.known.iter().filter(|kept| kept.seq <= seq);
        let near = known.filter(|kept| rows.iter().any(|row| spans(kept, row)));
        let near: Vec<RowFile> = near.map(|kept| self.books.row_file(kept)).collect();
        let keys = rows.iter().map(|row| (row.account_id.clone(), row.record_id.clone())).collect();
        let known: HashSet<u128> = find_records(&near, &keys)?.iter().map(|stored| content(&stored.row)).collect();
        for row in rows {
            let finding = (!known.contains(&content(row))).then(|| {
                let (law, stated) = ("a duplicate has the content of an accepted row", format!("{row:?}"));
                let computed = "no such row".to_owned();
                Finding { subject: subject(self.file, row.line), law, stated, computed, difference: String::new() }
            });
            report.judge(Check::RawUsage, finding);
        }
        Ok(())
    }
}

/// The hash of everything that a row says, as a number.
fn content(row: &UsageRow) -> u128 {
    let id = row.content_id();
    let hex = id.rsplit('_').next().unwrap_or_default();
    u128::from_str_radix(hex, 16).expect("an id ends in 128 bits of hex")
}

/// Rows of reference tables as the store has them, written as JSON, so that equal text is an equal row.
struct Reference {
    accounts: Accounts,
    /// By delivered file and line.
    by_place: HashMap<(String, u64), String>,
    /// Rows that were taken again, by line and content: their delivery is not their file.
    retaken: BTreeSet<(u64, String)>,
    /// Every known row, by table: what duplicates repeat.
    contents: HashSet<(TableKind, String)>,
    /// Funds entries that no line has been found for; the store does not say which line made one.
    funds_unmet: BTreeSet<String>,
}

impl Reference {
    fn load(books: &Books) -> Result<Self, Failure> {
        let store = books.store();
        let accounts = store.accounts()?;
        let funds: Vec<String> = store.funds()?.iter().map(|entry| json(&entry.row)).collect();
        let retakes: HashSet<String> = store.input_files()?.into_iter().filter(is_retake).map(|file| file.file_id).collect();
        let mut reference = Self {
            accounts: Accounts::new(accounts.iter().map(|known| known.row.clone())),
            by_place: HashMap::new(),
            retaken: BTreeSet::new(),
            contents: funds.iter().map(|text| (TableKind::Funds, text.clone())).collect(),
            funds_unmet: funds.into_iter().collect(),
        };
        reference.keep(TableKind::Accounts, &accounts, &retakes);
        reference.keep(TableKind::Products, &store.products()?, &retakes);
        reference.keep(TableKind::Prices, &store.prices()?, &retakes);
        reference.keep(TableKind::Discounts, &store.discounts()?, &retakes);
        reference.keep(TableKind::Vouchers, &store.vouchers()?, &retakes);
        reference.keep(TableKind::Orders, &delivered_orders(store)?, &retakes);
        Ok(reference)
    }

    fn keep<T: Serialize>(&mut self, kind: TableKind, rows: &[Known<T>], retakes: &HashSet<String>) {
        for known in rows {
            if retakes.contains(&known.file_id) {
                self.retaken.insert((known.line, json(&known.row)));
            } else {
                self.by_place.insert((known.file_id.clone(), known.line), json(&known.row));
            }
            self.contents.insert((kind, json(&known.row)));
        }
    }

    fn check_file(
        &mut self,
        books: &Books,
        kind: TableKind,
        file: &InputFile,
        mut items: Items,
        report: &mut Report,
    ) -> Result<u64, Failure> {
        let check = Check::RawReference;
        let Some(mut reader) = open(books, kind, file, check, report) else { return Ok(0) };
        let (mut lines, mut met, mut other) = (0, 0, 0);
        loop {
            let batch = match reader.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(refusal) => {
                    report.judge(check, [unreadable(file, refusal.detail)]);
                    return Ok(lines);
                }
            };
            lines += (batch.refused().len() + batch.len()) as u64;
            for unread in batch.refused() {
                let item = items.remove(&unread.line);
                report.judge(check, judge_refused(file, unread.line, item, &unread.raw));
            }
            for raw in batch.rows() {
                let item = items.remove(&raw.line());
                if let Some(item) = &item {
                    report.judge(check, compare_item(file, item, &raw.to_pairs()));
                    if item.status != RETRIED {
                        continue;
                    }
                }
                match self.parse(books, kind, &raw) {
                    Err(refusal) => report.judge(check, [refused(file, raw.line(), &refusal)]),
                    Ok(row) if item.is_some() => {
                        self.retaken.remove(&(raw.line(), row.clone()));
                        report.judge(check, self.compare_row(kind, file, raw.line(), None, row));
                    }
                    Ok(row) => {
                        let place = (file.file_id.clone(), raw.line());
                        let kept = self.by_place.remove(&place);
                        *(if kept.is_some() { &mut met } else { &mut other }) += 1;
                        report.judge(check, self.compare_row(kind, file, raw.line(), kept, row));
                    }
                }
            }
        }
        // Of a funds entry nobody knows whether its line made it or repeated it.
        let (accepted, repeated) = match kind {
            TableKind::Funds => (0, file.accepted + file.duplicates),
            _ => (file.accepted, file.duplicates),
        };
        let pairs = [
            ("accepted rows = lines that they were made of", accepted, met),
            ("duplicates = lines that are neither accepted nor in quarantine", repeated, other),
            ("no item of the quarantine is without its line", items.len() as u64, 0),
        ];
        report.judge(check, compare_ends(file, pairs));
        Ok(lines)
    }

    /// The row of a line: as kept for it, or as kept for another line that it repeats.
    fn compare_row(
        &mut self,
        kind: TableKind,
        file: &InputFile,
        line: u64,
        kept: Option<String>,
        row: String,
    ) -> Option<Finding> {
        self.funds_unmet.remove(&row);
        match kept {
            Some(kept) => audit::compare_texts(subject(file, line), "the row in the store = its line", &kept, &row),
            None if self.contents.contains(&(kind, row.clone())) => None,
            None => {
                let (law, computed) = ("a line that took effect is a known row", "no such row".to_owned());
                Some(Finding { subject: subject(file, line), law, stated: row, computed, difference: String::new() })
            }
        }
    }

    /// Rows are in the store because a line said so; here those whose line is not kept with them.
    fn check_all_met(&self, report: &mut Report) {
        for row in self.funds_unmet.iter().chain(self.retaken.iter().map(|(_, row)| row)) {
            let (law, computed) = ("it was delivered", "no such line".to_owned());
            let subject = "a row in the store".to_owned();
            let finding = Finding { subject, law, stated: row.clone(), computed, difference: String::new() };
            report.judge(Check::RawReference, [finding]);
        }
    }

    fn parse(&self, books: &Books, kind: TableKind, raw: &RawRow<'_>) -> Result<String, Refusal> {
        let currency_of = |account_id: &str| self.accounts.currency(account_id).map(str::to_owned);
        let context = Context::new(&books.session.settings.currency).with_account_currency(&currency_of);
        Ok(match kind {
            TableKind::Accounts => json(&account::parse(raw, &context)?),
            TableKind::Products => json(&product::parse(raw, &context)?),
            TableKind::Prices => json(&price::parse(raw, &context)?),
            TableKind::Discounts => json(&discount::parse(raw, &context)?),
            TableKind::Vouchers => json(&voucher::parse(raw, &context)?),
            TableKind::Funds => json(&funds::parse(raw, &context)?),
            TableKind::Orders => json(&order::parse(raw, &context)?),
            TableKind::Usage | TableKind::Assignments | TableKind::AllocationRules | TableKind::Budgets => {
                unreachable!("usage has a way of its own, and tables of later versions were not taken")
            }
        })
    }
}

fn json<T: Serialize>(row: &T) -> String {
    serde_json::to_string(row).expect("rows are written as JSON without fail")
}

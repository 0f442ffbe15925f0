//! Merging: the holdings of many files of partials become one set, file by file.
//!
//! Files are in the order of the hashes of their holdings, so that they are walked side by side with what is known. Hashes
//! below the middle and those from it on are merged by a thread each: no holding of one half can be one of the other.

use crate::error::TallyError;
use crate::identity::{account_seed, holding_identity, holding_in_account};
use crate::part::NONE;
use crate::partial_file::{Names, PartialFile};
use crate::sums::{CodedHolding, Facts, Holdings, OpenFile, Wanted};
use arrow::array::{ArrayRef, RecordBatch};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Batches of names that are decoded before they are merged.
const BATCHES_AHEAD: usize = 6;
/// Hashes from here on are the upper half.
const MIDDLE: u64 = 1 << 63;

/// Files whose holdings are one set.
pub(crate) struct Merged {
    pub holdings: Holdings,
    /// The holdings in the order of their hashes, which is that of the files.
    pub order: Vec<u32>,
    pub files: Vec<OpenFile>,
}

/// All holdings of files, with the numbers of their deliveries.
pub(crate) fn merge(files: &[(PathBuf, u64)]) -> Result<Merged, TallyError> {
    let (opened, lower, upper) = std::thread::scope(|scope| {
        let halves = [Half::Lower, Half::Upper].map(|half| {
            let (give, take) = sync_channel(BATCHES_AHEAD);
            (give, scope.spawn(move || Merging::default().half(half, &take)))
        });
        let [(to_lower, lower), (to_upper, upper)] = halves;
        let opened = decode(files, [to_lower, to_upper]);
        let [lower, upper] = [lower, upper].map(|half| half.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        (opened, lower, upper)
    });
    let opened = opened?;
    let (mut holdings, mut order) = (lower.holdings, lower.order);
    let first_place = order.len() as u32;
    let first = holdings.append(&upper.holdings);
    order.extend(upper.order.iter().map(|holding| first + holding));
    let mut open = Vec::with_capacity(files.len());
    for ((file, (path, seq)), (low, high)) in opened.into_iter().zip(files).zip(lower.files.into_iter().zip(upper.files)) {
        refuse_disorder(low.is_out_of_order || high.is_out_of_order, path)?;
        let mut places = low.holding;
        places.extend(high.holding.iter().map(|place| first_place + place));
        open.push(OpenFile { file, seq: *seq, places });
    }
    Ok(Merged { holdings, order, files: open })
}

/// The same, of the accounts and skus that are wanted.
pub(crate) fn merge_wanted(files: &[(PathBuf, u64)], is_wanted: &Wanted<'_>) -> Result<Merged, TallyError> {
    let (mut merging, mut opened) = (Merging::default(), Vec::with_capacity(files.len()));
    for (path, _) in files {
        let file = PartialFile::open(path)?;
        file.each_holding_of(is_wanted, |place, named| {
            merging.file.holding.resize(place, NONE);
            let coded = merging.holdings.coded(named);
            merging.take(holding_identity(named.key), coded);
        })?;
        merging.end();
        opened.push(file);
    }
    let MergedHalf { holdings, order, files: merged } = merging.finish();
    let mut open = Vec::with_capacity(files.len());
    for ((file, (path, seq)), merged) in opened.into_iter().zip(files).zip(merged) {
        refuse_disorder(merged.is_out_of_order, path)?;
        open.push(OpenFile { file, seq: *seq, places: merged.holding });
    }
    Ok(Merged { holdings, order, files: open })
}

fn refuse_disorder(is_out_of_order: bool, path: &Path) -> Result<(), TallyError> {
    if is_out_of_order { Err(TallyError::read(path)(&"its holdings are not in order")) } else { Ok(()) }
}

/// What is read ahead of merging.
enum Ahead {
    /// Holdings of the file under way.
    Names(RecordBatch),
    /// The file's end.
    End,
}

/// Hands what names the holdings of the files to both halves, batch by batch; hands back the files, open.
fn decode(files: &[(PathBuf, u64)], halves: [SyncSender<Ahead>; 2]) -> Result<Vec<PartialFile>, TallyError> {
    let mut opened = Vec::with_capacity(files.len());
    for (path, _) in files {
        let file = PartialFile::open(path)?;
        // A half that listens no more has panicked, which is told where it is joined.
        file.each_batch_of_names(|batch| halves.iter().for_each(|half| drop(half.send(Ahead::Names(batch.clone())))))?;
        halves.iter().for_each(|half| drop(half.send(Ahead::End)));
        opened.push(file);
    }
    Ok(opened)
}

/// Which hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Lower,
    Upper,
}

impl Half {
    /// The rows of a batch in order that are of this half.
    fn rows(self, names: &Names<'_>) -> Range<usize> {
        let (mut low, mut high) = (0, names.len());
        while low < high {
            let middle = low.midpoint(high);
            if holding_identity(names.key(middle)) < MIDDLE { low = middle + 1 } else { high = middle }
        }
        match self {
            Self::Lower => 0..low,
            Self::Upper => low..names.len(),
        }
    }

    fn has(self, hash: u64) -> bool {
        (hash < MIDDLE) == (self == Self::Lower)
    }
}

/// Files being merged, one after the other: holdings in the order of their hashes, into which the next file is merged.
#[derive(Default)]
struct Merging {
    holdings: Holdings,
    /// By account what the hashes of its holdings begin with.
    seeds: Vec<u64>,
    translated: Translated,
    known: Vec<(u64, u32)>,
    merged: Vec<(u64, u32)>,
    next: usize,
    /// The file under way.
    file: MergedFile,
    latest: u64,
    files: Vec<MergedFile>,
}

/// What came of a file.
#[derive(Default)]
struct MergedFile {
    /// By row its holding, and in the end the holding's place; none: not wanted.
    holding: Vec<u32>,
    is_out_of_order: bool,
}

/// What came of one half of all files.
struct MergedHalf {
    holdings: Holdings,
    /// The holdings in the order of their hashes.
    order: Vec<u32>,
    /// With the places of holdings in that order.
    files: Vec<MergedFile>,
}

/// By code of a batch the code among all holdings, for accounts, skus, units, regions and tags.
#[derive(Default)]
struct Translated([(Option<ArrayRef>, Vec<u32>); 5]);

impl Translated {
    /// Translates the codes of a batch; batches of one file have most of them in common.
    fn renew(&mut self, names: &Names<'_>, holdings: &mut Holdings) {
        let Holdings { accounts, skus, units, labels: [regions, tags], .. } = holdings;
        let all = [accounts, skus, units, regions, tags];
        for ((column, all), (known, codes)) in names.coded.iter().zip(all).zip(&mut self.0) {
            if !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, column.values())) {
                codes.clear();
                *known = Some(Arc::clone(column.values()));
            }
            // More of them where rows of this batch are the first that say nothing.
            let mut latest: Option<(&str, u32)> = None;
            codes.extend(column.texts().skip(codes.len()).map(|text| {
                let code = latest.filter(|(known, _)| *known == text).map_or_else(|| all.code(text), |(_, code)| code);
                latest = Some((text, code));
                code
            }));
        }
    }

    /// The holding in a row of the batch.
    fn holding<'b>(&self, names: &Names<'b>, row: usize) -> CodedHolding<'b> {
        let code = |column: usize| self.0[column].1[names.coded[column].code(row)];
        let facts = Facts { unit: code(2), labels: [code(3), code(4)], is_mixed: names.is_mixed(row) };
        CodedHolding { account: code(0), resource: names.resources.value(row), sku: code(1), facts }
    }
}

impl Merging {
    /// Merges one half of all files.
    fn half(mut self, half: Half, ahead: &Receiver<Ahead>) -> MergedHalf {
        // Whether the half has ended in the file under way, before the file did.
        let mut has_ended = false;
        for ahead in ahead {
            let Ahead::Names(batch) = ahead else {
                self.end();
                has_ended = false;
                continue;
            };
            let names = Names::of(&batch);
            let rows = half.rows(&names);
            self.file.is_out_of_order |= has_ended && !rows.is_empty();
            has_ended = half == Half::Lower && rows.end < names.len();
            self.translate(&names);
            for row in rows {
                let named = self.translated.holding(&names, row);
                let hash = holding_in_account(self.seeds[named.account as usize], named.resource, names.coded[1].text(row));
                self.file.is_out_of_order |= !half.has(hash);
                self.take(hash, named);
            }
        }
        self.finish()
    }

    fn translate(&mut self, names: &Names<'_>) {
        self.translated.renew(names, &mut self.holdings);
        let accounts = &self.holdings.accounts;
        self.seeds.extend((self.seeds.len()..accounts.len()).map(|code| account_seed(accounts.get(code as u32))));
    }

    /// Takes the next holding of the file under way.
    fn take(&mut self, hash: u64, named: CodedHolding<'_>) {
        self.file.is_out_of_order |= hash < self.latest;
        self.latest = hash;
        let holding = self.holding(hash, named);
        self.file.holding.push(holding);
    }

    fn holding(&mut self, hash: u64, named: CodedHolding<'_>) -> u32 {
        self.pass(hash);
        let alike = self.known[self.next..].iter().take_while(|(known, _)| *known == hash).map(|(_, holding)| *holding);
        if let Some(known) = alike.into_iter().find(|holding| self.holdings.is(*holding, named)) {
            self.holdings.meet(known, named.facts);
            return known;
        }
        let new = self.holdings.push(named);
        self.merged.push((hash, new));
        new
    }

    /// Passes the known holdings before this hash.
    fn pass(&mut self, hash: u64) {
        while let Some(passed) = self.known.get(self.next).filter(|(known, _)| *known < hash) {
            self.merged.push(*passed);
            self.next += 1;
        }
    }

    /// Ends a file: what it brought is known to the next.
    fn end(&mut self) {
        self.merged.extend_from_slice(&self.known[self.next..]);
        self.merged.sort_unstable();
        std::mem::swap(&mut self.known, &mut self.merged);
        self.merged.clear();
        (self.next, self.latest) = (0, 0);
        self.files.push(std::mem::take(&mut self.file));
    }

    /// Says of every file's holdings where they stand among all.
    fn finish(mut self) -> MergedHalf {
        let mut places = vec![0; self.known.len()];
        for (place, (_, holding)) in (0..).zip(&self.known) {
            places[*holding as usize] = place;
        }
        for holding in self.files.iter_mut().flat_map(|file| &mut file.holding).filter(|holding| **holding != NONE) {
            *holding = places[*holding as usize];
        }
        let order = self.known.iter().map(|(_, holding)| *holding).collect();
        MergedHalf { holdings: self.holdings, order, files: self.files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, Int64Array, StringArray};
    use arrow::datatypes::Int32Type;

    /// A batch of holdings of these resources.
    fn batch(resources: &[&str]) -> RecordBatch {
        let same = |text: &str| -> ArrayRef {
            let texts: DictionaryArray<Int32Type> = std::iter::repeat_n(text, resources.len()).collect();
            Arc::new(texts)
        };
        let names = Arc::new(StringArray::from(resources.to_vec()));
        let mixed = Arc::new(Int64Array::from(vec![0; resources.len()]));
        let columns = [same("acme"), names, same("ecs"), same("hour"), same(""), same(""), mixed as ArrayRef];
        RecordBatch::try_from_iter(columns.into_iter().enumerate().map(|(place, column)| (place.to_string(), column)))
            .expect("columns of one length")
    }

    /// Both halves of one file with these batches: what they hold, and whether it was in order.
    fn merged(batches: &[RecordBatch]) -> (Vec<String>, bool) {
        let halves = [Half::Lower, Half::Upper].map(|half| {
            let (give, take) = sync_channel(batches.len() + 1);
            batches.iter().for_each(|batch| give.send(Ahead::Names(batch.clone())).expect("there is room"));
            give.send(Ahead::End).expect("there is room");
            drop(give);
            Merging::default().half(half, &take)
        });
        let is_in_order = halves.iter().all(|half| !half.files[0].is_out_of_order);
        let resources = halves.iter().flat_map(|half| half.holdings.resources.iter().map(str::to_owned));
        (resources.collect(), is_in_order)
    }

    #[test]
    fn every_holding_is_of_one_half_and_disorder_is_seen() {
        let names: Vec<String> = (0..40).map(|number| format!("r-{number}")).collect();
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_by_key(|resource| holding_identity(["acme", resource, "ecs"]));
        for cut in [0, 1, 17, 39, 40] {
            let (first, second) = sorted.split_at(cut);
            let (found, is_in_order) = merged(&[batch(first), batch(second)]);
            assert_eq!((found, is_in_order), (sorted.iter().map(|name| (*name).to_owned()).collect(), true), "{cut}");
        }
        let mut turned = sorted.clone();
        turned.reverse();
        assert!(!merged(&[batch(&turned)]).1, "backwards");
        let (low, high) = sorted.split_at(20);
        assert!(!merged(&[batch(high), batch(low)]).1, "batches change places");
        for place in 1..sorted.len() {
            let mut swapped = sorted.clone();
            swapped.swap(place - 1, place);
            assert!(!merged(&[batch(&swapped)]).1, "{place}");
        }
    }

    /// Where a file has no codes for what repeats, each row has a text, or none: the same holdings come of both.
    #[test]
    fn texts_say_the_same_as_codes() {
        let regions = [Some("eu"), None, Some("eu"), Some("us"), None, None];
        for said in [[None; 6], [Some("eu"); 6], regions] {
            let names: Vec<String> = (0..6).map(|number| format!("r-{number}")).collect();
            let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
            sorted.sort_by_key(|resource| holding_identity(["acme", resource, "ecs"]));
            let coded = batch(&sorted);
            let with = |region: ArrayRef| {
                let mut columns = coded.columns().to_vec();
                columns[4] = region;
                let columns = columns.into_iter().enumerate().map(|(place, column)| (place.to_string(), column));
                RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).expect("columns")
            };
            let in_codes: DictionaryArray<Int32Type> = said.into_iter().collect();
            let batches = [with(Arc::new(in_codes)), with(Arc::new(StringArray::from(said.to_vec())))];
            let held = batches.each_ref().map(|batch| {
                let mut merging = Merging::default();
                // Batches of one file, then of another, which says nothing of any region.
                for batch in [batch, batch, &coded] {
                    let names = Names::of(batch);
                    merging.translate(&names);
                    for row in 0..names.len() {
                        let (named, key) = (merging.translated.holding(&names, row), names.key(row));
                        merging.take(holding_identity(key), named);
                    }
                    merging.end();
                }
                let holdings = merging.finish().holdings;
                let of = |holding| (holdings.texts(holding).map(str::to_owned), holdings.is_mixed(holding));
                let labels = |holding| holdings.label_texts(holding).map(str::to_owned);
                (0..holdings.len() as u32).map(|holding| (of(holding), labels(holding))).collect::<Vec<_>>()
            });
            assert_eq!(held[0], held[1]);
            for ((_, is_mixed), [region, tags]) in &held[0] {
                assert_eq!((*is_mixed, tags.as_str()), (!region.is_empty(), ""));
            }
            let found: Vec<&str> = held[0].iter().map(|(_, [region, _])| region.as_str()).collect();
            assert_eq!(found, said.map(Option::unwrap_or_default));
        }
    }
}

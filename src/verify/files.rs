//! Files: what was delivered, what became of its rows, and whether the bytes are still those that were kept.

use super::{Check, EVER, Report, verified_seq};
use crate::books::Books;
use crate::failure::Failure;
use crate::files::cannot;
use crate::ingest::is_retake;
use crate::lake::digest;
use crate::report::progress::Progress;
use reckoner_core::audit::{self, Finding, RowCounts};
use reckoner_core::table::OrderRow;
use reckoner_store::{InputFile, Known, KnownOrder, LakeFile, LakeKind, OrderOrigin, Store};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;

pub(super) fn check(books: &Books, is_full: bool, progress: &Progress, report: &mut Report) {
    let rows = [Check::FilesRows, Check::FilesAccounted];
    report.attempt(&rows, |report| check_rows(books.store(), report));
    let bytes = [Check::FilesRaw, Check::FilesLake];
    report.attempt(&bytes, |report| check_bytes(books, is_full, progress, report));
}

fn check_rows(store: &dyn Store, report: &mut Report) -> Result<(), Failure> {
    let accepted = accepted_rows(store)?;
    let mut refused: HashMap<String, u64> = HashMap::new();
    for item in store.quarantine()? {
        *refused.entry(item.file_id).or_default() += 1;
    }

    let files = store.input_files()?;
    let again = taken_again_whole(store)?;
    report.count("files", "delivered", files.len() as u64);
    report.count("files", "rows", files.iter().map(|file| file.rows).sum());
    for file in files {
        let counts = RowCounts { rows: file.rows, accepted: file.accepted, duplicates: file.duplicates, refused: file.refused };
        report.judge(Check::FilesRows, audit::check_rows(&file.name, counts));

        let subject = || format!("file `{}` (delivery {})", file.name, file.seq);
        // A file that is refused whole is one item; none of its rows is counted. What of it was taken later is kept with it.
        let items = match again.get(&file.file_id) {
            _ if is_retake(&file) => 0,
            Some(again) => 1 + again.refused,
            None if file.is_refused => 1,
            None => file.refused,
        };
        let in_quarantine = refused.get(&file.file_id).copied().unwrap_or_default();
        let mut findings: Vec<Finding> = Vec::new();
        findings.extend(audit::compare_counts(subject(), "refused = items in quarantine", items, in_quarantine));
        // The store does not tell which file brought a funds entry; `--full` holds entries against their lines.
        if file.kind != "funds" {
            let there = accepted.get(&file.seq).copied().unwrap_or_default();
            findings.extend(audit::compare_counts(subject(), "accepted = rows that are there", file.accepted, there));
        }
        report.judge(Check::FilesAccounted, findings);
    }
    Ok(())
}

/// Files that were refused whole and taken after another manifest vouched for them: the delivery that took each.
pub(super) fn taken_again_whole(store: &dyn Store) -> Result<HashMap<String, InputFile>, Failure> {
    let files = store.input_files()?;
    let refused: HashSet<&str> = files.iter().filter(|file| file.is_refused).map(|file| file.file_id.as_str()).collect();
    let by_seq: HashMap<u64, &InputFile> = files.iter().filter(|file| is_retake(file)).map(|file| (file.seq, file)).collect();
    let vouched = store.manifest_checks()?.into_iter().filter(|check| check.difference.is_none());
    Ok(vouched
        .filter(|check| refused.contains(check.file_id.as_str()))
        .filter_map(|check| Some((check.file_id, (*by_seq.get(&check.seq)?).clone())))
        .collect())
}

/// Rows that are there, by delivery. Rows that were taken again are of their first file, and of the delivery that took them.
fn accepted_rows(store: &dyn Store) -> Result<HashMap<u64, u64>, Failure> {
    let mut rows: HashMap<u64, u64> = HashMap::new();
    for file in store.row_files(EVER)? {
        *rows.entry(file.seq).or_default() += file.rows;
    }
    let reference = [
        store.accounts()?.into_iter().map(|known| known.seq).collect::<Vec<_>>(),
        store.products()?.into_iter().map(|known| known.seq).collect(),
        store.prices()?.into_iter().map(|known| known.seq).collect(),
        store.discounts()?.into_iter().map(|known| known.seq).collect(),
        store.vouchers()?.into_iter().map(|known| known.seq).collect(),
        delivered_orders(store)?.into_iter().map(|known| known.seq).collect(),
    ];
    for seq in reference.into_iter().flatten() {
        *rows.entry(seq).or_default() += 1;
    }
    Ok(rows)
}

/// The orders that came in files; those of the engine's own making did not.
pub(super) fn delivered_orders(store: &dyn Store) -> Result<Vec<Known<OrderRow>>, Failure> {
    let delivered = |order: KnownOrder| match order.origin {
        OrderOrigin::File { seq, file_id, line } => Some(Known { row: order.row, seq, file_id, line }),
        OrderOrigin::Engine => None,
    };
    Ok(store.orders(EVER)?.into_iter().filter_map(delivered).collect())
}

fn check_bytes(books: &Books, is_full: bool, progress: &Progress, report: &mut Report) -> Result<(), Failure> {
    let store = books.store();
    let verified = if is_full { None } else { verified_seq(books)? };
    // What was taken again has its bytes under its first file.
    let delivered: Vec<InputFile> = store.input_files()?.into_iter().filter(|file| !is_retake(file)).collect();
    let beside_rows = store.partial_files(EVER)?.into_iter().chain(store.identity_files(EVER)?);
    let lake = store.row_files(EVER)?.into_iter().chain(beside_rows).chain(store.charge_files(EVER)?);
    let lake: Vec<LakeFile> = lake.collect();
    let of = (delivered.len() + lake.len()) as u64;
    let mut hashed = 0;

    let raw = books.session.home.raw();
    for (done, file) in (0..).zip(&delivered) {
        progress.step("hashing files", done, of, &file.name);
        let is_hashed = verified.is_none_or(|verified| file.seq > verified);
        hashed += u64::from(is_hashed);
        let InputFile { file_id, bytes, name, .. } = file;
        let subject = format!("delivered file `{name}` (`raw/{file_id}`)");
        report.judge(Check::FilesRaw, compare_bytes(subject, &raw.join(file_id), *bytes, is_hashed.then_some(file_id))?);
    }
    for (done, file) in (delivered.len() as u64..).zip(&lake) {
        progress.step("hashing files", done, of, &file.path);
        let is_hashed = verified.is_none_or(|verified| match file.kind {
            LakeKind::Rows | LakeKind::Partials | LakeKind::Identities => file.seq > verified,
            // Its number is that of the newest delivery that the settlement knew, which verify may have seen before it.
            LakeKind::Charges => file.seq >= verified,
        });
        hashed += u64::from(is_hashed);
        let subject = format!("`lake/{}`", file.path);
        let sha256 = is_hashed.then_some(&file.sha256);
        report.judge(Check::FilesLake, compare_bytes(subject, &books.lake_path(file), file.bytes, sha256)?);
    }
    report.count("files", "in the lake", lake.len() as u64);
    report.count("files", "hashed", hashed);
    Ok(())
}

/// Whether the file has this length and, if it is to be hashed, this SHA-256.
fn compare_bytes(subject: String, path: &Path, bytes: u64, sha256: Option<&String>) -> Result<Option<Finding>, Failure> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (stated, computed) = (format!("{bytes} bytes"), "no such file".to_owned());
            return Ok(Some(Finding { subject, law: "the file is there", stated, computed, difference: String::new() }));
        }
        Err(error) => return Err(cannot("look at", path)(error).into()),
    };
    if found != bytes {
        return Ok(audit::compare_counts(subject, "its length in bytes is that recorded", bytes, found));
    }
    let Some(sha256) = sha256 else { return Ok(None) };
    let file = File::open(path).map_err(cannot("open", path))?;
    let computed = digest(file).map_err(cannot("read", path))?;
    Ok(audit::compare_texts(subject, "its SHA-256 is that recorded", sha256, &computed))
}

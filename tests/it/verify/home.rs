//! A small home with a bit of everything, made once and copied for each test; and tools to break it.

use crate::support::{Bench, Said};
use reckoner_core::rate::Charge;
use reckoner_core::table::UsageRow;
use reckoner_frames::{ChargeFilter, RowFile, RowFilter, read_charges, read_rows, write_charges, write_rows};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The clock of every command here.
pub const AS_OF: &str = "2026-01-20T00:00:00+08:00";

/// Input files in the order of delivery.
const FILES: &[(&str, &str)] = &[
    (
        "accounts.csv",
        "account_id,name,credit_limit,payment_method\n\
         ana,Ana,3,balance\n\
         ben,Ben,0,external\n\
         cid,Cid,0,balance\n",
    ),
    (
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price,model,tiers,settle\n\
         vm,ecs,pay_per_use,hour,3.6,,,\n\
         disk,evs,pay_per_use,hour,0.36,,,day\n\
         gb,eip,pay_per_use,GB,0,graduated,\"[{\"\"up_to\"\":\"\"10\"\",\"\"unit_price\"\":\"\"0.1\"\"},{\"\"unit_price\"\":\"\"0.05\"\"}]\",\n",
    ),
    (
        "vouchers.csv",
        "voucher_id,account_id,amount,valid_from,valid_to,kind\n\
         v-ana,ana,2,2026-01-01T00:00:00+08:00,2026-02-01T00:00:00+08:00,voucher\n",
    ),
    (
        "funds.csv",
        "entry_id,account_id,kind,amount,at\n\
         f-1,ana,top_up,3,2026-01-04T00:00:00+08:00\n\
         f-2,ana,grant,1,2026-01-04T00:00:00+08:00\n\
         f-3,cid,chargeback,0.5,2026-01-04T00:00:00+08:00\n\
         f-4,cid,write_off,0.2,2026-01-06T00:00:00+08:00\n\
         f-5,ben,top_up,1,2026-01-04T00:00:00+08:00\n\
         f-6,ben,adjustment,-0.4,2026-01-05T00:00:00+08:00\n",
    ),
    (
        "usage-1.csv",
        "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,resource_name\n\
         a-1,ana,vm-1,vm,2026-01-05T09:30:00+08:00,2026-01-05T11:00:00+08:00,1,first\n\
         a-2,ana,vm-2,vm,2026-01-05T10:00:00+08:00,2026-01-05T10:30:00+08:00,1,\n\
         a-3,ana,eip-1,gb,2026-01-05T10:00:00+08:00,2026-01-05T11:00:00+08:00,8,\n\
         a-4,ana,eip-1,gb,2026-01-06T10:00:00+08:00,2026-01-06T11:00:00+08:00,8,\n\
         b-1,ben,disk-1,disk,2026-01-05T10:00:00+08:00,2026-01-05T14:00:00+08:00,2,\n\
         c-1,cid,vm-1,vm,2026-01-05T10:00:00+08:00,2026-01-05T11:00:00+08:00,1,\n\
         c-1,cid,vm-1,vm,2026-01-05T10:00:00+08:00,2026-01-05T11:00:00+08:00,1.0,\n\
         x-1,ana,vm-1,unknown,2026-01-05T10:00:00+08:00,2026-01-05T11:00:00+08:00,1,\n",
    ),
    (
        "usage-2.csv",
        "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,revision,corrects,waived\n\
         a-1,ana,vm-1,vm,2026-01-05T09:30:00+08:00,2026-01-05T10:15:00+08:00,1,1,,\n\
         b-2,ben,disk-1,disk,2026-01-05T10:00:00+08:00,2026-01-05T14:00:00+08:00,1,0,b-1,\n\
         c-2,cid,vm-2,vm,2026-01-07T10:00:00+08:00,2026-01-07T10:20:00+08:00,1,0,,true\n",
    ),
];

/// A copy of the small home, settled after every usage file.
pub fn small_home() -> Bench {
    static MADE: OnceLock<Bench> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let bench = Bench::new();
        bench.line("init --epoch 2026-01-01").expect_exit(0);
        for (name, text) in FILES {
            bench.write(name, text);
            let refused = if *name == "usage-1.csv" { 2 } else { 0 };
            bench.line(&format!("ingest {name} --as-of {AS_OF}")).expect_exit(refused);
            if name.starts_with("usage") {
                bench.line(&format!("catch-up --as-of {AS_OF}")).expect_exit(0);
            }
        }
        bench
    });
    let bench = Bench::new();
    copy(&made.home(), &bench.home());
    bench
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), &target).expect("copied")),
        }
    }
}

/// The checks that `verify` finds broken, first in front.
#[track_caller]
pub fn broken(said: &Said) -> Vec<String> {
    let document = said.json();
    let checks = document["checks"].as_array().unwrap_or_else(|| panic!("no checks in {}", said.out));
    let broken = checks.iter().filter(|check| check["status"] == "broken");
    broken.map(|check| check["name"].as_str().expect("a name").to_owned()).collect()
}

/// The home's database, to break it.
pub fn ledger(bench: &Bench) -> Connection {
    Connection::open(bench.home().join("ledger.db")).expect("the store")
}

/// Runs statements past the triggers that keep tables append-only, which are there again afterwards.
#[track_caller]
pub fn force(bench: &Bench, statements: &str) {
    let db = ledger(bench);
    let mut question = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").expect("asked");
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let triggers: Vec<(String, String)> =
        question.query_map([], row).expect("asked").collect::<Result<_, _>>().expect("triggers");
    drop(question);
    for (name, _) in &triggers {
        db.execute_batch(&format!("DROP TRIGGER {name}")).expect("dropped");
    }
    db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").expect("set");
    let before = db.total_changes();
    db.execute_batch(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    assert!(db.total_changes() > before, "{statements} changes nothing");
    for (_, sql) in &triggers {
        db.execute_batch(sql).expect("made again");
    }
}

/// The first text that a question answers with.
pub fn ask(bench: &Bench, question: &str) -> String {
    ledger(bench).query_row(question, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{question}: {error}"))
}

/// Turns one bit in the middle of a file.
pub fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

/// A file of the lake that holds a charge or row of this day.
pub fn lake_file(bench: &Bench, kind: &str, day: &str) -> PathBuf {
    let question = format!("SELECT path FROM lake_files WHERE kind = '{kind}' AND path LIKE '%day={day}/%' ORDER BY seq, path");
    bench.home().join("lake").join(ask(bench, &question))
}

/// Rewrites a file of charges, and the manifest with it, as somebody would who knows how.
pub fn forge_charges(bench: &Bench, day: &str, change: impl FnOnce(&mut Vec<Charge>)) {
    let path = lake_file(bench, "charges", day);
    let mut charges = read_charges(std::slice::from_ref(&path), &ChargeFilter::default()).expect("charges");
    change(&mut charges);
    write_charges(&charges, &path).expect("written");
    sign(bench, &path);
}

/// Rewrites a file of accepted rows, and the manifest with it.
pub fn forge_rows(bench: &Bench, day: &str, change: impl FnOnce(&mut Vec<UsageRow>)) {
    let path = lake_file(bench, "rows", day);
    let file = RowFile { path: path.clone(), file_id: String::new(), seq: 0 };
    let stored = read_rows(&[file], &RowFilter::default()).expect("rows");
    let mut rows: Vec<UsageRow> = stored.into_iter().map(|stored| stored.row).collect();
    change(&mut rows);
    write_rows(rows, &path).expect("written");
    sign(bench, &path);
}

/// Makes the manifest say that a file's bytes are right.
pub fn sign(bench: &Bench, path: &Path) {
    let bytes = std::fs::read(path).expect("a file");
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let below = path.strip_prefix(bench.home().join("lake")).expect("in the lake").to_string_lossy().into_owned();
    let (length, sql) = (bytes.len() as i64, "UPDATE lake_files SET bytes = ?1, sha256 = ?2 WHERE path = ?3");
    assert_eq!(ledger(bench).execute(sql, (length, sha256, below)).expect("signed"), 1);
}

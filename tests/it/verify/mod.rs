//! `verify`: green on books that are right, whatever came when; and for each check, books that break it.

mod broken;
mod home;
mod orders;

use crate::support::Bench;
use home::{AS_OF, flip, force, ledger, small_home};
use std::path::Path;

const SAMPLE_AS_OF: &str = "2026-02-02T00:00:00+08:00";

/// Everything of the sample month but usage; one of the files has rows that are refused.
const REFERENCE: &[&str] = &[
    "accounts-2026-01.csv",
    "products-2026-01.csv",
    "prices-2026-01.csv",
    "prices-2026-01_revised.csv",
    "discounts-2026-01.csv",
    "vouchers-2026-01.csv",
    "funds-2026-01.csv",
];

const USAGE: &[&str] = &[
    "usage-2026-01-02T09.csv",
    "usage-2026-01-05T13.csv",
    "usage-2026-01-06T09.csv",
    "usage-2026-01-12T08.csv",
    "usage-2026-01-16T09.csv",
    "usage-2026-01-24T20.csv",
    "usage-2026-02-01T02.csv",
    "usage-2026-02-01T09.csv",
];

fn ingest(bench: &Bench, names: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let paths: Vec<String> = names.iter().map(|name| folder.join(name).display().to_string()).collect();
    let said = bench.run(["ingest", "--as-of", SAMPLE_AS_OF].into_iter().chain(paths.iter().map(String::as_str)));
    assert!(said.exit == 0 || said.exit == 2, "{}{}", said.out, said.err);
}

fn settle(bench: &Bench, line: &str) {
    bench.line(&format!("{line} --as-of {SAMPLE_AS_OF}")).expect_exit(0);
}

#[track_caller]
fn expect_green(bench: &Bench) {
    let said = bench.line("verify --full").expect_exit(0);
    assert!(said.out.ends_with("all 43 checks hold\n"), "{}", said.out);
}

#[test]
fn the_sample_month_is_green_before_and_after_it_is_settled() {
    let bench = Bench::with_home();
    expect_green(&bench);
    ingest(&bench, &[REFERENCE, USAGE].concat());
    expect_green(&bench);
    settle(&bench, "catch-up");
    expect_green(&bench);
    let plain = bench.line("verify").expect_exit(0);
    assert!(plain.out.ends_with("all 41 checks hold\n"), "{}", plain.out);
    for piece in ["charges   5 hold  148 rows, 25 days, 122 settlements", "usage     6 hold  144 lines counted again"] {
        assert!(plain.out.contains(piece), "{piece:?} is missing from: {}", plain.out);
    }
}

#[test]
fn two_halves_and_late_files_are_green() {
    let bench = Bench::with_home();
    ingest(&bench, REFERENCE);
    ingest(&bench, &USAGE[..5]);
    settle(&bench, "catch-up --until 2026-01-16");
    expect_green(&bench);
    // Late files are there, but not settled yet.
    ingest(&bench, &USAGE[5..]);
    expect_green(&bench);
    settle(&bench, "catch-up");
    expect_green(&bench);
}

#[test]
fn parts_of_windows_are_green() {
    let bench = Bench::with_home();
    ingest(&bench, REFERENCE);
    ingest(&bench, &USAGE[..2]);
    // Nothing but an account's part of the windows is posted; then all of them; then another part is ahead.
    settle(&bench, "run hourly --account heron");
    expect_green(&bench);
    settle(&bench, "run hourly --from 2026-01-01 --to 2026-01-05");
    ingest(&bench, &USAGE[2..]);
    settle(&bench, "run hourly --sku evs.ssd");
    settle(&bench, "run hourly --account ibis");
    expect_green(&bench);
    settle(&bench, "catch-up");
    expect_green(&bench);
}

#[test]
fn a_price_that_came_later_than_its_use_stays_the_price() {
    let bench = Bench::with_home();
    let price = |revision: u32, unit_price: &str, valid_from: &str| {
        let header = "sku,product,billing_mode,unit,unit_price,valid_from,revision";
        format!("{header}\nvm,ecs,pay_per_use,hour,{unit_price},{valid_from},{revision}\n")
    };
    let usage = |id: &str, sku: &str, minute: u32| {
        let header = "record_id,account_id,resource_id,sku,started_at,ended_at";
        format!("{header}\n{id},ana,vm-1,{sku},2026-01-05T10:00:00+08:00,2026-01-05T10:{minute}:00+08:00\n")
    };
    bench.write("accounts.csv", "account_id,name\nana,Ana\n");
    bench.write("prices-1.csv", &price(0, "3.6", "2026-01-10T00:00:00+08:00"));
    bench.write("prices-2.csv", "sku,product,billing_mode,unit,unit_price\ndisk,evs,pay_per_use,hour,0.36\n");
    bench.write("usage-1.csv", &usage("d-1", "disk", 10)); // settles the hour while the price of `vm` is unknown
    bench.write("prices-3.csv", &price(0, "7.2", ""));
    bench.write("usage-2.csv", &usage("v-1", "vm", 20));
    bench.write("prices-4.csv", &price(1, "36", "")); // a revision may change settled windows by a rerun only
    bench.write("usage-3.csv", &usage("v-2", "vm", 30));
    for name in ["accounts", "prices-1", "prices-2", "usage-1", "prices-3", "usage-2", "prices-4", "usage-3"] {
        bench.line(&format!("ingest {name}.csv --as-of {AS_OF}")).expect_exit(0);
        if name.starts_with("usage") {
            bench.line(&format!("catch-up --as-of {AS_OF}")).expect_exit(0);
        }
        expect_green(&bench);
    }
    let charges = bench.line("export charges").expect_exit(0).out;
    assert!(charges.contains(",3.60000000,CNY,") && charges.contains(",2.40000000,CNY,"), "{charges}");
    assert!(!charges.contains("terms_changed"), "{charges}");
}

#[test]
fn rows_taken_again_are_green() {
    let bench = Bench::with_home();
    let ingest = |name: &str, text: &str, exit: i32| {
        bench.write(name, text);
        bench.line(&format!("ingest {name} --as-of {AS_OF}")).expect_exit(exit);
        expect_green(&bench);
    };
    let usage = |lines: &str| format!("record_id,account_id,resource_id,sku,started_at,ended_at,quantity,corrects\n{lines}");
    let hour = "2026-01-05T10:00:00+08:00,2026-01-05T11:00:00+08:00";
    ingest("prices.csv", "sku,product,billing_mode,unit,unit_price\nvm,ecs,pay_per_use,hour,3.6\n", 0);
    // Nobody knows the account, and the first row corrects one that comes later.
    ingest("funds.csv", "entry_id,account_id,kind,amount,at\nf-1,ana,top_up,9,2026-01-04T00:00:00+08:00\n", 2);
    let voucher = "v-1,ana,1,2026-01-01T00:00:00+08:00,2026-02-01T00:00:00+08:00,voucher";
    ingest("vouchers.csv", &format!("voucher_id,account_id,amount,valid_from,valid_to,kind\n{voucher}\n"), 2);
    ingest("usage-1.csv", &usage(&format!("a-2,ana,vm-1,vm,{hour},2,a-1\na-3,ana,vm-2,vm,{hour},1,\n")), 2);
    ingest("accounts.csv", "account_id,name\nana,Ana\n", 0);
    bench.line(&format!("quarantine retry --reason unknown_account --as-of {AS_OF}"));
    expect_green(&bench);
    bench.line(&format!("catch-up --as-of {AS_OF}")).expect_exit(0);
    ingest("usage-2.csv", &usage(&format!("a-1,ana,vm-1,vm,{hour},1,\na-3,ana,vm-2,vm,{hour},1,\n")), 0);
    bench.line(&format!("quarantine retry --as-of {AS_OF}"));
    bench.line(&format!("catch-up --as-of {AS_OF}")).expect_exit(0);
    expect_green(&bench);
    let states = "SELECT group_concat(DISTINCT status) FROM quarantine_states";
    assert_eq!(home::ask(&bench, states), "retried");

    force(&bench, "UPDATE vouchers SET line = 3");
    let said = bench.line("verify --full --json").expect_exit(70);
    assert_eq!(home::broken(&said).first().map(String::as_str), Some("raw.reference"), "{}", said.out);
}

#[test]
fn what_a_green_verify_has_seen_is_not_hashed_again() {
    let bench = small_home();
    let hashed = |line: &str| {
        let document = bench.line(line).expect_exit(0).json();
        let counts = document["counts"].as_array().expect("counts").clone();
        let of = counts.into_iter().find(|count| count["what"] == "hashed").expect("a count of hashed files");
        (of["count"].as_u64().expect("a number"), document["verified_seq"].as_u64())
    };
    // Six delivered, five files of rows, four of charges; two of these were written with the newest delivery.
    assert_eq!(hashed("verify --json"), (15, Some(6)));
    assert_eq!(hashed("verify --json"), (2, Some(6)));
    assert_eq!(hashed("verify --full --json"), (15, Some(6)));

    let raw = bench.home().join("raw").join(home::ask(&bench, "SELECT file_id FROM input_files WHERE seq = 1"));
    flip(&raw);
    bench.line("verify").expect_exit(0);
    let said = bench.line("verify --full").expect_exit(70);
    said.expect_err(&["error: invariant broken: files.raw: delivered file `accounts.csv`", "its SHA-256 is that recorded"]);
}

#[test]
fn verify_never_waits_and_keeps_its_mark_only_if_nobody_writes() {
    let bench = small_home();
    let lock = std::fs::File::options().write(true).open(bench.home().join("home.lock")).unwrap();
    lock.lock().unwrap();
    let said = bench.line("verify --json --wait 1h").expect_exit(0);
    assert!(said.json()["verified_seq"].is_null() && said.err.is_empty(), "{}", said.err);
    drop(lock);
    assert_eq!(bench.line("verify --json").expect_exit(0).json()["verified_seq"], 6);

    // Broken books leave the mark where it is.
    force(&bench, "DELETE FROM marks WHERE name = 'verified_seq'; UPDATE wallets SET balance_e8 = 5 WHERE account_id = 'ana'");
    bench.line("verify").expect_exit(70);
    let marks: u32 =
        ledger(&bench).query_row("SELECT COUNT(*) FROM marks WHERE name = 'verified_seq'", [], |row| row.get(0)).expect("asked");
    assert_eq!(marks, 0);
}

#[test]
fn what_is_broken_is_said_to_a_person_and_to_a_script() {
    let bench = small_home();
    force(&bench, "UPDATE wallets SET balance_e8 = 5 WHERE account_id = 'ana'");
    let said = bench.line("verify").expect_exit(70);
    said.expect_err(&[
        "error: invariant broken: ledger.wallets: wallet of `ana` (`liabilities:wallet:ana`) breaks `balance = - its legs`: \
         0.00000005 is stated, 0 is computed, the difference is 0.00000005",
        "expected what the ledger owes an account is its wallet",
        "hint: ",
    ]);
    assert!(said.out.contains("ledger    5 hold, 1 BROKEN") && !said.out.contains("checks hold"), "{}", said.out);

    let document = bench.line("verify --json").expect_exit(70);
    assert!(document.err.is_empty(), "{}", document.err);
    let document = document.json();
    assert_eq!((&document["ok"], &document["error"]["exit"], &document["full"]), (&false.into(), &70.into(), &false.into()));
}

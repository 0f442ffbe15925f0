//! Many processes on one home at the same time: everything is done once, and the books are those of one after the other.

use crate::support::{Bench, Said, copy_folder, names_in};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};

const CLOCK: &str = "2026-01-08T00:00:00+08:00";
const TABLES: [&str; 5] = ["charges", "payments", "accounts", "runs", "files"];

/// A home with accounts, prices and money, and beside it three files of use: a billing day each, an hour or three.
fn delivered() -> Bench {
    let bench = Bench::with_home();
    bench.write("accounts.csv", "account_id,name,credit_limit\nana,Ana,500\nben,Ben,0\n");
    bench.write(
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price\nvm,ecs,pay_per_use,hour,3.6\ngb,eip,pay_per_use,GB,0.8\n",
    );
    bench.write("funds.csv", "entry_id,account_id,kind,amount,at\nf-1,ana,top_up,9,2026-01-04T00:00:00+08:00\n");
    for day in 5..8 {
        let mut rows = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity\n".to_owned();
        for place in 0..40 {
            let (account, sku) = (["ana", "ben"][place % 2], ["vm", "gb"][place / 2 % 2]);
            let (start, end) = (10 + place % 3, 11 + place % 3);
            let (from, to) = (format!("2026-01-0{day}T{start}:0{day}:00+08:00"), format!("2026-01-0{day}T{end}:00:00+08:00"));
            rows += &format!("r-{day}-{place},{account},i-{place},{sku},{from},{to},{}\n", 1 + place % 5);
        }
        bench.write(&format!("usage-{day}.csv"), &rows);
    }
    at_clock(&bench, "ingest accounts.csv prices.csv funds.csv");
    bench
}

fn copy_of(bench: &Bench) -> Bench {
    let copy = Bench::new();
    copy_folder(&bench.path(""), &copy.path(""));
    copy
}

fn at_clock(bench: &Bench, line: &str) -> Said {
    bench.run(line.split_whitespace().chain(["--as-of", CLOCK])).expect_exit(0)
}

fn start(bench: &Bench, line: &str) -> Child {
    let mut command = bench.command();
    // A thread for each of six is enough, on two cores.
    command.args(line.split_whitespace()).args(["--as-of", CLOCK, "--json"]).env("POLARS_MAX_THREADS", "1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

/// Runs the lines at the same time; every one of them succeeds.
fn together(bench: &Bench, lines: &[&str]) -> Vec<serde_json::Value> {
    let children: Vec<Child> = lines.iter().map(|line| start(bench, line)).collect();
    children.into_iter().map(|child| Said::of(child.wait_with_output().expect("it ends")).expect_exit(0).json()).collect()
}

fn books(bench: &Bench) -> Vec<String> {
    at_clock(bench, "verify --full");
    TABLES.map(|table| at_clock(bench, &format!("export {table}")).out).to_vec()
}

fn assert_same_books(found: &Bench, expected: &Bench) {
    for ((found, expected), table) in books(found).iter().zip(&books(expected)).zip(TABLES) {
        assert_eq!(found, expected, "{table}");
    }
}

/// How many of the answers say a number above zero under this name, and their sum.
fn sum(said: &[serde_json::Value], name: &str) -> (usize, u64) {
    let numbers: Vec<u64> = said.iter().filter_map(|said| said[name].as_u64()).filter(|number| *number > 0).collect();
    (numbers.len(), numbers.iter().sum())
}

#[test]
fn six_processes_settle_one_hour_and_one_of_them_does() {
    let bench = delivered();
    at_clock(&bench, "ingest usage-5.csv");
    let alone = copy_of(&bench);
    let hour = "run hourly --from 2026-01-05T11:00:00+08:00 --to 2026-01-05T12:00:00+08:00";
    at_clock(&alone, hour);

    let said = together(&bench, &[hour; 6]);
    assert_eq!((sum(&said, "windows"), sum(&said, "charges").0, sum(&said, "funds")), ((1, 1), 1, (1, 1)), "{said:?}");
    assert_same_books(&bench, &alone);
}

#[test]
fn six_processes_take_one_file_and_it_is_taken_once() {
    let bench = delivered();
    let alone = copy_of(&bench);
    at_clock(&alone, "ingest usage-6.csv");

    let said = together(&bench, &["ingest usage-6.csv"; 6]);
    assert_eq!((sum(&said, "rows"), sum(&said, "accepted")), ((6, 240), (1, 40)), "{said:?}");
    assert_eq!(sum(&said, "duplicates"), (5, 200), "for the others every row is known");
    assert_eq!(names_in(&bench.home().join("raw")), names_in(&alone.home().join("raw")), "nothing is left staged");
    assert_same_books(&bench, &alone);
}

#[test]
fn two_settle_while_two_take_in() {
    let bench = delivered();
    at_clock(&bench, "ingest usage-5.csv");
    let said = together(&bench, &["catch-up", "ingest usage-6.csv", "catch-up", "ingest usage-7.csv"]);
    assert_eq!(sum(&said, "accepted"), (2, 80), "{said:?}");
    let rest = start(&bench, "catch-up").wait_with_output().unwrap();
    let settled = [said, vec![Said::of(rest).expect_exit(0).json()]].concat();
    assert_eq!(sum(&settled, "windows").1, 9, "three days of three hours, each once: {settled:?}");

    // Charges and balances are functions of what was delivered; ids of runs, and the order of files, are history.
    let alone = delivered();
    at_clock(&alone, "ingest usage-5.csv usage-6.csv usage-7.csv");
    at_clock(&alone, "catch-up");
    let (found, expected) = (books(&bench), books(&alone));
    assert_eq!(found[0], expected[0], "charges");
    assert_eq!(found[2], expected[2], "accounts");
}

/// Whoever reads the answer went away, or its disk is full: what was done is done, and nothing panics.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_takes_nothing_back() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let bench = delivered();
    at_clock(&bench, "ingest usage-5.csv");
    let alone = copy_of(&bench);
    at_clock(&alone, "catch-up");

    // Progress and `waiting for …` go to standard error: the lock is held when the command begins.
    let lock = File::options().write(true).open(bench.home().join("home.lock")).unwrap();
    lock.lock().unwrap();
    let mut waiting = bench.command();
    let waiting = waiting.args(["catch-up", "--as-of", CLOCK]).env("RECKONER_LOG", "trace").stdout(full()).stderr(full());
    let mut waiting = waiting.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert!(waiting.try_wait().unwrap().is_none(), "it waits for the lock");
    drop(lock);
    assert_eq!(waiting.wait().unwrap().code(), Some(1), "the answer was lost, and that is no success");
    assert_same_books(&bench, &alone);

    let mut again = bench.command();
    let again = again.args(["catch-up", "--as-of", CLOCK]).stdout(full()).output().unwrap();
    let said = Said::of(again).expect_exit(1);
    said.expect_err(&["error: standard output: cannot write the answer", "hint: what the command did is done"]);
}

/// A killed command leaves a signature in the lock file, and staged files; neither is in anybody's way.
#[test]
fn what_a_killed_command_left_is_in_nobodys_way() {
    let bench = delivered();
    at_clock(&bench, "ingest usage-5.csv");
    let alone = copy_of(&bench);
    at_clock(&alone, "catch-up");

    bench.write("reckoner-home/home.lock", "{\"command\":\"reckoner catch-up\",\"pid\":1,\"actor\":\"x\",\"since\":\"\"}\n");
    let staged = ["raw/.staged-x", "lake/rows/day=2026-01-05/.staged-y.parquet", "lake/rows/day=2026-01-05/0.parquet"];
    for name in staged.map(|name| PathBuf::from("reckoner-home").join(name)) {
        bench.write(name.to_str().unwrap(), "half a fi");
    }
    at_clock(&bench, "catch-up");
    assert_same_books(&bench, &alone);
}

#[test]
fn six_nights_at_once_renew_each_subscription_once() {
    let night = || {
        let bench = Bench::new();
        bench.line("init --profile ksyun --zone +08:00 --currency CNY").expect_exit(0);
        bench.write("accounts.csv", "account_id,name\nana,Ana\nben,Ben\n");
        bench.write("prices.csv", "sku,product,billing_mode,unit,unit_price\nvm,ecs,subscription,month,10\n");
        // Ana can pay for all of hers, Ben for one.
        bench.write("funds.csv", "entry_id,account_id,kind,amount,at\nf-1,ana,top_up,100,2025-12-08T09:00:00+08:00\nf-2,ben,top_up,30,2025-12-08T09:00:00+08:00\n");
        let mut orders = "order_id,account_id,kind,placed_at,resource_id,sku,renewal\n".to_owned();
        for (account, count) in [("ana", 5), ("ben", 2)] {
            for place in 0..count {
                orders +=
                    &format!("o-{account}-{place},{account},purchase,2025-12-08T10:00:00+08:00,i-{account}-{place},vm,auto\n");
            }
        }
        bench.write("orders.csv", &orders);
        at_clock(&bench, "ingest accounts.csv prices.csv funds.csv orders.csv");
        bench
    };
    let (one, six) = (night(), night());
    at_clock(&one, "run daily");
    together(&six, &["run daily"; 6]);

    for table in ["orders", "subscriptions", "charges", "payments", "accounts", "statement"] {
        assert_eq!(at_clock(&six, &format!("export {table}")).out, at_clock(&one, &format!("export {table}")).out, "{table}");
    }
    let orders = at_clock(&six, "export orders").out;
    assert_eq!(orders.lines().filter(|line| line.starts_with("auto_")).count(), 6, "five of Ana's, one of Ben's: {orders}");
    at_clock(&six, "verify --full");
}

//! What accounts use while they are frozen is free, however the hours are settled: at once, day by day, by the hour, in
//! columns, an account ahead of the others, or as a preview.

use super::books::command;
use crate::support::Bench;
use std::path::PathBuf;

/// Grace of a day, kept for two.
const PROFILE: &str = "base = \"huawei-intl\"\ngrace = 1\nretention = 2\n";
const CLOCK: &str = "2026-01-11T00:30:00+08:00";
const DAYS: i64 = 6;

/// Use of every hour, and money at instants that matter. The first hour that is not covered ends at 01:00 of the 5th.
const FUNDS: &str = "entry_id,account_id,kind,amount,at
f-1,pays-late,top_up,200,2026-01-07T13:20:30+08:00
f-2,pays-in-time,top_up,200,2026-01-06T00:59:59+08:00
f-3,pays-at-the-freeze,top_up,200,2026-01-06T01:00:00+08:00
f-4,pays-a-second-late,top_up,200,2026-01-06T01:00:01+08:00
f-5,pays-too-little,top_up,2,2026-01-07T10:00:00+08:00
f-6,is-frozen-twice,top_up,40,2026-01-06T12:00:00+08:00
f-7,is-frozen-twice,top_up,40,2026-01-08T20:40:00+08:00
f-8,pays-when-released,top_up,300,2026-01-09T05:30:00+08:00
f-9,is-rich,top_up,9000,2026-01-05T00:00:00+08:00
";
const ACCOUNTS: [&str; 9] = [
    "pays-late",
    "pays-in-time",
    "pays-at-the-freeze",
    "pays-a-second-late",
    "pays-too-little",
    "is-frozen-twice",
    "pays-when-released",
    "never-pays",
    "is-rich",
];

fn usage() -> String {
    let mut rows = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity\n".to_owned();
    for account_id in ACCOUNTS {
        for hour in 0..DAYS * 24 {
            let (day, of_day) = (5 + hour / 24, hour % 24);
            let (next_day, next) = (5 + (hour + 1) / 24, (hour + 1) % 24);
            let (from, until) =
                (format!("2026-01-{day:02}T{of_day:02}:00:00+08:00"), format!("2026-01-{next_day:02}T{next:02}:00:00+08:00"));
            rows += &format!("{account_id}-vm-{hour},{account_id},vm,vm,{from},{until},1\n");
            if hour % 5 == 0 {
                rows += &format!("{account_id}-gb-{hour},{account_id},eip,gb,{from},{from},0.25\n");
                rows += &format!("{account_id}-day-{hour},{account_id},db,daily,{from},{until},2\n");
            }
        }
    }
    rows
}

/// A home that has everything delivered and nothing settled.
fn home(bulk_bytes: u64) -> Bench {
    let bench = Bench::new();
    bench.line("init --profile huawei-intl --zone +08:00 --currency CNY").expect_exit(0);
    bench.write("reckoner-home/profiles/short.toml", PROFILE);
    let settings = bench.read("reckoner-home/reckoner.toml").replace("profile = \"huawei-intl\"", "profile = \"short\"");
    let line = settings.lines().find(|line| line.starts_with("bulk_bytes = ")).unwrap().to_owned();
    bench.write("reckoner-home/reckoner.toml", &settings.replace(&line, &format!("bulk_bytes = {bulk_bytes}")));
    bench.write("prices-1.csv", "sku,product,billing_mode,unit,unit_price,settle\nvm,vm,pay_per_use,hour,1,hour\ngb,net,pay_per_use,GB,0.8,hour\ndaily,db,pay_per_use,hour,0.1,day\n");
    bench.write(
        "accounts-1.csv",
        &(std::iter::once("account_id,name")
            .map(str::to_owned)
            .chain(ACCOUNTS.map(|id| format!("{id},{id}")))
            .collect::<Vec<_>>()
            .join("\n")
            + "\n"),
    );
    bench.write("funds-1.csv", FUNDS);
    bench.write("usage-1.csv", &usage());
    let files: Vec<PathBuf> =
        ["prices-1.csv", "accounts-1.csv", "funds-1.csv", "usage-1.csv"].map(|name| bench.path(name)).to_vec();
    assert_eq!(command(&bench, &["ingest", "--as-of", CLOCK], &files).exit, 0);
    bench
}

fn shows(bench: &Bench) -> [String; 4] {
    ["charges", "settlements", "payments", "accounts"].map(|table| bench.line(&format!("export {table}")).expect_exit(0).out)
}

/// How many seconds of `vm` were free.
fn frozen_seconds(charges: &str, account_id: &str) -> i64 {
    let mut reader = csv::Reader::from_reader(charges.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let place = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let (account, resource, reason) = (place("account_id"), place("resource_id"), place("reason"));
    let mut seconds = 0;
    for row in reader.records().map(Result::unwrap).filter(|row| &row[account] == account_id && &row[resource] == "vm") {
        // At 1.00 an hour: what is due says how many seconds are paid for.
        let due: i64 = row[place("due_amount")].replace('.', "").parse().unwrap();
        let free = 3_600 - (due * 3_600 + 50_000_000) / 100_000_000;
        assert_eq!(&row[reason] == "frozen", free > 0, "{row:?}");
        seconds += free;
    }
    seconds
}

#[test]
fn how_frozen_hours_are_settled_leaves_no_trace() {
    let rows = home(1 << 40);
    rows.line(&format!("catch-up --as-of {CLOCK}")).expect_exit(0);
    let expected = shows(&rows);

    // Owing since 01:00 of the 5th, frozen from 01:00 of the 6th, released from 01:00 of the 8th; used until 00:00 of the 11th.
    let hour = 3_600;
    for (account_id, seconds) in [
        ("pays-late", (24 + 12) * hour + 20 * 60 + 30), // 13:20:30 of the 7th
        ("pays-in-time", 0),
        ("pays-at-the-freeze", 0), // money comes before a freeze of the same instant
        ("pays-a-second-late", 1),
        ("pays-too-little", (5 * 24 - 1) * hour),
        ("never-pays", (5 * 24 - 1) * hour),
        ("pays-when-released", (3 * 24 + 4) * hour + 30 * 60), // 05:30 of the 9th
        ("is-rich", 0),
    ] {
        assert_eq!(frozen_seconds(&expected[0], account_id), seconds, "{account_id}");
    }
    assert!(frozen_seconds(&expected[0], "is-frozen-twice") > 11 * hour);
    rows.line(&format!("verify --full --as-of {CLOCK}")).expect_exit(0);

    let columns = home(0);
    let preview = columns.line(&format!("run hourly --dry-run --as-of {CLOCK} --json")).expect_exit(0).json();
    let done = columns.line(&format!("catch-up --as-of {CLOCK} --json")).expect_exit(0).json();
    assert_eq!(preview["totals"], done["totals"], "the preview says what is posted");
    assert_eq!(shows(&columns), expected, "in columns");
    columns.line(&format!("verify --full --as-of {CLOCK}")).expect_exit(0);
    columns.line(&format!("catch-up --as-of {CLOCK}")).expect_exit(0);
    assert_eq!(shows(&columns), expected, "again");

    let ahead = home(0);
    ahead
        .line("run hourly --from 2026-01-05 --to 2026-01-08 --account never-pays --as-of 2026-01-08T00:30:00+08:00")
        .expect_exit(0);
    ahead.line(&format!("catch-up --as-of {CLOCK}")).expect_exit(0);
    assert_eq!(shows(&ahead)[0], expected[0], "an account ahead of the others");
}

#[test]
fn hours_settled_as_they_end_come_out_as_all_at_once() {
    let at_once = home(0);
    at_once.line(&format!("catch-up --as-of {CLOCK}")).expect_exit(0);
    let by_the_hour = home(0);
    for hour in (1..DAYS * 24).filter(|hour| hour % 7 == 0 || (20..30).contains(hour) || (60..64).contains(hour)) {
        let as_of = format!("2026-01-{:02}T{:02}:10:00+08:00", 5 + hour / 24, hour % 24);
        by_the_hour.line(&format!("catch-up --as-of {as_of}")).expect_exit(0);
    }
    by_the_hour.line(&format!("catch-up --as-of {CLOCK}")).expect_exit(0);
    assert_eq!(shows(&by_the_hour), shows(&at_once));
}

#[test]
fn late_use_of_a_frozen_hour_is_free_though_the_freeze_is_over() {
    let bench = home(0);
    bench.line(&format!("catch-up --as-of {CLOCK}")).expect_exit(0);
    bench.write("usage-late.csv", "record_id,account_id,resource_id,sku,started_at,ended_at\nlate,pays-late,vm-2,vm,2026-01-07T13:00:00+08:00,2026-01-07T14:00:00+08:00\n");
    bench.line(&format!("ingest usage-late.csv --as-of {CLOCK}")).expect_exit(0);
    bench.line(&format!("catch-up --as-of {CLOCK}")).expect_exit(0);
    let charges = bench.line("export charges").expect_exit(0).out;
    let late = charges.lines().find(|line| line.contains(",vm-2,")).unwrap();
    assert!(
        late.contains(",3600,hour,1,1.00000000,0.34166667,") && late.contains(",frozen,"),
        "20 min 30 s of it are free: {late}"
    );
    let charge_id = late.split(',').find(|cell| cell.starts_with("ch_")).unwrap().to_owned();
    let said = bench.line(&format!("explain {charge_id}")).expect_exit(0).out;
    assert!(said.contains("1,230") && said.contains("frozen time"), "{said}");
    bench.line(&format!("verify --as-of {CLOCK}")).expect_exit(0);
}

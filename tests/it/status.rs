//! `status`: what is settled, late or refused, and the exit codes of `--check`.

use crate::sample_home::{END, after_the_month, at, unsettled};
use crate::support::Bench;

#[test]
fn status_says_where_the_books_stand() {
    let bench = after_the_month();
    let said = at(&bench, END, "status").expect_exit(0).out;
    let plain = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for piece in [
        "zone, profile +08:00, huawei-intl",
        "175 delivered = 159 accepted + 3 duplicates + 13 refused",
        "windows due none: everything that is over is settled",
        "settlements due paid outstanding",
        "not_a_number 2 310.00 CNY",
        "look: 13 items are open in quarantine",
    ] {
        assert!(plain.contains(piece), "{piece:?} is missing from:\n{said}");
    }
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");

    let document = at(&bench, END, "status --json").expect_exit(0).json();
    assert_eq!((&document["status"], &document["clock"]), (&"look".into(), &END.into()));
    assert_eq!(document["rows"]["delivered"], 175);
    assert_eq!(document["windows"]["due"], 0);
    let money = document["money"].as_array().unwrap();
    assert_eq!((&money[0]["currency"], &money[1]["currency"]), (&"CNY".into(), &"USD".into()));
    assert_eq!(document["last_run"]["status"], "done");

    // Reading takes no lock and never waits.
    let lock = std::fs::File::options().write(true).open(bench.home().join("home.lock")).unwrap();
    lock.lock().unwrap();
    at(&bench, END, "status --wait 0").expect_exit(0);
}

#[test]
fn a_monitor_reads_the_exit_code() {
    let bench = Bench::with_home();
    at(&bench, END, "status --check").expect_exit(0);

    let accounts = "account_id,name\nacme,Acme\n";
    let prices = "sku,product,billing_mode,unit,unit_price\nvm,vm,pay_per_use,hour,3.6\n";
    let usage = "record_id,account_id,resource_id,sku,started_at,ended_at\n\
                 r-1,acme,web,vm,2026-01-05T10:00:00Z,2026-01-05T10:30:00Z\n";
    bench.write("accounts-1.csv", accounts);
    bench.write("prices-1.csv", prices);
    bench.write("usage-1.csv", usage);
    at(&bench, "2026-01-05T10:40:00Z", "ingest accounts-1.csv prices-1.csv usage-1.csv").expect_exit(0);
    // clock | exit; the hour of use ends at 11:00
    let cases = [
        ("2026-01-05T10:59:59Z", 0), // in progress
        ("2026-01-05T12:00:00Z", 0), // an hour is the job's own delay and more
        ("2026-01-05T12:00:01Z", 1),
        ("2026-01-05T14:00:00Z", 1),
        ("2026-01-05T14:00:01Z", 2),
    ];
    for (clock, exit) in cases {
        at(&bench, clock, "status --check").expect_exit(exit);
        at(&bench, clock, "status").expect_exit(0); // without --check nobody is alarmed
    }
    at(&bench, "2026-01-05T14:00:01Z", "catch-up").expect_exit(0);
    at(&bench, "2026-01-05T14:00:01Z", "status --check").expect_exit(0);

    // Late usage does not make a home late by itself.
    bench.write("usage-2.csv", &usage.replace("r-1", "r-2"));
    at(&bench, "2026-01-09T10:00:00Z", "ingest usage-2.csv").expect_exit(0);
    at(&bench, "2026-01-09T10:59:00Z", "status --check").expect_exit(0);
    at(&bench, "2026-01-09T13:30:00Z", "status --check").expect_exit(2);
}

#[test]
fn books_that_cannot_be_read_are_not_fine() {
    let bench = Bench::new();
    let said = bench.line("status --check").expect_exit(2);
    assert!(said.out.contains("there is no such folder"), "{}", said.out);
    bench.line("status").expect_exit(1);

    let bench = unsettled();
    std::fs::write(bench.home().join("ledger.db"), "not a database").unwrap();
    let said = bench.line("status --check --json").expect_exit(2);
    assert!(said.json()["error"]["saw"].is_string());
}

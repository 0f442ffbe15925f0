//! `check` and `sample`.

use crate::sample_home::at;
use crate::support::{Bench, names_in};

#[test]
fn check_finds_everything_at_once() {
    let bench = Bench::with_home();
    let clean = bench.line("check --json").expect_exit(0).json();
    assert_eq!(clean["looked_at"].as_array().unwrap().len(), 8); // settings, profiles, jobs, books

    let settings = bench.read("reckoner-home/reckoner.toml").replace("batch_rows = 500000", "batch_rows = 0");
    bench.write("reckoner-home/reckoner.toml", &settings);
    let hourly = bench.read("reckoner-home/jobs/hourly.toml").replace("0 10 * * * *", "10 * * * *");
    bench.write("reckoner-home/jobs/hourly.toml", &hourly);
    bench.write("reckoner-home/jobs/other.toml", &bench.read("reckoner-home/jobs/daily.toml"));
    bench.write("reckoner-home/profiles/mine.toml", "fee_scale = = 8\n");
    std::fs::remove_file(bench.home().join("jobs/monthly.toml")).unwrap();
    std::fs::remove_dir(bench.home().join("lake")).unwrap();

    let said = bench.line("check").expect_exit(2);
    for piece in [
        "`batch_rows` is 0",
        "jobs/hourly.toml:12: the cron `10 * * * *` has 5 fields",
        "the daily job is defined twice",
        "profiles/mine.toml:1",
        "the monthly job has no definition",
        "lake: the folder is missing",
        "6 errors",
    ] {
        assert!(said.out.contains(piece), "{piece:?} is missing from: {}", said.out);
    }
    let document = bench.line("check --json").expect_exit(2).json();
    assert_eq!((&document["ok"], document["findings"].as_array().unwrap().len()), (&false.into(), 6));
}

#[test]
fn check_misses_the_profile_in_force() {
    let bench = Bench::with_home();
    std::fs::remove_file(bench.home().join("profiles/huawei-intl.toml")).unwrap();
    let said = bench.line("check").expect_exit(2);
    assert!(said.out.contains("the profile in force, `huawei-intl`, has no file"), "{}", said.out);
    bench.line("init").expect_exit(0);
    bench.line("check").expect_exit(0);
}

#[test]
fn check_looks_prices_over() {
    let bench = Bench::with_home();
    let prices = "sku,product,billing_mode,unit,unit_price,valid_from,valid_to\n\
                  vm,ecs,pay_per_use,hour,3.6,,2026-01-04T00:00:00Z\n\
                  vm,ecs,pay_per_use,hour,3.7,2026-01-05T00:00:00Z,2026-01-20T00:00:00Z\n";
    let discounts = "discount_id,account_id,kind,percent_off,skus\nd-1,acme,commercial,20,\nd-2,acme,promotional,10,vn\n";
    let usage = "record_id,account_id,resource_id,sku,started_at,ended_at\n\
                 r-1,acme,web,vm,2026-01-05T10:00:00Z,2026-01-05T10:30:00Z\n\
                 r-2,acme,web,vn,2026-01-05T10:00:00Z,2026-01-05T10:30:00Z\n";
    bench.write("accounts-1.csv", "account_id,name\nacme,Acme\n");
    bench.write("prices-1.csv", prices);
    bench.write("discounts-1.csv", discounts);
    bench.write("usage-1.csv", usage);
    let clock = "2026-01-06T00:00:00Z";
    at(&bench, clock, "ingest accounts-1.csv prices-1.csv discounts-1.csv usage-1.csv").expect_exit(2);

    let said = at(&bench, clock, "check").expect_exit(2).out;
    for piece in [
        "error: usage-1.csv:3: 1 row of usage waits in quarantine for a price of `vn` (unknown_sku)\n\
         expected a sku that prices name, such as `vm`\n\
         hint: `reckoner ingest prices.csv`, then `reckoner quarantine retry --reason unknown_sku`\n",
        "warning: prices-1.csv:3: no price of `vm` in CNY holds from 2026-01-04T08:00:00+08:00 to 2026-01-05T08:00:00+08:00\n",
        "warning: prices-1.csv:3: the price of `vm` in CNY ends at 2026-01-20T08:00:00+08:00\n",
        "warning: discounts-1.csv:3: the discount `d-2` can never win: wherever it fits, `d-1` does, and beats it\n",
        "warning: discounts-1.csv:3: the discount `d-2` names the sku `vn`, which nothing is known of\n",
        "8 files, 1 error, 4 warnings\n",
    ] {
        assert!(said.contains(piece), "{piece:?} is missing from:\n{said}");
    }
    let document = at(&bench, clock, "check --json").expect_exit(2).json();
    assert_eq!((&document["ok"], &document["errors"], &document["warnings"]), (&false.into(), &1.into(), &4.into()));
    let first = &document["findings"][0];
    assert_eq!((&first["gravity"], &first["code"]), (&"error".into(), &"usage_without_price".into()));
    assert_eq!(first["where"], "usage-1.csv:3");

    // Warnings alone are no failure: what waited is given up.
    at(&bench, clock, "quarantine discard --reason unknown_sku").expect_exit(0);
    let document = at(&bench, clock, "check --json").expect_exit(0).json();
    assert_eq!((&document["ok"], &document["warnings"]), (&true.into(), &4.into()));
}

#[test]
fn check_warns_of_a_job_that_wakes_too_rarely() {
    let bench = Bench::with_home();
    let hourly = bench.read("reckoner-home/jobs/hourly.toml").replace("0 10 * * * *", "0 10 */2 * * *");
    bench.write("reckoner-home/jobs/hourly.toml", &hourly);
    let said = bench.line("check").expect_exit(0).out;
    for piece in ["warning: ", "the hourly job wakes less often than once in every hour", "8 files, 1 warning, nothing is wrong"]
    {
        assert!(said.contains(piece), "{piece:?} is missing from:\n{said}");
    }
}

#[test]
fn sample_writes_the_rows_asked_for() {
    let bench = Bench::new();
    let said = bench.line("sample --rows 1000 --rows-per-file 600 input --json").expect_exit(0);
    assert_eq!((&said.json()["rows"], &said.json()["repeated"]), (&1_000.into(), &5.into()));
    let names = ["accounts.csv", "prices.csv", "usage-0001.csv", "usage-0002.csv"];
    assert_eq!(names_in(&bench.path("input")), names);
    let rows: usize = names[2..].iter().map(|name| bench.read(&format!("input/{name}")).lines().count() - 1).sum();
    assert_eq!(rows, 1_000);
    let bytes: usize = names.iter().map(|name| bench.read(&format!("input/{name}")).len()).sum();
    assert_eq!(said.json()["bytes"], bytes);

    bench.line("sample --rows 0 input").expect_exit(2).expect_err(&["--rows"]);
    bench.line("sample input").expect_exit(2).expect_err(&["--rows"]);
}

//! `check` and `sample`.

use crate::support::{Bench, names_in};

#[test]
fn check_finds_everything_at_once() {
    let bench = Bench::with_home();
    let clean = bench.line("check --json").expect_exit(0).json();
    assert_eq!(clean["looked_at"].as_array().unwrap().len(), 7);

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
        "6 findings",
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

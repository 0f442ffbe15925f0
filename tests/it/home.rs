//! `init`, folders that are no home, settings that are not understood, the lock.

use crate::support::{Bench, names_in};
use std::io::Write as _;

#[test]
fn init_makes_the_layout() {
    let bench = Bench::new();
    let said = bench.line("init --zone Europe/Paris --currency EUR --profile ksyun --epoch 2026-01-01 --json").expect_exit(0);
    let document = said.json();
    assert_eq!(document["created"], true);
    assert_eq!(document["epoch"], "2026-01-01T00:00:00+01:00");
    let expected =
        ["home.lock", "inbox", "jobs", "lake", "ledger.db", "profiles", "quarantine", "raw", "reckoner.toml", "reports"];
    assert_eq!(names_in(&bench.home()), expected);
    assert_eq!(names_in(&bench.home().join("jobs")), ["daily.toml", "hourly.toml", "monthly.toml"]);
    assert_eq!(names_in(&bench.home().join("profiles")), ["huawei-cn.toml", "huawei-intl.toml", "ksyun.toml"]);
    let settings = bench.read("reckoner-home/reckoner.toml");
    for line in ["zone = \"Europe/Paris\"", "currency = \"EUR\"", "profile = \"ksyun\"", "epoch = \"2026-01-01T00:00:00+01:00\""]
    {
        assert!(settings.lines().any(|found| found == line), "{line}: {settings}");
    }
}

#[test]
fn init_twice_is_harmless() {
    let bench = Bench::new();
    bench.line("init --zone Z --currency USD").expect_exit(0);
    let before = bench.read("reckoner-home/reckoner.toml");
    // What somebody edited stays; what is missing comes back.
    bench.write("reckoner-home/jobs/hourly.toml", "# mine\n");
    std::fs::remove_file(bench.home().join("profiles/ksyun.toml")).unwrap();
    std::fs::remove_dir(bench.home().join("inbox")).unwrap();

    let again = bench.line("init --zone Z --currency USD --json").expect_exit(0);
    assert_eq!(again.json()["created"], false);
    bench.line("init").expect_exit(0); // asks for nothing, so nothing differs
    assert_eq!(bench.read("reckoner-home/reckoner.toml"), before);
    assert_eq!(bench.read("reckoner-home/jobs/hourly.toml"), "# mine\n");
    assert!(bench.home().join("profiles/ksyun.toml").is_file() && bench.home().join("inbox").is_dir());
}

#[test]
fn init_with_other_settings_is_refused() {
    let bench = Bench::with_home();
    let before = bench.read("reckoner-home/reckoner.toml");
    // asked for | what the person reads
    let cases = [
        ("--currency EUR", "with currency `CNY`; asked for `EUR`"),
        ("--zone Z", "with zone `+08:00`; asked for `UTC`"),
        ("--zone -03:00", "asked for `-03:00`"),
        ("--profile ksyun", "with profile `huawei-intl`; asked for `ksyun`"),
        ("--epoch 2026-01-01", "with epoch `none`; asked for `2026-01-01T00:00:00+08:00`"),
    ];
    for (asked, piece) in cases {
        let said = bench.line(&format!("init {asked}")).expect_exit(2);
        said.expect_err(&["error: ./reckoner-home: this is a home already, ", piece, "nothing was changed", "hint: "]);
        assert_eq!(bench.read("reckoner-home/reckoner.toml"), before, "{asked}");
    }
}

#[test]
fn a_wish_that_cannot_be_met_makes_nothing() {
    let bench = Bench::new();
    for (asked, piece) in [
        ("--zone Mars", "--zone: `Mars` names no zone"),
        ("--currency yuan", "--currency: `yuan` is not a currency code"),
        ("--profile aws", "one of `huawei-intl`, `huawei-cn`, `ksyun`"),
        ("--epoch 2026-01-01T00:30:00+08:00", "--epoch: the epoch `2026-01-01T00:30:00+08:00` lies inside an hour"),
    ] {
        bench.line(&format!("init {asked}")).expect_exit(2).expect_err(&[piece]);
        assert!(!bench.home().exists(), "{asked}");
    }
}

#[test]
fn a_folder_that_is_no_home_says_how_to_make_one() {
    let bench = Bench::new();
    bench
        .line("check")
        .expect_exit(1)
        .expect_err(&["error: ./reckoner-home: there is no such folder", "hint: `reckoner init` makes"]);
    std::fs::create_dir(bench.path("books")).unwrap();
    bench
        .line("check --home books")
        .expect_exit(1)
        .expect_err(&["this folder is not a home", "hint: `reckoner init --home books`"]);
    bench.write("file", "");
    bench.line("check --home file").expect_exit(1).expect_err(&["this is a file"]);
    bench.line("init --home file").expect_exit(2).expect_err(&["this is a file"]);

    let by_variable = bench.command().env("RECKONER_HOME", "elsewhere").arg("init").output().unwrap();
    assert!(by_variable.status.success() && bench.path("elsewhere/reckoner.toml").is_file());
}

#[test]
fn settings_that_are_not_understood_are_refused() {
    let bench = Bench::with_home();
    let good = bench.read("reckoner-home/reckoner.toml");
    bench.write("reckoner-home/reckoner.toml", &good.replace("currency =", "curency ="));
    let said = bench.line("init").expect_exit(2);
    said.expect_err(&[
        "reckoner.toml:8: unknown key `curency`",
        "expected one of `zone`, `currency`, `profile`, `epoch`",
        "hint: ",
    ]);
}

#[test]
fn a_second_writer_waits_and_says_for_whom() {
    let bench = Bench::with_home();
    let mut lock = std::fs::File::options().write(true).open(bench.home().join("home.lock")).unwrap();
    lock.lock().unwrap();
    let holder = r#"{"command":"reckoner run hourly","pid":4711,"actor":"ana","since":"2026-01-05T00:00:00Z"}"#;
    writeln!(lock, "{holder}").unwrap();

    let at_once = bench.line("init --wait 0").expect_exit(1);
    at_once.expect_err(&[
        "`reckoner run hourly` (pid 4711, ana, since 2026-01-05T00:00:00Z) is writing to this home",
        "within 0 s",
        "hint: ",
    ]);
    assert!(!at_once.err.contains("waiting for"));
    let waited = bench.line("init --wait 1s").expect_exit(1);
    waited.expect_err(&[
        "waiting for `reckoner run hourly` (pid 4711",
        "at most 1 s",
        "error: ./reckoner-home: `reckoner run hourly`",
    ]);
    let as_json = bench.line("init --wait 0 --json").expect_exit(1);
    assert_eq!(as_json.json()["error"]["exit"], 1);
    bench.line("check").expect_exit(0); // reading commands never wait

    let waiting = bench
        .command()
        .args(["init", "--wait", "1m"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(lock);
    assert!(waiting.wait_with_output().unwrap().status.success(), "the lock was free again");
}

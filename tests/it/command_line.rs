//! Every command of the contract is known; wrong usage is told in four parts, as JSON too.

use crate::support::Bench;

const COMMANDS: [&str; 19] = [
    "init",
    "demo",
    "ingest",
    "run",
    "quarantine",
    "rerun",
    "catch-up",
    "windows",
    "serve",
    "status",
    "verify",
    "explain",
    "export",
    "bills",
    "sample",
    "check",
    "orders",
    "renewals",
    "reports",
];

#[test]
fn help_names_every_command_of_the_contract() {
    let bench = Bench::new();
    let help = bench.line("--help").expect_exit(0).out;
    for command in COMMANDS.into_iter().chain(["quote"]) {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))), "{command} is missing: {help}");
        let own = bench.run([command, "--help"]).expect_exit(0);
        for option in ["--home", "--as-of", "--actor", "--json", "--wait"] {
            assert!(own.out.contains(option), "{command}: {option}");
        }
        assert!(own.err.is_empty());
    }
    bench.line("--version").expect_exit(0);
}

#[test]
fn commands_of_later_versions_are_parsed_and_answered() {
    let bench = Bench::new();
    let lines = [
        "bills show 2026-01 --account a --reason x",
        "bills list",
        "bills",
        "run monthly --from 2026-01-01 --to 2026-02-01 --account a --sku s --dry-run",
        "rerun monthly --from 2026-01-01 --to 2026-02-01 --reason x --mode missing --adjust-into 2026-02",
    ];
    for line in lines {
        let said = bench.line(line).expect_exit(2);
        let command = line.split(' ').next().unwrap();
        said.expect_err(&[
            "error: not yet: `reckoner ",
            command,
            "this version settles usage and renews subscriptions",
            "hint: ",
        ]);
        assert!(said.out.is_empty(), "{line}");
    }
    let said = bench.line("bills show 2026-01").expect_exit(2);
    said.expect_err(&["not yet: `reckoner bills` closes a month; this version settles usage and renews subscriptions"]);
    // A wrong option is told from a command that is not there yet.
    bench.line("bills show january").expect_exit(2).expect_err(&["`january` is not a month", "YYYY-MM"]);
}

#[test]
fn options_of_every_command_stand_before_or_after_its_name() {
    let bench = Bench::with_home();
    let home = bench.home().display().to_string();
    let args = ["--home", &home, "--as-of", "2026-01-05", "--actor", "ana", "--wait", "1s", "--json"];
    let before = bench.run(args.into_iter().chain(["check"])).expect_exit(0);
    let after = bench.run(["check"].into_iter().chain(args)).expect_exit(0);
    assert_eq!(before.json(), after.json());
    assert_eq!(before.json()["ok"], true);
}

#[test]
fn a_local_time_is_refused_with_what_to_write() {
    let bench = Bench::with_home();
    for line in ["check --as-of 2026-01-05T08:00:00", "--as-of 2026-01-05T08:00:00 check"] {
        let said = bench.line(line).expect_exit(2);
        said.expect_err(&[
            "error: --as-of <T>: `2026-01-05T08:00:00` has no offset from UTC\n",
            "expected RFC 3339 with an offset, or a date in the billing zone\n",
            "hint: say which instant is meant: `2026-01-05T08:00:00Z`",
        ]);
    }
    for line in ["run hourly --from 2026-01-05T08:00", "catch-up --until yesterday", "export charges --to 2026-02-30"] {
        bench.line(line).expect_exit(2).expect_err(&["expected RFC 3339", "hint: "]);
    }
}

#[test]
fn a_failure_is_one_json_document() {
    let bench = Bench::new();
    // command line | exit | the stable word
    let cases = [
        ("check --json", 1, "failed"),
        ("--json bills list", 2, "usage"),
        ("--json check --as-of 2026-01-05T08:00:00", 2, "usage"),
        ("ingest --json", 1, "failed"), // the inbox of no home
        ("ingest --kind prices --json", 2, "usage"),
        ("invoice --json", 2, "usage"),
        ("--json", 2, "usage"),
    ];
    for (line, exit, kind) in cases {
        let said = bench.line(line).expect_exit(exit);
        let document = said.json();
        let error = &document["error"];
        assert_eq!((error["exit"].as_i64(), error["kind"].as_str()), (Some(i64::from(exit)), Some(kind)), "{line}");
        for key in ["where", "saw", "expected", "hint", "causes"] {
            assert!(error.get(key).is_some(), "{line}: {key}");
        }
        assert!(said.err.is_empty(), "{line}: {}", said.err);
    }
    // After `--` it is a file's name, not an option.
    let said = bench.line("ingest -- --json").expect_exit(1);
    assert!(said.out.is_empty());
}

#[test]
fn wrong_usage_says_what_is_known() {
    let bench = Bench::new();
    bench.line("bils").expect_exit(2).expect_err(&["error: unrecognized subcommand `bils`", "hint: ", "bills"]);
    bench.line("export invoices").expect_exit(2).expect_err(&["invoices", "expected one of charges, payments"]);
    bench.line("run weekly").expect_exit(2).expect_err(&["expected one of hourly, daily, monthly"]);
    bench.line("ingest usage.csv --kind taxes").expect_exit(2).expect_err(&["not yet: this version takes no `taxes`"]);
    bench
        .line("ingest usage.csv --kind bills")
        .expect_exit(2)
        .expect_err(&["`bills` is no input table", "expected one of accounts"]);
    bench.line("check --wait soon").expect_exit(2).expect_err(&["--wait <TIME>: `soon` is not a time to wait", "hint: "]);
    bench.line("").expect_exit(2).expect_err(&["Usage: reckoner", "Commands:"]);
    bench.line("quarantine").expect_exit(2).expect_err(&["Usage: reckoner quarantine"]);
    bench.line("windows").expect_exit(2).expect_err(&["Usage: reckoner windows", "hold", "force"]);
}

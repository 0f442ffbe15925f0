//! `quarantine list`, `show`, `retry` and `discard`.

use crate::sample_home::{END, after_the_month, at, text};
use crate::support::Bench;
use serde_json::Value;

#[test]
fn items_are_listed_by_what_is_at_risk_and_shown_as_delivered() {
    let bench = after_the_month();
    let document = at(&bench, END, "quarantine list --json").expect_exit(0).json();
    let items = document["items"].as_array().unwrap();
    assert_eq!(items.len(), 13);
    let amounts: Vec<i64> =
        items.iter().map(|item| item["amount_at_risk"].as_str().unwrap().replace('.', "").parse().unwrap()).collect();
    assert!(amounts.is_sorted_by(|a, b| a >= b), "{amounts:?}");
    // A thousand hours of a server that nobody pays for.
    assert_eq!((&items[0]["value"], &items[0]["currency"]), (&"1e3".into(), &"CNY".into()));

    let list = at(&bench, END, "quarantine list").expect_exit(0).out;
    let plain = list.split_whitespace().collect::<Vec<_>>().join(" ");
    for piece in ["310.00 CNY not_a_number usage-2026-01-24T20.csv:13 quantity = 1e3", "13 items, 311.499875 CNY at risk"] {
        assert!(plain.contains(piece), "{piece:?} is missing from:\n{list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 110), "{list}");

    an_item_says_what_to_do(&bench, items);
    items_are_chosen_by_reason_or_id(&bench, items);
}

fn an_item_says_what_to_do(bench: &Bench, items: &[Value]) {
    let item = items.iter().find(|item| item["reason"] == "negative_quantity").expect("it is refused");
    let id = text(item, "item_id");
    let shown = at(bench, END, &format!("quarantine show {id}")).expect_exit(0).out;
    for piece in [
        "place       usage-2026-01-24T20.csv:12, table usage\n",
        "reason      negative_quantity: A quantity below 0.\n",
        "> quantity     -3\n",
        "  record_id    bad-03\n",
        "a quantity is never negative",
        "with the next `reckoner catch-up`",
    ] {
        assert!(shown.contains(piece), "{piece:?} is missing from:\n{shown}");
    }
    assert_eq!(shown.matches('>').count(), 1, "one cell is at fault:\n{shown}");
    let document = at(bench, END, &format!("quarantine show {id} --json")).expect_exit(0).json();
    let row = document["items"][0]["row"].as_array().expect("its cells");
    assert!(row.iter().any(|cell| cell["column"] == "quantity" && cell["value"] == "-3"), "{row:?}");
}

fn items_are_chosen_by_reason_or_id(bench: &Bench, items: &[Value]) {
    let listed = |line: &str| {
        let document = at(bench, END, &format!("quarantine list {line} --json")).expect_exit(0).json();
        document["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(listed("--reason not_a_number"), 2);
    assert_eq!(listed("--reason wrong_field_count"), 0); // a reason that nothing was refused for
    let ids: Vec<&str> = items.iter().map(|item| text(item, "item_id")).collect();
    assert_eq!(listed(&format!("{} {}", ids[0], &ids[1][..8])), 2); // the beginning of an id is enough
    for unknown in ["q_000000", &ids[0][..7], "1"] {
        let said = at(bench, END, &format!("quarantine show {unknown}")).expect_exit(2);
        said.expect_err(&["is in quarantine", "hint: `reckoner quarantine list`"]);
    }
}

#[test]
fn an_empty_quarantine_says_so() {
    let bench = Bench::with_home();
    assert_eq!(bench.line("quarantine list").expect_exit(0).out, "nothing is in quarantine\n");
    assert_eq!(bench.line("quarantine show --json").expect_exit(0).json()["items"], Value::Array(Vec::new()));
}

#[test]
fn a_file_refused_whole_is_an_item_without_a_row() {
    let bench = Bench::with_home();
    bench.write("usage-cut.csv", "record_id,account_id,resource_id,sku,started_at,ended_at\nr-1,a,b");
    bench.line("ingest usage-cut.csv").expect_exit(2);
    let list = bench.line("quarantine list").expect_exit(0).out;
    assert!(list.contains("usage-cut.csv (whole)"), "{list}");
    let shown = bench.line("quarantine show").expect_exit(0).out;
    assert!(shown.contains("have the file delivered again, whole") && !shown.contains("the row as delivered"), "{shown}");
}

#[test]
fn a_row_is_taken_again_once_its_account_has_come() {
    let bench = after_the_month();
    let before = bench.line("export charges --account quail").expect_exit(0).out;
    assert_eq!(before.lines().count(), 1, "only the header");
    // Its account is not there yet: it is refused again and stays where it is.
    let again = at(&bench, END, "quarantine retry --reason unknown_account --json").expect_exit(2).json();
    assert_eq!((&again["asked"], &again["accepted"], &again["refused"]), (&1.into(), &0.into(), &1.into()));

    bench.write("accounts-quail.csv", "account_id,name\nquail,Quail\n");
    at(&bench, END, "ingest accounts-quail.csv").expect_exit(0);
    let taken = at(&bench, END, "quarantine retry --reason unknown_account --json").expect_exit(0).json();
    assert_eq!((&taken["accepted"], &taken["refused"]), (&1.into(), &0.into()), "{taken}");
    at(&bench, END, "catch-up").expect_exit(0);
    let charges = bench.line("export charges --account quail").expect_exit(0).out;
    assert!(charges.lines().count() > 1, "{charges}");
    // Twice is once, and the books tie out from the delivered bytes up.
    let nothing = at(&bench, END, "quarantine retry --reason unknown_account --json").expect_exit(0).json();
    assert_eq!(nothing["asked"], 0);
    at(&bench, END, "verify --full").expect_exit(0);
}

/// The items of `quarantine list` with these words behind it.
fn listed(bench: &Bench, line: &str) -> Vec<Value> {
    let document = at(bench, END, &format!("quarantine list {line} --json")).expect_exit(0).json();
    document["items"].as_array().cloned().unwrap_or_default()
}

fn accounting(bench: &Bench) -> String {
    at(bench, END, "export usage_accounting").expect_exit(0).out
}

#[test]
fn what_is_given_up_stays_with_who_did_and_why() {
    let bench = after_the_month();
    let before = accounting(&bench);
    let id = text(&listed(&bench, "--reason negative_quantity")[0], "item_id").to_owned();
    let discard = ["--as-of", END, "--actor", "ana", "quarantine", "discard", &id, "--reason", "a test host"];
    let said = bench.run(discard).expect_exit(0).out;
    assert!(said.starts_with("1 item was given up") && said.contains(": a test host\n"), "{said}");

    let shown = at(&bench, END, &format!("quarantine show {id}")).expect_exit(0).out;
    for piece in [
        format!("item        {id} (discarded)"),
        format!("what was decided\n  discarded by ana at {END}: a test host\n"),
        format!("that is\n  reckoner quarantine retry {id}\n"),
    ] {
        assert!(shown.contains(&piece), "{piece:?} is missing from:\n{shown}");
    }
    let exported = at(&bench, END, "export quarantine").expect_exit(0).out;
    assert!(exported.lines().any(|line| line.starts_with(&id) && line.contains(",discarded,")), "{exported}");
    assert_eq!((listed(&bench, "").len(), listed(&bench, "--open").len()), (13, 12));
    assert_eq!(listed(&bench, "").last().map(|item| text(item, "item_id").to_owned()), Some(id.clone()), "open ones first");

    // Nothing vanishes: its use stays counted as quarantined, and the books tie out from the delivered bytes up.
    assert_eq!(accounting(&bench), before);
    at(&bench, END, "verify --full").expect_exit(0);

    // Twice is once; another reason does not take the place of the first.
    let again = at(&bench, END, &format!("quarantine discard {id} --reason typo --json")).expect_exit(0).json();
    assert_eq!((again["discarded"].as_array().map(Vec::len), &again["already"]), (Some(0), &1.into()));
    let decision = &at(&bench, END, &format!("quarantine show {id} --json")).expect_exit(0).json()["items"][0]["decision"];
    assert_eq!((&decision["actor"], &decision["reason"]), (&"ana".into(), &"a test host".into()));
}

#[test]
fn a_reason_without_items_is_a_code() {
    let bench = after_the_month();
    let said = at(&bench, END, "quarantine discard --reason not_a_number --json").expect_exit(0).json();
    assert_eq!(said["discarded"].as_array().map(Vec::len), Some(2));
    let again = at(&bench, END, "quarantine discard --reason not_a_number --json").expect_exit(0).json();
    assert_eq!(again["discarded"].as_array().map(Vec::len), Some(0));
    // A code that nothing was refused for is no fault; a word that is no code is, and the known ones are named.
    at(&bench, END, "quarantine discard --reason wrong_field_count").expect_exit(0);
    let said = at(&bench, END, "quarantine discard --reason typo").expect_exit(2);
    said.expect_err(&["nothing was refused for `typo`", "`negative_quantity`, ", "hint: without an item the reason is a code"]);
    bench.line("quarantine discard q_1").expect_exit(2).expect_err(&["--reason <REASON>"]);
    let status = at(&bench, END, "status --json").expect_exit(0).json();
    assert!(!status["quarantine"].to_string().contains("not_a_number"), "{status}");
}

#[test]
fn what_was_given_up_is_taken_again_where_it_is_named() {
    let bench = after_the_month();
    let id = text(&listed(&bench, "--reason unknown_account")[0], "item_id").to_owned();
    at(&bench, END, &format!("quarantine discard {id} --reason not-ours")).expect_exit(0);
    bench.write("accounts-quail.csv", "account_id,name\nquail,Quail\n");
    at(&bench, END, "ingest accounts-quail.csv").expect_exit(0);

    let passed = at(&bench, END, "quarantine retry --reason unknown_account --json").expect_exit(0).json();
    assert_eq!(passed["asked"], 0, "a decision is not undone by the way");
    let taken = at(&bench, END, &format!("quarantine retry {id} --json")).expect_exit(0).json();
    assert_eq!((&taken["asked"], &taken["accepted"]), (&1.into(), &1.into()));
    let shown = at(&bench, END, &format!("quarantine show {id}")).expect_exit(0).out;
    assert!(shown.contains(": it took effect, as delivery "), "{shown}");
    // What took effect cannot be given up any more.
    let settled = at(&bench, END, &format!("quarantine discard {id} --reason late --json")).expect_exit(0).json();
    assert_eq!((settled["discarded"].as_array().map(Vec::len), &settled["settled_otherwise"]), (Some(0), &1.into()));
    at(&bench, END, "catch-up").expect_exit(0);
    at(&bench, END, "verify --full").expect_exit(0);
}

/// Row by row and in columns: what came too late waits for an operator, whose retry settles it.
#[test]
fn use_that_came_after_the_cutoff_waits_for_an_operator() {
    for bulk_bytes in [0_u64, 1 << 40] {
        let bench = Bench::new();
        bench.line("init --profile huawei-intl --zone +08:00 --currency CNY").expect_exit(0);
        bench.write("reckoner-home/profiles/own.toml", "base = \"huawei-intl\"\nlate_cutoff = \"10d\"\n");
        let settings = bench.read("reckoner-home/reckoner.toml").replace("profile = \"huawei-intl\"", "profile = \"own\"");
        let line = settings.lines().find(|line| line.starts_with("bulk_bytes = ")).unwrap().to_owned();
        bench.write("reckoner-home/reckoner.toml", &settings.replace(&line, &format!("bulk_bytes = {bulk_bytes}")));
        bench.write("accounts-1.csv", "account_id,name\nacme,Acme\n");
        bench.write("prices-1.csv", "sku,product,billing_mode,unit,unit_price\nvm,vm,pay_per_use,hour,1\n");
        let rows = ["01-31T23:00:00+08:00,2026-02-01T00:00:00", "02-28T23:00:00+08:00,2026-03-01T00:00:00"];
        let rows = rows.iter().enumerate().map(|(at, times)| format!("r-{at},acme,vm-{at},vm,2026-{times}+08:00\n"));
        bench.write(
            "usage-1.csv",
            &format!("record_id,account_id,resource_id,sku,started_at,ended_at\n{}", rows.collect::<String>()),
        );
        let clock = "2026-03-10T23:00:00+08:00"; // ten days after February, and not ten after January
        at(&bench, clock, "ingest accounts-1.csv prices-1.csv").expect_exit(0);
        at(&bench, clock, "ingest usage-1.csv").expect_exit(2);
        let items = at(&bench, clock, "quarantine list --json").expect_exit(0).json();
        let items = items["items"].as_array().unwrap();
        assert_eq!(items.iter().map(|item| text(item, "reason")).collect::<Vec<_>>(), ["too_late"], "{bulk_bytes}");

        at(&bench, clock, "quarantine retry --reason too_late").expect_exit(0);
        at(&bench, clock, "catch-up").expect_exit(0);
        let charges = bench.line("export charges").expect_exit(0).out;
        assert_eq!(charges.lines().count(), 3, "{charges}");
        at(&bench, clock, "verify --full").expect_exit(0);
    }
}

//! `export`: every table's order and selection; the ledger as a table and as journals.

use crate::sample_home::{END, after_the_month, at, rows};
use crate::support::Bench;
use serde_json::Value;

fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_default()).collect()
}

fn find<'a>(rows: &'a [Value], column: &str, value: &str) -> &'a Value {
    rows.iter().find(|row| row[column] == value).unwrap_or_else(|| panic!("no {column} `{value}`"))
}

/// Amounts at 1e-8.
fn e8(row: &Value, column: &str) -> i64 {
    let text = row[column].as_str().unwrap_or_else(|| panic!("{column} of {row}"));
    text.replace('.', "").parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_table_is_written_in_order() {
    let bench = after_the_month();
    for (table, key) in [
        ("accounts", "account_id"),
        ("vouchers", "voucher_id"),
        ("runs", "run_id"),
        ("quarantine", "item_id"),
        ("settlements", "settlement_id"),
        ("usage_accounting", "hour"),
        ("ledger", "at"),
    ] {
        let rows = rows(&bench, table);
        let keys = column(&rows, key);
        assert!(!keys.is_empty() && keys.is_sorted(), "{table}");
    }
    let counts: Vec<u64> = rows(&bench, "files").iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted() && !counts.is_empty());
    // The same bytes for the same store and clock.
    let twice = [0, 1].map(|_| at(&bench, END, "export accounts").expect_exit(0).out);
    assert_eq!(twice[0], twice[1]);
    accounts_and_vouchers_stand_by_the_clock(&bench);
    every_row_and_unit_has_an_outcome(&bench);
    selections_are_met_or_refused(&bench);
}

fn accounts_and_vouchers_stand_by_the_clock(bench: &Bench) {
    let accounts = rows(bench, "accounts");
    assert_eq!(column(&accounts, "account_id"), ["heron", "ibis", "jay", "kite", "lark", "merlin", "osprey", "plover"]);
    assert!(accounts.iter().all(|row| row["status"] == "normal"));
    // Its row from 20 January is in force; it has repaid what it used.
    let kite = find(&accounts, "account_id", "kite");
    assert_eq!((kite["credit_limit"].as_str(), kite["credit_used"].as_str()), (Some("30.00000000"), Some("0.00000000")));
    // Nothing is paid by the hour, so all of it is outstanding, since its first settlement.
    let merlin = find(&accounts, "account_id", "merlin");
    let due: i64 = rows(bench, "settlements --account merlin").iter().map(|row| e8(row, "due")).sum();
    assert_eq!(e8(merlin, "outstanding"), due);
    // An external account has no wallet to speak of.
    assert_eq!(find(&accounts, "account_id", "lark")["balance"], "0.00000000");

    // voucher | status at the month's end; the clock decides about the second and the last
    let vouchers = rows(bench, "vouchers");
    for (voucher, status) in [("v-heron-ccm", "used"), ("v-heron-welcome", "expired")] {
        assert_eq!(find(&vouchers, "voucher_id", voucher)["status"], status, "{voucher}");
    }
    for row in &vouchers {
        assert_eq!(e8(row, "remaining"), e8(row, "amount") - e8(row, "used") + e8(row, "returned"), "{row}");
    }
    let earlier = at(bench, "2026-01-03", "export vouchers --account heron").expect_exit(0).out;
    assert!(earlier.contains("v-heron-welcome") && earlier.contains(",active\n"), "{earlier}");
    let ahead = at(bench, "2025-12-31", "export vouchers --account heron").expect_exit(0).out;
    assert!(ahead.contains(",not_yet_valid\n"), "{ahead}");
}

fn every_row_and_unit_has_an_outcome(bench: &Bench) {
    for file in rows(bench, "files") {
        let count = |name: &str| file[name].as_u64().expect("a count");
        assert_eq!(count("rows"), count("accepted") + count("duplicates") + count("refused"), "{file}");
    }
    for row in rows(bench, "settlements") {
        let sources = ["voucher", "balance", "granted", "credit", "external", "outstanding"];
        assert_eq!(e8(&row, "due"), sources.iter().map(|source| e8(&row, source)).sum::<i64>(), "{row}");
    }
    for row in rows(bench, "usage_accounting --to 2026-02-01") {
        if row["zero_rated"] == "0" {
            assert_eq!(row["charged"], row["accepted"], "{row}");
        }
    }
    let legs = rows(bench, "ledger");
    for currency in ["CNY", "USD"] {
        let of_currency = legs.iter().filter(|leg| leg["currency"] == currency);
        assert_eq!(of_currency.map(|leg| e8(leg, "amount")).sum::<i64>(), 0, "{currency}");
    }
}

fn selections_are_met_or_refused(bench: &Bench) {
    let only = |line: &str, name: &str| -> Vec<String> {
        let rows = rows(bench, line);
        let mut found: Vec<String> = column(&rows, name).into_iter().map(str::to_owned).collect();
        found.sort();
        found.dedup();
        found
    };
    for table in ["charges", "payments", "accounts", "vouchers", "settlements", "usage_accounting"] {
        assert_eq!(only(&format!("{table} --account plover"), "account_id"), ["plover"], "{table}");
    }
    assert_eq!(only("quarantine --account quail", "reason"), ["unknown_account"]);
    // Half-open: the hour that begins at the range's end is not in it.
    let hours = only("usage_accounting --from 2026-01-05 --to 2026-01-05T02:00:00+08:00", "hour");
    assert_eq!(hours, ["2026-01-05T00:00:00+08:00", "2026-01-05T01:00:00+08:00"]);
    assert_eq!(only("runs --from 2026-01-08 --to 2026-01-09", "job"), ["hourly"]);
    // Nothing was in arrears then: a row without a value lies in no range.
    assert!(rows(bench, "accounts --from 2025-12-01 --to 2025-12-02").is_empty());

    // command line | what is said
    let refused = [
        ("export runs --account kite", "of no account"),
        ("export files --account kite", "of no account"),
        ("export ledger --account kite", "of no account"),
        ("export charges --format hledger", "for the ledger only"),
        ("export charges --view cost_center", "`--view` is for `allocation` only"),
        ("export bills", "not yet: export bills"),
        ("export deferred", "not yet: export deferred"),
        ("export receivables", "not yet: export receivables"),
    ];
    for (line, piece) in refused {
        let said = at(bench, END, line).expect_exit(2);
        said.expect_err(&["error: ", piece, "hint: "]);
        assert!(said.out.is_empty(), "{line}");
    }
}

#[test]
fn the_ledger_is_written_for_tools_and_as_a_table() {
    let bench = after_the_month();
    let journal = at(&bench, END, "export ledger").expect_exit(0).out;
    for line in [
        "commodity CNY 1000.00000000",
        "account assets:receivable:merlin",
        "    assets:cash  CNY 5.00000000",
        "    liabilities:wallet:jay  CNY -5.00000000",
    ] {
        assert!(journal.lines().any(|found| found == line), "{line}: {journal}");
    }
    let transactions = journal.lines().filter(|line| line.starts_with("2026-")).count();

    let said = at(&bench, END, "export ledger -o books.beancount --json").expect_exit(0);
    assert_eq!((&said.json()["table"], said.json()["transactions"].as_u64()), (&"ledger".into(), Some(transactions as u64)));
    let beancount = bench.read("books.beancount");
    for line in ["2026-01-01 open Liabilities:Wallet:Jay", "  name: \"liabilities:wallet:jay\"", "  Assets:Cash  5.00000000 CNY"]
    {
        assert!(beancount.lines().any(|found| found == line), "{line}: {beancount}");
    }
    assert_eq!(beancount.lines().filter(|line| line.ends_with("* \"settlement\"") || line.contains(" * ")).count(), transactions);

    // As a table, by format or by the file's ending.
    let table = at(&bench, END, "export ledger --format csv").expect_exit(0).out;
    assert!(table.starts_with("transaction_id,at,description,account,amount,currency\n"), "{table}");
    at(&bench, END, "export ledger -o legs.csv").expect_exit(0);
    assert_eq!(bench.read("legs.csv"), table);
    let document = at(&bench, END, "export ledger --json").expect_exit(0).json();
    assert_eq!(document["rows"].as_array().unwrap().len() + 1, table.lines().count());
    // One day of it; 5 January has no money in.
    let day = at(&bench, END, "export ledger --from 2026-01-05 --to 2026-01-06").expect_exit(0).out;
    assert!(day.contains("settlement") && !day.contains("top_up"), "{day}");
}

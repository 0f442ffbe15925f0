//! A bad row is refused alone, with its code, line, column and value, and the rest is accepted; a file whose bytes cannot be
//! trusted is refused whole.

use super::books::{catch_up, charges, ingest};
use crate::support::Bench;
use serde_json::Value;

/// The clock of every command here.
const NOW: &str = "2026-01-20T12:00:00+08:00";

const ACCOUNTS: &str = "account_id,name,currency\na,Ana,CNY\nu,Uma,USD\n";
const PRODUCTS: &str = "product,name,overlap\nlicence,Licences,refuse\n";
const PRICES: &str = "\
sku,product,billing_mode,unit,unit_price,currency,valid_from,valid_to,revision
server,compute,pay_per_use,hour,0.36,CNY,2026-01-01T00:00:00+08:00,,0
traffic,net,pay_per_use,GB,0.8,CNY,2026-01-01T00:00:00+08:00,2026-02-01T00:00:00+08:00,0
seat,licence,pay_per_use,hour,1,CNY,,,0
";
const USAGE: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,revision,corrects";
/// Known before the bad rows come: one in force, one that `k-2b` has replaced, one of a licence.
const KNOWN: &str = "\
record_id,account_id,resource_id,sku,started_at,ended_at,quantity,revision,corrects
k-1,a,r,server,2026-01-05T08:00:00+08:00,2026-01-05T09:00:00+08:00,1,,
k-2,a,r,server,2026-01-05T09:00:00+08:00,2026-01-05T10:00:00+08:00,1,,
k-2b,a,r,server,2026-01-05T09:00:00+08:00,2026-01-05T09:30:00+08:00,1,,k-2
k-3,a,l,seat,2026-01-05T08:00:00+08:00,2026-01-05T09:00:00+08:00,1,,
";

fn home() -> Bench {
    let bench = Bench::with_home();
    let tables = [("accounts", ACCOUNTS), ("products", PRODUCTS), ("prices", PRICES), ("usage-known", KNOWN)];
    let files = tables.map(|(name, text)| {
        bench.write(&format!("{name}.csv"), text);
        bench.path(&format!("{name}.csv"))
    });
    let said = ingest(&bench, NOW, &files);
    assert_eq!((&said["refused"], &said["duplicates"]), (&0.into(), &0.into()), "{said}");
    bench
}

/// Takes one file in, and hands back its exit code and what was said of it.
fn take(bench: &Bench, name: &str, bytes: &[u8]) -> (i32, Value) {
    std::fs::write(bench.path(name), bytes).unwrap();
    let said = bench.run(["ingest", "--json", "--as-of", NOW, name]);
    let document = said.json();
    (said.exit, document["files"][0].clone())
}

fn counts(file: &Value) -> [u64; 4] {
    ["rows", "accepted", "duplicates", "refused"].map(|name| file[name].as_u64().unwrap_or_else(|| panic!("{file}")))
}

/// Cells that differ from a good row's: column, text.
type Changes<'a> = &'a [(&'a str, &'a str)];

/// A good row of usage with some cells changed.
fn usage(changes: Changes<'_>) -> String {
    let base = ["x", "a", "r", "server", "2026-01-20T10:00:00+08:00", "2026-01-20T11:00:00+08:00", "1", "", ""];
    let cells = USAGE.split(',').zip(base).map(|(column, text)| {
        let changed = changes.iter().find(|(name, _)| *name == column);
        let text = changed.map_or(text, |(_, text)| *text);
        if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    });
    cells.collect::<Vec<_>>().join(",")
}

#[test]
fn a_bad_row_of_usage_is_refused_alone() {
    let long = "r".repeat(129);
    // what is changed in a good row | code | column | value as shown
    let cases: &[(Changes<'_>, &str, &str, &str)] = &[
        (&[("started_at", "2026-01-20T10:00:00")], "naive_timestamp", "started_at", "2026-01-20T10:00:00"),
        (&[("ended_at", "2026-01-20 11:00:00")], "naive_timestamp", "ended_at", "2026-01-20 11:00:00"),
        (&[("started_at", "20.01.2026 10:00")], "invalid_timestamp", "started_at", "20.01.2026 10:00"),
        (&[("ended_at", "2026-01-20T09:59:59+08:00")], "ends_before_start", "ended_at", "2026-01-20T09:59:59+08:00"),
        (&[("quantity", "-3")], "negative_quantity", "quantity", "-3"),
        (&[("quantity", "1e3")], "not_a_number", "quantity", "1e3"),
        (&[("quantity", "NaN")], "not_a_number", "quantity", "NaN"),
        (&[("quantity", "1,000")], "not_a_number", "quantity", "1,000"),
        (&[("quantity", "0.0000000000001")], "too_many_digits", "quantity", "0.0000000000001"),
        (&[("quantity", "1000000000000000000")], "too_many_digits", "quantity", "1000000000000000000"),
        // The contract's 18 digits are a quantity, but nobody can owe what they cost.
        (&[("quantity", "999999999999999999")], "amount_too_large", "quantity", "999999999999999999"),
        (&[("sku", "servers")], "unknown_sku", "sku", "servers"),
        (&[("account_id", "b")], "unknown_account", "account_id", "b"),
        (&[("account_id", "u")], "no_price_in_currency", "sku", "server"),
        (&[("started_at", "2025-12-31T23:59:59+08:00"), ("ended_at", "2026-01-01T00:00:01+08:00")], "no_price", "sku", "server"),
        // The clock stands at 12:00:00; a producer's may be 300 s ahead.
        (&[("ended_at", "2026-01-20T12:05:01+08:00")], "in_the_future", "ended_at", "2026-01-20T12:05:01+08:00"),
        (
            &[("started_at", "2026-01-20T12:05:01+08:00"), ("ended_at", "2026-01-20T12:05:02+08:00")],
            "in_the_future",
            "started_at",
            "2026-01-20T12:05:01+08:00",
        ),
        (&[("record_id", "k-1")], "conflicting_record", "record_id", "k-1"),
        (&[("corrects", "k-9")], "corrects_unknown", "corrects", "k-9"),
        (&[("corrects", "k-2")], "corrects_replaced", "corrects", "k-2"), // a second time
        (&[("corrects", "x")], "inconsistent_row", "corrects", "x"),      // itself
        (&[("record_id", "k 1")], "invalid_id", "record_id", "k 1"),
        (&[("resource_id", "=cmd()")], "invalid_id", "resource_id", "=cmd()"),
        (&[("sku", "sérver")], "invalid_id", "sku", "sérver"),
        (&[("resource_id", long.as_str())], "invalid_id", "resource_id", long.as_str()),
        (&[("record_id", "")], "missing_value", "record_id", ""),
        (&[("revision", "1.5")], "not_a_number", "revision", "1.5"),
        (
            &[
                ("sku", "seat"),
                ("resource_id", "l"),
                ("started_at", "2026-01-05T08:30:00+08:00"),
                ("ended_at", "2026-01-05T09:30:00+08:00"),
            ],
            "overlapping_use",
            "started_at",
            "2026-01-05T08:30:00+08:00",
        ),
    ];
    let bench = home();
    for (number, (changes, code, column, value)) in cases.iter().enumerate() {
        let good = [format!("g-{number}"), format!("h-{number}")].map(|id| usage(&[("record_id", &id)]));
        let text = format!("{USAGE}\n{}\n{}\n{}\n{}\n", good[0], usage(changes), good[1], good[1]);
        let (exit, file) = take(&bench, &format!("usage-{number}.csv"), text.as_bytes());
        assert_eq!(exit, 2, "{changes:?}: {file}");
        assert_eq!(counts(&file), [4, 2, 1, 1], "{changes:?}: {file}");
        let refusal = &file["refusals"][0];
        assert_eq!((&refusal["line"], refusal["reason"].as_str()), (&3.into(), Some(*code)), "{changes:?}: {file}");
        assert_eq!(refusal["column"].as_str(), Some(*column), "{changes:?}: {file}");
        assert_eq!(refusal["value"].as_str().unwrap_or(""), *value, "{changes:?}: {file}");
        assert!(refusal["item_id"].as_str().unwrap().starts_with("q_"), "{file}");
        assert!(refusal["detail"].as_str().unwrap().len() > 20, "{file}");
    }
    // What was refused costs nothing: two good rows a case, the known ones, and nothing else.
    catch_up(&bench, NOW);
    let seconds: i64 = charges(&bench)
        .iter()
        .filter(|charge| charge["window_start"] == "2026-01-20T10:00:00+08:00")
        .map(|charge| charge["quantity"].parse::<i64>().unwrap())
        .sum();
    assert_eq!(seconds, 3_600 * 2 * cases.len() as i64);
}

#[test]
fn a_producers_clock_may_be_five_minutes_ahead() {
    let bench = home();
    for (ended_at, is_taken) in
        [("2026-01-20T12:04:59+08:00", true), ("2026-01-20T12:05:00+08:00", true), ("2026-01-20T12:05:01+08:00", false)]
    {
        let text = format!("{USAGE}\n{}\n", usage(&[("record_id", &ended_at[11..19]), ("ended_at", ended_at)]));
        let (exit, file) = take(&bench, "usage-ahead.csv", text.as_bytes());
        assert_eq!((exit == 0, counts(&file)[1] == 1), (is_taken, is_taken), "{ended_at}: {file}");
    }
}

#[test]
fn a_record_that_does_not_fit_its_header_is_refused_alone() {
    let bench = home();
    let (one, other) = (usage(&[("record_id", "f-1")]), usage(&[("record_id", "f-2")]));
    let text = format!("{USAGE}\n{one},more\n{}\nf-3,a,r\n", other);
    let (exit, file) = take(&bench, "usage-fields.csv", text.as_bytes());
    assert_eq!((exit, counts(&file)), (2, [3, 1, 0, 2]), "{file}");
    let seen: Vec<_> = file["refusals"].as_array().unwrap().iter().map(|item| (&item["line"], &item["reason"])).collect();
    assert_eq!(seen, [(&2.into(), &"wrong_field_count".into()), (&4.into(), &"wrong_field_count".into())]);
}

#[test]
fn a_bad_price_row_is_refused_alone() {
    // the row | code | column
    let header = "sku,product,billing_mode,unit,unit_price,currency,valid_from,valid_to,revision";
    let cases = [
        ("server,compute,pay_per_use,hour,0.37,CNY,2026-01-01T00:00:00+08:00,,0", "edited_in_place", "valid_from"),
        ("traffic,net,pay_per_use,GB,0.9,CNY,2026-01-15T00:00:00+08:00,,0", "validity_overlaps", "valid_from"),
        (
            "seat,licence,pay_per_use,hour,2,CNY,2026-02-01T00:00:00+08:00,2026-02-01T00:00:00+08:00,0",
            "ends_before_start",
            "valid_to",
        ),
        ("seat,licence,pay_per_use,hour,-2,CNY,2026-02-01T00:00:00+08:00,,0", "negative_amount", "unit_price"),
        ("seat,licence,pay_per_use,hour,0.0000000000001,CNY,2026-02-01T00:00:00+08:00,,0", "too_many_digits", "unit_price"),
    ];
    let bench = home();
    for (number, (row, code, column)) in cases.into_iter().enumerate() {
        let good = format!("server-{number},compute,pay_per_use,hour,1,CNY,,,0");
        let known = "server,compute,pay_per_use,hour,0.36,CNY,2026-01-01T00:00:00+08:00,,0";
        let (exit, file) =
            take(&bench, &format!("prices-{number}.csv"), format!("{header}\n{good}\n{row}\n{known}\n").as_bytes());
        assert_eq!((exit, counts(&file)), (2, [3, 1, 1, 1]), "{row}: {file}");
        let refusal = &file["refusals"][0];
        let seen = (refusal["line"].as_u64(), refusal["reason"].as_str(), refusal["column"].as_str());
        assert_eq!(seen, (Some(3), Some(code), Some(column)), "{row}: {file}");
    }
}

#[test]
fn a_file_whose_bytes_cannot_be_trusted_is_refused_whole() {
    let good = usage(&[("record_id", "w-1")]);
    let text = format!("{USAGE}\n{good}\n");
    let with_header = |header: &str, cells: &str| format!("{header}\n{good}{cells}\n").into_bytes();
    // the bytes | code
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (with_header(&format!("{USAGE},colour"), ",red"), "unknown_column"),
        (with_header(&format!("{USAGE},sku"), ",server"), "duplicate_column"),
        (with_header(&USAGE.replace("ended_at", "region"), ""), "missing_column"),
        (text.trim_end().as_bytes().to_vec(), "truncated"),
        (text.as_bytes()[..text.len() - 9].to_vec(), "truncated"),
        (text.replace("w-1", "w-\u{e9}").chars().map(|c| c as u8).collect(), "invalid_encoding"), // Latin-1
        (format!("{USAGE}\n\"{good}\n").into_bytes(), "unclosed_quote"),
        (Vec::new(), "empty_file"),
        (b"PK\x03\x04".to_vec(), "unsupported_format"), // a spreadsheet
        (b"\x1f\x8b\x08\x00".to_vec(), "truncated"),    // gzip without an end
        (b"PAR1 and then nothing".to_vec(), "corrupt"),
    ];
    let bench = home();
    catch_up(&bench, NOW);
    let before = charges(&bench);
    for (number, (bytes, code)) in cases.into_iter().enumerate() {
        let name = format!("usage-whole-{number}.csv");
        let (exit, file) = take(&bench, &name, &bytes);
        assert_eq!((exit, counts(&file)), (2, [0, 0, 0, 0]), "{code}: {file}");
        assert_eq!(file["refusals"][0]["reason"].as_str(), Some(code), "{file}");
        assert!(file["refused_whole"].is_string(), "{file}");
        // The same bytes are refused again, under any name.
        let (exit, again) = take(&bench, &format!("usage-again-{number}.csv"), &bytes);
        assert_eq!((exit, again["same_as"].as_str()), (2, Some(name.as_str())), "{code}: {again}");
    }
    catch_up(&bench, NOW);
    assert_eq!(charges(&bench), before, "nothing of them took effect");
    // The next file is taken as if nothing had been.
    let (exit, file) = take(&bench, "usage-after.csv", text.as_bytes());
    assert_eq!((exit, counts(&file)), (0, [1, 1, 0, 0]), "{file}");
}

#[test]
fn a_name_that_leads_to_no_table_takes_nothing_in() {
    let bench = home();
    bench.write("usage-good.csv", &format!("{USAGE}\n{}\n", usage(&[("record_id", "n-1")])));
    bench.write("budgets-1.csv", "budget_id\nb-1\n");
    bench.write("invoices-1.csv", "invoice_id\ni-1\n");
    // A name that is wrong stops the command before anything is taken, also what stands before it.
    let said = bench.line("ingest usage-good.csv budgets-1.csv").expect_exit(2);
    said.expect_err(&["budgets-1.csv", "not take in yet"]);
    let said = bench.line("ingest usage-good.csv invoices-1.csv").expect_exit(2);
    said.expect_err(&["invoices-1.csv", "names no table", "`usage`"]);
    let (exit, file) = take(&bench, "usage-good.csv", bench.read("usage-good.csv").as_bytes());
    assert_eq!((exit, counts(&file)), (0, [1, 1, 0, 0]), "it was not taken before: {file}");

    bench.line("ingest usage-nowhere.csv").expect_exit(1).expect_err(&["usage-nowhere.csv"]);
}

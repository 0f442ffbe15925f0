use super::*;

const SHA: &str = "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef";

fn manifest(files: &str) -> String {
    format!(r#"{{"source": "meter-1", "hour": "2026-01-05T13:00:00Z", "seq": 1, "final": true, "files": [{files}]}}"#)
}

#[test]
fn a_manifest_says_everything_or_little() {
    let file = format!(
        r#"{{"name": "usage-1.csv", "bytes": 100, "sha256": "{SHA}", "rows": "3", "min_ts": "2026-01-05T21:00:00+08:00",
        "max_ts": "2026-01-05T13:59:59.9Z", "sum_quantity": {{"vm": 12.5, "gb": "-0.000000000001", "n-1.5e3": 1}}, "replaces": "usage-0.csv"}}"#
    );
    let read = parse(&manifest(&file)).expect("a manifest");
    assert_eq!((read.source.as_str(), read.number, read.is_final), ("meter-1", 1, true));
    assert_eq!((read.window.start.to_utc_text().as_str(), read.window.seconds()), ("2026-01-05T13:00:00Z", 3_600));
    let listed = &read.files[0];
    assert_eq!((listed.bytes, listed.rows, listed.replaces.as_deref()), (Some(100), Some(3), Some("usage-0.csv")));
    assert_eq!(listed.sha256.as_deref(), Some(SHA.to_ascii_lowercase().as_str()));
    assert_eq!(listed.min_ts.map(Instant::to_utc_text).as_deref(), Some("2026-01-05T13:00:00Z"));
    assert_eq!(listed.max_ts.map(Instant::to_utc_text).as_deref(), Some("2026-01-05T13:59:59Z"));
    let sums: Vec<String> = listed.sum_quantity.iter().flatten().map(|(sku, sum)| format!("{sku}={sum}")).collect();
    assert_eq!(sums, ["gb=-0.000000000001", "n-1.5e3=1", "vm=12.5"]);
    // What the store keeps comes back.
    let kept = serde_json::to_string(&read).expect("written");
    assert_eq!(serde_json::from_str::<Manifest>(&kept).expect("read"), read);

    let little =
        parse(r#"{"source": "m", "window": {"from": "2026-01-05T13:00:00Z", "to": "2026-01-05T13:05:00Z"}, "files": []}"#);
    let little = little.expect("an empty manifest says that there was no use");
    assert_eq!((little.number, little.is_final, little.files.len(), little.window.seconds()), (1, false, 0, 300));
    assert!(!parse(&manifest(r#"{"name": "usage-1.csv"}"#)).expect("a name").files[0].says_totals());
}

#[test]
fn what_is_no_manifest_is_told() {
    // manifest | pieces of what is told
    let listed = |rest: &str| manifest(&format!(r#"{{"name": "usage-1.csv", {rest}}}"#));
    let cases: &[(String, &[&str])] = &[
        (String::new(), &["no JSON"]),
        ("[]".into(), &["one JSON object"]),
        ("{}".into(), &["missing field `source`"]),
        (manifest("").replace("]}", "]"), &["no JSON"]),             // cut off
        (format!("{}{{}}", manifest("")), &["no JSON", "trailing"]), // two
        (manifest("").replace("seq", "number"), &["unknown field `number`", "`seq`", "`final`", "`files`"]),
        (manifest("").replace("seq", "source"), &["duplicate field `source`"]),
        (manifest("").replace(": 1,", ": 1.0,"), &["`seq` is `1.0`", "whole number"]),
        (manifest("").replace(": 1,", ": -1,"), &["`seq` is `-1`"]),
        (manifest("").replace(": 1,", ": 9223372036854775808,"), &["whole number"]), // 2^63
        (manifest("").replace("true", "\"yes\""), &["expected a boolean"]),
        (manifest("").replace("13:00:00Z", "13:00:01Z"), &["`hour`", "first instant of an hour"]),
        (manifest("").replace("13:00:00Z", "13:00:00"), &["`hour`", "no offset"]),
        (manifest("").replace("meter-1", "meter 1"), &["`source` is `meter 1`"]),
        (r#"{"source": "m", "files": []}"#.into(), &["names no time"]),
        (
            r#"{"source": "m", "window": {"from": "2026-01-05T13:00:00Z", "to": "2026-01-05T13:00:00Z"}, "files": []}"#.into(),
            &["nothing lies between"],
        ),
        (manifest(r#"{"rows": 1}"#), &["missing field `name`"]),
        (manifest(r#"{"name": "in/usage-1.csv"}"#), &["without folders"]),
        (manifest(r#"{"name": "a"}, {"name": "a"}"#), &["`a` is listed twice"]),
        (listed(r#""lines": 1"#), &["unknown field `lines`", "`rows`", "`sum_quantity`"]),
        (listed(r#""rows": 1e3"#), &["file `usage-1.csv`", "`rows` is `1e3`"]),
        (listed(r#""rows": true"#), &["invalid type: boolean"]),
        (listed(r#""sha256": "abc""#), &["`sha256` is `abc`", "64 hex digits"]),
        (listed(r#""sum_quantity": {"vm": 1e3}"#), &["`sum_quantity` of `vm` is `1e3`", "plain"]),
        (listed(r#""sum_quantity": {"vm": "0.0000000000001"}"#), &["more than 12 digits"]),
        (listed(r#""sum_quantity": {"vm": 1, "vm": 2}"#), &["`vm` is named twice"]),
    ];
    for (text, pieces) in cases {
        let told = parse(text).expect_err(text).to_string();
        for piece in *pieces {
            assert!(told.contains(piece), "{piece:?} is missing from {told:?} for {text}");
        }
    }
}

fn totals(rows: &[(&str, &str, &str, &str)]) -> Totals {
    let mut totals = Totals::default();
    for (sku, quantity, start, end) in rows {
        let at = |clock: &str| format!("2026-01-05T{clock}:00Z");
        totals.add(sku, quantity, &at(start), &at(end)).expect("small sums");
    }
    totals
}

#[test]
fn totals_are_compared_exactly() {
    let rows = [("vm", "1.5", "13:10", "13:20"), ("vm", "", "13:05", "13:15"), ("gb", "0.000000000001", "13:30", "13:50")];
    // what the manifest says | the differences
    let cases: &[(&str, &[&str])] = &[
        (r#""rows": 3"#, &[]),
        (r#""rows": 4"#, &["rows: the manifest says 4, the file has 3, 1 fewer"]),
        (r#""rows": 2"#, &["rows: the manifest says 2, the file has 3, 1 more"]),
        (r#""min_ts": "2026-01-05T13:05:00Z", "max_ts": "2026-01-05T13:50:00Z""#, &[]),
        (
            r#""min_ts": "2026-01-05T13:05:01Z", "max_ts": "2026-01-05T13:49:59Z""#,
            &[
                "min_ts: the manifest says 2026-01-05T13:05:01Z, the earliest started_at in the file is 2026-01-05T13:05:00Z, 1 s earlier",
                "max_ts: the manifest says 2026-01-05T13:49:59Z, the latest ended_at in the file is 2026-01-05T13:50:00Z, 1 s later",
            ],
        ),
        (r#""sum_quantity": {"vm": "2.50", "gb": 0.000000000001, "cpu": 0}"#, &[]),
        (
            r#""sum_quantity": {"vm": 2.5}"#,
            &["sum_quantity of `gb`: the manifest says nothing, the rows sum to 0.000000000001, 0.000000000001 more"],
        ),
        (
            r#""sum_quantity": {"vm": 3, "gb": 0.000000000002, "cpu": 1}"#,
            &[
                "sum_quantity of `cpu`: the manifest says 1, the rows sum to nothing, 1 less",
                "sum_quantity of `gb`: the manifest says 0.000000000002, the rows sum to 0.000000000001, 0.000000000001 less",
                "sum_quantity of `vm`: the manifest says 3, the rows sum to 2.5, 0.5 less",
            ],
        ),
    ];
    for (says, expected) in cases {
        let manifest = parse(&manifest(&format!(r#"{{"name": "usage-1.csv", {says}}}"#))).expect(says);
        assert_eq!(manifest.files[0].compare_totals(&totals(&rows)), *expected, "{says}");
    }
}

#[test]
fn rows_that_cannot_be_read_are_told_beside_a_sum_that_differs() {
    let mut totals = totals(&[("vm", "1e3", "13:10", "13:20"), ("vm", "-3", "13:10", "13:20")]);
    totals.add_unreadable();
    let listed = |says: &str| parse(&manifest(&format!(r#"{{"name": "u", {says}}}"#))).expect("a manifest").files.remove(0);
    // A negative row is refused on its own, and summed: the producer sent it so.
    assert_eq!(listed(r#""rows": 3, "sum_quantity": {"vm": -3}"#).compare_totals(&totals), Vec::<String>::new());
    let told = listed(r#""sum_quantity": {"vm": 997}"#).compare_totals(&totals);
    assert_eq!(told[1], "the quantity of 2 rows is no plain number, they are in no sum");
    assert_eq!(listed(r#""max_ts": "2026-01-05T13:00:00Z""#).compare_totals(&Totals::default()).len(), 1); // nothing there
}

#[test]
fn bytes_are_compared_by_length_and_hash() {
    let listed = parse(&manifest(&format!(r#"{{"name": "u", "bytes": 7, "sha256": "{SHA}"}}"#))).expect("a manifest");
    let listed = &listed.files[0];
    assert_eq!(listed.compare_bytes(7, &SHA.to_ascii_lowercase()), Vec::<String>::new());
    let told = listed.compare_bytes(9, "ab");
    assert_eq!(told[0], "bytes: the manifest says 7, the file has 9, 2 more");
    assert!(told[1].starts_with("sha256: the manifest says `0123") && told[1].ends_with("the file has `ab`"), "{}", told[1]);
}

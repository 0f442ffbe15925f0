//! Lines right and wrong, as rows and as envelopes around rows.

use super::super::testing::{drain, open_bytes, rows_text};
use super::super::{Source, open};
use super::*;
use reckoner_core::table::{Context, usage};

const ROW: &str = r#"{"record_id":"r1","account_id":"a","resource_id":"v","sku":"s","started_at":"2026-01-05T00:00:00Z","ended_at":"2026-01-05T01:00:00Z"}"#;
const FUNDS: &str = r#"{"entry_id":"f1","account_id":"a","kind":"top_up","amount":"1","at":"t"}"#;

/// `ROW` with more keys, as they stand in the line.
fn row_with(keys: &str) -> String {
    ROW.replacen('}', &format!(",{keys}}}"), 1)
}

fn event_with(attributes: &str, data: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"e1","source":"/meter","type":"usage"{attributes},"data":{data}}}"#)
}

fn usage_text(lines: &[&str]) -> String {
    rows_text(open_bytes(format!("{}\n", lines.join("\n")).as_bytes(), TableKind::Usage))
}

/// The text that a value gives in a column, or the code of its refusal.
fn cell_of(kind: TableKind, column: &str, value: &str) -> String {
    let line = format!("{{\"{column}\":{value}}}\n");
    let batch = match drain(open_bytes(line.as_bytes(), kind)) {
        Ok(mut batches) => batches.remove(0),
        Err(refusal) => return refusal.reason.to_owned(),
    };
    match batch.refused() {
        [] => format!("={}", batch.row(0).get(column)),
        [refused, ..] => refused.refusal.reason.to_owned(),
    }
}

#[test]
fn a_value_is_the_text_that_csv_would_have() {
    use TableKind::{Discounts, Prices, Usage};
    let cases = [
        (Usage, "quantity", "10", "=10"),
        (Usage, "quantity", "0.10", "=0.10"), // the digits as delivered
        (Usage, "quantity", "0.1000000000000000055511151231257827", "=0.1000000000000000055511151231257827"),
        (Usage, "quantity", "123456789012345678.123456789012", "=123456789012345678.123456789012"), // no float holds it
        (Usage, "quantity", "\"10\"", "=10"),
        (Usage, "quantity", "null", "="),
        (Usage, "quantity", "\"\"", "="),
        (Usage, "quantity", "1e3", "=1e3"), // refused by the column's own parser, as in CSV
        (Usage, "quantity", "-3", "=-3"),
        (Usage, "quantity", "true", "wrong_json_type"),
        (Usage, "quantity", "[1]", "wrong_json_type"),
        (Usage, "quantity", "{}", "wrong_json_type"),
        (Usage, "quantity", "01", "invalid_json_row"),
        (Usage, "quantity", "+1", "invalid_json_row"),
        (Usage, "quantity", ".5", "invalid_json_row"),
        (Usage, "quantity", "NaN", "invalid_json_row"),
        (Usage, "revision", "2", "=2"),
        (Usage, "waived", "true", "=true"),
        (Usage, "waived", "1", "wrong_json_type"),
        (Usage, "record_id", "17", "=17"),
        (Usage, "record_id", "12345678901234567890123", "=12345678901234567890123"),
        (Usage, "record_id", "1.10", "wrong_json_type"), // as a number it is 1.1, and which of them is the name?
        (Usage, "record_id", "1e3", "wrong_json_type"),
        (Usage, "record_id", "false", "wrong_json_type"),
        (Usage, "resource_name", "\"网\\u7edc \\\"x\\\" \\ud83e\\udd80\"", "=网络 \"x\" 🦀"),
        (Usage, "resource_name", "\"\\ud83e\"", "invalid_json_row"), // half a character
        (Usage, "resource_name", "\"a\tb\"", "invalid_json_row"),
        (Usage, "resource_name", "\"a\\tb\"", "=a\tb"), // refused by the column's own parser
        (Usage, "started_at", "1767571200", "wrong_json_type"),
        (Usage, "tags", "\"team=web;stage=\"", "=team=web;stage="),
        (Usage, "tags", r#"{"team":"web","stage":""}"#, "=team=web;stage="),
        (Usage, "tags", r#" { "rack" : 7 , "spot" : true } "#, "=rack=7;spot=true"),
        (Usage, "tags", r#"{"team":"a=b"}"#, "=team=a=b"),
        (Usage, "tags", "{}", "="),
        (Usage, "tags", r#"{"team":"web;stage=prod"}"#, "invalid_map"), // would be read as two labels
        (Usage, "tags", r#"{"a=b":"c"}"#, "invalid_map"),
        (Usage, "tags", r#"{"a":null}"#, "invalid_map"),
        (Usage, "tags", r#"{"a":{"b":"c"}}"#, "invalid_map"),
        (Usage, "tags", r#"{"a":"1","a":"2"}"#, "=a=1;a=2"), // refused by the column's own parser
        (Usage, "tags", "[\"a\"]", "wrong_json_type"),
        (Discounts, "skus", "\"a;b\"", "=a;b"),
        (Discounts, "skus", r#"["a", "b"]"#, "=a;b"),
        (Discounts, "skus", "[7]", "=7"),
        (Discounts, "skus", "[]", "="),
        (Discounts, "skus", r#"["a;b"]"#, "invalid_list"),
        (Discounts, "skus", r#"[""]"#, "invalid_list"),
        (Discounts, "skus", "[null]", "invalid_list"),
        (Discounts, "skus", r#"[["a"]]"#, "invalid_list"),
        (Discounts, "skus", r#"["a",]"#, "invalid_json_row"),
        (Discounts, "percent_off", "12.5", "=12.5"),
        (Prices, "tiers", r#"[{"up_to":"10", "unit_price":"1"}]"#, "=[{\"up_to\":\"10\", \"unit_price\":\"1\"}]"),
        (Prices, "tiers", r#"{"size":"10","unit_price":"5"}"#, "={\"size\":\"10\",\"unit_price\":\"5\"}"),
        (Prices, "tiers", r#""{\"size\":\"10\"}""#, "={\"size\":\"10\"}"),
        (Prices, "tiers", "5", "wrong_json_type"),
        (Prices, "terms", r#"{"12":900,"24":"1600"}"#, "=12=900;24=1600"),
        (Prices, "currency", "7", "wrong_json_type"),
        (Usage, "colour", "1", "unknown_column"),
    ];
    for (kind, column, value, expected) in cases {
        assert_eq!(cell_of(kind, column, value), expected, "{column}: {value}");
    }
}

#[test]
fn lines_right_and_wrong() {
    let cases: &[(&str, &str)] = &[
        ("ROW\nROW\n", "1:f1 2:f1"),
        ("\n \t\nROW\n\nROW\n", "3:f1 5:f1"), // blank lines are lines
        (" ROW \n", "1:f1"),
        ("ROW\n{\"entry_id\":\n", "1:f1 !2:invalid_json_row"),
        ("{\"entry_id\":\nROW\n", "2:f1 !1:invalid_json_row"),
        ("ROW\n[]\n7\n\"x\"\nnull\n", "1:f1 !2:invalid_json_row !3:invalid_json_row !4:invalid_json_row !5:invalid_json_row"),
        ("ROWROW\n", "!1:invalid_json_row"),
        ("ROW,\n", "!1:invalid_json_row"), // an array without its brackets
        ("{,}\n", "!1:invalid_json_row"),
        ("{\"note\":1,}\n", "!1:invalid_json_row"),
        ("{'note':1}\n", "!1:invalid_json_row"),
        ("{note:1}\n", "!1:invalid_json_row"),
        ("{\"note\" 1}\n", "!1:invalid_json_row"),
        ("{\"note\":}\n", "!1:invalid_json_row"),
        ("{\"note\":1 \"at\":2}\n", "!1:invalid_json_row"),
        ("{\"note\":1}}\n", "!1:invalid_json_row"),
        ("{\"note\":\"a\",\"note\":\"a\"}\n", "!1:invalid_json_row"), // twice the same is still twice
        ("{\"note\":\"a\",\"n\\u006fte\":\"b\"}\n", "!1:invalid_json_row"), // the same key, written otherwise
        ("{}\n", "1:"), // a row without values, refused for the first that is required
        ("{\"note\":null}\n", "1:"),
        ("ROW\n{\"Note\":\"a\"}\n", "unknown_column"),
        ("ROW\n{\"note\":\"a\",\"memo\":\"b\"}\n", "unknown_column"),
        ("{\n\"note\":\"a\"\n}\n", "malformed_ndjson"),
        ("ROW\nROW", "truncated"),
        ("ROW\n{\"entry_id\":\"f2", "truncated"),
        ("ROW\n ", "truncated"),
        ("ROW\n{\"note\":\"\0\"}\n", "invalid_encoding"),
        ("[ROW]\n", "unsupported_format"),
        ("[\nROW\n]\n", "unsupported_format"),
    ];
    for (text, expected) in cases {
        for breaks in ["\n", "\r\n"] {
            for mark in ["", "\u{feff}"] {
                let text = format!("{mark}{text}").replace("ROW", FUNDS).replace('\n', breaks);
                assert_eq!(&rows_text(open_bytes(text.as_bytes(), TableKind::Funds)), expected, "{text:?}");
            }
        }
    }
    let not_utf8 = [FUNDS.as_bytes(), b"\n{\"note\":\"\xff\"}\n"].concat();
    assert_eq!(rows_text(open_bytes(&not_utf8, TableKind::Funds)), "invalid_encoding");
}

#[test]
fn a_cut_file_never_opens_but_at_a_line_break() {
    let whole = format!("{ROW}\n{}\n", row_with("\"tags\":{\"a\":\"é\"}"));
    for length in 1..whole.len() {
        let opens = open_bytes(&whole.as_bytes()[..length], TableKind::Usage).is_ok();
        assert_eq!(opens, whole.as_bytes()[length - 1] == b'\n', "{length}");
    }
}

#[test]
fn long_lines_and_fields_are_bounded() {
    let read = |length: usize| {
        let long = format!("{{\"note\":\"{}\"}}\n{FUNDS}\n", "x".repeat(length));
        rows_text(open_bytes(long.as_bytes(), TableKind::Funds))
    };
    assert_eq!(read(FIELD_BYTES_MAX), "1: 2:f1");
    assert_eq!(read(FIELD_BYTES_MAX + 1), "2:f1 !1:field_too_long");
    assert_eq!(read(super::super::sieve::RECORD_BYTES_MAX), "record_too_long");
}

#[test]
fn nesting_without_end_is_refused_and_no_more() {
    let deep = format!("{{\"note\":{}}}\n", "[".repeat(1_000_000));
    assert_eq!(rows_text(open_bytes(deep.as_bytes(), TableKind::Funds)), "!1:invalid_json_row");
    let closed = format!("{{\"note\":{}{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(rows_text(open_bytes(closed.as_bytes(), TableKind::Funds)), "!1:wrong_json_type");
}

#[test]
fn a_refusal_says_where_what_and_what_to_do() {
    let detail = |line: &str| drain(open_bytes(format!("{line}\n").as_bytes(), TableKind::Usage));
    let refused = |line: &str| detail(line).expect("a row is refused")[0].refused()[0].clone();
    assert_eq!(
        refused(r#"{"record_id":"r1" "sku":"s"}"#).refusal.detail,
        "the line is no JSON object (expected `,` or `}`, saw `\"`, at byte 19); expected one object a line, such as \
         `{\"column\":\"value\"}`"
    );
    let row = refused(&row_with(r#""quantity":true"#));
    assert_eq!((row.refusal.column.as_deref(), row.refusal.value.as_deref()), (Some("quantity"), Some("true")));
    assert_eq!(row.refusal.detail, "`quantity` is `true`: expected a plain number, or text as in CSV");
    assert_eq!(row.raw[0], ("account_id".to_owned(), "a".to_owned())); // found by its account
    // The first by the schema's columns, not by the order of the keys.
    assert_eq!(refused(r#"{"quantity":true,"sku":false}"#).refusal.column.as_deref(), Some("sku"));
    let whole = detail(&row_with(r#""Quantity":1"#)).expect_err("an unknown key").detail;
    assert_eq!(whole, "line 1 has the key `Quantity`, which `usage` does not have: write it `quantity`");
}

#[test]
fn a_refused_line_is_refused_again_when_it_is_taken_again() {
    let schema = TableKind::Usage.schema();
    let lines = [
        "{".to_owned() + ROW,
        row_with(r#""waived":1"#),
        row_with(r#""sku":"other""#),
        row_with(&format!("\"region\":\"{}\"", "x".repeat(FIELD_BYTES_MAX + 9))),
    ];
    for line in lines {
        let batch = drain(open_bytes(format!("{line}\n").as_bytes(), TableKind::Usage)).expect("a row is refused").remove(0);
        let [refused] = batch.refused() else { panic!("one line is refused") };
        let again = RawRow::from_pairs(schema, refused.line, &refused.raw);
        assert!(again.is_err() || usage::parse(&again.unwrap(), &Context::new("CNY")).is_err(), "{:.60}", line);
    }
}

#[test]
fn listed_keys_are_passed_over_and_batches_are_bounded() {
    let line = |n: usize| format!("{}\n", ROW.replace("r1", &format!("r{n}")).replacen('{', "{\"memo\":[{}],", 1));
    let text: String = (0..100).map(line).collect();
    for batch_rows in [0, 1, 7, 100] {
        let options = ReadOptions { batch_rows, ignored_columns: vec!["memo".to_owned()], ..ReadOptions::default() };
        let batches = drain(open(Source::Bytes(text.clone().into_bytes()), TableKind::Usage, &options)).expect("right");
        assert!(batches.iter().all(|batch| batch.len() <= batch_rows.max(1)));
        let ids: Vec<String> = batches.iter().flat_map(|batch| batch.cells(0).map(str::to_owned)).collect();
        assert_eq!(ids, (0..100).map(|n| format!("r{n}")).collect::<Vec<_>>());
    }
}

#[test]
fn an_envelope_is_opened_or_its_row_refused() {
    let without_id = ROW.replacen("\"record_id\":\"r1\",", "", 1);
    // attributes behind the required ones | data | what comes of it
    let cases: &[(&str, &str, &str)] = &[
        ("", ROW, "1:r1"),
        ("", &without_id, "1:e1"), // the event's id
        ("", &without_id.replacen('{', "{\"record_id\":null,", 1), "1:e1"),
        (r#","subject":"vm","dataschema":"https://example.com/usage","traceparent":"00-1","attempt":2"#, ROW, "1:r1"),
        (r#","time":"2026-01-05T01:00:00.5Z""#, ROW, "1:r1"),
        (r#","time":null,"data_base64":null,"datacontenttype":null"#, ROW, "1:r1"),
        (r#","time":"yesterday""#, ROW, "!1:invalid_event"),
        (r#","time":1767571200"#, ROW, "!1:invalid_event"),
        (r#","datacontenttype":"application/json; charset=utf-8""#, ROW, "1:r1"),
        (r#","datacontenttype":"application/vnd.usage+JSON""#, ROW, "1:r1"),
        (r#","datacontenttype":"text/csv""#, ROW, "!1:invalid_event"),
        (r#","data_base64":"e30=""#, ROW, "!1:invalid_event"),
        ("", "null", "!1:invalid_event"),
        ("", "[]", "!1:invalid_event"),
        ("", "\"{}\"", "!1:invalid_event"),
        ("", "{\"sku\":\"s\",\"sku\":\"s\"}", "!1:invalid_json_row"),
        (r#","id":"e2""#, ROW, "!1:invalid_json_row"), // twice
        ("", "{\"waived\":1}", "!1:wrong_json_type"),
        ("", "{\"colour\":1}", "unknown_column"),
    ];
    for (attributes, data, expected) in cases {
        assert_eq!(&usage_text(&[&event_with(attributes, data)]), expected, "{attributes} {data}");
    }
}

#[test]
fn an_envelope_has_its_version_and_what_is_required() {
    let event = event_with("", ROW);
    let cases = [
        (event.replacen("1.0", "0.3", 1), "!1:invalid_event"),
        (event.replacen("1.0", "1.0.2", 1), "!1:invalid_event"),
        (event.replacen("\"1.0\"", "1.0", 1), "!1:invalid_event"), // a number may have lost its zero
        (event.replacen("\"id\":\"e1\",", "", 1), "!1:invalid_event"),
        (event.replacen("\"id\":\"e1\"", "\"id\":\"\"", 1), "!1:invalid_event"),
        (event.replacen("\"id\":\"e1\"", "\"id\":1", 1), "!1:invalid_event"),
        (event.replacen("\"source\":\"/meter\",", "", 1), "!1:invalid_event"),
        (event.replacen("\"type\":\"usage\",", "", 1), "!1:invalid_event"),
        (event.replacen(",\"data\"", ",\"body\"", 1), "!1:invalid_event"),
    ];
    for (line, expected) in cases {
        assert_eq!(usage_text(&[&line]), expected, "{line}");
    }
}

#[test]
fn the_first_object_says_whether_a_file_holds_events() {
    let event = event_with("", ROW);
    assert_eq!(usage_text(&[&event, ROW, &event]), "1:r1 3:r1 !2:invalid_event");
    assert_eq!(usage_text(&["", "{broken", &event]), "3:r1 !2:invalid_json_row");
    assert_eq!(usage_text(&[ROW, &event]), "unknown_column"); // `specversion` is no column
    assert_eq!(usage_text(&[&format!("[{event}]")]), "unsupported_format"); // batch mode
    let opened = |text: &str, kind| open_bytes(format!("{text}\n").as_bytes(), kind).map(|reader| reader.format());
    assert_eq!(opened(&event, TableKind::Usage), Ok(Format::CloudEvents));
    assert_eq!(opened(ROW, TableKind::Usage), Ok(Format::Ndjson));
    let elsewhere = opened(&event, TableKind::Funds).expect_err("events carry usage only");
    assert!(elsewhere.detail.contains("CloudEvents"), "{elsewhere}");
}

//! What editors, spreadsheets and broken scripts write.

use super::forge::{self, Column, Footer};
use super::{COLUMNS, HEADER, check, csv, gzip, row, zstandard};

const MIB: usize = 1 << 20;

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn json(record_id: &str, account_id: &str) -> String {
    let rest =
        "\"resource_id\":\"vm\",\"sku\":\"server\",\"started_at\":\"2026-01-05T00:00:00Z\",\"ended_at\":\"2026-01-05T01:00:00Z\"";
    format!("{{\"record_id\":\"{record_id}\",\"account_id\":\"{account_id}\",{rest}}}\n")
}

/// Parquet with one row, one of its cells changed.
fn parquet(column: &str, text: &str) -> Vec<u8> {
    let columns = COLUMNS.map(|(name, cell)| Column::plain(name, &[if name == column { text } else { cell }]));
    forge::file(&columns, 1, &Footer::default())
}

#[test]
fn text_that_is_written_oddly_is_taken_or_refused_whole() {
    let text = |id: &str| String::from_utf8(csv(&row(id))).expect("UTF-8");
    let latin1 = [&csv("")[..], b"r-l\xe9,a,vm,server,2026-01-05T00:00:00Z,2026-01-05T01:00:00Z,1\n"].concat();
    check(
        "odd",
        vec![
            ("a byte order mark", format!("\u{feff}{}", text("o-1")).into_bytes(), "1/0/0"),
            ("CRLF", text("o-2").replace('\n', "\r\n").into_bytes(), "1/0/0"),
            ("CR alone", text("o-3").replace('\n', "\r").into_bytes(), "malformed_csv"),
            ("UTF-16, little end first", utf16(&format!("\u{feff}{}", text("o-4")), u16::to_le_bytes), "invalid_encoding"),
            ("UTF-16, big end first", utf16(&format!("\u{feff}{}", text("o-5")), u16::to_be_bytes), "invalid_encoding"),
            ("UTF-16 without a mark", utf16(&text("o-6"), u16::to_le_bytes), "invalid_encoding"),
            ("Latin-1", latin1, "invalid_encoding"),
            ("a NUL", text("o\0-7").into_bytes(), "invalid_encoding"),
            ("no last line break", text("o-8").trim_end().as_bytes().to_vec(), "truncated"),
            ("cut in the middle of a number", text("o-8").trim_end().as_bytes()[..90].to_vec(), "truncated"),
            ("nothing", Vec::new(), "empty_file"),
            ("only a mark", b"\xef\xbb\xbf".to_vec(), "empty_file"),
            ("only line breaks", b"\n\r\n\n".to_vec(), "empty_file"),
            ("a header only", csv(""), "0/0/0"),
            ("a header without its line break", HEADER.as_bytes().to_vec(), "truncated"),
            ("a row too short and one too long", csv(&(row("o-9") + "o-10,a\n" + "o-11,a,,,,,,,\n")), "1/0/2 wrong_field_count"),
            ("a quote that never closes", csv(&(row("o-12") + "\"o-13,a,vm\n" + &row("o-14"))), "unclosed_quote"),
            ("text behind a quote", csv("\"o-15\"x,a,vm,server,,,\n"), "malformed_csv"),
            // One bit makes 6026 of 2026: 35 million hours that nobody needs to count.
            (
                "a year that is mistyped",
                csv(&(row("o-24").replacen("05T01", "05T02", 1) + &row("o-25").replace("2026-01-05T01", "6026-01-05T01"))),
                "1/0/1 in_the_future",
            ),
            ("use since ever", csv(&row("o-26").replacen("2026", "1970", 1)), "0/0/1 no_price"),
            ("semicolons", text("o-16").replace(',', ";").into_bytes(), "unknown_column"),
            ("packed twice", gzip(&gzip(&csv(&row("o-17")))), "unsupported_format"),
            ("packed twice, each in its way", zstandard(&gzip(&csv(&row("o-18")))), "unsupported_format"),
            ("a JSON array", b"[{\"record_id\":\"o-19\"}]\n".to_vec(), "unsupported_format"),
            ("NDJSON with a NUL", json("o\0-20", "a").into_bytes(), "invalid_encoding"),
            ("NDJSON with a bad line", (json("o-21", "a") + "{\"record_id\":\n").into_bytes(), "1/0/1 invalid_json_row"),
            ("NDJSON without its last line break", json("o-22", "a").trim_end().as_bytes().to_vec(), "truncated"),
            ("half a character, escaped", json("o-\\ud800", "a").into_bytes(), "0/0/1 invalid_json_row"),
            ("Parquet's name alone", b"PAR1PAR1".to_vec(), "corrupt"),
            (
                "Parquet without columns",
                forge::file(&[Column::plain("record_id", &["x"])], 1, &Footer::default()),
                "missing_column",
            ),
            ("Parquet with one row", parquet("record_id", "o-23"), "1/0/0"),
        ],
    );
}

#[test]
fn nothing_is_too_long_to_be_refused() {
    let long = "x".repeat(1_000_000);
    let wide: Vec<String> = (0..100_000).map(|number| format!("c{number}")).collect();
    let wide_columns: Vec<Column> = wide.iter().map(|name| Column::plain(name, &["x"])).collect();
    let ragged = format!("o-1{}\n", ",".repeat(100_000));
    let field = |mib: usize, quote: &str| csv(&row("o-2").replace("vm", &format!("{quote}{}{quote}", "v".repeat(mib * MIB))));
    let packed = [gzip(&csv("o-2,")), gzip(&vec![b'v'; 10 * MIB]).repeat(10), gzip(b",\n")].concat();
    let keys: Vec<String> = wide.iter().map(|name| format!("\"{name}\":1")).collect();
    let deep = "[".repeat(1_000_000);
    check(
        "long",
        vec![
            ("a field of 100 MB", field(100, ""), "record_too_long"),
            ("a long field in quotes", field(5, "\""), "record_too_long"),
            ("a field of 100 MB, packed", packed, "record_too_long"),
            ("a long line of NDJSON", json("o-3", &"v".repeat(5 * MIB)).into_bytes(), "record_too_long"),
            ("100,000 columns", format!("{}\n", wide.join(",")).into_bytes(), "unknown_column"),
            ("100,000 fields in a row", csv(&(ragged + &row("o-4"))), "1/0/1 wrong_field_count"),
            ("100,000 keys", format!("{{{}}}\n", keys.join(",")).into_bytes(), "unknown_column"),
            ("100,000 columns of Parquet", forge::file(&wide_columns, 1, &Footer::default()), "unknown_column"),
            (
                "a million brackets",
                format!("{}{{\"record_id\":{deep}\n", json("o-5", "a")).into_bytes(),
                "1/0/1 invalid_json_row",
            ),
            (
                "an id of a million characters",
                csv(&(row("o-6").replace(",a,", &format!(",{long},")) + &row("o-7"))),
                "1/0/1 field_too_long",
            ),
            ("the same in NDJSON", (json("o-8", &long) + &json("o-9", "a")).into_bytes(), "1/0/1 field_too_long"),
            ("the same in Parquet", parquet("account_id", &long), "0/0/1 field_too_long"),
            ("an id of 129 characters", csv(&row(&"x".repeat(129))), "0/0/1 invalid_id"),
        ],
    );
}

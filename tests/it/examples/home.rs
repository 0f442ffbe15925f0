//! A home driven through the binary: tables go in, tables must come out.
//!
//! A table is text: a header and rows, cells parted by `|`, no comments. `2023-03-10 08:45:30` is an instant at +08:00, the
//! zone of every home here. What a table leaves out is filled in: the account `acme`, ids that count up, a product named as
//! its sku, `pay_per_use`, a voucher that is valid throughout. In what comes out a decimal has no trailing zeros.

use crate::support::Bench;
use reckoner_core::number::Money;
use serde_json::Value;
use std::collections::BTreeMap;

/// When files are taken in: after everything that happens in the examples.
const TAKEN_AT: &str = "2030-01-01T00:00:00+08:00";

/// Why writing a table cannot fail.
const IN_MEMORY: &str = "a table in memory is rectangular text";

/// A home with the account `acme`, which pays from its balance.
pub struct Home {
    bench: Bench,
    files: u32,
    rows: u32,
}

/// The columns that a table may leave out; `#` counts up.
fn filled_in(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "accounts" => &[("name", "an account")],
        "prices" => &[("product", "=sku"), ("billing_mode", "pay_per_use")],
        "usage" => &[("record_id", "r#"), ("account_id", "acme"), ("resource_id", "res")],
        "discounts" => &[("discount_id", "d#"), ("account_id", "acme"), ("kind", "commercial")],
        "vouchers" => &[("account_id", "acme"), ("valid_from", "2015-01-01 00:00:00"), ("valid_to", "2030-01-01 00:00:00")],
        "funds" => &[("entry_id", "f#"), ("account_id", "acme"), ("kind", "top_up"), ("at", "2016-01-01 00:00:00")],
        other => panic!("no table {other}"),
    }
}

impl Home {
    /// With a profile that comes with the binary.
    pub fn new(profile: &str, currency: &str) -> Self {
        Self::init(Bench::new(), profile, currency)
    }

    /// With a profile of its own, put into the home before `init`.
    pub fn with_own_profile(knobs: &str, currency: &str) -> Self {
        let bench = Bench::new();
        std::fs::create_dir_all(bench.home().join("profiles")).expect("the folder takes folders");
        bench.write("reckoner-home/profiles/own.toml", knobs);
        Self::init(bench, "own", currency)
    }

    fn init(bench: Bench, profile: &str, currency: &str) -> Self {
        bench.line(&format!("init --profile {profile} --zone +08:00 --currency {currency}")).expect_exit(0);
        let mut home = Self { bench, files: 0, rows: 0 };
        home.takes("accounts", "account_id\n acme");
        home
    }

    /// `ingest` of one file with these rows; every row must be accepted.
    #[track_caller]
    pub fn takes(&mut self, kind: &str, table: &str) {
        let csv = self.csv_of(kind, table);
        self.files += 1;
        let name = format!("{kind}-{}.csv", self.files);
        self.bench.write(&name, &csv);
        let said = self.bench.line(&format!("ingest {name} --as-of {TAKEN_AT} --json")).expect_exit(0).json();
        assert_eq!(said["accepted"], said["rows"], "{csv}\n{said}");
    }

    /// More accounts like `acme`.
    #[track_caller]
    pub fn takes_accounts(&mut self, account_ids: impl IntoIterator<Item = impl AsRef<str>>) {
        let rows = account_ids.into_iter().map(|id| format!("\n{}", id.as_ref())).collect::<String>();
        self.takes("accounts", &format!("account_id{rows}"));
    }

    fn csv_of(&mut self, kind: &str, table: &str) -> String {
        let (mut columns, rows) = cells_of(table);
        let left_out: Vec<_> = filled_in(kind).iter().filter(|(name, _)| !columns.iter().any(|column| column == name)).collect();
        let sku_at = columns.iter().position(|column| column == "sku");
        columns.extend(left_out.iter().map(|(name, _)| (*name).to_owned()));
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&columns).expect(IN_MEMORY);
        for mut row in rows {
            self.rows += 1;
            for (_, value) in &left_out {
                row.push(match *value {
                    "=sku" => row[sku_at.expect("a price has a sku")].clone(),
                    value => value.replace('#', &self.rows.to_string()),
                });
            }
            writer.write_record(row.iter().map(|cell| instant_in(cell))).expect(IN_MEMORY);
        }
        String::from_utf8(writer.into_inner().expect(IN_MEMORY)).expect(IN_MEMORY)
    }

    /// `catch-up` with the clock at this instant; hands back what it says as JSON.
    #[track_caller]
    pub fn catches_up(&self, until: &str) -> Value {
        self.bench.line(&format!("catch-up --as-of {} --json", instant_in(until))).expect_exit(0).json()
    }

    /// `run hourly` with the clock at this instant.
    #[track_caller]
    pub fn runs_hourly(&self, at: &str) -> Value {
        self.bench.line(&format!("run hourly --as-of {} --json", instant_in(at))).expect_exit(0).json()
    }

    /// The rows of an exported table, in its order.
    #[track_caller]
    pub fn export(&self, table: &str) -> Vec<BTreeMap<String, String>> {
        let csv = self.bench.line(&format!("export {table}")).expect_exit(0).out;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let columns = reader.headers().expect("an export is CSV").clone();
        let row = |record: csv::StringRecord| {
            columns.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell_out(cell))).collect()
        };
        reader.records().map(|record| row(record.expect("an export is CSV"))).collect()
    }

    /// Checks an export: the header says which columns, the rows all rows in order.
    #[track_caller]
    pub fn check(&self, table: &str, expected: &str) {
        let (columns, expected) = cells_of(expected);
        let found = self.export(table);
        let cell = |row: &BTreeMap<String, String>, column: &String| {
            row.get(column).unwrap_or_else(|| panic!("{table} has no column {column}")).clone()
        };
        let found: Vec<Vec<String>> = found.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect();
        assert_eq!(as_text(&found), as_text(&expected), "{table}: {}", columns.join(" | "));
    }

    /// Checks what is due in all by the value of one column of `charges`.
    #[track_caller]
    pub fn check_due(&self, by: &str, expected: &[(&str, &str)]) {
        let mut found: BTreeMap<String, Money> = BTreeMap::new();
        for charge in self.export("charges") {
            *found.entry(charge[by].clone()).or_default() += money(&charge["due_amount"]);
        }
        let expected = expected.iter().map(|(key, due)| ((*key).to_owned(), money(due))).collect();
        assert_eq!(found, expected, "due by {by}");
    }

    /// What is due of all charges together.
    #[track_caller]
    pub fn due(&self) -> Money {
        self.export("charges").iter().map(|charge| money(&charge["due_amount"])).sum()
    }
}

/// An amount with a sign.
pub fn money(text: &str) -> Money {
    Money::parse_signed(text).expect("a plain decimal")
}

fn cells_of(table: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let columns = cells(lines.next().expect("a table has a header"));
    let rows: Vec<Vec<String>> = lines.map(cells).collect();
    assert!(rows.iter().all(|row| row.len() == columns.len()), "as many cells as columns: {table}");
    (columns, rows)
}

/// Rows as lines, so that a failed check is readable.
fn as_text(rows: &[Vec<String>]) -> Vec<String> {
    rows.iter().map(|row| row.join(" | ")).collect()
}

/// `2023-03-10 08:45:30` as the contract wants it; anything else as it is.
fn instant_in(cell: &str) -> String {
    match cell.len() == 19 && cell.as_bytes()[10] == b' ' {
        true => format!("{}+08:00", cell.replace(' ', "T")),
        false => cell.to_owned(),
    }
}

fn cell_out(cell: &str) -> String {
    if let Some(local) = cell.strip_suffix("+08:00").filter(|local| local.len() == 19) {
        return local.replace('T', " ");
    }
    let is_decimal = cell.contains('.') && cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    match is_decimal {
        true => cell.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => cell.to_owned(),
    }
}

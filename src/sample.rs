//! `sample`: generated input of any size, the same bytes for the same arguments on every machine.
//!
//! Every row is a function of its number: nothing is held, and any row can be said again, which is how repeated deliveries
//! are made. Integers only. Prices and accounts name no currency, so that the input fits any home.

use crate::failure::Failure;
use crate::files::{FileError, cannot, create_folders, publish, publish_bytes};
use reckoner_core::time::Instant;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

const SKUS: u64 = 40;
const RESOURCES_PER_ACCOUNT: u64 = 20;
/// One row in this many is an earlier one, delivered again.
const REPEAT_EVERY: u64 = 200;
/// How far back a repeated row may lie.
const REPEAT_REACH: u64 = 1_000;
const RECORD_SECONDS_MAX: u64 = 5_400;
const HEADER: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,region\n";
const REGIONS: [&str; 4] = ["cn-north-4", "cn-east-3", "ap-southeast-3", "eu-west-101"];

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplePlan {
    /// Usage rows, repeated ones included.
    pub rows: u64,
    /// Resources that the rows are spread over; 20 an account.
    pub resources: u64,
    /// First instant of use.
    pub start: Instant,
    /// Hours that the rows are spread over.
    pub hours: u32,
    /// Rows in one usage file.
    pub rows_per_file: u64,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SampleReceipt {
    /// Usage rows.
    pub rows: u64,
    /// Rows among them that repeat an earlier one.
    pub repeated: u64,
    /// Accounts.
    pub accounts: u64,
    /// Prices.
    pub prices: u64,
    /// Length of all files.
    pub bytes: u64,
    /// Their names.
    pub files: Vec<String>,
}

/// Writes the sample into a folder, which is made if it is missing. Files of the same names are replaced.
///
/// # Errors
/// Exit 1 when the folder cannot be written.
pub fn write(plan: &SamplePlan, folder: &Path) -> Result<SampleReceipt, Failure> {
    create_folders(folder)?;
    let mut receipt = SampleReceipt { accounts: plan.accounts(), prices: SKUS, rows: plan.rows, ..SampleReceipt::default() };
    let mut note = |name: &str, bytes: usize| {
        receipt.files.push(name.to_owned());
        receipt.bytes += bytes as u64;
    };

    let (accounts, prices) = (plan.accounts_csv(), prices_csv());
    publish_bytes(&folder.join("accounts.csv"), accounts.as_bytes())?;
    note("accounts.csv", accounts.len());
    publish_bytes(&folder.join("prices.csv"), prices.as_bytes())?;
    note("prices.csv", prices.len());

    for part in 0..plan.rows.div_ceil(plan.rows_per_file) {
        let name = format!("usage-{:04}.csv", part + 1);
        let first = part * plan.rows_per_file;
        let bytes = plan.write_usage(&folder.join(&name), first..plan.rows.min(first + plan.rows_per_file))?;
        note(&name, bytes);
    }
    receipt.repeated = plan.rows / REPEAT_EVERY;
    Ok(receipt)
}

impl SamplePlan {
    fn accounts(&self) -> u64 {
        self.resources.div_ceil(RESOURCES_PER_ACCOUNT)
    }

    /// Three accounts in four pay from a balance with ample credit, the fourth is collected outside.
    fn accounts_csv(&self) -> String {
        let mut text = String::from("account_id,name,credit_limit,payment_method\n");
        for account in 0..self.accounts() {
            let (limit, method) = if account % 4 == 3 { (0, "external") } else { (1_000_000, "balance") };
            let _ = writeln!(text, "acct-{account},Sample account {account},{limit},{method}");
        }
        text
    }

    fn write_usage(&self, path: &Path, rows: std::ops::Range<u64>) -> Result<usize, FileError> {
        publish(path, |out| {
            out.write_all(HEADER.as_bytes()).map_err(cannot("write", path))?;
            let mut bytes = HEADER.len();
            let mut line = String::new();
            for row in rows {
                line.clear();
                self.push_line(&mut line, original_of(row));
                out.write_all(line.as_bytes()).map_err(cannot("write", path))?;
                bytes += line.len();
            }
            Ok(bytes)
        })
    }

    /// One record. Starts rise evenly over the hours; whole seconds, at least one.
    fn push_line(&self, line: &mut String, row: u64) {
        let span = u64::from(self.hours) * 3_600;
        let began = u64::try_from(u128::from(row) * u128::from(span) / u128::from(self.rows)).expect("a share of the span");
        let chance = Chance::of_row(row);
        let seconds = (1 + chance.below(1, RECORD_SECONDS_MAX)).min(span - began);
        let resource = chance.below(2, self.resources);
        let sku = resource % SKUS;

        let started_at = self.start.plus_seconds(began as i64);
        let ended_at = started_at.plus_seconds(seconds as i64);
        let _ = write!(line, "rec-{row:012},acct-{},r-{resource:08},sku-{sku:02},", resource / RESOURCES_PER_ACCOUNT);
        let _ = write!(line, "{},{},", started_at.to_utc_text(), ended_at.to_utc_text());
        let _ = match unit(sku) {
            "hour" => write!(line, "{}", 1 + chance.below(3, 8)),
            _ => write!(line, "{}.{:03}", chance.below(3, 50), chance.below(4, 1_000)),
        };
        let _ = writeln!(line, ",{}", REGIONS[(resource % REGIONS.len() as u64) as usize]);
    }
}

/// The row that stands in this place: itself, or an earlier one delivered again.
fn original_of(row: u64) -> u64 {
    if row % REPEAT_EVERY != REPEAT_EVERY - 1 {
        return row;
    }
    let back = 1 + Chance::of_row(row).below(5, row.min(REPEAT_REACH));
    let earlier = row - back;
    // A repeated row is no original: take the one before it.
    if earlier % REPEAT_EVERY == REPEAT_EVERY - 1 { earlier - 1 } else { earlier }
}

/// Nine skus in ten are held for a time, the tenth is an amount.
fn unit(sku: u64) -> &'static str {
    match sku % 10 {
        9 => "GB",
        _ => "hour",
    }
}

fn prices_csv() -> String {
    let mut text = String::from("sku,product,billing_mode,unit,unit_price,description\n");
    for sku in 0..SKUS {
        let price_e4 = (sku + 1) * 113;
        let (whole, fraction, product) = (price_e4 / 10_000, price_e4 % 10_000, sku / 10);
        let unit = unit(sku);
        let _ = writeln!(text, "sku-{sku:02},product-{product},pay_per_use,{unit},{whole}.{fraction:04},Sample sku {sku}");
    }
    text
}

/// Numbers that look like chance and are a function of the row (splitmix64).
#[derive(Debug, Clone, Copy)]
struct Chance(u64);

impl Chance {
    const SEED: u64 = 0x7265_636b_6f6e_6572; // "reckoner"

    fn of_row(row: u64) -> Self {
        Self(Self::mixed(row ^ Self::SEED))
    }

    /// A number below `bound` (above 0), another for each `purpose`.
    fn below(self, purpose: u64, bound: u64) -> u64 {
        Self::mixed(self.0.wrapping_add(purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))) % bound
    }

    fn mixed(value: u64) -> u64 {
        let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rows: u64) -> SamplePlan {
        SamplePlan { rows, resources: 25, start: Instant::from_seconds(1_767_571_200), hours: 24, rows_per_file: 400 }
    }

    #[test]
    fn the_same_arguments_give_the_same_bytes() {
        let read = |folder: &Path, name: &str| std::fs::read(folder.join(name)).unwrap();
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let receipt = write(&plan(1_000), one.path()).unwrap();
        assert_eq!(receipt, write(&plan(1_000), two.path()).unwrap());
        assert_eq!(receipt.files, ["accounts.csv", "prices.csv", "usage-0001.csv", "usage-0002.csv", "usage-0003.csv"]);
        assert_eq!((receipt.accounts, receipt.prices, receipt.repeated), (2, 40, 5));
        for name in &receipt.files {
            assert_eq!(read(one.path(), name), read(two.path(), name), "{name}");
        }
        // Golden: whoever compares two versions on generated input must know that the input is the same.
        let first = String::from_utf8(read(one.path(), "usage-0001.csv")).unwrap();
        assert_eq!(first.lines().nth(1), Some(GOLDEN_FIRST_ROW));
    }

    const GOLDEN_FIRST_ROW: &str =
        "rec-000000000000,acct-1,r-00000021,sku-21,2026-01-05T00:00:00Z,2026-01-05T01:10:07Z,5,cn-east-3";

    #[test]
    fn every_row_is_usage_of_the_span_and_some_come_twice() {
        let plan = plan(1_000);
        let mut seen = std::collections::BTreeMap::new();
        let mut repeated = 0;
        for row in 0..plan.rows {
            let mut line = String::new();
            plan.push_line(&mut line, original_of(row));
            let cells: Vec<&str> = line.trim_end().split(',').collect();
            let (started_at, ended_at) = (Instant::parse(cells[4]).unwrap(), Instant::parse(cells[5]).unwrap());
            assert!(plan.start <= started_at && started_at < ended_at, "{line}");
            assert!(ended_at <= plan.start.plus_seconds(86_400), "{line}");
            repeated += usize::from(seen.insert(cells[0].to_owned(), line.clone()).is_some_and(|before| before == line));
        }
        assert_eq!((seen.len(), repeated), (995, 5));
    }
}

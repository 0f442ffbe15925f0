//! Bytes that are damaged, odd or hostile, through the binary: each file is refused whole or row by row with its reason, the
//! files beside it are taken, memory stays bounded, and nothing ends the process.
//!
//! | file | what it delivers |
//! |---|---|
//! | `odd` | what editors, spreadsheets and broken scripts write |
//! | `damaged` | files of every format cut short, and a thousand flipped bits of each |
//! | `bombs` | little that unpacks to much: gzip, Zstandard, Parquet that tells the truth about it |
//! | `lies` | Parquet whose footer or page headers lie |
//! | `special` | folders, pipes, devices and links in place of files |

mod bombs;
mod damaged;
mod forge;
mod lies;
mod odd;
mod special;

use crate::support::{Bench, Said};
use serde_json::Value;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The clock of every command here.
const NOW: &str = "2026-01-20T12:00:00+08:00";
/// Resident memory of a command and of what it starts, taken together.
const MEMORY_BYTES_MAX: u64 = 512 << 20;

const HEADER: &str = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity";
/// The required columns of usage, with cells of a good row but for its id.
const COLUMNS: [(&str, &str); 6] = [
    ("record_id", "r"),
    ("account_id", "a"),
    ("resource_id", "vm"),
    ("sku", "server"),
    ("started_at", "2026-01-05T00:00:00Z"),
    ("ended_at", "2026-01-05T01:00:00Z"),
];

/// A home that knows an account and a price.
fn home() -> Bench {
    let bench = Bench::with_home();
    bench.write("accounts.csv", "account_id,name\na,Ana\n");
    bench.write(
        "prices.csv",
        "sku,product,billing_mode,unit,unit_price,valid_from\nserver,compute,pay_per_use,hour,0.36,2026-01-01T00:00:00+08:00\n",
    );
    bench.run(["ingest", "--as-of", NOW, "accounts.csv", "prices.csv"]).expect_exit(0);
    bench
}

/// A good row under an id.
fn row(id: &str) -> String {
    format!("{id},a,vm,server,2026-01-05T00:00:00Z,2026-01-05T01:00:00Z,1\n")
}

fn csv(rows: &str) -> Vec<u8> {
    format!("{HEADER}\n{rows}").into_bytes()
}

/// What came of one file: the code where it is refused whole; otherwise `accepted/duplicates/refused`, and the codes of its
/// refused rows, each once.
fn outcome(file: &Value) -> String {
    let reasons = || file["refusals"].as_array().into_iter().flatten().filter_map(|refusal| refusal["reason"].as_str());
    if file["refused_whole"].is_string() {
        return reasons().next().unwrap_or("known").to_owned();
    }
    let count = |name: &str| file[name].as_u64().unwrap_or_else(|| panic!("{name}: {file}"));
    let counts = ["accepted", "duplicates", "refused"].map(count);
    assert_eq!(count("rows"), counts.iter().sum::<u64>(), "nothing is lost: {file}");
    let mut reasons: Vec<&str> = reasons().collect();
    reasons.dedup();
    [&[counts.map(|count| count.to_string()).join("/")], &reasons.iter().map(ToString::to_string).collect::<Vec<_>>()[..]]
        .concat()
        .join(" ")
}

/// Delivers files of usage in one command, a good one behind them, and hands back what came of each.
#[track_caller]
fn deliver(bench: &Bench, name: &str, files: &[Vec<u8>]) -> Vec<Value> {
    let names: Vec<String> = (0..files.len()).map(|number| format!("usage-{name}-{number}")).collect();
    for (name, bytes) in names.iter().zip(files) {
        std::fs::write(bench.path(name), bytes).expect("the folder takes files");
    }
    let good = format!("usage-{name}-good.csv");
    bench.write(&good, &format!("{HEADER}\n{}", row(&format!("{name}-good"))));

    let names = names.iter().chain([&good]).map(String::as_str);
    let (said, peak_bytes) = watched(bench, ["ingest", "--json", "--as-of", NOW].into_iter().chain(names.clone()));
    for name in names.clone() {
        std::fs::remove_file(bench.path(name)).expect("it was written");
    }
    assert!(said.exit == 0 || said.exit == 2, "exit {}\n{}", said.exit, said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    assert!(peak_bytes <= MEMORY_BYTES_MAX, "{name}: {} MiB", peak_bytes >> 20);
    let document = said.json();
    let mut taken = document["files"].as_array().expect("files").clone();
    assert_eq!(taken.len(), files.len() + 1);
    assert_eq!(outcome(&taken.pop().expect("the last")), "1/0/0", "the good file behind them is taken");
    taken
}

/// Delivers files, one for each line of a table, and holds what came of them against it.
#[track_caller]
fn check(name: &str, cases: Vec<(&str, Vec<u8>, &str)>) {
    let bench = home();
    let (said, bytes): (Vec<_>, Vec<_>) = cases.into_iter().map(|(what, bytes, expected)| ((what, expected), bytes)).unzip();
    let taken = deliver(&bench, name, &bytes);
    let wrong: Vec<String> = said
        .iter()
        .zip(&taken)
        .filter(|((_, expected), file)| outcome(file) != *expected)
        .map(|((what, expected), file)| format!("{what}: expected `{expected}`, saw `{}`: {file}", outcome(file)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    all_is_well(&bench);
}

/// What is accepted settles, and the books are in order down to the delivered bytes.
#[track_caller]
fn all_is_well(bench: &Bench) {
    bench.run(["catch-up", "--as-of", NOW]).expect_exit(0);
    bench.run(["verify", "--full", "--as-of", NOW]).expect_exit(0);
}

/// Runs the binary and hands back the resident memory that it and what it started took at most, in bytes; 0 where the
/// system does not tell.
fn watched<'a>(bench: &Bench, args: impl IntoIterator<Item = &'a str>) -> (Said, u64) {
    let mut command = bench.command();
    let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let (process, is_over) = (child.id(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut own, mut started) = (0, 0);
            while !is_over.load(Ordering::Relaxed) {
                own = peak_bytes(process).max(own);
                started = children(process).into_iter().map(peak_bytes).max().unwrap_or(0).max(started);
                std::thread::sleep(Duration::from_millis(2));
            }
            own + started
        });
        let said = ended(child);
        is_over.store(true, Ordering::Relaxed);
        (said, watch.join().expect("it only reads"))
    })
}

/// A signal is an exit code that no command has.
fn ended(child: Child) -> Said {
    Said::of(child.wait_with_output().expect("it was started here"))
}

fn peak_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    peak.unwrap_or(0) * 1024
}

fn children(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.include_checksum(true).expect("it can");
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

//! A life in days: each file of this folder is a subscription's whole story, told day by day and held to the binary.
//!
//! ```text
//! # what the story shows
//! profile ksyun                    the profile; then zone and currency if they are not +08:00 and CNY
//! knob voucher_order = "..."       turns a knob of the profile
//! price sku=… product=… …          a row of `prices`; likewise product, account, voucher, discount
//! 2026-01-05T10:00:00              a moment, in the zone: everything below it is delivered then
//!   order o1 purchase …            a row of `orders`, placed at that moment; likewise funds, usage
//!   approve o1 ben                 a person lets the refund of an order come back, after everything up to that moment
//! 2026-02-05T00:00:00 =>           what is then the case, after everything up to that moment was carried out
//!   i-1 active auto 2026-03-06     a resource: status, renewal, the first day that is no longer covered
//!   o1 done 100.00                 an order: status, amount, or the code of its refusal; `pending approval` where that waits
//!   balance 100.00                 the account's cash; likewise outstanding, account (its status)
//!   voucher v1 used                a voucher: its status
//! ```
//!
//! Lines above the first moment are delivered before everything. The account is `acme`. Which stories there are, by what was
//! bought and what goes wrong, is in `README.md` here.

use crate::support::Bench;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a story delivers at one moment, and what it expects.
#[derive(Default)]
struct Moment {
    at: String,
    rows: Vec<(String, String)>,
    /// Order and person.
    approvals: Vec<(String, String)>,
    expected: Vec<String>,
}

struct Story {
    profile: String,
    zone: String,
    knobs: Vec<String>,
    moments: Vec<Moment>,
}

impl Story {
    fn read(text: &str) -> Self {
        let mut story = Self {
            profile: "huawei-intl".to_owned(),
            zone: "+08:00".to_owned(),
            knobs: Vec::new(),
            moments: vec![Moment::default()],
        };
        for line in text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let moment = story.moments.last_mut().expect("there is one");
            match word {
                "profile" => story.profile = rest.to_owned(),
                "zone" => story.zone = rest.to_owned(),
                "knob" => story.knobs.push(rest.to_owned()),
                // What is the case about an account or a voucher has no cells.
                "account" | "voucher" if !rest.contains('=') => moment.expected.push(line.to_owned()),
                "price" | "product" | "account" | "voucher" | "discount" | "order" | "funds" | "usage" => {
                    moment.rows.push((word.to_owned(), rest.to_owned()));
                }
                "approve" => {
                    let (order_id, person) = rest.split_once(' ').expect("an order and a person");
                    moment.approvals.push((order_id.to_owned(), person.to_owned()));
                }
                _ if word.len() == 19 && word.as_bytes()[10] == b'T' => {
                    story.moments.push(Moment { at: word.to_owned(), ..Moment::default() });
                }
                _ => moment.expected.push(line.to_owned()),
            }
        }
        story
    }

    /// `2026-01-05T10:00:00` with the zone's offset, as the binary reads it.
    fn instant(&self, at: &str) -> String {
        match self.zone.as_str() {
            _ if at.is_empty() => String::new(),
            zone if zone.starts_with(['+', '-']) => format!("{at}{zone}"),
            // Stories in named zones say the offset themselves where it matters; here midnight is a date.
            _ => at.trim_end_matches("T00:00:00").to_owned(),
        }
    }
}

/// One row as a CSV file: `o1 purchase resource_id=i-1 …` of orders, `column=value` of others.
fn csv_of(kind: &str, rest: &str, at: &str) -> String {
    let mut cells: Vec<(String, String)> = Vec::new();
    let mut words = rest.split_whitespace().peekable();
    let mut named = |columns: &[&str], cells: &mut Vec<(String, String)>| {
        for column in columns {
            if words.peek().is_some_and(|word| !word.contains('=')) {
                cells.push(((*column).to_owned(), words.next().unwrap_or_default().to_owned()));
            }
        }
    };
    match kind {
        "order" => {
            named(&["order_id", "kind", "resource_id"], &mut cells);
            cells.push(("account_id".to_owned(), "acme".to_owned()));
            cells.push(("placed_at".to_owned(), at.to_owned()));
        }
        "funds" => {
            named(&["entry_id", "kind", "amount"], &mut cells);
            cells.push(("account_id".to_owned(), "acme".to_owned()));
            cells.push(("at".to_owned(), at.to_owned()));
        }
        "usage" => {
            named(&["record_id", "resource_id"], &mut cells);
            cells.push(("account_id".to_owned(), "acme".to_owned()));
        }
        "voucher" => cells.push(("account_id".to_owned(), "acme".to_owned())),
        _ => {}
    }
    for word in words {
        let (column, value) = word.split_once('=').unwrap_or_else(|| panic!("{kind} {rest}: `{word}` is no column=value"));
        cells.retain(|(known, _)| known != column);
        cells.push((column.to_owned(), value.to_owned()));
    }
    let (columns, values): (Vec<String>, Vec<String>) = cells.into_iter().unzip();
    format!("{}\n{}\n", columns.join(","), values.join(","))
}

type Table = BTreeMap<String, BTreeMap<String, String>>;

/// What the home exports at one moment; each table is asked for once.
struct Exported<'a> {
    bench: &'a Bench,
    clock: &'a str,
    tables: BTreeMap<&'static str, Table>,
}

impl<'a> Exported<'a> {
    fn at(bench: &'a Bench, clock: &'a str) -> Self {
        Self { bench, clock, tables: BTreeMap::new() }
    }

    fn table(&mut self, name: &'static str) -> &Table {
        self.tables.entry(name).or_insert_with(|| table(self.bench, self.clock, name))
    }

    /// What is the case about the thing that an expectation names.
    fn seen(&mut self, expected: &str) -> String {
        let name = expected.split_whitespace().next().unwrap_or_default();
        match name {
            "balance" | "outstanding" => format!("{name} {}", amount(&self.table("accounts")["acme"][name])),
            "account" => format!("account {}", self.table("accounts")["acme"]["status"]),
            "voucher" => {
                let voucher_id = expected.split_whitespace().nth(1).unwrap_or_default();
                format!("voucher {voucher_id} {}", self.table("vouchers")[voucher_id]["status"])
            }
            _ => {
                if let Some(resource) = self.table("subscriptions").get(name) {
                    let expires = resource["expires_at"].split("T00:00:00").next().unwrap_or_default();
                    let expires = if expires.is_empty() { "-" } else { expires };
                    let words = expected.split_whitespace().count();
                    let all = format!("{name} {} {} {expires} {}", resource["status"], resource["renewal"], resource["function"]);
                    return all.split_whitespace().take(words).collect::<Vec<_>>().join(" ");
                }
                let Some(order) = self.table("orders").get(name) else { return format!("{name} is not there") };
                match order["status"].as_str() {
                    "done" if order["amount"].is_empty() => format!("{name} done"),
                    "done" => format!("{name} done {}", amount(&order["amount"])),
                    "refused" => format!("{name} {}", order["refusal"].split(':').next().unwrap_or_default()),
                    status => {
                        let waits_for = order["waits_for"].split(':').next().unwrap_or_default();
                        format!("{name} {status} {waits_for}").trim_end().to_owned()
                    }
                }
            }
        }
    }
}

fn table(bench: &Bench, clock: &str, name: &str) -> Table {
    let said = bench.run(["--as-of", clock, "export", name]).expect_exit(0);
    let mut reader = csv::Reader::from_reader(said.out.as_bytes());
    let columns = reader.headers().expect("a header").clone();
    let row = |record: csv::StringRecord| {
        let cells = columns.iter().zip(&record).map(|(column, cell)| (column.to_owned(), cell.to_owned()));
        (record[0].to_owned(), cells.collect())
    };
    reader.records().map(|record| row(record.expect("a record"))).collect()
}

/// An amount with two digits after the point.
fn amount(text: &str) -> String {
    text.strip_suffix("000000").unwrap_or(text).to_owned()
}

fn tell(name: &str, text: &str) {
    let story = Story::read(text);
    let bench = Bench::new();
    let zone = &story.zone;
    bench.line(&format!("init --profile {} --zone {zone} --currency CNY", story.profile)).expect_exit(0);
    if !story.knobs.is_empty() {
        let path = format!("reckoner-home/profiles/{}.toml", story.profile);
        let base = format!("base = \"{}\"\n", story.profile);
        // A profile of the home's own, on top of the one that the story names.
        bench.write("reckoner-home/profiles/story.toml", &(base + &story.knobs.join("\n") + "\n"));
        let settings = bench.read("reckoner-home/reckoner.toml");
        let own = settings.replace(&format!("profile = \"{}\"", story.profile), "profile = \"story\"");
        assert_ne!(own, settings, "{path} is in force");
        bench.write("reckoner-home/reckoner.toml", &own);
    }
    let mut known_account = false;
    let mut number = 0;
    for moment in &story.moments {
        let at = story.instant(&moment.at);
        let clock = if at.is_empty() { "2026-01-01T00:00:00Z".to_owned() } else { at.clone() };
        let mut files: Vec<String> = Vec::new();
        if !known_account {
            let own = moment.rows.iter().find(|(kind, _)| kind == "account").map_or("", |(_, rest)| rest.as_str());
            bench.write("accounts-0.csv", &csv_of("account", &format!("account_id=acme name=Acme {own}"), ""));
            files.push("accounts-0.csv".to_owned());
            known_account = true;
        }
        for (kind, rest) in moment.rows.iter().filter(|(kind, _)| kind != "account") {
            number += 1;
            let stem = if ["funds", "usage"].contains(&kind.as_str()) { kind.clone() } else { format!("{kind}s") };
            let file = format!("{stem}-{number}.csv");
            bench.write(&file, &csv_of(kind, rest, &clock));
            files.push(file);
        }
        if !files.is_empty() {
            let ingest = ["ingest"].into_iter().chain(files.iter().map(String::as_str)).chain(["--as-of", &clock]);
            bench.run(ingest).expect_exit(0);
        }
        if at.is_empty() {
            continue;
        }
        bench.run(["catch-up", "--as-of", &clock]).expect_exit(0);
        for (order_id, person) in &moment.approvals {
            bench.run(["orders", "approve", order_id, "--actor", person, "--as-of", &clock]).expect_exit(0);
        }
        let mut exported = Exported::at(&bench, &clock);
        let found: Vec<String> = moment.expected.iter().map(|expected| exported.seen(expected)).collect();
        assert_eq!(found, moment.expected, "{name} at {at}");
    }
    bench.line("verify").expect_exit(0);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scenarios")
}

fn stories() -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder()).expect("the stories").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// What is wrong with the tables of `README.md`: cells that are empty or name what is not there, stories in no table.
fn faults(readme: &str, stories: &BTreeSet<String>) -> Vec<String> {
    let reasons: BTreeSet<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(' ')).map(|(letter, _)| letter).collect();
    let mut faults = Vec::new();
    let (mut named, mut given) = (BTreeSet::new(), BTreeSet::new());
    let mut columns = Vec::new();
    for line in readme.lines() {
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            columns.clear();
            continue;
        };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        if columns.is_empty() {
            columns = cells;
            continue;
        }
        if cells[0].starts_with('-') {
            continue;
        }
        // The matrix has its stories in the cells, the list beside it in the first one.
        let is_matrix = columns[0].is_empty();
        let told = if is_matrix { &cells[1..] } else { &cells[..1] };
        if cells.len() != columns.len() {
            faults.push(format!("{}: {} cells under {} headings", cells[0], cells.len(), columns.len()));
        }
        for (cell, column) in told.iter().zip(&columns[usize::from(is_matrix)..]) {
            if cell.is_empty() {
                faults.push(format!("{}, {column}: the cell is empty", cells[0]));
            }
            for word in cell.split_whitespace() {
                match word.strip_prefix('`').and_then(|word| word.strip_suffix('`')) {
                    Some(story) if stories.contains(story) => drop(named.insert(story.to_owned())),
                    None if reasons.contains(word) => drop(given.insert(word)),
                    _ => faults.push(format!("{}, {column}: {word} is neither a story nor a reason", cells[0])),
                }
            }
        }
    }
    faults.extend(stories.difference(&named).map(|story| format!("`{story}` is in no table")));
    faults.extend(reasons.difference(&given).map(|reason| format!("{reason} is the reason of no cell")));
    faults
}

#[test]
fn the_matrix_names_every_story_and_every_cell_has_one() {
    let readme = std::fs::read_to_string(folder().join("README.md")).expect("the matrix");
    let there: BTreeSet<String> = stories().iter().map(|path| name_of(path)).collect();
    assert_eq!(faults(&readme, &there), Vec::<String>::new());
    let rows = readme.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 7).count();
    assert_eq!(rows, 1 + 11, "the heading, and eleven things that go wrong");

    // What is changed | what is said
    let cases = [
        ("`manual_short`", "", "money is short, subscription, `manual`: the cell is empty"),
        ("`manual_short`", "`manual_shrot`", "`manual_shrot` is neither a story nor a reason"),
        ("| (b) |", "| (z) |", "(z) is neither a story nor a reason"),
        ("| (b) |", "| (a) |", "(b) is the reason of no cell"),
        ("| `align` | a unified", "| `paris` | a unified", "`align` is in no table"),
        ("| arrears | `arrears_stop_orders` |", "| arrears |", "7 cells under 8 headings"),
    ];
    for (from, to, expected) in cases {
        let changed = readme.replacen(from, to, 1);
        assert_ne!(changed, readme, "{from} is there");
        let faults = faults(&changed, &there);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:#?}");
    }
}

#[test]
fn every_story_comes_out_as_told() {
    let paths = stories();
    assert!(paths.len() >= 40, "the stories are there");
    // Stories do not touch each other: each is told on its own, and all that come out otherwise are named.
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let others = std::sync::Mutex::new(Vec::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let text = std::fs::read_to_string(path).expect("a story");
                    let name = name_of(path);
                    if std::panic::catch_unwind(|| tell(&name, &text)).is_err() {
                        others.lock().expect("nobody panics with it").push(name);
                    }
                }
            });
        }
    });
    assert_eq!(others.into_inner().expect("nobody panics with it"), Vec::<String>::new(), "stories that came out otherwise");
}

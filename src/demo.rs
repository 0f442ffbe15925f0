//! `demo`: the sample month through the same steps that a user takes, and what a person wants to see of it.
//!
//! The month comes with the binary, so that the demo needs no checkout. Its clock stands at the month's end.

use crate::app::Caller;
use crate::books::Books;
use crate::cli::Answer;
use crate::cli::work::{ingest_text, settlement_sheet};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::files::{create_folders, publish_bytes};
use crate::home::{self, Home, InitWish};
use crate::ingest::{self, Receipt as IngestReceipt};
use crate::report::export::{self, Selection};
use crate::report::progress::Progress;
use crate::report::terminal::{Align, Sheet, grouped};
use crate::report::{Format, Rendering, write_file};
use crate::settle::{self, Receipt as SettleReceipt, Wish};
use reckoner_core::number::Money;
use reckoner_core::rate::Charge;
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{ChargeFilter, read_charges};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The month's end, 2026-02-02T00:00:00+08:00: late files of January have arrived by then.
const AS_OF: Instant = Instant::from_seconds(1_769_961_600);

macro_rules! sample_files {
    ($($name:literal),+ $(,)?) => {
        /// The sample month's files in the order of delivery.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../sample_data/", $name)))),+];
    };
}

sample_files!(
    "accounts-2026-01.csv",
    "products-2026-01.csv",
    "prices-2026-01.csv",
    "prices-2026-01_revised.csv",
    "discounts-2026-01.csv",
    "vouchers-2026-01.csv",
    "funds-2026-01.csv",
    "usage-2026-01-02T09.csv",
    "usage-2026-01-05T13.csv",
    "usage-2026-01-06T09.csv",
    "usage-2026-01-12T08.csv",
    "usage-2026-01-16T09.csv",
    "usage-2026-01-24T20.csv",
    "usage-2026-02-01T02.csv",
    "usage-2026-02-01T09.csv",
);

/// Runs the demo in the home that `--home` names, or in a fresh temporary one, which stays for a look around.
///
/// # Errors
/// Exit 2 when `--home` names a home that holds something already; exit 1 when a file cannot be written.
pub fn demo(caller: &Caller) -> Result<Answer, Failure> {
    let root = match &caller.home_given {
        Some(root) => root.clone(),
        None => fresh_folder()?,
    };
    let caller = Caller { home_given: Some(root.clone()), ..caller.clone() };
    refuse_used(&root)?;
    home::init(root.clone(), &InitWish::default(), &caller.holder(), caller.wait, Clock::Pinned(AS_OF))?;
    let mut session = caller.write()?;
    session.clock = Clock::Pinned(AS_OF);
    let mut books = Books::open(session)?;

    let inputs = write_inputs(&books.session.home)?;
    let progress = Progress::start();
    let taken = ingest::ingest(&mut books, &inputs, None, &progress)?;
    let settled = settle::settle(&mut books, &Wish { trigger: "demo", ..Wish::default() }, &progress)?;
    let charges = charges(&books)?;
    let reports = write_reports(&books)?;

    let text = story(&books, &taken, &settled, &charges, &reports);
    let document = json!({
        "home": root.display().to_string(),
        "as_of": books.zone.to_text(AS_OF),
        "ingest": taken,
        "settlement": settled,
        "charges": charges.len(),
        "reports": reports.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
    });
    Ok(Answer::done(text, document))
}

fn fresh_folder() -> Result<PathBuf, Failure> {
    let folder = tempfile::Builder::new().prefix("reckoner-demo-").tempdir();
    folder.map(tempfile::TempDir::keep).map_err(|error| Failure::failed("no temporary folder could be made").because(error))
}

/// The demo tells one month's story; in books that hold another it would tell neither.
fn refuse_used(root: &std::path::Path) -> Result<(), Failure> {
    match root.join("ledger.db").exists() {
        false => Ok(()),
        true => Err(Failure::usage("these books hold something already")
            .at(root.display())
            .expected("a new folder, or no --home for a temporary one")),
    }
}

fn write_inputs(home: &Home) -> Result<Vec<PathBuf>, Failure> {
    let folder = home.root().join("sample_data");
    create_folders(&folder)?;
    let mut paths = Vec::new();
    for (name, text) in FILES {
        let path = folder.join(name);
        publish_bytes(&path, text.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

fn charges(books: &Books) -> Result<Vec<Charge>, Failure> {
    let ever = Window::new(Instant::MIN, Instant::MAX);
    let paths: Vec<PathBuf> = books.store().charge_files(ever)?.iter().map(|file| books.lake_path(file)).collect();
    Ok(read_charges(&paths, &ChargeFilter::default())?)
}

fn write_reports(books: &Books) -> Result<Vec<PathBuf>, Failure> {
    let rendering = Rendering { zone: books.zone, fee_scale: books.profile.fee_scale };
    let selection = Selection { within: None, account_id: None };
    let folder = books.session.home.reports();
    let mut written = Vec::new();
    for format in [Format::Csv, Format::Parquet] {
        let ending = if format == Format::Csv { "csv" } else { "parquet" };
        for table in export::TABLES.iter().filter(|table| ["charges", "payments"].contains(&table.name)) {
            let path = folder.join(format!("{}.{ending}", table.name));
            write_file(table.select(books, &selection)?, format, rendering, &path)?;
            written.push(path);
        }
    }
    Ok(written)
}

fn story(books: &Books, taken: &IngestReceipt, settled: &SettleReceipt, charges: &[Charge], reports: &[PathBuf]) -> String {
    let mut text = String::from(
        "One month of eight invented customers, with the awkward things that real months hold.\n\
         \n1. Files in: every row is accepted, a known duplicate, or kept in quarantine with its reason\n\n",
    );
    text += &ingest_text(&IngestReceipt { files: without_refusals(taken) });
    text += "\n   Refused, and why\n\n";
    text += &refused_by_reason(taken);
    text += &format!("\n2. Settled: {} windows, oldest first, up to {}\n\n", grouped(settled.windows), books.zone.to_text(AS_OF));
    text += &charges_by_product(charges);
    text += "\n3. Paid: what became due, by source\n\n";
    text += &settlement_sheet(settled);
    text += "\n4. Where to look next\n\n";
    text += &next_steps(books, charges, reports);
    text
}

fn without_refusals(taken: &IngestReceipt) -> Vec<ingest::FileReceipt> {
    taken.files.iter().map(|file| ingest::FileReceipt { refusals: Vec::new(), ..file.clone() }).collect()
}

fn refused_by_reason(taken: &IngestReceipt) -> String {
    let mut reasons: BTreeMap<&str, (u64, String)> = BTreeMap::new();
    for file in &taken.files {
        for refused in &file.refusals {
            let place = format!("{}:{}", file.file, refused.line);
            reasons.entry(&refused.reason).or_insert_with(|| (0, place)).0 += 1;
        }
    }
    let mut sheet = Sheet::new(&[("   reason", Align::Left), ("rows", Align::Right), ("for example", Align::Left)]);
    for (reason, (rows, place)) in reasons {
        sheet.row([format!("   {reason}"), grouped(rows), place]);
    }
    sheet.to_text()
}

fn charges_by_product(charges: &[Charge]) -> String {
    let mut products: BTreeMap<(&str, &str), (u64, Money, Money, Money)> = BTreeMap::new();
    for charge in charges {
        let sum = products.entry((&charge.currency, &charge.product)).or_default();
        sum.0 += 1;
        sum.1 += charge.amounts.list;
        sum.2 += charge.amounts.discount;
        sum.3 += charge.amounts.due;
    }
    let headings = [
        ("   product", Align::Left),
        ("charges", Align::Right),
        ("list", Align::Right),
        ("discount", Align::Right),
        ("due", Align::Right),
        ("", Align::Left),
    ];
    let mut sheet = Sheet::new(&headings);
    for ((currency, product), (count, list, discount, due)) in products {
        let [list, discount, due] = [list, discount, due].map(|amount| amount.to_string());
        sheet.row([format!("   {product}"), grouped(count), list, discount, due, currency.to_owned()]);
    }
    sheet.to_text()
}

fn next_steps(books: &Books, charges: &[Charge], reports: &[PathBuf]) -> String {
    let home = books.session.home.root().display();
    let dearest = charges.iter().max_by_key(|charge| (charge.amounts.due, &charge.charge_id));
    let charge_id = dearest.map_or("CHARGE_ID", |charge| charge.charge_id.as_str());
    let files: Vec<String> = reports.iter().map(|path| format!("   {}\n", path.display())).collect();
    format!(
        "{files}\n   reckoner --home {home} quarantine list\n   reckoner --home {home} explain {charge_id}\n   \
         reckoner --home {home} verify --full\n   reckoner --home {home} export charges --account heron\n\n   \
         In a checkout `cargo run --` stands for `reckoner`.\n",
        files = files.concat(),
    )
}

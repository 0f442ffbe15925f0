//! The commands that change the books: `ingest`, `run hourly`, `catch-up`. What they say for a person and for a script.

use super::args::{CatchUpArgs, IngestArgs, RunArgs};
use super::output::Answer;
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::inbox;
use crate::ingest::{self, FileReceipt, Receipt as IngestReceipt, ReplacedFile};
use crate::report::progress::Progress;
use crate::report::terminal::{Align, Sheet, counted, grouped};
use crate::schedule::JobName;
use crate::settle::{self, Lives, Receipt as SettleReceipt, Wish};
use reckoner_core::number::Money;
use reckoner_core::time::{Instant, Window};
use serde_json::{Value, json};

/// Refused rows that are shown one by one; the rest is counted.
const REFUSALS_SHOWN: usize = 20;

/// `ingest`.
pub fn ingest(caller: &Caller, args: &IngestArgs) -> Result<Answer, Failure> {
    if args.replaces.is_some() && args.files.len() != 1 {
        return Err(Failure::usage(format!("--replaces with {} files", args.files.len()))
            .at("--replaces")
            .expected("exactly one FILE, which stands in the place of one delivery")
            .hint("replace them one by one, or list them in a manifest"));
    }
    let mut books = Books::open(caller.write()?)?;
    if args.files.is_empty() {
        return ingest_inbox(&mut books);
    }
    let receipt = match (&args.replaces, args.files.as_slice()) {
        (Some(old), [file]) => ingest::ingest_replacing(&mut books, file, old, args.kind, &Progress::start())?,
        _ => ingest::ingest(&mut books, &args.files, args.kind, &Progress::start())?,
    };
    let exit = if receipt.is_clean() { 0 } else { 2 };
    Ok(Answer::Said { exit, text: ingest_text(&receipt), document: ingest_document(&receipt) })
}

/// `ingest` without a file.
fn ingest_inbox(books: &mut Books) -> Result<Answer, Failure> {
    let listing = inbox::look(&books.session.home)?;
    let taken = inbox::take(books, &listing.files, &Progress::start(), &mut |_| true)?;

    let mut text = match taken.receipt.files.len() {
        0 => format!("nothing to take in {}\n", books.session.home.inbox().display()),
        _ => ingest_text(&taken.receipt),
    };
    for name in &taken.changed {
        text += &format!("\n{name}: it changed while it was taken, so it stays in the inbox and is taken again\n");
    }
    for left in &listing.left {
        text += &format!("\nleft in the inbox: {}: {}\n", left.name.escape_debug(), left.why.escape_debug());
    }
    let mut document = ingest_document(&taken.receipt);
    document["changed"] = json!(taken.changed);
    document["left"] = json!(listing.left);
    let exit = if taken.receipt.is_clean() && listing.left.is_empty() { 0 } else { 2 };
    Ok(Answer::Said { exit, text, document })
}

/// What came of files, for a person.
pub fn ingest_text(receipt: &IngestReceipt) -> String {
    let mut sheet = Sheet::new(&[
        ("file", Align::Left),
        ("table", Align::Left),
        ("rows", Align::Right),
        ("accepted", Align::Right),
        ("duplicates", Align::Right),
        ("refused", Align::Right),
    ]);
    let counts = |numbers: [u64; 4]| numbers.map(grouped);
    for file in &receipt.files {
        let [rows, accepted, duplicates, refused] = counts([file.rows, file.accepted, file.duplicates, file.refused]);
        sheet.row([file.file.clone(), file.kind.clone(), rows, accepted, duplicates, refused]);
    }
    if receipt.files.len() > 1 {
        let (rows, accepted, duplicates, refused) = receipt.totals();
        let [rows, accepted, duplicates, refused] = counts([rows, accepted, duplicates, refused]);
        sheet.row(["in all".to_owned(), String::new(), rows, accepted, duplicates, refused]);
    }
    let mut text = sheet.to_text();
    for file in &receipt.files {
        text += &remarks(file);
    }
    text
}

/// What became of the rows of the delivery that was replaced.
fn replaced_text(file: &str, replaced: &ReplacedFile) -> String {
    let ReplacedFile { kept, changed, taken_back, added, held, .. } = replaced;
    let rows = |count: u64| format!("{} {}", grouped(count), if count == 1 { "row" } else { "rows" });
    let mut text = format!(
        "\n{file}: stands in the place of `{}`: {} kept, {} changed, {} taken back, {} new",
        replaced.file,
        rows(*kept),
        grouped(*changed),
        grouped(*taken_back),
        grouped(*added)
    );
    if !held.is_empty() {
        text += &format!(", {} held in force", grouped(held.len() as u64));
    }
    text += "\n";
    for row in held.iter().take(REFUSALS_SHOWN) {
        text += &format!("{}:{}: record `{}` stays in force: {}\n", replaced.file, row.line, row.record_id, row.why);
    }
    if held.len() > REFUSALS_SHOWN {
        text += &format!("… and {} more; `--json` lists them all\n", grouped((held.len() - REFUSALS_SHOWN) as u64));
    }
    if changed + taken_back + added > 0 {
        text += "the difference settles with the next `reckoner catch-up`\n";
    }
    text
}

fn remarks(file: &FileReceipt) -> String {
    let mut text = String::new();
    for note in &file.notes {
        text += &format!("\n{}: {note}\n", file.file);
    }
    if let Some(replaced) = &file.replaces {
        text += &replaced_text(&file.file, replaced);
    } else if let Some(same) = &file.same_as {
        text += &format!("\n{}: the same bytes were taken as `{same}`; nothing of it has effect again\n", file.file);
    }
    if let Some(why) = &file.refused_whole {
        text += &format!("\n{}: refused whole: {why}\n", file.file);
        return text;
    }
    if !file.refusals.is_empty() {
        text += "\n";
    }
    for refused in file.refusals.iter().take(REFUSALS_SHOWN) {
        text += &format!("{}:{}: {} [{}]\n", file.file, refused.line, refused.detail, refused.reason);
    }
    if file.refusals.len() > REFUSALS_SHOWN {
        let more = (file.refusals.len() - REFUSALS_SHOWN) as u64;
        text += &format!("… and {} more; `reckoner quarantine list` shows them all\n", grouped(more));
    }
    if !file.refusals.is_empty() {
        text += &format!(
            "{} rows wait in quarantine; {} other rows took effect. `reckoner quarantine show ITEM` says what to do\n",
            grouped(file.refused),
            grouped(file.accepted)
        );
    }
    text
}

fn ingest_document(receipt: &IngestReceipt) -> Value {
    let (rows, accepted, duplicates, refused) = receipt.totals();
    json!({ "rows": rows, "accepted": accepted, "duplicates": duplicates, "refused": refused, "files": receipt.files })
}

/// `run hourly`, `run daily`.
pub fn run(caller: &Caller, args: &RunArgs) -> Result<Answer, Failure> {
    match args.job {
        JobName::Hourly => {}
        JobName::Daily => return run_daily(caller, args),
        JobName::Monthly => unreachable!("`not_yet` refuses jobs of later versions"),
    }
    let session = if args.dry_run { caller.read()? } else { caller.write()? };
    let within = match (args.from, args.to) {
        (None, None) => None,
        (from, to) => Some(session.range(from, to)?),
    };
    let mut books = Books::open(session)?;
    // Without a range the job waits for late files as the scheduler would; with one an operator has decided.
    let delay = i64::try_from(books.profile.settle_delay.as_secs()).unwrap_or(i64::MAX);
    let until = if within.is_some() { books.as_of } else { books.as_of.plus_seconds(-delay) };
    let wish = Wish {
        until: Some(until),
        within,
        kind: None,
        account_id: args.account.clone(),
        sku: args.sku.clone(),
        is_dry_run: args.dry_run,
        trigger: "manual",
        ..Wish::default()
    };
    settle_and_tell(&mut books, &wish)
}

/// `run daily`: everything that is due by the end of the range, or by now. A night's steps rest on the hours before it, so
/// that whatever is due before them is carried out first; what was carried out is not carried out again.
fn run_daily(caller: &Caller, args: &RunArgs) -> Result<Answer, Failure> {
    if let Some(sku) = &args.sku {
        return Err(Failure::usage(format!("`--sku {sku}` with `run daily`"))
            .at("--sku")
            .expected("an account, or everything: renewals, expiries and arrears are of accounts, not of skus"));
    }
    let session = if args.dry_run { caller.read()? } else { caller.write()? };
    let until = match args.to {
        Some(_) => session.range(args.from, args.to)?.end,
        None => session.until(None)?,
    };
    let mut books = Books::open(session)?;
    let wish = Wish {
        until: Some(until),
        account_id: args.account.clone(),
        is_dry_run: args.dry_run,
        trigger: "daily",
        ..Wish::default()
    };
    settle_and_tell(&mut books, &wish)
}

/// `catch-up`.
pub fn catch_up(caller: &Caller, args: &CatchUpArgs) -> Result<Answer, Failure> {
    let session = caller.write()?;
    let until = session.until(args.until)?;
    let mut books = Books::open(session)?;
    ingest::retake_waiting(&mut books)?;
    let wish = Wish { until: Some(until), trigger: "catch-up", ..Wish::default() };
    settle_and_tell(&mut books, &wish)
}

fn settle_and_tell(books: &mut Books, wish: &Wish) -> Result<Answer, Failure> {
    let receipt = settle::settle(books, wish, &Progress::start())?;
    Ok(Answer::done(settle_text(books, wish, &receipt), settle_document(books, wish, &receipt)))
}

/// What a settlement run did, for a person.
pub fn settle_text(books: &Books, wish: &Wish, receipt: &SettleReceipt) -> String {
    let verb = if wish.is_dry_run { "would settle" } else { "settled" };
    let mut text = format!(
        "{verb} {} up to {}: {}, {}, {}\n",
        counted(receipt.windows, "window", "windows"),
        books.zone.to_text(wish.until.unwrap_or(books.as_of)),
        counted(receipt.rows_in, "usage row", "usage rows"),
        counted(receipt.rows_out, "charge", "charges"),
        counted(receipt.funds, "funds entry", "funds entries"),
    );
    if !receipt.totals.is_empty() {
        text += "\n";
        text += &settlement_sheet(receipt);
    }
    if !receipt.lives.is_empty() {
        text += "\n";
        text += &lives_sheet(&receipt.lives);
    }
    if receipt.held > 0 {
        let windows = match receipt.held {
            1 => "1 window with news is held and was".to_owned(),
            more => format!("{} windows with news are held and were", grouped(more)),
        };
        text += &format!("\n{windows} passed over; `reckoner windows list` says by whom and why\n");
    }
    text
}

/// What became of orders, resources and accounts.
fn lives_sheet(lives: &Lives) -> String {
    let mut sheet = Sheet::new(&[("   happened", Align::Left), ("times", Align::Right), ("amount", Align::Right)]);
    for (what, count) in [("orders done", lives.orders_done), ("orders refused", lives.orders_refused)] {
        if count > 0 {
            sheet.row([format!("   {what}"), grouped(count), String::new()]);
        }
    }
    for (kind, happened) in &lives.happened {
        let amount = if happened.amount.is_zero() { String::new() } else { happened.amount.to_string() };
        sheet.row([format!("   {}", kind.as_str().replace('_', " ")), grouped(happened.count), amount]);
    }
    sheet.to_text()
}

/// What became due and who paid it, by currency.
pub fn settlement_sheet(receipt: &SettleReceipt) -> String {
    let mut sheet = Sheet::new(&[("   paid by", Align::Left), ("amount", Align::Right), ("", Align::Left)]);
    for (currency, totals) in &receipt.totals {
        let sources = [
            ("vouchers", totals.voucher),
            ("balance", totals.balance),
            ("granted", totals.granted),
            ("credit", totals.credit),
            ("external", totals.external),
            ("outstanding", totals.outstanding),
        ];
        for (source, amount) in sources.into_iter().filter(|(_, amount)| *amount != Money::ZERO) {
            sheet.row([format!("   {source}"), amount.to_string(), currency.clone()]);
        }
        sheet.row(["   = due".to_owned(), totals.due.to_string(), currency.clone()]);
    }
    sheet.to_text()
}

/// The same for a script.
pub fn settle_document(books: &Books, wish: &Wish, receipt: &SettleReceipt) -> Value {
    let shown = |instant: Instant| books.zone.to_text(instant);
    json!({
        "until": shown(wish.until.unwrap_or(books.as_of)),
        "within": wish.within.map(|Window { start, end }| json!([shown(start), shown(end)])),
        "dry_run": wish.is_dry_run,
        "windows": receipt.windows,
        "held": receipt.held,
        "rows_in": receipt.rows_in,
        "charges": receipt.rows_out,
        "funds": receipt.funds,
        "totals": receipt.totals,
        "lives": receipt.lives,
    })
}

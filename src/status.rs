//! Status: where the books stand, from the store alone. What a monitor asks every few minutes, and a person first of all.
//!
//! Owns: what is late, what needs a person, what `serve` said of itself last, and how grave that is.
//! Does not own: proving that the books are right (`verify`).
//! Promises: takes no lock and reads no lake file; of the home's files only the jobs' deadlines.

use crate::books::Books;
use crate::failure::Failure;
use crate::files::read_text;
use crate::ingest::manifest::{self, OpenEnd};
use crate::quarantine;
use crate::report::terminal::wide_money;
use crate::schedule::{JobDefinition, builtin_jobs};
use crate::serve::Beat;
use crate::settle::{self, WindowState};
use reckoner_core::rate::DueWindow;
use reckoner_core::schedule::Which;
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window};
use reckoner_store::{CurrencySums, InputFile, RunRecord};
use std::collections::{BTreeMap, HashMap};

/// Unsettled news older than this is worth a look.
pub const LOOK_AFTER_SECONDS: i64 = 3_600;
/// Unsettled news older than this is late.
pub const LATE_AFTER_SECONDS: i64 = 3 * 3_600;
/// A `serve` that was not stopped and has not been heard of for so long is gone, or hangs. It gives a sign every minute.
pub const SILENT_AFTER_SECONDS: i64 = 300;

/// Where the books stand.
#[derive(Debug, Clone)]
pub struct Status {
    /// Delivered files and their rows.
    pub files: FileCounts,
    /// Windows settled at least once.
    pub windows_settled: u64,
    /// Up to where every window has been looked at.
    pub frontier: Option<Instant>,
    /// Windows with news that are over and nobody holds.
    pub due: Option<Due>,
    /// Windows with news that are over and held.
    pub held: Option<HeldWindows>,
    /// Windows with news that are not over yet.
    pub in_progress: u64,
    /// Open quarantine items, by reason and currency.
    pub quarantine: Vec<Refusals>,
    /// What producers say that they deliver, and what of it is missing.
    pub manifests: manifest::Standing,
    /// Money per currency.
    pub money: Vec<CurrencySums>,
    /// The run recorded last.
    pub last_run: Option<RunRecord>,
    /// What `serve` said of itself last; nothing where nobody ever served.
    pub serve: Option<Beat>,
    /// What somebody should know, gravest first.
    pub findings: Vec<Finding>,
}

/// Delivered files and their rows: rows = accepted + duplicates + refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Files, refused ones included.
    pub files: u64,
    /// Files refused whole; their rows are not counted.
    pub files_refused: u64,
    /// Rows delivered.
    pub rows: u64,
    /// Rows that took effect.
    pub accepted: u64,
    /// Rows known before.
    pub duplicates: u64,
    /// Rows in quarantine.
    pub refused: u64,
}

/// Windows that are over and have news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// How many.
    pub windows: u64,
    /// The one that ended first.
    pub oldest: Window,
    /// For how long the news of some window has waited at most: since the window's end, or since its newest delivery if
    /// that came later.
    pub waiting_seconds: i64,
}

/// Windows that are over, have news, and are held by an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldWindows {
    /// How many.
    pub windows: u64,
    /// The one that ended first.
    pub oldest: Window,
    /// How many of them ended longer ago than their job's deadline.
    pub late: u64,
}

/// Open quarantine items of one reason and currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals {
    /// The reason's code.
    pub reason: String,
    /// Nothing where it cannot be known what the rows are worth.
    pub currency: Option<String>,
    /// How many.
    pub items: u64,
    /// Sum of what is at risk, at 1e-8.
    pub at_risk_e8: i128,
}

/// How grave a finding is: also the exit code of `status --check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// All is well.
    Fine = 0,
    /// Somebody should look.
    Look = 1,
    /// Late or broken.
    Bad = 2,
}

/// What somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub gravity: Gravity,
    /// The sentence.
    pub text: String,
}

impl Gravity {
    /// The word for scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Look => "look",
            Self::Bad => "bad",
        }
    }
}

impl Status {
    /// The gravest finding's gravity.
    pub fn gravity(&self) -> Gravity {
        self.findings.iter().map(|finding| finding.gravity).max().unwrap_or(Gravity::Fine)
    }
}

/// Looks at the store.
///
/// # Errors
/// What the store says.
pub fn look(books: &Books) -> Result<Status, Failure> {
    let store = books.store();
    let delivered = store.input_files()?;
    let windows = settle::windows(books, Instant::MAX, None, Which::News)?;
    let is_over = |due: &&DueWindow| due.window.end <= books.as_of;
    let (over, in_progress): (Vec<DueWindow>, Vec<DueWindow>) = windows.due.iter().partition(is_over);
    let (held, held_in_progress): (Vec<DueWindow>, Vec<DueWindow>) = windows.held.iter().partition(is_over);

    let mut status = Status {
        files: count(&delivered),
        windows_settled: windows.settled.len() as u64,
        frontier: store.frontier()?,
        due: waiting(&over, &windows, &delivered, books.as_of),
        held: held_windows(books, &held),
        in_progress: (in_progress.len() + held_in_progress.len()) as u64,
        quarantine: refusals(books)?,
        manifests: manifest::standing(books)?,
        money: store.money_by_currency()?,
        last_run: store.runs()?.pop(),
        serve: Beat::read(store)?,
        findings: Vec::new(),
    };
    status.findings = findings(books, &status, &over);
    Ok(status)
}

fn count(delivered: &[InputFile]) -> FileCounts {
    let mut counts = FileCounts { files: delivered.len() as u64, ..FileCounts::default() };
    for file in delivered {
        counts.files_refused += u64::from(file.is_refused);
        counts.rows += file.rows;
        counts.accepted += file.accepted;
        counts.duplicates += file.duplicates;
        counts.refused += file.refused;
    }
    counts
}

fn waiting(over: &[DueWindow], windows: &WindowState, delivered: &[InputFile], as_of: Instant) -> Option<Due> {
    let oldest = over.first()?.window;
    let taken_at: HashMap<u64, Instant> = delivered.iter().map(|file| (file.seq, file.taken_at)).collect();
    let touched: BTreeMap<Instant, u64> = windows.touched.iter().copied().collect();
    let since = |window: Window| {
        let hours = touched.range(window.start.plus_seconds(-3_599)..window.end);
        let newest = hours.map(|(_, seq)| seq).max().and_then(|seq| taken_at.get(seq));
        newest.map_or(window.end, |taken_at| window.end.max(*taken_at))
    };
    let waiting_seconds = over.iter().map(|due| as_of.seconds() - since(due.window).seconds()).max().unwrap_or(0);
    Some(Due { windows: over.len() as u64, oldest, waiting_seconds })
}

fn held_windows(books: &Books, held: &[DueWindow]) -> Option<HeldWindows> {
    let oldest = held.first()?.window;
    let deadlines = deadlines(books);
    let is_late = |due: &&DueWindow| books.as_of.seconds() - due.window.end.seconds() > deadlines[due.kind as usize];
    Some(HeldWindows { windows: held.len() as u64, oldest, late: held.iter().filter(is_late).count() as u64 })
}

/// Seconds from a window's end until it is late, by kind: what the home's jobs say, or where one cannot be read, what
/// comes with the binary (`check` tells what is wrong with the file).
fn deadlines(books: &Books) -> [i64; SettleWindow::ALL.len()] {
    let mut deadlines = [LOOK_AFTER_SECONDS; SettleWindow::ALL.len()];
    for (name, built_in) in builtin_jobs() {
        let path = books.session.home.jobs().join(format!("{name}.toml"));
        let own = read_text(&path).map_err(Failure::from).and_then(|text| JobDefinition::parse(path.display(), &text));
        if let Ok(definition) = own.or_else(|_| JobDefinition::parse(name, built_in)) {
            deadlines[definition.window.kind as usize] = i64::from(definition.wait.deadline_seconds);
        }
    }
    deadlines
}

fn refusals(books: &Books) -> Result<Vec<Refusals>, Failure> {
    let mut sums: BTreeMap<(String, Option<String>), (u64, i128)> = BTreeMap::new();
    for waiting in quarantine::all(books)?.into_iter().filter(|waiting| waiting.item.status == "open") {
        let (items, at_risk_e8) = sums.entry((waiting.item.reason, waiting.currency)).or_default();
        *items += 1;
        *at_risk_e8 += i128::from(waiting.item.amount_at_risk.e8());
    }
    let rows = sums.into_iter().map(|((reason, currency), (items, at_risk_e8))| Refusals { reason, currency, items, at_risk_e8 });
    let mut rows: Vec<Refusals> = rows.collect();
    rows.sort_by(|a, b| (b.at_risk_e8, &a.reason, &a.currency).cmp(&(a.at_risk_e8, &b.reason, &b.currency)));
    Ok(rows)
}

fn findings(books: &Books, status: &Status, over: &[DueWindow]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |gravity, text| findings.push(Finding { gravity, text });

    let files = status.files;
    if files.rows != files.accepted + files.duplicates + files.refused {
        let sum = files.accepted + files.duplicates + files.refused;
        find(Gravity::Bad, format!("{} rows were delivered, {sum} have an outcome; run `reckoner verify`", files.rows));
    }
    // An attempt that failed at a window which is settled by now is history.
    let is_open = |run: &&RunRecord| run.status != "done" && over.iter().any(|due| due.window == run.window);
    if let Some(run) = status.last_run.as_ref().filter(is_open) {
        let why = run.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let start = books.zone.to_text(run.window.start);
        find(Gravity::Bad, format!("the last attempt to settle the window from {start} is `{}`{why}", run.status));
    }
    for (gravity, text) in status.serve.iter().flat_map(|beat| findings_of_serve(books, beat, status.due.is_some())) {
        find(gravity, text);
    }
    if let Some(due) = status.due.filter(|due| due.waiting_seconds > LOOK_AFTER_SECONDS) {
        let gravity = if due.waiting_seconds > LATE_AFTER_SECONDS { Gravity::Bad } else { Gravity::Look };
        let (hours, minutes) = (due.waiting_seconds / 3_600, due.waiting_seconds % 3_600 / 60);
        let oldest = books.zone.to_text(due.oldest.start);
        let windows = if due.windows == 1 { "1 window waits".to_owned() } else { format!("{} windows wait", due.windows) };
        find(gravity, format!("{windows} to be settled, for up to {hours} h {minutes} min; the oldest starts at {oldest}"));
    }
    if let Some(held) = status.held.filter(|held| held.late > 0) {
        let windows = if held.late == 1 { "1 window is".to_owned() } else { format!("{} windows are", held.late) };
        let oldest = books.zone.to_text(held.oldest.start);
        let next = "`reckoner windows list` says by whom and why";
        find(Gravity::Look, format!("{windows} held beyond the job's deadline, the oldest from {oldest}; {next}"));
    }
    if !status.quarantine.is_empty() {
        let items: u64 = status.quarantine.iter().map(|refusals| refusals.items).sum();
        let noun = if items == 1 { "item is" } else { "items are" };
        find(Gravity::Look, format!("{items} {noun} open in quarantine{}", at_risk(&status.quarantine)));
    }
    for end in &status.manifests.open_ends {
        let (gravity, text) = open_end(books, end);
        find(gravity, text);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.gravity));
    findings
}

/// A file that a manifest lists and that is not there as listed: late once it could have been there for three hours.
fn open_end(books: &Books, end: &OpenEnd) -> (Gravity, String) {
    let shown = |instant: Instant| books.zone.to_text(instant);
    let listed = format!("`{}`, which source `{}` lists for {}", end.name, end.source, shown(end.window.start));
    if let Some(difference) = &end.difference {
        return (Gravity::Look, format!("{listed}, is not what came: {difference}"));
    }
    let waiting_seconds = books.as_of.seconds() - end.since.seconds();
    if waiting_seconds <= LATE_AFTER_SECONDS {
        return (Gravity::Look, format!("{listed}, has not come yet"));
    }
    let (hours, minutes) = (waiting_seconds / 3_600, waiting_seconds % 3_600 / 60);
    (Gravity::Bad, format!("{listed}, is missing for {hours} h {minutes} min"))
}

/// What the last beat says. Nobody has to serve a home: one that was stopped in good order is no finding.
fn findings_of_serve(books: &Books, beat: &Beat, is_any_due: bool) -> Vec<(Gravity, String)> {
    let shown = |instant: Instant| books.zone.to_text(instant);
    let is_stopped = beat.stopped_at.is_some();
    let mut findings = Vec::new();
    if !is_stopped && books.as_of.seconds() - beat.heard_at.seconds() > SILENT_AFTER_SECONDS {
        let heard_at = shown(beat.heard_at);
        findings.push((Gravity::Bad, format!("`reckoner serve` (pid {}) was last heard of at {heard_at}", beat.pid)));
    }
    for trouble in &beat.troubles {
        // What a stopped process could not settle may have been settled by hand since.
        if is_stopped && trouble.step == "settle" && !is_any_due {
            continue;
        }
        let what = if trouble.step == "settle" { "settling" } else { "taking files from the inbox" };
        let next = match trouble.again_at {
            Some(again_at) if !is_stopped => format!("it is tried again at {}", shown(again_at)),
            _ => "it is not tried again by itself, a person is needed".to_owned(),
        };
        let hint = if trouble.hint.is_empty() { String::new() } else { format!("; hint: {}", trouble.hint) };
        let (at, attempt, of) = (shown(trouble.at), trouble.attempts, trouble.attempts_max);
        findings
            .push((Gravity::Bad, format!("{what} failed at {at}, attempt {attempt} of {of}: {}; {next}{hint}", trouble.text)));
    }
    if let Some(doubt) = beat.clock_doubt.as_ref().filter(|_| !is_stopped) {
        findings.push((Gravity::Look, format!("{doubt}; nothing is settled until it has behaved for 3 minutes")));
    }
    for left in &beat.left {
        findings.push((Gravity::Look, format!("left in the inbox: {}: {}", left.name.escape_debug(), left.why.escape_debug())));
    }
    findings
}

fn at_risk(quarantine: &[Refusals]) -> String {
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for refusals in quarantine {
        if let Some(currency) = &refusals.currency {
            *sums.entry(currency).or_default() += refusals.at_risk_e8;
        }
    }
    let sums: Vec<String> = sums.iter().map(|(currency, e8)| wide_money(*e8, currency)).collect();
    if sums.is_empty() { String::new() } else { format!(", {} at risk as far as known", sums.join(" and ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = 3_600;

    fn at(hours: i64) -> Instant {
        Instant::from_seconds(1_767_542_400 + hours * H)
    }

    fn file(seq: u64, taken_at: Instant) -> InputFile {
        InputFile {
            file_id: format!("f{seq}"),
            seq,
            name: "usage-1.csv".to_owned(),
            kind: "usage".to_owned(),
            bytes: 1,
            rows: 1,
            accepted: 1,
            duplicates: 0,
            refused: 0,
            is_refused: false,
            taken_at,
        }
    }

    #[test]
    fn news_waits_since_the_windows_end_or_its_delivery() {
        // window | delivered at | clock | waits, in hours
        let cases = [
            (0, 0, 1, 0), // just over
            (0, 0, 5, 4), // delivered while it ran
            (0, 4, 5, 1), // late usage does not make a home late by itself
            (0, 9, 9, 0),
        ];
        for (start, taken, clock, expected) in cases {
            let window = Window::new(at(start), at(start + 1));
            let due = DueWindow { window, kind: SettleWindow::Hour, book_seq: 1, settled_seq: None };
            let windows = WindowState {
                due: vec![due],
                held: Vec::new(),
                orders: Vec::new(),
                settled: BTreeMap::new(),
                touched: vec![(at(start), 1)],
                skus_by_kind: BTreeMap::new(),
                latest_seq: 1,
            };
            let due = waiting(&windows.due, &windows, &[file(1, at(taken))], at(clock)).unwrap();
            assert_eq!(due.waiting_seconds, expected * H, "{start} {taken} {clock}");
        }
    }
}

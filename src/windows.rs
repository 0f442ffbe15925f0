//! Windows as a person looks at them: how each stands, what it came to, who holds it.
//!
//! Owns: which windows are shown, and the word for how each stands; recording what an operator says about windows.
//! Does not own: which windows are due and held (`core::schedule`), settling them (`settle`).
//! Promises: a window with input that is not settled is always among those that are shown.

use crate::books::Books;
use crate::failure::Failure;
use crate::settle;
use reckoner_core::number::Money;
use reckoner_core::schedule::{Standing, Standings, Which, WindowAction, WindowOrder, touched_windows};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window};
use std::collections::{BTreeMap, BTreeSet};

/// Windows shown where nobody asks for a range, beside those that wait.
pub const NEWEST_SHOWN: usize = 48;

/// How a window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowState {
    /// Not over yet.
    Open,
    /// Over, with input, and never settled.
    Due,
    /// Settled, and nothing came since.
    Settled,
    /// Settled, and rows came or were replaced since.
    News,
    /// Passed over as long as an operator holds it.
    Held,
    /// Settled; an operator took it for complete.
    Forced,
}

/// A window and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowLine {
    /// Hour, day or month.
    pub kind: SettleWindow,
    /// The window.
    pub window: Window,
    /// How it stands.
    pub state: WindowState,
    /// Whether there is input that its charges do not hold.
    pub has_news: bool,
    /// The newest delivery whose rows its charges hold, if it was settled.
    pub settled_seq: Option<u64>,
    /// Runs so far.
    pub runs: u64,
    /// Usage rows that the newest run read.
    pub rows: u64,
    /// Charges of all runs, corrections included.
    pub charges: u64,
    /// Their sum in the home's currency.
    pub amount: Money,
    /// Who holds it or took it for complete.
    pub order: Option<WindowOrder>,
}

/// What is shown of all windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowList {
    /// The windows asked for, by end, then kind.
    pub lines: Vec<WindowLine>,
    /// How many there are with input.
    pub in_all: u64,
    /// What operators said, in the order said.
    pub orders: Vec<WindowOrder>,
}

impl WindowState {
    /// The word for scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Due => "due",
            Self::Settled => "settled",
            Self::News => "news",
            Self::Held => "held",
            Self::Forced => "forced",
        }
    }

    /// The words for people.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::News => "settled, has news",
            Self::Open | Self::Due | Self::Settled | Self::Held | Self::Forced => self.as_str(),
        }
    }

    fn is_quiet(self) -> bool {
        matches!(self, Self::Settled | Self::Forced)
    }
}

/// The windows with input, of one kind if asked: those that touch the range; without one the newest and all that wait.
///
/// # Errors
/// What the store says.
pub fn list(books: &Books, kind: Option<SettleWindow>, within: Option<Window>) -> Result<WindowList, Failure> {
    let (mut lines, orders) = all(books)?;
    lines.retain(|line| kind.is_none_or(|wanted| wanted == line.kind));
    let in_all = lines.len() as u64;
    match within {
        Some(range) => lines.retain(|line| line.window.overlap(range).is_some()),
        None => {
            let newest = lines.split_off(lines.len().saturating_sub(NEWEST_SHOWN));
            lines.retain(|line| !line.state.is_quiet());
            lines.extend(newest);
        }
    }
    Ok(WindowList { lines, in_all, orders })
}

fn all(books: &Books) -> Result<(Vec<WindowLine>, Vec<WindowOrder>), Failure> {
    let known = settle::windows(books, Instant::MAX, None, Which::News)?;
    let kinds: BTreeSet<SettleWindow> = known.skus_by_kind.keys().copied().collect();
    let mut windows: BTreeSet<(SettleWindow, Window)> = touched_windows(&known.touched, &kinds, books.zone).into_keys().collect();
    windows.extend(known.settled.keys());
    let unsettled: BTreeSet<(SettleWindow, Window)> =
        known.due.iter().chain(&known.held).map(|due| (due.kind, due.window)).collect();
    let done = done(books)?;
    let standings = Standings::new(&known.orders);

    let mut lines = Vec::new();
    for (kind, window) in windows {
        let has_news = unsettled.contains(&(kind, window));
        let settled = known.settled.get(&(kind, window));
        let Done { runs, rows, charges, amount } = done.get(&window).cloned().unwrap_or_default();
        // A day without rows of any price that settles by the day was looked at with the others, and holds nothing.
        if !has_news && runs == 0 {
            continue;
        }
        let (state, order) = match (standings.of(kind, window), has_news) {
            (Standing::Held(order), true) => (WindowState::Held, Some(order.clone())),
            (Standing::Forced(order), false) => (WindowState::Forced, Some(order.clone())),
            (_, true) if window.end > books.as_of => (WindowState::Open, None),
            (_, true) if settled.is_some() => (WindowState::News, None),
            (_, true) => (WindowState::Due, None),
            (_, false) => (WindowState::Settled, None),
        };
        let settled_seq = settled.map(|state| state.settled_seq);
        lines.push(WindowLine { kind, window, state, has_news, settled_seq, runs, rows, charges, amount, order });
    }
    lines.sort_by_key(|line| (line.window.end, line.kind));
    Ok((lines, known.orders))
}

/// What the runs of a window came to.
#[derive(Clone, Default)]
struct Done {
    runs: u64,
    rows: u64,
    charges: u64,
    amount: Money,
}

/// By window: no two kinds have a window with the same bounds.
fn done(books: &Books) -> Result<BTreeMap<Window, Done>, Failure> {
    let mut done: BTreeMap<Window, Done> = BTreeMap::new();
    for run in books.store().runs()? {
        let of_window = done.entry(run.window).or_default();
        of_window.runs += 1;
        of_window.rows = run.rows_in;
        of_window.charges += run.rows_out;
        of_window.amount += run.amount;
    }
    Ok(done)
}

/// Records what an operator says and hands the order back.
///
/// # Errors
/// What the store says.
pub fn say(
    books: &mut Books,
    action: WindowAction,
    kind: Option<SettleWindow>,
    range: Window,
    reason: Option<String>,
) -> Result<WindowOrder, Failure> {
    let order = WindowOrder { action, kind, range, reason, actor: books.actor.clone(), at: books.as_of };
    books.store_mut().record_window_order(&order)?;
    Ok(order)
}

/// How many windows of the range are due and held, those in progress not counted.
///
/// # Errors
/// What the store says.
pub fn waiting(books: &Books, kind: Option<SettleWindow>, range: Window) -> Result<(u64, u64), Failure> {
    let known = settle::windows(books, books.as_of, None, Which::News)?;
    let count = |windows: &[reckoner_core::rate::DueWindow]| {
        let meant = |window: Window, of: SettleWindow| kind.is_none_or(|kind| kind == of) && window.overlap(range).is_some();
        windows.iter().filter(|due| meant(due.window, due.kind)).count() as u64
    };
    Ok((count(&known.due), count(&known.held)))
}

//! `windows list`, `hold`, `release`, `force`: how windows stand, and what an operator says about them.

use super::Answer;
use super::args::{WindowsForceArgs, WindowsHoldArgs, WindowsListArgs, WindowsReleaseArgs};
use super::work::{settle_document, settle_text};
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::progress::Progress;
use crate::report::terminal::{Align, Sheet, WIDTH, grouped, money, wrapped};
use crate::schedule::JobName;
use crate::settle::{self, Wish};
use crate::windows::{self, NEWEST_SHOWN, WindowLine, WindowList};
use reckoner_core::number::MONEY_SCALE;
use reckoner_core::schedule::{HeldTime, Standings, WindowAction, WindowOrder};
use reckoner_core::table::SettleWindow;
use reckoner_core::time::{Instant, Window};
use serde_json::{Value, json};

/// All of time: what an order without a range is about.
const ALWAYS: Window = Window::new(Instant::MIN, Instant::MAX);
/// Columns that a line of the list has at most.
const LIST_WIDTH: usize = 120;

/// `windows list`.
pub fn list(caller: &Caller, args: &WindowsListArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let range = books.session.range(args.from, args.to)?;
    let list = windows::list(&books, args.job.map(JobName::window), Some(range).filter(|range| *range != ALWAYS))?;
    Ok(Answer::done(list_text(&books, &list, range), list_document(&books, &list)))
}

fn list_text(books: &Books, list: &WindowList, range: Window) -> String {
    let mut text = match (list.in_all, list.lines.is_empty()) {
        (0, _) => "no window has input yet\n".to_owned(),
        (_, true) => "no window of this range has input\n".to_owned(),
        (_, false) => sheet(books, &list.lines),
    };
    if (list.lines.len() as u64) < list.in_all {
        let shown = list.lines.len() as u64;
        text += &match range == ALWAYS {
            true => format!(
                "\n{} of {} windows: the {NEWEST_SHOWN} newest and all that wait; `--from` and `--to` show others\n",
                grouped(shown),
                grouped(list.in_all)
            ),
            false => format!("\n{} of {} windows\n", grouped(shown), grouped(list.in_all)),
        };
    }
    text + &held_text(books, &list.orders)
}

fn sheet(books: &Books, lines: &[WindowLine]) -> String {
    let mut sheet = Sheet::new(&[
        ("kind", Align::Left),
        ("window", Align::Right), // what is on the right is never shortened
        ("state", Align::Left),
        ("seq", Align::Right),
        ("runs", Align::Right),
        ("rows", Align::Right),
        ("charges", Align::Right),
        ("amount", Align::Right),
    ])
    .at_most(LIST_WIDTH);
    for line in lines {
        let is_settled = line.settled_seq.is_some();
        let counted = |number: u64| if is_settled { grouped(number) } else { "-".to_owned() };
        sheet.row([
            line.kind.as_str().to_owned(),
            span(books, line.window),
            line.state.as_words().to_owned(),
            line.settled_seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string()),
            counted(line.runs),
            counted(line.rows),
            counted(line.charges),
            if is_settled { money(line.amount, &books.session.settings.currency) } else { "-".to_owned() },
        ]);
    }
    sheet.to_text()
}

/// `2026-01-05T10:00:00+08:00 .. 11:00`: the end in full only where the date or the offset does not follow from the start.
fn span(books: &Books, window: Window) -> String {
    let zone = books.zone;
    let (start, end) = (zone.to_text(window.start), zone.to_text(window.end));
    let day = zone.day_containing(window.start);
    let is_same_day = zone.date_of(window.start) == zone.date_of(window.end);
    let short = match (start.get(19..) == end.get(19..), is_same_day) {
        (true, true) => end.get(11..16),
        (true, false) if window.end == day.end => Some("24:00"),
        (true, false) if window.end == zone.day_containing(window.end).start => end.get(..10),
        _ => None,
    };
    format!("{start} .. {}", short.unwrap_or(&end))
}

/// What is held now, by whom and why; nothing where nothing is.
fn held_text(books: &Books, orders: &[WindowOrder]) -> String {
    let mut text = String::new();
    for (kind, held) in in_force(orders) {
        let windows = kind.map_or_else(|| "every window".to_owned(), |kind| format!("{}s", kind.as_str()));
        let HeldTime { range, order } = held;
        let reason = order.reason.as_deref().unwrap_or_default();
        let line =
            format!("{windows}{}, by {} since {}: {reason}", range_text(books, range), order.actor, books.zone.to_text(order.at));
        text += &wrapped(&line, "  ", WIDTH);
    }
    match text.is_empty() {
        true => text,
        false => format!(
            "\nheld now\n{text}next: `reckoner windows release`, then `reckoner catch-up` settles what waited, oldest first\n"
        ),
    }
}

/// What is held now: once where it is held for windows of every kind.
fn in_force(orders: &[WindowOrder]) -> Vec<(Option<SettleWindow>, HeldTime<'_>)> {
    let standings = Standings::new(orders);
    let [hours, days, months] = SettleWindow::ALL.map(|kind| standings.held(kind));
    let is_common = |held: &HeldTime| days.contains(held) && months.contains(held);
    let common: Vec<HeldTime> = hours.iter().filter(|held| is_common(held)).copied().collect();
    let mut all: Vec<_> = common.iter().map(|held| (None, *held)).collect();
    for kind in SettleWindow::ALL {
        all.extend(standings.held(kind).iter().filter(|held| !common.contains(held)).map(|held| (Some(kind), *held)));
    }
    all
}

fn range_text(books: &Books, range: Window) -> String {
    let shown = |instant: Instant| books.zone.to_text(instant);
    match (range.start == Instant::MIN, range.end == Instant::MAX) {
        (true, true) => String::new(),
        (true, false) => format!(" before {}", shown(range.end)),
        (false, true) => format!(" from {}", shown(range.start)),
        (false, false) => format!(" from {} to {}", shown(range.start), shown(range.end)),
    }
}

fn range_document(books: &Books, range: Window) -> Value {
    let shown = |instant: Instant| match instant {
        Instant::MIN | Instant::MAX => Value::Null,
        instant => books.zone.to_text(instant).into(),
    };
    json!([shown(range.start), shown(range.end)])
}

fn order_document(books: &Books, order: &WindowOrder) -> Value {
    json!({
        "action": order.action.as_str(),
        "kind": order.kind.map(SettleWindow::as_str),
        "range": range_document(books, order.range),
        "reason": order.reason,
        "actor": order.actor,
        "at": books.zone.to_text(order.at),
    })
}

fn list_document(books: &Books, list: &WindowList) -> Value {
    let lines = list.lines.iter().map(|line| {
        json!({
            "kind": line.kind.as_str(),
            "start": books.zone.to_text(line.window.start),
            "end": books.zone.to_text(line.window.end),
            "state": line.state.as_str(),
            "has_news": line.has_news,
            "settled_seq": line.settled_seq,
            "runs": line.runs,
            "rows": line.rows,
            "charges": line.charges,
            "amount": line.amount.to_text(MONEY_SCALE),
            "currency": books.session.settings.currency,
            "order": line.order.as_ref().map(|order| order_document(books, order)),
        })
    });
    let held = in_force(&list.orders).into_iter().map(|(kind, held)| {
        let mut document = order_document(books, held.order);
        document["kind"] = kind.map(SettleWindow::as_str).into();
        document["range"] = range_document(books, held.range);
        document
    });
    json!({
        "windows": lines.collect::<Vec<_>>(),
        "windows_in_all": list.in_all,
        "held": held.collect::<Vec<_>>(),
        "orders": list.orders.iter().map(|order| order_document(books, order)).collect::<Vec<_>>(),
    })
}

/// `windows hold`.
pub fn hold(caller: &Caller, args: &WindowsHoldArgs) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let (kind, range) = (args.job.map(JobName::window), books.session.range(args.from, args.to)?);
    let order = windows::say(&mut books, WindowAction::Hold, kind, range, Some(args.reason.clone()))?;
    let (_, waiting) = windows::waiting(&books, kind, range)?;
    let text = format!(
        "held: {}{}\n{}; what is settled already stays, and what comes later for it waits\n\
         next: `reckoner windows release` ends it; `reckoner windows list` shows what waits\n",
        windows_text(kind),
        range_text(&books, range),
        now_wait(waiting),
    );
    let mut document = order_document(&books, &order);
    document["waiting"] = waiting.into();
    Ok(Answer::done(text, document))
}

fn windows_text(kind: Option<SettleWindow>) -> String {
    kind.map_or_else(|| "every window".to_owned(), |kind| format!("every {}", kind.as_str()))
}

fn now_wait(waiting: u64) -> String {
    match waiting {
        0 => "no window that is over waits yet".to_owned(),
        1 => "1 window that is over waits now".to_owned(),
        more => format!("{} windows that are over wait now", grouped(more)),
    }
}

/// `windows release`.
pub fn release(caller: &Caller, args: &WindowsReleaseArgs) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let (kind, range) = (args.job.map(JobName::window), books.session.range(args.from, args.to)?);
    let said = books.store().window_orders()?;
    let standings = Standings::new(&said);
    let is_held = |of: SettleWindow| standings.held(of).iter().any(|held| held.range.overlap(range).is_some());
    if !SettleWindow::ALL.into_iter().any(|of| kind.is_none_or(|kind| kind == of) && is_held(of)) {
        let text = format!("nothing is held there: {}{}\n", windows_text(kind), range_text(&books, range));
        return Ok(Answer::done(text, json!({ "action": "release", "due": 0, "order": null })));
    }

    let order = windows::say(&mut books, WindowAction::Release, kind, range, args.reason.clone())?;
    let (due, held) = windows::waiting(&books, kind, range)?;
    let mut text = format!("released: {}{}\n", windows_text(kind), range_text(&books, range));
    if held > 0 {
        let windows =
            if held == 1 { "1 window is held still".to_owned() } else { format!("{} windows are held still", grouped(held)) };
        text += &format!("{windows}: another part of it is; `reckoner windows list` says by whom\n");
    }
    text += &match due {
        0 => "nothing waits to be settled there\n".to_owned(),
        1 => "next: `reckoner catch-up` settles the 1 window that is due there\n".to_owned(),
        more => format!("next: `reckoner catch-up` settles the {} windows that are due there, oldest first\n", grouped(more)),
    };
    let document = json!({ "action": "release", "due": due, "held": held, "order": order_document(&books, &order) });
    Ok(Answer::done(text, document))
}

/// `windows force`.
pub fn force(caller: &Caller, args: &WindowsForceArgs) -> Result<Answer, Failure> {
    let mut books = Books::open(caller.write()?)?;
    let (kind, range) = (args.job.map(JobName::window), books.session.range(Some(args.from), Some(args.to))?);
    refuse_unfit(&books, kind, range)?;

    // The order first: if settling stops half-way, the windows are due and free, and the next tick settles what is left.
    let order = windows::say(&mut books, WindowAction::Force, kind, range, Some(args.reason.clone()))?;
    let wish = Wish { until: Some(books.as_of), within: Some(range), kind, trigger: "force", ..Wish::default() };
    let receipt = settle::settle(&mut books, &wish, &Progress::start())?;
    let text = format!(
        "taken for complete: {}{}\n{}\nkept with it: by {actor}, because: {}; {actor} may not approve the bills of that month\n",
        windows_text(kind),
        range_text(&books, range),
        settle_text(&books, &wish, &receipt).trim_end(),
        args.reason,
        actor = order.actor,
    );
    let mut document = settle_document(&books, &wish, &receipt);
    document["order"] = order_document(&books, &order);
    Ok(Answer::done(text, document))
}

/// What is taken for complete is over, and is whole windows.
fn refuse_unfit(books: &Books, kind: Option<SettleWindow>, range: Window) -> Result<(), Failure> {
    let zone = books.zone;
    if range.end > books.as_of {
        return Err(Failure::usage(format!("`{}` has not come yet", zone.to_text(range.end)))
            .at("--to")
            .expected(format!(
                "an instant up to the clock's, `{}`: a window is settled when it is over",
                zone.to_text(books.as_of)
            ))
            .hint("late usage of a window that was taken for complete settles by itself, as of any other"));
    }
    let kind = kind.unwrap_or(SettleWindow::Hour);
    for (option, bound) in [("--from", range.start), ("--to", range.end)] {
        let window = kind.containing(bound, zone);
        if window.start != bound {
            let (before, after) = (zone.to_text(window.start), zone.to_text(window.end));
            return Err(Failure::usage(format!("`{}` lies inside a window", zone.to_text(bound)))
                .at(option)
                .expected(format!(
                    "where a window of the kind `{}` begins: windows are settled whole or not at all",
                    kind.as_str()
                ))
                .hint(format!("use `{before}` or `{after}`")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_for_every_kind_is_said_once() {
        let order = |action, kind, start, end| WindowOrder {
            action,
            kind,
            range: Window::new(Instant::from_seconds(start), Instant::from_seconds(end)),
            reason: Some("why".to_owned()),
            actor: "ana".to_owned(),
            at: Instant::from_seconds(0),
        };
        let (hold, release, day) = (WindowAction::Hold, WindowAction::Release, Some(SettleWindow::Day));
        // what was said | what is held: kind, start
        let cases = [
            (vec![order(hold, None, 0, 9)], "all 0"),
            (vec![order(hold, day, 0, 9)], "day 0"),
            // Days were let go in the middle, hours and months were not.
            (vec![order(hold, None, 0, 9), order(release, day, 3, 4)], "hour 0, day 0, day 4, month 0"),
            (vec![order(hold, None, 0, 9), order(release, None, 3, 4)], "all 0, all 4"),
            (vec![order(hold, None, 0, 9), order(release, None, 0, 9)], ""),
        ];
        for (said, expected) in cases {
            let shown = in_force(&said)
                .into_iter()
                .map(|(kind, held)| format!("{} {}", kind.map_or("all", SettleWindow::as_str), held.range.start.seconds()));
            assert_eq!(shown.collect::<Vec<_>>().join(", "), expected);
        }
    }
}

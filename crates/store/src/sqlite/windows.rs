//! Windows: which received rows, which are settled, what operators said of them, and how far all have been looked at.

use super::Answer;
use super::columns::ask;
use super::insert::{Insert, int};
use super::{journal, lake::bounds};
use crate::{BookmarkRecord, Rerun, SettledWindow, StoreError, TouchedHour, instant_of_mark};
use reckoner_core::rate::Bookmark;
use reckoner_core::schedule::WindowOrder;
use reckoner_core::table::SettleWindow;
use reckoner_core::time::Instant;
use rusqlite::Connection;

/// The mark that keeps the frontier, as an instant in UTC.
const FRONTIER: &str = "frontier";

pub(super) fn touched_hours(connection: &Connection, after_seq: u64) -> Answer<Vec<TouchedHour>> {
    let question = "SELECT hour, MAX(seq) AS seq FROM hour_touches WHERE seq > ?1 GROUP BY hour ORDER BY hour";
    // A number beyond what is ever given is answered like the greatest one: by nothing.
    let after_seq = i64::try_from(after_seq).unwrap_or(i64::MAX);
    ask(connection, "hour_touches", question, [after_seq], |columns| {
        Ok(TouchedHour { start: columns.instant("hour")?, seq: columns.count("seq")? })
    })
}

pub(super) fn touch_hours(connection: &Connection, hours: &[Instant], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO hour_touches (seq, hour) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let mut insert = Insert::new(connection, "touched hour", sql)?;
    for hour in hours {
        insert.run((int(seq), hour.seconds()), || hour.to_utc_text())?;
    }
    Ok(())
}

pub(super) fn settled_windows(connection: &Connection) -> Answer<Vec<SettledWindow>> {
    let question = "SELECT window_start, kind, window_end, settled_seq, book_seq FROM windows ORDER BY window_start";
    let mut windows = ask(connection, "windows", question, [], |columns| {
        Ok(SettledWindow {
            kind: columns.word("kind")?,
            window: columns.window("window_start", "window_end")?,
            settled_seq: columns.count("settled_seq")?,
            book_seq: columns.count("book_seq")?,
        })
    })?;
    windows.sort_by_key(|settled| settled.kind); // stable: the order by start stays
    Ok(windows)
}

/// Claims windows for a batch. Each must still be in the state that the batch was decided on.
///
/// The story if two processes settle the same hour: both read that it is open, both decide the same charges. The first
/// inserts the row and commits. The second finds its insert without effect, gives the whole batch up, and reads again.
pub(super) fn claim(connection: &Connection, windows: &[(SettledWindow, Option<u64>)]) -> Answer<()> {
    let first = "INSERT INTO windows (kind, window_start, window_end, settled_seq, book_seq)
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let again = "UPDATE windows SET settled_seq = ?4
        WHERE kind = ?1 AND window_start = ?2 AND window_end = ?3 AND settled_seq = ?5";
    let mut insert = Insert::new(connection, "window", first)?;
    let mut update = Insert::new(connection, "window", again)?;
    for (settled, before) in windows {
        let (kind, (start, end)) = (settled.kind.as_str(), bounds(settled.window));
        let id = || format!("{kind} {}", settled.window.start.to_utc_text());
        let seq = int(settled.settled_seq);
        let claimed = match before {
            None => insert.run((kind, start, end, seq, int(settled.book_seq)), id)?,
            Some(before) => update.run((kind, start, end, seq, int(*before)), id)?,
        };
        if claimed != 1 {
            return Err(StoreError::WindowMoved { kind, start: settled.window.start.to_utc_text() });
        }
    }
    Ok(())
}

pub(super) fn bookmarks(connection: &Connection) -> Answer<Vec<BookmarkRecord>> {
    let question = "SELECT ordinal, covers_start, covers_end, account_id, sku, book_seq, reprices, plan_id, reason, actor, at
        FROM bookmarks ORDER BY ordinal";
    ask(connection, "bookmarks", question, [], |columns| {
        let bookmark = Bookmark {
            covers: columns.window("covers_start", "covers_end")?,
            account_id: columns.text_if_any("account_id")?,
            sku: columns.text_if_any("sku")?,
            book_seq: columns.count("book_seq")?,
            reprices: columns.count("reprices")? != 0,
        };
        let rerun = columns.text_if_any("plan_id")?.zip(columns.text_if_any("reason")?);
        let rerun = rerun.map(|(plan_id, reason)| Rerun { plan_id, reason });
        Ok(BookmarkRecord { bookmark, rerun, actor: columns.text("actor")?, at: columns.instant("at")? })
    })
}

pub(super) fn add_bookmark(connection: &Connection, record: &BookmarkRecord) -> Answer<()> {
    let sql = "INSERT INTO bookmarks (act, covers_start, covers_end, account_id, sku, book_seq, reprices, plan_id, reason, actor,
        at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let (bookmark, rerun) = (&record.bookmark, record.rerun.as_ref());
    let (start, end) = bounds(bookmark.covers);
    let params = (
        if rerun.is_some() { "rerun" } else { "run" },
        start,
        end,
        &bookmark.account_id,
        &bookmark.sku,
        int(bookmark.book_seq),
        bookmark.reprices,
        rerun.map(|rerun| &rerun.plan_id),
        rerun.map(|rerun| &rerun.reason),
        &record.actor,
        record.at.seconds(),
    );
    Insert::new(connection, "bookmark", sql)?.run(params, || bookmark.covers.start.to_utc_text())?;
    Ok(())
}

pub(super) fn orders(connection: &Connection) -> Answer<Vec<WindowOrder>> {
    let question = "SELECT ordinal, action, kind, range_start, range_end, reason, actor, at FROM window_orders ORDER BY ordinal";
    ask(connection, "window_orders", question, [], |columns| {
        Ok(WindowOrder {
            action: columns.word("action")?,
            kind: columns.word_if_any("kind")?,
            range: columns.window("range_start", "range_end")?,
            reason: columns.text_if_any("reason")?,
            actor: columns.text("actor")?,
            at: columns.instant("at")?,
        })
    })
}

pub(super) fn add_order(connection: &Connection, order: &WindowOrder) -> Answer<()> {
    let sql = "INSERT INTO window_orders (action, kind, range_start, range_end, reason, actor, at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (start, end) = bounds(order.range);
    let (action, kind) = (order.action.as_str(), order.kind.map(SettleWindow::as_str));
    let params = (action, kind, start, end, &order.reason, &order.actor, order.at.seconds());
    Insert::new(connection, "window order", sql)?.run(params, || format!("{action} {}", order.range.start.to_utc_text()))?;
    Ok(())
}

pub(super) fn frontier(connection: &Connection) -> Answer<Option<Instant>> {
    journal::mark(connection, FRONTIER)?.map(|text| instant_of_mark(FRONTIER, &text)).transpose()
}

pub(super) fn put_frontier(connection: &Connection, frontier: Instant) -> Answer<()> {
    journal::put_mark(connection, FRONTIER, &frontier.to_utc_text())
}

//! Bookmarks: up to which delivery the price book is read for a part of the past.
//!
//! A window's use is priced with what was known when it was settled first, and with what was known at its last rerun if
//! there was one. A run or rerun of one account or sku says so for that part only. Nothing here asks a clock: deliveries
//! have numbers, and each bookmark keeps one.

use super::cut::{DueWindow, News};
use crate::time::Window;

/// A stretch of time, or a part of it, whose use is priced with what was known after one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookmark {
    /// Every window that lies inside.
    pub covers: Window,
    /// Only this account; nothing: all.
    pub account_id: Option<String>,
    /// Only this sku; nothing: all.
    pub sku: Option<String>,
    /// The newest delivery whose prices and discounts count.
    pub book_seq: u64,
    /// Whether what was priced before is priced again: a rerun of everything does so, a run does not.
    pub reprices: bool,
}

impl Bookmark {
    fn is_of(&self, account_id: &str, sku: &str) -> bool {
        self.account_id.as_deref().is_none_or(|wanted| wanted == account_id)
            && self.sku.as_deref().is_none_or(|wanted| wanted == sku)
    }
}

/// A settlement that prices again what is settled already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repricing {
    /// The newest delivery whose prices and discounts count from now on.
    pub book_seq: u64,
    /// Whether only an account or sku is settled, so that the accounting of what arrived since is left to a whole run.
    pub is_partial: bool,
}

/// How one window is priced: by everybody's mark, and by those of its parts.
#[derive(Debug, Clone)]
pub struct WindowBook<'a> {
    due: DueWindow,
    marks: Vec<&'a Bookmark>,
    repricing: Option<Repricing>,
}

impl<'a> WindowBook<'a> {
    /// How a window is priced, given every bookmark there is.
    pub fn new(due: DueWindow, bookmarks: &'a [Bookmark], repricing: Option<Repricing>) -> Self {
        let covers = |mark: &&Bookmark| mark.covers.start <= due.window.start && due.window.end <= mark.covers.end;
        Self { due, marks: bookmarks.iter().filter(covers).collect(), repricing }
    }

    /// Whether accounts or skus of the window are priced by marks of their own.
    pub fn has_parts(&self) -> bool {
        self.marks.iter().any(|mark| mark.account_id.is_some() || mark.sku.is_some())
    }

    /// The newest delivery whose prices and discounts count for this account and sku from this settlement on.
    pub fn seq_for(&self, account_id: &str, sku: &str) -> u64 {
        self.repricing.map_or_else(|| self.settled_seq_for(account_id, sku), |repricing| repricing.book_seq)
    }

    /// The newest delivery whose prices and discounts counted so far: the first that priced it, or the last rerun's.
    pub fn settled_seq_for(&self, account_id: &str, sku: &str) -> u64 {
        let own = || self.marks.iter().filter(|mark| mark.is_of(account_id, sku));
        let first = own().map(|mark| mark.book_seq).fold(self.due.book_seq, u64::min);
        let rerun = own().filter(|mark| mark.reprices).map(|mark| mark.book_seq).max();
        first.max(rerun.unwrap_or_default())
    }

    /// What settling does to the units of a row: which news they are, and under which state of the book they are counted.
    ///
    /// A rerun takes back what was counted under the old state and counts it again under the new one. A partial rerun does
    /// so only with rows that a whole run counted: the others are counted by the next whole run, under the new state.
    pub fn unit_moves(&self, row: RowSeqs, account_id: &str, sku: &str) -> [Option<(News, u64)>; 2] {
        let now = self.seq_for(account_id, sku);
        let Some(repricing) = self.repricing else {
            let news = self.due.news_of(row.seq, row.superseded_seq);
            return [(news != News::Nothing).then_some((news, now)), None];
        };
        let was_counted = self.due.was_counted(row.seq, row.superseded_seq);
        let is_counted = if repricing.is_partial { was_counted } else { row.superseded_seq.is_none() };
        let before = self.settled_seq_for(account_id, sku);
        if was_counted && is_counted && before == now {
            return [None, None];
        }
        [was_counted.then_some((News::TakenBack, before)), is_counted.then_some((News::Added, now))]
    }
}

/// The delivery that brought a row, and the one that replaced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSeqs {
    /// The delivery that brought it.
    pub seq: u64,
    /// The delivery whose row took its place, if any.
    pub superseded_seq: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::SettleWindow;
    use crate::time::Instant;

    fn hours(start: i64, end: i64) -> Window {
        Window::new(Instant::from_seconds(start * 3_600), Instant::from_seconds(end * 3_600))
    }

    fn due(book_seq: u64, settled_seq: Option<u64>) -> DueWindow {
        DueWindow { window: hours(10, 11), kind: SettleWindow::Hour, book_seq, settled_seq }
    }

    fn mark(covers: Window, part: &str, book_seq: u64, reprices: bool) -> Bookmark {
        let (account_id, sku) = part.split_once('/').expect("account/sku");
        let named = |text: &str| (text != "*").then(|| text.to_owned());
        Bookmark { covers, account_id: named(account_id), sku: named(sku), book_seq, reprices }
    }

    #[test]
    fn what_was_priced_first_stays_until_a_rerun() {
        let own = hours(10, 11);
        // bookmarks | first settled with | account and sku | priced with
        let cases: [(&[Bookmark], u64, [&str; 2], u64); 10] = [
            (&[], 5, ["a", "vm"], 5),
            (&[mark(own, "a/*", 3, false)], 5, ["a", "vm"], 3), // a run of its account alone came first
            (&[mark(own, "a/*", 3, false)], 5, ["b", "vm"], 5),
            (&[mark(own, "a/*", 7, false)], 5, ["a", "vm"], 5), // a run of it alone, later: nothing is priced again
            (&[mark(own, "*/*", 7, true)], 5, ["a", "vm"], 7),
            (&[mark(own, "a/vm", 7, true), mark(own, "*/*", 9, true)], 5, ["a", "vm"], 9),
            (&[mark(own, "a/vm", 7, true), mark(own, "*/*", 9, true)], 5, ["a", "gb"], 9),
            (&[mark(own, "*/gb", 7, true)], 5, ["a", "vm"], 5),
            // The range holds the window or it does not: half of it is not enough.
            (&[mark(hours(0, 10), "*/*", 7, true), mark(hours(11, 24), "*/*", 8, true)], 5, ["a", "vm"], 5),
            (&[mark(hours(0, 24), "*/vm", 4, false), mark(hours(9, 12), "a/*", 6, true)], 5, ["a", "vm"], 6),
        ];
        for (marks, first, [account_id, sku], expected) in cases {
            let book = WindowBook::new(due(first, Some(first)), marks, None);
            assert_eq!(book.seq_for(account_id, sku), expected, "{marks:?} {account_id} {sku}");
        }
    }

    #[test]
    fn a_rerun_counts_units_under_the_new_state() {
        let whole = Some(Repricing { book_seq: 9, is_partial: false });
        let part = Some(Repricing { book_seq: 9, is_partial: true });
        let (added, taken) = (|seq| Some((News::Added, seq)), |seq| Some((News::TakenBack, seq)));
        // repricing | row came with, replaced with | what moves; the window was settled with 5
        let cases = [
            (None, 4, None, [None, None]),
            (None, 6, None, [added(5), None]),
            (None, 4, Some(6), [taken(5), None]),
            (whole, 4, None, [taken(5), added(9)]),
            (whole, 6, None, [None, added(9)]),
            (whole, 4, Some(6), [taken(5), None]),
            (whole, 6, Some(7), [None, None]), // came and gone since
            (part, 4, None, [taken(5), added(9)]),
            (part, 6, None, [None, None]), // left to the next whole run
            (part, 4, Some(6), [taken(5), added(9)]),
        ];
        for (repricing, seq, superseded_seq, expected) in cases {
            let book = WindowBook::new(due(5, Some(5)), &[], repricing);
            let moves = book.unit_moves(RowSeqs { seq, superseded_seq }, "a", "vm");
            assert_eq!(moves, expected, "{repricing:?} {seq} {superseded_seq:?}");
        }
    }
}

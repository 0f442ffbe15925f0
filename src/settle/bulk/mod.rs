//! Settling by sums: what was added up while files were taken in is added up across files, priced, and for windows that were
//! never settled written straight to charges.
//!
//! A holding's use of an hour goes one of three ways. In *bulk*: its line has a flat price, no discount, no voucher that
//! might pay for it, and nothing is posted; its charge is written from columns. As a *line*: everything else that sums
//! suffice for; the usual way prices it. By its *rows*: a price changes inside the hour or adds to single records, rows were
//! replaced, or rows of one holding differ in what they say beside use; `frames` counts those again.
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | which windows, accounts and skus go which way |
//! | `rate` | an hour's sums to bulk charges, and to lines |

mod plan;
mod rate;

pub(super) use plan::{Base, Beside, Plan, Scope};
pub(super) use rate::{AccountDue, ProductDue, RatedHour, UnderWay, rate_window, threads};

use super::Wish;
use super::load::{self, Knowledge};
use crate::books::Books;
use crate::failure::Failure;
use plan::is_summed;
use reckoner_core::rate::DueWindow;
use reckoner_core::table::SettleWindow;
use reckoner_core::time::Window;
use std::path::Path;
use std::sync::Arc;

/// Windows that were rated ahead of the batch that records them.
pub(super) struct Ready {
    pub plan: Arc<Plan>,
    pub beside: Beside,
    pub rated: Vec<RatedHour>,
}

impl Plan {
    /// Whether rating it ahead is worth a thread.
    pub fn is_large(&self) -> bool {
        self.base.held.holdings.len() >= rate::SPLIT_HOLDINGS
    }

    /// Rates its windows.
    pub fn rate(mut self, knowledge: &Knowledge, lake: &Path) -> Result<Ready, Failure> {
        let beside = std::mem::take(&mut self.beside);
        let rated = rate::rate(&self, knowledge, lake)?;
        Ok(Ready { plan: Arc::new(self), beside, rated })
    }
}

/// The windows that can be settled by sums, and the others.
pub(super) fn part(wish: &Wish, scope: &Scope, windows: Vec<DueWindow>) -> (Vec<DueWindow>, Vec<DueWindow>) {
    // Prices that count from now on move the units of every row: that is counted by rows.
    let may_sum = !wish.reprices() && !scope.partial_files.is_empty();
    windows.into_iter().partition(|due| may_sum && is_summed(due))
}

/// What can be rated ahead of a batch, while those before it are recorded: nothing that it reads is changed by that.
///
/// `base` is that of the batch begun before: batches of one day share it.
pub(super) fn ahead(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    due: &[DueWindow],
    base: &mut Option<Arc<Base>>,
) -> Result<Option<Plan>, Failure> {
    let Some(span) = load::span_of(due) else { return Ok(None) };
    let scope = Scope::load(books, span)?;
    let new = due.iter().filter(|due| due.kind == SettleWindow::Hour && due.settled_seq.is_none());
    let (by_sums, _) = part(wish, &scope, new.copied().collect());
    if by_sums.is_empty() {
        return Ok(None);
    }
    // A file that reaches into the day is opened for all of its hours.
    let day = Window::new(books.zone.day_containing(span.start).start, span.end.max(books.zone.day_containing(span.start).end));
    let files = books.store().partial_files(day)?;
    let (_, frozen) = load::frozen(books, wish, due)?;
    let base = match base {
        Some(base) if base.is_of(&files) => Arc::clone(base),
        _ => Arc::clone(base.insert(Base::load(books, wish, knowledge, &files, None)?)),
    };
    Plan::new(books, wish, knowledge, &scope, (by_sums, &frozen), None, base).map(Some)
}

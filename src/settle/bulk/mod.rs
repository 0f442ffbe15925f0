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
//! | `opening` | the sums of the first day, before anything else is known |
//! | `plan` | which windows, accounts and skus go which way |
//! | `rate` | an hour's sums to bulk charges, and to lines |

mod opening;
mod plan;
mod rate;

pub(super) use opening::Opening;
pub(super) use plan::{Base, Beside, Plan, Scope, open};
pub(super) use rate::{AccountDue, ProductDue, RatedHour, UnderWay, rate_window, threads};

use super::Wish;
use super::load::{self, Knowledge};
use crate::books::Books;
use crate::failure::Failure;
use plan::is_summed;
use reckoner_core::rate::DueWindow;
use reckoner_core::table::SettleWindow;
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
/// `base` is that of the batch begun before: batches of one day share it; the first finds its sums being opened.
pub(super) fn ahead(
    books: &Books,
    wish: &Wish,
    knowledge: &Knowledge,
    due: &[DueWindow],
    (base, opening): (&mut Option<Arc<Base>>, &mut Option<Opening>),
) -> Result<Option<Plan>, Failure> {
    let Some(span) = load::span_of(due) else { return Ok(None) };
    let scope = Scope::load(books, span)?;
    let new = due.iter().filter(|due| due.kind == SettleWindow::Hour && due.settled_seq.is_none());
    let (by_sums, _) = part(wish, &scope, new.copied().collect());
    if by_sums.is_empty() {
        return Ok(None);
    }
    let files = opening::files_around(books, span)?;
    let (_, frozen) = load::frozen(books, wish, due)?;
    let base = match base {
        Some(base) if base.is_of(&files) => Arc::clone(base),
        _ => {
            let opened = opening.take().filter(|opening| opening.is_of(&files)).map(Opening::wait).transpose()?;
            let held = opened.map_or_else(|| open(books, wish, &files, None), Ok)?;
            Arc::clone(base.insert(Base::of(books, knowledge, &files, held)?))
        }
    };
    Plan::new(books, wish, knowledge, &scope, (by_sums, &frozen), None, base).map(Some)
}

//! Rating ahead: while a batch is recorded, the windows of the next ones are rated by threads of their own, oldest first.

use super::Wish;
use super::bulk::{self, Base, Beside, Opening, Plan, RatedHour, Ready, UnderWay, rate_window};
use super::load::Knowledge;
use crate::books::Books;
use crate::failure::Failure;
use crate::priority::{Back, stand_back};
use reckoner_core::rate::DueWindow;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

/// The batches of a command, as far as they can be rated before it is their turn: nothing that rating them reads is changed
/// by recording those before them.
pub(super) struct Ahead<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    wish: &'e Wish,
    knowledge: &'e Knowledge,
    lake: PathBuf,
    batches: &'e [Vec<DueWindow>],
    /// The sums of the first day, being opened.
    opening: Option<Opening>,
    /// The sums of the day under way.
    base: Option<Arc<Base>>,
    /// What was begun of the batches whose turn is next, in their order.
    begun: VecDeque<Result<Option<Rating>, Failure>>,
    /// The batch to begin with next.
    next: usize,
    /// Begun with the first batch that is worth them.
    raters: Option<Raters>,
}

/// How many batches are begun beside the one whose turn it is: whoever records one for long finds the next ones rated.
const BATCHES_AHEAD: usize = 2;

enum Rating {
    UnderWay(UnderWayBatch),
    /// Too little to be worth a thread: rated when its turn comes.
    Small(Box<Plan>),
}

/// A batch whose windows are being rated.
struct UnderWayBatch {
    plan: Arc<Plan>,
    beside: Beside,
    rated: Receiver<Rated>,
}

/// What came of the window in this place.
type Rated = (usize, Result<RatedHour, Failure>);

impl UnderWayBatch {
    /// Waits for what comes of its windows; their charges may still be being written then.
    fn wait(self) -> Result<Ready, Failure> {
        let Self { plan, beside, rated } = self;
        let mut hours: Vec<Rated> = rated.iter().take(plan.due.len()).collect();
        if hours.len() < plan.due.len() {
            return Err(Failure::failed("a window was not rated to its end")); // its thread has panicked, which is told with it
        }
        hours.sort_by_key(|(place, _)| *place);
        let rated = hours.into_iter().map(|(_, hour)| hour).collect::<Result<_, _>>()?;
        Ok(Ready { plan, beside, rated })
    }
}

/// A window that waits for somebody to rate it.
struct Waiting {
    plan: Arc<Plan>,
    place: usize,
    rated: Sender<Rated>,
}

/// Threads that rate window after window, whatever batch they are of.
struct Raters {
    windows: Sender<Waiting>,
    /// Whether what waits is not wanted any more.
    is_over: Arc<AtomicBool>,
}

impl Raters {
    fn begin<'s, 'e>(scope: &'s Scope<'s, 'e>, knowledge: &'e Knowledge, lake: &Path) -> Self {
        let (windows, waiting) = channel::<Waiting>();
        let (waiting, is_over) = (Arc::new(Mutex::new(waiting)), Arc::new(AtomicBool::new(false)));
        let thread = || {
            let (waiting, is_over, lake) = (Arc::clone(&waiting), Arc::clone(&is_over), lake.to_owned());
            let next = move || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
            scope.spawn(move || {
                // Whoever records is the one that is alone in the end, and comes first until then.
                stand_back(Back::ALittle);
                let mut under_way = UnderWay::default();
                while let Some(Waiting { plan, place, rated }) = next().filter(|_| !is_over.load(Ordering::Relaxed)) {
                    // Whoever does not wait for it any more does not want it.
                    let tell = |hour| drop(rated.send((place, hour)));
                    rate_window((&plan, place), knowledge, &lake, &mut under_way, tell);
                }
            });
        };
        // One more than there are processors, for while one waits for the disk.
        (0..=bulk::threads()).for_each(|_| thread());
        Self { windows, is_over }
    }

    fn rate(&self, mut plan: Plan) -> UnderWayBatch {
        let beside = std::mem::take(&mut plan.beside);
        let (plan, (to_batch, rated)) = (Arc::new(plan), channel());
        for place in 0..plan.due.len() {
            // Where nobody takes it any more, all threads have panicked.
            drop(self.windows.send(Waiting { plan: Arc::clone(&plan), place, rated: to_batch.clone() }));
        }
        UnderWayBatch { plan, beside, rated }
    }
}

/// What was begun is not wanted any more; the scope waits for the threads.
impl Drop for Raters {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl<'s, 'e> Ahead<'s, 'e> {
    pub fn new(
        scope: &'s Scope<'s, 'e>,
        books: &Books,
        (wish, knowledge): (&'e Wish, &'e Knowledge),
        batches: &'e [Vec<DueWindow>],
        opening: Option<Opening>,
    ) -> Self {
        let (lake, begun) = (books.lake(), VecDeque::new());
        Self { scope, wish, knowledge, lake, batches, opening, base: None, begun, next: 0, raters: None }
    }

    /// What is ready of the batch whose turn it is; those after it are begun.
    pub fn take(&mut self, books: &Books) -> Result<Option<Ready>, Failure> {
        // A dry run records nothing that could be waited for.
        while self.begun.len() <= BATCHES_AHEAD && self.next < self.batches.len() && !self.wish.is_dry_run {
            // What is wrong with a later batch is said when those before it are recorded.
            let begun = self.begin(books);
            self.begun.push_back(begun);
        }
        let turn = self.begun.pop_front().transpose()?.flatten();
        match turn {
            None => Ok(None),
            Some(Rating::Small(plan)) => plan.rate(self.knowledge, &self.lake).map(Some),
            Some(Rating::UnderWay(batch)) => batch.wait().map(Some),
        }
    }

    /// Begins with the next batch, as far as anything of it can be rated.
    fn begin(&mut self, books: &Books) -> Result<Option<Rating>, Failure> {
        let due = &self.batches[self.next];
        self.next += 1;
        let Some(plan) = bulk::ahead(books, self.wish, self.knowledge, due, (&mut self.base, &mut self.opening))? else {
            return Ok(None);
        };
        if !plan.is_large() {
            return Ok(Some(Rating::Small(Box::new(plan))));
        }
        let raters = self.raters.get_or_insert_with(|| Raters::begin(self.scope, self.knowledge, &self.lake));
        Ok(Some(Rating::UnderWay(raters.rate(plan))))
    }
}

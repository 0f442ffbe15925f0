//! Rating ahead: while a batch is recorded, the next ones are rated by a thread of their own, one after the other.

use super::Wish;
use super::bulk::{self, Base, Plan, Ready};
use super::load::Knowledge;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::DueWindow;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};

/// The batches of a command, as far as they can be rated before it is their turn: nothing that rating them reads is changed
/// by recording those before them.
pub(super) struct Ahead<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    wish: &'e Wish,
    knowledge: &'e Knowledge,
    lake: PathBuf,
    batches: &'e [Vec<DueWindow>],
    /// The sums of the day under way.
    base: Option<Arc<Base>>,
    /// What was begun of the batches whose turn is next, in their order.
    begun: VecDeque<Result<Option<Rating<'s>>, Failure>>,
    /// The batch to begin with next.
    next: usize,
    turns: Arc<Turns>,
    /// Threads that were begun: each waits for its number.
    threads: usize,
}

/// Whose turn it is to be rated: two at once would only take each other's processors.
struct Turns {
    /// The number of the thread; nothing once none is wanted any more.
    of: Mutex<Option<usize>>,
    changed: Condvar,
}

/// The turn of one thread, until this is dropped.
struct Turn<'t> {
    turns: &'t Turns,
    number: usize,
}

impl Turns {
    fn from_first() -> Self {
        Self { of: Mutex::new(Some(0)), changed: Condvar::new() }
    }

    fn set(&self, next: impl FnOnce(Option<usize>) -> Option<usize>) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        *of = next(*of);
        self.changed.notify_all();
    }

    /// Waits for the turn of a thread; nothing where what it does is not wanted any more.
    fn wait_for(&self, number: usize) -> Option<Turn<'_>> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let is_later = |of: &mut Option<usize>| of.is_some_and(|of| of < number);
        let of = self.changed.wait_while(of, is_later).unwrap_or_else(PoisonError::into_inner);
        of.map(|_| Turn { turns: self, number })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.set(|of| of.map(|_| self.number + 1));
    }
}

/// Whoever waits for a turn then goes home: what was begun is not wanted any more.
impl Drop for Ahead<'_, '_> {
    fn drop(&mut self) {
        self.turns.set(|_| None);
    }
}

/// How many batches are begun beside the one whose turn it is: whoever records one for long finds the next ones rated.
const BATCHES_AHEAD: usize = 2;

enum Rating<'s> {
    /// It ends with nothing where it is not wanted any more.
    UnderWay(ScopedJoinHandle<'s, Result<Option<Ready>, Failure>>),
    /// Too little to be worth a thread: rated when its turn comes.
    Small(Box<Plan>),
}

impl<'s, 'e> Ahead<'s, 'e> {
    pub fn new(
        scope: &'s Scope<'s, 'e>,
        books: &Books,
        (wish, knowledge): (&'e Wish, &'e Knowledge),
        batches: &'e [Vec<DueWindow>],
    ) -> Self {
        Self {
            scope,
            wish,
            knowledge,
            lake: books.lake(),
            batches,
            base: None,
            begun: VecDeque::new(),
            next: 0,
            turns: Arc::new(Turns::from_first()),
            threads: 0,
        }
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
            Some(Rating::UnderWay(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        }
    }

    /// Begins with the next batch, as far as anything of it can be rated.
    fn begin(&mut self, books: &Books) -> Result<Option<Rating<'s>>, Failure> {
        let due = &self.batches[self.next];
        self.next += 1;
        let Some(plan) = bulk::ahead(books, self.wish, self.knowledge, due, &mut self.base)? else { return Ok(None) };
        if !plan.is_large() {
            return Ok(Some(Rating::Small(Box::new(plan))));
        }
        let (knowledge, lake, turns, number) = (self.knowledge, self.lake.clone(), Arc::clone(&self.turns), self.threads);
        self.threads += 1;
        Ok(Some(Rating::UnderWay(self.scope.spawn(move || {
            let Some(_turn) = turns.wait_for(number) else { return Ok(None) };
            plan.rate(knowledge, &lake).map(Some)
        }))))
    }
}

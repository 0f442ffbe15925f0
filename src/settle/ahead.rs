//! Rating ahead: while a batch is recorded, the next ones are rated by a thread of their own, one after the other.

use super::Wish;
use super::bulk::{self, Base, Plan, Ready};
use super::load::Knowledge;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::DueWindow;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
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
    begun: VecDeque<Option<Rating<'s>>>,
    /// The batch to begin with next.
    next: usize,
    /// Held by the batch that is rated: two at once would only take each other's processors.
    turn: Arc<Mutex<()>>,
}

/// How many batches are begun beside the one whose turn it is: whoever records one for long finds the next ones rated.
const BATCHES_AHEAD: usize = 2;

enum Rating<'s> {
    UnderWay(ScopedJoinHandle<'s, Result<Ready, Failure>>),
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
            turn: Arc::default(),
        }
    }

    /// What is ready of the batch whose turn it is; those after it are begun.
    pub fn take(&mut self, books: &Books) -> Result<Option<Ready>, Failure> {
        // A dry run records nothing that could be waited for.
        while self.begun.len() <= BATCHES_AHEAD && self.next < self.batches.len() && !self.wish.is_dry_run {
            let begun = self.begin(books)?;
            self.begun.push_back(begun);
        }
        let turn = self.begun.pop_front().flatten();
        match turn {
            None => Ok(None),
            Some(Rating::Small(plan)) => plan.rate(self.knowledge, &self.lake).map(Some),
            Some(Rating::UnderWay(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(Some),
        }
    }

    /// Begins with the next batch, as far as anything of it can be rated.
    fn begin(&mut self, books: &Books) -> Result<Option<Rating<'s>>, Failure> {
        let due = &self.batches[self.next];
        self.next += 1;
        let plan = bulk::ahead(books, self.wish, self.knowledge, due, &mut self.base)?;
        let (knowledge, lake, turn) = (self.knowledge, self.lake.clone(), Arc::clone(&self.turn));
        let rate = move |plan: Plan| {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            plan.rate(knowledge, &lake)
        };
        Ok(plan.map(|plan| match plan.is_large() {
            true => Rating::UnderWay(self.scope.spawn(move || rate(plan))),
            false => Rating::Small(Box::new(plan)),
        }))
    }
}

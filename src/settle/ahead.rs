//! Rating ahead: while a batch is recorded, the next one is rated by a thread of its own.

use super::Wish;
use super::bulk::{self, Base, Plan, Ready};
use super::load::Knowledge;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::DueWindow;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

/// Batches that are rated while one is recorded: more of them would take memory, and find no processor free.
const BATCHES_AHEAD: usize = 1;

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
    /// What was begun, from the batch whose turn is next.
    begun: VecDeque<Option<Rating<'s>>>,
    next: usize,
}

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
        Self { scope, wish, knowledge, lake: books.lake(), batches, base: None, begun: VecDeque::new(), next: 0 }
    }

    /// What is ready of the batch whose turn it is; those after it are begun.
    pub fn take(&mut self, books: &Books) -> Result<Option<Ready>, Failure> {
        self.begin(books, 1)?;
        let turn = self.begun.pop_front().flatten();
        self.begin(books, BATCHES_AHEAD)?;
        match turn {
            None => Ok(None),
            Some(Rating::Small(plan)) => plan.rate(self.knowledge, &self.lake).map(Some),
            Some(Rating::UnderWay(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(Some),
        }
    }

    /// Begins until so many are begun. A dry run records nothing that could be waited for.
    fn begin(&mut self, books: &Books, count: usize) -> Result<(), Failure> {
        while self.begun.len() < count && self.next < self.batches.len() {
            let plan = match self.wish.is_dry_run {
                true => None,
                false => bulk::ahead(books, self.wish, self.knowledge, &self.batches[self.next], &mut self.base)?,
            };
            let (knowledge, lake) = (self.knowledge, self.lake.clone());
            self.begun.push_back(plan.map(|plan| match plan.is_large() {
                true => Rating::UnderWay(self.scope.spawn(move || plan.rate(knowledge, &lake))),
                false => Rating::Small(Box::new(plan)),
            }));
            self.next += 1;
        }
        Ok(())
    }
}

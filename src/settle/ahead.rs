//! Rating ahead: while a batch is recorded, the next one is rated by a thread of its own.

use super::Wish;
use super::bulk::{self, Base, Plan, Ready};
use super::load::Knowledge;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::DueWindow;
use std::path::PathBuf;
use std::sync::Arc;
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
    /// What was begun of the batch whose turn is next.
    begun: Option<Rating<'s>>,
    /// The batch to begin with next.
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
        Self { scope, wish, knowledge, lake: books.lake(), batches, base: None, begun: None, next: 0 }
    }

    /// What is ready of the batch whose turn it is; the one after it is begun.
    pub fn take(&mut self, books: &Books) -> Result<Option<Ready>, Failure> {
        if self.next == 0 {
            self.begun = self.begin(books)?;
        }
        let turn = self.begun.take();
        self.begun = self.begin(books)?;
        match turn {
            None => Ok(None),
            Some(Rating::Small(plan)) => plan.rate(self.knowledge, &self.lake).map(Some),
            Some(Rating::UnderWay(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(Some),
        }
    }

    /// Begins with the next batch, as far as anything of it can be rated. A dry run records nothing that could be waited for.
    fn begin(&mut self, books: &Books) -> Result<Option<Rating<'s>>, Failure> {
        let Some(due) = self.batches.get(self.next).filter(|_| !self.wish.is_dry_run) else { return Ok(None) };
        self.next += 1;
        let plan = bulk::ahead(books, self.wish, self.knowledge, due, &mut self.base)?;
        let (knowledge, lake) = (self.knowledge, self.lake.clone());
        Ok(plan.map(|plan| match plan.is_large() {
            true => Rating::UnderWay(self.scope.spawn(move || plan.rate(knowledge, &lake))),
            false => Rating::Small(Box::new(plan)),
        }))
    }
}

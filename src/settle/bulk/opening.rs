//! The sums of the first day, opened while what a command knows is still being read: which files they are in follows from the
//! windows that are due alone.

use super::super::Wish;
use super::plan::{is_summed, of_deliveries, paths};
use super::rate::SPLIT_HOLDINGS;
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::DueWindow;
use reckoner_core::time::Window;
use reckoner_store::LakeFile;
use reckoner_tally::{Held, TallyError};
use std::thread::JoinHandle;

/// Sums being opened by a thread.
pub(in crate::settle) struct Opening {
    /// The files, by path.
    files: Vec<String>,
    /// There until somebody waits for it.
    held: Option<JoinHandle<Result<Held, TallyError>>>,
}

impl Opening {
    /// Begins with the sums of the first day, where all of them are wanted and they are worth a thread.
    pub fn begin(books: &Books, wish: &Wish, due: &[DueWindow]) -> Result<Option<Self>, Failure> {
        // What longer windows need is in other files, which are opened at their turn.
        let are_hours = due.iter().all(is_summed);
        let is_ahead = are_hours && !wish.is_partial() && !wish.is_dry_run && wish.rerun.is_none();
        let first = due.iter().find(|due| is_summed(due) && due.settled_seq.is_none()).filter(|_| is_ahead);
        let Some(first) = first else { return Ok(None) };
        let files = files_around(books, first.window)?;
        if files.iter().map(|file| file.rows).sum::<u64>() < SPLIT_HOLDINGS as u64 {
            return Ok(None);
        }
        let of_deliveries = of_deliveries(books, &files);
        Ok(Some(Self { files: paths(&files), held: Some(std::thread::spawn(move || Held::load(of_deliveries, None))) }))
    }

    /// Whether it is of these files.
    pub fn is_of(&self, files: &[LakeFile]) -> bool {
        self.files == paths(files)
    }

    /// The sums, once they are there.
    pub fn wait(mut self) -> Result<Held, Failure> {
        let held = self.held.take().expect("it is waited for once");
        Ok(held.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
    }
}

impl Drop for Opening {
    /// Whoever gives up, or opens other files, does not do so beside it.
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            drop(held.join());
        }
    }
}

/// Files of sums that reach into the billing day on which a time begins, or into the time: they are opened for all of their hours.
pub(super) fn files_around(books: &Books, span: Window) -> Result<Vec<LakeFile>, Failure> {
    let day = books.zone.day_containing(span.start);
    Ok(books.store().partial_files(Window::new(day.start, span.end.max(day.end)))?)
}

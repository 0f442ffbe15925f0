//! `runs`: what ran over which window, by run_id.

use super::{Batches, ByAccount, ExportTable, Selection, at_hand};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant, Integer, Text};

pub(super) static RUNS: ExportTable = ExportTable {
    name: "runs",
    columns: &[
        ("run_id", Id),
        ("job", Text),
        ("window_start", Instant),
        ("window_end", Instant),
        ("attempt", Integer),
        ("trigger", Text),
        ("actor", Text),
        ("status", Text),
        ("started_at", Instant),
        ("ended_at", Instant),
        ("rows_in", Integer),
        ("rows_out", Integer),
        ("rejected", Integer),
        ("postings", Integer),
        ("amount", Amount),
        ("reason", Text),
    ],
    by_account: ByAccount::No("a run settles a window for all of them"),
    rows,
};

fn rows<'a>(books: &'a Books, _: &Selection) -> Result<Batches<'a>, Failure> {
    let mut runs = books.store().runs()?;
    runs.sort_by(|a, b| a.run_id.cmp(&b.run_id));
    let rows = runs.into_iter().map(|run| {
        vec![
            run.run_id.into(),
            run.job.into(),
            run.window.start.into(),
            run.window.end.into(),
            run.attempt.into(),
            run.trigger.into(),
            run.actor.into(),
            run.status.into(),
            run.started_at.into(),
            run.ended_at.into(),
            run.rows_in.into(),
            run.rows_out.into(),
            run.rejected.into(),
            run.postings.into(),
            run.amount.into(),
            run.reason.into(),
        ]
    });
    Ok(at_hand(rows.collect()))
}

//! Failpoints: named places between the steps of ingest and of the hourly job where a test lets a command fail or die.
//!
//! Owns: the list of the places, and what happens at one. Does not own: what follows from a failure there.
//! Promises: an optimised build has none of them; passing one is nothing there.
//!
//! In a development build `RECKONER_FAILPOINT=settle.before_commit:error` lets the command end there with exit 1;
//! `:abort` ends the process on the spot, as a kill does; `:panic` is a broken invariant. `:error:2` lets two pass first.
//! What is not understood is passed by: the test that set it sees that nothing failed.

use crate::failure::Failure;

macro_rules! points {
    ($($point:ident $name:literal $meaning:literal,)+) => {
        /// A place between two steps.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point { $(#[doc = $meaning] $point),+ }

        impl Point {
            /// All of them, in the order in which data passes.
            pub const ALL: &'static [Self] = &[$(Self::$point),+];

            /// The name that tests use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$point => $name),+ }
            }
        }
    };
}

points! {
    IngestRawKept "ingest.raw_kept" "A delivered file's bytes are kept; nothing was read from them yet.",
    IngestRowFilePlaced "ingest.row_file_placed" "A file of accepted rows lies in the lake; nobody names it yet.",
    IngestBeforeRecord "ingest.before_record" "Everything that came of a delivery is known; none of it is recorded.",
    IngestAfterRecord "ingest.after_record" "A delivery is recorded; other files, or rows that waited for it, may follow.",
    SettleLoaded "settle.loaded" "What a batch needs is fetched.",
    SettleDecided "settle.decided" "What a batch posts is computed.",
    SettleChargeFilePlaced "settle.charge_file_placed" "A file of charges lies in the lake; nobody names it yet.",
    SettleBeforeCommit "settle.before_commit" "Every file of a batch is in place; its transaction has not begun.",
    SettleAfterCommit "settle.after_commit" "A batch is recorded; nobody was told.",
    SettleBetweenBatches "settle.between_batches" "The windows of one billing day are done; those of the next, or the frontier, follow.",
    SettleBeforeFrontier "settle.before_frontier" "Every window is done; that everything was looked at is not recorded.",
    SettleBeforeReceipt "settle.before_receipt" "Everything is recorded; the receipt was not handed back.",
}

/// Passes a point: goes on, unless a test said otherwise.
///
/// # Errors
/// Exit 1 where a test asked for it.
#[inline]
pub fn pass(point: Point) -> Result<(), Failure> {
    #[cfg(debug_assertions)]
    if let Some(way) = armed::met(point) {
        match way {
            armed::Way::Error => return Err(stopped(point)),
            armed::Way::Abort => std::process::abort(),
            armed::Way::Panic => panic!("stopped at the failpoint `{}`", point.name()),
        }
    }
    let _ = point;
    Ok(())
}

#[cfg(debug_assertions)]
fn stopped(point: Point) -> Failure {
    Failure::failed(format!("stopped at the failpoint `{}`", point.name())).hint("RECKONER_FAILPOINT asked for it; unset it")
}

#[cfg(debug_assertions)]
mod armed {
    use super::Point;
    use crate::env;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// How a command ends at a point.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Way {
        Error,
        Abort,
        Panic,
    }

    /// The one point that is armed, how it ends the command, and how often it is passed before.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Armed {
        pub point: Point,
        pub way: Way,
        pub passes: u64,
    }

    /// How the command ends here; nothing where it goes on.
    pub(super) fn met(point: Point) -> Option<Way> {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let armed = ARMED.get_or_init(|| read(&env::failpoint()?)).as_ref().filter(|armed| armed.point == point)?;
        (PASSED.fetch_add(1, Ordering::Relaxed) >= armed.passes).then_some(armed.way)
    }

    pub(super) fn read(text: &str) -> Option<Armed> {
        let mut parts = text.split(':');
        let name = parts.next()?;
        let point = *Point::ALL.iter().find(|point| point.name() == name)?;
        let way = match parts.next()? {
            "error" => Way::Error,
            "abort" => Way::Abort,
            "panic" => Way::Panic,
            _ => return None,
        };
        let passes = parts.next().map_or(Ok(0), str::parse).ok()?;
        Some(Armed { point, way, passes })
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::armed::{Armed, Way, read};
    use super::*;

    #[test]
    fn a_point_is_named_with_how_it_ends_the_command() {
        let point = Point::SettleLoaded;
        for (text, expected) in [
            ("settle.loaded:error", Some(Armed { point, way: Way::Error, passes: 0 })),
            ("settle.loaded:abort:2", Some(Armed { point, way: Way::Abort, passes: 2 })),
            ("settle.loaded:panic", Some(Armed { point, way: Way::Panic, passes: 0 })),
            ("settle.loaded", None),
            ("settle.loaded:sleep", None),
            ("settle.loaded:error:often", None),
            ("settle.load:error", None), // no such point
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}

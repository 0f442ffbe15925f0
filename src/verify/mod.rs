//! Verify: do the files, the charges, the payments and the ledger say the same?
//!
//! Owns: the list of checks, where each takes its two numbers from, what is said of them.
//! Does not own: the equations (`core::audit`), what usage deserves (`core::rate`, counted by `frames`), repairs: it changes
//! nothing of what it checks.
//! Promises: every number is compared with one that was come to in another way; a finding names the thing, both numbers and
//! the difference; large tables are read by billing day; it takes no lock and works while another command writes, on the
//! state at its start.
//!
//! `--full` starts at `raw/`: every delivered file is hashed and read again, row by row. Without it a delivered file and its
//! rows are hashed only until a green verify has seen them: the number of the newest delivery then is kept as the mark
//! [`VERIFIED_SEQ`]. Files of charges that were written with that same delivery may be newer, and are hashed again.
//!
//! Recounting takes the policy profile as it is now: one that was edited after use was settled shows as differences.

mod charges;
mod days;
mod files;
mod ledger;
mod orders;
mod payments;
mod raw;
mod report;
mod store;
mod tiers;
mod units;
mod usage;
mod windows;

pub use report::{Outcome, Report};

use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::progress::Progress;
use reckoner_core::time::{Instant, Window};
use std::collections::BTreeSet;
use std::time::Duration;

/// The mark that keeps the newest delivery that a green verify has seen.
pub const VERIFIED_SEQ: &str = "verified_seq";

/// All time.
const EVER: Window = Window::new(Instant::MIN, Instant::MAX);

macro_rules! checks {
    ($($check:ident $name:literal $meaning:literal,)+) => {
        /// Everything that is checked, in the order in which it is said. The name is `group.check`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check { $(#[doc = $meaning] $check),+ }

        impl Check {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$check),+];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$check => $name),+ }
            }

            /// What must hold.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$check => $meaning),+ }
            }
        }
    };
}

checks! {
    StoreIntegrity "store.integrity" "the database's pages are sound, references lead somewhere, append-only tables are guarded",
    StoreReadable "store.readable" "every value in the store can be read back",
    FilesRows "files.rows" "rows = accepted + duplicates + refused, for every delivered file",
    FilesAccounted "files.accounted" "what a file counts as accepted is there, and what it counts as refused is in quarantine",
    FilesRaw "files.raw" "every delivered file lies in raw/ under the hash of its bytes",
    FilesLake "files.lake" "every file of the lake's manifest is there with its length and hash",
    FilesReadable "files.readable" "every file of the lake can be read as what it is",
    FilesManifest "files.manifest" "a file of the lake has as many rows, and spans the time, that the manifest says",
    ChargesEquation "charges.equation" "due = list - discount - truncated",
    ChargesIdentity "charges.identity" "no two charges have one id",
    ChargesPrice "charges.price" "a charge is of the published price row that it names, in its account's currency",
    ChargesWindow "charges.window" "a charge lies in the window and month that it is settled with",
    ChargesSettled "charges.settled" "a settlement is its charges: account, month, currency, how many, and the sum of what is due",
    PaymentsSettlement "payments.settlement" "due = what the sources paid + outstanding, for every settlement",
    PaymentsLines "payments.lines" "what a settlement says that a source paid is the sum of its payment lines",
    PaymentsReference "payments.reference" "a payment line pays for a settlement, order or funds entry of its own account and currency",
    PaymentsOutstanding "payments.outstanding" "what is outstanding today is what became due less what was paid, taken back or given up",
    PaymentsVouchers "payments.vouchers" "what a voucher paid and got back is the sum of its lines, and never above its amount",
    PaymentsCredit "payments.credit" "the credit in use is the sum of the payment lines on credit",
    PaymentsRefunds "payments.refunds" "no source gets back more than it paid",
    OrdersCharges "orders.charges" "the amount of an order is the sum of what its charges make due; one that waits or was refused has none",
    OrdersPaid "orders.paid" "due = the payment lines of an order + what is open of it, of an account also after refunds",
    OrdersSources "orders.sources" "a payment line of an order is of its account and names the voucher that it is from",
    OrdersPeriods "orders.periods" "a paid period is its charge: order, time, sku, price and amount, and holds no more than that",
    OrdersWaiting "orders.waiting" "a refund that waits posts nothing: what was paid is what is kept, came back, and waits",
    OrdersVouchers "orders.vouchers" "a discount voucher is used by one order of its account, and took off what that order's charges say",
    LedgerLegs "ledger.legs" "the legs of every transaction sum to 0",
    LedgerBalance "ledger.balance" "all accounts together sum to 0, in every currency",
    LedgerWallets "ledger.wallets" "what the ledger owes an account is its wallet: cash and granted money, neither below 0",
    LedgerReceivables "ledger.receivables" "what an account owes in the ledger is what is outstanding and its credit in use",
    LedgerIncome "ledger.income" "income, deferred income and fees in the ledger are the sums of the charges, by product and mode",
    LedgerFunds "ledger.funds" "cash, vouchers, write-offs and suspense in the ledger are what funds and payments moved",
    UsageAccepted "usage.accepted" "the use that counts as accepted is that of the rows in force",
    UsageTouched "usage.touched" "every hour of an accepted or replaced row is known to have received it",
    UsageRecount "usage.recount" "what is posted is what the accepted rows deserve, line by line",
    UsageTiers "usage.tiers" "a month's tiered quantities are those posted, and its list amounts sum to their price, cut once",
    UsageSettled "usage.settled" "the use that counts as charged, zero-rated or minimum is that of the rows settled",
    UsageConservation "usage.conservation" "accepted = charged + zero-rated, wherever every window is settled",
    WindowsAligned "windows.aligned" "settled windows are hours, days and months of the billing zone and do not overlap",
    WindowsKnown "windows.known" "a window was first settled no later than last, and with nothing that is not delivered yet",
    WindowsOrder "windows.order" "no window was left open while a catch-up settled a later one",
    RawUsage "raw.usage" "every line of a delivered usage file is the accepted row made of it, a duplicate, or in quarantine",
    RawReference "raw.reference" "every line of a delivered reference file is the known row made of it, a duplicate, or in quarantine",
}

impl Check {
    /// The part of the name before the point.
    pub fn group(self) -> &'static str {
        self.name().split('.').next().unwrap_or_default()
    }

    /// Whether only `--full` makes it.
    pub fn is_full_only(self) -> bool {
        self.group() == "raw"
    }
}

/// Makes every check. What is wrong is in the report.
pub fn verify(books: &Books, is_full: bool, progress: &Progress) -> Report {
    let mut report = Report::new(is_full);
    store::check(books, &mut report);
    files::check(books, is_full, progress, &mut report);
    let income = days::check(books, progress, &mut report);
    units::check(books, progress, &mut report);
    let sums = ledger::sums(books, &mut report);
    let paid = payments::check(books, sums.as_ref(), &mut report);
    orders::check(books, &mut report);
    ledger::check(books, sums, paid, income, &mut report);
    windows::check(books, &mut report);
    if is_full {
        raw::check(books, progress, &mut report);
    }
    report
}

/// All time in slices that end with the billing days on which windows end: an instant at midnight is the day's that ends.
fn slices(books: &Books) -> Result<Vec<Window>, Failure> {
    let settled = books.store().settled_windows()?;
    let ends = settled.iter().map(|known| books.zone.day_containing(known.window.end.plus_seconds(-1)).end.plus_seconds(1));
    let ends: BTreeSet<Instant> = ends.chain([Instant::MAX]).collect();
    let starts = std::iter::once(Instant::MIN).chain(ends.iter().copied());
    Ok(starts.zip(ends.iter().copied()).map(|(start, end)| Window::new(start, end)).collect())
}

/// The newest delivery that a green verify has seen.
fn verified_seq(books: &Books) -> Result<Option<u64>, Failure> {
    // A mark that is no number is as good as none: then everything is hashed.
    Ok(books.store().mark(VERIFIED_SEQ)?.and_then(|text| text.parse().ok()))
}

/// Keeps what a green verify has seen, if nobody writes to the home just now, and hands back whether it did.
///
/// Verify must work where another command writes for hours, and where the home may only be read: then nothing is kept, and
/// the next verify hashes a little more.
pub fn keep_mark(caller: &Caller, seq: u64) -> bool {
    let caller = Caller { wait: Duration::ZERO, ..caller.clone() };
    let kept = || -> Result<(), Failure> {
        let mut books = Books::open(caller.write()?)?;
        if verified_seq(&books)?.is_none_or(|known| known < seq) {
            books.store_mut().set_mark(VERIFIED_SEQ, &seq.to_string())?;
        }
        Ok(())
    };
    kept().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Check::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), Check::ALL.len());
        let groups: Vec<&str> = Check::ALL.iter().map(|check| check.group()).collect();
        let mut distinct = groups.clone();
        distinct.dedup();
        let expected = ["store", "files", "charges", "payments", "orders", "ledger", "usage", "windows", "raw"];
        assert_eq!(distinct, expected, "a group's checks stand together, groups in the order in which data flows");
    }
}

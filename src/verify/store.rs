//! The store's own health.

use super::{Check, Report};
use crate::books::Books;
use reckoner_core::audit::Finding;

pub(super) fn check(books: &Books, report: &mut Report) {
    report.attempt(&[Check::StoreIntegrity], |report| {
        report.looked(Check::StoreIntegrity, 1);
        for sentence in books.store().integrity_findings()? {
            let (subject, law) = ("the store".to_owned(), Check::StoreIntegrity.meaning());
            report.found(
                Check::StoreIntegrity,
                Finding { subject, law, stated: "sound".to_owned(), computed: sentence, difference: String::new() },
            );
        }
        Ok(())
    });
}

//! What to do about a refused row: a sentence, and the commands that follow from it, ready to be typed.

use reckoner_core::table::TableKind;
use reckoner_store::QuarantineItem;

/// The next step for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToDo {
    /// For a person.
    pub text: String,
    /// What to type then, in order; empty where nothing is to be typed.
    pub commands: Vec<String>,
}

/// How an item leaves quarantine.
enum Way {
    /// The row is right, what it needed was not there: deliver that, then take the row again.
    Retry(Option<&'static str>),
    /// It will never be right as it was delivered: another row takes its place.
    Discard(&'static str),
}

/// What is to be done about an item, by how it stands and what is wrong with it.
pub(super) fn to_do(item: &QuarantineItem) -> ToDo {
    let id = &item.item_id;
    let again = || vec![format!("reckoner quarantine retry {id}")];
    match item.status.as_str() {
        "open" => {}
        "discarded" => {
            let text = "nothing: it was given up. Should that have been wrong, it can still be taken again as it was delivered";
            return ToDo { text: text.to_owned(), commands: again() };
        }
        _ => return ToDo { text: "nothing: it is settled and holds nothing up".to_owned(), commands: Vec::new() },
    }

    let is_usage = item.kind == TableKind::Usage.as_str();
    let (step, way) = step(item, is_usage);
    let catch_up = is_usage.then(|| "reckoner catch-up".to_owned());
    match way {
        Way::Retry(delivery) => {
            let commands = delivery.map(|file| format!("reckoner ingest {file}")).into_iter().chain(again()).chain(catch_up);
            let then = if is_usage { "; it settles as late usage with the next `reckoner catch-up`" } else { "" };
            ToDo { text: format!("{step}, then take this row again as it was delivered{then}"), commands: commands.collect() }
        }
        Way::Discard(because) => {
            let then = if is_usage { "; the new row settles as late usage with the next `reckoner catch-up`" } else { "" };
            let text = format!("{step}{then}; then give this item up, because as it was delivered it will never be right");
            ToDo { text, commands: vec![format!("reckoner quarantine discard {id} --reason '{because}'")] }
        }
    }
}

fn step(item: &QuarantineItem, is_usage: bool) -> (&'static str, Way) {
    match item.reason.as_str() {
        _ if item.line == 0 => ("have the file delivered again, whole: no row of it was taken", Way::Discard("delivered again")),
        "unknown_account" => ("deliver the account in an accounts file", Way::Retry(Some("accounts.csv"))),
        "unknown_sku" | "no_price" | "no_price_in_currency" => {
            ("deliver the price in a prices file", Way::Retry(Some("prices.csv")))
        }
        "in_the_future" => (
            "wait until it has happened (or, if the producer's clock was wrong, have it sent with the right time and discard this)",
            Way::Retry(None),
        ),
        "corrects_unknown" => (
            "wait for the record that it corrects: this row is taken by itself when that comes (or, if it never will, discard this)",
            Way::Retry(None),
        ),
        "conflicting_record" if is_usage => (
            "if the new content is right, have it sent in a new file with a higher revision; if both happened, with another \
             record_id",
            Way::Discard("sent again"),
        ),
        "edited_in_place" => {
            ("publish the row in a new file with a higher revision; the published one is kept", Way::Discard("published again"))
        }
        "before_epoch" => (
            "have it settled where use of that time is settled: windows begin at this home's epoch",
            Way::Discard("before the epoch"),
        ),
        "too_late" => ("retry it to settle it all the same, as late usage of its month (or discard it)", Way::Retry(None)),
        "after_end" | "after_release" => (
            "have what was used up to the end sent in a new file; if all of it is said to be later, find out what was really used",
            Way::Discard("after the end"),
        ),
        _ => ("have the row put right where it comes from, and sent in a new file", Way::Discard("sent again")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::quarantine::sample_item;
    use super::*;

    #[test]
    fn the_next_command_fits_the_fault() {
        // reason | line | table | status | the sentence has | what to type
        let retry = "reckoner quarantine retry q_1";
        let cases = [
            (
                "unknown_account",
                3,
                "usage",
                "open",
                "an accounts file",
                format!("reckoner ingest accounts.csv; {retry}; reckoner catch-up"),
            ),
            ("no_price", 3, "usage", "open", "a prices file", format!("reckoner ingest prices.csv; {retry}; reckoner catch-up")),
            ("unknown_account", 3, "vouchers", "open", "an accounts file", format!("reckoner ingest accounts.csv; {retry}")),
            ("in_the_future", 3, "usage", "open", "until it has happened", format!("{retry}; reckoner catch-up")),
            ("too_late", 3, "usage", "open", "all the same", format!("{retry}; reckoner catch-up")),
            (
                "negative_quantity",
                3,
                "usage",
                "open",
                "catch-up",
                "reckoner quarantine discard q_1 --reason 'sent again'".to_owned(),
            ),
            (
                "negative_amount",
                3,
                "prices",
                "open",
                "never be right",
                "reckoner quarantine discard q_1 --reason 'sent again'".to_owned(),
            ),
            (
                "conflicting_record",
                3,
                "usage",
                "open",
                "another record_id",
                "reckoner quarantine discard q_1 --reason 'sent again'".to_owned(),
            ),
            (
                "after_end",
                3,
                "usage",
                "open",
                "up to the end",
                "reckoner quarantine discard q_1 --reason 'after the end'".to_owned(),
            ),
            (
                "truncated",
                0,
                "usage",
                "open",
                "delivered again, whole",
                "reckoner quarantine discard q_1 --reason 'delivered again'".to_owned(),
            ),
            ("negative_quantity", 3, "usage", "discarded", "given up", retry.to_owned()), // also where the row is wrong: it says so again
            ("negative_quantity", 3, "usage", "retried", "nothing", String::new()),
            ("negative_quantity", 3, "usage", "superseded", "nothing", String::new()),
        ];
        for (reason, line, kind, status, piece, commands) in cases {
            let item = QuarantineItem {
                reason: reason.to_owned(),
                line,
                kind: kind.to_owned(),
                status: status.to_owned(),
                ..sample_item(None, None)
            };
            let to_do = to_do(&item);
            assert!(to_do.text.contains(piece), "{reason}: {}", to_do.text);
            assert_eq!(to_do.commands.join("; "), commands, "{reason} {status}");
            assert!(kind == "usage" || !to_do.text.contains("catch-up"), "{reason}");
        }
    }
}

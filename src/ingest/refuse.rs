//! Quarantine: what is kept of a refused row or file.

use super::take::Taken;
use reckoner_core::id;
use reckoner_core::number::Money;
use reckoner_core::table::Refusal;
use reckoner_core::time::Instant;
use reckoner_store::QuarantineItem;

/// The item of a refused row; `raw` is the row as delivered, column by column.
pub(super) fn row(
    taken: &Taken,
    kind: &str,
    (line, raw): (u64, Vec<(String, String)>),
    refusal: Refusal,
    at_risk: Money,
    as_of: Instant,
) -> QuarantineItem {
    let account = raw.iter().find(|(column, text)| column == "account_id" && !text.is_empty());
    QuarantineItem {
        item_id: item_id(taken, line),
        file_id: taken.file_id.clone(),
        file: taken.name.clone(),
        line,
        kind: kind.to_owned(),
        column: refusal.column,
        value: refusal.value,
        reason: refusal.reason.to_owned(),
        detail: refusal.detail,
        account_id: account.map(|(_, text)| text.clone()),
        raw,
        amount_at_risk: at_risk,
        status: "open".to_owned(),
        first_seen_at: as_of,
    }
}

/// The item of a file that is refused whole.
pub(super) fn file(taken: &Taken, kind: &str, reason: &str, detail: String, as_of: Instant) -> QuarantineItem {
    QuarantineItem {
        item_id: item_id(taken, 0),
        file_id: taken.file_id.clone(),
        file: taken.name.clone(),
        line: 0,
        kind: kind.to_owned(),
        column: None,
        value: None,
        reason: reason.to_owned(),
        detail,
        raw: Vec::new(),
        account_id: None,
        amount_at_risk: Money::ZERO,
        status: "open".to_owned(),
        first_seen_at: as_of,
    }
}

fn item_id(taken: &Taken, line: u64) -> String {
    let long = id::derive("q", &[&taken.file_id, &line.to_string()]);
    // Twelve hex digits are typed by people; a collision would be refused by the store, not overwritten.
    long.chars().take("q_".len() + 12).collect()
}

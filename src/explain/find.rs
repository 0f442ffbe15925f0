//! Which charge or settlement an id means. Its beginning is enough where it is long enough and nothing else begins so.

use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::Charge;
use reckoner_core::time::{Instant, Window};
use reckoner_frames::{ChargeFilter, read_charges};
use reckoner_store::SettlementRecord;

/// Characters after the kind that are enough to look for.
const ID_CHARS_MIN: usize = 6;
/// Ids that are shown where several begin alike.
const SHOWN: usize = 5;

/// What an id means.
pub(super) enum Meant {
    Charge(Box<Charge>),
    Settlement(Box<SettlementRecord>),
}

/// What the beginning of an id says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Charge,
    Settlement,
}

pub(super) fn find(books: &Books, id: &str) -> Result<Meant, Failure> {
    let kind = kind_of(id)?;
    let found = match kind {
        Kind::Charge => charges(books, id)?.into_iter().map(|charge| Meant::Charge(Box::new(charge))).collect::<Vec<_>>(),
        Kind::Settlement => {
            let found = books.store().settlements_named(id, SHOWN as u32 + 1)?;
            found.into_iter().map(|settlement| Meant::Settlement(Box::new(settlement))).collect()
        }
    };
    if let Some(exact) = found.iter().position(|meant| meant.id() == id) {
        return Ok(found.into_iter().nth(exact).expect("it was found there"));
    }
    match found.len() {
        1 => Ok(found.into_iter().next().expect("there is one")),
        0 => Err(unknown(id, kind)),
        _ => Err(ambiguous(id, &found)),
    }
}

impl Meant {
    fn id(&self) -> &str {
        match self {
            Self::Charge(charge) => &charge.charge_id,
            Self::Settlement(settlement) => &settlement.settlement_id,
        }
    }
}

fn kind_of(id: &str) -> Result<Kind, Failure> {
    let (kind, rest) = id.split_once('_').unwrap_or((id, ""));
    let kind = match kind {
        "ch" => Kind::Charge,
        "se" => Kind::Settlement,
        _ => return Err(not_explained(id, kind)),
    };
    if rest.len() < ID_CHARS_MIN {
        return Err(Failure::usage(format!("`{id}` is too short to be looked for"))
            .at("ID")
            .expected(format!("a whole id, or its kind and {ID_CHARS_MIN} characters or more"))
            .hint("`reckoner export charges` and `reckoner export settlements` show the ids"));
    }
    Ok(kind)
}

fn not_explained(id: &str, kind: &str) -> Failure {
    let hint = match kind {
        "q" => format!("`reckoner quarantine show {id}` says what an item is about"),
        "pay" => "`reckoner export payments` says in `paid_for` which settlement a payment is for; explain that".to_owned(),
        "run" | "tx" | "pr" => "`reckoner export runs` and `reckoner export ledger --format csv` show runs and transactions; \
                                a charge names its price row"
            .to_owned(),
        _ => "`reckoner export charges` and `reckoner export settlements` show the ids; `reckoner orders list` shows orders; bill lines are not there yet"
            .to_owned(),
    };
    Failure::usage(format!("`{id}` is not the id of a charge, a settlement or an order"))
        .at("ID")
        .expected("a charge_id (`ch_…`) or a settlement_id (`se_…`), or its beginning, or a whole order_id")
        .hint(hint)
}

fn unknown(id: &str, kind: Kind) -> Failure {
    let (noun, table) = match kind {
        Kind::Charge => ("charge", "charges"),
        Kind::Settlement => ("settlement", "settlements"),
    };
    Failure::usage(format!("there is no {noun} `{id}`"))
        .at("ID")
        .expected(format!("the id of a {noun} of this home, or its beginning"))
        .hint(format!("`reckoner export {table}` shows them; ids are in small letters"))
}

fn ambiguous(id: &str, found: &[Meant]) -> Failure {
    let mut shown: Vec<String> = found.iter().take(SHOWN).map(|meant| format!("`{}`", meant.id())).collect();
    if found.len() > SHOWN {
        shown.push("…".to_owned());
    }
    Failure::usage(format!("more than one id begins with `{id}`"))
        .at("ID")
        .expected("enough of the id to mean one")
        .hint(format!("they are {}", shown.join(", ")))
}

/// Nothing says on which day the charge is, so every file is looked through.
fn charges(books: &Books, id: &str) -> Result<Vec<Charge>, Failure> {
    let ever = Window::new(Instant::MIN, Instant::MAX);
    let filter = ChargeFilter { charge_id: Some(id.to_owned()), ..ChargeFilter::default() };
    let mut found = Vec::new();
    for file in books.store().charge_files(ever)? {
        found.extend(read_charges(&[books.lake_path(&file)], &filter)?);
        if found.len() > SHOWN || found.iter().any(|charge: &Charge| charge.charge_id == id) {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_is() {
        // id | what it may mean, or what the hint speaks of
        let cases = [
            ("ch_6b1f2a", "charge"),
            ("se_6b1f2a90c4d85e7712ab34cd56ef7890", "settlement"),
            ("ch_6b1f2", "the ids"), // five characters
            ("ch_", "the ids"),
            ("ch", "the ids"),
            ("q_3b638f6a066e", "quarantine show q_3b638f6a066e"),
            ("pay_3b638f6a066e", "paid_for"),
            ("tx_3b638f6a066e", "export ledger"),
            ("order-1", "not there yet"),
            ("", "not there yet"),
        ];
        for (id, expected) in cases {
            match kind_of(id) {
                Ok(Kind::Charge) => assert_eq!(expected, "charge"),
                Ok(Kind::Settlement) => assert_eq!(expected, "settlement"),
                Err(failure) => {
                    assert_eq!(failure.exit.code(), 2);
                    assert!(failure.hint.contains(expected), "{id}: {}", failure.hint);
                }
            }
        }
    }
}

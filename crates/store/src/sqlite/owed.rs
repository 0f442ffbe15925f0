//! Questions about what is outstanding: settlement by settlement, or as one amount an account.

use super::Answer;
use super::columns::{Columns, ask, ask_about, each};
use reckoner_core::number::Money;
use reckoner_core::pay::{OpenSettlement, Outstanding};
use reckoner_core::time::Instant;
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};

// The keys of settlements begin with the instant, so whoever asks about an account or an id looks there instant by instant:
// as many looks as there are ends of windows, however many accounts there are. It ends with a null.
macro_rules! instants_of {
    ($table:literal) => {
        concat!(
            "instants (at) AS (SELECT min(at) FROM ",
            $table,
            " UNION ALL SELECT (SELECT min(at) FROM ",
            $table,
            " AS later WHERE later.at > instants.at) FROM instants WHERE at IS NOT NULL)"
        )
    };
}
pub(super) use instants_of;

// The accounts and what is open of them; each question fills in how it finds the rows of these accounts.
macro_rules! open_settlements {
    ($lists:expr, $found:literal) => {
        concat!(
            "WITH RECURSIVE wanted (account_id) AS MATERIALIZED (SELECT value FROM json_each(?1)), ",
            $lists,
            "open (settlement_id, account_id, at, revision, billing_period, outstanding_e8) AS (
                SELECT s.settlement_id, s.account_id, s.at, s.revision, s.billing_period, o.outstanding_e8 FROM ",
            $found,
            " UNION ALL SELECT entry_id, account_id, at, 0, billing_period, outstanding_e8
                FROM wanted CROSS JOIN open_chargebacks USING (account_id))
            SELECT settlement_id, account_id, at, billing_period, outstanding_e8,
            coalesce((SELECT max(seq) FROM payments WHERE paid_for = settlement_id), 0) AS payment_lines
            FROM open ORDER BY at, account_id, revision"
        )
    };
}
const OPEN_SETTLEMENTS: &str = open_settlements!(
    concat!(instants_of!("open_settlements"), ", "),
    "instants CROSS JOIN wanted CROSS JOIN open_settlements AS o USING (at, account_id)
    CROSS JOIN settlements AS s USING (at, account_id, revision)"
);
/// The same where a look at every instant for every account would be more work than the whole table.
const OPEN_SETTLEMENTS_OF_MANY: &str = open_settlements!(
    "",
    "open_settlements AS o CROSS JOIN settlements AS s USING (at, account_id, revision)
    WHERE o.account_id IN (SELECT account_id FROM wanted)"
);
const OPEN_INSTANTS: &str =
    concat!("WITH RECURSIVE ", instants_of!("open_settlements"), " SELECT count(at) AS instants FROM instants");
/// Counts no further than it is asked to.
const OPEN_UP_TO: &str = "SELECT count(*) AS rows FROM (SELECT 1 FROM open_settlements LIMIT ?1)";
const OWED: &str = concat!(
    "WITH RECURSIVE wanted (account_id) AS MATERIALIZED (SELECT value FROM json_each(?1)), ",
    instants_of!("open_settlements"),
    " SELECT account_id, at, revision, outstanding_e8
    FROM instants CROSS JOIN wanted CROSS JOIN open_settlements USING (at, account_id)"
);
const EVERYTHING_OWED: &str = "SELECT account_id, at, revision, outstanding_e8 FROM open_settlements";
const OWED_BESIDE: &str = "SELECT account_id, entry_id, at, outstanding_e8
    FROM json_each(?1) AS wanted CROSS JOIN open_chargebacks ON account_id = wanted.value ORDER BY account_id, at, entry_id";
const SETTLEMENTS_AT: &str = "SELECT s.account_id, s.settlement_id FROM json_each(?1) AS wanted CROSS JOIN settlements AS s
    ON s.at = json_extract(wanted.value, '$[0]') AND s.account_id = json_extract(wanted.value, '$[1]')
    AND s.revision = json_extract(wanted.value, '$[2]')";

/// The questions that must not read a whole table.
#[cfg(test)]
pub(super) const QUESTIONS: &[&str] = &[OPEN_SETTLEMENTS, OPEN_INSTANTS, OWED, OWED_BESIDE, SETTLEMENTS_AT];

pub(super) fn open_settlements(connection: &Connection, account_ids: &[String]) -> Answer<Vec<(String, OpenSettlement)>> {
    let question = if are_many(connection, account_ids.len() as u64)? { OPEN_SETTLEMENTS_OF_MANY } else { OPEN_SETTLEMENTS };
    ask_about(connection, "open_settlements", question, account_ids, |columns| {
        let open = OpenSettlement {
            settlement_id: columns.text("settlement_id")?,
            at: columns.instant("at")?,
            billing_period: columns.text("billing_period")?,
            outstanding: columns.money("outstanding_e8")?,
            payment_lines: columns.small_count("payment_lines")?,
        };
        Ok((columns.text("account_id")?, open))
    })
}

/// Whether there are at least as many pairs of an account and an instant as there are rows.
fn are_many(connection: &Connection, accounts: u64) -> Answer<bool> {
    let count = |question, params: &[i64], name| {
        let counts = ask(connection, "open_settlements", question, rusqlite::params_from_iter(params), |row| row.count(name))?;
        Answer::Ok(counts.into_iter().sum::<u64>())
    };
    let pairs = accounts.saturating_mul(count(OPEN_INSTANTS, &[], "instants")?);
    let most = i64::try_from(pairs).unwrap_or(i64::MAX).saturating_add(1);
    Ok(count(OPEN_UP_TO, &[most], "rows")? <= pairs)
}

/// What is outstanding of an account, while it is added up.
#[derive(Default)]
struct Owed {
    amount: Money,
    /// The oldest settlement, by its instant and revision.
    settlement: Option<(Instant, u32)>,
    /// The oldest of a chargeback or an order: its instant and id.
    beside: Option<(Instant, String)>,
}

pub(super) fn outstanding(connection: &Connection, account_ids: &[String]) -> Answer<Vec<(String, Outstanding)>> {
    let mut owed: HashMap<&str, Owed> = account_ids.iter().map(|account_id| (account_id.as_str(), Owed::default())).collect();
    let mut add = |columns: &Columns| -> Answer<()> {
        if let Some(owed) = owed.get_mut(columns.text_ref("account_id")?) {
            let place = (columns.instant("at")?, columns.small_count("revision")?);
            owed.amount += columns.money("outstanding_e8")?;
            owed.settlement = Some(owed.settlement.map_or(place, |oldest| oldest.min(place)));
        }
        Ok(())
    };
    let distinct: BTreeSet<&String> = account_ids.iter().collect();
    match are_many(connection, distinct.len() as u64)? {
        true => each(connection, "open_settlements", EVERYTHING_OWED, [], add)?,
        false => ask_about(connection, "open_settlements", OWED, account_ids, &mut add).map(drop)?,
    }
    ask_about(connection, "open_chargebacks", OWED_BESIDE, account_ids, |columns| {
        let owed = owed.get_mut(columns.text_ref("account_id")?).expect("it was asked for");
        owed.amount += columns.money("outstanding_e8")?;
        if owed.beside.is_none() {
            owed.beside = Some((columns.instant("at")?, columns.text("entry_id")?));
        }
        Ok(())
    })?;
    let oldest: Vec<(i64, &str, u32)> = owed
        .iter()
        .filter_map(|(account_id, owed)| owed.settlement.map(|(at, revision)| (at.seconds(), *account_id, revision)))
        .collect();
    let named = ask_about(connection, "settlements", SETTLEMENTS_AT, &oldest, |columns| {
        Ok((columns.text("account_id")?, columns.text("settlement_id")?))
    })?;
    let mut named: HashMap<String, String> = named.into_iter().collect();
    let of_account = |account_id: &String| {
        let Owed { amount, settlement, beside } = owed.remove(account_id.as_str())?;
        let settlement = settlement.and_then(|(at, _)| Some((at, named.remove(account_id)?)));
        // At one instant settlements come before chargebacks.
        let (at, settlement_id) = [settlement, beside].into_iter().flatten().min_by_key(|(at, _)| *at)?;
        Some((account_id.clone(), Outstanding { settlement_id, at, amount }))
    };
    Ok(distinct.into_iter().filter_map(of_account).collect())
}

//! Where accounts stand, and where they stood.

use super::Answer;
use super::columns::{Columns, ask, ask_about};
use super::insert::{BulkInsert, Insert, Values};
use super::lake::bounds;
use crate::{AccountStanding, StandingInterval};
use reckoner_core::life::Standing;
use reckoner_core::time::{Instant, Window};
use rusqlite::Connection;
use std::collections::HashMap;

macro_rules! standings {
    ($which:literal) => {
        concat!(
            "SELECT account_id, status, since, grace_until, retention_until, life_at, next_at FROM account_standings ",
            $which,
            " ORDER BY account_id"
        )
    };
}
const OF: &str = standings!("WHERE account_id IN (SELECT value FROM json_each(?1))");
const ALL: &str = standings!("");
const INTERVALS: &str = "SELECT account_id, starts_at, ends_at, status FROM standing_intervals
        INDEXED BY standing_intervals_by_end WHERE ends_at > ?1 AND starts_at < ?2
    UNION ALL SELECT account_id, starts_at, ends_at, status FROM standing_intervals
        INDEXED BY standing_intervals_by_end WHERE ends_at IS NULL AND starts_at < ?2
    ORDER BY account_id, starts_at";
const RELEASED: &str = "SELECT account_id, starts_at, ends_at, status FROM standing_intervals
    INDEXED BY standing_intervals_released WHERE status = 'released' ORDER BY account_id, starts_at";
const OPEN: &str = "SELECT i.account_id, i.starts_at, i.ends_at, i.status
    FROM json_each(?1) AS wanted CROSS JOIN standing_intervals AS i INDEXED BY standing_intervals_open
    ON i.account_id = wanted.value WHERE i.ends_at IS NULL";

/// The questions that must not read a whole table.
#[cfg(test)]
pub(super) const QUESTIONS: &[&str] = &[OF, INTERVALS, OPEN];

pub(super) fn of(connection: &Connection, account_ids: &[String]) -> Answer<Vec<AccountStanding>> {
    ask_about(connection, "account_standings", OF, account_ids, read_standing)
}

pub(super) fn all(connection: &Connection) -> Answer<Vec<AccountStanding>> {
    ask(connection, "account_standings", ALL, [], read_standing)
}

fn read_standing(columns: &Columns) -> Answer<AccountStanding> {
    let standing = Standing {
        account_id: columns.text("account_id")?,
        status: columns.word("status")?,
        since: columns.instant("since")?,
        grace_until: columns.instant_if_any("grace_until")?,
        retention_until: columns.instant_if_any("retention_until")?,
        life_at: columns.instant("life_at")?,
    };
    Ok(AccountStanding { standing, next_at: columns.instant_if_any("next_at")? })
}

pub(super) fn intervals(connection: &Connection, touching: Window) -> Answer<Vec<StandingInterval>> {
    ask(connection, "standing_intervals", INTERVALS, bounds(touching), read_interval)
}

pub(super) fn released(connection: &Connection) -> Answer<Vec<StandingInterval>> {
    ask(connection, "standing_intervals", RELEASED, [], read_interval)
}

fn read_interval(columns: &Columns) -> Answer<StandingInterval> {
    Ok(StandingInterval {
        account_id: columns.text("account_id")?,
        status: columns.word("status")?,
        starts_at: columns.instant("starts_at")?,
        ends_at: columns.instant_if_any("ends_at")?,
    })
}

/// Where accounts stand now; of an account that moved several times, one after the other.
pub(super) fn put(connection: &Connection, standings: &[AccountStanding]) -> Answer<()> {
    put_intervals(connection, standings)?;
    // All of its columns are given: to change a row of such a table, SQLite would make a table of its own each time.
    let into = "account_standings (account_id, status, since, grace_until, retention_until, life_at, next_at)";
    let give = |values: &mut Values<'_, '_, '_>, AccountStanding { standing, next_at }: &AccountStanding| {
        values.give(&standing.account_id)?;
        values.give(standing.status.as_str())?;
        values.give(standing.since.seconds())?;
        values.give(standing.grace_until.map(Instant::seconds))?;
        values.give(standing.retention_until.map(Instant::seconds))?;
        values.give(standing.life_at.seconds())?;
        values.give(next_at.map(Instant::seconds))
    };
    BulkInsert::replacing(connection, "standing", into).run(standings, give, |known| known.standing.account_id.clone())
}

/// An account that comes to stand elsewhere leaves where it stood at that instant. A time of no length leaves no trace.
fn put_intervals(connection: &Connection, standings: &[AccountStanding]) -> Answer<()> {
    let account_ids: Vec<&str> = standings.iter().map(|known| known.standing.account_id.as_str()).collect();
    let open = ask_about(connection, "standing_intervals", OPEN, &account_ids, read_interval)?;
    let open: HashMap<&str, &StandingInterval> = open.iter().map(|open| (open.account_id.as_str(), open)).collect();
    let (mut begun, mut latest): (Vec<StandingInterval>, HashMap<&str, usize>) = (Vec::new(), HashMap::new());
    for AccountStanding { standing: Standing { account_id, status, since, .. }, .. } in standings {
        let here = StandingInterval { account_id: account_id.clone(), status: *status, starts_at: *since, ends_at: None };
        let before = latest.get(account_id.as_str()).map(|place| &mut begun[*place]);
        match (before, open.get(account_id.as_str())) {
            (Some(before), _) if *before == here => continue,
            (Some(before), _) if before.starts_at == *since => {
                *before = here;
                continue;
            }
            (Some(before), _) => before.ends_at = Some(*since),
            (None, Some(open)) if **open == here => continue,
            (None, Some(open)) => leave(connection, open, *since)?,
            (None, None) => {}
        }
        latest.insert(account_id, begun.len());
        begun.push(here);
    }
    let give = |values: &mut Values<'_, '_, '_>, interval: &StandingInterval| {
        values.give(&interval.account_id)?;
        values.give(interval.starts_at.seconds())?;
        values.give(interval.ends_at.map(Instant::seconds))?;
        values.give(interval.status.as_str())
    };
    let into = "standing_intervals (account_id, starts_at, ends_at, status)";
    BulkInsert::new(connection, "standing", into).run(&begun, give, |interval| interval.account_id.clone())
}

fn leave(connection: &Connection, open: &StandingInterval, at: Instant) -> Answer<()> {
    let sql = match open.starts_at == at {
        true => "DELETE FROM standing_intervals WHERE account_id = ?1 AND starts_at = ?2",
        false => "UPDATE standing_intervals SET ends_at = ?2 WHERE account_id = ?1 AND ends_at IS NULL",
    };
    Insert::new(connection, "standing", sql)?.run((&open.account_id, at.seconds()), || open.account_id.clone())?;
    Ok(())
}

//! Where accounts stand, and where they stood.

use super::Answer;
use super::columns::{Columns, ask, ask_about};
use super::insert::Insert;
use super::lake::bounds;
use crate::{AccountStanding, StandingInterval};
use reckoner_core::life::Standing;
use reckoner_core::time::{Instant, Window};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

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

/// The questions that must not read a whole table.
#[cfg(test)]
pub(super) const QUESTIONS: &[&str] = &[OF, INTERVALS];

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

pub(super) fn put(connection: &Connection, standings: &[AccountStanding]) -> Answer<()> {
    let mut intervals = Intervals::new(connection)?;
    // All of its columns are given: to change a row of such a table, SQLite would make a table of its own each time.
    let sql = "INSERT OR REPLACE INTO account_standings
        (account_id, status, since, grace_until, retention_until, life_at, next_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut put = Insert::new(connection, "standing", sql)?;
    for AccountStanding { standing, next_at } in standings {
        intervals.put(standing)?;
        let params = (
            &standing.account_id,
            standing.status.as_str(),
            standing.since.seconds(),
            standing.grace_until.map(Instant::seconds),
            standing.retention_until.map(Instant::seconds),
            standing.life_at.seconds(),
            next_at.map(Instant::seconds),
        );
        put.run(params, || standing.account_id.clone())?;
    }
    Ok(())
}

/// Where accounts stood, and when.
struct Intervals<'c> {
    open: CachedStatement<'c>,
    remove: Insert<'c>,
    end: Insert<'c>,
    begin: Insert<'c>,
}

impl<'c> Intervals<'c> {
    fn new(connection: &'c Connection) -> Answer<Self> {
        let change = |sql: &str| Insert::new(connection, "standing", sql);
        let open = "SELECT starts_at, status FROM standing_intervals WHERE account_id = ?1 AND ends_at IS NULL";
        Ok(Self {
            open: connection.prepare_cached(open)?,
            remove: change("DELETE FROM standing_intervals WHERE account_id = ?1 AND starts_at = ?2")?,
            end: change("UPDATE standing_intervals SET ends_at = ?2 WHERE account_id = ?1 AND ends_at IS NULL")?,
            begin: change("INSERT INTO standing_intervals (account_id, starts_at, status) VALUES (?1, ?2, ?3)")?,
        })
    }

    /// An account that comes to stand elsewhere leaves where it stood at that instant. A time of no length leaves no trace.
    fn put(&mut self, standing: &Standing) -> Answer<()> {
        let (account_id, status, since) = (&standing.account_id, standing.status.as_str(), standing.since.seconds());
        let as_found = |row: &Row<'_>| Ok((row.get(0)?, row.get_ref(1)?.as_str()? == status));
        let open: Option<(i64, bool)> = self.open.query_row([account_id], as_found).optional()?;
        if open == Some((since, true)) {
            return Ok(());
        }
        if let Some((starts_at, _)) = open {
            let change = if starts_at == since { &mut self.remove } else { &mut self.end };
            change.run((account_id, since), || account_id.clone())?;
        }
        self.begin.run((account_id, since, status), || account_id.clone())?;
        Ok(())
    }
}

//! What is shown and checked: runs, quarantine, the accounting of use, marks, the database's own health.

use super::Answer;
use super::columns::{Columns, ask, each};
use super::insert::{BulkInsert, Insert, Values, e12, int, json};
use super::lake::bounds;
use crate::{QuarantineDecision, QuarantineItem, RunRecord, StoreError, UsageAccounting};
use reckoner_core::number::{AmountOverflow, Quantity};
use reckoner_core::time::Window;
use rusqlite::{Connection, OptionalExtension};

const RUNS: &str = "SELECT run_id, job, window_start, window_end, attempt, \"trigger\", actor, status, started_at, ended_at,
    rows_in, rows_out, rejected, postings, amount_e8, reason, inputs FROM runs ORDER BY ordinal";
const QUARANTINE: &str = "SELECT item_id, file_id, file, line, kind, \"column\", value, reason, detail, raw, account_id,
    amount_at_risk_e8, status, first_seen_at FROM quarantine JOIN quarantine_states USING (item_id) ORDER BY item_id";
const USAGE_ACCOUNTING: &str = "SELECT hour, account_id, sku, unit, accepted_e12, charged_e12, zero_rated_e12, duplicate_e12,
    quarantined_e12, minimum_e12 FROM usage_accounting
    WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, account_id, sku, unit";
/// Tables whose rows are only ever added; each has two triggers that see to it.
pub(super) const APPEND_ONLY: [&str; 27] = [
    "commits",
    "input_files",
    "accounts",
    "products",
    "prices",
    "discounts",
    "vouchers",
    "funds",
    "superseded_rows",
    "settlements",
    "payments",
    "transactions",
    "legs",
    "runs",
    "quarantine",
    "usage_accounting",
    "bookmarks",
    "window_orders",
    "quarantine_decisions",
    "replacements",
    "manifests",
    "manifest_names",
    "manifest_checks",
    "orders",
    "order_approvals",
    "order_charges",
    "life_events",
];

pub(super) fn latest_commit(connection: &Connection) -> Answer<u64> {
    let question = "SELECT COALESCE(MAX(ordinal), 0) AS ordinal FROM commits";
    let answers = ask(connection, "commits", question, [], |columns| columns.count("ordinal"))?;
    Ok(answers.into_iter().sum())
}

pub(super) fn runs(connection: &Connection) -> Answer<Vec<RunRecord>> {
    ask(connection, "runs", RUNS, [], |columns| {
        Ok(RunRecord {
            run_id: columns.text("run_id")?,
            job: columns.text("job")?,
            window: columns.window("window_start", "window_end")?,
            attempt: columns.small_count("attempt")?,
            trigger: columns.text("trigger")?,
            actor: columns.text("actor")?,
            status: columns.text("status")?,
            started_at: columns.instant("started_at")?,
            ended_at: columns.instant("ended_at")?,
            rows_in: columns.count("rows_in")?,
            rows_out: columns.count("rows_out")?,
            rejected: columns.count("rejected")?,
            postings: columns.count("postings")?,
            amount: columns.money("amount_e8")?,
            reason: columns.text_if_any("reason")?,
            inputs: columns.text("inputs")?,
        })
    })
}

pub(super) fn add_runs(connection: &Connection, runs: &[RunRecord]) -> Answer<()> {
    let sql = "INSERT INTO runs (run_id, job, window_start, window_end, attempt, \"trigger\", actor, status, started_at,
        ended_at, rows_in, rows_out, rejected, postings, amount_e8, reason, inputs)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    let mut insert = Insert::new(connection, "run", sql)?;
    for run in runs {
        let (start, end) = bounds(run.window);
        let params = rusqlite::params![
            run.run_id,
            run.job,
            start,
            end,
            run.attempt,
            run.trigger,
            run.actor,
            run.status,
            run.started_at.seconds(),
            run.ended_at.seconds(),
            int(run.rows_in),
            int(run.rows_out),
            int(run.rejected),
            int(run.postings),
            run.amount.e8(),
            run.reason,
            run.inputs
        ];
        insert.run(params, || run.run_id.clone())?;
    }
    Ok(())
}

/// A failed attempt settled nothing, so it must not look as if it had.
pub(super) fn add_failed_run(connection: &Connection, run: &RunRecord) -> Answer<()> {
    let is_empty = run.rows_out == 0 && run.postings == 0 && run.amount.is_zero();
    if run.status != "failed" || !is_empty {
        let rule = format!("it is `{}` with {} charges, expected `failed` with none", run.status, run.rows_out);
        return Err(StoreError::Impossible { what: "failed run", id: run.run_id.clone(), rule });
    }
    add_runs(connection, std::slice::from_ref(run))
}

pub(super) fn quarantine(connection: &Connection) -> Answer<Vec<QuarantineItem>> {
    ask(connection, "quarantine", QUARANTINE, [], |columns| {
        Ok(QuarantineItem {
            item_id: columns.text("item_id")?,
            file_id: columns.text("file_id")?,
            file: columns.text("file")?,
            line: columns.count("line")?,
            kind: columns.text("kind")?,
            column: columns.text_if_any("column")?,
            value: columns.text_if_any("value")?,
            reason: columns.text("reason")?,
            detail: columns.text("detail")?,
            raw: columns.json("raw")?,
            account_id: columns.text_if_any("account_id")?,
            amount_at_risk: columns.money("amount_at_risk_e8")?,
            status: columns.text("status")?,
            first_seen_at: columns.instant("first_seen_at")?,
        })
    })
}

pub(super) fn add_quarantine(connection: &Connection, items: &[QuarantineItem]) -> Answer<()> {
    let sql = "INSERT INTO quarantine (item_id, file_id, file, line, kind, \"column\", value, reason, detail, raw, account_id,
        amount_at_risk_e8, first_seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let mut insert = Insert::new(connection, "quarantine item", sql)?;
    let sql = "INSERT INTO quarantine_states (item_id, status) VALUES (?1, ?2)";
    let mut insert_state = Insert::new(connection, "quarantine item", sql)?;
    for item in items {
        let id = || item.item_id.clone();
        let params = (
            &item.item_id,
            &item.file_id,
            &item.file,
            int(item.line),
            &item.kind,
            &item.column,
            &item.value,
            &item.reason,
            &item.detail,
            json(&item.raw),
            &item.account_id,
            item.amount_at_risk.e8(),
            item.first_seen_at.seconds(),
        );
        insert.run(params, id)?;
        insert_state.run((&item.item_id, &item.status), id)?;
    }
    Ok(())
}

pub(super) fn resolve_items(connection: &Connection, items: &[(String, String)]) -> Answer<()> {
    let sql = "UPDATE quarantine_states SET status = ?2 WHERE item_id = ?1";
    let mut put = Insert::new(connection, "quarantine item", sql)?;
    for (item_id, status) in items {
        if put.run((item_id, status), || item_id.clone())? == 0 {
            return Err(StoreError::Missing { what: "quarantine item", id: item_id.clone() });
        }
    }
    Ok(())
}

pub(super) fn quarantine_decisions(connection: &Connection) -> Answer<Vec<QuarantineDecision>> {
    let question = "SELECT ordinal, item_id, status, became, reason, actor, at, seq FROM quarantine_decisions ORDER BY ordinal";
    ask(connection, "quarantine_decisions", question, [], |columns| {
        Ok(QuarantineDecision {
            item_id: columns.text("item_id")?,
            status: columns.text("status")?,
            became: columns.text_if_any("became")?,
            reason: columns.text_if_any("reason")?,
            actor: columns.text("actor")?,
            at: columns.instant("at")?,
            seq: columns.count("seq")?,
        })
    })
}

pub(super) fn add_decisions(connection: &Connection, decisions: &[QuarantineDecision], seq: u64) -> Answer<()> {
    let sql = "INSERT INTO quarantine_decisions (item_id, status, became, reason, actor, at, seq)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = Insert::new(connection, "quarantine decision", sql)?;
    for decision in decisions {
        let QuarantineDecision { item_id, status, became, reason, actor, at, .. } = decision;
        insert.run((item_id, status, became, reason, actor, at.seconds(), int(seq)), || item_id.clone())?;
    }
    Ok(())
}

pub(super) fn used_skus(connection: &Connection, within: Window) -> Answer<Vec<(String, String)>> {
    let question =
        "SELECT DISTINCT account_id, sku FROM usage_accounting WHERE hour >= ?1 AND hour < ?2 ORDER BY account_id, sku";
    ask(connection, "usage_accounting", question, bounds(within), |columns| {
        Ok((columns.text("account_id")?, columns.text("sku")?))
    })
}

/// Sums what was added for each key. Quantities pass 64 bits, so the sum is made here; the key's order makes it a fold.
pub(super) fn usage_accounting(connection: &Connection, within: Window) -> Answer<Vec<UsageAccounting>> {
    let mut sums: Vec<UsageAccounting> = Vec::new();
    each(connection, "usage_accounting", USAGE_ACCOUNTING, bounds(within), |columns| {
        let part = read_accounting(columns)?;
        match sums.last_mut() {
            Some(sum) if key(sum) == key(&part) => add_up(sum, &part).map_err(|AmountOverflow| StoreError::Overflow {
                table: "usage_accounting",
                key: format!("{} {} {}", part.hour.to_utc_text(), part.account_id, part.sku),
            })?,
            _ => sums.push(part),
        }
        Ok(())
    })?;
    Ok(sums)
}

fn read_accounting(columns: &Columns) -> Answer<UsageAccounting> {
    Ok(UsageAccounting {
        hour: columns.instant("hour")?,
        account_id: columns.text("account_id")?,
        sku: columns.text("sku")?,
        unit: columns.text("unit")?,
        accepted: columns.quantity("accepted_e12")?,
        charged: columns.quantity("charged_e12")?,
        zero_rated: columns.quantity("zero_rated_e12")?,
        duplicate: columns.quantity("duplicate_e12")?,
        quarantined: columns.quantity("quarantined_e12")?,
        minimum: columns.quantity("minimum_e12")?,
    })
}

fn key(part: &UsageAccounting) -> (i64, &str, &str, &str) {
    (part.hour.seconds(), &part.account_id, &part.sku, &part.unit)
}

fn add_up(sum: &mut UsageAccounting, part: &UsageAccounting) -> Result<(), AmountOverflow> {
    let pairs: [(&mut Quantity, Quantity); 6] = [
        (&mut sum.accepted, part.accepted),
        (&mut sum.charged, part.charged),
        (&mut sum.zero_rated, part.zero_rated),
        (&mut sum.duplicate, part.duplicate),
        (&mut sum.quarantined, part.quarantined),
        (&mut sum.minimum, part.minimum),
    ];
    for (total, more) in pairs {
        *total = total.plus(more)?;
    }
    Ok(())
}

/// Adds rows under the commit that brings them, in the order of their keys; a key may come more than once.
pub(super) fn add_accounting(connection: &Connection, parts: &[UsageAccounting], ordinal: i64) -> Answer<()> {
    let mut placed: Vec<(i64, &UsageAccounting)> = (1..).zip(parts).collect();
    placed.sort_by(|(_, a), (_, b)| key(a).cmp(&key(b)));
    let into = "usage_accounting (hour, account_id, sku, unit, source, place, accepted_e12, charged_e12, zero_rated_e12,
        duplicate_e12, quarantined_e12, minimum_e12)";
    let give = |values: &mut Values, (place, part): &(i64, &UsageAccounting)| {
        values.give(part.hour.seconds())?;
        values.give(&part.account_id)?;
        values.give(&part.sku)?;
        values.give(&part.unit)?;
        values.give(ordinal)?;
        values.give(place)?;
        let quantities = [part.accepted, part.charged, part.zero_rated, part.duplicate, part.quarantined, part.minimum];
        quantities.into_iter().try_for_each(|quantity| match quantity.is_zero() {
            true => values.give("0"),
            false => values.give(e12(quantity)),
        })
    };
    let id = |(_, part): &(i64, &UsageAccounting)| format!("{} {} {}", part.hour.to_utc_text(), part.account_id, part.sku);
    BulkInsert::new(connection, "usage accounting", into).run(&placed, give, id)
}

pub(super) fn mark(connection: &Connection, name: &str) -> Answer<Option<String>> {
    let question = "SELECT value FROM marks WHERE name = ?1";
    Ok(connection.prepare_cached(question)?.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn put_mark(connection: &Connection, name: &str, value: &str) -> Answer<()> {
    let sql = "INSERT INTO marks (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    Insert::new(connection, "mark", sql)?.run((name, value), || name.to_owned())?;
    Ok(())
}

pub(super) fn integrity_findings(connection: &Connection) -> Answer<Vec<String>> {
    let mut findings = Vec::new();
    let pages =
        connection.prepare("PRAGMA integrity_check")?.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    findings.extend(pages.into_iter().filter(|finding| finding != "ok").map(|finding| format!("integrity_check: {finding}")));

    let dangling = |row: &rusqlite::Row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?));
    for reference in connection.prepare("PRAGMA foreign_key_check")?.query_map([], dangling)? {
        let (table, row, parent) = reference?;
        let row = row.map_or_else(|| "without a number".to_owned(), |row| row.to_string());
        findings.push(format!("table `{table}`, row {row}: names a row of `{parent}` that is not there"));
    }

    let question = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1
        AND name IN (?1 || '_never_edited', ?1 || '_never_deleted')";
    for table in APPEND_ONLY {
        let triggers: i64 = connection.prepare_cached(question)?.query_row([table], |row| row.get(0))?;
        if triggers != 2 {
            findings.push(format!("table `{table}` is append-only, but {triggers} of its 2 triggers are there"));
        }
    }
    Ok(findings)
}

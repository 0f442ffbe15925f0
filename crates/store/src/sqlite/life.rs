//! Lives: orders, resources, charges of orders, what happened.

use super::Answer;
use super::columns::{Columns, ask, ask_about, each};
use super::insert::{BulkInsert, Insert, Values, e12, int, json, word};
use super::lake::bounds;
use super::standings;
use crate::{IngestRecord, KnownOrder, LifeBatch, LifeEvent, OrderApproval, OrderOrigin, OrderState, StoreError};
use reckoner_core::intake::ResourceEnd;
use reckoner_core::life::{OrderCharge, Resource};
use reckoner_core::number::Quantity;
use reckoner_core::rate::{Amounts, Charge, ChargeType, LineKey};
use reckoner_core::table::OrderRow;
use reckoner_core::time::{Instant, Window};
use rusqlite::Connection;

const PENDING_ORDERS: &str = "SELECT s.order_id, o.body FROM order_states AS s JOIN orders AS o USING (order_id)
    WHERE s.status = 'pending' AND s.waits_for IS NULL AND s.placed_at <= ?1 ORDER BY s.placed_at, s.order_id";
macro_rules! orders {
    ($which:literal) => {
        concat!(
            "SELECT o.order_id, o.seq, f.file_id, o.line, o.body, o.placed_by,
                s.status, s.done_at, s.amount_e8, s.consumed_e8, s.refund_e8, s.fee_e8, s.refusal, s.waits_for,
                a.account_id, a.approved_by, a.approved_at, a.reason
            FROM orders AS o JOIN order_states AS s USING (order_id) LEFT JOIN input_files AS f ON f.seq = o.seq
                LEFT JOIN order_approvals AS a USING (order_id) WHERE ",
            $which
        )
    };
}
const ORDERS: &str = orders!("o.placed_at >= ?1 AND o.placed_at < ?2 ORDER BY o.order_id");
const ORDER: &str = orders!("o.order_id = ?1");
const RESOURCES_OF: &str = "SELECT resource_id, body FROM resources
    WHERE account_id IN (SELECT value FROM json_each(?1)) ORDER BY account_id, resource_id";
const RESOURCES: &str = "SELECT resource_id, body FROM resources ORDER BY resource_id, account_id";
const RESOURCES_EXPIRING: &str = "SELECT resource_id, body FROM resources
    WHERE expires_at >= ?1 AND expires_at < ?2 ORDER BY expires_at, account_id, resource_id";
const ANY_ENDED: &str = "SELECT EXISTS (SELECT 1 FROM resources INDEXED BY resources_ended WHERE ended_at IS NOT NULL)";
const EVERY_END: &str = "SELECT account_id, resource_id, ended_at FROM resources INDEXED BY resources_ended
    WHERE ended_at IS NOT NULL ORDER BY account_id, resource_id";
const RESOURCE_ENDS: &str = "SELECT r.account_id, r.resource_id, r.status, r.ended_at
    FROM json_each(?1) AS wanted CROSS JOIN resources AS r INDEXED BY resources_ended
    ON r.account_id = json_extract(wanted.value, '$[0]') AND r.resource_id = json_extract(wanted.value, '$[1]')
    WHERE r.ended_at IS NOT NULL ORDER BY r.account_id, r.resource_id";
// The indexes are named where SQLite, for the sake of the order by account, would rather read everything.
const DUE: &str = "SELECT account_id FROM resources INDEXED BY resources_due WHERE next_at <= ?1
    UNION SELECT account_id FROM account_standings INDEXED BY standings_due WHERE next_at <= ?1
    UNION SELECT o.account_id FROM order_states AS s JOIN orders AS o USING (order_id)
        WHERE s.status = 'pending' AND s.waits_for IS NULL AND s.placed_at <= ?1
    ORDER BY account_id";
const NEWLY_IN_ARREARS: &str = "SELECT w.account_id FROM wallets AS w INDEXED BY wallets_in_arrears
    LEFT JOIN account_standings AS s USING (account_id)
    WHERE w.in_arrears_since <= ?1 AND (s.status IS NULL OR s.status = 'normal') ORDER BY w.account_id";
const EVENT_TIMES: &str = "SELECT DISTINCT at FROM life_events WHERE ordinal > ?1 ORDER BY at";
const LATEST_EVENT: &str = "SELECT coalesce(max(ordinal), 0) FROM life_events";
const ORDER_CHARGES: &str = "SELECT charge_id, order_id, account_id, resource_id, sku, price_id, product, billing_mode,
    charge_type, window_start, window_end, billing_period, quantity_e12, unit, unit_price_e12, list_e8, discount_e8,
    truncated_e8, due_e8, currency, corrects, reason, region, cost_center, tags, transaction_at FROM order_charges
    WHERE window_start >= ?1 AND window_start < ?2 AND (?3 IS NULL OR account_id = ?3)
    ORDER BY window_start, account_id, resource_id, sku, charge_type, charge_id";
const EVENTS: &str = "SELECT event_id, at, account_id, resource_id, kind, data FROM life_events
    WHERE at >= ?1 AND at < ?2 ORDER BY at, event_id";

/// The questions that must not read a whole table.
#[cfg(test)]
pub(super) const QUESTIONS: &[&str] = &[
    PENDING_ORDERS,
    ORDERS,
    ORDER,
    RESOURCES_OF,
    RESOURCES_EXPIRING,
    RESOURCE_ENDS,
    DUE,
    NEWLY_IN_ARREARS,
    ORDER_CHARGES,
    EVENTS,
];

pub(super) fn pending_orders(connection: &Connection, until: Instant) -> Answer<Vec<OrderRow>> {
    ask(connection, "orders", PENDING_ORDERS, [until.seconds()], |columns| columns.json("body"))
}

pub(super) fn orders(connection: &Connection, placed_within: Window) -> Answer<Vec<KnownOrder>> {
    ask(connection, "orders", ORDERS, bounds(placed_within), read_order)
}

pub(super) fn order(connection: &Connection, order_id: &str) -> Answer<Option<KnownOrder>> {
    Ok(ask(connection, "orders", ORDER, [order_id], read_order)?.pop())
}

fn read_order(columns: &Columns) -> Answer<KnownOrder> {
    let origin = match columns.text_if_any("file_id")? {
        Some(file_id) => OrderOrigin::File { seq: columns.count("seq")?, file_id, line: columns.count("line")? },
        None => OrderOrigin::Engine,
    };
    let state = OrderState {
        order_id: columns.text("order_id")?,
        status: columns.word("status")?,
        done_at: columns.instant_if_any("done_at")?,
        amount: columns.money_if_any("amount_e8")?,
        consumed: columns.money_if_any("consumed_e8")?,
        refund: columns.money_if_any("refund_e8")?,
        fee: columns.money_if_any("fee_e8")?,
        refusal: columns.text_if_any("refusal")?,
        waits_for: columns.text_if_any("waits_for")?,
    };
    let approval = match columns.text_if_any("approved_by")? {
        Some(approved_by) => Some(OrderApproval {
            order_id: state.order_id.clone(),
            account_id: columns.text("account_id")?,
            approved_by,
            approved_at: columns.instant("approved_at")?,
            reason: columns.text_if_any("reason")?,
        }),
        None => None,
    };
    Ok(KnownOrder { row: columns.json("body")?, origin, placed_by: columns.text_if_any("placed_by")?, state, approval })
}

pub(super) fn resources_of(connection: &Connection, account_ids: &[String]) -> Answer<Vec<Resource>> {
    ask_about(connection, "resources", RESOURCES_OF, account_ids, |columns| columns.json("body"))
}

pub(super) fn resources(connection: &Connection) -> Answer<Vec<Resource>> {
    ask(connection, "resources", RESOURCES, [], |columns| columns.json("body"))
}

pub(super) fn resources_expiring(connection: &Connection, within: Window) -> Answer<Vec<Resource>> {
    ask(connection, "resources", RESOURCES_EXPIRING, bounds(within), |columns| columns.json("body"))
}

pub(super) fn any_resource_ended(connection: &Connection) -> Answer<bool> {
    Ok(connection.prepare_cached(ANY_ENDED)?.query_row([], |row| row.get(0))?)
}

pub(super) fn each_resource_end(connection: &Connection, take: &mut dyn FnMut(&str, &str, Instant)) -> Answer<()> {
    each(connection, "resources", EVERY_END, [], |columns| {
        take(columns.text_ref("account_id")?, columns.text_ref("resource_id")?, columns.instant("ended_at")?);
        Ok(())
    })
}

pub(super) fn resource_ends(connection: &Connection, named: &[(String, String)]) -> Answer<Vec<ResourceEnd>> {
    ask_about(connection, "resources", RESOURCE_ENDS, named, |columns| {
        Ok(ResourceEnd {
            account_id: columns.text("account_id")?,
            resource_id: columns.text("resource_id")?,
            status: columns.word("status")?,
            ended_at: columns.instant("ended_at")?,
        })
    })
}

pub(super) fn due(connection: &Connection, until: Instant) -> Answer<Vec<String>> {
    ask(connection, "resources", DUE, [until.seconds()], |columns| columns.text("account_id"))
}

pub(super) fn newly_in_arrears(connection: &Connection, since: Instant) -> Answer<Vec<String>> {
    ask(connection, "wallets", NEWLY_IN_ARREARS, [since.seconds()], |columns| columns.text("account_id"))
}

pub(super) fn event_times(connection: &Connection, after: u64) -> Answer<(Vec<Instant>, u64)> {
    let times = ask(connection, "life_events", EVENT_TIMES, [int(after)], |columns| columns.instant("at"))?;
    let latest: i64 = connection.prepare_cached(LATEST_EVENT)?.query_row([], |row| row.get(0))?;
    Ok((times, u64::try_from(latest).unwrap_or_default()))
}

pub(super) fn order_charges(connection: &Connection, within: Window, account_id: Option<&str>) -> Answer<Vec<OrderCharge>> {
    let (start, end) = bounds(within);
    ask(connection, "order_charges", ORDER_CHARGES, (start, end, account_id), read_charge)
}

fn read_charge(columns: &Columns) -> Answer<OrderCharge> {
    let charge_type = columns.text("charge_type")?;
    let charge_type = ChargeType::parse(&charge_type)
        .ok_or_else(|| columns.corrupt("charge_type", format!("`{charge_type}` is no type of charge")))?;
    let key = LineKey {
        window: columns.window("window_start", "window_end")?,
        account_id: columns.text("account_id")?,
        resource_id: columns.text("resource_id")?,
        sku: columns.text("sku")?,
        price_id: columns.text("price_id")?,
    };
    let amounts = Amounts {
        list: columns.money("list_e8")?,
        discount: columns.money("discount_e8")?,
        truncated: columns.money("truncated_e8")?,
        due: columns.money("due_e8")?,
    };
    let charge = Charge {
        charge_id: columns.text("charge_id")?,
        settlement_id: String::new(),
        key,
        product: columns.text("product")?,
        billing_mode: columns.word("billing_mode")?,
        charge_type,
        billing_period: columns.text("billing_period")?,
        quantity: columns.quantity("quantity_e12")?,
        waived: Quantity::ZERO,
        unit: columns.text("unit")?,
        unit_price: columns.price_if_any("unit_price_e12")?,
        amounts,
        currency: columns.text("currency")?,
        corrects: columns.text_if_any("corrects")?,
        reason: columns.text_if_any("reason")?,
        region: columns.text_if_any("region")?,
        cost_center: columns.text_if_any("cost_center")?,
        tags: columns.json("tags")?,
        transaction_at: columns.instant("transaction_at")?,
    };
    Ok(OrderCharge { order_id: columns.text("order_id")?, charge })
}

pub(super) fn events(connection: &Connection, within: Window) -> Answer<Vec<LifeEvent>> {
    ask(connection, "life_events", EVENTS, bounds(within), |columns| {
        Ok(LifeEvent {
            event_id: columns.text("event_id")?,
            at: columns.instant("at")?,
            account_id: columns.text("account_id")?,
            resource_id: columns.text_if_any("resource_id")?,
            kind: columns.word("kind")?,
            data: columns.json("data")?,
        })
    })
}

/// Records what a batch changes in lives. The engine's orders come first: what became of them, and their charges, name them.
pub(super) fn record(connection: &Connection, life: &LifeBatch) -> Answer<()> {
    life.orders_made.iter().try_for_each(|row| add_order(connection, row, None))?;
    put_orders(connection, &life.orders)?;
    add_approvals(connection, &life.approvals)?;
    put_resources(connection, &life.resources)?;
    standings::put(connection, &life.standings)?;
    add_charges(connection, &life.charges)?;
    add_events(connection, &life.events)
}

/// The ids of everything that a batch changes in lives.
pub(super) fn ids(life: &LifeBatch) -> impl Iterator<Item = &str> {
    let orders = life.orders_made.iter().map(|row| &row.order_id).chain(life.orders.iter().map(|state| &state.order_id));
    let resources = life.resources.iter().flat_map(|(resource, _)| [&resource.account_id, &resource.resource_id]);
    let standings = life.standings.iter().map(|known| &known.standing.account_id);
    let charges = life.charges.iter().map(|charge| &charge.charge.charge_id);
    let events = life.events.iter().map(|event| &event.event_id);
    orders.chain(resources).chain(standings).chain(charges).chain(events).map(String::as_str)
}

/// Adds the orders of a delivered file; each waits for its instant.
pub(super) fn add_orders(connection: &Connection, record: &IngestRecord, seq: u64) -> Answer<()> {
    let by = Some(record.delivered_by.as_str()).filter(|by| !by.is_empty());
    record.orders.iter().try_for_each(|(line, row)| add_order(connection, row, Some((seq, *line, by))))
}

/// An order of a delivered file, or one that the engine makes.
fn add_order(connection: &Connection, row: &OrderRow, delivered: Option<(u64, u64, Option<&str>)>) -> Answer<()> {
    let sql = "INSERT INTO orders (order_id, account_id, placed_at, origin, seq, line, placed_by, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let origin = if delivered.is_some() { "file" } else { "engine" };
    let (seq, line) = delivered.map(|(seq, line, _)| (int(seq), int(line))).unzip();
    let placed_by = delivered.and_then(|(.., by)| by);
    let id = || row.order_id.clone();
    let params = (&row.order_id, &row.account_id, row.placed_at.seconds(), origin, seq, line, placed_by, json(row));
    Insert::new(connection, "order", sql)?.run(params, id)?;
    let sql = "INSERT INTO order_states (order_id, placed_at, status) VALUES (?1, ?2, 'pending')";
    Insert::new(connection, "order", sql)?.run((&row.order_id, row.placed_at.seconds()), id)?;
    Ok(())
}

/// An order takes effect once: only one that waits may change, and it comes to wait for somebody once.
fn put_orders(connection: &Connection, states: &[OrderState]) -> Answer<()> {
    let sql = "UPDATE order_states SET status = ?2, done_at = ?3, amount_e8 = ?4, consumed_e8 = ?5, refund_e8 = ?6, fee_e8 = ?7,
        refusal = ?8, waits_for = ?9 WHERE order_id = ?1 AND status = 'pending' AND (waits_for IS NULL OR ?2 <> 'pending')";
    let mut put = Insert::new(connection, "order", sql)?;
    for state in states {
        let params = (
            &state.order_id,
            state.status.as_str(),
            state.done_at.map(Instant::seconds),
            state.amount.map(|amount| amount.e8()),
            state.consumed.map(|amount| amount.e8()),
            state.refund.map(|amount| amount.e8()),
            state.fee.map(|amount| amount.e8()),
            &state.refusal,
            &state.waits_for,
        );
        if put.run(params, || state.order_id.clone())? == 0 {
            return Err(order_conflict(connection, &state.order_id)?);
        }
    }
    Ok(())
}

fn order_conflict(connection: &Connection, order_id: &str) -> Answer<StoreError> {
    let (what, id) = ("order", order_id.to_owned());
    Ok(match order(connection, order_id)? {
        Some(known) => {
            let waits = known.state.waits_for.map(|_| "waiting for somebody".to_owned());
            let found = waits.unwrap_or_else(|| known.state.status.as_str().to_owned());
            StoreError::Conflict { what, id, expected: "pending".to_owned(), found }
        }
        None => StoreError::Missing { what, id },
    })
}

/// Somebody lets a refund come back once.
fn add_approvals(connection: &Connection, approvals: &[OrderApproval]) -> Answer<()> {
    let sql = "INSERT INTO order_approvals (order_id, account_id, approved_by, approved_at, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = Insert::new(connection, "approval", sql)?;
    for OrderApproval { order_id, account_id, approved_by, approved_at, reason } in approvals {
        insert.run((order_id, account_id, approved_by, approved_at.seconds(), reason), || order_id.clone())?;
    }
    Ok(())
}

fn put_resources(connection: &Connection, resources: &[(Resource, Option<Instant>)]) -> Answer<()> {
    let sql = "INSERT INTO resources
        (account_id, resource_id, status, product, sku, renewal, expires_at, bundle_id, next_at, ended_at, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (account_id, resource_id) DO UPDATE SET status = excluded.status, product = excluded.product,
        sku = excluded.sku, renewal = excluded.renewal, expires_at = excluded.expires_at, bundle_id = excluded.bundle_id,
        next_at = excluded.next_at, ended_at = excluded.ended_at, body = excluded.body";
    let mut put = Insert::new(connection, "resource", sql)?;
    for (resource, next_at) in resources {
        let params = (
            &resource.account_id,
            &resource.resource_id,
            resource.status.as_str(),
            &resource.product,
            &resource.sku,
            resource.renewal.as_str(),
            resource.expires_at.map(Instant::seconds),
            &resource.bundle_id,
            next_at.map(Instant::seconds),
            resource.ended_at.map(Instant::seconds),
            json(resource),
        );
        put.run(params, || format!("{} {}", resource.account_id, resource.resource_id))?;
    }
    Ok(())
}

fn add_charges(connection: &Connection, charges: &[OrderCharge]) -> Answer<()> {
    let sql = "INSERT INTO order_charges (charge_id, order_id, account_id, resource_id, sku, price_id, product, billing_mode,
        charge_type, window_start, window_end, billing_period, quantity_e12, unit, unit_price_e12, list_e8, discount_e8,
        truncated_e8, due_e8, currency, corrects, reason, region, cost_center, tags, transaction_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,
        ?25, ?26)";
    let mut insert = Insert::new(connection, "charge", sql)?;
    for OrderCharge { order_id, charge } in charges {
        refuse_settled(charge)?;
        let (start, end) = bounds(charge.key.window);
        let params = rusqlite::params![
            charge.charge_id,
            order_id,
            charge.key.account_id,
            charge.key.resource_id,
            charge.key.sku,
            charge.key.price_id,
            charge.product,
            word(&charge.billing_mode),
            charge.charge_type.as_str(),
            start,
            end,
            charge.billing_period,
            e12(charge.quantity),
            charge.unit,
            charge.unit_price.map(|price| price.e12().to_string()),
            charge.amounts.list.e8(),
            charge.amounts.discount.e8(),
            charge.amounts.truncated.e8(),
            charge.amounts.due.e8(),
            charge.currency,
            charge.corrects,
            charge.reason,
            charge.region,
            charge.cost_center,
            json(&charge.tags),
            charge.transaction_at.seconds()
        ];
        insert.run(params, || charge.charge_id.clone())?;
    }
    Ok(())
}

/// What only use has is not kept here, so it must not be there.
fn refuse_settled(charge: &Charge) -> Answer<()> {
    if charge.settlement_id.is_empty() && charge.waived.is_zero() {
        return Ok(());
    }
    let rule = "a charge of an order has no settlement and nothing waived".to_owned();
    Err(StoreError::Impossible { what: "charge", id: charge.charge_id.clone(), rule })
}

fn add_events(connection: &Connection, events: &[LifeEvent]) -> Answer<()> {
    let insert = BulkInsert::new(connection, "event", "life_events (event_id, at, account_id, resource_id, kind, data)");
    let give = |values: &mut Values, event: &&LifeEvent| {
        values.give(&event.event_id)?;
        values.give(event.at.seconds())?;
        values.give(&event.account_id)?;
        values.give(&event.resource_id)?;
        values.give(event.kind.as_str())?;
        values.give(json(&event.data))
    };
    // In the order of their index: each key of it comes after the last.
    let mut events: Vec<&LifeEvent> = events.iter().collect();
    events.sort_by(|one, other| (one.at, &one.event_id).cmp(&(other.at, &other.event_id)));
    insert.run(&events, give, |event| event.event_id.clone())
}

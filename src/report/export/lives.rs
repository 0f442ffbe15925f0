//! What is bought: `subscriptions` by resource_id (every resource, by the clock of the command), `orders` by order_id.

use super::{Batches, ByAccount, ExportTable, Row, Selection, at_hand};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant as At, Quantity, Text};
use reckoner_core::life::{AccountStatus, PeriodKind, Products, Resource, ResourceStatus, Surroundings};
use reckoner_core::time::{Instant, Zone};
use reckoner_store::KnownOrder;
use std::collections::{BTreeSet, HashMap};

pub(super) static SUBSCRIPTIONS: ExportTable = ExportTable {
    name: "subscriptions",
    columns: &[
        ("resource_id", Id),
        ("account_id", Id),
        ("product", Id),
        ("product_line", Text),
        ("sku", Id),
        ("billing_mode", Text),
        ("quantity", Quantity),
        ("status", Text),
        ("function", Text),
        ("renewal", Text),
        ("starts_at", At),
        ("expires_at", At),
        ("anchor", Text),
        ("unstarted_until", At),
        ("grace_until", At),
        ("retention_until", At),
        ("bundle_id", Id),
        ("depends_on", Text),
        ("region", Text),
        ("data_center_type", Text),
        ("configuration", Text),
        ("last_renewal_attempt_at", At),
        ("last_renewal_result", Text),
    ],
    by_account: ByAccount::Column,
    rows: subscriptions,
};

/// What a row says besides what its resource knows.
struct Facts {
    product_line: Option<String>,
    works: bool,
    as_of: Instant,
    zone: Zone,
}

fn subscriptions<'a>(books: &'a Books, _: &Selection) -> Result<Batches<'a>, Failure> {
    let store = books.store();
    let resources = store.resources()?;
    let flags = Products::new(store.products()?.into_iter().map(|known| known.row));
    let standings: HashMap<String, AccountStatus> =
        store.all_standings()?.into_iter().map(|known| (known.standing.account_id, known.standing.status)).collect();
    let mut active: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut in_use: HashMap<String, Vec<String>> = HashMap::new();
    for resource in resources.iter().filter(|resource| resource.status == ResourceStatus::Active) {
        active.entry(resource.account_id.clone()).or_default().insert(resource.resource_id.clone());
        in_use.entry(resource.account_id.clone()).or_default().push(resource.product.clone());
    }

    let none = BTreeSet::new();
    let rows = resources.into_iter().map(|resource| {
        let of_account = in_use.get(&resource.account_id).map_or(&[][..], Vec::as_slice);
        let terms = flags.at(&resource.product, books.as_of);
        let around = Surroundings {
            arrears_stops: terms.arrears_stops(&books.profile),
            has_edition: terms.has_edition(of_account.iter().map(|product| flags.at(product, books.as_of))),
            account: standings.get(&resource.account_id).copied().unwrap_or(AccountStatus::Normal),
            active: active.get(&resource.account_id).unwrap_or(&none),
        };
        let product_line = terms.product_line.clone();
        let facts = Facts { product_line, works: resource.works(&around), as_of: books.as_of, zone: books.zone };
        subscription(resource, facts)
    });
    Ok(at_hand(rows.collect()))
}

fn subscription(resource: Resource, facts: Facts) -> Row {
    let unstarted_until = unstarted_until(&resource, facts.as_of);
    vec![
        resource.resource_id.into(),
        resource.account_id.into(),
        resource.product.into(),
        facts.product_line.into(),
        resource.sku.into(),
        resource.billing_mode.as_str().into(),
        resource.quantity.into(),
        resource.status.as_str().into(),
        if facts.works { "works" } else { "stopped" }.into(),
        resource.renewal.as_str().into(),
        resource.starts_at.into(),
        resource.expires_at.into(),
        facts.zone.date_of(resource.anchor.from).to_string().into(),
        unstarted_until.into(),
        resource.grace_until.into(),
        resource.retention_until.into(),
        resource.bundle_id.into(),
        resource.depends_on.join(";").into(),
        resource.region.into(),
        resource.data_center_type.into(),
        resource.configuration.into(),
        resource.last_renewal_attempt_at.into(),
        resource.last_renewal_result.into(),
    ]
}

/// Until when renewals reach that were paid for, not given back, and have not begun.
fn unstarted_until(resource: &Resource, as_of: Instant) -> Option<Instant> {
    let is_given_up = |place| resource.waiting_refund.as_ref().is_some_and(|waiting| waiting.gives_up(place));
    let renewals = resource.periods.iter().enumerate().filter(|(place, period)| match period.kind {
        PeriodKind::Renewal | PeriodKind::Align => !period.is_given_back && !is_given_up(*place) && as_of < period.service.start,
        PeriodKind::Purchase | PeriodKind::Change => false,
    });
    renewals.map(|(_, period)| period.service.end).max()
}

pub(super) static ORDERS: ExportTable = ExportTable {
    name: "orders",
    columns: &[
        ("order_id", Id),
        ("account_id", Id),
        ("kind", Text),
        ("resource_id", Id),
        ("status", Text),
        ("placed_at", At),
        ("done_at", At),
        ("amount", Amount),
        ("consumed_amount", Amount),
        ("refund_amount", Amount),
        ("fee_amount", Amount),
        ("reason", Text),
        ("refusal", Text),
        ("waits_for", Text),
    ],
    by_account: ByAccount::Column,
    rows: orders,
};

fn orders<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    Ok(at_hand(books.store().orders(selection.span())?.into_iter().map(order).collect()))
}

fn order(KnownOrder { row, state, .. }: KnownOrder) -> Row {
    vec![
        row.order_id.into(),
        row.account_id.into(),
        row.kind.as_str().into(),
        row.resource_id.into(),
        state.status.as_str().into(),
        row.placed_at.into(),
        state.done_at.into(),
        state.amount.into(),
        state.consumed.into(),
        state.refund.into(),
        state.fee.into(),
        row.reason.into(),
        state.refusal.into(),
        state.waits_for.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Cell;
    use reckoner_core::life::{PaidPeriod, RenewalPolicy};
    use reckoner_core::time::Window;
    use reckoner_store::conformance::samples::{self, at, money};
    use reckoner_store::{OrderOrigin, OrderState};

    /// The cells by their columns' names, as text; empty ones left out.
    fn shown(table: &ExportTable, row: Row) -> Vec<(&'static str, String)> {
        assert_eq!(row.len(), table.columns.len());
        let text = |cell: Cell| match cell {
            Cell::Empty => None,
            Cell::Text(text) => Some(text.into_owned()),
            Cell::Amount(amount) => Some(amount.to_string()),
            Cell::Quantity(quantity) => Some(quantity.to_string()),
            Cell::Instant(instant) => Some(instant.to_utc_text()),
            other => panic!("{other:?}"),
        };
        table.columns.iter().zip(row).filter_map(|((name, _), cell)| Some((*name, text(cell)?))).collect()
    }

    #[test]
    fn a_subscription_says_where_it_is_in_its_life() {
        let mut resource = samples::resource("acme", "edge-1", 744);
        resource.grace_until = Some(at(800));
        resource.renewal = RenewalPolicy::ToPayPerUse;
        resource.depends_on = vec!["host-1".to_owned(), "host-2".to_owned()];
        // 17:00 UTC is the next day in the billing zone.
        resource.anchor.from = at(17);
        let zone = Zone::parse("+08:00").expect("a zone");
        let facts = Facts { product_line: Some("compute".to_owned()), works: false, as_of: at(0), zone };
        let expected = [
            ("resource_id", "edge-1"),
            ("account_id", "acme"),
            ("product", "edge"),
            ("product_line", "compute"),
            ("sku", "edge.pro.month"),
            ("billing_mode", "subscription"),
            ("quantity", "1"),
            ("status", "active"),
            ("function", "stopped"),
            ("renewal", "to_pay_per_use"),
            ("starts_at", "2026-01-05T00:00:00Z"),
            ("expires_at", "2026-02-05T00:00:00Z"),
            ("anchor", "2026-01-06"),
            ("grace_until", "2026-02-07T08:00:00Z"),
            ("bundle_id", "bundle-7"),
            ("depends_on", "host-1;host-2"),
            ("region", "cn-north-4"),
        ];
        assert_eq!(shown(&SUBSCRIPTIONS, subscription(resource, facts)), expected.map(|(name, text)| (name, text.to_owned())));
    }

    #[test]
    fn renewals_that_have_not_begun_reach_to_the_last_of_them() {
        let bought = samples::resource("acme", "edge-1", 10);
        let period = |kind, start, end, is_given_back| PaidPeriod {
            kind,
            service: Window::new(at(start), at(end)),
            is_given_back,
            used: None,
            ..bought.periods[0].clone()
        };
        let periods = vec![
            period(PeriodKind::Purchase, 0, 10, false),
            period(PeriodKind::Renewal, 10, 20, false),
            period(PeriodKind::Align, 20, 25, false),
            period(PeriodKind::Change, 20, 40, false), // changes periods, adds none
            period(PeriodKind::Renewal, 25, 35, true),
        ];
        let resource = Resource { periods, ..bought.clone() };
        for (hours, expected) in [(0, Some(25)), (10, Some(25)), (19, Some(25)), (20, None)] {
            assert_eq!(unstarted_until(&resource, at(hours)), expected.map(at), "{hours}");
        }
        let last_given_back = Resource { periods: resource.periods[..2].to_vec(), ..bought };
        assert_eq!(unstarted_until(&last_given_back, at(9)), Some(at(20)));
        assert_eq!(unstarted_until(&last_given_back, at(10)), None); // it begins
    }

    #[test]
    fn an_order_says_what_became_of_it() {
        let mut row = samples::order("o-1", "acme", at(1));
        row.reason = Some("replaced".to_owned());
        let done = OrderState {
            amount: Some(money("-54")),
            consumed: Some(money("30")),
            refund: Some(money("54")),
            fee: Some(money("6")),
            ..samples::done("o-1", at(2))
        };
        let placed = [("order_id", "o-1"), ("account_id", "acme"), ("kind", "purchase"), ("resource_id", "edge-o-1")];
        let cases: [(OrderState, &[(&str, &str)]); 4] = [
            (OrderState::pending("o-1"), &[("status", "pending"), ("placed_at", "2026-01-05T01:00:00Z"), ("reason", "replaced")]),
            (
                done,
                &[
                    ("status", "done"),
                    ("placed_at", "2026-01-05T01:00:00Z"),
                    ("done_at", "2026-01-05T02:00:00Z"),
                    ("amount", "-54.00000000"),
                    ("consumed_amount", "30.00000000"),
                    ("refund_amount", "54.00000000"),
                    ("fee_amount", "6.00000000"),
                    ("reason", "replaced"),
                ],
            ),
            (
                samples::refused("o-1", "in_arrears"),
                &[
                    ("status", "refused"),
                    ("placed_at", "2026-01-05T01:00:00Z"),
                    ("reason", "replaced"),
                    ("refusal", "in_arrears"),
                ],
            ),
            (
                samples::waiting("o-1"),
                &[
                    ("status", "pending"),
                    ("placed_at", "2026-01-05T01:00:00Z"),
                    ("reason", "replaced"),
                    ("waits_for", "approval: a second person"),
                ],
            ),
        ];
        for (state, rest) in cases {
            let origin = OrderOrigin::Engine;
            let known = KnownOrder { row: row.clone(), origin, placed_by: None, state, approval: None };
            let expected: Vec<_> = placed.iter().chain(rest).map(|(name, text)| (*name, (*text).to_owned())).collect();
            assert_eq!(shown(&ORDERS, order(known)), expected);
        }
    }
}

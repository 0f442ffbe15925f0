//! Orders: what they cost, who paid them, and whether what was bought says the same.

use super::{Check, EVER, Report};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::table::VoucherKind;
use reckoner_engine::audit::{self, OrderBooks};
use std::collections::HashSet;

const CHECKS: [Check; 6] = [
    Check::OrdersCharges,
    Check::OrdersPaid,
    Check::OrdersSources,
    Check::OrdersPeriods,
    Check::OrdersWaiting,
    Check::OrdersVouchers,
];

/// Checks everything that was ordered.
pub(super) fn check(books: &Books, report: &mut Report) {
    report.attempt(&CHECKS, |report| {
        let of_orders = load(books)?;
        let (orders, lines) = (of_orders.orders.len() as u64, of_orders.lines.len() as u64);
        let periods = of_orders.resources.iter().map(|resource| resource.periods.len() as u64).sum();
        let waiting = of_orders.orders.iter().filter(|(_, order)| order.waits_for.is_some()).count() as u64;
        let vouchers = of_orders.vouchers.len() as u64;
        let found = audit::check(&of_orders);
        for (check, things, findings) in [
            (Check::OrdersCharges, orders, found.charges),
            (Check::OrdersPaid, orders, found.paid),
            (Check::OrdersSources, lines, found.sources),
            (Check::OrdersPeriods, periods, found.periods),
            (Check::OrdersWaiting, waiting, found.waiting),
            (Check::OrdersVouchers, vouchers, found.vouchers),
        ] {
            report.looked(check, things);
            findings.into_iter().for_each(|finding| report.found(check, finding));
        }
        report.count("orders", "orders", orders);
        report.count("orders", "paid periods", periods);
        Ok(())
    });
}

fn load(books: &Books) -> Result<OrderBooks, Failure> {
    let store = books.store();
    let known = store.orders(EVER)?;
    let ids: HashSet<String> = known.iter().map(|order| order.row.order_id.clone()).collect();
    let accounts: Vec<String> = store.accounts()?.into_iter().map(|known| known.row.account_id).collect();
    let open = store.open_settlements(&accounts)?.into_iter().map(|(_, open)| (open.settlement_id, open.outstanding));
    Ok(OrderBooks {
        charges: store.order_charges(EVER, None)?,
        lines: store.payments(EVER)?.into_iter().filter(|line| ids.contains(&line.paid_for)).collect(),
        open: open.filter(|(id, _)| ids.contains(id)).collect(),
        resources: store.resources()?,
        vouchers: store.voucher_states(&accounts)?.into_iter().filter(|state| state.row.kind == VoucherKind::Discount).collect(),
        orders: known.into_iter().map(|order| (order.row.account_id, order.state)).collect(),
    })
}

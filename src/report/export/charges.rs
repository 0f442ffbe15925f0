//! `charges`: by window_start, account_id, resource_id, sku, charge_type, charge_id. Those of use come from the lake, those of
//! orders from the store; which is which no order tells, so the two are merged.

use super::{Batches, ByAccount, ExportTable, Row, Selection};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant, Price, Quantity, Text};
use reckoner_core::life::OrderCharge;
use reckoner_core::rate::Charge;
use reckoner_core::table::usage::tags_text;
use reckoner_frames::{ChargeFilter, read_charges};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::path::PathBuf;
use std::vec;

pub(super) static CHARGES: ExportTable = ExportTable {
    name: "charges",
    columns: &[
        ("charge_id", Id),
        ("settlement_id", Id),
        ("account_id", Id),
        ("resource_id", Id),
        ("sku", Id),
        ("price_id", Id),
        ("product", Id),
        ("billing_mode", Text),
        ("charge_type", Text),
        ("window_start", Instant),
        ("window_end", Instant),
        ("billing_period", Text),
        ("quantity", Quantity),
        ("unit", Text),
        ("unit_price", Price),
        ("list_amount", Amount),
        ("discount_amount", Amount),
        ("truncated_amount", Amount),
        ("due_amount", Amount),
        ("currency", Text),
        ("order_id", Id),
        ("corrects", Id),
        ("reason", Text),
        ("region", Text),
        ("cost_center", Text),
        ("tags", Text),
        ("transaction_at", Instant),
    ],
    by_account: ByAccount::Column,
    rows,
};

/// Files lie by billing day, so days are read one after the other and never all held.
fn rows<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let mut days: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in books.store().charge_files(selection.span())? {
        let day = file.path.split('/').nth(1).unwrap_or_default().to_owned();
        days.entry(day).or_default().push(books.lake_path(&file));
    }
    let filter =
        ChargeFilter { within: Some(selection.span()), account_id: selection.account_id.clone(), ..ChargeFilter::default() };
    let of_orders = books.store().order_charges(selection.span(), selection.account_id.as_deref())?;
    let mut of_orders = of_orders.into_iter().peekable();
    let mut days = days.into_values();
    let mut is_over = false;
    Ok(Box::new(std::iter::from_fn(move || match days.next() {
        Some(paths) => Some(read_charges(&paths, &filter).map(|of_use| merged(of_use, &mut of_orders)).map_err(Failure::from)),
        None => (!std::mem::replace(&mut is_over, true)).then(|| Ok(of_orders.by_ref().map(order_row).collect())),
    })))
}

/// A day's charges of use, and those of orders that come before the last of them: both in order, and so is what comes out.
fn merged(of_use: Vec<Charge>, of_orders: &mut Peekable<vec::IntoIter<OrderCharge>>) -> Vec<Row> {
    let mut rows = Vec::with_capacity(of_use.len());
    for charge in of_use {
        while let Some(before) = of_orders.next_if(|other| other.charge.place() < charge.place()) {
            rows.push(order_row(before));
        }
        rows.push(row(charge, None));
    }
    rows
}

fn order_row(OrderCharge { order_id, charge }: OrderCharge) -> Row {
    row(charge, Some(order_id))
}

fn row(charge: Charge, order_id: Option<String>) -> Row {
    let Charge { key, amounts, .. } = charge;
    vec![
        charge.charge_id.into(),
        charge.settlement_id.into(),
        key.account_id.into(),
        key.resource_id.into(),
        key.sku.into(),
        key.price_id.into(),
        charge.product.into(),
        charge.billing_mode.as_str().into(),
        charge.charge_type.as_str().into(),
        key.window.start.into(),
        key.window.end.into(),
        charge.billing_period.into(),
        charge.quantity.into(),
        charge.unit.into(),
        charge.unit_price.into(),
        amounts.list.into(),
        amounts.discount.into(),
        amounts.truncated.into(),
        amounts.due.into(),
        charge.currency.into(),
        order_id.into(),
        charge.corrects.into(),
        charge.reason.into(),
        charge.region.into(),
        charge.cost_center.into(),
        tags_text(&charge.tags).into(),
        charge.transaction_at.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Cell;
    use reckoner_core::rate::ChargeType;
    use reckoner_store::conformance::samples::order_charge;

    fn of_use(charge_id: &str, account_id: &str, hours: i64) -> Charge {
        let settlement_id = format!("se-{charge_id}");
        let charge = order_charge(charge_id, "", account_id, hours).charge;
        Charge { settlement_id, charge_type: ChargeType::Usage, ..charge }
    }

    /// charge_id, settlement_id, order_id.
    fn shown(rows: Vec<Row>) -> Vec<String> {
        let place = |name: &str| CHARGES.columns.iter().position(|(column, _)| *column == name).expect("a column");
        let places = ["charge_id", "settlement_id", "order_id"].map(place);
        let text = |cell: &Cell| if let Cell::Text(text) = cell { text.to_string() } else { "-".to_owned() };
        rows.iter().map(|row| places.map(|place| text(&row[place])).join(" ")).collect()
    }

    #[test]
    fn charges_of_orders_stand_among_those_of_use() {
        let orders = vec![
            order_charge("o0", "ord-0", "acme", 0),
            order_charge("o1", "ord-1", "birch", 1),
            order_charge("o2", "ord-2", "acme", 2), // of the next day's hours, before any use in them
            order_charge("o3", "ord-3", "acme", 9),
        ];
        let mut orders = orders.into_iter().peekable();
        let first = merged(vec![of_use("u1", "acme", 1), of_use("u2", "cedar", 1)], &mut orders);
        assert_eq!(shown(first), ["o0 - ord-0", "u1 se-u1 -", "o1 - ord-1", "u2 se-u2 -"]);
        assert_eq!(shown(merged(Vec::new(), &mut orders)), Vec::<String>::new());
        // At one place the type decides: `purchase` comes before `usage`.
        assert_eq!(shown(merged(vec![of_use("u3", "acme", 2)], &mut orders)), ["o2 - ord-2", "u3 se-u3 -"]);
        assert_eq!(shown(orders.map(order_row).collect()), ["o3 - ord-3"]);
    }
}

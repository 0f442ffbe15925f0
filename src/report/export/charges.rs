//! `charges`: by window_start, account_id, resource_id, sku, charge_type, charge_id.

use super::{Batches, ByAccount, Cell, ExportTable, Row, Selection};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant, Price, Quantity, Text};
use reckoner_core::rate::Charge;
use reckoner_core::table::usage::tags_text;
use reckoner_frames::{ChargeFilter, read_charges};
use std::collections::BTreeMap;
use std::path::PathBuf;

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
    Ok(Box::new(days.into_values().map(move |paths| Ok(read_charges(&paths, &filter)?.into_iter().map(row).collect()))))
}

fn row(charge: Charge) -> Row {
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
        Cell::Empty,
        charge.corrects.into(),
        charge.reason.into(),
        charge.region.into(),
        charge.cost_center.into(),
        tags_text(&charge.tags).into(),
        charge.transaction_at.into(),
    ]
}

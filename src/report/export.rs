//! The contract's output tables as far as this version has them: columns, order of rows, what `--from` and `--to` mean.

use super::{Column, ColumnKind, Row, Table};
use crate::books::Books;
use crate::failure::Failure;
use reckoner_core::rate::Charge;
use reckoner_core::table::usage::tags_text;
use reckoner_core::time::Window;
use reckoner_frames::{ChargeFilter, read_charges};
use std::collections::BTreeMap;

use ColumnKind::{Amount, Instant as At, Integer, Price, Quantity, Text};

/// Which rows of a table.
#[derive(Debug, Clone)]
pub struct Selection {
    /// By the table's first time column, half-open.
    pub within: Window,
    /// Only this account.
    pub account_id: Option<String>,
}

impl Selection {
    fn wants(&self, account_id: &str) -> bool {
        self.account_id.as_deref().is_none_or(|wanted| wanted == account_id)
    }
}

fn columns(names: &[(&'static str, ColumnKind)]) -> Vec<Column> {
    names.iter().map(|(name, kind)| Column::new(*name, *kind)).collect()
}

/// `charges`, by window_start, account_id, resource_id, sku, charge_type, charge_id.
pub fn charges<'a>(books: &'a Books, selection: &Selection) -> Result<Table<'a>, Failure> {
    let names = [
        ("charge_id", Text),
        ("settlement_id", Text),
        ("account_id", Text),
        ("resource_id", Text),
        ("sku", Text),
        ("price_id", Text),
        ("product", Text),
        ("billing_mode", Text),
        ("charge_type", Text),
        ("window_start", At),
        ("window_end", At),
        ("billing_period", Text),
        ("quantity", Quantity),
        ("unit", Text),
        ("unit_price", Price),
        ("list_amount", Amount),
        ("discount_amount", Amount),
        ("truncated_amount", Amount),
        ("due_amount", Amount),
        ("currency", Text),
        ("order_id", Text),
        ("corrects", Text),
        ("reason", Text),
        ("region", Text),
        ("cost_center", Text),
        ("tags", Text),
        ("transaction_at", At),
    ];
    // Files lie by billing day, so days are read one after the other and never all held.
    let mut days: BTreeMap<String, Vec<std::path::PathBuf>> = BTreeMap::new();
    for file in books.store().charge_files(selection.within)? {
        let day = file.path.split('/').nth(1).unwrap_or_default().to_owned();
        days.entry(day).or_default().push(books.lake_path(&file));
    }
    let filter =
        ChargeFilter { within: Some(selection.within), account_id: selection.account_id.clone(), ..ChargeFilter::default() };
    let batches = days.into_values().map(move |paths| Ok(read_charges(&paths, &filter)?.into_iter().map(charge_row).collect()));
    Ok(Table::new("charges", columns(&names), batches))
}

fn charge_row(charge: Charge) -> Row {
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
        super::Cell::Empty,
        charge.corrects.into(),
        charge.reason.into(),
        charge.region.into(),
        charge.cost_center.into(),
        tags_text(&charge.tags).into(),
        charge.transaction_at.into(),
    ]
}

/// `payments`, by at, paid_for, seq.
pub fn payments<'a>(books: &Books, selection: &Selection) -> Result<Table<'a>, Failure> {
    let names = [
        ("payment_id", Text),
        ("account_id", Text),
        ("paid_for", Text),
        ("seq", Integer),
        ("kind", Text),
        ("source", Text),
        ("source_id", Text),
        ("amount", Amount),
        ("currency", Text),
        ("at", At),
    ];
    let lines = books.store().payments(selection.within)?;
    let rows = lines.into_iter().filter(|line| selection.wants(&line.account_id)).map(|line| {
        vec![
            line.payment_id.into(),
            line.account_id.into(),
            line.paid_for.into(),
            line.seq.into(),
            line.kind.as_str().into(),
            line.source.as_str().into(),
            line.source_id.into(),
            line.amount.into(),
            line.currency.into(),
            line.at.into(),
        ]
    });
    Ok(Table::of_rows("payments", columns(&names), rows.collect()))
}

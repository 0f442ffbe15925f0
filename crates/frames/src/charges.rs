//! Charges at rest: amounts as integers at 1e-8, quantities and prices as Decimal(38, 12).

use crate::column::{Reader, optional_texts, quantities, texts};
use crate::error::FrameError;
use crate::parquet::{Written, scan, write};
use crate::rows::{collect, pairs};
use polars::prelude::*;
use reckoner_core::number::{Money, Quantity, UnitPrice};
use reckoner_core::rate::{Amounts, Charge, ChargeType, LineKey};
use reckoner_core::table::BillingMode;
use reckoner_core::table::usage::{tags_of, tags_text};
use reckoner_core::time::{Instant, Window};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Which charges to read.
#[derive(Debug, Clone, Default)]
pub struct ChargeFilter {
    /// Only windows that start inside.
    pub within: Option<Window>,
    /// Only this account.
    pub account_id: Option<String>,
    /// Only charges whose id is or begins with this.
    pub charge_id: Option<String>,
    /// Only this settlement.
    pub settlement_id: Option<String>,
    /// Only these (account, sku).
    pub account_skus: Option<HashSet<(String, String)>>,
}

/// Writes charges to a new file, sorted by the contract's key.
///
/// # Errors
/// [`FrameError::Write`] when the file cannot be created or written.
pub fn write_charges(charges: &[Charge], path: &Path) -> Result<Written, FrameError> {
    let mut charges: Vec<&Charge> = charges.iter().collect();
    charges.sort_by(|a, b| a.place().cmp(&b.place()));
    let integers = |name: &str, of: &dyn Fn(&Charge) -> i64| -> Column {
        Int64Chunked::from_vec(name.into(), charges.iter().map(|charge| of(charge)).collect()).into_series().into()
    };
    let each = || charges.iter();
    let prices: Int128Chunked = each().map(|charge| charge.unit_price.map(UnitPrice::e12)).collect();
    let columns = vec![
        texts("charge_id", each().map(|charge| &charge.charge_id)),
        texts("settlement_id", each().map(|charge| &charge.settlement_id)),
        texts("account_id", each().map(|charge| &charge.key.account_id)),
        texts("resource_id", each().map(|charge| &charge.key.resource_id)),
        texts("sku", each().map(|charge| &charge.key.sku)),
        texts("price_id", each().map(|charge| &charge.key.price_id)),
        texts("product", each().map(|charge| &charge.product)),
        texts("billing_mode", each().map(|charge| charge.billing_mode.as_str())),
        texts("charge_type", each().map(|charge| charge.charge_type.as_str())),
        integers("window_start", &|charge| charge.key.window.start.seconds()),
        integers("window_end", &|charge| charge.key.window.end.seconds()),
        texts("billing_period", each().map(|charge| &charge.billing_period)),
        quantities("quantity", each().map(|charge| charge.quantity.e12()).collect())?,
        quantities("waived_quantity", each().map(|charge| charge.waived.e12()).collect())?,
        texts("unit", each().map(|charge| &charge.unit)),
        prices.with_name("unit_price".into()).into_decimal(38, 12)?.into_series().into(),
        integers("list_amount_e8", &|charge| charge.amounts.list.e8()),
        integers("discount_amount_e8", &|charge| charge.amounts.discount.e8()),
        integers("truncated_amount_e8", &|charge| charge.amounts.truncated.e8()),
        integers("due_amount_e8", &|charge| charge.amounts.due.e8()),
        texts("currency", each().map(|charge| &charge.currency)),
        optional_texts("corrects", each().map(|charge| charge.corrects.as_deref())),
        optional_texts("reason", each().map(|charge| charge.reason.as_deref())),
        optional_texts("region", each().map(|charge| charge.region.as_deref())),
        optional_texts("cost_center", each().map(|charge| charge.cost_center.as_deref())),
        texts("tags", each().map(|charge| tags_text(&charge.tags))),
        integers("transaction_at", &|charge| charge.transaction_at.seconds()),
    ];
    write(&mut DataFrame::new(charges.len(), columns)?, path)
}

/// Reads charges, sorted by the contract's key.
///
/// # Errors
/// [`FrameError::Read`] names the file that cannot be read.
pub fn read_charges(files: &[PathBuf], filter: &ChargeFilter) -> Result<Vec<Charge>, FrameError> {
    // A few are looked for column by column, so that nothing of the others is unpacked.
    let is_few = filter.account_skus.as_ref().is_some_and(|wanted| (1..=FEW_PAIRS).contains(&wanted.len()));
    let (few, many) = filter.account_skus.as_ref().map_or((None, None), |wanted| match is_few {
        true => (Some(any_of(wanted)), None),
        false => (None, Some(wanted)),
    });
    let wanted = many.map(|wanted| pairs(["account_id", "sku"], wanted)).transpose()?;
    let mut charges = Vec::new();
    for path in files {
        let mut plan = scan(path)?;
        if let Some(window) = filter.within {
            let starts = col("window_start");
            plan = plan.filter(starts.clone().gt_eq(lit(window.start.seconds())).and(starts.lt(lit(window.end.seconds()))));
        }
        if let Some(begins) = &filter.charge_id {
            // Ids are ASCII: all that begin with the text lie before the text followed by the first character above ASCII.
            let above = lit(format!("{begins}\u{80}"));
            plan = plan.filter(col("charge_id").gt_eq(lit(begins.clone())).and(col("charge_id").lt(above)));
        }
        for (column, wanted) in [("account_id", &filter.account_id), ("settlement_id", &filter.settlement_id)] {
            if let Some(wanted) = wanted {
                plan = plan.filter(col(column).eq(lit(wanted.clone())));
            }
        }
        if let Some(few) = &few {
            plan = plan.filter(few.clone());
        }
        if let Some(wanted) = &wanted {
            let on = [col("account_id"), col("sku")];
            plan = plan.join(wanted.clone(), &on, &on, JoinArgs::new(JoinType::Semi));
        }
        decode(&collect(path, plan)?, &mut charges)?;
    }
    charges.sort_by(|a, b| a.place().cmp(&b.place()));
    Ok(charges)
}

/// Pairs that are looked for one by one.
const FEW_PAIRS: usize = 16;

fn any_of(wanted: &HashSet<(String, String)>) -> Expr {
    let one =
        |(account_id, sku): &(String, String)| col("account_id").eq(lit(account_id.clone())).and(col("sku").eq(lit(sku.clone())));
    let mut each = wanted.iter().map(one);
    let first = each.next().unwrap_or_else(|| lit(false));
    each.fold(first, Expr::or)
}

fn decode(frame: &DataFrame, charges: &mut Vec<Charge>) -> Result<(), FrameError> {
    let read = Reader::new(frame);
    let (charge_id, settlement_id) = (read.texts("charge_id")?, read.texts("settlement_id")?);
    let (account_id, resource_id) = (read.texts("account_id")?, read.texts("resource_id")?);
    let (sku, price_id, product) = (read.texts("sku")?, read.texts("price_id")?, read.texts("product")?);
    let (billing_mode, charge_type) = (read.texts("billing_mode")?, read.texts("charge_type")?);
    let (window_start, window_end) = (read.integers("window_start")?, read.integers("window_end")?);
    let (billing_period, unit) = (read.texts("billing_period")?, read.texts("unit")?);
    let (quantity, waived) = (read.quantities("quantity")?, read.quantities("waived_quantity")?);
    let unit_price = read.quantities("unit_price")?;
    let (list, discount) = (read.integers("list_amount_e8")?, read.integers("discount_amount_e8")?);
    let (truncated, due) = (read.integers("truncated_amount_e8")?, read.integers("due_amount_e8")?);
    let (currency, corrects, reason) = (read.texts("currency")?, read.texts("corrects")?, read.texts("reason")?);
    let (region, cost_center, tags) = (read.texts("region")?, read.texts("cost_center")?, read.texts("tags")?);
    let transaction_at = read.integers("transaction_at")?;
    let unknown = |column, row| FrameError::Missing { column, row };
    for row in 0..frame.height() {
        let window = Window::new(Instant::from_seconds(window_start.at(row)?), Instant::from_seconds(window_end.at(row)?));
        charges.push(Charge {
            charge_id: charge_id.owned(row)?,
            settlement_id: settlement_id.owned(row)?,
            key: LineKey {
                window,
                account_id: account_id.owned(row)?,
                resource_id: resource_id.owned(row)?,
                sku: sku.owned(row)?,
                price_id: price_id.owned(row)?,
            },
            product: product.owned(row)?,
            billing_mode: BillingMode::parse(billing_mode.at(row)?).ok_or_else(|| unknown("billing_mode", row))?,
            charge_type: ChargeType::parse(charge_type.at(row)?).ok_or_else(|| unknown("charge_type", row))?,
            billing_period: billing_period.owned(row)?,
            quantity: Quantity::from_e12(quantity.at(row)?),
            waived: Quantity::from_e12(waived.at(row)?),
            unit: unit.owned(row)?,
            unit_price: unit_price.optional(row).map(UnitPrice::from_e12),
            amounts: Amounts {
                list: Money::from_e8(list.at(row)?),
                discount: Money::from_e8(discount.at(row)?),
                truncated: Money::from_e8(truncated.at(row)?),
                due: Money::from_e8(due.at(row)?),
            },
            currency: currency.owned(row)?,
            corrects: corrects.optional(row),
            reason: reason.optional(row),
            region: region.optional(row),
            cost_center: cost_center.optional(row),
            tags: tags_of(tags.at(row)?),
            transaction_at: Instant::from_seconds(transaction_at.at(row)?),
        });
    }
    Ok(())
}

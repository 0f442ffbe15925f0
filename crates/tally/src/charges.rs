//! Charges in bulk to the lake, in the layout of `frames`: the first charges of an hour's lines at flat prices.

use crate::error::TallyError;
use crate::file::{
    Cells, Column, Form, One, Output, ROW_GROUP_ROWS, Repeated, Writer, coded_optional, coded_type, quantities, strings,
};
use crate::sums::Holdings;
use arrow::array::{ArrayRef, AsArray as _, StringArray};
use arrow::datatypes::DataType;
use reckoner_core::id::{Bits, End};
use reckoner_core::number::Quantity;
use reckoner_core::price::Price;
use reckoner_core::rate::{Amounts, ChargeType, FirstChargeIds};
use reckoner_core::time::Window;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

/// A line of a window that was never settled before, at a flat price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkLine {
    /// Account, resource and sku.
    pub holding: u32,
    /// The place of its price in [`BulkCharges::prices`].
    pub price: u32,
    /// Unit-seconds, or the amount.
    pub quantity: Quantity,
    /// What it costs.
    pub amounts: Amounts,
}

/// The charges of one window.
pub struct BulkCharges<'a> {
    /// The window; its end is the settlement's instant.
    pub window: Window,
    /// `2026-01`.
    pub billing_period: &'a str,
    /// Where the holdings stand.
    pub holdings: &'a Holdings,
    /// What the ids of their charges begin with.
    pub ids: &'a FirstChargeIds,
    /// The prices that the lines name.
    pub prices: &'a [Arc<Price>],
    /// The lines, in the order of account, resource, sku.
    pub lines: &'a [BulkLine],
    /// By account code the settlement; empty where the account has none.
    pub settlement_ids: &'a [Arc<str>],
    /// By account code the cost centre.
    pub cost_centers: &'a [Option<String>],
}

/// Writes the charges to a new file.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be written.
pub fn write_charges(charges: &BulkCharges<'_>, repeated: &mut Repeated, out: Output<'_>) -> Result<(), TallyError> {
    let layout = layout();
    let mut writer = Writer::create(out, &layout, repeated)?;
    let common = Common::new(charges);
    std::thread::scope(|scope| {
        // The ids of the next group are derived while this one is written.
        let mut groups = charges.lines.chunks(ROW_GROUP_ROWS);
        let mut next = groups.next().map(|lines| (lines, common.ids(lines)));
        while let Some((lines, ids)) = next {
            let ahead = groups.next().map(|lines| (lines, scope.spawn(|| common.ids(lines))));
            writer.write(lines.len(), common.columns(lines, ids))?;
            let joined = |(lines, ids): (_, ScopedJoinHandle<'_, _>)| {
                (lines, ids.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            };
            next = ahead.map(joined);
        }
        Ok::<(), TallyError>(())
    })?;
    writer.finish()?;
    Ok(())
}

fn layout() -> Vec<Column> {
    let decimal = |name: &str| Column::new(name, DataType::Decimal128(38, 12), Form::Repeating);
    vec![
        Column::new("charge_id", DataType::Utf8, Form::Distinct),
        Column::text("settlement_id"),
        Column::text("account_id"),
        Column::new("resource_id", coded_type(), Form::Distinct),
        Column::text("sku"),
        Column::text("price_id"),
        Column::text("product"),
        Column::text("billing_mode"),
        Column::text("charge_type"),
        Column::integer("window_start"),
        Column::integer("window_end"),
        Column::text("billing_period"),
        decimal("quantity"),
        decimal("waived_quantity"),
        Column::text("unit"),
        decimal("unit_price"),
        Column::integer("list_amount_e8"),
        Column::integer("discount_amount_e8"),
        Column::integer("truncated_amount_e8"),
        Column::integer("due_amount_e8"),
        Column::text("currency"),
        Column::text("corrects").optional(),
        Column::text("reason").optional(),
        Column::text("region").optional(),
        Column::text("cost_center").optional(),
        Column::text("tags"),
        Column::integer("transaction_at"),
    ]
}

/// What all batches of a window share.
struct Common<'a> {
    charges: &'a BulkCharges<'a>,
    /// By price what the ids of its charges end with.
    ends: Vec<End>,
    settlement_ids: ArrayRef,
    accounts: ArrayRef,
    resources: ArrayRef,
    skus: ArrayRef,
    labels: [ArrayRef; 2],
    cost_centers: ArrayRef,
    price_ids: ArrayRef,
    products: ArrayRef,
    modes: ArrayRef,
    units: ArrayRef,
    unit_prices: ArrayRef,
    currencies: ArrayRef,
}

impl<'a> Common<'a> {
    fn new(charges: &'a BulkCharges<'a>) -> Self {
        let of_price = |of: &dyn Fn(&'a Price) -> &'a str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(charges.prices.iter().map(|price| of(price))))
        };
        let holdings = charges.holdings;
        let cost_centers = charges.cost_centers.iter().map(|center| center.as_deref().unwrap_or_default());
        let (start, end) = (charges.window.start.to_utc_text(), charges.window.end.to_utc_text());
        let end_of = |price: &Arc<Price>| FirstChargeIds::of_price([&start, &end], &price.price_id);
        Self {
            charges,
            ends: charges.prices.iter().map(end_of).collect(),
            settlement_ids: Arc::new(StringArray::from_iter_values(charges.settlement_ids)),
            accounts: strings(holdings.accounts.texts()),
            resources: strings(&holdings.resources),
            skus: strings(holdings.skus.texts()),
            labels: holdings.labels.each_ref().map(|codes| strings(codes.texts())),
            cost_centers: Arc::new(StringArray::from_iter_values(cost_centers)),
            price_ids: of_price(&|price| &price.price_id),
            products: of_price(&|price| &price.row.product),
            modes: of_price(&|price| price.row.billing_mode.as_str()),
            units: of_price(&|price| price.row.unit.as_str()),
            unit_prices: quantities(charges.prices.iter().map(|price| price.row.unit_price.e12()).collect()),
            currencies: of_price(&|price| &price.row.currency),
        }
    }

    fn columns(&self, lines: &[BulkLine], charge_ids: Vec<Bits>) -> Vec<Cells<'static>> {
        let Self { charges, .. } = self;
        let of = LineColumns::new(lines, charges.holdings);
        let coded = |codes: &Vec<u32>, values| Cells::Coded(codes.clone().into(), Arc::clone(values));
        let of_price = |values| of_price(&of.prices, values);
        let due = if of.due == of.list { Cells::Like("list_amount_e8") } else { integers(of.due) };
        vec![
            Cells::Ids(FirstChargeIds::BEFORE, charge_ids),
            coded(&of.accounts, &self.settlement_ids),
            coded(&of.accounts, &self.accounts),
            coded(&of.resources, &self.resources),
            coded(&of.skus, &self.skus),
            of_price(&self.price_ids),
            of_price(&self.products),
            of_price(&self.modes),
            text(ChargeType::Usage.as_str()),
            integer(charges.window.start.seconds()),
            integer(charges.window.end.seconds()),
            text(charges.billing_period),
            Cells::Decimals(of.quantities.into()),
            Cells::All(One::E12(0)),
            of_price(&self.units),
            coded(&of.prices, &self.unit_prices),
            integers(of.list),
            integers(of.discount),
            integers(of.truncated),
            due,
            of_price(&self.currencies),
            Cells::All(One::Nothing),
            Cells::All(One::Nothing),
            self.label(lines, 0),
            self.cost_centers(lines),
            self.label(lines, 1),
            integer(charges.window.end.seconds()),
        ]
    }

    /// Region (0) or tags (1).
    fn label(&self, lines: &[BulkLine], place: usize) -> Cells<'static> {
        let texts = &self.charges.holdings.labels[place];
        let is_optional = place == 0;
        if texts.texts().iter().all(str::is_empty) {
            return Cells::All(if is_optional { One::Nothing } else { One::Text(String::new()) });
        }
        let codes = lines.iter().map(|line| self.charges.holdings.label_codes(line.holding)[place]);
        match is_optional {
            true => Cells::Each(coded_optional(
                codes.map(|code| Some(code).filter(|code| !texts.get(*code).is_empty())),
                &self.labels[place],
            )),
            false => Cells::Coded(codes.collect(), Arc::clone(&self.labels[place])),
        }
    }

    fn cost_centers(&self, lines: &[BulkLine]) -> Cells<'static> {
        let Self { charges, .. } = self;
        if charges.cost_centers.iter().all(Option::is_none) {
            return Cells::All(One::Nothing);
        }
        let account = |line: &BulkLine| charges.holdings.keys[line.holding as usize][0];
        let codes = lines.iter().map(account).map(|code| charges.cost_centers[code as usize].is_some().then_some(code));
        Cells::Each(coded_optional(codes, &self.cost_centers))
    }

    /// What the ids of the charges show.
    fn ids(&self, lines: &[BulkLine]) -> Vec<Bits> {
        self.charges.ids.derive(lines.iter().map(|line| (line.holding as usize, &self.ends[line.price as usize])))
    }
}

/// What lines say, column by column.
struct LineColumns {
    accounts: Vec<u32>,
    resources: Vec<u32>,
    skus: Vec<u32>,
    prices: Vec<u32>,
    quantities: Vec<i128>,
    list: Vec<i64>,
    discount: Vec<i64>,
    truncated: Vec<i64>,
    due: Vec<i64>,
}

impl LineColumns {
    fn new(lines: &[BulkLine], holdings: &Holdings) -> Self {
        let rows = lines.len();
        let [accounts, resources, skus, prices] = [(); 4].map(|()| Vec::with_capacity(rows));
        let [list, discount, truncated, due] = [(); 4].map(|()| Vec::with_capacity(rows));
        let quantities = Vec::with_capacity(rows);
        let mut of = Self { accounts, resources, skus, prices, quantities, list, discount, truncated, due };
        for BulkLine { holding, price, quantity, amounts } in lines {
            let [account, resource, sku] = holdings.keys[*holding as usize];
            of.accounts.push(account);
            of.resources.push(resource);
            of.skus.push(sku);
            of.prices.push(*price);
            of.quantities.push(quantity.e12());
            of.list.push(amounts.list.e8());
            of.discount.push(amounts.discount.e8());
            of.truncated.push(amounts.truncated.e8());
            of.due.push(amounts.due.e8());
        }
        of
    }
}

/// What the line's price says; where all prices say the same, once.
fn of_price(prices: &[u32], values: &ArrayRef) -> Cells<'static> {
    let texts = values.as_string::<i32>();
    let first = texts.value(0);
    if texts.iter().all(|value| value == Some(first)) {
        return text(first);
    }
    Cells::Coded(prices.to_vec().into(), Arc::clone(values))
}

fn text(text: &str) -> Cells<'static> {
    Cells::All(One::Text(text.to_owned()))
}

fn integer(value: i64) -> Cells<'static> {
    Cells::All(One::Integer(value))
}

/// Integers of each line; where all are 0, once.
fn integers(values: Vec<i64>) -> Cells<'static> {
    match values.iter().all(|value| *value == 0) {
        true => integer(0),
        false => Cells::Numbers(None, values.into()),
    }
}

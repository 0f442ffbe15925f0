//! Charges in bulk to the lake, in the layout of `frames`: the first charges of an hour's lines at flat prices.

use crate::error::TallyError;
use crate::file::{
    Cells, Column, Form, Numbers, One, Output, ROW_GROUP_ROWS, Repeated, Writer, coded_optional, coded_type, quantities, strings,
};
use crate::sums::Holdings;
use arrow::array::{ArrayRef, AsArray as _, StringArray};
use arrow::datatypes::DataType;
use reckoner_core::id::{Bits, End};
use reckoner_core::number::{Money, Quantity};
use reckoner_core::price::Price;
use reckoner_core::rate::{Amounts, ChargeType, FirstChargeIds};
use reckoner_core::time::Window;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

/// Lines of a window that was never settled before, at flat prices and without discounts, column by column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkLines {
    /// Account, resource and sku.
    holdings: Vec<u32>,
    /// The places of their prices in [`BulkCharges::prices`].
    prices: Vec<u32>,
    /// Unit-seconds, or the amount.
    quantities_e12: Vec<i128>,
    list_e8: Vec<i64>,
    due_e8: Vec<i64>,
}

impl BulkLines {
    /// Adds a line: what it costs has no discount.
    #[inline]
    pub fn push(&mut self, holding: u32, price: u32, quantity: Quantity, Amounts { list, discount, due, .. }: Amounts) {
        assert!(discount.is_zero(), "a line in bulk has no discount");
        self.holdings.push(holding);
        self.prices.push(price);
        self.quantities_e12.push(quantity.e12());
        self.list_e8.push(list.e8());
        self.due_e8.push(due.e8());
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, lines: usize) {
        let Self { holdings, prices, quantities_e12, list_e8, due_e8 } = self;
        [holdings, prices].into_iter().for_each(|codes| codes.reserve(lines));
        [list_e8, due_e8].into_iter().for_each(|amounts| amounts.reserve(lines));
        quantities_e12.reserve(lines);
    }

    /// Takes all of them out, and keeps the memory.
    pub fn clear(&mut self) {
        let Self { holdings, prices, quantities_e12, list_e8, due_e8 } = self;
        [holdings, prices].into_iter().for_each(Vec::clear);
        [list_e8, due_e8].into_iter().for_each(Vec::clear);
        quantities_e12.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.holdings.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.holdings.is_empty()
    }

    /// The holding of each.
    pub fn holdings(&self) -> &[u32] {
        &self.holdings
    }
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
    pub lines: &'a BulkLines,
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
        let rows = charges.lines.len();
        let mut groups = (0..rows).step_by(ROW_GROUP_ROWS).map(|start| start..rows.min(start + ROW_GROUP_ROWS));
        let mut next = groups.next().map(|lines| (lines.clone(), common.ids(lines)));
        while let Some((lines, ids)) = next {
            let ahead = groups.next().map(|lines| (lines.clone(), scope.spawn(|| common.ids(lines))));
            let of = LineColumns::new(charges, lines.clone());
            writer.write(lines.len(), common.columns(&of, ids))?;
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

    fn columns<'c>(&self, of: &'c LineColumns<'c>, charge_ids: Vec<Bits>) -> Vec<Cells<'c>> {
        let Self { charges, .. } = self;
        let coded = |codes: &'c [u32], values| Cells::Coded(codes.into(), Arc::clone(values));
        let of_price = |values| of_price(of.prices, values);
        let (truncated, due) = match of.due == of.list {
            true => (integer(0), Cells::Like("list_amount_e8")),
            false => (integers(of.truncated().into()), integers(of.due.into())),
        };
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
            coded(of.prices, &self.unit_prices),
            integers(of.list.into()),
            integer(0),
            truncated,
            due,
            of_price(&self.currencies),
            Cells::All(One::Nothing),
            Cells::All(One::Nothing),
            self.label(of.holdings, 0),
            self.cost_centers(&of.accounts),
            self.label(of.holdings, 1),
            integer(charges.window.end.seconds()),
        ]
    }

    /// Region (0) or tags (1).
    fn label(&self, holdings: &[u32], place: usize) -> Cells<'static> {
        let texts = &self.charges.holdings.labels[place];
        let is_optional = place == 0;
        if texts.texts().iter().all(str::is_empty) {
            return Cells::All(if is_optional { One::Nothing } else { One::Text(String::new()) });
        }
        let codes = holdings.iter().map(|holding| self.charges.holdings.label_codes(*holding)[place]);
        match is_optional {
            true => Cells::Each(coded_optional(
                codes.map(|code| Some(code).filter(|code| !texts.get(*code).is_empty())),
                &self.labels[place],
            )),
            false => Cells::Coded(codes.collect(), Arc::clone(&self.labels[place])),
        }
    }

    fn cost_centers(&self, accounts: &[u32]) -> Cells<'static> {
        let Self { charges, .. } = self;
        if charges.cost_centers.iter().all(Option::is_none) {
            return Cells::All(One::Nothing);
        }
        let codes = accounts.iter().map(|code| charges.cost_centers[*code as usize].is_some().then_some(*code));
        Cells::Each(coded_optional(codes, &self.cost_centers))
    }

    /// What the ids of the charges show.
    fn ids(&self, lines: Range<usize>) -> Vec<Bits> {
        let BulkLines { holdings, prices, .. } = self.charges.lines;
        let named = holdings[lines.clone()].iter().zip(&prices[lines]);
        self.charges.ids.derive(named.map(|(holding, price)| (*holding as usize, &self.ends[*price as usize])))
    }
}

/// What lines say, column by column.
struct LineColumns<'a> {
    holdings: &'a [u32],
    accounts: Vec<u32>,
    resources: Vec<u32>,
    skus: Vec<u32>,
    prices: &'a [u32],
    quantities: &'a [i128],
    list: &'a [i64],
    due: &'a [i64],
}

impl<'a> LineColumns<'a> {
    fn new(BulkCharges { lines, holdings: all, .. }: &BulkCharges<'a>, rows: Range<usize>) -> Self {
        let holdings = &lines.holdings[rows.clone()];
        let [mut accounts, mut resources, mut skus] = [(); 3].map(|()| Vec::with_capacity(rows.len()));
        for holding in holdings {
            let [account, resource, sku] = all.keys[*holding as usize];
            accounts.push(account);
            resources.push(resource);
            skus.push(sku);
        }
        let (prices, quantities) = (&lines.prices[rows.clone()], &lines.quantities_e12[rows.clone()]);
        let (list, due) = (&lines.list_e8[rows.clone()], &lines.due_e8[rows]);
        Self { holdings, accounts, resources, skus, prices, quantities, list, due }
    }

    /// What was cut off each.
    fn truncated(&self) -> Vec<i64> {
        self.list.iter().zip(self.due).map(|(list, due)| (Money::from_e8(*list) - Money::from_e8(*due)).e8()).collect()
    }
}

/// What the line's price says; where all prices say the same, once.
fn of_price<'c>(prices: &'c [u32], values: &ArrayRef) -> Cells<'c> {
    let texts = values.as_string::<i32>();
    let first = texts.value(0);
    if texts.iter().all(|value| value == Some(first)) {
        return text(first);
    }
    Cells::Coded(prices.into(), Arc::clone(values))
}

fn text(text: &str) -> Cells<'static> {
    Cells::All(One::Text(text.to_owned()))
}

fn integer(value: i64) -> Cells<'static> {
    Cells::All(One::Integer(value))
}

/// Integers of each line; where all are 0, once.
fn integers(values: Cow<'_, [i64]>) -> Cells<'_> {
    match values.iter().all(|value| *value == 0) {
        true => integer(0),
        false => Cells::Numbers(None, Numbers::Signed(values)),
    }
}

//! Charges in bulk to the lake, in the layout of `frames`: the first charges of an hour's lines at flat prices.

use crate::error::TallyError;
use crate::file::{Cells, Column, Form, One, ROW_GROUP_ROWS, Repeated, Writer, coded, coded_optional, quantities, strings};
use crate::part::NONE;
use crate::sums::Holdings;
use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::DataType;
use reckoner_core::id::Facts;
use reckoner_core::number::Quantity;
use reckoner_core::price::Price;
use reckoner_core::rate::{Amounts, ChargeType, FirstChargeIds};
use reckoner_core::table::Texts;
use reckoner_core::time::Window;
use std::path::Path;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

/// `ch_` and 32 digits; most resources are no longer.
const CHARGE_ID_BYTES: usize = 35;

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
    /// The prices that the lines name.
    pub prices: &'a [Arc<Price>],
    /// The lines, in the order of account, resource, sku.
    pub lines: &'a [BulkLine],
    /// By account code the settlement; empty where the account has none.
    pub settlement_ids: &'a [Arc<str>],
    /// By account code the cost centre.
    pub cost_centers: &'a [Option<String>],
}

/// Writes the charges to a new file; hands back rows and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_charges(charges: &BulkCharges<'_>, repeated: &mut Repeated, path: &Path) -> Result<(u64, u64), TallyError> {
    let layout = layout();
    let mut writer = Writer::create(path, &layout, repeated)?;
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
    writer.finish()
}

fn layout() -> Vec<Column> {
    let decimal = |name: &str| Column::new(name, DataType::Decimal128(38, 12), Form::Repeating);
    vec![
        Column::new("charge_id", DataType::Utf8, Form::Distinct),
        Column::text("settlement_id"),
        Column::text("account_id"),
        Column::new("resource_id", DataType::Utf8, Form::Distinct),
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
    start: String,
    end: String,
    settlement_ids: Arc<StringArray>,
    accounts: Arc<StringArray>,
    skus: Arc<StringArray>,
    labels: [Arc<StringArray>; 2],
    cost_centers: Arc<StringArray>,
    price_ids: Arc<StringArray>,
    products: Arc<StringArray>,
    modes: Arc<StringArray>,
    units: Arc<StringArray>,
    currencies: Arc<StringArray>,
}

impl<'a> Common<'a> {
    fn new(charges: &'a BulkCharges<'a>) -> Self {
        let of_price = |of: &dyn Fn(&'a Price) -> &'a str| {
            Arc::new(StringArray::from_iter_values(charges.prices.iter().map(|price| of(price))))
        };
        let cost_centers = charges.cost_centers.iter().map(|center| center.as_deref().unwrap_or_default());
        Self {
            charges,
            start: charges.window.start.to_utc_text(),
            end: charges.window.end.to_utc_text(),
            settlement_ids: Arc::new(StringArray::from_iter_values(charges.settlement_ids)),
            accounts: Arc::new(strings(charges.holdings.accounts.texts())),
            skus: Arc::new(strings(charges.holdings.skus.texts())),
            labels: charges.holdings.labels.each_ref().map(|codes| Arc::new(strings(codes.texts()))),
            cost_centers: Arc::new(StringArray::from_iter_values(cost_centers)),
            price_ids: of_price(&|price| &price.price_id),
            products: of_price(&|price| &price.row.product),
            modes: of_price(&|price| price.row.billing_mode.as_str()),
            units: of_price(&|price| price.row.unit.as_str()),
            currencies: of_price(&|price| &price.row.currency),
        }
    }

    fn columns(&self, lines: &[BulkLine], (charge_ids, resources): (Texts, Texts)) -> Vec<Cells> {
        let Self { charges, .. } = self;
        let holdings = charges.holdings;
        let account = |line: &BulkLine| holdings.keys[line.holding as usize][0];
        let by_account = |values: &Arc<StringArray>| Cells::Each(coded(lines.iter().map(account), values));
        let unit_prices = lines.iter().map(|line| charges.prices[line.price as usize].row.unit_price.e12()).collect();
        vec![
            Cells::Each(Arc::new(strings(&charge_ids))),
            by_account(&self.settlement_ids),
            by_account(&self.accounts),
            Cells::Each(Arc::new(strings(&resources))),
            Cells::Each(coded(lines.iter().map(|line| holdings.keys[line.holding as usize][2]), &self.skus)),
            self.by_price(lines, &self.price_ids),
            self.by_price(lines, &self.products),
            self.by_price(lines, &self.modes),
            text(ChargeType::Usage.as_str()),
            integer(charges.window.start.seconds()),
            integer(charges.window.end.seconds()),
            text(charges.billing_period),
            Cells::Each(quantities(lines.iter().map(|line| line.quantity.e12()).collect())),
            Cells::All(One::E12(0)),
            self.by_price(lines, &self.units),
            Cells::Each(quantities(unit_prices)),
            integers(lines, |line| line.amounts.list.e8()),
            integers(lines, |line| line.amounts.discount.e8()),
            integers(lines, |line| line.amounts.truncated.e8()),
            integers(lines, |line| line.amounts.due.e8()),
            self.by_price(lines, &self.currencies),
            Cells::All(One::Nothing),
            Cells::All(One::Nothing),
            self.label(lines, 0),
            self.cost_centers(lines),
            self.label(lines, 1),
            integer(charges.window.end.seconds()),
        ]
    }

    /// What the line's price says; where all prices say the same, once.
    fn by_price(&self, lines: &[BulkLine], values: &Arc<StringArray>) -> Cells {
        let first = values.value(0);
        if values.iter().all(|value| value == Some(first)) {
            return text(first);
        }
        Cells::Each(coded(lines.iter().map(|line| line.price), values))
    }

    /// Region (0) or tags (1).
    fn label(&self, lines: &[BulkLine], place: usize) -> Cells {
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
            false => Cells::Each(coded(codes, &self.labels[place])),
        }
    }

    fn cost_centers(&self, lines: &[BulkLine]) -> Cells {
        let Self { charges, .. } = self;
        if charges.cost_centers.iter().all(Option::is_none) {
            return Cells::All(One::Nothing);
        }
        let account = |line: &BulkLine| charges.holdings.keys[line.holding as usize][0];
        let codes = lines.iter().map(account).map(|code| charges.cost_centers[code as usize].is_some().then_some(code));
        Cells::Each(coded_optional(codes, &self.cost_centers))
    }

    /// Ids of the charges, and their resources.
    fn ids(&self, lines: &[BulkLine]) -> (Texts, Texts) {
        let Self { charges: BulkCharges { holdings, prices, .. }, start, end, .. } = self;
        let mut charge_ids = Texts::with_room(lines.len(), lines.len() * CHARGE_ID_BYTES);
        let mut resources = Texts::with_room(lines.len(), lines.len() * CHARGE_ID_BYTES);
        let (mut ids, mut of_account) = (FirstChargeIds::default(), (NONE, Facts::default()));
        // By sku, each price that it has in this window.
        let mut of_prices: Vec<Vec<(u32, Facts)>> = vec![Vec::new(); holdings.skus.len()];
        for line in lines {
            let [account, resource, sku] = holdings.keys[line.holding as usize];
            if of_account.0 != account {
                of_account = (account, FirstChargeIds::of_account(holdings.accounts.get(account)));
            }
            let of_sku = &mut of_prices[sku as usize];
            let place = of_sku.iter().position(|(price, _)| *price == line.price).unwrap_or_else(|| {
                let price_id = &prices[line.price as usize].price_id;
                of_sku.push((line.price, FirstChargeIds::of_price(holdings.skus.get(sku), [start, end], price_id)));
                of_sku.len() - 1
            });
            let resource_id = holdings.resources.get(resource as usize);
            charge_ids.push_with(|text| ids.derive(text, &of_account.1, resource_id, &of_sku[place].1));
            resources.push(resource_id);
        }
        (charge_ids, resources)
    }
}

fn text(text: &str) -> Cells {
    Cells::All(One::Text(text.to_owned()))
}

fn integer(value: i64) -> Cells {
    Cells::All(One::Integer(value))
}

/// Integers of each line; where all are 0, once.
fn integers(lines: &[BulkLine], of: impl Fn(&BulkLine) -> i64) -> Cells {
    let values: Vec<i64> = lines.iter().map(of).collect();
    match values.iter().all(|value| *value == 0) {
        true => integer(0),
        false => Cells::Each(Arc::new(Int64Array::from(values))),
    }
}

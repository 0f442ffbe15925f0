//! Charges in bulk to the lake, in the layout of `frames`: the first charges of an hour's lines at flat prices.

use crate::error::TallyError;
use crate::file::{Form, ROW_GROUP_ROWS, Writer, coded, coded_optional, coded_type, constant, quantities, strings};
use crate::sums::Holdings;
use arrow::array::{ArrayRef, Decimal128Array, Int64Array, StringArray};
use arrow::datatypes::DataType;
use reckoner_core::id::Deriver;
use reckoner_core::number::Quantity;
use reckoner_core::price::Price;
use reckoner_core::rate::{Amounts, ChargeType, derive_charge_id};
use reckoner_core::table::Texts;
use reckoner_core::time::Window;
use std::path::Path;
use std::sync::Arc;

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
    pub billing_period: String,
    /// Where the holdings stand.
    pub holdings: &'a Holdings,
    /// The prices that the lines name.
    pub prices: &'a [Arc<Price>],
    /// The lines, in the order of account, resource, sku.
    pub lines: &'a [BulkLine],
    /// By account code the settlement; empty where the account has none.
    pub settlement_ids: &'a [String],
    /// By account code the cost centre.
    pub cost_centers: &'a [Option<String>],
}

/// Writes the charges to a new file; hands back rows and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_charges(charges: &BulkCharges<'_>, path: &Path) -> Result<(u64, u64), TallyError> {
    let mut writer = Writer::create(path, &layout())?;
    let common = Common::new(charges);
    for lines in charges.lines.chunks(ROW_GROUP_ROWS) {
        writer.write(common.columns(lines))?;
    }
    writer.finish()
}

fn layout() -> Vec<(String, DataType, bool, Form)> {
    let text = |name: &str| (name.to_owned(), coded_type(), true, Form::Repeating);
    let integer = |name: &str| (name.to_owned(), DataType::Int64, true, Form::Rising);
    let decimal = |name: &str| (name.to_owned(), DataType::Decimal128(38, 12), true, Form::Repeating);
    vec![
        ("charge_id".to_owned(), DataType::Utf8, true, Form::Distinct),
        text("settlement_id"),
        text("account_id"),
        ("resource_id".to_owned(), DataType::Utf8, true, Form::Distinct),
        text("sku"),
        text("price_id"),
        text("product"),
        text("billing_mode"),
        text("charge_type"),
        integer("window_start"),
        integer("window_end"),
        text("billing_period"),
        decimal("quantity"),
        decimal("waived_quantity"),
        text("unit"),
        decimal("unit_price"),
        integer("list_amount_e8"),
        integer("discount_amount_e8"),
        integer("truncated_amount_e8"),
        integer("due_amount_e8"),
        text("currency"),
        text("corrects"),
        text("reason"),
        text("region"),
        text("cost_center"),
        text("tags"),
        integer("transaction_at"),
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

    fn columns(&self, lines: &[BulkLine]) -> Vec<ArrayRef> {
        let Self { charges, .. } = self;
        let holdings = charges.holdings;
        let rows = lines.len();
        let account = |line: &BulkLine| holdings.keys[line.holding as usize][0];
        let by_account = |values: &Arc<StringArray>| coded(lines.iter().map(account), values);
        let by_price = |values: &Arc<StringArray>| coded(lines.iter().map(|line| line.price), values);
        let integers =
            |of: &dyn Fn(&BulkLine) -> i64| -> ArrayRef { Arc::new(Int64Array::from(lines.iter().map(of).collect::<Vec<_>>())) };
        let always = |value: i64| integers(&|_| value);
        let nothing = || coded_optional(lines.iter().map(|_| None), &self.skus);
        let (charge_ids, resources) = self.ids(lines);
        let unit_prices = lines.iter().map(|line| charges.prices[line.price as usize].row.unit_price.e12()).collect();
        let region = lines.iter().map(|line| holdings.label_codes(line.holding)[0]);
        let region = region.map(|code| Some(code).filter(|code| !holdings.labels[0].get(*code).is_empty()));
        let cost_center = lines.iter().map(account).map(|code| charges.cost_centers[code as usize].is_some().then_some(code));
        vec![
            Arc::new(strings(&charge_ids)),
            by_account(&self.settlement_ids),
            by_account(&self.accounts),
            Arc::new(strings(&resources)),
            coded(lines.iter().map(|line| holdings.keys[line.holding as usize][2]), &self.skus),
            by_price(&self.price_ids),
            by_price(&self.products),
            by_price(&self.modes),
            constant(ChargeType::Usage.as_str(), rows),
            always(charges.window.start.seconds()),
            always(charges.window.end.seconds()),
            constant(&charges.billing_period, rows),
            quantities(lines.iter().map(|line| line.quantity.e12()).collect()),
            Arc::new(Decimal128Array::from(vec![0; rows]).with_data_type(DataType::Decimal128(38, 12))),
            by_price(&self.units),
            quantities(unit_prices),
            integers(&|line| line.amounts.list.e8()),
            integers(&|line| line.amounts.discount.e8()),
            integers(&|line| line.amounts.truncated.e8()),
            integers(&|line| line.amounts.due.e8()),
            by_price(&self.currencies),
            nothing(),
            nothing(),
            coded_optional(region, &self.labels[0]),
            coded_optional(cost_center, &self.cost_centers),
            coded(lines.iter().map(|line| holdings.label_codes(line.holding)[1]), &self.labels[1]),
            always(charges.window.end.seconds()),
        ]
    }

    /// Ids of the charges, and their resources.
    fn ids(&self, lines: &[BulkLine]) -> (Texts, Texts) {
        let (mut charge_ids, mut resources) = (Texts::default(), Texts::default());
        let (mut deriver, mut charge_id) = (Deriver::default(), String::new());
        for line in lines {
            let [account_id, resource_id, sku] = self.charges.holdings.texts(line.holding);
            let price_id = &self.charges.prices[line.price as usize].price_id;
            charge_id.clear();
            derive_charge_id(&mut deriver, &mut charge_id, [account_id, resource_id, sku, &self.start, &self.end, price_id]);
            charge_ids.push(&charge_id);
            resources.push(resource_id);
        }
        (charge_ids, resources)
    }
}

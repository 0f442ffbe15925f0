//! Partials: what the rows of a file come to, by holding and hour. Written beside the rows, added up when an hour is settled
//! (`partial_file` reads them).
//!
//! One row a holding, in the order of a hash of its names, so that files are merged side by side; columns `account_id`,
//! `resource_id`, `sku`, `unit`, `region`, `tags`, `mixed` (1: its rows have several labels, so that `region` and `tags` mean
//! nothing), and for every hour, counted from 1970-01-01T00:00Z: `u…` what was used (unit-seconds, or the amount), `n…` by how
//! many rows, `d…` what was delivered again with the same content. No value: no use in that hour; a row that used 0 is a value.

use crate::error::TallyError;
use crate::file::{Cells, Column, Form, Numbers, One, Output, Repeated, Scattered, Writer, coded_optional, coded_type, strings};
use crate::hours::{HourUse, Used};
use crate::order::HoldingOrder;
use crate::part::{NONE, Part};
use crate::runs::Rows;
use arrow::array::{Decimal128Array, StringArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::DataType;
use reckoner_core::table::Unit;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) const HOUR: i64 = 3_600;
/// One unit at 1e-12.
pub(crate) const E12: i128 = 1_000_000_000_000;
/// Integers of so many digits are 64 bits in Parquet.
pub(crate) const SHORT_DIGITS: u8 = 18;

/// Writes the sums of rows of a part to a new file; the second sums are those of rows that were delivered again. Hands back
/// how many holdings it has.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be written.
pub fn write_partials(
    part: &Part,
    rows: &Rows,
    order: &HoldingOrder,
    [hours, again]: [&[HourUse]; 2],
    out: Output<'_>,
) -> Result<u64, TallyError> {
    let mut layout =
        ["account_id", "resource_id", "sku", "unit", "region", "tags"].map(|name| Column::text(name).optional()).to_vec();
    layout[1] = Column::new("resource_id", coded_type(), Form::Scattered).optional();
    layout.push(Column::integer("mixed"));
    let named = names(part, rows, order);
    let [by_hour, again] = [hours, again].map(by_hour);
    let mut summed: Vec<Summed<'_>> = Vec::new();
    for hour in again.keys().chain(by_hour.keys()).copied().collect::<BTreeSet<i64>>() {
        let number = hour / HOUR;
        if let Some(sums) = by_hour.get(&hour).copied() {
            let amounts = Amounts::of(&sums.used);
            layout.push(amounts.column("u", number));
            layout.push(Column::new(format!("n{number}"), DataType::Int32, Form::Repeating).optional());
            summed.push(Summed { sums, amounts, has_counts: true });
        }
        if let Some(sums) = again.get(&hour).copied() {
            let amounts = Amounts::of(&sums.used);
            layout.push(amounts.column("d", number));
            summed.push(Summed { sums, amounts, has_counts: false });
        }
    }
    // Made one after the other: a column takes as much as the names of all holdings.
    let summed = summed.into_iter().flat_map(|summed| summed.cells(order));
    let mut repeated = Repeated::default();
    let mut writer = Writer::create(out, &layout, &mut repeated)?;
    writer.write(order.holdings.len(), named.into_iter().chain(summed))?;
    writer.finish()
}

fn by_hour(hours: &[HourUse]) -> BTreeMap<i64, &HourUse> {
    hours.iter().map(|sums| (sums.hour, sums)).collect()
}

/// The columns that name the holdings.
fn names<'a>(part: &Part, rows: &Rows, order: &'a HoldingOrder) -> Vec<Cells<'a>> {
    let (holdings, used) = (&part.holdings, &order.holdings);
    let mut units: Vec<&Unit> = Vec::new();
    let mut unit_code = |unit| {
        units.iter().position(|known| *known == unit).unwrap_or_else(|| {
            units.push(unit);
            units.len() - 1
        })
    };
    // In one go: the keys stand in no order.
    let [mut accounts, mut skus, mut unit_codes] = [(); 3].map(|()| Vec::with_capacity(used.len()));
    for holding in used {
        let [account, sku] = holdings.keys[*holding as usize];
        accounts.push(account);
        skus.push(sku);
        unit_codes.push(unit_code(holdings.unit(*holding)) as u32);
    }
    let units = StringArray::from_iter_values(units.iter().map(|unit| unit.as_str()));
    let mut columns = vec![
        Cells::Coded(accounts.into(), strings(holdings.accounts.texts())),
        Scattered::of(&holdings.resources).cells(Cow::Borrowed(used)),
        Cells::Coded(skus.into(), strings(holdings.skus.texts())),
        Cells::Coded(Cow::Owned(unit_codes), Arc::new(units)),
    ];

    if part.labels[0].is_empty() && part.labels[2].is_empty() {
        columns.extend([Cells::All(One::Nothing), Cells::All(One::Nothing), Cells::All(One::Integer(0))]);
        return columns;
    }
    let mut labels = vec![[NONE; 2]; used.len()];
    let mut is_mixed = vec![0_i64; used.len()];
    let mut place_of = vec![NONE; holdings.len()];
    (0..).zip(used).for_each(|(place, holding)| place_of[*holding as usize] = place);
    for row in rows.iter() {
        let place = place_of[part.holding[row] as usize] as usize;
        let label = [0, 2].map(|label| part.labels[label].get(row).copied().unwrap_or_default());
        if labels[place] == [NONE; 2] {
            labels[place] = label;
        } else if labels[place] != label {
            is_mixed[place] = 1;
        }
    }
    for (place, label) in [(0, 0), (1, 2)] {
        let codes = labels.iter().map(|codes| Some(codes[place]).filter(|code| *code != NONE && *code != 0));
        columns.push(Cells::Each(coded_optional(codes, &strings(part.label_texts[label].texts()))));
    }
    columns.push(Cells::Numbers(None, is_mixed.into()));
    columns
}

/// Whole numbers of few digits are kept as such: half the bytes, and read twice as fast.
fn short(used_e12: i128) -> Option<i64> {
    // Most are small, and dividing 64 bits is quicker than 128.
    let whole = match u64::try_from(used_e12) {
        Ok(small) => small.is_multiple_of(E12 as u64).then(|| i128::from(small / E12 as u64)),
        Err(_) => (used_e12 % E12 == 0).then_some(used_e12 / E12),
    };
    whole.filter(|whole| *whole < 10_i128.pow(SHORT_DIGITS.into())).and_then(|whole| i64::try_from(whole).ok())
}

/// What holdings used in an hour, as it is written.
enum Amounts<'a> {
    Short(Cow<'a, [i64]>),
    E12(&'a [i128]),
}

impl<'a> Amounts<'a> {
    fn of(used: &'a Used) -> Self {
        match used {
            Used::Whole(whole) => Self::Short(Cow::Borrowed(whole)),
            Used::E12(e12) => match e12.iter().map(|used| short(*used)).collect() {
                Some(short) => Self::Short(Cow::Owned(short)),
                None => Self::E12(e12),
            },
        }
    }

    fn column(&self, kind: &str, hour: i64) -> Column {
        let kind_of = match self {
            Self::Short(_) => DataType::Decimal64(SHORT_DIGITS, 0),
            Self::E12(_) => DataType::Decimal128(38, 12),
        };
        Column::new(format!("{kind}{hour}"), kind_of, Form::Distinct).optional()
    }
}

/// Sums of an hour on their way into columns.
struct Summed<'a> {
    sums: &'a HourUse,
    amounts: Amounts<'a>,
    has_counts: bool,
}

impl<'a> Summed<'a> {
    /// The amounts and the counts of these holdings, in their order, in which the sums stand too.
    fn cells(self, order: &HoldingOrder) -> Vec<Cells<'a>> {
        let holdings = order.holdings.len();
        let mut is_there = vec![0_u8; holdings.div_ceil(8)];
        self.sums.places.iter().for_each(|place| is_there[*place as usize / 8] |= 1 << (place % 8));
        let is_there = NullBuffer::new(BooleanBuffer::new(is_there.into(), 0, holdings));

        let mut cells = Vec::with_capacity(2);
        if self.has_counts {
            cells.push(Cells::Numbers(Some(is_there.clone()), Numbers::Counts(counts(&self.sums.rows))));
        }
        cells.push(match self.amounts {
            Amounts::Short(amounts) => Cells::Numbers(Some(is_there), Numbers::Signed(amounts)),
            Amounts::E12(amounts) => {
                let mut values = vec![0; order.holdings.len()];
                self.sums.places.iter().zip(amounts).for_each(|(place, amount)| values[*place as usize] = *amount);
                let values = Decimal128Array::new(values.into(), Some(is_there));
                Cells::Each(Arc::new(values.with_data_type(DataType::Decimal128(38, 12))))
            }
        });
        cells.reverse();
        cells
    }
}

/// Counts of rows, as far as 32 bits with a sign go.
fn counts(rows: &[u32]) -> Cow<'_, [u32]> {
    const MOST: u32 = i32::MAX as u32;
    match rows.iter().all(|rows| *rows <= MOST) {
        true => Cow::Borrowed(rows),
        false => rows.iter().map(|rows| (*rows).min(MOST)).collect(),
    }
}

//! Accepted rows to the lake, in the layout of `frames`, in the order in which they were delivered.

use crate::error::TallyError;
use crate::file::{
    Cells, Column, Form, One, ROW_GROUP_ROWS, Repeated, Writer, coded, coded_optional, coded_type, quantities, strings,
};
use crate::part::Part;
use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::DataType;
use reckoner_core::table::Texts;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Writes these rows of a part to a new file; hands back rows and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_rows(part: &Part, rows: &[u32], path: &Path) -> Result<(u64, u64), TallyError> {
    let (layout, mut repeated) = (layout(), Repeated::default());
    let mut writer = Writer::create(path, &layout, &mut repeated)?;
    let dictionaries = Dictionaries::of(part);
    for rows in rows.chunks(ROW_GROUP_ROWS) {
        writer.write(rows.len(), columns(part, &Taken::of(rows), &dictionaries))?;
    }
    writer.finish()
}

fn layout() -> Vec<Column> {
    vec![
        Column::text("account_id"),
        Column::new("resource_id", coded_type(), Form::Scattered),
        Column::text("sku"),
        Column::integer("started_at"),
        Column::integer("ended_at"),
        Column::new("quantity", DataType::Decimal128(38, 12), Form::Repeating),
        Column::new("record_id", DataType::Utf8, Form::Distinct),
        Column::integer("revision"),
        Column::text("corrects").optional(),
        Column::integer("waived"),
        Column::text("region").optional(),
        Column::text("resource_name").optional(),
        Column::text("tags"),
        Column::integer("line"),
    ]
}

/// The texts that codes of a part stand for.
struct Dictionaries {
    accounts: Arc<StringArray>,
    resources: Arc<StringArray>,
    skus: Arc<StringArray>,
    labels: [Arc<StringArray>; 3],
}

impl Dictionaries {
    fn of(part: &Part) -> Self {
        let shared = |texts: &Texts| Arc::new(strings(texts));
        let holdings = &part.holdings;
        Self {
            accounts: shared(holdings.accounts.texts()),
            resources: shared(&holdings.resources),
            skus: shared(holdings.skus.texts()),
            labels: part.label_texts.each_ref().map(|codes| shared(codes.texts())),
        }
    }
}

/// Rows of a row group; most stand in the part one after the other.
enum Taken<'a> {
    Run(Range<usize>),
    Some(&'a [u32]),
}

impl<'a> Taken<'a> {
    fn of(rows: &'a [u32]) -> Self {
        match (rows.first(), rows.last()) {
            (Some(first), Some(last)) if rows.windows(2).all(|pair| pair[0] + 1 == pair[1]) => {
                Self::Run(*first as usize..*last as usize + 1)
            }
            _ => Self::Some(rows),
        }
    }

    fn of_column<T: Copy>(&self, values: &[T]) -> Vec<T> {
        match self {
            Self::Run(run) => values[run.clone()].to_vec(),
            Self::Some(rows) => rows.iter().map(|row| values[*row as usize]).collect(),
        }
    }

    fn texts(&self, texts: &Texts) -> StringArray {
        match self {
            Self::Run(run) => StringArray::from_iter_values(run.clone().map(|row| texts.get(row))),
            Self::Some(rows) => StringArray::from_iter_values(rows.iter().map(|row| texts.get(*row as usize))),
        }
    }
}

fn columns(part: &Part, rows: &Taken<'_>, dictionaries: &Dictionaries) -> Vec<Cells> {
    let codes = |codes: &[u32], texts| Cells::Each(coded(rows.of_column(codes).into_iter(), texts));
    let integers = |values: &[i64]| Cells::Each(Arc::new(Int64Array::from(rows.of_column(values))));
    let label = |place: usize| {
        let codes = &part.labels[place];
        if codes.is_empty() {
            return Cells::All(One::Nothing);
        }
        // Code 0 is the empty text: no label.
        let codes = rows.of_column(codes).into_iter().map(|code| Some(code).filter(|code| *code != 0));
        Cells::Each(coded_optional(codes, &dictionaries.labels[place]))
    };
    let tags = match part.labels[2].is_empty() {
        true => Cells::All(One::Text(String::new())),
        false => codes(&part.labels[2], &dictionaries.labels[2]),
    };
    let revision = match part.revision.is_empty() {
        true => Cells::All(One::Integer(0)),
        false => Cells::Each(Arc::new(Int64Array::from_iter_values(rows.of_column(&part.revision).into_iter().map(i64::from)))),
    };
    let lines = rows.of_column(&part.lines).into_iter().map(|line| line as i64);
    vec![
        codes(&part.account, &dictionaries.accounts),
        codes(&part.holding, &dictionaries.resources),
        codes(&part.sku, &dictionaries.skus),
        integers(&part.started_at),
        integers(&part.ended_at),
        Cells::Each(quantities(rows.of_column(&part.quantity_e12))),
        Cells::Each(Arc::new(rows.texts(&part.record_id))),
        revision,
        Cells::All(One::Nothing),
        Cells::All(One::Integer(0)),
        label(0),
        label(1),
        tags,
        Cells::Each(Arc::new(Int64Array::from_iter_values(lines))),
    ]
}

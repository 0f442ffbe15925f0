//! Accepted rows to the lake, in the layout of `frames`, in the order in which they were delivered.

use crate::error::TallyError;
use crate::file::{Cells, Column, Form, One, ROW_GROUP_ROWS, Repeated, Writer, coded, coded_optional, quantities, strings};
use crate::part::Part;
use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::DataType;
use std::path::Path;
use std::sync::Arc;

/// Writes these rows of a part to a new file; hands back rows and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_rows(part: &Part, rows: &[u32], path: &Path) -> Result<(u64, u64), TallyError> {
    let (layout, mut repeated) = (layout(), Repeated::default());
    let mut writer = Writer::create(path, &layout, &mut repeated)?;
    let holdings = &part.holdings;
    let texts = [holdings.accounts.texts(), holdings.skus.texts()].map(|texts| Arc::new(strings(texts)));
    let labels = part.label_texts.each_ref().map(|codes| Arc::new(strings(codes.texts())));
    for rows in rows.chunks(ROW_GROUP_ROWS) {
        writer.write(rows.len(), columns(part, rows, &texts, &labels))?;
    }
    writer.finish()
}

fn layout() -> Vec<Column> {
    vec![
        Column::text("account_id"),
        Column::new("resource_id", DataType::Utf8, Form::Distinct),
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

fn columns(part: &Part, rows: &[u32], texts: &[Arc<StringArray>; 2], labels: &[Arc<StringArray>; 3]) -> Vec<Cells> {
    let integers = |of: &dyn Fn(usize) -> i64| -> Cells {
        Cells::Each(Arc::new(Int64Array::from(rows.iter().map(|row| of(*row as usize)).collect::<Vec<_>>())))
    };
    let record_ids = rows.iter().map(|row| part.record_id.get(*row as usize));
    let resources = rows.iter().map(|row| part.holdings.resources.get(part.holding[*row as usize] as usize));
    let label = |place: usize| {
        let codes = &part.labels[place];
        if codes.is_empty() {
            return Cells::All(One::Nothing);
        }
        // Code 0 is the empty text: no label.
        let codes = rows.iter().map(|row| Some(codes[*row as usize]).filter(|code| *code != 0));
        Cells::Each(coded_optional(codes, &labels[place]))
    };
    let tags = match part.labels[2].is_empty() {
        true => Cells::All(One::Text(String::new())),
        false => Cells::Each(coded(rows.iter().map(|row| part.labels[2][*row as usize]), &labels[2])),
    };
    let revision = match part.revision.is_empty() {
        true => Cells::All(One::Integer(0)),
        false => integers(&|row| part.revision[row].into()),
    };
    vec![
        Cells::Each(coded(rows.iter().map(|row| part.account[*row as usize]), &texts[0])),
        Cells::Each(Arc::new(StringArray::from_iter_values(resources))),
        Cells::Each(coded(rows.iter().map(|row| part.sku[*row as usize]), &texts[1])),
        integers(&|row| part.started_at[row]),
        integers(&|row| part.ended_at[row]),
        Cells::Each(quantities(rows.iter().map(|row| part.quantity_e12[*row as usize]).collect())),
        Cells::Each(Arc::new(StringArray::from_iter_values(record_ids))),
        revision,
        Cells::All(One::Nothing),
        Cells::All(One::Integer(0)),
        label(0),
        label(1),
        tags,
        integers(&|row| part.lines[row] as i64),
    ]
}

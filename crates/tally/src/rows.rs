//! Accepted rows to the lake, in the layout of `frames`, in the order in which they were delivered.

use crate::error::TallyError;
use crate::file::{Form, ROW_GROUP_ROWS, Writer, coded, coded_optional, coded_type, constant, quantities, strings};
use crate::part::Part;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::DataType;
use reckoner_core::table::Texts;
use std::path::Path;
use std::sync::Arc;

/// Writes these rows of a part to a new file; hands back rows and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_rows(part: &Part, rows: &[u32], path: &Path) -> Result<(u64, u64), TallyError> {
    let mut writer = Writer::create(path, &layout())?;
    let holdings = &part.holdings;
    let texts =
        [holdings.accounts.texts(), holdings.resources.texts(), holdings.skus.texts()].map(|texts| Arc::new(strings(texts)));
    let labels = part.label_texts.each_ref().map(|codes| Arc::new(strings(codes.texts())));
    for rows in rows.chunks(ROW_GROUP_ROWS) {
        writer.write(columns(part, rows, &texts, &labels))?;
    }
    writer.finish()
}

fn layout() -> Vec<(String, DataType, bool, Form)> {
    let column = |name: &str, kind, is_optional, form| (name.to_owned(), kind, is_optional, form);
    vec![
        column("account_id", coded_type(), true, Form::Repeating),
        column("resource_id", coded_type(), true, Form::Repeating),
        column("sku", coded_type(), true, Form::Repeating),
        column("started_at", DataType::Int64, true, Form::Rising),
        column("ended_at", DataType::Int64, true, Form::Rising),
        column("quantity", DataType::Decimal128(38, 12), true, Form::Repeating),
        column("record_id", DataType::Utf8, true, Form::Distinct),
        column("revision", DataType::Int64, true, Form::Rising),
        column("corrects", coded_type(), true, Form::Repeating),
        column("waived", DataType::Int64, true, Form::Rising),
        column("region", coded_type(), true, Form::Repeating),
        column("resource_name", coded_type(), true, Form::Repeating),
        column("tags", coded_type(), true, Form::Repeating),
        column("line", DataType::Int64, true, Form::Rising),
    ]
}

fn columns(part: &Part, rows: &[u32], texts: &[Arc<StringArray>; 3], labels: &[Arc<StringArray>; 3]) -> Vec<ArrayRef> {
    let integers = |of: &dyn Fn(usize) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from(rows.iter().map(|row| of(*row as usize)).collect::<Vec<_>>()))
    };
    let key = |place: usize| {
        coded(rows.iter().map(|row| part.holdings.keys[part.holding[*row as usize] as usize][place]), &texts[place])
    };
    let mut record_ids = Texts::default();
    rows.iter().for_each(|row| record_ids.push(part.record_id.get(*row as usize)));
    let nothing = || coded_optional(rows.iter().map(|_| None), &Arc::new(StringArray::from(vec![""])));
    let label = |place: usize| {
        let codes = &part.labels[place];
        if codes.is_empty() {
            return nothing();
        }
        // Code 0 is the empty text: no label.
        coded_optional(rows.iter().map(|row| Some(codes[*row as usize]).filter(|code| *code != 0)), &labels[place])
    };
    let tags = match part.labels[2].is_empty() {
        true => constant("", rows.len()),
        false => coded(rows.iter().map(|row| part.labels[2][*row as usize]), &labels[2]),
    };
    vec![
        key(0),
        key(1),
        key(2),
        integers(&|row| part.started_at[row]),
        integers(&|row| part.ended_at[row]),
        quantities(rows.iter().map(|row| part.quantity_e12[*row as usize]).collect()),
        Arc::new(strings(&record_ids)),
        integers(&|row| part.revision.get(row).copied().unwrap_or_default().into()),
        nothing(),
        integers(&|_| 0),
        label(0),
        label(1),
        tags,
        integers(&|row| part.lines[row] as i64),
    ]
}

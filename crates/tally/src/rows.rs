//! Accepted rows to the lake, in the layout of `frames`, in the order in which they were delivered.

use crate::error::TallyError;
use crate::file::{Cells, Column, Form, One, ROW_GROUP_ROWS, Repeated, Writer, coded_optional, coded_type, strings};
use crate::part::Part;
use crate::runs::Rows;
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use reckoner_core::table::Texts;
use std::path::Path;
use std::sync::Arc;

/// Writes these rows of a part to a new file; hands back rows and bytes.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be created or written.
pub fn write_rows(part: &Part, rows: &Rows, path: &Path) -> Result<(u64, u64), TallyError> {
    let (layout, mut repeated) = (layout(), Repeated::default());
    let mut writer = Writer::create(path, &layout, &mut repeated)?;
    let dictionaries = Dictionaries::of(part);
    for rows in rows.chunks(ROW_GROUP_ROWS) {
        writer.write(rows.len(), columns(part, &rows, &dictionaries))?;
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
    accounts: ArrayRef,
    resources: ArrayRef,
    skus: ArrayRef,
    labels: [ArrayRef; 3],
}

impl Dictionaries {
    fn of(part: &Part) -> Self {
        let holdings = &part.holdings;
        Self {
            accounts: strings(holdings.accounts.texts()),
            resources: strings(&holdings.resources),
            skus: strings(holdings.skus.texts()),
            labels: part.label_texts.each_ref().map(|codes| strings(codes.texts())),
        }
    }
}

fn texts(rows: &Rows, texts: &Texts) -> Texts {
    let mut taken = Texts::default();
    for run in rows.runs() {
        let start = if run.start == 0 { 0 } else { texts.ends[run.start - 1] };
        let (ends, before) = (&texts.ends[run], taken.text.len() as u32);
        let end = ends.last().copied().unwrap_or(start);
        taken.text.push_str(&texts.text[start as usize..end as usize]);
        taken.ends.extend(ends.iter().map(|end| before + (end - start)));
    }
    taken
}

fn columns<'a>(part: &'a Part, rows: &Rows, dictionaries: &Dictionaries) -> Vec<Cells<'a>> {
    let codes = |codes: &'a [u32], values: &ArrayRef| Cells::Coded(rows.of(codes), Arc::clone(values));
    let integers = |values: &'a [i64]| Cells::Numbers(None, rows.of(values));
    let label = |place: usize| {
        let codes = &part.labels[place];
        if codes.is_empty() {
            return Cells::All(One::Nothing);
        }
        // Code 0 is the empty text: no label.
        let codes = rows.of(codes);
        let codes = codes.iter().map(|code| Some(*code).filter(|code| *code != 0));
        Cells::Each(coded_optional(codes, &dictionaries.labels[place]))
    };
    let tags = match part.labels[2].is_empty() {
        true => Cells::All(One::Text(String::new())),
        false => codes(&part.labels[2], &dictionaries.labels[2]),
    };
    let revision = match part.revision.is_empty() {
        true => Cells::All(One::Integer(0)),
        false => Cells::Numbers(None, rows.of(&part.revision).iter().map(|revision| i64::from(*revision)).collect()),
    };
    vec![
        codes(&part.account, &dictionaries.accounts),
        codes(&part.holding, &dictionaries.resources),
        codes(&part.sku, &dictionaries.skus),
        integers(&part.started_at),
        integers(&part.ended_at),
        Cells::Decimals(rows.of(&part.quantity_e12)),
        Cells::Each(strings(&texts(rows, &part.record_id))),
        revision,
        Cells::All(One::Nothing),
        Cells::All(One::Integer(0)),
        label(0),
        label(1),
        tags,
        Cells::Numbers(None, rows.of(&part.lines).iter().map(|line| *line as i64).collect()),
    ]
}

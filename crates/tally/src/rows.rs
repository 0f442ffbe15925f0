//! Accepted rows to the lake, in the layout of `frames`, in the order in which they were delivered.

use crate::error::TallyError;
use crate::file::{
    Cells, Column, Form, Numbers, One, Output, ROW_GROUP_ROWS, Repeated, Scattered, Writer, coded_optional, coded_type, strings,
};
use crate::part::Part;
use crate::runs::Rows;
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use reckoner_core::table::Texts;
use std::borrow::Cow;
use std::sync::Arc;

/// Writes these rows of a part to a new file.
///
/// # Errors
/// [`TallyError::Write`] when the file cannot be written.
pub fn write_rows(part: &Part, rows: &Rows, out: Output<'_>) -> Result<(), TallyError> {
    let (layout, mut repeated) = (layout(), Repeated::default());
    let mut writer = Writer::create(out, &layout, &mut repeated)?;
    let dictionaries = Dictionaries::of(part);
    for rows in rows.chunks(ROW_GROUP_ROWS) {
        writer.write(rows.len(), columns(part, &rows, &dictionaries))?;
    }
    writer.finish()?;
    Ok(())
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
    resources: Scattered,
    skus: ArrayRef,
    labels: [ArrayRef; 3],
}

impl Dictionaries {
    fn of(part: &Part) -> Self {
        let holdings = &part.holdings;
        Self {
            accounts: strings(holdings.accounts.texts()),
            resources: Scattered::of(&holdings.resources),
            skus: strings(holdings.skus.texts()),
            labels: part.label_texts.each_ref().map(|codes| strings(codes.texts())),
        }
    }
}

/// Texts of rows as cells: as they lie, where the rows follow each other.
fn texts<'c>(rows: &Rows, texts: &'c Texts) -> Cells<'c> {
    let mut runs = rows.runs();
    if let (Some(run), None) = (runs.next(), runs.next()) {
        return Cells::Texts(Cow::Borrowed(texts), run);
    }
    let mut taken = Texts::default();
    rows.runs().for_each(|run| taken.push_run(texts, run));
    Cells::Texts(Cow::Owned(taken), 0..rows.len())
}

fn columns<'a>(part: &'a Part, rows: &Rows, dictionaries: &Dictionaries) -> Vec<Cells<'a>> {
    let codes = |codes: &'a [u32], values: &ArrayRef| Cells::Coded(rows.of(codes), Arc::clone(values));
    let seconds = |values: &'a [u32]| Cells::Numbers(None, Numbers::Counts(rows.of(values)));
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
        false => Cells::Numbers(None, Numbers::Counts(rows.of(&part.revision))),
    };
    vec![
        codes(&part.account, &dictionaries.accounts),
        dictionaries.resources.cells(rows.of(&part.holding)),
        codes(&part.sku, &dictionaries.skus),
        seconds(&part.started_at),
        seconds(&part.ended_at),
        Cells::Decimals(part.quantity.of(rows)),
        texts(rows, &part.record_id),
        revision,
        Cells::All(One::Nothing),
        Cells::All(One::Integer(0)),
        label(0),
        label(1),
        tags,
        Cells::Numbers(None, Numbers::Lines(Cow::Owned(part.lines.of(rows)))),
    ]
}

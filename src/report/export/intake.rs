//! What came in and what became of it: `files` in the order taken, `quarantine` by item_id, `usage_accounting` by hour,
//! account_id, sku, unit.

use super::{Batches, ByAccount, ExportTable, Row, Selection, at_hand};
use crate::accounting::Accounting;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant, Integer, Quantity, Text};
use reckoner_store::UsageAccounting;

pub(super) static FILES: ExportTable = ExportTable {
    name: "files",
    columns: &[
        ("seq", Integer),
        ("file_id", Id),
        ("file", Text),
        ("kind", Text),
        ("status", Text),
        ("bytes", Integer),
        ("rows", Integer),
        ("accepted", Integer),
        ("duplicates", Integer),
        ("refused", Integer),
        ("taken_at", Instant),
    ],
    by_account: ByAccount::No("a file holds rows of many"),
    rows: files,
};

fn files<'a>(books: &'a Books, _: &Selection) -> Result<Batches<'a>, Failure> {
    let files = books.store().input_files()?.into_iter().map(|file| {
        vec![
            file.seq.into(),
            file.file_id.into(),
            file.name.into(),
            file.kind.into(),
            if file.is_refused { "refused" } else { "taken" }.into(),
            file.bytes.into(),
            file.rows.into(),
            file.accepted.into(),
            file.duplicates.into(),
            file.refused.into(),
            file.taken_at.into(),
        ]
    });
    Ok(at_hand(files.collect()))
}

pub(super) static QUARANTINE: ExportTable = ExportTable {
    name: "quarantine",
    columns: &[
        ("item_id", Id),
        ("file", Text),
        ("line", Integer),
        ("kind", Text),
        ("column", Text),
        ("value", Text),
        ("reason", Text),
        ("amount_at_risk", Amount),
        ("status", Text),
        ("first_seen_at", Instant),
    ],
    by_account: ByAccount::Asked,
    rows: quarantine,
};

fn quarantine<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let items = books.store().quarantine()?.into_iter();
    let rows = items.filter(|item| selection.wants_account(item.account_id.as_deref())).map(|item| {
        vec![
            item.item_id.into(),
            item.file.into(),
            item.line.into(),
            item.kind.into(),
            item.column.into(),
            item.value.into(),
            item.reason.into(),
            // An estimate, kept to eight digits whatever the profile bills; shown as the others are.
            item.amount_at_risk.cut(books.profile.fee_scale).into(),
            item.status.into(),
            item.first_seen_at.into(),
        ]
    });
    Ok(at_hand(rows.collect()))
}

pub(super) static USAGE_ACCOUNTING: ExportTable = ExportTable {
    name: "usage_accounting",
    columns: &[
        ("hour", Instant),
        ("account_id", Id),
        ("sku", Id),
        ("unit", Text),
        ("accepted", Quantity),
        ("charged", Quantity),
        ("zero_rated", Quantity),
        ("duplicate", Quantity),
        ("quarantined", Quantity),
        ("minimum", Quantity),
    ],
    by_account: ByAccount::Column,
    rows: usage_accounting,
};

fn usage_accounting<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let accounting = Accounting::load(books, selection.span())?;
    let stretches = accounting.stretches(selection.span()).into_iter();
    Ok(Box::new(stretches.map(move |stretch| Ok(accounting.within(stretch)?.into_iter().map(accounting_row).collect()))))
}

fn accounting_row(row: UsageAccounting) -> Row {
    vec![
        row.hour.into(),
        row.account_id.into(),
        row.sku.into(),
        row.unit.into(),
        row.accepted.into(),
        row.charged.into(),
        row.zero_rated.into(),
        row.duplicate.into(),
        row.quarantined.into(),
        row.minimum.into(),
    ]
}

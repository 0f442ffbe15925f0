//! Who paid: `payments` by at, paid_for, seq; `settlements` by settlement_id.

use super::{Batches, ByAccount, ExportTable, Selection, at_hand};
use crate::books::Books;
use crate::failure::Failure;
use crate::report::ColumnKind::{Amount, Id, Instant, Integer, Text};

pub(super) static PAYMENTS: ExportTable = ExportTable {
    name: "payments",
    columns: &[
        ("payment_id", Id),
        ("account_id", Id),
        ("paid_for", Id),
        ("seq", Integer),
        ("kind", Text),
        ("source", Text),
        ("source_id", Id),
        ("amount", Amount),
        ("currency", Text),
        ("at", Instant),
    ],
    by_account: ByAccount::Column,
    rows: payments,
};

fn payments<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let lines = books.store().payments(selection.span())?.into_iter().map(|line| {
        vec![
            line.payment_id.into(),
            line.account_id.into(),
            line.paid_for.into(),
            line.seq.into(),
            line.kind.as_str().into(),
            line.source.as_str().into(),
            line.source_id.into(),
            line.amount.into(),
            line.currency.into(),
            line.at.into(),
        ]
    });
    Ok(at_hand(lines.collect()))
}

pub(super) static SETTLEMENTS: ExportTable = ExportTable {
    name: "settlements",
    columns: &[
        ("settlement_id", Id),
        ("account_id", Id),
        ("at", Instant),
        ("revision", Integer),
        ("billing_period", Text),
        ("currency", Text),
        ("charges", Integer),
        ("due", Amount),
        ("voucher", Amount),
        ("balance", Amount),
        ("granted", Amount),
        ("credit", Amount),
        ("external", Amount),
        ("outstanding", Amount),
        ("run_id", Id),
    ],
    by_account: ByAccount::Column,
    rows: settlements,
};

fn settlements<'a>(books: &'a Books, selection: &Selection) -> Result<Batches<'a>, Failure> {
    let mut settlements = books.store().settlements(selection.span())?;
    settlements.sort_by(|a, b| a.settlement_id.cmp(&b.settlement_id));
    let rows = settlements.into_iter().map(|row| {
        vec![
            row.settlement_id.to_string().into(),
            row.account_id.to_string().into(),
            row.at.into(),
            row.revision.into(),
            row.billing_period.to_string().into(),
            row.currency.to_string().into(),
            row.charges.into(),
            row.due.into(),
            row.voucher.into(),
            row.balance.into(),
            row.granted.into(),
            row.credit.into(),
            row.external.into(),
            row.outstanding.into(),
            row.run_id.to_string().into(),
        ]
    });
    Ok(at_hand(rows.collect()))
}

//! CSV by RFC 4180 with a header row, UTF-8, lines ended by LF.
//!
//! A spreadsheet runs a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula; such a text
//! gets a `'` in front, which the spreadsheet does not show. Only text columns are touched: a negative amount is a number,
//! and an id may begin with `-` or `@` and must come back as it went.

use super::WriteError;
use super::table::{Cell, ColumnKind, Rendering, Table};
use std::io::Write;

/// Writes the table; hands back its rows.
pub(super) fn write(table: Table<'_>, rendering: Rendering, out: impl Write) -> Result<u64, WriteError> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::Any(b'\n')).from_writer(out);
    let (columns, batches) = table.into_checked();
    writer.write_record(columns.iter().map(|column| column.name.as_bytes())).map_err(into_io)?;
    let mut rows = 0;
    for batch in batches {
        for row in batch? {
            for (cell, column) in row.iter().zip(&columns) {
                write_cell(&mut writer, cell, column.kind, rendering)?;
            }
            writer.write_record(None::<&[u8]>).map_err(into_io)?;
            rows += 1;
        }
    }
    writer.flush()?;
    Ok(rows)
}

fn write_cell<W: Write>(
    writer: &mut ::csv::Writer<W>,
    cell: &Cell,
    kind: ColumnKind,
    rendering: Rendering,
) -> Result<(), WriteError> {
    let text = cell.rendered(rendering)?.unwrap_or_default();
    let is_formula = kind == ColumnKind::Text && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    match is_formula {
        true => writer.write_field(format!("'{text}")),
        false => writer.write_field(text.as_bytes()),
    }
    .map_err(into_io)
}

fn into_io(error: ::csv::Error) -> WriteError {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => WriteError::Io(error),
        other => WriteError::Io(std::io::Error::other(format!("{other:?}"))),
    }
}

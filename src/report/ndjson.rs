//! NDJSON: one object a line in the columns' order, decimals as strings, numbers and booleans as such, `null` for no value.
//! And the same objects as one document.

use super::WriteError;
use super::table::{Cell, Column, Rendering, Row, Table};
use std::io::Write;

/// Writes the table, one object a line; hands back its rows.
pub(super) fn write_lines(table: Table<'_>, rendering: Rendering, mut out: impl Write) -> Result<u64, WriteError> {
    let (columns, batches) = table.into_checked();
    let mut rows = 0;
    for batch in batches {
        for row in batch? {
            write_object(&columns, &row, rendering, &mut out)?;
            out.write_all(b"\n")?;
            rows += 1;
        }
    }
    out.flush()?;
    Ok(rows)
}

/// Writes the table as one document, `{"table": …, "rows": [{…}]}`; hands back its rows.
pub(super) fn write_document(table: Table<'_>, rendering: Rendering, mut out: impl Write) -> Result<u64, WriteError> {
    write!(out, "{{\"table\":{},\"rows\":[", json_text(&table.name))?;
    let (columns, batches) = table.into_checked();
    let mut rows = 0;
    for batch in batches {
        for row in batch? {
            out.write_all(if rows == 0 { b"\n" } else { b",\n" })?;
            write_object(&columns, &row, rendering, &mut out)?;
            rows += 1;
        }
    }
    out.write_all(b"\n]}\n")?;
    out.flush()?;
    Ok(rows)
}

fn write_object(columns: &[Column], row: &Row, rendering: Rendering, out: &mut impl Write) -> Result<(), WriteError> {
    out.write_all(b"{")?;
    for (index, (column, cell)) in columns.iter().zip(row).enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}{}:", json_text(&column.name))?;
        match (cell, cell.rendered(rendering)?) {
            (_, None) => out.write_all(b"null")?,
            (Cell::Integer(_) | Cell::Bool(_), Some(text)) => out.write_all(text.as_bytes())?,
            (_, Some(text)) => out.write_all(json_text(&text).as_bytes())?,
        }
    }
    out.write_all(b"}")?;
    Ok(())
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}

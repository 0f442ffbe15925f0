//! The commands that only read: `export`.

use super::args::{ExportArgs, OutputFormat, OutputTable};
use super::{Answer, not_yet};
use crate::app::Caller;
use crate::books::Books;
use crate::failure::Failure;
use crate::report::export::{self, Selection};
use crate::report::terminal::grouped;
use crate::report::{Format, Rendering, Table, write_file, write_stdout, write_stdout_document};
use serde_json::json;

/// `export TABLE`.
pub fn export(caller: &Caller, args: &ExportArgs) -> Result<Answer, Failure> {
    let session = caller.read()?;
    let within = session.range(args.from, args.to)?;
    let books = Books::open(session)?;
    let selection = Selection { within, account_id: args.account.clone() };
    let table = table(&books, args.table, &selection)?;
    let rendering = Rendering { zone: books.zone, fee_scale: books.profile.fee_scale };
    let format = match args.format {
        Some(OutputFormat::Csv) => Some(Format::Csv),
        Some(OutputFormat::Parquet) => Some(Format::Parquet),
        Some(OutputFormat::Ndjson) => Some(Format::Ndjson),
        Some(OutputFormat::Hledger | OutputFormat::Beancount) => {
            return Err(Failure::usage("this format is for the ledger only").at("--format").expected("csv, parquet or ndjson"));
        }
        None => args.output.as_deref().and_then(Format::of_path),
    };
    match &args.output {
        Some(path) => {
            let rows = write_file(table, format.unwrap_or(Format::Csv), rendering, path)?;
            let text = format!("{} rows of {} in {}\n", grouped(rows), args.table.as_str(), path.display());
            let document = json!({ "table": args.table.as_str(), "rows": rows, "file": path.display().to_string() });
            Ok(Answer::done(text, document))
        }
        None if caller.is_json && format.is_none() => {
            write_stdout_document(table, rendering)?;
            Ok(Answer::Written)
        }
        None => {
            write_stdout(table, format.unwrap_or(Format::Csv), rendering)?;
            Ok(Answer::Written)
        }
    }
}

fn table<'a>(books: &'a Books, table: OutputTable, selection: &Selection) -> Result<Table<'a>, Failure> {
    match table {
        OutputTable::Charges => export::charges(books, selection),
        OutputTable::Payments => export::payments(books, selection),
        _ => Err(not_yet::part(&format!("export {}", table.as_str()), "charges and payments")),
    }
}

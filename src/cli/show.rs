//! `export`: one table, or the ledger as plain-text accounting. `explain`: from an amount back to delivered lines.

use super::args::{ExplainArgs, ExportArgs, OutputFormat, OutputTable};
use super::{Answer, not_yet};
use crate::app::Caller;
use crate::books::Books;
use crate::explain;
use crate::failure::Failure;
use crate::report::export::ledger::{self, Journal};
use crate::report::export::{self, Selection};
use crate::report::terminal::grouped;
use crate::report::{Format, Rendering, write_file, write_stdout, write_stdout_document, write_text};
use serde_json::json;
use std::path::Path;

/// As what an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Table(Format),
    Journal(Journal),
}

/// `export TABLE`.
pub fn export(caller: &Caller, args: &ExportArgs) -> Result<Answer, Failure> {
    let name = args.table.as_str();
    let Some(table) = export::find(&name) else {
        let instead = export::TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
        return Err(not_yet::part(&format!("export {name}"), &format!("there are {instead}")));
    };
    if args.view.is_some() {
        return Err(Failure::usage("`--view` is for `allocation` only").at("--view").hint("leave it out"));
    }
    let shape = shape(args)?;
    let session = caller.read()?;
    let within = match (args.from, args.to) {
        (None, None) => None,
        (from, to) => Some(session.range(from, to)?),
    };
    let books = Books::open(session)?;
    let selection = Selection { within, account_id: args.account.clone() };
    let rendering = Rendering { zone: books.zone, fee_scale: books.profile.fee_scale };
    let is_document = caller.is_json && args.format.is_none();

    match (shape, args.output.as_deref()) {
        (Shape::Journal(journal), to) if !(is_document && to.is_none()) => {
            let entries = ledger::entries(&books, &selection)?;
            write_text(to, |out| entries.write(journal, out))?;
            Ok(to.map_or(Answer::Written, |path| told(&name, "transactions", entries.len() as u64, path)))
        }
        (Shape::Table(format), Some(path)) => {
            let rows = write_file(table.select(&books, &selection)?, format, rendering, path)?;
            Ok(told(&name, "rows", rows, path))
        }
        (Shape::Table(format), None) if !is_document => {
            write_stdout(table.select(&books, &selection)?, format, rendering)?;
            Ok(Answer::Written)
        }
        (Shape::Table(_) | Shape::Journal(_), _) => {
            write_stdout_document(table.select(&books, &selection)?, rendering)?;
            Ok(Answer::Written)
        }
    }
}

/// `explain ID`.
pub fn explain(caller: &Caller, args: &ExplainArgs) -> Result<Answer, Failure> {
    let books = Books::open(caller.read()?)?;
    let story = explain::explain(&books, &args.id)?;
    Ok(Answer::done(story.text(&books), story.document(&books)))
}

fn told(table: &str, what: &str, count: u64, path: &Path) -> Answer {
    let file = path.display().to_string();
    let text = format!("{} {what} of {table} in {file}\n", grouped(count));
    Answer::done(text, json!({ "table": table, what: count, "file": file }))
}

/// By `--format`, else by the file's ending, else what the table is usually wanted as.
fn shape(args: &ExportArgs) -> Result<Shape, Failure> {
    let is_ledger = args.table == OutputTable::Ledger;
    let asked = match args.format {
        Some(OutputFormat::Csv) => Some(Shape::Table(Format::Csv)),
        Some(OutputFormat::Parquet) => Some(Shape::Table(Format::Parquet)),
        Some(OutputFormat::Ndjson) => Some(Shape::Table(Format::Ndjson)),
        Some(OutputFormat::Hledger) => Some(Shape::Journal(Journal::Hledger)),
        Some(OutputFormat::Beancount) => Some(Shape::Journal(Journal::Beancount)),
        None => None,
    };
    if matches!(asked, Some(Shape::Journal(_))) && !is_ledger {
        return Err(Failure::usage("this format is for the ledger only")
            .at("--format")
            .expected("csv, parquet or ndjson")
            .hint("`reckoner export ledger --format hledger` writes the journal"));
    }
    let by_ending = args.output.as_deref().and_then(|path| match path.extension()?.to_str()? {
        "journal" | "hledger" | "ledger" if is_ledger => Some(Shape::Journal(Journal::Hledger)),
        "beancount" if is_ledger => Some(Shape::Journal(Journal::Beancount)),
        _ => Format::of_path(path).map(Shape::Table),
    });
    let usual = if is_ledger { Shape::Journal(Journal::Hledger) } else { Shape::Table(Format::Csv) };
    Ok(asked.or(by_ending).unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_asked_for_or_read_from_the_files_ending() {
        use OutputFormat::*;
        let (csv, hledger) = (Shape::Table(Format::Csv), Shape::Journal(Journal::Hledger));
        // table | --format | -o | as what
        let cases = [
            (OutputTable::Charges, None, None, Some(csv)),
            (OutputTable::Charges, None, Some("a.parquet"), Some(Shape::Table(Format::Parquet))),
            (OutputTable::Charges, Some(Csv), Some("a.parquet"), Some(csv)), // what is asked for wins
            (OutputTable::Charges, None, Some("a.ledger"), Some(csv)),
            (OutputTable::Charges, Some(Hledger), None, None),
            (OutputTable::Ledger, None, None, Some(hledger)),
            (OutputTable::Ledger, None, Some("books.txt"), Some(hledger)),
            (OutputTable::Ledger, None, Some("a.csv"), Some(csv)),
            (OutputTable::Ledger, None, Some("a.beancount"), Some(Shape::Journal(Journal::Beancount))),
            (OutputTable::Ledger, Some(Csv), None, Some(csv)),
        ];
        for (table, format, output, expected) in cases {
            let args =
                ExportArgs { table, format, from: None, to: None, account: None, view: None, output: output.map(Into::into) };
            assert_eq!(shape(&args).ok(), expected, "{table:?} {format:?} {output:?}");
        }
    }
}

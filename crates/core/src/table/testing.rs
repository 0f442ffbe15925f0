//! What the tables' tests share: a right row, what one line changes in it, and what comes of it.

use super::{Context, RawRow, Refusal, TableKind};

/// A row of the table with these cells, on line 7.
pub(super) fn row<'a>(kind: TableKind, cells: &[(&str, &'a str)]) -> RawRow<'a> {
    let schema = kind.schema();
    let mut texts = vec![""; schema.columns.len()];
    for (column, text) in cells {
        texts[schema.position(column).expect("a column of the table")] = text;
    }
    RawRow::new(schema, 7, texts)
}

/// A right row and the function that reads it.
pub(super) struct Cases<'a, T> {
    pub(super) kind: TableKind,
    pub(super) base: &'a [(&'a str, &'a str)],
    pub(super) parse: fn(&RawRow<'_>, &Context<'_>) -> Result<T, Refusal>,
}

impl<T> Cases<'_, T> {
    /// Each line: what is changed in the right row, and `ok` or the code and column of the refusal.
    pub(super) fn check(&self, cases: &[(&[(&str, &str)], &str)]) {
        for (changes, expected) in cases {
            let raw = row(self.kind, &[self.base, changes].concat());
            let seen = match (self.parse)(&raw, &Context::new("CNY")) {
                Ok(_) => "ok".to_owned(),
                Err(refusal) => format!("{} {}", refusal.reason, refusal.column.unwrap_or_default()),
            };
            assert_eq!(&seen, expected, "{changes:?}");
        }
    }
}

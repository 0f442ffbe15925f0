//! The input tables by name: which there are, in which order they are taken, which file holds which.

use super::schema::TableSchema;

/// An input table of the contract. The order is the order in which files of one delivery are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TableKind {
    /// Who pays.
    Accounts,
    /// What belongs together.
    Products,
    /// What a sku costs.
    Prices,
    /// What an account need not pay.
    Discounts,
    /// What pays instead of money.
    Vouchers,
    /// Money in and out.
    Funds,
    /// What customers want done.
    Orders,
    /// Who owned what.
    Assignments,
    /// What happened.
    Usage,
    /// How shared cost is split.
    AllocationRules,
    /// What may be spent.
    Budgets,
}

/// Names that the contract reserves: known, without columns yet.
pub const RESERVED: [&str; 4] = ["packages", "commitments", "rates", "taxes"];

/// Why a name leads to no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableKindError {
    /// A table of a later version.
    #[error("`{name}` holds the table `{table}`, which this version does not take in yet; expected one of {}", known())]
    NotYet {
        /// The file's name or the word, as given.
        name: String,
        /// The table meant.
        table: String,
    },
    /// No table at all.
    #[error("`{name}` names no table; expected a name that begins with one of {}, or the table said with `--kind`", known())]
    Unknown {
        /// The file's name or the word, as given.
        name: String,
    },
}

impl TableKind {
    /// Every input table, in the order taken.
    pub const ALL: [Self; 11] = [
        Self::Accounts,
        Self::Products,
        Self::Prices,
        Self::Discounts,
        Self::Vouchers,
        Self::Funds,
        Self::Orders,
        Self::Assignments,
        Self::Usage,
        Self::AllocationRules,
        Self::Budgets,
    ];

    /// The word that the contract uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Products => "products",
            Self::Prices => "prices",
            Self::Discounts => "discounts",
            Self::Vouchers => "vouchers",
            Self::Funds => "funds",
            Self::Orders => "orders",
            Self::Assignments => "assignments",
            Self::Usage => "usage",
            Self::AllocationRules => "allocation_rules",
            Self::Budgets => "budgets",
        }
    }

    /// Whether this version takes the table in; the others are known and answered with "not yet".
    pub const fn is_taken_in(self) -> bool {
        match self {
            Self::Accounts
            | Self::Products
            | Self::Prices
            | Self::Discounts
            | Self::Vouchers
            | Self::Funds
            | Self::Orders
            | Self::Usage => true,
            Self::Assignments | Self::AllocationRules | Self::Budgets => false,
        }
    }

    /// The table with exactly this name, as `--kind` says it.
    ///
    /// # Errors
    /// [`TableKindError`] when there is none, or none yet.
    pub fn from_word(word: &str) -> Result<Self, TableKindError> {
        match names().find(|name| *name == word) {
            Some(table) => Self::answer(word, table),
            None => Err(TableKindError::Unknown { name: word.to_owned() }),
        }
    }

    /// The table that a file's name begins with, up to a character that is no letter; folders do not count.
    ///
    /// # Errors
    /// [`TableKindError`] when the name begins with no table's name, or with one that is not taken in yet.
    ///
    /// # Example: what is in `usage-2026-01-05T13.csv`?
    /// ```
    /// use reckoner_core::table::TableKind;
    /// assert_eq!(TableKind::from_file_name("drop/usage-2026-01-05T13.csv"), Ok(TableKind::Usage));
    /// assert!(TableKind::from_file_name("usages.csv").is_err());
    /// ```
    pub fn from_file_name(file_name: &str) -> Result<Self, TableKindError> {
        let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
        let begins = |table: &&str| {
            let rest = name.strip_prefix(*table);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic()))
        };
        match names().filter(begins).max_by_key(|table| table.len()) {
            Some(table) => Self::answer(name, table),
            None => Err(TableKindError::Unknown { name: name.to_owned() }),
        }
    }

    /// The table's columns and what they mean.
    pub fn schema(self) -> &'static TableSchema {
        super::schema::input(self)
    }

    fn answer(name: &str, table: &str) -> Result<Self, TableKindError> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == table && kind.is_taken_in());
        kind.ok_or_else(|| TableKindError::NotYet { name: name.to_owned(), table: table.to_owned() })
    }
}

impl std::fmt::Display for TableKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    TableKind::ALL.into_iter().map(TableKind::as_str).chain(RESERVED)
}

fn known() -> String {
    let taken = TableKind::ALL.into_iter().filter(|kind| kind.is_taken_in());
    taken.map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_begins_with_its_table() {
        let cases = [
            ("usage-2026-01-05T13.csv", "usage"),
            ("usage.parquet", "usage"),
            ("usage20260105.csv", "usage"),
            ("usage_2026.csv", "usage"),
            ("in/box/prices.csv", "prices"),
            ("C:\\drop\\funds-1.csv", "funds"),
            ("usages.csv", "unknown"),        // a letter goes on: another word
            ("Usage.csv", "unknown"),         // names are lower case
            ("my-usage.csv", "unknown"),      // only the start counts
            (".usage.csv", "unknown"),        // half-written files often begin with a point
            ("usage-x/readme.md", "unknown"), // folders do not count
            ("", "unknown"),
            ("allocation_rules-1.csv", "not yet: allocation_rules"),
            ("orders.csv", "orders"),
            ("assignments.csv", "not yet: assignments"),
            ("taxes-2026.csv", "not yet: taxes"),
            ("rates.csv", "not yet: rates"),
        ];
        for (name, expected) in cases {
            let seen = match TableKind::from_file_name(name) {
                Ok(kind) => kind.to_string(),
                Err(TableKindError::NotYet { table, .. }) => format!("not yet: {table}"),
                Err(TableKindError::Unknown { .. }) => "unknown".to_owned(),
            };
            assert_eq!(seen, expected, "{name}");
        }
    }

    #[test]
    fn a_word_is_the_whole_name() {
        assert_eq!(TableKind::from_word("usage"), Ok(TableKind::Usage));
        assert!(TableKind::from_word("usage-1").is_err());
        let not_yet = TableKind::from_word("budgets").expect_err("a later job's table").to_string();
        assert!(not_yet.contains("not") && not_yet.contains("yet") && not_yet.contains("`usage`"), "{not_yet}");
    }

    #[test]
    fn files_are_taken_in_the_contracts_order() {
        let order = TableKind::ALL.map(TableKind::as_str).join(" ");
        let contract = "accounts products prices discounts vouchers funds orders assignments usage";
        assert_eq!(order, format!("{contract} allocation_rules budgets"));
        assert!(TableKind::ALL.is_sorted());
    }
}

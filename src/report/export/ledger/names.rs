//! Account names of plain-text accounting. Two ledger accounts never get one name, whatever their ids are made of.

/// What a ledger account's name is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A word of the chart: `assets`, `write_off`.
    Word(&'a str),
    /// The id of an account or product, which may hold colons itself.
    Id(&'a str),
}

/// Names that end in an id.
const ENDS_IN_ID: [&str; 4] = ["assets:receivable:", "liabilities:wallet:", "liabilities:granted:", "liabilities:deferred:"];

/// Takes a name of the chart apart.
pub(super) fn parts(account: &str) -> Vec<Part<'_>> {
    if let Some(prefix) = ENDS_IN_ID.iter().find(|prefix| account.starts_with(**prefix)) {
        let (words, id) = account.split_at(prefix.len());
        return words.trim_end_matches(':').split(':').map(Part::Word).chain([Part::Id(id)]).collect();
    }
    // income:PRODUCT:MODE
    if let Some((product, mode)) = account.strip_prefix("income:").and_then(|rest| rest.rsplit_once(':')) {
        return vec![Part::Word("income"), Part::Id(product), Part::Word(mode)];
    }
    account.split(':').map(Part::Word).collect()
}

/// For hledger and ledger: as the chart has it, but a colon inside an id would make a sub-account and is written `%3A`.
pub(super) fn hledger(account: &str) -> String {
    let part = |part: Part<'_>| match part {
        Part::Word(word) => word.to_owned(),
        Part::Id(id) => id.replace(':', "%3A"),
    };
    parts(account).into_iter().map(part).collect::<Vec<_>>().join(":")
}

/// For beancount: one of its five roots, then components that begin with a capital or digit and hold letters, digits, `-`.
pub(super) fn beancount(account: &str) -> String {
    let mut components: Vec<String> = Vec::new();
    for part in parts(account) {
        match part {
            // Vouchers take away from income; suspense is nobody's yet.
            Part::Word("contra") => components.extend(["Income", "Contra"].map(str::to_owned)),
            Part::Word("suspense") => components.extend(["Equity", "Suspense"].map(str::to_owned)),
            Part::Word("expense") => components.push("Expenses".to_owned()),
            Part::Word(word) => components.push(word.split('_').map(capitalised).collect()),
            Part::Id(id) => components.push(component(id)),
        }
    }
    components.join(":")
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// An id as a component, so that no two ids give the same one: a small first letter becomes a capital, an id that cannot
/// begin like that gets `X--k` in front, and what is no letter or digit becomes `--` and a letter. A hyphen between
/// letters or digits stays.
fn component(id: &str) -> String {
    let first = id.chars().next().unwrap_or_default();
    let (mut text, rest) = match first {
        'a'..='z' => (first.to_ascii_uppercase().to_string(), &id[1..]),
        '0'..='9' => (first.to_string(), &id[1..]),
        _ => ("X--k".to_owned(), id),
    };
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '-' if chars.peek().is_some_and(char::is_ascii_alphanumeric) => text.push('-'),
            '-' => text.push_str("--h"),
            '.' => text.push_str("--d"),
            '_' => text.push_str("--u"),
            ':' => text.push_str("--c"),
            '/' => text.push_str("--s"),
            '@' => text.push_str("--a"),
            other => text.push(other),
        }
    }
    text
}

//! Which rows of the parts of a segment are taken: by identity, and where two are alike by what they say.

use reckoner_tally::Part;

/// The identities of a part's rows in order, each with its row; equal ones in the order of rows.
pub(super) type Sorted = Vec<(u64, u32)>;

/// What becomes of the rows of a part; each list ascending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// New: they take effect.
    pub taken: Vec<u32>,
    /// The identities of those, sorted.
    pub identities: Vec<u64>,
    /// They say what an earlier row of the delivery says.
    pub again: Vec<u32>,
    /// Only the readable way can tell.
    pub left: Vec<u32>,
}

/// Decides about every row; `met` are identities of earlier rows, sorted.
pub(super) fn resolve(parts: &[Part], sorted: &[Sorted], met: &[u64]) -> Vec<Resolved> {
    const TAKEN: u8 = 0;
    const AGAIN: u8 = 1;
    const LEFT: u8 = 2;
    let mut fate: Vec<Vec<u8>> = parts.iter().map(|part| vec![TAKEN; part.len()]).collect();
    for identity in collisions(parts, sorted, met) {
        let group = group_of(sorted, identity.identity);
        let Some((first_part, first_row)) = group.first().copied() else { continue };
        for (place, (part, row)) in group.iter().enumerate() {
            let is_same = || parts[first_part].says_the_same(first_row as usize, &parts[*part], *row as usize);
            fate[*part][*row as usize] = match (identity.is_doubtful, place) {
                (true, _) => LEFT,
                (false, 0) => TAKEN,
                (false, _) if is_same() => AGAIN,
                (false, _) => LEFT,
            };
        }
    }
    let of = |fates: &[u8], wanted: u8| (0..).zip(fates).filter(|(_, fate)| **fate == wanted).map(|(row, _)| row).collect();
    let resolved = fate.iter().zip(sorted).map(|(fates, sorted)| Resolved {
        taken: of(fates, TAKEN),
        identities: sorted.iter().filter(|(_, row)| fates[*row as usize] == TAKEN).map(|(identity, _)| *identity).collect(),
        again: of(fates, AGAIN),
        left: of(fates, LEFT),
    });
    resolved.collect()
}

/// An identity that several rows have.
struct Collision {
    identity: u64,
    /// A row that is not plain, or that of another delivery, has it: the order between them is the readable way's to keep.
    is_doubtful: bool,
}

/// The identities that more than one row has, each once.
fn collisions(parts: &[Part], sorted: &[Sorted], met: &[u64]) -> Vec<Collision> {
    let mut doubtful: Vec<u64> = parts.iter().flat_map(|part| &part.not_plain).filter_map(|row| row.identity).collect();
    doubtful.extend(met);
    doubtful.sort_unstable();
    doubtful.dedup();

    let mut alike: Vec<u64> = Vec::new();
    for rows in sorted {
        alike.extend(rows.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0));
    }
    if let [first, second] = sorted {
        let mut rest = second.as_slice();
        for (identity, _) in first {
            while rest.first().is_some_and(|(other, _)| other < identity) {
                rest = &rest[1..];
            }
            if rest.first().is_some_and(|(other, _)| other == identity) {
                alike.push(*identity);
            }
        }
    }
    alike.retain(|identity| doubtful.binary_search(identity).is_err());
    alike.sort_unstable();
    alike.dedup();
    let of = |identities: Vec<u64>, is_doubtful| identities.into_iter().map(move |identity| Collision { identity, is_doubtful });
    of(doubtful, true).chain(of(alike, false)).collect()
}

/// The rows that have an identity, by part and row: the order of the delivery.
fn group_of(sorted: &[Sorted], identity: u64) -> Vec<(usize, u32)> {
    let of_part = |(part, rows): (usize, &Sorted)| {
        let first = rows.partition_point(|(other, _)| *other < identity);
        let rows = rows[first..].iter().take_while(|(other, _)| *other == identity);
        rows.map(|(_, row)| (part, *row)).collect::<Vec<_>>()
    };
    sorted.iter().enumerate().flat_map(of_part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reckoner_core::account::Accounts;
    use reckoner_core::intake::{PlainTerms, UsageChecks};
    use reckoner_core::price::{PriceBook, Prices};
    use reckoner_core::table::{Coded, Context, RawRow, TableKind, UsageColumns, price};
    use reckoner_core::time::{Instant, Zone};
    use reckoner_tally::{Judge, identity, sorted_hashes};

    const ACCOUNT: &str = "a";

    /// Everything is for sale.
    struct Market(Prices);

    impl Market {
        fn new() -> Self {
            let cells = [("sku", "gb"), ("product", "p"), ("billing_mode", "pay_per_use"), ("unit", "GB"), ("unit_price", "1")];
            let pairs: Vec<(String, String)> = cells.map(|(column, cell)| (column.to_owned(), cell.to_owned())).to_vec();
            let raw = RawRow::from_pairs(TableKind::Prices.schema(), 2, &pairs).expect("known columns");
            let row = price::parse(&raw, &Context::new("CNY")).expect("a price");
            Self(PriceBook::new([(1, row)]).as_of(1))
        }
    }

    impl Judge for Market {
        fn currency(&self, _: &str) -> Option<&str> {
            Some("CNY")
        }

        fn terms(&self, sku: &str, currency: &str) -> Option<PlainTerms> {
            let accounts = Accounts::new([]);
            let (as_of, zone) = (Instant::from_seconds(1_000_000), Zone::parse("UTC").expect("a zone"));
            UsageChecks { accounts: &accounts, prices: &self.0, as_of, epoch: None, late_from: None, zone }
                .plain_terms(sku, currency)
        }
    }

    /// Rows as words, `x1`: record `x` uses 1; `x?` is not plain. What becomes of the plain ones, as words again.
    fn fates(texts: &[&str], met: &str) -> Vec<String> {
        let market = Market::new();
        let mut parts = Vec::new();
        for text in texts {
            let mut columns = UsageColumns::default();
            for (row, word) in (0..).zip(text.split_whitespace()) {
                let (id, quantity) = word.split_at(1);
                columns.lines.push(u64::from(row) + 2);
                columns.record_id.push(id);
                for (column, cell) in
                    [(&mut columns.account_id, ACCOUNT), (&mut columns.resource_id, "r"), (&mut columns.sku, "gb")]
                {
                    one(column, cell);
                }
                columns.started_at.push(1_000);
                columns.ended_at.push(1_000);
                columns.quantity_e12.push(quantity.parse().unwrap_or_default());
                if quantity == "?" {
                    columns.unread.push(row);
                }
            }
            let mut part = Part::default();
            part.take(&columns, &market);
            parts.push(part);
        }
        let mut met: Vec<u64> = met.split_whitespace().map(|id| identity(ACCOUNT, id)).collect();
        met.sort_unstable();
        let sorted: Vec<Sorted> = parts.iter().map(|part| sorted_hashes(&part.identity)).collect();
        let resolved = resolve(&parts, &sorted, &met);
        parts.iter().zip(&resolved).map(|(part, resolved)| said(part, resolved)).collect()
    }

    fn one(column: &mut Coded, cell: &str) {
        column.codes.push(column.values.len() as u32);
        column.values.push(cell);
    }

    /// `taken | again | left`.
    fn said(part: &Part, resolved: &Resolved) -> String {
        let mut identities: Vec<u64> = resolved.taken.iter().map(|row| part.identity[*row as usize]).collect();
        identities.sort_unstable();
        assert_eq!(resolved.identities, identities, "the identities of what is taken, sorted");
        let word = |row: &u32| format!("{}{}", part.record_id.get(*row as usize), part.quantity_e12[*row as usize]);
        let words = |rows: &[u32]| rows.iter().map(word).collect::<Vec<_>>().join(" ");
        format!("{} | {} | {}", words(&resolved.taken), words(&resolved.again), words(&resolved.left))
    }

    #[test]
    fn the_first_of_an_id_is_taken_and_what_says_the_same_is_again() {
        // parts | known before | taken, again, left of each part
        let cases: [(&[&str], &str, &[&str]); 12] = [
            (&[""], "", &[" |  | "]),
            (&["x1 y1 z1"], "", &["x1 y1 z1 |  | "]),
            (&["x1 y1 x1 x1"], "", &["x1 y1 | x1 x1 | "]),
            (&["x1 x2 x1"], "", &["x1 | x1 | x2"]),
            (&["x2 x1 x1"], "", &["x2 |  | x1 x1"]), // the odd one is the first: it stays
            (&["x1 y1", "y1 x2 z1"], "", &["x1 y1 |  | ", "z1 | y1 | x2"]),
            (&["z1", "x1 x1 y1"], "", &["z1 |  | ", "x1 y1 | x1 | "]),
            (&["x1 x1", "x2 x1"], "", &["x1 | x1 | ", " | x1 | x2"]),
            // Known before, or beside a row that is not plain: their order is the readable way's to keep.
            (&["x1 y1 x1"], "x", &["y1 |  | x1 x1"]),
            (&["x1 y1", "x1"], "x q", &["y1 |  | x1", " |  | x1"]),
            (&["x1 y1 x? x1"], "", &["y1 |  | x1 x1"]),
            (&["x1 y1", "x? z1"], "y", &[" |  | x1 y1", "z1 |  | "]),
        ];
        for (parts, met, expected) in cases {
            assert_eq!(fates(parts, met), expected, "{parts:?}, known: {met:?}");
        }
    }
}
